//! What people write: layers and head.

use serde::{Deserialize, Serialize};

/// Function behind a layer.
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
    /// `x` above 0, a tenth of it below.
    LeakyRelu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x * min(max(x + 3, 0), 6) / 6`.
    HardSwish,
    /// `x * (1 + tanh(0.79788 * (x + 0.044715 * x^3))) / 2` (Hendrycks and Gimpel, 2016).
    Gelu,
}

/// Slope of a leaky ReLU below 0.
pub(crate) const LEAK: f32 = 0.1;

/// What lies beyond the edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Zeros, so that with stride 1 the size stays.
    #[default]
    Same,
    /// Nothing: the kernel stays inside.
    Valid,
}

fn one() -> usize {
    1
}

fn ones() -> [usize; 2] {
    [1, 1]
}

/// One layer, as in a project file: `{ type = "conv1d", filters = 16, kernel = 3 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// Every output sees every input.
    Dense {
        /// Outputs.
        units: usize,
        /// Behind it.
        #[serde(default)]
        activation: Activation,
    },
    /// Convolution over time.
    Conv1d {
        /// Outputs per position.
        filters: usize,
        /// Positions seen.
        kernel: usize,
        /// Positions between outputs.
        #[serde(default = "one")]
        stride: usize,
        /// Positions between kernel elements.
        #[serde(default = "one")]
        dilation: usize,
        /// Edges.
        #[serde(default)]
        padding: Padding,
        /// Behind it.
        #[serde(default)]
        activation: Activation,
    },
    /// Convolution over rows and columns.
    Conv2d {
        /// Outputs per position.
        filters: usize,
        /// Rows, columns.
        kernel: [usize; 2],
        /// Rows, columns.
        #[serde(default = "ones")]
        stride: [usize; 2],
        /// Rows, columns between kernel elements.
        #[serde(default = "ones")]
        dilation: [usize; 2],
        /// Edges.
        #[serde(default)]
        padding: Padding,
        /// Behind it.
        #[serde(default)]
        activation: Activation,
    },
    /// Convolution of each channel on its own, over time (one number) or rows and columns (two).
    DepthwiseConv {
        /// Positions seen.
        kernel: Vec<usize>,
        /// Positions between outputs; 1 when left out.
        #[serde(default)]
        stride: Vec<usize>,
        /// Edges.
        #[serde(default)]
        padding: Padding,
        /// Behind it.
        #[serde(default)]
        activation: Activation,
    },
    /// Largest of each patch, over time (one number) or rows and columns (two).
    MaxPool {
        /// Size of the patch.
        size: Vec<usize>,
        /// Positions between outputs; the size when left out.
        #[serde(default)]
        stride: Vec<usize>,
    },
    /// Mean of each patch.
    AveragePool {
        /// Size of the patch.
        size: Vec<usize>,
        /// Positions between outputs; the size when left out.
        #[serde(default)]
        stride: Vec<usize>,
    },
    /// Mean of each channel.
    GlobalAveragePool {},
    /// Largest value of each channel.
    GlobalMaxPool {},
    /// What goes in is added to what layers make of it (He et al., 2016).
    Residual {
        /// The way with weights.
        layers: Vec<Layer>,
        /// The other way; left out: as it is.
        #[serde(default)]
        shortcut: Vec<Layer>,
        /// Behind the sum.
        #[serde(default)]
        activation: Activation,
    },
    /// Outputs of several ways side by side, per position.
    Concat {
        /// Layers of each; none for what goes in as it is.
        branches: Vec<Vec<Layer>>,
    },
    /// Bilinear resizing to rows and columns.
    Resize {
        /// Rows, columns.
        size: [usize; 2],
    },
    /// Each channel to mean 0 and variance 1 over the batch; folded into the layer before when exported.
    BatchNorm {},
    /// Channels of each position to mean 0 and variance 1, then scaled and shifted (Ba et al., 2016).
    LayerNorm {},
    /// Long short-term memory over time (Hochreiter and Schmidhuber, 1997).
    Lstm {
        /// Width of the state.
        units: usize,
        /// An output for every step of time; left out: only for the last.
        #[serde(default)]
        sequences: bool,
    },
    /// Gated recurrent unit over time (Cho et al., 2014).
    Gru {
        /// Width of the state.
        units: usize,
        /// An output for every step of time; left out: only for the last.
        #[serde(default)]
        sequences: bool,
    },
    /// Each step of time takes from all of them what it asks for (Vaswani et al., 2017); the shape stays. Put it into `residual` to keep what
    /// goes in, and `layer_norm` behind.
    Attention {
        /// How many look at the steps, each in its own way.
        #[serde(default = "one")]
        heads: usize,
        /// Width of the queries, keys and values of each head.
        key: usize,
    },
    /// Sets a share of the values to 0 in training.
    Dropout {
        /// Share, 0..1.
        rate: f32,
    },
    /// A function on its own.
    Activation {
        /// Which.
        activation: Activation,
    },
    /// Another shape of as many values.
    Reshape {
        /// `[n]`, `[rows, columns]` or `[height, width, channels]`.
        shape: Vec<usize>,
    },
    /// A list.
    Flatten {},
}

/// What the network ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Head {
    /// One score per class, summing to 1.
    Softmax {
        /// At least 2.
        classes: usize,
    },
    /// One score per class in every cell of what the last layer makes, summing to 1 in each; class 0 is the background.
    Cells {
        /// Background and at least one label.
        classes: usize,
    },
    /// Numbers.
    Linear {
        /// At least 1.
        outputs: usize,
    },
}

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// `[n]`, `[rows, columns]` (time, then features) or `[height, width, channels]`.
    pub input: Vec<usize>,
    /// Between input and head.
    pub layers: Vec<Layer>,
    /// The last layer.
    pub head: Head,
}

impl Layer {
    /// Name in project files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv1d { .. } => "conv1d",
            Self::Conv2d { .. } => "conv2d",
            Self::DepthwiseConv { .. } => "depthwise_conv",
            Self::MaxPool { .. } => "max_pool",
            Self::AveragePool { .. } => "average_pool",
            Self::GlobalAveragePool {} => "global_average_pool",
            Self::GlobalMaxPool {} => "global_max_pool",
            Self::Residual { .. } => "residual",
            Self::Concat { .. } => "concat",
            Self::Resize { .. } => "resize",
            Self::BatchNorm {} => "batch_norm",
            Self::LayerNorm {} => "layer_norm",
            Self::Lstm { .. } => "lstm",
            Self::Gru { .. } => "gru",
            Self::Attention { .. } => "attention",
            Self::Dropout { .. } => "dropout",
            Self::Activation { .. } => "activation",
            Self::Reshape { .. } => "reshape",
            Self::Flatten {} => "flatten",
        }
    }
}
