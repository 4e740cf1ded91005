//! Builds a block for an emulated core, runs it there and counts.

use edgewright_compile::{Options, compile, harness, target};
use edgewright_impulse::Impulse;
use edgewright_toolchain::{BoardBuild, BoardSpec, build_counter, host_compilers, run_board};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// Level of optimisation.
pub const LEVEL: &str = "-O3";

/// A block of an impulse that has no other, and a window.
#[derive(Clone, Debug)]
pub struct Job {
    /// The block with its window.
    pub impulse: Impulse,
    /// Values, frame by frame.
    pub window: Vec<f32>,
    /// Whether they are whole and given as `int16_t`.
    pub whole: bool,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Executed instructions of the window.
    pub instructions: u64,
    /// Code and constants of the image, in bytes.
    pub flash: u64,
}

/// The instruction counter, built once.
pub struct Counter {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Counter {
    /// Builds it.
    ///
    /// # Errors
    /// What the host's compiler says.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let compilers = host_compilers();
        let host = compilers.first().ok_or("no C compiler for the host")?;
        Ok(Self { path: build_counter(host, dir.path(), harness::COUNTER)?, _dir: dir })
    }

    /// Executed instructions of one window on a core, and the image's flash.
    ///
    /// # Errors
    /// What a tool says; features that are not those of the Rust side, to the last bit; static data in the library.
    pub fn measure(&self, job: &Job, core: &str) -> Result<Measured, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let target = target::all().iter().find(|t| t.id == core).ok_or("no such core")?;
        for (name, bytes) in compile(&job.impulse, target, &Options::default())? {
            fs::write(dir.path().join(name), bytes)?;
        }
        let kind = write_window(job, dir.path())?;
        let run = self.run(dir.path(), core, &program(kind), true)?;
        let expected: Vec<u8> = features(job)?.iter().flat_map(|v| v.to_le_bytes()).collect();
        if fs::read(dir.path().join("features.bin"))? != expected {
            return Err("the C gives other features than the Rust side".into());
        }
        if run.static_bytes > 0 {
            return Err(format!("the library has {} bytes of static data", run.static_bytes).into());
        }
        match run.counts {
            Some(c) if c.first > 0 => Ok(Measured { instructions: c.first, flash: run.flash_bytes }),
            other => Err(format!("nothing was counted: {other:?}").into()),
        }
    }

    /// Flash of a program that reads and writes the same files and has no block.
    ///
    /// # Errors
    /// What a tool says.
    pub fn empty(&self, core: &str) -> Result<u64, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("block.c"), "typedef int nothing;\n")?;
        fs::write(dir.path().join("window.bin"), [0u8; 4])?;
        Ok(self.run(dir.path(), core, EMPTY, false)?.flash_bytes)
    }

    fn run(
        &self,
        dir: &Path,
        core: &str,
        program: &str,
        count: bool,
    ) -> Result<edgewright_toolchain::BoardRun, Box<dyn Error>> {
        let target = target::all().iter().find(|t| t.id == core).ok_or("no such core")?;
        let board = target.board.as_ref().ok_or("no board")?;
        for (name, text) in
            [("main.c", program), ("board.c", harness::BOARD), ("board.h", harness::BOARD_HEADER)]
        {
            fs::write(dir.join(name), text)?;
        }
        let spec = BoardSpec {
            machine: board.machine.clone(),
            flags: board.flags.clone(),
            code: (board.code_base, board.code_bytes),
            ram: (board.ram_base, board.ram_bytes),
        };
        let build = BoardBuild {
            board: &spec,
            linker_script: harness::LINKER_SCRIPT,
            sources: &["block.c", "main.c", "board.c"],
            flags: &[LEVEL, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DEW_MEASURE"],
        };
        // There are no steps without a network.
        let [mark, end, last, _] = harness::MARKS;
        Ok(run_board(dir, &build, count.then_some(self.path.as_path()), [mark, end, last, last])?)
    }
}

const EMPTY: &str = r#"#include "board.h"
static float window[1];
int main(void)
{
    const int in = board_open("window.bin", 0), out = board_open("features.bin", 1);
    return board_read(in, window, sizeof window) != 0 || board_write(out, window, sizeof window) != 0 ? 2 : 0;
}
"#;

/// Writes `window.bin` and says the type of its values.
///
/// # Errors
/// Those of writing.
pub fn write_window(job: &Job, dir: &Path) -> Result<&'static str, std::io::Error> {
    let (kind, values) = if job.whole {
        ("int16_t", job.window.iter().flat_map(|v| (*v as i16).to_le_bytes()).collect::<Vec<u8>>())
    } else {
        ("float", job.window.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    fs::write(dir.join("window.bin"), values)?;
    Ok(kind)
}

/// Features of the window by the Rust side.
///
/// # Errors
/// What the block says.
pub fn features(job: &Job) -> Result<Vec<f32>, String> {
    let block = &job.impulse.dsp[0];
    let axes = job.impulse.window.axes.len();
    let seen: Vec<f32> =
        job.window.chunks_exact(axes).flat_map(|frame| block.axes.iter().map(|a| frame[*a])).collect();
    let mut features = vec![0.0f32; block.features()];
    block
        .plan
        .extract(&seen, &mut vec![0.0; block.plan.scratch_len()], &mut features)
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
