//! The test windows behind a cell of the confusion matrix.

use crate::{
    EngineError,
    classify::best,
    run::{self, Results},
    session::Session,
    stages::test::{Truth, infer},
};

/// A test window.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeWindow {
    /// Id of its sample.
    pub sample: String,
    /// Name of its sample.
    pub name: String,
    /// Where it begins in the cleaned recording, in ms.
    pub start_ms: f64,
    /// Score of the label that was said.
    pub score: f32,
    /// Score of the label that it is.
    pub score_is: f32,
}

/// Test windows that are `is` and of which the impulse says `said`, the surest first. `float` asks the float network instead of the integer
/// one. They are classified anew from the stored features.
///
/// # Errors
/// [`EngineError::NotBuilt`] when training is not up to date, [`EngineError::NotFound`] for a label that never trained; those of the store.
pub fn cell(
    session: &Session<'_>,
    is: &str,
    said: &str,
    float: bool,
) -> Result<Vec<OutcomeWindow>, EngineError> {
    let mut results = Results::default();
    run::fill(session, 4, &mut results)?;
    let (Some(silver), Some(gold), Some(trained)) = (&results.silver, &results.gold, &results.trained) else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let find = |label: &str| {
        trained.value.labels.iter().position(|l| l == label).ok_or_else(|| {
            let shown: String = label.chars().filter(|c| !c.is_control()).take(100).collect();
            EngineError::NotFound(format!("no label `{shown}` was trained"))
        })
    };
    let (is, said) = (find(is)?, find(said)?);
    let impulse =
        if float { trained.value.impulse_float(session)? } else { trained.value.impulse_int8(session)? };
    let windows = gold.value.holdout.windows();
    let truth = Truth::new(&trained.value, &silver.value, &gold.value.labels, windows);
    let picked: Vec<usize> = (0..windows.len()).filter(|w| truth.class[*w] == Some(is)).collect();
    let rows = gold.value.holdout.rows(session)?;
    let outcomes =
        infer(session, &impulse, picked.len(), impulse.features(), &|n, out| rows.row(picked[n], out))?;
    let rate_hz = silver.value.format.rate_hz;
    let mut found: Vec<OutcomeWindow> = picked
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| best(&outcome.scores) == Some(said))
        .map(|(&w, outcome)| {
            let sample = &silver.value.samples[windows[w].sample];
            let start_ms = if rate_hz > 0.0 { windows[w].start as f64 * 1000.0 / rate_hz } else { 0.0 };
            let (score, score_is) = (outcome.scores[said], outcome.scores[is]);
            OutcomeWindow { sample: sample.id.clone(), name: sample.name.clone(), start_ms, score, score_is }
        })
        .collect();
    // Stable: equal scores stay in the order of the windows.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(found)
}
