#![no_main]
//! Arbitrary bytes as a .npy array: the shape of what is accepted fits its values.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match edgewright_engine::npy::parse(bytes) {
        Ok(array) => assert_eq!(array.shape.iter().product::<usize>(), array.values.len()),
        Err(reason) => assert!(!reason.is_empty()),
    }
});
