//! JSON Lines: one object, or one array, a line.

use super::grid::Grid;
use super::text;
use crate::{CsvOptions, Finding, SampleError};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Objects in objects, at most.
const DEPTH: usize = 16;

/// Reads lines of JSON as the rows of a table. A member is a column, a member of a member is one called `outer.inner`, the items of an array
/// are columns called `outer.0`, `outer.1`; what a row does not have, and `null`, are empty cells. Rows that are arrays have their names in
/// the first row, if it holds any.
pub(super) fn read(
    bytes: &[u8],
    options: &CsvOptions,
    findings: &mut Vec<Finding>,
) -> Result<Grid, SampleError> {
    let text = text::text(bytes, findings)?;
    let mut rows: Option<Rows> = None;
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), number + 1);
        if line.is_empty() {
            continue;
        }
        let arrays = line.starts_with('[');
        if !arrays && !line.starts_with('{') {
            let shown: String = line.chars().take(40).collect::<String>().escape_debug().to_string();
            let message = format!("line {number}: `{shown}` is neither a JSON object nor an array of cells");
            return Err(SampleError::new("json", message));
        }
        let rows = rows.get_or_insert_with(|| Rows::new(arrays, options));
        if rows.arrays != arrays {
            let message =
                format!("line {number}: objects and arrays stand in one file; a table has one of them");
            return Err(SampleError::new("json", message));
        }
        rows.line(line, number)?;
    }
    let rows = rows.ok_or_else(|| SampleError::new("empty", "the file holds no line of JSON"))?;
    Ok(rows.grid)
}

struct Rows<'o> {
    options: &'o CsvOptions,
    grid: Grid,
    arrays: bool,
    columns: BTreeMap<String, usize>,
    /// Per column, the row that it was last written in, from 1.
    written: Vec<usize>,
    row: usize,
    /// Why the grid took no more.
    full: Option<SampleError>,
}

impl<'o> Rows<'o> {
    fn new(arrays: bool, options: &'o CsvOptions) -> Self {
        let grid = Grid::new(if arrays { None } else { Some(Vec::new()) });
        Self { options, grid, arrays, columns: BTreeMap::new(), written: Vec::new(), row: 0, full: None }
    }

    fn line(&mut self, line: &str, number: usize) -> Result<(), SampleError> {
        self.row += 1;
        let mut json = serde_json::Deserializer::from_str(line);
        let mut path = String::new();
        let read = Cell { rows: self, path: &mut path, depth: 0 }.deserialize(&mut json);
        if let Some(mut full) = self.full.take() {
            full.message = format!("line {number}: {}", full.message);
            return Err(full);
        }
        read.and_then(|()| json.end()).map_err(|cause| {
            let text = cause.to_string();
            // The line of the JSON text is the line of the file that stands before it.
            let text = text.split(" at line ").next().unwrap_or(&text);
            SampleError::new("json", format!("line {number}, column {}: {text}", cause.column()))
        })?;
        self.grid.end_row(number)
    }

    fn put(&mut self, path: &str, cell: &str) -> Result<(), String> {
        let column = match self.columns.get(path) {
            Some(column) => *column,
            None => {
                let name = if self.arrays { String::new() } else { path.to_owned() };
                let column = match self.grid.add_column(name) {
                    Ok(column) => column,
                    Err(full) => return Err(self.stop(full)),
                };
                self.columns.insert(path.to_owned(), column);
                self.written.push(0);
                column
            }
        };
        if self.written[column] == self.row {
            return Err(format!("`{}` stands twice in one row", path.escape_debug()));
        }
        self.written[column] = self.row;
        self.grid.push(column, cell).map_err(|full| self.stop(full))
    }

    fn stop(&mut self, full: SampleError) -> String {
        let message = full.message.clone();
        self.full = Some(full);
        message
    }
}

/// One value on its way into its column.
struct Cell<'r, 'o> {
    rows: &'r mut Rows<'o>,
    path: &'r mut String,
    depth: usize,
}

impl<'o> Cell<'_, 'o> {
    fn put<E: Error>(self, cell: &str) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom("a row is an object or an array"));
        }
        self.rows.put(self.path, cell).map_err(E::custom)
    }

    fn below<E: Error>(&self) -> Result<(), E> {
        if self.depth >= DEPTH {
            return Err(E::custom(format!("more than {DEPTH} objects or arrays in one another")));
        }
        Ok(())
    }

    /// The value under a name.
    fn inner<'s>(&'s mut self, name: &str) -> (Cell<'s, 'o>, usize) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        (Cell { rows: self.rows, path: self.path, depth: self.depth + 1 }, length)
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a row of cells")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        // A label says `true`; an axis is 1 or 0.
        let named = [&self.rows.options.label_column, &self.rows.options.group_column];
        let words = named.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(self.path));
        self.put(match (words, value) {
            (true, true) => "true",
            (true, false) => "false",
            (false, true) => "1",
            (false, false) => "0",
        })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(&super::cell::written(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put("")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.below()?;
        while let Some(name) = map.next_key::<String>()? {
            let (cell, length) = self.inner(&name);
            map.next_value_seed(cell)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.below()?;
        let mut number = 0usize;
        loop {
            let (cell, length) = self.inner(&number.to_string());
            let more = items.next_element_seed(cell)?;
            self.path.truncate(length);
            if more.is_none() {
                return Ok(());
            }
            number += 1;
        }
    }
}
