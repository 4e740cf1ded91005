//! Packages that a compiler finishes (a Linux executable, a WebAssembly module), and the contract of custom deployments.

use crate::{
    Library, VERSION, seal, selftest,
    text::{json, literal},
};
use edgewright_compile::FileTree;
use edgewright_impulse::{Fit, Task, post::cells::Detector};

/// Sources of a package that a compiler has to finish.
#[derive(Clone, Debug)]
pub struct Sources {
    /// All files, headers included.
    pub files: FileTree,
    /// Names of the files to compile.
    pub compile: Vec<String>,
}

/// Number of the block whose threshold clients may set.
const DETECTION_ID: u32 = 2;

/// What clients ask about an impulse.
struct Facts {
    labels: Vec<String>,
    /// Index of the first label among the outputs, and of the anomaly score.
    labels_at: usize,
    anomaly_at: Option<usize>,
    /// Index of the first cell's scores among the outputs, and what makes boxes of them.
    detector: Option<(usize, Detector)>,
    outputs: usize,
    sensor: i32,
    /// Width, height, channels of an image.
    image: Option<[usize; 3]>,
    fit: Fit,
    /// Values of a message: pixels of an image, else those of the window.
    inputs: usize,
    slice: usize,
    rate: f64,
    axes: usize,
}

fn facts(library: &Library<'_>) -> Facts {
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

fn project(library: &Library<'_>) -> String {
    let name = json(&library.impulse.name);
    let version = version(library.files);
    format!(
        "{{\"id\":1,\"owner\":\"edgewright\",\"name\":{name},\"deploy_version\":{version},\"impulse_id\":1,\"impulse_name\":{name}}}"
    )
}

fn parameters(f: &Facts) -> String {
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

/// Sources of a Linux executable that serves an impulse over a socket.
pub fn eim(library: &Library<'_>) -> Sources {
    let p = library.prefix;
    let u = p.to_uppercase();
    let f = facts(library);
    let mut labels: Vec<String> = f.labels.iter().map(|l| literal(&json(l))).collect();
    if labels.is_empty() {
        labels.push("\"\"".into());
    }
    let anomaly = f.anomaly_at.map_or("-1".to_owned(), |a| a.to_string());
    let boxes = f.detector.as_ref().map_or(String::new(), |(at, d)| {
        format!(
            "#define EIM_BOX_MAX {u}_BOX_MAX\n#define EIM_BOX {p}_box\n#define EIM_DECODE {p}_decode\n#define EIM_CELLS_AT {at}\n#define EIM_BOX_THRESHOLD {:?}f\n#define EIM_BOX_THRESHOLD_ID {DETECTION_ID}\n",
            d.threshold
        )
    });
    let test = selftest::c(library);
    let told = seal::manifest(library, &seal::EIM, test.is_some().then_some("--self-test"));
    let [(_, terms), (_, mit), (_, apache)] = library.about.files();
    let texts = format!(
        "#define EIM_MANIFEST {}\n#define EIM_PROOF {}\n#define EIM_LICENCE {}\n{}",
        literal(&told),
        literal(library.proof.unwrap_or("null\n")),
        literal(&format!("{terms}\n----\n\n{mit}\n----\n\n{apache}")),
        if test.is_some() {
            format!("#define EIM_SELFTEST {p}_selftest\nint {p}_selftest(void);\n")
        } else {
            String::new()
        },
    );
    let config = format!(
        "#include \"{p}.h\"\n{texts}#define EIM_ARENA_SIZE {u}_ARENA_SIZE\n#define EIM_WINDOW_LEN {u}_WINDOW_LEN\n#define EIM_FEATURE_COUNT {u}_FEATURE_COUNT\n#define EIM_OUTPUT_COUNT {u}_OUTPUT_COUNT\n#define EIM_HANDLE {p}_t\n#define EIM_SIGNAL {p}_signal\n#define EIM_SIGNAL_F32 {p}_signal_f32\n#define EIM_INIT {p}_init\n#define EIM_EXTRACT {p}_extract\n#define EIM_INVOKE {p}_invoke\n#define EIM_INPUT_COUNT {}\n#define EIM_SLICE_SIZE {}\n#define EIM_CHANNELS {}\n#define EIM_LABEL_COUNT {}\n#define EIM_LABELS_AT {}\n#define EIM_ANOMALY_AT ({anomaly})\n{boxes}#define EIM_LABELS {{{}}}\n#define EIM_PROJECT {}\n#define EIM_PARAMETERS {}\n",
        f.inputs,
        f.slice,
        f.image.map_or(0, |i| i[2]),
        f.labels.len(),
        f.labels_at,
        labels.join(", "),
        // Text of a format: a per cent sign would begin a conversion.
        literal(&project(library).replace('%', "%%")),
        literal(&parameters(&f).replace('%', "%%")),
    );
    let mut files = library.files.clone();
    files.insert("eim_config.h".into(), config.into_bytes());
    files.insert("eim.c".into(), include_bytes!("../../../runtime/c/eim/eim.c").to_vec());
    let mut compile = vec!["eim.c".into(), format!("{p}.c")];
    if let Some(test) = test {
        files.insert("selftest.c".into(), format!("#define EW_SELFTEST_NO_MAIN\n{test}").into_bytes());
        compile.push("selftest.c".into());
    }
    Sources { files, compile }
}

/// Sources of a WebAssembly module.
pub fn wasm(library: &Library<'_>) -> Sources {
    let p = library.prefix;
    let u = p.to_uppercase();
    let config = format!(
        "#include \"{p}.h\"\n#include <string.h>\n#define WASM_ARENA_SIZE {u}_ARENA_SIZE\n#define WASM_WINDOW_LEN {u}_WINDOW_LEN\n#define WASM_FEATURE_COUNT {u}_FEATURE_COUNT\n#define WASM_OUTPUT_COUNT {u}_OUTPUT_COUNT\n#define WASM_HANDLE {p}_t\n#define WASM_SIGNAL {p}_signal\n#define WASM_SIGNAL_F32 {p}_signal_f32\n#define WASM_INIT {p}_init\n#define WASM_EXTRACT {p}_extract\n#define WASM_INVOKE {p}_invoke\n"
    );
    let mut files = library.files.clone();
    files.insert("wasm_config.h".into(), config.into_bytes());
    for (name, bytes) in [
        ("shim.c", include_bytes!("../../../runtime/wasm/shim.c").as_slice()),
        ("include/math.h", include_bytes!("../../../runtime/wasm/include/math.h")),
        ("include/string.h", include_bytes!("../../../runtime/wasm/include/string.h")),
    ] {
        files.insert(name.into(), bytes.to_vec());
    }
    Sources { files, compile: vec!["shim.c".into(), format!("{p}.c")] }
}

/// The package around a compiled module: without and with SIMD instructions.
pub fn wasm_package(library: &Library<'_>, scalar: Vec<u8>, simd: Vec<u8>) -> FileTree {
    let p = library.prefix;
    let f = facts(library);
    let window = &library.impulse.window;
    let mut outputs: Vec<String> = Vec::new();
    for learn in &library.impulse.learn {
        match &learn.task {
            Task::Classification { labels, .. } => outputs.extend(labels.iter().map(|l| json(l))),
            Task::Regression => outputs.push("\"value\"".into()),
            Task::Detection(d) => {
                // One for each score of each cell, row by row.
                let names = || std::iter::once("background").chain(d.labels.iter().map(String::as_str));
                for cell in 0..d.rows * d.columns {
                    outputs.extend(names().map(|l| json(&format!("{l} {cell}"))));
                }
            }
            Task::Anomaly { .. } => outputs.push("\"anomaly\"".into()),
        }
    }
    let image = f.image.map_or("null".to_owned(), |[w, h, _]| format!("[{w}, {h}]"));
    let sensor = ["unknown", "microphone", "motion", "camera"][f.sensor.max(0) as usize];
    let properties = format!(
        "{{ name: {}, window_len: {}, stride_len: {}, rate_hz: {}, axes: {}, image: {image}, sensor: '{sensor}', output_count: {}, outputs: [{}] }}",
        json(&library.impulse.name),
        window.values(),
        window.stride * f.axes,
        f.rate,
        f.axes,
        f.outputs.max(1),
        outputs.join(", ")
    );
    let fill = |text: &str| text.replace("@P@", p).replace("@PROPERTIES@", &properties).into_bytes();
    let tree = FileTree::from([
        (format!("{p}.wasm"), scalar),
        (format!("{p}-simd.wasm"), simd),
        (format!("{p}.js"), fill(include_str!("../../../runtime/wasm/module.js"))),
        ("example.js".into(), fill(include_str!("../../../runtime/wasm/example.js"))),
        ("index.html".into(), fill(include_str!("../../../runtime/wasm/index.html"))),
        (
            "README.md".into(),
            fill(
                "# @P@\n\nWebAssembly for browsers and Node.js, without dependencies. `node example.js windows.f32` classifies windows of\nsingle-precision values; `index.html` classifies from the microphone, the motion sensors or the camera when this\nfolder is served over HTTP.\n",
            ),
        ),
    ]);
    seal::sealed(library, &seal::WASM, tree)
}

/// What an external deployment process is given: the sources and `deployment-metadata.json`.
pub(crate) fn custom(library: &Library<'_>) -> FileTree {
    let f = facts(library);
    let mut tree: FileTree = library
        .files
        .iter()
        .map(|(path, bytes)| (format!("edgewright-library/{path}"), bytes.clone()))
        .collect();
    let dsp: Vec<String> = library
        .impulse
        .dsp
        .iter()
        .map(|b| {
            format!(
                "{{\"id\": {}, \"type\": {}, \"version\": {}, \"features\": {}}}",
                json(&b.id),
                json(&b.block),
                b.version,
                b.features()
            )
        })
        .collect();
    let learn: Vec<String> = library
        .impulse
        .learn
        .iter()
        .map(|l| {
            let kind = match &l.task {
                Task::Classification { .. } => "classification",
                Task::Regression => "regression",
                Task::Detection(_) => "detection",
                Task::Anomaly { .. } => "anomaly",
            };
            format!("{{\"id\": {}, \"type\": \"{kind}\", \"macs\": {}}}", json(&l.id), l.graph.macs())
        })
        .collect();
    let text = format!(
        "{{\n  \"version\": 1,\n  \"generator\": \"edgewright {VERSION}\",\n  \"folders\": {{\"input\": \".\", \"library\": \"edgewright-library\", \"output\": \"output\"}},\n  \"prefix\": {},\n  \"target\": {{\"id\": {}, \"isa\": {}}},\n  \"project\": {},\n  \"model_parameters\": {},\n  \"dsp_blocks\": [{}],\n  \"learn_blocks\": [{}]\n}}\n",
        json(library.prefix),
        json(&library.target.id),
        json(&library.target.isa),
        project(library),
        parameters(&f),
        dsp.join(", "),
        learn.join(", ")
    );
    tree.insert("deployment-metadata.json".into(), text.into_bytes());
    tree.insert(
        "README.md".into(),
        b"# Custom deployment\n\nAn external process reads `deployment-metadata.json`, takes the sources from the folder it names as `library`, and\nwrites what it makes to the folder it names as `output`. Exit status 0 is success.\n"
            .to_vec(),
    );
    tree
}
