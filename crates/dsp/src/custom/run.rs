//! The steps in Rust. `runtime/c/dsp/ew_custom.h` and the emitted loops mirror them operation for operation.

use super::{Binary, CustomPlan, Op, Operand, Step, Unary};
use crate::{
    features::{correlation, crossings, dominant, energy, entropy, histogram, range, sort, sum},
    flatten::{mean, moments, rms},
    math::{ln, log10, sqrt},
    spectral::filter,
};
use alloc::vec::Vec;

/// What logarithms take instead of smaller values.
const FAINT: f32 = 1e-10;

fn unary(op: Unary, x: f32) -> f32 {
    match op {
        Unary::Negate => -x,
        Unary::Abs => {
            if x < 0.0 {
                -x
            } else {
                x
            }
        }
        Unary::Sqrt => {
            if x > 0.0 {
                sqrt(x)
            } else {
                0.0
            }
        }
        Unary::Ln => ln(if x > FAINT { x } else { FAINT }),
        Unary::Log10 => log10(if x > FAINT { x } else { FAINT }),
    }
}

fn binary(op: Binary, x: f32, y: f32) -> f32 {
    let one = |yes: bool| if yes { 1.0 } else { 0.0 };
    match op {
        Binary::Add => x + y,
        Binary::Subtract => x - y,
        Binary::Multiply => x * y,
        Binary::Divide => {
            if y == 0.0 {
                0.0
            } else {
                x / y
            }
        }
        Binary::Smaller => {
            if x < y {
                x
            } else {
                y
            }
        }
        Binary::Larger => {
            if x > y {
                x
            } else {
                y
            }
        }
        Binary::Less => one(x < y),
        Binary::AtMost => one(x <= y),
    }
}

fn centroid(power: &[f32], width: f32) -> f32 {
    let (mut all, mut weighed) = (0.0f32, 0.0f32);
    for (k, p) in power.iter().enumerate().skip(1) {
        all += p;
        weighed += k as f32 * p;
    }
    if all > 0.0 { weighed / all * width } else { 0.0 }
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sum = 0.0f32;
    for (x, y) in x.iter().zip(y) {
        sum += x * y;
    }
    sum
}

/// Values to read and values to write, which lie apart.
fn apart(w: &mut [f32], from: (usize, usize), to: usize, len: usize) -> (&[f32], &mut [f32]) {
    if from.0 < to {
        let (a, b) = w.split_at_mut(to);
        (&a[from.0..from.0 + from.1], &mut b[..len])
    } else {
        let (a, b) = w.split_at_mut(from.0);
        (&b[..from.1], &mut a[to..to + len])
    }
}

impl CustomPlan {
    /// Lengths of the Fourier transforms in use.
    pub fn transforms(&self) -> Vec<usize> {
        let of = |s: &Step| if let Op::Power(w) = &s.op { Some(w.fft.n) } else { None };
        self.steps.iter().filter_map(of).collect()
    }

    /// The first value that is no number, on an axis that is read.
    pub fn not_finite(&self, window: &[f32]) -> Option<usize> {
        let read = |axis: usize| self.steps.iter().any(|s| s.op == Op::Axis(axis));
        let bad = |axis: usize| (axis..window.len()).step_by(self.axes).find(|&i| !window[i].is_finite());
        (0..self.axes).filter(|&a| read(a)).filter_map(bad).min()
    }

    /// Takes the steps.
    pub fn extract(&self, window: &[f32], w: &mut [f32], features: &mut [f32]) {
        for step in &self.steps {
            self.step(step, window, w, features);
        }
    }

    fn step(&self, step: &Step, window: &[f32], w: &mut [f32], features: &mut [f32]) {
        let (to, len) = (step.at, step.len);
        // Place and length of an operand; numbers are no operand of what asks.
        let of = |k: usize| match step.args[k] {
            Operand::At { at, len } => (at, len),
            Operand::Const(_) => (0, 0),
        };
        let slice = |k: usize, w: &[f32]| -> core::ops::Range<usize> {
            let (at, len) = of(k);
            debug_assert!(at + len <= w.len());
            at..at + len
        };
        let one = match &step.op {
            Op::Axis(axis) => {
                for (i, x) in w[to..to + len].iter_mut().enumerate() {
                    *x = window[i * self.axes + axis];
                }
                return;
            }
            Op::Time(second) => {
                for (i, x) in w[to..to + len].iter_mut().enumerate() {
                    *x = i as f32 * second;
                }
                return;
            }
            Op::Unary(op) => {
                let from = of(0).0;
                for i in 0..len {
                    w[to + i] = unary(*op, w[from + i]);
                }
                return;
            }
            Op::Binary(op) => {
                let read = |k: usize, i: usize, w: &[f32]| match step.args[k] {
                    Operand::Const(c) => c,
                    Operand::At { at, len: 1 } => w[at],
                    Operand::At { at, .. } => w[at + i],
                };
                for i in 0..len {
                    w[to + i] = binary(*op, read(0, i, w), read(1, i, w));
                }
                return;
            }
            Op::Difference => {
                let from = of(0).0;
                for i in 0..len {
                    w[to + i] = w[from + i + 1] - w[from + i];
                }
                return;
            }
            Op::Running => {
                let from = of(0).0;
                let mut sum = 0.0f32;
                for i in 0..len {
                    sum += w[from + i];
                    w[to + i] = sum;
                }
                return;
            }
            Op::Smooth(n) => {
                let from = of(0).0;
                for i in 0..len {
                    w[to + i] = sum(&w[from + i..from + i + n]) / *n as f32;
                }
                return;
            }
            Op::Slice(first) => {
                let from = of(0).0 + first;
                w.copy_within(from..from + len, to);
                return;
            }
            Op::Filter(sections) => {
                w.copy_within(slice(0, w), to);
                return filter(sections, &mut w[to..to + len]);
            }
            Op::Decimate(decimators) => {
                w.copy_within(slice(0, w), to);
                let mut n = of(0).1;
                for d in decimators {
                    n = d.apply(&mut w[to..to + n]);
                }
                return;
            }
            Op::Sort => {
                w.copy_within(slice(0, w), to);
                return sort(&mut w[to..to + len]);
            }
            Op::Histogram => {
                let (x, shares) = apart(w, of(0), to, len);
                return histogram(x, shares);
            }
            Op::Power(welch) => {
                let (x, scratch) = apart(w, of(0), to, welch.scratch_len());
                return welch.power(x, scratch);
            }
            Op::Moments => {
                let m = moments(&w[slice(0, w)]);
                w[to..to + 3].copy_from_slice(&[m.m2, m.skewness, m.kurtosis]);
                return;
            }
            Op::Extremes => {
                let (low, high) = range(&w[slice(0, w)]);
                w[to..to + 2].copy_from_slice(&[low, high]);
                return;
            }
            Op::Feature(first) => {
                let from = of(0).0;
                for i in 0..len {
                    let v = w[from + i];
                    features[first + i] = if v.is_finite() { v } else { 0.0 };
                }
                return;
            }
            Op::Mean => mean(&w[slice(0, w)]),
            Op::Rms => rms(&w[slice(0, w)]),
            Op::Energy => energy(&w[slice(0, w)]),
            Op::Total { first, count } => sum(&w[slice(0, w)][*first..first + count]),
            Op::Pick { at, part } => {
                let x = &w[slice(0, w)];
                if *part == 0.0 { x[*at] } else { x[*at] + part * (x[at + 1] - x[*at]) }
            }
            Op::Crossings => {
                let level = match step.args[1] {
                    Operand::Const(c) => c,
                    Operand::At { at, .. } => w[at],
                };
                crossings(&w[slice(0, w)], level)
            }
            Op::Entropy => entropy(&w[slice(0, w)], 1.0),
            Op::Correlation => correlation(&w[slice(0, w)], &w[slice(1, w)]),
            Op::Dot => dot(&w[slice(0, w)], &w[slice(1, w)]),
            Op::Peak(width) => {
                let power = &w[slice(0, w)];
                let most = dominant(power);
                if power[most] > 0.0 { most as f32 * width } else { 0.0 }
            }
            Op::Centroid(width) => centroid(&w[slice(0, w)], *width),
            Op::Evenness(factor) => {
                let power = &w[slice(0, w)][1..];
                let total = sum(power);
                if total > 0.0 { entropy(power, total) * factor } else { 0.0 }
            }
        };
        w[to] = one;
    }
}
