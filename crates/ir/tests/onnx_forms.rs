//! Forms of ONNX operators against a plain reference: ranks, layouts, broadcasting, axes, rounding, and what is refused.

use edgewright_ir::{
    extra::Reference,
    import::onnx,
    interpret::{Interpreter, Values},
};
use edgewright_test_support::Rng;

fn varint(mut v: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while v > 127 {
        out.push(v as u8 | 128);
        v >>= 7;
    }
    out.push(v as u8);
    out
}

/// A field with a length.
fn field(number: u64, contents: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(contents.len() as u64), contents.to_vec()].concat()
}

/// A field of a number.
fn int(number: u64, v: i64) -> Vec<u8> {
    [varint(number << 3), varint(v as u64)].concat()
}

fn tensor(name: &str, shape: &[usize], kind: i64, raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&d| int(1, d as i64)).collect();
    [dims, int(2, kind), field(8, name.as_bytes()), field(9, raw)].concat()
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    tensor(name, shape, 1, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

fn longs(name: &str, shape: &[usize], values: &[i64]) -> Vec<u8> {
    tensor(name, shape, 7, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

fn number(name: &str, v: i64) -> Vec<u8> {
    [field(1, name.as_bytes()), int(3, v)].concat()
}

fn numbers(name: &str, v: &[i64]) -> Vec<u8> {
    [field(1, name.as_bytes()), v.iter().flat_map(|&v| int(8, v)).collect()].concat()
}

fn word(name: &str, v: &str) -> Vec<u8> {
    [field(1, name.as_bytes()), field(4, v.as_bytes())].concat()
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut out: Vec<u8> = inputs.iter().flat_map(|i| field(1, i.as_bytes())).collect();
    out.extend([field(2, output.as_bytes()), field(4, kind.as_bytes())].concat());
    out.extend(attributes.iter().flat_map(|a| field(5, a)));
    out
}

/// A model from `x` of this shape to `y`.
fn model(nodes: &[Vec<u8>], constants: &[Vec<u8>], shape: &[usize], operators: i64) -> Vec<u8> {
    let extents: Vec<u8> = shape.iter().flat_map(|&d| field(1, &int(1, d as i64))).collect();
    let kind = field(1, &[int(1, 1), field(2, &extents)].concat());
    let mut graph: Vec<u8> = nodes.iter().flat_map(|n| field(1, n)).collect();
    graph.extend(constants.iter().flat_map(|c| field(5, c)));
    graph.extend(field(11, &[field(1, b"x"), field(2, &kind)].concat()));
    graph.extend(field(12, &field(1, b"y")));
    [field(7, &graph), field(8, &[field(1, b""), int(2, operators)].concat())].concat()
}

/// What a model makes of `x`, and the shape of it.
fn run(bytes: &[u8], x: &[f32]) -> Result<(Vec<f32>, Vec<usize>), String> {
    let made = onnx::read(bytes, "forms", Reference::Litert).map_err(|e| e.to_string())?;
    let mut out = vec![0.0; made.graph.tensor(made.graph.outputs[0]).len()];
    let mut interpreter = Interpreter::new(&made.graph).map_err(|e| e.to_string())?;
    interpreter.run(x, &mut out).map_err(|e| e.to_string())?;
    Ok((out, made.shapes[1].clone()))
}

fn near(bytes: &[u8], x: &[f32], wanted: &[f32]) {
    let (got, _) = run(bytes, x).unwrap_or_else(|e| panic!("{e}"));
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 + 1e-4 * b.abs();
    assert!(got.len() == wanted.len() && got.iter().zip(wanted).all(close), "{got:?}, expected {wanted:?}");
}

fn refused(bytes: &[u8], x: &[f32], reason: &str) {
    let error = run(bytes, x).expect_err("refused");
    assert!(error.contains(reason), "{error}");
}

const SOFTMAX_OF_1_TO_4: [f32; 4] = [0.032_058_604, 0.087_144_32, 0.236_882_82, 0.643_914_3];

#[test]
fn a_row_of_a_softmax_is_that_of_its_axis() {
    let axis = |a| node("Softmax", &["x"], "y", &[number("axis", a)]);
    near(&model(&[axis(1)], &[], &[1, 4, 1, 1], 17), &[1.0, 2.0, 3.0, 4.0], &SOFTMAX_OF_1_TO_4);
    // A place of the last axis leaves another one last.
    let gather = node("Gather", &["x", "i"], "g", &[number("axis", 2)]);
    let softmax = node("Softmax", &["g"], "y", &[number("axis", -1)]);
    let x = [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0];
    near(&model(&[gather, softmax], &[longs("i", &[], &[1])], &[1, 4, 2], 17), &x, &SOFTMAX_OF_1_TO_4);
    refused(&model(&[axis(1)], &[], &[1, 2, 2], 17), &[0.0; 4], "last axis");
}

#[test]
fn before_operator_set_13_a_softmax_takes_all_axes_behind_its_own() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let plain = node("Softmax", &["x"], "y", &[]);
    near(&model(std::slice::from_ref(&plain), &[], &[1, 2, 2], 11), &x, &SOFTMAX_OF_1_TO_4);
    let pairs = [0.268_941_43, 0.731_058_6, 0.268_941_43, 0.731_058_6];
    near(&model(&[plain], &[], &[1, 2, 2], 13), &x, &pairs);
    let log = node("LogSoftmax", &["x"], "y", &[]);
    let wanted = SOFTMAX_OF_1_TO_4.map(f32::ln);
    near(&model(&[log], &[], &[1, 2, 2], 11), &x, &wanted);
}

#[test]
fn a_constant_takes_the_shape_that_squeeze_and_unsqueeze_give() {
    let constants = [floats("c", &[2], &[1.0, 10.0]), longs("a", &[2], &[1, 2])];
    let nodes = [node("Unsqueeze", &["c", "a"], "u", &[]), node("Mul", &["x", "u"], "y", &[])];
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let wanted = [1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0];
    near(&model(&nodes, &constants, &[1, 2, 2, 2], 17), &x, &wanted);
    // [2, 1, 1] without its last axis: [2, 1], which is spread along the rows.
    let constants = [floats("c", &[2, 1, 1], &[1.0, 10.0]), longs("a", &[1], &[-1])];
    let nodes = [node("Squeeze", &["c", "a"], "u", &[]), node("Mul", &["x", "u"], "y", &[])];
    near(&model(&nodes, &constants, &[1, 2, 2], 17), &[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 30.0, 40.0]);
    let nodes = [node("Squeeze", &["x", "a"], "y", &[])];
    refused(&model(&nodes, &[longs("a", &[1], &[1])], &[1, 2, 2], 17), &[0.0; 4], "hold one element");
}

#[test]
fn gathered_places_keep_the_axes_of_their_index() {
    let constants = [longs("i", &[2, 2], &[0, 2, 1, 1]), longs("a", &[1], &[2])];
    let gather = node("Gather", &["x", "i"], "g", &[number("axis", 1)]);
    let sum = node("ReduceSum", &["g", "a"], "y", &[number("keepdims", 0)]);
    let bytes = model(&[gather, sum], &constants, &[1, 3, 2], 17);
    near(&bytes, &[1.0, 2.0, 10.0, 20.0, 100.0, 200.0], &[101.0, 202.0, 20.0, 40.0]);
    // An index with an axis of its own keeps it.
    let constants = [longs("i", &[], &[2]), longs("a", &[1], &[0])];
    let nodes =
        [node("Unsqueeze", &["i", "a"], "j", &[]), node("Gather", &["x", "j"], "y", &[number("axis", 1)])];
    let (out, shape) = run(&model(&nodes, &constants, &[1, 4], 17), &[1.0, 2.0, 3.0, 4.0]).expect("run");
    assert_eq!((out, shape), (vec![3.0], vec![1, 1]));
}

fn resize(coordinates: &str, mode: &str, rounding: &str, to: &[f32], from: usize) -> Vec<u8> {
    let attributes = [
        word("coordinate_transformation_mode", coordinates),
        word("mode", mode),
        word("nearest_mode", rounding),
    ];
    let nodes = [node("Resize", &["x", "", "s"], "y", &attributes)];
    model(&nodes, &[floats("s", &[4], to)], &[1, 1, 1, from], 17)
}

#[test]
fn the_nearest_pixel_is_the_one_that_the_rounding_says() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let twice = |c, r| resize(c, "nearest", r, &[1.0, 1.0, 1.0, 2.0], 4);
    near(&twice("asymmetric", "floor"), &x, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    near(&twice("asymmetric", "ceil"), &x, &[1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    near(&twice("asymmetric", "round_prefer_floor"), &x, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    near(&twice("asymmetric", "round_prefer_ceil"), &x, &[1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    near(&twice("half_pixel", "round_prefer_floor"), &x, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    near(&twice("half_pixel", "floor"), &x, &[1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
    // By 1.5 with five pixels: 7, of which none is at 7 / 5.
    let part = resize("asymmetric", "nearest", "floor", &[1.0, 1.0, 1.0, 1.5], 5);
    near(&part, &[0.0, 1.0, 2.0, 3.0, 4.0], &[0.0, 0.0, 1.0, 2.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_scale_that_the_extents_do_not_have_is_refused() {
    let by = |scale, from| resize("asymmetric", "linear", "floor", &[1.0, 1.0, 1.0, scale], from);
    refused(&by(1.5, 5), &[0.0; 5], "not what its scales");
    near(&by(1.5, 4), &[0.0, 3.0, 6.0, 9.0], &[0.0, 2.0, 4.0, 6.0, 8.0, 9.0]);
    let one = resize("pytorch_half_pixel", "linear", "floor", &[1.0, 1.0, 1.0, 0.25], 4);
    refused(&one, &[0.0; 4], "pytorch_half_pixel");
}

#[test]
fn axes_from_the_end_and_empty_lists_of_axes_mean_what_onnx_says() {
    let flatten = node("Flatten", &["x"], "y", &[number("axis", -1)]);
    let (_, shape) = run(&model(&[flatten], &[], &[1, 4, 5], 17), &[0.0; 20]).expect("run");
    assert_eq!(shape, [4, 5]);
    let sum = |more: &[Vec<u8>]| {
        let nodes = [node("ReduceSum", &["x", "a"], "y", more)];
        model(&nodes, &[longs("a", &[0], &[])], &[1, 4], 17)
    };
    near(&sum(&[number("keepdims", 0)]), &[1.0, 2.0, 3.0, 4.0], &[10.0]);
    refused(&sum(&[number("noop_with_empty_axes", 1)]), &[0.0; 4], "noop_with_empty_axes");
}

#[test]
fn a_batch_normalization_of_vectors_may_end_a_model() {
    let constants = [("s", [2.0, 3.0]), ("b", [1.0, 0.0]), ("m", [0.0, 1.0]), ("v", [1.0, 1.0])]
        .map(|(n, v)| floats(n, &[2], &v));
    let nodes = [node("BatchNormalization", &["x", "s", "b", "m", "v"], "y", &[])];
    let bytes = model(&nodes, &constants, &[3, 2], 17);
    near(&bytes, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3.0, 3.0, 7.0, 9.0, 11.0, 15.0]);
    let bytes = model(&nodes, &constants, &[1, 2], 17);
    assert_eq!(run(&bytes, &[0.0; 2]).expect("run").1, [1, 2]);
}

#[test]
fn what_is_too_large_or_empty_is_refused_before_it_is_made() {
    let all = [("s", 1i64), ("e", -100), ("a", 0), ("st", -1)].map(|(n, v)| longs(n, &[1], &[v]));
    let nodes = [node("Slice", &["c", "s", "e", "a", "st"], "u", &[]), node("Add", &["x", "u"], "y", &[])];
    let constants = [vec![floats("c", &[0], &[])], all.to_vec()].concat();
    refused(&model(&nodes, &constants, &[1, 4], 17), &[0.0; 4], "no element");
    // Pixels without end, of which a constant of the same size is made.
    let wide = (1 << 20) - 1;
    let nodes = [
        node("Conv", &["x", "w"], "h", &[numbers("pads", &[wide; 4]), numbers("kernel_shape", &[1, 1])]),
        node("Clip", &["h", "l", "u"], "y", &[]),
    ];
    let constants = [floats("w", &[1, 1, 1, 1], &[1.0]), floats("l", &[], &[0.5]), floats("u", &[], &[0.7])];
    refused(&model(&nodes, &constants, &[1, 1, 1, 1], 17), &[0.0], "too large");
    // Integers count as floats do: each of these nodes of some bytes would hold half a gigabyte.
    let value = [field(1, b"value"), field(5, &longs("v", &[1], &[1]))].concat();
    let nodes = [
        node("ConstantOfShape", &["s"], "k", std::slice::from_ref(&value)),
        node("ConstantOfShape", &["s"], "l", std::slice::from_ref(&value)),
        node("Relu", &["x"], "y", &[]),
    ];
    let constants = [longs("s", &[1], &[1 << 26])];
    refused(&model(&nodes, &constants, &[1, 4], 17), &[0.0; 4], "all constants together");
}

/// A value with its shape, as ONNX has it.
#[derive(Clone)]
struct Plain {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Indices of all elements of a shape, in order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let count = shape.iter().product();
    let index = |mut n: usize| {
        let mut at = vec![0; shape.len()];
        for (a, d) in shape.iter().enumerate().rev() {
            at[a] = n % d;
            n /= d;
        }
        at
    };
    (0..count).map(index).collect()
}

impl Plain {
    fn at(&self, index: &[usize]) -> f32 {
        self.values[index.iter().zip(&self.shape).fold(0, |n, (i, d)| n * d + i)]
    }

    fn made(shape: Vec<usize>, value: impl Fn(&[usize]) -> f32) -> Self {
        let values = indices(&shape).iter().map(|i| value(i)).collect();
        Self { shape, values }
    }

    fn random(shape: &[usize], rng: &mut Rng) -> Self {
        let count = shape.iter().product();
        let values = rng.input(count).iter().map(|&v| f32::from(v) / 64.0).collect();
        Self { shape: shape.to_vec(), values }
    }

    fn transposed(&self, order: &[usize]) -> Self {
        let to = order.iter().map(|&a| self.shape[a]).collect();
        Self::made(to, |i| {
            let mut from = vec![0; i.len()];
            order.iter().zip(i).for_each(|(&a, &i)| from[a] = i);
            self.at(&from)
        })
    }

    fn sum(&self, other: &Self) -> Self {
        let rank = self.shape.len().max(other.shape.len());
        let wide = |p: &Self| {
            let shape = [vec![1; rank - p.shape.len()], p.shape.clone()].concat();
            Self { shape, values: p.values.clone() }
        };
        let (a, b) = (wide(self), wide(other));
        let to = a.shape.iter().zip(&b.shape).map(|(x, y)| *x.max(y)).collect();
        let of = |p: &Self, i: &[usize]| {
            p.at(&i.iter().zip(&p.shape).map(|(i, d)| if *d == 1 { 0 } else { *i }).collect::<Vec<_>>())
        };
        Self::made(to, |i| of(&a, i) + of(&b, i))
    }

    /// A convolution with kernels of one pixel: weights `[outputs, channels]`.
    fn mixed(&self, weights: &Self) -> Self {
        let mut to = self.shape.clone();
        to[1] = weights.shape[0];
        Self::made(to, |i| {
            let mut from = i.to_vec();
            (0..self.shape[1])
                .map(|c| {
                    from[1] = c;
                    self.at(&from) * weights.at(&[i[1], c])
                })
                .sum()
        })
    }
}

#[test]
fn random_mixtures_of_layouts_and_ranks_give_what_plain_loops_give() {
    let mut rng = Rng(77);
    let pick = |n: usize, rng: &mut Rng| rng.input(1)[0] as u8 as usize % n;
    let mut same_rank = [0; 2];
    for round in 0..600 {
        let shapes: [&[usize]; 6] =
            [&[1, 3, 2, 4], &[1, 2, 3, 3], &[1, 4, 5], &[1, 3, 3], &[1, 3, 3, 3], &[1, 2, 1, 4]];
        let x = Plain::random(shapes[pick(6, &mut rng)], &mut rng);
        let (mut values, mut nodes, mut constants) =
            (vec![("x".to_owned(), x.clone())], Vec::new(), Vec::new());
        let steps = 2 + pick(5, &mut rng);
        for step in 0..steps {
            let out = if step + 1 == steps { "y".to_owned() } else { format!("t{step}") };
            let (from, v) = values.last().cloned().expect("x");
            let rank = v.shape.len();
            let constant = |name: &str, p: &Plain| floats(name, &p.shape, &p.values);
            let made = match pick(5, &mut rng) {
                0 | 1 if rank > 1 => {
                    let mut order: Vec<usize> = (1..rank).collect();
                    order.rotate_left(pick(rank, &mut rng) % (rank - 1));
                    order.insert(0, 0);
                    let perm: Vec<i64> = order.iter().map(|&a| a as i64).collect();
                    nodes.push(node("Transpose", &[&from], &out, &[numbers("perm", &perm)]));
                    v.transposed(&order)
                }
                2 if matches!(rank, 3 | 4) => {
                    let weights = Plain::random(&[1 + pick(3, &mut rng), v.shape[1]], &mut rng);
                    let name = format!("w{step}");
                    let full = [weights.shape.clone(), vec![1; rank - 2]].concat();
                    constants.push(floats(&name, &full, &weights.values));
                    let kernel = numbers("kernel_shape", &vec![1; rank - 2]);
                    nodes.push(node("Conv", &[&from, &name], &out, &[kernel]));
                    v.mixed(&weights)
                }
                3 => {
                    // Fewer axes, or one more in front, and some of one element.
                    let mut shape: Vec<usize> =
                        v.shape.iter().map(|&d| if pick(2, &mut rng) == 0 { 1 } else { d }).collect();
                    shape.drain(..pick(rank, &mut rng));
                    if shape.len() == rank && rank < 4 && pick(3, &mut rng) == 0 {
                        shape.insert(0, 1);
                    }
                    let other = Plain::random(&shape, &mut rng);
                    let name = format!("c{step}");
                    constants.push(constant(&name, &other));
                    nodes.push(node("Add", &[&name, &from], &out, &[]));
                    same_rank[usize::from(shape.len() == rank)] += 1;
                    other.sum(&v)
                }
                _ => {
                    // What was made before, of whatever rank and layout, where it fits.
                    let (name, other) = values[pick(values.len(), &mut rng)].clone();
                    let fits = v.shape.iter().rev().zip(other.shape.iter().rev());
                    if fits.clone().any(|(a, b)| a != b && *a != 1 && *b != 1) {
                        nodes.push(node("Identity", &[&from], &out, &[]));
                        v
                    } else {
                        nodes.push(node("Add", &[&from, &name], &out, &[]));
                        v.sum(&other)
                    }
                }
            };
            values.push((out, made));
        }
        let (_, wanted) = values.last().expect("y");
        let (got, shape) = run(&model(&nodes, &constants, &x.shape, 17), &x.values)
            .unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert_eq!(shape, wanted.shape, "round {round}");
        for (i, (a, b)) in got.iter().zip(&wanted.values).enumerate() {
            assert!((a - b).abs() <= 1e-3 + 1e-4 * b.abs(), "round {round}, value {i}: {a}, expected {b}");
        }
    }
    assert!(same_rank.iter().all(|n| *n > 100), "{same_rank:?}");
}

#[test]
fn advice_for_an_operator_that_is_not_read_names_operators_that_are() {
    let one = |kind: &str| model(&[node(kind, &["x"], "y", &[])], &[], &[1, 4], 17);
    refused(&one("TopK"), &[0.0; 4], "take the largest outside");
    refused(&one("Multinomial"), &[0.0; 4], "Add, Mul, MatMul, Conv");
    for kind in ["Max", "Min"] {
        let nodes = [node(kind, &["x", "c"], "y", &[])];
        run(&model(&nodes, &[floats("c", &[1], &[0.5])], &[1, 4], 17), &[0.0; 4]).expect("read");
    }
    let clip = [node("Clip", &["x", "c"], "y", &[])];
    run(&model(&clip, &[floats("c", &[], &[0.5])], &[1, 4], 17), &[0.0; 4]).expect("read");
}

#[test]
fn dilated_pooling_is_refused_by_its_name() {
    let pool = node("MaxPool", &["x"], "y", &[numbers("kernel_shape", &[2]), numbers("dilations", &[2])]);
    refused(&model(&[pool], &[], &[1, 1, 6], 17), &[0.0; 6], "dilations of a pooling");
}

#[test]
fn one_value_is_not_two_outputs() {
    let bytes = model(&[node("Relu", &["x"], "y", &[])], &[], &[1, 4], 17);
    let mut graph = onnx::read(&bytes, "twice", Reference::Litert).expect("read").graph;
    graph.validate().expect("valid");
    graph.outputs.push(graph.outputs[0]);
    let error = graph.validate().expect_err("refused").to_string();
    assert!(error.contains("is output 1 and an earlier one too"), "{error}");
}

/// Whole numbers that a model gives out.
fn places(bytes: &[u8], x: &[f32]) -> Vec<i32> {
    let made = onnx::read(bytes, "forms", Reference::Litert).unwrap_or_else(|e| panic!("{e}"));
    let mut interpreter = Interpreter::new(&made.graph).expect("valid");
    interpreter.with_input(x).expect("run");
    let bytes = interpreter.contents(made.graph.outputs[0]);
    bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn of_equal_values_the_first_is_the_largest_or_the_last() {
    let x = [1.0, 5.0, 5.0, -2.0, 7.0, -2.0];
    let one = |kind: &str, more: &[Vec<u8>]| {
        let attributes = [&[number("axis", 2)], more].concat();
        places(&model(&[node(kind, &["x"], "y", &attributes)], &[], &[1, 2, 3], 17), &x)
    };
    assert_eq!(one("ArgMax", &[]), [1, 1]);
    assert_eq!(one("ArgMin", &[number("keepdims", 0)]), [0, 0]);
    assert_eq!(one("ArgMax", &[number("select_last_index", 1)]), [2, 1]);
    assert_eq!(one("ArgMin", &[number("select_last_index", 1)]), [0, 2]);
    let first = node("ArgMax", &["x"], "y", &[number("axis", 1), number("keepdims", 0)]);
    assert_eq!(places(&model(&[first], &[], &[1, 2, 3], 17), &x), [0, 1, 0]);
}

#[test]
fn einsum_is_refused_where_it_is_no_product() {
    for equation in ["ij->ji", "ij,jk->k", "ij,jk", "ii,ij->ij", "ij,kl->ik", "ij,jk->iz", "...ij,jk->...ik"]
    {
        let bytes =
            model(&[node("Einsum", &["x", "x"], "y", &[word("equation", equation)])], &[], &[2, 2], 17);
        refused(&bytes, &[0.0; 4], "products of two matrices");
    }
}

#[test]
fn rows_of_a_table_are_looked_up_by_numbers() {
    let extents: Vec<u8> = [1, 3].iter().flat_map(|&d| field(1, &int(1, d))).collect();
    let kind = field(1, &[int(1, 7), field(2, &extents)].concat());
    let table: Vec<f32> = (0..8).map(|v| v as f32).collect();
    let graph = [
        field(1, &node("Gather", &["t", "x"], "y", &[])),
        field(5, &floats("t", &[4, 2], &table)),
        field(11, &[field(1, b"x"), field(2, &kind)].concat()),
        field(12, &field(1, b"y")),
    ]
    .concat();
    let bytes = [field(7, &graph), field(8, &[field(1, b""), int(2, 17)].concat())].concat();
    let made = onnx::read(&bytes, "rows", Reference::Litert).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(made.shapes[1], [1, 3, 2]);
    let mut run = Interpreter::new(&made.graph).expect("valid");
    run.set(0, Values::I32(&[3, 0, 4])).expect("fits");
    run.invoke().expect("run");
    // The last row is none of the table.
    assert_eq!(run.floats(made.graph.outputs[0]), [6.0, 7.0, 0.0, 1.0, 0.0, 0.0]);
}
