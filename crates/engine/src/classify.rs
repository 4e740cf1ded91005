//! `classify`: files through the trained impulse.

use crate::{
    EngineError,
    dataset::{self, Reading, read_recording},
    error::AtPath,
    program::{self, Program},
    run,
    session::Session,
    stages::{clean, plan::Format},
};
use edgewright_etl::{CleanSpec, Placement};
use edgewright_impulse::{Impulse, Runner, Task, post::detect::Detection};
use edgewright_ml::conformal::{self, Sets};
use edgewright_sample::{Axis, Content};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// What the impulse says of one window of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Classified {
    /// The file as it was named.
    pub file: String,
    /// Start of the window in ms.
    pub start_ms: f64,
    /// Line in the file, of a table whose rows are samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// Which recording of the file, from 0, of an array that holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<usize>,
    /// Milliseconds of zeros behind a recording that is shorter than a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled_ms: Option<f64>,
    /// Label with the highest score, or the estimate of a regression; `null` without either.
    pub label: Option<String>,
    /// Whether the highest score lies below the project's `min_confidence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertain: Option<bool>,
    /// Labels of which the right one is one as often as the project's `coverage` says, the highest score first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Vec<String>>,
    /// Score of each label.
    pub scores: BTreeMap<String, f32>,
    /// Estimate of a regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f32>,
    /// Objects of a picture, in its pixels; of an impulse that finds objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Vec<FoundBox>>,
    /// Score of the anomaly block.
    pub anomaly: Option<f32>,
    /// Whether that is above the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_anomaly: Option<bool>,
}

/// An object that was found in a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundBox {
    /// What it is.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent down.
    pub height: f64,
    /// How sure, 0..1.
    pub score: f32,
}

impl Classified {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = match (self.row, self.recording) {
            (Some(row), _) => format!("{}  row {row:>6}  ", self.file),
            (None, Some(recording)) => {
                format!("{}  recording {recording}  {:>8.0} ms  ", self.file, self.start_ms)
            }
            (None, None) => format!("{}  {:>8.0} ms  ", self.file, self.start_ms),
        };
        if let Some(label) = &self.label {
            let score = self.scores.get(label).map(|s| format!(" {s:.3}")).unwrap_or_default();
            let word = if self.uncertain == Some(true) { " uncertain" } else { "" };
            out.push_str(&format!("{label}{score}{word}"));
        }
        if let Some(ms) = self.filled_ms {
            out.push_str(&format!("  (shorter than a window: {ms:.0} ms of zeros behind it)"));
        }
        if let Some(set) = &self.set {
            out.push_str(&format!("  {{{}}}", set.join(", ")));
        }
        for b in self.boxes.iter().flatten() {
            out.push_str(&format!(
                "\n    {} {:.3} at {:.0}, {:.0}: {:.0} x {:.0}",
                b.label, b.score, b.x, b.y, b.width, b.height
            ));
        }
        if self.boxes.as_ref().is_some_and(Vec::is_empty) {
            out.push_str("no object");
        }
        if let Some(score) = self.anomaly {
            let word = if self.is_anomaly == Some(true) { "  ANOMALY" } else { "" };
            out.push_str(&format!("  anomaly {score:.3}{word}"));
        }
        out
    }
}

/// What the impulse says of a file.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Of each window, or of each row of a table.
    pub windows: Vec<Classified>,
    /// Rows that cannot be classified, by their line, and why.
    pub left_out: Vec<String>,
}

/// The trained int8 impulse of a project.
pub struct Classifier<'a> {
    session: &'a Session<'a>,
    /// Blocks that programs compute.
    programs: Vec<Program>,
    impulse: Impulse,
    format: Format,
    spec: CleanSpec,
    /// When the project asks for sets of labels.
    sets: Option<Sets>,
}

impl<'a> Classifier<'a> {
    /// Brings the project up to the trained impulse and takes it; up to its test, when the project asks for sets of labels.
    ///
    /// # Errors
    /// Those of the stages.
    pub fn load(session: &'a Session<'a>) -> Result<Self, EngineError> {
        let asked = &session.project.file.evaluation;
        let mut sets = None;
        if asked.coverage.is_some() {
            let mut results = run::Results::default();
            run::fill(session, 5, &mut results)?;
            let known = results.tested.and_then(|t| t.value.uncertainty);
            sets = known.and_then(|u| u.sets(asked.sets));
        }
        let trained = run::until_train(session)?;
        let impulse = trained.impulse_int8(session)?;
        let format = trained.format.clone();
        let spec = clean::spec(session, &format);
        Ok(Self { session, programs: program::of(&session.project), impulse, format, spec, sets })
    }

    /// Rate in Hz and length of a window in ms; both 0 for rows of a table and for pictures.
    pub fn window(&self) -> (f64, f64) {
        let window = &self.impulse.window;
        if window.rate_hz > 0.0 {
            (window.rate_hz, window.frames as f64 * 1000.0 / window.rate_hz)
        } else {
            (0.0, 0.0)
        }
    }

    /// Classifies every window of a file; a recording shorter than a window is filled with zeros.
    ///
    /// # Errors
    /// [`EngineError::Data`] when the file cannot be read as the project's kind of sample, [`EngineError::Usage`] for an impossible rate.
    pub fn file(&self, path: &Path, rate_hz: Option<f64>) -> Result<Answers, EngineError> {
        dataset::check_rate(rate_hz)?;
        let (name, bytes) = read_recording(path).at(path)?;
        let mut reading = Reading { file: name.clone(), rate_hz, ..Reading::default() };
        let rows = self.format.rate_hz == 0.0 && self.format.image.is_none();
        if rows {
            // Every row stands alone; what else is in the table, labels say, is not looked at.
            let column =
                |a: &Axis| a.category().map_or_else(|| a.name.clone(), |(column, _)| column.to_owned());
            let mut columns: Vec<String> = self.format.axes.iter().map(column).collect();
            columns.dedup();
            reading.rows_are_samples = Some(true);
            reading.table.columns = Some(columns);
        }
        let plain = reading.in_project(&self.session.project.file).options()?;
        let mut options = plain.clone();
        let sound = self.format.axes.iter().any(|a| a.units == "wav");
        if !rows && !sound && self.format.image.is_none() {
            // A column of labels is no axis.
            options.csv.value_columns = Some(self.format.axes.iter().map(|a| a.name.clone()).collect());
        }
        let decoded = match edgewright_sample::decode(&name, &bytes, &options) {
            // What is missing is told with what is there.
            Err(e) if e.kind == "unknown_column" => edgewright_sample::decode(&name, &bytes, &plain),
            decoded => decoded,
        };
        let decoded = decoded.map_err(|e| EngineError::Data(e.message))?;
        let mut runner = Runner::new(&self.impulse)?;
        let mut window = self.impulse.window.clone();
        window.zero_pad = true;
        let mut out = Answers::default();
        let mut cut = Vec::new();
        for part in decoded {
            let row = if rows { part.metadata.get("row").and_then(|r| r.parse().ok()) } else { None };
            let recording = part.metadata.get("recording").and_then(|r| r.parse().ok());
            let mut placement = None;
            let values = match part.content {
                Content::Signal(mut signal) => {
                    if signal.rate_hz == 0.0 && signal.frames() > 1 {
                        signal.rate_hz = self.format.rate_hz;
                    }
                    match (clean::clean_signal(&signal, &self.format, &self.spec), row) {
                        (Ok(cleared), _) => cleared.signal.values,
                        // One row that lacks a value keeps nobody from the others.
                        (Err(left_out), Some(row)) => {
                            out.left_out.push(format!("row {row} cannot be classified: {}", left_out.reason));
                            continue;
                        }
                        (Err(left_out), None) => return Err(EngineError::Data(left_out.reason)),
                    }
                }
                Content::Image(image) => {
                    let [w, h, channels] = self
                        .format
                        .image
                        .ok_or_else(|| EngineError::Data("an image, but the impulse takes series".into()))?;
                    let resized = edgewright_etl::resize_to(&image, w, h, channels, self.format.fit);
                    let from = [image.width, image.height];
                    placement = Some(Placement::new(from, [w, h], self.format.fit).back());
                    resized.pixels.iter().map(|&p| f32::from(p)).collect()
                }
            };
            runner.reset();
            let frames = values.len() / window.axes.len();
            let short = window.frames.saturating_sub(frames);
            let filled_ms =
                (short > 0 && window.rate_hz > 0.0).then(|| short as f64 * 1000.0 / window.rate_hz);
            for start in window.starts(frames) {
                window.cut(&values, start, &mut cut);
                let mut given = Vec::new();
                for block in self.impulse.externals() {
                    let program = self.programs.iter().find(|p| p.id == block.id);
                    let program = program.ok_or_else(|| {
                        EngineError::Data(format!(
                            "the project has no external DSP block `{}` any more",
                            block.id
                        ))
                    })?;
                    let one = std::slice::from_ref(&cut);
                    given.extend(program.fresh(self.session, block, &self.impulse.window, one)?);
                }
                let given: Vec<&[f32]> = given.iter().map(Vec::as_slice).collect();
                let features = runner.features_given(&cut, &given)?.to_vec();
                let outcome = runner.infer(&features)?;
                let described =
                    self.describe(path, window.start_ms(start), placement.as_ref(), &outcome, &features);
                out.windows.push(Classified { row, recording, filled_ms, ..described });
            }
        }
        if out.windows.is_empty() && out.left_out.is_empty() {
            return Err(EngineError::Data("the file gives no window".into()));
        }
        Ok(out)
    }

    /// `placement`: from the picture as the impulse sees it to the one received.
    fn describe(
        &self,
        path: &Path,
        start_ms: f64,
        placement: Option<&Placement>,
        outcome: &edgewright_impulse::Outcome,
        features: &[f32],
    ) -> Classified {
        let labels = self.impulse.labels();
        let boxes = self.impulse.detector().zip(placement).map(|(d, placement)| {
            let found = |b: &Detection| {
                let [x, y, width, height] = placement.place([b.x, b.y, b.width, b.height].map(f64::from));
                FoundBox { label: d.labels[b.label].clone(), x, y, width, height, score: b.value }
            };
            outcome.boxes.iter().map(found).collect()
        });
        let best = best(&outcome.scores);
        let threshold = self.impulse.learn.iter().find_map(|l| match l.task {
            Task::Anomaly { threshold } => Some(threshold),
            _ => None,
        });
        Classified {
            file: path.display().to_string(),
            start_ms,
            row: None,
            recording: None,
            filled_ms: None,
            label: best.and_then(|b| labels.get(b).cloned()).or_else(|| outcome.value.map(|v| v.to_string())),
            uncertain: self.impulse.min_confidence().map(|_| outcome.uncertain),
            set: self.sets.as_ref().filter(|_| best.is_some()).map(|sets| {
                sets.of(&outcome.scores, conformal::part(features))
                    .into_iter()
                    .filter_map(|l| labels.get(l).cloned())
                    .collect()
            }),
            scores: labels.iter().cloned().zip(outcome.scores.iter().copied()).collect(),
            value: outcome.value,
            boxes,
            anomaly: outcome.anomaly,
            is_anomaly: outcome.anomaly.zip(threshold).map(|(s, t)| s > t),
        }
    }
}

/// Index of the highest score; the first of equals.
pub fn best(scores: &[f32]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, score) in scores.iter().enumerate() {
        if best.is_none_or(|b| *score > scores[b]) {
            best = Some(i);
        }
    }
    best
}
