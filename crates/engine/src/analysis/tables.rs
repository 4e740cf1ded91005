//! The analysis as files for other programs: each table as CSV and Parquet, what can be drawn as SVG.

use super::{Analysis, Correlation, Line, whole};
use crate::{EngineError, error::AtPath, session::Session};
use edgewright_report::{Heat, Panel, heat_svg, panels_svg};
use edgewright_sample::columns::{self, Column, Values};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Ends of the files.
pub const FORMATS: [&str; 3] = ["csv", "parquet", "svg"];

/// Labels of which lines are drawn in one picture.
const DRAWN: usize = 8;

/// The analysis, to be written.
pub struct Export {
    told: Analysis,
    tables: Vec<(&'static str, Vec<Column>)>,
}

impl Export {
    /// Of a session as [`super::analyse`] takes it.
    ///
    /// # Errors
    /// Those of [`super::analyse`].
    pub fn new(session: &Session<'_>) -> Result<Self, EngineError> {
        let (told, lines) = whole(session)?;
        let tables = tables(&told, &lines);
        Ok(Self { told, tables })
    }

    /// What is told.
    pub fn analysis(&self) -> &Analysis {
        &self.told
    }

    /// Names of the files that there are: those of tables that have rows, and of pictures that show something.
    pub fn names(&self) -> Vec<String> {
        let filled = self.tables.iter().filter(|(_, columns)| rows(columns) > 0);
        let mut names: Vec<String> =
            filled.flat_map(|(name, _)| [format!("{name}.csv"), format!("{name}.parquet")]).collect();
        names.extend(PICTURES.iter().filter(|n| self.picture(n).is_some()).map(|n| format!("{n}.svg")));
        names.sort();
        names
    }

    /// Bytes of a file.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that there is not.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, EngineError> {
        let none = || {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            EngineError::NotFound(format!(
                "there is no file `{shown}` of the analysis; there are {}",
                self.names().join(", ")
            ))
        };
        let (stem, end) = name.rsplit_once('.').ok_or_else(none)?;
        if end == "svg" {
            return self.picture(stem).map(String::into_bytes).ok_or_else(none);
        }
        let table = self.tables.iter().find(|(n, columns)| *n == stem && rows(columns) > 0);
        let (_, table) = table.ok_or_else(none)?;
        match end {
            "csv" => Ok(columns::csv(table).into_bytes()),
            "parquet" => {
                columns::to_parquet(table).map_err(|e| EngineError::Internal(format!("{name}: {e}")))
            }
            _ => Err(none()),
        }
    }

    /// Writes all files into a folder, which is made; those that are there are written over.
    ///
    /// # Errors
    /// [`EngineError::Io`].
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
        std::fs::create_dir_all(folder).at(folder)?;
        let mut out = Vec::new();
        for name in self.names() {
            let path = folder.join(&name);
            crate::stages::build::write_whole(&path, &self.file(&name)?)?;
            out.push(path);
        }
        Ok(out)
    }

    fn picture(&self, name: &str) -> Option<String> {
        let told = &self.told;
        let panels = match name {
            "histogram" => histograms(told),
            "spectra" => spectra(told),
            "axis_correlation" => return heat("Correlation of axes", &told.axes_correlation),
            "feature_correlation" => {
                return heat("Correlation of the most telling features", &told.feature_correlation);
            }
            "separability" => return separability(told),
            _ => return None,
        };
        let title = if name == "spectra" { "Mean power over frequency" } else { "Distribution of values" };
        (!panels.is_empty()).then(|| panels_svg(title, &panels))
    }
}

const PICTURES: [&str; 5] =
    ["axis_correlation", "feature_correlation", "histogram", "separability", "spectra"];

fn rows(columns: &[Column]) -> usize {
    columns.first().map_or(0, |c| match &c.values {
        Values::Numbers(v) => v.len(),
        Values::Texts(v) => v.len(),
    })
}

fn shown(label: &str) -> String {
    if label.is_empty() { "(no label)".into() } else { label.into() }
}

fn histograms(told: &Analysis) -> Vec<Panel> {
    let panel = |h: &super::Histogram| Panel {
        title: h.axis.clone(),
        x: format!("value of {}", h.axis),
        y: "share".into(),
        series: h
            .labels
            .iter()
            .take(DRAWN)
            .map(|(label, shares)| {
                let step = (h.high - h.low) / shares.len() as f64;
                let at = |i: usize| h.low + (i as f64 + 0.5) * step;
                (shown(label), shares.iter().enumerate().map(|(i, s)| (at(i), *s)).collect())
            })
            .collect(),
    };
    told.histograms.iter().map(panel).collect()
}

fn spectra(told: &Analysis) -> Vec<Panel> {
    let mut out = Vec::new();
    for axis in &told.axes {
        let of = told.spectra.iter().filter(|s| &s.axis == axis).take(DRAWN);
        let series: Vec<(String, Vec<(f64, f64)>)> = of
            .map(|s| {
                let points = s.decibels.iter().enumerate().map(|(i, d)| (i as f64 * s.step_hz, *d));
                (shown(&s.label), points.collect())
            })
            .collect();
        if !series.is_empty() {
            out.push(Panel { title: axis.clone(), x: "Hz".into(), y: "dB".into(), series });
        }
    }
    out
}

fn heat(title: &str, of: &Correlation) -> Option<String> {
    let n = of.names.len();
    let parts = (0..n * n).map(|i| format!("{} and {}", of.names[i / n], of.names[i % n])).collect();
    let values = of.values.iter().flatten().map(|v| *v as f32).collect();
    let map = Heat {
        title: title.into(),
        row: String::new(),
        column: "in the order of the table".into(),
        rows: n,
        columns: n,
        values,
        parts,
    };
    (n > 1).then(|| heat_svg(title, &[map]))
}

fn separability(told: &Analysis) -> Option<String> {
    let names: BTreeSet<&str> = told.pairs.iter().flat_map(|p| [p.a.as_str(), p.b.as_str()]).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let n = names.len();
    let place = |name: &str| names.iter().position(|l| *l == name);
    let mut values = vec![0.0f32; n * n];
    for p in &told.pairs {
        if let (Some(a), Some(b)) = (place(&p.a), place(&p.b)) {
            // Chance is 0, certainty 1.
            let apart = (2.0 * p.auroc - 1.0) as f32;
            (values[a * n + b], values[b * n + a]) = (apart, apart);
        }
    }
    let parts = (0..n * n).map(|i| format!("{} and {}", names[i / n], names[i % n])).collect();
    let column = names.join(", ");
    let title = "How far labels are apart in their best feature: 0 chance, 1 certainty";
    let map = Heat { title: title.into(), row: String::new(), column, rows: n, columns: n, values, parts };
    (n > 1).then(|| heat_svg(title, &[map]))
}

fn tables(told: &Analysis, lines: &[Line]) -> Vec<(&'static str, Vec<Column>)> {
    vec![
        ("samples", samples(told, lines)),
        ("slices", slices(told)),
        ("levels", levels(told)),
        ("histogram", histogram(told)),
        ("spectra", spectrum(told)),
        ("axis_correlation", matrix(&told.axes_correlation)),
        ("features", features(told)),
        ("feature_correlation", matrix(&told.feature_correlation)),
        (
            "separability",
            vec![
                Column::texts("a", told.pairs.iter().map(|p| &p.a)),
                Column::texts("b", told.pairs.iter().map(|p| &p.b)),
                Column::texts("feature", told.pairs.iter().map(|p| &p.feature)),
                Column::numbers("distance", told.pairs.iter().map(|p| p.distance)),
                Column::numbers("auroc", told.pairs.iter().map(|p| p.auroc)),
            ],
        ),
    ]
}

fn samples(told: &Analysis, lines: &[Line]) -> Vec<Column> {
    let mut out = vec![
        Column::texts("id", lines.iter().map(|l| &l.id)),
        Column::texts("name", lines.iter().map(|l| &l.name)),
        Column::texts("label", lines.iter().map(|l| &l.label)),
        Column {
            name: "side".into(),
            values: Values::Texts(lines.iter().map(|l| l.side.map(|s| s.word().to_owned())).collect()),
        },
        Column::numbers("frames", lines.iter().map(|l| l.frames as f64)),
        Column::numbers("seconds", lines.iter().map(|l| l.seconds)),
    ];
    for (n, axis) in told.axes.iter().enumerate() {
        let level = lines.iter().map(|l| l.level.as_ref().map(|v| v[n])).collect();
        out.push(Column { name: format!("level.{axis}"), values: Values::Numbers(level) });
    }
    let keys: BTreeSet<&String> = lines.iter().flat_map(|l| l.about.keys()).collect();
    for key in keys {
        let values = lines.iter().map(|l| l.about.get(key).cloned()).collect();
        out.push(Column { name: format!("metadata.{key}"), values: Values::Texts(values) });
    }
    out
}

fn slices(told: &Analysis) -> Vec<Column> {
    let s = || told.slices.iter();
    let mut out = vec![
        Column::texts("key", s().map(|s| &s.key)),
        Column::texts("value", s().map(|s| &s.value)),
        Column::numbers("samples", s().map(|s| s.samples as f64)),
        Column::numbers("training", s().map(|s| s.training as f64)),
        Column::numbers("validation", s().map(|s| s.validation as f64)),
        Column::numbers("testing", s().map(|s| s.testing as f64)),
        Column::numbers("seconds", s().map(|s| s.seconds)),
        Column::numbers("shortest", s().map(|s| s.lengths.min)),
        Column::numbers("median", s().map(|s| s.lengths.median)),
        Column::numbers("longest", s().map(|s| s.lengths.max)),
    ];
    for (n, axis) in told.axes.iter().enumerate() {
        let level = s().map(|s| s.level.get(n).copied()).collect();
        out.push(Column { name: format!("level.{axis}"), values: Values::Numbers(level) });
    }
    out
}

fn levels(told: &Analysis) -> Vec<Column> {
    let l = || told.levels.iter();
    vec![
        Column::texts("label", l().map(|l| &l.label)),
        Column::texts("axis", l().map(|l| &l.axis)),
        Column::numbers("values", l().map(|l| l.values as f64)),
        Column::numbers("mean", l().map(|l| l.mean)),
        Column::numbers("deviation", l().map(|l| l.deviation)),
        Column::numbers("min", l().map(|l| l.min)),
        Column::numbers("max", l().map(|l| l.max)),
    ]
}

fn histogram(told: &Analysis) -> Vec<Column> {
    let (mut axis, mut label, mut low, mut high, mut share) = (vec![], vec![], vec![], vec![], vec![]);
    for h in &told.histograms {
        for (name, shares) in &h.labels {
            let step = (h.high - h.low) / shares.len() as f64;
            for (i, s) in shares.iter().enumerate() {
                axis.push(h.axis.clone());
                label.push(name.clone());
                low.push(h.low + i as f64 * step);
                high.push(h.low + (i + 1) as f64 * step);
                share.push(*s);
            }
        }
    }
    vec![
        Column::texts("axis", axis),
        Column::texts("label", label),
        Column::numbers("from", low),
        Column::numbers("to", high),
        Column::numbers("share", share),
    ]
}

fn spectrum(told: &Analysis) -> Vec<Column> {
    let (mut axis, mut label, mut hz, mut db) = (vec![], vec![], vec![], vec![]);
    for s in &told.spectra {
        for (i, d) in s.decibels.iter().enumerate() {
            axis.push(s.axis.clone());
            label.push(s.label.clone());
            hz.push(i as f64 * s.step_hz);
            db.push(*d);
        }
    }
    vec![
        Column::texts("axis", axis),
        Column::texts("label", label),
        Column::numbers("hz", hz),
        Column::numbers("db", db),
    ]
}

fn matrix(of: &Correlation) -> Vec<Column> {
    let mut out = vec![Column::texts("name", &of.names)];
    for (n, name) in of.names.iter().enumerate() {
        out.push(Column::numbers(name, of.values.iter().map(|row| row[n])));
    }
    out
}

fn features(told: &Analysis) -> Vec<Column> {
    let f = || told.features.iter();
    let some =
        |name: &str, values: Vec<Option<f64>>| Column { name: name.into(), values: Values::Numbers(values) };
    vec![
        Column::texts("feature", f().map(|f| &f.name)),
        Column::numbers("mean", f().map(|f| f.mean)),
        Column::numbers("deviation", f().map(|f| f.deviation)),
        Column::numbers("min", f().map(|f| f.spread.min)),
        Column::numbers("q25", f().map(|f| f.spread.q25)),
        Column::numbers("median", f().map(|f| f.spread.median)),
        Column::numbers("q75", f().map(|f| f.spread.q75)),
        Column::numbers("max", f().map(|f| f.spread.max)),
        some("explained", f().map(|f| f.explained).collect()),
        some("information", f().map(|f| f.information).collect()),
    ]
}
