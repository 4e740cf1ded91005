//! Tables as other people's tools write them: thousands with commas, row numbers, clocks and dates under many names.

use crate::{kinds, refused, signal};
use edgewright_sample::{CsvOptions, DecodeOptions, Decoded, decode};

#[track_caller]
fn read(text: &str, csv: CsvOptions) -> Vec<Decoded> {
    decode("a.csv", text.as_bytes(), &DecodeOptions { csv, ..DecodeOptions::default() })
        .expect("a good table")
}

/// `rate | axes | values of all samples | findings of the first`.
#[track_caller]
fn seen(text: &str, csv: CsvOptions) -> String {
    let samples = read(text, csv);
    let first = signal(&samples[0]);
    let axes: Vec<&str> = first.axes.iter().map(|a| a.name.as_str()).collect();
    let values: Vec<String> =
        samples.iter().flat_map(|s| signal(s).values.iter().map(f32::to_string)).collect();
    let told: String = kinds(&samples[0]).iter().map(|k| format!(" !{k}")).collect();
    format!("{} | {} | {}{told}", first.rate_hz, axes.join(" "), values.join(" "))
}

fn labelled() -> CsvOptions {
    CsvOptions { label_column: Some("y".into()), ..CsvOptions::default() }
}

fn keep(name: &str) -> CsvOptions {
    CsvOptions { keep: vec![name.into(), "nobody has it".into()], ..CsvOptions::default() }
}

#[test]
fn a_comma_before_three_digits_divides_thousands_until_a_cell_says_otherwise() {
    let houses = "sqft,price,y\n\"1,441\",623,a\n900,444,b\n\"12,061\",793,b\n";
    let samples = read(houses, labelled());
    assert_eq!(signal(&samples[0]).values, [1441.0, 623.0]);
    assert_eq!(signal(&samples[1]).values, [900.0, 444.0]);
    assert_eq!(signal(&samples[2]).values, [12061.0, 793.0]);
    let told = &samples[0].findings[0];
    assert_eq!(told.kind, "thousands");
    assert!(
        told.message
            .starts_with("row 2, column 1 (`sqft`): `1,441` was read as 1441, and so were 1 more cells"),
        "{}",
        told.message
    );
    // One cell that can be nothing else makes all of them decimal, wherever it stands.
    assert_eq!(seen("a,b\n\"1,234\",900\n\"1,5\",7\n", keep("")), "0 | a b | 1.234 900 1.5 7 !rate_unknown");
    assert_eq!(
        seen("a,b\n\"1,234\",900\n\"0,125\",7\n", keep("")),
        "0 | a b | 1.234 900 0.125 7 !rate_unknown"
    );
    // Several groups and a dot behind them say it themselves.
    let text = "a,b\n\"1,234,567\",0.5\n\"-1,234.25\",7\n";
    assert_eq!(seen(text, keep("")), "0 | a b | 1234567 0.5 -1234.25 7 !rate_unknown");
    assert_eq!(seen("a;b\n1,234.5;2\n7;3\n", keep("")), "0 | a b | 1234.5 2 7 3 !rate_unknown");
    // Both in one table, and what settles it.
    let both = "a,b\n\"1,5\",1\n\"1,234.5\",2\n";
    refused(
        "a.csv",
        both.as_bytes(),
        &DecodeOptions::default(),
        "decimal_mark",
        "row 2, column 1 (`a`): `1,5`",
    );
    refused("a.csv", both.as_bytes(), &DecodeOptions::default(), "decimal_mark", "`decimal = \".\"`");
    let decimal = |mark| CsvOptions { decimal: Some(mark), ..CsvOptions::default() };
    assert_eq!(seen("a;b\n1,234;2.5\n7;3\n", decimal('.')), "0 | a b | 1234 2.5 7 3 !rate_unknown");
    assert_eq!(seen("a;b\n1,25;2.500\n7;3\n", decimal(',')), "0 | a b | 1.25 2500 7 3 !rate_unknown");
    assert_eq!(
        seen("a,b\n\"1,234\",900\n\"2,345\",7\n", decimal(',')),
        "0 | a b | 1.234 900 2.345 7 !rate_unknown"
    );
    let wrong = |mark| DecodeOptions { csv: decimal(mark), ..DecodeOptions::default() };
    refused("a.csv", b"a;b\n1,5;2\n7;3\n", &wrong('.'), "not_a_number", "`1,5` is not a number where a dot");
    refused(
        "a.csv",
        b"a;b\n1.5;2\n7;3\n",
        &wrong(','),
        "not_a_number",
        "`1.5` is not a number where a comma",
    );
    refused("a.csv", b"a;b\n1,5;2\n7;3\n", &wrong('x'), "options", "`x` is no decimal mark");
}

#[test]
fn columns_that_number_rows_are_no_values() {
    for name in ["", "Unnamed: 0", "index", "Id", "id", "ID"] {
        // In order, shuffled, and with gaps.
        for ids in [["0", "1", "2"], ["14", "98", "75"], ["3.0", "9.0", "4.0"]] {
            let text = format!("{name},x,y\n{},1,a\n{},2,b\n{},3,a\n", ids[0], ids[1], ids[2]);
            assert_eq!(seen(&text, labelled()), "0 | x | 1 2 3 !index_column", "{text}");
        }
    }
    for name in ["sample", "frame", "No.", "Sample No", "row_number", "PacketCounter"] {
        let text = format!("{name},x\n5,1\n6,2\n9,3\n");
        assert_eq!(seen(&text, CsvOptions::default()), "0 | x | 1 2 3 !index_column !rate_unknown", "{name}");
        let same = format!("{name},x\n5,1\n5,2\n9,3\n");
        assert!(seen(&same, CsvOptions::default()).starts_with("0 | "), "{name}");
        assert!(!seen(&same, CsvOptions::default()).contains("index_column"), "{name}");
    }
    // A name that ends so tells of passengers, until they count.
    assert_eq!(seen("PassengerId,x,y\n3,1,a\n1,2,b\n2,3,a\n", labelled()), "0 | x | 1 2 3 !index_column");
    assert_eq!(seen("SensorId,x,y\n3,1,a\n1,2,b\n7,3,a\n", labelled()), "0 | SensorId x | 3 1 1 2 7 3");
    // Values that fall, fractions, a gas, and the only column are values.
    for (text, axes) in [
        ("sample,x\n9,1\n6,2\n5,3\n", "sample x"),
        ("id,x\n0.5,1\n1.5,2\n2.5,3\n", "id x"),
        ("id,x\n1,1\n2.5,2\n3,3\n", "id x"),
        ("NO,x\n1,1\n2,2\n3,3\n", "NO x"),
        ("sample\n1\n2\n3\n", "sample"),
        ("valid,x\n1,1\n2,2\n3,3\n", "valid x"),
    ] {
        let told = seen(text, CsvOptions::default());
        assert!(told.starts_with(&format!("0 | {axes} | ")), "{told}");
    }
    // The whole column is looked at, and what somebody asks for stays.
    let late: String = (0..500).map(|i| format!("{},1\n", i.min(498))).collect();
    assert!(seen(&format!("id,x\n{late}"), CsvOptions::default()).starts_with("0 | id x"));
    assert!(seen("Id,x\n1,1\n2,2\n", keep("id")).starts_with("0 | Id x"));
    let csv = CsvOptions { value_columns: Some(vec!["Id".into(), "x".into()]), ..CsvOptions::default() };
    assert!(seen("Id,x\n1,1\n2,2\n", csv).starts_with("0 | Id x"));
    let told = read(",x,y\n7,1,a\n5,2,b\n", labelled());
    assert_eq!(
        told[0].findings[0].message,
        "the first column, which has no name, numbers the rows and was left out; `keep = [\"column1\"]` under [tables] keeps it as values"
    );
    assert!(seen(",x\n7,1\n5,2\n", keep("column1")).starts_with("0 | column1 x"));
}

/// Rows at 50 Hz whose time is written by `time` of the row.
fn table(name: &str, rows: usize, time: impl Fn(usize) -> String) -> String {
    (0..rows).fold(format!("{name},x\n"), |text, i| text + &format!("{},1\n", time(i)))
}

#[test]
fn clocks_under_other_names_are_the_time_where_they_run_like_one() {
    let millis = |i: usize| (i * 20).to_string();
    let seconds = |i: usize| format!("{:.2}", i as f64 * 0.02);
    for (name, text) in [
        ("t_ms", table("t_ms", 9, millis)),
        ("tms", table("tms", 9, millis)),
        ("Time(ms)", table("Time(ms)", 9, millis)),
        ("micros()", table("micros()", 9, |i| (i * 20_000).to_string())),
        ("Zeit [s]", table("Zeit [s]", 9, seconds)),
        ("Zeit", table("Zeit", 9, seconds)),
        ("t_s", table("t_s", 9, seconds)),
        ("time_stamp", table("time_stamp", 9, seconds)),
        ("TimeStamp", table("TimeStamp", 9, seconds)),
        ("ElapsedTime", table("ElapsedTime", 9, seconds)),
        ("seconds_elapsed", table("seconds_elapsed", 9, seconds)),
        ("Time / s", table("Time / s", 9, seconds)),
        ("unix_ts", table("unix_ts", 9, seconds)),
        ("relative_time", table("relative_time", 9, seconds)),
        ("TimeSec", table("TimeSec", 9, seconds)),
    ] {
        let told = seen(&text, CsvOptions::default());
        assert!(told.starts_with("50 | x | 1 1"), "{name}: {told}");
        assert!(!seen(&text, keep(name)).starts_with("50"), "{name}");
    }
    let told = read(&table("t_ms", 9, millis), CsvOptions::default());
    assert!(told[0].findings[0].message.starts_with("column 1 (`t_ms`) was taken as the time;"), "{told:?}");
    // What rises by leaps, and what only sounds like a clock.
    assert!(
        seen("time_stamp,x\n0,1\n1,2\n90,3\n91,4\n500,5\n", CsvOptions::default())
            .starts_with("0 | time_stamp x")
    );
    for name in ["T_s", "time to failure", "lifetime", "timely", "start_time"] {
        let told = seen(&table(name, 9, millis), CsvOptions::default());
        assert!(told.starts_with(&format!("0 | {name} x")), "{told}");
    }
    // A second clock, as phones write one.
    let phone = "time,seconds_elapsed,z\n1700000000000000000,0.5,1\n1700000000020000000,0.52,2\n1700000000040000000,0.54,3\n";
    assert_eq!(seen(phone, CsvOptions::default()), "50 | z | 1 2 3 !second_clock");
    assert!(seen(phone, keep("seconds_elapsed")).starts_with("50 | seconds_elapsed z"));
}

#[test]
fn a_clock_of_whole_seconds_is_counted_from_tick_to_tick() {
    // The first and the last second are not whole.
    let text = table("timestamp", 173, |i| (1_700_000_000 + (i + 31) / 50).to_string());
    let samples = read(&text, CsvOptions::default());
    assert_eq!(signal(&samples[0]).rate_hz, 50.0);
    let told: Vec<&str> = samples[0].findings.iter().map(|f| f.message.as_str()).collect();
    assert!(told.iter().any(|m| m.contains("the rate 50 Hz was counted from tick to tick")), "{told:?}");
    let text = table("time", 173, |i| format!("2024-03-31 12:59:{:02}", 50 + (i + 31) / 50));
    assert_eq!(signal(&read(&text, CsvOptions::default())[0]).rate_hz, 50.0);
    // A gap between seconds.
    let text = table("time", 300, |i| {
        format!("2024-03-31 12:59:{:02}", (i + 31) / 50 + if i > 140 { 9 } else { 0 })
    });
    assert_eq!(signal(&read(&text, CsvOptions::default())[0]).rate_hz, 50.0);
    // Two parts of seconds tell nothing.
    let samples = read(&table("time", 60, |i| format!("12:59:0{}", (i + 31) / 50)), CsvOptions::default());
    assert_eq!(signal(&samples[0]).rate_hz, 0.0);
    assert!(samples[0].findings.iter().any(|f| f.message.contains("ticks too rarely")), "{samples:?}");
}

#[test]
fn times_are_read_as_people_write_them() {
    // 20 ms apart, over the end of a minute.
    type Written = fn(u32, u32, u32) -> String;
    let forms: [(&str, Written); 13] = [
        ("time", |m, s, ms| format!("12:{m:02}:{s:02}.{ms:03}")),
        ("time", |m, s, ms| format!("31.03.24 12:{m:02}:{s:02}.{ms:03}")),
        ("Zeit", |m, s, ms| format!("31.03.2024 12:{m:02}:{s:02}.{ms:03}")),
        ("time", |m, s, ms| format!("2024-03-31 12:{m:02}:{s:02}.{ms:03} UTC")),
        ("time", |m, s, ms| format!("2024-03-31 12:{m:02}:{s:02}:{ms:03}")),
        ("time_utc", |m, s, ms| format!("20240331T12{m:02}{s:02}.{ms:03}Z")),
        ("local_time", |m, s, ms| format!("2024-03-31T12:{m:02}:{s:02}.{ms:03}+02:00")),
        ("recorded_at", |m, s, ms| format!("3/31/2024 12:{m:02}:{s:02}.{ms:03} PM")),
        ("created_at", |m, s, ms| format!("31-Mar-2024 12:{m:02}:{s:02}.{ms:03}")),
        ("when", |m, s, ms| format!("March 31 2024 12:{m:02}:{s:02}.{ms:03}")),
        ("time", |m, s, ms| format!("Sun Mar 31 12:{m:02}:{s:02}.{ms:03} 2024")),
        ("time", |m, s, ms| format!("31 Mar 2024 12:{m:02}:{s:02}.{ms:03} PM")),
        ("elapsed", |m, s, ms| format!("00:{m:02}:{s:02}.{ms:03}")),
    ];
    for (name, write) in forms {
        let text = table(name, 200, |i| {
            let ms = i as u32 * 20 + 58_000;
            write(7 + ms / 60_000, ms / 1000 % 60, ms % 1000)
        });
        let told = seen(&text, CsvOptions::default());
        assert!(told.starts_with("50 | x | 1"), "{}: {told}", text.lines().nth(1).unwrap_or(""));
    }
    let rate = |text: &str| signal(&read(text, CsvOptions::default())[0]).rate_hz;
    // Over midnight, over noon, over the end of a month and of a century of two digits.
    assert_eq!(rate("time,x\n23:59:58,1\n23:59:59,2\n00:00:00,3\n00:00:01,4\n"), 1.0);
    assert_eq!(rate("time,x\n1/2/2024 11:59:59 AM,1\n1/2/2024 12:00:00 PM,2\n1/2/2024 12:00:01 PM,3\n"), 1.0);
    assert_eq!(rate("time,x\n12:59:58 AM,1\n12:59:59 AM,2\n1:00:00 AM,3\n"), 1.0);
    assert_eq!(rate("time,x\n31.12.99 23:59:59,1\n01.01.00 00:00:00,2\n01.01.00 00:00:01,3\n"), 1.0);
    assert_eq!(rate("time,x\n28-Feb-24 23:59:59,1\n29-Feb-24 00:00:00,2\n"), 1.0);
    let bad = |text: &str, words: &str| {
        refused("a.csv", text.as_bytes(), &DecodeOptions::default(), "time", words);
    };
    bad("time,x\n1:00:00 PM,1\n2:00:00 PM,2\n13:00:00 PM,3\n", "row 4, column 1 (`time`): `13:00:00 PM`");
    bad("time,x\n1-Feb-24 1:00,1\n1-Feb-24 2:00,2\n30-Feb-24 3:00,3\n", "`30-Feb-24 3:00`");
}

#[test]
fn day_and_month_are_told_apart_by_the_column() {
    let read = |text: &str| read(text, CsvOptions::default());
    // The thirteenth, in a late row, settles all.
    let rows: String =
        (1..=13).flat_map(|d| (0..24).map(move |h| format!("{d}/04/2024 {h:02}:00:00,1\n"))).collect();
    let samples = read(&format!("time,x\n{rows}"));
    assert_eq!(kinds(&samples[0]), [""; 0]);
    assert!((signal(&samples[0]).rate_hz - 1.0 / 3600.0).abs() < 1e-9);
    // Over midnight without one: a day apart, not a month.
    for (text, words) in [
        ("time,x\n03/04/2024 23:59:58,1\n03/04/2024 23:59:59,2\n03/05/2024 00:00:00,3\n", "month before day"),
        ("time,x\n03.04.2024 23:59:58,1\n03.04.2024 23:59:59,2\n04.04.2024 00:00:00,3\n", "day before month"),
    ] {
        let samples = read(text);
        assert_eq!(signal(&samples[0]).rate_hz, 1.0, "{text}");
        assert_eq!(kinds(&samples[0]), ["day_order_guessed"]);
        assert!(samples[0].findings[0].message.contains(words), "{:?}", samples[0].findings);
    }
}

#[test]
fn dates_of_events_are_neither_clock_nor_value() {
    let text = "x,created_at,y\n1,2024-01-01 10:00:00,a\n2,2024-01-01 10:00:09,b\n3,2024-05-01 09:00:00,a\n4,2024-05-09 09:00:00,a\n5,2024-05-09 11:00:00,a\n";
    assert_eq!(seen(text, labelled()), "0 | x | 1 2 3 4 5 !date_column");
}

#[test]
fn utf_16_is_read() {
    let text = "timestamp,t [°C]\n0,1\n10,2\n";
    let units = || text.encode_utf16();
    let little: Vec<u8> = [0xFF, 0xFE].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect();
    for bytes in [little, big] {
        let samples = decode("a.csv", &bytes, &DecodeOptions::default()).expect("a good table");
        let signal = signal(&samples[0]);
        assert_eq!(
            (signal.rate_hz, signal.axes[0].units.as_str(), &signal.values[..]),
            (100.0, "°C", &[1.0, 2.0][..])
        );
    }
    let json = r#"{"protected":{"ver":"v1","alg":"none"},"signature":"0","payload":{"device_type":"é","interval_ms":10,"sensors":[{"name":"x","units":"g"}],"values":[[1],[2]]}}"#;
    let bytes: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(json.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let plain = decode("a.json", json.as_bytes(), &DecodeOptions::default()).expect("a good document");
    assert_eq!(decode("a.json", &bytes, &DecodeOptions::default()).expect("the same"), plain);
}
