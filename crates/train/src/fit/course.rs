//! What a training is given, and how it begins and ends.

use super::{Found, Teacher, Trained, Trainer, Tuned, check, held::Held, integer::Integer, teacher::Tutor};
use crate::{
    Event, Fitted, Flow, Layer, Model, Network, Rows, Settings, Targets, TrainError,
    data::Normaliser,
    engine::Engine,
    export,
    network::{self, Built},
    objective::Objective,
    sketch::parameters,
};

/// Where a training begins.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// With weights drawn from the seed.
    Network(&'a Network),
    /// With the weights of a model that was trained on rows of the same meaning.
    Model(&'a Model),
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
    /// By how much the loss of each of these rows counts, above 0, 1 on average; empty: all the same. Figures stay shares of rows.
    pub weights: &'a [f32],
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
    let weights = &[];
    Course { start, teacher, train, targets, weights, validation, validation_targets, settings, resume }
        .fit(observer)
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
                parameters: model.units.iter().map(parameters).sum(),
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
            return Err(TrainError::Data(
                "int8 training goes on from a trained model, without a teacher".into(),
            ));
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
        self.inside(move || trainer.run(resume, observer).and_then(finish))
    }

    /// Sweeps the step size from [`Found::FIRST`] upwards, as [`Found`] tells, and suggests one. `observer` is told how many steps were
    /// taken and says whether to go on.
    ///
    /// # Errors
    /// [`TrainError`]; a loss that leaves all bounds ends the sweep and is no error.
    pub fn find_rate(&self, observer: &mut (dyn FnMut(usize) -> Flow + Send)) -> Result<Found, TrainError> {
        let mut trainer = self.prepare(None)?;
        self.inside(move || trainer.sweep(observer))
    }

    /// Does work on as many threads as the settings say.
    fn inside<R: Send>(&self, run: impl FnOnce() -> Result<R, TrainError> + Send) -> Result<R, TrainError> {
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
        let &Self { train, targets, weights, validation, validation_targets, settings, .. } = self;
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
                let columns = columns(network, train);
                let Built { input, units, .. } = network::build(network, settings.seed)?;
                fits(network, &input, train)?;
                let normaliser = Normaliser::learn(train, columns)?;
                Model { network: network.clone(), input, units, normaliser, centre: 0.0, spread: 1.0 }
            }
        };
        fits(network, &model.input, train)?;
        let head = model.units.last().map_or([0; 3], |u| u.output);
        let mut subject =
            format!("{network:?} {:?} {} rows", Settings { threads: 0, ..settings.clone() }, train.len());
        if let Start::Model(model) = self.start {
            subject += &format!(" from {:016x}", model.fingerprint());
        }
        if integer.is_some() {
            subject += " in int8";
        }
        if !weights.is_empty() {
            if weights.len() != train.len() || weights.iter().any(|w| !(*w > 0.0 && w.is_finite())) {
                return Err(TrainError::Data(format!(
                    "{} rows need as many weights above 0, not {}",
                    train.len(),
                    weights.len()
                )));
            }
            // FNV-1a: the weights belong to what a checkpoint is of.
            let bytes = weights.iter().flat_map(|w| w.to_bits().to_le_bytes());
            let mark = bytes
                .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            subject += &format!(" weighed {mark:016x}");
        }
        let objective = Objective::new(network, [head[0], head[1]], targets, settings)?;
        let mut teacher = None;
        if let Some(t) = self.teacher {
            let (tutor, own) = Tutor::new(t, &model, head, train, &objective, settings)?;
            subject += &format!(" taught by {own}");
            teacher = Some(tutor);
        }
        Ok(Trainer {
            average: (settings.ema > 0.0).then(|| model.units.clone()),
            engine: Engine::new(model.units.clone(), train.width()),
            teacher,
            outputs: head.iter().product(),
            objective,
            // Whatever the number of threads, it is the same training.
            subject,
            settings,
            shape: shape(network),
            train,
            targets,
            weights,
            validation,
            validation_targets,
            shares: Vec::new(),
            judged: Vec::new(),
            step: 0,
            held: Held::new(settings.hold, &model.units),
            integer,
            model,
        })
    }
}

/// Values of a row that are normalised alike come every so many.
fn columns(network: &Network, train: &dyn Rows) -> usize {
    match network.input.as_slice() {
        [_, columns] | [_, _, columns] => *columns,
        _ => train.width(),
    }
}

/// Shape of a row as augmentation sees it.
fn shape(network: &Network) -> Vec<usize> {
    match network.layers.first() {
        // What the first layer makes of a list is what people see in it.
        Some(Layer::Reshape { shape }) => shape.clone(),
        _ => network.input.clone(),
    }
}

/// A row of training, as it is and as an epoch has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmented {
    /// Shape of the row as augmentation sees it: `[n]`, `[time, columns]` or `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// The row, in the units of the features.
    pub before: Vec<f32>,
    /// The same row as the network is given it in that epoch, brought back to those units. Rows that `mixup` adds are not in it.
    pub after: Vec<f32>,
}

/// What `settings.augment` makes of a row in an epoch of the training with `settings.seed`: the very numbers that [`crate::fit`] draws.
///
/// # Errors
/// [`TrainError::Data`] when there is no such row, the network does not take rows of this width, or a value is no number.
pub fn augmented(
    network: &Network,
    train: &dyn Rows,
    row: usize,
    epoch: usize,
    settings: &Settings,
) -> Result<Augmented, TrainError> {
    let (width, shape) = (train.width(), shape(network));
    if row >= train.len() || shape.iter().product::<usize>() != width {
        return Err(TrainError::Data(format!(
            "there is no row {row} of shape {shape:?} among {} rows of {width} values",
            train.len()
        )));
    }
    let mut before = vec![0.0; width];
    train.read(&[row], &mut before)?;
    let mut after = before.clone();
    if !settings.augment.is_off() {
        let normaliser = Normaliser::learn(train, columns(network, train))?;
        let stream = &mut super::stream(settings.seed, epoch, row);
        settings.augment.place(&mut after, &shape, stream);
        normaliser.apply(&mut after);
        settings.augment.colour(&mut after, &shape, stream);
        normaliser.undo(&mut after, &before);
    }
    Ok(Augmented { shape, before, after })
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
