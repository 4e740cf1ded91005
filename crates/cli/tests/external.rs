//! Learning blocks that a program of the user trains: real programs, in Python.

mod common;
use common::{Bench, Noise, text};

const COMMAND: &str = "kind = \"classifier\"\ncommand = [\"python3\", \"blocks/train.py\"]";

/// Rows whose label hangs on the first column.
fn project(block: &str, more: &str) -> Bench {
    let bench = Bench::new("tabular");
    let mut noise = Noise(5);
    let mut table = String::from("a,b,label\n");
    for _ in 0..150 {
        let [a, b] = [noise.next(), noise.next()];
        let label = if a + 0.3 * b > 0.25 {
            "high"
        } else if a < -0.4 {
            "low"
        } else {
            "middle"
        };
        table.push_str(&format!("{a},{b},{label}\n"));
    }
    bench.write("table.csv", table);
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    let out =
        bench.run(&["data", "import", "table.csv", "--project", "project", "--label-from", "column:label"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"a\", \"b\"]\n");
    bench.write("project/blocks/train.py", block);
    bench.replace("kind = \"classifier\"", &format!("{COMMAND}\n{more}"));
    bench
}

fn logistic() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/learning-blocks/logistic.py");
    std::fs::read_to_string(path).expect("the example")
}

#[test]
fn a_program_trains_and_what_it_made_is_proven() {
    let bench = project(&logistic(), "parameters = { steps = 400, rate = 1.5 }\n");
    let out = bench.run(&["run", "project", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(String::from_utf8_lossy(&out.stderr).contains("of 1"), "its words are progress: {}", text(&out));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let [float, int8, c] =
        ["float", "int8", "c"].map(|k| report["test"][k]["accuracy"].as_f64().expect("a figure"));
    assert!(float >= 0.9 && (float - int8).abs() <= 0.04 && int8 == c, "{report}");
    // Nothing new, nothing done; another parameter or another program is another training.
    let status = |stage: usize| bench.json(&["run", "project", "--json"])["stages"][stage]["status"].clone();
    assert_eq!(status(4), "cached");
    bench.replace("steps = 400", "steps = 380");
    assert_eq!(status(4), "built");
    bench.write("project/blocks/train.py", logistic() + "\n# Another text.\n");
    assert_eq!(status(4), "built");
    assert_eq!(status(4), "cached");
}

#[test]
fn a_program_that_fails_hangs_or_writes_half_a_file_leaves_the_project_as_it_was() {
    let good = logistic();
    let bench = project(&good, "time_limit_s = 20\n");
    let whole = bench.json(&["run", "project", "--json"]);
    let sha = &whole["artifacts"][0]["sha256"];
    let fails = |block: &str, words: &[&str]| {
        bench.write("project/blocks/train.py", block);
        let out = bench.run(&["run", "project"]);
        let said = text(&out);
        assert_eq!(out.status.code(), Some(1), "{block}: {said}");
        assert!(words.iter().all(|w| said.contains(w)), "{block}: {said}");
    };
    let written = |what: &str| {
        let parse = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--out-directory')\na, _ = p.parse_known_args()\n";
        format!("{parse}{what}")
    };
    fails(
        "import sys\nprint('no room for rows', file=sys.stderr)\nsys.exit(3)\n",
        &["exit status: 3", "no room for rows"],
    );
    fails("pass\n", &["wrote nothing", "model.onnx", "hint: "]);
    fails(
        &written("open(a.out_directory + '/model.pkl', 'wb').write(b'x')\n"),
        &["model.pkl", "scikit_to_json.py"],
    );
    fails(
        &written(
            "open(a.out_directory + '/model.json', 'w').write('{\"edgewright_sklearn\": 1, \"weights\": [[0.')\n",
        ),
        &["model.json"],
    );
    fails(&written("open(a.out_directory + '/model.onnx', 'wb').write(b'')\n"), &["model.onnx"]);
    bench.replace("time_limit_s = 20", "time_limit_s = 1");
    fails("import time\ntime.sleep(60)\n", &["was stopped after 1 s"]);
    bench.replace("\"python3\"", "\"edgewright-is-not-there\"");
    fails(&good, &["edgewright-is-not-there", "could not be started"]);
    // With the old program all is there again, and nothing is done anew.
    bench.replace("\"edgewright-is-not-there\"", "\"python3\"");
    bench.replace("time_limit_s = 1\n", "time_limit_s = 20\n");
    bench.write("project/blocks/train.py", &good);
    let again = bench.json(&["run", "project", "--json"]);
    assert_eq!(again["stages"][4]["status"], "cached");
    assert_eq!(again["artifacts"][0]["sha256"], *sha);
}

#[test]
fn what_does_not_go_with_a_command_is_refused_where_it_is_written() {
    for (more, words) in [
        ("layers = []\n", "have no place beside it"),
        ("parameters = { \"out-directory\" = \"/\" }\n", "out-directory"),
        ("method = \"knn\"\n", "impulse.learn.command"),
    ] {
        let bench = project("", more);
        let out = bench.run(&["run", "project"]);
        assert!(!out.status.success() && text(&out).contains(words), "{more}: {}", text(&out));
    }
    let bench = project("", "");
    bench.replace("command = [\"python3\", \"blocks/train.py\"]", "command = []");
    assert!(text(&bench.run(&["run", "project"])).contains("names no program"));
}
