//! Functions of each element that are made of others.

use super::{Importer, RawNode, Value};
use crate::{
    extra::{BinaryKind, Function, ReduceKind},
    graph::{Activation, Data, Op, TensorId},
    import::{ImportError, shape},
};

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn functions(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let function = match node.kind.as_str() {
            "Log" => Function::Log,
            "Erf" => Function::Erf,
            "Softplus" => Function::Softplus,
            "Selu" => {
                let alpha = self.float(node, "alpha", 1.673_263_2);
                let gamma = self.float(node, "gamma", 1.050_701);
                let v = self.value(self.arg(node, 0)?)?;
                let elu = self.element(&v, Function::Elu(alpha));
                let id = self.times(&v, elu, gamma)?;
                self.give(node, id, v.shape, v.last)?;
                return Ok(true);
            }
            "Celu" => {
                // max(x, 0) + min(0, alpha * (e^(x / alpha) - 1)).
                let alpha = self.float(node, "alpha", 1.0);
                if alpha <= 0.0 || !alpha.is_finite() {
                    return self.b.fail(format!("an alpha of {alpha} is not possible"));
                }
                let v = self.value(self.arg(node, 0)?)?;
                let scaled = self.times(&v, v.id, 1.0 / alpha)?;
                let elu = self.element(&Value { id: scaled, ..v.clone() }, Function::Elu(1.0));
                let id = self.times(&v, elu, alpha)?;
                self.give(node, id, v.shape, v.last)?;
                return Ok(true);
            }
            "Mish" | "Softsign" | "Swish" => {
                let v = self.value(self.arg(node, 0)?)?;
                let like = self.b.tensor(v.id).shape.clone();
                let id = match node.kind.as_str() {
                    "Mish" => {
                        let soft = self.element(&v, Function::Softplus);
                        let share = self.element(&Value { id: soft, ..v.clone() }, Function::Tanh);
                        self.joined(BinaryKind::Mul, v.id, share, &like)
                    }
                    "Swish" => {
                        let alpha = self.float(node, "alpha", 1.0);
                        let scaled = if alpha == 1.0 { v.id } else { self.times(&v, v.id, alpha)? };
                        let share = self.element(&Value { id: scaled, ..v.clone() }, Function::Logistic);
                        self.joined(BinaryKind::Mul, v.id, share, &like)
                    }
                    _ => {
                        let size = self.element(&v, Function::Abs);
                        let one = self.all(&like, 1.0);
                        let below = self.joined(BinaryKind::Add, size, one, &like);
                        self.joined(BinaryKind::Div, v.id, below, &like)
                    }
                };
                self.give(node, id, v.shape, v.last)?;
                return Ok(true);
            }
            "LogSoftmax" => {
                self.log_softmax(node)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.simple(node, Op::Unary { function })?;
        Ok(true)
    }

    fn element(&mut self, v: &Value, function: Function) -> TensorId {
        let like = self.b.tensor(v.id).shape.clone();
        self.b.make(Op::Unary { function }, vec![v.id], v.id, &like)
    }

    pub(super) fn joined(&mut self, kind: BinaryKind, a: TensorId, b: TensorId, shape: &[usize]) -> TensorId {
        self.b.make(Op::Binary { kind, activation: Activation::None }, vec![a, b], a, shape)
    }

    /// A constant of one value.
    pub(super) fn all(&mut self, shape: &[usize], value: f32) -> TensorId {
        let count = shape.iter().product();
        self.b.constant("constant", shape, Data::F32(vec![value; count]), None)
    }

    fn times(&mut self, v: &Value, x: TensorId, by: f32) -> Result<TensorId, ImportError> {
        let like = self.b.tensor(v.id).shape.clone();
        if self.b.tensor(v.id).quant.is_some() {
            return self.b.fail("it has no integer form; keep it in float");
        }
        let by = self.all(&like, by);
        Ok(self.joined(BinaryKind::Mul, x, by, &like))
    }

    /// The input of a softmax, rows and values in a row. Before operator set 13 all axes from `axis` on, by default the second, are one.
    fn rows(&mut self, node: &RawNode) -> Result<(Value, [usize; 2]), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let together = self.operators < 13;
        let axis = self.int(node, "axis", if together { 1 } else { -1 });
        // Axis 1 of a vector is behind its end: rows of one value.
        let Some(a) = shape::axis(axis, v.shape.len() + usize::from(together && axis >= 0)) else {
            return self.b.fail(format!("its axis {axis} does not exist"));
        };
        let behind: usize = v.shape[a..].iter().product();
        let total: usize = v.shape.iter().product();
        if behind == 0 || total == 0 || !(together || behind == v.shape[a]) {
            return self.b.fail("over the last axis is supported; transpose before it");
        }
        Ok((v, [total / behind, behind]))
    }

    /// `e^x / sum of e^x` over the last axis.
    pub(super) fn softmax(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (v, [rows, count]) = self.rows(node)?;
        let own = shape::without_batch(&v.shape);
        // The operator takes the last axis of its tensor for a row; axes of one element may lie behind it in the file.
        if self.b.tensor(v.id).shape.last() == Some(&count) && own.last() == Some(&count) {
            let id = self.b.make(Op::Softmax, vec![v.id], v.id, &own);
            return self.give(node, id, v.shape, false);
        }
        let full = [rows, count];
        let id = self.b.make(Op::Reshape, vec![v.id], v.id, &full);
        let id = self.b.make(Op::Softmax, vec![id], id, &full);
        let id = self.b.make(Op::Reshape, vec![id], id, &own);
        self.give(node, id, v.shape, false)
    }

    /// `x - largest - ln(sum of e^(x - largest))` over the last axis.
    fn log_softmax(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let (v, [rows, count]) = self.rows(node)?;
        let own = shape::without_batch(&v.shape);
        let (full, row) = ([rows, count], [rows, 1]);
        let reduce = |kind| Op::Reduce { kind, count, inner: 1 };
        let top = self.b.make(reduce(ReduceKind::Max), vec![v.id], v.id, &[rows]);
        let top = self.b.spread(top, &row, &full)?;
        let below = self.joined(BinaryKind::Sub, v.id, top, &full);
        let exponentials = self.b.make(Op::Unary { function: Function::Exp }, vec![below], below, &full);
        let sum = self.b.make(reduce(ReduceKind::Sum), vec![exponentials], exponentials, &[rows]);
        let log = self.b.make(Op::Unary { function: Function::Log }, vec![sum], sum, &[rows]);
        let log = self.b.spread(log, &row, &full)?;
        let id = self.joined(BinaryKind::Sub, below, log, &own);
        self.give(node, id, v.shape, false)
    }
}
