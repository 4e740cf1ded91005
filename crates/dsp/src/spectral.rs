//! Spectral analysis by FFT: statistics and the largest power of each bin.

use crate::{
    RealFft,
    flatten::{mean, moments, rms},
    math::{log10, zero_guard},
};
use alloc::vec::Vec;

/// Tables of the block.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralPlan {
    /// Multiplier of the input.
    pub scale: f32,
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// Second-order sections of the filter: b0, b1, b2, a1, a2 each.
    pub sections: Vec<[f32; 5]>,
    /// The transform.
    pub fft: RealFft,
    /// From one transform to the next, in frames.
    pub hop: usize,
    /// Logarithm of the bins.
    pub log: bool,
    /// Skewness and kurtosis of the spectrum among the features (version 4).
    pub spectral_moments: bool,
    /// First bin that is a feature.
    pub first_bin: usize,
    /// Bins that are features.
    pub bins: usize,
}

impl SpectralPlan {
    /// Features of one axis.
    pub fn per_axis(&self) -> usize {
        3 + 2 * usize::from(self.spectral_moments) + self.bins
    }

    /// Floats of scratch: one axis, the transform's input and work, two spectra.
    pub fn scratch_len(&self) -> usize {
        self.frames + 2 * self.fft.n + 2 * (self.fft.n / 2 + 1)
    }

    /// Features axis by axis.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (x, scratch) = scratch.split_at_mut(self.frames);
        for axis in 0..self.axes {
            for (i, x) in x.iter_mut().enumerate() {
                *x = window[i * self.axes + axis] * self.scale;
            }
            for section in &self.sections {
                filter(section, x);
            }
            let centre = mean(x);
            for x in x.iter_mut() {
                *x -= centre;
            }
            let out = &mut features[axis * self.per_axis()..][..self.per_axis()];
            self.axis(x, scratch, out);
        }
    }

    fn axis(&self, x: &[f32], scratch: &mut [f32], out: &mut [f32]) {
        let n = self.fft.n;
        let (input, scratch) = scratch.split_at_mut(n);
        let (work, scratch) = scratch.split_at_mut(n);
        let (power, most) = scratch.split_at_mut(n / 2 + 1);
        let most = &mut most[..n / 2 + 1];
        most.fill(0.0);
        let scale = 1.0 / n as f32;
        let mut start = 0;
        while start <= x.len() {
            let there = n.min(x.len() - start);
            input[..there].copy_from_slice(&x[start..start + there]);
            input[there..].fill(0.0);
            self.fft.power(input, scale, work, power);
            for (m, p) in most.iter_mut().zip(power.iter()) {
                if *p > *m {
                    *m = *p;
                }
            }
            start += self.hop;
        }
        let time = moments(x);
        out[0] = rms(x);
        out[1] = time.skewness;
        out[2] = time.kurtosis;
        let mut at = 3;
        if self.spectral_moments {
            let spectrum = moments(most);
            out[3] = spectrum.skewness;
            out[4] = spectrum.kurtosis;
            at = 5;
        }
        for (out, p) in out[at..].iter_mut().zip(&most[self.first_bin..]) {
            *out = if self.log { log10(zero_guard(*p)) } else { *p };
        }
    }
}

/// One second-order section from rest, in place (direct form II transposed).
fn filter(section: &[f32; 5], x: &mut [f32]) {
    let [b0, b1, b2, a1, a2] = *section;
    let (mut z1, mut z2) = (0.0f32, 0.0f32);
    for x in x.iter_mut() {
        let y = b0 * *x + z1;
        z1 = b1 * *x - a1 * y + z2;
        z2 = b2 * *x - a2 * y;
        *x = y;
    }
}

/// Sections of a Butterworth filter of even order.
pub(crate) fn butterworth(order: usize, cutoff: f64, rate_hz: f64, high: bool) -> Vec<[f32; 5]> {
    let w = libm::tan(core::f64::consts::PI * cutoff / rate_hz);
    (0..order / 2)
        .map(|i| {
            let t = 2.0 * w * libm::sin(core::f64::consts::PI * (2 * i + 1) as f64 / (2 * order) as f64);
            let d = w * w + t + 1.0;
            let (g, middle) = if high { (1.0 / d, -2.0) } else { (w * w / d, 2.0) };
            [g, middle * g, g, 2.0 * (w * w - 1.0) / d, (w * w - t + 1.0) / d].map(|v| v as f32)
        })
        .collect()
}

/// Whether every pole lies inside the unit circle (the stability triangle).
pub(crate) fn stable(sections: &[[f32; 5]]) -> bool {
    sections.iter().all(|s| {
        let (a1, a2) = (f64::from(s[3]), f64::from(s[4]));
        a2 < 1.0 && (if a1 < 0.0 { -a1 } else { a1 }) < 1.0 + a2
    })
}
