//! Mel filter bank.

use crate::DspError;
use alloc::{format, string::String, vec, vec::Vec};

/// Triangular filters over the power spectrum, stored sparsely.
#[derive(Clone, Debug, PartialEq)]
pub struct MelBank {
    /// First bin with a weight, per filter.
    pub first: Vec<u16>,
    /// Number of weights, per filter.
    pub count: Vec<u16>,
    /// Weights of all filters, one after the other.
    pub weights: Vec<f32>,
}

fn mel(f: f64) -> f64 {
    1127.0 * libm::log(1.0 + f / 700.0)
}

fn inverse(m: f64) -> f64 {
    700.0 * (libm::exp(m / 1127.0) - 1.0)
}

impl MelBank {
    /// `filters` filters between two frequencies in Hz; `high` 0 is half the rate. `corrected` places them on the
    /// whole spectrum; without it (versions 1 to 3) they lie in its lower half, a defect that old impulses keep.
    ///
    /// # Errors
    /// `high_frequency_above_nyquist`, `empty_mel_filter`.
    pub fn new(
        filters: usize,
        fft: usize,
        rate_hz: f64,
        low: f64,
        high: f64,
        corrected: bool,
    ) -> Result<Self, DspError> {
        let nyquist = rate_hz / 2.0;
        if high > nyquist {
            return Err(DspError::new(
                "high_frequency_above_nyquist",
                format!("`high_frequency` is {high} Hz; at {rate_hz} Hz it can be at most {nyquist} Hz"),
            ));
        }
        let high = if high == 0.0 { nyquist } else { high };
        if low >= high {
            // The filters would be empty: that is how the golden set names it.
            return Err(DspError::new(
                "empty_mel_filter",
                format!("`low_frequency` is {low} Hz; it must be below `high_frequency` ({high} Hz)"),
            ));
        }
        let build =
            |filters: usize, fft: usize| Self::triangles(filters, fft, rate_hz, [low, high], corrected);
        build(filters, fft).map_err(|empty| {
            let fewer = (2..filters).rev().find(|n| build(*n, fft).is_ok());
            let longer =
                (1..=6).map(|twice| fft << twice).find(|n| *n <= 65_536 && build(filters, *n).is_ok());
            let ways = [
                fewer.map(|n| format!("at most {n} filters")),
                longer.map(|n| format!("an `fft_length` of {n}")),
            ];
            let ways: Vec<String> = ways.into_iter().flatten().collect();
            let ways = if ways.is_empty() { "a wider band".into() } else { ways.join(" or ") };
            DspError::new(
                "empty_mel_filter",
                format!("filter {} of {filters} covers no bin of an FFT of {fft}; take {ways}", empty + 1),
            )
        })
    }

    /// The filters, or the first that is empty.
    fn triangles(
        filters: usize,
        fft: usize,
        rate_hz: f64,
        [low, high]: [f64; 2],
        corrected: bool,
    ) -> Result<Self, usize> {
        let (from, to) = (mel(low), mel(high));
        let q = if corrected { fft } else { fft / 2 + 1 };
        let points = filters + 2;
        let edges: Vec<usize> = (0..points)
            .map(|i| {
                let m = from + (to - from) * i as f64 / (points - 1) as f64;
                let mut f = inverse(if i + 1 == points { to } else { m });
                if i + 1 == points {
                    f -= 0.001;
                }
                libm::floor((q + 1) as f64 * f / rate_hz) as usize
            })
            .collect();
        let bins = fft / 2 + 1;
        let mut bank = Self { first: vec![], count: vec![], weights: vec![] };
        for i in 0..filters {
            let (a, b, c) = (edges[i], edges[i + 1], edges[i + 2]);
            let weight = |k: usize| -> f32 {
                let rise = || (k - a) as f64 / (b - a) as f64;
                let fall = || (c - k) as f64 / (c - b) as f64;
                let w = if k == b {
                    if b < c {
                        1.0
                    } else if a < b {
                        rise()
                    } else {
                        0.0
                    }
                } else if k > a && k < b {
                    rise()
                } else if k > b && k < c {
                    fall()
                } else {
                    0.0
                };
                w as f32
            };
            let used: Vec<usize> = (a..=c.min(bins - 1)).filter(|&k| weight(k) != 0.0).collect();
            let (Some(&first), Some(&last)) = (used.first(), used.last()) else {
                return Err(i);
            };
            bank.first.push(first as u16);
            bank.count.push((last - first + 1) as u16);
            bank.weights.extend((first..=last).map(weight));
        }
        Ok(bank)
    }

    /// Weighted sums of power spectra that lie side by side.
    #[inline(always)]
    pub fn apply<const L: usize>(&self, power: &[[f32; L]], out: &mut [[f32; L]]) {
        let mut at = 0;
        for ((out, &first), &count) in out.iter_mut().zip(&self.first).zip(&self.count) {
            let (first, count) = (usize::from(first), usize::from(count));
            let mut sum = [0.0f32; L];
            for (p, w) in power[first..first + count].iter().zip(&self.weights[at..at + count]) {
                for (sum, p) in sum.iter_mut().zip(p) {
                    *sum += p * w;
                }
            }
            *out = sum;
            at += count;
        }
    }
}
