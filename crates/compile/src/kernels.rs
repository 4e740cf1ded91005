//! Integer layers made ready for a kernel at compile time: zero points folded into biases, shifts checked, weights in the
//! order in which the kernel reads them.

use edgewright_ir::lower::{Layer, Requantize, finished};
use serde::{Deserialize, Serialize};

/// Families of integer kernels. All give the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Portable C.
    #[default]
    C,
    /// Armv7E-M and Armv8-M with the DSP extension.
    Dsp,
    /// Armv8.1-M with Helium, the vector extension.
    Helium,
}

/// A layer as rows of weights against columns of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// In the kernel's order.
    pub weights: Vec<i8>,
    /// Bias, multiplier, and shift to the right less one (to the left, below zero, for Helium) of each output.
    pub channels: Vec<[i32; 3]>,
    /// Inputs of a row, with the zeros that fill up to the kernel's grain.
    pub inputs: usize,
    /// Twice the zero point of the output, plus one.
    pub zero: i32,
    /// Limits of the output.
    pub limits: [i32; 2],
    /// Which way of requantisation all channels take.
    pub rounding: Rounding,
    /// What the kernel is told about the weights.
    pub form: Form,
}

/// Ways of requantisation, by their number in C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Rounds twice; sums and shifts are small.
    Twice = 0,
    /// Rounds twice, whatever the sums and shifts.
    TwiceAny = 1,
    /// Rounds once, whatever the sums and shifts.
    OnceAny = 2,
    /// Rounds once; sums and shifts are small.
    Once = 3,
}

/// How a [`Matrix`] is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As bytes, row after row; for the kernels in plain C.
    Rows,
    /// For the DSP extension, as bytes.
    Plain,
    /// For the DSP extension, two weights joined in a halfword.
    Joined,
    /// For the DSP extension, a depthwise convolution of 3 x 3: of each row the weights 0, 1, 1, 2; the bias doubled.
    Plane,
    /// For Helium, as bytes in blocks of sixteen: of two rows in turn, and an odd last one; in a dense layer of four.
    Blocks,
    /// For Helium, a depthwise convolution: of eight channels each tap in turn.
    Lanes {
        /// Products whose sum fits sixteen bits.
        together: usize,
    },
}

/// Channels of a group of [`Form::Lanes`], in the order in which Helium takes lanes apart.
pub const LANES: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

/// Grain of the inputs of the DSP family, and of Helium.
const GRAIN: usize = 8;
const BLOCK: usize = 16;
/// Rows that are interleaved in a dense layer of the DSP family and of Helium.
const TOGETHER: usize = 4;

/// What the rows are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Many columns: a convolution.
    Many,
    /// One column: a dense layer.
    One,
    /// A column for each row: a depthwise convolution.
    Own,
    /// The same with a shape of which the DSP family or Helium makes a function of its own: how many taps a row of the
    /// kernel has.
    OwnShape(usize),
}

/// Makes a layer ready. `rows` holds the weights, one row of equal length for each output; `once`: requantisation rounds once.
pub fn matrix(
    rows: &[Vec<i8>],
    bias: &[i32],
    layer: &Layer,
    family: Family,
    columns: Columns,
    once: bool,
) -> Matrix {
    let length = rows.first().map_or(0, Vec::len);
    let mut rows = rows.to_vec();
    let (mut bias, mut factors) = (bias.to_vec(), layer.factors.clone());
    for ((row, bias), factor) in rows.iter_mut().zip(&mut bias).zip(&mut factors) {
        if let Some((constant, plain)) = dead(row, *bias, *factor, layer, once) {
            row.fill(0);
            (*bias, *factor) = (constant, plain);
        }
    }
    let mut channels = Vec::with_capacity(rows.len());
    let mut general = false;
    let mut largest = 0;
    for (c, row) in rows.iter().enumerate() {
        let (low, high) = range(row, bias[c], layer.in_zero);
        largest = largest.max(high.max(-low));
        let folded = i64::from(bias[c]) - i64::from(layer.in_zero) * sum(row.iter());
        let channel = short(factors[c], low, high, once);
        general |= channel.is_none();
        let (multiplier, half) = channel.unwrap_or((factors[c].multiplier, -factors[c].shift - 1));
        channels.push([folded as i32, multiplier, half]);
    }
    if general {
        for (channel, factor) in channels.iter_mut().zip(&factors) {
            [channel[1], channel[2]] = [factor.multiplier, -factor.shift - 1];
        }
    }
    let small = rows.iter().flatten().all(|&w| w > -128);
    let form = match (family, columns) {
        (Family::C, _) | (_, Columns::Own) => Form::Rows,
        (Family::Helium, Columns::Many | Columns::OwnShape(_)) if general || once => Form::Rows,
        (Family::Helium, Columns::OwnShape(taps)) => Form::Lanes { together: together(&rows, taps) },
        (Family::Helium, _) => Form::Blocks,
        (Family::Dsp, Columns::OwnShape(_)) if general || layer.limits != [-128, 127] => Form::Rows,
        (Family::Dsp, Columns::OwnShape(_)) => Form::Plane,
        (Family::Dsp, Columns::Many) if general => Form::Rows,
        // 256 times the sum must fit 32 bits.
        (Family::Dsp, _) if small && largest < 1 << 23 => Form::Joined,
        (Family::Dsp, _) => Form::Plain,
    };
    if form == Form::Plane {
        let weights = rows.iter().flat_map(|r| r.chunks_exact(3).flat_map(|w| [w[0], w[1], w[1], w[2]]));
        channels.iter_mut().for_each(|c| c[0] *= 2);
        let (zero, limits) = (2 * layer.out_zero + 1, layer.limits);
        let rounding = Rounding::Twice;
        return Matrix { weights: weights.collect(), channels, inputs: 12, zero, limits, rounding, form };
    }
    let inputs = match form {
        Form::Rows | Form::Lanes { .. } => length,
        Form::Blocks => length.next_multiple_of(BLOCK),
        _ => length.next_multiple_of(GRAIN),
    };
    let mut packed: Vec<Vec<i8>> = rows.to_vec();
    for (row, channel) in packed.iter_mut().zip(&mut channels) {
        row.resize(inputs, 0);
        if matches!(form, Form::Blocks | Form::Lanes { .. }) {
            channel[2] = -1 - channel[2];
        }
        if form == Form::Joined {
            let odd = sum(row.iter().skip(1).step_by(2));
            channel[0] = ((i64::from(channel[0]) + 127 * odd) * 256) as i32;
            for pair in row.chunks_exact_mut(2) {
                // 256 * odd + even, low byte first.
                pair[1] -= i8::from(pair[0] < 0);
            }
        }
    }
    let block = if form == Form::Blocks { BLOCK } else { 4 };
    packed = match (form, columns) {
        (Form::Rows, _) => packed,
        (_, Columns::One) => {
            packed.resize(rows.len().next_multiple_of(TOGETHER), vec![0; inputs]);
            packed.chunks_exact(TOGETHER).map(|rows| interleave(rows, block)).collect()
        }
        (Form::Blocks, _) => packed.chunks(2).map(|rows| interleave(rows, block)).collect(),
        (Form::Lanes { .. }, _) => {
            packed.resize(rows.len().next_multiple_of(LANES.len()), vec![0; inputs]);
            packed.chunks_exact(LANES.len()).map(|rows| interleave(rows, 1)).collect()
        }
        _ => packed,
    };
    Matrix {
        weights: packed.concat(),
        channels,
        inputs,
        zero: 2 * layer.out_zero + 1,
        limits: layer.limits,
        rounding: match (once, general) {
            (false, false) => Rounding::Twice,
            (false, true) => Rounding::TwiceAny,
            (true, true) => Rounding::OnceAny,
            (true, false) => Rounding::Once,
        },
        form,
    }
}

/// Rows block by block: the first weights of each row, then the next.
fn interleave(rows: &[Vec<i8>], block: usize) -> Vec<i8> {
    let blocks = rows[0].len() / block;
    (0..blocks)
        .flat_map(|b| rows.iter().flat_map(move |row| row[block * b..block * (b + 1)].to_vec()))
        .collect()
}

/// How many products in a row fit sixteen bits when they are summed, whatever the inputs: those of all taps, of a row of
/// the kernel, two, or one.
fn together(rows: &[Vec<i8>], taps: usize) -> usize {
    let fits = |taps: usize| {
        let weight = |taps: &[i8]| taps.iter().map(|w| i32::from(w.unsigned_abs())).sum::<i32>();
        rows.iter().flat_map(|r| r.chunks(taps)).all(|taps| 128 * weight(taps) <= i32::from(i16::MAX))
    };
    let all = rows.first().map_or(1, Vec::len);
    [all, taps, 2].into_iter().find(|&taps| fits(taps)).unwrap_or(1)
}

fn sum<'a>(weights: impl Iterator<Item = &'a i8>) -> i64 {
    weights.map(|&w| i64::from(w)).sum()
}

/// Bias and factor of an output that is the same for every input, as in a channel that died in training: its scale is tiny,
/// its bias huge, and both are out of the range of the short way. Weights of 0 take their place.
fn dead(row: &[i8], bias: i32, factor: Requantize, layer: &Layer, once: bool) -> Option<(i32, Requantize)> {
    if (-22..=-1).contains(&factor.shift) {
        return None;
    }
    let (low, high) = range(row, bias, layer.in_zero);
    // A shift to the left that loses bits does not keep the order of the sums: equal ends would tell nothing.
    let kept = |sum: i64| factor.shift <= 0 || i32::try_from(sum << factor.shift).is_ok();
    if !kept(low) || !kept(high) {
        return None;
    }
    let of = |sum: i64| Some(finished(i32::try_from(sum).ok()?, factor, once, layer.out_zero, layer.limits));
    let (low, high) = (of(low)?, of(high)?);
    // A quarter (an eighth), exactly.
    let (times, shift) = if once { (8, -2) } else { (4, -1) };
    (low == high).then_some((times * (low - layer.out_zero), Requantize { multiplier: 1 << 30, shift }))
}

/// Smallest and largest sum that any input gives.
fn range(row: &[i8], bias: i32, zero: i32) -> (i64, i64) {
    let (mut low, mut high) = (i64::from(bias), i64::from(bias));
    for &w in row {
        let (a, b) = (i64::from(w) * i64::from(-128 - zero), i64::from(w) * i64::from(127 - zero));
        low += a.min(b);
        high += a.max(b);
    }
    (low, high)
}

/// Multiplier, and shift to the right less one, for the short way of requantisation: sums below 2^30, shifts of 1 (2 when it
/// rounds once) to 22 to the right. A factor so small that every sum becomes 0 is one of 0.
fn short(factor: Requantize, low: i64, high: i64, once: bool) -> Option<(i32, i32)> {
    let largest = high.max(-low);
    let least = if once { -2 } else { -1 };
    if factor.multiplier == 0 || (factor.shift < -22 && largest < 1 << (-factor.shift - 1)) {
        return Some((0, -1 - least));
    }
    ((-22..=least).contains(&factor.shift) && largest < 1 << 30)
        .then_some((factor.multiplier, -factor.shift - 1))
}
