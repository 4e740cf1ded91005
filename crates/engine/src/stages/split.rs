//! Stage `split`: which samples train, which validate, which test.

use super::clean::{Cleaned, Silver};
use crate::{
    EngineError,
    dataset::{
        boxes,
        ranges::{main_label, names},
    },
    project::LearnKind,
    session::{Key, Session, Staged},
};
use edgewright_etl::{Category, SplitItem, SplitSpec};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Label of the training samples of an anomaly project.
pub const NORMAL: &str = "normal";

/// Side of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Fits the weights.
    Training,
    /// Watches training.
    Validation,
    /// Only tests.
    Testing,
}

impl Side {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Testing => "testing",
        }
    }
}

/// Sides of all samples of the silver level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// One per silver sample, in its order.
    pub sides: Vec<Side>,
    /// Signs that training and test know of each other.
    pub leaks: Vec<String>,
}

/// Why there is so little: what was refused at import, the first of it.
fn why_none(session: &Session<'_>) -> Result<String, EngineError> {
    let refused = session.store.list_quarantine()?;
    let lines: Vec<String> =
        refused.iter().take(3).map(|q| format!("\n  {}: {}", q.name, q.reason)).collect();
    Ok(match refused.len() {
        0 => String::new(),
        n => format!("; {n} files were refused, such as{}", lines.concat()),
    })
}

/// Decides the sides.
///
/// # Errors
/// [`EngineError::Data`] when no sample is left to train on.
pub fn run(session: &Session<'_>, silver: &Staged<Silver>) -> Result<Staged<Split>, EngineError> {
    let file = &session.project.file;
    let mut key = Key::new("split");
    key.text("silver", &silver.hash.to_string())
        .value("split", &file.split)
        .value("anomaly_only", &anomaly_only(session))
        .value("regression", &regression(session))
        .value("seed", &session.seed);
    session.stage("split", &key.finish(), || build(session, &silver.value))
}

/// Whether the impulse learns nothing but what is normal.
pub fn anomaly_only(session: &Session<'_>) -> bool {
    let learn = &session.project.file.impulse.learn;
    !learn.is_empty() && learn.iter().all(|l| l.kind == LearnKind::Anomaly)
}

/// Whether the labels are numbers to estimate.
fn regression(session: &Session<'_>) -> bool {
    session.project.file.impulse.learn.iter().any(|l| l.kind == LearnKind::Regression)
}

/// The labels of a sample that the sides share: of a recording with labelled parts all of them, of a picture the one of most boxes.
fn labels(sample: &Cleaned) -> Vec<&str> {
    if let Some(label) = &sample.label {
        return vec![label];
    }
    let parts = names(&sample.ranges);
    if parts.is_empty() {
        boxes::main_label(sample.boxes.as_deref()).into_iter().collect()
    } else {
        parts.into_iter().collect()
    }
}

/// What is to be assigned, and how many samples only test because they are not normal. `free`: also samples that a person or a folder put
/// into training or testing.
fn items<'s>(session: &Session<'_>, silver: &'s Silver, free: bool) -> (Vec<SplitItem<'s>>, usize) {
    let only_normal = anomaly_only(session) && silver.has_normal();
    let regression = regression(session);
    let mut moved = 0;
    let items = silver
        .samples
        .iter()
        .map(|s| {
            let mut fixed = match s.category.as_str() {
                "training" if !free => Some(Category::Training),
                "testing" if !free => Some(Category::Testing),
                _ => None,
            };
            // What is not normal cannot train a model of the normal; it tests.
            let normal = s.label.as_deref().or(main_label(&s.ranges)) == Some(NORMAL);
            if only_normal && !normal && fixed != Some(Category::Testing) {
                fixed = Some(Category::Testing);
                moved += 1;
            }
            SplitItem {
                id: &s.id,
                // Numbers are no classes to be found on both sides.
                labels: if regression { Vec::new() } else { labels(s) },
                group: s.group.as_deref(),
                content: &s.content,
                fixed,
            }
        })
        .collect();
    (items, moved)
}

/// The sides that these shares would give, with the label of each sample as the split sees it. Nothing is kept.
///
/// # Errors
/// [`EngineError::Data`] for shares that cannot be.
pub(crate) fn would_be<'s>(
    session: &Session<'_>,
    silver: &'s Silver,
    (test, validation): (f64, f64),
    free: bool,
) -> Result<Vec<(&'s str, Side)>, EngineError> {
    let (items, _) = items(session, silver, free);
    let sides = assigned(&items, &SplitSpec { test, validation, seed: session.seed })?;
    Ok(items.iter().zip(sides).map(|(i, side)| (i.labels.first().copied().unwrap_or(""), side)).collect())
}

/// Sides for each fold of a cross-validation: what lies in the fold tests, of the rest the project's share validates, and what the project
/// itself tests on is on no side that trains: it has no windows among those that train either.
///
/// # Errors
/// [`EngineError::Data`] when there are fewer units (recordings, or groups of them) than folds.
pub(crate) fn folds(
    session: &Session<'_>,
    silver: &Silver,
    count: usize,
) -> Result<Vec<Vec<Side>>, EngineError> {
    let spec = &session.project.file.split;
    let (mut items, _) = items(session, silver, false);
    let shares = SplitSpec { test: spec.test, validation: 0.0, seed: session.seed };
    let sides = assigned(&items, &shares)?;
    for (item, side) in items.iter_mut().zip(sides) {
        item.fixed = Some(if side == Side::Testing { Category::Testing } else { Category::Training });
    }
    let folds = edgewright_etl::folds(&items, count, session.seed);
    if let Some(empty) = (0..count).find(|n| !folds.contains(&Some(*n))) {
        return Err(EngineError::Data(format!(
            "the training recordings, with whole groups on one side, fill {empty} folds, not {count}\nhint: `--folds {empty}`, or import more recordings"
        )));
    }
    let shares = SplitSpec { test: 0.0, validation: spec.validation, seed: session.seed };
    (0..count)
        .map(|n| {
            let mut items = items.clone();
            for (item, fold) in items.iter_mut().zip(&folds) {
                if *fold == Some(n) {
                    item.fixed = Some(Category::Testing);
                }
            }
            assigned(&items, &shares)
        })
        .collect()
}

fn assigned(items: &[SplitItem<'_>], spec: &SplitSpec) -> Result<Vec<Side>, EngineError> {
    let assigned = edgewright_etl::assign(items, spec).map_err(|e| EngineError::Data(e.to_string()))?;
    let side = |c: &Category| match c {
        Category::Training => Side::Training,
        Category::Validation => Side::Validation,
        Category::Testing => Side::Testing,
    };
    Ok(assigned.iter().map(side).collect())
}

/// Samples that are nearly the same, of which one tests and the other does not, as sentences.
fn nearly_across(silver: &Silver, tests: impl Fn(usize) -> bool) -> Vec<String> {
    let across = silver.near.iter().filter(|n| tests(n.first) != tests(n.second));
    across
        .map(|n| {
            let [first, second] = [n.first, n.second].map(|i| &silver.samples[i].name);
            format!("nearly the same trains and tests: {first} and {second} ({})", n.how)
        })
        .collect()
}

fn build(session: &Session<'_>, silver: &Silver) -> Result<(Split, Vec<String>), EngineError> {
    let spec = &session.project.file.split;
    let has_normal = silver.has_normal();
    let (items, moved) = items(session, silver, false);
    let shares = SplitSpec { test: spec.test, validation: spec.validation, seed: session.seed };
    let sides = assigned(&items, &shares)?;
    let tests = |i: usize| sides[i] == Side::Testing;
    let mut leaks: Vec<String> =
        edgewright_etl::leakage(&items, tests).into_iter().map(|l| l.to_string()).collect();
    leaks.extend(nearly_across(silver, tests));
    let mut counts: BTreeMap<Side, usize> = BTreeMap::new();
    for side in &sides {
        *counts.entry(*side).or_default() += 1;
    }
    let count = |side| counts.get(&side).copied().unwrap_or(0);
    if count(Side::Training) == 0 {
        return Err(EngineError::Data(format!(
            "no sample is left to train on{}\nhint: import some with `--category training` or `--category split`",
            why_none(session)?
        )));
    }
    let mut notes = vec![format!(
        "{} samples train, {} validate, {} test",
        count(Side::Training),
        count(Side::Validation),
        count(Side::Testing)
    )];
    if anomaly_only(session) && !has_normal {
        let found: BTreeSet<&str> = items.iter().flat_map(|i| i.labels.iter().copied()).collect();
        if let Some(first) = found.first() {
            let all: Vec<String> = found.iter().take(8).map(|l| format!("`{l}`")).collect();
            notes.push(format!(
                "nothing is labelled `{NORMAL}` ({}): everything trains and no AUROC can be told; name what is normal with `[labels]` and `\"{first}\" = \"{NORMAL}\"`",
                all.join(", ")
            ));
        }
    }
    if moved > 0 {
        notes.push(format!("{moved} samples that are not `{NORMAL}` only test"));
    }
    if count(Side::Testing) == 0 {
        notes.push("no sample tests: the figures of the test stage will be missing".into());
    }
    let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
    for label in items.iter().flat_map(|i| &i.labels) {
        *alone.entry(label).or_default() += 1;
    }
    for (label, _) in alone.iter().filter(|(_, n)| **n == 1).take(5) {
        notes.push(format!("label `{label}` has one sample, so it can only train or only test; record more"));
    }
    if !leaks.is_empty() {
        notes.push(format!("{} signs of leakage, such as: {}", leaks.len(), leaks[0]));
    }
    Ok((Split { sides, leaks }, notes))
}
