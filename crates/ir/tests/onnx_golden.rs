//! ONNX operators against ONNX Runtime: models and figures of `golden/onnx`.

use edgewright_ir::{extra::Reference, import::onnx, interpret::Interpreter};
use serde_json::Value;
use std::path::Path;

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().expect("numbers").iter().map(|v| v.as_f64().expect("a number") as f32).collect()
}

#[test]
fn models_compute_what_onnx_runtime_computes() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/onnx");
    let text = std::fs::read_to_string(golden.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let models = expected.as_object().expect("models");
    assert!(models.len() >= 15);
    for (name, case) in models {
        let bytes = std::fs::read(golden.join(format!("{name}.onnx"))).expect("a model");
        let model = onnx::read(&bytes, name, Reference::Litert).unwrap_or_else(|e| panic!("{name}: {e}"));
        let wanted = floats(&case["output"]);
        let mut got = vec![0.0; wanted.len()];
        let mut run = Interpreter::new(&model.graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        run.run(&floats(&case["input"]), &mut got).unwrap_or_else(|e| panic!("{name}: {e}"));
        let shape: Vec<f32> = model.shapes[1].iter().map(|&d| d as f32).collect();
        assert_eq!(shape, floats(&case["shape"]), "{name}");
        for (i, (a, b)) in got.iter().zip(&wanted).enumerate() {
            assert!((a - b).abs() <= 2e-6 + 2e-6 * b.abs(), "{name}, value {i}: {a}, expected {b}");
        }
    }
}
