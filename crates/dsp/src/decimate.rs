//! Decimation by 3 and 10 after a low-pass.

use alloc::vec::Vec;

/// Second-order denominators (a1, a2) of a Chebyshev low-pass of type I: order 8, ripple 0.05 dB, edge 0.8/3 of Nyquist.
/// All zeros lie at half the rate.
const THREE: [[f64; 2]; 4] = [
    [-1.416907422639627, 0.5204552955670066],
    [-1.3342748248687593, 0.594631953081447],
    [-1.237675162600336, 0.7259326611233617],
    [-1.2180861262950025, 0.8987833581253264],
];

/// The same for an edge of 0.8/10 of Nyquist.
const TEN: [[f64; 2]; 4] = [
    [-1.8204968644767618, 0.8308597403796137],
    [-1.8289505620176847, 0.8553173710387741],
    [-1.8517334482627625, 0.9015161055713813],
    [-1.8965395961864169, 0.9644245584642932],
];

/// A low-pass, and one of `ratio` values kept.
///
/// The sections are state-variable filters by the trapezoidal rule: their two states change by small steps, so single
/// precision holds poles near 1 that it would lose in a direct form. Each has a gain of 1 for a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Decimator {
    /// One of so many values is kept.
    pub ratio: usize,
    /// Gain of the whole: ripple of an even order lies below 1.
    pub gain: f32,
    /// Per section what goes from the first state to itself and to the second, and from the input to both.
    pub sections: [[f32; 4]; 4],
}

impl Decimator {
    fn new(ratio: usize) -> Self {
        let denominators = if ratio == 3 { &THREE } else { &TEN };
        let sections = denominators.map(|[a1, a2]| {
            let d = 4.0 / (1.0 - a1 + a2);
            let g = libm::sqrt((1.0 + a1 + a2) / (1.0 - a1 + a2));
            [2.0 - 2.0 / d, g / d, 2.0 * g / d, g * g / d].map(|v| v as f32)
        });
        Self { ratio, gain: libm::pow(10.0, -0.05 / 20.0) as f32, sections }
    }

    /// How many of `length` values are kept.
    pub fn kept(&self, length: usize) -> usize {
        length.div_ceil(self.ratio)
    }

    /// Filters `x` from the steady state of its first value, keeps one of `ratio` at its front and returns how many.
    pub fn apply(&self, x: &mut [f32]) -> usize {
        // From rest at the distance from the first value: the same as its steady state, and exact for a constant.
        let first = x[0];
        let mut state = [[0.0f32; 2]; 4];
        let (mut kept, mut wait) = (0, 0);
        for i in 0..x.len() {
            let mut v = x[i] - first;
            for ([keep, cross, feed, through], [s, t]) in self.sections.iter().zip(&mut state) {
                let d = v - *t;
                let step = cross * *s + through * d;
                *s += feed * d - keep * *s;
                v = *t + step;
                *t = v + step;
            }
            if wait == 0 {
                x[kept] = self.gain * v + self.gain * first;
                kept += 1;
                wait = self.ratio;
            }
            wait -= 1;
        }
        kept
    }
}

/// Decimations one after the other that together keep one of `ratio` values.
pub fn decimators(ratio: usize) -> Option<Vec<Decimator>> {
    let ratios: &[usize] = match ratio {
        1 => &[],
        3 => &[3],
        10 => &[10],
        30 => &[3, 10],
        100 => &[10, 10],
        1000 => &[10, 10, 10],
        _ => return None,
    };
    Some(ratios.iter().map(|r| Decimator::new(*r)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// Largest value of what is left of a sine of `share` of the rate, after the filter has swung in.
    fn left(ratio: usize, share: f64) -> f32 {
        let tone = |i: usize| libm::sin(2.0 * core::f64::consts::PI * share * i as f64) as f32;
        let mut x: Vec<f32> = (0..6000).map(tone).collect();
        let n = Decimator::new(ratio).apply(&mut x);
        x[n / 2..n].iter().fold(0.0, |a, b| if b.abs() > a { b.abs() } else { a })
    }

    #[test]
    fn what_lies_above_the_new_half_rate_is_gone_and_the_rest_stays() {
        for ratio in [3, 10] {
            let edge = 0.5 / ratio as f64;
            for pass in [0.1, 0.37, 0.79] {
                let left = left(ratio, pass * edge);
                assert!(left > 0.985 && left < 1.002, "{ratio}: {left} at {pass}");
            }
            for stop in [1.25, 1.6, 2.3] {
                let left = left(ratio, stop * edge);
                assert!(left < 0.01, "{ratio}: {left} at {stop}");
            }
        }
    }

    #[test]
    fn a_constant_stays_but_for_the_ripple() {
        let mut x = vec![-9.81f32; 95];
        let all = decimators(100).expect("a known ratio");
        let mut n = x.len();
        for d in &all {
            assert_eq!(d.kept(n), n.div_ceil(10));
            n = d.apply(&mut x[..n]);
        }
        assert_eq!(n, 1);
        let exact = -9.81 * libm::pow(10.0, -0.1 / 20.0);
        assert!((f64::from(x[0]) - exact).abs() < 1e-5, "{} {exact}", x[0]);
        assert!(decimators(7).is_none());
    }
}
