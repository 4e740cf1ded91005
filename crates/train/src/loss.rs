//! Losses and their gradients.

/// Softmax cross-entropy of one row: loss, and the gradient in place of the logits. `smoothing` of the target is spread
/// over all classes; `weight` scales loss and gradient.
pub(crate) fn cross_entropy(logits: &mut [f32], class: usize, weight: f32, smoothing: f32) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f32;
    for v in logits.iter_mut() {
        *v = (*v - top).exp();
        sum += *v;
    }
    let n = logits.len() as f32;
    let mut loss = 0.0f64;
    for (i, v) in logits.iter_mut().enumerate() {
        let p = *v / sum;
        let target = smoothing / n + if i == class { 1.0 - smoothing } else { 0.0 };
        if target > 0.0 {
            loss -= f64::from(target) * f64::from(p.max(1e-12)).ln();
        }
        *v = weight * (p - target);
    }
    loss * f64::from(weight)
}

/// Squared error of one row: loss, and the gradient in place of the estimate.
pub(crate) fn squared_error(estimate: &mut [f32], target: f32) -> f64 {
    let mut loss = 0.0;
    for e in estimate.iter_mut() {
        let d = *e - target;
        loss += f64::from(d) * f64::from(d);
        *e = 2.0 * d;
    }
    loss
}
