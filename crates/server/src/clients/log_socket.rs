//! The socket of job logs: as much of socket.io as its two kinds of clients speak, over a WebSocket alone.
//!
//! Engine 3 (TypeScript, phones): the server opens with `0{...}`, `40` and the event `hello`; the client asks with `2`, the server answers `3`.
//! Engine 4 (Python): the server opens with `0{...}`, the client joins with `40`; the server asks with `2`, the client answers `3`.
//! Events are `42["name",{...}]`.

use super::{
    Queried, Refusal,
    jobs::{job_number, job_start, last_words, words},
};
use crate::{error::ApiResult, state::App};
use axum::{
    Router,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use edgewright_engine::jobs::JobState;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of one frame.
const FRAME_MAX: usize = 4096;
/// Jobs that one socket may follow.
const JOBS_MAX: usize = 8;
/// Between two looks at a log.
const LOOK: Duration = Duration::from_millis(300);
/// Lines in one look.
const LINES: u32 = 200;
/// The server asks so often whether a client of engine 4 is there.
const PING: Duration = Duration::from_secs(25);
/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// A frame is taken within.
const SEND: Duration = Duration::from_secs(10);

/// The one path.
pub fn router() -> Router<App> {
    Router::new().route("/socket.io/", get(socket))
}

#[derive(Default, Deserialize)]
struct Asked {
    token: Option<String>,
    #[serde(rename = "EIO")]
    engine: Option<String>,
}

async fn socket(
    State(app): State<App>,
    asked: Queried<Asked>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let project = asked.token.as_deref().and_then(|t| app.tokens.project(t));
    let Some(project) = project else {
        return Refusal(StatusCode::UNAUTHORIZED, "ask socket-token for a token of this project".into())
            .into_response();
    };
    let engine = match asked.engine.as_deref() {
        Some("3") => 3,
        Some("4") => 4,
        _ => return Refusal(StatusCode::BAD_REQUEST, "EIO is 3 or 4".into()).into_response(),
    };
    let Ok(upgrade) = upgrade else {
        return Refusal(StatusCode::BAD_REQUEST, "the only transport is websocket".into()).into_response();
    };
    let Some(permit) = app.devices.socket() else {
        return Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many sockets are open".into()).into_response();
    };
    upgrade.max_message_size(FRAME_MAX).max_frame_size(FRAME_MAX).on_upgrade(async move |socket| {
        let mut talk = Talk { app, project, socket, engine, following: Vec::new() };
        // A client that goes away is no error.
        let _ = talk.all().await;
        drop(permit);
    })
}

/// A job that is followed.
struct Following {
    id: String,
    number: u64,
    after: i64,
}

struct Talk {
    app: App,
    project: String,
    socket: WebSocket,
    engine: u8,
    following: Vec<Following>,
}

/// `None`: the talk is over.
type On = Option<()>;

impl Talk {
    async fn send(&mut self, text: String) -> On {
        tokio::time::timeout(SEND, self.socket.send(Message::Text(text.into()))).await.ok()?.ok()
    }

    async fn event(&mut self, name: &str, payload: Value) -> On {
        self.send(format!("42{}", json!([name, payload]))).await
    }

    async fn hello(&mut self) -> On {
        self.event("hello", json!({"hello": {"version": 1}})).await
    }

    async fn all(&mut self) -> On {
        let sid = self.app.run(|w| w.random_id()).await.ok()?;
        let (every, patience) = (PING.as_millis(), (SILENCE - PING).as_millis());
        let open = json!({"sid": sid, "upgrades": [], "pingInterval": every as u64, "pingTimeout": patience as u64, "maxPayload": FRAME_MAX});
        self.send(format!("0{open}")).await?;
        if self.engine == 3 {
            self.send("40".into()).await?;
            self.hello().await?;
        }
        let mut silent = Instant::now() + SILENCE;
        let mut look = tokio::time::interval(LOOK);
        let mut ping = tokio::time::interval(PING);
        ping.reset();
        loop {
            tokio::select! {
                heard = tokio::time::timeout_at(silent, self.socket.recv()) => {
                    silent = Instant::now() + SILENCE;
                    match heard.ok()??.ok()? {
                        Message::Text(text) => self.heard(&text, &sid).await?,
                        Message::Close(_) => return None,
                        _ => {}
                    }
                }
                _ = look.tick(), if !self.following.is_empty() => self.look().await?,
                _ = ping.tick(), if self.engine == 4 => self.send("2".into()).await?,
            }
        }
    }

    async fn heard(&mut self, text: &str, sid: &str) -> On {
        // Some clients of engine 3 write the code of a ping alone, some with a word behind it.
        if text.starts_with('2') && self.engine == 3 {
            return self.send(format!("3{}", &text[1..])).await;
        }
        if text.starts_with("40") && self.engine == 4 {
            self.send(format!("40{}", json!({ "sid": sid }))).await?;
            return self.hello().await;
        }
        if text == "41" || text == "1" {
            return None;
        }
        let Some(event) = text.strip_prefix("42") else { return Some(()) };
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        if event[0] != "start-log-stream" {
            return Some(());
        }
        let Some(number) = event[1]["jobId"].as_u64() else { return Some(()) };
        if self.following.len() >= JOBS_MAX || self.following.iter().any(|f| f.number == number) {
            return Some(());
        }
        let project = self.project.clone();
        let found = self.app.run(move |w| w.job_from(&project, &job_start(&number.to_string()))).await;
        if let Ok(job) = found {
            self.following.push(Following { number: job_number(&job.id), id: job.id, after: 0 });
        }
        Some(())
    }

    /// Tells what is new in the logs, and which jobs have ended.
    async fn look(&mut self) -> On {
        for at in (0..self.following.len()).rev() {
            let Following { id, number, after } = &self.following[at];
            let (number, id, after) = (*number, id.clone(), *after);
            let Ok((text, after, ended)) = news(&self.app, self.project.clone(), id, after).await else {
                // The job cannot be read now; the client asks for its status anyway.
                continue;
            };
            self.following[at].after = after;
            let data = format!("job-data-{number}");
            for line in text {
                self.event(&data, json!({ "data": line })).await?;
            }
            if let Some(success) = ended {
                self.event(&format!("job-finished-{number}"), json!({ "success": success })).await?;
                self.event("job-finished", json!({"jobId": number, "success": success})).await?;
                self.following.remove(at);
            }
        }
        Some(())
    }
}

/// New lines, the number of the last, and whether the job has ended well, when it has.
async fn news(
    app: &App,
    project: String,
    id: String,
    after: i64,
) -> ApiResult<(Vec<String>, i64, Option<bool>)> {
    app.run(move |w| {
        // The job first: once it has ended, the log is complete.
        let job = w.job(&project, &id)?;
        let lines = w.job_log(&project, &id, after, LINES)?;
        let full = lines.len() == LINES as usize;
        let last = lines.last().map_or(after, |l| l.seq);
        let mut text: Vec<String> = lines.iter().map(|l| words(&l.line)).collect();
        let ended = (job.state.is_final() && !full).then_some(job.state == JobState::Done);
        if ended.is_some() {
            text.extend(last_words(&job));
        }
        Ok((text, last, ended))
    })
    .await
}
