//! Projects and their files.

use crate::Charter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Name of its folder.
    pub id: String,
    /// Name in its file.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Why its file cannot be used, when it cannot.
    pub problem: Option<String>,
}

/// All projects.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// In order of id.
    pub projects: Vec<Project>,
    /// Templates of a new project; none when the server serves one project alone.
    pub templates: Vec<String>,
}

/// A project to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// 1 to 64 letters, digits, `-` and `_`; the name of its folder.
    pub id: String,
    /// One of the list's templates.
    pub template: String,
}

/// The text of `edgewright.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectFile {
    /// TOML.
    pub text: String,
    /// Hash of the text, to be sent back with a change.
    pub version: String,
    /// The settings in it that forms edit, when the text can be used.
    pub settings: Option<Settings>,
    /// Why the text cannot be used, when it cannot.
    pub problem: Option<String>,
}

/// Settings of a project file that forms show; what is `null` is left to the program.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Length of a window in ms.
    pub window_ms: Option<f64>,
    /// From one window to the next in ms.
    pub stride_ms: Option<f64>,
    /// Rate in Hz to which recordings are brought.
    pub rate_hz: Option<f64>,
    /// Names of the DSP blocks.
    pub blocks: Vec<String>,
    /// Kinds of the learning blocks.
    pub learn: Vec<String>,
    /// The DSP blocks in their order.
    pub dsp: Vec<DspSetting>,
    /// The learning blocks in their order.
    pub learning: Vec<LearnSetting>,
    /// Passes over the training windows, at most.
    pub epochs: u64,
    /// Step size of the optimiser.
    pub learning_rate: f64,
    /// Share of the samples that test.
    pub test: f64,
    /// Targets that are built and proven.
    pub targets: Vec<String>,
    /// Kind of package.
    pub package: String,
    /// What the project is for.
    pub charter: Charter,
}

/// A DSP block of a project file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DspSetting {
    /// Name in the project.
    pub id: String,
    /// Name of the block.
    pub block: String,
    /// Implementation version; the newest when left out.
    pub version: Option<u32>,
    /// Axes that it reads; all when left out.
    pub axes: Option<Vec<String>>,
    /// Parameters that the file sets.
    pub params: BTreeMap<String, serde_json::Value>,
}

/// A learning block of a project file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LearnSetting {
    /// Name in the project.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Ids of the DSP blocks that it reads; all when left out.
    pub inputs: Option<Vec<String>>,
    /// A model that was trained elsewhere.
    pub file: Option<String>,
    /// A network that was trained elsewhere whose first layers stand before those that are trained.
    pub backbone: Option<String>,
    /// Whether the file sets the layers of the network; else they are chosen from the data.
    pub own_layers: bool,
}

/// What an impulse will be like, asked while its settings are being chosen.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EstimateRequest {
    /// TOML of the project file as it would be; as it is when left out.
    pub text: Option<String>,
    /// Ids of targets; those of the project when left out.
    #[serde(default)]
    pub targets: Vec<String>,
}

/// What an impulse will be like before it is trained.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Frames of a window.
    pub frames: u64,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// One per DSP block.
    pub dsp: Vec<DspEstimate>,
    /// One per learning block.
    pub learn: Vec<LearnEstimate>,
    /// One per target; empty while a block has a problem or is not known.
    pub targets: Vec<TargetEstimate>,
}

/// A DSP block before training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DspEstimate {
    /// Name in the project.
    pub id: String,
    /// Shape of its features.
    pub shape: Vec<u64>,
    /// Memory that it works in, in bytes; exact.
    pub scratch_bytes: u64,
    /// Its features, in bytes; exact.
    pub feature_bytes: u64,
    /// What it keeps from window to window, in bytes; exact.
    pub state_bytes: u64,
    /// What it costs on each target; empty for a program of its own, of which there is no C.
    pub targets: Vec<DspOnTarget>,
}

/// A DSP block on a target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DspOnTarget {
    /// Id of the target.
    pub target: String,
    /// Executed instructions for one window; an estimate.
    pub instructions: u64,
    /// Tables and code, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Time of a window at the target's clock if each instruction took one cycle: an estimate, not measured. `null` where the clock is
    /// not known.
    pub milliseconds: Option<f64>,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

/// A learning block before training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LearnEstimate {
    /// Name in the project.
    pub id: String,
    /// Values that it reads from one window.
    pub inputs: u64,
    /// Layers of a network without its head, as the file sets them or as they are chosen.
    pub layers: Vec<LayerEstimate>,
    /// Weights and biases, head included.
    pub parameters: u64,
    /// Multiply-accumulates of one window, head included.
    pub macs: u64,
    /// Why it cannot be trained like that.
    pub problem: Option<String>,
    /// Why nothing can be said before it is trained.
    pub unknown: Option<String>,
    /// The layer, from 0, that does not fit what comes before it.
    pub wrong_layer: Option<u64>,
}

/// A layer before training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LayerEstimate {
    /// Its settings, as in a project file.
    pub layer: BTreeMap<String, serde_json::Value>,
    /// Height, width and channels behind it; `null` from the layer on that does not fit.
    pub shape: Option<Vec<u64>>,
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates of one window.
    pub macs: u64,
}

/// An impulse on a target before training.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TargetEstimate {
    /// Id.
    pub target: String,
    /// Memory of the whole impulse without stack, in bytes; exact.
    pub arena_bytes: u64,
    /// Constants and code of the learning blocks and what every image has, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Instructions of the learning blocks for one window; an estimate.
    pub instructions: u64,
    /// Tables and code of the DSP blocks, in bytes; an estimate.
    pub dsp_flash_bytes: u64,
    /// Instructions of the DSP blocks for one window; an estimate.
    pub dsp_instructions: u64,
    /// Time of a window, features and scores, at the target's clock if each instruction took one cycle: an estimate, not measured.
    /// `null` where the clock is not known.
    pub milliseconds: Option<f64>,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

/// A text to look at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectFileText {
    /// TOML.
    pub text: String,
}

/// What a text for `edgewright.toml` says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectFileChecked {
    /// Its settings, when it can be used.
    pub settings: Option<Settings>,
    /// Why it cannot be used, when it cannot.
    pub problem: Option<String>,
}

/// A new text for `edgewright.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectFileWritten {
    /// TOML.
    pub text: String,
    /// Version of the text that was read before; left out: overwrites whatever is there.
    #[serde(default)]
    pub version: Option<String>,
}

/// A state of the project file that was trained, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Hash of text, data and code.
    pub id: String,
    /// When it was first trained.
    pub created: i64,
    /// When it was last run.
    pub last_run: i64,
    /// Whether the project file reads so now.
    pub current: bool,
    /// Its settings, when this program still reads the text.
    pub settings: Option<Settings>,
    /// What the run came to: `seed`, `data`, `training`, `test` and `verify` of what `run --json` prints, and `estimate`: what the trained
    /// impulse costs on the targets of the project.
    pub outcome: serde_json::Value,
}

/// All versions of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// The last run first.
    pub versions: Vec<Version>,
}

/// With what to compare a version.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DiffQuery {
    /// Id of another version; the project file as it is now when left out.
    pub to: Option<String>,
}

/// What a line of a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// In both.
    Same,
    /// In the first alone.
    Removed,
    /// In the second alone.
    Added,
}

/// A line of a difference.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DiffLine {
    /// What it is.
    pub kind: DiffKind,
    /// The line.
    pub text: String,
}

/// What to take out of one text and put in to come to another.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// Line by line, in order.
    pub lines: Vec<DiffLine>,
}

/// An impulse that was kept beside the one in use.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptImpulse {
    /// Name of its file, `impulses/NAME.toml`.
    pub name: String,
    /// Whether it is the one in use, word for word.
    pub current: bool,
    /// Why it cannot be used, when it cannot.
    pub problem: Option<String>,
    /// What the project would be set to with it.
    pub settings: Option<Settings>,
}

/// The impulses of a project that were kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptImpulseList {
    /// In order of name.
    pub impulses: Vec<KeptImpulse>,
}

/// How to go back to a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreVersion {
    /// Hash of the text of the project file that was read, as [`ProjectFile`] tells it.
    pub version: String,
    /// Also when the files as they are were never trained, and are lost then.
    #[serde(default)]
    pub discard: bool,
}

/// How to put a kept impulse into use.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseImpulse {
    /// Also when the one in use is kept under no name, and is lost then.
    #[serde(default)]
    pub discard: bool,
}
