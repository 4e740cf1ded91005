//! Models from elsewhere, as graphs.
//!
//! Foreign bytes never panic: every offset and size is checked before it is used.

mod build;
mod flat;
pub mod onnx;
mod shape;
pub mod tflite;
pub mod trees;

pub(crate) use build::prune as prune_tensors;

use crate::graph::{Graph, GraphError};
#[cfg(test)]
pub(crate) use shape::strides;

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub graph: Graph,
    /// Shape of each input and then of each output as in the file, batch included.
    pub shapes: Vec<Vec<usize>>,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
}

/// Why a model cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The bytes are not a model.
    #[error("this is no {format} model: {reason}")]
    Malformed {
        /// Name of the format.
        format: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// An operator that is not known, or not in this form.
    #[error("operator {operator} at {place}: {reason}")]
    Operator {
        /// Name in the format's own words.
        operator: String,
        /// Number of the operator and the name of what it makes.
        place: String,
        /// What is not supported and what to use instead.
        reason: String,
    },
    /// The graph that came out does not hold together.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Text of a file for people: a name in it cannot move the cursor of a terminal or begin a line of its own.
pub fn plain(text: &str) -> String {
    text.replace(
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}'),
        "?",
    )
}

/// Most elements that one tensor may have.
pub(crate) const MOST_ELEMENTS: usize = 1 << 26;

/// Most bytes that all constants together may have.
pub(crate) const MOST_CONSTANT_BYTES: usize = 1 << 29;
