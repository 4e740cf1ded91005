//! Operators that move elements, and arithmetic of shapes that is done before the model runs.

use super::{Importer, model::RawOp, model::Type};
use crate::{
    graph::{DType, Data, Op, TensorId},
    import::{ImportError, shape},
};

/// Most integers, such as shapes and indices, that are computed before the model runs.
const MOST_INDICES: usize = 4096;

/// A slice of each axis: first element, step, number of elements.
pub(super) type Slice = Vec<(i64, i64, usize)>;

impl Importer<'_> {
    /// Imports the operator when it is one of these.
    pub(super) fn arrange(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        match op.code {
            22 | 43 | 70 => self.reshape(op)?,
            2 => self.concat(op)?,
            34 | 60 => self.pad(op)?,
            39 => {
                let id = self.arg(op, 0)?;
                let full = self.full(id)?.to_vec();
                let order: Vec<usize> = self
                    .ints(self.arg(op, 1)?)?
                    .into_iter()
                    .map(|a| shape::axis(a, full.len()).unwrap_or(usize::MAX))
                    .collect();
                let x = self.input(id)?;
                let y = self.b.transpose(x, &full, &order)?;
                self.give(op, 0, y)?;
            }
            45 => self.strided_slice(op)?,
            65 => self.slice(op)?,
            49 | 102 => self.split(op)?,
            88 => self.unpack(op)?,
            83 => self.pack(op)?,
            69 | 130 => self.repeat(op)?,
            97 => self.nearest(op)?,
            105 => {
                let id = self.arg(op, 0)?;
                let full = self.full(id)?.to_vec();
                let mut cut: Slice = full.iter().map(|&d| (0, 1, d)).collect();
                for a in self.ints(self.arg(op, 1)?)? {
                    match shape::axis(a, full.len()) {
                        Some(a) => cut[a] = (full[a] as i64 - 1, -1, full[a]),
                        None => return self.b.fail(format!("axis {a} does not exist")),
                    }
                }
                self.cut(op, 0, id, &cut)?;
            }
            36 => self.gather(op)?,
            5 | 26 => self.blocks(op)?,
            100 => self.mirror(op)?,
            94 => self.fill(op)?,
            93 => {
                let out = self.out(op)?;
                let zero = self.kind(out)?.1.map_or(0, |q| q.zero_point);
                self.filled(out, 0.0, zero)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Names `made` as output number `i` of the operator.
    pub(super) fn give(&mut self, op: &RawOp<'_>, i: usize, made: TensorId) -> Result<(), ImportError> {
        let Some(&out) = op.outputs.get(i) else {
            return self.b.fail(format!("output {i} is left out"));
        };
        let t = self.tensor(out)?;
        if t.kind == Type::F32 && self.b.tensor(made).data.is_some() {
            self.map.insert(out, made);
            return Ok(());
        }
        let full = self.full(out)?;
        let wanted = shape::without_batch(full);
        if shape::count(full) != Some(self.b.tensor(made).len()) {
            return self.b.fail(format!("it makes {} values, not {full:?}", self.b.tensor(made).len()));
        }
        // The node that made it may take the file's name and shape.
        if let Some(node) = self.b.graph.nodes.last()
            && node.output == made
            && matches!(node.op, Op::Strided { .. })
        {
            let tensor = &mut self.b.graph.tensors[made.0 as usize];
            tensor.shape = wanted;
            self.map.insert(out, made);
            return Ok(());
        }
        let y = self.output(out)?;
        self.b.node(Op::Reshape, vec![made], y);
        Ok(())
    }

    fn reshape(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let x = self.input(self.arg(op, 0)?)?;
        self.give(op, 0, x)
    }

    fn concat(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let out = self.out(op)?;
        let full = self.full(out)?;
        let axis = self.option(op, 0, 0)?;
        let Some(axis) = shape::axis(axis.into(), full.len()) else {
            return self.b.fail(format!("axis {axis} does not exist"));
        };
        if self.small(op, 1)? != 0 {
            return self.b.fail("its fused activation is not supported; make it a layer of its own");
        }
        let outer = full[..axis].iter().product();
        let mut parts = Vec::new();
        for i in 0..op.inputs.len() {
            let id = self.arg(op, i)?;
            if !self.full(id)?.contains(&0) {
                parts.push(self.input(id)?);
            }
        }
        if parts.is_empty() {
            return self.b.fail("all its parts are empty");
        }
        let y = self.output(out)?;
        let parts = parts.into_iter().map(|p| self.b.at_scale_of(p, y)).collect();
        self.b.node(Op::Concat { outer }, parts, y);
        Ok(())
    }

    fn pad(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?.to_vec();
        let amounts = self.ints(self.arg(op, 1)?)?;
        let amounts: Vec<usize> = match amounts.iter().map(|&a| usize::try_from(a).ok()).collect() {
            Some(a) => a,
            None => return self.b.fail("a padding is negative"),
        };
        if amounts.len() != 2 * full.len() {
            return self.b.fail(format!("{} paddings do not fit {full:?}", amounts.len()));
        }
        let value = match op.inputs.get(2) {
            Some(&v) if v >= 0 => match self.tensor(v)?.floats(0).as_deref() {
                Some(&[value]) => value,
                _ => return self.b.fail("its value must be a constant"),
            },
            _ => 0.0,
        };
        let before = amounts.iter().step_by(2).copied().collect();
        let after = amounts.iter().skip(1).step_by(2).copied().collect();
        let x = self.input(id)?;
        let y = self.output(self.out(op)?)?;
        let x = self.b.at_scale_of(x, y);
        self.b.node(Op::Pad { shape: full, before, after, value }, vec![x], y);
        Ok(())
    }

    /// Part of a tensor, as output number `i`.
    pub(super) fn cut(&mut self, op: &RawOp<'_>, i: usize, id: i32, cut: &Slice) -> Result<(), ImportError> {
        let full = self.full(id)?;
        let own = shape::strides(full);
        let mut offset = 0i64;
        let mut strides = Vec::new();
        for ((&(first, step, count), own), &extent) in cut.iter().zip(&own).zip(full) {
            if count == 0 && i == 0 {
                // Joined with others in a loop that fills a list.
                return self.set_shape(op.outputs[0], cut.iter().map(|c| c.2).collect());
            }
            let last = i128::from(first) + i128::from(step) * (count as i128 - 1);
            let ends = [i128::from(first), last];
            if count == 0 || ends.iter().any(|end| !(0..extent as i128).contains(end)) {
                return self.b.fail(format!("a part of {full:?} reaches outside or is empty"));
            }
            offset += first * *own as i64;
            strides.push((step * *own as i64) as isize);
        }
        let extents = cut.iter().map(|c| c.2).collect();
        let x = self.input(id)?;
        let y = self.b.view(x, extents, strides, offset as usize)?;
        self.give(op, i, y)
    }

    /// The slices that STRIDED_SLICE asks for, and the shape that is left.
    pub(super) fn slices(&self, op: &RawOp<'_>, full: &[usize]) -> Result<(Slice, Vec<usize>), ImportError> {
        let bits = |n| self.option(op, n, 0);
        let (begin_mask, end_mask, shrink) = (bits(0)?, bits(1)?, bits(4)?);
        let (ellipsis, fresh) = (bits(2)?, bits(3)?);
        if self.small(op, 5)? != 0 {
            return self.b.fail(
                "ends that count from the begin (`offset`) are not supported; write where each slice ends",
            );
        }
        let (begin, end, step) =
            (self.ints(self.arg(op, 1)?)?, self.ints(self.arg(op, 2)?)?, self.ints(self.arg(op, 3)?)?);
        let misfit = || self.b.fail(format!("{} slices do not fit {full:?}", begin.len()));
        if end.len() != begin.len() || step.len() != begin.len() || begin.len() > 16 {
            return misfit();
        }
        let bit = |mask: i32, i: usize| mask >> i & 1 == 1;
        // An ellipsis stands for all axes that no other entry is for; a new axis is for none.
        let named = (0..begin.len()).filter(|&i| !bit(ellipsis, i) && !bit(fresh, i)).count();
        let Some(rest) = full.len().checked_sub(named) else { return misfit() };
        let mut cut: Slice = full.iter().map(|&d| (0, 1, d)).collect();
        let (mut left, mut axis) = (Vec::new(), 0);
        for i in 0..begin.len() {
            if bit(ellipsis, i) {
                // A second one is for no axis.
                let until = if ellipsis & ((1 << i) - 1) == 0 { axis + rest } else { axis };
                left.extend(&full[axis..until]);
                axis = until;
                continue;
            }
            if bit(fresh, i) {
                left.push(1);
                continue;
            }
            let extent = full[axis] as i64;
            let (low, high) = if step[i] > 0 { (0, extent) } else { (-1, extent - 1) };
            let place = |v: i64| (if v < 0 { v.saturating_add(extent) } else { v }).clamp(low, high);
            if step[i] == 0 || step[i].unsigned_abs() > 1 << 30 {
                return self.b.fail(format!("a step of {} is not possible", step[i]));
            }
            let first =
                if bit(begin_mask, i) { if step[i] > 0 { 0 } else { extent - 1 } } else { place(begin[i]) };
            if bit(shrink, i) {
                cut[axis] = (first, 1, 1);
                axis += 1;
                continue;
            }
            let last = if bit(end_mask, i) { if step[i] > 0 { extent } else { -1 } } else { place(end[i]) };
            let count = if step[i] > 0 {
                (last - first + step[i] - 1).div_euclid(step[i])
            } else {
                (first - last - step[i] - 1).div_euclid(-step[i])
            };
            cut[axis] = (first, step[i], count.max(0) as usize);
            left.push(count.max(0) as usize);
            axis += 1;
        }
        left.extend(&full[axis..]);
        Ok((cut, left))
    }

    fn strided_slice(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let (cut, ..) = self.slices(op, self.full(id)?)?;
        self.cut(op, 0, id, &cut)
    }

    fn slice(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?;
        let (begin, size) = (self.ints(self.arg(op, 1)?)?, self.ints(self.arg(op, 2)?)?);
        if begin.len() != full.len() || size.len() != full.len() {
            return self.b.fail(format!("its slices do not fit {full:?}"));
        }
        let cut = (0..full.len())
            .map(|i| {
                let count = if size[i] < 0 { (full[i] as i64).saturating_sub(begin[i]) } else { size[i] };
                (begin[i], 1, count.max(0) as usize)
            })
            .collect();
        self.cut(op, 0, id, &cut)
    }

    fn split(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let plain = op.code == 49;
        let id = self.arg(op, usize::from(plain))?;
        let full = self.full(id)?.to_vec();
        let axis = self.ints(self.arg(op, if plain { 0 } else { 2 })?)?;
        let Some(axis) = axis.first().and_then(|&a| shape::axis(a, full.len())) else {
            return self.b.fail("its axis does not exist");
        };
        let mut first = 0;
        for i in 0..op.outputs.len() {
            let count = self.full(op.outputs[i])?.get(axis).copied().unwrap_or(0);
            let mut cut: Slice = full.iter().map(|&d| (0, 1, d)).collect();
            cut[axis] = (first, 1, count);
            first += count as i64;
            self.cut(op, i, id, &cut)?;
        }
        Ok(())
    }

    fn unpack(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?.to_vec();
        let Some(axis) = shape::axis(self.option(op, 1, 0)?.into(), full.len()) else {
            return self.b.fail("its axis does not exist");
        };
        for i in 0..op.outputs.len() {
            let mut cut: Slice = full.iter().map(|&d| (0, 1, d)).collect();
            cut[axis] = (i as i64, 1, 1);
            self.cut(op, i, id, &cut)?;
        }
        Ok(())
    }

    fn pack(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let out = self.out(op)?;
        let full = self.full(out)?;
        let Some(axis) = shape::axis(self.option(op, 1, 0)?.into(), full.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let outer = full[..axis].iter().product();
        let parts =
            (0..op.inputs.len()).map(|i| self.input(self.arg(op, i)?)).collect::<Result<Vec<_>, _>>()?;
        let y = self.output(out)?;
        let parts = parts.into_iter().map(|p| self.b.at_scale_of(p, y)).collect();
        self.b.node(Op::Concat { outer }, parts, y);
        Ok(())
    }

    /// TILE and BROADCAST_TO.
    fn repeat(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let (from, to) = (self.full(id)?.to_vec(), self.full(out)?.to_vec());
        let x = self.input(id)?;
        if op.code == 130 {
            let y = self.b.spread(x, &from, &to)?;
            return self.give(op, 0, y);
        }
        let own = shape::strides(&from);
        let (mut extents, mut strides) = (Vec::new(), Vec::new());
        for (i, &extent) in from.iter().enumerate() {
            let Some(times) = to.get(i).filter(|&&t| extent > 0 && t % extent == 0).map(|t| t / extent)
            else {
                return self.b.fail(format!("{from:?} does not repeat to {to:?}"));
            };
            extents.extend([times, extent]);
            strides.extend([0, own[i]]);
        }
        let y = self.b.view(x, extents, strides, 0)?;
        self.give(op, 0, y)
    }

    fn nearest(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let (from, to) = (self.full(id)?.to_vec(), self.full(out)?.to_vec());
        let (&[1, h, w, c], &[1, oh, ow, oc]) = (from.as_slice(), to.as_slice()) else {
            return self.b.fail(format!("{from:?} to {to:?} is no resizing of an image"));
        };
        let whole = h > 0 && w > 0 && oh % h == 0 && ow % w == 0 && c == oc && self.small(op, 0)? == 0;
        if !whole {
            return self.b.fail(format!(
                "{h} x {w} to {oh} x {ow}: whole factors without aligned corners are supported; use RESIZE_BILINEAR"
            ));
        }
        let x = self.input(id)?;
        let (row, pixel) = ((w * c) as isize, c as isize);
        let y = self.b.view(x, vec![h, oh / h, w, ow / w, c], vec![row, 0, pixel, 0, 1], 0)?;
        self.give(op, 0, y)
    }

    fn gather(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?.to_vec();
        let Some(axis) = shape::axis(self.option(op, 0, 0)?.into(), full.len()) else {
            return self.b.fail("its axis does not exist");
        };
        if self.option(op, 1, 0)? != 0 {
            return self.b.fail("batch dimensions are not supported");
        }
        let indices = self.ints(self.arg(op, 1)?)?;
        let at: Option<Vec<usize>> =
            indices.iter().map(|&i| usize::try_from(i).ok().filter(|&i| i < full[axis])).collect();
        let Some(at) = at.filter(|at| !at.is_empty()) else {
            return self.b.fail(format!("places {indices:?} are not all in {full:?}"));
        };
        let x = self.input(id)?;
        let y = self.b.pick(x, &full, axis, &at)?;
        self.give(op, 0, y)
    }

    /// MIRROR_PAD.
    fn mirror(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let full = self.full(id)?.to_vec();
        let amounts = self.ints(self.arg(op, 1)?)?;
        let amounts: Option<Vec<usize>> = amounts.iter().map(|&a| usize::try_from(a).ok()).collect();
        let Some(amounts) = amounts.filter(|a| a.len() == 2 * full.len()) else {
            return self.b.fail(format!("its paddings do not fit {full:?}"));
        };
        let pads: Vec<[usize; 2]> = amounts.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
        let x = self.input(id)?;
        let (y, _) = self.b.mirror(x, &full, &pads, self.small(op, 0)? == 1)?;
        self.give(op, 0, y)
    }

    /// FILL: one value in all places.
    fn fill(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (value, out) = (self.arg(op, 1)?, self.out(op)?);
        let t = self.tensor(value)?;
        let (float, integer) = match t.kind {
            Type::F32 => (t.floats(0).and_then(|v| v.first().copied()), None),
            _ => (None, t.ints().and_then(|v| v.first().copied())),
        };
        match (float, integer) {
            (Some(v), _) => self.filled(out, v, 0),
            (_, Some(v)) => self.filled(out, 0.0, v as i32),
            _ => self.b.fail("its value must be a constant"),
        }
    }

    /// The constant `out` of one value.
    fn filled(&mut self, out: i32, float: f32, integer: i32) -> Result<(), ImportError> {
        let (dtype, quant) = self.kind(out)?;
        let (name, shape) = (self.tensor(out)?.name.clone(), shape::without_batch(self.full(out)?));
        let n = shape::count(&shape).unwrap_or(0);
        let data = match dtype {
            DType::F32 => Data::F32(vec![float; n]),
            DType::I8 => Data::I8(vec![integer as i8; n]),
            DType::I16 => Data::I16(vec![integer as i16; n]),
            _ => return self.b.fail(format!("{dtype:?} is not supported")),
        };
        let made = self.b.constant(&name, &shape, data, quant);
        self.map.insert(out, made);
        Ok(())
    }

    /// DEPTH_TO_SPACE and SPACE_TO_DEPTH.
    fn blocks(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let id = self.arg(op, 0)?;
        let size = usize::try_from(self.option(op, 0, 0)?).unwrap_or(0);
        let full = self.full(id)?.to_vec();
        let &[1, h, w, c] = full.as_slice() else {
            return self.b.fail(format!("its input is {full:?}, expected [1, height, width, channels]"));
        };
        let x = self.input(id)?;
        let (row, pixel) = ((w * c) as isize, c as isize);
        let y = if op.code == 5 {
            if size == 0 || c % (size * size) != 0 {
                return self.b.fail(format!("{c} channels do not make blocks of {size}"));
            }
            let deep = c / (size * size);
            let strides = vec![row, (size * deep) as isize, pixel, deep as isize, 1];
            self.b.view(x, vec![h, size, w, size, deep], strides, 0)?
        } else {
            if size == 0 || h % size != 0 || w % size != 0 {
                return self.b.fail(format!("{h} x {w} does not make blocks of {size}"));
            }
            let s = size as isize;
            let strides = vec![row * s, pixel * s, row, pixel, 1];
            self.b.view(x, vec![h / size, w / size, size, size, c], strides, 0)?
        };
        self.give(op, 0, y)
    }

    /// Shapes and indices: computed now when they can be; whoever needs one that could not be says so.
    pub(super) fn fold(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let out = self.out(op)?;
        let values = |i: usize| op.inputs.get(i).and_then(|&id| self.ints(id).ok());
        let made: Option<Vec<i64>> = match op.code {
            77 => Some(self.full(self.arg(op, 0)?)?.iter().map(|&d| d as i64).collect()),
            22 | 43 | 53 | 70 => values(0),
            2 | 83 => 'joined: {
                let mut joined = Vec::new();
                for i in 0..op.inputs.len() {
                    joined.extend(match values(i) {
                        Some(part) => part,
                        None => break 'joined None,
                    });
                    if joined.len() > MOST_INDICES {
                        break;
                    }
                }
                Some(joined)
            }
            45 => match values(0) {
                Some(v) => {
                    let (cut, ..) = self.slices(op, &[v.len()])?;
                    let (first, step, count) = cut[0];
                    (0..count as i64).map(|k| v.get((first + k * step) as usize).copied()).collect()
                }
                None => None,
            },
            0 | 18 | 41 => match (values(0), values(1)) {
                (Some(a), Some(b)) if a.len() == b.len() || a.len() == 1 || b.len() == 1 => {
                    let n = a.len().max(b.len());
                    (0..n)
                        .map(|i| {
                            let (a, b) = (*a.get(i).or(a.first())?, *b.get(i).or(b.first())?);
                            match op.code {
                                0 => a.checked_add(b),
                                18 => a.checked_mul(b),
                                _ => a.checked_sub(b),
                            }
                        })
                        .collect()
                }
                _ => None,
            },
            36 => match (values(0), values(1)) {
                (Some(v), Some(at)) => {
                    at.iter().map(|&i| usize::try_from(i).ok().and_then(|i| v.get(i)).copied()).collect()
                }
                _ => None,
            },
            55 | 57 | 58 | 61 | 62 | 63 | 71 | 72 | 84 | 86 => match (values(0), values(1)) {
                (Some(a), Some(b)) if a.len() == b.len() || a.len() == 1 || b.len() == 1 => {
                    (0..a.len().max(b.len()))
                        .map(|i| {
                            let (a, b) = (*a.get(i).or(a.first())?, *b.get(i).or(b.first())?);
                            Some(match op.code {
                                55 => a.max(b),
                                57 => a.min(b),
                                58 => i64::from(a < b),
                                61 => i64::from(a > b),
                                62 => i64::from(a >= b),
                                63 => i64::from(a <= b),
                                71 => i64::from(a == b),
                                72 => i64::from(a != b),
                                84 => i64::from(a != 0 || b != 0),
                                _ => i64::from(a != 0 && b != 0),
                            })
                        })
                        .collect()
                }
                _ => None,
            },
            87 => values(0).map(|v| v.into_iter().map(|a| i64::from(a == 0)).collect()),
            64 | 123 => match (values(0), values(1), values(2)) {
                (Some(c), Some(a), Some(b)) => {
                    let n = c.len().max(a.len()).max(b.len());
                    let at = |v: &[i64], i: usize| if v.len() == 1 { v.first() } else { v.get(i) }.copied();
                    (0..n).map(|i| if at(&c, i)? != 0 { at(&a, i) } else { at(&b, i) }).collect()
                }
                _ => None,
            },
            81 => values(0).and_then(|v| v.iter().try_fold(1i64, |n, d| n.checked_mul(*d))).map(|n| vec![n]),
            _ => None,
        };
        match made {
            Some(values) if values.len() > MOST_INDICES => {
                self.b.fail(format!("more than {MOST_INDICES} integers are not computed ahead"))
            }
            Some(values) => {
                self.known.insert(out, values);
                Ok(())
            }
            None if self.raw.outputs.contains(&out) || op.inputs.iter().any(|&i| self.flows(i)) => {
                let name = super::names::name(op.code, &op.custom);
                let kind = self.tensor(out)?.kind;
                if op.code == 114 {
                    return self.b.fail(format!(
                        "to {kind:?} is not supported; end the model with int8 or int16 before it"
                    ));
                }
                self.b.fail(format!("it is not supported; {}", super::names::replacement(&name)))
            }
            None => Ok(()),
        }
    }

    /// Whether a tensor is computed when the model runs.
    fn flows(&self, id: i32) -> bool {
        self.map.get(&id).is_some_and(|t| {
            let t = self.b.tensor(*t);
            t.data.is_none() && t.dtype != DType::I32
        })
    }
}
