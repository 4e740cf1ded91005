//! Samples: acquisition documents, WAV, FLAC, tables as CSV, JSON Lines and Parquet, NumPy arrays, WFDB records and images, bytes to values without I/O.
//!
//! [`decode`] is the door for every format; [`labels`] reads the label files that travel beside samples, [`boxes`] what other programs write of objects in pictures; [`encode`] writes
//! the formats our own tools produce. No function panics on foreign bytes, and limits hold before memory is asked for.

mod acquisition;
mod arrays;
pub mod boxes;
pub mod columns;
mod decode;
pub mod encode;
mod flac;
mod format;
pub mod labels;
mod model;
pub mod npy;
mod options;
mod picture;
mod table;
mod wav;
pub mod wfdb;

pub use decode::{decode, detect};
pub use format::{Format, Kind};
pub use model::{Axis, Content, Decoded, Finding, Fit, Image, SIDE, SampleError, Signal};
pub use options::{CsvOptions, DecodeOptions, Limits, TimeUnit};
