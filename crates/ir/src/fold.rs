//! Float graphs with fewer nodes that compute the same.

use crate::graph::{Activation, Data, Graph, Op, Padding, TensorId};

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
