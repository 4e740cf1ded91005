//! `data advise`: where the impulse is weakest, and what more samples would bring; the curve never sees a test window.

mod common;
use common::{
    Bench,
    http::{Server, create_key},
    motion, text,
};
use serde_json::{Value, json};

/// Three motions of two users. What `al` calls slow is what `bo`, who recorded less, calls middle, and the other way round.
fn project(amplitude_of_tests: f64) -> Bench {
    let bench = Bench::new("motion");
    let mut labels = Vec::new();
    for i in 0..40u64 {
        let user = if i % 4 == 0 { "bo" } else { "al" };
        let (slow, middle) = if user == "bo" { (5.0, 2.0) } else { (2.0, 5.0) };
        for (label, hz) in [("slow", slow), ("quick", 9.0), ("middle", middle)] {
            bench.write(&format!("recordings/{label}.{i:02}.csv"), motion(hz, 4.0, i));
            labels.push(json!({"path": format!("{label}.{i:02}.csv"), "category": "training",
                "label": {"type": "label", "label": label}, "metadata": {"user": user}}));
        }
    }
    let sidecar = json!({"version": 1, "files": labels});
    bench.write("recordings/info.labels", sidecar.to_string());
    let import = ["data", "import", "recordings", "--project", "project"];
    let out = bench.run(&import);
    assert!(out.status.success(), "{}", text(&out));
    for i in 0..6u64 {
        bench.write(&format!("tests/slow.{i:02}.csv"), motion(2.0, amplitude_of_tests, 100 + i));
    }
    let import = ["data", "import", "tests", "--project", "project", "--label-from", "name"];
    let out = bench.run(&[&import[..], &["--category", "testing"]].concat());
    assert!(out.status.success(), "{}", text(&out));
    let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("there");
    let epochs = file.lines().find(|l| l.starts_with("epochs = ")).expect("epochs").to_owned();
    bench.replace(&epochs, "epochs = 30");
    bench
}

fn advise(bench: &Bench, more: &[&str]) -> Value {
    bench.json(&[&["data", "advise", "--project", "project", "--json"], more].concat())
}

#[test]
fn the_weakest_parts_are_named_and_the_curve_sees_no_test_window() {
    let bench = project(4.0);
    let told = advise(&bench, &["--no-curve"]);
    assert_eq!(told["curve"], Value::Null);
    let labels = told["labels"].as_array().expect("labels");
    assert_eq!(labels.len(), 3, "{told}");
    let recall = |l: &Value| l["value"].as_f64().expect("a share");
    assert!(labels.windows(2).all(|l| recall(&l[0]) <= recall(&l[1])), "{told}");
    // What is taken for something else is one of the two that are alike.
    assert!(["slow", "middle"].contains(&labels[0]["label"].as_str().expect("a label")), "{told}");
    assert!(["slow", "middle"].contains(&labels[0]["taken_for"].as_str().expect("a label")), "{told}");
    for l in labels {
        let of = |key: &str| l[key].as_f64().expect("a number");
        assert!(of("low") <= of("value") && of("value") <= of("high") && of("windows") >= 1.0, "{l}");
        assert!(of("training_samples") >= 10.0, "{l}");
    }
    let slices = told["slices"].as_array().expect("slices");
    assert_eq!((&slices[0]["key"], &slices[0]["value_of"]), (&json!("user"), &json!("bo")), "{told}");
    assert!(recall(&slices[0]) < recall(&slices[1]), "{told}");
    let regions = told["regions"].as_array().expect("regions");
    assert!(regions.len() > 1, "{told}");
    let example = regions.iter().flat_map(|r| r["examples"].as_array().expect("a list")).next();
    let example = example.expect("a window that is wrong");
    assert_ne!(example["is"], example["said"], "{example}");
    let share = |key: &str| regions.iter().map(|r| r[key].as_f64().expect("a share")).sum::<f64>();
    assert!(share("share_of_windows") > 0.7 && share("share_of_windows") < 1.0001, "{told}");
    assert!(share("share_of_training") > 0.5 && share("share_of_training") < 1.0001, "{told}");
    // Parts of all windows are right as often as all are.
    let sum: f64 = labels.iter().map(|l| recall(l) * l["windows"].as_f64().expect("a number")).sum();
    let overall = &told["overall"];
    assert!((sum / overall["windows"].as_f64().expect("a number") - recall(overall)).abs() < 1e-9, "{told}");

    let more = ["--parts", "0.25,0.5,1", "--repeats", "2", "--goal", "0.999"];
    let told = advise(&bench, &more);
    let curve = &told["curve"];
    let points = curve["points"].as_array().expect("points");
    assert_eq!(points.len(), 6, "{curve}");
    let samples: Vec<u64> = points.iter().map(|p| p["samples"].as_u64().expect("a number")).collect();
    assert!(samples[0] < samples[2] && samples[2] < samples[4], "{samples:?}");
    assert_eq!(samples[4], curve["samples"].as_u64().expect("a number"));
    // A recording is one window here: those that were not chosen did not train.
    assert!(points.iter().all(|p| p["windows"] == p["samples"]), "{curve}");
    // Of so few validation windows nobody can tell one error in a thousand.
    assert_eq!(curve["more"], Value::Null, "{curve}");
    assert!(curve["says"].as_str().is_some_and(|s| s.contains("cannot be said")), "{curve}");
    assert_eq!(told["says"].as_array().and_then(|s| s.last()), Some(&curve["says"]));
    // What was trained is kept, and another goal is another sentence.
    let start = std::time::Instant::now();
    let reached = advise(&bench, &["--parts", "0.25,0.5,1", "--repeats", "2", "--goal", "0.05"]);
    assert!(start.elapsed().as_secs() < 30, "nothing is trained again");
    assert_eq!(reached["curve"]["points"], curve["points"]);
    assert_eq!(reached["curve"]["more"]["value"], json!(0.0), "{reached}");
    let said = bench.run(&["data", "advise", "--project", "project", "--no-curve"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("user = bo"), "{}", text(&said));

    // Other test windows change what is said of labels, and nothing of the curve.
    let other = project(0.01);
    let other = advise(&other, &more);
    assert_eq!(other["curve"], *curve);
    assert_ne!(other["overall"], told["overall"]);

    // Over HTTP the job tells the same, with its progress.
    let key = create_key(&bench, &[]);
    let server = Server::start(&bench.path(""));
    let jobs = "/api/v1/projects/project/jobs";
    let request = json!({"kind": "advise", "parts": [0.25, 0.5, 1.0], "repeats": 2, "goal": 0.999});
    let job = server.json(&key, "POST", jobs, &request).ok(201);
    let done = server.wait(&key, "project", job["id"].as_str().expect("an id"));
    assert_eq!(done["result"], told, "{done}");
    assert_eq!((&done["progress"]["stage"], &done["progress"]["total"]), (&json!("advise"), &json!(6)));
    for wrong in [
        json!({"kind": "advise", "metric": "accuracies"}),
        json!({"kind": "advise", "parts": [0.5]}),
        json!({"kind": "advise", "parts": [0.0, 0.5, 0.7]}),
        json!({"kind": "advise", "repeats": 0}),
    ] {
        assert_eq!(server.json(&key, "POST", jobs, &wrong).code(), "bad_request", "{wrong}");
    }
}
