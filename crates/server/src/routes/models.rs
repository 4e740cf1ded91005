//! Models from elsewhere: files that are kept for a project. What takes its time with them are jobs.

use crate::{
    error::ApiResult,
    send,
    state::{App, Body, Named, ProjectDir},
    upload,
};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use edgewright_api::{ModelFile, ModelFileList, ModelImport, ModelImported, ModelTensor, Problem};
use edgewright_engine::{model_tool::TensorInfo, models::KeptFile};

fn wire(file: KeptFile) -> ModelFile {
    ModelFile { name: file.name, bytes: file.bytes, written: file.written }
}

fn tensor(t: TensorInfo) -> ModelTensor {
    ModelTensor {
        name: t.name,
        shape: t.shape.into_iter().map(|n| n as u64).collect(),
        kind: t.dtype.to_owned(),
        scale: t.scale,
        zero_point: t.zero_point,
    }
}

/// Models and arrays that are kept for a project, and what jobs made of them.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models", tag = "models",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = ModelFileList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_models(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<ModelFileList>> {
    let files = app.run(move |w| w.model_files(&project.id)).await?;
    Ok(Json(ModelFileList { files: files.into_iter().map(wire).collect() }))
}

/// Keep a file for jobs on models: TFLite, ONNX (with the files of its weights beside it), LightGBM, XGBoost, scikit-learn, and inputs as
/// `.npy`. One of the same name is replaced.
#[utoipa::path(put, path = "/api/v1/projects/{project}/models/{file}", tag = "models",
    params(("project" = String, Path, description = "Id of the project"), ("file" = String, Path, description = "Name of the file")),
    request_body(content = String, content_type = "application/octet-stream", description = "The file"),
    responses((status = 200, body = ModelFile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn keep_model(
    State(app): State<App>,
    project: ProjectDir,
    Named(name): Named,
    request: Request,
) -> ApiResult<Json<ModelFile>> {
    let folder = upload::receive(&app, "model", request).await?;
    let kept = app.run(move |w| w.keep_model_file(&project.id, &name, &folder.path().join("model"))).await?;
    Ok(Json(wire(kept)))
}

/// A file that is kept.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models/{file}", tag = "models",
    params(("project" = String, Path, description = "Id of the project"), ("file" = String, Path, description = "Name of the file")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_model(
    State(app): State<App>,
    project: ProjectDir,
    Named(name): Named,
) -> ApiResult<Response> {
    let (asked, id) = (name.clone(), project.id);
    let path = app.run(move |w| w.model_file(&id, &asked)).await?;
    send::file(&name, &path).await
}

/// Remove a file.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/models/{file}", tag = "models",
    params(("project" = String, Path, description = "Id of the project"), ("file" = String, Path, description = "Name of the file")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_model(
    State(app): State<App>,
    project: ProjectDir,
    Named(name): Named,
) -> ApiResult<StatusCode> {
    app.run(move |w| w.remove_model_file(&project.id, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a model the one learning block of its project.
#[utoipa::path(post, path = "/api/v1/projects/{project}/models/{file}/import", tag = "models",
    params(("project" = String, Path, description = "Id of the project"), ("file" = String, Path, description = "Name of the file")),
    request_body = ModelImport,
    responses((status = 200, body = ModelImported), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn import_model(
    State(app): State<App>,
    project: ProjectDir,
    Named(name): Named,
    Body(asked): Body<ModelImport>,
) -> ApiResult<Json<ModelImported>> {
    let told = app.run(move |w| w.import_model(&project.id, &name, &asked.labels)).await?;
    Ok(Json(ModelImported {
        model: told.model,
        kind: told.kind.to_owned(),
        labels: told.labels,
        macs: told.macs,
        input: tensor(told.input),
        output: tensor(told.output),
        notes: told.notes,
    }))
}
