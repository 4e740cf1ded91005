//! Sliding normalisation in integers.

use super::arith::{bits, power_of_two, root};
use crate::cmvn::reflect;

/// Bits by which a value is shifted up (or down, negative) to have `want` bits.
fn room(x: impl Iterator<Item = i32>, want: u32) -> i32 {
    want as i32 - bits(x.fold(0, |all, v| all | (v ^ (v >> 31)) as u32)) as i32
}

fn shifted(v: i32, up: i32) -> i32 {
    if up >= 0 { v << up } else { v >> -up }
}

/// Normalises each column over `window` rows (odd), mirrored at both ends: the mean is removed, then each value is divided
/// by the standard deviation of the rows about it. Values come in and go out as bits of `x`: integers in, floats out.
/// Scale and offset of a column do not matter; what does not change becomes 0. `scratch` holds two values per row.
///
/// Sums are exact. A column is taken with as many bits as `window` times its values leave room for (23 for 101 rows).
pub fn normalise(x: &mut [f32], columns: usize, window: usize, scratch: &mut [i32]) {
    let rows = x.len() / columns;
    let p = (window / 2) as isize;
    let w = window as i32;
    let window_bits = bits(window as u32);
    let (d, rest) = scratch.split_at_mut(rows);
    let z = &mut rest[..rows];
    for c in 0..columns {
        let value = |i: usize| x[i * columns + c].to_bits() as i32;
        let first = value(0);
        for (i, d) in d.iter_mut().enumerate() {
            *d = value(i) - first;
        }
        let up = room(d.iter().copied(), 30 - window_bits);
        d.iter_mut().for_each(|d| *d = shifted(*d, up));
        let mut sum: i32 = (-p..=p).map(|j| d[reflect(j, rows)]).sum();
        for i in 0..rows {
            // `window` times the value without the mean.
            z[i] = w * d[i] - sum;
            let at = i as isize;
            sum += d[reflect(at + p + 1, rows)] - d[reflect(at - p, rows)];
        }
        let down = room(z.iter().copied(), 31 - window_bits).min(0);
        z.iter_mut().for_each(|z| *z = shifted(*z, down));
        let square = |v: i32| i64::from(v) * i64::from(v);
        let (mut s1, mut s2) = (0i32, 0i64);
        for j in -p..=p {
            let v = z[reflect(j, rows)];
            s1 += v;
            s2 += square(v);
        }
        for i in 0..rows {
            // The square of `window` times the deviation.
            let spread = (i64::from(w) * s2 - square(s1)) as u64;
            x[i * columns + c] = ratio(z[i] * w, spread);
            let at = i as isize;
            let (new, old) = (z[reflect(at + p + 1, rows)], z[reflect(at - p, rows)]);
            s1 += new - old;
            s2 += square(new) - square(old);
        }
    }
}

/// `x` over the root of `square`, to 15 bits; 0 where `square` is 0.
fn ratio(x: i32, square: u64) -> f32 {
    if square == 0 || x == 0 {
        return 0.0;
    }
    // square = mantissa * 4^half with the mantissa in 2^30..2^32.
    let half = (33 - square.leading_zeros() as i32) >> 1;
    let mantissa = if half >= 0 { square >> (2 * half) } else { square << (-2 * half) } as u32;
    let magnitude = x.unsigned_abs();
    let up = magnitude.leading_zeros();
    let quotient = (magnitude << up) / root(mantissa);
    let value = quotient as f32 * power_of_two(-(up as i32) - half);
    if x < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    #[test]
    fn ratios_are_near() {
        for (x, square) in
            [(5, 9u64), (-7, 1), (i32::MAX, 2), (1, 1 << 62), (-12345, 99_999_999_999), (3, u64::MAX)]
        {
            let exact = f64::from(x) / libm::sqrt(square as f64);
            let got = f64::from(ratio(x, square));
            assert!((got - exact).abs() < 1e-4 * exact.abs(), "{x} {square}: {got} {exact}");
        }
    }

    #[test]
    fn columns_are_normalised_by_the_rows_about_them() {
        let (rows, columns) = (60, 2);
        let mut seed = 1u32;
        let values: Vec<i32> = (0..rows * columns)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 4) as i32 - (1 << 27)
            })
            .collect();
        for window in [3usize, 21, 101, 1001] {
            let mut got: Vec<f32> = values.iter().map(|v| f32::from_bits(*v as u32)).collect();
            normalise(&mut got, columns, window, &mut vec![0; 2 * rows]);
            let p = (window / 2) as isize;
            for c in 0..columns {
                let column: Vec<f64> = (0..rows).map(|i| f64::from(values[i * columns + c])).collect();
                let about = |x: &[f64], i: usize| -> Vec<f64> {
                    (-p..=p).map(|j| x[reflect(i as isize + j, rows)]).collect()
                };
                let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
                let removed: Vec<f64> = (0..rows).map(|i| column[i] - mean(&about(&column, i))).collect();
                for i in 0..rows {
                    let near = about(&removed, i);
                    let m = mean(&near);
                    let var = near.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / window as f64;
                    let exact = removed[i] / libm::sqrt(var);
                    let got = f64::from(got[i * columns + c]);
                    assert!(
                        (got - exact).abs() < 1e-3 * (1.0 + exact.abs()),
                        "{window} {i} {c}: {got} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for window in [1usize, 3, 101, 100_001] {
            let mut x: Vec<f32> = (0..40)
                .map(|i| f32::from_bits(if i % 7 < 3 { 1 << 30 } else { (-(1i32 << 30)) as u32 }))
                .collect();
            normalise(&mut x, 2, window, &mut [0; 40]);
            assert!(x.iter().all(|v| v.is_finite()));
        }
    }
}
