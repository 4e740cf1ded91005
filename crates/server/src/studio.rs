//! The Studio: files that the build has put into the program.

use crate::state::App;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use std::collections::BTreeMap;

/// A file of the Studio: path, type, bytes. Written by `build.rs`; empty when the Studio could not be built.
static FILES: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/studio.rs"));

/// Why this program has no Studio; `None` when it has one.
pub fn missing() -> Option<&'static str> {
    FILES.is_empty().then_some(env!("EDGEWRIGHT_STUDIO_MISSING"))
}

fn file(path: &str) -> Option<&'static (&'static str, &'static str, &'static [u8])> {
    FILES.iter().find(|(name, ..)| *name == path)
}

/// Everything that is not the API: files of the Studio, else its page, which reads the path itself.
pub async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some((name, kind, bytes)) = file(path).filter(|f| f.0 != "index.html") {
        let cache =
            if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, cache)], *bytes).into_response();
    }
    if path.starts_with("assets/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match file("index.html") {
        Some((_, kind, bytes)) => {
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], *bytes).into_response()
        }
        None => {
            let why = missing().unwrap_or_default();
            let text = format!(
                "This program was built without the Studio: {why}\nThe API is here: /api/openapi.json\n"
            );
            (StatusCode::NOT_FOUND, text).into_response()
        }
    }
}

/// The link that signs in once: begins the session and goes on to the Studio.
pub async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let token = query.get("token").cloned().unwrap_or_default();
    match app.sign_in_with_token(token, crate::routes::agent(&headers)).await {
        Ok(secret) => {
            let mut response = Redirect::to("/").into_response();
            if let Some(cookie) =
                crate::routes::signed_in(&app, &secret).headers_mut().remove(header::SET_COOKIE)
            {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        // The page of the Studio says that the link was used and asks for the password.
        Err(_) => Redirect::to("/?link=used").into_response(),
    }
}

/// What every answer says to browsers.
pub async fn protect(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = if api { "default-src 'none'; frame-ancestors 'none'; sandbox" } else { POLICY };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry("cross-origin-resource-policy").or_insert(HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    if api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; \
    style-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'self'";
const PERMISSIONS: &str =
    "microphone=(self), camera=(self), accelerometer=(self), gyroscope=(self), geolocation=()";
