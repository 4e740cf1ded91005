//! A model of one's own, as the Python SDK brings it: upload, profile, what it takes and says. All of it is done when the call returns; the
//! job that these clients then ask about has ended.

use super::{Refusal, devices::parsed, project};
use crate::{error::ApiError, state::App, upload};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State, multipart::Field},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use edgewright_engine::{
    access::Scope,
    brought::{Brought, Form, Says, Takes},
    model_profile::TargetCost,
    model_tool::TensorInfo,
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Bytes of a part that is a word.
const WORD_MAX: usize = 300;
/// Jobs that are remembered.
const REMEMBERED: usize = 1000;
/// What the three classes of processors in these clients' table are here.
const LOW: &str = "cortex-m0plus";
const HIGH: &str = "cortex-m7";
const FASTER: &str = "cortex-m55";

/// The calls that there are.
pub fn router() -> Router<App> {
    let base = "/v1/api/{project}/pretrained-model";
    Router::new()
        .route(&format!("{base}/upload"), post(bring).layer(DefaultBodyLimit::disable()))
        .route(base, get(info))
        .route(&format!("{base}/profile"), post(profile))
        .route(&format!("{base}/save"), post(save))
}

/// Jobs that had ended when they were told.
#[derive(Clone, Default)]
pub struct Ended(Arc<Mutex<VecDeque<(u64, String, i64)>>>);

impl Ended {
    /// One more of a project; its number.
    pub fn add(&self, project: &str) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (now as u64).max(all.back().map_or(0, |(n, ..)| n + 1));
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back((number, project.into(), now));
        number
    }

    /// When it ended, in milliseconds since 1970.
    pub fn at(&self, project: &str, number: u64) -> Option<i64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(n, p, _)| *n == number && p == project).map(|(.., at)| *at)
    }
}

async fn word(mut field: Field<'_>) -> Result<String, Refusal> {
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|e| bad(e.body_text()))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > WORD_MAX {
            return Err(bad(format!("a part that is no file has at most {WORD_MAX} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| bad("a part that is no file is UTF-8".into()))
}

async fn bring(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let mut parts = Multipart::from_request(request, &app).await.map_err(|e| bad(e.body_text()))?;
    let (mut model, mut cases): (Option<TempDir>, Option<TempDir>) = (None, None);
    let (mut called, mut kind, mut device) = (String::new(), String::new(), None);
    while let Some(field) = parts.next_field().await.map_err(|e| bad(e.body_text()))? {
        match field.name().unwrap_or_default() {
            "modelFile" => model = Some(upload::keep(&app, "model", field).await?),
            "representativeFeatures" => cases = Some(upload::keep(&app, "cases.npy", field).await?),
            "modelFileName" => called = word(field).await?,
            "modelFileType" => kind = word(field).await?,
            "device" => device = Some(word(field).await?).filter(|d| !d.is_empty()),
            other => {
                let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(bad(format!("`{other}` is not understood here; leave it out")));
            }
        }
    }
    let model = model.ok_or_else(|| bad("`modelFile` is missing".into()))?;
    let end = match kind.as_str() {
        "onnx" => "onnx",
        "tflite" => "tflite",
        _ => return Err(bad("`modelFileType` is onnx or tflite; convert other models first".into())),
    };
    let file = model.path().join(format!("model.{end}"));
    std::fs::rename(model.path().join("model"), &file).map_err(ApiError::internal)?;
    let id = entry.id.clone();
    app.run(move |w| {
        let representative = cases.as_ref().map(|c| c.path().join("cases.npy"));
        let done = w.bring_model(&id, &file, &called, representative.as_deref(), device.as_deref());
        // They go away with their folders.
        drop((model, cases));
        done
    })
    .await?;
    Ok(Json(json!({"success": true, "id": app.ended.add(&entry.id)})))
}

async fn costs(app: &App, project: &str) -> Result<Option<Brought>, ApiError> {
    let id = project.to_owned();
    app.run(move |w| w.brought(&id, &[LOW, HIGH, FASTER].map(String::from))).await
}

async fn profile(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    costs(&app, &entry.id).await?.ok_or_else(none)?;
    Ok(Json(json!({"success": true, "id": app.ended.add(&entry.id)})))
}

fn none() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "no model was uploaded for this project".into())
}

fn tensor(t: &TensorInfo) -> Value {
    let mut shape = vec![1];
    shape.extend(&t.shape);
    let mut told = json!({"dataType": t.dtype, "name": t.name, "shape": shape});
    if let (Some(scale), Some(zero)) = (t.scale, t.zero_point) {
        told["quantizationScale"] = json!(scale);
        told["quantizationZeroPoint"] = json!(zero);
    }
    told
}

fn cost<'a>(form: &'a Form, target: &str) -> Option<&'a TargetCost> {
    form.costs.iter().find(|c| c.target == target)
}

/// A class of processors in the table. Time is left out: instructions are not time.
fn class(form: &Form, target: &str, description: &str) -> Value {
    let Some(c) = cost(form, target) else { return json!({"description": description, "supported": false}) };
    let memory = json!({"ram": c.ram_bytes, "rom": c.flash_bytes});
    json!({"description": format!("{description} ({target})"), "supported": true, "memory": {"eon": memory}})
}

/// A form of the model on the target that was asked about.
fn variant(brought: &Brought, form: &Form) -> Value {
    let target = brought.target.as_deref().unwrap_or(HIGH);
    let mut told = json!({
        "variant": if form.float { "float32" } else { "int8" }, "device": target, "tfliteFileSizeBytes": brought.bytes,
        "isSupportedOnMcu": true, "hasPerformance": false, "customMetrics": [],
    });
    if let Some(c) = cost(form, target) {
        let memory = json!({"ram": c.ram_bytes, "rom": c.flash_bytes, "arenaSize": c.arena_bytes});
        told["memory"] = json!({ "eon": memory });
    }
    told
}

async fn info(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let Some(brought) = costs(&app, &entry.id).await? else {
        let told = json!({"success": true, "specificDeviceSelected": false, "availableModelTypes": []});
        return Ok(Json(told));
    };
    let mut profile = json!({});
    let mut kinds = Vec::new();
    for form in &brought.forms {
        let kind = if form.float { "float32" } else { "int8" };
        kinds.push(kind);
        profile[kind] = variant(&brought, form);
    }
    // The table tells the smaller form.
    let Some(form) = brought.forms.last() else { return Err(none()) };
    profile["table"] = json!({
        "variant": if form.float { "float32" } else { "int8" },
        "lowEndMcu": class(form, LOW, "Low-end MCU"), "highEndMcu": class(form, HIGH, "High-end MCU"),
        "highEndMcuPlusAccelerator": class(form, FASTER, "High-end MCU, without its accelerator"),
        "mpu": {"description": "Microprocessors are not estimated", "supported": true},
        "gpuOrMpuAccelerator": {"description": "No accelerator is used", "supported": false},
    });
    let Some(first) = brought.forms.first() else { return Err(none()) };
    let outputs: Vec<Value> = first.outputs.iter().map(tensor).collect();
    Ok(Json(json!({
        "success": true, "specificDeviceSelected": brought.target.is_some(), "availableModelTypes": kinds,
        "model": {
            "fileName": brought.name, "inputs": [tensor(&first.input)], "outputs": outputs, "profileInfo": profile,
            "profileJobFailed": false, "supportsTFLite": true,
        },
    })))
}

async fn save(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Full).await?;
    let asked: Value = parsed(&body)?;
    let (input, model) = (&asked["input"], &asked["model"]);
    let bad = |text: &str| Refusal(StatusCode::BAD_REQUEST, text.into());
    let number = |name: &str| input[name].as_f64().ok_or_else(|| bad(&format!("`input.{name}` is a number")));
    let takes = match input["inputType"].as_str() {
        Some("other") => Takes::Values,
        Some("audio") => Takes::Signal { rate_hz: number("frequencyHz")?, window_ms: None },
        Some("time-series") => {
            Takes::Signal { rate_hz: number("frequencyHz")?, window_ms: Some(number("windowLengthMs")?) }
        }
        _ => {
            return Err(bad(
                "`input.inputType` is other, audio or time-series; pictures are not packed from here yet",
            ));
        }
    };
    let says = match model["modelType"].as_str() {
        Some("regression") => Says::Number,
        Some("classification") => {
            let list =
                model["labels"].as_array().map(|l| l.iter().map(|v| v.as_str().map(str::to_owned)).collect());
            Says::Labels(list.flatten().ok_or_else(|| bad("`model.labels` is a list of texts"))?)
        }
        _ => {
            return Err(bad(
                "`model.modelType` is classification or regression; others are not packed from here yet",
            ));
        }
    };
    app.run(move |w| w.describe_brought(&entry.id, takes, says)).await?;
    Ok(Json(json!({"success": true})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_job_is_of_its_project() {
        let ended = Ended::default();
        let (a, b) = (ended.add("kws"), ended.add("other"));
        assert!(b > a && ended.at("kws", a).is_some_and(|t| t > 0));
        assert!(ended.at("other", a).is_none() && ended.at("kws", b).is_none());
    }
}
