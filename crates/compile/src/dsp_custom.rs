//! Emission of custom blocks: one line or loop for each step of the plan.

use crate::{
    dsp::{DspCode, decimator_table, floats},
    dsp_features::welch_table,
    names::float,
};
use edgewright_dsp::{Binary, CustomPlan, Op, Operand, Step, Unary, Welch};
use std::fmt::Write;

struct Emitter<'a> {
    symbol: &'a str,
    tables: String,
    steps: String,
    decimators: Vec<String>,
    spectra: Vec<&'a Welch>,
    filters: usize,
}

/// Emits the block on windows of `axes` axes; `out` holds the table of those that it sees.
pub(crate) fn emit(p: &CustomPlan, symbol: &str, axes: usize, out: String) -> DspCode {
    let mut e = Emitter {
        symbol,
        tables: out,
        steps: String::new(),
        decimators: Vec::new(),
        spectra: Vec::new(),
        filters: 0,
    };
    for step in &p.steps {
        e.step(step, axes);
    }
    let mut runtime =
        vec!["ew_read.h", "ew_math.h", "ew_stats.h", "ew_axis.h", "ew_features.h", "ew_custom.h"];
    if !e.spectra.is_empty() {
        runtime.extend(["ew_fft.h", "ew_welch.h"]);
    }
    if !e.decimators.is_empty() {
        runtime.push("ew_decimate.h");
    }
    let mut source = e.tables;
    let _ = write!(
        source,
        r#"
EW_FN int {symbol}_extract(const ew_signal *signal, float *features, float *w)
{{
    size_t i;
    int status;
    (void)i;
    (void)status;
    (void)signal;
{}    return EW_OK;
}}
"#,
        e.steps
    );
    DspCode { runtime, source, call: format!("{symbol}_extract(signal, features, scratch)") }
}

/// Place of an operand's values.
fn from(step: &Step, k: usize) -> (usize, usize) {
    match step.args[k] {
        Operand::At { at, len } => (at, len),
        Operand::Const(_) => (0, 0),
    }
}

/// `w + place`.
fn ptr(at: usize) -> String {
    format!("w + {at}")
}

/// A value of an operand; `i` counts those of the result.
fn value(operand: Operand, single: bool) -> String {
    match operand {
        Operand::Const(c) => float(c),
        Operand::At { at, len: 1 } => format!("w[{at}]"),
        Operand::At { at, .. } if single => format!("w[{at}]"),
        Operand::At { at, .. } => format!("w[{at}u + i]"),
    }
}

fn unary(op: Unary, x: &str) -> String {
    match op {
        Unary::Negate => format!("-{x}"),
        Unary::Abs => format!("{x} < 0.0f ? -{x} : {x}"),
        Unary::Sqrt => format!("ew_sqrt_of({x})"),
        Unary::Ln => format!("ew_ln_of({x})"),
        Unary::Log10 => format!("ew_log10_of({x})"),
    }
}

fn binary(op: Binary, x: &str, y: &str) -> String {
    match op {
        Binary::Add => format!("{x} + {y}"),
        Binary::Subtract => format!("{x} - {y}"),
        Binary::Multiply => format!("{x} * {y}"),
        Binary::Divide => format!("ew_over({x}, {y})"),
        Binary::Smaller => format!("{x} < {y} ? {x} : {y}"),
        Binary::Larger => format!("{x} > {y} ? {x} : {y}"),
        Binary::Less => format!("{x} < {y} ? 1.0f : 0.0f"),
        Binary::AtMost => format!("{x} <= {y} ? 1.0f : 0.0f"),
    }
}

impl<'a> Emitter<'a> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.steps, "    {text}");
    }

    fn each(&mut self, n: usize, text: &str) {
        let _ = writeln!(self.steps, "    for (i = 0; i < {n}u; i++) {{\n        {text}\n    }}");
    }

    /// The values of the first operand where the result stands.
    fn copied(&mut self, step: &Step) -> usize {
        let (x, len) = from(step, 0);
        if x != step.at {
            self.line(&format!("memmove({}, {}, {len}u * sizeof(float));", ptr(step.at), ptr(x)));
        }
        len
    }

    fn step(&mut self, step: &'a Step, axes: usize) {
        let (to, len) = (step.at, step.len);
        let single = len == 1;
        let out = value(Operand::At { at: to, len }, single);
        let of = |k: usize| (ptr(from(step, k).0), from(step, k).1);
        match &step.op {
            Op::Axis(axis) => {
                self.line(&format!(
                    "status = ew_read_axis(signal, {axes}u, {}_axes[{axis}], 0u, {len}u, {});",
                    self.symbol,
                    ptr(to)
                ));
                self.line("if (status != EW_OK) {\n        return status;\n    }");
            }
            Op::Time(second) => self.each(len, &format!("w[{to}u + i] = (float)i * {};", float(*second))),
            Op::Unary(op) => {
                let text = format!("{out} = {};", unary(*op, &value(step.args[0], single)));
                if single { self.line(&text) } else { self.each(len, &text) }
            }
            Op::Binary(op) => {
                let (x, y) = (value(step.args[0], single), value(step.args[1], single));
                let text = format!("{out} = {};", binary(*op, &x, &y));
                if single { self.line(&text) } else { self.each(len, &text) }
            }
            Op::Difference => {
                let x = from(step, 0).0;
                self.each(len, &format!("w[{to}u + i] = w[{}u + i] - w[{x}u + i];", x + 1));
            }
            Op::Running => self.line(&format!("ew_running({}, {len}u, {});", of(0).0, ptr(to))),
            Op::Smooth(n) => {
                let x = from(step, 0).0;
                let mean = format!("ew_total(w + {x} + i, {n}u) / {}", float(*n as f32));
                self.each(len, &format!("w[{to}u + i] = {mean};"));
            }
            Op::Slice(first) => {
                let x = from(step, 0).0 + first;
                if x != to {
                    self.line(&format!("memmove({}, {}, {len}u * sizeof(float));", ptr(to), ptr(x)));
                }
            }
            Op::Filter(sections) => {
                self.copied(step);
                let name = format!("{}_filter{}", self.symbol, self.filters);
                self.filters += 1;
                self.tables.push_str(&floats(&name, &sections.concat()));
                self.line(&format!("ew_filter({name}, {}u, {}, {len}u);", sections.len(), ptr(to)));
            }
            Op::Decimate(chain) => {
                let mut n = self.copied(step);
                for d in chain {
                    let name = decimator_table(d, self.symbol, &mut self.decimators, &mut self.tables);
                    self.line(&format!("(void)ew_decimate(&{name}, {}, {n}u);", ptr(to)));
                    n = d.kept(n);
                }
            }
            Op::Sort => {
                self.copied(step);
                self.line(&format!("ew_heap_sort({}, {len}u);", ptr(to)));
            }
            Op::Histogram => {
                let (x, n) = of(0);
                self.line(&format!("ew_histogram({x}, {n}u, {}, {len}u);", ptr(to)));
            }
            Op::Power(welch) => {
                let index = self.spectra.iter().position(|w| *w == welch).unwrap_or_else(|| {
                    welch_table(welch, &format!("{}_s{}", self.symbol, self.spectra.len()), &mut self.tables);
                    self.spectra.push(welch);
                    self.spectra.len() - 1
                });
                let (x, n) = of(0);
                self.line(&format!("ew_welch_power(&{}_s{index}, {x}, {n}u, {});", self.symbol, ptr(to)));
            }
            Op::Moments => {
                let (x, n) = of(0);
                self.line(&format!("ew_moments_to({x}, {n}u, {});", ptr(to)));
            }
            Op::Extremes => {
                let (x, n) = of(0);
                self.line(&format!("ew_extremes({x}, {n}u, {}, {});", ptr(to), ptr(to + 1)));
            }
            Op::Feature(first) => {
                let x = from(step, 0).0;
                if single {
                    self.line(&format!("features[{first}] = ew_finite(w[{x}]);"));
                } else {
                    self.each(len, &format!("features[{first}u + i] = ew_finite(w[{x}u + i]);"));
                }
            }
            other => {
                let text = scalar(other, step);
                self.line(&format!("{out} = {text};"));
            }
        }
    }
}

/// An expression for steps that give one value.
fn scalar(op: &Op, step: &Step) -> String {
    let (at, n) = from(step, 0);
    let x = ptr(at);
    match op {
        Op::Mean => format!("ew_mean({x}, {n}u)"),
        Op::Rms => format!("ew_rms({x}, {n}u)"),
        Op::Energy => format!("ew_energy({x}, {n}u)"),
        Op::Total { first, count } => format!("ew_total(w + {}, {count}u)", at + first),
        Op::Pick { at: k, part } if *part == 0.0 => format!("w[{}]", at + k),
        Op::Pick { at: k, part } => {
            let (low, high) = (at + k, at + k + 1);
            format!("w[{low}] + {} * (w[{high}] - w[{low}])", float(*part))
        }
        Op::Crossings => format!("ew_crossings({x}, {n}u, {})", value(step.args[1], true)),
        Op::Entropy => format!("ew_entropy_of({x}, {n}u, 1.0f)"),
        Op::Correlation => format!("ew_correlation({x}, {}, {n}u)", ptr(from(step, 1).0)),
        Op::Dot => format!("ew_dot({x}, {}, {n}u)", ptr(from(step, 1).0)),
        Op::Peak(width) => format!("ew_peak_hz({x}, {n}u, {})", float(*width)),
        Op::Centroid(width) => format!("ew_centroid_hz({x}, {n}u, {})", float(*width)),
        Op::Evenness(factor) => format!("ew_evenness({x}, {n}u, {})", float(*factor)),
        // The others are loops.
        _ => String::from("0.0f"),
    }
}
