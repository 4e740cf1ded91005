//! Softmax over one row.

use crate::math::exp;

/// Scale of the integer output; its zero point is -128.
pub const OUTPUT_SCALE: f32 = 1.0 / 256.0;

/// Float softmax.
pub fn softmax_f32(x: &[f32], out: &mut [f32]) {
    let mut top = f32::NEG_INFINITY;
    for &x in x {
        if x > top {
            top = x;
        }
    }
    let mut sum = 0.0f32;
    for (out, &x) in out.iter_mut().zip(x) {
        *out = exp(x - top);
        sum += *out;
    }
    for out in out.iter_mut() {
        *out /= sum;
    }
}

/// Integer softmax with `table[d] = round(2^23 * exp(-d * input scale))` for the difference `d` (0..=255) to the
/// largest input. Each output is `256 * e / sum` rounded to nearest, minus 128, at most 127.
///
/// The table makes it exact to one step of the real softmax of the quantised input.
pub fn softmax_s8(x: &[i8], table: &[u32], out: &mut [i8]) {
    let top = x.iter().copied().max().unwrap_or(0);
    let entry = |x: i8| table[(i32::from(top) - i32::from(x)) as usize];
    // At most 2^23 each: 512 classes fit 32 bits, so the sum is 64 bits wide.
    let sum: u64 = x.iter().map(|&x| u64::from(entry(x))).sum();
    for (out, &x) in out.iter_mut().zip(x) {
        let scaled = (u64::from(entry(x)) * 256 + sum / 2) / sum.max(1);
        *out = (scaled.min(255) as i32 - 128) as i8;
    }
}
