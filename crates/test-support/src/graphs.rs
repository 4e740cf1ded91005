//! Random integer graphs whose activations fill their range.

use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Quant, Tensor, TensorId};

/// A small random source with a seed.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Below a bound.
    pub fn below(&mut self, bound: u64) -> usize {
        (self.word() % bound) as usize
    }
    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Any byte.
    pub fn byte(&mut self) -> i8 {
        self.word() as i8
    }
    /// Bytes for an input: noise, or an extreme value everywhere.
    pub fn input(&mut self, length: usize) -> Vec<i8> {
        match self.below(6) {
            0 => vec![[-128, 127, 0][self.below(3)]; length],
            1 => (0..length).map(|_| [-128, 127][self.below(2)]).collect(),
            _ => (0..length).map(|_| self.byte()).collect(),
        }
    }
}

/// Builds a graph node by node; each works on the output of the one before.
pub struct Builder {
    graph: Graph,
    rng: Rng,
    last: TensorId,
    /// All weights may take their extremes; else they are spread like trained ones.
    pub extreme: bool,
    /// Zero point of outputs without activation.
    pub zero: i32,
    /// Small weights whose scale is a power of two, so that many sums lie half way between two outputs.
    pub halves: bool,
}

const SCALE: f32 = 0.05;

impl Builder {
    /// A graph with an integer input.
    pub fn new(name: &str, seed: u64, shape: &[usize]) -> Self {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let last = graph.push_tensor(tensor("input", shape, DType::I8, Some(quant(-3)), None));
        graph.inputs.push(last);
        Self { graph, rng: Rng(seed), last, extreme: false, zero: 7, halves: false }
    }

    /// The tensor that the next node will read.
    pub fn last(&self) -> TensorId {
        self.last
    }

    /// Lets the next node read an earlier tensor.
    pub fn back_to(&mut self, tensor: TensorId) {
        self.last = tensor;
    }

    /// The graph.
    pub fn finish(mut self) -> Graph {
        self.graph.outputs.push(self.last);
        self.graph
    }

    fn weight(&mut self) -> i8 {
        if self.halves {
            return self.rng.below(7) as i8 - 3;
        }
        if self.extreme {
            return self.rng.byte();
        }
        let spread = self.rng.unit() + self.rng.unit() + self.rng.unit() - 1.5;
        (spread * 84.0).round() as i8
    }

    fn push(&mut self, op: Op, inputs: Vec<TensorId>, shape: &[usize], quant: Quant) -> TensorId {
        let name = format!("node {}", self.graph.nodes.len());
        let output = self.graph.push_tensor(tensor(&name, shape, DType::I8, Some(quant), None));
        self.graph.nodes.push(Node { name, op, inputs, output });
        self.last = output;
        output
    }

    fn zero_of(&self, activation: Activation) -> i32 {
        if activation == Activation::None { self.zero } else { -128 }
    }

    /// Weights, bias and scales of a layer with `length` products for each output.
    fn constants(&mut self, shape: &[usize], axis: usize, length: usize) -> [TensorId; 2] {
        let outputs = shape[axis];
        let weights: Vec<i8> = (0..shape.iter().product()).map(|_| self.weight()).collect();
        let bias: Vec<i32> = (0..outputs).map(|_| self.rng.below(8000) as i32 - 4000).collect();
        // Sums spread over some ten thousand times the root of their length.
        let factor = 0.02 / (length as f64).sqrt();
        let halves = self.halves;
        let mut scale = || if halves { 0.0625 } else { (factor * (0.5 + self.rng.unit())) as f32 };
        let scales = (0..outputs).map(|_| scale()).collect();
        let many = |axis| Some(Quant { scale: scales, zero_point: 0, axis });
        let name = self.graph.tensors.len();
        let w = self.graph.push_tensor(tensor(
            &format!("weights {name}"),
            shape,
            DType::I8,
            many(axis),
            Some(Data::I8(weights)),
        ));
        let b = self.graph.push_tensor(tensor(
            &format!("bias {name}"),
            &[outputs],
            DType::I32,
            None,
            Some(Data::I32(bias)),
        ));
        let scale = self.graph.tensor(w).quant.as_ref().map(|q| q.scale.iter().map(|s| s * SCALE).collect());
        self.graph.tensors[b.0 as usize].quant = scale.map(|scale| Quant { scale, zero_point: 0, axis: 0 });
        [w, b]
    }

    /// Convolution with padding as in `SAME`.
    pub fn conv(&mut self, channels: usize, kernel: [usize; 2], stride: [usize; 2], activation: Activation) {
        let x = self.graph.tensor(self.last).shape.clone();
        let (padding, h, w) = same(&x, kernel, stride);
        let length = kernel[0] * kernel[1] * x[2];
        let [weights, bias] = self.constants(&[channels, kernel[0], kernel[1], x[2]], 0, length);
        let op = Op::Conv2d { stride, dilation: [1, 1], padding, activation };
        let zero = self.zero_of(activation);
        self.push(op, vec![self.last, weights, bias], &[h, w, channels], quant(zero));
    }

    /// Depthwise convolution with padding as in `SAME`.
    pub fn depthwise(
        &mut self,
        multiplier: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        activation: Activation,
    ) {
        let x = self.graph.tensor(self.last).shape.clone();
        let (padding, h, w) = same(&x, kernel, stride);
        let channels = x[2] * multiplier;
        let [weights, bias] = self.constants(&[kernel[0], kernel[1], channels], 2, kernel[0] * kernel[1]);
        let op = Op::DepthwiseConv2d { stride, dilation: [1, 1], padding, multiplier, activation };
        let zero = self.zero_of(activation);
        self.push(op, vec![self.last, weights, bias], &[h, w, channels], quant(zero));
    }

    /// Dense layer.
    pub fn dense(&mut self, outputs: usize, activation: Activation) {
        let length = self.graph.tensor(self.last).len();
        let [weights, bias] = self.constants(&[outputs, length], 0, length);
        let zero = self.zero_of(activation);
        self.push(Op::FullyConnected { activation }, vec![self.last, weights, bias], &[outputs], quant(zero));
    }

    /// Mean over the whole image.
    pub fn global_average(&mut self) {
        let t = self.graph.tensor(self.last).clone();
        let kernel = [t.shape[0], t.shape[1]];
        self.pool(PoolKind::Average, kernel, kernel);
    }

    /// Pooling without padding.
    pub fn pool(&mut self, kind: PoolKind, kernel: [usize; 2], stride: [usize; 2]) {
        let t = self.graph.tensor(self.last).clone();
        let out = |i: usize| (t.shape[i] - kernel[i]) / stride[i] + 1;
        let op =
            Op::Pool2d { kind, kernel, stride, padding: Padding::default(), activation: Activation::None };
        let shape = [out(0), out(1), t.shape[2]];
        let quant = t.quant.unwrap_or_else(|| quant(0));
        self.push(op, vec![self.last], &shape, quant);
    }

    /// Sum with an earlier tensor.
    pub fn add(&mut self, other: TensorId, activation: Activation) {
        let shape = self.graph.tensor(self.last).shape.clone();
        let zero = self.zero_of(activation);
        let mut quant = quant(zero);
        quant.scale[0] *= 1.3;
        self.push(Op::Add { activation }, vec![self.last, other], &shape, quant);
    }

    /// Softmax over the last axis.
    pub fn softmax(&mut self) {
        let shape = self.graph.tensor(self.last).shape.clone();
        let quant = Quant { scale: vec![1.0 / 256.0], zero_point: -128, axis: 0 };
        self.push(Op::Softmax, vec![self.last], &shape, quant);
    }

    /// Same elements as a vector.
    pub fn flatten(&mut self) {
        let t = self.graph.tensor(self.last).clone();
        let quant = t.quant.clone().unwrap_or_else(|| quant(0));
        self.push(Op::Reshape, vec![self.last], &[t.len()], quant);
    }
}

fn tensor(name: &str, shape: &[usize], dtype: DType, quant: Option<Quant>, data: Option<Data>) -> Tensor {
    Tensor { name: name.into(), shape: shape.to_vec(), dtype, quant, data }
}

fn quant(zero_point: i32) -> Quant {
    Quant { scale: vec![SCALE], zero_point, axis: 0 }
}

fn same(x: &[usize], kernel: [usize; 2], stride: [usize; 2]) -> (Padding, usize, usize) {
    let one = |i: usize| {
        let out = x[i].div_ceil(stride[i]);
        let all = ((out - 1) * stride[i] + kernel[i]).saturating_sub(x[i]);
        (out, all / 2, all - all / 2)
    };
    let ((h, top, bottom), (w, left, right)) = (one(0), one(1));
    (Padding { top, bottom, left, right }, h, w)
}
