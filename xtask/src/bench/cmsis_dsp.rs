//! Group `cmsis-dsp`: instructions of blocks on a Cortex-M4F, beside the same features put together from CMSIS-DSP's functions.
//!
//! Its sources are not fetched: `CMSIS_DSP` and `CMSIS` name checkouts of <https://github.com/ARM-software/CMSIS-DSP> and
//! <https://github.com/ARM-software/CMSIS_6>.

use super::{Claim, Figure};
use crate::{
    process::{captured, command},
    workspace::Workspace,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{env, path::Path};

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, _pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let (Some(dsp), Some(core)) = (env::var_os("CMSIS_DSP"), env::var_os("CMSIS")) else {
        eprintln!("cmsis-dsp: not run, CMSIS_DSP and CMSIS do not name checkouts of CMSIS-DSP and CMSIS 6");
        return Ok(());
    };
    let commit = captured(&mut command(Path::new(&dsp), "git", ["log", "-1", "--format=%h of %cs"]))
        .map_or("unknown".into(), |t| t.trim().to_owned());
    let mut counting = workspace.cargo([
        "run",
        "--quiet",
        "--locked",
        "--package",
        "edgewright-compile",
        "--example",
        "dsp_cost",
        "--",
        "--cmsis-dsp",
    ]);
    let lines = captured(counting.arg(dsp).arg(core))?;
    for line in lines.lines() {
        let seen: Value = serde_json::from_str(line).with_context(|| format!("dsp_cost said {line}"))?;
        let number = |key: &str| seen[key].as_f64().with_context(|| format!("no `{key}` in {line}"));
        tell(Figure {
            name: format!("{}_cortex_m4f_instructions", seen["block"].as_str().unwrap_or_default()),
            unit: "instructions",
            peer_name: Some(format!("CMSIS-DSP, commit {commit}")),
            runs: vec![(number("ours")?, Some(number("peer")?))],
            claim: Some(Claim::Ratio(1.1)),
            notes: json!({
                "build": "arm-none-eabi-gcc -O3, counted in QEMU; the peer with -ffast-math and its loops unrolled",
                "largest difference of a feature": number("apart")?,
            }),
        });
    }
    Ok(())
}
