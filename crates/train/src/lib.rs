//! A small, deterministic trainer for small models.
//!
//! [`fit`] trains a [`Network`] on rows read from disk and returns a float [`edgewright_ir::Graph`] with batch
//! normalisation folded. The same seed gives the same bytes whatever the number of threads: a batch is cut into fixed
//! shards, shards are computed in parallel, and what they sum is added in the order of the shards.

mod augment;
mod checkpoint;
mod compact;
mod data;
mod engine;
mod error;
mod export;
mod fit;
#[cfg(test)]
mod gradient_check;
#[cfg(test)]
mod gradient_golden;
mod kernels;
mod loss;
mod measure;
mod model;
mod network;
mod objective;
mod optimizer;
mod plan;
mod prune;
mod rng;
mod settings;
mod sketch;
mod spec;
mod unit;

pub use augment::Augment;
pub use data::{Mark, Rows, Targets};
pub use error::TrainError;
pub use fit::{Augmented, Course, Found, Start, Teacher, Teaches, Tried, Tuned, augmented, fit};
pub use loss::Loss;
pub use measure::measure;
pub use model::Model;
pub use optimizer::{Optimizer, Schedule};
pub use prune::Pruned;
pub use settings::{EpochRecord, Event, Fitted, Flow, Hold, LayerSummary, Settings};
pub use sketch::{Sketch, SketchedLayer, sketch};
pub use spec::{Activation, Head, Layer, Network, Padding};
