//! Samples.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which side of the split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Trains (a share of them validates).
    Training,
    /// Only tests.
    Testing,
    /// The split stage decides.
    Split,
}

/// A sample in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    /// Id.
    pub id: String,
    /// Name of the file below the imported folder.
    pub name: String,
    /// Label, if any.
    pub label: Option<String>,
    /// Which side of the split.
    pub category: Category,
    /// Samples of one group stay on one side.
    pub group: Option<String>,
    /// Length in ms; 0 for rows and images.
    pub duration_ms: f64,
    /// Rate in Hz as received; 0 for rows and images.
    pub rate_hz: f64,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// Left out of everything.
    pub disabled: bool,
    /// Whether a person set label, category or `disabled`.
    pub edited: bool,
    /// Number of remarks of the decoder.
    pub findings: u64,
}

/// A page of samples.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SamplePage {
    /// In order of name.
    pub samples: Vec<Sample>,
    /// How many the filter lets through.
    pub total: u64,
    /// Number of the first one here.
    pub offset: u64,
}

/// A sample with everything known of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SampleDetail {
    /// As in a list.
    pub sample: Sample,
    /// Hash of the received bytes.
    pub sha256: String,
    /// Who imported it: `import`, or `data:<n>` for the n-th folder of the project file.
    pub source: String,
    /// Frames as received.
    pub frames: u64,
    /// Width, height and channels of an image.
    pub image: Option<Vec<u64>>,
    /// Remarks of the decoder.
    pub findings: Vec<String>,
    /// Facts from the file.
    pub metadata: BTreeMap<String, String>,
}

/// A change of samples; what is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleEdit {
    /// Which.
    pub ids: Vec<String>,
    /// New label; the empty text takes it away.
    #[serde(default)]
    pub label: Option<String>,
    /// New category.
    #[serde(default)]
    pub category: Option<Category>,
    /// Whether to leave them out of everything.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Samples by id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleIds {
    /// Which.
    pub ids: Vec<String>,
}

/// The data set in numbers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// All samples, the disabled ones left out.
    pub samples: u64,
    /// Disabled ones.
    pub disabled: u64,
    /// In order of label.
    pub labels: Vec<LabelCount>,
}

/// Samples of one label.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LabelCount {
    /// Label, if any.
    pub label: Option<String>,
    /// All of them.
    pub samples: u64,
    /// Of category `training`.
    pub training: u64,
    /// Of category `testing`.
    pub testing: u64,
    /// Of category `split`.
    pub split: u64,
}

/// What an upload became.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportResult {
    /// Samples that are in the project now because of it.
    pub imported: u64,
    /// Of these, how many were there before.
    pub already_there: u64,
    /// Ids of the samples.
    pub ids: Vec<String>,
    /// Refused files.
    pub quarantined: Vec<Quarantined>,
    /// Samples per label.
    pub labels: BTreeMap<String, u64>,
    /// Whether it was only tried.
    pub dry_run: bool,
}

/// A refused file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Quarantined {
    /// Name.
    pub file: String,
    /// Why, and what to do.
    pub reason: String,
}

/// A problem of the data set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Stable word, such as `duplicate`.
    pub kind: String,
    /// Name of the sample; empty when it is about the whole set.
    pub name: String,
    /// Id of the sample; empty as well then.
    pub sample: String,
    /// What it is and what to do.
    pub message: String,
}

/// Problems of the data set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FindingList {
    /// In the order in which they were looked for.
    pub findings: Vec<Finding>,
}

/// Part of a recording, drawn in columns.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Waveform {
    /// Rate in Hz; 0 for rows.
    pub rate_hz: f64,
    /// Frames of the whole recording.
    pub frames: u64,
    /// First frame shown,
    pub from: u64,
    /// and the one after the last.
    pub to: u64,
    /// One per axis.
    pub axes: Vec<WaveformAxis>,
}

/// One axis of a waveform.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaveformAxis {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Smallest value of each column.
    pub low: Vec<f32>,
    /// Largest value of each column.
    pub high: Vec<f32>,
}

/// Which samples to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SampleQuery {
    /// Exactly this label; empty: without a label.
    pub label: Option<String>,
    /// Which side of the split.
    pub category: Option<Category>,
    /// Part of the name, whatever its case.
    pub name: Option<String>,
    /// Left out of everything, or not.
    pub disabled: Option<bool>,
    /// Number of the first sample to list.
    #[param(minimum = 0)]
    pub offset: Option<u64>,
    /// Samples to list: 100 when left out, at most 1000.
    #[param(minimum = 0, maximum = 1000)]
    pub limit: Option<u64>,
}

/// How to take a file in.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UploadQuery {
    /// Name of the file, with its ending; may have folders.
    pub name: String,
    /// Label. Left out: see `label_from`.
    pub label: Option<String>,
    /// `folder`, `name`, `name:REGEX` or `column:NAME`. Left out: the folder in the name if there is one, else the name before its first
    /// dot.
    pub label_from: Option<String>,
    /// `folder`, `regex:RE` or `column:NAME`: samples of one group stay on one side of the split.
    pub group_from: Option<String>,
    /// Which side of the split; the split stage decides when left out.
    pub category: Option<Category>,
    /// Rate in Hz of files that do not say it.
    pub rate_hz: Option<f64>,
    /// Only say what would become of it.
    pub dry_run: Option<bool>,
}

/// Which part of a recording to draw.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WaveformQuery {
    /// First frame.
    #[param(minimum = 0)]
    pub from: Option<u64>,
    /// The frame after the last.
    #[param(minimum = 0)]
    pub to: Option<u64>,
    /// Columns of the drawing: 1000 when left out, at most 4000.
    #[param(minimum = 1, maximum = 4000)]
    pub columns: Option<u64>,
}
