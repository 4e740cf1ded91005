//! Emission of operators on activations of 16 bits.

use crate::{
    names::{array, float},
    nn::{Emitter, geometry},
    nn_extra::factor,
};
use edgewright_ir::{
    Node,
    lower::{Geometry, Layer, Requantize, Wide},
};

impl Emitter<'_> {
    /// Symbol of a layer's constants.
    fn wide_layer(&mut self, base: &str, node: &Node, layer: &Layer) -> String {
        let [weights, bias] = [1, 2].map(|k| self.operand(node.inputs[k]));
        let factors = format!("{base}_factors");
        self.data.push_str(&array("ew_factor", &factors, &layer.factors, |f| factor(*f)));
        let symbol = format!("{base}_layer");
        self.data.push_str(&format!(
            "EW_DATA ew_wide_layer {symbol} = {{{weights}, {bias}, {factors}, {}, {}}};\n",
            layer.limits[0], layer.limits[1]
        ));
        symbol
    }

    fn one_factor(&mut self, base: &str, f: Requantize) -> String {
        let symbol = format!("{base}_factor");
        self.data.push_str(&format!("EW_DATA ew_factor {symbol} = {};\n", factor(f)));
        symbol
    }

    fn shape_of(&mut self, base: &str, g: &Geometry) -> String {
        let symbol = format!("{base}_shape");
        self.data.push_str(&format!("EW_DATA ew_geometry {symbol} = {{{}}};\n", geometry(g)));
        symbol
    }

    /// Call of the kernel of a step on 16 bits.
    pub(crate) fn wide(&mut self, i: usize, node: &Node, step: &Wide) -> String {
        let graph = self.graph;
        let base = format!("{}_{i}", self.symbol);
        self.need(&["ew_fixed.h", "ew_geometry.h", "ew_elementwise.h", "ew_sigmoid.h", "ew_wide.h"]);
        let (x, y) = (self.operand(node.inputs[0]), self.pointer(node.output));
        let n = graph.tensor(node.output).len();
        match step {
            Wide::Conv2d { geometry, depthwise, layer } => {
                let (shape, layer) = (self.shape_of(&base, geometry), self.wide_layer(&base, node, layer));
                let name = if *depthwise { "ew_depthwise_conv2d_s16" } else { "ew_conv2d_s16" };
                format!("{name}(&{shape}, {x}, &{layer}, {y});")
            }
            Wide::FullyConnected { inputs, layer } => {
                let outputs = layer.factors.len();
                let layer = self.wide_layer(&base, node, layer);
                format!("ew_fully_connected_s16({}, {inputs}, {outputs}, {x}, &{layer}, {y});", n / outputs)
            }
            Wide::FullyConnectedScaled { inputs, scales, limits: [min, max] } => {
                self.need(&["ew_wide_dense.h"]);
                let [weights, bias] = [1, 2].map(|k| self.operand(node.inputs[k]));
                self.data.push_str(&array("double", &format!("{base}_scales"), scales, |v| format!("{v:e}")));
                self.data.push_str(&format!(
                    "EW_DATA ew_scaled_layer {base}_layer = {{{weights}, {bias}, {base}_scales, {min}, {max}}};\n"
                ));
                let outputs = scales.len();
                format!(
                    "ew_fully_connected_scaled_s16({}, {inputs}, {outputs}, {x}, &{base}_layer, {y});",
                    n / outputs
                )
            }
            Wide::Pool { geometry, average, limits: [min, max] } => {
                let shape = self.shape_of(&base, geometry);
                format!("ew_pool_s16(&{shape}, {x}, {}, {min}, {max}, {y});", u8::from(*average))
            }
            Wide::Add { params: p, sign } => {
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&format!(
                    "EW_DATA ew_wide_add {base}_add = {{{{{}, {}}}, {}, {}, {}}};\n",
                    factor(p.in_factor[0]),
                    factor(p.in_factor[1]),
                    factor(p.out_factor),
                    p.min,
                    p.max
                ));
                format!("ew_add_s16(&{base}_add, {sign}, {x}, {b}, {n}u, {y});")
            }
            Wide::Mul { factor, limits: [min, max] } => {
                let (b, factor) = (self.operand(node.inputs[1]), self.one_factor(&base, *factor));
                format!("ew_mul_s16({factor}, {x}, {b}, {n}u, {min}, {max}, {y});")
            }
            Wide::Extreme { larger } => {
                let b = self.operand(node.inputs[1]);
                format!("ew_extreme_s16({}, {x}, {b}, {n}u, {y});", u8::from(*larger))
            }
            Wide::Clamp { limits: [min, max] } => format!("ew_clamp_s16({x}, {n}u, {min}, {max}, {y});"),
            Wide::Rescale { factors, sign, limits: [min, max] } => {
                self.data.push_str(&array("ew_factor", &format!("{base}_factors"), factors, |f| factor(*f)));
                format!("ew_rescale_s16({base}_factors, {sign}, {x}, {n}u, {min}, {max}, {y});")
            }
            Wide::Narrow { factor, zero } => {
                let factor = self.one_factor(&base, *factor);
                format!("ew_narrow_s16({factor}, {zero}, {x}, {n}u, {y});")
            }
            Wide::Widen { factor, zero } => {
                let factor = self.one_factor(&base, *factor);
                format!("ew_widen_s8({factor}, {zero}, {x}, {n}u, {y});")
            }
            Wide::Quantize { scale } => format!("ew_quantize_s16({x}, {n}u, {}, {y});", float(*scale)),
            Wide::Dequantize { scale, zero } => {
                format!("ew_dequantize_s16({x}, {n}u, {}, {zero}, {y});", float(*scale))
            }
            Wide::Between { factor, zeros: [from, to] } => {
                let factor = self.one_factor(&base, *factor);
                let [x_size, y_size] = [node.inputs[0], node.output].map(|id| graph.tensor(id).dtype.bytes());
                format!("ew_rescale({x}, {x_size}u, {n}u, {factor}, {from}, {to}, {y}, {y_size}u);")
            }
            Wide::Softmax8 { row, table } => {
                self.need(&["ew_gemmlowp.h", "ew_softmax.h"]);
                self.data.push_str(&array("uint32_t", &format!("{base}_table"), table, |v| format!("{v}u")));
                format!("ew_softmax_s8_s16({x}, {}u, {row}u, {base}_table, {y});", n / row)
            }
            Wide::ReduceSum { count, inner, factor } => {
                let factor = self.one_factor(&base, *factor);
                format!("ew_reduce_sum_s16({x}, {n}u, {count}u, {inner}u, {factor}, {y});")
            }
            Wide::ReduceExtreme { larger, count, inner } => {
                format!("ew_reduce_extreme_s16({}, {x}, {n}u, {count}u, {inner}u, {y});", u8::from(*larger))
            }
            Wide::Curve(p) => {
                format!(
                    "ew_curve_s16({}, {}, {}, {x}, {n}u, {y});",
                    u8::from(p.tangent),
                    p.multiplier,
                    p.shift
                )
            }
            Wide::Softmax { row, factor, exponential, inverse } => {
                let factor = self.one_factor(&base, *factor);
                // The tables are the same for every softmax.
                let e = self
                    .hold(array("int16_t", "@", exponential, i16::to_string), format!("{base}_exponential"));
                let r = self.hold(array("int16_t", "@", inverse, i16::to_string), format!("{base}_inverse"));
                format!("ew_softmax_s16({x}, {}u, {row}u, {factor}, {e}, {r}, {y});", n / row)
            }
        }
    }
}
