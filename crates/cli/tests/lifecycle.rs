//! The lifecycle: ten stages worked out from what is there, the same on the command line and over HTTP; the charter and the contract.

mod common;
use common::{
    http::{Server, workspace},
    text, tone,
};
use serde_json::{Value, json};

/// Name and progress of the stages in order.
fn told(life: &Value) -> Vec<String> {
    let stages = life["stages"].as_array().expect("stages");
    stages
        .iter()
        .map(|s| {
            format!("{} {}", s["name"].as_str().expect("a name"), s["progress"].as_str().expect("a state"))
        })
        .collect()
}

fn action(life: &Value) -> &Value {
    let next = &life["next"];
    let stage = life["stages"].as_array().expect("stages").iter().find(|s| s["name"] == *next);
    &stage.expect("the next stage")["action"]
}

#[test]
fn a_fresh_project_is_led_to_a_proven_library() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let path = |more: &str| format!("/api/v1/projects/kws{more}");
    let life = || server.get(&key, &path("/lifecycle")).ok(200);
    let fresh = life();
    let names =
        ["need", "collect", "clean", "analyse", "features", "train", "test", "optimise", "deploy", "monitor"];
    assert_eq!(fresh["stages"].as_array().map(Vec::len), Some(10));
    for (name, said) in names.iter().zip(told(&fresh)) {
        assert!(said.starts_with(name) && !said.ends_with(" done"), "{said}");
    }
    assert_eq!((&fresh["next"], &action(&fresh)["page"]), (&json!("need"), &json!("board")));

    // The charter, by the project file.
    let file = server.get(&key, &path("/file")).ok(200);
    let charter = "\n[charter]\nproblem = \"p\"\nuser = \"u\"\nmiss = \"m\"\nfalse_alarm = \"f\"\nmetric = \"macro_f1\"\n";
    let with = format!("{}{charter}", file["text"].as_str().expect("a text"));
    server.json(&key, "PUT", &path("/file"), &json!({"text": with, "version": file["version"]})).ok(200);
    let shown = server.get(&key, &path("/file")).ok(200);
    assert_eq!(shown["settings"]["charter"]["metric"], "macro_f1");
    let wrong = with.replace("macro_f1", "macro_f2");
    let refused =
        server.json(&key, "PUT", &path("/file"), &json!({"text": wrong, "version": shown["version"]}));
    assert!(refused.status == 422 && refused.text().contains("macro_f1"), "{}", refused.text());

    // Data; one recording is without a label.
    let asked = life();
    assert_eq!((&asked["next"], &action(&asked)["page"]), (&json!("collect"), &json!("data")));
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    bench.write("alone/one.wav", tone(300.0, 77));
    let import = |what: &str, rule: &[&str]| {
        let out = bench.run(&[&["data", "import", what, "--project", "kws"], rule].concat());
        assert!(out.status.success(), "{}", text(&out));
    };
    import("in", &["--label-from", "name"]);
    assert_eq!(told(&life())[1], "collect done");
    import("alone", &["--label-from", "name:^(zz)"]);
    assert_eq!(told(&life())[1], "collect attention");
    assert_eq!(life()["next"], "clean", "what wants a look does not stand in the way");
    let id = bench.json(&["data", "list", "--project", "kws", "--json"])["samples"]
        .as_array()
        .expect("samples")
        .iter()
        .find(|s| s["label"].is_null())
        .expect("the one without a label")["id"]
        .clone();
    server.json(&key, "PATCH", &path("/samples"), &json!({"ids": [id], "label": "low"})).ok(204);

    // From here on runs, as far as each action says.
    for _ in 0..8 {
        let now = life();
        let Some(until) = action(&now)["run_until"].as_str() else { break };
        let job = server.json(&key, "POST", &path("/jobs"), &json!({"kind": "run", "until": until})).ok(201);
        let ended = server.wait(&key, "kws", job["id"].as_str().expect("an id"));
        assert_eq!(ended["state"], "done", "{ended}");
        assert_ne!(life()["next"], now["next"], "a run to {until} brings the project on");
    }
    let proven = life();
    let done = told(&proven).iter().filter(|s| s.ends_with(" done")).count();
    assert_eq!((done, &proven["next"]), (9, &json!("monitor")), "{proven:#}");
    assert_eq!(action(&proven)["page"], "devices");
    let tested = &proven["stages"][6]["says"];
    assert!(tested[0].as_str().is_some_and(|s| s.starts_with("macro_f1: float ")), "{tested}");
    assert_eq!(server.get(&key, &path("/results")).ok(200)["metric"], "macro_f1");

    // On the command line the same, in words too.
    let own = bench.json(&["status", "kws", "--json"]);
    assert_eq!(told(&own)[..9], told(&proven)[..9]);
    let words = text(&bench.run(&["status", "kws"]));
    assert!(
        words.contains("done     Prove and deploy") && words.contains("next: Connect a device"),
        "{words}"
    );

    // Other settings: what was built is out of date, and the way leads on from there.
    let before = std::fs::read_to_string(bench.path("kws/edgewright.toml")).expect("there");
    std::fs::write(bench.path("kws/edgewright.toml"), before.replace("epochs = 5", "epochs = 6"))
        .expect("written");
    let stale = life();
    assert_eq!((&stale["next"], &action(&stale)["run_until"]), (&json!("train"), &json!("train")));
    assert_eq!(told(&stale)[5], "train open");
}

#[test]
fn a_contract_that_nobody_measures_or_keeps_fails_the_run() {
    let (bench, _) = workspace();
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    let out = bench.run(&["data", "import", "in", "--project", "kws", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    let file = bench.path("kws/edgewright.toml");
    let before = std::fs::read_to_string(&file).expect("there");
    let text_of = |targets: &str, contract: &str| {
        let with = before.replace("targets = [\"host\"]", &format!("targets = [{targets}]\nboard_cases = 2"));
        assert_ne!(with, before, "the project file names its targets");
        with + contract
    };
    let run = |targets: &str, contract: &str| {
        std::fs::write(&file, text_of(targets, contract)).expect("written");
        let out = bench.run(&["run", "kws", "--json"]);
        let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        (out.status.code(), told["missed"].clone())
    };
    let (code, missed) = run("\"host\"", "\n[contract]\nmax_ram_bytes = 100000\n");
    assert_eq!(code, Some(1), "{missed}");
    assert!(
        missed[0].as_str().is_some_and(|m| m.starts_with("contract.max_ram_bytes: nothing measured")),
        "{missed}"
    );
    let (code, missed) =
        run("\"host\", \"cortex-m4f\"", "\n[contract]\nmax_ram_bytes = 100000\nmax_flash_bytes = 1000\n");
    assert_eq!((code, missed.as_array().map(Vec::len)), (Some(1), Some(1)), "{missed}");
    assert!(
        missed[0].as_str().is_some_and(|m| m.starts_with("contract.max_flash_bytes: cortex-m4f needs ")),
        "{missed}"
    );
    let (code, missed) = run(
        "\"host\", \"cortex-m4f\"",
        "\n[contract]\nmax_ram_bytes = 100000\nmax_instructions = 4000000000\n",
    );
    assert_eq!((code, &missed), (Some(0), &json!([])));
}
