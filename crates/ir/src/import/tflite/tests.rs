//! Files made for one trait each.

use super::read;
use crate::{
    export::flat::{Table, Value, file},
    extra::Reference,
    import::Imported,
};

const F32: u8 = 0;
const I32: u8 = 2;
const I64: u8 = 4;
const BOOL: u8 = 6;
const I16: u8 = 7;
const I8: u8 = 9;

/// A file in the making.
#[derive(Default)]
struct Model {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    codes: Vec<Table>,
    ops: Vec<Table>,
    /// Subgraphs that are whole.
    done: Vec<Table>,
}

impl Model {
    fn tensor(&mut self, shape: &[i32], kind: u8, scales: &[f32], data: Option<Vec<u8>>) -> i32 {
        // The first buffer stands for none.
        let buffer = if data.is_some() { self.buffers.len() + 1 } else { 0 };
        self.buffers.extend(data.map(|d| vec![(0, Value::Bytes(d))]));
        let mut fields: Table =
            vec![(0, Value::Ints(shape.to_vec())), (1, Value::Byte(kind)), (2, Value::Int(buffer as i32))];
        if !scales.is_empty() {
            let quant = vec![(2, Value::Floats(scales.to_vec())), (3, Value::Longs(vec![0; scales.len()]))];
            fields.push((4, Value::Table(quant)));
        }
        self.tensors.push(fields);
        self.tensors.len() as i32 - 1
    }

    fn flow(&mut self, shape: &[i32]) -> i32 {
        self.tensor(shape, F32, &[], None)
    }

    fn floats(&mut self, shape: &[i32], value: f32) -> i32 {
        let count = shape.iter().product::<i32>() as usize;
        let data = std::iter::repeat_n(value.to_le_bytes(), count).flatten().collect();
        self.tensor(shape, F32, &[], Some(data))
    }

    fn ints(&mut self, values: &[i32]) -> i32 {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(&[values.len() as i32], I32, &[], Some(data))
    }

    fn pairs(&mut self, values: &[i32]) -> i32 {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(&[values.len() as i32 / 2, 2], I32, &[], Some(data))
    }

    fn longs(&mut self, values: &[i64]) -> i32 {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(&[values.len() as i32], I64, &[], Some(data))
    }

    fn op(&mut self, code: i32, inputs: &[i32], output: i32, options: Table) {
        let index = self.codes.len() as i32;
        self.codes.push(vec![(3, Value::Int(code))]);
        self.ops.push(vec![
            (0, Value::Int(index)),
            (1, Value::Ints(inputs.to_vec())),
            (2, Value::Ints(vec![output])),
            (4, Value::Table(options)),
        ]);
    }

    /// Ends a subgraph; what follows belongs to the next.
    fn close(&mut self, inputs: &[i32], outputs: &[i32]) {
        self.done.push(vec![
            (0, Value::Tables(std::mem::take(&mut self.tensors))),
            (1, Value::Ints(inputs.to_vec())),
            (2, Value::Ints(outputs.to_vec())),
            (3, Value::Tables(std::mem::take(&mut self.ops))),
        ]);
    }

    fn read(mut self, input: i32, output: i32) -> Result<Imported, String> {
        self.close(&[input], &[output]);
        self.whole()
    }

    /// Reads the subgraphs that were closed.
    fn whole(self) -> Result<Imported, String> {
        let root: Table = vec![
            (0, Value::Int(3)),
            (1, Value::Tables(self.codes)),
            (2, Value::Tables(self.done)),
            (4, Value::Tables(std::iter::once(Table::new()).chain(self.buffers).collect())),
        ];
        let bytes = file(&root, b"TFL3").expect("a small file");
        read(&bytes, "made", Reference::Tflm).map_err(|e| e.to_string())
    }
}

/// Why a model of one operator on a float input of `shape` is refused.
fn refused(shape: &[i32], code: i32, rest: impl FnOnce(&mut Model) -> Vec<i32>, options: Table) -> String {
    let mut m = Model::default();
    let x = m.flow(shape);
    let mut inputs = vec![x];
    inputs.extend(rest(&mut m));
    let y = m.flow(shape);
    m.op(code, &inputs, y, options);
    m.read(x, y).map(|model| model.graph.to_text()).expect_err("not possible")
}

#[test]
fn places_beyond_64_bits_are_refused() {
    let slice = |m: &mut Model| vec![m.longs(&[i64::MIN, 0]), m.longs(&[-1, 2])];
    let error = refused(&[3, 2], 65, slice, Table::new());
    assert!(error.contains("reaches outside"), "{error}");
    let slice = |m: &mut Model| vec![m.longs(&[i64::MAX, 0]), m.longs(&[i64::MAX, 2])];
    assert!(refused(&[3, 2], 65, slice, Table::new()).contains("reaches outside"));
    for indices in [[i64::MIN, i64::MAX, 0], [0, 1, i64::MIN], [i64::MAX, i64::MIN, i64::MAX]] {
        let error = refused(&[3, 2], 36, |m| vec![m.longs(&indices)], Table::new());
        assert!(error.contains("are not all in [3, 2]"), "{error}");
    }
}

#[test]
fn a_tensor_has_at_most_eight_axes() {
    let mut shape = vec![1; 39];
    shape.push(4);
    let parts = |m: &mut Model| [0, 4, 1].map(|v| m.ints(&[v; 40])).to_vec();
    let error = refused(&shape, 45, parts, Table::new());
    assert!(error.contains("has 40 axes"), "{error}");
}

#[test]
fn slices_that_end_by_their_length_are_refused() {
    let parts = |m: &mut Model| [1, 4, 1].map(|v| m.ints(&[v])).to_vec();
    let error = refused(&[8], 45, parts, vec![(5, Value::Byte(1))]);
    assert!(error.contains("`offset`"), "{error}");
}

#[test]
fn integers_that_double_again_and_again_are_refused() {
    let mut m = Model::default();
    let x = m.flow(&[2]);
    let mut now = m.ints(&[1, 2]);
    for _ in 0..40 {
        let next = m.tensor(&[2], I32, &[], None);
        m.op(2, &[now, now], next, Table::new());
        now = next;
    }
    let y = m.flow(&[2]);
    m.op(22, &[x, now], y, Table::new());
    let error = m.read(x, y).expect_err("too many").to_string();
    assert!(error.contains("node 11") && error.contains("4096 integers"), "{error}");
}

#[test]
fn what_no_kernel_makes_is_refused_by_name() {
    let pair = |code: i32, from: u8, to: u8| {
        let mut m = Model::default();
        let (x, y) = (m.tensor(&[1, 4], from, &[0.1], None), m.tensor(&[1, 4], to, &[0.1], None));
        m.op(code, &[x], y, vec![(0, Value::Float(1.0))]);
        m.read(x, y).expect_err("not supported")
    };
    let error = pair(25, I16, I8);
    assert!(error.contains("SOFTMAX at node 0") && error.contains("I16 to I8"), "{error}");
    let error = pair(25, I8, I16);
    assert!(error.contains("scale 1/65536 and zero point -32768"), "{error}");
    let error = pair(114, I8, F32);
    assert!(error.contains("quantize_0") && error.contains("I8 to F32"), "{error}");
}

#[test]
fn states_of_tensors_without_names_are_their_own() {
    let mut m = Model::default();
    let (steps, inputs, units) = (2, 3, 4);
    let x = m.flow(&[1, steps, inputs]);
    let mut given = vec![-1; 24];
    given[0] = x;
    for gate in 0..4 {
        given[1 + gate] = m.floats(&[units, inputs], 0.1);
        given[5 + gate] = m.floats(&[units, units], 0.2);
        given[12 + gate] = m.floats(&[units], 0.3);
    }
    given[18] = m.flow(&[1, units]);
    given[19] = m.flow(&[1, units]);
    let y = m.flow(&[1, steps, units]);
    m.op(44, &given, y, vec![(0, Value::Byte(4))]);
    let graph = m.read(x, y).expect("a model").graph;
    let [h, c] = graph.states.as_slice() else { panic!("{}", graph.to_text()) };
    assert!(h.name != c.name && h.write != c.write, "{}", graph.to_text());
}

#[test]
fn a_mean_of_16_bits_stays_within_32() {
    let pool = |code: i32, h: i32, w: i32| {
        let mut m = Model::default();
        let (x, y) = (m.tensor(&[1, h, w, 1], I16, &[0.1], None), m.tensor(&[1, 1, 1, 1], I16, &[0.1], None));
        let one = || Value::Int(1);
        let options =
            vec![(0, Value::Byte(1)), (1, one()), (2, one()), (3, Value::Int(w)), (4, Value::Int(h))];
        m.op(code, &[x], y, options);
        m.read(x, y)
    };
    assert!(pool(1, 255, 257).is_ok() && pool(17, 256, 257).is_ok());
    let error = pool(1, 256, 256).expect_err("too many");
    assert!(error.contains("at most 65535"), "{error}");
}

#[test]
fn a_dense_layer_over_rows_multiplies_for_each() {
    let mut m = Model::default();
    let x = m.flow(&[1, 5, 4]);
    let (w, b) = (m.floats(&[3, 4], 0.5), m.floats(&[3], 0.0));
    let y = m.flow(&[1, 5, 3]);
    m.op(9, &[x, w, b], y, Table::new());
    assert_eq!(m.read(x, y).expect("a model").graph.macs(), 5 * 4 * 3);
}

#[test]
fn scales_along_an_axis_that_is_not_theirs_are_refused() {
    let mut m = Model::default();
    let x = m.flow(&[1, 2, 3]);
    // Three scales, but no axis is named, so that they lie along the first, of one element.
    let w = m.tensor(&[1, 2, 3], I8, &[0.1, 0.2, 0.3], Some(vec![1; 6]));
    let (d, y) = (m.flow(&[1, 2, 3]), m.flow(&[1, 2, 3]));
    m.op(6, &[w], d, Table::new());
    m.op(0, &[x, d], y, Table::new());
    let error = m.read(x, y).expect_err("a wrong axis");
    assert!(error.contains("3 scales along axis 0"), "{error}");
}

/// Closes the main subgraph of `input`, which runs `body` (number 2) on x as often as it is told, and the condition (number 1).
fn looped(m: &mut Model, input: i32, x: i32, shape: &[i32], rounds: i32) {
    let (start, end, y) = (m.ints(&[0]), m.tensor(&[1], I32, &[], None), m.flow(shape));
    m.op(119, &[start, x], end, vec![(0, Value::Int(1)), (1, Value::Int(2))]);
    let outputs = Value::Ints(vec![end, y]);
    m.ops.last_mut().expect("an operator")[2] = (2, outputs);
    m.close(&[input], &[y]);
    let (i, x, most) = (m.tensor(&[1], I32, &[], None), m.flow(shape), m.ints(&[rounds]));
    let more = m.tensor(&[1], BOOL, &[], None);
    m.op(58, &[i, most], more, Table::new());
    m.close(&[i, x], &[more]);
}

/// An SVDF of one unit, whose state is tensor 3.
fn svdf(m: &mut Model, x: i32, first: i32) -> i32 {
    let (w, t, state) = (m.floats(&[1, 2], 0.5), m.floats(&[1, 3], 0.25), m.flow(&[1, 3]));
    assert_eq!(state, first);
    let y = m.flow(&[1, 1]);
    m.op(27, &[x, w, t, -1, state], y, vec![(0, Value::Int(1))]);
    y
}

#[test]
fn states_of_a_loop_are_not_those_around_it() {
    let mut m = Model::default();
    let x = m.flow(&[1, 2]);
    let y = svdf(&mut m, x, 3);
    let wide = m.flow(&[1, 2]);
    m.op(2, &[y, y], wide, vec![(0, Value::Int(1))]);
    looped(&mut m, x, wide, &[1, 2], 2);
    let x = m.flow(&[1, 2]);
    let y = svdf(&mut m, x, 3);
    let wide = m.flow(&[1, 2]);
    m.op(2, &[y, y], wide, vec![(0, Value::Int(1))]);
    let (i, one, next) = (m.tensor(&[1], I32, &[], None), m.ints(&[1]), m.tensor(&[1], I32, &[], None));
    m.op(0, &[i, one], next, Table::new());
    m.close(&[i, x], &[next, wide]);
    let graph = m.whole().expect("a model").graph;
    assert_eq!(graph.states.len(), 2, "{}", graph.to_text());
}

#[test]
fn loops_that_only_reckon_have_an_end() {
    let mut m = Model::default();
    let x = m.flow(&[1, 2]);
    looped(&mut m, x, x, &[1, 2], 4000);
    // Each round reads a shape of many elements, so to say.
    let (i, x, large) = (m.tensor(&[1], I32, &[], None), m.flow(&[1, 2]), m.floats(&[1 << 20], 0.0));
    let (size, next) = (m.tensor(&[1], I32, &[], None), m.tensor(&[1], I32, &[], None));
    m.op(77, &[large], size, Table::new());
    let one = m.ints(&[1]);
    m.op(0, &[i, one], next, Table::new());
    m.close(&[i, x], &[next, x]);
    let error = m.whole().expect_err("too long");
    assert!(error.contains("shorten the loops"), "{error}");
}

/// Why a model is refused that does `code` between the batches of a picture of 8 x 4 and gives them back by blocks of `back`.
fn in_batches(
    back: [i32; 2],
    code: i32,
    other: impl FnOnce(&mut Model) -> Option<i32>,
) -> Result<Imported, String> {
    let mut m = Model::default();
    let x = m.flow(&[1, 8, 4, 2]);
    let (block, zeros) = (m.ints(&[2, 2]), m.pairs(&[0; 4]));
    let batches = m.flow(&[4, 4, 2, 2]);
    m.op(38, &[x, block, zeros], batches, Table::new());
    let mut inputs = vec![batches];
    inputs.extend(other(&mut m));
    let made = m.flow(&[4, 4, 2, 2]);
    m.op(code, &inputs, made, Table::new());
    let (block, y) = (m.ints(&back), m.flow(&[1, 8, 4, 2]));
    m.op(37, &[made, block, zeros], y, Table::new());
    m.read(x, y)
}

#[test]
fn between_batches_stands_what_does_the_same_in_each() {
    in_batches([2, 2], 0, |m| Some(m.floats(&[1, 1, 1, 2], 1.0))).expect("a bias of channels");
    in_batches([2, 2], 101, |_| None).expect("a function");
    let error = in_batches([2, 2], 105, |m| Some(m.ints(&[1]))).expect_err("backwards");
    assert!(error.contains("REVERSE_V2") && error.contains("functions of each element"), "{error}");
    let error = in_batches([2, 2], 0, |m| Some(m.floats(&[4, 1, 1, 2], 1.0))).expect_err("by batches");
    assert!(error.contains("functions of each element"), "{error}");
    let error = in_batches([4, 1], 101, |_| None).expect_err("other blocks");
    assert!(error.contains("not those of SPACE_TO_BATCH_ND"), "{error}");
}

#[test]
fn names_of_a_file_move_no_cursor() {
    let mut m = Model::default();
    let (x, y) = (m.flow(&[1, 4]), m.flow(&[1, 4]));
    m.tensors[0].push((3, Value::Text("x\u{1b}[2J\nerror: none".into())));
    m.op(101, &[x], y, Table::new());
    let graph = m.read(x, y).expect("a model").graph;
    assert_eq!(graph.tensors[0].name, "x?[2J?error: none");
    let mut m = Model::default();
    let (x, y) = (m.flow(&[1, 4]), m.flow(&[1, 4]));
    m.tensors[1].push((3, Value::Text("\u{9b}31m".into())));
    m.op(8, &[x], y, Table::new());
    let error = m.read(x, y).expect_err("no floor");
    assert!(error.contains("`?31m`"), "{error:?}");
}

#[test]
fn a_convolution_in_groups_needs_a_picture_to_make() {
    for shape in [&[][..], &[64], &[1, 64], &[4, 16], &[1, 4, 4, 4]] {
        let mut m = Model::default();
        let (x, w, b) = (m.flow(&[1, 4, 4, 4]), m.floats(&[4, 1, 1, 2], 0.5), m.floats(&[4], 0.0));
        let y = m.flow(shape);
        m.op(3, &[x, w, b], y, vec![(1, Value::Int(1)), (2, Value::Int(1))]);
        let read = m.read(x, y);
        assert_eq!(read.is_ok(), shape.len() == 4, "{shape:?}: {:?}", read.err());
    }
}

#[test]
fn a_shape_in_another_shape_is_known() {
    let mut m = Model::default();
    let (x, sizes, flat) = (m.flow(&[1, 6]), m.ints(&[2, 3]), m.ints(&[2]));
    let (shape, y) = (m.tensor(&[2], I32, &[], None), m.flow(&[2, 3]));
    m.op(22, &[sizes, flat], shape, Table::new());
    m.op(22, &[x, shape], y, Table::new());
    assert_eq!(m.read(x, y).expect("a model").shapes[1], [2, 3]);
}

#[test]
fn truth_and_numbers_are_not_mixed() {
    let mut m = Model::default();
    let (x, edge) = (m.flow(&[1, 4]), m.floats(&[4], 0.5));
    let (truth, y) = (m.tensor(&[1, 4], BOOL, &[], None), m.flow(&[1, 4]));
    m.op(61, &[x, edge], truth, Table::new());
    m.op(0, &[truth, x], y, Table::new());
    assert!(m.read(x, y).is_err());
    let mut m = Model::default();
    let (x, y) = (m.flow(&[1, 4]), m.flow(&[1, 4]));
    m.op(123, &[x, x, x], y, Table::new());
    let error = m.read(x, y).expect_err("no condition");
    assert!(error.contains("no result of a comparison"), "{error}");
}
