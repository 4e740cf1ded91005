//! Variables that live from run to run.

use super::{Importer, Key, Variable, model::RawOp, model::Type};
use crate::{
    extra::State,
    graph::{Data, Op, TensorId},
    import::{ImportError, shape},
};

/// Name of the variable that VAR_HANDLE stands for.
fn variable_name(op: &RawOp<'_>) -> Result<String, String> {
    match &op.options {
        Some(t) => Ok(format!("{}/{}", t.text(0)?, t.text(1)?)),
        None => Ok("/".into()),
    }
}

impl Importer<'_> {
    /// Imports the operator when it is one of these.
    pub(super) fn state(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        match op.code {
            129 => self.call_once(op)?,
            142 => {
                let name = variable_name(op).or_else(|e| self.b.fail(e))?;
                self.handles.insert(self.out(op)?, name);
            }
            143 => {
                let key = self.variable(op)?;
                let out = self.out(op)?;
                let id = self.read_state(&key, out)?;
                self.map.insert(out, id);
            }
            144 => {
                let key = self.variable(op)?;
                let value = self.arg(op, 1)?;
                let id = self.input(value)?;
                // A run that assigns and never reads needs no state.
                let v =
                    self.variables.entry(key).or_insert(Variable { read: None, now: None, initial: None });
                v.now = Some(id);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn variable(&self, op: &RawOp<'_>) -> Result<Key, ImportError> {
        match self.handles.get(&self.arg(op, 0)?) {
            Some(name) => Ok(Key::Handle(name.clone())),
            None => self.b.fail("its first input is no variable"),
        }
    }

    /// The present value of a variable whose type is that of tensor `like`.
    pub(super) fn read_state(&mut self, key: &Key, like: i32) -> Result<TensorId, ImportError> {
        if let Some(now) = self.variables.get(key).and_then(|v| v.now) {
            return Ok(now);
        }
        let name = self.wanted_name(key);
        let (dtype, quant) = self.kind(like)?;
        let shape = shape::without_batch(self.full(like)?);
        let id = self.b.flow(&format!("state {name}"), &shape, dtype, quant);
        let v =
            self.variables.entry(key.clone()).or_insert(Variable { read: None, now: None, initial: None });
        v.read = Some(id);
        v.now = Some(id);
        Ok(id)
    }

    /// Sets the value that a run leaves behind.
    pub(super) fn keep_state(&mut self, key: &Key, id: TensorId) {
        if let Some(v) = self.variables.get_mut(key) {
            v.now = Some(id);
        }
    }

    /// What people call a variable.
    fn wanted_name(&self, key: &Key) -> String {
        match key {
            Key::Handle(name) => name.clone(),
            Key::Tensor(graph, id) => {
                let tensors = self.graphs.get(*graph).map(|g| g.tensors.as_slice()).unwrap_or_default();
                usize::try_from(*id)
                    .ok()
                    .and_then(|i| tensors.get(i))
                    .map(|t| t.name.clone())
                    .unwrap_or_default()
            }
        }
    }

    /// A name that no state of the graph has yet.
    pub(super) fn state_name(&self, wanted: &str) -> String {
        let taken = |name: &str| self.b.graph.states.iter().any(|s| s.name == name);
        if !wanted.is_empty() && !taken(wanted) {
            return wanted.into();
        }
        let stem = if wanted.is_empty() { "state" } else { wanted };
        (1..).map(|i| format!("{stem}_{i}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// The subgraph that runs before the first run: it may assign constants to variables.
    fn call_once(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let index = self.option(op, 0, 0)?;
        let Some(graph) = usize::try_from(index).ok().and_then(|i| self.graphs.get(i)) else {
            return self.b.fail(format!("subgraph {index} does not exist"));
        };
        let mut handles = std::collections::BTreeMap::new();
        for op in &graph.ops {
            match (op.code, op.inputs.as_slice(), op.outputs.as_slice()) {
                (142, _, &[out, ..]) => {
                    handles.insert(out, variable_name(op).or_else(|e| self.b.fail(e))?);
                }
                (144, &[handle, value, ..], _) if value >= 0 => {
                    let t = &graph.tensors[value as usize];
                    let data = match t.kind {
                        Type::F32 => t.floats(0).map(Data::F32),
                        Type::I16 => t.shorts().map(Data::I16),
                        Type::I8 => t.data.map(|d| Data::I8(d.iter().map(|b| *b as i8).collect())),
                        _ => None,
                    };
                    let (Some(name), Some(data)) = (handles.get(&handle), data) else {
                        return self.b.fail("its subgraph assigns something that is no constant");
                    };
                    let v = Variable { read: None, now: None, initial: Some(data) };
                    self.variables.insert(Key::Handle(name.clone()), v);
                }
                _ => {
                    let name = super::names::name(op.code, &op.custom);
                    return self
                        .b
                        .fail(format!("its subgraph holds {name}; only constants are assigned there"));
                }
            }
        }
        Ok(())
    }

    /// States of the graph from the variables.
    pub(super) fn finish_states(&mut self) {
        let variables = std::mem::take(&mut self.variables);
        for (key, v) in variables {
            let (Some(read), Some(mut write)) = (v.read, v.now) else { continue };
            if write != read && self.b.graph.nodes.iter().all(|n| n.output != write) {
                // A constant or the input: copied by a node of its own.
                let shape = self.b.tensor(write).shape.clone();
                write = self.b.make(Op::Reshape, vec![write], write, &shape);
            }
            let dtype = self.b.tensor(read).dtype;
            let initial = v.initial.filter(|d| d.dtype() == dtype);
            let name = self.state_name(&self.wanted_name(&key));
            self.b.graph.states.push(State { name, read, write, initial });
        }
    }
}
