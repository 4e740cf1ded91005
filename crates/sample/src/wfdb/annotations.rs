//! Annotation files in the format of the WFDB library: pairs of bytes with a code and the frames since the one before.

use super::{error, event, remark};
use crate::{Finding, SampleError, labels::Span};
use std::collections::BTreeMap;

const SKIP: u16 = 59;
const NUMBER: u16 = 60;
const SUBTYPE: u16 = 61;
const CHANNEL: u16 = 62;
const TEXT: u16 = 63;
const NOTE: u16 = 22;

/// What a paced beat is called: its own sign, `/`, cannot be in a label.
pub const PACED: &str = "paced";

/// Signs of the codes, from 0; empty: not in use.
const SIGNS: [&str; 42] = [
    "", "N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", PACED, "Q", "~", "", "|", "", "s", "T", "*",
    "D", "\"", "=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]", "e", "n", "@", "x", "f", "(", ")", "r",
];

/// Codes of heart beats.
fn is_beat(code: u16) -> bool {
    matches!(code, 1..=13 | 25 | 30 | 34 | 35 | 38 | 41)
}

/// One annotation while its modifiers are still to come.
struct Open {
    frame: u64,
    code: u16,
    text: String,
    more: BTreeMap<String, String>,
}

/// Annotations in order of time as spans of one frame, called by their signs.
pub(super) fn read(
    file: &str,
    bytes: &[u8],
    rate_hz: f64,
    frames: usize,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Span>, SampleError> {
    let wrong = |at: usize, what: String| error("wfdb_annotation", format!("{file}, byte {at}: {what}"));
    let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let mut all: Vec<Open> = Vec::new();
    let (mut at, mut time) = (0, 0i64);
    loop {
        let here = at;
        let pair = word(at)
            .ok_or_else(|| wrong(at, "the file ends without its mark of the end; fetch it again".into()))?;
        at += 2;
        let (code, low) = (pair >> 10, pair & 0x3FF);
        let last = all.last_mut();
        match code {
            0 if low == 0 => break,
            SKIP => {
                let (Some(high), Some(low)) = (word(at), word(at + 2)) else {
                    return Err(wrong(here, "the file ends inside a long interval".into()));
                };
                at += 4;
                time += i64::from((u32::from(high) << 16 | u32::from(low)) as i32);
            }
            NUMBER | SUBTYPE | CHANNEL => {
                let name = ["number", "subtype", "channel"][usize::from(code - NUMBER)];
                if let Some(open) = last.filter(|_| low != 0) {
                    open.more.insert(name.into(), (low as i16).to_string());
                }
            }
            TEXT => {
                let length = usize::from(low);
                let text = bytes
                    .get(at..at + length)
                    .ok_or_else(|| wrong(here, format!("a text of {length} bytes reaches beyond the end")))?;
                at += length.next_multiple_of(2);
                if let Some(open) = last {
                    open.text = String::from_utf8_lossy(text).trim_matches(['\0', ' ']).to_owned();
                }
            }
            _ => {
                time += i64::from(low);
                let frame = u64::try_from(time).map_err(|_| {
                    wrong(here, format!("an annotation lies {time} frames before the beginning"))
                })?;
                if all.last().is_some_and(|o| o.frame > frame) {
                    return Err(wrong(here, format!("an annotation at frame {frame} follows a later one")));
                }
                all.push(Open { frame, code, text: String::new(), more: BTreeMap::new() });
            }
        }
    }
    resolution(&mut all, rate_hz).map_err(|what| wrong(0, what))?;
    let (mut beyond, mut together) = (0, 0);
    let mut out: Vec<(Span, bool)> = Vec::with_capacity(all.len());
    for open in all {
        let Some(frame) = usize::try_from(open.frame).ok().filter(|f| *f < frames) else {
            beyond += 1;
            continue;
        };
        let own = format!("code {}", open.code);
        let sign = SIGNS.get(usize::from(open.code)).copied().filter(|s| !s.is_empty()).unwrap_or(&own);
        let mut more = open.more;
        if !open.text.is_empty() {
            more.insert("text".into(), open.text);
        }
        let beat = is_beat(open.code);
        let span = event(frame, sign, more);
        match out.last_mut() {
            // One frame has one label: what the heart does goes before what somebody noted.
            Some(last) if last.0.start == frame => {
                together += 1;
                if beat && !last.1 {
                    *last = (span, beat);
                }
            }
            _ => out.push((span, beat)),
        }
    }
    if beyond > 0 {
        let message =
            format!("{file}: {beyond} annotations lie behind the last of {frames} frames and are left out");
        remark(findings, "annotation_beyond", message);
    }
    if together > 0 {
        let message = format!(
            "{file}: {together} annotations share their frame with another one; one of each is kept, beats first"
        );
        remark(findings, "annotation_together", message);
    }
    Ok(out.into_iter().map(|(span, _)| span).collect())
}

/// Takes the notes out that speak of the file itself, and holds its rate against that of the signals.
fn resolution(all: &mut Vec<Open>, rate_hz: f64) -> Result<(), String> {
    for open in all.iter().filter(|o| o.code == NOTE) {
        let Some(said) = open.text.strip_prefix("## time resolution:") else { continue };
        let same = said.trim().parse::<f64>().is_ok_and(|said| said == rate_hz);
        if !same {
            return Err(format!(
                "the annotations count {} times a second, the signals {rate_hz}; write them anew at the rate of the signals",
                said.trim()
            ));
        }
    }
    all.retain(|o| o.code != NOTE || !o.text.starts_with("##"));
    Ok(())
}
