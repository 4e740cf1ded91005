//! Versions: what was trained, what changed, and the way back.

use crate::{
    convert, convert_pareto,
    error::ApiResult,
    state::{App, Asked, Body, Named, ProjectDir},
};
use axum::{Json, extract::State};
use edgewright_api::{
    Diff, DiffQuery, Pareto, ParetoQuery, Problem, ProjectFile, RestoreVersion, VersionList,
};
use edgewright_engine::{pareto, project::Project, versions};

/// Every state of the project file that was trained, with what came of it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/versions", tag = "projects",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = VersionList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_versions(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<VersionList>> {
    let dir = project.dir.clone();
    let all = app.run_in(&project, versions::list).await?;
    Ok(Json(VersionList { versions: all.into_iter().map(|v| convert::version(&dir, v)).collect() }))
}

/// All runs of a project against each other: what each reached in a metric, what it costs on a target, and which no other beats.
#[utoipa::path(get, path = "/api/v1/projects/{project}/pareto", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ParetoQuery),
    responses((status = 200, body = Pareto), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn compare_versions(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<ParetoQuery>,
) -> ApiResult<Json<Pareto>> {
    let options = convert_pareto::options(query);
    let found = app.run_in(&project, move |s| pareto::pareto(s, &options)).await?;
    Ok(Json(convert_pareto::pareto(found)))
}

/// What changed in the project file from one version to another, or to the file as it is now.
#[utoipa::path(get, path = "/api/v1/projects/{project}/versions/{version}/diff", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("version" = String, Path, description = "Id of the version"), DiffQuery),
    responses((status = 200, body = Diff), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn diff_version(
    State(app): State<App>,
    project: ProjectDir,
    Named(version): Named,
    Asked(query): Asked<DiffQuery>,
) -> ApiResult<Json<Diff>> {
    let lines = app.run_in(&project, move |s| versions::diff(s, &version, query.to.as_deref())).await?;
    Ok(Json(Diff { lines: lines.into_iter().map(convert::diff_line).collect() }))
}

/// Write the project file of a version again. What was built with it is still there, so that the next run is short. Files that were changed
/// meanwhile, or that no version holds, are refused with `changed`; the latter unless they are to be discarded.
#[utoipa::path(post, path = "/api/v1/projects/{project}/versions/{version}/restore", tag = "projects",
    params(("project" = String, Path, description = "Id of the project"), ("version" = String, Path, description = "Id of the version")),
    request_body = RestoreVersion,
    responses((status = 200, body = ProjectFile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn restore_version(
    State(app): State<App>,
    project: ProjectDir,
    Named(version): Named,
    Body(asked): Body<RestoreVersion>,
) -> ApiResult<Json<ProjectFile>> {
    let roots = app.data_roots.clone();
    let file = app
        .run_in(&project, move |s| {
            let found = versions::find(s, &version)?;
            let version =
                versions::restore_version(s, &found, asked.discard, Some(&asked.version), Some(&roots))?;
            let settings = Project::parse(&s.project.dir, &found.text)?;
            Ok(ProjectFile {
                text: found.text,
                version,
                settings: Some(convert::settings(&settings.file)),
                problem: None,
            })
        })
        .await?;
    Ok(Json(file))
}
