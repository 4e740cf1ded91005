//! The commands that `README.md` shows: what is printed there is what is run.

use crate::{
    process::{captured, command, run, shown},
    workspace::{Workspace, read},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// Headings of the README under which the tested commands stand.
const START: &str = "Start it";
const TEN: &str = "From sensor data to a flashed model";

/// Lines of the first fenced block below a heading.
fn block<'a>(text: &'a str, heading: &str) -> Result<Vec<&'a str>> {
    let mut found = Vec::new();
    let (mut below, mut fenced) = (false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            if fenced && below {
                break;
            }
            fenced = !fenced;
        } else if fenced {
            let command = line.split("  #").next().unwrap_or(line).trim();
            if below && !command.is_empty() && !command.starts_with('#') {
                found.push(command);
            }
        } else if line.starts_with('#') {
            below = line.trim_start_matches('#').trim() == heading;
        }
    }
    if found.is_empty() {
        bail!("README.md: no commands under the heading \"{heading}\"");
    }
    Ok(found)
}

/// Empties what a run of an example leaves, so that the next one starts as a fresh clone does.
fn clean_example(workspace: &Workspace, example: &str) -> Result<()> {
    for below in [".edgewright", "build", "report"] {
        let dir = workspace.root.join(example).join(below);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
    }
    Ok(())
}

/// Runs an example from clean with the given command, then again: the second run must do no work.
fn run_twice(workspace: &Workspace, example: &str, first: &[&str]) -> Result<String> {
    clean_example(workspace, example)?;
    run(&mut command(&workspace.root, first[0], &first[1..]))?;
    let binary = workspace.release_binary()?;
    let mut again = command(&workspace.root, &binary, ["run", example, "--json"]);
    let text = captured(&mut again)?;
    let result: Value =
        serde_json::from_str(&text).with_context(|| format!("`{}` printed no JSON", shown(&again)))?;
    second_run_is_idle(&result)?;
    proven(&result, &workspace.root)
}

/// Refuses a run that worked although nothing had changed.
fn second_run_is_idle(result: &Value) -> Result<()> {
    let stages = result["stages"].as_array().filter(|s| !s.is_empty()).context("the run names no stages")?;
    let busy: Vec<String> = stages
        .iter()
        .filter(|s| s["status"] != "cached")
        .map(|s| format!("{} was {}", s["name"].as_str().unwrap_or("?"), s["status"].as_str().unwrap_or("?")))
        .collect();
    if !busy.is_empty() {
        bail!("a second run did work although nothing had changed: {}", busy.join(", "));
    }
    Ok(())
}

/// Checks what the README promises of a run: figures in three arithmetics, proofs, a report and a package.
fn proven(result: &Value, root: &Path) -> Result<String> {
    for arithmetic in ["float", "int8", "c"] {
        if !result["test"][arithmetic].is_object() {
            bail!("the run has no figures for {arithmetic}");
        }
    }
    let proofs = result["verify"].as_array().filter(|v| !v.is_empty()).context("the run proved nothing")?;
    for proof in proofs {
        if proof["bit_exact"] != true {
            bail!("not bit-exact: {proof}");
        }
    }
    let artifacts =
        result["artifacts"].as_array().filter(|v| !v.is_empty()).context("the run exported nothing")?;
    let paths = artifacts.iter().map(|a| a["path"].as_str().unwrap_or_default());
    for path in paths.chain(result["report"].as_str()) {
        if path.is_empty() || !root.join(path).exists() {
            bail!("the run names `{path}`, which does not exist");
        }
    }
    let targets: Vec<&str> = proofs.iter().filter_map(|p| p["target"].as_str()).collect();
    let figure = &result["test"]["int8"]["accuracy"];
    Ok(format!("int8 accuracy {figure}, bit-exact on {}", targets.join(" and ")))
}

/// The first of the two commands, from clean and once more. The second, `cargo xtask test`, is a step of its own.
pub fn quick_start(workspace: &Workspace) -> Result<String> {
    let text = read(&workspace.root.join("README.md"))?;
    let lines = block(&text, START)?;
    let [first, "cargo xtask test"] = lines[..] else {
        bail!(
            "README.md: \"{START}\" must show two commands, the second `cargo xtask test`; it shows {lines:?}"
        );
    };
    let words: Vec<&str> = first.split_whitespace().collect();
    let example = words
        .last()
        .filter(|w| w.starts_with("examples/"))
        .context("README.md: the first command runs no example")?;
    run_twice(workspace, example, &words)
}

/// The motion example with the release binary.
pub fn motion(workspace: &Workspace) -> Result<String> {
    let binary = workspace.release_binary()?.display().to_string();
    run_twice(workspace, "examples/motion", &[&binary, "run", "examples/motion"])
}

/// The ten commands, in an empty folder with `examples` beside; lines that need a board are named, not run.
pub fn ten_commands(workspace: &Workspace) -> Result<String> {
    let text = read(&workspace.root.join("README.md"))?;
    let lines = block(&text, TEN)?;
    if lines.len() != 10 {
        bail!("README.md: \"{TEN}\" promises ten commands and shows {}", lines.len());
    }
    let binary = workspace.release_binary()?;
    let bin = binary.parent().context("the binary lies in no folder")?;
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let dir = workspace.scratch("ten-commands")?;
    std::os::unix::fs::symlink(workspace.root.join("examples"), dir.join("examples"))
        .context("cannot link the examples")?;
    let (mut ran, mut left) = (0, Vec::new());
    for line in &lines {
        if line.starts_with("cargo install ") {
            left.push("cargo install (the binary of this build is used)");
        } else if line.starts_with("edgewright ") {
            captured(command(&dir, "sh", ["-c", line]).env("PATH", &path))
                .with_context(|| format!("README.md: {line}"))?;
            ran += 1;
        } else {
            left.push("the flashing (needs a board)");
        }
    }
    Ok(format!("{ran} run; not run: {}", left.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_stand_in_the_block_below_their_heading() {
        let text = "# T\n```sh\nno\n```\n## Start it\ntext\n```sh\ncargo run a  # why\n\n# note\ncargo xtask test\n```\n## Next\n```sh\nother\n```\n";
        assert_eq!(block(text, "Start it").expect("found"), ["cargo run a", "cargo xtask test"]);
        assert!(block(text, "Elsewhere").is_err());
    }

    #[test]
    fn a_second_run_that_works_is_refused() {
        let idle = json!({"stages": [{"name": "import", "status": "cached"}, {"name": "train", "status": "cached"}]});
        assert!(second_run_is_idle(&idle).is_ok());
        let busy =
            json!({"stages": [{"name": "import", "status": "cached"}, {"name": "train", "status": "built"}]});
        assert!(second_run_is_idle(&busy).expect_err("refused").to_string().contains("train was built"));
        assert!(second_run_is_idle(&json!({"stages": []})).is_err());
    }

    #[test]
    fn a_run_without_proof_is_refused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut run = json!({"test": {"float": {}, "int8": {"accuracy": 0.9}, "c": {}},
            "verify": [{"target": "host", "bit_exact": true}], "artifacts": [{"path": "Cargo.toml"}]});
        assert!(proven(&run, root).is_ok());
        run["verify"][0]["bit_exact"] = json!(false);
        assert!(proven(&run, root).is_err());
        run["verify"] = json!([]);
        assert!(proven(&run, root).is_err());
    }
}
