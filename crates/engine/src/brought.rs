//! A model that a client brought for a project: profiled as it is, and packed as long as the project has no trained impulse of its own.

use crate::{
    EngineError, Silent,
    error::AtPath,
    model_profile::{self, TargetCost},
    model_quantize::{self, QuantizeOptions},
    model_tool::{self, TensorInfo},
    stages::{build, imported},
    workspace::Workspace,
};
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Task, Window};
use edgewright_ir::{
    DType,
    extra::Reference,
    quantize::{Ends, Method, Scheme},
};
use edgewright_sample::{Axis, labels};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Longest name of a model, in characters.
const NAME_MAX: usize = 100;
/// Most labels.
const LABELS_MAX: usize = 1000;
/// Longest window in ms, and highest rate in Hz.
const MOST: f64 = 1e9;
/// What the folder says of itself.
const FILE: &str = "brought.json";

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Takes {
    /// Values, of whatever kind.
    Values,
    /// Frames of a signal.
    Signal {
        /// Rate in Hz.
        rate_hz: f64,
        /// Length of a window in ms; `None`: one axis, as long as the model takes.
        window_ms: Option<f64>,
    },
}

/// What a model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Says {
    /// One score for each label.
    Labels(Vec<String>),
    /// One number.
    Number,
}

/// What is kept of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// As the client called it.
    name: String,
    /// Target that it asked about.
    target: Option<String>,
    /// Size of the file as it came.
    bytes: u64,
    /// File of the model in float, if there is one.
    float: Option<String>,
    /// File of the model in bytes, if there is one.
    int8: Option<String>,
    takes: Option<Takes>,
    says: Option<Says>,
}

/// One form of the model, and what it costs.
#[derive(Clone, Debug)]
pub struct Form {
    /// Float, or bytes.
    pub float: bool,
    /// Its input.
    pub input: TensorInfo,
    /// Its outputs.
    pub outputs: Vec<TensorInfo>,
    /// On the targets that were asked for, and on the client's.
    pub costs: Vec<TargetCost>,
}

/// A model with what it costs.
#[derive(Clone, Debug)]
pub struct Brought {
    /// As the client called it.
    pub name: String,
    /// Target that it asked about.
    pub target: Option<String>,
    /// Size of the file as it came.
    pub bytes: u64,
    /// Float first.
    pub forms: Vec<Form>,
}

fn read(dir: &Path) -> Result<Option<Kept>, EngineError> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| EngineError::Internal(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EngineError::Io { path, source }),
    }
}

fn write(dir: &Path, kept: &Kept) -> Result<(), EngineError> {
    let text = serde_json::to_vec(kept).map_err(|e| EngineError::Internal(e.to_string()))?;
    build::write_whole(&dir.join(FILE), &text)
}

impl Kept {
    fn file(&self, float: bool) -> Option<&str> {
        if float { self.float.as_deref() } else { self.int8.as_deref() }
    }

    /// The impulse that the model is, when it was said what it takes and says.
    fn impulse(&self, dir: &Path, project: &str, float: bool) -> Result<Option<Impulse>, EngineError> {
        let (Some(takes), Some(says)) = (self.takes, &self.says) else { return Ok(None) };
        let Some(file) = self.file(float) else {
            let word = if float { "float32" } else { "int8" };
            return Err(EngineError::Usage(format!("the model that was uploaded has no {word} form")));
        };
        let path = dir.join(file);
        let loaded = model_tool::load(&path, Reference::Litert)?.graph;
        let values = loaded.tensor(loaded.inputs[0]).len();
        let (frames, axes, rate_hz) = match takes {
            Takes::Values => (values, 1, 1.0),
            Takes::Signal { rate_hz, window_ms: None } => (values, 1, rate_hz),
            Takes::Signal { rate_hz, window_ms: Some(ms) } => {
                let frames = (rate_hz * ms / 1000.0).round() as usize;
                if frames == 0 || !values.is_multiple_of(frames) {
                    return Err(EngineError::Usage(format!(
                        "the model takes {values} values, and a window of {ms} ms at {rate_hz} Hz has {frames} frames"
                    )));
                }
                (frames, values / frames, rate_hz)
            }
        };
        let (task, outputs) = match says {
            Says::Labels(labels) => {
                (Task::Classification { labels: labels.clone(), min_confidence: None }, labels.len())
            }
            Says::Number => (Task::Regression, 1),
        };
        let axis = |n: usize| Axis { name: format!("axis{n}"), units: String::new() };
        let window = Window {
            frames,
            stride: frames,
            rate_hz,
            axes: (0..axes).map(axis).collect(),
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let wrong = |e: edgewright_impulse::ImpulseError| EngineError::Data(format!("{}: {e}", self.name));
        let (graph, _) = imported::graph(&path, values, outputs)?;
        let params = edgewright_dsp::Params::new();
        let raw = DspBlock::new("raw", "raw", 1, params, (0..axes).collect(), &window).map_err(wrong)?;
        let learn = LearnBlock { id: "model".into(), task, inputs: vec![0], graph };
        let impulse = Impulse { name: project.into(), window, dsp: vec![raw], learn: vec![learn] };
        impulse.validate().map_err(wrong)?;
        Ok(Some(impulse))
    }
}

impl Workspace {
    /// Where the model of a project lies; the id is one of ours.
    fn brought_dir(&self, project: &str) -> Result<PathBuf, EngineError> {
        self.project_dir(project)?;
        Ok(self.server_dir().join("brought").join(project))
    }

    /// Takes a model in, in place of the one before. With representative inputs (`.npy`, first axis: cases) a float model also gets a
    /// form in bytes.
    ///
    /// # Errors
    /// [`EngineError::Data`] for a model that cannot be used, [`EngineError::Gate`] for one that loses too much in bytes,
    /// [`EngineError::Usage`] for a target that does not exist.
    pub fn bring_model(
        &self,
        project: &str,
        file: &Path,
        name: &str,
        representative: Option<&Path>,
        target: Option<&str>,
    ) -> Result<(), EngineError> {
        let dir = self.brought_dir(project)?;
        if let Some(id) = target {
            build::target(id)?;
        }
        let end =
            if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) { "onnx" } else { "tflite" };
        let graph = model_tool::load(file, Reference::Litert)?.graph;
        imported::usable(file, &graph)?;
        let integer = graph.tensors.iter().any(|t| matches!(t.dtype, DType::I8 | DType::I16));
        let parent = self.server_dir().join("brought");
        std::fs::create_dir_all(&parent).at(&parent)?;
        let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(&parent).at(&parent)?;
        let first = format!("model.{end}");
        let to = fresh.path().join(&first);
        let bytes = std::fs::copy(file, &to).at(&to)?;
        let (float, mut int8) = if integer { (None, Some(first)) } else { (Some(first), None) };
        if let Some(cases) = representative {
            if integer {
                return Err(EngineError::Usage(
                    "the model is in bytes already; leave the representative data out".into(),
                ));
            }
            let options = QuantizeOptions {
                method: Method::Mse,
                scheme: Scheme::Int8,
                ends: Ends::Integer,
                budget: model_quantize::BUDGET,
                force: false,
                reference: Reference::Litert,
            };
            let out = "model-int8.tflite";
            let cases = [cases.to_string_lossy().into_owned()];
            model_quantize::quantize(&to, &cases, &fresh.path().join(out), &options, &Silent::default())?;
            int8 = Some(out.into());
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
        let kept = Kept { name, target: target.map(Into::into), bytes, float, int8, takes: None, says: None };
        write(fresh.path(), &kept)?;
        if dir.exists() {
            std::fs::remove_dir_all(&dir).at(&dir)?;
        }
        std::fs::rename(fresh.path(), &dir).at(&dir)
    }

    /// The model of a project and what it costs on some targets, by estimate. `None`: nobody brought one.
    ///
    /// # Errors
    /// Those of profiling it.
    pub fn brought(&self, project: &str, targets: &[String]) -> Result<Option<Brought>, EngineError> {
        let dir = self.brought_dir(project)?;
        let Some(kept) = read(&dir)? else { return Ok(None) };
        let mut targets = targets.to_vec();
        targets.extend(kept.target.clone().filter(|t| !targets.contains(t)));
        let mut forms = Vec::new();
        for float in [true, false] {
            let Some(file) = kept.file(float) else { continue };
            let told = model_profile::profile(
                &dir.join(file),
                &targets,
                false,
                Reference::Litert,
                &Silent::default(),
            )?;
            forms.push(Form { float, input: told.input, outputs: told.outputs, costs: told.targets });
        }
        Ok(Some(Brought { name: kept.name, target: kept.target, bytes: kept.bytes, forms }))
    }

    /// Keeps what the model takes and says; then it can be packed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when there is no model, [`EngineError::Usage`] and [`EngineError::Data`] when it does not fit.
    pub fn describe_brought(&self, project: &str, takes: Takes, says: Says) -> Result<(), EngineError> {
        let dir = self.brought_dir(project)?;
        let mut kept = read(&dir)?.ok_or_else(none)?;
        if let Takes::Signal { rate_hz, window_ms } = takes {
            let fine = |v: f64| v > 0.0 && v <= MOST;
            if !fine(rate_hz) || !window_ms.is_none_or(fine) {
                return Err(EngineError::Usage(format!("rate and window are above 0 and at most {MOST}")));
            }
        }
        if let Says::Labels(list) = &says {
            if list.is_empty() || list.len() > LABELS_MAX {
                return Err(EngineError::Usage(format!("a model has 1 to {LABELS_MAX} labels")));
            }
            for label in list {
                labels::validate_label(label).map_err(|e| EngineError::Usage(e.message))?;
            }
        }
        kept.takes = Some(takes);
        kept.says = Some(says);
        // What cannot be packed is told now.
        kept.impulse(&dir, project, kept.float.is_some())?;
        write(&dir, &kept)
    }

    /// The package of the model that was brought: its number and its file, which is there once it was built. `None`: there is no such
    /// model, or it was not said what it takes and says.
    ///
    /// # Errors
    /// Those of the model; see [`Workspace::build_brought`].
    pub fn brought_package(
        &self,
        project: &str,
        target: &str,
        package: &str,
        float: bool,
    ) -> Result<Option<(u32, PathBuf)>, EngineError> {
        let dir = self.brought_dir(project)?;
        let Some(kept) = read(&dir)? else { return Ok(None) };
        let Some(impulse) = kept.impulse(&dir, project, float)? else { return Ok(None) };
        let version = build::version_of(&impulse, build::check(target, package)?)?;
        let form = if float { "float32" } else { "int8" };
        Ok(Some((version, dir.join(format!("{target}-{package}-{form}-{version}")))))
    }

    /// Builds that package.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when there is none; those of compiling.
    pub fn build_brought(
        &self,
        project: &str,
        target: &str,
        package: &str,
        float: bool,
    ) -> Result<u32, EngineError> {
        let (version, path) = self.brought_package(project, target, package, float)?.ok_or_else(none)?;
        let dir = self.brought_dir(project)?;
        let kept = read(&dir)?.ok_or_else(none)?;
        let impulse = kept.impulse(&dir, project, float)?.ok_or_else(none)?;
        let about = crate::project::Project::open(&self.project_dir(project)?)?.about()?;
        let bytes = build::pack(&impulse, build::check(target, package)?, package, &about, None)?;
        build::write_whole(&path, &bytes)?;
        Ok(version)
    }
}

fn none() -> EngineError {
    EngineError::NotFound("no model was uploaded for this project".into())
}
