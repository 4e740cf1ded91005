//! Emission of graphs: constants, parameters and a sequence of kernel calls.

use crate::names::{array, comment, float};
use crate::nn_extra::element;
use edgewright_ir::{
    Graph, Node, PoolKind, TensorId,
    lower::{Geometry, Requantize, Step, f32_data},
    text::op_name,
};

use std::collections::BTreeMap;

mod layers;
mod needs;

pub use needs::{Needs, needs};
pub(crate) use needs::{Place, Prepared, input_name, output_arrays, several_types};

/// Emitted code of a graph.
pub struct GraphCode {
    /// Runtime files it needs.
    pub runtime: Vec<&'static str>,
    /// Constants, parameters and the function
    /// `static void <symbol>(const <in> *in, <out> *out, unsigned char *arena)`.
    pub source: String,
    /// Statements that set the states in `arena` before the first run.
    pub initial: String,
}

pub(crate) struct Emitter<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) needs: &'a Needs,
    pub(crate) offsets: &'a [usize],
    pub(crate) symbol: &'a str,
    /// Constants that are written.
    pub(crate) constants: Vec<TensorId>,
    runtime: Vec<&'static str>,
    /// Shapes of depthwise convolutions that have a function, with the zero point of the output.
    planes: Vec<(Geometry, i32)>,
    /// Those for Helium, as they are written behind their name.
    pub(crate) lanes: Vec<(Geometry, String)>,
    /// Convolutions that have a function, as it is written behind its name.
    convolutions: Vec<(Geometry, String)>,
    /// Symbols of constants by their text: what is equal is written once, such as the weights of an unrolled layer.
    held: BTreeMap<String, String>,
    pub(crate) data: String,
    body: String,
}

/// Emits a valid graph whose buffers lie at `offsets`.
///
/// # Errors
/// A sentence that names the node.
pub fn emit(graph: &Graph, needs: &Needs, offsets: &[usize], symbol: &str) -> Result<GraphCode, String> {
    let mut e = Emitter {
        graph,
        needs,
        offsets,
        symbol,
        constants: Vec::new(),
        runtime: Vec::new(),
        planes: Vec::new(),
        lanes: Vec::new(),
        convolutions: Vec::new(),
        held: BTreeMap::new(),
        data: String::new(),
        body: String::new(),
    };
    for (i, node) in graph.nodes.iter().enumerate() {
        if !needs.fused[i] {
            e.node(i, node).map_err(|reason| format!("node `{}`: {reason}", node.name))?;
        }
    }
    let (keep, initial) = e.states()?;
    let kind = |id: TensorId| element(graph.tensor(id).dtype);
    let inputs: Vec<String> = (graph.inputs.iter().enumerate())
        .map(|(i, id)| format!("const {} *{}", kind(*id), input_name(graph, "in", i)))
        .collect();
    let unused: String = (0..graph.inputs.len())
        .filter(|_| graph.inputs.len() > 1)
        .map(|i| format!("    (void){};\n", input_name(graph, "in", i)))
        .collect();
    let outputs: Vec<String> =
        output_arrays(graph).iter().map(|(name, kind, _)| format!("{kind} *{name}")).collect();
    let source = format!(
        "{}\nEW_FN void {symbol}({}, {}, unsigned char *arena)\n{{\n    (void)arena;\n{unused}{}{keep}}}\n",
        e.data,
        inputs.join(", "),
        outputs.join(", "),
        e.body
    );
    Ok(GraphCode { runtime: e.runtime, source, initial })
}

/// An int literal; the smallest value has none of its own.
pub(crate) fn int(v: i32) -> String {
    if v == i32::MIN { "(-2147483647 - 1)".into() } else { v.to_string() }
}

pub(crate) fn geometry(g: &Geometry) -> String {
    let values = [
        g.in_h,
        g.in_w,
        g.in_c,
        g.out_h,
        g.out_w,
        g.out_c,
        g.kernel_h,
        g.kernel_w,
        g.stride_h,
        g.stride_w,
        g.dilation_h,
        g.dilation_w,
        g.pad_h,
        g.pad_w,
    ];
    values.map(|v| v.to_string()).join(", ")
}

impl Emitter<'_> {
    pub(crate) fn need(&mut self, files: &[&'static str]) {
        for file in files {
            if !self.runtime.contains(file) {
                self.runtime.push(file);
            }
        }
    }

    /// Pointer to a tensor that is read or written.
    pub(crate) fn pointer(&self, id: TensorId) -> String {
        let kind = element(self.graph.tensor(id).dtype);
        match self.needs.places[id.0 as usize] {
            Place::Input(i) => input_name(self.graph, "in", i),
            Place::Output(number) if several_types(self.graph) => format!("out{number}"),
            Place::Output(0) => "out".into(),
            Place::Output(behind) => format!("out + {behind}"),
            Place::Arena(b) => format!("({kind} *)(void *)(arena + {}u)", self.offsets[b]),
            Place::Constant | Place::None => "0".into(),
        }
    }

    fn constant(&mut self, node: usize, name: &str, id: TensorId) -> Result<String, String> {
        let values = f32_data(self.graph.tensor(id))?;
        let text = array("float", "@", values, |v| float(*v));
        Ok(self.hold(text, format!("{}_{node}_{name}", self.symbol)))
    }

    /// Symbol of a constant, which is `@` in its text.
    pub(crate) fn hold(&mut self, text: String, symbol: String) -> String {
        if let Some(there) = self.held.get(&text) {
            return there.clone();
        }
        self.data.push_str(&text.replacen('@', &symbol, 1));
        self.held.insert(text, symbol.clone());
        symbol
    }

    fn node(&mut self, i: usize, node: &Node) -> Result<(), String> {
        let graph = self.graph;
        let base = format!("{}_{i}", self.symbol);
        let x = self.operand(node.inputs[0]);
        let y = self.pointer(node.output);
        let n = graph.tensor(node.output).len();
        let shape = |id: TensorId| {
            let s: Vec<String> = graph.tensor(id).shape.iter().map(usize::to_string).collect();
            s.join("x")
        };
        let about = format!(
            "    /* {}: {} {} -> {}, {} MACs */\n",
            comment(&node.name),
            op_name(&node.op),
            shape(node.inputs[0]),
            shape(node.output),
            graph.node_macs(node)
        );
        let limits = |l: &[f32; 2]| format!("{}, {}", float(l[0]), float(l[1]));
        let call = match graph.lower(node).map_err(|e| e.to_string())? {
            Step::Conv2dS8 { .. } | Step::FullyConnectedS8 { .. } | Step::FullyConnectedOnceS8 { .. } => {
                let needs = self.needs;
                let prepared = needs.layers[i].as_ref().ok_or("the layer was not made ready")?;
                self.layer(i, prepared, &x, &y)
            }
            Step::Conv2dF32 { geometry: g, depthwise, limits: l } => {
                self.need(&["ew_fixed.h", "ew_geometry.h", "ew_layers_f32.h"]);
                let name = if depthwise { "ew_depthwise_conv2d_f32" } else { "ew_conv2d_f32" };
                let w = self.constant(i, "weights", node.inputs[1])?;
                let b = self.constant(i, "bias", node.inputs[2])?;
                self.data.push_str(&format!("EW_DATA ew_geometry {base}_shape = {{{}}};\n", geometry(&g)));
                format!("{name}(&{base}_shape, {x}, {w}, {b}, {}, {y});", limits(&l))
            }
            Step::FullyConnectedF32 { limits: l } => {
                self.need(&["ew_fixed.h", "ew_geometry.h", "ew_layers_f32.h"]);
                let inputs = graph.tensor(node.inputs[0]).len();
                let w = self.constant(i, "weights", node.inputs[1])?;
                let b = self.constant(i, "bias", node.inputs[2])?;
                format!("ew_fully_connected_f32({inputs}, {n}, {x}, {w}, {b}, {}, {y});", limits(&l))
            }
            Step::PoolS8 { geometry: g, kind, limits: [min, max] } => {
                self.need(&["ew_fixed.h", "ew_geometry.h", "ew_pool.h"]);
                self.data.push_str(&format!("EW_DATA ew_geometry {base}_shape = {{{}}};\n", geometry(&g)));
                let average = u8::from(kind == PoolKind::Average);
                format!("ew_pool_s8(&{base}_shape, {x}, {average}, {min}, {max}, {y});")
            }
            Step::PoolF32 { geometry: g, kind, limits: l } => {
                self.need(&["ew_fixed.h", "ew_geometry.h", "ew_pool.h"]);
                self.data.push_str(&format!("EW_DATA ew_geometry {base}_shape = {{{}}};\n", geometry(&g)));
                let average = u8::from(kind == PoolKind::Average);
                format!("ew_pool_f32(&{base}_shape, {x}, {average}, {}, {y});", limits(&l))
            }
            Step::AddS8(p) => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                let f = |f: Requantize| format!("{{{}, {}}}", int(f.multiplier), f.shift);
                self.data.push_str(&format!(
                    "EW_DATA ew_add_params {base}_add = {{{{{}, {}}}, {{{}, {}}}, {}, {}, {}, {}}};\n",
                    p.in_zero[0],
                    p.in_zero[1],
                    f(p.in_factor[0]),
                    f(p.in_factor[1]),
                    f(p.out_factor),
                    p.out_zero,
                    p.min,
                    p.max
                ));
                let b = self.operand(node.inputs[1]);
                format!("ew_add_s8(&{base}_add, {x}, {b}, {n}u, {y});")
            }
            Step::AddF32 { limits: l } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                let b = self.operand(node.inputs[1]);
                format!("ew_add_f32({x}, {b}, {n}u, {}, {y});", limits(&l))
            }
            Step::ActivateS8 { limits: [min, max] } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                format!("ew_activate_s8({x}, {n}u, {min}, {max}, {y});")
            }
            Step::ActivateF32 { limits: l } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                format!("ew_activate_f32({x}, {n}u, {}, {y});", limits(&l))
            }
            Step::SoftmaxS8 { row, table } => {
                self.need(&["ew_gemmlowp.h", "ew_softmax.h"]);
                self.data.push_str(&array("uint32_t", &format!("{base}_table"), &table, |v| format!("{v}u")));
                format!("ew_softmax_s8({x}, {}u, {row}u, {base}_table, {y});", n / row)
            }
            Step::SoftmaxF32 { row } => {
                self.need(&["ew_gemmlowp.h", "ew_softmax.h"]);
                format!("ew_softmax_f32({x}, {}u, {row}u, {y});", n / row)
            }
            Step::Reshape if x == y => return Ok(()),
            Step::Reshape => {
                format!("memcpy({y}, {x}, {}u);", graph.tensor(node.output).bytes())
            }
            Step::Normalize => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                let mean = self.constant(i, "mean", node.inputs[1])?;
                let scale = self.constant(i, "scale", node.inputs[2])?;
                let columns = graph.tensor(node.inputs[1]).len();
                format!("ew_normalize_f32({x}, {mean}, {scale}, {columns}u, {n}u, {y});")
            }
            Step::Quantize { scale, zero } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                if i > 0 && self.needs.fused[i - 1] {
                    let before = &graph.nodes[i - 1];
                    let x = self.operand(before.inputs[0]);
                    let mean = self.constant(i, "mean", before.inputs[1])?;
                    let factor = self.constant(i, "scale", before.inputs[2])?;
                    let columns = graph.tensor(before.inputs[1]).len();
                    format!(
                        "ew_normalize_quantize_s8({x}, {mean}, {factor}, {columns}u, {n}u, {}, {zero}, {y});",
                        float(scale)
                    )
                } else {
                    format!("ew_quantize_s8({x}, {n}u, {}, {zero}, {y});", float(scale))
                }
            }
            Step::Dequantize { scale, zero } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h"]);
                format!("ew_dequantize_s8({x}, {n}u, {}, {zero}, {y});", float(scale))
            }
            Step::KMeansScore { axes } => {
                self.need(&["ew_kmeans.h"]);
                let axes: Vec<u32> = axes.iter().map(|a| *a as u32).collect();
                self.data.push_str(&array("uint16_t", &format!("{base}_axes"), &axes, u32::to_string));
                let mean = self.constant(i, "mean", node.inputs[1])?;
                let scale = self.constant(i, "scale", node.inputs[2])?;
                let centroids = self.constant(i, "centroids", node.inputs[3])?;
                let radii = self.constant(i, "radii", node.inputs[4])?;
                let clusters = graph.tensor(node.inputs[4]).len();
                format!(
                    "*{y} = ew_kmeans_score_f32({x}, {base}_axes, {}u, {mean}, {scale}, {centroids}, {radii}, {clusters}u);",
                    axes.len()
                )
            }
            Step::GmmScore { axes, diagonal, centre, scale } => {
                self.need(&["ew_gemmlowp.h", "ew_softmax.h", "ew_gmm.h"]);
                let list: Vec<u32> = axes.iter().map(|a| *a as u32).collect();
                self.data.push_str(&array("uint16_t", &format!("{base}_axes"), &list, u32::to_string));
                let mean = self.constant(i, "mean", node.inputs[1])?;
                let offsets = self.constant(i, "offsets", node.inputs[2])?;
                let factors = self.constant(i, "factors", node.inputs[3])?;
                let constants = self.constant(i, "constants", node.inputs[4])?;
                format!(
                    "*{y} = ew_gmm_score_f32({x}, {base}_axes, {}u, {mean}, {offsets}, {factors}, {constants}, {}u, {}, {}, {});",
                    axes.len(),
                    graph.tensor(node.inputs[4]).len(),
                    u8::from(diagonal),
                    float(centre),
                    float(scale)
                )
            }
            Step::Bucketize => self.bucketize(i, node)?,
            Step::TreesF32 { shared } => self.trees(i, node, shared, None)?,
            Step::TreesS8 { shared, scale } => self.trees(i, node, shared, Some(scale))?,
            Step::Wide(wide) => self.wide(i, node, &wide),
            step => self.extra(i, node, step)?,
        };
        self.body.push_str(&about);
        self.body.push_str(&format!("    {call}\n    ew_mark_step();\n"));
        Ok(())
    }
}
