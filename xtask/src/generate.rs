//! `generate [--check]`: pages of `docs/` that the product writes about itself; `generate --device`: the one that takes emulated cores.

use crate::{
    flags,
    process::{captured, command, quiet},
    workspace::{Workspace, list, name, read, write},
};
use anyhow::{Result, bail};

/// The page that takes a cross compiler, QEMU and some minutes. A test of `compile` holds it to the blocks.
const DEVICE: &str = "dsp-cost.md";

/// Writes the pages, or with `--check` compares them with what is there.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (found, rest) = flags(args, &["--check", "--device"])?;
    if let Some(word) = rest.first() {
        return Err(crate::Usage(format!("`generate` takes no `{word}`")).into());
    }
    if found.contains(&"--device") {
        if found.len() > 1 {
            return Err(crate::Usage(
                "`generate --device` has no `--check`: `cargo xtask test` does it".into(),
            )
            .into());
        }
        let mut make =
            workspace.cargo(["run", "--quiet", "--release", "--locked", "--package", "edgewright-compile"]);
        captured(make.args(["--example", "dsp_cost", "--"]).arg(workspace.root.join("docs").join(DEVICE)))?;
        println!("docs/{DEVICE}");
        return Ok(());
    }
    let fresh = workspace.scratch("generate")?;
    let mut make =
        workspace.cargo(["run", "--quiet", "--locked", "--package", "edgewright-cli", "--", "generate-docs"]);
    captured(make.arg(&fresh))?;
    let pages = list(&fresh)?;
    if pages.is_empty() {
        bail!("`edgewright generate-docs` wrote no page");
    }
    let docs = workspace.root.join("docs");
    if found.is_empty() {
        for page in &pages {
            write(&docs.join(name(page)), read(page)?)?;
            println!("docs/{}", name(page));
        }
        return Ok(());
    }
    let mut stale = Vec::new();
    for page in &pages {
        let there = docs.join(name(page));
        if std::fs::read_to_string(&there).is_ok_and(|t| read(page).is_ok_and(|fresh| fresh == t)) {
            continue;
        }
        stale.push(name(page));
        let diff = ["-u", "--label", "committed", "--label", "generated"].map(str::to_owned);
        let paths = [there.display().to_string(), page.display().to_string()];
        // diff ends with 1 when it found something.
        let out = command(&workspace.root, "diff", diff.iter().chain(&paths)).output();
        eprintln!("docs/{}:", name(page));
        if let Ok(out) = out {
            for line in String::from_utf8_lossy(&out.stdout).lines().take(40) {
                eprintln!("{line}");
            }
        }
    }
    // A page that nothing makes any more still carries the mark of a generated one.
    let made: Vec<String> = pages.iter().map(|p| name(p)).collect();
    for page in list(&docs)?.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        if !made.contains(&name(page)) && name(page) != DEVICE && read(page)?.starts_with("<!-- Do not edit")
        {
            eprintln!("docs/{}: nothing makes this page any more", name(page));
            stale.push(name(page));
        }
    }
    if !stale.is_empty() {
        let hint = quiet(&mut command(&workspace.root, "git", ["--version"]))
            .map_or("", |_| " and commit the result");
        bail!("not up to date: {}; run `cargo xtask generate`{hint}", stale.join(", "));
    }
    println!("{} pages are up to date", pages.len());
    Ok(())
}
