//! What the first rows of a table tell: delimiter, header, names, units and the role of every column.

use super::cell::{Decimal, Look, NumberError, look, number};
use super::grid::Source;
use super::moment::DayOrder;
use super::names::{Numbering, clock_name, name_and_units, numbering_name, time_name};
use super::text::Delimiter;
use super::time::{Rows, order_of_days, plain, time};
use crate::{Axis, CsvOptions, Finding, SampleError, TimeUnit};
use std::borrow::Cow;

/// Records read to find out the layout.
const SAMPLE: usize = 200;
/// Records read to choose the delimiter.
const SNIFF: usize = 50;

/// How the time of a row is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Time {
    None,
    /// Numbers in this unit.
    Number(usize, TimeUnit),
    /// Date and time, or a date alone.
    Moment(usize),
    /// A date column and a time-of-day column.
    Pair(usize, usize),
    /// A time of day alone.
    Clock(usize),
}

impl Time {
    fn uses(&self, column: usize) -> bool {
        match *self {
            Time::None => false,
            Time::Number(c, _) | Time::Moment(c) | Time::Clock(c) => c == column,
            Time::Pair(a, b) => a == column || b == column,
        }
    }
}

/// The layout of a table.
#[derive(Debug)]
pub(super) struct Layout {
    pub delimiter: Delimiter,
    /// Whether the first record holds names.
    pub header: bool,
    /// Cells of a row.
    pub width: usize,
    /// Columns at the end without name and content.
    pub empty_tail: usize,
    /// Header text per column, for messages; empty when unnamed.
    pub headers: Vec<String>,
    pub time: Time,
    pub day_order: DayOrder,
    pub label: Option<usize>,
    pub group: Option<usize>,
    /// Columns of numbers: each becomes an axis.
    pub values: Vec<usize>,
    pub axes: Vec<Axis>,
    /// Of these, those that are named as a time and do not go forward.
    pub stopped: Vec<usize>,
    /// Of these, those that run like a clock beside the time.
    pub clocks: Vec<usize>,
    /// Of these, those whose name is that of a number of rows.
    pub numbered: Vec<(usize, Numbering)>,
    /// What is known of the decimal mark.
    pub decimal: Decimal,
    /// Columns of words, and whether the caller named them.
    pub words: Vec<usize>,
    pub words_named: bool,
    /// Whether there is exactly one row of values.
    pub single_row: bool,
}

impl Layout {
    /// In a time series a clock is nothing that was measured, whether it is a second one, stands still or goes back: it is told and left
    /// out.
    pub fn leave_out_clocks(&mut self, findings: &mut Vec<Finding>) {
        let stopped = std::mem::take(&mut self.stopped).into_iter().map(|c| {
            let why = "is named as a time but does not go forward; it was left out, name it among the columns of values";
            (c, "time_stopped", why)
        });
        let clocks = std::mem::take(&mut self.clocks).into_iter().map(|c| {
            (
                c,
                "second_clock",
                "is another clock beside the time; it was left out, name it among the columns of values",
            )
        });
        for (column, kind, why) in stopped.chain(clocks) {
            let Some(at) = self.values.iter().position(|c| *c == column) else { continue };
            self.values.remove(at);
            self.axes.remove(at);
            findings.push(Finding {
                kind: kind.into(),
                message: format!("{} {why} or in `keep` under [tables] to keep it", self.column(column)),
            });
        }
    }

    /// A time series has no categories: its columns of words are told and left out.
    pub fn leave_out_words(&mut self, findings: &mut Vec<Finding>) -> Result<(), SampleError> {
        for column in std::mem::take(&mut self.words) {
            let place = self.column(column);
            if self.words_named {
                let message = format!("{place} holds words; in a time series every column is a number");
                return Err(SampleError::new("not_a_number", message));
            }
            findings.push(Finding {
                kind: "text_column".into(),
                message: format!("{place} holds words and was left out"),
            });
        }
        if self.values.is_empty() {
            return Err(SampleError::new("no_values", "no column is left for values"));
        }
        Ok(())
    }

    /// `column 3 (\`temp\`)`.
    pub fn column(&self, column: usize) -> String {
        called(&self.headers, column)
    }

    /// Name of a column as an axis has it.
    pub fn name(&self, column: usize) -> String {
        match self.headers.get(column).filter(|h| !h.is_empty()) {
            Some(header) => name_and_units(header).0,
            None => format!("column{}", column + 1),
        }
    }

    /// `row 12, column 3 (\`temp\`)`.
    pub fn place(&self, line: usize, column: usize) -> String {
        match self.headers.get(column).filter(|h| !h.is_empty()) {
            Some(header) => format!("row {line}, column {} (`{}`)", column + 1, header.escape_debug()),
            None => format!("row {line}, column {}", column + 1),
        }
    }
}

/// `column 3 (\`temp\`)`.
pub(super) fn called(headers: &[String], column: usize) -> String {
    format!("column {} (`{}`)", column + 1, headers[column].escape_debug())
}

pub(super) type Record<'a> = Vec<Cow<'a, str>>;

/// The first records under a delimiter that hold anything, and the comment line before the first of them.
fn head(
    source: Source<'_>,
    delimiter: Delimiter,
    most: usize,
) -> Result<(Vec<Record<'_>>, Option<&str>), SampleError> {
    let mut records = source.records(delimiter);
    let (mut out, mut cells, mut comment) = (Vec::new(), Vec::new(), None);
    while out.len() < most && records.read(&mut cells)?.is_some() {
        if out.is_empty() {
            comment = records.comment();
        }
        if cells.iter().any(|c| !c.is_empty()) {
            out.push(std::mem::take(&mut cells));
        }
    }
    Ok((out, comment))
}

/// The most frequent number of cells (the larger one when tied) and how many records have it.
fn mode(records: &[Record]) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for record in records {
        *counts.entry(record.len()).or_insert(0usize) += 1;
    }
    counts.into_iter().max_by_key(|(width, n)| (*n, *width)).unwrap_or((0, 0))
}

/// Chooses the delimiter under which nearly all rows have the same number of cells and most cells are numbers or times.
fn delimiter(source: Source<'_>, options: &CsvOptions) -> Result<Delimiter, SampleError> {
    match options.delimiter {
        // Nothing divides cells that are known; those of numbers hold dots, as where commas divide.
        _ if matches!(source, Source::Grid(_)) => return Ok(Delimiter::Byte(b',')),
        Some(' ') => return Ok(Delimiter::Blank),
        Some(c) => {
            let plain =
                u8::try_from(c).ok().filter(|b| b.is_ascii_graphic() || *b == b'\t').filter(|b| *b != b'"');
            let message =
                || SampleError::new("options", format!("`{}` cannot divide cells", c.escape_debug()));
            return plain.map(Delimiter::Byte).ok_or_else(message);
        }
        None => {}
    }
    let candidates = [
        Delimiter::Byte(b'\t'),
        Delimiter::Byte(b';'),
        Delimiter::Byte(b','),
        Delimiter::Byte(b'|'),
        Delimiter::Blank,
    ];
    let mut best = (0.0, Delimiter::Byte(b','));
    for candidate in candidates {
        let Ok((records, _)) = head(source, candidate, SNIFF) else { continue };
        let (width, same) = mode(&records);
        // One record may differ: a header with one name fewer than there are columns.
        if width < 2 || (same + 1) * 10 < records.len() * 8 {
            continue;
        }
        // Blanks are in words as well: under them the names must be as many as the cells, or one fewer.
        if candidate == Delimiter::Blank && records[0].len() + 1 < width {
            continue;
        }
        let body = if records.len() > 1 { &records[1..] } else { &records[..] };
        let cells = body.iter().flatten().filter(|c| !c.is_empty());
        let (all, known) = cells.fold((0usize, 0usize), |(all, known), cell| {
            (all + 1, known + usize::from(look(cell) != Look::Text))
        });
        let score = 1.0 + known as f64 / all.max(1) as f64;
        if score > best.0 {
            best = (score, candidate);
        }
    }
    Ok(best.1)
}

/// Whether a cell of the first record is what the caller calls a column.
fn names_columns(first: &Record, options: &CsvOptions) -> bool {
    let named = [&options.label_column, &options.group_column, &options.time_column];
    let mut named = named.into_iter().flatten().chain(options.value_columns.iter().flatten());
    named.any(|name| look(name) == Look::Text && first.iter().any(|cell| cell == name))
}

/// Whether the first record holds names: it has text where the rows below hold numbers or times.
fn has_header(records: &[Record], width: usize) -> bool {
    let Some((first, body)) = records.split_first() else { return false };
    // With an unnamed first column every name stands one column to the left of its values.
    let shift = usize::from(first.len() + 1 == width);
    let (mut names, mut numbers) = (0, 0);
    for (column, cell) in first.iter().enumerate() {
        let below =
            body.iter().filter_map(|r| r.get(column + shift)).map(|c| look(c)).filter(|l| *l != Look::Empty);
        let (all, known) =
            below.fold((0usize, 0usize), |(all, known), l| (all + 1, known + usize::from(l != Look::Text)));
        match look(cell) {
            Look::Text if known * 2 > all => names += 1,
            Look::Number | Look::Time => numbers += 1,
            _ => {}
        }
    }
    if body.is_empty() {
        return first.iter().all(|c| matches!(look(c), Look::Text | Look::Empty));
    }
    names > 0 && names >= numbers
}

/// The column called `wanted`, exactly, then in any case, then by number from 1.
pub(super) fn find(headers: &[String], wanted: &str, what: &str) -> Result<usize, SampleError> {
    let exact = headers.iter().position(|h| h == wanted || name_and_units(h).0 == wanted);
    let loose = || {
        headers
            .iter()
            .position(|h| h.eq_ignore_ascii_case(wanted) || name_and_units(h).0.eq_ignore_ascii_case(wanted))
    };
    let number = || wanted.parse::<usize>().ok().filter(|n| (1..=headers.len()).contains(n)).map(|n| n - 1);
    // The names that axes get where columns have none.
    let unnamed = || {
        let place =
            if wanted == "value" && headers.len() == 1 { "1" } else { wanted.strip_prefix("column")? };
        place.parse::<usize>().ok()?.checked_sub(1).filter(|n| headers.get(*n).is_some_and(|h| h.is_empty()))
    };
    exact.or_else(loose).or_else(number).or_else(unnamed).ok_or_else(|| {
        let known: Vec<&str> = headers.iter().filter(|h| !h.is_empty()).map(String::as_str).collect();
        let known = if known.is_empty() { "columns have no names".to_owned() } else { known.join(", ") };
        SampleError::new("unknown_column", format!("no column `{wanted}` for the {what} ({known})"))
    })
}

/// Finds out the layout of a table.
pub(super) fn layout(
    source: Source<'_>,
    options: &CsvOptions,
    findings: &mut Vec<Finding>,
) -> Result<Layout, SampleError> {
    let delimiter = delimiter(source, options)?;
    let (mut records, comment) = head(source, delimiter, SAMPLE)?;
    if records.is_empty() {
        return Err(SampleError::new("empty", "the table holds no rows"));
    }
    let (mut width, _) = mode(if records.len() > 1 { &records[1..] } else { &records });
    let header = source
        .header()
        .or(options.header)
        .unwrap_or_else(|| names_columns(&records[0], options) || has_header(&records, width));
    let mut headers: Vec<String> = Vec::new();
    if header {
        headers = records.remove(0).into_iter().map(Cow::into_owned).collect();
    } else if let Some(comment) = comment {
        // Number tables saved by analysis tools carry their names as a comment.
        let mut cells = Vec::new();
        if Source::Text(comment).records(delimiter).read(&mut cells)?.is_some() && cells.len() == width {
            headers = cells.into_iter().map(Cow::into_owned).filter(|c| look(c) == Look::Text).collect();
            if headers.len() != width {
                headers.clear();
            }
        }
    }
    if records.is_empty() {
        return Err(SampleError::new("empty", "the table has a header and no rows"));
    }
    let blank = |column: usize| records.iter().all(|r| r.get(column).is_none_or(|c| c.is_empty()));
    width = width.max(headers.len());
    let mut empty_tail = 0;
    while empty_tail + 1 < width
        && headers.get(width - 1 - empty_tail).is_none_or(|h| h.is_empty())
        && blank(width - 1 - empty_tail)
    {
        empty_tail += 1;
    }
    let used = width - empty_tail;
    let mut index = None;
    if header && headers.len() + 1 == used {
        headers.insert(0, String::new());
        index = Some(0);
    }
    headers.resize(width, String::new());
    if index.is_some() {
        findings.push(Finding {
            kind: "index_column".into(),
            message: "the unnamed first column was taken as a row number".into(),
        });
    }

    let label = options.label_column.as_deref().map(|c| find(&headers[..used], c, "label")).transpose()?;
    let group = options.group_column.as_deref().map(|c| find(&headers[..used], c, "group")).transpose()?;
    let kept: Vec<usize> =
        options.keep.iter().filter_map(|c| find(&headers[..used], c, "values").ok()).collect();
    let free = |column: usize| Some(column) != label && Some(column) != group && Some(column) != index;
    let cuts: Vec<usize> = label.into_iter().chain(group).collect();
    let clock = |column: usize| free(column) && !kept.contains(&column);
    let rows = Rows { records: &records, headers: &headers[..used], cuts: &cuts };
    let time = time(&rows, options, &clock, label.is_some(), findings)?;
    let day_order = match time {
        Time::Moment(column) | Time::Pair(column, _) => {
            order_of_days(source, delimiter, header, column, &headers, findings)?
        }
        _ => DayOrder::Unknown,
    };
    let words = |c: usize| {
        let missing =
            |v: &str| number(v) == Err(NumberError::Missing) || options.missing.iter().any(|m| m == v);
        let mut filled = records.iter().filter_map(|r| r.get(c)).filter(|v| !missing(v)).peekable();
        filled.peek().is_some() && filled.all(|v| look(v) == Look::Text)
    };
    let named = match &options.value_columns {
        Some(names) => {
            Some(names.iter().map(|n| find(&headers[..used], n, "values")).collect::<Result<Vec<_>, _>>()?)
        }
        None => None,
    };
    let words_named = named.is_some();
    let columns: Vec<usize> = match named {
        Some(columns) => columns,
        None => (0..used).filter(|c| free(*c) && !time.uses(*c)).collect(),
    };
    // Dates are no values, whatever they are of.
    let dates = |c: &usize| !words_named && !kept.contains(c) && rows.most(*c, &|v| look(v) == Look::Time);
    let (dates, columns): (Vec<usize>, Vec<usize>) = columns.into_iter().partition(dates);
    for column in dates {
        let message = format!("{} holds dates or times and was left out", called(&headers, column));
        findings.push(Finding { kind: "date_column".into(), message });
    }
    // Beside a label that was named, a column of words is a category, a remark or another label. Without one it may be the label that
    // was forgotten, and is refused further on.
    let told = label.is_some() || words_named;
    let (words, values): (Vec<usize>, Vec<usize>) = columns.into_iter().partition(|c| told && words(*c));
    if values.is_empty() && words.is_empty() {
        return Err(SampleError::new("no_values", "no column is left for values"));
    }
    let axes = axes(&values, &headers, options)?;
    let stopped = match options.value_columns {
        Some(_) => Vec::new(),
        None => {
            let filled =
                |c: usize| records.iter().filter(|r| r.get(c).is_some_and(|v| number(v).is_ok())).count();
            // `t [°C]` is no time.
            let named = |header: &str| {
                time_name(header).is_some_and(|unit| unit.is_some() || name_and_units(header).1.is_empty())
            };
            let clock = |c: &usize| named(&headers[*c]) && filled(*c) * 10 >= records.len() * 9;
            // Beside the time there may be another clock, such as that of a device; it is a value.
            let stopped = |c: &usize| time == Time::None && !kept.contains(c) && clock(c);
            values.iter().copied().filter(stopped).collect()
        }
    };
    let seen = |c: &usize| options.value_columns.is_none() && !kept.contains(c);
    let clocks = match time {
        Time::None => Vec::new(),
        _ => {
            let runs = |c: &usize| seen(c) && clock_name(&headers[*c]).is_some() && rows.steady(*c, &plain);
            values.iter().copied().filter(runs).collect()
        }
    };
    let numbering = |c: usize| match headers[c].is_empty() {
        true => (header && c == 0).then_some(Numbering::Unique),
        false => numbering_name(&headers[c]),
    };
    let numbered = values.iter().copied().filter(seen).filter_map(|c| Some((c, numbering(c)?))).collect();
    let single_row = records.len() == 1;
    Ok(Layout {
        delimiter,
        header,
        width,
        empty_tail,
        headers,
        time,
        day_order,
        label,
        group,
        values,
        axes,
        stopped,
        clocks,
        numbered,
        decimal: Decimal::Unknown,
        words,
        words_named,
        single_row,
    })
}

fn axes(values: &[usize], headers: &[String], options: &CsvOptions) -> Result<Vec<Axis>, SampleError> {
    let mut axes: Vec<Axis> = Vec::with_capacity(values.len());
    let mut seen = std::collections::BTreeSet::new();
    for &column in values {
        let header = &headers[column];
        let (name, units) = match header.is_empty() {
            true if headers.len() == 1 => ("value".to_owned(), String::new()),
            true => (format!("column{}", column + 1), String::new()),
            false => name_and_units(header),
        };
        let units = options.units.get(header).or_else(|| options.units.get(&name)).cloned().unwrap_or(units);
        if !seen.insert(name.clone()) {
            let message =
                format!("row 1: two columns are called `{}`; names must differ", name.escape_debug());
            return Err(SampleError::new("duplicate_column", message));
        }
        axes.push(Axis { name, units });
    }
    Ok(axes)
}
