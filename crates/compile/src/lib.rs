//! From an impulse to C: memory plan and emission.
//!
//! [`compile`] is a function: the same impulse, target and options give the same files. The emitted library is one pair
//! of files without heap, without globals that change and without dependencies beyond the C library's `sqrtf` and
//! `memcpy`. Its arithmetic is that of [`edgewright_impulse::Runner`], to the last bit.

pub mod cost;
mod depthwise;
mod dsp;
mod dsp_custom;
mod dsp_features;
mod dsp_fixed;
mod emit;
mod error;
pub mod harness;
mod header;
mod helium;
mod in_place;
pub mod kernels;
mod layout;
pub mod memory;
mod model;
mod names;
mod nn;
mod nn_extra;
mod nn_wide;
mod pages;
mod reserved;
mod runtime;
mod rust;
mod rust_impulse;
mod rust_wide;
mod slices;
pub mod target;
mod trees;

pub use emit::{FileTree, Options, compile};
pub use error::CompileError;
pub use layout::{Layout, MemoryLine, graph_layout, layout};
pub use model::compile_graph;
pub use names::{prefix, string as c_string};
pub use reserved::is_reserved;
pub use rust::rust_crate;
pub use rust_impulse::rust_impulse;
pub use target::Target;

/// A graph as a TFLite file, for kits that bring an interpreter of their own.
///
/// # Errors
/// [`CompileError::Graph`] for an operator that TFLite does not have.
pub fn tflite(graph: &edgewright_ir::Graph) -> Result<Vec<u8>, CompileError> {
    edgewright_ir::export::tflite::write(graph)
        .map_err(|e| CompileError::Graph { id: graph.name.clone(), reason: e.to_string() })
}
