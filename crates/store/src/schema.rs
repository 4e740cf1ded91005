//! The tables, as steps that only ever go forward. The text is plain enough for Postgres as well.

use crate::StoreError;
use sqlx::{Connection, Row, SqliteConnection};

/// One entry a version; never edited once released, only added to.
const STEPS: &[&[&str]] = &[&[
    "CREATE TABLE samples (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, label TEXT, category TEXT NOT NULL, group_key TEXT,
        blob TEXT NOT NULL, index_in_file BIGINT NOT NULL, format TEXT NOT NULL, source TEXT NOT NULL,
        metadata_json TEXT NOT NULL, disabled BIGINT NOT NULL, UNIQUE (source, name, blob, index_in_file))",
    "CREATE TABLE quarantine (
        source TEXT NOT NULL, name TEXT NOT NULL, blob TEXT, kind TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (source, name))",
    "CREATE TABLE derived (key TEXT PRIMARY KEY, output TEXT NOT NULL)",
    "CREATE TABLE stages (
        name TEXT NOT NULL, key TEXT NOT NULL, output TEXT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        notes_json TEXT NOT NULL, PRIMARY KEY (name, key))",
]];

/// Brings the tables to the newest version.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")
        .fetch_one(&mut *connection)
        .await?;
    let found: i64 = row.try_get("version")?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (i, step) in STEPS.iter().enumerate().skip(found as usize) {
        let mut transaction = connection.begin().await?;
        for statement in *step {
            sqlx::query(*statement).execute(&mut *transaction).await?;
        }
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(i as i64 + 1)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}
