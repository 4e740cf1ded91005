//! Words: columns of them in a table become axes, from import to the proven C and back to new files; labels get the names that a project
//! gives them.

mod common;
use common::{Bench, Noise, motion, text};

/// Rows whose label hangs on the words more than on the number.
fn table(seed: u64, rows: usize, places: &[&str]) -> String {
    let mut noise = Noise(seed);
    let mut out = String::from("id;age;place;state;label\n");
    for i in 0..rows {
        let age = noise.next();
        let place = places[i % places.len()];
        let state = ["dry", "wet", ""][(i / 3) % 3];
        let label = if place == "roof" || (state == "wet" && age > 0.0) { "high" } else { "low" };
        out.push_str(&format!("item {seed} {i};{age};{place};{state};{label}\n"));
    }
    out
}

#[test]
fn words_become_axes_and_the_c_takes_them() {
    let bench = Bench::new("tabular");
    bench.write("in/one.csv", table(1, 180, &["roof", "cellar", "hall"]));
    bench.write("in/two.csv", table(2, 60, &["garden", "hall"]));
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "column:label"]);
    let told = text(&out);
    assert!(told.contains("column 3 (`place`) holds words: an axis for each (cellar, hall, roof)"), "{told}");
    assert!(told.contains("column 4 (`state`) is empty in 60 rows"), "{told}");
    assert!(
        told.contains("column 1 (`id`) holds 180 different words in 180 rows and was left out"),
        "{told}"
    );

    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert!(report["test"]["int8"]["accuracy"].as_f64().is_some_and(|a| a > 0.9), "{report}");

    // Another order of columns, no label, a word that nobody knows, and one that is missing.
    bench.write("new.csv", "state;place;age\nwet;roof;0.5\ndry;hall;-0.5\n;moon;0.1\n");
    let out = bench.run(&["classify", "project", "new.csv", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("one object per line"))
        .collect();
    let said: Vec<_> = lines.iter().map(|l| (l["row"].as_u64(), l["label"].as_str())).collect();
    assert_eq!(said, [(Some(2), Some("high")), (Some(3), Some("low")), (Some(4), Some("low"))]);

    // A column by its name brings all its words; without the other the label is not found as well.
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"age\", \"place\"]\n");
    let out = bench.run(&["build", "project", "--target", "host", "--package", "c", "--out", "lib.zip"]);
    assert!(out.status.success(), "{}", text(&out));
    let estimate = text(&bench.run(&["run", "project", "--until", "train"]));
    assert!(!estimate.contains("state="), "{estimate}");

    // A file without the column is refused by name.
    bench.write("less.csv", "age;state\n0.5;wet\n");
    let told = text(&bench.run(&["classify", "project", "less.csv"]));
    assert!(told.contains("place"), "{told}");
}

#[test]
fn labels_are_renamed_merged_and_dropped() {
    let bench = Bench::new("anomaly");
    for i in 0..12 {
        bench.write(&format!("in/0.{i}.csv"), motion(2.0, 3.0, i));
    }
    for (label, seed) in [("1", 40), ("1", 41), ("2", 42), ("odd", 43)] {
        bench.write(&format!("in/{label}.{seed}.csv"), motion(11.0, 12.0, seed));
    }
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    // Without `normal` everything trains, and that is told.
    let told = text(&bench.run(&["run", "project", "--until", "test"]));
    assert!(told.contains("nothing is labelled `normal` (`0`, `1`, `2`, `odd`)"), "{told}");
    bench.append("\n[labels]\n\"0\" = \"normal\"\n\"2\" = \"1\"\nodd = \"\"\nnever = \"x\"\n");
    let out = bench.run(&["run", "project", "--until", "test", "--json"]);
    let told = text(&out);
    assert!(told.contains("12 times `0` is called `normal`"), "{told}");
    assert!(told.contains("1 times `odd` counts as no label"), "{told}");
    assert!(told.contains("nothing is labelled `never`"), "{told}");
    let report = bench.json(&["run", "project", "--until", "test", "--json"]);
    assert!(report["test"]["int8"]["auroc"].as_f64().is_some_and(|a| a > 0.9), "{report}");
    // What was received keeps its label.
    assert!(text(&bench.run(&["data", "list", "--project", "project"])).contains("odd"));
    bench.replace("odd = \"\"", "odd = \"a/b\"");
    let out = bench.run(&["run", "project"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("must not hold"), "{}", text(&out));
}
