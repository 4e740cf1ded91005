//! Shapes that a file leaves open: a model with a batch of any size has placeholders where a shape is computed from it. With a batch of one
//! they are known, as a runtime knows them once it has allocated its tensors.

use super::{Importer, model::RawOp};
use crate::import::{ImportError, shape};
use std::cell::OnceCell;

/// Operators on one value that keep its shape.
pub(super) const ALIKE: [i32; 27] = [
    53, 87, 128, 6, 8, 14, 19, 20, 21, 25, 28, 47, 50, 54, 59, 73, 75, 76, 92, 93, 98, 101, 105, 111, 114,
    117, 150,
];
/// Operators on two values that are spread over each other.
pub(super) const PAIRS: [i32; 15] = [0, 18, 41, 42, 55, 57, 58, 61, 62, 63, 71, 72, 84, 86, 99];

/// Extent after a window of `kernel` places slid over `input`.
fn slid(input: usize, same: bool, kernel: usize, dilation: usize, stride: usize) -> Option<usize> {
    if same {
        return Some(input.div_ceil(stride));
    }
    let covered = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    Some(input.checked_sub(covered)? / stride + 1)
}

impl Importer<'_> {
    /// Finds the shapes of the outputs that the file leaves open.
    pub(super) fn settle(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        for (i, &id) in op.outputs.iter().enumerate() {
            if !self.tensor(id)?.open || (self.is_index(id) && !self.chooses(op)) {
                continue;
            }
            if let Some(found) = self.shape_of(op, i)? {
                self.set_shape(id, found)?;
            }
        }
        Ok(())
    }

    /// Gives a tensor of the file another shape than the file has.
    pub(super) fn set_shape(&mut self, id: i32, found: Vec<usize>) -> Result<(), ImportError> {
        if shape::count(&found).is_none() {
            return self.b.fail(format!("with a batch of 1 its output is {found:?}"));
        }
        if self.full(id)? != found {
            let (at, kept) = self.kept.keep(found);
            (self.kept, _) = (at, self.shapes.insert(id, kept));
        }
        Ok(())
    }

    /// Shape of output number `i`, when the inputs tell it.
    fn shape_of(&self, op: &RawOp<'_>, i: usize) -> Result<Option<Vec<usize>>, ImportError> {
        let Some(&first) = op.inputs.first().filter(|&&id| id >= 0) else { return Ok(None) };
        let full = self.full(first)?;
        let known = |n: usize| -> Option<Vec<i64>> {
            op.inputs.get(n).filter(|&&id| id >= 0).and_then(|&id| self.ints(id).ok())
        };
        let sizes =
            |v: Vec<i64>| -> Option<Vec<usize>> { v.into_iter().map(|d| usize::try_from(d).ok()).collect() };
        let axis_of = |v: Option<Vec<i64>>, rank: usize| v.and_then(|v| shape::axis(*v.first()?, rank));
        Ok(match op.code {
            code if ALIKE.contains(&code) => Some(full.to_vec()),
            code if PAIRS.contains(&code) => shape::common(full, self.full(self.arg(op, 1)?)?),
            22 => {
                let wanted = match known(1) {
                    Some(v) => Some(v),
                    None => match &op.options {
                        Some(t) => t.ints(0).ok().map(|v| v.into_iter().map(i64::from).collect()),
                        None => None,
                    },
                };
                wanted.and_then(|v| resolved(full, &v))
            }
            9 => {
                let &[m, n] = self.full(self.arg(op, 1)?)? else { return Ok(None) };
                let total: usize = full.iter().product();
                match full {
                    [ahead @ .., _] if self.small(op, 2)? != 0 => {
                        Some(ahead.iter().copied().chain([m]).collect())
                    }
                    _ => total.checked_div(n).map(|rows| vec![rows, m]),
                }
            }
            70 => known(1).and_then(|v| {
                let mut out = full.to_vec();
                out.insert(shape::axis(*v.first()?, full.len() + 1)?, 1);
                Some(out)
            }),
            43 => {
                let dims = match &op.options {
                    Some(t) => t.ints(0).or_else(|e| self.b.fail(e))?,
                    None => Vec::new(),
                };
                let drop = |i: usize| match dims.is_empty() {
                    true => full[i] == 1,
                    false => dims.iter().any(|&d| shape::axis(d.into(), full.len()) == Some(i)),
                };
                Some((0..full.len()).filter(|&i| !drop(i)).map(|i| full[i]).collect())
            }
            2 => {
                let Some(axis) = shape::axis(self.option(op, 0, 0)?.into(), full.len()) else {
                    return Ok(None);
                };
                let mut out = full.to_vec();
                out[axis] = 0;
                for n in 0..op.inputs.len() {
                    let Some(&part) = self.full(self.arg(op, n)?)?.get(axis) else { return Ok(None) };
                    out[axis] = out[axis].saturating_add(part);
                }
                Some(out)
            }
            83 => {
                let mut out = full.to_vec();
                let Some(axis) = shape::axis(self.option(op, 1, 0)?.into(), full.len() + 1) else {
                    return Ok(None);
                };
                out.insert(axis, op.inputs.len());
                Some(out)
            }
            88 => shape::axis(self.option(op, 1, 0)?.into(), full.len()).map(|axis| {
                let mut out = full.to_vec();
                out.remove(axis);
                out
            }),
            49 | 102 => {
                let plain = op.code == 49;
                let mut out = self.full(self.arg(op, usize::from(plain))?)?.to_vec();
                let Some(axis) = axis_of(known(if plain { 0 } else { 2 }), out.len()) else {
                    return Ok(None);
                };
                let part = match plain {
                    true => out[axis].checked_div(op.outputs.len()),
                    false => known(1).and_then(|v| usize::try_from(*v.get(i)?).ok()),
                };
                part.map(|part| {
                    out[axis] = part;
                    out
                })
            }
            39 => known(1).and_then(|order| {
                order.into_iter().map(|a| Some(full[shape::axis(a, full.len())?])).collect()
            }),
            45 => match known(1).is_some() && known(2).is_some() && known(3).is_some() {
                true => Some(self.slices(op, full)?.1),
                false => None,
            },
            65 => match (known(1), known(2)) {
                (Some(begin), Some(size)) if begin.len() == full.len() && size.len() == full.len() => (0
                    ..full.len())
                    .map(|i| match size[i] {
                        -1 => full[i].checked_sub(usize::try_from(begin[i]).ok()?),
                        n => usize::try_from(n).ok(),
                    })
                    .collect(),
                _ => None,
            },
            34 | 60 | 100 => known(1).and_then(|v| {
                let pads = sizes(v).filter(|v| v.len() == 2 * full.len())?;
                full.iter().zip(pads.chunks(2)).map(|(d, p)| d.checked_add(p[0])?.checked_add(p[1])).collect()
            }),
            69 => known(1).and_then(|v| {
                let times = sizes(v).filter(|v| v.len() == full.len())?;
                full.iter().zip(times).map(|(d, t)| d.checked_mul(t)).collect()
            }),
            94 => known(0).and_then(sizes),
            130 => known(1).and_then(sizes),
            36 => {
                let Some(axis) = shape::axis(self.option(op, 0, 0)?.into(), full.len()) else {
                    return Ok(None);
                };
                let at = self.full(self.arg(op, 1)?)?;
                Some(full[..axis].iter().chain(at).chain(&full[axis + 1..]).copied().collect())
            }
            40 | 74 | 82 | 89 => known(1).map(|axes| {
                let axes: Vec<_> = axes.into_iter().filter_map(|a| shape::axis(a, full.len())).collect();
                let keep = self.small(op, 0).is_ok_and(|k| k != 0);
                let each = full.iter().enumerate();
                if keep {
                    each.map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect()
                } else {
                    each.filter(|(i, _)| !axes.contains(i)).map(|(_, &d)| d).collect()
                }
            }),
            126 => {
                let second = self.full(self.arg(op, 1)?)?;
                let ([ahead_a @ .., r0, c0], [ahead_b @ .., r1, c1]) = (full, second) else {
                    return Ok(None);
                };
                let rows = if self.small(op, 0)? != 0 { *c0 } else { *r0 };
                let columns = if self.small(op, 1)? != 0 { *r1 } else { *c1 };
                shape::common(ahead_a, ahead_b).map(|a| a.into_iter().chain([rows, columns]).collect())
            }
            3 | 4 | 1 | 17 => {
                let (&[n, h, w, c], same) = (full, self.small(op, 0)? == 0) else { return Ok(None) };
                let stride = [self.step(op, 2)?, self.step(op, 1)?];
                let (kernel, dilation, channels) = if matches!(op.code, 3 | 4) {
                    let &[first, kh, kw, last] = self.full(self.arg(op, 1)?)? else { return Ok(None) };
                    let from = usize::from(op.code == 4);
                    let dilation = [self.step(op, 5 + from)?, self.step(op, 4 + from)?];
                    ([kh, kw], dilation, if op.code == 3 { first } else { last })
                } else {
                    ([self.step(op, 4)?, self.step(op, 3)?], [1, 1], c)
                };
                let at = |a: usize, d: usize| slid(d, same, kernel[a], dilation[a], stride[a]);
                at(0, h).zip(at(1, w)).map(|(h, w)| vec![n, h, w, channels])
            }
            56 | 79 => axis_of(known(1), full.len()).map(|axis| {
                let mut out = full.to_vec();
                out.remove(axis);
                out
            }),
            64 | 123 => {
                let common = shape::common(self.full(self.arg(op, 1)?)?, self.full(self.arg(op, 2)?)?);
                match (op.code, common) {
                    (123, Some(to)) => shape::common(full, &to),
                    (_, common) => common,
                }
            }
            7 => {
                let table = self.full(self.arg(op, 1)?)?;
                Some(full.iter().chain(table.iter().skip(1)).copied().collect())
            }
            23 | 97 => match (full, known(1).and_then(sizes).as_deref()) {
                (&[n, _, _, c], Some(&[h, w])) => Some(vec![n, h, w, c]),
                _ => None,
            },
            67 => known(0).and_then(sizes),
            _ => None,
        })
    }
}

/// The shape that RESHAPE asks for; one extent may be left open.
fn resolved(from: &[usize], wanted: &[i64]) -> Option<Vec<usize>> {
    let total = shape::count(from)?;
    let rest = wanted
        .iter()
        .filter(|&&d| d != -1)
        .try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?))?;
    wanted.iter().map(|&d| if d == -1 { total.checked_div(rest) } else { usize::try_from(d).ok() }).collect()
}

/// Shapes that outlive their finder: a chain of pages that only grows.
pub(super) struct Kept {
    page: Vec<OnceCell<Vec<usize>>>,
    next: OnceCell<Box<Kept>>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { page: (0..1024).map(|_| OnceCell::new()).collect(), next: OnceCell::new() }
    }
}

impl Kept {
    /// Keeps a shape; also the page with room for the next.
    fn keep(&self, shape: Vec<usize>) -> (&Self, &[usize]) {
        match self.page.iter().find(|cell| cell.get().is_none()) {
            Some(cell) => (self, cell.get_or_init(|| shape)),
            None => self.next.get_or_init(Box::default).keep(shape),
        }
    }
}
