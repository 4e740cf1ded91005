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
        split::{self, Side, Split},
        test::{self, Alarms, Figures, RuleFigures, Tested},
        train::{self, Epoch, LearnSummary, StepLine, Trained},
        uncertainty::{Accepted, Uncertainty},
    },
};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Last stage; all when left out.
    pub until: Option<String>,
}

/// As `run --json` prints it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunReport {
    /// Name of the project.
    pub project: String,
    /// Seed that was used.
    pub seed: u64,
    /// One per stage that ran.
    pub stages: Vec<StageRecord>,
    /// The data set.
    pub data: DataReport,
    /// One per learning block.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training: Vec<LearnReport>,
    /// Figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    /// Proofs.
    pub verify: Vec<VerifyRecord>,
    /// Exported packages.
    pub artifacts: Vec<Artifact>,
    /// Gates that were missed, as sentences.
    pub missed: Vec<String>,
    /// The report, once it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// The data set in numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataReport {
    /// Samples that are used: those that train and those that test. Before cleaning, those that are there.
    pub samples: usize,
    /// Files refused at import, and samples rejected by cleaning.
    pub quarantined: usize,
    /// Samples that were dropped because another one is the same.
    pub duplicates: usize,
    /// Samples per label, of those that are used.
    pub labels: BTreeMap<String, usize>,
    /// Samples that train or validate.
    pub training: usize,
    /// Samples that test.
    pub testing: usize,
}

/// What one learning block learned, without a look at the test windows: what settings may be chosen by.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LearnReport {
    /// Id of the block.
    pub id: String,
    /// Windows that trained.
    pub training_windows: usize,
    /// Windows that validated.
    pub validation_windows: usize,
    /// Epoch whose weights were kept, from 1; 0 for a block that has no epochs.
    pub best_epoch: usize,
    /// Loss on the validation windows at that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy or R2 on the validation windows at that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_metric: Option<f64>,
    /// Labels of a classifier, in the order of its scores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Each epoch: losses, metrics, size of the last step, norm of the gradient, confusion of the validation windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Epoch>,
    /// What teaching, pruning and training in int8 changed, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepLine>,
}

impl From<&LearnSummary> for LearnReport {
    fn from(l: &LearnSummary) -> Self {
        let best = l.history.iter().find(|e| e.epoch == l.best_epoch);
        Self {
            id: l.id.clone(),
            training_windows: l.training_windows,
            validation_windows: l.validation_windows,
            best_epoch: l.best_epoch,
            validation_loss: best.and_then(|e| e.validation_loss),
            validation_metric: best.and_then(|e| e.validation_metric),
            labels: l.labels.clone(),
            history: l.history.clone(),
            steps: l.steps.clone(),
        }
    }
}

/// Figures in the three arithmetics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TestReport {
    /// Single precision.
    pub float: FigureReport,
    /// Integer.
    pub int8: FigureReport,
    /// The emitted C on the host, once it was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c: Option<FigureReport>,
    /// How sure a classifier may be taken to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// The best rule on one feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleFigures>,
    /// In words.
    pub verdicts: Vec<String>,
}

/// Figures of one arithmetic.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FigureReport {
    /// Windows behind the figures.
    pub windows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(missing_docs, reason = "named by the field")]
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Accuracy of the mean score over each recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings_accuracy: Option<f64>,
    /// Mean F1 of the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<f64>,
    /// Mean negative log score of the right label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Expected calibration error: mean distance of the highest score and the share that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
    /// The same before a temperature was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ece_before: Option<f64>,
    /// Brier score: mean squared distance of the scores from the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// The same before a temperature was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier_before: Option<f64>,
    /// What `min_confidence` leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// F1 of each label; of an impulse that finds objects the one of all objects.
    #[serde(skip_serializing_if = "F1::is_empty")]
    pub f1: F1,
    /// F1 of the objects of each label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub f1_labels: BTreeMap<String, f64>,
    /// Of what was found, the share that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Of the objects that are there, the share that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// Mean average precision at an overlap of half the union, of the boxes as they are returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map50: Option<f64>,
    /// Coefficient of determination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
    /// Mean absolute error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Root mean squared error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
    /// Area under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// What the threshold of the anomaly score makes of the windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
}

/// F1 of labels or of all objects.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum F1 {
    /// Of each label.
    Labels(BTreeMap<String, f64>),
    /// Of all objects together.
    Objects(f64),
}

impl Default for F1 {
    fn default() -> Self {
        Self::Labels(BTreeMap::new())
    }
}

impl F1 {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Labels(labels) if labels.is_empty())
    }
}

impl From<&Figures> for FigureReport {
    fn from(f: &Figures) -> Self {
        let labels: BTreeMap<String, f64> = f.labels.iter().map(|l| (l.label.clone(), l.f1)).collect();
        let (f1, f1_labels) = match f.f1 {
            Some(all) => (F1::Objects(all), labels),
            None => (F1::Labels(labels), BTreeMap::new()),
        };
        Self {
            windows: f.windows,
            accuracy: f.accuracy,
            low: f.low,
            high: f.high,
            recordings_accuracy: f.recordings_accuracy,
            macro_f1: f.macro_f1,
            log_loss: f.log_loss,
            ece: f.calibration.as_ref().map(|c| c.ece),
            ece_before: f.uncalibrated.as_ref().map(|c| c.ece),
            brier: f.calibration.as_ref().map(|c| c.brier),
            brier_before: f.uncalibrated.as_ref().map(|c| c.brier),
            accepted: f.accepted,
            f1,
            f1_labels,
            precision: f.precision,
            recall: f.recall,
            map50: f.map50,
            r2: f.r2,
            mae: f.mae,
            rmse: f.rmse,
            auroc: f.auroc,
            alarms: f.alarms,
        }
    }
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
pub fn until_train(session: &Session<'_>, _options: &RunOptions) -> Result<Trained, EngineError> {
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
    let trained = until_train(session, &RunOptions::default())?;
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
    let trained = until_train(session, &RunOptions::default())?;
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
    until_train(session, &RunOptions::default())?.impulse_int8(session)
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
        let missed = proof_gates(&proof.value);
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
    let missed = proof_gates(&proof.value);
    Ok((proof.value.records, missed))
}

fn proof_gates(proof: &Proof) -> Vec<String> {
    proof
        .records
        .iter()
        .filter(|r| r.bit_exact == Some(false))
        .map(|r| {
            format!(
                "verify: {} does not agree bit for bit: {}",
                r.target,
                r.mismatch.as_deref().unwrap_or("")
            )
        })
        .collect()
}

pub(crate) fn summarise(session: &Session<'_>, r: &Results) -> RunReport {
    let mut report = RunReport {
        project: session.project.file.project.name.clone(),
        seed: session.seed,
        ..RunReport::default()
    };
    let records = [
        r.bronze.as_ref().map(|s| &s.record),
        r.silver.as_ref().map(|s| &s.record),
        r.split.as_ref().map(|s| &s.record),
        r.gold.as_ref().map(|s| &s.record),
        r.trained.as_ref().map(|s| &s.record),
        r.tested.as_ref().map(|s| &s.record),
        r.built.as_ref().map(|s| &s.record),
        r.proof.as_ref().map(|s| &s.record),
        r.reported.as_ref(),
    ];
    report.stages = records.into_iter().flatten().cloned().collect();
    if let Some(bronze) = &r.bronze {
        report.data.samples = bronze.value.count;
        report.data.quarantined = bronze.value.quarantined.len();
        report.data.labels.clone_from(&bronze.value.labels);
    }
    if let Some(silver) = &r.silver {
        report.data.samples = silver.value.samples.len();
        report.data.quarantined += silver.value.rejected.len();
        report.data.duplicates = silver.value.duplicates;
        report.data.labels = silver.value.labels();
    }
    if let Some(split) = &r.split {
        report.data.testing = split.value.sides.iter().filter(|s| **s == Side::Testing).count();
        report.data.training = split.value.sides.len() - report.data.testing;
    }
    if let Some(trained) = &r.trained {
        report.training = trained.value.learn.iter().map(Into::into).collect();
    }
    if let Some(tested) = &r.tested {
        report.test = Some(TestReport {
            float: (&tested.value.float).into(),
            int8: (&tested.value.int8).into(),
            c: r.proof.as_ref().and_then(|p| p.value.c.as_ref()).map(Into::into),
            uncertainty: tested.value.uncertainty.clone(),
            rule: tested.value.rule.clone(),
            verdicts: tested.value.verdicts.clone(),
        });
        report.missed.extend(gates(session, &tested.value));
    }
    if let Some(built) = &r.built {
        report.artifacts.clone_from(&built.value.artifacts);
    }
    if let Some(proof) = &r.proof {
        report.verify.clone_from(&proof.value.records);
        report.missed.extend(proof_gates(&proof.value));
    }
    if r.reported.is_some() {
        report.report = Some(session.project.report_dir().join("report.html").display().to_string());
    }
    report
}

/// The floors of the project that the figures missed.
fn gates(session: &Session<'_>, tested: &Tested) -> Vec<String> {
    let floors = &session.project.file.evaluation;
    let mut missed = Vec::new();
    let int8 = &tested.int8;
    // A floor that nothing is held against says nothing; it is not reached.
    let none = |key: &str, what: &str| {
        format!(
            "evaluation.{key}: there is no {what} to hold it against: no test window gives one (`split.test`, labels, kind of learning block)"
        )
    };
    for (key, what, floor, value) in [
        ("min_accuracy", "accuracy", floors.min_accuracy, int8.accuracy),
        ("min_auroc", "AUROC", floors.min_auroc, int8.auroc),
        ("min_f1", "F1 of objects", floors.min_f1, int8.f1),
        ("min_r2", "R2", floors.min_r2, int8.r2),
    ] {
        match (floor, value) {
            // Neither is one that is no number.
            (Some(floor), Some(value)) if value.is_nan() || value < floor => {
                let hint = if floor > 1.0 { "; the figure is a share of 1" } else { "" };
                missed.push(format!("evaluation.{key}: {value:.4} is below {floor}{hint}"));
            }
            (Some(_), None) => missed.push(none(key, what)),
            _ => {}
        }
    }
    if let Some(limit) = floors.max_int8_loss {
        match (tested.float.accuracy.or(tested.float.f1), int8.accuracy.or(int8.f1)) {
            (Some(f), Some(i)) if (f - i) * 100.0 > limit => missed.push(format!(
                "evaluation.max_int8_loss: int8 loses {:.2} points, more than {limit}",
                (f - i) * 100.0
            )),
            (Some(_), Some(_)) => {}
            _ => missed.push(none("max_int8_loss", "accuracy or F1 of objects")),
        }
    }
    missed
}

impl RunReport {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let d = &self.data;
        out.push_str(&format!(
            "\n{}: {} samples{}, {} quarantined, seed {}\n",
            self.project,
            d.samples,
            // Before the split nothing is known of sides.
            if d.training + d.testing > 0 {
                format!(" ({} train, {} test)", d.training, d.testing)
            } else {
                String::new()
            },
            d.quarantined,
            self.seed
        ));
        if self.stages.iter().all(|s| s.status == crate::session::StageStatus::Cached) {
            out.push_str("nothing changed: every stage was up to date\n");
        }
        out.push_str(&self.test_text());
        for record in &self.verify {
            out.push_str(&record.to_text());
            out.push('\n');
        }
        for a in &self.artifacts {
            out.push_str(&format!(
                "library   {}  (sha256 {})\n",
                a.path,
                &a.sha256[..16.min(a.sha256.len())]
            ));
        }
        if let Some(report) = &self.report {
            out.push_str(&format!("report    {report}\n"));
        }
        out
    }

    /// The figures for people.
    pub fn test_text(&self) -> String {
        let Some(test) = &self.test else { return String::new() };
        let columns = [("float", Some(&test.float)), ("int8", Some(&test.int8)), ("C", test.c.as_ref())];
        let mut out = format!("{:<12}", "");
        for (name, figures) in &columns {
            if figures.is_some() {
                out.push_str(&format!("{name:>10}"));
            }
        }
        out.push('\n');
        let mut line = |name: &str, pick: &dyn Fn(&FigureReport) -> Option<f64>| {
            if columns.iter().any(|(_, f)| f.is_some_and(|f| pick(f).is_some())) {
                out.push_str(&format!("{name:<12}"));
                for (_, figures) in &columns {
                    if let Some(value) = figures.and_then(pick) {
                        out.push_str(&format!("{value:>10.4}"));
                    }
                }
                out.push('\n');
            }
        };
        line("accuracy", &|f| f.accuracy);
        line("recordings", &|f| f.recordings_accuracy);
        line("macro F1", &|f| f.macro_f1);
        line("F1", &|f| match f.f1 {
            F1::Objects(all) => Some(all),
            F1::Labels(_) => None,
        });
        line("precision", &|f| f.precision);
        line("recall", &|f| f.recall);
        line("mAP50", &|f| f.map50);
        line("log loss", &|f| f.log_loss);
        line("ECE", &|f| f.ece);
        line("Brier", &|f| f.brier);
        line("accepted", &|f| f.accepted.map(|a| a.coverage));
        line("right then", &|f| f.accepted.and_then(|a| a.accuracy));
        line("R2", &|f| f.r2);
        line("MAE", &|f| f.mae);
        line("RMSE", &|f| f.rmse);
        line("AUROC", &|f| f.auroc);
        line("alarm F1", &|f| f.alarms.map(|a| a.f1));
        if let (Some(low), Some(high)) = (test.float.low, test.float.high) {
            out.push_str(&format!("95 % interval {low:.4} to {high:.4} on {} windows\n", test.float.windows));
        }
        for verdict in &test.verdicts {
            out.push_str(&format!("  {verdict}\n"));
        }
        out
    }
}
