//! Recurrent layers over the steps of one sample, forward and back through time.
//!
//! Weights lie as `[values + units, gates * units]`: one row per input, so that loops run over outputs that do not depend on each other.
//! The hidden value and the cell are 0 before the first step.

use super::for_each_processor;
use edgewright_kernels::unary::{self, Function};

/// Which cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Gates input, forget, cell, output (Hochreiter and Schmidhuber, 1997; Gers and others, 2000).
    Lstm,
    /// Gates update, reset, candidate (Cho and others, 2014), with the reset behind the product. The candidate's bias stands outside it.
    Gru,
}

/// Geometry of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub kind: Kind,
    /// Width of the state.
    pub units: usize,
    /// Every step answers, not only the last.
    pub sequences: bool,
}

impl Kind {
    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

for_each_processor! {
    /// `out += sum over k of x[k] * rows[k]`.
    pub(crate) fn accumulate(x: &[f32], rows: &[f32], out: &mut [f32]) {
        for (x, row) in x.iter().zip(rows.chunks_exact(out.len())) {
            for (out, w) in out.iter_mut().zip(row) {
                *out += x * w;
            }
        }
    }
}

for_each_processor! {
    /// `out[k] += rows[k] . dz`, in eight sums that are joined in order.
    pub(crate) fn back(rows: &[f32], dz: &[f32], out: &mut [f32]) {
        for (out, row) in out.iter_mut().zip(rows.chunks_exact(dz.len())) {
            let mut sums = [0.0f32; 8];
            let (row8, dz8) = (row.chunks_exact(8), dz.chunks_exact(8));
            for (i, (a, b)) in row8.remainder().iter().zip(dz8.remainder()).enumerate() {
                sums[i] += a * b;
            }
            for (a, b) in row8.zip(dz8) {
                for i in 0..8 {
                    sums[i] += a[i] * b[i];
                }
            }
            *out += ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
        }
    }
}

for_each_processor! {
    /// `rows[k] += x[k] * dz`.
    pub(crate) fn outer(x: &[f32], dz: &[f32], rows: &mut [f32]) {
        for (x, row) in x.iter().zip(rows.chunks_exact_mut(dz.len())) {
            for (w, dz) in row.iter_mut().zip(dz) {
                *w += x * dz;
            }
        }
    }
}

/// What a forward pass leaves for the way back; one entry per step.
#[derive(Default)]
pub(crate) struct Trace {
    /// Gates behind their functions, `[steps, gates * units]`.
    gates: Vec<f32>,
    /// Hidden values, `[steps, units]`.
    hidden: Vec<f32>,
    /// Cells of an LSTM; of a GRU what the hidden value gives to the candidate before the reset.
    inner: Vec<f32>,
}

fn logistic(x: f32) -> f32 {
    unary::apply(Function::Logistic, x)
}

fn tanh(x: f32) -> f32 {
    unary::apply(Function::Tanh, x)
}

/// What the step before `t` left.
fn before<'a>(all: &'a [f32], t: usize, zeros: &'a [f32]) -> &'a [f32] {
    let u = zeros.len();
    if t == 0 { zeros } else { &all[(t - 1) * u..][..u] }
}

/// Runs the steps of `x` (`[steps, values]`).
fn run(cell: &Cell, x: &[f32], values: usize, weights: &[f32], bias: &[f32], trace: &mut Trace) {
    let (u, wide) = (cell.units, cell.kind.gates() * cell.units);
    let steps = x.len() / values;
    let (w, r) = weights.split_at(values * wide);
    for (v, n) in
        [(&mut trace.gates, steps * wide), (&mut trace.hidden, steps * u), (&mut trace.inner, steps * u)]
    {
        v.clear();
        v.resize(n, 0.0);
    }
    let zeros = vec![0.0; u];
    let mut recurrent = vec![0.0; wide];
    for (t, x) in x.chunks_exact(values).enumerate() {
        let (earlier, now) = trace.hidden.split_at_mut(t * u);
        let (h, hidden) = (before(earlier, t, &zeros), &mut now[..u]);
        let (earlier, now) = trace.inner.split_at_mut(t * u);
        let inner = &mut now[..u];
        let g = &mut trace.gates[t * wide..][..wide];
        g.copy_from_slice(bias);
        accumulate(x, w, g);
        match cell.kind {
            Kind::Lstm => {
                accumulate(h, r, g);
                let c = before(earlier, t, &zeros);
                for (i, v) in g.iter_mut().enumerate() {
                    *v = if i / u == 2 { tanh(*v) } else { logistic(*v) };
                }
                for j in 0..u {
                    inner[j] = g[u + j] * c[j] + g[j] * g[2 * u + j];
                    hidden[j] = g[3 * u + j] * tanh(inner[j]);
                }
            }
            Kind::Gru => {
                recurrent.fill(0.0);
                accumulate(h, r, &mut recurrent);
                inner.copy_from_slice(&recurrent[2 * u..]);
                for j in 0..u {
                    let update = logistic(g[j] + recurrent[j]);
                    let reset = logistic(g[u + j] + recurrent[u + j]);
                    let candidate = tanh(g[2 * u + j] + reset * inner[j]);
                    (g[j], g[u + j], g[2 * u + j]) = (update, reset, candidate);
                    hidden[j] = candidate + update * (h[j] - candidate);
                }
            }
        }
    }
}

/// Hidden values of `x` (`[steps, values]`): all, or the last.
pub(crate) fn forward(
    cell: &Cell,
    x: &[f32],
    values: usize,
    weights: &[f32],
    bias: &[f32],
    trace: &mut Trace,
    y: &mut [f32],
) {
    run(cell, x, values, weights, bias, trace);
    y.copy_from_slice(&trace.hidden[trace.hidden.len() - y.len()..]);
}

/// Adds the gradients of one sample to those of weights and bias, and to `dx` where that is wanted.
pub(crate) fn backward(
    cell: &Cell,
    x: &[f32],
    values: usize,
    weights: &[f32],
    bias: &[f32],
    dy: &[f32],
    trace: &mut Trace,
    [dw, db]: &mut [Vec<f32>; 2],
    mut dx: Option<&mut [f32]>,
) {
    run(cell, x, values, weights, bias, trace);
    let (u, wide) = (cell.units, cell.kind.gates() * cell.units);
    let steps = x.len() / values;
    let (w, r) = weights.split_at(values * wide);
    let (dw, dr) = dw.split_at_mut(values * wide);
    let zeros = vec![0.0; u];
    // Gradients of the hidden value and the cell that later steps ask for.
    let (mut dh, mut dc) = (vec![0.0; u], vec![0.0; u]);
    // Gradients before the functions of the gates: as x and as the hidden value see them.
    let (mut dz, mut dq) = (vec![0.0; wide], vec![0.0; wide]);
    for t in (0..steps).rev() {
        let h = before(&trace.hidden, t, &zeros);
        let g = &trace.gates[t * wide..][..wide];
        if cell.sequences {
            dh.iter_mut().zip(&dy[t * u..]).for_each(|(a, b)| *a += b);
        } else if t + 1 == steps {
            dh.copy_from_slice(dy);
        }
        match cell.kind {
            Kind::Lstm => {
                let (c, now) = (before(&trace.inner, t, &zeros), &trace.inner[t * u..]);
                for j in 0..u {
                    let (i, f, new, o) = (g[j], g[u + j], g[2 * u + j], g[3 * u + j]);
                    let shown = tanh(now[j]);
                    let d = dc[j] + dh[j] * o * (1.0 - shown * shown);
                    dz[j] = d * new * i * (1.0 - i);
                    dz[u + j] = d * c[j] * f * (1.0 - f);
                    dz[2 * u + j] = d * i * (1.0 - new * new);
                    dz[3 * u + j] = dh[j] * shown * o * (1.0 - o);
                    dc[j] = d * f;
                }
                dh.fill(0.0);
                dq.copy_from_slice(&dz);
            }
            Kind::Gru => {
                let inner = &trace.inner[t * u..];
                for j in 0..u {
                    let (update, reset, candidate) = (g[j], g[u + j], g[2 * u + j]);
                    let d = dh[j] * (1.0 - update) * (1.0 - candidate * candidate);
                    dz[j] = dh[j] * (h[j] - candidate) * update * (1.0 - update);
                    dz[u + j] = d * inner[j] * reset * (1.0 - reset);
                    dz[2 * u + j] = d;
                    dq[j] = dz[j];
                    dq[u + j] = dz[u + j];
                    dq[2 * u + j] = d * reset;
                    dh[j] *= update;
                }
            }
        }
        let x = &x[t * values..][..values];
        outer(x, &dz, dw);
        db.iter_mut().zip(&dz).for_each(|(b, d)| *b += d);
        if let Some(dx) = &mut dx {
            back(w, &dz, &mut dx[t * values..][..values]);
        }
        if t > 0 {
            outer(h, &dq, dr);
            back(r, &dq, &mut dh);
        }
    }
}
