//! Integer SVDF: a dense layer whose weights are sums of products of a filter over the input and one over time.
//!
//! # Source
//! TensorFlow Lite for Microcontrollers, `EvalIntegerSvdfReference`: bytes in and out; a state of 16 bits without a zero point, or of bytes
//! with one, in which sums wrap around when the zero point takes them out of a byte. Each sum is requantised once, with two roundings. The reference keeps sums in 32 bits, which those over time may leave: here they are kept in 64
//! and end at the limits of 32, which is the same wherever the reference does not overflow.

use crate::{
    fixed::{Requantize, output, requantize},
    whole::Whole,
};

/// Constants of the first half: from an input to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdfStateParams {
    /// Values per step.
    pub inputs: usize,
    /// Steps that the state remembers.
    pub memory: usize,
    /// Zero point of the input.
    pub in_zero: i32,
    /// Scales of input and weights over that of the state.
    pub factor: Requantize,
    /// Zero point of the state.
    pub state_zero: i32,
}

/// Constants of the second half: from the state to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdfOutputParams {
    /// Steps that the state remembers.
    pub memory: usize,
    /// Filters for each output.
    pub rank: usize,
    /// Zero point of the state.
    pub state_zero: i32,
    /// Scales of state and weights over that of the output.
    pub factor: Requantize,
    /// Zero point of the output.
    pub out_zero: i32,
}

/// Moves each row of `state` `[filters, memory]` one to the front and puts the filter's sum over `x` at its end. `weights`
/// `[filters, inputs]`.
pub fn svdf_state<T: Whole>(p: &SvdfStateParams, x: &[i8], state: &[T], weights: &[i8], out: &mut [T]) {
    let rows = state.chunks_exact(p.memory).zip(out.chunks_exact_mut(p.memory));
    for ((before, now), w) in rows.zip(weights.chunks_exact(p.inputs)) {
        let mut sum = 0;
        for (w, x) in w.iter().zip(x) {
            sum += i32::from(*w) * (i32::from(*x) - p.in_zero);
        }
        now[..p.memory - 1].copy_from_slice(&before[1..]);
        now[p.memory - 1] = T::wrapped(requantize(sum, p.factor).clamp(T::MIN, T::MAX) + p.state_zero);
    }
}

/// Sums of the state over time, of `rank` neighbouring filters together, at the limits of 32 bits where they leave them. `weights` as `state` `[filters, memory]`.
pub fn svdf_output<T: Whole>(p: &SvdfOutputParams, state: &[T], weights: &[T], bias: &[i32], out: &mut [i8]) {
    let each = p.rank * p.memory;
    let rows = state.chunks_exact(each).zip(weights.chunks_exact(each));
    for ((out, bias), (s, w)) in out.iter_mut().zip(bias).zip(rows) {
        let mut sum = i64::from(*bias);
        for (s, w) in s.iter().zip(w) {
            sum += i64::from((s.int() - p.state_zero) * w.int());
        }
        let sum = sum.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        *out = output(requantize(sum, p.factor), p.out_zero, -128, 127);
    }
}
