//! Group `build`: how long the README's first command builds on a machine that has nothing built yet.

use super::{Figure, process::measure};
use crate::workspace::Workspace;
use anyhow::Result;
use serde_json::json;

/// Measures one build into an empty folder. Downloads are not part of it: the packages are fetched before.
pub fn run(workspace: &Workspace, _pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let target = workspace.scratch("first-build")?;
    crate::process::run(&mut workspace.cargo(["fetch", "--locked", "--quiet"]))?;
    let mut build = workspace.cargo(["build", "--release", "--locked", "--quiet"]);
    let cost = measure(workspace, build.env("CARGO_TARGET_DIR", &target))?;
    std::fs::remove_dir_all(&target)?;
    tell(Figure {
        name: "first_build_time".into(),
        unit: "s",
        peer_name: None,
        runs: vec![(cost.seconds, None)],
        claim: Some(super::Claim::Best(360.0)),
        notes: json!({"command": "cargo build --release, from clean, packages fetched before"}),
    });
    Ok(())
}
