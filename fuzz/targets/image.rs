#![no_main]
//! Arbitrary bytes as PNG and JPEG.

#[path = "common.rs"]
mod common;

use edgewright_sample::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let format = if bytes.starts_with(&[0xFF, 0xD8]) { Format::Jpeg } else { Format::Png };
    common::check(bytes, &common::options(Some(format)));
});
