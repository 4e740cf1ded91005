//! What DSP blocks are estimated to cost is near what was counted, of configurations that no weight was fitted to.

#[path = "../examples/dsp_cost/cases.rs"]
#[allow(dead_code, reason = "what the measured table needs beside")]
mod cases;
#[path = "../examples/dsp_cost/measure.rs"]
#[allow(dead_code, reason = "what another program of these sources needs beside")]
mod measure;
#[path = "../examples/dsp_estimate/page.rs"]
mod page;
#[path = "../examples/dsp_estimate/spread.rs"]
#[allow(dead_code, reason = "what the fit needs beside")]
mod spread;

use cases::CORES;
use edgewright_dsp::blocks;
use edgewright_toolchain::missing;
use page::{kernel, off};
use spread::{Counts, configurations, estimated};
use std::collections::BTreeSet;

const HINT: &str = "run `cargo run --example dsp_estimate -- measure`, then `cargo xtask generate --device`";
/// Share by which instructions may be off.
const MOST: f64 = 0.25;

fn text(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn counts() -> Counts {
    Counts::parse(&text("examples/dsp_estimate/counts.tsv"))
}

#[test]
fn estimates_are_near_what_was_counted() {
    let (counts, all) = (counts(), configurations());
    let mut far = Vec::new();
    for c in all.iter().filter(|c| c.held) {
        for core in CORES {
            let counted = counts
                .get(&c.text, core)
                .unwrap_or_else(|| panic!("{} on {core} is not counted; {HINT}", c.text));
            let error = off(estimated(c, core).instructions, counted.instructions);
            if error.abs() > MOST {
                far.push(format!("{} on {core}: {:+.0} %", c.text, 100.0 * error));
            }
        }
    }
    assert!(far.is_empty(), "{}", far.join("\n"));
}

#[test]
fn every_kind_of_code_was_held_back_and_fitted() {
    let all = configurations();
    let of = |held: bool| -> BTreeSet<&str> { all.iter().filter(|c| c.held == held).map(kernel).collect() };
    assert_eq!(of(true), of(false));
    // A block that is new must be among them.
    let names: BTreeSet<&str> = all.iter().map(|c| c.job.impulse.dsp[0].block.as_str()).collect();
    assert_eq!(names, blocks().iter().map(|b| b.name).collect());
}

#[test]
fn the_page_says_what_is_estimated_today() {
    assert!(text("../../docs/dsp-estimate.md") == page::page(&counts()), "{HINT}");
}

#[test]
fn some_are_counted_again() {
    for tool in ["arm-none-eabi-gcc", "qemu-system-arm"] {
        if let Some(words) = missing(tool) {
            eprintln!("not run: {words}");
            return;
        }
    }
    let counter = measure::Counter::new().expect("a counter");
    let mut seen = BTreeSet::new();
    let first = configurations().into_iter().filter(|c| c.held && seen.insert(kernel(c)));
    // One core in turn for each kind of code.
    for (i, c) in first.enumerate() {
        let core = CORES[i % CORES.len()];
        let counted = counter.measure(&c.job, core).unwrap_or_else(|e| panic!("{}: {e}", c.text));
        let error = off(estimated(&c, core).instructions, counted.instructions);
        assert!(error.abs() <= MOST, "{} on {core}: {:+.0} %", c.text, 100.0 * error);
    }
}
