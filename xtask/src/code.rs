//! Rust source as text: which paths of the standard library does a file name outside its tests?

use crate::workspace::{list, name, read};
use anyhow::Result;
use std::path::Path;

/// A source file without its comments, strings and tests.
pub struct Source {
    /// Name for messages.
    pub file: String,
    /// What is left of the text.
    pub code: String,
    /// Text of the file as it is.
    pub text: String,
}

/// All source files below a folder, modules that only tests see left out.
pub fn sources(folder: &Path, root: &Path) -> Result<Vec<Source>> {
    let mut out = Vec::new();
    let mut test_modules = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(dir) = folders.pop() {
        for path in list(&dir)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = read(&path)?;
                let (code, tests) = without_tests(&bare(&text));
                let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                let below = if ["lib", "main", "mod"].contains(&stem.as_str()) {
                    dir.clone()
                } else {
                    dir.join(&stem)
                };
                test_modules.extend(tests.into_iter().map(|m| below.join(m)));
                out.push((
                    path.clone(),
                    Source {
                        file: path.strip_prefix(root).unwrap_or(&path).display().to_string(),
                        code,
                        text,
                    },
                ));
            }
        }
    }
    out.retain(|(path, _)| {
        !test_modules.iter().any(|m| path.starts_with(m) || *path == m.with_extension("rs"))
    });
    out.sort_by(|a, b| name(&a.0).cmp(&name(&b.0)).then(a.0.cmp(&b.0)));
    Ok(out.into_iter().map(|(_, s)| s).collect())
}

/// The text with comments and the insides of strings and characters replaced by spaces.
pub fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let blank = |out: &mut String, from: usize, to: usize| {
        out.extend(chars[from..to.min(chars.len())].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
    };
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        let word_before = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        match chars[i] {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && chars[i] != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 1;
                i += 2;
                while i < chars.len() && depth > 0 {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                }
            }
            'r' if !word_before || (at(i.wrapping_sub(1)) == 'b') => {
                let hashes = (i + 1..).take_while(|&k| at(k) == '#').count();
                if at(i + 1 + hashes) != '"' {
                    out.push('r');
                    i += 1;
                    continue;
                }
                i += 2 + hashes;
                while i < chars.len() && !(chars[i] == '"' && (1..=hashes).all(|k| at(i + k) == '#')) {
                    i += 1;
                }
                i += 1 + hashes;
            }
            '"' => {
                i += 1;
                while i < chars.len() && chars[i] != '"' {
                    i += if chars[i] == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += 2;
                if at(start + 1) == '\\' {
                    i += 1;
                }
                while i < chars.len() && chars[i] != '\'' {
                    i += 1;
                }
                i += 1;
            }
            c => {
                out.push(c);
                i += 1;
                continue;
            }
        }
        blank(&mut out, start, i);
    }
    out
}

/// Cuts every item marked `#[cfg(test)]`; also returns the names of test modules that live in files of their own.
fn without_tests(bare: &str) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut modules = Vec::new();
    let mut rest = bare;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let body = item.find(['{', ';']).unwrap_or(item.len());
        if item[body..].starts_with(';') {
            let words: Vec<&str> = item[..body].split_whitespace().collect();
            if let Some(k) = words.iter().position(|w| *w == "mod")
                && let Some(name) = words.get(k + 1)
            {
                modules.push((*name).to_owned());
            }
            rest = &item[body + 1..];
            continue;
        }
        let mut depth = 0usize;
        let end = item[body..]
            .char_indices()
            .find_map(|(i, c)| {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                (depth == 0).then_some(body + i + 1)
            })
            .unwrap_or(item.len());
        rest = &item[end..];
    }
    out.push_str(rest);
    (out, modules)
}

/// Every path that begins with `std::`, groups written out: `std::{fs, io::{self, Read}}` gives `std::fs`, `std::io`,
/// `std::io::Read`.
pub fn std_paths(code: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices("std::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            || code[..at].ends_with("::") && !code[..at].ends_with(" ::")
        {
            continue;
        }
        expand("std", &code[at + "std::".len()..], &mut out);
    }
    out
}

/// Reads one tree of a path after `prefix::`; returns how many bytes it took.
fn expand(prefix: &str, text: &str, out: &mut Vec<String>) -> usize {
    let trimmed = text.trim_start();
    let skipped = text.len() - trimmed.len();
    if let Some(inner) = trimmed.strip_prefix('{') {
        let mut at = 0;
        loop {
            at += inner[at..].len() - inner[at..].trim_start().len();
            match inner[at..].chars().next() {
                None => return text.len(),
                Some('}') => return skipped + 1 + at + 1,
                Some(',') => at += 1,
                Some(_) => {
                    let took = expand(prefix, &inner[at..], out);
                    at += took.max(1);
                }
            }
        }
    }
    let word: String =
        trimmed.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '*').collect();
    if word.is_empty() {
        return skipped;
    }
    let path = if word == "self" { prefix.to_owned() } else { format!("{prefix}::{word}") };
    let end = skipped + word.len();
    if let Some(further) = text[end..].strip_prefix("::")
        && !further.starts_with('<')
    {
        return end + 2 + expand(&path, further, out);
    }
    out.push(path);
    end
}

/// Whether the code uses something banned: a path of the standard library, or a bare word.
pub fn uses(code: &str, banned: &str) -> bool {
    if !banned.starts_with("std::") {
        return has_word(code, banned);
    }
    std_paths(code).iter().any(|path| {
        if path == banned || path.starts_with(&format!("{banned}::")) {
            return true;
        }
        // `use std::process;` and then `process::Command`.
        match banned.strip_prefix(&format!("{path}::")) {
            Some(rest) => {
                path.rsplit("::").next().is_some_and(|module| has_word(code, &format!("{module}::{rest}")))
            }
            None => false,
        }
    })
}

fn has_word(code: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        !inside(code[..at].chars().next_back()) && !inside(code[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, banned: &str, expected: bool) {
        assert_eq!(uses(&without_tests(&bare(text)).0, banned), expected, "{banned} in {text}");
    }

    #[test]
    fn paths_are_found_however_they_are_written() {
        check("fn f() { std::fs::read(p); }", "std::fs", true);
        check("use std::fs;", "std::fs", true);
        check("use std::{collections::BTreeMap, fs, path::Path};", "std::fs", true);
        check(
            "use std::{collections::BTreeMap, io::{self, Read}};\nuse std::{\n  time::{Duration, Instant},\n};",
            "std::time",
            true,
        );
        check("use std::process::{Command, Stdio};", "std::process::Command", true);
        check("use std::process; fn f() { process::Command::new(x); }", "std::process::Command", true);
        check("use std::process; fn f() { process::exit(1) }", "std::process::Command", false);
        check("use std::fmt;", "std::fs", false);
        check("use mystd::fs;", "std::fs", false);
        check("let m: HashMap<u8, u8>;", "HashMap", true);
        check("let m: MyHashMap;", "HashMap", false);
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        check("// std::fs\n/* std::fs /* nested */ std::fs */ fn f() {}", "std::fs", false);
        check(
            "let s = \"std::fs \\\" std::fs\"; let r = r#\"std::fs \" x\"#; let c = '\"';",
            "std::fs",
            false,
        );
        check("let c = '\"'; let l: &'static str = x; std::fs::read(y)", "std::fs", true);
        check("#[cfg(test)]\nmod tests { fn f() { std::fs::read(\"}\"); } }\nfn g() {}", "std::fs", false);
        check("#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { std::fs::read(p) }", "std::fs", true);
        check("#[cfg(test)]\nuse std::fs;\nfn g() {}", "std::fs", false);
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_named() {
        assert_eq!(without_tests("#[cfg(test)]\nmod cases;\nfn f() {}").1, ["cases"]);
    }
}
