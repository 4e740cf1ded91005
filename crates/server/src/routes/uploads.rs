//! Large files in pieces: begin, add, look, finish.

use super::samples::take_in;
use crate::{
    error::ApiResult,
    pieces::{self, Partial},
    state::{App, Asked, Body, Named, ProjectDir},
    upload,
};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use edgewright_api::{FinishQuery, ImportResult, NewUpload, PieceQuery, Problem, Upload, UploadQuery};

fn wire(partial: Partial) -> Upload {
    Upload { id: partial.id, name: partial.name, size: partial.size, received: partial.received }
}

/// Begin a file that comes in pieces. An unfinished one is kept for a day after its last piece, also when the server is killed.
#[utoipa::path(post, path = "/api/v1/projects/{project}/uploads", tag = "data",
    params(("project" = String, Path, description = "Id of the project")), request_body = NewUpload,
    responses((status = 201, body = Upload), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn begin_upload(
    State(app): State<App>,
    project: ProjectDir,
    Body(asked): Body<NewUpload>,
) -> ApiResult<(StatusCode, Json<Upload>)> {
    let name = upload::safe_name(&asked.name)?;
    let begun = app.on_disk(move |w| pieces::begin(w, &project.id, &name, asked.size)).await?;
    Ok((StatusCode::CREATED, Json(wire(begun))))
}

/// How much of a file has arrived.
#[utoipa::path(get, path = "/api/v1/projects/{project}/uploads/{upload}", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("upload" = String, Path, description = "Id of the upload")),
    responses((status = 200, body = Upload), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_upload(
    State(app): State<App>,
    project: ProjectDir,
    Named(id): Named,
) -> ApiResult<Json<Upload>> {
    let (found, _) = app.on_disk(move |w| pieces::find(w, &project.id, &id)).await?;
    Ok(Json(wire(found)))
}

/// Add a piece, which must begin where the last one ended (else `changed`, and the detail says where). The answer comes when it is on disk.
#[utoipa::path(put, path = "/api/v1/projects/{project}/uploads/{upload}", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("upload" = String, Path, description = "Id of the upload"), PieceQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The bytes"),
    responses((status = 200, body = Upload), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn add_piece(
    State(app): State<App>,
    project: ProjectDir,
    Named(id): Named,
    Asked(query): Asked<PieceQuery>,
    request: Request,
) -> ApiResult<Json<Upload>> {
    Ok(Json(wire(pieces::add(&app, &project.id, &id, query.offset, request).await?)))
}

/// Throw an unfinished file away.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/uploads/{upload}", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("upload" = String, Path, description = "Id of the upload")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_upload(
    State(app): State<App>,
    project: ProjectDir,
    Named(id): Named,
) -> ApiResult<StatusCode> {
    app.on_disk(move |w| pieces::remove(w, &project.id, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take the samples of a file in whose pieces have all arrived, as if it had been sent whole.
#[utoipa::path(post, path = "/api/v1/projects/{project}/uploads/{upload}/finish", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("upload" = String, Path, description = "Id of the upload"), FinishQuery),
    responses((status = 200, body = ImportResult), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn finish_upload(
    State(app): State<App>,
    project: ProjectDir,
    Named(id): Named,
    Asked(query): Asked<FinishQuery>,
) -> ApiResult<Json<ImportResult>> {
    let (asked, of) = (id.clone(), project.id.clone());
    let (partial, folder) = app.on_disk(move |w| pieces::whole(w, &of, &asked)).await?;
    let query = UploadQuery {
        name: partial.name,
        label: query.label,
        label_from: query.label_from,
        group_from: query.group_from,
        category: query.category,
        rate_hz: query.rate_hz,
        dry_run: query.dry_run,
        ..UploadQuery::default()
    };
    let keeps = query.dry_run != Some(true);
    let of = project.id.clone();
    let result = take_in(&app, project, query, folder).await?;
    if keeps {
        app.on_disk(move |w| pieces::remove(w, &of, &id)).await?;
    }
    Ok(Json(result))
}
