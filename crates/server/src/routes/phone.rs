//! Phones that record: a link that works once, and the key that it is changed for.

use crate::{
    error::{ApiError, ApiResult},
    reach::{Link, link},
    state::{App, Body, ProjectDir},
    tokens,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use edgewright_api::{PhoneAdmitted, PhoneLink, PhoneToken, Problem, QrCode};
use qrcodegen::{QrCode as Code, QrCodeEcc};
use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

/// Empty squares around a code.
const BORDER: i32 = 4;

/// Make a link with which one phone, within ten minutes, gets a key that adds samples to this project for an hour.
#[utoipa::path(post, path = "/api/v1/projects/{project}/phone", tag = "data",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 201, body = PhoneLink), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn open_phone(
    State(app): State<App>,
    project: ProjectDir,
    headers: HeaderMap,
) -> ApiResult<(StatusCode, Json<PhoneLink>)> {
    let token = app.run(|w| w.random_id()).await?;
    app.phones.give(&token, &project.id);
    let Link { url, hint } = link(&app, &headers, &format!("/phone#{token}"));
    let code = Code::encode_text(&url, QrCodeEcc::Medium)
        .map_err(|_| ApiError::bad_request("the name of this host is too long for a QR code"))?;
    let until = SystemTime::now() + tokens::LIFE;
    let expires = until.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
    Ok((StatusCode::CREATED, Json(PhoneLink { url, qr: drawn(&code), expires, hint })))
}

/// Change the token of a phone's link for a key.
#[utoipa::path(post, path = "/api/v1/phone", tag = "data", security(()), request_body = PhoneToken,
    responses((status = 200, body = PhoneAdmitted), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn admit_phone(
    State(app): State<App>,
    Body(asked): Body<PhoneToken>,
) -> ApiResult<Json<PhoneAdmitted>> {
    let project = app.phones.take(&asked.token).ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "the link was used or has expired; make a new one on the page Collect",
        )
    })?;
    let id = project.clone();
    let (key, entry) = app.run(move |w| w.create_phone_key(&id)).await?;
    Ok(Json(PhoneAdmitted { key, project, expires: entry.expires.unwrap_or_default() }))
}

fn drawn(code: &Code) -> QrCode {
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                let _ = write!(path, "M{} {}h1v1h-1z", x + BORDER, y + BORDER);
            }
        }
    }
    QrCode { size: (code.size() + 2 * BORDER) as u32, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_border_and_finders() {
        let code = Code::encode_text("http://10.0.0.7:4800/phone#0", QrCodeEcc::Medium).expect("short");
        let drawn = drawn(&code);
        assert_eq!(drawn.size as i32, code.size() + 8);
        // The corner of the first finder, and nothing in the border.
        assert!(drawn.path.starts_with("M4 4h1v1h-1zM5 4h1"));
        assert!(!drawn.path.contains("M3 "));
    }
}
