//! Spectral analysis: each axis decimated, filtered and freed of its mean, then its spectrum, its wavelet bands, or the
//! peaks of version 1.

use crate::{
    Decimator, RealFft,
    flatten::{Centre, moments, moments_and_rms},
    math::{log10, zero_guard},
    peaks::Peaks,
    wavelet::Wavelet,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Tables of the block.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralPlan {
    /// Multiplier of the input.
    pub scale: f32,
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// Decimations, one after the other.
    pub decimation: Vec<Decimator>,
    /// Second-order sections of the filter: b0, b1, b2, a1, a2 each.
    pub sections: Vec<[f32; 5]>,
    /// What is computed of the axis.
    pub analysis: Analysis,
}

/// What is computed of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Analysis {
    /// Statistics and bins of the spectrum (versions 2 to 4).
    Spectrum(Spectrum),
    /// Statistics of the bands of a wavelet (versions 3 and 4).
    Wavelet(Wavelet),
    /// Peaks and power bands (version 1).
    Peaks(Peaks),
}

/// Statistics of the axis, and the largest power of each bin over its transforms.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// The transform.
    pub fft: RealFft,
    /// From one transform to the next, in frames.
    pub hop: usize,
    /// Logarithm of the bins.
    pub log: bool,
    /// Skewness and kurtosis of the spectrum among the features (version 4).
    pub moments: bool,
    /// Bins that are features.
    pub bins: Bins,
    /// The same features at a tenth of the rate follow: how to get there, and their bins.
    pub low: Option<(Decimator, Bins)>,
}

/// A run of bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// First bin.
    pub first: usize,
    /// Number of bins.
    pub count: usize,
    /// From one bin to the next, in Hz.
    pub width_hz: f64,
}

impl SpectralPlan {
    /// Frames that the decimation leaves.
    pub fn kept(&self) -> usize {
        self.decimation.iter().fold(self.frames, |n, d| d.kept(n))
    }

    /// Features of all axes.
    pub fn features(&self) -> usize {
        self.axes
            * match &self.analysis {
                Analysis::Spectrum(s) => s.per_axis() + s.low_per_axis(),
                Analysis::Wavelet(w) => w.per_axis(),
                Analysis::Peaks(p) => p.per_axis(),
            }
    }

    /// Floats of scratch: one axis and what its analysis needs.
    pub fn scratch_len(&self) -> usize {
        self.frames
            + match &self.analysis {
                // The transform's input and work, two spectra.
                Analysis::Spectrum(s) => 2 * s.fft.n + 2 * (s.fft.n / 2 + 1),
                Analysis::Wavelet(w) => w.scratch_len(self.kept()),
                Analysis::Peaks(p) => p.scratch_len(),
            }
    }

    /// Features axis by axis; those at a tenth of the rate follow after all others.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (all, scratch) = scratch.split_at_mut(self.frames);
        for axis in 0..self.axes {
            for (i, x) in all.iter_mut().enumerate() {
                *x = window[i * self.axes + axis] * self.scale;
            }
            let mut n = self.frames;
            for d in &self.decimation {
                n = d.apply(&mut all[..n]);
            }
            let x = &mut all[..n];
            filter(&self.sections, x);
            centre(x);
            match &self.analysis {
                Analysis::Spectrum(s) => {
                    let per = s.per_axis();
                    s.extract(&s.bins, x, scratch, &mut features[axis * per..][..per]);
                    if let Some((decimator, bins)) = &s.low {
                        let n = decimator.apply(x);
                        let x = &mut x[..n];
                        centre(x);
                        let low = s.low_per_axis();
                        let out = &mut features[self.axes * per + axis * low..][..low];
                        s.extract(bins, x, scratch, out);
                    }
                }
                Analysis::Wavelet(w) => {
                    let per = w.per_axis();
                    w.extract(x, scratch, &mut features[axis * per..][..per]);
                }
                Analysis::Peaks(p) => {
                    let per = p.per_axis();
                    p.extract(x, scratch, &mut features[axis * per..][..per]);
                }
            }
        }
    }

    /// One name per feature.
    pub fn names(&self, axes: &[&str]) -> Vec<String> {
        let of_all = |names: Vec<String>| -> Vec<String> {
            axes.iter().flat_map(|a| names.iter().map(move |n| format!("{a} {n}"))).collect()
        };
        match &self.analysis {
            Analysis::Spectrum(s) => {
                let mut names = of_all(s.names(&s.bins, ""));
                if let Some((_, bins)) = &s.low {
                    names.extend(of_all(s.names(bins, " LF")));
                }
                names
            }
            Analysis::Wavelet(w) => of_all(w.names()),
            Analysis::Peaks(p) => of_all(p.names()),
        }
    }
}

impl Spectrum {
    /// Features of one axis, without those at a tenth of the rate.
    pub fn per_axis(&self) -> usize {
        3 + 2 * usize::from(self.moments) + self.bins.count
    }

    /// Features of one axis at a tenth of the rate.
    pub fn low_per_axis(&self) -> usize {
        self.low.as_ref().map_or(0, |(_, bins)| 3 + 2 * usize::from(self.moments) + bins.count)
    }

    fn extract(&self, bins: &Bins, x: &[f32], scratch: &mut [f32], out: &mut [f32]) {
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
        let (time, square) = moments_and_rms(x);
        out[0] = square;
        out[1] = time.skewness;
        out[2] = time.kurtosis;
        let mut at = 3;
        if self.moments {
            let spectrum = moments(most);
            out[3] = spectrum.skewness;
            out[4] = spectrum.kurtosis;
            at = 5;
        }
        for (out, p) in out[at..].iter_mut().zip(&most[bins.first..]) {
            *out = if self.log { log10(zero_guard(*p)) } else { *p };
        }
    }

    /// `suffix` marks what has no frequency in its name.
    fn names(&self, bins: &Bins, suffix: &str) -> Vec<String> {
        let mut names = ["RMS", "Skewness", "Kurtosis"].to_vec();
        if self.moments {
            names.extend(["Spectral Skewness", "Spectral Kurtosis"]);
        }
        let mut names: Vec<String> = names.iter().map(|n| format!("{n}{suffix}")).collect();
        names.extend((bins.first..bins.first + bins.count).map(|b| {
            let edge = |half: f64| hertz((b as f64 + half) * bins.width_hz);
            format!("Spectral Power {} - {} Hz", edge(-0.5), edge(0.5))
        }));
        names
    }
}

/// A frequency with two decimals at most and one at least.
fn hertz(f: f64) -> String {
    let text = format!("{f:.2}");
    text.strip_suffix('0').map_or(text.clone(), ToString::to_string)
}

/// Takes the mean off.
fn centre(x: &mut [f32]) {
    let centre = Centre::of(x);
    for x in x {
        *x = centre.off(*x);
    }
}

/// Second-order sections from rest, in place (direct form II transposed). All in one pass: what one section does waits for
/// the one before, not for the whole axis.
pub(crate) fn filter(sections: &[[f32; 5]], x: &mut [f32]) {
    match sections {
        [a] => cascade([a], x),
        [a, b] => cascade([a, b], x),
        [a, b, c] => cascade([a, b, c], x),
        sections => {
            let (first, rest) = sections.as_chunks::<4>();
            for [a, b, c, d] in first {
                cascade([a, b, c, d], x);
            }
            if !rest.is_empty() {
                filter(rest, x);
            }
        }
    }
}

fn cascade<const N: usize>(sections: [&[f32; 5]; N], x: &mut [f32]) {
    let mut state = [[0.0f32; 2]; N];
    for x in x.iter_mut() {
        for ([b0, b1, b2, a1, a2], [z1, z2]) in sections.iter().zip(&mut state) {
            let y = b0 * *x + *z1;
            *z1 = b1 * *x - a1 * y + *z2;
            *z2 = b2 * *x - a2 * y;
            *x = y;
        }
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
