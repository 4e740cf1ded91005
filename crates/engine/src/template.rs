//! `new`: a commented project that runs as soon as data are there.

use crate::{
    EngineError,
    error::AtPath,
    project::{FILE_NAME, nearest},
};
use std::path::Path;

/// Names of the templates, in the order of the help.
pub const TEMPLATES: &[&str] =
    &["keywords", "motion", "anomaly", "image", "detection", "tabular", "regression", "empty"];

/// Makes a project in `dir` (with its parents). Existing files are left alone.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown template or a folder that already holds a project,
/// [`EngineError::Io`] when the folder cannot be written.
pub fn create(dir: &Path, template: &str) -> Result<(), EngineError> {
    let body = match template {
        "keywords" => KEYWORDS,
        "motion" => MOTION,
        "anomaly" => ANOMALY,
        "image" => IMAGE,
        "tabular" => TABULAR,
        "regression" => REGRESSION,
        "empty" => EMPTY,
        "detection" => DETECTION,
        _ => {
            let hint = nearest(template, TEMPLATES.iter().copied())
                .map(|t| format!("\nhint: did you mean `{t}`?"))
                .unwrap_or_default();
            return Err(EngineError::Usage(format!(
                "there is no template `{template}`; there are {}{hint}",
                TEMPLATES.join(", ")
            )));
        }
    };
    let path = dir.join(FILE_NAME);
    if path.exists() {
        return Err(EngineError::Usage(format!(
            "{} exists already\nhint: choose another folder, or edit that file",
            path.display()
        )));
    }
    std::fs::create_dir_all(dir).at(dir)?;
    let name = std::path::absolute(dir)
        .ok()
        .and_then(|d| d.file_name().map(|n| n.to_string_lossy().into_owned()))
        .unwrap_or_else(|| template.to_owned());
    let text = format!("{}{body}{TAIL}", HEAD.replace("@NAME@", &toml::Value::String(name).to_string()));
    std::fs::write(&path, text).at(&path)?;
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, ".edgewright/\nbuild/\nreport/\n").at(&ignore)?;
    }
    Ok(())
}

const HEAD: &str = r#"# An Edgewright project. Every key is optional; an unknown key is an error that names the nearest one.
# Put recordings in with `edgewright data import PATH`, or name a folder under [[data]], then: edgewright run

[project]
name = @NAME@
seed = 1                      # same data, same seed, same bytes

# [[data]]                    # files that `run` imports and keeps in step with the folder
# path = "recordings"
# label_from = "name"         # folder | name | name:REGEX | column:NAME | sidecar
# group_from = "regex:_(.*)_" # folder | regex:RE | column:NAME; a group stays on one side of the split

# [labels]                    # "as received" = "as used": rename, merge, or "" for none
# "0" = "normal"

# [charter]                   # what it is for; the report and the Studio show it
# problem = ""
# user = ""
# miss = ""                   # what each costs
# false_alarm = ""
# metric = "macro_f1"         # figure it is judged by

[split]
test = 0.2                    # share of the samples that only test
validation = 0.2              # share of the training samples that watches training

"#;

const KEYWORDS: &str = r#"[impulse]
window_ms = 1000
stride_ms = 500
zero_pad = true               # clips shorter than a window are filled with zeros
# rate_hz = 16000             # left out: the rate of most recordings

[[impulse.dsp]]
block = "mfcc"                # see `edgewright dsp list`
version = 4
num_cepstral = 13
num_filters = 32

[[impulse.learn]]
kind = "classifier"           # `layers` left out: a small convolutional network

[training]
epochs = 150
batch_size = 32
learning_rate = 0.003
label_smoothing = 0.1         # less sure on training clips, better on new ones
# balance_classes = false     # rare labels weigh as much as frequent ones otherwise
patience = 50                 # stop when validation has not improved for so many epochs
[training.augment]
noise = 0.2
time_shift = 8
time_mask = 6
frequency_mask = 2
"#;

const MOTION: &str = r#"[impulse]
window_ms = 2000
stride_ms = 400
# rate_hz = 62.5              # left out: the rate of most recordings

[[impulse.dsp]]
block = "spectral_analysis"
version = 4
filter_type = "none"
fft_length = 64

[[impulse.dsp]]
block = "flatten"             # posture and range, which the spectrum leaves out

[[impulse.learn]]
kind = "classifier"

[[impulse.learn]]
kind = "anomaly"              # K-means on the features that tell most

[training]
epochs = 80
learning_rate = 0.003
label_smoothing = 0.05        # scores that stay moderate survive int8 better
# balance_classes = false     # rare labels weigh as much as frequent ones otherwise
"#;

const ANOMALY: &str = r#"# Recordings labelled `normal` train. In the test set every other label is an anomaly.
[impulse]
# window_ms = 1000            # left out: 2000, or the length of the shortest recordings
# rate_hz = 200               # left out: the rate of most recordings
# image = [48, 48]            # pictures: with `block = "image"` and `method = "pca"` below

[[impulse.dsp]]
block = "spectral_analysis"
version = 4
filter_type = "none"
fft_length = 32

[[impulse.learn]]
kind = "anomaly"              # by K-means; `method`: gmm | one_class_knn | pca
clusters = 32
false_alarm_rate = 0.01       # sets the threshold
"#;

const IMAGE: &str = r#"[impulse]
image = [32, 32]              # width, height

[[impulse.dsp]]
block = "image"
channels = "Grayscale"        # or "RGB"

[[impulse.learn]]
kind = "classifier"

[training]
epochs = 100
patience = 30
label_smoothing = 0.1
# balance_classes = false     # rare labels weigh as much as frequent ones otherwise
[training.augment]
# flip = true                 # where a mirrored picture means the same
shift = 0.1                   # shares of a side
rotate = 10                   # degrees
zoom = 0.1
brightness = 0.1
"#;

const DETECTION: &str = r#"# Boxes come from files beside the pictures: edgewright data import FOLDER --label-from sidecar
# Pascal VOC, COCO, YOLO, `bounding_boxes.labels` and `info.labels` are read. A picture without an object needs a file that says so.
[impulse]
image = [96, 96]              # width, height; boxes go with their pictures
fit = "squash"                # "fit-shortest": the middle of a picture; "fit-longest": all of it, black beside it

[[impulse.dsp]]
block = "image"
channels = "RGB"              # "Grayscale" needs a third of the memory

[[impulse.learn]]
kind = "detection"            # finds the cells that hold the centre of an object
cut = 8                       # pixels from cell to cell: 4 for small objects close together, 16 for large ones; or name `layers`
object_weight = 5             # against 1 of a cell of background; more finds more, also what is not there
threshold = 0.5               # score from which a cell counts
boxes = "usual"               # as large as objects of the label usually are; "cells": as large as the cells

[training]
epochs = 100
batch_size = 16
learning_rate = 0.003
patience = 30
[training.augment]
flip = true                   # boxes move with the picture
shift = 0.1
brightness = 0.1
"#;

const TABULAR: &str = r#"# Each row of a CSV file is a sample: edgewright data import FILE --label-from column:NAME
[tables]
rows = "samples"              # also where a column holds a date or a time; "series": one recording, cut where the label changes
# missing = ["-200"]          # rows in which an axis or the label is empty or reads so are left out
# keep = ["id"]               # a value although it looks like a number of the row or a clock
# decimal = ","               # or "."; left out: found out from the table

[impulse]

[[impulse.dsp]]
block = "raw"

[[impulse.learn]]
kind = "classifier"

[training]
epochs = 300                  # passes over a table are short
patience = 60
label_smoothing = 0.05        # keeps scores of rows near a border moderate
# balance_classes = false     # rare labels weigh as much as frequent ones otherwise
[training.augment]
noise = 0.3                   # of a column's deviation: thresholds that hold on other days
"#;

const REGRESSION: &str = r#"# The label is a number: edgewright data import FILE --label-from column:NAME
[tables]
rows = "samples"              # also where a column holds a date or a time; "series": one recording, cut where the label changes
# missing = ["-200"]          # rows in which an axis or the label is empty or reads so are left out
# keep = ["id"]               # a value although it looks like a number of the row or a clock
# decimal = ","               # or "."; left out: found out from the table

[impulse]

[[impulse.dsp]]
block = "raw"

[[impulse.learn]]
kind = "regression"

[training]
epochs = 300                  # passes over a table are short
patience = 60
"#;

const EMPTY: &str = r#"[impulse]

# [[impulse.dsp]]
# block = "raw"

# [[impulse.learn]]
# kind = "classifier"
"#;

const TAIL: &str = r#"
[evaluation]
# min_accuracy = 0.9          # `run` fails below it
# min_slice_accuracy = 0.8    # of the weakest group, or value of the recordings' metadata
# min_r2 = 0.8              # of a regression
# min_f1 = 0.8              # of objects, when the impulse finds some
# max_int8_loss = 1.0         # points of accuracy that quantisation may cost
# target_accuracy = 0.99      # of windows above a confidence, which `test` then suggests
# coverage = 0.95             # `classify` prints sets of labels that hold the right one as often

[deploy]
targets = ["host", "cortex-m4f"]
package = "c"
# vendor = "Acme"             # who makes the packages, the page they name, and their terms
# url = "https://acme.test/models"
# licence = "MIT OR Apache-2.0" # an SPDX expression; for another one:
# licence_file = "LICENCE.txt"

# [contract]                  # `run` fails when an emulated board of `targets` measures more
# max_flash_bytes = 65536
# max_ram_bytes = 16384
# max_instructions = 20000000 # a window, DSP and network
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn every_template_is_a_valid_project() {
        let dir = tempfile::tempdir().expect("temp dir");
        for template in TEMPLATES {
            let path = dir.path().join("deep").join(template);
            create(&path, template).expect("created");
            let project = Project::open(&path).expect("valid");
            assert_eq!(&project.file.project.name, template);
            assert!(create(&path, template).expect_err("refused").is_usage());
        }
    }
}
