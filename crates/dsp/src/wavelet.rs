//! Wavelet bands of one axis and their statistics.

use crate::{
    flatten::moments_and_rms,
    math::{ln, sqrt},
};
use alloc::{format, string::String, vec::Vec};

/// Names of the values of a band, in order.
const NAMES: [&str; 14] = [
    "entropy", "zcross", "mcross", "n5", "n25", "n75", "n95", "median", "mean", "std", "var", "rms", "skew",
    "kurtosis",
];

/// A decomposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Wavelet {
    /// Low-pass and high-pass taps.
    pub taps: Vec<[f32; 2]>,
    /// How often the approximation is taken apart, 0 to 7.
    pub levels: usize,
}

impl Wavelet {
    /// Features of one axis.
    pub fn per_axis(&self) -> usize {
        NAMES.len() * (self.levels + 1)
    }

    /// Floats of scratch for an axis of `length` values: an approximation and a detail.
    pub fn scratch_len(&self, length: usize) -> usize {
        if self.levels == 0 { 0 } else { 2 * self.half(length) }
    }

    /// Values of each half of `length` values.
    fn half(&self, length: usize) -> usize {
        (length + self.taps.len() - 1) / 2
    }

    pub(crate) fn names(&self) -> Vec<String> {
        (0..=self.levels).flat_map(|l| NAMES.iter().map(move |n| format!("L{l}-{n}"))).collect()
    }

    /// Statistics of the last approximation, then of the details from the last to the first. `x` is overwritten.
    pub(crate) fn extract(&self, x: &mut [f32], scratch: &mut [f32], out: &mut [f32]) {
        let per = NAMES.len();
        let mut n = x.len();
        let room = if self.levels == 0 { 0 } else { self.half(n) };
        let (other, detail) = scratch.split_at_mut(room);
        let (mut from, mut to) = (x, other);
        for level in 0..self.levels {
            let half = self.half(n);
            self.split(&from[..n], &mut to[..half], &mut detail[..half]);
            statistics(&mut detail[..half], &mut out[per * (self.levels - level)..][..per]);
            core::mem::swap(&mut from, &mut to);
            n = half;
        }
        statistics(&mut from[..n], &mut out[..per]);
    }

    /// Every second value of both convolutions, with half-sample symmetric extension.
    ///
    /// Sums run as in PyWavelets, outwards from the last value: where a filter meets its mirror image they then cancel as
    /// they do there, which crossings and entropy see.
    fn split(&self, x: &[f32], low: &mut [f32], high: &mut [f32]) {
        let n = x.len();
        for (k, (low, high)) in low.iter_mut().zip(high).enumerate() {
            let last = 2 * k + 1;
            let (mut l, mut h) = (0.0f32, 0.0f32);
            let mut add = |v: f32, taps: &[f32; 2]| {
                l += taps[0] * v;
                h += taps[1] * v;
            };
            // Taps that reach beyond the end, and taps from there to the beginning.
            let beyond = if last < n { 0 } else { last - n + 1 };
            for (taps, v) in self.taps[..beyond].iter().rev().zip(x.iter().rev()) {
                add(*v, taps);
            }
            for (taps, v) in self.taps[beyond..].iter().zip(x[..=last - beyond].iter().rev()) {
                add(*v, taps);
            }
            if last + 1 < self.taps.len() {
                for (taps, v) in self.taps[last + 1..].iter().zip(x) {
                    add(*v, taps);
                }
            }
            (*low, *high) = (l, h);
        }
    }
}

/// Statistics of a band, which is sorted on the way.
fn statistics(x: &mut [f32], out: &mut [f32]) {
    let n = x.len();
    let count = n as f32;
    let (m, square) = moments_and_rms(x);
    let still = square == 0.0;
    // Counted in 32 bits, of which a vector holds more.
    let (mut zero, mut middle) = (0u32, 0u32);
    for (a, b) in x.iter().zip(&x[1..]) {
        zero += u32::from((*a > 0.0) != (*b > 0.0));
        middle += u32::from((*a > m.mean) != (*b > m.mean));
    }
    sort(x);
    let place = |percent: usize| x[((n - 1) * percent + 50) / 100];
    out.copy_from_slice(&[
        entropy(x),
        zero as f32 / count,
        middle as f32 / count,
        place(5),
        place(25),
        place(75),
        place(95),
        place(50),
        m.mean,
        sqrt(m.m2),
        m.m2 * (count / (count - 1.0)),
        square,
        if still { 0.0 } else { m.skewness },
        if still { 0.0 } else { m.kurtosis },
    ]);
}

/// Entropy of sorted values over 100 equal steps between the smallest and the largest.
fn entropy(sorted: &[f32]) -> f32 {
    let count = sorted.len() as f32;
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    let range = most - least;
    let steps = if range > 0.0 { 100.0 / range } else { 0.0 };
    // From the middle, which is the border of two steps: what lies a rounding error beside it stays on its side.
    let middle = 0.5 * least + 0.5 * most;
    let mut sum = 0.0f32;
    let (mut step, mut many) = (0i32, 0u32);
    // Most steps hold few values: what they add is computed once.
    let mut known = [None; 8];
    let mut part = |many: u32| {
        let compute = || {
            let p = many as f32 / count;
            p * ln(p)
        };
        match known.get_mut(many as usize) {
            Some(known) => *known.get_or_insert_with(compute),
            None => compute(),
        }
    };
    for v in sorted {
        let from = (v - middle) * steps;
        // What is no number, after an overflow, lies in the first step.
        let at = if from >= 50.0 {
            99
        } else if from > -50.0 {
            let whole = from as i32;
            if from < whole as f32 { whole + 49 } else { whole + 50 }
        } else {
            0
        };
        if at != step && many > 0 {
            sum -= part(many);
            many = 0;
        }
        step = at;
        many += 1;
    }
    sum - part(many)
}

/// As the C sorts: there is one order of values that differ, and those that are equal are so in every bit but for the two zeros.
/// Where there are zeros, or what is no number, the C's own moves decide.
fn sort(x: &mut [f32]) {
    if x.iter().fold(true, |plain, v| plain & (*v != 0.0) & !v.is_nan()) {
        // Whole numbers in the same order, and back: without them each comparison would do this twice.
        let turned = |v: f32| {
            let bits = v.to_bits() as i32;
            f32::from_bits((bits ^ ((bits >> 31) as u32 >> 1) as i32) as u32)
        };
        for v in x.iter_mut() {
            *v = turned(*v);
        }
        x.sort_unstable_by_key(|v| v.to_bits() as i32);
        for v in x {
            *v = turned(*v);
        }
    } else {
        shell(x);
    }
}

/// Shell's method: little code, no recursion, and the same moves here and in the C.
fn shell(x: &mut [f32]) {
    for gap in [19930usize, 8858, 3937, 1750, 701, 301, 132, 57, 23, 10, 4, 1] {
        for i in gap..x.len() {
            let v = x[i];
            let mut j = i;
            while j >= gap && x[j - gap] > v {
                x[j] = x[j - gap];
                j -= gap;
            }
            x[j] = v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn bands_of_haar_are_sums_and_differences() {
        let half = core::f32::consts::FRAC_1_SQRT_2;
        let w = Wavelet { taps: vec![[half, -half], [half, half]], levels: 1 };
        let x = [1.0f32, 3.0, -2.0, 5.0, 0.5];
        let (mut low, mut high) = ([0.0; 3], [0.0; 3]);
        w.split(&x, &mut low, &mut high);
        for (k, (a, b)) in [(1.0, 3.0), (-2.0, 5.0), (0.5, 0.5)].into_iter().enumerate() {
            assert!((low[k] - (a + b) * half).abs() < 1e-6 && (high[k] - (a - b) * half).abs() < 1e-6, "{k}");
        }
    }

    #[test]
    fn both_sorts_give_the_same_bits() {
        for (n, many) in [(66usize, 1000u32), (66, 9), (5, 3), (700, 100_000)] {
            let mut bits = 7u32;
            let x: Vec<f32> = (0..n)
                .map(|_| {
                    bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (bits >> 8) as f32 % many as f32 - 0.5 * many as f32 + 0.25
                })
                .collect();
            let (mut a, mut b) = (x.clone(), x);
            sort(&mut a);
            shell(&mut b);
            assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        // Zeros of both signs stay as the C leaves them.
        let mut zeros = [0.0f32, -0.0, 1.0, -1.0, -0.0, 0.0];
        let mut same = zeros;
        sort(&mut zeros);
        shell(&mut same);
        assert_eq!(zeros.map(f32::to_bits), same.map(f32::to_bits));
    }

    #[test]
    fn statistics_of_a_ramp() {
        let mut x: Vec<f32> = (0..100).map(|i| (i * 37 % 100) as f32 - 20.0).collect();
        let mut out = [0.0; 14];
        statistics(&mut x, &mut out);
        assert!(x.windows(2).all(|w| w[0] < w[1]));
        // Every step holds one value but the last, which holds two: 0 to 99 over 100 steps of 0.99.
        assert!((out[0] - libm::logf(100.0)).abs() < 0.02, "{}", out[0]);
        assert_eq!([out[3], out[4], out[5], out[6], out[7]], [-15.0, 5.0, 54.0, 74.0, 30.0]);
        assert!((out[8] - 29.5).abs() < 1e-4 && (out[10] - 841.6667).abs() < 0.01);
        let mut still = [0.0; 40];
        statistics(&mut still, &mut out);
        assert_eq!(out, [0.0; 14]);
    }
}
