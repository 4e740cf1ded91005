//! Header files: one line for the record, one for each signal, notes behind `#`.

use super::error;
use crate::SampleError;
use std::str::FromStr;

/// Signals of one record.
const MOST_SIGNALS: usize = 256;
/// Rate where the header says none, in Hz.
const DEFAULT_RATE_HZ: f64 = 250.0;
/// Units of the converter in one physical unit where the header says none or 0.
const DEFAULT_GAIN: f64 = 200.0;

/// What a header says.
pub(super) struct Header {
    /// Name of the record.
    pub name: String,
    /// Frames per second.
    pub rate_hz: f64,
    /// Frames; `None`: as many as the files hold.
    pub frames: Option<usize>,
    /// At least one.
    pub signals: Vec<SignalLine>,
    /// Lines behind `#`.
    pub notes: Vec<String>,
}

/// What it says of one signal.
pub(super) struct SignalLine {
    /// File that holds it.
    pub file: String,
    /// Number of the format, as it is written.
    pub format: u16,
    /// Bytes before the first value.
    pub offset: usize,
    /// Units of the converter in one physical unit, not 0.
    pub gain: f64,
    /// Converter value that stands for 0.
    pub baseline: f64,
    /// Physical unit.
    pub units: String,
    /// First value, for formats of differences.
    pub first: i32,
    /// Sum of all values, 16 bits.
    pub checksum: Option<i16>,
    /// Name.
    pub name: String,
}

/// A place in the header, for messages.
struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl Place<'_> {
    fn error(&self, what: impl std::fmt::Display) -> SampleError {
        error("wfdb_header", format!("{}, line {}: {what}", self.file, self.line))
    }

    fn number<T: FromStr>(&self, what: &str, text: &str) -> Result<T, SampleError> {
        text.parse()
            .map_err(|_| self.error(format!("{what} `{}` is no number that fits", text.escape_debug())))
    }
}

impl Header {
    /// Reads a header; `file` is its name, for messages.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, SampleError> {
        let text = String::from_utf8_lossy(bytes);
        let mut notes = Vec::new();
        let mut lines = Vec::new();
        for (n, line) in text.lines().enumerate() {
            match line.trim().strip_prefix('#') {
                Some(note) => notes.push(note.trim().to_owned()),
                None if line.trim().is_empty() => {}
                None => lines.push((Place { file, line: n + 1 }, line.trim())),
            }
        }
        notes.retain(|n| !n.is_empty());
        let mut lines = lines.into_iter();
        let (place, record) =
            lines.next().ok_or_else(|| Place { file, line: 1 }.error("the header is empty"))?;
        let mut words = record.split_whitespace();
        let name = words.next().unwrap_or_default();
        if name.contains('/') {
            return Err(place.error(format!(
                "`{name}` is a record of several segments, which are not read; import the records of the segments"
            )));
        }
        let count = words.next().ok_or_else(|| place.error("the number of signals is missing"))?;
        let count: usize = place.number("the number of signals", count)?;
        if count == 0 || count > MOST_SIGNALS {
            return Err(place.error(format!("{count} signals; 1 to {MOST_SIGNALS} are read")));
        }
        let rate = words.next().unwrap_or_default();
        let rate = rate.split(['/', '(']).next().unwrap_or_default();
        let rate_hz = if rate.is_empty() { DEFAULT_RATE_HZ } else { place.number("the rate", rate)? };
        if !(rate_hz > 0.0 && rate_hz <= 1e9) {
            return Err(place.error(format!("a rate of {rate_hz} Hz; it must be above 0")));
        }
        let frames = words.next().map(|w| place.number("the number of frames", w)).transpose()?;
        let mut signals = Vec::with_capacity(count);
        for n in 0..count {
            let (place, line) = lines
                .next()
                .ok_or_else(|| place.error(format!("{count} signals are announced, {n} are described")))?;
            signals.push(signal(&place, line, n)?);
        }
        if let Some((place, _)) = lines.next() {
            return Err(place.error(format!("a line more than the {count} signals that line 1 announces")));
        }
        distinct(&mut signals);
        Ok(Self { name: name.to_owned(), rate_hz, frames: frames.filter(|n| *n > 0), signals, notes })
    }
}

fn signal(place: &Place<'_>, line: &str, n: usize) -> Result<SignalLine, SampleError> {
    // What is behind the eighth word is the name, spaces and all.
    let mut words = line.split_whitespace();
    let file = words.next().unwrap_or_default().to_owned();
    if file == "-" || file == "~" || file.contains(['/', '\\']) || file.starts_with('.') {
        return Err(place.error(format!(
            "signal file `{}`: it must be the name of a file beside the header",
            file.escape_debug()
        )));
    }
    if file.to_ascii_lowercase().ends_with(".hea") {
        return Err(place.error(format!(
            "signal file `{}` is a header; name the file that holds the values",
            file.escape_debug()
        )));
    }
    let code = words.next().ok_or_else(|| place.error("the format of the signal is missing"))?;
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (format, mut rest) = code.split_at(digits(code));
    let format = place.number("the format", format)?;
    let mut offset = 0;
    while let Some(mark) = rest.chars().next() {
        let behind = &rest[mark.len_utf8()..];
        let (number, next) = behind.split_at(digits(behind));
        match mark {
            '+' => offset = place.number("the offset", number)?,
            'x' if number == "1" => {}
            ':' if number == "0" => {}
            'x' => {
                return Err(place.error(format!(
                    "{number} values a frame: signals of several rates are not read; bring them to one rate first"
                )));
            }
            ':' => {
                return Err(place.error(format!("a skew of {number} frames is not read; take it out first")));
            }
            _ => return Err(place.error(format!("the format `{}` is not understood", code.escape_debug()))),
        }
        rest = next;
    }
    let gain = words.next().unwrap_or_default();
    let (gain, units) = gain.split_once('/').unwrap_or((gain, "mV"));
    let (gain, baseline) = match gain.split_once('(') {
        Some((gain, baseline)) => (gain, Some(baseline.trim_end_matches(')'))),
        None => (gain, None),
    };
    let gain = if gain.is_empty() { 0.0 } else { place.number::<f64>("the gain", gain)? };
    let gain = if gain == 0.0 { DEFAULT_GAIN } else { gain };
    if !gain.is_finite() {
        return Err(place.error("the gain must be finite"));
    }
    let _resolution = words.next();
    let zero: i32 = words.next().map_or(Ok(0), |w| place.number("the converter's zero", w))?;
    let baseline = baseline.map_or(Ok(zero), |b| place.number("the baseline", b))?;
    let first = words.next().map_or(Ok(zero), |w| place.number("the first value", w))?;
    // Some writers put the sum of 16 bits without a sign.
    let checksum = words.next().map(|w| place.number::<i32>("the checksum", w)).transpose()?;
    let _block = words.next();
    let name = words.collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { format!("signal {}", n + 1) } else { name };
    Ok(SignalLine {
        file,
        format,
        offset,
        gain,
        baseline: f64::from(baseline),
        units: units.to_owned(),
        first,
        checksum: checksum.map(|c| c as i16),
        name,
    })
}

/// Two signals of one name get a number behind it: an axis is found by its name.
fn distinct(signals: &mut [SignalLine]) {
    for n in 1..signals.len() {
        let taken = |name: &str| signals[..n].iter().any(|s| s.name == name);
        if taken(&signals[n].name) {
            let name = (2..).map(|k| format!("{} {k}", signals[n].name)).find(|name| !taken(name));
            signals[n].name = name.unwrap_or_default();
        }
    }
}
