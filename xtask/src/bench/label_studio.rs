//! Group `label-studio`: the same 20,000 samples taken in and listed over HTTP, by us and by Label Studio, in turn.

use super::{Claim, Figure, peer, server};
use crate::{
    process::{captured, command},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Files of 500 rows each.
const FILES: usize = 40;
/// Requests of each kind.
const ROUNDS: &str = "11";
/// What is asked for: a tenth of the time.
const TENTH: Claim = Claim::Ratio(0.1);

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, _pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let python = peer::python(workspace, "bench-venv-label-studio", "label_studio.txt")?;
    let binary = workspace.release_binary()?;
    let dir = workspace.scratch("bench-label-studio")?;
    let tables = dir.join("tables");
    for n in 0..FILES {
        write(&tables.join(format!("part{n:03}.csv")), server::table(n).as_bytes())?;
    }
    captured(&mut command(&dir, &binary, ["new", "projects/large", "--template", "tabular"]))?;
    let key = captured(&mut command(&dir, &binary, ["key", "create", "projects", "--json"]))?;
    let key: Value = serde_json::from_str(&key)?;
    let key = key["key"].as_str().context("no key")?;
    let ours = server::Server::start(&binary, &dir.join("projects"), key)?;

    let script = workspace.root.join("benches/peers/label_studio.py");
    let program = python.with_file_name("label-studio");
    let mut both = command(&dir, &python, [script]);
    both.arg(program).arg(&dir).arg(&tables).args([&ours.address, key, ROUNDS]);
    let told: Value = serde_json::from_str(&captured(&mut both)?)?;
    let name = "Label Studio 1.23.2";
    let runs = |of: &str| -> Result<Vec<(f64, Option<f64>)>> {
        let runs = told[of].as_array().with_context(|| format!("no {of}"))?;
        let seconds = |run: &Value, side: &str| run[side].as_f64().context("no number");
        runs.iter().map(|run| Ok((seconds(run, "ours")?, Some(seconds(run, "peer")?)))).collect()
    };
    for (figure, of) in [
        ("label_studio_import_time", "import"),
        ("label_studio_first_page_time", "first_page"),
        ("label_studio_filter_by_label_time", "filter_by_label"),
    ] {
        tell(Figure {
            name: figure.into(),
            unit: "s",
            peer_name: Some(name.into()),
            runs: runs(of)?,
            claim: Some(TENTH),
            notes: json!({"samples": told["samples"], "files": FILES}),
        });
    }
    tell(Figure {
        name: "label_studio_server_peak_bytes".into(),
        unit: "bytes",
        peer_name: Some(name.into()),
        runs: vec![(ours.peak_bytes()?, told["peer_peak_bytes"].as_f64())],
        claim: None,
        notes: json!({"after": "the import and the lists of this group"}),
    });
    ours.kill()?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
