//! WFDB records: a header, signal files and annotations that are one recording.

use super::import::File;
use edgewright_sample::wfdb;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// Ending of headers.
const HEADER: &str = ".hea";
/// Ending of signals.
const SIGNALS: &str = ".dat";
/// Ending of annotations.
const ANNOTATIONS: &str = ".atr";
/// Ending of what a record is called once its files are together.
const RECORD: &str = ".wfdb";

/// Bytes at the beginning of a file that tell its format.
const BEGINNING: u64 = 512;

/// Puts the files of each record together under one name. What belongs to a header is no file of its own any more, unless it can be imported
/// without the header: nobody loses a recording because a header names it.
pub(super) fn together(mut files: Vec<File>) -> Vec<File> {
    for file in &mut files {
        let Some(stem) = file.name.strip_suffix(HEADER) else { continue };
        file.beside = beside(&file.path);
        file.name = format!("{stem}{RECORD}");
    }
    let named = files.iter().flat_map(|f| f.beside.clone());
    let taken: std::collections::BTreeSet<PathBuf> = named.filter(|path| !stands_alone(path)).collect();
    files.retain(|f| !taken.contains(&f.path));
    files
}

/// Whether a file that a header names is a recording by itself. Files of signals and annotations never are, whatever bytes they begin with.
fn stands_alone(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if name.ends_with(SIGNALS) || name.ends_with(ANNOTATIONS) {
        return false;
    }
    let mut beginning = Vec::new();
    // What cannot be read is told where it is imported; here its name decides.
    let _ = std::fs::File::open(path).and_then(|f| f.take(BEGINNING).read_to_end(&mut beginning));
    edgewright_sample::detect(&name, &beginning).is_some()
}

/// What belongs to a header and is there. A header that cannot be read has nothing: its record tells why.
fn beside(header: &Path) -> Vec<PathBuf> {
    let Ok(bytes) = std::fs::read(header) else { return Vec::new() };
    let name = header.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut names = wfdb::signal_files(&name, &bytes).unwrap_or_default();
    names.extend(name.strip_suffix(HEADER).map(|stem| format!("{stem}{ANNOTATIONS}")));
    names.iter().map(|n| header.with_file_name(n)).filter(|p| p.is_file()).collect()
}

/// The bytes of a file and the name under which they are decoded: of a header, those of its whole record.
///
/// # Errors
/// The system's when a file cannot be read, and for names that are too long to be kept.
pub(crate) fn read(path: &Path) -> std::io::Result<(String, Vec<u8>)> {
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = std::fs::read(path)?;
    let own = name(path);
    let Some(stem) = own.strip_suffix(HEADER) else { return Ok((own, bytes)) };
    let parts = beside(path)
        .into_iter()
        .map(|p| std::fs::read(&p).map(|bytes| (name(&p), bytes)))
        .collect::<std::io::Result<Vec<_>>>()?;
    let files: Vec<(&str, &[u8])> = std::iter::once((own.as_str(), bytes.as_slice()))
        .chain(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
        .collect();
    let packed = wfdb::pack(&files).map_err(|e| std::io::Error::other(e.message))?;
    Ok((format!("{stem}{RECORD}"), packed))
}

#[cfg(test)]
mod tests {
    use crate::dataset::import::walk;

    #[test]
    fn a_header_takes_only_what_is_nothing_without_it() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, bytes) in [
            // Signals of values, of a table and of a sound under a strange name.
            ("a.hea", &b"a 4 100\na.dat 16\nb.csv 16\nc.bin 16\nd.d16 16\n"[..]),
            ("a.dat", &[0xFF, 0xD8, 0xFF, 0]),
            ("a.atr", &[0, 0]),
            ("b.csv", b"x\n1\n"),
            ("c.bin", b"RIFF\0\0\0\0WAVE"),
            ("d.d16", &[0, 0]),
            // One that names another header, one that names itself.
            ("e.hea", b"e 1 100\na.hea 16\n"),
            ("f.hea", b"f 1 100\nf.hea 16\n"),
        ] {
            std::fs::write(dir.path().join(name), bytes).expect("written");
        }
        let files = walk(dir.path()).expect("a folder").files;
        let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["a.wfdb", "b.csv", "c.bin", "e.wfdb", "f.wfdb"]);
        assert_eq!(files[0].beside.len(), 5);
    }
}
