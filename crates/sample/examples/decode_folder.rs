//! Decodes every file below a folder and prints counts per sub-folder, findings and errors.
//!
//! Usage: `cargo run -p edgewright-sample --example decode_folder -- FOLDER`
#![allow(clippy::print_stdout)]

use edgewright_sample::{DecodeOptions, decode, detect, labels};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Default)]
struct Counts {
    files: usize,
    samples: usize,
    values: usize,
    errors: BTreeMap<String, (usize, String)>,
    findings: BTreeMap<String, (usize, String)>,
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out)? } else { out.push(path) }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::args().nth(1).ok_or("usage: decode_folder FOLDER")?);
    let mut paths = Vec::new();
    files(&root, &mut paths)?;
    let mut folders: BTreeMap<String, Counts> = BTreeMap::new();
    for path in paths {
        let inner = path.strip_prefix(&root)?;
        let folder = inner.components().next().filter(|_| inner.components().count() > 1);
        let counts = folders
            .entry(folder.map_or(".".into(), |c| c.as_os_str().to_string_lossy().into_owned()))
            .or_default();
        counts.files += 1;
        let name = inner.to_string_lossy();
        let bytes = std::fs::read(&path)?;
        let note = |map: &mut BTreeMap<String, (usize, String)>, kind: &str, message: &str| {
            map.entry(kind.into()).or_insert_with(|| (0, format!("{name}: {message}"))).0 += 1;
        };
        if name.ends_with("info.labels") {
            match labels::parse_info_labels(&bytes) {
                Ok(files) => note(&mut counts.findings, "info.labels", &format!("{} entries", files.len())),
                Err(error) => note(&mut counts.errors, error.kind, &error.message),
            }
            continue;
        }
        let format = detect(&name, &bytes).map_or("?", |f| f.name());
        match decode(&name, &bytes, &DecodeOptions::default()) {
            Ok(samples) => {
                counts.samples += samples.len();
                for sample in samples {
                    if let edgewright_sample::Content::Signal(signal) = &sample.content {
                        counts.values += signal.values.len();
                        let axes: Vec<String> =
                            signal.axes.iter().map(|a| format!("{}[{}]", a.name, a.units)).collect();
                        let shape = format!("{format} {} Hz {}", signal.rate_hz, axes.join(" "));
                        note(&mut counts.findings, &shape, &format!("{} frames", signal.frames()));
                    }
                    for finding in &sample.findings {
                        note(&mut counts.findings, &finding.kind, &finding.message);
                    }
                }
            }
            Err(error) => note(&mut counts.errors, error.kind, &error.message),
        }
    }
    for (folder, counts) in folders {
        println!("{folder}: {} files, {} samples, {} values", counts.files, counts.samples, counts.values);
        for (what, map) in [("error", counts.errors), ("note", counts.findings)] {
            for (kind, (count, first)) in map {
                println!("  {what} {kind} x{count}, first {first}");
            }
        }
    }
    Ok(())
}
