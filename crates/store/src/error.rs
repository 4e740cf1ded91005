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
    /// No room on the disk. Nothing that was acknowledged is lost.
    #[error("{}: the disk is full; free some space and run again, nothing is lost", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
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
    /// The database refused.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// Names the file of an I/O error, and a full disk for what it is.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull { path: path.to_path_buf() };
        }
        Self::Io { path: path.to_path_buf(), source }
    }
}
