//! NumPy arrays as samples.
//!
//! The first axis of an array counts, the last one holds what was measured at one moment:
//!
//! | shape | is |
//! |---|---|
//! | `[frames]` | one recording of one axis |
//! | `[frames, axes]` | one recording |
//! | `[recordings, frames, axes]` | many recordings |
//! | `[pictures, height, width, 1 or 3]` of bytes | many pictures |
//!
//! An `.npz` may hold labels: an array called `y` (`labels`, `targets`) beside `x` (`data`, `features`), also as `y_train` beside `x_train`,
//! or the one that the label column names. Then `x` has a sample for each label: `[samples, values]` are rows, or recordings of one axis
//! when a rate is given. What an array ending in `_test` holds is said to test, in `_train` and `_val` to train. Column-major arrays are read as what they mean. An array says no rate; the caller does.

mod archive;

use crate::SIDE;
use crate::{
    Axis, Content, CsvOptions, Decoded, Finding, Image, Limits, SampleError, Signal,
    npy::{self, Array, ElementType},
};
pub(crate) use archive::is_archive;
use std::collections::BTreeMap;

/// Samples out of one file, at most: each costs some hundred bytes whatever it holds.
const MAX_SAMPLES: usize = 1_000_000;
/// What arrays of samples and of labels are called, alone or before `_train`, `_test` and the like.
const SAMPLES: &[&str] = &["x", "data", "features", "inputs"];
const LABELS: &[&str] = &["y", "labels", "label", "targets", "target"];

fn error(kind: &'static str, message: impl std::fmt::Display) -> SampleError {
    SampleError::new(kind, format!("NumPy: {message}"))
}

/// Decodes a `.npy`.
pub(crate) fn decode_npy(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    let array = numbers(bytes, limits).map_err(|e| error("npy_data", e))?;
    samples(&array, &Said::default(), options, limits)
}

/// Decodes an `.npz`.
pub(crate) fn decode_npz(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    let members = archive::read(bytes, limits.max_bytes.saturating_mul(4))?;
    let known = || members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
    let at = |name: &str| members.iter().position(|m| m.name == name);
    let named = |wanted: &Option<String>, what: &str| match wanted {
        None => Ok(None),
        Some(name) => at(name).map(Some).ok_or_else(|| {
            error(
                "unknown_column",
                format!("no array `{}` for the {what} ({})", name.escape_debug(), known()),
            )
        }),
    };
    let (label, group) = (named(&options.label_column, "label")?, named(&options.group_column, "group")?);
    let said = |at: &usize| Some(*at) == label || Some(*at) == group;
    let kinds: Vec<_> = members.iter().map(|m| parts(&m.name)).collect();
    let called = |at: usize, names: &[&str]| names.contains(&kinds[at].0.as_str());
    let of = |at: usize, names: &[&str]| {
        (0..members.len()).find(|other| called(*other, names) && kinds[*other].1 == kinds[at].1)
    };
    let all = || (0..members.len()).filter(|at| !said(at));
    // Samples first by name; then whatever is not said to be something else.
    let mut taken: Vec<usize> = all().filter(|at| called(*at, SAMPLES)).collect();
    if let Some(of) = label.and_then(|y| of(y, SAMPLES)) {
        taken = vec![of];
    } else if taken.is_empty() {
        taken = all().filter(|at| !called(*at, LABELS)).collect();
    }
    if taken.is_empty() || (taken.len() > 1 && label.or(group).is_some()) {
        let message = format!("which array holds the samples is not clear ({}): call it `x`", known());
        return Err(error("npz_names", message));
    }
    let mut used: Vec<usize> = label.into_iter().chain(group).collect();
    let mut out: Vec<Decoded> = Vec::new();
    let mut values = 0usize;
    for &at in &taken {
        let place = |e: SampleError| {
            let reason = e.message.strip_prefix("NumPy: ").unwrap_or(&e.message);
            error(e.kind, format!("`{}`: {reason}", members[at].name.escape_debug()))
        };
        let array = numbers(&members[at].bytes, limits).map_err(|e| place(error("npy_data", e)))?;
        values = values.saturating_add(array.values.len());
        if values > limits.max_values {
            return Err(error("too_large", format!("at most {} values are accepted", limits.max_values)));
        }
        let label = label.or_else(|| if called(at, SAMPLES) { of(at, LABELS) } else { None });
        used.extend(label);
        let words =
            |at: Option<usize>| at.map(|at| words(&members[at].bytes, &members[at].name, limits)).transpose();
        let said = Said { labels: words(label)?, groups: words(group)? };
        let mut decoded = samples(&array, &said, options, limits).map_err(place)?;
        let side = side(&kinds[at].1);
        for sample in &mut decoded {
            sample.metadata.insert("array".into(), members[at].name.clone());
            if let Some(side) = side {
                sample.metadata.insert(SIDE.into(), side.into());
            }
        }
        if out.len() + decoded.len() > MAX_SAMPLES {
            return Err(error("too_large", format!("at most {MAX_SAMPLES} samples are accepted")));
        }
        out.append(&mut decoded);
    }
    if let Some(first) = out.first_mut() {
        let mut tell =
            |kind: &str, message: String| first.findings.push(Finding { kind: kind.into(), message });
        for (_, member) in
            members.iter().enumerate().filter(|(at, _)| !taken.contains(at) && !used.contains(at))
        {
            tell("array_left_out", format!("array `{}` was left out", member.name.escape_debug()));
        }
    }
    Ok(out)
}

/// What a name is, and of which part: `x` and `train` of `X_train`.
fn parts(name: &str) -> (String, String) {
    let lower = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let (head, part) = lower.split_once('_').unwrap_or((&lower, ""));
    (head.to_owned(), part.to_owned())
}

/// The side of the split that samples are on whose array is called so.
fn side(part: &str) -> Option<&'static str> {
    let begins = |words: &[&str]| words.iter().any(|w| part.starts_with(w));
    match () {
        () if begins(&["test"]) => Some("testing"),
        () if begins(&["train", "val", "dev"]) => Some("training"),
        () => None,
    }
}

fn numbers(bytes: &[u8], limits: &Limits) -> Result<Array, String> {
    npy::parse_within(bytes, limits.max_values)
}

/// What is said of each sample.
#[derive(Default)]
struct Said {
    labels: Option<Vec<String>>,
    groups: Option<Vec<String>>,
}

impl Said {
    fn counts(&self) -> impl Iterator<Item = usize> {
        self.labels.iter().chain(&self.groups).map(Vec::len)
    }

    fn of(words: Option<&Vec<String>>, at: usize) -> Option<String> {
        words.and_then(|w| w.get(at)).filter(|w| !w.is_empty()).cloned()
    }
}

/// The words of an array of labels or groups: text, or numbers as text.
fn words(bytes: &[u8], name: &str, limits: &Limits) -> Result<Vec<String>, SampleError> {
    let place = |what: String| error("npy_data", format!("`{}`: {what}", name.escape_debug()));
    let (shape, words) = match npy::parse_text(bytes) {
        Ok(read) => read,
        Err(_) => {
            let array = numbers(bytes, limits).map_err(place)?;
            let text = |v: &f64| match array.element {
                ElementType::Bool => (*v != 0.0).to_string(),
                ElementType::F16 | ElementType::F32 => (*v as f32).to_string(),
                _ => v.to_string(),
            };
            (array.shape, array.values.iter().map(text).collect())
        }
    };
    match shape.as_slice() {
        [_] | [_, 1] => Ok(words.iter().map(|w| w.trim().to_owned()).collect()),
        _ => Err(place(format!("shape {shape:?}, and one label for each sample is expected: [samples]"))),
    }
}

/// How the values of an array are cut into samples.
struct Cut {
    samples: usize,
    frames: usize,
    axes: usize,
    /// Whether a sample is a row of values.
    rows: bool,
}

fn samples(
    array: &Array,
    said: &Said,
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    if let Some(rate) = options.rate_hz.filter(|r| !(r.is_finite() && *r > 0.0)) {
        return Err(error("options", format!("a rate of {rate} Hz is impossible")));
    }
    if array.values.is_empty() {
        return Err(error("empty", format!("an array of shape {:?} holds nothing", array.shape)));
    }
    let each = said.counts().next().is_some();
    let wanted = options.rows_are_samples;
    // Beside labels a row is a sample; with a rate it is the frames of one.
    let rows = wanted.unwrap_or(each && options.rate_hz.is_none());
    let cut = |samples, frames, axes, rows| Cut { samples, frames, axes, rows };
    let cut = match *array.shape.as_slice() {
        [n] if rows || each => cut(n, 1, 1, true),
        [n] => cut(1, n, 1, false),
        [n, values] if rows => cut(n, 1, values, true),
        [n, frames] if each => cut(n, frames, 1, false),
        [frames, axes] => cut(1, frames, axes, false),
        [n, frames, axes] => cut(n, frames, axes, false),
        [n, height, width, channels @ (1 | 3)] if array.element == ElementType::U8 => {
            return pictures(array, said, [n, height, width, channels], limits);
        }
        _ => {
            return Err(error(
                "npy_shape",
                format!(
                    "shape {:?} of {:?} is no recording; [frames], [frames, axes] and [recordings, frames, axes] are, and uint8 of [pictures, height, width, 1 or 3]",
                    array.shape, array.element
                ),
            ));
        }
    };
    check(said, cut.samples)?;
    let axes = axes(cut.axes, options)?;
    let rate_hz = if cut.rows { 0.0 } else { options.rate_hz.unwrap_or(0.0) };
    let mut out = Vec::with_capacity(cut.samples);
    for (at, part) in array.values.chunks_exact(cut.frames * cut.axes).enumerate() {
        let mut values = Vec::with_capacity(part.len());
        for (n, value) in part.iter().enumerate() {
            let single = *value as f32;
            // A row may lack a value where the caller says what stands for one.
            let missing = value.is_nan() && cut.rows && !options.missing.is_empty();
            if !single.is_finite() && !missing {
                let place = format!("sample {at}, frame {}, axis {}", n / cut.axes, n % cut.axes);
                return Err(error("not_finite", format!("{place}: {value} is not a finite 32-bit number")));
            }
            values.push(single);
        }
        let content = Content::Signal(Signal { rate_hz, axes: axes.clone(), values });
        out.push(decoded(content, said, at, cut.samples > 1, cut.rows));
    }
    if rate_hz == 0.0
        && cut.frames > 1
        && let Some(first) = out.first_mut()
    {
        first.findings.push(Finding {
            kind: "rate_unknown".into(),
            message: "an array says no rate; it must be given".into(),
        });
    }
    Ok(out)
}

fn check(said: &Said, samples: usize) -> Result<(), SampleError> {
    if samples > MAX_SAMPLES {
        return Err(error("too_large", format!("{samples} samples, at most {MAX_SAMPLES} are accepted")));
    }
    match said.counts().find(|n| *n != samples) {
        Some(n) => Err(error("npz_counts", format!("{n} labels or groups for {samples} samples"))),
        None => Ok(()),
    }
}

fn decoded(content: Content, said: &Said, at: usize, many: bool, row: bool) -> Decoded {
    let mut metadata = BTreeMap::new();
    if row {
        metadata.insert("row".to_owned(), (at + 1).to_string());
    } else if many {
        metadata.insert("recording".to_owned(), at.to_string());
    }
    Decoded {
        content,
        label: Said::of(said.labels.as_ref(), at),
        group: Said::of(said.groups.as_ref(), at),
        spans: Vec::new(),
        metadata,
        findings: Vec::new(),
    }
}

/// Names as of a table without any; those that the caller gives in order, when there are as many.
fn axes(count: usize, options: &CsvOptions) -> Result<Vec<Axis>, SampleError> {
    let units = |name: &String| options.units.get(name).cloned().unwrap_or_default();
    let names: Vec<String> = match &options.value_columns {
        Some(names) if names.len() == count => names.clone(),
        Some(names) => {
            let message =
                format!("the array has {count} axes, {} are named ({})", names.len(), names.join(", "));
            return Err(error("unknown_column", message));
        }
        None if count == 1 => vec!["value".into()],
        None => (1..=count).map(|n| format!("column{n}")).collect(),
    };
    Ok(names.into_iter().map(|name| Axis { units: units(&name), name }).collect())
}

fn pictures(
    array: &Array,
    said: &Said,
    [samples, height, width, channels]: [usize; 4],
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    check(said, samples)?;
    if (width as u64).saturating_mul(height as u64) > limits.max_pixels {
        return Err(error(
            "too_large",
            format!("{width} x {height} pixels, at most {} are accepted", limits.max_pixels),
        ));
    }
    let parts = array.values.chunks_exact(height * width * channels).enumerate();
    let picture = |(at, part): (usize, &[f64])| {
        let pixels = part.iter().map(|v| *v as u8).collect();
        decoded(Content::Image(Image { width, height, channels, pixels }), said, at, samples > 1, false)
    };
    Ok(parts.map(picture).collect())
}
