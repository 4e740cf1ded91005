//! What a model costs on a target, estimated without building it: the memory plan and the constants are exact, instructions
//! and code sizes come from a model fitted to what QEMU counted (`examples/calibrate.rs`).

mod dsp;
mod dsp_table;
mod table;

pub use dsp::{DspCost, dsp, dsp_constants};

use crate::{
    CompileError, Layout, Target, depthwise, graph_layout, helium,
    kernels::{Family, Form, LANES},
    nn,
    nn::Prepared,
    trees,
};
use edgewright_ir::{
    DType, Graph, Node, PoolKind,
    lower::{Step, Wide},
};
use table::{BASE, TABLE};

/// Instruction sets whose costs were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// DSP extension and floating-point unit: Cortex-M4F, M7, M33.
    Dsp,
    /// Helium and floating-point unit: Cortex-M55, M85.
    Helium,
    /// Armv7-M without either: Cortex-M3.
    V7m,
    /// Armv6-M: Cortex-M0 and M0+.
    V6m,
}

impl Class {
    /// The class whose costs stand for a target, and whether the target is of that class.
    pub fn of(target: &Target) -> (Self, bool) {
        match target.isa.as_str() {
            "Armv6-M" => (Self::V6m, true),
            "Armv7-M" => (Self::V7m, true),
            _ => match target.kernels {
                Family::Helium => (Self::Helium, true),
                Family::Dsp => (Self::Dsp, true),
                Family::C => (Self::V7m, false),
            },
        }
    }

    /// Name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dsp => "dsp",
            Self::Helium => "helium",
            Self::V7m => "v7m",
            Self::V6m => "v6m",
        }
    }
}

/// What a node asks of its kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Name of the kernel in the table; empty when nothing is computed.
    pub kernel: &'static str,
    /// Products (those with the kernel's own zeros), outputs, elements that are moved, 1.
    pub amounts: [f64; 4],
    /// Constants in flash, in bytes.
    pub constants: usize,
    /// Code of a function of this shape's own, in bytes.
    pub own_code: usize,
}

/// Estimate for one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeCost {
    /// Instructions of one run.
    pub instructions: f64,
    /// Constants in flash, in bytes.
    pub constants: usize,
}

/// Estimate for a graph on a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// One per node.
    pub nodes: Vec<NodeCost>,
    /// Memory plan; exact.
    pub layout: Layout,
    /// Code and constants of a whole image, in bytes.
    pub flash_bytes: u64,
    /// Deepest stack, in bytes.
    pub stack_bytes: u64,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

impl Estimate {
    /// Instructions of one run.
    pub fn instructions(&self) -> u64 {
        self.nodes.iter().map(|n| n.instructions).sum::<f64>().round() as u64
    }
}

/// Estimates the cost of a valid graph on a target.
///
/// # Errors
/// [`CompileError::Graph`] naming the node that has no kernel.
pub fn estimate(graph: &Graph, target: &Target) -> Result<Estimate, CompileError> {
    let (class, own_class) = Class::of(target);
    let layout = graph_layout(graph, target)?;
    let works = work(graph, target)?;
    let (mut used, mut nodes) = (Vec::new(), Vec::new());
    let base = BASE.iter().find(|b| b.0 == class.name()).map_or((0, 0), |b| (b.1, b.2));
    let mut flash = base.0 as usize;
    for w in &works {
        let row = TABLE.iter().find(|r| r.0 == class.name() && r.1 == w.kernel);
        let each = row.map_or([0.0; 4], |r| r.2);
        nodes.push(NodeCost {
            instructions: w.amounts.iter().zip(each).map(|(a, b)| a * b).sum(),
            constants: w.constants,
        });
        flash += w.constants + w.own_code;
        if !w.kernel.is_empty() {
            flash += CALL;
            if !used.contains(&w.kernel) {
                used.push(w.kernel);
                flash += row.map_or(0, |r| r.3 as usize);
            }
        }
    }
    Ok(Estimate { nodes, layout, flash_bytes: flash as u64, stack_bytes: base.1, own_class })
}

/// Bytes of code that call a kernel.
const CALL: usize = 24;
/// Bytes of a geometry, of a matrix's description.
const GEOMETRY: usize = 56;
const MATRIX: usize = 32;
/// Bytes of the function of a shape of convolution.
const SHAPE: usize = 400;

/// What each node asks of its kernel, in order.
///
/// # Errors
/// [`CompileError::Graph`] naming the node that has no kernel.
pub fn work(graph: &Graph, target: &Target) -> Result<Vec<Work>, CompileError> {
    let failed = |reason: String| CompileError::Graph { id: graph.name.clone(), reason };
    let needs = nn::needs(graph, target.kernels).map_err(failed)?;
    let mut shapes = Vec::new();
    graph
        .nodes
        .iter()
        .zip(&needs.layers)
        .zip(needs.marked(graph))
        .map(|((node, layer), marked)| match layer {
            _ if !marked => Ok(Work { kernel: "", amounts: [0.0; 4], constants: 0, own_code: 0 }),
            Some(layer) => Ok(integer_layer(layer, &mut shapes)),
            None => {
                graph.lower(node).map(|step| other(graph, node, &step)).map_err(|e| failed(e.to_string()))
            }
        })
        .collect()
}

/// Whether each node makes code of its own: the step marks of a measured run belong to these, in order.
///
/// # Errors
/// [`CompileError::Graph`] naming the node that has no kernel.
pub fn marked(graph: &Graph, target: &Target) -> Result<Vec<bool>, CompileError> {
    let failed = |reason: String| CompileError::Graph { id: graph.name.clone(), reason };
    Ok(nn::needs(graph, target.kernels).map_err(failed)?.marked(graph))
}

fn integer_layer(layer: &Prepared, shapes: &mut Vec<(edgewright_ir::lower::Geometry, i32)>) -> Work {
    let m = &layer.matrix;
    let outputs = m.channels.len();
    let data = m.weights.len() + 12 * outputs;
    let Some(g) = &layer.geometry else {
        let kernel = match m.form {
            Form::Joined => "dense joined",
            Form::Rows => "dense rows",
            Form::Blocks => "dense blocks",
            _ => "dense plain",
        };
        let rows = if m.form == Form::Rows { outputs } else { outputs.next_multiple_of(4) };
        let n = layer.columns as f64;
        let amounts = [n * (rows * m.inputs) as f64, n * outputs as f64, n * m.inputs as f64, n];
        return Work { kernel, amounts, constants: data + MATRIX, own_code: 0 };
    };
    let pixels = g.out_h * g.out_w;
    if layer.depthwise {
        let taps = g.kernel_h * g.kernel_w;
        let products = (pixels * outputs * taps) as f64;
        if m.form == Form::Plane {
            let key = (*g, m.zero);
            let fresh = !shapes.contains(&key);
            let own_code = if fresh { depthwise::code_bytes(g, m.zero) } else { 0 };
            if fresh {
                shapes.push(key);
            }
            // A channel is spread over its plane, which is filled once.
            let moved = (g.in_h * g.in_w * outputs + depthwise::plane_bytes(g) / 2) as f64;
            let amounts = [products, (pixels * outputs) as f64, moved, 1.0 + outputs as f64];
            return Work { kernel: "depthwise plane", amounts, constants: data, own_code };
        }
        if let Form::Lanes { .. } = m.form {
            let fresh = !shapes.contains(&(*g, m.zero));
            if fresh {
                shapes.push((*g, m.zero));
            }
            let lanes = outputs.next_multiple_of(LANES.len());
            let amounts = [
                (pixels * lanes * taps) as f64,
                (pixels * lanes) as f64,
                (g.in_h * g.in_w * lanes + helium::ring_bytes(g)) as f64,
                1.0,
            ];
            let constants = m.weights.len() + 12 * lanes + MATRIX;
            return Work {
                kernel: "depthwise lanes",
                amounts,
                constants,
                own_code: if fresh { SHAPE } else { 0 },
            };
        }
        let plane: usize = Prepared::plane(g).iter().product();
        let moved = (plane * outputs) as f64;
        let amounts = [products, (pixels * outputs) as f64, moved, 1.0 + outputs as f64];
        let constants = data + GEOMETRY + MATRIX;
        return Work { kernel: "depthwise rows", amounts, constants, own_code: 0 };
    }
    let (kernel, together) = match m.form {
        Form::Joined => ("conv joined", 4),
        Form::Rows => ("conv rows", 1),
        Form::Blocks => ("conv blocks", 4),
        _ => ("conv plain", 4),
    };
    let columns = pixels.next_multiple_of(together);
    let products = (columns * m.inputs * outputs) as f64;
    // Inputs of one pixel that lie together are not copied.
    let copied =
        if g.kernel_h * g.kernel_w == 1 && m.inputs == g.in_c { 0 } else { pixels * g.kernel_h * g.kernel_w };
    let expanded = if together == 4 { pixels * m.inputs } else { 0 };
    let fresh = together == 4 && !shapes.contains(&(*g, m.zero));
    if fresh {
        shapes.push((*g, m.zero));
    }
    let amounts = [
        products,
        (columns * outputs) as f64 + copied as f64,
        (expanded + copied * g.in_c) as f64,
        1.0 + pixels as f64,
    ];
    let geometry = if together == 4 { 0 } else { GEOMETRY };
    let own_code = if fresh { SHAPE } else { 0 };
    Work { kernel, amounts, constants: data + geometry + MATRIX, own_code }
}

fn other(graph: &Graph, node: &Node, step: &Step) -> Work {
    let n = graph.tensor(node.output).len() as f64;
    let macs = graph.node_macs(node) as f64;
    let inputs = || node.inputs.iter().map(|id| graph.tensor(*id));
    let held: usize = inputs().filter(|t| t.data.is_some()).map(edgewright_ir::Tensor::bytes).sum();
    let read = graph.tensor(node.inputs[0]).len() as f64;
    let float = graph.tensor(node.output).dtype == DType::F32;
    let (kernel, amounts, constants) = match step {
        Step::Conv2dF32 { depthwise, geometry: g, .. } => {
            let kernel = if *depthwise { "depthwise f32" } else { "conv f32" };
            // Each tap of a kernel is looked up on its own.
            let taps = if *depthwise { 0.0 } else { n * (g.kernel_h * g.kernel_w) as f64 };
            (kernel, [macs, n, taps, 0.0], held + GEOMETRY)
        }
        Step::FullyConnectedF32 { .. } => ("dense f32", [macs, n, 0.0, 1.0], held),
        Step::PoolS8 { geometry: g, kind, .. } => {
            let kernel = if *kind == PoolKind::Max { "max pool s8" } else { "average pool s8" };
            (kernel, [n * (g.kernel_h * g.kernel_w) as f64, n, 0.0, 1.0], GEOMETRY)
        }
        Step::PoolF32 { geometry: g, kind, .. } => {
            let kernel = if *kind == PoolKind::Max { "max pool f32" } else { "average pool f32" };
            (kernel, [n * (g.kernel_h * g.kernel_w) as f64, n, 0.0, 1.0], GEOMETRY)
        }
        Step::AddS8(_) | Step::SubS8(_) | Step::SquaredDifferenceS8(_) => {
            ("add s8", [0.0, n, 0.0, 1.0], held + 40)
        }
        Step::MulS8(_) => ("mul s8", [0.0, n, 0.0, 1.0], held + 28),
        Step::ActivateS8 { .. } | Step::ExtremeS8 { .. } => ("activate s8", [0.0, n, 0.0, 1.0], held),
        Step::SoftmaxS8 { row, .. } => ("softmax s8", [0.0, n, n / (*row).max(1) as f64, 1.0], 1024),
        Step::SoftmaxF32 { row } => ("softmax f32", [0.0, n, n / (*row).max(1) as f64, 1.0], 0),
        Step::Lookup8 { .. } => ("lookup s8", [0.0, n, 0.0, 1.0], 256),
        Step::AddF32 { .. } | Step::ActivateF32 { .. } | Step::Normalize | Step::BinaryF32 { .. } => {
            ("elementwise f32", [0.0, n, 0.0, 1.0], held)
        }
        Step::UnaryF32 { .. } => ("unary f32", [0.0, n, 0.0, 1.0], 0),
        Step::Quantize { .. } | Step::Snap { .. } => ("quantize", [0.0, n, 0.0, 1.0], 0),
        Step::Dequantize { .. } => ("dequantize", [0.0, n, 0.0, 1.0], 0),
        Step::ReduceF32 { .. } => ("reduce f32", [read, n, 0.0, 1.0], 0),
        Step::ReduceSumS8 { .. } | Step::ReduceExtremeS8 { .. } => ("reduce s8", [read, n, 0.0, 1.0], 0),
        Step::ResizeBilinear { rows, columns } => {
            let kernel = if float { "resize f32" } else { "resize s8" };
            (kernel, [0.0, n, 0.0, 1.0], 12 * (rows.len() + columns.len()))
        }
        // As sums over windows; not fitted on their own.
        Step::MatMulS8 { .. } => ("average pool s8", [macs, n, 0.0, 1.0], held + 40),
        Step::MatMulF32 { .. } => ("average pool f32", [macs, n, 0.0, 1.0], held + 20),
        // As a sum over a window of its weights; not fitted on its own.
        // Not fitted on their own: products and elements as those of the float or byte kernels that are nearest.
        Step::Wide(wide) => {
            let elements = [0.0, n, 0.0, 1.0];
            match wide {
                Wide::Conv2d { depthwise: true, .. } => {
                    ("depthwise f32", [macs, n, 0.0, 0.0], held + GEOMETRY)
                }
                Wide::Conv2d { geometry: g, .. } => {
                    let taps = n * (g.kernel_h * g.kernel_w) as f64;
                    ("conv f32", [macs, n, taps, 0.0], held + GEOMETRY)
                }
                Wide::FullyConnected { .. } | Wide::FullyConnectedScaled { .. } => {
                    ("dense f32", [macs, n, 0.0, 1.0], held)
                }
                Wide::Pool { geometry: g, average, .. } => {
                    let kernel = if *average { "average pool s8" } else { "max pool s8" };
                    (kernel, [n * (g.kernel_h * g.kernel_w) as f64, n, 0.0, 1.0], GEOMETRY)
                }
                Wide::Add { .. } => ("add s8", elements, held + 40),
                Wide::Extreme { .. } | Wide::Clamp { .. } => ("activate s8", elements, held),
                Wide::Mul { .. }
                | Wide::Rescale { .. }
                | Wide::Narrow { .. }
                | Wide::Widen { .. }
                | Wide::Between { .. } => ("mul s8", elements, held + 16),
                Wide::Softmax8 { row, .. } => {
                    ("softmax s8", [0.0, n, n / (*row).max(1) as f64, 1.0], 256 * 4)
                }
                Wide::Quantize { .. } => ("quantize", elements, 0),
                Wide::Dequantize { .. } => ("dequantize", elements, 0),
                Wide::ReduceSum { .. } | Wide::ReduceExtreme { .. } => ("reduce s8", [read, n, 0.0, 1.0], 8),
                Wide::Curve(_) => ("add s8", elements, 512),
                Wide::Softmax { row, .. } => {
                    ("softmax s8", [0.0, n, n / (*row).max(1) as f64, 1.0], 2 * 513 * 2)
                }
            }
        }
        // Not fitted on their own either.
        Step::CompareF32 { .. } | Step::Select => ("elementwise f32", [0.0, n, 0.0, 1.0], held),
        Step::CompareS8 { .. } => ("add s8", [0.0, n, 0.0, 1.0], held + 24),
        Step::ArgExtreme { .. } => ("reduce s8", [read, n, 0.0, 1.0], 0),
        Step::Gather { .. } => ("concat", [0.0, n, graph.tensor(node.output).bytes() as f64, 1.0], held),
        Step::SvdfState(_) | Step::SvdfOutput(_) => ("average pool s8", [macs, n, 0.0, 1.0], held),
        Step::PreluS8(_) => ("mul s8", [0.0, n, 0.0, 1.0], held + 28),
        Step::LstmS8(_) => ("average pool s8", [macs, n, 0.0, 1.0], held + 600),
        Step::KMeansScore { .. } => {
            ("kmeans", [graph.tensor(node.inputs[3]).len() as f64, 0.0, 0.0, 1.0], held)
        }
        Step::GmmScore { .. } => {
            let components = graph.tensor(node.inputs[4]).len() as f64;
            ("gmm", [graph.tensor(node.inputs[3]).len() as f64, components, 0.0, 1.0], held)
        }
        Step::TreesF32 { shared } | Step::TreesS8 { shared, .. } => {
            let kernel =
                if graph.tensor(node.inputs[0]).dtype == DType::F32 { "trees f32" } else { "trees s8" };
            let leaf = graph.tensor(node.inputs[3]).shape.get(1).copied().unwrap_or(1) as f64;
            // What cannot be packed is refused when it is emitted.
            match trees::pack(graph, node, *shared) {
                Ok(p) => {
                    let count = p.count() as f64;
                    (kernel, [p.depth, count * leaf, count, n], p.bytes(graph, node))
                }
                Err(_) => (kernel, [macs, n, 0.0, 1.0], held),
            }
        }
        Step::Bucketize => {
            let edges = graph.tensor(node.inputs[2]).len();
            // Halvings of the edges of a value, all values together.
            let each = (edges as f64 / n + 1.0).log2();
            ("bucketize", [n * each, n, 0.0, 1.0], n as usize + 4 * edges)
        }
        Step::Strided { shape, .. } => ("strided", [0.0, n, 0.0, 1.0], held + 8 * shape.len()),
        Step::Pad { shape, .. } => ("pad", [0.0, n, 0.0, 1.0], held + 12 * shape.len()),
        Step::Reshape => ("concat", [0.0, 0.0, graph.tensor(node.output).bytes() as f64, 1.0], held),
        Step::Concat { outer } => {
            let parts = (*outer * node.inputs.len()) as f64;
            ("concat", [0.0, parts, graph.tensor(node.output).bytes() as f64, 1.0], held)
        }
        Step::Conv2dS8 { .. } | Step::FullyConnectedS8 { .. } | Step::FullyConnectedOnceS8 { .. } => {
            // Made ready elsewhere.
            ("", [0.0; 4], held)
        }
    };
    Work { kernel, amounts, constants, own_code: 0 }
}
