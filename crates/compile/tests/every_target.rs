//! A target is data: whatever lies in `targets/` can be compiled for.

use edgewright_compile::{Options, compile_graph, target};
use edgewright_ir::Activation;
use edgewright_test_support::Builder;

#[test]
fn a_model_is_emitted_for_every_file_in_targets() {
    let mut b = Builder::new("small", 1, &[6, 4, 1]);
    b.conv(2, [3, 3], [2, 2], Activation::Relu);
    b.flatten();
    b.dense(3, Activation::None);
    let graph = b.finish();
    assert!(target::all().len() >= 19, "{}", target::all().len());
    for target in target::all() {
        let files = compile_graph(&graph, target, &Options::default())
            .unwrap_or_else(|e| panic!("{}: {e}", target.id));
        assert!(files.contains_key("small.c") && files.contains_key("small.h"), "{}", target.id);
    }
}
