//! WFDB records: a header, signal files and annotations that are one recording.

use super::import::File;
use edgewright_sample::wfdb;
use std::path::{Path, PathBuf};

/// Ending of headers.
const HEADER: &str = ".hea";
/// Ending of annotations.
const ANNOTATIONS: &str = ".atr";
/// Ending of what a record is called once its files are together.
const RECORD: &str = ".wfdb";

/// Puts the files of each record together under one name.
pub(super) fn together(mut files: Vec<File>) -> Vec<File> {
    for file in &mut files {
        let Some(stem) = file.name.strip_suffix(HEADER) else { continue };
        file.beside = beside(&file.path);
        file.name = format!("{stem}{RECORD}");
    }
    let taken: std::collections::BTreeSet<PathBuf> = files.iter().flat_map(|f| f.beside.clone()).collect();
    files.retain(|f| !taken.contains(&f.path));
    files
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
