//! Steps of operators whose activations have 16 bits.

use crate::{
    extra::{BinaryKind, Function, ReduceKind, Reference},
    graph::{Activation, DType, Graph, Node, Op, PoolKind, Tensor},
    lower::{
        AddParams, Geometry, Layer, Requantize, Step, geometry_of, range, requantize_factor, scale_zero,
    },
    tables,
};
use edgewright_kernels::wide::ADD_LEFT_SHIFT;
pub use edgewright_kernels::wide::CurveParams;

/// A node of 16-bit activations with everything its kernel needs.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the names of the kernels' parameters")]
pub enum Wide {
    /// Convolution, depthwise when `depthwise`.
    Conv2d { geometry: Geometry, depthwise: bool, layer: Layer },
    /// Dense layer over rows.
    FullyConnected { inputs: usize, layer: Layer },
    /// Dense layer over rows, scaled in double precision.
    FullyConnectedScaled { inputs: usize, scales: Vec<f64>, limits: [i32; 2] },
    /// Pooling.
    Pool { geometry: Geometry, average: bool, limits: [i32; 2] },
    /// Sum, or difference when `sign` is -1.
    Add { params: AddParams, sign: i32 },
    /// Product.
    Mul { factor: Requantize, limits: [i32; 2] },
    /// The larger or smaller.
    Extreme { larger: bool },
    /// Clamp at one scale.
    Clamp { limits: [i32; 2] },
    /// To another scale, clamped; negative values by the second factor, times the sign.
    Rescale { factors: [Requantize; 2], sign: i32, limits: [i32; 2] },
    /// To bytes.
    Narrow { factor: Requantize, zero: i32 },
    /// From bytes.
    Widen { factor: Requantize, zero: i32 },
    /// From float.
    Quantize { scale: f32 },
    /// To float.
    Dequantize { scale: f32, zero: i32 },
    /// From one scale and width to another, with zero points or 32 bits.
    Between { factor: Requantize, zeros: [i32; 2] },
    /// Softmax of bytes, with its table.
    Softmax8 { row: usize, table: Vec<u32> },
    /// Mean or sum.
    ReduceSum { count: usize, inner: usize, factor: Requantize },
    /// Maximum or minimum.
    ReduceExtreme { larger: bool, count: usize, inner: usize },
    /// Logistic function or tangent.
    Curve(CurveParams),
    /// Softmax with its two tables.
    Softmax { row: usize, factor: Requantize, exponential: Vec<i16>, inverse: Vec<i16> },
}

impl Wide {
    /// Smallest and largest output of a convolution, dense layer, pooling, product or clamp.
    fn limits(activation: Activation, out: &Tensor) -> Result<[i32; 2], String> {
        let scale = scale_zero(out)?.0;
        let [low, high] = range(DType::I16);
        let quantised = |real: f32| ((real / scale).round() as i32).clamp(low, high);
        Ok(match activation {
            Activation::None => [low, high],
            Activation::Relu => [0, high],
            Activation::Relu6 => [0, quantised(6.0)],
            Activation::ReluN1To1 => [quantised(-1.0), quantised(1.0)],
        })
    }
}

/// Whether a scale is a power of two.
fn power(scale: f32) -> bool {
    scale.to_bits() << 9 == 0
}

/// A factor for the requantisation of 64-bit sums.
fn wide_factors(layer: Layer) -> Result<Layer, String> {
    match layer.factors.iter().position(|f| f.shift > 7) {
        Some(c) => Err(format!("the scale of output {c} is too small for its weights")),
        None => Ok(layer),
    }
}

impl Graph {
    /// The step of a node that reads or makes 16-bit activations.
    pub(crate) fn wide_step(&self, node: &Node) -> Result<Step, String> {
        let (x, out) = (self.tensor(node.inputs[0]), self.tensor(node.output));
        let both = || Ok::<_, String>((f64::from(scale_zero(x)?.0), f64::from(scale_zero(out)?.0)));
        let wide = match &node.op {
            Op::Conv2d { stride, dilation, padding, activation } => {
                let w = &self.tensor(node.inputs[1]).shape;
                let geometry =
                    geometry_of(x, out, [w[1], w[2]], *stride, *dilation, [padding.top, padding.left]);
                let mut layer = wide_factors(self.layer(node, *activation)?)?;
                layer.limits = Wide::limits(*activation, out)?;
                Wide::Conv2d { geometry, depthwise: false, layer }
            }
            Op::DepthwiseConv2d { stride, dilation, padding, activation, .. } => {
                let w = &self.tensor(node.inputs[1]).shape;
                let geometry =
                    geometry_of(x, out, [w[0], w[1]], *stride, *dilation, [padding.top, padding.left]);
                let mut layer = wide_factors(self.layer(node, *activation)?)?;
                layer.limits = Wide::limits(*activation, out)?;
                Wide::Conv2d { geometry, depthwise: true, layer }
            }
            Op::FullyConnected { activation } if self.reference == Reference::Litert => {
                let scales =
                    &self.tensor(node.inputs[1]).quant.as_ref().ok_or("the weights have no scale")?.scale;
                let (from, to) = both()?;
                let outputs = self.tensor(node.inputs[2]).len();
                let each = scales.iter().cycle().take(outputs);
                Wide::FullyConnectedScaled {
                    inputs: self.tensor(node.inputs[1]).shape[1],
                    scales: each.map(|scale| from * f64::from(*scale) / to).collect(),
                    limits: Wide::limits(*activation, out)?,
                }
            }
            Op::FullyConnected { activation } => {
                let mut layer = wide_factors(self.layer(node, *activation)?)?;
                layer.limits = Wide::limits(*activation, out)?;
                Wide::FullyConnected { inputs: self.tensor(node.inputs[1]).shape[1], layer }
            }
            Op::Pool2d { kind, kernel, stride, padding, activation } => {
                if scale_zero(x)? != scale_zero(out)? {
                    return Err("pooling needs one scale for input and output".into());
                }
                let geometry = geometry_of(x, out, *kernel, *stride, [1, 1], [padding.top, padding.left]);
                let limits = Wide::limits(*activation, out)?;
                Wide::Pool { geometry, average: *kind == PoolKind::Average, limits }
            }
            Op::Add { activation } => self.wide_sum(node, *activation, 1)?,
            Op::Binary { kind: BinaryKind::Add, activation } => self.wide_sum(node, *activation, 1)?,
            Op::Binary { kind: BinaryKind::Sub, activation } => self.wide_sum(node, *activation, -1)?,
            Op::Binary { kind: BinaryKind::Mul, activation } => {
                let product =
                    f64::from(scale_zero(x)?.0) * f64::from(scale_zero(self.tensor(node.inputs[1]))?.0);
                let factor = requantize_factor(product / f64::from(scale_zero(out)?.0));
                Wide::Mul { factor, limits: Wide::limits(*activation, out)? }
            }
            Op::Binary { kind: kind @ (BinaryKind::Maximum | BinaryKind::Minimum), .. } => {
                let to = scale_zero(out)?;
                if scale_zero(x)? != to || scale_zero(self.tensor(node.inputs[1]))? != to {
                    return Err("the inputs and the output must have one scale".into());
                }
                Wide::Extreme { larger: *kind == BinaryKind::Maximum }
            }
            Op::Activate { activation } => {
                let (from, to) = (scale_zero(x)?.0, scale_zero(out)?.0);
                let limits = Wide::limits(*activation, out)?;
                if from == to {
                    Wide::Clamp { limits }
                } else {
                    Wide::Rescale { factors: [requantize_factor(f64::from(from / to)); 2], sign: 1, limits }
                }
            }
            Op::Unary { function: Function::LeakyRelu(alpha) } => {
                let (from, to) = (scale_zero(x)?.0, scale_zero(out)?.0);
                let above = requantize_factor(f64::from(from / to));
                let below = requantize_factor(f64::from((from * alpha.abs()) / to));
                let sign = if *alpha < 0.0 { -1 } else { 1 };
                Wide::Rescale { factors: [above, below], sign, limits: range(DType::I16) }
            }
            Op::Unary { function: function @ (Function::Logistic | Function::Tanh) } => {
                if scale_zero(out)?.0 != 1.0 / 32768.0 {
                    return Err("its output in 16 bits has the scale 1/32768".into());
                }
                if scale_zero(x)?.0 > 2.0 {
                    return Err("the scale of its input in 16 bits is at most 2".into());
                }
                Wide::Curve(curve(*function == Function::Tanh, scale_zero(x)?.0))
            }
            Op::Softmax if x.dtype == DType::I8 => {
                let row = x.shape.last().copied().unwrap_or(1);
                if row > 4095 {
                    return Err("an integer softmax takes at most 4095 values".into());
                }
                let (scale, zero) = scale_zero(out)?;
                if (scale * 65536.0 - 1.0).abs() > 0.001 || zero != -32768 {
                    return Err(
                        "a softmax of bytes to 16 bits gives scale 1/65536 and zero point -32768".into()
                    );
                }
                Wide::Softmax8 { row, table: tables::softmax(scale_zero(x)?.0) }
            }
            Op::Softmax => {
                let row = x.shape.last().copied().unwrap_or(1);
                if row > 65_000 {
                    return Err("a softmax of 16 bits takes at most 65000 values".into());
                }
                if scale_zero(out)?.0 != 1.0 / 32768.0 {
                    return Err("a softmax of 16 bits gives scale 1/32768".into());
                }
                let [exponential, inverse] = tables::softmax_16();
                // -10 to 0 is spread over 65535 steps.
                let factor = requantize_factor(f64::from(scale_zero(x)?.0) / (10.0 / 65535.0));
                Wide::Softmax { row, factor, exponential, inverse }
            }
            Op::Quantize if x.dtype == DType::F32 => Wide::Quantize { scale: scale_zero(out)?.0 },
            Op::Quantize => {
                let (from, to) = both()?;
                let factor = requantize_factor(from / to);
                let zeros = [scale_zero(x)?.1, scale_zero(out)?.1];
                let special = [(x, zeros[0]), (out, zeros[1])]
                    .iter()
                    .any(|(t, zero)| t.dtype == DType::I32 || t.dtype == DType::I16 && *zero != 0);
                match (x.dtype, out.dtype) {
                    _ if special => Wide::Between { factor, zeros },
                    (DType::I16, DType::I16) => {
                        Wide::Rescale { factors: [factor; 2], sign: 1, limits: range(DType::I16) }
                    }
                    (DType::I16, DType::I8) => Wide::Narrow { factor, zero: scale_zero(out)?.1 },
                    (DType::I8, DType::I16) => Wide::Widen { factor, zero: scale_zero(x)?.1 },
                    _ => return Err("16 bits are rescaled from and to bytes with a sign".into()),
                }
            }
            Op::Dequantize => {
                let (scale, zero) = scale_zero(x)?;
                Wide::Dequantize { scale, zero }
            }
            Op::Reduce { kind, count, inner } => {
                let (from, to) = both()?;
                let (count, inner) = (*count, *inner);
                if count > 65_535 {
                    return Err(format!("{count} integers of 16 bits are too many to join"));
                }
                match kind {
                    ReduceKind::Mean => {
                        Wide::ReduceSum { count, inner, factor: tables::mean_factor(from / to, count) }
                    }
                    ReduceKind::Sum => Wide::ReduceSum { count, inner, factor: requantize_factor(from / to) },
                    ReduceKind::Max | ReduceKind::Min if from == to => {
                        Wide::ReduceExtreme { larger: *kind == ReduceKind::Max, count, inner }
                    }
                    ReduceKind::Max | ReduceKind::Min => {
                        return Err("a maximum or minimum has the scale of its input".into());
                    }
                }
            }
            _ => {
                return Err(
                    "it has no form in 16 bits; quantise the model to int8, or keep this operator in float"
                        .into(),
                );
            }
        };
        Ok(Step::Wide(wide))
    }

    fn wide_sum(&self, node: &Node, activation: Activation, sign: i32) -> Result<Wide, String> {
        let mut params = self.addition(node, activation)?;
        let scales = [node.inputs[0], node.inputs[1], node.output]
            .map(|id| scale_zero(self.tensor(id)).map(|s| f64::from(s.0)));
        let [a, b, out] = scales;
        let (twice, out) = (2.0 * a?.max(b?), out?);
        params.out_factor = requantize_factor(twice / (f64::from(1u32 << ADD_LEFT_SHIFT) * out));
        [params.min, params.max] = Wide::limits(activation, self.tensor(node.output))?;
        Ok(Wide::Add { params, sign })
    }
}

/// From an input of a scale to three times a Q3.12 number.
///
/// # Source
/// TensorFlow Lite, `SigmoidPrepare` and `TanhPrepare` for 16 bits: a scale of 2^-12 (and of 2^-11 for the tangent) is a
/// shift; any other is a multiplier between 2^14 and 2^15 with a shift.
fn curve(tangent: bool, scale: f32) -> CurveParams {
    let exponent = (scale.to_bits() >> 23) as i32 - 127 + 12;
    if power(scale) && (exponent == 0 || (tangent && exponent == 1)) {
        return CurveParams { tangent, multiplier: 3 << exponent, shift: 0 };
    }
    let (mut multiplier, mut shift) = (f64::from(scale) * 4096.0 * 3.0, 0);
    while multiplier <= 32767.0 / 2.0 && shift <= 30 {
        shift += 1;
        multiplier *= 2.0;
    }
    CurveParams { tangent, multiplier: multiplier as i32, shift }
}
