//! What the data are like, to look at and as files.

use crate::{
    error::{ApiError, ApiResult},
    send,
    state::{App, Named, ProjectDir},
};
use axum::{Json, extract::State, response::Response};
use edgewright_api::{Analysis, Problem};
use edgewright_engine::analysis::Export;

/// Features in one answer.
const FEATURES: usize = 500;

/// What the data are like: distributions of lengths and values, spectra, correlation, what features tell of labels on training windows, how
/// far labels are apart, and slices by metadata. What of it needs a stage that is not up to date is left empty.
#[utoipa::path(get, path = "/api/v1/projects/{project}/analysis", tag = "data",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = Analysis), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_analysis(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<Analysis>> {
    let export = app.run_in(&project, Export::new).await?;
    let mut told = serde_json::to_value(export.analysis()).map_err(ApiError::internal)?;
    told["files"] = export.names().into();
    if let Some(features) = told["features"].as_array_mut() {
        features.truncate(FEATURES);
    }
    Ok(Json(serde_json::from_value(told).map_err(ApiError::internal)?))
}

/// A file of the analysis: a table as CSV or Parquet, or a picture as SVG.
#[utoipa::path(get, path = "/api/v1/projects/{project}/analysis/{file}", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("file" = String, Path, description = "One of `files` of the analysis, such as `spectra.csv`")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_analysis_file(
    State(app): State<App>,
    project: ProjectDir,
    Named(file): Named,
) -> ApiResult<Response> {
    let name = file.clone();
    let bytes = app.run_in(&project, move |s| Export::new(s)?.file(&name)).await?;
    Ok(send::bytes(&format!("{}-{file}", project.id), bytes))
}
