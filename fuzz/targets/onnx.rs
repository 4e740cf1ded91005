#![no_main]
//! Arbitrary bytes as an ONNX model: a graph that holds together, or a sentence.

use edgewright_ir::{
    DType, export,
    extra::Reference,
    import::{onnx, tflite},
    interpret::{Interpreter, Values},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = onnx::read(bytes, "fuzz", Reference::Litert) {
        let mut interpreter = Interpreter::new(&model.graph).expect("a graph that holds together");
        // Large models would only slow the search down.
        if model.graph.macs() < 1 << 20 && model.graph.tensors.iter().all(|t| t.len() < 1 << 16) {
            for (i, id) in model.graph.inputs.iter().enumerate() {
                let x = model.graph.tensor(*id);
                let set = match x.dtype {
                    DType::F32 => interpreter.set(i, Values::F32(&vec![1.0; x.len()])),
                    _ => interpreter.set(i, Values::I8(&vec![-128; x.len()])),
                };
                assert!(set.is_ok());
            }
            assert!(interpreter.invoke().is_ok());
            if let Ok(bytes) = export::tflite::write(&model.graph) {
                let again = tflite::read(&bytes, "again", Reference::Litert);
                assert!(again.is_ok(), "{:?}", again.err().map(|e| e.to_string()));
            }
            if let Ok(bytes) = export::onnx::write(&model.graph) {
                let again = onnx::read(&bytes, "again", Reference::Litert);
                assert!(again.is_ok(), "{:?}", again.err().map(|e| e.to_string()));
            }
        }
    }
});
