//! Fits the costs of the steps of DSP blocks to what QEMU counts, over a spread of configurations, and says how far the
//! estimate is from others that were held back.
//!
//! `dsp_estimate measure [WORD]` counts what `counts.tsv` lacks (of blocks whose line holds the word) and adds it; needs
//! arm-none-eabi-gcc and qemu-system-arm and takes some twenty minutes from nothing. To count anew, delete the file.
//! `dsp_estimate fit` writes `crates/compile/src/cost/dsp_table.rs`. `dsp_estimate page FILE` writes `docs/dsp-estimate.md`:
//! `cargo xtask generate --device` runs it.

#[path = "../dsp_cost/cases.rs"]
#[allow(dead_code, reason = "what another program of these sources needs beside")]
mod cases;
#[path = "../dsp_cost/measure.rs"]
mod measure;
mod page;
mod solve;
mod spread;

use cases::CORES;
use edgewright_compile::{
    cost::{Class, dsp_constants},
    target,
};
use spread::{Configuration, Count, Counts, FITTED, configurations};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/dsp_estimate/counts.tsv");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cost/dsp_table.rs");

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure"] => count(""),
        ["measure", word] => count(word),
        ["fit"] => fit(),
        // For trying other steps: what each configuration takes of each, beside what was counted.
        ["work"] => work(),
        ["page", path] => Ok(fs::write(path, page::page(&read()))?),
        _ => Err("usage: dsp_estimate measure [WORD] | fit | page FILE".into()),
    }
}

fn read() -> Counts {
    Counts::parse(&fs::read_to_string(COUNTS).unwrap_or_default())
}

fn count(word: &str) -> Result<()> {
    let (mut counts, counter) = (read(), measure::Counter::new()?);
    let head = format!(
        "# Executed instructions of a window in QEMU, and flash beyond that of an empty program; {}, {}\n",
        measure::compiler()?,
        measure::LEVEL
    );
    let mut empty = BTreeMap::new();
    for core in CORES {
        empty.insert(core, counter.empty(core)?);
    }
    for c in configurations().iter().filter(|c| c.text.contains(word)) {
        for core in if c.held { &CORES[..] } else { &FITTED[..] } {
            if counts.get(&c.text, core).is_some() {
                continue;
            }
            let m = counter.measure(&c.job, core).map_err(|e| format!("{} on {core}: {e}", c.text))?;
            let count = Count { instructions: m.instructions, flash: m.flash - empty[core] };
            eprintln!("{core} {}: {count:?}", c.text);
            counts.0.insert((c.text.clone(), (*core).to_owned()), count);
        }
        fs::write(COUNTS, counts.write(&head, &CORES))?;
    }
    Ok(())
}

fn work() -> Result<()> {
    let counts = read();
    for c in configurations() {
        let impulse = &c.job.impulse;
        let axes = impulse.window.axes.len();
        let work = impulse.dsp[0].plan.work(axes).ok_or("no work")?;
        let constants = dsp_constants(&impulse.dsp[0], axes);
        let counted: BTreeMap<&str, _> =
            CORES.iter().filter_map(|core| Some((*core, counts.get(&c.text, core)?))).collect();
        eprintln!("{}\t{}\t{}\t{constants}\t{:?}\t{counted:?}", c.held, c.text, work.kernel, work.steps);
    }
    Ok(())
}

/// Class and name of a kernel, then its steps: instructions for each, bytes of code.
type Rows = BTreeMap<(&'static str, &'static str), Vec<(&'static str, f64, u32)>>;

/// How often each step is taken.
type Steps = Vec<(&'static str, f64)>;

fn fit() -> Result<()> {
    let (counts, all) = (read(), configurations());
    let mut rows = Rows::new();
    for core in FITTED {
        let target = target::all().iter().find(|t| t.id == core).ok_or(core)?;
        let (class, _) = Class::of(target);
        let mut kernels: BTreeMap<&'static str, Vec<(&Configuration, Steps)>> = BTreeMap::new();
        for c in all.iter().filter(|c| !c.held) {
            let impulse = &c.job.impulse;
            let work = impulse.dsp[0].plan.work(impulse.window.axes.len()).ok_or("no work")?;
            kernels.entry(work.kernel).or_default().push((c, work.steps));
        }
        for (kernel, samples) in kernels {
            let mut steps = Vec::new();
            for (name, _) in samples.iter().flat_map(|s| &s.1) {
                if !steps.contains(name) {
                    steps.push(*name);
                }
            }
            let (mut wanted, mut codes) = (Vec::new(), Vec::new());
            for (c, work) in &samples {
                let Some(counted) = counts.get(&c.text, core) else {
                    return Err(
                        format!("{} on {core} is not counted; run `dsp_estimate measure`", c.text).into()
                    );
                };
                let amounts: Vec<f64> =
                    steps.iter().map(|s| work.iter().find(|w| w.0 == *s).map_or(0.0, |w| w.1)).collect();
                let constants = dsp_constants(&c.job.impulse.dsp[0], c.job.impulse.window.axes.len());
                let code = counted.flash as f64 - constants as f64;
                // What does not happen is not emitted either.
                let there: Vec<f64> = amounts.iter().map(|a| f64::from(u8::from(*a > 0.0))).collect();
                codes.push((there, code, counted.flash as f64));
                wanted.push((amounts, counted.instructions as f64, counted.instructions as f64));
            }
            let (each, bytes) = (solve::fit(&wanted, solve::PULL), solve::fit(&codes, solve::PULL_CODE));
            let worst = solve::worst(&wanted, &each);
            eprintln!(
                "{core} {kernel}: worst {:.1} %, code {:.1} %",
                100.0 * worst,
                100.0 * solve::worst(&codes, &bytes)
            );
            let row = steps.iter().zip(each).zip(bytes).map(|((s, each), bytes)| (*s, each, bytes as u32));
            rows.insert((class.name(), kernel), row.collect());
        }
    }
    let mut out = String::from(
        "//! Made by `cargo run --release -p edgewright-compile --example dsp_estimate -- fit`.\n\n/// A step: its name, instructions for each, bytes of code.\npub type Step = (&'static str, f64, u32);\n\n/// Class, kernel, its steps.\npub const TABLE: &[(&str, &str, &[Step])] = &[\n",
    );
    for ((class, kernel), steps) in &rows {
        let of = |(name, each, bytes): &(&str, f64, u32)| {
            format!("({name:?}, {:?}, {bytes})", (each * 1000.0).round() / 1000.0)
        };
        let used: BTreeSet<usize> =
            (0..steps.len()).filter(|i| steps[*i].1 >= 5e-4 || steps[*i].2 > 0).collect();
        let steps: Vec<String> = used.into_iter().map(|i| of(&steps[i])).collect();
        out.push_str(&format!("    ({class:?}, {kernel:?}, &[{}]),\n", steps.join(", ")));
    }
    out.push_str("];\n");
    fs::write(TABLE, out)?;
    Ok(())
}
