//! Files of labels beside the data: what they say of each file.

use super::{
    annotations::{self, Annotations, Said},
    boxes,
    exported::Exported,
    import::File,
    ranges::{self, LabelRange},
    rules::{self, LabelRule},
};
use crate::EngineError;
use edgewright_sample::{boxes::Annotated, labels};
use std::{collections::BTreeMap, path::Path};

/// Entries of the `info.labels` files below an imported folder.
#[derive(Default)]
pub(super) struct Sidecar {
    pub found: bool,
    entries: BTreeMap<String, SidecarEntry>,
    /// What other programs wrote.
    pub annotations: Annotations,
    /// Entries of `info.labels` whose file is not there: the name of the entry, where the document lies, and the reason.
    pub astray: Vec<(String, std::path::PathBuf, String)>,
    /// Names of the entries whose file is there.
    pub met: Vec<String>,
}

#[derive(Default)]
pub(super) struct SidecarEntry {
    pub label: Option<String>,
    pub ranges: Vec<LabelRange>,
    pub boxes: Option<Said>,
    pub category: Option<String>,
    /// Facts.
    pub metadata: BTreeMap<String, String>,
    /// What an export of ours says of the samples of the file.
    pub exported: Option<Exported>,
}

/// The name below the imported folder of a file that a document in `folder` names; `None` outside of it.
fn below(root: &Path, folder: &str, named: &str) -> Option<String> {
    let named = named.replace('\\', "/");
    let relative = match named.starts_with('/') || named.get(1..3) == Some(":/") {
        false => format!("{folder}{named}"),
        true => {
            let root = std::path::absolute(root).ok()?;
            Path::new(&named).strip_prefix(root).ok()?.to_str()?.to_owned()
        }
    };
    let mut parts = Vec::new();
    for part in relative.split('/').filter(|p| !p.is_empty() && *p != ".") {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Sidecar {
    pub fn find(root: &Path, files: &[File], rule: &LabelRule) -> Result<Self, EngineError> {
        let mut sidecar = Self::default();
        if !matches!(rule, LabelRule::Auto | LabelRule::Sidecar) {
            return Ok(sidecar);
        }
        sidecar.annotations = annotations::find(files);
        // Pictures whose document cannot be read have no label; their folder is none.
        sidecar.found = !sidecar.annotations.of.is_empty() || !sidecar.annotations.broken.is_empty();
        let whole = root.is_dir();
        let root = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
        let mut folders: Vec<String> = vec![String::new()];
        for file in files {
            for (at, _) in file.name.match_indices('/') {
                folders.push(file.name[..=at].to_owned());
            }
        }
        folders.sort();
        folders.dedup();
        for folder in folders {
            sidecar.structured(root, &folder)?;
            sidecar.boxed(root, &folder)?;
            let path = root.join(&folder).join("info.labels");
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(EngineError::Io { path, source }),
            };
            let parsed = labels::parse_info_labels(&bytes)
                .map_err(|e| EngineError::Data(format!("{}: {}", path.display(), e.message)))?;
            sidecar.found = true;
            for entry in parsed {
                let told = format!("{folder}info.labels#{}", entry.path);
                let name = match below(root, &folder, &entry.path) {
                    Some(name) if !whole || root.join(&name).exists() => name,
                    Some(_) => {
                        let reason = format!("there is no file `{}`", entry.path.escape_debug());
                        sidecar.astray.push((told, path.clone(), reason));
                        continue;
                    }
                    None if !whole => continue,
                    None => {
                        let reason =
                            format!("`{}` lies outside the imported folder", entry.path.escape_debug());
                        sidecar.astray.push((told, path.clone(), reason));
                        continue;
                    }
                };
                sidecar.met.push(told);
                let mut parts = Vec::new();
                let said_label = entry.label.is_some();
                let label = match entry.label {
                    Some(labels::FileLabel::Label(label)) => Some(label),
                    Some(labels::FileLabel::MultiLabel(spans)) => {
                        parts = spans.into_iter().map(LabelRange::from).collect();
                        None
                    }
                    None => labels::label_from_name(rules::file_name(&entry.path), None),
                    Some(_) => None,
                };
                let category = entry.category.and_then(|c| match c {
                    labels::Category::Training | labels::Category::Validation => Some("training"),
                    labels::Category::Testing => Some("testing"),
                    labels::Category::Split => Some("split"),
                    labels::Category::PostProcessing => None,
                });
                // Exports of pictures with one label name no box either.
                let boxes =
                    entry.bounding_boxes.filter(|b| !b.is_empty() || label.is_none()).map(|boxes| Said {
                        annotated: Annotated { boxes, ..Annotated::default() },
                        document: format!("{folder}info.labels"),
                        path: path.clone(),
                    });
                let label = label.filter(|_| said_label || boxes.is_none());
                let exported = match entry.edgewright {
                    None => None,
                    Some(value) => Some(Exported::read(value).map_err(|e| {
                        EngineError::Data(format!("{}, file `{}`: {e}", path.display(), entry.path))
                    })?),
                };
                let there = sidecar.entries.remove(&name).and_then(|e| e.boxes);
                sidecar.entries.insert(
                    name,
                    SidecarEntry {
                        label,
                        ranges: parts,
                        boxes: boxes.or(there),
                        category: category.map(str::to_owned),
                        metadata: entry.metadata,
                        exported,
                    },
                );
            }
        }
        if matches!(rule, LabelRule::Sidecar) && !sidecar.found {
            return Err(EngineError::Data(format!(
                "no label file below {}: info.labels, structured_labels.labels, bounding_boxes.labels, or Pascal VOC, COCO or YOLO beside pictures\nhint: use --label-from folder or --label-from name",
                root.display()
            )));
        }
        Ok(sidecar)
    }

    /// Reads `bounding_boxes.labels` of a folder, if there is one.
    fn boxed(&mut self, root: &Path, folder: &str) -> Result<(), EngineError> {
        let path = root.join(folder).join("bounding_boxes.labels");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(EngineError::Io { path, source }),
        };
        let parsed =
            boxes::sidecar(&bytes).map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))?;
        self.found = true;
        for (file, annotated) in parsed {
            let said =
                Said { annotated, document: format!("{folder}bounding_boxes.labels"), path: path.clone() };
            let entry = self.entries.entry(format!("{folder}{file}")).or_default();
            entry.boxes = Some(said);
        }
        Ok(())
    }

    /// Reads `structured_labels.labels` of a folder, if there is one.
    fn structured(&mut self, root: &Path, folder: &str) -> Result<(), EngineError> {
        let path = root.join(folder).join("structured_labels.labels");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(EngineError::Io { path, source }),
        };
        let parsed =
            ranges::structured(&bytes).map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))?;
        self.found = true;
        for (file, ranges) in parsed {
            self.entries
                .insert(format!("{folder}{file}"), SidecarEntry { ranges, ..SidecarEntry::default() });
        }
        Ok(())
    }

    /// What is said of the boxes of a picture.
    pub fn boxes(&self, name: &str) -> Option<&Said> {
        self.entry(name).and_then(|e| e.boxes.as_ref()).or_else(|| self.annotations.of.get(name))
    }

    pub fn entry(&self, name: &str) -> Option<&SidecarEntry> {
        self.entries.get(name)
    }
}
