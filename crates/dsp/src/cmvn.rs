//! Sliding normalisation of the rows of a window.

use crate::{math::sqrt, wide::WIDE};

/// Index of a row in a matrix of `rows` rows that goes on by reflection, the edge row repeated.
pub(crate) fn reflect(i: isize, rows: usize) -> usize {
    // Near the matrix without the division, which costs more than what is done with the row.
    if i >= 0 && (i as usize) < rows {
        return i as usize;
    }
    if i < 0 && i.unsigned_abs() <= rows {
        return i.unsigned_abs() - 1;
    }
    if i >= 0 && (i as usize) < 2 * rows {
        return 2 * rows - 1 - i as usize;
    }
    let period = 2 * rows as isize;
    let j = i.rem_euclid(period) as usize;
    if j < rows { j } else { 2 * rows - 1 - j }
}

/// Running sums that keep what rounding takes off (Knuth's two-sum): what was added and removed leaves nothing behind,
/// so a quiet passage after a loud one is not measured against the loud one's rounding errors.
#[derive(Clone, Copy)]
struct Sums<const L: usize> {
    high: [f32; L],
    low: [f32; L],
}

impl<const L: usize> Sums<L> {
    const NONE: Self = Self { high: [0.0; L], low: [0.0; L] };

    #[inline(always)]
    fn add(&mut self, v: [f32; L]) {
        for i in 0..L {
            let sum = self.high[i] + v[i];
            let part = sum - self.high[i];
            self.low[i] += (self.high[i] - (sum - part)) + (v[i] - part);
            self.high[i] = sum;
        }
    }
    #[inline(always)]
    fn value(&self, i: usize) -> f32 {
        self.high[i] + self.low[i]
    }
}

/// The last row of each column that is not equal to the one before it, among the rows looked at so far.
struct Changes<const L: usize> {
    at: [i32; L],
    next: usize,
}

impl<const L: usize> Changes<L> {
    const NONE: Self = Self { at: [0; L], next: 1 };

    /// Looks as far as the rows `at - p ..= at + p` that exist; `at` rises from call to call. They are all equal in the columns
    /// where the last change lies at or before the row that is returned.
    #[inline(always)]
    fn look(&mut self, x: &[[f32; L]], at: usize, p: usize) -> i32 {
        let end = (at + p + 1).min(x.len());
        while self.next < end {
            let (before, now) = (&x[self.next - 1], &x[self.next]);
            for i in 0..L {
                let equal = now[i] == before[i];
                self.at[i] = if equal { self.at[i] } else { self.next as i32 };
            }
            self.next += 1;
        }
        at.saturating_sub(p) as i32
    }
}

/// Sliding normalisation, column by column: the mean of `window` rows is removed, then (with `variance`) each value is
/// divided by the standard deviation of the `window` rows about it plus 1e-10. Sums slide along; each column is taken
/// relative to its first value, and rows that do not change become exactly 0.
///
/// Needs two floats of scratch per row; with [`WIDE`] times as many it takes as many columns at once, and twice as many where there
/// is room for them: a sum alone waits for itself.
#[inline(always)]
pub(crate) fn cmvn(x: &mut [f32], columns: usize, window: usize, variance: bool, scratch: &mut [f32]) {
    const MORE: usize = 2 * WIDE;
    let rows = x.len() / columns;
    if columns > WIDE && scratch.len() >= 2 * MORE * rows {
        let scratch = scratch.as_chunks_mut::<MORE>().0;
        for c in (0..columns).step_by(MORE) {
            some::<MORE>(x, columns, c..columns.min(c + MORE), window, variance, scratch);
        }
    } else if columns > 1 && scratch.len() >= 2 * WIDE * rows {
        let scratch = scratch.as_chunks_mut::<WIDE>().0;
        for c in (0..columns).step_by(WIDE) {
            some::<WIDE>(x, columns, c..columns.min(c + WIDE), window, variance, scratch);
        }
    } else {
        for c in 0..columns {
            some::<1>(x, columns, c..c + 1, window, variance, scratch.as_chunks_mut().0);
        }
    }
}

/// The same of at most `L` columns.
#[inline(always)]
fn some<const L: usize>(
    x: &mut [f32],
    columns: usize,
    these: core::ops::Range<usize>,
    window: usize,
    variance: bool,
    scratch: &mut [[f32; L]],
) {
    let rows = x.len() / columns;
    let half = window / 2;
    let p = half as isize;
    let w = window as f32;
    let (d, rest) = scratch.split_at_mut(rows);
    let y = &mut rest[..rows];
    let first: [f32; L] = core::array::from_fn(|i| these.clone().nth(i).map_or(0.0, |c| x[c]));
    for (d, x) in d.iter_mut().zip(x.chunks_exact(columns)) {
        let x = &x[these.clone()];
        *d = [0.0; L];
        for ((d, x), first) in d.iter_mut().zip(x).zip(&first) {
            *d = x - first;
        }
    }
    let minus = |mut v: [f32; L]| {
        for v in &mut v {
            *v = -*v;
        }
        v
    };
    let mut sum = Sums::<L>::NONE;
    let mut changes = Changes::<L>::NONE;
    for j in -p..=p {
        sum.add(d[reflect(j, rows)]);
    }
    for at in 0..rows {
        let first = changes.look(d, at, half);
        for i in 0..L {
            y[at][i] = if changes.at[i] <= first { 0.0 } else { d[at][i] - sum.value(i) / w };
        }
        let i = at as isize;
        sum.add(d[reflect(i + p + 1, rows)]);
        sum.add(minus(d[reflect(i - p, rows)]));
    }
    if variance {
        // The mean of the rows about each, then the mean of their squares: one after the other, since compilers make vectors of
        // the columns of a sum but not of those of two.
        let mut sum = Sums::<L>::NONE;
        for j in -p..=p {
            sum.add(y[reflect(j, rows)]);
        }
        for at in 0..rows {
            for i in 0..L {
                d[at][i] = sum.value(i) / w;
            }
            let i = at as isize;
            sum.add(y[reflect(i + p + 1, rows)]);
            sum.add(minus(y[reflect(i - p, rows)]));
        }
        let square = |mut v: [f32; L]| {
            for v in &mut v {
                *v *= *v;
            }
            v
        };
        let mut sum = Sums::<L>::NONE;
        let mut changes = Changes::<L>::NONE;
        for j in -p..=p {
            sum.add(square(y[reflect(j, rows)]));
        }
        for at in 0..rows {
            let first = changes.look(y, at, half);
            let mean = d[at];
            for i in 0..L {
                let var = sum.value(i) / w - mean[i] * mean[i];
                let var = if var > 0.0 && changes.at[i] > first { var } else { 0.0 };
                d[at][i] = y[at][i] / (sqrt(var) + 1e-10);
            }
            let i = at as isize;
            sum.add(square(y[reflect(i + p + 1, rows)]));
            sum.add(minus(square(y[reflect(i - p, rows)])));
        }
    }
    let from = if variance { &*d } else { &*y };
    for (x, v) in x.chunks_exact_mut(columns).zip(from) {
        for (x, v) in x[these.clone()].iter_mut().zip(v) {
            *x = *v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    #[test]
    fn silence_after_sound_is_normalised_by_itself() {
        let (rows, window) = (200, 21);
        // Sound, then almost nothing, then nothing at all.
        let x: Vec<f32> = (0..rows)
            .map(|i| match i {
                0..60 => 10.0 + (i * 37 % 17) as f32 * 0.5,
                60..120 => -0.25 + (i * 29 % 13) as f32 / 1024.0,
                _ => -0.25,
            })
            .collect();
        let mut got = x.clone();
        cmvn(&mut got, 1, window, true, &mut vec![0.0; 2 * rows]);
        let about = |x: &[f64], i: usize| -> Vec<f64> {
            let reach = |j: usize| x[reflect(i as isize + j as isize - window as isize / 2, rows)];
            (0..window).map(reach).collect()
        };
        let mean = |x: &[f64]| x.iter().sum::<f64>() / window as f64;
        let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let removed: Vec<f64> = (0..rows).map(|i| wide[i] - mean(&about(&wide, i))).collect();
        for (i, got) in got.iter().enumerate() {
            let near = about(&removed, i);
            let m = mean(&near);
            let var = near.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / window as f64;
            let exact = removed[i] / (libm::sqrt(var) + 1e-10);
            assert!(
                (f64::from(*got) - exact).abs() < 2e-3 * (1.0 + exact.abs()),
                "row {i}: {got}, expected {exact}"
            );
        }
    }

    #[test]
    fn columns_side_by_side_are_columns_one_by_one() {
        for (rows, columns, window) in [(50, 13, 101), (7, 3, 5), (33, 9, 1), (1, 2, 3), (120, 8, 21)] {
            // Noise, a constant stretch, a constant column.
            let x: Vec<f32> = (0..rows * columns)
                .map(|i| match (i / columns, i % columns) {
                    (_, 2) => 4.5,
                    (10..40, _) => -1.25,
                    (row, column) => ((row * 31 + column * 17) % 23) as f32 * 0.37 - 4.0,
                })
                .collect();
            for variance in [false, true] {
                let (mut wide, mut narrow) = (x.clone(), x.clone());
                cmvn(&mut wide, columns, window, variance, &mut vec![7.0; 2 * WIDE * rows]);
                cmvn(&mut narrow, columns, window, variance, &mut vec![7.0; 2 * rows]);
                assert!(
                    wide.iter().zip(&narrow).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{rows} x {columns}"
                );
            }
        }
    }
}
