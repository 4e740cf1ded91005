//! Vibration of a ceiling fan: trained on the first recordings of a normal run only. Why runs in which it is pushed about fail, and what
//! helps: `docs/moving-machines.md`.

use super::{Project, Set, files};
use anyhow::{Context, Result};

/// The rest of the normal run against another speed, an unbalanced blade and a fan that stands still.
pub const SET: Set = Set {
    name: "ceiling-fan",
    folder: "ceiling-fan",
    template: "anomaly",
    figure: "auroc",
    floor: Some(0.99),
    baseline: Some(1.0),
    prepare,
    go: Project::go,
};

const NORMAL: &str = "fan_0_low_0_weight";
const ANOMALOUS: [&str; 4] =
    ["fan_0_low_1_weight", "fan_0_med_0_weight", "fan_0_med_1_weight", "fan_0_off_0_weight"];
/// Normal files that train, in order of name.
const TRAIN: usize = 200;

fn prepare(project: &Project) -> Result<()> {
    let normal = files(&project.data.join(NORMAL))?;
    let (train, test) = normal.split_at_checked(TRAIN).context("too few normal files")?;
    for (path, name) in train {
        project.stage(path, "training", &format!("normal/{name}"))?;
    }
    for (path, name) in test {
        project.stage(path, "testing", &format!("normal/{name}"))?;
    }
    for folder in ANOMALOUS {
        for (path, name) in files(&project.data.join(folder))? {
            project.stage(&path, "testing", &format!("{folder}/{name}"))?;
        }
    }
    project.import_stage(&["--label-from", "folder", "--rate", "200"])
}
