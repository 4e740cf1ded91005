//! Grad-CAM on the last convolution, without a backward pass: Grad-CAM weighs a channel by the mean gradient over its places, and the
//! sum of a gradient over places is the slope of the score along a step of the whole channel. So each channel takes two passes through
//! what follows the convolution.

use super::{
    HeatMap,
    score::{Judge, ahead, end, failed},
};
use crate::EngineError;
use edgewright_impulse::LearnBlock;
use edgewright_ir::{DType, Data, Graph, Node, Op, TensorId, interpret::Interpreter};

/// Length of the step, as a share of the largest value of the layer.
const STEP: f32 = 1.0 / 256.0;

/// What follows a tensor: a graph from it to the end. What flows beside it is what it was.
fn tail(graph: &Graph, from: usize, judge: &Judge<'_>) -> Graph {
    let mut tail = graph.clone();
    let at = graph.nodes[from].output;
    tail.nodes.drain(..=from);
    tail.inputs = vec![at];
    tail.outputs = vec![end(graph)];
    let last = tail.nodes.iter().position(|n| n.output == tail.outputs[0]).map_or(0, |i| i + 1);
    tail.nodes.truncate(last);
    let made: Vec<TensorId> = tail.nodes.iter().map(|n| n.output).collect();
    let read: Vec<TensorId> = tail.nodes.iter().flat_map(|n| n.inputs.clone()).collect();
    for id in read {
        let tensor = &mut tail.tensors[id.0 as usize];
        if id != at && tensor.data.is_none() && !made.contains(&id) {
            tensor.data = Some(Data::F32(judge.activation(id)));
        }
    }
    tail
}

/// Heat of the places of the last convolution. The judge has scored the window.
pub(super) fn map(learn: &LearnBlock, judge: &Judge<'_>) -> Result<HeatMap, EngineError> {
    let graph = &learn.graph;
    let is_convolution = |n: &Node| matches!(n.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. });
    // A cell output of one place tells nothing of places.
    let spread = |n: &Node| graph.tensor(n.output).shape[..2].iter().product::<usize>() > 1;
    let from = graph.nodes.iter().rposition(|n| is_convolution(n) && spread(n)).ok_or_else(|| {
        EngineError::Data(format!(
            "`{}` has no convolution, which grad-cam is about\nhint: occlusion explains every block",
            learn.id
        ))
    })?;
    let node = &graph.nodes[from];
    // What stands alone behind it, a function that is not fused, belongs to it.
    let from = match graph.nodes.get(from + 1) {
        Some(next)
            if next.inputs == [node.output] && matches!(next.op, Op::Activate { .. } | Op::Unary { .. }) =>
        {
            from + 1
        }
        _ => from,
    };
    let tensor = graph.tensor(graph.nodes[from].output);
    let (&[height, width, channels], DType::F32) = (tensor.shape.as_slice(), tensor.dtype) else {
        return Err(EngineError::Data(format!(
            "`{}` computes in integers, of which grad-cam takes no slope\nhint: occlusion explains every block",
            learn.id
        )));
    };
    let values = judge.activation(graph.nodes[from].output);
    let tail = tail(graph, from, judge);
    let mut interpreter = Interpreter::new(&tail).map_err(failed)?;
    let mut ask = |values: &[f32]| -> Result<f64, EngineError> {
        interpreter.with_input(values).map_err(failed)?;
        Ok(ahead(&interpreter.activation(tail.outputs[0]), judge.class))
    };
    let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let step = if largest > 0.0 { largest * STEP } else { STEP };
    let mut heat = vec![0.0f64; height * width];
    let mut moved = values.clone();
    for channel in 0..channels {
        let mut along = |by: f32| -> Result<f64, EngineError> {
            moved.copy_from_slice(&values);
            moved.iter_mut().skip(channel).step_by(channels).for_each(|v| *v += by);
            ask(&moved)
        };
        let slope = (along(step)? - along(-step)?) / (2.0 * f64::from(step) * (height * width) as f64);
        for (heat, value) in heat.iter_mut().zip(values.iter().skip(channel).step_by(channels)) {
            *heat += slope * f64::from(*value);
        }
    }
    let over_time = height == 1;
    Ok(HeatMap {
        kind: "layer",
        name: node.name.clone(),
        row: if over_time { "" } else { "row" },
        column: if over_time { "time" } else { "column" },
        rows: height,
        columns: width,
        of: [height, width],
        names: Vec::new(),
        values: heat.into_iter().map(|h| h.max(0.0) as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::score::Judge, map};
    use edgewright_impulse::{LearnBlock, Task};
    use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Padding, Tensor, TensorId};

    /// A convolution of one element that gives `relu(x)` and `relu(-x)`, and two sums: three times what the first channel has at place 2,
    /// and nothing.
    fn block() -> LearnBlock {
        let mut graph = Graph { name: "cam".into(), ..Graph::default() };
        let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| -> TensorId {
            graph.push_tensor(Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                quant: None,
                data: data.map(Data::F32),
            })
        };
        let x = tensor("x", &[1, 6, 1], None);
        let weights = tensor("w", &[2, 1, 1, 1], Some(vec![1.0, -1.0]));
        let bias = tensor("b", &[2], Some(vec![0.0; 2]));
        let seen = tensor("seen", &[1, 6, 2], None);
        let flat = tensor("flat", &[12], None);
        let mut read = vec![0.0; 24];
        read[4] = 3.0;
        let sums = tensor("sums", &[2, 12], Some(read));
        let none = tensor("none", &[2], Some(vec![0.0; 2]));
        let (logits, scores) = (tensor("logits", &[2], None), tensor("scores", &[2], None));
        let node = |name: &str, op: Op, inputs: Vec<TensorId>, output| Node {
            name: name.into(),
            op,
            inputs,
            output,
        };
        let convolution = Op::Conv2d {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            activation: Activation::Relu,
        };
        graph.nodes = vec![
            node("convolution", convolution, vec![x, weights, bias], seen),
            node("reshape", Op::Reshape, vec![seen], flat),
            node(
                "dense",
                Op::FullyConnected { activation: Activation::None },
                vec![flat, sums, none],
                logits,
            ),
            node("softmax", Op::Softmax, vec![logits], scores),
        ];
        (graph.inputs, graph.outputs) = (vec![x], vec![scores]);
        let labels = vec!["a".into(), "b".into()];
        let task = Task::Classification { labels, min_confidence: None };
        LearnBlock { id: "cam".into(), task, inputs: vec![0], graph }
    }

    #[test]
    fn channels_are_weighed_by_what_the_score_gains_with_them() {
        let learn = block();
        learn.graph.validate().expect("a valid graph");
        let mut judge = Judge::of(&learn, std::iter::once(0..6).collect()).expect("a judge");
        let features = [1.0, -2.0, 4.0, 0.0, 5.0, -1.0];
        for (class, score, expected) in [(0, 12.0, [0.5, 0.0, 2.0, 0.0, 2.5, 0.0]), (1, -12.0, [0.0; 6])] {
            judge.class = class;
            assert!((judge.score(&features).expect("a score") - score).abs() < 1e-6);
            // The slope is 3 at one of six places: a half in the mean.
            let made = map(&learn, &judge).expect("a map");
            assert_eq!((made.rows, made.columns, made.name.as_str()), (1, 6, "convolution"));
            assert!(made.values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{:?}", made.values);
        }
    }
}
