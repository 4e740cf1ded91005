//! Words of a program, each with its place.

use crate::{DspError, plan::refuse};
use alloc::{format, string::String, vec::Vec};

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// Refuses a program at this place.
    pub(super) fn refuse<T>(self, kind: &'static str, message: String) -> Result<T, DspError> {
        refuse(kind, format!("program line {}, column {}: {message}", self.line, self.column))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Name(String),
    /// In quotes.
    Text(String),
    Number(f64),
    Sign(&'static str),
    /// End of a statement: of the line or `;`.
    Break,
    End,
}

impl core::fmt::Display for Word {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Name(n) => write!(f, "`{n}`"),
            Self::Text(t) => write!(f, "\"{t}\""),
            Self::Number(n) => write!(f, "`{n}`"),
            Self::Sign(s) => write!(f, "`{s}`"),
            Self::Break => f.write_str("the end of the line"),
            Self::End => f.write_str("the end of the program"),
        }
    }
}

/// Bytes of a program, at most.
const LONGEST: usize = 65_536;

const SIGNS: [&str; 13] = ["<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",", "=", ";"];

pub(super) fn words(program: &str) -> Result<Vec<(Word, Place)>, DspError> {
    if program.len() > LONGEST {
        return refuse(
            "program_too_large",
            format!("the program has {} bytes; it can have at most {LONGEST}", program.len()),
        );
    }
    let mut out = Vec::new();
    let mut place = Place { line: 1, column: 1 };
    let mut open = 0usize;
    let mut rest = program;
    while let Some(c) = rest.chars().next() {
        let here = place;
        let taken = match c {
            '\n' => {
                // Within parentheses a statement goes on.
                if open == 0 {
                    out.push((Word::Break, here));
                }
                place = Place { line: place.line + 1, column: 1 };
                rest = &rest[1..];
                continue;
            }
            c if c.is_whitespace() => c.len_utf8(),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => {
                let Some(n) = rest[1..].find(['"', '\n']).filter(|n| rest[1 + n..].starts_with('"')) else {
                    return here.refuse("program_syntax", "the quote is not closed on its line".into());
                };
                out.push((Word::Text(rest[1..1 + n].into()), here));
                n + 2
            }
            c if c.is_ascii_digit() || c == '.' => {
                let n = number(rest.as_bytes());
                let value: f64 = rest[..n].parse().unwrap_or(f64::NAN);
                if !(value as f32).is_finite() {
                    return here.refuse("program_syntax", format!("`{}` is no number", &rest[..n]));
                }
                out.push((Word::Number(value), here));
                n
            }
            c if c.is_alphabetic() || c == '_' => {
                let n = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                out.push((Word::Name(rest[..n].into()), here));
                n
            }
            _ => {
                let Some(&sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) else {
                    return here.refuse("program_syntax", format!("{c:?} has no meaning here"));
                };
                match sign {
                    "(" => open += 1,
                    ")" => open = open.saturating_sub(1),
                    _ => {}
                }
                out.push((if sign == ";" { Word::Break } else { Word::Sign(sign) }, here));
                sign.len()
            }
        };
        place.column += rest[..taken].chars().count();
        rest = &rest[taken..];
    }
    out.push((Word::End, place));
    Ok(out)
}

/// Bytes of the number at the front.
fn number(text: &[u8]) -> usize {
    let digits = |mut at: usize| {
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let from = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let to = digits(from);
        if to > from {
            end = to;
        }
    }
    end
}
