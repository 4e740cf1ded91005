//! What looks wrong with the data set.

use super::{boxes, ranges};
use crate::{
    EngineError,
    session::Session,
    stages::{clean, import, split},
};
use edgewright_store::Hash;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// A problem of the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanFinding {
    /// Stable word, such as `duplicate`.
    pub kind: String,
    /// Name of the sample, or empty when it is about the whole set.
    pub sample: String,
    /// Id of the sample.
    pub id: String,
    /// What it is and what to do.
    pub message: String,
    /// The label that would mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The findings, as they come.
#[derive(Default)]
struct Found(Vec<ScanFinding>);

impl Found {
    fn add(&mut self, kind: &str, sample: &str, id: &str, message: String) {
        self.0.push(ScanFinding {
            kind: kind.into(),
            sample: sample.into(),
            id: id.into(),
            message,
            label: None,
        });
    }
}

/// Finds problems: refused files, samples that cannot be used, duplicates and near duplicates, rates and lengths unlike those of the
/// others, flags of cleaning, labels that look misspelt, classes that are too small or too different in size, and signs that training
/// and test know of each other.
///
/// # Errors
/// Those of the stages.
pub fn scan(session: &Session<'_>) -> Result<Vec<ScanFinding>, EngineError> {
    let bronze = import::run(session)?;
    let mut found = Found::default();
    for q in &bronze.value.quarantined {
        found.add("quarantined", &q.file, "", q.reason.clone());
    }
    let received = bronze.value.samples(session)?;
    same_bytes(&received, &mut found);
    misnamed(&received, &mut found);
    odd_rates(&received, &mut found);
    odd_lengths(&received, &mut found);
    let silver = clean::run(session, &bronze)?;
    for left_out in &silver.value.rejected {
        found.add(&left_out.kind, &left_out.file, &left_out.id, left_out.reason.clone());
    }
    for twin in &silver.value.twins {
        let (kind, more) = if twin.same_label {
            ("duplicate", "")
        } else {
            ("label_conflict", ", which is labelled otherwise")
        };
        found.add(kind, &twin.name, &twin.id, format!("same values as {}{more}", twin.of));
    }
    nearly_the_same(&silver.value, &mut found);
    for s in &silver.value.samples {
        for (kind, message) in &s.flags {
            found.add(kind, &s.name, &s.id, message.clone());
        }
    }
    let split = split::run(session, &silver)?;
    for leak in &split.value.leaks {
        found.add("leakage", "", "", leak.clone());
    }
    Ok(found.0)
}

/// Samples without a label, and with the bytes of another one.
fn same_bytes(received: &[import::Received], found: &mut Found) {
    let mut first: HashMap<(&Hash, usize), &import::Received> = HashMap::with_capacity(received.len());
    for s in received {
        if s.label.is_none() && s.ranges.is_empty() && s.boxes.is_none() {
            found.add("unlabelled", &s.name, &s.id, "has no label; it trains and tests nothing".into());
        }
        match first.get(&(&s.blob, s.index)) {
            Some(original) if original.label != s.label => found.add(
                "label_conflict",
                &s.name,
                &s.id,
                format!(
                    "same bytes as {} but labelled `{}` there and `{}` here",
                    original.name,
                    original.label.as_deref().unwrap_or(""),
                    s.label.as_deref().unwrap_or("")
                ),
            ),
            Some(original) => {
                found.add("duplicate", &s.name, &s.id, format!("same bytes as {}", original.name));
            }
            None => {
                first.insert((&s.blob, s.index), s);
            }
        }
    }
}

/// Each sample that is nearly the same as an earlier one, once. Who disables them has no such pair left.
fn nearly_the_same(silver: &clean::Silver, found: &mut Found) {
    let mut earlier: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for near in &silver.near {
        earlier.entry(near.second).or_default().push(near);
    }
    for (second, pairs) in earlier {
        let (sample, first) = (&silver.samples[second], &silver.samples[pairs[0].first]);
        let more = match pairs.len() - 1 {
            0 => String::new(),
            n => format!(", and as {n} more"),
        };
        let labels = match first.label == sample.label {
            true => String::new(),
            false => format!(
                "; labelled `{}` there and `{}` here",
                first.label.as_deref().unwrap_or(""),
                sample.label.as_deref().unwrap_or("")
            ),
        };
        found.add(
            "near_duplicate",
            &sample.name,
            &sample.id,
            format!("nearly the same as {} ({}){more}{labels}", first.name, pairs[0].how),
        );
    }
}

/// Recordings that say another rate than nearly all others.
fn odd_rates(received: &[import::Received], found: &mut Found) {
    let with: Vec<(&import::Received, f64)> =
        received.iter().filter(|s| s.info.rate_hz > 0.0).map(|s| (s, s.info.rate_hz)).collect();
    for (sample, rate, usual, share) in outliers(&with, 0.05, 0.9) {
        found.add(
            "other_rate",
            &sample.name,
            &sample.id,
            format!(
                "says {rate} Hz, {:.0} % of the recordings say {usual} Hz; it is resampled, and is wrong if it was recorded at {usual} Hz: \
                 then import it again with `--rate {usual}`",
                share * 100.0
            ),
        );
    }
}

/// Recordings that are shorter than nearly all others, which have one length.
fn odd_lengths(received: &[import::Received], found: &mut Found) {
    let long = |s: &import::Received| match s.info.rate_hz > 0.0 {
        true => s.info.frames as f64 * 1000.0 / s.info.rate_hz,
        false => s.info.frames as f64,
    };
    let with: Vec<(&import::Received, f64)> = received
        .iter()
        .filter(|s| s.info.image.is_none() && s.info.frames > 1)
        .map(|s| (s, long(s)))
        .collect();
    for (sample, ms, usual, share) in outliers(&with, 0.02, 0.95) {
        let unit = if sample.info.rate_hz > 0.0 { "ms" } else { "frames" };
        if ms < usual * 0.9 {
            found.add(
                "short",
                &sample.name,
                &sample.id,
                format!(
                    "has {ms:.0} {unit}, {:.0} % of the recordings have {usual:.0}: look whether it was cut off",
                    share * 100.0
                ),
            );
        }
    }
}

/// Samples whose number is not within `near` (a share) of the usual one, when at least `share` of 20 or more are: with their number, the
/// usual one, and the share of those that have it.
fn outliers<'r>(
    with: &[(&'r import::Received, f64)],
    near: f64,
    share: f64,
) -> Vec<(&'r import::Received, f64, f64, f64)> {
    let mut sorted: Vec<f64> = with.iter().map(|(_, n)| *n).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&usual) = sorted.get(sorted.len() / 2) else { return Vec::new() };
    let is_usual = |n: f64| (n - usual).abs() <= near * usual;
    let own = sorted.iter().filter(|n| is_usual(**n)).count() as f64 / sorted.len() as f64;
    if sorted.len() < 20 || own < share {
        return Vec::new();
    }
    with.iter().filter(|(_, n)| !is_usual(*n)).map(|(s, n)| (*s, *n, usual, own)).collect()
}

/// Labels that look like slips, each with the samples that carry it, and what is odd about the labels as a whole.
fn misnamed(received: &[import::Received], found: &mut Found) {
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for s in received {
        for name in ranges::names(&s.ranges).into_iter().chain(boxes::names(s.boxes.as_deref())) {
            *labels.entry(name).or_default() += 1;
        }
        if let Some(label) = &s.label {
            *labels.entry(label).or_default() += 1;
        }
    }
    for problem in label_problems(&labels) {
        let LabelProblem { kind, label, message, meant } = problem;
        let carried = received.iter().filter(|s| meant.is_some() && s.label == label);
        let before = found.0.len();
        for s in carried {
            found.add(kind, &s.name, &s.id, message.clone());
        }
        if found.0.len() == before {
            found.add(kind, "", "", message);
        }
        found.0[before..].iter_mut().for_each(|f| f.label = meant.clone());
    }
}

/// Something odd about labels.
#[derive(Debug, PartialEq, Eq)]
struct LabelProblem {
    kind: &'static str,
    /// The label that it is about.
    label: Option<String>,
    message: String,
    /// What it was meant to be.
    meant: Option<String>,
}

/// A label without what people type now one way, now another: case, spaces, `_` and `-` between words.
fn plain(label: &str) -> String {
    let words = label.split(|c: char| c.is_whitespace() || c == '_' || c == '-').filter(|w| !w.is_empty());
    // A sign before a number is no hyphen.
    let sign = if label.trim_start().starts_with('-') { "-" } else { "" };
    format!("{sign}{}", words.collect::<String>().to_lowercase())
}

/// Whether `label` of `n` samples looks like a slip of `other` of `m` samples.
fn slip_of(label: &str, n: usize, other: &str, m: usize) -> bool {
    if label == other || n > m {
        return false;
    }
    if plain(label) == plain(other) {
        // Of two that are equally frequent one is the slip.
        return n < m || label > other;
    }
    // Labels that are numbered are different labels.
    let digits = |l: &str| l.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits(label) != digits(other) {
        return false;
    }
    let (a, b) = (plain(label), plain(other));
    let length = a.chars().count().max(b.chars().count());
    let distance = strsim::damerau_levenshtein(&a, &b);
    // Short words that differ in a letter are often two words; a slip is rare as well.
    match distance {
        1 if length <= 4 => length > 2 && m >= n.saturating_mul(10),
        1 => m >= n.saturating_mul(5),
        2 => length >= 7 && m >= n.saturating_mul(10),
        _ => false,
    }
}

/// Labels that are rare beside the others, or rare and like another one.
fn label_problems(labels: &BTreeMap<&str, usize>) -> Vec<LabelProblem> {
    let mut out = Vec::new();
    let mut add = |kind, label: Option<&str>, message, meant: Option<&str>| {
        let (label, meant) = (label.map(str::to_owned), meant.map(str::to_owned));
        out.push(LabelProblem { kind, label, message, meant });
    };
    // Numbers are values of a regression, not names. Where nearly all are, a word among them is a slip.
    let is_number = |l: &str| l.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let numbers = labels.keys().filter(|l| is_number(l)).count();
    if numbers > 20 && numbers * 10 >= labels.len() * 9 {
        for (label, n) in labels.iter().filter(|(l, _)| !is_number(l)) {
            let message = format!(
                "label `{label}` ({n} samples) is no number, nearly all others are; a regression leaves it out"
            );
            add("label_not_number", Some(label), message, None);
        }
        return out;
    }
    if labels.is_empty() {
        return out;
    }
    for (&label, &n) in labels {
        // Of several the most frequent one, of equals the first.
        let like = labels
            .iter()
            .filter(|&(&other, &m)| slip_of(label, n, other, m))
            .max_by_key(|&(&other, &m)| (m, std::cmp::Reverse(other)));
        if let Some((other, m)) = like {
            let message = format!("label `{label}` ({n} samples) looks like `{other}` ({m} samples)");
            add("label_typo", Some(label), message, Some(other));
        } else if n == 1 {
            let message = format!("label `{label}` has one sample; it cannot both train and test");
            add("class_too_small", Some(label), message, None);
        }
    }
    let (most, least) =
        (labels.values().max().copied().unwrap_or(0), labels.values().min().copied().unwrap_or(0));
    if labels.len() > 1 && most > least.saturating_mul(10) {
        let message = format!("the largest class has {most} samples, the smallest {least}");
        add("imbalance", None, message, None);
    }
    if labels.len() == 1 {
        let only = labels.keys().next().copied().unwrap_or("");
        let message = format!("every sample is labelled `{only}`; a classifier needs at least two labels");
        add("one_label", None, message, None);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each label is taken for.
    fn meant(labels: &[(&str, usize)]) -> Vec<(String, String)> {
        let labels = labels.iter().copied().collect();
        let problems = label_problems(&labels).into_iter();
        problems.filter_map(|p| Some((p.label?, p.meant?))).collect()
    }

    fn pair(a: &str, b: &str) -> (String, String) {
        (a.into(), b.into())
    }

    #[test]
    fn a_misspelt_label_is_found() {
        assert_eq!(meant(&[("walking", 40), ("walkin", 2), ("idle", 38)]), [pair("walkin", "walking")]);
        assert_eq!(meant(&[("walking", 40), ("wlaknig", 2), ("idle", 38)]), [pair("wlaknig", "walking")]);
        // Whatever their numbers, these are one label.
        let cases =
            [("Walking", 40), ("walking", 38), ("going up", 9), ("going_up", 9), ("idle ", 1), ("idle", 50)];
        let expected = [pair("going_up", "going up"), pair("idle ", "idle"), pair("walking", "Walking")];
        assert_eq!(meant(&cases), expected);
    }

    #[test]
    fn labels_that_are_alike_on_purpose_are_left_alone() {
        assert_eq!(meant(&[("class1", 1), ("class2", 40), ("class10", 2), ("class11", 90)]), []);
        assert_eq!(
            meant(&[("cat", 40), ("bat", 8), ("on", 50), ("off", 50), ("tree", 30), ("three", 60)]),
            []
        );
        assert_eq!(meant(&[("-1", 3), ("1", 80), ("a", 2), ("b", 80)]), []);
    }

    #[test]
    fn a_word_among_numbers_is_found_and_the_numbers_are_no_classes() {
        let numbers: Vec<String> = (0..30).map(|n| format!("{}.5", n)).collect();
        let mut labels: BTreeMap<&str, usize> = numbers.iter().map(|n| (n.as_str(), 1)).collect();
        assert!(label_problems(&labels).is_empty());
        labels.insert("n/a", 2);
        let problems = label_problems(&labels);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].kind == "label_not_number" && problems[0].message.contains("`n/a` (2 samples)"));
    }
}
