//! What a block does with one window, counted before it runs: how often it takes each of its steps. Instructions of a core for
//! each step lie in the crate `compile`, fitted to what an emulator counted.

use crate::{
    Analysis, Binary, CustomPlan, Decimator, FeaturesPlan, FixedKind, FixedSpectralPlan, Framing, HeartPlan,
    MelVariant, Op, Operand, Plan, SpectralPlan, SpectrogramVariant, Spectrum, Unary, Variability, Wavelet,
    Welch, features::at, flatten,
};
use alloc::vec::Vec;

/// How often a block takes each of its steps with one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Code that computes it; coefficients go by it.
    pub kernel: &'static str,
    /// Name and amount of each step. A name comes once; amounts are above 0.
    pub steps: Vec<(&'static str, f64)>,
}

impl Work {
    fn new(kernel: &'static str) -> Self {
        let mut work = Self { kernel, steps: Vec::new() };
        work.add("block", 1.0);
        work
    }

    fn add(&mut self, step: &'static str, amount: f64) {
        if amount <= 0.0 {
            return;
        }
        match self.steps.iter_mut().find(|s| s.0 == step) {
            Some(s) => s.1 += amount,
            None => self.steps.push((step, amount)),
        }
    }

    fn count(&mut self, step: &'static str, amount: usize) {
        self.add(step, amount as f64);
    }

    /// The mean of `n` values taken off or told, so many times.
    fn centred(&mut self, times: usize, n: usize) {
        self.count("centred", times * n);
        self.looked_again(times, n);
    }

    /// Moments of `n` values, so many times.
    fn moments(&mut self, times: usize, n: usize) {
        self.count("moments", times * n);
        self.looked_again(times, n);
    }

    /// What the mean of many values takes beside one look at them.
    fn looked_again(&mut self, times: usize, n: usize) {
        if n > flatten::BLOCK {
            self.count("looked again", times * n);
        }
    }

    /// Reading one axis of a signal with so many: values of all axes come with it.
    fn read(&mut self, values: usize, axes: usize) {
        self.count("fetched", values * axes);
        self.count(if axes == 1 { "values" } else { "picked" }, values);
    }

    /// Power spectra of `n` values, so many.
    fn transforms(&mut self, n: usize, first: usize, times: usize) {
        let half = n / 2;
        // Additions of a transform of the first stage.
        let small = match first {
            8 => 54,
            4 => 16,
            _ => 4,
        };
        self.count("fft first", times * (half / first) * small);
        let mut span = first;
        while span < half {
            self.count("fft four", times * (half / 4));
            self.count("fft factors", times * span);
            self.count("fft turned", times * (half / 4 - half / (4 * span)));
            span *= 4;
        }
        self.count("fft pairs", times * (half / 2));
        self.count("fft values", times * n);
        self.count("transforms", times);
        // The compiler writes these out: they take more code and fewer instructions.
        self.count("short transforms", if n == 16 || n == 32 { times } else { 0 });
    }

    fn welch(&mut self, welch: &Welch, values: usize) {
        let n = welch.fft.n;
        let times = if values < n { 0 } else { (values - n) / (n / 2) + 1 };
        self.centred(1, values);
        self.count("tapered", times * n);
        self.transforms(n, welch.fft.first, times);
        self.count("bins", (times + 1) * (n / 2 + 1));
    }

    fn frames(&mut self, f: &Framing, n: usize, axes: usize, fetch: bool) {
        let values = f.rows * f.used;
        if fetch {
            self.read(values, axes);
        }
        self.count("frame values", values);
        self.count("frame zeros", f.rows * (n - f.used));
        if f.emphasis != 0.0 {
            self.count("emphasis", values);
        }
        self.count("frames", f.rows);
    }

    /// Sliding normalisation of `rows` x `columns` over a window of rows; `passes` sums.
    fn slide(&mut self, rows: usize, columns: usize, window: usize, passes: usize) {
        let p = window / 2;
        self.count("slid", columns * rows);
        self.count("slid first", columns * window * passes);
        // Rows that lie more than the matrix beyond its edges take a division each.
        let first = p.saturating_sub(rows) + (p + 1).saturating_sub(2 * rows);
        let then: usize =
            (0..rows).map(|i| usize::from(i + p + 1 >= 2 * rows) + usize::from(p > i + rows)).sum();
        self.count("slid far", columns * (first + then) * passes);
        self.count("columns", columns);
    }

    fn logarithms(&mut self, values: usize) {
        self.count("logarithms", values);
    }

    fn sorted(&mut self, n: usize) {
        self.add("sorted", n as f64 * libm::log2(n.max(2) as f64));
    }
}

impl Plan {
    /// How often each step is taken with a window of a signal that has so many axes, of which the block may see fewer. `None`
    /// for a program of its own. Blocks that look for something take a usual number of steps: `hr` a beat a second, and as
    /// far back as it looks.
    pub fn work(&self, axes: usize) -> Option<Work> {
        Some(match self {
            Self::External(_) => return None,
            Self::Raw(p) => {
                let mut w = Work::new("raw");
                w.count("values", p.len);
                // The compiler knows the factor, and drops a 1.
                w.count("scaled", if p.scale == 1.0 { 0 } else { p.len });
                w
            }
            Self::Image(p) => {
                let mut w = Work::new("image");
                let pixels = p.height * p.width;
                w.count("channels", pixels * p.in_channels);
                let grey = p.in_channels == 3 && p.out_channels == 1;
                w.count(if grey { "grey" } else { "values" }, pixels * p.out_channels);
                w.count("pixels", pixels);
                w
            }
            Self::Flatten(p) => {
                let mut w = Work::new("flatten");
                w.read(p.axes * p.frames, axes);
                w.count("statistics", p.axes * p.frames);
                w.looked_again(p.axes, p.frames);
                w.count("axes", p.axes);
                w.count("averaged", p.axes * p.moving);
                w
            }
            Self::Features(p) => features(p, axes),
            Self::Custom(p) => custom(p, axes),
            Self::Heart(p) => heart(p, axes),
            Self::Spectral(p) => spectral(p, axes),
            Self::FixedSpectral(p) => fixed_spectral(p, axes),
            Self::Spectrogram(p) => {
                let mut w = Work::new("spectrogram");
                let f = &p.framing;
                w.frames(f, p.fft.n, axes, true);
                w.transforms(p.fft.n, p.fft.first, f.rows);
                let bins = f.rows * p.columns();
                if p.variant == SpectrogramVariant::MinMax {
                    w.count("ranged", bins);
                } else {
                    w.logarithms(bins);
                }
                if p.variant == SpectrogramVariant::Capped {
                    w.read(f.samples, axes);
                    w.count("looked at", f.samples);
                }
                w
            }
            Self::Mel(p) => {
                let mut w = Work::new(match p.variant {
                    MelVariant::Quantised { .. } => "mfe",
                    MelVariant::Normalised { .. } => "mfe normalised",
                    MelVariant::Cepstral { .. } => "mfcc",
                });
                let f = &p.framing;
                w.frames(f, p.fft.n, axes, true);
                w.transforms(p.fft.n, p.fft.first, f.rows);
                let filters = p.bank.first.len();
                w.count("weighed", f.rows * p.bank.weights.len());
                w.count("filters", f.rows * filters);
                match &p.variant {
                    MelVariant::Quantised { .. } => {}
                    MelVariant::Normalised { window } => {
                        w.slide(f.rows, filters, *window, 1);
                        w.count("ranged", f.rows * filters);
                    }
                    MelVariant::Cepstral { coefficients, window, .. } => {
                        w.count("cosines", f.rows * filters * coefficients);
                        w.count("coefficients", f.rows * coefficients);
                        w.count("bins", f.rows * (p.fft.n / 2 + 1));
                        if *window > 0 {
                            w.slide(f.rows, *coefficients, *window, 2);
                        }
                    }
                }
                w
            }
            Self::Fixed(p) => {
                let mut w = Work::new(match &p.kind {
                    FixedKind::Bins { .. } => "spectrogram in integers",
                    FixedKind::Mel { .. } => "mfe in integers",
                    FixedKind::Cepstral { .. } => "mfcc in integers",
                });
                let f = &p.framing;
                // A window of whole numbers is read where it lies.
                w.frames(f, p.fft.n, axes, false);
                w.transforms(p.fft.n, p.fft.first, f.rows);
                match &p.kind {
                    FixedKind::Bins { capped, .. } => {
                        w.logarithms(f.rows * p.columns());
                        if *capped {
                            w.count("looked at", f.samples);
                        }
                    }
                    FixedKind::Mel { bank, .. } => {
                        w.count("weighed", f.rows * bank.weights.len());
                        w.count("filters", f.rows * bank.first.len());
                    }
                    FixedKind::Cepstral { bank, coefficients, window, .. } => {
                        w.count("weighed", f.rows * bank.weights.len());
                        w.count("filters", f.rows * bank.first.len());
                        w.count("cosines", f.rows * bank.first.len() * (coefficients - 1));
                        w.count("coefficients", f.rows * coefficients);
                        w.count("bins", f.rows * (p.fft.n / 2 + 1));
                        if *window > 0 {
                            w.slide(f.rows, *coefficients, *window, 2);
                        }
                    }
                }
                w
            }
        })
    }
}

fn features(p: &FeaturesPlan, axes: usize) -> Work {
    let mut w = Work::new("signal features");
    let n = p.frames;
    let wants = |at: usize| p.wanted[at];
    let mut each = |step, yes: bool, amount: usize| w.count(step, if yes { p.axes * amount } else { 0 });
    each("absolute", wants(at::MAGNITUDE_AREA), n);
    each("zero crossings", wants(at::ZERO_CROSSINGS), n);
    each("mean crossings", wants(at::MEAN_CROSSINGS), n);
    each("squares", wants(at::ENERGY), n);
    each("extremes", wants(at::PEAK_TO_PEAK), n);
    let histogram = wants(at::HISTOGRAM) || wants(at::ENTROPY);
    each("histogram", histogram, n);
    each("shares", histogram, p.bins);
    each("logarithms", wants(at::ENTROPY), p.bins);
    let pairs = if wants(at::CORRELATION) { p.axes * (p.axes - 1) / 2 } else { 0 };
    let steps = p.spectrum.is_some()
        || p.wanted.iter().take(at::CORRELATION).any(|w| *w)
        || wants(at::MAGNITUDE_AREA);
    let mut read = if steps { p.axes } else { 0 };
    if wants(at::CORRELATION) {
        read += p.axes + pairs;
    }
    w.read(read * n, axes);
    w.count("axes", read);
    w.count("correlated", pairs * n);
    if let Some(welch) = &p.spectrum {
        for _ in 0..p.axes {
            w.welch(welch, n);
        }
        let half = welch.fft.n / 2;
        if wants(at::SPECTRAL_ENTROPY) {
            w.logarithms(p.axes * half);
        }
        if wants(at::DOMINANT_FREQUENCY) || !p.harmonics.is_empty() {
            w.count("bins", p.axes * half);
        }
        w.count("bins", p.axes * p.bands.iter().map(|b| usize::from(b.count)).sum::<usize>());
        w.count("harmonics", p.axes * p.harmonics.len());
    }
    if wants(at::INTERQUARTILE_RANGE) {
        for _ in 0..p.axes {
            w.sorted(n);
        }
    }
    w
}

fn custom(p: &CustomPlan, axes: usize) -> Work {
    let mut w = Work::new("custom");
    for step in &p.steps {
        let of = step.args.first().map_or(0, |a| match a {
            Operand::At { len, .. } => *len,
            Operand::Const(_) => 0,
        });
        match &step.op {
            Op::Axis(_) => w.read(step.len, axes),
            Op::Time(_) => w.count("multiplied", step.len),
            Op::Unary(Unary::Negate | Unary::Abs) => w.count("moved", step.len),
            Op::Unary(Unary::Sqrt) => w.count("roots", step.len),
            Op::Unary(Unary::Ln | Unary::Log10) => w.logarithms(step.len),
            Op::Binary(Binary::Multiply) => w.count("multiplied", step.len),
            Op::Binary(Binary::Divide) => w.count("divided", step.len),
            Op::Binary(_) | Op::Difference | Op::Running => w.count("added", step.len),
            Op::Smooth(n) => {
                w.count("added", step.len * n);
                w.count("divided", step.len);
            }
            Op::Slice(_) | Op::Feature(_) => w.count("moved", step.len),
            Op::Filter(sections) => w.count("sections", sections.len() * step.len),
            Op::Decimate(chain) => {
                let mut n = of;
                for d in chain {
                    w.count("decimated", n);
                    n = d.kept(n);
                }
            }
            Op::Sort => w.sorted(of),
            Op::Histogram => {
                w.count("histogram", of);
                w.count("divided", step.len);
            }
            Op::Power(welch) => w.welch(welch, of),
            Op::Mean => w.centred(1, of),
            Op::Rms | Op::Energy | Op::Dot => w.count("squares", of),
            Op::Total { count, .. } => w.count("added", *count),
            Op::Moments => w.moments(1, of),
            Op::Extremes => w.count("extremes", of),
            Op::Pick { .. } => w.count("moved", 1),
            Op::Crossings => w.count("extremes", of),
            Op::Entropy | Op::Evenness(_) => w.logarithms(of),
            Op::Correlation => {
                w.count("moments", of);
                w.looked_again(2, of);
            }
            Op::Peak(_) => w.count("extremes", of),
            Op::Centroid(_) => w.count("squares", of),
        }
        w.count("steps", 1);
    }
    w
}

fn heart(p: &HeartPlan, axes: usize) -> Work {
    let mut w = Work::new("heart");
    // Once to look, once to compute.
    w.read(2 * p.frames * p.axes, axes);
    w.count("waves", p.frames);
    if p.axes == 4 {
        w.count("still", 3 * p.frames);
        // Up to 16 values the compiler writes out; more go by memmove, byte by byte on some cores.
        let past = 4 * p.lag;
        w.count(if past <= 16 { "shifted" } else { "shifted far" }, 3 * p.frames * past);
    }
    if p.ecg {
        w.count("envelope", p.frames);
    }
    let increments = p.frames / p.increment;
    w.count("increments", increments);
    if p.include_rate {
        w.add("looked back", increments as f64 * f64::from(p.rate_window));
    }
    let sets = increments / p.update;
    let beats = f64::from(p.variability_window);
    let sets = match &p.variability {
        Variability::None => 0,
        Variability::Rmssd | Variability::Time => sets,
        Variability::All(plan) => {
            w.transforms(plan.fft.n, plan.fft.first, sets);
            w.add("grid", sets as f64 * 4.0 * beats);
            sets
        }
    };
    w.add("neighbours", sets as f64 * beats);
    w.add("compared", sets as f64 * beats * beats);
    w
}

/// Frames that decimations leave, which are counted.
fn decimated(w: &mut Work, chain: &[Decimator], axes: usize, frames: usize) -> usize {
    chain.iter().fold(frames, |n, d| {
        w.count("decimated", axes * n);
        d.kept(n)
    })
}

fn spectral(p: &SpectralPlan, axes: usize) -> Work {
    let mut w = Work::new(match &p.analysis {
        Analysis::Spectrum(_) => "spectral",
        Analysis::Wavelet(_) => "wavelet",
        Analysis::Peaks(_) => "peaks",
    });
    w.read(p.axes * p.frames, axes);
    w.count("axes", p.axes);
    let n = decimated(&mut w, &p.decimation, p.axes, p.frames);
    w.count("sections", p.axes * p.sections.len() * n);
    w.centred(p.axes, n);
    match &p.analysis {
        Analysis::Spectrum(s) => {
            spectrum(&mut w, s, p.axes, n, s.bins.count);
            if let Some((d, bins)) = &s.low {
                w.count("decimated", p.axes * n);
                let n = d.kept(n);
                w.centred(p.axes, n);
                spectrum(&mut w, s, p.axes, n, bins.count);
            }
        }
        Analysis::Wavelet(wavelet) => bands(&mut w, wavelet, p.axes, n),
        Analysis::Peaks(s) => {
            let there = s.fft.n.min(n);
            w.count("squares", p.axes * n);
            w.count("moved", p.axes * s.fft.n);
            w.centred(p.axes, there);
            w.transforms(s.fft.n, s.fft.first, 2 * p.axes);
            w.count("curve", p.axes * s.fft.n / 2);
            w.count("bins", p.axes * s.bands.iter().map(|b| usize::from(b[1])).sum::<usize>());
            w.count("bands", p.axes * s.bands.len());
        }
    }
    w
}

fn spectrum(w: &mut Work, s: &Spectrum, axes: usize, n: usize, bins: usize) {
    let fft = s.fft.n;
    let all = n / s.hop + 1;
    // The last one may begin where the axis ends: zeros, which floats without a unit for them take quickly.
    let empty = usize::from(n.is_multiple_of(s.hop));
    w.count("moved", axes * all * fft);
    w.transforms(fft, s.fft.first, axes * (all - empty));
    w.add("fft empty", (axes * empty) as f64 * fft as f64 * libm::log2(fft as f64));
    w.count("bins", axes * all * (fft / 2 + 1));
    w.moments(axes, n);
    if s.moments {
        w.moments(axes, fft / 2 + 1);
    }
    if s.log {
        w.logarithms(axes * bins);
    }
    w.count("analyses", axes);
}

fn bands(w: &mut Work, wavelet: &Wavelet, axes: usize, mut n: usize) {
    let length = wavelet.taps.len();
    let band = |w: &mut Work, n: usize| {
        w.moments(axes, n);
        for _ in 0..axes {
            // Shell's method.
            w.sorted(n);
        }
        w.count("logarithms", axes * n.min(100));
        w.count("bands", axes);
    };
    for _ in 0..wavelet.levels {
        let half = (n + length - 1) / 2;
        w.count("taps", axes * half * length);
        w.count("halves", axes * half);
        band(w, half);
        n = half;
    }
    band(w, n);
}

fn fixed_spectral(p: &FixedSpectralPlan, axes: usize) -> Work {
    let mut w = Work::new("spectral in integers");
    let s = &p.spectral;
    w.read(s.axes * s.frames, axes);
    w.count("axes", s.axes);
    let n = decimated(&mut w, &s.decimation, s.axes, s.frames);
    if let Some(filter) = &p.filter {
        w.count("sections", s.axes * filter.factors.len() * n);
    }
    let Some(spectrum) = p.spectrum() else { return w };
    let of = |w: &mut Work, n: usize, bins: usize| {
        let (fft, times) = (p.fft.n, s.axes * n.div_ceil(spectrum.hop));
        w.centred(s.axes, n);
        w.count("shape", s.axes * n);
        w.count("moved", times * fft);
        w.transforms(fft, p.fft.first, times);
        w.count("bins", times * (fft / 2 + 1));
        if spectrum.moments {
            w.count("shape", s.axes * (fft / 2 + 1));
        }
        w.logarithms(s.axes * bins);
        w.count("analyses", s.axes);
    };
    of(&mut w, n, spectrum.bins.count);
    if let Some((d, bins)) = &spectrum.low {
        w.count("decimated", s.axes * n);
        of(&mut w, d.kept(n), bins.count);
    }
    w
}
