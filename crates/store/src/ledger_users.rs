//! People of a server and the browsers in which they are signed in.

use crate::{Inner, Ledger, SessionRow, StoreError, UserRow, ledger::user, transaction::alone};
use sqlx::{Row, sqlite::SqliteRow};

macro_rules! sessions {
    ($which:literal) => {
        concat!(
            "SELECT sessions.digest, sessions.agent, sessions.created AS began, sessions.last_used, users.*
             FROM sessions JOIN users ON users.id = sessions.user_id WHERE ",
            $which
        )
    };
}

fn session(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        digest: row.try_get("digest")?,
        agent: row.try_get("agent")?,
        user: user(row)?,
        created: row.try_get("began")?,
        last_used: row.try_get("last_used")?,
    })
}

impl Ledger {
    /// Adds a person. `false`: that name is taken.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_user(&self, row: &UserRow) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO users (id, name, password, created, role) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.name)
        .bind(&row.password)
        .bind(row.created)
        .bind(&row.role)
        .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() == 1)
    }

    /// Everybody, the first made first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_users(&self) -> Result<Vec<UserRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM users ORDER BY created, id").fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(user).collect()
    }

    /// Sets what a person may do. `false`: there is none of that id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn set_role(&self, id: &str, role: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("UPDATE users SET role = $1 WHERE id = $2")
            .bind(role)
            .bind(id)
            .execute(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.rows_affected() == 1)
    }

    /// Removes a person with sessions and links. `false`: there is none of that id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_user(&self, id: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let Inner { runtime, connection, .. } = &mut *guard;
        runtime.block_on(alone(connection, async |connection| {
            for statement in
                ["DELETE FROM sessions WHERE user_id = $1", "DELETE FROM tokens WHERE user_id = $1"]
            {
                sqlx::query(statement).bind(id).execute(&mut *connection).await?;
            }
            let gone =
                sqlx::query("DELETE FROM users WHERE id = $1").bind(id).execute(&mut *connection).await?;
            Ok(gone.rows_affected() == 1)
        }))
    }

    /// A session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn session(&self, digest: &str) -> Result<Option<SessionRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query(sessions!("sessions.digest = $1")).bind(digest).fetch_optional(&mut inner.connection);
        inner.runtime.block_on(query)?.as_ref().map(session).transpose()
    }

    /// Sessions of a person, the last used first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn sessions_of(&self, user: &str) -> Result<Vec<SessionRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(sessions!("users.id = $1 ORDER BY sessions.last_used DESC, sessions.digest"))
            .bind(user)
            .fetch_all(&mut inner.connection);
        inner.runtime.block_on(query)?.iter().map(session).collect()
    }
}
