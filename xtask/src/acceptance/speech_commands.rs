//! A slice of Speech Commands: six classes, about 80 clips each, speakers disjoint.

use super::{Project, Set, rows};

/// The set's train and validation speakers train (the product keeps speakers together when it sets some apart to validate), its
/// test speakers test; the clips of other words are left out.
pub const SET: Set = Set {
    name: "speech-commands",
    folder: "speech-commands-v2-test-a",
    template: "keywords",
    figure: "accuracy",
    floor: Some(0.752),
    baseline: Some(0.602),
    prepare: |project| {
        for row in rows(&project.data.join("split.csv"), 4)? {
            let [file, _, _, split] = &row[..] else { continue };
            match split.as_str() {
                "train" | "val" => project.stage(&project.data.join(file), "training", file)?,
                "test" => project.stage(&project.data.join(file), "testing", file)?,
                _ => {}
            }
        }
        project.import_stage(&["--label-from", "folder", "--group-from", "regex:([0-9a-f]{8})_nohash"])?;
        project.configure(SETTINGS)
    },
    go: Project::go,
};

const SETTINGS: &str = "
[impulse]
window_ms = 1000
stride_ms = 1000
";
