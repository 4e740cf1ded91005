//! Group `studio`: a project of 100,000 samples in headless Chromium, which draws WebGL on the processor where there is no graphics card.

use super::{Claim, Figure};
use crate::{
    packages,
    process::{captured, command},
    workspace::Workspace,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Runs all figures of the group. `cargo xtask studio` has installed the npm packages.
pub fn run(workspace: &Workspace, _pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    packages::ensure_browser(workspace)?;
    crate::studio::install(&workspace.root.join("studio"))?;
    let binary = workspace.release_binary()?;
    let shots = workspace.scratch("bench-studio")?;
    let mut node = command(&workspace.root.join("studio"), "node", ["e2e/large.mjs"]);
    let said = captured(node.arg(&binary).arg(&shots))?;
    let line = said.lines().find(|l| l.starts_with('{')).context("no figures")?;
    let told: Value = serde_json::from_str(line)?;
    let turning = &told["turning"];
    for (name, unit, value, claim) in [
        ("studio_first_page_time", "ms", &told["first_page_ms"], Claim::Best(200.0)),
        ("studio_filter_time", "ms", &told["filter_ms"], Claim::Best(500.0)),
        ("studio_map_open_time", "ms", &told["map_open_ms"], Claim::Best(2000.0)),
        (
            "studio_map_frame_time",
            "ms",
            &json!(1000.0 / turning["fps"].as_f64().context("no rate")?),
            Claim::Best(1000.0 / 60.0 + 0.5),
        ),
    ] {
        let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        let runs = all.iter().map(|v| Ok((v.as_f64().context("no number")?, None))).collect::<Result<_>>()?;
        let notes = json!({"samples": 100_000, "turning": turning});
        tell(Figure { name: name.into(), unit, peer_name: None, runs, claim: Some(claim), notes });
    }
    Ok(())
}
