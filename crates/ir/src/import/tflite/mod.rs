//! TFLite models: float32, int8 per tensor and per channel, int8 weights with float activations.

mod arrange;
mod choose;
mod composed;
mod compute;
mod dilated;
mod loops;
mod model;
mod names;
mod recurrent;
mod settle;
mod state;
mod svdf;
#[cfg(test)]
mod tests;

use super::{ImportError, Imported, build::Build, flat::Budget, shape};
use crate::{
    extra::Reference,
    graph::{DType, Data, Op, Quant, TensorId},
};
use dilated::Blocks;
pub(crate) use model::half;
use model::{RawGraph, RawOp, RawTensor, Type};
use settle::Kept;
use std::collections::BTreeMap;

/// Reads a model.
///
/// # Errors
/// [`ImportError`] naming what does not fit, or the operator that is not supported and its place.
pub fn read(bytes: &[u8], name: &str, reference: Reference) -> Result<Imported, ImportError> {
    let malformed =
        |reason: String| ImportError::Malformed { format: "TFLite", reason: super::plain(&reason) };
    let budget = Budget::of(bytes);
    let graphs = model::read(bytes, &budget).map_err(malformed)?;
    let (main, kept) = (&graphs[0], Kept::default());
    let mut importer = Importer {
        raw: main,
        at: 0,
        graphs: &graphs,
        b: Build::new(name),
        map: BTreeMap::new(),
        known: BTreeMap::new(),
        variables: BTreeMap::new(),
        handles: BTreeMap::new(),
        blocks: BTreeMap::new(),
        shapes: BTreeMap::new(),
        kept: &kept,
        depth: 0,
        rounds: 0,
        work: 0,
    };
    importer.b.graph.reference = reference;
    if main.inputs.is_empty() {
        return Err(malformed("it has no input".into()));
    }
    for &input in &main.inputs {
        let t = &main.tensors[input as usize];
        importer.b.at("input", 0, &t.name);
        // Shapes and the like, which nothing reads that computes.
        let id = if t.kind == Type::I32 && t.scale.is_empty() {
            let id = importer.b.flow(&t.name, &shape::without_batch(&t.shape), DType::I32, None);
            importer.map.insert(input, id);
            id
        } else {
            importer.output(input)?
        };
        importer.b.graph.inputs.push(id);
    }
    for (i, op) in main.ops.iter().enumerate() {
        importer.op(i, op)?;
        importer.b.check_constants()?;
    }
    let mut shapes: Vec<Vec<usize>> =
        main.inputs.iter().map(|&id| main.tensors[id as usize].shape.clone()).collect();
    for &out in &main.outputs {
        let raw = &main.tensors[out as usize];
        importer.b.at("output", main.ops.len(), &raw.name);
        let mut id = importer.input(out)?;
        // What is given out is computed by a node of its own, once.
        let graph = &importer.b.graph;
        if graph.outputs.contains(&id) || graph.nodes.iter().all(|n| n.output != id) {
            let like = graph.tensor(id).shape.clone();
            id = importer.b.make(Op::Reshape, vec![id], id, &like);
        }
        importer.b.graph.outputs.push(id);
        shapes.push(importer.full(out)?.to_vec());
    }
    importer.finish_states();
    let Build { mut graph, notes, .. } = importer.b;
    super::build::fold(&mut graph)?;
    super::build::prune(&mut graph);
    graph.validate()?;
    for node in &graph.nodes {
        graph.lower(node)?;
    }
    Ok(Imported { graph, shapes, notes })
}

/// What tells variables apart. The names of tensors are for people: they may be empty or come twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Container and name of a VAR_HANDLE.
    Handle(String),
    /// Number of the variable tensor that an operator keeps its state in, behind that of its subgraph.
    Tensor(usize, i32),
}

/// A variable that operators read and assign.
struct Variable {
    /// Tensor that holds it when a run starts.
    read: Option<TensorId>,
    /// Its value at this point of the run.
    now: Option<TensorId>,
    initial: Option<Data>,
}

struct Importer<'a> {
    raw: &'a RawGraph<'a>,
    /// Number of the subgraph that `raw` is.
    at: usize,
    graphs: &'a [RawGraph<'a>],
    b: Build,
    /// Tensors of the file that are in the graph.
    map: BTreeMap<i32, TensorId>,
    /// Integers of the file's tensors that could be computed: shapes and indices.
    known: BTreeMap<i32, Vec<i64>>,
    variables: BTreeMap<Key, Variable>,
    /// Name of the variable behind a handle.
    handles: BTreeMap<i32, String>,
    /// What SPACE_TO_BATCH_ND made, and what came of it.
    blocks: BTreeMap<i32, Blocks>,
    /// Shapes that were found for tensors of the file that have others there.
    shapes: BTreeMap<i32, &'a [usize]>,
    /// Where they are kept.
    kept: &'a Kept,
    /// Loops that are being unrolled within each other, and rounds of all loops.
    depth: usize,
    rounds: usize,
    /// Operators that were imported, each as often as it was, and elements of the constants that they read.
    work: usize,
}

impl<'a> Importer<'a> {
    fn tensor(&self, id: i32) -> Result<&'a RawTensor<'a>, ImportError> {
        match usize::try_from(id).ok().and_then(|i| self.raw.tensors.get(i)) {
            Some(t) => Ok(t),
            None => self.b.fail("an input that it needs is left out"),
        }
    }

    /// Shape of a tensor as in the file.
    fn full(&self, id: i32) -> Result<&'a [usize], ImportError> {
        match self.shapes.get(&id) {
            Some(found) => Ok(found),
            None => Ok(&self.tensor(id)?.shape),
        }
    }

    /// Input number `i` of an operator.
    fn arg(&self, op: &RawOp<'_>, i: usize) -> Result<i32, ImportError> {
        match op.inputs.get(i) {
            Some(&id) if id >= 0 => Ok(id),
            _ => self.b.fail(format!("input {i} is left out")),
        }
    }

    fn out(&self, op: &RawOp<'_>) -> Result<i32, ImportError> {
        match op.outputs.first() {
            Some(&id) => Ok(id),
            None => self.b.fail("it has no output"),
        }
    }

    /// Integer option number `n`.
    fn option(&self, op: &RawOp<'_>, n: usize, default: i32) -> Result<i32, ImportError> {
        let Some(t) = &op.options else { return Ok(default) };
        t.i32(n, default).or_else(|e| self.b.fail(e))
    }

    /// Byte option number `n`.
    fn small(&self, op: &RawOp<'_>, n: usize) -> Result<i8, ImportError> {
        let Some(t) = &op.options else { return Ok(0) };
        t.i8(n, 0).or_else(|e| self.b.fail(e))
    }

    /// Type and scale of an activation in the graph.
    fn kind(&self, id: i32) -> Result<(DType, Option<Quant>), ImportError> {
        let t = self.tensor(id)?;
        let dtype = match t.kind {
            Type::F32 => return Ok((DType::F32, None)),
            Type::Bool => return Ok((DType::I8, Some(crate::choose::truth()))),
            Type::I8 => DType::I8,
            Type::U8 => DType::U8,
            Type::I16 => DType::I16,
            Type::I32 if !t.scale.is_empty() => DType::I32,
            other => return self.b.fail(format!("`{}` is {other:?}, which nothing computes with", t.name)),
        };
        let range = match dtype {
            DType::I8 => -128..=127,
            DType::I16 => -32768..=32767,
            DType::I32 => 0..=0,
            _ => 0..=255,
        };
        match (t.scale.as_slice(), t.zero.as_slice()) {
            ([scale], [zero]) if *scale > 0.0 && range.contains(zero) => {
                Ok((dtype, Some(Quant { scale: vec![*scale], zero_point: *zero as i32, axis: 0 })))
            }
            _ => self.b.fail(format!(
                "`{}` has no scale and zero point; quantise the model with a representative data set",
                t.name
            )),
        }
    }

    /// The graph's tensor for one that is computed.
    fn output(&mut self, id: i32) -> Result<TensorId, ImportError> {
        let (dtype, quant) = self.kind(id)?;
        let t = self.tensor(id)?;
        let made = self.b.flow(&t.name, &shape::without_batch(self.full(id)?), dtype, quant);
        self.map.insert(id, made);
        Ok(made)
    }

    /// The graph's tensor for one that is read; constants enter as they are met.
    fn input(&mut self, id: i32) -> Result<TensorId, ImportError> {
        if let Some(there) = self.map.get(&id) {
            return Ok(*there);
        }
        let t = self.tensor(id)?;
        if t.data.is_none() {
            return self.b.fail(format!("`{}` is read before it is computed", t.name));
        }
        let (data, quant) = match t.kind {
            Type::F32 | Type::F16 => (t.floats(0).map(Data::F32), None),
            Type::I8 | Type::Bool => {
                let (_, quant) = self.kind(id)?;
                (t.data.map(|d| Data::I8(d.iter().map(|b| *b as i8).collect())), quant)
            }
            Type::I16 => {
                let (_, quant) = self.kind(id)?;
                (t.shorts().map(Data::I16), quant)
            }
            _ => (None, None),
        };
        let Some(data) = data else {
            return self
                .b
                .fail(format!("the constant `{}` is {:?}, which nothing computes with", t.name, t.kind));
        };
        let made = self.b.constant(&t.name, &shape::without_batch(&t.shape), data, quant);
        self.map.insert(id, made);
        Ok(made)
    }

    /// Integers that are known before the model runs.
    fn ints(&self, id: i32) -> Result<Vec<i64>, ImportError> {
        if let Some(there) = self.known.get(&id) {
            return Ok(there.clone());
        }
        let t = self.tensor(id)?;
        match t.ints() {
            Some(values) => Ok(values),
            None => self.b.fail(format!("`{}` must be a constant", t.name)),
        }
    }

    /// Whether a tensor holds indices or shapes rather than values.
    fn is_index(&self, id: i32) -> bool {
        self.tensor(id).is_ok_and(|t| matches!(t.kind, Type::I32 | Type::I64 | Type::Bool))
    }

    fn op(&mut self, number: usize, op: &RawOp<'a>) -> Result<(), ImportError> {
        let name = names::name(op.code, &op.custom);
        let makes = op.outputs.first().map_or("nothing", |&id| self.raw.tensors[id as usize].name.as_str());
        self.b.at(&name, number, makes);
        self.pay(op)?;
        if self.dilated(op)? {
            return Ok(());
        }
        self.settle(op)?;
        if op.outputs.iter().all(|&id| self.is_index(id))
            && !op.outputs.is_empty()
            && !matches!(op.code, 114 | 119 | 142)
            && !self.chooses(op)
        {
            return self.fold(op);
        }
        if op.code == 119 {
            return self.while_loop(op);
        }
        if self.choose(op)?
            || self.compute(op)?
            || self.arrange(op)?
            || self.composed(op)?
            || self.state(op)?
            || self.recurrent(op)?
        {
            return Ok(());
        }
        self.b.fail(format!("it is not supported; {}", names::replacement(&name)))
    }
}
