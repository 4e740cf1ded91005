//! Mean, spread and shape of integers.

use super::arith::{bits, power_of_two};
use crate::math::sqrt;

/// Bits of the values whose powers are added.
const VALUE_BITS: i32 = 15;
/// Bits that are dropped of a square before it is multiplied again.
const SQUARE_DROP: u32 = 14;

/// Spread and shape of values about 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// `root * 2^exponent` is the root of the mean square.
    pub root: f32,
    /// See `root`.
    pub exponent: i32,
    /// 0 where all values are 0.
    pub skewness: f32,
    /// -3 where all values are 0.
    pub kurtosis: f32,
}

/// Takes the mean off, rounded towards 0: nothing is left of a constant. Values are at most 2^30 in magnitude.
pub fn centre(x: &mut [i32]) {
    let sum: i64 = x.iter().map(|v| i64::from(*v)).sum();
    let mean = (sum / x.len() as i64) as i32;
    x.iter_mut().for_each(|v| *v -= mean);
}

/// Significant bits of the largest magnitude; a negative power of two counts one less.
pub fn width(x: &[i32]) -> i32 {
    bits(x.iter().fold(0, |all, v| all | (v ^ (v >> 31)) as u32)) as i32
}

/// Shape of values whose mean is 0: each is rounded to 15 bits of the largest, sums have 64 bits.
pub fn shape(x: &[i32]) -> Shape {
    let down = width(x) - VALUE_BITS;
    let (mut s2, mut s3, mut s4) = (0u64, 0i64, 0u64);
    for v in x {
        let d = if down > 0 { (v + (1 << (down - 1))) >> down } else { v << -down };
        let square = (d * d) as u32;
        let part = ((square + (1 << (SQUARE_DROP - 1))) >> SQUARE_DROP).min(0xffff);
        s2 += u64::from(square);
        s3 += i64::from(d * part as i32);
        s4 += u64::from(part * part);
    }
    if s2 == 0 {
        return Shape { root: 0.0, exponent: 0, skewness: 0.0, kurtosis: -3.0 };
    }
    let n = x.len() as f32;
    let m2 = s2 as f32 / n;
    let root = sqrt(m2);
    let skewness = s3 as f32 / n * 16384.0 / m2 / root;
    let kurtosis = s4 as f32 / n * 268_435_456.0 / m2 / m2 - 3.0;
    Shape { root, exponent: down, skewness, kurtosis }
}

/// `v * 2^e`, rounded once, for a `v` from 1 to 2^32 in magnitude or 0.
pub fn scaled(v: f32, e: i32) -> f32 {
    let e = e.clamp(-250, 250);
    v * power_of_two(e / 2) * power_of_two(e - e / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    #[test]
    fn shapes_are_those_of_the_definition() {
        let mut seed = 1u32;
        let mut unit = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(seed) / 2_147_483_648.0 - 1.0
        };
        for count in [2usize, 3, 16, 125, 5000] {
            for scale in [3.0, 40.0, 1e3, 1e6, 5e8] {
                let mut of = |f: &mut dyn FnMut(usize, f64) -> f64| -> Vec<i32> {
                    (0..count).map(|i| (f(i, unit()) * scale) as i32).collect()
                };
                let inputs = [
                    of(&mut |_, r| r),
                    of(&mut |_, r| r * r * r),
                    of(&mut |i, r| if i == count / 2 { 1.0 } else { 0.01 * r }),
                    of(&mut |i, _| if i % 2 == 0 { 1.0 } else { -1.0 }),
                ];
                for mut x in inputs {
                    let values: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
                    let mean = values.iter().sum::<f64>() / count as f64;
                    let moment =
                        |p: i32| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / count as f64;
                    let m2 = moment(2);
                    centre(&mut x);
                    let got = shape(&x);
                    if m2 == 0.0 {
                        assert_eq!(got, Shape { root: 0.0, exponent: 0, skewness: 0.0, kurtosis: -3.0 });
                        continue;
                    }
                    // The mean is rounded to a whole number.
                    let step = 1.0 / m2.sqrt();
                    let root = f64::from(scaled(got.root, got.exponent));
                    let (skew, kurt) = (moment(3) / m2.powf(1.5), moment(4) / m2 / m2 - 3.0);
                    assert!((root / m2.sqrt() - 1.0).abs() < 1e-4 + step, "{count} {scale}: {root} {m2}");
                    let off = (f64::from(got.skewness) - skew).abs();
                    assert!(
                        off < (1e-3 + 3.0 * step) * (1.0 + skew.abs()),
                        "{count} {scale}: {got:?} {skew}"
                    );
                    let off = (f64::from(got.kurtosis) - kurt).abs();
                    assert!(off < (1e-3 + 6.0 * step) * (4.0 + kurt), "{count} {scale}: {got:?} {kurt}");
                }
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for x in [vec![i32::MIN / 2, i32::MAX / 2], vec![1 << 29; 7], vec![-1; 9], vec![0, -1]] {
            let mut y = x.clone();
            centre(&mut y);
            let s = shape(&y);
            assert!(s.root.is_finite() && s.kurtosis.is_finite(), "{x:?}: {s:?}");
            assert!(shape(&x).kurtosis.is_finite());
        }
        assert_eq!(scaled(3.0, 400), f32::INFINITY);
        assert_eq!(scaled(3.0, -400), 0.0);
        assert_eq!(scaled(3.0, -140), 3.0 * f32::from_bits(1 << 9));
    }
}
