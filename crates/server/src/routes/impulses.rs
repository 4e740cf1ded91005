//! Several impulses of a project.

use crate::{
    convert,
    error::ApiResult,
    state::{App, Asked, Body, Named, ProjectDir},
};
use axum::{Json, extract::State, http::StatusCode};
use edgewright_api::{Diff, DiffQuery, KeptImpulseList, Problem, ProjectFile, UseImpulse};
use edgewright_engine::{impulses, project::Project};

/// The impulses that were kept beside the one in use, which stands in the project file.
#[utoipa::path(get, path = "/api/v1/projects/{project}/impulses", tag = "projects",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = KeptImpulseList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_impulses(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<KeptImpulseList>> {
    let impulses = app
        .run(move |_| {
            let all = impulses::list(&project.dir)?;
            Ok(all.into_iter().map(|i| convert::kept_impulse(&project.dir, i)).collect())
        })
        .await?;
    Ok(Json(KeptImpulseList { impulses }))
}

/// Keep the impulse in use under a name: 1 to 64 letters, digits, `-` and `_`. What was kept under it is replaced.
#[utoipa::path(put, path = "/api/v1/projects/{project}/impulses/{impulse}", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("impulse" = String, Path, description = "Name")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn save_impulse(
    State(app): State<App>,
    project: ProjectDir,
    Named(impulse): Named,
) -> ApiResult<StatusCode> {
    app.run(move |_| impulses::save(&project.dir, &impulse)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a kept impulse into use. One that would be lost is refused with `changed`, unless it is to be discarded.
#[utoipa::path(post, path = "/api/v1/projects/{project}/impulses/{impulse}/use", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("impulse" = String, Path, description = "Name")),
    request_body = UseImpulse,
    responses((status = 200, body = ProjectFile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn use_impulse(
    State(app): State<App>,
    project: ProjectDir,
    Named(impulse): Named,
    Body(asked): Body<UseImpulse>,
) -> ApiResult<Json<ProjectFile>> {
    let roots = app.data_roots.clone();
    let file = app
        .run(move |_| {
            let (text, version) = impulses::switch(&project.dir, &impulse, asked.discard, Some(&roots))?;
            let settings = Some(convert::settings(&Project::parse(&project.dir, &text)?.file));
            Ok(ProjectFile { text, version, settings, problem: None })
        })
        .await?;
    Ok(Json(file))
}

/// What changes from a kept impulse to another, or to the one in use.
#[utoipa::path(get, path = "/api/v1/projects/{project}/impulses/{impulse}/diff", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("impulse" = String, Path, description = "Name"), DiffQuery),
    responses((status = 200, body = Diff), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn diff_impulse(
    State(app): State<App>,
    project: ProjectDir,
    Named(impulse): Named,
    Asked(query): Asked<DiffQuery>,
) -> ApiResult<Json<Diff>> {
    let lines = app.run(move |_| impulses::diff(&project.dir, &impulse, query.to.as_deref())).await?;
    Ok(Json(Diff { lines: lines.into_iter().map(convert::diff_line).collect() }))
}

/// Remove a kept impulse; the project file stays as it is.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/impulses/{impulse}", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("impulse" = String, Path, description = "Name")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_impulse(
    State(app): State<App>,
    project: ProjectDir,
    Named(impulse): Named,
) -> ApiResult<StatusCode> {
    app.run(move |_| impulses::remove(&project.dir, &impulse)).await?;
    Ok(StatusCode::NO_CONTENT)
}
