//! Compilers of this machine.

use crate::{ToolError, process};
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(300);

/// A compiler that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// Name of the program.
    pub program: String,
    /// First line of its version.
    pub version: String,
}

/// Compilers of this machine: gcc and clang, or `cc` when neither has its own name.
pub fn host_compilers() -> Vec<Compiler> {
    let found: Vec<Compiler> = ["gcc", "clang"]
        .iter()
        .filter_map(|p| process::version(p).map(|version| Compiler { program: (*p).into(), version }))
        .collect();
    if !found.is_empty() {
        return found;
    }
    process::version("cc").map(|version| Compiler { program: "cc".into(), version }).into_iter().collect()
}

/// A compiler by the name of its program, when it is there.
pub fn compiler(program: &str) -> Option<Compiler> {
    process::version(program).map(|version| Compiler { program: program.into(), version })
}

/// Builds a program from sources in a folder.
///
/// # Errors
/// [`ToolError`] with the compiler's words.
pub fn host_build(
    compiler: &Compiler,
    dir: &Path,
    flags: &[&str],
    sources: &[&str],
    output: &str,
) -> Result<(), ToolError> {
    let mut args: Vec<String> = flags.iter().map(|s| (*s).to_owned()).collect();
    args.extend(sources.iter().map(|s| (*s).to_owned()));
    args.extend(["-o".into(), output.into(), "-lm".into()]);
    process::run(&compiler.program, &args, dir, LIMIT).map(|_| ())
}

/// Whether the compiler can build and run a program with address and undefined-behaviour sanitizers.
pub fn sanitizer_works(compiler: &Compiler, dir: &Path) -> bool {
    let source = dir.join("sanitizer_probe.c");
    if std::fs::write(&source, "int main(void) { return 0; }\n").is_err() {
        return false;
    }
    let flags = ["-fsanitize=address,undefined"];
    host_build(compiler, dir, &flags, &["sanitizer_probe.c"], "sanitizer_probe").is_ok()
        && process::run("./sanitizer_probe", &[], dir, LIMIT).is_ok()
}
