//! The arena of an impulse: features, scratch and tensors on one time line.

use crate::{CompileError, Target, memory, memory::Buffer, nn, nn::Needs};
use edgewright_impulse::Impulse;
use edgewright_ir::Graph;

/// One line of the memory map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLine {
    /// Name of the buffer.
    pub name: String,
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// First step that needs it.
    pub first: usize,
    /// Last step that needs it.
    pub last: usize,
}

/// Where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Size of the arena.
    pub arena_bytes: usize,
    /// No layout can be smaller.
    pub lower_bound: usize,
    /// Weights and other constants of the graphs, in bytes.
    pub weight_bytes: usize,
    /// All buffers.
    pub memory: Vec<MemoryLine>,
}

/// The plan with what the emitter needs to use it.
pub(crate) struct Arena {
    pub plan: memory::Plan,
    pub buffers: Vec<Buffer>,
    /// Offset of the features.
    pub features: usize,
    /// Offset of the outputs of all learning blocks, where they are many: those of a picture's cells.
    pub outputs: Option<usize>,
    /// Offset of the scratch of each DSP block.
    pub scratch: Vec<usize>,
    /// Per learning block: needs, and offsets of its buffers.
    pub learn: Vec<(Needs, Vec<usize>)>,
    /// Per learning block whose inputs do not lie together: offset of the copy.
    pub gathered: Vec<Option<usize>>,
}

/// Whether the features of some DSP blocks lie one behind the other.
pub(crate) fn contiguous(inputs: &[usize]) -> bool {
    inputs.windows(2).all(|w| w[1] == w[0] + 1)
}

pub(crate) fn arena(impulse: &Impulse, target: &Target) -> Result<Arena, CompileError> {
    impulse.validate()?;
    if let Some(block) = impulse.externals().next() {
        return Err(CompileError::NoCode { id: block.id.clone() });
    }
    let needs = impulse
        .learn
        .iter()
        .map(|l| {
            if !l.graph.states.is_empty() || l.graph.outputs.len() != 1 {
                let reason = "a model with states or several outputs is exported alone, with `model export`";
                return Err(CompileError::Graph { id: l.id.clone(), reason: reason.into() });
            }
            nn::needs(&l.graph, target.kernels)
                .map_err(|reason| CompileError::Graph { id: l.id.clone(), reason })
        })
        .collect::<Result<Vec<Needs>, _>>()?;
    let mut step = impulse.dsp.len();
    let mut last_read = impulse.dsp.len().saturating_sub(1);
    let mut starts = Vec::new();
    for (learn, needs) in impulse.learn.iter().zip(&needs) {
        starts.push(step);
        last_read = last_read.max(step + needs.input_last);
        step += learn.graph.nodes.len();
    }
    let mut buffers = vec![Buffer::new("features", 4 * impulse.features(), 0, last_read)];
    for (i, block) in impulse.dsp.iter().enumerate() {
        // Where some of its values are features, all lie behind the scratch.
        let whole = block.keep.as_ref().map_or(0, |_| block.plan.output().len());
        let bytes = 4 * (block.plan.scratch_len() + whole);
        buffers.push(Buffer::new(format!("{} scratch", block.id), bytes, i, i));
    }
    let mut gathered = Vec::new();
    for ((learn, needs), start) in impulse.learn.iter().zip(&needs).zip(&starts) {
        gathered.push((!contiguous(&learn.inputs)).then(|| {
            let values: usize = learn.inputs.iter().map(|&i| impulse.dsp[i].features()).sum();
            let name = format!("{} input", learn.id);
            buffers.push(Buffer::new(name, 4 * values, *start, start + needs.input_last));
            buffers.len() - 1
        }));
    }
    let mut ranges = Vec::new();
    for ((learn, needs), start) in impulse.learn.iter().zip(&needs).zip(&starts) {
        let from = buffers.len();
        buffers.extend(needs.buffers.iter().map(|b| Buffer {
            name: format!("{} {}", learn.id, b.name),
            bytes: b.bytes,
            first: start + b.first,
            last: start + b.last,
            tie: b.tie.map(|(other, distance)| (from + other, distance)),
        }));
        ranges.push(from..buffers.len());
    }
    let outputs = impulse.detector().map(|_| {
        let values: usize = impulse.learn.iter().map(|l| l.graph.tensor(l.graph.outputs[0]).len()).sum();
        // The layers write there, and the caller reads the scores afterwards.
        buffers.push(Buffer::new("outputs", 4 * values, impulse.dsp.len(), step));
        buffers.len() - 1
    });
    let plan = memory::plan(&buffers);
    Ok(Arena {
        features: plan.offsets[0],
        outputs: outputs.map(|b| plan.offsets[b]),
        scratch: plan.offsets[1..=impulse.dsp.len()].to_vec(),
        learn: needs.into_iter().zip(ranges).map(|(n, r)| (n, plan.offsets[r].to_vec())).collect(),
        gathered: gathered.into_iter().map(|g| g.map(|b| plan.offsets[b])).collect(),
        buffers,
        plan,
    })
}

/// Where everything of an impulse lies on a target.
///
/// # Errors
/// [`CompileError`].
pub fn layout(impulse: &Impulse, target: &Target) -> Result<Layout, CompileError> {
    let arena = arena(impulse, target)?;
    let weights = impulse.learn.iter().map(|l| l.graph.constant_bytes()).sum();
    Ok(described(&arena.plan, &arena.buffers, weights))
}

/// Where everything of a graph lies on a target.
///
/// # Errors
/// [`CompileError::Graph`].
pub fn graph_layout(graph: &Graph, target: &Target) -> Result<Layout, CompileError> {
    let needs = nn::needs(graph, target.kernels)
        .map_err(|reason| CompileError::Graph { id: graph.name.clone(), reason })?;
    let plan = memory::plan(&needs.buffers);
    Ok(described(&plan, &needs.buffers, graph.constant_bytes()))
}

fn described(plan: &memory::Plan, buffers: &[Buffer], weight_bytes: usize) -> Layout {
    Layout {
        arena_bytes: plan.bytes,
        lower_bound: plan.lower_bound,
        weight_bytes,
        memory: buffers
            .iter()
            .zip(&plan.offsets)
            .filter(|(b, _)| b.bytes > 0)
            .map(|(b, &offset)| MemoryLine {
                name: b.name.clone(),
                offset,
                bytes: b.bytes,
                first: b.first,
                last: b.last,
            })
            .collect(),
    }
}
