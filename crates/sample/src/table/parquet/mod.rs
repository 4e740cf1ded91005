//! Apache Parquet: the columns of a file as those of a table.

mod pages;
mod values;

use super::grid::{Grid, check_cells};
use crate::{CsvOptions, Finding, Limits, SampleError};
use bytes::Bytes;
use parquet::{
    basic::Compression,
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    schema::types::ColumnDescriptor,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use values::Writer;

/// Kind of the error of a value that has no text.
const NO_TEXT: &str = "parquet_value";
/// Rows of a column that are read at once.
const BATCH: usize = 1024;

fn error(kind: &'static str, message: impl std::fmt::Display) -> SampleError {
    SampleError::new(kind, format!("Parquet: {message}"))
}

fn foreign(cause: ParquetError) -> SampleError {
    let text = cause.to_string();
    error("parquet_data", format!("{}; write the file again", text.trim_start_matches("Parquet error: ")))
}

/// Reads the columns of a file. Those that hold lists or bytes are told and left out.
pub(super) fn read(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) -> Result<Grid, SampleError> {
    // The reader is not ours; what it does not foresee must not take the program with it.
    catch_unwind(AssertUnwindSafe(|| read_file(bytes, options, limits, findings)))
        .unwrap_or_else(|_| Err(error("parquet_data", "the file is damaged; write it again")))
}

fn read_file(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) -> Result<Grid, SampleError> {
    if bytes.len() < 12 || !bytes.ends_with(b"PAR1") {
        return Err(error("truncated", "the file does not end with its mark `PAR1`: it was cut off"));
    }
    let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(foreign)?;
    let metadata = file.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let rows = rows(metadata)?;
    if rows == 0 {
        return Err(error("empty", "the table holds no rows"));
    }
    check_cells(schema.num_columns(), rows)?;
    // A row has one value at least.
    if rows > limits.max_values {
        return Err(error(
            "too_large",
            format!("{rows} rows, at most {} values are accepted", limits.max_values),
        ));
    }
    let mut columns = Vec::new();
    for at in 0..schema.num_columns() {
        let column = schema.column(at);
        let name = name(&column);
        let is = |wanted: &Option<String>| wanted.as_ref().is_some_and(|w| w.eq_ignore_ascii_case(&name));
        // A label says `true`; an axis is 1 or 0.
        let words = is(&options.label_column) || is(&options.group_column);
        match Writer::of(&column, words) {
            Ok(writer) => columns.push((at, name, writer)),
            Err(holds) => findings.push(Finding {
                kind: "unread_column".into(),
                message: format!(
                    "column {} (`{}`) holds {holds} and was left out",
                    at + 1,
                    name.escape_debug()
                ),
            }),
        }
    }
    if columns.is_empty() {
        return Err(error("no_values", "no column holds numbers, words or times"));
    }
    let mut grid = Grid::new(Some(columns.iter().map(|c| c.1.clone()).collect()));
    // Columns that turned out to hold no text.
    let mut dropped = Vec::new();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let reader = file.get_row_group(number).map_err(foreign)?;
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        for (to, (at, name, writer)) in columns.iter().enumerate() {
            if dropped.contains(&to) {
                continue;
            }
            let place = |e: SampleError| SampleError {
                message: format!("{}, in column {} (`{}`)", e.message, at + 1, name.escape_debug()),
                ..e
            };
            let chunk =
                group.columns().get(*at).ok_or_else(|| error("parquet_data", "a row group lacks columns"))?;
            known(chunk.compression()).map_err(place)?;
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let start = usize::try_from(start).ok();
            let end =
                start.zip(usize::try_from(chunk.compressed_size()).ok()).and_then(|(s, n)| s.checked_add(n));
            let pages = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
            let pages =
                pages.ok_or_else(|| place(error("truncated", "the column reaches beyond the file")))?;
            pages::check(pages).map_err(|e| place(error("parquet_data", e)))?;
            let reader = reader.get_column_reader(*at).map_err(foreign).map_err(place)?;
            let levels = schema.column(*at).max_def_level();
            let mut to = To { grid: &mut grid, column: to, rows, levels };
            match to.column(reader, writer) {
                Err(e) if e.kind == NO_TEXT && *writer == Writer::Bytes => dropped.push(to.column),
                read => read.map_err(place)?,
            }
        }
    }
    findings.extend(dropped.iter().map(|to| unread(columns[*to].0, &columns[*to].1, "bytes")));
    grid.remove(&dropped);
    if grid.width() == 0 {
        return Err(error("no_values", "no column holds numbers, words or times"));
    }
    grid.close(rows)?;
    Ok(grid)
}

fn unread(at: usize, name: &str, holds: &str) -> Finding {
    Finding {
        kind: "unread_column".into(),
        message: format!("column {} (`{}`) holds {holds} and was left out", at + 1, name.escape_debug()),
    }
}

/// Rows of all groups.
fn rows(metadata: &ParquetMetaData) -> Result<usize, SampleError> {
    let mut each = metadata.row_groups().iter().map(|g| usize::try_from(g.num_rows()).ok());
    each.try_fold(0usize, |all, rows| all.checked_add(rows?))
        .ok_or_else(|| error("parquet_data", "a row group has a negative number of rows"))
}

/// The path of a column; what a data frame calls its nameless index is the number of a row.
fn name(column: &ColumnDescriptor) -> String {
    let name = column.path().string();
    if name == "__index_level_0__" { "index".into() } else { name }
}

fn known(compression: Compression) -> Result<(), SampleError> {
    match compression {
        Compression::UNCOMPRESSED | Compression::SNAPPY => Ok(()),
        other => {
            let name = other.to_string();
            let name = name.split('(').next().unwrap_or(&name).to_lowercase();
            Err(error(
                "parquet_compression",
                format!("`{name}` is not unpacked here; write the file with compression \"snappy\" or none"),
            ))
        }
    }
}

/// Where the cells of a column chunk go.
struct To<'g> {
    grid: &'g mut Grid,
    column: usize,
    rows: usize,
    /// Definition level of a value that is there.
    levels: i16,
}

impl To<'_> {
    fn column(&mut self, reader: ColumnReader, writer: &Writer) -> Result<(), SampleError> {
        match reader {
            ColumnReader::BoolColumnReader(r) => self.cells(r, |v, out| writer.boolean(*v, out)),
            ColumnReader::Int32ColumnReader(r) => self.cells(r, |v, out| writer.integer(i64::from(*v), out)),
            ColumnReader::Int64ColumnReader(r) => self.cells(r, |v, out| writer.integer(*v, out)),
            ColumnReader::Int96ColumnReader(r) => self.cells(r, |v, out| writer.old_moment(v.data(), out)),
            ColumnReader::FloatColumnReader(r) => self.cells(r, |v, out| writer.single(*v, out)),
            ColumnReader::DoubleColumnReader(r) => self.cells(r, |v, out| writer.double(*v, out)),
            ColumnReader::ByteArrayColumnReader(r) => self.cells(r, |v, out| writer.bytes(v.data(), out)),
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                self.cells(r, |v, out| writer.bytes(v.data(), out))
            }
        }
    }

    fn cells<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        write: impl Fn(&T::T, &mut String) -> Result<(), String>,
    ) -> Result<(), SampleError> {
        let (mut levels, mut values, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut done = 0;
        while done < self.rows {
            levels.clear();
            values.clear();
            let want = BATCH.min(self.rows - done);
            let wanted = (self.levels > 0).then_some(&mut levels);
            let (read, ..) = reader.read_records(want, wanted, None, &mut values).map_err(foreign)?;
            if read == 0 {
                let message = format!("{} rows are promised, {done} follow", self.rows);
                return Err(error("truncated", message));
            }
            let mut values = values.iter();
            for row in 0..read {
                cell.clear();
                if self.levels == 0 || levels.get(row) == Some(&self.levels) {
                    let value = values.next().ok_or_else(|| error("parquet_data", "a value is not there"))?;
                    write(value, &mut cell)
                        .map_err(|what| error(NO_TEXT, format!("row {}: {what}", done + row + 1)))?;
                }
                self.grid.push(self.column, &cell)?;
            }
            done += read;
        }
        Ok(())
    }
}
