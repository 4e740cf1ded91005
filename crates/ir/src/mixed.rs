//! Layers that compute with activations of 16 bits among layers of bytes: those whose rounding costs most.

use crate::{
    extra::{BinaryKind, Function},
    graph::{Graph, GraphError, Op, TensorId},
    interpret::Interpreter,
    quantize::{COMPARED, Ends, Ranges, Scheme, quantize_each},
};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a node has weights, by which layers are counted.
fn weighted(op: &Op) -> bool {
    matches!(op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. })
}

/// Whether a node without weights has a form in 16 bits.
fn has_wide_form(op: &Op) -> bool {
    match op {
        Op::Unary { function } => {
            matches!(function, Function::LeakyRelu(_) | Function::Logistic | Function::Tanh)
        }
        Op::Binary { kind, .. } => !matches!(kind, BinaryKind::Div | BinaryKind::SquaredDifference),
        Op::Pool2d { .. }
        | Op::Add { .. }
        | Op::Activate { .. }
        | Op::Softmax
        | Op::Reshape
        | Op::Strided { .. }
        | Op::Concat { .. }
        | Op::Pad { .. }
        | Op::Reduce { .. } => true,
        _ => false,
    }
}

/// The scheme of each node: `base` for all when none is wide.
pub(crate) fn schemes(graph: &Graph, base: Scheme, wide: &[usize]) -> Vec<Scheme> {
    if wide.is_empty() {
        return vec![base; graph.nodes.len()];
    }
    let mut short: BTreeSet<TensorId> = BTreeSet::new();
    let of = graph.nodes.iter().enumerate().map(|(i, node)| {
        let after = node.inputs.iter().any(|id| short.contains(id)) && has_wide_form(&node.op);
        let wide = if weighted(&node.op) { wide.contains(&i) } else { after };
        if wide {
            short.insert(node.output);
            Scheme::Int16x8
        } else {
            Scheme::Int8
        }
    });
    of.collect()
}

/// What is compared of a graph: its outputs, or what a softmax before them reads.
pub(crate) fn ends(graph: &Graph) -> Vec<TensorId> {
    let before = |id: TensorId| graph.nodes.iter().find(|n| n.output == id);
    let end = |&id: &TensorId| {
        let last = before(id).filter(|n| matches!(n.op, Op::Dequantize)).map_or(id, |n| n.inputs[0]);
        before(last).filter(|n| matches!(n.op, Op::Softmax)).map_or(id, |n| n.inputs[0])
    };
    graph.outputs.iter().map(end).collect()
}

/// Values of these tensors after a run.
pub(crate) fn values(interpreter: &Interpreter<'_>, ends: &[TensorId]) -> Vec<f32> {
    ends.iter().flat_map(|id| interpreter.activation(*id)).collect()
}

/// Values at the ends of a graph for each of some inputs.
pub(crate) fn seen(graph: &Graph, inputs: &[&Vec<f32>]) -> Result<Vec<Vec<f32>>, GraphError> {
    let ends = ends(graph);
    let mut interpreter = Interpreter::new(graph)?;
    inputs
        .iter()
        .map(|input| {
            interpreter.with_input(input)?;
            Ok(values(&interpreter, &ends))
        })
        .collect()
}

/// Sum of squared differences.
pub(crate) fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let each = a.iter().flatten().zip(b.iter().flatten());
    each.map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// An integer graph of two widths.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// Bytes, but for the layers named.
    pub graph: Graph,
    /// Layers with weights whose activations have 16 bits, in order.
    pub layers: Vec<String>,
    /// Layers with weights in all; those that share their weights, as steps of a recurrent layer do, are one.
    pub of: usize,
}

/// The integer form of a float graph in which the `count` layers with weights that lose most by bytes compute with activations of 16 bits.
/// How much one loses is the sum of squared differences at the end when it alone is in bytes, on at most [`COMPARED`] inputs.
///
/// # Errors
/// [`GraphError`] when the graph has fewer layers with weights or none is asked for; those of [`crate::quantize::quantize`].
pub fn mixed(graph: &Graph, ranges: &Ranges, inputs: &[Vec<f32>], count: usize) -> Result<Mixed, GraphError> {
    let mut layers: BTreeMap<TensorId, Vec<usize>> = BTreeMap::new();
    for (i, node) in graph.nodes.iter().enumerate().filter(|(_, n)| weighted(&n.op)) {
        layers.entry(node.inputs[1]).or_default().push(i);
    }
    let mut layers: Vec<Vec<usize>> = layers.into_values().collect();
    layers.sort();
    let of = layers.len();
    if count == 0 || count > of {
        return Err(GraphError::Graph {
            graph: graph.name.clone(),
            reason: format!(
                "it has {of} layers with weights; 1 to {of} of them can have 16 bits, not {count}"
            ),
        });
    }
    let compared = inputs.len().min(COMPARED);
    let compared: Vec<&Vec<f32>> = (0..compared).map(|i| &inputs[i * inputs.len() / compared]).collect();
    let wanted = seen(graph, &compared)?;
    let made = |wide: &[usize]| quantize_each(graph, ranges, Scheme::Int8, Ends::Float, wide);
    let mut order = Vec::new();
    for (k, layer) in layers.iter().enumerate() {
        let rest: Vec<usize> = layers.iter().flatten().copied().filter(|n| !layer.contains(n)).collect();
        let lost = apart(&seen(&made(&rest)?, &compared)?, &wanted);
        order.push((lost, k));
    }
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = order[..count].iter().map(|(_, k)| *k).collect();
    chosen.sort_unstable();
    let wide: Vec<usize> = chosen.iter().flat_map(|k| layers[*k].clone()).collect();
    let names = chosen.iter().map(|k| graph.nodes[layers[*k][0]].name.clone()).collect();
    Ok(Mixed { graph: made(&wide)?, layers: names, of })
}
