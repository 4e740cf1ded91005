//! The report as one HTML file.

use crate::{
    Arithmetic, ReportData, Target,
    markdown::{figure, thousands},
    plots::{self, escape, legend},
};
use std::fmt::Write;

const STYLE: &str = include_str!("report.css");

fn section(out: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        let _ = write!(out, "<section><h2>{title}</h2>{body}</section>");
    }
}

/// Rows of cells that are HTML already.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::from("<div class=\"wide\"><table><thead><tr>");
    for h in head {
        let _ = write!(out, "<th>{h}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

fn confusion(a: &Arithmetic) -> String {
    if a.confusion.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<figure><figcaption>{}: what is (row), what was said (column)</figcaption><div class=\"wide\"><table class=\"heat\"><tr><th></th>",
        a.name
    );
    for l in &a.labels {
        let _ = write!(out, "<th><span>{}</span></th>", escape(&l.label));
    }
    out.push_str("</tr>");
    for (l, row) in a.labels.iter().zip(&a.confusion) {
        let sum = row.iter().sum::<usize>().max(1);
        let _ = write!(out, "<tr><th>{}</th>", escape(&l.label));
        for n in row {
            let share = *n as f64 / sum as f64;
            let strong = if share > 0.55 { " class=\"strong\"" } else { "" };
            let _ = write!(
                out,
                "<td{strong} style=\"--s:{:.0}%\">{}</td>",
                share * 100.0,
                if *n > 0 { n.to_string() } else { String::new() }
            );
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div></figure>");
    out
}

fn cards(r: &ReportData) -> String {
    let mut out = String::from("<div class=\"cards\">");
    let mut card = |value: String, what: String| {
        let _ = write!(out, "<div><b>{value}</b><span>{what}</span></div>");
    };
    for a in &r.arithmetics {
        if let Some((name, value)) = a.figures.first() {
            card(figure(name, *value), format!("{name}, {}", a.name));
        }
    }
    for t in r.targets.iter().filter(|t| t.ram.is_some()) {
        if let (Some(flash), Some((arena, fixed, stack))) = (t.flash, t.ram) {
            card(format!("{:.1} KiB", flash as f64 / 1024.0), format!("flash, {}", escape(&t.id)));
            card(
                format!("{:.1} KiB", (arena + fixed + stack) as f64 / 1024.0),
                format!("RAM, {}", escape(&t.id)),
            );
        }
    }
    out.push_str("</div>");
    out
}

fn proof(targets: &[Target]) -> String {
    let rows: Vec<Vec<String>> = targets
        .iter()
        .map(|t| {
            let exact = match t.bit_exact {
                Some(true) => "<span class=\"good\">identical</span>".to_owned(),
                Some(false) => "<span class=\"bad\">DIFFERS</span>".to_owned(),
                None => "not run".to_owned(),
            };
            vec![
                escape(&t.id),
                exact,
                thousands(t.cases as u64),
                t.flash.map_or(String::new(), thousands),
                t.ram.map_or(String::new(), |(a, s, k)| {
                    format!(
                        "{} = {} + {} + {}",
                        thousands(a + s + k),
                        thousands(a),
                        thousands(s),
                        thousands(k)
                    )
                }),
                t.instructions.map_or(String::new(), |i| thousands(i.0)),
                t.instructions.map_or(String::new(), |i| thousands(i.1)),
            ]
        })
        .collect();
    let mut out = table(
        &[
            "target",
            "outputs",
            "windows",
            "flash B",
            "RAM B = arena + static + stack",
            "instructions, DSP",
            "network",
        ],
        &rows,
    );
    out.push_str("<details><summary>How it was built and run</summary><ul>");
    for t in targets {
        for b in t.builds.iter().chain(&t.remark) {
            let _ = write!(out, "<li>{}: {}</li>", escape(&t.id), escape(b));
        }
    }
    out.push_str("</ul></details>");
    out
}

/// The report as one HTML file.
pub fn to_html(r: &ReportData) -> String {
    let mut body = String::new();
    let _ = write!(
        body,
        "<header><h1>{}</h1><p>{}</p></header>{}",
        escape(&r.project),
        escape(if r.description.is_empty() { "Edgewright report" } else { &r.description }),
        cards(r)
    );
    if !r.charter.is_empty() {
        let items: Vec<String> = r
            .charter
            .iter()
            .map(|(what, text)| format!("<dt>{}</dt><dd>{}</dd>", escape(what), escape(text)))
            .collect();
        let _ = write!(body, "<dl class=\"charter\">{}</dl>", items.join(""));
    }
    if !r.verdicts.is_empty() {
        let items: Vec<String> = r.verdicts.iter().map(|v| format!("<li>{}</li>", escape(v))).collect();
        let _ = write!(body, "<ul class=\"verdicts\">{}</ul>", items.join(""));
    }
    let mut result = String::new();
    if let Some(first) = r.arithmetics.first() {
        let mut head = vec![""];
        head.extend(r.arithmetics.iter().map(|a| a.name.as_str()));
        let rows: Vec<Vec<String>> = first
            .figures
            .iter()
            .enumerate()
            .map(|(i, (name, _))| {
                let mut row = vec![name.clone()];
                row.extend(
                    r.arithmetics
                        .iter()
                        .map(|a| a.figures.get(i).map_or(String::new(), |(n, v)| figure(n, *v))),
                );
                row
            })
            .collect();
        result.push_str(&table(&head, &rows));
        if let (Some((low, high)), Some((name, _))) = (first.interval, first.figures.first()) {
            let _ = write!(
                result,
                "<p class=\"soft\">95 % interval of {name} in float: {} to {} on {} windows.</p>",
                figure(name, low),
                figure(name, high),
                first.windows
            );
        }
        result.push_str("<div class=\"row\">");
        for a in &r.arithmetics {
            result.push_str(&confusion(a));
        }
        result.push_str("</div>");
    }
    if let Some(a) = r.arithmetics.iter().find(|a| a.name == "int8") {
        let rows: Vec<Vec<String>> = a
            .labels
            .iter()
            .map(|l| {
                vec![
                    escape(&l.label),
                    format!("{:.3}", l.precision),
                    format!("{:.3}", l.recall),
                    format!("{:.3}", l.f1),
                    l.support.to_string(),
                ]
            })
            .collect();
        result.push_str(&table(&["label (int8)", "precision", "recall", "F1", "windows"], &rows));
        if !a.roc.is_empty() {
            let _ = write!(
                result,
                "<div class=\"row\">{}</div>",
                plots::anomaly(&a.roc, &a.normal_scores, &a.anomaly_scores)
            );
        }
        if !a.pairs.is_empty() {
            let _ = write!(result, "<figure>{}</figure>", plots::regression(&a.pairs));
        }
    }
    section(&mut body, "Result", &result);
    section(&mut body, "Slices", &crate::slices::html(r));
    section(&mut body, "Trust", &crate::trust::html(r));
    section(&mut body, "Proof", &proof(&r.targets));

    let mut data = String::new();
    if !r.labels.is_empty() {
        data.push_str(&plots::class_balance(&r.labels));
        let _ = write!(
            data,
            "<p class=\"legend\"><span><i style=\"background:{}\"></i>training</span><span><i style=\"background:{}\"></i>validation</span><span><i style=\"background:{}\"></i>test</span></p>",
            plots::COLOURS[0],
            plots::COLOURS[5],
            plots::COLOURS[1]
        );
    }
    let _ = write!(data, "<p>{} samples", r.samples);
    for (kind, n) in &r.flags {
        let _ = write!(data, ", {n} flagged {}", escape(kind));
    }
    let _ = write!(data, ", {} left out.</p>", r.quarantined.len());
    if !r.quarantined.is_empty() {
        let rows: Vec<Vec<String>> =
            r.quarantined.iter().take(200).map(|(f, why)| vec![escape(f), escape(why)]).collect();
        let _ = write!(
            data,
            "<details><summary>What was left out, and why</summary>{}</details>",
            table(&["file", "reason"], &rows)
        );
    }
    section(&mut body, "Data", &data);
    if !r.map.is_empty() {
        section(
            &mut body,
            "Feature map",
            &format!(
                "{}<p class=\"soft\">Training windows on the two directions in which their features vary most.</p>",
                plots::feature_map(&r.map)
            ),
        );
    }
    let mut training = String::new();
    for c in r.curves.iter().filter(|c| !c.epochs.is_empty()) {
        let _ = write!(
            training,
            "<h3>{}</h3><div class=\"row\">{}</div>{}<p class=\"soft\">The weights of epoch {} were kept.</p>",
            escape(&c.id),
            plots::learning(c),
            legend(&["training", "validation"]),
            c.best_epoch
        );
    }
    for s in &r.steps {
        let rows: Vec<Vec<String>> =
            s.figures.iter().map(|(name, a, b)| vec![escape(name), escape(a), escape(b)]).collect();
        let target = format!("int8 on {}", escape(&s.target));
        let _ = write!(
            training,
            "<h3>{}: {}</h3><p>{}</p>{}<p class=\"soft\">Flash and instructions are estimates.</p>",
            escape(&s.block),
            escape(&s.name.replace('_', " ")),
            escape(&s.detail),
            table(&[&target, "without", "with"], &rows)
        );
    }
    section(&mut body, "Training", &training);

    let mut impulse = format!("<p>{}; {} features.</p>", escape(&r.window), r.features);
    let rows: Vec<Vec<String>> = r
        .blocks
        .iter()
        .map(|b| {
            let p: Vec<String> =
                b.parameters.iter().map(|(k, v)| format!("{} = {}", escape(k), escape(v))).collect();
            vec![escape(&b.id), escape(&b.kind), escape(&b.output), p.join("<br>")]
        })
        .collect();
    impulse.push_str(&table(&["block", "version", "features", "parameters"], &rows));
    let rows: Vec<Vec<String>> = r
        .layers
        .iter()
        .map(|l| {
            vec![
                escape(&l.name),
                l.shape.clone(),
                thousands(l.parameters as u64),
                thousands(l.macs),
                l.snr_db.map_or(String::new(), |s| format!("{s:.1}")),
            ]
        })
        .collect();
    impulse.push_str(&table(&["layer", "output", "parameters", "MACs", "int8 SNR dB"], &rows));
    section(&mut body, "Impulse", &impulse);
    if !r.memory.is_empty() {
        section(
            &mut body,
            "Memory",
            &format!(
                "{}<p class=\"soft\">Arena of {} B over the steps of one window; {} B of constants.</p>",
                plots::memory_map(&r.memory, r.arena_bytes),
                thousands(r.arena_bytes as u64),
                thousands(r.weight_bytes as u64)
            ),
        );
    }
    let rows: Vec<Vec<String>> = r
        .artifacts
        .iter()
        .map(|a| vec![escape(&a.path), thousands(a.bytes), format!("<code>{}</code>", a.sha256)])
        .collect();
    let mut reproduce = format!(
        "<p>edgewright {}, seed {}. The same inputs give the same hashes.</p>{}",
        escape(&r.version),
        r.seed,
        table(&["package", "bytes", "sha256"], &rows)
    );
    let rows: Vec<Vec<String>> = r
        .stages
        .iter()
        .map(|s| {
            let notes: Vec<String> = s.notes.iter().map(|n| escape(n)).collect();
            vec![escape(&s.name), notes.join("<br>"), format!("<code>{}</code>", s.key)]
        })
        .collect();
    reproduce.push_str(&table(&["stage", "notes", "key"], &rows));
    section(&mut body, "Reproduce", &reproduce);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}: report</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(&r.project)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelCount;

    fn data() -> ReportData {
        ReportData {
            project: "<script>alert(1)</script>".into(),
            labels: vec![LabelCount { label: "a\"<b>".into(), training: 3, validation: 1, testing: 2 }],
            arithmetics: vec![Arithmetic {
                name: "int8".into(),
                windows: 2,
                figures: vec![("accuracy".into(), 0.5)],
                labels: vec![crate::LabelRow { label: "x|y".into(), support: 2, ..Default::default() }],
                confusion: vec![vec![2]],
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn foreign_text_stays_text() {
        let html = to_html(&data());
        assert!(!html.contains("<script>") && !html.contains("a\"<b>"));
        assert!(html.contains("&lt;script&gt;"));
        assert!(crate::to_markdown(&data()).contains("x\\|y"));
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let html = to_html(&data());
        for word in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!html.contains(word), "{word}");
        }
        assert_eq!(html, to_html(&data()));
        assert!(html.contains("50.00 %"));
    }
}
