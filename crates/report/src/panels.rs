//! Lines in panels below each other as one SVG picture.

use crate::plots::{COLOURS, clip, escape};
use std::fmt::Write;

/// Lines over one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// What it is of.
    pub title: String,
    /// What goes along.
    pub x: String,
    /// What goes up.
    pub y: String,
    /// Name and points of each line.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 70.0;
/// From the top of a panel to that of the next.
const STEP: f64 = HEIGHT + 70.0;

/// As a person reads it on an axis.
fn number(v: f64) -> String {
    match v.abs() {
        a if a >= 1e5 || (a > 0.0 && a < 1e-3) => format!("{v:.1e}"),
        a if a >= 100.0 => format!("{v:.0}"),
        _ => format!("{v:.3}"),
    }
}

/// All panels below each other, in dark on light, a file of its own. Values that are no numbers are left out.
pub fn panels_svg(title: &str, panels: &[Panel]) -> String {
    let height = 40.0 + STEP * panels.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height:.0}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\"><title>{t}</title><rect width=\"720\" height=\"{height:.0}\" fill=\"#fff\"/><text x=\"12\" y=\"22\" font-size=\"14\">{c}</text>",
        t = escape(title),
        c = escape(&clip(title, 96)),
    );
    for (n, panel) in panels.iter().enumerate() {
        draw(&mut out, panel, 56.0 + STEP * n as f64);
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, panel: &Panel, top: f64) {
    let ends = |pick: fn(&(f64, f64)) -> f64| {
        let all = panel.series.iter().flat_map(|(_, points)| points).map(pick).filter(|v| v.is_finite());
        let (low, high) = all.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        if low < high { (low, high) } else { (low.min(high) - 0.5, low.max(high) + 0.5) }
    };
    let ((left, right), (low, high)) = (ends(|p| p.0), ends(|p| p.1));
    let px = |v: f64| LEFT + (v - left) / (right - left) * WIDTH;
    let py = |v: f64| top + HEIGHT - (v - low) / (high - low) * HEIGHT;
    let bottom = top + HEIGHT;
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.1}\">{}</text><rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#bbb\"/>",
        top - 6.0,
        escape(&clip(&panel.title, 80))
    );
    for (v, y) in [(high, top + 10.0), (low, bottom)] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text>",
            LEFT - 6.0,
            number(v)
        );
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text><text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#666\">{}</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{} {}</text>",
        LEFT - 6.0,
        top + HEIGHT / 2.0,
        escape(&clip(&panel.y, 10)),
        bottom + 14.0,
        number(left),
        LEFT + WIDTH,
        bottom + 14.0,
        number(right),
        escape(&clip(&panel.x, 40))
    );
    for (i, (name, points)) in panel.series.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let drawn: Vec<String> = points
            .iter()
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .map(|p| format!("{:.1},{:.1}", px(p.0), py(p.1)))
            .collect();
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"><title>{}</title></polyline><text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            drawn.join(" "),
            escape(name),
            LEFT + 82.0 * (i % 8) as f64,
            bottom + 30.0,
            escape(&clip(name, 12))
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_inside_its_panel_and_names_are_escaped() {
        let panel = |name: &str| Panel {
            title: "a<b".into(),
            x: "Hz".into(),
            y: "dB".into(),
            series: vec![
                (name.to_owned(), vec![(0.0, -3.0), (10.0, 5.0), (20.0, f64::NAN)]),
                ("flat".into(), vec![(0.0, 1.0)]),
            ],
        };
        let svg = panels_svg("t", &[panel("<one>"), Panel::default()]);
        assert!(svg.contains("&lt;one&gt;") && svg.contains("a&lt;b") && !svg.contains("NaN"), "{svg}");
        assert!(svg.contains("points=\"70.0,236.0 380.0,56.0\""), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
    }
}
