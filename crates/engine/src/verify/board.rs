//! On an emulated board.

use super::{Case, Cases, RandomCases, compare, tool_failed, write_tree};
use crate::{EngineError, error::AtPath};
use edgewright_compile::{Options, Target, compile, harness};
use edgewright_impulse::Impulse;
use edgewright_toolchain::{self as toolchain, BoardBuild, BoardSpec};

/// Instructions per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerWindow {
    /// Feature extraction.
    pub dsp: u64,
    /// Learning blocks.
    pub network: u64,
}

/// What was proven on a board.
#[derive(Clone, Debug, Default)]
pub struct BoardProof {
    /// Compiler, flags and emulator.
    pub builds: Vec<String>,
    /// Windows that were compared.
    pub cases: usize,
    /// First difference.
    pub mismatch: Option<String>,
    /// What to install, or that nothing runs it.
    pub missing: Option<String>,
    /// Code and constants of the linked image.
    pub flash_bytes: u64,
    /// Arena, and what the handle keeps from window to window.
    pub arena_bytes: u64,
    /// Static data of the library.
    pub static_bytes: u64,
    /// Deepest stack of a classification.
    pub stack_bytes: u64,
    /// Mean over the windows.
    pub instructions: Option<PerWindow>,
}

/// Builds the library for an emulated board and runs these windows there, then random ones.
///
/// # Errors
/// Those of compiling the impulse and of files. A build that fails or differs is a mismatch, not an error.
pub fn verify_board(
    impulse: &Impulse,
    target: &Target,
    cases: &mut dyn Iterator<Item = Case>,
    random: RandomCases,
) -> Result<BoardProof, EngineError> {
    let Some(board) = &target.board else {
        let missing = format!("no emulator runs {} here; the portable C is proven on the host", target.isa);
        return Ok(BoardProof { missing: Some(missing), ..BoardProof::default() });
    };
    let missing: Vec<String> =
        ["arm-none-eabi-gcc", "qemu-system-arm"].iter().filter_map(|t| toolchain::missing(t)).collect();
    if !missing.is_empty() {
        return Ok(BoardProof { missing: Some(missing.join("; ")), ..BoardProof::default() });
    }
    let folder = crate::scratch::folder()?;
    let dir = folder.path();
    let p = write_tree(impulse, &compile(impulse, target, &Options::default())?, dir)?;
    for (name, text) in [
        ("main.c", harness::board_main(impulse, None).as_str()),
        ("board.c", harness::BOARD),
        ("board.h", harness::BOARD_HEADER),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, text).at(&path)?;
    }
    let mut files = Cases::create(dir)?;
    files.add_all(impulse, cases, dir)?;
    files.add_all(impulse, &mut random.cases(), dir)?;
    let count = files.finish(dir)?;
    let spec = BoardSpec {
        machine: board.machine.clone(),
        flags: board.flags.clone(),
        code: (board.code_base, board.code_bytes),
        ram: (board.ram_base, board.ram_bytes),
    };
    let library = format!("{p}.c");
    let counter = toolchain::host_compilers()
        .first()
        .and_then(|c| toolchain::build_counter(c, dir, harness::COUNTER).ok());
    let flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DEW_MEASURE"];
    let build = BoardBuild {
        board: &spec,
        linker_script: harness::LINKER_SCRIPT,
        sources: &[&library, "main.c", "board.c"],
        flags: &flags,
    };
    let layout = edgewright_compile::layout(impulse, target)?;
    let mut proof = BoardProof {
        builds: vec![format!(
            "arm-none-eabi-gcc {} {} in QEMU {}",
            flags.join(" "),
            spec.flags.join(" "),
            spec.machine
        )],
        cases: count,
        arena_bytes: (layout.arena_bytes + 4 * impulse.state_len()) as u64,
        ..BoardProof::default()
    };
    let run = match toolchain::run_board(dir, &build, counter.as_deref(), harness::MARKS) {
        Ok(run) => run,
        Err(e) => {
            proof.mismatch = Some(tool_failed("the board", &e));
            return Ok(proof);
        }
    };
    proof.flash_bytes = run.flash_bytes;
    proof.static_bytes = run.static_bytes;
    if let Some(c) = run.counts.filter(|c| c.passes > 0) {
        proof.instructions = Some(PerWindow { dsp: c.first / c.passes, network: c.second / c.passes });
    } else {
        proof.builds.push(
            "instructions were not counted: the counter for QEMU could not be built or saw no pass".into(),
        );
    }
    let path = dir.join("stack.bin");
    let bytes = std::fs::read(&path).at(&path)?;
    proof.stack_bytes = bytes.get(..4).map_or(0, |b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    proof.mismatch = compare(dir, "results.bin", 0..count, impulse.result_len())?;
    Ok(proof)
}
