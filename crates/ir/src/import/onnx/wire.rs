//! A bounded reader of protocol buffers and the parts of an ONNX file.
//!
//! # Source
//! Protocol Buffers encoding; `onnx.proto3` of ONNX: the field numbers.

use crate::import::{shape, tflite::half};
use std::collections::BTreeMap;

/// Result with a sentence.
pub type Read<T> = Result<T, String>;

/// Contents of a field.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
    Eight,
}

/// Fields of a message, in order.
pub fn fields(mut bytes: &[u8]) -> Read<Vec<(u64, Field<'_>)>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Field::Int(varint(&mut bytes)?),
            1 => {
                take(&mut bytes, 8)?;
                Field::Eight
            }
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).map_err(|_| "a length is too large")?;
                Field::Bytes(take(&mut bytes, len)?)
            }
            5 => {
                let b = take(&mut bytes, 4)?;
                Field::Four([b[0], b[1], b[2], b[3]])
            }
            other => return Err(format!("wire type {other} is not known")),
        };
        out.push((key >> 3, value));
    }
    Ok(out)
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Read<&'a [u8]> {
    if len > bytes.len() {
        return Err("cut off".into());
    }
    let (head, rest) = bytes.split_at(len);
    *bytes = rest;
    Ok(head)
}

/// What lies behind a key of this wire type.
pub fn skip<'a>(bytes: &mut &'a [u8], kind: u64) -> Read<&'a [u8]> {
    match kind {
        0 => {
            varint(bytes)?;
            Ok(&[])
        }
        1 => take(bytes, 8),
        2 => {
            let len = usize::try_from(varint(bytes)?).map_err(|_| "a length is too large")?;
            take(bytes, len)
        }
        5 => take(bytes, 4),
        other => Err(format!("wire type {other} is not known")),
    }
}

pub fn varint(bytes: &mut &[u8]) -> Read<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let b = take(bytes, 1)?[0];
        value |= u64::from(b & 127) << shift;
        if b < 128 {
            return Ok(value);
        }
    }
    Err("a number has no end".into())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Integers of a field that is packed or not.
fn ints(field: Field<'_>, out: &mut Vec<i64>) -> Read<()> {
    match field {
        Field::Int(v) => out.push(v as i64),
        Field::Bytes(mut b) => {
            while !b.is_empty() {
                out.push(varint(&mut b)? as i64);
            }
        }
        _ => return Err("a number is expected".into()),
    }
    Ok(())
}

fn floats(field: Field<'_>, out: &mut Vec<f32>) -> Read<()> {
    match field {
        Field::Four(b) => out.push(f32::from_le_bytes(b)),
        Field::Bytes(b) => {
            out.extend(b.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
        _ => return Err("a number is expected".into()),
    }
    Ok(())
}

/// Values of a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    pub shape: Vec<usize>,
    pub values: Values,
    /// Element type of the file: 1 float, 2 uint8, 3 int8, 6 int32, 7 int64.
    pub kind: u64,
}

impl Constant {
    pub fn floats(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { shape, values: Values::Floats(values), kind: 1 }
    }
    pub fn ints(shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { shape, values: Values::Ints(values), kind: 7 }
    }
    /// Bytes that its values take here.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Floats(v) => 4 * v.len(),
            Values::Ints(v) => 8 * v.len(),
        }
    }
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    Tensor(Constant),
}

/// A node.
pub struct RawNode {
    pub kind: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: BTreeMap<String, Attribute>,
}

/// A graph.
#[derive(Default)]
pub struct RawGraph {
    pub nodes: Vec<RawNode>,
    pub constants: BTreeMap<String, Constant>,
    /// Inputs with shape and element type; 0 stands for a free extent.
    pub inputs: Vec<(String, Vec<usize>, i64)>,
    /// Outputs with their element type.
    pub outputs: Vec<(String, i64)>,
    /// Version of the operator set without a domain; that of the newest when the file says none.
    pub operators: i64,
}

/// The graph of a file.
pub fn read(bytes: &[u8]) -> Read<RawGraph> {
    let (mut found, mut operators) = (None, i64::MAX);
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (7, Field::Bytes(b)) if found.is_none() => found = Some(graph(b)?),
            (8, Field::Bytes(b)) => {
                let (mut domain, mut version) = (String::new(), None);
                for (number, field) in fields(b)? {
                    match (number, field) {
                        (1, Field::Bytes(b)) => domain = text(b),
                        (2, Field::Int(v)) => version = Some(v as i64),
                        _ => {}
                    }
                }
                if let (Some(version), "" | "ai.onnx") = (version, domain.as_str()) {
                    operators = version;
                }
            }
            _ => {}
        }
    }
    found.map(|graph| RawGraph { operators, ..graph }).ok_or_else(|| "it has no graph".into())
}

fn graph(bytes: &[u8]) -> Read<RawGraph> {
    let mut out = RawGraph::default();
    for (number, field) in fields(bytes)? {
        let Field::Bytes(b) = field else { continue };
        match number {
            1 => out.nodes.push(node(b)?),
            5 => {
                let (name, constant) = tensor(b)?;
                out.constants.insert(name, constant);
            }
            11 => out.inputs.push(value_info(b)?),
            12 => {
                let (name, _, kind) = value_info(b)?;
                out.outputs.push((name, kind));
            }
            _ => {}
        }
    }
    let constants = &out.constants;
    out.inputs.retain(|i| !constants.contains_key(&i.0));
    Ok(out)
}

fn node(bytes: &[u8]) -> Read<RawNode> {
    let mut out =
        RawNode { kind: String::new(), inputs: Vec::new(), outputs: Vec::new(), attributes: BTreeMap::new() };
    for (number, field) in fields(bytes)? {
        let Field::Bytes(b) = field else { continue };
        match number {
            1 => out.inputs.push(text(b)),
            2 => out.outputs.push(text(b)),
            4 => out.kind = text(b),
            5 => {
                let (name, value) = attribute(b)?;
                if let Some(value) = value {
                    out.attributes.insert(name, value);
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

fn attribute(bytes: &[u8]) -> Read<(String, Option<Attribute>)> {
    let (mut name, mut value) = (String::new(), None);
    let (mut all, mut reals, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Bytes(b)) => name = text(b),
            (2, Field::Four(b)) => value = Some(Attribute::Float(f32::from_le_bytes(b))),
            (3, Field::Int(v)) => value = Some(Attribute::Int(v as i64)),
            (4, Field::Bytes(b)) => value = Some(Attribute::Text(text(b))),
            (5, Field::Bytes(b)) => value = Some(Attribute::Tensor(tensor(b)?.1)),
            (7, field) => floats(field, &mut reals)?,
            (8, field) => ints(field, &mut all)?,
            (9, Field::Bytes(b)) => texts.push(text(b)),
            _ => {}
        }
    }
    if !all.is_empty() {
        value = Some(Attribute::Ints(all));
    } else if !reals.is_empty() {
        value = Some(Attribute::Floats(reals));
    } else if !texts.is_empty() {
        value = Some(Attribute::Texts(texts));
    }
    Ok((name, value))
}

fn value_info(bytes: &[u8]) -> Read<(String, Vec<usize>, i64)> {
    let (mut name, mut extents, mut kind) = (String::new(), Vec::new(), 0);
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Bytes(b)) => name = text(b),
            (2, Field::Bytes(b)) => {
                for (number, field) in fields(b)? {
                    let (1, Field::Bytes(b)) = (number, field) else { continue };
                    for (number, field) in fields(b)? {
                        match (number, field) {
                            (1, Field::Int(v)) => kind = v as i64,
                            (2, Field::Bytes(b)) => {
                                for (_, field) in fields(b)? {
                                    let Field::Bytes(b) = field else { continue };
                                    let extent = fields(b)?.into_iter().find_map(|f| match f {
                                        (1, Field::Int(v)) => usize::try_from(v).ok(),
                                        _ => None,
                                    });
                                    extents.push(extent.unwrap_or(0));
                                }
                            }
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok((name, extents, kind))
}

fn tensor(bytes: &[u8]) -> Read<(String, Constant)> {
    let (mut name, mut dims, mut kind, mut raw) = (String::new(), Vec::new(), 0, None);
    let (mut reals, mut whole) = (Vec::new(), Vec::new());
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, field) => ints(field, &mut dims)?,
            (2, Field::Int(v)) => kind = v,
            (4, field) => floats(field, &mut reals)?,
            (5 | 7, field) => ints(field, &mut whole)?,
            (8, Field::Bytes(b)) => name = text(b),
            (9, Field::Bytes(b)) => raw = Some(b),
            // The usual place may be named.
            (14, Field::Int(0)) => {}
            (13 | 14, _) => {
                return Err(format!("`{name}` is kept in another file; store all weights inside"));
            }
            _ => {}
        }
    }
    let extents: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = extents.ok_or_else(|| format!("`{name}` has a negative extent"))?;
    let count = shape::count(&shape).ok_or_else(|| format!("`{name}` is too large: {shape:?}"))?;
    let values = match (kind, raw) {
        (1, None) => Values::Floats(reals),
        (1, Some(b)) => {
            Values::Floats(b.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        (10, Some(b)) => {
            Values::Floats(b.chunks_exact(2).map(|b| half(u16::from_le_bytes([b[0], b[1]]))).collect())
        }
        (2 | 3 | 6 | 7 | 9, None) => {
            Values::Ints(whole.iter().map(|&v| if kind == 7 { v } else { i64::from(v as i32) }).collect())
        }
        (2 | 9, Some(b)) => Values::Ints(b.iter().map(|&b| i64::from(b)).collect()),
        (3, Some(b)) => Values::Ints(b.iter().map(|&b| i64::from(b as i8)).collect()),
        (6, Some(b)) => Values::Ints(
            b.chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        ),
        (7, Some(b)) => Values::Ints(
            b.chunks_exact(8)
                .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
        ),
        _ => return Err(format!("`{name}` has elements of type {kind}, which is not read")),
    };
    let len = match &values {
        Values::Floats(v) => v.len(),
        Values::Ints(v) => v.len(),
    };
    if len != count {
        return Err(format!("`{name}` holds {len} values for {shape:?}"));
    }
    Ok((name, Constant { shape, values, kind }))
}
