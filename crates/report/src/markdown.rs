//! The report as Markdown.

use crate::ReportData;
use std::fmt::Write;

/// Text that cannot break a table or start a heading.
pub(crate) fn cell(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('`', "'")
}

/// A number with its thousands apart.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A figure: shares in percent, others with four digits.
pub(crate) fn figure(name: &str, value: f64) -> String {
    if name == "accuracy" || name == "macro F1" {
        format!("{:.2} %", value * 100.0)
    } else {
        format!("{value:.4}")
    }
}

/// The report as Markdown.
pub fn to_markdown(r: &ReportData) -> String {
    let mut out = format!("# {}\n\n", cell(&r.project));
    if !r.description.is_empty() {
        let _ = writeln!(out, "{}\n", cell(&r.description));
    }
    for (what, text) in &r.charter {
        let _ = writeln!(out, "- {}: {}", cell(what), cell(text));
    }
    for v in &r.verdicts {
        let _ = writeln!(out, "- {}", cell(v));
    }
    out.push_str("\n## Result\n\n| |");
    for a in &r.arithmetics {
        let _ = write!(out, " {} |", a.name);
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(r.arithmetics.len()));
    out.push('\n');
    if let Some(first) = r.arithmetics.first() {
        for (i, (name, _)) in first.figures.iter().enumerate() {
            let _ = write!(out, "| {name} |");
            for a in &r.arithmetics {
                match a.figures.get(i) {
                    Some((_, v)) => {
                        let _ = write!(out, " {} |", figure(name, *v));
                    }
                    None => out.push_str(" |"),
                }
            }
            out.push('\n');
        }
        if let Some((low, high)) = first.interval {
            let name = first.figures.first().map_or("", |f| f.0.as_str());
            let _ = writeln!(
                out,
                "\n95 % interval of {name} (float): {} to {}, {} windows.",
                figure(name, low),
                figure(name, high),
                first.windows
            );
        }
    }
    for a in r.arithmetics.iter().filter(|a| a.name == "int8" && !a.labels.is_empty()) {
        out.push_str("\n| label (int8) | precision | recall | F1 | windows |\n|---|---|---|---|---|\n");
        for l in &a.labels {
            let _ = writeln!(
                out,
                "| {} | {:.3} | {:.3} | {:.3} | {} |",
                cell(&l.label),
                l.precision,
                l.recall,
                l.f1,
                l.support
            );
        }
    }
    out.push_str(&crate::slices::markdown(r));
    out.push_str(&crate::trust::markdown(r));
    out.push_str("\n## Proof\n\n| target | windows | bit for bit | flash | RAM (arena + static + stack) | instructions DSP | network |\n|---|---|---|---|---|---|---|\n");
    for t in &r.targets {
        let exact = match t.bit_exact {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "not run",
        };
        let ram = t.ram.map_or(String::new(), |(a, s, k)| format!("{} ({a} + {s} + {k})", a + s + k));
        let _ = writeln!(
            out,
            "| {} | {} | {exact} | {} | {ram} | {} | {} |",
            t.id,
            t.cases,
            t.flash.map_or(String::new(), thousands),
            t.instructions.map_or(String::new(), |i| thousands(i.0)),
            t.instructions.map_or(String::new(), |i| thousands(i.1)),
        );
    }
    for t in &r.targets {
        if let Some(remark) = &t.remark {
            let _ = writeln!(out, "\n{}: {}", t.id, cell(remark));
        }
        for b in &t.builds {
            let _ = writeln!(out, "- {}: {}", t.id, cell(b));
        }
    }
    out.push_str("\n## Data\n\n| label | training | validation | test |\n|---|---|---|---|\n");
    for l in &r.labels {
        let _ = writeln!(out, "| {} | {} | {} | {} |", cell(&l.label), l.training, l.validation, l.testing);
    }
    if !r.quarantined.is_empty() {
        out.push_str("\nLeft out:\n\n");
        for (file, reason) in &r.quarantined {
            let _ = writeln!(out, "- {}: {}", cell(file), cell(reason));
        }
    }
    let _ = writeln!(out, "\n## Impulse\n\n{}; {} features.\n", cell(&r.window), r.features);
    for b in &r.blocks {
        let p: Vec<String> = b.parameters.iter().map(|(k, v)| format!("{k} = {v}")).collect();
        let _ = writeln!(
            out,
            "- {} ({}): {}; {}",
            cell(&b.id),
            cell(&b.kind),
            cell(&b.output),
            cell(&p.join(", "))
        );
    }
    if !r.layers.is_empty() {
        out.push_str("\n| layer | output | parameters | MACs | int8 SNR dB |\n|---|---|---|---|---|\n");
        for l in &r.layers {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                cell(&l.name),
                l.shape,
                l.parameters,
                thousands(l.macs),
                l.snr_db.map_or(String::new(), |s| format!("{s:.1}"))
            );
        }
    }
    for s in &r.steps {
        let name = s.name.replace('_', " ");
        let _ = writeln!(out, "\n{}, {}: {}\n", cell(&s.block), cell(&name), cell(&s.detail));
        let _ = writeln!(out, "| int8 on {} | without | with |\n|---|---|---|", s.target);
        for (figure, before, after) in &s.figures {
            let _ = writeln!(out, "| {figure} | {before} | {after} |");
        }
    }
    out.push_str("\n## Reproduce\n\n");
    let _ =
        writeln!(out, "edgewright {}, seed {}. The same inputs give the same hashes.\n", r.version, r.seed);
    for a in &r.artifacts {
        let _ = writeln!(out, "- {} ({} bytes) sha256 {}", cell(&a.path), a.bytes, a.sha256);
    }
    out.push_str("\n| stage | key |\n|---|---|\n");
    for s in &r.stages {
        let _ = writeln!(out, "| {} | {} |", s.name, s.key);
    }
    out
}
