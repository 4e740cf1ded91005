//! The names that firmware for Edge Impulse's C++ SDK calls, over the C library: a package of its own, and part of the Arduino library.

use crate::{
    DeployError, Library, VERSION,
    embedded::put,
    facts::{DETECTION_ID, Facts, facts, version},
    text::literal,
};
use edgewright_compile::FileTree;
use edgewright_impulse::{Fit, Task};

macro_rules! adapter {
    ($($name:literal),*) => {
        &[$((concat!("edge-impulse-sdk/", $name), include_str!(concat!("../../../runtime/cpp/", $name)))),*]
    };
}

/// Files that are the same for every model.
const FILES: &[(&str, &str)] = adapter!(
    "classifier/ei_c_linkage.cpp",
    "classifier/ei_classifier_smooth.h",
    "classifier/ei_classifier_types.h",
    "classifier/ei_constants.h",
    "classifier/ei_impulse_errors.h",
    "classifier/ei_model_types.h",
    "classifier/ei_print_results.h",
    "classifier/ei_run_classifier.h",
    "dsp/image/image.hpp",
    "dsp/image/processing.hpp",
    "dsp/numpy.hpp",
    "dsp/numpy_types.h",
    "porting/ei_classifier_porting.h",
    "porting/ei_logging.h",
    "porting/ei_porting.cpp"
);

/// Puts the adapter below `root`; `library` is the path of the C header as `model-parameters` sees it.
///
/// # Errors
/// [`DeployError::Unfit`] when the impulse has no code.
pub(crate) fn adapter(
    library: &Library<'_>,
    tree: &mut FileTree,
    root: &str,
    header: &str,
) -> Result<(), DeployError> {
    let unfit = |e: edgewright_compile::CompileError| DeployError::Unfit {
        kind: "cpp".into(),
        reason: e.to_string(),
    };
    let layout = edgewright_compile::layout(library.impulse, library.target).map_err(unfit)?;
    let at = |name: &str| layout.memory.iter().find(|m| m.name == name).map(|m| m.offset);
    let f = facts(library);
    for (name, text) in FILES {
        put(tree, &format!("{root}{name}"), *text);
    }
    put(tree, &format!("{root}model-parameters/model_metadata.h"), metadata(library, &f));
    // The plan has the features first, and the outputs of a picture's cells where there are any.
    let outputs = f.detector.as_ref().and_then(|_| at("outputs"));
    let variables = variables(library, &f, header, at("features").unwrap_or(0), outputs);
    put(tree, &format!("{root}model-parameters/model_variables.h"), variables);
    Ok(())
}

/// `model_metadata.h`: what firmware asks about the model, for the preprocessor.
fn metadata(library: &Library<'_>, f: &Facts) -> String {
    let (p, u, impulse) = (library.prefix, library.prefix.to_uppercase(), library.impulse);
    let window = &impulse.window;
    let name = literal(&impulse.name);
    let int8 = impulse.learn.iter().any(|l| l.graph.tensors.iter().any(|t| t.quant.is_some()));
    let (samples, per_frame) = match f.image {
        Some([w, h, _]) => (w * h, 1),
        None => (window.frames, f.axes),
    };
    let [width, height, _] = f.image.unwrap_or([0; 3]);
    let axes: Vec<&str> = window.axes.iter().map(|a| a.name.as_str()).collect();
    let interval = if f.rate > 0.0 { 1000.0 / f.rate } else { 0.0 };
    let threshold = match (&f.detector, impulse.min_confidence()) {
        (Some((_, d)), _) => d.threshold,
        (None, Some(least)) => least,
        (None, None) => 0.6,
    };
    let boxes = f.detector.as_ref().map_or(0, |(_, d)| d.most());
    let results = match (&f.detector, impulse.learn.iter().any(|l| matches!(l.task, Task::Regression))) {
        (Some(_), _) => "OBJECT_DETECTION",
        (None, true) => "REGRESSION",
        (None, false) if f.labels.is_empty() => "NONE",
        (None, false) => "CLASSIFICATION",
    };
    format!(
        r#"/* What firmware asks about the model {p}. Made by edgewright {VERSION}; do not edit. */
#ifndef EW_MODEL_METADATA_H
#define EW_MODEL_METADATA_H

#include "../edge-impulse-sdk/classifier/ei_constants.h"

/* Where in C++ everything lies that depends on the model. */
#define EI_MODEL_NAMESPACE ei_model_{p}

#define EI_CLASSIFIER_PROJECT_ID 1
#define EI_CLASSIFIER_PROJECT_OWNER "edgewright"
#define EI_CLASSIFIER_PROJECT_NAME {name}
#define EI_CLASSIFIER_PROJECT_DEPLOY_VERSION {version}
#define EI_CLASSIFIER_NN_INPUT_FRAME_SIZE {features}
#define EI_CLASSIFIER_RAW_SAMPLE_COUNT {samples}
#define EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME {per_frame}
#define EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE (EI_CLASSIFIER_RAW_SAMPLE_COUNT * EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME)
#define EI_CLASSIFIER_INPUT_WIDTH {width}
#define EI_CLASSIFIER_INPUT_HEIGHT {height}
#define EI_CLASSIFIER_INPUT_FRAMES {frames}
#define EI_CLASSIFIER_INTERVAL_MS {interval}
#define EI_CLASSIFIER_FREQUENCY {rate}
#define EI_CLASSIFIER_NN_OUTPUT_COUNT {nn_outputs}
#define EI_CLASSIFIER_LABEL_COUNT {labels}
#define EI_CLASSIFIER_HAS_ANOMALY {anomaly} /* whichever method */
#define EI_CLASSIFIER_HAS_VISUAL_ANOMALY 0
#define EI_CLASSIFIER_SENSOR {sensor}
#define EI_CLASSIFIER_FUSION_AXES_STRING {fusion}
#define EI_CLASSIFIER_THRESHOLD {threshold:?}f
#define EI_CLASSIFIER_RESULTS_TYPE EI_CLASSIFIER_TYPE_{results}
#define EI_CLASSIFIER_OBJECT_DETECTION {detection}
#define EI_CLASSIFIER_OBJECT_DETECTION_COUNT {boxes}
#define EI_CLASSIFIER_OBJECT_DETECTION_LAST_LAYER EI_CLASSIFIER_LAST_LAYER_{last}
#define EI_CLASSIFIER_RESIZE_MODE EI_CLASSIFIER_RESIZE_{resize}
#define EI_CLASSIFIER_INFERENCING_ENGINE EI_CLASSIFIER_NONE
#define EI_CLASSIFIER_COMPILED 1
#define EI_CLASSIFIER_QUANTIZATION_ENABLED {int8}
#define EI_CLASSIFIER_TFLITE_LARGEST_ARENA_SIZE {arena}
#define EI_CLASSIFIER_CALIBRATION_ENABLED 0
#define EI_CLASSIFIER_OBJECT_TRACKING_ENABLED 0
#define EI_CLASSIFIER_OBJECT_COUNTING_ENABLED 0
#define EI_CLASSIFIER_FREEFORM_OUTPUT 0
#define EI_CLASSIFIER_HAS_DATA_NORMALIZATION 0
#define EI_CLASSIFIER_HR_ENABLED 0

/* Define EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW before the first include for other slices. */
#ifndef EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW
#define EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW 4
#endif
#define EI_CLASSIFIER_SLICE_SIZE (EI_CLASSIFIER_RAW_SAMPLE_COUNT / EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW)

/* The release whose names these are. */
#define EI_STUDIO_VERSION_MAJOR 1
#define EI_STUDIO_VERSION_MINOR 93
#define EI_STUDIO_VERSION_PATCH 20

#endif /* {u} */
"#,
        version = version(library.files),
        features = impulse.features(),
        frames = u8::from(f.image.is_some()),
        rate = f.rate,
        nn_outputs = f.outputs - usize::from(f.anomaly_at.is_some()),
        labels = f.labels.len(),
        anomaly = u8::from(f.anomaly_at.is_some()),
        sensor = match f.sensor {
            1 => "EI_CLASSIFIER_SENSOR_MICROPHONE",
            2 => "EI_CLASSIFIER_SENSOR_ACCELEROMETER",
            3 => "EI_CLASSIFIER_SENSOR_CAMERA",
            _ => "EI_CLASSIFIER_SENSOR_UNKNOWN",
        },
        fusion = literal(&axes.join(" + ")),
        detection = u8::from(f.detector.is_some()),
        last = if f.detector.is_some() { "FOMO" } else { "UNKNOWN" },
        resize = match (f.image, f.fit) {
            (None, _) => "NONE",
            (_, Fit::Squash) => "SQUASH",
            (_, Fit::FitShortest) => "FIT_SHORTEST",
            (_, Fit::FitLongest) => "FIT_LONGEST",
        },
        int8 = u8::from(int8),
        arena = edgewright_compile::layout(impulse, library.target).map_or(0, |l| l.arena_bytes),
    )
}

/// `model_variables.h`: the C library for the adapter, and the names of the labels.
fn variables(
    library: &Library<'_>,
    f: &Facts,
    header: &str,
    features_at: usize,
    outputs_at: Option<usize>,
) -> String {
    let (p, u) = (library.prefix, library.prefix.to_uppercase());
    let mut labels: Vec<String> = f.labels.iter().map(|l| literal(l)).collect();
    let count = labels.len().max(1);
    if labels.is_empty() {
        labels.push("\"\"".into());
    }
    let labels = labels.join(", ");
    let blocks: Vec<String> = library.impulse.dsp.iter().map(|b| format!("{}u", b.features())).collect();
    let (detector, at, threshold) = match &f.detector {
        Some((at, d)) => {
            (format!("#define EW_MODEL_BOX {p}_box\n#define EW_MODEL_DECODE {p}_decode\n"), *at, d.threshold)
        }
        None => (String::new(), f.labels_at, 0.0),
    };
    format!(
        r#"/* The C library of {p} for the files of edge-impulse-sdk. Made by edgewright {VERSION}; do not edit. */
#ifndef EW_MODEL_VARIABLES_H
#define EW_MODEL_VARIABLES_H

#include "{header}"
#include "model_metadata.h"

#define EW_MODEL_HANDLE {p}_t
#define EW_MODEL_SIGNAL {p}_signal
#define EW_MODEL_INIT {p}_init
#define EW_MODEL_EXTRACT {p}_extract
#define EW_MODEL_INVOKE {p}_invoke
#define EW_MODEL_OK {u}_OK
#define EW_MODEL_NOT_FINITE {u}_ERROR_NOT_FINITE
#define EW_MODEL_ARENA_SIZE {u}_ARENA_SIZE
#define EW_MODEL_WINDOW_LEN {u}_WINDOW_LEN
#define EW_MODEL_FEATURE_COUNT {u}_FEATURE_COUNT
#define EW_MODEL_OUTPUT_COUNT {u}_OUTPUT_COUNT
#define EW_MODEL_CHANNELS {channels}
#define EW_MODEL_LABELS_AT {at}
#define EW_MODEL_ANOMALY_AT {anomaly}
/* Where {p}_classify has the features in the arena, and many outputs; so calling it in parts needs no other memory. */
#define EW_MODEL_FEATURES_AT {features_at}
#define EW_MODEL_OUTPUTS_AT {outputs}
#define EW_MODEL_BLOCK_FEATURES {{{blocks}}}
#define EW_MODEL_THRESHOLD_ID {DETECTION_ID}
#define EW_MODEL_BOX_THRESHOLD {threshold:?}f
{detector}
inline namespace EI_MODEL_NAMESPACE {{

template <int N>
struct ew_names {{
    static const char *const labels[{count}];
}};
template <int N>
const char *const ew_names<N>::labels[{count}] = {{{labels}}};

#if defined(__GNUC__) || defined(__clang__)
__attribute__((unused))
#endif
static const char *ei_classifier_inferencing_categories[{count}] = {{{labels}}};

}}

#endif
"#,
        channels = f.image.map_or(0, |i| i[2]),
        anomaly = f.anomaly_at.unwrap_or(0),
        outputs = outputs_at.map_or("(-1)".to_owned(), |o| o.to_string()),
        blocks = blocks.join(", "),
    )
}

/// The package: adapter, C library, a program for the desktop.
///
/// # Errors
/// [`DeployError::Unfit`] when the impulse has no code.
pub(crate) fn cpp(library: &Library<'_>) -> Result<FileTree, DeployError> {
    let p = library.prefix;
    let mut tree = FileTree::new();
    adapter(library, &mut tree, "", &format!("../model/{p}.h"))?;
    for end in ["c", "h"] {
        if let Some(bytes) = library.files.get(&format!("{p}.{end}")) {
            tree.insert(format!("model/{p}.{end}"), bytes.clone());
        }
    }
    let fill = |text: &str| text.replace("@P@", p);
    put(&mut tree, "source/main.cpp", include_str!("../../../runtime/cpp/package/main.cpp"));
    put(&mut tree, "Makefile", fill(include_str!("../../../runtime/cpp/package/Makefile")));
    put(&mut tree, "CMakeLists.txt", fill(include_str!("../../../runtime/cpp/package/CMakeLists.txt")));
    put(&mut tree, "README.md", fill(include_str!("../../../runtime/cpp/package/README.md")));
    Ok(tree)
}
