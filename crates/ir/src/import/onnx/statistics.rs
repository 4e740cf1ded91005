//! Operators made of means, extremes and powers.

use super::{Importer, RawNode};
use crate::{
    extra::{BinaryKind, Function, ReduceKind},
    graph::{Activation, DType, Data, Op, TensorId},
    import::{ImportError, shape},
};

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn statistics(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        match node.kind.as_str() {
            "GlobalMaxPool" => self.global_max(node)?,
            "ReduceMin" => self.reduce(node, ReduceKind::Min)?,
            "Pow" => self.power(node)?,
            "PRelu" => self.prelu(node)?,
            "LayerNormalization" => self.layer_norm(node)?,
            "InstanceNormalization" => self.channel_norm(node, None)?,
            "GroupNormalization" => {
                let groups = usize::try_from(self.int(node, "num_groups", 0)).unwrap_or(0);
                self.channel_norm(node, Some(groups))?;
            }
            "ReduceL2" => self.norm(node, Function::Square, true)?,
            "ReduceL1" => self.norm(node, Function::Abs, false)?,
            "ReduceSumSquare" => self.norm(node, Function::Square, false)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn global_max(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        if v.shape.len() < 3 || v.shape[0] != 1 {
            return self.b.fail(format!("its input is {:?}, expected [1, channels, height, width]", v.shape));
        }
        let mut to = vec![1, v.shape[1]];
        to.resize(v.shape.len(), 1);
        let out = self.b.flow("largest", &shape::without_batch(&to), DType::F32, None);
        let axes: Vec<usize> = (2..v.shape.len()).collect();
        self.b.reduce(ReduceKind::Max, v.id, &v.shape, &axes, out)?;
        self.give(node, out, to, false)
    }

    /// A sum of squares or sizes, or the root of it.
    fn norm(&mut self, node: &RawNode, function: Function, root: bool) -> Result<(), ImportError> {
        let name = self.arg(node, 0)?.to_owned();
        let v = self.value(&name)?;
        let like = self.b.tensor(v.id).shape.clone();
        let each = self.b.make(Op::Unary { function }, vec![v.id], v.id, &like);
        self.values.insert(name.clone(), super::Value { id: each, ..v.clone() });
        let reduced = self.reduce(node, ReduceKind::Sum);
        self.values.insert(name, v);
        reduced?;
        let Some(out) = node.outputs.first().and_then(|n| self.values.get(n)).cloned() else {
            return self.b.fail("it has no output");
        };
        if !root {
            return Ok(());
        }
        let like = self.b.tensor(out.id).shape.clone();
        let id = self.b.make(Op::Unary { function: Function::Sqrt }, vec![out.id], out.id, &like);
        self.give(node, id, out.shape, out.last)
    }

    /// Each channel, or each group of channels, to mean 0 and variance 1, then a scale and a bias for each channel.
    fn channel_norm(&mut self, node: &RawNode, groups: Option<usize>) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let &[1, channels, ..] = v.shape.as_slice() else {
            return self.b.fail(format!("its input is {:?}, expected [1, channels, ...]", v.shape));
        };
        let (scale, _) = self.float_constant(self.arg(node, 1)?)?;
        let (bias, _) = self.float_constant(self.arg(node, 2)?)?;
        let total: usize = v.shape.iter().product();
        let rows = groups.unwrap_or(channels);
        let fits = rows > 0 && channels % rows == 0 && total > 0;
        if !fits || scale.len() != channels || bias.len() != channels {
            return self.b.fail(format!(
                "{rows} groups, {} scales and {} biases do not fit {channels} channels",
                scale.len(),
                bias.len()
            ));
        }
        let epsilon = self.float(node, "epsilon", 1e-5);
        let standard = self.standard(v.id, rows, total / rows, epsilon)?;
        let (row, full) = ([channels, 1], [channels, total / channels]);
        let scale = self.b.constant("scale", &[channels], Data::F32(scale), None);
        let scale = self.b.spread(scale, &row, &full)?;
        let scaled = self.two(BinaryKind::Mul, standard, scale, &full);
        let bias = self.b.constant("bias", &[channels], Data::F32(bias), None);
        let bias = self.b.spread(bias, &row, &full)?;
        let own = shape::without_batch(&v.shape);
        let id = self.two(BinaryKind::Add, scaled, bias, &own);
        self.give(node, id, v.shape, false)
    }

    /// Rows of `count` values, each to mean 0 and variance 1.
    fn standard(
        &mut self,
        x: TensorId,
        rows: usize,
        count: usize,
        epsilon: f32,
    ) -> Result<TensorId, ImportError> {
        let (full, row) = ([rows, count], [rows, 1]);
        let mean = Op::Reduce { kind: ReduceKind::Mean, count, inner: 1 };
        let centre = self.b.make(mean.clone(), vec![x], x, &[rows]);
        let centre = self.b.spread(centre, &row, &full)?;
        let centred = self.two(BinaryKind::Sub, x, centre, &full);
        let squares = self.b.make(Op::Unary { function: Function::Square }, vec![centred], centred, &full);
        let variance = self.b.make(mean, vec![squares], squares, &[rows]);
        let least = self.b.constant("epsilon", &[rows], Data::F32(vec![epsilon; rows]), None);
        let variance = self.two(BinaryKind::Add, variance, least, &[rows]);
        let by = self.b.make(Op::Unary { function: Function::Rsqrt }, vec![variance], variance, &[rows]);
        let by = self.b.spread(by, &row, &full)?;
        Ok(self.two(BinaryKind::Mul, centred, by, &full))
    }

    fn power(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (exponent, _) = self.float_constant(self.arg(node, 1)?)?;
        let function = match exponent.as_slice() {
            [2.0] => Function::Square,
            [0.5] => Function::Sqrt,
            [-0.5] => Function::Rsqrt,
            _ => return self.b.fail("powers of 2, 0.5 and -0.5 are supported"),
        };
        self.simple(node, Op::Unary { function })
    }

    /// `max(x, 0) + slope * min(x, 0)`.
    fn prelu(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let (slope, mut from) = self.float_constant(self.arg(node, 1)?)?;
        while from.len() < v.shape.len() {
            from.insert(0, 1);
        }
        let own = self.b.tensor(v.id).shape.clone();
        let count = own.iter().product();
        let slope = self.b.constant("slope", &shape::without_batch(&from), Data::F32(slope), None);
        let slope = self.b.spread(slope, &from, &v.shape)?;
        let zeros = self.b.constant("zeros", &own, Data::F32(vec![0.0; count]), None);
        let below = self.two(BinaryKind::Minimum, v.id, zeros, &own);
        let scaled = self.two(BinaryKind::Mul, below, slope, &own);
        let relu = Op::Activate { activation: Activation::Relu };
        let above = self.b.make(relu, vec![v.id], v.id, &own);
        let id = self.two(BinaryKind::Add, above, scaled, &own);
        self.give(node, id, v.shape, false)
    }

    fn two(&mut self, kind: BinaryKind, a: TensorId, b: TensorId, shape: &[usize]) -> TensorId {
        self.b.make(Op::Binary { kind, activation: Activation::None }, vec![a, b], a, shape)
    }

    /// `(x - mean) / sqrt(variance + epsilon) * scale + bias` over the last axes.
    fn layer_norm(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let Some(axis) = shape::axis(self.int(node, "axis", -1), v.shape.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let count: usize = v.shape[axis..].iter().product();
        let rows: usize = v.shape[..axis].iter().product();
        let (scale, _) = self.float_constant(self.arg(node, 1)?)?;
        let bias = match self.given(node, 2) {
            true => self.float_constant(self.arg(node, 2)?)?.0,
            false => vec![0.0; count],
        };
        if count == 0 || rows == 0 || scale.len() != count || bias.len() != count {
            return self.b.fail("its scale and bias do not fit its axes");
        }
        let epsilon = self.float(node, "epsilon", 1e-5);
        let full = [rows, count];
        let standard = self.standard(v.id, rows, count, epsilon)?;
        let scale = self.b.constant("scale", &[count], Data::F32(scale), None);
        let scale = self.b.spread(scale, &[1, count], &full)?;
        let scaled = self.two(BinaryKind::Mul, standard, scale, &full);
        let bias = self.b.constant("bias", &[count], Data::F32(bias), None);
        let bias = self.b.spread(bias, &[1, count], &full)?;
        let own = shape::without_batch(&v.shape);
        let id = self.two(BinaryKind::Add, scaled, bias, &own);
        self.give(node, id, v.shape, false)
    }
}
