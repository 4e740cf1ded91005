//! Emission of DSP blocks: tables and a call.

use crate::names::{array, float};
use edgewright_dsp::{Framing, MelVariant, Plan, RealFft, SpectrogramVariant};
use edgewright_impulse::DspBlock;

/// Emitted code of a block.
pub struct DspCode {
    /// Runtime files it needs.
    pub runtime: &'static [&'static str],
    /// Tables and parameters.
    pub source: String,
    /// Expression that runs it; `signal`, `features` and `scratch` are in scope.
    pub call: String,
}

fn floats(name: &str, values: &[f32]) -> String {
    array("float", name, values, |v| float(*v))
}

fn u16s(name: &str, values: &[u16]) -> String {
    array("uint16_t", name, values, u16::to_string)
}

fn fft(symbol: &str, fft: &RealFft, out: &mut String) -> String {
    out.push_str(&floats(&format!("{symbol}_twiddle"), &fft.twiddle));
    out.push_str(&floats(&format!("{symbol}_unpack"), &fft.unpack));
    out.push_str(&u16s(&format!("{symbol}_reverse"), &fft.reverse));
    format!("{{{}u, {symbol}_twiddle, {symbol}_unpack, {symbol}_reverse}}", fft.n)
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

/// Emits one block of an impulse whose windows have `axes` axes.
pub fn emit(block: &DspBlock, symbol: &str, axes: usize) -> DspCode {
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
                "EW_DATA ew_flatten {symbol} = {{{}u, {axes}u, {used}u, {symbol}_axes, {}, {{{}}}}};\n",
                p.frames,
                float(p.scale),
                wanted.join(", ")
            ));
            ("flatten", &["ew_read.h", "ew_stats.h"])
        }
        Plan::Spectral(p) => {
            chosen_array(&mut out);
            out.push_str(&floats(&format!("{symbol}_filter"), &p.sections.concat()));
            let fft = fft(symbol, &p.fft, &mut out);
            out.push_str(&format!(
                "EW_DATA ew_spectral {symbol} = {{\n    {}u, {axes}u, {used}u, {symbol}_axes, {}, {}u, {symbol}_filter,\n    {fft},\n    {}u, {}, {}, {}u, {}u}};\n",
                p.frames,
                float(p.scale),
                p.sections.len(),
                p.hop,
                u8::from(p.log),
                u8::from(p.spectral_moments),
                p.first_bin,
                p.bins
            ));
            ("spectral", &["ew_read.h", "ew_math.h", "ew_fft.h", "ew_stats.h", "ew_spectral.h"])
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
            ("spectrogram", &["ew_read.h", "ew_math.h", "ew_fft.h", "ew_audio.h"])
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
            ("mel", &["ew_read.h", "ew_math.h", "ew_fft.h", "ew_audio.h"])
        }
    };
    DspCode { runtime, source: out, call: format!("ew_{kind}_extract(&{symbol}, signal, features, scratch)") }
}
