//! The crate of a model alone: Rust without unsafe code, heap or standard library. It computes with the kernels of the
//! reference interpreter, whose source text it carries, so that both give the same bits.

use crate::{
    CompileError, FileTree, Options,
    memory::{self, Buffer},
    names::prefix,
    rust_wide,
};
use edgewright_ir::{
    DType, Data, Graph, Node, PoolKind, TensorId,
    lower::{Layer, Step, Tap, Wide},
};
use std::fmt::Write;

macro_rules! kernels {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../kernels/src/", $name)))),*]
    };
}

/// Source of the kernels.
const KERNELS: &[(&str, &str)] = kernels!(
    "lib.rs",
    "binary.rs",
    "conv.rs",
    "elementwise.rs",
    "fixed.rs",
    "gemmlowp.rs",
    "gmm.rs",
    "kmeans.rs",
    "lstm.rs",
    "math.rs",
    "mat_mul.rs",
    "movement.rs",
    "pool.rs",
    "choose.rs",
    "prelu.rs",
    "reduce.rs",
    "resize.rs",
    "snap.rs",
    "softmax.rs",
    "svdf.rs",
    "trees.rs",
    "unary.rs",
    "whole.rs",
    "wide.rs"
);

const MANIFEST: &str = r#"[package]
name = "@NAME@"
description = "A model as plain Rust, made by edgewright"
version = "0.1.0"
edition = "2024"
rust-version = "1.86"

[lib]
test = false
doctest = false
"#;

/// Emits a graph as a crate: `Cargo.toml`, `src/lib.rs` with the kernels beside it, `src/model.rs`.
///
/// # Errors
/// [`CompileError::Graph`].
pub fn rust_crate(graph: &Graph, options: &Options) -> Result<FileTree, CompileError> {
    let failed = |reason: String| CompileError::Graph { id: graph.name.clone(), reason };
    graph.validate().map_err(|e| failed(e.to_string()))?;
    let name = options.prefix.as_deref().map_or_else(|| prefix(&graph.name), prefix);
    let mut tree = FileTree::new();
    tree.insert("Cargo.toml".into(), MANIFEST.replace("@NAME@", &name).into_bytes());
    for (file, text) in KERNELS {
        let text = if *file == "lib.rs" {
            text.replace("#![no_std]", "#![no_std]\n#![forbid(unsafe_code)]\n\npub mod model;")
        } else {
            (*text).to_owned()
        };
        tree.insert(format!("src/{file}"), text.into_bytes());
    }
    let model = Emitter::new(graph).emit().map_err(failed)?;
    tree.insert("src/model.rs".into(), model.into_bytes());
    Ok(tree)
}

struct Emitter<'g> {
    graph: &'g Graph,
    /// Offset in the memory of its type of each tensor that flows.
    offsets: Vec<usize>,
    /// Elements of each memory: bytes, floats, 16 bits, 32 bits.
    sizes: [usize; 4],
    statics: String,
    body: String,
    written: Vec<TensorId>,
}

/// Which memory holds tensors of a type: bytes, floats, 16 bits, 32 bits.
fn memory_of(dtype: DType) -> usize {
    match dtype {
        DType::F32 => 1,
        DType::I16 => 2,
        DType::I32 => 3,
        _ => 0,
    }
}

fn float(dtype: DType) -> bool {
    dtype == DType::F32
}

fn bits(v: f32) -> String {
    format!("f32::from_bits({:#x})", v.to_bits())
}

fn list<T>(values: &[T], show: impl Fn(&T) -> String) -> String {
    let mut out = String::new();
    for (i, v) in values.iter().enumerate() {
        out.push_str(if i % 16 == 0 { "\n    " } else { " " });
        out.push_str(&show(v));
        out.push(',');
    }
    format!("[{out}\n]")
}

fn trees(graph: &Graph, node: &Node, shared: bool, args: &[String]) -> String {
    let width = graph.tensor(node.inputs[3]).shape[1];
    format!(
        "&crate::trees::Trees {{ nodes: {}, trees: {}, shared: {shared}, width: {width} }}",
        args[1], args[2]
    )
}

impl<'g> Emitter<'g> {
    fn new(graph: &'g Graph) -> Self {
        let end = graph.nodes.len();
        let mut spans: Vec<Option<(usize, usize)>> = vec![None; graph.tensors.len()];
        for id in &graph.inputs {
            spans[id.0 as usize] = Some((0, 0));
        }
        for state in &graph.states {
            spans[state.read.0 as usize] = Some((0, end));
        }
        for (i, node) in graph.nodes.iter().enumerate() {
            spans[node.output.0 as usize] = Some((i, i));
            for id in &node.inputs {
                if let Some((_, last)) = &mut spans[id.0 as usize] {
                    *last = (*last).max(i);
                }
            }
        }
        for id in graph.outputs.iter().copied().chain(graph.states.iter().map(|s| s.write)) {
            if let Some((_, last)) = &mut spans[id.0 as usize] {
                *last = end;
            }
        }
        let mut offsets = vec![0; graph.tensors.len()];
        let mut sizes = [0; 4];
        for (kind, size) in sizes.iter_mut().enumerate() {
            let (mut ids, mut buffers) = (Vec::new(), Vec::new());
            for (i, t) in graph.tensors.iter().enumerate() {
                if let Some((first, last)) = spans[i]
                    && t.data.is_none()
                    && memory_of(t.dtype) == kind
                {
                    ids.push(i);
                    buffers.push(Buffer::new(t.name.clone(), t.len() * t.dtype.bytes(), first, last));
                }
            }
            let plan = memory::plan(&buffers);
            let unit = [1, 4, 2, 4][kind];
            *size = plan.bytes / unit;
            for (id, offset) in ids.into_iter().zip(plan.offsets) {
                offsets[id] = offset / unit;
            }
        }
        Self { graph, offsets, sizes, statics: String::new(), body: String::new(), written: Vec::new() }
    }

    fn range(&self, id: TensorId) -> String {
        let at = self.offsets[id.0 as usize];
        format!("{at}..{}", at + self.graph.tensor(id).len())
    }

    fn memory(&self, id: TensorId) -> &'static str {
        ["bytes", "floats", "shorts", "words"][memory_of(self.graph.tensor(id).dtype)]
    }

    fn fixed(&mut self, name: &str, kind: &str, count: usize, text: &str) {
        let _ = writeln!(self.statics, "static {name}: [{kind}; {count}] = {text};");
    }

    /// Writes values.
    fn values(&mut self, name: &str, data: &Data) {
        match data {
            Data::F32(v) => self.fixed(name, "f32", v.len(), &list(v, |v| bits(*v))),
            Data::I8(v) => self.fixed(name, "i8", v.len(), &list(v, i8::to_string)),
            Data::I16(v) => self.fixed(name, "i16", v.len(), &list(v, i16::to_string)),
            Data::I32(v) => self.fixed(name, "i32", v.len(), &list(v, i32::to_string)),
            Data::I64(v) => self.fixed(name, "i64", v.len(), &list(v, i64::to_string)),
        }
    }

    /// Name of a constant, which is written once.
    fn constant(&mut self, id: TensorId) -> String {
        let name = format!("C{}", id.0);
        if !self.written.contains(&id) {
            self.written.push(id);
            let graph = self.graph;
            if let Some(data) = &graph.tensor(id).data {
                self.values(&name, data);
            }
        }
        format!("&{name}")
    }

    fn emit(mut self) -> Result<String, String> {
        let graph = self.graph;
        for (i, node) in graph.nodes.iter().enumerate() {
            self.node(i, node).map_err(|reason| format!("node `{}`: {reason}", node.name))?;
        }
        let kind = |dtype: DType| match dtype {
            DType::F32 => "f32",
            DType::U8 => "u8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            _ => "i8",
        };
        let mut outputs = String::new();
        // One array, or one for each output where they are of different types.
        let apart = crate::nn::several_types(graph);
        let (mut at, mut sizes, mut results) = (0, String::new(), Vec::new());
        let mut output = |constant: &str, name: &str, len: usize, dtype: DType| {
            let _ = writeln!(
                sizes,
                "/// Number of values of `{name}`.\npub const {constant}_LEN: usize = {len};"
            );
            results.push(format!("{name}: &mut [{}; {constant}_LEN]", kind(dtype)));
        };
        for (i, id) in graph.outputs.iter().enumerate() {
            let t = graph.tensor(*id);
            let name = if apart { format!("output{i}") } else { "output".into() };
            if apart {
                output(&format!("OUTPUT{i}"), &name, t.len(), t.dtype);
                at = 0;
            }
            let _ = writeln!(
                outputs,
                "        for (to, from) in {name}[{at}..{}].iter_mut().zip(&self.{}[{}]) {{\n            *to = *from as _;\n        }}",
                at + t.len(),
                self.memory(*id),
                self.range(*id)
            );
            at += t.len();
        }
        if !apart {
            output("OUTPUT", "output", at, graph.tensor(graph.outputs[0]).dtype);
        }
        let results = results.join(", ");
        let (mut keep, mut reset) = (String::new(), String::new());
        for at in crate::nn_extra::keeping_order(graph)? {
            let s = &graph.states[at];
            let memory = self.memory(s.read);
            if s.read != s.write {
                let from = self.range(s.write);
                let _ = writeln!(
                    keep,
                    "        self.{memory}.copy_within({from}, {});",
                    self.offsets[s.read.0 as usize]
                );
            }
            let range = self.range(s.read);
            match &s.initial {
                Some(data) => {
                    let name = format!("INITIAL{at}");
                    self.values(&name, data);
                    let _ = writeln!(reset, "        self.{memory}[{range}].copy_from_slice(&{name});");
                }
                None => {
                    let zero = match &graph.tensor(s.read).quant {
                        Some(q) => (q.zero_point as u8 as i8).to_string(),
                        None => "0.0".into(),
                    };
                    let _ = writeln!(reset, "        self.{memory}[{range}].fill({zero});");
                }
            }
        }
        let (mut lengths, mut parameters, mut takes) = (String::new(), String::new(), String::new());
        for (i, id) in graph.inputs.iter().enumerate() {
            let t = graph.tensor(*id);
            let [constant, name] = ["INPUT", "input"].map(|stem| crate::nn::input_name(graph, stem, i));
            let _ = writeln!(
                lengths,
                "/// Number of values of `{name}`.\npub const {constant}_LEN: usize = {};",
                t.len()
            );
            let _ = write!(parameters, "{name}: &[{}; {constant}_LEN], ", kind(t.dtype));
            let _ = writeln!(
                takes,
                "        for (to, from) in self.{}[{}].iter_mut().zip({name}) {{\n            *to = *from as _;\n        }}",
                self.memory(*id),
                self.range(*id)
            );
        }
        let [bytes, floats, shorts, words] = self.sizes;
        Ok(format!(
            r#"//! The model. Made by edgewright {version}; do not edit.

#![allow(clippy::all)]
#![allow(dead_code, unused_imports)]

use crate::{{
    AddParams, Geometry, Requantize, binary::{{BinaryKind, MulParams}}, conv::Int8Layer, lstm::LstmParams,
    mat_mul::{{MatMulParams, Matrices}}, prelu::PreluParams, reduce::ReduceKind, resize::Tap,
    svdf::{{SvdfOutputParams, SvdfStateParams}}, unary::Function, wide::CurveParams,
}};

{lengths}{sizes}
{statics}
/// The memory plan does not hold together; a bug of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutError;

/// The model with the memory it works in.
#[derive(Clone)]
pub struct Model {{
    bytes: [i8; {bytes}],
    floats: [f32; {floats}],
    shorts: [i16; {shorts}],
    words: [i32; {words}],
}}

impl Default for Model {{
    fn default() -> Self {{
        Self::new()
    }}
}}

impl Model {{
    /// A model that has seen nothing.
    pub fn new() -> Self {{
        let mut made =
            Self {{ bytes: [0; {bytes}], floats: [0.0; {floats}], shorts: [0; {shorts}], words: [0; {words}] }};
        made.reset();
        made
    }}

    /// Forgets what earlier runs left behind.
    pub fn reset(&mut self) {{
{reset}    }}

    /// From inputs to outputs.
    ///
    /// # Errors
    /// [`LayoutError`], never.
    pub fn invoke(&mut self, {parameters}{results}) -> Result<(), LayoutError> {{
{takes}{body}{outputs}{keep}        Ok(())
    }}
}}
"#,
            version = env!("CARGO_PKG_VERSION"),
            statics = self.statics,
            body = self.body,
        ))
    }

    fn layer(&mut self, i: usize, layer: &Layer, bias: TensorId) -> String {
        let bias = self.constant(bias);
        let name = format!("FACTORS{i}");
        self.fixed(&name, "Requantize", layer.factors.len(), &list(&layer.factors, |f| format!("{f:?}")));
        format!(
            "&Int8Layer {{ bias: {bias}, factors: &{name}, in_zero: {}, out_zero: {}, min: {}, max: {} }}",
            layer.in_zero, layer.out_zero, layer.limits[0], layer.limits[1]
        )
    }

    fn taps(&mut self, name: &str, taps: &[Tap]) -> String {
        let text =
            list(taps, |t| format!("Tap {{ low: {}, high: {}, share: {} }}", t.low, t.high, bits(t.share)));
        self.fixed(name, "Tap", taps.len(), &text);
        format!("&{name}")
    }

    fn node(&mut self, i: usize, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let step = graph.lower(node).map_err(|e| e.to_string())?;
        // What flows in, each once; constants are arguments by their names.
        let mut flowing: Vec<TensorId> = Vec::new();
        for id in &node.inputs {
            if graph.tensor(*id).data.is_none() && !flowing.contains(id) {
                flowing.push(*id);
            }
        }
        let mut args = Vec::new();
        for id in &node.inputs {
            args.push(match flowing.iter().position(|f| f == id) {
                Some(k) => format!("x{k}"),
                None => self.constant(*id),
            });
        }
        let arg = |n: usize| args.get(n).cloned().unwrap_or_default();
        let limits = |l: &[f32; 2]| format!("{}, {}", bits(l[0]), bits(l[1]));
        let float_out = float(graph.tensor(node.output).dtype);
        let call = match step {
            Step::Conv2dS8 { geometry, depthwise, layer } => {
                let layer = self.layer(i, &layer, node.inputs[2]);
                let name = if depthwise { "depthwise_conv2d_s8" } else { "conv2d_s8" };
                format!("crate::{name}(&{geometry:?}, {}, {}, {layer}, out);", arg(0), arg(1))
            }
            Step::Conv2dF32 { geometry, depthwise, limits: l } => {
                let name = if depthwise { "depthwise_conv2d_f32" } else { "conv2d_f32" };
                format!(
                    "crate::{name}(&{geometry:?}, {}, {}, {}, {}, out);",
                    arg(0),
                    arg(1),
                    arg(2),
                    limits(&l)
                )
            }
            Step::FullyConnectedS8 { layer } => {
                let layer = self.layer(i, &layer, node.inputs[2]);
                format!("crate::fully_connected_s8({}, {}, {layer}, out);", arg(0), arg(1))
            }
            Step::FullyConnectedOnceS8 { layer } => {
                let layer = self.layer(i, &layer, node.inputs[2]);
                let outputs = graph.tensor(node.inputs[2]).len();
                let inputs = graph.tensor(node.inputs[1]).len() / outputs;
                format!(
                    "for (x, out) in ({}).chunks_exact({inputs}).zip(out.chunks_exact_mut({outputs})) {{ crate::conv::fully_connected_once_s8(x, {}, {layer}, out); }}",
                    arg(0),
                    arg(1)
                )
            }
            Step::FullyConnectedF32 { limits: l } => {
                format!(
                    "crate::fully_connected_f32({}, {}, {}, {}, out);",
                    arg(0),
                    arg(1),
                    arg(2),
                    limits(&l)
                )
            }
            Step::PoolS8 { geometry, kind, limits: [min, max] } => {
                let name = if kind == PoolKind::Max { "max_pool_s8" } else { "average_pool_s8" };
                format!("crate::{name}(&{geometry:?}, {}, {min}, {max}, out);", arg(0))
            }
            Step::PoolF32 { geometry, kind, limits: l } => {
                let name = if kind == PoolKind::Max { "max_pool_f32" } else { "average_pool_f32" };
                format!("crate::{name}(&{geometry:?}, {}, {}, out);", arg(0), limits(&l))
            }
            Step::AddS8(p) => format!("crate::add_s8(&{p:?}, {}, {}, out);", arg(0), arg(1)),
            Step::AddF32 { limits: l } => {
                format!("crate::add_f32({}, {}, {}, out);", arg(0), arg(1), limits(&l))
            }
            Step::ActivateS8 { limits: [min, max] } => {
                format!("crate::elementwise::activate_s8({}, {min}, {max}, out);", arg(0))
            }
            Step::ActivateF32 { limits: l } => {
                format!("crate::activate_f32({}, {}, out);", arg(0), limits(&l))
            }
            Step::SoftmaxS8 { row, table } => {
                let name = format!("TABLE{i}");
                self.fixed(&name, "u32", table.len(), &list(&table, u32::to_string));
                format!(
                    "for (x, out) in ({}).chunks_exact({row}).zip(out.chunks_exact_mut({row})) {{ crate::softmax_s8(x, &{name}, out); }}",
                    arg(0)
                )
            }
            Step::SoftmaxF32 { row } => format!(
                "for (x, out) in ({}).chunks_exact({row}).zip(out.chunks_exact_mut({row})) {{ crate::softmax_f32(x, out); }}",
                arg(0)
            ),
            Step::Reshape => format!("out.copy_from_slice({});", arg(0)),
            Step::Normalize => format!("crate::normalize_f32({}, {}, {}, out);", arg(0), arg(1), arg(2)),
            Step::Quantize { scale, zero } => {
                format!("crate::quantize_s8({}, {}, {zero}, out);", arg(0), bits(scale))
            }
            Step::Dequantize { scale, zero } => {
                format!("crate::dequantize_s8({}, {}, {zero}, out);", arg(0), bits(scale))
            }
            Step::KMeansScore { axes } => format!(
                "out[0] = crate::kmeans_score_f32({}, &{axes:?}, {}, {}, {}, {});",
                arg(0),
                arg(1),
                arg(2),
                arg(3),
                arg(4)
            ),
            Step::GmmScore { axes, diagonal, centre, scale } => format!(
                "out[0] = crate::gmm::gmm_score_f32({}, &crate::gmm::Mixture {{ axes: &{axes:?}, mean: {}, offsets: {}, factors: {}, constants: {}, diagonal: {diagonal} }}, {}, {});",
                arg(0),
                arg(1),
                arg(2),
                arg(3),
                arg(4),
                bits(centre),
                bits(scale)
            ),
            Step::Bucketize => {
                format!("crate::trees::bucketize_s8({}, {}, {}, out);", arg(0), arg(1), arg(2))
            }
            Step::TreesF32 { shared } => format!(
                "crate::trees::tree_ensemble_f32({}, {}, {}, {}, {}, out);",
                arg(0),
                trees(graph, node, shared, &args),
                arg(5),
                arg(3),
                arg(4)
            ),
            Step::TreesS8 { shared, scale } => format!(
                "crate::trees::tree_ensemble_s8({}, {}, {}, {}, {}, &mut [0; {}], out);",
                arg(0),
                trees(graph, node, shared, &args),
                arg(3),
                bits(scale),
                arg(4),
                graph.tensor(node.output).len()
            ),
            Step::UnaryF32 { function } => {
                format!("crate::unary::unary_f32({}, Function::{function:?}, out);", arg(0))
            }
            Step::Lookup8 { table } => {
                let name = format!("TABLE{i}");
                self.fixed(&name, "i8", table.len(), &list(&table, i8::to_string));
                format!("crate::unary::lookup_8({}, &{name}, out);", arg(0))
            }
            Step::BinaryF32 { kind, limits: l } => format!(
                "crate::binary::binary_f32(BinaryKind::{kind:?}, {}, {}, {}, out);",
                arg(0),
                arg(1),
                limits(&l)
            ),
            Step::LstmS8(p) => {
                format!("crate::lstm::lstm_s8(&{p:?}, {}, {}, {}, {}, out);", arg(0), arg(1), arg(2), arg(3))
            }
            Step::Wide(wide) => {
                let name = format!("FACTORS{i}");
                if let Wide::Conv2d { layer, .. } | Wide::FullyConnected { layer, .. } = &wide {
                    let text = list(&layer.factors, |f| format!("{f:?}"));
                    self.fixed(&name, "Requantize", layer.factors.len(), &text);
                }
                rust_wide::call(&wide, &arg, &name)
            }
            Step::SvdfState(p) => {
                format!("crate::svdf::svdf_state(&{p:?}, {}, {}, {}, out);", arg(0), arg(1), arg(2))
            }
            Step::SvdfOutput(p) => {
                format!("crate::svdf::svdf_output(&{p:?}, {}, {}, {}, out);", arg(0), arg(1), arg(2))
            }
            Step::PreluS8(p) => format!("crate::prelu::prelu_s8(&{p:?}, {}, {}, out);", arg(0), arg(1)),
            Step::SubS8(p) => format!("crate::binary::sub_s8(&{p:?}, {}, {}, out);", arg(0), arg(1)),
            Step::SquaredDifferenceS8(p) => {
                format!("crate::binary::squared_difference_s8(&{p:?}, {}, {}, out);", arg(0), arg(1))
            }
            Step::MulS8(p) => format!("crate::binary::mul_s8(&{p:?}, {}, {}, out);", arg(0), arg(1)),
            Step::ExtremeS8 { larger } => {
                format!("crate::binary::extreme_s8({larger}, {}, {}, out);", arg(0), arg(1))
            }
            Step::Strided { shape, strides, offset } => {
                format!("crate::movement::strided_copy({}, &{shape:?}, &{strides:?}, {offset}, out);", arg(0))
            }
            Step::Concat { outer } => {
                let (row, mut at) = (graph.tensor(node.output).len() / outer, 0);
                let mut text = String::new();
                for (n, id) in node.inputs.iter().enumerate() {
                    let _ =
                        write!(text, "crate::movement::concat_part({}, {outer}, {row}, {at}, out);", arg(n));
                    at += graph.tensor(*id).len() / outer;
                }
                text
            }
            Step::Pad { shape, before, whole, value, integer } => {
                let value = if float_out { bits(value) } else { integer.to_string() };
                format!(
                    "crate::movement::pad({}, &{shape:?}, &{before:?}, &{whole:?}, {value}, out);",
                    arg(0)
                )
            }
            Step::ReduceF32 { kind, count, inner } => {
                format!("crate::reduce::reduce_f32(ReduceKind::{kind:?}, {}, {count}, {inner}, out);", arg(0))
            }
            Step::ReduceSumS8 { count, inner, zeros, factor } => {
                format!(
                    "crate::reduce::reduce_sum_s8({}, {count}, {inner}, {zeros:?}, {factor:?}, out);",
                    arg(0)
                )
            }
            Step::ReduceExtremeS8 { larger, count, inner } => {
                format!("crate::reduce::reduce_extreme_s8({larger}, {}, {count}, {inner}, out);", arg(0))
            }
            Step::MatMulF32 { matrices } => {
                format!("crate::mat_mul::mat_mul_f32(&{matrices:?}, {}, {}, out);", arg(0), arg(1))
            }
            Step::MatMulS8 { matrices, params } => {
                format!(
                    "crate::mat_mul::mat_mul_s8(&{matrices:?}, &{params:?}, {}, {}, out);",
                    arg(0),
                    arg(1)
                )
            }
            Step::CompareF32 { kind } => format!(
                "crate::choose::compare_f32(crate::choose::CompareKind::{kind:?}, {}, {}, out);",
                arg(0),
                arg(1)
            ),
            Step::CompareS8 { kind, params: p } => format!(
                "crate::choose::compare_s8(crate::choose::CompareKind::{kind:?}, &crate::choose::{p:?}, {}, {}, out);",
                arg(0),
                arg(1)
            ),
            Step::Snap { row, symmetric } => {
                format!("crate::snap::snap_f32({}, {row}, {symmetric}, out);", arg(0))
            }
            Step::Select => format!("crate::choose::select({}, {}, {}, out);", arg(0), arg(1), arg(2)),
            Step::ArgExtreme { largest, last, count, inner } => {
                format!("crate::choose::arg_extreme({largest}, {last}, {}, {count}, {inner}, out);", arg(0))
            }
            Step::Gather { width, zero } => {
                let zero = if float_out { bits(0.0) } else { zero.to_string() };
                format!("crate::choose::gather({}, {}, {width}, {zero}, out);", arg(0), arg(1))
            }
            Step::ResizeBilinear { rows, columns } => {
                let (rows, columns) =
                    (self.taps(&format!("ROWS{i}"), &rows), self.taps(&format!("COLUMNS{i}"), &columns));
                let from = &graph.tensor(node.inputs[0]).shape;
                let kind = if float_out { "f32" } else { "s8" };
                format!(
                    "crate::resize::resize_bilinear_{kind}({}, {}, {}, {rows}, {columns}, out);",
                    arg(0),
                    from[1],
                    from[2]
                )
            }
            #[allow(unreachable_patterns, reason = "operators that other rooms add have no kernel here yet")]
            _ => return Err("has no kernel in Rust".into()),
        };
        let memory = self.memory(node.output);
        let (same, other): (Vec<usize>, Vec<usize>) =
            (0..flowing.len()).partition(|&k| self.memory(flowing[k]) == memory);
        let names: Vec<String> = same.iter().map(|k| format!("x{k}")).collect();
        let ranges: Vec<String> = std::iter::once(node.output)
            .chain(same.iter().map(|&k| flowing[k]))
            .map(|id| self.range(id))
            .collect();
        let shared: String = names.iter().map(|n| format!(" let {n} = &*{n};")).collect();
        let mut text = String::from("        {\n");
        for k in other {
            let _ = writeln!(
                text,
                "            let x{k} = &self.{}[{}];",
                self.memory(flowing[k]),
                self.range(flowing[k])
            );
        }
        let _ = writeln!(
            text,
            "            let Ok([out{}]) = self.{memory}.get_disjoint_mut([{}]) else {{ return Err(LayoutError) }};\n           {shared}\n            {call}\n        }}",
            names.iter().map(|n| format!(", {n}")).collect::<String>(),
            ranges.join(", ")
        );
        self.body.push_str(&text);
        Ok(())
    }
}
