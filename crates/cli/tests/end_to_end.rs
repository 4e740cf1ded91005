//! From files to a proven library, through the command.

mod common;
use common::{Bench, motion, text, tone};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

/// A keyword project of two tones.
fn tones() -> Bench {
    let bench = Bench::new("keywords");
    for i in 0..16 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * i as f64, i));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * i as f64, i + 100));
    }
    bench.replace("epochs = 150", "epochs = 12");
    bench.append("cases = 200\nboard_cases = 4\n");
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench
}

#[test]
fn audio_becomes_a_proven_library() {
    let bench = tones();
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["data"]["samples"], 32, "{report}");
    let accuracy = report["test"]["int8"]["accuracy"].as_f64().expect("a figure");
    assert!(accuracy >= 0.8, "two tones are told apart: {accuracy}");
    assert_eq!(report["test"]["c"]["accuracy"], report["test"]["int8"]["accuracy"]);
    assert_eq!(report["test"]["c"]["log_loss"], report["test"]["int8"]["log_loss"]);
    let host = &report["verify"][0];
    assert_eq!(host["target"], "host");
    assert_eq!(host["bit_exact"], true, "{report}");
    let m4 = &report["verify"][1];
    assert_eq!(m4["bit_exact"], true, "{report}");
    assert!(m4["flash_bytes"].as_u64().is_some_and(|b| b > 1000));
    assert!(m4["instructions"]["dsp"].as_u64().is_some_and(|n| n > 1000));
    assert!(m4["instructions"]["network"].as_u64().is_some_and(|n| n > 1000));
    assert!(bench.path("project/report/report.html").is_file());
    assert!(bench.path("project/report/report.md").is_file());

    let again = bench.json(&["run", "project", "--json"]);
    for stage in again["stages"].as_array().expect("stages") {
        assert_eq!(stage["status"], "cached", "{stage}");
    }
    assert_eq!(again["artifacts"], report["artifacts"]);

    let line = bench.run(&["classify", "project", "in/high.3.wav", "--json"]);
    let window: serde_json::Value =
        serde_json::from_str(String::from_utf8_lossy(&line.stdout).lines().next().expect("a window"))
            .expect("JSON");
    assert_eq!(window["label"], "high", "{window}");
    assert_eq!(window["anomaly"], serde_json::Value::Null);
}

#[test]
fn neither_folder_nor_threads_change_a_byte() {
    let (a, b) = (tones(), tones());
    let a = a.json(&["run", "project", "--json", "--jobs", "1", "--until", "build"]);
    let b = b.json(&["run", "project", "--json", "--jobs", "3", "--until", "build"]);
    assert_eq!(a["artifacts"][0]["sha256"], b["artifacts"][0]["sha256"]);
    assert!(a["artifacts"][0]["sha256"].is_string());
}

#[test]
fn motion_has_a_classifier_and_an_anomaly_score() {
    let bench = Bench::new("motion");
    for i in 0..14 {
        bench.write(&format!("in/slow.{i}.csv"), motion(1.0, 4.0, i));
        bench.write(&format!("in/fast.{i}.csv"), motion(5.0, 6.0, i + 50));
    }
    for i in 0..4 {
        bench.write(&format!("odd/knock.{i}.csv"), motion(17.0, 30.0, i));
    }
    bench.append("cases = 200\nboard_cases = 4\n");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    bench.run(&[
        "data",
        "import",
        "odd",
        "--project",
        "project",
        "--label",
        "knock",
        "--category",
        "testing",
    ]);
    let report = bench.json(&["run", "project", "--json"]);
    assert!(report["test"]["int8"]["accuracy"].as_f64().is_some_and(|a| a >= 0.9), "{report}");
    assert!(report["test"]["c"]["auroc"].as_f64().is_some_and(|a| a >= 0.9), "{report}");
    assert_eq!(report["verify"][0]["bit_exact"], true);
    assert_eq!(report["verify"][1]["bit_exact"], true);
}

#[test]
fn a_table_trains_a_classifier_and_a_regression() {
    let mut table = String::from("date,a,b,kind,sum\n");
    let mut noise = common::Noise(5);
    // A date does not make a table of these templates a time series.
    for minute in 0..200 {
        let (a, b) = (noise.next(), noise.next());
        table.push_str(&format!(
            "2015-02-04 {:02}:{:02}:00,{a:.4},{b:.4},{},{:.4}\n",
            17 + minute / 60,
            minute % 60,
            if a > b { "left" } else { "right" },
            a + 2.0 * b
        ));
    }
    let bench = Bench::new("tabular");
    bench.replace("[impulse]", "[impulse]\naxes = [\"a\", \"b\"]");
    bench.append("cases = 200\nboard_cases = 4\n");
    let csv = bench.write("table.csv", &table);
    let csv = csv.to_str().expect("text");
    bench.run(&["data", "import", csv, "--project", "project", "--label-from", "column:kind"]);
    let report = bench.json(&["run", "project", "--json"]);
    assert!(report["test"]["c"]["accuracy"].as_f64().is_some_and(|a| a >= 0.9), "{report}");

    let bench = Bench::new("regression");
    bench.replace("[impulse]", "[impulse]\naxes = [\"a\", \"b\"]");
    bench.append("cases = 200\nboard_cases = 4\n");
    bench.run(&["data", "import", csv, "--project", "project", "--label-from", "column:sum"]);
    let report = bench.json(&["run", "project", "--json"]);
    assert!(report["test"]["c"]["r2"].as_f64().is_some_and(|r| r >= 0.9), "{report}");
}

#[test]
fn kill_9_at_any_moment_loses_nothing_and_the_next_run_goes_on() {
    let bench = tones();
    let expected = tones().json(&["run", "project", "--json"]);
    let start = Instant::now();
    let mut kills = 0;
    // Each attempt lives a little longer, so that every stage is hit.
    for attempt in 0..60u64 {
        let mut child = common::command(&bench.path(""))
            .args(["run", "project"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(Duration::from_millis(20 + 60 * attempt));
        if child.try_wait().expect("a state").is_some() {
            break;
        }
        child.kill().expect("killed");
        child.wait().expect("reaped");
        kills += 1;
        let list = bench.json(&["data", "list", "--project", "project", "--json"]);
        assert_eq!(list["samples"].as_array().map(Vec::len), Some(32));
        if start.elapsed() > Duration::from_secs(60) {
            break;
        }
    }
    assert!(kills > 3, "the run was killed {kills} times");
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["artifacts"][0]["sha256"], expected["artifacts"][0]["sha256"]);
    assert_eq!(report["test"], expected["test"]);
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let bench = tones();
    let out = bench.run(&["data", "export", "out", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    let second = bench.run(&["new", "second"]);
    assert!(second.status.success());
    let report =
        bench.json(&["data", "import", "out", "--project", "second", "--label-from", "sidecar", "--json"]);
    assert_eq!(report["labels"]["low"], 16, "{report}");
    assert_eq!(report["labels"]["high"], 16, "{report}");
}
