//! Classical learning, metrics and statistics.

pub mod kmeans;
pub mod metrics;
pub mod projection;
