//! Layer normalisation (Ba and others, 2016): the channels of each pixel to mean 0 and variance 1, then scaled and shifted.

use crate::unit::EPSILON;

/// Mean and 1 / deviation of the channels of one pixel.
fn statistics(x: &[f32]) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = x.iter().sum::<f32>() / n;
    let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / n;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

/// `y = gamma * (x - mean) / deviation + beta`, pixel by pixel.
pub(crate) fn forward(x: &[f32], gamma: &[f32], beta: &[f32], y: &mut [f32]) {
    let c = gamma.len();
    for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
        let (mean, inverse) = statistics(x);
        for (((y, x), gamma), beta) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
            *y = gamma * ((x - mean) * inverse) + beta;
        }
    }
}

/// Adds the gradients of gamma and beta, and of `x` where that is wanted.
pub(crate) fn backward(
    x: &[f32],
    gamma: &[f32],
    dy: &[f32],
    [dgamma, dbeta]: &mut [Vec<f32>; 2],
    mut dx: Option<&mut [f32]>,
) {
    let c = gamma.len();
    let n = c as f32;
    for (pixel, (x, dy)) in x.chunks_exact(c).zip(dy.chunks_exact(c)).enumerate() {
        let (mean, inverse) = statistics(x);
        let (mut sum, mut product) = (0.0, 0.0);
        for j in 0..c {
            let (hat, d) = ((x[j] - mean) * inverse, dy[j] * gamma[j]);
            dgamma[j] += dy[j] * hat;
            dbeta[j] += dy[j];
            sum += d;
            product += d * hat;
        }
        if let Some(dx) = &mut dx {
            for (j, dx) in dx[pixel * c..][..c].iter_mut().enumerate() {
                let hat = (x[j] - mean) * inverse;
                *dx += inverse * (dy[j] * gamma[j] - sum / n - hat * product / n);
            }
        }
    }
}
