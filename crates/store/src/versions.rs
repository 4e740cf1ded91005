//! What was trained in a project: the text of its file, and what came of it.

use crate::{Store, StoreError};
use sqlx::{Row, sqlite::SqliteRow};

/// A state of a project that was trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// Hash of the text and of what was trained with it.
    pub id: String,
    /// When it was first trained, in milliseconds since 1970.
    pub created: i64,
    /// When it was last run.
    pub last_run: i64,
    /// Number of stages that the run with the most had.
    pub stages: i64,
    /// The text of the project file.
    pub file: String,
    /// What that run came to: the caller's.
    pub outcome_json: String,
}

fn version(row: &SqliteRow) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        id: row.try_get("id")?,
        created: row.try_get("created")?,
        last_run: row.try_get("last_run")?,
        stages: row.try_get("stages")?,
        file: row.try_get("file")?,
        outcome_json: row.try_get("outcome_json")?,
    })
}

impl Store {
    /// Adds a version. Of one that is there the time of the last run changes, and what came of it unless an earlier run went further.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn put_version(&self, row: &VersionRow) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO versions (id, created, last_run, stages, file, outcome_json) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET last_run = excluded.last_run,
                outcome_json = CASE WHEN excluded.stages >= versions.stages THEN excluded.outcome_json ELSE versions.outcome_json END,
                stages = MAX(excluded.stages, versions.stages)",
        )
        .bind(&row.id)
        .bind(row.created)
        .bind(row.last_run)
        .bind(row.stages)
        .bind(&row.file)
        .bind(&row.outcome_json)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// All versions, the last run first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_versions(&self) -> Result<Vec<VersionRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM versions ORDER BY last_run DESC, created DESC, id")
            .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(version).collect()
    }
}
