//! Operators that compare, choose and look up: their checks and steps.

use crate::{
    graph::{DType, Graph, Node, Op, Quant, Tensor},
    lower::{CompareParams, Step, requantize_factor, scale_zero},
};

/// How truth is kept in bytes: 0 and 1.
pub(crate) fn truth() -> Quant {
    Quant { scale: vec![1.0], zero_point: 0, axis: 0 }
}

pub(crate) fn is_truth(t: &Tensor) -> bool {
    t.dtype == DType::I8 && t.quant.as_ref() == Some(&truth())
}

impl Graph {
    pub(crate) fn check_choice(&self, op: &Op, node: &Node) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (x, out) = (tensor(0), self.tensor(node.output));
        let affine = |t: &Tensor| t.quant.as_ref().map(|q| (q.scale[0], q.zero_point));
        let alike = |a: &Tensor, b: &Tensor| {
            if a.len() == b.len() {
                Ok(())
            } else {
                Err(format!("`{}` has {} elements, `{}` {}", a.name, a.len(), b.name, b.len()))
            }
        };
        match op {
            Op::Compare { .. } => {
                alike(x, tensor(1)).and_then(|()| alike(x, out))?;
                if x.dtype != tensor(1).dtype || (x.dtype == DType::I8 && tensor(1).quant.is_none()) {
                    return Err("what is compared is of different types".into());
                }
                if !is_truth(out) {
                    return Err("a comparison gives bytes of scale 1 and zero point 0".into());
                }
                Ok(())
            }
            Op::Select => {
                let (a, b) = (tensor(1), tensor(2));
                alike(x, out).and_then(|()| alike(a, out)).and_then(|()| alike(b, out))?;
                if !is_truth(x) {
                    return Err(format!("`{}` is no result of a comparison", x.name));
                }
                match [a, b].iter().find(|t| t.dtype != out.dtype || affine(t) != affine(out)) {
                    Some(t) => Err(format!("`{}` has another type or scale than the output", t.name)),
                    None => Ok(()),
                }
            }
            Op::ArgExtreme { count, inner, .. } => {
                if *count == 0 || *inner == 0 || *count > i32::MAX as usize || out.len() % inner != 0 {
                    return Err("there is nothing to compare".into());
                }
                if Some(x.len()) != out.len().checked_mul(*count) {
                    return Err(format!("{} values do not give {} places of {count}", x.len(), out.len()));
                }
                Ok(())
            }
            Op::Gather => {
                let table = tensor(1);
                let &[rows, width] = table.shape.as_slice() else {
                    return Err(format!("its table is {:?}, expected [rows, width]", table.shape));
                };
                if table.data.is_none() || table.dtype != out.dtype || affine(table) != affine(out) {
                    return Err("its table must be a constant of the output's type and scale".into());
                }
                if rows == 0 || width == 0 || Some(out.len()) != x.len().checked_mul(width) {
                    return Err(format!("{} rows of {width} do not fit {} values", x.len(), out.len()));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The step of one of these operators.
    pub(crate) fn choice_step(&self, op: &Op, node: &Node) -> Result<Step, String> {
        let x = self.tensor(node.inputs[0]);
        Ok(match op {
            Op::Compare { kind } if x.dtype == DType::F32 => Step::CompareF32 { kind: *kind },
            Op::Compare { kind } => {
                let (a, b) = (scale_zero(x)?, scale_zero(self.tensor(node.inputs[1]))?);
                let params = CompareParams {
                    in_zero: [a.1, b.1],
                    in_factor: [a, b].map(|s| requantize_factor(f64::from(s.0))),
                };
                // So that a shifted difference stays within 32 bits.
                if a.0.max(b.0) > 1024.0 {
                    return Err(format!("scales {} and {} are too large to compare", a.0, b.0));
                }
                Step::CompareS8 { kind: *kind, params }
            }
            Op::Select => Step::Select,
            Op::ArgExtreme { largest, last, count, inner } => {
                Step::ArgExtreme { largest: *largest, last: *last, count: *count, inner: *inner }
            }
            Op::Gather => {
                let table = self.tensor(node.inputs[1]);
                let zero = table.quant.as_ref().map_or(0, |q| q.zero_point);
                Step::Gather { width: table.shape.get(1).copied().unwrap_or(1), zero }
            }
            _ => return Err("has no kernel".into()),
        })
    }
}
