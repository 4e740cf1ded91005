//! Stage `verify`: the emitted C is built, executed and compared with what was tested, bit for bit.

use super::{
    build::{self, Built},
    clean::{Silver, SilverReader},
    features::Gold,
    gold::{Labels, WindowAt},
    test::{Figures, Tested, Truth},
    train::Trained,
};
use crate::{
    EngineError,
    session::{Key, Session, Staged},
    verify::{self, Case, RandomCases, Values},
};
use edgewright_compile::Target;
use edgewright_impulse::{Impulse, Window};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// Instructions per window on an emulated core.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instructions {
    /// Feature extraction.
    pub dsp: u64,
    /// Learning blocks.
    pub network: u64,
}

/// What was proven on one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyRecord {
    /// Target.
    pub target: String,
    /// Whether every output was the same to the last bit; `null` when it could not be run.
    pub bit_exact: Option<bool>,
    /// Windows that were compared.
    pub cases: usize,
    /// Constants and code in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// Arena, static data and stack in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<u64>,
    /// Of that, the arena.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arena_bytes: Option<u64>,
    /// Of that, static data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_bytes: Option<u64>,
    /// Of that, the deepest stack seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_bytes: Option<u64>,
    /// Executed per window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Instructions>,
    /// How it was built and run.
    pub builds: Vec<String>,
    /// First difference, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<String>,
    /// What to install, when it could not be run, or that no emulator runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl VerifyRecord {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!("{:<13} ", self.target);
        match self.bit_exact {
            Some(true) => out.push_str(&format!("{} windows agree bit for bit", self.cases)),
            Some(false) => out.push_str(&format!(
                "DIFFERS: {}",
                self.mismatch.as_deref().unwrap_or("outputs are not the same")
            )),
            None => {
                out.push_str(&format!("not run: {}", self.missing.as_deref().unwrap_or("a tool is missing")))
            }
        }
        if let (Some(flash), Some(ram)) = (self.flash_bytes, self.ram_bytes) {
            out.push_str(&format!(
                "; flash {flash} B, RAM {ram} B (arena {}, static {}, stack {})",
                self.arena_bytes.unwrap_or(0),
                self.static_bytes.unwrap_or(0),
                self.stack_bytes.unwrap_or(0)
            ));
        }
        if let Some(i) = self.instructions {
            out.push_str(&format!(
                "; {} instructions a window for DSP, {} for the network",
                i.dsp, i.network
            ));
        }
        out
    }
}

/// Result of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// One per target.
    pub records: Vec<VerifyRecord>,
    /// Figures of the emitted C on the test windows.
    pub c: Option<Figures>,
    /// Packages with the report in them, in the order of those of the stage `build`; `None` when other targets were asked for.
    pub packages: Option<build::Packages>,
}

/// Random windows that an emulated board runs when there is no test window, at most.
const BOARD_RANDOM: usize = 8;

/// This machine, as a target.
const HOST: &str = "host";

/// Proves the emitted C on some targets (the host and those of the project when left out). The host goes along as well when one of
/// them cannot be run.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown target; those of compiling and running. A difference is no error but a record.
pub fn run(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    gold: &Staged<Gold>,
    trained: &Staged<Trained>,
    tested: &Staged<Tested>,
    built: &Staged<Built>,
    targets: Option<Vec<String>>,
    cases: Option<usize>,
) -> Result<Staged<Proof>, EngineError> {
    let deploy = &session.project.file.deploy;
    let own = targets.is_none() && cases.is_none();
    let mut targets = targets.unwrap_or_else(|| deploy.targets.clone());
    let cases = cases.unwrap_or(deploy.cases);
    let mut elsewhere = true;
    for id in &targets {
        let target = build::target(id)?;
        elsewhere &= target.board.is_some() || target.linux.is_some();
    }
    // The figures of the C come from the host, and what no emulator runs is proven there alone.
    if (own || !elsewhere) && !targets.iter().any(|t| t == HOST) {
        targets.insert(0, HOST.to_owned());
    }
    let mut key = Key::new("verify");
    key.text("built", &built.hash.to_string())
        .text("tested", &tested.hash.to_string())
        .value("targets", &targets)
        .value("cases", &(cases, deploy.board_cases))
        .value("packed", &own)
        // Another compiler or emulator is another proof.
        .value("tools", &crate::doctor::known());
    session.stage("verify", &key.finish(), || {
        let prover = Prover {
            session,
            silver: &silver.value,
            labels: &gold.value.labels,
            windows: gold.value.holdout.windows(),
            trained: &trained.value,
            impulse: trained.value.impulse_int8(session)?,
        };
        if prover.impulse.externals().next().is_some() {
            let proof = Proof { records: Vec::new(), c: None, packages: None };
            return Ok((proof, vec!["nothing to prove: a program of its own computes a DSP block".into()]));
        }
        let (mut proof, notes) = prover.build(&targets, cases)?;
        if own {
            proof.packages = Some(build::with_proof(session, &prover.impulse, &proof.records)?);
        }
        Ok((proof, notes))
    })
}

/// Whether the outputs of a target are the same; nothing when no window ran.
fn agreed(cases: usize, missing: &Option<String>, mismatch: &Option<String>) -> Option<bool> {
    (missing.is_none() && cases > 0).then_some(mismatch.is_none())
}

/// Why a target that could run was not compared.
fn nothing_ran(cases: usize) -> Option<String> {
    (cases == 0).then(|| "there is no test window and no random one was asked for".to_owned())
}

struct Prover<'a> {
    session: &'a Session<'a>,
    silver: &'a Silver,
    labels: &'a Labels,
    windows: &'a [WindowAt],
    trained: &'a Trained,
    impulse: Impulse,
}

/// Raw test windows, one after the other, read when they are needed.
struct TestWindows<'a> {
    reader: SilverReader,
    silver: &'a Silver,
    window: &'a Window,
    at: std::slice::Iter<'a, WindowAt>,
    sample: Option<usize>,
    values: Vec<f32>,
    failure: Option<EngineError>,
}

impl Iterator for TestWindows<'_> {
    type Item = Case;
    fn next(&mut self) -> Option<Case> {
        let at = self.at.next()?;
        let first = self.sample != Some(at.sample);
        if first {
            match self.reader.values(&self.silver.samples[at.sample]) {
                Ok(values) => self.values = values,
                Err(e) => {
                    self.failure = Some(e);
                    return None;
                }
            }
            self.sample = Some(at.sample);
        }
        let mut out = Vec::new();
        self.window.cut(&self.values, at.start, &mut out);
        Some(Case { first, window: Values::Given(out) })
    }
}

impl Prover<'_> {
    fn test_windows(&self, limit: usize) -> Result<TestWindows<'_>, EngineError> {
        Ok(TestWindows {
            reader: SilverReader::open(self.session, self.silver)?,
            silver: self.silver,
            window: &self.impulse.window,
            at: self.windows[..limit.min(self.windows.len())].iter(),
            sample: None,
            values: Vec::new(),
            failure: None,
        })
    }

    fn build(&self, targets: &[String], cases: usize) -> Result<(Proof, Vec<String>), EngineError> {
        let mut proof = Proof { records: Vec::new(), c: None, packages: None };
        let mut notes = Vec::new();
        let done = AtomicU64::new(0);
        // An emulator keeps one core busy; the host's compilers take what is left.
        let proven = targets.par_iter().map(|id| {
            let target = build::target(id)?;
            let proven = match (id.as_str(), &target.linux) {
                (HOST, _) => self.host(cases)?,
                (_, Some(_)) => (self.linux(target, cases)?, None),
                _ => (self.board(target)?, None),
            };
            let n = done.fetch_add(1, Ordering::Relaxed) + 1;
            self.session.progress("verify", n, targets.len() as u64, id.clone())?;
            Ok(proven)
        });
        for (record, figures) in proven.collect::<Result<Vec<_>, EngineError>>()? {
            notes.push(record.to_text());
            proof.records.push(record);
            proof.c = proof.c.or(figures);
        }
        Ok((proof, notes))
    }

    fn host(&self, cases: usize) -> Result<(VerifyRecord, Option<Figures>), EngineError> {
        let mut windows = self.test_windows(usize::MAX)?;
        let random = RandomCases { count: cases, seed: self.session.seed };
        let host = verify::verify_host(&self.impulse, &mut windows, random)?;
        if let Some(e) = windows.failure {
            return Err(e);
        }
        let figures = host.missing.is_none().then(|| {
            let truth = Truth::new(self.trained, self.silver, self.labels, self.windows);
            truth.figures(&self.impulse, &host.outcomes)
        });
        let record = VerifyRecord {
            target: HOST.into(),
            bit_exact: agreed(host.cases, &host.missing, &host.mismatch),
            cases: host.cases,
            flash_bytes: None,
            ram_bytes: None,
            arena_bytes: None,
            static_bytes: None,
            stack_bytes: None,
            instructions: None,
            builds: host.builds,
            mismatch: host.mismatch,
            missing: host.missing.or_else(|| nothing_ran(host.cases)),
        };
        Ok((record, figures))
    }

    /// On Linux of another processor: emulated, so a tenth of the random windows.
    fn linux(&self, target: &Target, cases: usize) -> Result<VerifyRecord, EngineError> {
        let limit = self.session.project.file.deploy.board_cases;
        let mut windows = self.test_windows(limit)?;
        let random = RandomCases { count: cases.div_ceil(10), seed: self.session.seed };
        let proof = verify::verify_linux(&self.impulse, target, &mut windows, random)?;
        if let Some(e) = windows.failure {
            return Err(e);
        }
        Ok(VerifyRecord {
            target: target.id.clone(),
            bit_exact: agreed(proof.cases, &proof.missing, &proof.mismatch),
            cases: proof.cases,
            flash_bytes: None,
            ram_bytes: None,
            arena_bytes: None,
            static_bytes: None,
            stack_bytes: None,
            instructions: None,
            builds: proof.builds,
            mismatch: proof.mismatch,
            missing: proof.missing.or_else(|| nothing_ran(proof.cases)),
        })
    }

    fn board(&self, target: &Target) -> Result<VerifyRecord, EngineError> {
        let limit = self.session.project.file.deploy.board_cases;
        let mut windows = self.test_windows(limit)?;
        // A board without a window would prove nothing.
        let without = if self.windows.is_empty() { limit.clamp(1, BOARD_RANDOM) } else { 0 };
        let random = RandomCases { count: without, seed: self.session.seed };
        let board = verify::verify_board(&self.impulse, target, &mut windows, random)?;
        if let Some(e) = windows.failure {
            return Err(e);
        }
        let ran = board.missing.is_none();
        Ok(VerifyRecord {
            target: target.id.clone(),
            bit_exact: agreed(board.cases, &board.missing, &board.mismatch),
            cases: board.cases,
            flash_bytes: ran.then_some(board.flash_bytes),
            ram_bytes: ran.then_some(board.arena_bytes + board.static_bytes + board.stack_bytes),
            arena_bytes: ran.then_some(board.arena_bytes),
            static_bytes: ran.then_some(board.static_bytes),
            stack_bytes: ran.then_some(board.stack_bytes),
            instructions: board.instructions.map(|i| Instructions { dsp: i.dsp, network: i.network }),
            builds: board.builds,
            mismatch: board.mismatch,
            missing: board.missing.or_else(|| nothing_ran(board.cases)),
        })
    }
}
