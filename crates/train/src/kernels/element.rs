//! What is done to every value: normalisation and activation on the way in, their slopes on the way back, sums per channel.
//!
//! Factors per channel are [`stretched`] over several pixels, so that loops are long also when channels are few.

use super::for_each_processor;
use crate::spec::Activation;
use edgewright_kernels::unary::{self, GELU, GELU_CUBE};

/// Length of loops at least.
const LOOP: usize = 256;

/// Channels times the number of pixels that a loop covers.
pub(crate) fn stride(channels: usize) -> usize {
    channels * LOOP.div_ceil(channels)
}

/// One value per channel, repeated over the pixels of a loop.
pub(crate) fn stretched(values: impl Iterator<Item = f32> + Clone, channels: usize) -> Vec<f32> {
    values.cycle().take(stride(channels)).collect()
}

/// `y = activation(factor * x + offset)`: how a value is seen by those who read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Stretched; empty for 1.
    pub factor: Vec<f32>,
    /// Stretched; empty for 0.
    pub offset: Vec<f32>,
    pub activation: Activation,
}

impl View {
    /// Whether it shows what is there.
    pub fn plain(&self) -> bool {
        self.factor.is_empty() && self.activation == Activation::None
    }
}

/// What `edgewright_kernels` computes for an activation that is no clamp.
pub(crate) fn function(activation: Activation) -> Option<unary::Function> {
    match activation {
        Activation::None | Activation::Relu | Activation::Relu6 => None,
        Activation::LeakyRelu => Some(unary::Function::LeakyRelu(crate::spec::LEAK)),
        Activation::Sigmoid => Some(unary::Function::Logistic),
        Activation::Tanh => Some(unary::Function::Tanh),
        Activation::HardSwish => Some(unary::Function::HardSwish),
        Activation::Gelu => Some(unary::Function::Gelu),
    }
}

/// Slope of an activation at `u`.
fn slope_at(activation: Activation, u: f32) -> f32 {
    let value = || function(activation).map_or(u, |f| unary::apply(f, u));
    match activation {
        Activation::None => 1.0,
        Activation::Relu => f32::from(u8::from(u > 0.0)),
        Activation::Relu6 => f32::from(u8::from(u > 0.0 && u < 6.0)),
        Activation::LeakyRelu => {
            if u > 0.0 {
                1.0
            } else {
                crate::spec::LEAK
            }
        }
        Activation::Sigmoid => {
            let s = value();
            s * (1.0 - s)
        }
        Activation::Tanh => {
            let t = value();
            1.0 - t * t
        }
        Activation::HardSwish if u <= -3.0 => 0.0,
        Activation::HardSwish if u >= 3.0 => 1.0,
        Activation::HardSwish => (2.0 * u + 3.0) / 6.0,
        Activation::Gelu => {
            let s = unary::apply(unary::Function::Logistic, GELU * (u + GELU_CUBE * (u * u * u)));
            s + u * s * (1.0 - s) * GELU * (1.0 + 3.0 * GELU_CUBE * (u * u))
        }
    }
}

for_each_processor! {
    /// `out = factor * x + offset`.
    pub(crate) fn affine(x: &[f32], factor: &[f32], offset: &[f32], out: &mut [f32]) {
        let n = factor.len();
        for (x, out) in x.chunks(n).zip(out.chunks_mut(n)) {
            for (((out, x), a), b) in out.iter_mut().zip(x).zip(factor).zip(offset) {
                *out = a * x + b;
            }
        }
    }
}

for_each_processor! {
    /// `out = min(max(factor * x + offset, 0), high)`.
    pub(crate) fn affine_clamped(x: &[f32], factor: &[f32], offset: &[f32], high: f32, out: &mut [f32]) {
        let n = factor.len();
        for (x, out) in x.chunks(n).zip(out.chunks_mut(n)) {
            for (((out, x), a), b) in out.iter_mut().zip(x).zip(factor).zip(offset) {
                let u = a * x + b;
                let u = if u > 0.0 { u } else { 0.0 };
                *out = if u < high { u } else { high };
            }
        }
    }
}

for_each_processor! {
    /// `out = dy` where `0 < factor * x + offset < high`, 0 elsewhere.
    pub(crate) fn slope_clamped(dy: &[f32], x: &[f32], factor: &[f32], offset: &[f32], high: f32, out: &mut [f32]) {
        let n = factor.len();
        for ((dy, x), out) in dy.chunks(n).zip(x.chunks(n)).zip(out.chunks_mut(n)) {
            for ((((out, dy), x), a), b) in out.iter_mut().zip(dy).zip(x).zip(factor).zip(offset) {
                let u = a * x + b;
                *out = if (u > 0.0) & (u < high) { *dy } else { 0.0 };
            }
        }
    }
}

for_each_processor! {
    /// `out = k1 * g + k2 * x + k3`; factors per channel, stretched.
    pub(crate) fn mix(g: &[f32], x: &[f32], k1: &[f32], k2: &[f32], k3: &[f32], out: &mut [f32]) {
        let n = k1.len();
        for ((x, g), out) in x.chunks(n).zip(g.chunks(n)).zip(out.chunks_mut(n)) {
            for (((((out, g), x), k1), k2), k3) in out.iter_mut().zip(g).zip(x).zip(k1).zip(k2).zip(k3) {
                *out = k1 * g + k2 * x + k3;
            }
        }
    }
}

for_each_processor! {
    /// [`slope_clamped`] in place and [`moments`] of what comes out, in one pass.
    pub(crate) fn slope_and_moments(
        dy: &mut [f32],
        x: &[f32],
        factor: &[f32],
        offset: &[f32],
        high: f32,
        centre: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let n = centre.len();
        for (dy, x) in dy.chunks_mut(n).zip(x.chunks(n)) {
            let factors = factor.iter().zip(offset).zip(centre);
            let sums = first.iter_mut().zip(&mut *second);
            for (((dy, x), ((a, b), centre)), (first, second)) in dy.iter_mut().zip(x).zip(factors).zip(sums) {
                let u = a * x + b;
                let g = if (u > 0.0) & (u < high) { *dy } else { 0.0 };
                *dy = g;
                *first += g;
                *second += (x - centre) * g;
            }
        }
    }
}

for_each_processor! {
    /// Adds the sums of `x` to `first` and of `(x - centre) * with` to `second`, loop by loop; all stretched.
    pub(crate) fn moments(x: &[f32], with: &[f32], centre: &[f32], first: &mut [f32], second: &mut [f32]) {
        let n = centre.len();
        for (x, with) in x.chunks(n).zip(with.chunks(n)) {
            for ((((x, with), centre), first), second) in x.iter().zip(with).zip(centre).zip(&mut *first).zip(&mut *second) {
                *first += with;
                *second += (x - centre) * with;
            }
        }
    }
}

for_each_processor! {
    /// `out += x`.
    pub(crate) fn add(x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out += x;
        }
    }
}

const ONES: [f32; LOOP] = [1.0; LOOP];
const ZEROS: [f32; LOOP] = [0.0; LOOP];

/// Factor and offset of a view as loops need them.
fn parts(view: &View) -> (&[f32], &[f32]) {
    if view.factor.is_empty() { (&ONES, &ZEROS) } else { (&view.factor, &view.offset) }
}

/// Writes what a view shows.
pub(crate) fn show(view: &View, x: &[f32], out: &mut [f32]) {
    let (factor, offset) = parts(view);
    match view.activation {
        Activation::None if view.factor.is_empty() => out.copy_from_slice(x),
        Activation::Relu => affine_clamped(x, factor, offset, f32::INFINITY, out),
        Activation::Relu6 => affine_clamped(x, factor, offset, 6.0, out),
        other => {
            affine(x, factor, offset, out);
            if let Some(function) = function(other) {
                out.iter_mut().for_each(|v| *v = unary::apply(function, *v));
            }
        }
    }
}

/// Writes the gradient before the activation, given that behind it.
pub(crate) fn slope(view: &View, dy: &[f32], x: &[f32], out: &mut [f32]) {
    let (factor, offset) = parts(view);
    match view.activation {
        Activation::None => out.copy_from_slice(dy),
        Activation::Relu => slope_clamped(dy, x, factor, offset, f32::INFINITY, out),
        Activation::Relu6 => slope_clamped(dy, x, factor, offset, 6.0, out),
        other => {
            affine(x, factor, offset, out);
            for (out, dy) in out.iter_mut().zip(dy) {
                *out = dy * slope_at(other, *out);
            }
        }
    }
}

/// Writes the gradient before the activation in place, and adds its sums and those of `(x - centre)` times it to `into`, per channel.
pub(crate) fn slope_sums(
    view: &View,
    dy: &mut [f32],
    x: &[f32],
    centre: &[f32],
    channels: usize,
    into: &mut [(f64, f64)],
) {
    let high = match view.activation {
        Activation::Relu => f32::INFINITY,
        Activation::Relu6 => 6.0,
        Activation::None => return sums(x, dy, centre, channels, into),
        _ => {
            let seen = dy.to_vec();
            slope(view, &seen, x, dy);
            return sums(x, dy, centre, channels, into);
        }
    };
    let n = centre.len();
    let (factor, offset) = parts(view);
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    for (x, dy) in x.chunks(64 * n).zip(dy.chunks_mut(64 * n)) {
        slope_and_moments(dy, x, factor, offset, high, centre, &mut first, &mut second);
        fold(&mut first, &mut second, channels, into);
    }
}

/// Empties the sums of a loop into those per channel.
fn fold(first: &mut [f32], second: &mut [f32], channels: usize, into: &mut [(f64, f64)]) {
    for (first, second) in first.chunks(channels).zip(second.chunks(channels)) {
        for ((to, a), b) in into.iter_mut().zip(first).zip(second) {
            to.0 += f64::from(*a);
            to.1 += f64::from(*b);
        }
    }
    first.fill(0.0);
    second.fill(0.0);
}

/// Sums per channel in double precision: of `with` and of `(x - centre) * with`. Sums of one loop are single precision, over a few
/// thousand values at most.
pub(crate) fn sums(x: &[f32], with: &[f32], centre: &[f32], channels: usize, into: &mut [(f64, f64)]) {
    let n = centre.len();
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    for (x, with) in x.chunks(64 * n).zip(with.chunks(64 * n)) {
        moments(x, with, centre, &mut first, &mut second);
        fold(&mut first, &mut second, channels, into);
    }
}
