//! The archive that keeps the files of a record together: POSIX `ustar`, so that `tar` opens it.

use super::error;
use crate::SampleError;

/// Bytes of a header, and what the bytes of a file are filled up to.
const BLOCK: usize = 512;
/// Longest name that the header of a file holds.
const NAME_MAX: usize = 100;

/// A file of an archive.
pub(super) struct Member<'a> {
    /// Last part of its path.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// Puts files into an archive, in the order given; the same files always give the same bytes.
///
/// # Errors
/// `wfdb_archive` for a name of more than 100 bytes.
pub fn pack(files: &[(&str, &[u8])]) -> Result<Vec<u8>, SampleError> {
    let mut out = Vec::with_capacity(files.iter().map(|f| f.1.len() + 2 * BLOCK).sum::<usize>() + 2 * BLOCK);
    for (name, bytes) in files {
        if name.is_empty() || name.len() > NAME_MAX {
            let message = format!("`{name}`: a name has 1 to {NAME_MAX} bytes; rename the file");
            return Err(error("wfdb_archive", message));
        }
        let mut head = [0u8; BLOCK];
        head[..name.len()].copy_from_slice(name.as_bytes());
        let fields: [(usize, &str); 5] = [
            (100, "0000644\0"),
            (108, "0000000\0"),
            (116, "0000000\0"),
            (136, "00000000000\0"),
            (148, "        "),
        ];
        for (at, text) in fields {
            head[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        head[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

/// The plain files of an archive.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Member<'_>>, SampleError> {
    let wrong = |at: usize, what: &str| error("wfdb_archive", format!("archive, byte {at}: {what}"));
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + BLOCK) {
        if head.iter().all(|b| *b == 0) {
            return Ok(out);
        }
        let sum: u64 = head
            .iter()
            .enumerate()
            .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u64::from(*b) })
            .sum();
        if octal(&head[148..156]) != Some(sum) {
            return Err(wrong(at, "the checksum of a file's header is wrong; pack the record again"));
        }
        let size = octal(&head[124..136])
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| wrong(at + 124, "the size of a file is no octal number"))?;
        let start = at + BLOCK;
        let body = start
            .checked_add(size)
            .and_then(|end| bytes.get(start..end))
            .ok_or_else(|| wrong(start, "the archive ends inside a file; pack the record again"))?;
        // Folders and notes of other programs hold no file.
        if matches!(head[156], b'0' | 0) {
            let name = head[..NAME_MAX].split(|b| *b == 0).next().unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(|_| wrong(at, "a file's name is not UTF-8"))?;
            out.push(Member { name: name.rsplit('/').next().unwrap_or(name), bytes: body });
        }
        at = start + size.next_multiple_of(BLOCK);
    }
    Ok(out)
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(|c| c == ' ' || c == '\0'), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_out_as_they_went_in() {
        let packed = pack(&[("a.hea", b"text"), ("a.dat", &[7; 513]), ("empty", b"")]).expect("packed");
        let files = read(&packed).expect("read");
        let names: Vec<_> = files.iter().map(|f| (f.name, f.bytes.len())).collect();
        assert_eq!(names, [("a.hea", 4), ("a.dat", 513), ("empty", 0)]);
        assert_eq!(files[0].bytes, b"text");
        assert!(pack(&[(&"n".repeat(101), b"")]).is_err());
    }

    #[test]
    fn damage_is_told() {
        let mut packed = pack(&[("a.hea", b"text")]).expect("packed");
        assert!(read(&packed[..514]).is_err());
        packed[0] = b'b';
        assert!(read(&packed).is_err());
    }
}
