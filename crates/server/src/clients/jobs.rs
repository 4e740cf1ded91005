//! The calls on jobs, and the words of their logs. A job's number is the first 48 bits of its id.

use super::{Queried, Refusal, project, queried, samples::time};
use crate::state::App;
use crate::tokens;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use edgewright_engine::{
    access::Scope,
    jobs::{Job, JobRequest, JobState, LogLine, NumberedLine},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Hexadecimal digits of an id that make its number: what a double holds.
const DIGITS: usize = 12;
/// Jobs that are looked through for a list.
const JOBS: u32 = 10_000;
/// Lines of a log in one answer.
const LINES: u32 = 1000;

/// The calls that there are.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/api/{project}/socket-token", get(socket_token))
        .route("/v1/api/{project}/jobs", get(active))
        .route("/v1/api/{project}/jobs/history", get(finished))
        .route("/v1/api/{project}/jobs/all", get(every))
        .route("/v1/api/{project}/jobs/retrain", post(retrain))
        .route("/v1/api/{project}/jobs/{job}/status", get(status))
        .route("/v1/api/{project}/jobs/{job}/stdout", get(stdout))
        .route("/v1/api/{project}/jobs/{job}/cancel", post(cancel))
}

/// A job's number.
pub fn job_number(id: &str) -> u64 {
    u64::from_str_radix(id.get(..DIGITS).unwrap_or_default(), 16).unwrap_or_default()
}

/// The beginning of the id of a job with this number; one that no job has when it is none.
pub fn job_start(number: &str) -> String {
    let number = number.parse::<u64>().ok().filter(|n| *n < 1 << (4 * DIGITS));
    number.map_or("-".into(), |n| format!("{n:0width$x}", width = DIGITS))
}

/// A time as these clients read it.
pub fn when(ms: i64) -> String {
    time(UNIX_EPOCH + Duration::from_millis(ms.max(0) as u64))
}

/// What a line of a log says, as text; nothing for one that says too little.
pub fn words(line: &LogLine) -> String {
    match line {
        LogLine::Begun { attempt: 1 } => "Job started\n".into(),
        LogLine::Begun { attempt } => {
            format!("Job started again (attempt {attempt}); what was finished is kept\n")
        }
        LogLine::StageStarted { stage } => format!("{stage} ...\n"),
        LogLine::StageFinished { stage, cached: true, .. } => format!("{stage}: up to date\n"),
        LogLine::StageFinished { stage, seconds, notes, .. } => {
            let notes: String = notes.iter().map(|n| format!("    {n}\n")).collect();
            format!("{stage}: {seconds:.1} s\n{notes}")
        }
        LogLine::Epoch { block, epoch, epochs, loss, .. } => {
            format!("{block}: epoch {epoch} of {epochs}, loss {loss:.4}\n")
        }
        LogLine::Note { text } => format!("{text}\n"),
    }
}

/// How a job ended, as the last line of its log.
pub fn last_words(job: &Job) -> Option<String> {
    match (job.state, &job.error) {
        (JobState::Done, _) => Some("Job completed (success)\n".into()),
        (JobState::Failed, Some(error)) => Some(format!("{}\nJob failed\n", error.message)),
        (JobState::Failed, None) => Some("Job failed\n".into()),
        (JobState::Cancelled, _) => Some("Job was cancelled\n".into()),
        _ => None,
    }
}

/// A job as these clients know it.
fn describe(job: &Job) -> Value {
    let mut told = json!({
        "id": job_number(&job.id), "category": "edgewright", "key": job.id, "created": when(job.created),
        "jobNotificationUids": [], "additionalInfo": "", "computeTime": 0,
    });
    if let Some(started) = job.started {
        told["started"] = json!(when(started));
    }
    if let Some(finished) = job.finished.filter(|_| job.state.is_final()) {
        told["finished"] = json!(when(finished));
        told["finishedSuccessful"] = json!(job.state == JobState::Done);
    }
    told
}

#[derive(Deserialize)]
struct ListAsked {
    limit: Option<usize>,
    offset: Option<usize>,
}

/// Jobs of a project that `fits` says are meant, the newest first.
async fn list(
    app: &App,
    headers: &HeaderMap,
    name: &str,
    asked: Queried<ListAsked>,
    fits: fn(JobState) -> bool,
) -> Result<Json<Value>, Refusal> {
    let entry = project(app, headers, name, Scope::Read).await?;
    let asked = queried(asked)?;
    let all = app.run(move |w| w.list_jobs(Some(&entry.id), JOBS)).await?;
    let meant: Vec<&Job> = all.iter().filter(|j| fits(j.state)).collect();
    let shown = meant.iter().skip(asked.offset.unwrap_or(0)).take(asked.limit.unwrap_or(usize::MAX));
    let jobs: Vec<Value> = shown.map(|j| describe(j)).collect();
    Ok(Json(json!({"success": true, "jobs": jobs, "totalJobCount": meant.len()})))
}

async fn active(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    asked: Queried<ListAsked>,
) -> Result<Json<Value>, Refusal> {
    list(&app, &headers, &name, asked, |state| !state.is_final()).await
}

async fn finished(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    asked: Queried<ListAsked>,
) -> Result<Json<Value>, Refusal> {
    list(&app, &headers, &name, asked, JobState::is_final).await
}

async fn every(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    asked: Queried<ListAsked>,
) -> Result<Json<Value>, Refusal> {
    list(&app, &headers, &name, asked, |_| true).await
}

/// The same settings on the data of now: a run.
async fn retrain(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    let request = JobRequest::Run { until: None, seed: None };
    let (job, _) = app.run(move |w| w.submit_job(&entry.id, &request, None)).await?;
    Ok(Json(json!({"success": true, "id": job_number(&job.id)})))
}

/// When a job ended that was no job any more when it was told.
fn ended(app: &App, project: &str, job: &str) -> Option<i64> {
    app.ended.at(project, job.parse().ok()?)
}

async fn status(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, job)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    if let Some(at) = ended(&app, &entry.id, &job) {
        let told = json!({"id": job.parse::<u64>().unwrap_or_default(), "category": "edgewright", "key": job, "created": when(at),
            "started": when(at), "finished": when(at), "finishedSuccessful": true, "jobNotificationUids": []});
        return Ok(Json(json!({"success": true, "job": told})));
    }
    let job = app.run(move |w| w.job_from(&entry.id, &job_start(&job))).await?;
    Ok(Json(json!({"success": true, "job": describe(&job)})))
}

#[derive(Deserialize)]
struct LogAsked {
    limit: Option<usize>,
}

/// The whole log, oldest line first.
async fn stdout(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, job)): Path<(String, String)>,
    asked: Queried<LogAsked>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let asked = queried(asked)?;
    if let Some(at) = ended(&app, &entry.id, &job) {
        let line = json!({"created": when(at), "data": "Job completed (success)\n", "logLevel": "info"});
        return Ok(Json(json!({"success": true, "stdout": [line], "totalCount": 1})));
    }
    let (job, lines) = app
        .run(move |w| {
            let job = w.job_from(&entry.id, &job_start(&job))?;
            let mut lines: Vec<NumberedLine> = Vec::new();
            loop {
                let more = w.job_log(&entry.id, &job.id, lines.last().map_or(0, |l| l.seq), LINES)?;
                let last = more.len() < LINES as usize;
                lines.extend(more);
                if last {
                    return Ok((job, lines));
                }
            }
        })
        .await?;
    let line = |at: i64, data: String| json!({"created": when(at), "data": data, "logLevel": "info"});
    let mut told: Vec<Value> = lines.iter().map(|l| line(l.at, words(&l.line))).collect();
    told.extend(last_words(&job).map(|text| line(job.finished.unwrap_or(job.created), text)));
    let total = told.len();
    // The newest, when not all fit.
    let told = told.split_off(total - asked.limit.unwrap_or(usize::MAX).min(total));
    Ok(Json(json!({"success": true, "stdout": told, "totalCount": total})))
}

async fn cancel(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, job)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    let start = job_start(&job);
    let done = app.run(move |w| {
        let job = w.job_from(&entry.id, &start)?;
        w.cancel_job(&entry.id, &job.id)
    });
    done.await.map_err(Refusal::from).map_err(|refusal| match refusal.0 {
        // Clients search for these words.
        StatusCode::NOT_FOUND => Refusal(StatusCode::NOT_FOUND, format!("Unknown job ID {job}")),
        _ => refusal,
    })?;
    Ok(Json(json!({"success": true})))
}

async fn socket_token(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let secret = app.run(|w| w.random_id()).await?;
    app.tokens.give(&secret, &entry.id);
    let expires = time(SystemTime::now() + tokens::LIFE);
    Ok(Json(json!({"success": true, "token": {"socketToken": secret, "expires": expires}})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_beginning_of_an_id() {
        let id = "01a1b2c3d4e5deadbeef";
        assert_eq!(job_start(&job_number(id).to_string()), &id[..DIGITS]);
        for none in ["", "x", "-1", "281474976710656", "99999999999999999999"] {
            assert_eq!(job_start(none), "-");
        }
    }

    #[test]
    fn every_line_has_words() {
        let finished = |cached| LogLine::StageFinished {
            stage: "train".into(),
            cached,
            seconds: 1.25,
            notes: vec!["a note".into()],
        };
        assert_eq!(words(&finished(true)), "train: up to date\n");
        assert_eq!(words(&finished(false)), "train: 1.2 s\n    a note\n");
        assert!(words(&LogLine::Begun { attempt: 2 }).contains("attempt 2"));
        assert_eq!(words(&LogLine::Note { text: "x".into() }), "x\n");
    }
}
