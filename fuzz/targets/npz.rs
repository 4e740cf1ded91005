#![no_main]
//! Arbitrary bytes as an archive of NumPy arrays, with choices the caller has.

#[path = "common.rs"]
mod common;

use edgewright_sample::Format;

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let mut options = common::options(Some(Format::Npz));
    common::choose(&mut options, choice);
    common::check(bytes, &options);
});
