//! What the data are like: distributions, spectra, correlation, how far labels are apart.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Smallest, quartiles and largest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// Smallest.
    pub min: f64,
    /// A quarter is smaller.
    pub q25: f64,
    /// Half are smaller.
    pub median: f64,
    /// A quarter is larger.
    pub q75: f64,
    /// Largest.
    pub max: f64,
}

/// Samples of a label, or with a value of their metadata.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DataSlice {
    /// `label`, `group` or a key of the metadata.
    pub key: String,
    /// Its value; empty for samples without a label.
    pub value: String,
    /// Cleaned samples.
    pub samples: u64,
    /// Those that train.
    pub training: u64,
    /// Those that validate.
    pub validation: u64,
    /// Those that test.
    pub testing: u64,
    /// Length of all together, in seconds; 0 for rows and pictures.
    pub seconds: f64,
    /// Length of one, in seconds.
    pub lengths: Spread,
    /// Root mean square about the mean of each axis, the mean over recordings that were looked at, in order of the axes.
    pub level: Vec<f64>,
    /// Samples of each label in it.
    pub labels: BTreeMap<String, u64>,
}

/// Values of an axis in recordings of a label.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AxisLevel {
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AxisHistogram {
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AxisSpectrum {
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Correlation {
    /// Rows and columns.
    pub names: Vec<String>,
    /// One list for each row; 0 for what does not vary.
    pub values: Vec<Vec<f64>>,
}

/// A feature on training windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelPair {
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Analysis {
    /// Cleaned samples; 0 when the stage `clean` is not up to date.
    pub samples: u64,
    /// Rate in Hz; 0 for rows and pictures.
    pub rate_hz: f64,
    /// Axes of a recording.
    pub axes: Vec<String>,
    /// Recordings whose values were looked at: evenly spaced ones, at most 1000.
    pub looked_at: u64,
    /// Labels, then groups and keys of the metadata, each value a slice.
    pub slices: Vec<DataSlice>,
    /// One for each label and axis.
    pub levels: Vec<AxisLevel>,
    /// One for each axis.
    pub histograms: Vec<AxisHistogram>,
    /// One for each label and axis; none for rows and pictures.
    pub spectra: Vec<AxisSpectrum>,
    /// Of the axes.
    pub axes_correlation: Correlation,
    /// Training windows behind what follows; 0 when the stage `features` is not up to date.
    pub windows: u64,
    /// Files of it that can be had: tables as CSV and Parquet, pictures as SVG.
    pub files: Vec<String>,
    /// Features, the most telling first, at most 500; the files have all.
    pub features: Vec<FeatureStats>,
    /// Of the most telling features, at most 40.
    pub feature_correlation: Correlation,
    /// Pairs of labels, the nearest first.
    pub pairs: Vec<LabelPair>,
}
