//! `schemathesis`: the HTTP API asked for everything that its own document allows and much that it does not, by a program from PyPI. No
//! answer may be a 5xx. It needs the network once, so CI does without it; `crates/cli/tests/server.rs` has a smaller list of nonsense.

use crate::{
    Usage,
    bench::{peer, server::Server},
    option,
    process::{captured, command, run as start},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result};
use serde_json::Value;

/// Examples of each operation.
const EXAMPLES: u64 = 50;
/// Left out: streams that do not end, and what would take away the key that the program itself uses.
const LEFT_OUT: &str = "events$|/session|/keys|/accounts";

/// Runs it on a project with samples and trained results.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (examples, rest) = option(args, "--examples")?;
    let (seed, rest) = option(&rest, "--seed")?;
    if let Some(word) = rest.first() {
        return Err(Usage(format!("`schemathesis` takes no `{word}`")).into());
    }
    let python = peer::python(workspace, "venv-schemathesis", "schemathesis.txt")?;
    start(&mut workspace.cargo(["build", "--locked", "--quiet", "--package", "edgewright-cli"]))?;
    let binary = workspace.target()?.join("debug/edgewright");
    let dir = workspace.scratch("schemathesis")?;
    let ours = |args: &[&str]| captured(&mut command(&dir, &binary, args.iter().copied()));
    ours(&["new", "projects/motion", "--template", "motion"])?;
    let recordings = workspace.root.join("examples/motion/recordings").display().to_string();
    ours(&["data", "import", &recordings, "--project", "projects/motion", "--label-from", "name"])?;
    ours(&["run", "projects/motion", "--until", "test"])?;
    let list: Value =
        serde_json::from_str(&ours(&["data", "list", "--project", "projects/motion", "--json"])?)?;
    let sample = list["samples"][0]["id"].as_str().context("no sample")?;
    let key: Value = serde_json::from_str(&ours(&["key", "create", "projects", "--json"])?)?;
    let key = key["key"].as_str().context("no key")?;
    // Names that are there, so that more than the check of names is reached.
    let config = format!("[parameters]\n\"path.project\" = \"motion\"\n\"path.sample\" = \"{sample}\"\n");
    write(&dir.join("schemathesis.toml"), config)?;

    let server = Server::start(&binary, &dir.join("projects"), key)?;
    let mut tool =
        command(&dir, python.with_file_name("schemathesis"), ["--config-file", "schemathesis.toml", "run"]);
    tool.arg(format!("http://{}/api/openapi.json", server.address));
    tool.args(["-H", &format!("x-api-key: {key}"), "--generation-with-security-parameters", "false"]);
    tool.args(["--checks", "not_a_server_error", "--exclude-path-regex", LEFT_OUT]);
    tool.args(["--max-examples", &examples.unwrap_or(EXAMPLES).to_string()]);
    tool.args(["--seed", &seed.unwrap_or(1).to_string(), "--no-color"]);
    let done = start(&mut tool);
    server.kill()?;
    done?;
    Ok(std::fs::remove_dir_all(&dir)?)
}
