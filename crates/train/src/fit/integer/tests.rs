//! The pass forward of int8 training against the interpreter on the exported graph, value by value.

use super::*;
use crate::{Head, Layer, Network, engine::Engine, network, rng::Stream};

struct Noise {
    width: usize,
    values: Vec<f32>,
}

impl Rows for Noise {
    fn len(&self) -> usize {
        self.values.len() / self.width
    }
    fn width(&self) -> usize {
        self.width
    }
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()> {
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            out.copy_from_slice(&self.values[row * self.width..][..self.width]);
        }
        Ok(())
    }
}

/// A model with weights as they are drawn, and normalisations that are not neutral.
fn model(input: &[usize], layers: &str, head: Head) -> (Model, Noise) {
    let layers: Vec<Layer> = serde_json::from_str(layers).expect("layers");
    let network = Network { input: input.to_vec(), layers, head };
    let mut built = network::build(&network, 4).expect("a network");
    let mut stream = Stream::new(&[9]);
    for unit in &mut built.units {
        for v in unit.state_mut().into_iter().skip(1) {
            v.iter_mut().for_each(|b| *b += 0.2 * stream.unit());
        }
    }
    let width: usize = input.iter().product();
    let values = (0..40 * width).map(|i| stream.normal() * (1.0 + (i % input[1]) as f32) + 3.0).collect();
    let rows = Noise { width, values };
    let normaliser = Normaliser::learn(&rows, input[1]).expect("learned");
    let (centre, spread) = if let Head::Linear { .. } = head { (7.0, 2.5) } else { (0.0, 1.0) };
    let input = built.input;
    (Model { network, input, units: built.units, normaliser, centre, spread }, rows)
}

fn check(layers: &str, head: Head) {
    let (model, rows) = model(&[8, 6], layers, head);
    let mut integer = Integer::new(&model, &rows).expect("quantised");
    // Weights that the graph was not made with, as a step leaves them.
    let mut stream = Stream::new(&[11]);
    for unit in &mut integer.model.units {
        unit.weights.iter_mut().for_each(|w| *w *= 1.0 + 0.05 * stream.normal());
        unit.bias.iter_mut().for_each(|b| *b += 0.02 * stream.normal());
    }
    let mut engine = Engine::new(integer.model.units.clone(), 48);
    let samples = 7;
    engine.input(samples).copy_from_slice(&rows.values[..samples * 48]);
    integer.model.normaliser.apply(engine.input(samples));
    let ends = (model.centre, model.spread);
    integer.forward(&mut engine, samples, true, ends).expect("runs");

    let whole = integer.whole(&integer.model).expect("a graph");
    let mut interpreter = Interpreter::new(&whole).expect("valid");
    let mut compared = 0;
    for s in 0..samples {
        interpreter.with_input(&rows.values[s * 48..][..48]).expect("runs");
        for (value, unit) in integer.model.units.iter().enumerate() {
            // By name, where the node of a unit is there: another way than the one that training goes.
            let Some(node) = whole.nodes.iter().find(|n| n.name == unit.name) else { continue };
            let mut expected = interpreter.activation(node.output);
            if value + 1 == integer.model.units.len() {
                expected.iter_mut().for_each(|y| *y = (*y - ends.0) / ends.1);
            }
            let seen = &engine.values[value + 1][s * expected.len()..][..expected.len()];
            assert_eq!(seen, expected, "{} of {layers}", unit.name);
            compared += 1;
        }
    }
    assert!(compared > samples, "{compared}");
    let mut rounded = false;
    // The weights that gradients are taken at are those of the integers.
    for (unit, held) in integer.model.units.iter().zip(&engine.units).filter(|(u, _)| !u.weights.is_empty()) {
        let largest = unit.weights.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        let far = unit.weights.iter().zip(&held.weights).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
        assert!(far <= largest / 127.0 * 0.51, "{}: {far} of {largest}", unit.name);
        rounded |= far > 0.0;
    }
    assert!(rounded, "no weight of {layers} was rounded");
    // Gradients are near those in float.
    let weight: Vec<f32> = (0..engine.output().len()).map(|_| stream.normal()).collect();
    engine.backward(samples, &weight);
    let mut float = Engine::new(integer.model.units.clone(), 48);
    float.input(samples).copy_from_slice(&rows.values[..samples * 48]);
    integer.model.normaliser.apply(float.input(samples));
    float.forward(samples, crate::engine::Mode::Training { seed: 1, step: 1 });
    float.backward(samples, &weight);
    let flat = |e: &Engine| -> Vec<f64> {
        e.gradients.iter().flat_map(|g| &g.0[0]).map(|v| f64::from(*v)).collect()
    };
    let (a, b) = (flat(&engine), flat(&float));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let alike = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
    assert!(alike > 0.9, "{layers}: gradients are alike by {alike}");
}

#[test]
fn training_runs_the_exported_graph_bit_for_bit() {
    let two = Head::Softmax { classes: 2 };
    check(
        r#"[{"type":"conv1d","filters":8,"kernel":3},{"type":"batch_norm"},{"type":"activation","activation":"relu"},
            {"type":"max_pool","size":[2]},{"type":"dropout","rate":0.3},{"type":"activation","activation":"relu6"},
            {"type":"conv1d","filters":8,"kernel":3,"activation":"relu6"},{"type":"global_average_pool"},{"type":"batch_norm"}]"#,
        two,
    );
    check(
        r#"[{"type":"conv2d","filters":6,"kernel":[3,3],"activation":"leaky_relu"},
            {"type":"residual","activation":"relu","layers":[{"type":"conv2d","filters":8,"kernel":[3,3],"stride":[2,2]},{"type":"batch_norm"}],
                "shortcut":[{"type":"conv2d","filters":8,"kernel":[1,1],"stride":[2,2]}]},
            {"type":"concat","branches":[[{"type":"conv2d","filters":5,"kernel":[3,3],"dilation":[2,1],"activation":"hard_swish"}],[],
                [{"type":"depthwise_conv","kernel":[3,3]},{"type":"batch_norm"},{"type":"activation","activation":"tanh"}]]},
            {"type":"resize","size":[6,4]},{"type":"conv2d","filters":6,"kernel":[1,1],"activation":"sigmoid"},{"type":"global_max_pool"}]"#,
        two,
    );
    check(
        r#"[{"type":"flatten"},{"type":"batch_norm"},{"type":"dense","units":12,"activation":"relu"}]"#,
        two,
    );
    check(
        r#"[{"type":"dense","units":12,"activation":"relu"},{"type":"dropout","rate":0.1},{"type":"dense","units":6,"activation":"tanh"}]"#,
        Head::Linear { outputs: 1 },
    );
    check(
        r#"[{"type":"conv2d","filters":6,"kernel":[3,3],"stride":[2,2],"activation":"relu"}]"#,
        Head::Cells { classes: 3 },
    );
}
