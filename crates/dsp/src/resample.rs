//! Resampling of recordings before they are windowed. Host only: a device samples at its own rate.

use crate::DspError;
use alloc::{format, vec, vec::Vec};

/// Zero crossings of the sinc on each side at the lower of the two rates.
const CROSSINGS: f64 = 16.0;
/// Shape of the Kaiser window: about 80 dB of stop band.
const BETA: f64 = 8.0;

/// Modified Bessel function of order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        let half = x / (2.0 * f64::from(k));
        term *= half * half;
        sum += term;
    }
    sum
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let a = core::f64::consts::PI * x;
    libm::sin(a) / a
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Brings row-major `input` from one rate to another with a windowed-sinc low-pass at the lower Nyquist frequency. The
/// length becomes `max(1, ceil(to / from * frames))`; what lies beyond the ends is taken as the end values.
///
/// # Errors
/// `rate` when a rate is not a positive number or their ratio is beyond 1000, `axes` when the values are no whole
/// number of frames.
pub fn resample(input: &[f32], axes: usize, from_hz: f64, to_hz: f64) -> Result<Vec<f32>, DspError> {
    let positive = |r: f64| r.is_finite() && r > 0.0;
    if !positive(from_hz) || !positive(to_hz) || from_hz / to_hz > 1000.0 || to_hz / from_hz > 1000.0 {
        return Err(DspError::new("rate", format!("cannot resample from {from_hz} Hz to {to_hz} Hz")));
    }
    if axes == 0 || !input.len().is_multiple_of(axes) {
        return Err(DspError::new(
            "axes",
            format!("{} values are no whole number of frames of {axes}", input.len()),
        ));
    }
    let frames = input.len() / axes;
    if frames == 0 || from_hz == to_hz {
        return Ok(input.to_vec());
    }
    let ratio = to_hz / from_hz;
    let length = (libm::ceil(ratio * frames as f64 - 1e-9) as usize).max(1);
    let cutoff = ratio.min(1.0);
    let reach = CROSSINGS / cutoff;
    let norm = bessel(BETA);
    let tap = |offset: f64| -> f64 {
        let t = offset / reach;
        let inside = 1.0 - t * t;
        if inside <= 0.0 {
            return 0.0;
        }
        cutoff * sinc(offset * cutoff) * bessel(BETA * libm::sqrt(inside)) / norm
    };
    // Rates in thousandths of a Hz: the phase of the filter repeats after `up` outputs.
    let (from, to) = (libm::round(from_hz * 1000.0) as u64, libm::round(to_hz * 1000.0) as u64);
    let divisor = gcd(from.max(1), to.max(1));
    let (up, down) = ((to / divisor).max(1), (from / divisor).max(1));
    let taps = 2 * libm::ceil(reach) as usize + 2;
    // One filter per phase, unless the phases are too many to keep.
    let mut phases: Vec<Option<Vec<f64>>> = vec![None; if up <= 4096 { up as usize } else { 0 }];
    let filter = |fraction: f64| -> Vec<f64> {
        let first = -(libm::ceil(reach));
        let mut h: Vec<f64> = (0..taps).map(|i| tap(fraction - (first + i as f64))).collect();
        let sum: f64 = h.iter().sum();
        h.iter_mut().for_each(|h| *h /= sum);
        h
    };
    let mut out = vec![0.0f32; length * axes];
    for (i, out) in out.chunks_exact_mut(axes).enumerate() {
        let position = i as u64 * down;
        let (whole, phase) = (position / up, (position % up) as usize);
        let fraction = phase as f64 / up as f64;
        let own;
        let h: &[f64] = if phases.is_empty() {
            own = filter(fraction);
            &own
        } else {
            phases[phase].get_or_insert_with(|| filter(fraction))
        };
        let start = whole as i64 - libm::ceil(reach) as i64;
        for (axis, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0f64;
            for (k, h) in h.iter().enumerate() {
                let at = (start + k as i64).clamp(0, frames as i64 - 1) as usize;
                sum += h * f64::from(input[at * axes + axis]);
            }
            *out = sum as f32;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|i| libm::sin(2.0 * core::f64::consts::PI * hz * i as f64 / rate) as f32).collect()
    }

    #[test]
    fn a_tone_below_both_nyquist_frequencies_stays() {
        for (from, to) in [(16000.0, 8000.0), (8000.0, 16000.0), (44100.0, 16000.0), (62.5, 100.0)] {
            let hz = 0.1 * f64::min(from, to);
            let out = resample(&tone(hz, from, 4000), 1, from, to).expect("resampled");
            let expected = tone(hz, to, out.len());
            let edge = out.len() / 10;
            for i in edge..out.len() - edge {
                assert!(
                    (out[i] - expected[i]).abs() < 2e-3,
                    "{from} to {to}, {i}: {} {}",
                    out[i],
                    expected[i]
                );
            }
        }
    }

    #[test]
    fn a_tone_above_the_new_nyquist_frequency_goes() {
        let out = resample(&tone(6500.0, 16000.0, 4000), 1, 16000.0, 8000.0).expect("resampled");
        let loudest = out[200..1800].iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(loudest < 1e-3, "{loudest}");
    }

    #[test]
    fn lengths_and_constants_are_kept() {
        let out = resample(&[2.0; 25], 1, 10.0, 7.0).expect("resampled");
        assert_eq!(out.len(), 18);
        assert!(out.iter().all(|v| (v - 2.0).abs() < 1e-6));
        assert_eq!(resample(&[1.0, 2.0], 2, 100.0, 1.0).expect("resampled").len(), 2);
        assert!(resample(&[1.0], 1, 0.0, 1.0).is_err());
    }
}
