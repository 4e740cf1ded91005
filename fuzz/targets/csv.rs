#![no_main]
//! Arbitrary bytes as a text table, with every choice the caller has.

#[path = "common.rs"]
mod common;

use edgewright_sample::{Format, TimeUnit};

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let mut options = common::options(Some(Format::Csv));
    options.csv.rows_are_samples = [None, Some(false), Some(true), None][usize::from(choice & 3)];
    if choice & 4 != 0 {
        options.csv.label_column = Some("1".into());
    }
    if choice & 8 != 0 {
        options.csv.group_column = Some("2".into());
    }
    if choice & 16 != 0 {
        options.csv.time_column = Some("2".into());
    }
    if choice & 32 != 0 {
        options.csv.rate_hz = Some(50.0);
    }
    if choice & 64 != 0 {
        options.csv.time_unit = Some(TimeUnit::Microseconds);
    }
    if choice & 128 != 0 {
        options.csv.value_columns = Some(vec!["3".into(), "x".into()]);
    }
    common::check(bytes, &options);
});
