//! Kernels of int16x8 models: activations of 16 bits without a zero point, weights of bytes, sums and biases of 64 bits.
//!
//! # Source
//! TensorFlow Lite's reference kernels for 16-bit activations (`reference_integer_ops`), of which LiteRT and TFLM have the same
//! arithmetic: sums of layers are requantised by a multiplier of 16 bits in one rounding, the rest as for bytes. Dense layers alone
//! differ: TFLM has that multiplier there too, LiteRT scales the sum in double precision.

use crate::{
    conv::Geometry,
    elementwise::{AddParams, quantize_wide},
    fixed::{Requantize, requantize},
    lstm::SIGMOID,
};

/// Left shift of the inputs of a sum.
pub const ADD_LEFT_SHIFT: i32 = 15;

/// `x * factor` rounded once to nearest, ties upwards, by the upper 16 bits of the multiplier; saturated to 32 bits. `x` lies within 47
/// bits and the factor's shift is at most 7.
#[inline]
pub fn requantize_wide(x: i64, factor: Requantize) -> i32 {
    let reduced =
        if factor.multiplier < 0x7fff_0000 { (factor.multiplier + (1 << 15)) >> 16 } else { 0x7fff };
    let right = 15 - factor.shift;
    let scaled = (x * i64::from(reduced) + (1i64 << (right - 1))) >> right;
    scaled.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Constants of a layer that do not depend on the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideLayer<'a> {
    /// One per output channel.
    pub bias: &'a [i64],
    /// One per output channel.
    pub factors: &'a [Requantize],
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

impl WideLayer<'_> {
    fn finish(&self, channel: usize, sum: i64) -> i16 {
        short(requantize_wide(sum + self.bias[channel], self.factors[channel]), self.min, self.max)
    }
}

fn short(x: i32, min: i32, max: i32) -> i16 {
    x.max(min).min(max) as i16
}

/// Convolution. `weights` `[out_c, kernel_h, kernel_w, in_c]`.
pub fn conv2d_s16(g: &Geometry, x: &[i16], weights: &[i8], layer: &WideLayer<'_>, out: &mut [i16]) {
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for c in 0..g.out_c {
                let mut sum = 0i64;
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        let x = &x[(iy * g.in_w + ix) * g.in_c..][..g.in_c];
                        let w = &weights[((c * g.kernel_h + ky) * g.kernel_w + kx) * g.in_c..][..g.in_c];
                        for (x, w) in x.iter().zip(w) {
                            sum += i64::from(i32::from(*x) * i32::from(*w));
                        }
                    }
                }
                out[at] = layer.finish(c, sum);
                at += 1;
            }
        }
    }
}

/// Depthwise convolution. `weights` `[kernel_h, kernel_w, out_c]`.
pub fn depthwise_conv2d_s16(g: &Geometry, x: &[i16], weights: &[i8], layer: &WideLayer<'_>, out: &mut [i16]) {
    let multiplier = g.out_c / g.in_c;
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for c in 0..g.out_c {
                let mut sum = 0i64;
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        let x = i32::from(x[(iy * g.in_w + ix) * g.in_c + c / multiplier]);
                        let w = i32::from(weights[(ky * g.kernel_w + kx) * g.out_c + c]);
                        sum += i64::from(x * w);
                    }
                }
                out[at] = layer.finish(c, sum);
                at += 1;
            }
        }
    }
}

/// Dense layer over rows of `inputs` values. `weights` `[out, inputs]`.
pub fn fully_connected_s16(inputs: usize, x: &[i16], weights: &[i8], layer: &WideLayer<'_>, out: &mut [i16]) {
    let rows = x.chunks_exact(inputs).zip(out.chunks_exact_mut(layer.bias.len()));
    for (x, out) in rows {
        for (c, (out, w)) in out.iter_mut().zip(weights.chunks_exact(inputs)).enumerate() {
            let sum = x.iter().zip(w).map(|(x, w)| i64::from(i32::from(*x) * i32::from(*w))).sum();
            *out = layer.finish(c, sum);
        }
    }
}

/// Constants of a dense layer whose outputs are scaled in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledLayer<'a> {
    /// One per output.
    pub bias: &'a [i64],
    /// Steps of the output in a step of the sum; one per output.
    pub scales: &'a [f64],
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// `x` rounded to nearest, ties away from zero, between -2^31 and 2^31 - 1.
#[inline]
pub fn round_away(x: f64) -> i32 {
    // Beyond these the clamp decides. Within them the whole part and the rest are exact, where adding a half would round.
    let x = x.clamp(-2_147_483_648.0, 2_147_483_647.0);
    let whole = x as i32;
    let rest = x - f64::from(whole);
    whole.saturating_add(i32::from(rest >= 0.5) - i32::from(rest <= -0.5))
}

/// Dense layer as LiteRT's reference kernel has it: the sum times a scale, in double precision. `weights` `[out, inputs]`; sums lie
/// within 53 bits.
pub fn fully_connected_scaled_s16(
    inputs: usize,
    x: &[i16],
    weights: &[i8],
    layer: &ScaledLayer<'_>,
    out: &mut [i16],
) {
    let rows = x.chunks_exact(inputs).zip(out.chunks_exact_mut(layer.bias.len()));
    for (x, out) in rows {
        for (c, (out, w)) in out.iter_mut().zip(weights.chunks_exact(inputs)).enumerate() {
            let sum: i64 = x.iter().zip(w).map(|(x, w)| i64::from(i32::from(*x) * i32::from(*w))).sum();
            let sum = (sum + layer.bias[c]) as f64;
            *out = short(round_away(sum * layer.scales[c]), layer.min, layer.max);
        }
    }
}

/// Pooling: the largest element, or the mean rounded to nearest with ties away from zero; clamped.
pub fn pool_s16(g: &Geometry, average: bool, x: &[i16], min: i32, max: i32, out: &mut [i16]) {
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for c in 0..g.in_c {
                let (mut sum, mut count, mut best) = (0i32, 0i32, -32768);
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        let v = i32::from(x[(iy * g.in_w + ix) * g.in_c + c]);
                        sum += v;
                        count += 1;
                        best = best.max(v);
                    }
                }
                if average {
                    let half = if sum >= 0 { count / 2 } else { -(count / 2) };
                    best = (sum + half) / count.max(1);
                }
                out[at] = short(best, min, max);
                at += 1;
            }
        }
    }
}

/// Sum (`sign` 1) or difference (-1) of two tensors.
pub fn add_s16(p: &AddParams, sign: i32, a: &[i16], b: &[i16], out: &mut [i16]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        let x = requantize(i32::from(a) << ADD_LEFT_SHIFT, p.in_factor[0]);
        let y = requantize(i32::from(b) << ADD_LEFT_SHIFT, p.in_factor[1]);
        *out = short(requantize(x + sign * y, p.out_factor), p.min, p.max);
    }
}

/// Product of two tensors.
pub fn mul_s16(factor: Requantize, a: &[i16], b: &[i16], min: i32, max: i32, out: &mut [i16]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = short(requantize(i32::from(a) * i32::from(b), factor), min, max);
    }
}

/// The larger (or smaller) of two integers of one scale.
pub fn extreme_s16(larger: bool, a: &[i16], b: &[i16], out: &mut [i16]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = if larger { a.max(b) } else { a.min(b) };
    }
}

/// To another scale, clamped: rescaling and RELU. Negative values take the second factor, times the sign: a leaky RELU has another
/// slope there.
pub fn rescale_s16(factors: [Requantize; 2], sign: i32, x: &[i16], min: i32, max: i32, out: &mut [i16]) {
    for (x, out) in x.iter().zip(out) {
        let x = i32::from(*x);
        let scaled =
            if x >= 0 { requantize(x, factors[0]) } else { requantize(x, factors[1]).saturating_mul(sign) };
        *out = short(scaled, min, max);
    }
}

/// Clamp at one scale.
pub fn clamp_s16(x: &[i16], min: i32, max: i32, out: &mut [i16]) {
    for (x, out) in x.iter().zip(out) {
        *out = short((*x).into(), min, max);
    }
}

/// From 16 bits to bytes.
pub fn narrow_s16(factor: Requantize, zero: i32, x: &[i16], out: &mut [i8]) {
    for (x, out) in x.iter().zip(out) {
        *out = crate::fixed::output(requantize((*x).into(), factor), zero, -128, 127);
    }
}

/// From bytes to 16 bits.
pub fn widen_s8(factor: Requantize, zero: i32, x: &[i8], out: &mut [i16]) {
    for (x, out) in x.iter().zip(out) {
        *out = short(requantize(i32::from(*x) - zero, factor), -32768, 32767);
    }
}

/// Float to 16 bits.
pub fn quantize_s16(x: &[f32], scale: f32, out: &mut [i16]) {
    for (x, out) in x.iter().zip(out) {
        *out = quantize_wide(*x, scale);
    }
}

/// 16 bits to float.
pub fn dequantize_s16(x: &[i16], scale: f32, zero: i32, out: &mut [f32]) {
    for (x, out) in x.iter().zip(out) {
        *out = (i32::from(*x) - zero) as f32 * scale;
    }
}

/// Mean or sum over an axis; the factor holds 1 / count for the mean.
pub fn reduce_sum_s16(x: &[i16], count: usize, inner: usize, factor: Requantize, out: &mut [i16]) {
    for (n, out) in out.iter_mut().enumerate() {
        let start = n / inner * count * inner + n % inner;
        let sum: i32 = (0..count).map(|k| i32::from(x[start + k * inner])).sum();
        *out = short(requantize(sum, factor), -32768, 32767);
    }
}

/// Largest (or smallest) integer over an axis.
pub fn reduce_extreme_s16(larger: bool, x: &[i16], count: usize, inner: usize, out: &mut [i16]) {
    for (n, out) in out.iter_mut().enumerate() {
        let start = n / inner * count * inner + n % inner;
        let values = (0..count).map(|k| x[start + k * inner]);
        *out = if larger { values.max() } else { values.min() }.unwrap_or(0);
    }
}

/// Constants of the logistic function and the tangent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurveParams {
    /// The tangent.
    pub tangent: bool,
    /// From the integer to three times a Q3.12 number, before the shift.
    pub multiplier: i32,
    /// Right shift, rounded to nearest.
    pub shift: i32,
}

/// Logistic function or tangent, interpolated in [`SIGMOID`]; the output is Q0.15.
pub fn curve_s16(p: &CurveParams, x: &[i16], out: &mut [i16]) {
    let round = if p.shift > 0 { 1 << (p.shift - 1) } else { 0 };
    // The tangent takes twice the argument.
    let bits = if p.tangent { 8 } else { 9 };
    for (x, out) in x.iter().zip(out) {
        let x = (i32::from(*x) * p.multiplier + round) >> p.shift;
        let size = x.unsigned_abs();
        let at = (size >> bits) as usize;
        let value = if at >= 255 {
            if p.tangent { 0xffff << 8 } else { 0x7fff << 10 }
        } else {
            let (a, b) = (i32::from(SIGMOID[at]), i32::from(SIGMOID[at + 1]));
            (a << bits) + (size & ((1 << bits) - 1)) as i32 * (b - a)
        };
        *out = if p.tangent {
            let half = 1 << 23;
            let value = if x >= 0 { value - half + (1 << 7) } else { -value + half + (1 << 7) - 1 };
            (value >> 8) as i16
        } else {
            let value = if x >= 0 { value + (1 << 9) } else { (1 << 25) - value + (1 << 9) - 1 };
            (value >> 10) as i16
        };
    }
}

/// Value of a table of 513 entries at a number of 16 bits, interpolated.
fn look_up(x: i32, table: &[i16]) -> i32 {
    let at = (256 + (x >> 7)) as usize;
    let (base, next) = (i32::from(table[at]), i32::from(table[at + 1]));
    base + (((next - base) * (x & 0x7f) + 64) >> 7)
}

/// Softmax of one row. `exponential` holds e^x for x from -10 to 0, `inverse` 1 / (1 + x) for x from 0 to 1; `factor` takes a
/// difference to the former.
pub fn softmax_s16(x: &[i16], factor: Requantize, exponential: &[i16], inverse: &[i16], out: &mut [i16]) {
    let largest = x.iter().copied().max().unwrap_or(0);
    let mut sum = 0i32;
    for (x, out) in x.iter().zip(out.iter_mut()) {
        let scaled = requantize(i32::from(*x) - i32::from(largest), factor);
        let value = look_up(scaled.saturating_add(32767).clamp(-32768, 32767), exponential);
        sum += value;
        *out = value as i16;
    }
    let headroom = (sum as u32).leading_zeros() as i32;
    // The sum is at least that of the largest, 32767, so that the shift is at most 16.
    let shifted = (((i64::from(sum) << (headroom - 1)) + (1 << 13)) >> 14) as i32;
    let share = look_up((shifted - (1 << 15) - (1 << 16)).clamp(-32768, 32767), inverse);
    let right = 31 - headroom;
    for out in out.iter_mut() {
        let value = (i64::from(*out) * i64::from(share) + (1i64 << (right - 1))) >> right;
        *out = value.clamp(0, 32767) as i16;
    }
}
