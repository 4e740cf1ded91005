//! The data set: import, listing, scanning, lineage, export.

mod agreement;
mod annotations;
pub mod boxes;
mod edit;
mod export;
mod exported;
mod history;
mod import;
mod inspect;
mod parted;
mod parts;
pub mod ranges;
mod record;
mod rules;
mod scan;
mod sidecar;
mod table;

pub use agreement::{Agreement, agreement};
pub use boxes::LabelBox;
pub use edgewright_sample::{Format, Kind, boxes::Annotated};
pub use edit::{
    COLUMNS_MAX, EDIT_MAX, Edit, PAGE_MAX, PageLine, SampleFilter, Waveform, delete, edit, file, ids_from,
    labels, one, page, waveform,
};
pub use export::{export, export_archive};
pub use history::{Edited, history};
pub use import::{ImportReport, ImportRequest, Quarantined, import};
pub use inspect::{Listed, Shown, Traced, list, show, testing, trace};
pub use parts::{PARTS_MAX, Part, cut, proposals, signal, wav};
pub use ranges::{LabelRange, RangesSection};
pub(crate) use record::read as read_recording;
pub use rules::{GroupRule, LabelRule};
pub use scan::{ScanFinding, scan};
pub use table::{TableChoices, TablePreview, preview as preview_table};

use crate::{
    EngineError,
    project::{ProjectFile, Rows},
};
use edgewright_sample::{CsvOptions, DecodeOptions};
use edgewright_store::SampleRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the engine keeps of a sample beside the store's columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleInfo {
    /// How the bytes were read, so that every later reading gives the same values.
    pub reading: Reading,
    /// Rate in Hz as received; 0 when the file does not say or for rows of a table.
    pub rate_hz: f64,
    /// Frames as received.
    pub frames: usize,
    /// Axes as received: name and unit.
    pub axes: Vec<(String, String)>,
    /// Width, height and channels of an image.
    pub image: Option<[usize; 3]>,
    /// Remarks of the decoder: kind and sentence.
    pub findings: Vec<(String, String)>,
    /// Facts from the file, such as the device.
    pub metadata: BTreeMap<String, String>,
}

/// Options of the decoder that the user chose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Name under which the file was decoded (its ending matters).
    pub file: String,
    /// Format name when it was not found out from the file.
    pub format: Option<String>,
    /// Rate of files that do not say it.
    pub rate_hz: Option<f64>,
    /// Column that holds the label.
    pub label_column: Option<String>,
    /// Column that holds the group.
    pub group_column: Option<String>,
    /// Whether each row of a table is a sample of its own.
    pub rows_are_samples: Option<bool>,
    /// What else was chosen of a table.
    #[serde(default, skip_serializing_if = "TableChoices::is_default")]
    pub table: TableChoices,
    /// What stands for a missing value in a table, beside the usual words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Columns of a table that are values although they look like a clock or a number of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// Decimal mark of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
}

impl Reading {
    /// What the project says of tables, where nobody chose for this file.
    #[must_use]
    pub fn in_project(mut self, file: &ProjectFile) -> Self {
        let tables = &file.tables;
        self.rows_are_samples = self.rows_are_samples.or(match tables.rows {
            Rows::Auto => None,
            // Only a label that stands in the row makes it a sample; a file with a label of its own is a recording.
            Rows::Samples => self.label_column.is_some().then_some(true),
            Rows::Series => Some(false),
        });
        self.missing.clone_from(&tables.missing);
        self.keep = tables.keep.iter().chain(file.impulse.axes.iter().flatten()).cloned().collect();
        self.decimal = tables.decimal;
        self
    }

    /// Options for the decoder.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a format that is not known.
    pub fn options(&self) -> Result<DecodeOptions, EngineError> {
        let format = match self.format.as_deref() {
            None | Some("auto") => None,
            Some(name) => Some(edgewright_sample::Format::from_name(name).ok_or_else(|| {
                EngineError::Usage(format!(
                    "there is no format `{name}`; see `edgewright data import --help`"
                ))
            })?),
        };
        Ok(DecodeOptions {
            format,
            csv: CsvOptions {
                rate_hz: self.rate_hz,
                label_column: self.label_column.clone(),
                group_column: self.group_column.clone(),
                rows_are_samples: self.rows_are_samples,
                time_column: self.table.time_column.clone(),
                time_unit: self.table.unit()?,
                value_columns: self.table.columns.clone(),
                delimiter: self.table.delimiter,
                header: self.table.header,
                missing: self.missing.clone(),
                keep: self.keep.clone(),
                decimal: self.decimal,
                ..CsvOptions::default()
            },
            ..DecodeOptions::default()
        })
    }
}

/// Refuses a rate that no recording has.
///
/// # Errors
/// [`EngineError::Usage`].
pub fn check_rate(rate_hz: Option<f64>) -> Result<(), EngineError> {
    match rate_hz {
        Some(rate) if !(rate.is_finite() && rate > 0.0) => {
            Err(EngineError::Usage(format!("a rate of {rate} Hz is impossible")))
        }
        _ => Ok(()),
    }
}

/// The engine's part of a row.
///
/// # Errors
/// [`EngineError::Internal`] when the row was written by something else.
pub fn info(row: &SampleRow) -> Result<SampleInfo, EngineError> {
    let mut info: SampleInfo = serde_json::from_str(&row.metadata_json)
        .map_err(|e| EngineError::Internal(format!("sample {}: {e}", row.id)))?;
    lay_over(&mut info.metadata, &facts(&row.id, row.facts_json.as_deref())?);
    Ok(info)
}

/// Facts that a person set or took away: they stay when the file is imported again.
pub(crate) type Facts = BTreeMap<String, Option<String>>;

/// The facts that a person set of a sample.
///
/// # Errors
/// [`EngineError::Internal`] when they were written by something else.
pub(crate) fn facts(id: &str, json: Option<&str>) -> Result<Facts, EngineError> {
    let Some(json) = json else { return Ok(Facts::new()) };
    serde_json::from_str(json).map_err(|e| EngineError::Internal(format!("sample {id}: {e}")))
}

/// Facts from the file, with what a person set of them.
pub(crate) fn lay_over(metadata: &mut BTreeMap<String, String>, facts: &Facts) {
    for (key, value) in facts {
        match value {
            Some(value) => metadata.insert(key.clone(), value.clone()),
            None => metadata.remove(key),
        };
    }
}

/// All data files below a path in name order, or the path itself when it is a file.
///
/// # Errors
/// [`EngineError::Io`] when it is not there or a folder cannot be read.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>, EngineError> {
    Ok(import::walk(path)?.files.into_iter().map(|file| file.path).collect())
}
