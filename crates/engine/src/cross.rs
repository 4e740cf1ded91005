//! `train cross-validate`: how far the figures depend on which recordings happen to train.
//!
//! The recordings that train or validate are shared out into folds. For each fold the impulse is trained from scratch on the others, of which
//! the project's share validates, and asked about the windows of the fold. Test windows take no part.

use crate::{
    EngineError,
    project::{Metric, Project},
    run::{self, Results},
    session::Session,
    stages::{
        clean::Silver,
        features::Gold,
        split::{self, Side, Split},
        test::{Figures, LabelFigures, Truth, infer},
        train::{self, Trained},
    },
};
use edgewright_impulse::{Impulse, Outcome};
use serde::Serialize;
use std::ops::RangeInclusive;

/// Folds that there can be.
pub const FOLDS: RangeInclusive<usize> = 2..=50;
/// When nothing is said.
pub const USUAL_FOLDS: usize = 5;

/// What cross-validation found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrossValidated {
    /// The figure that is told: the charter's where the impulse has it, else accuracy, R2, F1 of objects or AUROC.
    pub metric: String,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// Seed of folds, weights and order.
    pub seed: u64,
    /// One after the other.
    pub folds: Vec<Fold>,
    /// Over the folds, float.
    pub float: Spread,
    /// Over the folds, int8.
    pub int8: Spread,
    /// All windows together, each as the impulse in int8 that did not see its recording calls it.
    pub together: Together,
    /// What to know about these figures.
    pub notes: Vec<String>,
}

/// One fold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fold {
    /// From 1.
    pub fold: usize,
    /// Recordings in it.
    pub samples: usize,
    /// Windows that were asked about.
    pub windows: usize,
    /// Windows that trained.
    pub training_windows: usize,
    /// Windows that validated.
    pub validation_windows: usize,
    /// The figure, float.
    pub float: f64,
    /// The figure, int8.
    pub int8: f64,
}

/// A figure over the folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of a sample.
    pub deviation: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// Figures of all windows together. What does not apply is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Together {
    /// Windows with a figure.
    pub windows: usize,
    /// Share that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Coefficient of determination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
    /// Lower end of the 95 % interval of accuracy or R2, which knows that windows of one recording are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Mean absolute error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Of the objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Per label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelFigures>,
    /// Rows: what is; columns: what was said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<usize>>,
}

/// Trains the impulse once per fold. Finished folds are kept: an interrupted one goes on, and the same one is told without training.
///
/// # Errors
/// [`EngineError::Usage`] for a number of folds that cannot be, [`EngineError::Data`] when there are fewer recordings or groups than
/// folds or the impulse only learns what is normal; whatever training returns.
pub fn validate(session: &Session<'_>, count: usize) -> Result<CrossValidated, EngineError> {
    check(count)?;
    if split::anomaly_only(session) {
        return Err(EngineError::Data(
            "an impulse that only learns what is normal trains without what it is to find: there is nothing to cross-validate\nhint: `edgewright test` tells its AUROC"
                .into(),
        ));
    }
    let mut results = Results::default();
    run::fill(session, 3, &mut results)?;
    let (Some(silver), Some(gold)) = (&results.silver, &results.gold) else {
        return Err(EngineError::NotBuilt { stage: "features" });
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(session.jobs)
        .build()
        .map_err(|e| EngineError::Internal(e.to_string()))?;
    let sides = split::folds(session, &silver.value, count)?;
    pool.install(|| {
        let mut all = All::default();
        for (n, sides) in sides.into_iter().enumerate() {
            session.progress(
                "cross-validate",
                n as u64,
                count as u64,
                format!("fold {} of {count}", n + 1),
            )?;
            let fold = Split { sides, leaks: Vec::new() };
            let key = train::key(session, &silver.value, gold, Some(&fold))?;
            let trained = session
                .stage("fold", &key, || train::on(session, &silver.value, &fold, &gold.value, key))
                .map_err(|e| match e {
                    EngineError::Data(why) => EngineError::Data(format!("fold {} of {count}: {why}", n + 1)),
                    e => e,
                })?;
            all.add(session, (&silver.value, &gold.value), &fold, &trained.value)?;
        }
        all.finish(session)
    })
}

/// Refuses a number of folds that cannot be.
///
/// # Errors
/// [`EngineError::Usage`].
pub fn check(count: usize) -> Result<(), EngineError> {
    if FOLDS.contains(&count) {
        return Ok(());
    }
    Err(EngineError::Usage(format!(
        "{count} folds cannot be; there are {} to {}",
        FOLDS.start(),
        FOLDS.end()
    )))
}

/// What some windows say of a trained impulse.
pub(crate) struct Asked {
    pub float: Figures,
    pub int8: Figures,
    truth: Truth,
    said: Vec<Outcome>,
    impulse: Impulse,
    samples: usize,
}

impl Asked {
    /// Windows that were asked about.
    pub fn windows(&self) -> usize {
        self.said.len()
    }
}

/// Asks a trained impulse about the windows of one side, none of which the project tests on.
///
/// # Errors
/// Those of the store.
pub(crate) fn ask(
    session: &Session<'_>,
    (silver, gold): (&Silver, &Gold),
    sides: &[Side],
    side: Side,
    trained: &Trained,
) -> Result<Asked, EngineError> {
    let windows = gold.training.windows();
    let asked: Vec<usize> = (0..windows.len()).filter(|&r| sides[windows[r].sample] == side).collect();
    let these: Vec<_> = asked.iter().map(|&r| windows[r]).collect();
    let truth = Truth::new(trained, silver, &gold.labels, &these);
    let (float, impulse) = (trained.impulse_float(session)?, trained.impulse_int8(session)?);
    let width = float.features();
    let rows = gold.training.rows(session, asked, std::slice::from_ref(&(0..width)))?;
    let read = |row: usize, out: &mut [f32]| rows.row(row, out);
    let float = truth.figures(&float, &infer(session, &float, these.len(), width, &read)?);
    let said = infer(session, &impulse, these.len(), width, &read)?;
    let int8 = truth.figures(&impulse, &said);
    let mut samples: Vec<usize> = these.iter().map(|w| w.sample).collect();
    samples.dedup();
    Ok(Asked { float, int8, truth, said, impulse, samples: samples.len() })
}

/// The windows of all folds so far.
#[derive(Default)]
struct All {
    /// What trained and what validated, and what was said of the fold.
    folds: Vec<((usize, usize), Asked)>,
}

impl All {
    fn add(
        &mut self,
        session: &Session<'_>,
        levels: (&Silver, &Gold),
        fold: &Split,
        trained: &Trained,
    ) -> Result<(), EngineError> {
        let asked = ask(session, levels, &fold.sides, Side::Testing, trained)?;
        let first = trained.learn.iter().max_by_key(|l| l.training_windows);
        let counts = first.map_or((0, 0), |l| (l.training_windows, l.validation_windows));
        self.folds.push((counts, asked));
        Ok(())
    }

    fn finish(self, session: &Session<'_>) -> Result<CrossValidated, EngineError> {
        let (counts, asked): (Vec<(usize, usize)>, Vec<Asked>) = self.folds.into_iter().unzip();
        let metric = metric(&session.project, &asked)?;
        let mut folds = Vec::new();
        let mut strangers = 0;
        for (n, ((training_windows, validation_windows), asked)) in counts.into_iter().zip(&asked).enumerate()
        {
            let of = |f: &Figures| {
                metric.of(f).ok_or_else(|| {
                    EngineError::Data(format!(
                        "fold {} has no {}: too few of its {} windows have a label that trained\nhint: fewer folds, or more recordings of each label",
                        n + 1,
                        metric.name(),
                        asked.windows()
                    ))
                })
            };
            if !asked.truth.labels.is_empty() {
                strangers += asked.truth.class.iter().filter(|c| c.is_none()).count();
            }
            folds.push(Fold {
                fold: n + 1,
                samples: asked.samples,
                windows: asked.windows(),
                training_windows,
                validation_windows,
                float: of(&asked.float)?,
                int8: of(&asked.int8)?,
            });
        }
        let mut notes = Vec::new();
        if strangers > 0 {
            notes.push(format!(
                "{strangers} windows have a label that did not train in their fold, because all its recordings (or its only group) lay there; they are left out"
            ));
        }
        if session.project.file.impulse.select.as_ref().is_some_and(|s| s.keep.is_some()) {
            notes.push(
                "features were selected once, on the training windows of the project's own split, and not anew in each fold: the figures may be a little too good"
                    .into(),
            );
        }
        let spread = |of: fn(&Fold) -> f64| Spread::of(&folds.iter().map(of).collect::<Vec<_>>());
        Ok(CrossValidated {
            metric: metric.name().into(),
            less_is_better: !metric.more_is_better(),
            seed: session.seed,
            float: spread(|f| f.float),
            int8: spread(|f| f.int8),
            folds,
            together: together(asked),
            notes,
        })
    }
}

/// The figure to tell.
pub(crate) fn metric(project: &Project, folds: &[Asked]) -> Result<Metric, EngineError> {
    let usual = [Metric::Accuracy, Metric::R2, Metric::F1, Metric::Auroc];
    let mut wanted = project.file.charter.metric.into_iter().chain(usual);
    let has = |m: &Metric| folds.iter().any(|f| m.of(&f.int8).is_some());
    wanted.find(has).ok_or_else(|| {
        EngineError::Data(
            "no window has a label that this impulse learns: there is nothing to cross-validate".into(),
        )
    })
}

/// All windows as one test: labels are those that trained in any fold.
fn together(parts: Vec<Asked>) -> Together {
    let mut labels: Vec<String> = parts.iter().flat_map(|p| p.truth.labels.clone()).collect();
    labels.sort();
    labels.dedup();
    let mut all = Truth { labels, ..Truth::default() };
    let mut outcomes = Vec::new();
    let mut any = None;
    for Asked { truth, said, impulse, .. } in parts {
        any.get_or_insert(impulse);
        let place: Vec<usize> =
            truth.labels.iter().map(|l| all.labels.iter().position(|k| k == l).unwrap_or_default()).collect();
        all.class.extend(truth.class.iter().map(|c| c.map(|c| place[c])));
        all.value.extend(&truth.value);
        all.anomaly.extend(&truth.anomaly);
        all.recording.extend(&truth.recording);
        let objects = truth.objects.into_iter().map(|of| {
            of.map(|mut marks| {
                marks.iter_mut().for_each(|m| m.label = place[m.label]);
                marks
            })
        });
        all.objects.extend(objects);
        outcomes.extend(said.into_iter().map(|mut outcome| {
            if !outcome.scores.is_empty() {
                let mut scores = vec![0.0; all.labels.len()];
                outcome.scores.iter().zip(&place).for_each(|(s, &p)| scores[p] = *s);
                outcome.scores = scores;
            }
            outcome.boxes.iter_mut().for_each(|b| b.label = place[b.label]);
            outcome
        }));
    }
    let f = any.map_or_else(Figures::default, |i| all.figures(&i, &outcomes));
    let interval = f.accuracy.or(f.r2).is_some();
    Together {
        windows: f.windows,
        accuracy: f.accuracy,
        r2: f.r2,
        low: f.low.filter(|_| interval),
        high: f.high.filter(|_| interval),
        mae: f.mae,
        f1: f.f1,
        labels: f.labels,
        confusion: f.confusion,
    }
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (squares / (n - 1.0).max(1.0)).sqrt(),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

impl CrossValidated {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{:>5}  {:>8}  {:>8}  {:>8}  {:>9}  {:>9}\n",
            "fold", "samples", "windows", "trained", "float", "int8"
        );
        for f in &self.folds {
            out.push_str(&format!(
                "{:>5}  {:>8}  {:>8}  {:>8}  {:>9.4}  {:>9.4}\n",
                f.fold, f.samples, f.windows, f.training_windows, f.float, f.int8
            ));
        }
        let better = if self.less_is_better { " (less is better)" } else { "" };
        for (name, s) in [("float", self.float), ("int8", self.int8)] {
            out.push_str(&format!(
                "{} {name}: {:.4} on average, deviation {:.4}, {:.4} to {:.4}{better}\n",
                self.metric, s.mean, s.deviation, s.min, s.max
            ));
        }
        let t = &self.together;
        if let (Some((name, value)), Some(low), Some(high)) =
            (t.accuracy.map(|v| ("accuracy", v)).or(t.r2.map(|v| ("R2", v))), t.low, t.high)
        {
            out.push_str(&format!(
                "all {} windows together, int8: {name} {value:.4} (95 % interval {low:.4} to {high:.4})\n",
                t.windows
            ));
        }
        if let Some(worst) =
            t.labels.iter().filter(|l| l.support > 0).min_by(|a, b| a.recall.total_cmp(&b.recall))
        {
            out.push_str(&format!(
                "weakest label: `{}` is found in {:.1} % of its {}\n",
                worst.label,
                worst.recall * 100.0,
                worst.support
            ));
        }
        self.notes.iter().for_each(|n| out.push_str(&format!("note: {n}\n")));
        out
    }
}
