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
    /// Writes frame `row` to a lane of `out`, filled with zeros to its length; `sample` gives the window's values by index.
    pub(crate) fn frame<const L: usize>(
        &self,
        sample: impl Fn(usize) -> f32,
        row: usize,
        lane: usize,
        out: &mut [[f32; L]],
    ) {
        let start = row * self.stride;
        let (frame, rest) = out.split_at_mut(self.used);
        for out in rest {
            out[lane] = 0.0;
        }
        for (i, out) in frame.iter_mut().enumerate() {
            let at = start + i;
            let x = sample(at) * self.scale;
            out[lane] = if self.emphasis == 0.0 {
                x
            } else {
                let back = if at >= self.shift { at - self.shift } else { at + self.samples - self.shift };
                x - self.emphasis * (sample(back) * self.scale)
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

    /// Floats of scratch for a frame: transform input and work, spectrum.
    pub fn scratch_len(&self) -> usize {
        2 * self.fft.n
    }

    /// Floats of scratch with which several frames are computed at once.
    pub(crate) fn wide_scratch_len(&self) -> usize {
        LANES * (2 * self.fft.n + self.columns())
    }

    /// One row of bins per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (n, columns) = (self.fft.n, self.columns());
        let sample = |i: usize| window[i];
        if scratch.len() >= self.wide_scratch_len() && self.framing.rows >= LANES {
            let (input, rest) = lanes::<LANES>(scratch).split_at_mut(n);
            let (work, power) = rest.split_at_mut(n);
            for from in batches(self.framing.rows) {
                for lane in 0..LANES {
                    self.framing.frame(sample, from + lane, lane, input);
                }
                self.fft.power_of(input, 1.0 / n as f32, work, power);
                for (lane, out) in
                    features[from * columns..].chunks_exact_mut(columns).take(LANES).enumerate()
                {
                    for (out, p) in out.iter_mut().zip(power.iter()) {
                        *out = p[lane];
                    }
                }
            }
        } else {
            for (row, out) in features.chunks_exact_mut(columns).enumerate() {
                self.framing.frame::<1>(sample, row, 0, lanes(&mut scratch[..n]));
                self.row(scratch, out);
            }
        }
        self.finish(features, window.iter().any(|x| beyond_unit(*x)));
    }

    /// Power of the frame that `scratch` begins with.
    pub(crate) fn row(&self, scratch: &mut [f32], out: &mut [f32]) {
        let (input, work) = scratch.split_at_mut(self.fft.n);
        self.fft.power(input, 1.0 / self.fft.n as f32, &mut work[..self.fft.n], out);
    }

    /// Makes features of rows of power. `loud`: some sample of the window lies beyond -1..1.
    pub(crate) fn finish(&self, features: &mut [f32], loud: bool) {
        if self.variant == SpectrogramVariant::MinMax {
            return min_max(features);
        }
        let capped = self.variant == SpectrogramVariant::Capped;
        for v in features {
            // Dividing the samples by 32768 divides their power by its square, exactly.
            let power = if capped && loud { *v * LOUD } else { *v };
            let d = decibel(power, self.floor);
            *v = if d < 0.0 {
                0.0
            } else if capped && d > 1.0 {
                1.0
            } else {
                d
            };
        }
    }
}

/// Frames that are computed at once where there is room.
const LANES: usize = 4;

/// Scratch as values side by side.
fn lanes<const L: usize>(scratch: &mut [f32]) -> &mut [[f32; L]] {
    scratch.as_chunks_mut().0
}

/// First rows of batches of [`LANES`] rows; the last one may do rows again.
fn batches(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows.div_ceil(LANES)).map(move |b| (b * LANES).min(rows - LANES))
}

/// Share of the power that is left of samples divided by 32768.
pub(crate) const LOUD: f32 = 1.0 / (32768.0 * 32768.0);

/// Whether a sample is no share of full scale.
pub(crate) fn beyond_unit(x: f32) -> bool {
    !(-1.0..=1.0).contains(&x)
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
        self.frame_len().max(2 * self.framing.rows)
    }

    fn frame_len(&self) -> usize {
        2 * self.fft.n + self.fft.n / 2 + 1 + self.bank.first.len()
    }

    /// Floats of scratch with which several frames are computed at once.
    pub(crate) fn wide_scratch_len(&self) -> usize {
        (LANES * self.frame_len()).max(2 * self.framing.rows)
    }

    /// One row of values per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let columns = self.columns();
        let sample = |i: usize| window[i];
        if scratch.len() >= self.wide_scratch_len() && self.framing.rows >= LANES {
            let wide = lanes::<LANES>(scratch);
            for from in batches(self.framing.rows) {
                for lane in 0..LANES {
                    self.framing.frame(sample, from + lane, lane, &mut wide[..self.fft.n]);
                }
                self.rows(wide, &mut features[from * columns..][..LANES * columns]);
            }
        } else {
            for (row, out) in features.chunks_exact_mut(columns).enumerate() {
                self.framing.frame::<1>(sample, row, 0, lanes(&mut scratch[..self.fft.n]));
                self.row(scratch, out);
            }
        }
        self.finish(features, scratch);
    }

    /// Values of the frame that `scratch` begins with, before what looks at several rows.
    pub(crate) fn row(&self, scratch: &mut [f32], out: &mut [f32]) {
        self.rows::<1>(lanes(scratch), out);
    }

    /// Values of the frames that lie side by side at the beginning of `scratch`, row by row.
    fn rows<const L: usize>(&self, scratch: &mut [[f32; L]], out: &mut [f32]) {
        let (n, columns) = (self.fft.n, self.columns());
        let (input, rest) = scratch.split_at_mut(n);
        let (work, rest) = rest.split_at_mut(n);
        let (power, energy) = rest.split_at_mut(n / 2 + 1);
        let energy = &mut energy[..self.bank.first.len()];
        self.fft.power_of(input, 1.0 / n as f32, work, power);
        self.bank.apply(power, energy);
        let flat = energy.as_flattened_mut();
        match &self.variant {
            MelVariant::Quantised { floor } => {
                for e in flat {
                    *e = quantised(*e, *floor);
                }
            }
            MelVariant::Normalised { .. } => {
                for e in flat {
                    *e = zero_guard(*e);
                }
            }
            MelVariant::Cepstral { dct, .. } => {
                for e in flat {
                    *e = ln(zero_guard(*e));
                }
                for (k, cosines) in dct.chunks_exact(energy.len()).enumerate() {
                    let mut sum = [0.0f32; L];
                    for (e, c) in energy.iter().zip(cosines) {
                        for (sum, e) in sum.iter_mut().zip(e) {
                            *sum += e * c;
                        }
                    }
                    for (lane, sum) in sum.iter().enumerate() {
                        out[lane * columns + k] = *sum;
                    }
                }
                let mut total = [0.0f32; L];
                for p in power.iter() {
                    for (total, p) in total.iter_mut().zip(p) {
                        *total += p;
                    }
                }
                for (lane, total) in total.iter().enumerate() {
                    out[lane * columns] = ln(zero_guard(*total));
                }
                return;
            }
        }
        for (lane, out) in out.chunks_exact_mut(columns).enumerate() {
            for (out, e) in out.iter_mut().zip(energy.iter()) {
                *out = e[lane];
            }
        }
    }

    /// What looks at several rows: `features` holds the rows of a window.
    pub(crate) fn finish(&self, features: &mut [f32], scratch: &mut [f32]) {
        let columns = self.columns();
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
pub(crate) fn reflect(i: isize, rows: usize) -> usize {
    let period = 2 * rows as isize;
    let j = i.rem_euclid(period) as usize;
    if j < rows { j } else { 2 * rows - 1 - j }
}

/// Running sum that keeps what rounding takes off (Knuth's two-sum): what was added and removed leaves nothing behind,
/// so a quiet passage after a loud one is not measured against the loud one's rounding errors.
#[derive(Clone, Copy, Default)]
struct Sum {
    high: f32,
    low: f32,
}

impl Sum {
    fn add(&mut self, v: f32) {
        let sum = self.high + v;
        let part = sum - self.high;
        self.low += (self.high - (sum - part)) + (v - part);
        self.high = sum;
    }
    fn value(self) -> f32 {
        self.high + self.low
    }
}

/// Whether the rows `at - p ..= at + p` that exist are all equal; `change` is handed on from row to row.
fn constant(x: &[f32], at: usize, p: usize, change: &mut usize) -> bool {
    let last = (at + p).min(x.len() - 1);
    *change = (*change).max(at.saturating_sub(p) + 1);
    while *change <= last && x[*change] == x[*change - 1] {
        *change += 1;
    }
    *change > last
}

/// Sliding normalisation, column by column: the mean of `window` rows is removed, then (with `variance`) each value is
/// divided by the standard deviation of the `window` rows about it plus 1e-10. Sums slide along; each column is taken
/// relative to its first value, and rows that do not change become exactly 0.
fn cmvn(x: &mut [f32], columns: usize, window: usize, variance: bool, scratch: &mut [f32]) {
    let rows = x.len() / columns;
    let half = window / 2;
    let p = half as isize;
    let w = window as f32;
    let (d, rest) = scratch.split_at_mut(rows);
    let y = &mut rest[..rows];
    for c in 0..columns {
        let first = x[c];
        for (i, d) in d.iter_mut().enumerate() {
            *d = x[i * columns + c] - first;
        }
        let mut sum = Sum::default();
        let mut change = 0;
        for j in -p..=p {
            sum.add(d[reflect(j, rows)]);
        }
        for i in 0..rows {
            y[i] = if constant(d, i, half, &mut change) { 0.0 } else { d[i] - sum.value() / w };
            let at = i as isize;
            sum.add(d[reflect(at + p + 1, rows)]);
            sum.add(-d[reflect(at - p, rows)]);
        }
        if !variance {
            for i in 0..rows {
                x[i * columns + c] = y[i];
            }
            continue;
        }
        let (mut s1, mut s2) = (Sum::default(), Sum::default());
        let mut change = 0;
        for j in -p..=p {
            let v = y[reflect(j, rows)];
            s1.add(v);
            s2.add(v * v);
        }
        for i in 0..rows {
            let mean = s1.value() / w;
            let var = s2.value() / w - mean * mean;
            let still = constant(y, i, half, &mut change);
            let deviation = if var > 0.0 && !still { sqrt(var) } else { 0.0 };
            x[i * columns + c] = y[i] / (deviation + 1e-10);
            let at = i as isize;
            let (new, old) = (y[reflect(at + p + 1, rows)], y[reflect(at - p, rows)]);
            s1.add(new);
            s1.add(-old);
            s2.add(new * new);
            s2.add(-(old * old));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    #[test]
    fn silence_after_sound_is_normalised_by_itself() {
        let (rows, window) = (200, 21);
        // Sound, then almost nothing, then nothing at all.
        let x: Vec<f32> = (0..rows)
            .map(|i| match i {
                0..60 => 10.0 + (i * 37 % 17) as f32 * 0.5,
                60..120 => -0.25 + (i * 29 % 13) as f32 / 1024.0,
                _ => -0.25,
            })
            .collect();
        let mut got = x.clone();
        cmvn(&mut got, 1, window, true, &mut vec![0.0; 2 * rows]);
        let about = |x: &[f64], i: usize| -> Vec<f64> {
            let reach = |j: usize| x[reflect(i as isize + j as isize - window as isize / 2, rows)];
            (0..window).map(reach).collect()
        };
        let mean = |x: &[f64]| x.iter().sum::<f64>() / window as f64;
        let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let removed: Vec<f64> = (0..rows).map(|i| wide[i] - mean(&about(&wide, i))).collect();
        for (i, got) in got.iter().enumerate() {
            let near = about(&removed, i);
            let m = mean(&near);
            let var = near.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / window as f64;
            let exact = removed[i] / (libm::sqrt(var) + 1e-10);
            assert!(
                (f64::from(*got) - exact).abs() < 2e-3 * (1.0 + exact.abs()),
                "row {i}: {got}, expected {exact}"
            );
        }
    }
}
