//! From a configuration of an audio block to its tables.

use crate::{
    DspError, Framing, MelBank, MelPlan, MelVariant, ParamKind, Plan, RealFft, SpectrogramPlan,
    SpectrogramVariant, WindowSpec,
    fixed::FixedPlan,
    plan::{Reader, refuse},
};
use alloc::{format, string::String, vec::Vec};

/// The smallest whole number not below `v`, but for what lies within a thousandth above one.
fn near_ceil(v: f64) -> usize {
    let floor = libm::floor(v);
    (if v - floor < 0.001 { floor } else { libm::ceil(v) }) as usize
}

fn half_even(v: f64) -> usize {
    let floor = libm::floor(v);
    let part = v - floor;
    let up = part > 0.5 || (part == 0.5 && floor as u64 % 2 == 1);
    floor as usize + usize::from(up)
}

pub(crate) fn power_of_two(p: &Reader<'_>) -> Result<usize, DspError> {
    let n = p.count("fft_length");
    if n < 4 || !n.is_power_of_two() {
        let most = p.info.params.iter().find(|i| i.name == "fft_length").map_or(4, |i| match i.kind {
            ParamKind::Int { max, .. } => max as usize,
            _ => 4,
        });
        let up = n.next_power_of_two();
        let near = if up - n <= n - up / 2 { up } else { up / 2 };
        return refuse(
            "fft_length_not_power_of_two",
            format!(
                "`fft_length` is {n}; it must be a power of two from 4 to {most}, such as {}",
                near.clamp(4, most)
            ),
        );
    }
    Ok(n)
}

/// Samples beside the first frame that a window must have: version 1 leaves out the last frame that would fit.
fn taken(version: u32, stride: usize) -> usize {
    if version >= 2 { 0 } else { stride }
}

/// What makes one frame fit a window of `n` samples.
fn shorter(version: u32, n: usize, stride: usize, rate: f64) -> String {
    let seconds = |samples: usize| samples as f64 / rate;
    match n.checked_sub(taken(version, stride)) {
        Some(left) if left > 0 => format!("shorten `frame_length` to {} s or less", seconds(left)),
        _ => format!("shorten `frame_length` and `frame_stride` to {} s or less", seconds((n / 2).max(1))),
    }
}

fn framing(p: &Reader<'_>, version: u32, window: &WindowSpec, fft: usize) -> Result<Framing, DspError> {
    let (length_s, stride_s) = (p.number("frame_length"), p.number("frame_stride"));
    let n = window.frames;
    let stride = near_ceil(window.rate_hz * stride_s);
    if stride == 0 {
        return refuse(
            "stride_below_4_samples",
            format!(
                "`frame_stride` of {stride_s} s is less than one sample; it must be at least {} s",
                1.0 / window.rate_hz
            ),
        );
    }
    let (length, rows) = if version >= 2 {
        let length = near_ceil(window.rate_hz * length_s);
        // Signed: a stride longer than the frame reaches beyond the window by less than it skips.
        let free = n as i64 - (length as i64 - stride as i64);
        (length, if free < 0 { 0 } else { free as usize / stride })
    } else {
        let length = half_even(window.rate_hz * length_s);
        (length, n.saturating_sub(length) / stride)
    };
    if length == 0 {
        return refuse(
            "frame_below_one_sample",
            format!(
                "`frame_length` of {length_s} s is less than one sample; it must be at least {} s",
                1.0 / window.rate_hz
            ),
        );
    }
    // The last frame must lie in the window, also when the stride is longer than a frame.
    if rows < 1 || length > n || (rows - 1) * stride + length > n {
        return refuse(
            "frame_longer_than_window",
            format!(
                "a frame of {length} samples every {stride} does not fit a window of {n}; {}, or lengthen the window to {} ms",
                shorter(version, n, stride, window.rate_hz),
                libm::ceil(1000.0 * (length + taken(version, stride)) as f64 / window.rate_hz)
            ),
        );
    }
    if rows > 500 {
        return refuse(
            "more_than_500_frames",
            format!(
                "the window gives {rows} frames, at most 500 are computed; lengthen `frame_stride` to {} s",
                (n.saturating_sub(length) / 500 + 1) as f64 / window.rate_hz
            ),
        );
    }
    Ok(Framing { samples: n, used: length.min(fft), stride, rows, scale: 1.0, emphasis: 0.0, shift: 1 })
}

pub(crate) fn spectrogram(p: &Reader<'_>, version: u32, window: &WindowSpec) -> Result<Plan, DspError> {
    let n = power_of_two(p)?;
    for (name, kind) in
        [("frame_length", "frame_below_4_samples"), ("frame_stride", "stride_below_4_samples")]
    {
        let samples = window.rate_hz * p.number(name);
        if samples < 4.0 {
            return refuse(
                kind,
                format!(
                    "`{name}` is {samples:.1} samples; it must be at least 4 ({} s)",
                    4.0 / window.rate_hz
                ),
            );
        }
    }
    let variant = match version {
        1 | 2 => SpectrogramVariant::MinMax,
        3 => SpectrogramVariant::Capped,
        _ => SpectrogramVariant::Decibel,
    };
    let framing = framing(p, version, window, n)?;
    let floor = p.number("noise_floor_db") as f32;
    if p.fixed() {
        return Ok(Plan::Fixed(FixedPlan::bins(framing, n, version == 3, floor)));
    }
    Ok(Plan::Spectrogram(SpectrogramPlan { framing, fft: RealFft::new(n), variant, floor }))
}

pub(crate) fn mel(p: &Reader<'_>, version: u32, window: &WindowSpec) -> Result<Plan, DspError> {
    let filters = p.count("num_filters");
    if filters < 2 {
        return refuse("num_filters_below_2", format!("`num_filters` is {filters}; it must be at least 2"));
    }
    let n = power_of_two(p)?;
    let cepstral = p.info.name == "mfcc";
    let rows = p.count("win_size");
    let normalised = cepstral || version <= 2;
    // Of MFCC 0 says that nothing is normalised.
    if normalised && rows.is_multiple_of(2) && (rows != 0 || !cepstral) {
        return refuse(
            "cmvn_window_even",
            format!("`win_size` is {rows}; it must be odd, such as {}", rows + 1),
        );
    }
    let mut framing = framing(p, version, window, n)?;
    let bank = MelBank::new(
        filters,
        n,
        window.rate_hz,
        p.number("low_frequency"),
        p.number("high_frequency"),
        version >= 4,
    )?;
    let variant = if cepstral {
        let shift = p.number("pre_shift");
        if shift < 1.0 {
            return refuse(
                "pre_shift_not_positive",
                format!("`pre_shift` is {shift}; it must be at least 1"),
            );
        }
        let coefficients = p.count("num_cepstral");
        if coefficients > filters {
            return refuse(
                "num_cepstral_above_filters",
                format!("`num_cepstral` is {coefficients}; it can be at most `num_filters` ({filters})"),
            );
        }
        framing.emphasis = p.number("pre_cof") as f32;
        framing.shift = shift as usize % framing.samples;
        let m = filters as f64;
        let dct = (0..coefficients)
            .flat_map(|k| {
                let s = libm::sqrt(if k == 0 { 1.0 } else { 2.0 } / m);
                (0..filters).map(move |i| {
                    (s * libm::cos(core::f64::consts::PI * k as f64 * (2 * i + 1) as f64 / (2.0 * m))) as f32
                })
            })
            .collect::<Vec<f32>>();
        if p.fixed() {
            return Ok(Plan::Fixed(FixedPlan::cepstral(framing, n, bank, &dct, rows)));
        }
        MelVariant::Cepstral { coefficients, dct, window: rows }
    } else if version >= 3 {
        framing.scale = 1.0 / 32768.0;
        framing.emphasis = if p.info.name == "audio_syntiant" { p.number("pre_cof") as f32 } else { 0.98 };
        let floor = p.number("noise_floor_db") as f32;
        if p.fixed() {
            return Ok(Plan::Fixed(FixedPlan::mel(framing, n, bank, floor)));
        }
        MelVariant::Quantised { floor }
    } else {
        MelVariant::Normalised { window: rows }
    };
    Ok(Plan::Mel(MelPlan { framing, fft: RealFft::new(n), bank, variant }))
}
