//! Operators that move elements, and resizing.

use super::{Attribute, Constant, Importer, RawNode, Value, Values};
use crate::{
    graph::Op,
    import::{ImportError, shape},
};

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn arrange(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        match node.kind.as_str() {
            "Transpose" => self.transpose(node)?,
            "Slice" => self.slice(node)?,
            "Split" => self.split(node)?,
            "Gather" => self.gather(node)?,
            "Expand" => self.expand(node)?,
            "Pad" => self.pad(node)?,
            "Resize" => self.resize(node)?,
            "DepthToSpace" | "SpaceToDepth" => self.blocks(node)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Axes of the file in the order in which the elements lie.
    fn order(rank: usize, last: bool) -> Vec<usize> {
        Self::stored(&(0..rank).collect::<Vec<_>>(), last)
    }

    fn transpose(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let rank = v.shape.len();
        let order: Vec<usize> = match self.ints(node, "perm") {
            Some(p) => p.iter().map(|&a| usize::try_from(a).unwrap_or(usize::MAX)).collect(),
            None => (0..rank).rev().collect(),
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted != Self::order(rank, false) {
            return self.b.fail(format!("{order:?} is no order of {rank} axes"));
        }
        let to: Vec<usize> = order.iter().map(|&a| v.shape[a]).collect();
        // Between channels first and last nothing moves.
        for last in [false, true] {
            if Self::stored(&order, last) == Self::order(rank, v.last) && (rank > 2 || !last) {
                return self.give(node, v.id, to, last);
            }
        }
        let v = self.first(&v)?;
        let id = self.b.transpose(v.id, &v.shape, &order)?;
        self.give(node, id, to, false)
    }

    fn slice(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let (Some(starts), Some(ends)) = (self.either(node, "starts", 1)?, self.either(node, "ends", 2)?)
        else {
            return self.b.fail("it has no starts and ends");
        };
        let axes = self.either(node, "axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps =
            if self.given(node, 4) { self.int_constant(self.arg(node, 4)?)? } else { vec![1; starts.len()] };
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
            return self.b.fail("its starts, ends, axes and steps do not fit each other");
        }
        let mut to = v.shape.clone();
        let mut strides = shape::strides(&v.shape);
        let mut offset = 0usize;
        for (i, &axis) in axes.iter().enumerate() {
            let Some(a) = shape::axis(axis, v.shape.len()) else {
                return self.b.fail(format!("its axis {axis} does not exist"));
            };
            let (extent, step) = (v.shape[a] as i64, steps[i]);
            if extent == 0 {
                return self.b.fail("it leaves no element");
            }
            if step == 0 || step.unsigned_abs() > 1 << 26 {
                return self.b.fail(format!("a step of {step} is not possible"));
            }
            let place = |p: i64| if p < 0 { p.saturating_add(extent) } else { p };
            let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
            let start = place(starts[i]).clamp(low.max(0), high);
            let end = place(ends[i]).clamp(low, high);
            let count = if step > 0 {
                (end - start + step - 1).div_euclid(step)
            } else {
                (start - end - step - 1).div_euclid(-step)
            };
            if count < 1 {
                return self.b.fail("it leaves no element");
            }
            to[a] = count as usize;
            offset += start as usize * strides[a].unsigned_abs();
            strides[a] *= step as isize;
        }
        let id = self.b.view(v.id, to.clone(), strides, offset)?;
        self.give(node, id, to, false)
    }

    fn split(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let Some(a) = shape::axis(self.int(node, "axis", 0), v.shape.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let parts = node.outputs.len();
        let sizes: Vec<usize> = match self.either(node, "split", 1)? {
            Some(sizes) => sizes.iter().map(|&s| usize::try_from(s).unwrap_or(0)).collect(),
            None => {
                let size = v.shape[a].div_ceil(parts.max(1));
                (0..parts).map(|i| size.min(v.shape[a].saturating_sub(i * size))).collect()
            }
        };
        let whole = sizes.iter().try_fold(0usize, |sum, &s| sum.checked_add(s));
        if sizes.len() != parts || whole != Some(v.shape[a]) || sizes.contains(&0) {
            return self.b.fail(format!("parts of {sizes:?} do not fit {:?}", v.shape));
        }
        let strides = shape::strides(&v.shape);
        let mut from = 0;
        for (name, size) in node.outputs.iter().zip(sizes) {
            let mut to = v.shape.clone();
            to[a] = size;
            let offset = from * strides[a].unsigned_abs();
            from += size;
            if !name.is_empty() {
                let id = self.b.view(v.id, to.clone(), strides.clone(), offset)?;
                self.values.insert(name.clone(), Value { id, shape: to, last: false });
            }
        }
        Ok(())
    }

    /// Places of an axis.
    fn gather(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let name = self.arg(node, 1)?.to_owned();
        let wanted = self.int_constant(&name)?;
        let places = self.constants.get(&name).map_or(Vec::new(), |c| c.shape.clone());
        let Some(a) = shape::axis(self.int(node, "axis", 0), v.shape.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let at: Option<Vec<usize>> = wanted.iter().map(|&i| shape::axis(i, v.shape[a])).collect();
        let Some(at) = at.as_ref().filter(|at| !at.is_empty()) else {
            return self.b.fail(format!("places {wanted:?} are not all in {:?}", v.shape));
        };
        // The shape of the places stands where the axis was.
        let to = [&v.shape[..a], &places, &v.shape[a + 1..]].concat();
        let mut id = self.b.pick(v.id, &v.shape, a, at)?;
        if places.len() != 1 {
            id = self.b.make(Op::Reshape, vec![id], id, &shape::without_batch(&to));
        }
        self.give(node, id, to, false)
    }

    fn expand(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let wanted = self.int_constant(self.arg(node, 1)?)?;
        let wanted: Option<Vec<usize>> = wanted.iter().map(|&d| usize::try_from(d).ok()).collect();
        let to = wanted.and_then(|w| shape::common(&v.shape, &w));
        let Some(to) = to.filter(|t| shape::count(t).is_some()) else {
            return self.b.fail(format!("{:?} cannot be spread like this", v.shape));
        };
        let id = self.b.spread(v.id, &v.shape, &to)?;
        self.give(node, id, to, false)
    }

    fn pad(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let mode = match node.attributes.get("mode") {
            Some(Attribute::Text(t)) => t.clone(),
            _ => "constant".into(),
        };
        if !matches!(mode.as_str(), "constant" | "reflect") {
            return self.b.fail("a constant, or the values mirrored, are supported around it");
        }
        let rank = v.shape.len();
        let pads = self.either(node, "pads", 1)?.unwrap_or_default();
        let pads: Option<Vec<usize>> =
            pads.iter().map(|&p| usize::try_from(p).ok().filter(|&p| p < 1 << 20)).collect();
        let Some(pads) = pads.filter(|p| p.len() == 2 * rank) else {
            return self.b.fail("its padding does not fit its input");
        };
        if self.given(node, 3) {
            return self.b.fail("axes are not supported; give the padding of every axis");
        }
        if mode == "reflect" {
            let pads: Vec<[usize; 2]> = (0..rank).map(|a| [pads[a], pads[rank + a]]).collect();
            let (id, to) = self.b.mirror(v.id, &v.shape, &pads, false)?;
            return self.give(node, id, to, false);
        }
        let name = if self.given(node, 2) { self.arg(node, 2)? } else { "" };
        let t = self.b.tensor(v.id);
        let value = match (self.constants.get(name).map(|c| &c.values), &t.quant) {
            (Some(Values::Floats(v)), _) => v.first().copied().unwrap_or(0.0),
            (Some(Values::Ints(v)), Some(q)) => {
                let unsigned = self.constants.get(name).is_some_and(|c: &Constant| c.kind == 2);
                let steps = v.first().copied().unwrap_or(0) - i64::from(q.zero_point);
                q.scale[0] * (steps - if unsigned { 128 } else { 0 }) as f32
            }
            (None, Some(_)) => return self.b.fail("it pads bytes without saying with what"),
            _ => self.float(node, "value", 0.0),
        };
        let (before, after) = (pads[..rank].to_vec(), pads[rank..].to_vec());
        let to: Vec<usize> = (0..rank).map(|a| v.shape[a] + before[a] + after[a]).collect();
        if shape::count(&to).is_none() {
            return self.b.fail(format!("{to:?} is too large"));
        }
        let op = Op::Pad { shape: v.shape.clone(), before, after, value };
        let id = self.b.make(op, vec![v.id], v.id, &shape::without_batch(&to));
        self.give(node, id, to, false)
    }

    /// Channels to blocks of pixels, and back.
    fn blocks(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let size = usize::try_from(self.int(node, "blocksize", 0)).unwrap_or(0);
        let &[1, c, h, w] = v.shape.as_slice() else {
            return self.b.fail(format!("its input is {:?}, expected [1, channels, height, width]", v.shape));
        };
        let deep = node.kind == "DepthToSpace";
        let whole = (1..=1 << 12).contains(&size)
            && if deep { c % (size * size) == 0 } else { h % size == 0 && w % size == 0 };
        if !whole || c * h * w == 0 {
            return self.b.fail(format!("{:?} does not make blocks of {size}", v.shape));
        }
        let (plane, row, s) = ((h * w) as isize, w as isize, size as isize);
        let (extents, strides, to) = if deep {
            let each = c / (size * size);
            let columns_first = matches!(node.attributes.get("mode"), Some(Attribute::Text(t)) if t == "CRD");
            // Strides from channel to channel, and within a block from row to row and from column to column.
            let [channel, down, right] = match columns_first {
                true => [plane * s * s, plane * s, plane],
                false => [plane, plane * each as isize * s, plane * each as isize],
            };
            (
                vec![each, h, size, w, size],
                vec![channel, row, down, 1, right],
                vec![1, each, h * size, w * size],
            )
        } else {
            (
                vec![size, size, c, h / size, w / size],
                vec![row, 1, plane, row * s, s],
                vec![1, c * size * size, h / size, w / size],
            )
        };
        let id = self.b.view(v.id, extents, strides, 0)?;
        let id = self.b.make(Op::Reshape, vec![id], id, &shape::without_batch(&to));
        self.give(node, id, to, false)
    }
}
