//! `docs/dsp-estimate.md`.

use super::{
    cases::CORES,
    spread::{Configuration, Count, Counts, configurations, estimated},
};
use std::{collections::BTreeMap, fmt::Write};

/// Code that computes a configuration.
pub fn kernel(c: &Configuration) -> &'static str {
    let impulse = &c.job.impulse;
    impulse.dsp[0].plan.work(impulse.window.axes.len()).map_or("", |w| w.kernel)
}

/// Estimate over count, less one.
pub fn off(estimated: u64, counted: u64) -> f64 {
    estimated as f64 / counted.max(1) as f64 - 1.0
}

/// Percent without a sign of -0.
fn percent(share: f64) -> String {
    let whole = (100.0 * share).round();
    if whole == 0.0 { "0".into() } else { format!("{whole:+}") }
}

/// Median and largest magnitude.
fn spread(mut errors: Vec<f64>) -> Option<(f64, f64)> {
    errors.iter_mut().for_each(|e| *e = e.abs());
    errors.sort_by(f64::total_cmp);
    Some((*errors.get(errors.len() / 2)?, *errors.last()?))
}

/// The whole page.
pub fn page(counts: &Counts) -> String {
    let all = configurations();
    let held: Vec<&Configuration> = all.iter().filter(|c| c.held).collect();
    let mut out = format!(
        "<!-- Do not edit: made by `cargo xtask generate --device`.
     Source: crates/compile/examples/dsp_estimate. -->

# How far estimates of DSP blocks are off

Before anything is built, `edgewright estimate`, the report and the Studio tell what each DSP block costs on a target: RAM and
tables exactly, instructions and code as estimates. An estimate counts the steps that a configuration takes (values read, filter
sections, butterflies, logarithms, ...; `crates/dsp/src/work.rs`) and weighs each with what it costs on the core. Those weights were
fitted, one set for each of four classes of cores, to what QEMU counted of {} configurations; Cortex-M7 and M33 take
the weights of the M4. The {} configurations below were held back from that. All counts are in
`crates/compile/examples/dsp_estimate/counts.tsv`; they are executed instructions, not cycles.

## Summary

Of the configurations that were held back: median and largest error of the instructions on each core, and of the flash (tables and
code that a program grows by) on all cores together, in percent.

| code | configurations |",
        all.len() - held.len(),
        held.len()
    );
    for core in CORES {
        let _ = write!(out, " {core} |");
    }
    out.push_str(" flash |\n|---|--:|");
    out.push_str(&"--:|".repeat(CORES.len() + 1));
    out.push('\n');
    let mut kernels: BTreeMap<&str, Vec<&Configuration>> = BTreeMap::new();
    for c in &held {
        kernels.entry(kernel(c)).or_default().push(c);
    }
    for (kernel, of) in &kernels {
        let _ = write!(out, "| {kernel} | {} |", of.len());
        let mut flash = Vec::new();
        for core in CORES {
            let pairs: Vec<(Count, Count)> =
                of.iter().filter_map(|c| Some((estimated(c, core), counts.get(&c.text, core)?))).collect();
            flash.extend(pairs.iter().map(|(e, c)| off(e.flash, c.flash)));
            let errors = pairs.iter().map(|(e, c)| off(e.instructions, c.instructions)).collect();
            let told =
                spread(errors).map_or("–".into(), |(m, w)| format!("{:.0}, {:.0}", 100.0 * m, 100.0 * w));
            let _ = write!(out, " {told} |");
        }
        let told = spread(flash).map_or("–".into(), |(m, w)| format!("{:.0}, {:.0}", 100.0 * m, 100.0 * w));
        let _ = writeln!(out, " {told} |");
    }
    out.push_str(
        "\n## Each of them\n\nCounted instructions, and by how many percent the estimate is off. First block and version, then rate in Hz, frames (or pixels)\nand axes, then parameters; `see` chooses axes.\n\n| configuration |",
    );
    for core in CORES {
        let _ = write!(out, " {core} |");
    }
    out.push_str("\n|---|");
    out.push_str(&"--:|".repeat(CORES.len()));
    out.push('\n');
    for c in &held {
        let _ = write!(out, "| `{}` |", c.text.replace(" | ", "` `"));
        for core in CORES {
            match counts.get(&c.text, core) {
                Some(counted) => {
                    let error = off(estimated(c, core).instructions, counted.instructions);
                    let _ = write!(out, " {} ({}) |", counted.instructions, percent(error));
                }
                None => out.push_str(" – |"),
            }
        }
        out.push('\n');
    }
    out
}
