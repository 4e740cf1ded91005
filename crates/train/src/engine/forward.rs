//! Forward pass of one unit.

use super::{Engine, Mode, Scratch, each, room, with_scratch};
use crate::{
    kernels::{
        attention,
        depthwise::{self, Taps},
        element::{self, View},
        layer_norm,
        matrix::{self, Gathered},
        pool, recurrent,
    },
    plan::{Gather, Layout, Plan, SHARD, taps},
    rng::Stream,
    unit::{Conv, Op, Unit},
};

/// An input of a unit: some samples, and how they are seen.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub raw: &'a [f32],
    pub view: &'a View,
}

impl<'a> Seen<'a> {
    /// Sample `i` of `len` values.
    pub fn samples(&self, first: usize, count: usize, len: usize) -> Self {
        let end = self.raw.len().min((first + count) * len);
        Self { raw: &self.raw[(first * len).min(end)..end], view: self.view }
    }

    /// The values as they are seen.
    pub fn shown<'s>(&self, scratch: &'s mut Vec<f32>) -> &'s [f32]
    where
        'a: 's,
    {
        if self.view.plain() {
            return self.raw;
        }
        let out = room(scratch, self.raw.len());
        element::show(self.view, self.raw, out);
        out
    }
}

/// Copies what is seen of an image into a frame of zeros.
pub(super) fn frame(x: Seen<'_>, [h, w, c]: [usize; 3], gather: &Gather, out: &mut [f32]) {
    let [rows, columns, _] = gather.frame;
    let [top, left] = gather.origin;
    let width = w.min(columns.saturating_sub(left)) * c;
    let last = (top + h).min(rows);
    out[..top * columns * c].fill(0.0);
    out[last * columns * c..].fill(0.0);
    for (y, out) in out[top * columns * c..last * columns * c].chunks_exact_mut(columns * c).enumerate() {
        let (before, out) = out.split_at_mut(left * c);
        let (inside, after) = out.split_at_mut(width);
        before.fill(0.0);
        after.fill(0.0);
        element::show(x.view, &x.raw[y * w * c..][..width], inside);
    }
}

/// Copies the patch under the kernel at each output.
fn patches(x: &[f32], unit: &Unit, conv: &Conv, out: &mut [f32]) {
    let [h, w, c] = unit.input;
    let span = conv.kernel[1] * c;
    let mut rows = out.chunks_exact_mut(span);
    for oy in 0..unit.output[0] {
        for ox in 0..unit.output[1] {
            let start = ox * conv.stride[1];
            // Elements of a row under the kernel that lie in the image.
            let inside = |kx: usize| {
                let at = start + kx * conv.dilation[1];
                at >= conv.pad[1] && at - conv.pad[1] < w
            };
            let first = (0..conv.kernel[1]).find(|kx| inside(*kx)).unwrap_or(conv.kernel[1]);
            let last = (first..conv.kernel[1]).find(|kx| !inside(*kx)).unwrap_or(conv.kernel[1]);
            for ky in 0..conv.kernel[0] {
                let Some(row) = rows.next() else { return };
                let y = (oy * conv.stride[0] + ky * conv.dilation[0]).wrapping_sub(conv.pad[0]);
                if y >= h || first >= last {
                    row.fill(0.0);
                    continue;
                }
                row[..first * c].fill(0.0);
                row[last * c..].fill(0.0);
                let from = (y * w + start + first * conv.dilation[1] - conv.pad[1]) * c;
                if conv.dilation[1] == 1 {
                    // A loop: rows are a few values long, shorter than a call is worth.
                    let row = &mut row[first * c..last * c];
                    for (row, x) in row.iter_mut().zip(&x[from..]) {
                        *row = *x;
                    }
                } else {
                    for (i, to) in row[first * c..last * c].chunks_exact_mut(c).enumerate() {
                        to.copy_from_slice(&x[from + i * conv.dilation[1] * c..][..c]);
                    }
                }
            }
        }
    }
}

/// Left side of the product of a group of samples.
pub(super) fn left<'s>(
    unit: &Unit,
    plan: &Plan,
    x: Seen<'s>,
    left: &'s mut Vec<f32>,
    image: &'s mut Vec<f32>,
) -> &'s [f32] {
    if plan.layout == Layout::Direct {
        return x.shown(left);
    }
    let samples = x.raw.len() / unit.in_len();
    let sample = match plan.layout {
        Layout::Patches => unit.output[0] * unit.output[1] * plan.gather.len,
        _ => plan.gather.frame_len(),
    };
    let out = room(left, samples * sample);
    for (i, out) in out.chunks_exact_mut(sample).enumerate() {
        let x = x.samples(i, 1, unit.in_len());
        match (plan.layout, unit.op) {
            (Layout::Patches, Op::Conv(conv)) => patches(x.shown(image), unit, &conv, out),
            _ => frame(x, unit.input, &plan.gather, out),
        }
    }
    out
}

/// The gathered left side over what [`left`] wrote.
pub(super) fn gathered<'a>(plan: &'a Plan, x: &'a [f32], rows: usize) -> Gathered<'a> {
    let g = &plan.gather;
    Gathered { x, bases: &g.bases[..rows], segments: &g.segments, len: g.len }
}

/// Taps of a depthwise convolution over its frame.
pub(super) fn depthwise_taps<'a>(
    unit: &Unit,
    conv: &Conv,
    gather: &Gather,
    offsets: &'a [usize],
) -> Taps<'a> {
    let [_, width, c] = gather.frame;
    Taps {
        outputs: [unit.output[0], unit.output[1]],
        steps: [conv.stride[0] * width * c, conv.stride[1] * c],
        offsets,
        channels: c,
    }
}

/// Random numbers of one sample in one unit and step.
pub(super) fn draws(seed: u64, step: u64, unit: usize, sample: usize) -> Stream {
    Stream::new(&[seed, 4, step, unit as u64, sample as u64])
}

impl Engine {
    /// Computes the value of unit `i`. Returns sums per channel of each shard when statistics are needed.
    pub(super) fn forward_unit(&mut self, i: usize, samples: usize, parallel: bool) -> Vec<Vec<(f64, f64)>> {
        let (before, after) = self.values.split_at_mut(i + 1);
        let (unit, plan, mode) = (&self.units[i], self.plans[i].as_ref(), self.mode);
        let views = &self.views;
        let inputs: Vec<Seen<'_>> =
            unit.inputs.iter().map(|v| Seen { raw: &before[*v], view: &views[*v] }).collect();
        let lengths: Vec<usize> = unit.inputs.iter().map(|v| before[*v].len() / samples).collect();
        let out = &mut after[0];
        out.resize(samples * unit.out_len(), 0.0);
        let tasks: Vec<(usize, &mut [f32])> = out.chunks_mut(SHARD * unit.out_len()).enumerate().collect();
        let with_sums = unit.norm.is_some() && mode != Mode::Use;
        let c = unit.output[2];
        let zeros = if with_sums { vec![0.0; element::stride(c)] } else { Vec::new() };
        each(parallel, tasks, |(shard, y)| {
            let own: Vec<Seen<'_>> =
                inputs.iter().zip(&lengths).map(|(x, len)| x.samples(shard * SHARD, SHARD, *len)).collect();
            with_scratch(|scratch| run(unit, plan, i, &own, shard * SHARD, mode, scratch, y));
            let mut sums = Vec::new();
            if with_sums {
                sums = vec![(0.0, 0.0); c];
                element::sums(y, y, &zeros, c, &mut sums);
            }
            sums
        })
    }
}

/// One shard. `first` is the number of its first sample.
fn run(
    unit: &Unit,
    plan: Option<&Plan>,
    number: usize,
    inputs: &[Seen<'_>],
    first: usize,
    mode: Mode,
    scratch: &mut Scratch,
    y: &mut [f32],
) {
    let (n_in, n_out, c) = (unit.in_len(), unit.out_len(), unit.output[2]);
    let x = inputs[0];
    match (unit.op, plan) {
        (Op::Dense | Op::Conv(_), Some(plan)) => {
            for (g, y) in y.chunks_mut(plan.group * n_out).enumerate() {
                let x = x.samples(g * plan.group, plan.group, n_in);
                let x = left(unit, plan, x, &mut scratch.left, &mut scratch.image);
                matrix::multiply(&gathered(plan, x, y.len() / c), &plan.forward, &unit.bias, false, y);
            }
        }
        (Op::Depthwise(conv), Some(plan)) => {
            let offsets = taps(&conv, plan.gather.frame[1], c);
            let taps = depthwise_taps(unit, &conv, &plan.gather, &offsets);
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                let x = left(unit, plan, x.samples(s, 1, n_in), &mut scratch.left, &mut scratch.image);
                depthwise::forward(x, &taps, &unit.weights, &unit.bias, false, y);
            }
        }
        (Op::Recurrent(cell), _) => {
            let (w, b) = (&unit.weights, &unit.bias);
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                let x = x.samples(s, 1, n_in).shown(&mut scratch.left);
                recurrent::forward(&cell, x, unit.input[2], w, b, &mut scratch.trace, y);
            }
        }
        (Op::Attention(heads), _) => {
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                let (q, k, v) =
                    (x.samples(s, 1, n_in), inputs[1].samples(s, 1, n_in), inputs[2].samples(s, 1, n_in));
                let (q, k) = (q.shown(&mut scratch.left), k.shown(&mut scratch.image));
                let v = v.shown(&mut scratch.rows);
                attention::forward(&heads, [q, k, v], &mut scratch.attention, y);
            }
        }
        (Op::LayerNorm, _) => layer_norm::forward(x.shown(&mut scratch.left), &unit.weights, &unit.bias, y),
        (Op::MaxPool(p), _) => {
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                pool::largest(x.samples(s, 1, n_in).shown(&mut scratch.left), &p, y);
            }
        }
        (Op::AveragePool(p), _) => {
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                pool::mean(x.samples(s, 1, n_in).shown(&mut scratch.left), &p, y);
            }
        }
        (Op::Add, _) => {
            element::show(x.view, x.raw, y);
            element::add(inputs[1].shown(&mut scratch.left), y);
        }
        (Op::Concat, _) => {
            let mut at = 0;
            for input in inputs {
                let width = input.raw.len() * c / y.len();
                for (y, x) in y.chunks_exact_mut(c).zip(input.shown(&mut scratch.left).chunks_exact(width)) {
                    y[at..at + width].copy_from_slice(x);
                }
                at += width;
            }
        }
        (Op::Resize, _) => {
            y.fill(0.0);
            for (s, y) in y.chunks_mut(n_out).enumerate() {
                let x = x.samples(s, 1, n_in).shown(&mut scratch.left);
                pool::resize(unit.input, unit.output, |o, i, w| {
                    for (y, x) in y[o..o + c].iter_mut().zip(&x[i..i + c]) {
                        *y += x * w;
                    }
                });
            }
        }
        (Op::Dropout(rate), _) => {
            element::show(x.view, x.raw, y);
            if let Mode::Training { seed, step } = mode {
                let keep = 1.0 / (1.0 - rate);
                for (s, y) in y.chunks_mut(n_out).enumerate() {
                    let mut stream = draws(seed, step, number, first + s);
                    y.iter_mut().for_each(|v| *v = if stream.unit() < rate { 0.0 } else { *v * keep });
                }
            }
        }
        _ => element::show(x.view, x.raw, y),
    }
}
