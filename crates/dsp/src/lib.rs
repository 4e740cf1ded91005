//! Signal processing blocks, the same arithmetic on host and device.
//!
//! A block is declared once ([`BlockInfo`]): parameters with unit, range, default and effect. [`plan`] checks a
//! configuration against a window and builds every table; [`Plan::extract`] then only adds, subtracts,
//! multiplies, divides and takes square roots in a fixed order, which the C under `runtime/c/dsp` mirrors.
#![no_std]
extern crate alloc;

mod block;

pub use block::{BlockInfo, DspError, OutputShape, ParamInfo, ParamKind, Params, Value, WindowSpec};
