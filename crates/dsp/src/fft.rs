//! Fourier transform of real input, with all tables made beforehand.

use alloc::{vec, vec::Vec};

/// Tables of a transform of `n` real values (a power of two, at least 4).
///
/// The values are taken as `n/2` complex numbers, transformed by decimation in time with radix 4 after a first stage of
/// radix 2, 4 or 8 without factors, and taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct RealFft {
    /// Number of real values.
    pub n: usize,
    /// Complex numbers of a transform of the first stage: 2, 4 or 8.
    pub first: usize,
    /// Factors of the stages after the first: for each `k` below the stage's span `m` the numbers `w`, `w^2`, `w^3` with
    /// `w = exp(-2 pi i k / 4m)`.
    pub twiddle: Vec<f32>,
    /// cos and -sin of `2 pi k / n` for `k` in `0..=n/4`, in turns.
    pub unpack: Vec<f32>,
    /// First complex number of each transform of the first stage; the others lie `n/2/first` apart.
    pub order: Vec<u16>,
}

/// Values side by side: the same index of several transforms.
type Lanes<const L: usize> = [f32; L];

#[inline(always)]
fn each<const L: usize>(f: impl Fn(usize) -> f32) -> Lanes<L> {
    core::array::from_fn(f)
}
#[inline(always)]
fn add<const L: usize>(a: Lanes<L>, b: Lanes<L>) -> Lanes<L> {
    each(|i| a[i] + b[i])
}
#[inline(always)]
fn sub<const L: usize>(a: Lanes<L>, b: Lanes<L>) -> Lanes<L> {
    each(|i| a[i] - b[i])
}
#[inline(always)]
fn mul<const L: usize>(a: Lanes<L>, b: f32) -> Lanes<L> {
    each(|i| a[i] * b)
}

/// A complex number in each lane.
#[derive(Clone, Copy)]
struct Complex<const L: usize> {
    re: Lanes<L>,
    im: Lanes<L>,
}

impl<const L: usize> Complex<L> {
    #[inline(always)]
    fn at(x: &[Lanes<L>], i: usize) -> Self {
        Self { re: x[2 * i], im: x[2 * i + 1] }
    }
    #[inline(always)]
    fn put(self, x: &mut [Lanes<L>], i: usize) {
        x[2 * i] = self.re;
        x[2 * i + 1] = self.im;
    }
    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        Self { re: add(self.re, o.re), im: add(self.im, o.im) }
    }
    #[inline(always)]
    fn minus(self, o: Self) -> Self {
        Self { re: sub(self.re, o.re), im: sub(self.im, o.im) }
    }
    /// `self - i o`.
    #[inline(always)]
    fn minus_i(self, o: Self) -> Self {
        Self { re: add(self.re, o.im), im: sub(self.im, o.re) }
    }
    /// `self + i o`.
    #[inline(always)]
    fn plus_i(self, o: Self) -> Self {
        Self { re: sub(self.re, o.im), im: add(self.im, o.re) }
    }
    #[inline(always)]
    fn times(self, w: &[f32]) -> Self {
        let (wr, wi) = (w[0], w[1]);
        Self { re: sub(mul(self.re, wr), mul(self.im, wi)), im: add(mul(self.im, wr), mul(self.re, wi)) }
    }
    /// Transform of four.
    #[inline(always)]
    fn four([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        let (s, t, u, v) = (a.plus(c), a.minus(c), b.plus(d), b.minus(d));
        [s.plus(u), t.minus_i(v), s.minus(u), t.plus_i(v)]
    }
}

impl RealFft {
    /// Tables for `n` values.
    pub fn new(n: usize) -> Self {
        let half = n / 2;
        let pair = |k: usize, of: usize| {
            let a = 2.0 * core::f64::consts::PI * k as f64 / of as f64;
            [libm::cos(a) as f32, -libm::sin(a) as f32]
        };
        let first = match half.trailing_zeros() {
            1 => 2,
            b if b % 2 == 1 => 8,
            _ => 4,
        };
        let mut twiddle = vec![];
        let mut span = first;
        while span < half {
            for k in 0..span {
                twiddle.extend((1..4).flat_map(|r| pair(r * k, 4 * span)));
            }
            span *= 4;
        }
        // Digits to the base of four, the other way round.
        let groups = half / first;
        let turned = |mut group: usize| {
            let (mut out, mut size) = (0, groups);
            while size > 1 {
                out = 4 * out + group % 4;
                group /= 4;
                size /= 4;
            }
            out as u16
        };
        Self {
            n,
            first,
            twiddle,
            unpack: (0..=half / 2).flat_map(|k| pair(k, n)).collect(),
            order: (0..groups).map(turned).collect(),
        }
    }

    /// Power `|X[k]|^2 * scale` for `k` in `0..=n/2`. `input` has `n` values; `work` has `n`, `power` `n/2 + 1`.
    pub fn power(&self, input: &[f32], scale: f32, work: &mut [f32], power: &mut [f32]) {
        self.power_of::<1>(input.as_chunks().0, scale, work.as_chunks_mut().0, power.as_chunks_mut().0);
    }

    /// [`Self::power`] of several inputs at once, with the same bits.
    #[inline(always)]
    pub fn power_of<const L: usize>(
        &self,
        input: &[Lanes<L>],
        scale: f32,
        work: &mut [Lanes<L>],
        power: &mut [Lanes<L>],
    ) {
        let half = self.n / 2;
        let (input, work, power) = (&input[..self.n], &mut work[..self.n], &mut power[..half + 1]);
        self.transform(input, work);
        let first = Complex::at(work, 0);
        let (low, high) = (add(first.re, first.im), sub(first.re, first.im));
        power[0] = each(|i| (low[i] * low[i]) * scale);
        power[half] = each(|i| (high[i] * high[i]) * scale);
        let quarter = scale * 0.25;
        for (k, w) in self.unpack.chunks_exact(2).enumerate().skip(1) {
            let j = half - k;
            let (a, b) = (Complex::at(work, k), Complex::at(work, j));
            // Twice the even part a + conj b, and twice the odd part -i (a - conj b).
            let even = Complex { re: add(a.re, b.re), im: sub(a.im, b.im) };
            let odd = Complex { re: add(a.im, b.im), im: sub(b.re, a.re) };
            let odd = odd.times(w);
            let (p, m) = (even.plus(odd), even.minus(odd));
            power[k] = each(|i| (p.re[i] * p.re[i] + p.im[i] * p.im[i]) * quarter);
            power[j] = each(|i| (m.re[i] * m.re[i] + m.im[i] * m.im[i]) * quarter);
        }
    }

    #[inline(always)]
    fn transform<const L: usize>(&self, input: &[Lanes<L>], work: &mut [Lanes<L>]) {
        let half = self.n / 2;
        let apart = half / self.first;
        for (out, &start) in work.chunks_exact_mut(2 * self.first).zip(&self.order) {
            let x = |t: usize| Complex::<L>::at(input, usize::from(start) + t * apart);
            match self.first {
                2 => {
                    let (a, b) = (x(0), x(1));
                    a.plus(b).put(out, 0);
                    a.minus(b).put(out, 1);
                }
                4 => {
                    for (t, y) in Complex::four([x(0), x(1), x(2), x(3)]).into_iter().enumerate() {
                        y.put(out, t);
                    }
                }
                _ => {
                    const C: f32 = core::f32::consts::FRAC_1_SQRT_2;
                    let even = Complex::four([x(0), x(2), x(4), x(6)]);
                    let odd = Complex::four([x(1), x(3), x(5), x(7)]);
                    even[0].plus(odd[0]).put(out, 0);
                    even[0].minus(odd[0]).put(out, 4);
                    // exp(-i pi / 4) and exp(-3 i pi / 4) times the odd ones.
                    let o = odd[1];
                    let o = Complex { re: mul(add(o.re, o.im), C), im: mul(sub(o.im, o.re), C) };
                    even[1].plus(o).put(out, 1);
                    even[1].minus(o).put(out, 5);
                    even[2].minus_i(odd[2]).put(out, 2);
                    even[2].plus_i(odd[2]).put(out, 6);
                    let o = odd[3];
                    let o = Complex { re: mul(sub(o.im, o.re), C), im: mul(add(o.re, o.im), C) };
                    // The imaginary part has the other sign.
                    let (p, m) = (add(even[3].re, o.re), sub(even[3].re, o.re));
                    Complex { re: p, im: sub(even[3].im, o.im) }.put(out, 3);
                    Complex { re: m, im: add(even[3].im, o.im) }.put(out, 7);
                }
            }
        }
        let mut span = self.first;
        let mut twiddle = &self.twiddle[..];
        while span < half {
            let (own, rest) = twiddle.split_at(6 * span);
            twiddle = rest;
            for group in work.chunks_exact_mut(8 * span) {
                let (a, b) = group.split_at_mut(4 * span);
                let (a, b) = (a.split_at_mut(2 * span), b.split_at_mut(2 * span));
                let ((a, b), (c, d)) = (a, b);
                for (k, w) in own.chunks_exact(6).enumerate() {
                    let x = [
                        Complex::at(a, k),
                        Complex::at(b, k).times(&w[..2]),
                        Complex::at(c, k).times(&w[2..4]),
                        Complex::at(d, k).times(&w[4..]),
                    ];
                    let [p, q, r, s] = Complex::four(x);
                    p.put(a, k);
                    q.put(b, k);
                    r.put(c, k);
                    s.put(d, k);
                }
            }
            span *= 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn power_is_that_of_the_definition() {
        for n in [4usize, 8, 16, 32, 64, 128, 256, 512] {
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

    #[test]
    fn lanes_do_not_touch_each_other() {
        let n = 32;
        let fft = RealFft::new(n);
        let value = |i: usize, lane: usize| libm::sinf((i * (lane + 1)) as f32 * 0.3) + lane as f32;
        let input: Vec<[f32; 4]> = (0..n).map(|i| core::array::from_fn(|lane| value(i, lane))).collect();
        let (mut work, mut power) = (vec![[0.0; 4]; n], vec![[0.0; 4]; n / 2 + 1]);
        fft.power_of(&input, 0.5, &mut work, &mut power);
        for lane in 0..4 {
            let alone: Vec<f32> = (0..n).map(|i| value(i, lane)).collect();
            let (mut work, mut one) = (vec![0.0; n], vec![0.0; n / 2 + 1]);
            fft.power(&alone, 0.5, &mut work, &mut one);
            assert!(power.iter().zip(&one).all(|(p, o)| p[lane].to_bits() == o.to_bits()));
        }
    }
}
