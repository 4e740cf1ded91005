//! Group `train`: training throughput of five networks against Keras and PyTorch, two threads each.

use super::{Claim, Figure, peer};
use crate::{
    process::{captured, command, run as execute},
    workspace::{Workspace, read},
};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Threads of both sides.
const THREADS: &str = "2";
/// The others, what ours must be over theirs, and whether they are for pictures only.
const PEERS: [(&str, f64, bool); 3] =
    [("keras", 3.0, false), ("torch", 1.5, false), ("torch-channels-last", 1.5, true)];
/// Memory of ours at most.
const PEAK_BYTES: f64 = 150e6;

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    execute(&mut workspace.cargo([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "edgewright-train",
        "--example",
        "throughput",
    ]))?;
    let binary = workspace.target()?.join("release/examples/throughput");
    let python = peer::python(workspace, "bench-train-venv", "train.txt")?;
    let list = workspace.root.join("benches/peers/train.json");
    let script = workspace.root.join("benches/peers/train.py");
    let networks: Value = serde_json::from_str(&read(&list)?).context("train.json")?;
    for entry in networks.as_array().context("train.json is no list")? {
        let (name, picture) = (
            entry["name"].as_str().context("a network without a name")?,
            entry["input"].as_array().is_some_and(|i| i.len() == 3),
        );
        let parse = |text: String| -> Result<Value> {
            let line = text.lines().last().unwrap_or_default();
            serde_json::from_str(line).with_context(|| format!("no figures of {name}"))
        };
        let ours = |epochs: &str, threads: &str| {
            parse(captured(command(&workspace.root, &binary, [&list]).args([name, epochs, threads]))?)
        };
        let theirs = |peer: &str, epochs: &str| {
            let mut python = command(&workspace.root, &python, [&script]);
            parse(captured(python.args([peer, name, epochs, THREADS]).env("PYTHONDONTWRITEBYTECODE", "1"))?)
        };
        let speed = |v: &Value| v["samples_per_second"].as_f64().unwrap_or(0.0);
        // About six seconds each.
        let rows = entry["rows"].as_f64().context("a network without rows")?;
        let epochs = |v: &Value| ((6.0 * speed(v) / rows).ceil().max(1.0) as u64).to_string();
        let enough = epochs(&ours("1", THREADS)?);
        let mut memory = Vec::new();
        let figure = |what: &str, peer_name, runs, claim, notes| Figure {
            name: format!("train_{name}_{what}_throughput"),
            unit: "samples/s",
            peer_name: Some(peer_name),
            runs,
            claim: Some(claim),
            notes,
        };
        for (peer, least, pictures) in PEERS {
            if pictures && !picture {
                continue;
            }
            let (mut runs, mut called) = (Vec::new(), String::new());
            let peer_epochs = epochs(&theirs(peer, "1")?);
            let mut parameters = Value::Null;
            for pair in 0..pairs {
                eprintln!("{name}, {peer}, pair {} of {pairs}", pair + 1);
                // Whoever goes first changes from pair to pair.
                let early = if pair % 2 == 1 { Some(theirs(peer, &peer_epochs)?) } else { None };
                let us = ours(&enough, THREADS)?;
                let them = match early {
                    Some(early) => early,
                    None => theirs(peer, &peer_epochs)?,
                };
                runs.push((speed(&us), Some(speed(&them))));
                let peak = |v: &Value| v["peak_bytes"].as_f64().unwrap_or(0.0);
                memory.push((peak(&us), Some(peak(&them))));
                called = them["name"].as_str().unwrap_or(peer).to_owned();
                parameters = json!({"ours, folded": us["parameters"], "peer": them["parameters"]});
            }
            let notes = json!({"threads": 2, "batch": 32, "parameters": parameters});
            tell(figure(peer, called, runs, Claim::RatioAtLeast(least), notes));
        }
        let mut runs = Vec::new();
        for _ in 0..pairs {
            let two = speed(&ours(&enough, "2")?);
            runs.push((two, Some(speed(&ours(&enough, "1")?))));
        }
        tell(figure("two_threads", "one thread".into(), runs, Claim::RatioAtLeast(1.8), Value::Null));
        tell(Figure {
            name: format!("train_{name}_peak_bytes"),
            unit: "bytes",
            peer_name: Some("Keras and PyTorch".into()),
            runs: memory,
            claim: Some(Claim::Best(PEAK_BYTES)),
            notes: Value::Null,
        });
    }
    Ok(())
}
