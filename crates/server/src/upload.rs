//! Files that come in: to disk as they come, never whole in memory.

use crate::{
    UPLOAD_MAX,
    error::{ApiError, ApiResult},
    state::App,
};
use axum::{extract::Request, http::header};
use futures_util::StreamExt;
use std::io::Write;
use tempfile::TempDir;

/// Longest name of a file, in bytes, and most folders in it.
const NAME_MAX: usize = 200;
const FOLDERS_MAX: usize = 8;

/// A name that stays in its folder, whatever was sent.
///
/// # Errors
/// A name that is empty, hidden, too long, or leaves its folder.
pub fn safe_name(name: &str) -> ApiResult<String> {
    let name = name.replace('\\', "/");
    let parts: Vec<&str> = name.split('/').filter(|p| !p.is_empty()).collect();
    let bad = |p: &&str| p.starts_with('.') || p.contains(':') || p.chars().any(char::is_control);
    if parts.is_empty() || parts.len() > FOLDERS_MAX || name.len() > NAME_MAX || parts.iter().any(bad) {
        return Err(ApiError::bad_request(format!(
            "`name` must be a file name of at most {NAME_MAX} bytes, with at most {} folders, no part beginning with a dot",
            FOLDERS_MAX - 1
        )));
    }
    Ok(parts.join("/"))
}

/// Writes a body to a folder of its own, below that name. The folder goes away with the value.
///
/// # Errors
/// [`ApiError::too_large`], and what the disk says.
pub async fn receive(app: &App, name: &str, request: Request) -> ApiResult<TempDir> {
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|n| n > UPLOAD_MAX) {
        return Err(too_large());
    }
    keep(app, name, request.into_body().into_data_stream()).await
}

/// Writes pieces to a folder of its own, below that name.
///
/// # Errors
/// As [`receive`].
pub async fn keep<E: std::fmt::Display>(
    app: &App,
    name: &str,
    mut body: impl futures_util::Stream<Item = Result<axum::body::Bytes, E>> + Unpin,
) -> ApiResult<TempDir> {
    let name = name.to_owned();
    let inbox = app.workspace.server_dir().join("inbox");
    let opened = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
        std::fs::create_dir_all(&inbox)?;
        let folder = tempfile::Builder::new().prefix("upload-").tempdir_in(&inbox)?;
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok((folder, std::fs::File::create(&path)?))
    });
    let (folder, file) = opened.await.map_err(ApiError::internal)?.map_err(no_room)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut size = 0u64;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|e| ApiError::bad_request(format!("the upload broke off: {e}")))?;
        size += piece.len() as u64;
        if size > UPLOAD_MAX {
            return Err(too_large());
        }
        tokio::io::AsyncWriteExt::write_all(&mut file, &piece).await.map_err(no_room)?;
    }
    let mut file = file.into_std().await;
    file.flush().map_err(no_room)?;
    if size == 0 {
        return Err(ApiError::bad_request("the body is empty; send the file as the body"));
    }
    Ok(folder)
}

fn too_large() -> ApiError {
    ApiError::too_large(format!("a file has at most {UPLOAD_MAX} bytes; cut it into parts"))
}

/// What the disk says, in an answer.
pub fn no_room(error: std::io::Error) -> ApiError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => ApiError::new(
            axum::http::StatusCode::INSUFFICIENT_STORAGE,
            "no_room",
            format!("{error}; free some space and send the file again"),
        ),
        _ => ApiError::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        assert_eq!(safe_name("yes/a.wav").expect("kept"), "yes/a.wav");
        assert_eq!(safe_name("/yes\\a.wav").expect("kept"), "yes/a.wav");
        for name in [
            "",
            "/",
            "..",
            "../a.wav",
            "a/../../b.wav",
            ".hidden",
            "a/.b",
            "C:\\x.wav",
            "a\0b",
            &"x".repeat(201),
        ] {
            assert!(safe_name(name).is_err(), "{name:?}");
        }
    }
}
