//! Which samples train and which test, what is counted of them, and what is said where few or none test.

mod common;
use common::{Bench, motion, text, tone};

/// A motion project with twelve recordings of two labels that proves on the host alone.
fn two_labels() -> Bench {
    let bench = Bench::new("motion");
    for i in 0..6 {
        bench.write(&format!("in/slow.{i}.csv"), motion(1.5, 3.0, i));
        bench.write(&format!("in/fast.{i}.csv"), motion(7.0, 5.0, 100 + i));
    }
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("epochs = 80", "epochs = 12");
    bench
}

#[test]
fn recordings_with_parts_are_shared_out_by_all_their_labels() {
    let bench = Bench::new("motion");
    let mut files = serde_json::Map::new();
    for i in 0..10u64 {
        bench.write(&format!("in/r{i}.csv"), motion(2.0, 3.0, i));
        // Each has all five labels; which covers most changes from one to the next.
        let (mut parts, mut at) = (Vec::new(), 0);
        for k in 0..5 {
            let frames = if k == i % 5 { 28 } else { 18 };
            parts.push(serde_json::json!({"startIndex": at, "endIndex": at + frames - 1, "label": format!("act{k}")}));
            at += frames;
        }
        files.insert(format!("r{i}.csv"), parts.into());
    }
    let told = serde_json::json!({"version": 1, "type": "structured-labels", "structuredLabels": files});
    bench.write("in/structured_labels.labels", told.to_string());
    let out = bench.run(&["data", "import", "in", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    let report = bench.json(&["run", "project", "--until", "split", "--json"]);
    let data = &report["data"];
    assert_eq!((&data["training"], &data["testing"]), (&8.into(), &2.into()), "{report}");
    assert_eq!(
        data["labels"],
        serde_json::json!({"act0": 10, "act1": 10, "act2": 10, "act3": 10, "act4": 10}),
        "{report}"
    );
    let notes = report["stages"][2]["notes"].to_string();
    assert!(notes.contains("6 samples train, 2 validate, 2 test"), "{notes}");
}

#[test]
fn counts_add_up_and_the_same_sound_in_another_container_never_trains_and_tests() {
    let bench = Bench::new("keywords");
    for i in 0..8 {
        for (label, hz) in [("low", 300.0), ("high", 1900.0)] {
            let wav = tone(hz, i);
            bench.write(&format!("in/{label}.{i}.wav"), &wav);
            // The same values behind one more chunk.
            let mut more = wav.clone();
            more.extend(b"note\x04\0\0\0abcd");
            let size = more.len() as u32 - 8;
            more[4..8].copy_from_slice(&size.to_le_bytes());
            bench.write(&format!("in/{label}.{i}b.wav"), &more);
        }
    }
    bench.write("in/low.broken.wav", b"RIFF");
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    let report = bench.json(&["run", "project", "--until", "split", "--json"]);
    let data = &report["data"];
    let number = |key: &str| data[key].as_u64().expect(key);
    assert_eq!((number("samples"), number("duplicates"), number("quarantined")), (16, 16, 1), "{report}");
    assert_eq!(number("training") + number("testing"), number("samples"), "{report}");
    assert_eq!(data["labels"], serde_json::json!({"high": 8, "low": 8}), "{report}");
    let notes = report["stages"][1]["notes"].to_string();
    assert!(
        notes.contains("16 samples have the values of another one, such as high.0b.wav those of high.0.wav"),
        "{notes}"
    );

    // Who wants both says so.
    bench.append("\n[clean]\nkeep_duplicates = true\n");
    let report = bench.json(&["run", "project", "--until", "split", "--json"]);
    assert_eq!(report["data"]["samples"], 32, "{report}");
}

#[test]
fn a_board_without_a_test_window_runs_random_ones_or_is_not_proven() {
    let bench = two_labels();
    bench.replace("\ntest = 0.2 ", "\ntest = 0.0 ");
    let report = bench.json(&["run", "project", "--json"]);
    let verify = report["verify"].as_array().expect("records");
    assert_eq!(verify.len(), 2, "{report}");
    for record in verify {
        // Where the tools are not installed, that is said and nothing else.
        if record["missing"].as_str().is_some_and(|m| m.contains("not installed")) {
            continue;
        }
        assert!(record["cases"].as_u64() > Some(0), "{record}");
        assert_eq!(record["bit_exact"], true, "{record}");
        if record["target"] == "cortex-m4f" {
            assert!(
                record["stack_bytes"].as_u64() > Some(0) && record["instructions"]["dsp"].as_u64() > Some(0),
                "{record}"
            );
        }
    }
    let records = bench.json(&["verify", "project", "--target", "host", "--cases", "0", "--json"]);
    assert!(records[0]["bit_exact"].is_null() && records[0]["missing"].is_string(), "{records}");
}

#[test]
fn a_run_of_another_seed_can_be_asked_for_again_and_missed_gates_are_told() {
    let bench = two_labels();
    bench.replace("# min_accuracy = 0.9", "min_accuracy = 90.0");
    let out = bench.run(&["run", "project", "--until", "test", "--seed", "7", "--json"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(told.contains("--seed 7"), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("json");
    let missed = report["missed"][0].as_str().expect("a gate");
    assert!(missed.contains("is below 90; the figure is a share of 1"), "{missed}");

    let again = bench.run(&["test", "project", "--seed", "7", "--json"]);
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!told.contains("built"), "nothing trains again: {told}");
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).expect("json");
    assert_eq!(again["test"]["int8"], report["test"]["int8"]);
    let all = bench.json(&["run", "project", "--until", "test", "--seed", "7", "--json"]);
    assert!(all["stages"].as_array().expect("stages").iter().all(|s| s["status"] == "cached"), "{all}");
}

#[test]
fn a_threshold_without_validation_is_of_windows_that_did_not_train() {
    let bench = Bench::new("anomaly");
    for i in 0..12 {
        bench.write(&format!("in/normal.{i}.csv"), motion(2.0, 3.0, i));
    }
    bench.run(&[
        "data",
        "import",
        "in",
        "--project",
        "project",
        "--label-from",
        "name",
        "--category",
        "training",
    ]);
    bench.replace("\nvalidation = 0.2 ", "\nvalidation = 0.0 ");
    let out = bench.run(&["run", "project", "--until", "train"]);
    let told = text(&out);
    assert!(out.status.success(), "{told}");
    let threshold: f64 = told
        .split("threshold ")
        .nth(1)
        .and_then(|t| t.split_whitespace().next())
        .and_then(|t| t.trim_end_matches(['.', ',']).parse().ok())
        .unwrap_or_else(|| panic!("{told}"));
    assert!(
        told.contains("2 training windows are held back to set the threshold") && threshold > 0.0,
        "{told}"
    );
}
