//! Second-order sections in integers.

use crate::Decimator;
use alloc::vec::Vec;

/// Bits of the point in the factors of a section.
const FACTOR_BITS: u32 = 30;

/// Sections one after the other, and what their values grow to.
///
/// A section is a state-variable filter by the trapezoidal rule: its two states change by small steps, so that rounding
/// each step moves a pole near 1 far less than in a direct form. The poles are those of the float block's sections.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedSections {
    /// Per section `1/d`, `w/d`, `w^2/d` and `k` as multiples of 2^-30, from 0 to below 2; `w` is the tangent of the
    /// edge, `k` the damping, `d = 1 + w (w + k)`.
    pub factors: Vec<[i32; 4]>,
    /// High-pass instead of low-pass.
    pub high: bool,
    /// Largest value in it over the largest that goes in.
    pub inside: f64,
    /// Largest value that comes out over the largest that goes in.
    pub out: f64,
}

impl FixedSections {
    /// Sections from `1/d`, `w/d`, `w^2/d` and `k`, for at most `n` values.
    fn new(exact: &[[f64; 4]], high: bool, n: usize) -> Self {
        let (mut inside, mut out) = (1.0f64, 1.0f64);
        // The sum of the magnitudes of an impulse's response bounds every value that signals of magnitude 1 can reach.
        let mut states = alloc::vec![[0.0f64; 2]; exact.len()];
        let mut sums = alloc::vec![[0.0f64; 5]; exact.len()];
        for i in 0..n {
            let mut v = if i == 0 { 1.0 } else { 0.0 };
            for (([c1, c2, c3, k], [s, t]), sums) in exact.iter().zip(&mut states).zip(&mut sums) {
                let d = v - *t;
                let a = c1 * *s + c2 * d;
                let b = c2 * *s + c3 * d;
                *s = 2.0 * a - *s;
                v = if high { d - b - k * a } else { *t + b };
                *t += 2.0 * b;
                for (sum, v) in sums.iter_mut().zip([d, 2.0 * a, 2.0 * b, *s, v]) {
                    *sum += v.abs();
                }
            }
        }
        for sums in &sums {
            inside = sums.iter().copied().fold(inside, f64::max);
            out = sums[4];
        }
        let scale = libm::exp2(f64::from(FACTOR_BITS));
        let factors = exact.iter().map(|s| s.map(|c| libm::round(c * scale) as i32)).collect();
        Self { factors, high, inside, out }
    }

    /// A Butterworth filter from its direct form, and what that form's rounded factors multiply the signal by.
    pub(crate) fn butterworth(sections: &[[f32; 5]], high: bool, n: usize) -> (Self, f64) {
        let mut gain = 1.0;
        let exact: Vec<[f64; 4]> = sections
            .iter()
            .map(|s| {
                let [b0, _, _, a1, a2] = s.map(f64::from);
                let c1 = (1.0 - a1 + a2) / 4.0;
                let w = libm::sqrt((1.0 + a1 + a2) / (1.0 - a1 + a2));
                gain *= b0 / if high { c1 } else { w * w * c1 };
                [c1, w * c1, w * w * c1, (1.0 - a2) / (2.0 * w * c1)]
            })
            .collect();
        (Self::new(&exact, high, n), gain)
    }

    /// The low-pass of a decimation, without its gain.
    pub(crate) fn low_pass(decimator: &Decimator) -> Self {
        let exact = decimator.sections.map(|s| {
            let [keep, cross, _, through] = s.map(f64::from);
            [1.0 - keep / 2.0, cross, through, 0.0]
        });
        // Its poles lie within 0.983, and an impulse is gone long before.
        Self::new(&exact, false, 2048)
    }

    /// Filters in place, from rest.
    pub(crate) fn apply(&self, x: &mut [i32]) {
        let rounded = |v: i64| ((v + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS) as i32;
        for factors in &self.factors {
            let [c1, c2, c3, k] = factors.map(i64::from);
            let (mut s, mut t) = (0i32, 0i32);
            for v in x.iter_mut() {
                let d = *v - t;
                let a = rounded(c1 * i64::from(s) + c2 * i64::from(d));
                let b = rounded(c2 * i64::from(s) + c3 * i64::from(d));
                s = 2 * a - s;
                *v = if self.high { d - b - rounded(k * i64::from(a)) } else { t + b };
                t += 2 * b;
            }
        }
    }

    /// Filters from the steady state of the first value, keeps one of `ratio` at the front and returns how many.
    pub(crate) fn decimate(&self, ratio: usize, x: &mut [i32]) -> usize {
        let first = x[0];
        x.iter_mut().for_each(|v| *v -= first);
        self.apply(x);
        let kept = x.len().div_ceil(ratio);
        for i in 0..kept {
            x[i] = x[i * ratio] + first;
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::butterworth;
    use std::vec;

    /// The direct form in double precision, with the float block's factors.
    fn direct(sections: &[[f32; 5]], x: &mut [f64]) {
        for s in sections {
            let [b0, b1, b2, a1, a2] = s.map(f64::from);
            let (mut z1, mut z2) = (0.0, 0.0);
            for v in x.iter_mut() {
                let y = b0 * *v + z1;
                z1 = b1 * *v - a1 * y + z2;
                z2 = b2 * *v - a2 * y;
                *v = y;
            }
        }
    }

    #[test]
    fn filters_are_those_of_the_direct_form() {
        let mut seed = 1u32;
        for order in [2, 4, 6, 8] {
            for share in [0.0005, 0.002, 0.01, 0.1, 0.24, 0.26, 0.4, 0.499] {
                for high in [false, true] {
                    let sections = butterworth(order, share, 1.0, high);
                    if !crate::spectral::stable(&sections) {
                        continue;
                    }
                    let (fixed, gain) = FixedSections::butterworth(&sections, high, 1000);
                    let bits = libm::floor(30.99 - libm::log2(fixed.inside));
                    let full = libm::exp2(bits);
                    let mut worst = 0.0f64;
                    for kind in 0..3 {
                        let mut x: Vec<i32> = (0..1000)
                            .map(|i| {
                                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                                let unit = match kind {
                                    0 => 1.0,
                                    1 => f64::from(seed) / 2_147_483_648.0 - 1.0,
                                    _ => libm::sin(2.0 * core::f64::consts::PI * share * i as f64),
                                };
                                (unit * full) as i32
                            })
                            .collect();
                        let mut exact: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
                        direct(&sections, &mut exact);
                        fixed.apply(&mut x);
                        for (got, exact) in x.iter().zip(&exact) {
                            worst = worst.max((f64::from(*got) * gain - exact).abs() / full);
                        }
                    }
                    let bound = if share < 0.41 { 2.5e-7 } else { 2.5e-6 };
                    assert!(
                        worst < bound,
                        "order {order} at {share}, high {high}: off by {worst:e} of the largest value"
                    );
                }
            }
        }
    }

    #[test]
    fn the_worst_input_reaches_what_was_foreseen_and_no_more() {
        // The signs of the response, the other way round, add up to the sum of its magnitudes.
        let sections = butterworth(8, 0.02, 1.0, false);
        let (fixed, _) = FixedSections::butterworth(&sections, false, 600);
        let full = 1i32 << 20;
        let mut response = vec![0; 600];
        response[0] = full;
        fixed.apply(&mut response);
        let mut x: Vec<i32> = response.iter().rev().map(|v| full * v.signum()).collect();
        fixed.apply(&mut x);
        let most = x.iter().map(|v| v.abs()).max().unwrap_or(0);
        let reached = f64::from(most) / f64::from(full);
        assert!((reached - fixed.out).abs() < 1e-2, "{reached} {}", fixed.out);
        assert!(fixed.inside >= fixed.out);
    }
}
