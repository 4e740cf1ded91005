//! `dsp list` and `dsp run`: the blocks on their own.

use crate::{EngineError, device_tool, error::AtPath, heart_tool, npy, project::nearest};
use edgewright_dsp::{BlockInfo, Default, ParamInfo, ParamKind, Params, Stream, Value, WindowSpec};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::{borrow::Cow, path::Path, time::Instant};

/// The blocks that an impulse may have, with their parameters.
pub fn impulse_blocks_json() -> Vec<serde_json::Value> {
    edgewright_dsp::blocks()
        .iter()
        .map(|b| {
            let parameters: Vec<_> = b.params.iter().map(parameter).collect();
            serde_json::json!({"name": b.name, "title": b.title, "help": b.help, "versions": b.versions, "parameters": parameters})
        })
        .collect()
}

/// All blocks with their parameters.
pub fn list_json() -> serde_json::Value {
    let mut blocks = impulse_blocks_json();
    blocks.extend(device_tool::list(|name| {
        let block = edgewright_dsp::blocks().iter().find(|b| b.name == name);
        block.map_or(vec![], |b| b.params.iter().map(parameter).collect())
    }));
    blocks.extend(heart_tool::list());
    serde_json::json!({ "blocks": blocks })
}

fn parameter(p: &ParamInfo) -> serde_json::Value {
    let default = match p.default {
        Default::Number(n) => serde_json::json!(n),
        Default::Bool(b) => serde_json::json!(b),
        Default::Text(t) => serde_json::json!(t),
    };
    let mut json = serde_json::json!({
        "name": p.name, "default": default, "unit": p.unit, "versions": p.versions, "help": p.help,
    });
    match p.kind {
        ParamKind::Float { min, max } => {
            json["type"] = "float".into();
            json["min"] = min.into();
            json["max"] = max.into();
        }
        ParamKind::Int { min, max } => {
            json["type"] = "int".into();
            json["min"] = min.into();
            json["max"] = max.into();
        }
        ParamKind::Bool => json["type"] = "bool".into(),
        ParamKind::Select(choices) => {
            json["type"] = "select".into();
            json["choices"] = choices.into();
        }
        ParamKind::Text => json["type"] = "text".into(),
    }
    json
}

/// Range of a parameter for people.
pub fn range(p: &ParamInfo) -> String {
    match p.kind {
        ParamKind::Float { min, max } => format!("{min} to {max}"),
        ParamKind::Int { min, max } => format!("{min} to {max}, whole"),
        ParamKind::Bool => "true, false".into(),
        ParamKind::Select(choices) => choices.join(", "),
        ParamKind::Text => "text".into(),
    }
}

/// Default of a parameter for people.
pub fn default(p: &ParamInfo) -> String {
    match p.default {
        Default::Number(n) => n.to_string(),
        Default::Bool(b) => b.to_string(),
        Default::Text(t) => t.to_owned(),
    }
}

/// All blocks with their parameters for people.
pub fn list_text() -> String {
    let mut out = String::new();
    for b in edgewright_dsp::blocks() {
        let versions: Vec<String> = b.versions.iter().map(u32::to_string).collect();
        out.push_str(&format!("{} (version {}): {}\n", b.name, versions.join(", "), b.help));
        for p in b.params {
            out.push_str(&format!("  {:<28} {:<12} {:<6} {}\n", p.name, default(p), p.unit, p.help));
        }
    }
    out.push_str("\nOnly with `dsp run`, as on the device:\n");
    for entry in device_tool::list(|_| vec![]).into_iter().chain(heart_tool::list()) {
        let text = |key: &str| entry[key].as_str().unwrap_or("").to_owned();
        out.push_str(&format!("{}: {}\n", text("name"), text("help")));
    }
    out
}

/// One block on the files of the command line.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Name of the block.
    pub block: &'a str,
    /// Implementation version; the newest when left out.
    pub version: Option<u32>,
    /// JSON object, or `@` and the name of a file that holds one.
    pub params: &'a str,
    /// Rate in Hz.
    pub rate_hz: f64,
    /// Axes of a flat input.
    pub axes: Option<usize>,
    /// `.npy` of the window, or `.json`.
    pub input: &'a Path,
    /// `.npy` of the features, or `.json`.
    pub output: &'a Path,
    /// Runs to time.
    pub repeat: Option<usize>,
    /// Samples of a slice, to feed the window in slices.
    pub stream: Option<usize>,
    /// Integer arithmetic.
    pub fixed: bool,
    /// Values of a window, to feed consecutive windows to one handle.
    pub stateful: Option<usize>,
}

/// One block on values, wherever they come from.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Name of the block.
    pub block: &'a str,
    /// Implementation version; the newest when left out.
    pub version: Option<u32>,
    /// Parameters; the others have their defaults.
    pub params: &'a Map<String, Json>,
    /// Rate in Hz.
    pub rate_hz: f64,
    /// Axes of a flat input.
    pub axes: Option<usize>,
    /// What errors call the input.
    pub source: &'a str,
    /// Most values of a window or picture that a parameter may ask for.
    pub most: usize,
    /// Runs to time.
    pub repeat: Option<usize>,
    /// Samples of a slice, to feed the window in slices.
    pub stream: Option<usize>,
    /// Integer arithmetic.
    pub fixed: bool,
    /// Values of a window, to feed consecutive windows to one handle.
    pub stateful: Option<usize>,
}

/// What a block is run on.
#[derive(Clone, Debug)]
pub enum Input {
    /// Values with their shape.
    Array(npy::Array),
    /// An object, as what follows a network takes it.
    Object(Json),
}

impl Input {
    /// Values of a shape, row-major; flat without one.
    ///
    /// # Errors
    /// [`EngineError::Usage`] when the shape holds another number of values.
    pub fn values(values: Vec<f64>, shape: Option<Vec<usize>>) -> Result<Self, EngineError> {
        let shape = shape.unwrap_or_else(|| vec![values.len()]);
        if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) != Some(values.len()) {
            return Err(EngineError::Usage(format!(
                "`shape` is {shape:?}, and there are {} values",
                values.len()
            )));
        }
        Ok(Self::Array(npy::Array { shape, values, element: npy::ElementType::F64 }))
    }

    /// A `.json` holds an object, everything else is a `.npy`.
    fn read(path: &Path) -> Result<Self, EngineError> {
        if !is_json(path) {
            return npy::read(path).map(Self::Array);
        }
        let text = std::fs::read_to_string(path).at(path)?;
        let bad = |e: serde_json::Error| EngineError::Data(format!("{}: {e}", path.display()));
        serde_json::from_str(&text).map(Self::Object).map_err(bad)
    }

    /// The array, or the list `values` of the object.
    pub(crate) fn array(&self, source: &str) -> Result<Cow<'_, npy::Array>, EngineError> {
        let object = match self {
            Self::Array(array) => return Ok(Cow::Borrowed(array)),
            Self::Object(object) => object,
        };
        let values: Option<Vec<f64>> =
            object["values"].as_array().and_then(|v| v.iter().map(|v| v.as_f64()).collect());
        let values = values.ok_or_else(|| {
            EngineError::Data(format!("{source}: `values` must be there as a list of numbers"))
        })?;
        Ok(Cow::Owned(npy::Array { shape: vec![values.len()], values, element: npy::ElementType::F64 }))
    }
}

/// What a block computed.
#[derive(Clone, Debug)]
pub struct Computed {
    /// Features or scores; `None` when what came out is no array.
    pub values: Option<Vec<f32>>,
    /// What came out, where it is more than an array.
    pub object: Option<Json>,
    /// Best time of one run in seconds, when asked for.
    pub seconds: Option<f64>,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Number of features.
    pub features: usize,
    /// Best time of one run in seconds, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Most values that a parameter may ask for on the command line.
const MOST: usize = 1_000_000_000;

/// Runs the block on a file and writes its features: an array as `.npy`, anything else (and everything when the file is called `.json`) as
/// JSON.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown block or parameters that are no JSON object, [`EngineError::Data`] with the
/// block's reason when it refuses the configuration or the window.
pub fn run(request: &Request<'_>) -> Result<Outcome, EngineError> {
    let params = read_object(request.params)?;
    let input = Input::read(request.input)?;
    let computed = compute(
        &Task {
            block: request.block,
            version: request.version,
            params: &params,
            rate_hz: request.rate_hz,
            axes: request.axes,
            source: &request.input.display().to_string(),
            most: MOST,
            repeat: request.repeat,
            stream: request.stream,
            fixed: request.fixed,
            stateful: request.stateful,
        },
        &input,
    )?;
    let features = computed.values.as_ref().map_or(1, Vec::len);
    let bytes = match computed.values {
        Some(values) if !is_json(request.output) => npy::write_f32(&values),
        values => {
            let object = computed.object.unwrap_or_else(|| serde_json::json!({ "features": values }));
            format!("{object}\n").into_bytes()
        }
    };
    std::fs::write(request.output, bytes).at(request.output)?;
    Ok(Outcome { features, seconds: computed.seconds })
}

/// Runs the block.
///
/// # Errors
/// As [`run`].
pub fn compute(task: &Task<'_>, input: &Input) -> Result<Computed, EngineError> {
    if device_tool::names().any(|name| name == task.block) {
        return device_tool::run(task, input);
    }
    if heart_tool::NAMES.iter().any(|(name, _)| *name == task.block) {
        return heart_tool::run(task, input);
    }
    let info = find(task.block)?;
    let version = task.version.unwrap_or_else(|| info.versions.iter().copied().max().unwrap_or(1));
    let mut params = to_params(task.params.clone())?;
    let array = input.array(task.source)?;
    if task.fixed {
        params.insert("arith".into(), Value::Text("fixed".into()));
    }
    // A configuration of consecutive windows may name their length among the parameters.
    let named = if info.params.iter().any(|p| p.name == "window") { None } else { params.remove("window") };
    let stateful = task.stateful.or(match named {
        Some(Value::Number(n)) if n >= 1.0 => Some(n as usize),
        _ => None,
    });
    let values: Vec<f32> = array.values.iter().map(|&v| v as f32).collect();
    let whole = window(info.name, &array, task)?;
    let spec = match stateful {
        None => whole,
        Some(window) => {
            if window == 0 || !window.is_multiple_of(whole.axes) || window > values.len() {
                return Err(EngineError::Data(format!(
                    "a window of {window} values must be whole frames of {} axes and at most the input of {} values",
                    whole.axes,
                    values.len()
                )));
            }
            WindowSpec { frames: window / whole.axes, ..whole }
        }
    };
    let plan = edgewright_dsp::plan(info.name, version, &params, &spec).map_err(refused)?;
    let mut scratch = vec![0.0; plan.wide_scratch_len()];
    let length = plan.output().len();
    let mut features = vec![0.0; values.len() / plan.window_len().max(1) * length];
    let mut once = || -> Result<(), EngineError> {
        let mut state = vec![0.0; plan.state_len()];
        for (values, out) in values.chunks_exact(plan.window_len()).zip(features.chunks_exact_mut(length)) {
            let Some(slice) = task.stream else {
                plan.extract_next(values, &mut state, &mut scratch, out).map_err(refused)?;
                continue;
            };
            let mut stream = Stream::new(plan.clone()).map_err(refused)?;
            for slice in values.chunks(slice.max(1)) {
                if let Some(features) = stream.push(slice).map_err(refused)? {
                    out.copy_from_slice(features);
                }
            }
        }
        Ok(())
    };
    once()?;
    let seconds = best_time(task.repeat, once)?;
    Ok(Computed { values: Some(features), object: None, seconds })
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "json")
}

pub(crate) fn refused(e: edgewright_dsp::DspError) -> EngineError {
    EngineError::Data(format!("{} ({})", e.message, e.kind))
}

/// Shortest time of so many runs, in seconds.
pub(crate) fn best_time(
    repeat: Option<usize>,
    mut once: impl FnMut() -> Result<(), EngineError>,
) -> Result<Option<f64>, EngineError> {
    let Some(repeat) = repeat.filter(|n| *n > 0) else { return Ok(None) };
    let mut best = f64::INFINITY;
    for _ in 0..repeat {
        let start = Instant::now();
        once()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(Some(best))
}

pub(crate) fn find(name: &str) -> Result<&'static BlockInfo, EngineError> {
    let blocks = edgewright_dsp::blocks();
    blocks.iter().find(|b| b.name == name).ok_or_else(|| {
        let hint = nearest(name, blocks.iter().map(|b| b.name))
            .map(|n| format!("\nhint: did you mean `{n}`?"))
            .unwrap_or_default();
        EngineError::Usage(format!("there is no DSP block `{name}`{hint}"))
    })
}

/// The JSON object of `--params`, or of the file that it names after an `@`.
fn read_object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, EngineError> {
    let text = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).at(Path::new(file))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|e| EngineError::Usage(format!("--params: {e}")))
}

pub(crate) fn to_params(object: serde_json::Map<String, serde_json::Value>) -> Result<Params, EngineError> {
    let usage = |e: String| EngineError::Usage(format!("--params: {e}"));
    object
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                serde_json::Value::Bool(b) => Value::Bool(b),
                serde_json::Value::String(s) => Value::Text(s),
                serde_json::Value::Number(n) => Value::Number(n.as_f64().unwrap_or(f64::NAN)),
                _ => return Err(usage(format!("`{name}` must be a number, a text or a switch"))),
            };
            Ok((name, value))
        })
        .collect()
}

/// Largest rate in Hz.
const RATE_MAX: f64 = 1e9;

/// The window that the shape of the input describes.
fn window(block: &str, array: &npy::Array, request: &Task<'_>) -> Result<WindowSpec, EngineError> {
    if !(0.0..=RATE_MAX).contains(&request.rate_hz) {
        return Err(EngineError::Usage(format!(
            "a rate of {} Hz; it must be 0 to {RATE_MAX}, 0 for rows of a table",
            request.rate_hz
        )));
    }
    let data = |m: String| EngineError::Data(format!("{}: {m}", request.source));
    let count = array.values.len();
    Ok(match (array.shape.as_slice(), request.axes) {
        (&[height, width, channels], _) if block == "image" => {
            WindowSpec { rate_hz: 0.0, axes: channels, frames: height * width, image: Some((width, height)) }
        }
        (&[height, width], _) if block == "image" => {
            WindowSpec { rate_hz: 0.0, axes: 1, frames: height * width, image: Some((width, height)) }
        }
        (&[frames, axes], None) => WindowSpec { rate_hz: request.rate_hz, axes, frames, image: None },
        (_, Some(0)) => return Err(data("a window needs at least one axis".into())),
        (_, axes) => {
            let axes = axes.unwrap_or(1);
            if !count.is_multiple_of(axes) {
                return Err(data(format!("{count} values are no whole number of frames of {axes} axes")));
            }
            WindowSpec { rate_hz: request.rate_hz, axes, frames: count / axes, image: None }
        }
    })
}
