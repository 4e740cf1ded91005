//! Losses and their gradients.

use edgewright_kernels::math;
use serde::{Deserialize, Serialize};

/// What is minimised: `{ type = "focal", gamma = 2.0 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of classes, squared error of numbers.
    #[default]
    Usual,
    /// Cross-entropy times `(1 - p)^gamma`: what is right already counts less (Lin et al., 2017). Classes only.
    Focal {
        /// At least 0; 0 is cross-entropy.
        gamma: f32,
    },
    /// Squared error near the target, absolute error beyond `delta` deviations of the targets (Huber, 1964). Numbers only.
    Huber {
        /// Above 0.
        delta: f32,
    },
    /// Pinball loss: the estimate above which a share of the targets lies below. Numbers only.
    Quantile {
        /// Share, between 0 and 1.
        quantile: f32,
    },
}

/// Softmax in place.
fn softmax(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f32;
    for v in logits.iter_mut() {
        *v = math::exp(*v - top);
        sum += *v;
    }
    logits.iter_mut().for_each(|v| *v /= sum);
}

/// Logarithm of a probability, of 0 too; no number stays none.
fn log(p: f64) -> f64 {
    if p < 1e-12 { 1e-12f64.ln() } else { p.ln() }
}

/// Softmax cross-entropy of one row: loss, and the gradient in place of the logits. `smoothing` of the target is spread
/// over all classes; `weight` scales loss and gradient.
pub(crate) fn cross_entropy(logits: &mut [f32], class: usize, weight: f32, smoothing: f32) -> f64 {
    softmax(logits);
    let n = logits.len() as f32;
    let mut loss = 0.0f64;
    for (i, v) in logits.iter_mut().enumerate() {
        let p = *v;
        let target = smoothing / n + if i == class { 1.0 - smoothing } else { 0.0 };
        if target > 0.0 {
            loss -= f64::from(target) * log(f64::from(p));
        }
        *v = weight * (p - target);
    }
    loss * f64::from(weight)
}

/// What a teacher's logits tell beside the targets (Hinton, Vinyals and Dean, 2015): `temperature^2` times the divergence of the
/// student's softened probabilities from the teacher's; `factor` times its gradient is added to `gradient`.
pub(crate) fn distil(
    gradient: &mut [f32],
    student: &[f32],
    teacher: &[f32],
    temperature: f32,
    factor: f32,
) -> f64 {
    let soft = |logits: &[f32]| {
        let mut p: Vec<f32> = logits.iter().map(|v| v / temperature).collect();
        softmax(&mut p);
        p
    };
    let (p, q) = (soft(teacher), soft(student));
    let mut divergence = 0.0f64;
    for ((d, p), q) in gradient.iter_mut().zip(&p).zip(&q) {
        let (p64, q64) = (f64::from(*p), f64::from(*q));
        divergence += p64 * (log(p64) - log(q64));
        *d += factor * temperature * (q - p);
    }
    f64::from(temperature).powi(2) * divergence
}

/// Focal loss of one row: loss, and the gradient in place of the logits.
pub(crate) fn focal(logits: &mut [f32], class: usize, weight: f32, gamma: f32) -> f64 {
    softmax(logits);
    let p = f64::from(logits[class]);
    let (gamma, rest, log) = (f64::from(gamma), (1.0 - p).max(1e-12), log(p));
    let modulation = rest.powf(gamma);
    // d loss / d logit_j = (gamma p (1-p)^(gamma-1) ln p - (1-p)^gamma) (1[j = class] - p_j)
    let factor = gamma * p * modulation / rest * log - modulation;
    for (i, v) in logits.iter_mut().enumerate() {
        let hit = if i == class { 1.0 } else { 0.0 };
        *v = weight * factor as f32 * (hit - *v);
    }
    -modulation * log * f64::from(weight)
}

/// Error of one number: loss, and the gradient in place of the estimate.
pub(crate) fn error(loss: Loss, estimate: &mut f32, target: f32) -> f64 {
    let d = *estimate - target;
    let wide = f64::from(d);
    match loss {
        Loss::Huber { delta } if d.abs() > delta => {
            *estimate = 2.0 * delta * d.signum();
            f64::from(delta) * (2.0 * wide.abs() - f64::from(delta))
        }
        Loss::Quantile { quantile } => {
            *estimate = if d > 0.0 { 1.0 - quantile } else { -quantile };
            wide * f64::from(*estimate)
        }
        _ => {
            *estimate = 2.0 * d;
            wide * wide
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(name: &str, analytic: f32, numeric: f64) {
        assert!((f64::from(analytic) - numeric).abs() < 2e-3, "{name}: {analytic} against {numeric}");
    }

    #[test]
    fn losses_of_classes_have_their_gradients() {
        type Row = fn(&mut [f32]) -> f64;
        let losses: [(&str, Row); 3] = [
            ("cross-entropy", |z| cross_entropy(z, 1, 1.5, 0.0)),
            ("smoothed", |z| cross_entropy(z, 1, 1.0, 0.2)),
            ("focal", |z| focal(z, 1, 1.5, 2.0)),
        ];
        for (name, loss) in losses {
            let z = [0.3f32, -0.4, 0.8];
            let mut gradient = z;
            loss(&mut gradient);
            for i in 0..3 {
                let at = |d: f32| {
                    let mut z = z;
                    z[i] += d;
                    loss(&mut z)
                };
                near(name, gradient[i], (at(1e-2) - at(-1e-2)) / 2e-2);
            }
        }
        let (mut a, mut b) = ([0.3f32, -0.4], [0.3f32, -0.4]);
        assert!((focal(&mut a, 0, 1.0, 0.0) - cross_entropy(&mut b, 0, 1.0, 0.0)).abs() < 1e-6);
    }

    #[test]
    fn a_lesson_has_its_gradient_and_ends_where_both_agree() {
        let (student, teacher) = ([0.3f32, -0.4, 0.8], [2.0f32, -1.0, 0.5]);
        let mut gradient = [0.0f32; 3];
        let loss = distil(&mut gradient, &student, &teacher, 3.0, 1.0);
        assert!(loss > 0.1, "{loss}");
        for i in 0..3 {
            let at = |d: f32| {
                let mut z = student;
                z[i] += d;
                distil(&mut [0.0; 3], &z, &teacher, 3.0, 1.0)
            };
            near("lesson", gradient[i], (at(1e-2) - at(-1e-2)) / 2e-2);
        }
        let mut gradient = [0.0f32; 3];
        assert!(distil(&mut gradient, &teacher, &teacher, 3.0, 1.0).abs() < 1e-9);
        assert_eq!(gradient, [0.0; 3]);
    }

    #[test]
    fn losses_of_numbers_have_their_gradients() {
        for loss in [Loss::Usual, Loss::Huber { delta: 0.5 }, Loss::Quantile { quantile: 0.9 }] {
            for estimate in [-2.0f32, -0.3, 0.2, 1.7] {
                let mut gradient = estimate;
                error(loss, &mut gradient, 0.1);
                let at = |d: f32| error(loss, &mut (estimate + d), 0.1);
                near(&format!("{loss:?}"), gradient, (at(1e-2) - at(-1e-2)) / 2e-2);
            }
        }
    }
}
