//! Who is told when a job ends.

use crate::JobState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A URL to be told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHook {
    /// `http` or `https`, without a name and password in it; at most 2000 bytes.
    pub url: String,
    /// Ends of jobs that are told of: `done`, `failed`, `cancelled`; all when left out or empty.
    #[serde(default)]
    pub events: Vec<JobState>,
}

/// A URL that is told when jobs of a project end.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hook {
    /// Id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Ends of jobs that are told of.
    pub events: Vec<JobState>,
    /// When it was made.
    pub created: i64,
    /// What was sent to it or waits, the newest first, at most 20.
    pub deliveries: Vec<HookDelivery>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookDeliveryState {
    /// It is to be sent, or to be sent again.
    Waiting,
    /// It was taken: answered with 200 to 299.
    Sent,
    /// It was not taken, in eight attempts over eight hours.
    Failed,
}

/// One message to a hook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookDelivery {
    /// Number, sent as `x-edgewright-delivery`: the same each time it is tried.
    pub id: i64,
    /// Job that ended.
    pub job: String,
    /// How it ended.
    pub event: String,
    /// How far it is.
    pub state: HookDeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried again, while it waits.
    pub due: Option<i64>,
    /// What came of the last attempt, in words.
    pub answer: Option<String>,
}

/// Hooks of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookList {
    /// The first that was made first.
    pub hooks: Vec<Hook>,
}

/// A hook that was made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HookCreated {
    /// Key of the signatures; told this once.
    pub secret: String,
    /// The hook.
    pub hook: Hook,
}
