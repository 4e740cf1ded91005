//! From a configuration to tables: every check happens here, nothing can fail later but the values themselves.

use crate::{
    Analysis, BlockInfo, CustomPlan, DspError, ExternalPlan, FeaturesPlan, FlattenPlan, HeartOptions,
    HeartPlan, ImagePlan, MelPlan, OutputShape, ParamKind, Params, RawPlan, SpectralPlan, SpectrogramPlan,
    Value, Variability, WindowSpec,
    audio_plan::{mel, spectrogram},
    block::Default,
    blocks,
    catalog::ARITH,
    custom::{custom, nearest},
    external::{EXTERNAL, external},
    features_plan::features,
    fixed::{FixedPlan, FixedSpectralPlan},
    spectral_plan::spectral,
    wide::any_not_finite,
};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// A block with its tables for one window.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "one variant per block")]
pub enum Plan {
    Raw(RawPlan),
    Flatten(FlattenPlan),
    Spectral(SpectralPlan),
    Spectrogram(SpectrogramPlan),
    Mel(MelPlan),
    Fixed(FixedPlan),
    FixedSpectral(Box<FixedSpectralPlan>),
    Image(ImagePlan),
    Heart(HeartPlan),
    Features(FeaturesPlan),
    Custom(CustomPlan),
    External(ExternalPlan),
}

/// Configured parameters over the declared defaults.
pub(crate) struct Reader<'a> {
    pub(crate) info: &'static BlockInfo,
    params: &'a Params,
}

impl Reader<'_> {
    /// Refuses names that are not declared and values outside their range.
    pub(crate) fn check(&self) -> Result<(), DspError> {
        for (name, value) in self.params {
            let Some(info) = self.info.params.iter().find(|p| p.name == name) else {
                if name == ARITH.name && show(value) == FLOAT {
                    continue;
                }
                let known: Vec<&str> = self.info.params.iter().map(|p| p.name).collect();
                let meant = nearest(name, known.iter().copied());
                return Err(DspError::new(
                    "unknown_parameter",
                    format!(
                        "block `{}` has no parameter `{name}`; {}it has {}",
                        self.info.name,
                        meant.map_or(String::new(), |n| format!("did you mean `{n}`? ")),
                        known.join(", ")
                    ),
                ));
            };
            let refuse = |expected: String| {
                Err(DspError::new(
                    "parameter_range",
                    format!("`{name}` is {}; it must be {expected}", show(value)),
                ))
            };
            match (info.kind, value) {
                (ParamKind::Float { min, max }, Value::Number(v)) => {
                    if !(*v >= min && *v <= max) {
                        return refuse(format!("from {min} to {max}"));
                    }
                }
                (ParamKind::Int { min, max }, Value::Number(v)) => {
                    if libm::floor(*v) != *v || !(*v >= min as f64 && *v <= max as f64) {
                        return refuse(format!("a whole number from {min} to {max}"));
                    }
                }
                (ParamKind::Bool, Value::Bool(_)) | (ParamKind::Text, Value::Text(_)) => {}
                (ParamKind::Select(choices), value) => {
                    let text = show(value);
                    if !choices.contains(&text.as_str()) {
                        let kind = match info.name {
                            "input_decimation_ratio" => "decimation_ratio_unsupported",
                            "wavelet" => "unknown_wavelet",
                            _ => "parameter_range",
                        };
                        return Err(DspError::new(
                            kind,
                            format!("`{name}` is {text}; it must be one of {}", choices.join(", ")),
                        ));
                    }
                }
                (ParamKind::Bool, _) => return refuse("true or false".into()),
                (ParamKind::Text, _) => return refuse("a text".into()),
                _ => return refuse("a number".into()),
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Value {
        if let Some(v) = self.params.get(name) {
            return v.clone();
        }
        match self.info.params.iter().find(|p| p.name == name).map(|p| p.default) {
            Some(Default::Number(n)) => Value::Number(n),
            Some(Default::Bool(b)) => Value::Bool(b),
            Some(Default::Text(t)) => Value::Text(t.into()),
            None => Value::Number(0.0),
        }
    }
    pub(crate) fn number(&self, name: &str) -> f64 {
        if let Value::Number(n) = self.value(name) { n } else { 0.0 }
    }
    pub(crate) fn count(&self, name: &str) -> usize {
        self.number(name).max(0.0) as usize
    }
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Value::Bool(true))
    }
    pub(crate) fn text(&self, name: &str) -> String {
        show(&self.value(name))
    }
    /// Whether the block computes in integers.
    pub(crate) fn fixed(&self) -> bool {
        self.text(ARITH.name) == FIXED
    }
    /// Refuses integers where the block or its version has none.
    fn check_arithmetic(&self, version: u32) -> Result<(), DspError> {
        if self.params.get(ARITH.name).map(show).as_deref() != Some(FIXED) {
            return Ok(());
        }
        let name = self.info.name;
        match self.info.params.iter().find(|p| p.name == ARITH.name) {
            None => refuse(
                "fixed_point_unavailable",
                format!("block `{name}` computes in floats alone; set `{}` to {FLOAT}", ARITH.name),
            ),
            Some(info) if !info.versions.contains(&version) => refuse(
                "fixed_point_unavailable",
                format!(
                    "version {version} of `{name}` computes in floats alone; set `{}` to {FLOAT}, or take version {} or newer",
                    ARITH.name, info.versions[0]
                ),
            ),
            Some(_) => Ok(()),
        }
    }
}

/// Arithmetics, as `arith` names them.
const FLOAT: &str = "float";
const FIXED: &str = "fixed";

fn show(value: &Value) -> String {
    match value {
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Text(t) => t.clone(),
    }
}

pub(crate) fn refuse<T>(kind: &'static str, message: String) -> Result<T, DspError> {
    Err(DspError::new(kind, message))
}

/// Plans a block for a window.
///
/// # Errors
/// [`DspError`] with the slug of the reason; the sentence names the parameter.
pub fn plan(block: &str, version: u32, params: &Params, window: &WindowSpec) -> Result<Plan, DspError> {
    if block == EXTERNAL {
        return external(params, window);
    }
    let Some(info) = blocks().iter().find(|b| b.name == block) else {
        let known: Vec<&str> = blocks().iter().map(|b| b.name).collect();
        return refuse(
            "unknown_block",
            format!("there is no block `{block}`; there are {}", known.join(", ")),
        );
    };
    if !info.versions.contains(&version) {
        return refuse(
            "unsupported_version",
            format!(
                "block `{block}` has no version {version}; the newest is {}",
                info.versions[info.versions.len() - 1]
            ),
        );
    }
    let p = Reader { info, params };
    let audio = matches!(block, "mfcc" | "mfe" | "spectrogram" | "audio_syntiant");
    p.check_arithmetic(version)?;
    if block != "spectral_analysis" {
        p.check()?;
    }
    if window.axes == 0 || window.frames == 0 {
        return refuse("empty_input", "the window is empty; it needs at least one axis and one frame".into());
    }
    if audio && window.axes > 1 {
        return refuse(
            "more_than_one_axis",
            format!("block `{block}` takes one axis, the window has {}; select one with `axes`", window.axes),
        );
    }
    if (audio || block == "spectral_analysis") && window.rate_hz <= 0.0 {
        return refuse("rate", format!("block `{block}` needs a sampling rate"));
    }
    match block {
        "raw" => {
            Ok(Plan::Raw(RawPlan { scale: p.number("scale_axes") as f32, len: window.axes * window.frames }))
        }
        "imu_syntiant" => {
            // Twice the standard gravity.
            let scale = if p.flag("scaling") { 1.0 / (2.0 * 9.80665) } else { 1.0 };
            Ok(Plan::Raw(RawPlan { scale: scale as f32, len: window.axes * window.frames }))
        }
        "flatten" => {
            let moving = p.count("moving_avg_num_windows");
            let names = ["average", "minimum", "maximum", "rms", "stdev", "skewness", "kurtosis"];
            let wanted = names.map(|n| p.flag(n));
            if moving == 0 && !wanted.contains(&true) {
                return refuse(
                    "no_feature",
                    "every statistic is switched off; switch at least one on".into(),
                );
            }
            Ok(Plan::Flatten(FlattenPlan {
                scale: p.number("scale_axes") as f32,
                frames: window.frames,
                axes: window.axes,
                wanted,
                moving,
            }))
        }
        "image" => image(&p, window),
        "signal_features" => features(&p, window),
        "custom" => custom(&p, window),
        "hr" => {
            let options = HeartOptions {
                ecg: p.text("ppg_ecg") == "ecg",
                preset: p.count("filter_preset"),
                rate_window_s: p.number("hr_win_size_s"),
                sensitivity: p.number("sensitivity"),
                resting: p.number("acc_resting_std"),
                variability: p.text("hrv_features"),
                include_rate: p.flag("include_hr"),
                update_s: p.count("hrv_update_interval_s"),
                variability_window_s: p.count("hrv_win_size_s"),
            };
            Ok(Plan::Heart(HeartPlan::new(window, &options)?))
        }
        "spectral_analysis" => spectral(&p, version, window),
        "spectrogram" => spectrogram(&p, version, window),
        "audio_syntiant" if window.rate_hz != 16000.0 => {
            refuse("rate", format!("block `{block}` takes 16000 Hz, the window has {} Hz", window.rate_hz))
        }
        // The chip's own extraction is not public; this is version 4 of MFE with its settings.
        "audio_syntiant" => mel(&p, 4, window),
        _ => mel(&p, version, window),
    }
}

fn image(p: &Reader<'_>, window: &WindowSpec) -> Result<Plan, DspError> {
    let Some((width, height)) = window.image else {
        return refuse("no_image", "the image block needs pictures; set `impulse.image`".into());
    };
    if width * height != window.frames || !matches!(window.axes, 1 | 3) {
        return refuse("no_image", format!("{width}x{height} with {} channels is no picture", window.axes));
    }
    let out_channels = if p.text("channels") == "RGB" { 3 } else { 1 };
    Ok(Plan::Image(ImagePlan { height, width, in_channels: window.axes, out_channels }))
}

/// The first value that is no number. Many at once are looked at, and one by one only where one of them is none.
pub(crate) fn not_finite(values: &[f32]) -> Option<usize> {
    let part = values.chunks(256).position(any_not_finite)?;
    values[256 * part..].iter().position(|v| !v.is_finite()).map(|at| 256 * part + at)
}

impl Plan {
    /// Arrangement of the features.
    pub fn output(&self) -> OutputShape {
        match self {
            Self::Raw(p) => OutputShape::Flat(p.len),
            Self::Heart(p) => OutputShape::Flat(p.len()),
            Self::Features(p) => OutputShape::Flat(p.features()),
            Self::Custom(p) => OutputShape::Flat(p.names.len()),
            Self::External(p) => p.shape,
            Self::Flatten(p) => OutputShape::Flat(p.axes * p.per_axis()),
            Self::Spectral(p) => OutputShape::Flat(p.features()),
            Self::FixedSpectral(p) => OutputShape::Flat(p.spectral.features()),
            Self::Spectrogram(p) => OutputShape::Spectrogram { rows: p.framing.rows, columns: p.columns() },
            Self::Mel(p) => OutputShape::Spectrogram { rows: p.framing.rows, columns: p.columns() },
            Self::Fixed(p) => OutputShape::Spectrogram { rows: p.framing.rows, columns: p.columns() },
            Self::Image(p) => {
                OutputShape::Image { height: p.height, width: p.width, channels: p.out_channels }
            }
        }
    }

    /// Values in a window.
    pub fn window_len(&self) -> usize {
        match self {
            Self::Raw(p) => p.len,
            Self::Heart(p) => p.frames * p.axes,
            Self::Features(p) => p.frames * p.axes,
            Self::Custom(p) => p.frames * p.axes,
            Self::External(p) => p.frames * p.axes,
            Self::Flatten(p) => p.frames * p.axes,
            Self::Spectral(p) => p.frames * p.axes,
            Self::FixedSpectral(p) => p.spectral.frames * p.spectral.axes,
            Self::Spectrogram(p) => p.framing.samples,
            Self::Mel(p) => p.framing.samples,
            Self::Fixed(p) => p.framing.samples,
            Self::Image(p) => p.height * p.width * p.in_channels,
        }
    }

    /// Floats (or words of 32 bits) of scratch that [`Plan::extract`] needs.
    pub fn scratch_len(&self) -> usize {
        match self {
            Self::Raw(_) | Self::Image(_) | Self::External(_) => 0,
            Self::Flatten(p) => p.scratch_len(),
            Self::Heart(p) => p.scratch_len(),
            Self::Features(p) => p.scratch_len(),
            Self::Custom(p) => p.scratch,
            Self::Spectral(p) => p.scratch_len(),
            Self::FixedSpectral(p) => p.scratch_len(),
            Self::Spectrogram(p) => p.scratch_len(),
            Self::Mel(p) => p.scratch_len(),
            Self::Fixed(p) => p.scratch_len(),
        }
    }

    /// Floats of scratch with which [`Plan::extract`] is fastest on a processor with vectors: several frames at once.
    pub fn wide_scratch_len(&self) -> usize {
        match self {
            Self::Spectrogram(p) => p.wide_scratch_len(),
            Self::Mel(p) => p.wide_scratch_len(),
            _ => self.scratch_len(),
        }
    }

    /// Floats that [`Plan::extract_next`] keeps from window to window; all are 0 before the first.
    pub fn state_len(&self) -> usize {
        match self {
            Self::Flatten(p) => p.state_len(),
            Self::Heart(p) => p.state_len(),
            _ => 0,
        }
    }

    /// Computes the features of a window of `frames * axes` values, row-major, that follows no other.
    ///
    /// # Errors
    /// `length` when a slice has another length than planned, `not_finite` when a value is no number.
    pub fn extract(&self, window: &[f32], scratch: &mut [f32], features: &mut [f32]) -> Result<(), DspError> {
        self.extract_next(window, &mut vec![0.0; self.state_len()], scratch, features)
    }

    /// Computes the features of the window that follows the one which left this state. A refused window leaves the
    /// state as it was.
    ///
    /// # Errors
    /// As [`Plan::extract`].
    pub fn extract_next(
        &self,
        window: &[f32],
        state: &mut [f32],
        scratch: &mut [f32],
        features: &mut [f32],
    ) -> Result<(), DspError> {
        for (what, have, need, exact) in [
            ("window", window.len(), self.window_len(), true),
            ("state", state.len(), self.state_len(), true),
            ("scratch", scratch.len(), self.scratch_len(), false),
            ("features", features.len(), self.output().len(), true),
        ] {
            if have < need || (exact && have != need) {
                return refuse("length", format!("the {what} has {have} values, {need} are needed"));
            }
        }
        let bad = match self {
            Self::Custom(p) => p.not_finite(window),
            _ => not_finite(window),
        };
        if let Some(at) = bad {
            return refuse("not_finite", format!("value {at} of the window is {}", window[at]));
        }
        match self {
            Self::Raw(p) => p.extract(window, features),
            Self::Flatten(p) => p.extract(window, state, scratch, features),
            Self::Heart(p) => p.extract(window, state, scratch, features),
            Self::Features(p) => p.extract(window, scratch, features),
            Self::Custom(p) => p.extract(window, scratch, features),
            Self::External(_) => {
                return refuse(
                    "external",
                    "a program of its own computes this block; it does not run here".into(),
                );
            }
            Self::Spectral(p) => p.extract(window, scratch, features),
            Self::FixedSpectral(p) => p.extract(window, features),
            Self::Spectrogram(p) => p.extract(window, scratch, features),
            Self::Mel(p) => p.extract(window, scratch, features),
            Self::Fixed(p) => p.extract(window, features),
            Self::Image(p) => p.extract(window, features),
        }
        Ok(())
    }

    /// One name per feature.
    pub fn names(&self, axes: &[&str]) -> Vec<String> {
        let per_axis = |names: Vec<String>| -> Vec<String> {
            axes.iter().flat_map(|a| names.iter().map(move |n| format!("{a} {n}"))).collect()
        };
        match self {
            Self::Heart(p) => p.names(),
            Self::Flatten(p) => {
                let all = ["Average", "Minimum", "Maximum", "RMS", "Stdev", "Skewness", "Kurtosis"];
                let wanted = all.iter().zip(p.wanted).filter(|(_, w)| *w).map(|(n, _)| (*n).into());
                let moving = (p.moving > 0).then(|| "Moving Average".into());
                per_axis(wanted.chain(moving).collect())
            }
            Self::Features(p) => p.names(axes),
            Self::Custom(p) => p.names.clone(),
            Self::External(p) => p.names.clone(),
            Self::Spectral(p) => p.names(axes),
            Self::FixedSpectral(p) => p.spectral.names(axes),
            Self::Spectrogram(_) | Self::Mel(_) | Self::Fixed(_) => match self.output() {
                OutputShape::Spectrogram { rows, columns } => (0..rows * columns)
                    .map(|i| format!("frame {} value {}", i / columns, i % columns))
                    .collect(),
                _ => vec![],
            },
            Self::Raw(p) => (0..p.len)
                .map(|i| match axes {
                    [] => format!("value {i}"),
                    axes if p.len == axes.len() => axes[i].to_string(),
                    axes => format!("{} {}", axes[i % axes.len()], i / axes.len()),
                })
                .collect(),
            Self::Image(p) => {
                (0..p.height * p.width * p.out_channels).map(|i| format!("pixel {i}")).collect()
            }
        }
    }

    /// Lengths of the Fourier transforms in use.
    pub fn fft_lengths(&self) -> Vec<usize> {
        match self {
            Self::Spectral(p) => match &p.analysis {
                Analysis::Spectrum(s) => vec![s.fft.n],
                Analysis::Peaks(p) => vec![p.fft.n],
                Analysis::Wavelet(_) => vec![],
            },
            Self::Features(p) => p.spectrum.iter().map(|s| s.fft.n).collect(),
            Self::Custom(p) => p.transforms(),
            Self::Spectrogram(p) => vec![p.fft.n],
            Self::Mel(p) => vec![p.fft.n],
            Self::Fixed(p) => vec![p.fft.n],
            Self::FixedSpectral(p) => vec![p.fft.n],
            Self::Heart(p) => match &p.variability {
                Variability::All(plan) => vec![plan.fft.n],
                _ => vec![],
            },
            _ => vec![],
        }
    }
}
