//! Fourier transform in integers: 32-bit values with one exponent for all, factors of 16 bits.

use super::arith::{bits, times, turned};
use crate::RealFft;
use alloc::vec::Vec;

/// Tables of a transform of `n` real values; steps and order are those of [`RealFft`].
#[derive(Clone, Debug, PartialEq)]
pub struct FixedFft {
    /// Number of real values, a power of two from 4.
    pub n: usize,
    /// Complex numbers of a transform of the first stage: 2, 4 or 8.
    pub first: usize,
    /// Factors of the stages after the first, as multiples of 2^-15.
    pub twiddle: Vec<i16>,
    /// cos and -sin of `2 pi k / n` for `k` in `0..=n/4`, in turns, as multiples of 2^-15.
    pub unpack: Vec<i16>,
    /// First complex number of each transform of the first stage.
    pub order: Vec<u16>,
}

/// Bits of the values that go into the first stage, and into each later step: what comes out has at most 31.
const FIRST_BITS: u32 = 27;
const STEP_BITS: u32 = 28;

/// 2^15 / sqrt(2).
const DIAGONAL: i32 = 23170;

type Complex = (i32, i32);

fn plus(a: Complex, b: Complex) -> Complex {
    (a.0 + b.0, a.1 + b.1)
}
fn minus(a: Complex, b: Complex) -> Complex {
    (a.0 - b.0, a.1 - b.1)
}
/// `a - i b`.
fn minus_i(a: Complex, b: Complex) -> Complex {
    (a.0 + b.1, a.1 - b.0)
}
/// `a + i b`.
fn plus_i(a: Complex, b: Complex) -> Complex {
    (a.0 - b.1, a.1 + b.0)
}
fn four([a, b, c, d]: [Complex; 4]) -> [Complex; 4] {
    let (s, t, u, v) = (plus(a, c), minus(a, c), plus(b, d), minus(b, d));
    [plus(s, u), minus_i(t, v), minus(s, u), plus_i(t, v)]
}
fn put(x: &mut [i32], i: usize, v: Complex) {
    x[2 * i] = v.0;
    x[2 * i + 1] = v.1;
}

/// Significant bits of the largest magnitude; a negative power of two counts one less.
fn width(x: &[i32]) -> u32 {
    bits(x.iter().fold(0, |all, v| all | (v ^ (v >> 31)) as u32))
}

impl FixedFft {
    /// Tables for `n` values.
    pub fn new(n: usize) -> Self {
        let RealFft { first, twiddle, unpack, order, .. } = RealFft::new(n);
        let fixed = |w: &f32| libm::round(f64::from(*w) * 32768.0).min(32767.0) as i16;
        Self {
            n,
            first,
            twiddle: twiddle.iter().map(fixed).collect(),
            unpack: unpack.iter().map(fixed).collect(),
            order,
        }
    }

    /// Bits that are dropped of a squared magnitude, so that `n/2 + 1` of them times 2^15 add up below 2^63.
    fn dropped(&self) -> u32 {
        13 + self.n.trailing_zeros()
    }

    /// Power of the real values `input * 2^exponent`, which are overwritten: `power * 2^result` is `|X[k]|^2 / n` for
    /// `k` in `0..=n/2`. `None` where all values are 0; `power` is 0 then. `work` has `n` values.
    pub fn power(
        &self,
        input: &mut [i32],
        exponent: i32,
        work: &mut [i32],
        power: &mut [u64],
    ) -> Option<i32> {
        let wide = width(input);
        if wide == 0 && input.iter().all(|v| *v == 0) {
            power.fill(0);
            return None;
        }
        let up = FIRST_BITS as i32 - wide as i32;
        for v in input.iter_mut() {
            *v = if up >= 0 { *v << up } else { *v >> -up };
        }
        let exponent = exponent - up + self.transform(input, work) as i32;
        let down = width(work).saturating_sub(STEP_BITS);
        let half = self.n / 2;
        let drop = self.dropped();
        let square = |v: i32| {
            let v = u64::from(v.unsigned_abs());
            v * v
        };
        let at = |i: usize| (work[2 * i] >> down, work[2 * i + 1] >> down);
        let (re, im) = at(0);
        power[0] = square(2 * (re + im)) >> drop;
        power[half] = square(2 * (re - im)) >> drop;
        for (k, w) in self.unpack.chunks_exact(2).enumerate().skip(1) {
            let j = half - k;
            let (a, b) = (at(k), at(j));
            let even = (a.0 + b.0, a.1 - b.1);
            let odd = turned((a.1 + b.1, b.0 - a.0), w);
            let (p, m) = (plus(even, odd), minus(even, odd));
            power[k] = (square(p.0) + square(p.1)) >> drop;
            power[j] = (square(m.0) + square(m.1)) >> drop;
        }
        // Magnitudes are doubled; n divides.
        Some(2 * (exponent + down as i32) + drop as i32 - 2 - self.n.trailing_zeros() as i32)
    }

    /// Transform of `n/2` complex numbers; how many bits the result was shifted down.
    fn transform(&self, input: &[i32], work: &mut [i32]) -> u32 {
        let half = self.n / 2;
        let apart = half / self.first;
        for (out, &start) in work.chunks_exact_mut(2 * self.first).zip(&self.order) {
            let x = |t: usize| {
                let i = usize::from(start) + t * apart;
                (input[2 * i], input[2 * i + 1])
            };
            match self.first {
                2 => {
                    put(out, 0, plus(x(0), x(1)));
                    put(out, 1, minus(x(0), x(1)));
                }
                4 => {
                    for (t, y) in four([x(0), x(1), x(2), x(3)]).into_iter().enumerate() {
                        put(out, t, y);
                    }
                }
                _ => {
                    let even = four([x(0), x(2), x(4), x(6)]);
                    let odd = four([x(1), x(3), x(5), x(7)]);
                    put(out, 0, plus(even[0], odd[0]));
                    put(out, 4, minus(even[0], odd[0]));
                    let o = (times(odd[1].0 + odd[1].1, DIAGONAL), times(odd[1].1 - odd[1].0, DIAGONAL));
                    put(out, 1, plus(even[1], o));
                    put(out, 5, minus(even[1], o));
                    put(out, 2, minus_i(even[2], odd[2]));
                    put(out, 6, plus_i(even[2], odd[2]));
                    let o = (times(odd[3].1 - odd[3].0, DIAGONAL), times(odd[3].0 + odd[3].1, DIAGONAL));
                    put(out, 3, (even[3].0 + o.0, even[3].1 - o.1));
                    put(out, 7, (even[3].0 - o.0, even[3].1 + o.1));
                }
            }
        }
        let (mut span, mut twiddle, mut shifted) = (self.first, &self.twiddle[..], 0);
        while span < half {
            let down = width(work).saturating_sub(STEP_BITS);
            shifted += down;
            let (own, rest) = twiddle.split_at(6 * span);
            twiddle = rest;
            for group in work.chunks_exact_mut(8 * span) {
                for (k, w) in own.chunks_exact(6).enumerate() {
                    let at = |r: usize| {
                        let i = 2 * (k + r * span);
                        (group[i] >> down, group[i + 1] >> down)
                    };
                    let mut x = [at(0), at(1), at(2), at(3)];
                    // The first factors are exactly 1.
                    if k > 0 {
                        x = [x[0], turned(x[1], &w[..2]), turned(x[2], &w[2..4]), turned(x[3], &w[4..])];
                    }
                    for (r, y) in four(x).into_iter().enumerate() {
                        put(group, k + r * span, y);
                    }
                }
            }
            span *= 4;
        }
        shifted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn exact(input: &[i32], k: usize) -> f64 {
        let n = input.len();
        let (mut re, mut im) = (0.0f64, 0.0f64);
        for (i, x) in input.iter().enumerate() {
            let a = 2.0 * core::f64::consts::PI * ((k * i) % n) as f64 / n as f64;
            re += f64::from(*x) * libm::cos(a);
            im -= f64::from(*x) * libm::sin(a);
        }
        (re * re + im * im) / n as f64
    }

    #[test]
    fn power_is_that_of_the_definition() {
        for n in [4usize, 8, 16, 32, 64, 128, 256, 512] {
            let wave = |i: usize| (20_000.0 * libm::sin(i as f64 * 0.7)) as i32 + 300 * (i % 5) as i32;
            let inputs: [Vec<i32>; 5] = [
                (0..n).map(wave).collect(),
                vec![32768; n],
                (0..n).map(|i| if i % 2 == 0 { 32768 } else { -32768 }).collect(),
                (0..n).map(|i| i32::from(i == 3)).collect(),
                vec![-(1 << 30); n],
            ];
            for input in inputs {
                let fft = FixedFft::new(n);
                let (mut work, mut power) = (vec![0; n], vec![0; n / 2 + 1]);
                let e = fft.power(&mut input.clone(), 0, &mut work, &mut power).expect("no silence");
                let all: f64 = (0..=n / 2).map(|k| exact(&input, k)).sum();
                for (k, p) in power.iter().enumerate() {
                    let (got, exact) = (*p as f64 * libm::exp2(f64::from(e)), exact(&input, k));
                    // 16-bit factors: an amplitude is off by some 2^-15 of the largest ones.
                    let bound = 2e-4 * libm::sqrt(exact * all) + 1e-8 * all;
                    assert!((got - exact).abs() < bound, "n {n} k {k}: {got} {exact} of {all}");
                }
            }
        }
    }

    #[test]
    fn silence_has_no_exponent() {
        let fft = FixedFft::new(8);
        assert_eq!(fft.power(&mut [0; 8], 0, &mut [1; 8], &mut [1; 5]), None);
    }
}
