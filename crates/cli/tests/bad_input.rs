//! Input that cannot be used is refused or quarantined with a sentence that names it; nothing else is lost.

mod common;
use common::{Bench, text, tone, wav};

/// Imports one bad file beside a good one: the bad one is quarantined with a reason that says `expected`.
fn check(name: &str, bytes: impl AsRef<[u8]>, expected: &str) {
    let bench = Bench::new("keywords");
    bench.write("in/good.wav", tone(440.0, 1));
    bench.write(&format!("in/{name}"), bytes);
    let report = bench.json(&["data", "import", "in", "--project", "project", "--label", "x", "--json"]);
    assert_eq!(report["imported"], 1, "{name}: {report}");
    let bad = &report["quarantined"][0];
    assert_eq!(bad["file"], name, "{report}");
    let reason = bad["reason"].as_str().expect("a reason").to_lowercase();
    assert!(reason.contains(expected), "{name}: `{reason}` does not say `{expected}`");
}

#[test]
fn bad_audio_is_quarantined() {
    let good = tone(440.0, 1);
    check("cut.wav", &good[..good.len() / 2], "byte");
    check("empty.wav", b"", "empty");
    let mut lies = good.clone();
    lies[40..44].copy_from_slice(&4_000_000u32.to_le_bytes());
    check("lies.wav", &lies, "byte");
    let mut no_channels = good.clone();
    no_channels[22..24].copy_from_slice(&0u16.to_le_bytes());
    check("mute.wav", &no_channels, "channel");
}

#[test]
fn bad_tables_are_quarantined_with_row_and_column() {
    check("missing.csv", "timestamp,x,y\n0,1,2\n10,,2\n20,1,2\n", "row 3");
    check("columns.csv", "timestamp,x,y\n0,1,2\n10,1,2,3,4\n20,1,2\n", "row 3");
    check("words.csv", "timestamp,x\n0,1\n10,hello\n20,2\n", "row 3");
}

#[test]
fn bad_documents_and_pictures_are_quarantined() {
    check("broken.json", "{\"protected\": {", "json");
    check("list.json", "[1, 2, 3]", "json");
    check("broken.cbor", [0xbf, 0x61, 0x61], "cbor");
    // A header that promises 60000 x 60000 pixels.
    let mut png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
    png.extend(60_000u32.to_be_bytes());
    png.extend(60_000u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0, 0x0f, 0xb0, 0xe2, 0x15]);
    png.extend(b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82");
    check("huge.png", png, "60000");
    check("what.wrong", "something", "wav");
}

#[test]
fn what_is_left_out_of_a_file_that_is_kept_is_told() {
    let bench = Bench::new("tabular");
    for file in ["one.csv", "two.csv"] {
        let rows: String =
            (0..12).map(|i| format!("{i},remark {file} {i},{}\n", ["good", "bad"][i % 2])).collect();
        bench.write(&format!("in/{file}"), format!("age,remark,result\n{rows}"));
    }
    let args = ["data", "import", "in", "--project", "project", "--label-from", "column:result", "--dry-run"];
    let told = text(&bench.run(&args));
    let line = "note: one.csv: column 2 (`remark`) holds 12 different words in 12 rows and was left out (and 1 more files)";
    assert!(told.contains(line), "{told}");
    let report = bench.json(&[&args[..], &["--json"]].concat());
    assert_eq!(
        (&report["remarks"][0]["kind"], &report["remarks"][0]["files"]),
        (&"text_column".into(), &2.into())
    );
}

#[test]
fn decimal_commas_are_read() {
    let bench = Bench::new("motion");
    bench.write("in/a.csv", "timestamp;x\n0;1,5\n20;2,5\n40;-3,25\n");
    let report = bench.json(&["data", "import", "in", "--project", "project", "--label", "x", "--json"]);
    assert_eq!(report["imported"], 1, "{report}");
}

#[test]
fn a_label_that_cannot_be_one_is_named() {
    let bench = Bench::new("keywords");
    bench.write("in/a.wav", tone(440.0, 1));
    for label in ["a/b", "a\\b", &"x".repeat(10_000), ""] {
        let out = bench.run(&["data", "import", "in", "--project", "project", "--label", label]);
        assert_eq!(out.status.code(), Some(1), "{label}: {}", text(&out));
        assert!(text(&out).contains("label"), "{}", text(&out));
    }
    let list = bench.json(&["data", "list", "--project", "project", "--json"]);
    assert_eq!(list["samples"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_unknown_key_exits_2_and_names_the_nearest() {
    let bench = Bench::new("keywords");
    bench.replace("window_ms = 1000", "window_sm = 1000");
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("window_ms"), "{}", text(&out));
}

#[test]
fn wrong_usage_exits_2() {
    let bench = Bench::new("keywords");
    for args in [
        &["run", "nowhere"][..],
        &["run", "project", "--until", "trian"],
        &["new", "other", "--template", "keyword"],
        &["data", "import"],
        &["targets", "cortex-m44"],
        &["data", "import", "in", "--project", "project", "--label-from", "colour"],
        &["data", "import", "in", "--project", "project", "--format", "mp3"],
        &["data", "show", "0123", "--project", "nowhere"],
        &["dsp", "run", "mfc", "--input", "x.npy", "--output", "y.npy"],
    ] {
        let out = bench.run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out));
    }
}

#[test]
fn an_import_of_nothing_usable_exits_1() {
    let bench = Bench::new("keywords");
    bench.write("in/empty.wav", b"");
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label", "x"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("empty.wav"), "{}", text(&out));
}

#[test]
fn one_label_is_no_classifier() {
    let bench = Bench::new("keywords");
    for i in 0..6 {
        bench.write(&format!("in/a.{i}.wav"), tone(440.0, i));
    }
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("two labels"), "{}", text(&out));
}

#[test]
fn a_window_longer_than_every_recording_is_named() {
    let bench = Bench::new("keywords");
    for i in 0..4 {
        bench.write(&format!("in/a.{i}.wav"), tone(440.0, i));
        bench.write(&format!("in/b.{i}.wav"), tone(900.0, i));
    }
    bench.replace("zero_pad = true               # clips", "zero_pad = false # clips");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("window_ms"), "{}", text(&out));
}

#[test]
fn silence_of_wrong_length_does_not_stop_the_rest() {
    let bench = Bench::new("keywords");
    for i in 0..12 {
        bench.write(&format!("in/a.{i}.wav"), tone(300.0, i));
        bench.write(&format!("in/b.{i}.wav"), tone(1500.0, i + 50));
    }
    bench.write("in/a.silent.wav", wav(8000, &[0; 4000]));
    bench.write("in/a.tiny.wav", wav(8000, &[5]));
    bench.replace("epochs = 150", "epochs = 3");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let report = bench.json(&["run", "project", "--until", "test", "--json"]);
    assert!(report["test"]["float"]["accuracy"].is_number(), "{report}");
    let findings = bench.json(&["data", "scan", "--project", "project", "--json"]);
    let kinds: Vec<&str> =
        findings["findings"].as_array().expect("a list").iter().filter_map(|f| f["kind"].as_str()).collect();
    assert!(!kinds.is_empty(), "{findings}");
}

/// An acquisition document whose signature was made with the key below.
fn signed() -> String {
    let signature = "742393a862acaf3ea780bf2ec8c0e04713a4d40065a2720949c4f4db58e610cc";
    format!(
        r#"{{"protected":{{"ver":"v1","alg":"HS256","iat":1}},"signature":"{signature}","payload":{{"device_name":"d","device_type":"t","interval_ms":10,"sensors":[{{"name":"x","units":"m/s2"}}],"values":[[1],[2],[3]]}}}}"#
    )
}

#[test]
fn a_wrong_signature_is_quarantined_when_a_key_is_given() {
    let bench = Bench::new("motion");
    bench.write("in/right.json", signed());
    // One value was changed after it was signed.
    bench.write("in/wrong.json", signed().replace("[3]", "[4]"));
    let key = ["--hmac-key", "fed53116f20684c067774ebf9e7bcbdc"];
    let mut args = vec!["data", "import", "in", "--project", "project", "--label", "x", "--json"];
    args.extend(key);
    let report = bench.json(&args);
    assert_eq!(report["imported"], 1, "{report}");
    assert_eq!(report["quarantined"][0]["file"], "wrong.json");
    assert!(report["quarantined"][0]["reason"].as_str().is_some_and(|r| r.contains("signature")), "{report}");
}

#[test]
fn labels_from_names_folders_and_columns_are_checked_too() {
    let bench = Bench::new("tabular");
    bench.write("t.csv", format!("a,kind\n1,good\n2,{}\n3,up/down\n", "x".repeat(10_000)));
    let report = bench.json(&[
        "data",
        "import",
        "t.csv",
        "--project",
        "project",
        "--label-from",
        "column:kind",
        "--json",
    ]);
    let reason = report["quarantined"][0]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("label") && reason.len() < 400, "{report}");

    let bench = Bench::new("keywords");
    bench.write("in/a.wav", tone(440.0, 1));
    bench.write("in/info.labels", r#"{"version":1,"files":[{"path":"a.wav","category":"training","label":{"type":"label","label":"a/b"}}]}"#);
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "sidecar"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("a/b"), "{}", text(&out));
}

#[test]
fn a_label_with_one_sample_is_named_and_does_not_stop_the_run() {
    let bench = Bench::new("keywords");
    for i in 0..8 {
        bench.write(&format!("in/a.{i}.wav"), tone(300.0, i));
        bench.write(&format!("in/b.{i}.wav"), tone(1500.0, i + 50));
    }
    bench.write("in/lonely.0.wav", tone(900.0, 99));
    bench.replace("epochs = 150", "epochs = 3");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let out = bench.run(&["run", "project", "--until", "test"]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(text(&out).contains("label `lonely` has one sample"), "{}", text(&out));
}
