//! What a DSP block costs on a target: RAM and tables are exact, instructions and code come from the steps that it declares
//! ([`edgewright_dsp::Plan::work`]) and coefficients fitted to what QEMU counted (`examples/dsp_estimate`).

use super::{Class, dsp_table::TABLE};
use crate::{Target, dsp};
use edgewright_impulse::DspBlock;

/// Estimate for one block.
#[derive(Clone, Debug, PartialEq)]
pub struct DspCost {
    /// Executed instructions for one window; an estimate. Sound is taken as `int16_t`, everything else as floats.
    pub instructions: u64,
    /// Tables in flash, in bytes; exact.
    pub constants: usize,
    /// Tables and code, in bytes; an estimate of what a program without the block grows by.
    pub flash_bytes: u64,
    /// What the block works in, in bytes; exact. Blocks share it with each other and with the network.
    pub scratch_bytes: usize,
    /// Its features, in bytes; exact.
    pub feature_bytes: usize,
    /// What it keeps from window to window, in bytes; exact.
    pub state_bytes: usize,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

impl DspCost {
    /// RAM of the block alone, without the window and the stack, in bytes; exact.
    pub fn ram_bytes(&self) -> usize {
        self.scratch_bytes + self.feature_bytes + self.state_bytes
    }
}

/// Estimates a block on windows of a signal with so many axes. `None` for a program of its own, of which there is no C.
pub fn dsp(block: &DspBlock, axes: usize, target: &Target) -> Option<DspCost> {
    let (class, own_class) = Class::of(target);
    let work = block.plan.work(axes)?;
    let (mut instructions, mut code) = (0.0, 0);
    let row = TABLE.iter().find(|r| r.0 == class.name() && r.1 == work.kernel);
    for (step, amount) in &work.steps {
        if let Some((_, each, bytes)) = row.and_then(|r| r.2.iter().find(|s| s.0 == *step)) {
            instructions += amount * each;
            code += u64::from(*bytes);
        }
    }
    let constants = dsp_constants(block, axes);
    // Where some of its values are features, all lie behind the scratch.
    let whole = block.keep.as_ref().map_or(0, |_| block.plan.output().len());
    Some(DspCost {
        instructions: instructions.round() as u64,
        constants,
        flash_bytes: constants as u64 + code,
        scratch_bytes: 4 * (block.plan.scratch_len() + whole),
        feature_bytes: 4 * block.features(),
        state_bytes: 4 * block.plan.state_len(),
        own_class,
    })
}

/// Bytes of the tables that are emitted for a block.
pub fn dsp_constants(block: &DspBlock, axes: usize) -> usize {
    let code = dsp::emit(block, "block", axes, "get");
    let kept = block.keep.as_ref().map_or(0, |k| 4 * k.len());
    code.source.lines().filter_map(array).sum::<usize>() + kept
}

/// Bytes of the array that a line of emitted C opens.
fn array(line: &str) -> Option<usize> {
    let (kind, rest) = line.strip_prefix("EW_DATA ")?.split_once(' ')?;
    let count: usize = rest.split_once('[')?.1.split_once(']')?.0.parse().ok()?;
    Some(count * if kind.ends_with("16_t") { 2 } else { 4 })
}
