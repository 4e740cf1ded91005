//! `acceptance`: the product on real recordings that lie beside the project, never in it.
//!
//! One module per set. Each lays out the files of one split, writes what its project needs over a template, and the
//! product does the rest through its command line.

mod ai_nose;
mod air_quality;
mod basic_motions;
mod bccd;
mod ceiling_fan;
mod ei_cbor_gestures;
mod ei_coffee_multilabel;
mod ei_export_xiao_gestures;
mod esc10;
mod fsdd;
mod hapt;
mod iris;
mod mitdb;
mod models;
mod occupancy;
mod pictures;
mod seeds;
mod skab;
mod speech_commands;

use crate::{
    Usage, flags, option,
    process::{command, shown},
    workspace::{Workspace, list, name, read, write},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

/// One set and what is expected of it.
pub struct Set {
    /// Name on the command line.
    name: &'static str,
    /// Folder below `../shared/data`.
    folder: &'static str,
    /// Template of `edgewright new`.
    template: &'static str,
    /// Figure of `test.float|int8|c` that counts.
    figure: &'static str,
    /// The int8 figure must be at least this.
    floor: Option<f64>,
    /// A plain baseline on the same files, as the set's README gives it.
    baseline: Option<f64>,
    /// Lays out and imports the recordings, and says what the project needs beside its template.
    prepare: fn(&Project) -> Result<()>,
    /// The whole run with the project's seed, and runs until the test with more seeds: [`Project::go`] where one project is enough.
    go: fn(&Project, u64) -> Result<Runs>,
}

/// A whole run, and runs until the test.
type Runs = (Value, Vec<Value>);

const SETS: &[&Set] = &[
    &fsdd::RANDOM,
    &fsdd::SPEAKERS,
    &speech_commands::SET,
    &ei_export_xiao_gestures::SET,
    &ei_cbor_gestures::SET,
    &ei_coffee_multilabel::SET,
    &hapt::ACCELEROMETER,
    &hapt::BOTH,
    &basic_motions::SET,
    &esc10::SET,
    &pictures::CLOTHES,
    &pictures::SIGNS,
    &pictures::DIGITS,
    &pictures::DOGS,
    &pictures::ALIENS,
    &bccd::SET,
    &ceiling_fan::SET,
    &occupancy::SET,
    &iris::SET,
    &air_quality::SET,
    &ai_nose::SET,
    &skab::SET,
    &mitdb::SET,
];

/// Points of accuracy that int8 may lose against float.
const INT8_LOSS: f64 = 1.0;

/// Verdicts of several sets.
#[derive(Default)]
pub struct Verdicts {
    passed: usize,
    failed: usize,
    not_run: usize,
}

impl Verdicts {
    /// Counts and prints one result.
    fn tell(&mut self, result: &Value, as_json: bool) {
        match result["verdict"].as_str() {
            Some("passed") => self.passed += 1,
            Some("failed") => self.failed += 1,
            _ => self.not_run += 1,
        }
        println!("{}", if as_json { result.to_string() } else { text(result) });
    }

    /// Whether any set was there to run.
    pub fn ran(&self) -> bool {
        self.passed + self.failed > 0
    }
}

impl std::fmt::Display for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "acceptance sets: {} passed, {} failed, {} not run", self.passed, self.failed, self.not_run)
    }
}

/// The command.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (seeds, args) = option(args, "--seeds")?;
    let seeds = seeds.unwrap_or(1);
    let (found, wanted) = flags(&args, &["--json"])?;
    if let Some(unknown) = wanted.iter().find(|w| **w != models::NAME && !SETS.iter().any(|s| s.name == **w))
    {
        let names: Vec<&str> = SETS.iter().map(|s| s.name).chain([models::NAME]).collect();
        return Err(Usage(format!("there is no set `{unknown}`; there are {}", names.join(", "))).into());
    }
    // With several seeds and no name: those that aim at something.
    let all = |s: &Set| wanted.is_empty() && (seeds == 1 || seeds::aim(s.name).is_some());
    let sets = SETS.iter().filter(|s| all(s) || wanted.contains(&s.name)).copied();
    let with_models = wanted.is_empty() && seeds == 1 || wanted.contains(&models::NAME);
    let verdicts = each(workspace, sets, with_models, seeds, found.contains(&"--json"))?;
    eprintln!("{verdicts}");
    Ok(())
}

/// All sets, as text; the step of `ci`.
pub fn all(workspace: &Workspace) -> Result<Verdicts> {
    each(workspace, SETS.iter().copied(), true, 1, false)
}

fn each(
    workspace: &Workspace,
    sets: impl Iterator<Item = &'static Set>,
    with_models: bool,
    seeds: u64,
    as_json: bool,
) -> Result<Verdicts> {
    let data = workspace.shared_data();
    let mut binary = None;
    let mut verdicts = Verdicts::default();
    let mut table = seeds::Table::default();
    for set in sets {
        let folder = data.as_ref().map(|d| d.join(set.folder)).filter(|d| d.is_dir());
        let result = match folder {
            None => not_run(set),
            Some(folder) => {
                let binary = match &binary {
                    Some(there) => there,
                    None => binary.insert(workspace.release_binary()?),
                };
                let project = Project {
                    set,
                    data: folder,
                    work: workspace.scratch(&format!("acceptance/{}", set.name))?,
                    binary: binary.clone(),
                };
                eprintln!("{} ...", set.name);
                let started = Instant::now();
                let outcome = (set.go)(&project, seeds);
                if let Ok((first, more)) = &outcome {
                    table.take(set, &std::iter::once(first).chain(more).collect::<Vec<_>>());
                }
                judge(set, outcome, started.elapsed().as_secs_f64())
            }
        };
        verdicts.tell(&result, as_json);
    }
    if with_models {
        let folder = data.as_ref().and_then(|d| d.parent()).map(|d| d.join("models")).filter(|d| d.is_dir());
        let binary = match (&folder, binary) {
            (None, _) => PathBuf::new(),
            (_, Some(there)) => there,
            _ => workspace.release_binary()?,
        };
        let work = workspace.scratch("acceptance/models")?;
        verdicts.tell(&models::verdict(&binary, folder.as_deref(), &work), as_json);
    }
    if seeds > 1 && !table.is_empty() {
        if !as_json {
            print!("{}", table.text());
        }
        eprintln!("written to {}", workspace.below(&table.save(workspace)?).display());
    }
    if verdicts.failed > 0 {
        bail!("{verdicts}");
    }
    Ok(verdicts)
}

fn not_run(set: &Set) -> Value {
    json!({"set": set.name, "figure": set.figure, "value": null, "floor": set.floor, "baseline": set.baseline,
        "int8_loss_points": null, "bit_exact": null, "seconds": null, "verdict": "not run",
        "why": format!("no folder ../shared/data/{}", set.folder)})
}

/// Holds the outcome of a run, and of runs with more seeds, against what is expected.
fn judge(set: &Set, outcome: Result<(Value, Vec<Value>)>, seconds: f64) -> Value {
    let mut out = not_run(set);
    out["seconds"] = json!((seconds * 10.0).round() / 10.0);
    out["verdict"] = json!("failed");
    let (run, more) = match outcome {
        Ok(runs) => runs,
        Err(e) => {
            out["why"] = json!(format!("{e:#}"));
            return out;
        }
    };
    let figure = |arithmetic: &str| run["test"][arithmetic][set.figure].as_f64();
    let (float, int8, c) = (figure("float"), figure("int8"), figure("c"));
    let proofs = run["verify"].as_array().cloned().unwrap_or_default();
    let bit_exact = !proofs.is_empty() && proofs.iter().all(|p| p["bit_exact"] == true);
    let each: Vec<f64> =
        int8.into_iter().chain(more.iter().filter_map(|r| r["test"]["int8"][set.figure].as_f64())).collect();
    let mean = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
    if each.len() > 1 {
        out["seeds"] = json!(each);
    }
    out["value"] = json!(mean);
    out["float"] = json!(float);
    out["c"] = json!(c);
    out["windows"] = run["test"]["int8"]["windows"].clone();
    out["bit_exact"] = json!(bit_exact);
    out["targets"] = proofs.iter().map(|p| p["target"].clone()).collect();
    let mut problems = Vec::new();
    match (float, int8) {
        (Some(float), Some(int8)) => {
            let loss = (float - int8) * 100.0;
            out["int8_loss_points"] = json!((loss * 100.0).round() / 100.0);
            if loss > INT8_LOSS {
                problems.push(format!("int8 loses {loss:.2} points; {INT8_LOSS} is allowed"));
            }
            if let (Some(floor), Some(mean)) = (set.floor, mean)
                && mean < floor
            {
                problems.push(format!("{} {mean:.4} is below {floor}", set.figure));
            }
        }
        _ => problems.push(format!("the run gives no {}", set.figure)),
    }
    if c.is_none() || c != int8 {
        problems.push("the emitted C does not give the figure of the int8 model".into());
    }
    if !bit_exact {
        problems.push("not proven bit-exact".into());
    }
    if problems.is_empty() {
        out["verdict"] = json!("passed");
    }
    out["why"] = json!(problems.join("; "));
    out
}

fn text(result: &Value) -> String {
    let set = result["set"].as_str().unwrap_or_default();
    let verdict = result["verdict"].as_str().unwrap_or_default();
    let why =
        result["why"].as_str().filter(|w| !w.is_empty()).map(|w| format!("  ({w})")).unwrap_or_default();
    let number = |key: &str| result[key].as_f64().map_or("-".to_owned(), |v| format!("{v:.4}"));
    if result["seconds"].is_null() {
        return format!("{set:<26} {verdict}{why}");
    }
    let seeds = result["seeds"].as_array().map(|s| {
        let each: Vec<f64> = s.iter().filter_map(Value::as_f64).collect();
        let least = each.iter().copied().fold(f64::INFINITY, f64::min);
        let most = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!(" mean of {} seeds, {least:.4} to {most:.4}", each.len())
    });
    format!(
        "{set:<26} {verdict:<7} {} {}{} (float {}, floor {}, baseline {}) in {} s{why}",
        result["figure"].as_str().unwrap_or_default(),
        number("value"),
        seeds.unwrap_or_default(),
        number("float"),
        number("floor"),
        number("baseline"),
        result["seconds"]
    )
}

/// A project that is being made for a set.
pub struct Project {
    set: &'static Set,
    /// The set's folder.
    data: PathBuf,
    /// Folder for this run; the project is `project` below it.
    work: PathBuf,
    binary: PathBuf,
}

impl Project {
    /// Makes the project and runs it. The split's validation side changes with the seed as well.
    fn go(&self, seeds: u64) -> Result<(Value, Vec<Value>)> {
        self.edgewright(&["new", "project", "--template", self.set.template])?;
        (self.set.prepare)(self)?;
        let whole = self.run(&[])?;
        let more = (2..=seeds).map(|seed| self.again(seed)).collect::<Result<_>>()?;
        Ok((whole, more))
    }

    /// Runs the project and returns what `run --json` says.
    fn run(&self, args: &[&str]) -> Result<Value> {
        let out = self.edgewright(&[&["run", "project", "--json"], args].concat())?;
        serde_json::from_str(&out).context("`edgewright run --json` printed no JSON object")
    }

    /// Trains and tests it with another seed.
    fn again(&self, seed: u64) -> Result<Value> {
        self.run(&["--until", "test", "--seed", &seed.to_string()])
    }

    /// Starts the product in the work folder and returns its stdout.
    fn edgewright(&self, args: &[&str]) -> Result<String> {
        let mut start = command(&self.work, &self.binary, args);
        let out = start
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("cannot start `{}`", shown(&start)))?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr);
            let said: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
            bail!(
                "`edgewright {}` failed: {}",
                args.join(" "),
                said[said.len().saturating_sub(4)..].join(" / ")
            );
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Copies a recording of the set to `stage/<side>/<below>`.
    fn stage(&self, from: &Path, side: &str, below: &str) -> Result<()> {
        let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        write(&self.work.join("stage").join(side).join(below), bytes)
    }

    /// Writes a recording that was converted to `stage/<side>/<below>`.
    fn stage_text(&self, text: &str, side: &str, below: &str) -> Result<()> {
        write(&self.work.join("stage").join(side).join(below), text)
    }

    /// Imports a folder (below the work folder, or whole) and returns what the product says about it.
    fn import(&self, path: impl AsRef<Path>, options: &[&str]) -> Result<Value> {
        let path = path.as_ref().display().to_string();
        let args = [&["data", "import", path.as_str(), "--project", "project", "--json"], options].concat();
        let report: Value = serde_json::from_str(&self.edgewright(&args)?)
            .context("`edgewright data import --json` printed no JSON")?;
        Ok(report)
    }

    /// Imports `stage/training` and `stage/testing`; no file may be refused.
    fn import_stage(&self, options: &[&str]) -> Result<()> {
        for side in ["training", "testing"] {
            let report = self.import(format!("stage/{side}"), &[&["--category", side], options].concat())?;
            if let Some(refused) = report["quarantined"].as_array().and_then(|q| q.first()) {
                bail!("refused {}: {}", refused["file"], refused["reason"]);
            }
        }
        Ok(())
    }

    /// Lays tables of the project file over those of the template.
    fn configure(&self, overlay: &str) -> Result<()> {
        let path = self.work.join("project").join("edgewright.toml");
        let mut file: toml::Table = read(&path)?.parse().context("edgewright.toml")?;
        lay_over(&mut file, overlay.parse().context("the set's settings")?);
        write(&path, toml::to_string(&file).context("edgewright.toml")?)
    }
}

/// Tables are merged; everything else is replaced.
fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(there)), toml::Value::Table(new)) => lay_over(there, new),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Rows of a simple CSV file below its header: no quotes, no escapes.
fn rows(path: &Path, columns: usize) -> Result<Vec<Vec<String>>> {
    read(path)?
        .lines()
        .skip(1)
        .filter(|l| !l.trim().is_empty())
        .map(|line| {
            let cells: Vec<String> = line.split(',').map(|c| c.trim().to_owned()).collect();
            if cells.len() == columns { Ok(cells) } else { bail!("{}: `{line}`", path.display()) }
        })
        .collect()
}

/// Files of a folder in order of name.
fn files(dir: &Path) -> Result<Vec<(PathBuf, String)>> {
    Ok(list(dir)?.into_iter().filter(|p| p.is_file()).map(|p| (p.clone(), name(&p))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(change: impl FnOnce(&mut Value)) -> (String, String) {
        let mut run = json!({"test": {"float": {"accuracy": 0.97, "windows": 100}, "int8": {"accuracy": 0.965, "windows": 100},
            "c": {"accuracy": 0.965}}, "verify": [{"target": "host", "bit_exact": true}, {"target": "cortex-m4f", "bit_exact": true}]});
        change(&mut run);
        let out = judge(&fsdd::RANDOM, Ok((run, Vec::new())), 1.0);
        let word = |key: &str| out[key].as_str().expect("a word").to_owned();
        (word("verdict"), word("why"))
    }

    fn fails(change: impl FnOnce(&mut Value), expected: &str) {
        let (verdict, why) = verdict(change);
        assert_eq!(verdict, "failed");
        assert!(why.contains(expected), "{why}");
    }

    #[test]
    fn a_set_passes_only_when_all_holds() {
        assert_eq!(verdict(|_| ()).0, "passed");
        fails(|r| r["test"]["int8"]["accuracy"] = json!(0.94), "below 0.95");
        fails(|r| r["test"]["float"]["accuracy"] = json!(0.98), "int8 loses 1.50 points");
        fails(|r| r["test"]["c"]["accuracy"] = json!(0.96), "emitted C");
        fails(|r| r["verify"][1]["bit_exact"] = json!(false), "bit-exact");
        fails(|r| r["verify"] = json!([]), "bit-exact");
        fails(|r| r["test"] = json!({}), "no accuracy");
        let failed = judge(&fsdd::RANDOM, Err(anyhow::anyhow!("exploded")), 1.0);
        assert_eq!((failed["verdict"].as_str(), failed["why"].as_str()), (Some("failed"), Some("exploded")));
    }

    #[test]
    fn with_more_seeds_the_mean_counts() {
        let run = |accuracy: f64| {
            json!({"test": {"float": {"accuracy": accuracy}, "int8": {"accuracy": accuracy}, "c": {"accuracy": accuracy}},
            "verify": [{"target": "host", "bit_exact": true}]})
        };
        let out = judge(&fsdd::RANDOM, Ok((run(0.99), vec![run(0.80)])), 1.0);
        assert_eq!((out["verdict"].as_str(), &out["seeds"]), (Some("failed"), &json!([0.99, 0.80])));
        assert!(text(&out).contains("0.8950 mean of 2 seeds, 0.8000 to 0.9900"), "{}", text(&out));
    }

    #[test]
    fn a_missing_folder_is_not_run_and_not_passed() {
        assert_eq!(not_run(&hapt::BOTH)["verdict"], "not run");
        assert!(!Verdicts { passed: 0, failed: 0, not_run: 7 }.ran());
    }

    #[test]
    fn settings_lie_over_those_of_the_template() {
        let mut file: toml::Table =
            "a = 1\n[t]\nx = 1\ny = 2\n[[l]]\nk = 1\n[[l]]\nk = 2\n".parse().expect("toml");
        lay_over(&mut file, "[t]\ny = 3\n[[l]]\nk = 9\n".parse().expect("toml"));
        assert_eq!(file, "a = 1\n[t]\nx = 1\ny = 3\n[[l]]\nk = 9\n".parse().expect("toml"));
    }
}
