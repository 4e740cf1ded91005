//! Five sensors in an office tell whether somebody is there. The rows of other days test.

use super::{Project, Set};
use anyhow::bail;

/// `datatest.txt` tests. A logistic regression is better by less than a point: a network leans more on what differs
/// between the days.
pub const SET: Set = Set {
    name: "occupancy",
    folder: "occupancy",
    template: "tabular",
    figure: "accuracy",
    floor: Some(0.96),
    baseline: Some(0.977),
    prepare: |project| {
        for (file, side) in [("datatraining.txt", "training"), ("datatest.txt", "testing")] {
            let path = project.data.join(file);
            let report = project.import(path, &["--category", side, "--label-from", "column:Occupancy"])?;
            if report["quarantined"].as_array().is_none_or(|q| !q.is_empty()) {
                bail!("{file} was not taken whole: {}", report["quarantined"]);
            }
        }
        Ok(())
    },
    go: Project::go,
};
