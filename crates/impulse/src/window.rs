//! How a recording is cut into windows.

use edgewright_dsp::WindowSpec;
use edgewright_sample::{Axis, Fit};
use serde::{Deserialize, Serialize};

/// Size and step of the windows, and what a window holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Frames in a window, at least 1.
    pub frames: usize,
    /// Frames from the start of one window to the start of the next, at least 1.
    pub stride: usize,
    /// Sampling rate in Hz; 0 for rows of a table and for images.
    pub rate_hz: f64,
    /// Quantities, one value of each per frame. Images have one axis a channel.
    pub axes: Vec<Axis>,
    /// Whether a recording shorter than the window is filled up with zeros (else it yields no window).
    pub zero_pad: bool,
    /// Width and height of an image.
    pub image: Option<(usize, usize)>,
    /// How images of another shape are brought to that.
    #[serde(default)]
    pub fit: Fit,
}

impl Window {
    /// Values in a window: `frames * axes`.
    pub fn values(&self) -> usize {
        self.frames * self.axes.len()
    }

    /// First frames of the windows of a recording of `frames` frames, in order. A rest shorter than a window at
    /// the end is dropped; a recording shorter than one window gives one padded window, or none.
    pub fn starts(&self, frames: usize) -> impl Iterator<Item = usize> + use<> {
        let count = if frames >= self.frames {
            (frames - self.frames) / self.stride + 1
        } else {
            usize::from(self.zero_pad && frames > 0)
        };
        let stride = self.stride;
        (0..count).map(move |i| i * stride)
    }

    /// Copies the window that starts at frame `start` of the row-major `values`, zeros behind the end.
    pub fn cut(&self, values: &[f32], start: usize, out: &mut Vec<f32>) {
        let axes = self.axes.len();
        let from = (start * axes).min(values.len());
        let to = (from + self.values()).min(values.len());
        out.clear();
        out.extend_from_slice(&values[from..to]);
        out.resize(self.values(), 0.0);
    }

    /// Start of the window at frame `start` in milliseconds; 0 when there is no rate.
    pub fn start_ms(&self, start: usize) -> f64 {
        if self.rate_hz > 0.0 { start as f64 * 1000.0 / self.rate_hz } else { 0.0 }
    }

    /// What a DSP block that sees `axes` of the axes is planned for.
    pub fn spec(&self, axes: usize) -> WindowSpec {
        WindowSpec { rate_hz: self.rate_hz, axes, frames: self.frames, image: self.image }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frames: usize, stride: usize, zero_pad: bool, recording: usize, expected: &[usize]) {
        let window = Window {
            frames,
            stride,
            rate_hz: 100.0,
            axes: vec![Axis { name: "x".into(), units: String::new() }],
            zero_pad,
            image: None,
            fit: Default::default(),
        };
        assert_eq!(window.starts(recording).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn windows_cover_the_recording_from_its_start() {
        check(10, 5, false, 20, &[0, 5, 10]);
        check(10, 5, false, 24, &[0, 5, 10]);
        check(10, 20, false, 25, &[0]);
        check(10, 5, false, 10, &[0]);
    }

    #[test]
    fn a_short_recording_is_padded_or_left_out() {
        check(10, 5, true, 9, &[0]);
        check(10, 5, false, 9, &[]);
        check(10, 5, true, 0, &[]);
    }

    #[test]
    fn cutting_pads_with_zeros_behind_the_end() {
        let window = Window {
            frames: 4,
            stride: 1,
            rate_hz: 1.0,
            axes: vec![Axis { name: "x".into(), units: String::new() }],
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let mut out = Vec::new();
        window.cut(&[1.0, 2.0, 3.0], 1, &mut out);
        assert_eq!(out, [2.0, 3.0, 0.0, 0.0]);
    }
}
