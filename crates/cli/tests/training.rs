//! A learning rate that is found, what each epoch records, and weights that pack better.

mod common;
use common::{Bench, text, tone};
use serde_json::Value;

/// Two tones.
fn project(training: &str) -> Bench {
    let bench = Bench::new("keywords");
    for i in 0..24 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * i as f64, i));
        bench.write(&format!("in/high.{i}.wav"), tone(900.0 + 20.0 * i as f64, i + 100));
    }
    bench.replace("epochs = 150", training);
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench.append("cases = 50\n\n[[data]]\npath = \"../in\"\nlabel_from = \"name\"\n");
    bench
}

#[test]
fn a_rate_is_found_and_is_the_same_on_two_threads() {
    let bench = project("epochs = 6");
    let found = bench.json(&["train", "find-rate", "project", "--json", "--jobs", "1"]);
    assert_eq!(found, bench.json(&["train", "find-rate", "project", "--json", "--jobs", "2"]));
    let rate = found["suggestion"].as_f64().expect("a suggestion");
    let tried = found["tried"].as_array().expect("a curve");
    assert!(tried.len() > 60 && (1e-4..0.1).contains(&rate), "{found}");
    assert_eq!((&found["block"], found["current"].as_f64()), (&Value::from("classifier"), Some(0.003)));
    // Another seed draws other weights, and the loss of the first step is another.
    let other = bench.json(&["train", "find-rate", "project", "--json", "--seed", "9"]);
    assert_ne!(other["tried"][0]["loss"], found["tried"][0]["loss"]);
    let words = text(&bench.run(&["train", "find-rate", "project"]));
    assert!(words.contains(&format!("try learning_rate = {rate} in [training] (now 0.003)")), "{words}");
    let wrong = bench.run(&["train", "find-rate", "project", "--block", "nothing"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("no network `nothing`; the impulse has classifier"), "{}", text(&wrong));
}

#[test]
fn each_epoch_is_recorded_with_norm_and_confusion() {
    let bench = project("epochs = 6");
    let report = bench.json(&["run", "project", "--json", "--until", "report"]);
    let learn = &report["training"][0];
    assert_eq!(learn["labels"], serde_json::json!(["high", "low"]));
    let history = learn["history"].as_array().expect("epochs");
    assert_eq!(history.len(), 6);
    for e in history {
        assert!(e["gradient_norm"].as_f64() > Some(0.0) && e["learning_rate"].as_f64() > Some(0.0), "{e}");
        let count = |row: usize, column: usize| e["confusion"][row][column].as_u64().expect("a count") as f64;
        let all = count(0, 0) + count(0, 1) + count(1, 0) + count(1, 1);
        assert_eq!(Some(all), learn["validation_windows"].as_f64(), "{e}");
        assert_eq!(Some((count(0, 0) + count(1, 1)) / all), e["validation_metric"].as_f64(), "{e}");
    }
    let page = std::fs::read_to_string(bench.path("project/report/report.html")).expect("a report");
    assert!(page.contains("<figcaption>norm of the gradient</figcaption>"));
}

#[test]
fn weights_of_zero_and_few_values_pack_better_and_cost_the_same() {
    let training =
        "epochs = 6\nsparsify = 0.75\nclusters = 8\nquantisation_aware = true\nfine_tune_epochs = 4";
    let built = |jobs: &str| {
        let bench = project(training);
        let report = bench.json(&["run", "project", "--json", "--until", "build", "--jobs", jobs]);
        (bench, report["artifacts"][0]["sha256"].clone())
    };
    let (bench, one) = built("1");
    assert!(one.is_string());
    assert_eq!(one, built("2").1);
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let steps = report["training"][0]["steps"].as_array().expect("steps");
    let names: Vec<&str> = steps.iter().filter_map(|s| s["step"].as_str()).collect();
    assert_eq!(names, ["sparsification", "clustering", "quantisation_aware"]);
    let figure = |step: usize, when: &str, name: &str| steps[step][when][name].as_f64().expect("a figure");
    for step in 0..3 {
        for name in ["parameters", "macs", "flash_bytes", "ram_bytes", "instructions"] {
            assert_eq!(figure(step, "before", name), figure(step, "after", name), "{name}");
        }
    }
    // Three of four weights are 0: they take no more than two thirds; eight values pack better still, and stay few in int8.
    assert!(figure(0, "after", "packed_bytes") < 0.67 * figure(0, "before", "packed_bytes"), "{steps:?}");
    assert!(figure(1, "after", "packed_bytes") < figure(1, "before", "packed_bytes"), "{steps:?}");
    assert!(figure(2, "after", "packed_bytes") < 1.1 * figure(2, "before", "packed_bytes"), "{steps:?}");
    let detail = steps[0]["detail"].as_str().expect("words");
    assert!(
        detail.starts_with("0.75 of the weights of each layer at 0") && detail.contains("neither flash nor")
    );
    // What is said of the integers is true of them.
    let told = steps[1]["detail"].as_str().expect("words");
    let (_, told) = told.split_once("its own scale, at most ").expect("a number of weights in int8");
    let told: usize = told.split(')').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!((8..=256).contains(&told), "{told}");
    bench.replace("sparsify = 0.75", "sparsify = 1.5");
    let wrong = text(&bench.run(&["run", "project", "--until", "train"]));
    assert!(wrong.contains("`training.sparsify` is 1.5"), "{wrong}");
}

#[test]
fn the_most_sensitive_layers_compute_in_sixteen_bits_and_the_c_agrees() {
    let bench = project("epochs = 6\nwide_layers = 2");
    let report = bench.json(&["run", "project", "--json", "--jobs", "1"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert_eq!(report["test"]["c"], report["test"]["int8"], "{report}");
    let step = &report["training"][0]["steps"][0];
    assert_eq!(step["step"], "mixed_precision", "{report}");
    let detail = step["detail"].as_str().expect("words");
    assert!(detail.starts_with("activations of 16 bits in 2 of 4 layers with weights: "), "{detail}");
    let figure = |when: &str, name: &str| step[when][name].as_f64().expect("a figure");
    assert_eq!(figure("before", "macs"), figure("after", "macs"));
    for name in ["ram_bytes", "instructions", "flash_bytes"] {
        assert!(figure("before", name) < figure("after", name), "{name}: {step}");
    }
    bench.replace("wide_layers = 2", "wide_layers = 5");
    let wrong = text(&bench.run(&["run", "project", "--until", "train"]));
    assert!(wrong.contains("`training.wide_layers`: ") && wrong.contains("1 to 4 of them can"), "{wrong}");
    bench.replace("wide_layers = 5", "wide_layers = 1\nquantisation_aware = true");
    let wrong = text(&bench.run(&["run", "project", "--until", "train"]));
    assert!(wrong.contains("it does not go with `training.wide_layers`"), "{wrong}");
}

#[test]
fn a_layer_that_does_not_fit_is_told_with_line_and_shape() {
    let bench = project("epochs = 2");
    let layers = "layers = [\n  { type = \"max_pool\", size = [4] },\n\n  { type = \"conv1d\", filters = 4, kernel = 99, padding = \"valid\" },\n]\n";
    bench.replace("kind = \"classifier\"  ", &format!("{layers}kind = \"classifier\"  "));
    let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("read");
    let line = file.lines().position(|l| l.contains("kernel = 99")).expect("there") + 1;
    let wrong = bench.run(&["run", "project", "--until", "train"]);
    let words = text(&wrong);
    assert!(!wrong.status.success(), "{words}");
    assert!(
        words.contains(&format!("edgewright.toml: line {line}: layer 2 (conv1d): a kernel of [1, 99]")),
        "{words}"
    );
    assert!(words.contains("does not fit an input of 1x12"), "{words}");
}
