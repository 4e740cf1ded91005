//! Builds a block for an emulated core, runs it there and counts.

use super::cases::{Case, Kind};
use edgewright_compile::{Options, compile, harness, target};
use edgewright_test_support::{Board, run_on_board};
use edgewright_toolchain::{BoardSpec, host_compilers};
use std::{error::Error, fs, path::Path};

/// Level of optimisation.
pub const LEVEL: &str = "-O3";

/// Executed instructions of one window on a core.
///
/// # Errors
/// What a tool says; features that are not those of the Rust side, to the last bit; static data in the library.
pub fn instructions(case: &Case, core: &str) -> Result<u64, Box<dyn Error>> {
    let impulse = case.impulse();
    let target = target::all().iter().find(|t| t.id == core).ok_or("no such core")?;
    let board = target.board.as_ref().ok_or("no board")?;
    let dir = tempfile::tempdir()?;
    for (name, bytes) in compile(&impulse, target, &Options::default())? {
        fs::write(dir.path().join(name), bytes)?;
    }
    let kind = write_window(case, dir.path())?;
    fs::write(dir.path().join("main.c"), program(kind))?;
    // There are no steps without a network.
    let [mark, end, last, _] = harness::MARKS;
    let spec = BoardSpec {
        machine: board.machine.clone(),
        flags: board.flags.clone(),
        code: (board.code_base, board.code_bytes),
        ram: (board.ram_base, board.ram_bytes),
    };
    let files = [harness::BOARD, harness::BOARD_HEADER, harness::LINKER_SCRIPT, harness::COUNTER];
    let board = Board { spec, files, marks: [mark, end, last, last] };
    let compilers = host_compilers();
    let host = compilers.first().ok_or("no C compiler for the host")?;
    let run = run_on_board(dir.path(), &board, host, LEVEL, &["block.c", "main.c"])?;
    let expected: Vec<u8> = features(case)?.iter().flat_map(|v| v.to_le_bytes()).collect();
    if fs::read(dir.path().join("features.bin"))? != expected {
        return Err("the C gives other features than the Rust side".into());
    }
    if run.static_bytes > 0 {
        return Err(format!("the library has {} bytes of static data", run.static_bytes).into());
    }
    match run.counts {
        Some(c) if c.first > 0 => Ok(c.first),
        other => Err(format!("nothing was counted: {other:?}").into()),
    }
}

/// Writes `window.bin` and says the type of its values.
///
/// # Errors
/// Those of writing.
pub fn write_window(case: &Case, dir: &Path) -> Result<&'static str, std::io::Error> {
    let window = case.window();
    let (kind, values) = if case.kind == Kind::Sound {
        ("int16_t", window.iter().flat_map(|v| (*v as i16).to_le_bytes()).collect::<Vec<u8>>())
    } else {
        ("float", window.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    fs::write(dir.join("window.bin"), values)?;
    Ok(kind)
}

/// Features of the window by the Rust side.
///
/// # Errors
/// What the block says.
pub fn features(case: &Case) -> Result<Vec<f32>, String> {
    let impulse = case.impulse();
    let block = &impulse.dsp[0];
    let mut features = vec![0.0f32; block.features()];
    block
        .plan
        .extract(&case.window(), &mut vec![0.0; block.plan.scratch_len()], &mut features)
        .map_err(|e| e.message)?;
    Ok(features)
}

/// Classifies the window once, which is counted, and writes its features from a fresh handle.
fn program(kind: &str) -> String {
    let signal = if kind == "float" { "f32" } else { "i16" };
    format!(
        r#"#include "block.h"
#include "board.h"
static uint32_t arena[(BLOCK_ARENA_SIZE + 3) / 4];
static {kind} window[BLOCK_WINDOW_LEN];
static float features[BLOCK_FEATURE_COUNT];
static block_t handle;
int main(void)
{{
    const int in = board_open("window.bin", 0), out = board_open("features.bin", 1);
    block_signal signal = block_signal_{signal}(window);
    block_result result;
    if (board_read(in, window, sizeof window) != 0 || block_init(&handle, arena, sizeof arena) != BLOCK_OK ||
        block_classify(&handle, &signal, &result) != BLOCK_OK) {{
        return 2;
    }}
    if (block_init(&handle, arena, sizeof arena) != BLOCK_OK ||
        block_extract(&handle, &signal, features, BLOCK_FEATURE_COUNT) != BLOCK_OK ||
        board_write(out, features, sizeof features) != 0) {{
        return 3;
    }}
    return 0;
}}
"#
    )
}

/// First line of what the compiler says of itself.
///
/// # Errors
/// When it does not run.
pub fn compiler() -> Result<String, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let limit = std::time::Duration::from_secs(20);
    let said = edgewright_toolchain::run("arm-none-eabi-gcc", &["--version".into()], dir.path(), limit)?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}
