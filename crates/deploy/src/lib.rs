//! Packages of emitted code.

use edgewright_compile::FileTree;
use std::io::{Cursor, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Why no package can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// There is no such kind of package.
    #[error("there is no package `{kind}`; there is {}", KINDS.join(", "))]
    Kind {
        /// What was asked for.
        kind: String,
    },
    /// The archive could not be written.
    #[error("archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// A file could not be put into the archive.
    #[error("archive: {0}")]
    Io(#[from] std::io::Error),
}

/// Kinds of packages.
pub const KINDS: &[&str] = &["c"];

/// Packs files. The same files give the same bytes: entries are in order of path, with one fixed time.
///
/// # Errors
/// [`DeployError`].
pub fn package(tree: &FileTree, kind: &str) -> Result<Vec<u8>, DeployError> {
    if !KINDS.contains(&kind) {
        return Err(DeployError::Kind { kind: kind.into() });
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in tree {
        zip.start_file(path.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let tree = FileTree::from([("b.c".to_owned(), vec![1; 3000]), ("a.h".to_owned(), b"x".to_vec())]);
        let first = package(&tree, "c").expect("packed");
        assert_eq!(first, package(&tree, "c").expect("packed"));
        assert_eq!(&first[..2], b"PK");
        assert!(package(&tree, "rar").is_err());
    }
}
