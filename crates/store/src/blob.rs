//! Objects by content hash: written aside, then renamed into place.

use crate::{Hash, Store, StoreError};
use sha2::{Digest, Sha256};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Prefix of files that are still being written.
const PARTIAL: &str = ".part-";

/// Writes an object piece by piece. Nothing remains of it unless [`BlobWriter::finish`] is called.
pub struct BlobWriter {
    file: std::io::BufWriter<NamedTempFile>,
    hasher: Sha256,
    objects: PathBuf,
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl BlobWriter {
    /// Puts the object in its place and returns its hash. An object that is there already is left as it is.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and [`StoreError::Io`]; then nothing is left behind.
    pub fn finish(self) -> Result<Hash, StoreError> {
        let hash = Hash::from_bytes(self.hasher.finalize().into());
        let path = path_of(&self.objects, &hash);
        let io = |e: std::io::Error| StoreError::io(&path, e);
        let file = self.file.into_inner().map_err(|e| io(e.into_error()))?;
        if path.exists() {
            return Ok(hash);
        }
        // Without this a power cut could leave a name without bytes.
        file.as_file().sync_data().map_err(io)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        file.persist(&path).map_err(|e| io(e.error))?;
        Ok(hash)
    }
}

/// Objects that wait for the disk at the same time.
const WRITERS: usize = 16;

fn path_of(objects: &Path, hash: &Hash) -> PathBuf {
    let name = hash.to_string();
    objects.join(&name[..2]).join(&name)
}

/// Removes what a killed process was writing. The caller holds the lock, so nobody is writing now.
pub(crate) fn clear_leftovers(dir: &Path) {
    let Ok(entries) = dir.join("objects").read_dir() else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            // A leftover that cannot be removed only takes room; the next opening tries again.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl Store {
    /// Begins an object.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and [`StoreError::Io`].
    pub fn blob_writer(&self) -> Result<BlobWriter, StoreError> {
        let objects = self.dir.join("objects");
        let file = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempfile_in(&objects)
            .map_err(|e| StoreError::io(&objects, e))?;
        Ok(BlobWriter {
            file: std::io::BufWriter::with_capacity(1 << 16, file),
            hasher: Sha256::new(),
            objects,
        })
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] and [`StoreError::Io`].
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Hash, StoreError> {
        let hash = Hash::of(bytes);
        let path = self.blob_path(&hash);
        if path.exists() {
            return Ok(hash);
        }
        let mut writer = self.blob_writer()?;
        writer.write_all(bytes).map_err(|e| StoreError::io(&path, e))?;
        writer.finish()
    }

    /// Stores several, side by side: each waits until the disk has it, and a disk takes what waits at the same time together.
    ///
    /// # Errors
    /// Those of [`Store::put_blob`]: the first in order. Others may be stored all the same.
    pub fn put_blobs(&self, all: &[&[u8]]) -> Result<Vec<Hash>, StoreError> {
        let writers = all.len().min(WRITERS);
        std::thread::scope(|scope| {
            let each: Vec<_> = (0..writers)
                .map(|first| {
                    let mine = all.iter().skip(first).step_by(writers);
                    scope.spawn(move || mine.map(|bytes| self.put_blob(bytes)).collect::<Vec<_>>())
                })
                .collect();
            let mut each: Vec<_> = each
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).into_iter())
                .collect();
            (0..all.len()).filter_map(|i| each[i % writers].next()).collect()
        })
    }

    /// Reads an object and checks that its bytes are those of its name.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Damaged`] and [`StoreError::Io`].
    pub fn get_blob(&self, hash: &Hash) -> Result<Vec<u8>, StoreError> {
        let path = self.blob_path(hash);
        let mut bytes = Vec::new();
        match std::fs::File::open(&path) {
            Ok(mut file) => file.read_to_end(&mut bytes).map_err(|e| StoreError::io(&path, e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { hash: *hash });
            }
            Err(e) => return Err(StoreError::io(&path, e)),
        };
        if Hash::of(&bytes) != *hash {
            return Err(StoreError::Damaged { hash: *hash });
        }
        Ok(bytes)
    }

    /// Where an object lies, for readers of parts of it.
    pub fn blob_path(&self, hash: &Hash) -> PathBuf {
        path_of(&self.dir.join("objects"), hash)
    }

    /// Whether an object is there.
    pub fn has_blob(&self, hash: &Hash) -> bool {
        self.blob_path(hash).is_file()
    }
}
