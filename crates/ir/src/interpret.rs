//! Reference interpreter: runs a graph on the kernels, without allocation after it was made.

mod wide;

use crate::{
    graph::{DType, Data, Graph, GraphError, PoolKind, TensorId},
    lower::{Step, f32_data, i8_data, i32_data},
};
use edgewright_kernels as kernels;
use edgewright_kernels::conv::Int8Layer;

/// Contents of an activation.
#[derive(Clone, Debug, PartialEq)]
enum Buffer {
    None,
    F32(Vec<f32>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
}

/// Values of one input, in its own type; those of an unsigned tensor are given by their bits.
#[derive(Clone, Copy, Debug)]
pub enum Values<'v> {
    /// Single precision.
    F32(&'v [f32]),
    /// Bytes.
    I8(&'v [i8]),
    /// 16 bits.
    I16(&'v [i16]),
    /// 32 bits.
    I32(&'v [i32]),
}

impl Buffer {
    fn f32(&self) -> &[f32] {
        if let Self::F32(v) = self { v } else { &[] }
    }
    fn i8(&self) -> &[i8] {
        if let Self::I8(v) = self { v } else { &[] }
    }
    fn i16(&self) -> &[i16] {
        if let Self::I16(v) = self { v } else { &[] }
    }
    fn i32(&self) -> &[i32] {
        if let Self::I32(v) = self { v } else { &[] }
    }
}

/// A graph with its buffers.
pub struct Interpreter<'g> {
    graph: &'g Graph,
    steps: Vec<Step>,
    buffers: Vec<Buffer>,
}

impl<'g> Interpreter<'g> {
    /// Checks the graph and makes its buffers.
    ///
    /// # Errors
    /// [`GraphError`] when the graph is not valid or a node has no kernel.
    pub fn new(graph: &'g Graph) -> Result<Self, GraphError> {
        graph.validate()?;
        let steps = graph.nodes.iter().map(|n| graph.lower(n)).collect::<Result<Vec<_>, _>>()?;
        let buffers = graph
            .tensors
            .iter()
            .map(|t| match (&t.data, t.dtype) {
                (Some(_), _) | (None, DType::I64) => Buffer::None,
                (None, DType::I32) => Buffer::I32(vec![0; t.len()]),
                (None, DType::I16) => Buffer::I16(vec![0; t.len()]),
                (None, DType::F32) => Buffer::F32(vec![0.0; t.len()]),
                (None, DType::I8 | DType::U8) => Buffer::I8(vec![0; t.len()]),
            })
            .collect();
        let mut made = Self { graph, steps, buffers };
        made.reset();
        Ok(made)
    }

    /// Forgets everything that earlier runs left behind.
    pub fn reset(&mut self) {
        for state in &self.graph.states {
            let zero = self.graph.tensor(state.read).quant.as_ref().map_or(0, |q| q.zero_point);
            match (&mut self.buffers[state.read.0 as usize], &state.initial) {
                (Buffer::F32(v), Some(Data::F32(initial))) => v.copy_from_slice(initial),
                (Buffer::I8(v), Some(Data::I8(initial))) => v.copy_from_slice(initial),
                (Buffer::I16(v), Some(Data::I16(initial))) => v.copy_from_slice(initial),
                (Buffer::I16(v), _) => v.fill(0),
                (Buffer::F32(v), _) => v.fill(0.0),
                (Buffer::I8(v), _) => v.fill(zero as u8 as i8),
                (Buffer::None | Buffer::I32(_), _) => {}
            }
        }
    }

    /// Runs the graph on one-byte inputs, one behind the other; those of an unsigned tensor are given by their bits.
    ///
    /// # Errors
    /// [`GraphError::Graph`] when the length or the type does not fit.
    pub fn with_bytes(&mut self, input: &[i8]) -> Result<(), GraphError> {
        self.run_on(Values::I8(input))
    }

    /// Sets one input; the others stay.
    ///
    /// # Errors
    /// [`GraphError::Graph`] when there is no such input, or the length or the type does not fit.
    pub fn set(&mut self, input: usize, values: Values<'_>) -> Result<(), GraphError> {
        let buffer = self.graph.inputs.get(input).map(|id| &mut self.buffers[id.0 as usize]);
        match (buffer, values) {
            (Some(Buffer::F32(v)), Values::F32(x)) if v.len() == x.len() => v.copy_from_slice(x),
            (Some(Buffer::I8(v)), Values::I8(x)) if v.len() == x.len() => v.copy_from_slice(x),
            (Some(Buffer::I16(v)), Values::I16(x)) if v.len() == x.len() => v.copy_from_slice(x),
            (Some(Buffer::I32(v)), Values::I32(x)) if v.len() == x.len() => v.copy_from_slice(x),
            (_, Values::F32(x)) => return Err(self.misfit("input", x.len())),
            (_, Values::I8(x)) => return Err(self.misfit("input", x.len())),
            (_, Values::I16(x)) => return Err(self.misfit("input", x.len())),
            (_, Values::I32(x)) => return Err(self.misfit("input", x.len())),
        }
        Ok(())
    }

    /// Runs the graph on the inputs that were set.
    ///
    /// # Errors
    /// [`GraphError::Node`] when a kernel does not fit its tensors.
    pub fn invoke(&mut self) -> Result<(), GraphError> {
        self.execute()
    }

    /// Runs the graph on the values of all inputs, one behind the other.
    fn run_on(&mut self, values: Values<'_>) -> Result<(), GraphError> {
        let given = match values {
            Values::F32(v) => v.len(),
            Values::I8(v) => v.len(),
            Values::I16(v) => v.len(),
            Values::I32(v) => v.len(),
        };
        let lengths: Vec<usize> = self.graph.inputs.iter().map(|id| self.graph.tensor(*id).len()).collect();
        if lengths.iter().sum::<usize>() != given {
            return Err(self.misfit("input", given));
        }
        let mut at = 0;
        for (i, n) in lengths.into_iter().enumerate() {
            let part = match values {
                Values::F32(v) => Values::F32(&v[at..at + n]),
                Values::I8(v) => Values::I8(&v[at..at + n]),
                Values::I16(v) => Values::I16(&v[at..at + n]),
                Values::I32(v) => Values::I32(&v[at..at + n]),
            };
            self.set(i, part)?;
            at += n;
        }
        self.execute()
    }

    /// 16-bit integers of a tensor that flows, after a run; empty for another type.
    pub fn shorts(&self, id: TensorId) -> &[i16] {
        self.buffers[id.0 as usize].i16()
    }

    /// Contents of a tensor that flows, after a run, in its own type and in little-endian order.
    pub fn contents(&self, id: TensorId) -> Vec<u8> {
        match &self.buffers[id.0 as usize] {
            Buffer::None => Vec::new(),
            Buffer::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Buffer::I8(v) => v.iter().map(|&v| v as u8).collect(),
            Buffer::I16(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Buffer::I32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// Float contents of a tensor that flows, after a run; empty for another type.
    pub fn floats(&self, id: TensorId) -> &[f32] {
        self.buffers[id.0 as usize].f32()
    }

    /// Bytes of a tensor that flows, after a run; empty for another type.
    pub fn bytes(&self, id: TensorId) -> &[i8] {
        self.buffers[id.0 as usize].i8()
    }

    /// Runs a graph with float input and output.
    ///
    /// # Errors
    /// [`GraphError::Graph`] when a length or a type does not fit.
    pub fn run(&mut self, input: &[f32], output: &mut [f32]) -> Result<(), GraphError> {
        self.with_input(input)?;
        let out = &self.buffers[self.graph.outputs[0].0 as usize];
        match out {
            Buffer::F32(v) if v.len() == output.len() => output.copy_from_slice(v),
            _ => return Err(self.misfit("output", output.len())),
        }
        Ok(())
    }

    /// Runs a graph with integer input and output.
    ///
    /// # Errors
    /// [`GraphError::Graph`] when a length or a type does not fit.
    pub fn run_i8(&mut self, input: &[i8], output: &mut [i8]) -> Result<(), GraphError> {
        self.with_bytes(input)?;
        match &self.buffers[self.graph.outputs[0].0 as usize] {
            Buffer::I8(v) if v.len() == output.len() => output.copy_from_slice(v),
            _ => return Err(self.misfit("output", output.len())),
        }
        Ok(())
    }

    /// Runs the graph on float inputs, one behind the other, and leaves every activation readable by [`Interpreter::activation`].
    ///
    /// # Errors
    /// [`GraphError::Graph`] when the length or the type does not fit.
    pub fn with_input(&mut self, input: &[f32]) -> Result<(), GraphError> {
        self.run_on(Values::F32(input))
    }

    /// Values of a tensor that flows, after a run, as real numbers.
    pub fn activation(&self, id: TensorId) -> Vec<f32> {
        match &self.buffers[id.0 as usize] {
            Buffer::F32(v) => v.clone(),
            Buffer::I8(v) => v.iter().map(|&x| self.real(id, x.into())).collect(),
            Buffer::I16(v) => v.iter().map(|&x| self.real(id, x.into())).collect(),
            Buffer::I32(v) => v.iter().map(|&x| self.real(id, x)).collect(),
            Buffer::None => Vec::new(),
        }
    }

    /// Real value of an integer of a tensor.
    fn real(&self, id: TensorId, x: i32) -> f32 {
        let q = self.graph.tensor(id).quant.as_ref();
        let (scale, zero) = q.map_or((1.0, 0), |q| (q.scale[0], q.zero_point));
        (x - zero) as f32 * scale
    }

    fn misfit(&self, what: &str, len: usize) -> GraphError {
        GraphError::Graph {
            graph: self.graph.name.clone(),
            reason: format!("{len} values do not fit the {what}"),
        }
    }

    fn execute(&mut self) -> Result<(), GraphError> {
        for i in 0..self.steps.len() {
            let at = self.graph.nodes[i].output.0 as usize;
            let mut out = std::mem::replace(&mut self.buffers[at], Buffer::None);
            let done = self.step(i, &mut out);
            self.buffers[at] = out;
            done.map_err(|reason| GraphError::Node { node: self.graph.nodes[i].name.clone(), reason })?;
        }
        // All at once: what one state keeps may be what another held.
        let kept: Vec<Buffer> =
            self.graph.states.iter().map(|s| self.buffers[s.write.0 as usize].clone()).collect();
        for (state, kept) in self.graph.states.iter().zip(kept) {
            self.buffers[state.read.0 as usize] = kept;
        }
        Ok(())
    }

    fn step(&self, i: usize, out: &mut Buffer) -> Result<(), String> {
        let node = &self.graph.nodes[i];
        let tensor = |n: usize| self.graph.tensor(node.inputs[n]);
        let buffer = |n: usize| &self.buffers[node.inputs[n].0 as usize];
        let float = |n: usize| -> &[f32] {
            match &tensor(n).data {
                Some(Data::F32(v)) => v,
                _ => buffer(n).f32(),
            }
        };
        let byte = |n: usize| -> &[i8] {
            match &tensor(n).data {
                Some(Data::I8(v)) => v,
                _ => buffer(n).i8(),
            }
        };
        let short = |n: usize| -> &[i16] {
            match &tensor(n).data {
                Some(Data::I16(v)) => v,
                _ => buffer(n).i16(),
            }
        };
        let word = |n: usize| -> &[i32] {
            match &tensor(n).data {
                Some(Data::I32(v)) => v,
                _ => buffer(n).i32(),
            }
        };
        match (&self.steps[i], out) {
            (Step::Conv2dS8 { geometry, depthwise, layer }, Buffer::I8(out)) => {
                let constants = Int8Layer {
                    bias: i32_data(tensor(2))?,
                    factors: &layer.factors,
                    in_zero: layer.in_zero,
                    out_zero: layer.out_zero,
                    min: layer.limits[0],
                    max: layer.limits[1],
                };
                let run = if *depthwise { kernels::depthwise_conv2d_s8 } else { kernels::conv2d_s8 };
                run(geometry, byte(0), i8_data(tensor(1))?, &constants, out);
            }
            (Step::Conv2dF32 { geometry, depthwise, limits: [min, max] }, Buffer::F32(out)) => {
                let run = if *depthwise { kernels::depthwise_conv2d_f32 } else { kernels::conv2d_f32 };
                run(geometry, float(0), f32_data(tensor(1))?, f32_data(tensor(2))?, *min, *max, out);
            }
            (Step::FullyConnectedS8 { layer }, Buffer::I8(out)) => {
                let constants = Int8Layer {
                    bias: i32_data(tensor(2))?,
                    factors: &layer.factors,
                    in_zero: layer.in_zero,
                    out_zero: layer.out_zero,
                    min: layer.limits[0],
                    max: layer.limits[1],
                };
                kernels::fully_connected_s8(byte(0), i8_data(tensor(1))?, &constants, out);
            }
            (Step::FullyConnectedF32 { limits: [min, max] }, Buffer::F32(out)) => {
                kernels::fully_connected_f32(
                    float(0),
                    f32_data(tensor(1))?,
                    f32_data(tensor(2))?,
                    *min,
                    *max,
                    out,
                );
            }
            (Step::PoolS8 { geometry, kind, limits: [min, max] }, Buffer::I8(out)) => match kind {
                PoolKind::Max => kernels::max_pool_s8(geometry, byte(0), *min, *max, out),
                PoolKind::Average => kernels::average_pool_s8(geometry, byte(0), *min, *max, out),
            },
            (Step::PoolF32 { geometry, kind, limits: [min, max] }, Buffer::F32(out)) => match kind {
                PoolKind::Max => kernels::max_pool_f32(geometry, float(0), *min, *max, out),
                PoolKind::Average => kernels::average_pool_f32(geometry, float(0), *min, *max, out),
            },
            (Step::AddS8(params), Buffer::I8(out)) => kernels::add_s8(params, byte(0), byte(1), out),
            (Step::AddF32 { limits: [min, max] }, Buffer::F32(out)) => {
                kernels::add_f32(float(0), float(1), *min, *max, out);
            }
            (Step::ActivateS8 { limits: [min, max] }, Buffer::I8(out)) => {
                kernels::elementwise::activate_s8(byte(0), *min, *max, out);
            }
            (Step::ActivateF32 { limits: [min, max] }, Buffer::F32(out)) => {
                kernels::activate_f32(float(0), *min, *max, out);
            }
            (Step::SoftmaxS8 { row, table }, Buffer::I8(out)) => {
                for (x, out) in byte(0).chunks_exact(*row).zip(out.chunks_exact_mut(*row)) {
                    kernels::softmax_s8(x, table, out);
                }
            }
            (Step::SoftmaxF32 { row }, Buffer::F32(out)) => {
                for (x, out) in float(0).chunks_exact(*row).zip(out.chunks_exact_mut(*row)) {
                    kernels::softmax_f32(x, out);
                }
            }
            (Step::Reshape, Buffer::I8(out)) => out.copy_from_slice(byte(0)),
            (Step::Reshape, Buffer::I16(out)) => out.copy_from_slice(short(0)),
            (Step::Reshape, Buffer::I32(out)) => out.copy_from_slice(word(0)),
            (Step::Reshape, Buffer::F32(out)) => out.copy_from_slice(float(0)),
            (Step::Normalize, Buffer::F32(out)) => {
                kernels::normalize_f32(float(0), float(1), float(2), out);
            }
            (Step::Quantize { scale, zero }, Buffer::I8(out)) => {
                kernels::quantize_s8(float(0), *scale, *zero, out);
            }
            (Step::Dequantize { scale, zero }, Buffer::F32(out)) => {
                kernels::dequantize_s8(byte(0), *scale, *zero, out);
            }
            (Step::KMeansScore { axes }, Buffer::F32(out)) => {
                out[0] = kernels::kmeans_score_f32(float(0), axes, float(1), float(2), float(3), float(4));
            }
            (Step::GmmScore { axes, diagonal, centre, scale }, Buffer::F32(out)) => {
                let mixture = self.graph.mixture(node, axes, *diagonal)?;
                out[0] = kernels::gmm::gmm_score_f32(float(0), &mixture, *centre, *scale);
            }
            (Step::Bucketize, Buffer::I8(out)) => {
                kernels::trees::bucketize_s8(float(0), i32_data(tensor(1))?, f32_data(tensor(2))?, out);
            }
            (Step::TreesF32 { shared }, Buffer::F32(out)) => {
                let trees = self.graph.trees(node, *shared)?;
                let [leaves, base, thresholds] =
                    [f32_data(tensor(3))?, f32_data(tensor(4))?, f32_data(tensor(5))?];
                kernels::trees::tree_ensemble_f32(float(0), &trees, thresholds, leaves, base, out);
            }
            (Step::TreesS8 { shared, scale }, Buffer::F32(out)) => {
                let trees = self.graph.trees(node, *shared)?;
                let (leaves, base) = (i32_data(tensor(3))?, f32_data(tensor(4))?);
                let mut sums = vec![0; out.len()];
                kernels::trees::tree_ensemble_s8(byte(0), &trees, leaves, *scale, base, &mut sums, out);
            }
            (Step::FullyConnectedOnceS8 { layer }, Buffer::I8(out)) => {
                let constants = Int8Layer {
                    bias: i32_data(tensor(2))?,
                    factors: &layer.factors,
                    in_zero: layer.in_zero,
                    out_zero: layer.out_zero,
                    min: layer.limits[0],
                    max: layer.limits[1],
                };
                let weights = i8_data(tensor(1))?;
                let outputs = constants.bias.len();
                let inputs = weights.len() / outputs;
                for (x, out) in byte(0).chunks_exact(inputs).zip(out.chunks_exact_mut(outputs)) {
                    kernels::conv::fully_connected_once_s8(x, weights, &constants, out);
                }
            }
            (Step::UnaryF32 { function }, Buffer::F32(out)) => {
                kernels::unary::unary_f32(float(0), *function, out);
            }
            (Step::Lookup8 { table }, Buffer::I8(out)) => kernels::unary::lookup_8(byte(0), table, out),
            (Step::BinaryF32 { kind, limits: [min, max] }, Buffer::F32(out)) => {
                kernels::binary::binary_f32(*kind, float(0), float(1), *min, *max, out);
            }
            (Step::SubS8(params), Buffer::I8(out)) => {
                kernels::binary::sub_s8(params, byte(0), byte(1), out);
            }
            (Step::SquaredDifferenceS8(params), Buffer::I8(out)) => {
                kernels::binary::squared_difference_s8(params, byte(0), byte(1), out);
            }
            (Step::MulS8(params), Buffer::I8(out)) => {
                kernels::binary::mul_s8(params, byte(0), byte(1), out);
            }
            (Step::ExtremeS8 { larger }, Buffer::I8(out)) => {
                kernels::binary::extreme_s8(*larger, byte(0), byte(1), out);
            }
            (Step::Strided { shape, strides, offset }, Buffer::I8(out)) => {
                kernels::movement::strided_copy(byte(0), shape, strides, *offset, out);
            }
            (Step::Strided { shape, strides, offset }, Buffer::F32(out)) => {
                kernels::movement::strided_copy(float(0), shape, strides, *offset, out);
            }
            (Step::Concat { outer }, Buffer::I8(out)) => {
                let (row, mut at) = (out.len() / outer, 0);
                for n in 0..node.inputs.len() {
                    kernels::movement::concat_part(byte(n), *outer, row, at, out);
                    at += byte(n).len() / outer;
                }
            }
            (Step::Strided { shape, strides, offset }, Buffer::I16(out)) => {
                kernels::movement::strided_copy(short(0), shape, strides, *offset, out);
            }
            (Step::Concat { outer }, Buffer::I16(out)) => {
                let (row, mut at) = (out.len() / outer, 0);
                for n in 0..node.inputs.len() {
                    kernels::movement::concat_part(short(n), *outer, row, at, out);
                    at += short(n).len() / outer;
                }
            }
            (Step::Concat { outer }, Buffer::F32(out)) => {
                let (row, mut at) = (out.len() / outer, 0);
                for n in 0..node.inputs.len() {
                    kernels::movement::concat_part(float(n), *outer, row, at, out);
                    at += float(n).len() / outer;
                }
            }
            (Step::Pad { shape, before, whole, integer, .. }, Buffer::I8(out)) => {
                kernels::movement::pad(byte(0), shape, before, whole, *integer as i8, out);
            }
            (Step::Pad { shape, before, whole, integer, .. }, Buffer::I16(out)) => {
                kernels::movement::pad(short(0), shape, before, whole, *integer, out);
            }
            (Step::Pad { shape, before, whole, value, .. }, Buffer::F32(out)) => {
                kernels::movement::pad(float(0), shape, before, whole, *value, out);
            }
            (Step::ReduceF32 { kind, count, inner }, Buffer::F32(out)) => {
                kernels::reduce::reduce_f32(*kind, float(0), *count, *inner, out);
            }
            (Step::ReduceSumS8 { count, inner, zeros, factor }, Buffer::I8(out)) => {
                kernels::reduce::reduce_sum_s8(byte(0), *count, *inner, *zeros, *factor, out);
            }
            (Step::ReduceExtremeS8 { larger, count, inner }, Buffer::I8(out)) => {
                kernels::reduce::reduce_extreme_s8(*larger, byte(0), *count, *inner, out);
            }
            (Step::LstmS8(params), Buffer::I8(out)) => {
                let (weights, bias) = (i8_data(tensor(2))?, i32_data(tensor(3))?);
                kernels::lstm::lstm_s8(params, byte(0), byte(1), weights, bias, out);
            }
            (Step::MatMulF32 { matrices }, Buffer::F32(out)) => {
                kernels::mat_mul::mat_mul_f32(matrices, float(0), float(1), out);
            }
            (Step::MatMulS8 { matrices, params }, Buffer::I8(out)) => {
                kernels::mat_mul::mat_mul_s8(matrices, params, byte(0), byte(1), out);
            }
            (Step::SvdfState(params), Buffer::I16(out)) => {
                kernels::svdf::svdf_state(params, byte(0), short(1), i8_data(tensor(2))?, out);
            }
            (Step::SvdfState(params), Buffer::I8(out)) => {
                kernels::svdf::svdf_state(params, byte(0), byte(1), i8_data(tensor(2))?, out);
            }
            (Step::SvdfOutput(params), Buffer::I8(out)) if tensor(0).dtype == DType::I8 => {
                kernels::svdf::svdf_output(params, byte(0), byte(1), i32_data(tensor(2))?, out);
            }
            (Step::SvdfOutput(params), Buffer::I8(out)) => {
                kernels::svdf::svdf_output(params, short(0), short(1), i32_data(tensor(2))?, out);
            }
            (Step::PreluS8(params), Buffer::I8(out)) => {
                kernels::prelu::prelu_s8(params, byte(0), byte(1), out);
            }
            (Step::Snap { row, symmetric }, Buffer::F32(out)) => {
                kernels::snap::snap_f32(float(0), *row, *symmetric, out);
            }
            (Step::CompareF32 { kind }, Buffer::I8(out)) => {
                kernels::choose::compare_f32(*kind, float(0), float(1), out);
            }
            (Step::CompareS8 { kind, params }, Buffer::I8(out)) => {
                kernels::choose::compare_s8(*kind, params, byte(0), byte(1), out);
            }
            (Step::Select, Buffer::I8(out)) => kernels::choose::select(byte(0), byte(1), byte(2), out),
            (Step::Select, Buffer::I16(out)) => kernels::choose::select(byte(0), short(1), short(2), out),
            (Step::Select, Buffer::F32(out)) => kernels::choose::select(byte(0), float(1), float(2), out),
            (Step::ArgExtreme { largest, last, count, inner }, Buffer::I32(out)) => match tensor(0).dtype {
                DType::F32 => {
                    kernels::choose::arg_extreme(*largest, *last, float(0), *count, *inner, out);
                }
                DType::I16 => {
                    kernels::choose::arg_extreme(*largest, *last, short(0), *count, *inner, out);
                }
                _ => kernels::choose::arg_extreme(*largest, *last, byte(0), *count, *inner, out),
            },
            (Step::Gather { width, zero }, Buffer::I8(out)) => {
                kernels::choose::gather(word(0), byte(1), *width, *zero as i8, out);
            }
            (Step::Gather { width, .. }, Buffer::F32(out)) => {
                kernels::choose::gather(word(0), float(1), *width, 0.0, out);
            }
            (Step::ResizeBilinear { rows, columns }, Buffer::I8(out)) => {
                let (width, channels) = (tensor(0).shape[1], tensor(0).shape[2]);
                kernels::resize::resize_bilinear_s8(byte(0), width, channels, rows, columns, out);
            }
            (Step::ResizeBilinear { rows, columns }, Buffer::F32(out)) => {
                let (width, channels) = (tensor(0).shape[1], tensor(0).shape[2]);
                kernels::resize::resize_bilinear_f32(float(0), width, channels, rows, columns, out);
            }
            (Step::Wide(wide), out) => self.wide(wide, node, out)?,
            _ => return Err("the output has another type than the kernel makes".into()),
        }
        Ok(())
    }
}
