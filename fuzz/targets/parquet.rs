#![no_main]
//! Arbitrary bytes as a Parquet file, with choices the caller has.

#[path = "common.rs"]
mod common;

use edgewright_sample::Format;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let mut options = common::options(Some(Format::Parquet));
    common::choose(&mut options, choice);
    common::check(bytes, &options);
});
