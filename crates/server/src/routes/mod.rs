//! One file per noun. A handler parses, calls a use case, converts.

mod access;
mod accounts;
mod analysis;
mod devices;
mod hooks;
mod impulses;
mod jobs;
mod models;
mod phone;
mod projects;
mod results;
mod samples;
mod tools;
mod uploads;
mod versions;

pub use access::{agent, signed_in};
pub use jobs::LINES;

use crate::state::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All operations. The OpenAPI document is made of the same list.
pub fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(access::health))
        .routes(routes!(access::who, access::sign_in, access::sign_out))
        .routes(routes!(access::sign_in_with_token))
        .routes(routes!(access::set_password))
        .routes(routes!(accounts::list_sessions))
        .routes(routes!(accounts::end_session))
        .routes(routes!(accounts::list_accounts, accounts::invite))
        .routes(routes!(accounts::change_account, accounts::remove_account))
        .routes(routes!(accounts::invite_again))
        .routes(routes!(access::list_keys, access::create_key))
        .routes(routes!(access::delete_key))
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(projects::get_project))
        .routes(routes!(projects::read_file, projects::write_file))
        .routes(routes!(projects::check_file))
        .routes(routes!(projects::estimate))
        .routes(routes!(impulses::list_impulses))
        .routes(routes!(impulses::save_impulse, impulses::remove_impulse))
        .routes(routes!(impulses::use_impulse))
        .routes(routes!(impulses::diff_impulse))
        .routes(routes!(versions::list_versions))
        .routes(routes!(versions::compare_versions))
        .routes(routes!(versions::diff_version))
        .routes(routes!(versions::restore_version))
        .routes(routes!(samples::list_samples, samples::upload_sample, samples::edit_samples))
        .routes(routes!(samples::delete_samples))
        .routes(routes!(uploads::begin_upload))
        .routes(routes!(uploads::get_upload, uploads::add_piece, uploads::remove_upload))
        .routes(routes!(uploads::finish_upload))
        .routes(routes!(samples::preview_table))
        .routes(routes!(samples::summary))
        .routes(routes!(samples::list_findings))
        .routes(routes!(samples::get_agreement))
        .routes(routes!(analysis::get_analysis))
        .routes(routes!(analysis::get_analysis_file))
        .routes(routes!(samples::get_sample))
        .routes(routes!(samples::get_file))
        .routes(routes!(samples::trace_sample))
        .routes(routes!(samples::sample_history))
        .routes(routes!(samples::preview_split))
        .routes(routes!(samples::get_waveform))
        .routes(routes!(samples::propose_parts, samples::cut_sample))
        .routes(routes!(results::list_stages))
        .routes(routes!(results::get_lifecycle))
        .routes(routes!(results::get_results))
        .routes(routes!(results::list_outcomes))
        .routes(routes!(results::get_report))
        .routes(routes!(results::get_artifact))
        .routes(routes!(results::list_targets))
        .routes(routes!(results::list_blocks))
        .routes(routes!(tools::run_block))
        .routes(routes!(tools::list_tools))
        .routes(routes!(results::list_own_blocks, results::ask_own_blocks))
        .routes(routes!(results::preview_features))
        .routes(routes!(results::feature_map))
        .routes(routes!(results::preview_augmentation))
        .routes(routes!(results::explain_sample))
        .routes(routes!(results::classify))
        .routes(routes!(models::list_models))
        .routes(routes!(models::get_model, models::keep_model, models::remove_model))
        .routes(routes!(models::import_model))
        .routes(routes!(phone::open_phone))
        .routes(routes!(phone::admit_phone))
        .routes(routes!(devices::list_devices))
        .routes(routes!(devices::rename_device, devices::remove_device))
        .routes(routes!(devices::record_sample))
        .routes(routes!(devices::get_recording))
        .routes(routes!(jobs::list_all_jobs))
        .routes(routes!(jobs::list_jobs, jobs::start_job))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(jobs::get_log))
        .routes(routes!(jobs::follow_job))
        .routes(routes!(jobs::get_package))
        .routes(routes!(hooks::list_hooks, hooks::create_hook))
        .routes(routes!(hooks::delete_hook))
}
