//! `dsp tune`: a search of a block's parameters by how well its features tell training windows apart, and what it costs.

mod edit;
mod score;
mod space;

use crate::{
    EngineError,
    project::nearest,
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
use score::separability;
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
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Keys whose values are not those of the project file.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Share of a window's nearest neighbours in other recordings that have its label, 0..1.
    pub separability: f64,
    /// Scratch, features and what is kept from window to window, in bytes.
    pub ram_bytes: usize,
    /// Number of features.
    pub features: usize,
    /// Separability less what the RAM costs.
    pub score: f64,
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
/// [`EngineError::Data`] without two labels in two recordings each or without a parameter to try; whatever a stage returns.
pub fn tune(session: &Session<'_>, options: &Options) -> Result<Tuned, EngineError> {
    let mut results = Results::default();
    run::fill(session, 2, &mut results)?;
    let (Some(silver), Some(split)) = (&results.silver, &results.split) else {
        return Err(EngineError::NotBuilt { stage: "split" });
    };
    let impulse = features::design(&session.project, &silver.value, &mut Vec::new())?;
    let (_, block) = find(&impulse, options.block.as_deref())?;
    let windows = TrainingWindows::read(session, &silver.value, &split.value, &impulse)?;
    let labels: BTreeSet<u32> = windows.labels.iter().copied().collect();
    if labels.len() < 2 {
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
        let separability = separability(block, &impulse.window, &windows)?;
        let ram_bytes = ram(block);
        let price = PRICE * (ram_bytes.max(1) as f64 / now.max(1) as f64).log2();
        Some(Trial {
            settings: settings.iter().map(|(k, v)| (k.clone(), json(v))).collect(),
            separability,
            ram_bytes,
            features: block.features(),
            score: separability - price,
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
    Ok(Tuned { block: block.id.clone(), seed, windows: windows.values.len(), labels: labels.len(), trials })
}

/// Writes the best setting into the project file, with everything else of it as it was. Whether something was changed.
///
/// # Errors
/// [`EngineError::Data`] where the text cannot be edited without touching something else.
pub fn apply(session: &Session<'_>, tuned: &Tuned) -> Result<bool, EngineError> {
    let Some(best) = tuned.trials.first().filter(|t| !t.current) else { return Ok(false) };
    let dir = &session.project.dir;
    let (text, version) = workspace::read_project_file(dir)?;
    let sections = &session.project.file.impulse.dsp;
    let by_id = |s: &crate::project::DspSection| s.id.as_deref().unwrap_or(&s.block) == tuned.block;
    let index = sections.iter().position(by_id).ok_or_else(|| {
        EngineError::Data(format!("the project file has no block `{}` by name; give it an `id`", tuned.block))
    })?;
    let edited = edit::set_keys(&text, index, &best.settings).map_err(EngineError::Data)?;
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
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "block `{}`: {} settings on {} training windows of {} labels, seed {}\n{:>7}  {:>12}  {:>10}  {:>8}  settings\n",
            self.block,
            self.trials.len(),
            self.windows,
            self.labels,
            self.seed,
            "score",
            "separability",
            "RAM bytes",
            "features"
        );
        for t in &self.trials {
            let settings: Vec<String> = t.settings.iter().map(|(k, v)| format!("{k} = {v}")).collect();
            let shown = if t.current { "as in the project file".into() } else { settings.join(", ") };
            out.push_str(&format!(
                "{:>7.4}  {:>12.4}  {:>10}  {:>8}  {shown}\n",
                t.score, t.separability, t.ram_bytes, t.features
            ));
        }
        out.push_str(
            "separability: share of the five nearest windows of other recordings that have the same label. It stands for accuracy and is none, and says nothing of an anomaly block: run the project to see what the settings are worth.\n",
        );
        out
    }
}
