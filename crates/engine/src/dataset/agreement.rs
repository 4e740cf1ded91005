//! How far the people who labelled the samples agree.

use crate::{EngineError, session::Session};
use edgewright_store::GivenLabel;
use serde::Serialize;
use std::collections::BTreeMap;

/// Disputed samples that are told.
const TOLD: usize = 1000;

/// Agreement of everybody who labelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// How many samples each person labelled.
    pub people: BTreeMap<String, usize>,
    /// Samples that two people or more labelled.
    pub samples: usize,
    /// Share of the pairs of labels of one sample that are the same, mean over the samples, 0..=1; `None` without such a sample.
    pub agreement: Option<f64>,
    /// Fleiss' kappa: how far that is above what chance would give, at most 1; `None` where all labels are one.
    pub fleiss_kappa: Option<f64>,
    /// Each two people who labelled a sample in common.
    pub pairs: Vec<Pair>,
    /// Samples that people label differently, in order of name; the first 1000.
    pub disputed: Vec<Disputed>,
}

/// Two people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// One,
    pub first: String,
    /// and the other, later in order of name.
    pub second: String,
    /// Samples that both labelled.
    pub samples: usize,
    /// Share of them with the same label, 0..=1.
    pub agreement: f64,
    /// Cohen's kappa, at most 1; `None` where both give one and the same label throughout.
    pub cohen_kappa: Option<f64>,
}

/// A sample that people label differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disputed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub sample: String,
    /// The label that each person gave last, in order of name.
    pub labels: BTreeMap<String, String>,
}

/// How far the people who labelled the samples agree: of each the label that they gave last counts. What came with a file is nobody's, and
/// who gives the label that is there agrees with it.
///
/// # Errors
/// Those of the store.
pub fn agreement(session: &Session<'_>) -> Result<Agreement, EngineError> {
    Ok(of(session.store.given_labels()?))
}

/// From labels in order of samples.
fn of(given: Vec<GivenLabel>) -> Agreement {
    let mut samples: Vec<Disputed> = Vec::new();
    for GivenLabel { sample, name, who, label } in given {
        if samples.last().is_none_or(|s| s.id != sample) {
            samples.push(Disputed { id: sample, sample: name, labels: BTreeMap::new() });
        }
        let Some(Disputed { labels, .. }) = samples.last_mut() else { continue };
        match label {
            Some(label) => labels.insert(who, label),
            None => labels.remove(&who),
        };
    }
    let mut people: BTreeMap<String, usize> = BTreeMap::new();
    for who in samples.iter().flat_map(|s| s.labels.keys()) {
        *people.entry(who.clone()).or_default() += 1;
    }
    samples.retain(|s| s.labels.len() > 1);
    let names: Vec<&String> = people.keys().collect();
    let mut pairs = Vec::new();
    for (n, first) in names.iter().enumerate() {
        for second in &names[n + 1..] {
            let both = samples.iter().filter_map(|s| Some((s.labels.get(*first)?, s.labels.get(*second)?)));
            pairs.extend(pair(first, second, &both.collect::<Vec<_>>()));
        }
    }
    let (agreement, fleiss_kappa) = fleiss(&samples).unzip();
    Agreement {
        samples: samples.len(),
        agreement,
        fleiss_kappa: fleiss_kappa.flatten(),
        pairs,
        disputed: samples
            .into_iter()
            .filter(|s| s.labels.values().any(|l| Some(l) != s.labels.values().next()))
            .take(TOLD)
            .collect(),
        people,
    }
}

/// Above chance: `(observed - chance) / (1 - chance)`; nothing where chance alone gives agreement.
fn kappa(observed: f64, chance: f64) -> Option<f64> {
    (chance < 1.0 - 1e-12).then(|| (observed - chance) / (1.0 - chance))
}

/// # Source
/// Cohen 1960, "A coefficient of agreement for nominal scales".
fn pair(first: &str, second: &str, both: &[(&String, &String)]) -> Option<Pair> {
    if both.is_empty() {
        return None;
    }
    let n = both.len() as f64;
    let mut counts: BTreeMap<&String, [f64; 2]> = BTreeMap::new();
    for (a, b) in both {
        counts.entry(a).or_default()[0] += 1.0;
        counts.entry(b).or_default()[1] += 1.0;
    }
    let agreement = both.iter().filter(|(a, b)| a == b).count() as f64 / n;
    let chance = counts.values().map(|[a, b]| a * b / (n * n)).sum();
    Some(Pair {
        first: first.to_owned(),
        second: second.to_owned(),
        samples: both.len(),
        agreement,
        cohen_kappa: kappa(agreement, chance),
    })
}

/// Agreement and kappa over all samples, each of which two people or more labelled, not always the same ones.
///
/// # Source
/// Fleiss 1971, "Measuring nominal scale agreement among many raters", with the number of raters of each sample in the place of one number.
fn fleiss(samples: &[Disputed]) -> Option<(f64, Option<f64>)> {
    if samples.is_empty() {
        return None;
    }
    let mut all: BTreeMap<&String, f64> = BTreeMap::new();
    let (mut sum, mut total) = (0.0, 0.0);
    for s in samples {
        let mut counts: BTreeMap<&String, f64> = BTreeMap::new();
        for label in s.labels.values() {
            *counts.entry(label).or_default() += 1.0;
            *all.entry(label).or_default() += 1.0;
        }
        let n = s.labels.len() as f64;
        total += n;
        sum += counts.values().map(|c| c * (c - 1.0)).sum::<f64>() / (n * (n - 1.0));
    }
    let agreement = sum / samples.len() as f64;
    let chance = all.values().map(|c| (c / total) * (c / total)).sum();
    Some((agreement, kappa(agreement, chance)))
}

impl Agreement {
    /// For people.
    pub fn to_text(&self) -> String {
        let figure = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
        let mut out = String::new();
        for (who, n) in &self.people {
            out.push_str(&format!("{who} labelled {n} samples\n"));
        }
        if self.samples == 0 {
            out.push_str(
                "no sample was labelled by two people; who gives a sample the label that it has agrees with it\n",
            );
            return out;
        }
        out.push_str(&format!(
            "{} samples labelled by two people or more: agreement {}, Fleiss' kappa {}\n",
            self.samples,
            figure(self.agreement),
            figure(self.fleiss_kappa)
        ));
        for p in &self.pairs {
            out.push_str(&format!(
                "{} and {}: {} samples, agreement {:.3}, Cohen's kappa {}\n",
                p.first,
                p.second,
                p.samples,
                p.agreement,
                figure(p.cohen_kappa)
            ));
        }
        for d in &self.disputed {
            let labels: Vec<String> = d.labels.iter().map(|(who, l)| format!("{who} says {l}")).collect();
            out.push_str(&format!("{:<32} {}\n", d.sample, labels.join(", ")));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(rows: &[(&str, &str, Option<&str>)]) -> Vec<GivenLabel> {
        let one = |(sample, who, label): &(&str, &str, Option<&str>)| GivenLabel {
            sample: (*sample).into(),
            name: format!("{sample}.wav"),
            who: (*who).into(),
            label: label.map(str::to_owned),
        };
        rows.iter().map(one).collect()
    }

    #[test]
    fn cohens_example_gives_his_figure() {
        // 50 things, of which both say yes to 20, both no to 15, one alone yes to 5, the other alone to 10: kappa 0.4.
        let mut rows = Vec::new();
        let names: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
        for (n, name) in names.iter().enumerate() {
            let (a, b) = match n {
                0..20 => ("yes", "yes"),
                20..25 => ("yes", "no"),
                25..35 => ("no", "yes"),
                _ => ("no", "no"),
            };
            rows.push((name.as_str(), "ann", Some(a)));
            rows.push((name.as_str(), "ben", Some(b)));
        }
        let out = of(given(&rows));
        assert_eq!((out.samples, out.pairs.len(), out.disputed.len()), (50, 1, 15));
        assert!((out.pairs[0].agreement - 0.7).abs() < 1e-12, "{out:?}");
        assert!((out.pairs[0].cohen_kappa.expect("a figure") - 0.4).abs() < 1e-12, "{out:?}");
        assert_eq!(
            out.disputed[0].labels,
            BTreeMap::from([("ann".into(), "yes".into()), ("ben".into(), "no".into())])
        );
    }

    #[test]
    fn many_people_and_the_last_word_of_each() {
        // Three people, three samples: all agree on one, two of three on the others.
        let out = of(given(&[
            ("a", "ann", Some("x")),
            ("a", "ben", Some("y")),
            ("a", "cleo", Some("x")),
            ("a", "ben", Some("x")),
            ("b", "ann", Some("x")),
            ("b", "ben", Some("y")),
            ("b", "cleo", Some("y")),
            ("c", "ann", Some("y")),
            ("c", "ben", Some("y")),
            ("c", "cleo", Some("x")),
            ("d", "ann", Some("z")),
        ]));
        assert_eq!(out.people, BTreeMap::from([("ann".into(), 4), ("ben".into(), 3), ("cleo".into(), 3)]));
        assert_eq!((out.samples, out.disputed.len()), (3, 2));
        let (observed, chance) = ((1.0 + 2.0 / 6.0 * 2.0) / 3.0, (25.0 + 16.0) / 81.0);
        assert!((out.agreement.expect("a figure") - observed).abs() < 1e-12, "{out:?}");
        assert!((out.fleiss_kappa.expect("a figure") - (observed - chance) / (1.0 - chance)).abs() < 1e-12);
    }

    #[test]
    fn one_label_throughout_has_no_kappa_and_nothing_no_figures() {
        let out = of(given(&[("a", "ann", Some("x")), ("a", "ben", Some("x"))]));
        assert_eq!((out.agreement, out.fleiss_kappa, out.pairs[0].cohen_kappa), (Some(1.0), None, None));
        assert!(out.disputed.is_empty());
        // A label that was taken away is none.
        let out = of(given(&[("a", "ann", Some("x")), ("a", "ben", Some("x")), ("a", "ben", None)]));
        assert_eq!((out.samples, out.agreement), (0, None));
        assert_eq!(of(Vec::new()), Agreement::default());
    }
}
