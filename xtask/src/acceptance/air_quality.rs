//! Carbon monoxide from the responses of five gas sensors and the weather: the first 70 % in time train, the rest tests.

use super::{Project, Set};
use crate::workspace::read;
use anyhow::{Result, bail};

/// A forest on the same rows reaches 0.783, a ridge regression 0.819.
pub const SET: Set = Set {
    name: "air-quality",
    folder: "air-quality-uci",
    template: "regression",
    figure: "r2",
    floor: Some(0.81),
    baseline: Some(0.819),
    prepare: |project| {
        let rows = rows(&read(&project.data.join("AirQualityUCI.csv"))?)?;
        let split = rows.len() * 7 / 10;
        for (part, side) in [(&rows[..split], "training"), (&rows[split..], "testing")] {
            let text = format!("{}\n{}\n", COLUMNS.map(|c| c.1).join(","), part.join("\n"));
            project.stage_text(&text, side, "air.csv")?;
        }
        project.import_stage(&["--label-from", "column:co"])?;
        project.configure("[impulse]\n[[impulse.dsp]]\nblock = \"raw\"\n[[impulse.learn]]\nkind = \"regression\"\nmethod = \"ridge_regression\"\n")
    },
    go: Project::go,
};

/// Names in the file and in the project.
const COLUMNS: [(&str, &str); 9] = [
    ("PT08.S1(CO)", "s1"),
    ("PT08.S2(NMHC)", "s2"),
    ("PT08.S3(NOx)", "s3"),
    ("PT08.S4(NO2)", "s4"),
    ("PT08.S5(O3)", "s5"),
    ("T", "temperature"),
    ("RH", "humidity"),
    ("AH", "water"),
    ("CO(GT)", "co"),
];

/// Rows in which nothing is missing, as lines.
fn rows(text: &str) -> Result<Vec<String>> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(';').map(str::trim).collect();
    let places: Vec<usize> = COLUMNS.iter().filter_map(|c| head.iter().position(|h| *h == c.0)).collect();
    if places.len() != COLUMNS.len() {
        bail!("AirQualityUCI.csv has the columns {}", head.join(", "));
    }
    Ok(lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(';').map(str::trim).collect();
            let own: Vec<&str> = places.iter().filter_map(|&p| cells.get(p).copied()).collect();
            let whole =
                own.len() == COLUMNS.len() && own.iter().all(|v| v.parse::<f64>().is_ok_and(|v| v != -200.0));
            whole.then(|| own.join(","))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_that_miss_a_value_are_left_out() {
        let head: Vec<&str> = super::COLUMNS.iter().map(|c| c.0).collect();
        let text = format!("Date;{};\n1;1;2;3;4;5;6;7;8;9;\n1;1;2;3;-200;5;6;7;8;9;\n;;\n", head.join(";"));
        assert_eq!(super::rows(&text).expect("rows"), ["1,2,3,4,5,6,7,8,9"]);
        assert!(super::rows("a;b\n").is_err());
    }
}
