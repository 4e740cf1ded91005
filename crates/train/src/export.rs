//! From trained units to a graph: batch normalisation folded, dropout gone, activations fused, time unrolled.

mod sequence;

use crate::{
    Head, LayerSummary, Network,
    data::Normaliser,
    kernels::{element, pool::Patches},
    spec::Activation,
    unit::{Conv, EPSILON, Norm, Op as UnitOp, Unit},
};
use edgewright_ir::{
    Activation as IrActivation, DType, Data, Graph, Node as IrNode, Op, Padding, PoolKind, Tensor, TensorId,
    quantize::fuse_activations,
};
use std::collections::BTreeSet;

struct Exporter {
    graph: Graph,
    /// Tensor of each value as others see it, and before its activation.
    values: Vec<TensorId>,
    raw: Vec<TensorId>,
}

impl Exporter {
    fn tensor(&mut self, name: String, shape: Vec<usize>, data: Option<Vec<f32>>) -> TensorId {
        self.graph.push_tensor(Tensor {
            name,
            shape,
            dtype: DType::F32,
            quant: None,
            data: data.map(Data::F32),
        })
    }

    fn node(&mut self, name: &str, op: Op, inputs: Vec<TensorId>, shape: &[usize]) -> TensorId {
        let output = self.tensor(format!("{name}_out"), shape.to_vec(), None);
        self.graph.nodes.push(IrNode { name: name.into(), op, inputs, output });
        output
    }

    /// The tensor as a layer sees it.
    fn shaped(&mut self, name: &str, at: TensorId, shape: &[usize]) -> TensorId {
        if self.graph.tensor(at).shape == shape {
            return at;
        }
        self.node(name, Op::Reshape, vec![at], shape)
    }

    fn constant(&mut self, name: String, values: Vec<f32>) -> TensorId {
        self.tensor(name, vec![values.len()], Some(values))
    }

    fn weighted(
        &mut self,
        name: &str,
        op: Op,
        at: TensorId,
        shape: Vec<usize>,
        weights: Vec<f32>,
        bias: Vec<f32>,
        output: &[usize],
    ) -> TensorId {
        let bias = self.tensor(format!("{name}_bias"), vec![bias.len()], Some(bias));
        let weights = self.tensor(format!("{name}_weights"), shape, Some(weights));
        self.node(name, op, vec![at, weights, bias], output)
    }

    /// Nodes of one unit. Returns the tensor of its value as others see it.
    fn unit(&mut self, unit: &Unit) -> TensorId {
        let name = unit.name.as_str();
        let first = self.values[unit.inputs[0]];
        let c = unit.output[2];
        let (weights, bias) = folded(unit);
        let mut at = match unit.op {
            UnitOp::Dense => {
                let op = Op::FullyConnected { activation: IrActivation::None };
                self.weighted(name, op, first, vec![c, unit.in_len()], weights, bias, &unit.output)
            }
            UnitOp::Conv(conv) | UnitOp::Depthwise(conv) => {
                let at = self.shaped(&format!("{name}_input"), first, &unit.input);
                let (op, shape) = convolution(unit, &conv);
                self.weighted(name, op, at, shape, weights, bias, &unit.output)
            }
            UnitOp::Recurrent(cell) => self.recurrent(unit, &cell, first),
            UnitOp::Attention(heads) => self.attention(unit, &heads),
            UnitOp::LayerNorm => self.layer_norm(unit, first),
            UnitOp::MaxPool(p) | UnitOp::AveragePool(p) => {
                let Patches { size, stride, .. } = p;
                let max = matches!(unit.op, UnitOp::MaxPool(_));
                let at = self.shaped(&format!("{name}_input"), first, &unit.input);
                let op = Op::Pool2d {
                    kind: if max { PoolKind::Max } else { PoolKind::Average },
                    kernel: size,
                    stride,
                    padding: Padding::default(),
                    activation: IrActivation::None,
                };
                self.node(name, op, vec![at], &unit.output)
            }
            UnitOp::Add => {
                let inputs = self.inputs(unit, |_| unit.output);
                self.node(name, Op::Add { activation: IrActivation::None }, inputs, &unit.output)
            }
            UnitOp::Concat => {
                let [h, w, _] = unit.output;
                let inputs = self.inputs(unit, |len| [h, w, len / (h * w)]);
                self.node(name, Op::Concat { outer: h * w }, inputs, &unit.output)
            }
            UnitOp::Resize => {
                let at = self.shaped(&format!("{name}_input"), first, &unit.input);
                let sampling = edgewright_ir::extra::Sampling::default();
                self.node(name, Op::ResizeBilinear { sampling }, vec![at], &unit.output)
            }
            UnitOp::Dropout(_) => first,
            UnitOp::Same => self.shaped(&format!("{name}_input"), first, &unit.output),
        };
        if let (Some(norm), false) = (&unit.norm, unit.folds()) {
            // With no layer before it to fold into, it is a depthwise convolution of one element.
            let (factor, offset) = affine(norm);
            let op = Op::DepthwiseConv2d {
                stride: [1, 1],
                dilation: [1, 1],
                padding: Padding::default(),
                multiplier: 1,
                activation: IrActivation::None,
            };
            at = self.weighted(&format!("{name}_norm"), op, at, vec![1, 1, c], factor, offset, &unit.output);
        }
        self.raw.push(at);
        let clamp = |activation| Op::Activate { activation };
        let op = match (unit.activation, element::function(unit.activation)) {
            (Activation::None, _) => return at,
            (Activation::Relu, _) => clamp(IrActivation::Relu),
            (_, Some(function)) => Op::Unary { function },
            _ => clamp(IrActivation::Relu6),
        };
        let shape = self.graph.tensor(at).shape.clone();
        self.node(&format!("{name}_activation"), op, vec![at], &shape)
    }

    fn inputs(&mut self, unit: &Unit, shape: impl Fn(usize) -> [usize; 3]) -> Vec<TensorId> {
        unit.inputs
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let at = self.values[*v];
                let shape = shape(self.graph.tensor(at).len());
                self.shaped(&format!("{}_input{i}", unit.name), at, &shape)
            })
            .collect()
    }
}

/// Operator and weight shape of a convolution.
fn convolution(unit: &Unit, conv: &Conv) -> (Op, Vec<usize>) {
    let [kh, kw] = conv.kernel;
    let c = unit.output[2];
    let ends = |i: usize| {
        let covered = (conv.kernel[i] - 1) * conv.dilation[i] + 1;
        ((unit.output[i] - 1) * conv.stride[i] + covered).saturating_sub(unit.input[i] + conv.pad[i])
    };
    let padding = Padding { top: conv.pad[0], bottom: ends(0), left: conv.pad[1], right: ends(1) };
    let (stride, dilation, activation) = (conv.stride, conv.dilation, IrActivation::None);
    if matches!(unit.op, UnitOp::Depthwise(_)) {
        (Op::DepthwiseConv2d { stride, dilation, padding, multiplier: 1, activation }, vec![kh, kw, c])
    } else {
        (Op::Conv2d { stride, dilation, padding, activation }, vec![c, kh, kw, unit.input[2]])
    }
}

/// Factor and offset of each channel of a batch normalisation in use.
pub(crate) fn affine(norm: &Norm) -> (Vec<f32>, Vec<f32>) {
    let factor: Vec<f32> =
        norm.gamma.iter().zip(&norm.variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
    let offset = norm.beta.iter().zip(&norm.mean).zip(&factor).map(|((b, m), f)| b - m * f).collect();
    (factor, offset)
}

/// Weights and bias of a layer with the batch normalisation behind it.
pub(crate) fn folded(unit: &Unit) -> (Vec<f32>, Vec<f32>) {
    let Some(norm) = unit.norm.as_ref().filter(|_| unit.folds()) else {
        return (unit.weights.clone(), unit.bias.clone());
    };
    let (factor, offset) = affine(norm);
    let c = unit.output[2];
    let depthwise = matches!(unit.op, UnitOp::Depthwise(_));
    let inner = unit.weights.len() / c;
    let channel = |i: usize| if depthwise { i % c } else { i / inner };
    (unit.weights.iter().enumerate().map(|(i, w)| w * factor[channel(i)]).collect(), offset)
}

/// The graph of a trained network, and for each value of its units the node that makes it (before its activation where that is a node of
/// its own; the first is the input).
pub(crate) fn graph(
    network: &Network,
    input: &[usize; 3],
    units: &[Unit],
    normaliser: &Normaliser,
) -> (Graph, Vec<String>) {
    let n: usize = input.iter().product();
    let graph = Graph { name: "network".into(), ..Graph::default() };
    let mut e = Exporter { graph, values: Vec::new(), raw: Vec::new() };
    let features = e.tensor("features".into(), vec![n], None);
    e.graph.inputs = vec![features];
    let mean = e.tensor("mean".into(), vec![normaliser.mean.len()], Some(normaliser.mean.clone()));
    let scale = e.tensor("scale".into(), vec![normaliser.scale.len()], Some(normaliser.scale.clone()));
    let normalised = e.node("normalize", Op::Normalize, vec![features, mean, scale], &[n]);
    let start = e.shaped("input", normalised, input);
    e.values.push(start);
    e.raw.push(start);
    for unit in units {
        let at = e.unit(unit);
        e.values.push(at);
    }
    let mut at = e.values[units.len()];
    if let Head::Softmax { .. } | Head::Cells { .. } = network.head {
        let shape = e.graph.tensor(at).shape.clone();
        at = e.node("softmax", Op::Softmax, vec![at], &shape);
    }
    e.graph.outputs = vec![at];
    let fused = fuse_activations(&e.graph);
    // A fused clamp leaves its output to the node before it, which then makes what the clamp made.
    let maker =
        |graph: &Graph, id: TensorId| graph.nodes.iter().find(|n| n.output == id).map(|n| n.name.clone());
    let raw = e.raw.iter().map(|&id| maker(&fused, id).or_else(|| maker(&e.graph, id)).unwrap_or_default());
    let raw = raw.collect();
    (fused, raw)
}

/// Nodes of a graph that hold weights. Those that several nodes read, as the steps of a recurrent layer do, count at the first.
pub(crate) fn summary(graph: &Graph) -> Vec<LayerSummary> {
    let mut seen = BTreeSet::new();
    graph
        .nodes
        .iter()
        .filter(|n| !matches!(n.op, Op::Normalize | Op::Reshape))
        .map(|n| LayerSummary {
            name: n.name.clone(),
            shape: graph.tensor(n.output).shape.clone(),
            parameters: n.inputs[1..]
                .iter()
                .filter(|id| seen.insert(**id))
                .map(|id| graph.tensor(*id))
                .filter(|t| t.data.is_some())
                .map(Tensor::len)
                .sum(),
            macs: graph.node_macs(n),
        })
        .collect()
}
