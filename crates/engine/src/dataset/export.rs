//! Everything out of a project, so that it can be imported again.

use super::{
    LabelRange, boxes,
    exported::{Exported, ExportedSample},
    info, ranges,
};
use crate::{EngineError, error::AtPath, session::Session};
use edgewright_deploy::{Archive, DeployError};
use edgewright_store::SampleRow;
use std::{collections::BTreeMap, path::Path};

/// Samples of one file.
struct Group<'a> {
    /// Below the folder of the category.
    name: String,
    /// In order of their place in the file.
    rows: Vec<&'a SampleRow>,
}

/// Writes all files as received, and an `info.labels` that imports them again: the same samples with their labels, categories, groups and
/// facts, also where a file holds many. Other programs read of it what the format knows. Returns the number of files.
///
/// # Errors
/// [`EngineError::Usage`] when the folder is not empty, else [`EngineError::Io`].
pub fn export(session: &Session<'_>, out: &Path) -> Result<usize, EngineError> {
    if out.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(EngineError::Usage(format!("{} is not empty", out.display())));
    }
    std::fs::create_dir_all(out).at(out)?;
    each(session, &mut |name, bytes| {
        let path = out.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).at(parent)?;
        }
        std::fs::write(&path, bytes).at(&path)
    })
}

/// The same as one ZIP file, which is there whole or not at all.
///
/// # Errors
/// [`EngineError::Io`], [`EngineError::Cancelled`].
pub fn export_archive(session: &Session<'_>, path: &Path) -> Result<usize, EngineError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).at(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).at(folder)?;
    let mut archive = Archive::new(std::io::BufWriter::new(file.as_file_mut()));
    let count =
        each(session, &mut |name, bytes| archive.add(name, bytes).map_err(DeployError::into_io).at(path))?;
    let out = archive.finish().map_err(DeployError::into_io).at(path)?;
    out.into_inner().map_err(|e| e.into_error()).at(path)?;
    file.as_file().sync_all().at(path)?;
    file.persist(path).map_err(|e| e.error).at(path)?;
    Ok(count)
}

/// Takes a file with its path below the folder of the export.
type Put<'p> = dyn FnMut(&str, &[u8]) -> Result<(), EngineError> + 'p;

/// Gives every file with its path below the folder of the export, `info.labels` last.
fn each(session: &Session<'_>, put: &mut Put<'_>) -> Result<usize, EngineError> {
    let mut rows = session.store.list_samples()?;
    // Those of one file beside each other.
    let place = |r: &SampleRow| (r.name.clone(), r.blob, r.source.clone(), r.index_in_file, r.id.clone());
    rows.sort_by_cached_key(place);
    let groups = groups(&rows);
    let mut list = Vec::new();
    for (n, group) in groups.iter().enumerate() {
        session.progress("export", n as u64, groups.len() as u64, "files")?;
        let first = group.rows[0];
        let alike = group.rows.iter().all(|r| r.category == first.category);
        let category = if alike { first.category.as_str() } else { "split" };
        put(&format!("{category}/{}", group.name), &session.store.get_blob(&first.blob)?)?;
        list.push(entry(group, category)?);
    }
    let text = serde_json::to_string_pretty(&serde_json::json!({"version": 1, "files": list}))
        .map_err(|e| EngineError::Internal(e.to_string()))?;
    put("info.labels", text.as_bytes())?;
    Ok(list.len())
}

/// The files to write. Names come from folders the user chose, but two imports may have brought the same name; then the second has its
/// own folder.
fn groups(rows: &[SampleRow]) -> Vec<Group<'_>> {
    let mut taken = std::collections::BTreeSet::new();
    let mut out: Vec<Group<'_>> = Vec::new();
    for row in rows {
        if let Some(last) = out.last_mut()
            && let Some(before) = last.rows.last()
            && (&before.name, &before.blob, &before.source) == (&row.name, &row.blob, &row.source)
            && before.index_in_file < row.index_in_file
        {
            last.rows.push(row);
            continue;
        }
        let mut name = safe_path(&row.name);
        // Case does not tell files apart everywhere.
        if !taken.insert(name.to_lowercase()) {
            name = format!("{}/{name}", row.id);
            taken.insert(name.to_lowercase());
        }
        out.push(Group { name, rows: vec![row] });
    }
    out
}

/// The entry of a file in `info.labels`.
fn entry(group: &Group<'_>, category: &str) -> Result<serde_json::Value, EngineError> {
    let first = group.rows[0];
    let mut samples = Vec::with_capacity(group.rows.len());
    let mut shared: Option<BTreeMap<String, String>> = None;
    let mut reading = None;
    for row in &group.rows {
        let facts = info(row)?;
        match &mut shared {
            None => shared = Some(facts.metadata.clone()),
            Some(shared) => shared.retain(|key, value| facts.metadata.get(key) == Some(value)),
        }
        samples.push(ExportedSample {
            index: row.index_in_file.max(0) as usize,
            label: row.label.clone(),
            ranges: ranges::of_row(row)?,
            category: row.category.clone(),
            group: row.group.clone(),
            metadata: facts.metadata,
            disabled: row.disabled,
        });
        reading.get_or_insert(facts.reading);
    }
    let shared = shared.unwrap_or_default();
    for sample in &mut samples {
        sample.metadata.retain(|key, _| !shared.contains_key(key));
    }
    let same = samples.iter().all(|s| (&s.label, &s.ranges) == (&samples[0].label, &samples[0].ranges));
    // A label of some of its samples is none of the file.
    let label = match (&samples[0].label, samples[0].ranges.as_slice()) {
        (Some(label), _) if same => serde_json::json!({"type": "label", "label": label}),
        (None, parts) if same && !parts.is_empty() => {
            serde_json::json!({"type": "multi-label", "labels": spans(parts)})
        }
        _ => serde_json::json!({"type": "unlabeled"}),
    };
    let mut entry = serde_json::json!({
        "path": format!("{category}/{}", group.name), "category": category, "label": label,
        "metadata": shared, "sha256": first.blob.to_string(),
    });
    if let Some(boxes) = boxes::of_row(first)? {
        entry["boundingBoxes"] = serde_json::json!(boxes);
    }
    if let Some(reading) = reading {
        let exported =
            Exported { name: group.name.clone(), sha256: first.blob.to_string(), reading, samples };
        entry["edgewright"] =
            serde_json::to_value(exported).map_err(|e| EngineError::Internal(e.to_string()))?;
    }
    Ok(entry)
}

/// Ranges as `info.labels` has them.
fn spans(ranges: &[LabelRange]) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    for r in ranges {
        let mut span = serde_json::json!({"startIndex": r.start, "endIndex": r.end, "label": r.label});
        if !r.label_map.is_empty() {
            span["labelMap"] = serde_json::json!(r.label_map);
        }
        out.push(span);
    }
    out
}

/// A path below a folder, whatever the name says.
fn safe_path(name: &str) -> String {
    name.split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != "." && *part != "..")
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_names_stay_in_the_folder() {
        assert_eq!(safe_path("../../etc/./passwd"), "etc/passwd");
    }
}
