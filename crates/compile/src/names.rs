//! C identifiers and literals.

use crate::reserved::is_reserved;
use std::fmt::Write;

/// Longest prefix that is not cut, in characters.
const LONGEST: usize = 32;

/// C identifier from the name of a project: lower case, words of letters, digits and underscores; never empty, never a
/// name that [`is_reserved`]. Of a longer name than 32 characters stays the beginning, with eight digits that depend on all of it: two
/// models that begin alike can be linked together.
pub fn prefix(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'A'..='Z' => out.push(c.to_ascii_lowercase()),
            _ if out.ends_with('_') || out.is_empty() => {}
            _ => out.push('_'),
        }
    }
    let words = out.trim_end_matches('_').len();
    out.truncate(words);
    if out.len() > LONGEST {
        // FNV-1a.
        let hash = out.bytes().fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        out.truncate(LONGEST - 9);
        out.truncate(out.trim_end_matches('_').len());
        let _ = write!(out, "_{hash:08x}");
    }
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) || is_reserved(&out) {
        out.insert_str(0, "model_");
    }
    out
}

/// A C string literal; everything but plain printable ASCII is written as octal bytes.
pub fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for b in text.bytes() {
        match b {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(b as char);
            }
            // `??` could be read as a trigraph.
            b'?' | 0..=0x1f | 0x7f.. => {
                let _ = write!(out, "\\{b:03o}");
            }
            _ => out.push(b as char),
        }
    }
    out.push('"');
    out
}

/// Text that may stand in a comment.
pub fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect::<String>()
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("??", "? ?")
}

/// A float literal that gives exactly this value.
pub fn float(v: f32) -> String {
    if v == f32::INFINITY {
        "INFINITY".into()
    } else if v == f32::NEG_INFINITY {
        "-INFINITY".into()
    } else {
        // Nine significant digits tell any two floats apart.
        format!("{v:.8e}f")
    }
}

/// `static const <type> <name>[] = {...};`
pub fn array<T>(kind: &str, name: &str, values: &[T], show: impl Fn(&T) -> String) -> String {
    let mut out = format!("EW_DATA {kind} {name}[{}] = {{", values.len().max(1));
    if values.is_empty() {
        out.push('0');
    }
    let mut column = 200;
    for (i, v) in values.iter().enumerate() {
        let text = show(v);
        if column + text.len() > 110 {
            out.push_str("\n    ");
            column = 4;
        }
        column += text.len() + 2;
        out.push_str(&text);
        if i + 1 < values.len() {
            out.push_str(", ");
        }
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out.push_str("};\n");
    out.replace(", \n", ",\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_identifiers() {
        for (name, expected) in [
            ("Key Words!", "key_words"),
            ("int", "model_int"),
            ("9lives", "model_9lives"),
            ("äö", "model_"),
            ("ew_x", "model_ew_x"),
            ("Math", "model_math"),
            ("size", "model_size"),
            ("match", "model_match"),
            ("object", "model_object"),
            ("test", "model_test"),
            ("model", "model"),
            ("server", "server"),
        ] {
            assert_eq!(prefix(name), expected);
        }
    }

    #[test]
    fn long_names_that_begin_alike_give_different_prefixes() {
        let names =
            ["examples mnist lstm trained lstm .tflite", "examples mnist lstm trained lstm int8.tflite"];
        let [a, b] = names.map(prefix);
        assert_ne!(a, b);
        assert!(a.starts_with("examples_mnist_lstm") && a.len() <= 32 && b.len() <= 32, "{a}, {b}");
        assert_eq!(prefix(&"a".repeat(32)), "a".repeat(32));
    }

    #[test]
    fn labels_cannot_leave_their_string() {
        assert_eq!(string("a\"b\\c\nd?"), "\"a\\\"b\\\\c\\012d\\077\"");
        assert_eq!(comment("x */ y"), "x * / y");
    }

    #[test]
    fn float_literals_give_back_the_value() {
        for v in [0.1f32, -3.4e38, 1.0e-45, 1.175_494_4e-38, 16777217.0, 0.0] {
            let text = float(v);
            assert_eq!(
                text.trim_end_matches('f').parse::<f32>().map(f32::to_bits),
                Ok(v.to_bits()),
                "{text}"
            );
        }
    }
}
