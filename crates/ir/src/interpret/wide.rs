//! Operators on activations of 16 bits.

use super::{Buffer, Interpreter};
use crate::{
    graph::{DType, Data, Node},
    lower::{Layer, Wide, i8_data, i64_data},
};
use edgewright_kernels::{whole::rescale_whole, wide as kernels};

impl Interpreter<'_> {
    pub(super) fn wide(&self, step: &Wide, node: &Node, out: &mut Buffer) -> Result<(), String> {
        let tensor = |n: usize| self.graph.tensor(node.inputs[n]);
        let buffer = |n: usize| &self.buffers[node.inputs[n].0 as usize];
        let short = |n: usize| -> &[i16] {
            match &tensor(n).data {
                Some(Data::I16(v)) => v,
                _ => buffer(n).i16(),
            }
        };
        let byte = |n: usize| -> &[i8] {
            match &tensor(n).data {
                Some(Data::I8(v)) => v,
                _ => buffer(n).i8(),
            }
        };
        let layer = |l: &'_ Layer| -> Result<_, String> {
            Ok((i8_data(tensor(1))?, i64_data(tensor(2))?, l.factors.clone(), l.limits))
        };
        match (step, out) {
            (Wide::Conv2d { geometry, depthwise, layer: l }, Buffer::I16(out)) => {
                let (weights, bias, factors, [min, max]) = layer(l)?;
                let layer = kernels::WideLayer { bias, factors: &factors, min, max };
                let run = if *depthwise { kernels::depthwise_conv2d_s16 } else { kernels::conv2d_s16 };
                run(geometry, short(0), weights, &layer, out);
            }
            (Wide::FullyConnected { inputs, layer: l }, Buffer::I16(out)) => {
                let (weights, bias, factors, [min, max]) = layer(l)?;
                let layer = kernels::WideLayer { bias, factors: &factors, min, max };
                kernels::fully_connected_s16(*inputs, short(0), weights, &layer, out);
            }
            (Wide::FullyConnectedScaled { inputs, scales, limits: [min, max] }, Buffer::I16(out)) => {
                let (weights, bias) = (i8_data(tensor(1))?, i64_data(tensor(2))?);
                let layer = kernels::ScaledLayer { bias, scales, min: *min, max: *max };
                kernels::fully_connected_scaled_s16(*inputs, short(0), weights, &layer, out);
            }
            (Wide::Pool { geometry, average, limits: [min, max] }, Buffer::I16(out)) => {
                kernels::pool_s16(geometry, *average, short(0), *min, *max, out);
            }
            (Wide::Add { params, sign }, Buffer::I16(out)) => {
                kernels::add_s16(params, *sign, short(0), short(1), out);
            }
            (Wide::Mul { factor, limits: [min, max] }, Buffer::I16(out)) => {
                kernels::mul_s16(*factor, short(0), short(1), *min, *max, out);
            }
            (Wide::Extreme { larger }, Buffer::I16(out)) => {
                kernels::extreme_s16(*larger, short(0), short(1), out);
            }
            (Wide::Clamp { limits: [min, max] }, Buffer::I16(out)) => {
                kernels::clamp_s16(short(0), *min, *max, out);
            }
            (Wide::Rescale { factors, sign, limits: [min, max] }, Buffer::I16(out)) => {
                kernels::rescale_s16(*factors, *sign, short(0), *min, *max, out);
            }
            (Wide::Narrow { factor, zero }, Buffer::I8(out)) => {
                kernels::narrow_s16(*factor, *zero, short(0), out);
            }
            (Wide::Widen { factor, zero }, Buffer::I16(out)) => {
                kernels::widen_s8(*factor, *zero, byte(0), out);
            }
            (Wide::Quantize { scale }, Buffer::I16(out)) => {
                let floats = match &tensor(0).data {
                    Some(Data::F32(v)) => v,
                    _ => buffer(0).f32(),
                };
                kernels::quantize_s16(floats, *scale, out);
            }
            (Wide::Dequantize { scale, zero }, Buffer::F32(out)) => {
                kernels::dequantize_s16(short(0), *scale, *zero, out);
            }
            (Wide::Between { factor, zeros }, out) => match (tensor(0).dtype, out) {
                (DType::I8, Buffer::I16(out)) => rescale_whole(*factor, *zeros, byte(0), out),
                (DType::I8, Buffer::I32(out)) => rescale_whole(*factor, *zeros, byte(0), out),
                (DType::I16, Buffer::I8(out)) => rescale_whole(*factor, *zeros, short(0), out),
                (DType::I16, Buffer::I16(out)) => rescale_whole(*factor, *zeros, short(0), out),
                (DType::I16, Buffer::I32(out)) => rescale_whole(*factor, *zeros, short(0), out),
                (DType::I32, Buffer::I8(out)) => rescale_whole(*factor, *zeros, buffer(0).i32(), out),
                (DType::I32, Buffer::I16(out)) => rescale_whole(*factor, *zeros, buffer(0).i32(), out),
                _ => return Err("the output has another type than the kernel makes".into()),
            },
            (Wide::Softmax8 { row, table }, Buffer::I16(out)) => {
                for (x, out) in byte(0).chunks_exact(*row).zip(out.chunks_exact_mut(*row)) {
                    edgewright_kernels::softmax_s8(x, table, out);
                }
            }
            (Wide::ReduceSum { count, inner, factor }, Buffer::I16(out)) => {
                kernels::reduce_sum_s16(short(0), *count, *inner, *factor, out);
            }
            (Wide::ReduceExtreme { larger, count, inner }, Buffer::I16(out)) => {
                kernels::reduce_extreme_s16(*larger, short(0), *count, *inner, out);
            }
            (Wide::Curve(params), Buffer::I16(out)) => kernels::curve_s16(params, short(0), out),
            (Wide::Softmax { row, factor, exponential, inverse }, Buffer::I16(out)) => {
                for (x, out) in short(0).chunks_exact(*row).zip(out.chunks_exact_mut(*row)) {
                    kernels::softmax_s16(x, *factor, exponential, inverse, out);
                }
            }
            _ => return Err("the output has another type than the kernel makes".into()),
        }
        Ok(())
    }
}
