//! Cost of a model, layer by layer, as one SVG picture.

use crate::{
    MemoryLine,
    plots::{COLOURS, clip, escape, memory_map},
};
use std::fmt::Write;

/// A layer with what it costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostLine {
    /// Name of the layer with its operator.
    pub name: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Instructions of one run.
    pub instructions: u64,
    /// Constants in flash, in bytes.
    pub flash_bytes: usize,
}

/// Bars of instructions and flash for each layer, and the arena below: a file of its own, in dark on light.
///
/// `title` names model, target and how the figures came about; `arena` is its size in bytes.
pub fn cost_svg(title: &str, layers: &[CostLine], memory: &[MemoryLine], arena: usize) -> String {
    let row = 18;
    let top = 64;
    let bars = top + row * layers.len() as u32 + 12;
    let height = bars + 300;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 {height}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\"><title>{t}</title><rect width=\"900\" height=\"{height}\" fill=\"#fff\"/><text x=\"12\" y=\"22\" font-size=\"14\">{t}</text>",
        t = escape(title)
    );
    for (x, text) in [(250, "instructions"), (570, "flash, bytes"), (790, "instructions / MAC")] {
        let _ = write!(out, "<text x=\"{x}\" y=\"48\" fill=\"#666\">{text}</text>");
    }
    let most = |f: fn(&CostLine) -> u64| layers.iter().map(f).max().unwrap_or(1).max(1) as f64;
    let (instructions, flash) = (most(|l| l.instructions), most(|l| l.flash_bytes as u64));
    for (i, l) in layers.iter().enumerate() {
        let y = top + row * i as u32;
        let _ = write!(
            out,
            "<text x=\"240\" y=\"{}\" text-anchor=\"end\">{}</text>",
            y + 11,
            escape(&clip(&l.name, 38))
        );
        for (x, width, value, all, colour) in [
            (250.0, 220.0, l.instructions, instructions, COLOURS[0]),
            (570.0, 140.0, l.flash_bytes as u64, flash, COLOURS[2]),
        ] {
            let w = width * value as f64 / all;
            let _ = write!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{w:.1}\" height=\"14\" rx=\"2\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\">{value}</text>",
                x + w + 4.0,
                y + 11
            );
        }
        if l.macs > 0 {
            let each = l.instructions as f64 / l.macs as f64;
            let _ = write!(out, "<text x=\"790\" y=\"{}\">{each:.2}</text>", y + 11);
        }
    }
    let map = memory_map(memory, arena).replacen(
        "<svg ",
        &format!("<svg x=\"60\" y=\"{}\" width=\"620\" height=\"290\" ", bars + 4),
        1,
    );
    out.push_str(&map);
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_and_buffer_is_drawn_and_names_are_escaped() {
        let layers = [
            CostLine { name: "a<b".into(), macs: 100, instructions: 150, flash_bytes: 40 },
            CostLine { name: "end".into(), macs: 0, instructions: 30, flash_bytes: 0 },
        ];
        let memory = [MemoryLine { name: "x".into(), offset: 0, bytes: 64, first: 0, last: 1 }];
        let svg = cost_svg("kws on cortex-m4f", &layers, &memory, 64);
        assert!(svg.contains("a&lt;b") && svg.contains(">150<") && svg.contains(">1.50<"), "{svg}");
        assert!(svg.contains("x: 64 B at 0"));
        assert_eq!(svg.matches("<svg ").count(), svg.matches("</svg>").count());
        let nothing = cost_svg("empty", &[], &[], 0);
        assert!(!nothing.contains("NaN"), "{nothing}");
    }
}
