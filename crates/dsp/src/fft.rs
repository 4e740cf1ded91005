//! Fourier transform of real input, with all tables made beforehand.

use alloc::vec::Vec;

/// Tables of a transform of `n` real values (a power of two, at least 4).
///
/// The values are taken as `n/2` complex numbers, transformed by decimation in time, and taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct RealFft {
    /// Number of real values.
    pub n: usize,
    /// cos and -sin of `2 pi k / (n/2)` for `k` in `0..n/4`, in turns.
    pub twiddle: Vec<f32>,
    /// cos and -sin of `2 pi k / n` for `k` in `0..=n/4`, in turns.
    pub unpack: Vec<f32>,
    /// Place of each complex number before the first stage.
    pub reverse: Vec<u16>,
}

impl RealFft {
    /// Tables for `n` values.
    pub fn new(n: usize) -> Self {
        let half = n / 2;
        let angle = |k: usize, of: usize| 2.0 * core::f64::consts::PI * k as f64 / of as f64;
        let pair = |a: f64| [libm::cos(a) as f32, -libm::sin(a) as f32];
        let bits = half.trailing_zeros();
        Self {
            n,
            twiddle: (0..half / 2).flat_map(|k| pair(angle(k, half))).collect(),
            unpack: (0..=half / 2).flat_map(|k| pair(angle(k, n))).collect(),
            reverse: (0..half)
                .map(|i| if bits == 0 { 0 } else { (i.reverse_bits() >> (usize::BITS - bits)) as u16 })
                .collect(),
        }
    }

    /// Power `|X[k]|^2 * scale` for `k` in `0..=n/2`. `input` has `n` values; `work` has `n`, `power` `n/2 + 1`.
    pub fn power(&self, input: &[f32], scale: f32, work: &mut [f32], power: &mut [f32]) {
        self.transform(input, work);
        let half = self.n / 2;
        let (re, im) = (work[0], work[1]);
        let (low, high) = (re + im, re - im);
        power[0] = (low * low) * scale;
        power[half] = (high * high) * scale;
        for k in 1..=half / 2 {
            let j = half - k;
            let (ar, ai) = (work[2 * k], work[2 * k + 1]);
            let (br, bi) = (work[2 * j], work[2 * j + 1]);
            // Even and odd parts: E = (a + conj b) / 2, O = -i (a - conj b) / 2.
            let er = (ar + br) * 0.5;
            let ei = (ai - bi) * 0.5;
            let or = (ai + bi) * 0.5;
            let oi = (br - ar) * 0.5;
            let (wr, wi) = (self.unpack[2 * k], self.unpack[2 * k + 1]);
            let tr = wr * or - wi * oi;
            let ti = wr * oi + wi * or;
            let (pr, pi) = (er + tr, ei + ti);
            let (mr, mi) = (er - tr, ti - ei);
            power[k] = (pr * pr + pi * pi) * scale;
            power[j] = (mr * mr + mi * mi) * scale;
        }
    }

    fn transform(&self, input: &[f32], work: &mut [f32]) {
        let half = self.n / 2;
        for (i, &to) in self.reverse.iter().enumerate() {
            let to = usize::from(to);
            work[2 * to] = input[2 * i];
            work[2 * to + 1] = input[2 * i + 1];
        }
        let mut span = 1;
        while span < half {
            let step = half / (2 * span);
            for group in work[..2 * half].chunks_exact_mut(4 * span) {
                let (low, high) = group.split_at_mut(2 * span);
                let turns = self.twiddle.chunks_exact(2).step_by(step);
                for ((a, b), w) in low.chunks_exact_mut(2).zip(high.chunks_exact_mut(2)).zip(turns) {
                    let (wr, wi) = (w[0], w[1]);
                    let (xr, xi) = (b[0], b[1]);
                    let tr = wr * xr - wi * xi;
                    let ti = wr * xi + wi * xr;
                    let (ur, ui) = (a[0], a[1]);
                    a[0] = ur + tr;
                    a[1] = ui + ti;
                    b[0] = ur - tr;
                    b[1] = ui - ti;
                }
            }
            span *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn power_is_that_of_the_definition() {
        for n in [4usize, 8, 16, 64, 256] {
            let input: Vec<f32> = (0..n).map(|i| libm::sinf(i as f32 * 0.7) + 0.3 * (i % 5) as f32).collect();
            let (mut work, mut power) = (vec![0.0; n], vec![0.0; n / 2 + 1]);
            RealFft::new(n).power(&input, 1.0 / n as f32, &mut work, &mut power);
            for (k, p) in power.iter().enumerate() {
                let (mut re, mut im) = (0.0f64, 0.0f64);
                for (i, x) in input.iter().enumerate() {
                    let a = 2.0 * core::f64::consts::PI * (k * i) as f64 / n as f64;
                    re += f64::from(*x) * libm::cos(a);
                    im -= f64::from(*x) * libm::sin(a);
                }
                let exact = (re * re + im * im) / n as f64;
                assert!((f64::from(*p) - exact).abs() < 1e-4 * (1.0 + exact), "n {n} k {k}: {p} {exact}");
            }
        }
    }
}
