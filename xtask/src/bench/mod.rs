//! `bench`: what the project claims about speed, memory and size, measured side by side in one run.

mod build;
mod cmsis_dsp;
mod compile;
mod data;
mod dsp;
mod label_studio;
pub(crate) mod peer;
mod process;
pub(crate) mod server;
mod spine;
mod studio;
mod train;

use crate::{
    Usage, flags, option,
    process::{command, quiet},
    workspace::{Workspace, read, write},
};
use anyhow::{Result, bail};
use serde_json::{Value, json};

/// One measurement. Ratios are ours over the peer's, pair by pair; `ours` and `peer` are medians.
pub struct Figure {
    /// Ends in what is measured: `_time`, `_bytes`, `_throughput`.
    name: String,
    unit: &'static str,
    /// Name and version of the other side.
    peer_name: Option<String>,
    /// Ours and the peer's, in the order of measuring.
    runs: Vec<(f64, Option<f64>)>,
    /// What the project promises of it.
    claim: Option<Claim>,
    /// More of what was seen, for the reader.
    notes: Value,
}

/// A promise.
pub enum Claim {
    /// The median ratio is at most this.
    Ratio(f64),
    /// The median ratio is at least this.
    RatioAtLeast(f64),
    /// The best of our runs is at most this, in the figure's unit.
    Best(f64),
}

fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

impl Figure {
    fn ratio(&self) -> Option<f64> {
        median(self.runs.iter().filter_map(|(ours, peer)| peer.map(|p| ours / p)))
    }

    fn json(&self) -> Value {
        let best = self.runs.iter().map(|r| r.0).min_by(f64::total_cmp);
        let (claim, holds) = match self.claim {
            None => (Value::Null, Value::Null),
            Some(Claim::Ratio(most)) => {
                (json!(format!("ratio <= {most}")), json!(self.ratio().is_some_and(|r| r <= most)))
            }
            Some(Claim::RatioAtLeast(least)) => {
                (json!(format!("ratio >= {least}")), json!(self.ratio().is_some_and(|r| r >= least)))
            }
            Some(Claim::Best(most)) => {
                (json!(format!("best <= {most} {}", self.unit)), json!(best.is_some_and(|b| b <= most)))
            }
        };
        json!({
            "bench": self.name,
            "ours": median(self.runs.iter().map(|r| r.0)),
            "peer": median(self.runs.iter().filter_map(|r| r.1)),
            "peer_name": self.peer_name,
            "unit": self.unit,
            "ratio": self.ratio(),
            "runs": self.runs.iter().map(|(o, p)| json!({"ours": o, "peer": p})).collect::<Vec<_>>(),
            "claim": claim,
            "holds": holds,
            "notes": self.notes,
        })
    }

    fn text(&self) -> String {
        let value = self.json();
        let number = |key: &str| {
            value[key]
                .as_f64()
                .map_or("-".to_owned(), |v| if v >= 1000.0 { format!("{v:.0}") } else { format!("{v:.3}") })
        };
        let holds = match value["holds"].as_bool() {
            Some(true) => format!("  {} holds", value["claim"].as_str().unwrap_or_default()),
            Some(false) => format!("  {} is MISSED", value["claim"].as_str().unwrap_or_default()),
            None => String::new(),
        };
        let peer = match &self.peer_name {
            Some(peer) => format!(", {peer}: {}, ratio {}", number("peer"), number("ratio")),
            None => String::new(),
        };
        format!("{:<36} {} {}{peer}{holds}", self.name, number("ours"), self.unit)
    }
}

type Group = fn(&Workspace, u64, &mut dyn FnMut(Figure)) -> Result<()>;

const GROUPS: &[(&str, Group)] = &[
    ("spine", spine::run),
    ("compile", compile::run),
    ("build", build::run),
    ("train", train::run),
    ("server", server::run),
    ("data", data::run),
    ("dsp", dsp::run),
    ("cmsis-dsp", cmsis_dsp::run),
    ("label-studio", label_studio::run),
    ("studio", studio::run),
];

/// The command.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (pairs, rest) = option(args, "--pairs")?;
    let (found, wanted) = flags(&rest, &["--json", "--save"])?;
    if let Some(unknown) = wanted.iter().find(|w| !GROUPS.iter().any(|g| g.0 == **w)) {
        let names: Vec<&str> = GROUPS.iter().map(|g| g.0).collect();
        return Err(Usage(format!("there is no group `{unknown}`; there are {}", names.join(", "))).into());
    }
    let as_json = found.contains(&"--json");
    let mut all = Vec::new();
    for (_, group) in GROUPS.iter().filter(|g| wanted.is_empty() || wanted.contains(&g.0)) {
        group(workspace, pairs.unwrap_or(3).max(1), &mut |figure| {
            println!("{}", if as_json { figure.json().to_string() } else { figure.text() });
            all.push(figure.json());
        })?;
    }
    if found.contains(&"--save") {
        save(workspace, all)?;
    }
    Ok(())
}

/// Writes `benches/results/<date>-<machine>.json`; figures of other groups that stand there already are kept.
fn save(workspace: &Workspace, figures: Vec<Value>) -> Result<()> {
    let Some(date) = quiet(&mut command(&workspace.root, "date", ["+%F"])) else {
        bail!("`date` does not run")
    };
    let commit =
        quiet(&mut command(&workspace.root, "git", ["describe", "--always", "--dirty"])).unwrap_or_default();
    let machine = machine();
    let slug: String =
        machine.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let slug = slug.split('-').filter(|w| !w.is_empty()).collect::<Vec<_>>().join("-");
    let path = workspace.root.join("benches/results").join(format!("{}-{slug}.json", date.trim()));
    let before: Option<Value> =
        std::fs::read_to_string(&path).ok().and_then(|t| serde_json::from_str(&t).ok());
    let mut kept: Vec<Value> = before.and_then(|b| b["figures"].as_array().cloned()).unwrap_or_default();
    kept.retain(|k| !figures.iter().any(|f| f["bench"] == k["bench"]));
    kept.extend(figures);
    let out = json!({"date": date.trim(), "machine": machine, "commit": commit.trim(), "figures": kept});
    write(&path, format!("{out:#}\n"))?;
    eprintln!("wrote {}", workspace.below(&path).display());
    Ok(())
}

/// Model of the processor and number of cores.
fn machine() -> String {
    let cpu = read(std::path::Path::new("/proc/cpuinfo")).unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':').map(|(_, m)| m.trim().to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let figure = Figure {
            name: "x_time".into(),
            unit: "s",
            peer_name: Some("peer 1.0".into()),
            runs: vec![(1.0, Some(10.0)), (4.0, Some(20.0)), (3.0, Some(10.0))],
            claim: Some(Claim::Ratio(0.2)),
            notes: Value::Null,
        };
        let json = figure.json();
        // Ratios 0.1, 0.2, 0.3: the median differs from the ratio of the medians.
        assert_eq!(
            (json["ratio"].as_f64(), json["ours"].as_f64(), json["peer"].as_f64()),
            (Some(0.2), Some(3.0), Some(10.0))
        );
        assert_eq!(json["holds"], true);
    }

    #[test]
    fn a_missed_claim_is_said() {
        let figure = Figure {
            name: "cold_start_time".into(),
            unit: "ms",
            peer_name: None,
            runs: vec![(50.0, None), (40.0, None)],
            claim: Some(Claim::Best(30.0)),
            notes: Value::Null,
        };
        assert_eq!(figure.json()["holds"], false);
        assert!(figure.text().contains("MISSED"));
        assert_eq!(figure.json()["ratio"], Value::Null);
    }
}
