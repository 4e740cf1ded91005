//! Accounts and sessions.

use crate::{
    convert,
    error::ApiResult,
    reach::{Link, link},
    state::{App, Body, Manager, Named, Who},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use edgewright_api::{AccountChange, AccountList, Invitation, NewAccount, Problem, SessionList};
use edgewright_engine::accounts::Account;

/// The browsers in which the caller is signed in.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "access",
    responses((status = 200, body = SessionList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_sessions(State(app): State<App>, Who(caller): Who) -> ApiResult<Json<SessionList>> {
    let sessions = app.run(move |w| w.sessions(&caller)).await?;
    Ok(Json(SessionList { sessions: sessions.into_iter().map(convert::session).collect() }))
}

/// End one of the caller's sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{session}", tag = "access", params(("session" = String, Path, description = "Id of the session")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn end_session(
    State(app): State<App>,
    Who(caller): Who,
    Named(session): Named,
) -> ApiResult<StatusCode> {
    app.run(move |w| w.end_session(&caller, &session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "access",
    responses((status = 200, body = AccountList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_accounts(State(app): State<App>, _: Manager) -> ApiResult<Json<AccountList>> {
    let accounts = app.run(|w| w.accounts()).await?;
    Ok(Json(AccountList { accounts: accounts.into_iter().map(convert::account).collect() }))
}

fn invitation(app: &App, headers: &HeaderMap, (token, account): (String, Account)) -> Json<Invitation> {
    let Link { url, hint } = link(app, headers, &format!("/join#{token}"));
    Json(Invitation { account: convert::account(account), url, hint })
}

/// Invite somebody: make an account, and a link that signs it in once, within a week.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "access", request_body = NewAccount,
    responses((status = 201, body = Invitation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn invite(
    State(app): State<App>,
    _: Manager,
    headers: HeaderMap,
    Body(asked): Body<NewAccount>,
) -> ApiResult<(StatusCode, Json<Invitation>)> {
    let made = app.run(move |w| w.invite(&asked.name, convert::role_asked(asked.role))).await?;
    Ok((StatusCode::CREATED, invitation(&app, &headers, made)))
}

/// Another link for an account, whose first was lost or whose password was forgotten.
#[utoipa::path(post, path = "/api/v1/accounts/{account}/link", tag = "access", params(("account" = String, Path, description = "Id of the account")),
    responses((status = 201, body = Invitation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn invite_again(
    State(app): State<App>,
    _: Manager,
    headers: HeaderMap,
    Named(account): Named,
) -> ApiResult<(StatusCode, Json<Invitation>)> {
    let made = app.run(move |w| w.invite_again(&account)).await?;
    Ok((StatusCode::CREATED, invitation(&app, &headers, made)))
}

/// Change what a person may do, from the next request on. The account `owner` stays as it is.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}", tag = "access", params(("account" = String, Path, description = "Id of the account")),
    request_body = AccountChange,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn change_account(
    State(app): State<App>,
    _: Manager,
    Named(account): Named,
    Body(asked): Body<AccountChange>,
) -> ApiResult<StatusCode> {
    app.run(move |w| w.set_role(&account, convert::role_asked(asked.role))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove an account; its sessions end. The account `owner` stays.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}", tag = "access", params(("account" = String, Path, description = "Id of the account")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_account(
    State(app): State<App>,
    _: Manager,
    Named(account): Named,
) -> ApiResult<StatusCode> {
    app.run(move |w| w.remove_account(&account)).await?;
    Ok(StatusCode::NO_CONTENT)
}
