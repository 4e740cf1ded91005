//! Messages of protocol buffers, and the parts of an ONNX file.
//!
//! # Source
//! Protocol Buffers encoding; `onnx.proto3` of ONNX: the field numbers.

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn varint(&mut self, mut v: u64) {
        while v > 127 {
            self.0.push(v as u8 | 128);
            v >>= 7;
        }
        self.0.push(v as u8);
    }
    /// An integer.
    pub fn int(mut self, field: u64, v: i64) -> Self {
        self.varint(field << 3);
        self.varint(v as u64);
        self
    }
    /// A single-precision number.
    pub fn float(mut self, field: u64, v: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(v.to_le_bytes());
        self
    }
    /// Bytes, a text or a message.
    pub fn bytes(mut self, field: u64, v: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(v.len() as u64);
        self.0.extend(v);
        self
    }
    /// Several messages or texts.
    pub fn all<T: AsRef<[u8]>>(self, field: u64, all: impl IntoIterator<Item = T>) -> Self {
        all.into_iter().fold(self, |m, one| m.bytes(field, one.as_ref()))
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Element types of ONNX.
pub mod kind {
    pub const FLOAT: i64 = 1;
    pub const UINT8: i64 = 2;
    pub const INT8: i64 = 3;
    pub const INT32: i64 = 6;
    pub const INT64: i64 = 7;
    pub const INT16: i64 = 5;
}

/// Value of an attribute.
#[derive(Clone, Debug)]
pub enum Value {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

/// Name and value of an attribute.
pub type Attribute = (&'static str, Value);

/// `AttributeProto`.
fn attribute((name, value): &Attribute) -> Message {
    let m = Message::default().bytes(1, name.as_bytes());
    match value {
        Value::Float(v) => m.float(2, *v).int(20, 1),
        Value::Int(v) => m.int(3, *v).int(20, 2),
        Value::Text(v) => m.bytes(4, v.as_bytes()).int(20, 3),
        Value::Ints(v) => v.iter().fold(m, |m, v| m.int(8, *v)).int(20, 7),
    }
}

/// `NodeProto`.
pub fn node(kind: &str, name: &str, inputs: &[String], output: &str, attributes: &[Attribute]) -> Message {
    Message::default()
        .all(1, inputs)
        .bytes(2, output.as_bytes())
        .bytes(3, name.as_bytes())
        .bytes(4, kind.as_bytes())
        .all(5, attributes.iter().map(attribute))
}

/// `TensorProto` with its contents as bytes.
pub fn tensor(name: &str, kind: i64, shape: &[usize], contents: &[u8]) -> Message {
    shape
        .iter()
        .fold(Message::default(), |m, &d| m.int(1, d as i64))
        .int(2, kind)
        .bytes(8, name.as_bytes())
        .bytes(9, contents)
}

/// `ValueInfoProto` of a tensor.
pub fn value(name: &str, kind: i64, shape: &[usize]) -> Message {
    let dims = Message::default().all(1, shape.iter().map(|&d| Message::default().int(1, d as i64)));
    let tensor = Message::default().int(1, kind).bytes(2, &dims.0);
    Message::default().bytes(1, name.as_bytes()).bytes(2, &Message::default().bytes(1, &tensor.0).0)
}
