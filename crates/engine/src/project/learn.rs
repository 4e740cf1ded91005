//! `[[impulse.learn]]`: what learns, and how.

use crate::stages::elsewhere::Named;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub(super) fn suits(self, kind: LearnKind) -> bool {
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

/// Whether a parameter may be called so: it must not stand for another argument.
fn argument_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let taken = ["data-directory", "out-directory", "info-file"];
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(letters)
        && !taken.contains(&name)
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

/// `[impulse.learn.backbone]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BackboneSection {
    /// A model in float that was trained elsewhere, or the folder of another project, whose network is taken as it was trained; from the
    /// project's folder on. It takes the features of the block.
    pub model: String,
    /// Learning block of that project; left out: its first network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// Layers with weights that are kept, counted from the input; left out: all but the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
}

impl<'n> From<&'n BackboneSection> for Named<'n> {
    fn from(section: &'n BackboneSection) -> Self {
        Self { key: "impulse.learn.backbone", model: &section.model, block: section.block.as_deref() }
    }
}

/// An argument of a program.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Parameter {
    /// `--NAME 1` or `--NAME 0`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text; one argument.
    Text(String),
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
    /// A network from elsewhere whose first layers stand before the layers that are trained here, and stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backbone: Option<BackboneSection>,
    /// A program that trains the model instead, with its arguments; it is started in the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Further arguments of that program: `NAME = value` becomes `--NAME value`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Seconds that the program may take; 3600 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<u64>,
    /// Layers of the network; left out: a network that suits the features, or none but the last behind a `backbone`.
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
    /// Whether it is a network that the trainer here trains.
    pub(crate) fn trains_network(&self) -> bool {
        self.method == Method::Network
            && self.kind != LearnKind::Anomaly
            && self.file.is_none()
            && self.command.is_none()
    }

    /// What does not go together in it.
    pub(super) fn problem(&self) -> Option<String> {
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
        if self.backbone.is_some()
            && (!matches!(self.kind, LearnKind::Classifier | LearnKind::Regression) || !self.trains_network())
        {
            return Some(
                "`impulse.learn.backbone` is for a network that is trained here, with `kind = \"classifier\"` or `\"regression\"`; \
                 `method`, `file` and `command` have no place beside it"
                    .into(),
            );
        }
        if let Some(command) = &self.command {
            if !matches!(self.kind, LearnKind::Classifier | LearnKind::Regression) {
                return Some(
                    "`impulse.learn.command` is for `kind = \"classifier\"` and `\"regression\"`".into(),
                );
            }
            if self.file.is_some() || self.layers.is_some() {
                return Some(
                    "`impulse.learn.command` trains a model of its own; `file` and `layers` have no place beside it".into(),
                );
            }
            if command.first().is_none_or(|program| program.trim().is_empty()) {
                return Some(
                    "`impulse.learn.command` names no program; write it as `command = [\"python3\", \"train.py\"]`".into(),
                );
            }
        } else if !self.parameters.is_empty() || self.time_limit_s.is_some() {
            return Some(
                "`impulse.learn.parameters` and `time_limit_s` are for a block with a `command`".into(),
            );
        }
        if let Some(name) = self.parameters.keys().find(|k| !argument_name(k)) {
            return Some(format!(
                "`impulse.learn.parameters` has the name `{name}`; a name has letters, digits, `-` and `_`, and no argument of its own block"
            ));
        }
        let keys: [(&str, bool, &[Method]); 15] = [
            ("file", self.file.is_some(), &[Network]),
            ("command", self.command.is_some(), &[Network]),
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
