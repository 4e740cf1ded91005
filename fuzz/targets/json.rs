#![no_main]
//! Arbitrary bytes as json.

#[path = "common.rs"]
mod common;

use edgewright_sample::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::check(bytes, &common::options(Some(Format::Json))));
