//! Softmax over one row.

use crate::{
    fixed::{doubling_high_mul, rounding_shift_right},
    gemmlowp::one_over_one_plus,
    math::exp,
    whole::Whole,
};

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

/// Integer softmax; scale 1/256 and zero point -128 in bytes, 1/65536 and -32768 in 16 bits. `table[d]` is e to the power
/// `-d * input scale` in Q0 for the difference `d` (0..=255) to the largest input, 0 where the reference skips it. At most 4095 values.
///
/// # Source
/// TensorFlow Lite's reference kernel: sums in Q12, a Newton reciprocal, each output rounded once more.
pub fn softmax_s8<T: Whole>(x: &[i8], table: &[u32], out: &mut [T]) {
    let top = x.iter().copied().max().unwrap_or(0);
    let entry = |x: i8| table[(i32::from(top) - i32::from(x)) as usize] as i32;
    let sum: i32 = x.iter().map(|&x| rounding_shift_right(entry(x), 12)).sum();
    let headroom = (sum as u32).leading_zeros();
    let scale = one_over_one_plus((((sum as u32) << headroom) ^ 0x8000_0000) as i32);
    let exponent = (12 - headroom as i32) + 31 - 8 * size_of::<T>() as i32;
    for (out, &x) in out.iter_mut().zip(x) {
        let share = rounding_shift_right(doubling_high_mul(scale, entry(x)), exponent);
        *out = T::wrapped((share + T::MIN).clamp(T::MIN, T::MAX));
    }
}
