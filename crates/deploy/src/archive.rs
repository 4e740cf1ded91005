//! Files in one file.

use crate::DeployError;
use edgewright_compile::FileTree;
use std::io::{Cursor, Seek, Write};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Packs files. The same files give the same bytes: entries are in order of path, with one fixed time; programs
/// may be executed.
///
/// # Errors
/// [`DeployError`].
pub fn zip(tree: &FileTree) -> Result<Vec<u8>, DeployError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in tree {
        let mode = if bytes.starts_with(b"\x7fELF") { 0o755 } else { 0o644 };
        zip.start_file(path.as_str(), options.unix_permissions(mode))?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Files in one file, written as they come: no more than one of them is in memory. The same files in the same order give the same bytes.
pub struct Archive<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Archive<W> {
    /// An empty one.
    pub fn new(to: W) -> Self {
        Self(ZipWriter::new(to))
    }

    /// Adds a file. A path can be added once.
    ///
    /// # Errors
    /// [`DeployError`].
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), DeployError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.0.start_file(path, options)?;
        Ok(self.0.write_all(bytes)?)
    }

    /// Writes the list of what is in it.
    ///
    /// # Errors
    /// [`DeployError`].
    pub fn finish(self) -> Result<W, DeployError> {
        Ok(self.0.finish()?)
    }
}

/// Bytes that DEFLATE packs some bytes into, without the frame of an archive.
///
/// # Errors
/// [`DeployError`].
pub fn deflated_len(bytes: &[u8]) -> Result<u64, DeployError> {
    let packed = zip(&FileTree::from([("weights".to_owned(), bytes.to_vec())]))?;
    Ok(ZipArchive::new(Cursor::new(packed))?.by_index(0)?.compressed_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let tree = FileTree::from([("b.c".to_owned(), vec![1; 3000]), ("a.h".to_owned(), b"x".to_vec())]);
        let first = zip(&tree).expect("packed");
        assert_eq!(first, zip(&tree).expect("packed"));
        assert_eq!(&first[..2], b"PK");
    }

    #[test]
    fn what_is_written_as_it_comes_reads_back() {
        let mut archive = Archive::new(Cursor::new(Vec::new()));
        archive.add("b/one.wav", &[7; 70_000]).expect("added");
        archive.add("a.labels", b"{}").expect("added");
        assert!(archive.add("a.labels", b"again").is_err());
        let bytes = archive.finish().expect("finished").into_inner();
        let mut read = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
        let names: Vec<String> = read.file_names().map(|n| n.expect("a name").into_owned()).collect();
        assert_eq!(names, ["b/one.wav", "a.labels"]);
        let mut back = Vec::new();
        std::io::Read::read_to_end(&mut read.by_index(0).expect("there"), &mut back).expect("read");
        assert_eq!(back, [7; 70_000]);
    }

    #[test]
    fn what_repeats_packs_and_what_does_not_does_not() {
        assert!(deflated_len(&[7; 5000]).expect("packed") < 60);
        let mut state = 1u32;
        let noise: Vec<u8> = (0..5000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        assert!((4900..5100).contains(&deflated_len(&noise).expect("packed")));
    }
}
