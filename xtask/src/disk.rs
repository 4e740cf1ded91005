//! `full-disk`: a run on a file system that is too small fails with a clear error, loses nothing, and goes on when there is room.

use crate::{
    process::{captured, command, quiet, shown},
    workspace::{Workspace, read, write},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How a run may end on a full disk, told by the script below: exit status and stderr of each size in turn.
const SCRIPT: &str = r#"
mount -t tmpfs -o size="${1}k" none "$DISK" || exit 3
cp "$PROJECT" "$DISK/edgewright.toml" || exit 3
for size in "$@"; do
    mount -o remount,size="${size}k" none "$DISK" || exit 3
    "$PROGRAM" run "$DISK" --until build --no-progress --json >"$OUT/$size.json" 2>"$OUT/$size.err"
    echo $? >"$OUT/$size.status"
done
"#;

/// Sizes of the disk in kB: from no room for the database to plenty.
const SIZES: [&str; 5] = ["200", "700", "1500", "3000", "60000"];

/// Stage keys and hashes of artifacts: what must not depend on where and how often it ran.
fn essence(run: &Value) -> Vec<(Value, Value)> {
    let stages =
        run["stages"].as_array().into_iter().flatten().map(|s| (s["name"].clone(), s["key"].clone()));
    let built = run["artifacts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|a| (a["package"].clone(), a["sha256"].clone()));
    stages.chain(built).collect()
}

/// Runs the motion example on a growing disk. `None`: this machine lets nobody mount one.
pub fn run(workspace: &Workspace) -> Result<Option<String>> {
    let probe = ["-rm", "sh", "-c", "mount -t tmpfs none /mnt"];
    if quiet(&mut command(&workspace.root, "unshare", probe)).is_none() {
        return Ok(None);
    }
    let binary = workspace.release_binary()?;
    let work = workspace.scratch("full-disk")?;
    let example = workspace.root.join("examples/motion");
    let mut file: toml::Table = read(&example.join("edgewright.toml"))?.parse().context("edgewright.toml")?;
    for source in file.get_mut("data").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let path = source.get("path").and_then(toml::Value::as_str).context("a source without a path")?;
        let path = example.join(path).display().to_string();
        source.as_table_mut().context("a source is no table")?.insert("path".into(), path.into());
    }
    let project = work.join("edgewright.toml");
    write(&project, toml::to_string(&file)?)?;
    let text = captured(&mut command(&work, &binary, ["run", ".", "--until", "build", "--json"]))?;
    let expected = essence(&serde_json::from_str(&text).context("the run printed no JSON")?);

    let (disk, out) = (work.join("disk"), work.join("out"));
    for dir in [&disk, &out] {
        std::fs::create_dir(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let mut mounted = command(&work, "unshare", ["-rm", "sh", "-c", SCRIPT, "full-disk"]);
    mounted.args(SIZES).env("DISK", &disk).env("PROJECT", &project).env("PROGRAM", &binary).env("OUT", &out);
    captured(&mut mounted).with_context(|| format!("`{}`", shown(&mounted)))?;

    let mut refused = 0;
    for size in SIZES {
        let status = read(&out.join(format!("{size}.status")))?;
        let words = read(&out.join(format!("{size}.err")))?;
        match status.trim() {
            "0" => {
                let run: Value = serde_json::from_str(&read(&out.join(format!("{size}.json")))?)?;
                if essence(&run) != expected {
                    bail!("with {size} kB the run gave other results than with room from the start");
                }
            }
            // The system's words for a file, SQLite's for the database.
            "1" if ["No space left on device", "disk is full"].iter().any(|w| words.contains(w))
                && words.contains("nothing is lost") =>
            {
                refused += 1
            }
            other => bail!("with {size} kB the run ended with {other}:\n{words}"),
        }
    }
    let last = SIZES[SIZES.len() - 1];
    if read(&out.join(format!("{last}.status")))?.trim() != "0" {
        bail!("with {last} kB the run did not go on");
    }
    if refused < 2 {
        bail!("only {refused} of the sizes were too small: the check saw too little");
    }
    Ok(Some(format!(
        "{refused} of {} runs refused for want of room, the last as if nothing had been",
        SIZES.len()
    )))
}
