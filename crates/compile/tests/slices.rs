//! Sound in slices: features as it arrives are those of each window, in the emitted C under several compilers.

use edgewright_compile::{Options, compile, target};
use edgewright_dsp::{Framing, Params, Plan, Value};
use edgewright_impulse::{DspBlock, Impulse, Window};
use edgewright_sample::Axis;
use edgewright_test_support::{Rng, random::floats, run_on_host};
use edgewright_toolchain::{Compiler, host_compilers, sanitizer_works};
use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

const CASES: usize = 24;

struct Case {
    impulse: Impulse,
    signal: Vec<f32>,
}

fn framing(block: &DspBlock) -> &Framing {
    match &block.plan {
        Plan::Spectrogram(p) => &p.framing,
        Plan::Mel(p) => &p.framing,
        Plan::Fixed(p) => &p.framing,
        other => panic!("{other:?}"),
    }
}

fn block(rng: &mut Rng, index: usize, window: &Window, stride: f64) -> Option<DspBlock> {
    let mut params = Params::new();
    let mut set = |name: &str, value: f64| params.insert(name.into(), Value::Number(value));
    let name = ["spectrogram", "mfe", "mfcc", "mfcc"][rng.below(4)];
    set("frame_length", 0.008 + 0.03 * rng.unit());
    set("frame_stride", stride);
    set("fft_length", [64.0, 128.0, 256.0][rng.below(3)]);
    if name != "spectrogram" {
        set("num_filters", 8.0 + rng.below(20) as f64);
        set("win_size", [1.0, 5.0, 101.0][rng.below(3)]);
    }
    let version = 1 + rng.below(4) as u32;
    set("pre_shift", [1.0, 2.0, 90.0, 200.0, 400.0][rng.below(5)]);
    if name == "mfcc" {
        set("pre_cof", [0.98, 0.98, 0.0][rng.below(3)]);
    }
    if rng.below(2) == 0 {
        params.insert("arith".into(), Value::Text("fixed".into()));
    }
    if name != "mfcc" {
        params.remove("pre_shift");
    }
    let mut block = DspBlock::new(format!("b{index}"), name, version, params, vec![0], window).ok()?;
    if rng.below(3) == 0 {
        block.keep = Some((0..block.features()).filter(|i| *i == 0 || rng.below(3) == 0).collect());
    }
    Some(block)
}

fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// An impulse of one or two blocks whose windows follow each other at a distance of whole frames, or do not overlap.
fn impulse(rng: &mut Rng, index: usize) -> Impulse {
    loop {
        let mut window = Window {
            frames: 600 + rng.below(2000),
            stride: 1,
            rate_hz: [4000.0, 8000.0, 11_025.0, 16_000.0][rng.below(4)],
            axes: vec![Axis { name: "audio".into(), units: String::new() }],
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let stride = 0.005 + 0.02 * rng.unit();
        let blocks = (0..1 + rng.below(2)).map(|i| block(rng, i, &window, stride));
        let Some(dsp) = blocks.collect::<Option<Vec<_>>>() else { continue };
        let step = dsp.iter().map(|b| framing(b).stride).fold(1, |all, s| all / divisor(all, s) * s);
        window.stride = match rng.below(6) {
            0 => window.frames,
            1 => window.frames + rng.below(100),
            2 => ((window.frames - 1) / step * step).max(step),
            _ => step * (1 + rng.below((window.frames / step) as u64)),
        };
        return Impulse { name: format!("case {index}"), window, dsp, learn: vec![] };
    }
}

/// Noise with a silence, a constant and something loud here and there; some with nothing loud but the first value of a window.
fn signal(rng: &mut Rng, impulse: &Impulse) -> Vec<f32> {
    let window = &impulse.window;
    let windows = 4 + rng.below(5);
    let mut all = floats(rng, window.frames + (windows - 1) * window.stride);
    let quiet = 0.1 + rng.unit() as f32;
    all.iter_mut().for_each(|v| *v = (*v * 0.2 * quiet).clamp(-1.0, 1.0));
    let lone = rng.below(2) == 0;
    for kind in 0..3 {
        let from = rng.below(all.len() as u64);
        let to = (from + rng.below(1500)).min(all.len());
        for v in &mut all[from..to] {
            *v = match kind {
                0 => 0.0,
                1 if !lone => *v * 9000.0,
                1 => *v,
                _ => 0.25,
            };
        }
    }
    if lone {
        all[2 * window.stride] = 2.0;
    }
    all
}

fn windows(case: &Case) -> usize {
    (case.signal.len() - case.impulse.window.frames) / case.impulse.window.stride + 1
}

/// Features of all windows of all cases, by the Rust side, from whole windows.
fn expected(cases: &[Case]) -> Vec<(usize, usize, f32)> {
    let mut out = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let window = &case.impulse.window;
        for n in 0..windows(case) {
            let seen = &case.signal[n * window.stride..][..window.frames];
            for block in &case.impulse.dsp {
                let mut scratch = vec![f32::NAN; block.plan.scratch_len()];
                let mut all = vec![0.0; block.plan.output().len()];
                block.plan.extract_next(seen, &mut [], &mut scratch, &mut all).expect("features");
                let kept: Vec<usize> = block.keep.clone().unwrap_or_else(|| (0..all.len()).collect());
                out.extend(kept.into_iter().map(|k| (i, n, all[k])));
            }
        }
    }
    out
}

fn program(cases: &[Case]) -> String {
    let most = |of: &dyn Fn(&Case) -> usize| cases.iter().map(of).max().unwrap_or(1);
    let mut out = format!(
        "#include <stdio.h>\n#include <stdint.h>\n#include <string.h>\nstatic float values[{}], features[{}];\nstatic uint32_t state;\nstatic size_t piece(void)\n{{\n    state = state * 1664525u + 1013904223u;\n    return (state >> 28) == 0u ? (size_t)(state >> 20) & 4095u : (size_t)(state >> 20) % 300u;\n}}\n",
        most(&|c| c.signal.len()),
        most(&|c| c.impulse.features())
    );
    let mut calls = String::new();
    for (i, case) in cases.iter().enumerate() {
        let _ = write!(
            out,
            r#"#include "case_{i}.h"
static int run_{i}(FILE *from, FILE *to)
{{
    static uint32_t arena[(CASE_{i}_ARENA_SIZE + 3) / 4];
    static case_{i}_slices slices;
    const size_t length = {length}u;
    const float gap = (float)(HUGE_VAL - HUGE_VAL);
    case_{i}_t handle;
    size_t at = 0, taken, refused;
    int n = 0;
    if (case_{i}_init(&handle, arena, sizeof arena) != CASE_{i}_OK || fread(values, length * sizeof(float), 1, from) != 1) {{
        return 1;
    }}
    memset(&slices, 0xa5, sizeof slices);
    case_{i}_slices_init(&slices);
    state = {i}u;
    while (n < {windows}) {{
        const size_t some = piece();
        memset(arena, 0xa5, sizeof arena);
        if (case_{i}_slices_push(&handle, &slices, values + at, some < length - at ? some : length - at, &taken) != CASE_{i}_OK ||
            case_{i}_slices_push(&handle, &slices, &gap, 1u, &refused) != CASE_{i}_ERROR_NOT_FINITE || refused != 0u) {{
            return 2;
        }}
        at += taken;
        if (case_{i}_slices_ready(&slices)) {{
            if (case_{i}_slices_extract(&handle, &slices, features, CASE_{i}_FEATURE_COUNT) != CASE_{i}_OK ||
                fwrite(features, sizeof(float), CASE_{i}_FEATURE_COUNT, to) != CASE_{i}_FEATURE_COUNT) {{
                return 3;
            }}
            case_{i}_slices_advance(&slices);
            n++;
        }} else if (case_{i}_slices_extract(&handle, &slices, features, CASE_{i}_FEATURE_COUNT) != CASE_{i}_ERROR_ARGUMENT) {{
            return 4;
        }}
    }}
    return 0;
}}
"#,
            length = case.signal.len(),
            windows = windows(case),
        );
        let _ = write!(calls, " || run_{i}(from, to) != 0");
    }
    format!(
        "#include <math.h>\n{out}int main(void)\n{{\n    FILE *from = fopen(\"inputs.bin\", \"rb\"), *to = fopen(\"outputs.bin\", \"wb\");\n    if (from == NULL || to == NULL{calls}) {{\n        return 4;\n    }}\n    return fclose(to) == 0 ? 0 : 7;\n}}\n"
    )
}

fn check(cases: &[Case], dir: &Path, want: &[(usize, usize, f32)], compiler: &Compiler, flags: &[&str]) {
    let sources: Vec<String> =
        (0..cases.len()).map(|i| format!("case_{i}.c")).chain(["main.c".to_owned()]).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let what = format!("{} {flags:?}", compiler.program);
    run_on_host(dir, compiler, flags, &sources).unwrap_or_else(|e| panic!("{what}: {e}"));
    let got = fs::read(dir.join("outputs.bin")).expect("outputs");
    assert_eq!(got.len(), 4 * want.len(), "{what}");
    for (b, (case, n, want)) in got.chunks_exact(4).zip(want) {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let impulse = &cases[*case].impulse;
        assert_eq!(
            got.to_bits(),
            want.to_bits(),
            "{what}: case {case}, window {n}: {got:e} instead of {want:e}: {} every {}, {:?}",
            impulse.window.frames,
            impulse.window.stride,
            impulse.dsp.iter().map(|b| (&b.block, b.version, framing(b))).collect::<Vec<_>>()
        );
    }
}

#[test]
fn sound_in_slices_has_the_features_of_each_window() {
    let mut rng = Rng(7);
    let cases: Vec<Case> = (0..CASES)
        .map(|i| {
            let impulse = impulse(&mut rng, i);
            Case { signal: signal(&mut rng, &impulse), impulse }
        })
        .collect();
    let mut ways = BTreeSet::new();
    for case in &cases {
        let w = &case.impulse.window;
        ways.insert(format!("{} blocks", case.impulse.dsp.len()));
        ways.insert(match w.frames.cmp(&w.stride) {
            std::cmp::Ordering::Less => "gaps".to_owned(),
            std::cmp::Ordering::Equal => "no overlap".into(),
            std::cmp::Ordering::Greater => format!("{} begun", w.frames.div_ceil(w.stride).min(3)),
        });
        for block in &case.impulse.dsp {
            let fixed = if matches!(block.plan, Plan::Fixed(_)) { " fixed" } else { "" };
            ways.insert(format!("{}{fixed}", block.block));
            let f = framing(block);
            if f.emphasis != 0.0 {
                ways.insert(format!("{} frames wait", f.shift.div_ceil(f.stride).min(2)));
            }
        }
    }
    for way in [
        "1 blocks",
        "2 blocks",
        "gaps",
        "no overlap",
        "2 begun",
        "3 begun",
        "1 frames wait",
        "2 frames wait",
        "spectrogram",
        "spectrogram fixed",
        "mfe",
        "mfe fixed",
        "mfcc",
        "mfcc fixed",
    ] {
        assert!(ways.contains(way), "{way} is not among {ways:?}");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let host = target::all().iter().find(|t| t.id == "host").expect("the host");
    for (i, case) in cases.iter().enumerate() {
        let files = compile(&case.impulse, host, &Options::default()).expect("code");
        for name in [format!("case_{i}.c"), format!("case_{i}.h")] {
            fs::write(dir.path().join(&name), &files[&name]).expect("written");
        }
    }
    let inputs: Vec<u8> = cases.iter().flat_map(|c| &c.signal).flat_map(|v| v.to_le_bytes()).collect();
    fs::write(dir.path().join("inputs.bin"), inputs).expect("inputs");
    fs::write(dir.path().join("main.c"), program(&cases)).expect("main.c");
    let want = expected(&cases);
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    for (n, compiler) in compilers.iter().enumerate() {
        let sanitized: &[&str] = &["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let probe = tempfile::tempdir().expect("a folder");
        let flags: &[&[&str]] = match n {
            0 if sanitizer_works(compiler, probe.path()) => &[sanitized, &["-Os", "-DEW_SHORT_PRODUCTS"]],
            _ => &[&["-O3", "-march=native"]],
        };
        for flags in flags {
            check(&cases, dir.path(), &want, compiler, flags);
        }
    }
}
