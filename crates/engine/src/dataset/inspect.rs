//! Looking at the data set: list, show, scan, trace.

use super::{LabelBox, LabelRange, SampleInfo, boxes, info, ranges};
use crate::{
    EngineError,
    session::Session,
    stages::{clean, features, import, split},
};
use edgewright_store::SampleRow;
use serde::Serialize;
use std::collections::HashSet;

/// One line of the list.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Id.
    pub id: String,
    /// Name of the file below the imported folder.
    pub name: String,
    /// Label, if any.
    pub label: Option<String>,
    /// Labels of parts; then there is no label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<LabelRange>,
    /// Boxes around the objects of a picture; an empty list where somebody looked and there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Vec<LabelBox>>,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// The same as `name`.
    pub file: String,
    /// Group, if any.
    pub group: Option<String>,
    /// Length in ms; 0 for rows and images.
    pub duration_ms: f64,
    /// Rate in Hz as received.
    pub rate_hz: f64,
}

/// A sample with everything known of it.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The line of the list.
    #[serde(flatten)]
    pub listed: Listed,
    /// What the decoder said.
    pub info: SampleInfo,
    /// Hash of the received bytes.
    pub sha256: String,
    /// Who imported it.
    pub source: String,
}

/// The way of a sample through the levels.
#[derive(Clone, Debug, Serialize)]
pub struct Traced {
    /// Bronze.
    pub received: Shown,
    /// Silver: steps of cleaning.
    pub lineage: Vec<(String, String)>,
    /// Silver: suspicions.
    pub flags: Vec<(String, String)>,
    /// Side of the split.
    pub side: Option<split::Side>,
    /// Gold: first frames of its windows.
    pub windows: Vec<usize>,
    /// Why it got no further.
    pub rejected: Option<String>,
}

pub(super) fn listed(row: &SampleRow) -> Result<Listed, EngineError> {
    let info = info(row)?;
    let duration_ms = if info.rate_hz > 0.0 { info.frames as f64 * 1000.0 / info.rate_hz } else { 0.0 };
    Ok(Listed {
        id: row.id.clone(),
        name: row.name.clone(),
        label: row.label.clone(),
        ranges: ranges::of_row(row)?,
        boxes: boxes::of_row(row)?,
        category: row.category.clone(),
        file: row.name.clone(),
        group: row.group.clone(),
        duration_ms,
        rate_hz: info.rate_hz,
    })
}

impl Listed {
    /// The label, or those of its parts, for people.
    pub fn label_text(&self) -> String {
        match &self.label {
            Some(label) => label.clone(),
            None => {
                let parts = ranges::names(&self.ranges).into_iter();
                let names: Vec<&str> = parts.chain(boxes::names(self.boxes.as_deref())).collect();
                if names.is_empty() { "-".into() } else { names.join(", ") }
            }
        }
    }
}

/// All samples in order of name.
///
/// # Errors
/// Those of the store.
pub fn list(session: &Session<'_>) -> Result<Vec<Listed>, EngineError> {
    let mut all =
        session.store.list_samples()?.iter().map(listed).collect::<Result<Vec<_>, EngineError>>()?;
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(all)
}

pub(super) fn find(session: &Session<'_>, id: &str) -> Result<SampleRow, EngineError> {
    let mut hits: Vec<SampleRow> = session
        .store
        .list_samples()?
        .into_iter()
        .filter(|r| !id.is_empty() && (r.id.starts_with(id) || r.name == id))
        .collect();
    match hits.len() {
        1 => Ok(hits.remove(0)),
        0 => Err(EngineError::Data(format!(
            "there is no sample `{id}`\nhint: `edgewright data list` shows the ids"
        ))),
        n => Err(EngineError::Data(format!("`{id}` is the beginning of {n} ids; type more of it"))),
    }
}

/// One sample, by its id, the beginning of its id, or its name.
///
/// # Errors
/// [`EngineError::Data`] when none or several fit.
pub fn show(session: &Session<'_>, id: &str) -> Result<Shown, EngineError> {
    shown(&find(session, id)?)
}

pub(super) fn shown(row: &SampleRow) -> Result<Shown, EngineError> {
    Ok(Shown {
        listed: listed(row)?,
        info: info(row)?,
        sha256: row.blob.to_string(),
        source: row.source.clone(),
    })
}

impl Shown {
    /// For people.
    pub fn to_text(&self) -> String {
        let l = &self.listed;
        let mut out = format!(
            "id        {}\nname      {}\nlabel     {}\ncategory  {}\ngroup     {}\nrate      {} Hz\nlength    {:.1} ms, {} frames\n",
            l.id,
            l.name,
            l.label_text(),
            l.category,
            l.group.as_deref().unwrap_or("-"),
            l.rate_hz,
            l.duration_ms,
            self.info.frames
        );
        for b in l.boxes.iter().flatten() {
            out.push_str(&format!(
                "box       {} at {}, {}: {} x {} pixels\n",
                b.label, b.x, b.y, b.width, b.height
            ));
        }
        let axes: Vec<String> = self
            .info
            .axes
            .iter()
            .map(|(n, u)| if u.is_empty() { n.clone() } else { format!("{n} ({u})") })
            .collect();
        out.push_str(&format!("axes      {}\nsha256    {}\n", axes.join(", "), self.sha256));
        for (k, v) in &self.info.metadata {
            out.push_str(&format!("{k:<9} {v}\n"));
        }
        for (kind, message) in &self.info.findings {
            out.push_str(&format!("finding   {kind}: {message}\n"));
        }
        out
    }
}

/// Follows a sample from its file to its windows; brings the stages up to `features` up to date first.
///
/// # Errors
/// Those of the stages, and [`EngineError::Data`] for an unknown id.
pub fn trace(session: &Session<'_>, id: &str) -> Result<Traced, EngineError> {
    let row = find(session, id)?;
    let bronze = import::run(session)?;
    let silver = clean::run(session, &bronze)?;
    let split = split::run(session, &silver)?;
    let gold = features::run(session, &silver, &split)?;
    let at = silver.value.samples.iter().position(|s| s.id == row.id);
    let rejected = match at {
        Some(_) => None,
        None => Some(
            silver
                .value
                .rejected
                .iter()
                .find(|q| q.id == row.id)
                .map_or_else(|| "an exact duplicate of another sample".to_owned(), |q| q.reason.clone()),
        ),
    };
    let windows = gold
        .value
        .training
        .windows()
        .iter()
        .chain(gold.value.holdout.windows())
        .filter(|w| Some(w.sample) == at)
        .map(|w| w.start)
        .collect();
    Ok(Traced {
        received: shown(&row)?,
        lineage: at.map(|i| silver.value.lineage(session, i)).transpose()?.unwrap_or_default(),
        flags: at.map(|i| silver.value.samples[i].flags.clone()).unwrap_or_default(),
        side: at.map(|i| split.value.sides[i]),
        windows,
        rejected,
    })
}

impl Traced {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!("bronze\n{}", indent(&self.received.to_text()));
        out.push_str("silver\n");
        for (step, detail) in &self.lineage {
            out.push_str(&format!("  {step}: {detail}\n"));
        }
        for (kind, message) in &self.flags {
            out.push_str(&format!("  flag {kind}: {message}\n"));
        }
        if let Some(reason) = &self.rejected {
            out.push_str(&format!("  left out: {reason}\n"));
        }
        if let Some(side) = self.side {
            out.push_str(&format!(
                "gold\n  {side:?}, {} windows at frames {:?}\n",
                self.windows.len(),
                self.windows
            ));
        }
        out
    }
}

/// Ids of the samples that test in the split as it stands; nothing while there is none of these data and settings.
///
/// # Errors
/// Those of the store.
pub fn testing(session: &Session<'_>) -> Result<HashSet<String>, EngineError> {
    let found = import::run(session)
        .and_then(|bronze| clean::run(session, &bronze))
        .and_then(|silver| split::run(session, &silver).map(|split| (silver, split)));
    Ok(match found {
        Ok((silver, split)) => {
            let all = silver.value.samples.iter().zip(&split.value.sides);
            all.filter(|(_, side)| **side == split::Side::Testing).map(|(s, _)| s.id.clone()).collect()
        }
        Err(EngineError::Store(e)) => return Err(EngineError::Store(e)),
        Err(_) => HashSet::new(),
    })
}

fn indent(text: &str) -> String {
    text.lines().map(|l| format!("  {l}\n")).collect()
}
