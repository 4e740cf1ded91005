//! Spoken digits, 8 kHz.

use super::{Project, Set, rows};
use anyhow::Result;

/// The project's own random split: every speaker on both sides.
pub const RANDOM: Set = Set {
    name: "fsdd",
    folder: "fsdd",
    template: "keywords",
    figure: "accuracy",
    floor: Some(0.95),
    baseline: Some(0.990),
    prepare: |project| prepare(project, |_, split| split),
    go: Project::go,
};

/// Two speakers that training never hears. Four voices are few to learn from, so the floor only says that it is far above chance.
pub const SPEAKERS: Set = Set {
    name: "fsdd-speakers",
    folder: "fsdd",
    template: "keywords",
    figure: "accuracy",
    floor: Some(0.5),
    baseline: None,
    prepare: |project| {
        prepare(project, |speaker, _| if HELD_OUT.contains(&speaker) { "test" } else { "train" })
    },
    go: Project::go,
};

/// The last two of the six names in the alphabet.
const HELD_OUT: [&str; 2] = ["theo", "yweweler"];

/// A clip is one window; the few that are longer than a second give two.
const SETTINGS: &str = "
[impulse]
window_ms = 1000
stride_ms = 1000
";

fn prepare(project: &Project, side: impl for<'a> Fn(&'a str, &'a str) -> &'a str) -> Result<()> {
    for row in rows(&project.data.join("split.csv"), 4)? {
        let [file, _, speaker, split] = &row[..] else { continue };
        let side = if side(speaker, split) == "test" { "testing" } else { "training" };
        let below = file.trim_start_matches("recordings/");
        project.stage(&project.data.join(file), side, below)?;
    }
    project.import_stage(&["--label-from", "name:^([0-9])_"])?;
    project.configure(SETTINGS)
}
