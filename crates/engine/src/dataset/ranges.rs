//! Labels of parts of a recording, and what a window of it is called by them.

use crate::EngineError;
use edgewright_impulse::Window;
use edgewright_sample::labels::{self, Span};
use edgewright_store::SampleRow;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A labelled part of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRange {
    // First, so that a label can be found in the stored text.
    /// Its label.
    pub label: String,
    /// First frame.
    pub start: usize,
    /// Last frame, inclusive.
    pub end: usize,
    /// Further keys and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_map: BTreeMap<String, String>,
}

impl LabelRange {
    /// The frame in its middle.
    fn middle(&self) -> usize {
        self.start + (self.end - self.start) / 2
    }
}

impl From<Span> for LabelRange {
    fn from(s: Span) -> Self {
        Self { label: s.label, start: s.start, end: s.end, label_map: s.label_map }
    }
}

/// How a window that several ranges reach into is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// By the range at its last frame.
    #[default]
    End,
    /// By the label that covers most of it; the one at its end when two cover as much.
    Majority,
    /// By the most frequent of `labels` that is anywhere in it, else by its end.
    Anywhere,
    /// By the label that covers most of it when that is at least `min_share` of the window; else it has none.
    Overlap,
}

/// Where windows of a recording with labelled parts lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Windows {
    /// One after the other, a stride apart.
    #[default]
    Sliding,
    /// One around each range, such as a heart beat; the device is given such windows by what finds beats there.
    Around,
}

/// `[impulse.ranges]`: what a window of a recording with labelled parts is called, and where windows lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RangesSection {
    /// `sliding`, or `around`: one window for each range, called by it; a range too close to an end of the recording has none.
    #[serde(skip_serializing_if = "is_sliding")]
    pub windows: Windows,
    /// With `around`: where in the window the middle of its range lies, from 0 (its first frame) to 1 (behind its last).
    #[serde(skip_serializing_if = "is_middle")]
    pub position: f64,
    /// `end`, `majority`, `anywhere` or `overlap`.
    pub rule: Rule,
    /// Labels that `anywhere` looks for.
    pub labels: Vec<String>,
    /// Share of the window that `overlap` asks for, above 0 and at most 1.
    pub min_share: f64,
}

fn is_sliding(windows: &Windows) -> bool {
    *windows == Windows::Sliding
}

fn is_middle(position: &f64) -> bool {
    *position == 0.5
}

impl Default for RangesSection {
    fn default() -> Self {
        Self { windows: Windows::Sliding, position: 0.5, rule: Rule::End, labels: Vec::new(), min_share: 0.5 }
    }
}

impl RangesSection {
    /// What is wrong with the section.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(self.min_share > 0.0 && self.min_share <= 1.0) {
            return Some(format!(
                "`impulse.ranges.min_share` is {}; it must be above 0 and at most 1",
                self.min_share
            ));
        }
        if !(0.0..=1.0).contains(&self.position) {
            return Some(format!("`impulse.ranges.position` is {}; it must be from 0 to 1", self.position));
        }
        (self.rule == Rule::Anywhere && self.labels.is_empty()).then(|| {
            "`impulse.ranges.rule = \"anywhere\"` needs `labels`, those that it looks for".to_owned()
        })
    }

    /// First frames of the windows of a recording, in order.
    pub fn starts(&self, window: &Window, ranges: &[LabelRange], frames: usize) -> Vec<usize> {
        if self.windows == Windows::Sliding || ranges.is_empty() {
            return window.starts(frames).collect();
        }
        let before = self.before(window.frames);
        let start = |r: &LabelRange| r.middle().checked_sub(before).filter(|s| s + window.frames <= frames);
        let mut starts: Vec<usize> = ranges.iter().filter_map(start).collect();
        starts.dedup();
        starts
    }

    /// Frames of a window that lie before the middle of its range.
    fn before(&self, frames: usize) -> usize {
        (self.position * frames as f64).round() as usize
    }

    /// What the window of these frames is called. Ranges are in order and do not overlap.
    pub fn label<'r>(&self, ranges: &'r [LabelRange], start: usize, frames: usize) -> Option<&'r str> {
        if self.windows == Windows::Around {
            let middle = start + self.before(frames);
            let found = ranges.binary_search_by_key(&middle, LabelRange::middle);
            return found.ok().map(|n| ranges[n].label.as_str());
        }
        let last = start + frames.max(1) - 1;
        let mut covered: BTreeMap<&str, usize> = BTreeMap::new();
        let mut end = None;
        for range in ranges.iter().filter(|r| r.start <= last && r.end >= start) {
            *covered.entry(&range.label).or_default() += range.end.min(last) + 1 - range.start.max(start);
            if range.end >= last {
                end = Some(range.label.as_str());
            }
        }
        let most = |wanted: &dyn Fn(&str) -> bool| {
            covered
                .iter()
                .filter(|(label, _)| wanted(label))
                .max_by_key(|(label, n)| (**n, end == Some(**label), std::cmp::Reverse(**label)))
                .map(|(label, n)| (*label, *n))
        };
        match self.rule {
            Rule::End => end,
            Rule::Majority => most(&|_| true).map(|m| m.0),
            Rule::Anywhere => most(&|l| self.labels.iter().any(|w| w == l)).map(|m| m.0).or(end),
            Rule::Overlap => {
                most(&|_| true).filter(|(_, n)| *n as f64 >= self.min_share * frames as f64).map(|m| m.0)
            }
        }
    }
}

/// Ranges as the store keeps them.
pub(crate) fn to_json(ranges: &[LabelRange]) -> Result<String, EngineError> {
    serde_json::to_string(ranges).map_err(|e| EngineError::Internal(e.to_string()))
}

/// The ranges of a row; none where it has a label of its own.
///
/// # Errors
/// [`EngineError::Internal`] when the row was written by something else.
pub fn of_row(row: &SampleRow) -> Result<Vec<LabelRange>, EngineError> {
    row.ranges_json.as_deref().map_or(Ok(Vec::new()), |text| parse(text, &row.id))
}

pub(crate) fn parse(text: &str, id: &str) -> Result<Vec<LabelRange>, EngineError> {
    serde_json::from_str(text).map_err(|e| EngineError::Internal(format!("ranges of sample {id}: {e}")))
}

/// Reads `structured_labels.labels`: ranges by the name of their file.
///
/// # Errors
/// [`EngineError::Data`] naming the file and the range.
pub fn structured(bytes: &[u8]) -> Result<BTreeMap<String, Vec<LabelRange>>, EngineError> {
    let parsed = labels::parse_structured_labels(bytes).map_err(|e| EngineError::Data(e.message))?;
    Ok(parsed.into_iter().map(|(file, spans)| (file, spans.into_iter().map(Into::into).collect())).collect())
}

/// The text by which ranges with a label are found in the store.
pub(crate) fn needle(label: &str) -> Option<String> {
    serde_json::to_string(label).ok().map(|quoted| format!("{{\"label\":{quoted},"))
}

/// Labels of some ranges, each once, in order.
pub fn names(ranges: &[LabelRange]) -> BTreeSet<&str> {
    ranges.iter().map(|r| r.label.as_str()).collect()
}

/// The label that covers most frames; the first in order when two cover as many.
pub fn main_label(ranges: &[LabelRange]) -> Option<&str> {
    let mut frames: BTreeMap<&str, usize> = BTreeMap::new();
    for r in ranges {
        *frames.entry(&r.label).or_default() += r.end + 1 - r.start;
    }
    frames.into_iter().max_by_key(|(label, n)| (*n, std::cmp::Reverse(*label))).map(|(label, _)| label)
}

/// Ranges that people or other programs sent, in order, without overlaps, and with labels that can be ones. They must lie within the
/// recording and, when `whole` is asked for, cover it.
///
/// # Errors
/// The first that does not fit, in words.
pub fn checked(ranges: Vec<LabelRange>, frames: usize, whole: bool) -> Result<Vec<LabelRange>, String> {
    for (n, r) in ranges.iter().enumerate() {
        labels::validate_label(&r.label).map_err(|e| format!("range {}: {}", n + 1, e.message))?;
    }
    if whole {
        let spans: Vec<Span> = ranges
            .into_iter()
            .map(|r| Span { start: r.start, end: r.end, label: r.label, label_map: r.label_map })
            .collect();
        let spans = labels::check_spans(&spans, frames).map_err(|e| e.message)?;
        return Ok(spans.into_iter().map(LabelRange::from).collect());
    }
    let mut ranges = ranges;
    ranges.sort_by_key(|r| (r.start, r.end));
    for (n, r) in ranges.iter().enumerate() {
        if r.end < r.start || r.end >= frames {
            return Err(format!(
                "range {} (`{}`) covers frames {} to {}, the recording has {frames}",
                n + 1,
                r.label,
                r.start,
                r.end
            ));
        }
    }
    match ranges.windows(2).find(|w| w[1].start <= w[0].end) {
        Some(w) => Err(format!(
            "`{}` begins at frame {}, before `{}` ends at frame {}",
            w[1].label, w[1].start, w[0].label, w[0].end
        )),
        None => Ok(ranges),
    }
}

/// Ranges on a recording of another rate that begins `cut` frames later and has `frames` frames. What lies outside goes. They do not overlap:
/// where two share a frame now, the first keeps it and the second begins behind it. When nothing is left of the second, the one that was longer
/// as received has the frame, of equals the first; how many went so is returned as well.
pub(crate) fn moved(
    ranges: &[LabelRange],
    ratio: f64,
    cut: usize,
    frames: usize,
) -> (Vec<LabelRange>, usize) {
    let place = |frame: usize| (frame as f64 * ratio).round() as usize;
    // Each with its frames as received.
    let mut out: Vec<(LabelRange, usize)> = Vec::with_capacity(ranges.len());
    let mut gone = 0;
    for r in ranges {
        let start = place(r.start);
        // What is shorter than a frame now, such as a heart beat, is still there.
        let end = place(r.end + 1).max(start + 1);
        let (start, end) = (start.max(cut) - cut, end.saturating_sub(cut).min(frames));
        if start >= end {
            continue;
        }
        let received = r.end + 1 - r.start;
        let free = out.last().map_or(0, |(last, _)| last.end + 1);
        if end > free {
            out.push((LabelRange { start: start.max(free), end: end - 1, ..r.clone() }, received));
            continue;
        }
        gone += 1;
        if let Some((last, before)) = out.last_mut().filter(|(_, before)| *before < received) {
            *last = LabelRange { start: last.start, end: last.end, ..r.clone() };
            *before = received;
        }
    }
    (out.into_iter().map(|(r, _)| r).collect(), gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(label: &str, start: usize, end: usize) -> LabelRange {
        LabelRange { label: label.into(), start, end, label_map: BTreeMap::new() }
    }

    #[test]
    fn each_rule_names_the_window() {
        let ranges =
            [range("idle", 0, 9), range("grind", 10, 13), range("idle", 14, 19), range("pump", 20, 29)];
        let rule = |rule, labels: &[&str], min_share| RangesSection {
            rule,
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            min_share,
            ..RangesSection::default()
        };
        assert_eq!(rule(Rule::End, &[], 0.5).label(&ranges, 5, 7), Some("grind"));
        assert_eq!(rule(Rule::Majority, &[], 0.5).label(&ranges, 5, 7), Some("idle"));
        assert_eq!(
            rule(Rule::Majority, &[], 0.5).label(&ranges, 18, 4),
            Some("pump"),
            "its end decides a draw"
        );
        assert_eq!(rule(Rule::Anywhere, &["grind"], 0.5).label(&ranges, 4, 12), Some("grind"));
        assert_eq!(rule(Rule::Anywhere, &["pump"], 0.5).label(&ranges, 4, 12), Some("idle"), "else its end");
        assert_eq!(rule(Rule::Overlap, &[], 0.9).label(&ranges, 5, 10), None);
        assert_eq!(rule(Rule::Overlap, &[], 0.5).label(&ranges, 5, 10), Some("idle"));
        assert_eq!(rule(Rule::End, &[], 0.5).label(&ranges, 26, 10), None, "nothing is said of what follows");
    }

    #[test]
    fn windows_lie_around_ranges() {
        let window = Window {
            frames: 10,
            stride: 5,
            rate_hz: 100.0,
            axes: Vec::new(),
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let beats = [range("N", 3, 3), range("V", 20, 20), range("N", 31, 35), range("N", 95, 95)];
        let around =
            |position| RangesSection { windows: Windows::Around, position, ..RangesSection::default() };
        let said = |section: &RangesSection| -> Vec<(usize, Option<&str>)> {
            let starts = section.starts(&window, &beats, 100);
            starts.into_iter().map(|s| (s, section.label(&beats, s, 10))).collect()
        };
        assert_eq!(said(&around(0.5)), [(15, Some("V")), (28, Some("N")), (90, Some("N"))]);
        assert_eq!(said(&around(0.2)), [(1, Some("N")), (18, Some("V")), (31, Some("N"))]);
        assert_eq!(
            around(0.5).starts(&window, &[], 21),
            [0, 5, 10],
            "a recording without parts is cut as usual"
        );
        assert!(around(1.5).problem().is_some());
    }

    #[test]
    fn ranges_that_share_a_frame_are_put_apart() {
        let third = |ranges: &[LabelRange]| moved(ranges, 1.0 / 3.0, 0, 10);
        let of = |a: (&str, usize, usize), b: (&str, usize, usize)| {
            third(&[range(a.0, a.1, a.2), range(b.0, b.1, b.2)])
        };
        assert_eq!(of(("N", 3, 3), ("V", 4, 4)), (vec![range("N", 1, 1)], 1), "of equals the first");
        assert_eq!(of(("N", 2, 2), ("V", 3, 4)), (vec![range("V", 1, 1)], 1), "the longer one");
        assert_eq!(of(("N", 3, 3), ("V", 4, 9)), (vec![range("N", 1, 1), range("V", 2, 2)], 0), "behind it");
        assert_eq!(of(("N", 3, 3), ("V", 6, 6)), (vec![range("N", 1, 1), range("V", 2, 2)], 0));
    }

    #[test]
    fn ranges_follow_the_recording() {
        let moved = |ranges: &[LabelRange], ratio, cut, frames| super::moved(ranges, ratio, cut, frames).0;
        let ranges = [range("a", 0, 99), range("b", 100, 199)];
        assert_eq!(moved(&ranges, 0.5, 10, 80), [range("a", 0, 39), range("b", 40, 79)]);
        assert_eq!(moved(&ranges, 1.0, 150, 50), [range("b", 0, 49)]);
        let beats = [range("N", 1, 1), range("V", 5, 5), range("N", 8, 8)];
        assert_eq!(moved(&beats, 1.0 / 3.0, 0, 3), [range("N", 0, 0), range("V", 2, 2)]);
        assert_eq!(moved(&beats, 1.0, 3, 10), [range("V", 2, 2), range("N", 5, 5)]);
    }

    #[test]
    fn wrong_ranges_are_named() {
        let wrong = |ranges: Vec<LabelRange>, whole| checked(ranges, 100, whole).unwrap_err();
        assert!(wrong(vec![range("a", 50, 100)], false).contains("the recording has 100"));
        assert!(wrong(vec![range("a", 0, 50), range("b", 50, 60)], false).contains("`b` begins at frame 50"));
        assert!(wrong(vec![range("a/b", 0, 1)], false).contains("range 1"));
        assert!(wrong(vec![range("a", 0, 50)], true).contains("frame 51 has no label"));
        assert_eq!(checked(vec![range("b", 60, 70), range("a", 0, 50)], 100, false).unwrap()[0].label, "a");
    }

    #[test]
    fn a_label_is_found_in_the_stored_text() {
        let text = to_json(&[range("a \"b\"", 0, 1)]).unwrap();
        assert!(text.contains(&needle("a \"b\"").unwrap()), "{text}");
        assert!(!text.contains(&needle("a").unwrap()));
    }
}
