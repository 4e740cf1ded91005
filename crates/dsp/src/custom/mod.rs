//! Custom blocks: a program of named expressions, compiled once to steps that are run here and emitted as C.

mod compile;
mod functions;
mod lex;
mod run;
mod schedule;
mod types;

pub use functions::{EXAMPLE, FUNCTIONS, Function};

use crate::{
    Decimator, DspError, Plan, Welch, WindowSpec,
    plan::{Reader, refuse},
};
use alloc::{format, string::String, vec::Vec};

/// Steps of a program on a window.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomPlan {
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// In the order in which they are taken.
    pub steps: Vec<Step>,
    /// One name per feature.
    pub names: Vec<String>,
    /// `feature` lines of the program: their names, and the first feature of each.
    pub lines: Vec<(String, usize)>,
    /// Floats of scratch: the values that live at the same time, and what a step works in.
    pub scratch: usize,
}

/// One step: values from values.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is computed.
    pub op: Op,
    /// Of what.
    pub args: Vec<Operand>,
    /// Place of the result in the scratch.
    pub at: usize,
    /// Values of the result.
    pub len: usize,
}

/// What a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A number known before the run.
    Const(f32),
    /// Values in the scratch.
    At {
        /// Place of the first.
        at: usize,
        /// How many.
        len: usize,
    },
}

/// What a step computes. Steps marked with a star may write where their first operand lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The values of an axis of the window.
    Axis(usize),
    /// Seconds since the first frame; so many from one to the next.
    Time(f32),
    /// * Value by value of one operand.
    Unary(Unary),
    /// * Value by value of two operands; a single value goes with every one of the other.
    Binary(Binary),
    /// * Each value less the one before it; one fewer.
    Difference,
    /// * Sum of all values up to each.
    Running,
    /// * Mean of so many neighbours.
    Smooth(usize),
    /// * Values from this one on.
    Slice(usize),
    /// * Second-order sections from rest: b0, b1, b2, a1, a2 each.
    Filter(Vec<[f32; 5]>),
    /// * One of so many values, after a low-pass.
    Decimate(Vec<Decimator>),
    /// * Rising order.
    Sort,
    /// Share of the values in each of equally wide bins.
    Histogram,
    /// Mean power spectrum.
    Power(Welch),
    /// Mean.
    Mean,
    /// Root of the mean square.
    Rms,
    /// Sum of the squares.
    Energy,
    /// Sum of a part.
    Total {
        /// First value.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Variance, skewness, kurtosis.
    Moments,
    /// Smallest and largest value.
    Extremes,
    /// A value, or what lies so far from it to the next.
    Pick {
        /// Which.
        at: usize,
        /// Part of the way to the next.
        part: f32,
    },
    /// How often neighbours lie on two sides of the second operand.
    Crossings,
    /// Entropy of shares, in nats.
    Entropy,
    /// Pearson's correlation of two series.
    Correlation,
    /// Sum of the products of two series.
    Dot,
    /// Frequency of the bin with the most power; so many Hz from bin to bin.
    Peak(f32),
    /// Mean frequency, each by its power; so many Hz from bin to bin.
    Centroid(f32),
    /// Evenness of the spectrum; the factor brings it to 0..1.
    Evenness(f32),
    /// The operand becomes features from this one on.
    Feature(usize),
}

/// Value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-x`.
    Negate,
    /// `|x|`.
    Abs,
    /// Square root; 0 below 0.
    Sqrt,
    /// Natural logarithm; that of 1e-10 below it.
    Ln,
    /// Decimal logarithm; that of 1e-10 below it.
    Log10,
}

/// Value by value of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    /// 0 where the divisor is 0.
    Divide,
    Smaller,
    Larger,
    /// 1 where the first is less than the second, else 0.
    Less,
    /// 1 where the first is at most the second, else 0.
    AtMost,
}

impl CustomPlan {
    /// The lines of the program that give these features (by number, rising).
    pub fn sources(&self, features: &[usize]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for f in features {
            let at = self.lines.partition_point(|l| l.1 <= *f);
            if let Some((name, _)) = at.checked_sub(1).map(|at| &self.lines[at])
                && out.last() != Some(name)
            {
                out.push(name.clone());
            }
        }
        out
    }
}

/// Plans the program of a custom block.
pub(crate) fn custom(p: &Reader<'_>, window: &WindowSpec) -> Result<Plan, DspError> {
    let (program, values, wanted) = (p.text("program"), p.text("values"), p.text("features"));
    let compiled = compile::compile(&program, &values, window)?;
    let plan = schedule::schedule(compiled, &wanted, window)?;
    if plan.scratch > MOST_SCRATCH {
        return refuse(
            "program_too_large",
            format!("the program works in {} values at once; it can be at most {MOST_SCRATCH}", plan.scratch),
        );
    }
    Ok(Plan::Custom(plan))
}

/// Floats of scratch, at most.
const MOST_SCRATCH: usize = 1 << 24;

/// A number that a program names with `param`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Least and largest value, where the program names them.
    pub range: Option<[f64; 2]>,
}

/// The numbers that a program names with `param`, as they are written.
///
/// # Errors
/// As planning a block with this program.
pub fn program_parameters(program: &str, window: &WindowSpec) -> Result<Vec<Parameter>, DspError> {
    Ok(compile::compile(program, "", window)?.params)
}

/// The known name nearest to one that is not; of equals the one with the same letters.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| {
        let mut all: Vec<char> = text.chars().take(64).collect();
        all.sort_unstable();
        all
    };
    let own = letters(name);
    known
        .map(|k| (distance(name, k), letters(k) != own, k))
        .filter(|(d, _, k)| *d <= 1 + k.len() / 3)
        .min_by_key(|(d, other, _)| (*d, *other))
        .map(|(_, _, k)| k)
}

/// How many letters must be changed, added or taken away; long names are cut.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (j, d) in b.chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = j + 1;
        for (i, c) in a.iter().enumerate() {
            let change = before + usize::from(*c != d);
            before = row[i + 1];
            row[i + 1] = change.min(row[i] + 1).min(before + 1);
        }
    }
    row[a.len()]
}
