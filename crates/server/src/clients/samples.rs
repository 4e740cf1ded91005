//! The calls below `/v1/api/{project}/raw-data`: what clients list, read, label and remove. A sample's number is the first 48 bits of its id.

use super::{Queried, Refusal, number, project, queried};
use crate::{send, state::App};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use edgewright_engine::{
    EngineError, Silent,
    access::Scope,
    calendar::utc,
    dataset::{self, Edit, Format, LabelBox, LabelRange, Shown},
    session::Session,
    workspace::ProjectEntry,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    time::{SystemTime, UNIX_EPOCH},
};

/// Samples that one answer may list.
const LIMIT_MAX: usize = 1000;
/// Hexadecimal digits of an id that make its number: what a double holds.
const DIGITS: usize = 12;

/// The calls that there are.
pub fn router() -> Router<App> {
    let one = "/v1/api/{project}/raw-data/{sample}";
    Router::new()
        .route("/v1/api/{project}/raw-data", get(list))
        .route("/v1/api/{project}/raw-data/count", get(count))
        .route("/v1/api/{project}/raw-data/delete-all", post(delete_all))
        .route("/v1/api/{project}/raw-data/delete-all/{category}", post(delete_category))
        .route(one, get(read).delete(remove))
        .route(&format!("{one}/raw"), get(file))
        .route(&format!("{one}/image"), get(file))
        .route(&format!("{one}/wav"), get(wav))
        .route(&format!("{one}/edit-label"), post(edit_label))
        .route(&format!("{one}/structured-labels"), post(structured_labels))
        .route(&format!("{one}/bounding-boxes"), post(bounding_boxes))
        .route(&format!("{one}/metadata"), post(set_metadata))
        .route(&format!("{one}/move"), post(move_sample))
        .route(&format!("{one}/disable"), post(disable))
        .route(&format!("{one}/enable"), post(enable))
}

/// A sample's number.
pub fn sample_number(id: &str) -> u64 {
    u64::from_str_radix(id.get(..DIGITS).unwrap_or_default(), 16).unwrap_or_default()
}

/// What the clients send in the query; texts, since some send `null` for what they leave out.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    category: Option<String>,
    labels: Option<String>,
    filename: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
    limit_payload_values: Option<usize>,
    axis_ix: Option<usize>,
    include_disabled: Option<String>,
}

impl Asked {
    /// Whether a sample is among those that are asked for.
    fn fits(&self, line: &dataset::PageLine) -> bool {
        let listed = &line.listed;
        let category = match self.category.as_deref() {
            Some(other) => listed.category == other,
            None => true,
        };
        let labels: Option<Vec<String>> = self.labels.as_deref().and_then(|l| serde_json::from_str(l).ok());
        let said = labels.filter(|l| !l.is_empty()).is_none_or(|wanted| {
            let parts = listed.ranges.iter().map(|r| &r.label);
            listed.label.iter().chain(parts).any(|l| wanted.contains(l))
        });
        let name = self.filename.as_deref().filter(|n| !n.is_empty() && *n != "null");
        let off = self.include_disabled.as_deref() == Some("exclude-disabled") && line.disabled;
        category && said && !off && name.is_none_or(|n| listed.name.starts_with(n))
    }
}

async fn with<T: Send + 'static>(
    app: &App,
    entry: &ProjectEntry,
    work: impl FnOnce(&Session<'_>) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, Refusal> {
    let dir = entry.dir.clone();
    let done = app.run(move |_| {
        let silent = Silent::default();
        work(&Session::shared(&dir, &silent)?)
    });
    Ok(done.await?)
}

/// How the sentence begins by which clients know that a sample is not there. They read it in an answer of status 200.
const NONE: &str = "No sample found with ID";

/// The whole id of a number.
fn find(session: &Session<'_>, sample: &str) -> Result<String, EngineError> {
    let number = sample.parse::<u64>().ok().filter(|n| *n < 1 << (4 * DIGITS));
    let found = number.map(|n| dataset::ids_from(session, &format!("{n:0width$x}", width = DIGITS)));
    match found.transpose()?.as_deref() {
        Some([id]) => Ok(id.clone()),
        _ => Err(EngineError::NotFound(format!("{NONE} {} in this project", number.unwrap_or_default()))),
    }
}

/// A sample that is not there, as clients know it.
fn missing(refusal: Refusal) -> Result<Json<Value>, Refusal> {
    if refusal.0 == StatusCode::NOT_FOUND && refusal.1.starts_with(NONE) {
        return Ok(Json(json!({"success": false, "error": refusal.1})));
    }
    Err(refusal)
}

/// The side of what the split decides: these clients know no third one. Until there is a split it trains.
fn decide(line: &mut dataset::PageLine, testing: &HashSet<String>) {
    if line.listed.category == "split" {
        let side = if testing.contains(&line.listed.id) { "testing" } else { "training" };
        line.listed.category = side.to_owned();
    }
}

fn all(session: &Session<'_>, asked: &Asked) -> Result<Vec<dataset::PageLine>, EngineError> {
    let testing = dataset::testing(session)?;
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let filter = dataset::SampleFilter::default();
        let (mut lines, total) = dataset::page(session, &filter, offset, dataset::PAGE_MAX)?;
        lines.iter_mut().for_each(|line| decide(line, &testing));
        offset += lines.len() as u64;
        let last = lines.is_empty() || offset >= total;
        found.extend(lines.into_iter().filter(|l| asked.fits(l)));
        if last {
            return Ok(found);
        }
    }
}

async fn count(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    asked: Queried<Asked>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let asked = queried(asked)?;
    let count = with(&app, &entry, move |s| Ok(all(s, &asked)?.len())).await?;
    Ok(Json(json!({"success": true, "count": count})))
}

async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
    asked: Queried<Asked>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let asked = queried(asked)?;
    let owner = number(&entry.id);
    let reply = with(&app, &entry, move |s| {
        let found = all(s, &asked)?;
        let limit = asked.limit.unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
        let samples = found.iter().skip(asked.offset.unwrap_or(0)).take(limit).map(|line| {
            let shown = dataset::one(s, &line.listed.id)?.1;
            describe(s, line, &shown, owner)
        });
        let samples = samples.collect::<Result<Vec<_>, EngineError>>()?;
        Ok(json!({"success": true, "samples": samples, "totalCount": found.len()}))
    });
    Ok(Json(reply.await?))
}

/// A sample as these clients know it.
fn describe(
    session: &Session<'_>,
    line: &dataset::PageLine,
    shown: &Shown,
    owner: u32,
) -> Result<Value, EngineError> {
    let (listed, info) = (&line.listed, &shown.info);
    let (name, path) = dataset::file(session, &listed.id)?;
    let written = std::fs::metadata(path).and_then(|m| m.modified()).unwrap_or(UNIX_EPOCH);
    let rate = info.rate_hz;
    // Clients read no sample without one, and a row has one frame.
    let interval = if rate > 0.0 { 1000.0 / rate } else { 1.0 };
    let picture = info.image.is_some();
    let sensors: Vec<Value> = if picture {
        vec![json!({"index": 0, "name": "image", "units": "rgba"})]
    } else {
        let axes = info.axes.iter().enumerate();
        axes.map(|(index, (name, units))| json!({"index": index, "name": name, "units": units})).collect()
    };
    let category = if listed.category == "testing" { "testing" } else { "training" };
    let stem = listed.name.rsplit_once('.').map_or(listed.name.as_str(), |(stem, _)| stem);
    let mut sample = json!({
        "id": sample_number(&listed.id), "filename": stem, "signatureValidate": false, "created": time(written),
        "lastModified": time(written), "added": time(written), "category": category,
        // Clients take the last three parts off.
        "coldstorageFilename": format!("{name}.{}.ingestion-local.{}", &listed.id[..8.min(listed.id.len())], ending(&name)),
        "label": listed.label.clone().unwrap_or_default(), "intervalMs": interval, "frequency": rate,
        "originalIntervalMs": interval, "originalFrequency": rate, "deviceType": "edgewright", "sensors": sensors,
        "valuesCount": if picture { 1 } else { info.frames }, "totalLengthMs": listed.duration_ms, "boundingBoxes": listed.boxes.as_deref().unwrap_or_default(),
        "boundingBoxesType": "object_detection", "chartType": if picture { "image" } else if rate > 0.0 { "chart" } else { "table" },
        "isDisabled": line.disabled, "isProcessing": false, "processingError": false, "isCropped": false,
        "metadata": info.metadata, "projectId": owner, "sha256Hash": shown.sha256, "datastreams": [],
    });
    if !listed.ranges.is_empty() {
        sample["structuredLabels"] = listed.ranges.iter().map(span).collect();
    }
    Ok(sample)
}

fn span(r: &LabelRange) -> Value {
    let mut out = json!({"startIndex": r.start, "endIndex": r.end, "label": r.label});
    if !r.label_map.is_empty() {
        out["labelMap"] = json!(r.label_map);
    }
    out
}

fn ending(name: &str) -> String {
    name.rsplit('.').next().unwrap_or("json").to_ascii_lowercase()
}

/// `2026-11-26T13:00:00.000Z`.
pub fn time(at: SystemTime) -> String {
    utc(at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64))
}

async fn read(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, sample)): Path<(String, String)>,
    asked: Queried<Asked>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let asked = queried(asked)?;
    let owner = number(&entry.id);
    let reply = with(&app, &entry, move |s| {
        let id = find(s, &sample)?;
        let (mut line, shown) = dataset::one(s, &id)?;
        decide(&mut line, &dataset::testing(s)?);
        let told = describe(s, &line, &shown, owner)?;
        let (values, total): (Vec<Value>, usize) = if shown.info.image.is_some() {
            let (_, path) = dataset::file(s, &id)?;
            let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
            let kind = Format::of_file(&line.listed.name).map_or("jpeg", Format::name);
            (vec![json!([format!("Ref-BINARY-image/{kind} ({bytes} bytes) {}", shown.sha256)])], 1)
        } else {
            let signal = dataset::signal(s, &id)?;
            let most = asked.limit_payload_values.unwrap_or(usize::MAX);
            let rows = signal.values.chunks_exact(signal.axes.len().max(1));
            (rows.take(most).map(|row| json!(row)).collect(), signal.frames())
        };
        let payload = json!({
            "device_type": "edgewright", "device_name": shown.info.metadata.get("device_name"), "sensors": told["sensors"],
            "values": values, "intervalMs": told["intervalMs"], "frequencyHz": told["frequency"],
        });
        Ok(
            json!({"success": true, "sample": told, "payload": payload, "totalPayloadLength": total, "datastreamPayloads": []}),
        )
    });
    reply.await.map(Json).or_else(missing)
}

async fn file(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, sample)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let (file, path) = with(&app, &entry, move |s| dataset::file(s, &find(s, &sample)?)).await?;
    Ok(send::file(&file, &path).await?)
}

async fn wav(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, sample)): Path<(String, String)>,
    asked: Queried<Asked>,
) -> Result<Response, Refusal> {
    let entry = project(&app, &headers, &name, Scope::Read).await?;
    let asked = queried(asked)?;
    let axis = asked.axis_ix.unwrap_or(0);
    let bytes = with(&app, &entry, move |s| dataset::wav(s, &find(s, &sample)?, axis)).await?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes).into_response())
}

/// Who changed a sample, for its history: these clients know no more of it.
const WHO: &str = "client of Edge Impulse";

/// Does something to one sample.
async fn change(
    app: &App,
    headers: &HeaderMap,
    (name, sample): (String, String),
    work: impl FnOnce(&Session<'_>, &str) -> Result<(), EngineError> + Send + 'static,
) -> Result<Json<Value>, Refusal> {
    let entry = project(app, headers, &name, Scope::Full).await?;
    match with(app, &entry, move |s| work(s, &find(s, &sample)?)).await {
        Ok(()) => Ok(Json(json!({"success": true}))),
        Err(refusal) => missing(refusal),
    }
}

async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    change(&app, &headers, at, |s, id| dataset::delete(s, &[id.to_owned()])).await
}

async fn edited(
    app: &App,
    headers: &HeaderMap,
    at: (String, String),
    edit: Edit,
    ranges: Option<Vec<LabelRange>>,
) -> Result<Json<Value>, Refusal> {
    let edit = Edit { who: WHO.into(), ..edit };
    let nothing = std::collections::BTreeMap::new();
    let work = move |s: &Session<'_>, id: &str| {
        dataset::edit(s, &[id.to_owned()], &edit, ranges, None, &nothing).map(|_| ())
    };
    change(app, headers, at, work).await
}

async fn disable(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    edited(&app, &headers, at, Edit { disabled: Some(true), ..Edit::default() }, None).await
}

async fn enable(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    edited(&app, &headers, at, Edit { disabled: Some(false), ..Edit::default() }, None).await
}

#[derive(Deserialize)]
struct NewLabel {
    #[serde(default)]
    label: String,
}

async fn edit_label(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: NewLabel = super::devices::parsed(&body)?;
    edited(&app, &headers, at, Edit { label: Some(asked.label), ..Edit::default() }, None).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewRanges {
    structured_labels: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    start_index: usize,
    end_index: usize,
    label: String,
    #[serde(default)]
    label_map: Option<std::collections::BTreeMap<String, String>>,
}

async fn structured_labels(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: NewRanges = super::devices::parsed(&body)?;
    let range = |s: Span| LabelRange {
        label: s.label,
        start: s.start_index,
        end: s.end_index,
        label_map: s.label_map.unwrap_or_default(),
    };
    let ranges = asked.structured_labels.into_iter().map(range).collect();
    edited(&app, &headers, at, Edit::default(), Some(ranges)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBoxes {
    bounding_boxes: Vec<LabelBox>,
}

async fn bounding_boxes(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: NewBoxes = super::devices::parsed(&body)?;
    let edit = Edit { who: WHO.into(), ..Edit::default() };
    let work = move |s: &Session<'_>, id: &str| {
        dataset::edit(s, &[id.to_owned()], &edit, None, Some(asked.bounding_boxes), &BTreeMap::new())
            .map(|_| ())
    };
    change(&app, &headers, at, work).await
}

#[derive(Deserialize)]
struct NewMetadata {
    metadata: BTreeMap<String, String>,
}

/// Sets these facts; others stay.
async fn set_metadata(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: NewMetadata = super::devices::parsed(&body)?;
    let facts = asked.metadata.into_iter().map(|(key, value)| (key, Some(value))).collect();
    let edit = Edit { who: WHO.into(), ..Edit::default() };
    let work = move |s: &Session<'_>, id: &str| {
        dataset::edit(s, &[id.to_owned()], &edit, None, None, &facts).map(|_| ())
    };
    change(&app, &headers, at, work).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewCategory {
    new_category: String,
}

async fn move_sample(
    State(app): State<App>,
    headers: HeaderMap,
    Path(at): Path<(String, String)>,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: NewCategory = super::devices::parsed(&body)?;
    // What validates is split off the training samples.
    let to = if asked.new_category == "validation" { "training".into() } else { asked.new_category };
    edited(&app, &headers, at, Edit { category: Some(to), ..Edit::default() }, None).await
}

async fn clear(
    app: &App,
    headers: &HeaderMap,
    name: &str,
    category: Option<String>,
) -> Result<Json<Value>, Refusal> {
    let entry = project(app, headers, name, Scope::Full).await?;
    with(app, &entry, move |s| {
        let asked = Asked { category, ..Asked::default() };
        let ids: Vec<String> = all(s, &asked)?.into_iter().map(|l| l.listed.id).collect();
        ids.chunks(dataset::EDIT_MAX).try_for_each(|some| dataset::delete(s, some))
    })
    .await?;
    Ok(Json(json!({"success": true})))
}

async fn delete_all(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    clear(&app, &headers, &name, None).await
}

async fn delete_category(
    State(app): State<App>,
    headers: HeaderMap,
    Path((name, category)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    clear(&app, &headers, &name, Some(category)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_told_in_iso_8601() {
        let at =
            |seconds: u64, millis: u64| time(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis));
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_827_696, 5), "2000-02-29T12:34:56.005Z");
        assert_eq!(at(1_798_761_599, 999), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_number_is_the_beginning_of_an_id() {
        assert_eq!(sample_number("00000000000a99ff"), 10);
        assert_eq!(sample_number("x"), 0);
    }
}
