//! Checks of the operators of imported models.

use crate::graph::{Graph, Node, Op};

/// Elements of a shape, unless there are too many to count.
fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
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
            Op::ResizeBilinear { .. } => match (x.shape.as_slice(), out.shape.as_slice()) {
                (&[h, w, a], &[_, _, b]) if a == b && h > 0 && w > 0 => Ok(()),
                _ => Err(format!("{:?} to {:?} is no resizing", x.shape, out.shape)),
            },
            _ => Ok(()),
        }
    }
}
