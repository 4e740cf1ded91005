//! What clients of Edge Impulse speak: the upload service on a port of its own, and the few calls of its REST interface that they make before.
//! Their paths, replies and error texts; our projects, keys and imports.

mod acquire;
pub mod brought;
mod deploy;
mod devices;
mod frame;
mod jobs;
mod log_socket;
mod login;
mod remote;
mod rest;
mod samples;

pub use acquire::router as ingestion;
pub use devices::ask;
pub use remote::router as remote;
pub use rest::router as rest;

use crate::{error::ApiError, state::App, state::reaches};
use axum::{
    Json,
    extract::{Query, Request, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use edgewright_engine::{
    EngineError,
    access::{Caller, Scope},
    workspace::{ProjectEntry, Workspace},
};

/// The upload service listens so many ports above the Studio: 4810.
pub const INGESTION: u16 = 10;
/// The socket of devices listens so many ports above the Studio: 4802.
pub const REMOTE: u16 = 2;

/// An error as these clients read it.
pub struct Refusal(pub StatusCode, pub String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "success": false, "error": self.1 }))).into_response()
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let (status, detail) = error.told();
        Self(status, detail)
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        ApiError::from(error).into()
    }
}

/// A query that is looked at when the caller is known.
type Queried<T> = Result<Query<T>, QueryRejection>;

/// What a query says, or 400.
fn queried<T>(query: Queried<T>) -> Result<T, Refusal> {
    query.map(|Query(asked)| asked).map_err(|e| Refusal(StatusCode::BAD_REQUEST, e.body_text()))
}

/// [`other_pages`] for what these clients call on the Studio's port; everything else there stays with our own pages.
pub async fn callers(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/v1/") {
        other_pages(request, next).await
    } else {
        next.run(request).await
    }
}

/// Pages of a phone come from elsewhere and may call and send: there are no cookies here, only keys.
async fn other_pages(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut response = if asks { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if asks {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
        let allowed = "authorization, content-type, x-api-key, x-jwt-token, x-file-name, x-label, x-no-label, x-no-date-id, \
                       x-add-date-id, x-metadata, x-bounding-boxes, x-disallow-duplicates, x-upload-source, x-device-type, \
                       x-synthetic-data-job-id";
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    }
    response
}

/// The caller by `x-api-key` or `Authorization: Bearer`, or by `x-jwt-token` after signing in, when it may do that much. Cookies count for nothing here.
async fn caller(app: &App, headers: &HeaderMap, needs: Scope) -> Result<Caller, Refusal> {
    let told = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let bearer = || told("authorization")?.strip_prefix("Bearer ").map(|key| key.trim().to_owned());
    let caller = match (told("x-api-key").or_else(bearer), told("x-jwt-token")) {
        (None, Some(session)) => app.run(move |w| w.caller_of_session(&session)).await?,
        (key, _) => app.run(move |w| w.caller_of_key(&key.unwrap_or_default())).await?,
    };
    // Clients search for these words.
    let caller = caller.ok_or_else(|| Refusal(StatusCode::UNAUTHORIZED, "Invalid API key".into()))?;
    if needs == Scope::Ingest && !reaches(caller.scope, needs) {
        return Err(Refusal(StatusCode::FORBIDDEN, "this key may not add samples".into()));
    }
    Ok(caller)
}

/// The caller by `x-api-key`, when its scope is enough. What uploaders ask before they send goes by [`caller`]: a key that may only add
/// must learn for which project.
async fn caller_who_may(app: &App, headers: &HeaderMap, needs: Scope) -> Result<Caller, Refusal> {
    let caller = caller(app, headers, needs).await?;
    if !reaches(caller.scope, needs) {
        let text =
            format!("this needs the scope `{}`, and the key has `{}`", needs.word(), caller.scope.word());
        return Err(Refusal(StatusCode::FORBIDDEN, text));
    }
    Ok(caller)
}

/// Projects that a caller may use.
fn projects(workspace: &Workspace, caller: &Caller) -> Result<Vec<ProjectEntry>, EngineError> {
    let mine = |p: &ProjectEntry| caller.project.as_deref().is_none_or(|only| only == p.id);
    Ok(workspace.projects()?.into_iter().filter(mine).collect())
}

/// The project of a number among those of a caller.
async fn of_number(app: &App, caller: Caller, project: &str) -> Result<ProjectEntry, Refusal> {
    let all = app.run(move |w| projects(w, &caller)).await?;
    let found = all.into_iter().find(|p| number(&p.id).to_string() == project);
    found.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "there is no such project".into()))
}

/// The project of a number that a caller of this scope may use.
async fn project(
    app: &App,
    headers: &HeaderMap,
    project: &str,
    needs: Scope,
) -> Result<ProjectEntry, Refusal> {
    of_number(app, caller_who_may(app, headers, needs).await?, project).await
}

/// These clients know projects by number: one made of the id, always the same, above 0 and below 2^31.
fn number(id: &str) -> u32 {
    // FNV-1a.
    let hash =
        id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    ((hash ^ (hash >> 32)) as u32 & 0x7fff_ffff).max(1)
}

/// Percent escapes taken out; a text that has none or wrong ones stays as it is.
fn unescaped(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        if *first == b'%' {
            let digits = more.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
                Some(byte) => out.push(byte),
                None => return text_of(text),
            }
            rest = &more[2..];
        } else {
            out.push(*first);
            rest = more;
        }
    }
    let plain = out == text;
    String::from_utf8(out).unwrap_or_else(|e| if plain { text_of(e.as_bytes()) } else { text_of(text) })
}

/// The text of a header: UTF-8, or where it is not that, Latin-1, as the libraries of Node and Python send it.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_taken_out_or_left() {
        assert_eq!(unescaped(b"heel%20goed%C3%A9"), "heel goedé");
        assert_eq!(unescaped("größe".as_bytes()), "größe");
        assert_eq!(unescaped(b"gr\xf6\xdfe"), "größe", "Latin-1");
        for text in ["100%", "%zz", "50%2", "%FF", ""] {
            assert_eq!(unescaped(text.as_bytes()), text, "{text}");
        }
    }

    #[test]
    fn a_project_has_one_number() {
        assert_eq!(number("kws"), number("kws"));
        assert_ne!(number("kws"), number("kwt"));
        assert!((1..1 << 31).contains(&number("")));
    }
}
