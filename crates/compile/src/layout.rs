//! The arena of an impulse: features, scratch and tensors on one time line.

use crate::{CompileError, memory, memory::Buffer, nn, nn::Needs};
use edgewright_impulse::Impulse;

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

pub(crate) fn arena(impulse: &Impulse) -> Result<Arena, CompileError> {
    impulse.validate()?;
    let needs: Vec<Needs> = impulse.learn.iter().map(|l| nn::needs(&l.graph)).collect();
    let mut step = impulse.dsp.len();
    let mut last_read = impulse.dsp.len().saturating_sub(1);
    let mut starts = Vec::new();
    for (learn, needs) in impulse.learn.iter().zip(&needs) {
        starts.push(step);
        last_read = last_read.max(step + needs.input_last);
        step += learn.graph.nodes.len();
    }
    let mut buffers =
        vec![Buffer { name: "features".into(), bytes: 4 * impulse.features(), first: 0, last: last_read }];
    for (i, block) in impulse.dsp.iter().enumerate() {
        buffers.push(Buffer {
            name: format!("{} scratch", block.id),
            bytes: 4 * block.plan.scratch_len(),
            first: i,
            last: i,
        });
    }
    let mut gathered = Vec::new();
    for ((learn, needs), start) in impulse.learn.iter().zip(&needs).zip(&starts) {
        gathered.push((!contiguous(&learn.inputs)).then(|| {
            let values: usize = learn.inputs.iter().map(|&i| impulse.dsp[i].features()).sum();
            buffers.push(Buffer {
                name: format!("{} input", learn.id),
                bytes: 4 * values,
                first: *start,
                last: start + needs.input_last,
            });
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
        }));
        ranges.push(from..buffers.len());
    }
    let plan = memory::plan(&buffers);
    Ok(Arena {
        features: plan.offsets[0],
        scratch: plan.offsets[1..=impulse.dsp.len()].to_vec(),
        learn: needs.into_iter().zip(ranges).map(|(n, r)| (n, plan.offsets[r].to_vec())).collect(),
        gathered: gathered.into_iter().map(|g| g.map(|b| plan.offsets[b])).collect(),
        buffers,
        plan,
    })
}

/// Where everything of an impulse lies.
///
/// # Errors
/// [`CompileError::Impulse`].
pub fn layout(impulse: &Impulse) -> Result<Layout, CompileError> {
    let arena = arena(impulse)?;
    Ok(Layout {
        arena_bytes: arena.plan.bytes,
        lower_bound: arena.plan.lower_bound,
        weight_bytes: impulse.learn.iter().map(|l| l.graph.constant_bytes()).sum(),
        memory: arena
            .buffers
            .iter()
            .zip(&arena.plan.offsets)
            .filter(|(b, _)| b.bytes > 0)
            .map(|(b, &offset)| MemoryLine {
                name: b.name.clone(),
                offset,
                bytes: b.bytes,
                first: b.first,
                last: b.last,
            })
            .collect(),
    })
}
