//! Long work as jobs: values that are written down before anything starts, and that another worker can take up again.

pub use crate::job_request::JobRequest;
use crate::{
    EngineError,
    workspace::{Workspace, now, random_hex},
};
use edgewright_store::{JobRow, NewJob};
use serde::{Deserialize, Serialize};

/// How often a job is begun before it is given up: more than once only when its worker died.
const MAX_ATTEMPTS: i64 = 5;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Ended well; gates may have been missed.
    Done,
    /// Ended with an error.
    Failed,
    /// Ended because somebody wanted that.
    Cancelled,
}

impl JobState {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// Work inside a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Name of the stage.
    pub stage: String,
    /// Units finished.
    pub done: u64,
    /// Units in all; 0 when that is not known.
    pub total: u64,
    /// Short remark.
    pub note: String,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// [`EngineError::code`], `panic` or `worker_lost`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields of the events of the same names")]
pub enum LogLine {
    /// A worker began.
    Begun { attempt: i64 },
    /// See [`crate::Event::StageStarted`].
    StageStarted { stage: String },
    /// See [`crate::Event::StageFinished`].
    StageFinished { stage: String, cached: bool, seconds: f64, notes: Vec<String> },
    /// See [`crate::Event::Epoch`].
    Epoch {
        block: String,
        epoch: usize,
        epochs: usize,
        loss: f64,
        metric: f64,
        validation_loss: Option<f64>,
        validation_metric: Option<f64>,
        #[serde(default)]
        learning_rate: Option<f64>,
        #[serde(default)]
        gradient_norm: Option<f64>,
    },
    /// A sentence.
    Note { text: String },
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Id; ids sort by time.
    pub id: String,
    /// Project.
    pub project: String,
    /// What it is to do.
    pub request: JobRequest,
    /// How far it is.
    pub state: JobState,
    /// How often it was begun.
    pub attempt: u32,
    /// When it was asked for, in milliseconds since 1970.
    pub created: i64,
    /// When it was first begun.
    pub started: Option<i64>,
    /// When it ended.
    pub finished: Option<i64>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// The last report.
    pub progress: Option<JobProgress>,
    /// What came out: what the command of the same name prints with `--json`, and `missed`: the gates that were missed.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<JobError>,
}

/// A line of the log with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedLine {
    /// From 1.
    pub seq: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The line.
    pub line: LogLine,
}

fn read<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, EngineError> {
    serde_json::from_str(text).map_err(|e| EngineError::Internal(format!("{what} cannot be read: {e}")))
}

pub(crate) fn job(row: JobRow) -> Result<Job, EngineError> {
    Ok(Job {
        request: read(&row.request_json, "a job's request")?,
        state: read(&format!("\"{}\"", row.state), "a job's state")?,
        attempt: row.attempt.max(0) as u32,
        progress: row.progress_json.as_deref().map(|t| read(t, "a job's progress")).transpose()?,
        result: row.result_json.as_deref().map(|t| read(t, "a job's result")).transpose()?,
        error: row.error_json.as_deref().map(|t| read(t, "a job's error")).transpose()?,
        id: row.id,
        project: row.project,
        created: row.created,
        started: row.started,
        finished: row.finished,
        cancel_requested: row.cancel_requested,
    })
}

/// Jobs of a project that are looked through, the newest.
const LOOKED: u32 = 1000;
/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 200;

impl Workspace {
    /// Writes a job down; a worker will take it. With an idempotency key that the project has seen, the job of then; the flag says
    /// whether it is new.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project, [`EngineError::Usage`] for a stage, target or package that does not exist or
    /// a key that was used for another request; those of the store.
    pub fn submit_job(
        &self,
        project: &str,
        request: &JobRequest,
        idempotency_key: Option<&str>,
    ) -> Result<(Job, bool), EngineError> {
        self.project_dir(project)?;
        request.check()?;
        if idempotency_key.is_some_and(|k| k.is_empty() || k.len() > KEY_MAX) {
            return Err(EngineError::Usage(format!("an idempotency key has 1 to {KEY_MAX} bytes")));
        }
        let now = now();
        let new = NewJob {
            // Time first, so that ids sort as the jobs came.
            id: format!("{now:012x}{}", random_hex::<4>()?),
            project: project.into(),
            request_json: serde_json::to_string(request).map_err(|e| EngineError::Internal(e.to_string()))?,
            max_attempts: MAX_ATTEMPTS,
            idempotency_key: idempotency_key.map(str::to_owned),
        };
        let (row, added) = self.ledger.add_job(&new, now)?;
        let job = job(row)?;
        if job.request != *request {
            return Err(EngineError::Usage("this idempotency key was used for another request".into()));
        }
        Ok((job, added))
    }

    /// A job of a project.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn job(&self, project: &str, id: &str) -> Result<Job, EngineError> {
        match self.ledger.job(id)? {
            Some(row) if row.project == project => job(row),
            _ => Err(EngineError::NotFound(format!("there is no job `{}` in `{project}`", short(id)))),
        }
    }

    /// Jobs, newest first, of one project or of all.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_jobs(&self, project: Option<&str>, limit: u32) -> Result<Vec<Job>, EngineError> {
        self.ledger.list_jobs(project, limit)?.into_iter().map(job).collect()
    }

    /// Asks a job to stop. One that ended stays as it is.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn cancel_job(&self, project: &str, id: &str) -> Result<Job, EngineError> {
        self.job(project, id)?;
        self.ledger.cancel_job(id, now())?;
        self.job(project, id)
    }

    /// Puts a job that failed or was cancelled back into the queue; what its stages finished is not done again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Changed`] when it did not fail; those of the store.
    pub fn retry_job(&self, project: &str, id: &str) -> Result<Job, EngineError> {
        let before = self.job(project, id)?;
        if !self.ledger.retry_job(id, now())? {
            return Err(EngineError::Changed(format!(
                "job `{}` is {}; only one that failed or was cancelled can be tried again",
                short(id),
                before.state.word()
            )));
        }
        self.job(project, id)
    }

    /// Lines of the log after number `after`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn job_log(
        &self,
        project: &str,
        id: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<NumberedLine>, EngineError> {
        self.job(project, id)?;
        self.ledger
            .job_log(id, after, limit)?
            .into_iter()
            .map(|row| {
                Ok(NumberedLine { seq: row.seq, at: row.at, line: read(&row.line_json, "a line of a log")? })
            })
            .collect()
    }

    /// Where the package that a job built lies, or what it exported.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when the job built none or did not end well.
    pub fn job_package(&self, project: &str, id: &str) -> Result<(String, std::path::PathBuf), EngineError> {
        let job = self.job(project, id)?;
        let path = self.package_path(id);
        match &job.request {
            JobRequest::Build { target, package, .. } if job.state == JobState::Done && path.is_file() => {
                let end = if package == "eim" { "eim" } else { "zip" };
                Ok((format!("{project}-{target}-{package}.{end}"), path))
            }
            JobRequest::Export {} if job.state == JobState::Done && path.is_file() => {
                Ok((format!("{project}-data.zip"), path))
            }
            _ => Err(EngineError::NotFound(format!("job `{}` has no package", short(id)))),
        }
    }

    /// The number of the impulse that a build would pack now, and the job that has packed it, if any. No number: it is not trained with
    /// the data and settings of now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project, [`EngineError::Usage`] for an unknown target; those of the store.
    pub fn deployment(
        &self,
        project: &str,
        target: &str,
        package: &str,
        float: bool,
    ) -> Result<(Option<u32>, Option<String>), EngineError> {
        let dir = self.project_dir(project)?;
        let silent = crate::Silent::default();
        let session = crate::session::Session::shared(&dir, &silent)?;
        let Some(version) = crate::run::version(&session, target, float)? else { return Ok((None, None)) };
        let wanted = JobRequest::Build { target: target.into(), package: package.into(), float };
        let built = |job: &Job| {
            job.state == JobState::Done
                && job.request == wanted
                && job.result.as_ref().is_some_and(|r| r["version"] == version)
                && self.package_path(&job.id).is_file()
        };
        let found = self.list_jobs(Some(project), LOOKED)?.into_iter().find(built);
        Ok((Some(version), found.map(|j| j.id)))
    }

    /// Whether a project is trained with the data and settings of now.
    ///
    /// # Errors
    /// As [`Workspace::deployment`].
    pub fn is_trained(&self, project: &str) -> Result<bool, EngineError> {
        let dir = self.project_dir(project)?;
        let silent = crate::Silent::default();
        crate::run::is_trained(&crate::session::Session::shared(&dir, &silent)?)
    }

    /// Whether a project was ever trained, with whatever data and settings.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project; those of the store.
    pub fn was_trained(&self, project: &str) -> Result<bool, EngineError> {
        let dir = self.project_dir(project)?;
        let silent = crate::Silent::default();
        Ok(crate::session::Session::shared(&dir, &silent)?.store.has_stage("train")?)
    }

    /// A job of a project by the beginning of its id: what a client keeps that knows numbers alone.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn job_from(&self, project: &str, start: &str) -> Result<Job, EngineError> {
        let all = self.list_jobs(Some(project), LOOKED)?;
        let found = all.into_iter().find(|j| !start.is_empty() && j.id.starts_with(start));
        found.ok_or_else(|| {
            EngineError::NotFound(format!("there is no job `{}` in `{project}`", short(start)))
        })
    }

    pub(crate) fn package_path(&self, job: &str) -> std::path::PathBuf {
        self.server_dir().join("packages").join(job)
    }
}

fn short(id: &str) -> String {
    id.chars().filter(|c| !c.is_control()).take(40).collect()
}
