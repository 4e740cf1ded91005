//! Every package is whole, says its hashes, and its example compiles without warnings; where a program comes out, it runs.

use edgewright_compile::{FileTree, Options, compile, prefix, target};
use edgewright_deploy::{About, KINDS, Library, files, native, zip};
use edgewright_dsp::Params;
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Task, Window};
use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Tensor, TensorId};
use edgewright_sample::Axis;
use edgewright_toolchain::{Compiler, host_build, host_compilers, run};
use std::{fs, path::Path, time::Duration};

/// Raw values of three axes into two labels.
fn impulse() -> Impulse {
    let axis = |name: &str| Axis { name: name.into(), units: "m/s2".into() };
    let window = Window {
        frames: 12,
        stride: 6,
        rate_hz: 50.0,
        axes: vec![axis("accX"), axis("accY"), axis("accZ")],
        zero_pad: true,
        image: None,
        fit: Default::default(),
    };
    let block = DspBlock::new("raw", "raw", 1, Params::new(), vec![0, 1, 2], &window).expect("a block");
    let mut graph = Graph { name: "net".into(), ..Graph::default() };
    let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| -> TensorId {
        graph.push_tensor(Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            dtype: DType::F32,
            quant: None,
            data: data.map(Data::F32),
        })
    };
    let x = tensor("x", &[36], None);
    let w = tensor("w", &[2, 36], Some((0..72).map(|i| (i % 7) as f32 * 0.1 - 0.3).collect()));
    let b = tensor("b", &[2], Some(vec![0.1, -0.1]));
    let y = tensor("y", &[2], None);
    let z = tensor("z", &[2], None);
    graph.inputs.push(x);
    graph.outputs.push(z);
    let dense = Op::FullyConnected { activation: Activation::None };
    graph.nodes.push(Node { name: "dense".into(), op: dense, inputs: vec![x, w, b], output: y });
    graph.nodes.push(Node { name: "softmax".into(), op: Op::Softmax, inputs: vec![y], output: z });
    let task = Task::Classification {
        labels: vec!["still {}".into(), "100 % \"moved\"".into()],
        min_confidence: Some(0.6),
    };
    let learn = LearnBlock { id: "net".into(), task, inputs: vec![0], graph };
    Impulse { name: "My gestures".into(), window, dsp: vec![block], learn: vec![learn] }
}

fn write(dir: &Path, tree: &FileTree) {
    for (path, bytes) in tree {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// Headers of a kit, as far as the example needs them.
const KITS: &[(&str, &str)] = &[
    (
        "Arduino.h",
        "#include <cstdio>\n#include <cstdint>\nstruct Port { void begin(long) {} void print(const char *t) { std::printf(\"%s\", t); } void print(char c) { std::printf(\"%c\", c); } void println(double v, int) { std::printf(\"%f\\n\", v); } void println(const char *t) { std::printf(\"%s\\n\", t); } void printlnf(const char *f, const char *n, double v) { std::printf(f, n, v); } };\nstatic Port Serial;\nstatic inline void delayMicroseconds(unsigned int) {}\n",
    ),
    ("Particle.h", "#include \"Arduino.h\"\n"),
    ("zephyr/kernel.h", "#include <stdint.h>\nstatic inline int32_t k_usleep(int32_t us) { return us; }\n"),
    ("zephyr/sys/printk.h", "#include <stdio.h>\n#define printk printf\n"),
    ("freertos/FreeRTOS.h", "#define pdMS_TO_TICKS(ms) (ms)\n"),
    (
        "freertos/task.h",
        "static inline void vTaskDelay(unsigned long t) { (void)t; }\nvoid app_main(void);\n",
    ),
    (
        "jni.h",
        "#include <stdint.h>\n#define JNIEXPORT\n#define JNICALL\ntypedef int32_t jint, jsize;\ntypedef int64_t jlong;\ntypedef struct ew_object *jobject;\ntypedef jobject jclass, jarray, jfloatArray;\nstruct JNINativeInterface_;\ntypedef const struct JNINativeInterface_ *JNIEnv;\nstruct JNINativeInterface_ {\n    jclass (*FindClass)(JNIEnv *, const char *);\n    jint (*ThrowNew)(JNIEnv *, jclass, const char *);\n    jsize (*GetArrayLength)(JNIEnv *, jarray);\n    jfloatArray (*NewFloatArray)(JNIEnv *, jsize);\n    void (*GetFloatArrayRegion)(JNIEnv *, jfloatArray, jsize, jsize, float *);\n    void (*SetFloatArrayRegion)(JNIEnv *, jfloatArray, jsize, jsize, const float *);\n};\njlong Java_edgewright_mygestures_Model_create(JNIEnv *, jclass);\nvoid Java_edgewright_mygestures_Model_destroy(JNIEnv *, jclass, jlong);\nvoid Java_edgewright_mygestures_Model_reset(JNIEnv *, jclass, jlong);\njfloatArray Java_edgewright_mygestures_Model_classify(JNIEnv *, jclass, jlong, jfloatArray);\n",
    ),
    (
        "pico/stdlib.h",
        "static inline void stdio_init_all(void) {}\nstatic inline void sleep_us(unsigned long us) { (void)us; }\n",
    ),
];

fn build(dir: &Path, compiler: &Compiler, flags: &[&str], sources: &[&str]) {
    let mut all = vec!["-O1", "-Wall", "-Wextra", "-Werror", "-Ikits", "-Iinclude", "-Isrc", "-IInclude"];
    all.extend(["-I.", "-Iedgewright-library", "-Iapp/src/main/cpp"]);
    all.extend(flags);
    host_build(compiler, dir, &all, sources, "program").unwrap_or_else(|e| panic!("{sources:?}: {e}"));
}

/// Calls the functions of a package for Android as a virtual machine does, of the self-test's first window.
const MACHINE: &str = r#"
#include <jni.h>
#include <stdio.h>
#include <string.h>
static float arrays[2][64];
static jsize lengths[2] = {36, 0};
static char thrown[200];
static jclass find_class(JNIEnv *env, const char *name) { (void)env; return (jclass)(void *)(uintptr_t)name; }
static jint throw_new(JNIEnv *env, jclass type, const char *words) { (void)env; (void)type; strcpy(thrown, words); return 0; }
static jsize length(JNIEnv *env, jarray array) { (void)env; return lengths[(uintptr_t)array - 1]; }
static jfloatArray make(JNIEnv *env, jsize n) { (void)env; lengths[1] = n; return (jfloatArray)(uintptr_t)2; }
static void get(JNIEnv *env, jfloatArray a, jsize at, jsize n, float *to) { (void)env; memcpy(to, arrays[(uintptr_t)a - 1] + at, 4u * (size_t)n); }
static void set(JNIEnv *env, jfloatArray a, jsize at, jsize n, const float *from) { (void)env; memcpy(arrays[(uintptr_t)a - 1] + at, from, 4u * (size_t)n); }
static const struct JNINativeInterface_ table = {find_class, throw_new, length, make, get, set};
int main(void)
{
    JNIEnv env = &table;
    const jlong model = Java_edgewright_mygestures_Model_create(&env, NULL);
    jfloatArray out = Java_edgewright_mygestures_Model_classify(&env, NULL, model, (jfloatArray)(uintptr_t)1);
    if (model == 0 || out == NULL || lengths[1] != 3) {
        return 1;
    }
    printf("%.9g %.9g uncertain %.1f\n", arrays[1][0], arrays[1][1], arrays[1][2]);
    lengths[0] = 35;
    if (Java_edgewright_mygestures_Model_classify(&env, NULL, model, (jfloatArray)(uintptr_t)1) != NULL || thrown[0] == 0) {
        return 2;
    }
    thrown[0] = 0;
    Java_edgewright_mygestures_Model_reset(&env, NULL, model);
    if (thrown[0] != 0) {
        return 3;
    }
    Java_edgewright_mygestures_Model_destroy(&env, NULL, model);
    /* What a closed model has. */
    Java_edgewright_mygestures_Model_reset(&env, NULL, 0);
    return strcmp(thrown, "the model is closed") == 0 ? 0 : 4;
}
"#;

#[test]
fn every_package_compiles_and_names_its_files() {
    let impulse = impulse();
    let p = prefix(&impulse.name);
    let about = About {
        vendor: "Acme Sensors".into(),
        url: "https://acme.test/models/".into(),
        licence: "LicenseRef-Acme".into(),
        text: Some("All rights reserved.\n".into()),
    };
    about.check().expect("is good");
    let compiler = host_compilers().into_iter().next().expect("a C compiler");
    for kind in KINDS
        .iter()
        .map(|k| k.name)
        .filter(|k| !["cpp", "eim", "server", "oci", "wasm", "openmv", "rust"].contains(k))
    {
        let target = target::all().iter().find(|t| t.id == "cortex-m4f").expect("a target");
        let emitted = compile(&impulse, target, &Options::default()).expect("compiled");
        let proof = Some("{\"records\": []}\n");
        let library =
            Library { files: &emitted, prefix: &p, impulse: &impulse, target, about: &about, proof };
        let tree = files(&library, kind).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(zip(&tree).expect("packed"), zip(&files(&library, kind).expect("again")).expect("packed"));
        assert!(tree.keys().all(|k| k.len() <= 100), "{kind}: a path is too long");
        let root = if kind == "arduino" { format!("{p}/") } else { String::new() };
        let text = |name: &str| {
            let bytes = tree.get(&format!("{root}{name}")).unwrap_or_else(|| panic!("{kind}: no {name}"));
            String::from_utf8(bytes.clone()).expect("text")
        };
        let sums = text("SHA256SUMS");
        assert_eq!(sums.lines().count() + 1, tree.len(), "{kind}: {sums}");
        for (name, word) in [
            ("LICENSE", "All rights reserved."),
            ("LICENSE-MIT", "Permission is hereby granted"),
            ("LICENSE-APACHE", "Apache License"),
            ("sbom.cdx.json", "\"name\": \"LicenseRef-Acme\""),
            ("proof.json", "records"),
            ("edgewright-manifest.json", "\"report\": \"proof.json\""),
            ("edgewright-manifest.json", "https://acme.test/models/my_gestures"),
        ] {
            assert!(text(name).contains(word), "{kind}: {name} without {word:?}:\n{}", text(name));
        }
        for (path, bytes) in &tree {
            assert!(!String::from_utf8_lossy(bytes).contains("example.com"), "{kind}: {path}");
            if path.ends_with(".json")
                && let Err(e) = serde_json::from_slice::<serde_json::Value>(bytes)
            {
                panic!("{kind}: {path}: {e}");
            }
            if [".xml", ".pdsc", ".ewp", ".eww", ".ipcf", ".uvprojx"].iter().any(|e| path.ends_with(e)) {
                well_formed(&String::from_utf8_lossy(bytes))
                    .unwrap_or_else(|e| panic!("{kind}: {path}: {e}"));
            }
        }

        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join(&root);
        write(folder.path(), &tree);
        for (name, text) in KITS {
            write(&dir, &FileTree::from([(format!("kits/{name}"), text.as_bytes().to_vec())]));
        }
        let file = |name: &str| name.replace('@', &p);
        // A C++ program as a kit would make it of a sketch.
        let sketch = |example: &str| {
            let body = fs::read_to_string(dir.join(example)).expect("the example");
            let main = "int main() { setup(); for (int i = 0; i < 60; i++) { loop(); } return 0; }\n";
            fs::write(dir.join("sketch.cpp"), format!("{body}\n{main}")).expect("a sketch");
            let library = file("src/@.c");
            build(&dir, &compiler, &["-c", "-std=c99"], &[&library]);
            fs::rename(dir.join("program"), dir.join("library.o")).expect("an object");
            build(&dir, &compiler, &["-std=c++11", "-lstdc++"], &["sketch.cpp", "library.o", "-lstdc++"]);
        };
        let strict = ["-std=c99", "-pedantic-errors", "-Wconversion", "-Wshadow"];
        let source = tree.keys().find(|k| k.ends_with(&file("/@.c")) || **k == file("@.c")).expect("C");
        let source = source[root.len()..].to_owned();
        match kind {
            "c" => build(&dir, &compiler, &strict, &["example.c", &source]),
            "cmake" | "keil" | "iar" => build(&dir, &compiler, &strict, &["examples/classify.c", &source]),
            "cmsis-pack" | "cube-mx" => build(&dir, &compiler, &strict, &["Template/classify.c", &source]),
            "arduino" | "particle" => sketch("examples/classify/classify.ino"),
            "zephyr" => {
                // Options of all modules share one space, where `SENSOR` is taken.
                assert!(text("Kconfig").starts_with("config EW_MY_GESTURES\n"), "{}", text("Kconfig"));
                build(&dir, &compiler, &["-c"], &["samples/classify/src/main.c"]);
            }
            "esp-idf" => build(&dir, &compiler, &["-c"], &["examples/classify/main/main.c"]),
            "pico-sdk" => build(&dir, &compiler, &["-c"], &["examples/classify/main.c"]),
            "android" => {
                fs::write(dir.join("machine.c"), MACHINE).expect("a program");
                let cpp = "app/src/main/cpp/model_jni.c";
                build(&dir, &compiler, &["-std=c99"], &["machine.c", cpp, &source]);
            }
            "custom" => {
                let text = text("deployment-metadata.json");
                assert!(
                    text.contains("\"labels\":[\"still \\u007b\\u007d\",\"100 % \\\"moved\\\"\"]"),
                    "{text}"
                );
                build(&dir, &compiler, &strict, &["edgewright-library/example.c", &source]);
            }
            other => panic!("{other}: not tested"),
        }
        if !["zephyr", "esp-idf", "pico-sdk"].contains(&kind) {
            let words = run("./program", &[], &dir, Duration::from_secs(20))
                .unwrap_or_else(|e| panic!("{kind}: {e}"));
            // The window of zeros lies on the border: applications say so, the library's example marks it.
            let told = words.contains("uncertain") || words.contains(" ?");
            assert!(
                told && (kind != "c" || words.contains("moved") || words.contains("still")),
                "{kind}: {words}"
            );
        }
        // The self-test sees the reference's bits; with one bit of the weights turned it sees that as well.
        let place = if ["arduino", "particle"].contains(&kind) { "extras/" } else { "" };
        let test = format!("{place}selftest/selftest.c");
        build(&dir, &compiler, &strict, &[&test, &source]);
        let words =
            run("./program", &[], &dir, Duration::from_secs(20)).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert!(words.contains("6 windows agree"), "{kind}: {words}");
        if kind == "c" {
            let code = fs::read_to_string(dir.join(&source)).expect("the library");
            let turned = code.replacen("-3.00000012e-1f", "-3.00000042e-1f", 1);
            assert!(turned != code, "no weight was found");
            fs::write(dir.join(&source), turned).expect("written");
            build(&dir, &compiler, &strict, &[&test, &source]);
            let failed =
                run("./program", &[], &dir, Duration::from_secs(20)).expect_err("differs").to_string();
            assert!(failed.contains("DIFFERS"), "{failed}");
        }
    }
}

/// Whether tags are closed in their order, and nothing stands outside of the one root.
fn well_formed(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut roots = 0;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        if before.contains('>') || (open.is_empty() && !before.trim().is_empty()) {
            return Err(format!("text at {before:?}"));
        }
        let end = tag.find('>').ok_or("a tag is not closed")?;
        let inner = &tag[1..end];
        rest = &tag[end + 1..];
        if inner.starts_with('?') && inner.ends_with('?') {
            continue;
        }
        if let Some(name) = inner.strip_prefix('/') {
            if open.pop() != Some(name.trim()) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let name = inner.split([' ', '/', '\n']).next().unwrap_or_default();
        if name.is_empty() || inner.matches('"').count() % 2 != 0 {
            return Err(format!("<{inner}>"));
        }
        roots += usize::from(open.is_empty());
        if !inner.ends_with('/') {
            open.push(name);
        }
    }
    if !open.is_empty() || roots != 1 {
        return Err(format!("{roots} roots, {open:?} left open"));
    }
    Ok(())
}

#[test]
fn a_library_with_the_name_of_a_file_of_the_runtime_becomes_a_program() {
    let compiler = host_compilers().into_iter().next().expect("a C compiler");
    let host = target::all().iter().find(|t| t.id == "host").expect("host");
    for name in ["model", "server", "http", "json", "reply", "eim", "selftest", "model_config"] {
        let impulse = Impulse { name: name.into(), ..impulse() };
        let p = prefix(name);
        assert_eq!(p, name);
        let emitted = compile(&impulse, host, &Options::default()).expect("compiled");
        let about = About::default();
        let library = Library {
            files: &emitted,
            prefix: &p,
            impulse: &impulse,
            target: host,
            about: &about,
            proof: None,
        };
        for make in [native::eim, native::server] {
            let sources = make(&library);
            for file in ["c", "h"].map(|end| format!("{p}.{end}")) {
                assert!(sources.files.get(&file) == emitted.get(&file), "{file} is another");
            }
            let dir = tempfile::tempdir().expect("a folder");
            write(dir.path(), &sources.files);
            let compile: Vec<&str> = sources.compile.iter().map(String::as_str).collect();
            let flags = ["-std=gnu99", "-O1", "-Wall", "-Wextra", "-Werror"];
            host_build(&compiler, dir.path(), &flags, &compile, "program")
                .unwrap_or_else(|e| panic!("{p}, {compile:?}: {e}"));
            let words = run("./program", &["--self-test".into()], dir.path(), Duration::from_secs(20))
                .unwrap_or_else(|e| panic!("{p}: {e}"));
            assert!(words.contains("agree"), "{p}: {words}");
        }
    }
}

#[test]
fn a_broken_document_is_seen() {
    for broken in ["<a><b></a></b>", "<a>", "<a/><b/>", "<a x=\"1></a>", "x<a/>"] {
        assert!(well_formed(broken).is_err(), "{broken}");
    }
    assert_eq!(well_formed("<?xml?>\n<a x=\"1\">t<b/></a>\n"), Ok(()));
}

#[test]
fn a_program_of_ones_own_makes_a_deployment() {
    let impulse = impulse();
    let p = prefix(&impulse.name);
    let about = About::default();
    let target = target::all().iter().find(|t| t.id == "host").expect("a target");
    let emitted = compile(&impulse, target, &Options::default()).expect("compiled");
    let library =
        Library { files: &emitted, prefix: &p, impulse: &impulse, target, about: &about, proof: None };
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    write(dir, &files(&library, "custom").expect("packed"));
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/deploy-blocks/static_library.py");
    let start = |metadata: &str| {
        let args = [program, "--metadata", metadata].map(String::from);
        run("python3", &args, dir, Duration::from_secs(120))
    };
    let words = start("deployment-metadata.json").unwrap_or_else(|e| panic!("{e}"));
    assert!(words.contains("deploy.zip"), "{words}");
    let file = fs::File::open(dir.join("output/deploy.zip")).expect("what it made");
    let mut made = ::zip::ZipArchive::new(file).expect("an archive");
    made.extract(dir.join("made")).expect("unpacked");
    let told: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("made/about.json")).expect("about")).expect("JSON");
    assert_eq!(
        told,
        serde_json::json!({
            "labels": ["still {}", "100 % \"moved\""], "values": 36, "rate_hz": 50, "learn": ["classification"]
        })
    );
    // What it made is the library: it passes the self-test.
    let compiler = host_compilers().into_iter().next().expect("a C compiler");
    let sources = ["selftest/selftest.c", &format!("made/lib{p}.a")];
    host_build(&compiler, dir, &["-Imade"], &sources, "program").unwrap_or_else(|e| panic!("{e}"));
    let words = run("./program", &[], dir, Duration::from_secs(20)).unwrap_or_else(|e| panic!("{e}"));
    assert!(words.contains("6 windows agree"), "{words}");
    // A version it does not know is refused.
    let text = fs::read_to_string(dir.join("deployment-metadata.json")).expect("metadata");
    fs::write(dir.join("later.json"), text.replacen("\"version\": 1", "\"version\": 2", 1)).expect("written");
    let words = start("later.json").expect_err("refused").to_string();
    assert!(words.contains("knows version 1"), "{words}");
}

#[test]
fn the_crate_tests_itself_and_sees_a_turned_bit() {
    let impulse = impulse();
    let target = target::all().iter().find(|t| t.id == "host").expect("a target");
    let (about, emitted) = (About::default(), FileTree::new());
    let library = Library {
        files: &emitted,
        prefix: "my_gestures",
        impulse: &impulse,
        target,
        about: &about,
        proof: None,
    };
    let tree = files(&library, "rust").expect("packed");
    let manifest: serde_json::Value =
        serde_json::from_slice(&tree["edgewright-manifest.json"]).expect("a manifest");
    assert_eq!(manifest["selftest"], "tests/selftest.rs");
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &tree);
    let test = || {
        let args = ["test", "--offline", "--quiet"].map(String::from);
        run("cargo", &args, folder.path(), Duration::from_secs(500))
    };
    let words = test().unwrap_or_else(|e| panic!("{e}"));
    assert!(words.contains("1 passed"), "{words}");
    let weights = folder.path().join("nn0/src/model.rs");
    let text = fs::read_to_string(&weights).expect("the model");
    let weight = format!("{:#x}", (-0.3f32 + 0.0).to_bits());
    assert!(text.contains(&weight), "no weight was found");
    fs::write(&weights, text.replacen(&weight, "0xbe99999e", 1)).expect("written");
    let failed = test().expect_err("differs").to_string();
    assert!(failed.contains("to rerun pass `--test selftest`"), "{failed}");
}

/// A picture of 8 x 8 pixels through a dense layer.
fn picture(detect: bool) -> Impulse {
    let mut impulse = impulse();
    let axis = |name: &str| Axis { name: name.into(), units: String::new() };
    impulse.window.axes = vec![axis("grey")];
    impulse.window.frames = 36;
    impulse.window.image = Some((6, 6));
    let params = Params::from([("channels".to_owned(), edgewright_dsp::Value::Text("Grayscale".into()))]);
    impulse.dsp =
        vec![DspBlock::new("image", "image", 1, params, vec![0], &impulse.window).expect("a block")];
    if detect {
        impulse.learn[0].task = Task::Regression;
    }
    impulse
}

#[test]
fn a_camera_gets_pictures_and_nothing_else() {
    let about = About::default();
    let target = target::all().iter().find(|t| t.id == "cortex-m7").expect("a target");
    let emitted = FileTree::new();
    let pack = |impulse: &Impulse| {
        let library = Library { files: &emitted, prefix: "cam", impulse, target, about: &about, proof: None };
        files(&library, "openmv")
    };
    let tree = pack(&picture(false)).expect("packed");
    assert_eq!(tree["labels.txt"], b"still {}\n100 % \"moved\"\n");
    assert!(String::from_utf8_lossy(&tree["classify.py"]).contains("sensor.GRAYSCALE"));
    // What the camera reads computes what we compute.
    let read = edgewright_ir::import::tflite::read(
        &tree["trained.tflite"],
        "trained",
        edgewright_ir::extra::Reference::default(),
    )
    .expect("a model");
    let mut out = [vec![0.0; 2], vec![0.0; 2]];
    let window: Vec<f32> = (0..36).map(|i| i as f32 / 36.0).collect();
    for (graph, out) in [&read.graph, &picture(false).learn[0].graph].iter().zip(&mut out) {
        let mut interpreter = edgewright_ir::interpret::Interpreter::new(graph).expect("runs");
        interpreter.run(&window, out).expect("runs");
    }
    assert_eq!(out[0], out[1]);
    for (other, word) in [(impulse(), "pictures"), (picture(true), "classifier")] {
        let words = pack(&other).expect_err("refused").to_string();
        assert!(words.contains(word), "{words}");
    }
}
