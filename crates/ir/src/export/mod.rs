//! Graphs as files of other tools.

pub(crate) mod flat;
pub mod onnx;
mod strided;
pub mod tflite;

/// Why a graph cannot be written in a format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A node has no counterpart in the format.
    #[error("node `{node}` ({operator}): {reason}")]
    Node {
        /// Name of the node.
        node: String,
        /// Operator.
        operator: &'static str,
        /// What the format lacks.
        reason: String,
    },
    /// The graph as a whole has no counterpart.
    #[error("{0}")]
    Graph(String),
}
