//! Errors, as `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request failed. `code` is stable; sentences may change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable word: `unauthenticated`, `forbidden`, `csrf`, `rate_limited`, `not_found`, `method_not_allowed`, `bad_request`,
    /// `too_large`, `unsupported_media_type`, `project_file`, `data`, `stage_not_built`, `changed`, `project_busy`, `gate_missed`, `tool`, `no_room`,
    /// `newer_store`, `cancelled`, `internal`.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong and what to do.
    pub detail: String,
}
