//! Who is told when a job ends.

use crate::{
    convert,
    error::ApiResult,
    state::{App, Body, Manager, Named, ProjectDir},
};
use axum::{Json, extract::State, http::StatusCode};
use edgewright_api::{
    Hook, HookCreated, HookDelivery, HookDeliveryState, HookList, JobState, NewHook, Problem,
};
use edgewright_engine::{
    hooks::{self, DeliveryState},
    jobs,
};

fn event(asked: JobState) -> jobs::JobState {
    match asked {
        JobState::Queued => jobs::JobState::Queued,
        JobState::Running => jobs::JobState::Running,
        JobState::Done => jobs::JobState::Done,
        JobState::Failed => jobs::JobState::Failed,
        JobState::Cancelled => jobs::JobState::Cancelled,
    }
}

fn delivery(of: hooks::Delivery) -> HookDelivery {
    HookDelivery {
        id: of.id,
        job: of.job,
        event: of.event,
        state: match of.state {
            DeliveryState::Waiting => HookDeliveryState::Waiting,
            DeliveryState::Sent => HookDeliveryState::Sent,
            DeliveryState::Failed => HookDeliveryState::Failed,
        },
        attempts: of.attempts,
        due: of.due,
        answer: of.answer,
    }
}

fn hook(of: hooks::Hook) -> Hook {
    Hook {
        id: of.id,
        url: of.url,
        events: of.events.into_iter().map(convert::job_state).collect(),
        created: of.created,
        deliveries: of.deliveries.into_iter().map(delivery).collect(),
    }
}

/// URLs that are told when jobs of a project end, with what was sent to them. For owners: an URL may hold a secret of its receiver.
#[utoipa::path(get, path = "/api/v1/projects/{project}/hooks", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = HookList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_hooks(
    State(app): State<App>,
    _: Manager,
    project: ProjectDir,
) -> ApiResult<Json<HookList>> {
    let all = app.run(move |w| w.list_hooks(&project.id)).await?;
    Ok(Json(HookList { hooks: all.into_iter().map(hook).collect() }))
}

/// Have a URL told when a job of the project ends: a POST of JSON with `event` (`job.done`, `job.failed` or `job.cancelled`), `project`, `job`,
/// `kind`, the times `created`, `started` and `finished` in milliseconds since 1970, and `error` (`code` and `message`) of one that failed.
/// Headers: `x-edgewright-event`; `x-edgewright-delivery`, a number that stays the same when it is sent again; `x-edgewright-timestamp`, in
/// seconds since 1970; `x-edgewright-signature`, `sha256=` and the HMAC-SHA256, in hexadecimal, of timestamp, a point and the body under the
/// secret that is answered here, this once. It is written down when the job ends, and sent again after 1 s, 5 s, 30 s, 2 min, 10 min, 1 h and
/// 6 h until it is answered with 200 to 299 within 15 s. Redirects are not followed, and addresses of a link (169.254.0.0/16, fe80::/10) not told.
/// A project has at most 20 hooks.
#[utoipa::path(post, path = "/api/v1/projects/{project}/hooks", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project")), request_body = NewHook,
    responses((status = 201, body = HookCreated), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_hook(
    State(app): State<App>,
    _: Manager,
    project: ProjectDir,
    Body(asked): Body<NewHook>,
) -> ApiResult<(StatusCode, Json<HookCreated>)> {
    let events: Vec<jobs::JobState> = asked.events.into_iter().map(event).collect();
    let (secret, made) = app.run(move |w| w.add_hook(&project.id, &asked.url, &events)).await?;
    Ok((StatusCode::CREATED, Json(HookCreated { secret, hook: hook(made) })))
}

/// Remove a hook, with what was to be sent to it.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/hooks/{hook}", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("hook" = String, Path, description = "Id of the hook")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn delete_hook(
    State(app): State<App>,
    _: Manager,
    project: ProjectDir,
    Named(hook): Named,
) -> ApiResult<StatusCode> {
    app.run(move |w| w.delete_hook(&project.id, &hook)).await?;
    Ok(StatusCode::NO_CONTENT)
}
