//! Health, signing in, keys.

use crate::{
    convert,
    error::{ApiError, ApiResult},
    state::{Anywhere, App, Body, Manager, Named, Who},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use edgewright_api::{
    Health, Key, KeyCreated, KeyList, NewKey, NewPassword, Problem, Session, SignIn, TokenSignIn,
};
use edgewright_engine::access::OWNER;

/// That the server lives.
#[utoipa::path(get, path = "/api/v1/health", tag = "access", security(()), responses((status = 200, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() })
}

/// Who is calling.
#[utoipa::path(get, path = "/api/v1/session", tag = "access",
    responses((status = 200, body = Session), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn who(Who(caller): Who) -> Json<Session> {
    Json(Session {
        scope: convert::scope(caller.scope),
        role: caller.role.map(convert::role),
        name: caller.name,
        project: caller.project,
        has_password: caller.has_password,
    })
}

/// The answer to a sign-in: no content, but a cookie that scripts of the page cannot read.
pub fn signed_in(app: &App, secret: &str) -> Response {
    // A cookie that began under TLS never travels without.
    let secure = if app.secure { "; Secure" } else { "" };
    let cookie = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000{secure}", app.cookie);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

/// Sign in with the password.
#[utoipa::path(post, path = "/api/v1/session", tag = "access", security(()), request_body = SignIn,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Body(asked): Body<SignIn>,
) -> ApiResult<Response> {
    let agent = agent(&headers);
    let secret = app
        .sign_in(move |w| {
            let name = asked.name.as_deref().unwrap_or(OWNER);
            w.sign_in_with_password(name, &asked.password, &agent)
        })
        .await?;
    Ok(signed_in(&app, &secret))
}

/// Sign in with the token of a sign-in link.
#[utoipa::path(post, path = "/api/v1/session/token", tag = "access", security(()), request_body = TokenSignIn,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn sign_in_with_token(
    State(app): State<App>,
    headers: HeaderMap,
    Body(asked): Body<TokenSignIn>,
) -> ApiResult<Response> {
    let secret = app.sign_in_with_token(asked.token, agent(&headers)).await?;
    Ok(signed_in(&app, &secret))
}

/// What a browser says it is.
pub fn agent(headers: &HeaderMap) -> String {
    headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

fn session_of(who: Who) -> ApiResult<String> {
    who.0.session.ok_or_else(|| ApiError::bad_request("a key has no session; this is for browsers"))
}

/// Sign out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access",
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn sign_out(State(app): State<App>, who: Who) -> ApiResult<Response> {
    let session = session_of(who)?;
    app.run(move |w| w.sign_out(&session)).await?;
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", app.cookie);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Set the password. All other sessions end.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "access", request_body = NewPassword,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn set_password(
    State(app): State<App>,
    who: Who,
    Body(asked): Body<NewPassword>,
) -> ApiResult<StatusCode> {
    let session = session_of(who)?;
    app.run(move |w| w.set_password(&asked.password, &session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All keys of the workspace, without their secrets.
#[utoipa::path(get, path = "/api/v1/keys", tag = "access",
    responses((status = 200, body = KeyList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_keys(State(app): State<App>, _: Anywhere) -> ApiResult<Json<KeyList>> {
    let keys = app.run(|w| w.list_keys()).await?;
    let keys = keys.into_iter().map(convert::key).collect::<ApiResult<Vec<Key>>>()?;
    Ok(Json(KeyList { keys }))
}

/// Make a key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "access", request_body = NewKey,
    responses((status = 201, body = KeyCreated), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_key(
    State(app): State<App>,
    _: Manager,
    Body(asked): Body<NewKey>,
) -> ApiResult<(StatusCode, Json<KeyCreated>)> {
    let scope = convert::scope_asked(asked.scope);
    let (key, entry) = app.run(move |w| w.create_key(&asked.name, scope, asked.days)).await?;
    Ok((StatusCode::CREATED, Json(KeyCreated { key, entry: convert::key(entry)? })))
}

/// Remove a key.
#[utoipa::path(delete, path = "/api/v1/keys/{key}", tag = "access", params(("key" = String, Path, description = "Id of the key")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn delete_key(State(app): State<App>, _: Manager, Named(key): Named) -> ApiResult<StatusCode> {
    app.run(move |w| w.delete_key(&key)).await?;
    Ok(StatusCode::NO_CONTENT)
}
