//! What a server remembers: users, sessions, keys. Secrets are only ever stored as digests.
//!
//! Times are milliseconds since 1970 and come from the caller.

use crate::{Inner, StoreError, schema, transaction::alone};
use sqlx::{Row, sqlite::SqliteRow};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

/// The database of one server, `server.sqlite`. Several processes may have it open.
pub struct Ledger {
    dir: PathBuf,
    inner: Mutex<Inner>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Id.
    pub id: String,
    /// Name to sign in with.
    pub name: String,
    /// Hash of the password; `None` until one is set.
    pub password: Option<String>,
    /// What the person may do: the caller's word.
    pub role: String,
    /// When it was made.
    pub created: i64,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of its secret.
    pub digest: String,
    /// What the browser says it is.
    pub agent: String,
    /// Who.
    pub user: UserRow,
    /// Since when.
    pub created: i64,
    /// Last request.
    pub last_used: i64,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Id: not secret.
    pub id: String,
    /// For people.
    pub name: String,
    /// `read`, `ingest` or `full`.
    pub scope: String,
    /// When it was made.
    pub created: i64,
    /// When it ends, if ever.
    pub expires: Option<i64>,
    /// Last request, if any.
    pub last_used: Option<i64>,
}

pub(crate) fn user(row: &SqliteRow) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        password: row.try_get("password")?,
        role: row.try_get("role")?,
        created: row.try_get("created")?,
    })
}

fn key(row: &SqliteRow) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scope: row.try_get("scope")?,
        created: row.try_get("created")?,
        expires: row.try_get("expires")?,
        last_used: row.try_get("last_used")?,
    })
}

impl Ledger {
    /// Opens the database in `dir`, making both if needed.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Io`] and [`StoreError::Database`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|e| StoreError::io(dir, e))?;
        let inner = Inner::open(dir, "server.sqlite", schema::LEDGER)?;
        Ok(Self { dir: dir.to_path_buf(), inner: Mutex::new(inner) })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held cannot leave a half-done transaction: SQLite rolls it back.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Remembers a setting.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// A setting that was remembered.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.map(|row| row.try_get("value")).transpose()?)
    }

    /// The user of that name; made with that id when there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn user_named(&self, name: &str, id: &str, now: i64) -> Result<UserRow, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            sqlx::query(
                "INSERT INTO users (id, name, password, created) VALUES ($1, $2, NULL, $3) ON CONFLICT (name) DO NOTHING",
            )
            .bind(id)
            .bind(name)
            .bind(now)
            .execute(&mut *connection)
            .await?;
            let row =
                sqlx::query("SELECT * FROM users WHERE name = $1").bind(name).fetch_one(&mut *connection).await?;
            user(&row)
        })
    }

    /// Sets the hash of a password and ends all other sessions of the user.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn set_password(&self, user: &str, hash: &str, keep_session: &str) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            sqlx::query("UPDATE users SET password = $1 WHERE id = $2")
                .bind(hash)
                .bind(user)
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND digest <> $2")
                .bind(user)
                .bind(keep_session)
                .execute(&mut *connection)
                .await?;
            sqlx::query("DELETE FROM tokens WHERE user_id = $1").bind(user).execute(&mut *connection).await?;
            Ok(())
        }))
    }

    /// Adds a token that signs in once. With `alone` those that the person had before are gone.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_token(&self, digest: &str, user: &str, expires: i64, alone: bool) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let Inner { runtime, connection, .. } = &mut *guard;
        runtime.block_on(self::alone(connection, async |connection| {
            if alone {
                sqlx::query("DELETE FROM tokens WHERE user_id = $1")
                    .bind(user)
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query("INSERT INTO tokens (digest, user_id, expires) VALUES ($1, $2, $3)")
                .bind(digest)
                .bind(user)
                .bind(expires)
                .execute(&mut *connection)
                .await?;
            Ok(())
        }))
    }

    /// Uses a token up. `None` when it was used, has expired or never was.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn take_token(&self, digest: &str, now: i64) -> Result<Option<UserRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            let taken =
                sqlx::query("DELETE FROM tokens WHERE digest = $1 AND expires > $2 RETURNING user_id")
                    .bind(digest)
                    .bind(now)
                    .fetch_optional(&mut *connection)
                    .await?;
            let Some(row) = taken else { return Ok(None) };
            let id: String = row.try_get("user_id")?;
            let row =
                sqlx::query("SELECT * FROM users WHERE id = $1").bind(id).fetch_one(&mut *connection).await?;
            user(&row).map(Some)
        })
    }

    /// Adds a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_session(&self, digest: &str, user: &str, agent: &str, now: i64) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO sessions (digest, user_id, created, last_used, agent) VALUES ($1, $2, $3, $3, $4)",
        )
        .bind(digest)
        .bind(user)
        .bind(now)
        .bind(agent)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Notes the last request of a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn touch_session(&self, digest: &str, now: i64) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("UPDATE sessions SET last_used = $1 WHERE digest = $2")
            .bind(now)
            .bind(digest)
            .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_session(&self, digest: &str) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query("DELETE FROM sessions WHERE digest = $1").bind(digest).execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_key(&self, digest: &str, row: &KeyRow) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO keys (id, digest, name, scope, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&row.id)
        .bind(digest)
        .bind(&row.name)
        .bind(&row.scope)
        .bind(row.created)
        .bind(row.expires)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// A key by its digest.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn key(&self, digest: &str) -> Result<Option<KeyRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM keys WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&mut inner.connection);
        inner.runtime.block_on(query)?.as_ref().map(key).transpose()
    }

    /// All keys, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query("SELECT * FROM keys ORDER BY created DESC, id").fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(key).collect()
    }

    /// Notes the last request with a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn touch_key(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("UPDATE keys SET last_used = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// Removes a key. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_key(&self, id: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("DELETE FROM keys WHERE id = $1").bind(id).execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() > 0)
    }
}
