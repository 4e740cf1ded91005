//! Writes `docs/dsp-cost.md`, the file that is named: instructions of every block on emulated cores, and its RAM. Takes some
//! minutes; needs arm-none-eabi-gcc and qemu-system-arm. `cargo xtask generate --device` runs it.
//!
//! With `--cmsis-dsp DSP CORE`, checkouts of CMSIS-DSP and of CMSIS, it counts blocks on a Cortex-M4F beside the same made of
//! CMSIS-DSP's functions, and prints a line of JSON for each. `cargo xtask bench cmsis-dsp` runs that.

mod cases;
mod cmsis;
#[allow(dead_code, reason = "what another program of these sources needs beside")]
mod measure;

use cases::{CORES, cases};
use edgewright_compile::target;
use measure::Counter;
use std::{error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = match args.as_slice() {
        [path] => path,
        [flag, dsp, core] if flag == "--cmsis-dsp" => return beside_cmsis(dsp.as_ref(), core.as_ref()),
        _ => return Err("usage: dsp_cost FILE, or dsp_cost --cmsis-dsp DSP CORE".into()),
    };
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
    let counter = Counter::new()?;
    for case in cases() {
        let (arena, kept) = case.ram(CORES[0]);
        let ram = if kept > 0 { format!("{arena} + {kept}") } else { arena.to_string() };
        let window = format!("{:?}", case.kind).to_lowercase();
        let features = case.impulse().dsp[0].features();
        write!(out, "| {} | {window} | {} | {features} | {ram} |", case.name(), case.arithmetic())?;
        for core in CORES {
            let measured = counter.measure(&case.job(), core);
            let count = measured.map_err(|e| format!("{} on {core}: {e}", case.name()))?.instructions;
            eprintln!("{} {} on {core}: {count}", case.name(), case.arithmetic());
            write!(out, " {count} |")?;
        }
        out.push('\n');
    }
    Ok(fs::write(path, out)?)
}

fn beside_cmsis(dsp: &Path, core: &Path) -> Result<(), Box<dyn Error>> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for case in cases().iter().filter(|c| !c.fixed) {
        let compared = cmsis::compare(case, dsp, core).map_err(|e| format!("{}: {e}", case.name()))?;
        if let Some(c) = compared {
            writeln!(
                out,
                r#"{{"block": "{}", "core": "{}", "ours": {}, "peer": {}, "apart": {}}}"#,
                case.block.name,
                cmsis::CORE,
                c.ours,
                c.peer,
                c.apart
            )?;
        }
    }
    Ok(())
}
