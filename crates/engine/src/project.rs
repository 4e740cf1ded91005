//! The project file, `edgewright.toml`, and the folder that holds it.

use crate::{EngineError, dataset::RangesSection};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Name of the project file.
pub const FILE_NAME: &str = "edgewright.toml";
/// Folder beside it with the database and the objects; may be ignored by version control.
pub const STATE_DIR: &str = ".edgewright";

/// Contents of `edgewright.toml`. Every key is optional; unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectFile {
    /// Name and seed.
    pub project: ProjectSection,
    /// Files that `run` imports.
    pub data: Vec<DataSource>,
    /// How text tables are read.
    pub tables: TablesSection,
    /// `[labels]`: what labels are called in this project, `"as received" = "as used"`. Two that get one name are one class; what is
    /// renamed to `""` has no label. What was received stays as it is.
    pub labels: BTreeMap<String, String>,
    /// Cleaning of every recording.
    pub clean: CleanSection,
    /// Which samples test and which validate.
    pub split: SplitSection,
    /// Window, DSP blocks, learning blocks.
    pub impulse: ImpulseSection,
    /// How the networks are trained.
    pub training: TrainingSection,
    /// Floors that make `run` and `test` fail.
    pub evaluation: EvaluationSection,
    /// What is exported and proven.
    pub deploy: DeploySection,
}

/// `[project]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSection {
    /// Name; prefix of emitted code. Empty: name of the folder.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for ProjectSection {
    fn default() -> Self {
        Self { name: String::new(), description: String::new(), seed: 1 }
    }
}

/// `[[data]]`: files that `run` imports and keeps in step with the folder.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// File or folder, relative to the project.
    pub path: String,
    /// A fixed label, instead of `label_from`.
    #[serde(default)]
    pub label: Option<String>,
    /// `folder`, `name`, `name:REGEX`, `column:NAME` or `sidecar`.
    #[serde(default)]
    pub label_from: Option<String>,
    /// `folder`, `regex:RE` or `column:NAME`: samples of one group stay on one side of the split.
    #[serde(default)]
    pub group_from: Option<String>,
    /// `training`, `testing` or `split` (the split stage decides).
    #[serde(default = "split_word")]
    pub category: String,
    /// Rate in Hz of files that do not say it.
    #[serde(default)]
    pub rate_hz: Option<f64>,
    /// `auto`, or a format name.
    #[serde(default)]
    pub format: Option<String>,
    /// Key that acquisition JSON and CBOR must be signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_key: Option<String>,
}

fn split_word() -> String {
    "split".into()
}

/// `[tables]`: how CSV and other text tables are read at import.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TablesSection {
    /// What the rows are.
    pub rows: Rows,
    /// What stands for a missing value beside empty cells, `?`, `NA`, `null`, `none` and `-`, such as `"-200"`. Rows that are samples
    /// are left out of training and test when the label or an axis that is used (`impulse.axes`) is missing; a time series with a gap is
    /// refused.
    pub missing: Vec<String>,
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// Samples when the table has a label column and no time; else a time series.
    #[default]
    Auto,
    /// Samples when the table has a label column, whether it has a time or not.
    Samples,
    /// A time series, cut where label or group change.
    Series,
}

/// `[clean]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CleanSection {
    /// Cut quiet ends that lie this many dB below the loudest part (audio and motion); off when left out.
    pub trim_db: Option<f64>,
    /// Kept on each side of what `trim_db` leaves, in ms.
    pub trim_margin_ms: Option<f64>,
    /// Flag recordings shorter than this, in ms.
    pub min_ms: Option<f64>,
    /// Keep exact duplicates of a recording (same bytes) instead of dropping all but the first.
    pub keep_duplicates: bool,
}

/// `[split]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSection {
    /// Share of the samples of category `split` that test, 0..1.
    pub test: f64,
    /// Share of the training samples that validate, 0..1.
    pub validation: f64,
}

impl Default for SplitSection {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.2 }
    }
}

/// `[impulse]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImpulseSection {
    /// Length of a window in ms. Left out: 1000 for audio, 2000 for other series.
    pub window_ms: Option<f64>,
    /// From the start of one window to the next, in ms. Left out: half a window.
    pub stride_ms: Option<f64>,
    /// Rate in Hz to which recordings are resampled. Left out: the rate of most recordings.
    pub rate_hz: Option<f64>,
    /// Axes by name, in order. Left out: those of the first recording.
    pub axes: Option<Vec<String>>,
    /// Fill recordings shorter than a window with zeros.
    pub zero_pad: bool,
    /// Width and height to which images are resized.
    pub image: Option<[usize; 2]>,
    /// How images of another shape are brought to that: `squash`, `fit-shortest` (the middle) or `fit-longest` (black beside it).
    pub fit: edgewright_sample::Fit,
    /// What windows of recordings with labelled parts are called.
    pub ranges: RangesSection,
    /// Which features are kept; left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<SelectSection>,
    /// Feature extraction.
    pub dsp: Vec<DspSection>,
    /// What is learned.
    pub learn: Vec<LearnSection>,
}

impl Default for ImpulseSection {
    fn default() -> Self {
        Self {
            window_ms: None,
            stride_ms: None,
            rate_hz: None,
            axes: None,
            zero_pad: true,
            image: None,
            fit: edgewright_sample::Fit::default(),
            ranges: RangesSection::default(),
            select: None,
            dsp: Vec::new(),
            learn: Vec::new(),
        }
    }
}

/// `[impulse.select]`: the features that are kept. Learning blocks take just these, and the device computes no block, axis or
/// generator of which none is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectSection {
    /// How they are chosen.
    pub method: SelectMethod,
    /// By mutual information: how many.
    pub keep: Option<usize>,
    /// By list: their names, as `edgewright dsp importance` prints them.
    pub features: Vec<String>,
}

/// How features are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectMethod {
    /// Those that tell most of the labels on training windows, each alone.
    #[default]
    MutualInformation,
    /// Those that are named.
    List,
}

impl SelectSection {
    /// What does not go together in it.
    fn problem(&self, learn: &[LearnSection]) -> Option<String> {
        let list = self.method == SelectMethod::List;
        match (list, self.keep, self.features.is_empty()) {
            _ if learn.iter().any(|l| l.kind == LearnKind::Detection) => {
                Some("`impulse.select` does not go with `kind = \"detection\"`, which needs the whole picture; remove it".into())
            }
            (false, None, _) => Some("`impulse.select.keep` is missing: how many features to keep, at least 1".into()),
            (false, Some(0), _) => Some("`impulse.select.keep` is 0; it must be at least 1".into()),
            (false, _, false) => Some("`impulse.select.features` is for `method = \"list\"`".into()),
            (true, Some(_), _) => Some("`impulse.select.keep` is for `method = \"mutual_information\"`".into()),
            (true, None, true) => Some("`impulse.select.features` is empty; name at least one feature".into()),
            _ => None,
        }
    }
}

/// `[[impulse.dsp]]`: a block with its parameters beside the keys named here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DspSection {
    /// Name of the block: see `edgewright dsp list`.
    pub block: String,
    /// Name in the project; left out: the block's name.
    #[serde(default)]
    pub id: Option<String>,
    /// Implementation version; left out: the newest.
    #[serde(default)]
    pub version: Option<u32>,
    /// Axes by name; left out: all.
    #[serde(default)]
    pub axes: Option<Vec<String>>,
    /// Parameters of the block.
    #[serde(flatten)]
    pub params: BTreeMap<String, toml::Value>,
}

/// Kinds of learning blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LearnKind {
    /// One label per window.
    Classifier,
    /// One number per window.
    Regression,
    /// Objects of a picture by the cells that hold their centres.
    Detection,
    /// K-means distance from what was seen in training.
    Anomaly,
}

/// How a learning block learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A network for classes and numbers, K-means for anomalies.
    #[default]
    Network,
    /// Random forest.
    RandomForest,
    /// Gradient boosting of trees.
    GradientBoosting,
    /// Logistic regression; classes only.
    LogisticRegression,
    /// Ridge regression; numbers only.
    RidgeRegression,
    /// K-means; anomalies only.
    Kmeans,
    /// Mixture of Gaussians; anomalies only.
    Gmm,
    /// Gaussian naive Bayes; classes only.
    NaiveBayes,
    /// Linear support vector machine, each class against the others; classes only.
    LinearSvm,
    /// The nearest of some kept windows; classes only.
    Knn,
    /// Support vector machine with a radial kernel, each class against the others; classes only.
    RbfSvm,
    /// How few random splits set a window apart from normal ones; anomalies only.
    IsolationForest,
    /// Distance to the nearest of some normal windows; anomalies only.
    OneClassKnn,
    /// What principal components of normal windows cannot rebuild; anomalies only, pictures too.
    Pca,
    /// The best rule on one feature: up to four ranges of it, each with its answer.
    Rule,
}

/// Kind of covariance of a mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CovarianceKind {
    /// Every pair of features.
    Full,
    /// Each feature alone.
    Diagonal,
}

impl Method {
    /// Word in the project file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::RandomForest => "random_forest",
            Self::GradientBoosting => "gradient_boosting",
            Self::LogisticRegression => "logistic_regression",
            Self::RidgeRegression => "ridge_regression",
            Self::Kmeans => "kmeans",
            Self::Gmm => "gmm",
            Self::NaiveBayes => "naive_bayes",
            Self::LinearSvm => "linear_svm",
            Self::Knn => "knn",
            Self::RbfSvm => "rbf_svm",
            Self::IsolationForest => "isolation_forest",
            Self::OneClassKnn => "one_class_knn",
            Self::Pca => "pca",
            Self::Rule => "rule",
        }
    }

    /// Whether blocks of a kind can learn so.
    fn suits(self, kind: LearnKind) -> bool {
        match self {
            Self::Network => true,
            Self::RandomForest | Self::GradientBoosting | Self::Rule => {
                matches!(kind, LearnKind::Classifier | LearnKind::Regression)
            }
            Self::LogisticRegression | Self::NaiveBayes | Self::LinearSvm | Self::Knn | Self::RbfSvm => {
                kind == LearnKind::Classifier
            }
            Self::RidgeRegression => kind == LearnKind::Regression,
            Self::Kmeans | Self::Gmm | Self::OneClassKnn | Self::Pca | Self::IsolationForest => {
                kind == LearnKind::Anomaly
            }
        }
    }
}

fn usual(method: &Method) -> bool {
    *method == Method::default()
}

/// How large boxes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BoxSize {
    /// At least as large as the objects of their label in training: the median of width and height.
    #[default]
    Usual,
    /// As large as the cells that they are made of.
    Cells,
}

/// `[[impulse.learn]]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LearnSection {
    /// Kind of the block.
    pub kind: LearnKind,
    /// How it learns: `network` (K-means for anomalies) when left out.
    #[serde(default, skip_serializing_if = "usual")]
    pub method: Method,
    /// Name in the project; left out: the kind.
    #[serde(default)]
    pub id: Option<String>,
    /// Ids of DSP blocks; left out: all.
    #[serde(default)]
    pub inputs: Option<Vec<String>>,
    /// A model that was trained elsewhere, below the project's folder; it is not trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Labels of that model's outputs in their order; left out: the project's labels in alphabetical order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Layers of the network; left out: a network that suits the features.
    #[serde(default)]
    pub layers: Option<Vec<edgewright_train::Layer>>,
    /// Detection without `layers`: pixels from one cell to the next, 4, 8 or 16; 8 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<usize>,
    /// Detection: how many times as much as a cell of background a cell with an object counts in training; 5 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_weight: Option<f64>,
    /// Detection: score from which a cell counts as an object, 0..1; 0.5 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Detection: `usual` draws boxes at least as large as the objects of their label usually are, `cells` as large as their cells;
    /// `usual` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<BoxSize>,
    /// Classifier: windows whose highest score lies below it are uncertain, on the device too, 0..1; none is when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Anomaly: number of clusters, 32 when left out.
    #[serde(default)]
    pub clusters: Option<usize>,
    /// `one_class_knn` and `knn`: training windows that are kept, at most; `rbf_svm`: centres of training windows that the kernel is
    /// computed on, at most. 64; each takes four bytes for each feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prototypes: Option<usize>,
    /// `knn`: windows that most of as many nearest others contradict are left out, an odd number; 3. 0 leaves none out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
    /// `rbf_svm`: steepness of the kernel on standardised features; left out: one over the number of features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Anomaly: names of the features to look at; left out: chosen on the training data.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// Anomaly: share of normal windows that may score above the threshold, 0..1; 0.01 when left out.
    #[serde(default)]
    pub false_alarm_rate: Option<f64>,
    /// Trees of a forest or an isolation forest (50), rounds of boosting (100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trees: Option<usize>,
    /// Splits of a tree from root to leaf, at most: 10 in a forest, 8 in boosting, 7 in an isolation forest, whose trees are grown on 2 to
    /// that power windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Boosting: leaves of a tree, at most; 31.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_leaves: Option<usize>,
    /// Training windows of a leaf: 2 in a forest, 20 in boosting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_leaf: Option<usize>,
    /// Boosting: share of each tree's answer that is added; 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Pull of weights or leaf values towards zero: 1 in linear models (above 0 in `linear_svm` and `rbf_svm`), 0 in boosting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Mixture: number of Gaussians; left out: 1 to 8, whichever explains the rows best for its size. `pca`: number of components, 1 to
    /// 32; left out: as many as explain nine tenths of the variance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
    /// Mixture: `full` or `diagonal`; left out: whichever explains the rows best for its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariance: Option<CovarianceKind>,
}

impl LearnSection {
    /// What does not go together in it.
    fn problem(&self) -> Option<String> {
        use Method::{
            Gmm, GradientBoosting, IsolationForest, Kmeans, Knn, LinearSvm, LogisticRegression, Network,
            OneClassKnn, Pca, RandomForest, RbfSvm, RidgeRegression,
        };
        let method = self.method;
        if !method.suits(self.kind) {
            return Some(format!(
                "`impulse.learn.method` is `{}`, which does not suit `kind = \"{}\"`",
                method.name(),
                match self.kind {
                    LearnKind::Classifier => "classifier",
                    LearnKind::Regression => "regression",
                    LearnKind::Detection => "detection",
                    LearnKind::Anomaly => "anomaly",
                }
            ));
        }
        if self.min_confidence.is_some() && self.kind != LearnKind::Classifier {
            return Some("`impulse.learn.min_confidence` is for `kind = \"classifier\"`".into());
        }
        let keys: [(&str, bool, &[Method]); 14] = [
            ("file", self.file.is_some(), &[Network]),
            ("clusters", self.clusters.is_some(), &[Network, Kmeans]),
            ("prototypes", self.prototypes.is_some(), &[OneClassKnn, Knn, RbfSvm]),
            ("neighbours", self.neighbours.is_some(), &[Knn]),
            ("gamma", self.gamma.is_some(), &[RbfSvm]),
            ("components", self.components.is_some(), &[Gmm, Pca]),
            ("covariance", self.covariance.is_some(), &[Gmm]),
            ("layers", self.layers.is_some(), &[Network]),
            ("trees", self.trees.is_some(), &[RandomForest, GradientBoosting, IsolationForest]),
            ("max_depth", self.max_depth.is_some(), &[RandomForest, GradientBoosting, IsolationForest]),
            ("max_leaves", self.max_leaves.is_some(), &[GradientBoosting]),
            ("min_leaf", self.min_leaf.is_some(), &[RandomForest, GradientBoosting]),
            ("learning_rate", self.learning_rate.is_some(), &[GradientBoosting]),
            (
                "l2",
                self.l2.is_some(),
                &[GradientBoosting, LogisticRegression, RidgeRegression, LinearSvm, RbfSvm],
            ),
        ];
        keys.iter().find(|(_, set, of)| *set && !of.contains(&method)).map(|(key, _, of)| {
            let of: Vec<&str> = of.iter().map(|m| m.name()).collect();
            format!("`impulse.learn.{key}` is for the method {}, not for `{}`", of.join(", "), method.name())
        })
    }
}

/// `[training]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    /// Largest number of passes over the training windows.
    pub epochs: usize,
    /// Windows per step.
    pub batch_size: usize,
    /// Step size of the optimiser at its peak.
    pub learning_rate: f64,
    /// Epochs without a better validation loss before training stops; 0 trains to the end.
    pub patience: usize,
    /// Weigh classes by the inverse of their frequency; the objects of a detection block all count the same.
    pub balance_classes: bool,
    /// Pull of the weights towards zero.
    pub weight_decay: f64,
    /// Share of each target spread over the other labels.
    pub label_smoothing: f64,
    /// What is minimised: `{ type = "usual" }` (cross-entropy or squared error), `{ type = "focal", gamma = 2.0 }`,
    /// `{ type = "huber", delta = 1.0 }` or `{ type = "quantile", quantile = 0.9 }`.
    pub loss: edgewright_train::Loss,
    /// `adamw`, `adam`, `rmsprop`, `lion` or `sgd` (momentum 0.9).
    pub optimizer: edgewright_train::Optimizer,
    /// How the step size changes: `{ type = "cosine" }`, `{ type = "constant" }`, `{ type = "step", every = 10, factor = 0.5 }` or
    /// `{ type = "plateau", patience = 5, factor = 0.5 }`.
    pub schedule: edgewright_train::Schedule,
    /// Epochs over which the step size rises at the start, at most a quarter of all.
    pub warmup_epochs: f64,
    /// Largest norm of a gradient; 0 for any.
    pub clip_norm: f64,
    /// Weight of the past in a running mean of the weights, which is then validated and kept, 0..1; 0 for none.
    pub ema: f64,
    /// Changes of the training features, made anew each epoch, never on validation or test.
    pub augment: edgewright_train::Augment,
    /// Divide what the softmax of a classifier reads by a temperature, fitted on validation windows, so that its scores are nearer to
    /// probabilities. The weights of the last layer change; nothing more is computed. Off when left out: where validation is not like
    /// use, it makes them worse.
    pub calibrate: bool,
    /// A larger network that is trained first and from whose scores this one learns beside the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherSection>,
    /// Share of the filters and units of each layer that are removed once it is trained, those that tell least, 0..1; 0 for none.
    #[serde(skip_serializing_if = "nothing")]
    pub prune: f64,
    /// Train on in int8 arithmetic, so that weights get used to being integers; what is trained is what the device computes.
    #[serde(skip_serializing_if = "not")]
    pub quantisation_aware: bool,
    /// Epochs after `prune`, and of `quantisation_aware`.
    #[serde(skip_serializing_if = "usual_tuning")]
    pub fine_tune_epochs: usize,
}

/// What is left out of the keys of stages at its default: a project that does not use it is not trained anew.
fn nothing(value: &f64) -> bool {
    *value == 0.0
}

fn not(value: &bool) -> bool {
    !value
}

fn usual_tuning(value: &usize) -> bool {
    *value == TrainingSection::default().fine_tune_epochs
}

/// `[training.teacher]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeacherSection {
    /// Its layers; left out: those of the network with `times` as many filters and units.
    pub layers: Option<Vec<edgewright_train::Layer>>,
    /// At least 2.
    pub times: usize,
    /// Scores of both are softened by it before they are compared, 1 to 100.
    pub temperature: f64,
    /// Share of the teacher in what is minimised, above 0 and at most 1; the rest are the labels.
    pub share: f64,
}

impl Default for TeacherSection {
    fn default() -> Self {
        Self { layers: None, times: 3, temperature: 4.0, share: 0.5 }
    }
}

impl TrainingSection {
    /// Whether networks are taught, pruned or trained in int8.
    pub(crate) fn steps(&self) -> bool {
        self.teacher.is_some() || self.prune > 0.0 || self.quantisation_aware
    }

    /// What cannot be in it.
    fn problem(&self) -> Option<String> {
        if self.epochs == 0 || self.batch_size == 0 {
            return Some("`training.epochs` and `training.batch_size` must be at least 1".into());
        }
        if !(0.0..1.0).contains(&self.prune) {
            return Some(format!("`training.prune` is {}; it must be at least 0 and below 1", self.prune));
        }
        if self.fine_tune_epochs == 0 && (self.prune > 0.0 || self.quantisation_aware) {
            return Some(
                "`training.fine_tune_epochs` is 0; `prune` and `quantisation_aware` need at least 1".into(),
            );
        }
        let teacher = self.teacher.as_ref()?;
        if teacher.times < 2 && teacher.layers.is_none() {
            return Some(format!("`training.teacher.times` is {}; it must be at least 2", teacher.times));
        }
        if !(1.0..=100.0).contains(&teacher.temperature) {
            return Some(format!(
                "`training.teacher.temperature` is {}; it must be 1 to 100",
                teacher.temperature
            ));
        }
        (!(teacher.share > 0.0 && teacher.share <= 1.0)).then(|| {
            format!("`training.teacher.share` is {}; it must be above 0 and at most 1", teacher.share)
        })
    }
}

impl Default for TrainingSection {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch_size: 32,
            learning_rate: 0.003,
            patience: 15,
            balance_classes: true,
            weight_decay: 0.0001,
            label_smoothing: 0.0,
            loss: edgewright_train::Loss::default(),
            optimizer: edgewright_train::Optimizer::default(),
            schedule: edgewright_train::Schedule::default(),
            warmup_epochs: 1.0,
            clip_norm: 5.0,
            ema: 0.0,
            augment: edgewright_train::Augment::default(),
            calibrate: false,
            teacher: None,
            prune: 0.0,
            quantisation_aware: false,
            fine_tune_epochs: 15,
        }
    }
}

/// `[evaluation]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSection {
    /// `run` and `test` fail below this accuracy of the int8 model, 0..1.
    pub min_accuracy: Option<f64>,
    /// `run` and `test` fail below this F1 of the objects that the int8 model finds, 0..1.
    pub min_f1: Option<f64>,
    /// `run` and `test` fail below this AUROC of the anomaly block, 0..1.
    pub min_auroc: Option<f64>,
    /// `run` and `test` fail when int8 loses more points of accuracy (or F1 of objects) than this.
    pub max_int8_loss: Option<f64>,
    /// Accuracy that windows above a least confidence should have: `test` suggests one, found on validation windows. 0.95 when left out.
    pub target_accuracy: Option<f64>,
    /// Share of windows whose set of labels should hold the right one, 0..1; 0.9 when left out. When it is given, `classify` prints sets.
    pub coverage: Option<f64>,
    /// How sets are made.
    pub sets: SetKind,
}

/// How a set of labels is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetKind {
    /// All labels that score at least as much as a limit: the smallest sets on average.
    #[default]
    Lac,
    /// Labels from the highest score down while their sum stays within a limit: never empty.
    Aps,
}

/// `[deploy]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeploySection {
    /// Targets on which the emitted code is built and executed: see `edgewright targets`.
    pub targets: Vec<String>,
    /// Kind of package that `run` exports.
    pub package: String,
    /// Random windows run on the host beside the test set.
    pub cases: usize,
    /// Test windows run on each emulated board.
    pub board_cases: usize,
}

impl Default for DeploySection {
    fn default() -> Self {
        Self {
            targets: vec!["host".into(), "cortex-m4f".into()],
            package: "c".into(),
            cases: 10_000,
            board_cases: 100,
        }
    }
}

impl ProjectFile {
    /// Least confidence of each learning block: what the trained impulse gets on its way out of the store.
    pub fn min_confidences(&self) -> Vec<Option<f64>> {
        self.impulse.learn.iter().map(|l| l.min_confidence).collect()
    }

    /// Reads the text of a project file.
    ///
    /// # Errors
    /// [`EngineError::ProjectFile`] naming line and key, with the nearest known key as a hint.
    pub fn parse(text: &str, path: &Path) -> Result<Self, EngineError> {
        toml::from_str(text).map_err(|e| EngineError::ProjectFile {
            path: path.to_path_buf(),
            message: with_suggestion(&e.to_string()),
        })
    }
}

/// Adds the nearest known key to serde's message about an unknown one.
fn with_suggestion(message: &str) -> String {
    let message = message.trim_end();
    let Some(rest) =
        message.split("unknown field `").nth(1).or_else(|| message.split("unknown variant `").nth(1))
    else {
        return message.to_owned();
    };
    let Some((unknown, rest)) = rest.split_once('`') else {
        return message.to_owned();
    };
    let known = rest.split('`').skip(1).step_by(2);
    match nearest(unknown, known) {
        Some(best) => format!("{message}\nhint: did you mean `{best}`?"),
        None => message.to_owned(),
    }
}

/// The candidate most like `word`, when one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, c)| c)
}

/// A project folder: the file, read, and where its state lies.
#[derive(Clone, Debug)]
pub struct Project {
    /// Folder that holds `edgewright.toml`.
    pub dir: PathBuf,
    /// Its contents.
    pub file: ProjectFile,
}

impl Project {
    /// Reads the project in `dir`.
    ///
    /// # Errors
    /// [`EngineError::NoProject`] when there is no project file, [`EngineError::ProjectFile`] when it is wrong.
    pub fn open(dir: &Path) -> Result<Self, EngineError> {
        let path = dir.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(EngineError::NoProject { dir: dir.to_path_buf() });
            }
            Err(source) => return Err(EngineError::Io { path, source }),
        };
        Self::parse(dir, &text)
    }

    /// The project that `dir` would hold with this text as its file.
    ///
    /// # Errors
    /// [`EngineError::ProjectFile`].
    pub fn parse(dir: &Path, text: &str) -> Result<Self, EngineError> {
        let path = dir.join(FILE_NAME);
        let mut file = ProjectFile::parse(text, &path)?;
        if file.project.name.is_empty() {
            let folder = std::path::absolute(dir)
                .ok()
                .and_then(|d| d.file_name().map(|n| n.to_string_lossy().into_owned()))
                .unwrap_or_default();
            file.project.name = folder;
        }
        file.check(&path)?;
        Ok(Self { dir: dir.to_path_buf(), file })
    }

    /// Where the database and the objects lie.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.join(STATE_DIR)
    }

    /// Where `run` puts exported packages.
    pub fn build_dir(&self) -> PathBuf {
        self.dir.join("build")
    }

    /// Where `run` and `report` put the report.
    pub fn report_dir(&self) -> PathBuf {
        self.dir.join("report")
    }
}

impl ProjectFile {
    /// Refuses values that no stage could work with.
    fn check(&self, path: &Path) -> Result<(), EngineError> {
        let fail = |message: String| Err(EngineError::ProjectFile { path: path.to_path_buf(), message });
        let share = |name: &str, v: f64| {
            if (0.0..1.0).contains(&v) {
                None
            } else {
                Some(format!("`{name}` is {v}; it must be at least 0 and below 1"))
            }
        };
        let positive = |name: &str, v: Option<f64>| match v {
            Some(v) if v <= 0.0 || !v.is_finite() => Some(format!("`{name}` is {v}; it must be above 0")),
            _ => None,
        };
        let problems = [
            share("split.test", self.split.test),
            share("split.validation", self.split.validation),
            positive("impulse.window_ms", self.impulse.window_ms),
            positive("impulse.stride_ms", self.impulse.stride_ms),
            positive("impulse.rate_hz", self.impulse.rate_hz),
            positive("training.learning_rate", Some(self.training.learning_rate)),
            self.evaluation.coverage.and_then(|v| share("evaluation.coverage", v)),
            self.evaluation.target_accuracy.and_then(|v| share("evaluation.target_accuracy", v)),
        ];
        let learn = self.impulse.learn.iter().find_map(LearnSection::problem);
        let select = self.impulse.select.as_ref().and_then(|s| s.problem(&self.impulse.learn));
        if let Some(problem) = problems.into_iter().flatten().next().or(learn).or(select) {
            return fail(problem);
        }
        if let Some(problem) = self.training.problem() {
            return fail(problem);
        }
        if let Some([w, h]) = self.impulse.image
            && (w == 0 || h == 0 || w > 4096 || h > 4096)
        {
            return fail(format!("`impulse.image` is [{w}, {h}]; each side must be 1 to 4096"));
        }
        for (from, to) in self.labels.iter().filter(|(_, to)| !to.is_empty()) {
            if let Err(e) = edgewright_sample::labels::validate_label(to) {
                return fail(format!("`labels.\"{from}\"`: {}", e.message));
            }
        }
        if let Some(problem) = self.impulse.ranges.problem() {
            return fail(problem);
        }
        for learn in &self.impulse.learn {
            if let Some(cut) = learn.cut.filter(|c| ![4, 8, 16].contains(c)) {
                return fail(format!("`impulse.learn.cut` is {cut}; it must be 4, 8 or 16"));
            }
            if let Some(problem) = positive("impulse.learn.object_weight", learn.object_weight) {
                return fail(problem);
            }
            if let Some(problem) = learn.min_confidence.and_then(|v| share("impulse.learn.min_confidence", v))
            {
                return fail(problem);
            }
            if let Some(t) = learn.threshold.filter(|t| !(*t > 0.0 && *t < 1.0)) {
                return fail(format!("`impulse.learn.threshold` is {t}; it must lie between 0 and 1"));
            }
        }
        for source in &self.data {
            if !["training", "testing", "split"].contains(&source.category.as_str()) {
                return fail(format!(
                    "`data.category` is `{}`; it must be `training`, `testing` or `split`",
                    source.category
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let error = ProjectFile::parse(text, Path::new("edgewright.toml")).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        check("[impulse]\nwindow_sm = 1000\n", "did you mean `window_ms`");
        check("[trainning]\nepochs = 3\n", "did you mean `training`");
        check("[[data]]\npath = 'x'\nlabel_form = 'name'\n", "did you mean `label_from`");
        check("[training]\nquantization_aware = true\n", "did you mean `quantisation_aware`");
        check("[training.teacher]\ntemprature = 2\n", "did you mean `temperature`");
        check("[[impulse.learn]]\nkind = 'clasifier'\n", "did you mean `classifier`");
    }

    #[test]
    fn an_empty_file_has_the_defaults() {
        let file = ProjectFile::parse("", Path::new("edgewright.toml")).expect("accepted");
        assert_eq!(file, ProjectFile::default());
        assert_eq!(file.project.seed, 1);
    }

    #[test]
    fn impossible_values_are_named() {
        let file = ProjectFile::parse("[split]\ntest = 1.5\n", Path::new("p")).expect("parses");
        let error = file.check(Path::new("p")).expect_err("refused").to_string();
        assert!(error.contains("split.test"), "{error}");
        for (training, expected) in [
            ("prune = 1.0", "`training.prune` is 1; it must be at least 0 and below 1"),
            ("quantisation_aware = true\nfine_tune_epochs = 0", "`training.fine_tune_epochs` is 0"),
            ("teacher = { temperature = 0.5 }", "`training.teacher.temperature` is 0.5"),
            ("teacher = { times = 1 }", "`training.teacher.times` is 1"),
            ("teacher = { share = 0.0 }", "`training.teacher.share` is 0"),
        ] {
            let file =
                ProjectFile::parse(&format!("[training]\n{training}\n"), Path::new("p")).expect("parses");
            let error = file.check(Path::new("p")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for (learn, expected) in [
            ("kind = 'classifier'\nmethod = 'ridge_regression'", "does not suit `kind = \"classifier\"`"),
            (
                "kind = 'regression'\nmethod = 'random_forest'\nmax_leaves = 3",
                "`impulse.learn.max_leaves` is for the method gradient_boosting",
            ),
            (
                "kind = 'classifier'\ntrees = 3",
                "random_forest, gradient_boosting, isolation_forest, not for `network`",
            ),
        ] {
            let text = format!("[[impulse.learn]]\n{learn}\n");
            let file = ProjectFile::parse(&text, Path::new("p")).expect("parses");
            let error = file.check(Path::new("p")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
