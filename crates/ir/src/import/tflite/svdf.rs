//! SVDF: a dense layer that remembers.

use super::{
    Importer, Key,
    model::{RawOp, Type},
};
use crate::{
    extra::{BinaryKind, ReduceKind},
    graph::{Activation, DType, Data, Op, Quant},
    import::{ImportError, shape},
};

/// Extents of an SVDF.
struct Extents {
    inputs: usize,
    filters: usize,
    memory: usize,
    units: usize,
}

impl Importer<'_> {
    pub(super) fn svdf(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let (feature, time, state) = (self.arg(op, 1)?, self.arg(op, 2)?, self.arg(op, 4)?);
        let rank = usize::try_from(self.option(op, 0, 0)?).unwrap_or(0);
        let (&[filters, inputs], &[rows, memory]) = (self.full(feature)?, self.full(time)?) else {
            return self.b.fail("its weights must be of two axes each");
        };
        let Some(units) = (filters * memory > 0).then(|| filters.checked_div(rank)).flatten() else {
            return self.b.fail(format!("a rank of {rank} does not fit {filters} filters"));
        };
        let count = |id: i32| self.full(id).map(shape::count);
        if rows != filters
            || units * rank != filters
            || count(id)? != Some(inputs)
            || count(out)? != Some(units)
            || count(state)? != Some(filters * memory)
        {
            return self.b.fail(format!(
                "an input of {:?}, weights of [{filters}, {inputs}] and [{rows}, {memory}] and a state of {:?} do not fit; a batch of 1 is supported",
                self.full(id)?,
                self.full(state)?
            ));
        }
        let extents = Extents { inputs, filters, memory, units };
        match self.kind(id)?.0 {
            DType::F32 => self.float_svdf(op, &extents),
            DType::I8 => self.integer_svdf(op, &extents),
            _ => self.b.fail("it is supported in int8 and in float"),
        }
    }

    /// Values of the bias; zeros when there is none.
    fn svdf_bias(&self, op: &RawOp<'_>, units: usize) -> Result<Option<i32>, ImportError> {
        match op.inputs.get(3) {
            Some(&id) if id >= 0 && self.tensor(id)?.len() == units => Ok(Some(id)),
            Some(&id) if id >= 0 => self.b.fail(format!("its bias is no constant of {units} values")),
            _ => Ok(None),
        }
    }

    fn integer_svdf(&mut self, op: &RawOp<'_>, e: &Extents) -> Result<(), ImportError> {
        let [id, feature, time, state] = [0, 1, 2, 4].map(|i| op.inputs[i]);
        let out = self.out(op)?;
        let activation = self.activation(self.small(op, 1)?)?;
        let (DType::I8, Some(out_quant)) = self.kind(out)? else {
            return self.b.fail("its output must be int8");
        };
        match activation {
            Activation::None => {}
            Activation::Relu => {
                if out_quant.zero_point != -128 {
                    self.b.note("the RELU of an SVDF in integers is left out, as in LiteRT and TFLM: its output's zero point is not -128".into());
                }
            }
            _ => {
                return self.b.fail(
                    "its fused activation is not what the runtimes compute in integers; RELU is supported",
                );
            }
        }
        let kind = self.tensor(state)?.kind;
        if !matches!(kind, Type::I8 | Type::I16) || self.tensor(time)?.kind != kind {
            return self.b.fail(format!(
                "its state is {kind:?} and its weights over time {:?}; both int16 or both int8 are supported",
                self.tensor(time)?.kind
            ));
        }
        let (f, t) = (self.tensor(feature)?, self.tensor(time)?);
        let one = |scale: &[f32], zero: &[i64]| match scale {
            &[s] if s > 0.0 && zero.iter().all(|&z| z == 0) => {
                Some(Quant { scale: vec![s], zero_point: 0, axis: 0 })
            }
            _ => None,
        };
        let (Type::I8, Some(values), Some(f_quant)) = (f.kind, f.data, one(&f.scale, &f.zero)) else {
            return self
                .b
                .fail("its weights over the input must be int8 constants with one scale and no zero point");
        };
        let times = match t.data {
            Some(bytes) if kind == Type::I8 => Some(Data::I8(bytes.iter().map(|&b| b as i8).collect())),
            _ => t.shorts().map(Data::I16),
        };
        let (Some(times), Some(t_quant)) = (times, one(&t.scale, &t.zero)) else {
            return self.b.fail("its weights over time must be constants with one scale and no zero point");
        };
        let bias = match self.svdf_bias(op, e.units)? {
            None => vec![0; e.units],
            Some(id) => match self.tensor(id)?.ints() {
                Some(v) if self.tensor(id)?.kind == Type::I32 => v.iter().map(|&v| v as i32).collect(),
                _ => return self.b.fail("its bias must be an int32 constant"),
            },
        };
        let x = self.input(id)?;
        let key = Key::Tensor(self.at, state);
        let before = self.read_state(&key, state)?;
        self.b.graph.tensors[before.0 as usize].shape = vec![e.filters, e.memory];
        let values = values.iter().map(|&b| b as i8).collect();
        let scale = self.b.tensor(before).quant.as_ref().map_or(1.0, |q| q.scale[0]) * t_quant.scale[0];
        let f = self.b.constant(&f.name, &[e.filters, e.inputs], Data::I8(values), Some(f_quant));
        let t = self.b.constant(&t.name, &[e.filters, e.memory], times, Some(t_quant));
        let quant = Quant { scale: vec![scale.max(f32::MIN_POSITIVE)], zero_point: 0, axis: 0 };
        let bias = self.b.constant("svdf_bias", &[e.units], Data::I32(bias), Some(quant));
        let now = self.b.make(Op::SvdfState, vec![x, before, f], before, &[e.filters, e.memory]);
        self.keep_state(&key, now);
        let y = self.output(out)?;
        self.b.node(Op::SvdfOutput, vec![now, t, bias], y);
        Ok(())
    }

    /// In float, of operators that are there already.
    fn float_svdf(&mut self, op: &RawOp<'_>, e: &Extents) -> Result<(), ImportError> {
        let [id, feature, time, state] = [0, 1, 2, 4].map(|i| op.inputs[i]);
        let out = self.out(op)?;
        let activation = self.activation(self.small(op, 1)?)?;
        let (f, t) = (self.tensor(feature)?, self.tensor(time)?);
        let (Type::F32, Some(f), Some(t)) = (f.kind, f.floats(0), t.floats(0)) else {
            return self.b.fail("its weights must be float constants");
        };
        let bias = match self.svdf_bias(op, e.units)? {
            None => None,
            Some(id) => match self.tensor(id)?.floats(0) {
                Some(v) => Some(v),
                None => return self.b.fail("its bias must be a float constant"),
            },
        };
        if self.kind(state)?.0 != DType::F32 {
            return self.b.fail("its state must be float");
        }
        let x = self.input(id)?;
        let key = Key::Tensor(self.at, state);
        let before = self.read_state(&key, state)?;
        let Extents { inputs, filters, memory, units } = *e;
        let f = self.b.constant("svdf_feature", &[filters, inputs], Data::F32(f), None);
        let t = self.b.constant("svdf_time", &[filters, memory], Data::F32(t), None);
        let none = self.b.constant("svdf_none", &[filters], Data::F32(vec![0.0; filters]), None);
        let dense = Op::FullyConnected { activation: Activation::None };
        let mut now = self.b.make(dense, vec![x, f, none], x, &[filters]);
        if memory > 1 {
            let older = self.b.view(before, vec![filters, memory - 1], vec![memory as isize, 1], 1)?;
            now = self.b.make(Op::Concat { outer: filters }, vec![older, now], x, &[filters, memory]);
        }
        self.keep_state(&key, now);
        let product = Op::Binary { kind: BinaryKind::Mul, activation: Activation::None };
        let weighted = self.b.make(product, vec![now, t], x, &[filters, memory]);
        let sum = Op::Reduce { kind: ReduceKind::Sum, count: memory * (filters / units), inner: 1 };
        let summed = self.b.make(sum, vec![weighted], x, &[units]);
        let bias = self.b.constant("svdf_bias", &[units], Data::F32(bias.unwrap_or(vec![0.0; units])), None);
        let y = self.output(out)?;
        self.b.node(Op::Binary { kind: BinaryKind::Add, activation }, vec![summed, bias], y);
        Ok(())
    }
}
