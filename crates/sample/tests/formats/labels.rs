//! Label files and rules for labels.

use crate::build::{BOXES, INFO, LINES, SPANS};
use edgewright_sample::labels::*;
use regex::Regex;
use std::collections::BTreeMap;

fn span(start: usize, end: usize, label: &str) -> Span {
    Span { start, end, label: label.into(), label_map: BTreeMap::new() }
}

#[test]
fn info_labels_hold_every_variant() {
    let files = parse_info_labels(INFO.as_bytes()).expect("a good file");
    let labels: Vec<_> = files.iter().map(|f| (f.path.as_str(), f.category, f.label.clone())).collect();
    let map = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let spans = vec![span(0, 4, "p"), Span { label_map: map.clone(), ..span(5, 9, "q") }];
    let expected = [
        ("training/a.json", Some(Category::Training), Some(FileLabel::Label("idle".into()))),
        ("b.json", Some(Category::Testing), Some(FileLabel::MultiLabel(spans))),
        ("c.jpg", Some(Category::Split), Some(FileLabel::Unlabeled)),
        ("d.wav", Some(Category::PostProcessing), Some(FileLabel::KeyValue(map))),
        ("e.wav", None, None),
    ];
    assert_eq!(labels, expected);
    assert_eq!((files[0].name.as_deref(), files[0].metadata["site"].as_str()), (Some("a"), "x"));
    let expected = BoundingBox { label: "cat".into(), x: 1.0, y: 2.0, width: 3.5, height: 4.0 };
    assert_eq!(files[2].bounding_boxes, Some(vec![expected]));
    assert_eq!(files[3].attachments, ["d.mp4"]);
}

#[test]
fn info_labels_may_come_line_by_line() {
    let files = parse_info_labels(LINES.as_bytes()).expect("a good file");
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].path.as_str(), &files[0].label), ("a.wav", &Some(FileLabel::Label("x".into()))));
    let broken = LINES.replace("\"type\":\"label\",", "");
    let error = parse_info_labels(broken.as_bytes()).expect_err("no type");
    assert!(error.message.contains("file 1 (`a.wav`)"), "{error}");
    let error = parse_info_labels(&LINES.as_bytes()[..60]).expect_err("a cut line");
    assert!(error.message.contains("line 2"), "{error}");
}

#[test]
fn broken_label_files_name_the_entry() {
    let cases = [
        ("{}", "`version` must be 1"),
        (r#"{"version":2,"files":[]}"#, "`version` must be 1"),
        (r#"{"version":1}"#, "`files`"),
        (r#"{"version":1,"files":[{"name":"x"}]}"#, "file 1: missing field `path`"),
        (r#"{"version":1,"files":[{"path":"a"},{"path":""}]}"#, "file 2 (``): `path` is empty"),
        (r#"{"version":1,"files":[{"path":"a","category":"x"}]}"#, "file 1 (`a`): unknown variant `x`"),
        (r#"{"version":1,"files":[{"path":"a","label":{"type":"x"}}]}"#, "file 1 (`a`): unknown variant `x`"),
        (
            r#"{"version":1,"files":[{"path":"a","label":{"type":"multi-label","labels":[{"startIndex":5,"endIndex":4,"label":"x"}]}}]}"#,
            "label 1 ends at 4 before it starts at 5",
        ),
    ];
    for (text, words) in cases {
        let error = parse_info_labels(text.as_bytes()).expect_err(text);
        assert_eq!(error.kind, "label_file");
        assert!(error.message.contains(words), "`{words}` is not in `{error}`");
    }
}

#[test]
fn sidecars_are_read_and_checked() {
    let boxes = parse_bounding_boxes(BOXES.as_bytes()).expect("a good file");
    let expected = BoundingBox { label: "cat".into(), x: 1.0, y: 2.0, width: 3.0, height: 4.0 };
    assert_eq!(boxes, BTreeMap::from([("c.jpg".to_owned(), vec![expected])]));
    let spans = parse_structured_labels(SPANS.as_bytes()).expect("a good file");
    assert_eq!(spans, BTreeMap::from([("b.json".to_owned(), vec![span(0, 9, "p")])]));
    let flat = BOXES.replace("\"width\":3", "\"width\":-3");
    let flat = parse_bounding_boxes(flat.as_bytes()).expect("boxes are held against the picture later");
    assert_eq!(flat["c.jpg"][0].width, -3.0);
    let error = parse_bounding_boxes(SPANS.as_bytes()).expect_err("another type");
    assert!(error.message.contains("bounding-box-labels"), "{error}");
    let error = parse_structured_labels(SPANS.replace('9', "-1").as_bytes()).expect_err("negative");
    assert!(error.message.contains("file `b.json`"), "{error}");
}

#[test]
fn spans_cover_in_order_and_the_later_entry_wins() {
    let check = |spans: &[Span], frames: usize, expected: Result<&[Span], &str>| match (
        check_spans(spans, frames),
        expected,
    ) {
        (Ok(got), Ok(expected)) => assert_eq!(got, expected),
        (Err(error), Err(words)) => assert!(error.message.contains(words), "`{words}` is not in `{error}`"),
        (got, expected) => panic!("{got:?} instead of {expected:?}"),
    };
    check(&[span(0, 4, "a"), span(5, 9, "b")], 10, Ok(&[span(0, 4, "a"), span(5, 9, "b")]));
    check(&[span(5, 9, "b"), span(0, 4, "a")], 10, Ok(&[span(0, 4, "a"), span(5, 9, "b")]));
    check(&[span(0, 4, "a"), span(5, 9, "a")], 10, Ok(&[span(0, 9, "a")]));
    check(&[span(0, 9, "a"), span(3, 5, "b")], 10, Ok(&[span(0, 2, "a"), span(3, 5, "b"), span(6, 9, "a")]));
    check(&[span(3, 5, "b"), span(0, 9, "a")], 10, Ok(&[span(0, 9, "a")]));
    check(&[span(0, 3, "a"), span(5, 9, "b")], 10, Err("frame 4 has no label"));
    check(&[span(0, 8, "a")], 10, Err("frame 9 has no label"));
    check(&[], 1, Err("frame 0 has no label"));
    check(&[span(0, 10, "a")], 10, Err("label 1 covers frames 0 to 10, the recording has 10"));
    let mapped = Span { label_map: BTreeMap::from([("k".into(), "v".into())]), ..span(5, 9, "b") };
    check(&[span(0, 4, "a"), mapped], 10, Err("label 2 has other label map keys"));
}

#[test]
fn labels_have_1_to_100_plain_characters() {
    let long = "ä".repeat(100);
    for label in ["a", "idle state_1-2", "Füße", long.as_str(), ".", " "] {
        assert!(validate_label(label).is_ok(), "{label}");
    }
    let too_long = "x".repeat(101);
    for label in ["", "a/b", "a\\b", "a\nb", "a\0", "\u{85}", too_long.as_str()] {
        assert_eq!(validate_label(label).expect_err(label).kind, "label");
    }
}

#[test]
fn the_label_is_the_name_up_to_the_first_dot_or_what_a_pattern_says() {
    let plain = |name| label_from_name(name, None);
    assert_eq!(plain("idle.01.wav").as_deref(), Some("idle"));
    assert_eq!(plain("set.a/wave").as_deref(), Some("wave"));
    assert_eq!(plain("x\\y.csv").as_deref(), Some("y"));
    assert_eq!(plain(".hidden"), None);
    assert_eq!(plain("folder/"), None);
    let by = |pattern: &str, name| label_from_name(name, Some(&Regex::new(pattern).expect("a pattern")));
    assert_eq!(by("^([0-9])_", "recordings/7_theo_3.wav").as_deref(), Some("7"));
    assert_eq!(by("^[a-z]+", "noise12.wav").as_deref(), Some("noise"));
    assert_eq!(by("^(x)?noise", "noise12.wav"), None);
    assert_eq!(by("^[0-9]", "noise.wav"), None);
}
