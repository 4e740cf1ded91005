//! DSP blocks that a program of the user computes: real programs, in Python.

mod common;
use common::{
    Bench,
    http::{Server, create_key, workspace},
    motion, text,
};
use serde_json::{Value, json};

const BLOCK: &str =
    "block = \"external\"\nid = \"bands\"\ncommand = [\"python3\", \"blocks/block.py\"]\ntime_limit_s = 5\n";

fn bands() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/dsp-blocks/bands.py");
    std::fs::read_to_string(path).expect("the example")
}

/// Two motions in a project whose features a program computes.
fn fill(bench: &Bench, more: &str) {
    for (label, hz) in [("slow", 2.0), ("fast", 8.0)] {
        for i in 0..12 {
            bench.write(&format!("recordings/{label}.{i:02}.csv"), motion(hz, 4.0, i));
        }
    }
    bench.write("project/blocks/block.py", bands());
    bench.write(
        "project/edgewright.toml",
        format!(
            "[[data]]\npath = \"../recordings\"\nlabel_from = \"name\"\n\n[impulse]\nwindow_ms = 1000\n\n[[impulse.dsp]]\n{BLOCK}{more}\n[[impulse.learn]]\nkind = \"classifier\"\n\n[training]\nepochs = 40\n\n[deploy]\ntargets = [\"host\"]\n"
        ),
    );
}

fn project(more: &str) -> Bench {
    let bench = Bench::new("motion");
    fill(&bench, more);
    bench
}

fn notes(report: &Value, stage: usize) -> String {
    report["stages"][stage]["notes"].to_string()
}

#[test]
fn a_program_gives_the_features() {
    let bench = project("parameters = { bands = 5, highest-hz = 25.0 }\n");
    let out = bench.run(&["run", "project", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    let report: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert!(notes(&report, 3).contains("18 features"), "{report}");
    assert!(report["test"]["int8"]["accuracy"].as_f64().expect("a figure") >= 0.9, "{report}");
    // Nothing is exported, and that is said.
    assert_eq!((&report["artifacts"], &report["verify"]), (&json!([]), &json!([])));
    assert!(notes(&report, 6).contains("no C of it"), "{report}");
    let out = bench.run(&["build", "project", "--target", "host", "--package", "c", "--out", "x.zip"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(
        text(&out).contains("`bands` is a program of its own") && text(&out).contains("custom"),
        "{}",
        text(&out)
    );
    // The names are the block's.
    let told = bench.json(&["dsp", "importance", "project", "--json"]);
    assert!(told.to_string().contains("accX band 4"), "{told}");
    let said = bench.run(&["classify", "project", "recordings/fast.00.csv"]);
    assert!(said.status.success() && text(&said).contains("fast"), "{}", text(&said));
    // Nothing new, nothing done; other parameters or another program are other features, and what was given once is kept.
    let status = |stage: usize| bench.json(&["run", "project", "--json"])["stages"][stage]["status"].clone();
    assert_eq!(status(3), "cached");
    bench.replace("bands = 5", "bands = 3");
    assert_eq!(status(3), "built");
    let counted = bands().replace(
        "def answer(path, asked):",
        "def answer(path, asked):\n    open(\"asked\", \"a\").write(path + \"\\n\")",
    );
    bench.write("project/blocks/block.py", counted);
    assert_eq!(status(3), "built");
    let asked = || std::fs::read_to_string(bench.path("project/asked")).expect("asked").lines().count();
    let first = asked();
    assert!(first > 20, "{first}");
    // Another recording: only that one is asked for.
    bench.write("recordings/fast.77.csv", motion(8.5, 4.0, 77));
    assert_eq!(status(3), "built");
    assert_eq!(asked(), first + 1);
}

#[test]
fn a_search_beside_a_program_asks_it_first() {
    let bench = project("");
    bench.append("\n[[impulse.dsp]]\nblock = \"flatten\"\n");
    let told = bench.json(&[
        "dsp",
        "tune",
        "project",
        "--block",
        "flatten",
        "--trials",
        "2",
        "--finalists",
        "0",
        "--json",
    ]);
    assert_eq!(told["trials"].as_array().map(Vec::len), Some(2), "{told}");
}

#[test]
fn a_program_that_no_argument_names_is_told_by_its_version() {
    let bench = project("");
    bench.replace("\"blocks/block.py\"]", "\"-m\", \"blocks.block\"]");
    let status =
        || bench.json(&["run", "project", "--json", "--until", "features"])["stages"][3]["status"].clone();
    assert_eq!((status(), status()), (json!("built"), json!("cached")));
    let other = bands().replace("latestImplementationVersion\": 1", "latestImplementationVersion\": 2");
    assert_ne!(other, bands());
    bench.write("project/blocks/block.py", other);
    assert_eq!(status(), "built");
}

#[test]
fn a_selection_takes_some_of_them() {
    let bench = project("");
    bench.append("\n[impulse.select]\nkeep = 4\n");
    let report = bench.json(&["run", "project", "--json", "--until", "test"]);
    assert!(report["test"]["int8"]["accuracy"].as_f64().expect("a figure") >= 0.9, "{report}");
    let said = bench.run(&["classify", "project", "recordings/slow.00.csv"]);
    assert!(said.status.success() && text(&said).contains("slow"), "{}", text(&said));
}

#[test]
fn a_program_that_fails_hangs_dies_or_gives_nonsense_leaves_the_project_as_it_was() {
    let bench = project("");
    let whole = bench.json(&["run", "project", "--json", "--until", "test"]);
    let good = bands();
    let fails = |block: String, words: &[&str]| {
        bench.write("project/blocks/block.py", &block);
        let out = bench.run(&["run", "project", "--until", "test"]);
        let said = text(&out);
        assert_eq!(out.status.code(), Some(1), "{words:?}: {said}");
        assert!(words.iter().all(|w| said.contains(w)), "{words:?}: {said}");
    };
    let instead = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let answers = |with: &str| {
        instead("            self.say(answer(self.path, asked))", &format!("            {with}"))
    };
    fails("import sys\nsys.exit('no port for me')\n".into(), &["bands", "exit status: 1", "no port for me"]);
    fails("import time\ntime.sleep(60)\n".into(), &["bands", "hint: ", "PORT"]);
    fails(answers("import time; time.sleep(60)"), &["no answer within 5 s"]);
    fails(answers("os._exit(7)"), &["exit status: 7"]);
    fails(
        answers("self.wfile.write(b'HTTP/1.0 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\n{\"features')"),
        &["broke off", "of 99 bytes"],
    );
    fails(
        answers(
            "self.say({'success': True, 'features': [1] * 3 if self.path == '/run' else [[1] * 4] * len(asked['features'])})",
        ),
        &["3 features", "now 4"],
    );
    fails(answers("self.say({'success': True, 'features': []})"), &["0 features"]);
    fails(
        instead("allow_nan=False", "allow_nan=True").replace("total / max(1, last - first)", "float('nan')"),
        &["NaN"],
    );
    fails(instead("if not 1 <= bands <= 64:", "if True:"), &["it failed: ", "it must be 1 to 64"]);
    fails(answers("self.say({}, 500)"), &["status 500"]);
    fails(instead("\"type\": \"int\"", "\"type\": \"bucket\""), &["`bands`", "bucket"]);
    // None of it left a trace: with the good block all is there.
    bench.write("project/blocks/block.py", &good);
    let again = bench.json(&["run", "project", "--json", "--until", "test"]);
    assert!(again["stages"].as_array().expect("stages").iter().all(|s| s["status"] == "cached"), "{again}");
    assert_eq!(again["test"], whole["test"]);
    // A block without `/batch` is asked window by window, and gives the same.
    bench.write("project/blocks/block.py", instead("(\"/run\", \"/batch\")", "(\"/run\",)"));
    assert_eq!(bench.json(&["run", "project", "--json", "--until", "test"])["test"], whole["test"]);
}

/// A terminal tells only its own group of processes; a program with a group of its own must not go on without anybody.
#[cfg(target_os = "linux")]
#[test]
fn who_stops_the_command_stops_its_programs() {
    let bench = project("");
    bench.replace("time_limit_s = 5", "time_limit_s = 60");
    let block = "import os, time\nopen('pid.new', 'w').write(str(os.getpid()))\nos.rename('pid.new', 'pid')\ntime.sleep(60)\n";
    bench.write("project/blocks/block.py", block);
    for signal in ["-INT", "-TERM"] {
        let mut run = common::command(&bench.path(""))
            .args(["run", "project", "--until", "features"])
            .spawn()
            .expect("starts");
        let pid = bench.path("project/pid");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !pid.exists() && std::time::Instant::now() < until {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let number = std::fs::read_to_string(&pid).expect("the block runs");
        std::fs::remove_file(&pid).expect("removed");
        let told = std::process::Command::new("sh")
            .args(["-c", &format!("kill {signal} {}", run.id())])
            .status()
            .expect("told");
        assert!(told.success() && !run.wait().expect("ends").success());
        let there = || std::fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while !there().is_empty() && std::time::Instant::now() < until {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(there(), "", "{signal}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused_where_they_stand() {
    let bench = project("parameters = { bans = 5 }\n");
    let says = |status: i32, words: &str| {
        let out = bench.run(&["run", "project", "--until", "features"]);
        assert_eq!(out.status.code(), Some(status), "{words}: {}", text(&out));
        assert!(text(&out).contains(words), "{words}: {}", text(&out));
    };
    says(1, "did you mean `bands`");
    bench.replace("time_limit_s = 5", "time_limit_s = 86401");
    says(2, "it must be from 1 to 86400");
    bench.replace("time_limit_s = 86401", "time_limit_s = 5");
    bench.replace("parameters = { bans = 5 }", "parameters = { bands = 5.5 }");
    says(1, "a whole number");
    bench.replace("parameters = { bands = 5.5 }", "bands = 5");
    says(2, "parameters = { bands = ... }");
    bench.replace("bands = 5\n", "url = \"http://192.0.2.1:4446\"\n");
    says(2, "remote = true");
    bench.replace("url = \"http://192.0.2.1:4446\"\n", "");
    bench.replace("command = [\"python3\", \"blocks/block.py\"]\n", "");
    says(2, "needs `url");
    bench.replace("time_limit_s = 5\n", "url = \"http://127.0.0.1:9\"\n");
    says(1, "start the block");
    bench.replace("block = \"external\"", "block = \"raw\"");
    says(2, "`impulse.dsp.url` is for `block = \"external\"`");
}

#[test]
fn a_block_that_runs_already_is_asked_and_the_studio_tries_it() {
    let (bench, key) = workspace();
    fill(&bench, "");
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut block = std::process::Command::new("python3")
        .arg(bench.path("project/blocks/block.py"))
        .env("PORT", port.to_string())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("python3");
    bench.replace(
        "command = [\"python3\", \"blocks/block.py\"]",
        &format!("url = \"http://127.0.0.1:{port}\""),
    );
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let report = bench.json(&["run", "project", "--json", "--until", "features"]);
    assert!(notes(&report, 3).contains("15 features"), "{report}");
    let server = Server::start(&bench.path(""));
    // A command is started by who may change things alone.
    let url = format!("url = \"http://127.0.0.1:{port}\"");
    let command = "command = [\"sh\", \"-c\", \"touch started; false\"]";
    bench.replace(&url, command);
    let path = "/api/v1/projects/project/blocks";
    let reader = create_key(&bench, &["--scope", "read"]);
    let help = |told: Value| told["blocks"][0]["help"].as_str().expect("words").to_owned();
    let seen = help(server.get(&reader, path).ok(200));
    assert!(seen.contains("not asked yet"), "{seen}");
    assert_eq!(server.json(&reader, "POST", path, &json!({})).status, 403);
    let tried = json!({"block": "bands", "sample": "x", "window_ms": 1000});
    assert_eq!(server.json(&reader, "POST", "/api/v1/projects/project/features", &tried).status, 403);
    let heard = [("x-api-key", reader.as_str())];
    assert_eq!(server.send("POST", "/api/v1/projects/project/classify?name=x.csv", &heard, b"x").status, 403);
    assert!(!bench.path("project/started").exists());
    let failed = help(server.json(&key, "POST", path, &json!({})).ok(200));
    assert!(bench.path("project/started").exists() && !failed.contains("not asked"), "{failed}");
    bench.replace(command, &url);
    let blocks = server.get(&key, "/api/v1/projects/project/blocks").ok(200);
    assert_eq!(blocks["blocks"][0]["name"], "bands", "{blocks}");
    assert_eq!(blocks["blocks"][0]["parameters"][0]["default"], 4, "{blocks}");
    let samples = server.get(&key, "/api/v1/projects/project/samples").ok(200);
    let ask = |params: Value, start: u32| {
        let body = json!({"block": "bands", "sample": samples["samples"][0]["id"], "start_ms": start, "window_ms": 1000, "params": params});
        server.json(&key, "POST", "/api/v1/projects/project/features", &body)
    };
    let one = ask(json!({}), 0).ok(200);
    assert_eq!(one["shape"], json!([15]), "{one}");
    assert_ne!(one["features"], ask(json!({}), 500).ok(200)["features"], "the window under the cursor");
    assert_eq!(ask(json!({"bands": 2}), 0).ok(200)["shape"], json!([9]));
    assert!(ask(json!({"bands": 99}), 0).text().contains("it must be 1 to 64"));
    // Whom it asks cannot be changed over the network, what it asks for can.
    let file = server.get(&key, "/api/v1/projects/project/file").ok(200);
    let put = |from: &str, to: &str| {
        let text = file["text"].as_str().expect("a text").replace(from, to);
        server.json(
            &key,
            "PUT",
            "/api/v1/projects/project/file",
            &json!({"text": text, "version": file["version"]}),
        )
    };
    let refused = put(&format!("127.0.0.1:{port}"), "127.0.0.1:22").text();
    assert!(refused.contains("over the network"), "{refused}");
    let started = put("time_limit_s = 5", "command = [\"sh\", \"-c\", \"touch x\"]").text();
    assert!(started.contains("over the network"), "{started}");
    assert_eq!(put("time_limit_s = 5", "parameters = { bands = 6 }").status, 200);
    block.kill().and_then(|()| block.wait()).expect("stopped");
    let gone = ask(json!({}), 0);
    assert!(gone.status >= 400 && gone.text().contains("nothing answers"), "{}", gone.text());
}
