//! Building and running emitted files.

use edgewright_toolchain::{
    BoardBuild, BoardRun, BoardSpec, Compiler, ToolError, build_counter, host_build, run, run_board,
};
use std::{fs, path::Path, time::Duration};

/// An emulated board with its start-up files.
pub struct Board<'a> {
    /// Machine, core and memory.
    pub spec: BoardSpec,
    /// Start-up code, its header, linker script, instruction counter.
    pub files: [&'a str; 4],
    /// Functions at the borders of what is counted.
    pub marks: [&'a str; 4],
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap_or_else(|e| panic!("{name}: {e}"));
}

/// Builds sources in a folder with warnings as errors and runs the program there.
///
/// # Errors
/// The words of the compiler or the exit status.
pub fn run_on_host(
    dir: &Path,
    compiler: &Compiler,
    flags: &[&str],
    sources: &[&str],
) -> Result<(), ToolError> {
    let mut all = vec!["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"];
    all.extend(flags);
    host_build(compiler, dir, &all, sources, "program")?;
    run("./program", &[], dir, Duration::from_secs(120)).map(|_| ())
}

/// Builds sources for a board and runs the image, with instructions counted.
///
/// # Errors
/// The words of the compiler or the exit status.
pub fn run_on_board(
    dir: &Path,
    board: &Board<'_>,
    host: &Compiler,
    level: &str,
    sources: &[&str],
) -> Result<BoardRun, ToolError> {
    let [start, header, script, counter] = board.files;
    write(dir, "board.c", start);
    write(dir, "board.h", header);
    let counter = build_counter(host, dir, counter)?;
    let mut all = sources.to_vec();
    all.push("board.c");
    let flags = [level, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DEW_MEASURE"];
    let build = BoardBuild { board: &board.spec, linker_script: script, sources: &all, flags: &flags };
    run_board(dir, &build, Some(&counter), board.marks)
}
