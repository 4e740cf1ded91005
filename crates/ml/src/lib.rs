//! Classical learning, metrics and statistics.

pub mod bayes;
pub mod bins;
pub mod boosting;
pub mod calibration;
pub mod conformal;
pub mod detection;
mod error;
pub mod forest;
pub mod gmm;
pub mod graph;
pub mod importance;
pub mod isolation;
pub mod kmeans;
pub mod linear;
pub mod metrics;
pub mod nearest;
pub mod neighbours;
pub mod pca;
pub mod projection;
pub mod rbf;
pub mod rule;
pub mod svm;

pub use error::FitError;
