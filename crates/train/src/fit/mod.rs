//! The training loop.

mod check;
mod integer;

pub use integer::Tuned;

use crate::{
    EpochRecord, Event, Fitted, Flow, Layer, Model, Network, Rows, Settings, Targets, TrainError,
    augment::Movement,
    checkpoint::{self, Header},
    data::Normaliser,
    engine::{Engine, Mode},
    export,
    network::{self, Built},
    objective::{Lesson, Objective, Tally, judge, soften},
    optimizer::{self, Moments},
    rng::Stream,
    unit::Unit,
};
use integer::Integer;
use rayon::prelude::*;

/// A loss of which nothing comes back.
const ABSURD: f64 = 1e6;

/// Where a training begins.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// With weights drawn from the seed.
    Network(&'a Network),
    /// With the weights of a model that was trained on rows of the same meaning.
    Model(&'a Model),
}

/// A larger network that was trained before, from whose scores another learns beside the targets (Hinton, Vinyals and Dean, 2015).
#[derive(Clone, Copy, Debug)]
pub struct Teacher<'a> {
    /// Trained on the same rows and targets.
    pub model: &'a Model,
    /// Both networks' logits are divided by it before they are compared; at least 1. Numbers are compared as they are.
    pub temperature: f32,
    /// Share of the teacher in the loss, 0..1; the rest is the loss against the targets.
    pub share: f32,
}

/// A training: what, on what, and how.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// What is trained.
    pub start: Start<'a>,
    /// From whom it learns beside the targets.
    pub teacher: Option<Teacher<'a>>,
    /// Rows that train.
    pub train: &'a dyn Rows,
    /// Their targets.
    pub targets: &'a Targets<'a>,
    /// Rows that choose the best epoch; may be empty, then the training loss chooses.
    pub validation: &'a dyn Rows,
    /// Their targets.
    pub validation_targets: &'a Targets<'a>,
    /// How.
    pub settings: &'a Settings,
    /// Bytes of a checkpoint of the same training.
    pub resume: Option<&'a [u8]>,
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
    let (start, teacher) = (Start::Network(network), None);
    Course { start, teacher, train, targets, validation, validation_targets, settings, resume }.fit(observer)
}

impl Course<'_> {
    /// Trains in float.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn fit(&self, observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send)) -> Result<Fitted, TrainError> {
        self.with(None, observer, |trained| {
            let Trained { model, history, best_epoch, .. } = trained;
            let graph = model.graph();
            let layers = export::summary(&graph);
            Ok(Fitted {
                parameters: layers.iter().map(|l| l.parameters).sum(),
                layers,
                graph,
                model,
                history,
                best_epoch,
            })
        })
    }

    /// Trains a model on in int8 arithmetic: each pass forward is that of the integer interpreter on weights that are quantised anew for
    /// the step, with ranges of activations that are calibrated once; on the way back, rounding counts as if it were not there, and what
    /// was cut off at the end of a range passes nothing (Jacob and others, 2018). Epoch 0 is the model quantised as it came: when
    /// no epoch has a smaller validation loss, it is what is returned.
    ///
    /// # Errors
    /// [`TrainError`]; [`TrainError::Data`] when the course starts with a network that has no weights yet, or has a teacher.
    pub fn fit_int8(
        &self,
        observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
    ) -> Result<Tuned, TrainError> {
        let (Start::Model(model), None) = (self.start, self.teacher) else {
            return Err(TrainError::Data("int8 training goes on from a trained model, without a teacher".into()));
        };
        let integer = Integer::new(model, self.train)?;
        self.with(Some(integer), observer, |trained| {
            let Trained { model, history, best_epoch, integer } = trained;
            let integer = integer.ok_or_else(|| TrainError::Data("no int8 graph was made".into()))?;
            Ok(Tuned { int8: integer.whole(&model)?, graph: model.graph(), history, best_epoch })
        })
    }

    fn with<R: Send>(
        &self,
        integer: Option<Integer>,
        observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
        finish: impl FnOnce(Trained) -> Result<R, TrainError> + Send,
    ) -> Result<R, TrainError> {
        let mut trainer = self.prepare(integer)?;
        let resume = self.resume;
        let run = move || trainer.run(resume, observer).and_then(finish);
        if self.settings.threads == 0 {
            return run();
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.settings.threads)
            .build()
            .map_err(|e| TrainError::Data(e.to_string()))?
            .install(run)
    }

    fn prepare(&self, integer: Option<Integer>) -> Result<Trainer<'_>, TrainError> {
        let &Self { train, targets, validation, validation_targets, settings, .. } = self;
        let network = match self.start {
            Start::Network(network) => network,
            Start::Model(model) => &model.network,
        };
        check::check(network, train, targets, settings)?;
        if !validation.is_empty()
            && (validation.width() != train.width() || validation_targets.len() != validation.len())
        {
            return Err(TrainError::Data("the validation rows do not fit the training rows".into()));
        }
        let model = match (self.start, &integer) {
            (_, Some(integer)) => integer.model.clone(),
            (Start::Model(model), _) => model.clone(),
            (Start::Network(network), _) => {
                let columns = match network.input.as_slice() {
                    [_, columns] | [_, _, columns] => *columns,
                    _ => train.width(),
                };
                let Built { input, units, .. } = network::build(network, settings.seed)?;
                fits(network, &input, train)?;
                let normaliser = Normaliser::learn(train, columns)?;
                Model { network: network.clone(), input, units, normaliser, centre: 0.0, spread: 1.0 }
            }
        };
        fits(network, &model.input, train)?;
        let head = model.units.last().map_or([0; 3], |u| u.output);
        let mut subject = format!("{network:?} {:?} {} rows", Settings { threads: 0, ..settings.clone() }, train.len());
        if let Start::Model(model) = self.start {
            subject += &format!(" from {:016x}", model.fingerprint());
        }
        if integer.is_some() {
            subject += " in int8";
        }
        let teacher = self.teacher.map(|t| {
            subject += &format!(" taught by {:016x} {} {}", t.model.fingerprint(), t.temperature, t.share);
            if !(t.temperature >= 1.0 && t.temperature.is_finite() && (0.0..=1.0).contains(&t.share)) {
                return Err(TrainError::Data(format!(
                    "a teacher needs a temperature of at least 1 and a share between 0 and 1, not {} and {}",
                    t.temperature, t.share
                )));
            }
            let same = t.model.normaliser == model.normaliser
                && t.model.units.last().is_some_and(|u| u.output == head);
            if !same {
                return Err(TrainError::Data("the teacher was trained on other rows or targets".into()));
            }
            let lesson = Lesson { temperature: t.temperature, share: t.share };
            Ok((Engine::new(t.model.units.clone(), train.width()), lesson))
        });
        let objective = Objective::new(network, [head[0], head[1]], targets, settings)?;
        Ok(Trainer {
            average: (settings.ema > 0.0).then(|| model.units.clone()),
            engine: Engine::new(model.units.clone(), train.width()),
            teacher: teacher.transpose()?,
            outputs: head.iter().product(),
            objective,
            // Whatever the number of threads, it is the same training.
            subject,
            settings,
            shape: match network.layers.first() {
                // What the first layer makes of a list is what people see in it.
                Some(Layer::Reshape { shape }) => shape.clone(),
                _ => network.input.clone(),
            },
            train,
            targets,
            validation,
            validation_targets,
            judged: Vec::new(),
            step: 0,
            integer,
            model,
        })
    }
}

fn fits(network: &Network, input: &[usize; 3], train: &dyn Rows) -> Result<(), TrainError> {
    if input.iter().product::<usize>() == train.width() {
        return Ok(());
    }
    Err(TrainError::Data(format!(
        "the network takes {:?}, the rows have {} values",
        network.input,
        train.width()
    )))
}

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
    teacher: Option<(Engine, Lesson)>,
    /// Running mean of the weights, when it is wanted.
    average: Option<Vec<Unit>>,
    outputs: usize,
    objective: Objective,
    subject: String,
    /// Shape of a row as augmentation sees it.
    shape: Vec<usize>,
    train: &'a dyn Rows,
    targets: &'a Targets<'a>,
    validation: &'a dyn Rows,
    validation_targets: &'a Targets<'a>,
    /// Outputs, then their gradients.
    judged: Vec<f32>,
    step: u64,
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

    fn epoch(
        &mut self,
        epoch: usize,
        batches: usize,
        moments: &mut [Moments],
        history: &[EpochRecord],
    ) -> Result<EpochRecord, TrainError> {
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut shuffle = Stream::new(&[self.settings.seed, 2, epoch as u64]);
        for i in (1..order.len()).rev() {
            order.swap(i, shuffle.below(i + 1));
        }
        let mut tally = Tally::default();
        let mut norms = 0.0;
        let mut rate = 0.0;
        for rows in order.chunks(self.settings.batch_size) {
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
            if let Some((teacher, _)) = &mut self.teacher {
                teacher.input(rows.len()).copy_from_slice(self.engine.input(rows.len()));
                teacher.forward(rows.len(), Mode::Use);
            }
            self.forward(rows.len(), Mode::Training { seed: self.settings.seed, step: self.step })?;
            let before = tally.loss_sum();
            self.judge(rows, self.targets, Some(epoch), &mut tally);
            let loss = (tally.loss_sum() - before) / rows.len() as f64;
            if !loss.is_finite() || loss > ABSURD {
                return Err(self.diverged(epoch, loss));
            }
            let share = 1.0 / rows.len() as f32;
            self.judged.iter_mut().for_each(|d| *d *= share);
            self.engine.backward(rows.len(), &self.judged);
            rate = optimizer::rate(self.settings, batches, self.step, history);
            let engine = &mut self.engine;
            let units = match &mut self.integer {
                Some(integer) => &mut integer.model.units,
                None => &mut engine.units,
            };
            let norm = optimizer::take(
                units,
                &engine.gradients,
                moments,
                self.settings,
                rate,
                self.step,
            );
            if !norm.is_finite() {
                return Err(self.diverged(epoch, loss));
            }
            norms += norm;
            self.step += 1;
            if let Some(average) = &mut self.average {
                follow(average, &engine.units, self.settings.ema);
            }
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

    /// Adds the outputs to the tally; their gradients end in `judged`. In an `epoch` of training, rows are as that made them.
    fn judge(&mut self, rows: &[usize], targets: &Targets<'_>, epoch: Option<usize>, tally: &mut Tally) {
        self.judged.clear();
        self.judged.extend_from_slice(self.engine.output());
        let augment = &self.settings.augment;
        let smoothing = if epoch.is_some() { self.settings.label_smoothing } else { 0.0 };
        let teacher = self.teacher.as_ref().filter(|_| epoch.is_some());
        for (i, (row, y)) in rows.iter().zip(self.judged.chunks_exact_mut(self.outputs)).enumerate() {
            let (movement, size) = match (epoch, self.shape.as_slice()) {
                (Some(epoch), &[h, w, _]) if !augment.is_off() => {
                    (augment.movement([h, w], &mut stream(self.settings.seed, epoch, *row)), [h, w])
                }
                _ => (Movement::default(), [1, 1]),
            };
            let moved = |point| movement.point(point, size);
            let Some((teacher, lesson)) = teacher else {
                judge(y, *row, targets, &self.objective, smoothing, &moved, tally);
                continue;
            };
            let own = y.to_vec();
            judge(y, *row, targets, &self.objective, smoothing, &moved, tally);
            let soft = &teacher.output()[i * self.outputs..][..self.outputs];
            soften(y, &own, soft, targets, &self.objective, *lesson, tally);
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
        let mut tally = Tally::default();
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
