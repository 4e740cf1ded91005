//! What a graph needs of the arena, and its integer layers, ready for their kernels.

use crate::kernels::{Columns, Family, Form, Matrix, matrix};
use crate::{depthwise, helium, in_place, memory::Buffer, nn_extra::element};
use edgewright_ir::{
    DType, Graph, Node, Op, TensorId,
    lower::{Geometry, Step, i8_data, i32_data},
};
use std::collections::BTreeMap;

/// What a graph needs of the arena, and how its tensors share places.
pub struct Needs {
    /// Buffers with the nodes during which they live.
    pub buffers: Vec<Buffer>,
    /// Place of each tensor.
    pub(crate) places: Vec<Place>,
    /// Last node that reads an input.
    pub input_last: usize,
    /// Nodes that are computed together with the next one.
    pub(super) fused: Vec<bool>,
    /// Integer layers, ready for their kernels.
    pub(crate) layers: Vec<Option<Prepared>>,
    /// Buffer of the scratch of each node.
    pub(super) scratch: Vec<Option<usize>>,
}

/// An integer layer, ready for its kernel.
pub(crate) struct Prepared {
    pub matrix: Matrix,
    /// `None` for a dense layer.
    pub geometry: Option<Geometry>,
    pub depthwise: bool,
    pub(crate) in_zero: i32,
    /// Inputs of a row before zeros filled it up.
    pub(super) length: usize,
    /// How many columns of inputs a dense layer has.
    pub(crate) columns: usize,
}

impl Prepared {
    /// Rows and columns of the plane on which a depthwise convolution spreads a channel.
    pub(crate) fn plane(g: &Geometry) -> [usize; 2] {
        let reach = |out: usize, stride: usize, kernel: usize, dilation: usize| {
            (out - 1) * stride + (kernel - 1) * dilation + 1
        };
        [
            reach(g.out_h, g.stride_h, g.kernel_h, g.dilation_h).max(g.pad_h + g.in_h),
            reach(g.out_w, g.stride_w, g.kernel_w, g.dilation_w).max(g.pad_w + g.in_w),
        ]
    }

    /// Whether the limits are those of a byte and the smallest stands for all below zero.
    pub(crate) fn relu(&self) -> bool {
        self.matrix.limits == [-128, 127] && self.matrix.zero == -255
    }

    /// Bytes that the kernel works in.
    fn scratch(&self) -> usize {
        let inputs = self.matrix.inputs;
        match (&self.geometry, self.matrix.form) {
            (Some(g), Form::Plane) => depthwise::plane_bytes(g),
            (Some(g), Form::Lanes { .. }) => helium::ring_bytes(g),
            (Some(g), Form::Blocks) => 4 * inputs + 4 * g.out_c,
            (None, Form::Blocks) if self.length == inputs => 0,
            (None, Form::Blocks) => inputs,
            (Some(g), _) if self.depthwise => Self::plane(g).iter().product(),
            (Some(_), Form::Rows) => 2 * inputs,
            (Some(g), _) => 9 * inputs + 4 * g.out_c,
            (None, Form::Rows) => 0,
            (None, _) if self.length == inputs => 2 * inputs,
            (None, _) => 3 * inputs,
        }
    }
}

/// Makes an integer layer ready for its kernel; `None` for other nodes.
fn prepare(graph: &Graph, node: &Node, family: Family) -> Result<Option<Prepared>, String> {
    let (layer, geometry, depthwise, once) = match graph.lower(node).map_err(|e| e.to_string())? {
        Step::Conv2dS8 { geometry, depthwise, layer } => (layer, Some(geometry), depthwise, false),
        Step::FullyConnectedS8 { layer } => (layer, None, false, false),
        Step::FullyConnectedOnceS8 { layer } => (layer, None, false, true),
        _ => return Ok(None),
    };
    let weights = i8_data(graph.tensor(node.inputs[1]))?;
    let bias = i32_data(graph.tensor(node.inputs[2]))?;
    let rows: Vec<Vec<i8>> = if depthwise {
        (0..bias.len()).map(|c| weights.iter().skip(c).step_by(bias.len()).copied().collect()).collect()
    } else {
        weights.chunks_exact(weights.len() / bias.len()).map(<[i8]>::to_vec).collect()
    };
    let columns = match geometry {
        Some(g) if depthwise && family == Family::Dsp && depthwise::fits(&g) => Columns::OwnShape(g.kernel_w),
        Some(g) if depthwise && family == Family::Helium && helium::fits(&g) => Columns::OwnShape(g.kernel_w),
        Some(_) if depthwise => Columns::Own,
        Some(_) => Columns::Many,
        None => Columns::One,
    };
    let in_zero = layer.in_zero;
    let matrix = matrix(&rows, bias, &layer, family, columns, once);
    let columns = if geometry.is_some() { 1 } else { graph.tensor(node.output).len() / bias.len() };
    Ok(Some(Prepared { matrix, geometry, depthwise, in_zero, length: rows[0].len(), columns }))
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Number of the input.
    Input(usize),
    /// So many elements behind the start of `out`, or the output of this number where they are of different types.
    Output(usize),
    Constant,
    Arena(usize),
    /// Never stored.
    None,
}

impl Needs {
    /// Whether each node makes code of its own (and ends with a step mark).
    pub(crate) fn marked(&self, graph: &Graph) -> Vec<bool> {
        let place = |id: TensorId| self.places[id.0 as usize];
        graph
            .nodes
            .iter()
            .zip(&self.fused)
            .map(|(n, fused)| {
                let moves = place(n.inputs[0]) == Place::Constant || place(n.inputs[0]) != place(n.output);
                !fused && (moves || !matches!(n.op, Op::Reshape))
            })
            .collect()
    }
}

/// Name of an input in C: numbered where there are several.
pub(crate) fn input_name(graph: &Graph, stem: &str, number: usize) -> String {
    if graph.inputs.len() > 1 { format!("{stem}{number}") } else { stem.into() }
}

/// Whether the outputs are of different types: each has an array of its own then.
pub(crate) fn several_types(graph: &Graph) -> bool {
    graph.outputs.iter().any(|id| graph.tensor(*id).dtype != graph.tensor(graph.outputs[0]).dtype)
}

/// The arrays of outputs in C: name, type, number of elements.
pub(crate) fn output_arrays(graph: &Graph) -> Vec<(String, &'static str, usize)> {
    let kind = |id: TensorId| element(graph.tensor(id).dtype);
    if several_types(graph) {
        let of = |(i, id): (usize, &TensorId)| (format!("out{i}"), kind(*id), graph.tensor(*id).len());
        graph.outputs.iter().enumerate().map(of).collect()
    } else {
        let total = graph.outputs.iter().map(|id| graph.tensor(*id).len()).sum();
        vec![("out".into(), kind(graph.outputs[0]), total)]
    }
}

/// The state that a node may write over: it alone reads it, and a run leaves there what the node makes.
fn own_state(graph: &Graph, node: &Node) -> Option<TensorId> {
    if !matches!(node.op, Op::SvdfState) {
        return None;
    }
    let state = node.inputs[1];
    let kept = graph.states.iter().filter(|s| s.write == node.output || s.read == state);
    let readers = graph.nodes.iter().filter(|n| n.inputs.contains(&state)).count();
    let alone = kept.map(|s| (s.read, s.write)).eq([(state, node.output)]);
    (alone && readers == 1 && !graph.outputs.contains(&state)).then_some(state)
}

/// Whether a node keeps in one state what another held: a copy, since the other's place takes its own new value at the end.
fn copies_state(graph: &Graph, node: &Node, places: &[Place]) -> bool {
    let from = places[node.inputs[0].0 as usize];
    graph.states.iter().any(|s| s.write == node.output)
        && graph.states.iter().any(|s| places[s.read.0 as usize] == from)
}

/// Finds out what a valid graph needs.
///
/// # Errors
/// A sentence that names the node.
pub fn needs(graph: &Graph, family: Family) -> Result<Needs, String> {
    let layers = graph
        .nodes
        .iter()
        .map(|n| prepare(graph, n, family).map_err(|reason| format!("node `{}`: {reason}", n.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let count = graph.tensors.len();
    let mut places = vec![Place::None; count];
    for (i, t) in graph.tensors.iter().enumerate() {
        if t.data.is_some() {
            places[i] = Place::Constant;
        }
    }
    let mut outputs = BTreeMap::new();
    let mut behind = 0;
    let apart = several_types(graph);
    for (i, id) in graph.outputs.iter().enumerate() {
        outputs.insert(*id, if apart { i } else { behind });
        behind += graph.tensor(*id).len();
    }
    for (i, id) in graph.inputs.iter().enumerate() {
        places[id.0 as usize] = Place::Input(i);
    }
    let readers = |id: TensorId| graph.nodes.iter().filter(|n| n.inputs.contains(&id)).count();
    let fused: Vec<bool> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| {
            matches!(n.op, Op::Normalize)
                && readers(n.output) == 1
                && graph.nodes.get(i + 1).is_some_and(|m| {
                    matches!(m.op, Op::Quantize)
                        && m.inputs[0] == n.output
                        && graph.tensor(m.output).dtype == DType::I8
                })
        })
        .collect();
    let mut buffers: Vec<Buffer> = Vec::new();
    // States live from before the first step to after the last.
    let end = graph.nodes.len();
    for state in &graph.states {
        let t = graph.tensor(state.read);
        places[state.read.0 as usize] = Place::Arena(buffers.len());
        buffers.push(Buffer::new(format!("state {}", state.name), t.bytes(), 0, end));
    }
    let mut input_last = 0;
    for (i, node) in graph.nodes.iter().enumerate() {
        // The nodes that a fused node waits for read its inputs.
        let at = if fused[i] { i + 1 } else { i };
        for id in &node.inputs {
            match places[id.0 as usize] {
                Place::Input(_) => input_last = input_last.max(at),
                Place::Arena(b) => buffers[b].last = buffers[b].last.max(at),
                _ => {}
            }
        }
        let out = node.output.0 as usize;
        places[out] = if fused[i] {
            Place::None
        } else if let Some(&behind) = outputs.get(&node.output) {
            Place::Output(behind)
        } else if let Some(state) = own_state(graph, node) {
            places[state.0 as usize]
        } else if matches!(node.op, Op::Reshape)
            && places[node.inputs[0].0 as usize] != Place::Constant
            && !copies_state(graph, node, &places)
        {
            places[node.inputs[0].0 as usize]
        } else {
            let t = graph.tensor(node.output);
            buffers.push(Buffer::new(t.name.clone(), t.bytes(), i, i));
            Place::Arena(buffers.len() - 1)
        };
    }
    for state in &graph.states {
        match places[state.write.0 as usize] {
            Place::Arena(b) => buffers[b].last = end,
            Place::Input(_) => input_last = end,
            _ => {}
        }
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        let Place::Arena(out) = places[node.output.0 as usize] else { continue };
        if buffers[out].first != i {
            continue;
        }
        for id in &node.inputs {
            let Place::Arena(x) = places[id.0 as usize] else { continue };
            if x < out
                && buffers[x].last == i
                && !buffers[..out].iter().any(|b| b.tie.is_some_and(|t| t.0 == x))
            {
                buffers[out].tie = in_place::distance(graph, node, layers[i].as_ref()).map(|d| (x, d));
                break;
            }
        }
    }
    let mut scratch = vec![None; graph.nodes.len()];
    for (i, layer) in layers.iter().enumerate() {
        let bytes = layer.as_ref().map_or(0, Prepared::scratch);
        if bytes > 0 {
            scratch[i] = Some(buffers.len());
            let name = format!("{} scratch", graph.nodes[i].name);
            buffers.push(Buffer::new(name, bytes, i, i));
        }
    }
    Ok(Needs { buffers, places, input_last, fused, layers, scratch })
}
