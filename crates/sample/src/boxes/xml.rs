//! As much of XML as annotations need: elements, text, character references. Attributes are passed over, a document type with
//! declarations of its own is refused.

use super::error;
use crate::SampleError;

/// Elements inside each other, at most.
const DEPTH: usize = 32;

/// An element with what is in it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Element {
    pub name: String,
    /// Its own text, without space at the ends.
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// Text of the first child of this name; empty when there is none.
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |c| c.text.as_str())
    }
}

/// Reads a document; returns its outermost element.
pub(super) fn parse(bytes: &[u8]) -> Result<Element, SampleError> {
    let text =
        std::str::from_utf8(bytes).map_err(|e| error(format!("not UTF-8 at byte {}", e.valid_up_to())))?;
    let mut rest = text.trim_start_matches('\u{feff}');
    let at = |rest: &str| text.len() - rest.len();
    let mut open: Vec<Element> = Vec::new();
    loop {
        let Some(start) = rest.find('<') else {
            return Err(error(match open.last() {
                Some(e) => format!("the document ends inside <{}>", e.name),
                None => "no XML element".into(),
            }));
        };
        let (before, tag) = rest.split_at(start);
        match open.last_mut() {
            Some(e) => {
                unescape(before, &mut e.text).map_err(|m| error(format!("at byte {}: {m}", at(rest))))?
            }
            None if !before.trim().is_empty() => {
                return Err(error("text before the first XML element".into()));
            }
            None => {}
        }
        let place = at(tag);
        let cut = |tag: &'_ str, end: &str| -> Result<(usize, usize), SampleError> {
            let n = tag.find(end).ok_or_else(|| error(format!("at byte {place}: no `{end}` follows")))?;
            Ok((n, n + end.len()))
        };
        if tag.starts_with("<!--") {
            rest = &tag[cut(tag, "-->")?.1..];
        } else if let Some(inner) = tag.strip_prefix("<![CDATA[") {
            let (n, next) = cut(inner, "]]>")?;
            if let Some(e) = open.last_mut() {
                e.text.push_str(&inner[..n]);
            }
            rest = &inner[next..];
        } else if tag.starts_with("<?") {
            rest = &tag[cut(tag, "?>")?.1..];
        } else if tag.starts_with("<!") {
            let (n, next) = cut(tag, ">")?;
            if tag[..n].contains('[') {
                return Err(error(format!("at byte {place}: a document type with declarations is not read")));
            }
            rest = &tag[next..];
        } else if let Some(inner) = tag.strip_prefix("</") {
            let (n, next) = cut(inner, ">")?;
            let done = open.pop().filter(|e| e.name == inner[..n].trim_end());
            let mut done = done.ok_or_else(|| {
                error(format!("at byte {place}: </{}> closes nothing", inner[..n].escape_debug()))
            })?;
            done.text = done.text.trim().to_owned();
            match open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => return Ok(done),
            }
            rest = &inner[next..];
        } else {
            let inner = &tag[1..];
            let end =
                tag_end(inner).ok_or_else(|| error(format!("at byte {place}: a tag that does not end")))?;
            let (body, alone) = match inner[..end].strip_suffix('/') {
                Some(body) => (body, true),
                None => (&inner[..end], false),
            };
            let name = body.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
            if name.is_empty() || open.len() >= DEPTH {
                return Err(error(format!(
                    "at byte {place}: a tag without a name, or more than {DEPTH} elements inside each other"
                )));
            }
            let element = Element { name: name.to_owned(), ..Element::default() };
            rest = &inner[end + 1..];
            match (alone, open.last_mut()) {
                (false, _) => open.push(element),
                (true, Some(parent)) => parent.children.push(element),
                (true, None) => return Ok(element),
            }
        }
    }
}

/// Where the `>` of a tag is; those in quotes do not count.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (i, b) in tag.bytes().enumerate() {
        match (quote, b) {
            (None, b'>') => return Some(i),
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), b) if q == b => quote = None,
            _ => {}
        }
    }
    None
}

/// Adds text with its character references resolved.
fn unescape(mut text: &str, out: &mut String) -> Result<(), String> {
    while let Some((before, after)) = text.split_once('&') {
        out.push_str(before);
        let (name, rest) = after.split_once(';').ok_or("`&` without `;`")?;
        let number = || match name.strip_prefix("#x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => name.strip_prefix('#').and_then(|n| n.parse().ok()),
        };
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => number().and_then(char::from_u32).ok_or("an unknown character reference")?,
        });
        text = rest;
    }
    out.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_text_and_references_are_read() {
        let text = "\u{feff}<?xml version='1.0'?><!DOCTYPE a><!-- <b> --><a x=\"1>2\"> one &amp; &#x41;<b/><c> 2<![CDATA[<3]]> </c></a>tail";
        let a = parse(text.as_bytes()).unwrap();
        assert_eq!((a.name.as_str(), a.text.as_str()), ("a", "one & A"));
        assert_eq!(a.text_of("c"), "2<3");
        assert_eq!(a.child("b").map(|b| b.children.len()), Some(0));
    }

    #[test]
    fn broken_documents_are_refused() {
        for text in [
            "",
            "<",
            "<a",
            "<a>",
            "<a></b>",
            "<a>&x;</a>",
            "<a>&</a>",
            "x<a/>",
            "< >",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
            "<!--",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"<a>\xff</a>").is_err());
        assert!(parse("<a>".repeat(40).as_bytes()).is_err());
    }
}
