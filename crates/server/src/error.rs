//! Errors as problem+json.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use edgewright_api::Problem;
use edgewright_engine::EngineError;

/// Why a request failed.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with its status, stable code and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// No or no valid credentials.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "sign in, or send a key as `x-api-key` or `Authorization: Bearer`; `edgewright key create` makes one",
        )
    }

    /// Credentials that do not reach so far.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// A request that cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// More bytes than allowed.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// Status and sentence, for those who write errors in another form.
    pub fn told(self) -> (StatusCode, String) {
        (self.status, self.detail)
    }

    /// A fault of ours.
    pub fn internal(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("internal: {detail}"))
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let code = error.code();
        let status = match code {
            "not_found" => StatusCode::NOT_FOUND,
            "bad_request" => StatusCode::BAD_REQUEST,
            "project_file" | "data" | "gate_missed" | "tool" => StatusCode::UNPROCESSABLE_ENTITY,
            "stage_not_built" | "changed" | "project_busy" | "cancelled" => StatusCode::CONFLICT,
            "no_room" => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: "about:blank".into(),
            code: self.code.into(),
            title: self.status.canonical_reason().unwrap_or_default().into(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let (name, value) = match self.status {
            StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer realm=\"edgewright\""),
            StatusCode::TOO_MANY_REQUESTS => (header::RETRY_AFTER, "60"),
            _ => return response,
        };
        response.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
        response
    }
}
