//! Float operators between integers, as integer operators.
//!
//! A file with QuantizeLinear and DequantizeLinear says of each value which integers stand for it. Where an operator reads such
//! values and gives such a value, and there is an integer operator for it, that one takes its place. The rest stays in float.

use super::quant::Quantised;
use crate::{
    fold::{fold_pads, fuse_activation},
    graph::{DType, Data, Graph, Node, Op, Quant, Tensor, TensorId},
};
use std::collections::BTreeMap;

/// Replaces what can be replaced; `exact`: weights and biases as integers. Gives a sentence about the outcome.
pub fn fuse(graph: &mut Graph, exact: &BTreeMap<TensorId, Quantised>) -> Option<String> {
    if graph.nodes.iter().all(|n| !matches!(n.op, Op::Quantize | Op::Dequantize)) {
        return None;
    }
    let mut readers = BTreeMap::new();
    for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain(&graph.outputs) {
        *readers.entry(*id).or_insert(0usize) += 1;
    }
    let old = std::mem::take(&mut graph.nodes);
    let mut fuser = Fuser {
        graph,
        exact,
        readers,
        stored: BTreeMap::new(),
        same: BTreeMap::new(),
        makers: BTreeMap::new(),
    };
    for node in old {
        fuser.node(node);
    }
    fold_constants(graph);
    super::super::build::prune(graph);
    fold_pads(graph);
    let real = |id: &TensorId| graph.tensor(*id).dtype == DType::F32;
    let made: Vec<TensorId> =
        graph.nodes.iter().filter(|n| matches!(n.op, Op::Dequantize)).map(|n| n.output).collect();
    let left: Vec<&str> = graph
        .nodes
        .iter()
        .filter(|n| real(&n.output) && n.inputs.iter().any(|i| made.contains(i)))
        .map(|n| n.name.as_str())
        .collect();
    Some(if left.is_empty() {
        "operators between QuantizeLinear and DequantizeLinear are computed in integers; a runtime that computes them in float gives other bytes".into()
    } else {
        let shown = left.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        format!("{} operators between integers stay in float ({shown})", left.len())
    })
}

/// Dequantisation of a constant is done now.
fn fold_constants(graph: &mut Graph) {
    let mut nodes = std::mem::take(&mut graph.nodes);
    nodes.retain(|n| {
        let x = graph.tensor(n.inputs[0]);
        let (Op::Dequantize, Some(Data::I8(v)), Some(q)) = (&n.op, &x.data, &x.quant) else { return true };
        if graph.outputs.contains(&n.output) {
            return true;
        }
        let values = v.iter().map(|&v| q.scale[0] * (i32::from(v) - q.zero_point) as f32).collect();
        graph.tensors[n.output.0 as usize].data = Some(Data::F32(values));
        false
    });
    graph.nodes = nodes;
}

struct Fuser<'a> {
    graph: &'a mut Graph,
    exact: &'a BTreeMap<TensorId, Quantised>,
    /// How often each tensor is read or given out.
    readers: BTreeMap<TensorId, usize>,
    /// Integers that stand for a float tensor.
    stored: BTreeMap<TensorId, TensorId>,
    /// Integer tensors that are another one.
    same: BTreeMap<TensorId, TensorId>,
    /// Index of the node that makes a tensor.
    makers: BTreeMap<TensorId, usize>,
}

/// Whether an operator moves elements and changes none.
fn moves(op: &Op) -> bool {
    matches!(op, Op::Reshape | Op::Strided { .. } | Op::Pad { .. } | Op::Concat { .. })
}

impl Fuser<'_> {
    fn push(&mut self, node: Node) {
        self.makers.insert(node.output, self.graph.nodes.len());
        self.graph.nodes.push(node);
    }

    fn affine(&self, id: TensorId) -> Option<(f32, i32)> {
        self.graph.tensor(id).quant.as_ref().map(|q| (q.scale[0], q.zero_point))
    }

    /// A new integer tensor with the shape of one and the scale of another.
    fn integers(&mut self, shape: TensorId, scale: TensorId) -> TensorId {
        let t = self.graph.tensor(shape);
        let name = format!("{}_q{}", t.name, self.graph.tensors.len());
        let (shape, quant) = (t.shape.clone(), self.graph.tensor(scale).quant.clone());
        self.graph.push_tensor(Tensor { name, shape, dtype: DType::I8, quant, data: None })
    }

    fn node(&mut self, mut node: Node) {
        for id in &mut node.inputs {
            *id = self.same.get(id).copied().unwrap_or(*id);
        }
        let x = node.inputs[0];
        let stored: Option<Vec<TensorId>> = node.inputs.iter().map(|i| self.stored.get(i).copied()).collect();
        match &node.op {
            Op::Dequantize => {
                self.stored.insert(node.output, x);
            }
            Op::Quantize if self.graph.tensor(x).dtype == DType::F32 => {
                if let Some(&q) = self.stored.get(&x) {
                    return self.again(node, q);
                }
                if self.integer(x, node.output).is_some() {
                    return;
                }
            }
            op if moves(op) => {
                if let Some(inputs) =
                    stored.filter(|s| s.iter().all(|q| self.affine(*q) == self.affine(s[0])))
                {
                    let output = self.integers(node.output, inputs[0]);
                    let moved =
                        Node { name: format!("{}_q", node.name), op: node.op.clone(), inputs, output };
                    if self.graph.check_node(&moved).is_ok() {
                        self.push(moved);
                        self.stored.insert(node.output, output);
                        node = Node { op: Op::Dequantize, inputs: vec![output], ..node };
                    }
                }
            }
            _ => {}
        }
        self.push(node);
    }

    /// Integers that are made real and integers again.
    fn again(&mut self, node: Node, q: TensorId) {
        if self.affine(q) != self.affine(node.output) {
            self.push(Node { inputs: vec![q], ..node });
        } else if self.graph.outputs.contains(&node.output) {
            self.push(Node { op: Op::Reshape, inputs: vec![q], ..node });
        } else {
            self.same.insert(node.output, q);
        }
    }

    /// The integer operator that makes `output` instead of the float ones that make `real`.
    fn integer(&mut self, real: TensorId, output: TensorId) -> Option<()> {
        let (mut behind, mut clamp, mut now) = (Vec::new(), None, real);
        let maker = loop {
            let node = self.graph.nodes[*self.makers.get(&now)?].clone();
            if self.readers.get(&now) != Some(&1) {
                return None;
            }
            match node.op {
                Op::Activate { activation }
                    if clamp.is_none() && !self.stored.contains_key(&node.inputs[0]) =>
                {
                    clamp = Some(activation);
                    now = node.inputs[0];
                }
                Op::Reshape | Op::Strided { .. } | Op::Pad { .. } => {
                    now = node.inputs[0];
                    behind.push(node);
                }
                _ => break node,
            }
        };
        let mut op = maker.op.clone();
        if clamp.is_some_and(|c| !fuse_activation(&mut op, c)) {
            return None;
        }
        let (tensors, nodes) = (self.graph.tensors.len(), self.graph.nodes.len());
        let done = self.replace(&maker, op, &behind, output);
        if done.is_none() {
            self.graph.tensors.truncate(tensors);
            self.graph.nodes.truncate(nodes);
            self.makers.retain(|_, n| *n < nodes);
        }
        done
    }

    fn replace(&mut self, maker: &Node, op: Op, behind: &[Node], output: TensorId) -> Option<()> {
        let mut inputs = Vec::new();
        let layer = matches!(op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. });
        if layer {
            let x = *self.stored.get(&maker.inputs[0])?;
            inputs.push(x);
            inputs.extend(self.constants(maker, x)?);
        } else {
            for id in &maker.inputs {
                inputs.push(*self.stored.get(id)?);
            }
        }
        if let Op::Concat { .. } = op {
            for id in &mut inputs {
                if self.affine(*id) != self.affine(output) {
                    let scaled = self.integers(*id, output);
                    let name = format!("{}_scaled", maker.name);
                    self.push(Node { name, op: Op::Quantize, inputs: vec![*id], output: scaled });
                    *id = scaled;
                }
            }
        }
        let mut made = if behind.is_empty() { output } else { self.integers(maker.output, output) };
        let node = Node { name: maker.name.clone(), op, inputs, output: made };
        self.graph.check_node(&node).ok()?;
        self.graph.lower(&node).ok()?;
        self.push(node);
        for (i, moved) in behind.iter().enumerate().rev() {
            let to = if i == 0 { output } else { self.integers(moved.output, output) };
            let node = Node { inputs: vec![made], output: to, ..moved.clone() };
            self.graph.check_node(&node).ok()?;
            self.push(node);
            made = to;
        }
        Some(())
    }

    /// Weights and bias of a layer as integers.
    fn constants(&mut self, node: &Node, x: TensorId) -> Option<[TensorId; 2]> {
        let w = self.exact.get(&node.inputs[1])?;
        let weights: Option<Vec<i8>> = w.steps.iter().map(|&s| i8::try_from(s).ok()).collect();
        let axis = if matches!(node.op, Op::DepthwiseConv2d { .. }) { 2 } else { 0 };
        let quant = Quant { scale: w.scale.clone(), zero_point: 0, axis };
        let from = self.affine(x)?.0;
        let scales: Vec<f32> = w.scale.iter().map(|s| (s * from).max(f32::MIN_POSITIVE)).collect();
        let near = |a: f32, b: f32| (a - b).abs() <= 1e-6 * b;
        let bias = self.graph.tensor(node.inputs[2]);
        let Some(Data::F32(real)) = &bias.data else { return None };
        let exact = self.exact.get(&node.inputs[2]).filter(|b| {
            b.scale.len() <= scales.len().max(1)
                && scales
                    .iter()
                    .enumerate()
                    .all(|(c, &s)| near(b.scale[if b.scale.len() > 1 { c } else { 0 }], s))
        });
        let steps: Option<Vec<i32>> = match exact {
            Some(b) if b.steps.len() == real.len() => {
                b.steps.iter().map(|&s| i32::try_from(s).ok()).collect()
            }
            _ => real
                .iter()
                .enumerate()
                .map(|(c, &v)| {
                    let scale = scales.get(c).or(scales.first())?;
                    let steps = (f64::from(v) / f64::from(*scale)).round();
                    (steps.abs() < f64::from(i32::MAX)).then_some(steps as i32)
                })
                .collect(),
        };
        let constant = |like: &Tensor, dtype, quant, data| Tensor {
            name: format!("{}_q", like.name),
            shape: like.shape.clone(),
            dtype,
            quant,
            data: Some(data),
        };
        let b_quant = Quant { scale: scales, zero_point: 0, axis: 0 };
        let b = constant(bias, DType::I32, Some(b_quant), Data::I32(steps?));
        let w = constant(self.graph.tensor(node.inputs[1]), DType::I8, Some(quant), Data::I8(weights?));
        Some([self.graph.push_tensor(w), self.graph.push_tensor(b)])
    }
}
