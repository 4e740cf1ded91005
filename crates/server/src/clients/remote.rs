//! The devices' socket, on a port of its own: hello, then requests one way and news the other.

use super::{
    frame::{self, Encoding},
    projects,
};
use crate::{
    devices::{Mode, Seat},
    error::ApiError,
    state::{App, reaches},
};
use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use edgewright_engine::{
    access::Scope,
    devices::{self, Sensor},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// A socket that says nothing for so long is closed; clients ping every 30 s.
const SILENCE: Duration = Duration::from_secs(40);
/// The first frame comes within: the data forwarder connects first and then asks a person for names.
const HELLO: Duration = Duration::from_secs(15 * 60);
/// A frame is taken by the device within.
const SEND: Duration = Duration::from_secs(10);
/// That a device is there is written down at most so often.
const NOTED: Duration = Duration::from_secs(60);

/// The service: one path.
pub fn router(app: App) -> Router {
    Router::new().route("/", any(socket)).fallback(any(missing)).with_state(app)
}

async fn missing() -> Response {
    (StatusCode::NOT_FOUND, "devices connect with a WebSocket at / of this port\n").into_response()
}

async fn socket(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return missing().await };
    let Some(permit) = app.devices.socket() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many devices are connected\n").into_response();
    };
    upgrade.max_message_size(frame::FRAME_MAX).max_frame_size(frame::FRAME_MAX).on_upgrade(
        async move |socket| {
            talk(&app, socket).await;
            drop(permit);
        },
    )
}

async fn send(socket: &mut WebSocket, message: Message) -> Option<()> {
    tokio::time::timeout(SEND, socket.send(message)).await.ok()?.ok()
}

async fn talk(app: &App, mut socket: WebSocket) {
    let Some((encoding, hello)) = first(&mut socket).await else { return };
    let (seat, requests) = match admit(app, &hello).await {
        Ok(joined) => joined,
        Err(why) => {
            let reply = frame::write(encoding, &json!({"hello": false, "err": why}));
            if send(&mut socket, reply).await.is_some() {
                // The reply arrives before the end does.
                let _ = send(&mut socket, Message::Close(None)).await;
            }
            return;
        }
    };
    if send(&mut socket, frame::write(encoding, &json!({"hello": true}))).await.is_some() {
        follow(app, &mut socket, encoding, &seat, requests).await;
    }
    let _ = send(&mut socket, Message::Close(None)).await;
}

/// The first frame that says something.
async fn first(socket: &mut WebSocket) -> Option<(Encoding, Value)> {
    let until = Instant::now() + HELLO;
    loop {
        // Whoever pings in between is there.
        let soon = until.min(Instant::now() + SILENCE);
        let message = tokio::time::timeout_at(soon, socket.recv()).await.ok()??.ok()?;
        match message {
            Message::Text(_) | Message::Binary(_) => return frame::read(&message),
            Message::Close(_) => return None,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

/// Lets a device in by its hello: the key first, and nothing else of it before.
async fn admit(app: &App, message: &Value) -> Result<(Seat, mpsc::Receiver<Value>), String> {
    let told = |error: ApiError| error.told().1;
    let hello = &message["hello"];
    let key = hello["apiKey"].as_str().unwrap_or_default().to_owned();
    let caller = app.run(move |w| w.caller_of_key(&key)).await.map_err(told)?;
    let caller = caller.ok_or("Invalid API key")?;
    if !reaches(caller.scope, Scope::Ingest) {
        return Err("this key may not add samples".into());
    }
    let mut mine = app.run(move |w| projects(w, &caller)).await.map_err(told)?;
    if mine.len() != 1 {
        return Err(
            "this key holds for several projects; make one for a project: edgewright key create PROJECT"
                .into(),
        );
    }
    let project = mine.remove(0).id;
    let version = hello["version"].as_u64().filter(|v| (1..=4).contains(v)).ok_or("`version` is 1 to 4")?;
    let device = hello["deviceId"].as_str().ok_or("`deviceId` is a text")?.to_owned();
    let kind = hello["deviceType"].as_str().ok_or("`deviceType` is a text")?.to_owned();
    let mode = match hello["mode"].as_str() {
        Some("inference") if version >= 4 => Mode::Inference,
        _ => Mode::Ingestion,
    };
    let sensors = sensors(&hello["sensors"])?;
    let (place, name) = (project.clone(), device.clone());
    app.run(move |w| w.meet_device(&place, &name, &kind, Some(&sensors))).await.map_err(told)?;
    Ok(app.devices.join(&project, &device, mode))
}

/// The sensors of a hello: names alone in the first version, objects later.
fn sensors(told: &Value) -> Result<Vec<Sensor>, String> {
    let list = match told {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) if list.len() <= devices::SENSORS_MAX => list,
        _ => return Err(format!("`sensors` is a list of at most {}", devices::SENSORS_MAX)),
    };
    let one = |(at, told): (usize, &Value)| {
        let at = format!("sensors[{at}]");
        let name = told.as_str().or(told["name"].as_str()).ok_or(format!("`{at}.name` is a text"))?;
        let rates = match &told["frequencies"] {
            Value::Null => Vec::new(),
            Value::Array(list) if list.len() <= devices::RATES_MAX => {
                let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
                numbers.ok_or(format!("`{at}.frequencies` holds numbers"))?
            }
            _ => return Err(format!("`{at}.frequencies` is a list of at most {}", devices::RATES_MAX)),
        };
        Ok(Sensor {
            name: name.to_owned(),
            max_length_s: told["maxSampleLengthS"].as_f64().filter(|s| *s > 0.0),
            // Boards write 0 for a rate that they do not know.
            rates_hz: rates.into_iter().filter(|r| *r > 0.0).collect(),
        })
    };
    list.iter().enumerate().map(one).collect()
}

/// Requests to the device, news from it, until either ends.
async fn follow(
    app: &App,
    socket: &mut WebSocket,
    encoding: Encoding,
    seat: &Seat,
    mut requests: mpsc::Receiver<Value>,
) {
    let mut silent = Instant::now() + SILENCE;
    let mut noted = Instant::now();
    loop {
        tokio::select! {
            heard = tokio::time::timeout_at(silent, socket.recv()) => {
                let Ok(Some(Ok(message))) = heard else { return };
                silent = Instant::now() + SILENCE;
                if matches!(message, Message::Close(_)) {
                    return;
                }
                if let Some((_, value)) = frame::read(&message) {
                    seat.hear(&value);
                }
                if noted.elapsed() >= NOTED {
                    noted = Instant::now();
                    let (project, device) = (seat.project().to_owned(), seat.device().to_owned());
                    // It is asked for again a minute later.
                    let _ = app.run(move |w| w.see_device(&project, &device)).await;
                }
            }
            request = requests.recv() => {
                // `None`: a newer connection of the device, or it was removed.
                let Some(request) = request else { return };
                if send(socket, frame::write(encoding, &request)).await.is_none() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensors_of_every_version_are_read() {
        let named = sensors(&json!(["Microphone", "Camera"])).expect("read");
        assert_eq!(named[1], Sensor { name: "Camera".into(), max_length_s: None, rates_hz: vec![] });
        let told = json!([{"name": "accX", "maxSampleLengthS": 300_000, "frequencies": [62.5, 0, 100]}]);
        let expected =
            Sensor { name: "accX".into(), max_length_s: Some(300_000.0), rates_hz: vec![62.5, 100.0] };
        assert_eq!(sensors(&told).expect("read"), [expected]);
        assert!(sensors(&Value::Null).expect("none").is_empty());
        for bad in [
            json!({}),
            json!("a"),
            json!([1]),
            json!([{"frequencies": []}]),
            json!([{"name": "a", "frequencies": ["x"]}]),
            json!([{"name": "a", "frequencies": 5}]),
            json!(vec!["a"; devices::SENSORS_MAX + 1]),
        ] {
            assert!(sensors(&bad).is_err(), "{bad}");
        }
    }
}
