//! Learning blocks that are no networks, from a table to proven C; and models of other libraries on the command line.

mod common;
use common::{Bench, Noise, motion, text};
use serde_json::Value;
use std::path::PathBuf;

/// Rows whose label hangs on two columns, the first of which tells most; `value` is a number.
fn table() -> String {
    let mut noise = Noise(3);
    let mut out = String::from("a,b,c,label,value\n");
    for _ in 0..240 {
        let [a, b, c] = [noise.next(), noise.next(), noise.next()];
        let label = if a > 0.2 {
            "high"
        } else if b > 0.6 {
            "side"
        } else {
            "low"
        };
        out.push_str(&format!("{a},{b},{c},{label},{}\n", 3.0 * a - b));
    }
    out
}

/// A project on the table, proven on the host alone.
fn project(column: &str, template: &str) -> Bench {
    let bench = Bench::new(template);
    bench.write("table.csv", table());
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    let column = format!("column:{column}");
    let out = bench.run(&["data", "import", "table.csv", "--project", "project", "--label-from", &column]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"a\", \"b\", \"c\"]\n");
    bench
}

/// Runs and proves; returns the figure and the verdicts.
fn proven(bench: &Bench, figure: &str) -> (f64, String, Value) {
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let [float, int8, c] =
        ["float", "int8", "c"].map(|k| report["test"][k][figure].as_f64().expect("a figure"));
    // One of the table's 48 test windows may fall on the other side.
    assert!((float - int8).abs() <= 1.0 / 48.0 + 1e-9 && int8 == c, "{report}");
    (float, report["test"]["verdicts"].to_string(), report["artifacts"][0]["sha256"].clone())
}

#[test]
fn classes_are_learned_by_every_method_and_the_rule_stands_beside() {
    let bench = project("label", "tabular");
    let mut before = "kind = \"classifier\"".to_owned();
    for (method, least) in [
        ("rule", 0.75),
        ("logistic_regression", 0.85),
        ("linear_svm", 0.8),
        ("naive_bayes", 0.8),
        ("knn", 0.8),
        ("rbf_svm", 0.85),
        ("gradient_boosting", 0.9),
        ("random_forest", 0.9),
    ] {
        let now = format!("kind = \"classifier\"\nmethod = \"{method}\"");
        bench.replace(&before, &now);
        before = now;
        let (accuracy, verdicts, sha) = proven(&bench, "accuracy");
        assert!(accuracy >= least, "{method}: {accuracy}");
        let expected =
            if method == "rule" { "a plain rule does as well" } else { "the best rule on one feature" };
        // On this table distances, with a column of noise in them, are worth a rule.
        assert!(verdicts.contains(expected) || method == "knn", "{method}: {verdicts}");
        if method == "random_forest" {
            // Same data, same seed, another number of threads: the same bytes.
            let other = project("label", "tabular");
            other.replace("kind = \"classifier\"", &before);
            let one = other.json(&["run", "project", "--jobs", "1", "--json"]);
            assert_eq!(one["artifacts"][0]["sha256"], sha);
        }
    }
}

#[test]
fn numbers_are_learned_by_lines_and_by_trees() {
    let bench = project("value", "regression");
    let mut before = "kind = \"regression\"".to_owned();
    for (method, least) in [("ridge_regression", 0.97), ("gradient_boosting", 0.85), ("random_forest", 0.8)] {
        let now = format!("kind = \"regression\"\nmethod = \"{method}\"");
        bench.replace(&before, &now);
        before = now;
        let (r2, _, _) = proven(&bench, "r2");
        assert!(r2 >= least, "{method}: {r2}");
    }
}

#[test]
fn what_is_not_normal_is_told_by_every_method() {
    let bench = Bench::new("anomaly");
    for i in 0..14 {
        bench.write(&format!("in/normal.{i}.csv"), motion(2.0, 3.0, i));
    }
    for i in 0..4 {
        bench.write(&format!("in/broken.{i}.csv"), motion(11.0, 12.0, i + 40));
    }
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let mut before = "clusters = 32";
    for now in [
        "method = \"gmm\"",
        "method = \"one_class_knn\"\nprototypes = 40",
        "method = \"pca\"",
        "method = \"isolation_forest\"",
    ] {
        bench.replace(before, now);
        before = now;
        let (auroc, _, _) = proven(&bench, "auroc");
        assert!(auroc > 0.9, "{now}: {auroc}");
    }
}

#[test]
fn models_of_other_libraries_run_and_leave_as_c() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/trees");
    let bench = Bench::empty();
    let mut x = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let header = format!("{:<117}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 5), }");
    x.extend(header.as_bytes());
    x.extend([0.1f32, -0.2, 0.3, 0.4, -0.5].iter().flat_map(|v| v.to_le_bytes()));
    bench.write("x.npy", x);
    for name in ["lightgbm_two.txt", "xgboost_three.json", "scikit_forest.json", "scikit_logistic_two.json"] {
        let model = golden.join(name).display().to_string();
        let run = bench.json(&["model", "run", &model, "--input", "x.npy", "--out", "y.npy", "--json"]);
        assert_eq!(run["cases"], 1, "{run}");
        let y = std::fs::read(bench.path("y.npy")).expect("outputs");
        let shares: Vec<f32> =
            y[y.len() - 8..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert!(shares.iter().all(|s| (0.0..=1.0).contains(s)), "{name}: {shares:?}");
        let out = bench.run(&["model", "export", &model, "--format", "c", "--out", "c"]);
        assert!(out.status.success(), "{name}: {}", text(&out));
        let profile = bench.json(&["model", "profile", &model, "--target", "cortex-m4f", "--json"]);
        let instructions = profile["targets"][0]["instructions"].as_u64().expect("instructions");
        assert!(instructions > 50, "{name}: {instructions}");
    }
    let out = bench.run(&[
        "model",
        "export",
        &golden.join("lightgbm_two.txt").display().to_string(),
        "--format",
        "onnx",
        "--out",
        "m.onnx",
    ]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out).contains("decision trees are not written in this format"), "{}", text(&out));
    bench.write("bad.txt", "tree\nversion=v4\n");
    let out = bench.run(&["model", "run", "bad.txt", "--input", "x.npy", "--out", "y.npy"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out).contains("has no `num_tree_per_iteration`"), "{}", text(&out));
}
