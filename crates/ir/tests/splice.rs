//! Graphs cut and put together.

use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Padding, Tensor, TensorId,
    interpret::Interpreter,
    splice::{front, join},
};

/// A float graph under construction.
struct Made(Graph, TensorId);

impl Made {
    fn new(shape: &[usize]) -> Self {
        let mut graph = Graph { name: "made".into(), ..Graph::default() };
        let id = graph.push_tensor(flow("input", shape));
        graph.inputs = vec![id];
        Self(graph, id)
    }
    fn node(&mut self, name: &str, op: Op, constants: &[(&[usize], f32)], shape: &[usize]) -> TensorId {
        let mut inputs = vec![self.1];
        for (i, (shape, size)) in constants.iter().enumerate() {
            let n: usize = shape.iter().product();
            // Values of both signs that do not repeat.
            let data =
                (0..n).map(|k| (((k * 37 + i * 11 + name.len() * 5) % 19) as f32 - 9.0) * size).collect();
            let t = Tensor { data: Some(Data::F32(data)), ..flow(&format!("{name}_{i}"), shape) };
            inputs.push(self.0.push_tensor(t));
        }
        let output = self.0.push_tensor(flow(&format!("{name}_out"), shape));
        self.0.nodes.push(Node { name: name.into(), op, inputs, output });
        self.1 = output;
        output
    }
    fn conv(&mut self, name: &str, [h, w, c]: [usize; 3], out: usize, padded: bool) {
        let (kernel, pad) = if padded { (3, 1) } else { (1, 0) };
        let op = Op::Conv2d {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding { top: pad, bottom: pad, left: pad, right: pad },
            activation: Activation::Relu,
        };
        self.node(name, op, &[(&[out, kernel, kernel, c], 0.05), (&[out], 0.1)], &[h, w, out]);
    }
    fn dense(&mut self, name: &str, n: usize, out: usize) {
        let op = Op::FullyConnected { activation: Activation::None };
        self.node(name, op, &[(&[out, n], 0.05), (&[out], 0.1)], &[out]);
    }
    fn done(mut self) -> Graph {
        self.0.outputs = vec![self.1];
        self.0.validate().expect("valid");
        self.0
    }
}

fn flow(name: &str, shape: &[usize]) -> Tensor {
    Tensor { name: name.into(), shape: shape.to_vec(), dtype: DType::F32, quant: None, data: None }
}

fn run(graph: &Graph, input: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; graph.tensor(graph.outputs[0]).len()];
    Interpreter::new(graph).expect("valid").run(input, &mut out).expect("runs");
    out
}

fn input(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 29 + 3) % 23) as f32 / 7.0 - 1.5).collect()
}

/// Convolution, a block with two ways, convolution, a list, dense, softmax.
fn whole() -> Graph {
    let mut m = Made::new(&[4, 4, 2]);
    m.conv("one", [4, 4, 2], 3, true);
    let start = m.1;
    m.conv("two", [4, 4, 3], 3, true);
    m.node("sum", Op::Add { activation: Activation::None }, &[], &[4, 4, 3]);
    if let Some(n) = m.0.nodes.last_mut() {
        n.inputs.push(start);
    }
    m.conv("three", [4, 4, 3], 2, true);
    m.node("list", Op::Reshape, &[], &[32]);
    m.dense("four", 32, 3);
    m.node("shares", Op::Softmax, &[], &[3]);
    m.done()
}

/// The nodes of `whole` behind its first layers, on their own; `normalised` puts a normalisation before them.
fn head(shape: &[usize], padded: Option<bool>, columns: usize) -> Graph {
    let n: usize = shape.iter().product();
    let mut m = Made::new(&[n]);
    m.node("normalize", Op::Normalize, &[(&[columns], 0.3), (&[columns], 0.2)], &[n]);
    m.node("input", Op::Reshape, &[], shape);
    if let Some(padded) = padded {
        m.conv("own", [shape[0], shape[1], shape[2]], 2, padded);
        m.dense("last", shape[0] * shape[1] * 2, 3);
    } else {
        m.dense("last", n, 3);
    }
    m.node("softmax", Op::Softmax, &[], &[3]);
    m.done()
}

#[test]
fn a_front_computes_what_the_whole_computes_there() {
    let graph = whole();
    let x = input(32);
    let mut all = Interpreter::new(&graph).expect("valid");
    all.with_input(&x).expect("runs");
    for (layers, ends) in
        [(Some(1), "one"), (Some(2), "sum"), (Some(3), "three"), (None, "three"), (Some(4), "four")]
    {
        let cut = front(&graph, layers).expect("can be cut");
        assert_eq!((cut.layers, cut.of), (layers.unwrap_or(3), 4));
        assert_eq!(cut.graph.nodes.last().expect("a node").name, ends);
        let node = graph.nodes.iter().find(|n| n.name == ends).expect("there");
        assert_eq!(run(&cut.graph, &x), all.floats(node.output), "{ends}");
        assert_eq!(cut.graph.tensor(cut.graph.outputs[0]).shape, graph.tensor(node.output).shape);
        // Nothing of the rest is carried along.
        assert!(cut.graph.tensors.iter().all(|t| ends == "four" || !t.name.starts_with("four")));
    }
}

#[test]
fn where_a_graph_cannot_be_cut_it_says_where_it_can() {
    let told = |layers| front(&whole(), Some(layers)).expect_err("cannot").to_string();
    assert!(
        told(9).contains("cannot be cut behind 9 of its 4 layers with weights; it can behind 1, 2, 3, 4"),
        "{}",
        told(9)
    );
    assert!(told(0).contains("keeps at least 1"), "{}", told(0));
    // A second layer on the other way: behind one of the two, the other is still to come.
    let mut m = Made::new(&[4, 4, 2]);
    m.conv("one", [4, 4, 2], 2, true);
    let start = m.1;
    m.conv("left", [4, 4, 2], 2, true);
    let left = m.1;
    m.1 = start;
    m.conv("right", [4, 4, 2], 2, true);
    m.node("sum", Op::Add { activation: Activation::None }, &[], &[4, 4, 2]);
    if let Some(n) = m.0.nodes.last_mut() {
        n.inputs.push(left);
    }
    m.dense("last", 32, 2);
    let graph = m.done();
    let told = front(&graph, Some(2)).expect_err("cannot").to_string();
    assert!(told.contains("it can behind 1, 3, 4"), "{told}");
}

#[test]
fn front_and_head_are_one_graph() {
    let graph = whole();
    let cut = front(&graph, Some(2)).expect("can be cut").graph;
    let x = input(32);
    let between = run(&cut, &x);
    // A dense head and one of a convolution of one element take the normalisation over; one with padding cannot.
    for (padded, columns, nodes) in
        [(None, 48, 2), (None, 3, 2), (Some(false), 3, 3), (Some(false), 48, 7), (Some(true), 3, 7)]
    {
        let head = head(&[4, 4, 3], padded, columns);
        let joined = join(&cut, &head).expect("fits");
        let (seen, wanted) = (run(&joined, &x), run(&head, &between));
        let far = seen.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            far < 1e-5 && wanted.iter().any(|v| (0.05..0.95).contains(v)),
            "{padded:?} {columns}: {seen:?} {wanted:?}"
        );
        let names: Vec<&str> = joined.nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(joined.nodes.len(), cut.nodes.len() + nodes, "{padded:?} {columns}: {names:?}");
        assert!(names.starts_with(&["backbone_one", "backbone_two", "backbone_sum"]), "{names:?}");
    }
    let told = join(&cut, &head(&[2, 2, 3], None, 3)).expect_err("does not fit").to_string();
    assert!(told.contains("it takes 12 values, but the backbone gives [4, 4, 3]"), "{told}");
}
