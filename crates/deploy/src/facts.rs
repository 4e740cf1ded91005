//! What clients ask about an impulse.

use crate::{Library, text::json};
use edgewright_compile::FileTree;
use edgewright_impulse::{Fit, Task, post::cells::Detector};

/// Number of the block whose threshold clients may set.
pub(crate) const DETECTION_ID: u32 = 2;

/// What clients ask about an impulse.
pub(crate) struct Facts {
    pub labels: Vec<String>,
    /// Index of the first label among the outputs, and of the anomaly score.
    pub labels_at: usize,
    pub anomaly_at: Option<usize>,
    /// Index of the first cell's scores among the outputs, and what makes boxes of them.
    pub detector: Option<(usize, Detector)>,
    pub outputs: usize,
    pub sensor: i32,
    /// Width, height, channels of an image.
    pub image: Option<[usize; 3]>,
    pub fit: Fit,
    /// Values of a message: pixels of an image, else those of the window.
    pub inputs: usize,
    pub slice: usize,
    pub rate: f64,
    pub axes: usize,
}

/// Gathers them.
pub(crate) fn facts(library: &Library<'_>) -> Facts {
    let window = &library.impulse.window;
    let axes = window.axes.len();
    let mut f = Facts {
        labels: Vec::new(),
        labels_at: 0,
        anomaly_at: None,
        detector: None,
        outputs: 0,
        sensor: -1,
        image: window.image.map(|(w, h)| [w, h, axes]),
        fit: window.fit,
        inputs: window.values(),
        slice: (window.frames / 4).max(1) * axes,
        rate: window.rate_hz,
        axes,
    };
    for learn in &library.impulse.learn {
        match &learn.task {
            Task::Classification { labels, .. } => {
                f.labels.clone_from(labels);
                f.labels_at = f.outputs;
            }
            Task::Detection(d) => {
                f.labels.clone_from(&d.labels);
                f.detector = Some((f.outputs, d.clone()));
            }
            Task::Regression => {
                f.labels = vec!["value".into()];
                f.labels_at = f.outputs;
            }
            Task::Anomaly { .. } => f.anomaly_at = Some(f.outputs),
        }
        f.outputs += learn.graph.tensor(learn.graph.outputs[0]).len();
    }
    if let Some([w, h, _]) = f.image {
        f.inputs = w * h;
        f.slice = f.inputs;
        f.sensor = 3;
    } else if window.axes.iter().all(|a| a.units == "wav") {
        f.sensor = 1;
    } else if window.axes.iter().any(|a| a.name.to_lowercase().starts_with("acc") || a.units == "m/s2") {
        f.sensor = 2;
    }
    f
}

/// A number of what is computed, above 0 and below 2^31: runners keep what they downloaded under it and fetch anew when it changes.
pub fn version(files: &FileTree) -> u32 {
    // FNV-1a over names and contents.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, bytes) in files {
        for byte in name.bytes().chain([0]).chain(bytes.iter().copied()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    ((hash ^ (hash >> 32)) as u32 & 0x7fff_ffff).max(1)
}

/// The project as runners are told of it.
pub(crate) fn project(library: &Library<'_>) -> String {
    let name = json(&library.impulse.name);
    let version = version(library.files);
    format!(
        "{{\"id\":1,\"owner\":\"edgewright\",\"name\":{name},\"deploy_version\":{version},\"impulse_id\":1,\"impulse_name\":{name}}}"
    )
}

/// What runners ask of a model.
pub(crate) fn parameters(f: &Facts) -> String {
    let labels: Vec<String> = f.labels.iter().map(|l| json(l)).collect();
    let [width, height, channels] = f.image.unwrap_or([0; 3]);
    let interval = if f.rate > 0.0 { 1000.0 / f.rate } else { 0.0 };
    format!(
        "{{\"input_features_count\":{},\"sensor\":{},\"frequency\":{},\"interval_ms\":{interval},\"axis_count\":{},\"image_input_width\":{width},\"image_input_height\":{height},\"image_input_frames\":{},\"image_channel_count\":{channels},\"image_resize_mode\":\"{}\",\"label_count\":{},\"labels\":[{}],\"has_anomaly\":{},\"has_object_tracking\":false,\"model_type\":\"{}\",\"slice_size\":{},\"use_continuous_mode\":{},\"has_performance_calibration\":false,\"inferencing_engine\":255,\"thresholds\":[{}]}}",
        f.inputs,
        f.sensor,
        f.rate,
        f.axes,
        u8::from(f.image.is_some()),
        match (f.image, f.fit) {
            (None, _) => "none",
            (_, Fit::Squash) => "squash",
            (_, Fit::FitShortest) => "fit-shortest",
            (_, Fit::FitLongest) => "fit-longest",
        },
        f.labels.len(),
        labels.join(","),
        u8::from(f.anomaly_at.is_some()),
        if f.detector.is_some() { "constrained_object_detection" } else { "classification" },
        f.slice,
        f.sensor == 1,
        f.detector.as_ref().map_or(String::new(), |(_, d)| {
            format!("{{\"id\":{DETECTION_ID},\"type\":\"object_detection\",\"min_score\":{}}}", d.threshold)
        })
    )
}
