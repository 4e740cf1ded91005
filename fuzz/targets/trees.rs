//! What is promised of every model of trees or lines that was read.

use edgewright_ir::{
    Op,
    import::{ImportError, Imported},
    interpret::Interpreter,
    quantize,
};

/// Runs it, and its integer form when it has trees.
pub fn check(read: Result<Imported, ImportError>) {
    let graph = match read {
        Ok(model) => model.graph,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let n = graph.tensor(graph.inputs[0]).len();
    let ran = Interpreter::new(&graph).expect("a graph that holds together").with_input(&vec![1.0; n]);
    assert!(ran.is_ok());
    if graph.nodes.iter().any(|n| matches!(n.op, Op::TreeEnsemble { .. })) {
        let integer = quantize::quantize(&graph, &quantize::Ranges::new()).expect("trees have an integer form");
        assert!(Interpreter::new(&integer).expect("valid").with_input(&vec![1.0; n]).is_ok());
    }
}
