//! `fuzz`: every fuzz target for some seconds, from its committed seeds.

use crate::{
    option,
    process::{command, run as start},
    workspace::{Workspace, read},
};
use anyhow::{Context, Result, bail};
use std::time::Instant;

/// Runs the targets one after another.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (seconds, rest) = option(args, "--seconds")?;
    let seconds = seconds.unwrap_or(60);
    let (_, wanted) = crate::flags(&rest, &[])?;
    let dir = workspace.root.join("fuzz");
    let manifest: toml::Table = read(&dir.join("Cargo.toml"))?.parse().context("fuzz/Cargo.toml")?;
    let targets: Vec<&str> = manifest
        .get("bin")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|b| b.get("name")?.as_str())
        .collect();
    if targets.is_empty() {
        bail!("fuzz/Cargo.toml names no target");
    }
    if let Some(unknown) = wanted.iter().find(|w| !targets.contains(w)) {
        return Err(
            crate::Usage(format!("no fuzz target `{unknown}`; there are {}", targets.join(", "))).into()
        );
    }
    let mut broken = Vec::new();
    for target in targets.into_iter().filter(|t| wanted.is_empty() || wanted.contains(t)) {
        let corpus = format!("corpus/{target}");
        std::fs::create_dir_all(dir.join(&corpus)).with_context(|| format!("cannot make fuzz/{corpus}"))?;
        let time = if seconds == 0 { "-runs=0".to_owned() } else { format!("-max_total_time={seconds}") };
        let seeds = format!("seeds/{target}");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let started = Instant::now();
        let result = start(&mut command(
            &dir,
            cargo,
            [
                "run",
                "--release",
                "--locked",
                "--quiet",
                "--bin",
                target,
                "--",
                &time,
                "-max_len=65536",
                "-rss_limit_mb=2048",
                "-timeout=10",
                "-verbosity=0",
                "-print_final_stats=1",
                &corpus,
                &seeds,
            ],
        ));
        match result {
            Ok(()) => println!("fuzz {target} ... ok ({:.1} s)", started.elapsed().as_secs_f64()),
            Err(e) => {
                println!("fuzz {target} ... FAILED: {e:#}");
                broken.push(target);
            }
        }
    }
    if !broken.is_empty() {
        bail!(
            "findings in {}; the inputs lie in fuzz/, fuzz/README.md says how to see them again",
            broken.join(", ")
        );
    }
    Ok(())
}
