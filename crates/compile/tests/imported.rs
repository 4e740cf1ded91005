//! Operators of imported models, states and several outputs: the C gives the bytes of the interpreter.

use edgewright_compile::{Options, compile_graph, rust_crate, target};
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Quant, Tensor, TensorId,
    export::tflite,
    extra::{BinaryKind, Function, ReduceKind, Reference, Sampling, State},
    import::{self, onnx},
    interpret::Interpreter,
    quantize,
};
use edgewright_test_support::{Rng, run_on_host};
use edgewright_toolchain::{host_compilers, run};
use std::{fs, path::Path, time::Duration};

struct Make {
    graph: Graph,
    integer: bool,
}

impl Make {
    fn tensor(&mut self, shape: &[usize], scale: f32, zero: i32, data: Option<Data>) -> TensorId {
        let (dtype, quant) = if self.integer {
            (DType::I8, Some(Quant { scale: vec![scale], zero_point: zero, axis: 0 }))
        } else {
            (DType::F32, None)
        };
        let name = format!("t{}", self.graph.tensors.len());
        self.graph.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data })
    }

    fn node(&mut self, op: Op, inputs: &[TensorId], shape: &[usize], scale: f32, zero: i32) -> TensorId {
        let output = self.tensor(shape, scale, zero, None);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), output });
        output
    }
}

/// Every operator once, on 4 x 6 x 3 values with a state of 5.
fn everything(integer: bool, reference: Reference) -> Graph {
    let mut m = Make { graph: Graph { name: "all".into(), reference, ..Graph::default() }, integer };
    let (s, z) = (0.05, -7);
    let x = m.tensor(&[4, 6, 3], s, z, None);
    m.graph.inputs = vec![x];
    let values: Vec<f32> = (0..72).map(|i| (i % 11) as f32 * 0.3 - 1.4).collect();
    let constant =
        if integer { Data::I8(values.iter().map(|v| (v * 50.0) as i8).collect()) } else { Data::F32(values) };
    let c = m.tensor(&[4, 6, 3], 0.02, 3, Some(constant));
    let mut now = x;
    for function in [
        Function::LeakyRelu(0.2),
        Function::HardSwish,
        Function::Gelu,
        Function::Tanh,
        Function::Elu(1.0),
        Function::HardSigmoid(0.2, 0.5),
        Function::Exp,
        Function::Abs,
        Function::Neg,
        Function::Square,
        Function::Erf,
        Function::GeluErf,
        Function::Softplus,
        Function::Log,
        Function::Sqrt,
        Function::Rsqrt,
    ] {
        now = m.node(Op::Unary { function }, &[now], &[4, 6, 3], s, z);
        let activation = Activation::ReluN1To1;
        now = m.node(Op::Binary { kind: BinaryKind::Sub, activation }, &[now, c], &[4, 6, 3], s, z);
    }
    for kind in [BinaryKind::Add, BinaryKind::Mul] {
        now = m.node(Op::Binary { kind, activation: Activation::Relu6 }, &[now, c], &[4, 6, 3], s, z);
        now = m.node(Op::Binary { kind, activation: Activation::None }, &[now, x], &[4, 6, 3], s, z);
    }
    for kind in [BinaryKind::Maximum, BinaryKind::Minimum] {
        now = m.node(Op::Binary { kind, activation: Activation::None }, &[now, x], &[4, 6, 3], s, z);
    }
    let turned = Op::Strided { shape: vec![6, 3, 4], strides: vec![3, 1, 18], offset: 0 };
    let turned = m.node(turned, &[now], &[6, 3, 4], s, z);
    // Attention of the first axis: what each row makes of the others.
    let op = Op::MatMul { batch: 6, shared: 4, transposed: true };
    let like = m.node(op, &[turned, turned], &[6, 3, 3], 0.1, 9);
    let shares = m.node(Op::Softmax, &[like], &[6, 3, 3], 1.0 / 256.0, -128);
    let op = Op::MatMul { batch: 6, shared: 3, transposed: false };
    let turned = m.node(op, &[shares, turned], &[6, 3, 4], s, z);
    let back = Op::Strided { shape: vec![6, 2, 4], strides: vec![-12, 4, 1], offset: 60 };
    let back = m.node(back, &[turned], &[6, 2, 4], s, z);
    let joined = m.node(Op::Concat { outer: 6 }, &[turned, back], &[6, 5, 4], s, z);
    let pad = Op::Pad { shape: vec![6, 5, 4], before: vec![1, 0, 2], after: vec![0, 1, 0], value: 0.5 };
    let padded = m.node(pad, &[joined], &[7, 6, 6], s, z);
    let sampling = Sampling { align_corners: false, half_pixel: true };
    let resized = m.node(Op::ResizeBilinear { sampling }, &[padded], &[9, 4, 6], s, z);
    let mean = Op::Reduce { kind: ReduceKind::Mean, count: 4, inner: 6 };
    let mean = m.node(mean, &[resized], &[9, 6], 0.03, 5);
    let sum = m.node(Op::Reduce { kind: ReduceKind::Sum, count: 6, inner: 1 }, &[mean], &[9], 0.1, 0);
    let top = m.node(Op::Reduce { kind: ReduceKind::Max, count: 9, inner: 1 }, &[sum], &[1], 0.1, 0);
    let state = m.tensor(&[5], 0.1, 0, None);
    let line = m.node(Op::Concat { outer: 1 }, &[state, top], &[6], 0.1, 0);
    let shifted = m.node(Op::Strided { shape: vec![5], strides: vec![1], offset: 1 }, &[line], &[5], 0.1, 0);
    let logits = m.node(Op::Unary { function: Function::Logistic }, &[line], &[6], 1.0 / 256.0, -128);
    m.graph.states = vec![State { name: "line".into(), read: state, write: shifted, initial: None }];
    if integer {
        let w = (0..24).map(|i| (i * 37 % 255 - 127) as i8).collect();
        let w = m.tensor(&[4, 6], 0.01, 0, Some(Data::I8(w)));
        let b = m.tensor(&[4], 0.001, 0, Some(Data::I32(vec![50, -70, 900, 0])));
        m.graph.tensors[b.0 as usize].dtype = DType::I32;
        let dense = Op::FullyConnected { activation: Activation::None };
        let y = m.node(dense, &[logits, w, b], &[4], 0.02, 4);
        let p = m.node(Op::Softmax, &[y], &[4], 1.0 / 256.0, -128);
        m.graph.outputs = vec![p, logits];
    } else {
        let p = m.node(Op::Softmax, &[logits], &[6], 0.0, 0);
        m.graph.outputs = vec![p, logits];
    }
    m.graph.validate().expect("valid");
    m.graph
}

/// A recurrent layer of 5 units over 6 steps of 3 values, whose sums and cell reach their limits.
fn lstm() -> Graph {
    let graph = Graph { name: "lstm".into(), reference: Reference::Tflm, ..Graph::default() };
    let mut m = Make { graph, integer: true };
    let (steps, values, units) = (6, 3, 5);
    let mut rng = Rng(9);
    let x = m.tensor(&[steps, values], 0.05, -7, None);
    m.graph.inputs = vec![x];
    let state = m.tensor(&[3 * units], 1.0 / 128.0, 3, None);
    let weights = (0..4 * units * (values + units)).map(|_| rng.byte()).collect();
    let weights = m.tensor(&[4, units, values + units], 1.0, 0, Some(Data::I8(weights)));
    let bias = m.graph.push_tensor(Tensor {
        name: "bias".into(),
        shape: vec![4, units],
        dtype: DType::I32,
        quant: None,
        data: Some(Data::I32((0..4 * units).map(|_| rng.below(40_000) as i32 - 20_000).collect())),
    });
    let op = Op::Lstm {
        units,
        scales: [[0.004, 0.01], [0.001, 0.02], [0.005, 0.006], [0.002, 0.01]],
        cell: 2f32.powi(-12),
        clip: 3.0,
    };
    let all = m.node(op, &[x, state, weights, bias], &[(steps + 3) * units], 1.0 / 128.0, 3);
    let view = |len, offset| Op::Strided { shape: vec![len], strides: vec![1], offset };
    let write = m.node(view(3 * units, steps * units), &[all], &[3 * units], 1.0 / 128.0, 3);
    let hidden = m.node(view(steps * units, 0), &[all], &[steps * units], 1.0 / 128.0, 3);
    let mut initial = vec![3; units];
    initial.resize(3 * units, 0);
    m.graph.states = vec![State { name: "h".into(), read: state, write, initial: Some(Data::I8(initial)) }];
    m.graph.outputs = vec![hidden];
    m.graph.validate().expect("valid");
    m.graph
}

/// Layers in bytes that read nothing but constants, and a sum of what they make and the input.
fn constants() -> Graph {
    let mut m = Make { graph: Graph { name: "constants".into(), ..Graph::default() }, integer: true };
    let (s, z) = (0.05, -7);
    let x = m.tensor(&[4, 4, 3], s, z, None);
    m.graph.inputs = vec![x];
    let mut rng = Rng(11);
    let mut bytes = |m: &mut Make, shape: &[usize], zero: i32| {
        let data = (0..shape.iter().product()).map(|_| rng.byte()).collect();
        m.tensor(shape, s, zero, Some(Data::I8(data)))
    };
    let c = bytes(&mut m, &[4, 4, 3], z);
    let (w, d, f) =
        (bytes(&mut m, &[3, 1, 1, 3], 0), bytes(&mut m, &[1, 1, 3], 0), bytes(&mut m, &[3, 3], 0));
    let bias = m.tensor(&[3], s * s, 0, Some(Data::I32(vec![500, -700, 0])));
    m.graph.tensors[bias.0 as usize].dtype = DType::I32;
    let (activation, padding) = (Activation::None, Padding::default());
    let (one, shape) = ([1, 1], [4, 4, 3]);
    let depthwise = Op::DepthwiseConv2d { stride: one, dilation: one, padding, multiplier: 1, activation };
    let pool = |kind| Op::Pool2d { kind, kernel: one, stride: one, padding, activation };
    let mut made = vec![
        m.node(Op::Conv2d { stride: one, dilation: one, padding, activation }, &[c, w, bias], &shape, s, z),
        m.node(depthwise, &[c, d, bias], &shape, s, z),
        m.node(Op::FullyConnected { activation }, &[c, f, bias], &shape, s, z),
        m.node(pool(PoolKind::Average), &[c], &shape, s, z),
        m.node(Op::Activate { activation: Activation::Relu6 }, &[c], &shape, s, z),
    ];
    let softmax = m.node(Op::Softmax, &[c], &shape, 1.0 / 256.0, -128);
    made.push(m.node(Op::Quantize, &[softmax], &shape, s, z));
    let mut sum = x;
    for part in made {
        sum = m.node(Op::Add { activation }, &[sum, part], &shape, 0.2, 3);
    }
    m.graph.outputs = vec![sum];
    m.graph.validate().expect("valid");
    m.graph
}

/// A delay of two steps, and two states that change places, as a file with VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE gives
/// them: what one state held goes to the next.
fn lines(integer: bool) -> Vec<Graph> {
    let make = |name: &str, swap: bool| {
        let mut m = Make { graph: Graph { name: name.into(), ..Graph::default() }, integer };
        let (s, z) = (0.05, -7);
        let [x, a, b] = [(); 3].map(|()| m.tensor(&[6], s, z, None));
        m.graph.inputs = vec![x];
        let add = |activation| Op::Binary { kind: BinaryKind::Add, activation };
        let y = m.node(add(Activation::None), &[b, x], &[6], s, z);
        let kept = |name: &str, read, write| State { name: name.into(), read, write, initial: None };
        m.graph.states = if swap {
            vec![kept("a", a, b), kept("b", b, a)]
        } else {
            vec![kept("a", a, x), kept("b", b, a)]
        };
        if swap {
            let first = (0..6).map(|i| 9 * i - 20);
            let first = if integer {
                Data::I8(first.map(|v| v as i8).collect())
            } else {
                Data::F32(first.map(|v| v as f32).collect())
            };
            m.graph.states[0].initial = Some(first);
        }
        m.graph.outputs = vec![y];
        m.graph.validate().expect("valid");
        m.graph
    };
    [make("delay", false), make("swap", true)]
        .into_iter()
        .map(|direct| {
            let bytes = tflite::write(&direct).expect("a file");
            let read = import::tflite::read(&bytes, &direct.name, Reference::Litert).expect("a model").graph;
            assert_eq!(expected(&read, 9), expected(&direct, 9), "{}", read.to_text());
            read
        })
        .collect()
}

/// Bytes of the outputs of some cases, and of the inputs.
fn expected(graph: &Graph, cases: usize) -> (Vec<u8>, Vec<u8>) {
    let mut rng = Rng(5);
    let mut interpreter = Interpreter::new(graph).expect("valid");
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for _ in 0..cases {
        let bytes = rng.input(graph.tensor(graph.inputs[0]).len());
        if graph.tensor(graph.inputs[0]).dtype == DType::F32 {
            let values: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 31.0).collect();
            interpreter.with_input(&values).expect("run");
            inputs.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        } else {
            interpreter.with_bytes(&bytes).expect("run");
            inputs.extend(bytes.iter().map(|&b| b as u8));
        }
        for id in &graph.outputs {
            outputs.extend(interpreter.floats(*id).iter().flat_map(|v| v.to_le_bytes()));
            outputs.extend(interpreter.bytes(*id).iter().map(|&b| b as u8));
        }
    }
    (inputs, outputs)
}

fn program(kind: &str) -> String {
    format!(
        r#"#include "net.h"
#include <stdio.h>
#include <string.h>
static uint32_t arena[(NET_ARENA_SIZE + 3) / 4];
static {kind} in[NET_INPUT_LEN], out[NET_OUTPUT_LEN];
int main(void)
{{
    net_t handle;
    FILE *from = fopen("inputs.bin", "rb"), *to = fopen("outputs.bin", "wb");
    memset(arena, 0xa5, sizeof arena);
    if (from == NULL || to == NULL || net_init(&handle, arena, sizeof arena) != NET_OK) {{
        return 3;
    }}
    while (fread(in, sizeof in[0], NET_INPUT_LEN, from) == NET_INPUT_LEN) {{
        if (net_invoke(&handle, in, NET_INPUT_LEN, out, NET_OUTPUT_LEN) != NET_OK) {{
            return 4;
        }}
        fwrite(out, sizeof out[0], NET_OUTPUT_LEN, to);
    }}
    return fclose(to) == 0 ? 0 : 7;
}}
"#
    )
}

#[test]
fn every_operator_gives_the_bytes_of_the_interpreter() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let host = target::all().iter().find(|t| t.id == "host").expect("host");
    let mut graphs = vec![
        everything(true, Reference::Litert),
        everything(true, Reference::Tflm),
        everything(false, Reference::Tflm),
        lstm(),
    ];
    graphs.extend([true, false].into_iter().flat_map(lines));
    graphs.push(constants());
    // Recurrent layers that are unrolled, in float and in int8; their weights are written once.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/onnx");
    for name in ["lstm_both_ways", "gru_backward", "classifier", "layer_norm", "rnn_relu", "attention"] {
        let bytes = fs::read(golden.join(format!("{name}.onnx"))).expect("a model");
        let model = onnx::read(&bytes, name, Reference::Litert).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut rng = Rng(3);
        let length = model.graph.tensor(model.graph.inputs[0]).len();
        let windows: Vec<Vec<f32>> =
            (0..40).map(|_| (0..length).map(|_| f32::from(rng.byte()) / 31.0).collect()).collect();
        let int8 = quantize::closest(&model.graph, &windows).unwrap_or_else(|e| panic!("{name}: {e}")).int8;
        graphs.extend([model.graph, int8]);
    }
    for graph in graphs {
        let integer = graph.tensor(graph.inputs[0]).dtype == DType::I8;
        let (inputs, outputs) = expected(&graph, 40);
        for (compiler, flags) in compilers.iter().zip([["-std=c99", "-O2"], ["-std=c99", "-O0"]]) {
            let dir = tempfile::tempdir().expect("a folder");
            let options = Options { prefix: Some("net".into()) };
            for (name, bytes) in compile_graph(&graph, host, &options).expect("C") {
                fs::write(dir.path().join(&name), bytes).expect("written");
            }
            let source = fs::read_to_string(dir.path().join("net.c")).expect("C");
            let layers = source.matches("ew_fully_connected_f32(").count();
            let weights =
                source.lines().filter(|l| l.contains("EW_DATA float") && l.contains("_weights[")).count();
            assert!(layers < 20 || weights <= 8, "{}: {weights} weights of {layers} calls", graph.name);
            fs::write(dir.path().join("main.c"), program(if integer { "int8_t" } else { "float" }))
                .expect("written");
            fs::write(dir.path().join("inputs.bin"), &inputs).expect("written");
            run_on_host(dir.path(), compiler, &flags, &["main.c", "net.c"])
                .unwrap_or_else(|e| panic!("{}: {e}", graph.name));
            let got = fs::read(dir.path().join("outputs.bin")).expect("outputs");
            assert!(got == outputs, "{}, {:?}, {}", graph.name, graph.reference, compiler.program);
            assert!(outputs.iter().any(|b| *b != outputs[0]), "all outputs are alike");
        }
    }
}

#[test]
fn a_state_carries_over_and_is_forgotten_by_a_reset() {
    let graph = everything(true, Reference::Litert);
    let mut interpreter = Interpreter::new(&graph).expect("valid");
    let input = vec![40i8; 72];
    let mut seen = Vec::new();
    for _ in 0..3 {
        interpreter.with_bytes(&input).expect("run");
        seen.push(interpreter.bytes(graph.outputs[1]).to_vec());
    }
    assert_ne!(seen[0], seen[1]);
    interpreter.reset();
    interpreter.with_bytes(&input).expect("run");
    assert_eq!(interpreter.bytes(graph.outputs[1]), seen[0]);
}

/// Reads inputs, writes outputs.
const PROGRAM: &str = r#"
use net::model::{INPUT_LEN, Model, OUTPUT_LEN};
fn main() {
    let bytes = std::fs::read("inputs.bin").unwrap();
    let (mut model, mut all, mut out) = (Model::new(), Vec::new(), [0 as KIND; OUTPUT_LEN]);
    for case in bytes.chunks_exact(INPUT_LEN * size_of::<KIND>()) {
        let mut x = [0 as KIND; INPUT_LEN];
        for (x, b) in x.iter_mut().zip(case.chunks_exact(size_of::<KIND>())) {
            *x = KIND::from_le_bytes(b.try_into().unwrap());
        }
        model.invoke(&x, &mut out).unwrap();
        out.iter().for_each(|v| all.extend(v.to_le_bytes()));
    }
    std::fs::write("outputs.bin", all).unwrap();
}
"#;

fn rustc(dir: &Path, args: &[&str]) {
    let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
    run("rustc", &args, dir, Duration::from_secs(300)).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_crate_without_unsafe_code_gives_the_bytes_of_the_interpreter() {
    let mut graphs = vec![edgewright_test_support::keywords(), lstm()];
    graphs.extend(lines(true));
    graphs.push(constants());
    for (integer, reference) in [(true, Reference::Litert), (false, Reference::Tflm)] {
        graphs.push(everything(integer, reference));
    }
    for graph in graphs {
        let dir = tempfile::tempdir().expect("a folder");
        let options = Options { prefix: Some("net".into()) };
        fs::create_dir(dir.path().join("src")).expect("a folder");
        for (name, bytes) in rust_crate(&graph, &options).expect("a crate") {
            fs::write(dir.path().join(&name), bytes).expect("written");
        }
        let lib = fs::read_to_string(dir.path().join("src/lib.rs")).expect("lib.rs");
        assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
        let kind = if graph.tensor(graph.inputs[0]).dtype == DType::F32 { "f32" } else { "i8" };
        fs::write(dir.path().join("main.rs"), PROGRAM.replace("KIND", kind)).expect("written");
        let (inputs, outputs) = expected(&graph, 5);
        fs::write(dir.path().join("inputs.bin"), inputs).expect("written");
        rustc(
            dir.path(),
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
        rustc(dir.path(), &["--edition", "2024", "--extern", "net=libnet.rlib", "main.rs", "-o", "program"]);
        run("./program", &[], dir.path(), Duration::from_secs(60)).unwrap_or_else(|e| panic!("{e}"));
        assert!(fs::read(dir.path().join("outputs.bin")).expect("outputs") == outputs, "{}", graph.name);
    }
}
