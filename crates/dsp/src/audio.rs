//! Audio blocks: spectrogram, MFE, MFCC. Frames of the window, their power spectra, and what is made of them.

use crate::{
    Framing, MelBank, RealFft,
    cmvn::cmvn,
    math::{ln, log10, round_half_even, zero_guard},
    wide::{WIDE, processors, scatter},
};
use alloc::vec::Vec;

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
#[inline(always)]
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
        self.framing.samples + WIDE * (2 * self.fft.n + self.columns())
    }

    /// One row of bins per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        if scratch.len() >= self.wide_scratch_len() && self.framing.rows >= WIDE {
            return spectrogram(self, window, scratch, features);
        }
        for (row, out) in features.chunks_exact_mut(self.columns()).enumerate() {
            self.framing.frame::<1>(|i| window[i], row, 0, lanes(&mut scratch[..self.fft.n]));
            self.row(scratch, out);
        }
        self.finish(features, window.iter().any(|x| beyond_unit(*x)));
    }

    #[inline(always)]
    fn extract_wide<const L: usize>(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (n, columns) = (self.fft.n, self.columns());
        let (span, scratch) = scratch.split_at_mut(self.framing.samples);
        let (input, rest) = lanes::<L>(scratch).split_at_mut(n);
        let (work, power) = rest.split_at_mut(n);
        for from in batches::<L>(self.framing.rows) {
            self.framing.frames(window, from, span, input);
            self.fft.power_of(input, 1.0 / n as f32, work, power);
            scatter(power, &mut features[from * columns..], columns);
        }
        let loud = self.variant == SpectrogramVariant::Capped && window.iter().any(|x| beyond_unit(*x));
        self.finish(features, loud);
    }

    /// Power of the frame that `scratch` begins with.
    pub(crate) fn row(&self, scratch: &mut [f32], out: &mut [f32]) {
        let (input, work) = scratch.split_at_mut(self.fft.n);
        self.fft.power(input, 1.0 / self.fft.n as f32, &mut work[..self.fft.n], out);
    }

    /// Makes features of rows of power. `loud`: some sample of the window lies beyond -1..1.
    #[inline(always)]
    pub(crate) fn finish(&self, features: &mut [f32], loud: bool) {
        if self.variant == SpectrogramVariant::MinMax {
            return min_max(features);
        }
        let capped = self.variant == SpectrogramVariant::Capped;
        // Dividing the samples by 32768 divides their power by its square, exactly. Factor and limit that change nothing leave the
        // loop without branches.
        let (factor, limit) =
            (if capped && loud { LOUD } else { 1.0 }, if capped { 1.0 } else { f32::INFINITY });
        for v in features {
            let d = decibel(*v * factor, self.floor);
            let d = if d < 0.0 { 0.0 } else { d };
            *v = if d > limit { limit } else { d };
        }
    }
}

processors! {
    /// [`SpectrogramPlan::extract`] where there is room for several frames.
    fn spectrogram(plan: &SpectrogramPlan, window: &[f32], scratch: &mut [f32], features: &mut [f32]);
}

processors! {
    /// [`MelPlan::extract`] where there is room for several frames.
    fn mel(plan: &MelPlan, window: &[f32], scratch: &mut [f32], features: &mut [f32]);
}

/// Scratch as values side by side.
#[inline(always)]
fn lanes<const L: usize>(scratch: &mut [f32]) -> &mut [[f32; L]] {
    scratch.as_chunks_mut().0
}

/// First rows of batches of `L` rows; the last one may do rows again.
#[inline(always)]
fn batches<const L: usize>(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows.div_ceil(L)).map(move |b| (b * L).min(rows - L))
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

    /// Floats of scratch with which several frames, and later several columns, are computed at once.
    pub(crate) fn wide_scratch_len(&self) -> usize {
        self.framing.samples + WIDE * self.frame_len().max(2 * self.framing.rows)
    }

    /// One row of values per frame.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        if scratch.len() >= self.wide_scratch_len() && self.framing.rows >= WIDE {
            return mel(self, window, scratch, features);
        }
        for (row, out) in features.chunks_exact_mut(self.columns()).enumerate() {
            self.framing.frame::<1>(|i| window[i], row, 0, lanes(&mut scratch[..self.fft.n]));
            self.row(scratch, out);
        }
        self.finish(features, scratch);
    }

    #[inline(always)]
    fn extract_wide<const L: usize>(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let columns = self.columns();
        let (span, scratch) = scratch.split_at_mut(self.framing.samples);
        for from in batches::<L>(self.framing.rows) {
            let wide = lanes::<L>(scratch);
            self.framing.frames(window, from, span, &mut wide[..self.fft.n]);
            self.rows(wide, &mut features[from * columns..][..L * columns]);
        }
        self.finish(features, scratch);
    }

    /// Values of the frame that `scratch` begins with, before what looks at several rows.
    pub(crate) fn row(&self, scratch: &mut [f32], out: &mut [f32]) {
        self.rows::<1>(lanes(scratch), out);
    }

    /// Values of the frames that lie side by side at the beginning of `scratch`, row by row.
    #[inline(always)]
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
                // Several coefficients at once: a sum alone would wait for itself.
                let (filters, mut k) = (energy.len(), 0);
                while k < columns {
                    let left = &dct[k * filters..];
                    k += match columns - k {
                        1 => cosines::<L, 1>(left, energy, &mut out[k..], columns),
                        2 | 3 => cosines::<L, 2>(left, energy, &mut out[k..], columns),
                        _ => cosines::<L, 4>(left, energy, &mut out[k..], columns),
                    };
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
        scatter(energy, out, columns);
    }

    /// What looks at several rows: `features` holds the rows of a window.
    #[inline(always)]
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

/// `N` sums of products of energies with cosines for frames side by side; how many there were.
#[inline(always)]
fn cosines<const L: usize, const N: usize>(
    dct: &[f32],
    energy: &[[f32; L]],
    out: &mut [f32],
    columns: usize,
) -> usize {
    let filters = energy.len();
    let rows: [&[f32]; N] = core::array::from_fn(|n| &dct[n * filters..][..filters]);
    let mut sums = [[0.0f32; L]; N];
    for (i, e) in energy.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            for (sum, e) in sums.iter_mut().zip(e) {
                *sum += e * row[i];
            }
        }
    }
    for lane in 0..L {
        for (out, sums) in out[lane * columns..].iter_mut().zip(&sums) {
            *out = sums[lane];
        }
    }
    N
}

/// Decibels in 256 steps; the loudest cells are 1.
#[inline(always)]
fn quantised(energy: f32, floor: f32) -> f32 {
    // The same as two comparisons, as the C has them: the value is a number.
    let v = decibel(zero_guard(energy), floor).clamp(0.0, 1.0);
    round_half_even(v * 256.0) / 256.0
}
