//! Every command has its operation over HTTP, and the operations do what the commands do.

mod common;
use common::{
    Bench,
    http::{Server, workspace},
    models::{dense, inputs},
    text, tone,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How a command is done over HTTP.
enum Over {
    /// By this operation.
    Operation(&'static str),
    /// By a job of this kind.
    Job(&'static str),
    /// Not at all, for this reason.
    Nothing(&'static str),
}
use Over::{Job, Nothing, Operation};

/// One line for each command of `edgewright --help` and below. Whoever adds a command adds its operation.
const COMMANDS: &[(&str, Over)] = &[
    ("new", Operation("create_project")),
    ("data import", Operation("upload_sample")),
    ("data list", Operation("list_samples")),
    ("data show", Operation("get_sample")),
    ("data scan", Operation("list_findings")),
    ("data agreement", Operation("get_agreement")),
    ("data trace", Operation("trace_sample")),
    ("data cut", Operation("cut_sample")),
    ("data export", Job("export")),
    ("data analyse", Operation("get_analysis")),
    ("data advise", Job("advise")),
    ("run", Job("run")),
    ("test", Operation("get_results")),
    ("classify", Operation("classify")),
    ("explain", Operation("explain_sample")),
    ("report", Operation("get_report")),
    ("build", Job("build")),
    ("verify", Job("verify")),
    ("dsp list", Operation("list_blocks")),
    ("dsp run", Operation("run_block")),
    ("dsp importance", Job("importance")),
    ("dsp tune", Job("tune")),
    ("train find-rate", Job("find_rate")),
    ("train cross-validate", Job("cross_validate")),
    ("train try", Job("try")),
    ("model run", Job("model_run")),
    ("model import", Operation("import_model")),
    ("model profile", Job("model_profile")),
    ("model quantize", Job("model_quantize")),
    ("model export", Job("model_export")),
    ("estimate", Operation("estimate")),
    ("impulse list", Operation("list_impulses")),
    ("impulse save", Operation("save_impulse")),
    ("impulse use", Operation("use_impulse")),
    ("impulse diff", Operation("diff_impulse")),
    ("impulse remove", Operation("remove_impulse")),
    ("version list", Operation("list_versions")),
    ("version pareto", Operation("compare_versions")),
    ("version diff", Operation("diff_version")),
    ("version restore", Operation("restore_version")),
    ("status", Operation("get_lifecycle")),
    ("targets", Operation("list_targets")),
    ("doctor", Operation("list_tools")),
    ("serve", Nothing("it is what answers")),
    ("worker", Nothing("it is a process of its own, started where it is to run")),
    ("login", Nothing("it is the way back in for who has the files and no account")),
    ("account invite", Operation("invite")),
    ("account link", Operation("invite_again")),
    ("account list", Operation("list_accounts")),
    ("account role", Operation("change_account")),
    ("account remove", Operation("remove_account")),
    ("hook create", Operation("create_hook")),
    ("hook list", Operation("list_hooks")),
    ("hook delete", Operation("delete_hook")),
    ("key create", Operation("create_key")),
    ("key list", Operation("list_keys")),
    ("key delete", Operation("delete_key")),
    ("completions", Nothing("it is about the shell in which the command is typed")),
];

/// The commands that have none below them, from the pages that the program itself writes.
fn commands(bench: &Bench) -> Vec<String> {
    assert!(bench.run(&["generate-docs", "docs"]).status.success());
    let page = std::fs::read_to_string(bench.path("docs/cli.md")).expect("a page");
    let all: Vec<&str> =
        page.lines().filter_map(|l| l.strip_prefix("## `edgewright ")?.strip_suffix('`')).collect();
    let leaf = |name: &&&str| !all.iter().any(|other| other.starts_with(&format!("{name} ")));
    let leaves: Vec<String> = all.iter().filter(leaf).map(|n| (*n).to_owned()).collect();
    assert!(leaves.len() > 40, "{leaves:?}");
    leaves
}

#[test]
fn every_command_has_its_operation() {
    let (bench, _) = workspace();
    let server = Server::start(&bench.path(""));
    let operations: BTreeSet<String> = server.operations().into_iter().map(|(_, _, id)| id).collect();
    let document = server.send("GET", "/api/openapi.json", &[], b"").ok(200);
    let kinds: BTreeSet<&str> = document["components"]["schemas"]["JobRequest"]["oneOf"]
        .as_array()
        .expect("kinds")
        .iter()
        .filter_map(|kind| kind["properties"]["kind"]["enum"][0].as_str())
        .collect();
    let mut left: BTreeSet<&str> = kinds.clone();
    for command in commands(&bench) {
        let line = COMMANDS.iter().find(|(name, _)| *name == command);
        let (_, over) = line.unwrap_or_else(|| panic!("say in COMMANDS how `{command}` is done over HTTP"));
        match over {
            Operation(id) => assert!(operations.contains(*id), "`{command}`: no operation `{id}`"),
            Job(kind) => {
                assert!(kinds.contains(kind), "`{command}`: no job `{kind}` in {kinds:?}");
                left.remove(kind);
            }
            Nothing(why) => assert!(!why.is_empty(), "{command}"),
        }
    }
    assert!(left.is_empty(), "no command does what these jobs do: {left:?}");
    let known: BTreeSet<String> = commands(&bench).into_iter().collect();
    for (name, _) in COMMANDS {
        assert!(known.contains(*name), "there is no command `{name}`");
    }
}

fn start(server: &Server, key: &str, request: &Value) -> Value {
    let job = server.json(key, "POST", "/api/v1/projects/kws/jobs", request).ok(201);
    let done = server.wait(key, "kws", job["id"].as_str().expect("an id"));
    assert_eq!(done["state"], "done", "{done}");
    done
}

/// A server of `kws` with twenty recordings.
fn with_recordings() -> (Bench, String, Server) {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    for i in 0..10 {
        for (label, hz) in [("low", 300.0 + 5.0 * f64::from(i)), ("high", 1500.0 + 20.0 * f64::from(i))] {
            let path = format!("/api/v1/projects/kws/samples?name={label}.{i}.wav&label={label}");
            server.send("POST", &path, &[("x-api-key", &key)], &tone(hz, i as u64)).ok(200);
        }
    }
    (bench, key, server)
}

#[test]
fn jobs_on_a_project_tell_what_its_commands_tell() {
    let (bench, key, server) = with_recordings();
    let sample = server.get(&key, "/api/v1/projects/kws/samples?limit=1").ok(200)["samples"][0].clone();
    let id = sample["id"].as_str().expect("an id");
    let trace = format!("/api/v1/projects/kws/samples/{id}/trace");
    assert_eq!(server.get(&key, &trace).code(), "stage_not_built");
    assert_eq!(server.get(&key, "/api/v1/projects/kws/samples/nothing/trace").code(), "not_found");

    let told = start(&server, &key, &json!({"kind": "importance"}))["result"].clone();
    assert_eq!(told, bench.json(&["dsp", "importance", "kws", "--json"]));
    assert!(told["features"].as_array().is_some_and(|f| f.len() > 10), "{told}");

    let traced = server.get(&key, &trace).ok(200);
    let said = bench.json(&["data", "trace", id, "--project", "kws", "--json"]);
    assert_eq!((&traced["windows"], &traced["side"]), (&said["windows"], &said["side"]), "{traced} {said}");
    assert!(traced["windows"].as_array().is_some_and(|w| !w.is_empty()), "{traced}");
    assert_eq!(traced["received"]["sample"]["id"], sample["id"]);
    let steps = said["lineage"].as_array().map(Vec::len);
    assert_eq!(traced["lineage"].as_array().map(Vec::len), steps, "{traced} {said}");

    let found = start(&server, &key, &json!({"kind": "find_rate"}))["result"].clone();
    assert_eq!(found, bench.json(&["train", "find-rate", "kws", "--json"]));
    assert!(found["tried"].as_array().is_some_and(|t| t.len() > 10), "{found}");

    let request = json!({"kind": "cross_validate", "folds": 2});
    let told = start(&server, &key, &request)["result"].clone();
    assert_eq!(told, bench.json(&["train", "cross-validate", "kws", "--folds", "2", "--json"]));

    let request = json!({"kind": "try", "variants": ["smaller", "raw"]});
    let told = start(&server, &key, &request)["result"].clone();
    let args = ["train", "try", "kws", "--variant", "smaller", "--variant", "raw", "--json"];
    assert_eq!(told, bench.json(&args));
    assert_eq!(
        server
            .json(&key, "POST", "/api/v1/projects/kws/jobs", &json!({"kind": "try", "variants": ["bigger"]}))
            .status,
        400
    );

    let request = json!({"kind": "tune", "trials": 4, "finalists": 0, "seed": 3});
    let mut tuned = start(&server, &key, &request)["result"].clone();
    assert_eq!(tuned.as_object_mut().expect("an object").remove("applied"), Some(json!(false)));
    let args = ["dsp", "tune", "kws", "--trials", "4", "--finalists", "0", "--seed", "3", "--json"];
    assert_eq!(tuned, bench.json(&args));
    let before = std::fs::read_to_string(bench.path("kws/edgewright.toml")).expect("there");
    let request = json!({"kind": "tune", "trials": 12, "finalists": 0, "seed": 3, "apply": true});
    let tuned = start(&server, &key, &request)["result"].clone();
    let after = std::fs::read_to_string(bench.path("kws/edgewright.toml")).expect("there");
    assert_eq!(tuned["applied"], before != after, "{tuned}");
    for wrong in [json!({"kind": "tune", "trials": 1}), json!({"kind": "tune", "finalists": 101})] {
        let answer = server.json(&key, "POST", "/api/v1/projects/kws/jobs", &wrong);
        assert_eq!(answer.code(), "bad_request", "{wrong}");
    }
}

#[test]
fn a_search_is_cancelled_while_it_goes_on() {
    let (_bench, key, server) = with_recordings();
    let request = json!({"kind": "tune", "trials": 10_000});
    let job = server.json(&key, "POST", "/api/v1/projects/kws/jobs", &request).ok(201);
    let id = job["id"].as_str().expect("an id");
    let now = server.until(&key, "kws", id, |j| j["progress"]["stage"] == "tune" || j["state"] == "failed");
    assert_eq!((&now["state"], &now["progress"]["total"]), (&json!("running"), &json!(10_000)), "{now}");
    let cancel = format!("/api/v1/projects/kws/jobs/{id}/cancel");
    server.json(&key, "POST", &cancel, &json!({})).ok(200);
    assert_eq!(server.wait(&key, "kws", id)["state"], "cancelled");
}

#[test]
fn all_samples_come_out_as_one_file_that_goes_in_again() {
    let (bench, key, server) = with_recordings();
    let job = start(&server, &key, &json!({"kind": "export"}));
    assert_eq!(job["result"]["files"], 20, "{job}");
    let path = format!("/api/v1/projects/kws/jobs/{}/package", job["id"].as_str().expect("an id"));
    let answer = server.get(&key, &path);
    let named = answer.header("content-disposition").unwrap_or_default().to_owned();
    assert!(answer.status == 200 && named.contains("kws-data.zip"), "{} {named}", answer.status);
    bench.write("out.zip", &answer.body);
    let unpacked = std::process::Command::new("python3")
        .args(["-m", "zipfile", "-e", "out.zip", "out"])
        .current_dir(bench.path(""))
        .output()
        .expect("python3 unpacks");
    assert!(unpacked.status.success(), "{}", text(&unpacked));
    // The command writes the same into a folder.
    let written = bench.json(&["data", "export", "folder", "--project", "kws", "--json"]);
    assert_eq!(written["files"], 20);
    for file in ["info.labels", "split/low.0.wav", "split/high.9.wav"] {
        let read = |dir: &str| std::fs::read(bench.path(&format!("{dir}/{file}"))).expect("there");
        assert_eq!(read("out"), read("folder"), "{file}");
    }
    assert!(bench.run(&["new", "again", "--template", "keywords"]).status.success());
    let took = bench.json(&["data", "import", "out", "--project", "again", "--json"]);
    assert_eq!((&took["imported"], &took["labels"]), (&json!(20), &json!({"high": 10, "low": 10})), "{took}");
}

#[test]
fn a_block_is_run_on_values_without_a_project() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let values: Vec<f64> = (0..4000).map(|i| f64::from((i * i) % 997) - 500.0).collect();
    bench.write("x.json", json!({ "values": values }).to_string());
    let args = ["dsp", "run", "mfcc", "--rate", "8000", "--params", r#"{"num_cepstral": 7}"#];
    let ran = bench.run(&[args.as_slice(), &["--input", "x.json", "--out", "y.json"]].concat());
    assert!(ran.status.success(), "{}", text(&ran));
    let said: Value =
        serde_json::from_slice(&std::fs::read(bench.path("y.json")).expect("there")).expect("JSON");
    let run =
        |block: &str, body: &Value| server.json(&key, "POST", &format!("/api/v1/blocks/{block}/run"), body);
    let params = json!({"num_cepstral": 7});
    let told = run("mfcc", &json!({"rate_hz": 8000, "params": params, "values": values})).ok(200);
    let numbers = |v: &Value| -> Vec<f32> {
        v.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number") as f32).collect()
    };
    assert_eq!(numbers(&told["values"]), numbers(&said["features"]));
    assert_eq!(numbers(&told["values"]).len() % 7, 0);
    // What follows a network takes an object.
    let body = json!({"params": {"iou_threshold": 0.5, "confidence_threshold": 0.1},
        "input": {"boxes_y1x1y2x2": [[0, 0, 1, 1], [0, 0, 1, 0.9]], "scores": [0.5, 0.9]}});
    assert_eq!(run("nms", &body).ok(200), json!({"values": [1.0], "object": {"selected": [1]}}));
    for (block, body, code) in [
        ("mfcc", json!({}), "bad_request"),
        ("nothing", json!({"values": [1]}), "bad_request"),
        ("raw", json!({"values": [1, 2, 3], "shape": [2, 2]}), "bad_request"),
        ("raw", json!({"values": [1, 2, 3], "shape": [u64::MAX, u64::MAX]}), "bad_request"),
        (
            "image_resize_device",
            json!({"values": [1, 2, 3, 4], "shape": [2, 2], "params": {"dst_width": 4_000_000, "dst_height": 4_000_000, "channels": 1}}),
            "data",
        ),
        (
            "continuous_mfcc",
            json!({"values": [1, 2], "rate_hz": 8000, "params": {"window": 1_000_000_000}}),
            "data",
        ),
    ] {
        assert_eq!(run(block, &body).code(), code, "{block}");
    }
}

#[test]
fn models_are_kept_run_profiled_quantised_exported_and_imported() {
    let (bench, key) = workspace();
    let (model, cases) = (dense(&bench), inputs());
    bench.write("x.npy", &cases);
    let server = Server::start(&bench.path(""));
    let base = "/api/v1/projects/kws/models";
    let keep = |name: &str, bytes: &[u8]| {
        server.send("PUT", &format!("{base}/{name}"), &[("x-api-key", &key)], bytes)
    };
    assert_eq!(keep("small.tflite", &model).ok(200)["bytes"], model.len());
    keep("x.npy", &cases).ok(200);
    for name in ["..%2Fx", ".new-x", "a%20b", "a%00b"] {
        assert_eq!(keep(name, b"x").code(), "bad_request", "{name}");
    }
    let kept = |name: &str| {
        let answer = server.get(&key, &format!("{base}/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        answer.body
    };
    let ran = |args: &[&str]| {
        let ran = bench.run(args);
        assert!(ran.status.success(), "{}", text(&ran));
    };
    let read = |name: &str| std::fs::read(bench.path(name)).expect("there");

    let job = start(
        &server,
        &key,
        &json!({"kind": "model_run", "model": "small.tflite", "inputs": ["x.npy"], "out": "y.npy"}),
    );
    assert_eq!((&job["result"]["cases"], &job["result"]["files"]), (&json!(40), &json!(["y.npy"])), "{job}");
    ran(&["model", "run", "small.tflite", "--input", "x.npy", "--out", "y.npy"]);
    assert_eq!(kept("y.npy"), read("y.npy"));

    let job = start(
        &server,
        &key,
        &json!({"kind": "model_profile", "model": "small.tflite", "targets": ["cortex-m4f"]}),
    );
    let told = bench.json(&["model", "profile", "small.tflite", "--target", "cortex-m4f", "--json"]);
    assert_eq!(job["result"]["targets"], told["targets"], "{job}");
    assert!(kept("small.cost.svg").starts_with(b"<svg"));

    let quantize = json!({"kind": "model_quantize", "model": "small.tflite", "calibration": ["x.npy"], "out": "int8.tflite", "method": "mse"});
    let job = start(&server, &key, &quantize);
    assert!(job["result"]["loss"].as_f64().is_some_and(|l| l < 0.1), "{job}");
    ran(&[
        "model",
        "quantize",
        "small.tflite",
        "--calibration",
        "x.npy",
        "--method",
        "mse",
        "--out",
        "int8.tflite",
    ]);
    assert_eq!(kept("int8.tflite"), read("int8.tflite"));

    start(
        &server,
        &key,
        &json!({"kind": "model_export", "model": "int8.tflite", "format": "c", "out": "int8.zip"}),
    );
    assert!(kept("int8.zip").starts_with(b"PK"));
    start(
        &server,
        &key,
        &json!({"kind": "model_export", "model": "int8.tflite", "format": "onnx", "out": "int8.onnx"}),
    );
    let names: Vec<String> = server.get(&key, base).ok(200)["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|f| f["name"].as_str().expect("a name").to_owned())
        .collect();
    let all = ["int8.onnx", "int8.tflite", "int8.zip", "small.cost.svg", "small.tflite", "x.npy", "y.npy"];
    assert_eq!(names, all);

    let import = format!("{base}/int8.tflite/import");
    let told = server.json(&key, "POST", &import, &json!({"labels": ["a", "b", "c"]})).ok(200);
    assert_eq!(
        (&told["model"], &told["kind"]),
        (&json!("models/int8.tflite"), &json!("classifier")),
        "{told}"
    );
    let toml = std::fs::read_to_string(bench.path("kws/edgewright.toml")).expect("there");
    assert!(toml.contains("file = \"models/int8.tflite\"") && toml.contains("\"c\""), "{toml}");
    assert_eq!(server.json(&key, "POST", &import, &json!({"labels": ["a"]})).code(), "bad_request");

    // What cannot work is refused before a worker takes it; what turns out later says why, and not where files lie.
    for wrong in [
        json!({"kind": "model_run", "model": "../x", "inputs": ["x.npy"], "out": "y.npy"}),
        json!({"kind": "model_run", "model": "small.tflite", "inputs": [], "out": "y.npy"}),
        json!({"kind": "model_run", "model": "small.tflite", "inputs": ["x=/etc/passwd"], "out": "y.npy"}),
        json!({"kind": "model_run", "model": "small.tflite", "inputs": ["x.npy"], "out": "y.toml"}),
        json!({"kind": "model_profile", "model": "small.tflite", "targets": ["nothing"]}),
        json!({"kind": "model_quantize", "model": "small.tflite", "calibration": ["x.npy"], "out": "a.tflite", "method": "best"}),
        json!({"kind": "model_export", "model": "small.tflite", "format": "keras", "out": "a.h5"}),
    ] {
        let answer = server.json(&key, "POST", "/api/v1/projects/kws/jobs", &wrong);
        assert_eq!(answer.code(), "bad_request", "{wrong}");
    }
    for (inputs, said) in
        [("small.tflite", "small.tflite: this is no .npy file"), ("none.npy", "there is no file `none.npy`")]
    {
        let request =
            json!({"kind": "model_run", "model": "small.tflite", "inputs": [inputs], "out": "y.npy"});
        let job = server.json(&key, "POST", "/api/v1/projects/kws/jobs", &request).ok(201);
        let ended = server.wait(&key, "kws", job["id"].as_str().expect("an id"));
        let message = ended["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(said), "{ended}");
    }
    server.json(&key, "DELETE", &format!("{base}/x.npy"), &json!({})).ok(204);
    assert_eq!(server.get(&key, &format!("{base}/x.npy")).code(), "not_found");
}
