//! Writes `docs/dsp-cost.md`, the file that is named: instructions of every block on emulated cores, and its RAM. Takes some
//! minutes; needs arm-none-eabi-gcc and qemu-system-arm. `cargo xtask generate --device` runs it.

mod cases;
mod measure;

use cases::{CORES, cases};
use edgewright_compile::target;
use std::{error::Error, fmt::Write, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: dsp_cost FILE")?;
    let mut out = format!(
        "<!-- Do not edit: made by `cargo xtask generate --device`.
     Source: crates/compile/examples/dsp_cost. -->

# What DSP blocks cost on a microcontroller

Executed instructions of one window, counted in QEMU; they are not cycles. Every block is at its default parameters, in its newest
version, on a window that is usual for it. The RAM is exact and known before anything is built: no heap, no static data.

- sound: one second at 16 kHz, as `int16_t`; motion: two seconds of three axes at 62.5 Hz; picture: 96 x 96 pixels in colour; pulse: ten
  seconds of a PPG and an accelerometer at 50 Hz.
- RAM: scratch and features together, in bytes; behind a plus what is kept from window to window. The window itself and the stack come
  on top.
- Built with {}, `{}`, and the flags below. Features were equal to those of the
  Rust side to the last bit in every cell.
- Counts of blocks that look for something (`hr`, sorted statistics of wavelets) depend on the values; these are of one seeded window.

| core | flags | machine in QEMU |
|---|---|---|
",
        measure::compiler()?,
        measure::LEVEL
    );
    for core in CORES {
        let target = target::all().iter().find(|t| t.id == core).ok_or("no such core")?;
        let board = target.board.as_ref().ok_or("no board")?;
        writeln!(out, "| {} | `{}` | {} |", target.title, board.flags.join(" "), board.machine)?;
    }
    out.push_str("\n| block | window | arithmetic | features | RAM |");
    for core in CORES {
        write!(out, " {core} |")?;
    }
    out.push_str("\n|---|---|---|--:|--:|");
    out.push_str(&"--:|".repeat(CORES.len()));
    out.push('\n');
    for case in cases() {
        let (arena, kept) = case.ram(CORES[0]);
        let ram = if kept > 0 { format!("{arena} + {kept}") } else { arena.to_string() };
        let window = format!("{:?}", case.kind).to_lowercase();
        let features = case.impulse().dsp[0].features();
        write!(out, "| {} | {window} | {} | {features} | {ram} |", case.name(), case.arithmetic())?;
        for core in CORES {
            let count =
                measure::instructions(&case, core).map_err(|e| format!("{} on {core}: {e}", case.name()))?;
            eprintln!("{} {} on {core}: {count}", case.name(), case.arithmetic());
            write!(out, " {count} |")?;
        }
        out.push('\n');
    }
    Ok(fs::write(path, out)?)
}
