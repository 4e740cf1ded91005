//! An export of four gestures, taken in as it is: labels and split come from its `info.labels`.

use super::{Project, Set};
use anyhow::bail;
use serde_json::json;

/// 96 files of 10 s, 104 Hz.
pub const SET: Set = Set {
    name: "ei-export-xiao-gestures",
    folder: "ei-export-xiao-gestures",
    template: "motion",
    figure: "accuracy",
    floor: Some(0.97),
    baseline: Some(0.977),
    prepare: |project| {
        let report = project.import(project.data.join("imu-acc-export"), &["--label-from", "sidecar"])?;
        let expected = json!({"circle": 24, "flick": 24, "idle": 24, "updown": 24});
        if report["labels"] != expected || report["quarantined"] != json!([]) {
            bail!("expected {expected} and nothing refused, got {report}");
        }
        project.configure(SETTINGS)?;
        project.configure(MOTION)
    },
    go: Project::go,
};

const SETTINGS: &str = r#"
[impulse]
window_ms = 2000
stride_ms = 400
"#;

/// For these gestures; HAPT takes network and training, with other blocks. Chosen among ten by the accuracy on validation windows, the mean of this set and of HAPT's accelerometer
/// with users held out, five seeds each: 0.977; the runner-up (without the raw window) 0.972, convolutions on the raw window
/// 0.954. Validation alone on this set tells nothing: seven of ten are above 0.999 there, and yet spectral analysis and flatten
/// alone get 0.93 on the test files, in which `updown` is moved more strongly (deviation of x 0.63 against 0.40). Label smoothing
/// came later, with the value of the table template: without it the scores before softmax of these small sets grow so far apart that
/// 255 steps of int8 make ties of unsure windows, and HAPT lost 1.2 points on the mean of eight seeds (0.15 with 0.02, 0.04 with 0.1).
pub const MOTION: &str = r#"
[[impulse.dsp]]
block = "raw"

[[impulse.dsp]]
block = "spectral_analysis"
version = 4
filter_type = "none"
fft_length = 64

[[impulse.dsp]]
block = "flatten"

[[impulse.learn]]
kind = "classifier"
layers = [
    { type = "dense", units = 64, activation = "relu" },
    { type = "dropout", rate = 0.3 },
    { type = "dense", units = 32, activation = "relu" },
    { type = "dropout", rate = 0.3 },
]

[training]
epochs = 100
patience = 20
label_smoothing = 0.05

[training.augment]
noise = 0.2
"#;
