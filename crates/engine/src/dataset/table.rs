//! How people say that a text table is to be read, and what would become of one.

use super::Reading;
use crate::EngineError;
use edgewright_sample::{Content, TimeUnit, decode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was chosen beside rate, label and group; what is left out is found out from the file. A column is named by its header or by its
/// number from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableChoices {
    /// Column that holds the time.
    pub time_column: Option<String>,
    /// Its unit: `s`, `ms`, `us` or `ns`.
    pub time_unit: Option<String>,
    /// Columns that become axes, in this order; else all that remain.
    pub columns: Option<Vec<String>>,
    /// Whether each row is a sample of its own.
    pub rows_are_samples: Option<bool>,
    /// Whether the first row holds names.
    pub header: Option<bool>,
    /// Character between cells.
    pub delimiter: Option<char>,
}

impl TableChoices {
    /// Whether nothing was chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The unit of the time column.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for one that is not known.
    pub fn unit(&self) -> Result<Option<TimeUnit>, EngineError> {
        Ok(match self.time_unit.as_deref() {
            None => None,
            Some("s") => Some(TimeUnit::Seconds),
            Some("ms") => Some(TimeUnit::Milliseconds),
            Some("us") => Some(TimeUnit::Microseconds),
            Some("ns") => Some(TimeUnit::Nanoseconds),
            Some(_) => return Err(EngineError::Usage("a unit of time is s, ms, us or ns".into())),
        })
    }
}

/// Frames of the first sample in a preview.
const FRAMES: usize = 400;

/// What would become of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TablePreview {
    /// Samples in it.
    pub samples: usize,
    /// Rate of the first sample in Hz; 0 for rows.
    pub rate_hz: f64,
    /// Its frames.
    pub frames: usize,
    /// Name and unit of each axis.
    pub axes: Vec<(String, String)>,
    /// Samples of each label, when a column holds it.
    pub labels: BTreeMap<String, usize>,
    /// Groups, when a column holds them.
    pub groups: usize,
    /// Remarks.
    pub findings: Vec<String>,
    /// The first frames of the first sample, axis after axis; of rows, the first samples.
    pub values: Vec<Vec<f32>>,
}

/// Reads a table, or its beginning up to the end of a line, as an import would, and keeps nothing.
///
/// # Errors
/// [`EngineError::Data`] with the row and column that cannot be read; [`EngineError::Usage`] for choices that mean nothing.
pub fn preview(reading: &Reading, bytes: &[u8]) -> Result<TablePreview, EngineError> {
    let options = reading.options()?;
    let decoded = decode(&reading.file, bytes, &options).map_err(|e| EngineError::Data(e.message))?;
    let mut out = TablePreview { samples: decoded.len(), ..TablePreview::default() };
    let mut groups = std::collections::BTreeSet::new();
    for (n, sample) in decoded.iter().enumerate() {
        if let Some(label) = &sample.label {
            *out.labels.entry(label.clone()).or_default() += 1;
        }
        groups.extend(sample.group.as_deref());
        let Content::Signal(signal) = &sample.content else {
            return Err(EngineError::Data(format!("{} is an image, not a table", reading.file)));
        };
        let axes = signal.axes.len();
        if n == 0 {
            out.rate_hz = signal.rate_hz;
            out.frames = signal.frames();
            out.axes = signal.axes.iter().map(|a| (a.name.clone(), a.units.clone())).collect();
            out.findings = sample.findings.iter().map(|f| f.message.clone()).collect();
            out.values = vec![Vec::new(); axes];
        }
        if n == 0 || signal.rate_hz == 0.0 {
            for frame in signal.values.chunks_exact(axes.max(1)) {
                for (axis, value) in out.values.iter_mut().zip(frame) {
                    if axis.len() < FRAMES {
                        axis.push(*value);
                    }
                }
            }
        }
    }
    out.groups = groups.len();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, choices: TableChoices, label: Option<&str>) -> Result<TablePreview, EngineError> {
        let reading = Reading {
            file: "t.csv".into(),
            label_column: label.map(Into::into),
            rows_are_samples: choices.rows_are_samples,
            table: choices,
            ..Reading::default()
        };
        preview(&reading, text.as_bytes())
    }

    #[test]
    fn choices_decide_how_a_table_is_read() {
        let text = "when;x;y;kind\n0;1;2;a\n10;3;4;a\n20;5;6;b\n30;7;8;b\n";
        let choices = TableChoices {
            time_column: Some("when".into()),
            time_unit: Some("ms".into()),
            columns: Some(vec!["y".into()]),
            ..TableChoices::default()
        };
        let seen = read(text, choices.clone(), Some("kind")).expect("read");
        assert_eq!((seen.samples, seen.rate_hz, seen.frames), (2, 100.0, 2));
        assert_eq!(seen.axes, [("y".to_owned(), String::new())]);
        assert_eq!(seen.values, [[2.0, 4.0]]);
        assert_eq!(seen.labels.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        let rows =
            TableChoices { rows_are_samples: Some(true), time_column: None, time_unit: None, ..choices };
        let seen = read(text, rows.clone(), Some("kind")).expect("read");
        assert_eq!((seen.samples, seen.rate_hz, seen.values), (4, 0.0, vec![vec![2.0, 4.0, 6.0, 8.0]]));
        assert!(read(text, TableChoices { columns: Some(vec!["z".into()]), ..rows }, None).is_err());
        assert!(
            read(text, TableChoices { time_unit: Some("h".into()), ..TableChoices::default() }, None)
                .is_err()
        );
    }
}
