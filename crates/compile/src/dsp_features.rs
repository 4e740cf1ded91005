//! Emission of signal features: a function of just the generators that are switched on.

use crate::{
    dsp::{DspCode, fft, floats},
    names::float,
};
use edgewright_dsp::{FeaturesPlan, GENERATORS, Welch};
use std::fmt::Write;

/// Emits the tables of a spectrum under this name.
pub(crate) fn welch_table(welch: &Welch, symbol: &str, out: &mut String) {
    let fft = fft(symbol, &welch.fft, out);
    out.push_str(&floats(&format!("{symbol}_taper"), &welch.taper));
    let _ = writeln!(
        out,
        "EW_DATA ew_welch {symbol} = {{{fft}, {symbol}_taper, {}, {}, {}}};",
        float(welch.density),
        float(welch.width_hz),
        float(welch.evenness)
    );
}

/// Emits the block; `out` holds the table of its axes.
pub(crate) fn emit(p: &FeaturesPlan, symbol: &str, axes: usize, mut out: String) -> DspCode {
    let mut runtime = vec!["ew_read.h", "ew_math.h", "ew_stats.h", "ew_axis.h", "ew_features.h"];
    let wants = |name: &str| GENERATORS.iter().zip(p.wanted).any(|(g, w)| w && *g == name);
    let n = p.frames;
    let mut steps = String::new();
    let mut step = |text: String| {
        let _ = writeln!(steps, "        {text}");
    };
    if wants("magnitude_area") {
        step(format!("area += ew_absolute(x, {n}u);"));
    }
    if wants("zero_crossings") {
        step(format!("*features++ = ew_crossings(x, {n}u, 0.0f);"));
    }
    if wants("mean_crossings") {
        step(format!("*features++ = ew_crossings(x, {n}u, ew_mean(x, {n}u));"));
    }
    if wants("energy") {
        step(format!("*features++ = ew_energy(x, {n}u);"));
    }
    if wants("peak_to_peak") {
        step(format!("*features++ = ew_peak_to_peak(x, {n}u);"));
    }
    let bins = p.bins;
    if wants("histogram") {
        step(format!("ew_histogram(x, {n}u, features, {bins}u);"));
        if wants("entropy") {
            step(format!("features[{bins}] = ew_entropy_of(features, {bins}u, 1.0f);"));
            step("features++;".into());
        }
        step(format!("features += {bins};"));
    } else if wants("entropy") {
        step(format!("ew_histogram(x, {n}u, rest, {bins}u);"));
        step(format!("*features++ = ew_entropy_of(rest, {bins}u, 1.0f);"));
    }
    let mut most = "";
    if let Some(welch) = &p.spectrum {
        runtime.extend(["ew_fft.h", "ew_welch.h"]);
        welch_table(welch, symbol, &mut out);
        step(format!("ew_welch_power(&{symbol}, x, {n}u, rest);"));
        if wants("spectral_entropy") {
            step(format!("*features++ = ew_spectral_entropy(&{symbol}, rest);"));
        }
        if wants("dominant_frequency") || !p.harmonics.is_empty() {
            most = "        size_t most;\n";
            step(format!("most = ew_dominant(&{symbol}, rest);"));
        }
        if wants("dominant_frequency") {
            step(format!("*features++ = ew_dominant_hz(&{symbol}, rest, most);"));
        }
        for band in &p.bands {
            step(format!("*features++ = ew_total(rest + {}, {}u);", band.first, band.count));
        }
        for multiple in &p.harmonics {
            step(format!("*features++ = ew_harmonic(&{symbol}, rest, most, {multiple}u);"));
        }
    }
    if wants("interquartile_range") {
        step(format!("*features++ = ew_interquartile(x, {n}u);"));
    }
    let scale = float(p.scale);
    let read = |axis: &str, to: &str| {
        format!("status = ew_axis(signal, {axes}u, {symbol}_axes[{axis}], {n}u, {scale}, {to});")
    };
    let used = p.axes;
    let mut text = format!(
        "\nEW_FN int {symbol}_extract(const ew_signal *signal, float *features, float *scratch)\n{{\n    float *x = scratch, *rest = scratch + {n};\n"
    );
    if wants("magnitude_area") {
        text.push_str("    float area = 0.0f;\n");
    }
    text.push_str("    size_t a;\n    (void)rest;\n");
    if !steps.is_empty() {
        let _ = write!(
            text,
            "    for (a = 0; a < {used}u; a++) {{\n{most}        int {}\n        if (status != EW_OK) {{\n            return status;\n        }}\n{steps}    }}\n",
            read("a", "x")
        );
    }
    if wants("correlation") {
        let _ = write!(
            text,
            r#"    for (a = 0; a < {used}u; a++) {{
        size_t b;
        int {}
        if (status != EW_OK) {{
            return status;
        }}
        for (b = a + 1u; b < {used}u; b++) {{
            {}
            if (status != EW_OK) {{
                return status;
            }}
            *features++ = ew_correlation(x, rest, {n}u);
        }}
    }}
"#,
            read("a", "x"),
            read("b", "rest")
        );
    }
    if wants("magnitude_area") {
        let _ = writeln!(text, "    *features++ = area / {};", float(n as f32));
    }
    text.push_str("    return EW_OK;\n}\n");
    out.push_str(&text);
    DspCode { runtime, source: out, call: format!("{symbol}_extract(signal, features, scratch)") }
}
