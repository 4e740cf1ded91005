//! The training loop.

use crate::{
    EpochRecord, Event, Fitted, Flow, Head, Layer, Mark, Network, Rows, Settings, Targets, TrainError,
    augment::Movement,
    checkpoint::{self, Header},
    data::Normaliser,
    engine::{Engine, Mode},
    export,
    network::{self, Built},
    objective::{Objective, Tally, judge},
    optimizer::{self, Moments},
    rng::Stream,
    unit::Unit,
};
use rayon::prelude::*;

/// A loss of which nothing comes back.
const ABSURD: f64 = 1e6;

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
    let Built { input, units, head, .. } = network::build(network, settings.seed)?;
    let outputs = head.iter().product();
    if input.iter().product::<usize>() != train.width() {
        return Err(TrainError::Data(format!(
            "the network takes {:?}, the rows have {} values",
            network.input,
            train.width()
        )));
    }
    // Whatever the number of threads, it is the same training.
    let same = Settings { threads: 0, ..settings.clone() };
    let mut trainer = Trainer {
        normaliser: Normaliser::learn(train, columns)?,
        average: (settings.ema > 0.0).then(|| units.clone()),
        engine: Engine::new(units, train.width()),
        input,
        outputs,
        objective: Objective::new(network, [head[0], head[1]], targets, settings)?,
        subject: format!("{network:?} {same:?} {} rows", train.len()),
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
    };
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
    if !(0.0..1.0).contains(&settings.ema) {
        return fail(format!("`training.ema` is {}; it must be at least 0 and below 1", settings.ema));
    }
    match (network.head, targets) {
        (Head::Softmax { classes }, Targets::Classes { of, count }) => {
            if classes < 2 || classes != *count || of.iter().any(|c| *c as usize >= classes) {
                return fail(format!("{classes} classes do not fit the targets"));
            }
            Ok(())
        }
        (Head::Cells { classes }, Targets::Objects { of, labels, weight }) => {
            let wrong = |m: &Mark| m.label as usize >= *labels || !m.x.is_finite() || !m.y.is_finite();
            if *labels == 0 || classes != labels + 1 || of.iter().flatten().any(wrong) {
                return fail(format!("{classes} classes do not fit the objects"));
            }
            if !(weight.is_finite() && *weight > 0.0) || of.iter().all(Vec::is_empty) {
                return fail("objects need a weight above 0, and a picture that holds one".into());
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

struct Trainer<'a> {
    settings: &'a Settings,
    normaliser: Normaliser,
    engine: Engine,
    /// Running mean of the weights, when it is wanted.
    average: Option<Vec<Unit>>,
    input: [usize; 3],
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
        network: &Network,
        resume: Option<&[u8]>,
        observer: &mut (dyn FnMut(&Event<'_>) -> Flow + Send),
    ) -> Result<Fitted, TrainError> {
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
                best.clone_from(self.average.as_ref().unwrap_or(&self.engine.units));
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
                    checkpoint::write(&header, &state(&self.engine.units, &moments, &best, &self.average))
                },
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
        let graph = export::graph(network, &self.input, &best, &self.normaliser);
        let layers = export::summary(&graph);
        Ok(Fitted {
            parameters: layers.iter().map(|l| l.parameters).sum(),
            layers,
            graph,
            history: header.history,
            best_epoch: header.best_epoch,
        })
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
        for unit in self.engine.units.iter_mut().chain(best).chain(self.average.iter_mut().flatten()) {
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
            prepare(x, self.train.width(), |i, x| {
                let augment = &self.settings.augment;
                if augment.is_off() {
                    return self.normaliser.apply(x);
                }
                let stream = &mut stream(self.settings.seed, epoch, rows[i]);
                augment.place(x, &self.shape, stream);
                self.normaliser.apply(x);
                augment.colour(x, &self.shape, stream);
            });
            self.engine.forward(rows.len(), Mode::Training { seed: self.settings.seed, step: self.step });
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
            let norm = optimizer::take(
                &mut engine.units,
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
        for (row, y) in rows.iter().zip(self.judged.chunks_exact_mut(self.outputs)) {
            let (movement, size) = match (epoch, self.shape.as_slice()) {
                (Some(epoch), &[h, w, _]) if !augment.is_off() => {
                    (augment.movement([h, w], &mut stream(self.settings.seed, epoch, *row)), [h, w])
                }
                _ => (Movement::default(), [1, 1]),
            };
            let moved = |point| movement.point(point, size);
            judge(y, *row, targets, &self.objective, smoothing, &moved, tally);
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
            prepare(x, self.validation.width(), |_, x| self.normaliser.apply(x));
            self.engine.forward(rows.len(), Mode::Use);
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
