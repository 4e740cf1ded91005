//! Floats rounded to the 8 bits of their own range, as a runtime's hybrid kernels do it before weights of 8 bits.
//!
//! # Source
//! TensorFlow Lite, `PortableSymmetricQuantizeFloats` and `PortableAsymmetricQuantizeFloats`.

use crate::math::round;

/// A grid: the step, one over it as the kernel has it, the integer of 0, the smallest and the largest integer.
type Grid = (f32, f32, i32, i32, i32);

fn grid(low: f32, high: f32, symmetric: bool) -> Grid {
    if symmetric {
        let size = if -low > high { -low } else { high };
        return (size / 127.0, 127.0 / size, 0, -127, 127);
    }
    let (low, high) = (f64::from(low), f64::from(high));
    let scale = (high - low) / 255.0;
    // The end whose rounding weighs less says where 0 lies.
    let (from_low, from_high) = (-128.0 - low / scale, 127.0 - high / scale);
    let near = if 128.0 + -low / scale < 127.0 + high / scale { from_low } else { from_high };
    let whole = near as i32;
    let rest = near - f64::from(whole);
    let zero = whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5);
    let step = scale as f32;
    (step, 1.0 / step, zero.clamp(-128, 127), -128, 127)
}

/// Rows of `row` values, each rounded to 255 steps (254 when `symmetric`: as many on both sides of 0) between its smallest and largest value
/// and 0. A row that holds what is no number, or whose steps would be, stays as it is.
pub fn snap_f32(x: &[f32], row: usize, symmetric: bool, out: &mut [f32]) {
    for (x, out) in x.chunks_exact(row).zip(out.chunks_exact_mut(row)) {
        let (mut low, mut high, mut finite) = (0.0f32, 0.0f32, true);
        for &v in x {
            finite &= v.is_finite();
            low = if v < low { v } else { low };
            high = if v > high { v } else { high };
        }
        out.copy_from_slice(x);
        if !finite || low == high {
            continue;
        }
        let (step, inverse, zero, least, most) = grid(low, high, symmetric);
        if !inverse.is_finite() {
            continue;
        }
        for out in out {
            let scaled = *out * inverse;
            let q = round(zero as f32 + scaled).clamp(least, most);
            *out = (q - zero) as f32 * step;
        }
    }
}
