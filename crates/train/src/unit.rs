//! A network as it is trained: units, each an operation with the normalisation and the activation behind it.

use crate::{
    kernels::{
        attention::Heads,
        pool::Patches,
        recurrent::{Cell, Kind},
    },
    rng::Stream,
    spec::Activation,
};

/// Weight of the running statistics of batch normalisation.
pub(crate) const MOMENTUM: f32 = 0.9;
/// Added to a variance.
pub(crate) const EPSILON: f32 = 1e-3;

/// Geometry of a convolution; a dense layer is one of one element on one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conv {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub pad: [usize; 2],
}

impl Conv {
    pub const DENSE: Self = Self { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0] };
}

/// What a unit computes before normalisation and activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    /// All inputs of a pixel.
    Dense,
    Conv(Conv),
    Depthwise(Conv),
    /// Steps of time: the columns of the input.
    Recurrent(Cell),
    /// Steps of time, of queries, keys and values.
    Attention(Heads),
    /// Channels of each pixel.
    LayerNorm,
    MaxPool(Patches),
    AveragePool(Patches),
    /// Sum of two inputs.
    Add,
    /// Inputs side by side, per pixel.
    Concat,
    /// Bilinear.
    Resize,
    Dropout(f32),
    /// Nothing: for a normalisation or activation that has nothing to stand behind.
    Same,
}

/// Batch normalisation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Norm {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    /// Running statistics.
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

/// An operation with what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    pub name: String,
    pub op: Op,
    /// Values it reads: 0 is the input of the network, `i + 1` comes from unit `i`.
    pub inputs: Vec<usize>,
    /// Height, width, channels of the first input as this unit sees them.
    pub input: [usize; 3],
    pub output: [usize; 3],
    /// Dense and convolution `[out_c, kh, kw, in_c]`, depthwise `[kh, kw, c]`, recurrent `[in_c + units, gates * units]`, of a layer
    /// normalisation the factors `[c]`.
    pub weights: Vec<f32>,
    /// One per output channel, or per gate and unit.
    pub bias: Vec<f32>,
    pub norm: Option<Norm>,
    pub activation: Activation,
}

impl Unit {
    /// A unit with weights drawn from the stream (He et al., 2015: normal with variance 2 / fan-in).
    pub fn new(
        name: String,
        op: Op,
        inputs: Vec<usize>,
        input: [usize; 3],
        output: [usize; 3],
        stream: &mut Stream,
    ) -> Self {
        let fan_in = match op {
            Op::Dense => input.iter().product(),
            Op::Conv(conv) => conv.kernel[0] * conv.kernel[1] * input[2],
            Op::Depthwise(conv) => conv.kernel[0] * conv.kernel[1],
            Op::Recurrent(cell) => input[2] + cell.units,
            _ => 0,
        };
        // Behind the functions of gates nothing is cut off: half the variance is enough.
        let (gain, width) = match op {
            Op::Recurrent(cell) => (1.0, cell.kind.gates() * cell.units),
            _ => (2.0, output[2]),
        };
        let deviation = (gain / fan_in.max(1) as f32).sqrt();
        let mut weights: Vec<f32> = (0..fan_in * width).map(|_| deviation * stream.normal()).collect();
        let mut bias = vec![0.0; if fan_in > 0 { width } else { 0 }];
        match op {
            // What is kept at first is kept (Jozefowicz and others, 2015).
            Op::Recurrent(Cell { kind: Kind::Lstm, units, .. }) => bias[units..2 * units].fill(1.0),
            Op::LayerNorm => (weights, bias) = (vec![1.0; output[2]], vec![0.0; output[2]]),
            _ => {}
        }
        Self { name, op, inputs, input, output, weights, bias, norm: None, activation: Activation::None }
    }

    /// Whether a normalisation behind it can be folded into its weights.
    pub fn folds(&self) -> bool {
        matches!(self.op, Op::Dense | Op::Conv(_) | Op::Depthwise(_))
    }

    /// Puts a batch normalisation behind the operation. The bias goes: the normalisation would take it out again.
    pub fn normalise(&mut self) {
        let c = self.output[2];
        self.bias.clear();
        self.norm = Some(Norm {
            gamma: vec![1.0; c],
            beta: vec![0.0; c],
            mean: vec![0.0; c],
            variance: vec![1.0; c],
        });
    }

    pub fn in_len(&self) -> usize {
        self.input.iter().product()
    }
    pub fn out_len(&self) -> usize {
        self.output.iter().product()
    }

    /// Multiply-accumulates of one sample.
    pub fn macs(&self) -> usize {
        match self.op {
            Op::Dense => self.weights.len(),
            Op::Conv(_) | Op::Depthwise(_) => self.out_len() / self.output[2] * self.weights.len(),
            Op::Recurrent(_) => self.input[0] * self.input[1] * self.weights.len(),
            Op::Attention(heads) => 2 * self.output[1] * self.output[1] * heads.width(),
            _ => self.out_len(),
        }
    }

    /// What is learned: weights, bias, gamma, beta. Only the first is pulled towards 0.
    pub fn learned(&self) -> [&Vec<f32>; 4] {
        static NONE: Vec<f32> = Vec::new();
        let (gamma, beta) = self.norm.as_ref().map_or((&NONE, &NONE), |n| (&n.gamma, &n.beta));
        [&self.weights, &self.bias, gamma, beta]
    }

    /// As [`Self::learned`].
    pub fn learned_mut(&mut self) -> Vec<&mut Vec<f32>> {
        let mut out = vec![&mut self.weights, &mut self.bias];
        if let Some(n) = &mut self.norm {
            out.extend([&mut n.gamma, &mut n.beta]);
        }
        out
    }

    /// All that a checkpoint keeps.
    pub fn state(&self) -> Vec<&Vec<f32>> {
        let mut out = vec![&self.weights, &self.bias];
        out.extend(self.norm.iter().flat_map(|n| [&n.gamma, &n.beta, &n.mean, &n.variance]));
        out
    }

    /// As [`Self::state`].
    pub fn state_mut(&mut self) -> Vec<&mut Vec<f32>> {
        let mut out = vec![&mut self.weights, &mut self.bias];
        if let Some(n) = &mut self.norm {
            out.extend([&mut n.gamma, &mut n.beta, &mut n.mean, &mut n.variance]);
        }
        out
    }
}
