//! Arrays in NumPy's `.npy` form, from files: [`edgewright_sample::npy`] reads and writes their bytes.

use crate::{EngineError, error::AtPath};
pub use edgewright_sample::npy::{Array, ElementType, parse, write, write_f32};
use std::path::Path;

/// Reads an array from a file.
///
/// # Errors
/// [`EngineError::Io`] or [`EngineError::Data`] naming the file.
pub fn read(path: &Path) -> Result<Array, EngineError> {
    let bytes = std::fs::read(path).at(path)?;
    parse(&bytes).map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))
}
