//! Windows as points in space: where their features put them, what they are called and what the impulse says of them.

use crate::{
    EngineError,
    classify::best,
    run::{self, Results},
    session::Session,
    stages::{features::Gold, slices, test::infer},
};
use edgewright_impulse::Task;
use edgewright_ml::projection::Axes;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// Training windows that the axes are fitted on, at most.
const FITTED: usize = 600;
/// Features that the map looks at, at most: evenly spaced ones.
const FEATURES: usize = 400;

/// A window.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPoint {
    /// Along the three axes.
    pub place: [f64; 3],
    /// Which of the samples it is of.
    pub sample: usize,
    /// Which of the labels it has.
    pub label: Option<usize>,
    /// Which of the labels the int8 impulse gives it.
    pub said: Option<usize>,
    /// Whether it tests; others train and validate.
    pub test: bool,
    /// Start of the window in ms.
    pub start_ms: f64,
}

/// A sample with windows on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapSample {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Group that stays on one side of the split.
    pub group: Option<String>,
    /// What is known of it besides.
    pub metadata: BTreeMap<String, String>,
}

/// The map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureMap {
    /// Each once.
    pub samples: Vec<MapSample>,
    /// Each once.
    pub labels: Vec<String>,
    /// Evenly spaced windows, those that train first.
    pub points: Vec<MapPoint>,
    /// How many windows there are in all.
    pub windows: usize,
}

/// Evenly spaced windows, at most `limit`, along the principal axes of the features of training windows. With `said` the trained int8 impulse
/// classifies each of them.
///
/// # Errors
/// [`EngineError::NotBuilt`] when the features, or for `said` the training, are not up to date; those of the store.
pub fn feature_map(session: &Session<'_>, limit: usize, said: bool) -> Result<FeatureMap, EngineError> {
    let mut results = Results::default();
    run::fill(session, if said { 4 } else { 3 }, &mut results)?;
    let (Some(silver), Some(gold)) = (&results.silver, &results.gold) else {
        return Ok(FeatureMap::default());
    };
    let (silver, gold) = (&silver.value, &gold.value);
    let (training, holdout) = (gold.training.windows(), gold.holdout.windows());
    let windows = training.len() + holdout.len();
    let step = windows.div_ceil(limit.max(1)).max(1);
    let every = |count: usize| (0..count).step_by(step).collect::<Vec<usize>>();
    let (train, test) = (every(training.len()), every(holdout.len()));

    let (axes, columns) = fit(session, gold)?;
    let rows = gold.training.rows(session, train.clone(), &columns)?;
    let mut row = vec![0.0; columns.len()];
    let mut places = Vec::with_capacity(train.len() + test.len());
    for i in 0..train.len() {
        rows.row(i, &mut row).map_err(internal)?;
        places.push(axes.place(&row));
    }
    let tested = gold.holdout.rows(session)?;
    let mut whole = vec![0.0; gold.names.len()];
    for &w in &test {
        tested.row(w, &mut whole).map_err(internal)?;
        row.iter_mut().zip(&columns).for_each(|(v, c)| *v = whole[c.start]);
        places.push(axes.place(&row));
    }

    let mut labels = gold.labels.clone().into_vec();
    let mut outcomes = vec![None; places.len()];
    if let (true, Some(trained)) = (said, &results.trained) {
        let impulse = trained.value.impulse_int8(session)?;
        if impulse.learn.iter().any(|l| matches!(l.task, Task::Classification { .. })) {
            let width = impulse.features();
            #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
            let all = [0..width];
            let rows = gold.training.rows(session, train.clone(), &all)?;
            let told =
                infer(session, &impulse, places.len(), width, &|n, out| match n.checked_sub(train.len()) {
                    None => rows.row(n, out),
                    Some(n) => tested.row(test[n], out),
                })?;
            let known: Vec<usize> = trained.value.labels.iter().map(|l| place_of(&mut labels, l)).collect();
            outcomes = told.iter().map(|o| best(&o.scores).and_then(|n| known.get(n).copied())).collect();
        }
    }

    let mut about = slices::details(session, |_| true)?;
    let mut samples = Vec::new();
    let mut places_of: HashMap<usize, usize> = HashMap::new();
    let rate_hz = silver.format.rate_hz;
    let picked = train.iter().map(|&w| (training[w], false)).chain(test.iter().map(|&w| (holdout[w], true)));
    let points = picked
        .zip(places)
        .zip(outcomes)
        .map(|(((at, test), place), said)| {
            let sample = *places_of.entry(at.sample).or_insert_with(|| {
                let cleaned = &silver.samples[at.sample];
                samples.push(MapSample {
                    id: cleaned.id.clone(),
                    name: cleaned.name.clone(),
                    group: cleaned.group.clone(),
                    metadata: about.remove(&cleaned.id).unwrap_or_default(),
                });
                samples.len() - 1
            });
            let label = gold.labels.get(&at).map(|l| place_of(&mut labels, l));
            let start_ms = if rate_hz > 0.0 { at.start as f64 * 1000.0 / rate_hz } else { 0.0 };
            MapPoint { place, sample, label, said, test, start_ms }
        })
        .collect();
    Ok(FeatureMap { samples, labels, points, windows })
}

fn internal(e: std::io::Error) -> EngineError {
    EngineError::Internal(e.to_string())
}

/// Place of a label in a list that takes in what it lacks.
fn place_of(labels: &mut Vec<String>, label: &str) -> usize {
    labels.iter().position(|l| l == label).unwrap_or_else(|| {
        labels.push(label.to_owned());
        labels.len() - 1
    })
}

/// Evenly spaced training windows, by number, and where they lie.
///
/// # Errors
/// Those of the store.
pub(crate) fn of_training(session: &Session<'_>, gold: &Gold) -> Result<Vec<(usize, [f64; 3])>, EngineError> {
    let (picked, columns, values) = fitted(session, gold)?;
    let axes = Axes::fit(&values, columns.len());
    Ok(picked.into_iter().zip(values.chunks_exact(columns.len()).map(|row| axes.place(row))).collect())
}

/// The axes of the map, and the columns that it looks at.
pub(crate) fn fit(session: &Session<'_>, gold: &Gold) -> Result<(Axes, Vec<Range<usize>>), EngineError> {
    let (_, columns, values) = fitted(session, gold)?;
    Ok((Axes::fit(&values, columns.len()), columns))
}

/// The training windows that the axes are fitted on, the columns that are looked at, and their values.
type Fitted = (Vec<usize>, Vec<Range<usize>>, Vec<f32>);

fn fitted(session: &Session<'_>, gold: &Gold) -> Result<Fitted, EngineError> {
    let count = gold.training.windows().len();
    let picked: Vec<usize> = (0..count).step_by(count.div_ceil(FITTED).max(1)).collect();
    let width = gold.names.len();
    let every = width.div_ceil(FEATURES).max(1);
    let columns: Vec<Range<usize>> = (0..width).step_by(every).map(|c| c..c + 1).collect();
    let rows = gold.training.rows(session, picked.clone(), &columns)?;
    let mut values = vec![0.0; picked.len() * columns.len()];
    for (i, out) in values.chunks_exact_mut(columns.len().max(1)).enumerate() {
        rows.row(i, out).map_err(internal)?;
    }
    Ok((picked, columns, values))
}
