//! Firmware written for Edge Impulse's SDK compiles against the package `cpp`, with every way a signal can be given, and its results
//! have the bits of the reference run.

use edgewright_compile::{FileTree, Options, compile, prefix, target};
use edgewright_deploy::{About, Library, files};
use edgewright_dsp::{Params, Value};
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Runner, Task, Window, post::cells::Detector};
use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Tensor, TensorId};
use edgewright_sample::Axis;
use edgewright_toolchain::{Compiler, compiler, host_build, run};
use std::{fs, path::Path, time::Duration};

fn tensor(graph: &mut Graph, name: &str, shape: &[usize], data: Option<Vec<f32>>) -> TensorId {
    graph.push_tensor(Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        dtype: DType::F32,
        quant: None,
        data: data.map(Data::F32),
    })
}

/// One dense layer, with softmax over groups of `width` when that is not 0.
fn dense(features: usize, outputs: usize, factor: f32, width: usize) -> Graph {
    let mut graph = Graph { name: "net".into(), ..Graph::default() };
    let x = tensor(&mut graph, "x", &[features], None);
    let weights = (0..features * outputs).map(|i| ((i * 37 % 23) as f32 - 11.0) * factor).collect();
    let w = tensor(&mut graph, "w", &[outputs, features], Some(weights));
    let b = tensor(&mut graph, "b", &[outputs], Some((0..outputs).map(|i| i as f32 * 0.01).collect()));
    let y = tensor(&mut graph, "y", &[outputs], None);
    graph.inputs.push(x);
    let op = Op::FullyConnected { activation: Activation::None };
    graph.nodes.push(Node { name: "dense".into(), op, inputs: vec![x, w, b], output: y });
    let mut last = y;
    if let Some(count) = outputs.checked_div(width) {
        let rows = tensor(&mut graph, "rows", &[count, width], None);
        let z = tensor(&mut graph, "z", &[count, width], None);
        graph.nodes.push(Node { name: "rows".into(), op: Op::Reshape, inputs: vec![y], output: rows });
        graph.nodes.push(Node { name: "softmax".into(), op: Op::Softmax, inputs: vec![rows], output: z });
        last = z;
    }
    graph.outputs.push(last);
    graph
}

fn clusters(features: usize) -> Graph {
    let mut graph = Graph { name: "anomaly".into(), ..Graph::default() };
    let x = tensor(&mut graph, "x", &[features], None);
    let inputs = [
        x,
        tensor(&mut graph, "mean", &[2], Some(vec![0.3, 0.1])),
        tensor(&mut graph, "scale", &[2], Some(vec![1.5, 0.7])),
        tensor(&mut graph, "centroids", &[2, 2], Some(vec![0.1, 0.2, -0.4, 0.9])),
        tensor(&mut graph, "radii", &[2], Some(vec![0.05, 0.15])),
    ];
    let y = tensor(&mut graph, "score", &[1], None);
    graph.inputs.push(x);
    graph.outputs.push(y);
    let op = Op::KMeansScore { axes: vec![0, features - 1] };
    graph.nodes.push(Node { name: "kmeans".into(), op, inputs: inputs.to_vec(), output: y });
    graph
}

fn window(frames: usize, rate_hz: f64, axes: &[&str], units: &str, image: Option<(usize, usize)>) -> Window {
    let axis = |name: &&str| Axis { name: (*name).into(), units: units.into() };
    let axes = axes.iter().map(axis).collect();
    Window { frames, stride: frames, rate_hz, axes, zero_pad: true, image, fit: Default::default() }
}

fn labels(names: &[&str]) -> Task {
    Task::Classification { labels: names.iter().map(|n| (*n).to_owned()).collect(), min_confidence: None }
}

fn learn(id: &str, task: Task, graph: Graph) -> LearnBlock {
    LearnBlock { id: id.into(), task, inputs: vec![0], graph }
}

fn motion() -> Impulse {
    let window = window(12, 62.5, &["accX", "accY", "accZ"], "m/s2", None);
    let block = DspBlock::new("raw", "raw", 1, Params::new(), vec![0, 1, 2], &window).expect("a block");
    let net = dense(36, 2, 0.01, 2);
    Impulse {
        name: "Motion".into(),
        window,
        dsp: vec![block],
        learn: vec![learn("net", labels(&["still {}", "100 % \"moved\"??/"]), net)],
    }
}

/// Its window is no multiple of a slice.
fn sound() -> Impulse {
    let window = window(4002, 16000.0, &["audio"], "wav", None);
    let block = DspBlock::new("mfe", "mfe", 4, Params::new(), vec![0], &window).expect("a block");
    let features = block.features();
    let net = dense(features, 3, 0.02, 3);
    let anomaly = learn("anomaly", Task::Anomaly { threshold: 0.5 }, clusters(features));
    Impulse {
        name: "Sound".into(),
        window,
        dsp: vec![block],
        // The labels are not the first outputs.
        learn: vec![anomaly, learn("net", labels(&["no", "noise", "yes"]), net)],
    }
}

fn regression() -> Impulse {
    let mut impulse = motion();
    impulse.name = "Weight".into();
    impulse.learn = vec![learn("net", Task::Regression, dense(36, 1, 0.1, 0))];
    impulse
}

fn picture(name: &str, axes: &[&str], channels: &str) -> Impulse {
    let window = window(6 * 5, 0.0, axes, "", Some((6, 5)));
    let params = Params::from([("channels".to_owned(), Value::Text(channels.into()))]);
    let all = (0..axes.len()).collect();
    let block = DspBlock::new("image", "image", 1, params, all, &window).expect("a block");
    let net = dense(block.features(), 2, 0.05, 2);
    Impulse {
        name: name.into(),
        window,
        dsp: vec![block],
        learn: vec![learn("net", labels(&["cat", "dog"]), net)],
    }
}

fn detector() -> Impulse {
    let mut impulse = picture("Objects", &["red", "green", "blue"], "RGB");
    let detector = Detector {
        labels: vec!["nut".into(), "bolt".into()],
        rows: 2,
        columns: 3,
        width: 6,
        height: 5,
        threshold: 0.4,
        sizes: vec![[2, 2], [0, 0]],
    };
    let graph = dense(90, detector.scores(), 0.08, 3);
    impulse.learn = vec![learn("net", Task::Detection(detector), graph)];
    impulse
}

/// An application as firmware has it: windows from a file, results to another.
const APP: &str = r#"
#include "edge-impulse-sdk/classifier/ei_run_classifier.h"
#include "edge-impulse-sdk/dsp/image/image.hpp"
#include <stdio.h>
#include <string.h>

int second_unit(signal_t *signal, ei_impulse_result_t *result);

static float features[EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE];
static int read_calls = 0;

#if defined(OWN_PORTING)
static int canceled = 0;
EI_IMPULSE_ERROR ei_run_impulse_check_canceled() { return canceled ? EI_IMPULSE_CANCELED : EI_IMPULSE_OK; }
#endif

int raw_feature_get_data(size_t offset, size_t length, float *out_ptr)
{
    read_calls++;
    memcpy(out_ptr, features + offset, length * sizeof(float));
    return 0;
}
static int broken_get_data(size_t, size_t, float *) { return -1; }

static void put(FILE *to, float v) { fwrite(&v, sizeof v, 1, to); }

static void put_result(FILE *to, const ei_impulse_result_t *result)
{
#if EI_CLASSIFIER_OBJECT_DETECTION == 1
    put(to, (float)result->bounding_boxes_count);
    for (uint32_t i = 0; i < EI_CLASSIFIER_OBJECT_DETECTION_COUNT; i++) {
        const ei_impulse_result_bounding_box_t bb = result->bounding_boxes[i];
        if (bb.value == 0) {
            continue;
        }
        put(to, strcmp(bb.label, "nut") == 0 ? 0.0f : 1.0f);
        put(to, (float)bb.x);
        put(to, (float)bb.y);
        put(to, (float)bb.width);
        put(to, (float)bb.height);
        put(to, bb.value);
    }
#else
    for (size_t ix = 0; ix < EI_CLASSIFIER_LABEL_COUNT; ix++) {
        if (strcmp(result->classification[ix].label, ei_classifier_inferencing_categories[ix]) != 0) {
            put(to, -1e9f);
        }
        put(to, result->classification[ix].value);
    }
#endif
#if EI_CLASSIFIER_HAS_ANOMALY == 1
    put(to, result->anomaly);
#endif
}

#define CHECK(what) do { if (!(what)) { printf("line %d: %s\n", __LINE__, #what); return 1; } } while (0)

int main(int argc, char **argv)
{
    FILE *from = fopen(argv[1], "rb"), *to = fopen(argv[2], "wb");
    ei_impulse_result_t result;
    signal_t signal, buffered;
    const bool continuous = argc > 3;
    const size_t count = continuous ? (size_t)(EI_CLASSIFIER_SLICE_SIZE * EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME)
                                    : (size_t)EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE;
    memset(&result, 0xff, sizeof result);
    CHECK(from != NULL && to != NULL);
    run_classifier_init();
    signal.total_length = count;
    signal.get_data = &raw_feature_get_data;
    CHECK(numpy::signal_from_buffer(features, count, &buffered) == EIDSP_OK);
    ei_impulse_handle_t another(ei_default_impulse.impulse);
    for (int n = 0; fread(features, sizeof(float), count, from) == count; n++) {
        EI_IMPULSE_ERROR res;
        if (continuous) {
            res = run_classifier_continuous(&signal, &result, false, true);
            CHECK(run_classifier_continuous(&another, &signal, &result, false) != EI_IMPULSE_OK);
            CHECK(res == EI_IMPULSE_OK);
            put(to, 0.0f);
            res = run_classifier_continuous(&buffered, &result);
        } else if (n % 4 == 0) {
            res = run_classifier(&signal, &result, n == 0);
        } else if (n % 4 == 1) {
            res = run_classifier(&another, &buffered, &result);
        } else if (n % 4 == 2) {
            res = (EI_IMPULSE_ERROR)second_unit(&signal, &result);
        } else {
            res = process_impulse(&ei_default_impulse, &buffered, &result, false);
        }
        CHECK(res == EI_IMPULSE_OK);
        CHECK(result.timing.dsp_us >= 0 && result.timing.classification_us >= 0);
        put_result(to, &result);
    }
    fclose(to);
    ei_print_results(&ei_default_impulse, &result);
    CHECK(read_calls > 0);
    if (continuous) {
        run_classifier_deinit();
        return 0;
    }
    /* What is wrong is said. */
    signal.total_length = count - 1;
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_ERROR_SHAPES_DONT_MATCH);
    CHECK(run_classifier_continuous(&signal, &result) != EI_IMPULSE_OK);
    signal.total_length = count;
    signal.get_data = &broken_get_data;
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_DSP_ERROR);
    signal.get_data = &raw_feature_get_data;
    features[1] = -1.0f / 0.0f;
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_DSP_ERROR);
    CHECK(run_classifier(NULL, &result) != EI_IMPULSE_OK);
    features[1] = 0.0f;
#if defined(OWN_PORTING)
    canceled = 1;
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_CANCELED);
    canceled = 0;
#endif
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_OK);
#if EI_CLASSIFIER_OBJECT_DETECTION == 1
    const ei_postprocessing_block_t *block = &ei_default_impulse.impulse->postprocessing_blocks[0];
    float least = 0.0f;
    CHECK(ei_default_impulse.impulse->postprocessing_blocks_size == 1);
    CHECK(get_threshold_postprocessing(block, "min_score", &least) == EI_IMPULSE_OK && least == EI_CLASSIFIER_THRESHOLD);
    CHECK(set_threshold_postprocessing(block, "min_score", 1.5f) != EI_IMPULSE_OK);
    CHECK(set_threshold_postprocessing(block, "keep_grace", 0.5f) == EI_IMPULSE_POSTPROCESSING_THRESHOLD_KEY_NOT_FOUND);
    CHECK(set_threshold_postprocessing(block, "min_score", 1.0f) == EI_IMPULSE_OK);
    CHECK(run_classifier(&signal, &result) == EI_IMPULSE_OK && result.bounding_boxes_count == 0);
#else
    ei_classifier_smooth_t smooth;
    ei_classifier_smooth_init(&smooth, 4, 3, 0.8f, 0.3f);
    result.anomaly = 0.0f;
    for (size_t ix = 1; ix < EI_CLASSIFIER_LABEL_COUNT; ix++) {
        result.classification[ix].value = 0.0f;
    }
    result.classification[0].value = 0.9f;
    CHECK(strcmp(ei_classifier_smooth_update(&smooth, &result), "uncertain") == 0);
    ei_classifier_smooth_update(&smooth, &result);
    CHECK(strcmp(ei_classifier_smooth_update(&smooth, &result), result.classification[0].label) == 0);
    result.classification[0].value = 0.7f;
    CHECK(strcmp(ei_classifier_smooth_update(&smooth, &result), result.classification[0].label) == 0);
    CHECK(strcmp(ei_classifier_smooth_update(&smooth, &result), "uncertain") == 0);
#if EI_CLASSIFIER_HAS_ANOMALY == 1
    result.anomaly = 0.3f;
    ei_classifier_smooth_update(&smooth, &result);
    ei_classifier_smooth_update(&smooth, &result);
    CHECK(strcmp(ei_classifier_smooth_update(&smooth, &result), "anomaly") == 0);
#endif
    ei_classifier_smooth_free(&smooth);
#endif
    /* Features of the one block, with ones in all places. */
    ei::matrix_t ones(1, EI_CLASSIFIER_NN_INPUT_FRAME_SIZE), few(1, 1);
    for (size_t i = 0; i < ones.cols; i++) {
        ones.buffer[i] = 1.0f;
    }
    ei_feature_t block_features[1] = {{&ones, NULL, NULL, 0}};
    CHECK(run_inference(&ei_default_impulse, block_features, &result) == EI_IMPULSE_OK);
    block_features[0].matrix = &few;
    CHECK(run_inference(&ei_default_impulse, block_features, &result) == EI_IMPULSE_ERROR_SHAPES_DONT_MATCH);
    int16_t values[5] = {1, 2, 3, 4, 5};
    numpy::roll(values, 5, -2);
    CHECK(values[0] == 3 && values[2] == 5 && values[3] == 1 && values[4] == 2);
    numpy::roll(values, 5, 3);
    CHECK(values[0] == 5 && values[1] == 1 && values[4] == 4);
    /* Pictures: the bytes of our own import. */
    uint8_t grow[2] = {0, 100}, grown[4], shrink[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(ei::image::processing::resize_image(grow, 2, 1, grown, 4, 1, 1) == EIDSP_OK);
    CHECK(grown[0] == 0 && grown[1] == 25 && grown[2] == 75 && grown[3] == 100);
    CHECK(ei::image::processing::resize_image(shrink, 4, 2, shrink, 2, 1, 1) == EIDSP_OK);
    CHECK(shrink[0] == 4 && shrink[1] == 6);
    CHECK(ei::image::processing::resize_image(grow, 2, 1, grow, 2, 2, 1) != EIDSP_OK);
    uint8_t tall[9] = {1, 2, 3, 9, 9, 9, 9, 9, 9};
    uint8_t wide[9];
    CHECK(ei::image::processing::resize_image_using_mode(tall, 1, 3, wide, 3, 3, 1, EI_CLASSIFIER_RESIZE_FIT_LONGEST) == EIDSP_OK);
    const uint8_t expected[9] = {0, 1, 0, 0, 2, 0, 0, 3, 0};
    CHECK(memcmp(wide, expected, 9) == 0);
    uint8_t cut[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(ei::image::processing::crop_and_interpolate_image(cut, 4, 2, cut, 2, 2, 1) == EIDSP_OK);
    CHECK(cut[0] == 2 && cut[1] == 3 && cut[2] == 6 && cut[3] == 7);
    return 0;
}
"#;

/// Another file of the same firmware.
const SECOND: &str = r#"
#include "edge-impulse-sdk/classifier/ei_run_classifier.h"
int second_unit(signal_t *signal, ei_impulse_result_t *result);
int second_unit(signal_t *signal, ei_impulse_result_t *result)
{
    return run_classifier(&ei_default_impulse, signal, result, false);
}
"#;

fn package(impulse: &Impulse, target_id: &str, kind: &str) -> FileTree {
    let target = target::all().iter().find(|t| t.id == target_id).expect("a target");
    let emitted = compile(impulse, target, &Options::default()).expect("compiled");
    let (p, about) = (prefix(&impulse.name), About::default());
    let library = Library { files: &emitted, prefix: &p, impulse, target, about: &about, proof: None };
    files(&library, kind).expect("packed")
}

fn write(dir: &Path, tree: &FileTree) {
    for (path, bytes) in tree {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// Values as firmware gives them, `count` of them.
fn values(impulse: &Impulse, count: usize, seed: u32) -> Vec<f32> {
    let mut x = 0x9e37_79b9_u32.wrapping_add(seed.wrapping_mul(0x85eb_ca6b));
    (0..count)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            if impulse.window.image.is_some() { (x >> 8) as f32 } else { ((x >> 16) as f32 - 32768.0) / 4.0 }
        })
        .collect()
}

/// The window that they are.
fn seen(impulse: &Impulse, values: &[f32]) -> Vec<f32> {
    if impulse.window.image.is_none() {
        return values.to_vec();
    }
    let channels = |v: &f32| {
        let pixel = *v as u32;
        [pixel >> 16, pixel >> 8 & 255, pixel & 255]
    };
    let all = values.iter().map(channels);
    match impulse.window.axes.len() {
        3 => all.flatten().map(|c| c as f32).collect(),
        _ => all.map(|[r, g, b]| ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) as f32).collect(),
    }
}

fn told(impulse: &Impulse, runner: &mut Runner<'_>, values: &[f32]) -> Vec<f32> {
    let outcome = runner.run(&seen(impulse, values)).expect("runs");
    let mut out = outcome.scores;
    out.extend(outcome.value);
    if impulse.detector().is_some() {
        out.push(outcome.boxes.len() as f32);
        for b in &outcome.boxes {
            out.extend([b.label as f32, b.x as f32, b.y as f32, b.width as f32, b.height as f32, b.value]);
        }
    }
    out.extend(outcome.anomaly);
    out
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// g++ and clang++.
fn compilers() -> Vec<(Compiler, Compiler)> {
    let found: Vec<_> = [("gcc", "g++"), ("clang", "clang++")]
        .iter()
        .filter_map(|(c, cpp)| Some((compiler(c)?, compiler(cpp)?)))
        .collect();
    assert!(!found.is_empty(), "no C++ compiler");
    found
}

// The library of mathematics is named where nothing is linked, too.
const STRICT: [&str; 7] =
    ["-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror", "-Wno-unused-command-line-argument", "-O1"];

/// Builds the application of a folder.
fn build(dir: &Path, (c, cpp): &(Compiler, Compiler), p: &str, flags: &[&str]) {
    let all = |first: &[&'static str]| -> Vec<String> {
        first.iter().chain(&STRICT).chain(&["-I.", "-Imodel"]).map(|s| (*s).to_owned()).collect()
    };
    let source = format!("model/{p}.c");
    let own = all(&["-std=c99", "-c"]);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    host_build(c, dir, &own, &[&source], "model.o").unwrap_or_else(|e| panic!("{p}: {e}"));
    let own = all(&[]);
    let own: Vec<&str> = own.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    let sources = [
        "app.cpp",
        "second.cpp",
        "edge-impulse-sdk/porting/ei_porting.cpp",
        "edge-impulse-sdk/classifier/ei_c_linkage.cpp",
        "model.o",
    ];
    host_build(cpp, dir, &own, &sources, "app").unwrap_or_else(|e| panic!("{p}, {flags:?}: {e}"));
}

fn run_app(dir: &Path, args: &[&str]) -> String {
    let args: Vec<String> = args.iter().map(|s| (*s).to_owned()).collect();
    run("./app", &args, dir, Duration::from_secs(60)).unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
}

fn prepared(impulse: &Impulse) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &package(impulse, "host", "cpp"));
    fs::write(folder.path().join("app.cpp"), APP).expect("written");
    fs::write(folder.path().join("second.cpp"), SECOND).expect("written");
    folder
}

#[test]
fn firmware_gets_the_bits_of_the_reference_run() {
    let builds: [&[&str]; 4] = [
        &["-std=c++11", "-DOWN_PORTING"],
        &["-std=c++17", "-fno-exceptions", "-fno-rtti"],
        &["-std=c++11", "-DEIDSP_SIGNAL_C_FN_POINTER=1"],
        &["-std=c++17", "-DEIDSP_SIGNAL_C_FN_POINTER=1", "-DEI_C_LINKAGE=1"],
    ];
    let impulses = [
        motion(),
        sound(),
        regression(),
        picture("Colour", &["red", "green", "blue"], "RGB"),
        picture("Grey", &["grey"], "Grayscale"),
        detector(),
    ];
    let mut boxes = 0.0;
    for (n, impulse) in impulses.iter().enumerate() {
        let p = prefix(&impulse.name);
        let folder = prepared(impulse);
        let dir = folder.path();
        let count = match impulse.window.image {
            Some((w, h)) => w * h,
            None => impulse.window.values(),
        };
        let mut runner = Runner::new(impulse).expect("runs");
        let (mut all, mut expected) = (Vec::new(), Vec::new());
        for seed in 0..8 {
            let values = values(impulse, count, seed);
            expected.extend(told(impulse, &mut runner, &values));
            all.extend(values);
        }
        if impulse.detector().is_some() {
            boxes += expected[0];
        }
        fs::write(dir.join("windows.f32"), bytes(&all)).expect("written");
        for (k, pair) in compilers().iter().enumerate() {
            for (b, flags) in builds.iter().enumerate() {
                // Each impulse with both compilers, each build with every second impulse.
                if (n + k + b) % 2 == 1 && p != "sound" {
                    continue;
                }
                build(dir, pair, &p, flags);
                run_app(dir, &["windows.f32", "results.f32"]);
                let got = fs::read(dir.join("results.f32")).expect("results");
                assert_eq!(got, bytes(&expected), "{p} {flags:?}: {:?} {expected:?}", floats(&got));
            }
        }
    }
    assert!(boxes > 0.0, "no object was found");
}

#[test]
fn slices_give_what_their_windows_give() {
    for (impulse, slices) in [(sound(), None), (sound(), Some(3)), (motion(), Some(2))] {
        let p = prefix(&impulse.name);
        let folder = prepared(&impulse);
        let dir = folder.path();
        let define = format!("-DEI_CLASSIFIER_SLICES_PER_MODEL_WINDOW={}", slices.unwrap_or(4));
        let mut flags = vec!["-std=c++11"];
        flags.extend(slices.map(|_| define.as_str()));
        build(dir, &compilers()[0], &p, &flags);
        let axes = impulse.window.axes.len();
        let (window, slice) = (impulse.window.values(), impulse.window.frames / slices.unwrap_or(4) * axes);
        let stream = values(&impulse, 7 * slice, 5);
        fs::write(dir.join("slices.f32"), bytes(&stream)).expect("written");
        run_app(dir, &["slices.f32", "results.f32", "continuous"]);
        // The program gives each slice twice, with a zero before the second result.
        let mut given = Vec::new();
        let mut expected = Vec::new();
        let mut runner = Runner::new(&impulse).expect("runs");
        let mut whole = 0;
        for one in stream.chunks_exact(slice) {
            given.extend(one);
            given.extend(one);
            expected.push(0.0);
            if given.len() >= window {
                let last = &given[given.len() - window..];
                expected.extend(told(&impulse, &mut runner, last));
                whole += 1;
            } else {
                let labels = impulse.labels().len();
                expected.extend(vec![0.0; labels + usize::from(impulse.learn.len() > 1)]);
            }
        }
        assert!(whole >= 3 && given.len() > 2 * window, "{whole}");
        let got = fs::read(dir.join("results.f32")).expect("results");
        assert_eq!(got, bytes(&expected), "{p}: {:?} {expected:?}", floats(&got));
    }
}

/// A file of a program that has two models.
fn model_file(name: &str) -> String {
    format!(
        "#include \"edge-impulse-sdk/classifier/ei_run_classifier.h\"\nfloat {name}(const float *values);\nfloat {name}(const float *values)\n{{\n    ei_impulse_result_t result;\n    signal_t signal;\n    numpy::signal_from_buffer(values, EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, &signal);\n    if (run_classifier(&signal, &result) != EI_IMPULSE_OK) {{\n        return -1.0f;\n    }}\n    return result.classification[0].value;\n}}\n"
    )
}

#[test]
fn two_models_link_into_one_program() {
    let impulses = [motion(), regression()];
    let folder = tempfile::tempdir().expect("a folder");
    let pair = &compilers()[0];
    let values = values(&impulses[0], 36, 3);
    let mut objects =
        vec!["main.cpp".to_owned(), "motion/edge-impulse-sdk/porting/ei_porting.cpp".to_owned()];
    let mut expected = String::new();
    for impulse in &impulses {
        let p = prefix(&impulse.name);
        write(&folder.path().join(&p), &package(impulse, "host", "cpp"));
        fs::write(folder.path().join(format!("{p}_file.cpp")), model_file(&format!("{p}_value")))
            .expect("written");
        let include = format!("-I{p}");
        let model = format!("{p}/model/{p}.c");
        host_build(&pair.0, folder.path(), &["-O1", "-c"], &[&model], &format!("{p}.o")).expect("built");
        let flags = ["-std=c++11", "-O0", "-c", &include];
        let source = format!("{p}_file.cpp");
        host_build(&pair.1, folder.path(), &flags, &[&source], &format!("{p}_file.o")).expect("built");
        objects.extend([format!("{p}.o"), format!("{p}_file.o")]);
        let mut runner = Runner::new(impulse).expect("runs");
        expected.push_str(&format!("{:08x}\n", told(impulse, &mut runner, &values)[0].to_bits()));
    }
    let list: Vec<String> = values.iter().map(|v| format!("{v:?}f")).collect();
    let main = format!(
        "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\nfloat motion_value(const float *);\nfloat weight_value(const float *);\nstatic const float values[] = {{{}}};\nint main()\n{{\n    const float out[2] = {{motion_value(values), weight_value(values)}};\n    for (int i = 0; i < 2; i++) {{\n        uint32_t bits;\n        memcpy(&bits, &out[i], 4);\n        printf(\"%08x\\n\", bits);\n    }}\n    return 0;\n}}\n",
        list.join(", ")
    );
    fs::write(folder.path().join("main.cpp"), main).expect("written");
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    host_build(&pair.1, folder.path(), &["-std=c++11"], &objects, "app").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(run_app(folder.path(), &[]), expected);
}

#[test]
fn firmware_in_c_calls_it_and_the_page_s_commands_work() {
    let impulse = motion();
    let folder = prepared(&impulse);
    let dir = folder.path();
    let pair = &compilers()[0];
    let values = values(&impulse, 36, 1);
    let list: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
    let main = format!(
        "#include \"edge-impulse-sdk/classifier/ei_run_classifier.h\"\n#include <stdio.h>\nstatic const float features[] = {{{}}};\nstatic int get_feature_data(size_t offset, size_t length, float *out) {{ memcpy(out, features + offset, length * sizeof(float)); return 0; }}\nint main(void)\n{{\n    signal_t signal;\n    ei_impulse_result_t result;\n    uint32_t bits;\n    signal.total_length = sizeof(features) / sizeof(features[0]);\n    signal.get_data = &get_feature_data;\n    if (run_classifier(&signal, &result, false) != EI_IMPULSE_OK || ei_run_classifier(&signal, &result, false) != EI_IMPULSE_OK) {{\n        return 1;\n    }}\n    memcpy(&bits, &result.classification[1].value, 4);\n    printf(\"%s %08x\\n\", result.classification[1].label, bits);\n    return 0;\n}}\n",
        list.join("f, ") + "f"
    );
    fs::write(dir.join("main.c"), main).expect("written");
    let c = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I.", "-DEI_C_LINKAGE=1", "-c"];
    host_build(&pair.0, dir, &c, &["main.c"], "main.o").unwrap_or_else(|e| panic!("{e}"));
    host_build(&pair.0, dir, &c, &["model/motion.c"], "model.o").unwrap_or_else(|e| panic!("{e}"));
    let flags = ["-std=c++11", "-I.", "-DEI_C_LINKAGE=1", "-DEIDSP_SIGNAL_C_FN_POINTER=1"];
    let sources = [
        "main.o",
        "model.o",
        "edge-impulse-sdk/porting/ei_porting.cpp",
        "edge-impulse-sdk/classifier/ei_c_linkage.cpp",
    ];
    host_build(&pair.1, dir, &flags, &sources, "app").unwrap_or_else(|e| panic!("{e}"));
    let score = told(&impulse, &mut Runner::new(&impulse).expect("runs"), &values)[1];
    assert_eq!(run_app(dir, &[]), format!("100 % \"moved\"??/ {:08x}\n", score.to_bits()));

    let make = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|s| (*s).to_owned()).collect();
        run("make", &args, dir, Duration::from_secs(200)).unwrap_or_else(|e| panic!("{e}"))
    };
    assert!(make(&["test"]).contains("6 windows agree"));
    fs::write(dir.join("features.txt"), list.join(", ")).expect("written");
    let words = run("build/app", &["features.txt".into()], dir, Duration::from_secs(20)).expect("runs");
    assert!(words.contains(&format!("100 % \"moved\"??/: {score:.5}")), "{words} {score}");
    run("build/app", &["1, 2".into()], dir, Duration::from_secs(20)).expect_err("too few values");
}

#[test]
fn it_compiles_for_a_microcontroller_without_the_c_plus_plus_library() {
    let Some(arm) = compiler("arm-none-eabi-g++") else {
        eprintln!("not compiled for Cortex-M4F: arm-none-eabi-g++ is not installed");
        return;
    };
    for impulse in [motion(), sound(), detector()] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &package(&impulse, "cortex-m4f", "cpp"));
        fs::write(folder.path().join("second.cpp"), SECOND).expect("written");
        let mut flags =
            vec!["-std=c++11", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"];
        flags.extend(["-fno-exceptions", "-fno-rtti", "-Os", "-I.", "-Wall", "-Wextra", "-Werror", "-c"]);
        flags.push("-DEIDSP_SIGNAL_C_FN_POINTER=1");
        for source in ["second.cpp", "edge-impulse-sdk/porting/ei_porting.cpp"] {
            host_build(&arm, folder.path(), &flags, &[source], "unit.o").unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

/// As much of the kit as sketches of the usual kind use.
const ARDUINO: &str = "#include <cstdint>\n#include <cstdio>\nstruct Port { void begin(long) {} void print(const char *t) { std::printf(\"%s\", t); } void println(const char *t) { std::printf(\"%s\\n\", t); } int read() { return -1; } };\nstatic Port Serial __attribute__((unused));\ninline unsigned long micros() { static unsigned long t = 0; return t += 1700; }\ninline unsigned long millis() { return 7; }\ninline void delay(unsigned long) {}\n";

#[test]
fn a_sketch_finds_the_names_in_the_arduino_library() {
    let impulse = motion();
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &package(&impulse, "cortex-m4f", "arduino"));
    let dir = folder.path();
    write(dir, &FileTree::from([("kit/Arduino.h".to_owned(), ARDUINO.as_bytes().to_vec())]));
    let sketch = "#include <motion_inferencing.h>\n#include <Arduino.h>\nstatic const float features[] = { 0.5f, 1.0f };\nint raw_feature_get_data(size_t offset, size_t length, float *out_ptr) { for (size_t i = 0; i < length; i++) { out_ptr[i] = features[(offset + i) % 2]; } return 0; }\nint main()\n{\n    ei_impulse_result_t result = { 0 };\n    signal_t features_signal;\n    features_signal.total_length = EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE;\n    features_signal.get_data = &raw_feature_get_data;\n    EI_IMPULSE_ERROR res = run_classifier(&features_signal, &result, false);\n    ei_printf(\"%d, DSP %d ms\\n\", res, result.timing.dsp);\n    ei_printf_float(result.classification[0].value);\n    return res;\n}\n";
    fs::write(dir.join("sketch.cpp"), sketch).expect("written");
    let pair = &compilers()[0];
    host_build(&pair.0, dir, &["-std=c99", "-c"], &["motion/src/motion.c"], "model.o").expect("built");
    let flags = ["-std=c++11", "-DARDUINO=10819", "-Imotion/src", "-Ikit", "-Wall"];
    let sdk = "motion/src/edge-impulse-sdk";
    let porting = format!("{sdk}/porting/ei_porting.cpp");
    let linkage = format!("{sdk}/classifier/ei_c_linkage.cpp");
    host_build(&pair.1, dir, &flags, &["sketch.cpp", &porting, &linkage, "model.o"], "app")
        .unwrap_or_else(|e| panic!("{e}"));
    let window: Vec<f32> = (0..36).map(|i| if i % 2 == 0 { 0.5 } else { 1.0 }).collect();
    let score = told(&impulse, &mut Runner::new(&impulse).expect("runs"), &window)[0];
    assert_eq!(run_app(dir, &[]), format!("0, DSP 2 ms\n{score:.5}"));
}
