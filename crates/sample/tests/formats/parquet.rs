//! Parquet files that other programs wrote: `golden/parquet/make.py` says which.

use crate::{kinds, refused, signal};
use edgewright_sample::{CsvOptions, DecodeOptions, Decoded, decode};

fn golden(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/parquet");
    std::fs::read(folder.join(name)).expect("a committed file")
}

fn labelled() -> DecodeOptions {
    let csv = CsvOptions { label_column: Some("kind".into()), ..CsvOptions::default() };
    DecodeOptions { csv, ..DecodeOptions::default() }
}

fn read(name: &str, options: &DecodeOptions) -> Vec<Decoded> {
    decode(name, &golden(name), options).expect("a good file")
}

#[test]
fn a_time_series_is_read_like_the_same_table_as_text() {
    let mut text = "time,accX,accY,on,steps,kind,index\n".to_owned();
    for i in 0..40u32 {
        let (ms, on, kind) = (900 + 10 * i, u8::from(i % 3 == 0), if i < 30 { "walk" } else { "run" });
        let (date, second) = if ms < 1000 { ("2024-02-29 23:59", 59) } else { ("2024-03-01 00:00", 0) };
        let (x, y) = ((f64::from(i) / 8.0 - 1.1) as f32, f64::from(i) * 1e-3);
        text += &format!("{date}:{second:02}.{:03},{x},{y},{on},{i},{kind},{}\n", ms % 1000, 3 * i + 5);
    }
    let same = decode("a.csv", text.as_bytes(), &labelled()).expect("a good table");
    let read = read("series.parquet", &labelled());
    assert_eq!(read.len(), 2);
    for (read, same) in read.iter().zip(&same) {
        assert_eq!(signal(read), signal(same));
        assert_eq!((&read.label, &read.findings), (&same.label, &same.findings));
    }
    assert_eq!((signal(&read[0]).rate_hz, signal(&read[1]).frames()), (100.0, 10));
    assert_eq!(kinds(&read[0]), ["index_column"]);
    // There rows are numbered, here there are no lines.
    assert_eq!((&*read[1].metadata["first_row"], &*same[1].metadata["first_row"]), ("31", "32"));
    assert_eq!(read[0].metadata["format"], "parquet");
    refused(
        "series.parquet",
        &golden("series.parquet"),
        &DecodeOptions::default(),
        "not_a_number",
        "is it the label column?",
    );
}

#[test]
fn what_is_null_is_a_missing_cell() {
    let mut asked = labelled();
    refused(
        "rows.parquet",
        &golden("rows.parquet"),
        &asked,
        "missing_value",
        "row 2, column 1 (`width`) is empty",
    );
    asked.csv.missing = vec!["?".into()];
    let rows = read("rows.parquet", &asked);
    let names: Vec<&str> = signal(&rows[0]).axes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["width", "count", "sold", "colour=blue", "colour=red"]);
    assert_eq!(signal(&rows[0]).values, [1.5, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(signal(&rows[1]).values[1..], [2.0, 0.0, 1.0, 0.0]);
    assert!(signal(&rows[1]).values[0].is_nan() && signal(&rows[3]).values[2].is_nan());
    assert_eq!(
        rows.iter().map(|r| r.label.as_deref()).collect::<Vec<_>>(),
        [Some("a"), Some("b"), None, Some("a")]
    );
    let truth =
        CsvOptions { label_column: Some("sold".into()), missing: vec!["?".into()], ..CsvOptions::default() };
    let rows = read("rows.parquet", &DecodeOptions { csv: truth, ..DecodeOptions::default() });
    assert_eq!(
        rows.iter().map(|r| r.label.as_deref()).collect::<Vec<_>>(),
        [Some("true"), Some("false"), Some("true"), None]
    );
}

#[test]
fn every_type_of_column_is_read_or_told() {
    let columns = ["price", "u32", "u64", "i8", "half", "inner.a"].map(str::to_owned).to_vec();
    let csv = CsvOptions {
        value_columns: Some(columns),
        label_column: Some("large".into()),
        group_column: Some("nanos".into()),
        missing: vec!["?".into()],
        rows_are_samples: Some(true),
        ..CsvOptions::default()
    };
    let rows = read("types.parquet", &DecodeOptions { csv, ..DecodeOptions::default() });
    assert_eq!(
        signal(&rows[0]).values,
        [-12.34, 4_294_967_295.0, 18_446_744_073_709_551_615.0, -128.0, 0.5, 1.0]
    );
    assert_eq!(signal(&rows[1]).values[..5], [0.005, 0.0, 0.0, 127.0, -2.0]);
    assert!(signal(&rows[1]).values[5].is_nan());
    assert_eq!((rows[0].label.as_deref(), rows[1].label.as_deref()), (Some("1e300"), Some("-1e-300")));
    assert_eq!(
        (rows[0].group.as_deref(), rows[1].group.as_deref()),
        (Some("2024-05-06 07:08:09.123456"), None)
    );
    let told: Vec<&str> =
        rows[0].findings.iter().filter(|f| f.kind == "unread_column").map(|f| f.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "column 13 (`list.list.element`) holds lists and was left out",
            "column 14 (`bytes`) holds bytes and was left out"
        ]
    );
    for (column, text) in [
        ("date", "2024-05-06"),
        ("clock", "01:02:03.004"),
        ("millis", "2024-05-06 07:08:09.123"),
        ("inner.b", "x"),
    ] {
        let mut options = labelled();
        options.csv.label_column = Some(column.into());
        options.csv.value_columns = Some(vec!["i8".into()]);
        assert_eq!(read("types.parquet", &options)[0].label.as_deref(), Some(text), "{column}");
    }
}

#[test]
fn times_of_old_writers_are_times() {
    let csv = CsvOptions {
        label_column: Some("nanos".into()),
        value_columns: Some(vec!["1".into()]),
        ..CsvOptions::default()
    };
    let error =
        decode("old.parquet", &golden("old.parquet"), &DecodeOptions { csv, ..DecodeOptions::default() });
    // The only column is a date, which is told with its text.
    assert!(error.is_err_and(|e| e.message.contains("2024-05-06 07:08:09.123456")));
}

#[test]
fn bad_files_are_refused() {
    let plain = DecodeOptions::default();
    refused(
        "zstd.parquet",
        &golden("zstd.parquet"),
        &plain,
        "parquet_compression",
        "`zstd` is not unpacked here; write the file with compression \"snappy\"",
    );
    let whole = golden("rows.parquet");
    refused("a.parquet", &whole[..whole.len() - 1], &plain, "truncated", "`PAR1`");
    refused("a.parquet", b"PAR1", &plain, "truncated", "cut off");
    let mut small = labelled();
    small.limits.max_values = 3;
    refused("rows.parquet", &whole, &small, "too_large", "4 rows");
    let mut damaged = whole.clone();
    damaged[4..60].fill(0xFF);
    assert!(
        decode("a.parquet", &damaged, &plain).is_err_and(|e| e.message.contains("in column 1 (`width`)"))
    );
}
