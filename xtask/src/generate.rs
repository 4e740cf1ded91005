//! `generate [--check]`: pages of `docs/` that the product writes about itself; `generate --device`: those that take emulated cores.

use crate::{
    flags,
    process::{captured, command, quiet},
    workspace::{Workspace, list, name, read, write},
};
use anyhow::{Result, bail};

/// Examples of `compile` that write pages from what emulated cores counted, what they take before the file, and the pages: the first
/// takes a cross compiler, QEMU and some minutes. Tests of `compile` hold them to the blocks.
const DEVICE: [(&str, &[&str], &str); 2] =
    [("dsp_cost", &[], "dsp-cost.md"), ("dsp_estimate", &["page"], "dsp-estimate.md")];

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
        for (example, words, page) in DEVICE {
            let mut make = workspace.cargo([
                "run",
                "--quiet",
                "--release",
                "--locked",
                "--package",
                "edgewright-compile",
            ]);
            make.args(["--example", example, "--"]).args(words);
            captured(make.arg(workspace.root.join("docs").join(page)))?;
            println!("docs/{page}");
        }
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
        let here = made.contains(&name(page)) || DEVICE.iter().any(|d| d.2 == name(page));
        if !here && read(page)?.starts_with("<!-- Do not edit") {
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
