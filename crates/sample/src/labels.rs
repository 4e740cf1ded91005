//! Label files that travel beside samples, and rules for labels.
//!
//! Three JSON documents of version 1: `info.labels` lists every file of a data set, `bounding_boxes.labels` holds the boxes
//! of pictures, `structured_labels.labels` the labelled spans of time series. `info.labels` of a large data set may come
//! as one JSON object per line.

use crate::SampleError;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A labelled part of a time series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First frame.
    pub start: usize,
    /// Last frame, inclusive.
    pub end: usize,
    /// Its label.
    pub label: String,
    /// Further keys and values; empty when there are none.
    pub label_map: BTreeMap<String, String>,
}

/// A labelled rectangle, in pixels of the original picture.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundingBox {
    /// Its label.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Greater than 0 once it was held against its picture.
    pub width: f64,
    /// Greater than 0 once it was held against its picture.
    pub height: f64,
}

/// Where a file belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Category {
    /// Training and validation data.
    #[serde(rename = "training")]
    Training,
    /// Test data.
    #[serde(rename = "testing")]
    Testing,
    /// Validation data, kept apart by the user.
    #[serde(rename = "validation")]
    Validation,
    /// Data to set up post-processing with; `anomaly` is its old name.
    #[serde(rename = "post-processing", alias = "anomaly")]
    PostProcessing,
    /// Decided by a hash of the content.
    #[serde(rename = "split")]
    Split,
}

/// What `info.labels` says about the label of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum FileLabel {
    /// Explicitly without a label.
    Unlabeled,
    /// One label for the whole file.
    Label(String),
    /// Spans of a time series.
    MultiLabel(Vec<Span>),
    /// Keys and values.
    KeyValue(BTreeMap<String, String>),
}

/// One file of `info.labels`.
#[derive(Clone, Debug, PartialEq)]
pub struct InfoFile {
    /// Path relative to the label file, or absolute.
    pub path: String,
    /// Name of the sample, when it differs from the file's.
    pub name: Option<String>,
    /// Category, when stated.
    pub category: Option<Category>,
    /// Label; `None` when not stated, then it comes from the name.
    pub label: Option<FileLabel>,
    /// Free texts.
    pub metadata: BTreeMap<String, String>,
    /// Boxes of a picture as they are written, when it says anything of boxes.
    pub bounding_boxes: Option<Vec<BoundingBox>>,
    /// Paths of attached files.
    pub attachments: Vec<String>,
    /// What Edgewright's own export adds under `edgewright`, as it is written.
    pub edgewright: Option<Value>,
}

#[derive(Deserialize)]
struct RawBox {
    label: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    start_index: u64,
    end_index: u64,
    label: String,
    #[serde(default)]
    label_map: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum RawLabel {
    #[serde(rename = "unlabeled")]
    Unlabeled,
    #[serde(rename = "label")]
    Label { label: String },
    #[serde(rename = "multi-label")]
    MultiLabel { labels: Vec<RawSpan> },
    #[serde(rename = "keyvalue-labels")]
    KeyValue { labels: BTreeMap<String, String> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile {
    path: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    category: Option<Category>,
    #[serde(default)]
    label: Option<RawLabel>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    bounding_boxes: Option<Vec<RawBox>>,
    #[serde(default)]
    attachments: Option<Vec<String>>,
    #[serde(default)]
    edgewright: Option<Value>,
}

fn error(message: String) -> SampleError {
    SampleError::new("label_file", message)
}

fn parse<T: for<'a> Deserialize<'a>>(bytes: &[u8], what: &str) -> Result<T, SampleError> {
    serde_json::from_slice(bytes).map_err(|cause| error(format!("{what}: {cause}")))
}

fn object(bytes: &[u8], what: &str) -> Result<serde_json::Map<String, Value>, SampleError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let document: serde_json::Map<String, Value> = parse(bytes, what)?;
    check_version(&document, what)?;
    Ok(document)
}

fn check_version(document: &serde_json::Map<String, Value>, what: &str) -> Result<(), SampleError> {
    match document.get("version").and_then(Value::as_u64) {
        Some(1) => Ok(()),
        _ => Err(error(format!("{what}: `version` must be 1"))),
    }
}

/// Reads `info.labels`, one document or one object per line, in the order of the file.
///
/// # Errors
/// `label_file` naming the entry (counted from 1) and what is wrong with it.
pub fn parse_info_labels(bytes: &[u8]) -> Result<Vec<InfoFile>, SampleError> {
    let what = "info.labels";
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let items = match lines_variant(bytes, what)? {
        Some(items) => items,
        None => match object(bytes, what)?.remove("files") {
            Some(Value::Array(items)) => items,
            _ => return Err(error(format!("{what}: `files` must be an array"))),
        },
    };
    items.into_iter().enumerate().map(|(index, item)| info_file(index, item)).collect()
}

/// The file entries of the one-object-per-line variant; `None` when the file is a single document.
fn lines_variant(bytes: &[u8], what: &str) -> Result<Option<Vec<Value>>, SampleError> {
    let mut lines =
        bytes.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let Some((_, first)) = lines.next() else { return Ok(None) };
    let Ok(header) = serde_json::from_slice::<serde_json::Map<String, Value>>(first) else { return Ok(None) };
    if header.get("__ndjson") != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    check_version(&header, what)?;
    let mut items = Vec::new();
    for (index, line) in lines {
        let mut entry: serde_json::Map<String, Value> = parse(line, &format!("{what}, line {}", index + 1))?;
        if entry.get("__key").and_then(Value::as_str) == Some("files") {
            let item = entry
                .remove("__item")
                .ok_or_else(|| error(format!("{what}, line {}: no `__item`", index + 1)))?;
            items.push(item);
        }
    }
    Ok(Some(items))
}

fn info_file(index: usize, item: Value) -> Result<InfoFile, SampleError> {
    let place = match item.get("path").and_then(Value::as_str) {
        Some(path) => format!("info.labels, file {} (`{path}`)", index + 1),
        None => format!("info.labels, file {}", index + 1),
    };
    let raw: RawFile = serde_json::from_value(item).map_err(|cause| error(format!("{place}: {cause}")))?;
    if raw.path.is_empty() {
        return Err(error(format!("{place}: `path` is empty")));
    }
    let label = match raw.label {
        None => None,
        Some(RawLabel::Unlabeled) => Some(FileLabel::Unlabeled),
        Some(RawLabel::Label { label }) => Some(FileLabel::Label(label)),
        Some(RawLabel::MultiLabel { labels }) => Some(FileLabel::MultiLabel(spans(labels, &place)?)),
        Some(RawLabel::KeyValue { labels }) => Some(FileLabel::KeyValue(labels)),
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(InfoFile {
        path: raw.path,
        name: raw.name,
        category: raw.category,
        label,
        metadata: raw
            .metadata
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, text(value)))
            .collect(),
        bounding_boxes: raw.bounding_boxes.map(boxes),
        attachments: raw.attachments.unwrap_or_default(),
        edgewright: raw.edgewright,
    })
}

fn spans(raw: Vec<RawSpan>, place: &str) -> Result<Vec<Span>, SampleError> {
    let one = |(index, raw): (usize, RawSpan)| {
        if raw.end_index < raw.start_index {
            let message = format!(
                "{place}: label {} ends at {} before it starts at {}",
                index + 1,
                raw.end_index,
                raw.start_index
            );
            return Err(error(message));
        }
        let index = |value: u64| {
            usize::try_from(value).map_err(|_| error(format!("{place}: index {value} is too large")))
        };
        Ok(Span {
            start: index(raw.start_index)?,
            end: index(raw.end_index)?,
            label: raw.label,
            label_map: raw.label_map.unwrap_or_default(),
        })
    };
    raw.into_iter().enumerate().map(one).collect()
}

fn boxes(raw: Vec<RawBox>) -> Vec<BoundingBox> {
    raw.into_iter()
        .map(|b| BoundingBox { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height })
        .collect()
}

/// The map under `key`, after version and type were checked.
fn typed(
    bytes: &[u8],
    what: &str,
    kind: &str,
    key: &str,
) -> Result<serde_json::Map<String, Value>, SampleError> {
    let mut document = object(bytes, what)?;
    if document.get("type").and_then(Value::as_str) != Some(kind) {
        return Err(error(format!("{what}: `type` must be `{kind}`")));
    }
    match document.remove(key) {
        Some(Value::Object(map)) => Ok(map),
        _ => Err(error(format!("{what}: `{key}` must be an object of files"))),
    }
}

/// Reads `bounding_boxes.labels`: boxes by file name.
///
/// # Errors
/// `label_file` naming the file. Boxes are as they are written: [`crate::boxes::Annotated::fit`] holds them against the picture.
pub fn parse_bounding_boxes(bytes: &[u8]) -> Result<BTreeMap<String, Vec<BoundingBox>>, SampleError> {
    let what = "bounding_boxes.labels";
    let map = typed(bytes, what, "bounding-box-labels", "boundingBoxes")?;
    map.into_iter()
        .map(|(file, value)| {
            let place = format!("{what}, file `{file}`");
            let raw = serde_json::from_value(value).map_err(|cause| error(format!("{place}: {cause}")))?;
            Ok((file, boxes(raw)))
        })
        .collect()
}

/// Reads a list of boxes alone, as clients send it in the header of a picture.
///
/// # Errors
/// `label_file` with what is wrong.
pub fn parse_box_list(bytes: &[u8]) -> Result<Vec<BoundingBox>, SampleError> {
    parse(bytes, "list of boxes").map(boxes)
}

/// Reads `structured_labels.labels`: spans by file name. Whether they cover the file is checked by [`check_spans`].
///
/// # Errors
/// `label_file` naming the file and the span (counted from 1).
pub fn parse_structured_labels(bytes: &[u8]) -> Result<BTreeMap<String, Vec<Span>>, SampleError> {
    let what = "structured_labels.labels";
    let map = typed(bytes, what, "structured-labels", "structuredLabels")?;
    map.into_iter()
        .map(|(file, value)| {
            let place = format!("{what}, file `{file}`");
            let raw = serde_json::from_value(value).map_err(|cause| error(format!("{place}: {cause}")))?;
            Ok((file, spans(raw, &place)?))
        })
        .collect()
}

/// Spans in order and without overlap for a time series of `frames` frames: where two overlap the later entry wins,
/// neighbours that say the same are merged.
///
/// # Errors
/// `label_span` naming the span that reaches beyond the end, or the first frame without a label, or the span whose label map
/// has other keys than the first one's.
pub fn check_spans(spans: &[Span], frames: usize) -> Result<Vec<Span>, SampleError> {
    let error = |message: String| SampleError::new("label_span", message);
    for (index, span) in spans.iter().enumerate() {
        if span.end < span.start || span.end >= frames {
            let message = format!(
                "label {} covers frames {} to {}, the recording has {frames}",
                index + 1,
                span.start,
                span.end
            );
            return Err(error(message));
        }
        if !span.label_map.keys().eq(spans[0].label_map.keys()) {
            return Err(error(format!("label {} has other label map keys than label 1", index + 1)));
        }
    }
    // Edges cut the time line into stretches in which the same span wins throughout.
    let mut edges: Vec<usize> = spans.iter().flat_map(|s| [s.start, s.end + 1]).chain([0, frames]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by_key(|i| spans[*i].start);
    let mut pending = by_start.into_iter().peekable();
    let mut open = std::collections::BinaryHeap::new();
    let mut out: Vec<Span> = Vec::new();
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        while let Some(index) = pending.next_if(|i| spans[*i].start <= from) {
            open.push(index);
        }
        while open.peek().is_some_and(|i| spans[*i].end < from) {
            open.pop();
        }
        let winner = open.peek().map(|i| &spans[*i]);
        let winner = winner
            .ok_or_else(|| error(format!("frame {from} has no label; labels must cover the recording")))?;
        match out.last_mut() {
            Some(last) if last.label == winner.label && last.label_map == winner.label_map => {
                last.end = to - 1
            }
            _ => out.push(Span { start: from, end: to - 1, ..winner.clone() }),
        }
    }
    Ok(out)
}

/// Whether a label may be stored: 1 to 100 characters without `/`, `\` and control characters.
///
/// # Errors
/// `label` with the reason.
pub fn validate_label(label: &str) -> Result<(), SampleError> {
    let error = |why: &str| {
        let shown: String = label.chars().take(100).collect();
        Err(SampleError::new("label", format!("label `{}` {why}", shown.escape_debug())))
    };
    if label.is_empty() {
        return error("is empty");
    }
    let length = label.chars().count();
    if length > 100 {
        return error(&format!("has {length} characters, at most 100 are allowed"));
    }
    if label.chars().any(|c| matches!(c, '/' | '\\')) {
        return error("must not hold `/` or `\\`");
    }
    if label.chars().any(char::is_control) {
        return error("must not hold control characters");
    }
    Ok(())
}

/// The label in a file's name: the text before the first dot, or the first group of `pattern` (its whole match when it has
/// no group). Folders before the name do not count. `None` when nothing is found.
pub fn label_from_name(name: &str, pattern: Option<&Regex>) -> Option<String> {
    let file = name.rsplit(['/', '\\']).next()?;
    let text = match pattern {
        None => file.split('.').next()?,
        Some(pattern) => {
            let captures = pattern.captures(file)?;
            captures.get(1).or_else(|| captures.get(0).filter(|_| pattern.captures_len() == 1))?.as_str()
        }
    };
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
