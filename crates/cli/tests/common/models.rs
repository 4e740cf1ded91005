//! A small model and inputs for it.

use super::{Bench, Noise};
use serde_json::{Value, json};

/// A dense layer of sixteen values and three scores, as a float TFLite file.
pub fn dense(bench: &Bench) -> Vec<u8> {
    dense_to(bench, true)
}

/// The same, which ends in the sums of the scores where it has no `softmax`.
pub fn dense_to(bench: &Bench, softmax: bool) -> Vec<u8> {
    let mut noise = Noise(5);
    let mut values = |n: usize| -> Vec<f64> { (0..n).map(|_| noise.next() as f32 as f64).collect() };
    let tensor = |name: &str, shape: Value, data: Option<Vec<f64>>| {
        let data = data.map(|v| json!({"f32": v}));
        json!({"name": name, "shape": shape, "dtype": "f32", "quant": null, "data": data})
    };
    let tensors = json!([
        tensor("x", json!([16]), None),
        tensor("w", json!([3, 16]), Some(values(48))),
        tensor("b", json!([3]), Some(values(3))),
        tensor("y", json!([3]), None),
        tensor("z", json!([3]), None),
    ]);
    let mut nodes = json!([
        {"name": "dense", "op": {"op": "fully_connected", "activation": "none"}, "inputs": [0, 1, 2], "output": 3},
        {"name": "softmax", "op": {"op": "softmax"}, "inputs": [3], "output": 4},
    ]);
    let mut output = 4;
    if !softmax {
        nodes.as_array_mut().expect("a list").truncate(1);
        output = 3;
    }
    let graph =
        json!({"name": "small", "tensors": tensors, "nodes": nodes, "inputs": [0], "outputs": [output]});
    bench.write("small.ewg", format!("{{\"edgewright_graph\":1,\"graph\":{graph}}}"));
    let made = bench.run(&["model", "export", "small.ewg", "--format", "tflite", "--out", "small.tflite"]);
    assert!(made.status.success(), "{}", super::text(&made));
    std::fs::read(bench.path("small.tflite")).expect("written")
}

/// Inputs for calibration, as `.npy`.
pub fn inputs() -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 16), }".to_owned();
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    let mut noise = Noise(9);
    out.extend((0..40 * 16).flat_map(|_| (noise.next() as f32).to_le_bytes()));
    out
}
