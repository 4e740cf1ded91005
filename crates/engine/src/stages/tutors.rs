//! Teachers of `[training.teacher]`: a larger network that is trained first, or one from elsewhere.

use super::phases::Phases;
use crate::{EngineError, project::TeacherSection};
use edgewright_impulse::{Impulse, Task};
use edgewright_ir::Graph;
use edgewright_train::{Fitted, Layer, Network, Start, Targets, Teacher, Teaches, TrainError};

/// Who teaches.
pub(super) enum Tutor {
    /// Trained here.
    Trained(Box<Fitted>),
    /// From elsewhere, with its outputs for the labels here in their order where they are not the same.
    Elsewhere { graph: Graph, order: Option<Vec<usize>>, model: String },
}

impl Tutor {
    /// As training takes it.
    pub fn teacher(&self, section: &TeacherSection) -> Teacher<'_> {
        let of = match self {
            Self::Trained(fitted) => Teaches::Model(&fitted.model),
            Self::Elsewhere { graph, order, .. } => Teaches::Graph { graph, order: order.as_deref() },
        };
        Teacher { of, temperature: section.temperature as f32, share: section.share as f32 }
    }
}

impl Phases<'_> {
    /// Who teaches: trained here, or taken from elsewhere.
    pub fn tutor(
        &mut self,
        section: &TeacherSection,
        student: &Network,
        impulse: &Impulse,
        inputs: &[usize],
        task: &Task,
    ) -> Result<Tutor, EngineError> {
        let Some(named) = section.named() else {
            return Ok(Tutor::Trained(Box::new(self.larger(section, student)?)));
        };
        let project = &self.trainer.session.project;
        let found = named.read(project, impulse, inputs)?;
        let fail = |reason: String| {
            Err(self.trainer.project_error(format!("`{}.model = {:?}`: {reason}", named.key, named.model)))
        };
        let output = found.graph.tensor(found.graph.outputs[0]);
        let needed = match task {
            Task::Classification { labels, .. } => labels.len(),
            Task::Detection(d) => d.rows * d.columns * (d.labels.len() + 1),
            _ => 1,
        };
        let mut order = None;
        if let (Task::Classification { labels, .. }, Some(theirs)) =
            (task, section.labels.as_ref().or(found.labels.as_ref()))
        {
            if theirs.len() != output.len() {
                return fail(format!(
                    "the model gives {} values, but `labels` names {}",
                    output.len(),
                    theirs.len()
                ));
            }
            let places: Option<Vec<usize>> =
                labels.iter().map(|l| theirs.iter().position(|t| t == l)).collect();
            let Some(places) = places else {
                return fail(format!(
                    "the model knows {}, but this project has {}; `labels` names its outputs in their order",
                    theirs.join(", "),
                    labels.join(", ")
                ));
            };
            order = (theirs != labels).then_some(places);
        } else if output.len() != needed {
            return fail(format!(
                "the model gives {} values ({:?}), but {needed} are learned here; name its outputs with `labels` when it knows more",
                output.len(),
                output.shape
            ));
        }
        Ok(Tutor::Elsewhere { graph: found.graph, order, model: named.model.to_owned() })
    }

    /// A larger network that is trained here.
    fn larger(&mut self, section: &TeacherSection, student: &Network) -> Result<Fitted, EngineError> {
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

    /// Who teaches, in words.
    pub fn taught_by(&self, tutor: &Tutor, section: &TeacherSection) -> Result<String, EngineError> {
        let who = match tutor {
            Tutor::Trained(fitted) => {
                let right = self.data.measure(&fitted.graph)?;
                format!("a teacher of {} parameters with {right:.3}", fitted.parameters)
            }
            Tutor::Elsewhere { graph, order, model } => {
                // Targets in the order of its outputs.
                let places = |of: &Targets<'_>| -> Option<Vec<u32>> {
                    let Targets::Classes { of, .. } = of else { return None };
                    Some(of.iter().map(|c| order.as_ref().map_or(*c, |o| o[*c as usize] as u32)).collect())
                };
                let (of, watched) = (places(self.raw.of), places(self.raw.watched));
                let count = graph.tensor(graph.outputs[0]).len();
                let right = match (&of, &watched) {
                    (Some(of), Some(watched)) => {
                        let of = Targets::Classes { of, count };
                        let watched = Targets::Classes { of: watched, count };
                        super::phases::Data { of: &of, watched: &watched, ..self.raw }.measure(graph)?
                    }
                    _ => self.raw.measure(graph)?,
                };
                format!("{model} of {} MACs with {right:.3} as a teacher", graph.macs())
            }
        };
        Ok(format!("{who}, temperature {}, share {}", section.temperature, section.share))
    }
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
