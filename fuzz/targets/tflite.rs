#![no_main]
//! Arbitrary bytes as a TFLite model: a graph that holds together, or a sentence.

use edgewright_ir::{extra::Reference, import::tflite, interpret::Interpreter};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = tflite::read(bytes, "fuzz", Reference::Litert) {
        assert!(Interpreter::new(&model.graph).is_ok());
    }
});
