#![no_main]
//! Arbitrary bytes as a model of scikit: a graph that runs, in float and in integers, or a sentence.

#[path = "trees.rs"]
mod trees;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    trees::check(edgewright_ir::import::trees::scikit::read(bytes, "fuzz"));
});
