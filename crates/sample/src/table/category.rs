//! Columns of words in rows that are samples: an axis for each word, 1 where the row holds it, else 0.

use super::{Texts, error, layout::Layout};
use crate::{Axis, Finding, SampleError};

/// Words of a column that nobody named, at most; with more it is a name or a remark.
const MOST: usize = 64;

/// The axes of one column.
pub(super) struct Categories<'a> {
    pub axes: Vec<Axis>,
    texts: &'a Texts,
    /// Axis of each text; `None` for the empty one.
    at: Vec<Option<usize>>,
}

impl Categories<'_> {
    /// Appends the values of a row.
    pub fn encode(&self, row: usize, values: &mut Vec<f32>) {
        let first = values.len();
        values.resize(first + self.axes.len(), 0.0);
        if let Some(axis) = self.texts.rows.get(row).and_then(|&id| self.at[id as usize]) {
            values[first + axis] = 1.0;
        }
    }
}

/// Decides which columns of words become axes, in the order of columns and, within one, of words.
pub(super) fn axes<'a>(
    layout: &Layout,
    words: &'a [Texts],
    rows: usize,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Categories<'a>>, SampleError> {
    let mut out = Vec::new();
    let mut seen: std::collections::BTreeSet<String> = layout.axes.iter().map(|a| a.name.clone()).collect();
    for (texts, &column) in words.iter().zip(&layout.words) {
        let mut names: Vec<(&str, usize)> = texts
            .names
            .iter()
            .enumerate()
            .filter(|(_, n)| !n.is_empty())
            .map(|(i, n)| (n.as_str(), i))
            .collect();
        names.sort_unstable();
        let place = format!("column {} (`{}`)", column + 1, layout.headers[column].escape_debug());
        let mut tell = |kind: &str, message: String| findings.push(Finding { kind: kind.into(), message });
        // A name of its own in most rows tells rows apart and nothing else.
        let names_rows = rows >= 10 && names.len() * 2 > rows;
        if !layout.words_named && (names.len() > MOST || names_rows) {
            tell(
                "text_column",
                format!("{place} holds {} different words in {rows} rows and was left out", names.len()),
            );
            continue;
        }
        // What follows the first `=` is the word.
        let name = layout.name(column).replace('=', "_");
        let mut at = vec![None; texts.names.len()];
        let mut axes = Vec::with_capacity(names.len());
        for (axis, (word, id)) in names.iter().enumerate() {
            at[*id] = Some(axis);
            axes.push(Axis { name: format!("{name}={word}"), units: Axis::CATEGORY.into() });
            if !seen.insert(format!("{name}={word}")) {
                let message = format!("row 1: two columns give the axis `{name}={word}`; names must differ");
                return Err(error("duplicate_column", message));
            }
        }
        let shown: Vec<&str> = names.iter().take(8).map(|n| n.0).collect();
        let more = if names.len() > shown.len() { ", ..." } else { "" };
        tell(
            "category_column",
            format!("{place} holds words: an axis for each ({}{more})", shown.join(", ")),
        );
        let missing = texts.rows.iter().filter(|&&id| at[id as usize].is_none()).count();
        if missing > 0 {
            tell("category_missing", format!("{place} is empty in {missing} rows: all its axes are 0 there"));
        }
        out.push(Categories { axes, texts, at });
    }
    Ok(out)
}
