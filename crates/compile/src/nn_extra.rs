//! Emission of the operators of imported models, of states, and of constants that are read as operands.

use crate::{
    names::{array, float},
    nn::{Emitter, Place, int},
};
use edgewright_ir::{
    DType, Data, Graph, Node, TensorId,
    extra::{BinaryKind, CompareKind, Function, ReduceKind},
    lower::{Matrices, Requantize, Step, Tap},
};

/// C type of an element.
pub(crate) fn element(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::I8 => "int8_t",
        DType::U8 => "uint8_t",
        DType::I32 => "int32_t",
        DType::I16 => "int16_t",
        DType::I64 => "int64_t",
    }
}

/// An array of constants.
fn values(data: &Data, name: &str) -> String {
    match data {
        Data::F32(v) => array("float", name, v, |v| float(*v)),
        Data::I8(v) => array("int8_t", name, v, i8::to_string),
        Data::I16(v) => array("int16_t", name, v, i16::to_string),
        Data::I32(v) => array("int32_t", name, v, |v| int(*v)),
        // The literal of the smallest value would not fit its type.
        Data::I64(v) => array("int64_t", name, v, |v| format!("INT64_C({})", v.max(&-i64::MAX))),
    }
}

pub(crate) fn factor(f: Requantize) -> String {
    format!("{{{}, {}}}", int(f.multiplier), f.shift)
}

fn matrices(base: &str, m: &Matrices) -> String {
    let (along, across) = if m.transposed { (1, m.shared) } else { (m.columns, 1) };
    format!(
        "EW_DATA ew_matrices {base}_matrices = {{{}u, {}u, {}u, {along}u, {across}u}};\n",
        m.rows, m.columns, m.shared
    )
}

/// Ending of the functions of an SVDF, and the argument that only a state of bytes has.
fn svdf_kind(state: DType, zero: i32) -> (&'static str, String) {
    match state {
        DType::I8 => ("s8", format!("{zero}, ")),
        _ => ("s16", String::new()),
    }
}

/// Name of a comparison in C.
fn compare(kind: CompareKind) -> &'static str {
    match kind {
        CompareKind::Less => "EW_LESS",
        CompareKind::LessEqual => "EW_LESS_EQUAL",
        CompareKind::Greater => "EW_GREATER",
        CompareKind::GreaterEqual => "EW_GREATER_EQUAL",
        CompareKind::Equal => "EW_EQUAL",
        CompareKind::NotEqual => "EW_NOT_EQUAL",
    }
}

/// Name of a function in C, and its two constants.
fn function(f: Function) -> (&'static str, f32, f32) {
    match f {
        Function::Logistic => ("ew_logistic_one", 0.0, 0.0),
        Function::Tanh => ("ew_tanh_one", 0.0, 0.0),
        Function::HardSwish => ("ew_hard_swish_one", 0.0, 0.0),
        Function::Gelu => ("ew_gelu_one", 0.0, 0.0),
        Function::HardSigmoid(a, b) => ("ew_hard_sigmoid_one", a, b),
        Function::LeakyRelu(a) => ("ew_leaky_relu_one", a, 0.0),
        Function::Elu(a) => ("ew_elu_one", a, 0.0),
        Function::Exp => ("ew_exp_one", 0.0, 0.0),
        Function::Abs => ("ew_abs_one", 0.0, 0.0),
        Function::Neg => ("ew_neg_one", 0.0, 0.0),
        Function::Sqrt => ("ew_sqrt_one", 0.0, 0.0),
        Function::Rsqrt => ("ew_rsqrt_one", 0.0, 0.0),
        Function::Square => ("ew_square_one", 0.0, 0.0),
        Function::Log => ("ew_log_one", 0.0, 0.0),
        Function::Erf => ("ew_erf_one", 0.0, 0.0),
        Function::GeluErf => ("ew_gelu_erf_one", 0.0, 0.0),
        Function::Softplus => ("ew_softplus_one", 0.0, 0.0),
    }
}

/// Order in which states are kept, so that none is overwritten that another still reads.
///
/// # Errors
/// A sentence when states swap their values.
pub(crate) fn keeping_order(graph: &Graph) -> Result<Vec<usize>, String> {
    let mut left: Vec<usize> = (0..graph.states.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let free = left
            .iter()
            .position(|&i| left.iter().all(|&j| j == i || graph.states[j].write != graph.states[i].read));
        match free {
            Some(at) => order.push(left.remove(at)),
            None => return Err("states that swap their values are not emitted".into()),
        }
    }
    Ok(order)
}

impl Emitter<'_> {
    fn ints(&mut self, name: &str, values: &[i32]) {
        self.data.push_str(&array("int32_t", name, values, |v| int(*v)));
    }

    /// Pointer to an input of a node; a constant is written once.
    pub(crate) fn operand(&mut self, id: TensorId) -> String {
        let t = self.graph.tensor(id);
        let Some(data) = &t.data else { return self.pointer(id) };
        let name = format!("{}_constant{}", self.symbol, id.0);
        if !self.constants.contains(&id) {
            self.constants.push(id);
            self.data.push_str(&values(data, &name));
        }
        name
    }

    /// Call of the kernel of a step that only imported models have.
    pub(crate) fn extra(&mut self, i: usize, node: &Node, step: Step) -> Result<String, String> {
        let graph = self.graph;
        let base = format!("{}_{i}", self.symbol);
        let y = self.pointer(node.output);
        let out = graph.tensor(node.output);
        let (n, size) = (out.len(), out.dtype.bytes());
        let x = match step {
            Step::Concat { .. } => String::new(),
            _ => self.operand(node.inputs[0]),
        };
        let to_i32 = |v: &[usize]| -> Vec<i32> { v.iter().map(|&d| d as i32).collect() };
        Ok(match step {
            Step::UnaryF32 { function: f } => {
                self.need(&["ew_fixed.h", "ew_softmax.h", "ew_gemmlowp.h", "ew_unary_f32.h"]);
                let (name, a, b) = function(f);
                format!("ew_unary_f32({x}, {n}u, {name}, {}, {}, {y});", float(a), float(b))
            }
            Step::Lookup8 { table } => {
                self.need(&["ew_lookup.h"]);
                self.data.push_str(&array("int8_t", &format!("{base}_table"), &table, i8::to_string));
                format!("ew_lookup_8({x}, {n}u, {base}_table, {y});")
            }
            Step::BinaryF32 { kind, limits: [min, max] } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h", "ew_binary.h"]);
                let b = self.operand(node.inputs[1]);
                let name = match kind {
                    BinaryKind::Add => "EW_ADD",
                    BinaryKind::Sub => "EW_SUB",
                    BinaryKind::Mul => "EW_MUL",
                    BinaryKind::Div => "EW_DIV",
                    BinaryKind::Maximum => "EW_MAXIMUM",
                    BinaryKind::Minimum => "EW_MINIMUM",
                    BinaryKind::SquaredDifference => "EW_SQUARED_DIFFERENCE",
                };
                format!("ew_binary_f32({name}, {x}, {b}, {n}u, {}, {}, {y});", float(min), float(max))
            }
            Step::SubS8(p) | Step::SquaredDifferenceS8(p) => {
                let name = if matches!(step, Step::SubS8(_)) { "sub" } else { "squared_difference" };
                self.need(&["ew_fixed.h", "ew_elementwise.h", "ew_binary.h"]);
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&format!(
                    "EW_DATA ew_add_params {base}_{name} = {{{{{}, {}}}, {{{}, {}}}, {}, {}, {}, {}}};\n",
                    p.in_zero[0],
                    p.in_zero[1],
                    factor(p.in_factor[0]),
                    factor(p.in_factor[1]),
                    factor(p.out_factor),
                    p.out_zero,
                    p.min,
                    p.max
                ));
                format!("ew_{name}_s8(&{base}_{name}, {x}, {b}, {n}u, {y});")
            }
            Step::MulS8(p) => {
                self.need(&["ew_fixed.h", "ew_elementwise.h", "ew_binary.h"]);
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&format!(
                    "EW_DATA ew_mul_params {base}_mul = {{{{{}, {}}}, {}, {}, {}, {}}};\n",
                    p.in_zero[0],
                    p.in_zero[1],
                    factor(p.factor),
                    p.out_zero,
                    p.min,
                    p.max
                ));
                format!("ew_mul_s8(&{base}_mul, {x}, {b}, {n}u, {y});")
            }
            Step::ExtremeS8 { larger } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h", "ew_binary.h"]);
                let b = self.operand(node.inputs[1]);
                format!("ew_extreme_s8({}, {x}, {b}, {n}u, {y});", u8::from(larger))
            }
            Step::Strided { shape, strides, offset } => {
                self.need(&["ew_movement.h"]);
                // Within a tensor, so within 32 bits.
                let strides: Vec<i32> = strides.iter().map(|&s| s as i32).collect();
                self.ints(&format!("{base}_shape"), &to_i32(&shape));
                self.ints(&format!("{base}_strides"), &strides);
                format!(
                    "ew_strided_copy({x}, {size}u, {n}u, {}, {base}_shape, {base}_strides, {offset}, {y});",
                    shape.len()
                )
            }
            Step::Concat { outer } => {
                self.need(&["ew_movement.h"]);
                let (row, mut at, mut text) = (n / outer * size, 0, String::new());
                for id in &node.inputs {
                    let part = self.operand(*id);
                    let inner = graph.tensor(*id).len() / outer * size;
                    if !text.is_empty() {
                        text.push_str("\n    ");
                    }
                    text.push_str(&format!(
                        "ew_concat_part({part}, {outer}u, {inner}u, {row}u, {at}u, {y});"
                    ));
                    at += inner;
                }
                text
            }
            Step::Pad { shape, before, whole, value, integer } => {
                self.need(&["ew_movement.h"]);
                for (name, values) in [("shape", &shape), ("before", &before), ("whole", &whole)] {
                    self.ints(&format!("{base}_{name}"), &to_i32(values));
                }
                let value = if out.dtype == DType::F32 { float(value) } else { integer.to_string() };
                self.data.push_str(&format!("EW_DATA {} {base}_value = {value};\n", element(out.dtype)));
                let count = graph.tensor(node.inputs[0]).len();
                format!(
                    "ew_pad({x}, &{base}_value, {size}u, {count}u, {n}u, {}, {base}_shape, {base}_before, {base}_whole, {y});",
                    shape.len()
                )
            }
            Step::ReduceF32 { kind, count, inner } => {
                self.need(&["ew_fixed.h", "ew_reduce.h"]);
                let kind = match kind {
                    ReduceKind::Mean => 0,
                    ReduceKind::Sum => 1,
                    ReduceKind::Max => 2,
                    ReduceKind::Min => 3,
                };
                format!("ew_reduce_f32({kind}, {x}, {n}u, {count}u, {inner}u, {y});")
            }
            Step::ReduceSumS8 { count, inner, zeros: [from, to], factor } => {
                self.need(&["ew_fixed.h", "ew_reduce.h"]);
                format!(
                    "ew_reduce_sum_s8({x}, {n}u, {count}u, {inner}u, {from}, {to}, {}, {}, {y});",
                    factor.multiplier, factor.shift
                )
            }
            Step::ReduceExtremeS8 { larger, count, inner } => {
                self.need(&["ew_fixed.h", "ew_reduce.h"]);
                format!("ew_reduce_extreme_s8({}, {x}, {n}u, {count}u, {inner}u, {y});", u8::from(larger))
            }
            Step::LstmS8(p) => {
                self.need(&["ew_fixed.h", "ew_sigmoid.h", "ew_lstm.h"]);
                let [state, weights, bias] = [1, 2, 3].map(|k| self.operand(node.inputs[k]));
                let gates = p.gates.map(|[a, b]| format!("{{{}, {}}}", factor(a), factor(b))).join(", ");
                self.data.push_str(&format!(
                    "EW_DATA ew_lstm_params {base}_lstm = {{{}, {}, {}, {}, {{{gates}}}, {{{}}}, {}, {}}};\n",
                    p.inputs,
                    p.units,
                    p.in_zero,
                    p.out_zero,
                    p.products.map(factor).join(", "),
                    p.cell_power,
                    p.clip
                ));
                let count = graph.tensor(node.inputs[0]).len();
                format!("ew_lstm_s8(&{base}_lstm, {x}, {count}u, {state}, {weights}, {bias}, {y});")
            }
            Step::MatMulF32 { matrices: m } => {
                self.need(&["ew_fixed.h", "ew_mat_mul.h"]);
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&matrices(&base, &m));
                format!("ew_mat_mul_f32(&{base}_matrices, {}u, {x}, {b}, {y});", m.batch * m.rows)
            }
            Step::MatMulS8 { matrices: m, params: p } => {
                self.need(&["ew_fixed.h", "ew_mat_mul.h"]);
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&matrices(&base, &m));
                format!(
                    "ew_mat_mul_s8(&{base}_matrices, {}u, {x}, {}, {b}, {}, {}, {}, {}, {y});",
                    m.batch * m.rows,
                    p.in_zero[0],
                    p.in_zero[1],
                    int(p.factor.multiplier),
                    p.factor.shift,
                    p.out_zero
                )
            }
            Step::SvdfState(p) => {
                self.need(&["ew_fixed.h", "ew_svdf.h"]);
                let [state, weights] = [1, 2].map(|k| self.operand(node.inputs[k]));
                self.data.push_str(&format!("EW_DATA ew_factor {base}_factor = {};\n", factor(p.factor)));
                let (kind, zero) = svdf_kind(out.dtype, p.state_zero);
                format!(
                    "ew_svdf_state_{kind}({x}, {}u, {}u, {}u, {}, {base}_factor, {zero}{state}, {weights}, {y});",
                    p.inputs,
                    n / p.memory,
                    p.memory,
                    p.in_zero
                )
            }
            Step::SvdfOutput(p) => {
                self.need(&["ew_fixed.h", "ew_svdf.h"]);
                let [weights, bias] = [1, 2].map(|k| self.operand(node.inputs[k]));
                self.data.push_str(&format!("EW_DATA ew_factor {base}_factor = {};\n", factor(p.factor)));
                let (kind, zero) = svdf_kind(graph.tensor(node.inputs[0]).dtype, p.state_zero);
                format!(
                    "ew_svdf_output_{kind}({x}, {n}u, {}u, {base}_factor, {}, {zero}{weights}, {bias}, {y});",
                    p.rank * p.memory,
                    p.out_zero
                )
            }
            Step::PreluS8(p) => {
                self.need(&["ew_fixed.h", "ew_prelu.h"]);
                let alpha = self.operand(node.inputs[1]);
                self.data.push_str(&format!(
                    "EW_DATA ew_prelu_params {base}_prelu = {{{}, {}, {}, {}, {}}};\n",
                    p.in_zero,
                    p.alpha_zero,
                    p.out_zero,
                    factor(p.above),
                    factor(p.below)
                ));
                format!(
                    "ew_prelu_s8(&{base}_prelu, {x}, {alpha}, {}u, {n}u, {y});",
                    graph.tensor(node.inputs[1]).len()
                )
            }
            Step::CompareF32 { kind } => {
                self.need(&["ew_fixed.h", "ew_choose.h"]);
                let b = self.operand(node.inputs[1]);
                format!("ew_compare_f32({}, {x}, {b}, {n}u, {y});", compare(kind))
            }
            Step::CompareS8 { kind, params: p } => {
                self.need(&["ew_fixed.h", "ew_choose.h"]);
                let b = self.operand(node.inputs[1]);
                self.data.push_str(&format!(
                    "EW_DATA ew_compare_params {base}_compare = {{{{{}, {}}}, {{{}, {}}}}};\n",
                    p.in_zero[0],
                    p.in_zero[1],
                    factor(p.in_factor[0]),
                    factor(p.in_factor[1])
                ));
                format!("ew_compare_s8({}, &{base}_compare, {x}, {b}, {n}u, {y});", compare(kind))
            }
            Step::Snap { row, symmetric } => {
                self.need(&["ew_fixed.h", "ew_elementwise.h", "ew_snap.h"]);
                format!("ew_snap_f32({x}, {}u, {row}u, {}, {y});", n / row, u8::from(symmetric))
            }
            Step::Select => {
                self.need(&["ew_fixed.h", "ew_choose.h"]);
                let [a, b] = [1, 2].map(|k| self.operand(node.inputs[k]));
                format!("ew_select({x}, {a}, {b}, {size}u, {n}u, {y});")
            }
            Step::ArgExtreme { largest, last, count, inner } => {
                self.need(&["ew_fixed.h", "ew_choose.h"]);
                let kind = match graph.tensor(node.inputs[0]).dtype {
                    DType::F32 => "f32",
                    DType::I16 => "s16",
                    _ => "s8",
                };
                let (largest, last) = (u8::from(largest), u8::from(last));
                format!("ew_arg_extreme_{kind}({largest}, {last}, {x}, {count}u, {inner}u, {n}u, {y});")
            }
            Step::Gather { width, zero } => {
                self.need(&["ew_fixed.h", "ew_choose.h"]);
                let (table, rows) =
                    (self.operand(node.inputs[1]), graph.tensor(node.inputs[1]).len() / width);
                format!("ew_gather({x}, {table}, {rows}u, {width}u, {size}u, {zero}, {}u, {y});", n / width)
            }
            Step::ResizeBilinear { rows, columns } => {
                self.need(&["ew_resize.h"]);
                let tap = |t: &Tap| format!("{{{}, {}, {}}}", t.low, t.high, float(t.share));
                self.data.push_str(&array("ew_tap", &format!("{base}_rows"), &rows, tap));
                self.data.push_str(&array("ew_tap", &format!("{base}_columns"), &columns, tap));
                let from = &graph.tensor(node.inputs[0]).shape;
                let kind = if out.dtype == DType::F32 { "f32" } else { "s8" };
                format!(
                    "ew_resize_bilinear_{kind}({x}, {}, {}, {base}_rows, {}, {base}_columns, {}, {y});",
                    from[1],
                    from[2],
                    rows.len(),
                    columns.len()
                )
            }
            _ => return Err("has no kernel in C".into()),
        })
    }

    /// Statements that keep the states at the end of a run, and those that set them before the first.
    pub(crate) fn states(&mut self) -> Result<(String, String), String> {
        let graph = self.graph;
        let (mut keep, mut initial) = (String::new(), String::new());
        for at in keeping_order(graph)? {
            let state = &graph.states[at];
            let t = graph.tensor(state.read);
            let Place::Arena(buffer) = self.needs.places[state.read.0 as usize] else { continue };
            let place = format!("arena + {}u", self.offsets[buffer]);
            // A state that was made in its own place is there already.
            if state.write != state.read && self.pointer(state.write) != self.pointer(state.read) {
                let from = self.operand(state.write);
                keep.push_str(&format!("    memcpy({place}, {from}, {}u);\n", t.bytes()));
            }
            let zero = t.quant.as_ref().map_or(0, |q| q.zero_point) as u8;
            let name = format!("{}_initial{at}", self.symbol);
            match &state.initial {
                None => initial.push_str(&format!("    memset({place}, {zero}, {}u);\n", t.bytes())),
                Some(data) => {
                    self.data.push_str(&values(data, &name));
                    initial.push_str(&format!("    memcpy({place}, {name}, {}u);\n", t.bytes()));
                }
            }
        }
        Ok((keep, initial))
    }
}
