//! The stages of `run`, in order. Each reads the manifests before it and writes its own.

pub(crate) mod anomaly;
pub(crate) mod backbone;
pub mod build;
pub(crate) mod classical;
pub mod clean;
pub(crate) mod elsewhere;
mod external;
pub mod features;
pub mod gold;
pub mod import;
pub mod imported;
mod lesson;
pub mod near;
mod networks;
pub mod objects;
mod phases;
pub mod plan;
pub mod prove;
pub(crate) mod select;
pub mod slices;
pub mod split;
pub mod test;
pub mod train;
mod tutors;
pub mod uncertainty;

/// Names of the stages in order.
pub const STAGES: &[&str] =
    &["import", "clean", "split", "features", "train", "test", "build", "verify", "report"];
