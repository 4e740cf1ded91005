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

/// A complex number.
#[derive(Clone, Copy)]
struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    /// The number of one lane of two values.
    #[inline(always)]
    fn at<const L: usize>(x: &[Lanes<L>; 2], lane: usize) -> Self {
        Self { re: x[0][lane], im: x[1][lane] }
    }
    #[inline(always)]
    fn put<const L: usize>(self, x: &mut [Lanes<L>; 2], lane: usize) {
        x[0][lane] = self.re;
        x[1][lane] = self.im;
    }
    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        Self { re: self.re + o.re, im: self.im + o.im }
    }
    #[inline(always)]
    fn minus(self, o: Self) -> Self {
        Self { re: self.re - o.re, im: self.im - o.im }
    }
    /// `self - i o`.
    #[inline(always)]
    fn minus_i(self, o: Self) -> Self {
        Self { re: self.re + o.im, im: self.im - o.re }
    }
    /// `self + i o`.
    #[inline(always)]
    fn plus_i(self, o: Self) -> Self {
        Self { re: self.re - o.im, im: self.im + o.re }
    }
    /// Product with a factor.
    #[inline(always)]
    fn times(self, wr: f32, wi: f32) -> Self {
        Self { re: self.re * wr - self.im * wi, im: self.im * wr + self.re * wi }
    }
    /// Square of the absolute value.
    #[inline(always)]
    fn square(self) -> f32 {
        self.re * self.re + self.im * self.im
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
        let work = work.as_chunks_mut::<2>().0;
        self.transform(input.as_chunks::<2>().0, work);
        let [re, im] = work[0];
        for i in 0..L {
            let (low, high) = (re[i] + im[i], re[i] - im[i]);
            power[0][i] = (low * low) * scale;
            power[half][i] = (high * high) * scale;
        }
        let quarter = scale * 0.25;
        for (k, w) in self.unpack.as_chunks::<2>().0.iter().enumerate().skip(1) {
            let j = half - k;
            let (one, other) = (work[k], work[j]);
            let (mut low, mut high) = ([0.0; L], [0.0; L]);
            for i in 0..L {
                let (a, b) = (Complex::at(&one, i), Complex::at(&other, i));
                // Twice the even part a + conj b, and twice the odd part -i (a - conj b).
                let even = Complex { re: a.re + b.re, im: a.im - b.im };
                let odd = Complex { re: a.im + b.im, im: b.re - a.re };
                let odd = odd.times(w[0], w[1]);
                low[i] = even.plus(odd).square() * quarter;
                high[i] = even.minus(odd).square() * quarter;
            }
            (power[k], power[j]) = (low, high);
        }
    }

    #[inline(always)]
    fn transform<const L: usize>(&self, input: &[[Lanes<L>; 2]], work: &mut [[Lanes<L>; 2]]) {
        let half = self.n / 2;
        let apart = half / self.first;
        for (out, &start) in work.chunks_exact_mut(self.first).zip(&self.order) {
            let x = |t: usize| input[usize::from(start) + t * apart];
            match self.first {
                2 => {
                    let x = [x(0), x(1)];
                    for i in 0..L {
                        let (a, b) = (Complex::at(&x[0], i), Complex::at(&x[1], i));
                        a.plus(b).put(&mut out[0], i);
                        a.minus(b).put(&mut out[1], i);
                    }
                }
                4 => first_four(core::array::from_fn(x), out),
                _ => first_eight(core::array::from_fn(x), out),
            }
        }
        let mut span = self.first;
        let mut twiddle = &self.twiddle[..];
        while span < half {
            let (own, rest) = twiddle.split_at(6 * span);
            twiddle = rest;
            for group in work.chunks_exact_mut(4 * span) {
                let (a, b) = group.split_at_mut(2 * span);
                let (a, b) = (a.split_at_mut(span), b.split_at_mut(span));
                let ((a, b), (c, d)) = (a, b);
                let factors = own.as_chunks::<6>().0;
                for ((((a, b), c), d), w) in a.iter_mut().zip(b).zip(c).zip(d).zip(factors) {
                    let x = [*a, *b, *c, *d];
                    let mut y = x;
                    for i in 0..L {
                        let all = [
                            Complex::at(&x[0], i),
                            Complex::at(&x[1], i).times(w[0], w[1]),
                            Complex::at(&x[2], i).times(w[2], w[3]),
                            Complex::at(&x[3], i).times(w[4], w[5]),
                        ];
                        for (value, y) in Complex::four(all).into_iter().zip(&mut y) {
                            value.put(y, i);
                        }
                    }
                    [*a, *b, *c, *d] = y;
                }
            }
            span *= 4;
        }
    }
}

/// First stage of four numbers.
#[inline(always)]
fn first_four<const L: usize>(x: [[Lanes<L>; 2]; 4], out: &mut [[Lanes<L>; 2]]) {
    let mut y = x;
    for i in 0..L {
        let all = [0, 1, 2, 3].map(|t| Complex::at(&x[t], i));
        for (value, y) in Complex::four(all).into_iter().zip(&mut y) {
            value.put(y, i);
        }
    }
    out.copy_from_slice(&y);
}

/// First stage of eight numbers.
#[inline(always)]
fn first_eight<const L: usize>(x: [[Lanes<L>; 2]; 8], out: &mut [[Lanes<L>; 2]]) {
    const C: f32 = core::f32::consts::FRAC_1_SQRT_2;
    let mut y = x;
    for i in 0..L {
        let even = Complex::four([0, 2, 4, 6].map(|t| Complex::at(&x[t], i)));
        let odd = Complex::four([1, 3, 5, 7].map(|t| Complex::at(&x[t], i)));
        even[0].plus(odd[0]).put(&mut y[0], i);
        even[0].minus(odd[0]).put(&mut y[4], i);
        // exp(-i pi / 4) and exp(-3 i pi / 4) times the odd ones.
        let o = odd[1];
        let o = Complex { re: (o.re + o.im) * C, im: (o.im - o.re) * C };
        even[1].plus(o).put(&mut y[1], i);
        even[1].minus(o).put(&mut y[5], i);
        even[2].minus_i(odd[2]).put(&mut y[2], i);
        even[2].plus_i(odd[2]).put(&mut y[6], i);
        let o = odd[3];
        let o = Complex { re: (o.im - o.re) * C, im: (o.re + o.im) * C };
        // The imaginary part has the other sign.
        Complex { re: even[3].re + o.re, im: even[3].im - o.im }.put(&mut y[3], i);
        Complex { re: even[3].re - o.re, im: even[3].im + o.im }.put(&mut y[7], i);
    }
    out.copy_from_slice(&y);
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
