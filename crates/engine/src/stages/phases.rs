//! What all trainings of one network have in common: windows, checkpoints, the learning curve, figures before and after a step.

use super::{
    build,
    gold::TrainingRows,
    train::{CALIBRATION_WINDOWS, Epoch, StepFigures, StepLine, Trainer, id, unquantised},
};
use crate::{
    EngineError,
    project::{LearnKind, LearnSection, Project},
    session::Key,
};
use edgewright_compile::cost;
use edgewright_ir::{
    Graph,
    quantize::{self, LayerSnr},
    splice,
};
use edgewright_train::{Course, Event, Flow, Rows, Settings, Start, Targets, Teacher, TrainError, measure};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// The target that figures are estimated for when a project names none but the host.
const USUAL: &str = "cortex-m4f";

/// Windows that train and windows that validate.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub rows: &'a TrainingRows,
    pub of: &'a Targets<'a>,
    /// By how much each of them counts; empty: all the same.
    pub weights: &'a [f32],
    pub watch: &'a TrainingRows,
    pub watched: &'a Targets<'a>,
}

impl<'a> Data<'a> {
    pub fn course<'c>(
        &self,
        start: Start<'c>,
        teacher: Option<Teacher<'c>>,
        settings: &'c Settings,
    ) -> Course<'c>
    where
        'a: 'c,
    {
        Course {
            start,
            teacher,
            train: self.rows,
            targets: self.of,
            weights: self.weights,
            validation: self.watch,
            validation_targets: self.watched,
            settings,
            resume: None,
        }
    }

    /// What a graph gets right on the validation windows, or on those that trained when there are none.
    pub fn measure(&self, graph: &Graph) -> Result<f64, EngineError> {
        Ok(if self.watch.is_empty() {
            measure(graph, self.rows, self.of)?
        } else {
            measure(graph, self.watch, self.watched)?
        })
    }
}

/// What all trainings of one block have in common.
pub(super) struct Phases<'a> {
    pub trainer: &'a Trainer<'a>,
    pub section: &'a LearnSection,
    pub n: usize,
    /// What trains: windows, or what a backbone makes of them.
    pub data: Data<'a>,
    /// Windows as they are.
    pub raw: Data<'a>,
    /// What stands before the layers that are trained.
    pub front: Option<&'a Graph>,
    /// Of the phases whose weights are kept.
    pub history: Vec<Epoch>,
    pub best_epoch: usize,
    /// Epochs of all phases that show in the learning curve.
    pub epochs: usize,
    pub resumed: bool,
}

impl Phases<'_> {
    /// Runs one training with its own checkpoint. Its epochs go on in the learning curve, or are those of a `side`.
    pub fn run<T>(
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
    pub fn kept(&mut self, history: &[edgewright_train::EpochRecord], best: usize) {
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

    /// A trained graph from the features of a window on: with its backbone, if it has one.
    pub fn whole(&self, graph: &Graph) -> Result<Graph, EngineError> {
        match self.front {
            Some(front) => splice::join(front, graph)
                .map_err(|e| EngineError::Internal(format!("{}: {e}", id(self.section, self.n)))),
            None => Ok(graph.clone()),
        }
    }

    /// Its int8 form, and how near the layers of that are.
    pub fn int8(&self, graph: &Graph) -> Result<(Graph, Vec<LayerSnr>), EngineError> {
        self.trainer.quantise(&self.whole(graph)?, self.raw.rows)
    }

    /// Its integer form in which so many layers have activations of 16 bits, how near the layers of that are, and what it is in words.
    pub fn mixed(&self, graph: &Graph, count: usize) -> Result<(Graph, Vec<LayerSnr>, String), EngineError> {
        let windows = self.trainer.windows(self.raw.rows, CALIBRATION_WINDOWS)?;
        let closest = quantize::closest_around(&self.whole(graph)?, &windows).map_err(unquantised)?;
        let made = quantize::mixed(&closest.float, &closest.ranges, &windows, count)
            .map_err(|e| self.trainer.project_error(format!("`training.wide_layers`: {e}")))?;
        let snr = self.trainer.layer_snr(&closest.float, &made.graph, self.raw.rows)?;
        let detail = format!(
            "activations of 16 bits in {} of {} layers with weights: {}",
            made.layers.len(),
            made.of,
            made.layers.join(", ")
        );
        Ok((made.graph, snr, detail))
    }

    /// Figures of an integer graph.
    pub fn figures(&self, graph: &Graph) -> Result<StepFigures, EngineError> {
        let target = build::target(target(&self.trainer.session.project))?;
        let cost = cost::estimate(graph, target)?;
        let weighted = graph.nodes.iter().flat_map(|n| n.inputs.get(1..).unwrap_or_default());
        let weighted = weighted.map(|id| graph.tensor(*id)).filter(|t| t.data.is_some());
        Ok(StepFigures {
            metric: self.raw.measure(graph)?,
            parameters: weighted.filter(|t| t.quant.is_some()).map(edgewright_ir::Tensor::len).sum(),
            macs: graph.macs(),
            flash_bytes: cost.flash_bytes,
            ram_bytes: cost.layout.arena_bytes,
            instructions: cost.instructions(),
            packed_bytes: Some(packed(graph)?),
        })
    }

    pub fn line(&self, step: &str, detail: String, before: StepFigures, after: StepFigures) -> StepLine {
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

/// Of the 8-bit weights of one layer, how many are different: the most of all layers.
pub(super) fn different(graph: &Graph) -> usize {
    let count = |v: &Vec<i8>| v.iter().collect::<BTreeSet<_>>().len();
    let weights = graph.tensors.iter().filter_map(|t| match t.data.as_ref() {
        Some(edgewright_ir::Data::I8(v)) => Some(count(v)),
        _ => None,
    });
    weights.max().unwrap_or(0)
}

/// The target that steps are told for.
pub(super) fn target(project: &Project) -> &str {
    project.file.deploy.targets.iter().map(String::as_str).find(|id| *id != "host").unwrap_or(USUAL)
}
