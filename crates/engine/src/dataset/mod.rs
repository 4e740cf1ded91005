//! The data set: import, listing, scanning, lineage, export.

mod edit;
mod import;
mod inspect;
mod rules;

pub use edit::{
    COLUMNS_MAX, EDIT_MAX, Edit, PAGE_MAX, PageLine, SampleFilter, Waveform, delete, edit, file, labels, one,
    page, waveform,
};
pub use import::{ImportReport, ImportRequest, Quarantined, import};
pub use inspect::{Listed, ScanFinding, Shown, export, list, scan, show, trace};
pub use rules::{GroupRule, LabelRule};

use crate::EngineError;
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
}

impl Reading {
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
                ..CsvOptions::default()
            },
            ..DecodeOptions::default()
        })
    }
}

/// The engine's part of a row.
///
/// # Errors
/// [`EngineError::Internal`] when the row was written by something else.
pub fn info(row: &SampleRow) -> Result<SampleInfo, EngineError> {
    serde_json::from_str(&row.metadata_json)
        .map_err(|e| EngineError::Internal(format!("sample {}: {e}", row.id)))
}

/// All data files below a path in name order, or the path itself when it is a file.
///
/// # Errors
/// [`EngineError::Io`] when it is not there or a folder cannot be read.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>, EngineError> {
    Ok(import::walk(path)?.into_iter().map(|file| file.path).collect())
}
