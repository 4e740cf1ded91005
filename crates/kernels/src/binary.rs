//! Two tensors of one shape, element by element.

use crate::{
    conv::limit,
    elementwise::{ADD_LEFT_SHIFT, AddParams},
    fixed::{Requantize, output, requantize},
};

/// Which function of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryKind {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a * b.
    Mul,
    /// a / b.
    Div,
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
    /// (a - b) squared.
    SquaredDifference,
}

/// Float form, clamped to `min..=max`.
pub fn binary_f32(kind: BinaryKind, a: &[f32], b: &[f32], min: f32, max: f32, out: &mut [f32]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let value = match kind {
            BinaryKind::Add => a + b,
            BinaryKind::Sub => a - b,
            BinaryKind::Mul => a * b,
            BinaryKind::Div => a / b,
            BinaryKind::Maximum => {
                if a > b {
                    a
                } else {
                    b
                }
            }
            BinaryKind::Minimum => {
                if a < b {
                    a
                } else {
                    b
                }
            }
            BinaryKind::SquaredDifference => {
                let d = a - b;
                d * d
            }
        };
        *out = limit(value, min, max);
    }
}

/// Difference of two integer tensors.
pub fn sub_s8(p: &AddParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    let scaled =
        |x: i8, i: usize| requantize((i32::from(x) - p.in_zero[i]) << ADD_LEFT_SHIFT, p.in_factor[i]);
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let difference = scaled(a, 0) - scaled(b, 1);
        *out = output(requantize(difference, p.out_factor), p.out_zero, p.min, p.max);
    }
}

/// Left shift of the inputs of a squared difference.
pub const DIFFERENCE_LEFT_SHIFT: i32 = 7;

/// Square of the difference of two integer tensors; the scales of the inputs over twice the larger one are at most 1/2, so that squares
/// stay within 31 bits.
pub fn squared_difference_s8(p: &AddParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    let scaled =
        |x: i8, i: usize| requantize((i32::from(x) - p.in_zero[i]) << DIFFERENCE_LEFT_SHIFT, p.in_factor[i]);
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let difference = scaled(a, 0) - scaled(b, 1);
        *out = output(requantize(difference * difference, p.out_factor), p.out_zero, p.min, p.max);
    }
}

/// Constants of an integer product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulParams {
    /// Zero points of the inputs.
    pub in_zero: [i32; 2],
    /// Product of the input scales over the output scale.
    pub factor: Requantize,
    /// Zero point of the output.
    pub out_zero: i32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// Product of two integer tensors.
pub fn mul_s8(p: &MulParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let product = (i32::from(a) - p.in_zero[0]) * (i32::from(b) - p.in_zero[1]);
        *out = output(requantize(product, p.factor), p.out_zero, p.min, p.max);
    }
}

/// The larger (or smaller) of two integers of one scale.
pub fn extreme_s8(larger: bool, a: &[i8], b: &[i8], out: &mut [i8]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = if larger { a.max(b) } else { a.min(b) };
    }
}
