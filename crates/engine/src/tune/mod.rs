//! `dsp tune`: a search of a block's parameters by what its features tell of training windows and what they cost; the best are trained,
//! compared on validation windows, and the choice is told on test windows.

mod edit;
mod judge;
mod score;
mod space;

use crate::{
    EngineError,
    project::{LearnKind, nearest},
    run::{self, Results},
    session::Session,
    stages::{
        clean::{Silver, SilverReader},
        features,
        gold::Labels,
        split::{Side, Split},
    },
    workspace,
};
use edgewright_dsp::Value;
use edgewright_impulse::{DspBlock, Impulse};
pub use judge::{Finalist, OnTest};
use score::{Scored, mean};
use serde::Serialize;
use space::{Draw, Setting, Space};
use std::collections::BTreeSet;

/// Windows that are told apart, at most.
const WINDOWS: usize = 400;
/// What a doubling of the RAM must bring of separability to be worth it.
const PRICE: f64 = 0.005;
/// Settings that may be refused for each that is tried.
const REFUSED: usize = 200;

/// What is searched.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the block in the project; `None` for the first.
    pub block: Option<String>,
    /// Settings that are tried, with those of the project file.
    pub trials: usize,
    /// Seed of the search; `None` for the project's.
    pub seed: Option<u64>,
    /// Of the best settings, how many are trained beside those of the project file; 0: none, the search alone decides.
    pub finalists: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { block: None, trials: 40, seed: None, finalists: 4 }
    }
}

/// What was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuned {
    /// Name of the block in the project.
    pub block: String,
    /// Seed of the search.
    pub seed: u64,
    /// Training windows that were told apart, and labels.
    pub windows: usize,
    /// Labels of these windows.
    pub labels: usize,
    /// The best first.
    pub trials: Vec<Trial>,
    /// Those that were trained, the project's own first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalists: Vec<Finalist>,
    /// The int8 model on test windows with the settings of the project file, and with those that were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<[OnTest; 2]>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Keys whose values are not those of the project file.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Share of a window's nearest neighbours in other recordings that have its label, 0..1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separability: Option<f64>,
    /// With an anomaly block: area under the ROC curve by which the distance to known windows tells those of a label that is not known,
    /// and distorted ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<f64>,
    /// Scratch, features and what is kept from window to window, in bytes.
    pub ram_bytes: usize,
    /// Number of features.
    pub features: usize,
    /// Mean of both, less what the RAM costs.
    pub score: f64,
    /// What the RAM costs.
    #[serde(skip)]
    price: f64,
    /// Whether it is the one of the project file.
    pub current: bool,
}

/// Windows of training recordings with their labels: there is no way from here to one that validates or tests.
struct TrainingWindows {
    values: Vec<Vec<f32>>,
    labels: Vec<u32>,
    recordings: Vec<usize>,
}

impl TrainingWindows {
    /// Evenly spaced windows that have a label.
    fn read(
        session: &Session<'_>,
        silver: &Silver,
        split: &Split,
        impulse: &Impulse,
    ) -> Result<Self, EngineError> {
        let window = &impulse.window;
        let (names, rule) = (Labels::of(silver), &session.project.file.impulse.ranges);
        let mut all = Vec::new();
        for (i, sample) in
            silver.samples.iter().enumerate().filter(|(i, _)| split.sides[*i] == Side::Training)
        {
            for start in rule.starts(window, &sample.ranges, sample.frames) {
                let label = match sample.ranges.as_slice() {
                    [] => sample.label.as_deref(),
                    parts => rule.label(parts, start, window.frames),
                };
                all.extend(label.and_then(|l| names.place(l)).map(|l| (i, start, l)));
            }
        }
        let most = all.len().min(WINDOWS);
        let mut reader = SilverReader::open(session, silver)?;
        let mut out = Self { values: Vec::new(), labels: Vec::new(), recordings: Vec::new() };
        for n in 0..most {
            let (i, start, label) = all[n * all.len() / most];
            let sample = &silver.samples[i];
            let read = reader.part(sample, start..sample.frames.min(start + window.frames))?;
            let mut cut = Vec::new();
            window.cut(&read, 0, &mut cut);
            out.values.push(cut);
            out.labels.push(label);
            out.recordings.push(i);
        }
        Ok(out)
    }
}

/// Searches the parameters of a block. The same seed tries the same settings in the same order.
///
/// # Errors
/// [`EngineError::Data`] without two labels (or an anomaly block) or without a parameter to try; whatever a stage returns.
pub fn tune(session: &Session<'_>, options: &Options) -> Result<Tuned, EngineError> {
    let mut results = Results::default();
    run::fill(session, 2, &mut results)?;
    let (Some(silver), Some(split)) = (&results.silver, &results.split) else {
        return Err(EngineError::NotBuilt { stage: "split" });
    };
    features::ask_programs(session, &silver.value)?;
    let impulse = features::design(session, &session.project, &silver.value, &mut Vec::new())?;
    let (index, block) = find(&impulse, options.block.as_deref())?;
    let windows = TrainingWindows::read(session, &silver.value, &split.value, &impulse)?;
    let labels: BTreeSet<u32> = windows.labels.iter().copied().collect();
    let unusual = session.project.file.impulse.learn.iter().any(|l| l.kind == LearnKind::Anomaly);
    if labels.len() < 2 && !unusual {
        return Err(EngineError::Data(format!(
            "the training windows have {} label; tuning tells at least two apart\nhint: import recordings of another label, and see `edgewright data list`",
            labels.len()
        )));
    }
    let space = Space::of(block, &impulse.window);
    if space.is_empty() {
        return Err(EngineError::Data(format!("block `{}` has no parameter to try", block.id)));
    }
    let seed = options.seed.unwrap_or(session.seed);
    let mut draw = Draw::new(seed);
    let total = options.trials as u64;
    let now = ram(block);
    let judge = |block: &DspBlock, settings: &Setting| -> Option<Trial> {
        let scored = Scored::of(block, &impulse.window, &windows, unusual)?;
        let separability = (labels.len() > 1).then(|| scored.separability());
        let novelty = unusual.then(|| scored.novelty());
        let figure = mean(separability.into_iter().chain(novelty))?;
        let ram_bytes = ram(block);
        let price = PRICE * (ram_bytes.max(1) as f64 / now.max(1) as f64).log2();
        Some(Trial {
            settings: settings.iter().map(|(k, v)| (k.clone(), json(v))).collect(),
            separability,
            novelty,
            ram_bytes,
            features: block.features(),
            score: figure - price,
            price,
            current: settings.is_empty(),
        })
    };
    session.progress("tune", 0, total, "settings")?;
    let current = judge(block, &Setting::new())
        .ok_or_else(|| EngineError::Data(format!("block `{}` refuses a training window", block.id)))?;
    let mut trials = vec![current];
    let mut best = (Setting::new(), trials[0].score);
    let mut seen = BTreeSet::from([String::new()]);
    let mut plans = vec![block.plan.clone()];
    let mut refused = 0;
    while trials.len() < options.trials && refused < REFUSED * options.trials {
        let settings = space.next(&best.0, trials.len(), &mut draw);
        if !seen.insert(format!("{settings:?}")) {
            refused += 1;
            continue;
        }
        let made = space.block(block, &settings, &impulse.window);
        // Parameters that nothing reads, such as a wavelet's beside an FFT, make no other block.
        let Some(made) = made.filter(|b| !plans.contains(&b.plan)) else {
            refused += 1;
            continue;
        };
        let settings = space.effective(block, settings, &impulse.window, &made);
        let judged = judge(&made, &settings);
        plans.push(made.plan);
        let Some(trial) = judged else {
            refused += 1;
            continue;
        };
        if trial.score > best.1 {
            best = (settings, trial.score);
        }
        trials.push(trial);
        session.progress("tune", trials.len() as u64, total, "settings")?;
    }
    // Stable: of equals the one that was tried first.
    trials.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut tuned = Tuned {
        block: block.id.clone(),
        seed,
        windows: windows.values.len(),
        labels: labels.len(),
        trials,
        finalists: Vec::new(),
        test: None,
    };
    if options.finalists > 0 {
        tuned.finalists = judge::judge(session, index, &tuned, options.finalists)?;
        if let Some(chosen) = tuned.finalists.iter().find(|f| f.chosen) {
            let own = judge::on_test(session, index, &serde_json::Map::new())?;
            tuned.test =
                own.zip(judge::on_test(session, index, &chosen.settings)?).map(|(own, chosen)| [own, chosen]);
        }
    }
    Ok(tuned)
}

/// Writes the best setting into the project file, with everything else of it as it was. Whether something was changed.
///
/// # Errors
/// [`EngineError::Data`] where the text cannot be edited without touching something else.
pub fn apply(session: &Session<'_>, tuned: &Tuned) -> Result<bool, EngineError> {
    let Some(settings) = tuned.best() else { return Ok(false) };
    let dir = &session.project.dir;
    let (text, version) = workspace::read_project_file(dir)?;
    let sections = &session.project.file.impulse.dsp;
    let by_id = |s: &crate::project::DspSection| s.id.as_deref().unwrap_or(&s.block) == tuned.block;
    let index = sections.iter().position(by_id).ok_or_else(|| {
        EngineError::Data(format!("the project file has no block `{}` by name; give it an `id`", tuned.block))
    })?;
    let edited = edit::set_keys(&text, index, settings).map_err(EngineError::Data)?;
    workspace::write_project_file(dir, &edited, Some(&version), &[])?;
    Ok(true)
}

fn find<'a>(impulse: &'a Impulse, id: Option<&str>) -> Result<(usize, &'a DspBlock), EngineError> {
    let mut blocks = impulse.dsp.iter().enumerate();
    match id {
        None => blocks.next(),
        Some(id) => blocks.find(|(_, b)| b.id == id),
    }
    .ok_or_else(|| {
        let id = id.unwrap_or_default();
        let hint = nearest(id, impulse.dsp.iter().map(|b| b.id.as_str()));
        let hint = hint.map(|n| format!("\nhint: did you mean `{n}`?")).unwrap_or_default();
        EngineError::Data(format!("the impulse has no block `{id}`{hint}"))
    })
}

/// Bytes that a block works in and gives, known from its plan.
fn ram(block: &DspBlock) -> usize {
    4 * (block.plan.scratch_len() + block.plan.state_len() + block.features())
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => serde_json::json!(*n as i64),
        Value::Number(n) => serde_json::json!(n),
        Value::Bool(b) => serde_json::json!(b),
        Value::Text(t) => serde_json::json!(t),
    }
}

impl Tuned {
    /// The settings that are better than those of the project file, when some are: chosen on validation windows where they were trained.
    pub fn best(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
        match self.finalists.is_empty() {
            true => self.trials.first().filter(|t| !t.current).map(|t| &t.settings),
            false => self.finalists.iter().find(|f| f.chosen && !f.current).map(|f| &f.settings),
        }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let figure = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
        let shown = |settings: &serde_json::Map<String, serde_json::Value>, current: bool| {
            let all: Vec<String> = settings.iter().map(|(k, v)| format!("{k} = {v}")).collect();
            if current { "as in the project file".into() } else { all.join(", ") }
        };
        let mut out = format!(
            "block `{}`: {} settings on {} training windows of {} labels, seed {}\n{:>7}  {:>12}  {:>7}  {:>10}  {:>8}  settings\n",
            self.block,
            self.trials.len(),
            self.windows,
            self.labels,
            self.seed,
            "score",
            "separability",
            "novelty",
            "RAM bytes",
            "features"
        );
        for t in &self.trials {
            out.push_str(&format!(
                "{:>7.4}  {:>12}  {:>7}  {:>10}  {:>8}  {}\n",
                t.score,
                figure(t.separability),
                figure(t.novelty),
                t.ram_bytes,
                t.features,
                shown(&t.settings, t.current)
            ));
        }
        out.push_str("separability: share of the five nearest windows of other recordings that have the same label; novelty: how well the distance to known windows tells those of an unknown label, and distorted ones.\n");
        if self.finalists.is_empty() {
            out.push_str("Both stand for what a model would make of the features and are none: run the project to see what the settings are worth.\n");
            return out;
        }
        out.push_str(&format!(
            "\ntrained, on validation windows\n{:>7}  {:>8}  {:>7}  settings\n",
            "score", "accuracy", "anomaly"
        ));
        for f in &self.finalists {
            let mark = if f.chosen { "  <- chosen" } else { "" };
            let settings = shown(&f.settings, f.current);
            out.push_str(&format!(
                "{:>7.4}  {:>8}  {:>7}  {settings}{mark}\n",
                f.score,
                figure(f.accuracy),
                figure(f.anomaly)
            ));
        }
        if let Some([own, chosen]) = &self.test {
            for (name, now, then) in
                [("accuracy", own.accuracy, chosen.accuracy), ("AUROC", own.auroc, chosen.auroc)]
            {
                if now.is_some() {
                    out.push_str(&format!(
                        "test {name}: {} as in the project file, {} as chosen\n",
                        figure(now),
                        figure(then)
                    ));
                }
            }
        }
        out
    }
}
