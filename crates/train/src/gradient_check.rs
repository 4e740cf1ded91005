//! Every backward pass against finite differences of its forward pass, layer by layer as people write them.

use crate::{
    Head, Layer, Network,
    engine::{Engine, Mode},
    network,
    rng::Stream,
};

const SAMPLES: usize = 6;
const MODE: Mode = Mode::Training { seed: 5, step: 3 };

/// A weighted sum of the outputs, as a loss with known gradient.
fn value(engine: &mut Engine, x: &[f32], weight: &[f32]) -> f64 {
    engine.input(SAMPLES).copy_from_slice(x);
    engine.forward(SAMPLES, MODE);
    engine.output().iter().zip(weight).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
}

/// Compares some of the gradients of every learned value.
fn check(input: &[usize], layers: &str) {
    let layers: Vec<Layer> = serde_json::from_str(layers).expect("layers");
    let text = format!("{layers:?}");
    let network = Network { input: input.to_vec(), layers, head: Head::Linear { outputs: 2 } };
    let built = network::build(&network, 3).expect("a network");
    let width: usize = input.iter().product();
    let mut engine = Engine::new(built.units, width);
    let mut stream = Stream::new(&[7]);
    for unit in &mut engine.units {
        for v in unit.learned_mut().into_iter().skip(1) {
            v.iter_mut().for_each(|b| *b += stream.normal() * 0.2);
        }
    }
    let x: Vec<f32> = (0..SAMPLES * width).map(|_| stream.normal()).collect();
    let weight: Vec<f32> = (0..SAMPLES * 2).map(|_| stream.normal()).collect();
    value(&mut engine, &x, &weight);
    engine.backward(SAMPLES, &weight);
    let gradients = engine.gradients.clone();
    // A kink (of a clamp, or between two maxima) may lie between the two points of a difference, but not of all of these.
    let differences = [4e-3f32, 1e-3, 3e-4];
    let (mut compared, mut wrong) = (0, Vec::new());
    for unit in 0..engine.units.len() {
        for which in 0..engine.units[unit].learned_mut().len() {
            let n = engine.units[unit].learned()[which].len();
            for i in (0..n).step_by(n.div_ceil(12).max(1)) {
                let mut at = |d: f32| {
                    engine.units[unit].learned_mut()[which][i] += d;
                    let v = value(&mut engine, &x, &weight);
                    engine.units[unit].learned_mut()[which][i] -= d;
                    v
                };
                let numeric = differences.map(|h| (at(h) - at(-h)) / f64::from(2.0 * h));
                let analytic = f64::from(gradients[unit].0[which][i]);
                compared += 1;
                if numeric.iter().all(|n| (analytic - n).abs() > 1e-2 * (1.0 + n.abs())) {
                    let name = &engine.units[unit].name;
                    wrong.push(format!("{name} [{which}][{i}]: {analytic} against {numeric:?}"));
                }
            }
        }
    }
    assert!(compared > 10, "{text}: only {compared} values");
    assert!(wrong.is_empty(), "{text}: {} of {compared}: {wrong:#?}", wrong.len());
}

/// A layer between two others, so that the gradient of its input is seen in the weights before it.
fn between(layer: &str) {
    check(&[6, 5, 3], &format!(r#"[{{"type":"conv2d","filters":4,"kernel":[1,1]}},{layer}]"#));
}

#[test]
fn convolutions() {
    check(&[9], r#"[{"type":"dense","units":7},{"type":"dense","units":5}]"#);
    between(r#"{"type":"conv2d","filters":5,"kernel":[3,3]}"#);
    between(r#"{"type":"conv2d","filters":20,"kernel":[3,2],"padding":"valid"}"#);
    between(r#"{"type":"conv2d","filters":3,"kernel":[3,3],"stride":[2,2]}"#);
    between(r#"{"type":"conv2d","filters":3,"kernel":[1,1],"stride":[2,2]}"#);
    between(r#"{"type":"conv2d","filters":3,"kernel":[2,3],"dilation":[2,2]}"#);
    check(
        &[12, 20],
        r#"[{"type":"conv1d","filters":6,"kernel":3},{"type":"conv1d","filters":17,"kernel":3,"dilation":2},{"type":"conv1d","filters":4,"kernel":5,"stride":2}]"#,
    );
}

#[test]
fn depthwise_convolutions() {
    between(r#"{"type":"depthwise_conv","kernel":[3,3]}"#);
    between(r#"{"type":"depthwise_conv","kernel":[3,3],"stride":[2,2]}"#);
    between(r#"{"type":"depthwise_conv","kernel":[2,2],"padding":"valid"}"#);
    check(
        &[6, 26],
        r#"[{"type":"dense","units":60},{"type":"reshape","shape":[1,3,20]},{"type":"depthwise_conv","kernel":[1,3]}]"#,
    );
}

#[test]
fn pooling_and_resizing() {
    between(r#"{"type":"max_pool","size":[2,2]}"#);
    between(r#"{"type":"average_pool","size":[3,2],"stride":[1,2]}"#);
    between(r#"{"type":"global_average_pool"}"#);
    between(r#"{"type":"global_max_pool"}"#);
    between(r#"{"type":"resize","size":[9,4]}"#);
}

#[test]
fn activations_and_normalisation() {
    for activation in ["relu", "relu6", "leaky_relu", "sigmoid", "tanh", "hard_swish", "gelu"] {
        between(&format!(r#"{{"type":"conv2d","filters":5,"kernel":[3,3],"activation":"{activation}"}}"#));
        between(&format!(
            r#"{{"type":"conv2d","filters":5,"kernel":[1,1]}},{{"type":"batch_norm"}},{{"type":"activation","activation":"{activation}"}}"#
        ));
    }
    between(
        r#"{"type":"batch_norm"},{"type":"dropout","rate":0.3},{"type":"batch_norm"},{"type":"flatten"}"#,
    );
    between(r#"{"type":"activation","activation":"tanh"},{"type":"batch_norm"}"#);
}

#[test]
fn layers_over_time() {
    for cell in ["lstm", "gru"] {
        for sequences in [false, true] {
            check(
                &[7, 5],
                &format!(
                    r#"[{{"type":"conv1d","filters":4,"kernel":1}},{{"type":"{cell}","units":6,"sequences":{sequences}}}]"#
                ),
            );
        }
        // Over the input itself, and with something behind it.
        check(
            &[5, 3],
            &format!(
                r#"[{{"type":"{cell}","units":9,"sequences":true}},{{"type":"batch_norm"}},{{"type":"activation","activation":"relu"}},
                    {{"type":"{cell}","units":4}}]"#
            ),
        );
    }
    between(r#"{"type":"layer_norm"},{"type":"activation","activation":"gelu"}"#);
    between(
        r#"{"type":"residual","layers":[{"type":"layer_norm"},{"type":"conv2d","filters":4,"kernel":[1,1]}]}"#,
    );
    check(&[12], r#"[{"type":"layer_norm"},{"type":"dense","units":5},{"type":"layer_norm"}]"#);
}

#[test]
fn attention_over_time() {
    for (heads, key) in [(1, 5), (2, 3), (4, 1)] {
        check(
            &[7, 5],
            &format!(
                r#"[{{"type":"conv1d","filters":4,"kernel":1}},{{"type":"attention","heads":{heads},"key":{key}}}]"#
            ),
        );
    }
    // Over the input itself, beside it, and with something behind it.
    check(
        &[6, 4],
        r#"[{"type":"residual","layers":[{"type":"attention","heads":2,"key":4}],"activation":"tanh"},{"type":"layer_norm"},
            {"type":"attention","key":3},{"type":"batch_norm"},{"type":"activation","activation":"relu"}]"#,
    );
}

#[test]
fn blocks_with_several_ways() {
    between(
        r#"{"type":"residual","activation":"relu","layers":[{"type":"conv2d","filters":4,"kernel":[3,3]},{"type":"batch_norm"}]}"#,
    );
    between(
        r#"{"type":"residual","layers":[{"type":"conv2d","filters":6,"kernel":[3,3],"stride":[2,2]},{"type":"batch_norm"}],
            "shortcut":[{"type":"conv2d","filters":6,"kernel":[1,1],"stride":[2,2]}]},{"type":"batch_norm"}"#,
    );
    between(
        r#"{"type":"concat","branches":[[],[{"type":"conv2d","filters":3,"kernel":[3,3],"activation":"tanh"}],
            [{"type":"residual","layers":[{"type":"conv2d","filters":4,"kernel":[1,1]}]}]]},{"type":"conv2d","filters":3,"kernel":[1,1]}"#,
    );
}
