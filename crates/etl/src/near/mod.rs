//! Near duplicates: the same recording or picture again, louder, moved, resampled, encoded anew or with noise.
//!
//! 1. [`series`] and [`picture`] make **prints** of a few hundred bits. Bits differ in few places when the fine structure of the
//!    spectrum (of the pixels) is the same; what all recordings of a class have in common is taken out first.
//! 2. [`candidates`] looks the prints up in tables of parts of their bits, so the work grows with the number of samples, not its
//!    square.
//! 3. [`alike_series`] and [`alike_pictures`] lay the values of a candidate over each other and decide.

mod alike;
mod fourier;
mod print;
mod search;

pub use alike::{Likeness, alike_pictures, alike_series};
pub use print::{Print, picture, series};
pub use search::{Candidate, candidates};

#[cfg(test)]
mod tests;
