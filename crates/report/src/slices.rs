//! Whom a model fails: the same rows in both forms of the report.

use crate::{
    ReportData,
    html::table,
    markdown::{cell, figure},
    plots::escape,
};
use std::fmt::Write;

const HEAD: [&str; 5] = ["fact", "value", "windows", "int8", "95 % interval"];

fn rows(r: &ReportData) -> Vec<Vec<String>> {
    let row = |s: &crate::SliceRow| {
        let interval =
            s.interval.map(|(low, high)| format!("{} to {}", figure(&s.name, low), figure(&s.name, high)));
        vec![
            s.by.clone(),
            s.value.clone(),
            s.windows.to_string(),
            format!("{} {}", s.name, figure(&s.name, s.figure)),
            interval.unwrap_or_default(),
        ]
    };
    r.slices.iter().map(row).collect()
}

/// Section of the HTML page; empty without slices.
pub(crate) fn html(r: &ReportData) -> String {
    let rows: Vec<Vec<String>> = rows(r).iter().map(|row| row.iter().map(|c| escape(c)).collect()).collect();
    table(&HEAD, &rows)
}

/// Section of the Markdown page; empty without slices.
pub(crate) fn markdown(r: &ReportData) -> String {
    let mut out = String::new();
    if r.slices.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n## Slices\n\n| {} |\n|{}", HEAD.join(" | "), "---|".repeat(HEAD.len()));
    for row in rows(r) {
        let row: Vec<String> = row.iter().map(|c| cell(c)).collect();
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SliceRow;

    #[test]
    fn both_forms_hold_the_same_figures() {
        let row = |value: &str, figure| SliceRow {
            by: "site".into(),
            value: value.into(),
            windows: 12,
            name: "accuracy".into(),
            figure,
            interval: Some((0.25, 0.75)),
        };
        let r = ReportData { slices: vec![row("a|b <c>", 0.5), row("d", 0.625)], ..ReportData::default() };
        assert!(markdown(&r).contains("a\\|b"), "{}", markdown(&r));
        assert!(html(&r).contains("a|b &lt;c&gt;"), "{}", html(&r));
        for text in [html(&r), markdown(&r)] {
            for part in ["accuracy 50.00 %", "accuracy 62.50 %", "25.00 % to 75.00 %", "12"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        assert_eq!(html(&ReportData::default()) + &markdown(&ReportData::default()), "");
    }
}
