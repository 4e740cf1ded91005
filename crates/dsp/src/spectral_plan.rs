//! From a configuration of spectral analysis to its tables. The checks stand in the order of the reference.

use crate::{
    Analysis, Bins, DspError, FixedSpectralPlan, Peaks, Plan, RealFft, SpectralPlan, Spectrum, Wavelet,
    WindowSpec,
    audio_plan::power_of_two,
    decimate::decimators,
    plan::{Reader, refuse},
    spectral::{butterworth, stable},
    wavelet_taps::wavelet_taps,
};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

pub(crate) fn spectral(p: &Reader<'_>, version: u32, window: &WindowSpec) -> Result<Plan, DspError> {
    let wavelet = version >= 3 && p.text("analysis_type") == "Wavelet";
    let fft = power_of_two(p)?;
    let ratio: usize = p.text("input_decimation_ratio").parse().unwrap_or(0);
    if ratio > 1 && version < 4 {
        return refuse(
            "decimation_needs_version_4",
            "`input_decimation_ratio` needs version 4 of the block".into(),
        );
    }
    let rate = window.rate_hz / ratio.max(1) as f64;
    let sections = sections(p, window.rate_hz, ratio.max(1))?;
    let Some(decimation) = decimators(ratio) else {
        let given = p.text("input_decimation_ratio");
        return refuse(
            "decimation_ratio_unsupported",
            format!("`input_decimation_ratio` is {given}; it must be 1, 3, 10, 30, 100 or 1000"),
        );
    };
    let mut plan = SpectralPlan {
        scale: p.number("scale_axes") as f32,
        frames: window.frames,
        axes: window.axes,
        decimation,
        sections,
        analysis: Analysis::Wavelet(Wavelet { taps: vec![], levels: 0 }),
    };
    let kept = plan.kept();
    if ratio > 1 && kept < 2 {
        let most = [3usize, 10, 30, 100].into_iter().rfind(|r| window.frames > *r);
        return refuse(
            "decimation_leaves_too_little",
            format!(
                "`input_decimation_ratio` of {ratio} leaves {kept} of {} frames; {}",
                window.frames,
                most.map_or("do without it".into(), |r| format!("it can be at most {r}"))
            ),
        );
    }
    if wavelet {
        let levels = p.count("wavelet_level");
        let needed = 32usize.checked_shl(levels as u32).filter(|_| levels <= 7);
        if needed.is_none_or(|n| kept < n) {
            return refuse("wavelet_level_too_high", too_high(levels, needed, kept, rate));
        }
    }
    p.check()?;
    plan.analysis = if wavelet {
        let name = p.text("wavelet");
        let Some((low, high)) = wavelet_taps(&name) else {
            return refuse("unknown_wavelet", format!("there is no wavelet `{name}`"));
        };
        let taps = low.iter().zip(high).map(|(l, h)| [*l as f32, h as f32]).collect();
        Analysis::Wavelet(Wavelet { taps, levels: p.count("wavelet_level") })
    } else if version == 1 {
        Analysis::Peaks(peaks(p, fft, rate, kept)?)
    } else {
        Analysis::Spectrum(spectrum(p, version, fft, rate, kept)?)
    };
    if p.fixed() {
        let Analysis::Spectrum(spectrum) = &plan.analysis else {
            return refuse(
                "fixed_point_unavailable",
                "`analysis_type` Wavelet computes in floats alone; set `arith` to float, or `analysis_type` to FFT".into(),
            );
        };
        let spectrum = spectrum.clone();
        return fixed(p, plan, &spectrum, rate);
    }
    Ok(Plan::Spectral(plan))
}

/// Bits of an axis that integers need.
const FEWEST_BITS: u32 = 20;

/// The same plan in integers. Values of a filter near half the rate grow, and leave the axis too few bits.
fn fixed(p: &Reader<'_>, plan: SpectralPlan, spectrum: &Spectrum, rate: f64) -> Result<Plan, DspError> {
    let high = p.text("filter_type") == "high";
    let mut fixed = FixedSpectralPlan::new(plan, spectrum, high);
    if fixed.bits >= FEWEST_BITS {
        return Ok(Plan::FixedSpectral(Box::new(fixed)));
    }
    let (cutoff, order) = (p.number("filter_cutoff"), p.count("filter_order"));
    let mut below = rate / 2.0 - cutoff;
    while fixed.bits < FEWEST_BITS && below < rate / 4.0 {
        below *= 1.25;
        fixed.spectral.sections = butterworth(order, rate / 2.0 - below, rate, high);
        fixed = FixedSpectralPlan::new(fixed.spectral, spectrum, high);
    }
    refuse(
        "filter_needs_floats",
        format!(
            "a filter of order {order} at {cutoff} Hz is too near half the rate for integers; lower `filter_cutoff` to {:.6} Hz or set `arith` to float",
            rate / 2.0 - below
        ),
    )
}

fn too_high(levels: usize, needed: Option<usize>, kept: usize, rate: f64) -> String {
    let most = (0..=7).rfind(|l| kept >= 32 << l);
    let nearest = most.map_or("use the FFT".into(), |l| format!("it can be at most {l}"));
    match needed {
        None => format!("`wavelet_level` is {levels}; it must be from 0 to 7"),
        Some(n) => format!(
            "`wavelet_level` of {levels} needs a window of {} ms ({n} frames); the window has {kept} frames, {nearest}",
            libm::ceil(1000.0 * n as f64 / rate)
        ),
    }
}

/// Sections of the filter at the rate that decimation leaves.
fn sections(p: &Reader<'_>, rate_hz: f64, ratio: usize) -> Result<Vec<[f32; 5]>, DspError> {
    let kind = p.text("filter_type");
    let (cutoff, order) = (p.number("filter_cutoff"), p.count("filter_order"));
    if kind != "low" && kind != "high" {
        return Ok(vec![]);
    }
    let rate = rate_hz / ratio as f64;
    if ratio > 1 && cutoff > 0.9 * rate / 2.0 {
        return refuse(
            "cutoff_too_high_for_decimation",
            format!(
                "`filter_cutoff` is {cutoff} Hz; with a decimation of {ratio} it can be at most {} Hz",
                0.9 * rate / 2.0
            ),
        );
    }
    if order == 0 {
        return Ok(vec![]);
    }
    if order % 2 == 1 {
        return refuse(
            "filter_order_odd",
            format!("`filter_order` is {order}; it must be even, such as {}", (order + 1).min(8)),
        );
    }
    if order > 9 {
        return refuse(
            "filter_order_out_of_range",
            format!("`filter_order` is {order}; it must be 2, 4, 6 or 8"),
        );
    }
    if cutoff >= rate / 2.0 {
        return refuse(
            "cutoff_at_or_above_nyquist",
            format!("`filter_cutoff` is {cutoff} Hz; at {rate} Hz it must be below {} Hz", rate / 2.0),
        );
    }
    let sections = butterworth(order, cutoff, rate, kind == "high");
    if !stable(&sections) {
        return refuse(
            "filter_unstable",
            format!(
                "a filter of order {order} at {cutoff} Hz is not stable at {rate} Hz; {}",
                nearest_stable(order, cutoff, rate, kind == "high")
            ),
        );
    }
    Ok(sections)
}

/// What makes the filter stable: a lower cut-off near half the rate, else a higher one.
fn nearest_stable(order: usize, cutoff: f64, rate: f64, high: bool) -> String {
    let half = rate / 2.0;
    let from_edge = |e: f64| if cutoff > half / 2.0 { half - e } else { e };
    let mut edge = from_edge(cutoff).max(1e-6 * rate);
    while edge < half / 2.0 {
        edge *= 1.05;
        // As it is told: near the edge of what is stable every digit counts.
        let told = format!("{:.6}", from_edge(edge));
        if told.parse().is_ok_and(|hz| stable(&butterworth(order, hz, rate, high))) {
            let word = if cutoff > half / 2.0 { "lower" } else { "raise" };
            return format!("{word} `filter_cutoff` to {told} Hz, or take a lower `filter_order`");
        }
    }
    "take a lower `filter_order`".into()
}

fn spectrum(p: &Reader<'_>, version: u32, n: usize, rate: f64, kept: usize) -> Result<Spectrum, DspError> {
    let main = bins(p, n, rate)?;
    let low = if version >= 4 && p.flag("extra_low_freq") {
        let Some(decimator) = decimators(10).and_then(|mut d| d.pop()) else {
            return refuse("decimation_ratio_unsupported", "there is no decimation by 10".into());
        };
        let left = decimator.kept(kept);
        if left < n / 2 {
            return refuse(
                "too_short_for_extra_low_freq",
                format!(
                    "`extra_low_freq` leaves {left} frames for an FFT of {n}, which needs {}; lengthen the window to {} ms or shorten `fft_length`",
                    n / 2,
                    libm::ceil(1000.0 * (10 * (n / 2 - 1) + 1) as f64 / rate)
                ),
            );
        }
        Some((decimator, bins(p, n, rate / 10.0)?))
    } else {
        None
    };
    Ok(Spectrum {
        fft: RealFft::new(n),
        hop: if p.flag("do_fft_overlap") { n / 2 } else { n },
        log: p.flag("do_log"),
        moments: version >= 4,
        bins: main,
        low,
    })
}

/// Bins that the filter leaves.
fn bins(p: &Reader<'_>, n: usize, rate: f64) -> Result<Bins, DspError> {
    let cutoff = p.number("filter_cutoff");
    let left = |n: usize| {
        let b = cutoff.min(rate / 2.0) * n as f64 / rate;
        let last = n / 2 + 1;
        match p.text("filter_type").as_str() {
            "high" => (((b - 0.5) as i64 + 1).max(1) as usize, last),
            "low" => (1, ((b + 0.5) as usize + 1).min(last)),
            _ => (1, last),
        }
    };
    let (first, end) = left(n);
    if end <= first {
        let enough = (n.trailing_zeros()..=15).map(|b| 1usize << b).find(|n| left(*n).1 > left(*n).0);
        return refuse(
            "cutoff_masks_all_bins",
            format!(
                "`filter_cutoff` of {cutoff} Hz leaves no bin of an FFT of {n} at {rate} Hz; {}",
                enough.map_or("move it".into(), |n| format!("lengthen `fft_length` to {n}"))
            ),
        );
    }
    Ok(Bins { first, count: end - first, width_hz: rate / n as f64 })
}

fn peaks(p: &Reader<'_>, n: usize, rate: f64, kept: usize) -> Result<Peaks, DspError> {
    let text = p.text("spectral_power_edges");
    let edges: Vec<f64> =
        text.split(',').map_while(|e| e.trim().parse().ok()).filter(|e: &f64| e.is_finite()).collect();
    if edges.len() != text.split(',').count() || edges.windows(2).any(|e| e[0] >= e[1]) || edges.len() > 1000
    {
        return refuse(
            "parameter_range",
            format!(
                "`spectral_power_edges` is `{text}`; it must be rising numbers with commas between them, such as `0.5, 1, 5`"
            ),
        );
    }
    // Bins lie where the reference puts them, rounding included: some edges fall on one.
    let bin_hz = 1.0 / (n as f64 * (1.0 / rate));
    let below = |edge: f64| (0..=n / 2).take_while(|k| (*k as f64) * bin_hz < edge).count();
    let bands = edges.windows(2).map(|e| [below(e[0]) as u16, (below(e[1]) - below(e[0])) as u16]).collect();
    let half = n / 2;
    Ok(Peaks {
        fft: RealFft::new(n),
        grid_hz: (rate / 2.0 / (half - 1) as f64) as f32,
        count: p.count("spectral_peaks_count"),
        threshold: p.number("spectral_peaks_threshold") as f32,
        density: (1.0 / (rate * n.min(kept) as f64)) as f32,
        bands,
        edges,
    })
}
