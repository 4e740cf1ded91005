//! What a report shows.

use serde::Serialize;

/// One stage of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// Hash of inputs, parameters and code version.
    pub key: String,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Samples of one label on each side.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelCount {
    /// The label.
    pub label: String,
    /// Samples that train.
    pub training: usize,
    /// Samples that validate.
    pub validation: usize,
    /// Samples that test.
    pub testing: usize,
}

/// A DSP block.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Block {
    /// Id in the project.
    pub id: String,
    /// Block and version.
    pub kind: String,
    /// Parameters that differ from the defaults.
    pub parameters: Vec<(String, String)>,
    /// Arrangement of its features.
    pub output: String,
}

/// A window in the feature map.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// First coordinate.
    pub x: f64,
    /// Second coordinate.
    pub y: f64,
    /// Label.
    pub label: String,
}

/// One line of a learning curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curve {
    /// From 1.
    pub epoch: usize,
    /// Training loss.
    pub loss: f64,
    /// Training accuracy or R2.
    pub metric: f64,
    /// Validation loss.
    pub validation_loss: Option<f64>,
    /// Validation accuracy or R2.
    pub validation_metric: Option<f64>,
    /// Mean norm of a network's gradient.
    pub gradient_norm: Option<f64>,
}

/// Learning curves of one block.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curves {
    /// Id of the learning block.
    pub id: String,
    /// In order.
    pub epochs: Vec<Curve>,
    /// Epoch whose weights were kept.
    pub best_epoch: usize,
}

/// One step beside the training of a network, with figures of its int8 form without and with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Step {
    /// Learning block.
    pub block: String,
    /// Name, with underscores.
    pub name: String,
    /// What was done.
    pub detail: String,
    /// Target of the estimates.
    pub target: String,
    /// Name of each figure, its value without the step and with it.
    pub figures: Vec<(String, String, String)>,
}

/// Figures of one label.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LabelRow {
    /// The label.
    pub label: String,
    /// 0..1.
    pub precision: f64,
    /// 0..1.
    pub recall: f64,
    /// 0..1.
    pub f1: f64,
    /// Windows.
    pub support: usize,
}

/// Figures of one arithmetic.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arithmetic {
    /// `float`, `int8` or `C`.
    pub name: String,
    /// Windows behind the figures.
    pub windows: usize,
    /// Name and value of each figure, in order.
    pub figures: Vec<(String, f64)>,
    /// Lower and upper end of the 95 % interval of the first figure.
    pub interval: Option<(f64, f64)>,
    /// Per label.
    pub labels: Vec<LabelRow>,
    /// Rows: what is; columns: what was said.
    pub confusion: Vec<Vec<usize>>,
    /// True and estimated values.
    pub pairs: Vec<(f32, f32)>,
    /// Anomaly scores of normal windows.
    pub normal_scores: Vec<f32>,
    /// Anomaly scores of the others.
    pub anomaly_scores: Vec<f32>,
    /// Points of the ROC curve.
    pub roc: Vec<(f64, f64)>,
}

/// How far the scores of one arithmetic are from probabilities, and what a least confidence leaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trust {
    /// `float`, `int8` or `C`.
    pub name: String,
    /// Expected calibration error before a temperature was fitted, and after.
    pub ece: (Option<f64>, f64),
    /// Brier score before a temperature was fitted, and after.
    pub brier: (Option<f64>, f64),
    /// Least confidence, share of windows above it, share of these that is right.
    pub accepted: Option<(f32, f64, Option<f64>)>,
    /// Windows, mean confidence and accuracy of each range of confidence.
    pub bins: Vec<(usize, f64, f64)>,
    /// The same before a temperature was fitted.
    pub before: Vec<(usize, f64, f64)>,
}

/// Test windows whose recordings share a fact.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SliceRow {
    /// `group`, or a key of the metadata.
    pub by: String,
    /// What they share.
    pub value: String,
    /// Windows with a figure.
    pub windows: usize,
    /// Name of the figure.
    pub name: String,
    /// The figure in int8.
    pub figure: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// Sets of labels on the test windows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SetRow {
    /// How they are made.
    pub kind: String,
    /// Share of windows whose set should hold the right label.
    pub target: f64,
    /// Share whose set does, with its 95 % interval.
    pub coverage: (f64, f64, f64),
    /// Mean number of labels.
    pub mean_size: f64,
    /// Share of sets of one label.
    pub single: f64,
    /// Least score, or largest sum.
    pub limit: f32,
}

/// A layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Layer {
    /// Name of the node.
    pub name: String,
    /// Output shape.
    pub shape: String,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Signal-to-noise ratio of the int8 layer in dB.
    pub snr_db: Option<f64>,
}

/// A buffer in the arena.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryLine {
    /// Name.
    pub name: String,
    /// Bytes from the start.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// First step.
    pub first: usize,
    /// Last step.
    pub last: usize,
}

/// What was proven on a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Target {
    /// Id.
    pub id: String,
    /// Whether all outputs agree; `None` when it was not run.
    pub bit_exact: Option<bool>,
    /// Windows.
    pub cases: usize,
    /// Builds that were run.
    pub builds: Vec<String>,
    /// Flash in bytes.
    pub flash: Option<u64>,
    /// Arena, static data, stack in bytes.
    pub ram: Option<(u64, u64, u64)>,
    /// Instructions per window: DSP, network.
    pub instructions: Option<(u64, u64)>,
    /// What went wrong or is missing.
    pub remark: Option<String>,
}

/// An exported package.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Artifact {
    /// Target.
    pub target: String,
    /// Path below the project.
    pub path: String,
    /// Hash of the file.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Everything a report shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReportData {
    /// Name of the project.
    pub project: String,
    /// Free text.
    pub description: String,
    /// What the project is for, as (what, text).
    pub charter: Vec<(String, String)>,
    /// Version of the program.
    pub version: String,
    /// Seed.
    pub seed: u64,
    /// Samples in the project.
    pub samples: usize,
    /// Labels with their counts.
    pub labels: Vec<LabelCount>,
    /// Refused files and rejected samples with reasons.
    pub quarantined: Vec<(String, String)>,
    /// Kinds of flags with counts.
    pub flags: Vec<(String, usize)>,
    /// Window in words.
    pub window: String,
    /// DSP blocks.
    pub blocks: Vec<Block>,
    /// Number of features.
    pub features: usize,
    /// Feature map of training windows.
    pub map: Vec<Point>,
    /// Learning curves.
    pub curves: Vec<Curves>,
    /// Figures.
    pub arithmetics: Vec<Arithmetic>,
    /// By which the sums of a classifier were divided.
    pub temperature: Option<f64>,
    /// How far its scores can be trusted, in each arithmetic.
    pub trust: Vec<Trust>,
    /// Sets of labels.
    pub sets: Vec<SetRow>,
    /// Of the test windows whose recordings share a fact.
    pub slices: Vec<SliceRow>,
    /// Sentences.
    pub verdicts: Vec<String>,
    /// Layers.
    pub layers: Vec<Layer>,
    /// What was done to networks beside their training.
    pub steps: Vec<Step>,
    /// Arena size in bytes.
    pub arena_bytes: usize,
    /// Constants in bytes.
    pub weight_bytes: usize,
    /// Arena.
    pub memory: Vec<MemoryLine>,
    /// Targets.
    pub targets: Vec<Target>,
    /// Packages.
    pub artifacts: Vec<Artifact>,
    /// Stages.
    pub stages: Vec<Stage>,
}
