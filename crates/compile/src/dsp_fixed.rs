//! Emission of audio blocks in integers.

use crate::{
    dsp::{DspCode, u16s},
    names::{array, float},
};
use edgewright_dsp::{Decibels, FixedBank, FixedKind, FixedPlan, cepstral_scales};

fn i16s(name: &str, values: &[i16]) -> String {
    array("int16_t", name, values, i16::to_string)
}

/// Emits a block on one axis of a signal with `axes`. `whole`: the callback of a window of `int16_t`.
pub fn emit(p: &FixedPlan, symbol: &str, axes: usize, axis: usize, whole: &str) -> DspCode {
    let mut out = format!("static int {whole}(void *context, size_t offset, size_t length, float *out);\n");
    out.push_str(&i16s(&format!("{symbol}_twiddle"), &p.fft.twiddle));
    out.push_str(&i16s(&format!("{symbol}_unpack"), &p.fft.unpack));
    out.push_str(&u16s(&format!("{symbol}_order"), &p.fft.order));
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
        "    {{{}u, {}u, {symbol}_twiddle, {symbol}_unpack, {symbol}_order}},\n    {}u, {}u, {bank},\n",
        p.fft.n,
        p.fft.first,
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
        runtime: vec!["ew_read.h", "ew_reflect.h", "ew_fixed_fft.h", "ew_fixed_audio.h"],
        source: out,
        call: format!("ew_fixed_audio_extract(&{symbol}, signal, features, (int32_t *)(void *)scratch)"),
    }
}
