//! All runs of a project against each other.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How runs are compared; what is left out is chosen by what the runs have.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ParetoQuery {
    /// As in the charter; left out: that of the charter, else the first that a run has.
    pub metric: Option<String>,
    /// Figures of validation windows in place of those of the test: accuracy of labels, else R2.
    pub validation: Option<bool>,
    /// Id of a target; left out: the first of the project for which there are costs.
    pub target: Option<String>,
    /// What costs come from; left out: what more runs have.
    pub basis: Option<CostBasis>,
}

/// What costs come from. The two are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// Of the code that was built and run: RAM with stack and static data.
    Measured,
    /// Worked out of the trained impulse: RAM is the arena, exact; flash and instructions are estimates.
    Estimated,
}

/// What a figure was found on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigureOn {
    /// Test windows, in int8.
    Test,
    /// Validation windows, in float: what may be chosen by.
    Validation,
}

/// A cost of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostAxis {
    /// Constants and code.
    Flash,
    /// Memory that it works in.
    Ram,
    /// Executed for one window.
    Instructions,
}

/// What a run costs on the target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunCost {
    /// Constants and code, in bytes.
    pub flash_bytes: u64,
    /// Memory that it works in, in bytes; measured: with stack and static data.
    pub ram_bytes: u64,
    /// Executed for one window.
    pub instructions: u64,
    /// Time of a window if each instruction took one cycle of the target's clock: never measured. `null` where the clock is not known.
    pub milliseconds: Option<f64>,
}

/// A run: a version of the project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ParetoRun {
    /// Id of the version.
    pub id: String,
    /// When it was last run.
    pub last_run: i64,
    /// Whether the project file reads so now.
    pub current: bool,
    /// Seed of the run.
    pub seed: Option<u64>,
    /// The metric, where it was found for this run.
    pub figure: Option<f64>,
    /// What was measured.
    pub measured: Option<RunCost>,
    /// What was estimated.
    pub estimated: Option<RunCost>,
    /// Whether no other run is at least as good in the metric and every cost and better in one; `null` for one that cannot be compared.
    pub on_front: Option<bool>,
    /// The same with the metric and one cost alone: the costs for which it holds.
    pub front_of: Vec<CostAxis>,
}

/// All runs of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Pareto {
    /// Metric of the figures.
    pub metric: String,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// What the figures were found on.
    pub on: FigureOn,
    /// Metrics that some run has there.
    pub metrics: Vec<String>,
    /// Target of the costs; `null` when no run has any.
    pub target: Option<String>,
    /// Targets for which some run has costs.
    pub targets: Vec<String>,
    /// What the front is made of.
    pub basis: CostBasis,
    /// The last run first.
    pub runs: Vec<ParetoRun>,
}
