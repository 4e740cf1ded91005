//! Gestures as CBOR documents; one file has the wrong name on purpose.

use super::{Project, Set};
use anyhow::bail;
use serde_json::json;

/// 26 files of 10 s and one to refuse. The set's own training folder holds only `idle`, so the files are split anew; a class with
/// a single file stays in training.
pub const SET: Set = Set {
    name: "ei-cbor-gestures",
    folder: "ei-cbor-gestures",
    template: "motion",
    figure: "accuracy",
    floor: Some(0.97),
    baseline: None,
    prepare: |project| {
        let report = project.import(&project.data, &["--label-from", "name", "--category", "split"])?;
        let refused: Vec<&str> = report["quarantined"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|q| q["file"].as_str())
            .collect();
        if report["imported"] != 26 || refused != ["testing/idle.0.wrong"] {
            bail!("expected 26 files and idle.0.wrong refused, got {report}");
        }
        if report["labels"] != json!({"idle": 15, "shake": 1, "snake": 2, "updown": 4, "wave": 4}) {
            bail!("unexpected labels: {}", report["labels"]);
        }
        project.configure(SETTINGS)
    },
    go: Project::go,
};

const SETTINGS: &str = r#"
[impulse]
window_ms = 2000
stride_ms = 400

[[impulse.learn]]
kind = "classifier"
"#;
