//! Helpers of tests: random integer graphs, and compiling and running them.

mod graphs;
mod many;
mod models;
mod programs;
pub mod random;

pub use graphs::{Builder, Rng};
pub use many::{Case, many_main};
pub use models::{anomaly, image_classification, keywords, visual_wake_words};
pub use programs::{Board, run_on_board, run_on_host};
