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
    /// Labels of parts, in order; then there is no label.
    pub ranges: Vec<LabelRange>,
    /// Boxes around the objects of a picture; `null` where nobody looked for any.
    pub boxes: Option<Vec<LabelBox>>,
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

/// A labelled part of a recording.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelRange {
    /// Its label.
    pub label: String,
    /// First frame.
    pub start: u64,
    /// Last frame, inclusive.
    pub end: u64,
    /// Further keys and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_map: BTreeMap<String, String>,
}

/// A part of a recording.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// First frame.
    pub start: u64,
    /// Last frame, inclusive.
    pub end: u64,
}

/// Parts of a recording, in order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartList {
    /// Each around an event; none when nothing stands out.
    pub parts: Vec<Part>,
}

/// How long the parts are to be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PartQuery {
    /// In ms; 1000 when left out.
    pub length_ms: Option<f64>,
}

/// What to cut a recording into.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// 1 to 1000.
    pub parts: Vec<Part>,
    /// Whether the whole is used further; left out: it is disabled.
    #[serde(default)]
    pub keep: bool,
}

/// A labelled rectangle, in pixels of the picture as received.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelBox {
    /// Its label.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Above 0.
    pub width: f64,
    /// Above 0.
    pub height: f64,
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

/// A step of cleaning.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Name.
    pub name: String,
    /// What it did.
    pub detail: String,
}

/// A sample's way from its file to its windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// As received.
    pub received: SampleDetail,
    /// What cleaning did, in order.
    pub lineage: Vec<Step>,
    /// What cleaning noticed: `kind: message`.
    pub flags: Vec<String>,
    /// Why it was left out, when it was.
    pub rejected: Option<String>,
    /// `training`, `validation` or `testing`; `null` when it was left out.
    pub side: Option<String>,
    /// First frames of its windows.
    pub windows: Vec<u64>,
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
    /// New label; the empty text takes it away. Labels of parts go.
    #[serde(default)]
    pub label: Option<String>,
    /// New labels of parts, of one sample; none takes them away. The label of the whole goes.
    #[serde(default)]
    pub ranges: Option<Vec<LabelRange>>,
    /// New boxes, of one picture; none says that it holds no object.
    #[serde(default)]
    pub boxes: Option<Vec<LabelBox>>,
    /// Takes the boxes of a picture away: nobody looked for any.
    #[serde(default)]
    pub forget_boxes: bool,
    /// New category.
    #[serde(default)]
    pub category: Option<Category>,
    /// Whether to leave them out of everything.
    #[serde(default)]
    pub disabled: Option<bool>,
    /// Facts to set, or to take away where they are `null`; others stay. What is set here stays when the file is imported again.
    #[serde(default)]
    pub metadata: BTreeMap<String, Option<String>>,
}

/// A change of one field of a sample.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SampleChange {
    /// When.
    pub at: i64,
    /// Name of the account or key; `command line`, or what else changed it.
    pub who: String,
    /// `label`, `agreed` (somebody else gave the same label), `parts`, `boxes`, `category`, `use`, or `fact NAME`.
    pub field: String,
    /// What it was, for people; `null` where there was nothing.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// What people changed of a sample. What came with its file is none of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SampleHistory {
    /// The newest first; of the newest 200 changes.
    pub changes: Vec<SampleChange>,
}

/// How far the people who labelled the samples agree.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelAgreement {
    /// Who labelled how many samples, in order of name.
    pub people: Vec<LabelledBy>,
    /// Samples that two people or more labelled.
    pub samples: u64,
    /// Share of the pairs of labels of one sample that are the same, 0..=1; `null` without such a sample.
    pub agreement: Option<f64>,
    /// Fleiss' kappa, at most 1; `null` where all labels are one.
    pub fleiss_kappa: Option<f64>,
    /// Each two people who labelled a sample in common.
    pub pairs: Vec<AgreementPair>,
    /// Samples that people label differently, in order of name; the first 1000.
    pub disputed: Vec<DisputedLabel>,
}

/// Somebody who labelled.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelledBy {
    /// Name of the account or key.
    pub who: String,
    /// Samples.
    pub samples: u64,
}

/// Two people who labelled a sample in common.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AgreementPair {
    /// One,
    pub first: String,
    /// and the other.
    pub second: String,
    /// Samples that both labelled.
    pub samples: u64,
    /// Share of them with the same label, 0..=1.
    pub agreement: f64,
    /// Cohen's kappa, at most 1; `null` where both give one label throughout.
    pub cohen_kappa: Option<f64>,
}

/// A sample that people label differently.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputedLabel {
    /// Its id.
    pub sample: String,
    /// Its name.
    pub name: String,
    /// The label that each person gave last.
    pub labels: BTreeMap<String, String>,
}

/// What the split would become.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RebalanceQuery {
    /// Share of the samples that test, at least 0 and below 1; that of the project file when left out.
    pub test: Option<f64>,
    /// Share of the others that watch training; that of the project file when left out.
    pub validation: Option<f64>,
    /// Whether samples that a person or a folder put into training or testing are free again.
    pub free: Option<bool>,
}

/// Samples on each side of the split.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sides {
    /// That train.
    pub training: u64,
    /// That watch training.
    pub validation: u64,
    /// That only test.
    pub testing: u64,
}

/// A label now, and as it would be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelSides {
    /// Label; empty for samples without, and for numbers to estimate.
    pub label: String,
    /// As the project file and the samples say now.
    pub now: Sides,
    /// As they would be.
    pub then: Sides,
}

/// What the split would become, before anything is changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rebalance {
    /// In order of label.
    pub labels: Vec<LabelSides>,
    /// Samples that would change sides.
    pub moved: u64,
    /// Samples whose side was set by a person or a folder of the project file.
    pub fixed: u64,
    /// Shares of the project file: of the samples that test, and of the others that watch training.
    pub test: f64,
    /// Of the others, the share that watches training.
    pub validation: f64,
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
    /// What was noticed in files that were kept: at most 50 different remarks; more are with their samples.
    pub remarks: Vec<Remark>,
    /// Samples per label.
    pub labels: BTreeMap<String, u64>,
    /// Whether it was only tried.
    pub dry_run: bool,
}

/// What was noticed in files that were kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Remark {
    /// Stable word, such as `text_column`.
    pub kind: String,
    /// What was noticed and what was done.
    pub message: String,
    /// The first file in which it was.
    pub file: String,
    /// In how many files the same was noticed.
    pub files: u64,
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
    /// Stable word, such as `duplicate` or `near_duplicate`.
    pub kind: String,
    /// Name of the sample; empty when it is about the whole set.
    pub name: String,
    /// Id of the sample; empty as well then.
    pub sample: String,
    /// What it is and what to do.
    pub message: String,
    /// The label that would mend it, of a `label_typo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
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

/// A file that comes in pieces.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// Name of the file, with its ending; may have folders.
    pub name: String,
    /// Its bytes, at most 512 MiB.
    #[schema(minimum = 1, maximum = 536_870_912)]
    pub size: u64,
}

/// How much of a file has arrived.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// Id.
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Bytes that have arrived; the next piece begins here.
    pub received: u64,
}

/// Where a piece belongs.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PieceQuery {
    /// Byte of the file that it begins with.
    #[param(minimum = 0)]
    pub offset: u64,
}

/// How to take a file in that came in pieces.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FinishQuery {
    /// Label. Left out: see `label_from`.
    pub label: Option<String>,
    /// As for a whole file.
    pub label_from: Option<String>,
    /// As for a whole file.
    pub group_from: Option<String>,
    /// Which side of the split; the split stage decides when left out.
    pub category: Option<Category>,
    /// Rate in Hz of files that do not say it.
    pub rate_hz: Option<f64>,
    /// Only say what would become of it; the upload stays.
    pub dry_run: Option<bool>,
}

/// How to take a file in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
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
    /// Of a table: column that holds the time.
    pub time_column: Option<String>,
    /// Of a table: unit of the time, `s`, `ms`, `us` or `ns`.
    pub time_unit: Option<String>,
    /// Of a table: columns that become axes, with commas between them. A column is named by its header, or by its number from 1.
    pub columns: Option<String>,
    /// Of a table: whether each row is a sample of its own.
    pub rows_are_samples: Option<bool>,
    /// Of a table: whether the first row holds names.
    pub header: Option<bool>,
    /// Of a table: the character between cells.
    pub delimiter: Option<char>,
    /// Only say what would become of it.
    pub dry_run: Option<bool>,
}

/// What would become of a text table.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TablePreview {
    /// Samples in it.
    pub samples: u64,
    /// Rate of the first sample in Hz; 0 when rows are samples.
    pub rate_hz: f64,
    /// Frames of the first sample.
    pub frames: u64,
    /// Names of the axes,
    pub axes: Vec<String>,
    /// and their units.
    pub units: Vec<String>,
    /// Samples of each label, when a column holds it.
    pub labels: std::collections::BTreeMap<String, u64>,
    /// How many groups there are, when a column holds them.
    pub groups: u64,
    /// Remarks.
    pub findings: Vec<String>,
    /// The first values of each axis, at most 400; `null` where one is missing.
    pub values: Vec<Vec<Option<f32>>>,
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
