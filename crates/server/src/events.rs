//! Following a job: server-sent events out of the ledger. The ledger is the data path; what is sent can be asked for again.

use crate::{convert, error::ApiResult, routes::LINES, state::App};
use axum::{
    http::HeaderValue,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use edgewright_engine::jobs::Job;
use futures_util::{StreamExt, stream};
use std::{collections::VecDeque, convert::Infallible, time::Duration};

/// Between two looks at the ledger.
const LOOK: Duration = Duration::from_millis(250);
/// An empty comment so often keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Following {
    app: App,
    project: String,
    job: String,
    after: i64,
    told: Option<Job>,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Following {
    async fn look(&mut self) -> ApiResult<()> {
        let (project, id, after) = (self.project.clone(), self.job.clone(), self.after);
        let (job, lines) = self
            .app
            .run(move |w| {
                // The job first: once it has ended, the log is complete.
                let job = w.job(&project, &id)?;
                Ok((job, w.job_log(&project, &id, after, LINES)?))
            })
            .await?;
        let full = lines.len() == LINES as usize;
        for line in lines {
            self.after = line.seq;
            let event = Event::default().event("log").id(line.seq.to_string());
            self.ready.extend(event.json_data(convert::log_entry(line)).ok());
        }
        if self.told.as_ref() != Some(&job) {
            self.ended = job.state.is_final() && !full;
            self.ready.extend(Event::default().event("job").json_data(convert::job(job.clone())).ok());
            self.told = (!full).then_some(job);
        }
        Ok(())
    }
}

/// Begins to follow a job from line `after` on.
///
/// # Errors
/// A job that is not there.
pub async fn follow(app: App, project: String, job: String, after: i64) -> ApiResult<Response> {
    let mut following =
        Following { app, project, job, after, told: None, ready: VecDeque::new(), ended: false };
    following.look().await?;
    let events = stream::unfold(following, |mut following| async move {
        loop {
            if let Some(event) = following.ready.pop_front() {
                return Some((event, following));
            }
            if following.ended {
                return None;
            }
            tokio::time::sleep(LOOK).await;
            following.look().await.ok()?;
        }
    });
    let sse = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = sse.into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
