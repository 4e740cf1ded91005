//! Stage `train`: learning blocks fit the training windows and are quantised.
//!
//! Nothing here can see the test windows: [`Gold::training`] is all it is given.

use super::{
    classical::{PlainRule, layer_lines},
    clean::Silver,
    features::Gold,
    gold::{TrainingMatrix, TrainingRows, WindowAt},
    lesson::Lesson,
    phases::{Data, target},
    plan::Format,
    slices::{self, Fact},
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
use edgewright_train::Rows;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range, path::Path};

/// Training windows that set the integer ranges, at most.
pub(super) const CALIBRATION_WINDOWS: usize = 256;
/// How much more than on average a window counts at most, so that a value of very few recordings is not all that is learned.
const HEAVIEST: f32 = 10.0;
/// Memory for them.
const CALIBRATION_BYTES: usize = 16 << 20;

/// One line of the learning curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Of a network: size of the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Of a network: mean norm of the gradient, before it was clipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Of a network that classifies, with at most 32 labels: validation windows by what they are (rows) and what was said (columns).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u32>>,
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
    /// Labels in the order of its scores, of a classifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
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
    /// `distillation`, `pruning`, `sparsification`, `clustering`, `quantisation_aware` or `mixed_precision`.
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
    /// Constants packed with DEFLATE, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed_bytes: Option<u64>,
}

impl StepLine {
    /// For people, in one line.
    pub fn to_text(&self) -> String {
        let Self { before: b, after: a, .. } = self;
        let packed = match (b.packed_bytes, a.packed_bytes) {
            (Some(before), Some(after)) => format!(", packed {before} and {after} B"),
            _ => String::new(),
        };
        format!(
            "{}: {}; int8 {} {:.3} before, {:.3} after; on {} about {} and {} B of flash, {} and {} B of RAM, {} and {} instructions{packed}",
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
    let key = key(session, &silver.value, gold, None)?;
    session.stage("train", &key, || on(session, &silver.value, &split.value, &gold.value, key))
}

/// What training depends on. `fold`: sides that are not those of the project's own split.
///
/// # Errors
/// Those of the store.
pub(crate) fn key(
    session: &Session<'_>,
    silver: &Silver,
    gold: &Staged<Gold>,
    fold: Option<&Split>,
) -> Result<Hash, EngineError> {
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
    for named in session.project.elsewhere() {
        key.text(named.key, &named.fingerprint(&session.project));
    }
    for command in file.impulse.learn.iter().filter_map(|s| s.command.as_ref()) {
        key.value("program", &super::external::fingerprint(&session.project.dir, command));
    }
    if file.training.steps() {
        // What steps change is told for this target.
        key.text("target", target(&session.project));
    }
    if let Some(name) = &file.training.balance_by {
        key.value("balance", &balancing(session, silver, &gold.value, name)?);
    }
    if let Some(fold) = fold {
        key.value("fold", &fold.sides);
    }
    Ok(key.finish())
}

/// The fact by whose values training windows are balanced.
fn balancing(session: &Session<'_>, silver: &Silver, gold: &Gold, name: &str) -> Result<Fact, EngineError> {
    let samples = gold.training.windows().iter().map(|w| w.sample).collect();
    slices::fact(session, silver, &samples, name)
}

/// Trains on these sides. Checkpoints lie under `key`.
pub(crate) fn on(
    session: &Session<'_>,
    silver: &Silver,
    split: &Split,
    gold: &Gold,
    key: Hash,
) -> Result<(Trained, Vec<String>), EngineError> {
    Trainer { session, silver, split, gold, key }.build()
}

/// Sweeps the step size of a network, by default of the first. Returns its id and what was found.
///
/// # Errors
/// [`EngineError::Data`] when no network with this id is there; what training returns.
pub(crate) fn sweep(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
    gold: &Staged<Gold>,
    block: Option<&str>,
) -> Result<(String, edgewright_train::Found), EngineError> {
    // Nothing is kept: no key is needed.
    let key = Key::new("find-rate").finish();
    Trainer { session, silver: &silver.value, split: &split.value, gold: &gold.value, key }.sweep(block)
}

/// What augmentation makes of a training window; see [`Trainer::augmented`].
pub(crate) fn augmented(
    session: &Session<'_>,
    (silver, split, gold): (&Staged<Silver>, &Staged<Split>, &Staged<Gold>),
    block: Option<&str>,
    window: usize,
    epoch: usize,
) -> Result<(String, usize, usize, edgewright_train::Augmented), EngineError> {
    let key = Key::new("augmented").finish();
    Trainer { session, silver: &silver.value, split: &split.value, gold: &gold.value, key }
        .augmented(block, window, epoch)
}

pub(super) struct Trainer<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) silver: &'a Silver,
    pub(super) split: &'a Split,
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
            let block = if section.kind == LearnKind::Anomaly {
                self.anomaly(n, &impulse, section, inputs, &mut notes)?
            } else {
                let lesson = self.lesson(&impulse, section, &inputs, &mut notes)?;
                self.learned(n, &impulse, inputs, lesson, &mut notes)?
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

    /// By how much the training windows count: recordings with the same value of the project's fact count as much together as those with
    /// any other. Empty when all count the same.
    pub(super) fn weights(&self, rows: &[usize]) -> Result<Vec<f32>, EngineError> {
        let Some(name) = &self.session.project.file.training.balance_by else { return Ok(Vec::new()) };
        let fact = balancing(self.session, self.silver, self.gold, name)?;
        let windows = self.gold.training.windows();
        let values: Vec<Option<&String>> = rows.iter().map(|&r| fact.of.get(&windows[r].sample)).collect();
        let mut counts: BTreeMap<Option<&String>, usize> = BTreeMap::new();
        values.iter().for_each(|v| *counts.entry(*v).or_default() += 1);
        if counts.len() < 2 {
            let few = match counts.keys().next() {
                Some(Some(value)) => format!("all have the value `{value}`"),
                _ => "none has it".to_owned(),
            };
            return Err(self.project_error(format!(
                "`training.balance_by` is {name:?}, which does not divide the training recordings: {few}; it names `group` or a key of their metadata"
            )));
        }
        let share = rows.len() as f32 / counts.len() as f32;
        let raw: Vec<f32> = values.iter().map(|v| (share / counts[v] as f32).min(HEAVIEST)).collect();
        let mean = raw.iter().sum::<f32>() / raw.len() as f32;
        Ok(raw.into_iter().map(|w| w / mean).collect())
    }

    /// A block that learns from labels, by whatever method its section names.
    fn learned(
        &self,
        n: usize,
        impulse: &Impulse,
        inputs: Vec<usize>,
        lesson: Lesson,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let Lesson { section, head, task, .. } = lesson;
        let section = &section;
        let (training, validation) =
            ((&*lesson.training, &lesson.of.targets()), (&*lesson.validation, &lesson.watched.targets()));
        let columns = self.columns(impulse, &inputs);
        let rows = self.open(training.0, &columns)?;
        let watch = self.open(validation.0, &columns)?;
        let rule = self.plain_rule(&columns, &rows, training.1, &task)?;
        let (fit, judge) = ((&rows, training.1), (&watch, validation.1));
        if self.session.project.file.training.balance_by.is_some() && !section.trains_network() {
            notes.push(format!(
                "{}: `training.balance_by` weighs windows of networks, which this block is none of",
                id(section, n)
            ));
        }
        let mut block = if let Some(file) = &section.file {
            let path = self.session.project.dir.join(file);
            self.imported(n, section, (&path, file), None, inputs, task, (&rows, watch.len()), notes)?
        } else if let Some(command) = &section.command {
            self.external(n, section, command, inputs, task, training, validation, (&rows, &watch), notes)?
        } else if section.method != Method::Network {
            self.classical(n, section, inputs, task, fit, judge, notes)?
        } else {
            let (train, watched) = ((training.0, &rows), (validation.0, &watch));
            let frozen = self.frozen(section, impulse, &columns, train, watched, notes)?;
            let weights = self.weights(&lesson.training)?;
            let data =
                Data { rows: &rows, of: training.1, weights: &weights, watch: &watch, watched: validation.1 };
            self.fitted(n, impulse, section, inputs, head, task, data, frozen.as_ref(), notes)?
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
        let mut sums = false;
        let mut load = |path: &Path| {
            let (graph, integer) = super::imported::graph(path, rows.width(), outputs)?;
            // Of a regression the sums are what is asked for.
            let scores = if let Task::Classification { .. } = &task {
                super::imported::with_softmax(&graph)
            } else {
                None
            };
            sums |= scores.is_some();
            Ok::<_, EngineError>((scores.unwrap_or(graph), integer))
        };
        let (float, integer) = load(path)?;
        let (int8, snr) = match bytes {
            Some(path) => {
                let (int8, _) = load(path)?;
                (int8, Vec::new())
            }
            None if integer => (float.clone(), Vec::new()),
            None => self.quantise(&float, rows)?,
        };
        if sums {
            notes.push(format!("{file} ends in sums, not in probabilities: a softmax stands behind it"));
        }
        let layers = layer_lines(&float, &snr);
        notes.push(format!(
            "{file}: {} MACs, trained elsewhere{}",
            float.macs(),
            if integer { "; it computes with integers in both columns" } else { "" }
        ));
        let summary = LearnSummary {
            id: id(section, n),
            kind: section.kind,
            labels: labels(&task),
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
            quantize::closest_around(graph, &windows).map_err(unquantised)?;
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
    pub(super) fn windows(&self, rows: &TrainingRows, most: usize) -> Result<Vec<Vec<f32>>, EngineError> {
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

/// Labels of a task in the order of its scores.
pub(super) fn labels(task: &Task) -> Vec<String> {
    match task {
        Task::Classification { labels, .. } => labels.clone(),
        _ => Vec::new(),
    }
}

pub(super) fn unquantised(e: edgewright_ir::GraphError) -> EngineError {
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

/// A label that is a number. One with commas is read where it comes from, by what commas mean there.
pub fn number(label: &str) -> Option<f32> {
    label.trim().parse::<f32>().ok().filter(|v| v.is_finite())
}
