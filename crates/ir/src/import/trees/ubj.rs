//! UBJSON, the binary form of the same model that XGBoost writes into `model.ubj`.
//!
//! # Source
//! Universal Binary JSON, draft 12, as far as XGBoost 3.2 writes it: objects, lists with and without a type and a count, text, integers of
//! 8 to 64 bits, floats of 32 and 64 bits, true, false and null; big-endian.

use serde_json::{Map, Value};

/// Levels of lists and objects in each other.
const MOST_LEVELS: usize = 64;
/// Elements of all lists and objects together.
const MOST_ELEMENTS: usize = 1 << 23;

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or("it ends in the middle")?;
        self.rest = rest;
        Ok(*first)
    }

    fn mark(&mut self) -> Result<u8, String> {
        Ok(self.bytes::<1>()?[0])
    }

    fn integer(&mut self, mark: u8) -> Result<i64, String> {
        Ok(match mark {
            b'i' => i8::from_be_bytes(self.bytes()?).into(),
            b'U' => u8::from_be_bytes(self.bytes()?).into(),
            b'I' => i16::from_be_bytes(self.bytes()?).into(),
            b'l' => i32::from_be_bytes(self.bytes()?).into(),
            b'L' => i64::from_be_bytes(self.bytes()?),
            other => return Err(format!("{other:#04x} stands where a whole number is expected")),
        })
    }

    fn count(&mut self) -> Result<usize, String> {
        let mark = self.mark()?;
        let n = self.integer(mark)?;
        usize::try_from(n).map_err(|_| format!("{n} is no count"))
    }

    fn text(&mut self) -> Result<String, String> {
        let n = self.count()?;
        let (text, rest) = self.rest.split_at_checked(n).ok_or("it ends in the middle of a text")?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).map_err(|_| "it has a text that is none".into())
    }

    /// A type and a count that stand before elements.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), String> {
        let mut kind = None;
        if self.rest.first() == Some(&b'$') {
            self.mark()?;
            kind = Some(self.mark()?);
        }
        if self.rest.first() == Some(&b'#') {
            self.mark()?;
            return Ok((kind, Some(self.count()?)));
        }
        if kind.is_some() {
            Err("it has a type of elements without their count".into())
        } else {
            Ok((None, None))
        }
    }

    /// Whether another element follows the `made` that there are.
    fn more(&mut self, count: Option<usize>, made: usize, end: u8) -> Result<bool, String> {
        let more = match count {
            Some(count) => made < count,
            None if self.rest.first() == Some(&end) => {
                self.mark()?;
                false
            }
            None => true,
        };
        if more {
            self.left =
                self.left.checked_sub(1).ok_or(format!("it has more than {MOST_ELEMENTS} elements"))?;
        }
        Ok(more)
    }

    fn value(&mut self, mark: u8, level: usize) -> Result<Value, String> {
        if level > MOST_LEVELS {
            return Err(format!("it has more than {MOST_LEVELS} levels"));
        }
        Ok(match mark {
            b'{' => {
                let (kind, count) = self.head()?;
                let mut map = Map::new();
                let mut made = 0;
                while self.more(count, made, b'}')? {
                    let key = self.text()?;
                    let mark = kind.map_or_else(|| self.mark(), Ok)?;
                    map.insert(key, self.value(mark, level + 1)?);
                    made += 1;
                }
                Value::Object(map)
            }
            b'[' => {
                let (kind, count) = self.head()?;
                let mut list = Vec::new();
                while self.more(count, list.len(), b']')? {
                    let mark = kind.map_or_else(|| self.mark(), Ok)?;
                    list.push(self.value(mark, level + 1)?);
                }
                Value::Array(list)
            }
            b'S' => Value::String(self.text()?),
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'Z' => Value::Null,
            b'd' => f64::from(f32::from_be_bytes(self.bytes()?)).into(),
            b'D' => f64::from_be_bytes(self.bytes()?).into(),
            other => self.integer(other)?.into(),
        })
    }
}

/// The value that the bytes hold.
///
/// # Errors
/// A sentence about what they are not.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { rest: bytes, left: MOST_ELEMENTS };
    let mark = reader.mark()?;
    reader.value(mark, 0)
}
