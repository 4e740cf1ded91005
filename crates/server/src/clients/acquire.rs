//! The upload service: `POST /api/{category}/files` and `/data`.

use super::{Refusal, caller, number, other_pages, projects, samples::sample_number, text_of, unescaped};
use crate::{error::ApiError, state::App, upload};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State, multipart::Field},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, post},
};
use edgewright_engine::{
    Silent,
    access::Scope,
    dataset::{self, Annotated, GroupRule, ImportReport, ImportRequest, LabelRange, LabelRule},
    session::Session,
    workspace::ProjectEntry,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Files in one request.
const FILES_MAX: usize = 1000;
/// Bytes of a file with labels.
const LABELS_MAX: usize = 16 << 20;
/// The label in a file's name: letters, digits, white space, `-` and `_` at its beginning.
const LABEL: &str = r"name:^([\p{L}\p{Nd}\s_-]+)";
/// Bytes of `x-bounding-boxes`.
const BOXES_MAX: usize = 256 << 10;
/// Bytes of `x-metadata`.
const METADATA_MAX: usize = 16 << 10;

/// The service with its two operations.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/api/{category}/files", post(files))
        .route("/api/{category}/data", post(data))
        .fallback(any(missing))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(other_pages))
        .with_state(app)
}

async fn missing() -> Refusal {
    Refusal(
        StatusCode::NOT_FOUND,
        "this port takes POST /api/{category}/files and /api/{category}/data".into(),
    )
}

/// What the headers say of all files of a request.
#[derive(Clone)]
struct Told {
    project: ProjectEntry,
    label: LabelRule,
    /// Boxes of the one picture.
    boxes: Option<Annotated>,
    category: Option<String>,
    metadata: BTreeMap<String, String>,
    refuse_known: bool,
    /// Names get the time: a device names all its files after the label.
    dated: bool,
}

async fn told(app: &App, headers: &HeaderMap, category: &str) -> Result<Told, Refusal> {
    let caller = caller(app, headers, Scope::Ingest).await?;
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let mut mine = app.run(move |w| projects(w, &caller)).await?;
    let project =
        match mine.len() {
            1 => mine.remove(0),
            _ => return Err(bad(
                "this key holds for several projects; make one for a project: edgewright key create PROJECT"
                    .into(),
            )),
        };
    let category = match category {
        // What validates is split off the training samples.
        "training" | "validation" => Some("training"),
        "testing" => Some("testing"),
        "split" => None,
        _ => {
            return Err(bad(
                "the category is training, testing, validation or split; others are not kept yet".into(),
            ));
        }
    };
    let flag = |name: &str| headers.get(name).is_some_and(|v| v == "1" || v == "true");
    let label = match headers.get("x-label").map(|v| unescaped(v.as_bytes())) {
        _ if flag("x-no-label") => LabelRule::None,
        Some(label) if !label.is_empty() => LabelRule::Fixed(label),
        _ => LabelRule::parse(LABEL)?,
    };
    let metadata = match headers.get("x-metadata") {
        Some(text) if text.len() <= METADATA_MAX => serde_json::from_str(&text_of(text.as_bytes()))
            .map_err(|e| bad(format!("x-metadata is no JSON object of texts: {e}")))?,
        Some(_) => return Err(bad(format!("x-metadata has at most {METADATA_MAX} bytes"))),
        None => BTreeMap::new(),
    };
    let boxes = match headers.get("x-bounding-boxes") {
        Some(text) if text.len() > BOXES_MAX => {
            return Err(bad(format!("x-bounding-boxes has at most {BOXES_MAX} bytes")));
        }
        Some(text) => Some(
            dataset::boxes::list(text_of(text.as_bytes()).as_bytes())
                .map_err(|e| bad(format!("x-bounding-boxes: {e}")))?,
        ),
        None => None,
    };
    Ok(Told {
        project,
        label,
        boxes,
        category: category.map(Into::into),
        metadata,
        refuse_known: flag("x-disallow-duplicates"),
        dated: flag("x-add-date-id"),
    })
}

/// A file on disk, in a folder that goes away with it.
struct Received {
    folder: TempDir,
    name: String,
}

impl Received {
    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The same with the time in its name.
    fn dated(self) -> Result<Self, Refusal> {
        let name = match self.name.rsplit_once('.') {
            Some((stem, ending)) => format!("{stem}.{:x}.{ending}", micros()),
            None => format!("{}.{:x}", self.name, micros()),
        };
        let name = upload::safe_name(&name)?;
        std::fs::rename(self.path(), self.folder.path().join(&name)).map_err(ApiError::internal)?;
        Ok(Self { folder: self.folder, name })
    }
}

async fn receive(app: &App, name: &str, field: Field<'_>) -> Result<Received, ApiError> {
    // Some clients send a path of their machine.
    let name = upload::safe_name(name.rsplit(['/', '\\']).next().unwrap_or_default())?;
    Ok(Received { folder: upload::keep(app, &name, field).await?, name })
}

async fn import(
    app: &App,
    told: &Told,
    file: Received,
    ranges: Vec<LabelRange>,
    boxes: Option<Annotated>,
) -> Result<ImportReport, Refusal> {
    let told = told.clone();
    let boxes: BTreeMap<String, Annotated> =
        boxes.or_else(|| told.boxes.clone()).map(|b| (file.name.clone(), b)).into_iter().collect();
    // A file that comes again without a word of what it is stays what it was.
    let keep_label = !matches!(told.label, LabelRule::Fixed(_)) && ranges.is_empty() && boxes.is_empty();
    let ranges = BTreeMap::from([(file.name.clone(), ranges)]);
    let project = told.project.id.clone();
    let expected = app.devices.expects(&project);
    let done = app.run(move |_| {
        let silent = Silent::default();
        let session = Session::shared(&told.project.dir, &silent)?;
        let request = ImportRequest {
            paths: vec![file.path()],
            label: told.label,
            group: GroupRule::None,
            category: told.category,
            format: None,
            rate_hz: None,
            hmac_key: None,
            ranges,
            boxes,
            table: dataset::TableChoices::default(),
            metadata: told.metadata,
            source: "import".into(),
            refuse_known: told.refuse_known,
            keep_label,
            keep_category: false,
            dry_run: false,
        };
        let report = dataset::import(&session, &request)?;
        // Which device it is from, when one is recording.
        let device = match report.ids.first().filter(|_| expected) {
            Some(id) => dataset::one(&session, id)?.1.info.metadata.get("device_name").cloned(),
            None => None,
        };
        Ok((report, device))
    });
    let (report, device) = done.await?;
    if let Some(id) = report.ids.first().filter(|_| expected) {
        app.devices.arrived(&project, id, device.as_deref());
    }
    Ok(report)
}

/// One entry of the reply.
fn entry(told: &Told, name: &str, outcome: Result<ImportReport, Refusal>) -> Value {
    let refused = |error: String| json!({"success": false, "fileName": name, "error": error});
    match outcome {
        Ok(report) => match (report.ids.first(), report.quarantined.first()) {
            (Some(id), _) => {
                json!({"success": true, "fileName": name, "sampleId": sample_number(id), "projectId": number(&told.project.id)})
            }
            (None, Some(q)) => refused(q.reason.clone()),
            (None, None) => refused("this is a document, not a recording".into()),
        },
        Err(Refusal(_, error)) => refused(error),
    }
}

async fn files(
    State(app): State<App>,
    Path(category): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let told = told(&app, &headers, &category).await?;
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let mut parts = Multipart::from_request(request, &app).await.map_err(|e| bad(e.body_text()))?;
    let mut received = Vec::new();
    let mut ranges: BTreeMap<String, Vec<LabelRange>> = BTreeMap::new();
    let mut boxes: BTreeMap<String, Annotated> = BTreeMap::new();
    while let Some(field) = parts.next_field().await.map_err(|e| bad(e.body_text()))? {
        let name = field.file_name().unwrap_or_default().to_owned();
        if received.len() >= FILES_MAX {
            return Err(bad(format!("a request has at most {FILES_MAX} files")));
        }
        match name.as_str() {
            "bounding_boxes.labels" => {
                let text = label_file(field).await?;
                boxes = dataset::boxes::sidecar(&text).map_err(|e| bad(e.to_string()))?;
            }
            "structured_labels.labels" => {
                let text = label_file(field).await?;
                ranges = dataset::ranges::structured(&text).map_err(|e| bad(e.to_string()))?;
            }
            "label_map.labels" => {
                labels(field, "labels", "labels of several values are not kept yet").await?
            }
            "attachments.labels" => labels(field, "attachments", "attachments are not kept yet").await?,
            _ => received.push((name.clone(), receive(&app, &name, field).await)),
        }
    }
    let mut entries = Vec::with_capacity(received.len());
    for (name, file) in received {
        let outcome = match file {
            Ok(file) => {
                let parts = ranges.remove(&name).unwrap_or_default();
                let file = if told.dated { file.dated()? } else { file };
                import(&app, &told, file, parts, boxes.remove(&name)).await
            }
            Err(error) => Err(error.into()),
        };
        entries.push(entry(&told, &name, outcome));
    }
    if entries.is_empty() {
        return Err(bad("the request holds no file".into()));
    }
    Ok(Json(json!({"success": true, "files": entries})))
}

/// The bytes of a file of labels.
async fn label_file(mut field: Field<'_>) -> Result<Vec<u8>, Refusal> {
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|e| bad(e.body_text()))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LABELS_MAX {
            return Err(bad(format!("a file of labels has at most {LABELS_MAX} bytes")));
        }
    }
    Ok(bytes)
}

/// Reads a file of labels that we do not keep: one that says nothing is no loss, and clients send it with every file.
async fn labels(field: Field<'_>, key: &str, reason: &str) -> Result<(), Refusal> {
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let bytes = label_file(field).await?;
    let read: Value = serde_json::from_slice(&bytes).map_err(|e| bad(format!("{key}: {e}")))?;
    let says_nothing =
        |v: &Value| v.as_array().is_some_and(Vec::is_empty) || v.as_object().is_some_and(|o| o.is_empty());
    match read[key].as_object() {
        Some(files) if !files.values().all(says_nothing) => Err(bad(reason.into())),
        _ => Ok(()),
    }
}

async fn data(
    State(app): State<App>,
    Path(category): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let told = told(&app, &headers, &category).await?;
    let bad = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let Some(name) = headers.get("x-file-name").map(|v| unescaped(v.as_bytes())) else {
        return Err(Refusal(StatusCode::MISDIRECTED_REQUEST, "the header x-file-name is missing".into()));
    };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut folder = None;
    if kind.starts_with("multipart/") {
        // A document, and a picture that it points at: then the picture is the sample.
        let mut parts = Multipart::from_request(request, &app).await.map_err(|e| bad(e.body_text()))?;
        while let Some(field) = parts.next_field().await.map_err(|e| bad(e.body_text()))? {
            let picture = field.content_type().is_some_and(|t| t.starts_with("image/"));
            if folder.is_none() || picture {
                folder = Some(upload::keep(&app, "sample", field).await?);
            }
        }
    } else {
        folder = Some(upload::receive(&app, "sample", request).await?);
    }
    let folder = folder.ok_or_else(|| bad("the request holds no data".into()))?;
    let received = folder.path().join("sample");
    let head = {
        let path = received.clone();
        let read = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<u8>> {
            let mut head = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(path)?, 16), &mut head)?;
            Ok(head)
        });
        read.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?
    };
    let name =
        upload::safe_name(&stored_name(&name, &head, headers.get("x-no-date-id").is_some_and(|v| v == "1")))?;
    std::fs::rename(&received, folder.path().join(&name)).map_err(ApiError::internal)?;
    let report = import(&app, &told, Received { folder, name: name.clone() }, Vec::new(), None).await?;
    let reply = entry(&told, &name, Ok(report));
    match reply["error"].as_str() {
        Some(error) => Err(bad(error.to_owned())),
        // Clients show it.
        None => Ok(name.into_response()),
    }
}

/// The name of what came without a file: boards send a label as the name, again and again, so the time goes between it and the ending that
/// the bytes ask for.
fn stored_name(name: &str, head: &[u8], plain: bool) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = match head {
        [b'R', b'I', b'F', b'F', ..] => "wav",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, ..] => "jpg",
        [b'B', b'M', ..] => "bmp",
        [b'{' | b' ' | b'\n' | b'\r' | b'\t', ..] => "json",
        _ => "cbor",
    };
    let stem = match name.rsplit_once('.') {
        Some((stem, end))
            if ["json", "cbor", "wav", "png", "jpg", "jpeg", "bmp", "bin"]
                .contains(&&*end.to_ascii_lowercase()) =>
        {
            stem
        }
        _ => name,
    };
    if plain {
        return format!("{stem}.{ending}");
    }
    format!("{stem}.{:x}.{ending}", micros())
}

/// Microseconds since 1970.
fn micros() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros())
}
