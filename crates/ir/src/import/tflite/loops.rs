//! WHILE, unrolled: loops whose ends are known before the model runs, as converters write recurrent layers.

use super::{Importer, model::RawOp};
use crate::{graph::TensorId, import::ImportError};

/// Most rounds of all loops together.
const MOST_ROUNDS: usize = 4096;
/// Most nodes that a model with loops becomes.
const MOST_NODES: usize = 1 << 15;
/// Most operators, those of each round anew, and elements of the constants that they read: subgraphs that only reckon with indices make
/// no node, however often they run.
const MOST_WORK: usize = 1 << 29;
/// Most loops within each other.
const MOST_DEPTH: usize = 4;

/// What goes into a subgraph or comes out.
#[derive(Clone)]
enum Bound<'a> {
    /// A value with its shape.
    Value(TensorId, &'a [usize]),
    /// Integers that are known.
    Integers(Vec<i64>),
    /// A variable.
    Handle(String),
}

impl<'a> Importer<'a> {
    /// Imports WHILE.
    pub(super) fn while_loop(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (condition, body) = (self.option(op, 0, 0)?, self.option(op, 1, 0)?);
        let mut values = Vec::new();
        for &id in &op.inputs {
            values.push(self.bound(id)?);
        }
        if op.outputs.len() > values.len() {
            return self.b.fail("it gives out more than goes in");
        }
        loop {
            let more = match self.subgraph(condition, &values)?.first() {
                Some(Bound::Integers(v)) if v.len() == 1 => v[0] != 0,
                _ => {
                    return self.b.fail(
                        "its end depends on values; convert the recurrent layer with a fixed number of steps",
                    );
                }
            };
            if !more {
                break;
            }
            self.rounds += 1;
            if self.rounds > MOST_ROUNDS || self.b.graph.nodes.len() > MOST_NODES {
                return self.b.fail(format!(
                    "its loops have more than {MOST_ROUNDS} rounds or {MOST_NODES} operators"
                ));
            }
            values = self.subgraph(body, &values)?;
        }
        for (&id, value) in op.outputs.iter().zip(values) {
            self.bind(id, value);
        }
        Ok(())
    }

    /// Counts an operator and what it reads.
    pub(super) fn pay(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let mut cost = 1usize;
        for id in &op.inputs {
            let held = self.known.get(id).map(Vec::len);
            let constant = || self.tensor(*id).ok().filter(|t| t.data.is_some()).map(|t| t.len());
            cost = cost.saturating_add(1 + held.or_else(constant).unwrap_or(0));
        }
        self.work = self.work.saturating_add(cost);
        if self.work > MOST_WORK {
            return self.b.fail(format!(
                "unrolled, its operators read more than {MOST_WORK} constants; shorten the loops"
            ));
        }
        Ok(())
    }

    fn bound(&mut self, id: i32) -> Result<Bound<'a>, ImportError> {
        if let Some(name) = self.handles.get(&id) {
            return Ok(Bound::Handle(name.clone()));
        }
        if self.is_index(id) {
            return Ok(Bound::Integers(self.ints(id)?));
        }
        Ok(Bound::Value(self.input(id)?, self.full(id)?))
    }

    fn bind(&mut self, id: i32, value: Bound<'a>) {
        match value {
            Bound::Value(there, shape) => {
                self.map.insert(id, there);
                self.shapes.insert(id, shape);
            }
            Bound::Integers(v) => {
                self.known.insert(id, v);
            }
            Bound::Handle(name) => {
                self.handles.insert(id, name);
            }
        }
    }

    /// Imports another graph of the file in place, as often as it is called.
    fn subgraph(&mut self, index: i32, values: &[Bound<'a>]) -> Result<Vec<Bound<'a>>, ImportError> {
        let Some(graph) = usize::try_from(index).ok().and_then(|i| self.graphs.get(i)) else {
            return self.b.fail(format!("subgraph {index} does not exist"));
        };
        if graph.inputs.len() != values.len() {
            return self.b.fail(format!("subgraph {index} takes {} inputs", graph.inputs.len()));
        }
        if self.depth == MOST_DEPTH {
            return self.b.fail(format!("more than {MOST_DEPTH} loops lie within each other"));
        }
        self.depth += 1;
        let raw = std::mem::replace(&mut self.raw, graph);
        let at = std::mem::replace(&mut self.at, index as usize);
        let map = std::mem::take(&mut self.map);
        let known = std::mem::take(&mut self.known);
        let handles = std::mem::take(&mut self.handles);
        let shapes = std::mem::take(&mut self.shapes);
        let blocks = std::mem::take(&mut self.blocks);
        let share = std::mem::replace(&mut self.b.share, true);
        let made = self.run_subgraph(values);
        self.b.share = share;
        (self.raw, self.at, self.map, self.known) = (raw, at, map, known);
        (self.handles, self.shapes, self.blocks) = (handles, shapes, blocks);
        self.depth -= 1;
        made
    }

    fn run_subgraph(&mut self, values: &[Bound<'a>]) -> Result<Vec<Bound<'a>>, ImportError> {
        let graph = self.raw;
        for (&id, value) in graph.inputs.iter().zip(values) {
            self.bind(id, value.clone());
        }
        for (number, op) in graph.ops.iter().enumerate() {
            self.op(number, op)?;
            self.b.check_constants()?;
        }
        graph.outputs.iter().map(|&id| self.bound(id)).collect()
    }
}
