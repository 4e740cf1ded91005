//! One DSP block on one window of a cleaned recording, while its parameters are being chosen.

use crate::{
    EngineError, dsp_tool,
    estimate::{DspOnTarget, dsp_on},
    program::{self, Program},
    session::Session,
    stages::{clean, import},
};
use edgewright_dsp::{OutputShape, WindowSpec};
use edgewright_impulse::{DspBlock, Impulse, Window};
use std::time::Instant;

/// Longest window, in values.
const VALUES_MAX: usize = 1 << 22;

/// What to try.
#[derive(Clone, Debug)]
pub struct PreviewRequest {
    /// Name of the block, or the id of an external block of the project.
    pub block: String,
    /// Implementation version; the newest when left out.
    pub version: Option<u32>,
    /// Parameters; the others have their defaults.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Id of a sample.
    pub sample: String,
    /// Start of the window in ms.
    pub start_ms: f64,
    /// Length of the window in ms.
    pub window_ms: f64,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Shape of the features.
    pub shape: Vec<usize>,
    /// The features, flat.
    pub features: Vec<f32>,
    /// Seconds of one extraction on this machine.
    pub seconds: f64,
    /// Bytes of RAM on a device; `None` where the block is not emitted as C.
    pub ram: Option<Ram>,
    /// What it costs on each target of the project, by estimate; empty where the block is not emitted as C.
    pub targets: Vec<DspOnTarget>,
}

/// What a block needs on a device, beside the window itself and the stack. Exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ram {
    /// What it works in, with its features, in bytes.
    pub work: usize,
    /// What it keeps from window to window, in bytes.
    pub kept: usize,
}

/// Where the memory is laid out for; no block's memory depends on the core.
const CORE: &str = "cortex-m4f";

fn ram(block: DspBlock, window: Window) -> Option<Ram> {
    let impulse = Impulse { name: "block".into(), window, dsp: vec![block], learn: Vec::new() };
    let target = edgewright_compile::target::all().iter().find(|t| t.id == CORE)?;
    let work = edgewright_compile::layout(&impulse, target).ok()?.arena_bytes;
    Some(Ram { work, kept: 4 * impulse.state_len() })
}

/// Runs the block on the window, filled with zeros where the recording has ended. The recording is the cleaned one, as training sees it.
///
/// # Errors
/// [`EngineError::NotBuilt`] when the cleaned recordings are not up to date; [`EngineError::NotFound`] for a sample that is not among
/// them; [`EngineError::Data`] with the block's reason when it refuses the parameters or the window.
pub fn preview(session: &Session<'_>, request: &PreviewRequest) -> Result<Preview, EngineError> {
    let own = program::of(&session.project).into_iter().find(|p| p.id == request.block);
    if own.is_none() {
        dsp_tool::find(&request.block)?;
    }
    let bronze = import::run(session)?;
    let silver = clean::run(session, &bronze)?.value;
    let sample = silver
        .samples
        .iter()
        .find(|s| s.id == request.sample)
        .ok_or_else(|| EngineError::NotFound("this sample is not among the cleaned recordings".into()))?;
    let values = clean::SilverReader::open(session, &silver)?.values(sample)?;
    let (axes, rate_hz) = (silver.format.axes.len(), silver.format.rate_hz);
    let image = silver.format.image.map(|[width, height, _]| (width, height));
    let usage = |what: &str| EngineError::Usage(format!("`{what}` must be a number of ms that makes sense"));
    let frames_of = |ms: f64, what: &str| {
        let frames = (ms * rate_hz / 1000.0).round();
        if frames.is_finite() && (0.0..1e9).contains(&frames) {
            Ok(frames as usize)
        } else {
            Err(usage(what))
        }
    };
    let (start, frames) = match image {
        Some((width, height)) => (0, width * height),
        None if rate_hz > 0.0 => {
            (frames_of(request.start_ms, "start_ms")?, frames_of(request.window_ms, "window_ms")?.max(1))
        }
        None => (0, sample.frames),
    };
    if frames.saturating_mul(axes) > VALUES_MAX {
        return Err(usage("window_ms"));
    }
    let mut window: Vec<f32> = values.iter().skip(start * axes).take(frames * axes).copied().collect();
    window.resize(frames * axes, 0.0);
    let seen = Window {
        frames,
        stride: frames,
        rate_hz,
        axes: silver.format.axes.clone(),
        zero_pad: true,
        image,
        fit: silver.format.fit,
    };
    if let Some(own) = own {
        return with_program(session, &own, request, &seen, &window);
    }
    let info = dsp_tool::find(&request.block)?;
    let version = request.version.unwrap_or_else(|| info.versions.iter().copied().max().unwrap_or(1));
    let params = dsp_tool::to_params(request.params.clone())?;
    let spec = WindowSpec { rate_hz, axes, frames, image };
    let plan = edgewright_dsp::plan(info.name, version, &params, &spec).map_err(dsp_tool::refused)?;
    let mut scratch = vec![0.0; plan.scratch_len()];
    let mut features = vec![0.0; plan.output().len()];
    let begun = Instant::now();
    plan.extract(&window, &mut scratch, &mut features).map_err(dsp_tool::refused)?;
    let seconds = begun.elapsed().as_secs_f64();
    let all = (0..seen.axes.len()).collect();
    let block = DspBlock::new("block", info.name, version, params, all, &seen)?;
    let targets = crate::estimate::targets(&session.project, &[])?;
    let targets = targets.iter().filter_map(|t| dsp_on(&block, &seen, t)).collect();
    let ram = ram(block, seen);
    Ok(Preview { shape: sides(plan.output()), features, seconds, ram, targets })
}

fn sides(shape: OutputShape) -> Vec<usize> {
    match shape {
        OutputShape::Flat(n) => vec![n],
        OutputShape::Spectrogram { rows, columns } => vec![rows, columns],
        OutputShape::Image { height, width, channels } => vec![height, width, channels],
    }
}

/// The same with a block of a program of its own, which is asked.
fn with_program(
    session: &Session<'_>,
    program: &Program,
    request: &PreviewRequest,
    window: &Window,
    values: &[f32],
) -> Result<Preview, EngineError> {
    let parameters = serde_json::from_value(serde_json::Value::Object(request.params.clone()));
    let parameters = parameters.map_err(|e| EngineError::Usage(format!("`params`: {e}")))?;
    let program = program.trying(parameters);
    // Its start is no part of what an extraction takes.
    program.declared(session)?;
    let begun = Instant::now();
    let answer = program.try_window(session, window, values)?;
    let seconds = begun.elapsed().as_secs_f64();
    let features = answer.rows.into_iter().next().unwrap_or_default();
    Ok(Preview { shape: sides(answer.shape), features, seconds, ram: None, targets: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_dsp::Params;
    use edgewright_sample::Axis;

    #[test]
    fn memory_is_that_of_the_measured_table() {
        // Rows of docs/dsp-cost.md at default parameters.
        let table = include_str!("../../../docs/dsp-cost.md");
        for (block, frames, rate_hz, axes) in [
            ("raw", 125, 62.5, 3),
            ("flatten", 125, 62.5, 3),
            ("spectral_analysis", 125, 62.5, 3),
            ("mfcc", 16_000, 16_000.0, 1),
            ("hr", 500, 50.0, 4),
        ] {
            let row = table
                .lines()
                .find(|l| l.starts_with(&format!("| `{block}` |")) && l.contains("| float |"))
                .expect("a row");
            let told = row.split('|').nth(5).expect("a cell").trim();
            let window = Window {
                frames,
                stride: frames,
                rate_hz,
                axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
                zero_pad: true,
                image: None,
                fit: Default::default(),
            };
            let info = dsp_tool::find(block).expect("a block");
            let version = info.versions.iter().copied().max().expect("a version");
            let all = (0..axes).collect();
            let block =
                DspBlock::new("block", info.name, version, Params::new(), all, &window).expect("planned");
            let ram = ram(block.clone(), window).expect("laid out");
            let found = match ram.kept {
                0 => ram.work.to_string(),
                kept => format!("{} + {kept}", ram.work),
            };
            assert_eq!(found, told, "{}", block.block);
        }
    }
}
