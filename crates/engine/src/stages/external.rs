//! A learning block that a program of the user trains.
//!
//! # Source
//! The file contract of Edge Impulse's custom learning blocks: names of arguments, of files and of the keys in them.

use super::{
    classical::read,
    gold::TrainingRows,
    train::{Block, Trainer, id},
};
use crate::{
    EngineError,
    error::AtPath,
    npy,
    project::{LearnSection, Parameter},
};
use edgewright_impulse::Task;
use edgewright_store::Hash;
use edgewright_toolchain::{self as toolchain, ToolError};
use edgewright_train::{Rows, Targets};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Seconds that a program may take when the project does not say.
const TIME_LIMIT_S: u64 = 3600;
/// What a program may write, the one that counts most first.
const MODELS: [&str; 5] = ["model.tflite", "model.onnx", "model.json", "model.txt", INTEGER];
/// Its form in bytes.
const INTEGER: &str = "model_quantized_int8_io.tflite";

/// What stands for a command in the key of its stage: the bytes of the files that it names.
pub(super) fn fingerprint(dir: &Path, command: &[String]) -> Vec<String> {
    let bytes = |argument: &String| std::fs::read(dir.join(argument)).ok();
    command.iter().map(|a| bytes(a).map_or_else(String::new, |b| Hash::of(&b).to_string())).collect()
}

impl Trainer<'_> {
    /// Gives the windows to a program, waits for it, and takes in the model that it wrote.
    pub(super) fn external(
        &self,
        n: usize,
        section: &LearnSection,
        command: &[String],
        inputs: Vec<usize>,
        task: Task,
        (training, of): (&[usize], &Targets<'_>),
        (validation, validation_of): (&[usize], &Targets<'_>),
        (rows, watch): (&TrainingRows, &TrainingRows),
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let folder = crate::scratch::folder()?;
        let (data, out) = (folder.path().join("data"), folder.path().join("out"));
        for dir in [&data, &out] {
            std::fs::create_dir(dir).at(dir)?;
        }
        write(&data, "X_split_train.npy", &matrix(rows)?)?;
        write(&data, "X_split_test.npy", &matrix(watch)?)?;
        write(&data, "Y_split_train.npy", &answers(of)?)?;
        write(&data, "Y_split_test.npy", &answers(validation_of)?)?;
        let windows = self.gold.training.windows();
        let ids = |rows: &[usize]| -> Value {
            rows.iter().map(|&r| self.silver.samples[windows[r].sample].id.as_str()).collect()
        };
        let details = json!({ "train": ids(training), "validation": ids(validation) });
        write(&data, "sample_id_details.json", details.to_string().as_bytes())?;
        let (classes, mode) = match &task {
            Task::Classification { labels, .. } => (labels.clone(), "classification"),
            _ => (Vec::new(), "regression"),
        };
        let input = json!({
            "classes": classes,
            "mode": mode,
            "inputShapeString": format!("({},)", rows.width()),
            "yType": "npy",
            "trainTestSplit": share(watch.len(), rows.len() + watch.len()),
            "seed": self.session.seed,
            "maxTrainingTimeSeconds": section.time_limit_s.unwrap_or(TIME_LIMIT_S),
        });
        let info = write(&data, "train_input.json", input.to_string().as_bytes())?;
        let mut arguments = command[1..].to_vec();
        for (name, path) in [("data-directory", &data), ("out-directory", &out), ("info-file", &info)] {
            arguments.extend([format!("--{name}"), path.display().to_string()]);
        }
        let training = &self.session.project.file.training;
        if section.parameters.is_empty() {
            arguments.extend(["--epochs".into(), training.epochs.to_string()]);
            arguments.extend(["--learning-rate".into(), training.learning_rate.to_string()]);
        }
        for (name, value) in &section.parameters {
            let value = match value {
                Parameter::Flag(v) => u8::from(*v).to_string(),
                Parameter::Whole(v) => v.to_string(),
                Parameter::Number(v) => v.to_string(),
                Parameter::Text(v) => v.clone(),
            };
            arguments.extend([format!("--{name}"), value]);
        }
        let block = id(section, n);
        self.start(&block, section, &command[0], &arguments)?;
        let model = self.made(&block, &out)?;
        let integer = Some(out.join(INTEGER)).filter(|path| path.is_file() && *path != model);
        let shown = command.join(" ");
        let block = self.imported(
            n,
            section,
            (&model, &shown),
            integer.as_deref(),
            inputs,
            task,
            (rows, watch.len()),
            notes,
        )?;
        notes.push(format!(
            "`{shown}` trained it: whether the same windows give the same model is up to that program"
        ));
        Ok(block)
    }

    fn start(
        &self,
        block: &str,
        section: &LearnSection,
        program: &str,
        arguments: &[String],
    ) -> Result<(), EngineError> {
        let limit = Duration::from_secs(section.time_limit_s.unwrap_or(TIME_LIMIT_S));
        let begun = Instant::now();
        let mut cancelled = None;
        let mut last = String::new();
        let mut tell = |line: Option<&str>| {
            if let Some(line) = line.filter(|l| !l.trim().is_empty()) {
                last = line.chars().filter(|c| !c.is_control()).take(200).collect();
            }
            let told = self.session.progress(
                "train",
                begun.elapsed().as_secs(),
                limit.as_secs(),
                format!("{block}: {last}"),
            );
            cancelled = told.err();
            cancelled.is_none()
        };
        let dir = &self.session.project.dir;
        // A relative path is meant from the project's folder, wherever the product was started.
        let beside = dir.join(program);
        let program = if program.contains('/') && beside.is_file() { beside } else { PathBuf::from(program) };
        let ran = toolchain::watch(&program.display().to_string(), arguments, dir, limit, &mut tell);
        match (ran, cancelled) {
            (Err(ToolError::Stopped { .. }), Some(e)) => Err(e),
            (Err(e), _) => Err(EngineError::Data(format!("learning block `{block}`: {e}"))),
            (Ok(()), _) => Ok(()),
        }
    }

    /// The model file that counts.
    fn made(&self, block: &str, out: &Path) -> Result<PathBuf, EngineError> {
        let fail = |reason: String| Err(EngineError::Data(format!("learning block `{block}`: {reason}")));
        let Some(path) = MODELS.iter().map(|name| out.join(name)).find(|path| path.is_file()) else {
            let mut there: Vec<String> = std::fs::read_dir(out)
                .at(out)?
                .flatten()
                .map(|e| e.file_name().to_string_lossy().into_owned())
                .collect();
            there.sort();
            let there = if there.is_empty() { "nothing".into() } else { there.join(", ") };
            return fail(format!(
                "the program wrote {there} to its --out-directory; it must write one of {}\n\
                 hint: convert a saved model with TensorFlow's TFLiteConverter, a PyTorch model with torch.onnx.export, \
                 a scikit-learn model with docs/scikit_to_json.py",
                MODELS.join(", ")
            ));
        };
        Ok(path)
    }
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, EngineError> {
    let path = dir.join(name);
    std::fs::write(&path, bytes).at(&path)?;
    Ok(path)
}

fn matrix(rows: &TrainingRows) -> Result<Vec<u8>, EngineError> {
    let bytes: Vec<u8> = read(rows)?.iter().flat_map(|v| v.to_le_bytes()).collect();
    Ok(npy::write("<f4", &[rows.len(), rows.width()], &bytes))
}

/// One row per window: a 1 at its class, or its number.
fn answers(of: &Targets<'_>) -> Result<Vec<u8>, EngineError> {
    let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    Ok(match of {
        Targets::Classes { of, count } => {
            let mut values = vec![0.0; of.len() * count];
            for (row, class) in values.chunks_exact_mut(*count).zip(*of) {
                row[*class as usize] = 1.0;
            }
            npy::write("<f4", &[of.len(), *count], &floats(&values))
        }
        Targets::Values(values) => npy::write("<f4", &[values.len()], &floats(values)),
        _ => return Err(EngineError::Internal("a program trains classes or numbers".into())),
    })
}
