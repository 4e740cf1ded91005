//! ONNX files: operator set 17, float operators; integers as QuantizeLinear and DequantizeLinear around float operators.
//!
//! Inputs and outputs keep their channels last, as in the graph; convolutions work with channels first, so that a Transpose
//! stands where the two meet.
//!
//! # Source
//! Operators.md and `onnx.proto3` of ONNX 1.12 (operator set 17, IR version 8).

mod nodes;
mod wire;

use super::ExportError;
use crate::{
    fold::repeat_columns,
    graph::{Activation, DType, Data, Graph, Quant, TensorId},
    text::op_name,
};
use std::collections::{BTreeMap, BTreeSet};
use wire::{Attribute, Message, Value, kind};

/// A valid graph as a file. Read back, it gives the same bytes.
///
/// # Errors
/// [`ExportError`] naming the node that has no counterpart; a graph with states has none as a whole.
pub fn write(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    if let Some(state) = graph.states.first() {
        return Err(ExportError::Graph(format!(
            "ONNX keeps nothing from run to run, and the model keeps `{}`; export it as tflite, c or rust",
            state.name
        )));
    }
    let graph = &repeat_columns(graph);
    let mut w = Writer {
        graph,
        nodes: Vec::new(),
        constants: Vec::new(),
        forms: vec![Forms::default(); graph.tensors.len()],
        weights: BTreeMap::new(),
        parameters: BTreeMap::new(),
        names: graph.tensors.iter().map(|t| t.name.clone()).collect(),
    };
    if let Some(t) = graph.tensors.iter().find(|t| t.dtype == DType::I16) {
        return Err(ExportError::Graph(format!(
            "`{}` is int16, which operator set 17 does not quantise; export it as tflite, c or rust",
            t.name
        )));
    }
    let mut seen = BTreeSet::new();
    if let Some(t) = graph.tensors.iter().find(|t| !seen.insert(&t.name)) {
        return Err(ExportError::Graph(format!("two tensors are called `{}`", t.name)));
    }
    for input in &graph.inputs {
        w.claim(*input, false);
    }
    for node in &graph.nodes {
        w.node(node).map_err(|reason| ExportError::Node {
            node: node.name.clone(),
            operator: op_name(&node.op),
            reason,
        })?;
    }
    let mut outputs = Vec::new();
    for id in &graph.outputs {
        w.form(*id, false).map_err(ExportError::Graph)?;
        outputs.push(w.info(*id));
    }
    let inputs: Vec<Message> = graph.inputs.iter().map(|id| w.info(*id)).collect();
    let body = Message::default()
        .all(1, w.nodes)
        .bytes(2, graph.name.as_bytes())
        .all(5, w.constants)
        .all(11, inputs)
        .all(12, outputs);
    if body.0.len() > i32::MAX as usize {
        return Err(ExportError::Graph("the file would be larger than 2 GB".into()));
    }
    let operators = Message::default().bytes(1, b"").int(2, 17);
    let model = Message::default()
        .int(1, 8)
        .bytes(2, b"edgewright")
        .bytes(3, env!("CARGO_PKG_VERSION").as_bytes())
        .bytes(7, &body.0)
        .bytes(8, &operators.0);
    Ok(model.0)
}

/// Names of a tensor in the file, with channels last and, of an image, first.
#[derive(Clone, Debug, Default)]
struct Forms {
    last: Option<String>,
    first: Option<String>,
}

struct Writer<'g> {
    graph: &'g Graph,
    nodes: Vec<Message>,
    constants: Vec<Message>,
    forms: Vec<Forms>,
    /// Weights that were written, as real numbers.
    weights: BTreeMap<TensorId, String>,
    /// Scales and zero points that were written.
    parameters: BTreeMap<(Vec<u32>, i32, i64), [String; 2]>,
    names: BTreeSet<String>,
}

fn batched(shape: &[usize]) -> Vec<usize> {
    std::iter::once(1).chain(shape.iter().copied()).collect()
}

fn ints(values: &[usize]) -> Vec<i64> {
    values.iter().map(|&v| v as i64).collect()
}

/// Element type as a number of the format.
fn element(dtype: DType) -> i64 {
    match dtype {
        DType::F32 => kind::FLOAT,
        DType::I8 => kind::INT8,
        DType::U8 => kind::UINT8,
        DType::I16 => kind::INT16,
        DType::I32 => kind::INT32,
        DType::I64 => kind::INT64,
    }
}

/// Contents and element type of a constant.
fn contents(data: &Data) -> (Vec<u8>, i64) {
    (data.to_le_bytes(), element(data.dtype()))
}

impl Writer<'_> {
    /// A name that nothing has yet.
    fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 1;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}_{n}");
            n += 1;
        }
        name
    }

    fn info(&self, id: TensorId) -> Message {
        let t = self.graph.tensor(id);
        wire::value(&t.name, element(t.dtype), &batched(&t.shape))
    }

    fn constant(&mut self, wanted: &str, kind: i64, shape: &[usize], contents: &[u8]) -> String {
        let name = self.name(wanted);
        self.constants.push(wire::tensor(&name, kind, shape, contents));
        name
    }

    fn index(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant("index", kind::INT64, &[values.len()], &bytes)
    }

    fn scalar(&mut self, v: f32) -> String {
        self.constant("value", kind::FLOAT, &[], &v.to_le_bytes())
    }

    fn push(&mut self, kind: &str, inputs: &[String], output: &str, attributes: &[Attribute]) {
        self.nodes.push(wire::node(kind, output, inputs, output, attributes));
    }

    /// A node whose result has a name of its own.
    fn between(&mut self, kind: &str, inputs: &[String], near: &str, attributes: &[Attribute]) -> String {
        let output = self.name(&format!("{near}/{}", kind.to_lowercase()));
        self.push(kind, inputs, &output, attributes);
        output
    }

    /// The name under which a tensor is made.
    fn claim(&mut self, id: TensorId, first: bool) -> String {
        let own = self.graph.tensor(id).name.clone();
        let name = if first { self.name(&format!("{own}/first")) } else { own };
        let forms = &mut self.forms[id.0 as usize];
        *(if first { &mut forms.first } else { &mut forms.last }) = Some(name.clone());
        name
    }

    /// A tensor as it is kept, with its channels where they are wanted.
    fn form(&mut self, id: TensorId, first: bool) -> Result<String, String> {
        let Forms { last, first: other } = self.forms[id.0 as usize].clone();
        if let Some(name) = if first { other.clone() } else { last.clone() } {
            return Ok(name);
        }
        let t = self.graph.tensor(id);
        if first {
            let from = self.form(id, false)?;
            let to = self.claim(id, true);
            self.push("Transpose", &[from], &to, &[("perm", Value::Ints(vec![0, 3, 1, 2]))]);
            return Ok(to);
        }
        if let Some(from) = other {
            let to = self.claim(id, false);
            self.push("Transpose", &[from], &to, &[("perm", Value::Ints(vec![0, 2, 3, 1]))]);
            return Ok(to);
        }
        let data =
            t.data.as_ref().ok_or_else(|| format!("`{}` is not computed before it is read", t.name))?;
        let (bytes, kind) = contents(data);
        self.constants.push(wire::tensor(&t.name, kind, &batched(&t.shape), &bytes));
        Ok(self.claim(id, false))
    }

    /// Scale and zero point of a tensor of this element type.
    fn affine(&mut self, q: &Quant, dtype: i64) -> Vec<String> {
        let key = (q.scale.iter().map(|s| s.to_bits()).collect(), q.zero_point, dtype);
        let [scale, zero] = match self.parameters.get(&key) {
            Some(there) => there.clone(),
            None => {
                let shape: &[usize] = if q.scale.len() > 1 { &[q.scale.len()] } else { &[] };
                let bytes: Vec<u8> = q.scale.iter().flat_map(|s| s.to_le_bytes()).collect();
                let scale = self.constant("scale", kind::FLOAT, shape, &bytes);
                // Sums have none.
                let zero = if dtype == kind::INT32 {
                    String::new()
                } else {
                    self.constant("zero_point", dtype, shape, &vec![q.zero_point as u8; q.scale.len()])
                };
                self.parameters.insert(key, [scale.clone(), zero.clone()]);
                [scale, zero]
            }
        };
        if zero.is_empty() { vec![scale] } else { vec![scale, zero] }
    }

    fn activation_affine(&mut self, id: TensorId) -> Option<Vec<String>> {
        let t = self.graph.tensor(id);
        let dtype = if t.dtype == DType::U8 { kind::UINT8 } else { kind::INT8 };
        t.quant.as_ref().map(|q| self.affine(q, dtype))
    }

    /// What is kept under `name` as real numbers; `id` says the scale.
    fn real(&mut self, name: String, id: TensorId) -> String {
        match self.activation_affine(id) {
            Some(affine) => {
                let inputs = [vec![name.clone()], affine].concat();
                self.between("DequantizeLinear", &inputs, &name, &[])
            }
            None => name,
        }
    }

    /// A tensor in another shape, as it is kept.
    fn shaped(&mut self, id: TensorId, shape: &[usize]) -> Result<String, String> {
        let name = self.form(id, false)?;
        if batched(&self.graph.tensor(id).shape) == shape {
            return Ok(name);
        }
        let index = self.index(&ints(shape));
        Ok(self.between("Reshape", &[name.clone(), index], &name, &[]))
    }

    /// The last operators of a node: `kind`, its clamp, its quantisation, the shape of the graph's tensor.
    fn give(&mut self, out: TensorId, last: Last<'_>) {
        let graph = self.graph;
        let near = &graph.tensor(out).name;
        let mut stages = vec![(last.kind, last.inputs, last.attributes)];
        match last.activation {
            Activation::None => {}
            Activation::Relu => stages.push(("Relu", Vec::new(), Vec::new())),
            Activation::Relu6 => {
                let limits = vec![self.scalar(0.0), self.scalar(6.0)];
                stages.push(("Clip", limits, Vec::new()));
            }
            Activation::ReluN1To1 => {
                let limits = vec![self.scalar(-1.0), self.scalar(1.0)];
                stages.push(("Clip", limits, Vec::new()));
            }
        }
        if !last.kept
            && let Some(affine) = self.activation_affine(out)
        {
            stages.push(("QuantizeLinear", affine, Vec::new()));
        }
        let wanted = batched(&graph.tensor(out).shape);
        if last.shape.is_some_and(|s| s != wanted) {
            let index = self.index(&ints(&wanted));
            stages.push(("Reshape", vec![index], Vec::new()));
        }
        let count = stages.len();
        let mut before: Option<String> = None;
        for (i, (kind, more, attributes)) in stages.into_iter().enumerate() {
            let inputs: Vec<String> = before.take().into_iter().chain(more).collect();
            if i + 1 == count {
                let name = self.claim(out, last.first);
                self.push(kind, &inputs, &name, &attributes);
            } else {
                before = Some(self.between(kind, &inputs, near, &attributes));
            }
        }
    }
}

/// The operator of a node with what follows from it.
struct Last<'a> {
    kind: &'static str,
    inputs: Vec<String>,
    attributes: Vec<Attribute>,
    activation: Activation,
    /// Whether an image lies channels first.
    first: bool,
    /// Whether the result is as it is kept, not real.
    kept: bool,
    /// Shape of the result with channels last; left out: that of the graph.
    shape: Option<&'a [usize]>,
}

impl Last<'_> {
    fn new(kind: &'static str, inputs: Vec<String>) -> Self {
        Self {
            kind,
            inputs,
            attributes: Vec::new(),
            activation: Activation::None,
            first: false,
            kept: false,
            shape: None,
        }
    }
}
