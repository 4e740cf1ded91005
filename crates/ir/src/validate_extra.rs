//! Checks of the operators of imported models.

use crate::graph::{DType, Data, Graph, Node, Op, Tensor};
use edgewright_kernels::mat_mul::Matrices;

/// Elements of a shape, unless there are too many to count.
fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
}

/// Whether a tensor has one scale, and no zero point unless it may have one.
fn one_scale(t: &Tensor, zero: bool) -> bool {
    t.quant.as_ref().is_some_and(|q| q.scale.len() == 1 && (zero || q.zero_point == 0))
}

impl Graph {
    pub(crate) fn check_extra(&self, op: &Op, node: &Node) -> Result<(), String> {
        let x = self.tensor(*node.inputs.first().ok_or("has no input")?);
        let out = self.tensor(node.output);
        let same = |a: usize, b: usize, what: &str| {
            if a == b { Ok(()) } else { Err(format!("{what}: {a}, expected {b}")) }
        };
        match op {
            Op::Unary { .. } => same(out.len(), x.len(), "number of outputs"),
            Op::Binary { .. } => {
                let second = self.tensor(node.inputs[1]);
                same(second.len(), x.len(), "number of elements of the second input")?;
                if second.dtype != x.dtype {
                    return Err("the inputs are of different types".into());
                }
                same(out.len(), x.len(), "number of outputs")
            }
            Op::Strided { shape, strides, offset } => {
                same(strides.len(), shape.len(), "number of strides")?;
                same(count(shape).unwrap_or(0), out.len(), "elements of the view")?;
                let (mut low, mut high) = (*offset as i128, *offset as i128);
                for (&extent, &stride) in shape.iter().zip(strides) {
                    let reach = (extent as i128 - 1) * stride as i128;
                    if reach < 0 { low += reach } else { high += reach }
                }
                if !out.is_empty() && (low < 0 || high >= x.len() as i128) {
                    return Err(format!("the view reaches from {low} to {high} in {} elements", x.len()));
                }
                if x.quant.as_ref().map(|q| (q.scale[0], q.zero_point))
                    != out.quant.as_ref().map(|q| (q.scale[0], q.zero_point))
                {
                    return Err("a view has the scale of its input".into());
                }
                Ok(())
            }
            Op::Concat { outer } => {
                let mut total = 0;
                for id in &node.inputs {
                    let part = self.tensor(*id);
                    if *outer == 0 || !part.len().is_multiple_of(*outer) || part.dtype != out.dtype {
                        return Err(format!("`{}` is not {outer} rows of the output's type", part.name));
                    }
                    if part.quant.as_ref().map(|q| (q.scale[0], q.zero_point))
                        != out.quant.as_ref().map(|q| (q.scale[0], q.zero_point))
                    {
                        return Err(format!("`{}` has another scale than the output", part.name));
                    }
                    total += part.len();
                }
                same(out.len(), total, "number of outputs")
            }
            Op::Pad { shape, before, after, .. } => {
                same(before.len(), shape.len(), "axes of the padding")?;
                same(after.len(), shape.len(), "axes of the padding")?;
                same(count(shape).unwrap_or(0), x.len(), "elements of x")?;
                let whole: Option<Vec<usize>> = (0..shape.len())
                    .map(|i| shape[i].checked_add(before[i])?.checked_add(after[i]))
                    .collect();
                same(out.len(), whole.and_then(|w| count(&w)).unwrap_or(0), "number of outputs")
            }
            Op::Reduce { count, inner, .. } => {
                if *count == 0 || *inner == 0 {
                    return Err("nothing to reduce".into());
                }
                // So that a sum of bytes stays within 32 bits.
                if x.quant.is_some() && *count > 1 << 22 {
                    return Err(format!("{count} integers are too many to join"));
                }
                same(x.len(), out.len().saturating_mul(*count), "number of inputs")?;
                same(out.len() % inner, 0, "rows of the output")
            }
            Op::Compare { .. } | Op::Select | Op::ArgExtreme { .. } | Op::Gather => {
                self.check_choice(op, node)
            }
            Op::Snap { row, .. } => {
                if *row == 0 || !x.len().is_multiple_of(*row) {
                    return Err(format!("{} values are no rows of {row}", x.len()));
                }
                same(out.len(), x.len(), "number of outputs")
            }
            Op::ResizeBilinear { .. } => match (x.shape.as_slice(), out.shape.as_slice()) {
                (&[h, w, a], &[_, _, b]) if a == b && h > 0 && w > 0 => Ok(()),
                _ => Err(format!("{:?} to {:?} is no resizing", x.shape, out.shape)),
            },
            Op::MatMul { batch, shared, transposed } => {
                let b = self.tensor(node.inputs[1]);
                let m = self.matrices(node, *batch, *shared, *transposed);
                if b.dtype != x.dtype || x.quant.is_some() != b.quant.is_some() {
                    return Err("the matrices are of different types".into());
                }
                let counts = [(x.len(), [m.rows, *shared]), (b.len(), [*shared, m.columns])];
                if counts.iter().any(|(n, by)| count(&[*batch, by[0], by[1]]) != Some(*n)) {
                    return Err(format!(
                        "{:?} and {:?} are not {batch} pairs of matrices that share {shared}",
                        x.shape, b.shape
                    ));
                }
                // So that a sum of products of bytes stays within 32 bits.
                if x.quant.is_some() && *shared > 1 << 15 {
                    return Err(format!("{shared} products of integers are too many to sum"));
                }
                same(out.len(), batch * m.rows * m.columns, "number of outputs")
            }
            Op::SvdfState => self.check_svdf_state(node),
            Op::SvdfOutput => self.check_svdf_output(node),
            Op::Prelu => {
                let alpha = self.tensor(node.inputs[1]);
                if !matches!(alpha.data, Some(Data::I8(_)))
                    || alpha.quant.as_ref().is_none_or(|q| q.scale.len() != 1)
                {
                    return Err(format!("`{}` must be a constant of bytes with one scale", alpha.name));
                }
                if !x.len().is_multiple_of(alpha.len()) {
                    return Err(format!("{} slopes do not divide {} elements", alpha.len(), x.len()));
                }
                same(out.len(), x.len(), "number of outputs")
            }
            Op::Lstm { units, scales, cell, clip } => self.check_lstm(node, *units, scales, *cell, *clip),
            _ => Ok(()),
        }
    }

    /// Geometry of a product of matrices; rows and columns that do not come out even are rounded down.
    pub(crate) fn matrices(&self, node: &Node, batch: usize, shared: usize, transposed: bool) -> Matrices {
        let each = |i: usize| {
            let n = self.tensor(node.inputs[i]).len();
            n.checked_div(batch).and_then(|n| n.checked_div(shared)).unwrap_or(0)
        };
        Matrices { batch, rows: each(0), columns: each(1), shared, transposed }
    }

    fn check_svdf_state(&self, node: &Node) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (x, state, w, out) = (tensor(0), tensor(1), tensor(2), self.tensor(node.output));
        let (&[filters, memory], Some(Data::I8(weights))) = (state.shape.as_slice(), &w.data) else {
            return Err(format!("its state is {:?}, or its weights are no constant of bytes", state.shape));
        };
        let kept = matches!(state.dtype, DType::I8 | DType::I16) && state.dtype == out.dtype;
        if !kept
            || state.quant != out.quant
            || !one_scale(state, state.dtype == DType::I8)
            || !one_scale(w, false)
        {
            return Err("its state must be of 16 bits without a zero point or of bytes, and state and weights have one scale".into());
        }
        if out.shape != state.shape || memory == 0 || Some(weights.len()) != filters.checked_mul(x.len()) {
            return Err(format!(
                "{} weights and {} values do not fit a state of {:?}",
                w.len(),
                x.len(),
                state.shape
            ));
        }
        match weights.chunks_exact(x.len()).position(|row| {
            255 * row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>() > i64::from(i32::MAX)
        }) {
            Some(filter) => Err(format!("the sums of filter {filter} may leave 32 bits")),
            None => Ok(()),
        }
    }

    fn check_svdf_output(&self, node: &Node) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (state, w, b, out) = (tensor(0), tensor(1), tensor(2), self.tensor(node.output));
        let (&[filters, _], Some(Data::I8(_) | Data::I16(_)), Some(Data::I32(bias))) =
            (state.shape.as_slice(), &w.data, &b.data)
        else {
            return Err("its weights must be constants of bytes or 16 bits, its bias of 32".into());
        };
        if w.dtype != state.dtype || !one_scale(state, state.dtype == DType::I8) || !one_scale(w, false) {
            return Err(
                "state and weights have one type and one scale each, and no zero point in 16 bits".into()
            );
        }
        if w.len() != state.len() || bias.len() != out.len() || !filters.is_multiple_of(out.len()) {
            return Err(format!(
                "{filters} filters, {} weights and {} biases do not fit {} outputs",
                w.len(),
                b.len(),
                out.len()
            ));
        }
        // Sums of 64 bits hold all that fits a tensor.
        Ok(())
    }

    fn check_lstm(
        &self,
        node: &Node,
        units: usize,
        scales: &[[f32; 2]; 4],
        cell: f32,
        clip: f32,
    ) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (x, state, w, b, out) = (tensor(0), tensor(1), tensor(2), tensor(3), self.tensor(node.output));
        let rows = out.len().checked_div(units).unwrap_or(0);
        let steps = rows.saturating_sub(3);
        if steps == 0 || rows * units != out.len() || !x.len().is_multiple_of(steps) {
            return Err(format!("{} values in and {} out are no LSTM of {units} units", x.len(), out.len()));
        }
        let inputs = x.len() / steps;
        let shapes =
            [(state.len(), 3 * units), (w.len(), 4 * units * (inputs + units)), (b.len(), 4 * units)];
        if shapes.iter().any(|(a, b)| a != b) {
            return Err("its state, weights or bias do not fit".into());
        }
        if state.dtype != out.dtype
            || state.quant.as_ref().map(|q| q.zero_point) != out.quant.as_ref().map(|q| q.zero_point)
        {
            return Err("its state has another scale than its output".into());
        }
        let positive = |s: &f32| s.is_finite() && *s > 0.0;
        let power = (cell.to_bits() >> 23) as i32 - 127;
        if !(scales.iter().flatten().all(positive) && clip.is_finite() && clip >= 0.0) {
            return Err("its scales or its limit are not possible".into());
        }
        if !positive(&cell) || cell.to_bits() << 9 != 0 || !(-15..=-8).contains(&power) {
            return Err(format!("the scale of its cell is {cell}; 2^-15 to 2^-8 are supported"));
        }
        let (Some(Data::I8(w)), Some(Data::I32(b))) = (&w.data, &b.data) else {
            return Err("its weights and bias must be constants of bytes and of 32-bit integers".into());
        };
        for (row, b) in w.chunks_exact(inputs + units).zip(b) {
            let reach = 255 * row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>();
            if reach + i64::from(*b).abs() > i64::from(i32::MAX) {
                return Err(format!("the sums of a gate may leave 32 bits (its bias is {b})"));
            }
        }
        Ok(())
    }
}
