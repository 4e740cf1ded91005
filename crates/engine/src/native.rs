//! Packages that a compiler of this machine finishes.

use crate::{EngineError, error::AtPath};
use edgewright_compile::{FileTree, Target};
use edgewright_deploy::{
    Library,
    native::{Machine, Sources, eim, image, server, server_package, wasm, wasm_package},
};
use edgewright_toolchain as toolchain;
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(300);

fn write(sources: &Sources, dir: &Path) -> Result<(), EngineError> {
    for (name, bytes) in &sources.files {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).at(folder)?;
        }
        std::fs::write(&path, bytes).at(&path)?;
    }
    Ok(())
}

fn read(dir: &Path, name: &str) -> Result<Vec<u8>, EngineError> {
    let path = dir.join(name);
    std::fs::read(&path).at(&path)
}

fn tool(e: toolchain::ToolError) -> EngineError {
    EngineError::Tool(e.to_string())
}

/// Compiler for a target: this machine's first where they are of one kind, else the one the target names.
fn compiler(target: &Target) -> Result<toolchain::Compiler, EngineError> {
    let foreign = target.linux.as_ref().filter(|l| l.arch != std::env::consts::ARCH);
    let (found, wanted) = match foreign {
        Some(linux) => (toolchain::compiler(&linux.compiler), linux.compiler.as_str()),
        None => (toolchain::host_compilers().into_iter().next(), "gcc"),
    };
    found.ok_or_else(|| {
        EngineError::Tool(toolchain::missing(wanted).unwrap_or_else(|| format!("`{wanted}` was not found")))
    })
}

/// A Linux program; static, or where that does not work and is not needed, as the compiler likes.
fn program(library: &Library<'_>, sources: &Sources, alone: bool) -> Result<Vec<u8>, EngineError> {
    let compiler = compiler(library.target)?;
    let dir = crate::scratch::folder()?;
    write(sources, dir.path())?;
    let files: Vec<&str> = sources.compile.iter().map(String::as_str).collect();
    // No identifier of the build, no names of files: the same impulse gives the same bytes.
    let flags = ["-std=gnu11", "-O2", "-s", "-Wl,--build-id=none"];
    let fixed: Vec<&str> = flags.iter().copied().chain(["-static"]).collect();
    toolchain::host_build(&compiler, dir.path(), &fixed, &files, "program")
        .or_else(|e| match alone {
            true => Err(e),
            false => toolchain::host_build(&compiler, dir.path(), &flags, &files, "program"),
        })
        .map_err(tool)?;
    read(dir.path(), "program")
}

/// A Linux executable that serves an impulse over a socket.
pub fn executable(library: &Library<'_>) -> Result<Vec<u8>, EngineError> {
    program(library, &eim(library), false)
}

/// The files of a package of the HTTP server.
pub fn http_server(library: &Library<'_>) -> Result<FileTree, EngineError> {
    Ok(server_package(library, program(library, &server(library), true)?))
}

/// The files of a package of the container image.
pub fn container(library: &Library<'_>) -> Result<FileTree, EngineError> {
    let (architecture, variant) = match &library.target.linux {
        Some(linux) => (linux.architecture.as_str(), linux.variant.as_str()),
        None => match std::env::consts::ARCH {
            "x86_64" => ("amd64", ""),
            "aarch64" => ("arm64", "v8"),
            "arm" => ("arm", "v7"),
            other => (other, ""),
        },
    };
    let program = program(library, &server(library), true)?;
    image(library, Machine { architecture, variant }, program)
        .map_err(|e| EngineError::Internal(format!("packing: {e}")))
}

/// The files of a WebAssembly package.
pub fn module(library: &Library<'_>) -> Result<FileTree, EngineError> {
    if let Some(words) = toolchain::missing("clang").or_else(|| toolchain::missing("wasm-ld")) {
        return Err(EngineError::Tool(words));
    }
    let sources = wasm(library);
    let dir = crate::scratch::folder()?;
    write(&sources, dir.path())?;
    let build = |output: &str, more: &[&str]| -> Result<Vec<u8>, EngineError> {
        let mut args: Vec<String> = [
            "--target=wasm32",
            "-std=c99",
            "-O2",
            "-nostdlib",
            "-fno-math-errno",
            "-isystem",
            "include",
            "-Wl,--no-entry",
            "-Wl,--strip-all",
            "-Wl,-z,stack-size=65536",
        ]
        .map(String::from)
        .to_vec();
        args.extend(more.iter().map(|a| (*a).to_owned()));
        args.extend(sources.compile.iter().cloned());
        args.extend(["-o".to_owned(), output.to_owned()]);
        toolchain::run("clang", &args, dir.path(), LIMIT).map_err(tool)?;
        read(dir.path(), output)
    };
    Ok(wasm_package(library, build("scalar.wasm", &[])?, build("simd.wasm", &["-msimd128"])?))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod tests;
