//! `model profile`: what a model costs on each target, estimated or measured.

use crate::{
    EngineError, Event, Observer,
    model_tool::{self, TensorInfo, describe},
};
use edgewright_compile::{self as compile, Layout, Options, Target, cost, harness, target};
use edgewright_ir::{
    DType, Graph,
    extra::Reference,
    interpret::{Interpreter, Values},
    text::op_name,
};
use edgewright_report::{CostLine, MemoryLine, cost_svg};
use edgewright_toolchain::{self as toolchain, BoardBuild, BoardSpec};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Optimisation of the measured build.
pub const LEVEL: &str = "-O3";
/// Inputs that a measured run computes, each compared with the interpreter.
const CASES: usize = 2;

/// What one node costs.
#[derive(Clone, Debug, Serialize)]
pub struct OpCost {
    /// Place in the order of execution.
    pub index: usize,
    /// Name of the node.
    pub name: String,
    /// Operator.
    pub op: &'static str,
    /// Shape of the output without the batch.
    pub output: Vec<usize>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Constants in flash, in bytes, in the form of the first target.
    pub flash_bytes: usize,
    /// Instructions of one run, by core.
    pub instructions: BTreeMap<String, u64>,
}

/// What the model costs on one target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetCost {
    /// Id.
    pub target: String,
    /// The core whose figures these are.
    pub core: String,
    /// Whole image: code and constants.
    pub flash_bytes: u64,
    /// Arena, static data of the library and stack.
    pub ram_bytes: u64,
    /// Of one run.
    pub instructions: u64,
    /// The same for each multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions_per_mac: Option<f64>,
    /// Arena; exact.
    pub arena_bytes: u64,
    /// Stack.
    pub stack_bytes: u64,
    /// `measured`, or `estimate`.
    pub basis: &'static str,
    /// How the figures came about.
    pub how: String,
    /// Whether the code gave the interpreter's bytes; only where it was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_exact: Option<bool>,
    /// Whether it fits the memory of the board; `null` where that is not known.
    pub fits: Option<bool>,
}

/// A buffer of the arena.
#[derive(Clone, Debug, Serialize)]
pub struct ArenaLine {
    /// Tensor or scratch.
    pub name: String,
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Size.
    pub bytes: usize,
    /// First and last node that needs it.
    pub first: usize,
    /// Last node that needs it.
    pub last: usize,
}

/// What a model costs.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Name of the model.
    pub model: String,
    /// Whose integer rules the code follows.
    pub reference: &'static str,
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Weights and other constants as in the graph, in bytes.
    pub weight_bytes: usize,
    /// The input.
    pub input: TensorInfo,
    /// All inputs, in the order of the model.
    pub inputs: Vec<TensorInfo>,
    /// The outputs.
    pub outputs: Vec<TensorInfo>,
    /// Node by node.
    pub ops: Vec<OpCost>,
    /// Target by target.
    pub targets: Vec<TargetCost>,
    /// Arena of the first target.
    pub arena: Vec<ArenaLine>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Figures of a core: estimated, then perhaps replaced by measured ones.
struct Core {
    id: String,
    layout: Layout,
    constants: Vec<usize>,
    nodes: Vec<u64>,
    flash: u64,
    stack: u64,
    statics: u64,
    instructions: u64,
    measured: bool,
    how: String,
    bit_exact: Option<bool>,
}

/// Profiles a model on targets, all when `ids` is empty; `execute`: builds it and runs it on every core that can be
/// emulated here.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown target, [`EngineError::Data`] when the model cannot be used, [`EngineError::Cancelled`].
pub fn profile(
    model: &Path,
    ids: &[String],
    execute: bool,
    reference: Reference,
    observer: &dyn Observer,
) -> Result<Profile, EngineError> {
    let all = target::all();
    let chosen: Vec<&Target> = if ids.is_empty() {
        all.iter().collect()
    } else {
        ids.iter()
            .map(|id| {
                all.iter().find(|t| t.id == *id).ok_or_else(|| {
                    EngineError::Usage(format!("there is no target `{id}`; see `edgewright targets`"))
                })
            })
            .collect::<Result<_, _>>()?
    };
    let imported = model_tool::load(model, reference)?;
    let graph = &imported.graph;
    let mut notes = imported.notes;
    let core_of = |t: &Target| t.hardware.core.clone().unwrap_or_else(|| t.id.clone());
    let mut ids: Vec<String> = Vec::new();
    for t in &chosen {
        let id = core_of(t);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let cores: Vec<&Target> = ids.iter().filter_map(|id| all.iter().find(|t| t.id == *id)).collect();
    if execute {
        let tools: Vec<String> =
            ["arm-none-eabi-gcc", "qemu-system-arm"].iter().filter_map(|t| toolchain::missing(t)).collect();
        if !tools.is_empty() {
            return Err(EngineError::Tool(format!("--execute: {}", tools.join("; "))));
        }
    }
    let (total, done) = (cores.len() as u64, AtomicU64::new(0));
    let cores: Vec<Core> = cores
        .par_iter()
        .map(|t| {
            if observer.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let mut core = estimated(graph, t)?;
            if execute && t.board.is_some() {
                match measure(graph, t) {
                    Ok(measured) => core.replace(&measured, graph, t),
                    Err(e) => core.how = format!("{}; not executed: {e}", core.how),
                }
            } else if execute {
                core.how = format!("{}; there is no emulator that counts its instructions", core.how);
            }
            let done = done.fetch_add(1, Relaxed) + 1;
            observer.event(Event::Progress { stage: "profile", done, total, note: "cores".into() });
            Ok(core)
        })
        .collect::<Result<_, EngineError>>()?;
    let macs = graph.macs();
    let targets = chosen
        .iter()
        .filter_map(|t| cores.iter().find(|c| c.id == core_of(t)).map(|c| c.cost(t, macs)))
        .collect();
    let first = cores.first();
    let ops = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| OpCost {
            index: i,
            name: n.name.clone(),
            op: op_name(&n.op),
            output: graph.tensor(n.output).shape.clone(),
            macs: graph.node_macs(n),
            flash_bytes: first.map_or(0, |c| c.constants[i]),
            instructions: cores.iter().map(|c| (c.id.clone(), c.nodes[i])).collect(),
        })
        .collect();
    notes.push(
        "instructions are executed instructions, not cycles; estimates come from a model fitted to counts in QEMU".into(),
    );
    let arena = first.map_or_else(Vec::new, |c| {
        let line = |m: &compile::MemoryLine| ArenaLine {
            name: m.name.clone(),
            offset: m.offset,
            bytes: m.bytes,
            first: m.first,
            last: m.last,
        };
        c.layout.memory.iter().map(line).collect()
    });
    Ok(Profile {
        model: graph.name.clone(),
        reference: reference.name(),
        macs,
        weight_bytes: graph.constant_bytes(),
        input: describe(graph, graph.inputs[0]),
        inputs: graph.inputs.iter().map(|id| describe(graph, *id)).collect(),
        outputs: graph.outputs.iter().map(|id| describe(graph, *id)).collect(),
        ops,
        targets,
        arena,
        notes,
    })
}

fn estimated(graph: &Graph, target: &Target) -> Result<Core, EngineError> {
    let e = cost::estimate(graph, target)?;
    let how = if e.own_class {
        format!("estimated from counts on {} in QEMU, {LEVEL}", target.isa)
    } else {
        format!("{} was not measured; estimated as the portable code on a Cortex-M3", target.isa)
    };
    Ok(Core {
        id: target.id.clone(),
        constants: e.nodes.iter().map(|n| n.constants).collect(),
        nodes: e.nodes.iter().map(|n| n.instructions.round() as u64).collect(),
        instructions: e.instructions(),
        flash: e.flash_bytes,
        stack: e.stack_bytes,
        statics: 0,
        measured: false,
        how,
        bit_exact: None,
        layout: e.layout,
    })
}

impl Core {
    fn replace(&mut self, m: &Measured, graph: &Graph, target: &Target) {
        self.flash = m.flash;
        self.statics = m.statics;
        self.stack = m.stack;
        self.bit_exact = Some(m.bit_exact);
        let board = target.board.as_ref().map_or("", |b| b.machine.as_str());
        self.how = format!("arm-none-eabi-gcc {LEVEL}, executed on {board} in QEMU, {CASES} inputs");
        let (Some((all, steps)), Ok(marked)) = (&m.instructions, cost::marked(graph, target)) else {
            self.how.push_str(
                "; the instruction counter could not be built, so that instructions are an estimate",
            );
            return;
        };
        self.measured = true;
        self.instructions = *all;
        let mut steps = steps.iter();
        for (node, marked) in self.nodes.iter_mut().zip(marked) {
            *node = if marked { steps.next().copied().unwrap_or(0) } else { 0 };
        }
    }

    fn cost(&self, t: &Target, macs: u64) -> TargetCost {
        let arena = self.layout.arena_bytes as u64;
        let ram = arena + self.statics + self.stack;
        let fits = match (t.hardware.ram_bytes, t.hardware.flash_bytes) {
            (None, None) => None,
            (r, f) => Some(r.is_none_or(|r| ram <= r) && f.is_none_or(|f| self.flash <= f)),
        };
        TargetCost {
            target: t.id.clone(),
            core: self.id.clone(),
            flash_bytes: self.flash,
            ram_bytes: ram,
            instructions: self.instructions,
            instructions_per_mac: (macs > 0)
                .then(|| (self.instructions as f64 / macs as f64 * 1000.0).round() / 1000.0),
            arena_bytes: arena,
            stack_bytes: self.stack,
            basis: if self.measured { "measured" } else { "estimate" },
            how: self.how.clone(),
            bit_exact: self.bit_exact,
            fits,
        }
    }
}

struct Measured {
    flash: u64,
    statics: u64,
    stack: u64,
    /// Of one run, and of each step.
    instructions: Option<(u64, Vec<u64>)>,
    bit_exact: bool,
}

/// Random inputs and what the interpreter makes of them, as bytes.
fn cases(graph: &Graph) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut interpreter = Interpreter::new(graph).map_err(|e| e.to_string())?;
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for _ in 0..CASES {
        for (i, id) in graph.inputs.iter().enumerate() {
            let x = graph.tensor(*id);
            match x.dtype {
                DType::F32 => {
                    let values: Vec<f32> = (0..x.len()).map(|_| f32::from(next() as i8) / 128.0).collect();
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                    interpreter.set(i, Values::F32(&values))
                }
                DType::I16 => {
                    let values: Vec<i16> =
                        (0..x.len()).map(|_| i16::from_le_bytes([next(), next()])).collect();
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                    interpreter.set(i, Values::I16(&values))
                }
                DType::I32 => {
                    let values: Vec<i32> =
                        (0..x.len()).map(|_| i32::from_le_bytes([next(), next(), next(), next()])).collect();
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                    interpreter.set(i, Values::I32(&values))
                }
                _ => {
                    let values: Vec<i8> = (0..x.len()).map(|_| next() as i8).collect();
                    inputs.extend(values.iter().map(|&v| v as u8));
                    interpreter.set(i, Values::I8(&values))
                }
            }
            .map_err(|e| e.to_string())?;
        }
        interpreter.invoke().map_err(|e| e.to_string())?;
        for id in &graph.outputs {
            outputs.extend(interpreter.contents(*id));
        }
    }
    Ok((inputs, outputs))
}

/// Builds the model for the emulated board of a core and runs it.
fn measure(graph: &Graph, target: &Target) -> Result<Measured, String> {
    let board = target.board.as_ref().ok_or("it has no emulated board")?;
    let folder = crate::scratch::folder().map_err(|e| e.to_string())?;
    let dir = folder.path();
    let options = Options { prefix: Some("net".into()) };
    let tree = compile::compile_graph(graph, target, &options).map_err(|e| e.to_string())?;
    let (inputs, expected) = cases(graph)?;
    let main = harness::graph_main(graph, "net", true);
    let mut files: Vec<(&str, &[u8])> = vec![
        ("main.c", main.as_bytes()),
        ("board.c", harness::BOARD.as_bytes()),
        ("board.h", harness::BOARD_HEADER.as_bytes()),
        ("inputs.bin", &inputs),
    ];
    files.extend(tree.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    for (name, bytes) in files {
        std::fs::write(dir.join(name), bytes).map_err(|e| format!("{name}: {e}"))?;
    }
    let spec = BoardSpec {
        machine: board.machine.clone(),
        flags: board.flags.clone(),
        code: (board.code_base, board.code_bytes),
        ram: (board.ram_base, board.ram_bytes),
    };
    let counter = toolchain::host_compilers()
        .first()
        .and_then(|c| toolchain::build_counter(c, dir, harness::COUNTER).ok());
    let build = BoardBuild {
        board: &spec,
        linker_script: harness::LINKER_SCRIPT,
        sources: &["net.c", "main.c", "board.c"],
        flags: &[LEVEL, "-std=gnu11", "-DEW_MEASURE"],
    };
    let run =
        toolchain::run_board(dir, &build, counter.as_deref(), harness::MARKS).map_err(|e| e.to_string())?;
    let read = |name: &str| std::fs::read(dir.join(name)).map_err(|e| format!("{name}: {e}"));
    let stack = read("stack.bin")?;
    let stack = stack.get(..4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let instructions = run
        .counts
        .filter(|c| c.passes > 0)
        .map(|c| (c.second / c.passes, c.steps.iter().map(|s| s / c.passes).collect()));
    Ok(Measured {
        flash: run.flash_bytes,
        statics: run.static_bytes,
        stack: stack.into(),
        instructions,
        bit_exact: read("outputs.bin")? == expected,
    })
}

impl Profile {
    /// Cost of each layer on the first target as a picture.
    pub fn svg(&self) -> String {
        let Some(t) = self.targets.first() else { return String::new() };
        let lines: Vec<CostLine> = self
            .ops
            .iter()
            .map(|o| CostLine {
                name: format!("{} {}", o.op, o.name),
                macs: o.macs,
                instructions: o.instructions.get(&t.core).copied().unwrap_or(0),
                flash_bytes: o.flash_bytes,
            })
            .collect();
        let memory: Vec<MemoryLine> = self
            .arena
            .iter()
            .map(|m| MemoryLine {
                name: m.name.clone(),
                offset: m.offset,
                bytes: m.bytes,
                first: m.first,
                last: m.last,
            })
            .collect();
        let title = format!("{} on {}: {}", self.model, t.target, t.how);
        cost_svg(&title, &lines, &memory, t.arena_bytes as usize)
    }

    /// Table for people: layers on the first target, then the targets.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{}: {} MACs, {} bytes of weights (reference {})\n",
            self.model, self.macs, self.weight_bytes, self.reference
        );
        if let Some(t) = self.targets.first() {
            out.push_str(&format!(
                "\n{:>3}  {:<18} {:<16} {:>10} {:>12} {:>7} {:>8}   on {}\n",
                "", "operator", "output", "MACs", "instructions", "per MAC", "flash", t.core
            ));
            for o in &self.ops {
                let n = o.instructions.get(&t.core).copied().unwrap_or(0);
                let shape: Vec<String> = o.output.iter().map(usize::to_string).collect();
                let each =
                    if o.macs > 0 { format!("{:.2}", n as f64 / o.macs as f64) } else { String::new() };
                out.push_str(&format!(
                    "{:>3}  {:<18} {:<16} {:>10} {:>12} {each:>7} {:>8}\n",
                    o.index,
                    o.op,
                    shape.join("x"),
                    o.macs,
                    n,
                    o.flash_bytes
                ));
            }
        }
        out.push_str(&format!(
            "\n{:<28} {:>10} {:>10} {:>12} {:>8}  {:<8} fits\n",
            "target", "flash", "RAM", "instructions", "per MAC", "basis"
        ));
        for t in &self.targets {
            out.push_str(&format!(
                "{:<28} {:>10} {:>10} {:>12} {:>8}  {:<8} {}\n",
                t.target,
                t.flash_bytes,
                t.ram_bytes,
                t.instructions,
                t.instructions_per_mac.map_or_else(|| "-".into(), |v| format!("{v:.3}")),
                t.basis,
                match t.fits {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "-",
                }
            ));
        }
        out
    }
}
