//! Why the store could not do what was asked.

use crate::Hash;
use std::path::{Path, PathBuf};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store open.
    #[error("{} is in use by another process; wait for it to end", dir.display())]
    Busy {
        /// Folder of the store.
        dir: PathBuf,
    },
    /// The store was written by a newer program.
    #[error("the store has schema {found}, this program knows up to {known}; use a newer edgewright")]
    Newer {
        /// Schema of the store.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// No room: the disk, a quota or a limit on file sizes. Nothing that was acknowledged is lost.
    #[error("{}: {source}; free some space or raise the limit and run again, nothing is lost", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An object is not there.
    #[error("object {hash} is missing from the store")]
    Missing {
        /// Its hash.
        hash: Hash,
    },
    /// The bytes of an object are not those of its name.
    #[error("object {hash} is damaged: its bytes have another hash; delete it and import again")]
    Damaged {
        /// Its hash.
        hash: Hash,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database could not be written: the disk is full, a limit on file sizes was met, or the disk fails. What was
    /// acknowledged before is kept.
    #[error(
        "the project's database (.edgewright/meta.sqlite) cannot be written: {reason}; \
         look for a full disk or a limit on file sizes (`df`, `ulimit -f`) and run again, nothing is lost"
    )]
    DatabaseUnwritable {
        /// What the database said.
        reason: String,
    },
    /// The database refused.
    #[error("database: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        /// SQLite's primary codes for a failed read or write, a full disk, a file that cannot be opened.
        const UNWRITABLE: [i64; 3] = [10, 13, 14];
        if let sqlx::Error::Database(e) = &error
            && let Some(code) = e.code().and_then(|c| c.parse::<i64>().ok())
            && UNWRITABLE.contains(&(code & 0xff))
        {
            return Self::DatabaseUnwritable { reason: e.message().to_owned() };
        }
        Self::Database(error)
    }
}

impl StoreError {
    /// Names the file of an I/O error, and a full disk for what it is.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            return Self::DiskFull { path: path.to_path_buf(), source };
        }
        Self::Io { path: path.to_path_buf(), source }
    }
}
