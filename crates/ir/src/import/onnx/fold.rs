//! Arithmetic of shapes: integers that are computed before the model runs.

use super::{
    Importer, RawNode,
    wire::{Attribute, Constant, Values},
};
use crate::import::{ImportError, shape};

/// Most integers that are computed.
const MOST: usize = 65_536;

/// Operators on two integers.
fn pair(kind: &str, a: i64, b: i64) -> Option<i64> {
    Some(match kind {
        "Add" => a.checked_add(b)?,
        "Sub" => a.checked_sub(b)?,
        "Mul" => a.checked_mul(b)?,
        "Div" => a.checked_div(b)?,
        // The sign of the divisor.
        "Mod" => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r })?,
        "Max" => a.max(b),
        "Min" => a.min(b),
        "Equal" => i64::from(a == b),
        "Less" => i64::from(a < b),
        "LessOrEqual" => i64::from(a <= b),
        "Greater" => i64::from(a > b),
        "GreaterOrEqual" => i64::from(a >= b),
        "And" => i64::from(a != 0 && b != 0),
        "Or" => i64::from(a != 0 || b != 0),
        _ => return None,
    })
}

/// The elements of a view.
fn view(values: &[i64], shape: &[usize], strides: &[isize], offset: isize) -> Option<Vec<i64>> {
    let count = shape::count(shape).filter(|&n| n <= MOST)?;
    (0..count)
        .map(|n| {
            let (mut rest, mut at) = (n, offset);
            for (extent, stride) in shape.iter().zip(strides).rev() {
                at += (rest % extent) as isize * stride;
                rest /= extent;
            }
            values.get(usize::try_from(at).ok()?).copied()
        })
        .collect()
}

/// Shape and whole numbers of a constant.
type Shaped = (Vec<usize>, Vec<i64>);

impl Importer {
    fn integers(&self, node: &RawNode, i: usize) -> Option<(&[i64], &[usize])> {
        match self.constants.get(node.inputs.get(i)?) {
            Some(Constant { values: Values::Ints(v), shape, .. }) => Some((v, shape)),
            _ => None,
        }
    }

    /// What a node makes of constants.
    pub(super) fn fold(&mut self, node: &RawNode) -> Result<Option<Constant>, ImportError> {
        Ok(match node.kind.as_str() {
            "Constant" => match node.attributes.values().next() {
                Some(Attribute::Tensor(t)) => Some(t.clone()),
                Some(Attribute::Float(v)) => Some(Constant::floats(vec![], vec![*v])),
                Some(Attribute::Int(v)) => Some(Constant::ints(vec![], vec![*v])),
                Some(Attribute::Ints(v)) => Some(Constant::ints(vec![v.len()], v.clone())),
                Some(Attribute::Floats(v)) => Some(Constant::floats(vec![v.len()], v.clone())),
                _ => return self.b.fail("its value is not supported"),
            },
            "Shape" => {
                let v = self.value(self.arg(node, 0)?)?;
                let values = v.shape.iter().map(|&d| d as i64).collect();
                Some(Constant::ints(vec![v.shape.len()], values))
            }
            "ConstantOfShape" => {
                let shape = self.int_constant(self.arg(node, 0)?)?;
                let shape: Vec<usize> = shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
                let Some(count) = shape::count(&shape) else {
                    return self.b.fail(format!("{shape:?} is too large"));
                };
                // Before they are made; each is counted again with what it became.
                self.b.fits(count.saturating_mul(8))?;
                match node.attributes.get("value") {
                    None => Some(Constant::floats(shape, vec![0.0; count])),
                    Some(Attribute::Tensor(Constant { values: Values::Floats(v), .. })) => {
                        Some(Constant::floats(shape, vec![v.first().copied().unwrap_or(0.0); count]))
                    }
                    Some(Attribute::Tensor(Constant { values: Values::Ints(v), .. })) => {
                        Some(Constant::ints(shape, vec![v.first().copied().unwrap_or(0); count]))
                    }
                    Some(_) => return self.b.fail("its value is not supported"),
                }
            }
            "Unsqueeze" | "Squeeze" | "Identity" => {
                let Some(mut known) = node.inputs.first().and_then(|n| self.constants.get(n)).cloned() else {
                    return Ok(None);
                };
                if node.kind != "Identity" {
                    known.shape = self.squeezed(node, &known.shape)?;
                }
                Some(known)
            }
            "Gather" => match (
                node.inputs.first().and_then(|n| self.constants.get(n)),
                node.inputs.get(1).and_then(|n| self.constants.get(n)),
            ) {
                (
                    Some(Constant { values: Values::Ints(v), shape: from, .. }),
                    Some(Constant { values: Values::Ints(at), shape, .. }),
                ) if from.len() == 1 => {
                    let picked: Option<Vec<i64>> =
                        at.iter().map(|&i| shape::axis(i, v.len()).and_then(|i| v.get(i)).copied()).collect();
                    picked.map(|p| Constant::ints(shape.clone(), p))
                }
                _ => None,
            },
            "Concat" => node
                .inputs
                .iter()
                .map(|n| match self.constants.get(n) {
                    Some(Constant { values: Values::Ints(v), shape, .. }) if shape.len() <= 1 => {
                        Some(v.clone())
                    }
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
                .map(|parts| parts.concat())
                .map(|v| Constant::ints(vec![v.len()], v)),
            "Trilu" => self.triangle(node)?,
            _ => self.arithmetic(node)?,
        })
    }

    /// One triangle of each matrix of a constant.
    fn triangle(&self, node: &RawNode) -> Result<Option<Constant>, ImportError> {
        let Some(known) = node.inputs.first().and_then(|n| self.constants.get(n)) else { return Ok(None) };
        let &[.., rows, columns] = known.shape.as_slice() else {
            return self.b.fail(format!("{:?} is no matrix", known.shape));
        };
        let k = match self.given(node, 1) {
            true => self.int_constant(self.arg(node, 1)?)?.first().copied().unwrap_or(0),
            false => 0,
        };
        let upper = self.int(node, "upper", 1) != 0;
        let kept = |i: usize| {
            let (r, c) = ((i / columns % rows) as i64, (i % columns) as i64);
            let ahead = (c - r).saturating_sub(k);
            if upper { ahead >= 0 } else { ahead <= 0 }
        };
        let mut made = known.clone();
        match &mut made.values {
            Values::Floats(v) => {
                v.iter_mut().enumerate().filter(|(i, _)| !kept(*i)).for_each(|(_, v)| *v = 0.0)
            }
            Values::Ints(v) => v.iter_mut().enumerate().filter(|(i, _)| !kept(*i)).for_each(|(_, v)| *v = 0),
        }
        Ok(Some(made))
    }

    /// What a node makes of integers that are known; `None` when it does something else, or not all are known.
    fn arithmetic(&self, node: &RawNode) -> Result<Option<Constant>, ImportError> {
        let kind = node.kind.as_str();
        if kind == "Cast" {
            return Ok(self.cast(node));
        }
        let Some((first, full)) = self.integers(node, 0) else { return Ok(None) };
        let made = match kind {
            "Neg" => first.iter().map(|v| v.checked_neg()).collect::<Option<_>>().map(|v| (full.to_vec(), v)),
            "Not" => Some((full.to_vec(), first.iter().map(|v| i64::from(*v == 0)).collect())),
            "ReduceProd" if full.len() <= 1 => {
                let keep = self.int(node, "keepdims", 1) != 0;
                let product = first.iter().try_fold(1i64, |n, d| n.checked_mul(*d));
                product.map(|n| (vec![1; if keep { full.len() } else { 0 }], vec![n]))
            }
            "Range" => {
                self.integers(node, 1).zip(self.integers(node, 2)).and_then(|((end, _), (step, _))| {
                    let (start, end, step) = (*first.first()?, *end.first()?, *step.first()?);
                    let count = (end.checked_sub(start)?).checked_div(step)?.max(0)
                        + i64::from(
                            end.checked_sub(start)?.checked_rem(step)? != 0 && (end > start) == (step > 0),
                        );
                    let count = usize::try_from(count).ok().filter(|&n| n <= MOST)?;
                    let values = (0..count as i64)
                        .map(|i| start.checked_add(i.checked_mul(step)?))
                        .collect::<Option<_>>()?;
                    Some((vec![count], values))
                })
            }
            "Where" => self.integers(node, 1).zip(self.integers(node, 2)).and_then(|((a, sa), (b, sb))| {
                let to = shape::common(&shape::common(full, sa)?, sb)?;
                let each = |v: &[i64], s: &[usize]| view(v, &to, &shape::broadcast(s, &to)?, 0);
                let (c, a, b) = (each(first, full)?, each(a, sa)?, each(b, sb)?);
                let values = c.iter().zip(a.iter().zip(&b)).map(|(c, (a, b))| if *c != 0 { *a } else { *b });
                Some((to, values.collect()))
            }),
            "Expand" => self.integers(node, 1).and_then(|(wanted, _)| {
                let wanted = wanted.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<Vec<_>>>()?;
                let to = shape::common(full, &wanted)?;
                let values = view(first, &to, &shape::broadcast(full, &to)?, 0)?;
                Some((to, values))
            }),
            "Reshape" => self.integers(node, 1).and_then(|(wanted, _)| {
                let rest = wanted.iter().filter(|d| **d != -1).try_fold(1i64, |n, d| n.checked_mul(*d))?;
                let open = (first.len() as i64).checked_div(rest);
                let to = wanted
                    .iter()
                    .map(|&d| if d == -1 { open } else { Some(d) }.and_then(|d| usize::try_from(d).ok()));
                let to = to.collect::<Option<Vec<_>>>()?;
                (shape::count(&to) == Some(first.len())).then(|| (to, first.to_vec()))
            }),
            "Flatten" => Some((self.flattened(node, full)?, first.to_vec())),
            "Transpose" => {
                let order = self.ints(node, "perm").unwrap_or_else(|| (0..full.len() as i64).rev().collect());
                let order: Option<Vec<usize>> = order.iter().map(|&a| shape::axis(a, full.len())).collect();
                order.filter(|o| o.len() == full.len()).and_then(|order| {
                    let own = shape::strides(full);
                    let to: Vec<usize> = order.iter().map(|&a| full[a]).collect();
                    let strides: Vec<isize> = order.iter().map(|&a| own[a]).collect();
                    let values = view(first, &to, &strides, 0)?;
                    Some((to, values))
                })
            }
            "Slice" => self.slice_of(node, first, full)?,
            _ => self.integers(node, 1).filter(|_| node.inputs.len() == 2).and_then(|(second, other)| {
                let to = shape::common(full, other)?;
                let each = |v: &[i64], s: &[usize]| view(v, &to, &shape::broadcast(s, &to)?, 0);
                let (a, b) = (each(first, full)?, each(second, other)?);
                let values = a.iter().zip(&b).map(|(a, b)| pair(kind, *a, *b)).collect::<Option<_>>()?;
                Some((to, values))
            }),
        };
        Ok(made.map(|(shape, values)| Constant::ints(shape, values)))
    }

    fn slice_of(
        &self,
        node: &RawNode,
        values: &[i64],
        full: &[usize],
    ) -> Result<Option<Shaped>, ImportError> {
        let (starts, ends) = (self.either(node, "starts", 1)?, self.either(node, "ends", 2)?);
        let (Some(starts), Some(ends)) = (starts, ends) else { return Ok(None) };
        let axes = self.either(node, "axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps =
            if self.given(node, 4) { self.int_constant(self.arg(node, 4)?)? } else { vec![1; starts.len()] };
        if [ends.len(), axes.len(), steps.len()].iter().any(|n| *n != starts.len()) {
            return Ok(None);
        }
        let (mut to, mut strides, mut offset) = (full.to_vec(), shape::strides(full), 0isize);
        for (i, &axis) in axes.iter().enumerate() {
            let Some(a) = shape::axis(axis, full.len()) else { return Ok(None) };
            let (extent, step) = (full[a] as i64, steps[i]);
            if extent == 0 || step == 0 || step.unsigned_abs() > 1 << 26 {
                return Ok(None);
            }
            let place = |p: i64| if p < 0 { p.saturating_add(extent) } else { p };
            let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
            let (start, end) = (place(starts[i]).clamp(low.max(0), high), place(ends[i]).clamp(low, high));
            let count = if step > 0 {
                (end - start + step - 1).div_euclid(step)
            } else {
                (start - end - step - 1).div_euclid(-step)
            };
            to[a] = usize::try_from(count).unwrap_or(0);
            offset += start as isize * strides[a];
            strides[a] *= step as isize;
        }
        Ok(view(values, &to, &strides, offset).map(|v| (to, v)))
    }

    /// Between integers and floats.
    fn cast(&self, node: &RawNode) -> Option<Constant> {
        let constant = self.constants.get(node.inputs.first()?)?;
        let float = matches!(node.attributes.get("to"), Some(Attribute::Int(1 | 10 | 11)));
        let shape = constant.shape.clone();
        Some(match &constant.values {
            Values::Ints(v) if float => Constant::floats(shape, v.iter().map(|&v| v as f32).collect()),
            Values::Floats(v) if !float => Constant::ints(shape, v.iter().map(|&v| v as i64).collect()),
            _ => constant.clone(),
        })
    }
}
