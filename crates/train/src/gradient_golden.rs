//! Outputs and gradients of every layer against PyTorch's (`golden/train`).

use crate::{
    Head, Layer, Network,
    engine::{Engine, Mode},
    network,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    input: Vec<usize>,
    layers: Vec<Layer>,
    x: Vec<f32>,
    learned: Vec<[Vec<f32>; 4]>,
    weight: Vec<f32>,
    output: Vec<f64>,
    gradients: Vec<[Vec<f64>; 4]>,
}

/// Relative error, with the largest value of the tensor as the measure of those near 0.
const TOLERANCE: f64 = 1e-4;
/// A gradient below this in double precision is 0, but for rounding: that of the bias of keys, which a softmax does not see.
const NOTHING: f64 = 1e-12;
/// What single precision may make of it.
const LEFT: f64 = 1e-5;

fn compare(what: &str, got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let most = if largest < NOTHING { LEFT } else { TOLERANCE * largest };
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(*got) - expected).abs();
        assert!(error <= most, "{what} [{i}]: {got} against {expected}, of at most {largest}");
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    let text = include_str!("../../../golden/train/expected.json");
    let cases: Vec<Case> = serde_json::from_str(text).expect("cases");
    let (mut tensors, mut kinds) = (0, std::collections::BTreeSet::new());
    for case in &cases {
        let name = format!("{:?}", case.layers);
        kinds.extend(case.layers.iter().map(Layer::name));
        let head = Head::Linear { outputs: 2 };
        let network = Network { input: case.input.clone(), layers: case.layers.clone(), head };
        let built = network::build(&network, 1).expect("a network");
        let samples = case.output.len() / 2;
        let mut engine = Engine::new(built.units, case.x.len() / samples);
        assert_eq!(engine.units.len(), case.learned.len(), "{name}");
        for (unit, learned) in engine.units.iter_mut().zip(&case.learned) {
            for (to, from) in unit.learned_mut().into_iter().zip(learned) {
                assert_eq!(to.len(), from.len(), "{name}");
                to.clone_from(from);
            }
        }
        engine.input(samples).copy_from_slice(&case.x);
        engine.forward(samples, Mode::Training { seed: 1, step: 1 });
        compare(&name, engine.output(), &case.output);
        engine.backward(samples, &case.weight);
        for ((unit, gradient), expected) in engine.units.iter().zip(&engine.gradients).zip(&case.gradients) {
            for (which, expected) in expected.iter().enumerate().filter(|(_, e)| !e.is_empty()) {
                compare(&format!("{name}, {} {which}", unit.name), &gradient.0[which], expected);
                tensors += 1;
            }
        }
    }
    assert!(cases.len() > 20 && tensors > 90 && kinds.len() > 15, "{} {tensors} {kinds:?}", cases.len());
}
