//! Spectral analysis, version 1: the highest peaks of the spectrum and the power between frequencies.

use crate::{
    RealFft,
    flatten::{Centre, rms},
    math::sqrt,
};
use alloc::{format, string::String, vec::Vec};

/// Peaks and power bands of one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    /// The transform of the first values.
    pub fft: RealFft,
    /// From one value of the curve to the next, in Hz (its grid ends at half the rate).
    pub grid_hz: f32,
    /// Number of peaks; what is not there is 0.
    pub count: usize,
    /// Height from which a peak counts.
    pub threshold: f32,
    /// Scale of the periodogram.
    pub density: f32,
    /// First bin and number of bins of each band.
    pub bands: Vec<[u16; 2]>,
    /// Edges of the bands in Hz.
    pub edges: Vec<f64>,
}

impl Peaks {
    /// Features of one axis.
    pub fn per_axis(&self) -> usize {
        1 + 2 * self.count + self.bands.len()
    }

    /// Floats of scratch: the transform's input and work, a spectrum.
    pub fn scratch_len(&self) -> usize {
        2 * self.fft.n + self.fft.n / 2 + 1
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::from([String::from("RMS")]);
        for i in 1..=self.count {
            names.extend([format!("Peak {i} Freq"), format!("Peak {i} Height")]);
        }
        names.extend(self.edges.windows(2).map(|e| format!("Spectral Power {:?} - {:?} Hz", e[0], e[1])));
        names
    }

    /// RMS; frequency and height of the highest peaks; a tenth of the mean density of each band.
    pub(crate) fn extract(&self, x: &[f32], scratch: &mut [f32], out: &mut [f32]) {
        let n = self.fft.n;
        let half = n / 2;
        let there = n.min(x.len());
        let (input, scratch) = scratch.split_at_mut(n);
        let (work, power) = scratch.split_at_mut(n);
        let power = &mut power[..half + 1];
        out.fill(0.0);
        out[0] = rms(x);
        input[..there].copy_from_slice(&x[..there]);
        input[there..].fill(0.0);
        self.fft.power(input, 1.0, work, power);
        let curve = &mut power[..half];
        let scale = 2.0 / n as f32;
        for v in curve.iter_mut() {
            *v = sqrt(*v) * scale;
        }
        self.highest(curve, &mut out[1..]);
        let centre = Centre::of(&x[..there]);
        for (to, x) in input[..there].iter_mut().zip(x) {
            *to = centre.off(*x);
        }
        self.fft.power(input, self.density, work, power);
        for p in &mut power[1..half] {
            *p *= 2.0;
        }
        for (to, &[first, count]) in out[1 + 2 * self.count..].iter_mut().zip(&self.bands) {
            let mut sum = 0.0f32;
            for p in &power[usize::from(first)..][..usize::from(count)] {
                sum += p;
            }
            *to = if count > 0 { sum / f32::from(count) / 10.0 } else { 0.0 };
        }
    }

    /// Frequency and height of the highest peaks, the highest first. A plateau counts once, at its middle.
    fn highest(&self, curve: &[f32], out: &mut [f32]) {
        let mut least = curve[0];
        for v in curve {
            if *v < least {
                least = *v;
            }
        }
        let mut found = 0;
        let mut i = 1;
        while i + 1 < curve.len() {
            let height = curve[i];
            let mut end = i;
            while end + 1 < curve.len() && curve[end + 1] == height {
                end += 1;
            }
            let rises = curve[i - 1] < height && height > least;
            if rises && end + 1 < curve.len() && curve[end + 1] < height && height >= self.threshold {
                let mut place = found;
                while place > 0 && out[2 * place - 1] < height {
                    place -= 1;
                }
                if place < self.count {
                    found = (found + 1).min(self.count);
                    for k in (place + 1..found).rev() {
                        out[2 * k] = out[2 * k - 2];
                        out[2 * k + 1] = out[2 * k - 1];
                    }
                    out[2 * place] = ((i + end) / 2) as f32 * self.grid_hz;
                    out[2 * place + 1] = height;
                }
            }
            i = end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn the_highest_peaks_come_first_and_a_plateau_counts_once() {
        let mut peaks = Peaks {
            fft: RealFft::new(16),
            grid_hz: 10.0,
            count: 3,
            threshold: 1.5,
            density: 1.0,
            bands: vec![],
            edges: vec![],
        };
        let curve = [9.0, 1.0, 2.0, 1.0, 4.0, 4.0, 4.0, 0.0, 1.2, 0.0, 3.0, 1.0, 3.0, 2.0, 5.0];
        let mut out = [0.0; 6];
        peaks.highest(&curve, &mut out);
        assert_eq!(out, [50.0, 4.0, 100.0, 3.0, 120.0, 3.0]);
        peaks.count = 0;
        peaks.highest(&curve, &mut []);
        peaks.count = 3;
        let mut out = [0.0; 6];
        peaks.highest(&[2.0; 9], &mut out);
        assert_eq!(out, [0.0; 6]);
    }
}
