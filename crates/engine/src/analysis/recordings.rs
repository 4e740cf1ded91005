//! Values of cleaned recordings: levels, histograms, spectra, correlation of axes.

use super::{Analysis, Correlation, Histogram, Level, Names, Spectrum, correlation};
use crate::{
    EngineError,
    session::Session,
    stages::clean::{Silver, SilverReader},
};
use edgewright_dsp::RealFft;
use std::collections::BTreeMap;

/// Recordings that are looked at, at most.
const RECORDINGS: usize = 1000;
/// Frames of a recording that are looked at, at most: the first.
const FRAMES: usize = 1 << 18;
/// Frames of a recording that are kept for histograms and correlation: evenly spaced ones.
const KEPT: usize = 200;
/// Bins of a histogram.
const BINS: usize = 40;
/// Values of a spectrum, and the fewest.
const LINES: usize = 256;
const FEWEST: usize = 16;
/// Parts of a recording that a spectrum is the mean of, at most.
const PARTS: usize = 64;

#[derive(Clone, Default)]
struct Sums {
    count: u64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Sums {
    fn add(&mut self, v: f64) {
        (self.min, self.max) = match self.count {
            0 => (v, v),
            _ => (self.min.min(v), self.max.max(v)),
        };
        self.count += 1;
        self.sum += v;
        self.squares += v * v;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1) as f64 - self.mean().powi(2)).max(0.0).sqrt()
    }
}

/// Mean power of windowed parts (Welch, 1967).
struct Welch {
    fft: RealFft,
    taper: Vec<f32>,
    scale: f32,
    work: Vec<f32>,
    power: Vec<f32>,
}

impl Welch {
    fn new(length: usize, rate_hz: f64) -> Self {
        let taper: Vec<f32> = (0..length)
            .map(|i| {
                let s = (std::f64::consts::PI * i as f64 / length as f64).sin();
                (s * s) as f32
            })
            .collect();
        let energy: f64 = taper.iter().map(|w| f64::from(*w).powi(2)).sum();
        Self {
            fft: RealFft::new(length),
            scale: (2.0 / (rate_hz * energy)) as f32,
            work: vec![0.0; length],
            power: vec![0.0; length / 2 + 1],
            taper,
        }
    }

    /// Adds the parts of a recording's axis to sums; the number of parts.
    fn add(&mut self, values: &[f32], sums: &mut [f64]) -> usize {
        let length = self.taper.len();
        let Some(room) = values.len().checked_sub(length) else { return 0 };
        let parts = (2 * room / length + 1).min(PARTS);
        let mut part = vec![0.0f32; length];
        for p in 0..parts {
            let start = if parts > 1 { p * room / (parts - 1) } else { 0 };
            let cut = &values[start..start + length];
            let mean = cut.iter().map(|v| f64::from(*v)).sum::<f64>() / length as f64;
            for ((to, v), w) in part.iter_mut().zip(cut).zip(&self.taper) {
                *to = (f64::from(*v) - mean) as f32 * w;
            }
            self.fft.power(&part, self.scale, &mut self.work, &mut self.power);
            sums.iter_mut().zip(&self.power).for_each(|(s, p)| *s += f64::from(*p));
        }
        parts
    }
}

/// Looks at evenly spaced recordings. The level of each axis of each that was looked at.
pub(super) fn look(
    session: &Session<'_>,
    silver: &Silver,
    names: &Names,
    told: &mut Analysis,
) -> Result<BTreeMap<usize, Vec<f64>>, EngineError> {
    let axes = silver.format.axes.len();
    let mut levels = BTreeMap::new();
    if axes == 0 || silver.samples.is_empty() {
        return Ok(levels);
    }
    let step = silver.samples.len().div_ceil(RECORDINGS);
    let picked: Vec<usize> = (0..silver.samples.len()).step_by(step).collect();
    let mut lengths: Vec<usize> = picked.iter().map(|&i| silver.samples[i].frames).collect();
    lengths.sort_unstable();
    let usual = lengths[lengths.len() / 2].min(LINES);
    // The largest power of two that fits in most recordings.
    let length = if usual > 0 { 1usize << usual.ilog2() } else { 0 };
    let mut welch = (silver.format.rate_hz > 0.0 && silver.format.image.is_none() && length >= FEWEST)
        .then(|| Welch::new(length, silver.format.rate_hz));
    let mut sums: BTreeMap<(String, usize), Sums> = BTreeMap::new();
    let mut power: BTreeMap<(String, usize), (Vec<f64>, usize)> = BTreeMap::new();
    // Kept rows, and the label of each.
    let mut rows: Vec<f32> = Vec::new();
    let mut of: Vec<String> = Vec::new();
    let mut reader = SilverReader::open(session, silver)?;
    for (n, &i) in picked.iter().enumerate() {
        session.progress("analyse", n as u64, picked.len() as u64, "recordings")?;
        let sample = &silver.samples[i];
        let label = names.get(sample);
        let values = reader.part(sample, 0..sample.frames.min(FRAMES))?;
        let mut level = Vec::with_capacity(axes);
        for axis in 0..axes {
            let column: Vec<f32> = values.iter().skip(axis).step_by(axes).copied().collect();
            let all = sums.entry((label.clone(), axis)).or_default();
            let mut own = Sums::default();
            for v in column.iter().map(|v| f64::from(*v)) {
                own.add(v);
                all.add(v);
            }
            level.push(own.deviation());
            if let Some(welch) = &mut welch {
                let (lines, parts) =
                    power.entry((label.clone(), axis)).or_insert_with(|| (vec![0.0; length / 2 + 1], 0));
                *parts += welch.add(&column, lines);
            }
        }
        levels.insert(i, level);
        let frames = values.len() / axes;
        for row in values.chunks_exact(axes).step_by(frames.div_ceil(KEPT).max(1)) {
            rows.extend_from_slice(row);
            of.push(label.clone());
        }
    }
    told.looked_at = picked.len();
    let axis_name = |axis: usize| silver.format.axes[axis].name.clone();
    told.levels = sums
        .into_iter()
        .map(|((label, axis), s)| Level {
            label,
            axis: axis_name(axis),
            values: s.count,
            mean: s.mean(),
            deviation: s.deviation(),
            min: s.min,
            max: s.max,
        })
        .collect();
    told.spectra = power
        .into_iter()
        .filter(|(_, (_, parts))| *parts > 0)
        .map(|((label, axis), (lines, parts))| Spectrum {
            label,
            axis: axis_name(axis),
            step_hz: silver.format.rate_hz / length as f64,
            // A line of nothing is told as what single precision leaves of it.
            decibels: lines.iter().map(|p| 10.0 * (p / parts as f64).max(1e-30).log10()).collect(),
        })
        .collect();
    told.histograms = (0..axes).map(|axis| histogram(&rows, axes, axis, &of, axis_name(axis))).collect();
    let columns: Vec<usize> = (0..axes.min(40)).collect();
    told.axes_correlation = Correlation {
        names: columns.iter().map(|&a| axis_name(a)).collect(),
        values: correlation(&rows, axes, &columns),
    };
    Ok(levels)
}

fn histogram(rows: &[f32], width: usize, axis: usize, of: &[String], name: String) -> Histogram {
    let column = || rows.chunks_exact(width).map(|r| f64::from(r[axis]));
    let (mut low, mut high) = column().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low >= high {
        (low, high) = (low.min(high) - 0.5, low.max(high) + 0.5);
    }
    let mut labels: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (v, label) in column().zip(of) {
        let bin = ((v - low) / (high - low) * BINS as f64) as usize;
        labels.entry(label.clone()).or_insert_with(|| vec![0.0; BINS])[bin.min(BINS - 1)] += 1.0;
    }
    for counts in labels.values_mut() {
        let all: f64 = counts.iter().sum();
        counts.iter_mut().for_each(|c| *c /= all);
    }
    Histogram { axis: name, low, high, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_at_its_frequency_with_its_power() {
        let (rate, length, hz) = (1000.0, 256, 125.0);
        let tone: Vec<f32> = (0..4000)
            .map(|i| (2.0 * (std::f64::consts::TAU * hz * f64::from(i) / rate).sin() + 5.0) as f32)
            .collect();
        let mut welch = Welch::new(length, rate);
        let mut sums = vec![0.0; length / 2 + 1];
        let parts = welch.add(&tone, &mut sums);
        let density: Vec<f64> = sums.iter().map(|s| s / parts as f64).collect();
        let top = (0..density.len()).max_by(|a, b| density[*a].total_cmp(&density[*b])).expect("lines");
        assert_eq!(top as f64 * rate / length as f64, hz);
        // The mean square of a sine of amplitude 2 is 2; the mean of 5 is gone.
        let whole: f64 = density.iter().sum::<f64>() * rate / length as f64;
        assert!((whole - 2.0).abs() < 0.02, "{whole}");
        assert_eq!(welch.add(&tone[..100], &mut sums), 0, "too short");
    }
}
