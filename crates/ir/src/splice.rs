//! Graphs cut in two and put together: the first layers of a network that was trained elsewhere before the head that is trained here.

use crate::graph::{Activation, DType, Data, Graph, GraphError, Node, Op, Padding, Tensor, TensorId};
use std::collections::{BTreeMap, BTreeSet};

/// The first layers of a graph.
#[derive(Clone, Debug)]
pub struct Front {
    /// From the input of the graph to what its last layer here gives.
    pub graph: Graph,
    /// Layers with weights in it.
    pub layers: usize,
    /// Layers with weights in the whole graph.
    pub of: usize,
}

/// Where a graph can be cut: how many layers with weights lie before, and the last node there.
fn places(graph: &Graph) -> (Vec<(usize, usize)>, usize) {
    let mut seen = BTreeSet::new();
    // The last node that reads each tensor that flows; what the graph gives out is read behind all of them.
    let mut last_read = BTreeMap::new();
    for (k, node) in graph.nodes.iter().enumerate() {
        last_read.extend(node.inputs.iter().map(|id| (*id, k)));
    }
    last_read.extend(graph.outputs.iter().map(|id| (*id, usize::MAX)));
    let made: BTreeSet<TensorId> = graph.nodes.iter().map(|n| n.output).collect();
    let flows = |id: &TensorId| !made.contains(id) && graph.tensor(*id).data.is_none();
    // The last node that reads anything that there was before node `k`.
    let mut reach = last_read.iter().filter(|(id, _)| flows(id)).map(|(_, k)| *k).max().unwrap_or(0);
    // A cut behind `k` leaves nothing to read but what `k` gives.
    let mut out = Vec::new();
    for (k, node) in graph.nodes.iter().enumerate() {
        let weighted =
            matches!(node.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. });
        if weighted {
            seen.insert(node.inputs[1]);
        }
        let free = reach <= k;
        reach = reach.max(last_read.get(&node.output).copied().unwrap_or(0));
        if free && graph.tensor(node.output).dtype == DType::F32 {
            out.push((seen.len(), k));
        }
    }
    (out, seen.len())
}

/// The first `layers` layers with weights of a float graph with one input and one output (all but the last when left out), with what
/// follows them up to the next one; a softmax at the end is left out.
///
/// # Errors
/// [`GraphError::Graph`] saying how many layers can be kept, when it cannot be cut there: only where nothing behind reads what
/// lies before, so not inside of a block with several ways.
pub fn front(graph: &Graph, layers: Option<usize>) -> Result<Front, GraphError> {
    graph.validate()?;
    let fail = |reason: String| GraphError::Graph { graph: graph.name.clone(), reason };
    let [input] = graph.inputs[..] else { return Err(fail("it has several inputs".into())) };
    let (places, of) = places(graph);
    let mut possible: Vec<usize> = places.iter().map(|(n, _)| *n).filter(|n| *n > 0).collect();
    possible.dedup();
    let Some(wanted) = layers.or(of.checked_sub(1)).filter(|n| *n > 0) else {
        return Err(fail(format!(
            "it has {of} layers with weights; a backbone keeps at least 1 and leaves the last to the head"
        )));
    };
    // What only says the shape anew, or turns scores into shares, belongs to the head.
    let ends = |k: usize| matches!(graph.nodes[k].op, Op::Reshape | Op::Softmax);
    let here = || places.iter().filter(|(n, _)| *n == wanted);
    let Some(&(_, last)) = here().rfind(|(_, k)| !ends(*k)).or(here().next_back()) else {
        let possible: Vec<String> = possible.iter().map(usize::to_string).collect();
        return Err(fail(format!(
            "it cannot be cut behind {wanted} of its {of} layers with weights; it can behind {}",
            if possible.is_empty() { "none".into() } else { possible.join(", ") }
        )));
    };
    let mut made = Graph { name: graph.name.clone(), reference: graph.reference, ..Graph::default() };
    let mut map = BTreeMap::new();
    append(&mut made, graph, &graph.nodes[..=last], &mut map, "");
    made.inputs = vec![copied(&mut made, graph, input, &mut map, "")];
    made.outputs = vec![map[&graph.nodes[last].output]];
    made.validate()?;
    Ok(Front { graph: made, layers: wanted, of })
}

/// The tensor of `to` for one of `from`.
fn copied(
    to: &mut Graph,
    from: &Graph,
    id: TensorId,
    map: &mut BTreeMap<TensorId, TensorId>,
    prefix: &str,
) -> TensorId {
    *map.entry(id).or_insert_with(|| {
        let t = from.tensor(id);
        to.push_tensor(Tensor { name: format!("{prefix}{}", t.name), ..t.clone() })
    })
}

fn append(
    to: &mut Graph,
    from: &Graph,
    nodes: &[Node],
    map: &mut BTreeMap<TensorId, TensorId>,
    prefix: &str,
) {
    for node in nodes {
        let inputs = node.inputs.iter().map(|id| copied(to, from, *id, map, prefix)).collect();
        let output = copied(to, from, node.output, map, prefix);
        to.nodes.push(Node { name: format!("{prefix}{}", node.name), op: node.op.clone(), inputs, output });
    }
}

/// What the names of a front begin with in a joined graph.
pub const PREFIX: &str = "backbone_";

/// One float graph that computes `front` and hands what it gives to `head`, in the same order and as many values as `head` takes. The
/// normalisation with which a head begins becomes part of its first layer: sums are rounded in another order, so that results
/// differ in their last bits.
///
/// # Errors
/// [`GraphError`] when the two do not fit.
pub fn join(front: &Graph, head: &Graph) -> Result<Graph, GraphError> {
    let head = &without_normalisation(head);
    let (gives, takes) = (front.tensor(front.outputs[0]), head.tensor(head.inputs[0]));
    if gives.len() != takes.len() {
        let reason = format!("it takes {} values, but the backbone gives {:?}", takes.len(), gives.shape);
        return Err(GraphError::Graph { graph: head.name.clone(), reason });
    }
    let mut out = Graph { name: head.name.clone(), reference: head.reference, ..Graph::default() };
    let mut map = BTreeMap::new();
    append(&mut out, front, &front.nodes, &mut map, PREFIX);
    out.inputs = vec![copied(&mut out, front, front.inputs[0], &mut map, PREFIX)];
    let between = map[&front.outputs[0]];
    let mut map = BTreeMap::from([(head.inputs[0], between)]);
    for node in &head.nodes {
        let first = map.get(&node.inputs[0]) == Some(&between);
        // It has this shape already, or whoever reads it takes any.
        let any = |n: &Node| matches!(n.op, Op::FullyConnected { .. });
        let same = out.tensor(between).shape == head.tensor(node.output).shape;
        let readers = || head.nodes.iter().filter(|n| n.inputs.contains(&node.output));
        if first
            && matches!(node.op, Op::Reshape)
            && (same || readers().all(any))
            && !head.outputs.contains(&node.output)
        {
            map.insert(node.output, between);
        } else {
            append(&mut out, head, std::slice::from_ref(node), &mut map, "");
        }
    }
    out.outputs = vec![map[&head.outputs[0]]];
    out.validate()?;
    Ok(out)
}

/// The same graph whose first layer has taken over a normalisation at the start; where that cannot (a convolution with padding, or no
/// layer with weights), a depthwise convolution of one element does it, which has an integer form anywhere.
fn without_normalisation(head: &Graph) -> Graph {
    let mut out = head.clone();
    let Some(at) =
        head.nodes.iter().position(|n| matches!(n.op, Op::Normalize) && n.inputs[0] == head.inputs[0])
    else {
        return out;
    };
    let node = head.nodes[at].clone();
    let floats = |id: TensorId| match &head.tensor(id).data {
        Some(Data::F32(v)) => Some(v.clone()),
        _ => None,
    };
    let (Some(mean), Some(scale)) = (floats(node.inputs[1]), floats(node.inputs[2])) else { return out };
    // The only reader, behind new shapes.
    let mut reads = node.output;
    let layer = loop {
        let mut readers = head.nodes.iter().enumerate().filter(|(_, n)| n.inputs.contains(&reads));
        match (readers.next(), readers.next()) {
            (Some((_, n)), None) if matches!(n.op, Op::Reshape) => reads = n.output,
            (Some((i, _)), None) => break Some(i),
            _ => break None,
        }
    };
    let columns = scale.len();
    let plain = Padding::default();
    let layer = layer.filter(|i| match &head.nodes[*i].op {
        Op::FullyConnected { .. } => head.tensor(head.nodes[*i].inputs[1]).shape[1].is_multiple_of(columns),
        Op::Conv2d { padding, .. } => {
            *padding == plain && head.tensor(head.nodes[*i].inputs[1]).shape[3] == columns
        }
        _ => false,
    });
    let weighted =
        layer.and_then(|i| Some((i, floats(head.nodes[i].inputs[1])?, floats(head.nodes[i].inputs[2])?)));
    if let Some((i, mut weights, mut bias)) = weighted {
        let inner = weights.len() / bias.len();
        for (row, b) in weights.chunks_exact_mut(inner).zip(&mut bias) {
            let mut shift = 0.0f64;
            for (k, w) in row.iter_mut().enumerate() {
                *w *= scale[k % columns];
                shift += f64::from(*w) * f64::from(mean[k % columns]);
            }
            *b = (f64::from(*b) - shift) as f32;
        }
        for (slot, values) in [(1, weights), (2, bias)] {
            let t = head.tensor(head.nodes[i].inputs[slot]);
            let own =
                Tensor { name: format!("{}_of_raw", t.name), data: Some(Data::F32(values)), ..t.clone() };
            out.nodes[i].inputs[slot] = out.push_tensor(own);
        }
        for n in &mut out.nodes {
            n.inputs.iter_mut().filter(|id| **id == node.output).for_each(|id| *id = node.inputs[0]);
        }
        out.nodes.remove(at);
        return out;
    }
    let input = head.tensor(node.inputs[0]);
    let rows = vec![1, input.len() / columns, columns];
    let value = |name: String, shape: Vec<usize>, data: Option<Vec<f32>>| Tensor {
        name,
        shape,
        dtype: DType::F32,
        quant: None,
        data: data.map(Data::F32),
    };
    let shift = mean.iter().zip(&scale).map(|(m, s)| -m * s).collect();
    let named = |what: &str| format!("{}_{what}", node.name);
    let raw = out.push_tensor(value(named("raw"), rows.clone(), None));
    let done = out.push_tensor(value(named("done"), rows, None));
    let factor = out.push_tensor(value(named("factor"), vec![1, 1, columns], Some(scale)));
    let offset = out.push_tensor(value(named("offset"), vec![columns], Some(shift)));
    let op = Op::DepthwiseConv2d {
        stride: [1, 1],
        dilation: [1, 1],
        padding: plain,
        multiplier: 1,
        activation: Activation::None,
    };
    out.nodes.splice(
        at..=at,
        [
            Node { name: named("raw"), op: Op::Reshape, inputs: vec![node.inputs[0]], output: raw },
            Node { name: node.name.clone(), op, inputs: vec![raw, factor, offset], output: done },
            Node { name: named("done"), op: Op::Reshape, inputs: vec![done], output: node.output },
        ],
    );
    out
}
