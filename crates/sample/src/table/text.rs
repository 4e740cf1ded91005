//! Bytes to text, text to records of cells.

use crate::{Finding, SampleError};
use std::borrow::Cow;

/// The text of a table: UTF-8, UTF-16 that begins with its mark, or Latin-1 with a finding.
pub(super) fn text<'a>(bytes: &'a [u8], findings: &mut Vec<Finding>) -> Result<Cow<'a, str>, SampleError> {
    let error = |message: String| SampleError::new("encoding", message);
    if let Some(text) = utf_16(bytes) {
        let text = text?;
        return match text
            .chars()
            .position(|c| c < ' ' && !matches!(c, '\t' | '\n' | '\r' | '\u{B}' | '\u{C}'))
        {
            Some(at) => Err(error(format!("character {at} is not text; this is not a table"))),
            None => Ok(Cow::Owned(text)),
        };
    }
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let binary = body.iter().position(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C));
    if let Some(at) = binary {
        let (at, byte) = (at + bytes.len() - body.len(), body[at]);
        return Err(error(format!("byte {at} (0x{byte:02x}) is not text; this is not a table")));
    }
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(cause) => {
            findings.push(Finding {
                kind: "encoding".into(),
                message: format!(
                    "not UTF-8 (byte {}); read as Latin-1",
                    cause.valid_up_to() + bytes.len() - body.len()
                ),
            });
            Ok(Cow::Owned(body.iter().map(|b| char::from(*b)).collect()))
        }
    }
}

/// The text behind the mark of UTF-16 of either order; `None` without such a mark.
pub(crate) fn utf_16(bytes: &[u8]) -> Option<Result<String, SampleError>> {
    let (body, of): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xFF, 0xFE, body @ ..] => (body, u16::from_le_bytes),
        [0xFE, 0xFF, body @ ..] => (body, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, rest) = body.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| of(*pair))).collect();
    Some(match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(SampleError::new("encoding", "the text begins as UTF-16 and is none; save it as UTF-8")),
    })
}

/// Character between cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    Byte(u8),
    /// Any run of spaces and tabs.
    Blank,
}

/// Cells of a record, at most: a line of nothing but delimiters would take many times its own size in memory.
const MAX_CELLS: usize = 65_536;

/// Reads a table record by record. Lines are counted as an editor counts them, through comments, blank lines and quoted
/// line breaks; LF, CR LF and a lone CR end a line.
pub(super) struct Records<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    delimiter: Delimiter,
    /// Line of the first blank line since the last record, if any.
    pub blank: Option<usize>,
    /// The comment line last passed, without its mark.
    pub comment: Option<&'a str>,
}

impl<'a> Records<'a> {
    pub fn new(text: &'a str, delimiter: Delimiter) -> Self {
        Self { text, at: 0, line: 1, delimiter, blank: None, comment: None }
    }

    /// Fills `cells` with the trimmed cells of the next record and returns its line, from 1.
    pub fn read(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>, SampleError> {
        cells.clear();
        self.blank = None;
        let content = loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            let content = self.line_at(self.at);
            let trimmed = content.trim();
            if trimmed.is_empty() {
                self.blank.get_or_insert(self.line);
            } else if let Some(comment) = trimmed.strip_prefix('#').or_else(|| trimmed.strip_prefix("//")) {
                self.comment = Some(comment);
            } else {
                break content;
            }
            self.skip_line(content);
        };
        let line = self.line;
        if content.contains('"') {
            self.quoted(cells)?;
        } else {
            match self.delimiter {
                Delimiter::Byte(b) => {
                    let parts = content.split(char::from(b)).take(MAX_CELLS + 1);
                    cells.extend(parts.map(|c| Cow::Borrowed(c.trim())));
                }
                Delimiter::Blank => {
                    cells.extend(content.split_whitespace().take(MAX_CELLS + 1).map(Cow::Borrowed));
                }
            }
            self.skip_line(content);
        }
        if cells.len() > MAX_CELLS {
            let message = format!("row {line} has more than {MAX_CELLS} cells");
            return Err(SampleError::new("too_large", message));
        }
        Ok(Some(line))
    }

    /// From `at` to the end of its line.
    fn line_at(&self, at: usize) -> &'a str {
        let rest = &self.text[at..];
        let end = rest.bytes().position(|b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
        &rest[..end]
    }

    /// Moves behind `content`, which starts at the current place, and its line end.
    fn skip_line(&mut self, content: &str) {
        self.at += content.len();
        self.skip_break();
    }

    fn skip_break(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let width = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return,
        };
        self.at += width;
        self.line += 1;
    }

    fn is_delimiter(&self, byte: u8) -> bool {
        match self.delimiter {
            Delimiter::Byte(b) => byte == b,
            Delimiter::Blank => byte == b' ' || byte == b'\t',
        }
    }

    /// A record that holds quotes, from the current place.
    fn quoted(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<(), SampleError> {
        let bytes = self.text.as_bytes();
        let pad = |byte: u8| byte == b' ' || byte == b'\t';
        loop {
            // White space before a cell, unless it is what divides cells.
            while self.at < bytes.len()
                && pad(bytes[self.at])
                && self.delimiter != Delimiter::Byte(bytes[self.at])
            {
                self.at += 1;
            }
            let cell = if bytes.get(self.at) == Some(&b'"') {
                self.quoted_cell()?
            } else {
                Cow::Borrowed(self.plain())
            };
            let ended = bytes.get(self.at).is_none_or(|b| *b == b'\n' || *b == b'\r');
            // Blanks at the end of a line do not open another cell.
            if !(ended && self.delimiter == Delimiter::Blank && cell.is_empty() && !cells.is_empty()) {
                cells.push(cell);
            }
            if ended {
                self.skip_break();
                return Ok(());
            }
            if cells.len() > MAX_CELLS {
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// Up to the next delimiter or line end.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end =
            rest.bytes().position(|b| b == b'\n' || b == b'\r' || self.is_delimiter(b)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].trim()
    }

    /// A cell that starts with a quote; two quotes inside stand for one.
    fn quoted_cell(&mut self) -> Result<Cow<'a, str>, SampleError> {
        let opened = self.line;
        let bytes = self.text.as_bytes();
        let mut cell = String::new();
        self.at += 1;
        let mut from = self.at;
        loop {
            match bytes.get(self.at) {
                None => {
                    return Err(SampleError::new(
                        "quote",
                        format!("row {opened}: a quote is opened and never closed"),
                    ));
                }
                Some(b'"') if bytes.get(self.at + 1) == Some(&b'"') => {
                    cell.push_str(&self.text[from..=self.at]);
                    self.at += 2;
                    from = self.at;
                }
                Some(b'"') => break,
                Some(b'\n' | b'\r') => self.skip_break(),
                Some(_) => self.at += 1,
            }
        }
        cell.push_str(&self.text[from..self.at]);
        self.at += 1;
        let tail = self.plain();
        cell.push_str(tail);
        Ok(Cow::Owned(cell.trim().to_owned()))
    }
}
