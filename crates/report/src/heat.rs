//! Heat of the parts of a window as one SVG picture.

use crate::plots::{COLOURS, clip, escape};
use std::fmt::Write;

/// Heat of some parts, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    /// What it is of.
    pub title: String,
    /// What rows are; may be empty.
    pub row: String,
    /// What columns are.
    pub column: String,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// `rows * columns` values of any sign.
    pub values: Vec<f32>,
    /// Name of each part.
    pub parts: Vec<String>,
}

/// Extent of a map in the picture.
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 260.0;
/// Height of a part, at most.
const TALL: f64 = 40.0;

/// All maps below each other, each scaled by its largest value: orange speaks for what is explained, blue against it, the stronger the
/// more. A file of its own, in dark on light; each part has its name and value as a title.
pub fn heat_svg(title: &str, heats: &[Heat]) -> String {
    let tall = |h: &Heat| (HEIGHT / h.rows.max(1) as f64).min(TALL) * h.rows.max(1) as f64;
    let height = 48.0 + heats.iter().map(|h| tall(h) + 56.0).sum::<f64>();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height:.0}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\"><title>{t}</title><rect width=\"720\" height=\"{height:.0}\" fill=\"#fff\"/><text x=\"12\" y=\"22\" font-size=\"14\">{}</text>",
        escape(&clip(title, 96)),
        t = escape(title),
    );
    let mut top = 56.0;
    for h in heats {
        let most = h.values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let _ = write!(
            out,
            "<text x=\"80\" y=\"{:.1}\">{}, largest {most:.4}</text><text x=\"72\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text>",
            top - 6.0,
            escape(&h.title),
            top + 12.0,
            escape(&h.row)
        );
        let (w, t) = (WIDTH / h.columns.max(1) as f64, tall(h) / h.rows.max(1) as f64);
        for (at, (value, part)) in h.values.iter().zip(&h.parts).enumerate() {
            let (row, column) = (at / h.columns.max(1), at % h.columns.max(1));
            let colour = if *value >= 0.0 { COLOURS[4] } else { COLOURS[0] };
            let strength = if most > 0.0 { value.abs() / most } else { 0.0 };
            let _ = write!(
                out,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{w:.2}\" height=\"{t:.2}\" fill=\"{colour}\" fill-opacity=\"{strength:.3}\"><title>{}: {value:.4}</title></rect>",
                80.0 + column as f64 * w,
                top + row as f64 * t,
                escape(part)
            );
        }
        let bottom = top + tall(h);
        let _ = write!(
            out,
            "<rect x=\"80\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{:.1}\" fill=\"none\" stroke=\"#999\"/><text x=\"700\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text>",
            tall(h),
            bottom + 14.0,
            escape(&h.column)
        );
        top = bottom + 56.0;
    }
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::{Heat, heat_svg};

    #[test]
    fn the_strongest_part_is_full_and_names_are_escaped() {
        let heat = Heat {
            title: "a <b>".into(),
            rows: 1,
            columns: 3,
            values: vec![0.5, -1.0, 0.0],
            parts: vec!["x&y".into(), "two".into(), "three".into()],
            ..Heat::default()
        };
        let svg = heat_svg("\"why\"", &[heat]);
        assert!(
            svg.contains("fill=\"#D55E00\" fill-opacity=\"0.500\"><title>x&amp;y: 0.5000</title>"),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#0072B2\" fill-opacity=\"1.000\"><title>two: -1.0000</title>"), "{svg}");
        assert!(svg.contains("a &lt;b&gt;, largest 1.0000") && svg.contains("&quot;why&quot;"), "{svg}");
    }
}
