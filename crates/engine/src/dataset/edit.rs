//! Samples by the page, their values, and what people change of them.

use super::{
    Facts, LabelBox, LabelRange, SampleInfo, boxes, info,
    inspect::{Listed, Shown, listed, shown},
    ranges,
};
use crate::{
    EngineError,
    session::{Session, now},
};
use edgewright_sample::{Content, labels};
pub use edgewright_store::{Edit, SampleFilter};
use edgewright_store::{LabelCount, SampleRow};
use std::path::PathBuf;

/// Samples that a page may hold.
pub const PAGE_MAX: u64 = 1000;
/// Samples that one edit may name.
pub const EDIT_MAX: usize = 10_000;
/// Columns that a waveform may have.
pub const COLUMNS_MAX: usize = 4000;

/// A line of the list as the Studio shows it.
#[derive(Clone, Debug)]
pub struct PageLine {
    /// As `data list` has it.
    pub listed: Listed,
    /// Left out of everything.
    pub disabled: bool,
    /// Whether a person set label, category or `disabled`.
    pub edited: bool,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// Remarks of the decoder, counted.
    pub findings: usize,
}

/// Samples in order of name, and how many the filter lets through in all.
///
/// # Errors
/// [`EngineError::Usage`] for a page that is too long; those of the store.
pub fn page(
    session: &Session<'_>,
    filter: &SampleFilter,
    offset: u64,
    limit: u64,
) -> Result<(Vec<PageLine>, u64), EngineError> {
    if limit > PAGE_MAX {
        return Err(EngineError::Usage(format!("a page has at most {PAGE_MAX} samples")));
    }
    let in_ranges = filter.label.as_deref().filter(|l| !l.is_empty()).and_then(ranges::needle);
    let filter = SampleFilter { in_ranges, ..filter.clone() };
    let (rows, total) = session.store.page_samples(&filter, offset, limit)?;
    let lines = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok((lines, total))
}

fn line(row: &SampleRow) -> Result<PageLine, EngineError> {
    let info: SampleInfo = info(row)?;
    Ok(PageLine {
        listed: listed(row)?,
        disabled: row.disabled,
        edited: row.edited,
        axes: info.axes.into_iter().map(|(name, _)| name).collect(),
        findings: info.findings.len(),
    })
}

/// How many samples there are of each label and category; one with labelled parts or boxes counts for each of their labels.
///
/// # Errors
/// Those of the store.
pub fn labels(session: &Session<'_>) -> Result<Vec<LabelCount>, EngineError> {
    let mut counts = session.store.count_labels()?;
    let mut count = |name: &str, category: &str, disabled: bool| {
        let label = Some(name.to_owned());
        let at = match counts.iter().position(|c| c.label == label && c.category == category) {
            Some(at) => at,
            None => {
                counts.push(LabelCount { label, category: category.to_owned(), samples: 0, disabled: 0 });
                counts.len() - 1
            }
        };
        *if disabled { &mut counts[at].disabled } else { &mut counts[at].samples } += 1;
    };
    for (text, category, disabled) in session.store.all_ranges()? {
        ranges::names(&ranges::parse(&text, "")?).into_iter().for_each(|n| count(n, &category, disabled));
    }
    for (text, category, disabled) in session.store.all_boxes()? {
        boxes::names(Some(&boxes::parse(&text, "")?)).into_iter().for_each(|n| count(n, &category, disabled));
    }
    counts.sort_by(|a, b| (&a.label, &a.category).cmp(&(&b.label, &b.category)));
    Ok(counts)
}

fn find(session: &Session<'_>, id: &str) -> Result<SampleRow, EngineError> {
    session.store.get_sample(id)?.ok_or_else(|| {
        let id: String = id.chars().filter(|c| !c.is_control()).take(40).collect();
        EngineError::NotFound(format!("there is no sample `{id}`"))
    })
}

/// Ids that begin like this, in order; at most two, which is enough to know that it is not one.
///
/// # Errors
/// Those of the store.
pub fn ids_from(session: &Session<'_>, begin: &str) -> Result<Vec<String>, EngineError> {
    Ok(session.store.ids_from(begin, 2)?)
}

/// One sample by its whole id.
///
/// # Errors
/// [`EngineError::NotFound`]; those of the store.
pub fn one(session: &Session<'_>, id: &str) -> Result<(PageLine, Shown), EngineError> {
    let row = find(session, id)?;
    Ok((line(&row)?, shown(&row)?))
}

/// Changes samples, all or none. A later import of the same files leaves these labels alone. `ranges` are labels of parts of one sample;
/// what they leave out has no label; `boxes` are those of one picture; an empty list says that it
/// holds no object, `edit.boxes_json` with the empty text that nobody looked. `facts` are set, or taken away where they are `None`; others stay.
///
/// # Errors
/// [`EngineError::Data`] for a label that cannot be one and for ranges that do not fit the recording, [`EngineError::Usage`] for an unknown category, [`EngineError::NotFound`]
/// when a sample is not there; those of the store.
pub fn edit(
    session: &Session<'_>,
    ids: &[String],
    edit: &Edit,
    ranges: Option<Vec<LabelRange>>,
    boxes: Option<Vec<LabelBox>>,
    facts: &Facts,
) -> Result<u64, EngineError> {
    if ids.len() > EDIT_MAX {
        return Err(EngineError::Usage(format!("one edit names at most {EDIT_MAX} samples")));
    }
    if let Some(label) = edit.label.as_deref().filter(|l| !l.is_empty()) {
        labels::validate_label(label).map_err(|e| {
            let shown: String = label.chars().filter(|c| !c.is_control()).take(60).collect();
            EngineError::Data(format!("label `{shown}`: {}", e.message))
        })?;
    }
    if let Some(category) = &edit.category
        && !["training", "testing", "split"].contains(&category.as_str())
    {
        return Err(EngineError::Usage(format!(
            "there is no category `{category}`; use training, testing or split"
        )));
    }
    check_facts(facts)?;
    let mut laid = Vec::new();
    for id in ids {
        let row = find(session, id)?;
        if !facts.is_empty() {
            let mut over = super::facts(&row.id, row.facts_json.as_deref())?;
            over.extend(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
            laid.push(Some(serde_json::to_string(&over).map_err(|e| EngineError::Internal(e.to_string()))?));
        }
    }
    let mut edit = edit.clone();
    if let Some(ranges) = ranges {
        let [id] = ids else {
            return Err(EngineError::Usage("labels of parts are those of one sample".into()));
        };
        let row = find(session, id)?;
        let info = info(&row)?;
        if info.image.is_some() {
            return Err(EngineError::Data(format!("`{}` is a picture; it has no parts in time", row.name)));
        }
        let ranges = ranges::checked(ranges, info.frames, false)
            .map_err(|e| EngineError::Data(format!("`{}`: {e}", row.name)))?;
        edit.ranges_json = Some(if ranges.is_empty() { String::new() } else { ranges::to_json(&ranges)? });
    }
    if let Some(boxes) = boxes {
        let [id] = ids else {
            return Err(EngineError::Usage("boxes are those of one picture".into()));
        };
        let row = find(session, id)?;
        let Some([width, height, _]) = info(&row)?.image else {
            return Err(EngineError::Data(format!("`{}` is no picture; it has no boxes", row.name)));
        };
        let boxes = boxes::checked(boxes, [width, height])
            .map_err(|e| EngineError::Data(format!("`{}`: {e}", row.name)))?;
        edit.boxes_json = Some(boxes::to_json(&boxes)?);
    }
    Ok(session.store.edit_samples(ids, &edit, &laid, now())?)
}

/// Keys and values of facts that one edit may set, and their longest, in characters.
const FACTS_MAX: usize = 50;
const KEY_MAX: usize = 100;
const VALUE_MAX: usize = 1000;

fn check_facts(facts: &Facts) -> Result<(), EngineError> {
    if facts.len() > FACTS_MAX {
        return Err(EngineError::Usage(format!("one edit sets at most {FACTS_MAX} facts")));
    }
    for (key, value) in facts {
        let plain =
            |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
        if key.trim().is_empty() || key.trim() != key || !plain(key, KEY_MAX) {
            let shown: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(EngineError::Data(format!(
                "`{shown}` cannot be the name of a fact; it has 1 to {KEY_MAX} characters, no space at its ends"
            )));
        }
        if value.as_deref().is_some_and(|v| !plain(v, VALUE_MAX)) {
            return Err(EngineError::Data(format!(
                "the value of `{key}` has at most {VALUE_MAX} characters, on one line"
            )));
        }
    }
    Ok(())
}

/// Removes samples, all or none; the bytes stay until the store is cleaned.
///
/// # Errors
/// [`EngineError::NotFound`] when one is not there, [`EngineError::Changed`] for one that the project file names under `[[data]]`: the
/// next run would bring it back.
pub fn delete(session: &Session<'_>, ids: &[String]) -> Result<(), EngineError> {
    if ids.len() > EDIT_MAX {
        return Err(EngineError::Usage(format!("one request removes at most {EDIT_MAX} samples")));
    }
    for id in ids {
        let row = find(session, id)?;
        if row.source.starts_with("data:") {
            return Err(EngineError::Changed(format!(
                "`{}` comes from a folder under [[data]] in edgewright.toml, and the next run would bring it back; \
                 disable it, or take its file away",
                row.name
            )));
        }
    }
    Ok(session.store.delete_samples(ids)?)
}

/// Where the bytes as received lie, and the name of their file.
///
/// # Errors
/// [`EngineError::NotFound`]; those of the store.
pub fn file(session: &Session<'_>, id: &str) -> Result<(String, PathBuf), EngineError> {
    let row = find(session, id)?;
    let name = row.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Ok((name, session.store.blob_path(&row.blob)))
}

/// Part of a recording, drawn in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// Rate in Hz; 0 for rows.
    pub rate_hz: f64,
    /// Name and unit of each axis.
    pub axes: Vec<(String, String)>,
    /// Frames of the whole recording.
    pub frames: usize,
    /// First frame shown,
    pub from: usize,
    /// and the one after the last.
    pub to: usize,
    /// Smallest value of each column, axis after axis.
    pub low: Vec<Vec<f32>>,
    /// Largest value of each column.
    pub high: Vec<Vec<f32>>,
}

/// Values of a recording as received, from frame `from` up to `to` (the end when left out), as the smallest and largest value of at most
/// `columns` columns: what a plot of that width shows of any number of values.
///
/// # Errors
/// [`EngineError::NotFound`]; [`EngineError::Data`] for an image.
pub fn waveform(
    session: &Session<'_>,
    id: &str,
    from: usize,
    to: Option<usize>,
    columns: usize,
) -> Result<Waveform, EngineError> {
    let row = find(session, id)?;
    let reading = info(&row)?.reading;
    let bytes = session.store.get_blob(&row.blob)?;
    let mut decoded = edgewright_sample::decode(&reading.file, &bytes, &reading.options()?)
        .map_err(|e| EngineError::Data(format!("{}: {}", row.name, e.message)))?;
    let index = row.index_in_file.max(0) as usize;
    if index >= decoded.len() {
        return Err(EngineError::Internal(format!("sample {} is no longer in its file", row.id)));
    }
    let Content::Signal(signal) = decoded.swap_remove(index).content else {
        return Err(EngineError::Data(format!("{} is an image; it has no waveform", row.name)));
    };
    let frames = signal.frames();
    let to = to.unwrap_or(frames).min(frames);
    let from = from.min(to);
    let columns = columns.clamp(1, COLUMNS_MAX).min((to - from).max(1));
    let axes = signal.axes.len();
    let mut low = vec![Vec::with_capacity(columns); axes];
    let mut high = low.clone();
    for column in 0..columns {
        let first = from + (to - from) * column / columns;
        let last = from + (to - from) * (column + 1) / columns;
        for axis in 0..axes {
            let values = (first..last).map(|f| signal.values[f * axes + axis]).filter(|v| v.is_finite());
            let (least, most) =
                values.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, m), v| (l.min(v), m.max(v)));
            if least <= most {
                low[axis].push(least);
                high[axis].push(most);
            } else {
                low[axis].push(0.0);
                high[axis].push(0.0);
            }
        }
    }
    Ok(Waveform {
        rate_hz: signal.rate_hz,
        axes: signal.axes.iter().map(|a| (a.name.clone(), a.units.clone())).collect(),
        frames,
        from,
        to,
        low,
        high,
    })
}
