//! Files that come in pieces: what has arrived stays when a connection or the server breaks off.

use crate::{
    UPLOAD_MAX,
    error::{ApiError, ApiResult},
    state::App,
    upload::no_room,
};
use axum::{extract::Request, http::StatusCode};
use edgewright_engine::workspace::Workspace;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::{
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Unfinished files of a project.
const OPEN_MAX: usize = 100;
/// One that nobody touches is thrown away after so long.
const KEPT: Duration = Duration::from_secs(24 * 3600);
const HEAD: &str = "head.json";
const BODY: &str = "body";

/// An unfinished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Id, in hexadecimal digits.
    #[serde(skip)]
    pub id: String,
    /// Project that it is for.
    pub project: String,
    /// Name that the file will have.
    pub name: String,
    /// Its bytes in all.
    pub size: u64,
    /// Bytes that have arrived.
    #[serde(skip)]
    pub received: u64,
}

fn root(workspace: &Workspace) -> PathBuf {
    workspace.server_dir().join("partial")
}

fn not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is no such upload; it was finished, removed, or not touched for a day",
    )
}

/// Throws away what nobody touched for long, and what earlier servers were receiving when they were killed.
pub fn clean(workspace: &Workspace) -> std::io::Result<()> {
    let inbox = workspace.server_dir().join("inbox");
    if inbox.is_dir() {
        std::fs::remove_dir_all(inbox)?;
    }
    old(&root(workspace))
}

fn old(root: &Path) -> std::io::Result<()> {
    if !root.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(root)? {
        let folder = entry?.path();
        let touched = std::fs::metadata(folder.join(BODY)).and_then(|m| m.modified());
        let age = touched.map(|t| SystemTime::now().duration_since(t).unwrap_or_default());
        if age.is_ok_and(|age| age < KEPT) {
            continue;
        }
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Begins a file.
///
/// # Errors
/// A size that no file may have, too many unfinished files, and what the disk says.
pub fn begin(workspace: &Workspace, project: &str, name: &str, size: u64) -> ApiResult<Partial> {
    if size == 0 || size > UPLOAD_MAX {
        return Err(ApiError::too_large(format!("a file has 1 to {UPLOAD_MAX} bytes")));
    }
    let root = root(workspace);
    std::fs::create_dir_all(&root).map_err(no_room)?;
    old(&root).map_err(no_room)?;
    let open = std::fs::read_dir(&root).map_err(no_room)?.filter_map(Result::ok).map(|e| e.path());
    if open.filter(|folder| head(folder).is_some_and(|p| p.project == project)).count() >= OPEN_MAX {
        return Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("{OPEN_MAX} files of this project are unfinished; finish or remove some"),
        ));
    }
    let id = workspace.random_id()?;
    let partial = Partial { id: id.clone(), project: project.into(), name: name.into(), size, received: 0 };
    // Made aside, so that a folder that is there is whole.
    let aside =
        tempfile::Builder::new().prefix("new-").tempdir_in(workspace.server_dir()).map_err(no_room)?;
    let text = serde_json::to_vec(&partial).map_err(ApiError::internal)?;
    std::fs::write(aside.path().join(HEAD), text).map_err(no_room)?;
    std::fs::File::create(aside.path().join(BODY)).map_err(no_room)?;
    std::fs::rename(aside.path(), root.join(&id)).map_err(no_room)?;
    // It is elsewhere now.
    let _ = aside.keep();
    Ok(partial)
}

fn head(folder: &Path) -> Option<Partial> {
    serde_json::from_slice(&std::fs::read(folder.join(HEAD)).ok()?).ok()
}

/// Finds an unfinished file of a project.
///
/// # Errors
/// When there is none.
pub fn find(workspace: &Workspace, project: &str, id: &str) -> ApiResult<(Partial, PathBuf)> {
    // Only ever a name that we gave.
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(not_found());
    }
    let folder = root(workspace).join(id);
    let mut partial = head(&folder).filter(|p| p.project == project).ok_or_else(not_found)?;
    partial.id = id.into();
    partial.received = std::fs::metadata(folder.join(BODY)).map_err(no_room)?.len();
    Ok((partial, folder))
}

/// Adds a piece that begins at `offset`, which must be where the last one ended. What arrives of a piece that breaks off stays. When this
/// returns, the bytes are on disk.
///
/// # Errors
/// Another offset, more bytes than the file has, and what the disk says.
pub async fn add(app: &App, project: &str, id: &str, offset: u64, request: Request) -> ApiResult<Partial> {
    let (project, id) = (project.to_owned(), id.to_owned());
    let workspace = app.workspace.clone();
    let opened = tokio::task::spawn_blocking(move || -> ApiResult<_> {
        let (partial, folder) = find(&workspace, &project, &id)?;
        let mut file = std::fs::File::options().write(true).open(folder.join(BODY)).map_err(no_room)?;
        // Two senders at once would mix their pieces.
        if file.try_lock().is_err() {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "changed",
                "another request is adding to this file",
            ));
        }
        let received = file.metadata().map_err(no_room)?.len();
        if received != offset {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "changed",
                format!("{received} bytes have arrived; go on from there"),
            ));
        }
        file.seek(SeekFrom::End(0)).map_err(no_room)?;
        Ok((Partial { received, ..partial }, file))
    });
    let (mut partial, file) = opened.await.map_err(ApiError::internal)??;
    let mut file = tokio::fs::File::from_std(file);
    let mut body = request.into_body().into_data_stream();
    let mut broken = None;
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) if partial.received + piece.len() as u64 > partial.size => {
                broken =
                    Some(ApiError::too_large(format!("the file was said to have {} bytes", partial.size)));
                break;
            }
            Ok(piece) => {
                tokio::io::AsyncWriteExt::write_all(&mut file, &piece).await.map_err(no_room)?;
                partial.received += piece.len() as u64;
            }
            Err(e) => {
                broken = Some(ApiError::bad_request(format!("the piece broke off: {e}")));
                break;
            }
        }
    }
    let mut file = file.into_std().await;
    let synced = tokio::task::spawn_blocking(move || file.flush().and_then(|()| file.sync_data()));
    synced.await.map_err(ApiError::internal)?.map_err(no_room)?;
    broken.map_or(Ok(partial), Err)
}

/// Puts a whole file under its name into a folder of its own, which goes away with the value.
///
/// # Errors
/// When bytes are missing, and what the disk says.
pub fn whole(workspace: &Workspace, project: &str, id: &str) -> ApiResult<(Partial, tempfile::TempDir)> {
    let (partial, folder) = find(workspace, project, id)?;
    if partial.received != partial.size {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "changed",
            format!("{} of {} bytes have arrived; send the rest first", partial.received, partial.size),
        ));
    }
    let inbox = workspace.server_dir().join("inbox");
    std::fs::create_dir_all(&inbox).map_err(no_room)?;
    let out = tempfile::Builder::new().prefix("upload-").tempdir_in(&inbox).map_err(no_room)?;
    let path = out.path().join(&partial.name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(no_room)?;
    }
    // A second name for the same bytes: when the import fails, the upload is still there.
    std::fs::hard_link(folder.join(BODY), &path)
        .or_else(|_| std::fs::copy(folder.join(BODY), &path).map(|_| ()))
        .map_err(no_room)?;
    Ok((partial, out))
}

/// Throws an unfinished file away.
///
/// # Errors
/// When there is none.
pub fn remove(workspace: &Workspace, project: &str, id: &str) -> ApiResult<()> {
    let (_, folder) = find(workspace, project, id)?;
    std::fs::remove_dir_all(folder).map_err(no_room)
}
