//! A table whose cells are known before anything is asked of them: columns of a Parquet file, rows of JSON.

use super::text::{Delimiter, Records};
use crate::SampleError;
use std::borrow::Cow;

/// Columns of a table, at most: as many as a row of text has cells.
pub(super) const MAX_COLUMNS: usize = 65_536;
/// Bytes of all cells as text, at most. A file of some bytes may say the same long word a million times.
const MAX_TEXT: usize = 256 << 20;
/// Cells, at most, of values and whatever stands beside them.
const MAX_CELLS: usize = 64 << 20;

/// One column: the cells one behind another, and where each ends.
#[derive(Default)]
pub(super) struct Column {
    text: String,
    ends: Vec<u32>,
}

impl Column {
    fn cell(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[row] as usize]
    }
}

/// The cells of a table, column by column.
#[derive(Default)]
pub(super) struct Grid {
    names: Vec<String>,
    columns: Vec<Column>,
    /// Line of each row in the file; empty where rows have no lines, and are counted from 1.
    lines: Vec<u32>,
    /// Whether the first row may hold names: nothing else says them.
    unnamed: bool,
    rows: usize,
    bytes: usize,
}

impl Grid {
    /// A table with these columns and no rows; without names, when they may stand in the first row.
    pub fn new(names: Option<Vec<String>>) -> Self {
        let unnamed = names.is_none();
        let names = names.unwrap_or_default();
        Self { columns: names.iter().map(|_| Column::default()).collect(), names, unnamed, ..Self::default() }
    }

    /// Whether names are known and not to be looked for among the rows.
    pub fn named(&self) -> bool {
        !self.unnamed
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Adds a column whose cells are empty in the rows before.
    ///
    /// # Errors
    /// `too_large`.
    pub fn add_column(&mut self, name: String) -> Result<usize, SampleError> {
        if self.columns.len() >= MAX_COLUMNS {
            return Err(too_large(format!("the table has more than {MAX_COLUMNS} columns")));
        }
        self.bytes += name.len();
        self.names.push(name);
        self.columns.push(Column { text: String::new(), ends: vec![0; self.rows] });
        self.fits()?;
        Ok(self.columns.len() - 1)
    }

    /// Writes the next cell of a column.
    ///
    /// # Errors
    /// `too_large`.
    pub fn push(&mut self, column: usize, cell: &str) -> Result<(), SampleError> {
        self.bytes += cell.len();
        if self.bytes > MAX_TEXT {
            self.fits()?;
        }
        let column = &mut self.columns[column];
        column.text.push_str(cell);
        column.ends.push(column.text.len() as u32);
        Ok(())
    }

    /// Ends a row: columns that got no cell have an empty one.
    ///
    /// # Errors
    /// `too_large`.
    pub fn end_row(&mut self, line: usize) -> Result<(), SampleError> {
        self.rows += 1;
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        for column in &mut self.columns {
            column.ends.resize(self.rows, column.text.len() as u32);
        }
        self.fits()
    }

    /// Takes columns out.
    pub fn remove(&mut self, columns: &[usize]) {
        let mut at = 0;
        self.names.retain(|_| {
            at += 1;
            !columns.contains(&(at - 1))
        });
        at = 0;
        self.columns.retain(|_| {
            at += 1;
            !columns.contains(&(at - 1))
        });
    }

    /// Says how many rows there are once every column has its cells.
    ///
    /// # Errors
    /// `too_large`; `row_count` when a column has another number of cells.
    pub fn close(&mut self, rows: usize) -> Result<(), SampleError> {
        self.rows = rows;
        match self.columns.iter().position(|c| c.ends.len() != rows) {
            Some(at) => Err(SampleError::new(
                "row_count",
                format!(
                    "column {} (`{}`) has {} cells, the table has {rows} rows",
                    at + 1,
                    self.names[at].escape_debug(),
                    self.columns[at].ends.len()
                ),
            )),
            None => self.fits(),
        }
    }

    fn fits(&self) -> Result<(), SampleError> {
        if self.bytes > MAX_TEXT {
            return Err(too_large(format!("the cells have more than {MAX_TEXT} bytes of text")));
        }
        check_cells(self.columns.len(), self.rows)
    }

    /// The cells of a row, and its line.
    fn row<'g>(&'g self, row: usize, cells: &mut Vec<Cow<'g, str>>) -> usize {
        cells.extend(self.columns.iter().map(|c| Cow::Borrowed(c.cell(row).trim())));
        self.lines.get(row).map_or(row + 1, |line| *line as usize)
    }
}

/// Refuses a table of too many cells before memory is asked for.
///
/// # Errors
/// `too_large`.
pub(super) fn check_cells(columns: usize, rows: usize) -> Result<(), SampleError> {
    if columns.checked_mul(rows).is_none_or(|cells| cells > MAX_CELLS) {
        return Err(too_large(format!(
            "{rows} rows of {columns} columns are more than {MAX_CELLS} cells: cut the table into shorter files"
        )));
    }
    Ok(())
}

fn too_large(message: String) -> SampleError {
    SampleError::new("too_large", message)
}

/// Where the records of a table come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Text(&'a str),
    Grid(&'a Grid),
}

impl<'a> Source<'a> {
    /// Reads from the first record. A grid has its own cells, whatever divides them.
    pub fn records(self, delimiter: Delimiter) -> Reader<'a> {
        match self {
            Source::Text(text) => Reader::Text(Records::new(text, delimiter)),
            Source::Grid(grid) => Reader::Grid { grid, header: grid.named(), next: 0 },
        }
    }

    /// Whether the first record holds names, when that is known.
    pub fn header(self) -> Option<bool> {
        match self {
            Source::Grid(grid) if grid.named() => Some(true),
            _ => None,
        }
    }

    /// Whether a cell can hold a comma where commas divide cells.
    pub fn may_hold_commas(self) -> bool {
        match self {
            Source::Text(text) => text.contains('"'),
            Source::Grid(_) => true,
        }
    }
}

/// Reads a table record by record.
pub(super) enum Reader<'a> {
    Text(Records<'a>),
    Grid { grid: &'a Grid, header: bool, next: usize },
}

impl<'a> Reader<'a> {
    /// Fills `cells` with the trimmed cells of the next record and returns its line, from 1; 0 for names that stand in no line.
    pub fn read(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>, SampleError> {
        match self {
            Reader::Text(records) => records.read(cells),
            Reader::Grid { grid, header, next } => {
                cells.clear();
                let grid: &'a Grid = grid;
                if std::mem::take(header) {
                    cells.extend(grid.names.iter().map(|n| Cow::Borrowed(n.trim())));
                    return Ok(Some(0));
                }
                if *next >= grid.rows {
                    return Ok(None);
                }
                *next += 1;
                Ok(Some(grid.row(*next - 1, cells)))
            }
        }
    }

    /// Line of the first blank line since the last record, if any.
    pub fn blank(&self) -> Option<usize> {
        match self {
            Reader::Text(records) => records.blank,
            Reader::Grid { .. } => None,
        }
    }

    /// The comment line last passed, without its mark.
    pub fn comment(&self) -> Option<&'a str> {
        match self {
            Reader::Text(records) => records.comment,
            Reader::Grid { .. } => None,
        }
    }
}
