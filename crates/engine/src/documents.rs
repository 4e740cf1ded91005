//! The generated pages of the manual: commands, blocks, targets.

use crate::{EngineError, dsp_tool, error::AtPath, project::nearest};
use serde::Serialize;
use std::path::Path;

/// What can be built for. What is not known is left out.
#[derive(Clone, Debug, Serialize)]
pub struct TargetEntry {
    /// As in `--target`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Kinds of packages.
    pub packages: Vec<String>,
    /// `executed`, `compiled` or `source`: how far we prove on its core what we emit.
    pub proof: String,
    /// Id of the core of a board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<String>,
    /// Instruction set.
    pub isa: String,
    /// Chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soc: Option<String>,
    /// Clock of the core in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_mhz: Option<u32>,
    /// RAM in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<u64>,
    /// Flash in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<u64>,
    /// Memory outside the chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Accelerator; emitted code does not use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<String>,
    /// Whether the impulse of a project fits, when that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

/// Bytes of stack that a classification is taken to need; the boards of `verify` measure it.
const STACK: u64 = 2 * 1024;
/// Bytes of code that an impulse is taken to need: blocks, kernels and C library.
const CODE: u64 = 24 * 1024;

/// Whether an impulse fits a target: an estimate; `verify` measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// `null` where the target's memory is not known.
    pub fits: Option<bool>,
    /// Arena and stack.
    pub ram_needed: u64,
    /// Constants and code.
    pub flash_needed: u64,
    /// `ram` or `flash`: of which the larger share is needed.
    pub binding: Option<String>,
    /// That share; above 1 it does not fit.
    pub share: Option<f64>,
}

/// All targets with how the impulse of a project fits them.
///
/// # Errors
/// Those of the stages up to `train`, [`EngineError::Compile`].
pub fn fits(
    session: &crate::session::Session<'_>,
    id: Option<&str>,
) -> Result<Vec<TargetEntry>, EngineError> {
    let impulse = crate::run::impulse(session)?;
    let mut entries = targets(id)?;
    for entry in &mut entries {
        let target = crate::stages::build::target(&entry.id)?;
        let layout = edgewright_compile::layout(&impulse, target)?;
        entry.fit = Some(fit(entry, layout.arena_bytes as u64, layout.weight_bytes as u64));
    }
    Ok(entries)
}

fn fit(entry: &TargetEntry, arena: u64, constants: u64) -> Fit {
    let (ram_needed, flash_needed) = (arena + STACK, constants + CODE);
    let share = |need: u64, there: Option<u64>| there.map(|there| need as f64 / there as f64);
    let (ram, flash) = (share(ram_needed, entry.ram_bytes), share(flash_needed, entry.flash_bytes));
    let (binding, most) = if flash > ram { ("flash", flash) } else { ("ram", ram) };
    Fit {
        fits: most.map(|share| share <= 1.0),
        ram_needed,
        flash_needed,
        binding: most.map(|_| binding.to_owned()),
        share: most,
    }
}

impl TargetEntry {
    /// One line for people.
    pub fn to_text(&self) -> String {
        let kilobytes = |b: Option<u64>| b.map_or("?".to_owned(), |b| (b / 1024).to_string());
        let mut out = format!("{:<26} {:<9} ", self.id, self.proof);
        match &self.fit {
            Some(fit) => {
                let word = fit.fits.map_or("unknown", |f| if f { "fits" } else { "too small" });
                let binding = match (&fit.binding, fit.share) {
                    (Some(binding), Some(share)) => format!("{binding} {:.1} %", 100.0 * share),
                    _ => "memory not known".into(),
                };
                out.push_str(&format!("{word:<10} {binding:<16}"));
            }
            None => out.push_str(&format!("{:<40}", self.packages.join(", "))),
        }
        out.push_str(&format!(
            " {:>8} KB RAM {:>7} KB flash  {}",
            kilobytes(self.ram_bytes),
            kilobytes(self.flash_bytes),
            self.title
        ));
        out
    }
}

/// All targets, or one.
///
/// # Errors
/// [`EngineError::Usage`] for an id that is not there.
pub fn targets(id: Option<&str>) -> Result<Vec<TargetEntry>, EngineError> {
    let all: Vec<TargetEntry> = edgewright_compile::target::all()
        .iter()
        .map(|t| {
            let h = &t.hardware;
            TargetEntry {
                id: t.id.clone(),
                title: t.title.clone(),
                packages: t.packages.clone(),
                proof: t.proof.to_string(),
                core: h.core.clone(),
                isa: t.isa.clone(),
                soc: h.soc.clone(),
                clock_mhz: h.clock_mhz,
                ram_bytes: h.ram_bytes,
                flash_bytes: h.flash_bytes,
                external: h.external.clone(),
                accelerator: h.accelerator.clone(),
                fit: None,
            }
        })
        .collect();
    match id {
        None => Ok(all),
        Some(id) => match all.iter().find(|t| t.id == id) {
            Some(t) => Ok(vec![t.clone()]),
            None => {
                let hint = nearest(id, all.iter().map(|t| t.id.as_str()))
                    .map(|n| format!("\nhint: did you mean `{n}`?"))
                    .unwrap_or_default();
                Err(EngineError::Usage(format!("there is no target `{id}`{hint}")))
            }
        },
    }
}

/// Writes the pages. Each begins with where it comes from.
///
/// # Errors
/// [`EngineError::Io`].
pub fn write(out: &Path, commands: &str) -> Result<(), EngineError> {
    std::fs::create_dir_all(out).at(out)?;
    let pages = [
        ("cli.md", commands.to_owned(), "the command definitions in crates/cli/src/args.rs"),
        ("blocks.md", blocks(), "the block declarations in crates/dsp"),
        ("targets.md", target_table()?, "targets/*.toml"),
    ];
    for (name, text, source) in pages {
        let path = out.join(name);
        let head =
            format!("<!-- Do not edit: made by `cargo xtask generate`.\n     Source: {source}. -->\n\n");
        std::fs::write(&path, head + &text).at(&path)?;
    }
    Ok(())
}

fn blocks() -> String {
    let mut out = String::from(
        "# DSP blocks\n\nKeys of `[[impulse.dsp]]` and of `edgewright dsp run --params`. What each costs on a microcontroller: [dsp-cost.md](dsp-cost.md); with other parameters: `edgewright estimate`, which [dsp-estimate.md](dsp-estimate.md) holds to counts.\n",
    );
    for b in edgewright_dsp::blocks() {
        let versions: Vec<String> = b.versions.iter().map(u32::to_string).collect();
        out.push_str(&format!(
            "\n## {} (`{}`)\n\n{}\n\nVersions: {}.\n",
            b.title,
            b.name,
            b.help,
            versions.join(", ")
        ));
        if b.params.is_empty() {
            continue;
        }
        out.push_str(
            "\n| parameter | default | range | unit | versions | effect |\n|---|---|---|---|---|---|\n",
        );
        for p in b.params {
            let versions: Vec<String> = p.versions.iter().map(u32::to_string).collect();
            out.push_str(&format!(
                "| `{}` | {} | {} | {} | {} | {} |\n",
                p.name,
                dsp_tool::default(p),
                dsp_tool::range(p),
                p.unit,
                versions.join(", "),
                p.help
            ));
        }
        if b.name == "custom" {
            out.push_str(&language());
        }
    }
    out.push_str(EXTERNAL);
    out
}

const EXTERNAL: &str = "
## External blocks (`external`)

A program of one's own that answers `/parameters`, `/run` and `/batch` over HTTP gives the features; `url` says where, or `command` starts
it, and `parameters` are those that it declares. There is no C of it: everything up to the test runs, and nothing is exported. See
[examples/dsp-blocks](../examples/dsp-blocks/README.md).
";

/// The language of custom blocks.
fn language() -> String {
    let mut out = format!(
        "\n{LANGUAGE}\n```toml\n[[impulse.dsp]]\nblock = \"custom\"\nfile = \"motion.ew\"        # or program = \"...\" here\nvalues = \"edge = 4\"\n```\n\n`motion.ew`:\n\n```text\n{}```\n\n| function | gives |\n|---|---|\n",
        edgewright_dsp::EXAMPLE
    );
    for f in edgewright_dsp::FUNCTIONS {
        let usage = f.usage.replace(" or ", "`, `");
        out.push_str(&format!("| `{usage}` | {} |\n", f.help));
    }
    out
}

const LANGUAGE: &str = r"A program has one statement on a line (or several with `;` between them); `#` begins a comment, and within parentheses a line may end.

- `axes x, y, z` names the axes that the block sees, in their order; without it they are `axis0`, `axis1`, ...
- `param name = number`, or `param name = number from low to high`: a number that `values` sets.
- `let name = expression`.
- `feature name = expression`, the name in quotes where it has spaces: one feature of a scalar, as many as there are values of a series or spectrum.

An expression is a scalar, a series (of a known length, at a rate) or a spectrum (of bins). `+ - * /` and `< <= > >=` (1 or 0) work
value by value; a scalar goes with every value of the other side, two series or spectra must have the same length and rate. A division by 0
gives 0, and a feature that is no finite number becomes 0. Beside names there are `rate` (Hz), `frames`, `pi` and `time` (seconds from the
window's start). What does not fit is refused with line, column and both types.

What is the same is computed once, what no selected feature needs is not computed, and values share memory when their time is over: the RAM
is known before the build (`edgewright run` reports it). An axis that no feature needs is not read on the device. The C has the bits of the Rust side.
In the table `x` and `y` are series, `s` is a spectrum, `v` any of them; what stands for a number must be known before the run.
";

fn target_table() -> Result<String, EngineError> {
    let mut out = String::from(
        "# Targets\n\nA target is a core or a board with that core. `executed`: code for the core is built and run (natively or in\nQEMU) and compared bit for bit; `compiled`: it is built, and run in our tests alone; `source`: it is emitted, and nothing more is claimed. `edgewright targets --fit DIR` says\non which the impulse of a project fits.\n\n## Cores\n\n| target | what | instruction set | packages | proof |\n|---|---|---|---|---|\n",
    );
    let all = targets(None)?;
    for t in all.iter().filter(|t| t.core.is_none()) {
        out.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            t.id,
            t.title,
            t.isa,
            t.packages.join(", "),
            t.proof
        ));
    }
    out.push_str("\n## Boards\n\nRAM and flash in KB; what is not known is left empty.\n\n| target | board | chip | core | MHz | RAM | flash | beside | accelerator | packages | proof |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    let kilobytes = |b: Option<u64>| b.map(|b| (b / 1024).to_string()).unwrap_or_default();
    for t in &all {
        let Some(core) = &t.core else { continue };
        let text = |v: &Option<String>| v.clone().unwrap_or_default();
        out.push_str(&format!(
            "| `{}` | {} | {} | `{core}` | {} | {} | {} | {} | {} | {} | {} |\n",
            t.id,
            t.title,
            text(&t.soc),
            t.clock_mhz.map(|m| m.to_string()).unwrap_or_default(),
            kilobytes(t.ram_bytes),
            kilobytes(t.flash_bytes),
            text(&t.external),
            text(&t.accelerator),
            t.packages.join(", "),
            t.proof
        ));
    }
    Ok(out)
}
