//! `dsp run` for heart rate and its variability on their own: a recording or a list of intervals in, measures out.

use crate::{
    EngineError,
    dsp_tool::{Computed, Input, Task, best_time, refused},
};
use edgewright_dsp::{FrequencyPlan, Params, Value, WindowSpec, plan, time_domain};
use serde_json::{Map, Value as Json, json};

/// Names with what they do.
pub const NAMES: [(&str, &str); 3] = [
    ("heart_rate_ppg", "Heart rate every 2 s of a PPG, with or without three axes of an accelerometer."),
    ("hrv_time_domain", "Variability of a list of intervals between beats, in the time domain."),
    ("hrv_frequency_domain", "Power of a list of intervals between beats in a low and a high band."),
];

/// Keys of the time domain, in the order of [`edgewright_dsp::TIME_NAMES`].
const TIME_KEYS: [&str; 17] = [
    "meannn",
    "sdnn",
    "rmssd",
    "sdsd",
    "cvnn",
    "cvsd",
    "mediannn",
    "madnn",
    "mcvnn",
    "iqrnn",
    "minnn",
    "maxnn",
    "nn50_count",
    "nn20_count",
    "pnn50_over_diffs",
    "pnn20_over_diffs",
    "mean_hr",
];

/// Entries of `dsp list`.
pub fn list() -> Vec<Json> {
    let parameters = |name: &str| match name {
        "heart_rate_ppg" => json!([
            {"name": "sampling_freq", "default": null, "unit": "Hz", "help": "Frames per second; left out: `--rate`."},
            {"name": "axes", "default": null, "help": "Names of the axes: PPG, and three of an accelerometer if there are."},
            {"name": "update_interval_s", "default": 2, "unit": "s", "help": "From one heart rate to the next, a multiple of 2."},
        ]),
        "hrv_time_domain" => {
            json!([{"name": "unit", "default": "ms", "help": "Unit of the intervals: ms or s."}])
        }
        _ => json!([
            {"name": "unit", "default": "ms", "help": "Unit of the intervals: ms or s."},
            {"name": "lf_band_hz", "default": [0.04, 0.15], "unit": "Hz", "help": "Edges of the low band."},
            {"name": "hf_band_hz", "default": [0.15, 0.4], "unit": "Hz", "help": "Edges of the high band."},
        ]),
    };
    let entry = |(name, help): &(&str, &str)| json!({"name": name, "title": name, "help": help, "versions": [1], "parameters": parameters(name)});
    NAMES.iter().map(entry).collect()
}

/// Runs it.
///
/// # Errors
/// [`EngineError::Data`] with the reason when the parameters or the input cannot be used.
pub fn run(task: &Task<'_>, input: &Input) -> Result<Computed, EngineError> {
    if task.fixed || task.stateful.is_some() || task.stream.is_some() {
        return Err(EngineError::Data(format!(
            "`{}` takes the whole recording, without --arith fixed, --stateful or --stream (option_unavailable)",
            task.block
        )));
    }
    let mut result = (Vec::new(), Json::Null);
    let mut once = || {
        result = match task.block {
            "heart_rate_ppg" => heart_rate(task, input)?,
            _ => variability(task, input)?,
        };
        Ok(())
    };
    once()?;
    let seconds = best_time(task.repeat, once)?;
    let (values, object) = result;
    Ok(Computed { values: Some(values), object: Some(object), seconds })
}

fn range(message: String) -> EngineError {
    EngineError::Data(format!("{message} (parameter_range)"))
}

/// The numbers of a field of the input, nested or not.
fn numbers(value: &Json, out: &mut Vec<f64>) -> bool {
    match value {
        Json::Array(items) => items.iter().all(|v| numbers(v, out)),
        Json::Number(n) => n.as_f64().is_some_and(|n| {
            out.push(n);
            true
        }),
        _ => false,
    }
}

fn field(task: &Task<'_>, object: &Json, name: &str) -> Result<Vec<f64>, EngineError> {
    let mut out = Vec::new();
    match object.get(name) {
        Some(value) if numbers(value, &mut out) => Ok(out),
        _ => Err(EngineError::Data(format!("{}: `{name}` must be there as a list of numbers", task.source))),
    }
}

type Measured = (Vec<f32>, Json);

fn heart_rate(request: &Task<'_>, input: &Input) -> Result<Measured, EngineError> {
    let params = request.params;
    let rate = match params.get("sampling_freq") {
        Some(v) => v.as_f64().ok_or_else(|| range("`sampling_freq` must be a number of Hz".into()))?,
        None => request.rate_hz,
    };
    let every = match params.get("update_interval_s") {
        Some(v) => v.as_f64().filter(|s| *s >= 2.0 && s % 2.0 == 0.0 && *s <= 3600.0),
        None => Some(2.0),
    };
    let every =
        every.ok_or_else(|| range("`update_interval_s` must be a multiple of 2 s".into()))? as usize / 2;
    let (axes, values) = match input {
        Input::Object(object) => {
            let ppg = field(request, object, "ppg")?;
            let acc = if object.get("acc").is_some() { field(request, object, "acc")? } else { Vec::new() };
            if !acc.is_empty() && acc.len() != 3 * ppg.len() {
                return Err(EngineError::Data(format!(
                    "{}: `acc` has {} values, three for each of {} of `ppg` are needed",
                    request.source,
                    acc.len(),
                    ppg.len()
                )));
            }
            if acc.is_empty() {
                (1, ppg)
            } else {
                let rows = ppg.iter().zip(acc.chunks_exact(3));
                (4, rows.flat_map(|(p, a)| [*p, a[0], a[1], a[2]]).collect())
            }
        }
        Input::Array(array) => {
            let named = params.get("axes").and_then(Json::as_array).map(Vec::len);
            let shape = if let [_, axes] = array.shape[..] { Some(axes) } else { None };
            (request.axes.or(shape).or(named).unwrap_or(1), array.values.clone())
        }
    };
    if axes == 0 || !values.len().is_multiple_of(axes) {
        return Err(EngineError::Data(format!(
            "{} values are no whole number of frames of {axes} axes (axes)",
            values.len()
        )));
    }
    // What else is given are parameters of the block.
    let own: Params = params
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "sampling_freq" | "axes" | "update_interval_s"))
        .map(|(name, value)| {
            let value = match value {
                Json::Bool(b) => Value::Bool(*b),
                Json::String(s) => Value::Text(s.clone()),
                v => Value::Number(v.as_f64().unwrap_or(f64::NAN)),
            };
            (name.clone(), value)
        })
        .collect();
    let window = WindowSpec { rate_hz: rate, axes, frames: values.len() / axes, image: None };
    let plan = plan("hr", 1, &own, &window).map_err(refused)?;
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    let mut features = vec![0.0; plan.output().len()];
    plan.extract(&values, &mut vec![0.0; plan.scratch_len()], &mut features).map_err(refused)?;
    let names = plan.names(&[]);
    let rates: Vec<f32> =
        features.iter().zip(&names).filter(|(_, n)| n.starts_with("HR ")).map(|(v, _)| *v).collect();
    let rates: Vec<f32> = rates.into_iter().skip(every - 1).step_by(every).collect();
    let json = json!({ format!("hr_bpm_every_{}s", 2 * every): rates });
    Ok((rates, json))
}

fn variability(request: &Task<'_>, input: &Input) -> Result<Measured, EngineError> {
    let params = request.params;
    let seconds = match params.get("unit").map(|u| u.as_str()) {
        None | Some(Some("ms")) => false,
        Some(Some("s")) => true,
        _ => return Err(range("`unit` must be ms or s".into())),
    };
    let values = match input {
        Input::Object(object) => field(request, object, "rr_ms")?,
        Input::Array(array) => array.values.clone(),
    };
    let nn: Vec<f32> = values.iter().map(|v| (if seconds { v * 1000.0 } else { *v }) as f32).collect();
    if let Some(at) = nn.iter().position(|v| !(v.is_finite() && *v > 0.0)) {
        return Err(EngineError::Data(format!(
            "interval {at} is {}; intervals must be positive (not_finite)",
            values[at]
        )));
    }
    let least = if request.block == "hrv_time_domain" { 3 } else { 4 };
    if nn.len() < least {
        return Err(EngineError::Data(format!(
            "{} intervals are too few; at least {least} are needed (hrv_window_too_short)",
            nn.len()
        )));
    }
    if request.block == "hrv_time_domain" {
        let measures = time_domain(&nn, &mut vec![0.0; nn.len()]);
        let object: Map<String, Json> =
            TIME_KEYS.iter().zip(measures).map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        return Ok((measures.to_vec(), Json::Object(object)));
    }
    let band = |name: &str, default: (f64, f64)| -> Result<(f64, f64), EngineError> {
        let Some(value) = params.get(name) else { return Ok(default) };
        let mut edges = Vec::new();
        match (numbers(value, &mut edges), &edges[..]) {
            (true, &[from, to]) if from >= 0.0 && from < to && to <= 2.0 => Ok((from, to)),
            _ => Err(range(format!("`{name}` must be two frequencies in order, from 0 to 2 Hz"))),
        }
    };
    let (low, high) = (band("lf_band_hz", (0.04, 0.15))?, band("hf_band_hz", (0.15, 0.4))?);
    let mut time = 0.0f64;
    let at: Vec<f32> = nn
        .iter()
        .enumerate()
        .map(|(i, v)| {
            time += if i == 0 { 0.0 } else { f64::from(*v) / 1000.0 };
            time as f32
        })
        .collect();
    if time > 16_000.0 {
        return Err(EngineError::Data(format!(
            "the intervals last {time:.0} s; at most 16000 s are taken at once (hrv_window_too_long)"
        )));
    }
    let Some(plan) = FrequencyPlan::new(time, low, high) else {
        return Err(range("a band holds no frequency of so short a list".into()));
    };
    let [lf, hf, ratio, lf_hz, hf_hz] = plan.measure(&at, &nn, &mut vec![0.0; plan.scratch_len()]);
    let json =
        json!({"lf_over_hf": ratio, "lf_peak_hz": lf_hz, "hf_peak_hz": hf_hz, "lf_ms2": lf, "hf_ms2": hf});
    Ok((vec![ratio, lf_hz, hf_hz], json))
}
