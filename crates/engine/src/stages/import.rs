//! Stage `import`: brings the folders of `[[data]]` in and lists what the project holds (bronze).

use crate::{
    EngineError,
    dataset::{self, GroupRule, ImportRequest, LabelBox, LabelRange, LabelRule, Quarantined, SampleInfo},
    project::DataSource,
    session::{Key, Session, Staged},
};
use edgewright_store::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// In order of name, then id.
    pub samples: Vec<Received>,
    /// Files that were refused.
    pub quarantined: Vec<Quarantined>,
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
    let rows = session.store.list_samples()?;
    let quarantined: Vec<Quarantined> = session
        .store
        .list_quarantine()?
        .into_iter()
        .map(|q| Quarantined { file: q.name, reason: q.reason })
        .collect();
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
    let mut key = Key::new("import");
    for s in &samples {
        key.value("sample", s);
    }
    key.value("quarantined", &quarantined);
    session.stage("import", &key.finish(), || {
        let mut notes = vec![format!("{} samples", samples.len())];
        if !quarantined.is_empty() {
            notes.push(format!("{} files quarantined", quarantined.len()));
        }
        Ok((Manifest { samples, quarantined }, notes))
    })
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
            ranges: std::collections::BTreeMap::new(),
            boxes: std::collections::BTreeMap::new(),
            table: dataset::TableChoices::default(),
            metadata: std::collections::BTreeMap::new(),
            refuse_known: false,
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
