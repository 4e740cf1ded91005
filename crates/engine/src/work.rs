//! Workers: take a job, renew the lease, report, end it.

use crate::{
    EngineError, Event, Observer, RunOptions, advise, cross, dataset, find_rate, importance,
    jobs::{JobError, JobProgress, JobRequest, JobState, LogLine},
    run,
    session::Session,
    trial, tune,
    workspace::{Workspace, now, random_hex},
};
use edgewright_store::{Claim, StoreError};
use std::{
    panic::AssertUnwindSafe,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

/// A worker that is silent for so long is given up for dead.
const LEASE_MS: i64 = 30_000;
/// Between two reports when there is something to tell.
const REPORT: Duration = Duration::from_millis(250);
/// Between two reports when there is not: a tenth of the lease.
const HEARTBEAT_MS: i64 = LEASE_MS / 10;
/// A job whose project is in use elsewhere is tried again after so long.
const BUSY_MS: i64 = 2_000;
/// Learning blocks whose epochs are told; others make no log.
const LINES_MAX: usize = 10_000;

/// How often a worker tries to write how its job ended, and how long it waits in between: together as long as its lease.
const TRIES: usize = 30;
const WAIT: Duration = Duration::from_secs(1);

/// Tries again what the ledger refused (a full disk), until it succeeds, the server ends or the lease is over.
fn insist<T>(stop: &AtomicBool, mut write: impl FnMut() -> Result<T, EngineError>) -> Result<T, EngineError> {
    for _ in 1..TRIES {
        if let Ok(done) = write() {
            return Ok(done);
        }
        if stop.load(Relaxed) {
            break;
        }
        std::thread::sleep(WAIT);
    }
    write()
}

/// What a worker has to report of its job.
#[derive(Default)]
struct Told {
    progress: Option<JobProgress>,
    lines: Vec<LogLine>,
    count: usize,
}

struct Reporter {
    told: Mutex<Told>,
    stop: AtomicBool,
    lost: AtomicBool,
}

impl Reporter {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, line: LogLine) {
        let mut told = self.told();
        told.count += 1;
        if told.count <= LINES_MAX {
            told.lines.push(line);
        }
    }

    /// Sends what was told, and renews the lease.
    fn send(&self, workspace: &Workspace, claim: &Claim, always: bool) -> Result<(), EngineError> {
        let (progress, lines) = {
            let mut told = self.told();
            (told.progress.take(), std::mem::take(&mut told.lines))
        };
        if progress.is_none() && lines.is_empty() && !always {
            return Ok(());
        }
        let json = |e: serde_json::Error| EngineError::Internal(e.to_string());
        let told = progress.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        let texts = lines.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(json)?;
        match workspace.ledger.report_job(claim, now(), LEASE_MS, told.as_deref(), &texts) {
            Ok(None) => self.lost.store(true, Relaxed),
            Ok(Some(true)) => self.stop.store(true, Relaxed),
            Ok(Some(false)) => {}
            Err(e) => {
                // What could not be written is written with the next report.
                let mut told = self.told();
                told.lines.splice(0..0, lines);
                told.progress = told.progress.take().or(progress);
                return Err(e.into());
            }
        }
        Ok(())
    }
}

impl Observer for Reporter {
    fn event(&self, event: Event) {
        match event {
            Event::Progress { stage, done, total, note } => {
                self.told().progress = Some(JobProgress { stage: stage.into(), done, total, note });
            }
            Event::StageStarted { stage } => {
                let progress = JobProgress { stage: stage.into(), done: 0, total: 0, note: String::new() };
                self.told().progress = Some(progress);
                self.line(LogLine::StageStarted { stage: stage.into() });
            }
            Event::StageFinished { stage, cached, seconds, notes } => {
                self.line(LogLine::StageFinished { stage: stage.into(), cached, seconds, notes });
            }
            Event::Epoch {
                block,
                epoch,
                epochs,
                loss,
                metric,
                validation_loss,
                validation_metric,
                learning_rate,
                gradient_norm,
            } => {
                self.line(LogLine::Epoch {
                    block,
                    epoch,
                    epochs,
                    loss,
                    metric,
                    validation_loss,
                    validation_metric,
                    learning_rate,
                    gradient_norm,
                });
            }
        }
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Relaxed) || self.lost.load(Relaxed)
    }
}

impl Workspace {
    /// A name for a worker that no other has; `kind` comes first.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the system gives no randomness.
    pub fn worker_name(&self, kind: &str) -> Result<String, EngineError> {
        Ok(format!("{kind}:{}:{}", std::process::id(), random_hex::<4>()?))
    }

    /// Makes this process the server of the workspace and takes back the jobs of workers inside an earlier server: it is dead, or it
    /// would hold the lock.
    ///
    /// # Errors
    /// [`EngineError::Usage`] when another server has the workspace; those of the store.
    pub fn become_server(&self) -> Result<std::fs::File, EngineError> {
        let path = self.server_dir().join("serving");
        let io = |source| EngineError::Io { path: path.clone(), source };
        let file =
            std::fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(EngineError::Usage(format!(
                    "another server has {} open; end it first, or start this one on another folder",
                    self.dir().display()
                )));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(io(e)),
        }
        self.ledger.release_leases("serve:")?;
        Ok(file)
    }

    /// Takes one job and works on it to its end. `false`: there was none.
    ///
    /// # Errors
    /// Those of the ledger. What goes wrong in the job is the job's.
    pub fn work_once(&self, worker: &str, jobs: usize, stop: &AtomicBool) -> Result<bool, EngineError> {
        let Some(claim) = self.ledger.claim_job(worker, now(), LEASE_MS)? else { return Ok(false) };
        let reporter =
            Reporter { told: Mutex::default(), stop: AtomicBool::new(false), lost: AtomicBool::new(false) };
        reporter.line(LogLine::Begun { attempt: claim.job.attempt });
        // When it fails, the next report makes it; giving up here would leave the job to nobody until its lease ends.
        let _ = reporter.send(self, &claim, true);
        let outcome = std::thread::scope(|scope| {
            let (ended, rest) = channel::<()>();
            let reporting = &reporter;
            let claim = &claim;
            let beat = scope.spawn(move || {
                let mut silent = 0;
                while let Err(RecvTimeoutError::Timeout) = rest.recv_timeout(REPORT) {
                    silent += REPORT.as_millis() as i64;
                    let always = silent >= HEARTBEAT_MS;
                    if always {
                        silent = 0;
                    }
                    // A report that fails (a full disk) is made again; when the lease runs out meanwhile, the job is lost.
                    let _ = reporting.send(self, claim, always);
                    if stop.load(Relaxed) {
                        reporting.lost.store(true, Relaxed);
                    }
                }
            });
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.execute(claim, reporting, jobs)));
            drop(ended);
            // It cannot panic; if it did, the outcome still counts.
            let _ = beat.join();
            outcome
        });
        if reporter.lost.load(Relaxed) {
            // The server ends, or the lease was lost. Whoever claims the job goes on where it stands.
            if stop.load(Relaxed) {
                insist(stop, || Ok(self.ledger.postpone_job(&claim, now())?))?;
            }
            return Ok(true);
        }
        if let Ok(Err(EngineError::Store(StoreError::Busy { .. }))) = &outcome {
            reporter.line(LogLine::Note { text: "the project is in use by another process; waiting".into() });
        }
        insist(stop, || reporter.send(self, &claim, true))?;
        self.end(&claim, outcome, stop)?;
        Ok(true)
    }

    fn end(
        &self,
        claim: &Claim,
        outcome: std::thread::Result<Result<serde_json::Value, EngineError>>,
        stop: &AtomicBool,
    ) -> Result<(), EngineError> {
        let (state, result, error) = match outcome {
            Ok(Ok(result)) => (JobState::Done, Some(result.to_string()), None),
            Ok(Err(EngineError::Cancelled)) => (JobState::Cancelled, None, None),
            Ok(Err(EngineError::Store(StoreError::Busy { .. }))) => {
                return insist(stop, || Ok(self.ledger.postpone_job(claim, now() + BUSY_MS)?));
            }
            Ok(Err(e)) => {
                let error = JobError { code: e.code().into(), message: e.to_string() };
                (JobState::Failed, None, Some(error))
            }
            Err(panic) => {
                let words = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                    .unwrap_or_default();
                let message = format!("internal: the work ended in a panic; please report it: {words}");
                (JobState::Failed, None, Some(JobError { code: "panic".into(), message }))
            }
        };
        let error = error
            .map(|e| serde_json::to_string(&e))
            .transpose()
            .map_err(|e| EngineError::Internal(e.to_string()))?;
        insist(stop, || {
            self.ledger.finish_job(claim, state.word(), now(), result.as_deref(), error.as_deref())?;
            Ok(())
        })
    }

    fn execute(
        &self,
        claim: &Claim,
        reporter: &Reporter,
        jobs: usize,
    ) -> Result<serde_json::Value, EngineError> {
        let job = crate::jobs::job(claim.job.clone())?;
        let dir = self.project_dir(&job.project)?;
        let json = |e: serde_json::Error| EngineError::Internal(e.to_string());
        match job.request {
            JobRequest::Run { until, seed } => {
                let session = Session::open(&dir, reporter, jobs, seed)?;
                let outcome = run::run(&session, &RunOptions { until })?;
                serde_json::to_value(&outcome).map_err(json)
            }
            JobRequest::Build { target, package, float } => {
                let session = Session::open(&dir, reporter, jobs, None)?;
                let path = self.package_path(&job.id);
                let (artifact, version) = run::build_numbered(&session, &target, &package, float, &path)?;
                let mut value = serde_json::to_value(&artifact).map_err(json)?;
                // The path is the server's own business.
                value["path"] = serde_json::Value::Null;
                value["version"] = version.into();
                Ok(value)
            }
            JobRequest::Verify { targets, cases } => {
                let session = Session::open(&dir, reporter, jobs, None)?;
                let (records, missed) = run::verify(&session, targets, cases)?;
                Ok(serde_json::json!({"verify": records, "missed": missed}))
            }
            JobRequest::Importance {} => {
                let session = Session::open(&dir, reporter, jobs, None)?;
                serde_json::to_value(importance::importance(&session)?).map_err(json)
            }
            JobRequest::Tune { block, trials, finalists, seed, apply } => {
                let session = Session::open(&dir, reporter, jobs, None)?;
                let usual = tune::Options::default();
                let options = tune::Options {
                    block,
                    seed,
                    trials: trials.map_or(usual.trials, |n| n as usize),
                    finalists: finalists.map_or(usual.finalists, |n| n as usize),
                };
                let tuned = tune::tune(&session, &options)?;
                let mut value = serde_json::to_value(&tuned).map_err(json)?;
                value["applied"] = (apply && tune::apply(&session, &tuned)?).into();
                Ok(value)
            }
            JobRequest::FindRate { block, seed } => {
                let session = Session::open(&dir, reporter, jobs, seed)?;
                serde_json::to_value(find_rate::find_rate(&session, block.as_deref())?).map_err(json)
            }
            request @ JobRequest::Advise { .. } => {
                let session = Session::open(&dir, reporter, jobs, None)?;
                let options = request.advising().unwrap_or_default();
                serde_json::to_value(advise::advise(&session, &options)?).map_err(json)
            }
            JobRequest::CrossValidate { folds, seed } => {
                let session = Session::open(&dir, reporter, jobs, seed)?;
                let folds = folds.map_or(cross::USUAL_FOLDS, |n| n as usize);
                serde_json::to_value(cross::validate(&session, folds)?).map_err(json)
            }
            JobRequest::Try { variants, keep, seed } => {
                let session = Session::open(&dir, reporter, jobs, seed)?;
                let options = trial::Options { variants: variants.unwrap_or_default(), keep };
                serde_json::to_value(trial::try_out(&session, &options)?).map_err(json)
            }
            JobRequest::Export {} => {
                // Reads alone: it goes on beside whoever works in the project.
                let session = Session::shared(&dir, reporter)?;
                let files = dataset::export_archive(&session, &self.package_path(&job.id))?;
                Ok(serde_json::json!({ "files": files }))
            }
            request @ (JobRequest::ModelRun { .. }
            | JobRequest::ModelProfile { .. }
            | JobRequest::ModelQuantize { .. }
            | JobRequest::ModelExport { .. }) => self.work_on_model(&job.project, &request, reporter),
        }
    }
}
