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
    assert!(models.len() >= 19);
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

/// A tensor of four floats whose elements lie at a place in a file, as a graph with it and an input that is added.
fn with_weights_beside(location: &str, offset: &str, length: &str) -> Vec<u8> {
    let bytes =
        |number: u8, contents: &[u8]| [[number << 3 | 2, contents.len() as u8].as_slice(), contents].concat();
    let entry =
        |key: &str, value: &str| bytes(13, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat());
    let tensor = [
        vec![1 << 3, 1, 1 << 3, 4, 2 << 3, 1],
        bytes(8, b"w"),
        entry("location", location),
        entry("offset", offset),
        entry("length", length),
        vec![14 << 3, 1],
    ]
    .concat();
    let extent = |d: u8| bytes(1, &[1 << 3, d]);
    let kind = bytes(1, &[vec![1 << 3, 1], bytes(2, &[extent(1), extent(4)].concat())].concat());
    let input = [bytes(1, b"x"), bytes(2, &kind)].concat();
    let node = [bytes(1, b"x"), bytes(1, b"w"), bytes(2, b"y"), bytes(4, b"Add")].concat();
    let graph = [bytes(1, &node), bytes(5, &tensor), bytes(11, &input), bytes(12, &bytes(1, b"y"))].concat();
    [bytes(7, &graph), bytes(8, &[2 << 3, 17])].concat()
}

#[test]
fn weights_of_a_file_beside_the_model_are_brought_inside() {
    let floats = [9.0f32, 1.0, 2.0, 3.0, 4.0];
    let data: Vec<u8> = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut file = |name: &str, offset: u64, length: Option<u64>| {
        let part = data.iter().skip(offset as usize).take(length.map_or(usize::MAX, |n| n as usize));
        (name == "model.onnx.data").then(|| part.copied().collect())
    };
    let model = with_weights_beside("model.onnx.data", "4", "16");
    assert!(onnx::read(&model, "beside", Reference::Litert).is_err());
    let whole = onnx::whole(&model, &mut file).expect("the file is there");
    let model = onnx::read(&whole, "beside", Reference::Litert).unwrap_or_else(|e| panic!("{e}"));
    let mut got = vec![0.0; 4];
    Interpreter::new(&model.graph).expect("valid").run(&[0.5; 4], &mut got).expect("run");
    assert_eq!(got, [1.5, 2.5, 3.5, 4.5]);
    assert_eq!(onnx::whole(&whole, &mut |_, _, _| None).expect("nothing is missing"), whole);
    for (location, offset, length, reason) in [
        ("other.data", "4", "16", "must lie beside"),
        ("model.onnx.data", "8", "16", "is shorter"),
        ("model.onnx.data", "-1", "16", "no place"),
        // Refused by what the model says, before anything is read.
        ("model.onnx.data", "4", "99999999999", "together larger"),
    ] {
        let error = onnx::whole(&with_weights_beside(location, offset, length), &mut file)
            .expect_err("not possible")
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}
