//! A coffee machine whose recordings change their label: one minute each, four states in turn.

use super::{Project, Set};
use anyhow::bail;
use serde_json::json;

/// Eight recordings; some of them test, whole. No result is published.
pub const SET: Set = Set {
    name: "ei-coffee-multilabel",
    folder: "ei-coffee-multilabel",
    template: "motion",
    figure: "accuracy",
    floor: Some(0.90),
    baseline: None,
    prepare: |project| {
        let report = project.import(&project.data, &["--label-from", "sidecar", "--category", "split"])?;
        if report["imported"] != 8
            || report["labels"] != json!({"extract": 8, "grind": 8, "idle": 8, "pump": 8})
        {
            bail!("expected 8 recordings with four labels each, got {report}");
        }
        project.configure(SETTINGS)
    },
    go: Project::go,
};

const SETTINGS: &str = r#"
[impulse]
window_ms = 2000
stride_ms = 400
ranges = { rule = "majority" }

[[impulse.learn]]
kind = "classifier"
"#;
