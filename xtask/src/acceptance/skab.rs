//! A water pump with eight sensors: one model for each recording, which learns its first 400 s and judges the rest second by second.

use super::{Project, Set};
use crate::workspace::{list, name, read, write};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::Path;

/// Alarms on all recordings, counted together. The floor is what principal components reached in the same way on these files; the best of
/// the benchmark's own table, on all its recordings, is 0.78. One setting for all (that of most) would give 0.80, but it was found on the
/// same recordings.
pub const SET: Set = Set {
    name: "skab",
    folder: "skab",
    template: "anomaly",
    figure: "alarm_f1",
    floor: Some(0.75),
    baseline: Some(0.75),
    prepare: |_| Ok(()),
    go: valves,
};

/// Rows that are normal in every recording; they train in pieces, so that some can watch.
const NORMAL: usize = 400;
const PIECE: usize = 80;
/// Rows of a window, which is what its last row is, and method of a recording: those of 44 pairs with features whose F1 is best on the
/// thirteen others, so that no recording had a say in how it is judged. Windows of 1 to 40 s, mean, deviation, least and greatest,
/// principal components, Gaussians, nearest window, isolation forest, two rates of alarms were tried. Chosen on the four of `other` alone
/// they do not hold for a valve: 0.86 there, 0.59 here.
fn choice(recording: &str) -> (usize, &'static str) {
    const NEAREST: &str = "method = \"one_class_knn\"\nprototypes = 256";
    match recording {
        "valve1/4.csv" | "valve1/9.csv" => (5, NEAREST),
        "valve1/6.csv" => (10, NEAREST),
        _ => (5, "method = \"gmm\""),
    }
}

fn settings((rows, method): (usize, &str)) -> String {
    format!(
        r#"
[impulse]
rate_hz = 1.0
window_ms = {}
stride_ms = 1000

[[impulse.dsp]]
block = "flatten"
minimum = false
maximum = false
rms = false
skewness = false
kurtosis = false

[[impulse.learn]]
kind = "anomaly"
{method}
false_alarm_rate = 0.01
"#,
        1000 * rows
    )
}

/// Runs one project for each recording and counts their alarms together.
fn valves(project: &Project, seeds: u64) -> Result<(Value, Vec<Value>)> {
    let mut first = Vec::new();
    let mut more = vec![Vec::new(); seeds.saturating_sub(1) as usize];
    let recordings = ["valve1", "other"].map(|folder| list(&project.data.join(folder)));
    for path in recordings.into_iter().collect::<Result<Vec<_>>>()?.concat() {
        let name = format!("{}/{}", path.parent().map(name).unwrap_or_default(), name(&path));
        let own = Project {
            set: project.set,
            data: project.data.clone(),
            work: project.work.join(&name),
            binary: project.binary.clone(),
        };
        let whole = prepare(&own, &path, &name).and_then(|()| own.run(&[]));
        first.push(whole.with_context(|| name)?);
        for (seed, runs) in (2..).zip(&mut more) {
            runs.push(own.again(seed)?);
        }
    }
    if first.is_empty() {
        bail!("no recordings");
    }
    Ok((sum(&first), more.iter().map(|runs| sum(runs)).collect()))
}

/// The runs of all recordings as one.
fn sum(runs: &[Value]) -> Value {
    let proofs: Vec<Value> =
        runs.iter().flat_map(|r| r["verify"].as_array().cloned().unwrap_or_default()).collect();
    let figures = |arithmetic: &str| together(runs.iter().map(|r| &r["test"][arithmetic]["alarms"]));
    json!({"test": {"float": figures("float"), "int8": figures("int8"), "c": figures("c")}, "verify": proofs})
}

/// F1 and rates of all windows; nothing when a run has no alarms.
fn together<'v>(alarms: impl Iterator<Item = &'v Value>) -> Value {
    let mut all = [0u64; 4];
    for one in alarms {
        for (sum, key) in all.iter_mut().zip(["found", "missed", "false_alarms", "quiet"]) {
            let Some(n) = one[key].as_u64() else { return json!({}) };
            *sum += n;
        }
    }
    let [found, missed, wrong, quiet] = all;
    let share = |a: u64, b: u64| a as f64 / b.max(1) as f64;
    json!({"windows": all.iter().sum::<u64>(), "alarm_f1": share(2 * found, 2 * found + missed + wrong),
        "false_alarm_rate": share(wrong, wrong + quiet), "missed": share(missed, found + missed)})
}

/// Makes the project of one recording.
fn prepare(project: &Project, path: &Path, recording: &str) -> Result<()> {
    write(&project.work.join("here"), "")?;
    project.edgewright(&["new", "project", "--template", "anomaly"])?;
    let text = read(path)?;
    let (head, rows) = text.split_once('\n').context("an empty file")?;
    let rows: Vec<(&str, bool)> =
        rows.lines().filter(|l| !l.trim().is_empty()).map(row).collect::<Result<_>>()?;
    let head = &head.trim_end()[..head.trim_end().rfind(";anomaly").context("no column `anomaly`")?];
    let table = |rows: &[(&str, bool)]| {
        let lines: Vec<&str> = rows.iter().map(|r| r.0).collect();
        format!("{head}\n{}\n", lines.join("\n"))
    };
    let (normal, rest) = rows.split_at_checked(NORMAL).context("too few rows")?;
    if normal.iter().any(|r| r.1) {
        bail!("the first {NORMAL} rows are not all normal");
    }
    for (n, piece) in normal.chunks(PIECE).enumerate() {
        project.stage_text(&table(piece), "training", &format!("normal/{n}.csv"))?;
    }
    // The window of the first row that is judged reaches back.
    let choice = choice(recording);
    let judged = &rows[NORMAL + 1 - choice.0..];
    project.stage_text(&table(judged), "testing", "rest.csv")?;
    let labels =
        json!({"version": 1, "type": "structured-labels", "structuredLabels": {"rest.csv": spans(judged)}});
    write(&project.work.join("stage/testing/structured_labels.labels"), labels.to_string())?;
    let rate = ["--rate", "1"];
    project.import(
        "stage/training",
        &[&["--category", "training", "--label-from", "folder"][..], &rate].concat(),
    )?;
    let report = project.import(
        "stage/testing",
        &[&["--category", "testing", "--label-from", "sidecar"][..], &rate].concat(),
    )?;
    if report["imported"] != 1 || rest.is_empty() {
        bail!("the rest of the recording was refused: {}", report["quarantined"]);
    }
    project.configure(&settings(choice))
}

/// A row without its two last columns, and whether it is anomalous.
fn row(line: &str) -> Result<(&str, bool)> {
    let mut cells = line.trim_end().rsplitn(3, ';');
    match (cells.next(), cells.next(), cells.next()) {
        (Some(_), Some(anomaly), Some(values)) => Ok((values, anomaly.parse::<f64>()? > 0.0)),
        _ => bail!("`{line}` has too few columns"),
    }
}

/// Rows that follow each other and are alike, as spans.
fn spans(rows: &[(&str, bool)]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut start = 0;
    for part in rows.chunk_by(|a, b| a.1 == b.1) {
        let label = if part[0].1 { "anomaly" } else { "normal" };
        out.push(json!({"startIndex": start, "endIndex": start + part.len() - 1, "label": label}));
        start += part.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_kind_are_one_span() {
        let rows: Vec<(&str, bool)> =
            ["a;1;0.0;0.0", "b;2;1.0;1.0", "c;3;1.0;0.0"].map(|l| row(l).expect("a row")).to_vec();
        assert_eq!(rows[1], ("b;2", true));
        let expected = json!([{"startIndex": 0, "endIndex": 0, "label": "normal"}, {"startIndex": 1, "endIndex": 2, "label": "anomaly"}]);
        assert_eq!(json!(spans(&rows)), expected);
    }

    #[test]
    fn alarms_of_all_recordings_count_together() {
        let one = json!({"found": 3, "missed": 1, "false_alarms": 2, "quiet": 4});
        let all = together([&one, &one].into_iter());
        assert_eq!((all["alarm_f1"].as_f64(), all["windows"].as_u64()), (Some(12.0 / 18.0), Some(20)));
        assert_eq!(together([&one, &json!(null)].into_iter()), json!({}));
    }
}
