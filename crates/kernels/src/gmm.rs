//! Log-likelihood under a Gaussian mixture.

use crate::math::{exp, ln};

/// Ceiling of the score.
pub const SCORE_CEILING: f32 = 1000.0;
/// Floor of a logarithm, also for what is not a number.
const FLOOR: f32 = -1e30;

/// A mixture of Gaussians over chosen values of a row.
#[derive(Clone, Copy, Debug)]
pub struct Mixture<'a> {
    /// Which values, in order.
    pub axes: &'a [usize],
    /// What is taken from each of them first.
    pub mean: &'a [f32],
    /// One row of as many as axes for each component, added to what the factors give.
    pub offsets: &'a [f32],
    /// Inverse roots of the covariances: for each component the lower triangle row by row, or the diagonal alone.
    pub factors: &'a [f32],
    /// Logarithm of weight and normalisation of each component.
    pub constants: &'a [f32],
    /// The factors are diagonals.
    pub diagonal: bool,
}

/// Natural logarithm of the likelihood of a row, at least -1e30.
pub fn log_likelihood_f32(x: &[f32], m: &Mixture<'_>) -> f32 {
    let n = m.axes.len();
    let (mut top, mut sum) = (FLOOR, 0.0f32);
    let mut factors = m.factors;
    for (offsets, constant) in m.offsets.chunks_exact(n).zip(m.constants) {
        let mut distance = 0.0f32;
        for (r, offset) in offsets.iter().enumerate() {
            let first = if m.diagonal { r } else { 0 };
            let mut y = *offset;
            for c in first..=r {
                let centred = x[m.axes[c]] - m.mean[c];
                y += factors[c - first] * centred;
            }
            factors = &factors[r + 1 - first..];
            distance += y * y;
        }
        let half = 0.5 * distance;
        let log = constant - half;
        let log = if log > FLOOR { log } else { FLOOR };
        if log > top {
            sum = sum * exp(top - log) + 1.0;
            top = log;
        } else {
            sum += exp(log - top);
        }
    }
    top + ln(sum)
}

/// `(centre - log-likelihood) * scale`, at most [`SCORE_CEILING`]: the less likely, the larger.
pub fn gmm_score_f32(x: &[f32], m: &Mixture<'_>, centre: f32, scale: f32) -> f32 {
    let score = (centre - log_likelihood_f32(x, m)) * scale;
    if score < SCORE_CEILING { score } else { SCORE_CEILING }
}
