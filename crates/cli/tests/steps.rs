//! A network that is taught, pruned and trained on in int8: from the project file to proven C, the same after a kill.

mod common;
use common::{Bench, text, tone};
use serde_json::Value;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

/// Two tones, with all steps.
fn project() -> Bench {
    let bench = Bench::new("keywords");
    for i in 0..24 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * i as f64, i));
        bench.write(&format!("in/high.{i}.wav"), tone(900.0 + 20.0 * i as f64, i + 100));
    }
    bench.replace(
        "epochs = 150",
        "epochs = 6\nprune = 0.5\nquantisation_aware = true\nfine_tune_epochs = 4\nteacher = { times = 2 }",
    );
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench.append("cases = 200\n\n[[data]]\npath = \"../in\"\nlabel_from = \"name\"\n");
    bench
}

fn hash(report: &Value) -> String {
    report["artifacts"][0]["sha256"].as_str().expect("a package").to_owned()
}

#[test]
fn each_step_tells_what_it_changed_and_the_c_agrees() {
    let bench = project();
    let report = bench.json(&["run", "project", "--json", "--jobs", "1"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert_eq!(report["test"]["c"], report["test"]["int8"], "{report}");
    let steps = report["training"][0]["steps"].as_array().expect("steps");
    let names: Vec<&str> = steps.iter().filter_map(|s| s["step"].as_str()).collect();
    assert_eq!(names, ["distillation", "pruning", "quantisation_aware"]);
    let figure = |step: usize, when: &str, name: &str| steps[step][when][name].as_f64().expect("a figure");
    for name in ["parameters", "macs", "flash_bytes", "ram_bytes", "instructions"] {
        assert_eq!(figure(0, "before", name), figure(0, "after", name), "{name}");
        assert!(figure(1, "before", name) > figure(1, "after", name), "{name}: {report}");
        assert_eq!(figure(1, "after", name), figure(2, "before", name), "{name}");
        assert_eq!(figure(2, "before", name), figure(2, "after", name), "{name}");
    }
    assert!(figure(2, "after", "metric") >= figure(2, "before", "metric") - 0.1, "{report}");
    let page = std::fs::read_to_string(bench.path("project/report/report.md")).expect("a report");
    assert!(page.contains("| flash, bytes |") && page.contains("quantisation aware"), "{page}");
    // Without the steps the package is larger.
    bench.replace("prune = 0.5\nquantisation_aware = true", "prune = 0.0");
    let plain = bench.json(&["run", "project", "--json", "--until", "build"]);
    assert_ne!(hash(&plain), hash(&report));
    assert_eq!(plain["training"][0]["steps"].as_array().map(Vec::len), Some(1));
}

#[test]
fn threads_and_kills_change_nothing() {
    let started = Instant::now();
    let expected = hash(&project().json(&["run", "project", "--json", "--until", "build", "--jobs", "1"]));
    let whole = started.elapsed();
    let bench = project();
    // Somewhere in each phase, as far as chance has it.
    for share in [3, 5, 7] {
        let mut child = common::command(&bench.path(""))
            .args(["run", "project", "--until", "build", "--jobs", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        std::thread::sleep(whole.min(Duration::from_secs(20)) * share / 10);
        child.kill().expect("killed");
        child.wait().expect("reaped");
    }
    assert_eq!(hash(&bench.json(&["run", "project", "--json", "--until", "build", "--jobs", "2"])), expected);
}

#[test]
fn a_teacher_that_does_not_fit_is_named() {
    let bench = project();
    bench
        .replace("teacher = { times = 2 }", "teacher = { layers = [{ type = \"max_pool\", size = [999] }] }");
    let out = bench.run(&["run", "project", "--until", "train"]);
    let words = text(&out);
    assert!(!out.status.success() && words.contains("`training.teacher`: layer 1 (max_pool)"), "{words}");
}
