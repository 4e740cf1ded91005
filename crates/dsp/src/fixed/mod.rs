//! Blocks in integers, for cores without a floating-point unit: audio here, spectral analysis in `spectral`.
//!
//! Audio: a frame's samples become integers of 16 bits with one exponent; everything up to the features is computed in integers, and one multiplication makes each feature a float.
//!
//! # Error
//! Against the float block the amplitude of a bin or band (the root of its energy) is off by at most 2e-5 of the root of
//! its frame's power, and 1e-4 of itself: factors of the transform have 16 bits. What lies 90 dB below the frame is lost.
//! A test holds it.

mod arith;
mod fft;
mod normalise;
mod sections;
mod shape;
mod spectral;

pub use fft::FixedFft;
pub use sections::FixedSections;
pub use spectral::{FixedGain, FixedSpectralPlan};

use crate::{Framing, MelBank, audio::beyond_unit};
use alloc::{vec, vec::Vec};
use arith::{log2, log2_table};

/// Mel filters in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedBank {
    /// First bin with a weight, per filter.
    pub first: Vec<u16>,
    /// Number of weights, per filter.
    pub count: Vec<u16>,
    /// Weights of all filters as multiples of 2^-15.
    pub weights: Vec<u16>,
}

/// What is made of the power of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FixedKind {
    /// Spectrogram versions 3 and 4.
    Bins {
        /// Version 3: capped at 1, and a window beyond -1..1 is divided by 32768.
        capped: bool,
        /// Noise floor.
        decibels: Decibels,
    },
    /// MFE versions 3 and 4.
    Mel {
        /// Filters.
        bank: FixedBank,
        /// Noise floor.
        decibels: Decibels,
    },
    /// MFCC.
    Cepstral {
        /// Filters.
        bank: FixedBank,
        /// Coefficients kept.
        coefficients: usize,
        /// Cosine table, one row of `filters` values for each coefficient but the first, as multiples of `2^-dct_bits`.
        dct: Vec<i16>,
        /// See `dct`.
        dct_bits: u32,
        /// Rows of the sliding normalisation, odd; 0 for none.
        window: usize,
    },
}

/// From a logarithm to its share of the range from the noise floor to 12 dB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decibels {
    /// Noise floor as a power of two, a multiple of 2^-16.
    pub floor: i32,
    /// From there to 12 dB.
    pub span: i32,
    /// 256 * 2^32 / `span`.
    pub steps: i32,
    /// 1 / `span`.
    pub share: f32,
}

/// dB of a factor of two in power.
const OCTAVE: f64 = 3.010_299_956_639_812;

impl Decibels {
    fn new(floor_db: f32) -> Self {
        let floor = f64::from(floor_db);
        let span = libm::round((12.0 - floor) / OCTAVE * 65536.0);
        Self {
            floor: libm::round(floor / OCTAVE * 65536.0) as i32,
            span: span as i32,
            steps: libm::round(256.0 * 4_294_967_296.0 / span) as i32,
            share: (1.0 / span) as f32,
        }
    }

    fn over_floor(&self, log: i32, capped: bool) -> i32 {
        let over = (log - self.floor).max(0);
        if capped { over.min(self.span) } else { over }
    }
}

/// Tables of an audio block in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedPlan {
    /// Frames; their scale is a power of two.
    pub framing: Framing,
    /// Scale of the samples as a power of two.
    pub scale: i32,
    /// Bits by which samples are lifted before pre-emphasis, of which `emphasis` is a multiple: `2^-lift`.
    pub lift: u32,
    /// Coefficient of pre-emphasis; 0 for none.
    pub emphasis: i32,
    /// The transform.
    pub fft: FixedFft,
    /// What follows.
    pub kind: FixedKind,
    /// Fractions of log2(1 + k/128).
    pub log2: Vec<u16>,
}

/// Logarithm of 1e-10, which stands for no energy, as a multiple of 2^-16.
const SILENT: i32 = -2_177_059;
/// Logarithm of no power at all in a bin, below every noise floor.
const NOTHING: i32 = -100 << 16;
/// Logarithm of 2^30: what dividing samples by 32768 takes off.
const LOUD: i32 = 30 << 16;
/// Bits of a logarithm that are multiplied apart, so that products of 32 bits do.
const LOW_BITS: u32 = 11;
const LN2: f64 = core::f64::consts::LN_2;

/// Buffers of a frame.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    input: Vec<i32>,
    work: Vec<i32>,
    power: Vec<u64>,
    logs: Vec<i32>,
}

/// Mel filters from their float weights.
pub(crate) fn bank(bank: MelBank) -> FixedBank {
    let weights = bank.weights.iter().map(|w| libm::round(f64::from(*w) * 32768.0) as u16).collect();
    FixedBank { first: bank.first, count: bank.count, weights }
}

impl FixedPlan {
    pub(crate) fn new(framing: Framing, n: usize, kind: FixedKind) -> Self {
        let emphasis = f64::from(framing.emphasis);
        // Largest lift with which a sample of 2^15 and what is taken off it stay within 2^30.
        let lift = (0..=15).rev().find(|l| libm::exp2(f64::from(*l)) * (1.0 + emphasis.abs()) <= 32768.0);
        let lift = lift.unwrap_or(0);
        Self {
            scale: libm::round(libm::log2(f64::from(framing.scale))) as i32,
            lift,
            emphasis: libm::round(emphasis * libm::exp2(f64::from(lift))) as i32,
            fft: FixedFft::new(n),
            kind,
            framing,
            log2: log2_table(),
        }
    }

    /// Spectrogram, version 3 (`capped`) or 4.
    pub(crate) fn bins(framing: Framing, n: usize, capped: bool, floor_db: f32) -> Self {
        Self::new(framing, n, FixedKind::Bins { capped, decibels: Decibels::new(floor_db) })
    }

    /// MFE, version 3 or 4.
    pub(crate) fn mel(framing: Framing, n: usize, filters: MelBank, floor_db: f32) -> Self {
        Self::new(framing, n, FixedKind::Mel { bank: bank(filters), decibels: Decibels::new(floor_db) })
    }

    /// MFCC; `dct` holds one row per coefficient.
    pub(crate) fn cepstral(framing: Framing, n: usize, filters: MelBank, dct: &[f32], window: usize) -> Self {
        let m = filters.first.len();
        let coefficients = dct.len() / m;
        let dct = &dct[m..];
        let at = |bits: u32| {
            let scale = libm::exp2(f64::from(bits));
            move |c: &f32| libm::round(f64::from(*c) * scale) as i32
        };
        // 16 bits per value, 19 bits for a row's sum, which leaves room for 11 bits of a logarithm.
        let fits = |bits: &u32| {
            dct.iter().map(at(*bits)).all(|c| c.abs() < 1 << 15)
                && dct
                    .chunks_exact(m)
                    .all(|row| row.iter().map(at(*bits)).map(i32::abs).sum::<i32>() <= 1 << 19)
        };
        let dct_bits = (8..=20).rev().find(fits).unwrap_or(8);
        let dct = dct.iter().map(at(dct_bits)).map(|c| c as i16).collect();
        let bank = bank(filters);
        Self::new(framing, n, FixedKind::Cepstral { bank, coefficients, dct, dct_bits, window })
    }

    /// Values per frame.
    pub fn columns(&self) -> usize {
        match &self.kind {
            FixedKind::Bins { .. } => self.fft.n / 2 + 1,
            FixedKind::Mel { bank, .. } => bank.first.len(),
            FixedKind::Cepstral { coefficients, .. } => *coefficients,
        }
    }

    /// Words of 32 bits that the C needs: values, their transform; power (two words each, in the place of the values), and
    /// logarithms; later two columns.
    pub fn scratch_len(&self) -> usize {
        let n = self.fft.n;
        let (logs, rows) = match &self.kind {
            FixedKind::Cepstral { bank, window, .. } => {
                (bank.first.len(), if *window > 0 { self.framing.rows } else { 0 })
            }
            _ => (0, 0),
        };
        (2 * n + 2 + logs).max(2 * rows)
    }

    pub(crate) fn work(&self) -> Work {
        let n = self.fft.n;
        Work {
            input: vec![0; n],
            work: vec![0; n.max(2 * self.framing.rows)],
            power: vec![0; n / 2 + 1],
            logs: vec![0; self.columns().max(self.filters())],
        }
    }

    fn filters(&self) -> usize {
        match &self.kind {
            FixedKind::Bins { .. } => 0,
            FixedKind::Mel { bank, .. } | FixedKind::Cepstral { bank, .. } => bank.first.len(),
        }
    }

    /// One row of values per frame.
    pub fn extract(&self, window: &[f32], features: &mut [f32]) {
        let mut work = self.work();
        for (row, out) in features.chunks_exact_mut(self.columns()).enumerate() {
            self.row(|i| window[i], row, &mut work, out);
        }
        self.finish(features, window.iter().any(|x| beyond_unit(*x)), &mut work);
    }

    /// Writes frame `row` as integers to `out` and returns their exponent; `None` for silence.
    fn frame(&self, sample: impl Fn(usize) -> f32, row: usize, out: &mut [i32]) -> Option<i32> {
        let f = &self.framing;
        let start = row * f.stride;
        let back = |i: usize| {
            let at = start + i;
            if at >= f.shift { at - f.shift } else { at + f.samples - f.shift }
        };
        let magnitude = |at: usize| sample(at).to_bits() & 0x7fff_ffff;
        let mut most = (start..start + f.used).map(magnitude).fold(0, u32::max);
        if self.emphasis != 0 {
            most = (0..f.used.min(f.shift)).map(|i| magnitude(back(i))).fold(most, u32::max);
        }
        out.fill(0);
        if most < 0x80_0000 {
            return None;
        }
        // The largest magnitude becomes at most 2^15.
        let top = (most - 1) >> 23;
        let whole = |at: usize| whole(sample(at).to_bits(), top);
        for (i, out) in out[..f.used].iter_mut().enumerate() {
            *out = whole(start + i) << self.lift;
            if self.emphasis != 0 {
                *out -= self.emphasis * whole(back(i));
            }
        }
        Some(top as i32 - 141 - self.lift as i32 + self.scale)
    }

    /// Values of a frame as bits of `out`, before what looks at several rows.
    pub(crate) fn row(&self, sample: impl Fn(usize) -> f32, row: usize, work: &mut Work, out: &mut [f32]) {
        let Work { input, work, power, logs } = work;
        let exponent = self
            .frame(sample, row, input)
            .and_then(|e| self.fft.power(input, e, &mut work[..self.fft.n], power));
        let log = |x: u64| log2(&self.log2, x.max(1));
        let mut put = |k: usize, v: i32| out[k] = f32::from_bits(v as u32);
        let Some(exponent) = exponent else {
            return (0..self.columns()).for_each(|k| match self.kind {
                FixedKind::Cepstral { .. } if k > 0 => put(k, 0),
                FixedKind::Bins { .. } => put(k, NOTHING),
                _ => put(k, SILENT),
            });
        };
        match &self.kind {
            FixedKind::Bins { .. } => {
                for (k, p) in power.iter().enumerate() {
                    put(k, log(*p) + (exponent << 16));
                }
            }
            FixedKind::Mel { bank, .. } => {
                bank.apply(power, |k, e| put(k, log(e) + ((exponent - 15) << 16)));
            }
            FixedKind::Cepstral { bank, coefficients, dct, .. } => {
                bank.apply(power, |k, e| logs[k] = log(e));
                for (k, row) in (1..*coefficients).zip(dct.chunks_exact(bank.first.len())) {
                    let (mut high, mut low) = (0i32, 0i32);
                    for (l, c) in logs.iter().zip(row) {
                        high += (l >> LOW_BITS) * i32::from(*c);
                        low += (l & ((1 << LOW_BITS) - 1)) * i32::from(*c);
                    }
                    put(k, high + (low >> LOW_BITS));
                }
                put(0, log(power.iter().sum()) + (exponent << 16));
            }
        }
    }

    /// Makes features of the rows of a window. `loud`: some sample of the window lies beyond -1..1.
    pub(crate) fn finish(&self, features: &mut [f32], loud: bool, work: &mut Work) {
        let columns = self.columns();
        match &self.kind {
            FixedKind::Bins { capped, decibels } => {
                let off = if *capped && loud { LOUD } else { 0 };
                for v in features {
                    let over = decibels.over_floor(v.to_bits() as i32 - off, *capped);
                    *v = over as f32 * decibels.share;
                }
            }
            FixedKind::Mel { decibels, .. } => {
                for v in features {
                    let over = i64::from(decibels.over_floor(v.to_bits() as i32, true));
                    let step = (over * i64::from(decibels.steps) + (1 << 31)) >> 32;
                    *v = step as f32 * (1.0 / 256.0);
                }
            }
            FixedKind::Cepstral { window, dct_bits, .. } => {
                if *window > 0 {
                    return normalise::normalise(features, columns, *window, &mut work.work);
                }
                let scales = cepstral_scales(*dct_bits);
                for row in features.chunks_exact_mut(columns) {
                    for (k, v) in row.iter_mut().enumerate() {
                        *v = (v.to_bits() as i32) as f32 * scales[usize::from(k > 0)];
                    }
                }
            }
        }
    }
}

/// Factors from integers to natural logarithms: of the energy, of the other coefficients.
pub fn cepstral_scales(dct_bits: u32) -> [f32; 2] {
    let scale = |bits: u32| (LN2 / libm::exp2(f64::from(bits))) as f32;
    [scale(16), scale(16 + dct_bits - LOW_BITS)]
}

/// A float as a multiple of `2^(top - 141)`, to the nearest, halves away from 0.
fn whole(bits: u32, top: u32) -> i32 {
    let e = (bits >> 23) & 0xff;
    // One above `top` for the largest power of two.
    let down = 9 + top - e;
    if e == 0 || down > 24 {
        return 0;
    }
    let v = (((bits & 0x7f_ffff) | 0x80_0000) + (1 << (down - 1))) >> down;
    if bits >> 31 == 1 { -(v as i32) } else { v as i32 }
}

impl FixedBank {
    fn apply(&self, power: &[u64], mut put: impl FnMut(usize, u64)) {
        let mut weights = &self.weights[..];
        for (k, (&first, &count)) in self.first.iter().zip(&self.count).enumerate() {
            let (own, rest) = weights.split_at(usize::from(count));
            weights = rest;
            put(k, power[usize::from(first)..].iter().zip(own).map(|(p, w)| p * u64::from(*w)).sum());
        }
    }
}
