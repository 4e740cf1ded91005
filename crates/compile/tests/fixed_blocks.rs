//! Blocks in integers from windows of `int16_t`: the C reads them where they lie and gives the bits of the Rust side, on
//! the host and on an emulated core without floating-point unit, where it needs far fewer instructions than in floats.

use edgewright_compile::{Options, compile, harness, target};
use edgewright_dsp::{Params, Value};
use edgewright_impulse::{DspBlock, Impulse, Window};
use edgewright_sample::Axis;
use edgewright_test_support::{Board, Rng, run_on_board, run_on_host};
use edgewright_toolchain::{BoardSpec, host_compilers, missing, sanitizer_works};
use std::{fs, path::Path};

const WINDOWS: usize = 4;

fn impulse(block: &str, version: u32, list: &[(&str, f64)], axes: usize, fixed: bool) -> Impulse {
    let window = Window {
        frames: 16000,
        stride: 16000,
        rate_hz: 16000.0,
        axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
        zero_pad: true,
        image: None,
        fit: Default::default(),
    };
    let mut params: Params = list.iter().map(|(k, v)| ((*k).into(), Value::Number(*v))).collect();
    params.insert("arith".into(), Value::Text(if fixed { "fixed" } else { "float" }.into()));
    if params.contains_key("filter_cutoff") {
        params.insert("filter_type".into(), Value::Text("high".into()));
    }
    let block = DspBlock::new("audio", block, version, params, vec![axes - 1], &window).expect("a block");
    Impulse { name: "audio".into(), window, dsp: vec![block], learn: vec![] }
}

/// Sound with a rise in it, silence, full scale, almost nothing.
fn windows(values: usize) -> Vec<Vec<i16>> {
    let mut rng = Rng(7);
    (0..WINDOWS)
        .map(|n| {
            (0..values)
                .map(|i| {
                    let r = 2.0 * rng.unit() - 1.0;
                    match n {
                        0 => {
                            ((8000.0 * (i as f64 * 0.05).sin() + 900.0 * r) * i as f64 / values as f64) as i16
                        }
                        1 => 0,
                        2 => [i16::MAX, i16::MIN][usize::from(r > 0.0)],
                        _ => r.round() as i16,
                    }
                })
                .collect()
        })
        .collect()
}

/// Writes program and windows to `dir`; the features of the Rust side.
fn write(dir: &Path, impulse: &Impulse, id: &str, board: bool) -> Vec<f32> {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    for (name, bytes) in compile(impulse, target, &Options::default()).expect("C") {
        fs::write(dir.join(name), bytes).expect("written");
    }
    let (head, open, read, put) = if board {
        (
            "board.h",
            "const int in = board_open(\"windows.bin\", 0), out = board_open(\"features.bin\", 1);",
            "board_read(in, samples, sizeof samples)",
            "board_write(out, features, sizeof features)",
        )
    } else {
        (
            "stdio.h",
            "FILE *in = fopen(\"windows.bin\", \"rb\"), *out = fopen(\"features.bin\", \"wb\");",
            "(fread(samples, sizeof samples, 1, in) != 1)",
            "(fwrite(features, sizeof features, 1, out) != 1)",
        )
    };
    let main = format!(
        r#"#include "audio.h"
#include "{head}"
static uint32_t arena[(AUDIO_ARENA_SIZE + 3) / 4];
static int16_t samples[AUDIO_WINDOW_LEN];
static float window[AUDIO_WINDOW_LEN], features[AUDIO_FEATURE_COUNT];
int main(void)
{{
    audio_t handle;
    audio_result result;
    {open}
    int i, k;
    if (audio_init(&handle, arena, sizeof arena) != AUDIO_OK) {{
        return 2;
    }}
    for (k = 0; k < {WINDOWS}; k++) {{
        audio_signal signal = audio_signal_i16(samples);
        if ({read} != 0) {{
            return 3;
        }}
        if (k == 0 && audio_classify(&handle, &signal, &result) != AUDIO_OK) {{
            return 4;
        }}
        if (audio_extract(&handle, &signal, features, AUDIO_FEATURE_COUNT) != AUDIO_OK || {put} != 0) {{
            return 5;
        }}
        for (i = 0; i < AUDIO_WINDOW_LEN; i++) {{
            window[i] = (float)samples[i];
        }}
        signal = audio_signal_f32(window);
        if (audio_extract(&handle, &signal, features, AUDIO_FEATURE_COUNT) != AUDIO_OK || {put} != 0) {{
            return 6;
        }}
    }}
    return 0;
}}
"#
    );
    fs::write(dir.join("main.c"), main).expect("main.c");
    let windows = windows(impulse.window.values());
    fs::write(
        dir.join("windows.bin"),
        windows.iter().flatten().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
    )
    .expect("windows");
    let block = &impulse.dsp[0];
    let axes = impulse.window.axes.len();
    let mut expected = Vec::new();
    for window in windows {
        let seen: Vec<f32> = window.iter().skip(axes - 1).step_by(axes).map(|v| f32::from(*v)).collect();
        let mut features = vec![0.0; block.features()];
        let mut scratch = vec![0.0; block.plan.scratch_len()];
        block.plan.extract(&seen, &mut scratch, &mut features).expect("features");
        expected.extend_from_slice(&features);
        expected.extend(features);
    }
    expected
}

fn agree(dir: &Path, expected: &[f32], what: &str) {
    let got = fs::read(dir.join("features.bin")).expect("features");
    assert_eq!(got.len(), 4 * expected.len(), "{what}");
    for (i, (b, want)) in got.chunks_exact(4).zip(expected).enumerate() {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        assert!(got.to_bits() == want.to_bits(), "{what}: feature {i} is {got:e} instead of {want:e}");
    }
}

type Case = (&'static str, u32, &'static [(&'static str, f64)]);

const CASES: [Case; 7] = [
    ("mfcc", 4, &[]),
    ("mfcc", 1, &[("win_size", 0.0), ("fft_length", 512.0), ("num_cepstral", 1.0), ("pre_shift", 700.0)]),
    ("mfe", 4, &[]),
    ("spectrogram", 3, &[("frame_stride", 0.03)]),
    ("spectrogram", 4, &[("fft_length", 64.0)]),
    (
        "spectral_analysis",
        4,
        &[("input_decimation_ratio", 30.0), ("filter_cutoff", 20.0), ("scale_axes", -0.3)],
    ),
    ("spectral_analysis", 4, &[]),
];

#[test]
fn windows_of_int16_give_the_bits_of_the_rust_side() {
    let probe = tempfile::tempdir().expect("a folder");
    for compiler in &host_compilers() {
        let mut builds = vec![vec!["-O2"], vec!["-O3", "-DEW_SHORT_PRODUCTS"]];
        if sanitizer_works(compiler, probe.path()) {
            builds.push(vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        for flags in builds {
            for (i, (block, version, list)) in CASES.iter().enumerate() {
                let dir = tempfile::tempdir().expect("a folder");
                let expected =
                    write(dir.path(), &impulse(block, *version, list, 1 + i % 2, true), "host", false);
                let what = format!("{block} {version}, {} {flags:?}", compiler.program);
                run_on_host(dir.path(), compiler, &flags, &["main.c", "audio.c"])
                    .unwrap_or_else(|e| panic!("{what}: {e}"));
                agree(dir.path(), &expected, &what);
            }
        }
    }
}

/// Instructions of one window.
fn board(id: &str, case: &Case, fixed: bool) -> u64 {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    let b = target.board.as_ref().expect("a board");
    let dir = tempfile::tempdir().expect("a folder");
    let expected = write(dir.path(), &impulse(case.0, case.1, case.2, 1, fixed), id, true);
    // There are no steps without a network.
    let [mark, end, last, _] = harness::MARKS;
    let board = Board {
        spec: BoardSpec {
            machine: b.machine.clone(),
            flags: b.flags.clone(),
            code: (b.code_base, b.code_bytes),
            ram: (b.ram_base, b.ram_bytes),
        },
        files: [harness::BOARD, harness::BOARD_HEADER, harness::LINKER_SCRIPT, harness::COUNTER],
        marks: [mark, end, last, last],
    };
    let what = format!("{case:?} on {id}, fixed {fixed}");
    let run = run_on_board(dir.path(), &board, &host_compilers()[0], "-O3", &["audio.c", "main.c"])
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    agree(dir.path(), &expected, &what);
    let count = run.counts.expect("counts").first;
    eprintln!("{what}: {count} instructions");
    count
}

#[test]
fn a_core_without_floats_takes_a_third_of_the_instructions_at_most() {
    for tool in ["arm-none-eabi-gcc", "qemu-system-arm"] {
        if let Some(words) = missing(tool) {
            eprintln!("not run: {words}");
            return;
        }
    }
    for case in [&CASES[0], &CASES[2], &CASES[4], &CASES[5], &CASES[6]] {
        let (float, fixed) = (board("cortex-m0plus", case, false), board("cortex-m0plus", case, true));
        assert!(3 * fixed < float, "{case:?}: {fixed} instructions in integers, {float} in floats");
    }
    for id in ["cortex-m3", "cortex-m4f"] {
        board(id, &CASES[0], true);
        board(id, &CASES[5], true);
    }
}
