//! TFLite files.
//!
//! # Source
//! `schema.fbs` of TensorFlow Lite, version 3: field numbers, numbers of operators and of their options.

mod choose;
mod svdf;

use super::{
    ExportError,
    flat::{Table, Value, file},
    strided,
};
use crate::{
    extra::{BinaryKind, Function, ReduceKind, State},
    fold::repeat_columns,
    graph::{Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Quant, TensorId},
    lower::range,
    text::op_name,
};
use std::collections::BTreeSet;

/// A valid graph as a file. Integer graphs give the same bytes when they are read back.
///
/// # Errors
/// [`ExportError`] naming the node that has no counterpart.
pub fn write(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let graph = &repeat_columns(graph);
    let mut w = Writer {
        graph,
        buffers: vec![Table::new()],
        codes: Vec::new(),
        tensors: Vec::new(),
        ops: Vec::new(),
        numbers: vec![None; graph.tensors.len()],
        truths: choose::truths(graph),
    };
    let inputs = graph.inputs.iter().map(|id| w.number(*id)).collect();
    let initial = w.read_states();
    for node in &graph.nodes {
        w.node(node).map_err(|reason| ExportError::Node {
            node: node.name.clone(),
            operator: op_name(&node.op),
            reason,
        })?;
    }
    w.keep_states();
    let outputs = graph.outputs.iter().map(|id| w.number(*id)).collect();
    let main: Table = vec![
        (0, Value::Tables(w.tensors)),
        (1, Value::Ints(inputs)),
        (2, Value::Ints(outputs)),
        (3, Value::Tables(w.ops)),
        (4, Value::Text("main".into())),
    ];
    let codes = w
        .codes
        .iter()
        .map(|&(code, version)| {
            vec![(0, Value::Byte(code.min(127) as u8)), (2, Value::Int(version)), (3, Value::Int(code))]
        })
        .collect();
    let root: Table = vec![
        (0, Value::Int(3)),
        (1, Value::Tables(codes)),
        (2, Value::Tables(std::iter::once(main).chain(initial).collect())),
        (3, Value::Text("edgewright".into())),
        (4, Value::Tables(w.buffers)),
    ];
    file(&root, b"TFL3").ok_or_else(|| ExportError::Graph("the file would be larger than 2 GB".into()))
}

struct Writer<'g> {
    graph: &'g Graph,
    buffers: Vec<Table>,
    codes: Vec<(i32, i32)>,
    tensors: Vec<Table>,
    ops: Vec<Table>,
    /// Of the graph's tensors in the file.
    numbers: Vec<Option<i32>>,
    /// Those that hold truth.
    truths: BTreeSet<TensorId>,
}

/// Options of an operator: their number in the union, and their fields.
type Options = (u8, Table);

const PLAIN: Options = (0, Table::new());

fn fused(activation: Activation) -> Value {
    Value::Byte(match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::ReluN1To1 => 2,
        Activation::Relu6 => 3,
    })
}

/// Element type as a number of the format.
fn element(dtype: DType) -> i8 {
    match dtype {
        DType::F32 => 0,
        DType::I32 => 2,
        DType::U8 => 3,
        DType::I64 => 4,
        DType::I16 => 7,
        DType::I8 => 9,
    }
}

fn ints(shape: &[usize]) -> Vec<i32> {
    shape.iter().map(|&d| d as i32).collect()
}

fn batched(shape: &[usize]) -> Vec<usize> {
    std::iter::once(1).chain(shape.iter().copied()).collect()
}

/// A tensor to be written.
struct Plan<'a> {
    name: &'a str,
    shape: &'a [usize],
    dtype: i8,
    quant: Option<&'a Quant>,
    axis: usize,
    data: Option<Vec<u8>>,
}

impl Writer<'_> {
    fn tensor(&mut self, plan: Plan<'_>) -> i32 {
        let mut buffer = 0;
        if let Some(data) = plan.data {
            buffer = self.buffers.len();
            self.buffers.push(vec![(0, Value::Bytes(data))]);
        }
        let mut fields: Table = vec![
            (0, Value::Ints(ints(plan.shape))),
            (1, Value::Byte(plan.dtype as u8)),
            (2, Value::Int(buffer as i32)),
            (3, Value::Text(plan.name.into())),
        ];
        if let Some(q) = plan.quant {
            let mut quant = vec![
                (2, Value::Floats(q.scale.clone())),
                (3, Value::Longs(vec![i64::from(q.zero_point); q.scale.len()])),
            ];
            if q.scale.len() > 1 {
                quant.push((6, Value::Int(plan.axis as i32)));
            }
            fields.push((4, Value::Table(quant)));
        }
        self.tensors.push(fields);
        self.tensors.len() as i32 - 1
    }

    /// Number of a tensor of the graph, with a batch of one in front.
    fn number(&mut self, id: TensorId) -> i32 {
        if let Some(there) = self.numbers[id.0 as usize] {
            return there;
        }
        let made = self.shaped(id, &batched(&self.graph.tensor(id).shape), 1);
        self.numbers[id.0 as usize] = Some(made);
        made
    }

    /// A tensor of the graph in a shape of its own; the axis of its scales moves by `ahead`.
    fn shaped(&mut self, id: TensorId, shape: &[usize], ahead: usize) -> i32 {
        let t = self.graph.tensor(id);
        let dtype = element(t.dtype);
        let data = t.data.as_ref().map(Data::to_le_bytes);
        let axis = t.quant.as_ref().map_or(0, |q| q.axis) + ahead;
        if let Some(made) = self.truth(id, &t.name, shape, data.clone()) {
            return made;
        }
        self.tensor(Plan { name: &t.name, shape, dtype, quant: t.quant.as_ref(), axis, data })
    }

    /// A tensor that flows between two operators of one node, of the type of `like`.
    fn between(&mut self, like: TensorId, shape: &[usize]) -> i32 {
        let t = self.graph.tensor(like);
        let name = format!("{}/{}", t.name, self.tensors.len());
        if let Some(made) = self.truth(like, &name, shape, None) {
            return made;
        }
        let dtype = element(t.dtype);
        self.tensor(Plan { name: &name, shape, dtype, quant: t.quant.as_ref(), axis: 0, data: None })
    }

    fn index(&mut self, values: &[i32]) -> i32 {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let name = format!("index/{}", self.tensors.len());
        self.tensor(Plan {
            name: &name,
            shape: &[values.len()],
            dtype: 2,
            quant: None,
            axis: 0,
            data: Some(data),
        })
    }

    fn op(&mut self, code: i32, inputs: Vec<i32>, outputs: Vec<i32>, options: Options) {
        let version = match code {
            // Versions that brought int8.
            1 | 2 | 9 | 14 | 17 | 18 | 19 | 21 | 25 | 28 | 34 | 39 | 40 | 45 | 55 | 57 | 0 | 6 | 41 | 98
            | 60 => 2,
            3 | 4 => 3,
            126 => 4,
            _ => 1,
        };
        let key = (code, version);
        let at = self.codes.iter().position(|c| *c == key).unwrap_or_else(|| {
            self.codes.push(key);
            self.codes.len() - 1
        });
        let mut fields =
            vec![(0, Value::Int(at as i32)), (1, Value::Ints(inputs)), (2, Value::Ints(outputs))];
        if options.0 > 0 {
            fields.push((3, Value::Byte(options.0)));
            fields.push((4, Value::Table(options.1)));
        }
        self.ops.push(fields);
    }

    fn reshape(&mut self, from: i32, to: i32, shape: &[usize]) {
        let index = self.index(&ints(shape));
        self.op(22, vec![from, index], vec![to], (17, vec![(0, Value::Ints(ints(shape)))]));
    }

    /// A tensor of the graph in another shape.
    fn viewed(&mut self, id: TensorId, shape: &[usize]) -> i32 {
        if batched(&self.graph.tensor(id).shape) == shape {
            return self.number(id);
        }
        if self.graph.tensor(id).data.is_some() {
            return self.shaped(id, shape, 0);
        }
        let from = self.number(id);
        let to = self.between(id, shape);
        self.reshape(from, to, shape);
        to
    }

    /// An operator whose result has `shape`, into a tensor of the graph.
    fn give(&mut self, code: i32, inputs: Vec<i32>, out: TensorId, shape: &[usize], options: Options) {
        let to = self.number(out);
        let wanted = batched(&self.graph.tensor(out).shape);
        if wanted == shape {
            self.op(code, inputs, vec![to], options);
            return;
        }
        let made = self.between(out, shape);
        self.op(code, inputs, vec![made], options);
        self.reshape(made, to, &wanted);
    }

    /// An operator on one value that keeps the shape.
    fn simple(&mut self, code: i32, node: &Node, options: Options) {
        let x = self.number(node.inputs[0]);
        let shape = batched(&self.graph.tensor(node.inputs[0]).shape);
        self.give(code, vec![x], node.output, &shape, options);
    }

    /// Padding as the format has it; with what it has not, in an operator of its own.
    fn padded(
        &mut self,
        x: TensorId,
        p: &Padding,
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
    ) -> Result<(i32, u8), String> {
        let shape = self.graph.tensor(x).shape.clone();
        let number = self.number(x);
        if *p == Padding::default() {
            return Ok((number, 1));
        }
        let same = |axis: usize| {
            let out = shape[axis].div_ceil(stride[axis]);
            let covered = (kernel[axis] - 1) * dilation[axis] + 1;
            let total = ((out - 1) * stride[axis] + covered).saturating_sub(shape[axis]);
            (total / 2, total - total / 2)
        };
        if (same(0), same(1)) == ((p.top, p.bottom), (p.left, p.right)) {
            return Ok((number, 0));
        }
        let amounts = [0, 0, p.top, p.bottom, p.left, p.right, 0, 0];
        let index = self.index(&ints(&amounts));
        // Two columns.
        if let Some(fields) = self.tensors.last_mut() {
            fields[0] = (0, Value::Ints(vec![4, 2]));
        }
        let wider = [1, shape[0] + p.top + p.bottom, shape[1] + p.left + p.right, shape[2]];
        let to = self.between(x, &wider);
        self.op(34, vec![number, index], vec![to], PLAIN);
        Ok((to, 1))
    }

    /// Weights and bias of a layer.
    fn constants(&mut self, node: &Node) -> [i32; 2] {
        let graph = self.graph;
        let w = graph.tensor(node.inputs[1]);
        let depthwise = matches!(node.op, Op::DepthwiseConv2d { .. });
        let weights = match self.numbers[node.inputs[1].0 as usize] {
            Some(there) => there,
            None if depthwise => self.shaped(node.inputs[1], &batched(&w.shape), 1),
            None => self.shaped(node.inputs[1], &w.shape, 0),
        };
        self.numbers[node.inputs[1].0 as usize] = Some(weights);
        let b = graph.tensor(node.inputs[2]);
        let scale = graph.tensor(node.inputs[0]).quant.as_ref().map(|q| q.scale[0]);
        let quant = match (scale, &w.quant) {
            (Some(s), Some(q)) => {
                let scale = q.scale.iter().map(|w| (w * s).max(f32::MIN_POSITIVE)).collect();
                Some(Quant { scale, zero_point: 0, axis: 0 })
            }
            _ => None,
        };
        let dtype = element(b.dtype);
        let data = b.data.as_ref().map_or(Vec::new(), Data::to_le_bytes);
        let bias = self.tensor(Plan {
            name: &b.name,
            shape: &b.shape,
            dtype,
            quant: quant.as_ref(),
            axis: 0,
            data: Some(data),
        });
        [weights, bias]
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let x = graph.tensor(node.inputs[0]);
        let out = batched(&graph.tensor(node.output).shape);
        if self.of_truth(node) {
            return Ok(());
        }
        match &node.op {
            Op::Conv2d { stride, dilation, padding, activation } => {
                let w = &graph.tensor(node.inputs[1]).shape;
                let (from, kind) = self.padded(node.inputs[0], padding, [w[1], w[2]], *stride, *dilation)?;
                let [w, b] = self.constants(node);
                let options = vec![
                    (0, Value::Byte(kind)),
                    (1, Value::Int(stride[1] as i32)),
                    (2, Value::Int(stride[0] as i32)),
                    (3, fused(*activation)),
                    (4, Value::Int(dilation[1] as i32)),
                    (5, Value::Int(dilation[0] as i32)),
                ];
                self.give(3, vec![from, w, b], node.output, &out, (1, options));
            }
            Op::DepthwiseConv2d { stride, dilation, padding, multiplier, activation } => {
                let w = &graph.tensor(node.inputs[1]).shape;
                let (from, kind) = self.padded(node.inputs[0], padding, [w[0], w[1]], *stride, *dilation)?;
                let [w, b] = self.constants(node);
                let options = vec![
                    (0, Value::Byte(kind)),
                    (1, Value::Int(stride[1] as i32)),
                    (2, Value::Int(stride[0] as i32)),
                    (3, Value::Int(*multiplier as i32)),
                    (4, fused(*activation)),
                    (5, Value::Int(dilation[1] as i32)),
                    (6, Value::Int(dilation[0] as i32)),
                ];
                self.give(4, vec![from, w, b], node.output, &out, (2, options));
            }
            Op::FullyConnected { activation } => {
                let (m, n) = {
                    let w = &graph.tensor(node.inputs[1]).shape;
                    (w[0], w[1])
                };
                let rows = x.len() / n;
                // It takes rows whatever the shape.
                let from = self.number(node.inputs[0]);
                let [w, b] = self.constants(node);
                self.give(9, vec![from, w, b], node.output, &[rows, m], (8, vec![(0, fused(*activation))]));
            }
            Op::Pool2d { kind, kernel, stride, padding, activation } => {
                let before = self.ops.len();
                let (from, pad) = self.padded(node.inputs[0], padding, *kernel, *stride, [1, 1])?;
                if self.ops.len() > before {
                    return Err("pooling with this padding has no counterpart".into());
                }
                let options = vec![
                    (0, Value::Byte(pad)),
                    (1, Value::Int(stride[1] as i32)),
                    (2, Value::Int(stride[0] as i32)),
                    (3, Value::Int(kernel[1] as i32)),
                    (4, Value::Int(kernel[0] as i32)),
                    (5, fused(*activation)),
                ];
                let code = if *kind == PoolKind::Max { 17 } else { 1 };
                self.give(code, vec![from], node.output, &out, (5, options));
            }
            Op::Add { activation } => self.binary(node, BinaryKind::Add, *activation),
            Op::Binary { kind, activation } => self.binary(node, *kind, *activation),
            Op::Activate { activation } => match activation {
                Activation::Relu => self.simple(19, node, PLAIN),
                Activation::ReluN1To1 => self.simple(20, node, PLAIN),
                Activation::Relu6 => self.simple(21, node, PLAIN),
                Activation::None => self.reshape_node(node),
            },
            Op::Softmax => self.simple(25, node, (9, vec![(0, Value::Float(1.0))])),
            Op::Reshape => self.reshape_node(node),
            Op::Normalize => {
                let from = self.number(node.inputs[0]);
                let shape = batched(&x.shape);
                let (mean, scale) =
                    (self.shaped(node.inputs[1], &shape, 0), self.shaped(node.inputs[2], &shape, 0));
                let centred = self.between(node.inputs[0], &shape);
                self.op(41, vec![from, mean], vec![centred], (28, vec![(0, fused(Activation::None))]));
                self.give(
                    18,
                    vec![centred, scale],
                    node.output,
                    &shape,
                    (21, vec![(0, fused(Activation::None))]),
                );
            }
            Op::Quantize => self.simple(114, node, PLAIN),
            Op::Dequantize => self.simple(6, node, PLAIN),
            Op::KMeansScore { .. } => return Err("a distance to clusters has no counterpart".into()),
            Op::GmmScore { .. } => return Err("a mixture of Gaussians has no counterpart".into()),
            Op::Bucketize | Op::TreeEnsemble { .. } => {
                return Err(
                    "decision trees are not written in this format; export them as c, rust or .ewg".into()
                );
            }
            Op::Unary { function } => self.unary(node, *function)?,
            // Written with the node that reads what it makes.
            Op::SvdfState => {}
            Op::SvdfOutput => self.svdf(node)?,
            Op::Prelu => self.prelu(node),
            Op::Snap { .. } => {
                return Err(
                    "activations in 8 bits of their own are not written; export it as c, rust or .ewg".into(),
                );
            }
            Op::Compare { .. } | Op::Select | Op::ArgExtreme { .. } | Op::Gather => self.choose(node)?,
            Op::Lstm { .. } => return Err("it is not written yet; export it as c, rust or .ewg".into()),
            Op::Strided { shape, strides, offset } => self.strided(node, shape, strides, *offset)?,
            Op::Concat { outer } => {
                let parts = node
                    .inputs
                    .iter()
                    .map(|id| self.viewed(*id, &[*outer, graph.tensor(*id).len() / outer]))
                    .collect();
                let row = graph.tensor(node.output).len() / outer;
                let options = vec![(0, Value::Int(1)), (1, fused(Activation::None))];
                self.give(2, parts, node.output, &[*outer, row], (10, options));
            }
            Op::Pad { shape, before, after, value } => self.pad(node, shape, before, after, *value),
            Op::Reduce { kind, count, inner } => {
                let outer = x.len() / (count * inner);
                let from = self.viewed(node.inputs[0], &[outer, *count, *inner]);
                let axes = self.index(&[1]);
                let code = match kind {
                    ReduceKind::Mean => 40,
                    ReduceKind::Sum => 74,
                    ReduceKind::Max => 82,
                    ReduceKind::Min => 89,
                };
                let options = (27, vec![(0, Value::Byte(0))]);
                self.give(code, vec![from, axes], node.output, &[outer, *inner], options);
            }
            Op::MatMul { batch, shared, transposed } => {
                let n = graph.tensor(node.inputs[1]).len() / (batch * shared);
                let m = x.len() / (batch * shared);
                let second = if *transposed { [*batch, n, *shared] } else { [*batch, *shared, n] };
                let a = self.viewed(node.inputs[0], &[*batch, m, *shared]);
                let b = self.viewed(node.inputs[1], &second);
                let options = vec![(1, Value::Byte(u8::from(*transposed)))];
                self.give(126, vec![a, b], node.output, &[*batch, m, n], (101, options));
            }
            Op::ResizeBilinear { sampling } => {
                let from = self.number(node.inputs[0]);
                let size = self.index(&ints(&out[1..3]));
                let options = vec![
                    (2, Value::Byte(u8::from(sampling.align_corners))),
                    (3, Value::Byte(u8::from(sampling.half_pixel))),
                ];
                self.give(23, vec![from, size], node.output, &out, (15, options));
            }
        }
        Ok(())
    }

    fn reshape_node(&mut self, node: &Node) {
        let from = self.number(node.inputs[0]);
        let to = self.number(node.output);
        let shape = batched(&self.graph.tensor(node.output).shape);
        self.reshape(from, to, &shape);
    }

    fn binary(&mut self, node: &Node, kind: BinaryKind, activation: Activation) {
        let graph = self.graph;
        // A constant takes the shape of what flows.
        let like = node.inputs.iter().find(|id| self.graph.tensor(**id).data.is_none());
        let shape = batched(&self.graph.tensor(*like.unwrap_or(&node.inputs[0])).shape);
        let (a, b) = (self.viewed(node.inputs[0], &shape), self.viewed(node.inputs[1], &shape));
        let mut fused = vec![(0, fused(activation))];
        if graph.tensor(node.output).dtype == DType::I16 && matches!(kind, BinaryKind::Add | BinaryKind::Sub)
        {
            // The arithmetic of scales that are no powers of two, also where they are.
            fused.push((1, Value::Byte(0)));
        }
        let (code, options) = match kind {
            BinaryKind::Add => (0, (11, fused)),
            BinaryKind::Sub => (41, (28, fused)),
            BinaryKind::Mul => (18, (21, fused)),
            BinaryKind::Div => (42, (29, fused)),
            BinaryKind::Maximum => (55, PLAIN),
            BinaryKind::Minimum => (57, PLAIN),
            BinaryKind::SquaredDifference => (99, PLAIN),
        };
        self.give(code, vec![a, b], node.output, &shape, options);
    }

    fn unary(&mut self, node: &Node, function: Function) -> Result<(), String> {
        let (code, options) = match function {
            Function::Logistic => (14, PLAIN),
            Function::Tanh => (28, PLAIN),
            Function::HardSwish => (117, PLAIN),
            Function::Gelu => (150, (116, vec![(0, Value::Byte(1))])),
            Function::LeakyRelu(alpha) => (98, (75, vec![(0, Value::Float(alpha))])),
            Function::Elu(1.0) => (111, PLAIN),
            Function::Exp => (47, PLAIN),
            Function::Abs => (101, PLAIN),
            Function::Neg => (59, PLAIN),
            Function::Sqrt => (75, PLAIN),
            Function::Rsqrt => (76, PLAIN),
            Function::Square => (92, PLAIN),
            Function::Log => (73, PLAIN),
            Function::GeluErf => (150, (116, vec![(0, Value::Byte(0))])),
            Function::Elu(_) | Function::HardSigmoid(..) | Function::Erf | Function::Softplus => {
                return Err(format!("{function:?} has no counterpart"));
            }
        };
        self.simple(code, node, options);
        Ok(())
    }

    fn pad(&mut self, node: &Node, shape: &[usize], before: &[usize], after: &[usize], value: f32) {
        let graph = self.graph;
        let from = self.viewed(node.inputs[0], shape);
        let amounts: Vec<i32> = before.iter().zip(after).flat_map(|(&b, &a)| [b as i32, a as i32]).collect();
        let index = self.index(&amounts);
        if let Some(fields) = self.tensors.last_mut() {
            fields[0] = (0, Value::Ints(vec![shape.len() as i32, 2]));
        }
        let whole: Vec<usize> = (0..shape.len()).map(|i| shape[i] + before[i] + after[i]).collect();
        let mut inputs = vec![from, index];
        if value != 0.0 {
            let quant = graph.tensor(node.output).quant.as_ref();
            let (dtype, data) = match quant {
                Some(q) => {
                    let dtype = graph.tensor(node.output).dtype;
                    let [low, high] = range(dtype);
                    let steps = f64::from(value / q.scale[0]).round() as i32;
                    let integer = steps.saturating_add(q.zero_point).clamp(low, high);
                    (element(dtype), integer.to_le_bytes()[..dtype.bytes()].to_vec())
                }
                None => (0, value.to_le_bytes().to_vec()),
            };
            let name = format!("value/{}", self.tensors.len());
            let plan = Plan { name: &name, shape: &[1], dtype, quant, axis: 0, data: Some(data) };
            inputs.push(self.tensor(plan));
        }
        let code = if value == 0.0 { 34 } else { 60 };
        self.give(code, inputs, node.output, &whole, PLAIN);
    }

    fn strided(
        &mut self,
        node: &Node,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<(), String> {
        let id = node.inputs[0];
        let Some(s) = strided::steps(self.graph.tensor(id).len(), shape, strides, offset) else {
            return Err("a view whose parts overlap has no counterpart".into());
        };
        let mut now = self.viewed(id, &s.dims);
        let mut counts: Vec<usize> = s.cut.iter().map(|c| c.1).collect();
        if s.cut.iter().zip(&s.dims).any(|(c, &d)| *c != (0, d, 1)) {
            let begin: Vec<i32> = s.cut.iter().map(|c| c.0 as i32).collect();
            let steps: Vec<i32> = s.cut.iter().map(|c| c.2 as i32).collect();
            let end: Vec<i32> = s.cut.iter().map(|c| c.0 as i32 + c.1 as i32 * c.2 as i32).collect();
            // Going down to the first element ends before it, which the format says by a bit.
            let mask = end.iter().enumerate().filter(|(_, e)| **e < 0).map(|(i, _)| 1 << i).sum();
            let end: Vec<i32> = end.iter().map(|&e| e.max(0)).collect();
            let index = [&begin, &end, &steps].map(|v| self.index(v));
            let to = self.between(id, &counts);
            let options = vec![(0, Value::Int(0)), (1, Value::Int(mask))];
            self.op(45, vec![now, index[0], index[1], index[2]], vec![to], (32, options));
            now = to;
        }
        if s.order.windows(2).any(|w| w[0] > w[1]) {
            counts = s.order.iter().map(|&k| counts[k]).collect();
            let order = self.index(&ints(&s.order));
            let to = self.between(id, &counts);
            self.op(39, vec![now, order], vec![to], PLAIN);
            now = to;
        }
        if s.single != shape {
            if counts != s.single {
                let to = self.between(id, &s.single);
                self.reshape(now, to, &s.single);
                now = to;
            }
            let size = self.index(&ints(shape));
            self.give(130, vec![now, size], node.output, shape, PLAIN);
            return Ok(());
        }
        let to = self.number(node.output);
        let wanted = batched(&self.graph.tensor(node.output).shape);
        self.reshape(now, to, &wanted);
        Ok(())
    }

    fn handle(tensors: &mut Vec<Table>, name: &str) -> i32 {
        tensors.push(vec![
            (0, Value::Ints(Vec::new())),
            (1, Value::Byte(13)),
            (2, Value::Int(0)),
            (3, Value::Text(format!("handle {name}"))),
        ]);
        tensors.len() as i32 - 1
    }

    fn variable(name: &str) -> Options {
        (111, vec![(0, Value::Text(String::new())), (1, Value::Text(name.into()))])
    }

    /// Reads the states at the start of a run; the subgraph that sets them before the first.
    fn read_states(&mut self) -> Option<Table> {
        let states: Vec<&State> =
            self.graph.states.iter().filter(|s| self.variable_of(s).is_none()).collect();
        if states.is_empty() {
            return None;
        }
        self.op(129, Vec::new(), Vec::new(), (103, vec![(0, Value::Int(1))]));
        let (mut tensors, mut ops) = (std::mem::take(&mut self.tensors), std::mem::take(&mut self.ops));
        // Tensors and operators of the other subgraph are collected first.
        for state in &states {
            let t = self.graph.tensor(state.read);
            let handle = Self::handle(&mut self.tensors, &state.name);
            let data = match (&state.initial, &t.quant) {
                (Some(data), _) => data.to_le_bytes(),
                // A 16-bit tensor has no zero point.
                (None, Some(q)) => vec![q.zero_point as u8; t.bytes()],
                _ => vec![0; t.bytes()],
            };
            let dtype = element(t.dtype);
            let value = self.tensor(Plan {
                name: &format!("initial {}", state.name),
                shape: &batched(&t.shape),
                dtype,
                quant: t.quant.as_ref(),
                axis: 0,
                data: Some(data),
            });
            self.op(142, Vec::new(), vec![handle], Self::variable(&state.name));
            self.op(144, vec![handle, value], Vec::new(), PLAIN);
        }
        std::mem::swap(&mut self.tensors, &mut tensors);
        std::mem::swap(&mut self.ops, &mut ops);
        for state in states {
            let handle = Self::handle(&mut self.tensors, &state.name);
            let read = self.number(state.read);
            self.op(142, Vec::new(), vec![handle], Self::variable(&state.name));
            self.op(143, vec![handle], vec![read], PLAIN);
        }
        Some(vec![
            (0, Value::Tables(tensors)),
            (1, Value::Ints(Vec::new())),
            (2, Value::Ints(Vec::new())),
            (3, Value::Tables(ops)),
            (4, Value::Text("initial".into())),
        ])
    }

    fn keep_states(&mut self) {
        let states: Vec<&State> =
            self.graph.states.iter().filter(|s| self.variable_of(s).is_none()).collect();
        for state in states {
            let handle = Self::handle(&mut self.tensors, &state.name);
            let write = self.number(state.write);
            self.op(142, Vec::new(), vec![handle], Self::variable(&state.name));
            self.op(144, vec![handle, write], Vec::new(), PLAIN);
        }
    }
}
