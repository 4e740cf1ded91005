//! What a job is to do. Left out fields are as the command line has them.

use crate::{EngineError, advise, models};
use serde::{Deserialize, Serialize};

/// What a job is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum JobRequest {
    /// Bring the stages up to date.
    Run {
        /// Last stage; all when left out.
        #[serde(default)]
        until: Option<String>,
        /// Seed instead of the project's.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Export one package.
    Build {
        /// As in `--target`.
        target: String,
        /// As in `--package`.
        package: String,
        /// The float impulse instead of the int8 one.
        #[serde(default)]
        float: bool,
    },
    /// Build, execute and compare on targets.
    Verify {
        /// Those of the project when left out.
        #[serde(default)]
        targets: Option<Vec<String>>,
        /// Random windows on the host beside the test set.
        #[serde(default)]
        cases: Option<usize>,
    },
    /// Tell what each feature tells of the labels, and what the trained impulse loses without it.
    Importance {},
    /// Search the parameters of a DSP block.
    Tune {
        /// Name of the block in the project; the first when left out.
        #[serde(default)]
        block: Option<String>,
        /// Settings that are tried, with those of the project file.
        #[serde(default)]
        trials: Option<u32>,
        /// Of the best settings, how many are trained.
        #[serde(default)]
        finalists: Option<u32>,
        /// Seed of the search; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
        /// Write the best settings into the project file.
        #[serde(default)]
        apply: bool,
    },
    /// Suggest a learning rate.
    FindRate {
        /// Id of the network; the first when left out.
        #[serde(default)]
        block: Option<String>,
        /// Seed of weights and order; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Say what to collect next.
    Advise {
        /// Name of the metric; that of the charter when left out.
        #[serde(default)]
        metric: Option<String>,
        /// What it is to reach; the floor of the project file when left out.
        #[serde(default)]
        goal: Option<f64>,
        /// Parts of the training samples that train.
        #[serde(default)]
        parts: Option<Vec<f64>>,
        /// Trainings of each part.
        #[serde(default)]
        repeats: Option<u32>,
        /// Whether to train for a learning curve; it is when left out.
        #[serde(default)]
        curve: Option<bool>,
    },
    /// Train once for each fold of the training recordings.
    CrossValidate {
        /// How many folds; 5 when left out.
        #[serde(default)]
        folds: Option<u32>,
        /// Seed of folds, weights and order; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Train the project with other features, another network or other training beside it.
    Try {
        /// Names of variants; those that the training advises when left out.
        #[serde(default)]
        variants: Option<Vec<String>>,
        /// Keep what was tried as impulses of the project.
        #[serde(default)]
        keep: bool,
        /// Seed; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Take all samples out.
    Export {},
    /// Run a model that is kept for the project.
    ModelRun {
        /// Name of the model file.
        model: String,
        /// Names of files, or INPUT=NAME.
        inputs: Vec<String>,
        /// Name under which the outputs are kept.
        out: String,
        /// Whose integer rules to follow.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Tell what a model costs.
    ModelProfile {
        /// Name of the model file.
        model: String,
        /// Targets; all when empty.
        #[serde(default)]
        targets: Vec<String>,
        /// Build the code and run it where a core can be emulated.
        #[serde(default)]
        execute: bool,
        /// Whose integer rules to follow.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Turn a float model into one of integers.
    ModelQuantize {
        /// Name of the model file.
        model: String,
        /// Names of files, or INPUT=NAME.
        calibration: Vec<String>,
        /// Name under which the new model is kept; its end says the format.
        out: String,
        /// How ranges of activations are chosen.
        #[serde(default)]
        method: Option<String>,
        /// What activations and weights become.
        #[serde(default)]
        scheme: Option<String>,
        /// Type of inputs and outputs.
        #[serde(default)]
        io: Option<String>,
        /// Largest loss that is kept.
        #[serde(default)]
        budget: Option<f64>,
        /// Keep the model whatever it loses.
        #[serde(default)]
        force: bool,
        /// Whose integer rules to follow.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Write a model as code or in another format.
    ModelExport {
        /// Name of the model file.
        model: String,
        /// c, rust, tflite or onnx.
        format: String,
        /// Name under which it is kept: .zip of c and rust.
        out: String,
        /// Target whose kernels C uses.
        #[serde(default)]
        target: Option<String>,
        /// Whose integer rules to follow.
        #[serde(default)]
        reference: Option<String>,
    },
}

/// Settings that a search may try, and train.
const TRIALS: std::ops::RangeInclusive<u32> = 2..=10_000;
const FINALISTS: u32 = 100;

impl JobRequest {
    /// What is asked of advice; `None` for another kind.
    pub(crate) fn advising(&self) -> Option<advise::Options> {
        let Self::Advise { metric, goal, parts, repeats, curve } = self else { return None };
        let usual = advise::Options::default();
        Some(advise::Options {
            metric: metric.clone(),
            goal: *goal,
            parts: parts.clone().unwrap_or(usual.parts),
            repeats: repeats.map_or(usual.repeats, |n| n as usize),
            curve: curve.unwrap_or(usual.curve),
        })
    }

    /// Refuses what cannot work, before a worker takes it.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a stage, target, package, number or name that does not exist.
    pub fn check(&self) -> Result<(), EngineError> {
        match self {
            Self::Run { until, .. } => crate::run::check_stage(until.as_deref()).map(|_| ()),
            Self::Build { target, package, .. } => crate::stages::build::check(target, package).map(|_| ()),
            Self::Verify { targets, .. } => {
                targets.iter().flatten().try_for_each(|t| crate::stages::build::target(t).map(|_| ()))
            }
            Self::Tune { trials, finalists, .. } => {
                if trials.is_some_and(|n| !TRIALS.contains(&n)) || finalists.is_some_and(|n| n > FINALISTS) {
                    return Err(EngineError::Usage(format!(
                        "a search has {} to {} trials and at most {FINALISTS} finalists",
                        TRIALS.start(),
                        TRIALS.end()
                    )));
                }
                Ok(())
            }
            Self::Advise { .. } => self.advising().unwrap_or_default().check(),
            Self::CrossValidate { folds, .. } => folds.map_or(Ok(()), |n| crate::cross::check(n as usize)),
            Self::Try { variants, .. } => {
                variants.iter().flatten().try_for_each(|n| crate::trial::Variant::parse(n).map(|_| ()))
            }
            Self::Importance {} | Self::FindRate { .. } | Self::Export {} => Ok(()),
            Self::ModelRun { .. }
            | Self::ModelProfile { .. }
            | Self::ModelQuantize { .. }
            | Self::ModelExport { .. } => models::check(self),
        }
    }
}
