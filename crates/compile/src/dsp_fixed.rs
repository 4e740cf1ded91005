//! Emission of blocks in integers.

use crate::{
    dsp::{DspCode, u16s},
    names::{array, float},
};
use edgewright_dsp::{
    Bins, Decibels, FixedBank, FixedFft, FixedGain, FixedKind, FixedPlan, FixedSections, FixedSpectralPlan,
    cepstral_scales,
};

fn i16s(name: &str, values: &[i16]) -> String {
    array("int16_t", name, values, i16::to_string)
}

fn fft(symbol: &str, fft: &FixedFft, out: &mut String) -> String {
    out.push_str(&i16s(&format!("{symbol}_twiddle"), &fft.twiddle));
    out.push_str(&i16s(&format!("{symbol}_unpack"), &fft.unpack));
    out.push_str(&u16s(&format!("{symbol}_order"), &fft.order));
    format!("{{{}u, {}u, {symbol}_twiddle, {symbol}_unpack, {symbol}_order}}", fft.n, fft.first)
}

/// Emits an audio block on one axis of a signal with `axes`. `whole`: the callback of a window of `int16_t`.
pub fn emit(p: &FixedPlan, symbol: &str, axes: usize, axis: usize, whole: &str) -> DspCode {
    let mut out = format!("static int {whole}(void *context, size_t offset, size_t length, float *out);\n");
    let fft = fft(symbol, &p.fft, &mut out);
    out.push_str(&u16s(&format!("{symbol}_log2"), &p.log2));
    let none = Decibels { floor: 0, span: 0, steps: 0, share: 0.0 };
    let (variant, filters, decibels, window, scales) = match &p.kind {
        FixedKind::Bins { capped, decibels } => (u8::from(*capped), None, decibels, 0, [0.0; 2]),
        FixedKind::Mel { bank, decibels } => (2, Some(bank), decibels, 0, [0.0; 2]),
        FixedKind::Cepstral { bank, dct, dct_bits, window, .. } => {
            // A single coefficient is the energy, which needs no cosines.
            if !dct.is_empty() {
                out.push_str(&i16s(&format!("{symbol}_dct"), dct));
            }
            (3, Some(bank), &none, *window, cepstral_scales(*dct_bits))
        }
    };
    let dct = match &p.kind {
        FixedKind::Cepstral { dct, .. } if !dct.is_empty() => format!("{symbol}_dct"),
        _ => "0".into(),
    };
    let bank = match filters {
        Some(FixedBank { first, count, weights }) => {
            out.push_str(&u16s(&format!("{symbol}_first"), first));
            out.push_str(&u16s(&format!("{symbol}_count"), count));
            out.push_str(&u16s(&format!("{symbol}_weights"), weights));
            format!("{symbol}_first, {symbol}_count, {symbol}_weights")
        }
        None => "0, 0, 0".into(),
    };
    let f = &p.framing;
    out.push_str(&format!(
        "EW_DATA ew_fixed_audio {symbol} = {{\n    {{{}u, {}u, {}u, {}u, {}u, {}, {}u, {}, {axes}u, {axis}u, {whole}}},\n",
        f.samples, f.used, f.stride, f.rows, f.shift, p.scale, p.lift, p.emphasis
    ));
    out.push_str(&format!(
        "    {fft},\n    {}u, {}u, {bank},\n",
        filters.map_or(0, |b| b.first.len()),
        p.columns()
    ));
    out.push_str(&format!(
        "    {{{}, {}, {}, {}}}, {variant}, {dct}, {{{}, {}}}, {window}u, {symbol}_log2}};\n",
        decibels.floor,
        decibels.span,
        decibels.steps,
        float(decibels.share),
        float(scales[0]),
        float(scales[1])
    ));
    DspCode {
        runtime: vec!["ew_read.h", "ew_reflect.h", "ew_fixed_fft.h", "ew_fixed_base.h", "ew_fixed_audio.h"],
        source: out,
        call: format!("ew_fixed_audio_extract(&{symbol}, signal, features, (int32_t *)(void *)scratch)"),
    }
}

/// Emits spectral analysis as a function of just the steps that are configured, after the array of its axes in `out`.
pub fn emit_spectral(
    p: &FixedSpectralPlan,
    symbol: &str,
    axes: usize,
    whole: &str,
    mut out: String,
) -> DspCode {
    let mut runtime = vec!["ew_read.h", "ew_fixed_fft.h", "ew_fixed_base.h", "ew_fixed_spectral.h"];
    let fft = fft(symbol, &p.fft, &mut out);
    out.push_str(&u16s(&format!("{symbol}_log2"), &p.log2));
    let mut done: Vec<String> = vec![];
    let mut table = |name: String, sections: &FixedSections, out: &mut String| {
        if !done.contains(&name) {
            out.push_str(&array("int32_t", &name, &sections.factors.concat(), i32::to_string));
            done.push(name);
        }
    };
    let by = |ratio: usize| format!("{symbol}_by{ratio}");
    let mut steps = String::new();
    for (d, sections) in p.spectral.decimation.iter().zip(&p.decimation) {
        table(by(d.ratio), sections, &mut out);
        steps.push_str(&format!("        n = ew_fixed_decimate({}, {}u, x, n);\n", by(d.ratio), d.ratio));
    }
    if let Some(filter) = &p.filter {
        table(format!("{symbol}_filter"), filter, &mut out);
        steps.push_str(&format!(
            "        ew_fixed_sections({symbol}_filter, {}u, {}, x, n);\n",
            filter.factors.len(),
            u8::from(filter.high)
        ));
    }
    let used = p.spectral.axes;
    if let Some(s) = p.spectrum() {
        out.push_str(&format!(
            "EW_DATA ew_fixed_spectrum {symbol} = {{{fft}, {}u, {}u, {}u, {symbol}_log2}};\n",
            s.hop,
            u8::from(s.log),
            u8::from(s.moments)
        ));
        let mut analysis = |g: &FixedGain, name: &str, bins: &Bins, to: String| {
            out.push_str(&format!(
                "EW_DATA ew_fixed_gain {symbol}_{name} = {{{}, {}, {}, {}, {}}};\n",
                float(g.factor),
                float(g.square),
                g.exponent,
                g.log,
                float(g.sign)
            ));
            format!(
                "        ew_fixed_centre(x, n);\n        ew_fixed_spectrum_of(&{symbol}, &{symbol}_{name}, {}u, {}u, x, n, exponent, x + {}, {to});\n",
                bins.first, bins.count, p.spectral.frames
            )
        };
        let [gain, gain_low] = &p.gains;
        let per = s.per_axis();
        steps.push_str(&analysis(gain, "gain", &s.bins, format!("features + a * {per}u")));
        if let Some((d, bins)) = &s.low {
            steps.push_str(&format!("        n = ew_fixed_decimate({}, {}u, x, n);\n", by(d.ratio), d.ratio));
            let to = format!("features + {}u + a * {}u", used * per, s.low_per_axis());
            steps.push_str(&analysis(gain_low, "gain_low", bins, to));
            if let Some(low) = &p.low {
                table(by(d.ratio), low, &mut out);
            }
        }
    }
    if !done.is_empty() {
        runtime.push("ew_fixed_sections.h");
    }
    out.push_str(&format!(
        r#"
static int {whole}(void *context, size_t offset, size_t length, float *out);
EW_FN int {symbol}_extract(const ew_signal *signal, float *features, int32_t *x)
{{
    size_t a;
    for (a = 0; a < {used}u; a++) {{
        size_t n = {frames}u;
        int32_t exponent;
        const int status = ew_fixed_axis(signal, {whole}, {axes}u, {symbol}_axes[a], n, {lift}, {some}, x, &exponent);
        if (status != EW_OK) {{
            return status;
        }}
{steps}    }}
    return EW_OK;
}}
"#,
        frames = p.spectral.frames,
        lift = i64::from(p.bits) - 24,
        some = u8::from(p.gains[0].factor != 0.0),
    ));
    DspCode {
        runtime,
        source: out,
        call: format!("{symbol}_extract(signal, features, (int32_t *)(void *)scratch)"),
    }
}
