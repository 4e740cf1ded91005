//! One cell: a number, a time, or text.

/// What a cell looks like, for telling headers and delimiters apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Empty,
    Number,
    Time,
    Text,
}

pub(super) fn look(cell: &str) -> Look {
    if cell.is_empty() {
        Look::Empty
    } else if !matches!(number(cell), Err(NumberError::NotNumber)) {
        Look::Number
    } else if date_time(cell, DayOrder::Unknown).is_some()
        || date(cell, DayOrder::Unknown).is_some()
        || clock(cell).is_some()
    {
        Look::Time
    } else {
        Look::Text
    }
}

/// Why a cell gives no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// Empty, or a word that stands for a missing value.
    Missing,
    /// NaN, infinity, or too large for a 32-bit float.
    NotFinite,
    NotNumber,
}

/// Which decimal mark a number used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Dot,
    Comma,
}

/// The number in a cell. A single comma without a dot is a decimal mark.
pub(super) fn number(cell: &str) -> Result<(f64, Mark), NumberError> {
    if cell.is_empty() || ["na", "n/a", "null", "none", "-", "?"].iter().any(|w| cell.eq_ignore_ascii_case(w))
    {
        return Err(NumberError::Missing);
    }
    let comma = cell.bytes().filter(|b| *b == b',').count();
    let dot = cell.contains('.');
    let (parsed, mark) = match (comma, dot) {
        (0, false) => (cell.parse::<f64>(), Mark::None),
        (0, true) => (cell.parse(), Mark::Dot),
        (1, false) => (cell.replacen(',', ".", 1).parse(), Mark::Comma),
        _ => return Err(NumberError::NotNumber),
    };
    let value = parsed.map_err(|_| NumberError::NotNumber)?;
    if !(value as f32).is_finite() {
        return Err(NumberError::NotFinite);
    }
    Ok((value, mark))
}

/// Order of day and month in dates such as 03/04/2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayOrder {
    Unknown,
    DayFirst,
    MonthFirst,
}

const DAY_NS: i64 = 86_400_000_000_000;

/// Days since 1970-01-01 of a civil date (proleptic Gregorian); `None` for a date that does not exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1700..=2200).contains(&year) {
        return None;
    }
    // Years counted from March put the leap day at their end.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
            - 1
            - 719_468,
    )
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The three numbers of a date and whether the year comes first.
fn date_parts(text: &str) -> Option<([i64; 3], bool)> {
    let mark = ['-', '/', '.'].into_iter().find(|mark| text.matches(*mark).count() == 2)?;
    let mut parts = text.split(mark);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    match (a.len(), c.len()) {
        (4, 1..=2) => Some(([digits(a, 4)?, digits(b, 2)?, digits(c, 2)?], true)),
        (1..=2, 4) => Some(([digits(c, 4)?, digits(a, 2)?, digits(b, 2)?], false)),
        _ => None,
    }
}

/// What a date tells about the order of day and month; `None` when it fits both or is written year first.
pub(super) fn day_order(text: &str) -> Option<DayOrder> {
    let (parts, year_first) = date_parts(text.split([' ', 'T']).next()?)?;
    match parts {
        _ if year_first => None,
        [_, first, second] if first > 12 && second <= 12 => Some(DayOrder::DayFirst),
        [_, first, second] if first <= 12 && second > 12 => Some(DayOrder::MonthFirst),
        _ => None,
    }
}

/// A date as nanoseconds since 1970 at midnight. Year first, or day and month in the given order (unknown: whichever exists,
/// the day first where both do).
pub(super) fn date(text: &str, order: DayOrder) -> Option<i64> {
    let ([year, first, second], year_first) = date_parts(text)?;
    let day_first = days(year, second, first);
    let month_first = days(year, first, second);
    let day = match order {
        _ if year_first => month_first,
        DayOrder::DayFirst => day_first,
        DayOrder::MonthFirst => month_first,
        DayOrder::Unknown => day_first.or(month_first),
    };
    Some(day? * DAY_NS)
}

/// A time of day as nanoseconds: `hh:mm`, `hh:mm:ss`, `hh:mm:ss.fff`, or with dots as in `hh.mm.ss`; no zone.
pub(super) fn clock(text: &str) -> Option<i64> {
    clock_marked(text, ':')
}

/// A time of day in a column of its own beside a date, where `18.00` is a time and not a number.
pub(super) fn clock_beside_date(text: &str) -> Option<i64> {
    clock_marked(text, ':').or_else(|| clock_marked(text, '.'))
}

fn clock_marked(text: &str, mark: char) -> Option<i64> {
    let mut parts = text.splitn(3, mark);
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',']) {
            None => (digits(seconds, 2)?, 0),
            Some((second, fraction)) => {
                let value = digits(fraction, 9)?;
                (digits(second, 2)?, value * 10i64.pow(9 - fraction.len() as u32))
            }
        },
    };
    // 60 is a leap second.
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)
}

/// Date and time as nanoseconds since 1970, UTC unless an offset stands behind: `2024-05-06 07:08:09.5`,
/// `2024-05-06T07:08:09+02:00`, `06.05.2024 07:08`.
pub(super) fn date_time(text: &str, order: DayOrder) -> Option<i64> {
    let (day, time) = text.split_once(['T', ' '])?;
    let day = date(day, order)?;
    let time = time.trim_start();
    let (time, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => match time.rfind(['+', '-']) {
            Some(at) => {
                let (hours, minutes) = match (&time[at + 1..], time[at + 1..].split_once(':')) {
                    (_, Some(parts)) => parts,
                    (both, None) if both.len() == 4 && both.is_ascii() => both.split_at(2),
                    (hours, None) => (hours, "0"),
                };
                let seconds = (digits(hours, 2)? * 60 + digits(minutes, 2)?) * 60;
                let sign = if time[at..].starts_with('-') { -1 } else { 1 };
                (&time[..at], sign * seconds * 1_000_000_000)
            }
            None => (time, 0),
        },
    };
    Some(day + clock(time.trim_end())? - offset)
}
