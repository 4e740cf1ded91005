//! What to collect next: where the trained impulse errs, and what more data like those that are there would bring.
//!
//! Labels, slices and regions are judged on all windows that did not train. The learning curve is trained on parts of the training samples
//! and judged on validation windows alone: test windows take no part in it.

mod power;
mod weak;

use crate::{
    EngineError, Event, Observer,
    dataset::{boxes, ranges::main_label},
    project::{LearnKind, Metric},
    run::{self, Results},
    session::{Key, Session, Staged},
    stages::{
        clean::{Cleaned, Silver},
        features::Gold,
        gold::WindowAt,
        split::{Side, Split},
        test::{Truth, infer},
        train::{self, Trained},
    },
};
use edgewright_impulse::Task;
use edgewright_ml::importance::shuffled;
use edgewright_store::Store;
use power::{Curve, FAR, Outlook};
use serde::Serialize;
use std::collections::BTreeMap;
use weak::Judged;
pub use weak::{Example, Share, WeakLabel, WeakRegion, WeakSlice};

/// Fewer training samples make no curve.
const SAMPLES: usize = 8;
/// Errors that a goal must leave among the validation windows, so that it can be told from none.
const ERRORS: f64 = 3.0;
/// Most trainings for each part, and most parts.
const REPEATS: std::ops::RangeInclusive<usize> = 1..=20;
const PARTS: std::ops::RangeInclusive<usize> = 3..=10;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// As in `[charter]`; `None` for that of the charter, else accuracy, R2 or the F1 of objects.
    pub metric: Option<String>,
    /// What the metric is to reach; `None` for the floor of `[evaluation]`.
    pub goal: Option<f64>,
    /// Parts of the training samples that train, above 0 and up to 1; all of them are always added.
    pub parts: Vec<f64>,
    /// Trainings of each part, each with another choice of samples and other first weights.
    pub repeats: usize,
    /// Whether to train for a learning curve at all.
    pub curve: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { metric: None, goal: None, parts: vec![0.25, 0.5, 0.75, 1.0], repeats: 3, curve: true }
    }
}

impl Options {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`EngineError::Usage`].
    pub fn check(&self) -> Result<(), EngineError> {
        self.metric.as_deref().map(Metric::parse).transpose()?;
        if self.goal.is_some_and(|g| !g.is_finite()) {
            return Err(EngineError::Usage("a goal is a number".into()));
        }
        let parts = self.parts();
        if !parts.iter().all(|p| *p > 0.0 && *p <= 1.0) || !PARTS.contains(&parts.len()) {
            return Err(EngineError::Usage(format!(
                "a learning curve has {} to {} parts, each above 0 and at most 1",
                PARTS.start(),
                PARTS.end()
            )));
        }
        if !REPEATS.contains(&self.repeats) {
            return Err(EngineError::Usage(format!(
                "each part is trained {} to {} times",
                REPEATS.start(),
                REPEATS.end()
            )));
        }
        Ok(())
    }

    /// In order, each once, with the whole.
    fn parts(&self) -> Vec<f64> {
        let mut parts = self.parts.clone();
        parts.push(1.0);
        parts.sort_by(f64::total_cmp);
        parts.dedup();
        parts
    }
}

/// What to collect next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Sentences, what matters most first.
    pub says: Vec<String>,
    /// Accuracy of the int8 impulse on all windows that did not train; `None` without a classifier.
    pub overall: Option<Share>,
    /// Labels, the weakest first.
    pub labels: Vec<WeakLabel>,
    /// Slices by metadata and group, the weakest first, at most 20.
    pub slices: Vec<WeakSlice>,
    /// Regions of feature space, the weakest first.
    pub regions: Vec<WeakRegion>,
    /// What more samples would bring.
    pub curve: Option<LearningCurve>,
}

/// A training on a part of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Training samples.
    pub samples: usize,
    /// Windows of them that trained.
    pub windows: usize,
    /// The metric of the int8 impulse on validation windows.
    pub figure: f64,
    /// Which repetition, from 0.
    pub repeat: usize,
}

/// A number with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end; `None` when none can be given.
    pub high: Option<f64>,
}

/// The metric over the number of training samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LearningCurve {
    /// Name of the metric.
    pub metric: &'static str,
    /// Validation windows that judge.
    pub windows: usize,
    /// Samples that train now.
    pub samples: usize,
    /// All trainings.
    pub points: Vec<CurvePoint>,
    /// `error = floor + scale * samples^-exponent`, error being one less the metric, or the metric where less is better.
    pub law: Option<LawOf>,
    /// The metric by the law with as many samples as now and with twice as many.
    pub expected: Vec<(usize, Interval)>,
    /// What the metric is to reach.
    pub goal: Option<f64>,
    /// Further training samples that reach the goal; 0: it is reached. `None`: cannot be said, and `says` tells why.
    pub more: Option<Interval>,
    /// In words.
    pub says: String,
}

/// A power law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LawOf {
    /// Error that more samples do not take away.
    pub floor: f64,
    /// Error above it of one sample.
    pub scale: f64,
    /// How fast it falls.
    pub exponent: f64,
}

/// Lets a wish to stop through, and nothing of what the stages tell of themselves: epochs of twelve trainings are no log of one job.
struct Quiet<'a>(&'a dyn Observer);

impl Observer for Quiet<'_> {
    fn event(&self, _: Event) {}
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Says what to collect next. Trains first when that is not up to date.
///
/// # Errors
/// [`EngineError::Usage`] for options that cannot be, [`EngineError::Data`] when nothing is left to judge by; whatever a stage returns.
pub fn advise(session: &Session<'_>, options: &Options) -> Result<Advice, EngineError> {
    options.check()?;
    let mut results = Results::default();
    run::fill(session, 4, &mut results)?;
    let (Some(silver), Some(split), Some(gold), Some(trained)) =
        (&results.silver, &results.split, &results.gold, &results.trained)
    else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let mut advice = Advice {
        says: Vec::new(),
        overall: None,
        labels: Vec::new(),
        slices: Vec::new(),
        regions: Vec::new(),
        curve: None,
    };
    session.progress("advise", 0, 1, "windows that did not train")?;
    if session.project.file.impulse.learn.iter().any(|l| l.kind == LearnKind::Classifier) {
        weaknesses(session, &silver.value, &split.value, &gold.value, &trained.value, &mut advice)?;
    } else {
        advice
            .says
            .push("Weak labels, slices and regions are told of classifiers; this impulse has none.".into());
    }
    if options.curve {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(session.jobs)
            .build()
            .map_err(|e| EngineError::Internal(e.to_string()))?;
        let curve = pool.install(|| curve(session, options, (silver, split, gold)))?;
        advice.says.push(curve.says.clone());
        advice.curve = Some(curve);
    }
    Ok(advice)
}

/// Row numbers of the training matrix whose samples validate.
fn validating(split: &Split, gold: &Gold) -> Vec<usize> {
    let windows = gold.training.windows();
    (0..windows.len()).filter(|&w| split.sides[windows[w].sample] == Side::Validation).collect()
}

fn training(split: &Split) -> Vec<usize> {
    (0..split.sides.len()).filter(|&s| split.sides[s] == Side::Training).collect()
}

fn weaknesses(
    session: &Session<'_>,
    silver: &Silver,
    split: &Split,
    gold: &Gold,
    trained: &Trained,
    advice: &mut Advice,
) -> Result<(), EngineError> {
    let impulse = trained.impulse_int8(session)?;
    if !impulse.learn.iter().any(|l| matches!(l.task, Task::Classification { .. })) {
        return Ok(());
    }
    let watched = validating(split, gold);
    let mut windows: Vec<WindowAt> = watched.iter().map(|&w| gold.training.windows()[w]).collect();
    windows.extend(gold.holdout.windows());
    if windows.is_empty() {
        return Err(EngineError::Data(
            "there is no window that did not train, to judge by\nhint: raise `split.test` or `split.validation`, or import more".into(),
        ));
    }
    let width = impulse.features();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let columns = [0..width];
    let inside = gold.training.rows(session, watched.clone(), &columns)?;
    let outside = gold.holdout.rows(session)?;
    let read = |n: usize, out: &mut [f32]| match n.checked_sub(watched.len()) {
        None => inside.row(n, out),
        Some(n) => outside.row(n, out),
    };
    let outcomes = infer(session, &impulse, windows.len(), width, &read)?;
    let truth = Truth::new(trained, silver, &gold.labels, &windows);
    let train = training(split);
    let judged = Judged {
        silver,
        gold,
        windows: &windows,
        read: &read,
        truth: &truth,
        outcomes: &outcomes,
        training: &train,
        seed: session.seed,
    };
    let overall = judged.overall();
    advice.labels = judged.labels(overall.value);
    advice.slices = judged.slices(session, overall.value)?;
    advice.regions = judged.regions(session, overall.value)?;
    tell(&overall, advice);
    advice.overall = Some(overall);
    Ok(())
}

fn of(share: &Share) -> String {
    format!(
        "{:.3} ({:.3} to {:.3}, {} windows of {} recordings)",
        share.value, share.low, share.high, share.windows, share.recordings
    )
}

/// What of it is sure, in words.
fn tell(overall: &Share, advice: &mut Advice) {
    let says = &mut advice.says;
    let weak: Vec<&WeakLabel> = advice.labels.iter().filter(|l| l.share.below).collect();
    match (weak.first(), advice.labels.first()) {
        (Some(_), _) => {
            for l in &weak {
                let taken = l.taken_for.as_ref().map(|t| format!(", mostly taken for `{t}`"));
                says.push(format!(
                    "Record more of `{}`: recall {}{}; {} recordings of it train.",
                    l.label,
                    of(&l.share),
                    taken.unwrap_or_default(),
                    l.training_samples
                ));
            }
        }
        (None, Some(l)) if l.share.value < 1.0 => says.push(format!(
            "No label is surely weaker than the rest, accuracy {:.3}; the lowest recall has `{}`: {}.",
            overall.value,
            l.label,
            of(&l.share)
        )),
        _ => says.push(format!("Every window that did not train is right: {}.", of(overall))),
    }
    for s in advice.slices.iter().filter(|s| s.share.below).take(3) {
        says.push(format!(
            "Record more with {} = `{}`: accuracy {}; {} such recordings train.",
            s.key,
            s.value_of,
            of(&s.share),
            s.training_samples
        ));
    }
    if let Some(r) = advice.regions.iter().find(|r| r.share.below) {
        let labels: Vec<String> = r.labels.iter().take(3).map(|(l, n)| format!("`{l}` ({n})")).collect();
        let example =
            r.examples.first().map(|e| format!(", such as {} from {:.0} ms on", e.name, e.start_ms));
        says.push(format!(
            "Record more that sounds or moves like the region of {}{}: accuracy {}; {:.1} % of training windows lie there.",
            labels.join(", "),
            example.unwrap_or_default(),
            of(&r.share),
            100.0 * r.share_of_training
        ));
    }
}

/// What keeps samples together, and what they are called.
struct Unit {
    label: String,
    samples: Vec<usize>,
}

fn units(silver: &Silver, split: &Split, number: bool) -> Vec<Unit> {
    let name = |s: &Cleaned| match number {
        // Numbers are no classes of which each part must have some.
        true => String::new(),
        false => {
            let label = s.label.as_deref().or(main_label(&s.ranges));
            label.or(boxes::main_label(s.boxes.as_deref())).unwrap_or_default().to_owned()
        }
    };
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out: Vec<Unit> = Vec::new();
    for i in training(split) {
        let s = &silver.samples[i];
        match s.group.as_deref().map(|g| (g, groups.get(g).copied())) {
            Some((_, Some(unit))) => out[unit].samples.push(i),
            known => {
                if let Some((group, None)) = known {
                    groups.insert(group, out.len());
                }
                out.push(Unit { label: name(s), samples: vec![i] });
            }
        }
    }
    out
}

/// A part of the units of each label, by a draw: a larger part of the same draw holds the smaller one.
fn part(units: &[Unit], share: f64, seed: u64) -> Vec<usize> {
    let mut labels: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for u in units {
        labels.entry(&u.label).or_default().push(u);
    }
    let mut out = Vec::new();
    for (n, (_, of)) in labels.into_iter().enumerate() {
        let keep = (share * of.len() as f64).ceil() as usize;
        let order = shuffled(of.len(), seed.wrapping_add(n as u64 * 0x9e37_79b9));
        out.extend(order.into_iter().take(keep).flat_map(|i| of[i].samples.iter().copied()));
    }
    out.sort_unstable();
    out
}

/// What an error is: zero is best.
fn error(metric: Metric, figure: f64) -> f64 {
    if metric.more_is_better() { 1.0 - figure } else { figure }
}

/// Whether a metric counts windows, so that as many errors as a goal leaves must be there to be seen.
fn counts(metric: Metric) -> bool {
    matches!(metric, Metric::Accuracy | Metric::RecordingsAccuracy | Metric::MacroF1)
}

fn curve(
    session: &Session<'_>,
    options: &Options,
    (silver, split, gold): (&Staged<Silver>, &Staged<Split>, &Staged<Gold>),
) -> Result<LearningCurve, EngineError> {
    let learn = &session.project.file.impulse.learn;
    let usual = match learn.iter().find(|l| l.kind != LearnKind::Anomaly).map(|l| l.kind) {
        Some(LearnKind::Regression) => Metric::R2,
        Some(LearnKind::Detection) => Metric::F1,
        _ => Metric::Accuracy,
    };
    let metric = match &options.metric {
        Some(name) => Metric::parse(name)?,
        None => session.project.file.charter.metric.unwrap_or(usual),
    };
    let floors = &session.project.file.evaluation;
    let goal = options.goal.or(match metric {
        Metric::Accuracy => floors.min_accuracy,
        Metric::F1 => floors.min_f1,
        Metric::R2 => floors.min_r2,
        Metric::Auroc => floors.min_auroc,
        _ => None,
    });
    let watched = validating(&split.value, &gold.value);
    let all = training(&split.value).len();
    let mut told = LearningCurve {
        metric: metric.name(),
        windows: watched.len(),
        samples: all,
        points: Vec::new(),
        law: None,
        expected: Vec::new(),
        goal,
        more: None,
        says: String::new(),
    };
    let number = learn.iter().any(|l| l.kind == LearnKind::Regression);
    let units = units(&silver.value, &split.value, number);
    if units.len() < SAMPLES || watched.is_empty() {
        told.says = format!(
            "What more samples would bring cannot be said: {} recordings (or groups of them) train and {} windows validate; it takes {SAMPLES} and one.",
            units.len(),
            watched.len()
        );
        return Ok(told);
    }
    let quiet = Quiet(session.observer);
    let parts = options.parts();
    let total = (parts.len() * options.repeats) as u64;
    for (n, &share) in parts.iter().enumerate() {
        for repeat in 0..options.repeats {
            let done = (n * options.repeats + repeat) as u64;
            session.progress("advise", done, total, format!("training on {:.0} %", 100.0 * share))?;
            let seed = session.seed.wrapping_add(repeat as u64);
            let chosen = part(&units, share, seed);
            let figure = trial(session, &quiet, (silver, split, gold), &chosen, seed, metric, &watched)?;
            let point = |(figure, windows)| CurvePoint { samples: chosen.len(), windows, figure, repeat };
            told.points.extend(figure.map(point));
        }
    }
    session.progress("advise", total, total, "")?;
    conclude(metric, session.seed, &mut told);
    Ok(told)
}

/// Trains on some samples; the metric on validation windows, and how many windows trained. `None`: it has none there, or so few samples cannot be trained on.
fn trial(
    session: &Session<'_>,
    quiet: &Quiet<'_>,
    (silver, split, gold): (&Staged<Silver>, &Staged<Split>, &Staged<Gold>),
    chosen: &[usize],
    seed: u64,
    metric: Metric,
    watched: &[usize],
) -> Result<Option<(f64, usize)>, EngineError> {
    let other = Session {
        store: Store::open_shared(&session.project.state_dir())?,
        project: session.project.clone(),
        observer: quiet,
        jobs: session.jobs,
        seed,
        looking: false,
    };
    let mut sides = split.value.sides.clone();
    let mut keep = chosen.iter().peekable();
    for (sample, side) in sides.iter_mut().enumerate() {
        let kept = keep.next_if(|s| **s == sample).is_some();
        if *side == Side::Training && !kept {
            // It neither trains nor validates; test windows are in a matrix of their own.
            *side = Side::Testing;
        }
    }
    let whole = sides == split.value.sides;
    // The stage takes sides to be known by the features, so that those of a part go by another name.
    let hash = match whole {
        true => gold.hash,
        false => Key::new("advise").text("gold", &gold.hash.to_string()).value("sides", &sides).finish(),
    };
    let split =
        Staged { value: Split { sides, leaks: Vec::new() }, hash: split.hash, record: split.record.clone() };
    let gold = Staged { value: gold.value.clone(), hash, record: gold.record.clone() };
    let trained = match train::run(&other, silver, &split, &gold) {
        Ok(trained) => trained.value,
        Err(EngineError::Data(_) | EngineError::Train(_)) if !whole => return Ok(None),
        Err(e) => return Err(e),
    };
    let impulse = trained.impulse_int8(&other)?;
    let windows: Vec<WindowAt> = watched.iter().map(|&w| gold.value.training.windows()[w]).collect();
    let width = impulse.features();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let columns = [0..width];
    let rows = gold.value.training.rows(&other, watched.to_vec(), &columns)?;
    let outcomes = infer(&other, &impulse, windows.len(), width, &|n, out| rows.row(n, out))?;
    let truth = Truth::new(&trained, &silver.value, &gold.value.labels, &windows);
    let figures = truth.figures(&impulse, &outcomes);
    let windows = trained.learn.iter().map(|l| l.training_windows).max().unwrap_or(0);
    Ok(metric.of(&figures).filter(|f| f.is_finite()).map(|f| (f, windows)))
}

/// What the points say.
fn conclude(metric: Metric, seed: u64, told: &mut LearningCurve) {
    let points: Vec<(f64, f64)> =
        told.points.iter().map(|p| (p.samples as f64, error(metric, p.figure))).collect();
    let now = told.samples as f64;
    let Some(curve) = Curve::fit(&points, seed) else {
        told.says = format!(
            "What more samples would bring cannot be said: {} is known for fewer than three numbers of training samples.",
            metric.name()
        );
        return;
    };
    let law = curve.law();
    told.law = Some(LawOf { floor: law.floor, scale: law.scale, exponent: law.exponent });
    let figure = |samples: f64| {
        let e = curve.at(samples);
        let high = e.high.unwrap_or(e.value);
        match metric.more_is_better() {
            true => Interval { value: 1.0 - e.value, low: 1.0 - high, high: Some(1.0 - e.low) },
            false => Interval { value: e.value, low: e.low, high: Some(high) },
        }
    };
    told.expected = [told.samples, 2 * told.samples].into_iter().map(|n| (n, figure(n as f64))).collect();
    let reached: Vec<f64> = points.iter().filter(|p| p.0 == now).map(|p| p.1).collect();
    let reached = reached.iter().sum::<f64>() / reached.len().max(1) as f64;
    let doubled = told.expected[1].1;
    let then = format!(
        "twice as many are expected to bring {} to {:.3} ({:.3} to {:.3})",
        metric.name(),
        doubled.value,
        doubled.low,
        doubled.high.unwrap_or(doubled.value)
    );
    let Some(goal) = told.goal else {
        told.says = match curve.outlook(f64::MIN) {
            Outlook::Flat => format!(
                "From {} training samples to {} {} changed by no more than chance: more of the same will hardly help.",
                told.points.iter().map(|p| p.samples).min().unwrap_or(0),
                told.samples,
                metric.name()
            ),
            _ => format!(
                "Of {} training samples, {then}. Name a goal to hear how many it takes.",
                told.samples
            ),
        };
        return;
    };
    let wanted = error(metric, goal);
    let name = metric.name();
    if reached <= wanted {
        told.more = Some(Interval { value: 0.0, low: 0.0, high: Some(0.0) });
        told.says = format!(
            "{name} of {goal} is reached on validation windows with the {} samples that train.",
            told.samples
        );
        return;
    }
    if counts(metric) && wanted * (told.windows as f64) < ERRORS {
        told.says = format!(
            "How many samples bring {name} to {goal} cannot be said: of {} validation windows that leaves {:.1} wrong, too few to be told from none. Collect more that validate first.",
            told.windows,
            wanted.max(0.0) * told.windows as f64
        );
        return;
    }
    told.says = match curve.outlook(wanted) {
        Outlook::Needs(n) => {
            let more = Interval {
                value: (n.value - now).ceil().max(1.0),
                low: (n.low - now).floor().max(0.0),
                high: n.high.map(|h| (h - now).ceil()),
            };
            told.more = Some(more);
            let within = match more.high {
                Some(high) => format!("{:.0} to {high:.0}", more.low),
                None => format!("at least {:.0}, no upper end can be given", more.low),
            };
            format!(
                "About {:.0} more training samples like those that are there bring {name} to {goal} ({within}); {then}.",
                more.value
            )
        }
        Outlook::Flat => format!(
            "How many samples bring {name} to {goal} cannot be said: more of them changed it by no more than chance so far. Other data, or another impulse, may."
        ),
        Outlook::LevelsOut => format!(
            "How many samples bring {name} to {goal} cannot be said: the curve levels out near {:.3}; {then}.",
            if metric.more_is_better() { 1.0 - law.floor } else { law.floor }
        ),
        Outlook::TooFar => format!(
            "How many samples bring {name} to {goal} cannot be said: more than {FAR:.0} times as many, which is farther than the curve may be followed; {then}."
        ),
    };
}

impl Advice {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for line in &self.says {
            out.push_str(line);
            out.push('\n');
        }
        let mut table = |title: &str, rows: Vec<(String, &Share)>| {
            if rows.is_empty() {
                return;
            }
            out.push_str(&format!(
                "\n{title:<32} {:>7} {:>16} {:>8} {:>10}\n",
                "share", "95 % interval", "windows", "recordings"
            ));
            for (name, s) in rows {
                out.push_str(&format!(
                    "{name:<32} {:>7.3} {:>7.3} to {:.3} {:>8} {:>10}{}\n",
                    s.value,
                    s.low,
                    s.high,
                    s.windows,
                    s.recordings,
                    if s.below { "  below the rest" } else { "" }
                ));
            }
        };
        table("label", self.labels.iter().map(|l| (l.label.clone(), &l.share)).collect());
        table(
            "slice",
            self.slices.iter().map(|s| (format!("{} = {}", s.key, s.value_of), &s.share)).collect(),
        );
        let region = |r: &WeakRegion| r.labels.iter().map(|l| l.0.as_str()).collect::<Vec<_>>().join(", ");
        table("region of", self.regions.iter().map(|r| (region(r), &r.share)).collect());
        if self.slices.len() + self.regions.len() > 0 {
            out.push_str("Of twenty slices or regions one looks weak by chance.\n");
        }
        if let Some(curve) = &self.curve {
            out.push_str(&format!(
                "\n{:>8}  {} of {} validation windows\n",
                "samples", curve.metric, curve.windows
            ));
            for p in &curve.points {
                out.push_str(&format!("{:>8}  {:.4}\n", p.samples, p.figure));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(points: &[(usize, f64)], goal: Option<f64>, windows: usize) -> LearningCurve {
        let mut told = LearningCurve {
            metric: "accuracy",
            windows,
            samples: points.iter().map(|p| p.0).max().unwrap_or(0),
            points: points
                .iter()
                .map(|&(samples, figure)| CurvePoint { samples, windows: samples, figure, repeat: 0 })
                .collect(),
            law: None,
            expected: Vec::new(),
            goal,
            more: None,
            says: String::new(),
        };
        conclude(Metric::Accuracy, 1, &mut told);
        told
    }

    #[test]
    fn a_goal_is_reached_needs_more_or_cannot_be_told() {
        // One less twice the inverse of the number of samples.
        let curve = [(20, 0.90), (40, 0.95), (60, 0.9667), (80, 0.975)];
        let more = told(&curve, Some(0.985), 1000).more.expect("a number");
        assert!((30.0..80.0).contains(&more.value), "{more:?}");
        assert!(more.low <= more.value && more.high.is_some_and(|h| h >= more.value), "{more:?}");
        assert_eq!(told(&curve, Some(0.97), 1000).more.map(|m| m.value), Some(0.0));
        let few = told(&curve, Some(0.985), 100);
        assert!(few.more.is_none() && few.says.contains("1.5 wrong"), "{}", few.says);
        let none = told(&curve, None, 1000);
        assert!(none.more.is_none() && none.says.contains("twice as many"), "{}", none.says);
        let flat = [(20, 0.90), (40, 0.91), (60, 0.89), (80, 0.90)];
        assert!(told(&flat, Some(0.99), 1000).says.contains("no more than chance"));
    }

    #[test]
    fn a_part_has_some_of_each_label_and_larger_ones_hold_it() {
        let unit = |n: usize, label: &str| Unit { label: label.into(), samples: vec![n, n + 1] };
        let units: Vec<Unit> = (0..20).map(|i| unit(2 * i, if i < 16 { "often" } else { "rare" })).collect();
        let quarter = part(&units, 0.25, 3);
        assert_eq!(quarter.len(), 2 * (4 + 1));
        assert!(quarter.iter().any(|&s| s >= 32), "one of the rare ones: {quarter:?}");
        assert!(quarter.chunks(2).all(|c| c[0] + 1 == c[1]), "groups stay together: {quarter:?}");
        let half = part(&units, 0.5, 3);
        assert!(quarter.iter().all(|s| half.contains(s)));
        assert_eq!(part(&units, 1.0, 3).len(), 40);
        assert_ne!(part(&units, 0.25, 4), quarter);
    }
}
