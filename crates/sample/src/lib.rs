//! Samples: acquisition documents, WAV, FLAC, CSV and images, bytes to values without I/O.

mod model;

pub use model::{Axis, Content, Decoded, Finding, Image, SampleError, Signal};
