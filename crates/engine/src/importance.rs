//! `dsp importance`: what each feature tells of the labels, and what the trained impulse loses without it.

use crate::{
    EngineError,
    run::{self, Results},
    session::Session,
    stages::{
        features, select,
        split::Side,
        test::{Figures, Truth, infer},
    },
};
use edgewright_ml::importance::shuffled;
use serde::Serialize;
use std::collections::BTreeMap;

/// Validation windows that are asked, at most.
const WINDOWS: usize = 2000;
/// Rows that are inferred with a shuffled feature in all, about at most.
const ROWS: usize = 4_000_000;
/// Orders in which each feature is shuffled.
const ORDERS: usize = 3;

/// Features that are told of each label.
const PER_LABEL: usize = 3;

/// Importance of all features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// What `drop` is lost of: `accuracy` or `R2`.
    pub metric: &'static str,
    /// That of the float impulse on the validation windows.
    pub baseline: f64,
    /// Validation windows.
    pub windows: usize,
    /// Seed of the orders in which features are shuffled.
    pub seed: u64,
    /// The most telling first.
    pub features: Vec<FeatureImportance>,
}

/// Importance of one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureImportance {
    /// Name as `impulse.select.features` takes it.
    pub name: String,
    /// Mutual information with the labels on training windows, in nats.
    pub mutual_information: f64,
    /// What the metric loses on validation windows when the feature is shuffled among them, the mean of three orders; `None`
    /// for a feature that the impulse does not take.
    pub drop: Option<f64>,
    /// The same for each label of a classifier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, LabelImportance>,
}

/// What a feature tells of one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelImportance {
    /// Mutual information with whether a window has the label, on training windows, in nats.
    pub mutual_information: f64,
    /// What the F1 of the label loses on validation windows when the feature is shuffled; `None` where it is not taken, or no validation
    /// window has the label.
    pub drop: Option<f64>,
}

/// Mutual information of all features, and permutation importance of those that the trained impulse takes. Trains first when
/// that is not up to date.
///
/// # Errors
/// [`EngineError::Data`] without a classifier or regression, or without validation windows; whatever a stage returns.
pub fn importance(session: &Session<'_>) -> Result<Importance, EngineError> {
    let mut results = Results::default();
    run::fill(session, 4, &mut results)?;
    let (Some(silver), Some(split), Some(gold), Some(trained)) =
        (&results.silver, &results.split, &results.gold, &results.trained)
    else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let whole = features::whole(session, silver, split)?;
    let information = select::information(session, &whole, &split.value)?.ok_or_else(|| {
        EngineError::Data(
            "importance needs labels: a classifier or a regression in `[[impulse.learn]]`".into(),
        )
    })?;
    let labels: Vec<String> = trained.value.labels.clone();
    let of_labels = select::information_of_labels(session, &whole, &split.value, &labels)?;
    let gold = &gold.value;
    let impulse = trained.value.impulse_float(session)?;
    let windows = gold.training.windows();
    let width = impulse.features();
    let mut rows: Vec<usize> =
        (0..windows.len()).filter(|&r| split.value.sides[windows[r].sample] == Side::Validation).collect();
    if rows.is_empty() {
        return Err(EngineError::Data(
            "there is no validation window to shuffle features of\nhint: raise `split.validation`, or import more".into(),
        ));
    }
    let most = (ROWS / width.max(1) / ORDERS).clamp(50, WINDOWS);
    let step = rows.len().div_ceil(most);
    rows = rows.into_iter().step_by(step).collect();
    let picked: Vec<_> = rows.iter().map(|&r| windows[r]).collect();
    let present: Vec<bool> =
        labels.iter().map(|l| picked.iter().any(|w| gold.labels.get(w) == Some(l.as_str()))).collect();
    let truth = Truth::new(&trained.value, &silver.value, &gold.labels, &picked);
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let matrix = gold.training.rows(session, rows, &[0..width])?;
    let metric = |f: &Figures| f.accuracy.map(|a| ("accuracy", a)).or(f.r2.map(|r| ("R2", r)));
    let ask =
        |column: usize, order: Option<&[usize]>| -> Result<(&'static str, f64, Vec<f64>), EngineError> {
            let read = |n: usize, out: &mut [f32]| {
                matrix.row(n, out)?;
                if let Some(order) = order {
                    let mut other = vec![0.0; width];
                    matrix.row(order[n], &mut other)?;
                    out[column] = other[column];
                }
                Ok(())
            };
            let outcomes = infer(session, &impulse, picked.len(), width, &read)?;
            let figures = truth.figures(&impulse, &outcomes);
            let f1 = |label: &String| figures.labels.iter().find(|l| &l.label == label).map_or(0.0, |l| l.f1);
            metric(&figures).map(|(name, value)| (name, value, labels.iter().map(f1).collect())).ok_or_else(
                || EngineError::Data("the validation windows have no label that was trained".into()),
            )
        };
    let (metric, baseline, before) = ask(0, None)?;
    let mut drops = Vec::with_capacity(width);
    for column in 0..width {
        let mut sum = 0.0;
        let mut of = vec![0.0; labels.len()];
        for order in 0..ORDERS {
            let seed = session.seed.wrapping_add((column * ORDERS + order) as u64);
            let (_, value, after) = ask(column, Some(&shuffled(picked.len(), seed)))?;
            sum += baseline - value;
            of.iter_mut()
                .zip(before.iter().zip(after))
                .for_each(|(to, (b, a))| *to += (b - a) / ORDERS as f64);
        }
        drops.push((sum / ORDERS as f64, of));
    }
    let place = |c: usize| match &gold.selected {
        None => Some(c),
        Some(selected) => selected.binary_search(&c).ok(),
    };
    let mut features: Vec<FeatureImportance> = whole
        .names
        .iter()
        .zip(information.into_iter().zip(of_labels))
        .enumerate()
        .map(|(c, (name, (mutual_information, of)))| FeatureImportance {
            name: name.clone(),
            mutual_information,
            drop: place(c).map(|p| drops[p].0),
            labels: (0..labels.len())
                .map(|l| {
                    let drop = place(c).filter(|_| present[l]).map(|p| drops[p].1[l]);
                    (labels[l].clone(), LabelImportance { mutual_information: of[l], drop })
                })
                .collect(),
        })
        .collect();
    // Stable: equal ones stay in the order of columns.
    features.sort_by(|a, b| b.mutual_information.total_cmp(&a.mutual_information));
    Ok(Importance { metric, baseline, windows: picked.len(), seed: session.seed, features })
}

impl Importance {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{} {:.4} on {} validation windows\n{:>11}  {:>11}  feature\n",
            self.metric, self.baseline, self.windows, "information", "drop"
        );
        for f in &self.features {
            let drop = f.drop.map_or("not taken".into(), |d| format!("{d:.4}"));
            out.push_str(&format!("{:>11.4}  {drop:>11}  {}\n", f.mutual_information, f.name));
        }
        let labels: Vec<&String> =
            self.features.first().map(|f| f.labels.keys().collect()).unwrap_or_default();
        for label in labels {
            let mut best: Vec<&FeatureImportance> = self.features.iter().collect();
            best.sort_by(|a, b| {
                b.labels[label].mutual_information.total_cmp(&a.labels[label].mutual_information)
            });
            let told = |f: &&FeatureImportance| {
                let l = &f.labels[label];
                let drop = l.drop.map(|d| format!(", drop {d:.4}")).unwrap_or_default();
                format!("{} ({:.4}{drop})", f.name, l.mutual_information)
            };
            let told: Vec<String> = best.iter().take(PER_LABEL).map(told).collect();
            out.push_str(&format!("of `{label}` tell most: {}\n", told.join("; ")));
        }
        out
    }
}
