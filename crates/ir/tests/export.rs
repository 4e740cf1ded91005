//! What is exported and read back gives the same bytes.

use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Quant, Tensor, TensorId, export,
    extra::{BinaryKind, Function, ReduceKind, Reference, Sampling, State},
    import::{onnx, tflite},
    interpret::Interpreter,
};
use edgewright_test_support::{
    Rng, anomaly, image_classification, keywords,
    random::{distort, float_graph, integer_graph},
    visual_wake_words,
};

/// Outputs of some runs in order, as bits.
fn outputs(graph: &Graph, runs: usize) -> Vec<u32> {
    let mut interpreter = Interpreter::new(graph).expect("valid");
    let mut rng = Rng(11);
    let x = graph.tensor(graph.inputs[0]);
    let mut out = Vec::new();
    for _ in 0..runs {
        let input = rng.input(x.len());
        if x.dtype == DType::F32 {
            let values: Vec<f32> = input.iter().map(|&v| f32::from(v) / 40.0).collect();
            interpreter.with_input(&values).expect("run");
        } else {
            interpreter.with_bytes(&input).expect("run");
        }
        for id in &graph.outputs {
            out.extend(interpreter.floats(*id).iter().map(|v| v.to_bits()));
            out.extend(interpreter.bytes(*id).iter().map(|&v| v as u8 as u32));
        }
    }
    out
}

fn round_trip(graph: &Graph) -> Graph {
    let bytes = export::tflite::write(graph).unwrap_or_else(|e| panic!("{}: {e}", graph.name));
    let again =
        tflite::read(&bytes, &graph.name, graph.reference).unwrap_or_else(|e| panic!("{}: {e}", graph.name));
    assert_eq!(outputs(&again.graph, 4), outputs(graph, 4), "{}", again.graph.to_text());
    again.graph
}

/// The same by way of an ONNX file.
fn onnx_round_trip(graph: &Graph) -> Graph {
    let bytes = export::onnx::write(graph).unwrap_or_else(|e| panic!("{}: {e}", graph.name));
    let again =
        onnx::read(&bytes, &graph.name, graph.reference).unwrap_or_else(|e| panic!("{}: {e}", graph.name));
    assert_eq!(
        outputs(&again.graph, 4),
        outputs(graph, 4),
        "{}\nread back as\n{}{:?}",
        graph.to_text(),
        again.graph.to_text(),
        again.notes
    );
    again.graph
}

#[test]
fn reference_models_come_back_from_onnx_to_the_last_bit() {
    for graph in [keywords(), image_classification(), anomaly(), visual_wake_words()] {
        for reference in [Reference::Litert, Reference::Tflm] {
            let graph = Graph { reference, ..graph.clone() };
            let again = onnx_round_trip(&graph);
            // The same operators, none of them in float, and nothing turned on the way.
            let names = |g: &Graph| g.nodes.iter().map(|n| n.op.clone()).collect::<Vec<_>>();
            assert_eq!(names(&again), names(&graph), "{}", again.to_text());
        }
    }
}

#[test]
fn random_graphs_come_back_from_onnx_to_the_last_bit() {
    let mut refused = 0;
    for seed in 0..400 {
        let float = float_graph(seed, None);
        onnx_round_trip(&float);
        let mut integer = integer_graph(&float, seed);
        for reference in [Reference::Litert, Reference::Tflm] {
            integer.reference = reference;
            let again = onnx_round_trip(&integer);
            let layers = |g: &Graph| {
                let layer = |op: &Op| {
                    !matches!(op, Op::Normalize | Op::Binary { .. } | Op::Reshape | Op::Strided { .. })
                };
                let real = g.nodes.iter().filter(|n| layer(&n.op) && g.tensor(n.output).dtype == DType::F32);
                real.count()
            };
            assert_eq!(layers(&again), layers(&integer), "{}\n{}", integer.to_text(), again.to_text());
        }
        distort(&mut integer, seed);
        if integer.validate().is_ok() && integer.nodes.iter().all(|n| integer.lower(n).is_ok()) {
            onnx_round_trip(&integer);
        } else {
            refused += 1;
        }
    }
    assert!(refused < 100, "{refused}");
}

#[test]
fn every_operator_comes_back_from_onnx_to_the_last_bit() {
    for integer in [true, false] {
        let mut graph = everything(integer);
        let error = export::onnx::write(&graph).expect_err("a state").to_string();
        assert!(error.contains("line"), "{error}");
        // What was kept is the same constant in every run.
        let state = graph.states.remove(0);
        graph.tensors[state.read.0 as usize].data = state.initial;
        let once = onnx_round_trip(&graph);
        onnx_round_trip(&once);
    }
}

#[test]
fn reference_models_come_back_to_the_last_bit() {
    for graph in [keywords(), image_classification(), anomaly()] {
        for reference in [Reference::Litert, Reference::Tflm] {
            round_trip(&Graph { reference, ..graph.clone() });
        }
    }
    assert_eq!(round_trip(&visual_wake_words()).macs(), visual_wake_words().macs());
}

struct Make {
    graph: Graph,
    integer: bool,
}

impl Make {
    fn tensor(&mut self, shape: &[usize], scale: f32, zero: i32, data: Option<Data>) -> TensorId {
        let quant = self.integer.then(|| Quant { scale: vec![scale], zero_point: zero, axis: 0 });
        let dtype = if self.integer { DType::I8 } else { DType::F32 };
        let name = format!("t{}", self.graph.tensors.len());
        self.graph.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data })
    }
    fn node(&mut self, op: Op, inputs: &[TensorId], shape: &[usize], scale: f32, zero: i32) -> TensorId {
        let output = self.tensor(shape, scale, zero, None);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), output });
        output
    }
    fn constant(&mut self, shape: &[usize], scale: f32, zero: i32) -> TensorId {
        let n: usize = shape.iter().product();
        let values = (0..n).map(|i| (i * 7 % 23) as i32 - 11);
        let data = if self.integer {
            Data::I8(values.map(|v| v as i8).collect())
        } else {
            Data::F32(values.map(|v| v as f32 / 9.0).collect())
        };
        self.tensor(shape, scale, zero, Some(data))
    }
}

/// Every operator that has a counterpart, with a state.
fn everything(integer: bool) -> Graph {
    let graph = Graph { name: "all".into(), reference: Reference::Litert, ..Graph::default() };
    let mut m = Make { graph, integer };
    let (s, z) = (0.05, -7);
    let x = m.tensor(&[4, 6, 3], s, z, None);
    m.graph.inputs = vec![x];
    let c = m.constant(&[4, 6, 3], 0.02, 3);
    let mut now = x;
    for function in [
        Function::LeakyRelu(0.2),
        Function::HardSwish,
        Function::Gelu,
        Function::Tanh,
        Function::Elu(1.0),
        Function::Exp,
        Function::Abs,
        Function::Neg,
        Function::Square,
    ] {
        now = m.node(Op::Unary { function }, &[now], &[4, 6, 3], s, z);
        let activation = Activation::ReluN1To1;
        now = m.node(Op::Binary { kind: BinaryKind::Sub, activation }, &[now, c], &[4, 6, 3], s, z);
    }
    for kind in [BinaryKind::Add, BinaryKind::Mul] {
        now = m.node(Op::Binary { kind, activation: Activation::Relu6 }, &[now, c], &[4, 6, 3], s, z);
        now = m.node(Op::Binary { kind, activation: Activation::None }, &[now, x], &[4, 6, 3], s, z);
    }
    now = m.node(Op::Add { activation: Activation::None }, &[now, x], &[4, 6, 3], s, z);
    now = m.node(Op::Activate { activation: Activation::Relu6 }, &[now], &[4, 6, 3], s, z);
    for kind in [BinaryKind::Maximum, BinaryKind::Minimum] {
        now = m.node(Op::Binary { kind, activation: Activation::None }, &[now, x], &[4, 6, 3], s, z);
    }
    // A layer whose padding is neither none nor the usual one.
    let weights = m.constant(&[5, 3, 2, 3], 0.01, 0);
    let bias = m.constant(&[5], 1.0, 0);
    if integer {
        m.graph.tensors[bias.0 as usize].dtype = DType::I32;
        m.graph.tensors[bias.0 as usize].quant = None;
        m.graph.tensors[bias.0 as usize].data = Some(Data::I32(vec![5, -40, 300, 0, 9]));
    }
    let padding = Padding { top: 2, bottom: 0, left: 0, right: 1 };
    let op = Op::Conv2d { stride: [1, 1], dilation: [1, 1], padding, activation: Activation::Relu };
    let conv = m.node(op, &[now, weights, bias], &[4, 6, 5], s, z);
    let pool = Op::Pool2d {
        kind: PoolKind::Average,
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding { top: 0, bottom: 1, left: 0, right: 1 },
        activation: Activation::None,
    };
    let pooled = m.node(pool, &[conv], &[2, 3, 5], s, z);
    let flat = m.node(Op::Reshape, &[pooled], &[30], s, z);
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
    let wide = Op::Strided { shape: vec![2, 3, 5], strides: vec![0, 1, 0], offset: 4 };
    let wide = m.node(wide, &[flat], &[30], s, z);
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
    let initial = if integer { Data::I8(vec![1, 2, 3, 4, 5]) } else { Data::F32(vec![0.5; 5]) };
    m.graph.states = vec![State { name: "line".into(), read: state, write: shifted, initial: Some(initial) }];
    let logits = m.node(Op::Unary { function: Function::Logistic }, &[line], &[6], 1.0 / 256.0, -128);
    let p = m.node(Op::Softmax, &[flat], &[30], 1.0 / 256.0, -128);
    m.graph.outputs = vec![p, logits, wide];
    m.graph.validate().expect("valid");
    m.graph
}

#[test]
fn every_operator_comes_back_to_the_last_bit() {
    for integer in [true, false] {
        let graph = everything(integer);
        let once = round_trip(&graph);
        // Once more, now with what the first trip added.
        round_trip(&once);
        let out = outputs(&graph, 4);
        assert!(out.iter().any(|v| *v != out[0]), "all outputs are alike");
    }
}

#[test]
fn what_has_no_counterpart_is_named() {
    let mut m = Make { graph: Graph { name: "windows".into(), ..Graph::default() }, integer: false };
    let x = m.tensor(&[10], 0.0, 0, None);
    m.graph.inputs = vec![x];
    let windows = Op::Strided { shape: vec![8, 3], strides: vec![1, 1], offset: 0 };
    let y = m.node(windows, &[x], &[8, 3], 0.0, 0);
    m.graph.outputs = vec![y];
    let error = export::tflite::write(&m.graph).expect_err("overlapping windows").to_string();
    assert!(error.contains("n0") && error.contains("strided"), "{error}");
}
