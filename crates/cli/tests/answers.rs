//! What learning blocks answer: numbers that lie far from zero, and scores of models that end in sums.

mod common;
use common::{Bench, Noise, models, text};

/// A project for numbers around `far`, proven on the host alone.
fn regression(far: f64) -> Bench {
    let bench = Bench::new("regression");
    let mut noise = Noise(3);
    let mut rows = String::from("a,b,value\n");
    for _ in 0..300 {
        let [a, b] = [noise.next(), noise.next()];
        rows.push_str(&format!("{a},{b},{}\n", far + 6.0 * a - 2.0 * b));
    }
    bench.write("table.csv", rows);
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    let out =
        bench.run(&["data", "import", "table.csv", "--project", "project", "--label-from", "column:value"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"a\", \"b\"]\n");
    bench
}

#[test]
fn integers_estimate_pressures_as_well_as_small_numbers() {
    for far in [101_325.0, -4000.0] {
        let bench = regression(far);
        let mut before = "kind = \"regression\"".to_owned();
        for (method, least) in [
            (None, 0.9),
            (Some("ridge_regression"), 0.97),
            (Some("gradient_boosting"), 0.85),
            (Some("random_forest"), 0.8),
            (Some("rule"), 0.5),
        ] {
            if let Some(method) = method {
                let now = format!("kind = \"regression\"\nmethod = \"{method}\"");
                bench.replace(&before, &now);
                before = now;
            }
            let report = bench.json(&["run", "project", "--json"]);
            assert_eq!(report["verify"][0]["bit_exact"], true, "{far} {method:?}: {report}");
            let [float, int8, c] =
                ["float", "int8", "c"].map(|k| report["test"][k]["r2"].as_f64().expect("a figure"));
            let told = &report["test"]["float"];
            let ends = |key: &str| [0, 1].map(|end| told[key][end].as_f64().expect("an end"));
            let (mae, low) = (told["mae"].as_f64().expect("a figure"), told["low"].as_f64().expect("an end"));
            assert!(ends("mae_within")[0] < mae && mae < ends("mae_within")[1], "{report}");
            assert!(ends("rmse_within")[0] > 0.0 && low < float, "{report}");
            assert!(
                float >= least && float - int8 < 0.02 && int8 == c,
                "{far} {method:?}: {float} {int8} {c}"
            );
        }
    }
}

#[test]
fn training_in_int8_is_not_taken_where_it_is_worse() {
    let bench = regression(101_325.0);
    bench.replace("[training]\n", "[training]\nquantisation_aware = true\n");
    let report = bench.json(&["run", "project", "--json"]);
    let [float, int8] = ["float", "int8"].map(|k| report["test"][k]["r2"].as_f64().expect("a figure"));
    assert!(float > 0.9 && float - int8 < 0.02, "{float} {int8}");
    let step = &report["training"][0]["steps"][0];
    assert!(step["detail"].as_str().is_some_and(|d| d.contains("not taken, as it is worse")), "{step}");
}

#[test]
fn a_model_that_ends_in_sums_gives_scores() {
    let bench = Bench::new("tabular");
    let model = models::dense_to(&bench, false);
    bench.write("project/sums.tflite", model);
    let mut noise = Noise(8);
    let mut rows: String = (0..16).map(|i| format!("c{i},")).collect();
    rows.push_str("label\n");
    for i in 0..90 {
        for _ in 0..16 {
            rows.push_str(&format!("{},", 5.0 * noise.next()));
        }
        rows.push_str(["a\n", "b\n", "c\n"][i % 3]);
    }
    bench.write("table.csv", rows);
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    bench.replace("kind = \"classifier\"", "kind = \"classifier\"\nfile = \"sums.tflite\"");
    let out =
        bench.run(&["data", "import", "table.csv", "--project", "project", "--label-from", "column:label"]);
    assert!(out.status.success(), "{}", text(&out));
    let told = bench.run(&["run", "project"]);
    assert!(text(&told).contains("a softmax stands behind it"), "{}", text(&told));
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let said = bench.run(&["classify", "project", "table.csv", "--json"]);
    let windows: Vec<serde_json::Value> = String::from_utf8_lossy(&said.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(windows.len(), 90, "{}", text(&said));
    for window in windows {
        let scores: Vec<f64> = window["scores"]
            .as_object()
            .expect("scores")
            .values()
            .filter_map(serde_json::Value::as_f64)
            .collect();
        assert!(scores.len() == 3 && scores.iter().all(|s| (0.0..=1.0).contains(s)), "{window}");
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 0.02, "{window}");
    }
}

#[test]
fn settings_without_a_meaning_are_refused_before_anything_is_computed() {
    for (line, word) in [
        ("label_smoothing = 1.5", "`training.label_smoothing` is 1.5"),
        ("weight_decay = -1.0", "`training.weight_decay` is -1"),
        ("ema = 1.0", "`training.ema` is 1; it must be at least 0 and below 1"),
        ("schedule = { type = \"step\", every = 0, factor = 0.5 }", "`training.schedule.every`"),
        ("schedule = { type = \"plateau\", patience = 3, factor = 2.0 }", "`training.schedule.factor` is 2"),
        ("loss = { type = \"focal\", gamma = -1.0 }", "`training.loss.gamma` is -1"),
        ("augment = { noise = nan }", "`training.augment.noise` is NaN"),
        (
            "loss = { type = \"focal\", gamma = 2.0 }\nlabel_smoothing = 0.1",
            "does not go with the focal loss",
        ),
    ] {
        let bench = Bench::new("empty");
        let key = line.split(' ').next().expect("a key");
        let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("there");
        let kept: Vec<&str> = file.lines().filter(|l| !l.starts_with(key)).collect();
        let text_of = format!("{}\n", kept.join("\n"));
        let with = if text_of.contains("[training]\n") {
            text_of.replace("[training]\n", &format!("[training]\n{line}\n"))
        } else {
            format!("{text_of}[training]\n{line}\n")
        };
        bench.write("project/edgewright.toml", with);
        let out = bench.run(&["run", "project"]);
        assert!(out.status.code() == Some(2) && text(&out).contains(word), "{line}: {}", text(&out));
    }
}
