//! Where a classifier errs: labels, slices by metadata, regions of feature space.

use crate::{
    EngineError,
    classify::best,
    map,
    session::Session,
    stages::{clean::Silver, features::Gold, gold::WindowAt, slices, test::Truth},
};
use edgewright_impulse::Outcome;
use edgewright_ml::{kmeans, metrics};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Values of a key of the metadata that are told apart; a key with more is a name of recordings rather than a property.
const VALUES: usize = 40;
/// Windows of a slice or region of which something is said.
const FEW: usize = 5;
/// Slices that are told, the weakest first.
const TOLD: usize = 20;
/// Examples of a region.
const EXAMPLES: usize = 3;

/// How windows of a part are classified.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Windows that did not train.
    pub windows: usize,
    /// Recordings that they are of.
    pub recordings: usize,
    /// Share of the windows that is right.
    pub value: f64,
    /// Lower end of its 95 % interval, which knows that windows of one recording are alike.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether the whole interval lies below the share of all windows.
    pub below: bool,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeakLabel {
    /// The label.
    pub label: String,
    /// Recall.
    #[serde(flatten)]
    pub share: Share,
    /// What most of the missed windows are taken for.
    pub taken_for: Option<String>,
    /// Recordings of it that train.
    pub training_samples: usize,
}

/// Samples with one value of a key of their metadata, or of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeakSlice {
    /// Key; `group` for the group.
    pub key: String,
    /// Value.
    pub value_of: String,
    /// Accuracy.
    #[serde(flatten)]
    pub share: Share,
    /// Recordings of it that train.
    pub training_samples: usize,
}

/// Windows whose features lie together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeakRegion {
    /// Accuracy.
    #[serde(flatten)]
    pub share: Share,
    /// Labels of its windows, the most frequent first, with how many have each.
    pub labels: Vec<(String, usize)>,
    /// Share of all judged windows that lie there, 0..1.
    pub share_of_windows: f64,
    /// Share of training windows that lie there, 0..1: one that is much smaller is where data are missing.
    pub share_of_training: f64,
    /// Windows there that are wrong, the surest first.
    pub examples: Vec<Example>,
}

/// A window that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// Id of its sample.
    pub sample: String,
    /// Name of its sample.
    pub name: String,
    /// Where it begins in the cleaned recording, in ms.
    pub start_ms: f64,
    /// What it is.
    pub is: String,
    /// What is said.
    pub said: String,
}

/// Windows that did not train, and what the impulse says of them.
pub struct Judged<'a> {
    pub silver: &'a Silver,
    pub gold: &'a Gold,
    /// All of them.
    pub windows: &'a [WindowAt],
    /// Features of one of them.
    pub read: &'a dyn Fn(usize, &mut [f32]) -> std::io::Result<()>,
    pub truth: &'a Truth,
    pub outcomes: &'a [Outcome],
    /// Samples that train.
    pub training: &'a [usize],
    pub seed: u64,
}

impl Judged<'_> {
    /// What is known of a window: what it is and what is said, where it has a label that was trained.
    fn pair(&self, window: usize) -> Option<(usize, usize)> {
        Some((self.truth.class[window]?, best(&self.outcomes[window].scores)?))
    }

    fn share(&self, picked: &[usize], overall: Option<f64>) -> Share {
        let pairs = picked.iter().filter_map(|&w| Some((w, self.pair(w)?)));
        let (right, parts): (Vec<bool>, Vec<(usize, usize)>) =
            pairs.map(|(w, (is, said))| (is == said, (self.windows[w].sample, is))).unzip();
        let interval = metrics::clustered(&right, &parts);
        let recordings: BTreeSet<usize> = parts.iter().map(|p| p.0).collect();
        Share {
            windows: right.len(),
            recordings: recordings.len(),
            value: interval.value,
            low: interval.low,
            high: interval.high,
            below: overall.is_some_and(|all| interval.high < all),
        }
    }

    /// All windows with a label that was trained.
    fn known(&self) -> Vec<usize> {
        (0..self.windows.len()).filter(|&w| self.pair(w).is_some()).collect()
    }

    /// Of all windows.
    pub fn overall(&self) -> Share {
        self.share(&self.known(), None)
    }

    fn trains(&self, is: impl Fn(usize) -> bool) -> usize {
        self.training.iter().filter(|&&s| is(s)).count()
    }

    /// Labels, the one with the least recall first.
    pub fn labels(&self, overall: f64) -> Vec<WeakLabel> {
        let known = self.known();
        let mut out: Vec<WeakLabel> = Vec::new();
        for (class, label) in self.truth.labels.iter().enumerate() {
            let picked: Vec<usize> =
                known.iter().copied().filter(|&w| self.truth.class[w] == Some(class)).collect();
            if picked.is_empty() {
                continue;
            }
            let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
            for (is, said) in picked.iter().filter_map(|&w| self.pair(w)) {
                if is != said {
                    *taken.entry(said).or_default() += 1;
                }
            }
            let most = taken.iter().max_by_key(|(said, n)| (**n, std::cmp::Reverse(**said)));
            let named = |s: usize| {
                let sample = &self.silver.samples[s];
                sample.label.as_ref() == Some(label) || sample.ranges.iter().any(|r| &r.label == label)
            };
            out.push(WeakLabel {
                label: label.clone(),
                share: self.share(&picked, Some(overall)),
                taken_for: most.map(|(said, _)| self.truth.labels[*said].clone()),
                training_samples: self.trains(named),
            });
        }
        // Stable: of equals the first in order of label.
        out.sort_by(|a, b| a.share.value.total_cmp(&b.share.value));
        out
    }

    /// Slices by metadata and group, the weakest first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn slices(&self, session: &Session<'_>, overall: f64) -> Result<Vec<WeakSlice>, EngineError> {
        let about = slices::details(session, |_| true)?;
        let samples: Vec<BTreeMap<&str, &str>> = self
            .silver
            .samples
            .iter()
            .map(|s| {
                let known = about.get(&s.id).into_iter().flatten();
                let mut of: BTreeMap<&str, &str> = known.map(|(k, v)| (k.as_str(), v.as_str())).collect();
                if let Some(group) = &s.group {
                    of.insert("group", group);
                }
                of
            })
            .collect();
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, value) in samples.iter().flatten() {
            values.entry(key).or_default().insert(value);
        }
        let known = self.known();
        let mut out = Vec::new();
        for (key, values) in values.into_iter().filter(|(_, v)| (2..=VALUES).contains(&v.len())) {
            for value in values {
                let is = |s: usize| samples[s].get(key) == Some(&value);
                let picked: Vec<usize> =
                    known.iter().copied().filter(|&w| is(self.windows[w].sample)).collect();
                if picked.len() < FEW {
                    continue;
                }
                out.push(WeakSlice {
                    key: key.to_owned(),
                    value_of: value.to_owned(),
                    share: self.share(&picked, Some(overall)),
                    training_samples: self.trains(is),
                });
            }
        }
        out.sort_by(|a, b| a.share.value.total_cmp(&b.share.value));
        out.truncate(TOLD);
        Ok(out)
    }

    /// Regions of feature space, the weakest first: clusters of the windows at their place on the map.
    ///
    /// # Errors
    /// Those of the store.
    pub fn regions(&self, session: &Session<'_>, overall: f64) -> Result<Vec<WeakRegion>, EngineError> {
        let known = self.known();
        if known.len() < 2 * FEW {
            return Ok(Vec::new());
        }
        let (axes, columns) = map::fit(session, self.gold)?;
        let mut whole = vec![0.0; self.gold.names.len()];
        let mut places = Vec::with_capacity(known.len());
        for &w in &known {
            (self.read)(w, &mut whole).map_err(|e| EngineError::Internal(e.to_string()))?;
            let row: Vec<f32> = columns.iter().map(|c| whole[c.start]).collect();
            places.push(axes.place(&row).map(|v| v as f32));
        }
        // About as many as there are windows in each.
        let clusters = ((known.len() as f64 / 2.0).sqrt() as usize).clamp(2, 12);
        let spec =
            kmeans::Spec { clusters, axes: Some(vec![0, 1, 2]), seed: self.seed, ..kmeans::Spec::default() };
        let Ok(model) = kmeans::fit(places.as_flattened(), 3, &[], &spec) else { return Ok(Vec::new()) };
        let mut training = vec![0usize; model.clusters()];
        let train: BTreeSet<usize> = self.training.iter().copied().collect();
        for (window, place) in map::of_training(session, self.gold)? {
            // The matrix holds those that validate as well.
            if train.contains(&self.gold.training.windows()[window].sample) {
                training[model.nearest(&place.map(|v| v as f32))] += 1;
            }
        }
        let trained = training.iter().sum::<usize>().max(1) as f64;
        let of: Vec<usize> = places.iter().map(|p| model.nearest(p)).collect();
        let rate_hz = self.silver.format.rate_hz;
        let mut out = Vec::new();
        for cluster in 0..model.clusters() {
            let picked: Vec<usize> =
                known.iter().zip(&of).filter(|(_, c)| **c == cluster).map(|(w, _)| *w).collect();
            if picked.len() < FEW {
                continue;
            }
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            let mut wrong = Vec::new();
            for &w in &picked {
                let Some((is, said)) = self.pair(w) else { continue };
                *counts.entry(is).or_default() += 1;
                if is != said {
                    wrong.push((self.outcomes[w].scores[said], w, is, said));
                }
            }
            wrong.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut labels: Vec<(String, usize)> =
                counts.into_iter().map(|(c, n)| (self.truth.labels[c].clone(), n)).collect();
            labels.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let example = |(_, w, is, said): &(f32, usize, usize, usize)| {
                let at = &self.windows[*w];
                let sample = &self.silver.samples[at.sample];
                Example {
                    sample: sample.id.clone(),
                    name: sample.name.clone(),
                    start_ms: if rate_hz > 0.0 { at.start as f64 * 1000.0 / rate_hz } else { 0.0 },
                    is: self.truth.labels[*is].clone(),
                    said: self.truth.labels[*said].clone(),
                }
            };
            out.push(WeakRegion {
                share: self.share(&picked, Some(overall)),
                labels,
                share_of_windows: picked.len() as f64 / known.len() as f64,
                share_of_training: training[cluster] as f64 / trained,
                examples: wrong.iter().take(EXAMPLES).map(example).collect(),
            });
        }
        out.sort_by(|a, b| a.share.value.total_cmp(&b.share.value));
        Ok(out)
    }
}
