//! Weights that lie in a file beside the model, as PyTorch's exporter writes them, brought into the model's own bytes.

use super::{
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

/// A tensor with its elements inside.
fn tensor(bytes: &[u8], file: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Read<Vec<u8>> {
    let fields = parts(bytes)?;
    if !fields.iter().any(|p| p.number == 13) {
        return Ok(bytes.to_vec());
    }
    let (mut location, mut offset, mut length) = (String::new(), 0usize, None);
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
                let count = || value.parse::<usize>().map_err(|_| format!("`{value}` is no place in a file"));
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
    let Some(data) = file(&location) else {
        return Err(format!("its weights are kept in `{location}`, which must lie beside it"));
    };
    let end = length.map_or(Some(data.len()), |n| offset.checked_add(n));
    match end.and_then(|end| data.get(offset..end)) {
        Some(raw) => put(&mut out, 9, raw),
        None => return Err(format!("`{location}` is shorter than the model says")),
    }
    Ok(out)
}

/// The bytes of a model whose weights all lie inside. `file` gives the contents of a file by the name that the model has for it; it
/// is asked for each of the tensors.
///
/// # Errors
/// [`ImportError::Malformed`] when the bytes are no message, or a file is not there or too short.
pub fn whole(bytes: &[u8], file: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Result<Vec<u8>, ImportError> {
    let graph = &mut |graph: &[u8]| replaced(graph, 5, &mut |t: &[u8]| tensor(t, file));
    replaced(bytes, 7, graph).map_err(|reason| ImportError::Malformed { format: "ONNX", reason })
}
