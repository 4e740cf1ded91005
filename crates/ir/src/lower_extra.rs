//! Steps of the operators of imported models.

use crate::{
    extra::{BinaryKind, ReduceKind, Sampling},
    graph::{Activation, DType, Graph, Node, Op},
    lower::{
        AddParams, LstmParams, MatMulParams, MulParams, PreluParams, Step, SvdfOutputParams, SvdfStateParams,
        Tap, limits_f32, limits_s8, requantize_factor, scale_zero,
    },
    tables,
};
use edgewright_kernels::binary::DIFFERENCE_LEFT_SHIFT;

impl Graph {
    pub(crate) fn extra_step(&self, op: &Op, node: &Node, integer: bool) -> Result<Step, String> {
        let x = self.tensor(node.inputs[0]);
        let out = self.tensor(node.output);
        Ok(match op {
            Op::Unary { function } if integer => Step::Lookup8 {
                table: tables::function(*function, scale_zero(x)?, scale_zero(out)?, self.reference),
            },
            Op::Unary { function } => Step::UnaryF32 { function: *function },
            Op::Binary { kind, activation } if integer => {
                let (to, second) = (scale_zero(out)?, scale_zero(self.tensor(node.inputs[1]))?);
                let from = scale_zero(x)?;
                match kind {
                    BinaryKind::Add => Step::AddS8(self.addition(node, *activation)?),
                    BinaryKind::Sub => Step::SubS8(self.addition(node, *activation)?),
                    BinaryKind::Mul => {
                        let [min, max] = limits_s8(*activation, to.0, to.1);
                        let product = f64::from(from.0) * f64::from(second.0);
                        Step::MulS8(MulParams {
                            in_zero: [from.1, second.1],
                            factor: requantize_factor(product / f64::from(to.0)),
                            out_zero: to.1,
                            min,
                            max,
                        })
                    }
                    BinaryKind::Maximum | BinaryKind::Minimum if from == to && second == to => {
                        Step::ExtremeS8 { larger: *kind == BinaryKind::Maximum }
                    }
                    BinaryKind::Maximum | BinaryKind::Minimum => {
                        return Err("the inputs and the output must have one scale".into());
                    }
                    BinaryKind::SquaredDifference => {
                        Step::SquaredDifferenceS8(self.squared_difference(node, *activation)?)
                    }
                    BinaryKind::Div => {
                        return Err(format!("{kind:?} has no integer form; keep it in float"));
                    }
                }
            }
            Op::Binary { kind, activation } => {
                Step::BinaryF32 { kind: *kind, limits: limits_f32(*activation) }
            }
            Op::Strided { shape, strides, offset } => {
                Step::Strided { shape: shape.clone(), strides: strides.clone(), offset: *offset }
            }
            Op::Snap { row, symmetric } => Step::Snap { row: *row, symmetric: *symmetric },
            Op::Concat { outer } => Step::Concat { outer: *outer },
            Op::Pad { shape, before, after, value } => {
                let [low, high] = range(out.dtype);
                let integer = match &out.quant {
                    Some(q) => (f64::from(*value / q.scale[0]).round() as i32)
                        .saturating_add(q.zero_point)
                        .clamp(low, high) as i16,
                    None => 0,
                };
                let whole = (0..shape.len()).map(|i| shape[i] + before[i] + after[i]).collect();
                Step::Pad { shape: shape.clone(), before: before.clone(), whole, value: *value, integer }
            }
            Op::Reduce { kind, count, inner } if integer => {
                let (from, to) = (scale_zero(x)?, scale_zero(out)?);
                let real = f64::from(from.0) / f64::from(to.0);
                let (count, inner, zeros) = (*count, *inner, [from.1, to.1]);
                match kind {
                    ReduceKind::Mean => {
                        Step::ReduceSumS8 { count, inner, zeros, factor: tables::mean_factor(real, count) }
                    }
                    ReduceKind::Sum => {
                        Step::ReduceSumS8 { count, inner, zeros, factor: requantize_factor(real) }
                    }
                    ReduceKind::Max | ReduceKind::Min if from == to => {
                        Step::ReduceExtremeS8 { larger: *kind == ReduceKind::Max, count, inner }
                    }
                    ReduceKind::Max | ReduceKind::Min => {
                        return Err("a maximum or minimum has the scale of its input".into());
                    }
                }
            }
            Op::Reduce { kind, count, inner } => {
                Step::ReduceF32 { kind: *kind, count: *count, inner: *inner }
            }
            Op::MatMul { batch, shared, transposed } => {
                let matrices = self.matrices(node, *batch, *shared, *transposed);
                if !integer {
                    return Ok(Step::MatMulF32 { matrices });
                }
                let (a, b) = (scale_zero(x)?, scale_zero(self.tensor(node.inputs[1]))?);
                let to = scale_zero(out)?;
                // The reference kernel multiplies the scales in single precision.
                let factor = requantize_factor(f64::from(a.0 * b.0) / f64::from(to.0));
                let params = MatMulParams { in_zero: [a.1, b.1], factor, out_zero: to.1 };
                Step::MatMulS8 { matrices, params }
            }
            Op::ResizeBilinear { sampling } => {
                let taps = |axis: usize| taps(x.shape[axis], out.shape[axis], *sampling, out.dtype);
                Step::ResizeBilinear { rows: taps(0), columns: taps(1) }
            }
            Op::Lstm { units, scales, cell, clip } if integer => {
                let (from, to) = (scale_zero(x)?, scale_zero(out)?);
                // Sums are in Q3.12, functions of them in Q0.15.
                let (sum, value) = (2f32.powi(-12), 2f32.powi(-15));
                let gate = |[w, r]: [f32; 2]| {
                    [(from.0, w), (to.0, r)]
                        .map(|(a, b)| requantize_factor(f64::from(a * b) / f64::from(sum)))
                };
                let product =
                    |a: f32, b: f32, to: f32| requantize_factor(f64::from(a) * f64::from(b) / f64::from(to));
                let limit = (f64::from(*clip) / f64::from(*cell)).clamp(0.0, 32767.0);
                Step::LstmS8(LstmParams {
                    inputs: x.len() / steps(out.len(), *units),
                    units: *units,
                    in_zero: from.1,
                    out_zero: to.1,
                    gates: scales.map(gate),
                    products: [
                        product(value, *cell, *cell),
                        product(value, value, *cell),
                        product(value, value, to.0),
                    ],
                    cell_power: (cell.to_bits() >> 23) as i32 - 127,
                    clip: limit as i32,
                })
            }
            // The reference joins the scales of an SVDF in single precision.
            Op::SvdfState => {
                let (from, to) = (scale_zero(x)?, scale_zero(out)?);
                let weights = scale_zero(self.tensor(node.inputs[2]))?.0;
                Step::SvdfState(SvdfStateParams {
                    inputs: x.len(),
                    memory: out.shape.get(1).copied().unwrap_or(1),
                    in_zero: from.1,
                    factor: requantize_factor(f64::from(from.0 * weights / to.0)),
                    state_zero: to.1,
                })
            }
            Op::SvdfOutput => {
                let (from, to) = (scale_zero(x)?, scale_zero(out)?);
                let weights = scale_zero(self.tensor(node.inputs[1]))?.0;
                let memory = x.shape.get(1).copied().unwrap_or(1);
                Step::SvdfOutput(SvdfOutputParams {
                    memory,
                    rank: x.len() / memory / out.len(),
                    state_zero: from.1,
                    factor: requantize_factor(f64::from(from.0 * weights / to.0)),
                    out_zero: to.1,
                })
            }
            Op::Prelu => {
                let (from, to, alpha) =
                    (scale_zero(x)?, scale_zero(out)?, scale_zero(self.tensor(node.inputs[1]))?);
                let (from_scale, to_scale) = (f64::from(from.0), f64::from(to.0));
                Step::PreluS8(PreluParams {
                    in_zero: from.1,
                    alpha_zero: alpha.1,
                    out_zero: to.1,
                    above: requantize_factor(from_scale / to_scale),
                    below: requantize_factor(from_scale * f64::from(alpha.0) / to_scale),
                })
            }
            op => return self.choice_step(op, node),
        })
    }
}

impl Graph {
    /// A sum's scales of the inputs; the scale of the output is that of a square.
    fn squared_difference(&self, node: &Node, activation: Activation) -> Result<AddParams, String> {
        let params = self.addition(node, activation)?;
        let scale = |id| Ok::<_, String>(scale_zero(self.tensor(id))?.0);
        let twice = 2.0 * f64::from(scale(node.inputs[0])?.max(scale(node.inputs[1])?));
        let steps = f64::from(1u32 << (2 * DIFFERENCE_LEFT_SHIFT));
        let factor = twice * twice / (steps * f64::from(scale(node.output)?));
        if factor >= 1.0 {
            return Err("the scale of its output is too small for squares of its inputs' differences".into());
        }
        Ok(AddParams { out_factor: requantize_factor(factor), ..params })
    }
}

/// Smallest and largest integer of a type of activations.
pub(crate) fn range(dtype: DType) -> [i32; 2] {
    if dtype == DType::I16 { [-32768, 32767] } else { [-128, 127] }
}

/// Number of steps of an LSTM, at least 1.
fn steps(outputs: usize, units: usize) -> usize {
    (outputs / units.max(1)).saturating_sub(3).max(1)
}

/// Where the output positions of one axis lie in the input.
fn taps(from: usize, to: usize, sampling: Sampling, dtype: DType) -> Vec<Tap> {
    let corners = sampling.align_corners && to > 1;
    let last = from.saturating_sub(1);
    if dtype == DType::F32 {
        let step = if corners { last as f32 / (to - 1) as f32 } else { from as f32 / to as f32 };
        return (0..to)
            .map(|i| {
                let at = if sampling.half_pixel { (i as f32 + 0.5) * step - 0.5 } else { i as f32 * step };
                let low = (at.floor().max(0.0) as usize).min(last);
                let high = (at.ceil().max(0.0) as usize).min(last);
                Tap { low, high, share: at - low as f32 }
            })
            .collect();
    }
    // The integer kernel works in units of 1/1024.
    let (from_i, to_i) = (from as i64, to as i64);
    let step = if corners {
        (1024 * (from_i - 1) + (to_i - 1) / 2) / (to_i - 1)
    } else {
        (1024 * from_i + to_i / 2) / to_i
    };
    (0..to_i)
        .map(|i| {
            let at = if sampling.half_pixel { i * step + step / 2 - 512 } else { i * step };
            let low = (at / 1024).clamp(0, last as i64);
            let high = ((at + 1023) / 1024).clamp(0, last as i64);
            Tap { low: low as usize, high: high as usize, share: (at - 1024 * low) as f32 }
        })
        .collect()
}
