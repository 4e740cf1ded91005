//! Convolution, depthwise convolution, dense layers.

use crate::fixed::{Requantize, output, requantize, requantize_once};
use core::ops::Range;

/// Shapes of a convolution or pooling over `[height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows of the input.
    pub in_h: usize,
    /// Columns of the input.
    pub in_w: usize,
    /// Channels of the input.
    pub in_c: usize,
    /// Rows of the output.
    pub out_h: usize,
    /// Columns of the output.
    pub out_w: usize,
    /// Channels of the output.
    pub out_c: usize,
    /// Rows of the kernel.
    pub kernel_h: usize,
    /// Columns of the kernel.
    pub kernel_w: usize,
    /// Rows between outputs.
    pub stride_h: usize,
    /// Columns between outputs.
    pub stride_w: usize,
    /// Rows between kernel elements.
    pub dilation_h: usize,
    /// Columns between kernel elements.
    pub dilation_w: usize,
    /// Rows of padding above.
    pub pad_h: usize,
    /// Columns of padding at the left.
    pub pad_w: usize,
}

impl Geometry {
    /// Input row under kernel row `k` for output row `o`, unless it lies in the padding.
    #[inline]
    pub(crate) fn row(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride_h + k * self.dilation_h).checked_sub(self.pad_h).filter(|&y| y < self.in_h)
    }
    /// Input column under kernel column `k` for output column `o`, unless it lies in the padding.
    #[inline]
    pub(crate) fn column(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride_w + k * self.dilation_w).checked_sub(self.pad_w).filter(|&x| x < self.in_w)
    }
    /// Kernel columns that lie inside the input for output column `o`.
    fn columns(&self, o: usize) -> Range<usize> {
        let inside = |k: &usize| self.column(o, *k).is_some();
        let start = (0..self.kernel_w).find(inside).unwrap_or(self.kernel_w);
        start..(start..self.kernel_w).rev().find(inside).map_or(start, |last| last + 1)
    }
}

/// Constants of an integer layer.
#[derive(Clone, Copy, Debug)]
pub struct Int8Layer<'a> {
    /// One per output channel, `sum of bias + products with (x - input zero point)` scaled down.
    pub bias: &'a [i32],
    /// One per output channel.
    pub factors: &'a [Requantize],
    /// Zero point of the input, -128..=127.
    pub in_zero: i32,
    /// Zero point of the output, -128..=127.
    pub out_zero: i32,
    /// Smallest output, by the fused activation.
    pub min: i32,
    /// Largest output, by the fused activation.
    pub max: i32,
}

impl Int8Layer<'_> {
    #[inline]
    fn finish(&self, channel: usize, sum: i32) -> i8 {
        output(requantize(sum, self.factors[channel]), self.out_zero, self.min, self.max)
    }
}

/// Sum of `(x - zero) * w`; exact in 32 bits, so its order is free. Differences of 16 bits are what processors multiply and add in pairs.
#[inline]
fn dot_s8(x: &[i8], w: &[i8], zero: i32) -> i32 {
    let zero = zero as i16;
    x.iter().zip(w).map(|(&x, &w)| i32::from(i16::from(x) - zero) * i32::from(i16::from(w))).sum()
}

/// Integer convolution. `weights` `[out_c, kernel_h, kernel_w, in_c]`.
pub fn conv2d_s8(g: &Geometry, x: &[i8], weights: &[i8], layer: &Int8Layer<'_>, out: &mut [i8]) {
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            let inside = g.columns(ox);
            for c in 0..g.out_c {
                let mut sum = layer.bias[c];
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    let w = &weights[(c * g.kernel_h + ky) * g.kernel_w * g.in_c..][..g.kernel_w * g.in_c];
                    let x = &x[iy * g.in_w * g.in_c..][..g.in_w * g.in_c];
                    let mut run = |first: usize, kernels: Range<usize>| {
                        let w = &w[kernels.start * g.in_c..kernels.end * g.in_c];
                        sum += dot_s8(&x[first * g.in_c..][..w.len()], w, layer.in_zero);
                    };
                    // Neighbours in the kernel are neighbours in the input unless it is dilated.
                    match (g.dilation_w, g.column(ox, inside.start)) {
                        (1, Some(first)) => run(first, inside.clone()),
                        _ => {
                            for kx in inside.clone() {
                                if let Some(ix) = g.column(ox, kx) {
                                    run(ix, kx..kx + 1);
                                }
                            }
                        }
                    }
                }
                out[at] = layer.finish(c, sum);
                at += 1;
            }
        }
    }
}

/// Integer depthwise convolution. `weights` `[kernel_h, kernel_w, out_c]`, `out_c` a multiple of `in_c`.
pub fn depthwise_conv2d_s8(g: &Geometry, x: &[i8], weights: &[i8], layer: &Int8Layer<'_>, out: &mut [i8]) {
    let multiplier = g.out_c / g.in_c;
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for c in 0..g.out_c {
                let mut sum = layer.bias[c];
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        let x = i32::from(x[(iy * g.in_w + ix) * g.in_c + c / multiplier]);
                        let w = i32::from(weights[(ky * g.kernel_w + kx) * g.out_c + c]);
                        sum += (x - layer.in_zero) * w;
                    }
                }
                out[at] = layer.finish(c, sum);
                at += 1;
            }
        }
    }
}

/// Integer dense layer. `weights` `[out, in]`.
pub fn fully_connected_s8(x: &[i8], weights: &[i8], layer: &Int8Layer<'_>, out: &mut [i8]) {
    for (c, (out, w)) in out.iter_mut().zip(weights.chunks_exact(x.len())).enumerate() {
        *out = layer.finish(c, layer.bias[c] + dot_s8(x, w, layer.in_zero));
    }
}

/// Integer dense layer that rounds once where [`fully_connected_s8`] rounds twice, as LiteRT's reference kernel does.
pub fn fully_connected_once_s8(x: &[i8], weights: &[i8], layer: &Int8Layer<'_>, out: &mut [i8]) {
    for (c, (out, w)) in out.iter_mut().zip(weights.chunks_exact(x.len())).enumerate() {
        let sum = layer.bias[c] + dot_s8(x, w, layer.in_zero);
        *out = output(requantize_once(sum, layer.factors[c]), layer.out_zero, layer.min, layer.max);
    }
}

/// Float convolution, clamped to `min..=max`.
pub fn conv2d_f32(
    g: &Geometry,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    min: f32,
    max: f32,
    out: &mut [f32],
) {
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for (c, bias) in bias.iter().enumerate() {
                let mut sum = 0.0f32;
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        let x = &x[(iy * g.in_w + ix) * g.in_c..][..g.in_c];
                        let w = &weights[((c * g.kernel_h + ky) * g.kernel_w + kx) * g.in_c..][..g.in_c];
                        for (x, w) in x.iter().zip(w) {
                            sum += x * w;
                        }
                    }
                }
                out[at] = limit(sum + bias, min, max);
                at += 1;
            }
        }
    }
}

/// Float depthwise convolution, clamped to `min..=max`.
pub fn depthwise_conv2d_f32(
    g: &Geometry,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    min: f32,
    max: f32,
    out: &mut [f32],
) {
    let multiplier = g.out_c / g.in_c;
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for (c, bias) in bias.iter().enumerate() {
                let mut sum = 0.0f32;
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        sum += x[(iy * g.in_w + ix) * g.in_c + c / multiplier]
                            * weights[(ky * g.kernel_w + kx) * g.out_c + c];
                    }
                }
                out[at] = limit(sum + bias, min, max);
                at += 1;
            }
        }
    }
}

/// Float dense layer, clamped to `min..=max`.
pub fn fully_connected_f32(x: &[f32], weights: &[f32], bias: &[f32], min: f32, max: f32, out: &mut [f32]) {
    for ((out, w), bias) in out.iter_mut().zip(weights.chunks_exact(x.len())).zip(bias) {
        let mut sum = 0.0f32;
        for (x, w) in x.iter().zip(w) {
            sum += x * w;
        }
        *out = limit(sum + bias, min, max);
    }
}

/// Between two limits, written as comparisons so that C does the same with every value.
#[inline]
pub(crate) fn limit(x: f32, min: f32, max: f32) -> f32 {
    if x < min {
        min
    } else if x > max {
        max
    } else {
        x
    }
}
