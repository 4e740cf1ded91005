//! SVDF, which is two nodes here and one operator with a variable tensor in the file; PRELU.

use super::{PLAIN, Plan, Value, Writer, batched, element};
use crate::{
    extra::State,
    graph::{Data, Node, Op, TensorId},
};

impl Writer<'_> {
    /// The node that makes the state of an SVDF, when that is what a run leaves in `state`.
    pub(super) fn variable_of(&self, state: &State) -> Option<&Node> {
        let makes =
            |n: &&Node| matches!(n.op, Op::SvdfState) && n.output == state.write && n.inputs[1] == state.read;
        // A variable tensor begins with its zero point.
        let zero = match &state.initial {
            None => true,
            Some(Data::I16(v)) => v.iter().all(|&v| v == 0),
            Some(Data::I8(v)) => {
                let zero = self.graph.tensor(state.read).quant.as_ref().map_or(0, |q| q.zero_point);
                v.iter().all(|&v| i32::from(v) == zero)
            }
            Some(_) => false,
        };
        self.graph.nodes.iter().find(makes).filter(|_| zero)
    }

    pub(super) fn svdf(&mut self, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let kept = graph.states.iter().find(|s| s.write == node.inputs[0]);
        let Some((state, first)) = kept.and_then(|s| Some((s, self.variable_of(s)?.clone()))) else {
            return Err("its state is not one that begins with zeros and is kept from run to run".into());
        };
        let (memory, out) = (graph.tensor(state.read), graph.tensor(node.output));
        let x = self.viewed(first.inputs[0], &[1, graph.tensor(first.inputs[0]).len()]);
        let constant = |w: &mut Self, id: TensorId| w.shaped(id, &graph.tensor(id).shape, 0);
        let [feature, time, bias] =
            [first.inputs[2], node.inputs[1], node.inputs[2]].map(|id| constant(self, id));
        let variable = self.tensor(Plan {
            name: &state.name,
            shape: &[1, memory.len()],
            dtype: element(memory.dtype),
            quant: memory.quant.as_ref(),
            axis: 0,
            data: None,
        });
        if let Some(fields) = self.tensors.last_mut() {
            fields.push((5, Value::Byte(1)));
        }
        let rank = memory.shape[0] / out.len();
        // With RELU, which changes nothing where the zero point is the smallest byte, LiteRT takes it as well.
        let relu = out.quant.as_ref().is_some_and(|q| q.zero_point == -128);
        let options = vec![(0, Value::Int(rank as i32)), (1, Value::Byte(u8::from(relu)))];
        self.give(27, vec![x, feature, time, bias, variable], node.output, &[1, out.len()], (6, options));
        Ok(())
    }

    pub(super) fn prelu(&mut self, node: &Node) {
        let graph = self.graph;
        let (x, alpha) = (graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1]));
        // The slopes fill the last axes; where they do not, the whole is one row of rows of slopes.
        let mut shape = batched(&x.shape);
        let tail = (0..shape.len()).find(|&i| shape[i..].iter().product::<usize>() == alpha.len());
        let slopes = match tail {
            Some(i) => shape[i..].to_vec(),
            None => {
                shape = vec![1, x.len() / alpha.len(), alpha.len()];
                vec![alpha.len()]
            }
        };
        let from = self.viewed(node.inputs[0], &shape);
        let slopes = self.shaped(node.inputs[1], &slopes, 0);
        self.give(54, vec![from, slopes], node.output, &shape, PLAIN);
    }
}
