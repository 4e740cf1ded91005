//! Model graph, text form, quantiser and reference interpreter.
//!
//! Everything that was learned is a [`Graph`]: networks, and K-means as well. The trainer exports one,
//! the quantiser turns a float graph into an integer one, the interpreter runs it, the compiler emits it.

mod calibrate;
mod choose;
mod equalise;
pub mod export;
pub mod extra;
mod fold;
pub mod gmm;
pub mod graph;
pub mod import;
pub mod interpret;
pub mod lower;
mod lower_extra;
mod lower_wide;
pub mod math;
mod mixed;
mod offset;
pub mod quantize;
pub mod splice;
mod tables;
pub mod text;
pub mod trees;
mod validate;
mod validate_extra;
mod weights;

pub use graph::{
    Activation, DType, Data, Graph, GraphError, Node, Op, Padding, PoolKind, Quant, Tensor, TensorId,
};
