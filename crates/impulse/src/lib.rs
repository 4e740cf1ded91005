//! Window, DSP blocks and learning blocks as one value.
//!
//! An [`Impulse`] is what is trained, tested, compiled and deployed: how a recording is cut ([`Window`]), which
//! features are computed ([`DspBlock`]) and what is learned from them ([`LearnBlock`]). [`Runner`] executes the
//! whole chain on one window; emitted C computes the same bits.

mod bundle;
mod impulse;
pub mod post;
mod runner;
mod select;
mod window;

pub use edgewright_sample::Fit;
pub use impulse::{DspBlock, Impulse, ImpulseError, LearnBlock, Task};
pub use runner::{Outcome, Runner};
pub use window::Window;
