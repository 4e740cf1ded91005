//! From a configuration of signal features to their tables.

use crate::{
    DspError, FeaturesPlan, Plan, WindowSpec,
    audio_plan::power_of_two,
    features::{Band, GENERATORS, Welch, at},
    plan::{Reader, refuse},
};
use alloc::{format, vec, vec::Vec};

pub(crate) fn features(p: &Reader<'_>, window: &WindowSpec) -> Result<Plan, DspError> {
    let wanted = GENERATORS.map(|n| p.flag(n));
    let harmonics: Vec<u16> = (2..2 + p.count("harmonics") as u16).collect();
    let edges = p.text("band_edges");
    let bands = !edges.trim().is_empty();
    if !wanted.contains(&true) && harmonics.is_empty() && !bands {
        return refuse("no_feature", "every generator is switched off; switch at least one on".into());
    }
    if wanted[at::CORRELATION] && window.axes < 2 {
        return refuse(
            "one_axis",
            "`correlation` is true; it needs two axes and the window has one, so it must be false".into(),
        );
    }
    let spectral = [
        (wanted[at::SPECTRAL_ENTROPY], "spectral_entropy"),
        (wanted[at::DOMINANT_FREQUENCY], "dominant_frequency"),
        (bands, "band_edges"),
        (!harmonics.is_empty(), "harmonics"),
    ];
    let mut plan = FeaturesPlan {
        scale: p.number("scale_axes") as f32,
        frames: window.frames,
        axes: window.axes,
        wanted,
        bins: p.count("histogram_bins"),
        spectrum: None,
        bands: vec![],
        harmonics,
    };
    if let Some((_, needs)) = spectral.iter().find(|s| s.0) {
        if window.rate_hz <= 0.0 {
            return refuse("rate", format!("`{needs}` needs a sampling rate; switch it off or set a rate"));
        }
        let n = power_of_two(p)?;
        if n > window.frames {
            let most = (2..=16).map(|b| 1usize << b).rfind(|n| *n <= window.frames);
            return refuse(
                "fft_longer_than_window",
                match most {
                    Some(most) => format!(
                        "`fft_length` is {n}; the window has {} frames, so it can be at most {most}",
                        window.frames
                    ),
                    None => format!(
                        "the window has {} frames, and a spectrum needs 4; switch `{needs}` off or lengthen the window",
                        window.frames
                    ),
                },
            );
        }
        plan.bands = if bands { split(&edges, n, window.rate_hz)? } else { vec![] };
        plan.spectrum = Some(Welch::new(n, window.rate_hz));
    }
    Ok(Plan::Features(plan))
}

/// Bands between neighbouring edges: bins from the lower edge to below the upper one; half the rate belongs to the last.
fn split(text: &str, n: usize, rate: f64) -> Result<Vec<Band>, DspError> {
    let edges: Vec<f64> =
        text.split(',').map_while(|e| e.trim().parse().ok()).filter(|e: &f64| e.is_finite()).collect();
    let number = text.split(',').count();
    if edges.len() != number || edges.windows(2).any(|e| e[0] >= e[1]) || !(2..=1000).contains(&number) {
        return refuse(
            "parameter_range",
            format!(
                "`band_edges` is `{text}`; it must be 2 to 1000 rising numbers with commas between them, such as `0.5, 3, 8`"
            ),
        );
    }
    let half = rate / 2.0;
    if let Some(edge) = edges.iter().find(|e| **e < 0.0) {
        return refuse("parameter_range", format!("`band_edges` begins at {edge} Hz; it must be 0 at least"));
    }
    if let Some(edge) = edges.iter().find(|e| **e > half) {
        return refuse(
            "edge_above_nyquist",
            format!("`band_edges` reaches {edge} Hz; at {rate} Hz it can be at most {half} Hz"),
        );
    }
    let width = rate / n as f64;
    let below = |edge: f64| {
        let all = n / 2 + 1;
        let count =
            if edge >= half { all } else { (0..all).take_while(|k| (*k as f64) * width < edge).count() };
        count.max(1)
    };
    edges
        .windows(2)
        .map(|e| {
            let (first, end) = (below(e[0]), below(e[1]));
            if first >= end {
                let next = first as f64 * width;
                return refuse(
                    "empty_band",
                    format!(
                        "no bin of an FFT of {n} lies in the band {:?} - {:?} Hz of `band_edges`: they are {width} Hz apart and the next is {next} Hz; end it above that, or lengthen `fft_length`",
                        e[0], e[1]
                    ),
                );
            }
            Ok(Band { first: first as u16, count: (end - first) as u16, edges: [e[0], e[1]] })
        })
        .collect()
}
