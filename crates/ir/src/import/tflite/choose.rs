//! Operators that compare, choose by what came of it, and look up. Truth is kept in bytes, 0 or 1, as in the file.

use super::{
    Importer,
    model::{RawOp, Type},
};
use crate::{
    choose::truth,
    extra::{BinaryKind, CompareKind},
    graph::{Activation, DType, Data, Op, TensorId},
    import::{ImportError, shape},
};

/// Comparisons by their numbers.
fn comparison(code: i32) -> Option<CompareKind> {
    Some(match code {
        58 => CompareKind::Less,
        61 => CompareKind::Greater,
        62 => CompareKind::GreaterEqual,
        63 => CompareKind::LessEqual,
        71 => CompareKind::Equal,
        72 => CompareKind::NotEqual,
        _ => return None,
    })
}

impl Importer<'_> {
    /// Whether the operator makes truth, or places of values, of something that is only known when the model runs: no arithmetic of shapes.
    pub(super) fn chooses(&self, op: &RawOp<'_>) -> bool {
        let kind = |id: &i32| self.tensor(*id).map(|t| t.kind).ok();
        let truth = op.outputs.first().and_then(kind) == Some(Type::Bool);
        let flows = |id: &i32| self.map.get(id).is_some_and(|t| self.b.tensor(*t).data.is_none());
        let moved = matches!(op.code, 22 | 43 | 70) && self.is_place(op.inputs.first());
        matches!(op.code, 56 | 79) || moved || (truth && op.inputs.iter().any(flows))
    }

    /// Imports the operator when it is one of these.
    pub(super) fn choose(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        match op.code {
            58 | 61 | 62 | 63 | 71 | 72 => self.compare(op)?,
            84 => self.logical(op, BinaryKind::Maximum)?,
            86 => self.logical(op, BinaryKind::Minimum)?,
            87 => {
                let id = self.arg(op, 0)?;
                let x = self.input(id)?;
                let own = self.b.tensor(x).shape.clone();
                let zeros = Data::I8(vec![0; self.b.tensor(x).len()]);
                let zeros = self.b.constant("false", &own, zeros, Some(truth()));
                let y = self.output(self.out(op)?)?;
                self.b.node(Op::Compare { kind: CompareKind::Equal }, vec![x, zeros], y);
            }
            64 | 123 => self.select(op)?,
            56 | 79 => self.arg_extreme(op)?,
            53 => self.cast(op)?,
            7 => self.look_up(op, 0, 1)?,
            36 if self.is_place(op.inputs.get(1)) => self.look_up(op, 1, 0)?,
            22 | 43 | 70 if self.is_place(op.inputs.first()) => {
                let x = self.input(self.arg(op, 0)?)?;
                let y = self.place(self.out(op)?)?;
                self.b.node(Op::Reshape, vec![x], y);
            }
            128 => self.running_sum(op)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether a tensor holds integers without a scale that are only known when the model runs.
    fn is_place(&self, id: Option<&i32>) -> bool {
        id.and_then(|id| self.map.get(id)).is_some_and(|t| {
            let t = self.b.tensor(*t);
            t.dtype == DType::I32 && t.quant.is_none() && t.data.is_none()
        })
    }

    /// The graph's tensor for integers that are computed.
    fn place(&mut self, id: i32) -> Result<TensorId, ImportError> {
        let t = self.tensor(id)?;
        if t.kind == Type::I64 {
            self.b.note(format!("`{}` is int64 in the file and is given out as int32", t.name));
        }
        let made = self.b.flow(&t.name, &shape::without_batch(self.full(id)?), DType::I32, None);
        self.map.insert(id, made);
        Ok(made)
    }

    /// Two inputs, spread over each other.
    fn two(&mut self, op: &RawOp<'_>) -> Result<[TensorId; 2], ImportError> {
        let ids = [self.arg(op, 0)?, self.arg(op, 1)?];
        let from = [self.full(ids[0])?, self.full(ids[1])?];
        let Some(to) = shape::common(from[0], from[1]) else {
            return self.b.fail(format!("{:?} and {:?} do not fit each other", from[0], from[1]));
        };
        let (a, b) = (self.input(ids[0])?, self.input(ids[1])?);
        Ok([self.b.spread(a, from[0], &to)?, self.b.spread(b, from[1], &to)?])
    }

    fn compare(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let Some(kind) = comparison(op.code) else { return Ok(()) };
        for id in [self.arg(op, 0)?, self.arg(op, 1)?] {
            if !matches!(self.tensor(id)?.kind, Type::F32 | Type::I8 | Type::Bool) {
                return self.b.fail("floats and int8 are compared here, integers without a scale are not");
            }
        }
        let inputs = self.two(op)?;
        let y = self.output(self.out(op)?)?;
        self.b.node(Op::Compare { kind }, inputs.to_vec(), y);
        Ok(())
    }

    fn logical(&mut self, op: &RawOp<'_>, kind: BinaryKind) -> Result<(), ImportError> {
        let inputs = self.two(op)?;
        let y = self.output(self.out(op)?)?;
        self.b.node(Op::Binary { kind, activation: Activation::None }, inputs.to_vec(), y);
        Ok(())
    }

    fn select(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let ids = [self.arg(op, 0)?, self.arg(op, 1)?, self.arg(op, 2)?];
        let mut from =
            [self.full(ids[0])?.to_vec(), self.full(ids[1])?.to_vec(), self.full(ids[2])?.to_vec()];
        // The older operator takes a condition for each of the first axis.
        if op.code == 64 && from[0].len() == 1 && from[1].len() > 1 && from[1].first() == from[0].first() {
            from[0].resize(from[1].len(), 1);
        }
        let to = shape::common(&from[1], &from[2]).and_then(|to| shape::common(&from[0], &to));
        let Some(to) = to else {
            return self.b.fail(format!("{from:?} do not fit each other"));
        };
        let mut inputs = Vec::new();
        for (id, from) in ids.into_iter().zip(&from) {
            let x = self.input(id)?;
            inputs.push(self.b.spread(x, from, &to)?);
        }
        let y = self.output(self.out(op)?)?;
        self.b.node(Op::Select, inputs, y);
        Ok(())
    }

    fn arg_extreme(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?;
        let axis = self.ints(self.arg(op, 1)?)?;
        let Some(axis) = axis.first().and_then(|&a| shape::axis(a, full.len())) else {
            return self.b.fail(format!("its axis does not exist in {full:?}"));
        };
        let (count, inner) = (full[axis], full[axis + 1..].iter().product());
        let x = self.input(id)?;
        let y = self.place(self.out(op)?)?;
        self.b.node(Op::ArgExtreme { largest: op.code == 56, last: false, count, inner }, vec![x], y);
        Ok(())
    }

    /// Truth to float and float to truth.
    fn cast(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let kinds = (self.tensor(id)?.kind, self.tensor(out)?.kind);
        let x = self.input(id)?;
        match kinds {
            (Type::Bool, Type::F32) => {
                let y = self.output(out)?;
                self.b.node(Op::Dequantize, vec![x], y);
            }
            (Type::F32, Type::Bool) => {
                let (own, n) = (self.b.tensor(x).shape.clone(), self.b.tensor(x).len());
                let zeros = self.b.constant("zeros", &own, Data::F32(vec![0.0; n]), None);
                let y = self.output(out)?;
                self.b.node(Op::Compare { kind: CompareKind::NotEqual }, vec![x, zeros], y);
            }
            (a, b) if a == b => {
                let y = self.output(out)?;
                self.b.node(Op::Reshape, vec![x], y);
            }
            (a, b) => {
                return self.b.fail(format!("from {a:?} to {b:?} is not supported; BOOL to FLOAT32 is"));
            }
        }
        Ok(())
    }

    /// EMBEDDING_LOOKUP, and GATHER from a constant by numbers that flow.
    fn look_up(&mut self, op: &RawOp<'_>, table: usize, at: usize) -> Result<(), ImportError> {
        let (table, at, out) = match op.code {
            7 => (self.arg(op, 1)?, self.arg(op, 0)?, self.out(op)?),
            _ => (self.arg(op, 1 - table)?, self.arg(op, 1 - at)?, self.out(op)?),
        };
        let full = self.full(table)?;
        let axis = if op.code == 36 { self.option(op, 0, 0)? } else { 0 };
        if full.len() < 2 || axis != 0 || (op.code == 36 && self.option(op, 1, 0)? != 0) {
            return self.b.fail(format!(
                "rows of {full:?} along axis {axis} are not supported; rows of the first axis of a table are"
            ));
        }
        let shape = [full[0], full[1..].iter().product()];
        let t = self.tensor(table)?;
        let made = match (self.kind(out)?.0, t.kind) {
            (DType::F32, _) => t.floats(0).map(|v| (Data::F32(v), None)),
            (DType::I8, Type::I8) => {
                let quant = self.kind(table)?.1;
                t.data.map(|d| (Data::I8(d.iter().map(|b| *b as i8).collect()), quant))
            }
            _ => None,
        };
        let Some((data, quant)) = made else {
            return self.b.fail("its table must be a constant of floats or of int8");
        };
        if !self.is_place(Some(&at)) {
            return self.b.fail("its numbers must be int32 values that flow, or constants of GATHER");
        }
        let table = self.b.constant(&t.name, &shape, data, quant);
        let x = self.input(at)?;
        let y = self.output(out)?;
        self.b.node(Op::Gather, vec![x, table], y);
        Ok(())
    }

    /// CUMSUM in float: a product with a matrix of ones and zeros, whose sums come in the same order.
    fn running_sum(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let full = self.full(id)?.to_vec();
        let axis = self.ints(self.arg(op, 1)?)?;
        let Some(axis) = axis.first().and_then(|&a| shape::axis(a, full.len())) else {
            return self.b.fail(format!("its axis does not exist in {full:?}"));
        };
        let (exclusive, reverse) = (self.small(op, 0)? != 0, self.small(op, 1)? != 0);
        let n = full[axis];
        if self.kind(id)?.0 != DType::F32 || n > 1024 {
            return self.b.fail("sums of floats over at most 1024 places are supported");
        }
        let counts = |from: usize, to: usize| match (exclusive, reverse) {
            (false, false) => from <= to,
            (true, false) => from < to,
            (false, true) => from >= to,
            (true, true) => from > to,
        };
        let ones = (0..n * n).map(|i| f32::from(u8::from(counts(i / n, i % n)))).collect();
        let ones = self.b.constant("running", &[n, n], Data::F32(ones), None);
        let mut order: Vec<usize> = (0..full.len()).filter(|&a| a != axis).collect();
        order.push(axis);
        let x = self.input(id)?;
        let turned = self.b.transpose(x, &full, &order)?;
        let from: Vec<usize> = order.iter().map(|&a| full[a]).collect();
        let total: usize = from.iter().product();
        let rows = vec![total / n.max(1), n];
        let op_ = Op::MatMul { batch: 1, shared: n, transposed: false };
        let sums = self.b.make(op_, vec![turned, ones], x, &rows);
        let mut back = vec![0; full.len()];
        order.iter().enumerate().for_each(|(to, &a)| back[a] = to);
        let y = self.b.transpose(sums, &from, &back)?;
        let made = self.output(out)?;
        self.b.node(Op::Reshape, vec![y], made);
        Ok(())
    }
}
