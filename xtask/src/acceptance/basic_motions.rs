//! Four motions of a wrist, from a `.ts` file: header lines, then dimensions separated by `:`, values by `,`, the class last.

use super::{Project, Set};
use crate::workspace::read;
use anyhow::{Context, Result, bail};
use std::fmt::Write;

/// 10 s, six axes; a recording is told by the mean of its windows.
pub const SET: Set = Set {
    name: "basic-motions",
    folder: "basic-motions",
    template: "motion",
    figure: "recordings_accuracy",
    floor: Some(0.975),
    baseline: Some(0.975),
    prepare,
    go: Project::go,
};

fn prepare(project: &Project) -> Result<()> {
    for (file, side) in [("BasicMotions_TRAIN.ts", "training"), ("BasicMotions_TEST.ts", "testing")] {
        let text = read(&project.data.join(file))?;
        let cases = text.lines().filter(|l| !l.starts_with(['#', '@']) && !l.trim().is_empty());
        for (number, case) in cases.enumerate() {
            let mut parts: Vec<&str> = case.split(':').collect();
            let label = parts.pop().context("an empty line")?.trim();
            let axes: Vec<Vec<&str>> = parts.iter().map(|p| p.split(',').collect()).collect();
            let rows = axes.first().map_or(0, Vec::len);
            if axes.len() != 6 || axes.iter().any(|a| a.len() != rows) {
                bail!("{file}: case {number} has {} axes", axes.len());
            }
            let mut table = String::from("timestamp,accX,accY,accZ,gyrX,gyrY,gyrZ\n");
            for row in 0..rows {
                write!(table, "{}", row * 100)?;
                for axis in &axes {
                    write!(table, ",{}", axis[row])?;
                }
                table.push('\n');
            }
            project.stage_text(&table, side, &format!("{label}/{number:02}.csv"))?;
        }
    }
    project.import_stage(&["--label-from", "folder"])
}
