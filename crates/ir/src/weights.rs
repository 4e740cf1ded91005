//! Weights as integers.

use crate::graph::{Data, Graph, GraphError, Op};

/// Weights and bias of a layer as integers.
pub(crate) struct IntegerLayer {
    /// Of each channel.
    pub scale: Vec<f32>,
    pub weights: Vec<i8>,
    pub bias: Vec<i64>,
    /// Of each bias.
    pub bias_scale: Vec<f32>,
}

/// Weights of a shape, symmetric per slice along `axis`, and the bias at the product of both scales.
pub(crate) fn integer_layer(
    values: &[f32],
    shape: &[usize],
    axis: usize,
    in_scale: f32,
    bias: &[f32],
) -> Result<IntegerLayer, String> {
    let channels = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let channel = |i: usize| (i / inner) % channels;
    let mut largest = vec![0.0f32; channels];
    for (i, v) in values.iter().enumerate() {
        if !v.is_finite() {
            return Err(format!("weight {i} is {v}"));
        }
        largest[channel(i)] = largest[channel(i)].max(v.abs());
    }
    let scale: Vec<f32> = largest.iter().map(|&m| if m > 0.0 { m / 127.0 } else { 1.0 / 127.0 }).collect();
    let weights = values
        .iter()
        .enumerate()
        .map(|(i, v)| (v / scale[channel(i)]).round().clamp(-127.0, 127.0) as i8)
        .collect();
    let bias = bias
        .iter()
        .zip(&scale)
        .map(|(b, s)| {
            let steps = f64::from(*b) / (f64::from(in_scale) * f64::from(*s));
            // Within 46 bits, so that no 64-bit sum leaves what its requantisation takes.
            steps.round().clamp(-7e13, 7e13) as i64
        })
        .collect();
    let bias_scale = scale.iter().map(|s| in_scale * s).collect();
    Ok(IntegerLayer { scale, weights, bias, bias_scale })
}

/// A bias within 30 bits, so that no sum of products overflows 32.
pub(crate) fn within(bias: i64) -> i32 {
    bias.clamp(-1_073_741_824, 1_073_741_823) as i32
}

/// Gives a layer of an integer graph other weights: what [`crate::quantize::quantize`] makes of a float graph with these weights and the ranges that
/// the graph was made with. `weights` and `bias` are as long as those that are there.
///
/// # Errors
/// [`GraphError::Node`] when the node is no layer with weights, a length does not fit or a weight is no number.
pub fn set_weights(
    integer: &mut Graph,
    node: usize,
    weights: &[f32],
    bias: &[f32],
) -> Result<(), GraphError> {
    let layer = &integer.nodes[node];
    let wrong = |reason: String| GraphError::Node { node: layer.name.clone(), reason };
    if !matches!(layer.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. }) {
        return Err(wrong("has no weights".into()));
    }
    let [x, w, b] = [layer.inputs[0], layer.inputs[1], layer.inputs[2]];
    let there = integer.tensor(w);
    let (Some(quant), Some(input)) = (&there.quant, &integer.tensor(x).quant) else {
        return Err(wrong("is no integer layer".into()));
    };
    if there.len() != weights.len() || integer.tensor(b).len() != bias.len() {
        return Err(wrong(format!("{} weights and {} biases do not fit", weights.len(), bias.len())));
    }
    let made = integer_layer(weights, &there.shape, quant.axis, input.scale[0], bias).map_err(wrong)?;
    let tensor = &mut integer.tensors[w.0 as usize];
    tensor.data = Some(Data::I8(made.weights));
    if let Some(quant) = &mut tensor.quant {
        quant.scale = made.scale;
    }
    let tensor = &mut integer.tensors[b.0 as usize];
    tensor.data = Some(match tensor.data {
        Some(Data::I64(_)) => Data::I64(made.bias),
        _ => Data::I32(made.bias.iter().map(|&b| within(b)).collect()),
    });
    if let Some(quant) = &mut tensor.quant {
        quant.scale = made.bias_scale;
    }
    Ok(())
}
