//! Products of two matrices that both flow, as attention needs them.

use crate::fixed::{Requantize, output, requantize};

/// Geometry of a product: `batch` times `[rows, shared]` by `[shared, columns]`, or by `[columns, shared]` when it is `transposed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrices {
    /// Products side by side.
    pub batch: usize,
    /// Rows of each result.
    pub rows: usize,
    /// Columns of each result.
    pub columns: usize,
    /// What is summed over.
    pub shared: usize,
    /// The second matrix lies with its columns as rows.
    pub transposed: bool,
}

impl Matrices {
    /// Of the second matrix: elements from one summand, and from one column, to the next.
    fn steps(&self) -> [usize; 2] {
        if self.transposed { [1, self.shared] } else { [self.columns, 1] }
    }
}

/// Float form: sums run in order from 0.
pub fn mat_mul_f32(m: &Matrices, a: &[f32], b: &[f32], out: &mut [f32]) {
    let [along, across] = m.steps();
    for i in 0..m.batch * m.rows {
        let a = &a[i * m.shared..][..m.shared];
        let b = &b[i / m.rows * m.shared * m.columns..];
        for (j, out) in out[i * m.columns..][..m.columns].iter_mut().enumerate() {
            let mut sum = 0.0f32;
            for (k, a) in a.iter().enumerate() {
                sum += a * b[k * along + j * across];
            }
            *out = sum;
        }
    }
}

/// Constants of an integer product of matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMulParams {
    /// Zero points of the inputs.
    pub in_zero: [i32; 2],
    /// Product of the input scales over the output scale.
    pub factor: Requantize,
    /// Zero point of the output.
    pub out_zero: i32,
}

/// Integer form; `shared` is at most 32768, so that no sum leaves 32 bits.
///
/// # Source
/// TensorFlow Lite's reference kernel of `BATCH_MATMUL`.
pub fn mat_mul_s8(m: &Matrices, p: &MatMulParams, a: &[i8], b: &[i8], out: &mut [i8]) {
    let [along, across] = m.steps();
    for i in 0..m.batch * m.rows {
        let a = &a[i * m.shared..][..m.shared];
        let b = &b[i / m.rows * m.shared * m.columns..];
        for (j, out) in out[i * m.columns..][..m.columns].iter_mut().enumerate() {
            let mut sum = 0i32;
            for (k, a) in a.iter().enumerate() {
                sum += (i32::from(*a) - p.in_zero[0]) * (i32::from(b[k * along + j * across]) - p.in_zero[1]);
            }
            *out = output(requantize(sum, p.factor), p.out_zero, -128, 127);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_of_the_second_matrix_give_the_same() {
        let straight = Matrices { batch: 2, rows: 2, columns: 3, shared: 2, transposed: false };
        let turned = Matrices { transposed: true, ..straight };
        let a = [1.0, 2.0, 3.0, 4.0, -1.0, 0.5, 2.0, -2.0];
        let b = [1.0, 0.0, 2.0, -1.0, 3.0, 1.0, 2.0, 2.0, 0.0, 1.0, -1.0, 4.0];
        let t = [1.0, -1.0, 0.0, 3.0, 2.0, 1.0, 2.0, 1.0, 2.0, -1.0, 0.0, 4.0];
        let expected = [-1.0, 6.0, 4.0, -1.0, 12.0, 10.0, -1.5, -2.5, 2.0, 2.0, 6.0, -8.0];
        for (m, b) in [(straight, &b), (turned, &t)] {
            let mut out = [0.0; 12];
            mat_mul_f32(&m, &a, b, &mut out);
            assert_eq!(out, expected);
            // The same in halves, with zero points, into halves.
            let quantise = |v: &f32, zero: i8| (v * 2.0) as i8 + zero;
            let (a, b) = (a.map(|v| quantise(&v, 3)), b.map(|v| quantise(&v, -5)));
            let factor = Requantize { multiplier: 1 << 30, shift: 0 };
            let p = MatMulParams { in_zero: [3, -5], factor, out_zero: 7 };
            let mut bytes = [0; 12];
            mat_mul_s8(&m, &p, &a, &b, &mut bytes);
            assert_eq!(bytes.map(|v| f32::from(v - 7) / 2.0), expected);
        }
    }
}
