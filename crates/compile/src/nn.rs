//! Emission of graphs: constants, parameters and a sequence of kernel calls.

use crate::kernels::{Columns, Family, Form, Matrix, matrix};
use crate::nn_extra::element;
use crate::{
    depthwise, helium, in_place,
    memory::Buffer,
    names::{array, comment, float},
};
use edgewright_ir::{
    DType, Graph, Node, Op, PoolKind, TensorId,
    lower::{Geometry, Requantize, Step, f32_data, i8_data, i32_data},
    text::op_name,
};

use std::collections::BTreeMap;

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

/// What a graph needs of the arena, and how its tensors share places.
pub struct Needs {
    /// Buffers with the nodes during which they live.
    pub buffers: Vec<Buffer>,
    /// Place of each tensor.
    pub(crate) places: Vec<Place>,
    /// Last node that reads an input.
    pub input_last: usize,
    /// Nodes that are computed together with the next one.
    fused: Vec<bool>,
    /// Integer layers, ready for their kernels.
    pub(crate) layers: Vec<Option<Prepared>>,
    /// Buffer of the scratch of each node.
    scratch: Vec<Option<usize>>,
}

/// An integer layer, ready for its kernel.
pub(crate) struct Prepared {
    pub matrix: Matrix,
    /// `None` for a dense layer.
    pub geometry: Option<Geometry>,
    pub depthwise: bool,
    pub(crate) in_zero: i32,
    /// Inputs of a row before zeros filled it up.
    length: usize,
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

    /// Call of the kernel of an integer layer, whose constants go to the data.
    fn layer(&mut self, i: usize, prepared: &Prepared, x: &str, y: &str) -> String {
        let base = format!("{}_{i}", self.symbol);
        let m = &prepared.matrix;
        if m.form == Form::Plane
            && let (Some(g), Some(scratch)) = (&prepared.geometry, self.needs.scratch[i])
        {
            return self.plane(&base, g, prepared, self.offsets[scratch], [x, y]);
        }
        if let (Form::Lanes { together }, Some(g), Some(scratch)) =
            (m.form, &prepared.geometry, self.needs.scratch[i])
        {
            return self.lanes(&base, g, prepared, together, self.offsets[scratch], [x, y]);
        }
        let weights = array("EW_WORDS int8_t", "@", &m.weights, i8::to_string);
        let weights = self.hold(weights, format!("{base}_weights"));
        let channels =
            array("ew_channel", "@", &m.channels, |c| format!("{{{}, {}, {}}}", int(c[0]), int(c[1]), c[2]));
        let channels = self.hold(channels, format!("{base}_channels"));
        let text = format!(
            "EW_DATA ew_matrix @ = {{{weights}, {channels}, {}, {}, {}, {}, {}, {}}};\n",
            m.inputs,
            m.channels.len(),
            m.zero,
            m.limits[0],
            m.limits[1],
            m.rounding as u8
        );
        let matrix = self.hold(text, format!("{base}_matrix"));
        self.need(&["ew_fixed.h", "ew_geometry.h", "ew_matrix_s8.h"]);
        match m.form {
            Form::Rows => {}
            Form::Blocks => self.need(&["ew_matrix_helium.h"]),
            _ => self.need(&["ew_matrix_dsp.h"]),
        }
        let scratch = self.needs.scratch[i];
        let scratch = |kind: &str| match scratch {
            Some(b) => format!("({kind} *)(void *)(arena + {}u)", self.offsets[b]),
            None => "0".into(),
        };
        let zero = prepared.in_zero;
        let Some(g) = &prepared.geometry else {
            let inputs = prepared.length;
            let (from, to) = (
                format!("(const int8_t *)({x}) + i * {inputs}"),
                format!("(int8_t *)({y}) + i * {}", m.channels.len()),
            );
            let many = prepared.columns > 1;
            let (x, y) = if many { (from.as_str(), to.as_str()) } else { (x, y) };
            let call = match m.form {
                Form::Rows => {
                    self.need(&["ew_fully_connected_s8.h"]);
                    format!("ew_fully_connected_s8(&{matrix}, {x}, {y});")
                }
                Form::Blocks => {
                    format!(
                        "ew_fully_connected_helium(&{matrix}, {x}, {inputs}, {}, {y});",
                        scratch("int8_t")
                    )
                }
                form => format!(
                    "ew_fully_connected_dsp(&{matrix}, {x}, {inputs}, {}, {}, {y});",
                    u8::from(form == Form::Joined),
                    scratch("uint32_t")
                ),
            };
            return if many {
                format!(
                    "{{\n        int32_t i;\n        for (i = 0; i < {}; i++) {{\n            {call}\n        }}\n    }}",
                    prepared.columns
                )
            } else {
                call
            };
        };
        if !prepared.depthwise && m.form != Form::Rows {
            let kind = if m.form == Form::Blocks { "int8_t" } else { "uint32_t" };
            return self.convolution(&matrix, g, prepared, (kind, &scratch(kind)), [x, y]);
        }
        self.data.push_str(&format!("EW_DATA ew_geometry {base}_shape = {{{}}};\n", geometry(g)));
        if prepared.depthwise {
            self.need(&["ew_depthwise_conv2d_s8.h"]);
            let [rows, columns] = Prepared::plane(g);
            return format!(
                "ew_depthwise_conv2d_s8(&{base}_shape, {x}, {zero}, &{matrix}, {rows}, {columns}, {}, {y});",
                scratch("int8_t")
            );
        }
        self.need(&["ew_conv2d_s8.h"]);
        format!("ew_conv2d_s8(&{base}_shape, {x}, {zero}, &{matrix}, {}, {y});", scratch("int8_t"))
    }

    /// Call of a convolution for the DSP extension or Helium; layers of one shape share a function in which it is a constant.
    fn convolution(
        &mut self,
        matrix: &str,
        g: &Geometry,
        p: &Prepared,
        (kind, scratch): (&str, &str),
        [x, y]: [&str; 2],
    ) -> String {
        let m = &p.matrix;
        let (name, finish) = match (m.form, m.limits, m.zero) {
            (Form::Joined, [-128, 127], -255) => ("joined", "relu"),
            (Form::Joined, [-128, 127], _) => ("joined", "full"),
            (Form::Joined, ..) => ("joined", "any"),
            _ => ("plain", "any"),
        };
        let (family, rest) = match m.form {
            Form::Blocks => {
                let finish = if p.relu() { "relu" } else { "any" };
                let steps = if m.inputs == 16 { "_1" } else { "" };
                ("helium", format!("{}, m, ew_tile_helium_{finish}{steps}", p.in_zero))
            }
            _ => ("dsp", format!("{}, m, ew_expand_{name}_4, ew_tile_{name}_{finish}", p.in_zero)),
        };
        let number = self.convolutions.iter().position(|c| c.0 == *g && c.1 == rest).unwrap_or_else(|| {
            let number = self.convolutions.len();
            let symbol = format!("{}_conv{number}", self.symbol);
            self.data.push_str(&format!(
                "EW_SHAPE void {symbol}(const int8_t *x, const ew_matrix *m, {kind} *scratch, int8_t *out)\n{{\n    static const ew_geometry shape = {{{}}};\n    ew_conv2d_{family}(&shape, {}, x, {rest}, scratch, out);\n}}\n",
                geometry(g),
                m.inputs
            ));
            self.convolutions.push((*g, rest));
            number
        });
        format!("{}_conv{number}({x}, &{matrix}, {scratch}, {y});", self.symbol)
    }

    /// Call of a depthwise convolution that has a function of its own; equal shapes share one.
    fn plane(&mut self, base: &str, g: &Geometry, p: &Prepared, scratch: usize, [x, y]: [&str; 2]) -> String {
        let m = &p.matrix;
        self.need(&[
            "ew_fixed.h",
            "ew_geometry.h",
            "ew_matrix_s8.h",
            "ew_matrix_dsp.h",
            "ew_depthwise_dsp.h",
        ]);
        let relu = m.zero == -255;
        let key = (*g, m.zero);
        let number = self.planes.iter().position(|k| *k == key).unwrap_or_else(|| {
            self.planes.push(key);
            let number = self.planes.len() - 1;
            let name = format!("{}_depthwise{number}", self.symbol);
            self.data.push_str(&depthwise::emit(&name, g, m.zero, relu));
            number
        });
        let lines: Vec<(&[i8], &[i32; 3])> = m.weights.chunks_exact(m.inputs).zip(&m.channels).collect();
        self.data.push_str(&array("ew_depthwise", &format!("{base}_channels"), &lines, |(w, c)| {
            let w: Vec<String> = w.iter().map(i8::to_string).collect();
            format!("{{{{{}}}, {}, {}, {}}}", w.join(", "), int(c[0]), int(c[1]), c[2])
        }));
        let length: usize = depthwise::plane_bytes(g) / 2;
        let plane = format!("(int16_t *)(void *)(arena + {scratch}u)");
        format!(
            "ew_plane_fill({plane}, {length}, {});\n    {}_depthwise{number}({x}, {base}_channels, {y}, {plane});",
            p.in_zero, self.symbol
        )
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
