//! What a file holds once it is decoded.

use crate::labels::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One measured quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Name, such as `accX` or `audio`.
    pub name: String,
    /// SenML-style unit, such as `m/s2`; `wav` for audio; empty when unknown.
    pub units: String,
}

impl Axis {
    /// Units of an axis that says whether a column of words holds one of them: its values are 1 and 0, its name is `column=word`.
    pub const CATEGORY: &str = "category";

    /// The column and the word of such an axis.
    pub fn category(&self) -> Option<(&str, &str)> {
        if self.units == Self::CATEGORY { self.name.split_once('=') } else { None }
    }
}

/// A time series, or one row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Frames per second; 0 for a row of a table (then there is one frame).
    pub rate_hz: f64,
    /// Quantities, one value of each per frame.
    pub axes: Vec<Axis>,
    /// Row-major, `frames * axes.len()` finite-or-not values as received. Audio is in int16 units (-32768..=32767).
    pub values: Vec<f32>,
}

impl Signal {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        if self.axes.is_empty() { 0 } else { self.values.len() / self.axes.len() }
    }
}

/// A picture, 8 bits a channel, row-major, interleaved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}

/// Key in the metadata of a sample under which its file says the side of the split: `training` or `testing`.
pub const SIDE: &str = "side";

/// Decoded contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Time series or table row.
    Signal(Signal),
    /// Picture.
    Image(Image),
}

/// How a picture of another shape is brought to its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Each side on its own: shapes change.
    #[default]
    Squash,
    /// The middle of the picture, as much as has the new shape.
    FitShortest,
    /// The whole picture in the middle, black beside it.
    FitLongest,
}

/// Something worth telling about a file that was still accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable slug, such as `signature_invalid`, `clock_uneven`.
    pub kind: String,
    /// Sentence for people.
    pub message: String,
}

/// One sample out of a file. A file of table rows holds many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoded {
    /// The values.
    pub content: Content,
    /// Label found inside the file (a label column), if any.
    pub label: Option<String>,
    /// Group found inside the file (a group column), if any.
    pub group: Option<String>,
    /// Labelled parts found inside the file (annotations), in order, without overlap; they need not cover it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Device, file format details and the like.
    pub metadata: BTreeMap<String, String>,
    /// Remarks.
    pub findings: Vec<Finding>,
}

/// Why a file is refused. `kind` is a stable slug; the message names row, column or byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SampleError {
    /// Stable slug, such as `truncated`, `not_finite`, `column_count`.
    pub kind: &'static str,
    /// Sentence that says where and what to do.
    pub message: String,
}

impl SampleError {
    /// An error with this slug and sentence.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
