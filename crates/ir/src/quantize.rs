//! From a float graph to an int8 graph, calibrated on real inputs.
//!
//! # Source
//! The TensorFlow Lite 8-bit quantisation specification: activations asymmetric per tensor, weights symmetric per
//! output channel in -127..=127, biases 32-bit with the product of both scales, softmax output 1/256 from -128.

pub use crate::mixed::{Mixed, mixed};
pub use crate::{
    calibrate::{Method, Observer, Ranges, activation_quant, calibrate, calibrate_each},
    fold::{fold_scales, fuse_activations},
    weights::set_weights,
};
use crate::{
    equalise::equalise,
    extra::{BinaryKind, Function, ReduceKind, State},
    graph::{DType, Data, Graph, GraphError, Node, Op, Quant, Tensor, TensorId},
    interpret::Interpreter,
    lower::f32_data,
    mixed::{apart, seen},
    offset,
    weights::{integer_layer, within},
};
use std::collections::BTreeMap;

/// The type of the inputs and outputs of an integer graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Float; the graph begins with `Quantize` and ends with `Dequantize`.
    #[default]
    Float,
    /// The integers of the scheme.
    Integer,
}

/// What activations and weights become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Bytes both; activations with a zero point.
    #[default]
    Int8,
    /// Activations of 16 bits without a zero point, weights of bytes, biases of 64 bits.
    Int16x8,
}

/// The int8 form of a valid float graph. What stands before the first layer in float (`Normalize`) stays float,
/// followed by `Quantize`; `Dequantize` ends the graph, and behind it a `Normalize` that ends the float one. A `KMeansScore` or `GmmScore` graph stays as it is; one with trees has
/// the form of [`crate::trees::quantize_trees`].
///
/// # Errors
/// [`GraphError`] when a tensor was never observed or a node has no integer form.
pub fn quantize(graph: &Graph, ranges: &Ranges) -> Result<Graph, GraphError> {
    quantize_with(graph, ranges, Scheme::Int8, Ends::Float)
}

/// [`quantize`] with a choice of the integers, and of inputs and outputs.
///
/// # Errors
/// The same, and for float nodes before the first layer when the ends are integers.
pub fn quantize_with(
    graph: &Graph,
    ranges: &Ranges,
    scheme: Scheme,
    ends: Ends,
) -> Result<Graph, GraphError> {
    quantize_each(graph, ranges, scheme, ends, &[])
}

/// [`quantize_with`], where the nodes whose places are in `wide` compute with activations of 16 bits, as do those behind them that have no
/// weights and can; between the two, values are rescaled.
pub(crate) fn quantize_each(
    graph: &Graph,
    ranges: &Ranges,
    scheme: Scheme,
    ends: Ends,
    wide: &[usize],
) -> Result<Graph, GraphError> {
    graph.validate()?;
    if ends == Ends::Float
        && let Some((head, tail)) = offset::without_tail(graph)
    {
        let made = offset::with_tail(quantize_each(&head, ranges, scheme, ends, wide)?, graph, &tail);
        made.validate()?;
        return Ok(made);
    }
    if graph.nodes.iter().any(|n| matches!(n.op, Op::KMeansScore { .. } | Op::GmmScore { .. })) {
        return Ok(graph.clone());
    }
    if graph.nodes.iter().any(|n| matches!(n.op, Op::TreeEnsemble { .. })) {
        if ends == Ends::Integer || scheme == Scheme::Int16x8 {
            return Err(GraphError::Graph {
                graph: graph.name.clone(),
                reason:
                    "trees take float values, each with thresholds of its own; keep int8 with float inputs and outputs"
                        .into(),
            });
        }
        let made = crate::trees::quantize_trees(graph)?;
        made.validate()?;
        return Ok(made);
    }
    let mut q = Quantizer {
        from: graph,
        to: Graph { name: graph.name.clone(), reference: graph.reference, ..Graph::default() },
        map: BTreeMap::new(),
        params: BTreeMap::new(),
        schemes: crate::mixed::schemes(graph, scheme, wide),
        base: scheme,
        scheme,
        ends,
    };
    for one in if wide.is_empty() { vec![scheme] } else { vec![Scheme::Int8, Scheme::Int16x8] } {
        q.scheme = one;
        q.choose(ranges)?;
    }
    q.scheme = scheme;
    q.build()?;
    q.to.validate()?;
    Ok(q.to)
}

/// Ways to choose ranges that [`closest`] tries.
const METHODS: [Method; 4] =
    [Method::MinMax, Method::Percentile(99.99), Method::Percentile(99.9), Method::Mse];
/// Inputs on which it compares.
pub const COMPARED: usize = 64;

/// What [`closest`] found.
#[derive(Clone, Debug)]
pub struct Closest {
    /// The float graph, with equalised channels where they came closer.
    pub float: Graph,
    /// Its ranges.
    pub ranges: Ranges,
    /// Its integer form.
    pub int8: Graph,
}

/// The integer form that is closest to the float graph on the inputs that it is calibrated on, and the float graph that it is the
/// form of: of each way to choose the ranges, with and without equalised channels, the one with the least sum
/// of squared differences; the first of equals. Compared are the outputs, or what a softmax at the end reads: its probabilities
/// hardly differ where the model is sure, which on training data it is nearly everywhere. Compared is on [`COMPARED`] inputs, evenly
/// spaced.
///
/// # Errors
/// Those of [`quantize`], and when there is no input or one does not fit.
pub fn closest(graph: &Graph, inputs: &[Vec<f32>]) -> Result<Closest, GraphError> {
    nearest(graph, inputs, false)
}

/// [`closest`], where outputs that lie further from zero than from each other are made around zero, and the distance is added in float
/// behind the integers: the graph may end in a `Normalize` that was not there.
///
/// # Errors
/// The same.
pub fn closest_around(graph: &Graph, inputs: &[Vec<f32>]) -> Result<Closest, GraphError> {
    nearest(graph, inputs, true)
}

fn nearest(graph: &Graph, inputs: &[Vec<f32>], around: bool) -> Result<Closest, GraphError> {
    let compared = inputs.len().min(COMPARED);
    let compared: Vec<&Vec<f32>> = (0..compared).map(|i| &inputs[i * inputs.len() / compared]).collect();
    let wanted = seen(graph, &compared)?;
    let equal = equalise(graph, inputs)?;
    let mut best: Option<(f64, Graph, Ranges, Graph)> = None;
    for from in std::iter::once(graph).chain(&equal) {
        let shifted = if around { offset::taken_out(from, inputs)? } else { None };
        let from = shifted.as_ref().unwrap_or(from);
        for ranges in calibrate_each(from, inputs.iter().map(Vec::as_slice), &METHODS)? {
            let made = quantize(from, &ranges)?;
            let error = apart(&seen(&made, &compared)?, &wanted);
            if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                best = Some((error, from.clone(), ranges, made));
            }
        }
    }
    best.map(|(_, from, ranges, int8)| Closest { float: from, ranges, int8 }).ok_or_else(|| {
        GraphError::Graph { graph: graph.name.clone(), reason: "no input to calibrate on".into() }
    })
}

struct Quantizer<'g> {
    from: &'g Graph,
    to: Graph,
    /// From tensors of the float graph to those of the integer graph.
    map: BTreeMap<(TensorId, Scheme), TensorId>,
    /// Quantisation of each float tensor that flows.
    params: BTreeMap<(TensorId, Scheme), Quant>,
    /// Of each node.
    schemes: Vec<Scheme>,
    /// Of states and constants that no node makes.
    base: Scheme,
    /// Of what is being made.
    scheme: Scheme,
    ends: Ends,
}

/// Scale that puts a range, which is made to hold zero, on 16 bits without a zero point.
fn short_quant(low: f32, high: f32) -> Quant {
    let size = low.abs().max(high.abs());
    let scale = if size > 0.0 { (size / 32767.0).max(f32::MIN_POSITIVE) } else { 1.0 };
    Quant { scale: vec![scale], zero_point: 0, axis: 0 }
}

/// One value as a 16-bit integer of a tensor's scale.
pub fn one_short(v: f32, q: &Quant) -> i16 {
    edgewright_kernels::elementwise::quantize_wide(v, q.scale[0])
}

/// One value as an integer of a tensor's scale.
pub fn one(v: f32, q: &Quant) -> i8 {
    edgewright_kernels::elementwise::quantize_one(v, q.scale[0], q.zero_point)
}

fn fail(node: &Node, reason: impl Into<String>) -> GraphError {
    GraphError::Node { node: node.name.clone(), reason: reason.into() }
}

impl Quantizer<'_> {
    fn dtype(&self) -> DType {
        if self.scheme == Scheme::Int16x8 { DType::I16 } else { DType::I8 }
    }

    fn quant(&self, low: f32, high: f32) -> Quant {
        if self.scheme == Scheme::Int16x8 { short_quant(low, high) } else { activation_quant(low, high) }
    }

    fn values(&self, values: &[f32], q: &Quant) -> Data {
        match self.scheme {
            Scheme::Int8 => Data::I8(values.iter().map(|v| one(*v, q)).collect()),
            Scheme::Int16x8 => Data::I16(values.iter().map(|v| one_short(*v, q)).collect()),
        }
    }

    /// Chooses scales, then makes those equal that an operator needs equal.
    fn choose(&mut self, ranges: &Ranges) -> Result<(), GraphError> {
        for (i, tensor) in self.from.tensors.iter().enumerate() {
            let id = TensorId(i as u32);
            if tensor.data.is_some() {
                continue;
            }
            let (low, high) = *ranges.get(&id).ok_or_else(|| GraphError::Graph {
                graph: self.from.name.clone(),
                reason: format!("`{}` was never observed; calibrate with at least one input", tensor.name),
            })?;
            self.params.insert((id, self.scheme), self.quant(low, high));
        }
        // What a run leaves is what the next one finds.
        for state in &self.from.states {
            let of = |id: TensorId| ranges.get(&id).copied().unwrap_or((0.0, 0.0));
            let (a, b) = (of(state.read), of(state.write));
            let quant = self.quant(a.0.min(b.0), a.1.max(b.1));
            self.params.insert((state.read, self.scheme), quant.clone());
            self.params.insert((state.write, self.scheme), quant);
        }
        for node in &self.from.nodes {
            let (scale, zero_point) = match node.op {
                Op::Softmax | Op::Unary { function: Function::Logistic | Function::Tanh }
                    if self.scheme == Scheme::Int16x8 =>
                {
                    (1.0 / 32768.0, 0)
                }
                Op::Softmax | Op::Unary { function: Function::Logistic } => (1.0 / 256.0, -128),
                Op::Unary { function: Function::Tanh } => (1.0 / 128.0, 0),
                _ => continue,
            };
            self.params.insert((node.output, self.scheme), Quant { scale: vec![scale], zero_point, axis: 0 });
        }
        // From the end, so that a chain of such operators takes the scale of its first input... which for these
        // operators is that of what they read: nothing is lost, as they make no value that was not there.
        for node in &self.from.nodes {
            let kept = matches!(
                node.op,
                Op::Pool2d { .. }
                    | Op::Reshape
                    | Op::Snap { .. }
                    | Op::Activate { .. }
                    | Op::Strided { .. }
                    | Op::Pad { .. }
                    | Op::ResizeBilinear { .. }
                    | Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. }
            );
            if kept && let Some(quant) = self.params.get(&(node.inputs[0], self.scheme)).cloned() {
                self.params.insert((node.output, self.scheme), quant);
            }
        }
        Ok(())
    }

    fn push(&mut self, tensor: Tensor) -> TensorId {
        self.to.push_tensor(tensor)
    }

    /// The integer tensor for a float tensor that flows.
    fn flow(&mut self, id: TensorId) -> TensorId {
        if let Some(there) = self.map.get(&(id, self.scheme)) {
            return *there;
        }
        let other = match self.scheme {
            Scheme::Int8 => Scheme::Int16x8,
            Scheme::Int16x8 => Scheme::Int8,
        };
        let other = self.map.get(&(id, other)).copied();
        let t = self.from.tensor(id);
        let tensor = Tensor {
            name: t.name.clone(),
            shape: t.shape.clone(),
            dtype: self.dtype(),
            quant: self.params.get(&(id, self.scheme)).cloned(),
            data: None,
        };
        let new = self.push(tensor);
        self.map.insert((id, self.scheme), new);
        if let Some(other) = other {
            // It is there in the other width.
            let end = if self.scheme == Scheme::Int16x8 { "_s16" } else { "_s8" };
            self.to.tensors[new.0 as usize].name.push_str(end);
            let name = self.to.tensor(new).name.clone();
            self.to.nodes.push(Node { name, op: Op::Quantize, inputs: vec![other], output: new });
        }
        new
    }

    fn build(&mut self) -> Result<(), GraphError> {
        let from = self.from;
        if self.ends == Ends::Integer {
            self.to.inputs = from.inputs.iter().map(|id| self.flow(*id)).collect();
            self.read_states();
            for (node, scheme) in from.nodes.iter().zip(self.schemes.clone()) {
                self.scheme = scheme;
                self.node(node)?;
            }
            self.scheme = self.base;
            let outputs: Vec<TensorId> = from.outputs.iter().map(|id| self.flow(*id)).collect();
            self.to.outputs = outputs;
            return self.keep_states();
        }
        let mut rest = from.nodes.as_slice();
        for (i, &input) in from.inputs.iter().enumerate() {
            rest = self.enter(i, input, rest);
        }
        self.scheme = self.base;
        self.read_states();
        let before = from.nodes.len() - rest.len();
        for (i, node) in rest.iter().enumerate() {
            self.scheme = self.schemes[before + i];
            self.node(node)?;
        }
        for (i, &output) in from.outputs.iter().enumerate() {
            self.scheme = self.base;
            let last =
                [Scheme::Int16x8, Scheme::Int8].iter().find_map(|s| self.map.get(&(output, *s)).copied());
            let last = last.unwrap_or_else(|| self.flow(output));
            let mut float_output = from.tensor(output).clone();
            float_output.name.push_str("_f32");
            let float_output = self.push(float_output);
            let name = if i == 0 { "dequantize".into() } else { format!("dequantize_{i}") };
            self.to.nodes.push(Node { name, op: Op::Dequantize, inputs: vec![last], output: float_output });
            self.to.outputs.push(float_output);
        }
        self.keep_states()
    }

    /// Float input number `i` and its `Quantize`; what is left of `rest` behind its normalisation.
    fn enter<'n>(&mut self, i: usize, input: TensorId, mut rest: &'n [Node]) -> &'n [Node] {
        let from = self.from;
        let float_input = self.push(Tensor { quant: None, ..from.tensor(input).clone() });
        self.to.inputs.push(float_input);
        let mut float_now = float_input;
        let mut at = input;
        // Normalisation stays in float: its columns have scales of their own.
        while let Some((node, later)) = rest.split_first() {
            if !matches!(node.op, Op::Normalize) || node.inputs[0] != at {
                break;
            }
            let mean = self.push(from.tensor(node.inputs[1]).clone());
            let scale = self.push(from.tensor(node.inputs[2]).clone());
            let mut output = from.tensor(node.output).clone();
            output.name.push_str("_f32");
            let output = self.push(output);
            self.to.nodes.push(Node {
                name: node.name.clone(),
                op: Op::Normalize,
                inputs: vec![float_now, mean, scale],
                output,
            });
            (float_now, at, rest) = (output, node.output, later);
        }
        // As the first that reads it wants it.
        let reader = from.nodes.iter().position(|n| n.inputs.contains(&at));
        self.scheme = reader.map_or(self.base, |n| self.schemes[n]);
        let quantised = self.flow(at);
        if quantised != float_now && self.to.tensor(quantised).name == self.to.tensor(float_now).name {
            let end = if self.scheme == Scheme::Int16x8 { "_s16" } else { "_s8" };
            self.to.tensors[quantised.0 as usize].name.push_str(end);
        }
        let name = if i == 0 { "quantize".into() } else { format!("quantize_{i}") };
        self.to.nodes.push(Node { name, op: Op::Quantize, inputs: vec![float_now], output: quantised });
        rest
    }

    /// States that are read exist before any node.
    fn read_states(&mut self) {
        for state in &self.from.states {
            self.flow(state.read);
        }
    }

    fn keep_states(&mut self) -> Result<(), GraphError> {
        self.scheme = self.base;
        for state in &self.from.states {
            let (read, write) = (self.flow(state.read), self.flow(state.write));
            let write = self.at_scale_of(write, read);
            let q = self.params[&(state.read, self.base)].clone();
            let initial = match &state.initial {
                Some(Data::F32(v)) => Some(self.values(v, &q)),
                _ => None,
            };
            self.to.states.push(State { name: state.name.clone(), read, write, initial });
        }
        Ok(())
    }

    /// The integer tensor of an input; constants are quantised by their own range.
    fn operand(&mut self, node: &Node, i: usize) -> Result<TensorId, GraphError> {
        let from = self.from;
        let t = from.tensor(node.inputs[i]);
        if t.data.is_none() {
            return Ok(self.flow(node.inputs[i]));
        }
        if let Some(there) = self.map.get(&(node.inputs[i], self.scheme)) {
            return Ok(*there);
        }
        let values = f32_data(t).map_err(|e| fail(node, e))?;
        if let Some(v) = values.iter().find(|v| !v.is_finite()) {
            return Err(fail(node, format!("`{}` holds {v}", t.name)));
        }
        let (low, high) = values.iter().fold((0.0f32, 0.0f32), |(l, h), &v| (l.min(v), h.max(v)));
        let q = self.quant(low, high);
        let data = self.values(values, &q);
        // It may be there in bytes as well.
        let end = if self.scheme == self.base { "" } else { "_s16" };
        let name = format!("{}{end}", t.name);
        let made =
            self.push(Tensor { name, dtype: data.dtype(), quant: Some(q), data: Some(data), ..t.clone() });
        self.map.insert((node.inputs[i], self.scheme), made);
        Ok(made)
    }

    /// An integer tensor at the scale of another.
    fn at_scale_of(&mut self, x: TensorId, like: TensorId) -> TensorId {
        if self.to.tensor(x).quant == self.to.tensor(like).quant {
            return x;
        }
        let t = self.to.tensor(x);
        let number = self.to.tensors.len();
        let tensor = Tensor {
            name: format!("{}_rescaled{number}", t.name),
            quant: self.to.tensor(like).quant.clone(),
            data: None,
            ..t.clone()
        };
        let output = self.push(tensor);
        let name = format!("rescale_{number}");
        self.to.nodes.push(Node { name, op: Op::Quantize, inputs: vec![x], output });
        output
    }

    fn node(&mut self, node: &Node) -> Result<(), GraphError> {
        let x = self.operand(node, 0)?;
        let inputs = match &node.op {
            Op::Conv2d { .. } | Op::FullyConnected { .. } => self.weights(node, x, 0)?,
            Op::DepthwiseConv2d { .. } => self.weights(node, x, 2)?,
            Op::Add { .. } => {
                let second = self.flow(node.inputs[1]);
                vec![x, second]
            }
            Op::Pool2d { .. }
            | Op::Activate { .. }
            | Op::Softmax
            | Op::Reshape
            | Op::Snap { .. }
            | Op::Unary { .. }
            | Op::Strided { .. }
            | Op::Pad { .. }
            | Op::Reduce { .. }
            | Op::ResizeBilinear { .. } => vec![x],
            Op::Binary { kind: BinaryKind::Div, .. } => {
                return Err(fail(node, "a quotient has no integer form; multiply instead"));
            }
            Op::Binary { kind: BinaryKind::SquaredDifference, .. } if self.scheme == Scheme::Int16x8 => {
                return Err(fail(
                    node,
                    "a squared difference has no form in 16 bits; subtract and multiply instead",
                ));
            }
            Op::Binary { kind, .. } => {
                let second = self.operand(node, 1)?;
                if matches!(kind, BinaryKind::Maximum | BinaryKind::Minimum) {
                    let output = self.flow(node.output);
                    vec![self.at_scale_of(x, output), self.at_scale_of(second, output)]
                } else {
                    vec![x, second]
                }
            }
            Op::MatMul { .. } => vec![x, self.operand(node, 1)?],
            Op::Concat { .. } => {
                let output = self.flow(node.output);
                let parts = (0..node.inputs.len())
                    .map(|i| self.operand(node, i))
                    .collect::<Result<Vec<_>, GraphError>>()?;
                parts.into_iter().map(|p| self.at_scale_of(p, output)).collect()
            }
            _ => return Err(fail(node, "has no integer form at this place")),
        };
        let output = self.flow(node.output);
        // What is in 8 bits by its calibrated range needs no other.
        let op = if matches!(node.op, Op::Snap { .. }) { Op::Reshape } else { node.op.clone() };
        self.to.nodes.push(Node { name: node.name.clone(), op, inputs, output });
        Ok(())
    }

    /// Quantises weights per channel along `axis`, and the bias.
    fn weights(&mut self, node: &Node, x: TensorId, axis: usize) -> Result<Vec<TensorId>, GraphError> {
        let from = self.from;
        let tensor = from.tensor(node.inputs[1]);
        let values = f32_data(tensor).map_err(|e| fail(node, e))?;
        // A layer may read a constant, such as the state before the first step of time.
        let Some(in_scale) = self.to.tensor(x).quant.as_ref().map(|q| q.scale[0]) else {
            return Err(fail(node, "its input has no scale"));
        };
        let bias = from.tensor(node.inputs[2]);
        let floats = f32_data(bias).map_err(|e| fail(node, e))?;
        let made = integer_layer(values, &tensor.shape, axis, in_scale, floats)
            .map_err(|e| fail(node, format!("`{}`: {e}", tensor.name)))?;
        let weights = self.push(Tensor {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            dtype: DType::I8,
            quant: Some(Quant { scale: made.scale, zero_point: 0, axis }),
            data: Some(Data::I8(made.weights)),
        });
        let data = match self.scheme {
            Scheme::Int8 => Data::I32(made.bias.iter().map(|&b| within(b)).collect()),
            Scheme::Int16x8 => Data::I64(made.bias),
        };
        let bias = self.push(Tensor {
            name: bias.name.clone(),
            shape: bias.shape.clone(),
            dtype: data.dtype(),
            quant: Some(Quant { scale: made.bias_scale, zero_point: 0, axis: 0 }),
            data: Some(data),
        });
        Ok(vec![x, weights, bias])
    }
}

/// Signal-to-noise ratio of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSnr {
    /// Name of the node.
    pub name: String,
    /// Power of the float output over the power of the difference, in dB; 120 when there is no difference.
    pub snr_db: f64,
}

/// Compares the layers of a float graph with those of its integer form on some inputs.
///
/// # Errors
/// [`GraphError`] when an input does not fit.
pub fn layer_snr(float: &Graph, integer: &Graph, inputs: &[Vec<f32>]) -> Result<Vec<LayerSnr>, GraphError> {
    let mut a = Interpreter::new(float)?;
    let mut b = Interpreter::new(integer)?;
    let pairs: Vec<(&Node, &Node)> = float
        .nodes
        .iter()
        .filter_map(|n| integer.nodes.iter().find(|m| m.name == n.name).map(|m| (n, m)))
        .collect();
    let mut power = vec![(0.0f64, 0.0f64); pairs.len()];
    for input in inputs {
        a.with_input(input)?;
        b.with_input(input)?;
        for ((n, m), (signal, noise)) in pairs.iter().zip(&mut power) {
            for (x, y) in a.activation(n.output).iter().zip(b.activation(m.output)) {
                *signal += f64::from(*x).powi(2);
                *noise += f64::from(x - y).powi(2);
            }
        }
    }
    Ok(pairs
        .iter()
        .zip(power)
        .map(|((n, _), (signal, noise))| LayerSnr {
            name: n.name.clone(),
            snr_db: if noise > 0.0 && signal > 0.0 {
                (10.0 * (signal / noise).log10()).min(120.0)
            } else {
                120.0
            },
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;

    fn tensor(name: &str, shape: &[usize], data: Option<Vec<f32>>) -> Tensor {
        Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            dtype: DType::F32,
            quant: None,
            data: data.map(Data::F32),
        }
    }

    fn dense() -> Graph {
        let mut g = Graph { name: "dense".into(), ..Graph::default() };
        let x = g.push_tensor(tensor("x", &[3], None));
        let w = g.push_tensor(tensor("w", &[2, 3], Some(vec![0.5, -1.0, 0.25, 1.5, 0.75, -0.5])));
        let b = g.push_tensor(tensor("b", &[2], Some(vec![0.1, -0.2])));
        let y = g.push_tensor(tensor("y", &[2], None));
        let p = g.push_tensor(tensor("p", &[2], None));
        g.nodes.push(Node {
            name: "fc".into(),
            op: Op::FullyConnected { activation: Activation::None },
            inputs: vec![x, w, b],
            output: y,
        });
        g.nodes.push(Node { name: "softmax".into(), op: Op::Softmax, inputs: vec![y], output: p });
        g.inputs = vec![x];
        g.outputs = vec![p];
        g
    }

    #[test]
    fn a_quantised_layer_stays_near_the_float_layer() {
        let float = dense();
        let inputs: Vec<Vec<f32>> =
            (0..50).map(|i| (0..3).map(|j| ((i * 3 + j) as f32 * 0.37).sin() * 2.0).collect()).collect();
        let mut observer = Observer::new(&float).expect("valid");
        for input in &inputs {
            observer.observe(input).expect("fits");
        }
        let integer = quantize(&float, &observer.ranges()).expect("quantised");
        let (mut a, mut b) =
            (Interpreter::new(&float).expect("valid"), Interpreter::new(&integer).expect("valid"));
        for input in &inputs {
            let (mut p, mut q) = ([0.0; 2], [0.0; 2]);
            a.run(input, &mut p).expect("runs");
            b.run(input, &mut q).expect("runs");
            assert!((p[0] - q[0]).abs() < 0.02, "{p:?} {q:?}");
        }
        let snr = layer_snr(&float, &integer, &inputs).expect("compared");
        assert!(snr.iter().all(|s| s.snr_db > 25.0), "{snr:?}");
    }

    #[test]
    fn activations_of_16_bits_lose_less() {
        let float = dense();
        let inputs: Vec<Vec<f32>> =
            (0..50).map(|i| (0..3).map(|j| ((i * 3 + j) as f32 * 0.37).sin() * 2.0).collect()).collect();
        let ranges = calibrate(&float, inputs.iter().map(Vec::as_slice), Method::MinMax).expect("ranges");
        let made = |scheme| {
            let graph = quantize_with(&float, &ranges, scheme, Ends::Float).expect("quantised");
            let snr = layer_snr(&float, &graph, &inputs).expect("compared");
            (graph, snr.iter().find(|l| l.name == "softmax").expect("the softmax").snr_db)
        };
        let ((bytes, coarse), (shorts, fine)) = (made(Scheme::Int8), made(Scheme::Int16x8));
        let bias = |g: &Graph| g.tensors.iter().find(|t| t.name == "b").expect("the bias").dtype;
        assert_eq!([bias(&bytes), bias(&shorts)], [DType::I32, DType::I64]);
        // Weights of bytes remain, which bound what can be won.
        assert!(fine > coarse + 3.0 && fine > 50.0, "{coarse} and {fine} dB");
    }

    #[test]
    fn weights_that_are_set_are_those_of_a_graph_made_anew() {
        let float = dense();
        let inputs = [[1.0f32, -2.0, 0.5], [-0.25, 3.0, 1.0]];
        let ranges =
            calibrate(&float, inputs.iter().map(<[f32; 3]>::as_slice), Method::MinMax).expect("ranges");
        let mut made = quantize(&float, &ranges).expect("quantised");
        let (weights, bias) = ([0.1f32, 2.0, -0.75, 0.0, 0.0, 0.0], [-3.0f32, 0.4]);
        let node = made.nodes.iter().position(|n| n.name == "fc").expect("the layer");
        set_weights(&mut made, node, &weights, &bias).expect("set");
        let mut other = float.clone();
        other.tensors[1].data = Some(Data::F32(weights.to_vec()));
        other.tensors[2].data = Some(Data::F32(bias.to_vec()));
        assert_eq!(made, quantize(&other, &ranges).expect("quantised"));
        for (node, weights) in [(node, &weights[..5]), (node + 1, &weights[..])] {
            assert!(set_weights(&mut made, node, weights, &bias).is_err());
        }
        assert!(
            set_weights(&mut made, node, &[f32::NAN; 6], &bias).unwrap_err().to_string().contains("weight 0")
        );
    }

    #[test]
    fn zero_is_exact_and_dequantising_is_within_half_a_step() {
        for (low, high) in [(-1.0f32, 3.0), (0.5, 2.0), (-7.0, -2.0), (0.0, 0.0)] {
            let q = activation_quant(low, high);
            let scale = q.scale[0];
            for i in 0..=100 {
                let x = low.min(0.0) + (high.max(0.0) - low.min(0.0)) * i as f32 / 100.0;
                let n = edgewright_kernels::elementwise::quantize_one(x, scale, q.zero_point);
                let back = (i32::from(n) - q.zero_point) as f32 * scale;
                assert!((back - x).abs() <= scale * 0.51, "{x} came back as {back}");
            }
        }
    }

    #[test]
    fn the_text_names_every_node() {
        assert_eq!(
            dense().to_text(),
            "graph dense\n  input  x f32[3]\n  y f32[2] = fully_connected(x, w, b)  6 MACs\n  p f32[2] = softmax(y)  0 MACs\n  output p\n"
        );
    }
}
