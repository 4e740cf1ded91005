//! The best settings of a search, trained: compared on validation windows, and what the choice is worth on test windows.

use super::{
    Tuned,
    score::{distortions, mean},
};
use crate::{
    EngineError,
    project::{LearnKind, LearnSection},
    run::{self, Results},
    session::Session,
    stages::{
        anomaly, classical,
        clean::{Silver, SilverReader},
        gold::WindowAt,
        split::Side,
    },
};
use edgewright_impulse::{Impulse, Runner};
use edgewright_ir::interpret::Interpreter;
use edgewright_ml::metrics::auroc;
use edgewright_store::Store;
use serde::Serialize;

/// What a figure may be below that of the project file, so that a setting is not refused.
const LOSS: f64 = 0.005;
/// Validation windows that are distorted, at most.
const DISTORTED: usize = 100;

/// A setting with which the project was trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finalist {
    /// Keys whose values are not those of the project file.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Whether it is the one of the project file.
    pub current: bool,
    /// Accuracy of the int8 classifier on validation windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// How well the anomaly block tells validation windows of a label that it was not shown, and distorted ones, from the others: mean area
    /// under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<f64>,
    /// Mean of both, less what the RAM costs.
    pub score: f64,
    /// Whether it is the best of those that lose nothing against the project file.
    pub chosen: bool,
}

/// Figures of the int8 model on test windows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnTest {
    /// Accuracy of the classifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Area under the ROC curve of the anomaly block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
}

/// The project with other settings of one of its DSP blocks, on the same store.
fn with<'a>(
    session: &'a Session<'a>,
    index: usize,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<Session<'a>, EngineError> {
    let mut project = session.project.clone();
    // What the folders hold is imported already.
    project.file.data.clear();
    for (key, value) in settings {
        let value = toml::Value::try_from(value).map_err(|e| EngineError::Internal(e.to_string()))?;
        project.file.impulse.dsp[index].params.insert(key.clone(), value);
    }
    Ok(Session {
        store: Store::open_shared(&project.state_dir())?,
        project,
        observer: session.observer,
        jobs: session.jobs,
        seed: session.seed,
        looking: false,
    })
}

/// Trains the project with the first settings of a search and with its own, and chooses one. `index`: the block in the project file.
pub(super) fn judge(
    session: &Session<'_>,
    index: usize,
    tuned: &Tuned,
    finalists: usize,
) -> Result<Vec<Finalist>, EngineError> {
    let best = tuned.trials.iter().filter(|t| !t.current).take(finalists);
    let own = tuned.trials.iter().filter(|t| t.current);
    let mut out = Vec::new();
    for trial in own.chain(best) {
        session.progress("tune", out.len() as u64, finalists as u64 + 1, "training")?;
        let other = with(session, index, &trial.settings)?;
        let mut results = Results::default();
        match run::fill(&other, 4, &mut results) {
            Ok(()) => {}
            // Features from which nothing can be learned are no choice.
            Err(EngineError::Data(_) | EngineError::Train(_) | EngineError::Impulse(_)) if !trial.current => {
                continue;
            }
            // A full disk, a damaged store: what else trains now would be no better.
            Err(e) => return Err(e),
        }
        let [accuracy, anomaly] = figures(&other, &results)?;
        let Some(figure) = mean(accuracy.into_iter().chain(anomaly)) else { return Ok(Vec::new()) };
        out.push(Finalist {
            settings: trial.settings.clone(),
            current: trial.current,
            accuracy,
            anomaly,
            // What its RAM costs was taken off there as well.
            score: figure - trial.price,
            chosen: false,
        });
    }
    choose(&mut out);
    Ok(out)
}

/// Marks the best of those that lose nothing; of equals the first, which is the project's own.
fn choose(all: &mut [Finalist]) {
    let own = all.iter().find(|f| f.current).map(|f| (f.accuracy, f.anomaly));
    let holds = |now: Option<f64>, then: Option<f64>| now.zip(then).is_none_or(|(n, t)| n >= t - LOSS);
    let fits = |f: &Finalist| own.is_none_or(|(a, b)| holds(f.accuracy, a) && holds(f.anomaly, b));
    let mut best: Option<usize> = None;
    for (i, f) in all.iter().enumerate().filter(|(_, f)| fits(f)) {
        if best.is_none_or(|b| f.score > all[b].score) {
            best = Some(i);
        }
    }
    if let Some(best) = best {
        all[best].chosen = true;
    }
}

/// Accuracy, and how well the anomaly block tells what it was not shown, on validation windows.
fn figures(session: &Session<'_>, r: &Results) -> Result<[Option<f64>; 2], EngineError> {
    let (Some(silver), Some(split), Some(gold), Some(trained)) = (&r.silver, &r.split, &r.gold, &r.trained)
    else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let (gold, split) = (&gold.value, &split.value);
    let windows = gold.training.windows();
    let side = |side: Side| -> Vec<usize> {
        (0..windows.len()).filter(|&i| split.sides[windows[i].sample] == side).collect()
    };
    let (known, judged) = (side(Side::Training), side(Side::Validation));
    if judged.is_empty() {
        return Ok([None, None]);
    }
    let impulse = trained.value.impulse_int8(session)?;
    let whole = 0..impulse.features();
    let read = |rows: &[usize]| -> Result<Vec<Vec<f32>>, EngineError> {
        let open = gold.training.rows(session, rows.to_vec(), std::slice::from_ref(&whole))?;
        let values = classical::read(&open)?;
        Ok(values.chunks_exact(whole.len()).map(<[f32]>::to_vec).collect())
    };
    let (known_rows, judged_rows) = (read(&known)?, read(&judged)?);
    let label = |i: usize| gold.labels.get(&windows[i]);
    let mut accuracy = None;
    if session.project.file.impulse.learn.iter().any(|l| l.kind == LearnKind::Classifier) {
        let mut runner = Runner::new(&impulse)?;
        let (mut right, mut all) = (0usize, 0usize);
        for (&i, row) in judged.iter().zip(&judged_rows) {
            let Some(label) = label(i) else { continue };
            let said = crate::classify::best(&runner.infer(row)?.scores);
            all += 1;
            right += usize::from(said.and_then(|s| impulse.labels().get(s)).is_some_and(|s| s == label));
        }
        accuracy = (all > 0).then(|| right as f64 / all as f64);
    }
    let sections = &session.project.file.impulse.learn;
    let Some((section, block)) =
        sections.iter().zip(&impulse.learn).find(|(s, _)| s.kind == LearnKind::Anomaly)
    else {
        return Ok([accuracy, None]);
    };
    let offsets = impulse.feature_offsets();
    let columns: Vec<usize> =
        block.inputs.iter().flat_map(|&b| offsets[b]..offsets[b] + impulse.dsp[b].features()).collect();
    let names: Vec<&String> = columns.iter().map(|&c| &gold.names[c]).collect();
    let axes = section
        .features
        .as_ref()
        .map(|wanted| wanted.iter().filter_map(|f| names.iter().position(|n| *n == f)).collect::<Vec<_>>());
    let pick = |row: &[f32]| -> Vec<f32> { columns.iter().map(|&c| row[c]).collect() };
    let learner = Learner {
        section,
        axes,
        picture: impulse.window.image.is_some(),
        seed: session.seed,
        width: columns.len(),
    };
    let mut labels: Vec<&str> = judged.iter().filter_map(|&i| label(i)).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut areas = Vec::new();
    for hidden in labels {
        let shown = |rows: &[usize], values: &[Vec<f32>], is: bool| -> Vec<Vec<f32>> {
            rows.iter()
                .zip(values)
                .filter(|(i, _)| (label(**i) == Some(hidden)) == is)
                .map(|(_, r)| pick(r))
                .collect()
        };
        let (usual, unusual) = (shown(&judged, &judged_rows, false), shown(&judged, &judged_rows, true));
        let fitted = shown(&known, &known_rows, false);
        if usual.is_empty() || fitted.is_empty() {
            continue;
        }
        areas.extend(learner.area(&fitted, &usual, &unusual)?);
    }
    let shown = mean(areas);
    let distorted = distorted(session, &silver.value, &impulse, windows, &judged)?;
    let picked = |rows: &[Vec<f32>]| rows.iter().map(|r| pick(r)).collect::<Vec<_>>();
    let distorted = match distorted.is_empty() {
        true => None,
        false => learner.area(&picked(&known_rows), &picked(&judged_rows), &picked(&distorted))?,
    };
    Ok([accuracy, mean(shown.into_iter().chain(distorted))])
}

/// Learns what is normal, to see what it tells.
struct Learner<'a> {
    section: &'a LearnSection,
    axes: Option<Vec<usize>>,
    picture: bool,
    seed: u64,
    width: usize,
}

impl Learner<'_> {
    fn area(
        &self,
        known: &[Vec<f32>],
        usual: &[Vec<f32>],
        unusual: &[Vec<f32>],
    ) -> Result<Option<f64>, EngineError> {
        let axes = self.axes.clone();
        let learned = anomaly::learn(
            self.section,
            &known.concat(),
            self.width,
            &usual.concat(),
            axes,
            self.picture,
            self.seed,
        );
        // Too few windows are left.
        let Ok((graph, _, _)) = learned else { return Ok(None) };
        let wrong = |e: edgewright_ir::GraphError| EngineError::Internal(e.to_string());
        let mut interpreter = Interpreter::new(&graph).map_err(wrong)?;
        let mut score = |rows: &[Vec<f32>]| -> Result<Vec<f32>, EngineError> {
            rows.iter()
                .map(|row| {
                    let mut out = [0.0];
                    interpreter.run(row, &mut out).map_err(wrong)?;
                    Ok(out[0])
                })
                .collect()
        };
        Ok(Some(auroc(&score(usual)?, &score(unusual)?).value))
    }
}

/// Features of distorted validation windows.
fn distorted(
    session: &Session<'_>,
    silver: &Silver,
    impulse: &Impulse,
    windows: &[WindowAt],
    judged: &[usize],
) -> Result<Vec<Vec<f32>>, EngineError> {
    if impulse.externals().next().is_some() {
        return Ok(Vec::new());
    }
    let mut reader = SilverReader::open(session, silver)?;
    let mut runner = Runner::new(impulse)?;
    let mut out = Vec::new();
    let most = judged.len().min(DISTORTED);
    for n in 0..most {
        let at = &windows[judged[n * judged.len() / most]];
        let sample = &silver.samples[at.sample];
        let values = reader.part(sample, at.start..sample.frames.min(at.start + impulse.window.frames))?;
        let mut cut = Vec::new();
        impulse.window.cut(&values, 0, &mut cut);
        for changed in distortions(&cut, &impulse.window) {
            runner.reset();
            // One that a block refuses tells nothing.
            if let Ok(row) = runner.features(&changed) {
                out.push(row.to_vec());
            }
        }
    }
    Ok(out)
}

/// What the chosen settings, and those of the project file, are worth on test windows: the choice is made by then.
pub(super) fn on_test(
    session: &Session<'_>,
    index: usize,
    settings: &serde_json::Map<String, serde_json::Value>,
) -> Result<Option<OnTest>, EngineError> {
    let other = with(session, index, settings)?;
    let mut results = Results::default();
    match run::fill(&other, 5, &mut results) {
        // There may be nothing to test on.
        Err(EngineError::Data(_)) => return Ok(None),
        filled => filled?,
    }
    let tested = results.tested.ok_or(EngineError::NotBuilt { stage: "test" })?;
    Ok(Some(OnTest { accuracy: tested.value.int8.accuracy, auroc: tested.value.int8.auroc }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loses_is_not_chosen() {
        let finalist = |current, accuracy, anomaly: Option<f64>| Finalist {
            settings: serde_json::Map::new(),
            current,
            accuracy: Some(accuracy),
            anomaly,
            score: (accuracy + anomaly.unwrap_or(accuracy)) / 2.0,
            chosen: false,
        };
        let chosen = |mut all: Vec<Finalist>| {
            choose(&mut all);
            all.iter().position(|f| f.chosen)
        };
        let own = finalist(true, 0.90, Some(0.95));
        // Better on the whole, and worse at what is unusual.
        assert_eq!(chosen(vec![own.clone(), finalist(false, 1.0, Some(0.90))]), Some(0));
        assert_eq!(chosen(vec![own.clone(), finalist(false, 0.92, Some(0.95))]), Some(1));
        assert_eq!(
            chosen(vec![own.clone(), finalist(false, 0.90, Some(0.95))]),
            Some(0),
            "of equals the project's own"
        );
        assert_eq!(chosen(vec![finalist(true, 0.9, None), finalist(false, 0.95, None)]), Some(1));
    }
}
