//! Whole random impulses, from raw window to scores: the emitted C gives the bits of the reference run.

mod blocks;

use blocks::{block, window};
use edgewright_compile::{Options, compile, harness, rust_impulse, target};
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Runner, Task, Window, post::cells::Detector};
use edgewright_test_support::{
    Rng,
    random::{distort, float_graph, floats, integer_graph},
};
use edgewright_toolchain::{Compiler, host_build, host_compilers, run, sanitizer_works};
use std::{fs, time::Duration};

/// Blocks with some of their features alone, as `[impulse.select]` leaves them; every second time all of them.
fn selected(dsp: Vec<DspBlock>, window: &Window, rng: &mut Rng) -> Vec<DspBlock> {
    if rng.below(2) == 0 {
        return dsp;
    }
    let whole = Impulse { name: "whole".into(), window: window.clone(), dsp, learn: Vec::new() };
    let all = whole.features();
    // From one feature to nearly all; every block may lose all of its own.
    let share = 1 + rng.below(8);
    let mut wanted: Vec<usize> = (0..all).filter(|_| rng.below(8) < share).collect();
    if wanted.is_empty() {
        wanted.push(rng.below(all as u64));
    }
    whole.narrowed(&wanted).unwrap_or_else(|e| panic!("{wanted:?}: {e}")).dsp
}

fn impulse(seed: u64) -> Impulse {
    let mut rng = Rng(seed);
    let window = window(&mut rng);
    let wanted = 1 + rng.below(3);
    let mut dsp = Vec::new();
    while dsp.len() < wanted {
        // What a block refuses, such as a filter above half the rate, is drawn anew.
        dsp.extend(block(&mut rng, dsp.len(), &window));
    }
    let dsp = selected(dsp, &window, &mut rng);
    let wanted = dsp.len();
    let learned: Vec<usize> =
        if wanted == 3 && rng.below(2) == 0 { vec![0, 2] } else { (0..wanted).collect() };
    let features = learned.iter().map(|&i: &usize| dsp[i].features()).sum();
    let float = float_graph(seed, Some(features));
    let mut graph = if rng.below(4) == 0 { float } else { integer_graph(&float, seed) };
    if rng.below(3) == 0 {
        distort(&mut graph, seed);
    }
    let outputs = graph.tensor(graph.outputs[0]).len();
    let labels = |n: usize| (0..n).map(|i| format!("label {i}")).collect::<Vec<_>>();
    let task = match outputs {
        // A side has at most 4096 pixels.
        n if n % 2 == 0 && n <= 8192 && rng.below(2) == 0 => {
            // The scores as those of a picture's cells.
            let (rows, columns) = if n % 4 == 0 { (2, n / 4) } else { (1, n / 2) };
            let [width, height] =
                [columns, rows].map(|n| (n * (1 + rng.below(9)) + rng.below(n as u64)).min(4096) as u32);
            let sizes = vec![[rng.below(40) as u32, rng.below(40) as u32]];
            let threshold = rng.below(3) as f32 * 0.25;
            Task::Detection(Detector { labels: labels(1), rows, columns, width, height, threshold, sizes })
        }
        n => {
            // Equal scores of a few labels lie near 1 divided by their number.
            let min_confidence = (rng.below(2) == 0).then(|| rng.unit() as f32);
            Task::Classification { labels: labels(n), min_confidence }
        }
    };
    let learn = vec![LearnBlock { id: "net".into(), task, inputs: learned, graph }];
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
        let first = n == 4;
        if first {
            runner.reset();
        }
        if harness::window_prefix(&impulse) > 0 {
            windows.extend(f32::from(u8::from(first)).to_le_bytes());
        }
        expected.extend(runner.run(&window).unwrap_or_else(|e| panic!("{seed}: {e}")).numbers(&impulse));
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

/// Reads windows, each with a number before it that is not 0 where it follows none, and writes outputs.
const PROGRAM: &str = r#"use net::{Error, Impulse, WINDOW_LEN};
fn main() {
    let bytes = std::fs::read("windows.bin").unwrap();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let (mut impulse, mut all) = (Impulse::new().unwrap(), Vec::new());
    for case in values.chunks_exact(1 + WINDOW_LEN) {
        if case[0] != 0.0 {
            impulse.reset();
        }
        let out = impulse.classify(&case[1..]).unwrap();
        out.iter().for_each(|v| all.extend(v.to_le_bytes()));
    }
    std::fs::write("outputs.bin", all).unwrap();
    assert!(matches!(impulse.classify(&[0.0; 1]), Err(Error::Dsp { .. })));
    assert!(matches!(impulse.classify(&[f32::NAN; WINDOW_LEN]), Err(Error::Dsp { .. })));
}
"#;

#[test]
fn crates_of_whole_impulses_give_the_bits_of_the_reference_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut seen = std::collections::BTreeSet::new();
    // Impulses that bring a block which none before had.
    for seed in 100..140 {
        let impulse = impulse(seed);
        if seen.len() > 5 || impulse.dsp.iter().all(|b| seen.contains(&b.block)) {
            continue;
        }
        seen.extend(impulse.dsp.iter().map(|b| b.block.clone()));
        let home = dir.path().join(seed.to_string());
        let options = Options { prefix: Some("net".into()) };
        let tree = rust_impulse(&impulse, &options).unwrap_or_else(|e| panic!("{seed}: {e}"));
        for (path, bytes) in &tree {
            let text = String::from_utf8_lossy(bytes);
            let root = path.ends_with("src/lib.rs");
            assert!(
                !root || text.contains("#![forbid(unsafe_code)]") && text.contains("#![no_std]"),
                "{path}"
            );
            // What would ask the processor or belongs to tests is gone, not only switched off.
            let plain = !text.contains("cfg(test)") && !text.contains("target_os");
            assert!(plain || !path.starts_with("dsp/"), "{path}");
            let path = home.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("written");
        }
        fs::write(home.join("examples/check.rs"), PROGRAM).expect("written");
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
            if n == 4 {
                runner.reset();
            }
            windows.extend(f32::from(u8::from(n == 4)).to_le_bytes());
            windows.extend(window.iter().flat_map(|v| v.to_le_bytes()));
            let outcome = runner.run(&window).unwrap_or_else(|e| panic!("{seed}: {e}"));
            expected.extend(if outcome.cells.is_empty() { outcome.scores } else { outcome.cells });
        }
        fs::write(home.join("windows.bin"), windows).expect("windows");
        // One folder for what is built: libm is built once.
        let args = ["run", "--offline", "--quiet", "--example", "check", "--target-dir", "../target"];
        run("cargo", &args.map(String::from), &home, Duration::from_secs(500))
            .unwrap_or_else(|e| panic!("{seed}: {e}"));
        let got = fs::read(home.join("outputs.bin")).expect("outputs");
        assert_eq!(got.len(), 4 * expected.len(), "{seed}");
        for (i, (b, want)) in got.chunks_exact(4).zip(&expected).enumerate() {
            let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            let alike = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
            assert!(alike, "{seed}: output {i} is {got:e} instead of {want:e}");
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}
