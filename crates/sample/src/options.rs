//! What a caller may say about a file before it is decoded.

use crate::Format;
use std::collections::BTreeMap;

/// Unit of a numeric time column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
    /// Days, as spreadsheets count them.
    Days,
}

impl TimeUnit {
    /// How many of the unit make a second.
    pub fn per_second(self) -> f64 {
        match self {
            TimeUnit::Seconds => 1.0,
            TimeUnit::Milliseconds => 1e3,
            TimeUnit::Microseconds => 1e6,
            TimeUnit::Nanoseconds => 1e9,
            TimeUnit::Days => 1.0 / 86_400.0,
        }
    }
}

/// How to read a table. Every field may be left at its default: what is not said is found out from the file.
///
/// A column is named by its header, or by its number from 1 (`"3"`) when no header has that name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CsvOptions {
    /// Frames per second; overrides the time column. Without it and without a time column the rate is 0 (unknown).
    pub rate_hz: Option<f64>,
    /// Column that holds the label. A time series is cut where it changes.
    pub label_column: Option<String>,
    /// Column that holds the group (speaker, device, recording). A time series is cut where it changes.
    pub group_column: Option<String>,
    /// Column that holds the time.
    pub time_column: Option<String>,
    /// Unit of a numeric time column.
    pub time_unit: Option<TimeUnit>,
    /// Columns that become axes, in this order; all that remain when `None`.
    pub value_columns: Option<Vec<String>>,
    /// Units per column, instead of those in the header.
    pub units: BTreeMap<String, String>,
    /// Whether each row is a sample of its own. `None`: yes when there is one row, or when there is no time column, no
    /// rate and a label column; otherwise the rows are one time series.
    pub rows_are_samples: Option<bool>,
    /// Further words and numbers that stand for a missing value (`"-200"` is also `-200,0`), beside empty cells, `?`, `NA`, `null`,
    /// `none` and `-`. When any is given and rows are samples, a missing value is NaN and a missing label is none;
    /// otherwise a missing value refuses the file.
    pub missing: Vec<String>,
    /// Columns that are values although they look like a clock or a number of the row; a name that no column has is passed over.
    pub keep: Vec<String>,
    /// Decimal mark, `.` or `,`; the other one then divides thousands. `None`: found out from the table.
    pub decimal: Option<char>,
    /// Character between cells; a space stands for any run of spaces and tabs.
    pub delimiter: Option<char>,
    /// Whether the first row holds names.
    pub header: Option<bool>,
}

/// Upper bounds, checked before memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file.
    pub max_bytes: usize,
    /// Width times height of a picture.
    pub max_pixels: u64,
    /// Values (frames times axes) out of one file.
    pub max_values: usize,
}

impl Default for Limits {
    /// 128 MiB, 50 million pixels, 64 Mi values.
    fn default() -> Self {
        Self { max_bytes: 128 << 20, max_pixels: 50_000_000, max_values: 64 << 20 }
    }
}

/// All that can be said about a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeOptions {
    /// The format; `None`: from name and content, see [`crate::detect`].
    pub format: Option<Format>,
    /// Key of acquisition documents, as bytes (the ASCII text of the project's key). `None`: signatures are not checked.
    pub hmac_key: Option<Vec<u8>>,
    /// Refuse acquisition documents without a valid signature. Needs `hmac_key`.
    pub require_signature: bool,
    /// Text tables.
    pub csv: CsvOptions,
    /// Upper bounds.
    pub limits: Limits,
}
