//! Fits the cost table: builds programs of single layers, counts their instructions in QEMU, and writes the file that is
//! named (`crates/compile/src/cost/table.rs`). Takes some minutes; needs arm-none-eabi-gcc and qemu-system-arm.

use edgewright_compile::{
    Options, Target, compile_graph,
    cost::{Class, Work, work},
    harness, target,
};
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Padding, PoolKind, Quant, Tensor, TensorId,
    extra::{BinaryKind, Function, ReduceKind, Sampling},
};
use edgewright_test_support::{Board, Rng, run_on_board};
use edgewright_toolchain::{BoardRun, BoardSpec, host_compilers};
use std::{collections::BTreeMap, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const NONE: Activation = Activation::None;
const LENGTH: usize = 1024;

/// Layers that all read parts of one input.
struct Make {
    graph: Graph,
    rng: Rng,
    integer: bool,
}

impl Make {
    fn new(integer: bool, seed: u64) -> Self {
        let mut made =
            Self { graph: Graph { name: "net".into(), ..Graph::default() }, rng: Rng(seed), integer };
        let x = made.tensor(&[LENGTH], 0.05, -3, integer, None);
        made.graph.inputs = vec![x];
        made
    }

    fn tensor(
        &mut self,
        shape: &[usize],
        scale: f32,
        zero: i32,
        integer: bool,
        data: Option<Data>,
    ) -> TensorId {
        let quant = integer.then(|| Quant { scale: vec![scale], zero_point: zero, axis: 0 });
        let dtype = if integer { DType::I8 } else { DType::F32 };
        let name = format!("t{}", self.graph.tensors.len());
        self.graph.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data })
    }

    fn constant(&mut self, shape: &[usize], scale: f32, extreme: bool) -> TensorId {
        let n: usize = shape.iter().product();
        let data = if self.integer {
            let small = if extreme { 0 } else { 1 };
            Data::I8((0..n).map(|_| self.rng.byte() >> small).collect())
        } else {
            Data::F32((0..n).map(|_| self.rng.unit() as f32 - 0.5).collect())
        };
        self.tensor(shape, scale, 0, self.integer, Some(data))
    }

    fn node(
        &mut self,
        op: Op,
        inputs: Vec<TensorId>,
        shape: &[usize],
        quant: (f32, i32),
        integer: bool,
    ) -> TensorId {
        let output = self.tensor(shape, quant.0, quant.1, integer, None);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs, output });
        output
    }

    /// The first elements of the input in a shape.
    fn part(&mut self, shape: &[usize]) -> TensorId {
        let n = shape.iter().product();
        let x = self.graph.inputs[0];
        let view = Op::Strided { shape: vec![n], strides: vec![1], offset: 0 };
        self.node(view, vec![x], shape, (0.05, -3), self.integer)
    }

    fn layer(&mut self, op: Op, x: &[usize], w: &[usize], outputs: usize, out: &[usize], extreme: bool) {
        let from = self.part(x);
        let weights = self.constant(w, 0.004, extreme);
        let bias = if self.integer {
            let data = Data::I32((0..outputs).map(|i| i as i32 * 3).collect());
            let id = self.tensor(&[outputs], 0.0, 0, false, Some(data));
            self.graph.tensors[id.0 as usize].dtype = DType::I32;
            id
        } else {
            self.constant(&[outputs], 1.0, false)
        };
        self.node(op, vec![from, weights, bias], out, (0.06, 5), self.integer);
    }

    fn conv(&mut self, [h, w, c]: [usize; 3], k: [usize; 2], outputs: usize, extreme: bool) {
        let op = Op::Conv2d { stride: [1, 1], dilation: [1, 1], padding: pad(k), activation: NONE };
        self.layer(op, &[h, w, c], &[outputs, k[0], k[1], c], outputs, &[h, w, outputs], extreme);
    }

    fn depthwise(&mut self, [h, w, c]: [usize; 3], k: [usize; 2]) {
        let (stride, dilation, padding) = ([1, 1], [1, 1], pad(k));
        let op = Op::DepthwiseConv2d { stride, dilation, padding, multiplier: 1, activation: NONE };
        self.layer(op, &[h, w, c], &[k[0], k[1], c], c, &[h, w, c], false);
    }

    fn dense(&mut self, inputs: usize, outputs: usize, extreme: bool) {
        let op = Op::FullyConnected { activation: NONE };
        self.layer(op, &[inputs], &[outputs, inputs], outputs, &[outputs], extreme);
    }

    fn simple(&mut self, op: Op, x: &[usize], out: &[usize], quant: (f32, i32)) {
        let from = self.part(x);
        self.node(op, vec![from], out, quant, self.integer);
    }

    fn of_type(&mut self, shape: &[usize], dtype: DType, data: Data) -> TensorId {
        let id = self.tensor(shape, 0.0, 0, false, Some(data));
        self.graph.tensors[id.0 as usize].dtype = dtype;
        id
    }

    /// Complete trees over 12 values.
    fn trees(&mut self, count: usize, splits: usize, width: usize) {
        let x = self.part(&[12]);
        let (mut nodes, mut sizes) = (Vec::new(), Vec::new());
        for t in 0..count {
            sizes.extend([splits as i32, 0]);
            for i in 0..splits {
                let child = |c: usize| if c < splits { c as i32 } else { !((c - splits) as i32) };
                let threshold =
                    if self.integer { self.rng.below(120) as i32 - 60 } else { self.rng.below(40) as i32 };
                nodes.extend([((t + i) % 12) as i32, threshold, child(2 * i + 1), child(2 * i + 2)]);
            }
        }
        let rows = count * (splits + 1);
        let leaves: Vec<i32> = (0..rows * width).map(|i| (i % 90) as i32 * 100).collect();
        let nodes = self.of_type(&[count * splits, 4], DType::I32, Data::I32(nodes));
        let sizes = self.of_type(&[count, 2], DType::I32, Data::I32(sizes));
        let leaves = if self.integer {
            self.of_type(&[rows, width], DType::I32, Data::I32(leaves))
        } else {
            let leaves = leaves.into_iter().map(|v| v as f32).collect();
            self.of_type(&[rows, width], DType::F32, Data::F32(leaves))
        };
        let base = self.of_type(&[width], DType::F32, Data::F32(vec![0.0; width]));
        let mut inputs = vec![x, nodes, sizes, leaves, base];
        if !self.integer {
            let thresholds = (0..40).map(|i| i as f32 / 20.0 - 1.0).collect();
            inputs.push(self.of_type(&[40], DType::F32, Data::F32(thresholds)));
        }
        let op = Op::TreeEnsemble { shared: false, scale: 1.0 };
        self.node(op, inputs, &[width], (0.0, 0), false);
    }

    fn pair(&mut self, op: Op, x: &[usize]) {
        let from = self.part(x);
        let second = self.constant(x, 0.05, false);
        self.node(op, vec![from, second], x, (0.05, 0), self.integer);
    }
}

fn pad(k: [usize; 2]) -> Padding {
    Padding { top: (k[0] - 1) / 2, bottom: k[0] / 2, left: (k[1] - 1) / 2, right: k[1] / 2 }
}

type Layer = Box<dyn Fn(&mut Make)>;

/// Layers of all kinds; each alone, and all in one program.
fn layers(integer: bool) -> Vec<Layer> {
    let mut all: Vec<Layer> = Vec::new();
    let mut add = |f: Layer| all.push(f);
    for extreme in [false, true] {
        if extreme && !integer {
            continue;
        }
        for (x, k, o) in [
            ([8, 8, 8], [1, 1], 16),
            ([6, 5, 32], [1, 1], 8),
            ([8, 8, 3], [3, 3], 8),
            ([6, 6, 8], [3, 3], 12),
            ([16, 4, 1], [8, 4], 16),
            ([4, 4, 24], [1, 1], 40),
        ] {
            add(Box::new(move |m| m.conv(x, k, o, extreme)));
        }
        for (n, o) in [(64, 16), (33, 5), (256, 24), (128, 64)] {
            add(Box::new(move |m| m.dense(n, o, extreme)));
        }
    }
    for (x, k) in [
        ([8, 8, 8], [3, 3]),
        ([12, 10, 6], [3, 3]),
        ([6, 5, 24], [3, 3]),
        ([16, 16, 4], [3, 3]),
        ([8, 8, 8], [5, 5]),
        ([10, 10, 6], [4, 2]),
        ([20, 5, 8], [5, 1]),
    ] {
        add(Box::new(move |m| m.depthwise(x, k)));
    }
    for kind in [PoolKind::Max, PoolKind::Average] {
        for (k, o) in [(2usize, 4usize), (4, 2), (8, 1)] {
            let (kernel, stride, padding) = ([k, k], [k, k], Padding::default());
            let op = Op::Pool2d { kind, kernel, stride, padding, activation: NONE };
            add(Box::new(move |m| m.simple(op.clone(), &[8, 8, 8], &[o, o, 8], (0.05, -3))));
        }
    }
    for n in [64usize, 700] {
        let one = [n];
        add(Box::new(move |m| m.pair(Op::Binary { kind: BinaryKind::Add, activation: NONE }, &one)));
        add(Box::new(move |m| m.pair(Op::Binary { kind: BinaryKind::Mul, activation: NONE }, &one)));
        let clamp = Op::Activate { activation: Activation::Relu6 };
        add(Box::new(move |m| m.simple(clamp.clone(), &one, &one, (0.05, -3))));
        let function = Op::Unary { function: Function::Logistic };
        add(Box::new(move |m| m.simple(function.clone(), &one, &one, (1.0 / 256.0, -128))));
        let turned = Op::Strided { shape: vec![n / 4, 4], strides: vec![1, (n / 4) as isize], offset: 0 };
        add(Box::new(move |m| m.simple(turned.clone(), &one, &one, (0.05, -3))));
        let padded = Op::Pad { shape: vec![n / 4, 4], before: vec![1, 0], after: vec![1, 0], value: 0.0 };
        add(Box::new(move |m| m.simple(padded.clone(), &one, &[n + 8], (0.05, -3))));
        for kind in [ReduceKind::Mean, ReduceKind::Sum] {
            let op = Op::Reduce { kind, count: n / 4, inner: 4 };
            add(Box::new(move |m| m.simple(op.clone(), &one, &[4], (0.05, 2))));
        }
        add(Box::new(move |m| {
            let (a, b) = (m.part(&[n / 2]), m.part(&[n / 2]));
            m.node(Op::Concat { outer: 2 }, vec![a, b], &[n / 2 * 2], (0.05, -3), m.integer);
        }));
    }
    for n in [4usize, 12, 40] {
        add(Box::new(move |m| m.simple(Op::Softmax, &[n], &[n], (1.0 / 256.0, -128))));
    }
    for o in [6usize, 12] {
        let op = Op::ResizeBilinear { sampling: Sampling::default() };
        add(Box::new(move |m| m.simple(op.clone(), &[4, 4, 4], &[o, o, 4], (0.05, -3))));
    }
    for n in [64usize, 640] {
        add(Box::new(move |m| {
            let x = m.part(&[n]);
            let op = if m.integer { Op::Dequantize } else { Op::Quantize };
            let (quant, integer) = ((0.05, 3), !m.integer);
            m.node(op, vec![x], &[n], quant, integer);
        }));
    }
    for (trees, splits, width) in [(10usize, 15usize, 1usize), (40, 31, 1), (10, 15, 4), (60, 63, 3)] {
        add(Box::new(move |m| m.trees(trees, splits, width)));
    }
    if !integer {
        for (components, n) in [(2usize, 4usize), (3, 8), (6, 12)] {
            add(Box::new(move |m| {
                let x = m.part(&[n]);
                let parts =
                    [vec![n], vec![components, n], vec![components, n * (n + 1) / 2], vec![components]];
                let mut inputs = vec![x];
                inputs.extend(parts.iter().map(|s| m.constant(s, 1.0, false)));
                let op = Op::GmmScore { axes: (0..n).collect(), diagonal: false, centre: 0.0, scale: 1.0 };
                m.node(op, inputs, &[1], (0.0, 0), false);
            }));
        }
        for edges in [7usize, 31, 127] {
            add(Box::new(move |m| {
                let x = m.part(&[12]);
                let counts = Data::I32(vec![edges as i32; 12]);
                let counts = m.of_type(&[12], DType::I32, counts);
                let edges: Vec<f32> =
                    (0..12 * edges).map(|i| ((i % edges) as f32 / edges as f32) * 2.0 - 1.0).collect();
                let edges = m.of_type(&[edges.len()], DType::F32, Data::F32(edges));
                m.node(Op::Bucketize, vec![x, counts, edges], &[12], (1.0, -128), true);
            }));
        }
        for (clusters, n) in [(8usize, 6usize), (20, 12)] {
            add(Box::new(move |m| {
                let x = m.part(&[n]);
                let parts = [vec![n], vec![n], vec![clusters, n], vec![clusters]];
                let mut inputs = vec![x];
                inputs.extend(parts.iter().map(|s| m.constant(s, 1.0, false)));
                m.node(Op::KMeansScore { axes: (0..n).collect() }, inputs, &[1], (0.0, 0), false);
            }));
        }
    }
    all
}

fn measure(graph: &Graph, target: &Target) -> Result<(BoardRun, u64)> {
    let dir = tempfile::tempdir()?;
    let options = Options { prefix: Some("net".into()) };
    for (name, bytes) in compile_graph(graph, target, &options)? {
        fs::write(dir.path().join(name), bytes)?;
    }
    fs::write(dir.path().join("main.c"), harness::graph_main(graph, "net", true))?;
    let mut rng = Rng(3);
    let n = graph.tensor(graph.inputs[0]).len();
    let bytes: Vec<u8> = if graph.tensor(graph.inputs[0]).dtype == DType::F32 {
        (0..n).flat_map(|_| (rng.unit() as f32 * 2.0 - 1.0).to_le_bytes()).collect()
    } else {
        (0..n).map(|_| rng.byte() as u8).collect()
    };
    fs::write(dir.path().join("inputs.bin"), bytes)?;
    let b = target.board.as_ref().ok_or("a board")?;
    let board = Board {
        spec: BoardSpec {
            machine: b.machine.clone(),
            flags: b.flags.clone(),
            code: (b.code_base, b.code_bytes),
            ram: (b.ram_base, b.ram_bytes),
        },
        files: [harness::BOARD, harness::BOARD_HEADER, harness::LINKER_SCRIPT, harness::COUNTER],
        marks: harness::MARKS,
    };
    let host = host_compilers().into_iter().next().ok_or("no C compiler")?;
    let run = run_on_board(dir.path(), &board, &host, "-O3", &["net.c", "main.c"])?;
    let stack = fs::read(dir.path().join("stack.bin"))?;
    Ok((run, u64::from(u32::from_le_bytes([stack[0], stack[1], stack[2], stack[3]]))))
}

/// Coefficients that are not negative and give the smallest relative errors.
fn fit(samples: &[([f64; 4], f64)]) -> [f64; 4] {
    let mut a = [0.0; 4];
    for _ in 0..20_000 {
        for k in 0..4 {
            let (mut up, mut down) = (0.0, 1e-12);
            for (x, y) in samples {
                let rest: f64 = (0..4).filter(|&j| j != k).map(|j| a[j] * x[j]).sum();
                up += x[k] / y * (y - rest) / y;
                down += x[k] / y * x[k] / y;
            }
            a[k] = (up / down).max(0.0);
        }
    }
    a
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).ok_or("the file to write is missing")?;
    let mut rows: BTreeMap<(&str, &str), ([f64; 4], u32)> = BTreeMap::new();
    let mut bases = Vec::new();
    for (class, id) in [
        (Class::Dsp, "cortex-m4f"),
        (Class::Helium, "cortex-m55"),
        (Class::V7m, "cortex-m3"),
        (Class::V6m, "cortex-m0plus"),
    ] {
        let target = target::all().iter().find(|t| t.id == id).ok_or(id)?;
        let mut samples: BTreeMap<&str, Vec<([f64; 4], f64)>> = BTreeMap::new();
        let (mut codes, mut deepest): (BTreeMap<&str, u32>, u64) = (BTreeMap::new(), 0);
        // A program that only moves its input.
        let mut empty = Make::new(true, 1);
        let x = empty.part(&[64]);
        empty.graph.outputs = vec![x];
        let (run, _) = measure(&empty.graph, target)?;
        let strided = 300;
        let base = run.flash_bytes as u32 - strided;
        for integer in [true, false] {
            for layer in layers(integer) {
                let mut m = Make::new(integer, 5);
                layer(&mut m);
                m.graph.outputs = m.graph.nodes.last().map(|n| n.output).into_iter().collect();
                m.graph.validate()?;
                let works: Vec<Work> = work(&m.graph, target)?;
                let (run, stack) = match measure(&m.graph, target) {
                    Ok(measured) => measured,
                    Err(e) => {
                        eprintln!("{id}: {:?}: {e}", works.last().map(|w| w.kernel));
                        continue;
                    }
                };
                deepest = deepest.max(stack);
                let counts = run.counts.ok_or("nothing was counted")?;
                let Some(w) = works.last() else { continue };
                let Some(steps) = counts.steps.last() else { continue };
                eprintln!("{id} {}: {:?}, {steps}, flash {}", w.kernel, w.amounts, run.flash_bytes);
                samples.entry(w.kernel).or_default().push((w.amounts, *steps as f64));
                let held: usize = works.iter().map(|w| w.constants + w.own_code).sum();
                let code = (run.flash_bytes as u32).saturating_sub(base + strided + held as u32 + 24);
                let most = codes.entry(w.kernel).or_default();
                *most = code.max(*most);
            }
        }
        for (kernel, samples) in &samples {
            let a = fit(samples);
            let worst = samples
                .iter()
                .map(|(x, y)| (x.iter().zip(a).map(|(x, a)| x * a).sum::<f64>() / y - 1.0).abs())
                .fold(0.0, f64::max);
            eprintln!("{id} {kernel}: {a:?}, worst {:.0} %", 100.0 * worst);
            let a = a.map(|v| (v * 1000.0).round() / 1000.0);
            rows.insert((class.name(), kernel), (a, codes[kernel]));
        }
        bases.push((class.name(), base, deepest));
    }
    let mut out = String::from(
        "//! Made by `cargo run --release -p edgewright-compile --example calibrate -- crates/compile/src/cost/table.rs`.\n\n",
    );
    out.push_str("/// Class, flash of a program without a kernel, deepest stack; in bytes.\n");
    out.push_str("pub const BASE: &[(&str, u32, u64)] = &[\n");
    for (class, base, stack) in bases {
        out.push_str(&format!("    ({class:?}, {base}, {stack}),\n"));
    }
    out.push_str(
        "];\n\n/// Class, kernel, instructions for each of [`super::Work::amounts`], bytes of code.\n",
    );
    out.push_str("pub const TABLE: &[(&str, &str, [f64; 4], u32)] = &[\n");
    for ((class, kernel), (a, code)) in rows {
        let a: Vec<String> = a.iter().map(|v| format!("{v:?}")).collect();
        out.push_str(&format!("    ({class:?}, {kernel:?}, [{}], {code}),\n", a.join(", ")));
    }
    out.push_str("];\n");
    fs::write(&path, out)?;
    Ok(())
}
