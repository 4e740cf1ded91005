//! Who teaches beside the targets: a network that was trained here, or a graph from anywhere.

use super::prepare;
use crate::{
    Model, Rows, Settings, TrainError,
    data::Normaliser,
    engine::{Engine, Mode},
    objective::{Lesson, Objective},
};
use edgewright_ir::{DType, Graph, Op, TensorId, extra::Function, interpret::Interpreter};
use rayon::prelude::*;

/// A network that was trained before, from whose scores another learns beside the targets (Hinton, Vinyals and Dean, 2015).
#[derive(Clone, Copy, Debug)]
pub struct Teacher<'a> {
    /// Who it is.
    pub of: Teaches<'a>,
    /// The logits of both are divided by it before they are compared; at least 1. Numbers are compared as they are.
    pub temperature: f32,
    /// Share of the teacher in the loss, 0..1; the rest is the loss against the targets.
    pub share: f32,
}

/// Where a teacher's answers come from.
#[derive(Clone, Copy, Debug)]
pub enum Teaches<'a> {
    /// A network that was trained on the same rows and targets.
    Model(&'a Model),
    /// A graph in float or integers from a raw row to scores. What a softmax or a logistic function at its end reads counts as its logits;
    /// without one, what it gives does.
    Graph {
        /// One input of as many values as a row, one output.
        graph: &'a Graph,
        /// Which of its outputs stands for each class; left out: the classes in their order.
        order: Option<&'a [usize]>,
    },
}

/// Rows that a graph answers at a time, in one task.
const SHARD: usize = 8;
/// Rows that are read at a time.
const BLOCK: usize = 256;

/// A teacher at work.
pub(super) struct Tutor<'a> {
    by: By<'a>,
    pub lesson: Lesson,
}

enum By<'a> {
    Network(Engine),
    Graph(Listener<'a>),
}

struct Listener<'a> {
    graph: &'a Graph,
    order: Option<&'a [usize]>,
    /// Tensor of the logits.
    end: TensorId,
    /// Logits of one row that are taken.
    outputs: usize,
    normaliser: Normaliser,
    /// In which the student answers.
    centre: f32,
    spread: f32,
    /// Of all training rows, when these are always the same.
    known: Vec<f32>,
    said: Vec<f32>,
}

impl<'a> Tutor<'a> {
    /// `head`: rows, columns and channels of what the student gives. Returns a text of its own for each teacher as well.
    pub fn new(
        teacher: Teacher<'a>,
        student: &Model,
        head: [usize; 3],
        train: &dyn Rows,
        objective: &Objective,
        settings: &Settings,
    ) -> Result<(Self, String), TrainError> {
        let Teacher { temperature, share, of } = teacher;
        let fail = |reason: String| Err(TrainError::Data(reason));
        if !(temperature >= 1.0 && temperature.is_finite() && (0.0..=1.0).contains(&share)) {
            return fail(format!(
                "a teacher needs a temperature of at least 1 and a share between 0 and 1, not {temperature} and {share}"
            ));
        }
        let (by, own) = match of {
            Teaches::Model(model) => {
                let same = model.normaliser == student.normaliser
                    && model.units.last().is_some_and(|u| u.output == head);
                if !same {
                    return fail("the teacher was trained on other rows or targets".into());
                }
                (By::Network(Engine::new(model.units.clone(), train.width())), model.fingerprint())
            }
            Teaches::Graph { graph, order } => {
                check(graph, order, head.iter().product(), train.width())?;
                let mut listener = Listener {
                    graph,
                    order,
                    end: logits(graph),
                    outputs: head.iter().product(),
                    normaliser: student.normaliser.clone(),
                    centre: objective.centre,
                    spread: objective.spread,
                    known: Vec::new(),
                    said: Vec::new(),
                };
                if settings.augment.is_off() {
                    listener.learn_all(train)?;
                }
                let own = fingerprint(graph, order);
                (By::Graph(listener), own)
            }
        };
        Ok((Self { by, lesson: Lesson { temperature, share } }, format!("{own:016x} {temperature} {share}")))
    }

    /// Takes in some rows as the student sees them.
    pub fn listen(&mut self, rows: &[usize], x: &[f32]) -> Result<(), TrainError> {
        match &mut self.by {
            By::Network(engine) => {
                engine.input(rows.len()).copy_from_slice(x);
                engine.forward(rows.len(), Mode::Use);
                Ok(())
            }
            By::Graph(listener) => listener.listen(rows, x),
        }
    }

    /// What it says of them, one row behind the other, in the unit of the student.
    pub fn output(&self) -> &[f32] {
        match &self.by {
            By::Network(engine) => engine.output(),
            By::Graph(listener) => &listener.said,
        }
    }
}

/// What a softmax or logistic function at the end reads, else the end.
fn logits(graph: &Graph) -> TensorId {
    let maker = |id: TensorId| graph.nodes.iter().find(|n| n.output == id);
    let end = graph.outputs[0];
    let last = maker(end).filter(|n| matches!(n.op, Op::Dequantize)).map_or(end, |n| n.inputs[0]);
    let curve = |op: &Op| matches!(op, Op::Softmax | Op::Unary { function: Function::Logistic });
    maker(last).filter(|n| curve(&n.op)).map_or(end, |n| n.inputs[0])
}

/// Whether a graph can teach who learns so many outputs from rows of this width.
fn check(graph: &Graph, order: Option<&[usize]>, outputs: usize, width: usize) -> Result<(), TrainError> {
    let fail = |reason: String| Err(TrainError::Data(format!("the teacher {reason}")));
    graph.validate().map_err(|e| TrainError::Data(format!("the teacher: {e}")))?;
    let ([input], [output]) = (&graph.inputs[..], &graph.outputs[..]) else {
        return fail("must have one input and one output".into());
    };
    if graph.tensor(*input).dtype != DType::F32 || graph.tensor(*output).dtype != DType::F32 {
        return fail("must take and give float values".into());
    }
    let (takes, gives) = (graph.tensor(*input).len(), graph.tensor(*output).len());
    if takes != width {
        return fail(format!("takes {takes} values, but a row has {width}"));
    }
    let fits = match order {
        Some(order) => order.len() == outputs && order.iter().all(|i| *i < gives),
        None => gives == outputs,
    };
    if fits { Ok(()) } else { fail(format!("gives {gives} values, but {outputs} are learned")) }
}

impl Listener<'_> {
    /// Answers to raw rows.
    fn ask(&self, x: &[f32]) -> Result<Vec<f32>, TrainError> {
        let failed = |e: edgewright_ir::GraphError| TrainError::Data(format!("the teacher: {e}"));
        let width = self.graph.tensor(self.graph.inputs[0]).len();
        let mut out = vec![0.0; x.len() / width * self.outputs];
        out.par_chunks_mut(SHARD * self.outputs).zip(x.par_chunks(SHARD * width)).try_for_each(
            |(out, x)| {
                let mut interpreter = Interpreter::new(self.graph).map_err(failed)?;
                for (out, x) in out.chunks_exact_mut(self.outputs).zip(x.chunks_exact(width)) {
                    interpreter.with_input(x).map_err(failed)?;
                    let said = interpreter.activation(self.end);
                    for (i, y) in out.iter_mut().enumerate() {
                        *y = (said[self.order.map_or(i, |order| order[i])] - self.centre) / self.spread;
                    }
                }
                Ok::<(), TrainError>(())
            },
        )?;
        match out.iter().position(|v| !v.is_finite()) {
            Some(at) => Err(TrainError::Data(format!("the teacher says {} of a row", out[at]))),
            None => Ok(out),
        }
    }

    fn learn_all(&mut self, train: &dyn Rows) -> Result<(), TrainError> {
        let all: Vec<usize> = (0..train.len()).collect();
        let mut x = vec![0.0; BLOCK.min(train.len()) * train.width()];
        for rows in all.chunks(BLOCK) {
            let x = &mut x[..rows.len() * train.width()];
            train.read(rows, x)?;
            let said = self.ask(x)?;
            self.known.extend(said);
        }
        Ok(())
    }

    fn listen(&mut self, rows: &[usize], x: &[f32]) -> Result<(), TrainError> {
        if self.known.is_empty() {
            // It takes rows as they were before they were normalised.
            let mut raw = x.to_vec();
            let Normaliser { mean, scale } = &self.normaliser;
            prepare(&mut raw, x.len() / rows.len(), |_, row| {
                for (x, (mean, scale)) in row.iter_mut().zip(mean.iter().zip(scale).cycle()) {
                    *x = if *scale == 0.0 { *mean } else { *x / scale + mean };
                }
            });
            self.said = self.ask(&raw)?;
            return Ok(());
        }
        self.said.clear();
        for row in rows {
            self.said.extend_from_slice(&self.known[row * self.outputs..][..self.outputs]);
        }
        Ok(())
    }
}

/// A number that hardly any other graph has (FNV-1a).
fn fingerprint(graph: &Graph, order: Option<&[usize]>) -> u64 {
    let constants =
        graph.tensors.iter().filter_map(|t| t.data.as_ref()).flat_map(edgewright_ir::Data::to_le_bytes);
    let text = format!("{} {order:?}", graph.to_text());
    text.into_bytes()
        .into_iter()
        .chain(constants)
        .fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
