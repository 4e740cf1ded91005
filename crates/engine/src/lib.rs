//! Use cases: one module each, in the words of the user. The only place where the rooms meet.

pub mod access;
pub mod architecture;
pub mod board;
pub mod classify;
mod confine;
pub mod dataset;
mod device_tool;
pub mod doctor;
pub mod documents;
pub mod dsp_tool;
mod error;
pub mod estimate;
mod events;
mod heart_tool;
pub mod jobs;
pub mod model_import;
pub mod model_profile;
pub mod model_quantize;
pub mod model_tool;
mod native;
pub mod npy;
pub mod outcomes;
pub mod preview;
pub mod project;
pub mod reporting;
pub mod run;
mod scratch;
pub mod session;
pub mod stages;
pub mod template;
pub mod verify;
mod work;
pub mod workspace;

pub use error::EngineError;
pub use events::{Event, Observer, Silent};
pub use run::{RunOptions, RunOutcome, RunReport};
