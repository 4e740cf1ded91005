//! Columns of words in a table: an axis for each word, from import to the proven C and back to new files.

mod common;
use common::{Bench, Noise, text};

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
