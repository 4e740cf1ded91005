//! Import: files become samples, or are quarantined with a reason.

use super::{
    GroupRule, LabelRule, Reading, SampleInfo, TableChoices,
    boxes::{self, LabelBox},
    parted,
    ranges::{self, LabelRange},
    record, rules,
    sidecar::Sidecar,
};
use crate::{EngineError, batches::batches, error::AtPath, project::ProjectFile, session::Session};
use edgewright_sample::{Content, Decoded, SIDE, boxes::Annotated, labels};
use edgewright_store::{Hash, NewSample, QuarantineRow};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Files read and decoded at once, and their bytes: bounds memory, keeps the cores busy.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 32 << 20;
/// Sides that a file may say its samples are on.
const CATEGORIES: [&str; 2] = ["training", "testing"];
/// Largest file, in bytes.
const MAX_FILE: u64 = 512 << 20;

/// What to import and how to understand it.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Where labels come from.
    pub label: LabelRule,
    /// Where groups come from.
    pub group: GroupRule,
    /// `training`, `testing` or `split`; `None`: what a sidecar says, else `split`.
    pub category: Option<String>,
    /// Format name, or `None` to find it out.
    pub format: Option<String>,
    /// Rate of files that do not say it.
    pub rate_hz: Option<f64>,
    /// Key that acquisition documents must be signed with; `None`: signatures are not checked.
    pub hmac_key: Option<String>,
    /// Labels of parts by the name of their file; they go before every other label.
    pub ranges: BTreeMap<String, Vec<LabelRange>>,
    /// Boxes of pictures by the name of their file; they go before those of documents beside them.
    pub boxes: BTreeMap<String, Annotated>,
    /// How tables are to be read.
    pub table: TableChoices,
    /// Facts to keep with every sample; those of the file itself go before.
    pub metadata: BTreeMap<String, String>,
    /// Who asked: `import`, or `data:<n>` for the n-th entry of the project file.
    pub source: String,
    /// Refuse a file whose bytes are in the project already, under whatever name; it is not kept in quarantine.
    pub refuse_known: bool,
    /// Of a sample that is there already, with these bytes and this name: its label, parts, boxes and group stay,
    pub keep_label: bool,
    /// or its category.
    pub keep_category: bool,
    /// Only report what would be done.
    pub dry_run: bool,
}

/// A file that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Quarantined {
    /// Name of the file below the imported folder.
    pub file: String,
    /// Why, and what to do.
    pub reason: String,
}

/// What was noticed in files that were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Stable word, such as `text_column`.
    pub kind: String,
    /// What was noticed and what was done.
    pub message: String,
    /// The first file in which it was.
    pub file: String,
    /// In how many files the same was noticed.
    pub files: usize,
}

/// Different remarks that a report tells; more are with their samples.
const REMARKS: usize = 50;

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Samples that are in the project now because of this import.
    pub imported: usize,
    /// Of these, how many were there before.
    pub already_there: usize,
    /// Refused files with reasons, and entries of `info.labels` whose file is not there.
    pub quarantined: Vec<Quarantined>,
    /// What was noticed in the files that were kept, in order of import.
    pub remarks: Vec<Remark>,
    /// Samples per label.
    pub labels: BTreeMap<String, usize>,
    /// Samples per category.
    pub categories: BTreeMap<String, usize>,
    /// Ids of the samples, in order of import.
    #[serde(skip)]
    pub ids: Vec<String>,
}

impl ImportReport {
    /// Tells of expressions that match no name of these files.
    fn unmatched(&mut self, files: &[File], request: &ImportRequest) {
        let Some(first) = files.first() else { return };
        let mut tell = |kind: &str, message: &str| {
            self.remarks.push(Remark {
                kind: kind.to_owned(),
                message: message.to_owned(),
                file: first.name.clone(),
                files: files.len(),
            });
        };
        if let LabelRule::Name(Some(pattern)) = &request.label
            && files
                .iter()
                .all(|f| labels::label_from_name(rules::file_name(&f.name), Some(pattern)).is_none())
        {
            tell(
                "label_pattern",
                "the expression for labels finds nothing in the name of any file: none has a label",
            );
        }
        if matches!(request.group, GroupRule::Pattern(_))
            && files.iter().all(|f| request.group.of_path(&f.name).is_none())
        {
            tell(
                "group_pattern",
                "the expression for groups finds nothing in the path of any file: none has a group",
            );
        }
    }

    fn remark(&mut self, file: &str, decoded: &Decoded) {
        for finding in &decoded.findings {
            self.tell(file, &finding.kind, &finding.message);
        }
    }

    /// Tells something of a file, and of further ones as often as it is said.
    fn tell(&mut self, file: &str, kind: &str, message: &str) {
        let same = |r: &Remark| r.kind == kind && r.message == message;
        if let Some(there) = self.remarks.iter().position(same) {
            self.remarks[there].files += 1;
        } else if self.remarks.len() < REMARKS {
            let (kind, message) = (kind.to_owned(), message.to_owned());
            self.remarks.push(Remark { kind, message, file: file.to_owned(), files: 1 });
        }
    }
}

pub(super) struct File {
    pub(super) path: PathBuf,
    /// Below the imported folder, with `/`.
    pub(super) name: String,
    /// Other files of the same recording.
    pub(super) beside: Vec<PathBuf>,
}

/// Imports files into the project's store. Running it again changes nothing.
///
/// # Errors
/// [`EngineError::Data`] for a label that cannot be one, [`EngineError::Io`] for a path that is not there, and the
/// store's. A file that cannot be read or decoded is no error: it is quarantined.
pub fn import(session: &Session<'_>, request: &ImportRequest) -> Result<ImportReport, EngineError> {
    if let LabelRule::Fixed(label) = &request.label {
        labels::validate_label(label)
            .map_err(|e| EngineError::Data(format!("label `{}`: {}", shorten(label), e.message)))?;
    }
    // A format that is not known is the caller's mistake, not the files'.
    Reading { format: request.format.clone(), table: request.table.clone(), ..Reading::default() }
        .options()?;
    super::check_rate(request.rate_hz)?;
    // A path that is mistyped is told before anything is taken in.
    for root in &request.paths {
        std::fs::metadata(root).at(root)?;
    }
    let project = &session.project.file;
    let noted = if request.dry_run { Vec::new() } else { session.store.list_quarantine()? };
    let mut report = ImportReport::default();
    for root in &request.paths {
        let Walked { mut files, refused } = walk(root)?;
        let parted = parted::take_out(&mut files);
        for (name, kind, reason) in refused.into_iter().chain(parted) {
            quarantine(session, request, &name, None, kind, reason, &mut report)?;
        }
        let sidecar = Sidecar::find(root, &files, &request.label)?;
        for (name, reason) in &sidecar.annotations.broken {
            let path = files.iter().find(|f| &f.name == name).map(|f| f.path.clone());
            set_aside(session, request, name, path.as_deref(), "box_file", reason.clone(), &mut report)?;
        }
        for (name, path, reason) in &sidecar.astray {
            set_aside(session, request, name, Some(path), "label_entry", reason.clone(), &mut report)?;
        }
        let read = sidecar.annotations.documents.iter();
        let read = read.filter(|d| !sidecar.annotations.broken.contains_key(*d)).chain(&sidecar.met);
        forget(session, request, &noted, &read.map(|name| (name.as_str(), None)).collect::<Vec<_>>())?;
        files.retain(|f| !sidecar.annotations.documents.contains(&f.name));
        report.unmatched(&files, request);
        let in_folders = files.iter().any(|f| f.name.contains('/'));
        let total = files.len();
        // A file that has gone meanwhile is told where it is read.
        let bytes = |f: &File| f.size().unwrap_or(0) as usize;
        let mut done = 0;
        for batch in batches(&files, BATCH, BATCH_BYTES, bytes) {
            session.progress("import", done as u64, total as u64, "")?;
            done += batch.len();
            let read: Vec<_> = batch
                .par_iter()
                .map(|file| (file, read_file(file, request, project, &sidecar, in_folders)))
                .collect();
            let good: Vec<_> =
                read.iter().filter_map(|(f, r)| Some((f.name.as_str(), r.as_ref().ok()?))).collect();
            let good: Vec<_> = good.into_iter().map(|(name, r)| (name, Some(r.bytes.as_slice()))).collect();
            forget(session, request, &noted, &good)?;
            keep(session, request, read, &mut report)?;
        }
        session.progress("import", total as u64, total as u64, "")?;
    }
    Ok(report)
}

/// A refused file: its bytes when they could be read, a slug, the reason.
type Refusal = (Option<Vec<u8>>, String, String);

/// What is said of a sample: a label, or labels of parts.
#[derive(Default)]
struct Labelled {
    label: Option<String>,
    ranges: Vec<LabelRange>,
    boxes: Option<Vec<LabelBox>>,
    /// Boxes that were left out: the document that holds them, and why.
    refused: Vec<(String, Option<PathBuf>, String)>,
}

impl Labelled {
    /// Takes what the request or a document beside the file says of boxes.
    fn take_boxes(
        &mut self,
        file: &File,
        request: &ImportRequest,
        sidecar: &Sidecar,
        content: &Content,
    ) -> Result<(), String> {
        let told = request.boxes.get(rules::file_name(&file.name));
        // Clients send an empty list with every picture that has a label.
        let told = told.filter(|t| !t.boxes.is_empty() || self.label.is_none());
        let (annotated, document, path) = match (told, sidecar.boxes(&file.name)) {
            (Some(told), _) => (told, file.name.as_str(), None),
            (None, Some(said)) => (&said.annotated, said.document.as_str(), Some(said.path.clone())),
            (None, None) => return Ok(()),
        };
        let Content::Image(image) = content else {
            return match annotated.boxes.len() {
                0 => Ok(()),
                n => Err(format!("{n} bounding boxes are given for it, but it is no picture")),
            };
        };
        let fitted = annotated.fit(image.width, image.height);
        if told.is_some() && !matches!(request.label, LabelRule::Fixed(_)) {
            // What its name begins with is no label of what is in it.
            self.label = None;
        }
        self.boxes = Some(fitted.boxes.into_iter().map(LabelBox::from).collect());
        if !fitted.refused.is_empty() {
            // A document of many pictures names the one.
            let stem = |name: &str| rules::file_name(name).split('.').next().map(str::to_owned);
            let document = match stem(document) == stem(&file.name) {
                true => document.to_owned(),
                false => format!("{document}#{}", file.name),
            };
            self.refused.push((document, path, fitted.refused.join("; ")));
        }
        Ok(())
    }
}

/// A decoded file: its bytes and its samples, ready to be stored.
struct ReadFile {
    /// Of its samples.
    name: String,
    bytes: Vec<u8>,
    samples: Vec<ReadSample>,
    reading: Reading,
}

/// One sample of it.
struct ReadSample {
    /// Which of the file.
    index: usize,
    decoded: Decoded,
    label: Labelled,
    group: Option<String>,
    category: String,
    /// Facts from a document beside the file.
    metadata: BTreeMap<String, String>,
    disabled: bool,
}

fn keep(
    session: &Session<'_>,
    request: &ImportRequest,
    read: Vec<(&File, Result<ReadFile, Refusal>)>,
    report: &mut ImportReport,
) -> Result<(), EngineError> {
    let mut rows = Vec::new();
    if !request.dry_run && !request.refuse_known {
        // All at once; below they are found.
        let bytes: Vec<&[u8]> =
            read.iter().filter_map(|(_, r)| Some(r.as_ref().ok()?.bytes.as_slice())).collect();
        session.store.put_blobs(&bytes)?;
    }
    for (file, outcome) in read {
        match outcome {
            Ok(read) => {
                if request.refuse_known && session.store.has_bytes(&Hash::of(&read.bytes))? {
                    // Clients look at how this sentence begins.
                    let reason = "An item with this hash already exists in the project".to_owned();
                    report.quarantined.push(Quarantined { file: file.name.clone(), reason });
                    continue;
                }
                let blob = if request.dry_run { None } else { Some(session.store.put_blob(&read.bytes)?) };
                for sample in read.samples {
                    let ReadSample { index, decoded, label, group, category, metadata, disabled } = sample;
                    report.remark(&file.name, &decoded);
                    let Labelled { label, ranges: parts, boxes, refused } = label;
                    for name in ranges::names(&parts).into_iter().chain(boxes::names(boxes.as_deref())) {
                        *report.labels.entry(name.to_owned()).or_default() += 1;
                    }
                    let mut left_out = Vec::new();
                    for (document, path, reason) in refused {
                        left_out.push(("box_left_out".to_owned(), format!("{document}: {reason}")));
                        let reason = format!("{reason}; the rest of it is kept");
                        set_aside(session, request, &document, path.as_deref(), "box", reason, report)?;
                    }
                    if parts.is_empty() && (boxes.is_none() || label.is_some()) {
                        *report.labels.entry(label.clone().unwrap_or_default()).or_default() += 1;
                    }
                    *report.categories.entry(category.clone()).or_default() += 1;
                    report.imported += 1;
                    let Some(blob) = blob else { continue };
                    let mut info = describe(&decoded, read.reading.clone());
                    info.findings.extend(left_out);
                    for (key, value) in metadata.iter().chain(&request.metadata) {
                        info.metadata.entry(key.clone()).or_insert_with(|| value.clone());
                    }
                    let metadata_json =
                        serde_json::to_string(&info).map_err(|e| EngineError::Internal(e.to_string()))?;
                    rows.push(NewSample {
                        name: read.name.clone(),
                        label,
                        ranges_json: if parts.is_empty() { None } else { Some(ranges::to_json(&parts)?) },
                        boxes_json: boxes.as_deref().map(boxes::to_json).transpose()?,
                        category,
                        group,
                        blob,
                        index_in_file: index as i64,
                        format: read.reading.format.clone().unwrap_or_else(|| "auto".into()),
                        source: request.source.clone(),
                        metadata_json,
                        disabled,
                        keep_label: request.keep_label,
                        keep_category: request.keep_category,
                    });
                }
            }
            Err((bytes, kind, reason)) => {
                quarantine(session, request, &file.name, bytes.as_deref(), &kind, reason, report)?;
            }
        }
    }
    if !rows.is_empty() {
        let added = session.store.add_samples(&rows)?;
        report.already_there += added.iter().filter(|a| !a.new).count();
        for (row, added) in rows.iter().zip(&added) {
            if let Some(before) = &added.moved_from {
                report.tell(
                    &row.name,
                    "moved",
                    &format!("was in the project already and went from `{before}` to `{}`", row.category),
                );
            }
        }
        report.ids.extend(added.into_iter().map(|a| a.id));
    }
    Ok(())
}

/// Takes from the list of refused files what this import reads: a file of the same name from the same source, and the same bytes.
fn forget(
    session: &Session<'_>,
    request: &ImportRequest,
    noted: &[QuarantineRow],
    read: &[(&str, Option<&[u8]>)],
) -> Result<(), EngineError> {
    if noted.is_empty() {
        return Ok(());
    }
    let names: BTreeSet<&str> = read.iter().map(|(name, _)| *name).collect();
    let blobs: BTreeSet<Hash> = read.iter().filter_map(|(_, bytes)| Some(Hash::of((*bytes)?))).collect();
    let good = |row: &&QuarantineRow| {
        (row.source == request.source && names.contains(row.name.as_str()))
            || row.blob.is_some_and(|b| blobs.contains(&b))
    };
    let gone = noted.iter().filter(good).map(|row| (row.source.clone(), row.name.clone()));
    Ok(session.store.forget_quarantine(&gone.collect::<Vec<_>>())?)
}

/// Notes what was refused, with its bytes.
fn quarantine(
    session: &Session<'_>,
    request: &ImportRequest,
    name: &str,
    bytes: Option<&[u8]>,
    kind: &str,
    reason: String,
    report: &mut ImportReport,
) -> Result<(), EngineError> {
    report.quarantined.push(Quarantined { file: name.to_owned(), reason: reason.clone() });
    if request.dry_run {
        return Ok(());
    }
    let blob = bytes.map(|bytes| session.store.put_blob(bytes)).transpose()?;
    session.store.add_quarantine(&QuarantineRow {
        name: name.to_owned(),
        source: request.source.clone(),
        blob,
        kind: kind.to_owned(),
        reason,
    })?;
    Ok(())
}

/// Notes what was refused of a document beside the pictures.
fn set_aside(
    session: &Session<'_>,
    request: &ImportRequest,
    name: &str,
    path: Option<&Path>,
    kind: &str,
    reason: String,
    report: &mut ImportReport,
) -> Result<(), EngineError> {
    let bytes = path.and_then(|p| std::fs::read(p).ok());
    quarantine(session, request, name, bytes.as_deref(), kind, reason, report)
}

pub(super) fn describe(decoded: &Decoded, reading: Reading) -> SampleInfo {
    let (rate_hz, frames, axes, image) = match &decoded.content {
        Content::Signal(s) => {
            (s.rate_hz, s.frames(), s.axes.iter().map(|a| (a.name.clone(), a.units.clone())).collect(), None)
        }
        Content::Image(i) => (
            0.0,
            i.width * i.height,
            vec![("image".to_owned(), String::new())],
            Some([i.width, i.height, i.channels]),
        ),
    };
    SampleInfo {
        reading,
        rate_hz,
        frames,
        axes,
        image,
        findings: decoded.findings.iter().map(|f| (f.kind.clone(), f.message.clone())).collect(),
        metadata: decoded.metadata.clone(),
    }
}

/// Reads, decodes and labels one file. The error holds the bytes (when they could be read), a slug and the reason.
fn read_file(
    file: &File,
    request: &ImportRequest,
    project: &ProjectFile,
    sidecar: &Sidecar,
    in_folders: bool,
) -> Result<ReadFile, Refusal> {
    let refuse = |kind: &str, reason: String| (None, kind.to_owned(), reason);
    let size = file.size().map_err(|e| refuse("unreadable", e.to_string()))?;
    if size > MAX_FILE {
        return Err(refuse(
            "too_large",
            format!("{size} bytes are more than the {MAX_FILE} allowed; cut the file into parts"),
        ));
    }
    let (_, bytes) = record::read(&file.path).map_err(|e| refuse("unreadable", e.to_string()))?;
    let entry = sidecar.entry(&file.name);
    let exported = entry.and_then(|e| e.exported.as_ref());
    let reading = Reading {
        file: rules::file_name(&file.name).to_owned(),
        format: request.format.clone(),
        rate_hz: request.rate_hz,
        label_column: match &request.label {
            LabelRule::Column(c) => Some(c.clone()),
            _ => None,
        },
        group_column: match &request.group {
            GroupRule::Column(c) => Some(c.clone()),
            _ => None,
        },
        rows_are_samples: request.table.rows_are_samples,
        table: request.table.clone(),
        ..Reading::default()
    }
    .in_project(project);
    // Who says nothing now wants what was said then.
    let reading = match exported {
        None => reading,
        Some(e) => Reading {
            format: reading.format.or_else(|| e.reading.format.clone()),
            rate_hz: reading.rate_hz.or(e.reading.rate_hz),
            ..e.reading.clone()
        },
    };
    let decoded =
        reading.options().map_err(|e| ("options".to_owned(), e.to_string())).and_then(|mut options| {
            // Checked here, once: the key is not kept with the sample.
            options.hmac_key = request.hmac_key.as_ref().map(|k| k.clone().into_bytes());
            options.require_signature = request.hmac_key.is_some();
            edgewright_sample::decode(&reading.file, &bytes, &options)
                .map_err(|e| (e.kind.to_owned(), e.message))
        });
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err((kind, reason)) => return Err((Some(bytes), kind, reason)),
    };
    if let Some(Err(reason)) = exported.map(|e| e.fits(&bytes, &decoded)) {
        return Err((Some(bytes), "label".into(), reason));
    }
    let mut samples = Vec::with_capacity(decoded.len());
    for (index, mut sample) in decoded.into_iter().enumerate() {
        // What was not in the project is not in its export.
        let one = exported.map(|e| e.sample(index));
        if matches!(one, Some(None)) {
            continue;
        }
        let one = one.flatten();
        let own: Vec<LabelRange> = std::mem::take(&mut sample.spans).into_iter().map(Into::into).collect();
        let from_sidecar = || match one {
            Some(one) => one.label.clone(),
            None => entry.and_then(|e| e.label.clone()),
        };
        let label = match &request.label {
            LabelRule::None => None,
            LabelRule::Fixed(label) => Some(label.clone()),
            LabelRule::Folder => rules::parent_name(&file.full_name()).map(str::to_owned),
            LabelRule::Name(pattern) => {
                labels::label_from_name(rules::file_name(&file.name), pattern.as_ref())
            }
            LabelRule::Column(_) => sample.label.clone(),
            LabelRule::Sidecar => from_sidecar(),
            // A file that says what its samples are is believed before its name.
            LabelRule::Auto if sample.label.is_some() && one.is_none() => sample.label.clone(),
            LabelRule::Auto if sidecar.found => from_sidecar(),
            LabelRule::Auto if in_folders => rules::parent_name(&file.full_name()).map(str::to_owned),
            LabelRule::Auto => labels::label_from_name(rules::file_name(&file.name), None),
        };
        if let Some(label) = &label
            && let Err(e) = labels::validate_label(label)
        {
            let reason = format!("label `{}`: {}", shorten(label), e.message);
            return Err((Some(bytes), "label".into(), reason));
        }
        let group = match &request.group {
            GroupRule::Column(_) => sample.group.clone(),
            GroupRule::None if one.is_some() => one.and_then(|o| o.group.clone()),
            rule => rule.of_path(&file.name),
        };
        let category = request
            .category
            .clone()
            .or_else(|| one.map(|o| o.category.clone()))
            .or_else(|| entry.and_then(|e| e.category.clone()))
            .or_else(|| sidecar.annotations.categories.get(&file.name).cloned())
            .or_else(|| sample.metadata.get(SIDE).filter(|side| CATEGORIES.contains(&side.as_str())).cloned())
            .unwrap_or_else(|| "split".into());
        let said = request.ranges.get(rules::file_name(&file.name)).or(match &request.label {
            LabelRule::Sidecar | LabelRule::Auto => one.map(|o| &o.ranges).or(entry.map(|e| &e.ranges)),
            _ => None,
        });
        let mut labelled = Labelled { label, ..Labelled::default() };
        if let Err(reason) = labelled.take_boxes(file, request, sidecar, &sample.content) {
            return Err((Some(bytes), "box".into(), reason));
        }
        if let Some(said) = said.filter(|s| !s.is_empty()) {
            let frames = match &sample.content {
                Content::Signal(s) => s.frames(),
                Content::Image(_) => 0,
            };
            // Annotations of a record leave gaps, and those come back from an export.
            match ranges::checked(said.clone(), frames, one.is_none()) {
                Ok(parts) => (labelled.label, labelled.ranges) = (None, parts),
                Err(reason) => return Err((Some(bytes), "label_span".into(), reason)),
            }
        } else if one.is_none()
            && !own.is_empty()
            && matches!(request.label, LabelRule::Auto | LabelRule::Sidecar)
        {
            // Annotations say what happens at a moment; nobody says anything of the rest.
            (labelled.label, labelled.ranges) = (None, own);
        }
        let mut metadata = one.map(|o| o.metadata.clone()).unwrap_or_default();
        for (key, value) in entry.iter().flat_map(|e| &e.metadata) {
            metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
        samples.push(ReadSample {
            index,
            decoded: sample,
            label: labelled,
            group,
            category,
            metadata,
            disabled: one.is_some_and(|o| o.disabled),
        });
    }
    if samples.is_empty() {
        return Err((Some(bytes), "empty".into(), "the file holds no sample".into()));
    }
    let name = exported.map_or_else(|| file.name.clone(), |e| e.name.clone());
    Ok(ReadFile { name, bytes, samples, reading })
}

impl File {
    /// Bytes of all files of the recording.
    fn size(&self) -> std::io::Result<u64> {
        std::iter::once(&self.path).chain(&self.beside).map(|p| Ok(std::fs::metadata(p)?.len())).sum()
    }

    /// The name with the folder of the file before it, also for a file that was named alone.
    fn full_name(&self) -> String {
        if self.name.contains('/') {
            return self.name.clone();
        }
        let folder = std::path::absolute(&self.path)
            .ok()
            .and_then(|p| p.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()));
        format!("{}/{}", folder.unwrap_or_default(), self.name)
    }
}

/// A label short enough for a message.
fn shorten(label: &str) -> String {
    let clean: String = label.chars().filter(|c| !c.is_control()).take(60).collect();
    if clean.chars().count() < label.chars().count() { format!("{clean}...") } else { clean }
}

/// What lies below a path.
pub(super) struct Walked {
    /// In name order.
    pub(super) files: Vec<File>,
    /// What was not looked into: name, slug, reason.
    refused: Vec<(String, &'static str, String)>,
}

/// All files below a path in name order. Hidden files, sidecars and documents are no data.
pub(super) fn walk(root: &Path) -> Result<Walked, EngineError> {
    let meta = std::fs::metadata(root).at(root)?;
    if meta.is_file() {
        let name = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let files = record::together(vec![File { path: root.to_path_buf(), name, beside: Vec::new() }]);
        return Ok(Walked { files, refused: Vec::new() });
    }
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    let mut folders = vec![(root.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let listed =
            std::fs::read_dir(&folder).and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
        let entries = match listed {
            Ok(entries) => entries,
            // One folder that cannot be read keeps nobody from the others.
            Err(e) if !prefix.is_empty() => {
                let name = prefix.trim_end_matches('/').to_owned();
                refused.push((name, "unreadable", format!("the folder cannot be read: {e}")));
                continue;
            }
            Err(e) => return Err(e).at(&folder),
        };
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            let below = format!("{prefix}{name}");
            // Following links could leave the folder or go round in circles.
            let kind = entry.file_type().at(&path)?;
            if kind.is_dir() {
                folders.push((path, format!("{below}/")));
            } else if is_document(&name) {
                continue;
            } else if kind.is_file() {
                files.push(File { path, name: below, beside: Vec::new() });
            } else if kind.is_symlink() {
                let reason = "a link, and links below a folder are not followed; import what it leads to";
                refused.push((below, "link", reason.to_owned()));
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    refused.sort();
    Ok(Walked { files: record::together(files), refused })
}

fn is_document(name: &str) -> bool {
    let lower = name.to_lowercase();
    let (stem, ending) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    let stem = stem.split('.').next().unwrap_or("");
    // A recording of somebody who says "license" is one.
    ["", "txt", "md", "rst"].contains(&ending)
        && ["readme", "license", "licence", "copying", "notice", "changelog"].contains(&stem)
        || [".md", ".labels", ".toml", ".html", ".pdf"].iter().any(|end| lower.ends_with(end))
}
