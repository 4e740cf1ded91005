//! What a reader sees of a small model: its text, its arena, its C. Look at every change of these files, then accept it with
//! `INSTA_UPDATE=always cargo test -p edgewright-compile --test snapshots`.

use edgewright_compile::{
    FileTree, Options, compile_graph,
    memory::{Buffer, plan},
    target,
};
use edgewright_ir::{Activation, Graph};
use edgewright_test_support::Builder;

fn small() -> Graph {
    let mut b = Builder::new("small", 1, &[6, 4, 1]);
    b.conv(2, [3, 3], [2, 2], Activation::Relu);
    b.flatten();
    b.dense(3, Activation::None);
    b.softmax();
    b.finish()
}

fn files(id: &str) -> FileTree {
    let target = target::all().iter().find(|t| t.id == id).expect("the target");
    compile_graph(&small(), target, &Options::default()).expect("compiled")
}

fn text(files: &FileTree, name: &str) -> String {
    String::from_utf8(files[name].clone()).expect("text")
}

#[test]
fn the_text_form_of_a_graph() {
    insta::assert_snapshot!(small().to_text());
}

#[test]
fn the_header_of_a_model() {
    insta::assert_snapshot!(text(&files("cortex-m4f"), "small.h"));
}

/// The model's own code; the kernels before it are files of `runtime/c`.
#[test]
fn the_code_of_a_model() {
    let source = text(&files("host"), "small.c");
    let own = source.rfind("/* ---- ").map_or(source.as_str(), |at| &source[at..]);
    insta::assert_snapshot!(own);
}

#[test]
fn an_arena_with_a_residual() {
    let buffers = [
        Buffer::new("input", 4, 0, 1),
        Buffer::new("a", 4, 1, 2),
        Buffer::new("b", 4, 2, 3),
        Buffer::new("sum", 8, 3, 4),
    ];
    let plan = plan(&buffers);
    let mut rows = format!("{} bytes, at least {}\n", plan.bytes, plan.lower_bound);
    for (b, at) in buffers.iter().zip(&plan.offsets) {
        rows.push_str(&format!("{:<6} {at}..{} in steps {} to {}\n", b.name, at + b.bytes, b.first, b.last));
    }
    insta::assert_snapshot!(rows);
}
