//! Emission of DSP blocks: tables and a call.

use crate::names::{array, float};
use edgewright_dsp::{
    Analysis, Decimator, Framing, MelVariant, Plan, RealFft, SpectralPlan, SpectrogramVariant, Variability,
};
use edgewright_impulse::DspBlock;

/// Emitted code of a block.
pub struct DspCode {
    /// Runtime files it needs.
    pub runtime: Vec<&'static str>,
    /// Tables and parameters.
    pub source: String,
    /// Expression that runs it; `signal`, `state` where the block has one, `features` and `scratch` are in scope.
    pub call: String,
}

pub(crate) fn floats(name: &str, values: &[f32]) -> String {
    array("float", name, values, |v| float(*v))
}

pub(crate) fn u16s(name: &str, values: &[u16]) -> String {
    array("uint16_t", name, values, u16::to_string)
}

pub(crate) fn fft(symbol: &str, fft: &RealFft, out: &mut String) -> String {
    out.push_str(&floats(&format!("{symbol}_twiddle"), &fft.twiddle));
    out.push_str(&floats(&format!("{symbol}_unpack"), &fft.unpack));
    out.push_str(&u16s(&format!("{symbol}_order"), &fft.order));
    format!("{{{}u, {}u, {symbol}_twiddle, {symbol}_unpack, {symbol}_order}}", fft.n, fft.first)
}

fn framing(f: &Framing, axes: usize, axis: usize) -> String {
    format!(
        "{{{}u, {}u, {}u, {}u, {}, {}, {}u, {axes}u, {axis}u}}",
        f.samples,
        f.used,
        f.stride,
        f.rows,
        float(f.scale),
        float(f.emphasis),
        f.shift
    )
}

/// Emits one block of an impulse whose windows have `axes` axes. `whole`: the callback of a window of `int16_t`.
pub fn emit(block: &DspBlock, symbol: &str, axes: usize, whole: &str) -> DspCode {
    let mut out = String::new();
    let chosen: Vec<u16> = block.axes.iter().map(|&a| a as u16).collect();
    let chosen_array = |out: &mut String| out.push_str(&u16s(&format!("{symbol}_axes"), &chosen));
    let used = block.axes.len();
    let (kind, runtime): (&str, &'static [&'static str]) = match &block.plan {
        Plan::Raw(p) => {
            chosen_array(&mut out);
            let frames = p.len / used;
            out.push_str(&format!(
                "EW_DATA ew_raw {symbol} = {{{frames}u, {axes}u, {used}u, {symbol}_axes, {}}};\n",
                float(p.scale)
            ));
            ("raw", &["ew_read.h", "ew_raw.h"])
        }
        Plan::Image(p) => {
            chosen_array(&mut out);
            out.push_str(&format!(
                "EW_DATA ew_image {symbol} = {{{}u, {axes}u, {}u, {}u, {symbol}_axes}};\n",
                p.height * p.width,
                p.in_channels,
                p.out_channels
            ));
            ("image", &["ew_read.h", "ew_raw.h"])
        }
        Plan::Flatten(p) => {
            chosen_array(&mut out);
            let wanted: Vec<String> = p.wanted.iter().map(|w| u8::from(*w).to_string()).collect();
            out.push_str(&format!(
                "EW_DATA ew_flatten {symbol} = {{{}u, {axes}u, {used}u, {symbol}_axes, {}, {{{}}}, {}u}};\n",
                p.frames,
                float(p.scale),
                wanted.join(", "),
                p.moving
            ));
            ("flatten", &["ew_read.h", "ew_stats.h"])
        }
        Plan::Heart(p) => {
            chosen_array(&mut out);
            let filters = [p.band, p.envelope].concat().concat();
            out.push_str(&floats(&format!("{symbol}_filters"), &filters));
            let (variability, bands) = match &p.variability {
                Variability::None => (0, "{{0u, 0u, 0, 0, 0}, 0u, 0u, 0u, 0u}".into()),
                Variability::Rmssd => (1, "{{0u, 0u, 0, 0, 0}, 0u, 0u, 0u, 0u}".into()),
                Variability::Time => (2, "{{0u, 0u, 0, 0, 0}, 0u, 0u, 0u, 0u}".into()),
                Variability::All(f) => {
                    let fft = fft(symbol, &f.fft, &mut out);
                    (3, format!("{{{fft}, {}u, {}u, {}u, {}u}}", f.low.0, f.low.1, f.high.0, f.high.1))
                }
            };
            out.push_str(&format!(
                "EW_DATA ew_heart {symbol} = {{\n    {}u, {axes}u, {used}u, {symbol}_axes, {}u, {}, {}, {symbol}_filters, {}u,\n    {}, {}, {}, {}, {}, {}, {}, {variability}, {}u, {}, {}u,\n    {bands}}};\n",
                p.frames,
                p.increment,
                float(p.rate),
                u8::from(p.ecg),
                p.lag,
                float(p.resting),
                float(p.calm),
                float(p.sensitivity),
                float(p.leak),
                float(p.shortest),
                float(p.rate_window),
                u8::from(p.include_rate),
                p.update,
                float(p.variability_window),
                p.kept
            ));
            ("heart", &["ew_read.h", "ew_fft.h", "ew_stats.h", "ew_hrv.h", "ew_heart.h"])
        }
        Plan::Features(p) => {
            chosen_array(&mut out);
            return crate::dsp_features::emit(p, symbol, axes, out);
        }
        // `arena` refuses an impulse that has one before anything of it is emitted.
        Plan::External(_) => ("external", &[]),
        Plan::Custom(p) => {
            chosen_array(&mut out);
            return crate::dsp_custom::emit(p, symbol, axes, out);
        }
        Plan::Fixed(p) => return crate::dsp_fixed::emit(p, symbol, axes, block.axes[0], whole),
        Plan::FixedSpectral(p) => {
            chosen_array(&mut out);
            return crate::dsp_fixed::emit_spectral(p, symbol, axes, whole, out);
        }
        Plan::Spectral(p) => {
            chosen_array(&mut out);
            return spectral(p, symbol, axes, out);
        }
        Plan::Spectrogram(p) => {
            let fft = fft(symbol, &p.fft, &mut out);
            let variant = match p.variant {
                SpectrogramVariant::MinMax => 0,
                SpectrogramVariant::Capped => 1,
                SpectrogramVariant::Decibel => 2,
            };
            out.push_str(&format!(
                "EW_DATA ew_spectrogram {symbol} = {{\n    {},\n    {fft},\n    {variant}, {}}};\n",
                framing(&p.framing, axes, block.axes[0]),
                float(p.floor)
            ));
            ("spectrogram", &["ew_read.h", "ew_math.h", "ew_fft.h", "ew_reflect.h", "ew_audio.h"])
        }
        Plan::Mel(p) => {
            let fft = fft(symbol, &p.fft, &mut out);
            out.push_str(&u16s(&format!("{symbol}_first"), &p.bank.first));
            out.push_str(&u16s(&format!("{symbol}_count"), &p.bank.count));
            out.push_str(&floats(&format!("{symbol}_weights"), &p.bank.weights));
            let (variant, edge, dct, window) = match &p.variant {
                MelVariant::Quantised { floor } => (0, *floor, None, 0),
                MelVariant::Normalised { window } => (1, 0.0, None, *window),
                MelVariant::Cepstral { dct, window, .. } => (2, 0.0, Some(dct), *window),
            };
            let dct = match dct {
                Some(table) => {
                    out.push_str(&floats(&format!("{symbol}_dct"), table));
                    format!("{symbol}_dct")
                }
                None => "0".into(),
            };
            out.push_str(&format!(
                "EW_DATA ew_mel {symbol} = {{\n    {},\n    {fft},\n    {}u, {}u, {symbol}_first, {symbol}_count, {symbol}_weights, {variant}, {}, {dct}, {window}u}};\n",
                framing(&p.framing, axes, block.axes[0]),
                p.bank.first.len(),
                p.columns(),
                float(edge)
            ));
            ("mel", &["ew_read.h", "ew_math.h", "ew_fft.h", "ew_reflect.h", "ew_audio.h"])
        }
    };
    let state = match &block.plan {
        Plan::Flatten(p) if p.moving == 0 => "NULL, ",
        Plan::Flatten(_) | Plan::Heart(_) => "state, ",
        _ => "",
    };
    let call = format!("ew_{kind}_extract(&{symbol}, signal, {state}features, scratch)");
    DspCode { runtime: runtime.to_vec(), source: out, call }
}

/// Calls that compute the features of a block on frames in two steps; `signal`, `scratch`, and `row`, `out` or `loud`, `features`
/// are in scope.
pub struct FrameCalls {
    /// One frame.
    pub row: String,
    /// From all frames to the features.
    pub finish: String,
}

/// # Panics
/// For a block that does not work on frames.
pub fn frame_calls(plan: &Plan, symbol: &str) -> FrameCalls {
    let (kind, loud, scratch) = match plan {
        Plan::Spectrogram(_) => ("spectrogram", "loud, ", ""),
        Plan::Mel(_) => ("mel", "", ", scratch"),
        Plan::Fixed(_) => ("fixed_audio", "loud, ", ", (int32_t *)(void *)scratch"),
        _ => panic!("{symbol} does not work on frames"),
    };
    let work = if matches!(plan, Plan::Fixed(_)) { "(int32_t *)(void *)scratch" } else { "scratch" };
    FrameCalls {
        row: format!("ew_{kind}_row(&{symbol}, &signal, row, out, {work})"),
        finish: format!("ew_{kind}_finish(&{symbol}, {loud}features{scratch})"),
    }
}

/// Emits a decimation once, however often it is used; `done` holds the names of those that are there.
fn decimator(d: &Decimator, symbol: &str, done: &mut Vec<String>, out: &mut String) -> String {
    let name = decimator_table(d, symbol, done, out);
    format!("        n = ew_decimate(&{name}, x, n);\n")
}

/// The table alone; its name.
pub(crate) fn decimator_table(
    d: &Decimator,
    symbol: &str,
    done: &mut Vec<String>,
    out: &mut String,
) -> String {
    let name = format!("{symbol}_by{}", d.ratio);
    if !done.contains(&name) {
        let row = |s: &[f32; 4]| format!("{{{}}}", s.map(float).join(", "));
        let rows: Vec<String> = d.sections.iter().map(row).collect();
        out.push_str(&format!(
            "EW_DATA ew_decimator {name} = {{\n    {}u, {},\n    {{{}}}}};\n",
            d.ratio,
            float(d.gain),
            rows.join(",\n     ")
        ));
        done.push(name.clone());
    }
    name
}

/// Emits spectral analysis as a function of just the steps that are configured.
fn spectral(p: &SpectralPlan, symbol: &str, axes: usize, mut out: String) -> DspCode {
    let mut runtime = vec!["ew_read.h", "ew_math.h", "ew_stats.h", "ew_axis.h"];
    let mut steps = String::new();
    let mut done = Vec::new();
    for d in &p.decimation {
        steps.push_str(&decimator(d, symbol, &mut done, &mut out));
    }
    if !p.sections.is_empty() {
        out.push_str(&floats(&format!("{symbol}_filter"), &p.sections.concat()));
        steps.push_str(&format!("        ew_filter({symbol}_filter, {}u, x, n);\n", p.sections.len()));
    }
    steps.push_str("        ew_centre(x, n);\n");
    let (used, spare) = (p.axes, format!("scratch + {}", p.frames));
    match &p.analysis {
        Analysis::Spectrum(s) => {
            runtime.extend(["ew_fft.h", "ew_spectral.h"]);
            let fft = fft(symbol, &s.fft, &mut out);
            out.push_str(&format!(
                "EW_DATA ew_spectrum {symbol} = {{{fft}, {}u, {}u, {}u}};\n",
                s.hop,
                u8::from(s.log),
                u8::from(s.moments)
            ));
            let per = s.per_axis();
            steps.push_str(&format!(
                "        ew_spectrum_of(&{symbol}, {}u, {}u, x, n, {spare}, features + a * {per}u);\n",
                s.bins.first, s.bins.count
            ));
            if let Some((d, bins)) = &s.low {
                steps.push_str(&decimator(d, symbol, &mut done, &mut out));
                steps.push_str(&format!(
                    "        ew_centre(x, n);\n        ew_spectrum_of(&{symbol}, {}u, {}u, x, n, {spare}, features + {}u + a * {}u);\n",
                    bins.first,
                    bins.count,
                    used * per,
                    s.low_per_axis()
                ));
            }
        }
        Analysis::Wavelet(w) => {
            runtime.push("ew_wavelet.h");
            out.push_str(&floats(&format!("{symbol}_taps"), &w.taps.concat()));
            out.push_str(&format!(
                "EW_DATA ew_wavelet {symbol} = {{{}u, {symbol}_taps, {}u}};\n",
                w.taps.len(),
                w.levels
            ));
            steps.push_str(&format!(
                "        ew_wavelet_of(&{symbol}, x, n, {spare}, features + a * {}u);\n",
                w.per_axis()
            ));
        }
        Analysis::Peaks(s) => {
            runtime.extend(["ew_fft.h", "ew_peaks.h"]);
            let fft = fft(symbol, &s.fft, &mut out);
            out.push_str(&u16s(&format!("{symbol}_bands"), &s.bands.concat()));
            out.push_str(&format!(
                "EW_DATA ew_peaks {symbol} = {{\n    {fft},\n    {}, {}u, {}, {}, {}u, {symbol}_bands}};\n",
                float(s.grid_hz),
                s.count,
                float(s.threshold),
                float(s.density),
                s.bands.len()
            ));
            steps.push_str(&format!(
                "        ew_peaks_of(&{symbol}, x, n, {spare}, features + a * {}u);\n",
                s.per_axis()
            ));
        }
    }
    if !done.is_empty() {
        runtime.push("ew_decimate.h");
    }
    out.push_str(&format!(
        r#"
EW_FN int {symbol}_extract(const ew_signal *signal, float *features, float *scratch)
{{
    float *x = scratch;
    size_t a;
    for (a = 0; a < {used}u; a++) {{
        size_t n = {frames}u;
        const int status = ew_axis(signal, {axes}u, {symbol}_axes[a], n, {scale}, x);
        if (status != EW_OK) {{
            return status;
        }}
{steps}    }}
    return EW_OK;
}}
"#,
        frames = p.frames,
        scale = float(p.scale)
    ));
    DspCode { runtime, source: out, call: format!("{symbol}_extract(signal, features, scratch)") }
}
