//! Networks for projects that name no layers: small ones that suit the kind of features.

use crate::EngineError;
use edgewright_dsp::OutputShape;
use edgewright_impulse::Impulse;
use edgewright_train::{Activation, Head, Layer, Network, Padding};
use serde::Deserialize;

/// Shape in which a network sees the features of some DSP blocks.
pub fn input_shape(impulse: &Impulse, inputs: &[usize]) -> Vec<usize> {
    if let [only] = inputs {
        match impulse.dsp[*only].output() {
            OutputShape::Spectrogram { rows, columns } => return vec![rows, columns],
            OutputShape::Image { height, width, channels } => return vec![height, width, channels],
            OutputShape::Flat(_) => {}
        }
    }
    vec![inputs.iter().map(|&i| impulse.dsp[i].features()).sum()]
}

#[derive(Deserialize)]
struct Layers {
    layers: Vec<Layer>,
}

/// The network for some features. `windows` is the number of training windows.
///
/// # Errors
/// [`EngineError::Internal`] only if a built-in network were not valid.
pub fn default_network(
    impulse: &Impulse,
    inputs: &[usize],
    head: Head,
    windows: usize,
) -> Result<Network, EngineError> {
    let input = input_shape(impulse, inputs);
    let text = match input.as_slice() {
        [rows, _] if *rows >= 8 => SPECTROGRAM,
        [h, w, _] if *h >= 8 && *w >= 8 => IMAGE,
        _ if windows < 200 => FEW,
        _ => FLAT,
    };
    let layers: Layers =
        toml::from_str(text).map_err(|e| EngineError::Internal(format!("built-in network: {e}")))?;
    Ok(Network { input, layers: layers.layers, head })
}

/// Layers that bring a picture to cells of `cut` pixels: depthwise separable blocks, doubled where the picture is halved, with inverted
/// residuals (Sandler et al., 2018) at the last two sizes.
pub fn trunk(cut: usize) -> Vec<Layer> {
    let conv = |filters, kernel, stride| Layer::Conv2d {
        filters,
        kernel: [kernel, kernel],
        stride: [stride, stride],
        dilation: [1, 1],
        padding: Padding::Same,
        activation: Activation::None,
    };
    let depthwise = |stride| Layer::DepthwiseConv {
        kernel: vec![3, 3],
        stride: vec![stride, stride],
        padding: Padding::Same,
        activation: Activation::None,
    };
    let normal = |layers: &mut Vec<Layer>, layer, active: bool| {
        layers.extend([layer, Layer::BatchNorm {}]);
        if active {
            layers.push(Layer::Activation { activation: Activation::Relu6 });
        }
    };
    let mut layers = Vec::new();
    normal(&mut layers, conv(16, 3, 2), true);
    let (mut size, mut filters) = (2, 16);
    while size < cut {
        (size, filters) = (2 * size, (2 * filters).min(64));
        normal(&mut layers, depthwise(2), true);
        normal(&mut layers, conv(filters, 1, 1), true);
        let blocks = if size == cut { 2 } else { usize::from(2 * size == cut) };
        for _ in 0..blocks {
            let mut block = Vec::new();
            normal(&mut block, conv(2 * filters, 1, 1), true);
            normal(&mut block, depthwise(1), true);
            normal(&mut block, conv(filters, 1, 1), false);
            layers.push(Layer::Residual { layers: block, shortcut: vec![], activation: Activation::None });
        }
    }
    normal(&mut layers, conv(32, 1, 1), true);
    layers
}

const SPECTROGRAM: &str = r#"
layers = [
  { type = "conv1d", filters = 32, kernel = 3 },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "max_pool", size = [2] },
  { type = "dropout", rate = 0.1 },
  { type = "conv1d", filters = 48, kernel = 3 },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "max_pool", size = [2] },
  { type = "dropout", rate = 0.1 },
  { type = "conv1d", filters = 64, kernel = 3 },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "global_average_pool" },
  { type = "dropout", rate = 0.3 },
]
"#;

const IMAGE: &str = r#"
layers = [
  { type = "conv2d", filters = 16, kernel = [3, 3] },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "max_pool", size = [2, 2] },
  { type = "conv2d", filters = 32, kernel = [3, 3] },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "max_pool", size = [2, 2] },
  { type = "conv2d", filters = 48, kernel = [3, 3] },
  { type = "batch_norm" },
  { type = "activation", activation = "relu" },
  { type = "max_pool", size = [2, 2] },
  { type = "flatten" },
  { type = "dropout", rate = 0.4 },
]
"#;

const FEW: &str = r#"
layers = [
  { type = "dense", units = 16, activation = "relu" },
  { type = "dropout", rate = 0.1 },
  { type = "dense", units = 12, activation = "relu" },
]
"#;

const FLAT: &str = r#"
layers = [
  { type = "dense", units = 40, activation = "relu" },
  { type = "dropout", rate = 0.1 },
  { type = "dense", units = 20, activation = "relu" },
]
"#;
