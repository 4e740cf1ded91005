//! From nodes to the constants that kernels take. The interpreter and the compiler share this, so that both run the
//! same arithmetic.

use crate::graph::{Activation, DType, Data, Graph, GraphError, Node, Op, PoolKind, Tensor};
pub(crate) use crate::lower_extra::range;
pub use crate::lower_wide::{CurveParams, Wide};
use crate::{
    extra::{BinaryKind, CompareKind, Function, ReduceKind, Reference},
    tables,
};
pub use edgewright_kernels::{
    AddParams, Geometry, Requantize,
    binary::MulParams,
    choose::CompareParams,
    lstm::LstmParams,
    mat_mul::{MatMulParams, Matrices},
    prelu::PreluParams,
    resize::Tap,
    svdf::{SvdfOutputParams, SvdfStateParams},
};

/// A node with everything its kernel needs.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the names of the kernels' parameters")]
pub enum Step {
    /// Integer convolution, depthwise when `depthwise`.
    Conv2dS8 { geometry: Geometry, depthwise: bool, layer: Layer },
    /// Float convolution, depthwise when `depthwise`.
    Conv2dF32 { geometry: Geometry, depthwise: bool, limits: [f32; 2] },
    /// Integer dense layer.
    FullyConnectedS8 { layer: Layer },
    /// Float dense layer.
    FullyConnectedF32 { limits: [f32; 2] },
    /// Integer pooling.
    PoolS8 { geometry: Geometry, kind: PoolKind, limits: [i32; 2] },
    /// Float pooling.
    PoolF32 { geometry: Geometry, kind: PoolKind, limits: [f32; 2] },
    /// Integer sum.
    AddS8(AddParams),
    /// Float sum.
    AddF32 { limits: [f32; 2] },
    /// Integer clamp.
    ActivateS8 { limits: [i32; 2] },
    /// Float clamp.
    ActivateF32 { limits: [f32; 2] },
    /// Integer softmax with its table.
    SoftmaxS8 { row: usize, table: Vec<u32> },
    /// Float softmax.
    SoftmaxF32 { row: usize },
    /// Nothing to compute.
    Reshape,
    /// Per-element affine map.
    Normalize,
    /// Float to integer.
    Quantize { scale: f32, zero: i32 },
    /// Integer to float.
    Dequantize { scale: f32, zero: i32 },
    /// Distance to the nearest cluster.
    KMeansScore { axes: Vec<usize> },
    /// Integer dense layer that rounds once.
    FullyConnectedOnceS8 { layer: Layer },
    /// Float function of each element.
    UnaryF32 { function: Function },
    /// Any function of one byte.
    Lookup8 { table: Vec<i8> },
    /// Float function of two tensors.
    BinaryF32 { kind: BinaryKind, limits: [f32; 2] },
    /// Integer difference.
    SubS8(AddParams),
    /// Integer square of a difference.
    SquaredDifferenceS8(AddParams),
    /// Integer product.
    MulS8(MulParams),
    /// The larger or smaller of two integers.
    ExtremeS8 { larger: bool },
    /// View of the input.
    Strided { shape: Vec<usize>, strides: Vec<isize>, offset: usize },
    /// Rows joined.
    Concat { outer: usize },
    /// More elements around; `value` for a float tensor, `integer` for an integer one.
    Pad { shape: Vec<usize>, before: Vec<usize>, whole: Vec<usize>, value: f32, integer: i16 },
    /// Float reduction.
    ReduceF32 { kind: ReduceKind, count: usize, inner: usize },
    /// Integer mean or sum.
    ReduceSumS8 { count: usize, inner: usize, zeros: [i32; 2], factor: Requantize },
    /// Integer maximum or minimum.
    ReduceExtremeS8 { larger: bool, count: usize, inner: usize },
    /// Bilinear resizing.
    ResizeBilinear { rows: Vec<Tap>, columns: Vec<Tap> },
    /// Integer LSTM.
    LstmS8(LstmParams),
    /// Float product of matrices.
    MatMulF32 { matrices: Matrices },
    /// Integer product of matrices.
    MatMulS8 { matrices: Matrices, params: MatMulParams },
    /// State of an integer SVDF.
    SvdfState(SvdfStateParams),
    /// Output of an integer SVDF.
    SvdfOutput(SvdfOutputParams),
    /// Integer PRELU.
    PreluS8(PreluParams),
    /// Rows in 8 bits of their own.
    Snap { row: usize, symmetric: bool },
    /// Float comparison.
    CompareF32 { kind: CompareKind },
    /// Integer comparison.
    CompareS8 { kind: CompareKind, params: CompareParams },
    /// One of two values.
    Select,
    /// Where the largest or smallest value lies.
    ArgExtreme { largest: bool, last: bool, count: usize, inner: usize },
    /// Rows of a table; those that are not there are `zero`.
    Gather { width: usize, zero: i32 },
    /// Anything on activations of 16 bits.
    Wide(Wide),
    /// Likelihood under a mixture.
    GmmScore { axes: Vec<usize>, diagonal: bool, centre: f32, scale: f32 },
    /// Edges below each value.
    Bucketize,
    /// Sum of trees over floats.
    TreesF32 { shared: bool },
    /// Sum of trees over bytes.
    TreesS8 { shared: bool, scale: f32 },
}

/// Constants of an integer layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// One per output channel.
    pub factors: Vec<Requantize>,
    /// Zero point of the input.
    pub in_zero: i32,
    /// Zero point of the output.
    pub out_zero: i32,
    /// Limits of the output.
    pub limits: [i32; 2],
}

/// A real factor in fixed point.
///
/// # Source
/// TensorFlow Lite, `QuantizeMultiplier`: mantissa rounded to 31 bits; factors below 2^-31 become 0.
pub fn requantize_factor(real: f64) -> Requantize {
    if real <= 0.0 || !real.is_finite() {
        return Requantize { multiplier: 0, shift: 0 };
    }
    let bits = real.to_bits();
    let mut shift = ((bits >> 52) & 0x7ff) as i32 - 1022;
    let mantissa = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    let mut multiplier = (mantissa * (1u64 << 31) as f64).round() as i64;
    if multiplier == 1 << 31 {
        multiplier /= 2;
        shift += 1;
    }
    if shift < -31 {
        return Requantize { multiplier: 0, shift: 0 };
    }
    if shift > 30 {
        return Requantize { multiplier: i32::MAX, shift: 30 };
    }
    Requantize { multiplier: multiplier as i32, shift }
}

/// The output of an integer layer for a sum; it never falls when the sum grows. `once`: requantisation rounds once.
pub fn finished(sum: i32, factor: Requantize, once: bool, out_zero: i32, limits: [i32; 2]) -> i32 {
    use edgewright_kernels::fixed::{output, requantize, requantize_once};
    let scaled = if once { requantize_once(sum, factor) } else { requantize(sum, factor) };
    output(scaled, out_zero, limits[0], limits[1]).into()
}

/// Limits of a fused activation in float.
pub fn limits_f32(activation: Activation) -> [f32; 2] {
    match activation {
        Activation::None => [f32::NEG_INFINITY, f32::INFINITY],
        Activation::Relu => [0.0, f32::INFINITY],
        Activation::Relu6 => [0.0, 6.0],
        Activation::ReluN1To1 => [-1.0, 1.0],
    }
}

/// Limits of a fused activation in the integers of the output.
pub(crate) fn limits_s8(activation: Activation, scale: f32, zero: i32) -> [i32; 2] {
    let quantised = |real: f32| zero.saturating_add((real / scale).round() as i32);
    let [low, high] = match activation {
        Activation::None => [-128, 127],
        Activation::Relu => [quantised(0.0), 127],
        Activation::Relu6 => [quantised(0.0), quantised(6.0)],
        Activation::ReluN1To1 => [quantised(-1.0), quantised(1.0)],
    };
    [low.max(-128), high.min(127)]
}

pub(crate) fn scale_zero(tensor: &Tensor) -> Result<(f32, i32), String> {
    let q = tensor.quant.as_ref().ok_or_else(|| format!("`{}` has no scale", tensor.name))?;
    Ok((q.scale[0], q.zero_point))
}

/// e to the power x for x <= 0, the same on every host (the system's `exp` differs between libraries).
pub(crate) fn exp_f64(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    // exp(x) = exp(x / 2^k)^(2^k) with a Taylor series where it converges fast.
    let k = 10;
    let small = x / f64::from(1u32 << k);
    let mut term = 1.0;
    let mut sum = 1.0;
    for i in 1..20 {
        term *= small / f64::from(i);
        sum += term;
    }
    for _ in 0..k {
        sum *= sum;
    }
    sum
}

impl Graph {
    /// The kernel of a node with its constants.
    ///
    /// # Errors
    /// [`GraphError::Node`] when the node has no kernel for its types. The graph must be valid.
    pub fn lower(&self, node: &Node) -> Result<Step, GraphError> {
        self.step(node).map_err(|reason| GraphError::Node { node: node.name.clone(), reason })
    }

    /// Whether a node has a kernel of its own for 16 bits; moving elements is the same for every type.
    fn is_wide(&self, node: &Node) -> bool {
        let moves = matches!(node.op, Op::Reshape | Op::Strided { .. } | Op::Concat { .. } | Op::Pad { .. });
        let own = matches!(
            node.op,
            Op::SvdfState | Op::SvdfOutput | Op::Select | Op::ArgExtreme { .. } | Op::Gather
        );
        let short = |id| matches!(self.tensor(id).dtype, DType::I16 | DType::I32);
        !moves && !own && (short(node.inputs[0]) || short(node.output))
    }

    fn step(&self, node: &Node) -> Result<Step, String> {
        let x = self.tensor(node.inputs[0]);
        let out = self.tensor(node.output);
        let integer = out.quant.is_some() && x.quant.is_some();
        if self.is_wide(node) {
            return self.wide_step(node);
        }
        Ok(match &node.op {
            Op::Conv2d { stride, dilation, padding, activation } => {
                let w = &self.tensor(node.inputs[1]).shape;
                let geometry =
                    geometry_of(x, out, [w[1], w[2]], *stride, *dilation, [padding.top, padding.left]);
                if integer {
                    Step::Conv2dS8 { geometry, depthwise: false, layer: self.layer(node, *activation)? }
                } else {
                    Step::Conv2dF32 { geometry, depthwise: false, limits: limits_f32(*activation) }
                }
            }
            Op::DepthwiseConv2d { stride, dilation, padding, activation, .. } => {
                let w = &self.tensor(node.inputs[1]).shape;
                let geometry =
                    geometry_of(x, out, [w[0], w[1]], *stride, *dilation, [padding.top, padding.left]);
                if integer {
                    Step::Conv2dS8 { geometry, depthwise: true, layer: self.layer(node, *activation)? }
                } else {
                    Step::Conv2dF32 { geometry, depthwise: true, limits: limits_f32(*activation) }
                }
            }
            Op::FullyConnected { activation } => {
                let (outputs, inputs) = {
                    let w = &self.tensor(node.inputs[1]).shape;
                    (w[0], w[1])
                };
                let rows = x.len() / inputs;
                if integer && self.reference == Reference::Litert {
                    Step::FullyConnectedOnceS8 { layer: self.layer(node, *activation)? }
                } else if rows != 1 {
                    // Several rows are a convolution with a kernel of one pixel.
                    let geometry = pixels(rows, inputs, outputs);
                    if integer {
                        Step::Conv2dS8 { geometry, depthwise: false, layer: self.layer(node, *activation)? }
                    } else {
                        Step::Conv2dF32 { geometry, depthwise: false, limits: limits_f32(*activation) }
                    }
                } else if integer {
                    Step::FullyConnectedS8 { layer: self.layer(node, *activation)? }
                } else {
                    Step::FullyConnectedF32 { limits: limits_f32(*activation) }
                }
            }
            Op::Pool2d { kind, kernel, stride, padding, activation } => {
                let geometry = geometry_of(x, out, *kernel, *stride, [1, 1], [padding.top, padding.left]);
                if integer {
                    if scale_zero(x)? != scale_zero(out)? {
                        return Err("pooling needs one scale for input and output".into());
                    }
                    let (scale, zero) = scale_zero(out)?;
                    Step::PoolS8 { geometry, kind: *kind, limits: limits_s8(*activation, scale, zero) }
                } else {
                    Step::PoolF32 { geometry, kind: *kind, limits: limits_f32(*activation) }
                }
            }
            Op::Add { activation } if integer => Step::AddS8(self.addition(node, *activation)?),
            Op::Add { activation } => Step::AddF32 { limits: limits_f32(*activation) },
            Op::Activate { activation } if integer => {
                let (from, to) = (scale_zero(x)?, scale_zero(out)?);
                let limits = limits_s8(*activation, to.0, to.1);
                if from == to {
                    Step::ActivateS8 { limits }
                } else {
                    Step::Lookup8 { table: tables::rescaled_clamp(from, to, limits) }
                }
            }
            Op::Activate { activation } => Step::ActivateF32 { limits: limits_f32(*activation) },
            Op::Softmax => {
                let row = x.shape.last().copied().unwrap_or(1);
                if integer {
                    if row > 4095 {
                        return Err("an integer softmax takes at most 4095 values".into());
                    }
                    if scale_zero(out)? != (1.0 / 256.0, -128) {
                        return Err("an integer softmax gives scale 1/256 and zero point -128".into());
                    }
                    Step::SoftmaxS8 { row, table: tables::softmax(scale_zero(x)?.0) }
                } else {
                    Step::SoftmaxF32 { row }
                }
            }
            Op::Reshape => Step::Reshape,
            Op::Normalize => Step::Normalize,
            Op::Quantize if integer => {
                let unsigned = [x.dtype == DType::U8, out.dtype == DType::U8];
                Step::Lookup8 { table: tables::rescale(scale_zero(x)?, scale_zero(out)?, unsigned) }
            }
            Op::Quantize => {
                let (scale, zero) = scale_zero(out)?;
                Step::Quantize { scale, zero }
            }
            Op::Dequantize => {
                let (scale, zero) = scale_zero(x)?;
                Step::Dequantize { scale, zero }
            }
            Op::KMeansScore { axes } => Step::KMeansScore { axes: axes.clone() },
            Op::GmmScore { axes, diagonal, centre, scale } => {
                Step::GmmScore { axes: axes.clone(), diagonal: *diagonal, centre: *centre, scale: *scale }
            }
            Op::Bucketize => Step::Bucketize,
            Op::TreeEnsemble { shared, .. } if x.dtype == DType::F32 => Step::TreesF32 { shared: *shared },
            Op::TreeEnsemble { shared, scale } => Step::TreesS8 { shared: *shared, scale: *scale },
            op => self.extra_step(op, node, integer)?,
        })
    }

    pub(crate) fn layer(&self, node: &Node, activation: Activation) -> Result<Layer, String> {
        let (in_scale, in_zero) = scale_zero(self.tensor(node.inputs[0]))?;
        let (out_scale, out_zero) = scale_zero(self.tensor(node.output))?;
        let weights = self.tensor(node.inputs[1]);
        let channels = self.tensor(node.inputs[2]).len();
        let scales = &weights.quant.as_ref().ok_or("the weights have no scale")?.scale;
        // The reference kernel of a dense layer with one scale multiplies the scales in single precision.
        let single = scales.len() == 1 && matches!(node.op, Op::FullyConnected { .. });
        let factors = (0..channels)
            .map(|c| {
                let scale = scales.get(c).or(scales.first()).copied().unwrap_or(1.0);
                let product =
                    if single { f64::from(in_scale * scale) } else { f64::from(in_scale) * f64::from(scale) };
                requantize_factor(product / f64::from(out_scale))
            })
            .collect();
        Ok(Layer { factors, in_zero, out_zero, limits: limits_s8(activation, out_scale, out_zero) })
    }

    pub(crate) fn addition(&self, node: &Node, activation: Activation) -> Result<AddParams, String> {
        let (a_scale, a_zero) = scale_zero(self.tensor(node.inputs[0]))?;
        let (b_scale, b_zero) = scale_zero(self.tensor(node.inputs[1]))?;
        let (out_scale, out_zero) = scale_zero(self.tensor(node.output))?;
        let twice = 2.0 * f64::from(a_scale.max(b_scale));
        let shift = f64::from(1u32 << edgewright_kernels::elementwise::ADD_LEFT_SHIFT);
        let [min, max] = limits_s8(activation, out_scale, out_zero);
        Ok(AddParams {
            in_zero: [a_zero, b_zero],
            in_factor: [
                requantize_factor(f64::from(a_scale) / twice),
                requantize_factor(f64::from(b_scale) / twice),
            ],
            out_factor: requantize_factor(twice / (shift * f64::from(out_scale))),
            out_zero,
            min,
            max,
        })
    }
}

/// Geometry of a dense layer over rows: an image of one column, a kernel of one pixel.
fn pixels(rows: usize, inputs: usize, outputs: usize) -> Geometry {
    Geometry {
        in_h: rows,
        in_w: 1,
        in_c: inputs,
        out_h: rows,
        out_w: 1,
        out_c: outputs,
        kernel_h: 1,
        kernel_w: 1,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_h: 0,
        pad_w: 0,
    }
}

pub(crate) fn geometry_of(
    x: &Tensor,
    out: &Tensor,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
) -> Geometry {
    Geometry {
        in_h: x.shape[0],
        in_w: x.shape[1],
        in_c: x.shape[2],
        out_h: out.shape[0],
        out_w: out.shape[1],
        out_c: out.shape[2],
        kernel_h: kernel[0],
        kernel_w: kernel[1],
        stride_h: stride[0],
        stride_w: stride[1],
        dilation_h: dilation[0],
        dilation_w: dilation[1],
        pad_h: pad[0],
        pad_w: pad[1],
    }
}

/// The float values of a constant.
pub fn f32_data(tensor: &Tensor) -> Result<&[f32], String> {
    match &tensor.data {
        Some(Data::F32(v)) => Ok(v),
        _ => Err(format!("`{}` holds no floats", tensor.name)),
    }
}

/// The bytes of a constant.
pub fn i8_data(tensor: &Tensor) -> Result<&[i8], String> {
    match &tensor.data {
        Some(Data::I8(v)) => Ok(v),
        _ => Err(format!("`{}` holds no bytes", tensor.name)),
    }
}

/// The 16-bit integers of a constant.
pub fn i16_data(tensor: &Tensor) -> Result<&[i16], String> {
    match &tensor.data {
        Some(Data::I16(v)) => Ok(v),
        _ => Err(format!("`{}` holds no 16-bit integers", tensor.name)),
    }
}

/// The 64-bit integers of a constant.
pub fn i64_data(tensor: &Tensor) -> Result<&[i64], String> {
    match &tensor.data {
        Some(Data::I64(v)) => Ok(v),
        _ => Err(format!("`{}` holds no 64-bit integers", tensor.name)),
    }
}

/// The 32-bit integers of a constant.
pub fn i32_data(tensor: &Tensor) -> Result<&[i32], String> {
    match &tensor.data {
        Some(Data::I32(v)) => Ok(v),
        _ => Err(format!("`{}` holds no 32-bit integers", tensor.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact_to_31_bits() {
        for real in [1.0, 0.5, 0.75, 3.7e-5, 1.999_999_999_9, 123.456] {
            let r = requantize_factor(real);
            let back = f64::from(r.multiplier) * 2f64.powi(r.shift - 31);
            assert!((back / real - 1.0).abs() < 1e-9, "{real} became {back}");
        }
        assert_eq!(requantize_factor(0.0).multiplier, 0);
        assert_eq!(requantize_factor(1e-30).multiplier, 0);
    }
}
