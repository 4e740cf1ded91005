//! Weights that lie in a file beside the model, as PyTorch's exporter writes them, brought into the model's own bytes.

use super::{
    super::MOST_CONSTANT_BYTES,
    ImportError,
    wire::{Read, skip, varint},
};

/// A field of a message: its number, its bytes with key and length, and its contents when they have a length.
struct Part<'a> {
    number: u64,
    whole: &'a [u8],
    contents: Option<&'a [u8]>,
}

fn parts(mut bytes: &[u8]) -> Read<Vec<Part<'_>>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let start = bytes;
        let key = varint(&mut bytes)?;
        let contents = skip(&mut bytes, key & 7)?;
        let whole = &start[..start.len() - bytes.len()];
        out.push(Part { number: key >> 3, whole, contents: (key & 7 == 2).then_some(contents) });
    }
    Ok(out)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put(out: &mut Vec<u8>, number: u64, contents: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, contents.len() as u64);
    out.extend_from_slice(contents);
}

/// A message whose fields of one number are made anew.
fn replaced(bytes: &[u8], number: u64, make: &mut dyn FnMut(&[u8]) -> Read<Vec<u8>>) -> Read<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    for part in parts(bytes)? {
        match part.contents {
            Some(contents) if part.number == number => put(&mut out, number, &make(contents)?),
            _ => out.extend_from_slice(part.whole),
        }
    }
    Ok(out)
}

/// Bytes of a file from a place on: so many, or all.
type Files<'f> = &'f mut Beside<'f>;

/// A tensor with its elements inside; `left`: how many bytes may still be brought in.
fn tensor(bytes: &[u8], file: Files<'_>, left: &mut usize) -> Read<Vec<u8>> {
    let fields = parts(bytes)?;
    if !fields.iter().any(|p| p.number == 13) {
        return Ok(bytes.to_vec());
    }
    let (mut location, mut offset, mut length) = (String::new(), 0u64, None);
    let mut out = Vec::new();
    for part in &fields {
        match (part.number, part.contents) {
            (13, Some(entry)) => {
                let text = |number: u64| -> Read<String> {
                    let found =
                        parts(entry)?.into_iter().find(|p| p.number == number).and_then(|p| p.contents);
                    Ok(String::from_utf8_lossy(found.unwrap_or_default()).into_owned())
                };
                let value = text(2)?;
                let count = || value.parse::<u64>().map_err(|_| format!("`{value}` is no place in a file"));
                match text(1)?.as_str() {
                    "location" => location = value,
                    "offset" => offset = count()?,
                    "length" => length = Some(count()?),
                    _ => {}
                }
            }
            (14, _) => {}
            _ => out.extend_from_slice(part.whole),
        }
    }
    let large =
        || Err(format!("its weights in `{location}` are together larger than {MOST_CONSTANT_BYTES} bytes"));
    if length.is_some_and(|n| n > *left as u64) {
        return large();
    }
    let Some(raw) = file(&location, offset, length) else {
        return Err(format!(
            "its weights are kept in `{location}`, which must lie beside it, in the same folder and not behind a link out of it"
        ));
    };
    if length.is_some_and(|n| raw.len() as u64 != n) {
        return Err(format!("`{location}` is shorter than the model says"));
    }
    let Some(rest) = left.checked_sub(raw.len()) else { return large() };
    *left = rest;
    put(&mut out, 9, &raw);
    Ok(out)
}

/// Gives bytes of a file beside the model: its name, the place to begin at, and how many, or all to the end.
pub type Beside<'a> = dyn FnMut(&str, u64, Option<u64>) -> Option<Vec<u8>> + 'a;

/// The bytes of a model whose weights all lie inside. `file` gives bytes of a file: by the name that the model has for it, from a place
/// on, and as many as are asked for, fewer where it ends before, or all to its end; it is asked for each of the tensors.
///
/// # Errors
/// [`ImportError::Malformed`] when the bytes are no message, a file is not there or too short, or the weights are too large together.
pub fn whole(bytes: &[u8], file: &mut Beside<'_>) -> Result<Vec<u8>, ImportError> {
    let mut left = MOST_CONSTANT_BYTES;
    let graph = &mut |graph: &[u8]| replaced(graph, 5, &mut |t: &[u8]| tensor(t, file, &mut left));
    replaced(bytes, 7, graph).map_err(|reason| ImportError::Malformed { format: "ONNX", reason })
}
