//! Blocks on their own, model files, and what is installed.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A block to run on values; no project is needed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRun {
    /// Implementation version; the newest when left out.
    #[serde(default)]
    pub version: Option<u32>,
    /// Parameters; the others have their defaults.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// Rate in Hz; 0 for rows of a table.
    #[serde(default)]
    pub rate_hz: f64,
    /// Axes of flat values; one when left out.
    #[serde(default)]
    pub axes: Option<u64>,
    /// The window: flat, samples x axes, or height x width x channels.
    #[serde(default)]
    pub values: Option<Vec<f64>>,
    /// Shape of the values; flat when left out.
    #[serde(default)]
    pub shape: Option<Vec<u64>>,
    /// In place of values: an object, as what follows a network takes it.
    #[serde(default)]
    pub input: Option<serde_json::Value>,
    /// Samples of a slice, to give the window in slices as they come from a sensor.
    #[serde(default)]
    pub stream: Option<u64>,
    /// Values of a window, to give consecutive windows to one handle.
    #[serde(default)]
    pub stateful: Option<u64>,
    /// Whole numbers instead of single precision.
    #[serde(default)]
    pub fixed: bool,
}

/// What a block computed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockRan {
    /// Features or scores, flat; `null` when what came out is no array.
    pub values: Option<Vec<f32>>,
    /// What came out, where it is more than an array.
    pub object: Option<serde_json::Value>,
}

/// A program that the server starts, or would if it were there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    /// Name of the program.
    pub tool: String,
    /// What it is for.
    pub purpose: String,
    /// Its version; `null` when it is missing.
    pub version: Option<String>,
    /// Command that installs it.
    pub install: String,
}

/// What is installed where the server runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ToolList {
    /// In the order of `edgewright doctor`.
    pub tools: Vec<Tool>,
}

/// A model, or an array for one, that is kept for a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelFile {
    /// 1 to 100 letters, digits, `-`, `_` and `.`, no `.` in front; the end says the format.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub written: i64,
}

/// Model files of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelFileList {
    /// In order of name.
    pub files: Vec<ModelFile>,
}

/// How a model becomes the learning block of its project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelImport {
    /// Labels of the outputs in their order; empty: the project's labels in alphabetical order.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// An input or output of a model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelTensor {
    /// Name in the file.
    pub name: String,
    /// Shape without the batch.
    pub shape: Vec<u64>,
    /// Element type, as NumPy calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Scale of an integer tensor.
    pub scale: Option<f32>,
    /// Zero point of an integer tensor.
    pub zero_point: Option<i32>,
}

/// A model that is the learning block of its project now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelImported {
    /// The copy of the model, below the project.
    pub model: String,
    /// `classifier` or `regression`.
    pub kind: String,
    /// Labels of the outputs in their order; empty: those of the project in alphabetical order.
    pub labels: Vec<String>,
    /// Multiply-accumulates of one window.
    pub macs: u64,
    /// The input: as many values as the DSP blocks must give.
    pub input: ModelTensor,
    /// The output.
    pub output: ModelTensor,
    /// What one should know.
    pub notes: Vec<String>,
}
