//! What scripts rely on: options, JSON keys, exit codes.

mod common;
use common::{Bench, motion, text, tone};
use serde_json::Value;

fn has(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "no `{key}` in {value}");
    }
}

/// A keyword project of two tones that was not run.
fn tones() -> Bench {
    let bench = Bench::new("keywords");
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * i as f64, i));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * i as f64, i + 100));
    }
    bench.write("in/bad.wav", b"RIFF");
    bench.replace("epochs = 60", "epochs = 5");
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench
}

#[test]
fn import_prints_counts_and_every_refused_file() {
    let bench = tones();
    let dry = bench.json(&[
        "data",
        "import",
        "in",
        "--project",
        "project",
        "--label-from",
        "name",
        "--dry-run",
        "--json",
    ]);
    assert_eq!(dry["imported"], 20);
    let list = bench.json(&["data", "list", "--project", "project", "--json"]);
    assert_eq!(list["samples"].as_array().map(Vec::len), Some(0), "a dry run keeps nothing");

    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name:^([a-z]+)"]);
    assert_eq!(out.status.code(), Some(0));
    let lines = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(lines.lines().filter(|l| l.starts_with("bad.wav: ")).count(), 1, "{lines}");
    let report =
        bench.json(&["data", "import", "in", "--project", "project", "--label-from", "name", "--json"]);
    has(&report, &["imported", "quarantined", "labels"]);
    has(&report["quarantined"][0], &["file", "reason"]);
    assert_eq!(report["labels"]["low"], 10);
    let list = bench.json(&["data", "list", "--project", "project", "--json"]);
    assert_eq!(list["samples"].as_array().map(Vec::len), Some(20), "twice imported is once there");
    has(&list["samples"][0], &["id", "name", "label", "category", "file"]);
    let id = list["samples"][0]["id"].as_str().expect("an id").to_owned();
    let shown = bench.json(&["data", "show", &id, "--project", "project", "--json"]);
    assert_eq!(shown["id"], id.as_str());
    assert!(bench.run(&["data", "trace", &id, "--project", "project"]).status.success());
    let unknown = bench.run(&["data", "show", "zzz", "--project", "project"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown));
}

#[test]
fn run_test_build_verify_and_classify_print_what_was_agreed() {
    let bench = tones();
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let early =
        bench.json(&["run", "project", "--until", "features", "--seed", "3", "--jobs", "1", "--json"]);
    assert_eq!(early["seed"], 3);
    let names: Vec<&str> =
        early["stages"].as_array().expect("stages").iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["import", "clean", "split", "features"]);

    let report = bench.json(&["run", "project", "--until", "build", "--json"]);
    has(&report, &["project", "seed", "stages", "data", "test", "verify", "artifacts"]);
    has(&report["stages"][0], &["name", "status", "seconds", "key", "notes"]);
    has(&report["data"], &["samples", "quarantined", "labels", "training", "testing"]);
    assert_eq!(report["data"]["quarantined"], 1);
    has(&report["test"]["float"], &["accuracy", "low", "high", "windows", "f1"]);
    has(&report["artifacts"][0], &["package", "path", "sha256"]);
    let again = bench.run(&["run", "project", "--until", "build"]);
    assert!(text(&again).contains("nothing changed"), "{}", text(&again));
    has(&bench.json(&["test", "project", "--json"])["test"], &["float", "int8"]);

    let one =
        bench.json(&["build", "project", "--target", "host", "--package", "c", "--out", "a.zip", "--json"]);
    let two =
        bench.json(&["build", "project", "--target", "host", "--package", "c", "--out", "b.zip", "--json"]);
    assert_eq!(one["sha256"], two["sha256"]);
    assert_eq!(
        std::fs::read(bench.path("a.zip")).expect("a"),
        std::fs::read(bench.path("b.zip")).expect("b")
    );
    for wrong in [["--target", "cortex-m9"], ["--package", "zip"]] {
        let out = bench.run(&[&["build", "project", "--out", "c.zip"], &wrong[..]].concat());
        assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    }

    let proof = bench.json(&["verify", "project", "--target", "host", "--cases", "7", "--json"]);
    assert_eq!(proof[0]["target"], "host");
    assert_eq!(proof[0]["bit_exact"], true, "{proof}");
    assert_eq!(proof[0]["cases"], report["test"]["float"]["windows"].as_u64().expect("windows") + 7);

    let out = bench.run(&["classify", "project", "in/low.1.wav", "in/high.1.wav", "--json"]);
    let lines: Vec<Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("one object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    has(&lines[0], &["file", "start_ms", "label", "scores", "anomaly"]);
    assert!(out.stderr.is_empty(), "nothing but data: {}", text(&out));
    let out = bench.run(&["classify", "project", "in/bad.wav"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("bad.wav"), "{}", text(&out));
}

#[test]
fn anomaly_projects_train_on_normal_and_report_auroc() {
    let bench = Bench::new("anomaly");
    for i in 0..14 {
        bench.write(&format!("in/normal.{i}.csv"), motion(2.0, 3.0, i));
    }
    for i in 0..4 {
        bench.write(&format!("in/broken.{i}.csv"), motion(11.0, 12.0, i + 40));
    }
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let report = bench.json(&["run", "project", "--until", "test", "--json"]);
    assert!(report["test"]["int8"]["auroc"].as_f64().is_some_and(|a| a > 0.9), "{report}");
    let out = bench.run(&["classify", "project", "in/broken.0.csv", "--json"]);
    let window: Value = serde_json::from_slice(&out.stdout).expect("one window");
    assert_eq!((&window["is_anomaly"], &window["label"]), (&Value::Bool(true), &Value::Null), "{window}");
}

#[test]
fn templates_targets_and_tools_are_listed() {
    let bench = Bench::empty();
    for template in ["keywords", "motion", "anomaly", "image", "tabular", "regression", "empty"] {
        let out = bench.run(&["new", &format!("deep/er/{template}"), "--template", template]);
        assert!(out.status.success(), "{}", text(&out));
        // Without data it says what to do, and does not fall over.
        let out = bench.run(&["run", &format!("deep/er/{template}")]);
        assert_eq!(out.status.code(), Some(1), "{template}: {}", text(&out));
        assert!(text(&out).contains("data import"), "{template}: {}", text(&out));
    }
    let out = bench.run(&["new", "boxes", "--template", "detection"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("cannot be trained yet"), "{}", text(&out));
    let again = bench.run(&["new", "deep/er/motion", "--template", "motion"]);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));

    let targets = bench.json(&["targets", "--json"]);
    for target in targets["targets"].as_array().expect("targets") {
        has(target, &["id", "packages", "proof"]);
    }
    assert!(bench.run(&["targets", "cortex-m4f"]).status.success());
    has(&bench.json(&["doctor", "--json"])["tools"][0], &["tool", "version", "install"]);
    has(&bench.json(&["dsp", "list", "--json"])["blocks"][0], &["name", "versions", "parameters"]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.run(&["completions", shell]).stdout.len() > 1000, "{shell}");
    }
}
