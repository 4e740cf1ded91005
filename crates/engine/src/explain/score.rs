//! The one number that is explained.

use crate::EngineError;
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_ir::{Graph, Op, TensorId, interpret::Interpreter};

/// Computes the score of a learning block from features.
pub(super) struct Judge<'a> {
    learn: &'a LearnBlock,
    interpreter: Interpreter<'a>,
    /// Places of the block's features among all.
    ranges: Vec<std::ops::Range<usize>>,
    input: Vec<f32>,
    /// What the score is read from.
    pub end: TensorId,
    /// The class that is explained.
    pub class: usize,
}

/// The tensor behind the output that tells most: the sums that a softmax reads, or the output itself.
pub(super) fn end(graph: &Graph) -> TensorId {
    let before = |id: TensorId| graph.nodes.iter().find(|n| n.output == id);
    let output = graph.outputs[0];
    let last = before(output).filter(|n| matches!(n.op, Op::Dequantize)).map_or(output, |n| n.inputs[0]);
    before(last).filter(|n| matches!(n.op, Op::Softmax)).map_or(output, |n| n.inputs[0])
}

/// How far a class is ahead of the best other one; a single value stands for itself.
pub(super) fn ahead(values: &[f32], class: usize) -> f64 {
    let others = values.iter().enumerate().filter(|(i, _)| *i != class).map(|(_, v)| *v);
    let own = f64::from(values[class]);
    others.reduce(f32::max).map_or(own, |other| own - f64::from(other))
}

impl<'a> Judge<'a> {
    pub fn new(impulse: &Impulse, learn: &'a LearnBlock) -> Result<Self, EngineError> {
        let offsets = impulse.feature_offsets();
        let ranges =
            learn.inputs.iter().map(|&i| offsets[i]..offsets[i] + impulse.dsp[i].features()).collect();
        Self::of(learn, ranges)
    }

    /// For features at these places among all.
    pub fn of(learn: &'a LearnBlock, ranges: Vec<std::ops::Range<usize>>) -> Result<Self, EngineError> {
        let interpreter = Interpreter::new(&learn.graph).map_err(failed)?;
        let end = end(&learn.graph);
        Ok(Self { learn, interpreter, ranges, input: Vec::new(), end, class: 0 })
    }

    /// Chooses the class: that of a label, or the one with the highest score. Returns its label.
    pub fn choose(&mut self, features: &[f32], label: Option<&str>) -> Result<Option<String>, EngineError> {
        let learn = self.learn;
        let Task::Classification { labels, .. } = &learn.task else {
            return match label {
                None => Ok(None),
                Some(_) => Err(EngineError::Data(format!("`{}` has no labels to explain", learn.id))),
            };
        };
        self.class = match label {
            Some(label) => labels.iter().position(|l| l == label).ok_or_else(|| {
                EngineError::Data(format!("the impulse has no label `{label}`; it has {}", labels.join(", ")))
            })?,
            None => {
                self.run(features)?;
                crate::classify::best(&self.interpreter.activation(learn.graph.outputs[0])).unwrap_or(0)
            }
        };
        Ok(Some(labels[self.class].clone()))
    }

    /// Runs the block on all features of an impulse.
    fn run(&mut self, features: &[f32]) -> Result<(), EngineError> {
        self.input.clear();
        self.ranges.iter().for_each(|r| self.input.extend_from_slice(&features[r.clone()]));
        self.interpreter.with_input(&self.input).map_err(failed)
    }

    /// The score.
    pub fn score(&mut self, features: &[f32]) -> Result<f64, EngineError> {
        self.run(features)?;
        Ok(ahead(&self.interpreter.activation(self.end), self.class))
    }

    /// Values of a tensor after the last score.
    pub fn activation(&self, id: TensorId) -> Vec<f32> {
        self.interpreter.activation(id)
    }
}

pub(super) fn failed(e: edgewright_ir::GraphError) -> EngineError {
    EngineError::Internal(format!("explain: {e}"))
}
