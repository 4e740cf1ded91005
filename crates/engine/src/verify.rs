//! Proof of the emitted C: built, run, and compared with [`edgewright_impulse::Runner`] bit for bit.

use crate::{EngineError, error::AtPath};
use edgewright_compile::{Options, Target, compile, harness, prefix};
use edgewright_impulse::{Impulse, ImpulseError, Outcome, Runner};
use edgewright_toolchain::{self as toolchain, BoardBuild, BoardSpec, Compiler};
use rayon::prelude::*;
use std::{
    io::{BufReader, BufWriter, Read, Write},
    ops::Range,
    path::Path,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(540);
/// Windows in memory at once.
const TOGETHER: usize = 128;
/// Warnings are errors: a user's build shall be as clean as ours.
const STRICT: [&str; 8] =
    ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", "-DEW_PROOF"];

/// How to prove on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOptions {
    /// Random windows beside the test windows.
    pub random_cases: usize,
    /// Seed of the random windows.
    pub seed: u64,
}

/// What was proven on the host.
#[derive(Clone, Debug, Default)]
pub struct HostProof {
    /// Compilers with their flags.
    pub builds: Vec<String>,
    /// Windows that were compared: the test windows in each build, the random ones in at least one.
    pub cases: usize,
    /// First difference.
    pub mismatch: Option<String>,
    /// What the C says of the test windows.
    pub outcomes: Vec<Outcome>,
    /// What to install when there is no compiler.
    pub missing: Option<String>,
}

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
    /// What to install.
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

/// A window to prove.
pub struct Case {
    /// Whether it follows no other, as the first of a recording.
    pub first: bool,
    /// Its values.
    pub window: Values,
}

/// Values of a window.
pub enum Values {
    /// Of a recording.
    Given(Vec<f32>),
    /// That no recording holds, out of this seed. Made where they are used: on all cores.
    Random(u64),
}

impl Values {
    fn take(&mut self, impulse: &Impulse) -> Vec<f32> {
        match self {
            Values::Given(values) => std::mem::take(values),
            Values::Random(seed) => random_window(impulse, *seed),
        }
    }
}

/// Little-endian, as the harness reads them.
fn bytes(values: &[f32]) -> Vec<u8> {
    let mut out = vec![0; 4 * values.len()];
    for (to, value) in out.chunks_exact_mut(4).zip(values) {
        to.copy_from_slice(&value.to_le_bytes());
    }
    out
}

/// What a window should give: the reference's numbers, or for one with a value that is none the refusal.
fn expected(impulse: &Impulse, runner: &mut Runner<'_>, window: &[f32]) -> Result<Vec<f32>, EngineError> {
    match runner.run(window) {
        Ok(outcome) => Ok(outcome.numbers(impulse)),
        Err(ImpulseError::Dsp { .. }) if window.iter().any(|v| !v.is_finite()) => {
            Ok(vec![harness::NOT_FINITE; impulse.result_len()])
        }
        Err(e) => Err(e.into()),
    }
}

/// Writes windows and what they should give. Returns how many.
struct Cases {
    windows: BufWriter<std::fs::File>,
    expected: BufWriter<std::fs::File>,
    count: usize,
}

impl Cases {
    fn create(dir: &Path) -> Result<Self, EngineError> {
        let create = |name: &str| {
            let path = dir.join(name);
            std::fs::File::create(&path).at(&path).map(BufWriter::new)
        };
        Ok(Self { windows: create("windows.bin")?, expected: create("expected.bin")?, count: 0 })
    }

    /// Adds windows with what the reference makes of them, some hundred at a time: on all cores where each stands alone,
    /// else one after the other. Returns how many.
    fn add_all(
        &mut self,
        impulse: &Impulse,
        cases: &mut dyn Iterator<Item = Case>,
        dir: &Path,
    ) -> Result<usize, EngineError> {
        let before = self.count;
        let stateful = impulse.state_len() > 0;
        let mut follower = Runner::new(impulse)?;
        loop {
            let mut batch: Vec<Case> = Iterator::take(&mut *cases, TOGETHER).collect();
            if batch.is_empty() {
                return Ok(self.count - before);
            }
            // The bytes of each window and of what it should give.
            let written = if stateful {
                let mut next = |case: &mut Case| {
                    if case.first {
                        follower.reset();
                    }
                    let window = case.window.take(impulse);
                    Ok((bytes(&window), bytes(&expected(impulse, &mut follower, &window)?)))
                };
                batch.iter_mut().map(&mut next).collect::<Result<Vec<_>, EngineError>>()?
            } else {
                batch
                    .par_iter_mut()
                    .map_init(
                        || Runner::new(impulse),
                        |runner, case| {
                            let runner = runner.as_mut().map_err(|e| EngineError::Internal(e.to_string()))?;
                            let window = case.window.take(impulse);
                            Ok((bytes(&window), bytes(&expected(impulse, runner, &window)?)))
                        },
                    )
                    .collect::<Result<Vec<_>, EngineError>>()?
            };
            for (case, (window, expected)) in batch.iter().zip(&written) {
                if harness::window_prefix(impulse) > 0 {
                    self.windows.write_all(&bytes(&[f32::from(u8::from(case.first))])).at(dir)?;
                }
                self.windows.write_all(window).at(dir)?;
                self.expected.write_all(expected).at(dir)?;
                self.count += 1;
            }
        }
    }

    fn finish(mut self, dir: &Path) -> Result<usize, EngineError> {
        self.windows.flush().at(dir)?;
        self.expected.flush().at(dir)?;
        Ok(self.count)
    }
}

/// The next number of the generator SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A window that no recording holds: noise of many loudnesses, silence, full scale, steps, single values, a short recording
/// that was filled up; now and then one whose first frame has a value that is no number, which must be refused.
fn random_window(impulse: &Impulse, seed: u64) -> Vec<f32> {
    let mut out = vec![0.0; impulse.window.values()];
    let mut state = seed;
    let mut next = || split_mix(&mut state);
    let audio = impulse.window.axes.iter().all(|a| a.units == "wav");
    let image = impulse.window.image.is_some();
    let full = if audio {
        32767.0
    } else if image {
        255.0
    } else {
        100.0
    };
    // What is refused leaves nothing to go on with for blocks that remember.
    let broken = next() % 64 == 0 && impulse.state_len() == 0;
    let kind = next() % 9;
    let end = if kind == 8 { (next() % (out.len() as u64 + 1)) as usize } else { out.len() };
    let loud = full * 2f32.powi(-((next() % 14) as i32));
    let level = (next() >> 40) as f32 / (1u64 << 24) as f32 * 2.0 - 1.0;
    for (i, v) in out.iter_mut().enumerate() {
        let r = (next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        *v = match kind {
            0 => 0.0,
            1 => full * level,
            2 => {
                if r > 0.0 {
                    full
                } else {
                    -full
                }
            }
            3 => {
                if i % 97 == 0 {
                    full * r
                } else {
                    0.0
                }
            }
            4 => loud * r + full * level,
            8 if i >= end => 0.0,
            _ => loud * r,
        };
        if audio {
            *v = v.round();
        }
        if image {
            *v = v.abs().round();
        }
    }
    if broken {
        // Every axis, since blocks need not look at all of them.
        let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][(next() % 3) as usize];
        for v in out.iter_mut().take(impulse.window.axes.len()) {
            *v = wrong;
        }
    }
    out
}

/// Compares results with what was expected of some cases, in order, and says where they first differ.
fn compare(
    dir: &Path,
    got: &str,
    cases: impl Iterator<Item = usize>,
    outputs: usize,
) -> Result<Option<String>, EngineError> {
    let open = |name: &str| {
        let path = dir.join(name);
        std::fs::File::open(&path).at(&path).map(BufReader::new)
    };
    let (mut a, mut b) = (open("expected.bin")?, open(got)?);
    let mut left = vec![0u8; outputs * 4];
    let mut right = left.clone();
    let mut at = 0;
    for case in cases {
        a.seek_relative(((case - at) * left.len()) as i64).at(dir)?;
        at = case + 1;
        a.read_exact(&mut left).at(dir)?;
        if b.read_exact(&mut right).is_err() {
            return Ok(Some(format!("the program wrote no result for window {case}")));
        }
        if left != right {
            let value = |bytes: &[u8], i: usize| {
                f32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
            };
            let i = (0..outputs).find(|&i| left[4 * i..4 * i + 4] != right[4 * i..4 * i + 4]).unwrap_or(0);
            return Ok(Some(format!(
                "window {case}, output {i}: {} instead of {}",
                value(&right, i),
                value(&left, i)
            )));
        }
    }
    Ok(None)
}

fn write_tree(impulse: &Impulse, target: &Target, dir: &Path) -> Result<String, EngineError> {
    let tree = compile(impulse, target, &Options::default())?;
    for (name, bytes) in &tree {
        let path = dir.join(name);
        std::fs::write(&path, bytes).at(&path)?;
    }
    Ok(prefix(&impulse.name))
}

fn tool_failed(what: &str, e: &toolchain::ToolError) -> String {
    format!("{what}: {e}")
}

/// Builds the library with every compiler at several levels and runs it on the test windows and on random windows.
///
/// # Errors
/// Those of compiling the impulse and of files. A build that fails or differs is a mismatch, not an error.
pub fn verify_host(
    impulse: &Impulse,
    cases: &mut dyn Iterator<Item = Case>,
    options: &HostOptions,
) -> Result<HostProof, EngineError> {
    let compilers = toolchain::host_compilers();
    if compilers.is_empty() {
        return Ok(HostProof { missing: toolchain::missing("gcc"), ..HostProof::default() });
    }
    let folder = crate::scratch::folder()?;
    let dir = folder.path();
    let target = crate::stages::build::target("host")?;
    let p = write_tree(impulse, target, dir)?;
    let main = dir.join("main.c");
    std::fs::write(&main, harness::host_main(impulse, None)).at(&main)?;

    let mut files = Cases::create(dir)?;
    let tested = files.add_all(impulse, cases, dir)?;
    let mut state = options.seed;
    let mut left = options.random_cases;
    let mut random = std::iter::from_fn(|| {
        left = left.checked_sub(1)?;
        // Some follow each other.
        Some(Case { first: left.is_multiple_of(16), window: Values::Random(split_mix(&mut state)) })
    });
    files.add_all(impulse, &mut random, dir)?;
    let count = files.finish(dir)?;
    let outputs = impulse.result_len();
    let builds = builds(&compilers, dir);
    // Windows that follow each other cannot be dealt out.
    let shares = match impulse.state_len() {
        0 => shares(&builds, options.random_cases),
        _ => builds.iter().map(|_| 0..options.random_cases).collect(),
    };
    let run = |(i, (compiler, flags)): (usize, &(&Compiler, Vec<&'static str>))| -> Result<(String, Option<String>), EngineError> {
        let name = format!("{} {}", compiler.program, flags.join(" "));
        let mut all: Vec<&str> = STRICT.to_vec();
        if flags.contains(&"-std=gnu11") {
            all.remove(0);
        }
        all.extend(flags);
        let share = &shares[i];
        let limit = tested + share.len();
        let (program, results) = (format!("proof{i}"), format!("results{i}.bin"));
        let outcome = toolchain::host_build(compiler, dir, &all, &["main.c", &format!("{p}.c")], &program).and_then(|()| {
            let numbers = [tested, share.start, share.len()].map(|n| n.to_string());
            let args = [["windows.bin".into(), results.clone()].as_slice(), &numbers].concat();
            toolchain::run(&format!("./{program}"), &args, dir, LIMIT).map(|_| ())
        });
        let mismatch = match outcome {
            Ok(()) => compare(dir, &results, (0..tested).chain(tested + share.start..tested + share.end), outputs)?,
            Err(e) => Some(tool_failed(&name, &e)),
        };
        let told = format!("{name}, {limit} windows ({})", compiler.version);
        Ok((told, mismatch.map(|m| format!("{name}: {m}"))))
    };
    let ran = builds.par_iter().enumerate().map(run).collect::<Result<Vec<_>, _>>()?;
    let mut proof = HostProof { cases: count, ..HostProof::default() };
    for (told, mismatch) in ran {
        proof.builds.push(told);
        proof.mismatch = proof.mismatch.or(mismatch);
    }
    if proof.mismatch.is_some() {
        return Ok(proof);
    }
    let path = dir.join("results0.bin");
    let mut file = BufReader::new(std::fs::File::open(&path).at(&path)?);
    let mut row = vec![0u8; outputs * 4];
    for _ in 0..tested {
        file.read_exact(&mut row).at(&path)?;
        let values: Vec<f32> =
            row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        proof.outcomes.push(Outcome::from_numbers(impulse, &values));
    }
    Ok(proof)
}

/// Which of the random windows each build runs beside all test windows. The optimised builds deal them out among themselves; those
/// without optimisation and with sanitizers are an order of magnitude slower and take a fiftieth each.
fn shares(builds: &[(&Compiler, Vec<&'static str>)], random: usize) -> Vec<Range<usize>> {
    let slow = |flags: &[&str]| flags[0] == "-O0" || flags[0] == "-O1";
    let fast = builds.iter().filter(|(_, flags)| !slow(flags)).count();
    let mut dealt = 0;
    builds
        .iter()
        .map(|(_, flags)| {
            if slow(flags) {
                return 0..random / 50;
            }
            dealt += 1;
            random * (dealt - 1) / fast..random * dealt / fast
        })
        .collect()
}

/// Compilers with the flags of each build. The last provokes what would change results: every instruction of this
/// machine, in a dialect in which GCC contracts.
fn builds<'c>(compilers: &'c [Compiler], dir: &Path) -> Vec<(&'c Compiler, Vec<&'static str>)> {
    let mut out = Vec::new();
    for compiler in compilers {
        for level in ["-O0", "-O2", "-Os"] {
            out.push((compiler, vec![level]));
        }
        if toolchain::sanitizer_works(compiler, dir) {
            out.push((compiler, vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]));
        }
        out.push((compiler, vec!["-O3", "-march=native", "-std=gnu11"]));
    }
    out
}

/// Builds the library for an emulated board and runs it there.
///
/// # Errors
/// Those of compiling the impulse and of files. A build that fails or differs is a mismatch, not an error.
pub fn verify_board(
    impulse: &Impulse,
    target: &Target,
    cases: &mut dyn Iterator<Item = Case>,
) -> Result<BoardProof, EngineError> {
    let Some(board) = &target.board else {
        return Err(EngineError::Usage(format!("target `{}` has no board to run on", target.id)));
    };
    let missing: Vec<String> =
        ["arm-none-eabi-gcc", "qemu-system-arm"].iter().filter_map(|t| toolchain::missing(t)).collect();
    if !missing.is_empty() {
        return Ok(BoardProof { missing: Some(missing.join("; ")), ..BoardProof::default() });
    }
    let folder = crate::scratch::folder()?;
    let dir = folder.path();
    let p = write_tree(impulse, target, dir)?;
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
