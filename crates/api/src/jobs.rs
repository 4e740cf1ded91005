//! Jobs.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use crate::job_request::JobRequest;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Ended well.
    Done,
    /// Ended with an error.
    Failed,
    /// Ended because somebody wanted that.
    Cancelled,
}

/// Work inside a stage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobProgress {
    /// Name of the stage.
    pub stage: String,
    /// Units finished.
    pub done: u64,
    /// Units in all; 0 when that is not known.
    pub total: u64,
    /// Short remark.
    pub note: String,
}

/// Why a job failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable word, as in a problem, or `panic` or `worker_lost`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Id; ids sort by time.
    pub id: String,
    /// Project.
    pub project: String,
    /// What it is to do.
    pub request: JobRequest,
    /// How far it is.
    pub state: JobState,
    /// How often it was begun: more than once when its worker died.
    pub attempt: u32,
    /// When it was asked for.
    pub created: i64,
    /// When it was first begun.
    pub started: Option<i64>,
    /// When it ended.
    pub finished: Option<i64>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// The last report.
    pub progress: Option<JobProgress>,
    /// What the command of the same name prints with `--json`, and `missed`: gates that were missed.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<JobError>,
}

/// Jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// Newest first.
    pub jobs: Vec<Job>,
}

/// One pass over the training windows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EpochLine {
    /// Id of the learning block.
    pub block: String,
    /// From 1.
    pub epoch: u64,
    /// Largest number of passes.
    pub epochs: u64,
    /// Mean loss on the training windows.
    pub loss: f64,
    /// Accuracy, or R2, on them.
    pub metric: f64,
    /// On the validation windows, when there are any.
    pub validation_loss: Option<f64>,
    /// On the validation windows, when there are any.
    pub validation_metric: Option<f64>,
    /// Size of a network's last step.
    pub learning_rate: Option<f64>,
    /// Mean norm of a network's gradient, before it was clipped.
    pub gradient_norm: Option<f64>,
}

/// What a line of a log says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogLine {
    /// A worker began.
    Begun {
        /// For which time.
        attempt: i64,
    },
    /// A stage began.
    StageStarted {
        /// Name.
        stage: String,
    },
    /// A stage ended.
    StageFinished {
        /// Name.
        stage: String,
        /// Whether its result was there.
        cached: bool,
        /// How long it took.
        seconds: f64,
        /// What it has to say.
        notes: Vec<String>,
    },
    /// A pass over the training windows ended.
    Epoch(EpochLine),
    /// A sentence.
    Note {
        /// The sentence.
        text: String,
    },
}

/// A line of a log with its number.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// From 1.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// What.
    pub line: LogLine,
}

/// Part of a log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// In order.
    pub lines: Vec<LogEntry>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// Jobs to list: 50 when left out, at most 500.
    #[param(minimum = 0, maximum = 500)]
    pub limit: Option<u32>,
}

/// Which lines of a log.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// Only lines after this number.
    pub after: Option<i64>,
}
