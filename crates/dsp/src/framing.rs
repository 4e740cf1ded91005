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
    /// Scales the window and takes the pre-emphasis, as [`Self::frame`] does it for each value.
    #[inline(always)]
    pub(crate) fn emphasise(&self, window: &[f32], out: &mut [f32]) {
        let (scale, emphasis) = (self.scale, self.emphasis);
        let out = &mut out[..window.len()];
        if emphasis == 0.0 {
            for (out, x) in out.iter_mut().zip(window) {
                *out = x * scale;
            }
            return;
        }
        // The first values reach around the end of the window.
        let (early, late) = out.split_at_mut(self.shift);
        let (last, first) = (&window[window.len() - self.shift..], &window[..window.len() - self.shift]);
        for ((out, x), back) in early.iter_mut().zip(window).zip(last) {
            *out = x * scale - emphasis * (back * scale);
        }
        for ((out, x), back) in late.iter_mut().zip(&window[self.shift..]).zip(first) {
            *out = x * scale - emphasis * (back * scale);
        }
    }

    /// Writes the frames from `row` on side by side: what [`Self::emphasise`] made of the window, then zeros.
    #[inline(always)]
    pub(crate) fn frames<const L: usize>(&self, emphasised: &[f32], row: usize, out: &mut [[f32; L]]) {
        let (frame, rest) = out.split_at_mut(self.used);
        rest.fill([0.0; L]);
        let lanes: [&[f32]; L] =
            core::array::from_fn(|lane| &emphasised[(row + lane) * self.stride..][..self.used]);
        gather(lanes, frame);
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
            let mut emphasised = [0.0; 500];
            framing.emphasise(&window, &mut emphasised);
            framing.frames(&emphasised, 1, &mut four);
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
