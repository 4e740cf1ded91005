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
    subtype: i16,
    text: String,
}

/// What is kept of the annotations: one for each frame at most, so that a small file cannot become much.
struct Kept<'a> {
    file: &'a str,
    rate_hz: f64,
    frames: usize,
    /// They hold for this and all further annotations until others are told.
    number: i16,
    channel: i16,
    /// Spans, and whether each is of a beat.
    spans: Vec<(Span, bool)>,
    beyond: usize,
    together: usize,
}

impl Kept<'_> {
    /// Takes an annotation whose modifiers have all come.
    fn take(&mut self, open: Open) -> Result<(), SampleError> {
        if open.code == NOTE && open.text.starts_with("##") {
            // It speaks of the file itself.
            return self.resolution(&open.text);
        }
        let Some(frame) = usize::try_from(open.frame).ok().filter(|f| *f < self.frames) else {
            self.beyond += 1;
            return Ok(());
        };
        let beat = is_beat(open.code);
        let last = self.spans.last_mut().filter(|last| last.0.start == frame);
        if last.is_some() {
            self.together += 1;
        }
        // One frame has one label: what the heart does goes before what somebody noted.
        if last.as_ref().is_some_and(|last| last.1 || !beat) {
            return Ok(());
        }
        let own = format!("code {}", open.code);
        let sign = SIGNS.get(usize::from(open.code)).copied().filter(|s| !s.is_empty()).unwrap_or(&own);
        let mut more = BTreeMap::new();
        for (name, value) in [("number", self.number), ("subtype", open.subtype), ("channel", self.channel)] {
            if value != 0 {
                more.insert(name.to_owned(), value.to_string());
            }
        }
        if !open.text.is_empty() {
            more.insert("text".into(), open.text);
        }
        let span = (event(frame, sign, more), beat);
        match last {
            Some(last) => *last = span,
            None => self.spans.push(span),
        }
        Ok(())
    }

    /// Holds the rate that a note tells against that of the signals.
    fn resolution(&self, note: &str) -> Result<(), SampleError> {
        let Some(said) = note.strip_prefix("## time resolution:") else { return Ok(()) };
        if said.trim().parse::<f64>().is_ok_and(|said| said == self.rate_hz) {
            return Ok(());
        }
        Err(error(
            "wfdb_annotation",
            format!(
                "{}: the annotations count {} times a second, the signals {}; write them anew at the rate of the signals",
                self.file,
                said.trim(),
                self.rate_hz
            ),
        ))
    }
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
    let mut kept =
        Kept { file, rate_hz, frames, number: 0, channel: 0, spans: Vec::new(), beyond: 0, together: 0 };
    let mut open: Option<Open> = None;
    let (mut at, mut time) = (0, 0i64);
    loop {
        let here = at;
        let pair = word(at)
            .ok_or_else(|| wrong(at, "the file ends without its mark of the end; fetch it again".into()))?;
        at += 2;
        let (code, low) = (pair >> 10, pair & 0x3FF);
        match code {
            0 if low == 0 => break,
            SKIP => {
                let (Some(high), Some(low)) = (word(at), word(at + 2)) else {
                    return Err(wrong(here, "the file ends inside a long interval".into()));
                };
                at += 4;
                time += i64::from((u32::from(high) << 16 | u32::from(low)) as i32);
            }
            NUMBER => kept.number = low as i16,
            CHANNEL => kept.channel = low as i16,
            SUBTYPE => {
                if let Some(open) = &mut open {
                    open.subtype = low as i16;
                }
            }
            TEXT => {
                let length = usize::from(low);
                let text = bytes
                    .get(at..at + length)
                    .ok_or_else(|| wrong(here, format!("a text of {length} bytes reaches beyond the end")))?;
                at += length.next_multiple_of(2);
                if let Some(open) = &mut open {
                    open.text = String::from_utf8_lossy(text).trim_matches(['\0', ' ']).to_owned();
                }
            }
            _ => {
                // What came between belongs to the one before, which is whole now: `NUMBER` and `CHANNEL` follow what they are of.
                let before = open.as_ref().map_or(0, |o| o.frame);
                if let Some(open) = open.take() {
                    kept.take(open)?;
                }
                time += i64::from(low);
                let frame = u64::try_from(time).map_err(|_| {
                    wrong(here, format!("an annotation lies {time} frames before the beginning"))
                })?;
                if before > frame {
                    return Err(wrong(here, format!("an annotation at frame {frame} follows a later one")));
                }
                open = Some(Open { frame, code, subtype: 0, text: String::new() });
            }
        }
    }
    if let Some(open) = open {
        kept.take(open)?;
    }
    let Kept { spans, beyond, together, .. } = kept;
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
    Ok(spans.into_iter().map(|(span, _)| span).collect())
}
