//! Helpers of tests: random integer graphs, and compiling and running them.

mod graphs;
mod models;
mod programs;

pub use graphs::{Builder, Rng};
pub use models::{anomaly, image_classification, keywords, visual_wake_words};
pub use programs::{Board, run_on_board, run_on_host};
