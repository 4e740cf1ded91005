//! The lifecycle of a project.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// State of a stage of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// What it asks for is there, and of the data and settings of now.
    Done,
    /// It is there, but something about it wants a look.
    Attention,
    /// It is to be done.
    Open,
    /// It cannot be done with these data and settings.
    Blocked,
}

/// What to do for a stage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LifecycleAction {
    /// In words.
    pub text: String,
    /// Page of the Studio that does it.
    pub page: String,
    /// Stage of the pipeline to run to, when a run is what is missing.
    pub run_until: Option<String>,
}

/// One stage of the lifecycle.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LifecycleStage {
    /// Name, for programs.
    pub name: String,
    /// Name, for people.
    pub title: String,
    /// Its state.
    pub progress: Progress,
    /// What it came to, in words.
    pub says: Vec<String>,
    /// What to do; `null` when it is done.
    pub action: Option<LifecycleAction>,
}

/// The ten stages of the lifecycle.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lifecycle {
    /// In order.
    pub stages: Vec<LifecycleStage>,
    /// Name of the stage to go on with; `null` when all are done.
    pub next: Option<String>,
}

/// What a project is for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Charter {
    /// What problem is solved.
    pub problem: String,
    /// Who has it.
    pub user: String,
    /// What a miss costs.
    pub miss: String,
    /// What a false alarm costs.
    pub false_alarm: String,
    /// Figure the project is judged by.
    pub metric: Option<String>,
    /// Figures it may be judged by.
    pub metrics: Vec<String>,
}
