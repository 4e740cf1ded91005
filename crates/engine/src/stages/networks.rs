//! Networks: what is trained when, from the teacher to the last epoch in int8.

use super::{
    backbone::{self, Frozen},
    classical::layer_lines,
    phases::{Data, Phases, different},
    train::{Block, LayerLine, LearnSummary, StepLine, Trainer, id, inputs, labels},
};
use crate::{EngineError, architecture, project::LearnSection};
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_ir::Graph;
use edgewright_train::{
    Augmented, Flow, Found, Head, Hold, Network, Rows, Settings, Start, TrainError, sketch,
};

/// Share of the step size with which a pruned network is trained on, one whose weights pack better, and one in int8.
const PRUNED_RATE: f32 = 1.0;
const PACKED_RATE: f32 = 0.3;
const INT8_RATE: f32 = 0.03;

impl Trainer<'_> {
    pub(super) fn settings(&self) -> Settings {
        let training = &self.session.project.file.training;
        Settings {
            epochs: training.epochs,
            batch_size: training.batch_size,
            learning_rate: training.learning_rate as f32,
            weight_decay: training.weight_decay as f32,
            label_smoothing: training.label_smoothing as f32,
            loss: training.loss,
            optimizer: training.optimizer,
            schedule: training.schedule,
            warmup_epochs: training.warmup_epochs as f32,
            clip_norm: training.clip_norm as f32,
            ema: training.ema as f32,
            balance_classes: training.balance_classes,
            patience: training.patience,
            seed: self.session.seed,
            threads: self.session.jobs,
            augment: training.augment.clone(),
            hold: Hold::Nothing,
        }
    }

    /// The network with this id, or the first one.
    fn network(&self, block: Option<&str>) -> Result<(usize, &LearnSection), EngineError> {
        let sections = &self.session.project.file.impulse.learn;
        let mut networks = sections.iter().enumerate().filter(|(_, s)| s.trains_network());
        let picked = match block {
            None => networks.next(),
            Some(wanted) => networks.find(|(n, s)| id(s, *n) == wanted),
        };
        picked.ok_or_else(|| {
            let all = sections.iter().enumerate().filter(|(_, s)| s.trains_network()).map(|(n, s)| id(s, n));
            let all: Vec<String> = all.collect();
            EngineError::Data(match block {
                Some(wanted) if !all.is_empty() => {
                    format!("there is no network `{wanted}`; the impulse has {}", all.join(", "))
                }
                _ => "the impulse has no network that is trained here: only those take steps of a size, and augmented windows"
                    .into(),
            })
        })
    }

    /// Sweeps the step size of the network with this id, or of the first one.
    pub(super) fn sweep(&self, block: Option<&str>) -> Result<(String, Found), EngineError> {
        let (n, section) = self.network(block)?;
        let impulse = Impulse::from_bundle(&self.gold.impulse)?;
        let inputs = inputs(&self.session.project, &impulse, section)?;
        let lesson = self.lesson(&impulse, section, &inputs, &mut Vec::new())?;
        let columns = self.columns(&impulse, &inputs);
        let rows = self.open(&lesson.training, &columns)?;
        let watch = self.open(&lesson.validation, &columns)?;
        let (training, validation) = ((&*lesson.training, &rows), (&*lesson.validation, &watch));
        let frozen =
            self.frozen(&lesson.section, &impulse, &columns, training, validation, &mut Vec::new())?;
        let front = frozen.as_ref().map(|f| &f.front);
        let network = untrained(&impulse, &lesson.section, &inputs, lesson.head, rows.len(), front)?;
        let (rows, watch) = frozen.as_ref().map_or((&rows, &watch), |f| (&f.rows, &f.watch));
        let (of, watched) = (lesson.of.targets(), lesson.watched.targets());
        let weights = self.weights(&lesson.training)?;
        let data = Data { rows, of: &of, weights: &weights, watch, watched: &watched };
        let settings = self.settings();
        let mut failure = None;
        let found = data.course(Start::Network(&network), None, &settings).find_rate(&mut |steps| {
            let told = self.session.progress("train", steps as u64, Found::STEPS as u64, "step sizes");
            failure = told.err();
            if failure.is_some() { Flow::Stop } else { Flow::Continue }
        });
        match failure {
            Some(e) => Err(e),
            None => Ok((id(section, n), found?)),
        }
    }

    /// What augmentation makes of the `window`th training window in an epoch, for the network with this id or the first: its id, how many
    /// windows train it, the window's row, and the values.
    pub(super) fn augmented(
        &self,
        block: Option<&str>,
        window: usize,
        epoch: usize,
    ) -> Result<(String, usize, usize, Augmented), EngineError> {
        let (n, section) = self.network(block)?;
        if section.backbone.is_some() {
            return Err(EngineError::Data(
                "a backbone runs once over the windows: nothing is augmented before it".into(),
            ));
        }
        let impulse = Impulse::from_bundle(&self.gold.impulse)?;
        let inputs = inputs(&self.session.project, &impulse, section)?;
        let lesson = self.lesson(&impulse, section, &inputs, &mut Vec::new())?;
        let rows = self.open(&lesson.training, &self.columns(&impulse, &inputs))?;
        let Some(&row) = lesson.training.get(window) else {
            return Err(EngineError::NotFound(format!(
                "there is no training window {window}; there are {}",
                lesson.training.len()
            )));
        };
        let network = untrained(&impulse, &lesson.section, &inputs, lesson.head, rows.len(), None)?;
        self.connects(n, &network)?;
        let made = edgewright_train::augmented(&network, &rows, window, epoch, &self.settings())?;
        Ok((id(section, n), lesson.training.len(), row, made))
    }

    /// Whether the layers of a block fit each other.
    fn connects(&self, n: usize, network: &Network) -> Result<(), EngineError> {
        let project = &self.session.project;
        match sketch(network) {
            Err(e @ TrainError::Layer { number, .. }) => match project.line_of_layer(n, number - 1) {
                Some(line) => Err(self.project_error(format!("line {line}: {e}"))),
                None => Err(e.into()),
            },
            made => Ok(made.map(drop)?),
        }
    }

    /// Trains a network: alone or taught by a larger one, then without the channels that tell least, then in int8, as the project
    /// wants it.
    pub(super) fn fitted(
        &self,
        n: usize,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: Vec<usize>,
        head: Head,
        task: Task,
        raw: Data<'_>,
        frozen: Option<&Frozen>,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let Data { rows, watch, .. } = raw;
        let data = frozen.map_or(raw, |f| Data { rows: &f.rows, watch: &f.watch, ..raw });
        let front = frozen.map(|f| &f.front);
        let network = untrained(impulse, section, &inputs, head, rows.len(), front)?;
        self.connects(n, &network)?;
        let training = &self.session.project.file.training;
        let settings = self.settings();
        let more = training.fine_tune_epochs;
        let mut phases = Phases {
            trainer: self,
            section,
            n,
            data,
            raw,
            front,
            history: Vec::new(),
            best_epoch: 0,
            epochs: settings.epochs + training.tunings() * more,
            resumed: false,
        };
        let mut steps = Vec::new();
        let mut fitted;
        let mut taught = None;
        if let Some(section) = &training.teacher {
            let tutor = phases.tutor(section, &network, impulse, &inputs, &task)?;
            let course = data.course(Start::Network(&network), None, &settings);
            let alone = phases.run("alone", true, course, |course, observer| course.fit(observer))?;
            let course = data.course(Start::Network(&network), Some(tutor.teacher(section)), &settings);
            fitted = phases.run("taught", false, course, |course, observer| course.fit(observer))?;
            let detail = phases.taught_by(&tutor, section)?;
            let before = phases.figures(&phases.int8(&alone.graph)?.0)?;
            let after = phases.figures(&phases.int8(&fitted.graph)?.0)?;
            steps.push(phases.line("distillation", detail, before, after));
            taught = Some((tutor, section));
        } else {
            let course = data.course(Start::Network(&network), None, &settings);
            fitted = phases.run("", false, course, |course, observer| course.fit(observer))?;
        }
        let teacher = taught.as_ref().map(|(tutor, section)| tutor.teacher(section));
        phases.kept(&fitted.history, fitted.best_epoch);
        if training.prune > 0.0 {
            let (model, pruned) = fitted.model.pruned(training.prune as f32)?;
            let settings = settings.fine_tuning(more, PRUNED_RATE);
            let course = data.course(Start::Model(&model), teacher, &settings);
            let small = phases.run("pruned", false, course, |course, observer| course.fit(observer))?;
            let before = phases.figures(&phases.int8(&fitted.graph)?.0)?;
            let after = phases.figures(&phases.int8(&small.graph)?.0)?;
            let layers: Vec<String> =
                pruned.iter().map(|p| format!("{} from {} to {}", p.layer, p.before, p.kept)).collect();
            let detail = format!("{} channels, {more} epochs more", layers.join(", "));
            steps.push(phases.line("pruning", detail, before, after));
            phases.kept(&small.history, small.best_epoch);
            fitted = small;
        }
        let mut hold = Hold::Nothing;
        let mut packing = Vec::new();
        if training.sparsify > 0.0 {
            packing.push(("sparse", "sparsification", Hold::Zeros));
        }
        if training.clusters > 0 {
            packing.push(("clustered", "clustering", Hold::Shared));
        }
        for (phase, name, held) in packing {
            let (model, detail) = match held {
                Hold::Zeros => {
                    let words = format!("{} of the weights of each layer at 0", training.sparsify);
                    (fitted.model.sparsified(training.sparsify as f32)?, words)
                }
                _ => {
                    let words =
                        format!("at most {} different weights in each layer as trained", training.clusters);
                    (fitted.model.clustered(training.clusters)?, words)
                }
            };
            hold = held;
            let settings = Settings { hold, ..settings.fine_tuning(more, PACKED_RATE) };
            let course = data.course(Start::Model(&model), teacher, &settings);
            let packed = phases.run(phase, false, course, |course, observer| course.fit(observer))?;
            let before = phases.figures(&phases.int8(&fitted.graph)?.0)?;
            let integers = phases.int8(&packed.graph)?.0;
            let after = phases.figures(&integers)?;
            let detail = match held {
                Hold::Shared => format!(
                    "{detail} (in int8, where each channel has its own scale, at most {})",
                    different(&integers)
                ),
                _ => detail,
            };
            let detail = format!(
                "{detail}, {more} epochs more; the kernels compute with every weight, so that on a device neither flash nor instructions change, only what the weights pack to"
            );
            steps.push(phases.line(name, detail, before, after));
            phases.kept(&packed.history, packed.best_epoch);
            fitted = packed;
        }
        let (mut int8, mut snr) = phases.int8(&fitted.graph)?;
        if training.quantisation_aware {
            let settings = Settings { hold, ..settings.fine_tuning(more, INT8_RATE) };
            let course = data.course(Start::Model(&fitted.model), None, &settings);
            let tuned = phases.run("int8", false, course, |course, observer| course.fit_int8(observer))?;
            let detail = match tuned.best_epoch {
                0 => format!("none of {more} epochs in int8 was better than none"),
                best => format!("epoch {best} of {more} in int8"),
            };
            let (before, after) = (phases.figures(&int8)?, phases.figures(&tuned.int8)?);
            // What is worse by what the project looks at is not taken, however small its loss.
            let worse = after.metric < before.metric;
            let detail = if worse { format!("{detail}; not taken, as it is worse") } else { detail };
            steps.push(phases.line("quantisation_aware", detail, before, after));
            if !worse {
                phases.kept(&tuned.history, tuned.best_epoch);
                snr = self.layer_snr(&tuned.graph, &tuned.int8, rows)?;
                int8 = tuned.int8;
            }
        }
        if training.wide_layers > 0 {
            let (mixed, own, detail) = phases.mixed(&fitted.graph, training.wide_layers)?;
            let (before, after) = (phases.figures(&int8)?, phases.figures(&mixed)?);
            steps.push(phases.line("mixed_precision", detail, before, after));
            (int8, snr) = (mixed, own);
        }
        if phases.resumed {
            notes.push("training goes on from a checkpoint".into());
        }
        let whole = phases.whole(&fitted.graph)?;
        let trained = fitted.layers.iter().map(|l| LayerLine {
            name: l.name.clone(),
            shape: l.shape.clone(),
            parameters: l.parameters,
            macs: l.macs,
            snr_db: snr.iter().find(|s| s.name == l.name).map(|s| s.snr_db),
        });
        let layers = if front.is_some() { layer_lines(&whole, &snr) } else { trained.collect() };
        notes.push(format!(
            "{} parameters{}, {} MACs, best epoch {} of {}",
            fitted.parameters,
            if front.is_some() { " trained" } else { "" },
            whole.macs(),
            phases.best_epoch,
            phases.history.len()
        ));
        if phases.best_epoch == training.epochs && phases.history.len() == training.epochs {
            notes.push(
                "the best epoch is the last one: it was still learning, and more `training.epochs` would help".into(),
            );
        }
        notes.extend(steps.iter().map(StepLine::to_text));
        let summary = LearnSummary {
            id: id(section, n),
            kind: section.kind,
            labels: labels(&task),
            layers,
            training_windows: rows.len(),
            validation_windows: watch.len(),
            threshold: None,
            temperature: None,
            history: phases.history,
            best_epoch: phases.best_epoch,
            steps,
        };
        let block = |graph: Graph| LearnBlock {
            id: id(section, n),
            task: task.clone(),
            inputs: inputs.clone(),
            graph,
        };
        Ok(Block { float: block(whole), int8: block(int8), summary, rule: None })
    }
}

/// The network of a section: its layers, or those that fit its features and the number of windows; behind a backbone none but the last
/// when it names none.
fn untrained(
    impulse: &Impulse,
    section: &LearnSection,
    inputs: &[usize],
    head: Head,
    windows: usize,
    front: Option<&Graph>,
) -> Result<Network, EngineError> {
    if let Some(front) = front {
        return Ok(Network {
            input: backbone::shape(front),
            layers: section.layers.clone().unwrap_or_default(),
            head,
        });
    }
    match &section.layers {
        Some(layers) => {
            Ok(Network { input: architecture::input_shape(impulse, inputs), layers: layers.clone(), head })
        }
        None => architecture::default_network(impulse, inputs, head, windows),
    }
}
