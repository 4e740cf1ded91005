//! Trees and lines as graphs.

use crate::linear::Linear;
use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Tensor, TensorId, trees::Ensemble};

/// What follows the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Nothing: numbers, or shares that sum to 1.
    Plain,
    /// From sums to shares.
    Softmax,
}

fn tensor(graph: &mut Graph, name: &str, shape: Vec<usize>, data: Option<Vec<f32>>) -> TensorId {
    graph.push_tensor(Tensor {
        name: name.into(),
        shape,
        dtype: DType::F32,
        quant: None,
        data: data.map(Data::F32),
    })
}

fn finish(mut graph: Graph, sums: TensorId, head: Head) -> Graph {
    let outputs = graph.tensor(sums).shape.clone();
    let last = match head {
        Head::Plain => sums,
        Head::Softmax => {
            let shares = tensor(&mut graph, "shares", outputs, None);
            graph.nodes.push(Node {
                name: "softmax".into(),
                op: Op::Softmax,
                inputs: vec![sums],
                output: shares,
            });
            shares
        }
    };
    graph.outputs = vec![last];
    graph
}

/// Trees: features in, one value for each output.
pub fn of_trees(ensemble: &Ensemble, head: Head, name: &str) -> Graph {
    let mut graph = Graph { name: name.into(), ..Graph::default() };
    let x = tensor(&mut graph, "features", vec![ensemble.features], None);
    graph.inputs = vec![x];
    let sums = ensemble.append(&mut graph, x, "trees");
    finish(graph, sums, head)
}

/// A linear model: features in, standardised, one value for each output.
pub fn of_linear(model: &Linear, head: Head, name: &str) -> Graph {
    let mut graph = Graph { name: name.into(), ..Graph::default() };
    let (n, m) = (model.mean.len(), model.bias.len());
    let x = tensor(&mut graph, "features", vec![n], None);
    graph.inputs = vec![x];
    let mean = tensor(&mut graph, "mean", vec![n], Some(model.mean.clone()));
    let scale = tensor(&mut graph, "scale", vec![n], Some(model.scale.clone()));
    let standard = tensor(&mut graph, "standardised", vec![n], None);
    let weights = tensor(&mut graph, "weights", vec![m, n], Some(model.weights.clone()));
    let bias = tensor(&mut graph, "bias", vec![m], Some(model.bias.clone()));
    let sums = tensor(&mut graph, "sums", vec![m], None);
    graph.nodes.push(Node {
        name: "standardise".into(),
        op: Op::Normalize,
        inputs: vec![x, mean, scale],
        output: standard,
    });
    graph.nodes.push(Node {
        name: "linear".into(),
        op: Op::FullyConnected { activation: Activation::None },
        inputs: vec![standard, weights, bias],
        output: sums,
    });
    finish(graph, sums, head)
}
