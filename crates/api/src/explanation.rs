//! Why a window got its score.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What to explain.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplanationQuery {
    /// Which window of the sample, from 0; the first when left out.
    pub window: Option<u64>,
    /// `occlusion`, which is the default, or `grad-cam`.
    pub method: Option<String>,
    /// Why this label; the one with the highest score when left out.
    pub label: Option<String>,
}

/// Which part of a window a learning block went by.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// Id of the sample.
    pub sample: String,
    /// Its name.
    pub name: String,
    /// Number of the window, from 0.
    pub window: u64,
    /// Windows of the sample.
    pub windows: u64,
    /// Where the window begins, in ms.
    pub start_ms: f64,
    /// Id of the learning block.
    pub block: String,
    /// `occlusion` or `grad-cam`.
    pub method: String,
    /// The label that is explained, of a classifier.
    pub label: Option<String>,
    /// How far the label is ahead of the next in the sums before the softmax, the estimate, or the anomaly score; in float.
    pub score: f64,
    /// Where it comes from.
    pub maps: Vec<HeatMap>,
    /// All maps as one SVG picture.
    pub picture: String,
}

/// Heat of the parts of one thing, row by row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HeatMap {
    /// `features` of a DSP block, `window`, or `layer`.
    pub kind: String,
    /// Id of the DSP block, `window`, or name of the layer.
    pub name: String,
    /// What rows are; empty when there is one.
    pub row: String,
    /// What columns are.
    pub column: String,
    /// Number of rows.
    pub rows: u64,
    /// Number of columns.
    pub columns: u64,
    /// Rows and columns of what it is of; a part covers as many of them as come on it.
    pub of: [u64; 2],
    /// Names of the rows or, of a single row, of the columns; may be empty.
    pub names: Vec<String>,
    /// Occlusion: what the score loses when the part is covered. Grad-CAM: what the place adds to it.
    pub values: Vec<f32>,
}
