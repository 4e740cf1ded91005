//! Arrays in NumPy's `.npy` form, version 1 to 3.
//!
//! Source: the format description in NumPy's documentation (`numpy.lib.format`).

/// Element type of an array that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Truth value in a byte.
    Bool,
    /// Unsigned byte.
    U8,
    /// Unsigned 16-bit.
    U16,
    /// Unsigned 32-bit.
    U32,
    /// Unsigned 64-bit.
    U64,
    /// Signed byte.
    I8,
    /// Signed 16-bit.
    I16,
    /// Signed 32-bit.
    I32,
    /// Signed 64-bit.
    I64,
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// An array, converted to double precision (exact for every type but 64-bit integers beyond 2^53).
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Type in the file.
    pub element: ElementType,
    /// Row-major.
    pub values: Vec<f64>,
}

/// Reads an array of numbers. One that is column-major in the file comes row-major.
///
/// # Errors
/// A sentence that says what is wrong with the bytes.
pub fn parse(bytes: &[u8]) -> Result<Array, String> {
    parse_within(bytes, usize::MAX)
}

/// The same for an array of at most so many elements.
pub(crate) fn parse_within(bytes: &[u8], most: usize) -> Result<Array, String> {
    let file = Raw::of(bytes)?;
    let count: usize = file.shape.iter().product();
    if count > most {
        return Err(format!("{count} values, at most {most} are accepted: cut the array into several files"));
    }
    let (big, kind) = match file.descr.split_at_checked(1) {
        Some((">", kind)) => (true, kind),
        Some(("<" | "|" | "=", kind)) => (false, kind),
        _ => (false, file.descr),
    };
    let element = match kind {
        "b1" | "?" => ElementType::Bool,
        "u1" => ElementType::U8,
        "u2" => ElementType::U16,
        "u4" => ElementType::U32,
        "u8" => ElementType::U64,
        "i1" => ElementType::I8,
        "i2" => ElementType::I16,
        "i4" => ElementType::I32,
        "i8" => ElementType::I64,
        "f2" => ElementType::F16,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        _ => {
            return Err(format!(
                "elements of type `{}` are not read; use uint8, int16, float32 or float64",
                file.descr.escape_debug()
            ));
        }
    };
    let size = match element {
        ElementType::Bool | ElementType::U8 | ElementType::I8 => 1,
        ElementType::U16 | ElementType::I16 | ElementType::F16 => 2,
        ElementType::U32 | ElementType::I32 | ElementType::F32 => 4,
        ElementType::U64 | ElementType::I64 | ElementType::F64 => 8,
    };
    let data = file.elements(size)?;
    let mut number = [0u8; 8];
    let values = data
        .chunks_exact(size)
        .map(|bytes| {
            number[..size].copy_from_slice(bytes);
            if big {
                number[..size].reverse();
            }
            value(element, &number)
        })
        .collect();
    let values = if file.column_major { row_major(&file.shape, values) } else { values };
    Ok(Array { shape: file.shape, element, values })
}

/// Reads an array of text: NumPy's `str_` and `bytes_`, row-major.
///
/// # Errors
/// A sentence that says what is wrong with the bytes; for an array of numbers as well.
pub fn parse_text(bytes: &[u8]) -> Result<(Vec<usize>, Vec<String>), String> {
    let file = Raw::of(bytes)?;
    let kind = file.descr.trim_start_matches(['<', '>', '|', '=']);
    let (unit, length) = match kind.split_at_checked(1) {
        Some(("U", length)) => (4, length),
        Some(("S", length)) => (1, length),
        _ => return Err(format!("elements of type `{}` are no text", file.descr.escape_debug())),
    };
    let length: usize = length.parse().map_err(|_| "the length of its text is no number".to_owned())?;
    let size = length.checked_mul(unit).ok_or("its text is too long")?;
    let data = file.elements(size)?;
    let count: usize = file.shape.iter().product();
    if size == 0 {
        return if count > MAX_EMPTY {
            Err(format!("{count} empty words are more than {MAX_EMPTY}"))
        } else {
            Ok((file.shape, vec![String::new(); count]))
        };
    }
    let big = file.descr.starts_with('>');
    let text = |word: &[u8]| -> Result<String, String> {
        let bad = || "its text is none".to_owned();
        if unit == 1 {
            let end = word.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            return std::str::from_utf8(&word[..end]).map(str::to_owned).map_err(|_| bad());
        }
        let letters = word
            .as_chunks::<4>()
            .0
            .iter()
            .map(|c| if big { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) });
        let text: String = letters.map(char::from_u32).collect::<Option<_>>().ok_or_else(bad)?;
        Ok(text.trim_end_matches('\0').to_owned())
    };
    let words = data.chunks_exact(size).map(text).collect::<Result<Vec<_>, _>>()?;
    Ok((file.shape.clone(), if file.column_major { row_major(&file.shape, words) } else { words }))
}

/// Words without a letter, at most: they take memory and no byte of the file.
const MAX_EMPTY: usize = 1 << 20;

/// A file whose header was read.
struct Raw<'a> {
    descr: &'a str,
    column_major: bool,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Raw<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
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
        let column_major = match between(header, "'fortran_order':", ",").map(str::trim) {
            Some("False") => false,
            Some("True") => true,
            _ => return Err("the header does not say the order of the array".into()),
        };
        let shape = between(header, "'shape':", ")").ok_or("the header has no `shape`")?;
        let shape: Vec<usize> = shape
            .trim()
            .trim_start_matches('(')
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(|s| s.parse().map_err(|_| format!("`{}` in the shape is no number", s.escape_debug())))
            .collect::<Result<_, _>>()?;
        if shape.len() > MAX_AXES {
            return Err(format!("{} axes are more than {MAX_AXES}", shape.len()));
        }
        // Also without a zero among them, so that no product of some of them is too large.
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
        count.ok_or("the shape is too large")?;
        Ok(Self { descr, column_major, shape, data: &bytes[start + length..] })
    }

    /// The bytes of all elements, which must be as many as the shape says.
    fn elements(&self, size: usize) -> Result<&'a [u8], String> {
        let count: usize = self.shape.iter().product();
        if count.checked_mul(size) != Some(self.data.len()) {
            return Err(format!("{} bytes of data do not fit the shape {:?}", self.data.len(), self.shape));
        }
        Ok(self.data)
    }
}

/// Axes of an array, at most; NumPy itself has 64.
const MAX_AXES: usize = 64;

/// Elements in the order in which the last axis runs fastest, from that in which the first does.
fn row_major<T: Clone>(shape: &[usize], values: Vec<T>) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for extent in shape {
        strides.push(stride);
        stride *= extent;
    }
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[at].clone());
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

fn value(element: ElementType, b: &[u8; 8]) -> f64 {
    let two = [b[0], b[1]];
    let four = [b[0], b[1], b[2], b[3]];
    match element {
        ElementType::Bool => f64::from(u8::from(b[0] != 0)),
        ElementType::U8 => f64::from(b[0]),
        ElementType::U16 => f64::from(u16::from_le_bytes(two)),
        ElementType::U32 => f64::from(u32::from_le_bytes(four)),
        ElementType::U64 => u64::from_le_bytes(*b) as f64,
        ElementType::I8 => f64::from(b[0] as i8),
        ElementType::I16 => f64::from(i16::from_le_bytes(two)),
        ElementType::I32 => f64::from(i32::from_le_bytes(four)),
        ElementType::I64 => i64::from_le_bytes(*b) as f64,
        ElementType::F16 => f64::from(half(u16::from_le_bytes(two))),
        ElementType::F32 => f64::from(f32::from_le_bytes(four)),
        ElementType::F64 => f64::from_le_bytes(*b),
    }
}

/// A number of half precision from its bits (IEEE 754, binary16).
pub(crate) fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), f32::from(bits & 0x3FF));
    let size = match exponent {
        0 => fraction / 16_777_216.0,
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * f32::from_bits((exponent + 112) << 23),
    };
    sign * size
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let array = parse(&write_f32(&[1.0, -2.5])).expect("valid");
        assert_eq!(array, Array { shape: vec![2], element: ElementType::F32, values: vec![1.0, -2.5] });
    }

    /// An array whose header says another order.
    fn column_major(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let text = write(descr, shape, bytes);
        let at = text.windows(5).position(|w| w == b"False").expect("the order");
        let mut out = text.clone();
        out[at..at + 5].copy_from_slice(b"True ");
        out
    }

    #[test]
    fn column_major_arrays_come_row_major() {
        let array =
            parse(&column_major("<i2", &[2, 3], &[1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0])).expect("valid");
        assert_eq!((array.shape, array.values), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let cube: Vec<u8> = (0..24).collect();
        let array = parse(&column_major("|u1", &[2, 3, 4], &cube)).expect("valid");
        let at = |i: usize, j: usize, k: usize| array.values[(i * 3 + j) * 4 + k];
        for (i, j, k) in [(0, 0, 0), (1, 0, 0), (0, 2, 1), (1, 1, 3), (1, 2, 3)] {
            assert_eq!(at(i, j, k), (i + 2 * j + 6 * k) as f64);
        }
        let (_, words) = parse_text(&column_major("|S1", &[2, 2], b"acbd")).expect("text");
        assert_eq!(words, ["a", "b", "c", "d"]);
        assert!(parse(&column_major("<f4", &[0, 3], &[])).expect("nothing").values.is_empty());
    }

    #[test]
    fn numbers_of_every_width_and_order_are_read() {
        for (descr, bytes, value) in [
            ("|b1", vec![2], 1.0),
            ("<u2", vec![0xFE, 0xFF], 65534.0),
            (">u2", vec![0xFF, 0xFE], 65534.0),
            ("<u4", vec![0, 0, 0, 0x80], 2_147_483_648.0),
            (">i4", vec![0xFF, 0xFF, 0xFF, 0xFE], -2.0),
            ("<u8", vec![0, 0, 0, 0, 1, 0, 0, 0], 4_294_967_296.0),
            ("<f2", vec![0x00, 0xC1], -2.5),
            ("<f2", vec![1, 0], f64::powi(2.0, -24)),
            (">f8", vec![0x3F, 0xE0, 0, 0, 0, 0, 0, 0], 0.5),
        ] {
            assert_eq!(parse(&write(descr, &[1], &bytes)).expect(descr).values, [value], "{descr}");
        }
        assert!(half(0x7C00).is_infinite() && half(0x7E00).is_nan());
        for descr in ["|O", "<c8", "<M8[ns]", "<U4", "<f3"] {
            assert!(
                parse(&write(descr, &[1], &[0; 16])).is_err_and(|e| e.contains("are not read")),
                "{descr}"
            );
        }
    }

    #[test]
    fn words_are_read_without_what_fills_them_up() {
        let wide: Vec<u8> = "go\0é\0\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(parse_text(&write("<U3", &[2], &wide)), Ok((vec![2], vec!["go".into(), "é".into()])));
        assert_eq!(parse_text(&write("|S2", &[2], b"a\0bc")), Ok((vec![2], vec!["a".into(), "bc".into()])));
        assert!(parse_text(&write("<U1", &[1], &[0xFF; 4])).is_err());
        assert!(parse_text(&write("<U0", &[1 << 40], &[])).is_err());
        assert!(parse_text(&write_f32(&[1.0])).is_err());
    }

    #[test]
    fn no_prefix_of_a_file_panics() {
        let bytes = write_f32(&[1.0, 2.0, 3.0]);
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err());
        }
    }
}
