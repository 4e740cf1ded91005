//! What people change of samples, who changed it, and what a change would bring before it is made.

mod common;
use common::{
    Bench,
    http::{Server, create_key, workspace},
    tone,
};
use serde_json::{Value, json};

const SAMPLES: &str = "/api/v1/projects/kws/samples";

/// `kws` with ten low and ten high tones that lie in a folder of the project file, and their ids by name.
fn bench() -> (Bench, String, Server) {
    let (bench, key) = workspace();
    for i in 0..10u32 {
        for (label, hz) in [("low", 300.0), ("high", 1500.0)] {
            let hz = hz + 7.0 * f64::from(i);
            bench.write(&format!("kws/recordings/{label}.{i}.wav"), tone(hz, u64::from(i)));
        }
    }
    let path = bench.path("kws/edgewright.toml");
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text + "\n[[data]]\npath = \"recordings\"\nlabel_from = \"name\"\n")
        .expect("written");
    assert!(bench.run(&["run", "kws", "--until", "features"]).status.success());
    let server = Server::start(&bench.path(""));
    (bench, key, server)
}

fn id(server: &Server, key: &str, name: &str) -> String {
    let found = server.get(key, &format!("{SAMPLES}?name={name}")).ok(200);
    found["samples"][0]["id"].as_str().expect("an id").to_owned()
}

fn patch(server: &Server, key: &str, body: &Value) {
    server.json(key, "PATCH", SAMPLES, body).ok(204);
}

fn told(history: &Value) -> Vec<(String, String, Value, Value)> {
    let text = |v: &Value| v.as_str().expect("a text").to_owned();
    let all = history["changes"].as_array().expect("changes").iter();
    all.map(|c| (text(&c["who"]), text(&c["field"]), c["before"].clone(), c["after"].clone())).collect()
}

#[test]
fn facts_are_set_and_taken_away_and_stay_when_the_file_comes_again() {
    let (bench, key, server) = bench();
    let [a, b, c] = ["low.0", "low.1", "low.2"].map(|n| id(&server, &key, n));
    let facts = |id: &str| server.get(&key, &format!("{SAMPLES}/{id}")).ok(200)["metadata"].clone();
    let before = facts(&a);
    patch(&server, &key, &json!({"ids": [a, b], "metadata": {"site": "hall", "person": "7"}}));
    patch(&server, &key, &json!({"ids": [b], "metadata": {"site": "yard", "person": null}}));
    assert_eq!((&facts(&a)["site"], &facts(&a)["person"]), (&json!("hall"), &json!("7")));
    assert_eq!((&facts(&b)["site"], facts(&b).get("person")), (&json!("yard"), None));
    // The folder is read again by every run, and what the file changed.
    assert!(bench.run(&["run", "kws", "--until", "clean"]).status.success());
    assert_eq!(facts(&b)["site"], "yard");
    assert_eq!(facts(&c).get("site"), None);
    // Facts of the file itself can be taken away, and come back.
    patch(&server, &key, &json!({"ids": [a], "metadata": {"site": null, "person": null}}));
    assert_eq!(facts(&a), before);
    for metadata in
        [json!({"": "x"}), json!({" a": "x"}), json!({"a\nb": "x"}), json!({"a": "x".repeat(1001)})]
    {
        let body = json!({"ids": [a], "metadata": metadata});
        assert_eq!(server.json(&key, "PATCH", SAMPLES, &body).code(), "data", "{body}");
    }
    // All or none.
    let body = json!({"ids": [c, "nothing"], "metadata": {"site": "x"}});
    assert_eq!(server.json(&key, "PATCH", SAMPLES, &body).code(), "not_found");
    assert_eq!(facts(&c).get("site"), None);
    // An exported set has them.
    let out = bench.json(&["data", "export", "out", "--project", "kws", "--json"]);
    assert_eq!(out["files"], 20, "{out}");
    let labels = std::fs::read_to_string(bench.path("out/info.labels")).expect("there");
    assert!(labels.contains("yard") && !labels.contains("hall"), "{labels}");
}

#[test]
fn the_history_of_a_sample_says_who_changed_what() {
    let (bench, key, server) = bench();
    let other = create_key(&bench, &["--name", "robot"]);
    let a = id(&server, &key, "low.0");
    let history = |id: &str| told(&server.get(&key, &format!("{SAMPLES}/{id}/history")).ok(200));
    assert_eq!(history(&a), []);
    patch(&server, &key, &json!({"ids": [a], "label": "hum"}));
    // What is as it was is no change.
    patch(&server, &key, &json!({"ids": [a], "label": "hum", "disabled": false}));
    patch(
        &server,
        &other,
        &json!({"ids": [a], "category": "testing", "disabled": true, "metadata": {"site": "hall"}}),
    );
    patch(
        &server,
        &other,
        &json!({"ids": [a], "ranges": [{"label": "on", "start": 0, "end": 99, "label_map": {}}]}),
    );
    let change = |who: &str, field: &str, before: Value, after: Value| {
        (who.to_owned(), field.to_owned(), before, after)
    };
    let expected = [
        change("robot", "label", json!("hum"), Value::Null),
        change("robot", "parts", Value::Null, json!("on 0 to 99")),
        change("robot", "category", json!("split"), json!("testing")),
        change("robot", "use", json!("used"), json!("left out")),
        change("robot", "fact site", Value::Null, json!("hall")),
        change("key", "label", json!("low"), json!("hum")),
    ];
    let mut all = history(&a);
    let mut sorted = expected.to_vec();
    sorted.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    assert_eq!(all, sorted);
    // The newest first.
    assert_eq!(history(&a).last(), expected.last());
    let b = id(&server, &key, "low.1");
    assert_eq!(history(&b), [], "another sample was left alone");
    assert_eq!(server.get(&key, &format!("{SAMPLES}/nothing/history")).code(), "not_found");
}

#[test]
fn people_who_label_the_same_samples_agree_or_do_not() {
    let (bench, key, server) = bench();
    let other = create_key(&bench, &["--name", "robot"]);
    let [a, b, c, d] = ["low.0", "low.1", "high.0", "high.1"].map(|n| id(&server, &key, n));
    let agreement = || server.get(&key, "/api/v1/projects/kws/agreement").ok(200);
    assert_eq!((&agreement()["samples"], &agreement()["agreement"]), (&json!(0), &Value::Null));
    // One says what the files say, the other does not of one sample and changes its mind of another.
    patch(&server, &key, &json!({"ids": [a, b], "label": "low"}));
    patch(&server, &key, &json!({"ids": [c, d], "label": "high"}));
    patch(&server, &key, &json!({"ids": [c, d], "label": "high"}));
    patch(&server, &other, &json!({"ids": [a, c], "label": "low"}));
    patch(&server, &other, &json!({"ids": [d], "label": "low"}));
    patch(&server, &other, &json!({"ids": [d], "label": "high"}));
    let out = agreement();
    assert_eq!(out["people"], json!([{"who": "key", "samples": 4}, {"who": "robot", "samples": 3}]));
    assert_eq!((&out["samples"], &out["pairs"][0]["samples"]), (&json!(3), &json!(3)), "{out}");
    // Of a, c and d: low, high, high and low, low, high. By chance 1/3 2/3 and 2/3 1/3 agree in 4 of 9.
    let figure = |v: &Value| v.as_f64().expect("a figure");
    assert!((figure(&out["agreement"]) - 2.0 / 3.0).abs() < 1e-9, "{out}");
    assert!(
        (figure(&out["pairs"][0]["cohen_kappa"]) - (2.0 / 3.0 - 4.0 / 9.0) / (5.0 / 9.0)).abs() < 1e-9,
        "{out}"
    );
    let disputed = out["disputed"].as_array().expect("a list");
    assert_eq!(disputed.len(), 1, "{out}");
    assert_eq!(disputed[0]["sample"], json!(c));
    assert_eq!(disputed[0]["labels"], json!({"key": "high", "robot": "low"}));
    // Who agrees is in the history, once.
    let history = told(&server.get(&key, &format!("{SAMPLES}/{a}/history")).ok(200));
    let agreed = |who: &str| (who.to_owned(), "agreed".to_owned(), json!("low"), json!("low"));
    assert_eq!(history, [agreed("robot"), agreed("key")]);
    let typed = bench.json(&["data", "agreement", "--project", "kws", "--json"]);
    assert_eq!((&typed["samples"], &typed["disputed"][0]["id"]), (&json!(3), &json!(c)));
    let text = bench.run(&["data", "agreement", "--project", "kws"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("robot says low"), "{}", common::text(&text));
}

#[test]
fn a_file_that_comes_again_stays_what_it_was() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let send = |more: &str| {
        let path = format!("{SAMPLES}?name=knock.wav{more}");
        server.send("POST", &path, &[("x-api-key", &key)], &tone(440.0, 3)).ok(200)
    };
    let is = || {
        let all = server.get(&key, SAMPLES).ok(200);
        assert_eq!(all["total"], 1, "{all}");
        (all["samples"][0]["label"].clone(), all["samples"][0]["category"].clone())
    };
    send("&label=door&category=testing");
    assert_eq!(is(), (json!("door"), json!("testing")));
    send("");
    assert_eq!(is(), (json!("door"), json!("testing")));
    // What is said counts.
    send("&label=window");
    assert_eq!(is(), (json!("window"), json!("testing")));
    send("&category=training");
    assert_eq!(is(), (json!("window"), json!("training")));
}

#[test]
fn the_split_is_told_before_it_is_made() {
    let (bench, key, server) = bench();
    let split = |query: &str| server.get(&key, &format!("/api/v1/projects/kws/split{query}"));
    let now = split("").ok(200);
    assert_eq!((&now["moved"], &now["fixed"]), (&json!(0), &json!(0)), "{now}");
    let half = split("?test=0.5&validation=0").ok(200);
    assert!(half["moved"].as_u64().is_some_and(|n| n > 2), "{half}");
    for label in half["labels"].as_array().expect("labels") {
        assert_eq!(label["then"], json!({"training": 5, "validation": 0, "testing": 5}), "{half}");
    }
    // It becomes what was told.
    let path = bench.path("kws/edgewright.toml");
    let text = std::fs::read_to_string(&path).expect("there");
    let (begin, rest) = text.split_once("[split]").expect("the template splits");
    let rest = rest.split_once("\n[").map_or("", |(_, rest)| rest);
    let text = format!("{begin}[split]\ntest = 0.5\nvalidation = 0.0\n\n[{rest}");
    std::fs::write(&path, text).expect("written");
    let run = bench.json(&["run", "kws", "--until", "split", "--json"]);
    let notes = run["stages"].to_string();
    assert!(notes.contains("10 samples train, 0 validate, 10 test"), "{notes}");
    // A side that a person set stays, unless it is to be free.
    let ids: Vec<String> = (0..4).map(|n| id(&server, &key, &format!("low.{n}"))).collect();
    patch(&server, &key, &json!({"ids": ids, "category": "training"}));
    assert_eq!(split("?test=0.9").code(), "stage_not_built");
    assert!(bench.run(&["run", "kws", "--until", "clean"]).status.success());
    let low = |answer: &Value| answer["labels"][1].clone();
    let kept = split("?test=0.9").ok(200);
    assert_eq!((&kept["fixed"], &low(&kept)["label"]), (&json!(4), &json!("low")), "{kept}");
    assert!(low(&kept)["then"]["training"].as_u64().is_some_and(|n| n >= 4), "{kept}");
    let free = split("?test=0.9&free=true").ok(200);
    assert!(low(&free)["then"]["training"].as_u64().is_some_and(|n| n < 4), "{free}");
    for wrong in ["?test=1", "?test=-0.1", "?validation=NaN", "?test=x"] {
        assert_eq!(split(wrong).code(), "bad_request", "{wrong}");
    }
}

#[test]
fn a_window_is_augmented_as_its_epoch_has_it() {
    let (bench, key, server) = bench();
    let ask = |query: &str| server.get(&key, &format!("/api/v1/projects/kws/augmentation{query}"));
    let one = ask("?window=2&epoch=3").ok(200);
    assert_eq!(one, ask("?window=2&epoch=3").ok(200));
    let two = ask("?window=2&epoch=4").ok(200);
    assert_eq!(one["before"], two["before"]);
    assert!(one["after"] != two["after"] && one["after"] != one["before"], "{one}");
    let count =
        one["shape"].as_array().expect("sides").iter().map(|n| n.as_u64().expect("a side")).product::<u64>();
    assert_eq!(one["after"].as_array().map(|v| v.len() as u64), Some(count));
    assert_eq!((&one["on"], one["windows"].as_u64().is_some_and(|n| n > 5)), (&json!(true), true));
    let windows = one["windows"].as_u64().expect("a number");
    assert_eq!(ask(&format!("?window={windows}")).code(), "not_found");
    assert_eq!(ask("?block=nothing").code(), "data");
    // Without augmentation a window is what it is.
    let path = bench.path("kws/edgewright.toml");
    let text = std::fs::read_to_string(&path).expect("there");
    let begin = text.find("[training.augment]").expect("the template augments");
    let end = text[begin + 1..].find("\n[").map_or(text.len(), |n| begin + 1 + n);
    std::fs::write(&path, format!("{}{}", &text[..begin], &text[end..])).expect("written");
    let plain = ask("?window=2&epoch=3").ok(200);
    assert_eq!(
        (&plain["before"], &plain["after"], &plain["on"]),
        (&one["before"], &one["before"], &json!(false))
    );
}
