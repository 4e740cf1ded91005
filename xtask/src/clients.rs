//! `clients`: the clients that Edge Impulse publishes, as they are, against our server. They come from npm and PyPI, so this needs the network.

use crate::{
    flags, packages,
    process::{captured, command, quiet, run as start},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// What npm installs. The package names sharp 0.32, whose binary is fetched from elsewhere by a script; a later one has it on npm.
const NODE: &str = r#"{"private": true, "dependencies": {"edge-impulse-linux": "1.25.2"}, "overrides": {"sharp": "0.33.5"}}"#;
/// What pip installs.
const PYTHON: &[&str] = &["edgeimpulse==1.0.20", "edgeimpulse-api==1.96.3"];

/// Installs them below the build folder, once, and runs them.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (_, rest) = flags(args, &[])?;
    if let Some(word) = rest.first() {
        return Err(crate::Usage(format!("`clients` takes no `{word}`")).into());
    }
    packages::ensure_clients(workspace)?;
    let installed = installed(workspace)?;
    start(&mut workspace.cargo(["build", "--locked", "--quiet", "--package", "edgewright-cli"]))?;
    let script = workspace.root.join("xtask/clients/real.mjs");
    let mut real = command(&workspace.root, "node", [script.as_os_str()]);
    real.arg(workspace.target()?.join("debug/edgewright")).arg(&installed).arg(python(&installed));
    start(&mut real)
}

fn python(installed: &Path) -> PathBuf {
    installed.join("venv/bin/python")
}

/// The folder with both kinds of packages.
fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.target()?.join("xtask").join("clients-installed");
    let mark = dir.join("mark");
    let wanted = format!("{NODE}\n{}", PYTHON.join("\n"));
    if std::fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(dir);
    }
    if quiet(&mut command(&workspace.root, "npm", ["--version"])).is_none() {
        bail!("`npm` is not there; install Node.js 20 or newer");
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    write(&dir.join("package.json"), NODE)?;
    captured(&mut command(&dir, "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    captured(&mut command(&dir, "python3", ["-m", "venv", "venv"]))?;
    let mut pip = command(&dir, python(&dir), ["-m", "pip", "install", "--quiet"]);
    captured(pip.args(PYTHON))?;
    write(&mark, wanted)?;
    Ok(dir)
}
