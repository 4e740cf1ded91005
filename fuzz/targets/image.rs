#![no_main]
//! Arbitrary bytes as PNG, JPEG and BMP.

#[path = "common.rs"]
mod common;

use edgewright_sample::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let format = match bytes {
        [0xFF, 0xD8, ..] => Format::Jpeg,
        [b'B', b'M', ..] => Format::Bmp,
        _ => Format::Png,
    };
    common::check(bytes, &common::options(Some(format)));
});
