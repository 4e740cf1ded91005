//! Forward and backward passes of one shard (some samples of a batch), channels last.

use crate::{
    layers::{Conv, EPSILON, Kind, Node, Pool},
    rng::Stream,
    spec::Activation,
};

/// `c[m x n] = a[m x k] * b[k x n] + beta * c`, with row and column strides of a and b.
fn matmul(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    (a_row, a_col): (usize, usize),
    b: &[f32],
    (b_row, b_col): (usize, usize),
    c: &mut [f32],
    beta: f32,
) {
    if m == 0 || n == 0 {
        return;
    }
    debug_assert!(c.len() >= m * n);
    debug_assert!(k == 0 || a.len() > (m - 1) * a_row + (k - 1) * a_col);
    debug_assert!(k == 0 || b.len() > (k - 1) * b_row + (n - 1) * b_col);
    // SAFETY: the assertions above say that every element that is read or written lies in its slice; callers derive
    // sizes and strides from the shapes that made the slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            beta != 0.0,
            a.as_ptr(),
            a_col as isize,
            a_row as isize,
            b.as_ptr(),
            b_col as isize,
            b_row as isize,
            beta,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Rows of patches under the kernel: `[out_h * out_w, kh * kw * c]` of one sample.
fn patches(node: &Node, conv: &Conv, x: &[f32], out: &mut Vec<f32>) {
    let [h, w, c] = node.input;
    out.clear();
    for oy in 0..node.output[0] {
        for ox in 0..node.output[1] {
            for ky in 0..conv.kernel[0] {
                let y = (oy * conv.stride[0] + ky * conv.dilation[0]).wrapping_sub(conv.pad[0]);
                for kx in 0..conv.kernel[1] {
                    let xx = (ox * conv.stride[1] + kx * conv.dilation[1]).wrapping_sub(conv.pad[1]);
                    if y < h && xx < w {
                        out.extend_from_slice(&x[(y * w + xx) * c..][..c]);
                    } else {
                        out.extend(std::iter::repeat_n(0.0, c));
                    }
                }
            }
        }
    }
}

/// Adds rows of patches back to where they came from.
fn unpatch(node: &Node, conv: &Conv, rows: &[f32], dx: &mut [f32]) {
    let [h, w, c] = node.input;
    let mut at = 0;
    for oy in 0..node.output[0] {
        for ox in 0..node.output[1] {
            for ky in 0..conv.kernel[0] {
                let y = (oy * conv.stride[0] + ky * conv.dilation[0]).wrapping_sub(conv.pad[0]);
                for kx in 0..conv.kernel[1] {
                    let xx = (ox * conv.stride[1] + kx * conv.dilation[1]).wrapping_sub(conv.pad[1]);
                    if y < h && xx < w {
                        let to = &mut dx[(y * w + xx) * c..][..c];
                        for (d, r) in to.iter_mut().zip(&rows[at..at + c]) {
                            *d += r;
                        }
                    }
                    at += c;
                }
            }
        }
    }
}

/// Whether the patches of a convolution are its input as it lies.
fn pointwise(node: &Node, conv: &Conv) -> bool {
    conv.kernel == [1, 1] && conv.stride == [1, 1] && node.input[..2] == node.output[..2]
}

/// Calls `f` with output offset, input offset and kernel offset for each element under a depthwise kernel.
fn depthwise_taps(node: &Node, conv: &Conv, mut f: impl FnMut(usize, usize, usize)) {
    let [h, w, c] = node.input;
    for oy in 0..node.output[0] {
        for ox in 0..node.output[1] {
            for ky in 0..conv.kernel[0] {
                let y = (oy * conv.stride[0] + ky * conv.dilation[0]).wrapping_sub(conv.pad[0]);
                for kx in 0..conv.kernel[1] {
                    let xx = (ox * conv.stride[1] + kx * conv.dilation[1]).wrapping_sub(conv.pad[1]);
                    if y < h && xx < w {
                        f((oy * node.output[1] + ox) * c, (y * w + xx) * c, (ky * conv.kernel[1] + kx) * c);
                    }
                }
            }
        }
    }
}

/// Calls `f` with output offset and input offset for each element under a pooling patch.
fn pool_taps(node: &Node, pool: &Pool, mut f: impl FnMut(usize, usize)) {
    let [_, w, c] = node.input;
    for oy in 0..node.output[0] {
        for ox in 0..node.output[1] {
            for ky in 0..pool.size[0] {
                for kx in 0..pool.size[1] {
                    let (y, xx) = (oy * pool.stride[0] + ky, ox * pool.stride[1] + kx);
                    f((oy * node.output[1] + ox) * c, (y * w + xx) * c);
                }
            }
        }
    }
}

/// Per-channel factors of batch normalisation: mean and 1 / deviation.
pub(crate) struct Statistics {
    pub mean: Vec<f32>,
    pub inverse: Vec<f32>,
}

impl Statistics {
    pub fn running(node: &Node) -> Self {
        let c = node.output[2];
        Self {
            mean: node.running[..c].to_vec(),
            inverse: node.running[c..].iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect(),
        }
    }
}

/// Forward pass of the samples in `x`. `dropout` names the stream of each sample in training.
pub(crate) fn forward(
    node: &Node,
    x: &[f32],
    y: &mut [f32],
    statistics: Option<&Statistics>,
    dropout: Option<&dyn Fn(usize) -> Stream>,
) {
    let (n_in, n_out, c) = (node.in_len(), node.out_len(), node.output[2]);
    match &node.kind {
        Kind::Dense => {
            for out in y.chunks_exact_mut(c) {
                out.copy_from_slice(&node.bias);
            }
            matmul(x.len() / n_in, c, n_in, x, (n_in, 1), &node.weights, (1, n_in), y, 1.0);
        }
        Kind::Conv(conv) if conv.depthwise => {
            for (x, y) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_out)) {
                for out in y.chunks_exact_mut(c) {
                    out.copy_from_slice(&node.bias);
                }
                depthwise_taps(node, conv, |o, i, k| {
                    let (y, x, w) = (&mut y[o..o + c], &x[i..i + c], &node.weights[k..k + c]);
                    for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                        *y += x * w;
                    }
                });
            }
        }
        Kind::Conv(conv) => {
            for out in y.chunks_exact_mut(c) {
                out.copy_from_slice(&node.bias);
            }
            let k = node.weights.len() / c;
            if pointwise(node, conv) {
                matmul(x.len() / k, c, k, x, (k, 1), &node.weights, (1, k), y, 1.0);
                return;
            }
            let mut rows = Vec::new();
            for (x, y) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_out)) {
                patches(node, conv, x, &mut rows);
                matmul(n_out / c, c, k, &rows, (k, 1), &node.weights, (1, k), y, 1.0);
            }
        }
        Kind::Pool(pool) => {
            for (x, y) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_out)) {
                if pool.max {
                    y.fill(f32::NEG_INFINITY);
                    pool_taps(node, pool, |o, i| {
                        for (y, x) in y[o..o + c].iter_mut().zip(&x[i..i + c]) {
                            *y = y.max(*x);
                        }
                    });
                } else {
                    y.fill(0.0);
                    pool_taps(node, pool, |o, i| {
                        for (y, x) in y[o..o + c].iter_mut().zip(&x[i..i + c]) {
                            *y += x;
                        }
                    });
                    let share = 1.0 / (pool.size[0] * pool.size[1]) as f32;
                    y.iter_mut().for_each(|y| *y *= share);
                }
            }
        }
        Kind::BatchNorm => {
            let own;
            let s = match statistics {
                Some(s) => s,
                None => {
                    own = Statistics::running(node);
                    &own
                }
            };
            for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
                for i in 0..c {
                    y[i] = (x[i] - s.mean[i]) * s.inverse[i] * node.weights[i] + node.bias[i];
                }
            }
        }
        Kind::Activation(activation) => {
            let high = if *activation == Activation::Relu6 { 6.0 } else { f32::INFINITY };
            for (x, y) in x.iter().zip(y) {
                *y = x.max(0.0).min(high);
            }
        }
        Kind::Dropout(rate) => match dropout {
            None => y.copy_from_slice(x),
            Some(stream) => {
                let keep = 1.0 / (1.0 - rate);
                for (i, (x, y)) in x.chunks_exact(n_in).zip(y.chunks_exact_mut(n_in)).enumerate() {
                    let mut stream = stream(i);
                    for (x, y) in x.iter().zip(y) {
                        *y = if stream.unit() < *rate { 0.0 } else { x * keep };
                    }
                }
            }
        },
        Kind::Reshape => y.copy_from_slice(x),
    }
}

/// Sums that the backward pass of batch normalisation needs of the whole batch: gradient of beta, gradient of gamma.
pub(crate) fn norm_sums(node: &Node, x: &[f32], dy: &[f32], s: &Statistics) -> (Vec<f64>, Vec<f64>) {
    let c = node.output[2];
    let (mut beta, mut gamma) = (vec![0.0f64; c], vec![0.0f64; c]);
    for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
        for i in 0..c {
            beta[i] += f64::from(dy[i]);
            gamma[i] += f64::from(dy[i] * (x[i] - s.mean[i]) * s.inverse[i]);
        }
    }
    (beta, gamma)
}

/// Backward pass of batch normalisation, given the sums over the batch (of `count` positions).
pub(crate) fn norm_backward(
    node: &Node,
    x: &[f32],
    dy: &[f32],
    s: &Statistics,
    (beta, gamma): (&[f32], &[f32]),
    count: f32,
    dx: &mut [f32],
) {
    let c = node.output[2];
    for ((x, dy), dx) in x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
        for i in 0..c {
            let hat = (x[i] - s.mean[i]) * s.inverse[i];
            dx[i] = node.weights[i] * s.inverse[i] * (dy[i] - beta[i] / count - hat * gamma[i] / count);
        }
    }
}

/// Backward pass of every other node. Adds to the gradients of weights and bias; writes `dx` when there is one.
pub(crate) fn backward(
    node: &Node,
    x: &[f32],
    y: &[f32],
    dy: &[f32],
    mut dx: Option<&mut [f32]>,
    dw: &mut [f32],
    db: &mut [f32],
    dropout: Option<&dyn Fn(usize) -> Stream>,
) {
    let (n_in, n_out, c) = (node.in_len(), node.out_len(), node.output[2]);
    if !db.is_empty() {
        for dy in dy.chunks_exact(c) {
            for (b, d) in db.iter_mut().zip(dy) {
                *b += d;
            }
        }
    }
    match &node.kind {
        Kind::Dense => {
            let samples = x.len() / n_in;
            matmul(c, n_in, samples, dy, (1, c), x, (n_in, 1), dw, 1.0);
            if let Some(dx) = dx {
                matmul(samples, n_in, c, dy, (c, 1), &node.weights, (n_in, 1), dx, 0.0);
            }
        }
        Kind::Conv(conv) if conv.depthwise => {
            if let Some(dx) = dx.as_deref_mut() {
                dx.fill(0.0);
            }
            for sample in 0..x.len() / n_in {
                let x = &x[sample * n_in..][..n_in];
                let dy = &dy[sample * n_out..][..n_out];
                depthwise_taps(node, conv, |o, i, k| {
                    let (dy, x, dw) = (&dy[o..o + c], &x[i..i + c], &mut dw[k..k + c]);
                    for ((dw, x), dy) in dw.iter_mut().zip(x).zip(dy) {
                        *dw += x * dy;
                    }
                });
                if let Some(dx) = dx.as_deref_mut() {
                    let dx = &mut dx[sample * n_in..][..n_in];
                    depthwise_taps(node, conv, |o, i, k| {
                        let (dy, w) = (&dy[o..o + c], &node.weights[k..k + c]);
                        for ((dx, w), dy) in dx[i..i + c].iter_mut().zip(w).zip(dy) {
                            *dx += w * dy;
                        }
                    });
                }
            }
        }
        Kind::Conv(conv) => {
            let k = node.weights.len() / c;
            if pointwise(node, conv) {
                let rows = x.len() / k;
                matmul(c, k, rows, dy, (1, c), x, (k, 1), dw, 1.0);
                if let Some(dx) = dx {
                    matmul(rows, k, c, dy, (c, 1), &node.weights, (k, 1), dx, 0.0);
                }
                return;
            }
            let positions = n_out / c;
            let mut rows = Vec::new();
            for sample in 0..x.len() / n_in {
                let dy = &dy[sample * n_out..][..n_out];
                patches(node, conv, &x[sample * n_in..][..n_in], &mut rows);
                matmul(c, k, positions, dy, (1, c), &rows, (k, 1), dw, 1.0);
                if let Some(dx) = dx.as_deref_mut() {
                    let dx = &mut dx[sample * n_in..][..n_in];
                    matmul(positions, k, c, dy, (c, 1), &node.weights, (k, 1), &mut rows, 0.0);
                    dx.fill(0.0);
                    unpatch(node, conv, &rows, dx);
                }
            }
        }
        Kind::Pool(pool) => {
            let Some(dx) = dx else { return };
            dx.fill(0.0);
            let share = 1.0 / (pool.size[0] * pool.size[1]) as f32;
            for sample in 0..x.len() / n_in {
                let x = &x[sample * n_in..][..n_in];
                let (y, dy) = (&y[sample * n_out..][..n_out], &dy[sample * n_out..][..n_out]);
                let dx = &mut dx[sample * n_in..][..n_in];
                if pool.max {
                    // The first of equals takes the gradient.
                    let mut given = vec![false; n_out];
                    pool_taps(node, pool, |o, i| {
                        for j in 0..c {
                            if x[i + j] == y[o + j] && !given[o + j] {
                                given[o + j] = true;
                                dx[i + j] += dy[o + j];
                            }
                        }
                    });
                } else {
                    pool_taps(node, pool, |o, i| {
                        for j in 0..c {
                            dx[i + j] += dy[o + j] * share;
                        }
                    });
                }
            }
        }
        Kind::Activation(activation) => {
            let Some(dx) = dx else { return };
            let high = if *activation == Activation::Relu6 { 6.0 } else { f32::INFINITY };
            for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = if *x > 0.0 && *x < high { *dy } else { 0.0 };
            }
        }
        Kind::Dropout(rate) => {
            let Some(dx) = dx else { return };
            let Some(stream) = dropout else {
                dx.copy_from_slice(dy);
                return;
            };
            let keep = 1.0 / (1.0 - rate);
            for (i, (dx, dy)) in dx.chunks_exact_mut(n_in).zip(dy.chunks_exact(n_in)).enumerate() {
                let mut stream = stream(i);
                for (dx, dy) in dx.iter_mut().zip(dy) {
                    *dx = if stream.unit() < *rate { 0.0 } else { dy * keep };
                }
            }
        }
        Kind::Reshape => {
            if let Some(dx) = dx {
                dx.copy_from_slice(dy);
            }
        }
        // Needs sums over the whole batch: `norm_backward`.
        Kind::BatchNorm => {}
    }
}
