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
    bench.replace("epochs = 150", "epochs = 5");
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

    // A package says what was proven of it; before that it says that nothing was.
    bench.append("cases = 20\nvendor = \"Acme\"\nlicence = \"LicenseRef-Acme\"\n");
    let unknown = bench.run(&["build", "project", "--package", "eim", "--out", "p.eim"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    assert!(text(&unknown).contains("licence_file"), "{}", text(&unknown));
    bench.append("licence_file = \"TERMS\"\n");
    bench.write("project/TERMS", "All rights reserved.\n");
    let ask = |what: &str| {
        let out = std::process::Command::new(bench.path("p.eim")).arg(what).output().expect("starts");
        assert!(out.status.success(), "{what}: {}", text(&out));
        String::from_utf8(out.stdout).expect("text")
    };
    bench.json(&["build", "project", "--package", "eim", "--out", "p.eim", "--json"]);
    assert_eq!(ask("--print-proof"), "null\n");
    bench.json(&["build", "project", "--package", "eim", "--verify", "--out", "p.eim", "--json"]);
    let proof: Value = serde_json::from_str(&ask("--print-proof")).expect("JSON");
    assert_eq!(proof["records"][0]["bit_exact"], true, "{proof}");
    let manifest: Value = serde_json::from_str(&ask("--print-manifest")).expect("JSON");
    assert_eq!((&manifest["vendor"], &manifest["proof"]["code"]), (&"Acme".into(), &"executed".into()));
    assert!(ask("--print-licence").starts_with("All rights reserved."));
    assert!(ask("--self-test").contains("agree with the reference"));

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
    for template in ["keywords", "motion", "anomaly", "image", "detection", "tabular", "regression", "empty"]
    {
        let out = bench.run(&["new", &format!("deep/er/{template}"), "--template", template]);
        assert!(out.status.success(), "{}", text(&out));
        // Without data it says what to do, and does not fall over.
        let out = bench.run(&["run", &format!("deep/er/{template}")]);
        assert_eq!(out.status.code(), Some(1), "{template}: {}", text(&out));
        assert!(text(&out).contains("data import"), "{template}: {}", text(&out));
    }
    let help = text(&bench.run(&["new", "--help"]));
    // Wherever the lines break.
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(words.join(" ").contains("image, detection, tabular"), "{help}");
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

#[test]
fn an_estimate_before_training_is_what_the_trained_impulse_needs() {
    let bench = tones();
    let imported = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(imported.status.success());
    let told = bench.json(&["estimate", "project", "--target", "cortex-m4f", "--json"]);
    has(&told, &["frames", "axes", "dsp", "learn", "targets"]);
    let network = &told["learn"][0];
    assert_eq!(network["layers"][0]["shape"], serde_json::json!([1, 50, 32]));
    assert!(network["problem"].is_null(), "{network}");
    // Of the DSP block what its own declaration gives, on each target; time is at one instruction a cycle of 64 MHz.
    let board = bench.json(&["estimate", "project", "--target", "nrf52840-dk", "--json"]);
    let (dsp, whole) = (&told["dsp"][0], &told["targets"][0]);
    let features: u64 = dsp["shape"].as_array().expect("a shape").iter().filter_map(|n| n.as_u64()).product();
    assert_eq!(dsp["feature_bytes"], 4 * features);
    assert!(dsp["targets"][0]["instructions"].as_u64() > Some(1000), "{dsp}");
    assert_eq!(dsp["targets"][0]["instructions"], whole["dsp_instructions"]);
    assert_eq!(dsp["targets"][0]["flash_bytes"], whole["dsp_flash_bytes"]);
    assert!(whole["milliseconds"].is_null(), "{whole}");
    let on = &board["targets"][0];
    let both = on["instructions"].as_u64().zip(on["dsp_instructions"].as_u64()).map(|(a, b)| a + b);
    let ms = both.expect("both") as f64 / 64_000.0;
    assert!((on["milliseconds"].as_f64().expect("a time") - ms).abs() < 1e-6 * ms, "{on}");
    let trained = bench.run(&["run", "project", "--until", "train"]);
    assert!(trained.status.success(), "{}", text(&trained));
    let parameters = format!("{} parameters, {} MACs", network["parameters"], network["macs"]);
    assert!(text(&trained).contains(&parameters), "{parameters}: {}", text(&trained));
    let fit = bench.json(&["targets", "cortex-m4f", "--fit", "project", "--json"]);
    // The fit adds 2 KiB of stack.
    assert_eq!(
        told["targets"][0]["arena_bytes"].as_u64().map(|n| n + 2048),
        fit["targets"][0]["fit"]["ram_needed"].as_u64()
    );
}

#[test]
fn an_estimate_names_the_layer_that_does_not_fit() {
    let bench = tones();
    assert!(
        bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]).status.success()
    );
    bench.replace(
        "kind = \"classifier\"",
        "kind = \"classifier\"\nlayers = [{ type = \"conv1d\", filters = 4, kernel = 3 }, { type = \"max_pool\", size = [80] }]",
    );
    let out = bench.run(&["estimate", "project", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(told["learn"][0]["wrong_layer"], 1);
    assert_eq!(told["learn"][0]["layers"][0]["shape"], serde_json::json!([1, 50, 4]));
    assert!(told["learn"][0]["layers"][1]["shape"].is_null());
    assert_eq!(told["targets"].as_array().map(Vec::len), Some(0));
    // What depends on the data is not guessed, and no fault.
    bench.replace("layers = [", "method = \"random_forest\"\n# layers = [");
    let told = bench.json(&["estimate", "project", "--json"]);
    let forest = &told["learn"][0];
    assert!(
        forest["problem"].is_null()
            && forest["unknown"].as_str().is_some_and(|u| u.contains("random_forest")),
        "{told}"
    );
    assert_eq!(told["targets"].as_array().map(Vec::len), Some(0));
}

/// Two seconds of a slow swing, two of a fast one, at 50 Hz.
fn two_states(seed: u64) -> String {
    let fast: Vec<String> = motion(9.0, 6.0, seed + 50).lines().skip(1).map(str::to_owned).collect();
    let mut out = motion(1.0, 2.0, seed);
    for (i, line) in fast.iter().enumerate() {
        let (_, values) = line.split_once(',').expect("columns");
        out.push_str(&format!("{},{values}\n", (100 + i) * 20));
    }
    out
}

#[test]
fn labels_of_parts_train_and_test_windows() {
    let bench = Bench::new("motion");
    let mut files = Vec::new();
    for i in 0..12 {
        bench.write(&format!("in/both.{i}.csv"), two_states(i));
        files.push(serde_json::json!({"path": format!("both.{i}.csv"), "label": {"type": "multi-label", "labels": [
            {"startIndex": 0, "endIndex": 99, "label": "slow"}, {"startIndex": 100, "endIndex": 199, "label": "fast"}]}}));
    }
    // One that says too little is set aside, and the rest goes on.
    bench.write("in/short.0.csv", two_states(99));
    files.push(serde_json::json!({"path": "short.0.csv", "label": {"type": "multi-label", "labels": [
        {"startIndex": 0, "endIndex": 99, "label": "slow"}]}}));
    bench.write("in/info.labels", serde_json::json!({"version": 1, "files": files}).to_string());
    let report = bench.json(&["data", "import", "in", "--project", "project", "--json"]);
    assert_eq!(
        (&report["imported"], &report["labels"]["slow"], &report["labels"]["fast"]),
        (&12.into(), &12.into(), &12.into())
    );
    let reason = report["quarantined"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("frame 100 has no label"), "{reason}");
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench.replace("[impulse]", "[impulse]\nranges = { rule = \"overlap\", min_share = 0.9 }");
    bench.replace("window_ms = 2000", "window_ms = 1000");
    let run = bench.json(&["run", "project", "--until", "test", "--json"]);
    let float = &run["test"]["float"];
    assert!(float["accuracy"].as_f64().is_some_and(|a| a > 0.9), "{float}");
    has(&float["f1"], &["slow", "fast"]);
    assert_eq!(run["data"]["labels"]["fast"], 12);
    // Windows across the border are called nothing: with `end` there are more.
    let windows = float["windows"].as_u64().expect("a number");
    bench.replace("rule = \"overlap\", min_share = 0.9", "rule = \"end\"");
    let run = bench.json(&["run", "project", "--until", "test", "--json"]);
    assert!(run["test"]["float"]["windows"].as_u64().is_some_and(|n| n > windows), "{windows}: {run}");
    // They leave as they came.
    assert!(bench.run(&["data", "export", "out", "--project", "project"]).status.success());
    let info: Value = serde_json::from_slice(&std::fs::read(bench.path("out/info.labels")).expect("written"))
        .expect("JSON");
    assert_eq!(info["files"][0]["label"]["type"], "multi-label");
    assert_eq!(info["files"][0]["label"]["labels"][1]["startIndex"], 100);
    // A rule that cannot work is refused where it is written.
    bench.replace("rule = \"end\"", "rule = \"anywhere\"");
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out).contains("needs `labels`"), "{}", text(&out));
}

#[test]
fn a_recording_is_cut_around_its_events() {
    let bench = Bench::new("keywords");
    // Half a second each: noise, a tone, noise, a tone, noise.
    let quiet: Vec<i16> = (0..4000).map(|i| ((i * 7919 + 3) % 21 - 10) as i16).collect();
    let loud = |hz: f64| -> Vec<i16> {
        (0..4000)
            .map(|i| (9000.0 * (f64::from(i) * hz * std::f64::consts::TAU / 8000.0).sin()) as i16)
            .collect()
    };
    let all = [quiet.clone(), loud(300.0), quiet.clone(), loud(900.0), quiet].concat();
    bench.write("in/yes.all.wav", common::wav(8000, &all));
    assert!(
        bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]).status.success()
    );
    let cut = |more: &[&str]| {
        bench.json(&[&["data", "cut", "yes.all.wav", "--project", "project", "--json"], more].concat())
    };
    let planned = cut(&["--events", "600", "--dry-run"]);
    assert_eq!(
        (planned["parts"].as_array().map(Vec::len), planned["ids"].as_array().map(Vec::len)),
        (Some(2), Some(0))
    );
    let made = cut(&["--events", "600"]);
    assert_eq!(made["parts"], planned["parts"]);
    let list = bench.json(&["data", "list", "--project", "project", "--json"]);
    let names: Vec<&str> =
        list["samples"].as_array().into_iter().flatten().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["yes.all.s1.wav", "yes.all.s2.wav", "yes.all.wav"]);
    assert_eq!(
        (&list["samples"][0]["label"], &list["samples"][0]["duration_ms"]),
        (&"yes".into(), &600.0.into())
    );
    // The bytes are the recording's own.
    assert!(bench.run(&["data", "export", "out", "--project", "project"]).status.success());
    let part = std::fs::read(bench.path("out/split/yes.all.s2.wav")).expect("exported");
    let start = made["parts"][1]["start"].as_u64().expect("a frame") as usize;
    assert_eq!(part[44..], common::wav(8000, &all[start..start + 4800])[44..]);
    // The next numbers are free ones; parts of one recording stay on one side, and the whole is out of it.
    cut(&["--from", "0", "--to", "250", "--keep"]);
    let run = bench.json(&["run", "project", "--until", "split", "--json"]);
    assert_eq!(run["data"]["samples"], 3);
    assert_eq!((&run["data"]["training"], &run["data"]["testing"]), (&3.into(), &0.into()), "{run}");
    for wrong in
        [&["--from", "0", "--to", "99999"][..], &["--from", "500", "--to", "100"], &["--from", "1"], &[]]
    {
        let out = bench.run(&[&["data", "cut", "yes.all.wav", "--project", "project"], wrong].concat());
        assert!(!out.status.success(), "{wrong:?}: {}", text(&out));
    }
}
