//! From what people write to layers with shapes.

use crate::{
    TrainError,
    layers::{Conv, Kind, Node, Pool},
    rng::Stream,
    spec::{Activation, Head, Layer, Network, Padding},
};

/// A network ready to train: nodes with shapes and weights.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// Height, width, channels of the input.
    pub input: [usize; 3],
    /// In order.
    pub nodes: Vec<Node>,
    /// Outputs of the last node.
    pub outputs: usize,
}

/// Output extent and padding before the first element.
fn extent(
    n: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: Padding,
) -> Option<(usize, usize)> {
    let covered = (kernel.checked_sub(1)?).checked_mul(dilation)? + 1;
    if stride == 0 {
        return None;
    }
    match padding {
        Padding::Valid => (n >= covered).then(|| ((n - covered) / stride + 1, 0)),
        Padding::Same => {
            let out = n.div_ceil(stride);
            let total = ((out - 1) * stride + covered).saturating_sub(n);
            Some((out, total / 2))
        }
    }
}

/// One or two numbers as rows and columns; one number runs over time.
fn pair(values: &[usize], default: [usize; 2], time_only: bool) -> Option<[usize; 2]> {
    match values {
        [] => Some(default),
        [n] if time_only => Some([1, *n]),
        [n] => Some([*n, *n]),
        [a, b] => Some([*a, *b]),
        _ => None,
    }
}

struct Builder {
    shape: [usize; 3],
    nodes: Vec<Node>,
    seed: u64,
}

impl Builder {
    fn push(&mut self, name: String, kind: Kind, shape: [usize; 3]) {
        let input = self.shape;
        let mut node = Node::new(name, kind, input, shape);
        node.initialise(&mut Stream::new(&[self.seed, 1, self.nodes.len() as u64]));
        self.nodes.push(node);
        self.shape = shape;
    }

    fn activate(&mut self, number: usize, activation: Activation) {
        if activation != Activation::None {
            self.push(format!("activation{number}"), Kind::Activation(activation), self.shape);
        }
    }

    fn conv(
        &mut self,
        name: String,
        filters: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: Padding,
        depthwise: bool,
    ) -> Result<(), String> {
        let [h, w, c] = self.shape;
        let fit = |n, i: usize| {
            extent(n, kernel[i], stride[i], dilation[i], padding).ok_or_else(|| {
                format!("a kernel of {kernel:?} with stride {stride:?} does not fit an input of {h}x{w}")
            })
        };
        if filters == 0 {
            return Err("`filters` must be at least 1".into());
        }
        let ((out_h, pad_h), (out_w, pad_w)) = (fit(h, 0)?, fit(w, 1)?);
        let conv = Conv { kernel, stride, dilation, pad: [pad_h, pad_w], depthwise };
        self.push(name, Kind::Conv(conv), [out_h, out_w, if depthwise { c } else { filters }]);
        Ok(())
    }

    fn layer(&mut self, number: usize, layer: &Layer) -> Result<(), String> {
        let name = format!("{}{number}", layer.name());
        let [h, w, c] = self.shape;
        match layer {
            Layer::Dense { units, activation } => {
                if *units == 0 {
                    return Err("`units` must be at least 1".into());
                }
                self.push(name, Kind::Dense, [1, 1, *units]);
                self.activate(number, *activation);
            }
            Layer::Conv1d { filters, kernel, stride, dilation, padding, activation } => {
                if h != 1 {
                    return Err(format!("the input is {h}x{w}x{c}; conv1d runs over one axis, use conv2d"));
                }
                self.conv(name, *filters, [1, *kernel], [1, *stride], [1, *dilation], *padding, false)?;
                self.activate(number, *activation);
            }
            Layer::Conv2d { filters, kernel, stride, padding, activation } => {
                self.conv(name, *filters, *kernel, *stride, [1, 1], *padding, false)?;
                self.activate(number, *activation);
            }
            Layer::DepthwiseConv { kernel, stride, padding, activation } => {
                let bad = || "`kernel` and `stride` take one or two numbers".to_owned();
                let kernel = pair(kernel, [0, 0], h == 1).ok_or_else(bad)?;
                let stride = pair(stride, [1, 1], h == 1).ok_or_else(bad)?;
                self.conv(name, c, kernel, stride, [1, 1], *padding, true)?;
                self.activate(number, *activation);
            }
            Layer::MaxPool { size, stride } | Layer::AveragePool { size, stride } => {
                let bad = || "`size` and `stride` take one or two numbers".to_owned();
                let size = pair(size, [0, 0], h == 1).ok_or_else(bad)?;
                let stride = pair(stride, size, h == 1).ok_or_else(bad)?;
                let fit = |n, i: usize| {
                    extent(n, size[i], stride[i], 1, Padding::Valid)
                        .ok_or_else(|| format!("a patch of {size:?} does not fit an input of {h}x{w}"))
                };
                let shape = [fit(h, 0)?.0, fit(w, 1)?.0, c];
                let max = matches!(layer, Layer::MaxPool { .. });
                self.push(name, Kind::Pool(Pool { size, stride, max }), shape);
            }
            Layer::GlobalAveragePool {} => {
                self.push(name, Kind::Pool(Pool { size: [h, w], stride: [h, w], max: false }), [1, 1, c]);
            }
            Layer::BatchNorm {} => self.push(name, Kind::BatchNorm, self.shape),
            Layer::Dropout { rate } => {
                if !(0.0..1.0).contains(rate) {
                    return Err(format!("`rate` is {rate}; it must be at least 0 and below 1"));
                }
                self.push(name, Kind::Dropout(*rate), self.shape);
            }
            Layer::Activation { activation } => self.activate(number, *activation),
            Layer::Reshape { shape } => {
                let new = as_image(shape, true).ok_or("`shape` takes one to three numbers")?;
                if new.iter().product::<usize>() != h * w * c {
                    return Err(format!("{} values do not fit the shape {shape:?}", h * w * c));
                }
                self.push(name, Kind::Reshape, new);
            }
            Layer::Flatten {} => self.push(name, Kind::Reshape, [1, 1, h * w * c]),
        }
        Ok(())
    }
}

/// A shape as height, width, channels. Rows of a spectrogram are time (`over_time`) or the height of a picture.
fn as_image(shape: &[usize], over_time: bool) -> Option<[usize; 3]> {
    match shape {
        [n] => Some([1, 1, *n]),
        [rows, columns] if over_time => Some([1, *rows, *columns]),
        [rows, columns] => Some([*rows, *columns, 1]),
        [h, w, c] => Some([*h, *w, *c]),
        _ => None,
    }
}

/// Builds a network with weights drawn from the seed.
pub(crate) fn build(network: &Network, seed: u64) -> Result<Built, TrainError> {
    // A spectrogram is a picture for two-dimensional layers, and a series of columns for the others.
    let picture = network.layers.iter().any(|l| {
        matches!(l, Layer::Conv2d { .. })
            || matches!(l, Layer::DepthwiseConv { kernel: k, .. } if k.len() == 2)
            || matches!(l, Layer::MaxPool { size: s, .. } | Layer::AveragePool { size: s, .. } if s.len() == 2)
    });
    let input = as_image(&network.input, !picture).filter(|s| s.iter().product::<usize>() > 0);
    let input = input.ok_or_else(|| {
        TrainError::Data(format!("a network cannot take an input of shape {:?}", network.input))
    })?;
    let mut builder = Builder { shape: input, nodes: Vec::new(), seed };
    for (i, layer) in network.layers.iter().enumerate() {
        builder.layer(i + 1, layer).map_err(|reason| TrainError::Layer {
            number: i + 1,
            name: layer.name().into(),
            reason,
        })?;
    }
    let outputs = match network.head {
        Head::Softmax { classes } => classes,
        Head::Linear { outputs } => outputs,
    };
    builder.push("head".into(), Kind::Dense, [1, 1, outputs]);
    Ok(Built { input, nodes: builder.nodes, outputs })
}
