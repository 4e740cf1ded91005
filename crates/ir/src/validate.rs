//! Checks of a graph, its multiply-accumulates, its canonical bytes.

use crate::graph::{DType, Data, Graph, GraphError, Node, Op, Padding, PoolKind, Tensor, TensorId};

/// Most elements of a tensor.
const MOST_ELEMENTS: usize = 1 << 26;
/// Largest step, dilation, padding and multiplier.
const MOST_STEPS: usize = 1 << 20;

/// Output extent of a sliding window.
pub(crate) fn extent(
    input: usize,
    pad: usize,
    kernel: usize,
    dilation: usize,
    stride: usize,
) -> Option<usize> {
    let covered = dilation.checked_mul(kernel.checked_sub(1)?)?.checked_add(1)?;
    (input + pad).checked_sub(covered)?.checked_div(stride).map(|n| n + 1)
}

impl Graph {
    /// Checks names, order, shapes and types of the whole graph.
    ///
    /// # Errors
    /// [`GraphError`] naming the node and what does not fit.
    pub fn validate(&self) -> Result<(), GraphError> {
        let whole = |reason: String| GraphError::Graph { graph: self.name.clone(), reason };
        let count = self.tensors.len();
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(whole("a graph has at least one input and one output".into()));
        }
        let mut ready: Vec<bool> = self.tensors.iter().map(|t| t.data.is_some()).collect();
        for tensor in &self.tensors {
            let length = tensor.data.as_ref().map(crate::graph::Data::len);
            let count = tensor.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            if count.is_none_or(|n| n == 0 || n > MOST_ELEMENTS) {
                let reason = format!(
                    "tensor `{}` has the shape {:?}; 1 to {MOST_ELEMENTS} elements are possible",
                    tensor.name, tensor.shape
                );
                return Err(whole(reason));
            }
            let held = tensor.data.as_ref().map_or(tensor.dtype, Data::dtype);
            if held != tensor.dtype {
                return Err(whole(format!(
                    "tensor `{}` holds {held:?}, not {:?}",
                    tensor.name, tensor.dtype
                )));
            }
            if length.is_some_and(|n| n != tensor.len()) {
                return Err(whole(format!("tensor `{}` does not hold {} values", tensor.name, tensor.len())));
            }
            if let Some(q) = &tensor.quant {
                let fits = q.scale.len() == 1 || tensor.shape.get(q.axis) == Some(&q.scale.len());
                if !fits || q.scale.iter().any(|s| !s.is_finite() || *s <= 0.0) {
                    return Err(whole(format!("tensor `{}` has scales that do not fit", tensor.name)));
                }
                let zeros = match tensor.dtype {
                    DType::I8 => -128..=127,
                    DType::U8 => 0..=255,
                    DType::I16 => -32768..=32767,
                    _ => 0..=0,
                };
                if !zeros.contains(&q.zero_point) {
                    return Err(whole(format!(
                        "tensor `{}` has a zero point of {}",
                        tensor.name, q.zero_point
                    )));
                }
            }
        }
        let kept = self.states.iter().flat_map(|s| [&s.read, &s.write]);
        for id in self.inputs.iter().chain(&self.outputs).chain(kept) {
            if id.0 as usize >= count {
                return Err(whole(format!("tensor {} is not there", id.0)));
            }
        }
        if let Some(id) = self.inputs.iter().chain(&self.outputs).find(|id| self.tensor(**id).data.is_some())
        {
            return Err(whole(format!("`{}` is an input or output and a constant", self.tensor(*id).name)));
        }
        if let Some((i, id)) = self.outputs.iter().enumerate().find(|(i, id)| self.outputs[..*i].contains(id))
        {
            return Err(whole(format!(
                "`{}` is output {i} and an earlier one too; copy it with a reshape",
                self.tensor(*id).name
            )));
        }
        for id in &self.inputs {
            if std::mem::replace(&mut ready[id.0 as usize], true) {
                return Err(whole(format!("`{}` is an input twice", self.tensor(*id).name)));
            }
        }
        for state in &self.states {
            let (read, write) = (self.tensor(state.read), self.tensor(state.write));
            let initial = state.initial.as_ref().map_or(read.len(), crate::graph::Data::len);
            let plain = match read.dtype {
                DType::F32 | DType::I8 => true,
                DType::I16 => read.quant.as_ref().is_none_or(|q| q.zero_point == 0),
                _ => false,
            };
            if ready[state.read.0 as usize]
                || !plain
                || (read.len(), read.dtype) != (write.len(), write.dtype)
                || initial != read.len()
            {
                return Err(whole(format!("state `{}` does not fit its tensors", state.name)));
            }
            ready[state.read.0 as usize] = true;
        }
        for node in &self.nodes {
            let fail = |reason: String| GraphError::Node { node: node.name.clone(), reason };
            for id in node.inputs.iter().chain([&node.output]) {
                if id.0 as usize >= count {
                    return Err(fail(format!("tensor {} is not there", id.0)));
                }
            }
            if let Some(id) = node.inputs.iter().find(|id| !ready[id.0 as usize]) {
                return Err(fail(format!("`{}` is used before it is computed", self.tensor(*id).name)));
            }
            if ready[node.output.0 as usize] {
                return Err(fail(format!("`{}` is computed twice", self.tensor(node.output).name)));
            }
            self.check_node(node).map_err(fail)?;
            ready[node.output.0 as usize] = true;
        }
        let kept = self.states.iter().map(|s| &s.write);
        if let Some(id) = self.outputs.iter().chain(kept).find(|id| !ready[id.0 as usize]) {
            return Err(whole(format!("`{}` is never computed", self.tensor(*id).name)));
        }
        Ok(())
    }

    pub(crate) fn check_node(&self, node: &Node) -> Result<(), String> {
        let arity = match node.op {
            Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. } | Op::Normalize => 3,
            Op::Add { .. } | Op::Binary { .. } | Op::MatMul { .. } => 2,
            Op::Concat { .. } => node.inputs.len().max(1),
            Op::KMeansScore { .. } | Op::GmmScore { .. } => 5,
            Op::Lstm { .. } => 4,
            Op::Bucketize | Op::SvdfState | Op::SvdfOutput => 3,
            Op::Prelu | Op::Compare { .. } | Op::Gather => 2,
            Op::Select => 3,
            Op::TreeEnsemble { .. } => {
                let float = node.inputs.first().is_some_and(|x| self.tensor(*x).dtype == DType::F32);
                if float { 6 } else { 5 }
            }
            _ => 1,
        };
        if node.inputs.len() != arity {
            return Err(format!("takes {arity} inputs, has {}", node.inputs.len()));
        }
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let out = self.tensor(node.output);
        let same = |a: &[usize], b: &[usize], what: &str| {
            if a == b { Ok(()) } else { Err(format!("{what} is {a:?}, expected {b:?}")) }
        };
        let image = |id: TensorId| -> Result<[usize; 3], String> {
            let t = self.tensor(id);
            <[usize; 3]>::try_from(t.shape.as_slice())
                .map_err(|_| format!("`{}` is {:?}, expected [height, width, channels]", t.name, t.shape))
        };
        let window = |x: [usize; 3], p: &Padding, k: [usize; 2], d: [usize; 2], s: [usize; 2]| {
            let steps = [p.top, p.bottom, p.left, p.right, d[0], d[1], s[0], s[1]];
            if steps.iter().any(|&n| n > MOST_STEPS) || d.contains(&0) || s.contains(&0) {
                return Err(format!("padding {p:?}, dilation {d:?} or stride {s:?} is not possible"));
            }
            let h = extent(x[0], p.top + p.bottom, k[0], d[0], s[0]);
            let w = extent(x[1], p.left + p.right, k[1], d[1], s[1]);
            match (h, w) {
                (Some(h), Some(w)) if p.top < k[0] * d[0].max(1) && p.left < k[1] * d[1].max(1) => Ok([h, w]),
                _ => Err(format!("a kernel of {k:?} with stride {s:?} does not fit an input of {x:?}")),
            }
        };
        match &node.op {
            Op::Conv2d { stride, dilation, padding, .. } => {
                let x = image(node.inputs[0])?;
                let w = <[usize; 4]>::try_from(tensor(1).shape.as_slice())
                    .map_err(|_| format!("weights are {:?}", tensor(1).shape))?;
                same(&[w[3]], &[x[2]], "input channels of the weights")?;
                same(&tensor(2).shape, &[w[0]], "bias")?;
                let [h, width] = window(x, padding, [w[1], w[2]], *dilation, *stride)?;
                same(&out.shape, &[h, width, w[0]], "output")?;
            }
            Op::DepthwiseConv2d { stride, dilation, padding, multiplier, .. } => {
                let x = image(node.inputs[0])?;
                let w = image(node.inputs[1])?;
                same(&[w[2]], &[x[2].saturating_mul(*multiplier)], "channels of the weights")?;
                same(&tensor(2).shape, &[w[2]], "bias")?;
                let [h, width] = window(x, padding, [w[0], w[1]], *dilation, *stride)?;
                same(&out.shape, &[h, width, w[2]], "output")?;
            }
            Op::FullyConnected { .. } => {
                let [m, n] = tensor(1).shape[..] else {
                    return Err(format!("weights are {:?}, expected [outputs, inputs]", tensor(1).shape));
                };
                let rows = tensor(0).len() / n.max(1);
                same(&[tensor(0).len()], &[rows * n], "number of inputs")?;
                same(&tensor(2).shape, &[m], "bias")?;
                same(&[out.len()], &[rows * m], "number of outputs")?;
            }
            Op::Pool2d { kind, kernel, stride, padding, .. } => {
                let x = image(node.inputs[0])?;
                // So that a sum stays within 32 bits.
                let most = match tensor(0).dtype {
                    _ if *kind == PoolKind::Max => usize::MAX,
                    DType::I16 => 65_535,
                    DType::I8 => 1 << 22,
                    _ => usize::MAX,
                };
                if kernel[0].min(x[0]).saturating_mul(kernel[1].min(x[1])) > most {
                    return Err(format!(
                        "a mean over {kernel:?} elements of {:?} is not possible, at most {most} are",
                        tensor(0).dtype
                    ));
                }
                let [h, w] = window(x, padding, *kernel, [1, 1], *stride)?;
                same(&out.shape, &[h, w, x[2]], "output")?;
            }
            Op::Add { .. } => {
                same(&tensor(1).shape, &tensor(0).shape, "second input")?;
                same(&out.shape, &tensor(0).shape, "output")?;
            }
            Op::Activate { .. } | Op::Softmax | Op::Quantize | Op::Dequantize => {
                same(&[out.len()], &[tensor(0).len()], "number of outputs")?;
            }
            Op::Reshape => same(&[out.len()], &[tensor(0).len()], "number of elements")?,
            Op::Normalize => {
                let (n, columns) = (tensor(0).len(), tensor(1).len());
                if columns == 0 || n % columns != 0 {
                    return Err(format!("{columns} means do not divide {n} elements"));
                }
                same(&[tensor(2).len()], &[columns], "scale")?;
                same(&[out.len()], &[n], "number of outputs")?;
            }
            Op::KMeansScore { axes } => {
                let n = axes.len();
                same(&[tensor(1).len()], &[n], "mean")?;
                same(&[tensor(2).len()], &[n], "scale")?;
                same(&[tensor(3).len()], &[tensor(4).len() * n], "centroids")?;
                same(&[out.len()], &[1], "number of outputs")?;
                if n == 0 || tensor(4).is_empty() || axes.iter().any(|a| *a >= tensor(0).len()) {
                    return Err("axes do not lie in the input".into());
                }
            }
            Op::GmmScore { axes, diagonal, centre, scale } => {
                self.check_gmm(node, axes, *diagonal, [*centre, *scale])?;
            }
            Op::Bucketize => self.check_bucketize(node)?,
            Op::TreeEnsemble { shared, scale } => self.check_trees(node, *shared, *scale)?,
            op => self.check_extra(op, node)?,
        }
        self.check_constants(node)?;
        let (from, to) = (tensor(0).dtype, out.dtype);
        let fits = match node.op {
            Op::Quantize if from == DType::F32 => matches!(to, DType::I8 | DType::I16),
            Op::Quantize => {
                matches!(
                    (from, to),
                    (DType::I8, DType::I8 | DType::U8 | DType::I16 | DType::I32)
                        | (DType::U8, DType::I8)
                        | (DType::I16, DType::I8 | DType::I16 | DType::I32)
                        | (DType::I32, DType::I8 | DType::I16)
                )
            }
            Op::Softmax if from == DType::I8 && to == DType::I16 => true,
            Op::Reshape => from == to && from != DType::I64,
            Op::Strided { .. } => from == to && !matches!(from, DType::I32 | DType::I64),
            Op::Dequantize => matches!(from, DType::I8 | DType::I16) && to == DType::F32,
            Op::Normalize | Op::KMeansScore { .. } | Op::GmmScore { .. } => {
                from == DType::F32 && to == DType::F32
            }
            Op::Snap { .. } => from == DType::F32 && to == DType::F32,
            Op::Bucketize => from == DType::F32 && to == DType::I8,
            Op::SvdfState => from == DType::I8 && matches!(to, DType::I8 | DType::I16),
            Op::SvdfOutput => matches!(from, DType::I8 | DType::I16) && to == DType::I8,
            Op::Prelu => from == DType::I8 && to == DType::I8,
            Op::Compare { .. } => matches!(from, DType::F32 | DType::I8) && to == DType::I8,
            Op::Select => from == DType::I8 && matches!(to, DType::F32 | DType::I8 | DType::I16),
            Op::ArgExtreme { .. } => matches!(from, DType::F32 | DType::I8 | DType::I16) && to == DType::I32,
            Op::Gather => from == DType::I32 && matches!(to, DType::F32 | DType::I8),
            Op::TreeEnsemble { .. } => matches!(from, DType::F32 | DType::I8) && to == DType::F32,
            _ => from == to && matches!(from, DType::F32 | DType::I8 | DType::I16),
        };
        if !fits {
            return Err(format!("{from:?} to {to:?} is not what this operator does"));
        }
        let bare = |t: &Tensor| {
            matches!(t.dtype, DType::I8 | DType::U8 | DType::I16 | DType::I32) && t.quant.is_none()
        };
        let places = match node.op {
            Op::ArgExtreme { .. } => bare(out) && !bare(tensor(0)),
            Op::Gather => bare(tensor(0)) && !bare(out),
            _ => (from, to) == (DType::I32, DType::I32),
        };
        if (bare(tensor(0)) || bare(out)) && !places {
            return Err("an integer tensor has no scale".into());
        }
        let moved = |t: &Tensor| t.dtype == DType::I16 && t.quant.as_ref().is_some_and(|q| q.zero_point != 0);
        let takes = match node.op {
            Op::Quantize if from != DType::F32 => true,
            Op::ArgExtreme { .. } | Op::Select => true,
            Op::Dequantize | Op::Reshape | Op::Strided { .. } | Op::Concat { .. } | Op::Pad { .. } => true,
            Op::Softmax => !moved(tensor(0)),
            _ => !moved(out) && !node.inputs.iter().any(|id| moved(self.tensor(*id))),
        };
        if !takes {
            return Err("activations of 16 bits with a zero point are only rescaled and moved".into());
        }
        Ok(())
    }

    /// Weights, biases and other constants of an operator: there, of the right type, with scales, and so small that no sum
    /// leaves 32 bits.
    fn check_constants(&self, node: &Node) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let constant = |t: &Tensor, dtype: DType| {
            if t.data.is_some() && t.dtype == dtype {
                Ok(())
            } else {
                Err(format!("`{}` must be a constant of {dtype:?}", t.name))
            }
        };
        match node.op {
            Op::Normalize | Op::KMeansScore { .. } => {
                return (1..node.inputs.len()).try_for_each(|i| constant(tensor(i), DType::F32));
            }
            Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. } => {}
            _ => return Ok(()),
        }
        let (x, w, b) = (tensor(0), tensor(1), tensor(2));
        if x.dtype == DType::F32 {
            return constant(w, DType::F32).and_then(|()| constant(b, DType::F32));
        }
        constant(w, DType::I8)?;
        constant(b, if x.dtype == DType::I16 { DType::I64 } else { DType::I32 })?;
        let outputs = b.len();
        let Some(q) = w.quant.as_ref().filter(|q| q.scale.len() == 1 || q.scale.len() == outputs) else {
            return Err(format!("`{}` has no scale, or not one for each of {outputs} outputs", w.name));
        };
        if q.zero_point != 0 {
            return Err(format!("the weights `{}` have a zero point", w.name));
        }
        let bias: Vec<i64> = match &b.data {
            Some(Data::I32(v)) => v.iter().map(|&v| v.into()).collect(),
            Some(Data::I64(v)) => v.clone(),
            _ => return Ok(()),
        };
        let Some(Data::I8(weights)) = &w.data else { return Ok(()) };
        let depthwise = matches!(node.op, Op::DepthwiseConv2d { .. });
        let inner = weights.len() / outputs;
        let zero = x.quant.as_ref().map_or(0, |q| i64::from(q.zero_point));
        // Sums of 16-bit activations are kept in 64 bits, of which their requantisation takes 47.
        let (reach, most, bits) = match x.dtype {
            DType::I16 => (32768, (1i64 << 47) - 1, 47),
            _ => ((127 - zero).max(zero + 128), i64::from(i32::MAX), 32),
        };
        let mut sums: Vec<i64> = bias.iter().map(|b| b.saturating_abs().min(1 << 62)).collect();
        for (k, w) in weights.iter().enumerate() {
            let c = if depthwise { k % outputs } else { k / inner };
            sums[c] += i64::from(w.unsigned_abs()) * reach;
        }
        match sums.iter().position(|s| *s > most) {
            Some(c) => Err(format!("the sums of output {c} may leave {bits} bits (its bias is {})", bias[c])),
            None => Ok(()),
        }
    }

    /// Multiply-accumulates of one node.
    pub fn node_macs(&self, node: &Node) -> u64 {
        let out = self.tensor(node.output).len() as u64;
        match &node.op {
            Op::Conv2d { .. } => {
                let w = &self.tensor(node.inputs[1]).shape;
                out * (w[1] * w[2] * w[3]) as u64
            }
            Op::DepthwiseConv2d { .. } => {
                let w = &self.tensor(node.inputs[1]).shape;
                out * (w[0] * w[1]) as u64
            }
            Op::FullyConnected { .. } => out * self.tensor(node.inputs[1]).shape[1] as u64,
            Op::MatMul { shared, .. } => out * *shared as u64,
            Op::SvdfState => self.tensor(node.inputs[2]).len() as u64,
            Op::SvdfOutput => self.tensor(node.inputs[1]).len() as u64,
            Op::Lstm { units, .. } => {
                (out / *units as u64).saturating_sub(3) * self.tensor(node.inputs[2]).len() as u64
            }
            _ => 0,
        }
    }

    /// Multiply-accumulates for one input.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().map(|n| self.node_macs(n)).sum()
    }

    /// Bytes of all constants.
    pub fn constant_bytes(&self) -> usize {
        self.tensors.iter().filter(|t| t.data.is_some()).map(|t| t.bytes()).sum()
    }
}

impl crate::graph::Data {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }
    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
