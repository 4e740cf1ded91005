//! One value out of several along an axis: `x` is `[outer, count, inner]`, the output `[outer, inner]`.

use crate::fixed::{Requantize, output, requantize};

/// How values are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceKind {
    /// Mean.
    Mean,
    /// Sum.
    Sum,
    /// Largest.
    Max,
    /// Smallest.
    Min,
}

/// Float form; the order of the sum is that of the axis.
pub fn reduce_f32(kind: ReduceKind, x: &[f32], count: usize, inner: usize, out: &mut [f32]) {
    for (n, out) in out.iter_mut().enumerate() {
        let start = n / inner * count * inner + n % inner;
        let mut sum = x[start];
        for k in 1..count {
            let v = x[start + k * inner];
            match kind {
                ReduceKind::Mean | ReduceKind::Sum => sum += v,
                ReduceKind::Max if v > sum => sum = v,
                ReduceKind::Min if v < sum => sum = v,
                ReduceKind::Max | ReduceKind::Min => {}
            }
        }
        *out = if kind == ReduceKind::Mean { sum / count as f32 } else { sum };
    }
}

/// Integer mean or sum: the sum of `x - in_zero` times a factor that holds 1 / count for the mean.
pub fn reduce_sum_s8(
    x: &[i8],
    count: usize,
    inner: usize,
    zeros: [i32; 2],
    factor: Requantize,
    out: &mut [i8],
) {
    for (n, out) in out.iter_mut().enumerate() {
        let start = n / inner * count * inner + n % inner;
        let sum: i32 = (0..count).map(|k| i32::from(x[start + k * inner]) - zeros[0]).sum();
        *out = output(requantize(sum, factor), zeros[1], -128, 127);
    }
}

/// Largest (or smallest) integer.
pub fn reduce_extreme_s8(larger: bool, x: &[i8], count: usize, inner: usize, out: &mut [i8]) {
    for (n, out) in out.iter_mut().enumerate() {
        let start = n / inner * count * inner + n % inner;
        let values = (0..count).map(|k| x[start + k * inner]);
        *out = if larger { values.max() } else { values.min() }.unwrap_or(0);
    }
}
