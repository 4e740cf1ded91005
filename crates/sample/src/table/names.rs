//! What the name of a column tells: its unit, whether it is a clock, whether it numbers rows.

use crate::TimeUnit;

/// Units that are recognised right behind a name, as in `temp(C)`; with a space or in brackets any text is a unit.
const UNITS: &[&str] = &[
    "g", "m/s2", "m/s^2", "m/s²", "m/s", "deg/s", "dps", "rad/s", "deg", "rad", "C", "°C", "F", "°F", "K",
    "%", "%RH", "Pa", "hPa", "kPa", "bar", "mbar", "V", "mV", "uV", "µV", "A", "mA", "W", "lux", "lx", "ppm",
    "ppb", "Hz", "kHz", "rpm", "mm", "cm", "m", "km", "s", "ms", "us", "µs", "ns", "min", "h", "dB", "dBA",
    "uT", "µT", "N", "Nm", "kg", "bpm",
];

/// Name and unit of a header such as `accX (m/s2)` or `temp [C]`.
pub(super) fn name_and_units(header: &str) -> (String, String) {
    let plain = || (header.to_owned(), String::new());
    let (open, bracket) = match header.chars().last() {
        Some(')') => (header.rfind('('), false),
        Some(']') => (header.rfind('['), true),
        _ => return plain(),
    };
    let Some(open) = open else { return plain() };
    let (name, units) = (&header[..open], header[open + 1..header.len() - 1].trim());
    let is_unit = bracket || name.ends_with(char::is_whitespace) || UNITS.contains(&units);
    if name.trim().is_empty() || !is_unit { plain() } else { (name.trim().to_owned(), units.to_owned()) }
}

/// The unit of time that a word names.
fn unit(word: &str) -> Option<TimeUnit> {
    match word.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunden" => Some(TimeUnit::Seconds),
        "ms" | "msec" | "millis" | "milliseconds" | "millisekunden" => Some(TimeUnit::Milliseconds),
        "us" | "µs" | "usec" | "micros" | "microseconds" | "mikrosekunden" => Some(TimeUnit::Microseconds),
        "ns" | "nsec" | "nanos" | "nanoseconds" => Some(TimeUnit::Nanoseconds),
        _ => None,
    }
}

/// Whether a header names a time, and the unit when it says so.
pub(super) fn time_name(header: &str) -> Option<Option<TimeUnit>> {
    let (name, units) = name_and_units(header);
    // `T` is a temperature more often than a time.
    if name == "t" {
        return Some(unit(&units));
    }
    let lower = name.to_ascii_lowercase().replace([' ', '-'], "_");
    let (stem, tail) = match lower.rsplit_once('_') {
        Some((stem, tail)) if unit(tail).is_some() => (stem, unit(tail)),
        _ => (lower.as_str(), None),
    };
    let known = [
        "time",
        "timestamp",
        "datetime",
        "date",
        "date_time",
        "ts",
        "timer",
        "elapsed",
        "elapsed_time",
        "epoch",
        "unixtime",
    ];
    let more = [
        "unix_time",
        "uptime",
        "seconds",
        "secs",
        "sec",
        "millis",
        "milliseconds",
        "ms",
        "micros",
        "microseconds",
        "us",
    ];
    if known.contains(&stem) || more.contains(&stem) {
        return Some(unit(&units).or(tail).or(unit(stem)));
    }
    // `timestamps`, `timems`.
    let tail = lower.strip_prefix("timestamp").or_else(|| lower.strip_prefix("time"))?;
    if tail == "s" && lower.starts_with("timestamp") { Some(None) } else { unit(tail).map(Some) }
}

/// Words of a name, in small letters: `ElapsedTime (s)`, `elapsed_time_s` and `elapsed time / s` have the same.
fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (small && c.is_uppercase()) {
            out.push(String::new());
        }
        small = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = out.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

/// Words that name a clock.
const CLOCKS: &[&str] = &[
    "time",
    "timestamp",
    "stamp",
    "datetime",
    "date",
    "ts",
    "timer",
    "elapsed",
    "epoch",
    "unix",
    "unixtime",
    "uptime",
    "clock",
    "zeit",
    "zeitstempel",
    "uhrzeit",
    "datum",
    "temps",
    "tiempo",
    "seconds",
    "secs",
    "sec",
    "millis",
    "milliseconds",
    "millisekunden",
    "sekunden",
    "micros",
    "microseconds",
    "nanos",
    "nanoseconds",
    "tms",
];
/// Words that may stand beside them.
const BESIDE: &[&str] = &[
    "t", "local", "utc", "gmt", "relative", "rel", "since", "recorded", "created", "received", "logged",
    "measured", "sampled", "captured", "at", "on", "device", "system", "sensor", "sample", "logging",
    "phone", "boot",
];

/// Whether a header names a time in the wider sense (`t_ms`, `seconds_elapsed`, `recorded_at`, `Zeit [s]`), and the unit when it says so.
/// Such a column is a clock only where its values run like one.
pub(super) fn clock_name(header: &str) -> Option<Option<TimeUnit>> {
    let (name, units) = name_and_units(header);
    let words = words(&name);
    let known =
        |w: &String| CLOCKS.contains(&w.as_str()) || BESIDE.contains(&w.as_str()) || unit(w).is_some();
    let stated = unit(&units)
        .or_else(|| words.iter().find_map(|w| unit(w)))
        .or((name == "tms").then_some(TimeUnit::Milliseconds));
    // What LabVIEW calls the axis of time, in seconds.
    if words == ["x", "value"] && units.is_empty() {
        return Some(Some(TimeUnit::Seconds));
    }
    // `T_s` is the temperature of a surface.
    let short = name.starts_with('t')
        && words.len() > 1
        && words[0] == "t"
        && words[1..].iter().all(|w| unit(w).is_some());
    let at = words.len() == 2 && words[1] == "at" && BESIDE.contains(&words[0].as_str()) && words[0] != "t";
    let clock = words.iter().any(|w| CLOCKS.contains(&w.as_str()));
    let is = !words.is_empty() && (short || at || (clock && words.iter().all(known)));
    // `time [km/h]` is none.
    (is && (units.is_empty() || unit(&units).is_some())).then_some(stated)
}

/// What must hold of whole numbers under a name for them to number the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// Each stands once.
    Unique,
    /// They rise; in rows that are samples each stands once.
    Rising,
    /// In order they count by one; of rows that are samples alone.
    Consecutive,
}

/// Whether a header names a number of rows, as `Id`, `index`, `Sample No` and `Unnamed: 0` do. The empty name of the first column
/// is for the caller to tell.
pub(super) fn numbering_name(header: &str) -> Option<Numbering> {
    let words = words(header);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    const THINGS: &[&str] = &[
        "sample",
        "frame",
        "row",
        "record",
        "packet",
        "line",
        "reading",
        "measurement",
        "observation",
        "obs",
        "seq",
        "sequence",
    ];
    const NUMBERS: &[&str] = &["no", "nr", "num", "number", "id", "index", "idx", "counter", "names", "name"];
    match words.as_slice() {
        ["index" | "idx" | "id"] | ["unnamed", _] | ["rownames" | "rowid"] => Some(Numbering::Unique),
        // `NO` is a gas.
        ["no" | "nr"] if header != "NO" => Some(Numbering::Rising),
        [thing] | [thing, ..] if THINGS.contains(thing) => match words.as_slice() {
            [_] => Some(Numbering::Rising),
            [_, number] if NUMBERS.contains(number) => Some(Numbering::Rising),
            _ => None,
        },
        [_, .., "id"] => Some(Numbering::Consecutive),
        _ => None,
    }
}
