//! A graph for people and for diffs: one line a tensor that flows, one a node.

use crate::graph::{DType, Graph, Op, TensorId};
use std::fmt::Write;

impl Graph {
    /// Readable text: the input, then each node with what it makes. Same graph, same text.
    pub fn to_text(&self) -> String {
        let mut out = format!("graph {}\n", self.name);
        let describe = |id: TensorId| {
            let t = self.tensor(id);
            let dtype = match t.dtype {
                DType::F32 => "f32",
                DType::I8 => "i8",
                DType::I32 => "i32",
                DType::U8 => "u8",
                DType::I16 => "i16",
                DType::I64 => "i64",
            };
            let shape: Vec<String> = t.shape.iter().map(usize::to_string).collect();
            let quant = match &t.quant {
                Some(q) if q.scale.len() == 1 => format!(" scale {:e} zero {}", q.scale[0], q.zero_point),
                Some(q) => format!(" {} scales", q.scale.len()),
                None => String::new(),
            };
            format!("{} {dtype}[{}]{quant}", t.name, shape.join("x"))
        };
        for id in &self.inputs {
            let _ = writeln!(out, "  input  {}", describe(*id));
        }
        for node in &self.nodes {
            let inputs: Vec<String> = node.inputs.iter().map(|i| self.tensor(*i).name.clone()).collect();
            let _ = writeln!(
                out,
                "  {} = {}({})  {} MACs",
                describe(node.output),
                op_name(&node.op),
                inputs.join(", "),
                self.node_macs(node)
            );
        }
        for state in &self.states {
            let (read, write) = (self.tensor(state.read), self.tensor(state.write));
            let _ = writeln!(out, "  state  {} from {}", read.name, write.name);
        }
        for id in &self.outputs {
            let _ = writeln!(out, "  output {}", self.tensor(*id).name);
        }
        out
    }
}

/// Name of an operator as in the text form.
pub fn op_name(op: &Op) -> &'static str {
    match op {
        Op::Conv2d { .. } => "conv2d",
        Op::DepthwiseConv2d { .. } => "depthwise_conv2d",
        Op::FullyConnected { .. } => "fully_connected",
        Op::Pool2d { .. } => "pool2d",
        Op::Add { .. } => "add",
        Op::Activate { .. } => "activate",
        Op::Softmax => "softmax",
        Op::Reshape => "reshape",
        Op::Normalize => "normalize",
        Op::Quantize => "quantize",
        Op::Dequantize => "dequantize",
        Op::KMeansScore { .. } => "kmeans_score",
        Op::GmmScore { .. } => "gmm_score",
        Op::Bucketize => "bucketize",
        Op::TreeEnsemble { .. } => "tree_ensemble",
        Op::Unary { .. } => "unary",
        Op::Binary { .. } => "binary",
        Op::Strided { .. } => "strided",
        Op::Concat { .. } => "concat",
        Op::Pad { .. } => "pad",
        Op::Reduce { .. } => "reduce",
        Op::ResizeBilinear { .. } => "resize_bilinear",
        Op::Lstm { .. } => "lstm",
        Op::MatMul { .. } => "mat_mul",
        Op::SvdfState => "svdf_state",
        Op::SvdfOutput => "svdf_output",
        Op::Prelu => "prelu",
        Op::Compare { .. } => "compare",
        Op::Select => "select",
        Op::Snap { .. } => "snap",
        Op::ArgExtreme { .. } => "arg_extreme",
        Op::Gather => "gather",
    }
}
