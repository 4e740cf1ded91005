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

/// The mean of some values as the first of them and what lies between: the sum of both is rounded where the values lie, and a small
/// movement far from 0, such as pressure in pascal, would lose its shape to that.
#[derive(Clone, Copy)]
pub struct Centre {
    first: f32,
    between: f32,
}

impl Centre {
    /// Of at least one value.
    #[inline(always)]
    pub fn of(x: &[f32]) -> Self {
        let first = x[0];
        let mut sum = 0.0f32;
        for v in x {
            sum += v - first;
        }
        Self { first, between: sum / x.len() as f32 }
    }

    /// A value without the mean.
    #[inline(always)]
    pub fn off(&self, v: f32) -> f32 {
        (v - self.first) - self.between
    }

    /// The mean: exact for a constant.
    #[inline(always)]
    pub fn mean(&self) -> f32 {
        self.first + self.between
    }
}

/// Means of the second to the fourth power of the distances from the mean, taken `factor` times.
#[inline(always)]
fn powers(x: &[f32], centre: Centre, factor: f32) -> [f32; 3] {
    let n = x.len() as f32;
    let (mut s2, mut s3, mut s4) = (0.0f32, 0.0f32, 0.0f32);
    for v in x {
        let d = centre.off(*v) * factor;
        let d2 = d * d;
        s2 += d2;
        s3 += d2 * d;
        s4 += d2 * d2;
    }
    [s2 / n, s3 / n, s4 / n]
}

/// Moments of some values, in two passes.
pub fn moments(x: &[f32]) -> Moments {
    moments_about(x, Centre::of(x))
}

/// [`moments`] and [`rms`] of the same values, whose first sums do not wait for each other.
pub fn moments_and_rms(x: &[f32]) -> (Moments, f32) {
    let (first, count) = (x[0], x.len() as f32);
    let (mut sum, mut square) = (0.0f32, 0.0f32);
    for v in x {
        sum += v - first;
        square += v * v;
    }
    (moments_about(x, Centre { first, between: sum / count }), sqrt(square / count))
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

/// Mean as the first value plus the mean distance from it: exact for a constant.
pub fn mean(x: &[f32]) -> f32 {
    Centre::of(x).mean()
}

/// Square root of the mean square.
pub fn rms(x: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for v in x {
        sum += v * v;
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
