//! The parts of a TFLite file, checked.
//!
//! # Source
//! `schema.fbs` of TensorFlow Lite, version 3: the field numbers.

use crate::import::{
    flat::{Budget, Read, Table, Vector},
    shape,
};

/// Element types by their number in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    F32,
    F16,
    I32,
    U8,
    I64,
    Bool,
    I16,
    I8,
    Resource,
    Other(i8),
}

impl Type {
    fn of(code: i8) -> Self {
        match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            3 => Self::U8,
            4 => Self::I64,
            6 => Self::Bool,
            7 => Self::I16,
            9 => Self::I8,
            13 => Self::Resource,
            other => Self::Other(other),
        }
    }
    fn bytes(self) -> Option<usize> {
        Some(match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::F16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
            Self::Resource | Self::Other(_) => return None,
        })
    }
}

/// A tensor of a subgraph.
pub struct RawTensor<'a> {
    pub name: String,
    /// Shape in the file.
    pub shape: Vec<usize>,
    /// Whether the file leaves some of it open.
    pub open: bool,
    pub kind: Type,
    /// Contents of a constant.
    pub data: Option<&'a [u8]>,
    pub scale: Vec<f32>,
    pub zero: Vec<i64>,
    /// Axis of the scales when there are several, as the file has it.
    pub axis: i32,
}

impl RawTensor<'_> {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Integers of a constant.
    pub fn ints(&self) -> Option<Vec<i64>> {
        let data = self.data?;
        Some(match self.kind {
            Type::I32 => data
                .chunks_exact(4)
                .map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                .collect(),
            Type::I64 => data
                .chunks_exact(8)
                .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
            Type::I8 => data.iter().map(|b| i64::from(*b as i8)).collect(),
            Type::U8 | Type::Bool => data.iter().map(|b| i64::from(*b)).collect(),
            Type::I16 => data.chunks_exact(2).map(|b| i64::from(i16::from_le_bytes([b[0], b[1]]))).collect(),
            _ => return None,
        })
    }

    /// 16-bit integers of a constant.
    pub fn shorts(&self) -> Option<Vec<i16>> {
        let data = self.data.filter(|_| self.kind == Type::I16)?;
        Some(data.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
    }

    /// Real numbers of a constant, dequantised along `axis` when it has several scales.
    pub fn floats(&self, axis: usize) -> Option<Vec<f32>> {
        let data = self.data?;
        match self.kind {
            Type::F32 => {
                Some(data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
            }
            Type::F16 => Some(data.chunks_exact(2).map(|b| half(u16::from_le_bytes([b[0], b[1]]))).collect()),
            Type::I8 | Type::U8 | Type::I16 | Type::I32 if !self.scale.is_empty() => {
                let several = self.scale.len() > 1;
                if several && self.scale.len() != *self.shape.get(axis)? {
                    return None;
                }
                let inner: usize = self.shape.iter().skip(axis.saturating_add(1)).product();
                let values = self.ints()?;
                Some(
                    values
                        .iter()
                        .enumerate()
                        .map(|(i, q)| {
                            let c = if several { i / inner.max(1) % self.scale.len() } else { 0 };
                            let zero = self.zero.get(c).or(self.zero.first()).copied().unwrap_or(0);
                            self.scale[c] * (q - zero) as f32
                        })
                        .collect(),
                )
            }
            _ => None,
        }
    }
}

/// IEEE 754 half precision to single.
pub fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 31;
    let mantissa = u32::from(bits) & 0x3ff;
    match exponent {
        // Subnormal: mantissa * 2^-24, exact in single precision.
        0 => {
            let size = mantissa as f32 / 16_777_216.0;
            f32::from_bits(size.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

/// An operator of a subgraph.
pub struct RawOp<'a> {
    /// Number of the builtin operator.
    pub code: i32,
    /// Name of a custom operator.
    pub custom: String,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub options: Option<Table<'a>>,
}

/// A subgraph.
pub struct RawGraph<'a> {
    pub tensors: Vec<RawTensor<'a>>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub ops: Vec<RawOp<'a>>,
}

/// Most axes of a tensor.
const MOST_AXES: usize = 8;

/// All subgraphs of a file, whose copies `budget` pays for.
pub fn read<'a>(bytes: &'a [u8], budget: &'a Budget) -> Read<Vec<RawGraph<'a>>> {
    if bytes.get(4..8) != Some(b"TFL3".as_slice()) {
        return Err("the bytes 4 to 7 are not `TFL3`".into());
    }
    let root = Table::root(bytes, budget)?;
    let codes = root.vector(1, 4)?;
    let codes: Vec<(i32, String)> = (0..codes.len)
        .map(|i| {
            let t = codes.table(i)?;
            // Small numbers stand in an older byte field.
            Ok((t.i32(3, 0)?.max(i32::from(t.i8(0, 0)?)), t.text(1)?))
        })
        .collect::<Read<_>>()?;
    let buffers = root.vector(4, 4)?;
    let graphs = root.vector(2, 4)?;
    if graphs.len == 0 {
        return Err("it has no subgraph".into());
    }
    (0..graphs.len).map(|i| subgraph(&graphs.table(i)?, &codes, &buffers, budget)).collect()
}

fn subgraph<'a>(
    t: &Table<'a>,
    codes: &[(i32, String)],
    buffers: &Vector<'a>,
    budget: &Budget,
) -> Read<RawGraph<'a>> {
    let tensors = t.vector(0, 4)?;
    let tensors: Vec<RawTensor<'a>> =
        (0..tensors.len).map(|i| tensor(&tensors.table(i)?, buffers)).collect::<Read<_>>()?;
    let ops = t.vector(3, 4)?;
    let valid = |ids: Vec<i32>, optional: bool| -> Read<Vec<i32>> {
        match ids.iter().find(|&&id| id >= tensors.len() as i32 || id < if optional { -1 } else { 0 }) {
            Some(id) => Err(format!("tensor {id} does not exist")),
            None => Ok(ids),
        }
    };
    let ops = (0..ops.len)
        .map(|i| {
            let op = ops.table(i)?;
            let index = op.i32(0, 0)?;
            let (code, custom) = usize::try_from(index)
                .ok()
                .and_then(|i| codes.get(i))
                .ok_or_else(|| format!("operator code {index} does not exist"))?;
            budget.take(custom.len())?;
            Ok(RawOp {
                code: *code,
                custom: custom.clone(),
                inputs: valid(op.ints(1)?, true)?,
                outputs: valid(op.ints(2)?, false)?,
                options: op.table(4)?,
            })
        })
        .collect::<Read<_>>()?;
    Ok(RawGraph { inputs: valid(t.ints(1)?, false)?, outputs: valid(t.ints(2)?, false)?, ops, tensors })
}

fn tensor<'a>(t: &Table<'a>, buffers: &Vector<'a>) -> Read<RawTensor<'a>> {
    let name = t.text(3)?;
    let shape: Vec<usize> = t
        .ints(0)?
        .into_iter()
        .map(|d| usize::try_from(d).map_err(|_| format!("`{name}` has an extent of {d}")))
        .collect::<Read<_>>()?;
    if shape.len() > MOST_AXES {
        return Err(format!("`{name}` has {} axes, at most {MOST_AXES} are possible", shape.len()));
    }
    let count = shape::count(&shape).ok_or_else(|| format!("`{name}` is too large: {shape:?}"))?;
    let kind = Type::of(t.i8(1, 0)?);
    let open = t.ints(7)?.iter().any(|&d| d < 0);
    let buffer = t.i32(2, 0)?;
    let mut data = None;
    if buffer > 0 {
        let b = buffers.table(buffer as usize)?;
        let raw = b.vector(0, 1)?.raw();
        if !raw.is_empty() {
            if kind.bytes().is_none_or(|size| size * count != raw.len()) {
                return Err(format!("`{name}` has {} bytes for {shape:?} of {kind:?}", raw.len()));
            }
            data = Some(raw);
        }
    }
    let (mut scale, mut zero, mut axis) = (Vec::new(), Vec::new(), 0);
    if let Some(q) = t.table(4)? {
        scale = q.floats(2)?;
        zero = q.longs(3)?;
        axis = q.i32(6, 0)?;
    }
    if scale.iter().any(|s| !s.is_finite() || *s < 0.0) {
        return Err(format!("`{name}` has a scale that is no positive number"));
    }
    Ok(RawTensor { name, shape, open, kind, data, scale, zero, axis })
}
