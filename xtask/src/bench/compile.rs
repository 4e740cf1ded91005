//! Group `compile`: what the emitted code of the MLPerf Tiny models costs on emulated cores, and how long emitting takes.

use super::{Claim, Figure};
use crate::{
    budgets::BUDGETS,
    process::{captured, command},
    workspace::Workspace,
};
use anyhow::Result;
use serde_json::json;

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let models =
        workspace.shared_data().and_then(|d| Some(d.parent()?.join("models"))).filter(|d| d.is_dir());
    let Some(models) = models else {
        eprintln!("compile: not run, there is no folder ../shared/models");
        return Ok(());
    };
    let binary = workspace.release_binary()?;
    let work = workspace.scratch("bench/compile")?;
    for budget in &BUDGETS {
        let Some(model) = budget.path(&models) else { continue };
        let cost = budget.measure(&binary, &work, &model)?;
        let name = |what: &str| -> &'static str {
            // One of a dozen names for the life of the process.
            Box::leak(format!("{}_{}_{what}", budget.name, budget.core.replace('-', "_")).into_boxed_str())
        };
        let notes = json!({"model": budget.file, "build": "arm-none-eabi-gcc -O3, counted in QEMU", "core": budget.core});
        for (what, unit, is, most) in [
            ("instructions_per_mac", "instructions", cost.per_mac, budget.per_mac),
            ("ram_bytes", "bytes", cost.ram, budget.ram),
            ("flash_bytes", "bytes", cost.flash, budget.flash),
        ] {
            tell(Figure {
                name: name(what).into(),
                unit,
                peer_name: None,
                runs: vec![(is, None)],
                claim: Some(Claim::Best(most)),
                notes: notes.clone(),
            });
        }
        let runs = (0..pairs)
            .map(|_| {
                let mut run = command(&work, &binary, ["model", "export"]);
                run.arg(&model).args(["--format", "c", "--target", budget.core, "--out", "c"]);
                let started = std::time::Instant::now();
                captured(&mut run)?;
                Ok((started.elapsed().as_secs_f64(), None))
            })
            .collect::<Result<_>>()?;
        tell(Figure {
            name: name("emit_time").into(),
            unit: "s",
            peer_name: None,
            runs,
            claim: Some(Claim::Best(1.0)),
            notes: json!({"command": "model export --format c", "model": budget.file}),
        });
    }
    Ok(())
}
