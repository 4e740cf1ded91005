#![no_main]
//! Arbitrary bytes as each of the label files, and as a label.

use edgewright_sample::boxes::Annotated;
use edgewright_sample::labels::{
    FileLabel, check_spans, label_from_name, parse_bounding_boxes, parse_box_list, parse_info_labels,
    parse_structured_labels, validate_label,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(files) = parse_info_labels(bytes) {
        for file in files {
            if let Some(FileLabel::MultiLabel(spans)) = file.label {
                cover(&spans);
            }
        }
    }
    if let Ok(files) = parse_structured_labels(bytes) {
        files.values().for_each(|spans| cover(spans));
    }
    for boxes in parse_bounding_boxes(bytes).into_iter().flat_map(|files| files.into_values()) {
        assert!(boxes.iter().all(|b| b.width.is_finite() && b.height.is_finite()));
    }
    if let Ok(boxes) = parse_box_list(bytes) {
        let count = boxes.len();
        let fitted = Annotated { boxes, ..Annotated::default() }.fit(64, 48);
        assert_eq!(fitted.boxes.len() + fitted.refused.len(), count);
    }
    let text = String::from_utf8_lossy(bytes);
    if validate_label(&text).is_ok() {
        assert!((1..=100).contains(&text.chars().count()) && !text.contains(['/', '\\', '\n', '\0']));
    }
    assert!(label_from_name(&text, None).is_none_or(|label| !label.contains(['.', '/'])));
});

/// Checked spans cover the recording in order, without gap and overlap.
fn cover(spans: &[edgewright_sample::labels::Span]) {
    let frames = spans.iter().map(|s| s.end).max().and_then(|end| end.checked_add(1)).unwrap_or(1);
    if let Ok(checked) = check_spans(spans, frames) {
        let mut next = 0;
        for span in checked {
            assert_eq!(span.start, next);
            next = span.end + 1;
        }
        assert_eq!(next, frames);
    }
}
