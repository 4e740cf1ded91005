//! Stage `report`: collects what the stages produced for the pages.

use crate::{EngineError, run::Results, session::{Session, StageRecord}};

/// Writes the report.
pub fn write(_session: &Session<'_>, _results: &Results) -> Result<StageRecord, EngineError> {
    Err(EngineError::Internal("being written".into()))
}
