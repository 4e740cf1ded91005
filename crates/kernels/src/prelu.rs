//! Integer PRELU.
//!
//! # Source
//! TensorFlow Lite's reference kernel `BroadcastPrelu4DSlow`: values above zero and products with a slope have a factor each.

use crate::fixed::{Requantize, output, requantize};

/// Constants of an integer PRELU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreluParams {
    /// Zero point of the input.
    pub in_zero: i32,
    /// Zero point of the slopes.
    pub alpha_zero: i32,
    /// Zero point of the output.
    pub out_zero: i32,
    /// Scale of the input over that of the output.
    pub above: Requantize,
    /// Scales of input and slopes over that of the output.
    pub below: Requantize,
}

/// `x` where it is not negative, else `alpha * x`; element `i` takes the slope at `i` modulo their number.
pub fn prelu_s8(p: &PreluParams, x: &[i8], alpha: &[i8], out: &mut [i8]) {
    for (x, out) in x.chunks_exact(alpha.len()).zip(out.chunks_exact_mut(alpha.len())) {
        for ((x, alpha), out) in x.iter().zip(alpha).zip(out) {
            let value = i32::from(*x) - p.in_zero;
            let scaled = if value >= 0 {
                requantize(value, p.above)
            } else {
                requantize(value * (i32::from(*alpha) - p.alpha_zero), p.below)
            };
            *out = output(scaled, p.out_zero, -128, 127);
        }
    }
}
