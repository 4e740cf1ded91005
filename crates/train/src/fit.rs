//! The training loop.

use crate::{
    Augment, Head, Network, Rows, Targets, TrainError,
    checkpoint::{self, Header},
    data::Normaliser,
    export, layers,
    layers::{Kind, Node},
    loss,
    network::{self, Built},
    ops::{self, Statistics},
    rng::Stream,
};
use edgewright_ir::Graph;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Samples that are computed together. Fixed, so that sums do not depend on the number of threads.
const SHARD: usize = 8;
/// Multiply-accumulates of a batch below which threads cost more than they give.
const WORTH_THREADS: u64 = 1_000_000;
/// Largest norm of a gradient.
const CLIP: f64 = 5.0;

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Largest number of passes over the rows, at least 1.
    pub epochs: usize,
    /// Rows per step, at least 1.
    pub batch_size: usize,
    /// Peak step size of AdamW; rises over the first epoch and falls as a cosine to a hundredth.
    pub learning_rate: f32,
    /// Decoupled pull of weights towards 0.
    pub weight_decay: f32,
    /// Share of the target spread over all classes, 0..1.
    pub label_smoothing: f32,
    /// Weigh classes by the inverse of their frequency.
    pub balance_classes: bool,
    /// Epochs without a better validation loss before training ends; 0 never ends early.
    pub patience: usize,
    /// Seed of weights, order, dropout and augmentation.
    pub seed: u64,
    /// Threads; 0 uses the pool of the caller. Results do not depend on it.
    pub threads: usize,
    /// Changes of training rows.
    pub augment: Augment,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch_size: 32,
            learning_rate: 0.003,
            weight_decay: 1e-4,
            label_smoothing: 0.0,
            balance_classes: false,
            patience: 0,
            seed: 1,
            threads: 0,
            augment: Augment::default(),
        }
    }
}

/// One line of the learning curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss on the training rows, as they were augmented.
    pub loss: f64,
    /// Accuracy, or R2, on them.
    pub metric: f64,
    /// Mean loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// Accuracy, or R2, on them.
    pub validation_metric: Option<f64>,
    /// Step size at the end.
    pub learning_rate: f32,
    /// Mean norm of the gradient.
    pub gradient_norm: f64,
}

/// Told after each epoch.
pub struct Event<'a> {
    /// From 1.
    pub epoch: usize,
    /// Mean loss on the training rows.
    pub loss: f64,
    /// Accuracy, or R2, on them.
    pub metric: f64,
    /// Mean loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// Accuracy, or R2, on them.
    pub validation_metric: Option<f64>,
    /// Makes a checkpoint from which [`fit`] goes on to the same final weights.
    pub checkpoint: &'a dyn Fn() -> Vec<u8>,
}

/// What the observer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On.
    Continue,
    /// End now; [`fit`] returns [`TrainError::Stopped`].
    Stop,
}

/// A layer for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Name of the node in the graph.
    pub name: String,
    /// Output shape.
    pub shape: Vec<usize>,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Normalisation, layers (batch normalisation folded, dropout gone), softmax.
    pub graph: Graph,
    /// Learning curve.
    pub history: Vec<EpochRecord>,
    /// Epoch whose weights these are.
    pub best_epoch: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Nodes of the graph that hold weights.
    pub layers: Vec<LayerSummary>,
}

/// Trains a network.
///
/// `validation` may be empty; then the training loss chooses the best epoch. `resume` takes the bytes of a checkpoint of
/// the same training.
///
/// # Errors
/// [`TrainError`].
pub fn fit(
    network: &Network,
    train: &dyn Rows,
    targets: &Targets<'_>,
    validation: &dyn Rows,
    validation_targets: &Targets<'_>,
    settings: &Settings,
    resume: Option<&[u8]>,
    observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
) -> Result<Fitted, TrainError> {
    check(network, train, targets, settings)?;
    if !validation.is_empty()
        && (validation.width() != train.width() || validation_targets.len() != validation.len())
    {
        return Err(TrainError::Data("the validation rows do not fit the training rows".into()));
    }
    let columns = match network.input.as_slice() {
        [_, columns] | [_, _, columns] => *columns,
        _ => train.width(),
    };
    let mut trainer = Trainer {
        normaliser: Normaliser::learn(train, columns)?,
        built: network::build(network, settings.seed)?,
        objective: Objective::new(network, targets, settings)?,
        subject: format!("{network:?} {settings:?} {} rows", train.len()),
        settings,
        columns: if network.input.len() == 1 { train.width() } else { columns },
        train,
        targets,
        validation,
        validation_targets,
        workspace: Workspace::default(),
        step: 0,
    };
    if trainer.built.input.iter().product::<usize>() != train.width() {
        return Err(TrainError::Data(format!(
            "the network takes {:?}, the rows have {} values",
            network.input,
            train.width()
        )));
    }
    if settings.threads == 0 {
        return trainer.run(network, resume, observer);
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build()
        .map_err(|e| TrainError::Data(e.to_string()))?
        .install(|| trainer.run(network, resume, observer))
}

fn check(
    network: &Network,
    train: &dyn Rows,
    targets: &Targets<'_>,
    settings: &Settings,
) -> Result<(), TrainError> {
    let fail = |m: String| Err(TrainError::Data(m));
    if train.is_empty() || train.len() != targets.len() {
        return fail(format!("{} rows and {} targets cannot be trained on", train.len(), targets.len()));
    }
    if settings.epochs == 0 || settings.batch_size == 0 {
        return fail("epochs and batch size must be at least 1".into());
    }
    match (network.head, targets) {
        (Head::Softmax { classes }, Targets::Classes { of, count }) => {
            if classes < 2 || classes != *count || of.iter().any(|c| *c as usize >= classes) {
                return fail(format!("{classes} classes do not fit the targets"));
            }
            Ok(())
        }
        (Head::Linear { outputs: 1 }, Targets::Values(v)) => match v.iter().position(|v| !v.is_finite()) {
            Some(i) => fail(format!("target {i} is {}", v[i])),
            None => Ok(()),
        },
        _ => fail("the head does not fit the targets".into()),
    }
}

/// What is minimised.
struct Objective {
    /// Weight of each class.
    weights: Vec<f32>,
    /// Mean and deviation of a regression's targets.
    centre: f32,
    spread: f32,
}

impl Objective {
    fn new(network: &Network, targets: &Targets<'_>, settings: &Settings) -> Result<Self, TrainError> {
        let mut objective = Self { weights: Vec::new(), centre: 0.0, spread: 1.0 };
        match (network.head, targets) {
            (Head::Softmax { classes }, Targets::Classes { of, .. }) => {
                let mut counts = vec![0usize; classes];
                of.iter().for_each(|c| counts[*c as usize] += 1);
                let present = counts.iter().filter(|n| **n > 0).count().max(1) as f32;
                objective.weights = counts
                    .iter()
                    .map(|n| match *n {
                        n if n > 0 && settings.balance_classes => of.len() as f32 / (present * n as f32),
                        _ => 1.0,
                    })
                    .collect();
            }
            (_, Targets::Values(v)) => {
                let n = v.len() as f64;
                let mean = v.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let var = v.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
                objective.centre = mean as f32;
                objective.spread = if var > 1e-12 { var.sqrt() as f32 } else { 1.0 };
            }
            _ => {}
        }
        Ok(objective)
    }
}

/// Buffers that live as long as the training.
#[derive(Default)]
struct Workspace {
    /// Input of each node, and the output of the last.
    activations: Vec<Vec<f32>>,
    statistics: Vec<Option<Statistics>>,
    /// Per shard and node: gradients of weights and bias.
    gradients: Vec<Vec<(Vec<f32>, Vec<f32>)>>,
    flow: [Vec<f32>; 2],
}

struct Trainer<'a> {
    settings: &'a Settings,
    normaliser: Normaliser,
    built: Built,
    objective: Objective,
    subject: String,
    columns: usize,
    train: &'a dyn Rows,
    targets: &'a Targets<'a>,
    validation: &'a dyn Rows,
    validation_targets: &'a Targets<'a>,
    workspace: Workspace,
    step: u64,
}

/// Moments of AdamW for one node: of weights, of bias.
#[derive(Clone, Default)]
struct Adam {
    m: [Vec<f32>; 2],
    v: [Vec<f32>; 2],
}

/// Sums over rows that make loss and metric.
#[derive(Default)]
struct Tally {
    loss: f64,
    right: f64,
    rows: usize,
    error: f64,
    s1: f64,
    s2: f64,
}

impl Tally {
    fn loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }
    fn metric(&self, targets: &Targets<'_>) -> f64 {
        let n = self.rows.max(1) as f64;
        match targets {
            Targets::Classes { .. } => self.right / n,
            Targets::Values(_) => {
                let spread = self.s2 - self.s1 * self.s1 / n;
                if spread > 0.0 { 1.0 - self.error / spread } else { 0.0 }
            }
        }
    }
}

impl Trainer<'_> {
    fn run(
        &mut self,
        network: &Network,
        resume: Option<&[u8]>,
        observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
    ) -> Result<Fitted, TrainError> {
        let mut adam: Vec<Adam> = self
            .built
            .nodes
            .iter()
            .map(|n| {
                let zeros = || [vec![0.0; n.weights.len()], vec![0.0; n.bias.len()]];
                Adam { m: zeros(), v: zeros() }
            })
            .collect();
        let mut best = self.built.nodes.clone();
        let mut header = Header {
            subject: self.subject.clone(),
            epoch: 0,
            step: 0,
            best_epoch: 0,
            best_loss: f64::MAX,
            stale: 0,
            history: Vec::new(),
            lengths: Vec::new(),
        };
        if let Some(bytes) = resume {
            header = self.restore(bytes, &mut adam, &mut best)?;
        }
        let batches = self.train.len().div_ceil(self.settings.batch_size);
        while header.epoch < self.settings.epochs
            && (self.settings.patience == 0 || header.stale < self.settings.patience)
        {
            header.epoch += 1;
            let record = self.epoch(header.epoch, batches, &mut adam)?;
            let watched = record.validation_loss.unwrap_or(record.loss);
            if !watched.is_finite() {
                return Err(TrainError::Diverged { epoch: header.epoch, loss: watched });
            }
            if watched < header.best_loss {
                (header.best_loss, header.best_epoch, header.stale) = (watched, header.epoch, 0);
                best.clone_from(&self.built.nodes);
            } else {
                header.stale += 1;
            }
            header.step = self.step;
            header.history.push(record.clone());
            let flow = observer(&Event {
                epoch: record.epoch,
                loss: record.loss,
                metric: record.metric,
                validation_loss: record.validation_loss,
                validation_metric: record.validation_metric,
                checkpoint: &|| checkpoint::write(&header, &state(&self.built.nodes, &adam, &best)),
            });
            if flow == Flow::Stop {
                return Err(TrainError::Stopped);
            }
        }
        if let Targets::Values(_) = self.targets
            && let Some(last) = best.last_mut()
        {
            last.weights.iter_mut().for_each(|w| *w *= self.objective.spread);
            last.bias.iter_mut().for_each(|b| *b = *b * self.objective.spread + self.objective.centre);
        }
        let graph = export::graph(network, &self.built.input, &best, &self.normaliser);
        let layers = export::summary(&graph);
        Ok(Fitted {
            parameters: layers.iter().map(|l| l.parameters).sum(),
            layers,
            graph,
            history: header.history,
            best_epoch: header.best_epoch,
        })
    }

    fn restore(&mut self, bytes: &[u8], adam: &mut [Adam], best: &mut [Node]) -> Result<Header, TrainError> {
        let (header, vectors) = checkpoint::read(bytes, &self.subject)?;
        let mut vectors = vectors.into_iter();
        let mut take = |to: &mut Vec<f32>| match vectors.next() {
            Some(v) if v.len() == to.len() => {
                *to = v;
                Ok(())
            }
            _ => Err(TrainError::Checkpoint("its weights do not fit the network".into())),
        };
        for node in self.built.nodes.iter_mut().chain(best) {
            take(&mut node.weights)?;
            take(&mut node.bias)?;
            take(&mut node.running)?;
        }
        for a in adam {
            for v in a.m.iter_mut().chain(&mut a.v) {
                take(v)?;
            }
        }
        self.step = header.step;
        Ok(header)
    }

    fn learning_rate(&self, batches: usize) -> f32 {
        let peak = self.settings.learning_rate;
        let total = (batches * self.settings.epochs) as f32;
        let warm = (batches as f32).min(total / 4.0).max(1.0);
        let step = self.step as f32;
        if step < warm {
            return peak * (step + 1.0) / warm;
        }
        let t = ((step - warm) / (total - warm).max(1.0)).min(1.0);
        let floor = 0.01;
        peak * (floor + (1.0 - floor) * 0.5 * (1.0 + (std::f32::consts::PI * t).cos()))
    }

    fn epoch(&mut self, epoch: usize, batches: usize, adam: &mut [Adam]) -> Result<EpochRecord, TrainError> {
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut stream = Stream::new(&[self.settings.seed, 2, epoch as u64]);
        for i in (1..order.len()).rev() {
            order.swap(i, stream.below(i + 1));
        }
        let mut tally = Tally::default();
        let mut norms = 0.0;
        let mut rate = 0.0;
        for rows in order.chunks(self.settings.batch_size) {
            let mut x = vec![0.0; rows.len() * self.train.width()];
            self.train.read(rows, &mut x)?;
            self.normaliser.apply(&mut x);
            self.augment(epoch, rows, &mut x);
            self.forward(x, rows.len(), Some(epoch));
            self.loss(rows, &mut tally);
            self.backward(rows.len(), epoch);
            rate = self.learning_rate(batches);
            norms += self.update(rows.len(), rate, adam);
            self.step += 1;
        }
        let watched = self.validate()?;
        Ok(EpochRecord {
            epoch,
            loss: tally.loss(),
            metric: tally.metric(self.targets),
            validation_loss: watched.as_ref().map(Tally::loss),
            validation_metric: watched.as_ref().map(|t| t.metric(self.validation_targets)),
            learning_rate: rate,
            gradient_norm: norms / batches as f64,
        })
    }

    fn augment(&self, epoch: usize, rows: &[usize], x: &mut [f32]) {
        let augment = &self.settings.augment;
        if augment.is_off() {
            return;
        }
        let (width, seed) = (self.train.width(), self.settings.seed);
        x.par_chunks_mut(width).zip(rows).for_each(|(x, row)| {
            augment.apply(x, self.columns, &mut Stream::new(&[seed, 3, epoch as u64, *row as u64]));
        });
    }

    /// Whether a batch is worth spreading over threads.
    fn parallel(&self, samples: usize) -> bool {
        let macs: usize = self
            .built
            .nodes
            .iter()
            .map(|n| match n.kind {
                Kind::Dense => n.weights.len(),
                Kind::Conv(_) => n.out_len() / n.output[2] * n.weights.len(),
                _ => n.out_len(),
            })
            .sum();
        (macs * samples) as u64 > WORTH_THREADS
    }

    /// Runs every node. `epoch` is given in training.
    fn forward(&mut self, x: Vec<f32>, samples: usize, epoch: Option<usize>) {
        let parallel = self.parallel(samples);
        let nodes = &self.built.nodes;
        let w = &mut self.workspace;
        w.activations.resize(nodes.len() + 1, Vec::new());
        w.statistics.clear();
        w.activations[0] = x;
        for (i, node) in nodes.iter().enumerate() {
            let (before, after) = w.activations.split_at_mut(i + 1);
            let (x, y) = (&before[i], &mut after[0]);
            y.resize(samples * node.out_len(), 0.0);
            let statistics = (epoch.is_some() && node.kind == Kind::BatchNorm)
                .then(|| batch_statistics(node, x, parallel));
            let (seed, step) = (self.settings.seed, self.step);
            let in_training = epoch.is_some();
            let work = |(shard, (x, y)): (usize, (&[f32], &mut [f32]))| {
                let stream =
                    |sample: usize| Stream::new(&[seed, 4, step, i as u64, (shard * SHARD + sample) as u64]);
                let dropout: Option<&dyn Fn(usize) -> Stream> =
                    if in_training { Some(&stream) } else { None };
                ops::forward(node, x, y, statistics.as_ref(), dropout);
            };
            let (n_in, n_out) = (SHARD * node.in_len(), SHARD * node.out_len());
            if parallel {
                x.par_chunks(n_in).zip(y.par_chunks_mut(n_out)).enumerate().for_each(work);
            } else {
                x.chunks(n_in).zip(y.chunks_mut(n_out)).enumerate().for_each(work);
            }
            w.statistics.push(statistics);
        }
        if epoch.is_some() {
            for (node, s) in self.built.nodes.iter_mut().zip(&w.statistics) {
                if let Some(s) = s {
                    keep_running(node, s);
                }
            }
        }
    }

    /// Turns the outputs into gradients and adds to the tally.
    fn loss(&mut self, rows: &[usize], tally: &mut Tally) {
        let outputs = self.built.outputs;
        let last = self.workspace.activations.len() - 1;
        let y = &mut self.workspace.activations[last];
        let share = 1.0 / rows.len() as f32;
        for (row, y) in rows.iter().zip(y.chunks_exact_mut(outputs)) {
            judge(y, *row, self.targets, &self.objective, self.settings.label_smoothing, tally);
            y.iter_mut().for_each(|d| *d *= share);
        }
    }

    fn backward(&mut self, samples: usize, epoch: usize) {
        let _ = epoch;
        let parallel = self.parallel(samples);
        let nodes = &self.built.nodes;
        let w = &mut self.workspace;
        let shards = samples.div_ceil(SHARD);
        while w.gradients.len() < shards {
            w.gradients
                .push(nodes.iter().map(|n| (vec![0.0; n.weights.len()], vec![0.0; n.bias.len()])).collect());
        }
        let [mut dy, mut dx] = std::mem::take(&mut w.flow);
        dy.clone_from(&w.activations[nodes.len()]);
        for (i, node) in nodes.iter().enumerate().rev() {
            let (x, y) = (&w.activations[i], &w.activations[i + 1]);
            let (n_in, n_out) = (SHARD * node.in_len(), SHARD * node.out_len());
            dx.resize(samples * node.in_len(), 0.0);
            if let (Kind::BatchNorm, Some(s)) = (&node.kind, &w.statistics[i]) {
                let sum = |(x, dy): (&[f32], &[f32])| ops::norm_sums(node, x, dy, s);
                let parts: Vec<_> = if parallel {
                    x.par_chunks(n_in).zip(dy.par_chunks(n_out)).map(sum).collect()
                } else {
                    x.chunks(n_in).zip(dy.chunks(n_out)).map(sum).collect()
                };
                let c = node.output[2];
                let (mut beta, mut gamma) = (vec![0.0f64; c], vec![0.0f64; c]);
                for (b, g) in &parts {
                    for j in 0..c {
                        beta[j] += b[j];
                        gamma[j] += g[j];
                    }
                }
                let beta: Vec<f32> = beta.into_iter().map(|v| v as f32).collect();
                let gamma: Vec<f32> = gamma.into_iter().map(|v| v as f32).collect();
                let count = (samples * node.out_len() / c) as f32;
                let work = |((x, dy), dx): ((&[f32], &[f32]), &mut [f32])| {
                    ops::norm_backward(node, x, dy, s, (&beta, &gamma), count, dx);
                };
                if parallel {
                    x.par_chunks(n_in).zip(dy.par_chunks(n_out)).zip(dx.par_chunks_mut(n_in)).for_each(work);
                } else {
                    x.chunks(n_in).zip(dy.chunks(n_out)).zip(dx.chunks_mut(n_in)).for_each(work);
                }
                for (shard, gradients) in w.gradients.iter_mut().enumerate().take(shards) {
                    let (dw, db) = &mut gradients[i];
                    if shard == 0 {
                        dw.clone_from(&gamma);
                        db.clone_from(&beta);
                    } else {
                        dw.fill(0.0);
                        db.fill(0.0);
                    }
                }
            } else {
                let (seed, step) = (self.settings.seed, self.step);
                let first = i == 0;
                type Shard<'s> = (
                    usize,
                    ((((&'s [f32], &'s [f32]), &'s [f32]), &'s mut [f32]), &'s mut Vec<(Vec<f32>, Vec<f32>)>),
                );
                let work = |(shard, ((((x, y), dy), dx), gradients)): Shard<'_>| {
                    let stream = |sample: usize| {
                        Stream::new(&[seed, 4, step, i as u64, (shard * SHARD + sample) as u64])
                    };
                    let (dw, db) = &mut gradients[i];
                    dw.fill(0.0);
                    db.fill(0.0);
                    ops::backward(node, x, y, dy, (!first).then_some(dx), dw, db, Some(&stream));
                };
                let gradients = &mut w.gradients[..shards];
                if parallel {
                    x.par_chunks(n_in)
                        .zip(y.par_chunks(n_out))
                        .zip(dy.par_chunks(n_out))
                        .zip(dx.par_chunks_mut(n_in))
                        .zip(gradients)
                        .enumerate()
                        .for_each(work);
                } else {
                    x.chunks(n_in)
                        .zip(y.chunks(n_out))
                        .zip(dy.chunks(n_out))
                        .zip(dx.chunks_mut(n_in))
                        .zip(gradients)
                        .enumerate()
                        .for_each(work);
                }
            }
            std::mem::swap(&mut dy, &mut dx);
            // Buffers are exact, so that chunks are those of the node.
            dy.truncate(samples * node.in_len());
        }
        w.flow = [dy, dx];
    }

    /// Adds the shards in order and takes a step of AdamW. Returns the norm of the gradient before clipping.
    fn update(&mut self, samples: usize, rate: f32, adam: &mut [Adam]) -> f64 {
        let shards = samples.div_ceil(SHARD);
        let (first, others) = self.workspace.gradients.split_at_mut(1);
        for other in &others[..shards - 1] {
            for ((dw, db), (ow, ob)) in first[0].iter_mut().zip(other) {
                dw.iter_mut().zip(ow).for_each(|(a, b)| *a += b);
                db.iter_mut().zip(ob).for_each(|(a, b)| *a += b);
            }
        }
        let gradients = &first[0];
        let square = |v: &Vec<f32>| v.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
        let norm = gradients.iter().map(|(w, b)| square(w) + square(b)).sum::<f64>().sqrt();
        let clip = if norm > CLIP { (CLIP / norm) as f32 } else { 1.0 };
        let (b1, b2) = (0.9f32, 0.999f32);
        let t = (self.step + 1) as i32;
        let (c1, c2) = (1.0 - b1.powi(t), 1.0 - b2.powi(t));
        for ((node, a), (dw, db)) in self.built.nodes.iter_mut().zip(adam).zip(gradients) {
            let decay = if node.decays() { rate * self.settings.weight_decay } else { 0.0 };
            for (values, gradient, which, decay) in
                [(&mut node.weights, dw, 0, decay), (&mut node.bias, db, 1, 0.0)]
            {
                let (m, v) = (&mut a.m[which], &mut a.v[which]);
                for (((w, g), m), v) in values.iter_mut().zip(gradient).zip(m).zip(v) {
                    let g = g * clip;
                    *m = b1 * *m + (1.0 - b1) * g;
                    *v = b2 * *v + (1.0 - b2) * g * g;
                    *w -= rate * (*m / c1) / ((*v / c2).sqrt() + 1e-7) + decay * *w;
                }
            }
        }
        norm
    }

    fn validate(&mut self) -> Result<Option<Tally>, TrainError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let mut tally = Tally::default();
        let all: Vec<usize> = (0..self.validation.len()).collect();
        for rows in all.chunks(self.settings.batch_size.max(64)) {
            let mut x = vec![0.0; rows.len() * self.validation.width()];
            self.validation.read(rows, &mut x)?;
            self.normaliser.apply(&mut x);
            self.forward(x, rows.len(), None);
            let outputs = self.built.outputs;
            let last = self.workspace.activations.len() - 1;
            for (row, y) in rows.iter().zip(self.workspace.activations[last].chunks_exact_mut(outputs)) {
                judge(y, *row, self.validation_targets, &self.objective, 0.0, &mut tally);
            }
        }
        Ok(Some(tally))
    }
}

/// Loss of one row into the tally; its gradient in place of the output.
fn judge(
    y: &mut [f32],
    row: usize,
    targets: &Targets<'_>,
    objective: &Objective,
    smoothing: f32,
    tally: &mut Tally,
) {
    tally.rows += 1;
    match targets {
        Targets::Classes { of, .. } => {
            let class = of[row] as usize;
            let best = (1..y.len()).fold(0, |b, i| if y[i] > y[b] { i } else { b });
            tally.right += f64::from(u8::from(best == class));
            tally.loss += loss::cross_entropy(y, class, objective.weights[class], smoothing);
        }
        Targets::Values(v) => {
            let target = (v[row] - objective.centre) / objective.spread;
            tally.s1 += f64::from(target);
            tally.s2 += f64::from(target).powi(2);
            let squared = loss::squared_error(y, target);
            tally.error += squared;
            tally.loss += squared;
        }
    }
}

/// Mean and deviation of each channel over the batch: sums per shard, added in the order of the shards.
fn batch_statistics(node: &Node, x: &[f32], parallel: bool) -> Statistics {
    let c = node.output[2];
    let sum = |x: &[f32]| {
        let (mut s1, mut s2) = (vec![0.0f64; c], vec![0.0f64; c]);
        for x in x.chunks_exact(c) {
            for i in 0..c {
                let v = f64::from(x[i]);
                s1[i] += v;
                s2[i] += v * v;
            }
        }
        (s1, s2)
    };
    let shard = SHARD * node.in_len();
    let parts: Vec<_> =
        if parallel { x.par_chunks(shard).map(sum).collect() } else { x.chunks(shard).map(sum).collect() };
    let n = (x.len() / c) as f64;
    let (mut mean, mut inverse) = (vec![0.0f32; c], vec![0.0f32; c]);
    for i in 0..c {
        let (s1, s2) = parts.iter().fold((0.0, 0.0), |(a, b), (p, q)| (a + p[i], b + q[i]));
        let m = s1 / n;
        let var = (s2 / n - m * m).max(0.0);
        mean[i] = m as f32;
        inverse[i] = (1.0 / (var + f64::from(layers::EPSILON)).sqrt()) as f32;
    }
    Statistics { mean, inverse }
}

/// Moves the running statistics towards those of a batch.
fn keep_running(node: &mut Node, s: &Statistics) {
    let c = node.output[2];
    for i in 0..c {
        let var = 1.0 / (s.inverse[i] * s.inverse[i]) - layers::EPSILON;
        let m = layers::MOMENTUM;
        node.running[i] = m * node.running[i] + (1.0 - m) * s.mean[i];
        node.running[c + i] = m * node.running[c + i] + (1.0 - m) * var.max(0.0);
    }
}

/// All vectors of a checkpoint, in the order in which they are restored.
fn state<'v>(nodes: &'v [Node], adam: &'v [Adam], best: &'v [Node]) -> Vec<&'v [f32]> {
    let mut out: Vec<&[f32]> = Vec::new();
    for node in nodes.iter().chain(best) {
        out.extend([node.weights.as_slice(), &node.bias, &node.running]);
    }
    for a in adam {
        out.extend(a.m.iter().chain(&a.v).map(Vec::as_slice));
    }
    out
}
