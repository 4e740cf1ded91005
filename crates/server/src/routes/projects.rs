//! Projects and their files.

use crate::{
    convert,
    error::ApiResult,
    state::{Anywhere, App, Body, ProjectDir, Who},
};
use axum::{Json, extract::State, http::StatusCode};
use edgewright_api::{
    Estimate, EstimateRequest, NewProject, Problem, Project, ProjectFile, ProjectFileChecked,
    ProjectFileText, ProjectFileWritten, ProjectList,
};
use edgewright_engine::{
    estimate as estimating, project, template,
    workspace::{ProjectEntry, check_project_file, read_project_file, write_project_file},
};

fn describe(entry: &ProjectEntry) -> Project {
    let (name, description, problem) = match project::Project::open(&entry.dir) {
        Ok(p) => (p.file.project.name, p.file.project.description, None),
        Err(e) => (entry.id.clone(), String::new(), Some(e.to_string())),
    };
    Project { id: entry.id.clone(), name, description, problem }
}

/// All projects that the caller may use.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects",
    responses((status = 200, body = ProjectList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_projects(State(app): State<App>, Who(caller): Who) -> ApiResult<Json<ProjectList>> {
    let list = app
        .run(move |w| {
            let all = w.projects()?;
            let alone = all.len() == 1 && all[0].dir == w.dir();
            let mine = |p: &&ProjectEntry| caller.project.as_deref().is_none_or(|only| only == p.id);
            Ok(ProjectList {
                projects: all.iter().filter(mine).map(describe).collect(),
                templates: if alone {
                    Vec::new()
                } else {
                    template::TEMPLATES.iter().map(|t| (*t).to_owned()).collect()
                },
            })
        })
        .await?;
    Ok(Json(list))
}

/// Make a project from a template.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = NewProject,
    responses((status = 201, body = Project), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_project(
    State(app): State<App>,
    _: Anywhere,
    Body(asked): Body<NewProject>,
) -> ApiResult<(StatusCode, Json<Project>)> {
    let made = app.run(move |w| w.create_project(&asked.id, &asked.template).map(|e| describe(&e))).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = Project), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_project(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<Project>> {
    let entry = ProjectEntry { id: project.id, dir: project.dir };
    Ok(Json(app.run(move |_| Ok(describe(&entry))).await?))
}

/// The text of `edgewright.toml`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/file", tag = "projects", params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = ProjectFile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn read_file(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<ProjectFile>> {
    let file = app
        .run(move |_| {
            let (text, version) = read_project_file(&project.dir)?;
            let (settings, problem) = match project::Project::parse(&project.dir, &text) {
                Ok(p) => (Some(convert::settings(&p.file)), None),
                Err(e) => (None, Some(e.to_string())),
            };
            Ok(ProjectFile { text, version, settings, problem })
        })
        .await?;
    Ok(Json(file))
}

/// Replace the text of `edgewright.toml`. A text that cannot be used, or that newly names a file outside the project, is refused with line, key
/// and hint (`project_file`); one that somebody else changed meanwhile with `changed`.
#[utoipa::path(put, path = "/api/v1/projects/{project}/file", tag = "projects", params(("project" = String, Path, description = "Id of the project")),
    request_body = ProjectFileWritten,
    responses((status = 200, body = ProjectFile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn write_file(
    State(app): State<App>,
    project: ProjectDir,
    Body(asked): Body<ProjectFileWritten>,
) -> ApiResult<Json<ProjectFile>> {
    let roots = app.data_roots.clone();
    let file = app
        .run(move |_| {
            let version = write_project_file(&project.dir, &asked.text, asked.version.as_deref(), &roots)?;
            let settings = project::Project::parse(&project.dir, &asked.text)?;
            Ok(ProjectFile {
                text: asked.text,
                version,
                settings: Some(convert::settings(&settings.file)),
                problem: None,
            })
        })
        .await?;
    Ok(Json(file))
}

/// What a text for `edgewright.toml` says, and whether it can be used. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/projects/{project}/file/check", tag = "projects", params(("project" = String, Path, description = "Id of the project")),
    request_body = ProjectFileText,
    responses((status = 200, body = ProjectFileChecked), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn check_file(
    State(app): State<App>,
    project: ProjectDir,
    Body(asked): Body<ProjectFileText>,
) -> ApiResult<Json<ProjectFileChecked>> {
    let roots = app.data_roots.clone();
    let checked = app.run(move |_| Ok(check_project_file(&project.dir, &asked.text, &roots))).await?;
    Ok(Json(match checked {
        Ok(file) => ProjectFileChecked { settings: Some(convert::settings(&file)), problem: None },
        Err(e) => ProjectFileChecked { settings: None, problem: Some(e.to_string()) },
    }))
}

/// What the impulse will be like before it is trained, with a file that is being written; nothing is changed. Needs the cleaned recordings.
#[utoipa::path(post, path = "/api/v1/projects/{project}/estimate", tag = "projects",
    params(("project" = String, Path, description = "Id of the project")), request_body = EstimateRequest,
    responses((status = 200, body = Estimate), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn estimate(
    State(app): State<App>,
    project: ProjectDir,
    Body(asked): Body<EstimateRequest>,
) -> ApiResult<Json<Estimate>> {
    let roots = app.data_roots.clone();
    let told = app
        .run_in(&project, move |session| {
            if let Some(text) = &asked.text {
                check_project_file(&session.project.dir, text, &roots)?;
            }
            estimating::estimate(session, asked.text.as_deref(), &asked.targets)
        })
        .await?;
    Ok(Json(convert::estimate(told)))
}
