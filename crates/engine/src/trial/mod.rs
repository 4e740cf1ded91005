//! `train try`: what other features, another network or other training would make of the same recordings. Everything is judged on
//! validation windows: test windows take no part in a choice.

mod variants;

use crate::{
    EngineError,
    cross::{self, Asked},
    estimate, impulses,
    project::{LearnKind, Metric, Project},
    run::{self, Results},
    session::Session,
    stages::{features, split::Side, train::LearnSummary},
};
use edgewright_impulse::Impulse;
use edgewright_store::Store;
use serde::Serialize;
pub use variants::Variant;

/// How much better training windows may be known than validation windows before it is called overfit.
const GAP: f64 = 0.04;
/// What training windows must reach not to be called underfit.
const LEARNED: f64 = 0.9;

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of variants; none: those that the training advises.
    pub variants: Vec<String>,
    /// Keep what was tried as impulses `try-NAME` of the project.
    pub keep: bool,
}

/// What was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The figure that is told, on validation windows.
    pub metric: String,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// Target that RAM, flash and instructions are told for.
    pub target: String,
    /// Seed.
    pub seed: u64,
    /// What the training as it is says, in words.
    pub advice: Vec<String>,
    /// The project as it is, then the others in the order they were asked for.
    pub trials: Vec<Trial>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// `current`, or the name of the variant.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Sections `[impulse]` and `[training]` with it; empty for the project as it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub impulse: String,
    /// Name under which it is kept among the impulses of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Whether no other one is better at the figure, in int8; of equals the one with fewest instructions.
    pub best: bool,
}

/// What came of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The figure on validation windows, float.
    pub float: f64,
    /// The figure on validation windows, int8.
    pub int8: f64,
    /// The figure on training windows, float: far above, it is overfit.
    pub training: Option<f64>,
    /// Validation windows.
    pub windows: usize,
    /// Values of a window before features are made of it.
    pub samples: usize,
    /// Features of a window.
    pub features: usize,
    /// Memory of the impulse without stack, in bytes; exact.
    pub ram_bytes: usize,
    /// Constants and code, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Instructions of DSP blocks for one window; an estimate.
    pub dsp_instructions: u64,
    /// Instructions of learning blocks for one window; an estimate.
    pub instructions: u64,
    /// Time of a window if each instruction took one cycle: an estimate. `None` where the clock is not known.
    pub milliseconds: Option<f64>,
}

/// Trains the project as it is and with each variant.
///
/// # Errors
/// [`EngineError::Usage`] for a variant that is none, [`EngineError::Data`] without validation windows or an impulse with labels;
/// whatever training the project as it is returns. A variant that cannot be trained is told with its reason.
pub fn try_out(session: &Session<'_>, options: &Options) -> Result<Tried, EngineError> {
    let asked: Vec<Variant> = options.variants.iter().map(|n| Variant::parse(n)).collect::<Result<_, _>>()?;
    let targets = estimate::targets(&session.project, &[])?;
    let target = *targets.first().ok_or_else(|| EngineError::Internal("a project has a target".into()))?;
    session.progress("try", 0, asked.len() as u64 + 1, "as it is")?;
    let mut results = Results::default();
    run::fill(session, 4, &mut results)?;
    let (current, asked_now, learned) = judge(session, &results)?;
    let metric = metric(&session.project, &asked_now)?;
    let (advised, advice) = advice(&learned, current.windows_trained);
    let variants = if asked.is_empty() { advised } else { asked };
    let design = features::design(
        session,
        &session.project,
        &results.silver.as_ref().ok_or(EngineError::NotBuilt { stage: "clean" })?.value,
        &mut Vec::new(),
    )?;
    let mut trials = vec![Trial {
        name: "current".into(),
        what: "as it is".into(),
        impulse: String::new(),
        kept: None,
        problem: None,
        outcome: Some(outcome(&current, &asked_now, metric, target)?),
        best: false,
    }];
    let total = variants.len() as u64 + 1;
    for (n, variant) in variants.into_iter().enumerate() {
        session.progress("try", n as u64 + 1, total, variant.name())?;
        let mut trial = Trial {
            name: variant.name().into(),
            what: variant.what().into(),
            impulse: String::new(),
            kept: None,
            problem: None,
            outcome: None,
            best: false,
        };
        match changed(session, variant, &design, current.windows_trained) {
            Err(why) => trial.problem = Some(why),
            Ok((text, project)) => {
                trial.impulse = text;
                let other = beside(session, project)?;
                let mut results = Results::default();
                match run::fill(&other, 4, &mut results) {
                    Ok(()) => {
                        let (made, figures, _) = judge(&other, &results)?;
                        trial.outcome = Some(outcome(&made, &figures, metric, target)?);
                    }
                    // What does not fit these recordings is no error of the others.
                    Err(
                        e @ (EngineError::Data(_)
                        | EngineError::Train(_)
                        | EngineError::Impulse(_)
                        | EngineError::ProjectFile { .. }),
                    ) => trial.problem = Some(e.to_string()),
                    Err(e) => return Err(e),
                }
            }
        }
        trials.push(trial);
    }
    choose(&mut trials, !metric.more_is_better());
    if options.keep {
        for trial in trials.iter_mut().filter(|t| t.outcome.is_some() && !t.impulse.is_empty()) {
            let name = format!("try-{}", trial.name);
            impulses::keep(&session.project.dir, &name, &trial.impulse)?;
            trial.kept = Some(name);
        }
    }
    Ok(Tried {
        metric: metric.name().into(),
        less_is_better: !metric.more_is_better(),
        target: target.id.clone(),
        seed: session.seed,
        advice,
        trials,
    })
}

/// A trained impulse, and on how much.
struct Made {
    int8: Impulse,
    training: Option<f64>,
    windows: usize,
    windows_trained: usize,
}

/// What the validation windows say of what was trained.
fn judge(session: &Session<'_>, r: &Results) -> Result<(Made, Asked, Vec<LearnSummary>), EngineError> {
    let (Some(silver), Some(split), Some(gold), Some(trained)) = (&r.silver, &r.split, &r.gold, &r.trained)
    else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let levels = (&silver.value, &gold.value);
    let asked = cross::ask(session, levels, &split.value.sides, Side::Validation, &trained.value)?;
    if asked.windows() == 0 {
        return Err(EngineError::Data(
            "no window validates, and test windows take no part in a choice\nhint: set `validation` under [split]".into(),
        ));
    }
    let learned = trained.value.learn.clone();
    let first = learned.iter().find(|l| l.kind != LearnKind::Anomaly);
    let made = Made {
        int8: trained.value.impulse_int8(session)?,
        training: first.and_then(|l| l.history.get(l.best_epoch.checked_sub(1)?)).map(|e| e.metric),
        windows: asked.windows(),
        windows_trained: first.map_or(0, |l| l.training_windows),
    };
    Ok((made, asked, learned))
}

fn metric(project: &Project, asked: &Asked) -> Result<Metric, EngineError> {
    cross::metric(project, std::slice::from_ref(asked))
}

fn outcome(
    made: &Made,
    asked: &Asked,
    metric: Metric,
    target: &edgewright_compile::target::Target,
) -> Result<Outcome, EngineError> {
    let of = |f| {
        metric.of(f).ok_or_else(|| {
            EngineError::Data(format!(
                "the validation windows have no {}: too few of them have a label that trained",
                metric.name()
            ))
        })
    };
    let cost = estimate::on(&made.int8, target)?;
    Ok(Outcome {
        float: of(&asked.float)?,
        int8: of(&asked.int8)?,
        training: made.training.filter(|_| matches!(metric, Metric::Accuracy | Metric::R2)),
        windows: made.windows,
        samples: made.int8.window.frames * made.int8.window.axes.len(),
        features: made.int8.features(),
        ram_bytes: cost.arena_bytes,
        flash_bytes: cost.flash_bytes + cost.dsp_flash_bytes,
        dsp_instructions: cost.dsp_instructions,
        instructions: cost.instructions,
        milliseconds: cost.milliseconds,
    })
}

/// What to try, and why.
fn advice(learned: &[LearnSummary], windows: usize) -> (Vec<Variant>, Vec<String>) {
    let curve = learned.iter().find(|l| !l.history.is_empty());
    let Some((training, validation)) = curve.and_then(|l| {
        let kept = l.history.get(l.best_epoch.checked_sub(1)?)?;
        Some((kept.metric, kept.validation_metric?))
    }) else {
        return (
            vec![Variant::Raw, Variant::Forest],
            vec!["no network was trained: other features and another method are tried".into()],
        );
    };
    let (t, v) = (training * 100.0, validation * 100.0);
    if training - validation > GAP {
        let mut why = vec![format!(
            "overfit: {t:.1} % on training windows, {v:.1} % on validation windows; a smaller network, augmentation and a forest are tried"
        )];
        why.push(format!(
            "{windows} windows train: more recordings, of more people, places and devices, help most"
        ));
        return (vec![Variant::Smaller, Variant::Augmented, Variant::Forest], why);
    }
    if training < LEARNED {
        let why = format!(
            "underfit: {t:.1} % on training windows; a larger network, longer training and other features are tried"
        );
        return (vec![Variant::Larger, Variant::Longer, Variant::Raw], vec![why]);
    }
    let why = format!(
        "{t:.1} % on training windows, {v:.1} % on validation windows: neither overfit nor underfit; less of everything is tried"
    );
    (vec![Variant::Smaller, Variant::Raw, Variant::Forest], vec![why])
}

/// The sections of the variant as text, and the project with them.
fn changed(
    session: &Session<'_>,
    variant: Variant,
    design: &Impulse,
    windows: usize,
) -> Result<(String, Project), String> {
    let project = &session.project;
    let mut table: toml::Table = project.text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    variant.change(&mut table, project, design, windows)?;
    let text = table.to_string();
    let made = Project::parse(&project.dir, &text).map_err(|e| e.to_string())?;
    let mut own = toml::Table::new();
    for name in ["impulse", "training"] {
        if let Some(part) = table.remove(name) {
            own.insert(name.to_owned(), part);
        }
    }
    let head = format!("# {}: {}\n", variant.name(), variant.what());
    Ok((head + &own.to_string(), made))
}

/// Another project on the same store.
fn beside<'a>(session: &'a Session<'a>, mut project: Project) -> Result<Session<'a>, EngineError> {
    // What the folders hold is imported already.
    project.file.data.clear();
    Ok(Session {
        store: Store::open_shared(&session.project.state_dir())?,
        project,
        observer: session.observer,
        jobs: session.jobs,
        seed: session.seed,
        looking: false,
    })
}

/// Marks the best.
fn choose(trials: &mut [Trial], less_is_better: bool) {
    let rank =
        |o: &Outcome| (if less_is_better { -o.int8 } else { o.int8 }, o.instructions + o.dsp_instructions);
    let mut best: Option<(usize, (f64, u64))> = None;
    for (i, trial) in trials.iter().enumerate() {
        let Some(now) = trial.outcome.as_ref().map(rank) else { continue };
        if best.is_none_or(|(_, b)| now.0 > b.0 || now.0 == b.0 && now.1 < b.1) {
            best = Some((i, now));
        }
    }
    if let Some((i, _)) = best {
        trials[i].best = true;
    }
}

impl Tried {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out: String = self.advice.iter().map(|line| format!("{line}\n")).collect();
        out.push_str(&format!(
            "{:<10}  {:>9}  {:>9}  {:>9}  {:>8}  {:>9}  {:>9}  {:>12}  {:>12}\n",
            "", "float", "int8", "training", "features", "RAM", "flash", "DSP", "network"
        ));
        for t in &self.trials {
            let Some(o) = &t.outcome else {
                out.push_str(&format!(
                    "{:<10}  {}\n",
                    t.name,
                    t.problem.as_deref().unwrap_or("nothing came of it")
                ));
                continue;
            };
            let training = o.training.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
            let mark = if t.best { "  <- best" } else { "" };
            out.push_str(&format!(
                "{:<10}  {:>9.4}  {:>9.4}  {training:>9}  {:>8}  {:>9}  {:>9}  {:>12}  {:>12}{mark}\n",
                t.name,
                o.float,
                o.int8,
                o.features,
                o.ram_bytes,
                o.flash_bytes,
                o.dsp_instructions,
                o.instructions
            ));
        }
        let windows = self.trials.iter().find_map(|t| t.outcome.as_ref()).map_or(0, |o| o.windows);
        out.push_str(&format!(
            "{} on {windows} validation windows; bytes and instructions of a window on {}: RAM exact, flash and instructions estimated\n",
            self.metric, self.target
        ));
        for t in &self.trials {
            if let Some(name) = &t.kept {
                out.push_str(&format!(
                    "kept: impulse `{name}` ({}); `edgewright impulse use {name}` takes it\n",
                    t.what
                ));
            }
        }
        out
    }
}
