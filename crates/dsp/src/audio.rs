//! Audio blocks: spectrogram, MFE, MFCC. Frames of the window, their power spectra, and what is made of them.

use crate::{
    MelBank, RealFft,
    math::{ln, log10, round_half_even, sqrt, zero_guard},
};
use alloc::vec::Vec;

/// How a window is cut into frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Framing {
    /// Samples per window.
    pub samples: usize,
    /// Samples of a frame that are used: no more than the transform takes.
    pub used: usize,
    /// Samples from frame to frame.
    pub stride: usize,
    /// Number of frames.
    pub rows: usize,
    /// Multiplier of the samples.
    pub scale: f32,
    /// Pre-emphasis: coefficient; 0 for none.
    pub emphasis: f32,
    /// Pre-emphasis: how many samples back, circular in the window.
    pub shift: usize,
}

impl Framing {
    /// Writes frame `row` to `out`, filled with zeros to its length.
    fn frame(&self, window: &[f32], row: usize, out: &mut [f32]) {
        let start = row * self.stride;
        for (i, out) in out.iter_mut().enumerate() {
            *out = if i >= self.used {
                0.0
            } else {
                let at = start + i;
                let x = window[at] * self.scale;
                if self.emphasis == 0.0 {
                    x
                } else {
                    let back =
                        if at >= self.shift { at - self.shift } else { at + self.samples - self.shift };
                    x - self.emphasis * (window[back] * self.scale)
                }
            };
        }
    }
}

/// Generation of the spectrogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpectrogramVariant {
    /// Versions 1 and 2: scaled so that the window spans 0..1.
    MinMax,
    /// Version 3: decibels over the noise floor, capped at 1; windows beyond -1..1 are divided by 32768.
    Capped,
    /// Version 4: decibels over the noise floor.
    Decibel,
}

/// Tables of the spectrogram.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrogramPlan {
    /// Frames.
    pub framing: Framing,
    /// The transform.
    pub fft: RealFft,
    /// Generation.
    pub variant: SpectrogramVariant,
    /// Noise floor in dB, negative.
    pub floor: f32,
}

/// Decibels over the noise floor as a share of the range up to 12 dB.
fn decibel(power: f32, floor: f32) -> f32 {
    let power = if power < 1e-30 { 1e-30 } else { power };
    (10.0 * log10(power) - floor) / (12.0 - floor)
}

impl SpectrogramPlan {
    /// Bins per frame.
    pub fn columns(&self) -> usize {
        self.fft.n / 2 + 1
    }

    /// Floats of scratch.
    pub fn scratch_len(&self) -> usize {
        2 * self.fft.n
    }

    /// One row of bins per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (input, work) = scratch.split_at_mut(self.fft.n);
        let work = &mut work[..self.fft.n];
        let mut framing = self.framing.clone();
        if self.variant == SpectrogramVariant::Capped && window.iter().any(|&x| !(-1.0..=1.0).contains(&x)) {
            framing.scale = 1.0 / 32768.0;
        }
        let columns = self.columns();
        let scale = 1.0 / self.fft.n as f32;
        for row in 0..framing.rows {
            framing.frame(window, row, input);
            self.fft.power(input, scale, work, &mut features[row * columns..(row + 1) * columns]);
        }
        match self.variant {
            SpectrogramVariant::MinMax => min_max(features),
            variant => {
                for v in features {
                    let d = decibel(*v, self.floor);
                    *v = if d < 0.0 {
                        0.0
                    } else if variant == SpectrogramVariant::Capped && d > 1.0 {
                        1.0
                    } else {
                        d
                    };
                }
            }
        }
    }
}

/// Scales to 0..1; a constant becomes 0.
fn min_max(x: &mut [f32]) {
    let (mut low, mut high) = (x[0], x[0]);
    for &v in x.iter() {
        if v < low {
            low = v;
        }
        if v > high {
            high = v;
        }
    }
    let span = high - low;
    for v in x {
        *v = if span > 0.0 { (*v - low) / span } else { 0.0 };
    }
}

/// What is made of the mel energies.
#[derive(Clone, Debug, PartialEq)]
pub enum MelVariant {
    /// MFE versions 3 and 4: decibels in 256 steps.
    Quantised {
        /// Noise floor in dB, negative.
        floor: f32,
    },
    /// MFE versions 1 and 2: sliding mean removed, then the window scaled to 0..1.
    Normalised {
        /// Rows of the sliding window, odd.
        window: usize,
    },
    /// MFCC.
    Cepstral {
        /// Coefficients kept.
        coefficients: usize,
        /// Cosine table, one row of `filters` values per coefficient.
        dct: Vec<f32>,
        /// Rows of the sliding normalisation, odd; 0 for none.
        window: usize,
    },
}

/// Tables of MFE and MFCC.
#[derive(Clone, Debug, PartialEq)]
pub struct MelPlan {
    /// Frames.
    pub framing: Framing,
    /// The transform.
    pub fft: RealFft,
    /// Filters.
    pub bank: MelBank,
    /// What follows.
    pub variant: MelVariant,
}

impl MelPlan {
    /// Values per frame.
    pub fn columns(&self) -> usize {
        match &self.variant {
            MelVariant::Cepstral { coefficients, .. } => *coefficients,
            _ => self.bank.first.len(),
        }
    }

    /// Floats of scratch: transform input and work, spectrum, energies; later two columns.
    pub fn scratch_len(&self) -> usize {
        let frame = 2 * self.fft.n + self.fft.n / 2 + 1 + self.bank.first.len();
        frame.max(2 * self.framing.rows)
    }

    /// One row of values per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let n = self.fft.n;
        let columns = self.columns();
        let scale = 1.0 / n as f32;
        {
            let (input, rest) = scratch.split_at_mut(n);
            let (work, rest) = rest.split_at_mut(n);
            let (power, energy) = rest.split_at_mut(n / 2 + 1);
            let energy = &mut energy[..self.bank.first.len()];
            for row in 0..self.framing.rows {
                self.framing.frame(window, row, input);
                self.fft.power(input, scale, work, power);
                self.bank.apply(power, energy);
                let out = &mut features[row * columns..(row + 1) * columns];
                match &self.variant {
                    MelVariant::Quantised { floor } => {
                        for (out, e) in out.iter_mut().zip(energy.iter()) {
                            *out = quantised(*e, *floor);
                        }
                    }
                    MelVariant::Normalised { .. } => {
                        for (out, e) in out.iter_mut().zip(energy.iter()) {
                            *out = zero_guard(*e);
                        }
                    }
                    MelVariant::Cepstral { dct, .. } => {
                        for e in energy.iter_mut() {
                            *e = ln(zero_guard(*e));
                        }
                        for (out, row) in out.iter_mut().zip(dct.chunks_exact(energy.len())) {
                            let mut sum = 0.0f32;
                            for (e, c) in energy.iter().zip(row) {
                                sum += e * c;
                            }
                            *out = sum;
                        }
                        let mut total = 0.0f32;
                        for p in power.iter() {
                            total += p;
                        }
                        out[0] = ln(zero_guard(total));
                    }
                }
            }
        }
        match &self.variant {
            MelVariant::Quantised { .. } => {}
            MelVariant::Normalised { window } => {
                cmvn(features, columns, *window, false, scratch);
                let (mut low, mut high) = (features[0], features[0]);
                for &v in features.iter() {
                    if v < low {
                        low = v;
                    }
                    if v > high {
                        high = v;
                    }
                }
                if low != 0.0 && high != 0.0 {
                    min_max(features);
                }
            }
            MelVariant::Cepstral { window, .. } => {
                if *window > 0 {
                    cmvn(features, columns, *window, true, scratch);
                }
            }
        }
    }
}

/// Decibels in 256 steps; the loudest cells are 1.
fn quantised(energy: f32, floor: f32) -> f32 {
    // The same as two comparisons, as the C has them: the value is a number.
    let v = decibel(zero_guard(energy), floor).clamp(0.0, 1.0);
    round_half_even(v * 256.0) / 256.0
}

/// Index of a row in a matrix of `rows` rows that goes on by reflection, the edge row repeated.
fn reflect(i: isize, rows: usize) -> usize {
    let period = 2 * rows as isize;
    let j = i.rem_euclid(period) as usize;
    if j < rows { j } else { 2 * rows - 1 - j }
}

/// Sliding normalisation, column by column: the mean of `window` rows is removed, then (with `variance`) each value is
/// divided by the standard deviation of the `window` rows about it plus 1e-10. Sums slide along; each column is taken
/// relative to its first value, so that a constant column becomes exactly 0.
fn cmvn(x: &mut [f32], columns: usize, window: usize, variance: bool, scratch: &mut [f32]) {
    let rows = x.len() / columns;
    let p = (window / 2) as isize;
    let w = window as f32;
    let (d, rest) = scratch.split_at_mut(rows);
    let y = &mut rest[..rows];
    for c in 0..columns {
        let first = x[c];
        for (i, d) in d.iter_mut().enumerate() {
            *d = x[i * columns + c] - first;
        }
        let mut sum = 0.0f32;
        for j in -p..=p {
            sum += d[reflect(j, rows)];
        }
        for i in 0..rows {
            y[i] = d[i] - sum / w;
            let at = i as isize;
            sum = sum + d[reflect(at + p + 1, rows)] - d[reflect(at - p, rows)];
        }
        if !variance {
            for i in 0..rows {
                x[i * columns + c] = y[i];
            }
            continue;
        }
        let (mut s1, mut s2) = (0.0f32, 0.0f32);
        for j in -p..=p {
            let v = y[reflect(j, rows)];
            s1 += v;
            s2 += v * v;
        }
        for i in 0..rows {
            let mean = s1 / w;
            let var = s2 / w - mean * mean;
            let deviation = if var > 0.0 { sqrt(var) } else { 0.0 };
            x[i * columns + c] = y[i] / (deviation + 1e-10);
            let at = i as isize;
            let (new, old) = (y[reflect(at + p + 1, rows)], y[reflect(at - p, rows)]);
            s1 = s1 + new - old;
            s2 = s2 + new * new - old * old;
        }
    }
}
