//! Statistics and bins of the spectrum of each axis in integers: spectral analysis, versions 2 to 4, with the FFT.
//!
//! An axis becomes integers of 29 bits with one exponent (fewer where a filter needs room), so nothing of a float that is
//! within 2^-5 of the largest is lost, and a small movement beside gravity keeps its bits when the mean is taken off.
//! Decimation and filter run in 32 bits with products of 64. Then statistics take the axis with 15 bits, sums with 64,
//! and every frame of the transform is lifted to 27 bits. The largest power of each bin stays whole, with one exponent for
//! all bins. Factors of the input, decimation and filter are constants that one multiplication at the end brings in.
//!
//! # Error
//! Against the formulas of the float block in exact arithmetic, with `most` the largest magnitude of the axis:
//! - RMS is off by at most 5e-5 of itself and 1e-6 `most`;
//! - the amplitude of a bin (the root of its power) by at most 1e-4 of itself, 2e-5 of the root of the spectrum's sum and
//!   1e-6 `most` times the root of the transform's length; its logarithm accordingly;
//! - skewness by at most 1e-3 (1 + its magnitude), kurtosis by at most 1e-3 (4 + itself), where the spread is above
//!   1e-3 `most`; those of the spectrum by five times as much, where its spread is above a tenth of its mean.
//!
//! Against the block itself it is at most twice as much. All that holds for cut-offs from a 2000th to 0.4 of the rate; up to
//! half the rate the shares of `most` are ten times as large, and a filter that would need more is refused. The float block
//! rounds to 24 bits in a direct form: for cut-offs below a hundredth of the rate it can be further from the formulas.
//!
//! A bin of exactly no power is 1e-10 to the float block's logarithm; here that stands for silence alone, and a bin that is
//! too small beside others becomes the smallest that there is a number for.
//!
//! Where powers leave the range of single precision the float block gives 0 or infinity, and this one goes on: squares at
//! amplitudes of 1e-19 and 1e19, in the kurtosis 1e-10 and 1e9, in that of the spectrum already 1e-5 and 1e4, which raw
//! counts reach.
//!
//! Tests hold these bounds.

use super::{
    FixedFft, FixedSections,
    arith::{log2, log2_table},
    shape::{Shape, centre, scaled, shape},
};
use crate::{Analysis, Bins, Decimator, SpectralPlan, Spectrum};
use alloc::{vec, vec::Vec};

/// Spectral analysis in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedSpectralPlan {
    /// What is computed, with the tables of the float block.
    pub spectral: SpectralPlan,
    /// The transform.
    pub fft: FixedFft,
    /// Bits of the integers that the values of an axis become.
    pub bits: u32,
    /// Decimations, one after the other.
    pub decimation: Vec<FixedSections>,
    /// The filter, if there is one.
    pub filter: Option<FixedSections>,
    /// The decimation to a tenth of the rate, if there is one.
    pub low: Option<FixedSections>,
    /// What the features are multiplied with, and those at a tenth of the rate.
    pub gains: [FixedGain; 2],
    /// Fractions of log2(1 + k/128).
    pub log2: Vec<u16>,
}

/// A factor of the signal: `factor * 2^exponent`, 0 for none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedGain {
    /// From 1 to 2, or 0.
    pub factor: f32,
    /// Square of the factor.
    pub square: f32,
    /// See above.
    pub exponent: i32,
    /// log2 of the square of the whole, a multiple of 2^-16.
    pub log: i32,
    /// Sign of the whole.
    pub sign: f32,
}

/// log10(2) * 2^-16.
const DECADE: f32 = (core::f64::consts::LOG10_2 / 65536.0) as f32;
/// Bin of a spectrum without power: the logarithm of 1e-10.
const NOTHING: f32 = -10.0;

impl FixedGain {
    fn new(gain: f64) -> Self {
        let magnitude = gain.abs();
        if magnitude == 0.0 {
            return Self { factor: 0.0, square: 0.0, exponent: 0, log: 0, sign: 1.0 };
        }
        let exponent = libm::floor(libm::log2(magnitude)) as i32;
        let factor = magnitude / libm::exp2(f64::from(exponent));
        Self {
            factor: factor as f32,
            square: (factor * factor) as f32,
            exponent,
            log: libm::round(2.0 * libm::log2(magnitude) * 65536.0) as i32,
            sign: if gain < 0.0 { -1.0 } else { 1.0 },
        }
    }
}

/// Buffers of an axis.
struct Work {
    input: Vec<i32>,
    work: Vec<i32>,
    power: Vec<u64>,
    most: Vec<u64>,
}

impl FixedSpectralPlan {
    /// Integers for a plan in floats, whose analysis is `spectrum`.
    pub(crate) fn new(spectral: SpectralPlan, spectrum: &Spectrum, high: bool) -> Self {
        // What values grow to, as multiples of the largest of the axis.
        let (mut now, mut most) = (1.0f64, 1.0f64);
        let mut grow = |sections: &FixedSections, distance: f64| {
            most = most.max(distance * now * sections.inside);
            now *= sections.out;
            // A mean, or the first value, is taken off.
            most = most.max(2.0 * now);
        };
        let low_pass = |d: &Decimator| FixedSections::low_pass(d);
        let decimation: Vec<FixedSections> = spectral.decimation.iter().map(low_pass).collect();
        decimation.iter().for_each(|s| grow(s, 2.0));
        let (filter, filter_gain) = if spectral.sections.is_empty() {
            (None, 1.0)
        } else {
            let (filter, gain) = FixedSections::butterworth(&spectral.sections, high, spectral.kept());
            grow(&filter, 1.0);
            (Some(filter), gain)
        };
        let low = spectrum.low.as_ref().map(|(d, _)| low_pass(d));
        // The centred axis is at most twice the axis, and its first value is taken off.
        low.iter().for_each(|s| grow(s, 4.0));
        let room = libm::floor(30.99 - libm::log2(most.max(2.0 * now)));
        let gain = |d: &Decimator| f64::from(d.gain);
        let whole =
            f64::from(spectral.scale) * spectral.decimation.iter().map(gain).product::<f64>() * filter_gain;
        let at_low = spectrum.low.as_ref().map_or(1.0, |(d, _)| gain(d));
        Self {
            fft: FixedFft::new(spectrum.fft.n),
            bits: room.clamp(0.0, 29.0) as u32,
            decimation,
            filter,
            low,
            gains: [FixedGain::new(whole), FixedGain::new(whole * at_low)],
            log2: log2_table(),
            spectral,
        }
    }

    /// What is computed of the spectrum.
    pub fn spectrum(&self) -> Option<&Spectrum> {
        if let Analysis::Spectrum(s) = &self.spectral.analysis { Some(s) } else { None }
    }

    /// Words of 32 bits that the C needs: an axis; values, in whose place their power is put; their transform; the largest
    /// power of each bin.
    pub fn scratch_len(&self) -> usize {
        self.spectral.frames + 3 * self.fft.n + 4
    }

    /// Features axis by axis; those at a tenth of the rate follow after all others.
    pub(crate) fn extract(&self, window: &[f32], features: &mut [f32]) {
        let Some(spectrum) = self.spectrum() else { return };
        let SpectralPlan { axes, frames, ref decimation, .. } = self.spectral;
        let n = self.fft.n;
        let mut work =
            Work { input: vec![0; n], work: vec![0; n], power: vec![0; n / 2 + 1], most: vec![0; n / 2 + 1] };
        let mut all = vec![0; frames];
        let (per, per_low) = (spectrum.per_axis(), spectrum.low_per_axis());
        for axis in 0..axes {
            let exponent = self.whole(|i| window[i * axes + axis], &mut all);
            let mut n = frames;
            for (d, sections) in decimation.iter().zip(&self.decimation) {
                n = sections.decimate(d.ratio, &mut all[..n]);
            }
            let x = &mut all[..n];
            if let Some(filter) = &self.filter {
                filter.apply(x);
            }
            centre(x);
            let out = &mut features[axis * per..][..per];
            self.features(spectrum, &spectrum.bins, &self.gains[0], (x, exponent), &mut work, out);
            if let (Some((d, bins)), Some(sections)) = (&spectrum.low, &self.low) {
                let n = sections.decimate(d.ratio, x);
                let x = &mut x[..n];
                centre(x);
                let out = &mut features[axes * per + axis * per_low..][..per_low];
                self.features(spectrum, bins, &self.gains[1], (x, exponent), &mut work, out);
            }
        }
    }

    /// An axis as integers of at most `bits` bits, to the nearest, halves away from 0; their exponent.
    fn whole(&self, sample: impl Fn(usize) -> f32, out: &mut [i32]) -> i32 {
        let magnitude = |i: usize| sample(i).to_bits() & 0x7fff_ffff;
        let most = (0..out.len()).map(magnitude).fold(0, u32::max);
        if most < 0x80_0000 || self.gains[0].factor == 0.0 {
            out.fill(0);
            return 0;
        }
        let (top, lift) = (most >> 23, self.bits as i32 - 24);
        for (i, out) in out.iter_mut().enumerate() {
            let bits = sample(i).to_bits();
            let e = (bits >> 23) & 0xff;
            let up = lift - (top - e) as i32;
            let mantissa = (bits & 0x7f_ffff) | 0x80_0000;
            let v = if e == 0 || up < -24 {
                0
            } else if up >= 0 {
                mantissa << up
            } else {
                (mantissa + (1 << (-up - 1))) >> -up
            };
            *out = if bits >> 31 == 1 { -(v as i32) } else { v as i32 };
        }
        top as i32 - 150 - lift
    }

    fn features(
        &self,
        spectrum: &Spectrum,
        bins: &Bins,
        gain: &FixedGain,
        (x, exponent): (&[i32], i32),
        work: &mut Work,
        out: &mut [f32],
    ) {
        let time = shape(x);
        out[0] = scaled(time.root * gain.factor, exponent + time.exponent + gain.exponent);
        out[1] = time.skewness * gain.sign;
        out[2] = time.kurtosis;
        let Work { input, work, power, most } = work;
        let n = self.fft.n;
        let mut held = None;
        most.fill(0);
        let mut start = 0;
        while start < x.len() {
            let there = n.min(x.len() - start);
            input[..there].copy_from_slice(&x[start..start + there]);
            input[there..].fill(0);
            if let Some(e) = self.fft.power(input, exponent, work, power) {
                held = Some(hold(most, held.unwrap_or(e), power, e));
            }
            start += spectrum.hop;
        }
        let mut at = 3;
        if spectrum.moments {
            let Shape { skewness, kurtosis, .. } = shape_of_spectrum(most, &mut work[..n / 2 + 1]);
            out[3] = skewness;
            out[4] = kurtosis;
            at = 5;
        }
        let most = &most[bins.first..];
        let out = &mut out[at..];
        let Some(exponent) = held else {
            out.fill(if spectrum.log { NOTHING } else { 0.0 });
            return;
        };
        for (out, p) in out.iter_mut().zip(most) {
            *out = if spectrum.log {
                (log2(&self.log2, (*p).max(1)) + (exponent << 16) + gain.log) as f32 * DECADE
            } else {
                let down = (40 - p.leading_zeros() as i32).max(0);
                scaled((p >> down) as i32 as f32 * gain.square, exponent + down + 2 * gain.exponent)
            };
        }
    }
}

/// Keeps the larger of `most * 2^held` and `power * 2^e`, in place; the exponent of both is the larger one, which is returned.
fn hold(most: &mut [u64], held: i32, power: &[u64], e: i32) -> i32 {
    let both = held.max(e);
    let shifted = |v: u64, down: i32| if down > 63 { 0 } else { v >> down };
    for (m, p) in most.iter_mut().zip(power) {
        *m = shifted(*m, both - held).max(shifted(*p, both - e));
    }
    both
}

/// Shape of a spectrum, as integers of at most 29 bits in `x`.
fn shape_of_spectrum(power: &[u64], x: &mut [i32]) -> Shape {
    let all = power.iter().fold(0, |all, p| all | p);
    let down = 35 - all.leading_zeros() as i32;
    for (x, p) in x.iter_mut().zip(power) {
        *x = if down >= 0 { p >> down } else { p << -down } as i32;
    }
    centre(x);
    shape(x)
}
