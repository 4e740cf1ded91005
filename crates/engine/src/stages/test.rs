//! Stage `test`: the trained impulse on the windows that never trained, in float and in int8.

use super::{
    clean::Silver,
    features::Gold,
    gold::{Labels, WindowAt},
    slices::{self, Fact, Slice},
    split::{NORMAL, Split},
    train::{Trained, number},
    uncertainty::{self, Accepted, Calibration, Uncertainty},
};
use crate::{
    EngineError,
    classify::best,
    dataset::LabelBox,
    session::{Key, Session, Staged},
};
use edgewright_impulse::{Impulse, Outcome, Runner, Task, post::detect::Detection};
use edgewright_ml::{
    detection::{self, Found, Hits, Labelled, Picture},
    metrics,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelFigures {
    /// The label.
    pub label: String,
    /// Of the windows called so, the share that is.
    pub precision: f64,
    /// Of the windows that are, the share called so.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Windows that are.
    pub support: usize,
}

/// Windows above and below the threshold of the anomaly score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarms {
    /// Anomalous and above.
    pub found: usize,
    /// Anomalous and not above.
    pub missed: usize,
    /// Normal and above.
    pub false_alarms: usize,
    /// Normal and not above.
    pub quiet: usize,
    /// Harmonic mean of the share of alarms that are right and the share of anomalous windows that are found.
    pub f1: f64,
}

impl Alarms {
    fn new(normal: &[f32], anomalous: &[f32], threshold: f32) -> Self {
        let above = |scores: &[f32]| scores.iter().filter(|s| **s > threshold).count();
        let (found, false_alarms) = (above(anomalous), above(normal));
        let f1 = 2.0 * found as f64 / (found + false_alarms + anomalous.len()).max(1) as f64;
        Self { found, missed: anomalous.len() - found, false_alarms, quiet: normal.len() - false_alarms, f1 }
    }
}

/// The best rule on one feature beside the model, in float.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleFigures {
    /// The rule in words.
    pub rule: String,
    /// Its feature.
    pub feature: String,
    /// Accuracy or R2 of the rule on the test windows.
    pub reached: f64,
    /// The same of the model.
    pub model: f64,
    /// Points by which the model is better.
    pub ahead_points: f64,
}

/// Figures of one arithmetic. What does not apply to the impulse is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Windows that were classified.
    pub windows: usize,
    /// Share that was right.
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval of accuracy, R2 or AUROC. That of accuracy knows that windows of one recording are alike.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Share of the recordings that are called right by the mean score of their windows, where recordings have several.
    #[serde(default)]
    pub recordings_accuracy: Option<f64>,
    /// Mean F1 of the labels.
    pub macro_f1: Option<f64>,
    /// Mean negative log of the score of the right label.
    pub log_loss: Option<f64>,
    /// How far the scores are from probabilities.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// The same before a temperature was put in.
    #[serde(default)]
    pub uncalibrated: Option<Calibration>,
    /// What the project's least confidence leaves.
    #[serde(default)]
    pub accepted: Option<Accepted>,
    /// Per label.
    pub labels: Vec<LabelFigures>,
    /// Rows: what is; columns: what was said.
    pub confusion: Vec<Vec<usize>>,
    /// F1 of all objects, found by their place.
    #[serde(default)]
    pub f1: Option<f64>,
    /// Of what was found, the share that is there.
    #[serde(default)]
    pub precision: Option<f64>,
    /// Of the objects that are there, the share that was found.
    #[serde(default)]
    pub recall: Option<f64>,
    /// Mean average precision at an overlap of half the union.
    #[serde(default)]
    pub map50: Option<f64>,
    /// Coefficient of determination.
    pub r2: Option<f64>,
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Root mean squared error.
    pub rmse: Option<f64>,
    /// 95 % interval of the mean absolute error.
    #[serde(default)]
    pub mae_within: Option<(f64, f64)>,
    /// 95 % interval of the root mean squared error.
    #[serde(default)]
    pub rmse_within: Option<(f64, f64)>,
    /// Area under the ROC curve of the anomaly score.
    pub auroc: Option<f64>,
    /// What the threshold of the anomaly score makes of the windows.
    #[serde(default)]
    pub alarms: Option<Alarms>,
    /// True and estimated values of a regression.
    pub pairs: Vec<(f32, f32)>,
    /// Anomaly scores of normal windows.
    pub normal_scores: Vec<f32>,
    /// Anomaly scores of the others.
    pub anomaly_scores: Vec<f32>,
}

/// Result of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Reference arithmetic in single precision.
    pub float: Figures,
    /// Integer arithmetic, as deployed.
    pub int8: Figures,
    /// Accuracy (or R2, or F1 of objects) on the training windows, in float: how far memory helps.
    pub training_metric: Option<f64>,
    /// How sure a classifier may be taken to be.
    #[serde(default)]
    pub uncertainty: Option<Uncertainty>,
    /// The best rule on one feature, where one was found.
    #[serde(default)]
    pub rule: Option<RuleFigures>,
    /// Figures of the windows whose recordings share a fact, in int8.
    #[serde(default)]
    pub slices: Vec<Slice>,
    /// Sentences: overfit, quantisation loss.
    pub verdicts: Vec<String>,
}

/// What is true of the test windows.
#[derive(Default)]
pub struct Truth {
    /// Labels in the order of the scores.
    pub labels: Vec<String>,
    /// Class of each window; `None` when its label never trained.
    pub class: Vec<Option<usize>>,
    /// Number of each window, for a regression.
    pub value: Vec<Option<f32>>,
    /// Whether each window is an anomaly.
    pub anomaly: Vec<bool>,
    /// Sample that each window is of.
    pub recording: Vec<usize>,
    /// Objects of each picture; `None` where nobody looked for any.
    pub objects: Vec<Option<Vec<Labelled>>>,
}

impl Truth {
    /// Of these windows.
    pub fn new(trained: &Trained, silver: &Silver, labels: &Labels, windows: &[WindowAt]) -> Self {
        let label = |w: &WindowAt| labels.get(w);
        let class_of = |l: &str| trained.labels.iter().position(|k| k == l);
        let has_normal = silver.has_normal();
        let class = windows.iter().map(|w| label(w).and_then(class_of)).collect();
        let value = windows.iter().map(|w| label(w).and_then(number)).collect();
        let anomaly = windows
            .iter()
            .map(|w| match label(w) {
                _ if trained.labels.is_empty() && has_normal => label(w) != Some(NORMAL),
                Some(l) if !trained.labels.is_empty() => class_of(l).is_none(),
                _ => false,
            })
            .collect();
        let object = |b: &LabelBox| {
            Some(Labelled { label: class_of(&b.label)?, edges: [b.x, b.y, b.x + b.width, b.y + b.height] })
        };
        let objects = windows
            .iter()
            .map(|w| {
                silver.samples[w.sample].boxes.as_ref().map(|all| all.iter().filter_map(object).collect())
            })
            .collect();
        let recording = windows.iter().map(|w| w.sample).collect();
        Self { labels: trained.labels.clone(), class, value, anomaly, recording, objects }
    }

    /// Of some of the windows.
    pub(super) fn of(&self, rows: &[usize]) -> Self {
        Self {
            labels: self.labels.clone(),
            class: rows.iter().map(|&r| self.class[r]).collect(),
            value: rows.iter().map(|&r| self.value[r]).collect(),
            anomaly: rows.iter().map(|&r| self.anomaly[r]).collect(),
            recording: rows.iter().map(|&r| self.recording[r]).collect(),
            objects: rows.iter().map(|&r| self.objects[r].clone()).collect(),
        }
    }

    /// Figures of what an impulse said of the windows.
    pub fn figures(&self, impulse: &Impulse, outcomes: &[Outcome]) -> Figures {
        let mut figures = Figures { windows: outcomes.len(), ..Figures::default() };
        for learn in &impulse.learn {
            match &learn.task {
                Task::Detection(_) => self.detection(outcomes, &mut figures),
                Task::Classification { min_confidence, .. } => {
                    self.classification(outcomes, &mut figures);
                    figures.calibration = self.calibration(outcomes);
                    figures.accepted = min_confidence.and_then(|least| self.accepted(outcomes, least));
                }
                Task::Regression => self.regression(outcomes, &mut figures),
                Task::Anomaly { threshold } => self.anomaly(outcomes, *threshold, &mut figures),
            }
        }
        figures
    }

    fn classification(&self, outcomes: &[Outcome], figures: &mut Figures) {
        let (mut truth, mut said, mut scores, mut recordings) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((class, recording), outcome) in self.class.iter().zip(&self.recording).zip(outcomes) {
            if let (Some(class), Some(best)) = (class, best(&outcome.scores)) {
                truth.push(*class);
                said.push(best);
                recordings.push(*recording);
                scores.extend_from_slice(&outcome.scores);
            }
        }
        figures.windows = truth.len();
        if truth.is_empty() {
            return;
        }
        let confusion = metrics::confusion(&truth, &said, self.labels.len());
        let right: Vec<bool> = truth.iter().zip(&said).map(|(t, s)| t == s).collect();
        let parts: Vec<(usize, usize)> = recordings.iter().copied().zip(truth.iter().copied()).collect();
        let accuracy = metrics::clustered(&right, &parts);
        figures.accuracy = Some(accuracy.value);
        (figures.low, figures.high) = (Some(accuracy.low), Some(accuracy.high));
        let together = metrics::together(&recordings, &truth, &scores, self.labels.len());
        figures.recordings_accuracy = together.map(|a| a.value);
        figures.macro_f1 = Some(metrics::macro_f1(&confusion));
        figures.log_loss = Some(metrics::log_loss(&truth, &scores, self.labels.len()));
        figures.labels = metrics::per_class(&confusion)
            .into_iter()
            .zip(&self.labels)
            .map(|(c, label)| LabelFigures {
                label: label.clone(),
                precision: c.precision,
                recall: c.recall,
                f1: c.f1,
                support: c.support,
            })
            .collect();
        figures.confusion = confusion;
    }

    fn detection(&self, outcomes: &[Outcome], figures: &mut Figures) {
        let picture = |(truth, outcome): (&Option<Vec<Labelled>>, &Outcome)| {
            let found = |b: &Detection| {
                let edges = [b.x, b.y, b.x + b.width, b.y + b.height].map(f64::from);
                Found { is: Labelled { label: b.label, edges }, score: f64::from(b.value) }
            };
            Some(Picture { truth: truth.clone()?, found: outcome.boxes.iter().map(found).collect() })
        };
        let pictures: Vec<Picture> = self.objects.iter().zip(outcomes).filter_map(picture).collect();
        figures.windows = pictures.len();
        if pictures.is_empty() {
            return;
        }
        let hits = detection::hits(&pictures, self.labels.len());
        let all = hits.iter().fold(Hits::default(), |a, b| a.and(*b));
        (figures.f1, figures.precision, figures.recall) =
            (Some(all.f1()), Some(all.precision()), Some(all.recall()));
        figures.map50 = detection::mean_average_precision(&pictures, self.labels.len(), 0.5);
        figures.labels = hits
            .iter()
            .zip(&self.labels)
            .map(|(h, label)| LabelFigures {
                label: label.clone(),
                precision: h.precision(),
                recall: h.recall(),
                f1: h.f1(),
                support: h.right + h.missed,
            })
            .collect();
    }

    fn regression(&self, outcomes: &[Outcome], figures: &mut Figures) {
        let told: Vec<((f32, f32), usize)> = self
            .value
            .iter()
            .zip(&self.recording)
            .zip(outcomes)
            .filter_map(|((truth, recording), outcome)| Some((((*truth)?, outcome.value?), *recording)))
            .collect();
        let (pairs, recordings): (Vec<(f32, f32)>, Vec<usize>) = told.into_iter().unzip();
        figures.windows = pairs.len();
        if pairs.is_empty() {
            return;
        }
        let (truth, said): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
        let r = metrics::regression(&truth, &said);
        (figures.r2, figures.mae, figures.rmse) = (Some(r.r2), Some(r.mae), Some(r.rmse));
        if let Some([r2, mae, rmse]) = metrics::regression_intervals(&truth, &said, &recordings) {
            (figures.low, figures.high) = (Some(r2.low), Some(r2.high));
            (figures.mae_within, figures.rmse_within) =
                (Some((mae.low, mae.high)), Some((rmse.low, rmse.high)));
        }
        figures.pairs = pairs;
    }

    fn anomaly(&self, outcomes: &[Outcome], threshold: f32, figures: &mut Figures) {
        for (anomaly, outcome) in self.anomaly.iter().zip(outcomes) {
            if let Some(score) = outcome.anomaly {
                if *anomaly { &mut figures.anomaly_scores } else { &mut figures.normal_scores }.push(score);
            }
        }
        if figures.normal_scores.is_empty() || figures.anomaly_scores.is_empty() {
            return;
        }
        let a = metrics::auroc(&figures.normal_scores, &figures.anomaly_scores);
        figures.auroc = Some(a.value);
        figures.alarms = Some(Alarms::new(&figures.normal_scores, &figures.anomaly_scores, threshold));
        if figures.low.is_none() {
            (figures.low, figures.high) = (Some(a.low), Some(a.high));
        }
    }
}

/// Tests the impulse.
///
/// # Errors
/// Those of the store.
pub fn run(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
    gold: &Staged<Gold>,
    trained: &Staged<Trained>,
) -> Result<Staged<Tested>, EngineError> {
    let file = &session.project.file;
    let tested = gold.value.holdout.windows().iter().map(|w| w.sample).collect();
    let facts = slices::facts(session, &silver.value, &tested)?;
    let mut key = Key::new("test");
    key.text("trained", &trained.hash.to_string())
        .text("gold", &gold.hash.to_string())
        .text("split", &split.hash.to_string())
        .value("min_confidence", &file.min_confidences())
        .value("sets", &(file.evaluation.target_accuracy, file.evaluation.coverage))
        .value("slices", &facts);
    session.stage("test", &key.finish(), || {
        build(session, (&silver.value, &split.value, &gold.value), &trained.value, &facts)
    })
}

fn build(
    session: &Session<'_>,
    (silver, split, gold): (&Silver, &Split, &Gold),
    trained: &Trained,
    facts: &[Fact],
) -> Result<(Tested, Vec<String>), EngineError> {
    let float = trained.impulse_float(session)?;
    let int8 = trained.impulse_int8(session)?;
    let windows = gold.holdout.windows();
    let truth = Truth::new(trained, silver, &gold.labels, windows);
    let rows = gold.holdout.rows(session)?;
    let width = float.features();
    let read = |row: usize, out: &mut [f32]| rows.row(row, out);
    let float_outcomes = infer(session, &float, windows.len(), width, &read)?;
    let int8_outcomes = infer(session, &int8, windows.len(), width, &read)?;
    let mut float_figures = truth.figures(&float, &float_outcomes);
    let mut int8_figures = truth.figures(&int8, &int8_outcomes);
    for (impulse, figures) in [(&float, &mut float_figures), (&int8, &mut int8_figures)] {
        if let Some(before) = uncertainty::uncalibrated(trained, impulse) {
            let outcomes = infer(session, &before, windows.len(), width, &read)?;
            figures.uncalibrated = truth.calibration(&outcomes);
        }
    }
    let levels = (silver, split, gold);
    let parts = uncertainty::parts(windows.len(), width, &read)?;
    let test = (&truth, int8_outcomes.as_slice(), parts.as_slice());
    let uncertainty = uncertainty::judge(session, levels, trained, &int8, test)?;
    let training_metric = training_metric(session, silver, gold, trained, &float)?;
    // A network weighs labels; other methods do not.
    let networks = trained.learn.iter().any(|l| !l.history.is_empty());
    let balanced = networks && session.project.file.training.balance_classes;
    let mut verdicts = verdicts(&float_figures, &int8_figures, training_metric, balanced);
    let rule = rule_figures(gold, trained, &truth, &float_figures, width, &read)?;
    verdicts.extend(rule.as_ref().map(|r| rule_verdict(r, float_figures.accuracy.is_some())));
    let slices = slices::figures(facts, &truth, windows, &int8, &int8_outcomes);
    verdicts.extend(slices::verdict(&slices, &int8_figures));
    let asked = session.project.file.evaluation.target_accuracy.is_some();
    verdicts.extend(uncertainty.iter().flat_map(|u| uncertainty::verdicts(&int8_figures, u, asked)));
    let mut notes: Vec<String> = headline(&float_figures, &int8_figures).into_iter().collect();
    let strangers = truth.class.iter().filter(|c| c.is_none()).count();
    if !truth.labels.is_empty() && strangers > 0 && float.detector().is_none() {
        let what = if float.learn.iter().any(|l| matches!(l.task, Task::Anomaly { .. })) {
            "count as anomalies"
        } else {
            "are left out of the figures"
        };
        notes.push(format!("{strangers} test windows have a label that never trained and {what}"));
    }
    let alone = |f: &Figures| f.normal_scores.is_empty() != f.anomaly_scores.is_empty();
    if trained.labels.is_empty() && alone(&float_figures) {
        let what = if float_figures.anomaly_scores.is_empty() { "an anomaly" } else { NORMAL };
        notes.push(format!(
            "no test window is {what}: no AUROC can be told; import some with `--category testing`"
        ));
    }
    notes.extend(verdicts.iter().cloned());
    let (float, int8) = (float_figures, int8_figures);
    Ok((Tested { float, int8, training_metric, uncertainty, rule, slices, verdicts }, notes))
}

/// What the best rule on one feature is worth beside the model.
fn rule_figures(
    gold: &Gold,
    trained: &Trained,
    truth: &Truth,
    float: &Figures,
    width: usize,
    read: &dyn Fn(usize, &mut [f32]) -> std::io::Result<()>,
) -> Result<Option<RuleFigures>, EngineError> {
    let (Some(rule), Some(model)) = (&trained.rule, float.accuracy.or(float.r2)) else { return Ok(None) };
    let classes = float.accuracy.is_some();
    let mut features = vec![0.0; width];
    let (mut seen, mut right, mut pairs) = (0usize, 0usize, (Vec::new(), Vec::new()));
    for row in 0..truth.class.len() {
        let known = if classes { truth.class[row].is_some() } else { truth.value[row].is_some() };
        if !known {
            continue;
        }
        read(row, &mut features).map_err(|e| EngineError::Internal(e.to_string()))?;
        let said = rule.answer(&features);
        seen += 1;
        right += usize::from(truth.class[row] == Some(said as usize));
        pairs.0.extend(truth.value[row]);
        pairs.1.push(said);
    }
    if seen == 0 {
        return Ok(None);
    }
    let reached =
        if classes { right as f64 / seen as f64 } else { metrics::regression(&pairs.0, &pairs.1).r2 };
    Ok(Some(RuleFigures {
        rule: rule.text.clone(),
        feature: gold.names.get(rule.column).cloned().unwrap_or_default(),
        reached,
        model,
        ahead_points: (model - reached) * 100.0,
    }))
}

/// What that means. `share`: figures are shares of windows, not R2.
fn rule_verdict(figures: &RuleFigures, share: bool) -> String {
    let RuleFigures { rule, reached, model, ahead_points, .. } = figures;
    let shown = |v: f64| if share { format!("{:.1} %", v * 100.0) } else { format!("R2 {v:.3}") };
    if *ahead_points <= 1.0 {
        format!(
            "a plain rule does as well: {rule} reaches {} where the model reaches {}; `method = \"rule\"` builds it",
            shown(*reached),
            shown(*model)
        )
    } else {
        format!(
            "the best rule on one feature ({rule}) reaches {}: the model is {ahead_points:.1} points better",
            shown(*reached)
        )
    }
}

fn headline(float: &Figures, int8: &Figures) -> Option<String> {
    let percent = |v: f64| format!("{:.1} %", v * 100.0);
    let mut parts = Vec::new();
    if let (Some(f), Some(i), Some(low), Some(high)) = (float.accuracy, int8.accuracy, float.low, float.high)
    {
        parts.push(format!(
            "accuracy {} ({} to {}) float, {} int8 on {} windows",
            percent(f),
            percent(low),
            percent(high),
            percent(i),
            float.windows
        ));
    }
    if let (Some(f), Some(i), Some(m)) = (float.f1, int8.f1, int8.map50) {
        parts.push(format!(
            "F1 of objects {f:.3} float, {i:.3} int8 (mAP50 {m:.3}) in {} pictures",
            float.windows
        ));
    }
    if let (Some(f), Some(i)) = (float.r2, int8.r2) {
        parts.push(format!("R2 {f:.3} float, {i:.3} int8"));
    }
    if let (Some(f), Some(i)) = (float.auroc, int8.auroc) {
        parts.push(format!("AUROC {f:.3} float, {i:.3} int8"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Runs the learning blocks on stored features, in parallel, in order.
pub(crate) fn infer(
    session: &Session<'_>,
    impulse: &Impulse,
    count: usize,
    width: usize,
    read: &(dyn Fn(usize, &mut [f32]) -> std::io::Result<()> + Sync),
) -> Result<Vec<Outcome>, EngineError> {
    const CHUNK: usize = 256;
    let mut out = Vec::with_capacity(count);
    let all: Vec<usize> = (0..count).collect();
    for chunk in all.chunks(CHUNK) {
        session.progress("test", out.len() as u64, count as u64, "")?;
        let part: Vec<Outcome> = chunk
            .par_iter()
            .map_init(
                || (Runner::new(impulse), vec![0.0; width]),
                |(runner, row), &i| {
                    let runner = runner.as_mut().map_err(|e| EngineError::Internal(e.to_string()))?;
                    read(i, row).map_err(|e| EngineError::Internal(e.to_string()))?;
                    Ok(runner.infer(row)?)
                },
            )
            .collect::<Result<_, EngineError>>()?;
        out.extend(part);
    }
    Ok(out)
}

/// The float figure on (at most 2000, evenly spaced) training windows.
fn training_metric(
    session: &Session<'_>,
    silver: &Silver,
    gold: &Gold,
    trained: &Trained,
    impulse: &Impulse,
) -> Result<Option<f64>, EngineError> {
    let all = gold.training.windows();
    let step = all.len().div_ceil(2000).max(1);
    let picked: Vec<usize> = (0..all.len()).step_by(step).collect();
    let windows: Vec<WindowAt> = picked.iter().map(|&i| all[i]).collect();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let columns = [0..impulse.features()];
    let rows = gold.training.rows(session, picked, &columns)?;
    let outcomes =
        infer(session, impulse, windows.len(), impulse.features(), &|row, out| rows.row(row, out))?;
    let figures = Truth::new(trained, silver, &gold.labels, &windows).figures(impulse, &outcomes);
    Ok(figures.accuracy.or(figures.r2).or(figures.f1))
}

/// Said when always the most frequent label would be right as often.
fn constant_verdict(float: &Figures, balanced: bool) -> Option<String> {
    let accuracy = float.accuracy?;
    let most = float.labels.iter().max_by_key(|l| l.support).filter(|_| float.labels.len() > 1)?;
    let share = most.support as f64 / float.windows.max(1) as f64;
    (accuracy <= share).then(|| {
        let advice = if balanced {
            "; rare labels count as much as frequent ones in training, `balance_classes = false` under [training] aims at accuracy instead"
        } else {
            ""
        };
        format!(
            "always saying `{}` would be right in {:.1} % of the windows: look at recall and F1 of the labels{advice}",
            most.label,
            share * 100.0
        )
    })
}

/// What the figures mean, in words.
fn verdicts(float: &Figures, int8: &Figures, training: Option<f64>, balanced: bool) -> Vec<String> {
    let mut out = Vec::new();
    let metric = |f: &Figures| f.accuracy.or(f.r2).or(f.f1);
    if let (Some(train), Some(test)) = (training, metric(float)) {
        let gap = (train - test) * 100.0;
        let low = float.low.unwrap_or(test);
        out.push(if gap > 10.0 && train > low {
            format!("overfit: {gap:.1} points better on training windows; more data, more augmentation, or a smaller network would help")
        } else if gap > 4.0 {
            format!("slight overfit: {gap:.1} points better on training windows")
        } else if train < 0.7 && float.accuracy.is_some() {
            "underfit: training windows are not learned either; try other features or a larger network".into()
        } else {
            format!("no overfit: {gap:.1} points between training and test windows")
        });
    }
    if let (Some(f), Some(i)) = (metric(float), metric(int8)) {
        let loss = (f - i) * 100.0;
        out.push(if loss > 1.0 {
            format!("int8 loses {loss:.1} points: look at the layers with the lowest signal-to-noise ratio")
        } else if loss < 0.0 {
            format!("int8 loses nothing ({:.1} points better)", -loss)
        } else {
            format!("int8 loses {loss:.1} points")
        });
    }
    out.extend(constant_verdict(float, balanced));
    let labels: BTreeMap<&str, f64> =
        float.labels.iter().filter(|l| l.support > 0).map(|l| (l.label.as_str(), l.recall)).collect();
    if let Some((label, recall)) = labels.iter().min_by(|a, b| a.1.total_cmp(b.1))
        && *recall < 0.8
    {
        let what = if float.f1.is_some() { "objects" } else { "windows" };
        out.push(format!("weakest label: `{label}` is found in {:.0} % of its {what}", recall * 100.0));
    }
    let unseen: Vec<String> =
        float.labels.iter().filter(|l| l.support == 0).map(|l| format!("`{}`", l.label)).collect();
    if !unseen.is_empty() {
        out.push(format!("no test window has the label {}: nothing is known about it", unseen.join(", ")));
    }
    out
}
