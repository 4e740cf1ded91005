//! How sure a classifier may be taken to be: temperature, least confidence, sets of labels. What is chosen is chosen on validation
//! windows; what it is worth is told on test windows.

use super::{
    clean::Silver,
    features::Gold,
    gold::{Labels, TrainingRows, WindowAt},
    split::{Side, Split},
    test::{Figures, Truth, infer},
    train::{Block, Trained, Trainer},
};
use crate::{EngineError, project::SetKind, session::Session};
use edgewright_impulse::{Impulse, Outcome, Task};
use edgewright_ir::interpret::Interpreter;
use edgewright_ml::{
    calibration::{self, Reliability},
    conformal::{self, Kind, Sets},
};
use edgewright_train::{Rows, Targets};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Validation windows that a temperature is fitted on, at most: evenly spaced ones.
const FITTED: usize = 1000;
/// Validation windows that limits are chosen on, at most: evenly spaced ones.
const JUDGED: usize = 2000;
/// Coverage of sets when the project asks for none.
const USUAL_COVERAGE: f64 = 0.9;
/// Accuracy of accepted windows when the project asks for none.
const USUAL_ACCURACY: f64 = 0.95;

/// Windows whose highest score falls in one range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub count: usize,
    /// Mean of their highest score.
    pub confidence: f64,
    /// Share that is right.
    pub accuracy: f64,
}

/// How far scores are from probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error, 0..1.
    pub ece: f64,
    /// Brier score, 0..2.
    pub brier: f64,
    /// Ten ranges of the highest score.
    pub bins: Vec<Bin>,
}

impl From<Reliability> for Calibration {
    fn from(r: Reliability) -> Self {
        let bin =
            |b: calibration::Bin| Bin { count: b.count, confidence: b.confidence, accuracy: b.accuracy };
        Self { ece: r.ece, brier: r.brier, bins: r.bins.into_iter().map(bin).collect() }
    }
}

/// What is left when windows below a confidence are left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Least score of the label that is said.
    pub min_confidence: f32,
    /// Share of windows that are left.
    pub coverage: f64,
    /// Of these, the share that is right; nothing when none is left.
    pub accuracy: Option<f64>,
}

impl From<conformal::Accepted> for Accepted {
    fn from(a: conformal::Accepted) -> Self {
        Self { min_confidence: a.min_confidence, coverage: a.coverage, accuracy: a.accuracy }
    }
}

/// Sets of labels on the test windows, in int8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetFigures {
    /// `lac` (labels that score at least `limit`) or `aps` (labels from the highest score down while their sum, with a
    /// part of the last that the features draw, is at most `limit`).
    pub kind: String,
    /// Chosen on the validation windows.
    pub limit: f32,
    /// Share of windows that is asked for.
    pub target: f64,
    /// Share of test windows whose set holds the right label.
    pub coverage: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Mean number of labels in a set.
    pub mean_size: f64,
    /// Share of sets of one label.
    pub single: f64,
    /// Share of sets of none.
    pub empty: f64,
}

/// What the validation windows say about trust in the int8 classifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// By which the sums before the softmax are divided, in the weights; left out when they are as trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Validation windows behind the rest.
    pub validation_windows: usize,
    /// Accuracy that accepted windows should have.
    pub target_accuracy: f64,
    /// The confidence that reaches it on validation windows with fewest left out (0: none); left out when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested: Option<Accepted>,
    /// What that confidence is worth on the test windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested_on_test: Option<Accepted>,
    /// By least score and by sum of scores.
    pub sets: Vec<SetFigures>,
}

impl Uncertainty {
    /// Sets as the project has them.
    pub fn sets(&self, kind: SetKind) -> Option<Sets> {
        let (name, kind) = names()[usize::from(kind == SetKind::Aps)];
        self.sets.iter().find(|s| s.kind == name).map(|s| Sets { kind, limit: s.limit })
    }
}

fn names() -> [(&'static str, Kind); 2] {
    [("lac", Kind::Lac), ("aps", Kind::Aps)]
}

impl Trainer<'_> {
    /// Fits the temperature of a classifier on validation windows and divides the sums of both its graphs by it.
    pub(super) fn calibrate(
        &self,
        block: &mut Block,
        (watch, watched): (&TrainingRows, &Targets<'_>),
        notes: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        let Targets::Classes { of, count } = watched else { return Ok(()) };
        let Some(end) = calibration::sums(&block.float.graph) else { return Ok(()) };
        if watch.len() == 0 {
            notes.push("no validation windows: the scores are not calibrated".into());
            return Ok(());
        }
        let step = watch.len().div_ceil(FITTED).max(1);
        let picked: Vec<usize> = (0..watch.len()).step_by(step).collect();
        let internal = |e: String| EngineError::Internal(format!("temperature: {e}"));
        let graph = &block.float.graph;
        let sums: Vec<Vec<f32>> = picked
            .par_iter()
            .map_init(
                || (Interpreter::new(graph), vec![0.0; watch.width()]),
                |(interpreter, row), &i| {
                    let interpreter = interpreter.as_mut().map_err(|e| internal(e.to_string()))?;
                    watch.row(i, row).map_err(|e| internal(e.to_string()))?;
                    interpreter.with_input(row).map_err(|e| internal(e.to_string()))?;
                    Ok(interpreter.activation(end))
                },
            )
            .collect::<Result<_, EngineError>>()?;
        let truth: Vec<usize> = picked.iter().map(|&i| of[i] as usize).collect();
        let sums = sums.concat();
        if !calibration::temperature_helps(&truth, &sums, *count) {
            notes.push("no temperature: none is better by more than chance on validation windows".into());
            return Ok(());
        }
        let Some(temperature) = calibration::temperature(&truth, &sums, *count) else {
            return Ok(());
        };
        let (mut float, mut int8) = (block.float.graph.clone(), block.int8.graph.clone());
        let by = temperature as f32;
        if calibration::divide(&mut float, by) && calibration::divide(&mut int8, by) {
            block.float.graph = float;
            block.int8.graph = int8;
            block.summary.temperature = Some(f64::from(by));
            notes.push(format!("temperature {by:.3} from {} validation windows", truth.len()));
        }
        Ok(())
    }
}

/// The impulse as it was before its scores were calibrated.
pub(super) fn uncalibrated(trained: &Trained, impulse: &Impulse) -> Option<Impulse> {
    let mut made = impulse.clone();
    let mut changed = false;
    for (learn, summary) in made.learn.iter_mut().zip(&trained.learn) {
        if let Some(t) = summary.temperature {
            changed |= calibration::divide(&mut learn.graph, (1.0 / t) as f32);
        }
    }
    changed.then_some(made)
}

impl Truth {
    /// Classes and scores of the windows whose label was trained.
    pub(super) fn scored(&self, outcomes: &[Outcome]) -> (Vec<usize>, Vec<f32>) {
        let (mut truth, mut scores) = (Vec::new(), Vec::new());
        for (class, outcome) in self.class.iter().zip(outcomes) {
            if let Some(class) = class.filter(|_| !outcome.scores.is_empty()) {
                truth.push(class);
                scores.extend_from_slice(&outcome.scores);
            }
        }
        (truth, scores)
    }

    /// The drawn parts of the same windows.
    fn scored_parts(&self, outcomes: &[Outcome], parts: &[f32]) -> Vec<f32> {
        let scored =
            self.class.iter().zip(outcomes).map(|(class, o)| class.is_some() && !o.scores.is_empty());
        scored.zip(parts).filter(|(scored, _)| *scored).map(|(_, part)| *part).collect()
    }

    /// How far the scores are from probabilities.
    pub(super) fn calibration(&self, outcomes: &[Outcome]) -> Option<Calibration> {
        let (truth, scores) = self.scored(outcomes);
        calibration::reliability(&truth, &scores, self.labels.len()).map(Into::into)
    }

    /// What a least confidence leaves.
    pub(super) fn accepted(&self, outcomes: &[Outcome], least: f32) -> Option<Accepted> {
        let (truth, scores) = self.scored(outcomes);
        (!truth.is_empty()).then(|| conformal::accepted(&truth, &scores, self.labels.len(), least).into())
    }
}

/// What the validation windows say, judged on the outcomes of the test windows. Nothing for an impulse without a classifier.
pub(super) fn judge(
    session: &Session<'_>,
    (silver, split, gold): (&Silver, &Split, &Gold),
    trained: &Trained,
    int8: &Impulse,
    test: (&Truth, &[Outcome], &[f32]),
) -> Result<Option<Uncertainty>, EngineError> {
    if !int8.learn.iter().any(|l| matches!(l.task, Task::Classification { .. })) {
        return Ok(None);
    }
    let asked = &session.project.file.evaluation;
    let mut made = Uncertainty {
        temperature: trained.learn.iter().find_map(|l| l.temperature),
        target_accuracy: asked.target_accuracy.unwrap_or(USUAL_ACCURACY),
        ..Uncertainty::default()
    };
    let (truth, scores, parts) = validation(session, (silver, split, gold), trained, int8)?;
    made.validation_windows = truth.len();
    let classes = trained.labels.len();
    let (tested, tested_scores) = test.0.scored(test.1);
    let tested_parts = test.0.scored_parts(test.1, test.2);
    if truth.is_empty() || tested.is_empty() {
        return Ok(Some(made));
    }
    let suggested = conformal::suggest(&truth, &scores, classes, made.target_accuracy);
    made.suggested = suggested.map(Into::into);
    made.suggested_on_test = suggested.and_then(|s| test.0.accepted(test.1, s.min_confidence));
    let target = asked.coverage.unwrap_or(USUAL_COVERAGE);
    for (name, kind) in names() {
        let sets = Sets::fit(kind, &truth, (&scores, &parts), classes, target);
        let judged = sets.judge(&tested, (&tested_scores, &tested_parts), classes);
        made.sets.push(SetFigures {
            kind: name.into(),
            limit: sets.limit,
            target,
            coverage: judged.coverage.value,
            low: judged.coverage.low,
            high: judged.coverage.high,
            mean_size: judged.mean_size,
            single: judged.single,
            empty: judged.empty,
        });
    }
    Ok(Some(made))
}

/// What the features of each row draw for sets of labels.
pub(super) fn parts(
    count: usize,
    width: usize,
    read: &dyn Fn(usize, &mut [f32]) -> std::io::Result<()>,
) -> Result<Vec<f32>, EngineError> {
    let mut row = vec![0.0; width];
    (0..count)
        .map(|n| {
            read(n, &mut row).map_err(|e| EngineError::Internal(e.to_string()))?;
            Ok(conformal::part(&row))
        })
        .collect()
}

/// Classes, int8 scores and drawn parts of windows.
type Judged = (Vec<usize>, Vec<f32>, Vec<f32>);

/// Those of validation windows.
fn validation(
    session: &Session<'_>,
    (silver, split, gold): (&Silver, &Split, &Gold),
    trained: &Trained,
    int8: &Impulse,
) -> Result<Judged, EngineError> {
    let all = gold.training.windows();
    let known = |w: &WindowAt| -> bool {
        let labels: &Labels = &gold.labels;
        labels.get(w).is_some_and(|l| trained.labels.iter().any(|k| k == l))
    };
    let own: Vec<usize> = (0..all.len())
        .filter(|&i| split.sides[all[i].sample] == Side::Validation && known(&all[i]))
        .collect();
    let step = own.len().div_ceil(JUDGED).max(1);
    let picked: Vec<usize> = own.into_iter().step_by(step).collect();
    let windows: Vec<WindowAt> = picked.iter().map(|&i| all[i]).collect();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let columns = [0..int8.features()];
    let rows = gold.training.rows(session, picked, &columns)?;
    let outcomes = infer(session, int8, windows.len(), int8.features(), &|row, out| rows.row(row, out))?;
    let drawn = parts(windows.len(), int8.features(), &|row, out| rows.row(row, out))?;
    let known = Truth::new(trained, silver, &gold.labels, &windows);
    let (truth, scores) = known.scored(&outcomes);
    Ok((truth, scores, known.scored_parts(&outcomes, &drawn)))
}

/// In words.
pub(super) fn verdicts(int8: &Figures, known: &Uncertainty, asked: bool) -> Vec<String> {
    let percent = |v: f64| format!("{:.1} %", v * 100.0);
    let mut out = Vec::new();
    if let (Some(t), Some(now), Some(before)) = (known.temperature, &int8.calibration, &int8.uncalibrated) {
        let word = if now.ece <= before.ece { "lowers" } else { "raises" };
        out.push(format!(
            "a temperature of {t:.2}, fitted on validation windows, {word} the calibration error from {:.3} to {:.3} in int8",
            before.ece, now.ece
        ));
    }
    if let Some(a) = &int8.accepted {
        let right = a.accuracy.map_or(String::new(), |r| format!("; of the others {} are right", percent(r)));
        out.push(format!(
            "below a confidence of {} lie {} of the test windows{right}",
            a.min_confidence,
            percent(1.0 - a.coverage)
        ));
    }
    let target = percent(known.target_accuracy);
    match (&known.suggested, &known.suggested_on_test) {
        (Some(s), Some(t)) if s.min_confidence > 0.0 => out.push(format!(
            "`min_confidence = {}` would leave out {} of the validation windows and be right in {target} of the others; of the test windows {}, and right in {}",
            s.min_confidence,
            percent(1.0 - s.coverage),
            percent(1.0 - t.coverage),
            t.accuracy.map_or("none".into(), percent)
        )),
        (None, _) if asked && known.validation_windows > 0 => {
            out.push(format!("no confidence makes the validation windows above it right in {target}"));
        }
        _ => {}
    }
    for s in known.sets.iter().filter(|s| s.high < s.target) {
        out.push(format!(
            "sets of labels ({}) hold the right one in {} of the test windows where {} were asked for: they are unlike the validation windows",
            s.kind,
            percent(s.coverage),
            percent(s.target)
        ));
    }
    out
}
