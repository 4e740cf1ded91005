//! Text tables.

use crate::{kinds, refused, signal};
use edgewright_sample::{CsvOptions, DecodeOptions, Decoded, Limits, TimeUnit, decode};
use std::collections::BTreeMap;

fn with(csv: CsvOptions) -> DecodeOptions {
    DecodeOptions { csv, ..DecodeOptions::default() }
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

#[track_caller]
fn read(text: &str, csv: CsvOptions) -> Vec<Decoded> {
    decode("a.csv", text.as_bytes(), &with(csv)).expect("a good table")
}

/// The table is one time series of this shape: `rate | name[unit] ... | values | findings`.
#[track_caller]
fn check(text: &str, expected: &str) {
    check_with(text, CsvOptions::default(), expected);
}

#[track_caller]
fn check_with(text: &str, csv: CsvOptions, expected: &str) {
    let samples = read(text, csv);
    let shown: Vec<String> = samples.iter().map(show).collect();
    assert_eq!(shown.join("\n"), expected);
}

fn show(decoded: &Decoded) -> String {
    let signal = signal(decoded);
    let axes: Vec<String> = signal.axes.iter().map(|a| format!("{}[{}]", a.name, a.units)).collect();
    let values: Vec<String> = signal.values.iter().map(f32::to_string).collect();
    let labels: Vec<&str> =
        [&decoded.label, &decoded.group].into_iter().flatten().map(String::as_str).collect();
    let mut parts = vec![signal.rate_hz.to_string(), axes.join(" "), values.join(" ")];
    parts.extend(labels.into_iter().map(str::to_owned));
    parts.extend(kinds(decoded).into_iter().map(|k| format!("!{k}")));
    parts.join(" | ")
}

#[track_caller]
fn bad(text: &str, kind: &str, words: &str) {
    refused("a.csv", text.as_bytes(), &DecodeOptions::default(), kind, words);
}

#[test]
fn delimiters_headers_and_line_ends_are_found_out() {
    let expected = "100 | x[] y[] | 1 2 3 4";
    check("timestamp,x,y\n0,1,2\n10,3,4\n", expected);
    check("timestamp;x;y\r\n0;1;2\r\n10;3;4\r\n", expected);
    check("timestamp\tx\ty\r0\t1\t2\r10\t3\t4", expected);
    check("timestamp x  y\n 0 1   2 \n10 3 4\n", expected);
    check("timestamp | x | y\n0 | 1 | 2\n10 | 3 | 4\n", expected);
    check("\u{FEFF}\"timestamp\",\"x\",\"y\"\n\"0\",\"1\",\"2\"\n10, 3 ,4\n", expected);
    check("# made by hand\n\n\ntimestamp,x,y\n# more\n0,1,2\n// and more\n10,3,4\n", expected);
    check("# timestamp x y\n0 1 2\n10 3 4\n", expected);
}

#[test]
fn a_table_without_time_has_no_rate_until_it_is_given() {
    check(
        "0.1, 0.2, 0.3\n0.4, 0.5, 0.6\n",
        "0 | column1[] column2[] column3[] | 0.1 0.2 0.3 0.4 0.5 0.6 | !rate_unknown",
    );
    check("530\n518\n506\n", "0 | value[] | 530 518 506 | !rate_unknown");
    check("hart\n530\n518\n", "0 | hart[] | 530 518 | !rate_unknown");
    let csv = || CsvOptions { rate_hz: Some(50.0), ..CsvOptions::default() };
    check_with("1,2\n3,4\n", csv(), "50 | column1[] column2[] | 1 2 3 4");
    check_with("timestamp,x\n0,1\n10,2\n", csv(), "50 | x[] | 1 2");
}

#[test]
fn one_row_is_a_reading() {
    check("temp,humidity\n21.5,40\n", "0 | temp[] humidity[] | 21.5 40");
    check("21.5,40", "0 | column1[] column2[] | 21.5 40");
}

#[test]
fn units_stand_in_the_header_or_in_the_options() {
    check(
        "timestamp,accX (m/s2),temp [C],rh(%),CO(GT),f(x)\n0,1,2,3,4,5\n10,1,2,3,4,5\n",
        "100 | accX[m/s2] temp[C] rh[%] CO(GT)[] f(x)[] | 1 2 3 4 5 1 2 3 4 5",
    );
    let units = BTreeMap::from([("x".to_owned(), "g".to_owned())]);
    check_with("timestamp,x\n0,1\n10,2\n", CsvOptions { units, ..CsvOptions::default() }, "100 | x[g] | 1 2");
}

#[test]
fn decimal_commas_are_numbers_where_a_comma_cannot_divide() {
    check("timestamp;x\n0;1,5\n10;-2,25\n", "100 | x[] | 1.5 -2.25");
    check("timestamp,x\n0,\"1,5\"\n10,\"2\"\n", "100 | x[] | 1.5 2");
    check("timestamp x\n0 1,5\n10 2,5\n", "100 | x[] | 1.5 2.5");
    bad("timestamp;x;y\n0;1,234;2.5\n10;2;3\n", "decimal_mark", "row 2, column 2 (`x`): `1,234`");
    bad("timestamp;x\n0;1.234,5\n10;2\n", "not_a_number", "row 2, column 2 (`x`): `1.234,5`");
}

#[test]
fn times_are_recognised_in_every_common_form() {
    let rate = |text: &str| signal(&read(text, CsvOptions::default())[0]).rate_hz;
    assert_eq!(rate("time_ms,x\n0,1\n20,2\n40,3\n"), 50.0);
    assert_eq!(rate("time (s),x\n0,1\n0.02,2\n0.04,3\n"), 50.0);
    assert_eq!(rate("time_us,x\n0,1\n20000,2\n40000,3\n"), 50.0);
    assert_eq!(rate("timestamp [ns],x\n0,1\n20000000,2\n40000000,3\n"), 50.0);
    assert_eq!(rate("millis,x\n0,1\n20,2\n40,3\n"), 50.0);
    assert_eq!(rate("x,timestamp\n1,1000\n2,1020\n"), 50.0);
    assert_eq!(rate("timestamp,x\n1700000000000,1\n1700000000020,2\n"), 50.0);
    assert_eq!(rate("epoch,x\n1700000000.00,1\n1700000000.5,2\n"), 2.0);
    assert_eq!(rate("datetime,x\n2024-02-28 23:59:59,1\n2024-02-29 00:00:00,2\n"), 1.0);
    assert_eq!(rate("date,x\n2024-02-28T23:59:59.990Z,1\n2024-02-29T00:00:00Z,2\n"), 100.0);
    assert_eq!(rate("time,x\n2024-02-29T01:00:00+01:00,1\n2024-02-29T00:00:04+00:00,2\n"), 0.25);
    assert_eq!(rate("2023/12/31 23:59,1\n2024/01/01 00:00,2\n"), round(1.0 / 60.0));
    assert_eq!(rate("Date;Time;x\n31/12/2023;23.00;1\n01/01/2024;00.00;2\n"), round(1.0 / 3600.0));
    assert_eq!(rate("date,time,x\n12/31/2023,23:59:59.5,1\n01/01/2024,00:00:00.5,2\n"), 1.0);
    assert_eq!(rate("day,x\n1,1\n2,2\n"), 0.0);
    assert_eq!(rate("T,x\n1,1\n2,2\n"), 0.0);
    // A name alone makes no time: values that fall are a quantity.
    assert_eq!(rate("time,x\n5,1\n3,2\n1,2\n"), 0.0);
}

fn round(rate: f64) -> f64 {
    format!("{rate:.8e}").parse().expect("a number")
}

#[test]
fn guessed_units_are_told() {
    check("t,x\n0,1\n0.01,2\n", "100 | x[] | 1 2 | !time_unit_guessed");
    check("time,x\n0,1\n10,2\n", "100 | x[] | 1 2 | !time_unit_guessed");
    // Milliseconds as a rule, but not a thousand readings in four of them.
    check("timestamp,x\n0,1\n0.01,2\n0.02,3\n", "100 | x[] | 1 2 3 | !time_unit_guessed");
    let csv = CsvOptions { time_unit: Some(TimeUnit::Seconds), ..CsvOptions::default() };
    check_with("time,x\n0,1\n10,2\n", csv, "0.1 | x[] | 1 2");
    let csv = CsvOptions {
        time_column: some("k"),
        time_unit: Some(TimeUnit::Milliseconds),
        ..CsvOptions::default()
    };
    check_with("k,x\n0,1\n10,2\n", csv, "100 | x[] | 1 2");
}

/// A clock of whole milliseconds at 104 Hz.
#[test]
fn a_clock_that_does_not_go_forward_is_no_axis() {
    check("timestamp,x\n5,1\n5,2\n5,3\n", "0 | x[] | 1 2 3 | !time_stopped | !rate_unknown");
    check("x,time_ms\n1,30\n2,20\n3,10\n", "0 | x[] | 1 2 3 | !time_stopped | !rate_unknown");
    // A temperature, and what somebody asks for.
    check("t [C],x\n30,1\n20,2\n10,3\n", "0 | t[C] x[] | 30 1 20 2 10 3 | !rate_unknown");
    let csv = CsvOptions { value_columns: Some(vec!["time".into(), "x".into()]), ..CsvOptions::default() };
    check_with("time,x\n3,1\n2,2\n1,3\n", csv, "0 | time[] x[] | 3 1 2 2 1 3 | !rate_unknown");
    // Beside a label the rows are samples, and how long something took tells of it.
    let csv = CsvOptions { label_column: some("y"), ..CsvOptions::default() };
    check_with("time,x,y\n3,1,a\n2,2,a\n", csv, "0 | time[] x[] | 3 1 | a\n0 | time[] x[] | 2 2 | a");
}

#[test]
fn a_rounded_clock_gives_the_true_rate() {
    let rows: String = (0..1041).map(|i| format!("{},1\n", (i as f64 * 1000.0 / 104.0).round())).collect();
    let samples = read(&format!("timestamp,x\n{rows}"), CsvOptions::default());
    assert!((signal(&samples[0]).rate_hz - 104.0).abs() < 0.02, "{}", signal(&samples[0]).rate_hz);
    assert_eq!(kinds(&samples[0]), [""; 0]);
}

#[test]
fn an_odd_clock_is_told_with_the_row() {
    let table = |times: &[f64]| {
        times.iter().map(|t| format!("{t},1\n")).fold("timestamp,x\n".to_owned(), |a, b| a + &b)
    };
    let finding = |times: &[f64]| {
        let samples = read(&table(times), CsvOptions::default());
        let found =
            samples[0].findings.iter().map(|f| format!("{}: {}", f.kind, f.message)).collect::<Vec<_>>();
        (signal(&samples[0]).rate_hz, found.join("; "))
    };
    let even: Vec<f64> = (0..100).map(|i| f64::from(i) * 10.0).collect();
    assert_eq!(finding(&even), (100.0, String::new()));
    let gap: Vec<f64> = even.iter().map(|t| if *t >= 500.0 { t + 70.0 } else { *t }).collect();
    let (rate, text) = finding(&gap);
    assert_eq!(rate, 100.0);
    assert_eq!(
        text,
        "clock_gap: 1 gaps in time, the first of 80 ms before row 52, the longest of 80 ms (the usual step is 10 ms)"
    );
    let back: Vec<f64> = even.iter().map(|t| if *t >= 500.0 { t - 30.0 } else { *t }).collect();
    let (rate, text) = finding(&back);
    assert_eq!(rate, 100.0);
    assert_eq!(text, "clock_backwards: the clock goes back 1 times, first by 20 ms at row 52");
    let uneven: Vec<f64> = even.iter().enumerate().map(|(i, t)| t + [0.0, 1.5, -1.7][i % 3]).collect();
    let (_, text) = finding(&uneven);
    assert!(text.starts_with("clock_uneven: 100.0 %"), "{text}");
    let coarse: Vec<f64> = even.iter().map(|t| (t / 16.0).floor() * 16.0).collect();
    let (rate, text) = finding(&coarse);
    // Both ends are rounded by up to one tick of 16 ms in 990.
    assert!((rate - 100.0).abs() < 1.7 && text.starts_with("clock_uneven: times repeat"), "{rate} {text}");
    assert_eq!(finding(&[5.0, 5.0, 5.0]).0, 0.0);
}

#[test]
fn rows_become_samples_with_label_and_group() {
    let text = "size,weight,kind,site\n1,2,cat,a\n3,4,dog,b\n";
    let csv = CsvOptions { label_column: some("kind"), group_column: some("site"), ..CsvOptions::default() };
    check_with(text, csv, "0 | size[] weight[] | 1 2 | cat | a\n0 | size[] weight[] | 3 4 | dog | b");
    let csv = CsvOptions { rows_are_samples: Some(true), ..CsvOptions::default() };
    check_with("timestamp,x\n0,1\n10,2\n", csv, "0 | x[] | 1\n0 | x[] | 2");
    let csv = CsvOptions {
        label_column: some("3"),
        value_columns: Some(vec!["2".into()]),
        ..CsvOptions::default()
    };
    let samples = read("1,2,cat\n3,4,dog\n", csv);
    assert_eq!(
        samples.iter().map(show).collect::<Vec<_>>(),
        ["0 | column2[] | 2 | cat", "0 | column2[] | 4 | dog"]
    );
    assert_eq!(samples[1].metadata["row"], "2");
}

#[test]
fn a_missing_value_is_nan_where_the_user_says_what_stands_for_it() {
    let text = "Date;CO;T;state\n10/03/2004;2,6;13,6;on\n11/03/2004;-200;13,3;on\n12/03/2004;;13,0;off\n13/03/2004;-200,0;1;off\n14/03/2004;2,2;11,9;off\n";
    let csv = |missing: &[&str], rows| CsvOptions {
        label_column: some("state"),
        rows_are_samples: Some(rows),
        missing: missing.iter().map(|m| (*m).to_owned()).collect(),
        ..CsvOptions::default()
    };
    let samples = read(text, csv(&["-200"], true));
    let shown: Vec<String> = samples.iter().map(show).collect();
    assert_eq!(
        shown,
        [
            "0 | CO[] T[] | 2.6 13.6 | on | !incomplete_rows",
            "0 | CO[] T[] | NaN 13.3 | on",
            "0 | CO[] T[] | NaN 13 | off",
            "0 | CO[] T[] | NaN 1 | off",
            "0 | CO[] T[] | 2.2 11.9 | off"
        ]
    );
    assert!(
        samples[0].findings[0].message.contains("3 rows, the first is row 3"),
        "{:?}",
        samples[0].findings
    );
    let labels = CsvOptions { label_column: some("CO"), ..csv(&["-200"], true) };
    let labels: Vec<_> =
        read(text.replace("state", "S").replace(";on", ";1").replace(";off", ";0").as_str(), labels)
            .iter()
            .map(|s| s.label.clone())
            .collect();
    assert_eq!(labels, [some("2.6"), None, None, None, some("2.2")]);
    // A gap in a time series, and one of which nobody spoke, are refused.
    for refused in [csv(&["-200"], false), csv(&[], true)] {
        let error = decode("a.csv", text.as_bytes(), &with(refused)).expect_err("refused");
        assert_eq!(error.kind, "missing_value");
    }
}

#[test]
fn a_row_that_cannot_be_used_is_left_out_of_many() {
    let text = |bad: &[usize]| {
        let row = |n: usize| match (bad.contains(&n), n % 2) {
            (true, 0) => format!("{n},,a\n"),
            (true, _) => format!("{n},oops,a\n"),
            (false, _) => format!("{n},{}.5,b\n", n * n),
        };
        format!("x,y,kind\n{}", (0..30).map(row).collect::<String>())
    };
    let csv = || CsvOptions { label_column: some("kind"), ..CsvOptions::default() };
    let samples = read(&text(&[4, 7]), csv());
    assert_eq!(samples.len(), 28);
    assert_eq!(show(&samples[4]), "0 | x[] y[] | 5 25.5 | b");
    assert_eq!(samples[4].metadata["row"], "7");
    let told = &samples[0].findings[0];
    assert_eq!(told.kind, "rows_left_out");
    assert!(
        told.message.contains("2 rows") && told.message.contains("row 6, column 2 (`y`) is empty"),
        "{told:?}"
    );
    // Where many are so, the table is read wrongly; in a series every row has its time.
    for (bad, csv) in
        [(&[1, 2, 3, 4][..], csv()), (&[4], CsvOptions { rows_are_samples: Some(false), ..csv() })]
    {
        let error = decode("a.csv", text(bad).as_bytes(), &with(csv)).expect_err("refused");
        assert!(error.message.contains("column 2 (`y`)"), "{error}");
    }
}

#[test]
fn a_series_is_cut_where_label_or_group_change() {
    let text = "timestamp,x,state,run\n0,1,on,1\n10,2,on,1\n20,3,off,1\n30,4,off,1\n0,5,off,2\n10,6,off,2\n";
    let csv = CsvOptions { label_column: some("state"), group_column: some("run"), ..CsvOptions::default() };
    let samples = read(text, csv);
    let shown: Vec<String> = samples.iter().map(show).collect();
    assert_eq!(shown, ["100 | x[] | 1 2 | on | 1", "100 | x[] | 3 4 | off | 1", "100 | x[] | 5 6 | off | 2"]);
    assert_eq!(
        (samples[1].metadata["first_row"].as_str(), samples[1].metadata["last_row"].as_str()),
        ("4", "5")
    );
}

/// The header has one name fewer than the rows have cells.
#[test]
fn an_unnamed_first_column_is_a_row_number() {
    let text = "\"date\",\"temp\",\"on\"\n\"1\",\"2015-02-04 17:51:00\",23.18,1\n\"2\",\"2015-02-04 17:52:00\",23.15,0\n";
    let expected = format!("{} | temp[] on[] | 23.18 1 23.15 0 | !index_column", round(1.0 / 60.0));
    check(text, &expected);
    check(",timestamp,x\n0,0,5\n1,10,6\n", "100 | x[] | 5 6 | !index_column");
    check(",timestamp,x\n7,0,5\n1,10,6\n", "100 | x[] | 5 6 | !index_column");
    check(",timestamp,x\n7,0,5\n7,10,6\n", "100 | column1[] x[] | 7 5 7 6");
}

#[test]
fn empty_columns_and_rows_at_the_end_are_left_out() {
    let text = "Date;Time;CO(GT);T;;\n10/03/2004;18.00;2.6;13.6;;\n13/03/2004;18.00;2;13.3;;\n;;;;;\n;;;;;\n";
    let rate = round(1.0 / (3.0 * 86400.0));
    let samples = read(text, CsvOptions::default());
    assert_eq!(
        show(&samples[0]),
        format!("{rate} | CO(GT)[] T[] | 2.6 13.6 2 13.3 | !empty_rows | !empty_columns")
    );
    assert!(samples[0].findings[0].message.starts_with("2 rows"), "{:?}", samples[0].findings);
    check("1,2,\n3,4,\n", "0 | column1[] column2[] | 1 2 3 4 | !empty_columns | !rate_unknown");
    check("timestamp,x\n0,1,\n10,2,\n", "100 | x[] | 1 2 | !empty_columns");
}

#[test]
fn rows_are_numbered_as_in_an_editor() {
    bad("timestamp,x\n0,1\n10,abc\n", "not_a_number", "row 3, column 2 (`x`): `abc`");
    bad("# note\n\ntimestamp,x\r\n0,1\r\n\r\n10,\r\n", "missing_value", "row 6, column 2 (`x`) is empty");
    bad("timestamp,x,\"long\nname\"\n0,1,2\n10,,4\n", "missing_value", "row 4, column 2 (`x`)");
    bad("1 2\n3 4\n5\n", "column_count", "row 3 has 1 cells, 2 are expected");
    bad("timestamp,x\n0,1\n10,2,3\n20,4\n", "column_count", "row 3 has 3 cells, 2 are expected");
    bad("a,b\n1,2\n3,NaN\n", "not_finite", "row 3, column 2 (`b`): `NaN`");
    bad("a,b\n1,2\n-inf,3\n", "not_finite", "row 3, column 1 (`a`): `-inf`");
    bad("a,b\n1,2\n1e39,3\n", "not_finite", "row 3, column 1 (`a`): `1e39`");
    bad("a,b\n1,2\nNA,3\n", "missing_value", "row 3, column 1 (`a`): `NA`");
    bad("a;b\n1;2\n;\n3;4\n", "missing_value", "row 3 is empty, rows with values follow (row 4)");
    bad("timestamp,x\n0,1\nnoon,2\n20,3\n", "not_a_number", "row 3, column 1 (`timestamp`): `noon`");
    bad(
        "date,x\n2024-01-01 00:00:00,1\n2024-01-01 00:00:01,1\nx,2\n",
        "time",
        "row 4, column 1 (`date`): `x`",
    );
    bad("a,b\n1,\"2\n3,4\n", "quote", "row 2: a quote is opened");
    bad("size,kind\n1,cat\n2,dog\n", "not_a_number", "`cat` is not a number; is it the label column?");
    check("x\n1\n\n2\n", "0 | x[] | 1 2 | !blank_lines | !rate_unknown");
}

/// Rows behind those that tell the layout.
#[test]
fn late_faults_are_found() {
    let rows = |last: &str| {
        (0..500).map(|i| format!("2024-01-01 00:{:02}:{:02},{i}\n", i / 60, i % 60)).collect::<String>()
            + last
    };
    bad(&format!("date,x\n{}", rows("2024-01-32 00:00:00,1\n")), "time", "row 502, column 1 (`date`)");
    bad(&format!("date,x\n{}", rows("2024-01-02 00:00:00,1,5\n")), "column_count", "row 502");
    bad(
        &format!("date,x,\n{}", rows("").replace('\n', ",\n") + "2024-01-02 00:00:00,1,5\n"),
        "column_count",
        "row 502, column 3",
    );
}

#[test]
fn what_is_no_table_is_refused() {
    bad("", "empty", "0 bytes");
    bad("\n\n", "empty", "no rows");
    bad("a,b\n", "empty", "a header and no rows");
    bad("1,2\u{0}\n", "encoding", "byte 3 (0x00)");
    refused("a.csv", b"\xFF\xFEa\0b", &DecodeOptions::default(), "encoding", "UTF-16");
    refused("a.csv", b"\xFF\xFE\x00\xD8a\0", &DecodeOptions::default(), "encoding", "UTF-16");
    refused("a.csv", b"\xFE\xFF\0a\0\x01", &DecodeOptions::default(), "encoding", "character 1");
    bad("timestamp\n0\n10\n", "no_values", "no column is left");
    bad("x,x\n1,2\n3,4\n", "duplicate_column", "`x`");
    let csv = CsvOptions { label_column: some("kind"), ..CsvOptions::default() };
    refused("a.csv", b"a,b\n1,2\n", &with(csv), "unknown_column", "no column `kind` for the label (a, b)");
    let csv = CsvOptions { rate_hz: Some(0.0), ..CsvOptions::default() };
    refused("a.csv", b"a,b\n1,2\n", &with(csv), "options", "0 Hz");
    let limits = Limits { max_values: 3, ..Limits::default() };
    refused(
        "a.csv",
        b"a,b\n1,2\n3,4\n",
        &DecodeOptions { limits, ..DecodeOptions::default() },
        "too_large",
        "row 3",
    );
}

#[test]
fn a_row_of_delimiters_is_refused_before_it_fills_the_memory() {
    bad(&",".repeat(70_000), "too_large", "row 1 has more than 65536 cells");
    let csv = CsvOptions { delimiter: Some(';'), ..CsvOptions::default() };
    let text = format!("\"a\"{}", ";".repeat(70_000));
    refused("a.csv", text.as_bytes(), &with(csv), "too_large", "row 1 has more than 65536 cells");
}

#[test]
fn latin_1_is_read_and_told() {
    let samples = decode("a.csv", b"timestamp,t [\xB0C]\n0,1\n10,2\n", &DecodeOptions::default())
        .expect("a good table");
    assert_eq!(show(&samples[0]), "100 | t[°C] | 1 2 | !encoding");
}

#[test]
fn a_number_is_one_label_however_it_is_written() {
    let labels = |text: &str| {
        let csv = CsvOptions { label_column: Some("y".into()), ..CsvOptions::default() };
        let rows = decode("a.csv", text.as_bytes(), &DecodeOptions { csv, ..DecodeOptions::default() });
        let rows = rows.expect("a good table");
        let told: Vec<String> =
            rows[0].findings.iter().filter(|f| f.kind == "label_number").map(|f| f.message.clone()).collect();
        (rows.into_iter().map(|r| r.label.unwrap_or_default()).collect::<Vec<_>>(), told)
    };
    let (found, told) = labels("x,y\n1,1\n2,1.0\n3,-2.00\n4,2.50\n5,v1.0\n6,007\n");
    assert_eq!(found, ["1", "1", "-2", "2.50", "v1.0", "007"]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("row 3, column 2 (`y`): the label `1.0` is called `1`"), "{told:?}");
    assert_eq!(labels("x,y\n1,\"1,234\"\n2,\"12,000\"\n3,7\n").0, ["1234", "12000", "7"]);
    assert_eq!(labels("x;y\n1;1,5\n2;2,25\n").0, ["1.5", "2.25"]);
    // Two names, or a number that nothing tells from them.
    assert_eq!(labels("x,y\n1,\"1,2\"\n2,\"2,3\"\n").0, ["1,2", "2,3"]);
    assert_eq!(labels("x,y\n1,a\n2,b\n").1, [""; 0]);
}

#[test]
fn days_of_a_spreadsheet_and_the_axis_of_labview_are_times() {
    let of = |header: &str, rows: &[f64]| {
        let rows: String = rows.iter().map(|t| format!("{t:.10},1\n")).collect();
        let samples = decode("a.csv", format!("{header},x\n{rows}").as_bytes(), &DecodeOptions::default());
        samples.expect("a good table").remove(0)
    };
    let days = |step: f64| (0..20).map(|i| 45_292.5 + f64::from(i) * step / 86_400.0).collect::<Vec<_>>();
    for (header, step) in [("Date", 1.0), ("Time", 1.0), ("datetime", 60.0), ("Date/Time", 3600.0)] {
        let sample = of(header, &days(step));
        let rate = signal(&sample).rate_hz;
        assert!((rate * step - 1.0).abs() < 1e-4, "{header} {step}: {rate}");
        assert!(sample.findings.iter().any(|f| f.message.contains("days of a spreadsheet")), "{header}");
    }
    // A clock of seconds that began half a day ago.
    let seconds: Vec<f64> = (0..20).map(|i| 45_292.5 + f64::from(i) * 0.01).collect();
    assert_eq!(signal(&of("time", &seconds)).rate_hz, 100.0);
    let lab: Vec<f64> = (0..20).map(|i| f64::from(i) * 0.001).collect();
    assert_eq!(signal(&of("X_Value", &lab)).rate_hz, 1000.0);
    assert_eq!(kinds(&of("X_Value", &lab)), ["time_column"]);
    // What does not run like a clock is a value of x.
    let rate = CsvOptions { rate_hz: Some(10.0), ..CsvOptions::default() };
    let options = DecodeOptions { csv: rate, ..DecodeOptions::default() };
    let samples = decode("a.csv", b"X_Value,Y_Value\n3,1\n1,2\n2,5\n7,1\n", &options).expect("a good table");
    assert_eq!(signal(&samples[0]).axes.len(), 2);
}
