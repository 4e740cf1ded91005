//! Heart-rate variability: measures of a list of intervals between beats, in ms.

use crate::{RealFft, flatten::mean, math::sqrt};

/// Names of [`time_domain`], in order.
pub const TIME_NAMES: [&str; 17] = [
    "MeanNN", "SDNN", "RMSSD", "SDSD", "CVNN", "CVSD", "MedianNN", "MadNN", "MCVNN", "IQRNN", "MinNN",
    "MaxNN", "NN50", "NN20", "pNN50", "pNN20", "Mean HR",
];

/// Names of [`FrequencyPlan::measure`], in order.
pub const FREQUENCY_NAMES: [&str; 5] = ["LF", "HF", "LF/HF", "LF Peak", "HF Peak"];

/// Samples per second of the series that is transformed.
const GRID_HZ: f32 = 4.0;

/// Sorts a short list.
pub(crate) fn sort(x: &mut [f32]) {
    for i in 1..x.len() {
        let v = x[i];
        let mut at = i;
        while at > 0 && x[at - 1] > v {
            x[at] = x[at - 1];
            at -= 1;
        }
        x[at] = v;
    }
}

/// The value below which `quarters` quarters of a sorted list lie, between two values by their distance.
pub(crate) fn quantile(sorted: &[f32], quarters: usize) -> f32 {
    let at = (sorted.len() - 1) * quarters;
    let (low, part) = (at / 4, (at % 4) as f32 * 0.25);
    if part == 0.0 { sorted[low] } else { sorted[low] + part * (sorted[low + 1] - sorted[low]) }
}

/// Standard deviation of a sample, divided by one less than the count.
fn deviation(x: impl Iterator<Item = f32>, mean: f32, n: usize) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        let d = v - mean;
        sum += d * d;
    }
    sqrt(sum / (n - 1) as f32)
}

/// Measures in the time domain of at least three intervals in ms (all 0 for fewer): mean, standard deviation, root mean
/// square of successive differences and their standard deviation, both divided by the mean, median, scaled median absolute
/// deviation and that divided by the median, range between the quartiles, smallest, largest, how many differences exceed
/// 50 and 20 ms, these in percent of the differences, and mean heart rate in beats per minute.
///
/// `sorted` has as many values as `nn`.
///
/// # Source
/// Task Force of the ESC and NASPE, Heart rate variability, Circulation 93 (1996); sample statistics divide by n - 1.
pub fn time_domain(nn: &[f32], sorted: &mut [f32]) -> [f32; 17] {
    let n = nn.len();
    if n < 3 {
        return [0.0; 17];
    }
    let sorted = &mut sorted[..n];
    let middle = mean(nn);
    let sdnn = deviation(nn.iter().copied(), middle, n);
    let (mut squares, mut drift, mut above_50, mut above_20) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for i in 1..n {
        let d = nn[i] - nn[i - 1];
        let size = if d < 0.0 { -d } else { d };
        squares += d * d;
        drift += d;
        if size > 50.0 {
            above_50 += 1.0;
        }
        if size > 20.0 {
            above_20 += 1.0;
        }
    }
    let differences = (n - 1) as f32;
    let rmssd = sqrt(squares / differences);
    let sdsd = deviation((1..n).map(|i| nn[i] - nn[i - 1]), drift / differences, n - 1);
    sorted.copy_from_slice(nn);
    sort(sorted);
    let (least, most) = (sorted[0], sorted[n - 1]);
    let median = quantile(sorted, 2);
    let between = quantile(sorted, 3) - quantile(sorted, 1);
    let mut rate = 0.0f32;
    for (s, v) in sorted.iter_mut().zip(nn) {
        let d = v - median;
        *s = if d < 0.0 { -d } else { d };
        rate += 60_000.0 / v;
    }
    sort(sorted);
    let mad = 1.4826 * quantile(sorted, 2);
    [
        middle,
        sdnn,
        rmssd,
        sdsd,
        sdnn / middle,
        rmssd / middle,
        median,
        mad,
        mad / median,
        between,
        least,
        most,
        above_50,
        above_20,
        100.0 * above_50 / differences,
        100.0 * above_20 / differences,
        rate / n as f32,
    ]
}

/// Sweeps after which the second derivatives of a spline stand still: each brings them at least four times nearer.
const SWEEPS: usize = 14;

/// Second derivatives at the knots of a natural cubic spline, by Gauss and Seidel's method: an equation says less of its neighbours than
/// of itself, so it needs no memory beside the answer.
fn bend(at: &[f32], of: &[f32], bends: &mut [f32]) {
    bends.fill(0.0);
    for _ in 0..SWEEPS {
        for k in 1..of.len() - 1 {
            let (before, behind) = (at[k] - at[k - 1], at[k + 1] - at[k]);
            let turn = (of[k + 1] - of[k]) / behind - (of[k] - of[k - 1]) / before;
            bends[k] =
                (6.0 * turn - before * bends[k - 1] - behind * bends[k + 1]) / (2.0 * (before + behind));
        }
    }
}

/// Power of the intervals in two bands of frequency.
///
/// The intervals over time are interpolated by a natural cubic spline to 4 values a second; mean and linear trend are taken
/// off; a parabolic window goes over them; power is summed over the bins of each band.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyPlan {
    /// Transform, as long as the longest series or longer.
    pub fft: RealFft,
    /// First and one past the last bin of the low band.
    pub low: (usize, usize),
    /// The same of the high band.
    pub high: (usize, usize),
}

impl FrequencyPlan {
    /// For series of at most `seconds`, with bands in Hz. `None` when a band holds no bin.
    pub fn new(seconds: f64, low_hz: (f64, f64), high_hz: (f64, f64)) -> Option<Self> {
        let n = (libm::ceil(seconds * f64::from(GRID_HZ)) as usize + 1).clamp(64, 65536).next_power_of_two();
        let bin = |hz: f64| libm::ceil(hz * n as f64 / f64::from(GRID_HZ) - 1e-9).max(1.0) as usize;
        let band = |(from, to): (f64, f64)| (bin(from), bin(to).min(n / 2));
        let (low, high) = (band(low_hz), band(high_hz));
        (low.0 < low.1 && high.0 < high.1).then(|| Self { fft: RealFft::new(n), low, high })
    }

    /// Floats of scratch.
    pub fn scratch_len(&self) -> usize {
        2 * self.fft.n + self.fft.n / 2 + 1
    }

    /// Power of both bands in ms2, their ratio, and the frequency of the strongest bin of each in Hz, of intervals `nn` in ms
    /// that end at the times `at` in s, the first at 0. All 0 for fewer than four intervals.
    pub fn measure(&self, at: &[f32], nn: &[f32], scratch: &mut [f32]) -> [f32; 5] {
        let n = self.fft.n;
        let (x, rest) = scratch.split_at_mut(n);
        let (work, power) = rest.split_at_mut(n);
        let power = &mut power[..n / 2 + 1];
        // Intervals shorter than the grid, of which a longer series has no place here.
        let count = nn.len().min(n);
        if count < 4 {
            return [0.0; 5];
        }
        let bends = &mut work[..count];
        bend(at, &nn[..count], bends);
        let (mut filled, mut k) = (0usize, 0usize);
        while filled < n {
            let t = filled as f32 / GRID_HZ;
            while k + 1 < count && at[k + 1] < t {
                k += 1;
            }
            if k + 1 >= count {
                break;
            }
            let step = at[k + 1] - at[k];
            let u = (t - at[k]) / step;
            let (u2, square) = (u * u, step * step);
            let (left, right) = (bends[k] * square, bends[k + 1] * square);
            // The value at the left plus what grows from it.
            let along = nn[k + 1] - nn[k] - (2.0 * left + right) / 6.0;
            x[filled] = nn[k] + (along * u + 0.5 * left * u2 + (right - left) / 6.0 * (u2 * u));
            filled += 1;
        }
        if filled < 8 {
            return [0.0; 5];
        }
        let middle = mean(&x[..filled]);
        let half = (filled - 1) as f32 * 0.5;
        let (mut along, mut spread) = (0.0f32, 0.0f32);
        for (i, v) in x[..filled].iter().enumerate() {
            let d = i as f32 - half;
            along += d * (v - middle);
            spread += d * d;
        }
        let trend = along / spread;
        let mut weight = 0.0f32;
        for (i, v) in x.iter_mut().enumerate() {
            if i < filled {
                let d = i as f32 - half;
                let u = d / (half + 0.5);
                let w = 1.0 - u * u;
                *v = w * (*v - middle - trend * d);
                weight += w * w;
            } else {
                *v = 0.0;
            }
        }
        // One-sided density times the width of a bin.
        let scale = 2.0 / (weight * n as f32);
        self.fft.power(x, scale, work, power);
        let band = |(first, end): (usize, usize)| {
            let (mut sum, mut best) = (0.0f32, first);
            for bin in first..end {
                sum += power[bin];
                if power[bin] > power[best] {
                    best = bin;
                }
            }
            (sum, best as f32 * (GRID_HZ / n as f32))
        };
        let ((low, low_hz), (high, high_hz)) = (band(self.low), band(self.high));
        [low, high, if high > 0.0 { low / high } else { 0.0 }, low_hz, high_hz]
    }
}
