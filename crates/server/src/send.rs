//! Files and pages that go out.

use crate::error::{ApiError, ApiResult};
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use edgewright_engine::dataset::Format;
use futures_util::stream;
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// What a file is, by its name: of the few that a page can show or play, and archives; all others are plain bytes.
fn kind(name: &str) -> &'static str {
    match Format::of_file(name) {
        Some(format) => format.media_type(),
        None if name.to_ascii_lowercase().ends_with(".zip") => "application/zip",
        None => "application/octet-stream",
    }
}

/// As what a file is to be kept.
fn attachment(name: &str) -> Option<HeaderValue> {
    // Quotes and anything beyond ASCII in a name would need escapes that few clients read.
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    // Some clients take the quotes for a part of the name; a name without spaces needs none.
    let named = if plain.contains(' ') { format!("\"{plain}\"") } else { plain };
    HeaderValue::from_str(&format!("attachment; filename={named}")).ok()
}

/// A small file to download, that was made for this answer.
pub fn bytes(name: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    // A picture of ours is one to keep: none of them is a page of this origin.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Some(value) = attachment(name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A file to download, piece by piece. Its type is that of the few that a page can show or play; all others are plain bytes.
///
/// # Errors
/// A file that cannot be opened.
pub async fn file(name: &str, path: &Path) -> ApiResult<Response> {
    let file = tokio::fs::File::open(path).await.map_err(ApiError::internal)?;
    let length = file.metadata().await.map_err(ApiError::internal)?.len();
    let pieces = stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), Some(file)))
            }
            Err(e) => Some((Err(e), None)),
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(value) = attachment(name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// The report: a page that may run nothing and load nothing.
pub fn report(html: String) -> Response {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'";
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::CACHE_CONTROL, "no-store"),
        ],
        html,
    )
        .into_response()
}
