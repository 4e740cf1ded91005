//! `dsp tune`: a search on training windows alone, the same for the same seed, and its best written into the project file.

mod common;
use common::{Bench, motion, text};

/// Two motions that only slow filters tell apart well; the test set holds the contrary of the training set.
fn project() -> Bench {
    let bench = Bench::new("motion");
    for (label, hz) in [("slow", 2.0), ("fast", 8.0)] {
        for i in 0..20 {
            bench.write(&format!("recordings/{label}.{i:02}.csv"), motion(hz, 4.0, i));
        }
    }
    let import = ["data", "import", "recordings", "--project", "project", "--label-from", "name"];
    let out = bench.run(&[&import[..], &["--category", "training"]].concat());
    assert!(out.status.success(), "{}", text(&out));
    bench
}

#[test]
fn the_best_of_a_search_goes_into_the_project_file() {
    let bench = project();
    let blocks = bench.json(&["dsp", "tune", "project", "--trials", "12", "--json"]);
    let trials = blocks["trials"].as_array().expect("trials");
    assert_eq!(trials.len(), 12, "{blocks}");
    assert_eq!(trials.iter().filter(|t| t["current"] == true).count(), 1, "{blocks}");
    let score = |t: &serde_json::Value| t["score"].as_f64().expect("a number");
    assert!(trials.windows(2).all(|t| score(&t[0]) >= score(&t[1])), "{blocks}");
    assert!(trials.iter().all(|t| t["separability"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s))));
    let again = bench.json(&["dsp", "tune", "project", "--trials", "12", "--json"]);
    assert_eq!(blocks, again, "the same seed, the same search");
    let other = bench.json(&["dsp", "tune", "project", "--trials", "12", "--seed", "9", "--json"]);
    assert_ne!(blocks["trials"], other["trials"]);

    // Recordings that test change nothing, whatever they are called.
    for i in 0..10 {
        bench.write(&format!("more/slow.{i:02}.csv"), motion(8.0, 4.0, 100 + i));
    }
    let import = ["data", "import", "more", "--project", "project", "--label-from", "name"];
    let out = bench.run(&[&import[..], &["--category", "testing"]].concat());
    assert!(out.status.success(), "{}", text(&out));
    let with_tests = bench.json(&["dsp", "tune", "project", "--trials", "12", "--json"]);
    assert_eq!((&blocks["trials"], &blocks["finalists"]), (&with_tests["trials"], &with_tests["finalists"]));

    let before = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("a project file");
    let out = bench.run(&["dsp", "tune", "project", "--trials", "12", "--apply"]);
    assert!(out.status.success(), "{}", text(&out));
    let after = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("a project file");
    let finalists = blocks["finalists"].as_array().expect("finalists");
    assert!(finalists.len() > 1 && finalists[0]["current"] == true, "{blocks}");
    assert!(finalists.iter().all(|f| f["accuracy"].is_number() && f["anomaly"].is_number()), "{blocks}");
    let chosen = finalists.iter().filter(|f| f["chosen"] == true).collect::<Vec<_>>();
    assert_eq!(chosen.len(), 1, "{blocks}");
    for name in ["accuracy", "anomaly"] {
        let of = |f: &serde_json::Value| f[name].as_f64().expect("a figure");
        assert!(of(chosen[0]) >= of(&finalists[0]) - 0.005, "{blocks}");
    }
    assert_eq!(with_tests["test"].as_array().map(Vec::len), Some(2), "{blocks}");
    if chosen[0]["current"] == true {
        assert_eq!(before, after);
    } else {
        for (key, value) in chosen[0]["settings"].as_object().expect("settings") {
            assert!(after.contains(&format!("{key} = {value}")), "{after}");
        }
        let comments = |t: &str| t.lines().filter(|l| l.contains('#')).count();
        assert_eq!(comments(&before), comments(&after), "{after}");
    }
    let out = bench.run(&["run", "project", "--until", "features"]);
    assert!(out.status.success(), "{}", text(&out));
}

#[test]
fn searches_that_cannot_be_are_refused() {
    let bench = project();
    let out = bench.run(&["dsp", "tune", "project", "--block", "spectral_analisys"]);
    assert!(
        !out.status.success() && text(&out).contains("did you mean `spectral_analysis`"),
        "{}",
        text(&out)
    );
    let out = bench.run(&["dsp", "tune", "project", "--trials", "1"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    let bench = Bench::new("motion");
    for i in 0..6 {
        bench.write(&format!("recordings/slow.{i}.csv"), motion(2.0, 4.0, i));
    }
    bench.replace("[[impulse.learn]]\nkind = \"anomaly\"", "# [[impulse.learn]]\n# kind = \"anomaly\"");
    bench.run(&["data", "import", "recordings", "--project", "project", "--label-from", "name"]);
    let out = bench.run(&["dsp", "tune", "project"]);
    assert!(!out.status.success() && text(&out).contains("tells at least two apart"), "{}", text(&out));
}
