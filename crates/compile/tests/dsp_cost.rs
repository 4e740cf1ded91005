//! `docs/dsp-cost.md` names every block with its RAM of today, and where its compiler is installed its counts are those of today.

#[path = "../examples/dsp_cost/cases.rs"]
mod cases;
#[path = "../examples/dsp_cost/measure.rs"]
#[allow(dead_code, reason = "what another program of these sources needs beside")]
mod measure;

use cases::{CORES, Case, cases};
use edgewright_toolchain::missing;
use measure::Counter;

const HINT: &str = "run `cargo xtask generate --device`";

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dsp-cost.md");
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Cells of the line of a case.
fn line(page: &str, case: &Case) -> Vec<String> {
    page.lines()
        .map(|l| l.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>())
        .find(|cells| cells[0] == case.name() && cells.get(2).is_some_and(|a| a == case.arithmetic()))
        .unwrap_or_else(|| panic!("no line of {} in {}; {HINT}", case.name(), case.arithmetic()))
}

fn count(cells: &[String], core: &str) -> u64 {
    let at = CORES.iter().position(|c| *c == core).expect("a core");
    cells[5 + at].parse().unwrap_or_else(|_| panic!("{core}: {cells:?}"))
}

#[test]
fn the_page_names_every_block_with_its_memory() {
    let page = page();
    for case in cases() {
        let cells = line(&page, &case);
        assert_eq!(cells.len(), 5 + CORES.len(), "{cells:?}");
        assert!(CORES.iter().all(|core| count(&cells, core) > 0), "{cells:?}");
        assert_eq!(cells[3], case.impulse().dsp[0].features().to_string(), "{}: {HINT}", case.name());
        for core in CORES {
            let (arena, kept) = case.ram(core);
            let ram = if kept > 0 { format!("{arena} + {kept}") } else { arena.to_string() };
            assert_eq!(cells[4], ram, "{} on {core}: {HINT}", case.name());
        }
    }
    let rows = page.lines().filter(|l| l.starts_with("| `")).count();
    assert_eq!(rows, cases().len(), "lines of blocks that there are no more; {HINT}");
}

#[test]
fn integers_take_a_third_of_the_instructions_on_a_core_without_floats() {
    let page = page();
    for case in cases().into_iter().filter(|c| c.fixed) {
        let fixed = count(&line(&page, &case), "cortex-m0plus");
        let float = count(&line(&page, &Case { fixed: false, ..case.clone() }), "cortex-m0plus");
        assert!(3 * fixed <= float, "{}: {fixed} and {float}", case.name());
    }
}

#[test]
fn counts_are_those_of_today() {
    for tool in ["arm-none-eabi-gcc", "qemu-system-arm"] {
        if let Some(words) = missing(tool) {
            eprintln!("not run: {words}");
            return;
        }
    }
    let page = page();
    if !page.contains(&measure::compiler().expect("a compiler")) {
        eprintln!("not run: the page was made with another compiler");
        return;
    }
    let counter = Counter::new().expect("a counter");
    for (block, fixed, core) in [("mfcc", true, "cortex-m4f"), ("spectral_analysis", false, "cortex-m0plus")]
    {
        let case = cases()
            .into_iter()
            .find(|c| c.block.name == block && c.fixed == fixed && c.instead.is_none())
            .expect("a case");
        let today =
            counter.measure(&case.job(), core).unwrap_or_else(|e| panic!("{block}: {e}")).instructions;
        assert_eq!(count(&line(&page, &case), core), today, "{block} on {core}; {HINT}");
    }
}
