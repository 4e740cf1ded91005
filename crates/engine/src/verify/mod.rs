//! Proof of the emitted C: built, run, and compared with [`edgewright_impulse::Runner`] bit for bit.

mod board;
mod host;
mod linux;
mod random;
#[cfg(test)]
mod tests;

pub use board::{BoardProof, PerWindow, verify_board};
pub use host::{HostProof, verify_host};
pub use linux::{LinuxProof, verify_linux};
pub use random::RandomCases;

use crate::{EngineError, error::AtPath};
use edgewright_compile::{FileTree, harness, prefix};
use edgewright_impulse::{Impulse, ImpulseError, Runner};
use edgewright_toolchain as toolchain;
use random::random_window;
use rayon::prelude::*;
use std::{
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(540);
/// Windows in memory at once.
const TOGETHER: usize = 128;
/// Warnings are errors: a user's build shall be as clean as ours.
const STRICT: [&str; 8] =
    ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", "-DEW_PROOF"];

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

/// Puts emitted files into a folder. The prefix of their names.
fn write_tree(impulse: &Impulse, tree: &FileTree, dir: &Path) -> Result<String, EngineError> {
    for (name, bytes) in tree {
        let path = dir.join(name);
        std::fs::write(&path, bytes).at(&path)?;
    }
    Ok(prefix(&impulse.name))
}

fn tool_failed(what: &str, e: &toolchain::ToolError) -> String {
    format!("{what}: {e}")
}
