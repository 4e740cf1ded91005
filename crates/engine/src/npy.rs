//! Arrays in NumPy's `.npy` form, version 1 to 3.
//!
//! Source: the format description in NumPy's documentation (`numpy.lib.format`).

use crate::{EngineError, error::AtPath};
use std::path::Path;

/// Element type of an array that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Unsigned byte.
    U8,
    /// Signed byte.
    I8,
    /// Signed 16-bit.
    I16,
    /// Signed 32-bit.
    I32,
    /// Signed 64-bit.
    I64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// An array, converted to double precision (exact for every type but large `i64`).
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Type in the file.
    pub element: ElementType,
    /// Row-major.
    pub values: Vec<f64>,
}

/// Reads an array.
///
/// # Errors
/// A sentence that says what is wrong with the bytes.
pub fn parse(bytes: &[u8]) -> Result<Array, String> {
    if bytes.len() < 10 || &bytes[..6] != b"\x93NUMPY" {
        return Err("this is no .npy file".into());
    }
    let (length, start) = match bytes[6] {
        1 => (usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), 10),
        2 | 3 if bytes.len() >= 12 => {
            (u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, 12)
        }
        v => return Err(format!("version {v} of .npy is not known")),
    };
    let header = bytes.get(start..start + length).ok_or("the header is cut off")?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text")?;
    let descr = between(header, "'descr':", ",").ok_or("the header has no `descr`")?;
    let descr = descr.trim().trim_matches('\'').trim_matches('"');
    if between(header, "'fortran_order':", ",").map(str::trim) != Some("False") {
        return Err("column-major arrays are not read; save with numpy.ascontiguousarray".into());
    }
    let shape = between(header, "'shape':", ")").ok_or("the header has no `shape`")?;
    let shape: Vec<usize> = shape
        .trim()
        .trim_start_matches('(')
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| s.parse().map_err(|_| format!("`{s}` in the shape is no number")))
        .collect::<Result<_, _>>()?;
    let (element, size) = match descr {
        "|u1" | "<u1" | "u1" => (ElementType::U8, 1),
        "|i1" | "<i1" | "i1" => (ElementType::I8, 1),
        "<i2" => (ElementType::I16, 2),
        "<i4" => (ElementType::I32, 4),
        "<i8" => (ElementType::I64, 8),
        "<f4" => (ElementType::F32, 4),
        "<f8" => (ElementType::F64, 8),
        other => {
            return Err(format!(
                "elements of type `{other}` are not read; use uint8, int16, float32 or float64"
            ));
        }
    };
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or("the shape is too large")?;
    let data = &bytes[start + length..];
    if count.checked_mul(size) != Some(data.len()) {
        return Err(format!("{} bytes of data do not fit the shape {shape:?}", data.len()));
    }
    let values = data.chunks_exact(size).map(|b| value(element, b)).collect();
    Ok(Array { shape, element, values })
}

fn value(element: ElementType, b: &[u8]) -> f64 {
    let four = || [b[0], b[1], b[2], b[3]];
    let eight = || [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]];
    match element {
        ElementType::U8 => f64::from(b[0]),
        ElementType::I8 => f64::from(b[0] as i8),
        ElementType::I16 => f64::from(i16::from_le_bytes([b[0], b[1]])),
        ElementType::I32 => f64::from(i32::from_le_bytes(four())),
        ElementType::I64 => i64::from_le_bytes(eight()) as f64,
        ElementType::F32 => f64::from(f32::from_le_bytes(four())),
        ElementType::F64 => f64::from_le_bytes(eight()),
    }
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    let rest = &text[text.find(from)? + from.len()..];
    Some(&rest[..rest.find(to)?])
}

/// A flat single-precision array.
pub fn write_f32(values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    write("<f4", &[values.len()], &bytes)
}

/// An array of any type: its description as in the header, its shape, its contents in little-endian order.
pub fn write(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|d| format!("{d}, ")).collect();
    let shape = if shape.matches(',').count() > 1 { shape.trim_end_matches(", ") } else { shape.trim_end() };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(bytes);
    out
}

/// Reads an array from a file.
///
/// # Errors
/// [`EngineError::Io`] or [`EngineError::Data`] naming the file.
pub fn read(path: &Path) -> Result<Array, EngineError> {
    let bytes = std::fs::read(path).at(path)?;
    parse(&bytes).map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let array = parse(&write_f32(&[1.0, -2.5])).expect("valid");
        assert_eq!(array, Array { shape: vec![2], element: ElementType::F32, values: vec![1.0, -2.5] });
    }

    #[test]
    fn no_prefix_of_a_file_panics() {
        let bytes = write_f32(&[1.0, 2.0, 3.0]);
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err());
        }
    }
}
