//! Devices of projects: what is known of one that was once connected.

use crate::{Ledger, StoreError};
use sqlx::{Row, sqlite::SqliteRow};

/// A device of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// What it calls itself; one of the project has it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// What it can measure: the caller's.
    pub sensors_json: String,
    /// When it was first seen.
    pub created: i64,
    /// When it last said something.
    pub last_seen: i64,
}

fn device(row: &SqliteRow) -> Result<DeviceRow, StoreError> {
    Ok(DeviceRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        sensors_json: row.try_get("sensors_json")?,
        created: row.try_get("created")?,
        last_seen: row.try_get("last_seen")?,
    })
}

impl Ledger {
    /// Adds a device, or brings what it is, its sensors and the time up to date; its name stays. `false`: it would be one more than
    /// `most` of the project.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn put_device(&self, project: &str, row: &DeviceRow, most: u32) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO devices (project, id, name, kind, sensors_json, created, last_seen)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE (SELECT COUNT(*) FROM devices WHERE project = $1 AND id <> $2) < $8
             ON CONFLICT (project, id) DO UPDATE SET
                kind = excluded.kind, sensors_json = excluded.sensors_json, last_seen = excluded.last_seen",
        )
        .bind(project)
        .bind(&row.id)
        .bind(&row.name)
        .bind(&row.kind)
        .bind(&row.sensors_json)
        .bind(row.created)
        .bind(row.last_seen)
        .bind(i64::from(most))
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }

    /// A device.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn device(&self, project: &str, id: &str) -> Result<Option<DeviceRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM devices WHERE project = $1 AND id = $2")
            .bind(project)
            .bind(id)
            .fetch_optional(&mut inner.connection);
        inner.runtime.block_on(query)?.as_ref().map(device).transpose()
    }

    /// Devices of a project in order of name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_devices(&self, project: &str) -> Result<Vec<DeviceRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM devices WHERE project = $1 ORDER BY name, id")
            .bind(project)
            .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(device).collect()
    }

    /// Names a device. Whether there is one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn rename_device(&self, project: &str, id: &str, name: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("UPDATE devices SET name = $1 WHERE project = $2 AND id = $3")
            .bind(name)
            .bind(project)
            .bind(id)
            .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }

    /// Notes that a device said something.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn touch_device(&self, project: &str, id: &str, now: i64) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("UPDATE devices SET last_seen = $1 WHERE project = $2 AND id = $3")
            .bind(now)
            .bind(project)
            .bind(id)
            .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Forgets a device. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_device(&self, project: &str, id: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("DELETE FROM devices WHERE project = $1 AND id = $2")
            .bind(project)
            .bind(id)
            .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }
}
