//! Signal features: crossings, energy, distribution and spectrum of each axis, and what axes have in common.

use crate::{
    RealFft,
    flatten::{Centre, mean},
    math::{ln, sqrt},
};
use alloc::{format, string::String, vec::Vec};

/// Generators that are switched on and off, in the order of [`FeaturesPlan::wanted`].
pub const GENERATORS: [&str; 11] = [
    "zero_crossings",
    "mean_crossings",
    "energy",
    "peak_to_peak",
    "histogram",
    "entropy",
    "spectral_entropy",
    "dominant_frequency",
    "interquartile_range",
    "correlation",
    "magnitude_area",
];

/// Places in [`FeaturesPlan::wanted`].
pub(crate) mod at {
    pub const ZERO_CROSSINGS: usize = 0;
    pub const MEAN_CROSSINGS: usize = 1;
    pub const ENERGY: usize = 2;
    pub const PEAK_TO_PEAK: usize = 3;
    pub const HISTOGRAM: usize = 4;
    pub const ENTROPY: usize = 5;
    pub const SPECTRAL_ENTROPY: usize = 6;
    pub const DOMINANT_FREQUENCY: usize = 7;
    pub const INTERQUARTILE_RANGE: usize = 8;
    pub const CORRELATION: usize = 9;
    pub const MAGNITUDE_AREA: usize = 10;
}

/// What is computed, on which window.
#[derive(Clone, Debug, PartialEq)]
pub struct FeaturesPlan {
    /// Multiplier of the input.
    pub scale: f32,
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// Which of [`GENERATORS`] are computed.
    pub wanted: [bool; 11],
    /// Bins of the histogram.
    pub bins: usize,
    /// The spectrum, where something needs it.
    pub spectrum: Option<Welch>,
    /// Bands whose power is a feature.
    pub bands: Vec<Band>,
    /// Multiples of the dominant frequency whose power is a feature, rising, from 2.
    pub harmonics: Vec<u16>,
}

/// Bins of the spectrum between two frequencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// First bin.
    pub first: u16,
    /// Number of bins.
    pub count: u16,
    /// Edges in Hz.
    pub edges: [f64; 2],
}

/// Mean power spectrum of frames that overlap by half, each freed of the window's mean and under a Hann window; its sum
/// comes near the mean square of the values.
///
/// # Source
/// P. D. Welch, The use of fast Fourier transform for the estimation of power spectra, IEEE Transactions on Audio and
/// Electroacoustics 15 (1967).
#[derive(Clone, Debug, PartialEq)]
pub struct Welch {
    /// The transform.
    pub fft: RealFft,
    /// First half of the Hann window with its middle; the rest mirrors it.
    pub taper: Vec<f32>,
    /// `1 / (n * sum of the squares of the window)`.
    pub density: f32,
    /// From one bin to the next, in Hz.
    pub width_hz: f32,
    /// `1 / ln(n / 2)`: what brings the entropy of the bins to 0..1.
    pub evenness: f32,
}

impl Welch {
    /// Tables for frames of `n` values (a power of two, at least 4) at this rate.
    pub fn new(n: usize, rate_hz: f64) -> Self {
        let taper = |i: usize| 0.5 - 0.5 * libm::cos(2.0 * core::f64::consts::PI * i as f64 / n as f64);
        let square: f64 = (0..n).map(|i| taper(i) * taper(i)).sum();
        Self {
            fft: RealFft::new(n),
            taper: (0..=n / 2).map(|i| taper(i) as f32).collect(),
            density: (1.0 / (n as f64 * square)) as f32,
            width_hz: (rate_hz / n as f64) as f32,
            evenness: (1.0 / libm::log(n as f64 / 2.0)) as f32,
        }
    }

    /// Floats of scratch: the spectrum, input and work of the transform, the spectrum of a frame.
    pub fn scratch_len(&self) -> usize {
        2 * self.fft.n + 2 * (self.fft.n / 2 + 1)
    }

    /// Power of each bin in the first `n/2 + 1` floats of `scratch`; both sides of the spectrum together. `x` has at least
    /// `n` values.
    pub fn power(&self, x: &[f32], scratch: &mut [f32]) {
        let n = self.fft.n;
        let half = n / 2;
        let (all, scratch) = scratch.split_at_mut(half + 1);
        let (input, scratch) = scratch.split_at_mut(n);
        let (work, power) = scratch.split_at_mut(n);
        let centre = Centre::of(x);
        all.fill(0.0);
        let (mut start, mut count) = (0, 0.0f32);
        while start + n <= x.len() {
            for (i, to) in input.iter_mut().enumerate() {
                let taper = self.taper[if i <= half { i } else { n - i }];
                *to = centre.off(x[start + i]) * taper;
            }
            self.fft.power(input, self.density, work, power);
            for (sum, p) in all.iter_mut().zip(power.iter()) {
                *sum += p;
            }
            count += 1.0;
            start += half;
        }
        for (k, p) in all.iter_mut().enumerate() {
            *p = if k == 0 || k == half { *p / count } else { 2.0 * *p / count };
        }
    }
}

/// How often one of two neighbours is below `level` and the other is not.
pub(crate) fn crossings(x: &[f32], level: f32) -> f32 {
    let mut count = 0.0f32;
    for i in 1..x.len() {
        if (x[i - 1] < level) != (x[i] < level) {
            count += 1.0;
        }
    }
    count
}

/// Sum of the squares.
pub(crate) fn energy(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        sum += v * v;
    }
    sum
}

/// Smallest and largest value.
pub(crate) fn range(x: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = (x[0], x[0]);
    for &v in x {
        if v < low {
            low = v;
        }
        if v > high {
            high = v;
        }
    }
    (low, high)
}

/// Share of the values in each of equally wide bins from the smallest to the largest; all in the first for a constant.
pub(crate) fn histogram(x: &[f32], shares: &mut [f32]) {
    let (low, high) = range(x);
    let (wide, bins) = (high - low, shares.len() as f32);
    shares.fill(0.0);
    for v in x {
        let place = if wide > 0.0 { (v - low) / wide * bins } else { 0.0 };
        // The largest value belongs to the last bin.
        let bin = if place < bins { place as usize } else { shares.len() - 1 };
        shares[bin] += 1.0;
    }
    for share in shares.iter_mut() {
        *share /= x.len() as f32;
    }
}

/// Entropy of shares of a total, in nats.
pub(crate) fn entropy(shares: &[f32], total: f32) -> f32 {
    let mut sum = 0.0f32;
    for share in shares {
        let p = share / total;
        if p > 0.0 {
            sum -= p * ln(p);
        }
    }
    sum
}

pub(crate) fn sum(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        sum += v;
    }
    sum
}

/// Sum of the absolute values.
fn absolute(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        sum += if *v < 0.0 { -v } else { *v };
    }
    sum
}

/// The bin with the most power, the first of equals; the mean's is left out.
pub(crate) fn dominant(power: &[f32]) -> usize {
    let mut most = 1;
    for k in 2..power.len() {
        if power[k] > power[most] {
            most = k;
        }
    }
    most
}

/// Lets `x[root]` sink to its place in the heap of the first `n` values.
fn sink(x: &mut [f32], mut root: usize, n: usize) {
    let v = x[root];
    loop {
        let mut child = 2 * root + 1;
        if child >= n {
            break;
        }
        if child + 1 < n && x[child] < x[child + 1] {
            child += 1;
        }
        if v >= x[child] {
            break;
        }
        x[root] = x[child];
        root = child;
    }
    x[root] = v;
}

/// Sorts in place, in as many steps for the worst order as for the best.
pub(crate) fn sort(x: &mut [f32]) {
    let n = x.len();
    for root in (0..n / 2).rev() {
        sink(x, root, n);
    }
    for end in (1..n).rev() {
        x.swap(0, end);
        sink(x, 0, end);
    }
}

/// Range between the quartiles; sorts `x`.
fn interquartile(x: &mut [f32]) -> f32 {
    sort(x);
    crate::hrv::quantile(x, 3) - crate::hrv::quantile(x, 1)
}

/// Pearson's correlation; 0 where one is constant.
pub(crate) fn correlation(x: &[f32], y: &[f32]) -> f32 {
    let (mx, my) = (Centre::of(x), Centre::of(y));
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in x.iter().zip(y) {
        let (a, b) = (mx.off(*x), my.off(*y));
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    let both = sqrt(xx) * sqrt(yy);
    if both > 0.0 { xy / both } else { 0.0 }
}

/// Writes one feature after the other.
struct Out<'a> {
    features: &'a mut [f32],
    at: usize,
}

impl Out<'_> {
    fn put(&mut self, value: f32) {
        self.features[self.at] = value;
        self.at += 1;
    }
}

impl FeaturesPlan {
    /// Features of one axis.
    pub fn per_axis(&self) -> usize {
        let own = self.wanted[..at::CORRELATION].iter().filter(|w| **w).count();
        let histogram = if self.wanted[at::HISTOGRAM] { self.bins - 1 } else { 0 };
        own + histogram + self.bands.len() + self.harmonics.len()
    }

    /// Features of all axes.
    pub fn features(&self) -> usize {
        let pairs = if self.wanted[at::CORRELATION] { self.axes * (self.axes - 1) / 2 } else { 0 };
        self.axes * self.per_axis() + pairs + usize::from(self.wanted[at::MAGNITUDE_AREA])
    }

    /// Whether a histogram is made.
    pub fn counts(&self) -> bool {
        self.wanted[at::HISTOGRAM] || self.wanted[at::ENTROPY]
    }

    /// Floats of scratch: an axis and what is made of it.
    pub fn scratch_len(&self) -> usize {
        let bins = if self.counts() { self.bins } else { 0 };
        let spectrum = self.spectrum.as_ref().map_or(0, Welch::scratch_len);
        let second = if self.wanted[at::CORRELATION] { self.frames } else { 0 };
        self.frames + bins.max(spectrum).max(second)
    }

    /// Features axis by axis; the correlation of each pair of axes and the magnitude area follow.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) {
        let (x, rest) = scratch.split_at_mut(self.frames);
        let mut out = Out { features, at: 0 };
        let read = |axis: usize, to: &mut [f32]| {
            for (i, x) in to.iter_mut().enumerate() {
                *x = window[i * self.axes + axis] * self.scale;
            }
        };
        let mut area = 0.0f32;
        for axis in 0..self.axes {
            read(axis, x);
            if self.wanted[at::MAGNITUDE_AREA] {
                area += absolute(x);
            }
            self.axis(x, rest, &mut out);
        }
        if self.wanted[at::CORRELATION] {
            for first in 0..self.axes {
                read(first, x);
                for second in first + 1..self.axes {
                    let y = &mut rest[..self.frames];
                    read(second, y);
                    out.put(correlation(x, y));
                }
            }
        }
        if self.wanted[at::MAGNITUDE_AREA] {
            out.put(area / self.frames as f32);
        }
    }

    fn axis(&self, x: &mut [f32], rest: &mut [f32], out: &mut Out<'_>) {
        if self.wanted[at::ZERO_CROSSINGS] {
            out.put(crossings(x, 0.0));
        }
        if self.wanted[at::MEAN_CROSSINGS] {
            out.put(crossings(x, mean(x)));
        }
        if self.wanted[at::ENERGY] {
            out.put(energy(x));
        }
        if self.wanted[at::PEAK_TO_PEAK] {
            let (low, high) = range(x);
            out.put(high - low);
        }
        if self.counts() {
            let shares = &mut rest[..self.bins];
            histogram(x, shares);
            if self.wanted[at::HISTOGRAM] {
                shares.iter().for_each(|s| out.put(*s));
            }
            if self.wanted[at::ENTROPY] {
                out.put(entropy(shares, 1.0));
            }
        }
        if let Some(welch) = &self.spectrum {
            welch.power(x, rest);
            let power = &rest[..welch.fft.n / 2 + 1];
            if self.wanted[at::SPECTRAL_ENTROPY] {
                let total = sum(&power[1..]);
                out.put(if total > 0.0 { entropy(&power[1..], total) * welch.evenness } else { 0.0 });
            }
            let most = dominant(power);
            if self.wanted[at::DOMINANT_FREQUENCY] {
                out.put(if power[most] > 0.0 { most as f32 * welch.width_hz } else { 0.0 });
            }
            for band in &self.bands {
                out.put(sum(&power[usize::from(band.first)..][..usize::from(band.count)]));
            }
            for &multiple in &self.harmonics {
                let k = most * usize::from(multiple);
                let there = power[most] > 0.0 && k < power.len();
                out.put(if there { power[k] / power[most] } else { 0.0 });
            }
        }
        if self.wanted[at::INTERQUARTILE_RANGE] {
            out.put(interquartile(x));
        }
    }

    /// One name per feature.
    pub fn names(&self, axes: &[&str]) -> Vec<String> {
        let mut own = Vec::new();
        let mut put = |generator: usize, name: &str| {
            if self.wanted[generator] {
                own.push(String::from(name));
            }
        };
        put(at::ZERO_CROSSINGS, "Zero Crossings");
        put(at::MEAN_CROSSINGS, "Mean Crossings");
        put(at::ENERGY, "Energy");
        put(at::PEAK_TO_PEAK, "Peak to Peak");
        for bin in 1..=self.bins {
            put(at::HISTOGRAM, &format!("Histogram {bin}"));
        }
        put(at::ENTROPY, "Entropy");
        put(at::SPECTRAL_ENTROPY, "Spectral Entropy");
        put(at::DOMINANT_FREQUENCY, "Dominant Frequency");
        own.extend(self.bands.iter().map(|b| format!("Band Power {:?} - {:?} Hz", b.edges[0], b.edges[1])));
        own.extend(self.harmonics.iter().map(|m| format!("Harmonic {m}")));
        if self.wanted[at::INTERQUARTILE_RANGE] {
            own.push("Interquartile Range".into());
        }
        let mut names: Vec<String> =
            axes.iter().flat_map(|a| own.iter().map(move |n| format!("{a} {n}"))).collect();
        if self.wanted[at::CORRELATION] {
            for (i, first) in axes.iter().enumerate() {
                names.extend(axes[i + 1..].iter().map(|second| format!("{first} {second} Correlation")));
            }
        }
        if self.wanted[at::MAGNITUDE_AREA] {
            names.push("Magnitude Area".into());
        }
        names
    }
}
