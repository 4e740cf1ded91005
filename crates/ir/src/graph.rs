//! Tensors, operators and the graph they form.

use crate::extra::{BinaryKind, CompareKind, Function, ReduceKind, Reference, Sampling, State};
use serde::{Deserialize, Serialize};

/// Index of a tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorId(pub u32);

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE 754 single precision.
    F32,
    /// Signed byte: quantised activations and weights.
    I8,
    /// Signed 32-bit: biases of quantised operators; as an activation what `Quantize` takes and makes, or an input that nothing reads.
    I32,
    /// Unsigned byte: input or output of a model; nothing but `Quantize` computes with it.
    U8,
    /// Signed 16-bit: activations of int16x8 models, states of an integer SVDF.
    I16,
    /// Signed 64-bit: biases of int16x8 operators.
    I64,
}

impl DType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            DType::I8 | DType::U8 => 1,
            DType::I16 => 2,
            DType::F32 | DType::I32 => 4,
            DType::I64 => 8,
        }
    }
}

/// Constant contents of a tensor, row-major.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// Single precision.
    F32(Vec<f32>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
    /// Signed 16-bit integers.
    I16(Vec<i16>),
    /// Signed 64-bit integers.
    I64(Vec<i64>),
}

impl Data {
    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::I8(_) => DType::I8,
            Self::I32(_) => DType::I32,
            Self::I16(_) => DType::I16,
            Self::I64(_) => DType::I64,
        }
    }

    /// The elements one behind the other, each in little-endian order.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I8(v) => v.iter().map(|&v| v as u8).collect(),
            Self::I32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I16(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::I64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

/// Affine quantisation: `real = scale * (q - zero_point)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quant {
    /// One scale for the tensor, or one per slice along `axis`.
    pub scale: Vec<f32>,
    /// Zero point, -128..=127 (0..=255 for `U8`, -32768..=32767 for `I16` between `Softmax`, `Quantize` and `Dequantize`); 0 for weights,
    /// biases and other activations of 16 and 32 bits.
    pub zero_point: i32,
    /// Axis of `scale` when it has several entries.
    pub axis: usize,
}

/// A value that flows through the graph, or a constant.
///
/// Shapes carry no batch dimension: images and spectrograms are `[height, width, channels]`, vectors `[n]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Name for people; unique in the graph.
    pub name: String,
    /// Extent of each axis, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
    /// Quantisation of an integer tensor.
    pub quant: Option<Quant>,
    /// Contents of a constant; `None` for activations.
    pub data: Option<Data>,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes of the contents.
    pub fn bytes(&self) -> usize {
        self.len() * self.dtype.bytes()
    }
}

/// Zero padding in elements (the zero point for quantised tensors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns left.
    pub left: usize,
    /// Columns right.
    pub right: usize,
}

/// Function fused behind an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Identity.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `min(max(x, -1), 1)`.
    ReluN1To1,
}

/// Kind of pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// Largest element.
    Max,
    /// Mean of the elements inside the input (padding is not counted).
    Average,
}

/// What a node computes. Inputs are positional.
///
/// Convolution over one axis is a convolution with height 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Inputs: x `[h, w, c]`, weights `[out_c, kh, kw, c]`, bias `[out_c]`.
    Conv2d {
        /// Rows, columns.
        stride: [usize; 2],
        /// Rows, columns.
        dilation: [usize; 2],
        /// Around x.
        padding: Padding,
        /// Fused.
        activation: Activation,
    },
    /// Inputs: x `[h, w, c]`, weights `[kh, kw, c * multiplier]`, bias `[c * multiplier]`.
    DepthwiseConv2d {
        /// Rows, columns.
        stride: [usize; 2],
        /// Rows, columns.
        dilation: [usize; 2],
        /// Around x.
        padding: Padding,
        /// Outputs per input channel.
        multiplier: usize,
        /// Fused.
        activation: Activation,
    },
    /// Inputs: x (any shape of rows of n elements), weights `[m, n]`, bias `[m]`. Each row gives m outputs.
    FullyConnected {
        /// Fused.
        activation: Activation,
    },
    /// Input: x `[h, w, c]`.
    Pool2d {
        /// Maximum or average.
        kind: PoolKind,
        /// Rows, columns.
        kernel: [usize; 2],
        /// Rows, columns.
        stride: [usize; 2],
        /// Around x.
        padding: Padding,
        /// Fused.
        activation: Activation,
    },
    /// Inputs: two tensors of one shape.
    Add {
        /// Fused.
        activation: Activation,
    },
    /// `max(x, 0)` and its kin on their own.
    Activate {
        /// Which.
        activation: Activation,
    },
    /// Over the last axis. Bytes may give 16 bits.
    Softmax,
    /// Same elements, other shape (the output's).
    Reshape,
    /// `(x - mean) * scale`, float only. Inputs: x, mean, scale; both of one length that divides that of x: element `i` takes the values at
    /// `i` modulo that length.
    Normalize,
    /// Float to integer: `clamp(round_half_away(x / scale) + zero_point)` of the output's parameters. From one integer
    /// tensor to another it rescales.
    Quantize,
    /// Integer to float.
    Dequantize,
    /// K-means anomaly score, float only: `min over clusters of (|z - centroid| - radius)`, at most 1000, with
    /// `z = (x[axes] - mean) * scale`. Inputs: x, mean `[n]`, scale `[n]`, centroids `[k, n]`, radii `[k]`.
    /// Output `[1]`.
    KMeansScore {
        /// Indices into x, in the order of mean and scale.
        axes: Vec<usize>,
    },
    /// Gaussian mixture as an anomaly score, float only: `(centre - log-likelihood) * scale`, at most 1000. Inputs: x, and the tables of
    /// [`edgewright_kernels::gmm::Mixture`]: mean `[n]`, offsets `[k, n]`, factors, constants `[k]`. Output `[1]`.
    GmmScore {
        /// Indices into x, in the order of mean.
        axes: Vec<usize>,
        /// The factors are diagonals.
        diagonal: bool,
        /// Log-likelihood whose score is 0.
        centre: f32,
        /// What a unit below it counts.
        scale: f32,
    },
    /// Bytes of float values: how many of their own ascending edges lie below each, less 128. Inputs: x, counts `[n]` (32-bit, at most 255
    /// each), edges of all values in order.
    Bucketize,
    /// Sum of decision trees. Inputs: x; nodes `[splits, 4]` (feature, threshold, left, right) and trees `[trees, 2]` (splits, first
    /// output) in 32 bits as [`edgewright_kernels::trees::Trees`] has them; leaves `[rows, width]`; base `[outputs]`; and, when x is float,
    /// thresholds. Float x has float leaves; bytes are compared with the thresholds themselves and have integer leaves.
    TreeEnsemble {
        /// Trees share their leaves.
        shared: bool,
        /// Real value of an integer leaf's unit; 1 for float leaves.
        scale: f32,
    },
    /// A function of each element.
    Unary {
        /// Which.
        #[serde(with = "crate::extra::FunctionForm")]
        function: Function,
    },
    /// Two tensors of as many elements, element by element.
    Binary {
        /// Which function of two values.
        #[serde(with = "crate::extra::BinaryKindForm")]
        kind: BinaryKind,
        /// Fused.
        activation: Activation,
    },
    /// A view of x: element `[i, j, ...]` of `shape` is `x[offset + i * strides[0] + ...]`. Transposition, slices,
    /// repetition and broadcasting.
    Strided {
        /// Extents of the view; as many elements as the output.
        shape: Vec<usize>,
        /// Elements of x from one to the next along each axis.
        strides: Vec<isize>,
        /// First element.
        offset: usize,
    },
    /// Any number of inputs, each `outer` rows; the rows are joined.
    Concat {
        /// Number of rows.
        outer: usize,
    },
    /// x of `shape` with more elements around it.
    Pad {
        /// Shape of x.
        shape: Vec<usize>,
        /// More elements at the start of each axis.
        before: Vec<usize>,
        /// More elements at the end of each axis.
        after: Vec<usize>,
        /// Their value as a real number.
        value: f32,
    },
    /// One value out of `count`: x is `[outer, count, inner]`, the output `[outer, inner]`.
    Reduce {
        /// How values are joined.
        #[serde(with = "crate::extra::ReduceKindForm")]
        kind: ReduceKind,
        /// Values that are joined.
        count: usize,
        /// Elements between them.
        inner: usize,
    },
    /// LSTM in bytes with a cell of 16 bits, over all steps of x. Inputs: x (rows of values), state `[3 * units]`, weights
    /// `[4, units, values + units]`, bias `[4, units]`. The output holds the hidden values of each step, then the new state: hidden
    /// bytes, then the cell as pairs of bytes. Gates are input, forget, cell, output.
    Lstm {
        /// Width of the state.
        units: usize,
        /// Scales of the weights of each gate: over x, over the hidden value.
        scales: [[f32; 2]; 4],
        /// Scale of the cell: a power of two.
        cell: f32,
        /// Largest size of the cell as a real number; 0 when there is no limit.
        clip: f32,
    },
    /// Products of matrices that both flow. Inputs: a, `batch` times rows of `shared` values; b, `batch` times `[shared, columns]`, or
    /// `[columns, shared]` when it is transposed. The output is `batch` times `[rows, columns]`.
    MatMul {
        /// Products side by side.
        batch: usize,
        /// What is summed over.
        shared: usize,
        /// b lies with its columns as rows.
        transposed: bool,
    },
    /// State of an SVDF after a step. Inputs: x `[n]` in bytes, state `[filters, memory]` in 16 bits or in bytes, weights `[filters, n]` in
    /// bytes. Each row of the state moves one to the front; its last place takes the filter's sum over x.
    SvdfState,
    /// What an SVDF gives out. Inputs: state `[filters, memory]`, weights of time of the same shape and type, bias `[units]` in 32 bits. `filters / units` neighbouring filters are added up.
    SvdfOutput,
    /// `x` where it is not negative, else `alpha * x`, in bytes. Inputs: x, alpha, whose length divides that of x: element `i` takes the
    /// value at `i` modulo that length.
    Prelu,
    /// Two float or byte tensors of as many elements, compared: bytes of scale 1 and zero point 0, which are 1 where it holds, else 0. Bytes
    /// are compared by their real values in rounded multiples of 1/256.
    Compare {
        /// Which comparison.
        #[serde(with = "crate::extra::CompareKindForm")]
        kind: CompareKind,
    },
    /// Inputs: conditions as of `Compare`, a, b; all of as many elements. The elements of a where the condition is not 0, else those of b.
    Select,
    /// Where the largest of `count` values lies: x is `[outer, count, inner]`, the output `[outer, inner]` in 32 bits without a scale.
    ArgExtreme {
        /// The largest, not the smallest.
        largest: bool,
        /// Of equal values the last, not the first.
        last: bool,
        /// Values that are compared.
        count: usize,
        /// Elements between them.
        inner: usize,
    },
    /// Rows of a table. Inputs: numbers of rows in 32 bits without a scale, table `[rows, width]`. A row that is not there is 0 (the zero
    /// point).
    Gather,
    /// Each row of x rounded to the 8 bits of its own range, still as floats: what hybrid kernels make of activations before weights of 8 bits.
    Snap {
        /// Values of a row.
        row: usize,
        /// As many steps on both sides of 0.
        symmetric: bool,
    },
    /// Bilinear resizing of x `[h, w, c]` to the output's height and width.
    ResizeBilinear {
        /// Where pixels lie.
        sampling: Sampling,
    },
}

/// One application of an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name for people, reports and emitted comments.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// Positional inputs, constants included.
    pub inputs: Vec<TensorId>,
    /// The one output.
    pub output: TensorId,
}

/// A model: nodes in an order in which they can be executed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the model.
    pub name: String,
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// Nodes, each after the producers of its inputs.
    pub nodes: Vec<Node>,
    /// The input activations; one in a learning block, any number in an imported model.
    pub inputs: Vec<TensorId>,
    /// The output activations; one in a learning block, any number in an imported model.
    pub outputs: Vec<TensorId>,
    /// What is kept from run to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// Whose integer rules hold.
    #[serde(default)]
    pub reference: Reference,
}

/// Why a graph is not a valid model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A node's inputs do not fit its operator.
    #[error("node `{node}`: {reason}")]
    Node {
        /// Name of the node.
        node: String,
        /// What does not fit, with the shapes.
        reason: String,
    },
    /// The graph as a whole is not well formed.
    #[error("graph `{graph}`: {reason}")]
    Graph {
        /// Name of the graph.
        graph: String,
        /// What is wrong.
        reason: String,
    },
}

impl Graph {
    /// The tensor with this id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }
    /// Appends a tensor.
    pub fn push_tensor(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() as u32 - 1)
    }
}
