//! What a job is to do: one kind for each command that takes its time. What is left out is as on the command line.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a job is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
        /// Id of a target.
        target: String,
        /// Kind of package.
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
        cases: Option<u64>,
    },
    /// Tell what each feature tells of the labels, and what the trained impulse loses without it. Trains first when that is not up to date.
    Importance {},
    /// Search the parameters of a DSP block: how well its features tell training windows apart, and what they cost.
    Tune {
        /// Name of the block in the project; the first when left out.
        #[serde(default)]
        block: Option<String>,
        /// Settings that are tried, with those of the project file: 2 to 10,000; 40 when left out.
        #[serde(default)]
        #[schema(minimum = 2, maximum = 10_000)]
        trials: Option<u32>,
        /// Of the best settings, how many are trained beside those of the project file: at most 100; 4 when left out.
        #[serde(default)]
        #[schema(minimum = 0, maximum = 100)]
        finalists: Option<u32>,
        /// Seed of the search; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
        /// Write the best settings into the project file.
        #[serde(default)]
        apply: bool,
    },
    /// Suggest a learning rate: a sweep with longer and longer steps over the training windows.
    FindRate {
        /// Id of the network; the first when left out.
        #[serde(default)]
        block: Option<String>,
        /// Seed of weights and order; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Say what to collect next: labels, slices by metadata and regions of feature space at which the trained impulse is weakest, on windows
    /// that did not train, and a learning curve from trainings on parts of the training samples, judged on validation windows, with how many
    /// more samples a goal takes. Trains first when that is not up to date.
    Advise {
        /// Metric of the curve, as in the charter; that of the charter when left out, else accuracy, R2 or the F1 of objects.
        #[serde(default)]
        metric: Option<String>,
        /// What the metric is to reach; the floor of `[evaluation]` when left out.
        #[serde(default)]
        goal: Option<f64>,
        /// Parts of the training samples, each above 0 and at most 1, 3 to 10 with the whole, which is always among them; 0.25, 0.5, 0.75
        /// and 1 when left out.
        #[serde(default)]
        parts: Option<Vec<f64>>,
        /// Trainings of each part: 1 to 20; 3 when left out.
        #[serde(default)]
        #[schema(minimum = 1, maximum = 20)]
        repeats: Option<u32>,
        /// Whether to train for a learning curve at all; it is when left out.
        #[serde(default)]
        curve: Option<bool>,
    },
    /// Cross-validate: train once for each fold of the training recordings, and tell the figures of the windows in the fold.
    CrossValidate {
        /// How many folds, 2 to 50; 5 when left out.
        #[serde(default)]
        folds: Option<u32>,
        /// Seed of folds, weights and order; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Train the project with other features (`raw`), another network (`smaller`, `larger`, `forest`) or other training (`augmented`,
    /// `longer`) beside it, judged on validation windows.
    Try {
        /// Names of variants; those that the training advises when left out.
        #[serde(default)]
        variants: Option<Vec<String>>,
        /// Keep what was tried as impulses `try-NAME` of the project.
        #[serde(default)]
        keep: bool,
        /// Seed; the project's when left out.
        #[serde(default)]
        seed: Option<u64>,
    },
    /// Take all samples out: one ZIP file with the files as received and `info.labels`, which imports them again.
    Export {},
    /// Run a model file of the project on the cases of `.npy` files that lie beside it.
    ModelRun {
        /// Name of the model file.
        model: String,
        /// Names of files in the order of the model's inputs, or INPUT=NAME; one alone, X.npy, stands for X.1.npy and so on too.
        inputs: Vec<String>,
        /// Name under which the output is kept, NAME.npy; a second output is NAME.1.npy, and so on.
        out: String,
        /// Whose integer rules to follow where the runtimes differ: `litert`, or `tflm`.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Tell what a model file of the project costs on targets. A picture of it is kept as NAME.cost.svg.
    ModelProfile {
        /// Name of the model file.
        model: String,
        /// Ids of targets; all when empty.
        #[serde(default)]
        targets: Vec<String>,
        /// Build the code and run it on every core that can be emulated; the figures are then measured.
        #[serde(default)]
        execute: bool,
        /// As for `model_run`.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Turn a float model file of the project into one of integers.
    ModelQuantize {
        /// Name of the model file.
        model: String,
        /// Inputs, as for `model_run`; the first axis is cases.
        calibration: Vec<String>,
        /// Name under which the new model is kept: .tflite, .onnx or .ewg.
        out: String,
        /// How ranges of activations are chosen: `min-max`, `mse`, `percentile` or `percentile:P`.
        #[serde(default)]
        method: Option<String>,
        /// What activations and weights become: `int8`, or `int16x8`.
        #[serde(default)]
        scheme: Option<String>,
        /// Type of inputs and outputs: `float`, or the integers of the scheme.
        #[serde(default)]
        io: Option<String>,
        /// Largest loss that is kept: root mean squared difference over the size of the float outputs; 0.1 when left out.
        #[serde(default)]
        budget: Option<f64>,
        /// Keep the model whatever it loses.
        #[serde(default)]
        force: bool,
        /// As for `model_run`.
        #[serde(default)]
        reference: Option<String>,
    },
    /// Write a model file of the project as code, or in another format.
    ModelExport {
        /// Name of the model file.
        model: String,
        /// `c`, `rust`, `tflite` or `onnx`.
        format: String,
        /// Name under which it is kept: NAME.zip of `c` and `rust`, else NAME.FORMAT.
        out: String,
        /// Id of the target whose kernels C uses; `host` when left out.
        #[serde(default)]
        target: Option<String>,
        /// As for `model_run`.
        #[serde(default)]
        reference: Option<String>,
    },
}
