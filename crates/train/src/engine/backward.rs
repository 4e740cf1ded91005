//! Backward pass of one unit.

use super::{
    Engine, Mode, Scratch, each,
    forward::{Seen, depthwise_taps, draws, frame, gathered, left},
    room, with_scratch,
};
use crate::{
    kernels::{
        attention,
        depthwise::{self, Taps},
        element::{self, View},
        layer_norm,
        matrix::{self, Gathered, Panels},
        pool, recurrent,
    },
    plan::{Back, Layout, Plan, SHARD, taps},
    unit::{Conv, Op, Unit},
};

/// What turns the gradient behind a normalisation into that before it: `k1 * g + k2 * y + k3`, stretched.
struct Mix([Vec<f32>; 3]);

/// Gradient of a unit's value as it is seen (before its activation, when there is a `mix`), with all that is needed for the gradient of
/// its operation.
#[derive(Clone, Copy)]
struct Slope<'a> {
    seen: &'a [f32],
    y: &'a [f32],
    view: &'a View,
    mix: Option<&'a Mix>,
}

impl<'a> Slope<'a> {
    fn samples(&self, first: usize, count: usize, len: usize) -> Self {
        let end = self.seen.len().min((first + count) * len);
        let range = (first * len).min(end)..end;
        Self { seen: &self.seen[range.clone()], y: &self.y[range], ..*self }
    }

    /// Gradient of the operation.
    fn before<'s>(&self, scratch: &'s mut Vec<f32>) -> &'s [f32]
    where
        'a: 's,
    {
        if self.mix.is_none() && self.view.plain() {
            return self.seen;
        }
        let out = room(scratch, self.seen.len());
        match self.mix {
            Some(Mix([k1, k2, k3])) => element::mix(self.seen, self.y, k1, k2, k3, out),
            None => element::slope(self.view, self.seen, self.y, out),
        }
        out
    }
}

/// Where the gradient of an input goes: on top of what others gave, or as the first.
struct Into<'a> {
    to: &'a mut [f32],
    add: bool,
}

impl Engine {
    /// Gradients of all units, given those of the outputs.
    pub fn backward(&mut self, samples: usize, outputs: &[f32]) {
        let parallel = self.parallel(samples);
        let mut last = self.spare.pop().unwrap_or_default();
        last.clear();
        last.extend_from_slice(outputs);
        let n = self.units.len();
        self.slopes[n] = Some(last);
        for i in (0..n).rev() {
            match self.slopes[i + 1].take() {
                Some(mut slope) => {
                    // What the network answers is never taken for saturated: it could not be corrected.
                    if let Some([low, high]) = self.limits.get(i + 1).filter(|_| i + 1 < n) {
                        for (slope, y) in slope.iter_mut().zip(&self.values[i + 1]) {
                            *slope = if *y > *low && *y < *high { *slope } else { 0.0 };
                        }
                    }
                    self.backward_unit(i, samples, parallel, &mut slope);
                    self.spare.push(slope);
                }
                None => self.gradients[i].0.iter_mut().for_each(|g| g.fill(0.0)),
            }
        }
        self.reduce(samples, parallel);
    }

    /// Adds the shards in order.
    fn reduce(&mut self, samples: usize, parallel: bool) {
        let shards = samples.div_ceil(SHARD);
        let tasks = self.gradients.iter_mut().zip(&self.partial).filter(|(_, p)| !p.is_empty()).collect();
        each(parallel, tasks, |(gradient, partial): (&mut super::Gradient, &Vec<[Vec<f32>; 2]>)| {
            for which in 0..2 {
                let to = &mut gradient.0[which];
                to.copy_from_slice(&partial[0][which]);
                for part in &partial[1..shards] {
                    element::add(&part[which], to);
                }
            }
        });
    }

    fn backward_unit(&mut self, i: usize, samples: usize, parallel: bool, seen: &mut [f32]) {
        let unit = &self.units[i];
        let n_out = unit.out_len();
        let mix = unit.norm.as_ref().map(|norm| {
            let (y, view) = (&self.values[i + 1], &self.views[i + 1]);
            let (mix, gamma, beta) =
                through_norm(unit, &norm.gamma, &self.statistics[i], view, y, seen, samples, parallel);
            (self.gradients[i].0[2], self.gradients[i].0[3]) = (gamma, beta);
            mix
        });
        let slope = Slope { seen, y: &self.values[i + 1], view: &self.views[i + 1], mix: mix.as_ref() };
        let inputs: Vec<Seen<'_>> =
            unit.inputs.iter().map(|v| Seen { raw: &self.values[*v], view: &self.views[*v] }).collect();
        if unit.op == Op::Dense {
            dense_weights(unit, inputs[0], &slope, parallel, &mut self.gradients[i].0);
        }
        let shards = samples.div_ceil(SHARD);
        let kept = !unit.weights.is_empty() && unit.op != Op::Dense;
        if kept && self.partial[i].len() < shards {
            let empty = || [vec![0.0; unit.weights.len()], vec![0.0; unit.bias.len()]];
            self.partial[i].resize_with(shards, empty);
        }
        for (which, value) in unit.inputs.iter().enumerate() {
            let n_in = self.value_len(*value);
            let before = self.slopes[*value].take();
            let add = before.is_some();
            // Nobody asks for the gradient of the input, but most layers find that of their weights on the same way.
            let wanted = *value != 0;
            if !wanted && !kept {
                continue;
            }
            let mut to = before.or_else(|| self.spare.pop()).unwrap_or_default();
            to.resize(if wanted { samples * n_in } else { 0 }, 0.0);
            let mut rooms: Vec<Option<&mut [f32]>> = if wanted {
                to.chunks_mut(SHARD * n_in).map(Some).collect()
            } else {
                (0..shards).map(|_| None).collect()
            };
            let mut partial = self.partial[i].iter_mut();
            let tasks: Vec<_> = rooms
                .iter_mut()
                .enumerate()
                .map(|(shard, to)| (shard, to.take().map(|to| Into { to, add }), partial.next()))
                .collect();
            let (plan, mode) = (self.plans[i].as_ref(), self.mode);
            each(parallel, tasks, |(shard, to, partial)| {
                let own: Vec<Seen<'_>> =
                    inputs.iter().map(|x| x.samples(shard * SHARD, SHARD, x.raw.len() / samples)).collect();
                let slope = slope.samples(shard * SHARD, SHARD, n_out);
                with_scratch(|scratch| match (unit.op, plan, partial) {
                    (Op::Conv(conv), Some(plan), Some(partial)) => {
                        conv_back(unit, plan, &conv, own[0], slope, to, partial, scratch);
                    }
                    (Op::Depthwise(conv), Some(plan), Some(partial)) => {
                        depthwise_back(unit, plan, &conv, own[0], slope, to, partial, scratch);
                    }
                    (Op::Recurrent(_) | Op::LayerNorm, _, Some(partial)) => {
                        sequence_back(unit, own[0], slope, to, partial, scratch);
                    }
                    (Op::Dense, Some(plan), _) => {
                        if let Some(to) = to {
                            dense_inputs(plan, slope, to, scratch);
                        }
                    }
                    _ => {
                        if let Some(to) = to {
                            other(unit, i, which, &own, shard * SHARD, mode, slope, to, scratch);
                        }
                    }
                });
            });
            if wanted {
                self.slopes[*value] = Some(to);
            } else {
                self.spare.push(to);
            }
        }
    }
}

/// Sums over the batch that a normalisation needs; gradients of gamma and beta. `seen` then is before the activation.
fn through_norm(
    unit: &Unit,
    gamma: &[f32],
    statistics: &super::Statistics,
    view: &View,
    y: &[f32],
    seen: &mut [f32],
    samples: usize,
    parallel: bool,
) -> (Mix, Vec<f32>, Vec<f32>) {
    let (n_out, c) = (unit.out_len(), unit.output[2]);
    let centre = element::stretched(statistics.mean.iter().copied(), c);
    let tasks = seen.chunks_mut(SHARD * n_out).zip(y.chunks(SHARD * n_out)).collect();
    let parts = each(parallel, tasks, |(seen, y): (&mut [f32], &[f32])| {
        let mut sums = vec![(0.0, 0.0); c];
        element::slope_sums(view, seen, y, &centre, c, &mut sums);
        sums
    });
    let n = (samples * n_out / c) as f64;
    let mut k = [vec![0.0f32; c], vec![0.0; c], vec![0.0; c]];
    let (mut dgamma, mut dbeta) = (vec![0.0f32; c], vec![0.0f32; c]);
    for j in 0..c {
        let (a, b) = parts.iter().fold((0.0, 0.0), |(a, b), p| (a + p[j].0, b + p[j].1));
        let (mean, inverse) = (f64::from(statistics.mean[j]), f64::from(statistics.inverse[j]));
        // hat = (y - mean) * inverse; dy = gamma * inverse * (g - sum(g) / n - hat * sum(g * hat) / n)
        let hat = b * inverse;
        (dgamma[j], dbeta[j]) = (hat as f32, a as f32);
        let k1 = f64::from(gamma[j]) * inverse;
        let k2 = -k1 * inverse * hat / n;
        (k[0][j], k[1][j], k[2][j]) = (k1 as f32, k2 as f32, (-k1 * a / n - k2 * mean) as f32);
    }
    (Mix(k.map(|k| element::stretched(k.iter().copied(), c))), dgamma, dbeta)
}

/// Adds the sums per channel to `db`.
fn bias(dy: &[f32], db: &mut [f32]) {
    if !db.is_empty() {
        let c = db.len();
        let mut sums = vec![(0.0, 0.0); c];
        element::sums(dy, dy, &vec![0.0; element::stride(c)], c, &mut sums);
        db.iter_mut().zip(sums).for_each(|(b, s)| *b += s.0 as f32);
    }
}

/// Outputs of a dense layer whose weights one task sees to.
const COLUMNS: usize = 12;

/// Gradient of the weights of a dense layer: over the whole batch, in parallel over outputs.
fn dense_weights(unit: &Unit, x: Seen<'_>, slope: &Slope<'_>, parallel: bool, to: &mut [Vec<f32>; 4]) {
    let (k, n) = (unit.in_len(), unit.output[2]);
    let (mut shown, mut before) = (Vec::new(), Vec::new());
    let (x, dy) = (x.shown(&mut shown), slope.before(&mut before));
    let bases: Vec<usize> = (0..dy.len() / n).map(|i| i * k).collect();
    let left = Gathered { x, bases: &bases, segments: &[0], len: k };
    let [dw, db, ..] = to;
    db.fill(0.0);
    bias(dy, db);
    let tasks: Vec<_> = dw.chunks_mut(COLUMNS * k).enumerate().collect();
    each(parallel && k * dy.len() > 1 << 16, tasks, |(i, dw)| {
        let first = i * COLUMNS;
        matrix::gradient(&left, dy, n, first..first + dw.len() / k, false, dw);
    });
}

fn dense_inputs(plan: &Plan, slope: Slope<'_>, to: Into<'_>, scratch: &mut Scratch) {
    let n = plan.backward.rows;
    let dy = slope.before(&mut scratch.dy);
    let rows = dy.len() / n;
    let bases: Vec<usize> = (0..rows).map(|i| i * n).collect();
    multiply(dy, &bases, &[0], n, &plan.backward, to.add, to.to);
}

fn multiply(
    x: &[f32],
    bases: &[usize],
    segments: &[usize],
    len: usize,
    right: &Panels,
    add: bool,
    out: &mut [f32],
) {
    matrix::multiply(&Gathered { x, bases, segments, len }, right, &[], add, out);
}

fn conv_back(
    unit: &Unit,
    plan: &Plan,
    conv: &Conv,
    x: Seen<'_>,
    slope: Slope<'_>,
    mut to: Option<Into<'_>>,
    [dw, db]: &mut [Vec<f32>; 2],
    scratch: &mut Scratch,
) {
    let (n_in, n_out, n) = (unit.in_len(), unit.out_len(), unit.output[2]);
    let c = unit.input[2];
    let samples = slope.y.len() / n_out;
    let positions = n_out / n;
    db.fill(0.0);
    let mut first = 0;
    while first < samples {
        let count = plan.group.min(samples - first);
        let dy = slope.samples(first, count, n_out).before(&mut scratch.dy);
        let x = left(unit, plan, x.samples(first, count, n_in), &mut scratch.left, &mut scratch.image);
        matrix::gradient(&gathered(plan, x, count * positions), dy, n, 0..n, first > 0, dw);
        bias(dy, db);
        if let Some(Into { to, add }) = &mut to {
            for s in 0..count {
                let dy = &dy[s * n_out..][..n_out];
                let to = &mut to[(first + s) * n_in..][..n_in];
                match &plan.back {
                    Back::Direct => {
                        let bases = room_bases(positions, n);
                        multiply(dy, &bases, &[0], n, &plan.backward, *add, to);
                    }
                    Back::Turned(g) => {
                        let framed = room(&mut scratch.framed, g.frame_len());
                        frame(Seen { raw: dy, view: &View::default() }, unit.output, g, framed);
                        multiply(framed, &g.bases, &g.segments, g.len, &plan.backward, *add, to);
                    }
                    Back::Scatter => {
                        let k = plan.backward.columns;
                        let rows = room(&mut scratch.rows, positions * k);
                        let bases = room_bases(positions, n);
                        multiply(dy, &bases, &[0], n, &plan.backward, false, rows);
                        let width = plan.gather.frame[1];
                        let framed = room(&mut scratch.framed, plan.gather.frame_len());
                        framed.fill(0.0);
                        let offsets = taps(conv, width, c);
                        for (position, row) in rows.chunks_exact(k).enumerate() {
                            let (oy, ox) = (position / unit.output[1], position % unit.output[1]);
                            let base = (oy * conv.stride[0] * width + ox * conv.stride[1]) * c;
                            for (offset, row) in offsets.iter().zip(row.chunks_exact(c)) {
                                element::add(row, &mut framed[base + offset..][..c]);
                            }
                        }
                        unframe(framed, plan, unit.input, *add, to);
                    }
                }
            }
        }
        first += count;
    }
}

fn room_bases(rows: usize, step: usize) -> Vec<usize> {
    (0..rows).map(|i| i * step).collect()
}

/// The image out of its frame.
fn unframe(framed: &[f32], plan: &Plan, [h, w, c]: [usize; 3], add: bool, to: &mut [f32]) {
    let [rows, columns, _] = plan.gather.frame;
    let [top, left] = plan.gather.origin;
    if !add {
        to.fill(0.0);
    }
    let width = w.min(columns.saturating_sub(left));
    for y in 0..h.min(rows.saturating_sub(top)) {
        element::add(
            &framed[((y + top) * columns + left) * c..][..width * c],
            &mut to[y * w * c..][..width * c],
        );
    }
}

fn depthwise_back(
    unit: &Unit,
    plan: &Plan,
    conv: &Conv,
    x: Seen<'_>,
    slope: Slope<'_>,
    mut to: Option<Into<'_>>,
    [dw, db]: &mut [Vec<f32>; 2],
    scratch: &mut Scratch,
) {
    let (n_in, n_out, c) = (unit.in_len(), unit.out_len(), unit.output[2]);
    dw.fill(0.0);
    db.fill(0.0);
    let offsets = taps(conv, plan.gather.frame[1], c);
    let own = depthwise_taps(unit, conv, &plan.gather, &offsets);
    for s in 0..slope.y.len() / n_out {
        let dy = slope.samples(s, 1, n_out).before(&mut scratch.dy);
        let x = left(unit, plan, x.samples(s, 1, n_in), &mut scratch.left, &mut scratch.image);
        depthwise::gradient(x, &own, dy, dw);
        bias(dy, db);
        let Some(Into { to, add }) = &mut to else { continue };
        let to = &mut to[s * n_in..][..n_in];
        if let Back::Turned(g) = &plan.back {
            let framed = room(&mut scratch.framed, g.frame_len());
            frame(Seen { raw: dy, view: &View::default() }, unit.output, g, framed);
            let offsets = taps(conv, g.frame[1], c);
            let turned = Taps {
                outputs: [unit.input[0], unit.input[1]],
                steps: [g.frame[1] * c, c],
                offsets: &offsets,
                channels: c,
            };
            depthwise::forward(framed, &turned, &plan.turned, &[], *add, to);
        } else {
            let direct = plan.layout == Layout::Direct;
            if direct && !*add {
                to.fill(0.0);
            }
            if direct {
                depthwise::scatter(to, &own, &unit.weights, dy);
            } else {
                let framed = room(&mut scratch.framed, plan.gather.frame_len());
                framed.fill(0.0);
                depthwise::scatter(framed, &own, &unit.weights, dy);
                unframe(framed, plan, unit.input, *add, to);
            }
        }
    }
}

/// Recurrent layers and layer normalisations.
fn sequence_back(
    unit: &Unit,
    x: Seen<'_>,
    slope: Slope<'_>,
    mut to: Option<Into<'_>>,
    partial: &mut [Vec<f32>; 2],
    scratch: &mut Scratch,
) {
    let (n_in, n_out) = (unit.in_len(), unit.out_len());
    partial.iter_mut().for_each(|p| p.fill(0.0));
    for s in 0..slope.y.len() / n_out {
        let dy = slope.samples(s, 1, n_out).before(&mut scratch.dy);
        let x = x.samples(s, 1, n_in).shown(&mut scratch.left);
        let to = to.as_mut().map(|Into { to, add }| {
            let to = &mut to[s * n_in..][..n_in];
            if !*add {
                to.fill(0.0);
            }
            to
        });
        let (w, b) = (&unit.weights, &unit.bias);
        match unit.op {
            Op::Recurrent(cell) => {
                recurrent::backward(&cell, x, unit.input[2], w, b, dy, &mut scratch.trace, partial, to)
            }
            _ => layer_norm::backward(x, w, dy, partial, to),
        }
    }
}

/// Units without weights. `which` of the inputs is asked for.
fn other(
    unit: &Unit,
    number: usize,
    which: usize,
    inputs: &[Seen<'_>],
    first: usize,
    mode: Mode,
    slope: Slope<'_>,
    Into { to, add }: Into<'_>,
    scratch: &mut Scratch,
) {
    let (n_in, n_out, c) = (unit.in_len(), unit.out_len(), unit.output[2]);
    let dy = slope.before(&mut scratch.dy);
    if !add {
        to.fill(0.0);
    }
    match unit.op {
        Op::MaxPool(p) => {
            let left = room(&mut scratch.rows, c);
            for (s, to) in to.chunks_mut(n_in).enumerate() {
                let x = inputs[0].samples(s, 1, n_in).shown(&mut scratch.left);
                let at = s * n_out..(s + 1) * n_out;
                let mut y = &slope.y[at.clone()];
                if element::function(inputs[0].view.activation).is_some() {
                    // Integers have these functions in tables: what is the largest is found among what is seen here.
                    let found = room(&mut scratch.framed, n_out);
                    pool::largest(x, &p, found);
                    y = found;
                }
                pool::largest_back(x, y, &dy[at], &p, left, to);
            }
        }
        Op::AveragePool(p) => {
            for (to, dy) in to.chunks_mut(n_in).zip(dy.chunks(n_out)) {
                pool::mean_back(dy, &p, to);
            }
        }
        Op::Attention(heads) => {
            for (s, (to, dy)) in to.chunks_mut(n_in).zip(dy.chunks(n_out)).enumerate() {
                let part = |i: usize| inputs[i].samples(s, 1, n_in);
                let (q, k) = (part(0), part(1));
                let (q, k) = (q.shown(&mut scratch.left), k.shown(&mut scratch.image));
                let v = part(2);
                let v = v.shown(&mut scratch.rows);
                attention::backward(&heads, [q, k, v], dy, which, &mut scratch.attention, to);
            }
        }
        Op::Concat => {
            let width = |x: &Seen<'_>| x.raw.len() * c / dy.len();
            let at: usize = inputs[..which].iter().map(width).sum();
            let own = width(&inputs[which]);
            for (to, dy) in to.chunks_exact_mut(own).zip(dy.chunks_exact(c)) {
                element::add(&dy[at..at + own], to);
            }
        }
        Op::Resize => {
            for (to, dy) in to.chunks_mut(n_in).zip(dy.chunks(n_out)) {
                pool::resize(unit.input, unit.output, |o, i, w| {
                    for (to, dy) in to[i..i + c].iter_mut().zip(&dy[o..o + c]) {
                        *to += dy * w;
                    }
                });
            }
        }
        Op::Dropout(rate) => {
            let keep = 1.0 / (1.0 - rate);
            for (s, (to, dy)) in to.chunks_mut(n_in).zip(dy.chunks(n_in)).enumerate() {
                match mode {
                    Mode::Use => element::add(dy, to),
                    Mode::Training { seed, step } => {
                        let mut stream = draws(seed, step, number, first + s);
                        for (to, dy) in to.iter_mut().zip(dy) {
                            *to += if stream.unit() < rate { 0.0 } else { dy * keep };
                        }
                    }
                }
            }
        }
        _ => element::add(dy, to),
    }
}
