//! The calls by which a runner finds a model, has it built and downloads it.

use super::{Queried, Refusal, jobs::job_number, jobs::when, project, queried};
use crate::{send, state::App};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use edgewright_engine::{
    EngineError,
    access::Scope,
    jobs::JobRequest,
    workspace::{ProjectEntry, Workspace},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What clients ask for by one word: its name for people, our target and package.
#[derive(Clone, Copy)]
struct Format {
    word: &'static str,
    name: &'static str,
    target: &'static str,
    package: &'static str,
}

/// Those that every server builds.
const FORMATS: &[Format] = &[
    Format { word: "zip", name: "C library", target: "unknown", package: "c" },
    Format { word: "arduino", name: "Arduino library", target: "cortex-m4f", package: "arduino" },
    Format { word: "cmsis-package", name: "CMSIS-Pack", target: "cortex-m4f", package: "cmsis-pack" },
    Format { word: "zephyr", name: "Zephyr module", target: "cortex-m4f", package: "zephyr" },
    Format { word: "particle", name: "Particle library", target: "cortex-m4f", package: "particle" },
    Format { word: "wasm", name: "WebAssembly", target: "wasm32", package: "wasm" },
    Format {
        word: "wasm-browser-simd",
        name: "WebAssembly (browser, SIMD)",
        target: "wasm32",
        package: "wasm",
    },
];

/// The executable of a machine like this one: it is built with this machine's compiler.
fn own() -> Option<Format> {
    let (word, name) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => ("runner-linux-x86_64", "Linux (x86-64)"),
        ("linux", "aarch64") => ("runner-linux-aarch64", "Linux (AArch64)"),
        _ => return None,
    };
    Some(Format { word, name, target: "host", package: "eim" })
}

/// Executables of other machines: they are built where the compiler for them is, and say which is missing where it is not.
const OTHERS: &[Format] = &[
    Format { word: "runner-linux-x86_64", name: "Linux (x86-64)", target: "x86-64-linux", package: "eim" },
    Format { word: "runner-linux-aarch64", name: "Linux (AArch64)", target: "aarch64-linux", package: "eim" },
    Format { word: "runner-linux-armv7", name: "Linux (ARMv7)", target: "armv7-linux", package: "eim" },
];

fn formats() -> impl Iterator<Item = Format> {
    let own = own();
    let word = own.map(|f| f.word);
    let others = OTHERS.iter().filter(move |f| Some(f.word) != word);
    own.into_iter().chain(others.copied()).chain(FORMATS.iter().copied())
}

fn format(word: &str) -> Result<Format, Refusal> {
    let found = formats().find(|f| f.word == word);
    found.ok_or_else(|| {
        let known: Vec<&str> = formats().map(|f| f.word).collect();
        let word: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
        Refusal(
            StatusCode::BAD_REQUEST,
            format!("`{word}` is not built here; there are {}", known.join(", ")),
        )
    })
}

fn float(model: Option<&str>) -> Result<bool, Refusal> {
    match model {
        None | Some("int8") => Ok(false),
        Some("float32") => Ok(true),
        _ => Err(Refusal(StatusCode::BAD_REQUEST, "`modelType` is int8 or float32".into())),
    }
}

/// The calls that there are.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/api/{project}/impulses", get(impulses))
        .route("/v1/api/{project}/impulse", get(impulse))
        .route("/v1/api/{project}/model-variants", get(variants))
        .route("/v1/api/{project}/deployment", get(deployment))
        .route("/v1/api/{project}/deployment/targets", get(targets))
        .route("/v1/api/{project}/deployment/targets/data-sources", get(targets))
        .route("/v1/api/{project}/deployment/download", get(download))
        .route("/v1/api/{project}/jobs/build-ondevice-model", post(build))
}

/// A project has one impulse.
fn describe(entry: &ProjectEntry) -> Value {
    json!({"id": 1, "name": entry.id, "inputBlocks": [], "dspBlocks": [], "learnBlocks": []})
}

async fn impulses(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    Ok(Json(json!({"success": true, "impulses": [describe(&entry)]})))
}

async fn impulse(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    Ok(Json(json!({"success": true, "impulse": describe(&entry)})))
}

async fn variants(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    project(&app, &headers, &name, Scope::Read).await?;
    let one = |variant: &str, first: bool| json!({"variant": variant, "isReferenceVariant": first, "isEnabled": true, "isSelected": first});
    Ok(Json(json!({"success": true, "modelVariants": [one("int8", true), one("float32", false)]})))
}

async fn targets(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    project(&app, &headers, &name, Scope::Read).await?;
    let all: Vec<Value> = formats()
        .map(|f| {
            let flags = [
                "hasTensorRT", "hasTensaiFlow", "hasDRPAI", "hasTIDL", "hasAkida", "hasMemryx", "hasStAton", "hasCevaNpn",
                "hasNordicAxon", "hasQaic",
            ];
            let mut told = json!({
                "name": f.name, "description": f.name, "format": f.word, "image": "", "imageClasses": "", "hasEonCompiler": true,
                "hideOptimizations": false, "uiSection": "library", "docsUrl": "", "parameters": [],
                // What we emit is neither; clients know no other words.
                "supportedEngines": ["tflite", "tflite-eon"], "preferredEngine": "tflite-eon",
                "modelVariants": [{"variant": "int8", "supported": true}, {"variant": "float32", "supported": true}],
            });
            for flag in flags {
                told[flag] = json!(false);
            }
            told
        })
        .collect();
    Ok(Json(json!({"success": true, "targets": all})))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "type")]
    word: String,
    #[serde(rename = "modelType")]
    model: Option<String>,
}

/// The query of a call, once the caller is known.
fn asked(query: Queried<Asked>) -> Result<(Format, bool), Refusal> {
    let asked = queried(query)?;
    Ok((format(&asked.word)?, float(asked.model.as_deref())?))
}

/// The package of a model that was brought: of a project that was never trained itself.
fn model_alone(
    workspace: &Workspace,
    project: &str,
    f: &Format,
    float: bool,
) -> Result<Option<(u32, PathBuf)>, EngineError> {
    if workspace.was_trained(project)? {
        return Ok(None);
    }
    workspace.brought_package(project, f.target, f.package, float)
}

/// What a project gives now: its number, and name and place of the package once it was built.
type Packaged = (Option<u32>, Option<(String, PathBuf)>);

fn packaged(workspace: &Workspace, project: &str, f: &Format, float: bool) -> Result<Packaged, EngineError> {
    if let Some((version, path)) = model_alone(workspace, project, f, float)? {
        let end = if f.package == "eim" { "eim" } else { "zip" };
        let file = path.is_file().then(|| (format!("{project}-{}-{}.{end}", f.target, f.package), path));
        return Ok((Some(version), file));
    }
    let (version, job) = workspace.deployment(project, f.target, f.package, float)?;
    Ok((version, job.map(|j| workspace.job_package(project, &j)).transpose()?))
}

async fn deployment(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    query: Queried<Asked>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let (f, float) = asked(query)?;
    let (version, file) = app.run(move |w| packaged(w, &entry.id, &f, float)).await?;
    let mut told = json!({"success": true, "hasDeployment": file.is_some()});
    if let Some(version) = version.filter(|_| file.is_some()) {
        told["version"] = json!(version);
    }
    Ok(Json(told))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBuild {
    engine: Option<String>,
    model_type: Option<String>,
}

async fn build(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    query: Queried<Asked>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    let (f, mut wants_float) = asked(query)?;
    let body: NewBuild = super::devices::parsed(&body)?;
    if let Some(model) = &body.model_type {
        wants_float = float(Some(model))?;
    }
    // Whatever clients call the way to C: there is one.
    if body.engine.as_deref().is_some_and(|e| !e.starts_with("tflite")) {
        return Err(Refusal(StatusCode::BAD_REQUEST, "`engine` is tflite or tflite-eon".into()));
    }
    let id = entry.id.clone();
    let brought = app.run(move |w| match model_alone(w, &id, &f, wants_float)? {
        Some(_) => w.build_brought(&id, f.target, f.package, wants_float).map(Some),
        None => Ok(None),
    });
    if let Some(version) = brought.await? {
        let job = app.ended.add(&entry.id);
        return Ok(Json(json!({"success": true, "id": job, "deploymentVersion": version})));
    }
    let request =
        JobRequest::Build { target: f.target.into(), package: f.package.into(), float: wants_float };
    let (job, version) = app
        .run(move |w| {
            let (job, _) = w.submit_job(&entry.id, &request, None)?;
            let (version, _) = w.deployment(&entry.id, f.target, f.package, wants_float)?;
            Ok((job, version))
        })
        .await?;
    let told = json!({"success": true, "id": job_number(&job.id), "deploymentVersion": version.unwrap_or(1), "created": when(job.created)});
    Ok(Json(told))
}

async fn download(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    query: Queried<Asked>,
) -> Result<Response, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let (f, float) = asked(query)?;
    let (_, file) = app.run(move |w| packaged(w, &entry.id, &f, float)).await?;
    let (name, path) =
        file.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "No deployment yet; build it first".into()))?;
    Ok(send::file(&name, &path).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_a_target_and_a_package_of_ours() {
        let known = edgewright_engine::documents::targets(None).expect("read");
        for f in formats() {
            let target = known.iter().find(|t| t.id == f.target).unwrap_or_else(|| panic!("{}", f.target));
            assert!(target.packages.iter().any(|p| p == f.package), "{} for {}", f.package, f.target);
        }
        assert!(format("runner-linux-riscv64").is_err_and(|r| r.1.contains("zip")));
    }
}
