//! The inputs of `golden/dsp`, most of them recordings, through the emitted C: on the host by every compiler and on an emulated
//! Cortex-M4F and Cortex-M0+ the features have the bits of the Rust side, in floats and where a block has them in integers.

mod by_features;

use by_features::Case;
use edgewright_compile::{harness, target};
use edgewright_dsp::{Params, Value};
use edgewright_impulse::{DspBlock, Impulse, Window};
use edgewright_sample::Axis;
use edgewright_test_support::run_on_host;
use edgewright_toolchain::{BoardBuild, BoardSpec, host_compilers, missing, run_board};
use serde_json::Value as Json;
use std::{fs, path::Path};

/// Values of an array of little-endian floats.
fn npy(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8_lossy(&bytes[10..head]).into_owned();
    let values = &bytes[head..];
    if text.contains("<f8") {
        return values.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect();
    }
    if text.contains("<f4") {
        return values.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    }
    assert!(text.contains("<i2"), "{}: {text}", path.display());
    values.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b))).collect()
}

/// All cases of blocks of one window that are not refused; with `fixed` those that integers compute.
fn cases(fixed: bool) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp");
    let index = fs::read_to_string(folder.join("index.json")).expect("an index");
    let index: Json = serde_json::from_str(&index).expect("JSON");
    let mut out = Vec::new();
    for case in index["cases"].as_array().expect("cases") {
        let block = case["block"].as_str().expect("a block");
        let known = ["raw", "mfe", "mfcc", "spectrogram", "spectral_analysis", "flatten"].contains(&block);
        if !known || case["expect"] == "error" {
            continue;
        }
        let mut params: Params = case["parameters"]
            .as_object()
            .expect("parameters")
            .iter()
            // How many windows a moving average has seen, no parameter.
            .filter(|(k, _)| *k != "window")
            .filter_map(|(k, v)| {
                Some((
                    k.clone(),
                    match v {
                        Json::Bool(b) => Value::Bool(*b),
                        Json::Number(n) => Value::Number(n.as_f64()?),
                        Json::String(s) => Value::Text(s.clone()),
                        _ => return None,
                    },
                ))
            })
            .collect();
        if fixed {
            params.insert("arith".into(), Value::Text("fixed".into()));
        }
        let axes = case["axes"].as_array().map_or(1, Vec::len);
        let values = npy(&folder.join(case["input"].as_str().expect("an input")));
        let window_values = case["window_values"].as_u64().map_or(values.len(), |n| n as usize);
        let window = Window {
            frames: window_values / axes,
            stride: window_values / axes,
            rate_hz: case["sampling_freq"].as_f64().unwrap_or(0.0),
            axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let version = case["implementation_version"].as_u64().unwrap_or(1) as u32;
        let block = match DspBlock::new("block", block, version, params, (0..axes).collect(), &window) {
            Ok(block) => block,
            Err(e) if fixed => {
                assert!(e.to_string().contains("float"), "{}: {e}", case["id"]);
                continue;
            }
            Err(e) => panic!("{}: {e}", case["id"]),
        };
        let name = format!("case {}", out.len());
        out.push(Case {
            impulse: Impulse { name, window, dsp: vec![block], learn: vec![] },
            windows: values.chunks_exact(window_values).map(<[f32]>::to_vec).collect(),
        });
    }
    out
}

#[test]
fn golden_inputs_give_the_bits_of_the_rust_side_on_the_host() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    for (fixed, least, levels) in [(false, 90, ["-O2", "-Os"]), (true, 40, ["-O0", "-O3"])] {
        let cases = cases(fixed);
        assert!(cases.len() >= least, "{} cases", cases.len());
        let dir = tempfile::tempdir().expect("a folder");
        let (sources, expected) = by_features::write(dir.path(), "host", &cases, false);
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        // Each compiler at one level: `random_blocks` takes more of them.
        for (compiler, level) in compilers.iter().zip(levels) {
            let what = format!("{} {level}, fixed {fixed}", compiler.program);
            run_on_host(dir.path(), compiler, &[level], &sources).unwrap_or_else(|e| panic!("{what}: {e}"));
            by_features::agree(dir.path(), &cases, &expected, &what);
        }
    }
}

/// Every so many-th case on a board.
fn on_board(id: &str, fixed: bool, every: usize) {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    let b = target.board.as_ref().expect("a board");
    let mut picked: Vec<Case> = cases(fixed).into_iter().step_by(every).collect();
    for (n, case) in picked.iter_mut().enumerate() {
        case.impulse.name = format!("case {n}");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let (sources, expected) = by_features::write(dir.path(), id, &picked, true);
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    fs::write(dir.path().join("board.c"), harness::BOARD).expect("board.c");
    fs::write(dir.path().join("board.h"), harness::BOARD_HEADER).expect("board.h");
    let spec = BoardSpec {
        machine: b.machine.clone(),
        flags: b.flags.clone(),
        code: (b.code_base, b.code_bytes),
        ram: (b.ram_base, b.ram_bytes),
    };
    let all: Vec<&str> = sources.iter().copied().chain(["board.c"]).collect();
    let flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"];
    let build =
        BoardBuild { board: &spec, linker_script: harness::LINKER_SCRIPT, sources: &all, flags: &flags };
    let what = format!("{id}, fixed {fixed}");
    run_board(dir.path(), &build, None, harness::MARKS).unwrap_or_else(|e| panic!("{what}: {e}"));
    by_features::agree(dir.path(), &picked, &expected, &what);
}

#[test]
fn golden_inputs_give_the_bits_of_the_rust_side_on_emulated_cores() {
    for tool in ["arm-none-eabi-gcc", "qemu-system-arm"] {
        if let Some(words) = missing(tool) {
            eprintln!("not run: {words}");
            return;
        }
    }
    on_board("cortex-m4f", false, 7);
    on_board("cortex-m4f", true, 7);
    on_board("cortex-m0plus", false, 11);
    on_board("cortex-m0plus", true, 11);
}
