//! Features that are selected: from the project file to proven C, and what each of them tells.

mod common;
use common::{Bench, motion, text};
use serde_json::Value;

/// Two motions; spectral analysis, statistics of the window and a spectrum's features of three axes.
fn project() -> Bench {
    let bench = Bench::new("motion");
    for (label, hz, amplitude) in [("slow", 2.0, 4.0), ("fast", 8.0, 4.0)] {
        for i in 0..24 {
            bench.write(&format!("recordings/{label}.{i:02}.csv"), motion(hz, amplitude, i));
        }
    }
    let out = bench.run(&["data", "import", "recordings", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace(
        "[[impulse.learn]]\nkind = \"anomaly\"",
        "[[impulse.dsp]]\nblock = \"signal_features\"\n\n# [[none]]\n# kind",
    );
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    bench
}

/// Runs and proves; returns the report and the bytes of the package.
fn proven(bench: &Bench) -> (Value, u64) {
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert_eq!(report["test"]["c"], report["test"]["int8"], "{report}");
    let path = report["artifacts"][0]["path"].as_str().expect("a path");
    let size = std::fs::metadata(bench.path(path)).expect("a package").len();
    (report, size)
}

fn note(report: &Value) -> String {
    report["stages"][3]["notes"].to_string()
}

#[test]
fn selected_features_reach_the_c_and_the_rest_is_not_computed() {
    let bench = project();
    let (_, large) = proven(&bench);
    bench.append("\n[impulse.select]\nkeep = 12\n");
    let (few, small) = proven(&bench);
    assert!(note(&few).contains("12 of ") && note(&few).contains("mutual information"), "{}", note(&few));
    assert!(few["test"]["int8"]["accuracy"].as_f64() >= Some(0.9), "{few}");
    assert!(small < large, "{small} {large}");
    let again = bench.json(&["run", "project", "--json"]);
    assert!(again["stages"].as_array().expect("stages").iter().all(|s| s["status"] == "cached"), "{again}");

    let told = bench.json(&["dsp", "importance", "project", "--json"]);
    let features = told["features"].as_array().expect("features");
    let taken: Vec<&str> =
        features.iter().filter(|f| !f["drop"].is_null()).filter_map(|f| f["name"].as_str()).collect();
    assert_eq!(taken.len(), 12);
    let information = |f: &Value| f["mutual_information"].as_f64().expect("a number");
    assert!(features.windows(2).all(|w| information(&w[0]) >= information(&w[1])));
    // Two classes tell at most ln 2.
    assert!(information(&features[0]) > 0.5 && information(&features[0]) <= std::f64::consts::LN_2 + 1e-9);

    // Of two labels each is told as much as both; with its own loss.
    for f in features {
        let of = f["labels"].as_object().expect("labels");
        assert_eq!(of.len(), 2, "{f}");
        for told in of.values() {
            assert!((information(told) - information(f)).abs() < 1e-9, "{f}");
            assert_eq!(told["drop"].is_null(), f["drop"].is_null(), "{f}");
        }
    }

    // By name: the two of one block that nobody else needs.
    let names: Vec<&str> = features
        .iter()
        .filter_map(|f| f["name"].as_str())
        .filter(|n| n.contains("Energy") || n.contains("RMS"))
        .take(2)
        .collect();
    bench.replace("keep = 12", &format!("method = \"list\"\nfeatures = {names:?}"));
    let (named, _) = proven(&bench);
    assert!(note(&named).contains("2 of "), "{}", note(&named));
}

#[test]
fn selections_that_cannot_be_are_refused_with_what_to_do() {
    for (section, expected) in [
        ("keep = 0", "it must be at least 1"),
        ("keep = 100000", "so it can be at most"),
        ("features = [\"accX RMS\"]", "`impulse.select.keep` is missing"),
        ("method = \"list\"", "name at least one feature"),
        (
            "method = \"list\"\nkeep = 3\nfeatures = [\"accX RMS\"]",
            "is for `method = \"mutual_information\"`",
        ),
        ("method = \"list\"\nfeatures = [\"flatten accX RMX\"]", "did you mean `flatten accX R"),
    ] {
        let bench = project();
        bench.append(&format!("\n[impulse.select]\n{section}\n"));
        let out = bench.run(&["run", "project", "--until", "features"]);
        assert!(!out.status.success() && text(&out).contains(expected), "{section}: {}", text(&out));
    }
}
