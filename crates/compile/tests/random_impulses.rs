//! Whole random impulses, from raw window to scores: the emitted C gives the bits of the reference run.

use edgewright_compile::{Options, compile, harness, target};
use edgewright_dsp::{Params, Value};
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Runner, Task, Window};
use edgewright_sample::Axis;
use edgewright_test_support::{
    Rng,
    random::{distort, float_graph, floats, integer_graph},
};
use edgewright_toolchain::{Compiler, host_build, host_compilers, run, sanitizer_works};
use std::{fs, time::Duration};

fn block(rng: &mut Rng, index: usize, window: &Window) -> Option<DspBlock> {
    let mut params = Params::new();
    let mut set = |name: &str, value: f64| {
        params.insert(name.into(), Value::Number(value));
    };
    let name = ["raw", "flatten", "spectral_analysis", "spectrogram", "mfe", "mfcc"][rng.below(6)];
    let fft = [32.0, 64.0, 128.0, 256.0][rng.below(4)];
    match name {
        "raw" | "flatten" => set("scale_axes", rng.unit() * 4.0 - 2.0),
        "spectral_analysis" => {
            set("fft_length", fft);
            set("filter_cutoff", 5.0 + 20.0 * rng.unit());
            params.insert("filter_type".into(), Value::Text(["none", "low", "high"][rng.below(3)].into()));
            params.insert("do_log".into(), Value::Bool(rng.below(2) == 0));
        }
        _ => {
            set("frame_length", 0.016 + 0.02 * rng.unit());
            set("frame_stride", 0.01 + 0.01 * rng.unit());
            set("fft_length", fft);
            if name != "spectrogram" {
                set("num_filters", 8.0 + rng.below(20) as f64);
            }
        }
    }
    let all = window.axes.len();
    let axes = if name.starts_with("mf") || name == "spectrogram" {
        vec![rng.below(all as u64)]
    } else {
        (0..all).collect()
    };
    let version = if matches!(name, "raw" | "flatten") { 1 } else { 4 };
    DspBlock::new(format!("b{index}"), name, version, params, axes, window).ok()
}

fn impulse(seed: u64) -> Impulse {
    let mut rng = Rng(seed);
    let axes = 1 + rng.below(3);
    let window = Window {
        frames: 300 + rng.below(700),
        stride: 100,
        rate_hz: [62.5, 4000.0, 8000.0][rng.below(3)],
        axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
        zero_pad: true,
        image: None,
    };
    let wanted = 1 + rng.below(3);
    let mut dsp = Vec::new();
    while dsp.len() < wanted {
        // What a block refuses, such as a filter above half the rate, is drawn anew.
        dsp.extend(block(&mut rng, dsp.len(), &window));
    }
    let learned: Vec<usize> =
        if wanted == 3 && rng.below(2) == 0 { vec![0, 2] } else { (0..wanted).collect() };
    let features = learned.iter().map(|&i: &usize| dsp[i].features()).sum();
    let float = float_graph(seed, Some(features));
    let mut graph = if rng.below(4) == 0 { float } else { integer_graph(&float, seed) };
    if rng.below(3) == 0 {
        distort(&mut graph, seed);
    }
    let labels = (0..graph.tensor(graph.outputs[0]).len()).map(|i| format!("label {i}")).collect();
    let learn =
        vec![LearnBlock { id: "net".into(), task: Task::Classification { labels }, inputs: learned, graph }];
    Impulse { name: format!("random {seed}"), window, dsp, learn }
}

fn check(seed: u64, compiler: &Compiler, flags: &[&str]) {
    let impulse = impulse(seed);
    let target = &target::all()[0];
    let dir = tempfile::tempdir().expect("a folder");
    let mut sources = vec!["main.c".to_owned()];
    for (name, bytes) in
        compile(&impulse, target, &Options::default()).unwrap_or_else(|e| panic!("{seed}: {e}"))
    {
        fs::write(dir.path().join(&name), bytes).expect("written");
        if name.ends_with(".c") && name != "example.c" {
            sources.push(name);
        }
    }
    fs::write(dir.path().join("main.c"), harness::host_main(&impulse, None)).expect("main.c");
    let (mut windows, mut expected) = (Vec::new(), Vec::new());
    let mut rng = Rng(seed);
    let mut runner = Runner::new(&impulse).unwrap_or_else(|e| panic!("{seed}: {e}"));
    for n in 0..6 {
        let mut window = floats(&mut rng, impulse.window.values());
        match n {
            0 => window.fill(0.0),
            1 => window.iter_mut().for_each(|v| *v *= 16_000.0),
            _ => {}
        }
        expected.extend(runner.run(&window).unwrap_or_else(|e| panic!("{seed}: {e}")).scores);
        windows.extend(window.iter().flat_map(|v| v.to_le_bytes()));
    }
    fs::write(dir.path().join("windows.bin"), windows).expect("windows");
    let what = format!("impulse {seed}, {} {flags:?}", compiler.program);
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    host_build(compiler, dir.path(), flags, &sources, "program").unwrap_or_else(|e| panic!("{what}: {e}"));
    let args = ["windows.bin", "results.bin", "6", "0", "0"].map(String::from);
    run("./program", &args, dir.path(), Duration::from_secs(60)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let got = fs::read(dir.path().join("results.bin")).expect("results");
    assert_eq!(got.len(), 4 * expected.len(), "{what}");
    for (i, (b, want)) in got.chunks_exact(4).zip(&expected).enumerate() {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let alike = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
        assert!(alike, "{what}: output {i} is {got:e} instead of {want:e}");
    }
}

#[test]
fn random_impulses_give_the_bits_of_the_reference_run() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let probe = tempfile::tempdir().expect("a folder");
    let mut seed = 0;
    for compiler in &compilers {
        let mut builds = vec![vec!["-O0"], vec!["-O2"], vec!["-Os"], vec!["-O3", "-march=native"]];
        if sanitizer_works(compiler, probe.path()) {
            builds.push(vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        for flags in builds {
            for _ in 0..3 {
                check(seed, compiler, &flags);
                seed += 1;
            }
        }
    }
}
