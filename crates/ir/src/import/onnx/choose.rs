//! Operators that compare, choose by what came of it, and look up; products of matrices that are written as sums over letters.

use super::{
    Attribute, Importer, RawNode, Value,
    wire::{Constant, Values},
};
use crate::{
    choose::truth,
    extra::{BinaryKind, CompareKind},
    graph::{Activation, DType, Data, Op, TensorId},
    import::{ImportError, shape},
};

/// Tensors spread over each other, the shape of all, and whether their channels lie last.
type Spread = (Vec<TensorId>, Vec<usize>, bool);

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn choose(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let compare = |kind| Op::Compare { kind };
        let binary = |kind| Op::Binary { kind, activation: Activation::None };
        match node.kind.as_str() {
            "Less" => self.compared(node, CompareKind::Less)?,
            "LessOrEqual" => self.compared(node, CompareKind::LessEqual)?,
            "Greater" => self.compared(node, CompareKind::Greater)?,
            "GreaterOrEqual" => self.compared(node, CompareKind::GreaterEqual)?,
            "Equal" => self.compared(node, CompareKind::Equal)?,
            "And" => self.logical(node, binary(BinaryKind::Minimum))?,
            "Or" => self.logical(node, binary(BinaryKind::Maximum))?,
            "Xor" => self.logical(node, compare(CompareKind::NotEqual))?,
            "Not" => {
                let v = self.truth(self.arg(node, 0)?)?;
                let (own, n) = (self.b.tensor(v.id).shape.clone(), self.b.tensor(v.id).len());
                let zeros = self.b.constant("false", &own, Data::I8(vec![0; n]), Some(truth()));
                let id = self.b.make(compare(CompareKind::Equal), vec![v.id, zeros], v.id, &own);
                self.give(node, id, v.shape, v.last)?;
            }
            "Where" => {
                let parts = vec![
                    self.truth(self.arg(node, 0)?)?,
                    self.value(self.arg(node, 1)?)?,
                    self.value(self.arg(node, 2)?)?,
                ];
                let (ids, to, last) = self.over_each_other(parts)?;
                let like = shape::without_batch(&Self::stored(&to, last));
                let id = self.b.make(Op::Select, ids.clone(), ids[1], &like);
                self.give(node, id, to, last)?;
            }
            "ArgMax" | "ArgMin" => self.arg_extreme(node)?,
            "Cast" => return self.cast_choice(node),
            "Gather" => return self.look_up(node),
            "Einsum" => self.einsum(node)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Truth as bytes: a value that flows, or a constant that becomes one.
    fn truth(&mut self, name: &str) -> Result<Value, ImportError> {
        if let Some(v) = self.values.get(name) {
            if self.b.tensor(v.id).quant.as_ref() != Some(&truth()) {
                return self.b.fail(format!("`{name}` is no result of a comparison"));
            }
            return Ok(v.clone());
        }
        let Some(Constant { shape: full, values: Values::Ints(v), .. }) = self.constants.get(name).cloned()
        else {
            return self.b.fail(format!("`{name}` is no result of a comparison"));
        };
        if v.is_empty() {
            return self.b.fail(format!("`{name}` of shape {full:?} has no element"));
        }
        let bytes = Data::I8(v.iter().map(|v| i8::from(*v != 0)).collect());
        let id = self.b.constant(name, &shape::without_batch(&full), bytes, Some(truth()));
        Ok(Value { id, shape: full, last: false })
    }

    /// Values spread over each other.
    pub(super) fn over_each_other(&mut self, parts: Vec<Value>) -> Result<Spread, ImportError> {
        let mut to = Vec::new();
        for v in &parts {
            match shape::common(&to, &v.shape) {
                Some(common) => to = common,
                None => return self.b.fail(format!("{to:?} and {:?} do not fit each other", v.shape)),
            }
        }
        let last = parts.iter().any(|v| v.last) && to.len() >= 3;
        let mut ids = Vec::new();
        for v in parts {
            // Axes that are put in front would make another one the channels.
            let mut v = if last && v.shape.len() == to.len() { v } else { self.first(&v)? };
            while v.shape.len() < to.len() {
                v.shape.insert(0, 1);
            }
            let v = if last { self.last(&v)? } else { v };
            ids.push(self.b.spread(v.id, &Self::stored(&v.shape, last), &Self::stored(&to, last))?);
        }
        Ok((ids, to, last))
    }

    fn compared(&mut self, node: &RawNode, kind: CompareKind) -> Result<(), ImportError> {
        let parts = vec![self.value(self.arg(node, 0)?)?, self.value(self.arg(node, 1)?)?];
        self.pair_of(node, Op::Compare { kind }, parts)
    }

    fn logical(&mut self, node: &RawNode, op: Op) -> Result<(), ImportError> {
        let parts = vec![self.truth(self.arg(node, 0)?)?, self.truth(self.arg(node, 1)?)?];
        self.pair_of(node, op, parts)
    }

    fn pair_of(&mut self, node: &RawNode, op: Op, parts: Vec<Value>) -> Result<(), ImportError> {
        let (ids, to, last) = self.over_each_other(parts)?;
        let like = shape::without_batch(&Self::stored(&to, last));
        let out = self.b.flow("truth", &like, DType::I8, Some(truth()));
        self.b.node(op, ids, out);
        self.give(node, out, to, last)
    }

    fn arg_extreme(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let Some(axis) = shape::axis(self.int(node, "axis", 0), v.shape.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let mut to = v.shape.clone();
        match self.int(node, "keepdims", 1) {
            0 => _ = to.remove(axis),
            _ => to[axis] = 1,
        }
        let (count, inner) = (v.shape[axis], v.shape[axis + 1..].iter().product());
        let last = self.int(node, "select_last_index", 0) != 0;
        let out = self.b.flow("place", &shape::without_batch(&to), DType::I32, None);
        self.b.node(Op::ArgExtreme { largest: node.kind == "ArgMax", last, count, inner }, vec![v.id], out);
        let name = node.outputs.first().cloned().unwrap_or_default();
        self.b.note(format!("`{name}` is int64 in the file and is given out as int32"));
        self.give(node, out, to, false)
    }

    /// Truth to float and float to truth; whole numbers stay what they are.
    fn cast_choice(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let Some(v) = node.inputs.first().and_then(|n| self.values.get(n)).cloned() else { return Ok(false) };
        let t = self.b.tensor(v.id);
        let (own, n, is_truth) = (t.shape.clone(), t.len(), t.quant.as_ref() == Some(&truth()));
        let to = match node.attributes.get("to") {
            Some(Attribute::Int(to)) => *to,
            _ => 0,
        };
        let id = match (t.dtype, to) {
            (DType::I8, 9) | (DType::I32, 6 | 7) if is_truth || t.quant.is_none() => v.id,
            (DType::I8, 1) if is_truth => {
                let out = self.b.flow("number", &own, DType::F32, None);
                self.b.node(Op::Dequantize, vec![v.id], out);
                out
            }
            (DType::F32, 9) => {
                let zeros = self.b.constant("zeros", &own, Data::F32(vec![0.0; n]), None);
                let out = self.b.flow("truth", &own, DType::I8, Some(truth()));
                self.b.node(Op::Compare { kind: CompareKind::NotEqual }, vec![v.id, zeros], out);
                out
            }
            (DType::I32, _) => return self.b.fail("places of values are not cast; end the model with them"),
            _ => return Ok(false),
        };
        self.give(node, id, v.shape, v.last)?;
        Ok(true)
    }

    /// Rows of a constant table by whole numbers that flow.
    fn look_up(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let Some(at) = node.inputs.get(1).and_then(|n| self.values.get(n)).cloned() else { return Ok(false) };
        let t = self.b.tensor(at.id);
        if t.dtype != DType::I32 || t.quant.is_some() {
            return Ok(false);
        }
        let name = self.arg(node, 0)?.to_owned();
        let (values, full) = self.float_constant(&name)?;
        if self.int(node, "axis", 0) != 0 || full.len() < 2 || full.contains(&0) {
            return self.b.fail(format!("rows of the first axis of a table are supported, not of {full:?}"));
        }
        // Numbers below zero count from the end in ONNX; here such a row is not there.
        let width: usize = full[1..].iter().product();
        let table = self.b.constant(&name, &[full[0], width], Data::F32(values), None);
        let to: Vec<usize> = at.shape.iter().chain(&full[1..]).copied().collect();
        let out = self.b.flow("rows", &shape::without_batch(&to), DType::F32, None);
        self.b.node(Op::Gather, vec![at.id, table], out);
        self.give(node, out, to, false)?;
        Ok(true)
    }

    /// Einsum of two inputs that is a product of matrices: each letter once in an input, and none that only one of them sums over.
    fn einsum(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let equation: String = match node.attributes.get("equation") {
            Some(Attribute::Text(t)) => t.chars().filter(|c| !c.is_whitespace()).collect(),
            _ => String::new(),
        };
        let refuse = |this: &Self| {
            this.b.fail(format!(
                "`{equation}` is not supported; products of two matrices or batches of them are, with the result behind `->`"
            ))
        };
        let Some((inputs, result)) = equation.split_once("->") else { return refuse(self) };
        let Some((a, b)) = inputs.split_once(',') else { return refuse(self) };
        let letters = |text: &str| -> Option<Vec<char>> {
            let all: Vec<char> = text.chars().collect();
            let once = all.iter().enumerate().all(|(i, c)| c.is_ascii_alphabetic() && !all[..i].contains(c));
            once.then_some(all)
        };
        let (Some(a), Some(b), Some(result)) = (letters(a), letters(b), letters(result)) else {
            return refuse(self);
        };
        let values = [self.value(self.arg(node, 0)?)?, self.value(self.arg(node, 1)?)?];
        let [x, y] = [self.first(&values[0])?, self.first(&values[1])?];
        let known = |c: &char| a.contains(c) || b.contains(c);
        if x.shape.len() != a.len() || y.shape.len() != b.len() || !result.iter().all(known) {
            return refuse(self);
        }
        let extent = |c: &char| match a.iter().position(|l| l == c) {
            Some(i) => x.shape[i],
            None => b.iter().position(|l| l == c).map_or(1, |i| y.shape[i]),
        };
        let which = |in_a: bool, in_b: bool, kept: bool| -> Vec<char> {
            let mut all: Vec<char> = result.iter().chain(&a).chain(&b).copied().collect();
            let mut seen = Vec::new();
            all.retain(|c| {
                !seen.contains(c) && {
                    seen.push(*c);
                    a.contains(c) == in_a && b.contains(c) == in_b && result.contains(c) == kept
                }
            });
            all
        };
        let (batch, summed) = (which(true, true, true), which(true, true, false));
        let (rows, columns) = (which(true, false, true), which(false, true, true));
        let lonely = !which(true, false, false).is_empty() || !which(false, true, false).is_empty();
        let differs = b.iter().enumerate().any(|(i, c)| extent(c) != y.shape[i]);
        if lonely || differs || summed.is_empty() {
            return refuse(self);
        }
        let size = |of: &[char]| of.iter().map(extent).product::<usize>();
        let order = |of: &[char], parts: [&[char]; 3]| -> Vec<usize> {
            parts.concat().iter().filter_map(|c| of.iter().position(|l| l == c)).collect()
        };
        let left = self.b.transpose(x.id, &x.shape, &order(&a, [&batch, &rows, &summed]))?;
        let right = self.b.transpose(y.id, &y.shape, &order(&b, [&batch, &summed, &columns]))?;
        let full = [size(&batch), size(&rows), size(&summed), size(&columns)];
        let ((op, ids), made) = self.b.mat_mul(
            [left, right],
            [&[full[0], full[1], full[2]], &[full[0], full[2], full[3]]],
            [false, false],
        )?;
        let product = self.b.make(op, ids, left, &made);
        let given: Vec<char> = [batch.as_slice(), &rows, &columns].concat();
        let from: Vec<usize> = given.iter().map(extent).collect();
        let id = self.b.transpose(product, &from, &order(&given, [&result, &[], &[]]))?;
        let to: Vec<usize> = result.iter().map(extent).collect();
        let id = self.b.make(Op::Reshape, vec![id], id, &shape::without_batch(&to));
        self.give(node, id, to, false)
    }
}
