//! Float graphs with fewer nodes that compute the same.

use crate::graph::{Activation, Data, Graph, Node, Op, Padding, TensorId};
use std::collections::BTreeMap;

/// Fuses clamps into the layers that feed them, when nothing else reads the layer.
pub fn fuse_activations(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    let mut i = 0;
    while i < out.nodes.len() {
        let Op::Activate { activation } = out.nodes[i].op else {
            i += 1;
            continue;
        };
        let input = out.nodes[i].inputs[0];
        let readers = out.nodes.iter().filter(|n| n.inputs.contains(&input)).count();
        let producer = out.nodes.iter().position(|n| n.output == input);
        let fused = match producer {
            Some(p) if readers == 1 && !out.outputs.contains(&input) => {
                set_activation(&mut out.nodes[p].op, activation)
            }
            _ => false,
        };
        if let (true, Some(p)) = (fused, producer) {
            out.nodes[p].output = out.nodes[i].output;
            out.nodes.remove(i);
        } else {
            i += 1;
        }
    }
    out
}

fn set_activation(op: &mut Op, wanted: Activation) -> bool {
    !matches!(op, Op::Pool2d { .. } | Op::Binary { .. }) && fuse_activation(op, wanted)
}

/// Fuses a clamp into an operator that can hold one and has none yet.
pub fn fuse_activation(op: &mut Op, wanted: Activation) -> bool {
    match op {
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::FullyConnected { activation }
        | Op::Pool2d { activation, .. }
        | Op::Add { activation }
        | Op::Binary { activation, .. }
            if *activation == Activation::None =>
        {
            *activation = wanted;
            true
        }
        _ => false,
    }
}

/// Takes zeros around the input of a convolution into its own padding, when nothing else reads them: the copy needs no memory then.
pub(crate) fn fold_pads(graph: &mut Graph) {
    // The only reader of each tensor, as its first input.
    let mut readers: BTreeMap<TensorId, Option<usize>> = BTreeMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        for (slot, input) in node.inputs.iter().enumerate() {
            readers.entry(*input).and_modify(|r| *r = None).or_insert((slot == 0).then_some(i));
        }
    }
    let kept = graph.outputs.iter().copied().chain(graph.states.iter().flat_map(|s| [s.read, s.write]));
    readers.extend(kept.map(|id| (id, None)));
    let mut gone = vec![false; graph.nodes.len()];
    for i in 0..graph.nodes.len() {
        let reader = readers.get(&graph.nodes[i].output).copied().flatten();
        let Some((reader, around)) = reader.and_then(|r| Some((r, padded(graph, i, r)?))) else { continue };
        graph.nodes[reader].inputs[0] = graph.nodes[i].inputs[0];
        if let Op::Conv2d { padding, .. } | Op::DepthwiseConv2d { padding, .. } = &mut graph.nodes[reader].op
        {
            *padding = around;
        }
        gone[i] = true;
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| gone.next() != Some(true));
}

/// The padding that a convolution has when it takes over node `i` before it, zeros around a picture.
fn padded(graph: &Graph, i: usize, reader: usize) -> Option<Padding> {
    let Node { op: Op::Pad { shape, before, after, value }, inputs, output, .. } = &graph.nodes[i] else {
        return None;
    };
    let (x, made) = (graph.tensor(inputs[0]), graph.tensor(*output));
    // A batch of one may stand before rows, columns and channels.
    let (&[.., top, left, 0], &[.., bottom, right, 0]) = (&before[..], &after[..]) else { return None };
    let grown = before.iter().zip(after).filter(|(b, a)| **b + **a > 0).count();
    let picture = shape.len() >= 3 && x.shape[..] == shape[shape.len() - 3..];
    if *value != 0.0
        || !picture
        || grown > usize::from(top + bottom > 0) + usize::from(left + right > 0)
        || x.quant != made.quant
        || x.data.is_some()
    {
        return None;
    }
    let weights = &graph.tensor(*graph.nodes[reader].inputs.get(1)?).shape;
    let (padding, dilation, kernel) = match (&graph.nodes[reader].op, &weights[..]) {
        (Op::Conv2d { padding, dilation, .. }, &[_, h, w, _])
        | (Op::DepthwiseConv2d { padding, dilation, .. }, &[h, w, _]) => (padding, dilation, [h, w]),
        _ => return None,
    };
    let around = Padding {
        top: padding.top + top,
        bottom: padding.bottom + bottom,
        left: padding.left + left,
        right: padding.right + right,
    };
    // Less than a kernel on each side: no output lies in the zeros alone.
    let fits = |a: usize, b: usize, axis: usize| a.max(b) <= kernel[axis].saturating_sub(1) * dilation[axis];
    (fits(around.top, around.bottom, 0) && fits(around.left, around.right, 1)).then_some(around)
}

/// `Normalize` with a mean and a scale for each element, for formats that cannot repeat them.
pub(crate) fn repeat_columns(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    for i in 0..out.nodes.len() {
        if !matches!(out.nodes[i].op, Op::Normalize) {
            continue;
        }
        let n = out.tensor(out.nodes[i].output).len();
        for slot in [1, 2] {
            let t = out.tensor(out.nodes[i].inputs[slot]);
            let Some(Data::F32(columns)) = &t.data else { continue };
            if columns.len() == n {
                continue;
            }
            let mut whole = t.clone();
            whole.data = Some(Data::F32(columns.iter().copied().cycle().take(n).collect()));
            whole.shape = vec![n];
            whole.name.push_str("_each");
            let id = out.push_tensor(whole);
            out.nodes[i].inputs[slot] = id;
        }
    }
    out
}

/// How many nodes read a tensor; one more when it is given out or kept.
fn readers(graph: &Graph, id: TensorId) -> usize {
    graph.nodes.iter().filter(|n| n.inputs.contains(&id)).count()
        + usize::from(graph.outputs.contains(&id))
        + graph.states.iter().filter(|s| s.write == id).count()
}

/// Folds scales and shifts per channel (batch normalisation) into the float convolution before them. Sums are rounded in
/// another order, so that results differ in their last bits.
pub fn fold_scales(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    let mut i = 0;
    while i < out.nodes.len() {
        match folded(&out, i) {
            Some((before, weights, bias)) => {
                let [w, b] = [out.nodes[before].inputs[1], out.nodes[before].inputs[2]];
                // Constants may be shared: the folded layer gets its own.
                for (slot, id, data) in [(1, w, weights), (2, b, bias)] {
                    let mut t = out.tensor(id).clone();
                    t.name = format!("{}_folded{}", t.name, out.tensors.len());
                    t.data = Some(Data::F32(data));
                    let new = out.push_tensor(t);
                    out.nodes[before].inputs[slot] = new;
                }
                out.nodes[before].output = out.nodes[i].output;
                out.nodes.remove(i);
            }
            None => i += 1,
        }
    }
    out
}

/// The layer before node `i`, with the weights and biases that do the work of both.
fn folded(graph: &Graph, i: usize) -> Option<(usize, Vec<f32>, Vec<f32>)> {
    let node = &graph.nodes[i];
    let floats = |id: TensorId| match &graph.tensor(id).data {
        Some(Data::F32(v)) => Some(v.clone()),
        _ => None,
    };
    let Op::DepthwiseConv2d { stride: [1, 1], padding, multiplier: 1, activation, .. } = &node.op else {
        return None;
    };
    let w = graph.tensor(node.inputs[1]);
    if w.shape[..2] != [1, 1] || *padding != Padding::default() || *activation != Activation::None {
        return None;
    }
    let before = graph.nodes.iter().position(|n| n.output == node.inputs[0])?;
    if readers(graph, node.inputs[0]) != 1 {
        return None;
    }
    let (scale, shift) = (floats(node.inputs[1])?, floats(node.inputs[2])?);
    let outputs = scale.len();
    let layer = &graph.nodes[before];
    let depthwise = match layer.op {
        Op::Conv2d { activation: Activation::None, .. } => false,
        Op::DepthwiseConv2d { activation: Activation::None, .. } => true,
        _ => return None,
    };
    let (mut weights, mut bias) = (floats(layer.inputs[1])?, floats(layer.inputs[2])?);
    let inner = if depthwise { 1 } else { weights.len() / outputs.max(1) };
    for (k, w) in weights.iter_mut().enumerate() {
        *w *= scale[k / inner % outputs];
    }
    for ((b, s), t) in bias.iter_mut().zip(&scale).zip(&shift) {
        *b = *b * s + t;
    }
    Some((before, weights, bias))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Tensor, interpret::Interpreter};

    fn graph(value: f32, kernel: usize, twice: bool) -> Graph {
        let mut g = Graph { name: "pads".into(), ..Graph::default() };
        let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| {
            let data = data.map(Data::F32);
            g.push_tensor(Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                quant: None,
                data,
            })
        };
        let x = tensor("x", &[5, 4, 2], None);
        let around = tensor("around", &[7, 7, 2], None);
        let count = 3 * kernel * kernel * 2;
        let weights = (0..count).map(|i| (i % 7) as f32 - 2.5).collect();
        let w = tensor("w", &[3, kernel, kernel, 2], Some(weights));
        let b = tensor("b", &[3], Some(vec![0.5, -1.0, 2.0]));
        let [h, v] = [(7 - kernel) / 2 + 1, 7 - kernel + 1];
        let y = tensor("y", &[h, v, 3], None);
        // With a batch of one, as TFLite has it.
        let pad =
            Op::Pad { shape: vec![1, 5, 4, 2], before: vec![0, 0, 1, 0], after: vec![0, 2, 2, 0], value };
        let conv = Op::Conv2d {
            stride: [2, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            activation: Activation::None,
        };
        g.inputs = vec![x];
        g.outputs = if twice { vec![y, around] } else { vec![y] };
        g.nodes = vec![
            Node { name: "pad".into(), op: pad, inputs: vec![x], output: around },
            Node { name: "conv".into(), op: conv, inputs: vec![around, w, b], output: y },
        ];
        g.validate().expect("valid");
        g
    }

    fn run(g: &Graph) -> Vec<f32> {
        let x: Vec<f32> = (0..40).map(|i| (i * i % 11) as f32 - 4.0).collect();
        let mut out = vec![0.0; g.tensor(g.outputs[0]).len()];
        Interpreter::new(g).expect("valid").run(&x, &mut out).expect("runs");
        out
    }

    #[test]
    fn zeros_around_a_picture_become_padding() {
        let before = graph(0.0, 3, false);
        let mut after = before.clone();
        fold_pads(&mut after);
        assert_eq!(after.nodes.len(), 1);
        let around = Padding { top: 0, bottom: 2, left: 1, right: 2 };
        assert!(matches!(&after.nodes[0].op, Op::Conv2d { padding, .. } if *padding == around));
        after.validate().expect("valid");
        assert_eq!(run(&before), run(&after));
        // Other values, a kernel that would lie in the zeros alone, zeros that something else reads.
        for mut other in [graph(1.0, 3, false), graph(0.0, 2, false), graph(0.0, 3, true)] {
            let before = other.clone();
            fold_pads(&mut other);
            assert_eq!(before, other);
        }
    }
}
