//! One cell: a number, a time, or text.

use super::moment::{DayOrder, clock, date, date_time};

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
    /// Commas divide thousands.
    Grouped,
}

/// What is known of the decimal mark of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Decimal {
    /// Nothing: a single comma without a dot is a decimal mark, several commas or one before a dot divide thousands.
    #[default]
    Unknown,
    /// A dot; commas divide thousands.
    Dot,
    /// A comma; dots divide thousands.
    Comma,
}

/// The number in a cell of a table of which nothing else is known.
pub(super) fn number(cell: &str) -> Result<(f64, Mark), NumberError> {
    number_as(cell, Decimal::Unknown)
}

/// The number in a cell.
pub(super) fn number_as(cell: &str, decimal: Decimal) -> Result<(f64, Mark), NumberError> {
    if cell.is_empty() || ["na", "n/a", "null", "none", "-", "?"].iter().any(|w| cell.eq_ignore_ascii_case(w))
    {
        return Err(NumberError::Missing);
    }
    let comma = cell.bytes().filter(|b| *b == b',').count();
    let dot = cell.contains('.');
    let (parsed, mark) = match (decimal, comma, dot) {
        (_, 0, false) => (cell.parse::<f64>(), Mark::None),
        (Decimal::Unknown | Decimal::Dot, 0, true) => (cell.parse(), Mark::Dot),
        (Decimal::Unknown | Decimal::Comma, 1, false) => (cell.replacen(',', ".", 1).parse(), Mark::Comma),
        (Decimal::Comma, ..) => {
            let plain = without_groups(cell, '.', ',').ok_or(NumberError::NotNumber)?;
            (plain.parse(), Mark::Comma)
        }
        (Decimal::Unknown | Decimal::Dot, ..) => {
            let plain = without_groups(cell, ',', '.').ok_or(NumberError::NotNumber)?;
            (plain.parse(), Mark::Grouped)
        }
    };
    let value = parsed.map_err(|_| NumberError::NotNumber)?;
    if !(value as f32).is_finite() {
        return Err(NumberError::NotFinite);
    }
    Ok((value, mark))
}

/// A number as the shortest text that is read back as it; without an exponent where that is how people write it.
pub(super) fn written(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-7..1e16).contains(&size) || !size.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// What a label is called that is a number written with a comma (`1,234`) or as a whole one with a fraction (`1.0`); `None` for others.
/// Where commas divide cells and nothing says what one in a cell means, `1,2` may be two names.
pub(super) fn plain_label(cell: &str, decimal: Decimal, commas_divide: bool) -> Option<String> {
    let ends_in_zeros =
        |cell: &str| cell.split_once('.').is_some_and(|(_, f)| !f.is_empty() && f.bytes().all(|b| b == b'0'));
    match number_as(cell, decimal) {
        Ok((_, Mark::Comma)) if commas_divide && decimal == Decimal::Unknown => None,
        Ok((value, Mark::Comma | Mark::Grouped)) => Some(written(value)),
        Ok((value, Mark::Dot)) if ends_in_zeros(cell) => Some(written(value)),
        _ => None,
    }
}

/// Whether a single comma in a number may divide thousands: `1,234`, not `0,234`, `12,34` or `1234,567`.
pub(super) fn may_be_grouped(cell: &str) -> bool {
    without_groups(cell, ',', '.').is_some()
}

/// A number without the marks between its groups of three digits, with a dot before its fraction; `None` where the groups are others.
fn without_groups(cell: &str, mark: char, decimal: char) -> Option<String> {
    let (sign, body) = match cell.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", cell.strip_prefix('+').unwrap_or(cell)),
    };
    let (whole, fraction) = body.split_once(decimal).unwrap_or((body, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (first, rest) = whole.split_once(mark)?;
    let fits = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && digits(first)
        && rest.split(mark).all(|group| group.len() == 3 && digits(group))
        && digits(fraction);
    fits.then(|| format!("{sign}{}.{fraction}0", whole.replace(mark, "")))
}
