//! Stage `train`: learning blocks fit the training windows and are quantised.
//!
//! Nothing here can see the test windows: [`Gold::training`] is all it is given.

use super::{
    classical::{PlainRule, layer_lines},
    clean::Silver,
    features::Gold,
    gold::{TrainingMatrix, TrainingRows, WindowAt},
    networks::Data,
    plan::Format,
    split::{Side, Split},
};
use crate::{
    EngineError,
    project::{LearnKind, LearnSection, Method, Project},
    session::{Key, Session, Staged},
};
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_ir::{Graph, quantize};
use edgewright_store::Hash;
use edgewright_train::{Head, Rows, Targets};
use serde::{Deserialize, Serialize};
use std::{ops::Range, path::Path};

/// Training windows that set the integer ranges, at most.
const CALIBRATION_WINDOWS: usize = 256;
/// Memory for them.
const CALIBRATION_BYTES: usize = 16 << 20;

/// One line of the learning curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss on the training windows.
    pub loss: f64,
    /// Accuracy, or R2 of a regression.
    pub metric: f64,
    /// On the validation windows, when there are any.
    pub validation_loss: Option<f64>,
    /// On the validation windows, when there are any.
    pub validation_metric: Option<f64>,
}

/// One layer of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerLine {
    /// Name of the node.
    pub name: String,
    /// Output shape.
    pub shape: Vec<usize>,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates for one window.
    pub macs: u64,
    /// Signal-to-noise ratio of the int8 layer against the float layer in dB.
    pub snr_db: Option<f64>,
}

/// What is known of one trained block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnSummary {
    /// Id of the block.
    pub id: String,
    /// Kind of the block.
    pub kind: LearnKind,
    /// Learning curve, empty for anomaly blocks.
    pub history: Vec<Epoch>,
    /// Epoch whose weights were kept.
    pub best_epoch: usize,
    /// Layers.
    pub layers: Vec<LayerLine>,
    /// Windows that trained.
    pub training_windows: usize,
    /// Windows that validated.
    pub validation_windows: usize,
    /// Threshold of an anomaly block.
    pub threshold: Option<f32>,
    /// By which the sums of a classifier were divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// What was done to a network beside its training, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepLine>,
}

/// What one step made of the int8 form of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// `distillation`, `pruning` or `quantisation_aware`.
    pub step: String,
    /// What was done, in words.
    pub detail: String,
    /// What `metric` is, and on which windows: `accuracy on validation`.
    pub metric: String,
    /// Target that flash, RAM and instructions are estimated for.
    pub target: String,
    /// Without the step.
    pub before: StepFigures,
    /// With it.
    pub after: StepFigures,
}

/// Figures of the int8 form of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFigures {
    /// Accuracy, R2, or F1 of the cells with objects.
    pub metric: f64,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates for one window.
    pub macs: u64,
    /// Code and constants of the network and what every image has, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Arena of the network in bytes; exact.
    pub ram_bytes: usize,
    /// Instructions for one window; an estimate.
    pub instructions: u64,
}

impl StepLine {
    /// For people, in one line.
    pub fn to_text(&self) -> String {
        let Self { before: b, after: a, .. } = self;
        format!(
            "{}: {}; int8 {} {:.3} before, {:.3} after; on {} about {} and {} B of flash, {} and {} B of RAM, {} and {} instructions",
            self.step,
            self.detail,
            self.metric,
            b.metric,
            a.metric,
            self.target,
            b.flash_bytes,
            a.flash_bytes,
            b.ram_bytes,
            a.ram_bytes,
            b.instructions,
            a.instructions
        )
    }
}

/// The trained impulse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Bundle with float graphs.
    pub float: Hash,
    /// Bundle with int8 graphs.
    pub int8: Hash,
    /// What the recordings are brought to.
    pub format: Format,
    /// Labels of the classifier.
    pub labels: Vec<String>,
    /// One per learning block.
    pub learn: Vec<LearnSummary>,
    /// The best rule on one feature that was found beside the first classifier or regression.
    #[serde(default)]
    pub rule: Option<PlainRule>,
}

impl Trained {
    fn load(session: &Session<'_>, hash: &Hash) -> Result<Impulse, EngineError> {
        let bytes = session.store.get_blob(hash)?;
        let text = String::from_utf8(bytes).map_err(|e| EngineError::Internal(e.to_string()))?;
        let mut impulse = Impulse::from_bundle(&text)?;
        // A threshold is no reason to train again.
        for (learn, least) in impulse.learn.iter_mut().zip(session.project.file.min_confidences()) {
            if let Task::Classification { min_confidence, .. } = &mut learn.task {
                *min_confidence = least.map(|v| v as f32);
            }
        }
        Ok(impulse)
    }
    /// The impulse with float graphs.
    ///
    /// # Errors
    /// Those of the store.
    pub fn impulse_float(&self, session: &Session<'_>) -> Result<Impulse, EngineError> {
        Self::load(session, &self.float)
    }
    /// The impulse with int8 graphs.
    ///
    /// # Errors
    /// Those of the store.
    pub fn impulse_int8(&self, session: &Session<'_>) -> Result<Impulse, EngineError> {
        Self::load(session, &self.int8)
    }
}

/// Brings the trained impulse up to date.
///
/// # Errors
/// [`EngineError::Data`] when the labels do not allow training, [`EngineError::Train`], those of the store.
pub fn run(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
    gold: &Staged<Gold>,
) -> Result<Staged<Trained>, EngineError> {
    let file = &session.project.file;
    let mut learn = file.impulse.learn.clone();
    learn.iter_mut().for_each(|l| l.min_confidence = None);
    let mut key = Key::new("train");
    key.text("gold", &gold.hash.to_string())
        .value("learn", &learn)
        .value("training", &file.training)
        .value("seed", &session.seed);
    for section in file.impulse.learn.iter().filter(|s| s.file.is_some()) {
        key.text("file", &super::imported::fingerprint(&session.project.dir, section));
    }
    for command in file.impulse.learn.iter().filter_map(|s| s.command.as_ref()) {
        key.value("program", &super::external::fingerprint(&session.project.dir, command));
    }
    if file.training.steps() {
        // What steps change is told for this target.
        key.text("target", super::networks::target(&session.project));
    }
    let key = key.finish();
    session.stage("train", &key, || {
        Trainer { session, silver: &silver.value, split: &split.value, gold: &gold.value, key }.build()
    })
}

pub(super) struct Trainer<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) silver: &'a Silver,
    split: &'a Split,
    pub(super) gold: &'a Gold,
    pub(super) key: Hash,
}

/// A trained block in both arithmetics.
pub(super) struct Block {
    pub(super) float: LearnBlock,
    pub(super) int8: LearnBlock,
    pub(super) summary: LearnSummary,
    pub(super) rule: Option<PlainRule>,
}

impl Trainer<'_> {
    fn build(&self) -> Result<(Trained, Vec<String>), EngineError> {
        let mut impulse = Impulse::from_bundle(&self.gold.impulse)?;
        let sections = &self.session.project.file.impulse.learn;
        if sections.is_empty() {
            return Err(self.project_error(
                "the impulse has no learning block; add `[[impulse.learn]]` with `kind = \"classifier\"`"
                    .into(),
            ));
        }
        let mut notes = Vec::new();
        let mut blocks = Vec::new();
        for (n, section) in sections.iter().enumerate() {
            let inputs = inputs(&self.session.project, &impulse, section)?;
            let block = match section.kind {
                LearnKind::Classifier => self.classifier(n, &impulse, section, inputs, &mut notes)?,
                LearnKind::Regression => self.regression(n, &impulse, section, inputs, &mut notes)?,
                LearnKind::Detection => self.detection(n, &impulse, section, inputs, &mut notes)?,
                LearnKind::Anomaly => self.anomaly(n, &impulse, section, inputs, &mut notes)?,
            };
            blocks.push(block);
        }
        let mut int8 = impulse.clone();
        let mut learn = Vec::new();
        let mut rule = None;
        for block in blocks {
            rule = rule.or(block.rule);
            impulse.learn.push(block.float);
            int8.learn.push(block.int8);
            learn.push(block.summary);
        }
        impulse.validate()?;
        int8.validate()?;
        let trained = Trained {
            float: self.session.store.put_blob(impulse.to_bundle().as_bytes())?,
            int8: self.session.store.put_blob(int8.to_bundle().as_bytes())?,
            format: self.silver.format.clone(),
            labels: impulse.labels().to_vec(),
            learn,
            rule,
        };
        Ok((trained, notes))
    }

    pub(super) fn project_error(&self, message: String) -> EngineError {
        project_error(&self.session.project, message)
    }

    /// Columns of the feature matrix that belong to some DSP blocks.
    pub(super) fn columns(&self, impulse: &Impulse, inputs: &[usize]) -> Vec<Range<usize>> {
        let offsets = impulse.feature_offsets();
        inputs.iter().map(|&i| offsets[i]..offsets[i] + impulse.dsp[i].features()).collect()
    }

    pub(super) fn label(&self, window: &WindowAt) -> Option<&str> {
        self.gold.labels.get(window)
    }

    /// Row numbers of the training matrix on one side whose sample passes the test.
    pub(super) fn rows(&self, side: Side, keep: impl Fn(&WindowAt) -> bool) -> Vec<usize> {
        let windows = self.gold.training.windows();
        (0..windows.len())
            .filter(|&i| self.split.sides[windows[i].sample] == side && keep(&windows[i]))
            .collect()
    }

    pub(super) fn open(&self, rows: &[usize], columns: &[Range<usize>]) -> Result<TrainingRows, EngineError> {
        let matrix: &TrainingMatrix = &self.gold.training;
        matrix.rows(self.session, rows.to_vec(), columns)
    }

    fn classifier(
        &self,
        n: usize,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: Vec<usize>,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let windows = self.gold.training.windows();
        let training = self.rows(Side::Training, |w| self.label(w).is_some());
        let mut labels: Vec<String> =
            training.iter().filter_map(|&r| self.label(&windows[r]).map(str::to_owned)).collect();
        labels.sort();
        labels.dedup();
        if let Some(order) = section.labels.as_ref().filter(|_| section.file.is_some()) {
            if let Some(unknown) = labels.iter().find(|l| !order.contains(l)) {
                return Err(self.project_error(format!(
                    "the model has no output for the label `{unknown}`; `labels` names {}",
                    order.join(", ")
                )));
            }
            labels.clone_from(order);
        }
        if labels.len() < 2 {
            let only =
                labels.first().map_or("none has a label".to_owned(), |l| format!("all are labelled `{l}`"));
            return Err(EngineError::Data(format!(
                "a classifier needs training samples of at least two labels, but {only}\nhint: import more, or use an anomaly block"
            )));
        }
        let known = |w: &WindowAt| self.label(w).is_some_and(|l| labels.iter().any(|k| k == l));
        let validation = self.rows(Side::Validation, known);
        let class = |rows: &[usize]| -> Vec<u32> {
            rows.iter()
                .filter_map(|&r| {
                    let label = self.label(&windows[r])?;
                    labels.iter().position(|k| k == label).map(|i| i as u32)
                })
                .collect()
        };
        let (of, validation_of) = (class(&training), class(&validation));
        let targets = Targets::Classes { of: &of, count: labels.len() };
        let validation_targets = Targets::Classes { of: &validation_of, count: labels.len() };
        let head = Head::Softmax { classes: labels.len() };
        let task = Task::Classification { labels: labels.clone(), min_confidence: None };
        self.network(
            n,
            impulse,
            section,
            inputs,
            head,
            task,
            (&training, &targets),
            (&validation, &validation_targets),
            notes,
        )
    }

    fn regression(
        &self,
        n: usize,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: Vec<usize>,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let windows = self.gold.training.windows();
        let number = |w: &WindowAt| self.label(w).and_then(number);
        let training = self.rows(Side::Training, |w| number(w).is_some());
        let validation = self.rows(Side::Validation, |w| number(w).is_some());
        if training.is_empty() {
            return Err(EngineError::Data(
                "a regression needs labels that are numbers, and no training sample has one".into(),
            ));
        }
        let values =
            |rows: &[usize]| -> Vec<f32> { rows.iter().filter_map(|&r| number(&windows[r])).collect() };
        let (of, validation_of) = (values(&training), values(&validation));
        self.network(
            n,
            impulse,
            section,
            inputs,
            Head::Linear { outputs: 1 },
            Task::Regression,
            (&training, &Targets::Values(&of)),
            (&validation, &Targets::Values(&validation_of)),
            notes,
        )
    }

    pub(super) fn network(
        &self,
        n: usize,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: Vec<usize>,
        head: Head,
        task: Task,
        training: (&[usize], &Targets<'_>),
        validation: (&[usize], &Targets<'_>),
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let columns = self.columns(impulse, &inputs);
        let rows = self.open(training.0, &columns)?;
        let watch = self.open(validation.0, &columns)?;
        let rule = self.plain_rule(&columns, &rows, training.1, &task)?;
        let (fit, judge) = ((&rows, training.1), (&watch, validation.1));
        let mut block = if let Some(file) = &section.file {
            let path = self.session.project.dir.join(file);
            self.imported(n, section, (&path, file), None, inputs, task, (&rows, watch.len()), notes)?
        } else if let Some(command) = &section.command {
            self.external(n, section, command, inputs, task, training, validation, (&rows, &watch), notes)?
        } else if section.method != Method::Network {
            self.classical(n, section, inputs, task, fit, judge, notes)?
        } else {
            let data = Data { rows: &rows, of: training.1, watch: &watch, watched: validation.1 };
            self.fitted(n, impulse, section, inputs, head, task, data, notes)?
        };
        if section.file.is_none() && section.command.is_none() && self.session.project.file.training.calibrate
        {
            self.calibrate(&mut block, judge, notes)?;
        }
        Ok(Block { rule, ..block })
    }

    /// A block whose model was trained elsewhere: quantised on training windows when it is in float, else as it is; `bytes` is its form
    /// in integers where it has one of its own.
    pub(super) fn imported(
        &self,
        n: usize,
        section: &LearnSection,
        (path, file): (&Path, &str),
        bytes: Option<&Path>,
        inputs: Vec<usize>,
        task: Task,
        (rows, watched): (&TrainingRows, usize),
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let outputs = if let Task::Classification { labels, .. } = &task { labels.len() } else { 1 };
        let (float, integer) = super::imported::graph(path, rows.width(), outputs)?;
        let (int8, snr) = match bytes {
            Some(path) => {
                let (int8, _) = super::imported::graph(path, rows.width(), outputs)?;
                (int8, Vec::new())
            }
            None if integer => (float.clone(), Vec::new()),
            None => self.quantise(&float, rows)?,
        };
        let layers = layer_lines(&float, &snr);
        notes.push(format!(
            "{file}: {} MACs, trained elsewhere{}",
            float.macs(),
            if integer { "; it computes with integers in both columns" } else { "" }
        ));
        let summary = LearnSummary {
            id: id(section, n),
            kind: section.kind,
            history: Vec::new(),
            best_epoch: 0,
            layers,
            training_windows: rows.len(),
            validation_windows: watched,
            threshold: None,
            temperature: None,
            steps: Vec::new(),
        };
        let block = |graph: Graph| LearnBlock {
            id: id(section, n),
            task: task.clone(),
            inputs: inputs.clone(),
            graph,
        };
        Ok(Block { float: block(float), int8: block(int8), summary, rule: None })
    }

    /// The int8 form of a float graph, calibrated on evenly spaced training windows: of several ways to choose the ranges the one
    /// whose outputs come closest to those of the float graph. (A few windows far from the rest would otherwise take the
    /// resolution of all.)
    pub(super) fn quantise(
        &self,
        graph: &Graph,
        rows: &TrainingRows,
    ) -> Result<(Graph, Vec<quantize::LayerSnr>), EngineError> {
        let windows = self.windows(rows, CALIBRATION_WINDOWS)?;
        let quantize::Closest { float, int8, .. } =
            quantize::closest(graph, &windows).map_err(unquantised)?;
        let snr = self.layer_snr(&float, &int8, rows)?;
        Ok((int8, snr))
    }

    /// How near the layers of an integer graph are to those of a float graph, on some training windows.
    pub(super) fn layer_snr(
        &self,
        float: &Graph,
        int8: &Graph,
        rows: &TrainingRows,
    ) -> Result<Vec<quantize::LayerSnr>, EngineError> {
        let windows = self.windows(rows, CALIBRATION_WINDOWS)?;
        quantize::layer_snr(float, int8, &windows[..windows.len().min(32)]).map_err(unquantised)
    }

    /// Evenly spaced training windows.
    fn windows(&self, rows: &TrainingRows, most: usize) -> Result<Vec<Vec<f32>>, EngineError> {
        let fitting = CALIBRATION_BYTES / (rows.width() * size_of::<f32>()).max(1);
        let count = rows.len().min(most).min(fitting.max(32));
        let mut windows = Vec::with_capacity(count);
        for i in 0..count {
            let mut row = vec![0.0; rows.width()];
            rows.row(i * rows.len() / count, &mut row)
                .map_err(|e| EngineError::Internal(format!("quantisation: {e}")))?;
            windows.push(row);
        }
        Ok(windows)
    }
}

fn unquantised(e: edgewright_ir::GraphError) -> EngineError {
    EngineError::Internal(format!("quantisation: {e}"))
}

pub(crate) fn project_error(project: &Project, message: String) -> EngineError {
    EngineError::ProjectFile { path: project.dir.join(crate::project::FILE_NAME), message }
}

/// Indices of the DSP blocks that a learning block takes.
pub(crate) fn inputs(
    project: &Project,
    impulse: &Impulse,
    section: &LearnSection,
) -> Result<Vec<usize>, EngineError> {
    let Some(names) = &section.inputs else { return Ok((0..impulse.dsp.len()).collect()) };
    let mut missing = Vec::new();
    let found: Vec<usize> = names
        .iter()
        .filter_map(|name| {
            let place = impulse.dsp.iter().position(|b| &b.id == name);
            place.is_none().then(|| missing.push(name.as_str()));
            place
        })
        .collect();
    // A block of which nothing is selected is not computed.
    let selects = project.file.impulse.select.is_some();
    match missing.first() {
        Some(name) if !selects => {
            Err(project_error(project, format!("`inputs` names the DSP block `{name}`, which is not there")))
        }
        Some(_) if found.is_empty() => Err(project_error(
            project,
            format!(
                "`inputs` names {}, of which `impulse.select` keeps no feature, or which are not there; the impulse has {}",
                missing.join(", "),
                impulse.dsp.iter().map(|b| b.id.as_str()).collect::<Vec<_>>().join(", ")
            ),
        )),
        _ => Ok(found),
    }
}

/// Id of the `n`th learning block.
pub(crate) fn id(section: &LearnSection, n: usize) -> String {
    section.id.clone().unwrap_or_else(|| {
        let kind = match section.kind {
            LearnKind::Classifier => "classifier",
            LearnKind::Regression => "regression",
            LearnKind::Detection => "detection",
            LearnKind::Anomaly => "anomaly",
        };
        if n == 0 { kind.to_owned() } else { format!("{kind}{}", n + 1) }
    })
}

/// A label that is a number.
pub fn number(label: &str) -> Option<f32> {
    label.trim().parse::<f32>().ok().filter(|v| v.is_finite())
}
