//! Slices: the windows whose recordings share a fact (a group, a value of the metadata), so that a figure that is good on the whole
//! does not hide who it fails.

use super::{
    clean::Silver,
    gold::WindowAt,
    test::{Figures, Truth},
};
use crate::{EngineError, dataset, project::EvaluationSection, session::Session};
use edgewright_impulse::{Impulse, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Name of the slices by group.
pub(crate) const GROUP: &str = "group";
/// Values that a fact has, for which slices are made without being asked for: more are names of single recordings.
const VALUES: usize = 24;
/// Values of a fact that is asked for, at most.
const ASKED_VALUES: usize = 1000;
/// Facts for which slices are made without being asked for, at most.
const FACTS: usize = 12;
/// Windows that a slice must have to be held against a floor or called the weakest.
pub(crate) const JUDGED: usize = 10;

/// Figures in int8 of the test windows whose recordings share a fact. What does not apply is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// `group`, or a key of the metadata.
    pub by: String,
    /// What they share.
    pub value: String,
    /// Recordings with a window in it.
    pub samples: usize,
    /// Windows with a figure.
    pub windows: usize,
    /// Share that is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval of accuracy or R2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Mean F1 of the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<f64>,
    /// F1 of the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Coefficient of determination within the slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
    /// Mean absolute error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Area under the ROC curve of the anomaly score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
}

impl Slice {
    /// Share that is right, of windows or of objects.
    pub fn share(&self) -> Option<f64> {
        self.accuracy.or(self.f1)
    }

    /// As it is spoken of.
    pub fn name(&self) -> String {
        format!("{} = {}", self.by, self.value)
    }
}

/// Of the slices with at least ten windows the one with the smallest share that is right; of equals the first.
pub fn weakest(slices: &[Slice]) -> Option<&Slice> {
    let judged = slices.iter().filter(|s| s.windows >= JUDGED);
    judged.filter_map(|s| Some((s.share()?, s))).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, s)| s)
}

/// A fact of recordings: its name, and the value of each recording that has one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Fact {
    pub name: String,
    /// By number of the silver sample.
    pub of: BTreeMap<usize, String>,
}

/// Metadata of the samples that are wanted, by id: as it came, and what a person set over it.
///
/// # Errors
/// Those of the store.
pub(crate) fn details(
    session: &Session<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<HashMap<String, BTreeMap<String, String>>, EngineError> {
    /// The part that is told.
    #[derive(Deserialize)]
    struct Told {
        #[serde(default)]
        metadata: BTreeMap<String, String>,
    }
    let rows = session.store.list_metadata()?;
    rows.into_iter()
        .filter(|(id, _, _)| wanted(id))
        .map(|(id, text, facts)| {
            let mut told: Told = serde_json::from_str(&text)
                .map_err(|e| EngineError::Internal(format!("sample {id}: {e}")))?;
            dataset::lay_over(&mut told.metadata, &dataset::facts(&id, facts.as_deref())?);
            Ok((id, told.metadata))
        })
        .collect()
}

/// A fact of all these samples, whatever values it has.
///
/// # Errors
/// Those of the store.
pub(crate) fn fact(
    session: &Session<'_>,
    silver: &Silver,
    samples: &BTreeSet<usize>,
    name: &str,
) -> Result<Fact, EngineError> {
    let mut all = all(session, silver, samples)?;
    Ok(Fact { name: name.to_owned(), of: all.remove(name).unwrap_or_default() })
}

fn all(
    session: &Session<'_>,
    silver: &Silver,
    samples: &BTreeSet<usize>,
) -> Result<BTreeMap<String, BTreeMap<usize, String>>, EngineError> {
    let ids: BTreeMap<&str, usize> = samples.iter().map(|&s| (silver.samples[s].id.as_str(), s)).collect();
    let mut out: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for (id, metadata) in details(session, |id| ids.contains_key(id))? {
        for (key, value) in metadata {
            out.entry(key).or_default().insert(ids[id.as_str()], value);
        }
    }
    // A key of this name says less than what samples were kept together by.
    let groups: BTreeMap<usize, String> =
        samples.iter().filter_map(|&s| Some((s, silver.samples[s].group.clone()?))).collect();
    if !groups.is_empty() {
        out.insert(GROUP.into(), groups);
    }
    Ok(out)
}

/// The facts by which these samples are sliced: those that the project names, else all that divide them into a few parts.
///
/// # Errors
/// Those of the store.
pub(crate) fn facts(
    session: &Session<'_>,
    silver: &Silver,
    samples: &BTreeSet<usize>,
) -> Result<Vec<Fact>, EngineError> {
    let mut all = all(session, silver, samples)?;
    let values = |of: &BTreeMap<usize, String>| of.values().collect::<BTreeSet<_>>().len();
    if let Some(asked) = &session.project.file.evaluation.slices {
        let fact = |name: &String| Fact { name: name.clone(), of: all.remove(name).unwrap_or_default() };
        let facts: Vec<Fact> = asked.iter().map(fact).collect();
        if let Some(fact) = facts.iter().find(|f| values(&f.of) > ASKED_VALUES) {
            return Err(EngineError::Data(format!(
                "`evaluation.slices` names `{}`, which has {} values among the test recordings; at most {ASKED_VALUES} make slices",
                fact.name,
                values(&fact.of)
            )));
        }
        return Ok(facts);
    }
    let few = all.into_iter().filter(|(_, of)| (2..=VALUES).contains(&values(of)));
    Ok(few.take(FACTS).map(|(name, of)| Fact { name, of }).collect())
}

/// Figures of each slice of the test windows, in the order of the facts and values.
pub(super) fn figures(
    facts: &[Fact],
    truth: &Truth,
    windows: &[WindowAt],
    impulse: &Impulse,
    outcomes: &[Outcome],
) -> Vec<Slice> {
    let mut out = Vec::new();
    for fact in facts {
        let mut rows: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
        for (row, window) in windows.iter().enumerate() {
            if let Some(value) = fact.of.get(&window.sample) {
                rows.entry(value).or_default().push(row);
            }
        }
        for (value, rows) in rows {
            let said: Vec<Outcome> = rows.iter().map(|&r| outcomes[r].clone()).collect();
            let figures: Figures = truth.of(&rows).figures(impulse, &said);
            let samples: BTreeSet<usize> = rows.iter().map(|&r| windows[r].sample).collect();
            let told = figures.accuracy.or(figures.r2).is_some();
            out.push(Slice {
                by: fact.name.clone(),
                value: value.clone(),
                samples: samples.len(),
                windows: figures.windows,
                accuracy: figures.accuracy,
                low: figures.low.filter(|_| told),
                high: figures.high.filter(|_| told),
                macro_f1: figures.macro_f1,
                f1: figures.f1,
                r2: figures.r2,
                mae: figures.mae,
                auroc: figures.auroc,
            });
        }
    }
    out
}

/// Said when a slice is plainly worse than all windows together.
pub(super) fn verdict(slices: &[Slice], whole: &Figures) -> Option<String> {
    let slice = weakest(slices)?;
    let (share, all) = (slice.share()?, whole.accuracy.or(whole.f1)?);
    // Where there is an interval it must not reach what all reach.
    let plainly = slice.high.map_or(share < all - 0.1, |high| high < all);
    let what = if slice.accuracy.is_some() { "windows" } else { "objects" };
    plainly.then(|| {
        format!(
            "weakest slice: {} has {:.0} % of its {what} right, all together {:.0} %",
            slice.name(),
            share * 100.0,
            all * 100.0
        )
    })
}

/// What of the floor for the weakest slice was missed.
pub(crate) fn missed(evaluation: &EvaluationSection, slices: &[Slice]) -> Vec<String> {
    let mut out = Vec::new();
    for name in evaluation.slices.iter().flatten() {
        if !slices.iter().any(|s| s.by == *name) {
            out.push(format!(
                "evaluation.slices: no test recording has the fact `{name}`: it is neither their group nor in their metadata"
            ));
        }
    }
    let Some(floor) = evaluation.min_slice_accuracy else { return out };
    match weakest(slices) {
        None => out.push(format!(
            "evaluation.min_slice_accuracy: no slice of {JUDGED} test windows or more has an accuracy to hold it against: recordings need groups or metadata"
        )),
        Some(slice) => {
            let share = slice.share().unwrap_or_default();
            if share < floor {
                let hint = if floor > 1.0 { "; the figure is a share of 1" } else { "" };
                out.push(format!(
                    "evaluation.min_slice_accuracy: {share:.4} of {} ({} windows) is below {floor}{hint}",
                    slice.name(),
                    slice.windows
                ));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(value: &str, windows: usize, accuracy: f64) -> Slice {
        serde_json::from_value(serde_json::json!({
            "by": "speaker", "value": value, "samples": 1, "windows": windows, "accuracy": accuracy,
        }))
        .expect("a slice")
    }

    #[test]
    fn a_slice_of_few_windows_is_not_held_against_the_floor() {
        let slices = [slice("ann", 40, 0.95), slice("bob", 40, 0.7), slice("eve", JUDGED - 1, 0.1)];
        assert_eq!(weakest(&slices).map(|s| s.value.as_str()), Some("bob"));
        let floor = |min| EvaluationSection { min_slice_accuracy: Some(min), ..EvaluationSection::default() };
        assert!(missed(&floor(0.7), &slices).is_empty());
        let told = missed(&floor(0.71), &slices);
        assert_eq!(
            told,
            ["evaluation.min_slice_accuracy: 0.7000 of speaker = bob (40 windows) is below 0.71"]
        );
        assert_eq!(missed(&floor(0.0), &slices[2..]).len(), 1, "nothing to hold it against is a miss");
        let asked = EvaluationSection { slices: Some(vec!["room".into()]), ..EvaluationSection::default() };
        assert!(missed(&asked, &slices)[0].contains("`room`"));
    }
}
