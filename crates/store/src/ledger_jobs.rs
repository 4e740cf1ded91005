//! The queue: jobs with leases, and their log.
//!
//! A job is written before anything of it starts. Whoever works on it holds a lease and renews it with each report; every
//! write of a worker names its lease, so one that was given up for dead can write nothing more.

use crate::{Ledger, StoreError, transaction::alone};
use sqlx::{Row, sqlite::SqliteRow};

/// A job to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Id; ids sort by time.
    pub id: String,
    /// Project.
    pub project: String,
    /// What to do: the caller's.
    pub request_json: String,
    /// How often it may be begun.
    pub max_attempts: i64,
    /// A second job of the project with the same key is the first one.
    pub idempotency_key: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named by the field, or as in NewJob")]
pub struct JobRow {
    pub id: String,
    pub project: String,
    pub request_json: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// How often it was begun.
    pub attempt: i64,
    pub max_attempts: i64,
    pub created: i64,
    pub started: Option<i64>,
    pub finished: Option<i64>,
    pub cancel_requested: bool,
    /// The last report.
    pub progress_json: Option<String>,
    pub result_json: Option<String>,
    pub error_json: Option<String>,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// From 1.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// The caller's.
    pub line_json: String,
}

/// The right to work on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobRow,
    /// Who has it.
    pub owner: String,
}

fn job(row: &SqliteRow) -> Result<JobRow, StoreError> {
    let cancel: i64 = row.try_get("cancel_requested")?;
    Ok(JobRow {
        id: row.try_get("id")?,
        project: row.try_get("project")?,
        request_json: row.try_get("request_json")?,
        state: row.try_get("state")?,
        attempt: row.try_get("attempt")?,
        max_attempts: row.try_get("max_attempts")?,
        created: row.try_get("created")?,
        started: row.try_get("started")?,
        finished: row.try_get("finished")?,
        cancel_requested: cancel != 0,
        progress_json: row.try_get("progress_json")?,
        result_json: row.try_get("result_json")?,
        error_json: row.try_get("error_json")?,
    })
}

impl Ledger {
    /// Adds a job, or returns the one that has its idempotency key. The flag says whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_job(&self, new: &NewJob, now: i64) -> Result<(JobRow, bool), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            let done = sqlx::query(
                "INSERT INTO jobs (id, project, request_json, state, attempt, max_attempts, created, run_at, lease_until,
                    cancel_requested, idempotency_key)
                 VALUES ($1, $2, $3, 'queued', 0, $4, $5, $5, 0, 0, $6) ON CONFLICT (project, idempotency_key) DO NOTHING",
            )
            .bind(&new.id)
            .bind(&new.project)
            .bind(&new.request_json)
            .bind(new.max_attempts)
            .bind(now)
            .bind(&new.idempotency_key)
            .execute(&mut *connection)
            .await?;
            let added = done.rows_affected() > 0;
            let row = if added {
                sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(&new.id).fetch_one(&mut *connection).await?
            } else {
                sqlx::query("SELECT * FROM jobs WHERE project = $1 AND idempotency_key = $2")
                    .bind(&new.project)
                    .bind(&new.idempotency_key)
                    .fetch_one(&mut *connection)
                    .await?
            };
            Ok((job(&row)?, added))
        })
    }

    /// A job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn job(&self, id: &str) -> Result<Option<JobRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id).fetch_optional(&mut inner.connection);
        inner.runtime.block_on(query)?.as_ref().map(job).transpose()
    }

    /// Jobs, newest first, of one project or of all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_jobs(&self, project: Option<&str>, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "SELECT * FROM jobs WHERE $1 IS NULL OR project = $1 ORDER BY created DESC, rowid DESC LIMIT $2",
        )
        .bind(project)
        .bind(i64::from(limit))
        .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(job).collect()
    }

    /// Takes the next job that waits, or whose worker let its lease run out; of several, the one that was added first, also within one
    /// millisecond, where ids say nothing of it. Jobs that were begun too often fail here. Nobody puts a
    /// job off for longer than a lease: one that waits for a later time was written before the clock was set back, and is taken.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn claim_job(&self, owner: &str, now: i64, lease: i64) -> Result<Option<Claim>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            sqlx::query(
                "UPDATE jobs SET state = CASE WHEN cancel_requested = 1 THEN 'cancelled' ELSE 'failed' END, finished = $1,
                    error_json = '{\"code\":\"worker_lost\",\"message\":\"its worker ended before the job did, each time it was tried\"}'
                 WHERE state = 'running' AND lease_until < $1 AND (attempt >= max_attempts OR cancel_requested = 1)",
            )
            .bind(now)
            .execute(&mut *connection)
            .await?;
            let row = sqlx::query(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_owner = $1, lease_until = $2,
                    started = COALESCE(started, $3)
                 WHERE id = (SELECT id FROM jobs WHERE ((state = 'queued' AND (run_at <= $3 OR run_at > $2))
                    OR (state = 'running' AND lease_until < $3)) AND attempt < max_attempts
                    ORDER BY run_at, rowid LIMIT 1)
                 RETURNING *",
            )
            .bind(owner)
            .bind(now + lease)
            .bind(now)
            .fetch_optional(&mut *connection)
            .await?;
            row.as_ref().map(|row| Ok(Claim { job: job(row)?, owner: owner.to_owned() })).transpose()
        }))
    }

    /// Gives up the leases of workers whose names begin so: the caller knows that none of them lives.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn release_leases(&self, owner_prefix: &str) -> Result<u64, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "UPDATE jobs SET lease_until = 0 WHERE state = 'running' AND substr(lease_owner, 1, length($1)) = $1",
        )
        .bind(owner_prefix)
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected())
    }

    /// Renews a lease, reports progress and adds lines to the log. `None`: the lease is lost, stop and write nothing
    /// more. `Some(true)`: somebody wants the job to stop.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn report_job(
        &self,
        claim: &Claim,
        now: i64,
        lease: i64,
        progress_json: Option<&str>,
        lines: &[String],
    ) -> Result<Option<bool>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            let row = sqlx::query(
                "UPDATE jobs SET lease_until = $1, progress_json = COALESCE($2, progress_json)
                 WHERE id = $3 AND state = 'running' AND lease_owner = $4 AND attempt = $5 RETURNING cancel_requested",
            )
            .bind(now + lease)
            .bind(progress_json)
            .bind(&claim.job.id)
            .bind(&claim.owner)
            .bind(claim.job.attempt)
            .fetch_optional(&mut *connection)
            .await?;
            let Some(row) = row else { return Ok(None) };
            let cancel: i64 = row.try_get("cancel_requested")?;
            for line in lines {
                sqlx::query(
                    "INSERT INTO job_log (job, seq, at, line_json)
                     VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM job_log WHERE job = $1), $2, $3)",
                )
                .bind(&claim.job.id)
                .bind(now)
                .bind(line)
                .execute(&mut *connection)
                .await?;
            }
            Ok(Some(cancel != 0))
        }))
    }

    /// Ends a job as `done`, `failed` or `cancelled`. Whether the lease still held.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn finish_job(
        &self,
        claim: &Claim,
        state: &str,
        now: i64,
        result_json: Option<&str>,
        error_json: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "UPDATE jobs SET state = $1, finished = $2, result_json = $3, error_json = $4, lease_until = 0
             WHERE id = $5 AND state = 'running' AND lease_owner = $6 AND attempt = $7",
        )
        .bind(state)
        .bind(now)
        .bind(result_json)
        .bind(error_json)
        .bind(&claim.job.id)
        .bind(&claim.owner)
        .bind(claim.job.attempt)
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }

    /// Puts a job back into the queue without counting the attempt, to be tried again from `run_at` on.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn postpone_job(&self, claim: &Claim, run_at: i64) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1, run_at = $1, lease_until = 0
             WHERE id = $2 AND state = 'running' AND lease_owner = $3 AND attempt = $4",
        )
        .bind(run_at)
        .bind(&claim.job.id)
        .bind(&claim.owner)
        .bind(claim.job.attempt)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Asks a job to stop; one that waits is cancelled at once. `None` when there is no such job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn cancel_job(&self, id: &str, now: i64) -> Result<Option<JobRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            sqlx::query(
                "UPDATE jobs SET cancel_requested = 1,
                    finished = CASE WHEN state = 'queued' THEN $1 ELSE finished END,
                    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
                 WHERE id = $2 AND state IN ('queued', 'running')",
            )
            .bind(now)
            .bind(id)
            .execute(&mut *connection)
            .await?;
            let row = sqlx::query("SELECT * FROM jobs WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
            row.as_ref().map(job).transpose()
        })
    }

    /// Puts a job that failed or was cancelled back into the queue. Whether it was one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn retry_job(&self, id: &str, now: i64) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempt = 0, run_at = $1, lease_until = 0, cancel_requested = 0,
                finished = NULL, error_json = NULL, result_json = NULL
             WHERE id = $2 AND state IN ('failed', 'cancelled')",
        )
        .bind(now)
        .bind(id)
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }

    /// Lines of a job's log after number `after`, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn job_log(&self, id: &str, after: i64, limit: u32) -> Result<Vec<LogRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM job_log WHERE job = $1 AND seq > $2 ORDER BY seq LIMIT $3")
            .bind(id)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                Ok(LogRow {
                    seq: row.try_get("seq")?,
                    at: row.try_get("at")?,
                    line_json: row.try_get("line_json")?,
                })
            })
            .collect()
    }
}
