#![no_main]
//! Arbitrary bytes as an ONNX model: a graph that holds together, or a sentence.

use edgewright_ir::{import::onnx, interpret::Interpreter};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = onnx::read(bytes, "fuzz") {
        assert!(Interpreter::new(&model.graph).is_ok());
    }
});
