//! Outputs that lie far from zero: pressures in pascal, temperatures in kelvin. An integer tensor holds zero, so that its step would be
//! that of the distance; what is far is added in float behind the integers instead.

use crate::{
    graph::{Activation, DType, Data, Graph, GraphError, Node, Op, Tensor, TensorId},
    interpret::Interpreter,
};

/// Name of the node that adds.
const NAME: &str = "offset";

/// The same function, whose last layer answers around zero, with a `Normalize` behind it that adds the middle of what these inputs give.
/// `None` where the outputs are no further from zero than they are from each other, or the last layer is no dense one of its own bias.
///
/// # Errors
/// Those of running the graph.
pub(crate) fn taken_out(graph: &Graph, inputs: &[Vec<f32>]) -> Result<Option<Graph>, GraphError> {
    let (Some(last), &[output]) = (graph.nodes.last(), graph.outputs.as_slice()) else { return Ok(None) };
    if last.op != (Op::FullyConnected { activation: Activation::None })
        || last.output != output
        || !graph.states.is_empty()
    {
        return Ok(None);
    }
    let bias = last.inputs[2];
    let Some(Data::F32(own)) = &graph.tensor(bias).data else { return Ok(None) };
    if graph.nodes.iter().flat_map(|n| &n.inputs).filter(|id| **id == bias).count() != 1
        || graph.inputs.len() != 1
    {
        return Ok(None);
    }
    let mut interpreter = Interpreter::new(graph)?;
    let mut row = vec![0.0; graph.tensor(output).len()];
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for input in inputs {
        interpreter.run(input, &mut row)?;
        (low, high) = row.iter().fold((low, high), |(low, high), v| (low.min(*v), high.max(*v)));
    }
    let far = low.max(-high);
    let beyond = far > high - low && far.is_finite();
    if !beyond {
        return Ok(None);
    }
    let middle = low + (high - low) / 2.0;
    let mut out = graph.clone();
    let around: Vec<f32> = own.iter().map(|b| b - middle).collect();
    out.tensors[bias.0 as usize].data = Some(Data::F32(around));
    let real = Tensor { ..graph.tensor(output).clone() };
    out.tensors[output.0 as usize].name.push_str("_around_zero");
    let mut constant = |name: &str, value: f32| {
        out.push_tensor(Tensor {
            name: format!("{NAME}_{name}"),
            shape: vec![1],
            dtype: DType::F32,
            quant: None,
            data: Some(Data::F32(vec![value])),
        })
    };
    let (mean, scale) = (constant("mean", -middle), constant("scale", 1.0));
    let real = out.push_tensor(real);
    out.nodes.push(Node {
        name: NAME.into(),
        op: Op::Normalize,
        inputs: vec![output, mean, scale],
        output: real,
    });
    out.outputs = vec![real];
    Ok(Some(out))
}

/// A graph without the `Normalize` at its end, and the constants of that: mean and scale.
pub(crate) fn without_tail(graph: &Graph) -> Option<(Graph, Node)> {
    let (last, &[output]) = (graph.nodes.last()?, graph.outputs.as_slice()) else { return None };
    let before = graph.nodes.iter().any(|n| n.output == last.inputs[0] && !matches!(n.op, Op::Normalize));
    if !matches!(last.op, Op::Normalize) || last.output != output || !before {
        return None;
    }
    let mut head = graph.clone();
    let tail = head.nodes.pop()?;
    head.outputs = vec![tail.inputs[0]];
    Some((head, tail))
}

/// Puts the `Normalize` of a graph behind the float output of its integer form.
pub(crate) fn with_tail(mut made: Graph, from: &Graph, tail: &Node) -> Graph {
    let mut copy = |id: TensorId| made.push_tensor(from.tensor(id).clone());
    let (mean, scale, output) = (copy(tail.inputs[1]), copy(tail.inputs[2]), copy(tail.output));
    let inputs = vec![made.outputs[0], mean, scale];
    made.nodes.push(Node { name: tail.name.clone(), op: Op::Normalize, inputs, output });
    made.outputs = vec![output];
    made
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::quantize;

    fn dense(bias: f32) -> Graph {
        let mut g = Graph { name: "g".into(), ..Graph::default() };
        let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| {
            g.push_tensor(Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                quant: None,
                data: data.map(Data::F32),
            })
        };
        let (x, w, b) = (
            tensor("x", &[2], None),
            tensor("w", &[1, 2], Some(vec![1.0, -0.5])),
            tensor("b", &[1], Some(vec![bias])),
        );
        let y = tensor("y", &[1], None);
        g.nodes.push(Node {
            name: "d".into(),
            op: Op::FullyConnected { activation: Activation::None },
            inputs: vec![x, w, b],
            output: y,
        });
        (g.inputs, g.outputs) = (vec![x], vec![y]);
        g
    }

    #[test]
    fn integers_answer_as_well_far_from_zero_as_near_it() {
        let inputs: Vec<Vec<f32>> =
            (0..64).map(|i| vec![(i % 8) as f32 / 4.0 - 1.0, (i / 8) as f32 / 4.0 - 1.0]).collect();
        let worst = |bias: f32| {
            let graph = dense(bias);
            let made = quantize::closest_around(&graph, &inputs).unwrap();
            let (mut float, mut int8) =
                (Interpreter::new(&graph).unwrap(), Interpreter::new(&made.int8).unwrap());
            let mut apart = 0.0f32;
            for x in &inputs {
                let (mut a, mut b) = ([0.0], [0.0]);
                float.run(x, &mut a).unwrap();
                int8.run(x, &mut b).unwrap();
                apart = apart.max((a[0] - b[0]).abs());
            }
            apart
        };
        let near = worst(0.0);
        for bias in [300.0f32, -3000.0, 101_325.0, 1e6] {
            // A float of this size has steps of its own.
            let step = bias.abs() * f32::EPSILON;
            assert!(worst(bias) <= near + 3.0 * step, "{bias}: {} against {near}", worst(bias));
        }
        assert!(taken_out(&dense(1.0), &inputs).unwrap().is_none(), "a range about zero stays as it is");
        assert!(quantize::closest(&dense(3000.0), &inputs).is_ok());
    }
}
