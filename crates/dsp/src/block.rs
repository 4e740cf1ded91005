//! The contract of a block: what it declares, what it is given, what it returns.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
};

/// Value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Number; integer parameters take whole numbers.
    Number(f64),
    /// Switch.
    Bool(bool),
    /// Choice or text.
    Text(String),
}

/// Parameters by name, in name order.
pub type Params = BTreeMap<String, Value>;

/// Kind of a parameter with its legal values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    /// Real number in `min..=max`.
    Float {
        /// Smallest legal value.
        min: f64,
        /// Largest legal value.
        max: f64,
    },
    /// Whole number in `min..=max`.
    Int {
        /// Smallest legal value.
        min: i64,
        /// Largest legal value.
        max: i64,
    },
    /// On or off.
    Bool,
    /// One of these words (numbers are written as text).
    Select(&'static [&'static str]),
    /// Free text, checked by the block.
    Text,
}

/// Default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// Number.
    Number(f64),
    /// Switch.
    Bool(bool),
    /// Choice or text.
    Text(&'static str),
}

/// Declaration of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamInfo {
    /// Key in project files, JSON and the golden index.
    pub name: &'static str,
    /// Kind and range.
    pub kind: ParamKind,
    /// Value when left out.
    pub default: Default,
    /// Unit such as `s`, `Hz`, `dB`; empty when there is none.
    pub unit: &'static str,
    /// Implementation versions that have it.
    pub versions: &'static [u32],
    /// What it does to the features, in one sentence.
    pub help: &'static str,
}

/// Declaration of one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockInfo {
    /// Key in project files and the golden index, such as `mfcc`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// One sentence on what it is for.
    pub help: &'static str,
    /// Implementation versions, oldest first.
    pub versions: &'static [u32],
    /// Parameters in the order of the form.
    pub params: &'static [ParamInfo],
}

/// The window a block is planned for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowSpec {
    /// Sampling rate in Hz; 0 for rows of a table and images.
    pub rate_hz: f64,
    /// Values per frame.
    pub axes: usize,
    /// Frames per window (for an image: height * width).
    pub frames: usize,
    /// Width and height of an image window; `None` for series.
    pub image: Option<(usize, usize)>,
}

/// Arrangement of the features a block returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputShape {
    /// A list.
    Flat(usize),
    /// Row-major in time: `rows` frames of `columns` values.
    Spectrogram {
        /// Frames in time.
        rows: usize,
        /// Values per frame.
        columns: usize,
    },
    /// Row-major picture.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// 1 or 3.
        channels: usize,
    },
}

impl OutputShape {
    /// Number of features.
    pub fn len(&self) -> usize {
        match *self {
            OutputShape::Flat(n) => n,
            OutputShape::Spectrogram { rows, columns } => rows * columns,
            OutputShape::Image { height, width, channels } => height * width * channels,
        }
    }
    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why a configuration or a window is refused. `kind` is a stable slug (the golden index names them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DspError {
    /// Stable slug, such as `fft_not_power_of_two`.
    pub kind: &'static str,
    /// Sentence that names the parameter, its value and the nearest legal one.
    pub message: String,
}

impl DspError {
    /// An error with this slug and sentence.
    pub fn new(kind: &'static str, message: impl ToString) -> Self {
        Self { kind, message: message.to_string() }
    }
}

impl core::fmt::Display for DspError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for DspError {}
