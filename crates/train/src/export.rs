//! From trained layers to a graph: batch normalisation folded, dropout gone, activations fused.

use crate::{
    Head, LayerSummary, Network,
    data::Normaliser,
    layers::{EPSILON, Kind, Node},
    spec::Activation,
};
use edgewright_ir::{
    Activation as IrActivation, DType, Data, Graph, Node as IrNode, Op, Padding, PoolKind, Tensor, TensorId,
    quantize::fuse_activations,
};

struct Exporter {
    graph: Graph,
    at: TensorId,
    shape: [usize; 3],
}

impl Exporter {
    fn constant(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) -> TensorId {
        self.graph.push_tensor(Tensor {
            name,
            shape,
            dtype: DType::F32,
            quant: None,
            data: Some(Data::F32(values)),
        })
    }

    fn node(&mut self, name: &str, op: Op, constants: Vec<TensorId>, shape: Vec<usize>) {
        let output = self.graph.push_tensor(Tensor {
            name: format!("{name}_out"),
            shape,
            dtype: DType::F32,
            quant: None,
            data: None,
        });
        let mut inputs = vec![self.at];
        inputs.extend(constants);
        self.graph.nodes.push(IrNode { name: name.into(), op, inputs, output });
        self.at = output;
    }

    fn reshape(&mut self, name: &str, shape: [usize; 3]) {
        if self.graph.tensor(self.at).shape != shape {
            self.node(name, Op::Reshape, Vec::new(), shape.to_vec());
        }
        self.shape = shape;
    }

    fn layer(&mut self, node: &Node, weights: Vec<f32>, bias: Vec<f32>) {
        let [_, _, c] = node.output;
        let bias = self.constant(format!("{}_bias", node.name), vec![c], bias);
        match node.kind {
            Kind::Conv(conv) => {
                let [kh, kw] = conv.kernel;
                let ends = |i: usize| {
                    let covered = (conv.kernel[i] - 1) * conv.dilation[i] + 1;
                    ((node.output[i] - 1) * conv.stride[i] + covered)
                        .saturating_sub(node.input[i] + conv.pad[i])
                };
                let padding =
                    Padding { top: conv.pad[0], bottom: ends(0), left: conv.pad[1], right: ends(1) };
                let (shape, op) = if conv.depthwise {
                    (
                        vec![kh, kw, c],
                        Op::DepthwiseConv2d {
                            stride: conv.stride,
                            dilation: conv.dilation,
                            padding,
                            multiplier: 1,
                            activation: IrActivation::None,
                        },
                    )
                } else {
                    (
                        vec![c, kh, kw, node.input[2]],
                        Op::Conv2d {
                            stride: conv.stride,
                            dilation: conv.dilation,
                            padding,
                            activation: IrActivation::None,
                        },
                    )
                };
                let weights = self.constant(format!("{}_weights", node.name), shape, weights);
                self.node(&node.name, op, vec![weights, bias], node.output.to_vec());
            }
            _ => {
                let weights =
                    self.constant(format!("{}_weights", node.name), vec![c, node.in_len()], weights);
                self.node(
                    &node.name,
                    Op::FullyConnected { activation: IrActivation::None },
                    vec![weights, bias],
                    node.output.to_vec(),
                );
            }
        }
        self.shape = node.output;
    }
}

/// Factor and offset of each channel of a batch normalisation in use.
fn affine(node: &Node) -> (Vec<f32>, Vec<f32>) {
    let c = node.output[2];
    let factor: Vec<f32> = (0..c).map(|i| node.weights[i] / (node.running[c + i] + EPSILON).sqrt()).collect();
    let offset = (0..c).map(|i| node.bias[i] - node.running[i] * factor[i]).collect();
    (factor, offset)
}

/// Weights and bias of a layer with a batch normalisation behind it.
fn fold(node: &Node, norm: &Node) -> (Vec<f32>, Vec<f32>) {
    let (factor, offset) = affine(norm);
    let c = node.output[2];
    let depthwise = matches!(node.kind, Kind::Conv(conv) if conv.depthwise);
    let inner = node.weights.len() / c;
    let weights = node
        .weights
        .iter()
        .enumerate()
        .map(|(i, w)| w * factor[if depthwise { i % c } else { i / inner }])
        .collect();
    let bias = (0..c).map(|i| node.bias[i] * factor[i] + offset[i]).collect();
    (weights, bias)
}

/// The graph of a trained network.
pub(crate) fn graph(network: &Network, input: &[usize; 3], nodes: &[Node], normaliser: &Normaliser) -> Graph {
    let n: usize = input.iter().product();
    let mut graph = Graph { name: "network".into(), ..Graph::default() };
    let features = graph.push_tensor(Tensor {
        name: "features".into(),
        shape: vec![n],
        dtype: DType::F32,
        quant: None,
        data: None,
    });
    graph.inputs = vec![features];
    let mut e = Exporter { graph, at: features, shape: [1, 1, n] };
    let mean = e.constant("mean".into(), vec![n], normaliser.mean.clone());
    let scale = e.constant("scale".into(), vec![n], normaliser.scale.clone());
    e.node("normalize", Op::Normalize, vec![mean, scale], vec![n]);
    e.reshape("input", *input);
    let mut i = 0;
    while i < nodes.len() {
        let node = &nodes[i];
        match &node.kind {
            Kind::Dense | Kind::Conv(_) => {
                let norm = nodes.get(i + 1).filter(|n| n.kind == Kind::BatchNorm);
                let (weights, bias) = match norm {
                    Some(norm) => fold(node, norm),
                    None => (node.weights.clone(), node.bias.clone()),
                };
                i += usize::from(norm.is_some());
                e.layer(node, weights, bias);
            }
            Kind::BatchNorm => {
                // With no layer before it to fold into, it is a depthwise convolution of one element.
                let (factor, offset) = affine(node);
                let c = node.output[2];
                let weights = e.constant(format!("{}_weights", node.name), vec![1, 1, c], factor);
                let bias = e.constant(format!("{}_bias", node.name), vec![c], offset);
                let op = Op::DepthwiseConv2d {
                    stride: [1, 1],
                    dilation: [1, 1],
                    padding: Padding::default(),
                    multiplier: 1,
                    activation: IrActivation::None,
                };
                e.node(&node.name, op, vec![weights, bias], node.output.to_vec());
            }
            Kind::Pool(pool) => {
                let op = Op::Pool2d {
                    kind: if pool.max { PoolKind::Max } else { PoolKind::Average },
                    kernel: pool.size,
                    stride: pool.stride,
                    padding: Padding::default(),
                    activation: IrActivation::None,
                };
                e.node(&node.name, op, Vec::new(), node.output.to_vec());
            }
            Kind::Activation(activation) => {
                let activation = match activation {
                    Activation::None => IrActivation::None,
                    Activation::Relu => IrActivation::Relu,
                    Activation::Relu6 => IrActivation::Relu6,
                };
                e.node(&node.name, Op::Activate { activation }, Vec::new(), node.output.to_vec());
            }
            Kind::Dropout(_) => {}
            Kind::Reshape => e.reshape(&node.name, node.output),
        }
        i += 1;
    }
    if let Head::Softmax { .. } = network.head {
        let shape = e.graph.tensor(e.at).shape.clone();
        e.node("softmax", Op::Softmax, Vec::new(), shape);
    }
    e.graph.outputs = vec![e.at];
    fuse_activations(&e.graph)
}

/// Nodes of a graph that hold weights.
pub(crate) fn summary(graph: &Graph) -> Vec<LayerSummary> {
    graph
        .nodes
        .iter()
        .filter(|n| !matches!(n.op, Op::Normalize | Op::Reshape))
        .map(|n| LayerSummary {
            name: n.name.clone(),
            shape: graph.tensor(n.output).shape.clone(),
            parameters: n.inputs[1..]
                .iter()
                .map(|id| graph.tensor(*id))
                .filter(|t| t.data.is_some())
                .map(Tensor::len)
                .sum(),
            macs: graph.node_macs(n),
        })
        .collect()
}
