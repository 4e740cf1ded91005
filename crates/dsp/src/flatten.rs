//! Flatten: statistics of each axis, and the moving average of its means over windows.

use crate::math::sqrt;

/// Which statistics, on which window.
#[derive(Clone, Debug, PartialEq)]
pub struct FlattenPlan {
    /// Multiplier of the input.
    pub scale: f32,
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// Mean, minimum, maximum, RMS, standard deviation, skewness, kurtosis: which are computed.
    pub wanted: [bool; 7],
    /// Windows of the moving average; 0 for none.
    pub moving: usize,
}

/// Mean and central moments.
pub struct Moments {
    /// Mean.
    pub mean: f32,
    /// Variance (divided by the count).
    pub m2: f32,
    /// `m3 / m2^1.5`; 0 for a constant.
    pub skewness: f32,
    /// `m4 / m2^2 - 3`; -3 for a constant.
    pub kurtosis: f32,
}

/// Values that are added up before their sum is added to the rest: of thousands, each added to the sum of all before it, the last digits
/// would be lost.
pub(crate) const BLOCK: usize = 128;

/// The mean of some values as a value near it and what lies between: the sum of both is rounded where the values lie, and a small
/// movement far from 0, such as pressure in pascal, would lose its shape to that.
#[derive(Clone, Copy)]
pub struct Centre {
    near: f32,
    between: f32,
}

impl Centre {
    /// Of at least one value.
    #[inline(always)]
    pub fn of(x: &[f32]) -> Self {
        if x.len() <= BLOCK {
            let mut sum = 0.0f32;
            for v in x {
                sum += v - x[0];
            }
            return Self { near: x[0], between: sum / x.len() as f32 };
        }
        Self::twice(x)
    }

    /// Of more than a block: looked at once more from a first mean. That may be far off, as it was seen from the first value, which may be
    /// the only one of its size.
    fn twice(x: &[f32]) -> Self {
        let first = x[0];
        let (mut sum, mut most) = (0.0f32, 0.0f32);
        for block in x.chunks(BLOCK) {
            let mut part = 0.0f32;
            for v in block {
                let d = v - first;
                let size = if d < 0.0 { -d } else { d };
                if size > most {
                    most = size;
                }
                part += d;
            }
            sum += part;
        }
        let mean = first + sum / x.len() as f32;
        // As coarse as the sum of a block may be, so that sums of whole numbers stay exact: all roundings would go the same way, and what is
        // the mirror image of something else, which wavelets see, would not stay so.
        let wide = BLOCK as f32 * most;
        let near = if wide < 1e38 { (mean + wide) - wide } else { mean };
        let mut sum = 0.0f32;
        for block in x.chunks(BLOCK) {
            let mut part = 0.0f32;
            for v in block {
                part += v - near;
            }
            sum += part;
        }
        Self { near, between: sum / x.len() as f32 }
    }

    /// A value without the mean.
    #[inline(always)]
    pub fn off(&self, v: f32) -> f32 {
        (v - self.near) - self.between
    }

    /// The mean: exact for a constant.
    #[inline(always)]
    pub fn mean(&self) -> f32 {
        self.near + self.between
    }
}

/// Means of the second to the fourth power of the distances from the mean, taken `factor` times.
#[inline(always)]
fn powers(x: &[f32], centre: Centre, factor: f32) -> [f32; 3] {
    let n = x.len() as f32;
    let mut sums = [0.0f32; 3];
    for block in x.chunks(BLOCK) {
        let (mut s2, mut s3, mut s4) = (0.0f32, 0.0f32, 0.0f32);
        for v in block {
            let d = centre.off(*v) * factor;
            let d2 = d * d;
            s2 += d2;
            s3 += d2 * d;
            s4 += d2 * d2;
        }
        sums[0] += s2;
        sums[1] += s3;
        sums[2] += s4;
    }
    sums.map(|s| s / n)
}

/// Moments of some values.
pub fn moments(x: &[f32]) -> Moments {
    moments_about(x, Centre::of(x))
}

/// [`moments`] and [`rms`] of the same values, whose first sums do not wait for each other.
pub fn moments_and_rms(x: &[f32]) -> (Moments, f32) {
    if x.len() > BLOCK {
        return (moments(x), rms(x));
    }
    let (near, count) = (x[0], x.len() as f32);
    let (mut sum, mut square) = (0.0f32, 0.0f32);
    for v in x {
        sum += v - near;
        square += v * v;
    }
    (moments_about(x, Centre { near, between: sum / count }), sqrt(square / count))
}

fn moments_about(x: &[f32], centre: Centre) -> Moments {
    let mean = centre.mean();
    let [m2, mut m3, mut m4] = powers(x, centre, 1.0);
    let (mut square, mut factor) = (m2, 1.0f32);
    // Fourth powers of what is large, such as power in raw counts, are beyond single precision; a power of two changes no shape.
    while m4 > f32::MAX && factor > 1e-30 {
        factor *= 1.0 / 16_777_216.0;
        [square, m3, m4] = powers(x, centre, factor);
    }
    // Those of what is faint, such as power of a quiet signal, are below it.
    while m4 < 1e-30 && square > 0.0 && factor < 1e30 {
        factor *= 16_777_216.0;
        [square, m3, m4] = powers(x, centre, factor);
    }
    let floor = 1e-6 * if mean < 0.0 { -mean } else { mean };
    // One division after the other: the square of a small variance would be 0 before the variance is.
    let (skewness, kurtosis) = if m2 <= floor * floor {
        (0.0, -3.0)
    } else {
        (m3 / square / sqrt(square), m4 / square / square - 3.0)
    };
    Moments { mean, m2, skewness, kurtosis }
}

/// Mean: exact for a constant.
pub fn mean(x: &[f32]) -> f32 {
    Centre::of(x).mean()
}

/// Square root of the mean square.
pub fn rms(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for block in x.chunks(BLOCK) {
        let mut part = 0.0f32;
        for v in block {
            part += v * v;
        }
        sum += part;
    }
    sqrt(sum / x.len() as f32)
}

impl FlattenPlan {
    /// Floats of scratch.
    pub fn scratch_len(&self) -> usize {
        self.frames
    }

    /// Features of an axis.
    pub fn per_axis(&self) -> usize {
        self.wanted.iter().filter(|w| **w).count() + usize::from(self.moving > 0)
    }

    /// Floats that go from window to window: how many means are kept, where the next one goes, the means of each axis.
    pub fn state_len(&self) -> usize {
        if self.moving == 0 { 0 } else { 2 + self.moving * self.axes }
    }

    /// Statistics axis by axis.
    pub fn extract(&self, window: &[f32], state: &mut [f32], scratch: &mut [f32], features: &mut [f32]) {
        let x = &mut scratch[..self.frames];
        let mut at = 0;
        let (kept, slot) = if self.moving == 0 { (0, 0) } else { (state[0] as usize, state[1] as usize) };
        let kept = if kept < self.moving { kept + 1 } else { self.moving };
        for axis in 0..self.axes {
            for (i, x) in x.iter_mut().enumerate() {
                *x = window[i * self.axes + axis] * self.scale;
            }
            let (m, square) = moments_and_rms(x);
            let (mut low, mut high) = (x[0], x[0]);
            for &v in x.iter() {
                if v < low {
                    low = v;
                }
                if v > high {
                    high = v;
                }
            }
            let all = [m.mean, low, high, square, sqrt(m.m2), m.skewness, m.kurtosis];
            for (value, wanted) in all.into_iter().zip(self.wanted) {
                if wanted {
                    features[at] = value;
                    at += 1;
                }
            }
            if self.moving > 0 {
                let means = &mut state[2 + axis * self.moving..2 + (axis + 1) * self.moving];
                means[slot] = m.mean;
                features[at] = mean(&means[..kept]);
                at += 1;
            }
        }
        if self.moving > 0 {
            state[0] = kept as f32;
            state[1] = if slot + 1 < self.moving { slot + 1 } else { 0 } as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use libm::{cos, log, sqrt as root};

    /// Mean, RMS, variance, skewness and kurtosis in double precision.
    fn exact(x: &[f32]) -> [f64; 5] {
        let n = x.len() as f64;
        let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let power = |p: i32| x.iter().map(|v| (f64::from(*v) - mean).powi(p)).sum::<f64>() / n;
        let square = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
        let m2 = power(2);
        [mean, root(square), m2, power(3) / m2 / root(m2), power(4) / m2 / m2 - 3.0]
    }

    /// Three kinds of long recordings, whole numbers and others, that begin with their loudest value.
    fn long() -> Vec<Vec<f32>> {
        let mut state = 1u64;
        let mut next = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut out = Vec::new();
        for n in [500, 16_000, 48_000] {
            let mut normal = || root(-2.0 * log(1.0 - next())) * cos(core::f64::consts::TAU * next());
            let mut sound: Vec<f32> = (0..n).map(|_| libm::round(6000.0 * normal() - 6.0) as f32).collect();
            sound[0] = 32_767.0;
            let smooth: Vec<f32> = (0..n).map(|_| (0.3 * normal()) as f32).collect();
            let mut spike = alloc::vec![0.0f32; n];
            spike[0] = 97.25;
            let pressure: Vec<f32> = (0..n).map(|_| (101_325.0 + 40.0 * normal()) as f32).collect();
            out.extend([sound, smooth, spike, pressure]);
        }
        out
    }

    #[test]
    fn statistics_of_long_windows_have_all_their_digits() {
        for x in long() {
            let (m, square) = moments_and_rms(&x);
            let told = [m.mean, square, m.m2, m.skewness, m.kurtosis].map(f64::from);
            let spread = root(exact(&x)[2]);
            for (i, (told, exact)) in told.into_iter().zip(exact(&x)).enumerate() {
                // The mean to a millionth of the spread or of itself; kurtosis is what is left of 3.
                let floor = [spread, 0.0, 0.0, 1.0, 3.0][i];
                let off = (told - exact).abs() / exact.abs().max(floor);
                assert!(
                    off < if i == 0 { 1e-6 } else { 5e-5 },
                    "{i} of {} from {}: {told}, not {exact}",
                    x.len(),
                    x[0]
                );
            }
            assert_eq!((m.mean.to_bits(), square.to_bits()), (mean(&x).to_bits(), rms(&x).to_bits()));
        }
    }

    #[test]
    fn moments_of_faint_signals_have_the_shape_of_loud_ones() {
        let loud: Vec<f32> = (0..64).map(|i| ((i * i) % 17) as f32 - 6.0).collect();
        let expected = moments(&loud);
        // At 1e-12 the variance is 1e-24, and its square is no 32-bit float any more.
        // At 1e10 the fourth powers are none any more either.
        for scale in [1e-3f32, 1e-6, 1e-9, 1e8, 1e10, 1e14] {
            let m = moments(&loud.iter().map(|v| v * scale).collect::<Vec<_>>());
            assert!((m.skewness - expected.skewness).abs() < 1e-4, "{scale}: {} {}", m.skewness, m.kurtosis);
            assert!((m.kurtosis - expected.kurtosis).abs() < 1e-4, "{scale}: {} {}", m.skewness, m.kurtosis);
        }
        for scale in [1e-12f32, 1e-15, 1e-19, 1e-22, 1e-30] {
            let m = moments(&loud.iter().map(|v| v * scale).collect::<Vec<_>>());
            assert!(
                m.skewness.is_finite() && m.kurtosis.is_finite(),
                "{scale}: {} {}",
                m.skewness,
                m.kurtosis
            );
        }
    }
}
