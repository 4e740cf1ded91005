//! The calls on devices: those of the tools that have just said hello on the socket, and the ones by which a recording is asked for.

use super::{Refusal, caller, caller_who_may, of_number, samples::time};
use crate::{
    devices::{Mode, Recording},
    error::ApiError,
    state::App,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use edgewright_engine::{
    EngineError,
    access::Scope,
    devices::{Device, Sensor, Wanted},
    workspace::ProjectEntry,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// The calls that there are.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/api/{project}/devices", get(list))
        .route("/v1/api/{project}/devices/create", post(create))
        .route("/v1/api/{project}/devices/{device}/rename", post(rename))
        .route("/v1/api/{project}/device/{device}", get(read).delete(remove))
        .route("/v1/api/{project}/device/{device}/start-sampling", post(start_sampling))
}

/// What a caller needs for a call.
enum Needs {
    /// Any key of the project: a tool asks about the device that it is.
    Any,
    /// This scope.
    Scope(Scope),
}

async fn project(
    app: &App,
    headers: &HeaderMap,
    project: &str,
    needs: Needs,
) -> Result<ProjectEntry, Refusal> {
    let caller = match needs {
        Needs::Any => caller(app, headers, Scope::Read).await?,
        Needs::Scope(scope) => caller_who_may(app, headers, scope).await?,
    };
    of_number(app, caller, project).await
}

/// A device as these clients know it.
fn describe(app: &App, project: &str, at: usize, device: &Device) -> Value {
    let mode = app.devices.mode(project, &device.id);
    let when = |ms: i64| time(UNIX_EPOCH + Duration::from_millis(ms.max(0) as u64));
    let sensor = |s: &Sensor| json!({"name": s.name, "maxSampleLengthS": s.max_length_s.unwrap_or(60.0), "frequencies": s.rates_hz});
    json!({
        "id": at + 1, "deviceId": device.id, "created": when(device.created), "lastSeen": when(device.last_seen),
        "name": device.name, "deviceType": device.kind, "sensors": device.sensors.iter().map(sensor).collect::<Vec<_>>(),
        "remote_mgmt_connected": mode.is_some(), "supportsSnapshotStreaming": false,
        "remoteMgmtMode": match mode {
            None => "disconnected",
            Some(Mode::Ingestion) => "ingestion",
            Some(Mode::Inference) => "inference",
        },
    })
}

async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Scope(Scope::Read)).await?;
    let id = entry.id.clone();
    let all = app.run(move |w| w.devices(&id)).await?;
    let told: Vec<Value> = all.iter().enumerate().map(|(at, d)| describe(&app, &entry.id, at, d)).collect();
    Ok(Json(json!({"success": true, "devices": told})))
}

async fn read(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, device)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Any).await?;
    let id = entry.id.clone();
    // The number is the place in the list.
    let (at, found) = app
        .run(move |w| {
            let found = w.device(&id, &device)?;
            Ok((w.devices(&id)?.iter().position(|d| d.id == found.id).unwrap_or_default(), found))
        })
        .await?;
    Ok(Json(json!({"success": true, "device": describe(&app, &entry.id, at, &found)})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDevice {
    device_id: String,
    device_type: String,
    #[serde(default)]
    if_not_exists: bool,
}

async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Scope(Scope::Ingest)).await?;
    let asked: NewDevice = parsed(&body)?;
    app.run(move |w| {
        match w.device(&entry.id, &asked.device_id) {
            // The socket has told more of it.
            Ok(there) if asked.if_not_exists => Ok(there),
            Ok(_) => Err(EngineError::Usage("there is a device with this id already".into())),
            Err(EngineError::NotFound(_)) => {
                w.meet_device(&entry.id, &asked.device_id, &asked.device_type, None)
            }
            Err(other) => Err(other),
        }
    })
    .await?;
    Ok(Json(json!({"success": true})))
}

/// A JSON body, whatever its type says: some clients leave that out.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|e| Refusal(StatusCode::BAD_REQUEST, format!("the body is not the JSON of this call: {e}")))
}

#[derive(Deserialize)]
struct NewName {
    name: String,
}

async fn rename(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, device)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Scope(Scope::Ingest)).await?;
    let asked: NewName = parsed(&body)?;
    app.run(move |w| w.rename_device(&entry.id, &device, &asked.name)).await?;
    Ok(Json(json!({"success": true})))
}

async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, device)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Scope(Scope::Full)).await?;
    let (id, gone) = (entry.id.clone(), device.clone());
    app.run(move |w| w.remove_device(&id, &gone)).await?;
    app.devices.dismiss(&entry.id, &device);
    Ok(Json(json!({"success": true})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewSampling {
    label: String,
    length_ms: f64,
    category: String,
    interval_ms: Option<f64>,
    sensor: Option<String>,
}

async fn start_sampling(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, device)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Needs::Scope(Scope::Full)).await?;
    let asked: NewSampling = parsed(&body)?;
    let wanted = Wanted {
        label: asked.label,
        length_ms: asked.length_ms,
        category: asked.category,
        sensor: asked.sensor,
        interval_ms: asked.interval_ms,
    };
    let recording = ask(&app, &entry.id, &device, wanted).await?;
    Ok(Json(json!({"success": true, "id": recording.number})))
}

/// Asks a device for a recording.
pub async fn ask(app: &App, project: &str, device: &str, wanted: Wanted) -> Result<Recording, ApiError> {
    let (id, name) = (project.to_owned(), device.to_owned());
    let (order, key) = app
        .run(move |w| {
            let found = w.device(&id, &name)?;
            Ok((found.order(&wanted)?, w.signing_key(&id)?))
        })
        .await?;
    // The phone's page refuses an empty key.
    let key = key.unwrap_or_else(|| "0".into());
    app.devices
        .record(project, device, order, &key)
        .map_err(|refused| ApiError::new(StatusCode::CONFLICT, "device_away", refused.words()))
}
