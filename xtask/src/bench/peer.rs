//! The Python side: its virtual environment and the settings it is given.

use crate::{
    process::{captured, command, quiet},
    workspace::{Workspace, read, write},
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Python of a virtual environment below the build folder; made, with the packages of a list in `benches/peers`, when it is not there
/// or older than they are.
pub fn python(workspace: &Workspace, environment: &str, packages: &str) -> Result<PathBuf> {
    let dir = workspace.target()?.join(environment);
    let python = dir.join("bin/python");
    let list = workspace.root.join("benches/peers").join(packages);
    let wanted = read(&list)?;
    let stamp = dir.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) && python.exists() {
        return Ok(python);
    }
    eprintln!("installing the peer's packages into {}", dir.display());
    captured(command(&workspace.root, "python3", ["-m", "venv", "--clear"]).arg(&dir))
        .context("the peer needs Python 3 with venv (Debian: python3-venv)")?;
    captured(
        command(&workspace.root, &python, ["-m", "pip", "install", "--quiet", "--requirement"]).arg(&list),
    )?;
    write(&stamp, wanted)?;
    Ok(python)
}

/// Names and versions of what the script mainly uses.
pub fn name(workspace: &Workspace, python: &Path) -> String {
    let code = "import importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in ('python_speech_features', 'keras', 'tensorflow-cpu')))";
    let versions = quiet(&mut command(&workspace.root, python, ["-c", code])).unwrap_or_default();
    format!("Python script: {}", versions.trim())
}

/// Where each recording of a project lies after its split stage.
struct Placed {
    name: String,
    label: String,
    side: String,
}

fn placed(binary: &Path, project: &Path) -> Result<Vec<Placed>> {
    let ask = |args: &[&str]| -> Result<Value> {
        let out = captured(command(project, binary, ["data"]).args(args).arg("--json"))?;
        serde_json::from_str(&out)
            .with_context(|| format!("`edgewright data {}` printed no JSON", args.join(" ")))
    };
    let list = ask(&["list"])?;
    let mut out = Vec::new();
    for sample in list["samples"].as_array().context("`data list` names no samples")? {
        let word = |key: &str| sample[key].as_str().unwrap_or_default();
        let trace = ask(&["trace", word("id")])?;
        // A recording that cleaning took out has no side.
        if let Some(side) = trace["side"].as_str() {
            out.push(Placed { name: word("name").into(), label: word("label").into(), side: side.into() });
        }
    }
    Ok(out)
}

/// Settings of `keywords.py`: what the project file and the product say, so that both sides do the same. The project must have been
/// run as far as its split.
pub fn settings(workspace: &Workspace, binary: &Path, project: &Path, epochs: u64) -> Result<Value> {
    let file: toml::Table = read(&project.join("edgewright.toml"))?.parse().context("edgewright.toml")?;
    let at = |path: &[&str]| -> Option<toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(file.get(*first)?.clone(), |v, key| v.get(key).cloned())
    };
    let number = |path: &[&str], default: f64| -> f64 {
        at(path).and_then(|v| v.as_float().or_else(|| v.as_integer().map(|i| i as f64))).unwrap_or(default)
    };
    let whole = |path: &[&str], default: i64| at(path).and_then(|v| v.as_integer()).unwrap_or(default);
    let block =
        file["impulse"]["dsp"].as_array().and_then(|d| d.first()).context("the example has no DSP block")?;
    let recordings = project.join("recordings");
    let files: Vec<Value> = placed(binary, project)?
        .iter()
        .map(|p| json!({"path": recordings.join(&p.name), "label": p.label, "side": p.side}))
        .collect();
    Ok(json!({
        "seed": whole(&["project", "seed"], 1),
        "rate_hz": number(&["impulse", "rate_hz"], 16000.0) as i64,
        "window_ms": number(&["impulse", "window_ms"], 1000.0),
        "mfcc": mfcc(binary, project, block)?,
        "layers": layers(workspace)?,
        "epochs": epochs,
        "batch_size": whole(&["training", "batch_size"], 32),
        "learning_rate": number(&["training", "learning_rate"], 0.003),
        "weight_decay": number(&["training", "weight_decay"], 0.0001),
        "augment": {
            "noise": number(&["training", "augment", "noise"], 0.0),
            "time_shift": whole(&["training", "augment", "time_shift"], 0),
            "time_mask": whole(&["training", "augment", "time_mask"], 0),
            "frequency_mask": whole(&["training", "augment", "frequency_mask"], 0),
        },
        "files": files,
    }))
}

/// Parameters of the MFCC block: the example's over the block's defaults.
fn mfcc(binary: &Path, project: &Path, block: &toml::Value) -> Result<BTreeMap<String, Value>> {
    let text = captured(&mut command(project, binary, ["dsp", "list", "--json"]))?;
    let list: Value = serde_json::from_str(&text).context("`edgewright dsp list --json` printed no JSON")?;
    let name = block.get("block").and_then(toml::Value::as_str).context("a DSP block without a name")?;
    let declared = list["blocks"]
        .as_array()
        .and_then(|b| b.iter().find(|b| b["name"] == name))
        .with_context(|| format!("`dsp list` does not know `{name}`"))?;
    let mut out: BTreeMap<String, Value> = BTreeMap::new();
    for parameter in declared["parameters"].as_array().context("a block without parameters")? {
        let key = parameter["name"].as_str().unwrap_or_default().to_owned();
        let own = block.get(&key).and_then(|v| serde_json::to_value(v.clone()).ok());
        out.insert(key, own.unwrap_or_else(|| parameter["default"].clone()));
    }
    for needed in [
        "frame_length",
        "frame_stride",
        "num_cepstral",
        "num_filters",
        "fft_length",
        "low_frequency",
        "pre_cof",
    ] {
        if !out.get(needed).is_some_and(Value::is_number) {
            anyhow::bail!("the block `{name}` says no {needed}: {out:?}");
        }
    }
    Ok(out)
}

/// Layers of the network that the product takes for spectrograms, read where they are written.
fn layers(workspace: &Workspace) -> Result<Value> {
    let path = workspace.root.join("crates/engine/src/architecture.rs");
    let text = read(&path)?;
    let list = text
        .split_once("const SPECTROGRAM: &str = r#\"")
        .and_then(|(_, rest)| rest.split_once("\"#;"))
        .map(|(list, _)| list)
        .with_context(|| format!("{}: no SPECTROGRAM network", workspace.below(&path).display()))?;
    let table: toml::Table = list.parse().context("the SPECTROGRAM network")?;
    serde_json::to_value(table.get("layers").cloned().context("no layers")?).context("layers")
}
