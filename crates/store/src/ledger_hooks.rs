//! Who is told when a job ends. What is to be sent is written by the change of the job itself, in its transaction: no way to end a job
//! goes past it, and nothing is there for a project that nobody made a hook for.

use crate::{Ledger, StoreError, transaction::alone};
use sqlx::{Row, sqlite::SqliteRow};

/// Deliveries that ended and are kept, of all hooks together.
const KEPT: i64 = 10_000;

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRow {
    /// Id.
    pub id: String,
    /// Project whose jobs are told of.
    pub project: String,
    /// Where to.
    pub url: String,
    /// Key of the signature: it must be known to sign, so it is no digest.
    pub secret: String,
    /// States that are told of, between commas and with one at each end: `,done,failed,`.
    pub events: String,
    /// When it was made.
    pub created: i64,
}

/// Something that is to be sent, is being sent or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Number: the same each time it is tried.
    pub id: i64,
    /// Hook.
    pub hook: String,
    /// Job.
    pub job: String,
    /// State in which the job ended.
    pub event: String,
    /// What is sent.
    pub body: String,
    /// When the job ended.
    pub created: i64,
    /// How often it was tried.
    pub attempt: i64,
    /// When it is tried again.
    pub due: i64,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// What came of the last attempt.
    pub answer: Option<String>,
}

fn hook(row: &SqliteRow) -> Result<HookRow, StoreError> {
    Ok(HookRow {
        id: row.try_get("id")?,
        project: row.try_get("project")?,
        url: row.try_get("url")?,
        secret: row.try_get("secret")?,
        events: row.try_get("events")?,
        created: row.try_get("created")?,
    })
}

fn delivery(row: &SqliteRow) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        id: row.try_get("id")?,
        hook: row.try_get("hook")?,
        job: row.try_get("job")?,
        event: row.try_get("event")?,
        body: row.try_get("body")?,
        created: row.try_get("created")?,
        attempt: row.try_get("attempt")?,
        due: row.try_get("due")?,
        state: row.try_get("state")?,
        answer: row.try_get("answer")?,
    })
}

impl Ledger {
    /// Adds a hook. `false`: it would be one more than `most` of the project.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_hook(&self, row: &HookRow, most: u32) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO hooks (id, project, url, secret, events, created) SELECT $1, $2, $3, $4, $5, $6
             WHERE (SELECT COUNT(*) FROM hooks WHERE project = $2) < $7",
        )
        .bind(&row.id)
        .bind(&row.project)
        .bind(&row.url)
        .bind(&row.secret)
        .bind(&row.events)
        .bind(row.created)
        .bind(i64::from(most))
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }

    /// Hooks of a project, the first that was made first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_hooks(&self, project: &str) -> Result<Vec<HookRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM hooks WHERE project = $1 ORDER BY created, rowid")
            .bind(project)
            .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(hook).collect()
    }

    /// Removes a hook with what was to be sent to it. Whether the project had it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_hook(&self, project: &str, id: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.runtime.block_on(alone(&mut inner.connection, async |connection| {
            let done = sqlx::query("DELETE FROM hooks WHERE project = $1 AND id = $2")
                .bind(project)
                .bind(id)
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM deliveries WHERE hook NOT IN (SELECT id FROM hooks)")
                .execute(&mut *connection)
                .await?;
            Ok(done.rows_affected() > 0)
        }))
    }

    /// The last deliveries of a hook, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_deliveries(&self, hook: &str, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM deliveries WHERE hook = $1 ORDER BY id DESC LIMIT $2")
            .bind(hook)
            .bind(i64::from(limit))
            .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(delivery).collect()
    }

    /// Takes the delivery that is due first, with its hook, and notes the attempt before anything is sent: whoever is killed while sending
    /// has tried. It is due again after `lease`. One that was tried `most` times has failed. As with jobs, nobody puts one off for longer
    /// than `longest`: one that is due later was written before the clock was set back.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn claim_delivery(
        &self,
        now: i64,
        lease: i64,
        longest: i64,
        most: i64,
    ) -> Result<Option<(DeliveryRow, HookRow)>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            // Most of the time nothing waits, and nobody has to be kept from writing to see that.
            let waits = sqlx::query("SELECT 1 FROM deliveries WHERE state = 'waiting' LIMIT 1")
                .fetch_optional(&mut *connection)
                .await?;
            if waits.is_none() {
                return Ok(None);
            }
            alone(connection, async |connection| {
                sqlx::query(
                    "UPDATE deliveries SET state = 'failed', answer = COALESCE(answer, 'the server ended while it was sent')
                     WHERE state = 'waiting' AND attempt >= $1 AND due <= $2",
                )
                .bind(most)
                .bind(now)
                .execute(&mut *connection)
                .await?;
                let row = sqlx::query(
                    "UPDATE deliveries SET attempt = attempt + 1, due = $1 WHERE id = (SELECT id FROM deliveries
                        WHERE state = 'waiting' AND attempt < $2 AND (due <= $3 OR due > $4) ORDER BY due, id LIMIT 1)
                     RETURNING *",
                )
                .bind(now + lease)
                .bind(most)
                .bind(now)
                .bind(now + longest)
                .fetch_optional(&mut *connection)
                .await?;
                let Some(row) = row else { return Ok(None) };
                let taken = delivery(&row)?;
                let row = sqlx::query("SELECT * FROM hooks WHERE id = $1")
                    .bind(&taken.hook)
                    .fetch_one(&mut *connection)
                    .await?;
                Ok(Some((taken, hook(&row)?)))
            })
            .await
        })
    }

    /// Notes what came of an attempt: `due` says when to try again, `None` that it was `sent` or has failed for good.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn end_delivery(
        &self,
        taken: &DeliveryRow,
        sent: bool,
        due: Option<i64>,
        answer: &str,
    ) -> Result<(), StoreError> {
        let state = match (sent, due) {
            (true, _) => "sent",
            (false, Some(_)) => "waiting",
            (false, None) => "failed",
        };
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.runtime.block_on(alone(&mut inner.connection, async |connection| {
            sqlx::query(
                "UPDATE deliveries SET state = $1, due = COALESCE($2, due), answer = $3
                 WHERE id = $4 AND attempt = $5 AND state = 'waiting'",
            )
            .bind(state)
            .bind(due)
            .bind(answer)
            .bind(taken.id)
            .bind(taken.attempt)
            .execute(&mut *connection)
            .await?;
            sqlx::query("DELETE FROM deliveries WHERE state <> 'waiting' AND id <= $1")
                .bind(taken.id - KEPT)
                .execute(&mut *connection)
                .await?;
            Ok(())
        }))
    }
}
