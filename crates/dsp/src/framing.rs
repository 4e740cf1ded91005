//! Frames of a window.

use crate::wide::gather;

/// How a window is cut into frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Framing {
    /// Samples per window.
    pub samples: usize,
    /// Samples of a frame that are used: no more than the transform takes.
    pub used: usize,
    /// Samples from frame to frame.
    pub stride: usize,
    /// Number of frames.
    pub rows: usize,
    /// Multiplier of the samples.
    pub scale: f32,
    /// Pre-emphasis: coefficient; 0 for none.
    pub emphasis: f32,
    /// Pre-emphasis: how many samples back, circular in the window.
    pub shift: usize,
}

impl Framing {
    /// Writes frame `row` to a lane of `out`, filled with zeros to its length; `sample` gives the window's values by index.
    pub(crate) fn frame<const L: usize>(
        &self,
        sample: impl Fn(usize) -> f32,
        row: usize,
        lane: usize,
        out: &mut [[f32; L]],
    ) {
        let start = row * self.stride;
        let (frame, rest) = out.split_at_mut(self.used);
        for out in rest {
            out[lane] = 0.0;
        }
        for (i, out) in frame.iter_mut().enumerate() {
            let at = start + i;
            let x = sample(at) * self.scale;
            out[lane] = if self.emphasis == 0.0 {
                x
            } else {
                let back = if at >= self.shift { at - self.shift } else { at + self.samples - self.shift };
                x - self.emphasis * (sample(back) * self.scale)
            };
        }
    }

    /// Writes `L` frames from `row` on side by side, as [`Self::frame`] does, then zeros. `span` takes the samples from the first to the
    /// last of them: few enough to stay near the processor.
    #[inline(always)]
    pub(crate) fn frames<const L: usize>(
        &self,
        window: &[f32],
        row: usize,
        span: &mut [f32],
        out: &mut [[f32; L]],
    ) {
        let span = &mut span[..(L - 1) * self.stride + self.used];
        self.emphasise(window, row * self.stride, span);
        let (frame, rest) = out.split_at_mut(self.used);
        rest.fill([0.0; L]);
        let lanes: [&[f32]; L] = core::array::from_fn(|lane| &span[lane * self.stride..][..self.used]);
        gather(lanes, frame);
    }

    /// Scales samples from `start` on and takes the pre-emphasis.
    #[inline(always)]
    fn emphasise(&self, window: &[f32], start: usize, out: &mut [f32]) {
        let (scale, emphasis) = (self.scale, self.emphasis);
        let here = &window[start..][..out.len()];
        if emphasis == 0.0 {
            for (out, x) in out.iter_mut().zip(here) {
                *out = x * scale;
            }
            return;
        }
        // The first values of a window reach around its end.
        let around = self.shift.saturating_sub(start).min(out.len());
        let (early, late) = out.split_at_mut(around);
        let ends =
            (&window[window.len() - self.shift..], &window[(start + around).saturating_sub(self.shift)..]);
        for ((out, x), back) in early.iter_mut().zip(here).zip(&ends.0[start.min(self.shift)..]) {
            *out = x * scale - emphasis * (back * scale);
        }
        for ((out, x), back) in late.iter_mut().zip(&here[around..]).zip(ends.1) {
            *out = x * scale - emphasis * (back * scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn frames_side_by_side_are_frames_one_by_one() {
        let window: Vec<f32> = (0..500).map(|i| (i * i % 101) as f32 * 0.73 - 30.0).collect();
        for (used, stride, emphasis, shift) in
            [(64, 50, 0.98, 1), (61, 40, 0.5, 130), (32, 37, 0.0, 1), (5, 3, 0.98, 499), (64, 7, 0.98, 0)]
        {
            let framing = Framing { samples: 500, used, stride, rows: 9, scale: 0.3, emphasis, shift };
            let mut wide = [[1.0f32; 8]; 64];
            let mut four = [[1.0f32; 4]; 64];
            framing.frames(&window, 1, &mut [0.0; 500], &mut four);
            // In one array for any processor: eight lanes by themselves would need AVX2.
            for row in 0..8 {
                framing.frame(|i| window[i], row + 1, row, &mut wide);
            }
            for (wide, four) in wide.iter().zip(&four) {
                assert_eq!(wide[..4].iter().map(|v| v.to_bits()).collect::<Vec<_>>(), four.map(f32::to_bits));
            }
        }
    }
}
