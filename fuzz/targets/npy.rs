#![no_main]
//! Arbitrary bytes as a .npy array: the shape of what is accepted fits its values, and recordings are made of it.

#[path = "common.rs"]
mod common;

use edgewright_sample::{Format, npy};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match npy::parse(bytes) {
        Ok(array) => assert_eq!(array.shape.iter().product::<usize>(), array.values.len()),
        Err(reason) => assert!(!reason.is_empty()),
    }
    if let Ok((shape, words)) = npy::parse_text(bytes) {
        assert_eq!(shape.iter().product::<usize>(), words.len());
    }
    common::check(bytes, &common::options(Some(Format::Npy)));
});
