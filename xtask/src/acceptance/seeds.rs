//! What several seeds make of the sets with an aim: mean, spread, and what int8 loses.

use super::Set;
use crate::workspace::{Workspace, write};
use anyhow::Result;
use serde_json::{Value, json};

/// Figures that training aims at: those of the issue about the trainer. A set without a published figure aims at its plain baseline.
const AIMS: [(&str, f64); 17] = [
    ("fsdd", 0.98),
    ("speech-commands", 0.752),
    ("ei-export-xiao-gestures", 0.98),
    ("hapt", 0.92),
    ("hapt-both-sensors", 0.92),
    ("basic-motions", 1.0),
    ("esc10", 0.88),
    ("mnist-t10k", 0.985),
    ("ceiling-fan", 0.99),
    ("skab", 0.78),
    ("mitdb", 0.945),
    ("occupancy", 0.977),
    ("iris", 0.96),
    ("air-quality", 0.819),
    ("ai-nose", 0.973),
    ("fsdd-speakers", 0.95),
    ("ei-cbor-gestures", 0.98),
];

/// Points that int8 may lose against float on the mean of the seeds.
const GAP: f64 = 0.5;

/// What a set aims at.
pub fn aim(set: &str) -> Option<f64> {
    AIMS.iter().find(|a| a.0 == set).map(|a| a.1)
}

/// Rows of a table that grows with each set.
#[derive(Default)]
pub struct Table(Vec<Value>);

/// Least, greatest, mean and deviation of some numbers.
fn spread(values: &[f64]) -> Option<Value> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    // Of the seeds that could have been drawn, not of those that were.
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let deviation = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(json!({"mean": mean, "sd": deviation, "min": least, "max": most}))
}

impl Table {
    /// Takes the runs of a set, one for each seed.
    pub fn take(&mut self, set: &Set, runs: &[&Value]) {
        let of = |arithmetic: &str| -> Vec<f64> {
            runs.iter().filter_map(|r| r["test"][arithmetic][set.figure].as_f64()).collect()
        };
        let (int8, float) = (of("int8"), of("float"));
        let (Some(said), Some(plain)) = (spread(&int8), spread(&float)) else { return };
        let gaps: Vec<f64> = int8.iter().zip(&float).map(|(i, f)| (i - f) * 100.0).collect();
        let gap = spread(&gaps).unwrap_or_default();
        let mean = said["mean"].as_f64().unwrap_or(0.0);
        let aim = aim(set.name);
        let kept = gap["mean"].as_f64().is_some_and(|g| g >= -GAP);
        self.0.push(json!({"set": set.name, "figure": set.figure, "seeds": int8.len(), "int8": said, "float": plain,
            "each_int8": int8, "each_float": float, "gap_points": gap, "aim": aim, "reached": aim.map(|a| mean >= a), "int8_within": kept}));
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For people; points are hundredths.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{:<26} {:<20} {:>5} {:>8} {:>7} {:>8} {:>8} {:>7} {:>9} {:>9}  reached\n",
            "set", "figure of int8", "seeds", "mean", "sd", "min", "max", "aim", "gap mean", "gap min"
        );
        for row in &self.0 {
            let number =
                |v: &Value, digits: usize| v.as_f64().map_or("-".into(), |v| format!("{v:.digits$}"));
            let word = match (&row["reached"], &row["int8_within"]) {
                (Value::Null, _) => "-",
                (r, w) if *r == true && *w == true => "yes",
                (r, _) if *r == true => "yes, but int8 loses too much",
                _ => "no",
            };
            out.push_str(&format!(
                "{:<26} {:<20} {:>5} {:>8} {:>7} {:>8} {:>8} {:>7} {:>9} {:>9}  {word}\n",
                row["set"].as_str().unwrap_or_default(),
                row["figure"].as_str().unwrap_or_default(),
                row["seeds"],
                number(&row["int8"]["mean"], 4),
                number(&row["int8"]["sd"], 4),
                number(&row["int8"]["min"], 4),
                number(&row["int8"]["max"], 4),
                number(&row["aim"], 3),
                number(&row["gap_points"]["mean"], 2),
                number(&row["gap_points"]["min"], 2),
            ));
        }
        out
    }

    /// Writes `target/acceptance-seeds.json`.
    pub fn save(&self, workspace: &Workspace) -> Result<std::path::PathBuf> {
        let path = workspace.target()?.join("acceptance-seeds.json");
        write(&path, format!("{:#}\n", json!({"sets": self.0})))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_told_with_mean_spread_and_gap() {
        let run = |int8: f64, float: f64| json!({"test": {"int8": {"accuracy": int8}, "float": {"accuracy": float}}});
        let (a, b) = (run(0.98, 0.98), run(1.0, 0.99));
        let mut table = Table::default();
        table.take(&super::super::fsdd::RANDOM, &[&a, &b]);
        let row = &table.0[0];
        assert!((row["int8"]["sd"].as_f64().expect("a number") - 0.014_142).abs() < 1e-5, "{row}");
        assert!((row["gap_points"]["mean"].as_f64().expect("a number") - 0.5).abs() < 1e-9);
        assert_eq!((&row["reached"], &row["seeds"]), (&json!(true), &json!(2)));
        assert!(table.text().contains("0.9900"), "{}", table.text());
        table.take(&super::super::fsdd::RANDOM, &[&json!({})]);
        assert_eq!(table.0.len(), 1, "a run without figures is not told");
    }

    #[test]
    fn aims_are_for_sets_that_exist() {
        for (name, _) in AIMS {
            assert!(super::super::SETS.iter().any(|s| s.name == name), "{name}");
        }
    }
}
