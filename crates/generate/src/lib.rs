//! Makes the recordings of the examples. They are synthetic; the seed decides every byte (for the keywords, together
//! with the version of espeak-ng).

pub mod defects;
pub mod keywords;
pub mod motion;
mod noise;
pub mod shapes;
