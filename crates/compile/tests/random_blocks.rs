//! Random DSP blocks one by one: the features of the emitted C have the bits of the Rust side.

mod blocks;

use blocks::{block, window};
use edgewright_compile::{Options, compile, target};
use edgewright_dsp::{Analysis, GENERATORS, Op, Plan};
use edgewright_impulse::Impulse;
use edgewright_test_support::{Rng, random::floats, run_on_host};
use edgewright_toolchain::{Compiler, host_compilers, sanitizer_works};
use std::{collections::BTreeSet, fmt::Write, fs};

const CASES: usize = 40;
const WINDOWS: usize = 5;

fn impulse(rng: &mut Rng, index: usize) -> Impulse {
    loop {
        let window = window(rng);
        if let Some(block) = block(rng, 0, &window) {
            return Impulse { name: format!("case {index}"), window, dsp: vec![block], learn: vec![] };
        }
    }
}

/// Noise, silence, full scale, a slow movement about a constant, whole numbers.
fn windows(rng: &mut Rng, impulse: &Impulse) -> Vec<Vec<f32>> {
    (0..WINDOWS)
        .map(|n| {
            let mut window = floats(rng, impulse.window.values());
            match n {
                1 => window.fill(0.0),
                2 => window.iter_mut().for_each(|v| *v *= 16_000.0),
                3 => {
                    let mut at = 9.81;
                    for v in &mut window {
                        at += *v * 0.05;
                        *v = at;
                    }
                }
                4 => window.iter_mut().for_each(|v| *v = (*v * 3.0).round()),
                _ => {}
            }
            window
        })
        .collect()
}

fn main_program(cases: &[Impulse]) -> String {
    let mut out = String::from("#include <stdio.h>\n#include <string.h>\n");
    let mut calls = String::new();
    for i in 0..cases.len() {
        let _ = write!(
            out,
            r#"#include "case_{i}.h"
static int run_{i}(FILE *from, FILE *to)
{{
    static uint32_t arena[(CASE_{i}_ARENA_SIZE + 3) / 4];
    static float window[CASE_{i}_WINDOW_LEN], features[CASE_{i}_FEATURE_COUNT];
    case_{i}_t handle;
    case_{i}_signal signal = case_{i}_signal_f32(window);
    int n;
    if (case_{i}_init(&handle, arena, sizeof arena) != CASE_{i}_OK) {{
        return 1;
    }}
    for (n = 0; n < {WINDOWS}; n++) {{
        memset(arena, 0xa5, sizeof arena);
        if (fread(window, sizeof window, 1, from) != 1 ||
            case_{i}_extract(&handle, &signal, features, CASE_{i}_FEATURE_COUNT) != CASE_{i}_OK ||
            fwrite(features, sizeof features, 1, to) != 1) {{
            return 1;
        }}
    }}
    return 0;
}}
"#
        );
        let _ = write!(calls, " || run_{i}(from, to) != 0");
    }
    let _ = write!(
        out,
        r#"int main(void)
{{
    FILE *from = fopen("inputs.bin", "rb"), *to = fopen("outputs.bin", "wb");
    if (from == NULL || to == NULL{calls}) {{
        return 4;
    }}
    return fclose(to) == 0 ? 0 : 7;
}}
"#
    );
    out
}

/// What a case goes through, to see that all ways were taken.
fn ways(impulse: &Impulse, seen: &mut BTreeSet<String>) {
    let block = &impulse.dsp[0];
    let fixed = if matches!(block.plan, Plan::Fixed(_) | Plan::FixedSpectral(_)) { " fixed" } else { "" };
    seen.insert(format!("{} {}{fixed}", block.block, block.version));
    if let Plan::Features(p) = &block.plan {
        for (generator, wanted) in GENERATORS.iter().zip(p.wanted) {
            if wanted {
                seen.insert((*generator).into());
            }
        }
        seen.insert(format!("bands {}, harmonics {}", !p.bands.is_empty(), !p.harmonics.is_empty()));
        seen.insert(format!("spectrum {}", p.spectrum.is_some()));
    }
    if let Plan::Custom(p) = &block.plan {
        let text = |step: &edgewright_dsp::Step| {
            let op = format!("{:?}", step.op);
            let end = op.find(['{', '[']).unwrap_or(op.len());
            let word = op[..end].trim();
            match step.op {
                Op::Unary(_) | Op::Binary(_) => format!("step {word}"),
                _ => format!("step {}", word.split(['(', ' ']).next().unwrap_or(word)),
            }
        };
        seen.extend(p.steps.iter().map(text));
    }
    if let Plan::FixedSpectral(p) = &block.plan {
        for d in &p.spectral.decimation {
            seen.insert(format!("fixed decimation by {}", d.ratio));
        }
        if let Some(filter) = &p.filter {
            seen.insert(format!("fixed filter, high {}", filter.high));
        }
        if let Some(s) = p.spectrum() {
            seen.insert(format!("fixed bins, log {}, low {}", s.log, s.low.is_some()));
        }
    }
    if let Plan::Spectral(p) = &block.plan {
        for d in &p.decimation {
            seen.insert(format!("decimation by {}", d.ratio));
        }
        seen.insert(match &p.analysis {
            Analysis::Spectrum(s) if s.low.is_some() => "extra low frequency".into(),
            Analysis::Spectrum(_) => "spectrum".into(),
            Analysis::Wavelet(w) => format!("wavelet to level {}", w.levels.min(2)),
            Analysis::Peaks(_) => "peaks".into(),
        });
    }
}

fn check(seed: u64, compiler: &Compiler, flags: &[&str]) {
    let mut rng = Rng(seed);
    let dir = tempfile::tempdir().expect("a folder");
    let cases: Vec<Impulse> = (0..CASES).map(|i| impulse(&mut rng, i)).collect();
    let mut sources = vec!["main.c".to_owned()];
    let (mut inputs, mut expected) = (Vec::new(), Vec::new());
    for (i, case) in cases.iter().enumerate() {
        let files = compile(case, &target::all()[0], &Options::default());
        for (name, bytes) in files.unwrap_or_else(|e| panic!("{seed}: {e}")) {
            if name.starts_with("case_") {
                fs::write(dir.path().join(&name), bytes).expect("written");
            }
        }
        sources.push(format!("case_{i}.c"));
        let block = &case.dsp[0];
        // Every second case with room for several frames at once: the bits must be the same.
        let room = if i % 2 == 0 { block.plan.scratch_len() } else { block.plan.wide_scratch_len() };
        let mut scratch = vec![f32::NAN; room];
        let mut state = vec![0.0; block.plan.state_len()];
        for window in windows(&mut rng, case) {
            let (axes, all) = (&block.axes, case.window.axes.len());
            let seen: Vec<f32> = window.chunks_exact(all).flat_map(|f| axes.iter().map(|&a| f[a])).collect();
            let mut features = vec![0.0; block.features()];
            let done = block.plan.extract_next(&seen, &mut state, &mut scratch, &mut features);
            done.unwrap_or_else(|e| panic!("{seed}: {e}"));
            expected.extend(features.into_iter().enumerate().map(|(f, v)| (i, f, v)));
            inputs.extend(window.iter().flat_map(|v| v.to_le_bytes()));
        }
    }
    fs::write(dir.path().join("main.c"), main_program(&cases)).expect("main.c");
    fs::write(dir.path().join("inputs.bin"), inputs).expect("inputs");
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let what = format!("seed {seed}, {} {flags:?}", compiler.program);
    run_on_host(dir.path(), compiler, flags, &sources).unwrap_or_else(|e| panic!("{what}: {e}"));
    let got = fs::read(dir.path().join("outputs.bin")).expect("outputs");
    assert_eq!(got.len(), 4 * expected.len(), "{what}");
    for (b, (case, feature, want)) in got.chunks_exact(4).zip(expected) {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let alike = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
        let block = &cases[case].dsp[0];
        assert!(
            alike,
            "{what}: case {case}, feature {feature} is {got:e} instead of {want:e}: {} version {} {:?}",
            block.block, block.version, block.params
        );
    }
}

#[test]
fn random_blocks_give_the_bits_of_the_rust_side() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let probe = tempfile::tempdir().expect("a folder");
    for (n, compiler) in compilers.iter().enumerate() {
        // The third as a core without long products computes.
        let mut builds =
            vec![vec!["-O0"], vec!["-O2"], vec!["-Os", "-DEW_SHORT_PRODUCTS"], vec!["-O3", "-march=native"]];
        if sanitizer_works(compiler, probe.path()) {
            builds.push(vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        for (k, flags) in builds.into_iter().enumerate() {
            check(100 * n as u64 + k as u64, compiler, &flags);
        }
    }
}

/// Steps of custom blocks.
const STEPS: [&str; 36] = [
    "step Axis",
    "step Time",
    "step Unary(Negate)",
    "step Unary(Abs)",
    "step Unary(Sqrt)",
    "step Unary(Ln)",
    "step Unary(Log10)",
    "step Binary(Add)",
    "step Binary(Subtract)",
    "step Binary(Multiply)",
    "step Binary(Divide)",
    "step Binary(Smaller)",
    "step Binary(Larger)",
    "step Binary(Less)",
    "step Binary(AtMost)",
    "step Difference",
    "step Running",
    "step Smooth",
    "step Slice",
    "step Filter",
    "step Decimate",
    "step Sort",
    "step Histogram",
    "step Power",
    "step Mean",
    "step Rms",
    "step Energy",
    "step Total",
    "step Moments",
    "step Extremes",
    "step Pick",
    "step Crossings",
    "step Entropy",
    "step Correlation",
    "step Dot",
    "step Peak",
];

#[test]
fn the_cases_go_every_way() {
    // Those of both compilers, without the sanitizer.
    let mut seen = BTreeSet::new();
    for seed in (0..4).chain(100..104) {
        let mut rng = Rng(seed);
        (0..CASES).for_each(|i| ways(&impulse(&mut rng, i), &mut seen));
    }
    for way in [
        "spectral_analysis 1",
        "spectral_analysis 2",
        "spectral_analysis 3",
        "spectral_analysis 4",
        "decimation by 3",
        "decimation by 10",
        "extra low frequency",
        "spectrum",
        "peaks",
        "wavelet to level 0",
        "wavelet to level 1",
        "wavelet to level 2",
        "mfe 4",
        "mfcc 4",
        "spectrogram 4",
        "mfe 3 fixed",
        "mfcc 1 fixed",
        "mfcc 4 fixed",
        "spectrogram 3 fixed",
        "spectrogram 4 fixed",
        "spectral_analysis 2 fixed",
        "spectral_analysis 3 fixed",
        "spectral_analysis 4 fixed",
        "fixed decimation by 3",
        "fixed decimation by 10",
        "fixed filter, high true",
        "fixed filter, high false",
        "fixed bins, log true, low false",
        "fixed bins, log false, low false",
        "fixed bins, log true, low true",
        "fixed bins, log false, low true",
        "flatten 1",
        "signal_features 1",
        "bands true, harmonics true",
        "spectrum false",
    ]
    .iter()
    .chain(&GENERATORS)
    .chain(&STEPS)
    {
        assert!(seen.contains(*way), "no case went through {way}; there were {seen:?}");
    }
}
