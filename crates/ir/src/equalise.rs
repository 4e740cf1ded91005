//! Channels brought to one range before they share one scale.
//!
//! A layer computes the same when a channel of its input is divided by `s` and the weights that read it are multiplied by `s`; where
//! nothing but `max(x, 0)` stands between, the layer before can divide. With `s = sqrt(range of the channel / range of its weights)`
//! both use their integers equally well: without it, one channel that reaches far takes the resolution of all others.
//!
//! # Source
//! Nagel and others 2019, *Data-Free Quantization Through Weight Equalization and Bias Correction*, section 4.1, with the ranges
//! of the activations measured.

use crate::{
    graph::{Activation, Data, Graph, GraphError, Op, TensorId},
    interpret::Interpreter,
};

/// Weights below this share of the largest count as this share.
const LEAST: f32 = 1e-3;

/// A layer that divides, the one that multiplies, and the channels between them.
struct Pair {
    before: usize,
    after: usize,
    channels: usize,
}

/// The graph with equalised channels wherever two layers allow it, or nothing where none do.
///
/// # Errors
/// [`GraphError`] when an input does not fit.
pub fn equalise(graph: &Graph, inputs: &[Vec<f32>]) -> Result<Option<Graph>, GraphError> {
    let pairs: Vec<Pair> = (0..graph.nodes.len()).filter_map(|n| pair(graph, n)).collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let mut reach: Vec<Vec<f32>> = pairs.iter().map(|p| vec![0.0; p.channels]).collect();
    let mut interpreter = Interpreter::new(graph)?;
    for input in inputs {
        interpreter.with_input(input)?;
        for (pair, reach) in pairs.iter().zip(&mut reach) {
            for values in interpreter.floats(graph.nodes[pair.before].output).chunks_exact(pair.channels) {
                for (reach, v) in reach.iter_mut().zip(values) {
                    *reach = reach.max(v.abs());
                }
            }
        }
    }
    let mut out = graph.clone();
    for (pair, reach) in pairs.iter().zip(&reach) {
        scale_pair(&mut out, pair, reach);
    }
    out.validate()?;
    Ok(Some(out))
}

/// The layer at `before` with the one that alone reads it, perhaps pooled or reshaped between.
fn pair(graph: &Graph, before: usize) -> Option<Pair> {
    let node = &graph.nodes[before];
    let count = |id: TensorId| graph.tensor(id).shape.iter().product::<usize>();
    let own = match &node.op {
        // Where each element has a factor of its own, any number of channels divides.
        Op::Normalize => {
            let columns = count(node.inputs[2]);
            (columns != count(node.output)).then_some(columns)
        }
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::FullyConnected { activation }
            if homogeneous(*activation) =>
        {
            Some(count(node.inputs[2]))
        }
        _ => return None,
    };
    let mut at = node.output;
    loop {
        let mut readers = graph.nodes.iter().enumerate().filter(|(_, n)| n.inputs.contains(&at));
        let (after, next) = readers.next()?;
        let kept = graph.outputs.contains(&at) || graph.states.iter().any(|s| s.write == at || s.read == at);
        if readers.next().is_some() || kept {
            return None;
        }
        match &next.op {
            Op::Reshape => at = next.output,
            Op::Pool2d { activation, .. } if own.is_some() && homogeneous(*activation) => at = next.output,
            Op::Conv2d { .. } | Op::DepthwiseConv2d { multiplier: 1, .. } | Op::FullyConnected { .. }
                if next.inputs[0] == at =>
            {
                let innermost = *graph.tensor(next.inputs[1]).shape.last()?;
                let channels = own.unwrap_or(innermost);
                let fits = channels > 0 && innermost % channels == 0 && count(node.output) % channels == 0;
                return fits.then_some(Pair { before, after, channels });
            }
            _ => return None,
        }
    }
}

fn homogeneous(activation: Activation) -> bool {
    matches!(activation, Activation::None | Activation::Relu)
}

fn scale_pair(graph: &mut Graph, pair: &Pair, reach: &[f32]) {
    let floats = |id: TensorId| match &graph.tensor(id).data {
        Some(Data::F32(v)) => Some(v.clone()),
        _ => None,
    };
    let (before, after) = (&graph.nodes[pair.before], &graph.nodes[pair.after]);
    let Some(mut weights) = floats(after.inputs[1]) else { return };
    let mut heaviest = vec![0.0f32; pair.channels];
    for (i, w) in weights.iter().enumerate() {
        let heaviest = &mut heaviest[i % pair.channels];
        *heaviest = heaviest.max(w.abs());
    }
    let floor = LEAST * heaviest.iter().fold(0.0f32, |a, b| a.max(*b));
    let factors: Vec<f32> = reach
        .iter()
        .zip(&heaviest)
        .map(|(x, w)| (x / w.max(floor)).sqrt())
        .map(|s| if s.is_finite() && s > 0.0 { s } else { 1.0 })
        .collect();
    for (i, w) in weights.iter_mut().enumerate() {
        *w *= factors[i % pair.channels];
    }
    let mut made = vec![(pair.after, 1, weights)];
    // What divides: the scale of `Normalize`; weights and bias of a layer, whose channel is the outermost extent of its weights,
    // in a depthwise one the innermost.
    let slots: &[usize] = if matches!(before.op, Op::Normalize) { &[2] } else { &[1, 2] };
    let depthwise = matches!(before.op, Op::DepthwiseConv2d { .. });
    for &slot in slots {
        let Some(mut values) = floats(before.inputs[slot]) else { return };
        let inner = if slot == 1 && !depthwise { values.len() / pair.channels } else { 1 };
        for (i, v) in values.iter_mut().enumerate() {
            *v /= factors[i / inner % pair.channels];
        }
        made.push((pair.before, slot, values));
    }
    for (node, slot, data) in made {
        // A tensor of its own: constants may be shared.
        let mut tensor = graph.tensor(graph.nodes[node].inputs[slot]).clone();
        tensor.name = format!("{}_equal{}", tensor.name, graph.tensors.len());
        tensor.data = Some(Data::F32(data));
        let new = graph.push_tensor(tensor);
        graph.nodes[node].inputs[slot] = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::{Activation, DType, Node, Tensor},
        quantize::{Method, calibrate, closest, quantize},
    };

    /// `Normalize` and a dense layer of two columns into one: the second column reaches a hundred times further, with a weight
    /// a hundred times smaller.
    fn uneven() -> (Graph, Vec<Vec<f32>>) {
        let mut graph = Graph { name: "uneven".into(), ..Graph::default() };
        let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| {
            graph.push_tensor(Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                quant: None,
                data: data.map(Data::F32),
            })
        };
        let x = tensor("x", &[1, 2], None);
        let mean = tensor("mean", &[2], Some(vec![0.0, 0.0]));
        let scale = tensor("scale", &[2], Some(vec![1.0, 1.0]));
        let y = tensor("y", &[1, 2], None);
        let w = tensor("w", &[1, 2], Some(vec![1.0, 0.01]));
        let b = tensor("b", &[1], Some(vec![0.0]));
        let z = tensor("z", &[1, 1], None);
        let node = |name: &str, op, inputs, output| Node { name: name.into(), op, inputs, output };
        graph.nodes.push(node("normalize", Op::Normalize, vec![x, mean, scale], y));
        let dense = Op::FullyConnected { activation: Activation::None };
        graph.nodes.push(node("dense", dense, vec![y, w, b], z));
        graph.inputs = vec![x];
        graph.outputs = vec![z];
        let inputs =
            (0..64).map(|i| vec![(i * 37 % 64) as f32 / 32.0 - 1.0, (i * 11 % 64) as f32 * 3.0 - 96.0]);
        (graph, inputs.collect())
    }

    #[test]
    fn a_far_column_takes_no_resolution_from_the_others() {
        let (graph, inputs) = uneven();
        let error = |made: &Graph| -> f64 {
            let (mut a, mut b) = (Interpreter::new(&graph).unwrap(), Interpreter::new(made).unwrap());
            let mut sum = 0.0;
            for input in &inputs {
                a.with_input(input).unwrap();
                b.with_input(input).unwrap();
                let difference = a.floats(graph.outputs[0])[0] - b.floats(made.outputs[0])[0];
                sum += f64::from(difference).powi(2);
            }
            sum
        };
        let extremes = calibrate(&graph, inputs.iter().map(Vec::as_slice), Method::MinMax).unwrap();
        let plain = error(&quantize(&graph, &extremes).unwrap());
        let equal = error(&closest(&graph, &inputs).unwrap().int8);
        assert!(equal * 50.0 < plain, "{equal} {plain}");
    }
}
