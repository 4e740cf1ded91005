//! Audio in slices as they arrive: the features of the whole window ([`Stream`]), or those of the reference's
//! continuous mode on the device ([`Continuous`]), which differ at the borders of slices.

use crate::{
    DspError, FixedPlan, Framing, MelPlan, Params, Plan, SpectrogramPlan, SpectrogramVariant, Value,
    WindowSpec,
    audio::{LOUD, beyond_unit},
    plan,
    plan::not_finite,
};
use alloc::{format, vec, vec::Vec};

/// A block that works on frames.
#[derive(Clone, Debug, PartialEq)]
enum Frames {
    Spectrogram(SpectrogramPlan),
    Mel(MelPlan),
    Fixed(FixedPlan),
}

impl Frames {
    fn of(plan: Plan) -> Result<Self, DspError> {
        match plan {
            Plan::Spectrogram(p) => Ok(Self::Spectrogram(p)),
            Plan::Mel(p) => Ok(Self::Mel(p)),
            Plan::Fixed(p) => Ok(Self::Fixed(p)),
            _ => Err(DspError::new("no_stream", "only spectrogram, MFE and MFCC take slices")),
        }
    }
    fn framing(&self) -> &Framing {
        match self {
            Self::Spectrogram(p) => &p.framing,
            Self::Mel(p) => &p.framing,
            Self::Fixed(p) => &p.framing,
        }
    }
    fn fft(&self) -> usize {
        match self {
            Self::Spectrogram(p) => p.fft.n,
            Self::Mel(p) => p.fft.n,
            Self::Fixed(p) => p.fft.n,
        }
    }
    fn columns(&self) -> usize {
        match self {
            Self::Spectrogram(p) => p.columns(),
            Self::Mel(p) => p.columns(),
            Self::Fixed(p) => p.columns(),
        }
    }
    fn scratch_len(&self) -> usize {
        match self {
            Self::Spectrogram(p) => p.scratch_len(),
            Self::Mel(p) => p.scratch_len(),
            Self::Fixed(p) => p.scratch_len(),
        }
    }
    /// Values of frame `row` of the window that `sample` gives by index.
    fn frame(&self, sample: impl Fn(usize) -> f32, row: usize, scratch: &mut [f32], out: &mut [f32]) {
        if let Self::Fixed(p) = self {
            return p.row(sample, row, &mut p.work(), out);
        }
        self.framing().frame::<1>(sample, row, 0, scratch[..self.fft()].as_chunks_mut().0);
        self.row(scratch, out);
    }
    fn row(&self, scratch: &mut [f32], out: &mut [f32]) {
        match self {
            Self::Spectrogram(p) => p.row(scratch, out),
            Self::Mel(p) => p.row(scratch, out),
            Self::Fixed(_) => unreachable!("continuous mode refuses it"),
        }
    }
    fn finish(&self, features: &mut [f32], loud: bool, scratch: &mut [f32]) {
        match self {
            Self::Spectrogram(p) => p.finish(features, loud),
            Self::Mel(p) => p.finish(features, scratch),
            Self::Fixed(p) => p.finish(features, loud, &mut p.work()),
        }
    }
}

fn finite(slice: &[f32]) -> Result<(), DspError> {
    match not_finite(slice) {
        Some(at) => Err(DspError::new("not_finite", format!("value {at} of the slice is {}", slice[at]))),
        None => Ok(()),
    }
}

/// One window in slices; the features are those of [`Plan::extract`], bit for bit.
///
/// Only what later frames need is kept: pre-emphasis reaches from the window's beginning to its end, so the first
/// frames wait for the last slice.
#[derive(Clone, Debug)]
pub struct Stream {
    frames: Frames,
    /// Samples of the frames that wait for the end of the window.
    head: Vec<f32>,
    /// Frames that wait.
    waiting: usize,
    /// Samples from index `base` on.
    recent: Vec<f32>,
    base: usize,
    next: usize,
    loud: bool,
    features: Vec<f32>,
    scratch: Vec<f32>,
}

impl Stream {
    /// # Errors
    /// `no_stream` for a block that does not work on frames.
    pub fn new(plan: Plan) -> Result<Self, DspError> {
        let frames = Frames::of(plan)?;
        let f = frames.framing();
        let waiting = if f.emphasis == 0.0 { 0 } else { f.shift.div_ceil(f.stride).min(f.rows) };
        Ok(Self {
            head: Vec::new(),
            waiting,
            recent: Vec::new(),
            base: 0,
            next: waiting,
            loud: false,
            features: vec![0.0; f.rows * frames.columns()],
            scratch: vec![0.0; frames.scratch_len()],
            frames,
        })
    }

    /// Takes the next samples; the features once the window is whole.
    ///
    /// # Errors
    /// `not_finite`; `length` when more samples come than the window has.
    pub fn push(&mut self, slice: &[f32]) -> Result<Option<&[f32]>, DspError> {
        finite(slice)?;
        let Self { frames, head, recent, scratch, features, .. } = self;
        let f = frames.framing();
        let seen = self.base + recent.len() + slice.len();
        if seen > f.samples {
            return Err(DspError::new("length", format!("{seen} samples for a window of {}", f.samples)));
        }
        self.loud |= slice.iter().any(|x| beyond_unit(*x));
        recent.extend_from_slice(slice);
        let columns = frames.columns();
        let head_len = if self.waiting == 0 { 0 } else { (self.waiting - 1) * f.stride + f.used };
        if head.len() < head_len {
            // Nothing was dropped yet from what the head still lacks: the slice is the end of `recent`.
            let want = (head_len - head.len()).min(slice.len());
            head.extend_from_slice(&slice[..want]);
        }
        let mut row = |row: usize, base: usize, recent: &[f32], head: &[f32]| {
            let sample = |i: usize| if i >= base { recent[i - base] } else { head[i] };
            frames.frame(sample, row, scratch, &mut features[row * columns..(row + 1) * columns]);
        };
        while self.next < f.rows && self.next * f.stride + f.used <= seen {
            row(self.next, self.base, recent, head);
            self.next += 1;
        }
        let keep = (self.next * f.stride).min(seen).saturating_sub(f.shift);
        if keep > self.base {
            recent.drain(..keep - self.base);
            self.base = keep;
        }
        if seen < f.samples {
            return Ok(None);
        }
        for waiting in 0..self.waiting {
            row(waiting, self.base, recent, head);
        }
        self.waiting = 0;
        frames.finish(features, self.loud, scratch);
        Ok(Some(features))
    }
}

/// The reference's continuous mode on the device: a rolling window of feature rows, normalised anew for each slice.
///
/// Pre-emphasis is circular within the slice, frame and stride are truncated to whole samples, and what is left of a
/// slice goes before the next one.
#[derive(Clone, Debug)]
pub struct Continuous {
    frames: Frames,
    slice: usize,
    length: usize,
    stride: usize,
    /// Samples after pre-emphasis that no frame has consumed.
    carry: Vec<f32>,
    rows: Vec<f32>,
    /// Rows written so far, up to a window of them.
    filled: usize,
}

impl Continuous {
    /// For `block` (`spectrogram`, `mfe`, `mfcc`), slices of `slice` samples and a window of `window` samples. Version 1
    /// counts as 2.
    ///
    /// # Errors
    /// As [`plan`]; `fixed_point_unavailable`, `slice_shorter_than_frame`, `frame_shorter_than_stride`.
    pub fn new(
        block: &str,
        version: u32,
        params: &Params,
        rate_hz: f64,
        slice: usize,
        window: usize,
    ) -> Result<Self, DspError> {
        let spec = WindowSpec { rate_hz, axes: 1, frames: window, image: None };
        let version = if version == 1 { 2 } else { version };
        let mut frames = Frames::of(plan(block, version, params, &spec)?)?;
        if matches!(frames, Frames::Fixed(_)) {
            return Err(DspError::new(
                "fixed_point_unavailable",
                "continuous mode takes the pre-emphasis of a slice in floats; set `arith` to float",
            ));
        }
        let default = if block == "mfcc" { 0.02 } else { 0.01 };
        let samples = |name: &str, default: f64| match params.get(name) {
            Some(Value::Number(n)) => (rate_hz * n) as usize,
            _ => (rate_hz * default) as usize,
        };
        let (length, stride) = (samples("frame_length", 0.02), samples("frame_stride", default));
        if stride == 0 || length < stride {
            return Err(DspError::new(
                "frame_shorter_than_stride",
                format!(
                    "a frame of {length} samples every {stride}; in slices it must be at least as long as the stride"
                ),
            ));
        }
        if slice < length {
            return Err(DspError::new(
                "slice_shorter_than_frame",
                format!("a slice of {slice} samples is shorter than a frame of {length}"),
            ));
        }
        let fft = frames.fft();
        let framing = match &mut frames {
            Frames::Spectrogram(p) => &mut p.framing,
            Frames::Mel(p) => &mut p.framing,
            Frames::Fixed(p) => &mut p.framing,
        };
        framing.used = length.min(fft);
        framing.stride = stride;
        let rows = vec![0.0; frames.framing().rows * frames.columns()];
        Ok(Self { frames, slice, length, stride, carry: Vec::new(), rows, filled: 0 })
    }

    /// Takes a slice; the features of the window once it is full.
    ///
    /// # Errors
    /// `length` for a slice of another length, `not_finite`.
    pub fn push(&mut self, slice: &[f32]) -> Result<Option<Vec<f32>>, DspError> {
        if slice.len() != self.slice {
            return Err(DspError::new(
                "length",
                format!("a slice of {} samples, {} are needed", slice.len(), self.slice),
            ));
        }
        finite(slice)?;
        let f = self.frames.framing();
        let shift = f.shift % slice.len();
        self.carry.extend((0..slice.len()).map(|i| {
            let back = if i >= shift { i - shift } else { i + slice.len() - shift };
            let x = slice[i] * f.scale;
            if f.emphasis == 0.0 { x } else { x - f.emphasis * (slice[back] * f.scale) }
        }));
        let columns = self.frames.columns();
        let count = (self.carry.len() - (self.length - self.stride)) / self.stride;
        let mut scratch = vec![0.0; self.frames.scratch_len()];
        let mut row = vec![0.0; columns];
        for r in 0..count {
            let frame = &self.carry[r * self.stride..r * self.stride + self.length];
            let input = &mut scratch[..self.frames.fft()];
            input.fill(0.0);
            input[..f.used].copy_from_slice(&frame[..f.used]);
            self.frames.row(&mut scratch, &mut row);
            // Version 3 of the spectrogram decides frame by frame here.
            if let Frames::Spectrogram(SpectrogramPlan { variant: SpectrogramVariant::Capped, .. }) =
                &self.frames
                && frame.iter().any(|x| beyond_unit(*x))
            {
                row.iter_mut().for_each(|v| *v *= LOUD);
            }
            self.rows.copy_within(columns.., 0);
            let at = self.rows.len() - columns;
            self.rows[at..].copy_from_slice(&row);
        }
        self.carry.drain(..count * self.stride);
        self.filled = (self.filled + count).min(f.rows);
        if self.filled < f.rows {
            return Ok(None);
        }
        let mut features = self.rows.clone();
        self.frames.finish(&mut features, false, &mut scratch);
        Ok(Some(features))
    }
}
