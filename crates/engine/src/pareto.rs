//! All runs of a project against each other: what each reached and what it costs, and which no other beats.
//!
//! Runs are compared within one basis: what was measured counts code and stack that an estimate does not, so the two never stand in one front.

use crate::{
    EngineError,
    estimate::{self, TargetEstimate},
    project::Metric,
    session::Session,
    stages::build,
    versions::{self, Version},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// What costs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Of the code that `verify` built and ran.
    Measured,
    /// Worked out of the trained impulse: the arena is exact, flash and instructions are estimates, stack and static data are left out.
    Estimated,
}

/// What a figure was found on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Test windows, in int8.
    Test,
    /// Validation windows, in float: what may be chosen by.
    Validation,
}

/// What a run costs on the target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Constants and code, in bytes.
    pub flash_bytes: u64,
    /// Memory that it works in, in bytes; measured: with stack and static data.
    pub ram_bytes: u64,
    /// Executed for one window.
    pub instructions: u64,
    /// Time of a window if each instruction took one cycle of the target's clock: never measured. `None` where the clock is not known.
    pub milliseconds: Option<f64>,
}

/// A cost of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// [`Cost::flash_bytes`]
    Flash,
    /// [`Cost::ram_bytes`]
    Ram,
    /// [`Cost::instructions`]
    Instructions,
}

impl Axis {
    /// All.
    pub const ALL: [Self; 3] = [Self::Flash, Self::Ram, Self::Instructions];

    fn of(self, cost: &Cost) -> u64 {
        match self {
            Self::Flash => cost.flash_bytes,
            Self::Ram => cost.ram_bytes,
            Self::Instructions => cost.instructions,
        }
    }
}

/// A run: a version of the project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Id of the version.
    pub id: String,
    /// When it was last run, in milliseconds since 1970.
    pub last_run: i64,
    /// Whether the project file reads so now.
    pub current: bool,
    /// Seed of the run.
    pub seed: Option<u64>,
    /// The metric; `None` when it was not found for this run.
    pub figure: Option<f64>,
    /// What `verify` measured.
    pub measured: Option<Cost>,
    /// What was estimated of the trained impulse.
    pub estimated: Option<Cost>,
    /// Whether no other run is at least as good in the metric and every cost and better in one; `None` for one that cannot be compared.
    pub on_front: Option<bool>,
    /// The same with the metric and this cost alone: the fronts of charts of two axes.
    pub front_of: Vec<Axis>,
}

/// All runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pareto {
    /// Metric of the figures.
    pub metric: &'static str,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// What the figures were found on.
    pub on: On,
    /// Metrics that some run has there.
    pub metrics: Vec<&'static str>,
    /// Target of the costs; `None` when no run has any.
    pub target: Option<String>,
    /// Targets for which some run has costs.
    pub targets: Vec<String>,
    /// What the front is made of.
    pub basis: Basis,
    /// The last run first.
    pub runs: Vec<Run>,
}

/// How runs are compared; left out, each is chosen by what the runs have.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// As in `[charter]`; else that of the charter, else the first that a run has.
    pub metric: Option<String>,
    /// Figures of validation in place of those of the test.
    pub validation: bool,
    /// Id of a target.
    pub target: Option<String>,
    /// `measured` or `estimated`.
    pub basis: Option<String>,
}

/// Where the costs that were estimated are kept in what a run came to.
pub(crate) const ESTIMATE: &str = "estimate";

/// Compares all runs of a project.
///
/// # Errors
/// [`EngineError::Usage`] for a metric, target or basis that does not exist; those of the store.
pub fn pareto(session: &Session<'_>, options: &Options) -> Result<Pareto, EngineError> {
    let versions = versions::list(session)?;
    let on = if options.validation { On::Validation } else { On::Test };
    let metrics: Vec<Metric> =
        Metric::ALL.into_iter().filter(|m| versions.iter().any(|v| figure(v, *m, on).is_some())).collect();
    let metric = match &options.metric {
        Some(name) => Metric::parse(name)?,
        None => {
            let wanted = session.project.file.charter.metric.filter(|m| metrics.contains(m));
            wanted.or(metrics.first().copied()).unwrap_or(Metric::Accuracy)
        }
    };
    let targets: BTreeSet<String> = versions.iter().flat_map(known_targets).collect();
    let target = match &options.target {
        Some(id) => Some(build::target(id)?.id.clone()),
        None => {
            let own = session.project.file.deploy.targets.iter().find(|t| targets.contains(*t));
            own.or(targets.first()).cloned()
        }
    };
    let cost = |v: &Version, basis| target.as_deref().and_then(|t| cost(v, t, basis));
    let mut runs: Vec<Run> = versions
        .iter()
        .map(|v| Run {
            id: v.id.clone(),
            last_run: v.last_run,
            current: v.current,
            seed: v.outcome["seed"].as_u64(),
            figure: figure(v, metric, on),
            measured: cost(v, Basis::Measured),
            estimated: cost(v, Basis::Estimated),
            on_front: None,
            front_of: Vec::new(),
        })
        .collect();
    let basis = match options.basis.as_deref() {
        Some("measured") => Basis::Measured,
        Some("estimated") => Basis::Estimated,
        Some(other) => {
            return Err(EngineError::Usage(format!("a basis is `measured` or `estimated`, not `{other}`")));
        }
        None => {
            let count = |of: fn(&Run) -> Option<Cost>| {
                runs.iter().filter(|r| r.figure.is_some() && of(r).is_some()).count()
            };
            if count(|r| r.measured) >= count(|r| r.estimated) { Basis::Measured } else { Basis::Estimated }
        }
    };
    mark(&mut runs, basis, metric.more_is_better());
    Ok(Pareto {
        metric: metric.name(),
        more_is_better: metric.more_is_better(),
        on,
        metrics: metrics.into_iter().map(Metric::name).collect(),
        target,
        targets: targets.into_iter().collect(),
        basis,
        runs,
    })
}

fn figure(version: &Version, metric: Metric, on: On) -> Option<f64> {
    match on {
        On::Test => version.outcome["test"]["int8"][metric.name()].as_f64(),
        On::Validation => {
            // What training watched is the accuracy of labels, and else R2.
            let learned = version.outcome["training"].as_array()?;
            let block = learned.iter().find(|l| l["validation_metric"].is_f64())?;
            let labelled = block["labels"].as_array().is_some_and(|l| !l.is_empty());
            let watched = if labelled { Metric::Accuracy } else { Metric::R2 };
            (metric == watched).then(|| block["validation_metric"].as_f64())?
        }
    }
    .filter(|f| f.is_finite())
}

fn known_targets(version: &Version) -> Vec<String> {
    let measured = version.outcome["verify"].as_array().into_iter().flatten();
    let estimated = version.outcome[ESTIMATE].as_array().into_iter().flatten();
    let ids = measured.filter(|r| r["flash_bytes"].is_u64()).chain(estimated);
    ids.filter_map(|r| r["target"].as_str().map(str::to_owned)).collect()
}

fn cost(version: &Version, target: &str, basis: Basis) -> Option<Cost> {
    let of = |name: &str| version.outcome[name].as_array()?.iter().find(|r| r["target"] == target);
    let sum = |of: &Value, keys: [&str; 2]| Some(of[keys[0]].as_u64()? + of[keys[1]].as_u64()?);
    let (flash_bytes, ram_bytes, instructions) = match basis {
        Basis::Measured => {
            let record = of("verify")?;
            let executed = sum(&record["instructions"], ["dsp", "network"])?;
            (record["flash_bytes"].as_u64()?, record["ram_bytes"].as_u64()?, executed)
        }
        Basis::Estimated => {
            let told = of(ESTIMATE)?;
            (
                sum(told, ["flash_bytes", "dsp_flash_bytes"])?,
                told["arena_bytes"].as_u64()?,
                sum(told, ["instructions", "dsp_instructions"])?,
            )
        }
    };
    let milliseconds = build::target(target).ok().and_then(|t| estimate::milliseconds(instructions, t));
    Some(Cost { flash_bytes, ram_bytes, instructions, milliseconds })
}

/// Says which runs are on the fronts. Equals do not beat each other.
fn mark(runs: &mut [Run], basis: Basis, more: bool) {
    let points: Vec<Option<(f64, Cost)>> = runs
        .iter()
        .map(|r| {
            let cost = if basis == Basis::Measured { r.measured } else { r.estimated };
            Some((if more { r.figure? } else { -r.figure? }, cost?))
        })
        .collect();
    let beaten = |own: &(f64, Cost), axes: &[Axis]| {
        points.iter().flatten().any(|other| {
            let no_worse = other.0 >= own.0 && axes.iter().all(|a| a.of(&other.1) <= a.of(&own.1));
            no_worse && (other.0 > own.0 || axes.iter().any(|a| a.of(&other.1) < a.of(&own.1)))
        })
    };
    for (run, point) in runs.iter_mut().zip(&points) {
        let Some(own) = point else { continue };
        run.on_front = Some(!beaten(own, &Axis::ALL));
        run.front_of = Axis::ALL.into_iter().filter(|a| !beaten(own, &[*a])).collect();
    }
}

/// What a trained impulse costs on the project's targets, to be kept with what the run came to; nothing where no C can be emitted of it.
pub(crate) fn estimated(
    session: &Session<'_>,
    impulse: &edgewright_impulse::Impulse,
) -> Result<Vec<TargetEstimate>, EngineError> {
    if impulse.externals().next().is_some() {
        return Ok(Vec::new());
    }
    // A target that does not exist is refused by the stage that builds for it; what was trained until then is kept.
    let Ok(targets) = estimate::targets(&session.project, &[]) else { return Ok(Vec::new()) };
    // A target for which it cannot be laid out is one it does not run on.
    Ok(targets.into_iter().filter_map(|t| estimate::on(impulse, t).ok()).collect())
}

impl Pareto {
    /// For people.
    pub fn to_text(&self) -> String {
        let basis = if self.basis == Basis::Measured { "measured" } else { "estimated" };
        let on = if self.on == On::Test { "test windows, int8" } else { "validation windows, float" };
        let target = self.target.as_deref().unwrap_or("no target");
        let mut out = format!(
            "{} on {on}; costs on {target}, {basis}\n{:<16}  {:>10}  {:>10}  {:>10}  {:>12}\n",
            self.metric, "version", self.metric, "flash B", "RAM B", "instructions"
        );
        for r in &self.runs {
            let cost = if self.basis == Basis::Measured { r.measured } else { r.estimated };
            let figure = r.figure.map_or_else(|| "-".into(), |f| format!("{f:.4}"));
            let of = |axis: Axis| cost.map_or_else(|| "-".into(), |c| axis.of(&c).to_string());
            let mark = match r.on_front {
                Some(true) => "  on the front",
                Some(false) => "",
                None => "  not compared",
            };
            out.push_str(&format!(
                "{:<16}  {figure:>10}  {:>10}  {:>10}  {:>12}{mark}{}\n",
                r.id,
                of(Axis::Flash),
                of(Axis::Ram),
                of(Axis::Instructions),
                if r.current { "  (as it is now)" } else { "" }
            ));
        }
        if self.runs.iter().any(|r| r.on_front.is_none()) {
            out.push_str(&format!(
                "A run that is not compared has no {} or no {basis} costs: restore it and run it again.\n",
                self.metric
            ));
        }
        if self.on == On::Test && self.runs.len() > 1 {
            out.push_str("Who chooses by test windows has seen them: the figure of the choice is flattering. `--validation` compares by others.\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figure: Option<f64>, flash: u64, ram: u64, instructions: u64) -> Run {
        let cost = Cost { flash_bytes: flash, ram_bytes: ram, instructions, milliseconds: None };
        Run {
            id: String::new(),
            last_run: 0,
            current: false,
            seed: None,
            figure,
            measured: None,
            estimated: Some(cost),
            on_front: None,
            front_of: Vec::new(),
        }
    }

    fn fronts(mut runs: Vec<Run>, more: bool) -> Vec<(Option<bool>, Vec<Axis>)> {
        mark(&mut runs, Basis::Estimated, more);
        runs.into_iter().map(|r| (r.on_front, r.front_of)).collect()
    }

    #[test]
    fn what_is_beaten_in_everything_is_not_on_the_front() {
        use Axis::{Flash, Instructions, Ram};
        let all = vec![Flash, Ram, Instructions];
        let runs = vec![
            run(Some(0.9), 100, 100, 100),
            // Worse and larger.
            run(Some(0.8), 110, 110, 110),
            // Worse, and smaller in RAM alone.
            run(Some(0.8), 110, 50, 110),
            // Equal to the first.
            run(Some(0.9), 100, 100, 100),
            run(None, 1, 1, 1),
        ];
        assert_eq!(
            fronts(runs.clone(), true),
            [
                (Some(true), all.clone()),
                (Some(false), vec![]),
                (Some(true), vec![Ram]),
                (Some(true), all.clone()),
                (None, vec![])
            ]
        );
        // Of an error less is better.
        let found = fronts(runs, false);
        assert_eq!((found[0].0, found[1].0, found[2].0), (Some(true), Some(false), Some(true)));
        let measured = {
            let mut runs = vec![run(Some(0.9), 1, 1, 1)];
            mark(&mut runs, Basis::Measured, true);
            runs
        };
        assert_eq!(measured[0].on_front, None, "nothing was measured");
    }
}
