//! Columns that number rows: they tell rows apart and nothing else.

use super::{Body, layout::Layout, names::Numbering};
use crate::Finding;
use std::borrow::Cow;

/// A column whose name is that of a number of rows, and what its cells say.
pub(super) struct Counter {
    column: usize,
    numbering: Numbering,
    /// Empty once a cell was no whole number.
    seen: Option<Vec<i64>>,
}

impl Counter {
    /// Those of a layout; in a time series the name must be of a number that stands alone.
    pub fn of(layout: &Layout, rows_are_samples: bool) -> Vec<Self> {
        let fits = |n: Numbering| rows_are_samples || n != Numbering::Consecutive;
        let counter = |&(column, numbering): &(usize, Numbering)| Self {
            column,
            numbering: match numbering {
                Numbering::Rising if rows_are_samples => Numbering::Unique,
                other => other,
            },
            seen: Some(Vec::new()),
        };
        layout.numbered.iter().filter(|(_, n)| fits(*n)).map(counter).collect()
    }

    /// Looks at one row.
    pub fn row(&mut self, cells: &[Cow<str>]) {
        let Some(seen) = &mut self.seen else { return };
        let cell = cells.get(self.column).map_or("", |c| c.as_ref());
        // Tools write `5.0` where another cell of the column was missing.
        match cell.strip_suffix(".0").unwrap_or(cell).parse() {
            Ok(number) => seen.push(number),
            Err(_) => self.seen = None,
        }
    }

    fn counts(&mut self) -> bool {
        let Some(mut seen) = self.seen.take() else { return false };
        if self.numbering != Numbering::Rising {
            seen.sort_unstable();
        }
        let step = |w: &[i64]| match self.numbering {
            Numbering::Consecutive => w[0].checked_add(1) == Some(w[1]),
            _ => w[0] < w[1],
        };
        !seen.is_empty() && seen.windows(2).all(step)
    }
}

impl Body {
    /// Takes the columns out that number the rows, as long as a column of values stays.
    pub(super) fn leave_out_numbers(
        &mut self,
        layout: &mut Layout,
        counters: Vec<Counter>,
        findings: &mut Vec<Finding>,
    ) {
        let mut out = Vec::new();
        for mut counter in counters {
            let left = layout.values.len() - out.len() + layout.words.len();
            if left > 1
                && counter.counts()
                && let Some(at) = layout.values.iter().position(|c| *c == counter.column)
            {
                out.push(at);
                let name = match layout.headers[counter.column].as_str() {
                    "" => "the first column, which has no name,".to_owned(),
                    name => format!("column {} (`{}`)", counter.column + 1, name.escape_debug()),
                };
                findings.push(Finding {
                    kind: "index_column".into(),
                    message: format!(
                        "{name} numbers the rows and was left out; `keep = [\"{}\"]` under [tables] keeps it as values",
                        layout.name(counter.column).escape_debug()
                    ),
                });
            }
        }
        if out.is_empty() {
            return;
        }
        let width = layout.values.len();
        let mut at = 0;
        self.values.retain(|_| {
            let stays = !out.contains(&(at % width));
            at += 1;
            stays
        });
        let mut column = 0;
        layout.values.retain(|_| {
            column += 1;
            !out.contains(&(column - 1))
        });
        column = 0;
        layout.axes.retain(|_| {
            column += 1;
            !out.contains(&(column - 1))
        });
    }
}
