//! Dilated convolutions as converters write them: SPACE_TO_BATCH_ND, a convolution over the batches, BATCH_TO_SPACE_ND. What lies between
//! is known by its shape in space, so that no batch is needed.

use super::{
    Importer,
    model::RawOp,
    settle::{ALIKE, PAIRS},
};
use crate::{
    extra::Reference,
    graph::{Op, Padding},
    import::{ImportError, shape},
};

/// A value in batches, as its place in space.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocks {
    /// Steps between neighbours: rows, columns.
    block: [usize; 2],
    /// Elements of padding that the convolution must still read: before and after, of rows and columns.
    pads: [[usize; 2]; 2],
    /// The value has no rows in the file.
    flat: bool,
}

impl Importer<'_> {
    /// Imports the operator when it belongs to a dilated convolution.
    pub(super) fn dilated(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        if op.code == 38 {
            self.split_into_batches(op)?;
            return Ok(true);
        }
        let blocked = op.inputs.iter().find_map(|id| self.blocks.get(id).cloned());
        let Some(blocks) = blocked else { return Ok(false) };
        match op.code {
            37 => self.join_batches(op, &blocks)?,
            // Other axes of one: the same place in space.
            22 | 43 | 70 => {
                let (id, out) = (self.arg(op, 0)?, self.out(op)?);
                let there = self.input(id)?;
                self.set_shape(out, self.full(id)?.to_vec())?;
                self.map.insert(out, there);
                self.blocks.insert(out, blocks);
            }
            3 | 4 => self.over_batches(op, &blocks)?,
            // Backwards within a batch is another order than backwards in space.
            code if !matches!(code, 105 | 128)
                && self.alike_in_batches(op, &blocks)?
                && (ALIKE.contains(&code) || PAIRS.contains(&code))
                && blocks.pads == [[0; 2]; 2] =>
            {
                let out = self.out(op)?;
                let mut to = self.full(self.arg(op, 0)?)?.to_vec();
                if PAIRS.contains(&code) {
                    let other = self.full(self.arg(op, 1)?)?;
                    match shape::common(&to, other) {
                        Some(common) => to = common,
                        None => return self.b.fail(format!("{to:?} and {other:?} do not fit each other")),
                    }
                }
                self.set_shape(out, to)?;
                self.blocks.insert(out, blocks);
                return Ok(false);
            }
            _ => {
                return self.b.fail(
                    "between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND one convolution and functions of each element are supported",
                );
            }
        }
        Ok(true)
    }

    /// Whether what the operator reads is the same for every batch, or in the same batches.
    fn alike_in_batches(&self, op: &RawOp<'_>, blocks: &Blocks) -> Result<bool, ImportError> {
        for id in op.inputs.iter().filter(|id| **id >= 0) {
            let alike = match self.blocks.get(id) {
                Some(b) => b == blocks,
                None => match self.full(*id)? {
                    [ahead @ .., _] => ahead.iter().all(|d| *d == 1),
                    [] => true,
                },
            };
            if !alike {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Pairs of integers, none negative, of a tensor.
    fn pairs(&self, id: i32) -> Result<Vec<[usize; 2]>, ImportError> {
        let values: Option<Vec<usize>> =
            self.ints(id)?.into_iter().map(|v| usize::try_from(v).ok().filter(|&v| v <= 1 << 16)).collect();
        match values {
            Some(v) => Ok(v.chunks_exact(2).map(|p| [p[0], p[1]]).collect()),
            None => self.b.fail("its sizes are not possible"),
        }
    }

    fn split_into_batches(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let full = self.full(id)?;
        let sizes = self.ints(self.arg(op, 1)?)?;
        let pads = self.pairs(self.arg(op, 2)?)?;
        let size = |v: i64| usize::try_from(v).ok().filter(|v| (1..=1 << 16).contains(v));
        let (block, pads, image, flat) = match (full, sizes.as_slice(), pads.as_slice()) {
            (&[1, h, w, c], &[a, b], &[p, q]) => ([size(a), size(b)], [p, q], [1, h, w, c], false),
            (&[1, w, c], &[b], &[q]) => ([Some(1), size(b)], [[0; 2], q], [1, 1, w, c], true),
            _ => return self.b.fail(format!("{full:?} in blocks of {sizes:?} is not supported")),
        };
        let [Some(a), Some(b)] = block else { return self.b.fail("its sizes are not possible") };
        let zero = self.kind(id)?.1.map_or(0, |q| q.zero_point);
        if zero != 0 && pads != [[0; 2]; 2] && self.b.graph.reference == Reference::Tflm {
            self.b.note(
                "SPACE_TO_BATCH_ND pads with zeros, as in LiteRT; TFLM pads with a value that it never sets"
                    .into(),
            );
        }
        let x = self.input(id)?;
        let x = self.b.make(Op::Reshape, vec![x], x, &image[1..]);
        self.set_shape(out, image.to_vec())?;
        self.map.insert(out, x);
        self.blocks.insert(out, Blocks { block: [a, b], pads, flat });
        Ok(())
    }

    fn over_batches(&mut self, op: &RawOp<'_>, blocks: &Blocks) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let [h, w, c] = self.image(id)?;
        let &[first, kh, kw, last] = self.full(self.arg(op, 1)?)? else {
            return self.b.fail("its weights are not of four axes");
        };
        let (depthwise, from) = (op.code == 4, usize::from(op.code == 4));
        let steps =
            [self.step(op, 2)?, self.step(op, 1)?, self.step(op, 5 + from)?, self.step(op, 4 + from)?];
        let valid = self.small(op, 0)? == 1 || (kh, kw) == (1, 1);
        let fits = if depthwise { first == 1 && last % c == 0 } else { last == c };
        if steps != [1; 4] || !valid || !fits || kh == 0 || kw == 0 {
            return self.b.fail(
                "between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND it must have steps of 1 and no padding",
            );
        }
        let [[top, bottom], [left, right]] = blocks.pads;
        let extent = |d: usize, pads: [usize; 2], kernel: usize, block: usize| {
            (d + pads[0] + pads[1]).checked_sub(kernel.checked_sub(1)?.checked_mul(block)?).filter(|&n| n > 0)
        };
        let (Some(rows), Some(columns)) =
            (extent(h, blocks.pads[0], kh, blocks.block[0]), extent(w, blocks.pads[1], kw, blocks.block[1]))
        else {
            return self.b.fail("its kernel is larger than its input");
        };
        let outputs = if depthwise { last } else { first };
        let activation = self.activation(self.small(op, 3 + from)?)?;
        let padding = Padding { top, bottom, left, right };
        let (stride, dilation) = ([1, 1], blocks.block);
        self.set_shape(out, vec![1, rows, columns, outputs])?;
        let (what, weights, axis) = if depthwise {
            let multiplier = last / c;
            (Op::DepthwiseConv2d { stride, dilation, padding, multiplier, activation }, vec![kh, kw, last], 3)
        } else {
            (Op::Conv2d { stride, dilation, padding, activation }, vec![first, kh, kw, last], 0)
        };
        self.layer(op, what, &weights, axis, outputs)?;
        self.blocks.insert(out, Blocks { pads: [[0; 2]; 2], ..blocks.clone() });
        Ok(())
    }

    fn join_batches(&mut self, op: &RawOp<'_>, blocks: &Blocks) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let [h, w, c] = self.image(id)?;
        let sizes: Vec<i64> = blocks.block[usize::from(blocks.flat)..].iter().map(|&b| b as i64).collect();
        if self.ints(self.arg(op, 1)?)? != sizes {
            return self.b.fail(format!("its blocks are not those of SPACE_TO_BATCH_ND, {sizes:?}"));
        }
        let crops = self.pairs(self.arg(op, 2)?)?;
        let crops = match (crops.as_slice(), blocks.flat) {
            (&[p, q], false) => [p, q],
            (&[q], true) => [[0; 2], q],
            _ => return self.b.fail("its crops do not fit SPACE_TO_BATCH_ND"),
        };
        let left = |d: usize, crop: [usize; 2]| d.checked_sub(crop[0] + crop[1]).filter(|&n| n > 0);
        let (Some(rows), Some(columns), true) =
            (left(h, crops[0]), left(w, crops[1]), blocks.pads == [[0; 2]; 2])
        else {
            return self.b.fail("its crops leave nothing, or no convolution lies before it");
        };
        let to = if blocks.flat { vec![1, columns, c] } else { vec![1, rows, columns, c] };
        self.set_shape(out, to)?;
        let cut = vec![(0, 1, 1), (crops[0][0] as i64, 1, rows), (crops[1][0] as i64, 1, columns), (0, 1, c)];
        if (rows, columns) == (h, w) {
            let x = self.input(id)?;
            return self.give(op, 0, x);
        }
        self.cut(op, 0, id, &cut)
    }
}
