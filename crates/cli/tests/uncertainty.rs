//! How sure a classifier is: temperature, least confidence and sets of labels, from a table to proven C.

mod common;
use common::{Bench, Noise, text};

/// Rows of two labels that overlap: near the border a label is drawn by chance.
fn table(rows: usize, seed: u64) -> String {
    let mut noise = Noise(seed);
    let mut out = String::from("a,b,label\n");
    for _ in 0..rows {
        let [a, b, chance] = [noise.next(), noise.next(), noise.next()];
        let label = if a + 0.5 * b + 0.6 * chance > 0.0 { "high" } else { "low" };
        out.push_str(&format!("{a},{b},{label}\n"));
    }
    out
}

fn project() -> Bench {
    let bench = Bench::new("tabular");
    bench.write("table.csv", table(900, 5));
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    let out =
        bench.run(&["data", "import", "table.csv", "--project", "project", "--label-from", "column:label"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"a\", \"b\"]\n");
    bench
}

#[test]
fn unsure_windows_are_told_on_the_device_and_sets_hold_the_truth() {
    let bench = project();
    bench.replace("kind = \"classifier\"", "kind = \"classifier\"\nmethod = \"naive_bayes\"");
    bench.replace("[evaluation]\n", "[evaluation]\ntarget_accuracy = 0.95\ncoverage = 0.9\n");
    let report = bench.json(&["run", "project", "--json"]);
    let test = &report["test"];
    let known = &test["uncertainty"];
    assert!(known["temperature"].is_null(), "{known}");
    for figures in [&test["float"], &test["int8"]] {
        for key in ["ece", "brier"] {
            assert!(figures[key].as_f64().is_some_and(|v| (0.0..1.0).contains(&v)), "{key}: {figures}");
        }
    }
    assert_eq!(test["c"]["brier"], test["int8"]["brier"]);
    for (set, kind) in known["sets"].as_array().expect("sets").iter().zip(["lac", "aps"]) {
        assert_eq!(set["kind"], kind);
        // 180 test rows: three deviations are 0.07.
        assert!(set["coverage"].as_f64().is_some_and(|c| c > 0.83), "{set}");
        assert!(set["mean_size"].as_f64().is_some_and(|s| (0.8..2.0).contains(&s)), "{set}");
    }
    let least = known["suggested"]["min_confidence"].as_f64().expect("a confidence");
    assert!(least > 0.5 && least < 1.0, "{known}");
    let page = std::fs::read_to_string(bench.path("project/report/report.html")).expect("a report");
    assert!(page.contains("reliability") && page.contains("hold the right one"));

    // What is suggested is taken: nothing trains again, and the C tells the same windows.
    bench.replace("method = \"naive_bayes\"", &format!("method = \"naive_bayes\"\nmin_confidence = {least}"));
    let report = bench.json(&["run", "project", "--json"]);
    let train = report["stages"].as_array().and_then(|s| s.iter().find(|s| s["name"] == "train"));
    assert_eq!(train.map(|s| &s["status"]), Some(&"cached".into()), "{report}");
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let accepted = &report["test"]["int8"]["accepted"];
    assert_eq!(accepted, &report["test"]["uncertainty"]["suggested_on_test"]);
    assert_eq!(accepted, &report["test"]["c"]["accepted"]);
    let share = accepted["coverage"].as_f64().expect("a share");
    assert!(share > 0.1 && share < 0.99, "{accepted}");
    let right = accepted["accuracy"].as_f64().expect("an accuracy");
    assert!(right > report["test"]["int8"]["accuracy"].as_f64().expect("accuracy"), "{accepted}");

    bench.write("rows.csv", "a,b\n0.9,0.4\n0.01,0.0\n");
    let out = bench.run(&["classify", "project", "rows.csv", "--json"]);
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {}", text(&out))))
        .collect();
    assert_eq!(lines[0]["uncertain"], false, "{}", text(&out));
    assert_eq!(lines[0]["set"], serde_json::json!(["high"]), "{}", text(&out));
    assert_eq!(lines[1]["uncertain"], true, "{}", text(&out));
    let out = bench.run(&["classify", "project", "rows.csv"]);
    assert!(text(&out).contains(" uncertain  {"), "{}", text(&out));
}

#[test]
fn a_network_may_stay_as_it_was_trained() {
    let bench = project();
    bench.replace("[training]\n", "[training]\ncalibrate = false\nepochs = 3 #");
    let report = bench.json(&["run", "project", "--until", "test", "--json"]);
    let test = &report["test"];
    assert!(test["uncertainty"]["temperature"].is_null() && test["int8"]["ece_before"].is_null(), "{test}");
    let accuracy = test["float"]["accuracy"].clone();
    let plain = test["int8"]["ece"].as_f64().expect("an error");
    bench.replace("calibrate = false", "calibrate = true");
    let report = bench.json(&["run", "project", "--until", "test", "--json"]);
    let test = &report["test"];
    // The same network: what it was before is what it was without.
    let before = test["int8"]["ece_before"].as_f64().expect("an error");
    assert!((before - plain).abs() < 0.005, "{before} {plain}");
    assert_eq!(test["float"]["accuracy"], accuracy);
    // Three epochs leave it unsure of what it knows.
    assert!(test["uncertainty"]["temperature"].as_f64().is_some_and(|t| t < 0.95), "{test}");
    let [now, was] = ["brier", "brier_before"].map(|k| test["int8"][k].as_f64().expect("a score"));
    assert!(now != was && (now - was).abs() < 0.02, "{test}");
}

#[test]
fn settings_that_cannot_be_are_named() {
    for (from, to, expected) in [
        (
            "kind = \"classifier\"",
            "kind = \"classifier\"\nmin_confidense = 0.6",
            "did you mean `min_confidence`",
        ),
        (
            "kind = \"classifier\"",
            "kind = \"classifier\"\nmin_confidence = 1.5",
            "`impulse.learn.min_confidence` is 1.5",
        ),
        (
            "kind = \"classifier\"",
            "kind = \"regression\"\nmin_confidence = 0.6",
            "is for `kind = \"classifier\"`",
        ),
        ("[evaluation]\n", "[evaluation]\ncoverage = 1.0\n", "`evaluation.coverage` is 1"),
        ("[evaluation]\n", "[evaluation]\nsets = \"lak\"\n", "did you mean `lac`"),
    ] {
        let bench = Bench::new("tabular");
        bench.replace(from, to);
        let out = bench.run(&["run", "project"]);
        assert_eq!(out.status.code(), Some(2), "{}", text(&out));
        assert!(text(&out).contains(expected), "{}", text(&out));
    }
}
