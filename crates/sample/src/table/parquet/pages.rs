//! What the pages of a column chunk claim, before anything is unpacked: a page of some bytes may claim gigabytes.
//!
//! Source: the Thrift definition of Apache Parquet (`PageHeader`) and Thrift's compact protocol.

/// Bytes of one page once it is unpacked, at most.
const MAX_PAGE: u64 = 256 << 20;
/// Structures in structures, at most.
const DEPTH: usize = 12;

/// Walks the headers of a chunk's pages.
///
/// # Errors
/// A sentence without the place.
pub(super) fn check(chunk: &[u8]) -> Result<(), String> {
    let mut rest = chunk;
    while !rest.is_empty() {
        let mut header = Compact { bytes: rest };
        let mut sizes = [None; 2];
        header.fields(0, &mut |id, value| {
            if let (2 | 3, Some(value)) = (id, value) {
                sizes[usize::from(id == 3)] = Some(value);
            }
        })?;
        let [Some(unpacked), Some(packed)] = sizes.map(|s| s.and_then(|s| u64::try_from(s).ok())) else {
            return Err("a page does not say its size".into());
        };
        if unpacked > MAX_PAGE {
            return Err(format!("a page claims {unpacked} bytes, at most {MAX_PAGE} are accepted"));
        }
        rest = usize::try_from(packed)
            .ok()
            .and_then(|packed| header.bytes.get(packed..))
            .ok_or("a page reaches beyond its column")?;
    }
    Ok(())
}

struct Compact<'a> {
    bytes: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Result<u8, String> {
        let (first, rest) = self.bytes.split_first().ok_or("a page header is cut off")?;
        self.bytes = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number of a page header has more than 64 bits".into())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), String> {
        let rest = usize::try_from(bytes).ok().and_then(|n| self.bytes.get(n..));
        self.bytes = rest.ok_or("a page header is cut off")?;
        Ok(())
    }

    /// Passes over the fields of a structure; whole numbers are told with their field.
    fn fields(&mut self, depth: usize, tell: &mut dyn FnMut(i64, Option<i64>)) -> Result<(), String> {
        if depth > DEPTH {
            return Err("a page header nests too deep".into());
        }
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => zigzag(self.number()?),
                step => id.saturating_add(i64::from(step)),
            };
            // True and false stand in the head itself.
            let value = if matches!(head & 15, 1 | 2) { None } else { self.value(head & 15, depth)? };
            tell(id, value);
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<Option<i64>, String> {
        match kind {
            1..=3 => self.skip(1)?,
            4..=6 => return Ok(Some(zigzag(self.number()?))),
            7 => self.skip(8)?,
            8 => {
                let length = self.number()?;
                self.skip(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
                self.values(count, &[head & 15], depth)?;
            }
            11 => {
                let count = self.number()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    self.values(count, &[kinds >> 4, kinds & 15], depth)?;
                }
            }
            12 => self.fields(depth + 1, &mut |_, _| {})?,
            other => return Err(format!("a page header has a field of unknown type {other}")),
        }
        Ok(None)
    }

    fn values(&mut self, count: u64, kinds: &[u8], depth: usize) -> Result<(), String> {
        if depth >= DEPTH {
            return Err("a page header nests too deep".into());
        }
        // Each takes a byte or more, so the end of the bytes ends a count that lies.
        for _ in 0..count {
            for kind in kinds {
                self.value(*kind, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page header with these sizes, a flag, a list, a map and a structure between and behind them.
    fn page(unpacked: u64, packed: u64) -> Vec<u8> {
        let mut out = vec![0x15, 0];
        for size in [unpacked, packed] {
            out.push(0x15);
            let mut rest = size << 1;
            while rest > 0x7F {
                out.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            out.push(rest as u8);
        }
        out.extend([0x11, 0x19, 0x28, 1, b'a', 0, 0x1B, 1, 0x58, 2, 1, b'b', 0x1C, 0x15, 2, 0x17]);
        out.extend([0; 8]);
        out.extend([0, 0]);
        out
    }

    #[test]
    fn pages_are_walked_by_what_they_claim() {
        let mut chunk = page(1000, 3);
        chunk.extend([1, 2, 3]);
        chunk.extend(page(5, 0));
        assert_eq!(check(&chunk), Ok(()));
        assert!(check(&chunk[..chunk.len() - 1]).is_err_and(|e| e.contains("cut off")));
        let bomb = page(2 << 30, 0);
        assert!(check(&bomb).is_err_and(|e| e.contains("2147483648 bytes")));
        assert!(check(&page(10, 1)).is_err_and(|e| e.contains("beyond")));
        assert!(check(&[0x1C; 40]).is_err_and(|e| e.contains("deep")));
        assert!(check(&[0]).is_err_and(|e| e.contains("size")));
    }
}
