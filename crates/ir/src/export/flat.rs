//! A writer of FlatBuffers: values as a tree, parents before what they point to.
//!
//! # Source
//! FlatBuffers internals, as in [`crate::import`]: offsets point forwards from where they stand, a table points back to its
//! vtable, which holds its own size, the table's size and one offset per field.

/// A field of a table.
#[derive(Clone, Debug)]
pub enum Value {
    Byte(u8),
    Int(i32),
    Float(f32),
    Text(String),
    Bytes(Vec<u8>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Table(Table),
    Tables(Vec<Table>),
}

/// Fields with their numbers.
pub type Table = Vec<(usize, Value)>;

/// Alignment of the contents of vectors of bytes, which hold tensors.
const DATA: usize = 16;

fn align(out: &mut Vec<u8>, to: usize, ahead: usize) {
    while !(out.len() + ahead).is_multiple_of(to) {
        out.push(0);
    }
}

/// The bytes of a file with a root table; `None` when it would be larger than the format can address.
pub fn file(root: &Table, identifier: &[u8; 4]) -> Option<Vec<u8>> {
    let mut out = vec![0; 4];
    out.extend_from_slice(identifier);
    table(&mut out, root, 0);
    (out.len() < i32::MAX as usize).then_some(out)
}

/// Sets the offset at `at` to lead to the end of the buffer.
fn here(out: &mut [u8], at: usize) {
    let distance = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&distance.to_le_bytes());
}

fn table(out: &mut Vec<u8>, fields: &Table, from: usize) {
    let slots = fields.iter().map(|f| f.0 + 1).max().unwrap_or(0);
    // Words first, then bytes: nothing lies between them.
    let mut places = vec![0u16; slots];
    let mut at = 4u16;
    for words in [true, false] {
        for (number, value) in fields {
            if words != matches!(value, Value::Byte(_)) {
                places[*number] = at;
                at += if words { 4 } else { 1 };
            }
        }
    }
    let vtable = 4 + 2 * slots;
    align(out, 4, vtable);
    let start = out.len();
    out.extend_from_slice(&(vtable as u16).to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    places.iter().for_each(|p| out.extend_from_slice(&p.to_le_bytes()));
    // The offset that leads here.
    let distance = (out.len() - from) as u32;
    out[from..from + 4].copy_from_slice(&distance.to_le_bytes());
    let base = out.len();
    out.extend_from_slice(&((base - start) as i32).to_le_bytes());
    out.resize(base + usize::from(at), 0);
    let mut later = Vec::new();
    for (number, value) in fields {
        let at = base + usize::from(places[*number]);
        match value {
            Value::Byte(v) => out[at] = *v,
            Value::Int(v) => out[at..at + 4].copy_from_slice(&v.to_le_bytes()),
            Value::Float(v) => out[at..at + 4].copy_from_slice(&v.to_le_bytes()),
            other => later.push((at, other)),
        }
    }
    for (at, value) in later {
        child(out, value, at);
    }
}

fn vector(out: &mut Vec<u8>, at: usize, len: usize, to: usize) {
    align(out, to.max(4), 4);
    here(out, at);
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

fn child(out: &mut Vec<u8>, value: &Value, at: usize) {
    match value {
        Value::Text(v) => {
            vector(out, at, v.len(), 4);
            out.extend_from_slice(v.as_bytes());
            out.push(0);
        }
        Value::Bytes(v) => {
            vector(out, at, v.len(), DATA);
            out.extend_from_slice(v);
        }
        Value::Ints(v) => {
            vector(out, at, v.len(), 4);
            v.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
        }
        Value::Longs(v) => {
            vector(out, at, v.len(), 8);
            v.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
        }
        Value::Floats(v) => {
            vector(out, at, v.len(), 4);
            v.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
        }
        Value::Table(v) => table(out, v, at),
        Value::Tables(v) => {
            vector(out, at, v.len(), 4);
            let start = out.len();
            out.resize(start + 4 * v.len(), 0);
            for (i, t) in v.iter().enumerate() {
                table(out, t, start + 4 * i);
            }
        }
        Value::Byte(_) | Value::Int(_) | Value::Float(_) => {}
    }
}
