//! Comparisons, choices, places and tables: C and Rust give the bytes of the interpreter. And what is no number stays that without
//! undefined behaviour.

use edgewright_compile::{Options, compile_graph, rust_crate, target};
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Quant, Tensor, TensorId,
    extra::{BinaryKind, CompareKind, Function},
    interpret::{Interpreter, Values},
};
use edgewright_test_support::{Rng, run_on_host};
use edgewright_toolchain::{host_compilers, run, sanitizer_works};
use std::{fs, path::Path, time::Duration};

const KINDS: [CompareKind; 6] = [
    CompareKind::Less,
    CompareKind::LessEqual,
    CompareKind::Greater,
    CompareKind::GreaterEqual,
    CompareKind::Equal,
    CompareKind::NotEqual,
];

fn tensor(
    g: &mut Graph,
    shape: &[usize],
    dtype: DType,
    quant: Option<(f32, i32)>,
    data: Option<Data>,
) -> TensorId {
    let quant = quant.map(|(scale, zero_point)| Quant { scale: vec![scale], zero_point, axis: 0 });
    let name = format!("t{}", g.tensors.len());
    g.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data })
}

fn node(
    g: &mut Graph,
    op: Op,
    inputs: &[TensorId],
    shape: &[usize],
    dtype: DType,
    quant: Option<(f32, i32)>,
) -> TensorId {
    let output = tensor(g, shape, dtype, quant, None);
    let name = format!("n{}", g.nodes.len());
    g.nodes.push(Node { name, op, inputs: inputs.to_vec(), output });
    output
}

fn whole(mut g: Graph, input: TensorId, output: TensorId) -> Graph {
    (g.inputs, g.outputs) = (vec![input], vec![output]);
    g.validate().unwrap_or_else(|e| panic!("{e}"));
    g
}

/// Each comparison with a constant, joined by and, or and not, chooses between the input and another constant.
fn choices(integer: bool) -> Graph {
    let mut g = Graph { name: "choices".into(), ..Graph::default() };
    let (dtype, quant) = if integer { (DType::I8, Some((0.01, -7))) } else { (DType::F32, None) };
    let shape = [6, 8];
    let x = tensor(&mut g, &shape, dtype, quant, None);
    let mut rng = Rng(7);
    let mut constant = |g: &mut Graph, quant: Option<(f32, i32)>| {
        let bytes: Vec<i8> = (0..48).map(|_| rng.byte()).collect();
        let data = match integer {
            true => Data::I8(bytes),
            false => Data::F32(bytes.iter().map(|&b| f32::from(b) / 31.0).collect()),
        };
        tensor(g, &shape, dtype, quant, Some(data))
    };
    let truth = Some((1.0, 0));
    let mut now = x;
    for (i, kind) in KINDS.into_iter().enumerate() {
        // Scales so small that neighbours are equal, and others.
        let edge = constant(&mut g, integer.then_some(([0.02, 0.001, 1.5][i % 3], 3 * i as i32)));
        let other = constant(&mut g, quant);
        let c = node(&mut g, Op::Compare { kind }, &[now, edge], &shape, DType::I8, truth);
        let d =
            node(&mut g, Op::Compare { kind: KINDS[(i + 2) % 6] }, &[other, now], &shape, DType::I8, truth);
        let joined = if i % 2 == 0 { BinaryKind::Minimum } else { BinaryKind::Maximum };
        let joined = Op::Binary { kind: joined, activation: Activation::None };
        let c = node(&mut g, joined, &[c, d], &shape, DType::I8, truth);
        now = node(&mut g, Op::Select, &[c, now, other], &shape, dtype, quant);
    }
    whole(g, x, now)
}

/// Where the largest or smallest value lies, of values that are often equal.
fn places(dtype: DType, largest: bool, last: bool) -> Graph {
    let mut g = Graph { name: "places".into(), ..Graph::default() };
    let quant = (dtype != DType::F32).then_some((0.1, 0));
    let x = tensor(&mut g, &[4, 5, 3], dtype, quant, None);
    let op = Op::ArgExtreme { largest, last, count: 5, inner: 3 };
    let y = node(&mut g, op, &[x], &[4, 3], DType::I32, None);
    whole(g, x, y)
}

/// Rows of a table, with numbers that are none of its rows.
fn rows(integer: bool) -> Graph {
    let mut g = Graph { name: "rows".into(), ..Graph::default() };
    let (dtype, quant) = if integer { (DType::I8, Some((0.01, -7))) } else { (DType::F32, None) };
    let at = tensor(&mut g, &[9], DType::I32, None, None);
    let mut rng = Rng(8);
    let bytes: Vec<i8> = (0..100 * 4).map(|_| rng.byte()).collect();
    let data = match integer {
        true => Data::I8(bytes),
        false => Data::F32(bytes.iter().map(|&b| f32::from(b) / 31.0).collect()),
    };
    let table = tensor(&mut g, &[100, 4], dtype, quant, Some(data));
    let y = node(&mut g, Op::Gather, &[at, table], &[9, 4], dtype, quant);
    whole(g, at, y)
}

/// Rows of a table by numbers that a constant holds in another shape, added to the input.
fn rows_of_a_constant() -> Graph {
    let mut g = Graph { name: "constant rows".into(), ..Graph::default() };
    let x = tensor(&mut g, &[6, 2], DType::F32, None, None);
    let at = tensor(&mut g, &[2, 3], DType::I32, None, Some(Data::I32(vec![3, 0, 1, -1, 4, 2])));
    let turned = node(&mut g, Op::Reshape, &[at], &[6], DType::I32, None);
    let table = Data::F32((0..8).map(|v| v as f32 * 0.3 - 1.0).collect());
    let table = tensor(&mut g, &[4, 2], DType::F32, None, Some(table));
    let rows = node(&mut g, Op::Gather, &[turned, table], &[6, 2], DType::F32, None);
    let y = node(&mut g, Op::Add { activation: Activation::None }, &[x, rows], &[6, 2], DType::F32, None);
    whole(g, x, y)
}

/// Rows in 8 bits of their own, by both kinds of ranges; one row is all zeros where the input is of few values.
fn snapped(symmetric: bool) -> Graph {
    let mut g = Graph { name: "snapped".into(), ..Graph::default() };
    let x = tensor(&mut g, &[5, 7], DType::F32, None, None);
    let y = node(&mut g, Op::Snap { row: 7, symmetric }, &[x], &[5, 7], DType::F32, None);
    whole(g, x, y)
}

fn bytes_of(dtype: DType, values: &[i8]) -> Vec<u8> {
    let each = |b: i8| match dtype {
        DType::F32 => (f32::from(b) / 31.0).to_le_bytes().to_vec(),
        DType::I32 => i32::from(b).to_le_bytes().to_vec(),
        DType::I16 => i16::from(b).to_le_bytes().to_vec(),
        _ => vec![b as u8],
    };
    values.iter().copied().flat_map(each).collect()
}

/// Inputs and outputs of some cases.
fn expected(graph: &Graph, cases: usize, few: bool) -> (Vec<u8>, Vec<u8>) {
    let (mut rng, mut interpreter) = (Rng(5), Interpreter::new(graph).expect("valid"));
    let x = graph.tensor(graph.inputs[0]);
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for _ in 0..cases {
        let values: Vec<i8> = rng.input(x.len()).into_iter().map(|b| if few { b % 4 } else { b }).collect();
        match x.dtype {
            DType::F32 => {
                let v: Vec<f32> = values.iter().map(|&b| f32::from(b) / 31.0).collect();
                interpreter.set(0, Values::F32(&v))
            }
            DType::I32 => {
                let v: Vec<i32> = values.iter().map(|&b| b.into()).collect();
                interpreter.set(0, Values::I32(&v))
            }
            DType::I16 => {
                let v: Vec<i16> = values.iter().map(|&b| b.into()).collect();
                interpreter.set(0, Values::I16(&v))
            }
            _ => interpreter.set(0, Values::I8(&values)),
        }
        .expect("fits");
        interpreter.invoke().expect("run");
        inputs.extend(bytes_of(x.dtype, &values));
        outputs.extend(interpreter.contents(graph.outputs[0]));
    }
    (inputs, outputs)
}

fn graphs() -> Vec<(Graph, bool)> {
    let mut all =
        vec![(choices(true), false), (choices(false), false), (rows(true), false), (rows(false), false)];
    all.extend([(rows_of_a_constant(), false), (snapped(true), false), (snapped(false), true)]);
    for dtype in [DType::F32, DType::I8, DType::I16] {
        all.extend(
            [(true, false), (false, true)].map(|(largest, last)| (places(dtype, largest, last), true)),
        );
    }
    all
}

fn c_kind(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::I32 => "int32_t",
        DType::I16 => "int16_t",
        _ => "int8_t",
    }
}

fn rust_kind(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::I32 => "i32",
        DType::I16 => "i16",
        _ => "i8",
    }
}

const PROGRAM: &str = r#"#include "net.h"
#include <stdio.h>
static uint32_t arena[(NET_ARENA_SIZE + 3) / 4];
static IN in[NET_INPUT_LEN];
static OUT out[NET_OUTPUT_LEN];
int main(void)
{
    net_t handle;
    FILE *from = fopen("inputs.bin", "rb"), *to = fopen("outputs.bin", "wb");
    if (from == NULL || to == NULL || net_init(&handle, arena, sizeof arena) != NET_OK) {
        return 3;
    }
    while (fread(in, sizeof in[0], NET_INPUT_LEN, from) == NET_INPUT_LEN) {
        if (net_invoke(&handle, in, NET_INPUT_LEN, out, NET_OUTPUT_LEN) != NET_OK) {
            return 4;
        }
        fwrite(out, sizeof out[0], NET_OUTPUT_LEN, to);
    }
    return fclose(to) == 0 ? 0 : 7;
}
"#;

fn written(dir: &Path, graph: &Graph, inputs: &[u8]) {
    let host = target::all().iter().find(|t| t.id == "host").expect("host");
    for (name, bytes) in compile_graph(graph, host, &Options { prefix: Some("net".into()) }).expect("C") {
        fs::write(dir.join(&name), bytes).expect("written");
    }
    let kinds = [graph.inputs[0], graph.outputs[0]].map(|id| c_kind(graph.tensor(id).dtype));
    fs::write(
        dir.join("main.c"),
        PROGRAM
            .replace("IN in", &format!("{} in", kinds[0]))
            .replace("OUT out", &format!("{} out", kinds[1])),
    )
    .expect("written");
    fs::write(dir.join("inputs.bin"), inputs).expect("written");
}

#[test]
fn c_gives_the_bytes_of_the_interpreter() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    for (graph, few) in graphs() {
        let (inputs, outputs) = expected(&graph, 40, few);
        assert!(outputs.iter().any(|b| *b != outputs[0]), "all outputs are alike");
        for (compiler, flags) in compilers.iter().zip([["-std=c99", "-O2"], ["-std=c99", "-O0"]]) {
            let dir = tempfile::tempdir().expect("a folder");
            written(dir.path(), &graph, &inputs);
            run_on_host(dir.path(), compiler, &flags, &["main.c", "net.c"])
                .unwrap_or_else(|e| panic!("{}: {e}", graph.name));
            let got = fs::read(dir.path().join("outputs.bin")).expect("outputs");
            assert!(got == outputs, "{}, {}", graph.to_text(), compiler.program);
        }
    }
}

const CRATE_PROGRAM: &str = r#"
use net::model::{INPUT_LEN, Model, OUTPUT_LEN};
fn main() {
    let bytes = std::fs::read("inputs.bin").unwrap();
    let (mut model, mut all, mut out) = (Model::new(), Vec::new(), [0 as OUT; OUTPUT_LEN]);
    for case in bytes.chunks_exact(INPUT_LEN * size_of::<IN>()) {
        let mut x = [0 as IN; INPUT_LEN];
        for (x, b) in x.iter_mut().zip(case.chunks_exact(size_of::<IN>())) {
            *x = IN::from_le_bytes(b.try_into().unwrap());
        }
        model.invoke(&x, &mut out).unwrap();
        out.iter().for_each(|v| all.extend(v.to_le_bytes()));
    }
    std::fs::write("outputs.bin", all).unwrap();
}
"#;

#[test]
fn the_crate_gives_the_bytes_of_the_interpreter() {
    let command = |dir: &Path, program: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        run(program, &args, dir, Duration::from_secs(300)).unwrap_or_else(|e| panic!("{e}"));
    };
    for (graph, few) in [
        (choices(true), false),
        (choices(false), false),
        (rows_of_a_constant(), false),
        (snapped(false), false),
        (rows(true), false),
        (places(DType::I16, true, false), true),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let (inputs, outputs) = expected(&graph, 5, few);
        fs::create_dir(dir.path().join("src")).expect("a folder");
        for (name, bytes) in rust_crate(&graph, &Options { prefix: Some("net".into()) }).expect("a crate") {
            fs::write(dir.path().join(&name), bytes).expect("written");
        }
        let kinds = [graph.inputs[0], graph.outputs[0]].map(|id| rust_kind(graph.tensor(id).dtype));
        fs::write(
            dir.path().join("main.rs"),
            CRATE_PROGRAM
                .replace("INPUT_LEN", "LENGTH")
                .replace("OUTPUT_LEN", "RESULTS")
                .replace("OUT", kinds[1])
                .replace("IN", kinds[0])
                .replace("LENGTH", "INPUT_LEN")
                .replace("RESULTS", "OUTPUT_LEN"),
        )
        .expect("written");
        fs::write(dir.path().join("inputs.bin"), inputs).expect("written");
        command(
            dir.path(),
            "rustc",
            &[
                "--edition",
                "2024",
                "-O",
                "-D",
                "warnings",
                "--crate-type",
                "rlib",
                "--crate-name",
                "net",
                "src/lib.rs",
            ],
        );
        command(
            dir.path(),
            "rustc",
            &["--edition", "2024", "--extern", "net=libnet.rlib", "main.rs", "-o", "program"],
        );
        command(dir.path(), "./program", &[]);
        assert!(fs::read(dir.path().join("outputs.bin")).expect("outputs") == outputs, "{}", graph.to_text());
    }
}

#[test]
fn a_comparison_of_bytes_is_by_rounded_multiples_of_a_256th() {
    let mut g = Graph { name: "near".into(), ..Graph::default() };
    let x = tensor(&mut g, &[3], DType::I8, Some((0.001, 0)), None);
    let c = tensor(&mut g, &[3], DType::I8, Some((0.001, 0)), Some(Data::I8(vec![0; 3])));
    let y = node(&mut g, Op::Compare { kind: CompareKind::Equal }, &[x, c], &[3], DType::I8, Some((1.0, 0)));
    let g = whole(g, x, y);
    let mut got = [0; 3];
    // 256 times 0.001, 0.002 and -0.001, rounded.
    Interpreter::new(&g).expect("valid").run_i8(&[1, 2, -1], &mut got).expect("run");
    assert_eq!(got, [1, 0, 1]);
}

#[test]
fn what_is_no_number_stays_that() {
    let mut g = Graph { name: "nothing".into(), ..Graph::default() };
    let x = tensor(&mut g, &[8], DType::F32, None, None);
    let e = node(&mut g, Op::Unary { function: Function::Exp }, &[x], &[8], DType::F32, None);
    let l = node(&mut g, Op::Unary { function: Function::Logistic }, &[e], &[8], DType::F32, None);
    let y = node(&mut g, Op::Softmax, &[l], &[8], DType::F32, None);
    let g = whole(g, x, y);
    let mut values = [[f32::NAN; 8], [f32::NEG_INFINITY; 8], [f32::INFINITY; 8], [1.0; 8]];
    (values[1][3], values[3][2]) = (f32::NAN, f32::NAN);
    let mut interpreter = Interpreter::new(&g).expect("valid");
    let (mut inputs, mut wanted) = (Vec::new(), Vec::new());
    for case in values {
        let mut out = [0.0; 8];
        interpreter.run(&case, &mut out).expect("run");
        inputs.extend(case.iter().flat_map(|v| v.to_le_bytes()));
        wanted.extend(out);
    }
    assert!(wanted[..8].iter().all(|v| v.is_nan()));
    let probe = tempfile::tempdir().expect("a folder");
    for compiler in &host_compilers() {
        let mut flags = vec!["-std=c99", "-O1"];
        if sanitizer_works(compiler, probe.path()) {
            flags.extend(["-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all"]);
        }
        let dir = tempfile::tempdir().expect("a folder");
        written(dir.path(), &g, &inputs);
        run_on_host(dir.path(), compiler, &flags, &["main.c", "net.c"]).unwrap_or_else(|e| panic!("{e}"));
        let got = fs::read(dir.path().join("outputs.bin")).expect("outputs");
        let got = got.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        // Which NaN it is differs between processors.
        let plain = |v: f32| if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() };
        assert!(got.map(plain).eq(wanted.iter().map(|&v| plain(v))), "{}", compiler.program);
    }
}

#[test]
fn a_row_is_rounded_to_steps_of_its_own_range() {
    let snap = |symmetric: bool, row: &[f32; 7]| {
        let g = snapped(symmetric);
        let mut out = [0.0; 35];
        let x: Vec<f32> = row.iter().copied().chain([0.0; 28]).collect();
        Interpreter::new(&g).expect("valid").run(&x, &mut out).expect("run");
        assert_eq!(out[7..], [0.0; 28]);
        out
    };
    // Steps of 1 from -128 on: 0 lies at -28, and halves go away from 0 of the integers.
    let out = snap(false, &[-100.0, 155.0, 0.4, 0.6, -0.6, 28.5, 10.0]);
    assert_eq!(out[..7], [-100.0, 155.0, 0.0, 1.0, -1.0, 29.0, 10.0]);
    let out = snap(true, &[-127.0, 63.5, 0.4, 0.6, -0.5, 1.5, 100.0]);
    assert_eq!(out[..7], [-127.0, 64.0, 0.0, 1.0, -1.0, 2.0, 100.0]);
    let strange = [f32::INFINITY, 1.3, 0.0, 0.2, 0.1, -4.0, 2.0];
    assert_eq!(snap(false, &strange)[..7], strange);
}
