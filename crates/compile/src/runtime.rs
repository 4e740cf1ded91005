//! The C runtime, as text that goes into the emitted file.

/// Runtime files in the order in which they must stand.
const FILES: &[(&str, &str)] = &[
    ("ew_base.h", include_str!("../../../runtime/c/ew_base.h")),
    ("ew_read.h", include_str!("../../../runtime/c/dsp/ew_read.h")),
    ("ew_math.h", include_str!("../../../runtime/c/dsp/ew_math.h")),
    ("ew_fft.h", include_str!("../../../runtime/c/dsp/ew_fft.h")),
    ("ew_raw.h", include_str!("../../../runtime/c/dsp/ew_raw.h")),
    ("ew_stats.h", include_str!("../../../runtime/c/dsp/ew_stats.h")),
    ("ew_decimate.h", include_str!("../../../runtime/c/dsp/ew_decimate.h")),
    ("ew_axis.h", include_str!("../../../runtime/c/dsp/ew_axis.h")),
    ("ew_hrv.h", include_str!("../../../runtime/c/dsp/ew_hrv.h")),
    ("ew_heart.h", include_str!("../../../runtime/c/dsp/ew_heart.h")),
    ("ew_features.h", include_str!("../../../runtime/c/dsp/ew_features.h")),
    ("ew_welch.h", include_str!("../../../runtime/c/dsp/ew_welch.h")),
    ("ew_custom.h", include_str!("../../../runtime/c/dsp/ew_custom.h")),
    ("ew_spectral.h", include_str!("../../../runtime/c/dsp/ew_spectral.h")),
    ("ew_wavelet.h", include_str!("../../../runtime/c/dsp/ew_wavelet.h")),
    ("ew_peaks.h", include_str!("../../../runtime/c/dsp/ew_peaks.h")),
    ("ew_reflect.h", include_str!("../../../runtime/c/dsp/ew_reflect.h")),
    ("ew_audio.h", include_str!("../../../runtime/c/dsp/ew_audio.h")),
    ("ew_fixed_fft.h", include_str!("../../../runtime/c/dsp/ew_fixed_fft.h")),
    ("ew_fixed_base.h", include_str!("../../../runtime/c/dsp/ew_fixed_base.h")),
    ("ew_fixed_sections.h", include_str!("../../../runtime/c/dsp/ew_fixed_sections.h")),
    ("ew_fixed_spectral.h", include_str!("../../../runtime/c/dsp/ew_fixed_spectral.h")),
    ("ew_fixed_audio.h", include_str!("../../../runtime/c/dsp/ew_fixed_audio.h")),
    ("ew_fixed.h", include_str!("../../../runtime/c/nn/ew_fixed.h")),
    ("ew_geometry.h", include_str!("../../../runtime/c/nn/ew_geometry.h")),
    ("ew_matrix_s8.h", include_str!("../../../runtime/c/nn/ew_matrix_s8.h")),
    ("ew_matrix_dsp.h", include_str!("../../../runtime/c/nn/ew_matrix_dsp.h")),
    ("ew_depthwise_dsp.h", include_str!("../../../runtime/c/nn/ew_depthwise_dsp.h")),
    ("ew_matrix_helium.h", include_str!("../../../runtime/c/nn/ew_matrix_helium.h")),
    ("ew_depthwise_helium.h", include_str!("../../../runtime/c/nn/ew_depthwise_helium.h")),
    ("ew_conv2d_s8.h", include_str!("../../../runtime/c/nn/ew_conv2d_s8.h")),
    ("ew_depthwise_conv2d_s8.h", include_str!("../../../runtime/c/nn/ew_depthwise_conv2d_s8.h")),
    ("ew_fully_connected_s8.h", include_str!("../../../runtime/c/nn/ew_fully_connected_s8.h")),
    ("ew_layers_f32.h", include_str!("../../../runtime/c/nn/ew_layers_f32.h")),
    ("ew_pool.h", include_str!("../../../runtime/c/nn/ew_pool.h")),
    ("ew_elementwise.h", include_str!("../../../runtime/c/nn/ew_elementwise.h")),
    ("ew_gemmlowp.h", include_str!("../../../runtime/c/nn/ew_gemmlowp.h")),
    ("ew_softmax.h", include_str!("../../../runtime/c/nn/ew_softmax.h")),
    ("ew_unary_f32.h", include_str!("../../../runtime/c/nn/ew_unary_f32.h")),
    ("ew_binary.h", include_str!("../../../runtime/c/nn/ew_binary.h")),
    ("ew_lookup.h", include_str!("../../../runtime/c/nn/ew_lookup.h")),
    ("ew_mat_mul.h", include_str!("../../../runtime/c/nn/ew_mat_mul.h")),
    ("ew_movement.h", include_str!("../../../runtime/c/nn/ew_movement.h")),
    ("ew_reduce.h", include_str!("../../../runtime/c/nn/ew_reduce.h")),
    ("ew_resize.h", include_str!("../../../runtime/c/nn/ew_resize.h")),
    ("ew_sigmoid.h", include_str!("../../../runtime/c/nn/ew_sigmoid.h")),
    ("ew_lstm.h", include_str!("../../../runtime/c/nn/ew_lstm.h")),
    ("ew_wide.h", include_str!("../../../runtime/c/nn/ew_wide.h")),
    ("ew_wide_dense.h", include_str!("../../../runtime/c/nn/ew_wide_dense.h")),
    ("ew_svdf.h", include_str!("../../../runtime/c/nn/ew_svdf.h")),
    ("ew_snap.h", include_str!("../../../runtime/c/nn/ew_snap.h")),
    ("ew_choose.h", include_str!("../../../runtime/c/nn/ew_choose.h")),
    ("ew_prelu.h", include_str!("../../../runtime/c/nn/ew_prelu.h")),
    ("ew_cells.h", include_str!("../../../runtime/c/nn/ew_cells.h")),
    ("ew_trees.h", include_str!("../../../runtime/c/nn/ew_trees.h")),
    ("ew_gmm.h", include_str!("../../../runtime/c/nn/ew_gmm.h")),
    ("ew_kmeans.h", include_str!("../../../runtime/c/nn/ew_kmeans.h")),
];

/// Text of the wanted files, each once, in the order in which they must stand.
pub fn text(wanted: &[&str]) -> String {
    let mut out = String::new();
    for (name, text) in FILES {
        if wanted.contains(name) {
            out.push_str(&format!("/* ---- {name} ---- */\n"));
            out.push_str(text);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_two_files_define_the_same_function() {
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (file, text) in FILES {
            for line in
                // Lines of a macro name their function by a parameter.
                text.lines().filter(|l| {
                    l.contains("EW_FN ") && l.contains('(') && !l.contains("#define") && !l.ends_with('\\')
                })
            {
                let name = line.split('(').next().and_then(|l| l.split([' ', '*']).next_back()).unwrap_or("");
                let before = known.insert(name, file);
                assert!(before.is_none_or(|b| b == *file), "{name} stands in {before:?} and {file}");
            }
        }
        assert!(known.len() > 100, "{}", known.len());
    }
}
