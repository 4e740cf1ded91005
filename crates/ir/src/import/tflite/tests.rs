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
const I16: u8 = 7;
const I8: u8 = 9;

/// A file in the making.
#[derive(Default)]
struct Model {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    codes: Vec<Table>,
    ops: Vec<Table>,
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

    fn read(self, input: i32, output: i32) -> Result<Imported, String> {
        let graph: Table = vec![
            (0, Value::Tables(self.tensors)),
            (1, Value::Ints(vec![input])),
            (2, Value::Ints(vec![output])),
            (3, Value::Tables(self.ops)),
        ];
        let root: Table = vec![
            (0, Value::Int(3)),
            (1, Value::Tables(self.codes)),
            (2, Value::Tables(vec![graph])),
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
