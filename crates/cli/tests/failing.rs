//! What is told when a run fails, misses a gate, or asks for what cannot be done here.

mod common;
use common::{Bench, Noise, text, tone};

/// A table of two classes (or a number) that trains in a moment.
fn table(template: &str, label: impl Fn(usize, f64) -> String) -> Bench {
    let bench = Bench::new(template);
    let mut noise = Noise(9);
    let mut csv = String::from("a,b,kind\n");
    for i in 0..60 {
        let x = noise.next();
        csv.push_str(&format!("{x:.3},{:.3},{}\n", noise.next(), label(i, x)));
    }
    bench.write("in/t.csv", csv);
    bench.replace("epochs = 300", "epochs = 3");
    bench.replace("package = \"c\"", "package = \"c\"\ncases = 20");
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "column:kind"]);
    assert!(out.status.success(), "{}", text(&out));
    bench
}

fn two(_: usize, x: f64) -> String {
    if x > 0.0 { "up".into() } else { "down".into() }
}

#[test]
fn what_no_emulator_runs_is_told_and_the_host_is_proven() {
    let bench = table("tabular", two);
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"esp-eye\"]");
    let report = bench.json(&["run", "project", "--json"]);
    let verify = &report["verify"];
    assert_eq!((&verify[0]["target"], &verify[0]["bit_exact"]), (&"host".into(), &true.into()), "{report}");
    assert_eq!((&verify[1]["target"], &verify[1]["bit_exact"]), (&"esp-eye".into(), &().into()), "{verify}");
    assert!(verify[1]["missing"].to_string().contains("no emulator runs Xtensa"), "{verify}");
    assert!(report["test"]["c"]["accuracy"].is_number(), "{report}");
    assert!(bench.path(report["report"].as_str().expect("a path")).is_file());
    assert_eq!(report["artifacts"].as_array().map(Vec::len), Some(1), "{report}");
    let told = bench.run(&["verify", "project", "--target", "mobile-phone"]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told));
    assert!(text(&told).contains("mobile-phone  not run: no emulator runs"), "{}", text(&told));
    assert!(text(&told).contains("agree bit for bit"), "{}", text(&told));
    // What is claimed to be executed can be.
    for target in bench.json(&["targets", "--json"])["targets"].as_array().expect("targets") {
        if ["wasm32", "mobile-phone", "esp-eye", "xtensa-lx6"].iter().any(|t| target["id"] == *t) {
            assert_ne!(target["proof"], "executed", "{target}");
        }
    }
    // A target that is none is told before anything is trained.
    bench.replace("[\"esp-eye\"]", "[\"host\", \"cortex-m9\"]");
    bench.replace("epochs = 3", "epochs = 4");
    let report = bench.run(&["run", "project"]);
    assert_eq!(report.status.code(), Some(2), "{}", text(&report));
    assert!(
        text(&report).contains("no target `cortex-m9`") && !text(&report).contains("train "),
        "{}",
        text(&report)
    );
}

#[test]
fn a_stage_that_fails_is_in_the_report() {
    let bench = table("tabular", |_, _| "same".into());
    let out = bench.run(&["run", "project", "--json"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one object");
    let stages = report["stages"].as_array().expect("stages");
    let last = stages.last().expect("a stage");
    assert_eq!((&last["name"], &last["status"]), (&"train".into(), &"failed".into()), "{report}");
    assert!(last["notes"][0].to_string().contains("at least two labels"), "{report}");
    assert_eq!((stages.len(), &stages[0]["status"]), (5, &"built".into()), "{report}");
    assert!(text(&out).contains("error: a classifier needs"), "{}", text(&out));
}

#[test]
fn a_gate_without_a_figure_is_missed_and_told_to_the_quiet() {
    let bench = table("tabular", two);
    bench.replace("test = 0.2", "test = 0.0");
    bench.replace("# min_accuracy = 0.9", "min_accuracy = 0.1\nmax_int8_loss = 100.0 #");
    let out = bench.run(&["-q", "run", "project", "--until", "test"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    for gate in [
        "error: evaluation.min_accuracy: there is no accuracy",
        "error: evaluation.max_int8_loss: there is no",
    ] {
        assert!(text(&out).contains(gate), "{}", text(&out));
    }
    let out = bench.run(&["-q", "classify", "project", "nowhere.csv"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out).contains("error: ") && text(&out).contains("nowhere.csv"), "{}", text(&out));
    bench.write("bad/x.csv", "a\n");
    let out = bench.run(&["-q", "data", "import", "bad", "--project", "project"]);
    assert!(text(&out).contains("error: no file was kept"), "{}", text(&out));
}

#[test]
fn a_regression_tells_of_labels_that_are_no_numbers_and_has_a_gate() {
    let bench =
        table("regression", |i, x| if i % 10 == 3 { "unknown".into() } else { format!("{:.4}", 3.0 * x) });
    bench.replace("# min_accuracy = 0.9", "min_r2 = 0.9999 #");
    let out = bench.run(&["run", "project", "--until", "test", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one object");
    let notes = report["stages"][4]["notes"].to_string();
    assert!(notes.contains("a label that is no number, such as `unknown`"), "{notes}");
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("evaluation.min_r2"), "{}", text(&out));
    bench.replace("min_r2 = 0.9999", "min_r2 = -1000.0");
    assert_eq!(bench.run(&["run", "project", "--until", "test"]).status.code(), Some(0));
    // Numbers are no classes.
    let scan = bench.json(&["data", "scan", "--project", "project", "--json"]);
    assert!(!scan.to_string().contains("class_too_small"), "{scan}");
    assert!(scan.to_string().contains("label_not_number"), "{scan}");
}

#[test]
fn what_is_not_imported_is_told() {
    let bench = Bench::new("keywords");
    for (i, name) in
        ["license.02.wav", "notice.wav", "readme.txt", "LICENSE", "CHANGELOG.md"].iter().enumerate()
    {
        bench.write(&format!("in/{name}"), tone(440.0, i as u64));
    }
    bench.write("else/other.wav", tone(550.0, 9));
    std::os::unix::fs::symlink(bench.path("else/other.wav"), bench.path("in/linked.wav")).expect("linked");
    std::os::unix::fs::symlink(bench.path("else"), bench.path("in/more")).expect("linked");
    let shut = bench.path("in/shut");
    std::fs::create_dir(&shut).expect("made");
    std::fs::set_permissions(&shut, std::os::unix::fs::PermissionsExt::from_mode(0o0)).expect("set");
    let args =
        ["data", "import", "in", "--project", "project", "--json", "--group-from", "regex:speaker_([a-z]+)"];
    let report = bench.json(&[&args[..], &["--label-from", "name:^digit(.)"]].concat());
    // Whoever may read everything reads it.
    let shut = usize::from(std::fs::read_dir(&shut).is_err());
    assert_eq!(report["imported"], 2, "{report}");
    let refused = report["quarantined"].as_array().expect("a list");
    assert_eq!(refused.len(), 2 + shut, "{report}");
    for name in ["linked.wav", "more"] {
        let one = refused.iter().find(|q| q["file"] == name).expect("told");
        assert!(one["reason"].to_string().contains("links below a folder are not followed"), "{one}");
    }
    let kinds: Vec<&str> =
        report["remarks"].as_array().expect("a list").iter().filter_map(|r| r["kind"].as_str()).collect();
    assert_eq!(kinds, ["label_pattern", "group_pattern"], "{report}");
    let report =
        bench.json(&["data", "import", "in", "--project", "project", "--json", "--label-from", "name:^(l)"]);
    assert_eq!(
        report["remarks"].as_array().map(Vec::len),
        Some(0),
        "an expression that finds something: {report}"
    );
}
