//! Layers with weights, and pooling.

use super::{Attribute, Importer, RawNode, Value};
use crate::{
    extra::ReduceKind,
    graph::{Activation, DType, Data, Op, Padding, PoolKind, TensorId},
    import::{ImportError, shape},
};

/// Window of a convolution or pooling, one or two axes.
struct Window {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
}

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn layer(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        match node.kind.as_str() {
            "Conv" => self.conv(node)?,
            "ConvTranspose" => self.transposed(node)?,
            "MatMul" if !self.is_layer(node)? => self.mat_mul(node)?,
            "Gemm" | "MatMul" => self.dense(node)?,
            "MaxPool" => self.pool(node, PoolKind::Max)?,
            "AveragePool" => self.pool(node, PoolKind::Average)?,
            "GlobalAveragePool" => self.global_average(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A value `[1, c, h, w]` or `[1, c, w]` as a tensor `[h, w, c]`.
    fn image(&mut self, name: &str) -> Result<(Value, [usize; 3]), ImportError> {
        let v = self.value(name)?;
        let size = match *v.shape.as_slice() {
            [1, c, h, w] => [h, w, c],
            [1, c, w] => [1, w, c],
            _ => {
                return self
                    .b
                    .fail(format!("its input is {:?}, expected [1, channels, height, width]", v.shape));
            }
        };
        if size.contains(&0) {
            return self.b.fail("its input is empty");
        }
        let mut v = self.last(&v)?;
        if self.b.tensor(v.id).shape != size {
            v.id = self.b.make(Op::Reshape, vec![v.id], v.id, &size);
        }
        Ok((v, size))
    }

    fn window(&self, node: &RawNode, x: [usize; 3], kernel: &[usize]) -> Result<Window, ImportError> {
        let flat = kernel.len() == 1;
        let pair = |name: &str| -> Result<[usize; 2], ImportError> {
            let v = self.ints(node, name).unwrap_or_else(|| vec![1; kernel.len()]);
            let v: Option<Vec<usize>> =
                v.iter().map(|&s| usize::try_from(s).ok().filter(|s| (1..=65536).contains(s))).collect();
            match v.as_deref() {
                Some(&[a, b]) if !flat => Ok([a, b]),
                Some(&[b]) if flat => Ok([1, b]),
                _ => self.b.fail(format!("its {name} are not possible")),
            }
        };
        let (stride, dilation) = (pair("strides")?, pair("dilations")?);
        let kernel = if flat { [1, kernel[0]] } else { [kernel[0], kernel[1]] };
        if kernel.contains(&0) {
            return self.b.fail("its kernel is empty");
        }
        let auto = match node.attributes.get("auto_pad") {
            Some(Attribute::Text(t)) => t.as_str(),
            _ => "NOTSET",
        };
        let pads = self.ints(node, "pads").unwrap_or_else(|| vec![0; 2 * if flat { 1 } else { 2 }]);
        let pads: Option<Vec<usize>> =
            pads.iter().map(|&p| usize::try_from(p).ok().filter(|&p| p < 1 << 20)).collect();
        let same = |axis: usize, upper: bool| {
            let out = x[axis].div_ceil(stride[axis]);
            let covered = (kernel[axis] - 1) * dilation[axis] + 1;
            let total = ((out - 1) * stride[axis] + covered).saturating_sub(x[axis]);
            if upper { (total / 2, total - total / 2) } else { (total - total / 2, total / 2) }
        };
        let padding = match (auto, pads.as_deref()) {
            ("SAME_UPPER" | "SAME_LOWER", _) => {
                let (top, bottom) = same(0, auto == "SAME_UPPER");
                let (left, right) = same(1, auto == "SAME_UPPER");
                Padding { top, bottom, left, right }
            }
            ("VALID", _) => Padding::default(),
            (_, Some(&[top, left, bottom, right])) => Padding { top, bottom, left, right },
            (_, Some(&[left, right])) => Padding { top: 0, bottom: 0, left, right },
            _ => return self.b.fail("its padding is not possible"),
        };
        Ok(Window { kernel, stride, dilation, padding })
    }

    /// Extents of the output.
    fn extents(&self, x: [usize; 3], w: &Window) -> Result<[usize; 2], ImportError> {
        let p = &w.padding;
        let pads = [p.top + p.bottom, p.left + p.right];
        let mut out = [0; 2];
        for i in 0..2 {
            let covered = (w.kernel[i] - 1).saturating_mul(w.dilation[i]) + 1;
            match (x[i] + pads[i]).checked_sub(covered) {
                Some(rest) => out[i] = rest / w.stride[i] + 1,
                None => return self.b.fail("its kernel is larger than its input"),
            }
        }
        Ok(out)
    }

    /// The file's shape of an image result.
    fn file_shape(v: &Value, out: [usize; 2], channels: usize) -> Vec<usize> {
        if v.shape.len() == 3 { vec![1, channels, out[1]] } else { vec![1, channels, out[0], out[1]] }
    }

    fn conv(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (v, x) = self.image(self.arg(node, 0)?)?;
        let (weights, ws) = self.float_constant(self.arg(node, 1)?)?;
        let rank = v.shape.len();
        if ws.len() != rank || ws[0] == 0 {
            return self.b.fail(format!("its weights are {ws:?}"));
        }
        let (outputs, per_group) = (ws[0], ws[1]);
        let groups = usize::try_from(self.int(node, "group", 1)).unwrap_or(0);
        let window = self.window(node, x, &ws[2..])?;
        let out = self.extents(x, &window)?;
        let [kh, kw] = window.kernel;
        let depthwise = groups == x[2] && per_group == 1 && groups > 1;
        let fits = groups.checked_mul(per_group) == Some(x[2]) && groups > 0 && outputs % groups == 0;
        if !(depthwise && outputs % x[2] == 0 || fits) {
            return self
                .b
                .fail(format!("{groups} groups of {per_group} channels do not fit {} channels", x[2]));
        }
        let at = |o: usize, i: usize, y: usize, x: usize| ((o * per_group + i) * kh + y) * kw + x;
        let mut order = Vec::with_capacity(weights.len());
        if depthwise {
            for y in 0..kh {
                for x in 0..kw {
                    order.extend((0..outputs).map(|o| at(o, 0, y, x)));
                }
            }
        } else {
            for o in 0..outputs {
                for y in 0..kh {
                    for x in 0..kw {
                        order.extend((0..per_group).map(|i| at(o, i, y, x)));
                    }
                }
            }
        }
        let turned = order.iter().map(|&i| weights[i]).collect();
        let shape = if depthwise { vec![kh, kw, outputs] } else { vec![outputs, kh, kw, per_group] };
        let bias =
            if self.given(node, 2) { self.float_constant(self.arg(node, 2)?)?.0 } else { vec![0.0; outputs] };
        if bias.len() != outputs {
            return self.b.fail("its bias does not fit");
        }
        let w = self.b.constant("weights", &shape, Data::F32(turned), None);
        let b = self.b.constant("bias", &[outputs], Data::F32(bias), None);
        self.keep_exact(node, [w, b], 0, Some(&order));
        let Window { stride, dilation, padding, .. } = window;
        let activation = Activation::None;
        let op = if depthwise {
            Op::DepthwiseConv2d { stride, dilation, padding, multiplier: outputs / x[2], activation }
        } else {
            Op::Conv2d { stride, dilation, padding, activation }
        };
        let id = self.b.make(op, vec![v.id, w, b], v.id, &[out[0], out[1], outputs]);
        if groups > 1 && !depthwise {
            self.b.by_groups(groups)?;
        }
        self.give(node, id, Self::file_shape(&v, out, outputs), true)
    }

    /// Zeros between the pixels, then a convolution with the kernel turned round.
    fn transposed(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (v, x) = self.image(self.arg(node, 0)?)?;
        let (weights, ws) = self.float_constant(self.arg(node, 1)?)?;
        let groups = usize::try_from(self.int(node, "group", 1)).unwrap_or(0);
        if ws.len() != v.shape.len() || ws[0] != x[2] || ws[1] == 0 || groups == 0 || x[2] % groups != 0 {
            return self.b.fail(format!("weights of {ws:?} in {groups} groups do not fit {:?}", v.shape));
        }
        if matches!(node.attributes.get("auto_pad"), Some(Attribute::Text(t)) if t != "NOTSET" && t != "VALID")
            || node.attributes.contains_key("output_shape")
        {
            return self.b.fail("export it with pads, without auto_pad and output_shape");
        }
        let (each, part) = (x[2] / groups, ws[1]);
        let (outputs, window) = (part.saturating_mul(groups), self.window(node, x, &ws[2..])?);
        let ([kh, kw], p) = (window.kernel, &window.padding);
        let more = self.ints(node, "output_padding").unwrap_or_else(|| vec![0; ws.len() - 2]);
        let more: Option<Vec<usize>> =
            more.iter().map(|&m| usize::try_from(m).ok().filter(|&m| m < 1 << 16)).collect();
        let more = match more.as_deref() {
            Some(&[m]) => [0, m],
            Some(&[m, n]) => [m, n],
            _ => return self.b.fail("its output_padding is not possible"),
        };
        let (mut around, mut out, mut crops) = ([[0; 2]; 2], [0; 2], [[0; 2]; 2]);
        for (a, [before, after]) in [[p.top, p.bottom], [p.left, p.right]].into_iter().enumerate() {
            let reach = (window.kernel[a] - 1).saturating_mul(window.dilation[a]);
            // Behind the last pixel lie zeros already.
            let ends = [(reach, before), (reach + more[a], after + window.stride[a] - 1)];
            around[a] = ends.map(|(have, less)| have.saturating_sub(less));
            // Padding beyond the kernel takes away what was made.
            crops[a] = ends.map(|(have, less)| less.saturating_sub(have));
            let stuffed = x[a].saturating_mul(window.stride[a]);
            out[a] = (stuffed + around[a][0] + around[a][1]).saturating_sub(reach);
        }
        let kept = [0, 1].map(|a| out[a].saturating_sub(crops[a][0].saturating_add(crops[a][1])));
        let wide = [x[0].saturating_mul(window.stride[0]), x[1].saturating_mul(window.stride[1]), x[2]];
        let made = shape::count(&[out[0], out[1], outputs]);
        if shape::count(&wide).is_none() || made.is_none() || kept.contains(&0) {
            return self.b.fail(format!("{wide:?} is too large, or nothing is left"));
        }
        let stuffed = match window.stride {
            [1, 1] => v.id,
            [a, b] => {
                let (shape, after) = (vec![x[0], 1, x[1], 1, x[2]], vec![0, a - 1, 0, b - 1, 0]);
                let pad = Op::Pad { shape, before: vec![0; 5], after, value: 0.0 };
                self.b.make(pad, vec![v.id], v.id, &wide)
            }
        };
        let mut turned = Vec::with_capacity(weights.len());
        for o in 0..outputs {
            for y in (0..kh).rev() {
                for z in (0..kw).rev() {
                    let inputs = (0..each).map(|i| o / part * each + i);
                    turned.extend(inputs.map(|i| weights[((i * part + o % part) * kh + y) * kw + z]));
                }
            }
        }
        let bias =
            if self.given(node, 2) { self.float_constant(self.arg(node, 2)?)?.0 } else { vec![0.0; outputs] };
        if bias.len() != outputs {
            return self.b.fail("its bias does not fit");
        }
        let w = self.b.constant("weights", &[outputs, kh, kw, each], Data::F32(turned), None);
        let b = self.b.constant("bias", &[outputs], Data::F32(bias), None);
        let [[top, bottom], [left, right]] = around;
        let op = Op::Conv2d {
            stride: [1, 1],
            dilation: window.dilation,
            padding: Padding { top, bottom, left, right },
            activation: Activation::None,
        };
        let mut id = self.b.make(op, vec![stuffed, w, b], v.id, &[out[0], out[1], outputs]);
        if groups > 1 {
            self.b.by_groups(groups)?;
        }
        if kept != out {
            let row = out[1] * outputs;
            let first = crops[0][0] * row + crops[1][0] * outputs;
            let strides = vec![row as isize, outputs as isize, 1];
            id = self.b.view(id, vec![kept[0], kept[1], outputs], strides, first)?;
        }
        self.give(node, id, Self::file_shape(&v, kept, outputs), true)
    }

    fn dense(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let (weights, ws) = self.float_constant(self.arg(node, 1)?)?;
        let &[rows, columns] = ws.as_slice() else {
            return self.b.fail(format!("its weights are {ws:?}, expected two axes"));
        };
        let gemm = node.kind == "Gemm";
        let turned = gemm && self.int(node, "transB", 0) != 0;
        let (inputs, outputs) = if turned { (columns, rows) } else { (rows, columns) };
        if inputs == 0 || outputs == 0 || v.shape.last() != Some(&inputs) {
            return self.b.fail(format!("{:?} does not fit weights of {ws:?}", v.shape));
        }
        if gemm && self.int(node, "transA", 0) != 0 {
            return self.b.fail("transA is not supported");
        }
        let (alpha, beta) =
            if gemm { (self.float(node, "alpha", 1.0), self.float(node, "beta", 1.0)) } else { (1.0, 1.0) };
        let at = |o: usize, i: usize| if turned { o * inputs + i } else { i * outputs + o };
        let order: Vec<usize> =
            (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))).map(|(o, i)| at(o, i)).collect();
        let values: Vec<f32> = order.iter().map(|&i| alpha * weights[i]).collect();
        let bias = if self.given(node, 2) {
            let (b, _) = self.float_constant(self.arg(node, 2)?)?;
            match b.len() {
                1 => vec![beta * b[0]; outputs],
                n if n == outputs => b.iter().map(|b| beta * b).collect(),
                _ => return self.b.fail("its bias does not fit"),
            }
        } else {
            vec![0.0; outputs]
        };
        let w = self.b.constant("weights", &[outputs, inputs], Data::F32(values), None);
        let b = self.b.constant("bias", &[outputs], Data::F32(bias), None);
        if alpha == 1.0 && beta == 1.0 {
            self.keep_exact(node, [w, b], usize::from(!turned), Some(&order));
        }
        let mut to = v.shape.clone();
        if let Some(last) = to.last_mut() {
            *last = outputs;
        }
        let op = Op::FullyConnected { activation: Activation::None };
        let id = self.b.make(op, vec![v.id, w, b], v.id, &shape::without_batch(&to));
        self.give(node, id, to, false)
    }

    /// Whether the second matrix is a constant of two axes: the weights of a dense layer.
    fn is_layer(&self, node: &RawNode) -> Result<bool, ImportError> {
        Ok(self.constants.get(self.arg(node, 1)?).is_some_and(|c| c.shape.len() == 2))
    }

    fn mat_mul(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let mut both = Vec::new();
        for i in 0..2 {
            let v = self.value(self.arg(node, i)?)?;
            both.push(self.first(&v)?);
        }
        let ids = [both[0].id, both[1].id];
        let ((op, inputs), to) = self.b.mat_mul(ids, [&both[0].shape, &both[1].shape], [false; 2])?;
        // What is transposed before it is read as it lies.
        let (op, inputs) = self.untransposed(op, inputs);
        let id = self.b.make(op, inputs, ids[0], &shape::without_batch(&to));
        self.give(node, id, to, false)
    }

    /// A product whose second matrix was only turned for it reads what was turned.
    fn untransposed(&self, op: Op, inputs: Vec<TensorId>) -> (Op, Vec<TensorId>) {
        let Op::MatMul { batch, shared, transposed: false } = op else { return (op, inputs) };
        let b = inputs[1];
        let columns = self.b.tensor(b).len() / (batch * shared);
        let maker = self.b.graph.nodes.iter().find(|n| n.output == b);
        let Some((Op::Strided { shape, strides, offset: 0 }, from)) = maker.map(|n| (&n.op, n.inputs[0]))
        else {
            return (op, inputs);
        };
        let all = columns * shared;
        let wanted = [(batch, all as isize), (shared, 1), (columns, shared as isize)];
        let wide =
            |of: &mut dyn Iterator<Item = (usize, isize)>| of.filter(|(n, _)| *n > 1).collect::<Vec<_>>();
        let seen = wide(&mut shape.iter().copied().zip(strides.iter().copied()));
        let whole = self.b.tensor(from).len() == batch * all;
        if !whole || seen != wide(&mut wanted.into_iter()) {
            return (op, inputs);
        }
        (Op::MatMul { batch, shared, transposed: true }, vec![inputs[0], from])
    }

    /// Padding behind, as far as a last window reaches that does not fit; none begins behind the input.
    fn round_up(&self, x: [usize; 3], w: &mut Window) -> Result<(), ImportError> {
        let floor = self.extents(x, w)?;
        let p = &mut w.padding;
        for (a, (before, after)) in [(p.top, &mut p.bottom), (p.left, &mut p.right)].into_iter().enumerate() {
            let begin = floor[a] * w.stride[a];
            let (end, whole) = (begin + w.kernel[a], x[a] + before + *after);
            let even = begin - w.stride[a] + w.kernel[a] == whole;
            if !even && begin < x[a] + before {
                *after += end - whole;
            }
        }
        Ok(())
    }

    fn pool(&mut self, node: &RawNode, kind: PoolKind) -> Result<(), ImportError> {
        let (v, x) = self.image(self.arg(node, 0)?)?;
        let kernel = self.ints(node, "kernel_shape").unwrap_or_default();
        let kernel: Vec<usize> = kernel.iter().map(|&k| usize::try_from(k).unwrap_or(0)).collect();
        if kernel.len() + 2 != v.shape.len() {
            return self.b.fail("its kernel does not fit its input");
        }
        let mut w = self.window(node, x, &kernel)?;
        if w.dilation != [1, 1] {
            return self.b.fail("dilations of a pooling are not supported; export it without, or as a strided slice before the pooling");
        }
        let padding = w.padding;
        if self.int(node, "ceil_mode", 0) != 0 {
            self.round_up(x, &mut w)?;
        }
        let out = self.extents(x, &w)?;
        let mut from = v.id;
        let counted = kind == PoolKind::Average && self.int(node, "count_include_pad", 0) != 0;
        if counted && padding != Padding::default() {
            // Zeros that count are elements; what rounding up reaches beyond them does not count.
            let Padding { top, bottom, left, right } = padding;
            let (before, after) = (vec![top, left, 0], vec![bottom, right, 0]);
            let whole = [x[0] + top + bottom, x[1] + left + right, x[2]];
            if shape::count(&whole).is_none() {
                return self.b.fail(format!("{whole:?} is too large"));
            }
            let pad = Op::Pad { shape: x.to_vec(), before, after, value: 0.0 };
            from = self.b.make(pad, vec![from], from, &whole);
            let p = &mut w.padding;
            *p = Padding { top: 0, bottom: p.bottom - bottom, left: 0, right: p.right - right };
        }
        let activation = Activation::None;
        let op = Op::Pool2d { kind, kernel: w.kernel, stride: w.stride, padding: w.padding, activation };
        let id = self.b.make(op, vec![from], v.id, &[out[0], out[1], x[2]]);
        self.give(node, id, Self::file_shape(&v, out, x[2]), true)
    }

    fn global_average(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (v, [h, w, c]) = self.image(self.arg(node, 0)?)?;
        let out = self.b.flow("mean", &[1, 1, c], DType::F32, None);
        self.b.reduce(ReduceKind::Mean, v.id, &[h, w, c], &[0, 1], out)?;
        self.give(node, out, Self::file_shape(&v, [1, 1], c), true)
    }

    /// Per channel `x * scale + bias`: a depthwise convolution of one pixel.
    fn batch_norm(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let channels = v.shape.get(1).copied().unwrap_or(0);
        let mut parts = Vec::new();
        for i in 1..5 {
            let (values, _) = self.float_constant(self.arg(node, i)?)?;
            if values.len() != channels {
                return self.b.fail("its constants do not fit its channels");
            }
            parts.push(values);
        }
        let epsilon = self.float(node, "epsilon", 1e-5);
        let scale: Vec<f32> =
            (0..channels).map(|c| parts[0][c] / (parts[3][c] + epsilon).max(0.0).sqrt()).collect();
        let bias = (0..channels).map(|c| parts[1][c] - parts[2][c] * scale[c]).collect();
        let full = v.shape.clone();
        let flat = v.shape.len() == 2;
        let (id, size) = if flat {
            let size = [1, full[0], channels];
            (self.b.make(Op::Reshape, vec![v.id], v.id, &size), size)
        } else {
            let (v, size) = self.image(self.arg(node, 0)?)?;
            (v.id, size)
        };
        let w = self.b.constant("scale", &[1, 1, channels], Data::F32(scale), None);
        let b = self.b.constant("bias", &[channels], Data::F32(bias), None);
        let op = Op::DepthwiseConv2d {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            multiplier: 1,
            activation: Activation::None,
        };
        let mut out = self.b.make(op, vec![id, w, b], id, &size);
        if flat {
            out = self.b.make(Op::Reshape, vec![out], out, &shape::without_batch(&full));
        }
        self.give(node, out, full, true)
    }
}
