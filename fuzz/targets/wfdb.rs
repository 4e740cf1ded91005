#![no_main]
//! Arbitrary bytes as an archive of a record, and as each of the files in one.

#[path = "common.rs"]
mod common;

use edgewright_sample::{Format, wfdb};

const HEADER: &[u8] = b"r 2 360 2\nr.dat 212 200(1024)/mV 11 1024\nr.dat 212\n";
const SIGNALS: &[u8] = &[0, 0, 1, 2, 3, 4];
const END: &[u8] = &[0, 0];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let options = common::options(Some(Format::Wfdb));
    common::check(bytes, &options);
    let (at, rest) = match bytes.split_first() {
        Some((first, rest)) => (usize::from(*first).min(rest.len()), rest),
        None => (0, bytes),
    };
    let (head, tail) = rest.split_at(at);
    for (header, signals, marks) in [(head, tail, END), (HEADER, SIGNALS, rest), (HEADER, rest, END)] {
        let files: [(&str, &[u8]); 3] = [("r.hea", header), ("r.dat", signals), ("r.atr", marks)];
        if let Ok(packed) = wfdb::pack(&files) {
            common::check(&packed, &options);
        }
    }
});
