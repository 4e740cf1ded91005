//! Packages that a compiler finishes: Linux programs, a WebAssembly module.

use crate::{Library, facts::facts, seal, text::json};
pub use crate::{
    facts::version,
    linux::{eim, server, server_package},
    oci::{Machine, image},
};
use edgewright_compile::FileTree;
use edgewright_impulse::Task;

/// Sources of a package that a compiler has to finish.
#[derive(Clone, Debug)]
pub struct Sources {
    /// All files, headers included.
    pub files: FileTree,
    /// Names of the files to compile.
    pub compile: Vec<String>,
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
