//! Stage `import`: brings the folders of `[[data]]` in and lists what the project holds (bronze).

use crate::{
    EngineError,
    dataset::{self, GroupRule, ImportRequest, LabelBox, LabelRange, LabelRule, Quarantined, SampleInfo},
    project::DataSource,
    session::{Key, Session, Staged},
};
use edgewright_store::Hash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One sample as received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// Id, made from the content.
    pub id: String,
    /// Name of the file below the imported folder.
    pub name: String,
    /// Label, if any.
    pub label: Option<String>,
    /// Labels of parts; then there is no label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<LabelRange>,
    /// Boxes around objects, in pixels as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Vec<LabelBox>>,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// Group, if any.
    pub group: Option<String>,
    /// The bytes.
    pub blob: Hash,
    /// Which sample of the file.
    pub index: usize,
    /// What the decoder said.
    pub info: SampleInfo,
}

/// What the project holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Number of samples.
    pub count: usize,
    /// Samples per label; those without one under the empty text.
    pub labels: BTreeMap<String, usize>,
    /// Files that were refused.
    pub quarantined: Vec<Quarantined>,
    /// The samples, which few need: an object by itself.
    list: Hash,
}

impl Manifest {
    /// The samples, in order of name, then id.
    ///
    /// # Errors
    /// Those of the store, [`EngineError::Internal`] when the object is damaged.
    pub fn samples(&self, session: &Session<'_>) -> Result<Vec<Received>, EngineError> {
        session.read(&self.list)
    }
}

/// Imports the sources of the project file, then lists all samples.
///
/// # Errors
/// Those of the import; [`EngineError::Data`] when the project holds no sample at all.
pub fn run(session: &Session<'_>) -> Result<Staged<Manifest>, EngineError> {
    let sources = if session.looking { &[] } else { session.project.file.data.as_slice() };
    for (n, source) in sources.iter().enumerate() {
        sync(session, source, &format!("data:{n}"))?;
    }
    let quarantined: Vec<Quarantined> = session
        .store
        .list_quarantine()?
        .into_iter()
        .map(|q| Quarantined { file: q.name, reason: q.reason })
        .collect();
    // What the samples came to when as many changes were made as now. The key of the stage itself tells of contents alone, so that
    // a label that was changed and changed back is the label of before.
    let changes = session.store.sample_changes()?;
    let mut same = Key::new("import");
    let same = same.text("changes", &changes.to_string()).value("quarantined", &quarantined).finish();
    let (key, samples) = match session.store.get_derived(&same)? {
        Some(key) => (key, None),
        None => {
            let samples = list(session, &quarantined)?;
            let mut key = Key::new("import");
            for s in &samples {
                key.value("sample", s);
            }
            let key = key.value("quarantined", &quarantined).finish();
            session.store.put_derived(&same, &key)?;
            (key, Some(samples))
        }
    };
    session.stage("import", &key, || {
        let samples = match samples {
            Some(samples) => samples,
            None => list(session, &quarantined)?,
        };
        let mut notes = vec![format!("{} samples", samples.len())];
        if !quarantined.is_empty() {
            notes.push(format!("{} files quarantined", quarantined.len()));
        }
        let text = serde_json::to_vec(&samples).map_err(|e| EngineError::Internal(e.to_string()))?;
        let list = session.store.put_blob(&text)?;
        Ok((
            Manifest {
                count: samples.len(),
                labels: labels(
                    samples.iter().map(|s| (s.label.as_deref(), s.ranges.as_slice(), s.boxes.as_deref())),
                ),
                quarantined,
                list,
            },
            notes,
        ))
    })
}

/// All samples that are not disabled, in order of name, then id.
fn list(session: &Session<'_>, quarantined: &[Quarantined]) -> Result<Vec<Received>, EngineError> {
    let rows = session.store.list_samples()?;
    let mut samples = Vec::with_capacity(rows.len());
    for row in rows.into_iter().filter(|r| !r.disabled) {
        let mut info = dataset::info(&row)?;
        let ranges = dataset::ranges::of_row(&row)?;
        let boxes = dataset::boxes::of_row(&row)?;
        // Facts for people; no later stage reads them.
        info.metadata.clear();
        samples.push(Received {
            id: row.id,
            name: row.name,
            label: row.label,
            ranges,
            boxes,
            category: row.category,
            group: row.group,
            blob: row.blob,
            index: row.index_in_file.max(0) as usize,
            info,
        });
    }
    if samples.is_empty() {
        let hint = if quarantined.is_empty() {
            "hint: `edgewright data import PATH`, or name a folder under [[data]] in edgewright.toml"
                .to_owned()
        } else {
            let listed: Vec<String> =
                quarantined.iter().take(5).map(|q| format!("  {}: {}", q.file, q.reason)).collect();
            format!("{} files were refused:\n{}", quarantined.len(), listed.join("\n"))
        };
        return Err(EngineError::Data(format!("the project holds no sample\n{hint}")));
    }
    samples.sort_by(|a, b| (&a.name, a.index, &a.id).cmp(&(&b.name, b.index, &b.id)));
    Ok(samples)
}

/// What a sample is called: its label, its parts, its boxes.
pub(super) type Called<'s> = (Option<&'s str>, &'s [LabelRange], Option<&'s [LabelBox]>);

/// Samples per label; those without one under the empty text.
pub(super) fn labels<'s>(samples: impl Iterator<Item = Called<'s>>) -> BTreeMap<String, usize> {
    let mut labels = BTreeMap::new();
    for (label, ranges, boxes) in samples {
        let parts = dataset::ranges::names(ranges);
        for name in parts.into_iter().chain(dataset::boxes::names(boxes)) {
            *labels.entry(name.to_owned()).or_default() += 1;
        }
        if ranges.is_empty() && (boxes.is_none() || label.is_some()) {
            *labels.entry(label.unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    labels
}

/// Brings one source in step with its folder: new files come in, files that are gone go out.
fn sync(session: &Session<'_>, source: &DataSource, name: &str) -> Result<(), EngineError> {
    let label = match (&source.label, &source.label_from) {
        (Some(label), _) => LabelRule::Fixed(label.clone()),
        (None, Some(rule)) => LabelRule::parse(rule)?,
        (None, None) => LabelRule::Auto,
    };
    let group = match &source.group_from {
        Some(rule) => GroupRule::parse(rule)?,
        None => GroupRule::None,
    };
    let report = dataset::import(
        session,
        &ImportRequest {
            paths: vec![session.project.dir.join(&source.path)],
            label,
            group,
            category: (source.category != "split").then(|| source.category.clone()),
            format: source.format.clone(),
            rate_hz: source.rate_hz,
            hmac_key: source.hmac_key.clone(),
            ranges: BTreeMap::new(),
            boxes: BTreeMap::new(),
            table: dataset::TableChoices::default(),
            metadata: BTreeMap::new(),
            refuse_known: false,
            keep_label: false,
            keep_category: false,
            source: name.to_owned(),
            dry_run: false,
        },
    )?;
    let refused: Vec<String> = report.quarantined.iter().map(|q| q.file.clone()).collect();
    session.store.retain_quarantine(name, &refused)?;
    let present: BTreeSet<&String> = report.ids.iter().collect();
    let gone: Vec<String> =
        session.store.ids_of_source(name)?.into_iter().filter(|id| !present.contains(id)).collect();
    session.store.delete_samples(&gone)?;
    Ok(())
}
