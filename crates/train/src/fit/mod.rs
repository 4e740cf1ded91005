//! The training loop.

mod check;
mod course;
mod find;
mod held;
mod integer;
mod teacher;

pub use course::{Augmented, Course, Start, augmented, fit};
pub use find::{Found, Tried};
pub use integer::Tuned;
pub use teacher::{Teacher, Teaches};

use crate::{
    EpochRecord, Event, Flow, Model, Rows, Settings, Targets, TrainError,
    augment::{Augment, Movement},
    checkpoint::{self, Header},
    engine::{Engine, Mode},
    objective::{Objective, Tally, judge, mix, soften},
    optimizer::{self, Moments},
    rng::Stream,
    unit::Unit,
};
use held::Held;
use integer::Integer;
use rayon::prelude::*;
use teacher::Tutor;

/// A loss of which nothing comes back.
const ABSURD: f64 = 1e6;

/// What the loop leaves.
struct Trained {
    model: Model,
    history: Vec<EpochRecord>,
    best_epoch: usize,
    integer: Option<Integer>,
}

struct Trainer<'a> {
    settings: &'a Settings,
    /// What it starts from; its normalisation is that of every row.
    model: Model,
    engine: Engine,
    /// When it trains in int8: the integer graph, and the weights that are learned. The engine then holds what was quantised.
    integer: Option<Integer>,
    teacher: Option<Tutor<'a>>,
    /// Running mean of the weights, when it is wanted.
    average: Option<Vec<Unit>>,
    outputs: usize,
    objective: Objective,
    subject: String,
    /// Shape of a row as augmentation sees it.
    shape: Vec<usize>,
    train: &'a dyn Rows,
    targets: &'a Targets<'a>,
    /// Of each training row; empty: all the same.
    weights: &'a [f32],
    validation: &'a dyn Rows,
    validation_targets: &'a Targets<'a>,
    /// Of each row of the batch: share of the next that is mixed into it. Empty when nothing is mixed.
    shares: Vec<f32>,
    /// Outputs, then their gradients.
    judged: Vec<f32>,
    step: u64,
    /// What of the first weights stays.
    held: Held,
}

impl Trainer<'_> {
    fn run(
        &mut self,
        resume: Option<&[u8]>,
        observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
    ) -> Result<Trained, TrainError> {
        let mut moments: Vec<Moments> = self.engine.units.iter().map(Moments::new).collect();
        let mut best = self.engine.units.clone();
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
            header = self.restore(bytes, &mut moments, &mut best)?;
        } else if self.integer.is_some() {
            // As it came, it is to be beaten.
            header.best_loss = self.validate()?.map_or(f64::MAX, |tally| tally.loss());
        }
        let batches = self.train.len().div_ceil(self.settings.batch_size);
        while header.epoch < self.settings.epochs
            && (self.settings.patience == 0 || header.stale < self.settings.patience)
        {
            header.epoch += 1;
            let record = self.epoch(header.epoch, batches, &mut moments, &header.history)?;
            let watched = record.validation_loss.unwrap_or(record.loss);
            if !watched.is_finite() {
                return Err(self.diverged(header.epoch, watched));
            }
            if watched < header.best_loss {
                (header.best_loss, header.best_epoch, header.stale) = (watched, header.epoch, 0);
                best.clone_from(self.average.as_ref().unwrap_or_else(|| self.learned()));
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
                learning_rate: record.learning_rate,
                gradient_norm: record.gradient_norm,
                checkpoint: &|| {
                    checkpoint::write(&header, &state(self.learned(), &moments, &best, &self.average))
                },
            });
            if flow == Flow::Stop {
                return Err(TrainError::Stopped);
            }
        }
        let (centre, spread) = (self.objective.centre, self.objective.spread);
        Ok(Trained {
            model: Model { units: best, centre, spread, ..self.model.clone() },
            history: header.history,
            best_epoch: header.best_epoch,
            integer: self.integer.take(),
        })
    }

    /// The weights that are learned.
    fn learned(&self) -> &Vec<Unit> {
        self.integer.as_ref().map_or(&self.engine.units, |i| &i.model.units)
    }

    fn restore(
        &mut self,
        bytes: &[u8],
        moments: &mut [Moments],
        best: &mut [Unit],
    ) -> Result<Header, TrainError> {
        let (header, vectors) = checkpoint::read(bytes, &self.subject)?;
        let mut vectors = vectors.into_iter();
        let mut take = |to: &mut Vec<f32>| match vectors.next() {
            Some(v) if v.len() == to.len() => {
                *to = v;
                Ok(())
            }
            _ => Err(TrainError::Checkpoint("its weights do not fit the network".into())),
        };
        let own = match &mut self.integer {
            Some(integer) => &mut integer.model.units,
            None => &mut self.engine.units,
        };
        for unit in own.iter_mut().chain(best).chain(self.average.iter_mut().flatten()) {
            unit.state_mut().into_iter().try_for_each(&mut take)?;
        }
        moments.iter_mut().flat_map(|m| &mut m.0).flatten().try_for_each(take)?;
        self.step = header.step;
        Ok(header)
    }

    /// What is said when the loss is no number: the first layer that is wrong, and what to try.
    fn diverged(&self, epoch: usize, loss: f64) -> TrainError {
        let place = match self.engine.first_wrong() {
            Some(name) => format!("`{name}` is the first layer with an output or gradient that is no number"),
            None => "all layers still have numbers".to_owned(),
        };
        let hint = match self.settings.clip_norm {
            clip if clip > 0.0 => {
                "lower `training.learning_rate` (a third of it is a good next try)".to_owned()
            }
            _ => "set `training.clip_norm` (5 is usual) or lower `training.learning_rate`".to_owned(),
        };
        TrainError::Diverged { epoch, step: self.step + 1, loss, place, hint }
    }

    /// The rows in the order of an epoch.
    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut shuffle = Stream::new(&[self.settings.seed, 2, epoch as u64]);
        for i in (1..order.len()).rev() {
            order.swap(i, shuffle.below(i + 1));
        }
        order
    }

    fn epoch(
        &mut self,
        epoch: usize,
        batches: usize,
        moments: &mut [Moments],
        history: &[EpochRecord],
    ) -> Result<EpochRecord, TrainError> {
        let order = self.order(epoch);
        let mut tally = Tally::default();
        let mut norms = 0.0;
        let mut rate = 0.0;
        for rows in order.chunks(self.settings.batch_size) {
            rate = optimizer::rate(self.settings, batches, self.step, history);
            norms += self.learn(rows, epoch, rate, moments, &mut tally)?.1;
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
            confusion: watched.map(|t| t.confusion().to_vec()).unwrap_or_default(),
        })
    }

    /// One step of a given size on some rows. Returns their mean loss and the norm of its gradient.
    fn learn(
        &mut self,
        rows: &[usize],
        epoch: usize,
        rate: f32,
        moments: &mut [Moments],
        tally: &mut Tally,
    ) -> Result<(f64, f64), TrainError> {
        let x = self.engine.input(rows.len());
        self.train.read(rows, x)?;
        let stretch = self.integer.as_ref().map(|i| i.stretch.as_slice());
        prepare(x, self.train.width(), |i, x| {
            let augment = &self.settings.augment;
            if augment.is_off() {
                return self.model.normaliser.apply(x);
            }
            let stream = &mut stream(self.settings.seed, epoch, rows[i]);
            augment.place(x, &self.shape, stream);
            let Some(stretch) = stretch else {
                self.model.normaliser.apply(x);
                return augment.colour(x, &self.shape, stream);
            };
            // Colours are measured in deviations: first to those, then to what equalised channels made of them.
            self.integer.as_ref().map_or(&self.model.normaliser, |i| &i.plain).apply(x);
            augment.colour(x, &self.shape, stream);
            x.iter_mut().zip(stretch.iter().cycle()).for_each(|(x, s)| *x *= s);
        });
        self.shares.clear();
        if self.settings.augment.mixup > 0.0 && rows.len() > 1 {
            let share = |row: &usize| {
                let mut stream = Stream::new(&[self.settings.seed, 5, epoch as u64, *row as u64]);
                self.settings.augment.mixup * stream.unit()
            };
            self.shares.extend(rows.iter().map(share));
            Augment::mix(self.engine.input(rows.len()), &self.shares);
        }
        if let Some(teacher) = &mut self.teacher {
            teacher.listen(rows, self.engine.input(rows.len()))?;
        }
        self.forward(rows.len(), Mode::Training { seed: self.settings.seed, step: self.step })?;
        let before = tally.loss_sum();
        self.judge(rows, self.targets, Some(epoch), tally);
        let loss = (tally.loss_sum() - before) / rows.len() as f64;
        if !loss.is_finite() || loss > ABSURD {
            return Err(self.diverged(epoch, loss));
        }
        let share = 1.0 / rows.len() as f32;
        self.judged.iter_mut().for_each(|d| *d *= share);
        self.engine.backward(rows.len(), &self.judged);
        let engine = &mut self.engine;
        let units = match &mut self.integer {
            Some(integer) => &mut integer.model.units,
            None => &mut engine.units,
        };
        let norm = optimizer::take(units, &engine.gradients, moments, self.settings, rate, self.step);
        if !norm.is_finite() {
            return Err(self.diverged(epoch, loss));
        }
        self.held.apply(units);
        self.step += 1;
        if let Some(average) = &mut self.average {
            // Young averages forget faster: else they would keep the weights of the start.
            let young = (1.0 + self.step as f32) / (10.0 + self.step as f32);
            follow(average, &engine.units, self.settings.ema.min(young));
        }
        Ok((loss, norm))
    }

    /// Adds the outputs to the tally; their gradients end in `judged`. In an `epoch` of training, rows are as that made them.
    fn judge(&mut self, rows: &[usize], targets: &Targets<'_>, epoch: Option<usize>, tally: &mut Tally) {
        self.judged.clear();
        self.judged.extend_from_slice(self.engine.output());
        let augment = &self.settings.augment;
        let smoothing = if epoch.is_some() { self.settings.label_smoothing } else { 0.0 };
        let teacher = self.teacher.as_ref().filter(|_| epoch.is_some());
        let against = |y: &mut [f32], row: usize, tally: &mut Tally| {
            let (movement, size) = match (epoch, self.shape.as_slice()) {
                (Some(epoch), &[h, w, _]) if !augment.is_off() => {
                    (augment.movement([h, w], &mut stream(self.settings.seed, epoch, row)), [h, w])
                }
                _ => (Movement::default(), [1, 1]),
            };
            let moved = |point| movement.point(point, size);
            judge(y, row, targets, &self.objective, smoothing, &moved, tally);
            if let (Some(_), Some(&weight)) = (epoch, self.weights.get(row)) {
                y.iter_mut().for_each(|d| *d *= weight);
                tally.weigh(weight);
            }
        };
        let shares: &[f32] = if epoch.is_some() { &self.shares } else { &[] };
        for (i, (row, y)) in rows.iter().zip(self.judged.chunks_exact_mut(self.outputs)).enumerate() {
            if shares.is_empty() && teacher.is_none() {
                against(y, *row, tally);
                continue;
            }
            let own = y.to_vec();
            against(y, *row, tally);
            if let Some(share) = shares.get(i) {
                let (mut other, mut apart) = (own.clone(), Tally::default());
                against(&mut other, rows[(i + 1) % rows.len()], &mut apart);
                mix(y, &other, apart.loss_sum(), *share, tally);
            }
            if let Some(teacher) = teacher {
                let soft = &teacher.output()[i * self.outputs..][..self.outputs];
                soften(y, &own, soft, targets, &self.objective, teacher.lesson, tally);
            }
        }
    }

    /// Runs a batch that the engine holds, in the arithmetic that is trained in.
    fn forward(&mut self, samples: usize, mode: Mode) -> Result<(), TrainError> {
        match &mut self.integer {
            Some(integer) => {
                let spread = (self.objective.centre, self.objective.spread);
                integer.forward(&mut self.engine, samples, mode != Mode::Use, spread)
            }
            None => {
                self.engine.forward(samples, mode);
                Ok(())
            }
        }
    }

    fn validate(&mut self) -> Result<Option<Tally>, TrainError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        if let Some(average) = &mut self.average {
            std::mem::swap(average, &mut self.engine.units);
        }
        let mut tally = Tally::watching(self.validation_targets);
        let all: Vec<usize> = (0..self.validation.len()).collect();
        for rows in all.chunks(self.settings.batch_size.clamp(32, 64)) {
            let x = self.engine.input(rows.len());
            self.validation.read(rows, x)?;
            prepare(x, self.validation.width(), |_, x| self.model.normaliser.apply(x));
            self.forward(rows.len(), Mode::Use)?;
            self.judge(rows, self.validation_targets, None, &mut tally);
        }
        if let Some(average) = &mut self.average {
            std::mem::swap(average, &mut self.engine.units);
        }
        Ok(Some(tally))
    }
}

/// What the changes of a row are drawn from in an epoch.
fn stream(seed: u64, epoch: usize, row: usize) -> Stream {
    Stream::new(&[seed, 3, epoch as u64, row as u64])
}

/// Values of a batch below which threads cost more than they give.
const WORTH_THREADS: usize = 1 << 15;

/// Does something to each row.
fn prepare(x: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync + Send) {
    if x.len() > WORTH_THREADS {
        x.par_chunks_mut(width).enumerate().for_each(|(i, x)| work(i, x));
    } else {
        x.chunks_mut(width).enumerate().for_each(|(i, x)| work(i, x));
    }
}

/// Moves a running mean of the weights towards those of now; running statistics are taken as they are.
fn follow(average: &mut [Unit], now: &[Unit], past: f32) {
    for (average, now) in average.iter_mut().zip(now) {
        for (to, from) in average.learned_mut().into_iter().zip(now.learned()) {
            to.iter_mut().zip(from).for_each(|(a, w)| *a = past * *a + (1.0 - past) * w);
        }
        if let (Some(to), Some(from)) = (&mut average.norm, &now.norm) {
            to.mean.clone_from(&from.mean);
            to.variance.clone_from(&from.variance);
        }
    }
}

/// All vectors of a checkpoint, in the order in which they are restored.
fn state<'v>(
    units: &'v [Unit],
    moments: &'v [Moments],
    best: &'v [Unit],
    average: &'v Option<Vec<Unit>>,
) -> Vec<&'v [f32]> {
    let all = units.iter().chain(best).chain(average.iter().flatten());
    let mut out: Vec<&[f32]> = all.flat_map(Unit::state).map(Vec::as_slice).collect();
    out.extend(moments.iter().flat_map(|m| &m.0).flatten().map(Vec::as_slice));
    out
}
