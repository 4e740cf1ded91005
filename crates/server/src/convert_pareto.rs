//! All runs against each other, as they go over the wire.

use edgewright_api as api;
use edgewright_engine::pareto::{Axis, Basis, Cost, On, Options, Pareto};

/// What is asked for.
pub fn options(query: api::ParetoQuery) -> Options {
    let word = |basis| match basis {
        api::CostBasis::Measured => "measured".to_owned(),
        api::CostBasis::Estimated => "estimated".to_owned(),
    };
    Options {
        metric: query.metric,
        validation: query.validation == Some(true),
        target: query.target,
        basis: query.basis.map(word),
    }
}

fn cost(of: Cost) -> api::RunCost {
    api::RunCost {
        flash_bytes: of.flash_bytes,
        ram_bytes: of.ram_bytes,
        instructions: of.instructions,
        milliseconds: of.milliseconds,
    }
}

fn axis(of: Axis) -> api::CostAxis {
    match of {
        Axis::Flash => api::CostAxis::Flash,
        Axis::Ram => api::CostAxis::Ram,
        Axis::Instructions => api::CostAxis::Instructions,
    }
}

/// All runs.
pub fn pareto(of: Pareto) -> api::Pareto {
    api::Pareto {
        metric: of.metric.to_owned(),
        more_is_better: of.more_is_better,
        on: match of.on {
            On::Test => api::FigureOn::Test,
            On::Validation => api::FigureOn::Validation,
        },
        metrics: of.metrics.into_iter().map(str::to_owned).collect(),
        target: of.target,
        targets: of.targets,
        basis: match of.basis {
            Basis::Measured => api::CostBasis::Measured,
            Basis::Estimated => api::CostBasis::Estimated,
        },
        runs: of
            .runs
            .into_iter()
            .map(|r| api::ParetoRun {
                id: r.id,
                last_run: r.last_run,
                current: r.current,
                seed: r.seed,
                figure: r.figure,
                measured: r.measured.map(cost),
                estimated: r.estimated.map(cost),
                on_front: r.on_front,
                front_of: r.front_of.into_iter().map(axis).collect(),
            })
            .collect(),
    }
}
