//! Bytes that are nearly a model are refused with a sentence and never panic.

use edgewright_ir::{
    extra::Reference,
    import::{onnx, tflite},
    interpret::Interpreter,
};

const TFLITE: &[u8] = include_bytes!("../../../fuzz/seeds/tflite/relu.tflite");
const ONNX: &[u8] = include_bytes!("../../../fuzz/seeds/onnx/relu.onnx");

#[test]
fn a_small_model_runs() {
    for model in
        [tflite::read(TFLITE, "relu", Reference::Litert), onnx::read(ONNX, "relu", Reference::Litert)]
    {
        let model = model.expect("a model");
        let mut out = [0.0; 4];
        Interpreter::new(&model.graph).expect("valid").run(&[-1.0, 2.0, -3.0, 4.0], &mut out).expect("run");
        assert_eq!(out, [0.0, 2.0, 0.0, 4.0]);
    }
}

#[test]
fn no_prefix_and_no_changed_byte_panics() {
    for end in 0..TFLITE.len() {
        let _ = tflite::read(&TFLITE[..end], "cut", Reference::Litert);
    }
    for end in 0..ONNX.len() {
        let _ = onnx::read(&ONNX[..end], "cut", Reference::Litert);
    }
    for at in 0..TFLITE.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = TFLITE.to_vec();
            bytes[at] = value;
            if let Ok(model) = tflite::read(&bytes, "changed", Reference::Tflm) {
                assert!(Interpreter::new(&model.graph).is_ok());
            }
        }
    }
    for at in 0..ONNX.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = ONNX.to_vec();
            bytes[at] = value;
            if let Ok(model) = onnx::read(&bytes, "changed", Reference::Tflm) {
                assert!(Interpreter::new(&model.graph).is_ok());
            }
        }
    }
}

#[test]
fn an_unknown_operator_is_named_with_its_place_and_a_way_out() {
    // The operator code of the seed, 19 (RELU), stands twice; 118 is IF.
    let bytes: Vec<u8> = TFLITE.iter().map(|&b| if b == 19 { 118 } else { b }).collect();
    let error = tflite::read(&bytes, "if", Reference::Litert).expect_err("not supported").to_string();
    assert!(error.contains("IF at node 0 (`y`)") && error.contains("unroll"), "{error}");
}
