//! Records of the WFDB library, as PhysioNet publishes them: a header, signal files, annotations.
//!
//! A record is several files. They travel as one, an archive of [`pack`] (or of any `tar`) that holds each as it was received.

mod annotations;
mod archive;
mod header;
mod signals;

use crate::{Content, Decoded, Finding, Limits, SampleError, Signal, labels::Span};
pub use annotations::PACED;
pub use archive::pack;
use header::Header;
use std::collections::BTreeMap;

/// Ending of the file with the annotations of a record.
const ANNOTATIONS: &str = "atr";

fn error(kind: &'static str, message: String) -> SampleError {
    SampleError::new(kind, format!("WFDB: {message}"))
}

/// Names of the signal files that a header asks for, each once, in order; they lie beside it.
///
/// # Errors
/// `wfdb_header` with the line that is wrong.
pub fn signal_files(name: &str, header: &[u8]) -> Result<Vec<String>, SampleError> {
    let header = Header::parse(name, header)?;
    let mut files: Vec<String> = Vec::new();
    for signal in header.signals {
        if !files.contains(&signal.file) {
            files.push(signal.file);
        }
    }
    Ok(files)
}

/// Whether these are the bytes of an archive.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Decodes a record out of its archive: signals in physical units, annotations as spans of one frame.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, SampleError> {
    if !is_archive(bytes) {
        let message = "a header alone says nothing; its signal files must come with it: import the folder, or the `.hea` file with the others beside it";
        return Err(error("wfdb_alone", message.into()));
    }
    let files = archive::read(bytes)?;
    let mut headers = files.iter().filter(|f| ending(f.name) == Some("hea"));
    let (Some(head), None) = (headers.next(), headers.next()) else {
        let names: Vec<&str> = files.iter().map(|f| f.name).collect();
        let message = format!(
            "an archive of one record holds one `.hea` file; this one holds {}",
            if names.is_empty() { "no file".to_owned() } else { names.join(", ") }
        );
        return Err(error("wfdb_archive", message));
    };
    let header = Header::parse(head.name, head.bytes)?;
    let mut findings = Vec::new();
    let (axes, values) = signals::read(&header, head.name, &files, limits, &mut findings)?;
    let frames = values.len() / axes.len();
    let stem = head.name.strip_suffix(".hea").unwrap_or(head.name);
    let beside = files.iter().find(|f| f.name.strip_suffix(ANNOTATIONS) == Some(&format!("{stem}.")));
    let spans = match beside {
        Some(file) => annotations::read(file.name, file.bytes, header.rate_hz, frames, &mut findings)?,
        None => Vec::new(),
    };
    let mut metadata = BTreeMap::from([("record".to_owned(), header.name.clone())]);
    if !header.notes.is_empty() {
        metadata.insert("notes".into(), header.notes.join(" / "));
    }
    Ok(Decoded {
        content: Content::Signal(Signal { rate_hz: header.rate_hz, axes, values }),
        label: None,
        group: None,
        spans,
        metadata,
        findings,
    })
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, e)| e)
}

fn remark(findings: &mut Vec<Finding>, kind: &str, message: String) {
    findings.push(Finding { kind: kind.into(), message });
}

/// A span of one frame.
fn event(frame: usize, label: &str, more: BTreeMap<String, String>) -> Span {
    Span { start: frame, end: frame, label: label.to_owned(), label_map: more }
}
