//! Requests of jobs, from wire types and back.

use edgewright_api as api;
use edgewright_engine::jobs;

pub fn asked(request: api::JobRequest) -> jobs::JobRequest {
    match request {
        api::JobRequest::Run { until, seed } => jobs::JobRequest::Run { until, seed },
        api::JobRequest::Build { target, package, float } => {
            jobs::JobRequest::Build { target, package, float }
        }
        api::JobRequest::Verify { targets, cases } => jobs::JobRequest::Verify {
            targets,
            cases: cases.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        },
        api::JobRequest::Importance {} => jobs::JobRequest::Importance {},
        api::JobRequest::Tune { block, trials, finalists, seed, apply } => {
            jobs::JobRequest::Tune { block, trials, finalists, seed, apply }
        }
        api::JobRequest::FindRate { block, seed } => jobs::JobRequest::FindRate { block, seed },
        api::JobRequest::Advise { metric, goal, parts, repeats, curve } => {
            jobs::JobRequest::Advise { metric, goal, parts, repeats, curve }
        }
        api::JobRequest::Try { variants, keep, seed } => jobs::JobRequest::Try { variants, keep, seed },
        api::JobRequest::CrossValidate { folds, seed } => jobs::JobRequest::CrossValidate { folds, seed },
        api::JobRequest::Export {} => jobs::JobRequest::Export {},
        api::JobRequest::ModelRun { model, inputs, out, reference } => {
            jobs::JobRequest::ModelRun { model, inputs, out, reference }
        }
        api::JobRequest::ModelProfile { model, targets, execute, reference } => {
            jobs::JobRequest::ModelProfile { model, targets, execute, reference }
        }
        api::JobRequest::ModelQuantize {
            model,
            calibration,
            out,
            method,
            scheme,
            io,
            budget,
            force,
            reference,
        } => jobs::JobRequest::ModelQuantize {
            model,
            calibration,
            out,
            method,
            scheme,
            io,
            budget,
            force,
            reference,
        },
        api::JobRequest::ModelExport { model, format, out, target, reference } => {
            jobs::JobRequest::ModelExport { model, format, out, target, reference }
        }
    }
}

pub fn told(request: jobs::JobRequest) -> api::JobRequest {
    match request {
        jobs::JobRequest::Run { until, seed } => api::JobRequest::Run { until, seed },
        jobs::JobRequest::Build { target, package, float } => {
            api::JobRequest::Build { target, package, float }
        }
        jobs::JobRequest::Verify { targets, cases } => {
            api::JobRequest::Verify { targets, cases: cases.map(|n| n as u64) }
        }
        jobs::JobRequest::Importance {} => api::JobRequest::Importance {},
        jobs::JobRequest::Tune { block, trials, finalists, seed, apply } => {
            api::JobRequest::Tune { block, trials, finalists, seed, apply }
        }
        jobs::JobRequest::FindRate { block, seed } => api::JobRequest::FindRate { block, seed },
        jobs::JobRequest::Advise { metric, goal, parts, repeats, curve } => {
            api::JobRequest::Advise { metric, goal, parts, repeats, curve }
        }
        jobs::JobRequest::Try { variants, keep, seed } => api::JobRequest::Try { variants, keep, seed },
        jobs::JobRequest::CrossValidate { folds, seed } => api::JobRequest::CrossValidate { folds, seed },
        jobs::JobRequest::Export {} => api::JobRequest::Export {},
        jobs::JobRequest::ModelRun { model, inputs, out, reference } => {
            api::JobRequest::ModelRun { model, inputs, out, reference }
        }
        jobs::JobRequest::ModelProfile { model, targets, execute, reference } => {
            api::JobRequest::ModelProfile { model, targets, execute, reference }
        }
        jobs::JobRequest::ModelQuantize {
            model,
            calibration,
            out,
            method,
            scheme,
            io,
            budget,
            force,
            reference,
        } => api::JobRequest::ModelQuantize {
            model,
            calibration,
            out,
            method,
            scheme,
            io,
            budget,
            force,
            reference,
        },
        jobs::JobRequest::ModelExport { model, format, out, target, reference } => {
            api::JobRequest::ModelExport { model, format, out, target, reference }
        }
    }
}
