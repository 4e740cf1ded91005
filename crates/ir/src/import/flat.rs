//! A bounded reader of FlatBuffers: tables, vectors and strings by field number.
//!
//! # Source
//! FlatBuffers internals: offsets are unsigned 32-bit and relative to where they stand; a table starts with a signed
//! offset back to its vtable; a vtable holds its own size, the table's size and one 16-bit offset per field.

use std::cell::Cell;

/// Result with a sentence.
pub type Read<T> = Result<T, String>;

/// How much may still be copied out of a file. Several offsets may lead to one place, so that without a limit a small file could ask
/// for its content again and again.
pub struct Budget(Cell<usize>);

impl Budget {
    /// Bytes for which an entry of a vector of tables counts, whatever the table holds.
    const ENTRY: usize = 32;

    /// For a file that has no reason to hold anything twice.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Cell::new(bytes.len().saturating_mul(8)))
    }

    /// Pays for bytes.
    pub fn take(&self, bytes: usize) -> Read<()> {
        match self.0.get().checked_sub(bytes) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err("its tables lead to the same content again and again".into()),
        }
    }
}

/// A table inside a buffer.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    budget: &'a Budget,
    at: usize,
    vtable: usize,
    fields: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Read<u16> {
    let b = bytes.get(at..at.saturating_add(2)).ok_or("cut off")?;
    Ok(u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Read<u32> {
    let b = bytes.get(at..at.saturating_add(4)).ok_or("cut off")?;
    Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// Where the offset at `at` leads.
fn follow(bytes: &[u8], at: usize) -> Read<usize> {
    let to = at.saturating_add(u32_at(bytes, at)? as usize);
    if to < bytes.len() { Ok(to) } else { Err("an offset leads outside".into()) }
}

/// A vector: where its elements start, and how many there are.
#[derive(Clone, Copy)]
pub struct Vector<'a> {
    bytes: &'a [u8],
    budget: &'a Budget,
    start: usize,
    /// Number of elements.
    pub len: usize,
}

impl<'a> Vector<'a> {
    fn read(bytes: &'a [u8], budget: &'a Budget, at: usize, size: usize) -> Read<Self> {
        let len = u32_at(bytes, at)? as usize;
        let start = at + 4;
        let end = len.checked_mul(size).and_then(|n| n.checked_add(start));
        match end {
            Some(end) if end <= bytes.len() => Ok(Self { bytes, budget, start, len }),
            _ => Err("a vector is longer than the file".into()),
        }
    }
    /// Table number `i` of a vector of tables.
    pub fn table(&self, i: usize) -> Read<Table<'a>> {
        if i >= self.len {
            return Err(format!("entry {i} of {} does not exist", self.len));
        }
        self.budget.take(Budget::ENTRY)?;
        Table::at(self.bytes, self.budget, follow(self.bytes, self.start + 4 * i)?)
    }
    /// The bytes of a vector of bytes.
    pub fn raw(&self) -> &'a [u8] {
        &self.bytes[self.start..self.start + self.len]
    }
}

impl<'a> Table<'a> {
    /// The root table.
    pub fn root(bytes: &'a [u8], budget: &'a Budget) -> Read<Self> {
        Self::at(bytes, budget, follow(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], budget: &'a Budget, at: usize) -> Read<Self> {
        let back = i64::from(u32_at(bytes, at)? as i32);
        let vtable = usize::try_from(at as i64 - back).map_err(|_| "a vtable lies outside")?;
        let size = usize::from(u16_at(bytes, vtable)?);
        if size < 4 || vtable.saturating_add(size) > bytes.len() {
            return Err("a vtable is cut off".into());
        }
        Ok(Self { bytes, budget, at, vtable, fields: (size - 4) / 2 })
    }

    /// Position of a field, unless it is left out.
    fn field(&self, number: usize) -> Read<Option<usize>> {
        if number >= self.fields {
            return Ok(None);
        }
        let offset = usize::from(u16_at(self.bytes, self.vtable + 4 + 2 * number)?);
        Ok((offset != 0).then(|| self.at + offset))
    }

    /// Byte, or its default.
    pub fn i8(&self, number: usize, default: i8) -> Read<i8> {
        match self.field(number)? {
            Some(at) => self.bytes.get(at).map(|b| *b as i8).ok_or_else(|| "cut off".into()),
            None => Ok(default),
        }
    }
    /// 32-bit integer, or its default.
    pub fn i32(&self, number: usize, default: i32) -> Read<i32> {
        match self.field(number)? {
            Some(at) => Ok(u32_at(self.bytes, at)? as i32),
            None => Ok(default),
        }
    }
    /// Single precision, 0 when left out.
    pub fn f32(&self, number: usize) -> Read<f32> {
        Ok(f32::from_bits(self.i32(number, 0)? as u32))
    }
    /// A table, unless it is left out.
    pub fn table(&self, number: usize) -> Read<Option<Table<'a>>> {
        match self.field(number)? {
            Some(at) => Self::at(self.bytes, self.budget, follow(self.bytes, at)?).map(Some),
            None => Ok(None),
        }
    }
    /// A vector of elements of `size` bytes (4 for tables), empty when left out.
    pub fn vector(&self, number: usize, size: usize) -> Read<Vector<'a>> {
        match self.field(number)? {
            Some(at) => Vector::read(self.bytes, self.budget, follow(self.bytes, at)?, size),
            None => Ok(Vector { bytes: self.bytes, budget: self.budget, start: 0, len: 0 }),
        }
    }
    /// A vector of 32-bit integers.
    pub fn ints(&self, number: usize) -> Read<Vec<i32>> {
        let v = self.vector(number, 4)?;
        self.budget.take(4 * v.len)?;
        (0..v.len).map(|i| Ok(u32_at(self.bytes, v.start + 4 * i)? as i32)).collect()
    }
    /// A vector of 64-bit integers.
    pub fn longs(&self, number: usize) -> Read<Vec<i64>> {
        let v = self.vector(number, 8)?;
        self.budget.take(8 * v.len)?;
        (0..v.len)
            .map(|i| {
                let low = u64::from(u32_at(self.bytes, v.start + 8 * i)?);
                let high = u64::from(u32_at(self.bytes, v.start + 8 * i + 4)?);
                Ok((low | high << 32) as i64)
            })
            .collect()
    }
    /// A vector of single-precision values.
    pub fn floats(&self, number: usize) -> Read<Vec<f32>> {
        Ok(self.ints(number)?.into_iter().map(|v| f32::from_bits(v as u32)).collect())
    }
    /// A text, empty when left out.
    pub fn text(&self, number: usize) -> Read<String> {
        let v = self.vector(number, 1)?;
        self.budget.take(v.len)?;
        Ok(String::from_utf8_lossy(v.raw()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::flat::{Value, file};

    #[test]
    fn one_table_is_not_copied_for_each_offset_to_it() {
        let tables = (0..400).map(|i| vec![(0, Value::Text("n".repeat(if i == 0 { 1000 } else { 1 })))]);
        let mut bytes = file(&vec![(0, Value::Tables(tables.collect()))], b"TFL3").expect("a file");
        let all = |bytes: &[u8]| -> Read<usize> {
            let budget = Budget::of(bytes);
            let tables = Table::root(bytes, &budget)?.vector(0, 4)?;
            (0..tables.len).map(|i| Ok(tables.table(i)?.text(0)?.len())).sum()
        };
        assert_eq!(all(&bytes), Ok(1399));
        // All offsets lead to the first table.
        let (start, to) = {
            let budget = Budget::of(&bytes);
            let tables = Table::root(&bytes, &budget).and_then(|t| t.vector(0, 4)).expect("tables");
            (tables.start, tables.table(0).expect("a table").at)
        };
        for i in 0..400 {
            let at = start + 4 * i;
            bytes[at..at + 4].copy_from_slice(&((to - at) as u32).to_le_bytes());
        }
        assert!(all(&bytes).is_err_and(|e| e.contains("again and again")));
    }
}
