use super::{
    fixture::{SYSTEMS, cells, impulse, library, library_of, starter, windows},
    *,
};
use edgewright_impulse::{Runner, Task};

#[test]
fn the_executable_answers_as_the_reference_does_and_survives_what_is_wrong() {
    for id in SYSTEMS {
        if let Some(start) = starter(id) {
            answers(id, &start);
        }
    }
}

fn answers(id: &str, start: &[String]) {
    let program = library(id, |l| executable(l).expect("built"));
    assert_eq!(program, library(id, |l| executable(l).expect("built again")), "same impulse, same bytes");
    let dir = crate::scratch::folder().expect("a folder");
    super::super::stages::build::write_whole(&dir.path().join("sounds.eim"), &program).expect("written");
    let command = [start, &["./sounds.eim".to_owned()]].concat().join(" ");
    let shell = |words: &str| {
        let script = ["-c".to_owned(), format!("{command} {words}")];
        toolchain::run("sh", &script, dir.path(), LIMIT).unwrap_or_else(|e| panic!("{id}: {e}"))
    };
    for (ask, word) in [
        ("--self-test", "agree with the reference"),
        ("--print-manifest", "\"selftest\": \"--self-test\""),
        ("--print-proof", "{\"records\": []}"),
        ("--print-licence", "Permission is hereby granted"),
    ] {
        let told = shell(ask);
        assert!(told.contains(word), "{id}: {ask}: {told}");
    }
    let mut requests =
        String::from("{\"classify\":[1],\"id\":1}\n{\"hello\":1,\"id\":2}\n{\"id\":3,\"classify\":\"}\n");
    requests.push_str("{\"id\":4,\"classify\":[1,2]}{\"id\":5,\"x\":[[[]]]}{\"id\":1.5}\n");
    for (i, w) in windows().iter().enumerate() {
        requests.push_str(&format!("{{\"classify\":{w:?},\"id\":{}}}", 100 + i));
    }
    std::fs::write(dir.path().join("requests"), requests).expect("requests");
    let told = shell("stdin < requests");
    let replies: Vec<serde_json::Value> =
        told.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    let good: Vec<bool> = replies.iter().map(|r| r["success"] == true).collect();
    assert_eq!(good[..6], [false, true, false, false, false, false], "{told}");
    assert_eq!(replies[1]["model_parameters"]["labels"], serde_json::json!(["a {", "b % \"", "c"]));
    let impulse = impulse();
    let mut runner = Runner::new(&impulse).expect("a runner");
    let Task::Classification { labels, .. } = &impulse.learn[0].task else { panic!("no labels") };
    for (w, reply) in windows().iter().zip(&replies[6..]) {
        let expected = runner.run(w).expect("run").scores;
        let got: Vec<f32> = labels
            .iter()
            .map(|l| reply["result"]["classification"][l].as_f64().unwrap_or(f64::NAN) as f32)
            .collect();
        assert_eq!(got, expected, "{reply}");
    }
}

#[test]
fn the_executable_tells_boxes_and_takes_another_threshold() {
    let mut impulse = cells();
    let program = library_of(&impulse, "host", |l| executable(l).expect("built"));
    let dir = crate::scratch::folder().expect("a folder");
    super::super::stages::build::write_whole(&dir.path().join("cups.eim"), &program).expect("written");
    let mut requests = String::from("{\"hello\":1,\"id\":1}");
    let ask = |requests: &mut String, kind: &str| {
        for w in windows() {
            requests.push_str(&format!("{{\"{kind}\":{w:?},\"id\":5}}"));
        }
    };
    ask(&mut requests, "classify");
    requests.push_str("{\"set_threshold\":{\"id\":9,\"min_score\":0.2},\"id\":6}");
    requests.push_str("{\"set_threshold\":{\"id\":2,\"min_score\":2},\"id\":6}");
    requests
        .push_str("{\"set_threshold\":{\"id\":2,\"type\":\"object_detection\",\"min_score\":0.25},\"id\":6}");
    ask(&mut requests, "classify");
    std::fs::write(dir.path().join("requests"), requests).expect("requests");
    let script = ["-c".to_owned(), "./cups.eim stdin < requests".to_owned()];
    let told = toolchain::run("sh", &script, dir.path(), LIMIT).expect("served");
    let replies: Vec<serde_json::Value> =
        told.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    let parameters = &replies[0]["model_parameters"];
    assert_eq!(parameters["model_type"], "constrained_object_detection");
    assert_eq!(
        parameters["thresholds"],
        serde_json::json!([{"id": 2, "type": "object_detection", "min_score": 0.125}])
    );
    let count = windows().len();
    let set: Vec<bool> = replies[1 + count..4 + count].iter().map(|r| r["success"] == true).collect();
    assert_eq!(set, [false, false, true], "{told}");
    let mut seen = [0, 0];
    for (round, threshold) in [0.125, 0.25].into_iter().enumerate() {
        let Task::Detection(d) = &mut impulse.learn[0].task else { panic!("no cells") };
        d.threshold = threshold;
        let mut runner = Runner::new(&impulse).expect("a runner");
        let from = 1 + round * (count + 3);
        for (w, reply) in windows().iter().zip(&replies[from..from + count]) {
            let expected: Vec<serde_json::Value> = runner
                .run(w)
                .expect("run")
                .boxes
                .iter()
                .map(|b| {
                    serde_json::json!({"label": "cup {", "value": b.value, "x": b.x, "y": b.y, "width": b.width, "height": b.height})
                })
                .collect();
            seen[round] += expected.len();
            let got = reply["result"]["bounding_boxes"].as_array().expect("boxes");
            assert_eq!(got.len(), expected.len(), "{reply}");
            for (got, expected) in got.iter().zip(&expected) {
                for key in ["label", "x", "y", "width", "height"] {
                    assert_eq!(got[key], expected[key], "{reply}");
                }
                assert_eq!(
                    got["value"].as_f64().map(|v| v as f32),
                    expected["value"].as_f64().map(|v| v as f32)
                );
            }
            assert!(reply["result"].get("classification").is_none(), "{reply}");
        }
    }
    assert!(seen[0] > seen[1] && seen[1] > 0, "{seen:?}");
}

#[test]
fn the_module_computes_what_the_reference_computes_in_node() {
    if let Some(words) = ["clang", "wasm-ld", "node"].iter().find_map(|t| toolchain::missing(t)) {
        eprintln!("not run: {words}");
        return;
    }
    let tree = library("wasm32", |l| module(l).expect("built"));
    let dir = crate::scratch::folder().expect("a folder");
    write(&Sources { files: tree, compile: Vec::new() }, dir.path()).expect("written");
    let bytes: Vec<u8> = windows().iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(dir.path().join("windows.f32"), bytes).expect("windows");
    let impulse = impulse();
    let mut runner = Runner::new(&impulse).expect("a runner");
    for simd in ["", "NO_SIMD=1 "] {
        let script = ["-c".to_owned(), format!("{simd}node example.js windows.f32")];
        let told = toolchain::run("sh", &script, dir.path(), LIMIT).expect("run");
        assert_eq!(told.lines().count(), windows().len());
        for (w, line) in windows().iter().zip(told.lines()) {
            let got: Vec<f32> = serde_json::from_str(line).expect("numbers");
            assert_eq!(got, runner.run(w).expect("run").scores);
        }
    }
}
