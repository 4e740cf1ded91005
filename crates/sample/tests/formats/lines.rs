//! JSON Lines as tables.

use crate::{kinds, refused, signal};
use edgewright_sample::{CsvOptions, DecodeOptions, decode};

fn options(csv: CsvOptions) -> DecodeOptions {
    DecodeOptions { csv, ..DecodeOptions::default() }
}

fn labelled() -> DecodeOptions {
    options(CsvOptions { label_column: Some("kind".into()), ..CsvOptions::default() })
}

#[test]
fn objects_are_a_time_series_like_the_same_table_as_text() {
    let lines = "{\"timestamp\": 0, \"acc\": {\"x\": 1.5, \"y\": [2, 3e-9]}}\n\n{\"acc\": {\"y\": [4, 5], \"x\": -1}, \"timestamp\": 10}\r\n{\"timestamp\":20,\"acc\":{\"x\":0,\"y\":[6,7]}}\n";
    let table = "timestamp,acc.x,acc.y.0,acc.y.1\n0,1.5,2,3e-9\n10,-1,4,5\n20,0,6,7\n";
    let read = decode("a.jsonl", lines.as_bytes(), &DecodeOptions::default()).expect("rows");
    let same = decode("a.csv", table.as_bytes(), &DecodeOptions::default()).expect("rows");
    assert_eq!(signal(&read[0]), signal(&same[0]));
    assert_eq!(signal(&read[0]).rate_hz, 100.0);
    assert_eq!(signal(&read[0]).values, [1.5, 2.0, 3e-9, -1.0, 4.0, 5.0, 0.0, 6.0, 7.0]);
    assert_eq!((kinds(&read[0]), &*read[0].metadata["format"]), (vec![], "jsonl"));
    // As an editor numbers them: a line is blank.
    assert_eq!((&*read[0].metadata["first_row"], &*read[0].metadata["last_row"]), ("1", "4"));
}

#[test]
fn rows_have_labels_categories_and_missing_cells() {
    let lines = "{\"a\": 1, \"ok\": true, \"colour\": \"red\", \"kind\": true}\n{\"a\": null, \"ok\": false, \"colour\": \"blue\", \"kind\": false}\n{\"ok\": true, \"a\": 3, \"kind\": true}\n";
    let mut asked = labelled();
    refused("a.ndjson", lines.as_bytes(), &asked, "missing_value", "row 2, column 1 (`a`) is empty");
    asked.csv.missing = vec!["-999".into()];
    let rows = decode("a.ndjson", lines.as_bytes(), &asked).expect("rows");
    let names: Vec<&str> = signal(&rows[0]).axes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["a", "ok", "colour=blue", "colour=red"]);
    let labels: Vec<_> = rows.iter().map(|r| r.label.as_deref()).collect();
    assert_eq!(labels, [Some("true"), Some("false"), Some("true")]);
    assert_eq!(signal(&rows[0]).values, [1.0, 1.0, 0.0, 1.0]);
    assert!(signal(&rows[1]).values[0].is_nan());
    assert_eq!(signal(&rows[2]).values[1..], [1.0, 0.0, 0.0]);
    assert_eq!(kinds(&rows[0]), ["incomplete_rows", "category_column", "category_missing"]);
}

#[test]
fn arrays_have_their_names_in_the_first_row_or_none() {
    let read = decode("a.jsonl", b"[\"time_ms\", \"x\"]\n[0, 1]\n[5, 2]\n", &DecodeOptions::default())
        .expect("rows");
    assert_eq!((signal(&read[0]).rate_hz, &*signal(&read[0]).axes[0].name), (200.0, "x"));
    let rate = options(CsvOptions { rate_hz: Some(50.0), ..CsvOptions::default() });
    let read = decode("a.jsonl", b"[7, 1]\n[3, 2]\n", &rate).expect("rows");
    assert_eq!((signal(&read[0]).frames(), &*signal(&read[0]).axes[1].name), (2, "column2"));
}

#[test]
fn bad_lines_are_named() {
    for (text, kind, words) in [
        ("{\"x\": 1}\n{\"x\": 2\n", "json", "line 2, column 7: EOF while parsing"),
        ("{\"x\": 1} {\"x\": 2}\n", "json", "line 1, column 10: trailing characters"),
        ("{\"x\": 1}\nx: 2\n", "json", "line 2: `x: 2` is neither"),
        ("{\"x\": 1}\n[1]\n", "json", "line 2: objects and arrays"),
        ("{\"x\": 1, \"x\": 2}\n", "json", "`x` stands twice"),
        ("{\"a\": {\"b\": 1}, \"a.b\": 2}\n", "json", "`a.b` stands twice"),
        ("\n\n", "empty", "no line of JSON"),
        ("{}\n", "empty", ""),
        ("{\"x\": 1}\n{\"x\": \"far\"}\n{\"x\": 3}\n", "not_a_number", "row 2, column 1 (`x`): `far`"),
        ("{\"x\": 1e39}\n", "not_finite", "row 1"),
    ] {
        refused("a.jsonl", text.as_bytes(), &DecodeOptions::default(), kind, words);
    }
    let deep = format!("{}1{}\n", "{\"a\":".repeat(20), "}".repeat(20));
    refused("a.jsonl", deep.as_bytes(), &DecodeOptions::default(), "json", "in one another");
    let wide = format!("[{}1]\n", "1,".repeat(70_000));
    refused(
        "a.jsonl",
        wide.as_bytes(),
        &DecodeOptions::default(),
        "too_large",
        "line 1: the table has more than 65536 columns",
    );
}
