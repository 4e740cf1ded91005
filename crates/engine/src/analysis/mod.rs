//! What the data are like, as received, cleaned and as features: distributions, spectra, correlation, how far labels are apart, and slices.
//!
//! Recordings are told of on all sides of the split. What features tell of labels is told of training windows alone, so that nobody chooses
//! by windows that test.

mod features;
mod recordings;
mod tables;

use crate::{
    EngineError,
    dataset::{boxes, ranges::main_label},
    project::LearnKind,
    run::{self, Results},
    session::Session,
    stages::{
        clean::{Cleaned, Silver},
        slices,
        split::{Side, Split},
    },
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
pub use tables::{Export, FORMATS};

/// Values of a key of the metadata that are told apart.
const VALUES: usize = 40;

/// Smallest, quartiles and largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    #[expect(missing_docs, reason = "named by the field")]
    pub min: f64,
    /// A quarter is smaller.
    pub q25: f64,
    #[expect(missing_docs, reason = "named by the field")]
    pub median: f64,
    /// A quarter is larger.
    pub q75: f64,
    #[expect(missing_docs, reason = "named by the field")]
    pub max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = values.len().saturating_sub(1);
            values.get((share * last as f64).round() as usize).copied().unwrap_or(0.0)
        };
        Self { min: at(0.0), q25: at(0.25), median: at(0.5), q75: at(0.75), max: at(1.0) }
    }
}

/// Samples of a label, or with a value of their metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Slice {
    /// `label`, `group` or a key of the metadata.
    pub key: String,
    /// Its value; empty for samples without a label.
    pub value: String,
    /// Cleaned samples.
    pub samples: usize,
    /// Those that train.
    pub training: usize,
    /// Those that validate.
    pub validation: usize,
    /// Those that test.
    pub testing: usize,
    /// Length of all together, in seconds; 0 for rows and pictures.
    pub seconds: f64,
    /// Length of one, in seconds.
    pub lengths: Spread,
    /// Root mean square about the mean of each axis, the mean over recordings that were looked at, in order of the axes.
    pub level: Vec<f64>,
    /// Samples of each label in it.
    pub labels: BTreeMap<String, usize>,
}

/// Values of an axis in recordings of a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Label.
    pub label: String,
    /// Axis.
    pub axis: String,
    /// Values that were looked at.
    pub values: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

/// How often values of an axis are how large.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Axis.
    pub axis: String,
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last.
    pub high: f64,
    /// Share of the values of each label in each bin.
    pub labels: BTreeMap<String, Vec<f64>>,
}

/// Mean power over frequency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// Label.
    pub label: String,
    /// Axis.
    pub axis: String,
    /// Distance of two lines in Hz; the first is at 0.
    pub step_hz: f64,
    /// Power density in dB of the squared unit per Hz.
    pub decibels: Vec<f64>,
}

/// Correlation of each with each, from -1 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Correlation {
    /// Rows and columns.
    pub names: Vec<String>,
    /// One list for each row; 0 for what does not vary.
    pub values: Vec<Vec<f64>>,
}

/// A feature on training windows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureStats {
    /// Name.
    pub name: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Smallest, quartiles and largest.
    pub spread: Spread,
    /// Share of its variance that labels explain, 0..1; `None` with fewer than two labels.
    pub explained: Option<f64>,
    /// Mutual information with the labels in nats; `None` with fewer than two labels.
    pub information: Option<f64>,
}

/// How far two labels are apart in the feature that tells them apart best.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// One label.
    pub a: String,
    /// The other.
    pub b: String,
    /// The feature.
    pub feature: String,
    /// Distance of the means in standard deviations within the labels.
    pub distance: f64,
    /// Area under the ROC curve of that feature, 0.5..1.
    pub auroc: f64,
}

/// What the data are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Analysis {
    /// Cleaned samples; 0 when the stage `clean` is not up to date.
    pub samples: usize,
    /// Rate in Hz; 0 for rows and pictures.
    pub rate_hz: f64,
    /// Axes of a recording.
    pub axes: Vec<String>,
    /// Recordings whose values were looked at: evenly spaced ones, at most 1000.
    pub looked_at: usize,
    /// Labels, then groups and keys of the metadata, each value a slice.
    pub slices: Vec<Slice>,
    /// One for each label and axis.
    pub levels: Vec<Level>,
    /// One for each axis.
    pub histograms: Vec<Histogram>,
    /// One for each label and axis; none for rows and pictures.
    pub spectra: Vec<Spectrum>,
    /// Of the axes.
    pub axes_correlation: Correlation,
    /// Training windows behind what follows; 0 when the stage `features` is not up to date.
    pub windows: usize,
    /// Features, the most telling first.
    pub features: Vec<FeatureStats>,
    /// Of the most telling features, at most 40.
    pub feature_correlation: Correlation,
    /// Pairs of labels, the nearest first.
    pub pairs: Vec<Pair>,
}

/// What the data are like. A session that only looks tells what is up to date; another brings the features up to date.
///
/// # Errors
/// Whatever a stage returns; those of the store.
pub fn analyse(session: &Session<'_>) -> Result<Analysis, EngineError> {
    Ok(whole(session)?.0)
}

/// One line for each sample beside what is told of all.
struct Line {
    id: String,
    name: String,
    label: String,
    side: Option<Side>,
    frames: usize,
    seconds: f64,
    /// Of each axis, when it was looked at.
    level: Option<Vec<f64>>,
    about: BTreeMap<String, String>,
}

fn whole(session: &Session<'_>) -> Result<(Analysis, Vec<Line>), EngineError> {
    let mut results = Results::default();
    match run::fill(session, 3, &mut results) {
        // What is not up to date, or cannot be built of these data, is left empty; the board says why.
        Err(EngineError::NotBuilt { .. } | EngineError::Data(_)) if session.looking => {}
        filled => filled?,
    }
    let Some(silver) = &results.silver else { return Ok(<(Analysis, Vec<Line>)>::default()) };
    let silver = &silver.value;
    let split = results.split.as_ref().map(|s| &s.value);
    let names = Names::of(session, silver);
    let mut told = Analysis {
        samples: silver.samples.len(),
        rate_hz: silver.format.rate_hz,
        axes: silver.format.axes.iter().map(|a| a.name.clone()).collect(),
        ..Analysis::default()
    };
    let levels = recordings::look(session, silver, &names, &mut told)?;
    let lines = lines(session, silver, split, &names, levels)?;
    told.slices = slices(&lines, told.axes.len());
    if let (Some(gold), Some(split)) = (&results.gold, split) {
        features::look(session, silver, split, &gold.value, &mut told)?;
    }
    Ok((told, lines))
}

/// What samples are called here: numbers that are estimated are no labels to tell apart.
struct Names {
    number: bool,
}

impl Names {
    fn of(session: &Session<'_>, _: &Silver) -> Self {
        let learn = &session.project.file.impulse.learn;
        Self { number: learn.iter().any(|l| l.kind == LearnKind::Regression) }
    }

    fn get(&self, sample: &Cleaned) -> String {
        if self.number {
            return String::new();
        }
        let label = sample.label.as_deref().or(main_label(&sample.ranges));
        label.or(boxes::main_label(sample.boxes.as_deref())).unwrap_or_default().to_owned()
    }
}

fn lines(
    session: &Session<'_>,
    silver: &Silver,
    split: Option<&Split>,
    names: &Names,
    mut levels: BTreeMap<usize, Vec<f64>>,
) -> Result<Vec<Line>, EngineError> {
    let mut about = slices::details(session, |_| true)?;
    let rate_hz = silver.format.rate_hz;
    let line = |(i, s): (usize, &Cleaned)| {
        let mut known = about.remove(&s.id).unwrap_or_default();
        if let Some(group) = &s.group {
            known.insert("group".into(), group.clone());
        }
        Line {
            id: s.id.clone(),
            name: s.name.clone(),
            label: names.get(s),
            side: split.map(|s| s.sides[i]),
            frames: s.frames,
            seconds: if rate_hz > 0.0 { s.frames as f64 / rate_hz } else { 0.0 },
            level: levels.remove(&i),
            about: known,
        }
    };
    Ok(silver.samples.iter().enumerate().map(line).collect())
}

fn slices(lines: &[Line], axes: usize) -> Vec<Slice> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in lines.iter().flat_map(|l| &l.about) {
        values.entry(key).or_default().insert(value);
    }
    let labels: BTreeSet<&str> = lines.iter().map(|l| l.label.as_str()).collect();
    let mut out: Vec<Slice> =
        labels.into_iter().map(|v| slice(lines, axes, "label", v, |l| l.label == v)).collect();
    for (key, values) in values.into_iter().filter(|(_, v)| v.len() <= VALUES) {
        for value in values {
            let has = |l: &Line| l.about.get(key).is_some_and(|v| v == value);
            out.push(slice(lines, axes, key, value, has));
        }
    }
    out
}

fn slice(lines: &[Line], axes: usize, key: &str, value: &str, has: impl Fn(&Line) -> bool) -> Slice {
    let picked: Vec<&Line> = lines.iter().filter(|l| has(l)).collect();
    let side = |side: Side| picked.iter().filter(|l| l.side == Some(side)).count();
    let looked: Vec<&Vec<f64>> = picked.iter().filter_map(|l| l.level.as_ref()).collect();
    let mean = |axis: usize| looked.iter().map(|l| l[axis]).sum::<f64>() / looked.len() as f64;
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    for l in &picked {
        *labels.entry(l.label.clone()).or_default() += 1;
    }
    Slice {
        key: key.to_owned(),
        value: value.to_owned(),
        samples: picked.len(),
        training: side(Side::Training),
        validation: side(Side::Validation),
        testing: side(Side::Testing),
        seconds: picked.iter().map(|l| l.seconds).sum(),
        lengths: Spread::of(picked.iter().map(|l| l.seconds).collect()),
        level: if looked.is_empty() { Vec::new() } else { (0..axes).map(mean).collect() },
        labels,
    }
}

/// Pearson's correlation of columns, of row-major rows.
fn correlation(rows: &[f32], width: usize, columns: &[usize]) -> Vec<Vec<f64>> {
    let count = (rows.len() / width.max(1)).max(1) as f64;
    let standard: Vec<Vec<f64>> = columns
        .iter()
        .map(|&c| {
            let column = || rows.chunks_exact(width).map(|r| f64::from(r[c]));
            let mean = column().sum::<f64>() / count;
            let deviation = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let scale = if deviation > 1e-9 * (1.0 + mean.abs()) { 1.0 / deviation } else { 0.0 };
            column().map(|v| (v - mean) * scale).collect()
        })
        .collect();
    let each = |a: &Vec<f64>| {
        let with = |b: &Vec<f64>| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / count;
        standard.iter().map(|b| with(b).clamp(-1.0, 1.0)).collect()
    };
    standard.iter().map(each).collect()
}

impl Analysis {
    /// For people: the part that fits a screen.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{} samples at {} Hz of {}; values of {} were looked at\n\n{:<28} {:>8} {:>6} {:>6} {:>6} {:>10}  {}\n",
            self.samples,
            self.rate_hz,
            self.axes.join(", "),
            self.looked_at,
            "slice",
            "samples",
            "train",
            "valid",
            "test",
            "seconds",
            "level of each axis"
        );
        for s in &self.slices {
            let level: Vec<String> = s.level.iter().take(6).map(|l| format!("{l:.4}")).collect();
            out.push_str(&format!(
                "{:<28} {:>8} {:>6} {:>6} {:>6} {:>10.1}  {}\n",
                format!("{} = {}", s.key, s.value),
                s.samples,
                s.training,
                s.validation,
                s.testing,
                s.seconds,
                level.join("  ")
            ));
        }
        if self.windows > 0 {
            out.push_str(&format!(
                "\n{} training windows, {} features; the most telling:\n{:>9} {:>11}  feature\n",
                self.windows,
                self.features.len(),
                "explained",
                "information"
            ));
            let number = |v: Option<f64>| v.map_or_else(|| "-".into(), |v| format!("{v:.4}"));
            for f in self.features.iter().take(10) {
                out.push_str(&format!(
                    "{:>9} {:>11}  {}\n",
                    number(f.explained),
                    number(f.information),
                    f.name
                ));
            }
        }
        for p in self.pairs.iter().take(10) {
            out.push_str(&format!(
                "`{}` and `{}` are {:.2} deviations apart in {}, AUROC {:.3}\n",
                p.a, p.b, p.distance, p.feature, p.auroc
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_that_of_pearson() {
        let rows: Vec<f32> =
            (0..50).flat_map(|i| [i as f32, -2.0 * i as f32, 7.0, ((i * 7) % 5) as f32]).collect();
        let found = correlation(&rows, 4, &[0, 1, 2, 3]);
        assert!((found[0][0] - 1.0).abs() < 1e-9 && (found[0][1] + 1.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found[0][2], 0.0, "what does not vary");
        assert!(found[0][3].abs() < 0.2 && found[0][3] == found[3][0], "{found:?}");
    }

    #[test]
    fn a_spread_has_its_quartiles() {
        let spread = Spread::of((0..=100).rev().map(f64::from).collect());
        assert_eq!(
            [spread.min, spread.q25, spread.median, spread.q75, spread.max],
            [0.0, 25.0, 50.0, 75.0, 100.0]
        );
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
