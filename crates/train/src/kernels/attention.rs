//! Attention of the steps of one sample to each other (Vaswani and others, 2017): queries, keys and values lie as `[steps, heads * key]`.
//!
//! The factor 1 / sqrt(key) is not here: it is in the weights that queries are drawn with, as in T5 (Raffel and others, 2020), so that a
//! device does not multiply by it.

use super::recurrent::{accumulate, back, outer};
use edgewright_kernels::softmax_f32;

/// Geometry of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heads {
    /// How many look at the steps, each in its own way.
    pub count: usize,
    /// Width of the queries, keys and values of each.
    pub key: usize,
}

impl Heads {
    pub fn width(&self) -> usize {
        self.count * self.key
    }

    /// Columns of one head out of rows of all.
    fn part<'a>(&self, all: &'a [f32], head: usize, out: &'a mut Vec<f32>) -> &'a [f32] {
        if self.count == 1 {
            return all;
        }
        out.clear();
        let rows = all.chunks_exact(self.width());
        rows.for_each(|row| out.extend_from_slice(&row[head * self.key..][..self.key]));
        out
    }

    /// Adds the rows of one head to those of all.
    fn add_part(&self, part: &[f32], head: usize, all: &mut [f32]) {
        for (part, row) in part.chunks_exact(self.key).zip(all.chunks_exact_mut(self.width())) {
            row[head * self.key..][..self.key].iter_mut().zip(part).for_each(|(a, b)| *a += b);
        }
    }
}

/// Buffers of one sample.
#[derive(Default)]
pub(crate) struct Room {
    parts: [Vec<f32>; 4],
    /// How much each step takes from each.
    shares: Vec<f32>,
    slopes: Vec<f32>,
    sums: Vec<f32>,
}

fn cleared(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    v.clear();
    v.resize(n, 0.0);
    v
}

/// Row by row of queries, what each takes of each step.
fn shares(queries: &[f32], keys: &[f32], width: usize, sums: &mut Vec<f32>, out: &mut Vec<f32>) {
    let steps = keys.len() / width;
    out.clear();
    for query in queries.chunks_exact(width) {
        let sums = cleared(sums, steps);
        back(keys, query, sums);
        let from = out.len();
        out.resize(from + steps, 0.0);
        softmax_f32(sums, &mut out[from..]);
    }
}

/// What each step makes of all of them.
pub(crate) fn forward(heads: &Heads, [q, k, v]: [&[f32]; 3], room: &mut Room, y: &mut [f32]) {
    y.fill(0.0);
    let steps = y.len() / heads.width();
    for head in 0..heads.count {
        let [a, b, c, to] = &mut room.parts;
        let (q, k, v) = (heads.part(q, head, a), heads.part(k, head, b), heads.part(v, head, c));
        shares(q, k, heads.key, &mut room.sums, &mut room.shares);
        let to = cleared(to, steps * heads.key);
        for (shares, to) in room.shares.chunks_exact(steps).zip(to.chunks_exact_mut(heads.key)) {
            accumulate(shares, v, to);
        }
        heads.add_part(to, head, y);
    }
}

/// Adds the gradient of the queries (0), the keys (1) or the values (2) to `to`.
pub(crate) fn backward(
    heads: &Heads,
    [q, k, v]: [&[f32]; 3],
    dy: &[f32],
    which: usize,
    room: &mut Room,
    to: &mut [f32],
) {
    let (steps, key) = (dy.len() / heads.width(), heads.key);
    let mut part = Vec::new();
    for head in 0..heads.count {
        let [a, b, c, d] = &mut room.parts;
        let (q, k) = (heads.part(q, head, a), heads.part(k, head, b));
        let (v, dy) = (heads.part(v, head, c), heads.part(dy, head, d));
        shares(q, k, key, &mut room.sums, &mut room.shares);
        let made = cleared(&mut part, steps * key);
        for t in 0..steps {
            let (shares, dy) = (&room.shares[t * steps..][..steps], &dy[t * key..][..key]);
            if which == 2 {
                outer(shares, dy, made);
                continue;
            }
            // Through the softmax: share * (slope - sum of shares * slopes).
            let slopes = cleared(&mut room.slopes, steps);
            back(v, dy, slopes);
            let mean: f32 = shares.iter().zip(&*slopes).map(|(s, d)| s * d).sum();
            slopes.iter_mut().zip(shares).for_each(|(d, s)| *d = s * (*d - mean));
            if which == 0 {
                accumulate(slopes, k, &mut made[t * key..][..key]);
            } else {
                outer(slopes, &q[t * key..][..key], made);
            }
        }
        heads.add_part(made, head, to);
    }
}
