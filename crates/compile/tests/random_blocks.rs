//! Random DSP blocks one by one: the features of the emitted C have the bits of the Rust side.

mod blocks;
mod by_features;

use blocks::{block, window};
use by_features::Case;
use edgewright_dsp::{Analysis, GENERATORS, Op, Plan};
use edgewright_impulse::Impulse;
use edgewright_test_support::{Rng, random::floats, run_on_host};
use edgewright_toolchain::{Compiler, host_compilers, sanitizer_works};
use std::collections::BTreeSet;

const CASES: usize = 40;
const WINDOWS: usize = 8;

fn impulse(rng: &mut Rng, index: usize) -> Impulse {
    loop {
        let window = window(rng);
        if let Some(block) = block(rng, 0, &window) {
            return Impulse { name: format!("case {index}"), window, dsp: vec![block], learn: vec![] };
        }
    }
}

/// Noise, silence, full scale, a slow movement about a constant, whole numbers, a constant, something faint, a small movement far from 0.
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
                5 => window.fill(9.81),
                6 => window.iter_mut().for_each(|v| *v *= 1e-6),
                7 => window.iter_mut().for_each(|v| *v += 101_325.0),
                _ => {}
            }
            window
        })
        .collect()
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
    let impulses: Vec<Impulse> = (0..CASES).map(|i| impulse(&mut rng, i)).collect();
    let cases: Vec<Case> =
        impulses.into_iter().map(|impulse| Case { windows: windows(&mut rng, &impulse), impulse }).collect();
    let (sources, expected) = by_features::write(dir.path(), "host", &cases, false);
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let what = format!("seed {seed}, {} {flags:?}", compiler.program);
    run_on_host(dir.path(), compiler, flags, &sources).unwrap_or_else(|e| panic!("{what}: {e}"));
    by_features::agree(dir.path(), &cases, &expected, &what);
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
