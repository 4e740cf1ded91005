//! A full disk and `kill -9` in every stage: nothing is lost, the next run goes on, the result is the same.

mod common;
use common::{Bench, text, tone};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// A small project of two tones; `run` imports them itself.
fn project() -> Bench {
    let bench = Bench::new("keywords");
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * i as f64, i));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * i as f64, i + 100));
    }
    bench.replace("epochs = 150", "epochs = 5");
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench.append("cases = 10\n\n[[data]]\npath = \"../in\"\nlabel_from = \"name\"\n");
    bench
}

/// What must not depend on interruptions.
fn essence(report: &serde_json::Value) -> serde_json::Value {
    let keys: Vec<_> =
        report["stages"].as_array().expect("stages").iter().map(|s| s["key"].clone()).collect();
    serde_json::json!([report["data"], report["test"], report["artifacts"][0]["sha256"], keys])
}

#[test]
fn kill_9_in_every_stage_loses_nothing() {
    let stages = ["import", "clean", "split", "features", "train", "test", "build", "verify", "report"];
    // The proof takes longest, so it runs only where it is the matter.
    let whole = project().json(&["run", "project", "--json"]);
    let short = project().json(&["run", "project", "--json", "--until", "build"]);
    for (number, stage) in stages.iter().enumerate() {
        let (expected, until) = if number < 7 { (&short, "build") } else { (&whole, "report") };
        let bench = project();
        // A stage begins when the one before has told its end; `import` begins at once.
        let mut child = common::command(&bench.path(""))
            .args(["run", "project", "--until", until])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        if number > 0 {
            let before = stages[number - 1];
            let told = lines.find(|l| l.as_ref().is_ok_and(|l| l.starts_with(before)));
            assert!(told.is_some(), "{before} never ended");
        }
        // Some way into the stage: long stages are hit in their middle, short ones anywhere.
        std::thread::sleep(Duration::from_millis([5, 1, 0, 2, 60, 1, 1, 150, 0][number]));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        let state = bench.path("project/.edgewright/meta.sqlite");
        if state.exists() {
            let list = bench.run(&["data", "list", "--project", "project", "--json"]);
            assert!(list.status.success(), "after a kill in {stage}: {}", text(&list));
        }
        let report = bench.json(&["run", "project", "--json", "--until", until]);
        assert_eq!(essence(&report), essence(expected), "after a kill in {stage}");
        for earlier in report["stages"].as_array().expect("stages").iter().take(number.saturating_sub(1)) {
            assert_eq!(earlier["status"], "cached", "{stage} was killed: {earlier}");
        }
    }
}

/// Runs the command with a limit on the size of files, as a full disk that root meets as well.
fn limited(bench: &Bench, blocks: u32, args: &[&str]) -> Output {
    let script = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$0\" --no-progress \"$@\"");
    Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_edgewright")])
        .args(args)
        .current_dir(bench.path(""))
        .output()
        .expect("a shell")
}

#[test]
fn a_disk_without_room_is_named_and_the_next_run_goes_on() {
    let expected = essence(&project().json(&["run", "project", "--json", "--until", "build"]));
    let bench = project();
    let mut failures = 0;
    // Blocks of 512 bytes: from no database at all to no room for the features.
    for blocks in [1, 16, 70, 100, 150, 250] {
        let out = limited(&bench, blocks, &["run", "project", "--until", "build"]);
        if out.status.success() {
            continue;
        }
        failures += 1;
        assert_eq!(out.status.code(), Some(1), "{blocks}: {}", text(&out));
        let words = text(&out);
        assert!(words.contains("nothing is lost") && words.contains(".edgewright"), "{blocks}: {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
    assert!(failures >= 3, "the limit was met {failures} times");
    assert_eq!(essence(&bench.json(&["run", "project", "--json", "--until", "build"])), expected);
}
