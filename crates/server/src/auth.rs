//! Who calls, and whether they may: before anything else of a request is looked at.

use crate::{
    error::{ApiError, ApiResult},
    state::{App, reaches},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use edgewright_engine::access::{Caller, Scope};

/// Operations that need no credentials.
const OPEN: &[(&Method, &str)] = &[
    (&Method::GET, "/api/v1/health"),
    (&Method::GET, "/api/openapi.json"),
    (&Method::POST, "/api/v1/session"),
    (&Method::POST, "/api/v1/session/token"),
    (&Method::POST, "/api/v1/phone"),
];

/// Lets a request through to the API when its caller is known and may do that.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    if !(path == "/api" || path.starts_with("/api/")) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let open = OPEN.iter().any(|(method, open)| **method == parts.method && *open == path);
    let verdict = if open {
        // Nobody may sign a browser in from another site.
        same_origin_if_told(&parts.headers, &parts.method).map(|()| None)
    } else {
        check(&app, &parts).await.map(Some)
    };
    match verdict {
        Ok(caller) => {
            if let Some(caller) = caller {
                parts.extensions.insert(caller);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => axum::response::IntoResponse::into_response(error),
    }
}

async fn check(app: &App, parts: &Parts) -> ApiResult<Caller> {
    let headers = &parts.headers;
    let caller = match key(headers) {
        Some(key) => app.run(move |w| w.caller_of_key(&key)).await?,
        None => match cookie(headers, &app.cookie) {
            Some(secret) => app.run(move |w| w.caller_of_session(&secret)).await?,
            None => None,
        },
    }
    .ok_or_else(ApiError::unauthenticated)?;
    if caller.session.is_some() {
        same_origin(headers, &parts.method)?;
    }
    let needs = needed(&parts.method, parts.uri.path());
    if !reaches(caller.scope, needs) {
        return Err(ApiError::forbidden(match caller.role {
            Some(role) => format!("`{}` is {} and may look, not change", caller.name, role.word()),
            None => format!(
                "this needs the scope `{}`, and the key `{}` has `{}`",
                needs.word(),
                caller.name,
                caller.scope.word()
            ),
        }));
    }
    Ok(caller)
}

/// What an operation needs. Uploads are the only thing that `ingest` may do.
fn needed(method: &Method, path: &str) -> Scope {
    let mut parts = path.trim_matches('/').split('/').skip(2);
    let (kind, last, rest) = (parts.next(), parts.nth(1), parts.next());
    match (method, kind, last, rest) {
        // Also to look at one's own: a key that may only add sees nothing else.
        (_, Some("projects"), Some("uploads"), _) => Scope::Ingest,
        // One's own password and sessions.
        (_, Some("session" | "sessions"), ..) => Scope::Read,
        (&Method::GET | &Method::HEAD, ..) => Scope::Read,
        (&Method::POST, Some("projects"), Some("samples"), None) => Scope::Ingest,
        // Computes something and changes nothing.
        (&Method::POST, Some("projects"), Some("features" | "classify" | "table" | "estimate"), None)
        | (&Method::POST, Some("projects"), Some("file"), Some("check"))
        | (&Method::POST, Some("blocks"), Some("run"), None) => Scope::Read,
        _ => Scope::Full,
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok().map(str::to_owned);
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
}

/// A browser that changes something must say that our own page asked for it: cookies travel with requests of any page.
fn same_origin(headers: &HeaderMap, method: &Method) -> ApiResult<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    match told(headers) {
        Some(true) => Ok(()),
        _ => Err(ApiError::new(
            axum::http::StatusCode::FORBIDDEN,
            "csrf",
            "a request with a session must come from the Studio itself; scripts use a key",
        )),
    }
}

/// The same for requests without a session, where a client that is no browser says nothing.
fn same_origin_if_told(headers: &HeaderMap, method: &Method) -> ApiResult<()> {
    if told(headers) == Some(false) { same_origin(headers, method) } else { Ok(()) }
}

/// Whether the request says that it comes from our own page; `None` when it says nothing.
fn told(headers: &HeaderMap) -> Option<bool> {
    if let Some(site) = headers.get("sec-fetch-site") {
        return Some(site == "same-origin");
    }
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let host = headers.get(header::HOST)?.to_str().ok()?;
    Some(origin.split_once("://").is_some_and(|(_, there)| there == host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_all_that_ingest_may_do() {
        let cases = [
            (Method::GET, "/api/v1/projects", Scope::Read),
            (Method::POST, "/api/v1/projects/kws/samples", Scope::Ingest),
            (Method::POST, "/api/v1/projects/samples/samples", Scope::Ingest),
            (Method::POST, "/api/v1/projects/kws/samples/delete", Scope::Full),
            (Method::PATCH, "/api/v1/projects/kws/samples", Scope::Full),
            (Method::POST, "/api/v1/projects/kws/uploads", Scope::Ingest),
            (Method::PUT, "/api/v1/projects/kws/uploads/x", Scope::Ingest),
            (Method::GET, "/api/v1/projects/kws/uploads/x", Scope::Ingest),
            (Method::POST, "/api/v1/projects/kws/uploads/x/finish", Scope::Ingest),
            (Method::POST, "/api/v1/projects/kws/features", Scope::Read),
            (Method::POST, "/api/v1/projects/kws/estimate", Scope::Read),
            (Method::POST, "/api/v1/projects/kws/classify", Scope::Read),
            (Method::POST, "/api/v1/projects/kws/table", Scope::Read),
            (Method::POST, "/api/v1/projects/kws/file/check", Scope::Read),
            (Method::POST, "/api/v1/blocks/mfcc/run", Scope::Read),
            (Method::PUT, "/api/v1/projects/kws/models/a.tflite", Scope::Full),
            (Method::PUT, "/api/v1/projects/kws/file", Scope::Full),
            (Method::POST, "/api/v1/projects/samples/jobs", Scope::Full),
            (Method::POST, "/api/v1/keys", Scope::Full),
            (Method::PUT, "/api/v1/session/password", Scope::Read),
            (Method::DELETE, "/api/v1/sessions/x", Scope::Read),
            (Method::POST, "/api/v1/accounts", Scope::Full),
            (Method::POST, "/api/v1/projects/session/jobs", Scope::Full),
            (Method::POST, "/api/v1/projects", Scope::Full),
        ];
        for (method, path, scope) in cases {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
    }

    #[test]
    fn a_session_changes_things_only_from_our_own_page() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs
                .iter()
                .map(|(k, v)| (header::HeaderName::from_static(k), header::HeaderValue::from_static(v)))
                .collect()
        };
        let ok = |pairs| same_origin(&headers(pairs), &Method::POST).is_ok();
        assert!(ok(&[("sec-fetch-site", "same-origin")]));
        assert!(ok(&[("origin", "http://127.0.0.1:4800"), ("host", "127.0.0.1:4800")]));
        assert!(!ok(&[]));
        assert!(!ok(&[("sec-fetch-site", "same-site"), ("origin", "http://h:1"), ("host", "h:1")]));
        assert!(!ok(&[("origin", "http://127.0.0.1:9000"), ("host", "127.0.0.1:4800")]));
        assert!(same_origin(&headers(&[]), &Method::GET).is_ok());
    }
}
