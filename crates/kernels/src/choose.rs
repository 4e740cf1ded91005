//! Values that are compared, chosen by what came of it, and looked up.
//!
//! # Source
//! TensorFlow Lite's reference kernels `ComparisonWithScaling`, `Select`, `ArgMinMax` and `Gather`.

use crate::fixed::{Requantize, requantize};

/// Which comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareKind {
    /// a < b.
    Less,
    /// a <= b.
    LessEqual,
    /// a > b.
    Greater,
    /// a >= b.
    GreaterEqual,
    /// a = b.
    Equal,
    /// a and b differ.
    NotEqual,
}

impl CompareKind {
    fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterEqual => a >= b,
            Self::Equal => a == b,
            Self::NotEqual => a != b,
        }
    }
}

/// Left shift of integers before they are scaled to be compared.
pub const COMPARE_LEFT_SHIFT: i32 = 8;

/// Compares floats: 1 where it holds, else 0.
pub fn compare_f32(kind: CompareKind, a: &[f32], b: &[f32], out: &mut [i8]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = i8::from(kind.holds(a, b));
    }
}

/// Constants of a comparison of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareParams {
    /// Zero points.
    pub in_zero: [i32; 2],
    /// Scales.
    pub in_factor: [Requantize; 2],
}

/// Compares integers by their rounded multiples of 1/256: 1 where it holds, else 0. As the reference does it, values that
/// differ by less than that are equal.
pub fn compare_s8(kind: CompareKind, p: &CompareParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    let scaled = |x: i8, i: usize| {
        requantize((i32::from(x) - p.in_zero[i]) * (1 << COMPARE_LEFT_SHIFT), p.in_factor[i])
    };
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = i8::from(kind.holds(scaled(a, 0), scaled(b, 1)));
    }
}

/// Elements of `a` where the condition is not 0, else of `b`.
pub fn select<T: Copy>(condition: &[i8], a: &[T], b: &[T], out: &mut [T]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = if condition[i] != 0 { a[i] } else { b[i] };
    }
}

/// Where the largest (or smallest) of `count` values lies that are `inner` apart; the first of several that are equal, or the last.
pub fn arg_extreme<T: Copy + PartialOrd>(
    largest: bool,
    last: bool,
    x: &[T],
    count: usize,
    inner: usize,
    out: &mut [i32],
) {
    for (n, out) in out.iter_mut().enumerate() {
        let first = n / inner * inner * count + n % inner;
        let (mut best, mut at) = (x[first], 0);
        for k in 1..count {
            let value = x[first + k * inner];
            let better = if largest { value > best } else { value < best };
            if better || (last && value == best) {
                (best, at) = (value, k);
            }
        }
        *out = at as i32;
    }
}

/// Rows of `width` values of a table; `zero` in place of a row that is not there.
pub fn gather<T: Copy>(at: &[i32], table: &[T], width: usize, zero: T, out: &mut [T]) {
    for (row, out) in at.iter().zip(out.chunks_exact_mut(width)) {
        match usize::try_from(*row).ok().filter(|row| *row < table.len() / width) {
            Some(row) => out.copy_from_slice(&table[row * width..][..width]),
            None => out.fill(zero),
        }
    }
}
