//! Metadata on SQLite and blobs by content hash.
//!
//! A [`Store`] is one folder: `meta.sqlite` holds rows, `objects/<aa>/<sha256>` the bytes. Rows are rows: what their
//! JSON columns mean is the caller's business. Calls are synchronous; a `Store` may be shared between threads.
//!
//! An acknowledged write survives `kill -9` at any later moment: a blob is renamed into place only when it is whole,
//! and a row is committed in a transaction after the blobs it names.

mod blob;
mod error;
mod hash;
mod rows;
mod schema;

pub use blob::BlobWriter;
pub use error::StoreError;
pub use hash::Hash;
pub use rows::{Added, NewSample, QuarantineRow, SampleRow};

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
    /// Held as long as the store is open, so that two processes do not build the same stages at once.
    _lock: File,
}

struct Inner {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Store {
    /// Opens the store in `dir`, making it if needed. Waits up to ten seconds for another process that has it open.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when that process does not end in time, [`StoreError::Newer`] when a newer program wrote
    /// the store, [`StoreError::Io`] and [`StoreError::Database`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let objects = dir.join("objects");
        std::fs::create_dir_all(&objects).map_err(|e| StoreError::io(&objects, e))?;
        let lock = lock(dir)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| StoreError::io(dir, e))?;
        let path = dir.join("meta.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            // NORMAL syncs at checkpoints: a killed process loses nothing, a power cut can lose the last
            // transactions but never corrupts. Every row can be made again from files and objects.
            .synchronous(sqlx::sqlite::SqliteSynchronous::Normal);
        let mut connection = runtime.block_on(SqliteConnection::connect_with(&options))?;
        runtime.block_on(schema::migrate(&mut connection))?;
        blob::clear_leftovers(dir);
        Ok(Self { dir: dir.to_path_buf(), inner: Mutex::new(Inner { runtime, connection }), _lock: lock })
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

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| StoreError::io(&path, e))?;
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
            Err(std::fs::TryLockError::Error(e)) => return Err(StoreError::io(&path, e)),
        }
    }
}
