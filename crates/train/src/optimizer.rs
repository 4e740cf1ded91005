//! Steps: from gradients to new weights, and how long the steps are.

use crate::{EpochRecord, Settings, engine::Gradient, kernels::for_each_processor, unit::Unit};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Rule by which weights follow their gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).
    #[default]
    AdamW,
    /// Adam with weight decay as part of the gradient (Kingma and Ba, 2015).
    Adam,
    /// Gradient over the root of its mean square (Hinton, 2012), decay 0.9.
    RmsProp,
    /// Sign of a momentum (Chen et al., 2023); wants a tenth of Adam's step size.
    Lion,
    /// Momentum 0.9 (Sutskever et al., 2013).
    Sgd,
}

/// How the step size changes, after it rose over `warmup_epochs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Falls as a cosine to a hundredth.
    #[default]
    Cosine,
    /// Stays.
    Constant,
    /// Times `factor` every so many epochs.
    Step {
        /// Epochs, at least 1.
        every: usize,
        /// Between 0 and 1.
        factor: f32,
    },
    /// Times `factor` after so many epochs without a better validation loss.
    Plateau {
        /// Epochs, at least 1.
        patience: usize,
        /// Between 0 and 1.
        factor: f32,
    },
}

/// Step size of a step.
pub(crate) fn rate(settings: &Settings, batches: usize, step: u64, history: &[EpochRecord]) -> f32 {
    let peak = settings.learning_rate;
    let total = (batches * settings.epochs) as f32;
    let warm = (batches as f32 * settings.warmup_epochs).min(total / 4.0).max(1.0);
    let at = step as f32;
    if at < warm {
        return peak * (at + 1.0) / warm;
    }
    let power = |factor: f32, n: usize| (0..n).fold(peak, |rate, _| rate * factor);
    match settings.schedule {
        Schedule::Constant => peak,
        Schedule::Cosine => {
            let t = ((at - warm) / (total - warm).max(1.0)).min(1.0);
            let floor = 0.01;
            peak * (floor + (1.0 - floor) * 0.5 * (1.0 + (std::f32::consts::PI * t).cos()))
        }
        Schedule::Step { every, factor } => power(factor, history.len() / every.max(1)),
        Schedule::Plateau { patience, factor } => {
            let (mut best, mut stale, mut falls) = (f64::INFINITY, 0, 0);
            for record in history {
                let watched = record.validation_loss.unwrap_or(record.loss);
                stale = if watched < best { 0 } else { stale + 1 };
                best = best.min(watched);
                if stale >= patience.max(1) {
                    (stale, falls) = (0, falls + 1);
                }
            }
            power(factor, falls)
        }
    }
}

/// Two moments for each learned value: of weights, bias, gamma, beta.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments(pub [[Vec<f32>; 2]; 4]);

impl Moments {
    pub fn new(unit: &Unit) -> Self {
        Self(unit.learned().map(|v| [vec![0.0; v.len()], vec![0.0; v.len()]]))
    }
}

/// Values that are stepped together.
const CHUNK: usize = 1 << 13;

/// Factors of one step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    optimizer: Optimizer,
    rate: f32,
    clip: f32,
    decay: f32,
    /// `1 - beta^t` of both moments.
    correction: [f32; 2],
}

for_each_processor! {
    pub(crate) fn advance(values: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32], step: Step) {
        let Step { rate, clip, decay, correction: [c1, c2], .. } = step;
        let each = values.iter_mut().zip(gradient).zip(m).zip(v);
        match step.optimizer {
            Optimizer::AdamW => {
                for (((w, g), m), v) in each {
                    let g = g * clip;
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    *w -= rate * (*m / c1) / ((*v / c2).sqrt() + 1e-7) + rate * decay * *w;
                }
            }
            Optimizer::Adam => {
                for (((w, g), m), v) in each {
                    let g = g * clip + decay * *w;
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    *w -= rate * (*m / c1) / ((*v / c2).sqrt() + 1e-7);
                }
            }
            Optimizer::RmsProp => {
                for (((w, g), _), v) in each {
                    let g = g * clip + decay * *w;
                    *v = 0.9 * *v + 0.1 * g * g;
                    *w -= rate * g / (v.sqrt() + 1e-7);
                }
            }
            Optimizer::Lion => {
                for (((w, g), m), _) in each {
                    let g = g * clip;
                    let u = 0.9 * *m + 0.1 * g;
                    let sign = if u > 0.0 { 1.0 } else if u < 0.0 { -1.0 } else { 0.0 };
                    *m = 0.99 * *m + 0.01 * g;
                    *w -= rate * (sign + decay * *w);
                }
            }
            Optimizer::Sgd => {
                for (((w, g), m), _) in each {
                    *m = 0.9 * *m + g * clip + decay * *w;
                    *w -= rate * *m;
                }
            }
        }
    }
}

/// Norm of all gradients. Sums in double precision over eight lanes, chunk by chunk in order.
pub(crate) fn norm(gradients: &[Gradient]) -> f64 {
    let mut total = 0.0;
    for v in gradients.iter().flat_map(|g| &g.0) {
        let mut lanes = [0.0f64; 8];
        for chunk in v.chunks(8) {
            for (lane, g) in lanes.iter_mut().zip(chunk) {
                *lane += f64::from(*g) * f64::from(*g);
            }
        }
        total += lanes.iter().sum::<f64>();
    }
    total.sqrt()
}

/// Takes step number `step` (from 0). Returns the norm of the gradient before clipping.
pub(crate) fn take(
    units: &mut [Unit],
    gradients: &[Gradient],
    moments: &mut [Moments],
    settings: &Settings,
    rate: f32,
    step: u64,
) -> f64 {
    let norm = norm(gradients);
    let most = f64::from(settings.clip_norm);
    let clip = if most > 0.0 && norm > most { (most / norm) as f32 } else { 1.0 };
    let t = i32::try_from(step + 1).unwrap_or(i32::MAX);
    let correction = [1.0 - 0.9f32.powi(t), 1.0 - 0.999f32.powi(t)];
    let mut tasks = Vec::new();
    let few = 2 * units.len() + 8;
    for ((unit, gradient), moments) in units.iter_mut().zip(gradients).zip(moments) {
        for ((which, values), [m, v]) in unit.learned_mut().into_iter().enumerate().zip(&mut moments.0) {
            let decay = if which == 0 { settings.weight_decay } else { 0.0 };
            let step = Step { optimizer: settings.optimizer, rate, clip, decay, correction };
            let parts = values
                .chunks_mut(CHUNK)
                .zip(gradient.0[which].chunks(CHUNK))
                .zip(m.chunks_mut(CHUNK).zip(v.chunks_mut(CHUNK)));
            tasks.extend(parts.map(|((values, gradient), (m, v))| (values, gradient, m, v, step)));
        }
    }
    if tasks.len() > few {
        tasks.into_par_iter().for_each(|(w, g, m, v, step)| advance(w, g, m, v, step));
    } else {
        tasks.into_iter().for_each(|(w, g, m, v, step)| advance(w, g, m, v, step));
    }
    norm
}
