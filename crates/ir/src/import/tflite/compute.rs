//! Operators that compute.

use super::{Importer, model::RawOp, model::Type};
use crate::{
    extra::{BinaryKind, Function, ReduceKind, Sampling},
    graph::{Activation, DType, Data, Op, Padding, PoolKind, Quant, TensorId},
    import::{ImportError, shape},
};

impl Importer<'_> {
    /// Imports the operator when it is one of these.
    pub(super) fn compute(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        match op.code {
            3 => self.convolution(op, false)?,
            4 => self.convolution(op, true)?,
            9 => self.dense(op)?,
            1 => self.pool(op, PoolKind::Average)?,
            17 => self.pool(op, PoolKind::Max)?,
            0 => self.binary(op, BinaryKind::Add)?,
            18 => self.binary(op, BinaryKind::Mul)?,
            41 => self.binary(op, BinaryKind::Sub)?,
            42 => self.binary(op, BinaryKind::Div)?,
            55 => self.binary(op, BinaryKind::Maximum)?,
            57 => self.binary(op, BinaryKind::Minimum)?,
            99 => self.binary(op, BinaryKind::SquaredDifference)?,
            14 => self.unary(op, Function::Logistic)?,
            28 => self.unary(op, Function::Tanh)?,
            117 => self.unary(op, Function::HardSwish)?,
            150 => match self.small(op, 0)? {
                0 => self.unary(op, Function::GeluErf)?,
                _ => self.unary(op, Function::Gelu)?,
            },
            73 => self.unary(op, Function::Log)?,
            111 => self.unary(op, Function::Elu(1.0))?,
            47 => self.unary(op, Function::Exp)?,
            101 => self.unary(op, Function::Abs)?,
            59 => self.unary(op, Function::Neg)?,
            75 => self.unary(op, Function::Sqrt)?,
            76 => self.unary(op, Function::Rsqrt)?,
            92 => self.unary(op, Function::Square)?,
            98 => {
                let alpha = match &op.options {
                    Some(t) => t.f32(0).or_else(|e| self.b.fail(e))?,
                    None => 0.0,
                };
                self.unary(op, Function::LeakyRelu(alpha))?;
            }
            19 => self.simple(op, Op::Activate { activation: Activation::Relu })?,
            20 => self.simple(op, Op::Activate { activation: Activation::ReluN1To1 })?,
            21 => self.simple(op, Op::Activate { activation: Activation::Relu6 })?,
            25 => self.softmax(op)?,
            40 => self.reduce(op, ReduceKind::Mean)?,
            74 => self.reduce(op, ReduceKind::Sum)?,
            82 => self.reduce(op, ReduceKind::Max)?,
            89 => self.reduce(op, ReduceKind::Min)?,
            126 => self.mat_mul(op)?,
            6 => self.dequantize(op)?,
            114 => self.quantize(op)?,
            23 => {
                let bit = |n| Ok::<bool, ImportError>(self.small(op, n)? != 0);
                let sampling = Sampling { align_corners: bit(2)?, half_pixel: bit(3)? };
                self.simple(op, Op::ResizeBilinear { sampling })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn activation(&self, code: i8) -> Result<Activation, ImportError> {
        Ok(match code {
            0 => Activation::None,
            1 => Activation::Relu,
            2 => Activation::ReluN1To1,
            3 => Activation::Relu6,
            _ => return self.b.fail("its fused activation is not supported; make it a layer of its own"),
        })
    }

    pub(super) fn simple(&mut self, op: &RawOp<'_>, what: Op) -> Result<(), ImportError> {
        let x = self.input(self.arg(op, 0)?)?;
        let y = self.output(self.out(op)?)?;
        self.b.node(what, vec![x], y);
        Ok(())
    }

    fn unary(&mut self, op: &RawOp<'_>, function: Function) -> Result<(), ImportError> {
        self.simple(op, Op::Unary { function })
    }

    fn softmax(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let beta = match &op.options {
            Some(t) => t.f32(0).or_else(|e| self.b.fail(e))?,
            None => 1.0,
        };
        if beta != 1.0 {
            return self.b.fail(format!("beta {beta} is not supported; scale the layer before it"));
        }
        let kinds = (self.kind(self.arg(op, 0)?)?.0, self.kind(self.out(op)?)?.0);
        if kinds.0 != kinds.1 && kinds != (DType::I8, DType::I16) {
            return self.b.fail(format!(
                "from {:?} to {:?} is not supported; give its output the type of its input",
                kinds.0, kinds.1
            ));
        }
        self.simple(op, Op::Softmax)
    }

    /// Shape `[h, w, c]` of an image tensor `[1, h, w, c]`.
    pub(super) fn image(&self, id: i32) -> Result<[usize; 3], ImportError> {
        match *self.full(id)? {
            [1, h, w, c] if h > 0 && w > 0 && c > 0 => Ok([h, w, c]),
            ref other => {
                self.b.fail(format!("its input is {other:?}, expected [1, height, width, channels]"))
            }
        }
    }

    /// Padding of one axis: before and after.
    fn same(input: usize, kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
        let out = input.div_ceil(stride);
        let covered = (kernel - 1) * dilation + 1;
        let total = ((out - 1) * stride + covered).saturating_sub(input);
        (total / 2, total - total / 2)
    }

    fn padding(
        &self,
        code: i8,
        x: [usize; 3],
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
    ) -> Result<Padding, ImportError> {
        match code {
            0 => {
                let (top, bottom) = Self::same(x[0], kernel[0], stride[0], dilation[0]);
                let (left, right) = Self::same(x[1], kernel[1], stride[1], dilation[1]);
                Ok(Padding { top, bottom, left, right })
            }
            1 => Ok(Padding::default()),
            other => self.b.fail(format!("padding {other} is not known")),
        }
    }

    /// A positive step of at most 2^16.
    pub(super) fn step(&self, op: &RawOp<'_>, n: usize) -> Result<usize, ImportError> {
        match self.option(op, n, 1)? {
            s @ 1..=65536 => Ok(s as usize),
            s => self.b.fail(format!("a step of {s} is not possible")),
        }
    }

    fn convolution(&mut self, op: &RawOp<'_>, depthwise: bool) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let x = self.image(id)?;
        let weights = self.arg(op, 1)?;
        let [first, kh, kw, last] = *self.full(weights)? else {
            return self.b.fail(format!("its weights are {:?}", self.full(weights)?));
        };
        if kh == 0 || kw == 0 || first == 0 || last == 0 {
            return self.b.fail("its weights are empty");
        }
        let from = usize::from(depthwise);
        let stride = [self.step(op, 2)?, self.step(op, 1)?];
        let dilation = [self.step(op, 5 + from)?, self.step(op, 4 + from)?];
        let activation = self.activation(self.small(op, 3 + from)?)?;
        let padding = self.padding(self.small(op, 0)?, x, [kh, kw], stride, dilation)?;
        let mut groups = 1;
        let what = if depthwise {
            if first != 1 || last % x[2] != 0 {
                return self.b.fail(format!("{last} outputs do not fit {} channels", x[2]));
            }
            Op::DepthwiseConv2d { stride, dilation, padding, multiplier: last / x[2], activation }
        } else {
            groups = x[2] / last;
            if x[2] % last != 0 || first % groups != 0 {
                return self.b.fail(format!("weights for {last} channels do not fit {} channels", x[2]));
            }
            Op::Conv2d { stride, dilation, padding, activation }
        };
        let (shape, axis) = if depthwise { (vec![kh, kw, last], 3) } else { (vec![first, kh, kw, last], 0) };
        let outputs = if depthwise { last } else { first };
        self.layer(op, what, &shape, axis, outputs)?;
        if groups > 1 { self.b.by_groups(groups) } else { Ok(()) }
    }

    fn dense(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let weights = self.arg(op, 1)?;
        let [m, n] = *self.full(weights)? else {
            return self
                .b
                .fail(format!("its weights are {:?}, expected [outputs, inputs]", self.full(weights)?));
        };
        if m == 0 || n == 0 {
            return self.b.fail("its weights are empty");
        }
        if self.small(op, 1)? != 0 {
            return self.b.fail("shuffled weights are not supported");
        }
        let activation = self.activation(self.small(op, 0)?)?;
        self.layer(op, Op::FullyConnected { activation }, &[m, n], 0, m)
    }

    /// A layer with weights (per channel along `axis` of the file's tensor) and a bias.
    pub(super) fn layer(
        &mut self,
        op: &RawOp<'_>,
        what: Op,
        shape: &[usize],
        axis: usize,
        outputs: usize,
    ) -> Result<(), ImportError> {
        let mut x = self.input(self.arg(op, 0)?)?;
        let weights = self.arg(op, 1)?;
        let w = self.tensor(weights)?;
        let bias = op.inputs.get(2).copied().filter(|&id| id >= 0);
        let y = self.out(op)?;
        let missing = |of: &str| format!("its {of} are not constant; it needs constant {of}");
        if w.data.is_none() && !self.map.contains_key(&weights) {
            return self.b.fail(missing("weights"));
        }
        // Weights behind DEQUANTIZE are constants of the graph by now.
        let folded = self.map.get(&weights).and_then(|id| match &self.b.tensor(*id).data {
            Some(Data::F32(v)) => Some(v.clone()),
            _ => None,
        });
        let wide = self.b.tensor(x).dtype == DType::I16;
        let integer = wide || self.b.tensor(x).dtype == DType::I8;
        let (weight_id, bias_id) = if integer {
            let (Type::I8, Some(data)) = (w.kind, w.data) else {
                return self.b.fail(format!("its weights are {:?}; int8 is supported", w.kind));
            };
            if w.zero.iter().any(|z| *z != 0) {
                return self.b.fail("its weights have a zero point; convert with symmetric weights");
            }
            if w.scale.is_empty() || (w.scale.len() != 1 && w.scale.len() != outputs) {
                return self.b.fail(format!("{} scales do not fit {outputs} outputs", w.scale.len()));
            }
            // A dead channel may have scale 0: its outputs are the zero point.
            let scale: Vec<f32> = w.scale.iter().map(|s| s.max(f32::MIN_POSITIVE)).collect();
            let axis = if shape.len() == 3 { 2 } else { 0 };
            let values = data.iter().map(|b| *b as i8).collect();
            let quant = Some(Quant { scale: scale.clone(), zero_point: 0, axis });
            let weight_id = self.b.constant(&w.name, shape, Data::I8(values), quant);
            let kind = if wide { Type::I64 } else { Type::I32 };
            let values = match bias {
                None => vec![0; outputs],
                Some(id) => {
                    let t = self.tensor(id)?;
                    // Sums of int16 activations are of 64 bits; their bias may be of 32.
                    let narrow = wide && t.kind == Type::I32;
                    match t.ints().filter(|v| (t.kind == kind || narrow) && v.len() == outputs) {
                        Some(v) => v,
                        None if wide => {
                            return self.b.fail("its bias is no constant of 64-bit or 32-bit integers");
                        }
                        None => return self.b.fail("its bias is no constant of 32-bit integers"),
                    }
                }
            };
            let values = match kind {
                Type::I64 => Data::I64(values),
                _ => Data::I32(values.iter().map(|v| *v as i32).collect()),
            };
            let input = self.b.tensor(x).quant.as_ref().map_or(1.0, |q| q.scale[0]);
            let scale: Vec<f32> = scale.iter().map(|s| (s * input).max(f32::MIN_POSITIVE)).collect();
            let quant = Some(Quant { scale, zero_point: 0, axis: 0 });
            let name = format!("{}_bias", w.name);
            (weight_id, self.b.constant(&name, &[outputs], values, quant))
        } else {
            let hybrid =
                folded.is_none() && w.kind == Type::I8 && !self.blocks.contains_key(&self.arg(op, 0)?);
            if let (true, Some((row, symmetric))) = (hybrid, self.hybrid(op, w.scale.len(), outputs)?) {
                let own = self.b.tensor(x).shape.clone();
                x = self.b.make(Op::Snap { row, symmetric }, vec![x], x, &own);
            } else if matches!(w.kind, Type::I8 | Type::U8 | Type::I16) && folded.is_none() {
                self.b.note(
                    "weights are integers and activations are float (dynamic range): the weights were turned into float, \
                     which differs from the runtime's hybrid kernels by their rounding of activations"
                        .into(),
                );
            }
            let Some(values) = folded.or_else(|| w.floats(axis)) else {
                return self.b.fail(format!("its weights are {:?}", w.kind));
            };
            let weight_id = self.b.constant(&w.name, shape, Data::F32(values), None);
            let values = match bias {
                None => vec![0.0; outputs],
                Some(id) => {
                    let there = self.map.get(&id).and_then(|id| match &self.b.tensor(*id).data {
                        Some(Data::F32(v)) => Some(v.clone()),
                        _ => None,
                    });
                    match there.or_else(|| self.tensor(id).ok()?.floats(0)) {
                        Some(v) if v.len() == outputs => v,
                        _ => return self.b.fail(missing("biases")),
                    }
                }
            };
            let name = format!("{}_bias", w.name);
            (weight_id, self.b.constant(&name, &[outputs], Data::F32(values), None))
        };
        let y = self.output(y)?;
        self.b.node(what, vec![x, weight_id, bias_id], y);
        Ok(())
    }

    /// How the hybrid kernel of a layer rounds its input: values that share a range, and whether it is symmetric; `None` when there is no such
    /// kernel. Weights with a scale for each output have another kernel.
    fn hybrid(
        &self,
        op: &RawOp<'_>,
        scales: usize,
        outputs: usize,
    ) -> Result<Option<(usize, bool)>, ImportError> {
        let (x, w) = (self.full(self.arg(op, 0)?)?, self.full(self.arg(op, 1)?)?);
        Ok(match op.code {
            9 => w.last().map(|&n| Ok::<_, ImportError>((n, self.small(op, 3)? == 0))).transpose()?,
            3 => Some((x.iter().product(), scales == 1)),
            4 if scales == outputs => Some((x.iter().product(), false)),
            _ => None,
        })
    }

    fn pool(&mut self, op: &RawOp<'_>, kind: PoolKind) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let x = self.image(id)?;
        let kernel = [self.step(op, 4)?, self.step(op, 3)?];
        let stride = [self.step(op, 2)?, self.step(op, 1)?];
        let padding = self.padding(self.small(op, 0)?, x, kernel, stride, [1, 1])?;
        let activation = self.activation(self.small(op, 5)?)?;
        self.simple(op, Op::Pool2d { kind, kernel, stride, padding, activation })
    }

    fn binary(&mut self, op: &RawOp<'_>, kind: BinaryKind) -> Result<(), ImportError> {
        let (a, b, y) = (self.arg(op, 0)?, self.arg(op, 1)?, self.out(op)?);
        let fused = match op.code {
            0 | 18 | 41 | 42 => self.small(op, 0)?,
            _ => 0,
        };
        let activation = self.activation(fused)?;
        self.general_scales(op)?;
        let (from_a, from_b) = (self.full(a)?, self.full(b)?);
        let Some(to) = shape::common(from_a, from_b) else {
            return self.b.fail(format!("{from_a:?} and {from_b:?} do not fit each other"));
        };
        let (x, second) = (self.input(a)?, self.input(b)?);
        let x = self.b.spread(x, from_a, &to)?;
        let second = self.b.spread(second, from_b, &to)?;
        self.pair(kind, activation, x, second, y)
    }

    /// Sums of 16 bits whose scales are all powers of two have an older arithmetic unless their options say otherwise.
    fn general_scales(&self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let option = match op.code {
            0 => 1,
            41 => 1,
            _ => return Ok(()),
        };
        let mut ends = op.inputs.iter().take(2).chain(op.outputs.first());
        let old = match &op.options {
            Some(t) => t.i8(option, 1).or_else(|e| self.b.fail(e))? != 0,
            None => true,
        };
        let powers = ends.all(|&id| {
            self.tensor(id)
                .is_ok_and(|t| t.kind == Type::I16 && t.scale.first().is_some_and(|s| s.to_bits() << 9 == 0))
        });
        if old && powers {
            return self.b.fail("its int16 scales are all powers of two, with the arithmetic of old converters; convert the model anew");
        }
        Ok(())
    }

    fn pair(
        &mut self,
        kind: BinaryKind,
        activation: Activation,
        a: TensorId,
        b: TensorId,
        y: i32,
    ) -> Result<(), ImportError> {
        let y = self.output(y)?;
        let plain = |id: TensorId| self.b.tensor(id).data.is_none();
        let alike = self.b.tensor(a).shape == self.b.tensor(b).shape
            && self.b.tensor(a).shape == self.b.tensor(y).shape;
        let what = if kind == BinaryKind::Add && plain(a) && plain(b) && alike {
            Op::Add { activation }
        } else {
            Op::Binary { kind, activation }
        };
        let (mut a, mut b) = (a, b);
        if matches!(kind, BinaryKind::Maximum | BinaryKind::Minimum) {
            (a, b) = (self.b.at_scale_of(a, y), self.b.at_scale_of(b, y));
        }
        self.b.node(what, vec![a, b], y);
        Ok(())
    }

    /// Batches that are not there in one of the matrices are repeated, as NumPy does.
    fn mat_mul(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (a, b, out) = (self.arg(op, 0)?, self.arg(op, 1)?, self.out(op)?);
        let turned = [self.small(op, 0)? != 0, self.small(op, 1)? != 0];
        let (from_a, from_b) = (self.full(a)?, self.full(b)?);
        let (x, second) = (self.input(a)?, self.input(b)?);
        let (op, inputs) = self.b.mat_mul([x, second], [from_a, from_b], turned)?.0;
        let y = self.output(out)?;
        self.b.node(op, inputs, y);
        Ok(())
    }

    fn reduce(&mut self, op: &RawOp<'_>, kind: ReduceKind) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?;
        let mut axes = Vec::new();
        for a in self.ints(self.arg(op, 1)?)? {
            match shape::axis(a, full.len()) {
                Some(a) => axes.push(a),
                None => return self.b.fail(format!("axis {a} does not exist in {full:?}")),
            }
        }
        let x = self.input(id)?;
        let y = self.output(self.out(op)?)?;
        self.b.reduce(kind, x, full, &axes, y)
    }

    fn dequantize(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let t = self.tensor(id)?;
        if t.data.is_some() {
            let Some(values) = t.floats(usize::try_from(t.axis).unwrap_or(usize::MAX)) else {
                return self.b.fail(format!(
                    "the constant `{}` is {:?} of {:?} with {} scales along axis {}",
                    t.name,
                    t.kind,
                    t.shape,
                    t.scale.len(),
                    t.axis
                ));
            };
            let made = self.b.constant(&t.name, &shape::without_batch(&t.shape), Data::F32(values), None);
            self.map.insert(out, made);
            return Ok(());
        }
        let x = self.input(id)?;
        let x = self.signed(x);
        let y = self.output(out)?;
        self.b.node(Op::Dequantize, vec![x], y);
        Ok(())
    }

    /// An unsigned tensor as the signed one of the same values.
    fn signed(&mut self, x: TensorId) -> TensorId {
        let t = self.b.tensor(x).clone();
        if t.dtype != DType::U8 {
            return x;
        }
        let quant = t.quant.map(|q| Quant { zero_point: q.zero_point - 128, ..q });
        let made = self.b.flow(&format!("{}_signed", t.name), &t.shape, DType::I8, quant);
        self.b.node(Op::Quantize, vec![x], made);
        made
    }

    fn quantize(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let x = self.input(self.arg(op, 0)?)?;
        let y = self.output(self.out(op)?)?;
        let (from, to) = (self.b.tensor(x).clone(), self.b.tensor(y).clone());
        let x = match (from.dtype, to.dtype) {
            (DType::U8, DType::U8) => self.signed(x),
            (DType::F32, DType::U8) => {
                let quant = to.quant.map(|q| Quant { zero_point: q.zero_point - 128, ..q });
                let made = self.b.flow(&format!("{}_signed", to.name), &to.shape, DType::I8, quant);
                self.b.node(Op::Quantize, vec![x], made);
                made
            }
            _ => x,
        };
        self.b.node(Op::Quantize, vec![x], y);
        Ok(())
    }
}
