//! Dates and times of day.

/// Order of day and month in dates such as 03/04/2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayOrder {
    Unknown,
    DayFirst,
    MonthFirst,
}

/// Nanoseconds of a day.
pub(super) const DAY_NS: i64 = 86_400_000_000_000;

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

/// Year, month and day of a day since 1970-01-01 (proleptic Gregorian).
fn civil(days: i128) -> [i128; 3] {
    // Years from March on in eras of 400 put the leap day at the end of each.
    let from_march = days + 719_468;
    let (era, day) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    [era * 400 + year, month, day]
}

/// Writes nanoseconds since 1970 as [`date`] and [`date_time`] read them.
///
/// # Errors
/// A sentence for what lies outside the years 0 to 9999.
pub(super) fn write(nanoseconds: i128, with_time: bool, out: &mut String) -> Result<(), String> {
    let day = nanoseconds.div_euclid(i128::from(DAY_NS));
    let [year, month, day] = civil(day);
    if !(0..=9999).contains(&year) {
        return Err(format!("a time in the year {year}"));
    }
    out.push_str(&format!("{year:04}-{month:02}-{day:02}"));
    if with_time {
        out.push(' ');
        write_clock(nanoseconds.rem_euclid(i128::from(DAY_NS)), out)?;
    }
    Ok(())
}

/// Writes nanoseconds since midnight as [`clock`] reads them.
///
/// # Errors
/// A sentence for what is no time of a day.
pub(super) fn write_clock(nanoseconds: i128, out: &mut String) -> Result<(), String> {
    if !(0..=i128::from(DAY_NS)).contains(&nanoseconds) {
        return Err(format!("{nanoseconds} ns are no time of a day"));
    }
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    out.push_str(&format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if fraction > 0 {
        out.push_str(format!(".{fraction:09}").trim_end_matches('0'));
    }
    Ok(())
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
        // `31.03.24`: which end the year is on is sure where `-` does not stand.
        (1..=2, 2) if mark != '-' => Some(([century(digits(c, 2)?), digits(a, 2)?, digits(b, 2)?], false)),
        _ => None,
    }
}

/// A year of two digits: 1970 to 2069.
fn century(year: i64) -> i64 {
    if year < 70 { 2000 + year } else { 1900 + year }
}

/// The number of a month by its English name or the first three letters of it.
fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|m| *m == word || (word.len() == 3 && m.starts_with(&word)))?;
    Some(at as i64 + 1)
}

/// A date whose month is a word: `31-Mar-2024`, `31 March 24`, `Mar 31, 2024`, `Sun Mar 31 2024`.
fn date_in_words(text: &str) -> Option<i64> {
    let (mut day, mut in_words, mut year) = (None, None, None);
    for part in text.split([' ', '-', '/', '.', ',']).filter(|p| !p.is_empty()) {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            match part.len() {
                1..=2 if day.is_none() => day = digits(part, 2),
                2 if year.is_none() => year = digits(part, 2).map(century),
                4 if year.is_none() => year = digits(part, 4),
                _ => return None,
            }
        } else if let (Some(month), None) = (month(part), in_words) {
            in_words = Some(month);
        } else if !["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .any(|d| part.len() == 3 && part.eq_ignore_ascii_case(d))
        {
            return None;
        }
    }
    days(year?, in_words?, day?)
}

/// A date as `20240331`.
fn date_of_digits(text: &str) -> Option<i64> {
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    days(digits(&text[..4], 4)?, digits(&text[4..6], 2)?, digits(&text[6..], 2)?)
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
    let Some(([year, first, second], year_first)) = date_parts(text) else {
        return date_in_words(text).map(|day| day * DAY_NS);
    };
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

/// A time of day as nanoseconds: `hh:mm`, `hh:mm:ss`, `hh:mm:ss.fff`, `hh:mm:ss:fff`, each also with AM or PM; no zone.
pub(super) fn clock(text: &str) -> Option<i64> {
    clock_marked(text, ':')
}

/// A time of day in a column of its own beside a date, where `18.00` is a time and not a number.
pub(super) fn clock_beside_date(text: &str) -> Option<i64> {
    clock_marked(text, ':').or_else(|| clock_marked(text, '.'))
}

/// Text before a word at its end, in any case.
fn before<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(end.len()).filter(|at| text.is_char_boundary(*at))?;
    text[at..].eq_ignore_ascii_case(end).then(|| text[..at].trim_end())
}

fn clock_marked(text: &str, mark: char) -> Option<i64> {
    let half = [("am", 0), ("pm", 12)].into_iter().find_map(|(word, add)| Some((before(text, word)?, add)));
    let mut parts = half.map_or(text, |(text, _)| text).splitn(3, mark);
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',', ':']) {
            None => (digits(seconds, 2)?, 0),
            Some((second, fraction)) => {
                let value = digits(fraction, 9)?;
                (digits(second, 2)?, value * 10i64.pow(9 - fraction.len() as u32))
            }
        },
    };
    let hour = match half {
        // 12 AM is midnight.
        Some((_, add)) if (1..=12).contains(&hour) => hour % 12 + add,
        Some(_) => return None,
        None => hour,
    };
    // 60 is a leap second.
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)
}

/// A time of day as `125955`, `125955.020` or `1259`.
fn clock_of_digits(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !matches!(whole.len(), 4 | 6) || !whole.is_ascii() {
        return None;
    }
    let seconds = if whole.len() == 6 { &whole[4..] } else { "0" };
    clock(&format!("{}:{}:{seconds}.{fraction}", &whole[..2], &whole[2..4]))
}

/// Date and time as nanoseconds since 1970, UTC unless an offset stands behind: `2024-05-06 07:08:09.5`,
/// `2024-05-06T07:08:09+02:00`, `06.05.2024 07:08`, `6.5.24 07:08:09 UTC`, `20240506T070809Z`, `5/6/2024 7:08:09 PM`,
/// `6-May-2024 07:08:09`, `Mon May 6 07:08:09 2024`.
pub(super) fn date_time(text: &str, order: DayOrder) -> Option<i64> {
    plain_date_time(text, order).or_else(|| date_time_in_words(text))
}

fn plain_date_time(text: &str, order: DayOrder) -> Option<i64> {
    let (day, time) = text.split_once(['T', ' '])?;
    let day = match date_parts(day) {
        Some(_) => date(day, order)?,
        None => date_of_digits(day)? * DAY_NS,
    };
    let (time, offset) = zone(time.trim_start())?;
    let time = time.trim_end();
    Some(day + clock(time).or_else(|| clock_of_digits(time))? - offset)
}

/// The text before a zone at its end, and the zone in nanoseconds east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = ["z", "utc", "gmt"].iter().find_map(|word| before(time, word)) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (hours, minutes) = match (&time[at + 1..], time[at + 1..].split_once(':')) {
        (_, Some(parts)) => parts,
        (both, None) if both.len() == 4 && both.is_ascii() => both.split_at(2),
        (hours, None) => (hours, "0"),
    };
    let seconds = (digits(hours, 2)? * 60 + digits(minutes, 2)?) * 60;
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    Some((&time[..at], sign * seconds * 1_000_000_000))
}

/// A moment whose month is a word, the time of day behind the date or in it.
fn date_time_in_words(text: &str) -> Option<i64> {
    let colon = text.find(':')?;
    let start = text[..colon].rfind([' ', 'T']).filter(|at| *at + 1 < colon)?;
    let end = text[colon..].find(' ').map_or(text.len(), |at| colon + at);
    let (mut time, mut rest) = (text[start + 1..end].to_owned(), &text[end..]);
    for half in ["AM", "PM"] {
        if let Some(after) = rest.trim_start().strip_prefix(half) {
            (time, rest) = (time + half, after);
        }
    }
    let rest = match rest.trim() {
        zone if zone.is_empty() || zone.eq_ignore_ascii_case("utc") || zone.eq_ignore_ascii_case("gmt") => "",
        rest => rest,
    };
    let (time, offset) = zone(&time)?;
    Some(date_in_words(&format!("{} {rest}", &text[..start]))? * DAY_NS + clock(time)? - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for days in (-98_000i64..84_000).step_by(97).chain([-1, 0, 1, 11_016, 11_017, 19_782]) {
            let moment = days * DAY_NS + 86_399_000_000_120;
            let mut text = String::new();
            write(i128::from(moment), true, &mut text).expect("a year of four digits");
            assert_eq!(date_time(&text, DayOrder::Unknown), Some(moment), "{text}");
            text.clear();
            write(i128::from(days * DAY_NS), false, &mut text).expect("a year of four digits");
            assert_eq!(date(&text, DayOrder::Unknown), Some(days * DAY_NS), "{text}");
        }
        assert!(write(i128::from(i64::MAX) * 1000, true, &mut String::new()).is_err());
        assert!(write_clock(-1, &mut String::new()).is_err());
    }
}
