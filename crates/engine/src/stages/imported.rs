//! A learning block whose model was trained elsewhere.

use crate::{EngineError, model_tool, project::LearnSection};
use edgewright_ir::{
    DType, Graph, Node, Op, Quant, Tensor, TensorId,
    extra::Reference,
    graph::Activation,
    quantize::{fold_scales, fuse_activations},
};
use std::path::Path;

/// What stands for the file of a section in the key of its stage: the hash of its bytes and of its weights beside it.
pub fn fingerprint(dir: &Path, section: &LearnSection) -> String {
    match &section.file {
        Some(model) => model_tool::fingerprint(&dir.join(model)),
        None => String::new(),
    }
}

/// The model of a file with float input and output, ready for an impulse; and whether it computes with integers.
///
/// # Errors
/// [`EngineError::Data`] when it cannot be read, keeps a state, has several outputs, or takes or gives another number of
/// values.
pub fn graph(path: &Path, features: usize, outputs: usize) -> Result<(Graph, bool), EngineError> {
    let imported = model_tool::load(path, Reference::Litert)?;
    let graph = imported.graph;
    let fail = |reason: String| Err(EngineError::Data(format!("{}: {reason}", path.display())));
    usable(path, &graph)?;
    let (takes, gives) = (graph.tensor(graph.inputs[0]).len(), graph.tensor(graph.outputs[0]).len());
    if takes != features {
        return fail(format!(
            "the model takes {takes} values ({:?}), but the DSP blocks of the project give {features}; change window or blocks",
            graph.tensor(graph.inputs[0]).shape
        ));
    }
    if gives != outputs {
        return fail(format!(
            "the model gives {gives} values, but the project needs {outputs}, one for each label"
        ));
    }
    let integer = graph.tensors.iter().any(|t| matches!(t.dtype, DType::I8 | DType::I16));
    if !integer {
        return Ok((fuse_activations(&fold_scales(&graph)), false));
    }
    let graph = float_ends(graph);
    graph.validate().map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))?;
    Ok((graph, true))
}

/// The same graph with a softmax behind scores that are none yet: what its last layer, a dense one, an addition or a convolution, gives
/// is no probability. `None` where it ends otherwise.
pub fn with_softmax(graph: &Graph) -> Option<Graph> {
    let output = *graph.outputs.first()?;
    let mut at = output;
    let node = loop {
        let node = graph.nodes.iter().find(|n| n.output == at)?;
        match node.op {
            Op::Dequantize | Op::Quantize | Op::Reshape => at = *node.inputs.first()?,
            _ => break node,
        }
    };
    let sums = matches!(
        node.op,
        Op::FullyConnected { activation: Activation::None }
            | Op::Conv2d { activation: Activation::None, .. }
            | Op::Add { activation: Activation::None }
    );
    if !sums || graph.tensor(output).dtype != DType::F32 {
        return None;
    }
    let mut out = graph.clone();
    let shape = vec![graph.tensor(output).len()];
    let mut float = |name: &str| {
        out.push_tensor(Tensor {
            name: name.into(),
            shape: shape.clone(),
            dtype: DType::F32,
            quant: None,
            data: None,
        })
    };
    let (flat, scores) = (float("logits"), float("scores"));
    out.nodes.push(Node { name: "logits".into(), op: Op::Reshape, inputs: vec![output], output: flat });
    out.nodes.push(Node { name: "scores".into(), op: Op::Softmax, inputs: vec![flat], output: scores });
    out.outputs = vec![scores];
    Some(out)
}

/// Refuses models that cannot be a learning block.
pub fn usable(path: &Path, graph: &Graph) -> Result<(), EngineError> {
    if !graph.states.is_empty() || graph.outputs.len() != 1 || graph.inputs.len() != 1 {
        return Err(EngineError::Data(format!(
            "{}: a learning block has one input and one output and keeps nothing from window to window; this model has {} inputs, {} outputs \
             and {} states; use it alone with `edgewright model export`",
            path.display(),
            graph.inputs.len(),
            graph.outputs.len(),
            graph.states.len()
        )));
    }
    Ok(())
}

/// The same graph with float input and output.
pub(super) fn float_ends(mut graph: Graph) -> Graph {
    let mut first = Vec::new();
    let (input, output) = (graph.inputs[0], graph.outputs[0]);
    let like = |graph: &Graph, id: TensorId, end: &str, dtype: DType, quant: Option<Quant>| {
        let t = graph.tensor(id);
        Tensor { name: format!("{}_{end}", t.name), shape: t.shape.clone(), dtype, quant, data: None }
    };
    if graph.tensor(input).dtype != DType::F32 {
        let float = like(&graph, input, "f32", DType::F32, None);
        let float = graph.push_tensor(float);
        let mut now = float;
        // Unsigned bytes are reached by way of signed ones.
        if graph.tensor(input).dtype == DType::U8 {
            let quant =
                graph.tensor(input).quant.clone().map(|q| Quant { zero_point: q.zero_point - 128, ..q });
            let signed = like(&graph, input, "s8", DType::I8, quant);
            let signed = graph.push_tensor(signed);
            first.push(Node {
                name: "quantize_s8".into(),
                op: Op::Quantize,
                inputs: vec![float],
                output: signed,
            });
            now = signed;
        }
        first.push(Node { name: "quantize".into(), op: Op::Quantize, inputs: vec![now], output: input });
        graph.inputs = vec![float];
    }
    first.append(&mut graph.nodes);
    graph.nodes = first;
    if graph.tensor(output).dtype != DType::F32 {
        let mut now = output;
        if graph.tensor(output).dtype == DType::U8 {
            let quant =
                graph.tensor(output).quant.clone().map(|q| Quant { zero_point: q.zero_point - 128, ..q });
            let signed = like(&graph, output, "s8", DType::I8, quant);
            now = graph.push_tensor(signed);
            graph.nodes.push(Node {
                name: "signed".into(),
                op: Op::Quantize,
                inputs: vec![output],
                output: now,
            });
        }
        let float = like(&graph, output, "f32", DType::F32, None);
        let float = graph.push_tensor(float);
        graph.nodes.push(Node {
            name: "dequantize".into(),
            op: Op::Dequantize,
            inputs: vec![now],
            output: float,
        });
        graph.outputs = vec![float];
    }
    graph
}
