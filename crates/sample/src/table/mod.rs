//! Tables: time series and rows of readings, as text, as JSON Lines, as Parquet.

mod category;
mod cell;
mod commas;
mod grid;
mod json_lines;
mod layout;
mod moment;
mod names;
mod numbering;
#[cfg(feature = "parquet")]
mod parquet;
mod text;
mod time;
mod timing;

use crate::{Content, CsvOptions, Decoded, Finding, Limits, SampleError, Signal};
use cell::{Decimal, Mark, NumberError};
use grid::Source;
use layout::{Layout, Time};
use numbering::Counter;
use std::borrow::Cow;
use std::collections::BTreeMap;
pub(crate) use text::utf_16;
pub(crate) use timing::round_rate;

/// Samples out of one table, at most: each costs some hundred bytes whatever it holds.
const MAX_SAMPLES: usize = 1_000_000;

fn error(kind: &'static str, message: String) -> SampleError {
    SampleError::new(kind, message)
}

/// Decodes a text table. Rows are numbered by their line in the file, from 1.
pub(crate) fn decode(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    let mut findings = Vec::new();
    let text = text::text(bytes, &mut findings)?;
    samples(Source::Text(&text), options, limits, findings)
}

/// Decodes JSON Lines as a table. Rows are numbered by their line in the file, from 1.
pub(crate) fn decode_json_lines(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    let mut findings = Vec::new();
    let grid = json_lines::read(bytes, options, &mut findings)?;
    samples(Source::Grid(&grid), options, limits, findings)
}

/// Decodes a Parquet file as a table. Rows are numbered from 1.
pub(crate) fn decode_parquet(
    bytes: &[u8],
    options: &CsvOptions,
    limits: &Limits,
) -> Result<Vec<Decoded>, SampleError> {
    let mut findings = Vec::new();
    let grid = read_parquet(bytes, options, limits, &mut findings)?;
    samples(Source::Grid(&grid), options, limits, findings)
}

#[cfg(feature = "parquet")]
use parquet::read as read_parquet;

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: &[u8], _: &CsvOptions, _: &Limits, _: &mut [Finding]) -> Result<grid::Grid, SampleError> {
    Err(error("unknown_format", "Parquet is not read by this build: its feature `parquet` is off".into()))
}

/// The samples of a table.
fn samples(
    source: Source<'_>,
    options: &CsvOptions,
    limits: &Limits,
    mut findings: Vec<Finding>,
) -> Result<Vec<Decoded>, SampleError> {
    if let Some(rate) = options.rate_hz.filter(|r| !(r.is_finite() && *r > 0.0)) {
        return Err(error("options", format!("a rate of {rate} Hz is impossible")));
    }
    let mut layout = layout::layout(source, options, &mut findings)?;
    let untimed = layout.time == Time::None && options.rate_hz.is_none();
    let rows_are_samples =
        options.rows_are_samples.unwrap_or(untimed && (layout.single_row || layout.label.is_some()));
    let missing = Missing::new(&options.missing);
    if !rows_are_samples {
        layout.leave_out_clocks(&mut findings);
        layout.leave_out_words(&mut findings)?;
    }
    layout.decimal = commas::decimal(source, &layout, options, &mut findings)?;
    let mut counters = Counter::of(&layout, rows_are_samples);
    let mut body =
        Body::read(source, &layout, limits, rows_are_samples, &missing, &mut counters, &mut findings)?;
    body.leave_out_numbers(&mut layout, counters, &mut findings);
    if rows_are_samples {
        body.rows(layout, limits, findings)
    } else {
        body.series(layout, options, findings)
    }
}

/// Of so many rows that can be used one may be left out.
const LEFT_OUT: usize = 10;

/// Texts of a column of words, each stored once.
#[derive(Default)]
struct Texts {
    known: BTreeMap<String, u32>,
    names: Vec<String>,
    /// Per row.
    rows: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        let id = match self.known.get(text) {
            Some(id) => *id,
            None => {
                let id = self.names.len() as u32;
                self.known.insert(text.to_owned(), id);
                self.names.push(text.to_owned());
                id
            }
        };
        self.rows.push(id);
    }

    fn get(&self, row: usize) -> Option<String> {
        let id = *self.rows.get(row)?;
        self.names.get(id as usize).filter(|n| !n.is_empty()).cloned()
    }
}

/// All rows of a table, by column role.
#[derive(Default)]
struct Body {
    /// Row-major.
    values: Vec<f32>,
    /// Line of each row.
    lines: Vec<u32>,
    /// Seconds since the first row.
    times: Vec<f64>,
    /// Whether every numeric time was a whole number of its unit.
    whole_times: bool,
    labels: Texts,
    groups: Texts,
    /// Of each column of words; empty where it is missing.
    words: Vec<Texts>,
}

impl Body {
    fn read(
        source: Source<'_>,
        layout: &Layout,
        limits: &Limits,
        rows_are_samples: bool,
        missing: &Missing,
        counters: &mut [Counter],
        findings: &mut Vec<Finding>,
    ) -> Result<Self, SampleError> {
        let mut body = Body {
            whole_times: true,
            words: layout.words.iter().map(|_| Texts::default()).collect(),
            ..Body::default()
        };
        let mut records = source.records(layout.delimiter);
        let commas_divide = layout.delimiter == text::Delimiter::Byte(b',');
        let mut cells = Vec::new();
        let mut header = layout.header;
        // Rows of empty cells, and lines without anything: allowed at the end only.
        let mut empty_rows: Option<(usize, usize)> = None;
        let mut blank_lines: Option<(usize, usize)> = None;
        let mut marks = Marks::default();
        let mut clock = Reference::default();
        // Rows in which a value is missing: where the first stands, and how many.
        let mut incomplete: Option<(usize, usize)> = None;
        // Rows that are left out: why the first, and how many.
        let mut left_out: Option<(SampleError, usize)> = None;
        // The first label that is a number written in another way: where, how, and what it is called.
        let mut renamed: Option<(String, String, String)> = None;
        while let Some(line) = records.read(&mut cells)? {
            if let (Some(blank), false) = (records.blank(), body.lines.is_empty()) {
                blank_lines = Some(blank_lines.map_or((blank, 1), |(first, n)| (first, n + 1)));
            }
            if cells.iter().all(|c| c.is_empty()) {
                empty_rows = Some(empty_rows.map_or((line, 1), |(first, n)| (first, n + 1)));
                continue;
            }
            if header {
                header = false;
                continue;
            }
            if let Some((first, _)) = empty_rows {
                return Err(error(
                    "missing_value",
                    format!("row {first} is empty, rows with values follow (row {line})"),
                ));
            }
            check_width(&cells, layout, line)?;
            if rows_are_samples && body.lines.len() >= MAX_SAMPLES {
                return Err(error(
                    "too_large",
                    format!("row {line}: at most {MAX_SAMPLES} rows are accepted as samples"),
                ));
            }
            if body.values.len() + layout.values.len() > limits.max_values {
                return Err(error(
                    "too_large",
                    format!("row {line}: at most {} values are accepted", limits.max_values),
                ));
            }
            counters.iter_mut().for_each(|c| c.row(&cells));
            let mut complete = true;
            let before = body.values.len();
            let mut unusable = None;
            for &column in &layout.values {
                let value = match number(&cells, column, line, layout, missing, &mut marks) {
                    Ok((value, _)) => value as f32,
                    Err(e) if e.kind == "missing_value" && rows_are_samples && missing.given() => f32::NAN,
                    Err(e) if rows_are_samples => {
                        unusable = Some(e);
                        break;
                    }
                    Err(e) => return Err(e),
                };
                complete &= !value.is_nan();
                body.values.push(value);
            }
            // A row that is a sample of its own keeps nobody from the others.
            if let Some(e) = unusable {
                body.values.truncate(before);
                left_out = Some(left_out.map_or((e.clone(), 1), |(first, n)| (first, n + 1)));
                continue;
            }
            if !complete {
                incomplete = Some(incomplete.map_or((line, 1), |(first, n)| (first, n + 1)));
            }
            body.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
            if let Some(column) = layout.label {
                let cell = cells.get(column).map_or("", |c| c.as_ref());
                let gone = missing.holds(cell, cell::number(cell).ok().map(|n| n.0));
                let plain = if gone { None } else { cell::plain_label(cell, layout.decimal, commas_divide) };
                if let Some(plain) = &plain {
                    renamed
                        .get_or_insert_with(|| (layout.place(line, column), cell.to_owned(), plain.clone()));
                }
                body.labels.push(if gone { "" } else { plain.as_deref().unwrap_or(cell) });
            }
            for (texts, &column) in body.words.iter_mut().zip(&layout.words) {
                let cell = cells.get(column).map_or("", |c| c.as_ref());
                let number = cell::number(cell);
                let gone =
                    number == Err(NumberError::Missing) || missing.holds(cell, number.ok().map(|n| n.0));
                texts.push(if gone { "" } else { cell });
            }
            if let Some(column) = layout.group {
                body.groups.push(cells.get(column).map_or("", |c| c.as_ref()));
            }
            // A row that stands alone needs no time.
            if !rows_are_samples {
                let time = clock.seconds(&cells, line, layout, missing, &mut marks, &mut body.whole_times)?;
                body.times.extend(time);
            }
        }
        let mut add = |kind: &str, message: String| findings.push(Finding { kind: kind.into(), message });
        if let Some((first, count)) = left_out {
            // Where many rows are so, it is the table that is read wrongly.
            if count > body.lines.len() / LEFT_OUT {
                return Err(first);
            }
            add(
                "rows_left_out",
                format!("{count} rows were left out, the first because of {}", first.message),
            );
        }
        if let Some((first, count)) = empty_rows {
            add(
                "empty_rows",
                format!("{count} rows of empty cells at the end (from row {first}) were left out"),
            );
        }
        if let Some((first, count)) = incomplete {
            add(
                "incomplete_rows",
                format!(
                    "a value is missing in {count} rows, the first is row {first}; they serve where that axis is not used"
                ),
            );
        }
        if let Some((place, cell, label)) = renamed {
            let cell = cell.chars().take(40).collect::<String>().escape_debug().to_string();
            add(
                "label_number",
                format!(
                    "{place}: the label `{cell}` is called `{label}`, and numbers like it likewise, so that a number has one name"
                ),
            );
        }
        if let Some((first, count)) = blank_lines {
            add(
                "blank_lines",
                format!("{count} gaps of blank lines between rows, the first at row {first}, were skipped"),
            );
        }
        if layout.empty_tail > 0 {
            add("empty_columns", format!("{} empty columns at the end were left out", layout.empty_tail));
        }
        Ok(body)
    }

    /// One sample per row.
    fn rows(
        self,
        layout: Layout,
        limits: &Limits,
        mut findings: Vec<Finding>,
    ) -> Result<Vec<Decoded>, SampleError> {
        let width = layout.values.len();
        let categories = category::axes(&layout, &self.words, self.lines.len(), &mut findings)?;
        let mut axes = layout.axes.clone();
        axes.extend(categories.iter().flat_map(|c| c.axes.iter().cloned()));
        if axes.is_empty() {
            return Err(error("no_values", "no column is left for values".into()));
        }
        if axes.len().saturating_mul(self.lines.len()) > limits.max_values {
            let told = "with an axis for each word";
            return Err(error(
                "too_large",
                format!("at most {} values are accepted, {told}", limits.max_values),
            ));
        }
        let mut out: Vec<Decoded> = (0..self.lines.len())
            .map(|row| {
                let mut values = Vec::with_capacity(axes.len());
                values.extend_from_slice(&self.values[row * width..(row + 1) * width]);
                categories.iter().for_each(|c| c.encode(row, &mut values));
                Decoded {
                    content: Content::Signal(Signal { rate_hz: 0.0, axes: axes.clone(), values }),
                    label: self.labels.get(row),
                    group: self.groups.get(row),
                    spans: Vec::new(),
                    metadata: BTreeMap::from([("row".to_owned(), self.lines[row].to_string())]),
                    findings: Vec::new(),
                }
            })
            .collect();
        // Remarks concern the file; they are told once.
        if let Some(first) = out.first_mut() {
            first.findings = findings;
        }
        Ok(out)
    }

    /// One sample per stretch of rows with the same label and group.
    fn series(
        self,
        layout: Layout,
        options: &CsvOptions,
        findings: Vec<Finding>,
    ) -> Result<Vec<Decoded>, SampleError> {
        let rows = self.lines.len();
        let key = |row: usize| (self.labels.rows.get(row), self.groups.rows.get(row));
        let mut runs = Vec::new();
        let mut start = 0;
        for row in 1..=rows {
            if row == rows || key(row) != key(start) {
                runs.push(start..row);
                start = row;
            }
        }
        if runs.len() > MAX_SAMPLES {
            return Err(error(
                "too_large",
                format!("label or group change {} times, at most {MAX_SAMPLES} are accepted", runs.len()),
            ));
        }
        let tick = match layout.time {
            Time::Number(_, unit) if self.whole_times => 1.0 / unit.per_second(),
            _ => 0.0,
        };
        let timed = layout.time != Time::None;
        let clock = timing::clock(&self.times, &runs, tick);
        let rate_hz = options.rate_hz.unwrap_or(clock.rate_hz);
        let width = layout.axes.len();
        let mut out = Vec::with_capacity(runs.len());
        for run in runs {
            let mut findings = if run.start == 0 { findings.clone() } else { Vec::new() };
            if timed && options.rate_hz.is_none() {
                timing::findings(&clock, &self.times[run.clone()], &self.lines[run.clone()], &mut findings);
            } else if rate_hz == 0.0 && run.start == 0 {
                findings.push(Finding {
                    kind: "rate_unknown".into(),
                    message: "no time column; the rate must be given".into(),
                });
            }
            let metadata = BTreeMap::from([
                ("first_row".to_owned(), self.lines[run.start].to_string()),
                ("last_row".to_owned(), self.lines[run.end - 1].to_string()),
            ]);
            out.push(Decoded {
                content: Content::Signal(Signal {
                    rate_hz,
                    axes: layout.axes.clone(),
                    values: self.values[run.start * width..run.end * width].to_vec(),
                }),
                label: self.labels.get(run.start),
                group: self.groups.get(run.start),
                spans: Vec::new(),
                metadata,
                findings,
            });
        }
        Ok(out)
    }
}

fn check_width(cells: &[Cow<str>], layout: &Layout, line: usize) -> Result<(), SampleError> {
    let used = layout.width - layout.empty_tail;
    let extra = cells.iter().enumerate().skip(used).find(|(_, cell)| !cell.is_empty());
    if cells.len() < used {
        return Err(error(
            "column_count",
            format!("row {line} has {} cells, {used} are expected", cells.len()),
        ));
    }
    match extra {
        None => Ok(()),
        Some(_) if cells.len() > layout.width => {
            Err(error("column_count", format!("row {line} has {} cells, {used} are expected", cells.len())))
        }
        Some((column, _)) => Err(error(
            "column_count",
            format!("{} is filled, above it was empty", layout.place(line, column)),
        )),
    }
}

/// What else the caller takes for a missing value.
struct Missing {
    words: Vec<String>,
    numbers: Vec<f64>,
}

impl Missing {
    fn new(given: &[String]) -> Self {
        let words: Vec<String> = given.iter().map(|w| w.trim().to_owned()).collect();
        let numbers = words.iter().filter_map(|w| cell::number(w).ok().map(|n| n.0)).collect();
        Self { words, numbers }
    }

    fn given(&self) -> bool {
        !self.words.is_empty()
    }

    fn holds(&self, cell: &str, value: Option<f64>) -> bool {
        self.words.iter().any(|w| w.eq_ignore_ascii_case(cell))
            || value.is_some_and(|v| self.numbers.contains(&v))
    }
}

/// Where the first number with a decimal comma and the first with a decimal dot stand. Both in one file means that one of
/// them divides thousands, and no reading is safe.
#[derive(Default)]
struct Marks {
    dot: bool,
    comma: Option<String>,
}

fn number(
    cells: &[Cow<str>],
    column: usize,
    line: usize,
    layout: &Layout,
    missing: &Missing,
    marks: &mut Marks,
) -> Result<(f64, Mark), SampleError> {
    let cell = cells.get(column).map_or("", |c| c.as_ref());
    let shown = || cell.chars().take(40).collect::<String>().escape_debug().to_string();
    let place = || layout.place(line, column);
    let parsed = cell::number_as(cell, layout.decimal);
    let parsed =
        if missing.holds(cell, parsed.ok().map(|p| p.0)) { Err(NumberError::Missing) } else { parsed };
    let (value, mark) = parsed.map_err(|cause| match cause {
        NumberError::Missing if cell.is_empty() => error("missing_value", format!("{} is empty", place())),
        NumberError::Missing => {
            error("missing_value", format!("{}: `{}` stands for a missing value", place(), shown()))
        }
        NumberError::NotFinite => {
            error("not_finite", format!("{}: `{}` is not a finite 32-bit number", place(), shown()))
        }
        NumberError::NotNumber => {
            let mark = commas::hint(layout.decimal, cause);
            let hint = if layout.label.is_none() { "; is it the label column?" } else { "" };
            error("not_a_number", format!("{}: `{}` is not a number{mark}{hint}", place(), shown()))
        }
    })?;
    match mark {
        // Where the mark is known both stand in good numbers.
        _ if layout.decimal != Decimal::Unknown => {}
        Mark::None => {}
        Mark::Dot | Mark::Grouped => marks.dot = true,
        Mark::Comma if marks.comma.is_none() => marks.comma = Some(format!("{}: `{}`", place(), shown())),
        Mark::Comma => {}
    }
    match &marks.comma {
        Some(comma) if marks.dot => Err(error(
            "decimal_mark",
            format!(
                "{comma} has a decimal comma, other cells of the table have a decimal dot; say which it is with `decimal = \".\"` or `\",\"` under [tables]"
            ),
        )),
        _ => Ok((value, mark)),
    }
}

/// The first time of a table, from which all others are counted, so that a nanosecond clock keeps its digits.
#[derive(Default)]
struct Reference {
    number: Option<f64>,
    nanoseconds: Option<i64>,
    /// Time of day of the row before, and nanoseconds of the days that ended since.
    last: i64,
    days: i64,
}

impl Reference {
    fn seconds(
        &mut self,
        cells: &[Cow<str>],
        line: usize,
        layout: &Layout,
        missing: &Missing,
        marks: &mut Marks,
        whole: &mut bool,
    ) -> Result<Option<f64>, SampleError> {
        let cell = |column: usize| cells.get(column).map_or("", |c| c.as_ref());
        let refuse = |column: usize| {
            let shown: String = cell(column).chars().take(40).collect::<String>().escape_debug().to_string();
            error(
                "time",
                format!("{}: `{shown}` is not a time as in the rows above", layout.place(line, column)),
            )
        };
        let order = layout.day_order;
        let nanoseconds = match layout.time {
            Time::None => return Ok(None),
            Time::Number(column, unit) => {
                let (value, _) = number(cells, column, line, layout, missing, marks)?;
                *whole &= value.fract() == 0.0;
                let first = *self.number.get_or_insert(value);
                return Ok(Some((value - first) / unit.per_second()));
            }
            Time::Moment(column) => {
                let text = cell(column);
                moment::date_time(text, order)
                    .or_else(|| moment::date(text, order))
                    .ok_or_else(|| refuse(column))?
            }
            Time::Clock(column) => {
                let time = moment::clock(cell(column)).ok_or_else(|| refuse(column))?;
                // Back by more than half a day is midnight; by less, the clock was set.
                if self.last - time > moment::DAY_NS / 2 {
                    self.days += moment::DAY_NS;
                }
                self.last = time;
                self.days + time
            }
            Time::Pair(day, time) => {
                let date = moment::date(cell(day), order).ok_or_else(|| refuse(day))?;
                date + moment::clock_beside_date(cell(time)).ok_or_else(|| refuse(time))?
            }
        };
        let first = *self.nanoseconds.get_or_insert(nanoseconds);
        Ok(Some((nanoseconds - first) as f64 / 1e9))
    }
}
