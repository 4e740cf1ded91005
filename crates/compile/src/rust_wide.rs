//! Calls of the kernels on activations of 16 bits, in Rust.

use edgewright_ir::lower::Wide;

/// The call; `arg` names the inputs, `factors` is the static that holds the factors of a layer.
pub(crate) fn call(step: &Wide, arg: &dyn Fn(usize) -> String, factors: &str) -> String {
    let layer = |[min, max]: [i32; 2]| {
        format!("&crate::wide::WideLayer {{ bias: {}, factors: &{factors}, min: {min}, max: {max} }}", arg(2))
    };
    let (x, b) = (arg(0), || arg(1));
    match step {
        Wide::Conv2d { geometry, depthwise, layer: l } => {
            let name = if *depthwise { "depthwise_conv2d_s16" } else { "conv2d_s16" };
            format!("crate::wide::{name}(&{geometry:?}, {x}, {}, {}, out);", b(), layer(l.limits))
        }
        Wide::FullyConnected { inputs, layer: l } => {
            format!("crate::wide::fully_connected_s16({inputs}, {x}, {}, {}, out);", b(), layer(l.limits))
        }
        Wide::FullyConnectedScaled { inputs, scales, limits: [min, max] } => {
            let bits: Vec<_> = scales.iter().map(|s| format!("f64::from_bits({:#x})", s.to_bits())).collect();
            let layer = format!(
                "&crate::wide::ScaledLayer {{ bias: {}, scales: &[{}], min: {min}, max: {max} }}",
                arg(2),
                bits.join(", ")
            );
            format!("crate::wide::fully_connected_scaled_s16({inputs}, {x}, {}, {layer}, out);", b())
        }
        Wide::Pool { geometry, average, limits: [min, max] } => {
            format!("crate::wide::pool_s16(&{geometry:?}, {average}, {x}, {min}, {max}, out);")
        }
        Wide::Add { params, sign } => {
            format!("crate::wide::add_s16(&{params:?}, {sign}, {x}, {}, out);", b())
        }
        Wide::Mul { factor, limits: [min, max] } => {
            format!("crate::wide::mul_s16({factor:?}, {x}, {}, {min}, {max}, out);", b())
        }
        Wide::Extreme { larger } => format!("crate::wide::extreme_s16({larger}, {x}, {}, out);", b()),
        Wide::Clamp { limits: [min, max] } => format!("crate::wide::clamp_s16({x}, {min}, {max}, out);"),
        Wide::Rescale { factors, sign, limits: [min, max] } => {
            format!("crate::wide::rescale_s16({factors:?}, {sign}, {x}, {min}, {max}, out);")
        }
        Wide::Narrow { factor, zero } => format!("crate::wide::narrow_s16({factor:?}, {zero}, {x}, out);"),
        Wide::Widen { factor, zero } => format!("crate::wide::widen_s8({factor:?}, {zero}, {x}, out);"),
        Wide::Quantize { scale } => {
            format!("crate::wide::quantize_s16({x}, f32::from_bits({:#x}), out);", scale.to_bits())
        }
        Wide::Dequantize { scale, zero } => {
            format!("crate::wide::dequantize_s16({x}, f32::from_bits({:#x}), {zero}, out);", scale.to_bits())
        }
        Wide::Between { factor, zeros } => {
            format!("crate::whole::rescale_whole({factor:?}, {zeros:?}, {x}, out);")
        }
        Wide::Softmax8 { row, table } => format!(
            "for (x, out) in ({x}).chunks_exact({row}).zip(out.chunks_exact_mut({row})) {{ crate::softmax_s8(x, &{table:?}, out); }}"
        ),
        Wide::ReduceSum { count, inner, factor } => {
            format!("crate::wide::reduce_sum_s16({x}, {count}, {inner}, {factor:?}, out);")
        }
        Wide::ReduceExtreme { larger, count, inner } => {
            format!("crate::wide::reduce_extreme_s16({larger}, {x}, {count}, {inner}, out);")
        }
        Wide::Curve(p) => format!("crate::wide::curve_s16(&{p:?}, {x}, out);"),
        Wide::Softmax { row, factor, exponential, inverse } => format!(
            "for (x, out) in ({x}).chunks_exact({row}).zip(out.chunks_exact_mut({row})) {{ crate::wide::softmax_s16(x, {factor:?}, &{exponential:?}, &{inverse:?}, out); }}"
        ),
    }
}
