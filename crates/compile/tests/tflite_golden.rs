//! The C and the crate of the models in `golden/tflite` give the bytes of the interpreter, from run to run.

use edgewright_compile::{Options, compile_graph, rust_crate, target};
use edgewright_ir::{
    DType, Graph,
    extra::Reference,
    import::tflite,
    interpret::{Interpreter, Values},
};
use edgewright_test_support::{Rng, run_on_host};
use edgewright_toolchain::{host_compilers, run};
use std::{fs, path::Path, time::Duration};

const RUNS: usize = 20;

/// Bytes of the inputs, all inputs of a run one behind the other, and of the outputs.
fn expected(graph: &Graph) -> (Vec<u8>, Vec<u8>) {
    let mut rng = Rng(5);
    let mut interpreter = Interpreter::new(graph).expect("valid");
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        for (i, id) in graph.inputs.iter().enumerate() {
            let t = graph.tensor(*id);
            let bytes = rng.input(t.len());
            match t.dtype {
                DType::F32 => {
                    let values: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 31.0).collect();
                    interpreter.set(i, Values::F32(&values)).expect("fits");
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                }
                DType::I16 => {
                    let values: Vec<i16> =
                        bytes.iter().map(|&b| i16::from(b) * 256 + rng.below(256) as i16).collect();
                    interpreter.set(i, Values::I16(&values)).expect("fits");
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                }
                DType::I32 => {
                    let values: Vec<i32> =
                        bytes.iter().map(|&b| (i32::from(b) << 24) + rng.below(1 << 24) as i32).collect();
                    interpreter.set(i, Values::I32(&values)).expect("fits");
                    inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
                }
                _ => {
                    interpreter.set(i, Values::I8(&bytes)).expect("fits");
                    inputs.extend(bytes.iter().map(|&b| b as u8));
                }
            }
        }
        interpreter.invoke().expect("run");
        for id in &graph.outputs {
            outputs.extend(interpreter.contents(*id));
        }
    }
    (inputs, outputs)
}

fn c_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::I16 => "int16_t",
        DType::I32 => "int32_t",
        DType::U8 => "uint8_t",
        _ => "int8_t",
    }
}

/// Numbers of the arrays of outputs in C and Rust, with their types: one array without a number where all are of one type.
fn arrays(graph: &Graph) -> Vec<(String, DType)> {
    let types: Vec<DType> = graph.outputs.iter().map(|id| graph.tensor(*id).dtype).collect();
    if types.iter().all(|t| *t == types[0]) {
        return vec![(String::new(), types[0])];
    }
    types.into_iter().enumerate().map(|(i, t)| (i.to_string(), t)).collect()
}

/// A program that reads the inputs of one run after the other.
fn program(graph: &Graph) -> String {
    let several = graph.inputs.len() > 1;
    let number = |i: usize| if several { i.to_string() } else { String::new() };
    let (mut arrays_of, mut reads, mut arguments) = (String::new(), String::new(), String::new());
    for (i, id) in graph.inputs.iter().enumerate() {
        let (kind, n) = (c_type(graph.tensor(*id).dtype), number(i));
        arrays_of.push_str(&format!("static {kind} in{n}[NET_INPUT{n}_LEN];\n"));
        reads.push_str(&format!(
            "        if (fread(in{n}, sizeof in{n}[0], NET_INPUT{n}_LEN, from) != NET_INPUT{n}_LEN) {{\n            break;\n        }}\n"
        ));
        arguments.push_str(&format!("in{n}, NET_INPUT{n}_LEN, "));
    }
    let (mut writes, mut results) = (String::new(), Vec::new());
    for (n, dtype) in arrays(graph) {
        arrays_of.push_str(&format!("static {} out{n}[NET_OUTPUT{n}_LEN];\n", c_type(dtype)));
        writes.push_str(&format!("        fwrite(out{n}, sizeof out{n}, 1, to);\n"));
        results.push(format!("out{n}, NET_OUTPUT{n}_LEN"));
    }
    let results = results.join(", ");
    format!(
        r#"#include "net.h"
#include <stdio.h>
#include <string.h>
static uint32_t arena[(NET_ARENA_SIZE + 3) / 4];
{arrays_of}int main(void)
{{
    net_t handle;
    FILE *from = fopen("inputs.bin", "rb"), *to = fopen("outputs.bin", "wb");
    memset(arena, 0xa5, sizeof arena);
    if (from == NULL || to == NULL || net_init(&handle, arena, sizeof arena) != NET_OK) {{
        return 3;
    }}
    for (;;) {{
{reads}        if (net_invoke(&handle, {arguments}{results}) != NET_OK) {{
            return 4;
        }}
{writes}    }}
    return fclose(to) == 0 ? 0 : 7;
}}
"#
    )
}

fn models() -> Vec<Graph> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/tflite");
    let mut files: Vec<_> = fs::read_dir(golden)
        .expect("golden models")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "tflite"))
        .collect();
    files.sort();
    assert!(files.len() >= 2);
    let mut graphs = Vec::new();
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&file).expect("a model");
        for reference in [Reference::Litert, Reference::Tflm] {
            graphs
                .push(tflite::read(&bytes, &name, reference).unwrap_or_else(|e| panic!("{name}: {e}")).graph);
        }
    }
    graphs
}

#[test]
fn the_c_gives_the_bytes_of_the_interpreter() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let targets = target::all();
    let find = |id: &str| targets.iter().find(|t| t.id == id).expect("a target");
    let strict = [
        "-std=c99",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Wshadow",
        "-pedantic",
        "-Werror",
        "-fsanitize=undefined",
        "-fno-sanitize-recover=all",
    ];
    let (slow, quick) = (["-std=c99", "-O0"], ["-std=c99", "-O2"]);
    let ways = [("host", strict.as_slice()), ("cortex-m0plus", slow.as_slice()), ("host", quick.as_slice())];
    for graph in models() {
        let (inputs, outputs) = expected(&graph);
        assert!(outputs.iter().any(|b| *b != outputs[0]), "{}: all outputs are alike", graph.name);
        for (compiler, (id, flags)) in compilers.iter().cycle().zip(ways) {
            let dir = tempfile::tempdir().expect("a folder");
            let options = Options { prefix: Some("net".into()) };
            for (name, bytes) in compile_graph(&graph, find(id), &options).expect("C") {
                fs::write(dir.path().join(&name), bytes).expect("written");
            }
            fs::write(dir.path().join("main.c"), program(&graph)).expect("written");
            fs::write(dir.path().join("inputs.bin"), &inputs).expect("written");
            run_on_host(dir.path(), compiler, flags, &["main.c", "net.c"])
                .unwrap_or_else(|e| panic!("{}: {e}", graph.name));
            let got = fs::read(dir.path().join("outputs.bin")).expect("outputs");
            assert!(got == outputs, "{}, {:?}, {} {id}", graph.name, graph.reference, compiler.program);
        }
    }
}

/// Reads inputs, writes outputs.
const PROGRAM: &str = r#"
use net::model::*;
fn main() {
    let bytes = std::fs::read("inputs.bin").unwrap();
    let (mut model, mut all) = (Model::new(), Vec::new());
ARRAYS
    for case in bytes.chunks_exact(INPUT_LEN * size_of::<FROM>()) {
        let mut x = [0 as FROM; INPUT_LEN];
        for (x, b) in x.iter_mut().zip(case.chunks_exact(size_of::<FROM>())) {
            *x = FROM::from_le_bytes(b.try_into().unwrap());
        }
        model.invoke(&x, RESULTS).unwrap();
WRITES
    }
    std::fs::write("outputs.bin", all).unwrap();
}
"#;

#[test]
fn the_crate_gives_the_bytes_of_the_interpreter() {
    let rustc = |dir: &Path, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        run("rustc", &args, dir, Duration::from_secs(300)).unwrap_or_else(|e| panic!("{e}"));
    };
    let rust_type = |dtype: DType| match dtype {
        DType::F32 => "f32",
        DType::I16 => "i16",
        DType::I32 => "i32",
        DType::U8 => "u8",
        _ => "i8",
    };
    for graph in models().into_iter().filter(|g| g.inputs.len() == 1) {
        let dir = tempfile::tempdir().expect("a folder");
        let options = Options { prefix: Some("net".into()) };
        fs::create_dir(dir.path().join("src")).expect("a folder");
        for (name, bytes) in rust_crate(&graph, &options).expect("a crate") {
            fs::write(dir.path().join(&name), bytes).expect("written");
        }
        let each = |show: &dyn Fn(&str, DType) -> String| -> Vec<String> {
            arrays(&graph).iter().map(|(n, dtype)| show(n, *dtype)).collect()
        };
        let main = PROGRAM
            .replace("FROM", rust_type(graph.tensor(graph.inputs[0]).dtype))
            .replace(
                "ARRAYS",
                &each(&|n, t| format!("    let mut out{n} = [0 as {}; OUTPUT{n}_LEN];", rust_type(t)))
                    .join("\n"),
            )
            .replace("RESULTS", &each(&|n, _| format!("&mut out{n}")).join(", "))
            .replace(
                "WRITES",
                &each(&|n, _| format!("        out{n}.iter().for_each(|v| all.extend(v.to_le_bytes()));"))
                    .join("\n"),
            );
        fs::write(dir.path().join("main.rs"), main).expect("written");
        let (inputs, outputs) = expected(&graph);
        fs::write(dir.path().join("inputs.bin"), inputs).expect("written");
        let lib = [
            "--edition",
            "2024",
            "-D",
            "warnings",
            "--crate-type",
            "rlib",
            "--crate-name",
            "net",
            "src/lib.rs",
        ];
        rustc(dir.path(), &lib);
        rustc(dir.path(), &["--edition", "2024", "--extern", "net=libnet.rlib", "main.rs", "-o", "program"]);
        run("./program", &[], dir.path(), Duration::from_secs(60)).unwrap_or_else(|e| panic!("{e}"));
        assert!(fs::read(dir.path().join("outputs.bin")).expect("outputs") == outputs, "{}", graph.name);
    }
}
