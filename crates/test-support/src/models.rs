//! Graphs of the shapes of the MLPerf Tiny reference models, with random weights.

use crate::Builder;
use edgewright_ir::{Activation, Graph};

const RELU: Activation = Activation::Relu;

/// Keyword spotting, DS-CNN: 2,656,768 MACs.
pub fn keywords() -> Graph {
    let mut b = Builder::new("kws", 1, &[49, 10, 1]);
    b.conv(64, [10, 4], [2, 2], RELU);
    for _ in 0..4 {
        b.depthwise(1, [3, 3], [1, 1], RELU);
        b.conv(64, [1, 1], [1, 1], RELU);
    }
    b.global_average();
    b.flatten();
    b.dense(12, Activation::None);
    b.softmax();
    b.finish()
}

/// Visual wake words, MobileNetV1 0.25 at 96 x 96: 7,489,664 MACs.
pub fn visual_wake_words() -> Graph {
    let mut b = Builder::new("vww", 2, &[96, 96, 3]);
    b.conv(8, [3, 3], [2, 2], RELU);
    let blocks = [
        (16, 1),
        (32, 2),
        (32, 1),
        (64, 2),
        (64, 1),
        (128, 2),
        (128, 1),
        (128, 1),
        (128, 1),
        (128, 1),
        (128, 1),
        (256, 2),
        (256, 1),
    ];
    for (channels, stride) in blocks {
        b.depthwise(1, [3, 3], [stride, stride], RELU);
        b.conv(channels, [1, 1], [1, 1], RELU);
    }
    b.global_average();
    b.flatten();
    b.dense(2, Activation::None);
    b.softmax();
    b.finish()
}

/// Image classification, ResNet-8: 12,501,632 MACs.
pub fn image_classification() -> Graph {
    let mut b = Builder::new("ic", 3, &[32, 32, 3]);
    b.conv(16, [3, 3], [1, 1], RELU);
    for (channels, stride) in [(16, 1), (32, 2), (64, 2)] {
        let input = b.last();
        b.conv(channels, [3, 3], [stride, stride], RELU);
        b.conv(channels, [3, 3], [1, 1], Activation::None);
        let main = b.last();
        if stride == 2 {
            b.back_to(input);
            b.conv(channels, [1, 1], [2, 2], Activation::None);
            b.add(main, RELU);
        } else {
            b.add(input, RELU);
        }
    }
    b.global_average();
    b.flatten();
    b.dense(10, Activation::None);
    b.softmax();
    b.finish()
}

/// Anomaly detection, dense autoencoder: 264,192 MACs.
pub fn anomaly() -> Graph {
    let mut b = Builder::new("ad", 4, &[640]);
    for outputs in [128, 128, 128, 128, 8, 128, 128, 128, 128] {
        b.dense(outputs, RELU);
    }
    b.dense(640, Activation::None);
    b.finish()
}
