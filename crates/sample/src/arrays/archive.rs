//! The arrays of an `.npz`: a ZIP archive of `.npy` files, stored or deflated.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

use super::error;
use crate::SampleError;
use flate2::{Crc, read::DeflateDecoder};
use std::borrow::Cow;
use std::io::Read;

/// Ending of the names of arrays.
const ARRAY: &str = ".npy";
/// Bytes of the record at the end without its comment, and the longest comment.
const END: usize = 22;
const COMMENT: usize = 0xFFFF;

/// Whether bytes begin as an archive whose first file is an array.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    let name = || {
        let length = usize::from(short(bytes, 26)?);
        bytes.get(30..30 + length)
    };
    bytes.starts_with(b"PK\x03\x04") && name().is_some_and(|n| n.ends_with(ARRAY.as_bytes()))
}

/// An array of an archive: its name without ending, and its bytes as a `.npy`.
pub(super) struct Member<'a> {
    pub name: String,
    pub bytes: Cow<'a, [u8]>,
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

/// The arrays of an archive in its order, of at most `most` bytes together once unpacked.
pub(super) fn read(bytes: &[u8], most: usize) -> Result<Vec<Member<'_>>, SampleError> {
    let cut = || error("truncated", "the archive is cut off or damaged; save it again with numpy.savez");
    let from = bytes.len().saturating_sub(END + COMMENT);
    let last = bytes.len().checked_sub(END).ok_or_else(cut)?;
    let end = (from..=last).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06")).ok_or_else(cut)?;
    let count = short(bytes, end + 10).ok_or_else(cut)?;
    let mut at = long(bytes, end + 16).ok_or_else(cut)? as usize;
    let mut out = Vec::new();
    let mut left = most;
    for _ in 0..count {
        let entry = bytes.get(at..).filter(|e| e.starts_with(b"PK\x01\x02")).ok_or_else(cut)?;
        let field = |at: usize| short(entry, at).map(usize::from).ok_or_else(cut);
        let wide = |at: usize| long(entry, at).ok_or_else(cut);
        let (name, extra, comment) = (field(28)?, field(30)?, field(32)?);
        at += 46 + name + extra + comment;
        let name = String::from_utf8_lossy(entry.get(46..46 + name).ok_or_else(cut)?).into_owned();
        let Some(stem) = name.strip_suffix(ARRAY) else { continue };
        let place = |what: &str| error("npz_data", format!("`{}`: {what}", stem.escape_debug()));
        if field(8)? & 1 != 0 {
            return Err(place("it is encrypted"));
        }
        let (packed, unpacked) = (wide(20)? as usize, wide(24)? as usize);
        left = left.checked_sub(unpacked).ok_or_else(|| {
            error("too_large", format!("the arrays have more than {most} bytes; save them in several files"))
        })?;
        let head = wide(42)? as usize;
        let file = bytes.get(head..).filter(|f| f.starts_with(b"PK\x03\x04")).ok_or_else(cut)?;
        let skip = |at: usize| short(file, at).map(usize::from).ok_or_else(cut);
        let start = 30 + skip(26)? + skip(28)?;
        let data = file.get(start..).and_then(|f| f.get(..packed)).ok_or_else(cut)?;
        let content = match field(10)? {
            0 => Cow::Borrowed(data),
            8 => {
                // A stream that holds more than it says is not read to its end.
                let mut content = Vec::new();
                let read = DeflateDecoder::new(data).take(unpacked as u64 + 1).read_to_end(&mut content);
                read.map_err(|_| place("its data is damaged; save it again with numpy.savez_compressed"))?;
                Cow::Owned(content)
            }
            method => {
                return Err(place(&format!("it is packed by method {method}; save it with numpy.savez")));
            }
        };
        let mut crc = Crc::new();
        crc.update(&content);
        if content.len() != unpacked || crc.sum() != wide(16)? {
            return Err(place("its data is damaged; save it again with numpy.savez"));
        }
        out.push(Member { name: stem.to_owned(), bytes: content });
    }
    if out.is_empty() {
        return Err(error("empty", "the archive holds no array"));
    }
    Ok(out)
}
