//! Element by element: add, activation, normalisation, between float and integer.

use crate::{
    conv::limit,
    fixed::{Requantize, clamp, output, requantize},
    math::round,
};

/// Both inputs are shifted left so far before they are scaled to a common scale.
pub const ADD_LEFT_SHIFT: u32 = 20;

/// Constants of an integer addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddParams {
    /// Zero points of the inputs.
    pub in_zero: [i32; 2],
    /// From each input to twice the larger input scale.
    pub in_factor: [Requantize; 2],
    /// From there to the output.
    pub out_factor: Requantize,
    /// Zero point of the output.
    pub out_zero: i32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// Sum of two integer tensors.
pub fn add_s8(p: &AddParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    let scaled =
        |x: i8, i: usize| requantize((i32::from(x) - p.in_zero[i]) << ADD_LEFT_SHIFT, p.in_factor[i]);
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let sum = scaled(a, 0) + scaled(b, 1);
        *out = output(requantize(sum, p.out_factor), p.out_zero, p.min, p.max);
    }
}

/// Sum of two float tensors, clamped.
pub fn add_f32(a: &[f32], b: &[f32], min: f32, max: f32, out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = limit(a + b, min, max);
    }
}

/// Clamp.
pub fn activate_f32(x: &[f32], min: f32, max: f32, out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = limit(*x, min, max);
    }
}

/// Clamp.
pub fn activate_s8(x: &[i8], min: i32, max: i32, out: &mut [i8]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = clamp(i32::from(*x), min, max);
    }
}

/// `(x - mean) * scale`; elements as far apart as there are means share mean and scale.
pub fn normalize_f32(x: &[f32], mean: &[f32], scale: &[f32], out: &mut [f32]) {
    let columns = mean.len().max(1);
    for (x, out) in x.chunks(columns).zip(out.chunks_mut(columns)) {
        for (((out, x), mean), scale) in out.iter_mut().zip(x).zip(mean).zip(scale) {
            *out = (x - mean) * scale;
        }
    }
}

/// One float to an integer: `x / scale` to the nearest integer, ties away from zero, plus the zero point, as the
/// reference kernels do. What is not a number becomes the zero point.
#[inline]
pub fn quantize_one(x: f32, scale: f32, zero: i32) -> i8 {
    let scaled = limit(x / scale, -512.0, 512.0);
    let scaled = if scaled.is_nan() { 0.0 } else { scaled };
    clamp(round(scaled) + zero, -128, 127)
}

/// One float to 16 bits without a zero point; as [`quantize_one`].
#[inline]
pub fn quantize_wide(x: f32, scale: f32) -> i16 {
    let scaled = limit(x / scale, -65536.0, 65536.0);
    let scaled = if scaled.is_nan() { 0.0 } else { scaled };
    round(scaled).clamp(-32768, 32767) as i16
}

/// Floats to integers.
pub fn quantize_s8(x: &[f32], scale: f32, zero: i32, out: &mut [i8]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = quantize_one(*x, scale, zero);
    }
}

/// Integers to floats.
pub fn dequantize_s8(x: &[i8], scale: f32, zero: i32, out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = (i32::from(*x) - zero) as f32 * scale;
    }
}
