//! A network at work on one batch: fixed shards in parallel, sums in the order of the shards.
//!
//! A value is kept as its unit made it, before normalisation and activation; whoever reads it applies them on the way in. So each value is
//! written once and read once per pass, and the rest stays in caches.

mod backward;
mod forward;

use crate::{
    kernels::{
        attention,
        element::{self, View},
        recurrent::Trace,
    },
    plan::Plan,
    unit::{EPSILON, MOMENTUM, Unit},
};
use rayon::prelude::*;
use std::cell::RefCell;

/// Multiply-accumulates of a batch below which threads cost more than they give.
const WORTH_THREADS: usize = 1_000_000;

/// Buffers of one task.
#[derive(Default)]
struct Scratch {
    left: Vec<f32>,
    image: Vec<f32>,
    dy: Vec<f32>,
    framed: Vec<f32>,
    rows: Vec<f32>,
    trace: Trace,
    attention: attention::Room,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with(|s| f(&mut s.borrow_mut()))
}

/// At least `n` values; what they hold is left from before.
fn room(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if v.len() < n {
        v.resize(n, 0.0);
    }
    &mut v[..n]
}

/// Runs tasks, in parallel when that is worth it; results in the order of the tasks.
fn each<T: Send, R: Send>(parallel: bool, tasks: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if parallel {
        tasks.into_par_iter().with_max_len(1).map(work).collect()
    } else {
        tasks.into_iter().map(work).collect()
    }
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Statistics of the batch, dropout drawn from this seed and step.
    Training { seed: u64, step: u64 },
    /// Running statistics, no dropout.
    Use,
}

/// Gradients of one unit: of weights, bias, gamma, beta.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gradient(pub [Vec<f32>; 4]);

/// Mean and 1 / deviation of the batch, per channel.
#[derive(Clone, Debug, Default)]
struct Statistics {
    mean: Vec<f32>,
    inverse: Vec<f32>,
}

/// A network with its buffers.
pub(crate) struct Engine {
    pub units: Vec<Unit>,
    plans: Vec<Option<Plan>>,
    input: usize,
    /// Values, and how they are seen.
    pub values: Vec<Vec<f32>>,
    views: Vec<View>,
    statistics: Vec<Statistics>,
    /// Gradients of the values as they are seen.
    slopes: Vec<Option<Vec<f32>>>,
    spare: Vec<Vec<f32>>,
    pub gradients: Vec<Gradient>,
    /// Per unit and shard: sums that make the gradients of weights and bias.
    partial: Vec<Vec<[Vec<f32>; 2]>>,
    mode: Mode,
    /// Of values that integers were: the ends of their ranges, beyond which gradients do not pass; else empty.
    pub limits: Vec<[f32; 2]>,
}

impl Engine {
    /// A network that takes `input` values.
    pub fn new(units: Vec<Unit>, input: usize) -> Self {
        let n = units.len();
        Self {
            plans: units.iter().map(Plan::new).collect(),
            input,
            values: vec![Vec::new(); n + 1],
            views: vec![View::default(); n + 1],
            statistics: vec![Statistics::default(); n],
            slopes: vec![None; n + 1],
            spare: Vec::new(),
            gradients: units.iter().map(|u| Gradient(u.learned().map(|v| vec![0.0; v.len()]))).collect(),
            partial: vec![Vec::new(); n],
            units,
            mode: Mode::Use,
            limits: Vec::new(),
        }
    }

    /// Makes room for values that are computed elsewhere, and prepares [`Self::backward`] over them when that follows. Units must
    /// be without normalisation; dropout drops nothing.
    pub fn hold(&mut self, samples: usize, backward: bool) {
        self.mode = Mode::Use;
        if backward {
            self.prepare(samples, true);
        }
        for value in 0..self.values.len() {
            let len = samples * self.value_len(value);
            self.values[value].resize(len, 0.0);
        }
        for (view, unit) in self.views[1..].iter_mut().zip(&self.units) {
            view.activation = unit.activation;
        }
    }

    /// The buffer of the input, for `samples` rows.
    pub fn input(&mut self, samples: usize) -> &mut [f32] {
        self.values[0].resize(samples * self.input, 0.0);
        &mut self.values[0]
    }

    /// The outputs of the last unit.
    pub fn output(&self) -> &[f32] {
        self.values.last().map_or(&[], Vec::as_slice)
    }

    /// Name of the first unit with an output or gradient that is no number.
    pub fn first_wrong(&self) -> Option<&str> {
        let wrong = |v: &Vec<f32>| v.iter().any(|x| !x.is_finite());
        let outputs = self.values[1..].iter().position(wrong);
        let at = outputs.or_else(|| self.gradients.iter().position(|g| g.0.iter().any(wrong)))?;
        Some(&self.units[at].name)
    }

    fn parallel(&self, samples: usize) -> bool {
        self.units.iter().map(Unit::macs).sum::<usize>() * samples > WORTH_THREADS
    }

    fn value_len(&self, value: usize) -> usize {
        if value == 0 { self.input } else { self.units[value - 1].out_len() }
    }

    /// Takes over the weights of this step.
    fn prepare(&mut self, samples: usize, training: bool) {
        let parallel = self.parallel(samples);
        let both = self.plans.iter_mut().zip(&self.units);
        let prepare = |(plan, unit): (&mut Option<Plan>, &Unit)| {
            if let Some(plan) = plan {
                plan.prepare(unit, training);
            }
        };
        if parallel {
            both.collect::<Vec<_>>().into_par_iter().for_each(prepare)
        } else {
            both.for_each(prepare)
        }
    }

    /// Runs what [`Self::input`] holds through all units.
    pub fn forward(&mut self, samples: usize, mode: Mode) {
        let parallel = self.parallel(samples);
        let training = mode != Mode::Use;
        self.mode = mode;
        self.prepare(samples, training);
        for i in 0..self.units.len() {
            let sums = self.forward_unit(i, samples, parallel);
            let unit = &mut self.units[i];
            let c = unit.output[2];
            let view = &mut self.views[i + 1];
            view.activation = unit.activation;
            let Some(norm) = &mut unit.norm else { continue };
            let s = &mut self.statistics[i];
            if training {
                let n = (samples * unit.output[0] * unit.output[1]) as f64;
                (s.mean, s.inverse) = (vec![0.0; c], vec![0.0; c]);
                for j in 0..c {
                    let (a, b) = sums.iter().fold((0.0, 0.0), |(a, b), part| (a + part[j].0, b + part[j].1));
                    let mean = a / n;
                    let variance = (b / n - mean * mean).max(0.0);
                    s.mean[j] = mean as f32;
                    s.inverse[j] = (1.0 / (variance + f64::from(EPSILON)).sqrt()) as f32;
                    norm.mean[j] = MOMENTUM * norm.mean[j] + (1.0 - MOMENTUM) * mean as f32;
                    norm.variance[j] = MOMENTUM * norm.variance[j] + (1.0 - MOMENTUM) * variance as f32;
                }
            } else {
                s.mean.clone_from(&norm.mean);
                s.inverse = norm.variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
            }
            let factor = norm.gamma.iter().zip(&s.inverse).map(|(g, i)| g * i);
            view.factor = element::stretched(factor.clone(), c);
            let offset = norm.beta.iter().zip(&s.mean).zip(factor).map(|((b, m), f)| b - m * f);
            view.offset = element::stretched(offset, c);
        }
        // The last value is read by nobody who would apply its view.
        let last = self.units.len();
        if !self.views[last].plain() {
            let raw = self.values[last].clone();
            element::show(&self.views[last], &raw, &mut self.values[last]);
        }
    }
}
