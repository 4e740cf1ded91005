//! Programs that read windows and write the features of many impulses, on the host or on an emulated board, and the same
//! of the Rust side.

use edgewright_compile::{Options, compile, target};
use edgewright_impulse::Impulse;
use std::{fmt::Write, fs, path::Path};

/// An impulse of one block, named `case N` by its place, and windows that follow each other.
pub struct Case {
    pub impulse: Impulse,
    pub windows: Vec<Vec<f32>>,
}

/// Features as the Rust side computes them: case, place and value.
pub type Expected = Vec<(usize, usize, f32)>;

/// Writes the C of all cases, a `main.c` and `inputs.bin`; which sources to build, and what must come out.
pub fn write(dir: &Path, id: &str, cases: &[Case], board: bool) -> (Vec<String>, Expected) {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    let mut sources = vec!["main.c".to_owned()];
    let (mut inputs, mut expected) = (Vec::new(), Vec::new());
    for (i, case) in cases.iter().enumerate() {
        let files = compile(&case.impulse, target, &Options::default())
            .unwrap_or_else(|e| panic!("{}: {e}", case.impulse.name));
        for (name, bytes) in files {
            if name.starts_with("case_") {
                fs::write(dir.join(&name), bytes).expect("written");
            }
        }
        sources.push(format!("case_{i}.c"));
        let block = &case.impulse.dsp[0];
        // Every second case with room for several frames at once: the bits must be the same.
        let room = if i % 2 == 0 { block.plan.scratch_len() } else { block.plan.wide_scratch_len() };
        let mut scratch = vec![f32::NAN; room];
        let mut state = vec![0.0; block.plan.state_len()];
        for window in &case.windows {
            let (axes, all) = (&block.axes, case.impulse.window.axes.len());
            let seen: Vec<f32> = window.chunks_exact(all).flat_map(|f| axes.iter().map(|&a| f[a])).collect();
            let mut features = vec![0.0; block.features()];
            let done = block.plan.extract_next(&seen, &mut state, &mut scratch, &mut features);
            done.unwrap_or_else(|e| panic!("{}: {e}", case.impulse.name));
            expected.extend(features.into_iter().enumerate().map(|(f, v)| (i, f, v)));
            inputs.extend(window.iter().flat_map(|v| v.to_le_bytes()));
        }
    }
    fs::write(dir.join("main.c"), program(cases, board)).expect("main.c");
    fs::write(dir.join("inputs.bin"), inputs).expect("inputs");
    (sources, expected)
}

/// Holds what the program wrote against what the Rust side computed, bit for bit.
pub fn agree(dir: &Path, cases: &[Case], expected: &Expected, what: &str) {
    let got = fs::read(dir.join("outputs.bin")).expect("outputs");
    assert_eq!(got.len(), 4 * expected.len(), "{what}");
    for (b, (case, feature, want)) in got.chunks_exact(4).zip(expected) {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let alike = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
        let block = &cases[*case].impulse.dsp[0];
        assert!(
            alike,
            "{what}: case {case}, feature {feature} is {got:e} instead of {want:e}: {} version {} {:?}",
            block.block, block.version, block.params
        );
    }
}

fn program(cases: &[Case], board: bool) -> String {
    let most = |of: fn(&Case) -> usize| cases.iter().map(of).max().unwrap_or(1);
    let (head, file, read, put, open, close) = if board {
        (
            "#include \"board.h\"",
            "int",
            "board_read(from, window, N) != 0",
            "board_write(to, features, N) != 0",
            "const int from = board_open(\"inputs.bin\", 0), to = board_open(\"outputs.bin\", 1);\n    if (from < 0 || to < 0",
            "0",
        )
    } else {
        (
            "#include <stdio.h>",
            "FILE *",
            "fread(window, N, 1, from) != 1",
            "fwrite(features, N, 1, to) != 1",
            "FILE *from = fopen(\"inputs.bin\", \"rb\"), *to = fopen(\"outputs.bin\", \"wb\");\n    if (from == NULL || to == NULL",
            "fclose(to) == 0 ? 0 : 7",
        )
    };
    let mut out = format!(
        "{head}\n#include <stdint.h>\n#include <string.h>\nstatic float window[{}], features[{}];\n",
        most(|c| c.impulse.window.values()),
        most(|c| c.impulse.dsp[0].features())
    );
    let mut calls = String::new();
    for (i, case) in cases.iter().enumerate() {
        let _ = write!(
            out,
            r#"#include "case_{i}.h"
static int run_{i}({file} from, {file} to)
{{
    static uint32_t arena[(CASE_{i}_ARENA_SIZE + 3) / 4];
    case_{i}_t handle;
    case_{i}_signal signal = case_{i}_signal_f32(window);
    int n;
    if (case_{i}_init(&handle, arena, sizeof arena) != CASE_{i}_OK) {{
        return 1;
    }}
    for (n = 0; n < {windows}; n++) {{
        memset(arena, 0xa5, sizeof arena);
        if ({read} ||
            case_{i}_extract(&handle, &signal, features, CASE_{i}_FEATURE_COUNT) != CASE_{i}_OK ||
            {put}) {{
            return 1;
        }}
    }}
    return 0;
}}
"#,
            windows = case.windows.len(),
            read = read.replace('N', &format!("CASE_{i}_WINDOW_LEN * sizeof(float)")),
            put = put.replace('N', &format!("CASE_{i}_FEATURE_COUNT * sizeof(float)")),
        );
        let _ = write!(calls, " || run_{i}(from, to) != 0");
    }
    let _ = write!(
        out,
        r#"int main(void)
{{
    {open}{calls}) {{
        return 4;
    }}
    return {close};
}}
"#
    );
    out
}
