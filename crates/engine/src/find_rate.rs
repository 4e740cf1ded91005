//! `train find-rate`: a step size for a network, from a sweep over its training windows.

use crate::{
    EngineError,
    run::{self, Results},
    session::Session,
    stages::train,
};
use edgewright_train::{Found, Tried};
use serde::Serialize;

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundRate {
    /// Id of the network.
    pub block: String,
    /// `training.learning_rate` of the project file.
    pub current: f64,
    /// What to train with, to two digits; `None` when no size made the loss a tenth smaller.
    pub suggestion: Option<f64>,
    /// Where the loss falls fastest, to two digits.
    pub steepest: Option<f64>,
    /// Seed of weights and order.
    pub seed: u64,
    /// Steps of the sweep, the smallest first.
    pub tried: Vec<Tried>,
}

/// Steps between two lines of text.
const LINE_EVERY: usize = 5;
/// Width of the longest bar.
const BAR: f64 = 40.0;

/// Sweeps the step size of a network, the first of the impulse when none is named, with all other settings as the project has them.
/// Brings its features up to date; trains nothing that is kept.
///
/// # Errors
/// [`EngineError::Data`] when there is no such network; whatever a stage or training returns.
pub fn find_rate(session: &Session<'_>, block: Option<&str>) -> Result<FoundRate, EngineError> {
    let mut results = Results::default();
    run::fill(session, 3, &mut results)?;
    let (Some(silver), Some(split), Some(gold)) = (&results.silver, &results.split, &results.gold) else {
        return Err(EngineError::NotBuilt { stage: "features" });
    };
    let (block, found) = train::sweep(session, silver, split, gold, block)?;
    let Found { tried, valley, steepest } = found;
    Ok(FoundRate {
        block,
        current: session.project.file.training.learning_rate,
        suggestion: valley.map(two_digits),
        steepest: steepest.map(two_digits),
        seed: session.seed,
        tried,
    })
}

/// As a person would write it into a project file.
fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

impl FoundRate {
    /// For people: what to try, then the curve.
    pub fn to_text(&self) -> String {
        let mut out = match (self.suggestion, self.steepest) {
            (Some(rate), Some(steepest)) => format!(
                "{}: try learning_rate = {rate} in [training] (now {}); the loss falls fastest at {steepest}\n",
                self.block, self.current
            ),
            _ => format!(
                "{}: no step size made the loss a tenth smaller in one sweep; learning_rate = {} may stay\n",
                self.block, self.current
            ),
        };
        let most = self.tried.iter().map(|t| t.smooth).fold(f64::MIN_POSITIVE, f64::max);
        out.push_str(&format!("{:>10}  {:>10}  smoothed loss\n", "rate", "loss"));
        for t in self.tried.iter().step_by(LINE_EVERY) {
            let bar = "#".repeat((t.smooth / most * BAR).round() as usize);
            out.push_str(&format!("{:>10.1e}  {:>10.4}  {bar} {:.4}\n", t.rate, t.loss, t.smooth));
        }
        out
    }
}
