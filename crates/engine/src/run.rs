//! `run`: every stage in order, as far as the user wants.

use crate::{
    EngineError,
    session::{Session, StageRecord, Staged},
    stages::{
        STAGES,
        build::{self, Artifact, Built},
        clean::{self, Silver},
        features::{self, Gold},
        import::{self, Manifest},
        prove::{self, Proof, VerifyRecord},
        split::{self, Split},
        test::{self, Tested},
        train::{self, Trained},
    },
};
use std::path::Path;

mod gates;
mod told;
use gates::proof_gates;
pub(crate) use gates::summarise;
pub use told::{DataReport, F1, FigureReport, LearnReport, RunReport, TestReport};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Last stage; all when left out.
    pub until: Option<String>,
}

/// Everything the stages produced, as far as they ran.
#[derive(Default)]
pub struct Results {
    /// Bronze.
    pub bronze: Option<Staged<Manifest>>,
    /// Silver.
    pub silver: Option<Staged<Silver>>,
    /// Sides.
    pub split: Option<Staged<Split>>,
    /// Gold.
    pub gold: Option<Staged<Gold>>,
    /// Learned.
    pub trained: Option<Staged<Trained>>,
    /// Tested.
    pub tested: Option<Staged<Tested>>,
    /// Exported.
    pub built: Option<Staged<Built>>,
    /// Proven.
    pub proof: Option<Staged<Proof>>,
    /// Written.
    pub reported: Option<StageRecord>,
}

/// Brings every stage up to date.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown stage; whatever a stage returns.
pub fn run(session: &Session<'_>, options: &RunOptions) -> Result<RunReport, EngineError> {
    match attempt(session, options)? {
        (outcome, None) => Ok(outcome),
        (_, Some(error)) => Err(error),
    }
}

/// The same, with what was done before a stage failed: its record is the last of the report, and its error is beside it.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown stage; the store's.
pub fn attempt(
    session: &Session<'_>,
    options: &RunOptions,
) -> Result<(RunReport, Option<EngineError>), EngineError> {
    let last = check_stage(options.until.as_deref())?;
    // Of the settings, so no stage failed.
    deployable(session, last)?;
    let start = std::time::Instant::now();
    let mut results = Results::default();
    let failed = fill(session, last, &mut results).err();
    let mut outcome = summarise(session, &results);
    match &failed {
        None => crate::versions::record(session, &results, &outcome)?,
        Some(error) => {
            let done: f64 = outcome.stages.iter().map(|s| s.seconds).sum();
            // Packages are written out after the last stage; then it is that one which is not done.
            let name = STAGES[outcome.stages.len().min(last)];
            outcome.stages.push(StageRecord {
                name: name.to_owned(),
                status: crate::session::StageStatus::Failed,
                seconds: (start.elapsed().as_secs_f64() - done).max(0.0),
                key: String::new(),
                notes: vec![error.to_string()],
            });
        }
    }
    Ok((outcome, failed))
}

/// Number of the last stage to run; of the last one there is when none is named.
pub(crate) fn check_stage(until: Option<&str>) -> Result<usize, EngineError> {
    match until {
        None => Ok(STAGES.len() - 1),
        Some(name) => STAGES.iter().position(|s| *s == name).ok_or_else(|| {
            let hint = crate::project::nearest(name, STAGES.iter().copied())
                .map(|n| format!("\nhint: did you mean `{n}`?"))
                .unwrap_or_default();
            EngineError::Usage(format!(
                "there is no stage `{name}`; the stages are {}{hint}",
                STAGES.join(", ")
            ))
        }),
    }
}

/// Runs the stages up to and with number `last`.
fn stages(session: &Session<'_>, last: usize) -> Result<Results, EngineError> {
    let mut results = Results::default();
    fill(session, last, &mut results)?;
    Ok(results)
}

/// Runs the stages up to and with number `last`; what was finished before an error is in `r`. Packages lie where the user finds
/// them, with the report of their proof when they were proven.
pub(crate) fn fill(session: &Session<'_>, last: usize, r: &mut Results) -> Result<(), EngineError> {
    let filled = advance(session, last, r);
    match &r.built {
        Some(built) if !session.looking => filled.and(build::write_out(session, &built.value)),
        _ => filled,
    }
}

/// Refuses targets and packages that do not exist before hours of training, not after.
fn deployable(session: &Session<'_>, last: usize) -> Result<(), EngineError> {
    let deploy = &session.project.file.deploy;
    if last >= 6 && !session.looking {
        for id in &deploy.targets {
            build::check(id, &deploy.package)?;
        }
    }
    Ok(())
}

fn advance(session: &Session<'_>, last: usize, r: &mut Results) -> Result<(), EngineError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(session.jobs)
        .build()
        .map_err(|e| EngineError::Internal(e.to_string()))?;
    deployable(session, last)?;
    pool.install(|| {
        let bronze = r.bronze.insert(import::run(session)?);
        if last == 0 {
            return Ok(());
        }
        let silver = r.silver.insert(clean::run(session, bronze)?);
        if last == 1 {
            return Ok(());
        }
        let split = r.split.insert(split::run(session, silver)?);
        if last == 2 {
            return Ok(());
        }
        let gold = r.gold.insert(features::run(session, silver, split)?);
        if last == 3 {
            return Ok(());
        }
        let trained = r.trained.insert(train::run(session, silver, split, gold)?);
        if last == 4 {
            return Ok(());
        }
        let tested = r.tested.insert(test::run(session, silver, split, gold, trained)?);
        if last == 5 {
            return Ok(());
        }
        let built = r.built.insert(build::run(session, trained)?);
        if last == 6 {
            return Ok(());
        }
        let proof = r.proof.insert(prove::run(session, silver, gold, trained, tested, built, None, None)?);
        if let Some(packages) = &proof.value.packages {
            built.value.adopt(packages);
        }
        if last == 7 {
            return Ok(());
        }
        r.reported = Some(crate::reporting::write(session, r)?);
        Ok(())
    })
}

/// Brings the project up to the trained impulse.
///
/// # Errors
/// Whatever a stage returns.
pub fn until_train(session: &Session<'_>) -> Result<Trained, EngineError> {
    let results = stages(session, 4)?;
    results.trained.map(|t| t.value).ok_or_else(|| EngineError::Internal("no trained impulse".into()))
}

/// Exports one package.
///
/// # Errors
/// [`EngineError::Usage`] for a target or a package that does not exist; whatever a stage returns.
pub fn build_one(
    session: &Session<'_>,
    target: &str,
    package: &str,
    float: bool,
    verify_first: bool,
    out: &Path,
) -> Result<Artifact, EngineError> {
    let chosen = build::check(target, package)?;
    let trained = until_train(session)?;
    let records = if verify_first && !float {
        // The core stands for its boards.
        let core = chosen.hardware.core.as_deref().unwrap_or(target);
        let mut targets = vec!["host".to_owned()];
        let core_of = build::target(core)?;
        if core_of.board.is_some() || core_of.linux.is_some() {
            targets.push(core.to_owned());
        }
        let (records, missed) = verify(session, Some(targets), None)?;
        if let Some(first) = missed.first() {
            return Err(EngineError::Gate(first.clone()));
        }
        records
    } else {
        proven(session)?
    };
    build::one(session, &trained, target, package, float, &records, out)
}

/// What was proven of the project as it is now, on its own targets; nothing when it was not.
fn proven(session: &Session<'_>) -> Result<Vec<VerifyRecord>, EngineError> {
    let silent = crate::Silent::default();
    let mut looker = Session::shared(&session.project.dir, &silent)?;
    looker.seed = session.seed;
    let mut results = Results::default();
    match fill(&looker, 7, &mut results) {
        Ok(()) => Ok(results.proof.map(|p| p.value.records).unwrap_or_default()),
        Err(EngineError::NotBuilt { .. } | EngineError::Data(_)) => Ok(Vec::new()),
        Err(other) => Err(other),
    }
}

/// The same, and the number by which runners tell this impulse from others.
///
/// # Errors
/// Those of [`build_one`].
pub fn build_numbered(
    session: &Session<'_>,
    target: &str,
    package: &str,
    float: bool,
    out: &Path,
) -> Result<(Artifact, u32), EngineError> {
    let trained = until_train(session)?;
    let artifact = build::one(session, &trained, target, package, float, &proven(session)?, out)?;
    Ok((artifact, build::version(session, &trained, target, float)?))
}

/// The number of the impulse that [`build_one`] would pack. `None`: it would have to be trained first.
///
/// # Errors
/// Those of looking the stages up, and of compiling.
pub fn version(session: &Session<'_>, target: &str, float: bool) -> Result<Option<u32>, EngineError> {
    let trained = trained(session)?.map(|t| build::version(session, &t.value, target, float));
    trained.transpose()
}

/// Whether a project is trained with the data and settings of now.
///
/// # Errors
/// Those of looking the stages up.
pub fn is_trained(session: &Session<'_>) -> Result<bool, EngineError> {
    Ok(trained(session)?.is_some())
}

fn trained(session: &Session<'_>) -> Result<Option<Staged<train::Trained>>, EngineError> {
    let mut results = Results::default();
    match fill(session, 4, &mut results) {
        Ok(()) => Ok(results.trained),
        // Not yet, or not with these data.
        Err(EngineError::NotBuilt { .. } | EngineError::Data(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The int8 impulse of a project, trained when it has to be.
///
/// # Errors
/// Whatever a stage returns.
pub fn impulse(session: &Session<'_>) -> Result<edgewright_impulse::Impulse, EngineError> {
    until_train(session)?.impulse_int8(session)
}

/// Builds, executes and compares on some targets. Returns the records and what failed.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown target; whatever a stage returns.
pub fn verify(
    session: &Session<'_>,
    targets: Option<Vec<String>>,
    cases: Option<usize>,
) -> Result<(Vec<VerifyRecord>, Vec<String>), EngineError> {
    if targets.is_none() && cases.is_none() {
        let r = stages(session, 7)?;
        let proof = r.proof.ok_or_else(|| EngineError::Internal("no proof".into()))?;
        let missed = proof_gates(session, &proof.value, true);
        return Ok((proof.value.records, missed));
    }
    let mut r = Results::default();
    advance(session, 6, &mut r)?;
    let (Some(silver), Some(gold), Some(trained), Some(tested), Some(built)) =
        (&r.silver, &r.gold, &r.trained, &r.tested, &r.built)
    else {
        return Err(EngineError::Internal("a stage is missing".into()));
    };
    let proof = prove::run(session, silver, gold, trained, tested, built, targets, cases)?;
    // Of targets that were chosen here the contract need not be measured on any.
    let missed = proof_gates(session, &proof.value, false);
    Ok((proof.value.records, missed))
}
