//! Cutting recordings: one part (a crop) or several (a split) become samples of their own.

use super::{
    LabelRange, SampleInfo,
    import::describe,
    info,
    inspect::find,
    ranges::{self, moved},
};
use crate::{
    EngineError,
    session::{Session, now},
};
use edgewright_sample::{
    Axis, Content, DecodeOptions, Signal,
    encode::{AcquisitionDocument, encode_acquisition_json, encode_wav_pcm16},
};
use edgewright_store::{Edit, NewSample, SampleFilter, SampleRow};
use serde::{Deserialize, Serialize};

/// Parts that one recording is cut into, at most.
pub const PARTS_MAX: usize = 1000;
/// Source of samples that were cut: no folder of the project file takes them away.
const SOURCE: &str = "cut";

/// A part of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// First frame.
    pub start: usize,
    /// Last frame, inclusive.
    pub end: usize,
}

fn read(session: &Session<'_>, row: &SampleRow) -> Result<Signal, EngineError> {
    let signal = decoded(session, row)?;
    if signal.frames() < 2 {
        return Err(EngineError::Data(format!("`{}` is no series; it has no parts in time", row.name)));
    }
    Ok(signal)
}

fn decoded(session: &Session<'_>, row: &SampleRow) -> Result<Signal, EngineError> {
    let reading = info(row)?.reading;
    let bytes = session.store.get_blob(&row.blob)?;
    let mut decoded = edgewright_sample::decode(&reading.file, &bytes, &reading.options()?)
        .map_err(|e| EngineError::Data(format!("{}: {}", row.name, e.message)))?;
    let index = row.index_in_file.max(0) as usize;
    if index >= decoded.len() {
        return Err(EngineError::Internal(format!("sample {} is no longer in its file", row.id)));
    }
    match decoded.swap_remove(index).content {
        Content::Signal(signal) => Ok(signal),
        Content::Image(_) => {
            Err(EngineError::Data(format!("`{}` is a picture; it has no values in time", row.name)))
        }
    }
}

/// Values of a series or row as received.
///
/// # Errors
/// [`EngineError::Data`] for an unknown sample or a picture.
pub fn signal(session: &Session<'_>, id: &str) -> Result<Signal, EngineError> {
    decoded(session, &find(session, id)?)
}

/// One axis of a series as sound of 16 bits. What is no sound is scaled to the whole range.
///
/// # Errors
/// [`EngineError::Data`] for an unknown sample, one that is no series, and an axis that is not there.
pub fn wav(session: &Session<'_>, id: &str, axis: usize) -> Result<Vec<u8>, EngineError> {
    let row = find(session, id)?;
    let signal = read(session, &row)?;
    let Some(named) = signal.axes.get(axis) else {
        return Err(EngineError::Data(format!("`{}` has no axis {axis}", row.name)));
    };
    let values = signal.values.iter().skip(axis).step_by(signal.axes.len());
    let largest = values.clone().filter(|v| v.is_finite()).fold(0.0f32, |m, v| m.max(v.abs()));
    let scale = if named.units == "wav" || largest == 0.0 { 1.0 } else { 32767.0 / largest };
    let pcm: Vec<i16> = values.map(|v| (v * scale).round() as i16).collect();
    encode_wav_pcm16((signal.rate_hz.round() as u32).max(1), 1, &pcm)
        .map_err(|e| EngineError::Data(format!("`{}`: {}", row.name, e.message)))
}

/// Where something happens in a recording: parts of `length_ms`, or of 100 frames where there is no rate for a length.
///
/// # Errors
/// [`EngineError::Data`] for an unknown sample or one that is no series; [`EngineError::Usage`] for a length that is none.
pub fn proposals(session: &Session<'_>, id: &str, length_ms: f64) -> Result<Vec<Part>, EngineError> {
    if !(length_ms > 0.0 && length_ms.is_finite()) {
        return Err(EngineError::Usage(format!("a part of {length_ms} ms; the length must be above 0")));
    }
    let row = find(session, id)?;
    let signal = read(session, &row)?;
    let length = if signal.rate_hz > 0.0 {
        ((length_ms * signal.rate_hz / 1000.0).round() as usize).max(1)
    } else {
        100
    };
    let mut found = edgewright_etl::events(&signal, length);
    found.truncate(PARTS_MAX);
    Ok(found.into_iter().map(|r| Part { start: r.start, end: r.end - 1 }).collect())
}

/// Makes a sample of each part, with label, labels of parts, category and facts of the whole, and leaves the whole out of everything unless
/// it is to be kept. The bytes of the whole stay as they were received. Parts of one recording stay on one side of the split. Returns the
/// new ids.
///
/// # Errors
/// [`EngineError::Data`] for an unknown sample, one that is no series, and parts that do not lie within it; those of the store. Then
/// nothing is changed.
pub fn cut(
    session: &Session<'_>,
    id: &str,
    parts: &[Part],
    keep: bool,
    who: &str,
) -> Result<Vec<String>, EngineError> {
    let row = find(session, id)?;
    let signal = read(session, &row)?;
    let frames = signal.frames();
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(EngineError::Usage(format!("name 1 to {PARTS_MAX} parts")));
    }
    if let Some(p) = parts.iter().find(|p| p.end < p.start || p.end >= frames) {
        return Err(EngineError::Data(format!(
            "a part of frames {} to {}; `{}` has {frames}",
            p.start, p.end, row.name
        )));
    }
    let whole = info(&row)?;
    let said = ranges::of_row(&row)?;
    let first = next_number(session, &row.name)?;
    let mut rows = Vec::with_capacity(parts.len());
    for (number, part) in (first..).zip(parts) {
        let (bytes, ending) = encode(&signal, *part).map_err(|e| {
            EngineError::Data(format!("`{}`, frames {} to {}: {}", row.name, part.start, part.end, e.message))
        })?;
        let name = part_name(&row.name, number, ending);
        let (labels, _) = moved(&said, 1.0, part.start, part.end + 1 - part.start);
        rows.push(sample(session, &row, &whole, name, &bytes, *part, &labels)?);
    }
    let added = session.store.add_samples(&rows)?;
    if !keep {
        let edit = Edit { who: who.into(), disabled: Some(true), ..Edit::default() };
        session.store.edit_samples(std::slice::from_ref(&row.id), &edit, &[], now())?;
    }
    Ok(added.into_iter().map(|a| a.id).collect())
}

fn sample(
    session: &Session<'_>,
    row: &SampleRow,
    whole: &SampleInfo,
    name: String,
    bytes: &[u8],
    part: Part,
    labels: &[LabelRange],
) -> Result<NewSample, EngineError> {
    let reading =
        super::Reading { file: super::rules::file_name(&name).to_owned(), ..super::Reading::default() };
    let options = DecodeOptions::default();
    let decoded = edgewright_sample::decode(&reading.file, bytes, &options)
        .map_err(|e| EngineError::Internal(format!("{name} cannot be read back: {}", e.message)))?;
    let Some(decoded) = decoded.first() else {
        return Err(EngineError::Internal(format!("{name} holds no sample")));
    };
    let mut facts = describe(decoded, reading);
    for (key, value) in &whole.metadata {
        facts.metadata.entry(key.clone()).or_insert_with(|| value.clone());
    }
    facts.metadata.insert(
        "cut from".into(),
        format!("{}, frames {} to {} ({})", row.name, part.start, part.end, row.blob),
    );
    let metadata_json = serde_json::to_string(&facts).map_err(|e| EngineError::Internal(e.to_string()))?;
    Ok(NewSample {
        name,
        label: row.label.clone(),
        ranges_json: if labels.is_empty() { None } else { Some(ranges::to_json(labels)?) },
        boxes_json: None,
        category: row.category.clone(),
        group: Some(row.group.clone().unwrap_or_else(|| row.name.clone())),
        blob: session.store.put_blob(bytes)?,
        index_in_file: 0,
        format: "auto".into(),
        source: SOURCE.into(),
        metadata_json,
        disabled: false,
        keep_label: false,
        keep_category: false,
    })
}

/// Sound of 16 bits as WAVE, everything else as an acquisition document: both hold the values exactly.
fn encode(signal: &Signal, part: Part) -> Result<(Vec<u8>, &'static str), edgewright_sample::SampleError> {
    let axes = signal.axes.len();
    let values = &signal.values[part.start * axes..(part.end + 1) * axes];
    let audio = signal.axes.iter().all(|a| a.units == "wav");
    let whole = |v: &f32| v.fract() == 0.0 && (-32768.0..=32767.0).contains(v);
    if audio && signal.rate_hz.fract() == 0.0 && signal.rate_hz > 0.0 && values.iter().all(whole) {
        let pcm: Vec<i16> = values.iter().map(|v| *v as i16).collect();
        return Ok((encode_wav_pcm16(signal.rate_hz as u32, axes as u16, &pcm)?, "wav"));
    }
    let document = AcquisitionDocument {
        device_name: None,
        device_type: "edgewright".into(),
        interval_ms: if signal.rate_hz > 0.0 { 1000.0 / signal.rate_hz } else { 0.0 },
        sensors: signal.axes.iter().map(|a| Axis { name: a.name.clone(), units: a.units.clone() }).collect(),
        values: values.chunks_exact(axes).map(|f| f.iter().map(|v| f64::from(*v)).collect()).collect(),
    };
    Ok((encode_acquisition_json(&document, None, None)?, "json"))
}

/// `yes.1.wav` as its second part: `yes.1.s2.wav`.
fn part_name(name: &str, number: usize, ending: &str) -> String {
    format!("{}.s{number}.{ending}", stem(name))
}

fn stem(name: &str) -> &str {
    let file = super::rules::file_name(name);
    match file.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => &name[..name.len() - end.len() - 1],
        _ => name,
    }
}

/// One more than the highest number of a part that is there.
fn next_number(session: &Session<'_>, name: &str) -> Result<usize, EngineError> {
    let begin = format!("{}.s", stem(name));
    let filter = SampleFilter { name: Some(begin.clone()), ..SampleFilter::default() };
    let (rows, _) = session.store.page_samples(&filter, 0, u64::from(u32::MAX))?;
    let numbers =
        rows.iter().filter_map(|r| r.name.strip_prefix(&begin)?.split('.').next()?.parse::<usize>().ok());
    Ok(numbers.max().unwrap_or(0).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::part_name;

    #[test]
    fn parts_have_names_of_their_own() {
        assert_eq!(part_name("a/yes.1.wav", 2, "wav"), "a/yes.1.s2.wav");
        assert_eq!(part_name("a.b/walk", 1, "json"), "a.b/walk.s1.json");
        assert_eq!(part_name("x.flac", 10, "wav"), "x.s10.wav");
    }
}
