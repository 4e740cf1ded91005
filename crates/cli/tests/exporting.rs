//! What is taken out of a project with `data export` comes back as it was.

mod common;
use common::{Bench, Noise, motion, text, tone};
use serde_json::Value;

/// Imports what was exported into a new project and compares all that the list says of each sample.
fn comes_back(bench: &Bench, template: &str) {
    let listed = |b: &Bench, project: &str| -> Vec<Value> {
        let list = b.json(&["data", "list", "--project", project, "--json"]);
        let mut samples = list["samples"].as_array().expect("a list").clone();
        for s in &mut samples {
            let id = s["id"].as_str().expect("an id").to_owned();
            let shown = b.json(&["data", "show", &id, "--project", project, "--json"]);
            s["metadata"] = shown["info"]["metadata"].clone();
            // Made from who imported it.
            s.as_object_mut().expect("an object").remove("id");
        }
        let of = |s: &Value| (s["name"].to_string(), s["metadata"].to_string());
        samples.sort_by_key(of);
        samples
    };
    let out = bench.run(&["data", "export", "out", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(bench.run(&["new", "second", "--template", template]).status.success());
    let out = bench.run(&["data", "import", "out", "--project", "second"]);
    assert!(out.status.success(), "{}", text(&out));
    let (before, after) = (listed(bench, "project"), listed(bench, "second"));
    assert!(before.len() > 1);
    assert_eq!(after.len(), before.len());
    for (a, b) in after.iter().zip(&before) {
        assert_eq!(a, b);
    }
}

#[test]
fn rows_of_a_table_come_back_with_their_labels_and_groups() {
    let bench = Bench::new("tabular");
    let mut noise = Noise(5);
    let mut csv = String::from("a,b,who,kind\n");
    for i in 0..60 {
        let kind = ["x", "y", "z"][i / 20];
        csv.push_str(&format!("{:.3},{:.3},p{},{kind}\n", noise.next(), i as f64 + noise.next(), i % 7));
    }
    bench.write("in/t.csv", &csv);
    let args = ["data", "import", "in", "--project", "project", "--label-from", "column:kind"];
    let out = bench.run(&[&args[..], &["--group-from", "column:who"]].concat());
    assert!(out.status.success(), "{}", text(&out));
    comes_back(&bench, "tabular");

    // Labels of rows are not given to other rows.
    let path = bench.path("out/split/t.csv");
    std::fs::write(&path, csv.replace("p3,x\n", "p3,x\n1,2,p9,z\n")).expect("written");
    assert!(bench.run(&["new", "third", "--template", "tabular"]).status.success());
    let report = bench.json(&["data", "import", "out", "--project", "third", "--json"]);
    assert_eq!(report["imported"], 0, "{report}");
    let reason = report["quarantined"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("not the one that was exported") && reason.contains("60 samples"), "{reason}");
}

#[test]
fn parts_of_a_series_come_back() {
    let bench = Bench::new("motion");
    let mut csv = String::from("timestamp,x,state\n");
    for i in 0..300 {
        csv.push_str(&format!(
            "{},{:.3},{}\n",
            i * 20,
            (f64::from(i) / 5.0).sin(),
            ["on", "off"][i as usize / 50 % 2]
        ));
    }
    bench.write("in/s.csv", csv);
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "column:state"]);
    assert!(out.status.success(), "{}", text(&out));
    comes_back(&bench, "motion");
}

#[test]
fn categories_groups_facts_and_equal_names_come_back() {
    let bench = Bench::new("keywords");
    for i in 0..3 {
        bench.write(&format!("a/low.ann.{i}.wav"), tone(300.0, i));
        bench.write(&format!("b/low.ann.{i}.wav"), tone(320.0, i + 10));
        bench.write(&format!("c/high.bob.{i}.wav"), tone(900.0, i + 20));
    }
    bench.write(
        "d/walk.csv",
        motion(2.0, 1.0, 1)
            .replace("timestamp,", "")
            .lines()
            .map(|l| {
                // Without a time: the rate is given.
                let (_, rest) = l.split_once(',').unwrap_or(("", l));
                format!("{}\n", if l.starts_with("acc") { l } else { rest })
            })
            .collect::<String>(),
    );
    let import = |folder: &str, more: &[&str]| {
        let group = "regex:^[^.]+\\.([^.]+)\\.";
        let args = ["data", "import", folder, "--project", "project", "--group-from", group];
        let out = bench.run(&[&args[..], more].concat());
        assert!(out.status.success(), "{}", text(&out));
    };
    import("a", &["--label-from", "name", "--category", "testing"]);
    import("b", &["--label-from", "name", "--category", "training"]);
    import("c", &["--label-from", "name"]);
    import("d", &["--label", "walk", "--rate", "50"]);
    // Facts come from `info.labels` as well.
    bench.write("e/x.wav", tone(500.0, 40));
    bench.write(
        "e/info.labels",
        r#"{"version": 1, "files": [{"path": "x.wav", "category": "split", "label": {"type": "label", "label": "mid"},
            "metadata": {"room": "kitchen"}}]}"#,
    );
    import("e", &[]);
    let shown = bench.json(&["data", "show", "x.wav", "--project", "project", "--json"]);
    assert_eq!(shown["info"]["metadata"]["room"], "kitchen", "{shown}");

    let out = bench.run(&["data", "export", "out", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(bench.run(&["new", "second"]).status.success());
    let report = bench.json(&["data", "import", "out", "--project", "second", "--json"]);
    assert_eq!((&report["imported"], &report["categories"]["split"]), (&11.into(), &5.into()), "{report}");
    let of = |project: &str| -> Vec<Vec<String>> {
        let list = bench.json(&["data", "list", "--project", project, "--json"]);
        let mut all: Vec<Vec<String>> = list["samples"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|s| {
                ["label", "category", "group", "rate_hz", "duration_ms"].map(|k| s[k].to_string()).to_vec()
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(of("second"), of("project"));
    let shown = bench.json(&["data", "show", "x.wav", "--project", "second", "--json"]);
    assert_eq!(shown["info"]["metadata"]["room"], "kitchen", "{shown}");
}
