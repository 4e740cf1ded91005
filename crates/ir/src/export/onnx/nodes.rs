//! Nodes of a graph as operators of ONNX.

use super::{
    Last, Writer, batched, contents, ints,
    wire::{Attribute, Value, kind},
};
use crate::{
    export::strided,
    extra::{BinaryKind, Function, ReduceKind},
    graph::{Activation, DType, Data, Node, Op, Padding, PoolKind, Quant, TensorId},
};
use edgewright_kernels::unary::{GELU, GELU_CUBE};

/// Stride, dilation and padding of a window.
fn window(
    kernel: [usize; 2],
    stride: &[usize; 2],
    dilation: Option<&[usize; 2]>,
    p: &Padding,
) -> Vec<Attribute> {
    let mut out = vec![
        ("kernel_shape", Value::Ints(ints(&kernel))),
        ("strides", Value::Ints(ints(stride))),
        ("pads", Value::Ints(ints(&[p.top, p.left, p.bottom, p.right]))),
    ];
    if let Some(d) = dilation {
        out.push(("dilations", Value::Ints(ints(d))));
    }
    out
}

/// Values in another order.
fn turned(data: &Data, order: &[usize]) -> Data {
    match data {
        Data::F32(v) => Data::F32(order.iter().map(|&i| v[i]).collect()),
        Data::I8(v) => Data::I8(order.iter().map(|&i| v[i]).collect()),
        Data::I32(v) => Data::I32(order.iter().map(|&i| v[i]).collect()),
        Data::I16(v) => Data::I16(order.iter().map(|&i| v[i]).collect()),
        Data::I64(v) => Data::I64(order.iter().map(|&i| v[i]).collect()),
    }
}

impl Writer<'_> {
    pub(super) fn node(&mut self, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let (x, out) = (node.inputs[0], node.output);
        let shape = graph.tensor(x).shape.clone();
        match &node.op {
            Op::Conv2d { stride, dilation, padding, activation } => {
                let w = &graph.tensor(node.inputs[1]).shape;
                let (o, kh, kw, c) = (w[0], w[1], w[2], w[3]);
                let at = |i: usize| {
                    let (o, c0, y, x) = (i / (c * kh * kw), i / (kh * kw) % c, i / kw % kh, i % kw);
                    ((o * kh + y) * kw + x) * c + c0
                };
                let order: Vec<usize> = (0..o * kh * kw * c).map(at).collect();
                let attributes = window([kh, kw], stride, Some(dilation), padding);
                self.conv(node, &[o, c, kh, kw], &order, attributes, *activation)?;
            }
            Op::DepthwiseConv2d { stride, dilation, padding, activation, .. } => {
                let w = &graph.tensor(node.inputs[1]).shape;
                let (kh, kw, o) = (w[0], w[1], w[2]);
                let order: Vec<usize> = (0..o * kh * kw).map(|i| i % (kh * kw) * o + i / (kh * kw)).collect();
                let mut attributes = window([kh, kw], stride, Some(dilation), padding);
                attributes.push(("group", Value::Int(shape[2] as i64)));
                self.conv(node, &[o, 1, kh, kw], &order, attributes, *activation)?;
            }
            Op::FullyConnected { activation } => {
                let w = &graph.tensor(node.inputs[1]).shape;
                let (m, n) = (w[0], w[1]);
                let rows = graph.tensor(x).len() / n;
                let from = self.shaped(x, &[rows, n])?;
                let from = self.real(from, x);
                let order: Vec<usize> = (0..m * n).collect();
                let [w, b] = self.layer(node, &[m, n], &order)?;
                let mut last = Last::new("Gemm", vec![from, w, b]);
                last.attributes = vec![("transB", Value::Int(1))];
                self.give(out, Last { activation: *activation, shape: Some(&[rows, m]), ..last });
            }
            Op::Pool2d { kind, kernel, stride, padding, activation } => {
                let from = self.form(x, true)?;
                let from = self.real(from, x);
                let mut attributes = window(*kernel, stride, None, padding);
                let average = *kind == PoolKind::Average;
                if average {
                    attributes.push(("count_include_pad", Value::Int(0)));
                }
                let last = Last::new(if average { "AveragePool" } else { "MaxPool" }, vec![from]);
                self.give(out, Last { attributes, activation: *activation, first: true, ..last });
            }
            Op::Add { activation } => self.binary(node, BinaryKind::Add, *activation)?,
            Op::Binary { kind, activation } => self.binary(node, *kind, *activation)?,
            Op::Activate { activation } => {
                let first = self.layout(&node.inputs);
                let from = self.form(x, first)?;
                let from = self.real(from, x);
                let (kind, inputs) = match activation {
                    Activation::None => ("Identity", vec![from]),
                    Activation::Relu => ("Relu", vec![from]),
                    Activation::Relu6 => ("Clip", vec![from, self.scalar(0.0), self.scalar(6.0)]),
                    Activation::ReluN1To1 => ("Clip", vec![from, self.scalar(-1.0), self.scalar(1.0)]),
                };
                let shape = batched(&shape);
                let last = Last::new(kind, inputs);
                self.give(out, Last { first, shape: (!first).then_some(&shape), ..last });
            }
            Op::Softmax => {
                let from = self.form(x, false)?;
                let from = self.real(from, x);
                let mut last = Last::new("Softmax", vec![from]);
                last.attributes = vec![("axis", Value::Int(-1))];
                self.give(out, Last { shape: Some(&batched(&shape)), ..last });
            }
            Op::Reshape => {
                let from = self.flowing(x)?;
                let index = self.index(&ints(&batched(&graph.tensor(out).shape)));
                self.give(out, Last { kept: true, ..Last::new("Reshape", vec![from, index]) });
            }
            Op::Normalize => {
                let full = batched(&shape);
                let from = self.form(x, false)?;
                let (mean, scale) =
                    (self.shaped(node.inputs[1], &full)?, self.shaped(node.inputs[2], &full)?);
                let centred = self.between("Sub", &[from, mean], &graph.tensor(out).name, &[]);
                self.give(out, Last { shape: Some(&full), ..Last::new("Mul", vec![centred, scale]) });
            }
            Op::Quantize => {
                let from = self.form(x, false)?;
                let from = self.real(from, x);
                let affine = self.activation_affine(out).ok_or("its output has no scale")?;
                let last = Last::new("QuantizeLinear", [vec![from], affine].concat());
                self.give(out, Last { kept: true, shape: Some(&batched(&shape)), ..last });
            }
            Op::Dequantize => {
                let from = self.form(x, false)?;
                let affine = self.activation_affine(x).ok_or("its input has no scale")?;
                let last = Last::new("DequantizeLinear", [vec![from], affine].concat());
                self.give(out, Last { kept: true, shape: Some(&batched(&shape)), ..last });
            }
            Op::KMeansScore { .. } => return Err("the distance to clusters has no counterpart".into()),
            Op::GmmScore { .. } => return Err("a mixture of Gaussians has no counterpart".into()),
            Op::Bucketize | Op::TreeEnsemble { .. } => {
                return Err(
                    "decision trees are not written in this format; export them as c, rust or .ewg".into()
                );
            }
            Op::Lstm { .. } => return Err("an LSTM in integers has no counterpart".into()),
            Op::SvdfState | Op::SvdfOutput => {
                return Err("an SVDF in integers has no counterpart; export it as tflite, c or rust".into());
            }
            Op::Snap { .. } => {
                return Err(
                    "activations in 8 bits of their own are not written; export it as c, rust or .ewg".into(),
                );
            }
            Op::Compare { .. } | Op::Select | Op::ArgExtreme { .. } | Op::Gather => {
                return Err("it is not written in this format; export it as c, rust, tflite or .ewg".into());
            }
            Op::Prelu => {
                return Err("a PRELU in integers has no counterpart; export it as tflite, c or rust".into());
            }
            Op::Unary { function } => self.unary(node, *function)?,
            Op::Strided { shape, strides, offset } => self.strided(node, shape, strides, *offset)?,
            Op::Concat { outer } => {
                let kept = node.inputs.iter().all(|i| graph.tensor(*i).data.is_none());
                let mut parts = Vec::new();
                for id in &node.inputs {
                    let part = self.shaped(*id, &[*outer, graph.tensor(*id).len() / outer])?;
                    parts.push(if kept { part } else { self.real(part, *id) });
                }
                let row = graph.tensor(out).len() / outer;
                let mut last = Last::new("Concat", parts);
                last.attributes = vec![("axis", Value::Int(1))];
                self.give(out, Last { kept, shape: Some(&[*outer, row]), ..last });
            }
            Op::Pad { shape, before, after, value } => self.pad(node, shape, before, after, *value)?,
            Op::Reduce { kind, count, inner } => {
                let outer = graph.tensor(x).len() / (count * inner);
                let from = self.shaped(x, &[outer, *count, *inner])?;
                let from = self.real(from, x);
                let keep = ("keepdims", Value::Int(0));
                let axes = ("axes", Value::Ints(vec![1]));
                let (kind, inputs, attributes) = match kind {
                    ReduceKind::Mean => ("ReduceMean", vec![from], vec![axes, keep]),
                    ReduceKind::Max => ("ReduceMax", vec![from], vec![axes, keep]),
                    ReduceKind::Min => ("ReduceMin", vec![from], vec![axes, keep]),
                    ReduceKind::Sum => ("ReduceSum", vec![from, self.index(&[1])], vec![keep]),
                };
                let last = Last::new(kind, inputs);
                self.give(out, Last { attributes, shape: Some(&[outer, *inner]), ..last });
            }
            Op::MatMul { batch, shared, transposed } => {
                let each = |id: TensorId| graph.tensor(id).len() / (batch * shared);
                let (m, n) = (each(x), each(node.inputs[1]));
                let a = self.shaped(x, &[*batch, m, *shared])?;
                let a = self.real(a, x);
                let second = if *transposed { [*batch, n, *shared] } else { [*batch, *shared, n] };
                let b = self.shaped(node.inputs[1], &second)?;
                let mut b = self.real(b, node.inputs[1]);
                if *transposed {
                    let near = graph.tensor(out).name.clone();
                    b = self.between("Transpose", &[b], &near, &[("perm", Value::Ints(vec![0, 2, 1]))]);
                }
                self.give(out, Last { shape: Some(&[*batch, m, n]), ..Last::new("MatMul", vec![a, b]) });
            }
            Op::ResizeBilinear { sampling } => {
                let mode = match (sampling.align_corners, sampling.half_pixel) {
                    (true, false) => "align_corners",
                    (false, true) => "half_pixel",
                    (false, false) => "asymmetric",
                    (true, true) => return Err("corners on pixels that are areas have no counterpart".into()),
                };
                let from = self.form(x, true)?;
                let from = self.real(from, x);
                let to = &graph.tensor(out).shape;
                let size = self.index(&ints(&[1, to[2], to[0], to[1]]));
                let mut last = Last::new("Resize", vec![from, String::new(), String::new(), size]);
                last.attributes = vec![
                    ("mode", Value::Text("linear")),
                    ("coordinate_transformation_mode", Value::Text(mode)),
                ];
                self.give(out, Last { first: true, ..last });
            }
        }
        Ok(())
    }

    /// A tensor that is computed, as it is kept.
    fn flowing(&mut self, id: TensorId) -> Result<String, String> {
        let t = self.graph.tensor(id);
        if t.data.is_some() && t.dtype != DType::F32 {
            return Err("integers that are constant are not moved; fold them".into());
        }
        self.form(id, false)
    }

    /// Whether an operator on single elements works with channels first: where its inputs are there anyway.
    fn layout(&self, inputs: &[TensorId]) -> bool {
        let shape = |id: &TensorId| &self.graph.tensor(*id).shape;
        inputs.iter().all(|id| {
            let forms = &self.forms[id.0 as usize];
            shape(id) == shape(&inputs[0]) && forms.first.is_some()
        }) && inputs.iter().any(|id| self.forms[id.0 as usize].last.is_none())
    }

    fn conv(
        &mut self,
        node: &Node,
        shape: &[usize],
        order: &[usize],
        attributes: Vec<Attribute>,
        activation: Activation,
    ) -> Result<(), String> {
        let from = self.form(node.inputs[0], true)?;
        let from = self.real(from, node.inputs[0]);
        let [w, b] = self.layer(node, shape, order)?;
        let last = Last::new("Conv", vec![from, w, b]);
        self.give(node.output, Last { attributes, activation, first: true, ..last });
        Ok(())
    }

    /// Weights and bias of a layer as real numbers. The weights have their outputs first.
    fn layer(&mut self, node: &Node, shape: &[usize], order: &[usize]) -> Result<[String; 2], String> {
        let graph = self.graph;
        let (w, b) = (graph.tensor(node.inputs[1]), graph.tensor(node.inputs[2]));
        let per_axis = [("axis", Value::Int(0))];
        let weights = match self.weights.get(&node.inputs[1]) {
            Some(there) => there.clone(),
            None => {
                let data = w.data.as_ref().ok_or("its weights are no constant")?;
                let (bytes, dtype) = contents(&turned(data, order));
                let mut name = self.constant(&format!("{}/weights", w.name), dtype, shape, &bytes);
                if let Some(q) = &w.quant {
                    let inputs = [vec![name.clone()], self.affine(q, kind::INT8)].concat();
                    let axis: &[Attribute] = if q.scale.len() > 1 { &per_axis } else { &[] };
                    name = self.between("DequantizeLinear", &inputs, &name, axis);
                }
                self.weights.insert(node.inputs[1], name.clone());
                name
            }
        };
        let data = b.data.as_ref().ok_or("its bias is no constant")?;
        let (bytes, dtype) = contents(data);
        let mut bias = self.constant(&format!("{}/bias", b.name), dtype, &[b.len()], &bytes);
        if let (Some(from), Some(q)) = (&graph.tensor(node.inputs[0]).quant, &w.quant) {
            let scale = q.scale.iter().map(|s| (s * from.scale[0]).max(f32::MIN_POSITIVE)).collect();
            let quant = Quant { scale, zero_point: 0, axis: 0 };
            let inputs = [vec![bias.clone()], self.affine(&quant, kind::INT32)].concat();
            let axis: &[Attribute] = if quant.scale.len() > 1 { &per_axis } else { &[] };
            bias = self.between("DequantizeLinear", &inputs, &bias, axis);
        }
        Ok([weights, bias])
    }

    fn binary(&mut self, node: &Node, op: BinaryKind, activation: Activation) -> Result<(), String> {
        let graph = self.graph;
        let first = self.layout(&node.inputs);
        // A constant takes the shape of what flows.
        let like = node.inputs.iter().find(|id| graph.tensor(**id).data.is_none());
        let full = batched(&graph.tensor(*like.unwrap_or(&node.inputs[0])).shape);
        let mut inputs = Vec::new();
        for id in &node.inputs {
            let from = if first { self.form(*id, true)? } else { self.shaped(*id, &full)? };
            inputs.push(self.real(from, *id));
        }
        let kind = match op {
            BinaryKind::Add => "Add",
            BinaryKind::Sub => "Sub",
            BinaryKind::Mul => "Mul",
            BinaryKind::Div => "Div",
            BinaryKind::Maximum => "Max",
            BinaryKind::Minimum => "Min",
            BinaryKind::SquaredDifference => {
                let difference = self.between("Sub", &inputs, &graph.tensor(node.output).name, &[]);
                inputs = vec![difference.clone(), difference];
                "Mul"
            }
        };
        let shape = (!first).then_some(full.as_slice());
        self.give(node.output, Last { activation, first, shape, ..Last::new(kind, inputs) });
        Ok(())
    }

    fn unary(&mut self, node: &Node, function: Function) -> Result<(), String> {
        let graph = self.graph;
        let x = node.inputs[0];
        let first = self.layout(&node.inputs);
        let from = self.form(x, first)?;
        let from = self.real(from, x);
        let mut inputs = vec![from.clone()];
        let mut attributes = Vec::new();
        let kind = match function {
            Function::Logistic => "Sigmoid",
            Function::Tanh => "Tanh",
            Function::HardSwish => "HardSwish",
            Function::HardSigmoid(a, b) => {
                attributes = vec![("alpha", Value::Float(a)), ("beta", Value::Float(b))];
                "HardSigmoid"
            }
            Function::LeakyRelu(alpha) => {
                attributes = vec![("alpha", Value::Float(alpha))];
                "LeakyRelu"
            }
            Function::Elu(alpha) => {
                attributes = vec![("alpha", Value::Float(alpha))];
                "Elu"
            }
            Function::Exp => "Exp",
            Function::Abs => "Abs",
            Function::Neg => "Neg",
            Function::Sqrt => "Sqrt",
            Function::Log => "Log",
            Function::Erf => "Erf",
            Function::Softplus => "Softplus",
            Function::GeluErf => {
                // An operator of its own only since operator set 20.
                let near = graph.tensor(node.output).name.clone();
                let [root, one, half] = [std::f32::consts::FRAC_1_SQRT_2, 1.0, 0.5].map(|v| self.scalar(v));
                let mut at = self.between("Mul", &[from.clone(), root], &near, &[]);
                at = self.between("Erf", &[at], &near, &[]);
                at = self.between("Add", &[at, one], &near, &[]);
                at = self.between("Mul", &[at, half], &near, &[]);
                inputs = vec![from, at];
                "Mul"
            }
            Function::Rsqrt => {
                inputs = vec![self.between("Sqrt", &inputs, &graph.tensor(node.output).name, &[])];
                "Reciprocal"
            }
            Function::Gelu => {
                // An operator of its own only since operator set 20.
                let near = graph.tensor(node.output).name.clone();
                let [cube, slope] = [GELU_CUBE, GELU].map(|v| self.scalar(v));
                let mut at = from.clone();
                for (kind, with) in [
                    ("Mul", from.clone()),
                    ("Mul", from.clone()),
                    ("Mul", cube),
                    ("Add", from.clone()),
                    ("Mul", slope),
                ] {
                    at = self.between(kind, &[at, with], &near, &[]);
                }
                at = self.between("Sigmoid", &[at], &near, &[]);
                inputs = vec![from, at];
                "Mul"
            }
            Function::Square => {
                inputs = vec![from.clone(), from];
                "Mul"
            }
        };
        let shape = batched(&graph.tensor(x).shape);
        let last = Last::new(kind, inputs);
        self.give(node.output, Last { attributes, first, shape: (!first).then_some(&shape), ..last });
        Ok(())
    }

    fn pad(
        &mut self,
        node: &Node,
        shape: &[usize],
        before: &[usize],
        after: &[usize],
        value: f32,
    ) -> Result<(), String> {
        let graph = self.graph;
        self.flowing(node.inputs[0])?;
        let from = self.shaped(node.inputs[0], shape)?;
        let pads = self.index(&ints(&[before, after].concat()));
        let around = match &graph.tensor(node.output).quant {
            Some(q) => {
                let steps = f64::from(value / q.scale[0]).round() as i32;
                let byte = steps.saturating_add(q.zero_point).clamp(-128, 127) as u8;
                self.constant("value", kind::INT8, &[], &[byte])
            }
            None => self.scalar(value),
        };
        let whole: Vec<usize> = (0..shape.len()).map(|i| shape[i] + before[i] + after[i]).collect();
        let last = Last::new("Pad", vec![from, pads, around]);
        self.give(node.output, Last { kept: true, shape: Some(&whole), ..last });
        Ok(())
    }

    fn strided(
        &mut self,
        node: &Node,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<(), String> {
        let id = node.inputs[0];
        let near = &self.graph.tensor(node.output).name;
        let Some(s) = strided::steps(self.graph.tensor(id).len(), shape, strides, offset) else {
            return Err("a view whose parts overlap has no counterpart".into());
        };
        self.flowing(id)?;
        let mut now = self.shaped(id, &s.dims)?;
        let mut counts: Vec<usize> = s.cut.iter().map(|c| c.1).collect();
        if s.cut.iter().zip(&s.dims).any(|(c, &d)| *c != (0, d, 1)) {
            let begin: Vec<i64> = s.cut.iter().map(|c| c.0 as i64).collect();
            let steps: Vec<i64> = s.cut.iter().map(|c| c.2 as i64).collect();
            // Going down to the first element ends before it, which a negative number would not say.
            let end = s.cut.iter().map(|c| c.0 as i64 + c.1 as i64 * c.2 as i64);
            let end: Vec<i64> = end.map(|e| if e < 0 { i64::MIN } else { e }).collect();
            let axes: Vec<i64> = (0..s.cut.len() as i64).collect();
            let mut inputs = vec![now];
            inputs.extend([begin, end, axes, steps].map(|v| self.index(&v)));
            now = self.between("Slice", &inputs, near, &[]);
        }
        if s.order.windows(2).any(|w| w[0] > w[1]) {
            counts = s.order.iter().map(|&k| counts[k]).collect();
            now = self.between("Transpose", &[now], near, &[("perm", Value::Ints(ints(&s.order)))]);
        }
        if s.single != shape {
            if counts != s.single {
                let index = self.index(&ints(&s.single));
                now = self.between("Reshape", &[now, index], near, &[]);
            }
            let size = self.index(&ints(shape));
            let last = Last::new("Expand", vec![now, size]);
            self.give(node.output, Last { kept: true, shape: Some(shape), ..last });
            return Ok(());
        }
        let index = self.index(&ints(&batched(&self.graph.tensor(node.output).shape)));
        self.give(node.output, Last { kept: true, ..Last::new("Reshape", vec![now, index]) });
        Ok(())
    }
}
