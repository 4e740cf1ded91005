//! Stage `clean`: every recording decoded, brought to one rate and one set of axes, checked (silver).

use super::{
    import::{self, Manifest, Received},
    near::{self, Near},
    plan::{self, Format},
    split::NORMAL,
};
use crate::{
    EngineError,
    batches::batches,
    dataset::{LabelBox, LabelRange, boxes, ranges},
    error::AtPath,
    session::{Key, Session, Staged},
};
use edgewright_etl::{CleanSpec, Placement, Rejected, Trim, near::Print};
use edgewright_sample::{Content, Decoded, Signal};
use edgewright_store::Hash;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom, Write},
    ops::Range,
};

/// Files decoded at once, and their values: bounds memory.
const BATCH: usize = 32;
const BATCH_VALUES: usize = 20_000_000;

/// A cleaned recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cleaned {
    /// Id of the sample.
    pub id: String,
    /// Name of the file it came from.
    pub name: String,
    /// Label, if any.
    pub label: Option<String>,
    /// Labels of parts, in frames of the cleaned recording; then there is no label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<LabelRange>,
    /// Boxes around objects, in pixels of the cleaned picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Vec<LabelBox>>,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// Group, if any.
    pub group: Option<String>,
    /// Hash of the received bytes and place in them.
    pub content: String,
    /// First value in the pack.
    pub offset: u64,
    /// Number of frames.
    pub frames: usize,
    /// What is suspicious: kind and sentence.
    pub flags: Vec<(String, String)>,
}

/// What was done to a recording: step and detail.
pub type Lineage = Vec<(String, String)>;

/// A sample that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Its name.
    pub file: String,
    /// Stable word, such as `not_finite`.
    pub kind: String,
    /// Sentence that names the place.
    pub reason: String,
}

/// A sample that was dropped because another one has the same values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twin {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Name of the one that was kept.
    pub of: String,
    /// Whether both are called the same.
    pub same_label: bool,
}

/// The cleaned data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silver {
    /// What all recordings were brought to.
    pub format: Format,
    /// In the order of the import.
    pub samples: Vec<Cleaned>,
    /// Samples that were left out, with reasons.
    pub rejected: Vec<LeftOut>,
    /// Number of exact duplicates that were dropped.
    pub duplicates: usize,
    /// Of these, the ones that have the values of another one in other bytes.
    pub twins: Vec<Twin>,
    /// Pairs of samples that are nearly the same.
    pub near: Vec<Near>,
    /// All values, single precision, little endian, sample after sample.
    pub pack: Hash,
    /// One line of JSON per sample: its [`Lineage`].
    lineage: Hash,
}

impl Silver {
    /// Whether anything is labelled [`NORMAL`].
    pub fn has_normal(&self) -> bool {
        self.samples
            .iter()
            .any(|s| s.label.as_deref() == Some(NORMAL) || s.ranges.iter().any(|r| r.label == NORMAL))
    }

    /// Samples per label, as [`Manifest::labels`].
    pub fn labels(&self) -> BTreeMap<String, usize> {
        import::labels(
            self.samples.iter().map(|s| (s.label.as_deref(), s.ranges.as_slice(), s.boxes.as_deref())),
        )
    }

    /// What was done to a sample.
    ///
    /// # Errors
    /// Those of the store, [`EngineError::Internal`] when the object is damaged.
    pub fn lineage(&self, session: &Session<'_>, sample: usize) -> Result<Lineage, EngineError> {
        let lines = session.store.get_blob(&self.lineage)?;
        let line = lines.split(|b| *b == b'\n').nth(sample).unwrap_or_default();
        serde_json::from_slice(line).map_err(|e| EngineError::Internal(format!("lineage: {e}")))
    }
}

/// Reads recordings out of the pack.
pub struct SilverReader {
    file: std::fs::File,
    path: std::path::PathBuf,
    axes: usize,
}

impl SilverReader {
    /// Opens the pack.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the object cannot be opened.
    pub fn open(session: &Session<'_>, silver: &Silver) -> Result<Self, EngineError> {
        let path = session.store.blob_path(&silver.pack);
        let file =
            std::fs::File::open(&path).map_err(|source| EngineError::Io { path: path.clone(), source })?;
        Ok(Self { file, path, axes: silver.format.axes.len() })
    }

    /// Values of one recording, row-major.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the object is shorter than it should be.
    pub fn values(&mut self, sample: &Cleaned) -> Result<Vec<f32>, EngineError> {
        self.part(sample, 0..sample.frames)
    }

    /// Values of some frames of one recording, row-major.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the object is shorter than it should be.
    pub fn part(&mut self, sample: &Cleaned, frames: Range<usize>) -> Result<Vec<f32>, EngineError> {
        let mut bytes = vec![0u8; frames.len() * self.axes * 4];
        self.file
            .seek(SeekFrom::Start((sample.offset + (frames.start * self.axes) as u64) * 4))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| EngineError::Io { path: self.path.clone(), source })?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

/// Brings the silver level up to date.
///
/// # Errors
/// [`EngineError::Data`] when nothing usable is left, and those of the store.
pub fn run(session: &Session<'_>, bronze: &Staged<Manifest>) -> Result<Staged<Silver>, EngineError> {
    let file = &session.project.file;
    let mut key = Key::new("clean");
    key.text("bronze", &bronze.hash.to_string())
        .value("labels", &file.labels)
        .value("clean", &file.clean)
        .value("rate", &file.impulse.rate_hz)
        .value("axes", &file.impulse.axes)
        .value("image", &file.impulse.image)
        .value("fit", &file.impulse.fit);
    session.stage("clean", &key.finish(), || build(session, &bronze.value))
}

fn build(session: &Session<'_>, bronze: &Manifest) -> Result<(Silver, Vec<String>), EngineError> {
    let file = &session.project.file;
    let mut notes = Vec::new();
    let received = bronze.samples(session)?;
    let format = plan::format(&received, &file.impulse, &mut notes)?;
    let (kept, mut duplicates) = drop_duplicates(&received, file.clean.keep_duplicates, &mut notes);
    let spec = spec(session, &format);
    // A file of table rows holds many samples; it is decoded once.
    let mut files: Vec<Vec<&Received>> = Vec::new();
    for sample in kept {
        match files.last_mut() {
            Some(last) if last[0].blob == sample.blob => last.push(sample),
            _ => files.push(vec![sample]),
        }
    }
    let mut pack = session.store.blob_writer()?;
    let mut lineages = session.store.blob_writer()?;
    let mut offset = 0u64;
    let mut samples: Vec<Cleaned> = Vec::new();
    let mut by_values: BTreeMap<Hash, usize> = BTreeMap::new();
    let mut twins = Vec::new();
    let mut prints = Vec::new();
    let mut rejected = Vec::new();
    let total = files.len() as u64;
    let mut done = 0;
    for batch in batches(&files, BATCH, BATCH_VALUES, |f| f.iter().map(|s| received_values(s)).sum()) {
        session.progress("clean", done, total, "")?;
        done += batch.len() as u64;
        let cleaned: Vec<Vec<CleanOutcome>> =
            batch.par_iter().map(|file| clean_file(session, file, &format, &spec)).collect();
        for outcome in cleaned.into_iter().flatten() {
            match outcome {
                Ok(Made { mut sample, values, lineage, prints: own }) => {
                    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                    // The same recording in another container. Equal rows of a table are different things.
                    if sample.frames > 1 && !file.clean.keep_duplicates {
                        let hash = Hash::of(&bytes);
                        if let Some(&first) = by_values.get(&hash) {
                            twins.push(drop_for(&mut samples[first], sample));
                            continue;
                        }
                        by_values.insert(hash, samples.len());
                    }
                    sample.offset = offset;
                    offset += values.len() as u64;
                    pack.write_all(&bytes).at(&session.project.state_dir())?;
                    let mut line =
                        serde_json::to_vec(&lineage).map_err(|e| EngineError::Internal(e.to_string()))?;
                    line.push(b'\n');
                    lineages.write_all(&line).at(&session.project.state_dir())?;
                    prints.extend(own.into_iter().map(|print| (samples.len(), print)));
                    samples.push(sample);
                }
                Err(reason) => rejected.push(reason),
            }
        }
    }
    session.progress("clean", total, total, "")?;
    let pack = pack.finish()?;
    let lineage = lineages.finish()?;
    duplicates += note_twins(&twins, &mut notes);
    rename(&mut samples, &file.labels, &mut notes);
    if samples.is_empty() {
        let listed: Vec<String> =
            rejected.iter().take(5).map(|q| format!("  {}: {}", q.file, q.reason)).collect();
        return Err(EngineError::Data(format!(
            "no sample is left after cleaning; the first reasons are\n{}",
            listed.join("\n")
        )));
    }
    if duplicates > 0 {
        notes.push(format!("{duplicates} exact duplicates dropped"));
    }
    if !rejected.is_empty() {
        notes.push(format!(
            "{} samples rejected, such as {}: {}",
            rejected.len(),
            rejected[0].file,
            rejected[0].reason
        ));
    }
    let mut flags: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, _) in samples.iter().flat_map(|s| &s.flags) {
        *flags.entry(kind).or_default() += 1;
    }
    for (kind, n) in flags {
        notes.push(format!("{n} samples flagged `{kind}`"));
    }
    let mut silver = Silver { format, samples, rejected, duplicates, twins, near: Vec::new(), pack, lineage };
    silver.near = near::find(session, &silver, &prints)?;
    if let Some(n) = silver.near.first() {
        let [first, second] = [n.first, n.second].map(|i| &silver.samples[i].name);
        notes.push(format!(
            "{} pairs of samples are nearly the same, such as {first} and {second}: see `edgewright data scan`",
            silver.near.len()
        ));
    }
    Ok((silver, notes))
}

/// Calls labels what the project calls them.
fn rename(samples: &mut [Cleaned], names: &BTreeMap<String, String>, notes: &mut Vec<String>) {
    if names.is_empty() {
        return;
    }
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    // Whether the label is still one.
    let mut change = |label: &mut String| {
        if let Some((from, to)) = names.get_key_value(label.as_str()) {
            *met.entry(from).or_default() += 1;
            label.clone_from(to);
        }
        !label.is_empty()
    };
    for sample in samples {
        if sample.label.as_mut().is_some_and(|label| !change(label)) {
            sample.label = None;
        }
        sample.ranges.retain_mut(|r| change(&mut r.label));
        if let Some(boxes) = &mut sample.boxes {
            boxes.retain_mut(|b| change(&mut b.label));
        }
    }
    for (from, to) in names {
        notes.push(match met.get(from.as_str()) {
            None => format!("`labels`: nothing is labelled `{from}`"),
            Some(n) if to.is_empty() => format!("{n} times `{from}` counts as no label"),
            Some(n) => format!("{n} times `{from}` is called `{to}`"),
        });
    }
}

/// Drops a sample for one with the same values, which tests when one of them does.
fn drop_for(kept: &mut Cleaned, twin: Cleaned) -> Twin {
    let same_label = kept.label == twin.label && kept.ranges == twin.ranges && kept.boxes == twin.boxes;
    if twin.category == "testing" {
        kept.category.clone_from(&twin.category);
    }
    Twin { id: twin.id, name: twin.name, of: kept.name.clone(), same_label }
}

/// Says so. Returns how many there are.
fn note_twins(twins: &[Twin], notes: &mut Vec<String>) -> usize {
    if let Some(first) = twins.first() {
        let labels = match twins.iter().filter(|t| !t.same_label).count() {
            0 => String::new(),
            n => format!("; {n} of them carry another label than the one that was kept"),
        };
        notes.push(format!(
            "{} samples have the values of another one, such as {} those of {}{labels}",
            twins.len(),
            first.name,
            first.of
        ));
    }
    twins.len()
}

/// Values of a sample as received.
fn received_values(sample: &Received) -> usize {
    match sample.info.image {
        Some([width, height, channels]) => width * height * channels,
        None => sample.info.frames * sample.info.axes.len(),
    }
}

/// Keeps one of each set of samples with the same bytes: one that tests if there is one, else the first.
fn drop_duplicates<'m>(
    samples: &'m [Received],
    keep_all: bool,
    notes: &mut Vec<String>,
) -> (Vec<&'m Received>, usize) {
    if keep_all {
        return (samples.iter().collect(), 0);
    }
    let mut best: BTreeMap<(String, usize), &Received> = BTreeMap::new();
    let mut conflicts = 0;
    for sample in samples {
        let content = (sample.blob.to_string(), sample.index);
        let entry = best.entry(content).or_insert(sample);
        if entry.label != sample.label || entry.ranges != sample.ranges || entry.boxes != sample.boxes {
            conflicts += 1;
        }
        if entry.category != "testing" && sample.category == "testing" {
            *entry = sample;
        }
    }
    if conflicts > 0 {
        notes.push(format!("{conflicts} duplicates carry another label than the copy that was kept: see `edgewright data scan`"));
    }
    let kept: Vec<&Received> = samples
        .iter()
        .filter(|s| best.get(&(s.blob.to_string(), s.index)).is_some_and(|b| b.id == s.id))
        .collect();
    let dropped = samples.len() - kept.len();
    (kept, dropped)
}

/// A cleaned sample with its values.
struct Made {
    sample: Cleaned,
    values: Vec<f32>,
    lineage: Lineage,
    prints: Vec<Print>,
}

/// It, or why it is left out.
type CleanOutcome = Result<Made, LeftOut>;

impl LeftOut {
    fn new(sample: &Received, kind: &str, reason: String) -> Self {
        Self { id: sample.id.clone(), file: sample.name.clone(), kind: kind.into(), reason }
    }
}

/// Decodes one file and cleans the wanted samples of it.
fn clean_file(
    session: &Session<'_>,
    wanted: &[&Received],
    format: &Format,
    spec: &CleanSpec,
) -> Vec<CleanOutcome> {
    let decoded = (|| {
        let bytes = session.store.get_blob(&wanted[0].blob)?;
        let reading = &wanted[0].info.reading;
        edgewright_sample::decode(&reading.file, &bytes, &reading.options()?)
            .map_err(|e| EngineError::Data(e.message))
    })();
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(e) => {
            let reason = e.to_string();
            return wanted.iter().map(|s| Err(LeftOut::new(s, "unreadable", reason.clone()))).collect();
        }
    };
    wanted
        .iter()
        .map(|sample| {
            let part = decoded.get(sample.index).ok_or_else(|| {
                LeftOut::new(sample, "unreadable", format!("the file has no sample {}", sample.index))
            })?;
            clean_sample(sample, part, format, spec).map_err(|r| LeftOut::new(sample, r.kind, r.reason))
        })
        .collect()
}

fn clean_sample(
    sample: &Received,
    decoded: &Decoded,
    format: &Format,
    spec: &CleanSpec,
) -> Result<Made, Rejected> {
    let mut flags: Vec<(String, String)> = sample.info.findings.clone();
    let mut lineage = vec![(
        "decode".to_owned(),
        format!("{} ({} frames at {} Hz)", sample.info.reading.file, sample.info.frames, sample.info.rate_hz),
    )];
    let (mut parts, mut moved) = (Vec::new(), None);
    let (values, frames) = match &decoded.content {
        Content::Signal(signal) => {
            let received = if signal.rate_hz > 0.0 { Some(signal.rate_hz) } else { format.assumed_rate_hz };
            let Cleared { signal, flags: more, lineage: steps, cut } = clean_signal(signal, format, spec)?;
            flags.extend(more);
            lineage.extend(steps);
            let frames = signal.frames();
            let ratio = received.map_or(1.0, |from| signal.rate_hz / from);
            let gone;
            (parts, gone) = ranges::moved(&sample.ranges, ratio, cut, frames);
            if gone > 0 {
                flags.push((
                    "ranges_together".into(),
                    format!(
                        "{gone} labelled parts fall on a frame that another one has at this rate and are left out; the longer one is kept, of equals the first"
                    ),
                ));
            }
            (signal.values, frames)
        }
        Content::Image(image) => {
            let [width, height, channels] = format
                .image
                .ok_or_else(|| Rejected { kind: "picture", reason: "an image among other samples".into() })?;
            let resized = edgewright_etl::resize_to(image, width, height, channels, format.fit);
            let placement = Placement::new([image.width, image.height], [width, height], format.fit);
            moved = sample.boxes.as_ref().map(|b| boxes::placed(b, &placement, [width, height]));
            lineage.push(("resize".into(), format!("{}x{} to {width}x{height}", image.width, image.height)));
            (resized.pixels.iter().map(|&p| f32::from(p)).collect(), width * height)
        }
    };
    let prints = near::prints(&values, format);
    let cleaned = Cleaned {
        id: sample.id.clone(),
        name: sample.name.clone(),
        label: sample.label.clone(),
        ranges: parts,
        boxes: moved,
        category: sample.category.clone(),
        group: sample.group.clone(),
        content: format!("{}:{}", sample.blob, sample.index),
        offset: 0,
        frames,
        flags,
    };
    Ok(Made { sample: cleaned, values, lineage, prints })
}

/// A series at the common rate.
pub struct Cleared {
    /// The values.
    pub signal: Signal,
    /// What is suspicious: kind and sentence.
    pub flags: Vec<(String, String)>,
    /// What was done.
    pub lineage: Lineage,
    /// Frames that were cut off its beginning, at the common rate.
    pub cut: usize,
}

/// Brings one series to the common rate and axes.
///
/// # Errors
/// The reason why the series is left out.
pub fn clean_signal(signal: &Signal, format: &Format, spec: &CleanSpec) -> Result<Cleared, Rejected> {
    let assumed;
    let mut signal = signal;
    if signal.rate_hz == 0.0
        && let Some(rate_hz) = format.assumed_rate_hz
    {
        assumed = Signal { rate_hz, ..signal.clone() };
        signal = &assumed;
    }
    let cleaned = edgewright_etl::clean(signal, spec)?;
    Ok(Cleared {
        signal: cleaned.signal,
        flags: cleaned.flags.into_iter().map(|f| (f.kind.to_string(), f.message)).collect(),
        lineage: cleaned.lineage.into_iter().map(|l| (l.step, l.detail)).collect(),
        cut: cleaned.cut,
    })
}

/// The steps of cleaning for this project, as `classify` needs them as well.
pub fn spec(session: &Session<'_>, format: &Format) -> CleanSpec {
    let clean = &session.project.file.clean;
    CleanSpec {
        resample_hz: (format.rate_hz > 0.0).then_some(format.rate_hz),
        axes: Some(format.axes.iter().map(|a| a.name.clone()).collect()),
        trim: clean
            .trim_db
            .map(|db| Trim { threshold_db: db, margin_ms: clean.trim_margin_ms.unwrap_or(20.0) }),
        min_ms: clean.min_ms,
    }
}
