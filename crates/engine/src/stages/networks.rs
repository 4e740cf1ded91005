//! Networks: what is trained when, from the teacher to the last epoch in int8.

use super::{
    build,
    gold::TrainingRows,
    train::{Block, Epoch, LayerLine, LearnSummary, StepFigures, StepLine, Trainer, id, inputs, labels},
};
use crate::{
    EngineError, architecture,
    project::{LearnKind, LearnSection, Project, TeacherSection},
    session::Key,
};
use edgewright_compile::cost;
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_ir::Graph;
use edgewright_train::{
    Course, Event, Fitted, Flow, Found, Head, Hold, Layer, Network, Rows, Settings, Start, Targets, Teacher,
    TrainError, measure,
};
use std::time::{Duration, Instant};

/// Between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Share of the step size with which a pruned network is trained on, one whose weights pack better, and one in int8.
const PRUNED_RATE: f32 = 1.0;
const PACKED_RATE: f32 = 0.3;
const INT8_RATE: f32 = 0.03;
/// The target that figures are estimated for when a project names none but the host.
const USUAL: &str = "cortex-m4f";

/// Windows that train and windows that validate.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub rows: &'a TrainingRows,
    pub of: &'a Targets<'a>,
    pub watch: &'a TrainingRows,
    pub watched: &'a Targets<'a>,
}

impl<'a> Data<'a> {
    fn course<'c>(&self, start: Start<'c>, teacher: Option<Teacher<'c>>, settings: &'c Settings) -> Course<'c>
    where
        'a: 'c,
    {
        Course {
            start,
            teacher,
            train: self.rows,
            targets: self.of,
            validation: self.watch,
            validation_targets: self.watched,
            settings,
            resume: None,
        }
    }

    /// What a graph gets right on the validation windows, or on those that trained when there are none.
    fn measure(&self, graph: &Graph) -> Result<f64, EngineError> {
        Ok(if self.watch.is_empty() {
            measure(graph, self.rows, self.of)?
        } else {
            measure(graph, self.watch, self.watched)?
        })
    }
}

/// What all trainings of one block have in common.
struct Phases<'a> {
    trainer: &'a Trainer<'a>,
    section: &'a LearnSection,
    n: usize,
    data: Data<'a>,
    /// Of the phases whose weights are kept.
    history: Vec<Epoch>,
    best_epoch: usize,
    /// Epochs of all phases that show in the learning curve.
    epochs: usize,
    resumed: bool,
}

impl Phases<'_> {
    /// Runs one training with its own checkpoint. Its epochs go on in the learning curve, or are those of a `side`.
    fn run<T>(
        &mut self,
        phase: &str,
        side: bool,
        course: Course<'_>,
        train: impl FnOnce(Course<'_>, &mut (dyn FnMut(&Event<'_>) -> Flow + Send)) -> Result<T, TrainError>,
    ) -> Result<T, EngineError> {
        let session = self.trainer.session;
        let mut key = Key::new("checkpoint");
        key.text("train", &self.trainer.key.to_string()).value("block", &self.n);
        if !phase.is_empty() {
            key.text("phase", phase);
        }
        let key = key.finish();
        let resume = session.store.get_derived(&key)?.and_then(|hash| session.store.get_blob(&hash).ok());
        self.resumed |= resume.is_some();
        let before = if side { 0 } else { self.history.len() };
        let epochs = if side { course.settings.epochs } else { self.epochs };
        let own = id(self.section, self.n);
        let block = if side { format!("{own} ({phase})") } else { own };
        let mut failure = None;
        let mut last = Instant::now();
        let mut observer = |event: &Event<'_>| {
            let epoch = before + event.epoch;
            let shown = event.validation_metric.unwrap_or(event.metric);
            session.observer.event(crate::Event::Epoch {
                block: block.clone(),
                epoch,
                epochs,
                loss: event.loss,
                metric: event.metric,
                validation_loss: event.validation_loss,
                validation_metric: event.validation_metric,
                learning_rate: Some(f64::from(event.learning_rate)),
                gradient_norm: Some(event.gradient_norm),
            });
            let words = if phase.is_empty() { String::new() } else { format!("{phase}: ") };
            let told = session.progress(
                "train",
                epoch as u64,
                epochs as u64,
                format!("{words}loss {:.3}  {shown:.3}", event.loss),
            );
            if let Err(e) = told {
                failure = Some(e);
            }
            if failure.is_some() || last.elapsed() >= CHECKPOINT_EVERY {
                last = Instant::now();
                let saved = session
                    .store
                    .put_blob(&(event.checkpoint)())
                    .and_then(|hash| session.store.put_derived(&key, &hash));
                if let Err(e) = saved {
                    failure.get_or_insert(e.into());
                }
            }
            if failure.is_some() { Flow::Stop } else { Flow::Continue }
        };
        let made = train(Course { resume: resume.as_deref(), ..course }, &mut observer);
        match failure {
            Some(e) => Err(e),
            None => Ok(made?),
        }
    }

    /// Appends what a phase learned to the curve.
    fn kept(&mut self, history: &[edgewright_train::EpochRecord], best: usize) {
        let before = self.history.len();
        self.history.extend(history.iter().map(|e| Epoch {
            epoch: before + e.epoch,
            loss: e.loss,
            metric: e.metric,
            validation_loss: e.validation_loss,
            validation_metric: e.validation_metric,
            learning_rate: Some(f64::from(e.learning_rate)),
            gradient_norm: Some(e.gradient_norm),
            confusion: e.confusion.clone(),
        }));
        // Epoch 0 is what was there before.
        if best > 0 {
            self.best_epoch = before + best;
        }
    }

    /// Figures of an integer graph.
    fn figures(&self, graph: &Graph) -> Result<StepFigures, EngineError> {
        let target = build::target(target(&self.trainer.session.project))?;
        let cost = cost::estimate(graph, target)?;
        let weighted = graph.nodes.iter().flat_map(|n| n.inputs.get(1..).unwrap_or_default());
        let weighted = weighted.map(|id| graph.tensor(*id)).filter(|t| t.data.is_some());
        Ok(StepFigures {
            metric: self.data.measure(graph)?,
            parameters: weighted.filter(|t| t.quant.is_some()).map(edgewright_ir::Tensor::len).sum(),
            macs: graph.macs(),
            flash_bytes: cost.flash_bytes,
            ram_bytes: cost.layout.arena_bytes,
            instructions: cost.instructions(),
            packed_bytes: Some(packed(graph)?),
        })
    }

    fn line(&self, step: &str, detail: String, before: StepFigures, after: StepFigures) -> StepLine {
        let metric = match self.section.kind {
            LearnKind::Regression => "R2",
            LearnKind::Detection => "F1 of cells",
            _ => "accuracy",
        };
        let side = if self.data.watch.is_empty() { "training" } else { "validation" };
        let (step, metric) = (step.to_owned(), format!("{metric} on {side}"));
        let target = target(&self.trainer.session.project).to_owned();
        StepLine { step, detail, metric, target, before, after }
    }

    /// A larger network that teaches.
    fn teacher(&mut self, section: &TeacherSection, student: &Network) -> Result<Fitted, EngineError> {
        let layers = section.layers.clone().unwrap_or_else(|| widened(&student.layers, section.times));
        let network = Network { layers, ..student.clone() };
        let settings = self.trainer.settings();
        let course = self.data.course(Start::Network(&network), None, &settings);
        self.run("teacher", true, course, |course, observer| course.fit(observer)).map_err(|e| match e {
            EngineError::Train(e @ TrainError::Layer { .. }) => self.trainer.project_error(format!(
                "`training.teacher`: {e}\nhint: give the teacher `layers` of its own"
            )),
            other => other,
        })
    }
}

impl Trainer<'_> {
    fn settings(&self) -> Settings {
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

    /// Sweeps the step size of the network with this id, or of the first one.
    pub(super) fn sweep(&self, block: Option<&str>) -> Result<(String, Found), EngineError> {
        let sections = &self.session.project.file.impulse.learn;
        let mut networks = sections.iter().enumerate().filter(|(_, s)| s.trains_network());
        let picked = match block {
            None => networks.next(),
            Some(wanted) => networks.find(|(n, s)| id(s, *n) == wanted),
        };
        let Some((n, section)) = picked else {
            let all = sections.iter().enumerate().filter(|(_, s)| s.trains_network()).map(|(n, s)| id(s, n));
            let all: Vec<String> = all.collect();
            return Err(EngineError::Data(match block {
                Some(wanted) if !all.is_empty() => {
                    format!("there is no network `{wanted}`; the impulse has {}", all.join(", "))
                }
                _ => {
                    "the impulse has no network that is trained here: only those take steps of a size".into()
                }
            }));
        };
        let impulse = Impulse::from_bundle(&self.gold.impulse)?;
        let inputs = inputs(&self.session.project, &impulse, section)?;
        let lesson = self.lesson(&impulse, section, &inputs, &mut Vec::new())?;
        let columns = self.columns(&impulse, &inputs);
        let rows = self.open(&lesson.training, &columns)?;
        let watch = self.open(&lesson.validation, &columns)?;
        let network = untrained(&impulse, &lesson.section, &inputs, lesson.head, rows.len())?;
        let (of, watched) = (lesson.of.targets(), lesson.watched.targets());
        let data = Data { rows: &rows, of: &of, watch: &watch, watched: &watched };
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
        data: Data<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let Data { rows, watch, .. } = data;
        let network = untrained(impulse, section, &inputs, head, rows.len())?;
        let training = &self.session.project.file.training;
        let settings = self.settings();
        let more = training.fine_tune_epochs;
        let mut phases = Phases {
            trainer: self,
            section,
            n,
            data,
            history: Vec::new(),
            best_epoch: 0,
            epochs: settings.epochs + training.tunings() * more,
            resumed: false,
        };
        let mut steps = Vec::new();
        let mut fitted;
        let mut teacher = None;
        if let Some(section) = &training.teacher {
            let teaches = phases.teacher(section, &network)?;
            let course = data.course(Start::Network(&network), None, &settings);
            let alone = phases.run("alone", true, course, |course, observer| course.fit(observer))?;
            let taught = Teacher {
                model: &teaches.model,
                temperature: section.temperature as f32,
                share: section.share as f32,
            };
            let course = data.course(Start::Network(&network), Some(taught), &settings);
            fitted = phases.run("taught", false, course, |course, observer| course.fit(observer))?;
            let detail = format!(
                "a teacher of {} parameters with {:.3}, temperature {}, share {}",
                teaches.parameters,
                data.measure(&teaches.graph)?,
                section.temperature,
                section.share
            );
            let before = phases.figures(&self.quantise(&alone.graph, rows)?.0)?;
            let after = phases.figures(&self.quantise(&fitted.graph, rows)?.0)?;
            steps.push(phases.line("distillation", detail, before, after));
            teacher = Some((teaches.model, section));
        } else {
            let course = data.course(Start::Network(&network), None, &settings);
            fitted = phases.run("", false, course, |course, observer| course.fit(observer))?;
        }
        let teacher = teacher.as_ref().map(|(model, section)| Teacher {
            model,
            temperature: section.temperature as f32,
            share: section.share as f32,
        });
        phases.kept(&fitted.history, fitted.best_epoch);
        if training.prune > 0.0 {
            let (model, pruned) = fitted.model.pruned(training.prune as f32)?;
            let settings = settings.fine_tuning(more, PRUNED_RATE);
            let course = data.course(Start::Model(&model), teacher, &settings);
            let small = phases.run("pruned", false, course, |course, observer| course.fit(observer))?;
            let before = phases.figures(&self.quantise(&fitted.graph, rows)?.0)?;
            let after = phases.figures(&self.quantise(&small.graph, rows)?.0)?;
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
                    let words = format!("at most {} different weights in each layer", training.clusters);
                    (fitted.model.clustered(training.clusters)?, words)
                }
            };
            hold = held;
            let settings = Settings { hold, ..settings.fine_tuning(more, PACKED_RATE) };
            let course = data.course(Start::Model(&model), teacher, &settings);
            let packed = phases.run(phase, false, course, |course, observer| course.fit(observer))?;
            let before = phases.figures(&self.quantise(&fitted.graph, rows)?.0)?;
            let after = phases.figures(&self.quantise(&packed.graph, rows)?.0)?;
            let detail = format!(
                "{detail}, {more} epochs more; the kernels compute with every weight, so that on a device neither flash nor instructions change, only what the weights pack to"
            );
            steps.push(phases.line(name, detail, before, after));
            phases.kept(&packed.history, packed.best_epoch);
            fitted = packed;
        }
        let (mut int8, mut snr) = self.quantise(&fitted.graph, rows)?;
        if training.quantisation_aware {
            let settings = Settings { hold, ..settings.fine_tuning(more, INT8_RATE) };
            let course = data.course(Start::Model(&fitted.model), None, &settings);
            let tuned = phases.run("int8", false, course, |course, observer| course.fit_int8(observer))?;
            let detail = match tuned.best_epoch {
                0 => format!("none of {more} epochs in int8 was better than none"),
                best => format!("epoch {best} of {more} in int8"),
            };
            let (before, after) = (phases.figures(&int8)?, phases.figures(&tuned.int8)?);
            steps.push(phases.line("quantisation_aware", detail, before, after));
            phases.kept(&tuned.history, tuned.best_epoch);
            snr = self.layer_snr(&tuned.graph, &tuned.int8, rows)?;
            int8 = tuned.int8;
        }
        if phases.resumed {
            notes.push("training goes on from a checkpoint".into());
        }
        let layers = fitted.layers.iter().map(|l| LayerLine {
            name: l.name.clone(),
            shape: l.shape.clone(),
            parameters: l.parameters,
            macs: l.macs,
            snr_db: snr.iter().find(|s| s.name == l.name).map(|s| s.snr_db),
        });
        notes.push(format!(
            "{} parameters, {} MACs, best epoch {} of {}",
            fitted.parameters,
            fitted.graph.macs(),
            phases.best_epoch,
            phases.history.len()
        ));
        notes.extend(steps.iter().map(StepLine::to_text));
        let summary = LearnSummary {
            id: id(section, n),
            kind: section.kind,
            labels: labels(&task),
            layers: layers.collect(),
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
        Ok(Block { float: block(fitted.graph), int8: block(int8), summary, rule: None })
    }
}

/// The network of a section: its layers, or those that fit its features and the number of windows.
fn untrained(
    impulse: &Impulse,
    section: &LearnSection,
    inputs: &[usize],
    head: Head,
    windows: usize,
) -> Result<Network, EngineError> {
    match &section.layers {
        Some(layers) => {
            Ok(Network { input: architecture::input_shape(impulse, inputs), layers: layers.clone(), head })
        }
        None => architecture::default_network(impulse, inputs, head, windows),
    }
}

/// Bytes that the constants of an integer graph pack to.
fn packed(graph: &Graph) -> Result<u64, EngineError> {
    let mut bytes = Vec::new();
    for constant in graph.tensors.iter().filter_map(|t| t.data.as_ref()) {
        match constant {
            edgewright_ir::Data::I8(v) => bytes.extend(v.iter().map(|v| *v as u8)),
            edgewright_ir::Data::I16(v) => bytes.extend(v.iter().flat_map(|v| v.to_le_bytes())),
            edgewright_ir::Data::I32(v) => bytes.extend(v.iter().flat_map(|v| v.to_le_bytes())),
            edgewright_ir::Data::I64(v) => bytes.extend(v.iter().flat_map(|v| v.to_le_bytes())),
            edgewright_ir::Data::F32(v) => bytes.extend(v.iter().flat_map(|v| v.to_le_bytes())),
        }
    }
    edgewright_deploy::deflated_len(&bytes).map_err(|e| EngineError::Internal(e.to_string()))
}

/// The target that steps are told for.
pub(super) fn target(project: &Project) -> &str {
    project.file.deploy.targets.iter().map(String::as_str).find(|id| *id != "host").unwrap_or(USUAL)
}

/// The same layers with so many times as many units and filters.
fn widened(layers: &[Layer], times: usize) -> Vec<Layer> {
    let wide = |n: usize| n.saturating_mul(times);
    let mut layers = layers.to_vec();
    for layer in &mut layers {
        match layer {
            Layer::Dense { units, .. } => *units = wide(*units),
            Layer::Conv1d { filters, .. } | Layer::Conv2d { filters, .. } => *filters = wide(*filters),
            Layer::Residual { layers, shortcut, .. } => {
                (*layers, *shortcut) = (widened(layers, times), widened(shortcut, times));
            }
            Layer::Concat { branches } => branches.iter_mut().for_each(|b| *b = widened(b, times)),
            _ => {}
        }
    }
    layers
}
