//! Made by `cargo run --release -p edgewright-compile --example dsp_estimate -- fit`.

/// Class, kernel, its steps: instructions for each, bytes of code.
pub const TABLE: &[(&str, &str, &[(&str, f64, u32)])] = &[];
