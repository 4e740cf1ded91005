//! Tests of ONNX weights in a file beside the model: where they may lie, and that they are part of what a stage depends on.

use crate::model_tool::{contents, fingerprint, load, save};
use edgewright_ir::{DType, Graph, Node, Op, Tensor, extra::Reference};
use std::fs;

fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    let length = [contents.len() as u8 | 128, (contents.len() >> 7) as u8];
    [&[number << 3 | 2], &length[..], contents].concat()
}

/// A model that holds a tensor whose four bytes lie in a file.
fn model(location: &str) -> Vec<u8> {
    let entry = |key: &[u8], value: &[u8]| field(13, &[field(1, key), field(2, value)].concat());
    let place = [entry(b"location", location.as_bytes()), entry(b"offset", b"0"), entry(b"length", b"4")];
    let tensor = [vec![1 << 3, 1, 2 << 3, 1], field(8, b"w"), place.concat(), vec![14 << 3, 1]].concat();
    field(7, &field(5, &tensor))
}

#[test]
fn weights_beside_a_model_are_part_of_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.onnx");
    fs::write(&path, model("w.bin")).expect("written");
    fs::write(dir.path().join("w.bin"), [1, 2, 3, 4]).expect("written");
    let before = fingerprint(&path);
    assert_eq!(fingerprint(&path), before);
    fs::write(dir.path().join("w.bin"), [1, 2, 3, 5]).expect("written");
    assert_ne!(fingerprint(&path), before);
    fs::remove_file(dir.path().join("w.bin")).expect("removed");
    assert_eq!(fingerprint(&path), "missing");
}

#[test]
fn weights_lie_in_the_folder_of_the_model_and_nowhere_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).expect("a folder");
    let path = inner.join("m.onnx");
    fs::write(dir.path().join("w.bin"), [1, 2, 3, 4]).expect("written");
    let outside = dir.path().join("w.bin");
    for location in ["../w.bin", outside.to_str().expect("text"), "", ".."] {
        fs::write(&path, model(location)).expect("written");
        let error = contents(&path).expect_err("refused").to_string();
        assert!(error.contains("must lie beside it"), "{location}: {error}");
    }
    #[cfg(unix)]
    {
        fs::write(&path, model("link.bin")).expect("written");
        std::os::unix::fs::symlink(&outside, inner.join("link.bin")).expect("a link");
        assert!(contents(&path).is_err());
        // A link to a file of the same folder leads nowhere else.
        fs::write(inner.join("real.bin"), [1, 2, 3, 4]).expect("written");
        fs::remove_file(inner.join("link.bin")).expect("removed");
        std::os::unix::fs::symlink(inner.join("real.bin"), inner.join("link.bin")).expect("a link");
        contents(&path).expect("read");
    }
}

#[test]
fn names_of_a_graph_file_hold_no_control_characters() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.ewg");
    let tensor =
        |name: &str| Tensor { name: name.into(), shape: vec![2], dtype: DType::F32, quant: None, data: None };
    let mut graph = Graph { name: "m".into(), ..Graph::default() };
    let (x, y) = (graph.push_tensor(tensor("x")), graph.push_tensor(tensor("y")));
    graph.nodes.push(Node { name: "n".into(), op: Op::Softmax, inputs: vec![x], output: y });
    (graph.inputs, graph.outputs) = (vec![x], vec![y]);
    save(&graph, &path).expect("written");
    load(&path, Reference::Litert).expect("read");
    graph.tensors[1].name = "y\u{1b}[2J".into();
    save(&graph, &path).expect("written");
    let error = load(&path, Reference::Litert).expect_err("refused").to_string();
    assert!(error.contains("control characters") && !error.contains('\u{1b}'), "{error:?}");
}
