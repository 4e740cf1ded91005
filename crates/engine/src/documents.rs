//! The generated pages of the manual: commands, blocks, targets.

use crate::{EngineError, dsp_tool, error::AtPath, project::nearest};
use serde::Serialize;
use std::path::Path;

/// What can be built for.
#[derive(Clone, Debug, Serialize)]
pub struct TargetEntry {
    /// As in `--target`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Kinds of packages.
    pub packages: Vec<String>,
    /// `executed`, `compiled` or `source`: how far we prove what we emit.
    pub proof: String,
}

/// All targets, or one.
///
/// # Errors
/// [`EngineError::Usage`] for an id that is not there.
pub fn targets(id: Option<&str>) -> Result<Vec<TargetEntry>, EngineError> {
    let all: Vec<TargetEntry> = edgewright_compile::target::all()
        .iter()
        .map(|t| TargetEntry {
            id: t.id.clone(),
            title: t.title.clone(),
            packages: t.packages.clone(),
            proof: t.proof.to_string(),
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
    let mut out =
        String::from("# DSP blocks\n\nKeys of `[[impulse.dsp]]` and of `edgewright dsp run --params`.\n");
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
    }
    out
}

fn target_table() -> Result<String, EngineError> {
    let mut out = String::from(
        "# Targets\n\n`executed`: the emitted code is built and run (natively or in QEMU) and compared bit for bit.\n\n| target | what | packages | proof |\n|---|---|---|---|\n",
    );
    for t in targets(None)? {
        out.push_str(&format!("| `{}` | {} | {} | {} |\n", t.id, t.title, t.packages.join(", "), t.proof));
    }
    Ok(out)
}
