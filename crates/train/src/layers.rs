//! Layers with their weights.

use crate::{rng::Stream, spec::Activation};

/// Weight of the running statistics of batch normalisation.
pub(crate) const MOMENTUM: f32 = 0.9;
/// Added to a variance.
pub(crate) const EPSILON: f32 = 1e-3;

/// Geometry of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conv {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub pad: [usize; 2],
    pub depthwise: bool,
}

/// Geometry of pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pool {
    pub size: [usize; 2],
    pub stride: [usize; 2],
    pub max: bool,
}

/// What a node computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Dense,
    Conv(Conv),
    Pool(Pool),
    BatchNorm,
    Activation(Activation),
    Dropout(f32),
    Reshape,
}

/// A node: shapes, weights, and (for batch normalisation) running statistics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub name: String,
    pub kind: Kind,
    /// Height, width, channels.
    pub input: [usize; 3],
    pub output: [usize; 3],
    /// Dense `[out, in]`, convolution `[out_c, kh, kw, in_c]`, depthwise `[kh, kw, c]`, batch normalisation gamma.
    pub weights: Vec<f32>,
    /// One per output channel; batch normalisation beta.
    pub bias: Vec<f32>,
    /// Running mean and variance of batch normalisation.
    pub running: Vec<f32>,
}

impl Node {
    pub fn new(name: String, kind: Kind, input: [usize; 3], output: [usize; 3]) -> Self {
        let (inputs, c) = (input.iter().product::<usize>(), output[2]);
        let (weights, bias, running) = match kind {
            Kind::Dense => (inputs * c, c, 0),
            Kind::Conv(conv) if conv.depthwise => (conv.kernel[0] * conv.kernel[1] * c, c, 0),
            Kind::Conv(conv) => (conv.kernel[0] * conv.kernel[1] * input[2] * c, c, 0),
            Kind::BatchNorm => (c, c, 2 * c),
            _ => (0, 0, 0),
        };
        Self {
            name,
            kind,
            input,
            output,
            weights: vec![0.0; weights],
            bias: vec![0.0; bias],
            running: vec![0.0; running],
        }
    }

    /// Draws weights (He et al., 2015: normal with variance 2 / fan-in).
    pub fn initialise(&mut self, stream: &mut Stream) {
        match self.kind {
            Kind::BatchNorm => {
                self.weights.fill(1.0);
                let c = self.output[2];
                self.running[c..].fill(1.0);
            }
            Kind::Dense | Kind::Conv(_) => {
                let fan_in = match self.kind {
                    Kind::Conv(conv) if conv.depthwise => conv.kernel[0] * conv.kernel[1],
                    _ => self.weights.len() / self.output[2],
                };
                let deviation = (2.0 / fan_in as f32).sqrt();
                self.weights.iter_mut().for_each(|w| *w = deviation * stream.normal());
            }
            _ => {}
        }
    }

    pub fn in_len(&self) -> usize {
        self.input.iter().product()
    }
    pub fn out_len(&self) -> usize {
        self.output.iter().product()
    }
    /// Weights that weight decay pulls.
    pub fn decays(&self) -> bool {
        matches!(self.kind, Kind::Dense | Kind::Conv(_))
    }
}
