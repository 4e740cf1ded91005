//! How far scores can be trusted: the same figures in both forms of the report.

use crate::{ReportData, Trust, html::table, markdown::figure, plots};
use std::fmt::Write;

fn percent(value: f64) -> String {
    figure("accuracy", value)
}

fn before(value: Option<f64>) -> String {
    value.map_or("as trained".into(), |v| format!("{v:.4}"))
}

/// Heads and rows of both tables.
fn tables(r: &ReportData) -> [(Vec<&'static str>, Vec<Vec<String>>); 2] {
    let row = |t: &Trust| {
        let mut row = vec![
            t.name.clone(),
            before(t.ece.0),
            format!("{:.4}", t.ece.1),
            before(t.brier.0),
            format!("{:.4}", t.brier.1),
        ];
        if let Some((least, coverage, accuracy)) = t.accepted {
            row.extend([least.to_string(), percent(coverage), accuracy.map_or(String::new(), percent)]);
        }
        row
    };
    let mut head = vec!["", "calibration error before", "after", "Brier score before", "after"];
    if r.trust.iter().any(|t| t.accepted.is_some()) {
        head.extend(["least confidence", "accepted", "right of these"]);
    }
    let sets = r
        .sets
        .iter()
        .map(|s| {
            vec![
                s.kind.clone(),
                percent(s.target),
                format!("{} ({} to {})", percent(s.coverage.0), percent(s.coverage.1), percent(s.coverage.2)),
                format!("{:.2}", s.mean_size),
                percent(s.single),
                s.limit.to_string(),
            ]
        })
        .collect();
    let set_head =
        vec!["sets of labels (int8)", "asked for", "hold the right one", "labels", "of one label", "limit"];
    [(head, r.trust.iter().map(row).collect()), (set_head, sets)]
}

/// Sentence on the temperature.
fn temperature(r: &ReportData) -> String {
    let what = match r.temperature {
        Some(t) => format!(
            "The sums before the softmax are divided by {t:.3} in the weights, fitted on validation windows."
        ),
        None => "The scores are as the model was trained.".into(),
    };
    format!("{what} Limits of sets come from validation windows, figures from test windows.")
}

/// Section of the HTML page; empty without a classifier.
pub(crate) fn html(r: &ReportData) -> String {
    if r.trust.is_empty() {
        return String::new();
    }
    let [(head, rows), (set_head, sets)] = tables(r);
    let mut out = table(&head, &rows);
    out.push_str("<div class=\"row\">");
    // The emitted C has the scores of int8.
    for t in r.trust.iter().filter(|t| t.name != "C") {
        let _ = write!(
            out,
            "<figure>{}<figcaption>{}: share that is right over the score, before and after</figcaption></figure>",
            plots::reliability(&t.bins, &t.before),
            plots::escape(&t.name)
        );
    }
    let _ = write!(out, "</div>{}<p class=\"soft\">{}</p>", table(&set_head, &sets), temperature(r));
    out
}

/// Section of the Markdown page; empty without a classifier.
pub(crate) fn markdown(r: &ReportData) -> String {
    let mut out = String::new();
    if r.trust.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n## Trust\n\n{}", temperature(r));
    for (head, rows) in tables(r) {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SetRow;

    #[test]
    fn both_forms_hold_the_same_figures() {
        let trust = Trust {
            name: "int8".into(),
            ece: (Some(0.1234), 0.0123),
            brier: (None, 0.25),
            accepted: Some((0.7, 0.875, Some(0.99))),
            bins: vec![(0, 0.0, 0.0), (4, 0.95, 0.75)],
            before: vec![(0, 0.0, 0.0), (4, 0.99, 0.75)],
        };
        let set = SetRow {
            kind: "lac".into(),
            target: 0.9,
            coverage: (0.91, 0.85, 0.95),
            mean_size: 1.25,
            ..SetRow::default()
        };
        let r = ReportData {
            trust: vec![trust],
            sets: vec![set],
            temperature: Some(1.5),
            ..ReportData::default()
        };
        for text in [html(&r), markdown(&r)] {
            for part in [
                "0.1234",
                "0.0123",
                "0.2500",
                "87.50 %",
                "99.00 %",
                "91.00 % (85.00 % to 95.00 %)",
                "1.25",
                "1.500",
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        assert!(html(&r).contains("<circle"));
        assert!(html(&ReportData::default()).is_empty() && markdown(&ReportData::default()).is_empty());
    }
}
