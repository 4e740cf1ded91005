//! `dsp run` for what only the device does: slices in continuous mode, pictures straight to a model's input, and what
//! follows the network.

use crate::{
    EngineError,
    dsp_tool::{Computed, Input, Task, best_time, refused},
    npy::{Array, ElementType},
};
use edgewright_dsp::{Continuous, Params, PixelScaling, ResizeMode, Value, quantised_pixels, resize_device};
use edgewright_impulse::post;
use serde_json::{Map, Value as Json, json};

/// Audio blocks with a continuous mode.
const CONTINUOUS: [&str; 3] = ["mfcc", "mfe", "spectrogram"];

/// A parameter: name, default, what it does.
type Parameter = (&'static str, Option<&'static str>, &'static str);

const SLICES: &[Parameter] = &[
    ("slice", None, "Samples of a slice; left out: a quarter of the window."),
    ("window", None, "Samples of the window; left out: one second."),
];
const QUANTISED: &[Parameter] = &[
    ("channels", Some("RGB"), "RGB or Grayscale."),
    ("scale", Some("0.003921568859368563"), "Scale of the model's input."),
    ("zero_point", Some("-128"), "Zero point of the model's input."),
    ("image_scaling", Some("0"), "0: byte / 255, 2: mean and deviation of torch, 4: byte - 128."),
];
const RESIZE: &[Parameter] = &[
    ("mode", Some("squash"), "squash, fit-shortest or fit-longest."),
    ("dst_width", None, "Columns of the result."),
    ("dst_height", None, "Rows of the result."),
    ("channels", Some("3"), "3, or 1 for the first channel alone."),
];

fn post_parameters(name: &str) -> &'static [Parameter] {
    match name {
        "performance_calibration" => &[
            ("labels", None, "Number of labels."),
            ("average_window_duration_ms", None, "Time over which scores are averaged."),
            ("detection_threshold", None, "Averaged score from which a label is reported."),
            ("suppression_ms", None, "Silence after a report."),
            (
                "suppression_flags",
                None,
                "Bit per label that can be reported and starts the silence; 0: all, no silence.",
            ),
            ("slice_size", None, "Samples from inference to inference."),
            ("interval_ms", None, "Time from sample to sample."),
        ],
        "fomo_decode" => &[
            ("labels", None, "List of labels, without the background."),
            ("input_width", None, "Columns of the picture."),
            ("input_height", None, "Rows of the picture."),
            ("grid", None, "Cells per side."),
            ("threshold", None, "Score from which a cell counts."),
            ("scale", Some("1"), "Scale of an int8 output."),
            ("zero_point", Some("0"), "Zero point of an int8 output."),
        ],
        "nms" => &[
            ("iou_threshold", None, "Boxes that share as much with a better one go."),
            ("confidence_threshold", None, "Boxes need a higher score."),
        ],
        "object_tracking" => &[
            ("keep_grace", Some("5"), "Pictures that a track outlives its last match."),
            ("max_observations", Some("5"), "Observations kept per track."),
            ("threshold", Some("0.5"), "IoU above which, or distance below which, boxes match."),
            ("use_iou", Some("true"), "IoU of boxes, else distance of centres."),
            ("count_segments", Some("[]"), "Lines to count crossings of: x y x y each."),
        ],
        "visual_anomaly_grid" => &[
            ("input_width", None, "Columns of the picture."),
            ("input_height", None, "Rows of the picture."),
            ("grid_x", None, "Columns of the grid."),
            ("grid_y", None, "Rows of the grid."),
            ("threshold", None, "Score from which a cell is an anomaly."),
        ],
        "anomaly_kmeans" => &[
            ("mean", None, "Mean of each feature."),
            ("scale", None, "Deviation of each feature."),
            ("clusters", None, "List of {centroid, max_error}."),
            ("axes", None, "Which features; left out: all."),
        ],
        _ => &[
            ("weights", None, "Weight of each component."),
            ("means", None, "Mean of each component."),
            ("covariances", None, "Covariance matrix of each component."),
            ("score_mean", None, "Mean log-likelihood of the training rows."),
            ("score_scale", None, "Its standard deviation."),
        ],
    }
}

fn entry(name: &str, help: &str, versions: &[u32], mut parameters: Vec<Json>, more: &[Parameter]) -> Json {
    parameters.extend(more.iter().map(|(name, default, help)| {
        let default = default.map(|d| serde_json::from_str(d).unwrap_or_else(|_| json!(d)));
        json!({"name": name, "default": default, "help": help})
    }));
    json!({"name": name, "title": name, "help": help, "versions": versions, "parameters": parameters})
}

/// Entries of `dsp list`; `parameters` gives those of a block.
pub fn list(parameters: impl Fn(&str) -> Vec<Json>) -> Vec<Json> {
    let mut all: Vec<Json> = CONTINUOUS
        .iter()
        .map(|block| {
            let help =
                format!("Block `{block}` in slices, as the reference's continuous mode on the device.");
            entry(&format!("continuous_{block}"), &help, &[1, 2, 3, 4], parameters(block), SLICES)
        })
        .collect();
    let pixels = "Pixels to the quantised input of a model.";
    all.push(entry("image_quantised", pixels, &[1], vec![], QUANTISED));
    all.push(entry("image_resize_device", "Integer bilinear resize.", &[1], vec![], RESIZE));
    all.extend(post::NAMES.iter().map(|(name, help)| entry(name, help, &[1], vec![], post_parameters(name))));
    all
}

/// Names that [`run`] takes.
pub fn names() -> impl Iterator<Item = String> {
    let audio = CONTINUOUS.iter().map(|b| format!("continuous_{b}"));
    let pictures = ["image_quantised", "image_resize_device"].map(String::from);
    audio.chain(pictures).chain(post::NAMES.iter().map(|(n, _)| (*n).to_owned()))
}

/// Runs it.
///
/// # Errors
/// [`EngineError::Data`] with the reason when the parameters or the input cannot be used.
pub fn run(task: &Task<'_>, input: &Input) -> Result<Computed, EngineError> {
    if task.fixed || task.stateful.is_some() {
        let option = if task.fixed { "--arith fixed" } else { "--stateful" };
        return Err(EngineError::Data(format!("`{}` has no {option}", task.block)));
    }
    if post::NAMES.iter().any(|(n, _)| *n == task.block) {
        return follow(task, input);
    }
    let array = input.array(task.source)?;
    let mut values = Vec::new();
    let mut once = || {
        values = match task.block.strip_prefix("continuous_") {
            Some(block) => continuous(block, task, &array)?,
            None => picture(task, &array)?,
        };
        Ok(())
    };
    once()?;
    let seconds = best_time(task.repeat, once)?;
    Ok(Computed { values: Some(values), object: None, seconds })
}

fn number(params: &Map<String, Json>, name: &str, default: Option<f64>) -> Result<f64, EngineError> {
    match params.get(name) {
        Some(v) => v.as_f64(),
        None => default,
    }
    .ok_or_else(|| {
        EngineError::Data(format!("parameter `{name}` must be given as a number (parameter_range)"))
    })
}

/// A whole number of samples or pixels.
fn count(task: &Task<'_>, name: &str, default: Option<f64>) -> Result<usize, EngineError> {
    let n = number(task.params, name, default)?;
    if n.fract() != 0.0 || !(1.0..=task.most as f64).contains(&n) {
        return Err(EngineError::Data(format!(
            "`{name}` is {n}; it must be a whole number from 1 to {} (parameter_range)",
            task.most
        )));
    }
    Ok(n as usize)
}

fn continuous(block: &str, request: &Task<'_>, array: &Array) -> Result<Vec<f32>, EngineError> {
    let window = count(request, "window", Some(request.rate_hz.round().max(1.0)))?;
    let slice = match request.stream {
        Some(n) => n.max(1),
        None => count(request, "slice", Some((window / 4).max(1) as f64))?,
    };
    let own: Params = request
        .params
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "slice" | "window"))
        .map(|(name, value)| {
            let value = match value {
                Json::Bool(b) => Value::Bool(*b),
                Json::String(s) => Value::Text(s.clone()),
                v => Value::Number(v.as_f64().unwrap_or(f64::NAN)),
            };
            (name.clone(), value)
        })
        .collect();
    let axes = request.axes.unwrap_or(if let [_, axes] = array.shape[..] { axes } else { 1 });
    if axes != 1 {
        return Err(EngineError::Data(format!(
            "the input has {axes} axes, one is taken (more_than_one_axis)"
        )));
    }
    let version = request.version.unwrap_or(4);
    let mut handle =
        Continuous::new(block, version, &own, request.rate_hz, slice, window).map_err(refused)?;
    let samples: Vec<f32> = array.values.iter().map(|v| *v as f32).collect();
    let mut out = Vec::new();
    for slice in samples.chunks_exact(slice) {
        out.extend(handle.push(slice).map_err(refused)?.into_iter().flatten());
    }
    Ok(out)
}

fn picture(task: &Task<'_>, array: &Array) -> Result<Vec<f32>, EngineError> {
    let params = task.params;
    let refuse = |m: String| Err(EngineError::Data(m));
    if array.values.iter().any(|v| v.fract() != 0.0 || !(0.0..=255.0).contains(v)) {
        return refuse("a picture must hold bytes, 0 to 255".into());
    }
    let bytes: Vec<u8> = array.values.iter().map(|v| *v as u8).collect();
    let text = |name: &str, default: &str| {
        params.get(name).map_or(Some(default.to_owned()), |v| v.as_str().map(String::from))
    };
    if task.block == "image_quantised" {
        let grey = match text("channels", "RGB").as_deref() {
            Some("RGB") => false,
            Some("Grayscale") => true,
            _ => return refuse("`channels` must be RGB or Grayscale (parameter_range)".into()),
        };
        let scaling = match number(params, "image_scaling", Some(0.0))? {
            0.0 => PixelScaling::None,
            2.0 => PixelScaling::Torch,
            4.0 => PixelScaling::Minus128,
            n => return refuse(format!("`image_scaling` is {n}; it must be 0, 2 or 4 (parameter_range)")),
        };
        let scale = number(params, "scale", Some(0.003_921_568_859_368_563))? as f32;
        let zero_point = number(params, "zero_point", Some(-128.0))? as i32;
        let q = quantised_pixels(&bytes, grey, scale, zero_point, scaling).map_err(refused)?;
        return Ok(q.into_iter().map(|v| v as f32).collect());
    }
    let mode = match text("mode", "squash").as_deref() {
        Some("squash") => ResizeMode::Squash,
        Some("fit-shortest") => ResizeMode::FitShortest,
        Some("fit-longest") => ResizeMode::FitLongest,
        _ => return refuse("`mode` must be squash, fit-shortest or fit-longest (parameter_range)".into()),
    };
    let (height, width, have) = match array.shape[..] {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => return refuse("a picture must be height x width x channels".into()),
    };
    let channels = count(task, "channels", Some(have as f64))?;
    let bytes: Vec<u8> = match channels {
        _ if channels == have => bytes,
        1 if have > 1 => bytes.chunks_exact(have).map(|p| p[0]).collect(),
        _ => return refuse(format!("`channels` is {channels}, the picture has {have} (parameter_range)")),
    };
    let to = (count(task, "dst_width", None)?, count(task, "dst_height", None)?);
    if to.0.saturating_mul(to.1).saturating_mul(channels) > task.most {
        return refuse(format!(
            "a picture of {} x {} with {channels} channels has more than {} values (parameter_range)",
            to.0, to.1, task.most
        ));
    }
    let out = resize_device(&bytes, (width, height), channels, to, mode).map_err(refused)?;
    Ok(out.into_iter().map(f32::from).collect())
}

/// Post-processing: an object or an array in, an object and perhaps an array out.
fn follow(task: &Task<'_>, input: &Input) -> Result<Computed, EngineError> {
    let natural;
    let input = match input {
        Input::Object(object) => object,
        Input::Array(array) => {
            let at = |m: String| EngineError::Data(format!("{}: {m}", task.source));
            natural = natural_input(task, array).map_err(at)?;
            &natural
        }
    };
    let params = Json::Object(task.params.clone());
    let mut result = Json::Null;
    let mut once = || {
        result = post::run(task.block, &params, input).map_err(EngineError::Data)?;
        Ok(())
    };
    once()?;
    let seconds = best_time(task.repeat, once)?;
    let array = ["scores", "selected", "detected"].iter().find_map(|key| result[*key].as_array());
    let values = array.map(|a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN) as f32).collect());
    Ok(Computed { values, object: Some(result), seconds })
}

/// The object that an array stands for.
fn natural_input(request: &Task<'_>, array: &Array) -> Result<Json, String> {
    let columns =
        request.axes.unwrap_or_else(|| if let [_, n] = array.shape[..] { n } else { array.values.len() });
    if columns == 0 || !array.values.len().is_multiple_of(columns) {
        return Err(format!("{} values are no whole rows of {columns}", array.values.len()));
    }
    let rows: Vec<&[f64]> = array.values.chunks_exact(columns).collect();
    match request.block {
        "anomaly_kmeans" | "anomaly_gmm" => Ok(json!({ "features": rows })),
        "performance_calibration" => Ok(json!({ "scores": rows })),
        "fomo_decode" if array.element == ElementType::I8 => {
            let q: Vec<i64> = array.values.iter().map(|v| *v as i64).collect();
            Ok(json!({ "output_int8": q }))
        }
        "fomo_decode" | "visual_anomaly_grid" => Ok(json!({ "output": array.values })),
        "nms" if columns == 5 => {
            let boxes: Vec<&[f64]> = rows.iter().map(|r| &r[..4]).collect();
            let scores: Vec<f64> = rows.iter().map(|r| r[4]).collect();
            Ok(json!({"boxes_y1x1y2x2": boxes, "scores": scores}))
        }
        "nms" => Err("rows must be y1, x1, y2, x2, score".into()),
        name => Err(format!("`{name}` takes an object (a .json file) with `frames`")),
    }
}
