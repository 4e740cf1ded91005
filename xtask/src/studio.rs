//! `studio`: types against the OpenAPI document, the checker, the size of the first load, and the way through in a real browser.

use crate::{
    flags, packages,
    process::{captured, command, quiet, run as start},
    workspace::{Workspace, list, read},
};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// First load, compressed, in bytes.
const FIRST_LOAD: usize = 200 * 1000;

/// Runs all of it. `--types` only writes the types anew.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<String> {
    let (found, rest) = flags(args, &["--types"])?;
    if let Some(word) = rest.first() {
        return Err(crate::Usage(format!("`studio` takes no `{word}`")).into());
    }
    let studio = workspace.root.join("studio");
    install(&studio)?;
    let types = studio.join("src/api/types.ts");
    if !found.is_empty() {
        captured(&mut command(&studio, "npm", ["run", "--silent", "types"]))?;
        return Ok("studio/src/api/types.ts".into());
    }
    let fresh = workspace.scratch("studio")?.join("types.ts");
    let fresh_text = fresh.display().to_string();
    captured(&mut command(
        &studio,
        "node_modules/.bin/openapi-typescript",
        ["../docs/openapi.json", "--output", &fresh_text],
    ))?;
    if read(&types)? != read(&fresh)? {
        bail!(
            "studio/src/api/types.ts is not up to date; run `cargo xtask studio --types` and commit the result"
        );
    }
    start(&mut command(&studio, "npm", ["run", "--silent", "check"]))?;
    start(&mut command(&studio, "node", ["--test", "tests/"]))?;
    let dist = workspace.scratch("studio-dist")?;
    let dist_text = dist.display().to_string();
    captured(&mut command(
        &studio,
        "node_modules/.bin/vite",
        ["build", "--emptyOutDir", "--outDir", &dist_text],
    ))?;
    let size = first_load(workspace, &dist)?;
    if size > FIRST_LOAD {
        bail!("the first load of the Studio is {size} bytes compressed, more than {FIRST_LOAD}");
    }
    packages::ensure_browser(workspace)?;
    start(&mut workspace.cargo(["build", "--locked", "--quiet", "--package", "edgewright-cli"]))?;
    let binary = workspace.target()?.join("debug/edgewright");
    let shots = workspace.scratch("studio-shots")?;
    for test in [
        "e2e/way.mjs",
        "e2e/collect.mjs",
        "e2e/tls.mjs",
        "e2e/live.mjs",
        "e2e/accounts.mjs",
        "e2e/studies.mjs",
        "e2e/versions.mjs",
        "e2e/impulses.mjs",
        "e2e/insight.mjs",
        "e2e/explorer.mjs",
        "e2e/editing.mjs",
    ] {
        start(command(&studio, "node", [test]).arg(&binary).arg(&shots))?;
    }
    Ok(format!(
        "first load {:.0} kB; {} screenshots in {}",
        size as f64 / 1000.0,
        list(&shots)?.len(),
        workspace.below(&shots).display()
    ))
}

/// Installs the npm packages unless they are those of the lock file.
pub fn install(studio: &Path) -> Result<()> {
    let lock = read(&studio.join("package-lock.json"))?;
    let mark = studio.join("node_modules/.edgewright-lock");
    if std::fs::read_to_string(&mark).is_ok_and(|there| there == lock) {
        return Ok(());
    }
    if quiet(&mut command(studio, "npm", ["--version"])).is_none() {
        bail!("`npm` is not there; install Node.js 20.19 or newer");
    }
    captured(&mut command(studio, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    std::fs::write(&mark, lock).with_context(|| format!("cannot write {}", mark.display()))
}

/// Bytes of the page, its scripts and styles, compressed as a server on the network would send them.
fn first_load(workspace: &Workspace, dist: &Path) -> Result<usize> {
    let mut files = vec![dist.join("index.html")];
    files.extend(list(&dist.join("assets"))?);
    let mut size = 0;
    for file in files {
        let out = command(&workspace.root, "gzip", ["-9", "-c"]).arg(&file).output()?;
        size += out.stdout.len();
    }
    Ok(size)
}
