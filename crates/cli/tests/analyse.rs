//! `data analyse`: what the data are like, the same on the command line and over HTTP, and as files that other programs read.

mod common;
use common::{
    Bench,
    http::{Server, create_key},
    motion, text,
};
use serde_json::{Value, json};

/// Two motions of two users; all that test are much louder.
fn project() -> Bench {
    let bench = Bench::new("motion");
    let mut files = Vec::new();
    for i in 0..12u64 {
        for (label, hz) in [("slow", 5.0), ("quick", 15.0)] {
            let loud = if i < 9 { 2.0 } else { 40.0 };
            bench.write(&format!("in/{label}.{i:02}.csv"), motion(hz, loud, i));
            let side = if i < 9 { "training" } else { "testing" };
            files.push(json!({"path": format!("{label}.{i:02}.csv"), "category": side,
                "label": {"type": "label", "label": label}, "metadata": {"user": if i % 2 == 0 { "al" } else { "bo" }}}));
        }
    }
    bench.write("in/info.labels", json!({"version": 1, "files": files}).to_string());
    let out = bench.run(&["data", "import", "in", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    bench
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is no number"))
}

#[test]
fn data_are_analysed_and_taken_out_as_tables_and_pictures() {
    let bench = project();
    let key = create_key(&bench, &[]);
    let server = Server::start(&bench.path(""));
    let ask = |more: &str| server.get(&key, &format!("/api/v1/projects/project/analysis{more}"));
    let fresh = ask("").ok(200);
    assert_eq!((&fresh["samples"], &fresh["windows"], &fresh["files"]), (&json!(0), &json!(0), &json!([])));

    let args = ["data", "analyse", "--project", "project", "--export", "out", "--json"];
    let told = bench.json(&args);
    assert_eq!((&told["samples"], &told["looked_at"]), (&json!(24), &json!(24)), "{told}");
    assert_eq!(told["axes"], json!(["accX", "accY", "accZ"]));
    let slices = told["slices"].as_array().expect("slices");
    let slice = |key: &str, value: &str| {
        slices
            .iter()
            .find(|s| s["key"] == key && s["value"] == value)
            .unwrap_or_else(|| panic!("{key} {value}"))
    };
    let slow = slice("label", "slow");
    assert_eq!((&slow["samples"], &slow["testing"]), (&json!(12), &json!(3)), "{slow}");
    assert_eq!(slice("user", "al")["labels"], json!({"quick": 6, "slow": 6}));
    assert!((number(&slow["lengths"]["median"]) - 2.0).abs() < 0.1, "{slow}");
    // A sine's root mean square: nine of amplitude 2, three of 40.
    let expected = (9.0 * 2.0 + 3.0 * 40.0) / 12.0 / f64::sqrt(2.0);
    assert!((number(&slow["level"][0]) / expected - 1.0).abs() < 0.1, "{slow} {expected}");
    // Each motion stands at its frequency.
    for (label, hz) in [("slow", 5.0), ("quick", 15.0)] {
        let spectra = told["spectra"].as_array().expect("spectra");
        let s = spectra.iter().find(|s| s["label"] == label && s["axis"] == "accX").expect("a spectrum");
        let lines: Vec<f64> = s["decibels"].as_array().expect("lines").iter().map(number).collect();
        let top = (0..lines.len()).max_by(|a, b| lines[*a].total_cmp(&lines[*b])).expect("a line");
        assert!((top as f64 * number(&s["step_hz"]) - hz).abs() < 1.0, "{label}: {s}");
    }
    // The second axis swings with the first, the third does not.
    let correlation = &told["axes_correlation"]["values"];
    assert!(number(&correlation[0][1]) > 0.95 && number(&correlation[0][2]).abs() < 0.2, "{correlation}");
    for h in told["histograms"].as_array().expect("histograms") {
        let sum: f64 = h["labels"]["slow"].as_array().expect("shares").iter().map(number).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{h}");
    }
    let pair = &told["pairs"][0];
    assert_eq!((&pair["a"], &pair["b"]), (&json!("quick"), &json!("slow")));
    assert!(number(&pair["distance"]) > 3.0 && number(&pair["auroc"]) > 0.99, "{pair}");
    let features = told["features"].as_array().expect("features");
    assert!(number(&features[0]["explained"]) > 0.8, "{}", features[0]);
    let explained: Vec<f64> = features.iter().map(|f| number(&f["explained"])).collect();
    assert!(explained.windows(2).all(|e| e[0] >= e[1]), "{explained:?}");
    // A recording is one window here: what validates is left out as well.
    let training = |s: &Value| s["training"].as_u64().expect("a number");
    let train = training(slice("label", "slow")) + training(slice("label", "quick"));
    assert!(train < 18 && told["windows"] == json!(train), "{told}");
    // What tests is twenty times as loud; no feature has seen it.
    let rms = features.iter().find(|f| f["name"].as_str().is_some_and(|n| n.contains("accX RMS")));
    let rms = rms.unwrap_or_else(|| panic!("{:?}", features.iter().map(|f| &f["name"]).collect::<Vec<_>>()));
    assert!(number(&rms["spread"]["max"]) < 5.0, "{rms}");

    let mut seen = ask("").ok(200);
    let files = seen.as_object_mut().and_then(|o| o.remove("files")).expect("files");
    assert_eq!(seen, told, "over HTTP the same");
    let names: Vec<&str> = files.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let there = ["samples.csv", "samples.parquet", "spectra.svg", "histogram.svg", "separability.svg"];
    assert!(there.iter().all(|n| names.contains(n)) && names.len() > 20, "{names:?}");
    for name in &names {
        let answer = ask(&format!("/{name}"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let written = std::fs::read(bench.path(&format!("out/{name}"))).expect("written");
        assert!(answer.body == written, "{name} is the same by both ways");
        match name.rsplit_once('.').expect("an end").1 {
            "svg" => assert!(
                answer.text().starts_with("<svg xmlns=") && answer.text().trim_end().ends_with("</svg>"),
                "{name}"
            ),
            "parquet" => assert!(written.starts_with(b"PAR1") && written.ends_with(b"PAR1"), "{name}"),
            _ => assert!(answer.text().lines().count() > 1, "{name}"),
        }
    }
    let samples = ask("/samples.csv").text();
    let head = samples.lines().next().expect("a header");
    let first = "id,name,label,side,frames,seconds,level.accX,level.accY,level.accZ,metadata.";
    assert!(head.starts_with(first) && head.ends_with(",metadata.user"), "{head}");
    assert_eq!(samples.lines().count(), 25, "{samples}");
    assert_eq!(samples.matches(",testing,").count(), 6, "{samples}");
    for wrong in ["/nothing.csv", "/samples.xlsx", "/samples", "/..%2Fedgewright.toml"] {
        assert_eq!(ask(wrong).code(), "not_found", "{wrong}");
    }
    // The table of histograms goes into another project as Parquet, and comes out the same.
    assert!(bench.run(&["new", "again", "--template", "tabular"]).status.success());
    let args = [
        "data",
        "import",
        "out/spectra.parquet",
        "--project",
        "again",
        "--label-from",
        "column:label",
        "--json",
    ];
    let took = bench.json(&args);
    let lines = ask("/spectra.csv").text().lines().count() - 1;
    assert_eq!(took["imported"], json!(lines), "{took}");
}
