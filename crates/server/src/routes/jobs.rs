//! Jobs: start, look, follow, cancel, try again.

use crate::{
    convert, convert_request,
    error::{ApiError, ApiResult},
    events, send,
    state::{Anywhere, App, Asked, Body, Named, ProjectDir},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use edgewright_api::{Job, JobList, JobQuery, JobRequest, LogList, LogQuery, Problem};

const JOBS: u32 = 50;
const JOBS_MAX: u32 = 500;
/// Lines of a log in one answer.
pub const LINES: u32 = 1000;

fn limit(query: &JobQuery) -> ApiResult<u32> {
    let limit = query.limit.unwrap_or(JOBS);
    if limit > JOBS_MAX {
        return Err(ApiError::bad_request(format!("a list has at most {JOBS_MAX} jobs")));
    }
    Ok(limit)
}

/// Jobs of all projects, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = JobList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_all_jobs(
    State(app): State<App>,
    _: Anywhere,
    Asked(query): Asked<JobQuery>,
) -> ApiResult<Json<JobList>> {
    let limit = limit(&query)?;
    let jobs = app.run(move |w| w.list_jobs(None, limit)).await?;
    Ok(Json(JobList { jobs: jobs.into_iter().map(convert::job).collect() }))
}

/// Jobs of a project, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/jobs", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), JobQuery),
    responses((status = 200, body = JobList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_jobs(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<JobQuery>,
) -> ApiResult<Json<JobList>> {
    let limit = limit(&query)?;
    let jobs = app.run(move |w| w.list_jobs(Some(&project.id), limit)).await?;
    Ok(Json(JobList { jobs: jobs.into_iter().map(convert::job).collect() }))
}

/// Start a job: everything that takes its time, one kind for each command. It is written down before it starts and survives the end of the server. With the header `Idempotency-Key`, asking again
/// gives the first job (status 200) instead of another (201).
#[utoipa::path(post, path = "/api/v1/projects/{project}/jobs", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"),
        ("idempotency-key" = Option<String>, Header, description = "1 to 200 bytes")),
    request_body = JobRequest,
    responses((status = 201, body = Job), (status = 200, body = Job), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn start_job(
    State(app): State<App>,
    project: ProjectDir,
    headers: HeaderMap,
    Body(asked): Body<JobRequest>,
) -> ApiResult<(StatusCode, Json<Job>)> {
    let key = match headers.get("idempotency-key") {
        Some(key) => {
            let text =
                key.to_str().map_err(|_| ApiError::bad_request("an idempotency key is plain ASCII"))?;
            Some(text.to_owned())
        }
        None => None,
    };
    let request = convert_request::asked(asked);
    let (job, new) = app.run(move |w| w.submit_job(&project.id, &request, key.as_deref())).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(convert::job(job))))
}

/// One job.
#[utoipa::path(get, path = "/api/v1/projects/{project}/jobs/{job}", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job")),
    responses((status = 200, body = Job), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_job(State(app): State<App>, project: ProjectDir, Named(job): Named) -> ApiResult<Json<Job>> {
    Ok(Json(convert::job(app.run(move |w| w.job(&project.id, &job)).await?)))
}

/// Ask a job to stop. What its stages finished is kept.
#[utoipa::path(post, path = "/api/v1/projects/{project}/jobs/{job}/cancel", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job")),
    responses((status = 200, body = Job), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn cancel_job(
    State(app): State<App>,
    project: ProjectDir,
    Named(job): Named,
) -> ApiResult<Json<Job>> {
    Ok(Json(convert::job(app.run(move |w| w.cancel_job(&project.id, &job)).await?)))
}

/// Try a job again that failed or was cancelled.
#[utoipa::path(post, path = "/api/v1/projects/{project}/jobs/{job}/retry", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job")),
    responses((status = 200, body = Job), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn retry_job(
    State(app): State<App>,
    project: ProjectDir,
    Named(job): Named,
) -> ApiResult<Json<Job>> {
    Ok(Json(convert::job(app.run(move |w| w.retry_job(&project.id, &job)).await?)))
}

/// Lines of a job's log, at most 1000.
#[utoipa::path(get, path = "/api/v1/projects/{project}/jobs/{job}/log", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job"), LogQuery),
    responses((status = 200, body = LogList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_log(
    State(app): State<App>,
    project: ProjectDir,
    Named(job): Named,
    Asked(query): Asked<LogQuery>,
) -> ApiResult<Json<LogList>> {
    let after = query.after.unwrap_or(0);
    let lines = app.run(move |w| w.job_log(&project.id, &job, after, LINES)).await?;
    Ok(Json(LogList { lines: lines.into_iter().map(convert::log_entry).collect() }))
}

/// Follow a job (server-sent events): `log` events carry a `LogEntry` and its number as id, so that a reader goes on where it was
/// (`Last-Event-ID`); `job` events carry the job after each change. The stream ends after the job.
#[utoipa::path(get, path = "/api/v1/projects/{project}/jobs/{job}/events", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job")),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn follow_job(
    State(app): State<App>,
    project: ProjectDir,
    Named(job): Named,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    events::follow(app, project.id, job, last.unwrap_or(0)).await
}

/// The package that a `build` job made, or the samples that an `export` job took out.
#[utoipa::path(get, path = "/api/v1/projects/{project}/jobs/{job}/package", tag = "jobs",
    params(("project" = String, Path, description = "Id of the project"), ("job" = String, Path, description = "Id of the job")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_package(
    State(app): State<App>,
    project: ProjectDir,
    Named(job): Named,
) -> ApiResult<Response> {
    let (name, path) = app.run(move |w| w.job_package(&project.id, &job)).await?;
    send::file(&name, &path).await
}
