//! The calls below `/v1/api` that uploaders make before they send: which project a key is for.

use super::{Refusal, caller, number, projects};
use crate::state::App;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use edgewright_engine::{access::Scope, documents, workspace::ProjectEntry};
use serde_json::{Value, json};

/// The calls that there are.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/api/projects", get(list))
        .route("/v1/api/{project}", get(info))
        .route("/v1/api/{project}/devkeys/hmac", get(hmac))
        .merge(super::samples::router())
        .merge(super::devices::router())
        .merge(super::deploy::router())
        .merge(super::jobs::router())
        .merge(super::log_socket::router())
        .merge(super::login::router())
        .merge(super::brought::router())
        .route("/v1/{*rest}", axum::routing::any(missing))
}

fn describe(entry: &ProjectEntry) -> Value {
    // A client asks for the domain of a white label unless the field is there and null.
    json!({"id": number(&entry.id), "name": entry.id, "owner": "edgewright", "whitelabelId": null})
}

async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let caller = caller(&app, &headers, Scope::Read).await?;
    let all = app.run(move |w| projects(w, &caller)).await?;
    Ok(Json(json!({"success": true, "projects": all.iter().map(describe).collect::<Vec<_>>()})))
}

async fn find(app: &App, headers: &HeaderMap, project: String) -> Result<ProjectEntry, Refusal> {
    let caller = caller(app, headers, Scope::Read).await?;
    let all = app.run(move |w| projects(w, &caller)).await?;
    let found = all.into_iter().find(|p| number(&p.id).to_string() == project);
    found.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "there is no such project".into()))
}

async fn info(
    State(app): State<App>,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = find(&app, &headers, project).await?;
    let id = entry.id.clone();
    // Processors about which a client may ask what a model costs.
    let cores: Vec<Value> = documents::targets(None)?
        .into_iter()
        .filter(|t| t.id.starts_with("cortex-m"))
        .map(|t| {
            json!({"mcu": t.id, "name": t.title, "selected": false, "int8Latency": 0, "int8ConvLatency": 0, "float32Latency": 0,
                "float32ConvLatency": 0, "helpText": ""})
        })
        .collect();
    // A project file that cannot be read is no reason not to upload.
    let complete = app.run(move |w| w.is_trained(&id)).await.unwrap_or(false);
    Ok(Json(json!({
        "success": true, "project": describe(&entry), "impulse": {"complete": complete}, "latencyDevices": cores,
    })))
}

/// There is no key for signatures: what is received is kept as it came, and `hmac_key` in the project file says what `run` must check.
async fn hmac(
    State(app): State<App>,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Json<Value>, Refusal> {
    find(&app, &headers, project).await?;
    Ok(Json(json!({"success": true})))
}

async fn missing(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    caller(&app, &headers, Scope::Read).await?;
    Err(Refusal(
        StatusCode::NOT_FOUND,
        "edgewright does not have this call; see /api/openapi.json for its own".into(),
    ))
}
