//! Finds and runs compilers and emulators: the only room that starts other programs.

mod board;
mod host;
mod http;
mod process;
mod service;
mod started;

pub use board::{BoardBuild, BoardRun, BoardSpec, Counts, build_counter, run_board};
pub use host::{Compiler, compiler, host_build, host_compilers, sanitizer_works};
pub use http::{Endpoint, HttpError, Reply, reply};
pub use process::{ToolError, run, watch};
pub use service::{Service, free_port};
pub use started::stop_all;

use std::path::Path;

/// A program that may be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Name of the program.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// First line of its version; `None` when it is missing.
    pub version: Option<String>,
    /// Command that installs it on Debian.
    pub install: String,
}

const TOOLS: &[(&str, &str, &str)] = &[
    ("gcc", "proof of the emitted C on this machine", "gcc libc6-dev"),
    ("clang", "proof of the emitted C with a second compiler", "clang libclang-rt-14-dev"),
    (ARM_GCC, "building for Arm Cortex-M", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    ("wasm-ld", "linking WebAssembly", "lld"),
    ("node", "running WebAssembly", "nodejs"),
    (QEMU_ARM, "running what was built for Arm Cortex-M", "qemu-system-arm"),
    (
        "aarch64-linux-gnu-gcc",
        "programs for Linux on 64-bit Arm",
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    ),
    (
        "arm-linux-gnueabihf-gcc",
        "programs for Linux on 32-bit Arm",
        "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    ),
    ("x86_64-linux-gnu-gcc", "programs for Linux on x86-64", "gcc-x86-64-linux-gnu libc6-dev-amd64-cross"),
    ("qemu-aarch64", "running programs of Linux on 64-bit Arm", "qemu-user"),
    ("qemu-arm", "running programs of Linux on 32-bit Arm", "qemu-user"),
    ("qemu-x86_64", "running programs of Linux on x86-64", "qemu-user"),
];

pub(crate) const ARM_GCC: &str = "arm-none-eabi-gcc";
pub(crate) const QEMU_ARM: &str = "qemu-system-arm";

/// Looks for every tool.
pub fn tools() -> Vec<Tool> {
    TOOLS
        .iter()
        .map(|(name, purpose, packages)| Tool {
            name: (*name).into(),
            purpose: (*purpose).into(),
            version: process::version(name),
            install: format!("apt-get install {packages}"),
        })
        .collect()
}

/// One line that says what to install when a tool is missing.
pub fn missing(name: &str) -> Option<String> {
    if process::version(name).is_some() {
        return None;
    }
    let packages = TOOLS.iter().find(|t| t.0 == name).map_or(name, |t| t.2);
    Some(format!("`{name}` is not installed; install it with: apt-get install {packages}"))
}

/// Opens a file in the user's browser.
///
/// # Errors
/// The system's when no opener can be started.
pub fn open_in_browser(path: &Path) -> std::io::Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    std::process::Command::new(opener).arg(path).spawn().map(|_| ())
}
