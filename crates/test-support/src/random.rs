//! Random graphs over the whole range of what a graph may be, and their integer forms with hostile scales.

use crate::Rng;
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Tensor, TensorId,
    gmm::{Covariance, Mixture},
    quantize::{Observer, mixed, quantize},
    trees::{Ensemble, Split, Tree},
};
use std::collections::BTreeMap;

/// Values of a float tensor, -2..2.
pub fn floats(rng: &mut Rng, length: usize) -> Vec<f32> {
    (0..length).map(|_| (rng.unit() * 4.0 - 2.0) as f32).collect()
}

/// Stride, dilation, padding and output of a sliding window.
type Sliding = ([usize; 2], [usize; 2], Padding, [usize; 2]);

struct Growing {
    graph: Graph,
    rng: Rng,
    /// Tensors that a node may read.
    there: Vec<TensorId>,
    last: TensorId,
}

impl Growing {
    fn tensor(&mut self, shape: &[usize], data: Option<Vec<f32>>) -> TensorId {
        let name = format!("t{}", self.graph.tensors.len());
        self.graph.push_tensor(Tensor {
            name,
            shape: shape.to_vec(),
            dtype: DType::F32,
            quant: None,
            data: data.map(Data::F32),
        })
    }

    fn shape(&self) -> Vec<usize> {
        self.graph.tensor(self.last).shape.clone()
    }

    fn push(&mut self, op: Op, inputs: Vec<TensorId>, shape: &[usize]) {
        let output = self.tensor(shape, None);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs, output });
        self.there.push(output);
        self.last = output;
    }

    /// Weights of a layer with `products` terms per output, and its bias.
    fn constants(&mut self, shape: &[usize], outputs: usize, products: usize) -> [TensorId; 2] {
        let size = 1.0 / (products as f32).sqrt();
        let mut weights = floats(&mut self.rng, shape.iter().product());
        weights.iter_mut().for_each(|w| *w *= size);
        if self.rng.below(8) == 0 {
            weights.fill(0.0);
        }
        let bias = floats(&mut self.rng, outputs);
        [self.tensor(shape, Some(weights)), self.tensor(&[outputs], Some(bias))]
    }

    fn activation(&mut self) -> Activation {
        [Activation::None, Activation::Relu, Activation::Relu6][self.rng.below(3)]
    }

    /// Stride, dilation, padding and output of a window over `x`, when one fits.
    fn window(&mut self, x: &[usize], kernel: [usize; 2]) -> Option<Sliding> {
        let mut one = |i: usize| {
            let stride = 1 + self.rng.below(3);
            let dilation = if self.rng.below(3) == 0 { 2 + self.rng.below(2) } else { 1 };
            let covered = dilation * (kernel[i] - 1) + 1;
            let (before, after) = match self.rng.below(3) {
                0 => (0, 0),
                1 => (covered / 2, covered - 1 - covered / 2),
                _ => (self.rng.below(covered as u64), self.rng.below(covered as u64)),
            };
            let out = (x[i] + before + after).checked_sub(covered)? / stride + 1;
            Some((stride, dilation, before, after, out))
        };
        let (h, w) = (one(0)?, one(1)?);
        let padding = Padding { top: h.2, bottom: h.3, left: w.2, right: w.3 };
        Some(([h.0, w.0], [h.1, w.1], padding, [h.4, w.4]))
    }

    fn grow(&mut self) {
        let x = self.shape();
        let kernel = [1 + self.rng.below(4), 1 + self.rng.below(4)];
        let activation = self.activation();
        match (self.rng.below(10), &x[..]) {
            (0..=2, &[h, w, c]) => {
                let Some((stride, dilation, padding, out)) = self.window(&[h, w], kernel) else { return };
                let channels = 1 + self.rng.below(9);
                let shape = [channels, kernel[0], kernel[1], c];
                let [weights, bias] = self.constants(&shape, channels, kernel[0] * kernel[1] * c);
                let op = Op::Conv2d { stride, dilation, padding, activation };
                self.push(op, vec![self.last, weights, bias], &[out[0], out[1], channels]);
            }
            (3..=4, &[h, w, c]) => {
                let Some((stride, dilation, padding, out)) = self.window(&[h, w], kernel) else { return };
                let multiplier = 1 + self.rng.below(3);
                let channels = c * multiplier;
                let shape = [kernel[0], kernel[1], channels];
                let [weights, bias] = self.constants(&shape, channels, kernel[0] * kernel[1]);
                let op = Op::DepthwiseConv2d { stride, dilation, padding, multiplier, activation };
                self.push(op, vec![self.last, weights, bias], &[out[0], out[1], channels]);
            }
            (5, &[h, w, c]) => {
                let Some((stride, dilation, padding, out)) = self.window(&[h, w], kernel) else { return };
                if dilation != [1, 1] {
                    return;
                }
                let kind = [PoolKind::Max, PoolKind::Average][self.rng.below(2)];
                let op = Op::Pool2d { kind, kernel, stride, padding, activation };
                self.push(op, vec![self.last], &[out[0], out[1], c]);
            }
            (6, _) => {
                let of_shape: Vec<TensorId> =
                    self.there.iter().copied().filter(|&t| self.graph.tensor(t).shape == x).collect();
                let other = of_shape[self.rng.below(of_shape.len() as u64)];
                self.push(Op::Add { activation }, vec![self.last, other], &x);
            }
            (7, _) => self.push(Op::Activate { activation }, vec![self.last], &x),
            (8, _) => {
                let n: usize = x.iter().product();
                let rows = (1..=n.min(9)).rfind(|r| n.is_multiple_of(*r)).unwrap_or(1);
                let shape = if self.rng.below(2) == 0 { vec![n] } else { vec![rows, n / rows, 1] };
                self.push(Op::Reshape, vec![self.last], &shape);
            }
            _ => {
                let n: usize = x.iter().product();
                let outputs = 1 + self.rng.below(12);
                let [weights, bias] = self.constants(&[outputs, n], outputs, n);
                self.push(Op::FullyConnected { activation }, vec![self.last, weights, bias], &[outputs]);
            }
        }
    }
}

/// A random float graph; it takes `features` values when a number is given.
pub fn float_graph(seed: u64, features: Option<usize>) -> Graph {
    let mut rng = Rng(seed);
    let shape = match features {
        Some(n) => vec![n],
        None if rng.below(4) == 0 => vec![1 + rng.below(40)],
        None => vec![1 + rng.below(9), 1 + rng.below(9), 1 + rng.below(7)],
    };
    let graph = Graph { name: format!("random {seed}"), ..Graph::default() };
    let mut g = Growing { graph, rng, there: Vec::new(), last: TensorId(0) };
    g.last = g.tensor(&shape, None);
    g.graph.inputs.push(g.last);
    let n: usize = shape.iter().product();
    if g.rng.below(3) == 0 {
        // A mean for each element or for each column.
        let columns = [n, shape[shape.len() - 1]][g.rng.below(2)];
        let mean = floats(&mut g.rng, columns);
        let scale = floats(&mut g.rng, columns);
        let (mean, scale) = (g.tensor(&[columns], Some(mean)), g.tensor(&[columns], Some(scale)));
        g.push(Op::Normalize, vec![g.last, mean, scale], &shape);
    } else {
        g.there.push(g.last);
    }
    let nodes = 2 + g.rng.below(7);
    while g.graph.nodes.len() < nodes {
        g.grow();
    }
    // An integer softmax takes at most 4095 values.
    if g.rng.below(3) == 0 && g.shape().last().is_some_and(|&row| row < 4096) {
        let shape = g.shape();
        g.push(Op::Softmax, vec![g.last], &shape);
    }
    g.graph.outputs.push(g.last);
    g.graph
}

/// A random float graph of decision trees: few or many features and thresholds, trees with few or many splits, leaves for one output
/// or all, softmax or not.
pub fn tree_graph(seed: u64) -> Graph {
    let mut rng = Rng(seed ^ 0x7ee5);
    let features = [1 + rng.below(6), 1 + rng.below(300)][rng.below(2)];
    let outputs = 1 + rng.below(5);
    let width = if rng.below(2) == 0 { 1 } else { outputs };
    let steps = [3, 40, 1000][rng.below(3)];
    let most = [4, 60, 300][rng.below(3)];
    let mut ensemble = Ensemble { features, base: floats(&mut rng, outputs), width, trees: Vec::new() };
    for _ in 0..1 + rng.below(12) {
        let count = 1 + rng.below(most as u64);
        let mut splits: Vec<Split> = Vec::new();
        // Sides that lead nowhere yet: split and whether it is its left one.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for i in 0..count {
            if i > 0 {
                let (split, left) = open.swap_remove(rng.below(open.len() as u64));
                let side = if left { &mut splits[split].left } else { &mut splits[split].right };
                *side = i as i32;
            }
            open.extend([(i, true), (i, false)]);
            let threshold = rng.below(steps as u64) as f32 / steps as f32 * 4.0 - 2.0;
            splits.push(Split { feature: rng.below(features as u64), threshold, left: 0, right: 0 });
        }
        for (leaf, (split, left)) in open.into_iter().enumerate() {
            let side = if left { &mut splits[split].left } else { &mut splits[split].right };
            *side = -1 - leaf as i32;
        }
        // Few different leaves, so that some are shared.
        let leaves = (0..(count + 1) * width).map(|_| rng.below(3) as f32 * 0.25 - 0.1).collect();
        ensemble.trees.push(Tree { first: rng.below((outputs - width + 1) as u64), splits, leaves });
    }
    let graph = Graph { name: format!("trees {seed}"), ..Graph::default() };
    let mut g = Growing { graph, rng, there: Vec::new(), last: TensorId(0) };
    g.last = g.tensor(&[features], None);
    g.graph.inputs.push(g.last);
    g.last = ensemble.append(&mut g.graph, g.last, "trees");
    if g.rng.below(2) == 0 {
        g.push(Op::Softmax, vec![g.last], &[outputs]);
    }
    g.graph.outputs.push(g.last);
    g.graph
}

/// A random mixture of Gaussians, diagonal or full.
///
/// # Panics
/// When a covariance that was made positive definite is none.
pub fn mixture_graph(seed: u64) -> Graph {
    let mut rng = Rng(seed ^ 0x933);
    let (width, n, k) = (12u64, 1 + rng.below(9), 1 + rng.below(5));
    let axes: Vec<usize> = (0..n).map(|_| rng.below(width)).collect();
    let mut doubles = |count: usize, low: f64| -> Vec<f64> { (0..count).map(|_| low + rng.unit()).collect() };
    let (mean, scale) = (doubles(n, -0.5), doubles(n, 0.5));
    let weights = doubles(k, 0.1);
    let means: Vec<Vec<f64>> = (0..k).map(|_| doubles(n, -0.5)).collect();
    let covariances: Vec<Covariance> = (0..k)
        .map(|_| {
            if seed.is_multiple_of(2) {
                return Covariance::Diagonal(doubles(n, 0.01));
            }
            let root = doubles(n * n, -0.5);
            let of = |i: usize, j: usize| -> f64 { (0..n).map(|c| root[i * n + c] * root[j * n + c]).sum() };
            let spread = |i: usize, j: usize| of(i, j) + if i == j { 0.05 } else { 0.0 };
            Covariance::Full((0..n * n).map(|at| spread(at / n, at % n)).collect())
        })
        .collect();
    Mixture::new(&axes, (&mean, &scale), &weights, &means, &covariances)
        .map(|m| m.to_graph(width as usize, -3.0, 0.7, &format!("mixture {seed}")))
        .unwrap_or_else(|e| panic!("{e}"))
}

/// The integer form of a float graph, calibrated on random inputs.
///
/// # Panics
/// When the quantiser refuses a valid graph.
pub fn integer_graph(graph: &Graph, seed: u64) -> Graph {
    let mut rng = Rng(seed ^ 0x5eed);
    let mut observer = Observer::new(graph).unwrap_or_else(|e| panic!("{e}"));
    for _ in 0..4 {
        let input = floats(&mut rng, graph.tensor(graph.inputs[0]).len());
        observer.observe(&input).unwrap_or_else(|e| panic!("{e}"));
    }
    quantize(graph, &observer.ranges()).unwrap_or_else(|e| panic!("{e}\n{}", graph.to_text()))
}

/// An integer form of a float graph of two widths: some of its layers compute with activations of 16 bits. Nothing where it has no layer
/// with weights, or one that has no form in 16 bits.
///
/// # Panics
/// When a valid graph cannot be observed.
pub fn mixed_graph(graph: &Graph, seed: u64) -> Option<Graph> {
    let mut rng = Rng(seed ^ 0x31de);
    let width = graph.tensor(graph.inputs[0]).len();
    let inputs: Vec<Vec<f32>> = (0..4).map(|_| floats(&mut rng, width)).collect();
    let mut observer = Observer::new(graph).unwrap_or_else(|e| panic!("{e}"));
    for input in &inputs {
        observer.observe(input).unwrap_or_else(|e| panic!("{e}"));
    }
    let count = rng.below(3) + 1;
    (1..=count).rev().find_map(|count| mixed(graph, &observer.ranges(), &inputs, count).ok()).map(|m| m.graph)
}

/// Replaces scales and zero points by hostile ones: zero points at the ends, outputs scaled up and down by powers of
/// two, channels whose factor needs a shift of 23 and more. What must be equal stays equal.
pub fn distort(graph: &mut Graph, seed: u64) {
    let mut rng = Rng(seed ^ 0xd15);
    // Tensors that share their quantisation, by the first of them.
    let mut first: BTreeMap<TensorId, TensorId> = BTreeMap::new();
    let mut fixed = Vec::new();
    for node in &graph.nodes {
        if matches!(node.op, Op::Pool2d { .. } | Op::Reshape | Op::Activate { .. }) {
            let root = first.get(&node.inputs[0]).copied().unwrap_or(node.inputs[0]);
            first.insert(node.output, root);
        }
        if matches!(node.op, Op::Softmax) {
            fixed.push(node.output);
        }
    }
    let mut chosen = BTreeMap::new();
    for i in 0..graph.tensors.len() {
        let id = TensorId(i as u32);
        let root = first.get(&id).copied().unwrap_or(id);
        let tensor = &mut graph.tensors[i];
        let Some(quant) = tensor.quant.as_mut() else { continue };
        if tensor.data.is_some() {
            if tensor.dtype == DType::I8 && quant.scale.len() > 1 && rng.below(2) == 0 {
                let channel = rng.below(quant.scale.len() as u64);
                quant.scale[channel] *= [2f32.powi(-20), 2f32.powi(-33), 2f32.powi(9)][rng.below(3)];
            }
            continue;
        }
        if fixed.contains(&root) {
            continue;
        }
        let (zero, factor) = *chosen.entry(root).or_insert_with(|| {
            let zero = [quant.zero_point, -128, 127, 0, rng.byte().into()][rng.below(5)];
            let power = [0, 0, -9, 9, -40, 40][rng.below(6)];
            (zero, 2f32.powi(power))
        });
        quant.zero_point = zero;
        quant.scale[0] *= factor;
    }
}
