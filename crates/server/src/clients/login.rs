//! Signing in with a password, as the command line tools do when they have no key, and the key that they then ask for.

use super::{Refusal, caller, caller_who_may, devices::parsed, number, projects};
use crate::state::App;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use edgewright_engine::{
    access::{OWNER, Scope},
    workspace::Workspace,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Digits of a key's id that make its number: what a double holds.
const DIGITS: usize = 12;
/// Longest name of a key, in characters.
const NAME_MAX: usize = 100;

/// The same for a name that nobody has: clients show it.
const WRONG: &str = "Password is incorrect, or nobody has an account of that name";

/// The calls that there are. The first two need no credentials.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/api-user-need-to-set-password/{name}", get(needs_password))
        .route("/v1/api-login", post(login))
        .route("/v1/api/user", get(user))
        .route("/v1/api/{project}/apikeys", post(create_key))
}

/// Whether the account must be given a password first. That is said of the first account alone, which everybody knows by name: an answer
/// that depends on the name would tell who has an account here.
async fn needs_password(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let first = name.eq_ignore_ascii_case(OWNER);
    let needs = first && app.run(|w| w.account_has_password(OWNER)).await? == Some(false);
    Ok(Json(json!({"success": true, "needPassword": needs, "email": name})))
}

#[derive(Deserialize)]
struct SignIn {
    username: String,
    password: String,
}

async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    // A page from elsewhere cannot send that without asking first.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send `content-type: application/json`".into(),
        ));
    }
    let asked: SignIn = parsed(&body)?;
    let agent = crate::routes::agent(&headers);
    let work = move |w: &Workspace| w.sign_in_with_password(&asked.username, &asked.password, &agent);
    let token = app.sign_in(work).await.map_err(|e| {
        let (status, detail) = e.told();
        let wrong = status == StatusCode::UNAUTHORIZED;
        Refusal(status, if wrong { WRONG.into() } else { detail })
    })?;
    Ok(Json(json!({"success": true, "token": token})))
}

async fn user(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    let caller = caller(&app, &headers, Scope::Read).await?;
    Ok(Json(json!({
        "success": true, "id": 1, "username": caller.name, "name": caller.name, "email": "", "activated": true, "staffInfo": {"isStaff": false},
        "organizations": [{"id": 1, "name": "edgewright", "isDeveloperProfile": true}], "projects": [],
    })))
}

#[derive(Deserialize)]
struct NewKey {
    name: String,
    #[serde(default)]
    role: Option<String>,
}

async fn create_key(
    State(app): State<App>,
    headers: HeaderMap,
    Path(project): Path<String>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let caller = caller_who_may(&app, &headers, Scope::Full).await?;
    if caller.project.is_some() {
        return Err(Refusal(StatusCode::FORBIDDEN, "a key of a project makes no keys; sign in".into()));
    }
    let asked: NewKey = parsed(&body)?;
    let scope = match asked.role.as_deref() {
        // With it a tool uploads and a device says hello; what is built it asks for as whoever signed in.
        Some("ingestion_deployment" | "ingestiononly") => Scope::Ingest,
        Some("readonly") => Scope::Read,
        None | Some("admin") => Scope::Full,
        Some(_) => {
            let roles = "`role` is admin, readonly, ingestiononly or ingestion_deployment";
            return Err(Refusal(StatusCode::BAD_REQUEST, roles.into()));
        }
    };
    // A key outlives the account of whoever made it.
    if scope != Scope::Ingest && !caller.manages() {
        return Err(Refusal(StatusCode::FORBIDDEN, "only an owner makes keys that do more than add".into()));
    }
    let name: String = asked.name.chars().take(NAME_MAX).collect();
    let (key, entry) = app
        .run(move |w| {
            let entry = projects(w, &caller)?.into_iter().find(|p| number(&p.id).to_string() == project);
            let missing = || edgewright_engine::EngineError::NotFound("there is no such project".into());
            w.create_project_key(&entry.ok_or_else(missing)?.id, &name, scope)
        })
        .await?;
    let id = entry.id.get(..DIGITS).and_then(|d| u64::from_str_radix(d, 16).ok()).unwrap_or_default();
    Ok(Json(json!({"success": true, "id": id, "apiKey": key})))
}
