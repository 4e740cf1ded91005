//! What a comma inside a number means where commas divide cells as well: `"1,234"` is 1234 or 1.234.

use super::cell::{Decimal, Mark, NumberError, may_be_grouped, number};
use super::grid::Source;
use super::layout::{Layout, Time};
use super::text::Delimiter;
use crate::{CsvOptions, Finding, SampleError};

/// The decimal mark of a table. Where commas divide cells, a number with one comma has a decimal comma only when a cell of the table cannot
/// be anything else, such as `"1,5"`; else commas that may stand before three digits divide thousands, which is told.
pub(super) fn decimal(
    source: Source<'_>,
    layout: &Layout,
    options: &CsvOptions,
    findings: &mut Vec<Finding>,
) -> Result<Decimal, SampleError> {
    match options.decimal {
        Some('.') => return Ok(Decimal::Dot),
        Some(',') => return Ok(Decimal::Comma),
        Some(other) => {
            let message = format!("`{}` is no decimal mark; it is `.` or `,`", other.escape_debug());
            return Err(SampleError::new("options", message));
        }
        None => {}
    }
    // Without quotes no cell holds a comma.
    if layout.delimiter != Delimiter::Byte(b',') || !source.may_hold_commas() {
        return Ok(Decimal::Unknown);
    }
    let time = match layout.time {
        Time::Number(column, _) => Some(column),
        _ => None,
    };
    let columns: Vec<usize> = layout.values.iter().copied().chain(time).chain(layout.label).collect();
    let (mut records, mut cells, mut header) = (source.records(layout.delimiter), Vec::new(), layout.header);
    let mut grouped: Option<(String, f64)> = None;
    let mut more = 0usize;
    while let Some(line) = records.read(&mut cells)? {
        if std::mem::take(&mut header) {
            continue;
        }
        for &column in &columns {
            let Some(cell) = cells.get(column) else { continue };
            let Ok((value, Mark::Comma)) = number(cell) else { continue };
            if !may_be_grouped(cell) {
                return Ok(Decimal::Unknown);
            }
            match grouped {
                Some(_) => more += 1,
                None => grouped = Some((format!("{}: `{cell}`", layout.place(line, column)), value * 1000.0)),
            }
        }
    }
    let Some((place, value)) = grouped else { return Ok(Decimal::Unknown) };
    findings.push(Finding {
        kind: "thousands".into(),
        message: format!(
            "{place} was read as {value:.0}, and so were {more} more cells: commas before three digits divide thousands; with `decimal = \",\"` under [tables] they are decimal commas"
        ),
    });
    Ok(Decimal::Dot)
}

/// What a column of numbers cannot be once it is known what a comma means.
pub(super) fn hint(decimal: Decimal, cause: NumberError) -> &'static str {
    match (decimal, cause) {
        (Decimal::Dot, NumberError::NotNumber) => " where a dot is the decimal mark",
        (Decimal::Comma, NumberError::NotNumber) => " where a comma is the decimal mark",
        _ => "",
    }
}
