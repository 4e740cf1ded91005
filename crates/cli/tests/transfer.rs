//! Networks from elsewhere in training: as the first layers of a network, and as a teacher.

mod common;
use common::{Bench, text, tone};
use serde_json::Value;

/// Project `big`, trained on four tones, and `project` with two others and few recordings.
fn projects() -> Bench {
    let bench = Bench::new("keywords");
    let tones = [("a", 250.0, "big"), ("b", 500.0, "big"), ("c", 1000.0, "big"), ("d", 2000.0, "big")];
    for (label, hz, of) in tones.into_iter().chain([("high", 1500.0, "in"), ("low", 350.0, "in")]) {
        for i in 0..if of == "big" { 24 } else { 30 } {
            bench.write(
                &format!("files/{of}/{label}.{i}.wav"),
                tone(hz * (1.0 + 0.005 * i as f64), i + hz as u64),
            );
        }
    }
    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]");
    bench.replace("epochs = 150", "epochs = 40");
    for augment in ["noise = 0.2", "time_shift = 8", "time_mask = 6", "frequency_mask = 2"] {
        bench.replace(augment, "");
    }
    let data =
        |of: &str| format!("cases = 100\n\n[[data]]\npath = \"../files/{of}\"\nlabel_from = \"name\"\n");
    let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("read");
    bench.write(
        "big/edgewright.toml",
        format!("{file}{}", data("big")).replace("name = \"project\"", "name = \"big\""),
    );
    bench.append(&data("in"));
    bench
}

fn backbone(bench: &Bench, more: &str) {
    bench.replace(
        "kind = \"classifier\"  ",
        &format!("backbone = {{ model = \"../big\"{more} }}\nkind = \"classifier\"  "),
    );
}

fn refused(bench: &Bench, reason: &str) {
    let out = bench.run(&["run", "project", "--until", "train"]);
    let words = text(&out);
    assert!(!out.status.success() && words.contains(reason), "{reason}: {words}");
}

fn trained(bench: &Bench) {
    let out = bench.run(&["run", "big", "--until", "train"]);
    assert!(out.status.success(), "{}", text(&out));
}

fn notes(report: &Value) -> String {
    report["stages"][4]["notes"].to_string()
}

fn hash(report: &Value) -> String {
    report["artifacts"][0]["sha256"].as_str().expect("a package").to_owned()
}

#[test]
fn a_head_is_trained_behind_the_first_layers_of_another_project() {
    let bench = projects();
    backbone(&bench, "");
    refused(&bench, "`impulse.learn.backbone.model = \"../big\"`: that project is not trained");
    trained(&bench);
    let report = bench.json(&["run", "project", "--json", "--jobs", "1"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert_eq!(report["test"]["c"], report["test"]["int8"], "{report}");
    assert!(report["test"]["int8"]["accuracy"].as_f64() >= Some(0.9), "{}", report["test"]);
    let told = notes(&report);
    assert!(told.contains("layers with weights of ../big") && told.contains("; run once over "), "{told}");
    let page = std::fs::read_to_string(bench.path("project/report/report.html")).expect("a report");
    assert!(page.contains("backbone_conv1d"), "no layer of the backbone");
    // The package as it is before its proof lies in it.
    let built = hash(&bench.json(&["run", "project", "--json", "--until", "build", "--jobs", "1"]));
    // Another head is trained on what is there, and on two threads it is the same.
    bench.replace("epochs = 40", "epochs = 39");
    let again = bench.json(&["run", "project", "--json", "--until", "build", "--jobs", "2"]);
    assert!(notes(&again).contains("; taken from before over "), "{}", notes(&again));
    assert_ne!(hash(&again), built);
    bench.replace("epochs = 39", "epochs = 40 # the same");
    let other = projects();
    backbone(&other, "");
    trained(&other);
    assert_eq!(hash(&other.json(&["run", "project", "--json", "--until", "build", "--jobs", "2"])), built);
    // The head alone is pruned, and what that brings is told of the whole.
    bench.replace("epochs = 40 # the same", "epochs = 40\nprune = 0.5\nfine_tune_epochs = 2");
    bench.replace(
        "backbone = ",
        "layers = [{ type = \"dense\", units = 16, activation = \"relu\" }]\nbackbone = ",
    );
    let pruned = bench.json(&["run", "project", "--json", "--until", "train"]);
    let step = &pruned["training"][0]["steps"][0];
    let figure = |when: &str| step[when]["macs"].as_u64().expect("a figure");
    let words = notes(&pruned);
    let before = words.split(" MACs, give [").next().and_then(|s| s.rsplit(' ').next());
    let front: u64 = before.and_then(|n| n.parse().ok()).expect("work of the backbone");
    assert!(figure("before") > figure("after") && figure("after") > front && front > 0, "{front}: {step}");
    assert!(step["detail"].as_str().is_some_and(|d| d.contains(" from 16 to 8 channels")), "{step}");
    let estimated = bench.json(&["estimate", "project", "--json"]);
    let macs = estimated["learn"][0]["macs"].as_u64().expect("a figure");
    assert_eq!(macs, figure("before"), "{estimated}");
}

#[test]
fn a_backbone_that_does_not_fit_is_named() {
    let bench = projects();
    trained(&bench);
    backbone(&bench, ", layers = 77");
    refused(&bench, "cannot be cut behind 77 of its ");
    bench.replace(", layers = 77", ", block = \"nothing\"");
    refused(&bench, "that project has no learning block `nothing`; it has classifier");
    bench.replace("../big\", block = \"nothing\"", "../nowhere.tflite\"");
    refused(&bench, "`impulse.learn.backbone.model = \"../nowhere.tflite\"`");
    bench.replace("../nowhere.tflite", "../big");
    bench.replace("num_cepstral = 13", "num_cepstral = 12");
    refused(&bench, "that network was trained on other features");
    bench.replace("num_cepstral = 12", "num_cepstral = 13");
    bench.replace("epochs = 40", "epochs = 40\nquantisation_aware = true");
    refused(&bench, "`training.quantisation_aware` trains all layers on");
    bench.replace("quantisation_aware = true", "augment = { noise = 0.1 }\n# ");
    bench.replace("[training.augment]", "");
    refused(&bench, "only `mixup` goes with it");
    bench.replace("augment = { noise = 0.1 }", "teacher = { model = \"../big\" }");
    refused(&bench, "`training.teacher.model` takes features");
    bench.replace("teacher = { model = \"../big\" }", "");
    bench.replace("kind = \"classifier\"  ", "kind = \"anomaly\"  ");
    refused(&bench, "`impulse.learn.backbone` is for a network that is trained here");
}

#[test]
fn a_network_from_elsewhere_teaches() {
    let bench = projects();
    trained(&bench);
    bench.replace("epochs = 40", "epochs = 40\nteacher = { model = \"../big\" }");
    refused(&bench, "the model knows a, b, c, d, but this project has high, low");
    // Two of its four labels are those here, in another order.
    bench.replace("\"../big\" }", "\"../big\", labels = [\"other\", \"low\", \"none\", \"high\"] }");
    let report = bench.json(&["run", "project", "--json", "--jobs", "1"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    let step = &report["training"][0]["steps"][0];
    assert_eq!(step["step"], "distillation", "{report}");
    let detail = step["detail"].as_str().expect("words");
    assert!(
        detail.starts_with("../big of ") && detail.contains(" as a teacher, temperature 4, share 0.5"),
        "{detail}"
    );
    bench.replace(", labels = [\"other\", \"low\", \"none\", \"high\"]", ", labels = [\"low\", \"high\"]");
    refused(&bench, "the model gives 4 values, but `labels` names 2");
    bench.replace(", labels = [\"low\", \"high\"]", ", layers = []");
    refused(&bench, "`training.teacher` has a `model` and `layers`");
    bench.replace("model = \"../big\", layers = []", "block = \"x\"");
    refused(&bench, "`training.teacher.block` and `labels` are for a `model`");
}
