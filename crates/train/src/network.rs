//! From what people write to units with shapes.

use crate::{
    TrainError,
    kernels::{
        attention::Heads,
        pool::Patches,
        recurrent::{Cell, Kind},
    },
    rng::Stream,
    spec::{Activation, Head, Layer, Network, Padding},
    unit::{Conv, Op, Unit},
};

/// A network ready to train: units with shapes and weights.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// Height, width, channels of the input.
    pub input: [usize; 3],
    /// In order.
    pub units: Vec<Unit>,
    /// Height, width, channels of the last unit's output.
    pub head: [usize; 3],
    /// For each layer as it is written: the shape behind it, and how many units there are then.
    pub layers: Vec<([usize; 3], usize)>,
}

/// Weights of a layer, and values behind it, at most.
const WEIGHTS_MAX: usize = 1 << 26;

/// Output extent and padding before the first element.
fn extent(
    n: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: Padding,
) -> Option<(usize, usize)> {
    let covered = (kernel.checked_sub(1)?).checked_mul(dilation)? + 1;
    if stride == 0 || dilation == 0 {
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

/// Steps of time of a recurrent layer, at most.
const STEPS_MAX: usize = 256;

struct Builder {
    /// The value that the next layer reads, and its shape.
    at: usize,
    shape: [usize; 3],
    /// Values up to this one are read elsewhere too: nothing more may be put behind their units.
    shared: usize,
    units: Vec<Unit>,
    seed: u64,
}

impl Builder {
    fn push(&mut self, name: String, op: Op, inputs: Vec<usize>, shape: [usize; 3]) {
        let mut stream = Stream::new(&[self.seed, 1, self.units.len() as u64]);
        self.units.push(Unit::new(name, op, inputs, self.shape, shape, &mut stream));
        self.at = self.units.len();
        self.shape = shape;
    }

    fn next(&mut self, name: String, op: Op, shape: [usize; 3]) {
        self.push(name, op, vec![self.at], shape);
    }

    /// A unit with weights, unless they are absurdly many.
    fn learned(&mut self, name: String, op: Op, shape: [usize; 3]) -> Result<(), String> {
        let [h, w, c] = self.shape;
        let factors = match op {
            Op::Conv(conv) => [conv.kernel[0], conv.kernel[1], c, shape[2]],
            Op::Depthwise(conv) => [conv.kernel[0], conv.kernel[1], 1, shape[2]],
            Op::LayerNorm => [1, 1, 1, c],
            Op::Recurrent(cell) => [1, c.saturating_add(cell.units), cell.kind.gates(), cell.units],
            _ => [h, w, c, shape[2]],
        };
        let product = |of: &[usize]| of.iter().try_fold(1usize, |all, n| all.checked_mul(*n));
        if product(&factors).is_none_or(|n| n > WEIGHTS_MAX)
            || product(&shape).is_none_or(|n| n > WEIGHTS_MAX)
        {
            return Err(format!("more than {WEIGHTS_MAX} weights or outputs; such a layer fits no device"));
        }
        self.next(name, op, shape);
        Ok(())
    }

    /// The unit behind which a normalisation or activation can stand: the last, or one that does nothing.
    fn host(&mut self, name: String, fits: impl Fn(&Unit, [usize; 3]) -> bool) -> &mut Unit {
        let shape = self.shape;
        let free = self.at > self.shared && self.at == self.units.len();
        if !free || !self.units.last().is_some_and(|u| u.activation == Activation::None && fits(u, shape)) {
            self.next(name, Op::Same, shape);
        }
        let last = self.units.len() - 1;
        &mut self.units[last]
    }

    fn activate(&mut self, name: String, activation: Activation) {
        if activation != Activation::None {
            self.host(name, |_, _| true).activation = activation;
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
        let conv = Conv { kernel, stride, dilation, pad: [pad_h, pad_w] };
        let op = if depthwise { Op::Depthwise(conv) } else { Op::Conv(conv) };
        self.learned(name, op, [out_h, out_w, if depthwise { c } else { filters }])
    }

    fn pool(&mut self, name: String, size: [usize; 2], stride: [usize; 2], max: bool) -> Result<(), String> {
        let [h, w, c] = self.shape;
        let fit = |n, i: usize| {
            extent(n, size[i], stride[i], 1, Padding::Valid)
                .ok_or_else(|| format!("a patch of {size:?} does not fit an input of {h}x{w}"))
        };
        let output = [fit(h, 0)?.0, fit(w, 1)?.0, c];
        let patches = Patches { input: self.shape, output, size, stride };
        self.next(name, if max { Op::MaxPool(patches) } else { Op::AveragePool(patches) }, output);
        Ok(())
    }

    fn recurrent(&mut self, name: String, cell: Cell) -> Result<(), String> {
        let [h, w, c] = self.shape;
        if cell.units == 0 {
            return Err("`units` must be at least 1".into());
        }
        if h != 1 || w < 2 {
            return Err(format!(
                "the input is {h}x{w}x{c}; a recurrent layer runs over time: give it rows of values, or put `reshape` before it"
            ));
        }
        if w > STEPS_MAX {
            return Err(format!(
                "{w} steps of time are more than {STEPS_MAX}, each of which is exported by itself; put a pool or a convolution with a stride before it"
            ));
        }
        let steps = if cell.sequences { w } else { 1 };
        self.learned(name, Op::Recurrent(cell), [1, steps, cell.units])
    }

    /// Queries, keys and values of each step, what steps make of each other, and what that is for the next layer.
    fn attention(&mut self, name: &str, heads: Heads) -> Result<(), String> {
        let start = (self.at, self.shape);
        let [h, w, c] = self.shape;
        if heads.count == 0 || heads.key == 0 {
            return Err("`heads` and `key` must be at least 1".into());
        }
        let Some(width) = heads.count.checked_mul(heads.key) else {
            return Err("`heads` times `key` is absurdly many".into());
        };
        if h != 1 || w < 2 {
            return Err(format!(
                "the input is {h}x{w}x{c}; attention runs over time: give it rows of values, or put `reshape` before it"
            ));
        }
        if w > STEPS_MAX {
            return Err(format!(
                "{w} steps of time are more than {STEPS_MAX}, each of which is compared with each; put a pool or a convolution with a stride before it"
            ));
        }
        let mut parts = Vec::new();
        for what in ["queries", "keys", "values"] {
            (self.at, self.shape) = start;
            self.shared = self.units.len();
            self.learned(format!("{name}_{what}"), Op::Conv(Conv::DENSE), [1, w, width])?;
            parts.push(self.at);
            // Nothing is cut off behind these, so that half the variance is enough; sums of products of queries and keys have that of one.
            let less = if what == "queries" { 2.0 * heads.key as f32 } else { 2.0 };
            let factor = 1.0 / less.sqrt();
            if let Some(unit) = self.units.last_mut() {
                unit.weights.iter_mut().for_each(|w| *w *= factor);
            }
        }
        self.shared = self.units.len();
        self.push(format!("{name}_mix"), Op::Attention(heads), parts, [1, w, width]);
        self.shared = self.units.len();
        self.learned(name.to_owned(), Op::Conv(Conv::DENSE), start.1)?;
        if let Some(unit) = self.units.last_mut() {
            unit.weights.iter_mut().for_each(|w| *w *= 0.5f32.sqrt());
        }
        Ok(())
    }

    /// One way of a block with several; returns the value at its end and its shape.
    fn way(
        &mut self,
        start: (usize, [usize; 3]),
        number: &str,
        layers: &[Layer],
    ) -> Result<(usize, [usize; 3]), String> {
        (self.at, self.shape) = start;
        self.shared = self.units.len();
        self.layers(number, layers)?;
        Ok((self.at, self.shape))
    }

    fn layers(&mut self, prefix: &str, layers: &[Layer]) -> Result<(), String> {
        for (i, layer) in layers.iter().enumerate() {
            let number = format!("{prefix}_{}", i + 1);
            self.layer(&number, layer)
                .map_err(|e| format!("layer {} in it ({}): {e}", i + 1, layer.name()))?;
        }
        Ok(())
    }

    fn layer(&mut self, number: &str, layer: &Layer) -> Result<(), String> {
        let name = format!("{}{number}", layer.name());
        let behind = format!("activation{number}");
        let [h, w, c] = self.shape;
        match layer {
            Layer::Dense { units, activation } => {
                if *units == 0 {
                    return Err("`units` must be at least 1".into());
                }
                self.learned(name, Op::Dense, [1, 1, *units])?;
                self.activate(behind, *activation);
            }
            Layer::Conv1d { filters, kernel, stride, dilation, padding, activation } => {
                if h != 1 {
                    return Err(format!("the input is {h}x{w}x{c}; conv1d runs over one axis, use conv2d"));
                }
                self.conv(name, *filters, [1, *kernel], [1, *stride], [1, *dilation], *padding, false)?;
                self.activate(behind, *activation);
            }
            Layer::Conv2d { filters, kernel, stride, dilation, padding, activation } => {
                self.conv(name, *filters, *kernel, *stride, *dilation, *padding, false)?;
                self.activate(behind, *activation);
            }
            Layer::DepthwiseConv { kernel, stride, padding, activation } => {
                let bad = || "`kernel` and `stride` take one or two numbers".to_owned();
                let kernel = pair(kernel, [0, 0], h == 1).ok_or_else(bad)?;
                let stride = pair(stride, [1, 1], h == 1).ok_or_else(bad)?;
                self.conv(name, c, kernel, stride, [1, 1], *padding, true)?;
                self.activate(behind, *activation);
            }
            Layer::MaxPool { size, stride } | Layer::AveragePool { size, stride } => {
                let bad = || "`size` and `stride` take one or two numbers".to_owned();
                let size = pair(size, [0, 0], h == 1).ok_or_else(bad)?;
                let stride = pair(stride, size, h == 1).ok_or_else(bad)?;
                self.pool(name, size, stride, matches!(layer, Layer::MaxPool { .. }))?;
            }
            Layer::GlobalAveragePool {} => self.pool(name, [h, w], [h, w], false)?,
            Layer::GlobalMaxPool {} => self.pool(name, [h, w], [h, w], true)?,
            Layer::BatchNorm {} => {
                self.host(name, |u, shape| {
                    u.norm.is_none() && u.output == shape && (u.folds() || u.weights.is_empty())
                })
                .normalise();
            }
            Layer::LayerNorm {} => self.learned(name, Op::LayerNorm, [h, w, c])?,
            Layer::Lstm { units, sequences } => {
                self.recurrent(name, Cell { kind: Kind::Lstm, units: *units, sequences: *sequences })?
            }
            Layer::Gru { units, sequences } => {
                self.recurrent(name, Cell { kind: Kind::Gru, units: *units, sequences: *sequences })?
            }
            Layer::Attention { heads, key } => self.attention(&name, Heads { count: *heads, key: *key })?,
            Layer::Dropout { rate } => {
                if !(0.0..1.0).contains(rate) {
                    return Err(format!("`rate` is {rate}; it must be at least 0 and below 1"));
                }
                self.next(name, Op::Dropout(*rate), self.shape);
            }
            Layer::Activation { activation } => self.activate(behind, *activation),
            Layer::Reshape { shape } => {
                let new = as_image(shape, true).ok_or("`shape` takes one to three numbers")?;
                if new.iter().product::<usize>() != h * w * c {
                    return Err(format!("{} values do not fit the shape {shape:?}", h * w * c));
                }
                self.shape = new;
            }
            Layer::Flatten {} => self.shape = [1, 1, h * w * c],
            Layer::Residual { layers, shortcut, activation } => {
                let start = (self.at, self.shape);
                let main = self.way(start, &format!("{number}a"), layers)?;
                let other = self.way(start, &format!("{number}b"), shortcut)?;
                if main.1 != other.1 {
                    return Err(format!(
                        "its layers end in {:?} and its shortcut in {:?}; give `shortcut` a layer that fits",
                        main.1, other.1
                    ));
                }
                self.shape = main.1;
                self.push(name, Op::Add, vec![main.0, other.0], main.1);
                self.activate(behind, *activation);
            }
            Layer::Concat { branches } => {
                if branches.is_empty() {
                    return Err("`branches` must name at least one".into());
                }
                let start = (self.at, self.shape);
                let mut ends = Vec::new();
                for (i, branch) in branches.iter().enumerate() {
                    ends.push(self.way(
                        start,
                        &format!("{number}{}", (b'a' + (i % 26) as u8) as char),
                        branch,
                    )?);
                }
                let first = ends[0].1;
                if let Some((_, other)) = ends.iter().find(|(_, s)| s[..2] != first[..2]) {
                    return Err(format!(
                        "branches end in {first:?} and {other:?}; rows and columns must be equal"
                    ));
                }
                let channels = ends.iter().map(|(_, s)| s[2]).sum();
                self.shape = first;
                self.push(
                    name,
                    Op::Concat,
                    ends.iter().map(|e| e.0).collect(),
                    [first[0], first[1], channels],
                );
            }
            Layer::Resize { size } => {
                if size[0] == 0 || size[1] == 0 || size[0].saturating_mul(size[1]) > 1 << 20 {
                    return Err(format!("`size` is {size:?}; each side must be at least 1, and not absurd"));
                }
                self.next(name, Op::Resize, [size[0], size[1], c]);
            }
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

/// Whether a layer works on rows and columns.
fn two_dimensional(layer: &Layer) -> bool {
    match layer {
        Layer::Conv2d { .. } | Layer::Resize { .. } => true,
        Layer::DepthwiseConv { kernel: size, .. }
        | Layer::MaxPool { size, .. }
        | Layer::AveragePool { size, .. } => size.len() == 2,
        Layer::Residual { layers, shortcut, .. } => layers.iter().chain(shortcut).any(two_dimensional),
        Layer::Concat { branches } => branches.iter().flatten().any(two_dimensional),
        _ => false,
    }
}

/// Builds a network with weights drawn from the seed.
pub(crate) fn build(network: &Network, seed: u64) -> Result<Built, TrainError> {
    // A spectrogram is a picture for two-dimensional layers, and a series of columns for the others.
    let picture = network.layers.iter().any(two_dimensional);
    let input = as_image(&network.input, !picture).filter(|s| s.iter().product::<usize>() > 0);
    let input = input.ok_or_else(|| {
        TrainError::Data(format!("a network cannot take an input of shape {:?}", network.input))
    })?;
    let mut builder = Builder { at: 0, shape: input, shared: 0, units: Vec::new(), seed };
    let mut layers = Vec::new();
    for (i, layer) in network.layers.iter().enumerate() {
        builder.layer(&(i + 1).to_string(), layer).map_err(|reason| TrainError::Layer {
            number: i + 1,
            name: layer.name().into(),
            reason,
        })?;
        layers.push((builder.shape, builder.units.len()));
    }
    match network.head {
        Head::Softmax { classes: outputs } | Head::Linear { outputs } => {
            builder.next("head".into(), Op::Dense, [1, 1, outputs]);
        }
        Head::Cells { classes } => {
            let one = Conv { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0] };
            let [h, w, _] = builder.shape;
            builder.next("head".into(), Op::Conv(one), [h, w, classes]);
        }
    }
    Ok(Built { input, head: builder.shape, units: builder.units, layers })
}
