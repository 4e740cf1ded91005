//! Which columns hold the time of a row, and how it is written.

use super::cell::{Look, look, number};
use super::grid::Source;
use super::layout::{Record, Time, called, find};
use super::moment::{DAY_NS, DayOrder, clock, clock_beside_date, date, date_time, day_order};
use super::names::{clock_name, time_name};
use super::text::Delimiter;
use crate::{CsvOptions, Finding, SampleError, TimeUnit};

/// Steps below this are days rather than seconds where both can be: no table is written at 5 kHz by a clock that began half a day ago.
const SHORT_STEP: f64 = 2e-4;

/// The first rows of a table.
pub(super) struct Rows<'r> {
    pub records: &'r [Record<'r>],
    pub headers: &'r [String],
    /// Columns whose change begins another recording.
    pub cuts: &'r [usize],
}

impl Rows<'_> {
    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.records.iter().map(move |r| r.get(column).map_or("", |c| c.as_ref())).filter(|c| !c.is_empty())
    }

    /// Most cells, not all: a broken time is to be reported as one.
    pub fn most(&self, column: usize, test: &dyn Fn(&str) -> bool) -> bool {
        let (all, fit) =
            self.cells(column).fold((0usize, 0usize), |(all, fit), c| (all + 1, fit + usize::from(test(c))));
        fit * 2 > all
    }

    /// From row to row, within a recording.
    fn steps(&self, column: usize, value: &dyn Fn(&str) -> Option<f64>) -> Vec<f64> {
        let of = |r: &Record| r.get(column).and_then(|c| value(c));
        // The clock may start again where another recording begins.
        let pairs =
            self.records.windows(2).filter(|w| self.cuts.iter().all(|c| w[0].get(*c) == w[1].get(*c)));
        pairs.filter_map(|w| Some(of(&w[1])? - of(&w[0])?)).collect()
    }

    fn rises(&self, column: usize, value: &dyn Fn(&str) -> Option<f64>) -> bool {
        let steps = self.steps(column, value);
        let filled = self.cells(column).filter(|c| value(c).is_some()).count();
        let forward = steps.iter().filter(|s| **s >= 0.0).count();
        filled > 0
            && filled * 10 >= self.records.len() * 9
            && forward * 10 >= steps.len() * 9
            && (steps.is_empty() || steps.iter().any(|s| *s > 0.0))
    }

    /// Whether a column rises in steps most of which are alike.
    pub fn steady(&self, column: usize, value: &dyn Fn(&str) -> Option<f64>) -> bool {
        let mut steps = self.steps(column, value);
        steps.retain(|s| *s > 0.0);
        steps.sort_by(f64::total_cmp);
        let Some(&median) = steps.get(steps.len() / 2) else { return false };
        let alike = steps.iter().filter(|s| (0.5 * median..=2.0 * median).contains(*s)).count();
        self.rises(column, value) && alike * 10 >= steps.len() * 8
    }
}

/// A number as a clock has it.
pub(super) fn plain(cell: &str) -> Option<f64> {
    number(cell).ok().map(|(value, _)| value)
}

/// A moment in seconds, good for differences.
fn moment(cell: &str) -> Option<f64> {
    let whole = date_time(cell, DayOrder::Unknown).or_else(|| date(cell, DayOrder::Unknown));
    whole.or_else(|| clock(cell)).map(|ns| ns as f64 / 1e9)
}

/// The columns that hold the time. A column of a usual name (`timestamp`, `time_ms`) is the time where it rises; one of another name that
/// a clock may have (`seconds_elapsed`), and dates under any name, must also go in steady steps, and are told.
pub(super) fn time(
    rows: &Rows,
    options: &CsvOptions,
    free: &dyn Fn(usize) -> bool,
    labelled: bool,
    findings: &mut Vec<Finding>,
) -> Result<Time, SampleError> {
    let headers = rows.headers;
    let dates = |column: usize| rows.most(column, &|c| date(c, DayOrder::Unknown).is_some());
    let moments = |column: usize| rows.most(column, &|c| date_time(c, DayOrder::Unknown).is_some());
    let times = |column: usize| rows.most(column, &|c| clock_beside_date(c).is_some());
    let clocks = |column: usize| rows.most(column, &|c| c.contains(':') && clock(c).is_some());
    let written = |column: usize| {
        if dates(column) {
            let beside = column + 1;
            if beside < headers.len()
                && free(beside)
                && times(beside)
                && (time_name(&headers[beside]).is_some() || rows.most(beside, &|c| c.contains(':')))
            {
                return Some(Time::Pair(column, beside));
            }
            return Some(Time::Moment(column));
        }
        moments(column)
            .then_some(Time::Moment(column))
            .or_else(|| clocks(column).then_some(Time::Clock(column)))
    };

    let wanted = options.time_column.as_deref().map(|c| find(headers, c, "time")).transpose()?;
    let candidates: Vec<usize> = match wanted {
        Some(column) => vec![column],
        None => (0..headers.len()).filter(|c| free(*c)).collect(),
    };
    let is_value =
        |c: usize| options.value_columns.as_ref().is_some_and(|values| values.contains(&headers[c]));
    for &column in &candidates {
        // Without names a column of dates can be nothing else.
        let usual = wanted.is_some() || time_name(&headers[column]).is_some() || headers[column].is_empty();
        if let Some(time) = usual.then(|| written(column)).flatten() {
            return Ok(time);
        }
    }
    for &column in &candidates {
        let named = time_name(&headers[column]);
        if wanted.is_some() || (named.is_some() && !is_value(column) && rows.rises(column, &plain)) {
            let named = named.or_else(|| clock_name(&headers[column]));
            return Ok(Time::Number(column, unit_of(rows, column, named.flatten(), options, findings)));
        }
    }
    let mut told = |column: usize, how: &str| {
        findings.push(Finding {
            kind: "time_column".into(),
            message: format!(
                "{} was taken as the time{how}; `keep = [\"{}\"]` under [tables] keeps it as values",
                called(headers, column),
                headers[column].escape_debug()
            ),
        });
    };
    // Beside a label, dates of events that come when they come are no clock.
    let fits = |c: usize| !labelled || rows.steady(c, &moment);
    let likely = |c: &usize| clock_name(&headers[*c]).is_some() && fits(*c);
    let other = |c: &usize| !labelled && moments(*c) && rows.steady(*c, &moment);
    let named = candidates.iter().filter(|c| likely(c)).chain(candidates.iter().filter(|c| other(c)));
    if let Some(time) = named.filter_map(|c| written(*c)).next() {
        if let Time::Moment(column) | Time::Pair(column, _) | Time::Clock(column) = time {
            told(column, "");
        }
        return Ok(time);
    }
    for &column in &candidates {
        let Some(named) = clock_name(&headers[column]) else { continue };
        if !is_value(column) && rows.steady(column, &plain) {
            let stated = named.or(options.time_unit);
            told(column, if stated.is_some() { "" } else { ", its unit by its steps" });
            return Ok(Time::Number(column, unit_of(rows, column, named, options, findings)));
        }
    }
    Ok(Time::None)
}

fn unit_of(
    rows: &Rows,
    column: usize,
    named: Option<TimeUnit>,
    options: &CsvOptions,
    findings: &mut Vec<Finding>,
) -> TimeUnit {
    options.time_unit.or(named).unwrap_or_else(|| {
        let numbers: Vec<f64> = rows.cells(column).filter_map(plain).collect();
        guess_unit(&rows.headers[column], &numbers, &rows.steps(column, &plain), findings)
    })
}

/// The order of day and month in a column of dates, from all of its rows: a number above 12 tells. Where none does, and the date changes,
/// the dates lie as close together as they can.
pub(super) fn order_of_days(
    source: Source<'_>,
    delimiter: Delimiter,
    header: bool,
    column: usize,
    headers: &[String],
    findings: &mut Vec<Finding>,
) -> Result<DayOrder, SampleError> {
    let (mut records, mut cells, mut header) = (source.records(delimiter), Vec::new(), header);
    let mut last = String::new();
    // Days over which the dates reach, when read in each order, and the first two that differ.
    let mut reach = [(i64::MAX, i64::MIN); 2];
    let mut differ: Vec<String> = Vec::new();
    while records.read(&mut cells)?.is_some() {
        if std::mem::take(&mut header) {
            continue;
        }
        let Some(cell) = cells.get(column).filter(|c| look(c) == Look::Time) else { continue };
        let day = cell.split([' ', 'T']).next().unwrap_or("");
        if day == last {
            continue;
        }
        if let Some(order) = day_order(day) {
            return Ok(order);
        }
        let both = [DayOrder::DayFirst, DayOrder::MonthFirst].map(|order| date(day, order));
        let [Some(a), Some(b)] = both else { return Ok(DayOrder::Unknown) };
        // Year first, or the month is a word.
        if day.bytes().take(3).all(|b| b.is_ascii_digit()) || day.bytes().any(|b| b.is_ascii_alphabetic()) {
            return Ok(DayOrder::Unknown);
        }
        for (reach, day) in reach.iter_mut().zip([a, b]) {
            *reach = (reach.0.min(day), reach.1.max(day));
        }
        if differ.len() < 2 {
            differ.push(day.to_owned());
        }
        day.clone_into(&mut last);
    }
    let [days, months] = reach.map(|(first, last)| last.saturating_sub(first) / DAY_NS);
    if differ.len() < 2 || days == months {
        return Ok(DayOrder::Unknown);
    }
    let (order, words) = if days < months {
        (DayOrder::DayFirst, "day before month")
    } else {
        (DayOrder::MonthFirst, "month before day")
    };
    findings.push(Finding {
        kind: "day_order_guessed".into(),
        message: format!(
            "{} does not tell day from month (`{}`, `{}`); it was read as {words}, by which the dates lie closer together (only what lies between them counts)",
            called(headers, column), differ[0].escape_debug(), differ[1].escape_debug()
        ),
    });
    Ok(order)
}

/// The unit of a time column that does not state it. Times since 1970 show by their size; `timestamp` means milliseconds
/// in the acquisition format unless its steps are below half of one; days of a spreadsheet (45000 is in 2023) by the name of the column or
/// by steps that no sensor has in seconds; else steps below half a unit are seconds, because sensors rarely pass 2 kHz.
fn guess_unit(header: &str, numbers: &[f64], steps: &[f64], findings: &mut Vec<Finding>) -> TimeUnit {
    let first = numbers.first().copied().unwrap_or(0.0);
    let mut sorted: Vec<f64> = steps.iter().copied().filter(|s| *s > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let step = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    let dated = clock_name(header).is_some() && header.to_ascii_lowercase().contains("dat");
    let (unit, name, sure) = match first {
        f if (9e8..5e9).contains(&f) => (TimeUnit::Seconds, "seconds since 1970", false),
        f if (9e11..5e12).contains(&f) => (TimeUnit::Milliseconds, "milliseconds since 1970", true),
        f if (9e14..5e15).contains(&f) => (TimeUnit::Microseconds, "microseconds since 1970", true),
        f if (9e17..5e18).contains(&f) => (TimeUnit::Nanoseconds, "nanoseconds since 1970", true),
        f if (20_000.0..80_000.0).contains(&f) && step <= 31.0 && (dated || step < SHORT_STEP) => {
            (TimeUnit::Days, "days of a spreadsheet", false)
        }
        _ if step < 0.5 => (TimeUnit::Seconds, "seconds", false),
        _ if header.eq_ignore_ascii_case("timestamp") => (TimeUnit::Milliseconds, "milliseconds", true),
        _ => (TimeUnit::Milliseconds, "milliseconds", false),
    };
    if !sure {
        findings.push(Finding {
            kind: "time_unit_guessed".into(),
            message: format!(
                "column `{}` does not state its unit; it was taken as {name}",
                header.escape_debug()
            ),
        });
    }
    unit
}
