//! From a configuration to tables: every check happens here, nothing can fail later but the values themselves.

use crate::{
    Analysis, BlockInfo, DspError, FlattenPlan, Framing, HeartOptions, HeartPlan, ImagePlan, MelBank,
    MelPlan, MelVariant, OutputShape, ParamKind, Params, RawPlan, RealFft, SpectralPlan, SpectrogramPlan,
    SpectrogramVariant, Value, Variability, WindowSpec, block::Default, blocks, spectral_plan::spectral,
};
use alloc::{
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
    Image(ImagePlan),
    Heart(HeartPlan),
}

/// Configured parameters over the declared defaults.
pub(crate) struct Reader<'a> {
    info: &'static BlockInfo,
    params: &'a Params,
}

impl Reader<'_> {
    /// Refuses names that are not declared and values outside their range.
    pub(crate) fn check(&self) -> Result<(), DspError> {
        for (name, value) in self.params {
            let Some(info) = self.info.params.iter().find(|p| p.name == name) else {
                let known: Vec<&str> = self.info.params.iter().map(|p| p.name).collect();
                return Err(DspError::new(
                    "unknown_parameter",
                    format!(
                        "block `{}` has no parameter `{name}`; it has {}",
                        self.info.name,
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
}

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

/// The smallest whole number not below `v`, but for what lies within a thousandth above one.
fn near_ceil(v: f64) -> usize {
    let floor = libm::floor(v);
    (if v - floor < 0.001 { floor } else { libm::ceil(v) }) as usize
}

fn half_even(v: f64) -> usize {
    let floor = libm::floor(v);
    let part = v - floor;
    let up = part > 0.5 || (part == 0.5 && floor as u64 % 2 == 1);
    floor as usize + usize::from(up)
}

pub(crate) fn power_of_two(p: &Reader<'_>) -> Result<usize, DspError> {
    let n = p.count("fft_length");
    if n < 4 || !n.is_power_of_two() {
        let near = n.next_power_of_two().max(4);
        return refuse(
            "fft_length_not_power_of_two",
            format!("`fft_length` is {n}; it must be a power of two such as {near}"),
        );
    }
    Ok(n)
}

fn framing(p: &Reader<'_>, version: u32, window: &WindowSpec, fft: usize) -> Result<Framing, DspError> {
    let (length_s, stride_s) = (p.number("frame_length"), p.number("frame_stride"));
    let n = window.frames;
    let stride = near_ceil(window.rate_hz * stride_s);
    if stride == 0 {
        return refuse(
            "stride_below_4_samples",
            format!("`frame_stride` of {stride_s} s is less than one sample"),
        );
    }
    let (length, rows) = if version >= 2 {
        let length = near_ceil(window.rate_hz * length_s);
        // Signed: a stride longer than the frame reaches beyond the window by less than it skips.
        let free = n as i64 - (length as i64 - stride as i64);
        (length, if free < 0 { 0 } else { free as usize / stride })
    } else {
        let length = half_even(window.rate_hz * length_s);
        (length, n.saturating_sub(length) / stride)
    };
    // The last frame must lie in the window, also when the stride is longer than a frame.
    if rows < 1 || length > n || (rows - 1) * stride + length > n {
        return refuse(
            "frame_longer_than_window",
            format!(
                "a frame of {length} samples every {stride} does not fit a window of {n}; shorten `frame_length` or lengthen the window"
            ),
        );
    }
    if rows > 500 {
        return refuse(
            "more_than_500_frames",
            format!("the window gives {rows} frames; lengthen `frame_stride` so that it gives at most 500"),
        );
    }
    Ok(Framing { samples: n, used: length.min(fft), stride, rows, scale: 1.0, emphasis: 0.0, shift: 1 })
}

fn spectrogram(p: &Reader<'_>, version: u32, window: &WindowSpec) -> Result<Plan, DspError> {
    let n = power_of_two(p)?;
    for (name, kind) in
        [("frame_length", "frame_below_4_samples"), ("frame_stride", "stride_below_4_samples")]
    {
        let samples = window.rate_hz * p.number(name);
        if samples < 4.0 {
            return refuse(
                kind,
                format!(
                    "`{name}` is {samples:.1} samples; it must be at least 4 ({} s)",
                    4.0 / window.rate_hz
                ),
            );
        }
    }
    let variant = match version {
        1 | 2 => SpectrogramVariant::MinMax,
        3 => SpectrogramVariant::Capped,
        _ => SpectrogramVariant::Decibel,
    };
    Ok(Plan::Spectrogram(SpectrogramPlan {
        framing: framing(p, version, window, n)?,
        fft: RealFft::new(n),
        variant,
        floor: p.number("noise_floor_db") as f32,
    }))
}

fn mel(p: &Reader<'_>, version: u32, window: &WindowSpec) -> Result<Plan, DspError> {
    let filters = p.count("num_filters");
    if filters < 2 {
        return refuse("num_filters_below_2", format!("`num_filters` is {filters}; it must be at least 2"));
    }
    let n = power_of_two(p)?;
    let cepstral = p.info.name == "mfcc";
    let rows = p.count("win_size");
    let normalised = cepstral || version <= 2;
    if normalised && rows != 0 && rows.is_multiple_of(2) {
        return refuse(
            "cmvn_window_even",
            format!("`win_size` is {rows}; it must be odd, such as {}", rows + 1),
        );
    }
    let mut framing = framing(p, version, window, n)?;
    let bank = MelBank::new(
        filters,
        n,
        window.rate_hz,
        p.number("low_frequency"),
        p.number("high_frequency"),
        version >= 4,
    )?;
    let variant = if cepstral {
        let shift = p.number("pre_shift");
        if shift < 1.0 {
            return refuse(
                "pre_shift_not_positive",
                format!("`pre_shift` is {shift}; it must be at least 1"),
            );
        }
        let coefficients = p.count("num_cepstral");
        if coefficients > filters {
            return refuse(
                "num_cepstral_above_filters",
                format!("`num_cepstral` is {coefficients}; it can be at most `num_filters` ({filters})"),
            );
        }
        framing.emphasis = p.number("pre_cof") as f32;
        framing.shift = shift as usize % framing.samples;
        let m = filters as f64;
        let dct = (0..coefficients)
            .flat_map(|k| {
                let s = libm::sqrt(if k == 0 { 1.0 } else { 2.0 } / m);
                (0..filters).map(move |i| {
                    (s * libm::cos(core::f64::consts::PI * k as f64 * (2 * i + 1) as f64 / (2.0 * m))) as f32
                })
            })
            .collect();
        MelVariant::Cepstral { coefficients, dct, window: rows }
    } else if version >= 3 {
        framing.scale = 1.0 / 32768.0;
        framing.emphasis = if p.info.name == "audio_syntiant" { p.number("pre_cof") as f32 } else { 0.98 };
        MelVariant::Quantised { floor: p.number("noise_floor_db") as f32 }
    } else {
        MelVariant::Normalised { window: rows.max(1) }
    };
    Ok(Plan::Mel(MelPlan { framing, fft: RealFft::new(n), bank, variant }))
}

impl Plan {
    /// Arrangement of the features.
    pub fn output(&self) -> OutputShape {
        match self {
            Self::Raw(p) => OutputShape::Flat(p.len),
            Self::Heart(p) => OutputShape::Flat(p.len()),
            Self::Flatten(p) => OutputShape::Flat(p.axes * p.per_axis()),
            Self::Spectral(p) => OutputShape::Flat(p.features()),
            Self::Spectrogram(p) => OutputShape::Spectrogram { rows: p.framing.rows, columns: p.columns() },
            Self::Mel(p) => OutputShape::Spectrogram { rows: p.framing.rows, columns: p.columns() },
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
            Self::Flatten(p) => p.frames * p.axes,
            Self::Spectral(p) => p.frames * p.axes,
            Self::Spectrogram(p) => p.framing.samples,
            Self::Mel(p) => p.framing.samples,
            Self::Image(p) => p.height * p.width * p.in_channels,
        }
    }

    /// Floats of scratch that [`Plan::extract`] needs.
    pub fn scratch_len(&self) -> usize {
        match self {
            Self::Raw(_) | Self::Image(_) => 0,
            Self::Flatten(p) => p.scratch_len(),
            Self::Heart(p) => p.scratch_len(),
            Self::Spectral(p) => p.scratch_len(),
            Self::Spectrogram(p) => p.scratch_len(),
            Self::Mel(p) => p.scratch_len(),
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
        if let Some(at) = window.iter().position(|v| !v.is_finite()) {
            return refuse("not_finite", format!("value {at} of the window is {}", window[at]));
        }
        match self {
            Self::Raw(p) => p.extract(window, features),
            Self::Flatten(p) => p.extract(window, state, scratch, features),
            Self::Heart(p) => p.extract(window, state, scratch, features),
            Self::Spectral(p) => p.extract(window, scratch, features),
            Self::Spectrogram(p) => p.extract(window, scratch, features),
            Self::Mel(p) => p.extract(window, scratch, features),
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
            Self::Spectral(p) => p.names(axes),
            Self::Spectrogram(_) | Self::Mel(_) => match self.output() {
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
            Self::Spectrogram(p) => vec![p.fft.n],
            Self::Mel(p) => vec![p.fft.n],
            Self::Heart(p) => match &p.variability {
                Variability::All(plan) => vec![plan.fft.n],
                _ => vec![],
            },
            _ => vec![],
        }
    }
}
