//! Operators that compare, choose and look up. Truth, which is bytes in a graph, has a type of its own in the file.

use super::{Options, Plan, Table, Value, Writer, batched};
use crate::{
    choose::is_truth,
    extra::{BinaryKind, CompareKind},
    graph::{Graph, Node, Op, TensorId},
};
use std::collections::BTreeSet;

/// Number of truth among the element types.
pub(super) const BOOL: i8 = 6;

/// Tensors of a graph that hold truth: what comparisons make and choices go by, and what is made of it alone.
pub(super) fn truths(graph: &Graph) -> BTreeSet<TensorId> {
    let mut all = BTreeSet::new();
    for node in &graph.nodes {
        let flow = match node.op {
            Op::Compare { .. } => true,
            Op::Reshape | Op::Strided { .. } | Op::Concat { .. } => {
                node.inputs.iter().any(|i| all.contains(i))
            }
            Op::Binary { kind: BinaryKind::Maximum | BinaryKind::Minimum, .. } => {
                node.inputs.iter().any(|i| all.contains(i)) && is_truth(graph.tensor(node.output))
            }
            _ => false,
        };
        let read: &[TensorId] = match node.op {
            Op::Select => &node.inputs[..1],
            Op::Reshape | Op::Strided { .. } | Op::Concat { .. } | Op::Binary { .. } if flow => &node.inputs,
            // Not a truth, but compared with one: the opposite.
            Op::Compare { .. } if node.inputs.iter().any(|i| all.contains(i)) => &node.inputs,
            _ => &[],
        };
        all.extend(read);
        if flow {
            all.insert(node.output);
        }
    }
    all
}

impl Writer<'_> {
    pub(super) fn choose(&mut self, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let flat = |id: &TensorId| vec![1, graph.tensor(*id).len()];
        match &node.op {
            Op::Compare { kind } => {
                let (code, options) = match kind {
                    CompareKind::Less => (58, 41),
                    CompareKind::Greater => (61, 44),
                    CompareKind::GreaterEqual => (62, 45),
                    CompareKind::LessEqual => (63, 46),
                    CompareKind::Equal => (71, 53),
                    CompareKind::NotEqual => (72, 54),
                };
                let parts = node.inputs.iter().map(|id| self.viewed(*id, &flat(id))).collect();
                let options: Options = (options, Table::new());
                self.give(code, parts, node.output, &flat(&node.output), options);
            }
            Op::Select => {
                let parts = node.inputs.iter().map(|id| self.viewed(*id, &flat(id))).collect();
                self.give(64, parts, node.output, &flat(&node.output), (47, Table::new()));
            }
            Op::ArgExtreme { last: true, .. } => {
                return Err("the last of equal values has no counterpart".into());
            }
            Op::ArgExtreme { largest, count, inner, .. } => {
                let n = graph.tensor(node.output).len();
                let from = self.viewed(node.inputs[0], &[n / inner, *count, *inner]);
                let axis = self.index(&[1]);
                let (code, options) = if *largest { (56, 40) } else { (79, 57) };
                // The type of what it gives: int32.
                let options = (options, vec![(0, Value::Byte(2))]);
                self.give(code, vec![from, axis], node.output, &[n / inner, *inner], options);
            }
            Op::Gather => {
                let (at, table) = (node.inputs[0], node.inputs[1]);
                let n = graph.tensor(at).len();
                let from = self.viewed(at, &[n]);
                let t = graph.tensor(table);
                let rows = self.shaped(table, &t.shape, 0);
                let width = t.shape.get(1).copied().unwrap_or(1);
                self.give(36, vec![rows, from], node.output, &[n, width], (23, vec![(0, Value::Int(0))]));
            }
            _ => return Err("it has no counterpart".into()),
        }
        Ok(())
    }

    /// And, or, and truth as a number.
    pub(super) fn of_truth(&mut self, node: &Node) -> bool {
        if !self.truths.contains(&node.inputs[0]) {
            return false;
        }
        let (code, options) = match node.op {
            Op::Binary { kind: BinaryKind::Maximum, .. } => (84, 60),
            Op::Binary { kind: BinaryKind::Minimum, .. } => (86, 62),
            Op::Dequantize => (53, 37),
            _ => return false,
        };
        let shape = batched(&self.graph.tensor(node.output).shape);
        let parts = node.inputs.iter().map(|id| self.viewed(*id, &shape)).collect();
        self.give(code, parts, node.output, &shape, (options, Table::new()));
        true
    }

    /// A tensor of truth; none where it is none.
    pub(super) fn truth(
        &mut self,
        id: TensorId,
        name: &str,
        shape: &[usize],
        data: Option<Vec<u8>>,
    ) -> Option<i32> {
        self.truths
            .contains(&id)
            .then(|| self.tensor(Plan { name, shape, dtype: BOOL, quant: None, axis: 0, data }))
    }
}
