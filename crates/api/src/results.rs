//! Stages, figures, targets, blocks.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// State of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its result belongs to the data and settings of now.
    Current,
    /// It has results, but of other data or settings.
    Stale,
    /// It was never built.
    Missing,
    /// It cannot be built with these data and settings.
    Blocked,
}

/// A stage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// Name.
    pub name: String,
    /// State.
    pub state: StageState,
    /// What it said when it was built, or why it is blocked.
    pub notes: Vec<String>,
}

/// All stages.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageList {
    /// In order.
    pub stages: Vec<Stage>,
}

/// Figures of one label.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "named by the field")]
pub struct LabelFigures {
    pub label: String,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// Windows that are of this label.
    pub support: u64,
}

/// Windows whose highest score falls in one range.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReliabilityBin {
    /// How many.
    pub count: u64,
    /// Mean of their highest score.
    pub confidence: f64,
    /// Share that is right.
    pub accuracy: f64,
}

/// Sets of labels on the test windows, in int8, with a limit from the validation windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelSets {
    /// `lac`: labels that score at least `limit`. `aps`: labels from the highest score down while their sum, with a drawn part of the last, is at most `limit`.
    pub kind: String,
    /// Least score, or largest sum.
    pub limit: f64,
    /// Share of windows whose set should hold the right label.
    pub target: f64,
    /// Share whose set does.
    pub coverage: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Mean number of labels in a set.
    pub mean_size: f64,
}

/// How sure a classifier may be taken to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Uncertainty {
    /// By which the sums before the softmax are divided, in the weights; absent when they are as trained.
    pub temperature: Option<f64>,
    /// Validation windows behind the rest.
    pub validation_windows: u64,
    /// Accuracy that accepted windows should have.
    pub target_accuracy: f64,
    /// The `min_confidence` that reaches it on validation windows with fewest left out, 0 when none must be; absent when none does.
    pub suggested_min_confidence: Option<f64>,
    /// Sets of labels.
    pub sets: Vec<LabelSets>,
}

/// Figures of one arithmetic on the test windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "named by the field")]
pub struct Figures {
    /// `float`, `int8` or `c`.
    pub arithmetic: String,
    /// Windows behind the figures.
    pub windows: u64,
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Of the mean score over each recording, where recordings have several windows.
    pub recordings_accuracy: Option<f64>,
    pub macro_f1: Option<f64>,
    pub log_loss: Option<f64>,
    /// Expected calibration error of a classifier's scores, 0..1.
    pub ece: Option<f64>,
    /// The same before a temperature was fitted; absent when none was.
    pub ece_before: Option<f64>,
    /// Brier score, 0..2.
    pub brier: Option<f64>,
    /// The same before a temperature was fitted; absent when none was.
    pub brier_before: Option<f64>,
    /// Share of windows whose highest score reaches the project's `min_confidence`; absent without one.
    pub accepted: Option<f64>,
    /// Share of these that is right.
    pub accepted_accuracy: Option<f64>,
    /// Ten ranges of the highest score from 0 to 1; empty without a classifier.
    pub reliability: Vec<ReliabilityBin>,
    /// Of all objects, found by their place.
    pub f1: Option<f64>,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    /// Mean average precision at an overlap of half the union.
    pub map50: Option<f64>,
    pub r2: Option<f64>,
    pub mae: Option<f64>,
    pub rmse: Option<f64>,
    /// Ends of the 95 % interval of the mean absolute error.
    pub mae_within: Option<[f64; 2]>,
    /// Ends of the 95 % interval of the root mean squared error.
    pub rmse_within: Option<[f64; 2]>,
    pub auroc: Option<f64>,
    pub labels: Vec<LabelFigures>,
    /// Rows: what is; columns: what was said.
    pub confusion: Vec<Vec<u64>>,
}

/// A pass of a learning curve.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "as in EpochLine")]
pub struct CurvePoint {
    pub epoch: u64,
    pub loss: f64,
    pub metric: f64,
    pub validation_loss: Option<f64>,
    pub validation_metric: Option<f64>,
    pub learning_rate: Option<f64>,
    pub gradient_norm: Option<f64>,
    /// Validation windows of a network that classifies, with at most 32 labels. Rows: what is; columns: what was said; in the order of
    /// the block's labels.
    pub confusion: Vec<Vec<u32>>,
}

/// A layer of a network.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Layer {
    /// Name.
    pub name: String,
    /// Output shape.
    pub shape: Vec<u64>,
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates for one window.
    pub macs: u64,
}

/// A learning block that was trained.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Curve {
    /// Id of the block.
    pub block: String,
    /// Labels of a classifier, in the order of its scores.
    pub labels: Vec<String>,
    /// Learning curve.
    pub points: Vec<CurvePoint>,
    /// Epoch whose weights were kept.
    pub best_epoch: u64,
    /// Layers.
    pub layers: Vec<Layer>,
    /// What teaching, pruning and training in int8 changed, in order.
    pub steps: Vec<TrainingStep>,
}

/// What one step beside the training of a network changed of its int8 form.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainingStep {
    /// `distillation`, `pruning`, `sparsification`, `clustering` or `quantisation_aware`.
    pub step: String,
    /// What was done, in words.
    pub detail: String,
    /// What `metric` is, and on which windows.
    pub metric: String,
    /// Target of the estimates.
    pub target: String,
    /// Without the step.
    pub before: StepFigures,
    /// With it.
    pub after: StepFigures,
}

/// Figures of the int8 form of a network.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StepFigures {
    /// Accuracy, R2, or F1 of the cells with objects.
    pub metric: f64,
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates for one window.
    pub macs: u64,
    /// Code and constants in bytes; an estimate.
    pub flash_bytes: u64,
    /// Arena in bytes.
    pub ram_bytes: u64,
    /// Instructions for one window; an estimate.
    pub instructions: u64,
    /// Constants packed with DEFLATE, in bytes.
    pub packed_bytes: Option<u64>,
}

/// Proof on one target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Target.
    pub target: String,
    /// Whether the emitted C agrees to the last bit; `null` when it could not be run.
    pub bit_exact: Option<bool>,
    /// Windows compared.
    pub cases: Option<u64>,
    /// Code and constants in bytes.
    pub flash_bytes: Option<u64>,
    /// Arena and static data in bytes.
    pub ram_bytes: Option<u64>,
    /// Everything, as `verify --json` prints it.
    pub detail: serde_json::Value,
}

/// A package of the current results.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// Kind.
    pub package: String,
    /// Target.
    pub target: String,
    /// Name of the file.
    pub file: String,
    /// Hash of the file; names it in a download.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Figures in int8 of the test windows whose recordings share a fact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Slice {
    /// `group`, or a key of the metadata.
    pub by: String,
    /// What they share.
    pub value: String,
    /// Recordings with a window in it.
    pub samples: u64,
    /// Windows with a figure.
    pub windows: u64,
    /// Share that is right.
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval of accuracy or R2.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Mean F1 of the labels.
    pub macro_f1: Option<f64>,
    /// F1 of the objects.
    pub f1: Option<f64>,
    /// Coefficient of determination within the slice.
    pub r2: Option<f64>,
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Area under the ROC curve of the anomaly score.
    pub auroc: Option<f64>,
}

/// What the current stages came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Results {
    /// Seed.
    pub seed: u64,
    /// Labels in the order of a confusion matrix.
    pub labels: Vec<String>,
    /// Float, int8 and C, as far as they are current.
    pub figures: Vec<Figures>,
    /// How sure a classifier may be taken to be.
    pub uncertainty: Option<Uncertainty>,
    /// Figures in int8 of the test windows whose recordings share a fact.
    pub slices: Vec<Slice>,
    /// In words.
    pub verdicts: Vec<String>,
    /// Gates that are missed.
    pub missed: Vec<String>,
    /// Figure the project is judged by, as the charter says.
    pub metric: Option<String>,
    /// Learning blocks.
    pub learn: Vec<Curve>,
    /// Proofs.
    pub verify: Vec<Verification>,
    /// Packages.
    pub artifacts: Vec<Artifact>,
    /// Whether there is a report.
    pub report: bool,
}

/// Whether an impulse fits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fit {
    /// `null` where the memory is not known.
    pub fits: Option<bool>,
    /// Bytes of RAM.
    pub ram_needed: u64,
    /// Bytes of flash.
    pub flash_needed: u64,
    /// `ram` or `flash`: of which the larger share is needed.
    pub binding: Option<String>,
    /// That share.
    pub share: Option<f64>,
}

/// What can be built for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Kinds of packages.
    pub packages: Vec<String>,
    /// `executed`, `compiled` or `source`.
    pub proof: String,
    /// Bytes of RAM.
    pub ram_bytes: Option<u64>,
    /// Bytes of flash.
    pub flash_bytes: Option<u64>,
    /// Whether the project's impulse fits, when the project is trained.
    pub fit: Option<Fit>,
}

/// All targets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TargetList {
    /// In order of id.
    pub targets: Vec<Target>,
}

/// A parameter of a DSP block.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockParameter {
    /// Name.
    pub name: String,
    /// `float`, `int`, `bool`, `select` or `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Value when left out.
    pub default: serde_json::Value,
    /// Unit.
    pub unit: String,
    /// What it does.
    pub help: String,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Words to choose from.
    pub choices: Option<Vec<String>>,
    /// Versions of the block that have it; all when empty.
    pub versions: Vec<u32>,
}

/// A DSP block.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Name.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it does.
    pub help: String,
    /// Implementation versions.
    pub versions: Vec<u32>,
    /// Parameters.
    pub parameters: Vec<BlockParameter>,
}

/// All DSP blocks of an impulse.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockList {
    /// In order of the catalogue.
    pub blocks: Vec<Block>,
}

/// A block to try on a window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockPreview {
    /// Name of the block, or the id of an external block of the project.
    pub block: String,
    /// Implementation version; the newest when left out.
    #[serde(default)]
    pub version: Option<u32>,
    /// Parameters; the others have their defaults.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Id of a sample.
    pub sample: String,
    /// Start of the window in ms.
    #[serde(default)]
    pub start_ms: f64,
    /// Length of the window in ms.
    pub window_ms: f64,
}

/// Features of one window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockFeatures {
    /// Shape of the features.
    pub shape: Vec<u64>,
    /// The features, flat.
    pub features: Vec<f32>,
    /// Time of one extraction on this machine, in microseconds.
    pub micros: f64,
    /// Bytes of RAM on a device, for what the block works in and its features; exact. The window itself and the stack come on top.
    pub ram_bytes: Option<u64>,
    /// Bytes that it keeps from window to window; exact.
    pub kept_bytes: Option<u64>,
    /// What it costs on each target of the project; empty where the block is not emitted as C.
    pub targets: Vec<crate::DspOnTarget>,
}

/// Which window is augmented, and in which epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AugmentationQuery {
    /// Id of the network; the first when left out.
    pub block: Option<String>,
    /// Which of its training windows, from 0; the first when left out.
    pub window: Option<u64>,
    /// Epoch, from 1; the first when left out.
    pub epoch: Option<u64>,
}

/// A training window before and after augmentation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Augmentation {
    /// Id of the network.
    pub block: String,
    /// Windows that train it.
    pub windows: u64,
    /// Id of the sample.
    pub sample: String,
    /// Name of the sample.
    pub name: String,
    /// Label of the window, if it has one.
    pub label: Option<String>,
    /// First frame of the window.
    pub start: u64,
    /// Shape of the features.
    pub shape: Vec<u64>,
    /// The features, flat.
    pub before: Vec<f32>,
    /// As the network is given them in that epoch, in the same units.
    pub after: Vec<f32>,
    /// Whether the project augments single windows at all.
    pub on: bool,
}

/// How much of the feature map.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MapQuery {
    /// Windows at most, evenly spaced ones; 20,000 when left out.
    #[param(minimum = 1, maximum = 100_000)]
    pub limit: Option<u32>,
    /// Whether the trained int8 impulse classifies each of them; then training must be up to date.
    pub said: Option<bool>,
}

/// A sample with windows on the map.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MapSample {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Group that stays on one side of the split.
    pub group: Option<String>,
    /// What is known of it besides.
    pub metadata: BTreeMap<String, String>,
}

/// The feature map: evenly spaced windows, those that train first, in columns of equal length.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeatureMap {
    /// Samples that have windows here.
    pub samples: Vec<MapSample>,
    /// Labels that occur.
    pub labels: Vec<String>,
    /// Windows of the project, shown or not.
    pub windows: u64,
    /// Sample of each window: its place in `samples`.
    pub sample: Vec<u32>,
    /// Label of each window: its place in `labels`, or null.
    pub label: Vec<Option<u32>>,
    /// What the impulse calls each window: a place in `labels`, or null where it was not asked.
    pub said: Vec<Option<u32>>,
    /// Whether each window tests; others train and validate.
    pub test: Vec<bool>,
    /// Start of each window in ms.
    pub start_ms: Vec<f64>,
    /// Along the first principal axis of the features.
    pub x: Vec<f32>,
    /// Along the second.
    pub y: Vec<f32>,
    /// Along the third.
    pub z: Vec<f32>,
}

/// The file that is sent.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ClassifyQuery {
    /// Name of the file, with its ending.
    pub name: String,
    /// Rate in Hz of a file that does not say it.
    pub rate_hz: Option<f64>,
}

/// What the int8 impulse says of one window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Classified {
    /// Start of the window in ms.
    pub start_ms: f64,
    /// Line in the file, of a table whose rows are samples.
    pub row: Option<u64>,
    /// Which recording of the file, from 0; absent but for an array that holds several.
    pub recording: Option<u64>,
    /// Milliseconds of zeros behind a recording that is shorter than a window; absent where none were needed.
    pub filled_ms: Option<f64>,
    /// Label with the highest score, or the estimate of a regression.
    pub label: Option<String>,
    /// Whether the highest score lies below the project's `min_confidence`; absent without one.
    pub uncertain: Option<bool>,
    /// Labels of which the right one is one as often as the project's `coverage` says; absent when it says nothing.
    pub set: Option<Vec<String>>,
    /// Score of each label.
    pub scores: BTreeMap<String, f32>,
    /// Estimate of a regression.
    pub value: Option<f32>,
    /// Objects of a picture, in its pixels; of an impulse that finds objects.
    pub boxes: Option<Vec<FoundBox>>,
    /// Score of the anomaly block.
    pub anomaly: Option<f32>,
    /// Whether that is above the threshold.
    pub is_anomaly: Option<bool>,
}

/// An object that was found in a picture.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "named by the field")]
pub struct FoundBox {
    pub label: String,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub score: f32,
}

/// What the impulse says of a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClassifyResult {
    /// Window by window.
    pub windows: Vec<Classified>,
    /// Rows of a table that cannot be classified, by their line, and why.
    pub left_out: Vec<String>,
    /// Length of a window in ms; 0 for rows of a table and for pictures.
    pub window_ms: f64,
    /// Rate in Hz at which the impulse looks; 0 for rows of a table and for pictures.
    pub rate_hz: f64,
}

/// Which cell of the confusion matrix.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OutcomeQuery {
    /// The label that it is.
    pub is: String,
    /// The label that was said.
    pub said: String,
    /// The float network instead of the integer one, which the emitted C equals bit for bit.
    pub float: Option<bool>,
}

/// A test window in a cell of the confusion matrix.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OutcomeWindow {
    /// Id of its sample.
    pub sample: String,
    /// Name of its sample.
    pub name: String,
    /// Where it begins in the cleaned recording, in ms.
    pub start_ms: f64,
    /// Score of the label that was said, 0..1.
    pub score: f32,
    /// Score of the label that it is, 0..1.
    pub score_is: f32,
}

/// The windows in a cell of the confusion matrix.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OutcomeList {
    /// The surest first; at most 1000.
    pub windows: Vec<OutcomeWindow>,
    /// How many there are.
    pub total: u64,
}
