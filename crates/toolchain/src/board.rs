//! Emulated boards: build an image, run it in QEMU, measure it.

use crate::{ARM_GCC, QEMU_ARM, ToolError, host::Compiler, process};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(540);

/// A board: machine, core and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardSpec {
    /// QEMU's name of the machine.
    pub machine: String,
    /// Flags that choose the core.
    pub flags: Vec<String>,
    /// Start and bytes of the code.
    pub code: (u64, u64),
    /// Start and bytes of the RAM.
    pub ram: (u64, u64),
}

/// What to build for a board.
#[derive(Clone, Debug)]
pub struct BoardBuild<'a> {
    /// The board.
    pub board: &'a BoardSpec,
    /// Linker script with `@CODE_BASE@`, `@CODE_BYTES@`, `@RAM_BASE@`, `@RAM_BYTES@`.
    pub linker_script: &'a str,
    /// Sources in the folder; the first is the library that is measured on its own.
    pub sources: &'a [&'a str],
    /// More flags, such as `-O2`.
    pub flags: &'a [&'a str],
}

/// Instructions that were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// From the first mark to the second, all passes together.
    pub first: u64,
    /// From the second to the third.
    pub second: u64,
    /// Passes.
    pub passes: u64,
    /// Of the second, up to each step mark since the mark before, all passes together.
    pub steps: Vec<u64>,
}

/// What a run measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRun {
    /// Code and constants of the linked image, initial data included.
    pub flash_bytes: u64,
    /// Static data of the library.
    pub static_bytes: u64,
    /// Instructions; `None` when the counter could not be built.
    pub counts: Option<Counts>,
}

/// Builds the instruction counter for QEMU in a folder.
///
/// # Errors
/// [`ToolError`] with the compiler's words.
pub fn build_counter(compiler: &Compiler, dir: &Path, source: &str) -> Result<PathBuf, ToolError> {
    let path = dir.join("counter.c");
    std::fs::write(&path, source).map_err(|e| ToolError::io(&path, e))?;
    let args = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "counter.c", "-o", "counter.so"];
    process::run(&compiler.program, &args.map(String::from), dir, LIMIT)?;
    Ok(dir.join("counter.so"))
}

/// Builds an image in `dir` and runs it there, with the files of that folder at hand. `marks` are functions whose
/// addresses border what `counter` counts; the fourth, if the image has it, ends each step.
///
/// # Errors
/// [`ToolError`]: the compiler's words, or the emulated program's exit status.
pub fn run_board(
    dir: &Path,
    build: &BoardBuild<'_>,
    counter: Option<&Path>,
    marks: [&str; 4],
) -> Result<BoardRun, ToolError> {
    let board = build.board;
    let script = build
        .linker_script
        .replace("@CODE_BASE@", &format!("{:#x}", board.code.0))
        .replace("@CODE_BYTES@", &format!("{:#x}", board.code.1))
        .replace("@RAM_BASE@", &format!("{:#x}", board.ram.0))
        .replace("@RAM_BYTES@", &format!("{:#x}", board.ram.1));
    let path = dir.join("board.ld");
    std::fs::write(&path, script).map_err(|e| ToolError::io(&path, e))?;
    let mut objects = Vec::new();
    for source in build.sources {
        let object = format!("{}.o", source.trim_end_matches(".c"));
        let mut args: Vec<String> = board.flags.clone();
        args.extend(build.flags.iter().map(|f| (*f).to_owned()));
        args.extend(
            ["-ffunction-sections", "-fdata-sections", "-c", source, "-o", &object].map(String::from),
        );
        process::run(ARM_GCC, &args, dir, LIMIT)?;
        objects.push(object);
    }
    let mut args: Vec<String> = board.flags.clone();
    args.extend(build.flags.iter().map(|f| (*f).to_owned()));
    args.extend(
        ["-nostartfiles", "--specs=nosys.specs", "-Wl,--gc-sections", "-T", "board.ld"].map(String::from),
    );
    args.extend(objects.iter().cloned());
    args.extend(["-lm", "-o", "image.elf"].map(String::from));
    process::run(ARM_GCC, &args, dir, LIMIT)?;

    let image = sections(dir, "image.elf")?;
    let library = sections(dir, &objects[0])?;
    let sum = |s: &BTreeMap<String, u64>, kinds: &[&str]| -> u64 {
        s.iter().filter(|(n, _)| kinds.iter().any(|k| n.starts_with(k))).map(|(_, b)| b).sum()
    };
    let mut args: Vec<String> = ["-M", &board.machine, "-nographic", "-monitor", "none", "-serial", "none"]
        .map(String::from)
        .to_vec();
    args.extend(["-semihosting-config", "enable=on,target=native", "-kernel", "image.elf"].map(String::from));
    if let Some(counter) = counter {
        let at = addresses(dir, marks)?;
        args.push("-plugin".into());
        args.push(format!(
            "{},first={:#x},second={:#x},third={:#x},step={:#x},out=counts.txt",
            counter.display(),
            at[0],
            at[1],
            at[2],
            at[3]
        ));
    }
    process::run(QEMU_ARM, &args, dir, LIMIT)?;
    Ok(BoardRun {
        flash_bytes: sum(&image, &[".text", ".rodata", ".data", ".ARM"]),
        static_bytes: sum(&library, &[".data", ".bss"]),
        counts: if counter.is_some() { Some(counts(dir)?) } else { None },
    })
}

fn counts(dir: &Path) -> Result<Counts, ToolError> {
    let path = dir.join("counts.txt");
    let text = std::fs::read_to_string(&path).map_err(|e| ToolError::io(&path, e))?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    match numbers[..] {
        [first, second, passes, ref steps @ ..] => {
            Ok(Counts { first, second, passes, steps: steps.to_vec() })
        }
        _ => Err(ToolError::Output(format!("the instruction counter wrote `{}`", text.trim()))),
    }
}

/// Sizes of the sections of an object or image.
fn sections(dir: &Path, file: &str) -> Result<BTreeMap<String, u64>, ToolError> {
    let text = process::run("arm-none-eabi-size", &["-A".into(), "-d".into(), file.into()], dir, LIMIT)?;
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [name, size, _] = words[..]
            && let Ok(size) = size.parse::<u64>()
        {
            *out.entry(name.to_owned()).or_default() += size;
        }
    }
    Ok(out)
}

/// Addresses of functions in the image.
fn addresses(dir: &Path, names: [&str; 4]) -> Result<[u64; 4], ToolError> {
    let text = process::run("arm-none-eabi-nm", &["image.elf".into()], dir, LIMIT)?;
    let mut found = [0; 4];
    for (name, at) in names.iter().zip(&mut found) {
        *at = text
            .lines()
            .filter_map(|l| {
                let mut words = l.split_whitespace();
                let address = u64::from_str_radix(words.next()?, 16).ok()?;
                (words.nth(1)? == *name).then_some(address)
            })
            .next()
            .ok_or_else(|| ToolError::Output(format!("the image has no function `{name}`")))?;
    }
    Ok(found)
}
