//! Every backward pass against finite differences of its forward pass.

use crate::{
    layers::{Conv, Kind, Node, Pool},
    ops::{self, Statistics},
    rng::Stream,
    spec::Activation,
};

/// A weighted sum of the outputs, as a loss with known gradient.
fn value(node: &Node, x: &[f32], weight: &[f32], statistics: Option<&Statistics>) -> f64 {
    let mut y = vec![0.0; x.len() / node.in_len() * node.out_len()];
    ops::forward(node, x, &mut y, statistics, None);
    y.iter().zip(weight).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
}

fn near(name: &str, analytic: f32, numeric: f64) {
    let error = (f64::from(analytic) - numeric).abs();
    assert!(error < 2e-2 * (1.0 + numeric.abs()), "{name}: {analytic} against {numeric}");
}

fn check(kind: Kind, input: [usize; 3], output: [usize; 3]) {
    let mut node = Node::new(format!("{kind:?}"), kind, input, output);
    let mut stream = Stream::new(&[7]);
    node.initialise(&mut stream);
    node.bias.iter_mut().for_each(|b| *b = stream.normal() * 0.1);
    let samples = 2;
    // Spaced wider than the difference below, so that no maximum changes hands.
    let x: Vec<f32> = (0..samples * node.in_len()).map(|i| ((i * 37) % 101) as f32 * 0.04 - 2.0).collect();
    let weight: Vec<f32> = (0..samples * node.out_len()).map(|_| stream.normal()).collect();
    let mut y = vec![0.0; samples * node.out_len()];
    ops::forward(&node, &x, &mut y, None, None);
    let (mut dw, mut db) = (vec![0.0; node.weights.len()], vec![0.0; node.bias.len()]);
    let mut dx = vec![0.0; x.len()];
    ops::backward(&node, &x, &y, &weight, Some(&mut dx), &mut dw, &mut db, None);
    let h = 1e-2f32;
    for i in 0..x.len() {
        let at = |d: f32| {
            let mut x = x.clone();
            x[i] += d;
            value(&node, &x, &weight, None)
        };
        near(&format!("{} dx[{i}]", node.name), dx[i], (at(h) - at(-h)) / f64::from(2.0 * h));
    }
    for i in 0..dw.len() {
        let at = |d: f32| {
            let mut node = node.clone();
            node.weights[i] += d;
            value(&node, &x, &weight, None)
        };
        near(&format!("{} dw[{i}]", node.name), dw[i], (at(h) - at(-h)) / f64::from(2.0 * h));
    }
    for i in 0..db.len() {
        let at = |d: f32| {
            let mut node = node.clone();
            node.bias[i] += d;
            value(&node, &x, &weight, None)
        };
        near(&format!("{} db[{i}]", node.name), db[i], (at(h) - at(-h)) / f64::from(2.0 * h));
    }
}

fn conv(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
    depthwise: bool,
) -> Kind {
    Kind::Conv(Conv { kernel, stride, dilation, pad, depthwise })
}

#[test]
fn backward_passes_are_the_gradients() {
    check(Kind::Dense, [1, 1, 5], [1, 1, 3]);
    check(conv([3, 3], [1, 1], [1, 1], [1, 1], false), [4, 5, 2], [4, 5, 3]);
    check(conv([1, 3], [1, 2], [1, 2], [0, 2], false), [1, 8, 2], [1, 4, 3]);
    check(conv([1, 1], [1, 1], [1, 1], [0, 0], false), [3, 3, 2], [3, 3, 4]);
    check(conv([3, 3], [2, 2], [1, 1], [0, 0], true), [5, 5, 3], [2, 2, 3]);
    check(Kind::Pool(Pool { size: [2, 2], stride: [2, 2], max: true }), [4, 4, 2], [2, 2, 2]);
    check(Kind::Pool(Pool { size: [2, 2], stride: [1, 1], max: false }), [3, 3, 2], [2, 2, 2]);
    check(Kind::Reshape, [2, 2, 2], [1, 1, 8]);
}

#[test]
fn a_clamp_passes_gradients_only_between_its_limits() {
    let node = Node::new("relu6".into(), Kind::Activation(Activation::Relu6), [1, 1, 4], [1, 1, 4]);
    let x = [-1.0, 0.5, 5.9, 6.5];
    let (mut y, mut dx) = ([0.0; 4], [0.0; 4]);
    ops::forward(&node, &x, &mut y, None, None);
    assert_eq!(y, [0.0, 0.5, 5.9, 6.0]);
    ops::backward(&node, &x, &y, &[1.0; 4], Some(&mut dx), &mut [], &mut [], None);
    assert_eq!(dx, [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn batch_normalisation_has_its_gradient() {
    let c = 3;
    let mut node = Node::new("norm".into(), Kind::BatchNorm, [1, 2, c], [1, 2, c]);
    let mut stream = Stream::new(&[3]);
    node.initialise(&mut stream);
    node.weights.iter_mut().for_each(|w| *w = 1.0 + 0.3 * stream.normal());
    let x: Vec<f32> = (0..8 * c).map(|_| stream.normal()).collect();
    let weight: Vec<f32> = (0..8 * c).map(|_| stream.normal()).collect();
    let statistics = |x: &[f32]| {
        let n = (x.len() / c) as f64;
        let (mut mean, mut inverse) = (vec![0.0; c], vec![0.0; c]);
        for i in 0..c {
            let column = || x.iter().skip(i).step_by(c).map(|v| f64::from(*v));
            let m = column().sum::<f64>() / n;
            let var = column().map(|v| (v - m).powi(2)).sum::<f64>() / n;
            mean[i] = m as f32;
            inverse[i] = (1.0 / (var + f64::from(crate::layers::EPSILON)).sqrt()) as f32;
        }
        Statistics { mean, inverse }
    };
    let s = statistics(&x);
    let (beta, gamma) = ops::norm_sums(&node, &x, &weight, &s);
    let beta: Vec<f32> = beta.into_iter().map(|v| v as f32).collect();
    let gamma: Vec<f32> = gamma.into_iter().map(|v| v as f32).collect();
    let mut dx = vec![0.0; x.len()];
    ops::norm_backward(&node, &x, &weight, &s, (&beta, &gamma), 8.0, &mut dx);
    let h = 1e-2f32;
    for i in 0..x.len() {
        let at = |d: f32| {
            let mut x = x.clone();
            x[i] += d;
            let s = statistics(&x);
            value(&node, &x, &weight, Some(&s))
        };
        near(&format!("dx[{i}]"), dx[i], (at(h) - at(-h)) / f64::from(2.0 * h));
    }
}
