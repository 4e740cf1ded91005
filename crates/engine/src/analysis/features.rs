//! Features of training windows: how they lie, what they tell of labels, and how far labels are apart.

use super::{Analysis, Correlation, FeatureStats, Pair, Spread, correlation};
use crate::{
    EngineError,
    session::Session,
    stages::{
        clean::Silver,
        features::Gold,
        split::{Side, Split},
    },
};
use edgewright_ml::{importance, metrics};
use std::collections::BTreeMap;

/// Training windows that are looked at, at most.
const WINDOWS: usize = 2000;
/// Values in memory.
const VALUES: usize = 8_000_000;
/// Features whose correlation is told, and labels whose pairs are.
const CORRELATED: usize = 40;
const LABELS: usize = 24;

#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count.max(1.0);
        let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / count.max(1.0);
        Self { count, mean, variance }
    }
}

pub(super) fn look(
    session: &Session<'_>,
    silver: &Silver,
    split: &Split,
    gold: &Gold,
    told: &mut Analysis,
) -> Result<(), EngineError> {
    let windows = gold.training.windows();
    let width = gold.names.len();
    let train: Vec<usize> =
        (0..windows.len()).filter(|&w| split.sides[windows[w].sample] == Side::Training).collect();
    if train.is_empty() || width == 0 {
        return Ok(());
    }
    let most = (VALUES / width).clamp(50, WINDOWS);
    let picked: Vec<usize> = train.iter().copied().step_by(train.len().div_ceil(most)).collect();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let reader = gold.training.rows(session, picked.clone(), &[0..width])?;
    let mut rows = vec![0.0f32; picked.len() * width];
    for (i, row) in rows.chunks_exact_mut(width).enumerate() {
        reader.row(i, row).map_err(|e| EngineError::Internal(e.to_string()))?;
    }
    // Numbers to estimate are no labels; windows of pictures with objects have the labels of their objects.
    let names = super::Names::of(session, silver);
    let label = |w: usize| match names.number {
        true => None,
        false => gold.labels.get(&windows[w]).filter(|l| !l.is_empty()),
    };
    let mut labels: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, &w) in picked.iter().enumerate() {
        if let Some(label) = label(w) {
            labels.entry(label).or_default().push(i);
        }
    }
    let known: Vec<(&str, Vec<usize>)> = labels.into_iter().collect();
    let labelled: Vec<usize> = known.iter().flat_map(|(_, of)| of.iter().copied()).collect();
    let classes: Vec<u32> =
        known.iter().enumerate().flat_map(|(c, (_, of))| of.iter().map(move |_| c as u32)).collect();
    let value = |i: usize, c: usize| f64::from(rows[i * width + c]);
    let several = known.len() > 1;
    let mut moments: Vec<Vec<Moments>> = Vec::with_capacity(width);
    let mut stats = Vec::with_capacity(width);
    for (c, name) in gold.names.iter().enumerate() {
        session.progress("analyse", c as u64, width as u64, "features")?;
        let all = Moments::of((0..picked.len()).map(|i| value(i, c)));
        let each: Vec<Moments> =
            known.iter().map(|(_, of)| Moments::of(of.iter().map(|&i| value(i, c)))).collect();
        let within: f64 = each.iter().map(|m| m.count * m.variance).sum();
        let whole = Moments::of(labelled.iter().map(|&i| value(i, c)));
        let total = whole.count * whole.variance;
        let column: Vec<f32> = labelled.iter().map(|&i| rows[i * width + c]).collect();
        stats.push(FeatureStats {
            name: name.clone(),
            mean: all.mean,
            deviation: all.variance.sqrt(),
            spread: Spread::of((0..picked.len()).map(|i| value(i, c)).collect()),
            explained: several
                .then(|| if total > 0.0 { (1.0 - within / total).clamp(0.0, 1.0) } else { 0.0 }),
            information: several.then(|| importance::mutual_information(&column, &classes)),
        });
        moments.push(each);
    }
    for (a, first) in known.iter().enumerate().take(LABELS) {
        for (b, second) in known.iter().enumerate().take(LABELS).skip(a + 1) {
            let distance = |c: usize| {
                let (x, y) = (moments[c][a], moments[c][b]);
                let within = ((x.variance + y.variance) / 2.0).sqrt();
                let apart = (x.mean - y.mean).abs();
                // Two labels that do not vary within themselves are as far apart as anything is.
                if within > 1e-9 * (1.0 + x.mean.abs()) {
                    apart / within
                } else if apart > 0.0 {
                    1e6
                } else {
                    0.0
                }
            };
            let best = (0..width).fold(0, |best, c| if distance(c) > distance(best) { c } else { best });
            let of =
                |rows_of: &[usize]| rows_of.iter().map(|&i| rows[i * width + best]).collect::<Vec<f32>>();
            let area = metrics::auroc(&of(&first.1), &of(&second.1)).value;
            told.pairs.push(Pair {
                a: first.0.to_owned(),
                b: second.0.to_owned(),
                feature: gold.names[best].clone(),
                distance: distance(best),
                auroc: area.max(1.0 - area),
            });
        }
    }
    told.pairs.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let mut order: Vec<usize> = (0..width).collect();
    let telling = |c: usize| stats[c].explained.unwrap_or(0.0);
    order.sort_by(|a, b| telling(*b).total_cmp(&telling(*a)));
    let chosen: Vec<usize> = match several {
        true => order.iter().copied().take(CORRELATED).collect(),
        false => (0..width).step_by(width.div_ceil(CORRELATED).max(1)).collect(),
    };
    told.feature_correlation = Correlation {
        names: chosen.iter().map(|&c| gold.names[c].clone()).collect(),
        values: correlation(&rows, width, &chosen),
    };
    told.windows = picked.len();
    told.features = order.into_iter().map(|c| stats[c].clone()).collect();
    Ok(())
}
