//! QuantizeLinear, DequantizeLinear, and constants that are integers.

use super::{Constant, Importer, RawGraph, RawNode, Values, wire::Read};
use crate::{
    graph::{DType, Data, Op, Quant, TensorId},
    import::{ImportError, shape},
};
use std::collections::BTreeSet;

/// A constant as integers: `real = scale * (q - zero)`.
#[derive(Clone)]
pub struct Quantised {
    pub shape: Vec<usize>,
    /// Less their zero point.
    pub steps: Vec<i64>,
    /// One, or one per slice along `axis`.
    pub scale: Vec<f32>,
    pub axis: usize,
    /// Zero point as a signed byte, when the constant is bytes with one scale.
    zero: Option<i32>,
}

/// Operators that move elements and change none.
const MOVING: [&str; 10] = [
    "Transpose",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Expand",
    "Pad",
    "Concat",
    "Identity",
];

/// Scale and zero point of an activation as a signed byte, from the constants of a node.
fn affine(scale: Option<&Constant>, zero: Option<&Constant>, given: bool) -> Read<Quant> {
    let fail = "activations have one scale and an int8 or uint8 zero point";
    let Some(Constant { values: Values::Floats(scale), .. }) = scale else { return Err(fail.into()) };
    // Left out, the type is uint8.
    let (zero, kind) = match zero {
        Some(Constant { values: Values::Ints(z), kind, .. }) if z.len() == 1 => (z[0], *kind),
        None if !given => (0, 2),
        _ => return Err(fail.into()),
    };
    let zero = match kind {
        3 if (-128..=127).contains(&zero) => zero,
        2 if (0..=255).contains(&zero) => zero - 128,
        _ => return Err(fail.into()),
    };
    match scale[..] {
        [scale] if scale > 0.0 && scale.is_finite() => {
            Ok(Quant { scale: vec![scale], zero_point: zero as i32, axis: 0 })
        }
        _ => Err(fail.into()),
    }
}

impl Importer {
    fn affine(&self, node: &RawNode) -> Result<Quant, ImportError> {
        let constant = |i: usize| node.inputs.get(i).and_then(|n| self.constants.get(n));
        affine(constant(1), constant(2), self.given(node, 2)).or_else(|e| self.b.fail(e))
    }

    /// The input of the graph; bytes take the scale with which they are made real.
    pub(super) fn entry(
        &mut self,
        raw: &RawGraph,
        name: &str,
        extents: &[usize],
        kind: i64,
    ) -> Result<TensorId, ImportError> {
        self.b.at("input", 0, name);
        if kind == 1 {
            let id = self.b.flow(name, extents, DType::F32, None);
            self.b.graph.inputs.push(id);
            return Ok(id);
        }
        // Whole numbers: rows of tables.
        if kind == 6 || kind == 7 {
            if kind == 7 {
                self.b.note(format!("the input `{name}` is int64 in the file and is taken as int32"));
            }
            let id = self.b.flow(name, extents, DType::I32, None);
            self.b.graph.inputs.push(id);
            return Ok(id);
        }
        if kind != 2 && kind != 3 {
            return self
                .b
                .fail(format!("elements of type {kind}; float, int8, uint8, int32 and int64 are supported"));
        }
        let mut same = BTreeSet::from([name]);
        let reader = raw.nodes.iter().find(|n| {
            if !n.inputs.first().is_some_and(|i| same.contains(i.as_str())) {
                return false;
            }
            if MOVING.contains(&n.kind.as_str()) {
                same.extend(n.outputs.iter().map(String::as_str));
            }
            n.kind == "DequantizeLinear"
        });
        let Some(reader) = reader else {
            return self.b.fail("no DequantizeLinear says what its bytes mean");
        };
        let constant = |i: usize| reader.inputs.get(i).and_then(|n| raw.constants.get(n));
        let quant = affine(constant(1), constant(2), self.given(reader, 2)).or_else(|e| self.b.fail(e))?;
        if kind == 3 {
            let id = self.b.flow(name, extents, DType::I8, Some(quant));
            self.b.graph.inputs.push(id);
            return Ok(id);
        }
        let unsigned = Quant { zero_point: quant.zero_point + 128, ..quant.clone() };
        let id = self.b.flow(name, extents, DType::U8, Some(unsigned));
        self.b.graph.inputs.push(id);
        let signed = self.b.flow(name, extents, DType::I8, Some(quant));
        self.b.node(Op::Quantize, vec![id], signed);
        Ok(signed)
    }

    /// The tensor as unsigned bytes, when it is signed ones.
    pub(super) fn unsigned(&mut self, id: TensorId) -> TensorId {
        let t = self.b.tensor(id).clone();
        let (DType::I8, Some(q)) = (t.dtype, t.quant) else { return id };
        let quant = Quant { zero_point: q.zero_point + 128, ..q };
        let out = self.b.flow(&t.name, &t.shape, DType::U8, Some(quant));
        self.b.node(Op::Quantize, vec![id], out);
        out
    }

    /// A constant of bytes with one scale, made real where the graph runs.
    pub(super) fn dequantised(&mut self, name: &str) -> Option<TensorId> {
        let c = self.quantised.get(name)?;
        let zero = c.zero?;
        let own = shape::without_batch(&c.shape);
        let bytes = c.steps.iter().map(|s| (s + i64::from(zero)) as i8).collect();
        let quant = Quant { scale: c.scale.clone(), zero_point: zero, axis: 0 };
        let id = self.b.constant(name, &own, Data::I8(bytes), Some(quant));
        let out = self.b.flow("real", &own, DType::F32, None);
        self.b.node(Op::Dequantize, vec![id], out);
        Some(out)
    }

    /// Remembers the integers of the weights and the bias of a layer. `axis`: of the outputs in the file's weights; `order`:
    /// where each weight lies in the file.
    pub(super) fn keep_exact(
        &mut self,
        node: &RawNode,
        made: [TensorId; 2],
        axis: usize,
        order: Option<&[usize]>,
    ) {
        let of = |i: usize| node.inputs.get(i).and_then(|n| self.quantised.get(n));
        let weights = of(1).filter(|w| w.scale.len() == 1 || w.axis == axis).cloned();
        let bias = of(2).cloned();
        if let Some(mut w) = weights {
            if let Some(order) = order {
                w.steps = order.iter().map(|&i| w.steps[i]).collect();
            }
            self.exact.insert(made[0], w);
        }
        if let Some(b) = bias {
            self.exact.insert(made[1], b);
        }
    }

    pub(super) fn quantize_linear(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let quant = self.affine(node)?;
        let like = self.b.tensor(v.id).shape.clone();
        let out = self.b.flow("quantised", &like, DType::I8, Some(quant));
        self.b.node(Op::Quantize, vec![v.id], out);
        self.give(node, out, v.shape, v.last)
    }

    pub(super) fn dequantize_linear(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let name = self.arg(node, 0)?.to_owned();
        if let Some(Constant { shape: full, values: Values::Ints(q), kind }) =
            self.constants.get(&name).cloned()
        {
            return self.dequantize_constant(node, full, &q, kind);
        }
        let v = self.value(&name)?;
        let like = self.b.tensor(v.id).shape.clone();
        let out = self.b.flow("real", &like, DType::F32, None);
        self.b.node(Op::Dequantize, vec![v.id], out);
        self.give(node, out, v.shape, v.last)
    }

    fn dequantize_constant(
        &mut self,
        node: &RawNode,
        full: Vec<usize>,
        q: &[i64],
        kind: u64,
    ) -> Result<(), ImportError> {
        let (scale, _) = self.float_constant(self.arg(node, 1)?)?;
        let zero = if self.given(node, 2) { self.int_constant(self.arg(node, 2)?)? } else { vec![0] };
        let axis = shape::axis(self.int(node, "axis", 1), full.len().max(1)).unwrap_or(0);
        let inner: usize = full.get(axis + 1..).map_or(1, |s| s.iter().product());
        let several = scale.len() > 1;
        if scale.is_empty() || (several && full.get(axis) != Some(&scale.len())) {
            return self.b.fail("its scales do not fit");
        }
        let slice = |i: usize| if several { i / inner.max(1) % scale.len() } else { 0 };
        let zero_of = |i: usize| zero.get(slice(i)).or(zero.first()).copied().unwrap_or(0);
        let steps: Vec<i64> = q.iter().enumerate().map(|(i, &q)| q.saturating_sub(zero_of(i))).collect();
        let values = steps.iter().enumerate().map(|(i, &s)| scale[slice(i)] * s as f32).collect();
        if let Some(out) = node.outputs.first() {
            let signed = match (kind, zero.as_slice()) {
                (3, &[z]) if !several && (-128..=127).contains(&z) => Some(z as i32),
                (2, &[z]) if !several && (0..=255).contains(&z) => Some(z as i32 - 128),
                _ => None,
            };
            let zero = signed.filter(|_| scale[0] > 0.0 && scale[0].is_finite());
            let kept = Quantised { shape: full.clone(), steps, scale, axis, zero };
            self.quantised.insert(out.clone(), kept);
            self.constants.insert(out.clone(), Constant::floats(full, values));
        }
        Ok(())
    }
}
