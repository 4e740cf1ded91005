//! ONNX models: float, and quantised ones in the form with QuantizeLinear and DequantizeLinear, whose operators become
//! integer ones where there are such.
//!
//! ONNX keeps images as `[n, channels, height, width]`. Values are turned to channels last where an operator needs
//! it and back where their order counts; turns that meet or move nothing cost nothing.

mod arrange;
mod choose;
mod external;
mod fold;
mod functions;
mod fuse;
mod layers;
mod quant;
mod recurrent;
mod reshape;
mod resize;
mod statistics;
mod wire;

use super::{ImportError, Imported, build::Build, shape};
use crate::{
    extra::{BinaryKind, Function, ReduceKind, Reference},
    graph::{Activation, DType, Data, Op, TensorId},
};
pub use external::{Beside, whole};
use std::collections::BTreeMap;
use wire::{Attribute, Constant, RawGraph, RawNode, Values};

/// Reads a model.
///
/// # Errors
/// [`ImportError`] naming what does not fit, or the operator that is not supported and its place.
pub fn read(bytes: &[u8], name: &str, reference: Reference) -> Result<Imported, ImportError> {
    let malformed = |reason: String| ImportError::Malformed { format: "ONNX", reason };
    let raw = wire::read(bytes).map_err(malformed)?;
    if raw.inputs.is_empty() {
        return Err(malformed("it has no input".into()));
    }
    let mut b = Build::new(name);
    b.graph.reference = reference;
    let mut importer = Importer {
        b,
        values: BTreeMap::new(),
        constants: raw.constants.clone(),
        quantised: BTreeMap::new(),
        exact: BTreeMap::new(),
        operators: raw.operators,
    };
    let mut shapes = Vec::new();
    for (input, extents, kind) in &raw.inputs {
        // A free batch is one; other free extents are not known.
        let mut full = extents.clone();
        if let Some(batch) = full.first_mut()
            && *batch == 0
        {
            *batch = 1;
        }
        if full.contains(&0) || shape::count(&full).is_none() {
            return Err(malformed(format!(
                "its input `{input}` is {full:?}; give every extent but the batch a size"
            )));
        }
        let id = importer.entry(&raw, input, &shape::without_batch(&full), *kind)?;
        importer.values.insert(input.clone(), Value { id, shape: full.clone(), last: false });
        shapes.push(full);
    }
    for (i, node) in raw.nodes.iter().enumerate() {
        let makes = node.outputs.first().map_or("nothing", String::as_str);
        importer.b.at(&node.kind, i, makes);
        importer.node(node)?;
        importer.b.check_constants()?;
    }
    importer.finish(&raw, shapes)
}

/// A value that flows.
#[derive(Clone)]
struct Value {
    id: TensorId,
    /// As in the file.
    shape: Vec<usize>,
    /// Whether the elements lie channels last.
    last: bool,
}

struct Importer {
    b: Build,
    values: BTreeMap<String, Value>,
    constants: BTreeMap<String, Constant>,
    /// Constants as the integers from which they were computed.
    quantised: BTreeMap<String, quant::Quantised>,
    /// The same of constants in the graph.
    exact: BTreeMap<TensorId, quant::Quantised>,
    /// Version of the operator set.
    operators: i64,
}

impl Importer {
    fn finish(mut self, raw: &RawGraph, mut shapes: Vec<Vec<usize>>) -> Result<Imported, ImportError> {
        for (name, kind) in &raw.outputs {
            self.b.at("output", raw.nodes.len(), name);
            let v = self.value(name)?;
            let v = self.first(&v)?;
            let mut id = v.id;
            if *kind == 2 {
                id = self.unsigned(id);
            }
            let graph = &self.b.graph;
            if graph.outputs.contains(&id) || graph.nodes.iter().all(|n| n.output != id) {
                id = self.b.make(Op::Reshape, vec![id], id, &shape::without_batch(&v.shape));
            }
            let id = self.shaped(id, &v.shape);
            self.b.graph.outputs.push(id);
            shapes.push(v.shape);
        }
        let Build { mut graph, mut notes, .. } = self.b;
        notes.extend(fuse::fuse(&mut graph, &self.exact));
        super::build::fold(&mut graph)?;
        super::build::prune(&mut graph);
        graph.validate()?;
        for node in &graph.nodes {
            graph.lower(node)?;
        }
        Ok(Imported { graph, shapes, notes })
    }

    /// The result of the last node with the file's shape: as it is, when its operator can give it so.
    fn shaped(&mut self, id: TensorId, full: &[usize]) -> TensorId {
        let wanted = shape::without_batch(full);
        let graph = &mut self.b.graph;
        // Those that read it may go by its shape.
        let read = graph.nodes.iter().any(|n| n.inputs.contains(&id));
        let old = std::mem::replace(&mut graph.tensors[id.0 as usize].shape, wanted.clone());
        let maker = graph.nodes.iter().find(|n| n.output == id);
        if old == wanted || (!read && maker.is_some_and(|n| graph.check_node(n).is_ok())) {
            return id;
        }
        graph.tensors[id.0 as usize].shape = old;
        self.b.make(Op::Reshape, vec![id], id, &wanted)
    }

    fn arg<'n>(&self, node: &'n RawNode, i: usize) -> Result<&'n str, ImportError> {
        match node.inputs.get(i) {
            Some(name) if !name.is_empty() => Ok(name),
            _ => self.b.fail(format!("input {i} is left out")),
        }
    }

    fn given(&self, node: &RawNode, i: usize) -> bool {
        node.inputs.get(i).is_some_and(|n| !n.is_empty())
    }

    /// A value that flows, or a constant that becomes one.
    fn value(&mut self, name: &str) -> Result<Value, ImportError> {
        if let Some(v) = self.values.get(name) {
            return Ok(v.clone());
        }
        if let Some(id) = self.dequantised(name) {
            let value = Value { id, shape: self.quantised[name].shape.clone(), last: false };
            self.values.insert(name.into(), value.clone());
            return Ok(value);
        }
        let Some(Constant { shape: full, values: Values::Floats(v), .. }) = self.constants.get(name).cloned()
        else {
            return self.b.fail(format!("`{name}` is no float value"));
        };
        if v.is_empty() {
            return self.b.fail(format!("`{name}` of shape {full:?} has no element"));
        }
        let id = self.b.constant(name, &shape::without_batch(&full), Data::F32(v), None);
        let value = Value { id, shape: full, last: false };
        self.values.insert(name.into(), value.clone());
        Ok(value)
    }

    fn float_constant(&self, name: &str) -> Result<(Vec<f32>, Vec<usize>), ImportError> {
        match self.constants.get(name) {
            Some(Constant { shape, values: Values::Floats(v), .. }) => Ok((v.clone(), shape.clone())),
            _ => self.b.fail(format!("`{name}` must be a constant of floats")),
        }
    }

    fn int_constant(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        match self.constants.get(name) {
            Some(Constant { values: Values::Ints(v), .. }) => Ok(v.clone()),
            _ => self.b.fail(format!("`{name}` must be a constant of integers")),
        }
    }

    fn int(&self, node: &RawNode, name: &str, default: i64) -> i64 {
        match node.attributes.get(name) {
            Some(Attribute::Int(v)) => *v,
            _ => default,
        }
    }

    fn float(&self, node: &RawNode, name: &str, default: f32) -> f32 {
        match node.attributes.get(name) {
            Some(Attribute::Float(v)) => *v,
            _ => default,
        }
    }

    fn ints(&self, node: &RawNode, name: &str) -> Option<Vec<i64>> {
        match node.attributes.get(name) {
            Some(Attribute::Ints(v)) => Some(v.clone()),
            _ => None,
        }
    }

    /// Integers of an attribute or, in newer operator sets, of an input.
    fn either(&self, node: &RawNode, name: &str, input: usize) -> Result<Option<Vec<i64>>, ImportError> {
        if let Some(v) = self.ints(node, name) {
            return Ok(Some(v));
        }
        if self.given(node, input) { self.int_constant(self.arg(node, input)?).map(Some) } else { Ok(None) }
    }

    /// Names the result.
    fn give(
        &mut self,
        node: &RawNode,
        id: TensorId,
        full: Vec<usize>,
        last: bool,
    ) -> Result<(), ImportError> {
        // What comes after it may make constants of this size.
        if shape::count(&full).is_none() {
            return self.b.fail(format!("its result {full:?} is too large"));
        }
        match node.outputs.first() {
            Some(name) => {
                let last = last && full.len() >= 3;
                self.values.insert(name.clone(), Value { id, shape: full, last });
                Ok(())
            }
            None => self.b.fail("it has no output"),
        }
    }

    /// Extents in the order in which the elements lie.
    fn stored(full: &[usize], last: bool) -> Vec<usize> {
        if !last || full.len() < 3 {
            return full.to_vec();
        }
        let mut out = vec![full[0]];
        out.extend(&full[2..]);
        out.push(full[1]);
        out
    }

    /// The value with its elements in the file's order.
    fn first(&mut self, v: &Value) -> Result<Value, ImportError> {
        if !v.last || v.shape.len() < 3 {
            return Ok(Value { last: false, ..v.clone() });
        }
        let stored = Self::stored(&v.shape, true);
        let rank = stored.len();
        let order: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        let id = self.b.transpose(v.id, &stored, &order)?;
        Ok(Value { id, shape: v.shape.clone(), last: false })
    }

    /// The value with its channels last.
    fn last(&mut self, v: &Value) -> Result<Value, ImportError> {
        if v.last || v.shape.len() < 3 {
            return Ok(Value { last: true, ..v.clone() });
        }
        let rank = v.shape.len();
        let order: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
        let id = self.b.transpose(v.id, &v.shape, &order)?;
        Ok(Value { id, shape: v.shape.clone(), last: true })
    }

    fn node(&mut self, node: &RawNode) -> Result<(), ImportError> {
        if self.known(node)?
            || self.choose(node)?
            || self.layer(node)?
            || self.arrange(node)?
            || self.recurrent(node)?
            || self.statistics(node)?
            || self.functions(node)?
        {
            return Ok(());
        }
        let function = |f| Op::Unary { function: f };
        match node.kind.as_str() {
            "Relu" => self.simple(node, Op::Activate { activation: Activation::Relu }),
            "Sigmoid" => self.simple(node, function(Function::Logistic)),
            "Tanh" => self.simple(node, function(Function::Tanh)),
            "HardSwish" => self.simple(node, function(Function::HardSwish)),
            "Gelu" => match node.attributes.get("approximate") {
                Some(Attribute::Text(form)) if form == "tanh" => self.simple(node, function(Function::Gelu)),
                _ => self.simple(node, function(Function::GeluErf)),
            },
            "HardSigmoid" => {
                let (a, b) = (self.float(node, "alpha", 0.2), self.float(node, "beta", 0.5));
                self.simple(node, function(Function::HardSigmoid(a, b)))
            }
            "LeakyRelu" => {
                let alpha = self.float(node, "alpha", 0.01);
                self.simple(node, function(Function::LeakyRelu(alpha)))
            }
            "Elu" => {
                let alpha = self.float(node, "alpha", 1.0);
                self.simple(node, function(Function::Elu(alpha)))
            }
            "Exp" => self.simple(node, function(Function::Exp)),
            "Abs" => self.simple(node, function(Function::Abs)),
            "Neg" => self.simple(node, function(Function::Neg)),
            "Sqrt" => self.simple(node, function(Function::Sqrt)),
            "Reciprocal" => self.reciprocal(node),
            "Identity" | "Dropout" | "Cast" => {
                if node.kind == "Cast" && !matches!(node.attributes.get("to"), Some(Attribute::Int(1))) {
                    return self.b.fail("values that flow are cast to float alone");
                }
                let v = self.value(self.arg(node, 0)?)?;
                self.give(node, v.id, v.shape, v.last)
            }
            "Clip" => self.clip(node),
            "Softmax" => self.softmax(node),
            "Add" => self.binary(node, BinaryKind::Add),
            "Sub" => self.binary(node, BinaryKind::Sub),
            "Mul" => self.binary(node, BinaryKind::Mul),
            "Div" => self.binary(node, BinaryKind::Div),
            "Max" => self.binary(node, BinaryKind::Maximum),
            "Min" => self.binary(node, BinaryKind::Minimum),
            "ReduceMean" => self.reduce(node, ReduceKind::Mean),
            "ReduceSum" => self.reduce(node, ReduceKind::Sum),
            "ReduceMax" => self.reduce(node, ReduceKind::Max),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => self.reshape(node),
            "Concat" => self.concat(node),
            "QuantizeLinear" => self.quantize_linear(node),
            "DequantizeLinear" => self.dequantize_linear(node),
            other => {
                let hint = match other {
                    "Loop" | "Scan" | "If" => {
                        "export recurrent layers as LSTM, GRU or RNN, and the model without branches"
                    }
                    "TopK" | "NonMaxSuppression" => {
                        "end the model with the scores and take the largest outside"
                    }
                    "STFT" | "DFT" | "MelWeightMatrix" => {
                        "leave the features to a DSP block: see `edgewright dsp list`"
                    }
                    _ => {
                        "compute it by Add, Mul, MatMul, Conv or another operator that is read, or cut the model before it"
                    }
                };
                self.b.fail(format!("it is not supported; {hint}"))
            }
        }
    }

    /// Constants and arithmetic of shapes, done now.
    fn known(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let Some(out) = node.outputs.first().cloned() else { return Ok(false) };
        let Some(known) = self.fold(node)? else { return Ok(false) };
        if node.kind != "Constant" {
            self.b.hold(known.bytes())?;
        }
        self.constants.insert(out, known);
        Ok(true)
    }

    fn simple(&mut self, node: &RawNode, op: Op) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let like = self.b.tensor(v.id).shape.clone();
        let id = self.b.make(op, vec![v.id], v.id, &like);
        self.give(node, id, v.shape, v.last)
    }

    /// One over a square root is an operator of its own.
    fn reciprocal(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let made = self.b.graph.nodes.iter().find(|n| n.output == v.id);
        let like = self.b.tensor(v.id).shape.clone();
        let Some((Op::Unary { function: Function::Sqrt }, x)) = made.map(|n| (&n.op, n.inputs[0])) else {
            let one = self.all(&like, 1.0);
            let id = self.joined(BinaryKind::Div, one, v.id, &like);
            return self.give(node, id, v.shape, v.last);
        };
        let id = self.b.make(Op::Unary { function: Function::Rsqrt }, vec![x], v.id, &like);
        self.give(node, id, v.shape, v.last)
    }

    fn clip(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let bound = |this: &Self, name: &str, i: usize, default: f32| -> Result<f32, ImportError> {
            if this.given(node, i) {
                let (v, _) = this.float_constant(this.arg(node, i)?)?;
                return Ok(v.first().copied().unwrap_or(default));
            }
            Ok(this.float(node, name, default))
        };
        let low = bound(self, "min", 1, f32::NEG_INFINITY)?;
        let high = bound(self, "max", 2, f32::INFINITY)?;
        let activation = if low == 0.0 && high == 6.0 {
            Activation::Relu6
        } else if low == 0.0 && high >= f32::MAX {
            Activation::Relu
        } else if low == -1.0 && high == 1.0 {
            Activation::ReluN1To1
        } else {
            return self.between(node, low, high);
        };
        self.simple(node, Op::Activate { activation })
    }

    /// Limits that no operator has.
    fn between(&mut self, node: &RawNode, low: f32, high: f32) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        if self.b.tensor(v.id).quant.is_some() || low.is_nan() || high.is_nan() {
            return self.b.fail(format!(
                "limits {low} and {high} of integers are not supported; 0, 0 to 6 and -1 to 1 are"
            ));
        }
        let (like, mut id) = (self.b.tensor(v.id).shape.clone(), v.id);
        for (kind, bound) in [(BinaryKind::Maximum, low), (BinaryKind::Minimum, high)] {
            if bound.abs() < f32::MAX {
                let bound = self.all(&like, bound);
                id = self.joined(kind, id, bound, &like);
            }
        }
        if id == v.id {
            id = self.b.make(Op::Reshape, vec![id], id, &like);
        }
        self.give(node, id, v.shape, v.last)
    }

    fn binary(&mut self, node: &RawNode, kind: BinaryKind) -> Result<(), ImportError> {
        let (a, b) = (self.value(self.arg(node, 0)?)?, self.value(self.arg(node, 1)?)?);
        if node.inputs.len() != 2 {
            return self.b.fail("two inputs are supported");
        }
        if node.attributes.contains_key("axis") {
            return self
                .b
                .fail("an axis for broadcasting is not supported; export with operator set 7 or newer");
        }
        let (ids, to, last) = self.over_each_other(vec![a, b])?;
        let (x, y) = (ids[0], ids[1]);
        let like = shape::without_batch(&Self::stored(&to, last));
        let (op, inputs) = if kind == BinaryKind::Mul && x == y {
            (Op::Unary { function: Function::Square }, vec![x])
        } else if kind == BinaryKind::Add && [x, y].iter().all(|i| self.b.tensor(*i).shape == like) {
            (Op::Add { activation: Activation::None }, vec![x, y])
        } else {
            (Op::Binary { kind, activation: Activation::None }, vec![x, y])
        };
        let id = self.b.make(op, inputs, x, &like);
        self.give(node, id, to, last)
    }

    fn reduce(&mut self, node: &RawNode, kind: ReduceKind) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let axes = match self.either(node, "axes", 1)? {
            Some(axes) if !axes.is_empty() => axes,
            _ if self.int(node, "noop_with_empty_axes", 0) != 0 => {
                return self
                    .b
                    .fail("without axes and with noop_with_empty_axes it reduces nothing; leave it out");
            }
            // None at all, or an empty list.
            _ => (0..v.shape.len() as i64).collect(),
        };
        let Some(axes) = axes.iter().map(|&a| shape::axis(a, v.shape.len())).collect::<Option<Vec<_>>>()
        else {
            return self.b.fail("an axis does not exist");
        };
        let keep = self.int(node, "keepdims", 1) != 0;
        let to: Vec<usize> = (0..v.shape.len())
            .filter(|a| keep || !axes.contains(a))
            .map(|a| if axes.contains(&a) { 1 } else { v.shape[a] })
            .collect();
        let out = self.b.flow("reduced", &shape::without_batch(&to), DType::F32, None);
        self.b.reduce(kind, v.id, &v.shape, &axes, out)?;
        self.give(node, out, to, false)
    }

    fn concat(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let parts = node.inputs.iter().map(|n| self.value(n)).collect::<Result<Vec<_>, _>>()?;
        let last = parts.iter().all(|p| p.last);
        let Some(head) = parts.first().map(|p| p.shape.clone()) else {
            return self.b.fail("it has no input");
        };
        let Some(axis) = shape::axis(self.int(node, "axis", 0), head.len()) else {
            return self.b.fail("its axis does not exist");
        };
        let other = |s: &[usize]| s.len() != head.len() || (0..s.len()).any(|a| a != axis && s[a] != head[a]);
        if let Some(part) = parts.iter().find(|p| other(&p.shape)) {
            return self.b.fail(format!("{head:?} and {:?} do not fit side by side", part.shape));
        }
        let mut to = head;
        to[axis] = parts.iter().map(|p| p.shape.get(axis).copied().unwrap_or(0)).sum();
        let mut ids = Vec::new();
        for part in parts {
            ids.push(if last { part.id } else { self.first(&part)?.id });
        }
        let rank = to.len();
        let at = match (last && rank >= 3, axis) {
            (true, 1) => rank - 1,
            (true, a) if a > 1 => a - 1,
            (_, a) => a,
        };
        let stored = Self::stored(&to, last);
        let outer = stored[..at].iter().product();
        let id = self.b.make(Op::Concat { outer }, ids.clone(), ids[0], &shape::without_batch(&stored));
        self.give(node, id, to, last)
    }
}
