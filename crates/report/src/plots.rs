//! Plots as SVG. Colours come from the page, so that they follow light and dark.

use crate::{Curves, LabelCount, MemoryLine, Point};
use std::fmt::Write;

/// Colours that people with any colour vision can tell apart (Okabe and Ito, 2008).
pub(crate) const COLOURS: [&str; 8] =
    ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8a8f98", "#B8A900"];

/// Text in HTML and SVG.
pub(crate) fn escape(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn open(width: u32, height: u32, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{t}\"><title>{t}</title>",
        t = escape(title)
    )
}

/// Samples per label, stacked by side.
pub(crate) fn class_balance(labels: &[LabelCount]) -> String {
    let shown = &labels[..labels.len().min(24)];
    let most = shown.iter().map(|l| l.training + l.validation + l.testing).max().unwrap_or(1).max(1);
    let height = 26 * shown.len() as u32 + 8;
    let mut out = open(560, height, "samples per label");
    for (i, l) in shown.iter().enumerate() {
        let y = 26 * i as u32 + 4;
        let _ = write!(
            out,
            "<text x=\"136\" y=\"{}\" text-anchor=\"end\">{}</text>",
            y + 14,
            escape(&clip(&l.label, 18))
        );
        let mut x = 144.0;
        for (n, colour) in [(l.training, COLOURS[0]), (l.validation, COLOURS[5]), (l.testing, COLOURS[1])] {
            let w = 350.0 * n as f64 / most as f64;
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{w:.1}\" height=\"18\" rx=\"2\" fill=\"{colour}\"/>"
            );
            x += w;
        }
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" class=\"soft\">{}</text>",
            x + 6.0,
            y + 14,
            l.training + l.validation + l.testing
        );
    }
    out.push_str("</svg>");
    if labels.len() > shown.len() {
        let _ = write!(out, "<p class=\"soft\">and {} more labels</p>", labels.len() - shown.len());
    }
    out
}

pub(crate) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.into()
    } else {
        text.chars().take(most - 1).chain(['…']).collect()
    }
}

/// A frame with ticks; `x` and `y` map values to the picture.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
    width: f64,
    height: f64,
}

impl Axes {
    const LEFT: f64 = 48.0;
    const TOP: f64 = 10.0;
    fn px(&self, x: f64) -> f64 {
        let span = if self.x.1 > self.x.0 { self.x.1 - self.x.0 } else { 1.0 };
        Self::LEFT + (x - self.x.0) / span * self.width
    }
    fn py(&self, y: f64) -> f64 {
        let span = if self.y.1 > self.y.0 { self.y.1 - self.y.0 } else { 1.0 };
        Self::TOP + self.height - (y - self.y.0) / span * self.height
    }
    fn frame(&self, out: &mut String, digits: usize) {
        for i in 0..=4 {
            let v = self.y.0 + (self.y.1 - self.y.0) * f64::from(i) / 4.0;
            let y = self.py(v);
            let _ = write!(
                out,
                "<line x1=\"{}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" class=\"soft\">{v:.digits$}</text>",
                Self::LEFT,
                Self::LEFT + self.width,
                Self::LEFT - 6.0,
                y + 4.0
            );
        }
    }
    fn line(&self, out: &mut String, points: &[(f64, f64)], colour: &str, dashed: bool) {
        if points.is_empty() {
            return;
        }
        let path: Vec<String> =
            points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.px(*x), self.py(*y))).collect();
        let dash = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dash}/>",
            path.join(" ")
        );
    }
    fn bottom(&self, out: &mut String, left: &str, right: &str) {
        let y = Self::TOP + self.height + 16.0;
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{y:.1}\" class=\"soft\">{}</text><text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\" class=\"soft\">{}</text>",
            Self::LEFT,
            escape(left),
            Self::LEFT + self.width,
            escape(right)
        );
    }
}

/// Loss and metric over the epochs: two pictures.
pub(crate) fn learning(curves: &Curves) -> String {
    let n = curves.epochs.len().max(2) as f64;
    let mut out = String::new();
    type Pick = fn(&crate::Curve) -> (f64, Option<f64>);
    let mut pictures: Vec<(&str, Pick)> = vec![
        ("loss", |c| (c.loss, c.validation_loss)),
        ("accuracy or R2", |c| (c.metric, c.validation_metric)),
    ];
    if curves.epochs.iter().all(|c| c.gradient_norm.is_some()) {
        pictures.push(("norm of the gradient", |c| (c.gradient_norm.unwrap_or(0.0), None)));
    }
    for (title, pick) in pictures {
        let train: Vec<(f64, f64)> = curves.epochs.iter().map(|c| (c.epoch as f64, pick(c).0)).collect();
        let watch: Vec<(f64, f64)> =
            curves.epochs.iter().filter_map(|c| pick(c).1.map(|v| (c.epoch as f64, v))).collect();
        let all = || train.iter().chain(&watch).map(|p| p.1).filter(|v| v.is_finite());
        let high = all().fold(f64::MIN, f64::max).max(1e-6);
        let low = all().fold(f64::MAX, f64::min).min(high);
        let axes = Axes {
            x: (1.0, n),
            y: (if title != "accuracy or R2" { 0.0 } else { low.min(0.9 * high) }, high),
            width: 340.0,
            height: 170.0,
        };
        out.push_str("<figure>");
        out.push_str(&open(400, 205, title));
        axes.frame(&mut out, 2);
        let best = axes.px(curves.best_epoch as f64);
        let _ = write!(out, "<line x1=\"{best:.1}\" x2=\"{best:.1}\" y1=\"10\" y2=\"180\" class=\"mark\"/>");
        axes.line(&mut out, &train, COLOURS[0], false);
        axes.line(&mut out, &watch, COLOURS[1], true);
        axes.bottom(&mut out, "epoch 1", &format!("epoch {}", curves.epochs.len()));
        let _ = write!(out, "</svg><figcaption>{title}</figcaption></figure>");
    }
    out
}

/// Windows in two dimensions, coloured by label.
pub(crate) fn feature_map(points: &[Point]) -> String {
    let mut labels: Vec<&str> = points.iter().map(|p| p.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let range = |pick: fn(&Point) -> f64| {
        points.iter().map(pick).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)))
    };
    let axes = Axes { x: range(|p| p.x), y: range(|p| p.y), width: 540.0, height: 330.0 };
    let mut out = open(600, 350, "feature map");
    for p in points {
        let i = labels.iter().position(|l| *l == p.label).unwrap_or(0);
        let (x, y, colour) = (axes.px(p.x), axes.py(p.y), COLOURS[i % COLOURS.len()]);
        // Shape tells what colour repeats.
        if i < COLOURS.len() {
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\" fill-opacity=\".65\"/>"
            );
        } else {
            let _ = write!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"5\" fill=\"{colour}\" fill-opacity=\".65\"/>",
                x - 2.5,
                y - 2.5
            );
        }
    }
    out.push_str("</svg>");
    out.push_str(&legend(&labels));
    out
}

/// Names with their colours.
pub(crate) fn legend(labels: &[&str]) -> String {
    let items: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(i, l)| {
            let round = if i < COLOURS.len() { "50%" } else { "0" };
            format!(
                "<span><i style=\"background:{};border-radius:{round}\"></i>{}</span>",
                COLOURS[i % COLOURS.len()],
                escape(l)
            )
        })
        .collect();
    format!("<p class=\"legend\">{}</p>", items.join(""))
}

/// Buffers over time and place.
pub(crate) fn memory_map(lines: &[MemoryLine], arena: usize) -> String {
    let steps = lines.iter().map(|m| m.last + 1).max().unwrap_or(1) as f64;
    let axes = Axes { x: (0.0, steps), y: (0.0, arena.max(1) as f64), width: 500.0, height: 240.0 };
    let mut out = open(560, 275, "memory map of the arena");
    axes.frame(&mut out, 0);
    for (i, m) in lines.iter().enumerate() {
        let (x0, x1) = (axes.px(m.first as f64), axes.px(m.last as f64 + 1.0));
        let (y0, y1) = (axes.py((m.offset + m.bytes) as f64), axes.py(m.offset as f64));
        let _ = write!(
            out,
            "<rect x=\"{x0:.1}\" y=\"{y0:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\" fill=\"{}\" fill-opacity=\".75\"><title>{}: {} B at {}</title></rect>",
            (x1 - x0 - 1.0).max(1.0),
            (y1 - y0 - 1.0).max(1.0),
            COLOURS[i % COLOURS.len()],
            escape(&m.name),
            m.bytes,
            m.offset
        );
        if x1 - x0 > 60.0 && y1 - y0 > 14.0 {
            let room = ((x1 - x0) / 7.0) as usize;
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"on\">{}</text>",
                x0 + 5.0,
                y0 + 13.0,
                escape(&clip(&m.name, room.max(2)))
            );
        }
    }
    axes.bottom(&mut out, "first step", "last step");
    out.push_str("</svg>");
    out
}

/// ROC curve and scores of both kinds of windows.
pub(crate) fn anomaly(roc: &[(f64, f64)], normal: &[f32], anomalous: &[f32]) -> String {
    let axes = Axes { x: (0.0, 1.0), y: (0.0, 1.0), width: 240.0, height: 240.0 };
    let mut out = String::from("<figure>");
    out.push_str(&open(300, 275, "ROC curve"));
    axes.frame(&mut out, 2);
    axes.line(&mut out, &[(0.0, 0.0), (1.0, 1.0)], "#8a8f98", true);
    axes.line(&mut out, roc, COLOURS[0], false);
    axes.bottom(&mut out, "false alarms 0", "1");
    out.push_str("</svg><figcaption>anomalies found over false alarms</figcaption></figure><figure>");
    let mut all: Vec<f32> = normal.iter().chain(anomalous).copied().collect();
    all.sort_by(f32::total_cmp);
    let low = f64::from(all.first().copied().unwrap_or(0.0));
    // A few far outliers would push everything else into one bar.
    let high = f64::from(all.get(all.len() * 95 / 100).copied().unwrap_or(1.0)).max(low + 1e-6);
    let bins = 30;
    let count = |scores: &[f32]| {
        let mut n = vec![0usize; bins];
        for s in scores {
            let at = ((f64::from(*s) - low) / (high - low) * bins as f64) as usize;
            n[at.min(bins - 1)] += 1;
        }
        n
    };
    let (a, b) = (count(normal), count(anomalous));
    let most = a.iter().chain(&b).copied().max().unwrap_or(1).max(1) as f64;
    let axes = Axes { x: (0.0, bins as f64), y: (0.0, most), width: 340.0, height: 240.0 };
    out.push_str(&open(400, 275, "anomaly scores"));
    axes.frame(&mut out, 0);
    for (counts, colour) in [(&a, COLOURS[0]), (&b, COLOURS[4])] {
        for (i, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let (x, y) = (axes.px(i as f64), axes.py(*n as f64));
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"{:.1}\" fill=\"{colour}\" fill-opacity=\".6\"/>",
                250.0 - y
            );
        }
    }
    axes.bottom(&mut out, &format!("score {low:.2}"), &format!("{high:.2} and more"));
    let _ = write!(
        out,
        "</svg><figcaption><i style=\"background:{}\"></i> normal <i style=\"background:{}\"></i> anomalies</figcaption></figure>",
        COLOURS[0], COLOURS[4]
    );
    out
}

/// Estimates over the truth.
pub(crate) fn regression(pairs: &[(f32, f32)]) -> String {
    let range = |pick: fn(&(f32, f32)) -> f32| {
        pairs.iter().map(|p| f64::from(pick(p))).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)))
    };
    let (tx, ty) = (range(|p| p.0), range(|p| p.1));
    let both = (tx.0.min(ty.0), tx.1.max(ty.1));
    let axes = Axes { x: both, y: both, width: 320.0, height: 320.0 };
    let mut out = open(400, 360, "estimates over true values");
    axes.frame(&mut out, 1);
    axes.line(&mut out, &[(both.0, both.0), (both.1, both.1)], "#8a8f98", true);
    let step = pairs.len().div_ceil(1500).max(1);
    for (t, e) in pairs.iter().step_by(step) {
        let _ = write!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{}\" fill-opacity=\".5\"/>",
            axes.px(f64::from(*t)),
            axes.py(f64::from(*e)),
            COLOURS[0]
        );
    }
    axes.bottom(&mut out, &format!("true {:.1}", both.0), &format!("{:.1}", both.1));
    out.push_str("</svg>");
    out
}

/// Share that is right over confidence: bins of windows, larger where there are more; dashed before a temperature was fitted.
pub(crate) fn reliability(bins: &[(usize, f64, f64)], before: &[(usize, f64, f64)]) -> String {
    let axes = Axes { x: (0.0, 1.0), y: (0.0, 1.0), width: 240.0, height: 240.0 };
    let mut out = open(300, 275, "reliability");
    axes.frame(&mut out, 2);
    axes.line(&mut out, &[(0.0, 0.0), (1.0, 1.0)], "#8a8f98", true);
    let all = bins.iter().map(|b| b.0).sum::<usize>().max(1) as f64;
    for (bins, colour, dashed) in [(before, COLOURS[1], true), (bins, COLOURS[0], false)] {
        let points: Vec<(f64, f64)> = bins.iter().filter(|b| b.0 > 0).map(|b| (b.1, b.2)).collect();
        axes.line(&mut out, &points, colour, dashed);
        for (count, confidence, accuracy) in bins.iter().filter(|b| b.0 > 0) {
            let _ = write!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\" fill=\"{colour}\" fill-opacity=\".6\"><title>{count} windows: score {confidence:.3}, right {accuracy:.3}</title></circle>",
                axes.px(*confidence),
                axes.py(*accuracy),
                2.0 + 8.0 * (*count as f64 / all).sqrt()
            );
        }
    }
    axes.bottom(&mut out, "score 0", "1");
    out.push_str("</svg>");
    if before.is_empty() {
        return out;
    }
    let _ = write!(
        out,
        "<p class=\"legend\"><span><i style=\"background:{}\"></i>after</span><span><i style=\"background:{}\"></i>before</span></p>",
        COLOURS[0], COLOURS[1]
    );
    out
}
