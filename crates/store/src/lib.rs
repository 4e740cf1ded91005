//! Metadata on SQLite and blobs by content hash.
//!
//! A [`Store`] is one folder: `meta.sqlite` holds rows, `objects/<aa>/<sha256>` the bytes. Rows are rows: what their
//! JSON columns mean is the caller's business. Calls are synchronous; a `Store` may be shared between threads.
//!
//! An acknowledged write survives `kill -9` at any later moment: a blob is renamed into place only when it is whole,
//! and a row is committed in a transaction after the blobs it names.

mod blob;
mod edits;
mod error;
mod hash;
mod ledger;
mod ledger_devices;
mod ledger_hooks;
mod ledger_jobs;
mod ledger_users;
mod pages;
mod rows;
mod schema;
mod transaction;
mod versions;

pub use blob::BlobWriter;
pub use edits::{EditRow, GivenLabel};
pub use error::StoreError;
pub use hash::Hash;
pub use ledger::{KeyRow, Ledger, SessionRow, UserRow};
pub use ledger_devices::DeviceRow;
pub use ledger_hooks::{DeliveryRow, HookRow};
pub use ledger_jobs::{Claim, JobRow, LogRow, NewJob};
pub use pages::{Edit, LabelCount, SampleFilter};
pub use rows::{Added, NewSample, QuarantineRow, SampleRow};
pub use versions::VersionRow;

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// The store of one project.
pub struct Store {
    dir: PathBuf,
    inner: Mutex<Inner>,
    /// Held as long as the store is open: who builds stages holds `lock` alone, everybody shares `users`.
    _locks: Vec<File>,
}

struct Inner {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Store {
    /// Opens the store in `dir` to build stages, making it if needed. Waits up to ten seconds for another process that
    /// builds stages in it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when that process does not end in time, [`StoreError::Newer`] when a newer program wrote
    /// the store, [`StoreError::Io`] and [`StoreError::Database`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_as(dir, true)
    }

    /// Opens the store in `dir` to look at it, to add samples or to edit them, making it if needed. Others may do the same and one may
    /// build stages meanwhile: each change is one transaction, and objects never change.
    ///
    /// # Errors
    /// As for [`Store::open`], but for [`StoreError::Busy`].
    pub fn open_shared(dir: &Path) -> Result<Self, StoreError> {
        Self::open_as(dir, false)
    }

    fn open_as(dir: &Path, alone: bool) -> Result<Self, StoreError> {
        let objects = dir.join("objects");
        std::fs::create_dir_all(&objects).map_err(|e| StoreError::io(&objects, e))?;
        let mut locks = Vec::new();
        if alone {
            locks.push(lock(dir)?);
        }
        let users = lock_file(dir, "users")?;
        if alone && users.try_lock().is_ok() {
            blob::clear_leftovers(dir);
            users.unlock().map_err(|e| StoreError::io(dir, e))?;
        }
        users.lock_shared().map_err(|e| StoreError::io(dir, e))?;
        locks.push(users);
        let inner = Inner::open(dir, "meta.sqlite", schema::STEPS)?;
        Ok(Self { dir: dir.to_path_buf(), inner: Mutex::new(inner), _locks: locks })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held cannot leave a half-done transaction: SQLite rolls it back.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    /// Opens a database, making it if needed, and brings its tables to the newest version.
    fn open(dir: &Path, name: &str, steps: &[&[&'static str]]) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| StoreError::io(dir, e))?;
        let options = SqliteConnectOptions::new()
            .filename(dir.join(name))
            .create_if_missing(true)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            // NORMAL syncs at checkpoints: a killed process loses nothing, a power cut can lose the last
            // transactions but never corrupts. Every row can be made again from files and objects.
            .synchronous(sqlx::sqlite::SqliteSynchronous::Normal);
        let mut connection = runtime.block_on(SqliteConnection::connect_with(&options))?;
        runtime.block_on(schema::migrate(&mut connection, steps))?;
        Ok(Self { runtime, connection })
    }
}

fn lock_file(dir: &Path, name: &str) -> Result<File, StoreError> {
    let path = dir.join(name);
    File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| StoreError::io(&path, e))
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = lock_file(dir, "lock")?;
    let until = std::time::Instant::now() + BUSY;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if std::time::Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Busy { dir: dir.to_path_buf() });
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(StoreError::io(dir, e)),
        }
    }
}
