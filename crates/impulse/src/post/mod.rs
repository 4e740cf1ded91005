//! What the device makes of a network's output: decisions over time, boxes, tracks, anomaly scores.
//!
//! Pure functions of what they are given; the rules are those of the reference's device library, as described in its
//! public sources (`golden/dsp` holds cases of it). Kept quirks are named where they are.

pub mod anomaly;
pub mod calibration;
pub mod cells;
pub mod detect;
mod json;
pub mod track;

pub use json::{NAMES, run};
