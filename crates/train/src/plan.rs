//! Where a convolution finds its inputs: found once, used in every step.

use crate::{
    kernels::matrix::Panels,
    unit::{Conv, Op, Unit},
};

/// Samples of one task. Fixed, so that sums do not depend on the number of threads.
pub(crate) const SHARD: usize = 4;
/// Values of scratch that fit the caches beside what is multiplied.
const SCRATCH: usize = 1 << 14;

/// How the left side of a product is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    /// As the input lies.
    Direct,
    /// In a frame of zeros.
    Framed,
    /// Patch by patch: for kernels so narrow that a loop over them would be short.
    Patches,
}

/// Rows of a gathered product over a framed image.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    /// Rows, columns, channels of the frame.
    pub frame: [usize; 3],
    /// Where the image starts in it.
    pub origin: [usize; 2],
    /// Of each output pixel, for each sample of a group.
    pub bases: Vec<usize>,
    pub segments: Vec<usize>,
    pub len: usize,
}

impl Gather {
    pub fn frame_len(&self) -> usize {
        self.frame.iter().product()
    }
}

/// How gradients reach the input of a convolution.
#[derive(Clone, Debug)]
pub(crate) enum Back {
    /// A product over the gradients as they lie.
    Direct,
    /// A convolution of the framed gradients with the kernel turned around.
    Turned(Gather),
    /// Patches are added back to where they came from.
    Scatter,
}

/// Plan of a unit with weights.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub layout: Layout,
    pub gather: Gather,
    pub back: Back,
    /// Samples in one product.
    pub group: usize,
    /// Weights as the forward and the backward product read them.
    pub forward: Panels,
    pub backward: Panels,
    /// Depthwise: the kernel turned around.
    pub turned: Vec<f32>,
}

/// Offsets of the elements under a kernel, joined where they lie one beside the other.
fn segments(conv: &Conv, width: usize, c: usize) -> (Vec<usize>, usize) {
    let [kh, kw] = conv.kernel;
    if conv.dilation[1] == 1 {
        ((0..kh).map(|ky| ky * conv.dilation[0] * width * c).collect(), kw * c)
    } else {
        (taps(conv, width, c), c)
    }
}

/// Offset of each element under a kernel.
pub(crate) fn taps(conv: &Conv, width: usize, c: usize) -> Vec<usize> {
    let [kh, kw] = conv.kernel;
    (0..kh * kw).map(|t| ((t / kw) * conv.dilation[0] * width + (t % kw) * conv.dilation[1]) * c).collect()
}

impl Plan {
    /// The plan of a unit with weights; `None` for others.
    pub fn new(unit: &Unit) -> Option<Self> {
        let conv = match unit.op {
            Op::Dense => Conv::DENSE,
            Op::Conv(conv) | Op::Depthwise(conv) => conv,
            _ => return None,
        };
        // A dense layer takes all values as the channels of one pixel.
        let input = if unit.op == Op::Dense { [1, 1, unit.in_len()] } else { unit.input };
        let [oh, ow, n] = unit.output;
        let c = input[2];
        let [kh, kw] = conv.kernel;
        let reach =
            |i: usize, out: usize| (out - 1) * conv.stride[i] + (conv.kernel[i] - 1) * conv.dilation[i] + 1;
        let frame = [reach(0, oh), reach(1, ow), c];
        let depthwise = matches!(unit.op, Op::Depthwise(_));
        let direct = frame == input && conv.pad == [0, 0];
        let narrow = kw * c < 16 && kh * kw > 1 && !depthwise;
        let layout = if narrow {
            Layout::Patches
        } else if direct {
            Layout::Direct
        } else {
            Layout::Framed
        };
        let sample = match layout {
            Layout::Patches => oh * ow * kh * kw * c,
            _ => frame.iter().product(),
        };
        let group = (SCRATCH / sample.max(1)).clamp(1, SHARD);
        let (segments, len) = match layout {
            Layout::Patches => (vec![0], kh * kw * c),
            _ => segments(&conv, frame[1], c),
        };
        let base = |i: usize| match layout {
            Layout::Patches => i * len,
            _ => ((i / ow) * conv.stride[0] * frame[1] + (i % ow) * conv.stride[1]) * c,
        };
        let bases = (0..group * oh * ow).map(|i| i / (oh * ow) * sample + base(i % (oh * ow))).collect();
        let back = if conv.kernel == [1, 1] && direct && conv.stride == [1, 1] {
            Back::Direct
        } else if conv.stride == [1, 1] {
            let edge = |i: usize| (conv.kernel[i] - 1) * conv.dilation[i];
            let frame = [input[0] + edge(0), input[1] + edge(1), n];
            let (segments, len) = self::segments(&conv, frame[1], n);
            let base = |i: usize| ((i / input[1]) * frame[1] + i % input[1]) * n;
            Back::Turned(Gather {
                frame,
                origin: [edge(0) - conv.pad[0].min(edge(0)), edge(1) - conv.pad[1].min(edge(1))],
                bases: (0..input[0] * input[1]).map(base).collect(),
                segments,
                len,
            })
        } else {
            Back::Scatter
        };
        let gather = Gather { frame, origin: conv.pad, bases, segments, len };
        Some(Self {
            layout,
            gather,
            back,
            group,
            forward: Panels::default(),
            backward: Panels::default(),
            turned: Vec::new(),
        })
    }

    /// Takes over the weights of this step.
    pub fn prepare(&mut self, unit: &Unit, training: bool) {
        let n = unit.output[2];
        let w = &unit.weights;
        match unit.op {
            Op::Depthwise(_) if training => {
                let taps = w.len() / n;
                self.turned.clear();
                self.turned.extend((0..taps).rev().flat_map(|t| &w[t * n..][..n]));
            }
            Op::Dense | Op::Conv(_) => {
                let k = w.len() / n;
                self.forward.pack(k, n, |row, column| w[column * k + row]);
                if !training {
                    return;
                }
                match &self.back {
                    Back::Turned(_) => {
                        let c = unit.input[2];
                        let taps = k / c;
                        self.backward.pack(taps * n, c, |row, column| {
                            w[row % n * k + (taps - 1 - row / n) * c + column]
                        });
                    }
                    _ => self.backward.pack(n, k, |row, column| w[row * k + column]),
                }
            }
            _ => {}
        }
    }
}
