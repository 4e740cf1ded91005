//! The server from outside: who may do what, jobs through `kill -9`, uploads, the same folder from the command line.

mod common;
use common::{
    http::{Server, workspace},
    text, tone,
};
use serde_json::{Value, json};

fn upload(server: &Server, key: &str) {
    for i in 0..10 {
        for (label, hz) in [("low", 300.0 + 5.0 * f64::from(i)), ("high", 1500.0 + 20.0 * f64::from(i))] {
            let path = format!("/api/v1/projects/kws/samples?name={label}.{i}.wav");
            let wav = tone(hz, i as u64 + if label == "low" { 0 } else { 100 });
            let told = server.send("POST", &path, &[("x-api-key", key)], &wav).ok(200);
            assert_eq!((&told["imported"], &told["labels"][label]), (&json!(1), &json!(1)), "{told}");
        }
    }
}

#[test]
fn a_browser_signs_in_and_only_our_own_page_changes_things() {
    let (bench, _) = workspace();
    let server = Server::start(&bench.path(""));
    let link = server.link.clone().expect("a link on the first start");
    let path = link.split_once(&server.address).expect("the address").1;
    let cookie_of = |answer: &common::http::Answer| {
        answer.header("set-cookie").map(|c| {
            assert!(c.contains("HttpOnly") && c.contains("SameSite=Lax"), "{c}");
            c.split(';').next().expect("a pair").to_owned()
        })
    };
    let first = server.send("GET", path, &[], b"");
    let cookie = cookie_of(&first).expect("a session");
    assert_eq!((first.status, first.header("location")), (303, Some("/")));
    // The link works once.
    assert_eq!(cookie_of(&server.send("GET", path, &[], b"")), None);
    let with = |method: &str, path: &str, more: &[(&str, &str)], body: &str| {
        let mut headers = vec![("cookie", cookie.as_str()), ("content-type", "application/json")];
        headers.extend_from_slice(more);
        server.send(method, path, &headers, body.as_bytes())
    };
    let who = with("GET", "/api/v1/session", &[], "").ok(200);
    assert_eq!((&who["name"], &who["scope"]), (&json!("owner"), &json!("full")));
    let key = r#"{"name": "k", "scope": "read"}"#;
    let foreign = format!("http://{}", server.address.replace("127.0.0.1", "localhost"));
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", foreign.as_str())],
        &[("origin", "null")],
    ] {
        assert_eq!(with("POST", "/api/v1/keys", headers, key).code(), "csrf", "{headers:?}");
    }
    let ours = [("sec-fetch-site", "same-origin")];
    let made = with("POST", "/api/v1/keys", &ours, key).ok(201);
    assert!(made["key"].as_str().is_some_and(|k| k.starts_with("ei_")), "{made}");
    let listed = with("GET", "/api/v1/keys", &[], "");
    assert!(!listed.text().contains(made["key"].as_str().expect("text")), "secrets are shown once");
    // A password, then signing in with it; wrong ones are counted.
    let password = r#"{"password": "correct horse battery"}"#;
    assert_eq!(
        with("PUT", "/api/v1/session/password", &ours, r#"{"password": "short"}"#).code(),
        "bad_request"
    );
    with("PUT", "/api/v1/session/password", &ours, password).ok(204);
    let json_type = [("content-type", "application/json")];
    let sign_in = |body: &str| server.send("POST", "/api/v1/session", &json_type, body.as_bytes());
    assert!(cookie_of(&sign_in(password)).is_some());
    let cross = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    assert_eq!(server.send("POST", "/api/v1/session", &cross, password.as_bytes()).code(), "csrf");
    for _ in 0..10 {
        let status = sign_in(r#"{"password": "wrong horse battery"}"#).status;
        assert!([401, 429].contains(&status), "{status}");
    }
    assert_eq!(sign_in(password).code(), "rate_limited");
    with("DELETE", "/api/v1/session", &ours, "").ok(204);
    assert_eq!(with("GET", "/api/v1/session", &[], "").code(), "unauthenticated");
    // What browsers are told.
    let page = server.send("GET", "/", &[], b"");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'unsafe-inline'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    // With a password there is no link any more; `login` prints one.
    server.kill();
    let server = Server::start(&bench.path(""));
    assert_eq!(server.link, None);
    let told = bench.json(&["login", "--json"]);
    let path = told["url"].as_str().and_then(|u| u.split_once(&server.address)).expect("the address").1;
    assert!(cookie_of(&server.send("GET", path, &[], b"")).is_some());
}

#[test]
fn uploads_have_limits_and_reasons() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let post = |query: &str, headers: &[(&str, &str)], body: &[u8]| {
        let mut all = vec![("x-api-key", key.as_str())];
        all.extend_from_slice(headers);
        server.send("POST", &format!("/api/v1/projects/kws/samples?{query}"), &all, body)
    };
    // Refused before a byte of it is read.
    assert_eq!(post("name=a.wav", &[("content-length", "536870913")], b"").code(), "too_large");
    assert_eq!(post("name=a.wav", &[], b"").code(), "bad_request");
    for name in ["..%2Fa.wav", "%2E%2E", "a%2F..%2Fb.wav", ".hidden.wav", "a%00.wav"] {
        assert_eq!(post(&format!("name={name}"), &[], b"x").code(), "bad_request", "{name}");
    }
    assert_eq!(post("name=a.wav&label=a%2Fb", &[], &tone(300.0, 1)).code(), "data");
    assert_eq!(post("name=a.wav&nonsense=1", &[], &tone(300.0, 1)).code(), "bad_request");
    assert_eq!(post("name=notes.md", &[], b"# notes").code(), "data");
    let refused = post("name=broken.wav", &[], b"RIFF and nothing").ok(200);
    assert_eq!(refused["imported"], 0);
    assert!(refused["quarantined"][0]["reason"].as_str().is_some_and(|r| !r.is_empty()), "{refused}");
    let tried = post("name=yes%2Fa.wav&dry_run=true", &[], &tone(300.0, 1)).ok(200);
    assert_eq!((&tried["labels"]["yes"], &tried["dry_run"]), (&json!(1), &json!(true)), "{tried}");
    // What is noticed in a file that is kept is told, as the command line tells it.
    let rows: String = (0..20).map(|i| format!("{},{i}.5,\n", i * 10)).collect();
    let table = format!("timestamp,accX,\n{rows}");
    let noticed = post("name=walk.csv&dry_run=true", &[], table.as_bytes()).ok(200);
    let remark = &noticed["remarks"][0];
    assert_eq!(
        (&remark["kind"], &remark["file"], &remark["files"]),
        (&json!("empty_columns"), &json!("walk.csv"), &json!(1)),
        "{noticed}"
    );
    let list = || server.get(&key, "/api/v1/projects/kws/samples").ok(200);
    assert_eq!(list()["total"], 0);
    let first = post("name=yes%2Fa.wav", &[], &tone(300.0, 1)).ok(200);
    let again = post("name=yes%2Fa.wav", &[], &tone(300.0, 1)).ok(200);
    assert_eq!((&first["already_there"], &again["already_there"]), (&json!(0), &json!(1)));
    assert_eq!(list()["total"], 1);
    // Nothing is left of uploads but what was kept.
    let inbox = bench.path(".edgewright/server/inbox");
    assert_eq!(std::fs::read_dir(inbox).expect("there").count(), 0);
    let huge = format!("{{\"text\": \"{}\"}}", "x".repeat(3 << 20));
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    assert_eq!(
        server.send("PUT", "/api/v1/projects/kws/file", &headers, huge.as_bytes()).code(),
        "too_large"
    );

    // What a person set stays when the file comes again.
    let id = first["ids"][0].as_str().expect("an id");
    let edit = json!({"ids": [id], "label": "no", "category": "testing"});
    server.json(&key, "PATCH", "/api/v1/projects/kws/samples", &edit).ok(204);
    post("name=yes%2Fa.wav", &[], &tone(300.0, 1)).ok(200);
    let shown = server.get(&key, &format!("/api/v1/projects/kws/samples/{id}")).ok(200);
    assert_eq!((&shown["sample"]["label"], &shown["sample"]["category"]), (&json!("no"), &json!("testing")));
    let bad = json!({"ids": [id], "label": "a/b"});
    assert_eq!(server.json(&key, "PATCH", "/api/v1/projects/kws/samples", &bad).code(), "data");
    // Labels of parts take the place of the label, are found by the filter, and give way to a label again.
    let parts = |end: u64| json!({"ids": [id], "ranges": [{"label": "low", "start": 0, "end": 99}, {"label": "b \"c\"", "start": 100, "end": end}]});
    let wrong = server.json(&key, "PATCH", "/api/v1/projects/kws/samples", &parts(4000));
    assert!(wrong.status == 422 || wrong.status == 400, "{}", wrong.text());
    assert!(wrong.text().contains("the recording has 4000"), "{}", wrong.text());
    server.json(&key, "PATCH", "/api/v1/projects/kws/samples", &parts(3999)).ok(204);
    post("name=yes%2Fa.wav", &[], &tone(300.0, 1)).ok(200);
    let shown = server.get(&key, &format!("/api/v1/projects/kws/samples/{id}")).ok(200);
    assert_eq!(
        (&shown["sample"]["label"], &shown["sample"]["ranges"][1]["end"]),
        (&json!(null), &json!(3999))
    );
    let found = |query: &str| {
        server.get(&key, &format!("/api/v1/projects/kws/samples?label={query}")).ok(200)["total"].clone()
    };
    assert_eq!((found("b%20%22c%22"), found("b"), found("")), (json!(1), json!(0), json!(0)));
    server.json(&key, "PATCH", "/api/v1/projects/kws/samples", &json!({"ids": [id], "label": "no"})).ok(204);
    assert_eq!((found("low"), found("no")), (json!(0), json!(1)));
    let wave = server
        .get(&key, &format!("/api/v1/projects/kws/samples/{id}/waveform?from=1000&to=2000&columns=10"))
        .ok(200);
    assert_eq!((&wave["frames"], wave["axes"][0]["low"].as_array().map(Vec::len)), (&json!(4000), Some(10)));
    let file = server.get(&key, &format!("/api/v1/projects/kws/samples/{id}/file"));
    assert_eq!(file.header("content-type"), Some("audio/wav"));
    assert_eq!(file.body, tone(300.0, 1));
    // The command line sees the same project at the same time.
    let seen = bench.json(&["data", "list", "--project", "kws", "--json"]);
    assert_eq!(seen["samples"][0]["label"], "no", "{seen}");
    server.json(&key, "POST", "/api/v1/projects/kws/samples/delete", &json!({"ids": [id]})).ok(204);
    assert_eq!(list()["total"], 0);
}

#[test]
fn the_project_file_is_checked_before_it_is_replaced() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let read = || server.get(&key, "/api/v1/projects/kws/file").ok(200);
    let put = |body: Value| server.json(&key, "PUT", "/api/v1/projects/kws/file", &body);
    let before = read();
    let (text, version) = (before["text"].as_str().expect("text"), before["version"].clone());
    let wrong = put(json!({"text": text.replace("window_ms", "window_sm"), "version": version}));
    assert!(wrong.text().contains("did you mean `window_ms`"), "{}", wrong.text());
    assert_eq!(wrong.code(), "project_file");
    assert_eq!(read(), before);
    let changed =
        put(json!({"text": text.replace("window_ms = 1000", "window_ms = 900"), "version": version})).ok(200);
    assert_eq!(changed["settings"]["window_ms"], 900.0, "{changed}");
    // Somebody who read the old text does not overwrite the new one.
    assert_eq!(put(json!({"text": text, "version": version})).code(), "changed");
    let names = |v: &Value| v["projects"].as_array().expect("a list").len();
    assert_eq!(names(&server.get(&key, "/api/v1/projects").ok(200)), 1);
    let new =
        |id: &str| server.json(&key, "POST", "/api/v1/projects", &json!({"id": id, "template": "motion"}));
    new("gestures").ok(201);
    assert_eq!(new("gestures").code(), "bad_request");
    assert_eq!(new("../x").code(), "bad_request");
    assert_eq!(names(&server.get(&key, "/api/v1/projects").ok(200)), 2);
    // Two servers of one folder would take each other's jobs.
    let second = bench.run(&["serve", "--no-open", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(2), "{}", common::text(&second));
}

#[test]
fn a_job_survives_kill_9_and_ends_with_a_package() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    upload(&server, &key);
    let path = bench.path("kws/edgewright.toml");
    let toml = std::fs::read_to_string(&path).expect("there");
    std::fs::write(
        &path,
        toml.replace("epochs = 5", "epochs = 400")
            .replace("batch_size = 32", "batch_size = 1")
            .replace("patience = 50", "patience = 0"),
    )
    .expect("written");
    let jobs = "/api/v1/projects/kws/jobs";
    let unknown = server.json(&key, "POST", jobs, &json!({"kind": "run", "until": "tset"}));
    assert!(unknown.text().contains("did you mean `test`"), "{}", unknown.text());
    let start = |server: &Server, until: &str| {
        let body = json!({"kind": "run", "until": until}).to_string();
        let headers =
            [("x-api-key", key.as_str()), ("content-type", "application/json"), ("idempotency-key", "first")];
        server.send("POST", jobs, &headers, body.as_bytes())
    };
    let job = start(&server, "report").ok(201)["id"].as_str().expect("an id").to_owned();
    assert_eq!(start(&server, "report").ok(200)["id"].as_str(), Some(job.as_str()), "the same job");
    assert_eq!(start(&server, "train").code(), "bad_request", "the same key, another request");
    // In the middle of training.
    server.until(&key, "kws", &job, |j| {
        j["progress"]["stage"] == "train" && j["progress"]["done"].as_u64() > Some(0)
    });
    let log = |server: &Server, after: i64| {
        server.get(&key, &format!("{jobs}/{job}/log?after={after}")).ok(200)["lines"]
            .as_array()
            .expect("lines")
            .clone()
    };
    assert!(log(&server, 0).iter().any(|l| l["line"]["kind"] == "epoch"));
    // Looking at the project does not wait for the job.
    let stages = server.get(&key, "/api/v1/projects/kws/stages").ok(200);
    assert_eq!(
        (&stages["stages"][0]["state"], &stages["stages"][5]["state"]),
        (&json!("current"), &json!("missing"))
    );
    assert!(bench.run(&["data", "list", "--project", "kws"]).status.success());
    server.kill();

    let server = Server::start(&bench.path(""));
    let done = server.wait(&key, "kws", &job);
    assert_eq!((&done["state"], &done["attempt"]), (&json!("done"), &json!(2)), "{done}");
    let lines = log(&server, 0);
    let kinds: Vec<&str> = lines.iter().filter_map(|l| l["line"]["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "begun").count(), 2, "{kinds:?}");
    assert!(lines.windows(2).all(|w| w[0]["seq"].as_i64() < w[1]["seq"].as_i64()));
    // A reader of events goes on where it was.
    let last = lines[lines.len() - 2]["seq"].to_string();
    let headers = [("x-api-key", key.as_str()), ("last-event-id", last.as_str())];
    let events = server.send("GET", &format!("{jobs}/{job}/events"), &headers, b"");
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert_eq!(events.text().matches("event: log").count(), 1, "{}", events.text());
    assert_eq!(events.text().matches("event: job").count(), 1);

    let results = server.get(&key, "/api/v1/projects/kws/results").ok(200);
    let names: Vec<&str> = results["figures"]
        .as_array()
        .expect("figures")
        .iter()
        .filter_map(|f| f["arithmetic"].as_str())
        .collect();
    assert_eq!(names, ["float", "int8", "c"], "{results}");
    assert_eq!(results["verify"][0]["bit_exact"], true, "{}", results["verify"]);
    assert_eq!(results["learn"][0]["points"].as_array().map(Vec::len), Some(400));
    let stages = server.get(&key, "/api/v1/projects/kws/stages").ok(200);
    assert!(stages["stages"].as_array().expect("stages").iter().all(|s| s["state"] == "current"), "{stages}");
    // The package is the one that the command line builds.
    let sha = results["artifacts"][0]["sha256"].as_str().expect("a hash").to_owned();
    let package = server.get(&key, &format!("/api/v1/projects/kws/artifacts/{sha}"));
    assert!(package.status == 200 && package.body.starts_with(b"PK"), "{}", package.status);
    let report = server.get(&key, "/api/v1/projects/kws/report");
    assert!(
        report.text().contains("<html")
            && report.header("content-security-policy").is_some_and(|p| p.contains("sandbox"))
    );
    let build =
        server.json(&key, "POST", jobs, &json!({"kind": "build", "target": "host", "package": "c"})).ok(201);
    let build = build["id"].as_str().expect("an id").to_owned();
    let built = server.wait(&key, "kws", &build);
    assert_eq!(built["state"], "done", "{built}");
    let download = server.get(&key, &format!("{jobs}/{build}/package"));
    assert_eq!(download.body, package.body);
    let out = bench.run(&["build", "kws", "--target", "host", "--package", "c", "--out", "cli.zip"]);
    assert!(out.status.success(), "{}", text(&out));
    assert_eq!(std::fs::read(bench.path("cli.zip")).expect("written"), package.body);
    // A preview of a block on a cleaned window.
    let id = server.get(&key, "/api/v1/projects/kws/samples?limit=1").ok(200)["samples"][0]["id"].clone();
    let body = json!({"block": "mfcc", "sample": id, "window_ms": 500, "params": {"num_cepstral": 13}});
    let features = server.json(&key, "POST", "/api/v1/projects/kws/features", &body).ok(200);
    assert_eq!(features["shape"][1], 13, "{features}");

    let map = server.get(&key, "/api/v1/projects/kws/map").ok(200);
    // Ten recordings of half a second each, those that train first, each on all axes and with its label.
    let count = map["windows"].as_u64().expect("a count") as usize;
    let column = |name: &str| map[name].as_array().unwrap_or_else(|| panic!("{name}: {map}")).clone();
    for name in ["sample", "label", "said", "test", "start_ms", "x", "y", "z"] {
        assert_eq!(column(name).len(), count, "{name}");
    }
    assert!(count >= 20 && column("samples").len() == 20 && column("labels") == ["high", "low"], "{map}");
    assert_eq!(column("samples")[0]["metadata"]["format"], "wav", "what is known of a sample is on the map");
    let tests = column("test");
    assert!(tests.is_sorted_by_key(|t| t.as_bool()) && tests.contains(&json!(true)), "{map}");
    let low = |n: usize| {
        column("samples")[column("sample")[n].as_u64().expect("a place") as usize]["name"]
            .as_str()
            .is_some_and(|s| s.starts_with("low"))
    };
    assert!((0..count).all(|n| (column("label")[n] == 1) == low(n)), "{map}");
    assert!(column("said").iter().all(Value::is_null), "nobody asked");
    let some = server.get(&key, "/api/v1/projects/kws/map?limit=5&said=true").ok(200);
    let said = some["said"].as_array().expect("a column");
    assert!((3..=6).contains(&said.len()) && said.iter().all(Value::is_u64), "{some}");
    assert_eq!(server.get(&key, "/api/v1/projects/kws/map?limit=0").code(), "bad_request");
    let findings = server.get(&key, "/api/v1/projects/kws/findings").ok(200);
    assert!(findings["findings"].is_array(), "{findings}");
    let heard = server.send(
        "POST",
        "/api/v1/projects/kws/classify?name=x.wav",
        &[("x-api-key", &key)],
        &tone(1550.0, 77),
    );
    let heard = heard.ok(200);
    assert_eq!(heard["windows"][0]["label"], "high", "{heard}");

    // Other settings make results stale, not wrong.
    let toml = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, toml.replace("epochs = 400", "epochs = 100000")).expect("written");
    let stages = server.get(&key, "/api/v1/projects/kws/stages").ok(200);
    assert_eq!(stages["stages"][4]["state"], "stale", "{stages}");
    // Cancelling stops it, trying again goes on.
    let long = server.json(&key, "POST", jobs, &json!({"kind": "run"})).ok(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let waiting = server.json(&key, "POST", jobs, &json!({"kind": "run"})).ok(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    server.until(&key, "kws", &long, |j| j["progress"]["stage"] == "train");
    let act = |job: &str, what: &str| {
        server.send("POST", &format!("{jobs}/{job}/{what}"), &[("x-api-key", &key)], b"")
    };
    assert_eq!(act(&waiting, "cancel").ok(200)["state"], "cancelled", "nobody has begun it");
    act(&long, "cancel").ok(200);
    assert_eq!(server.wait(&key, "kws", &long)["state"], "cancelled");
    assert_eq!(act(&job, "retry").code(), "changed", "it is done");
    std::fs::write(&path, toml).expect("written");
    act(&long, "retry").ok(200);
    assert_eq!(server.wait(&key, "kws", &long)["state"], "done");
}

#[test]
fn nonsense_is_refused_and_never_breaks_the_server() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    upload(&server, &key);
    let bodies = [
        "",
        "null",
        "[]",
        "{}",
        "0",
        "\"x\"",
        "{\"ids\":null}",
        "{\"ids\":[null]}",
        "{\"ids\":[\"\"],\"label\":\"\\u0000\"}",
        "{\"kind\":\"run\",\"seed\":-1}",
        "{\"kind\":\"run\",\"seed\":1e999}",
        "{\"kind\":\"verify\",\"cases\":18446744073709551615,\"targets\":[\"x\"]}",
        "{\"kind\":\"build\",\"target\":\"../x\",\"package\":\"c\"}",
        "{\"text\":\"[impulse]\\nwindow_ms = nan\"}",
        "{\"id\":\"a/b\",\"template\":\"keywords\"}",
        "{\"name\":\"\",\"scope\":\"full\"}",
        "{\"name\":\"k\",\"scope\":\"all\"}",
        "{\"password\":1}",
        "{\"block\":\"mfcc\",\"sample\":\"x\",\"window_ms\":-1e300,\"params\":{\"num_cepstral\":[]}}",
        "{\"block\":\"mfcc\",\"sample\":\"x\",\"window_ms\":1e300,\"params\":{\"num_cepstral\":1e300}}",
        "\u{fffd}",
        "[[[[[[[[",
    ];
    let queries = [
        "",
        "?limit=-1",
        "?limit=99999999999999999999",
        "?limit=1001",
        "?offset=18446744073709551615",
        "?label=%00",
        "?category=none",
        "?name=%ff",
        "?from=18446744073709551615&to=0&columns=0",
        "?after=-9223372036854775808",
        "?name=a.csv&rate_hz=nan",
        "?name=a.csv&rate_hz=-1",
        "?name=x.json&label_from=name:(",
        "?x=1",
        "?disabled=maybe",
    ];
    let sample = server.get(&key, "/api/v1/projects/kws/samples?limit=1").ok(200)["samples"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let json_type = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    for (method, path, id) in server.operations() {
        if ["create_key", "delete_key"].contains(&id.as_str()) && method == "DELETE" {
            continue;
        }
        let path = if path.contains("/samples/nothing") { path.replace("nothing", &sample) } else { path };
        let check = |query: &str, body: &str| {
            let answer = server.send(&method, &format!("{path}{query}"), &json_type, body.as_bytes());
            assert!(answer.status < 500, "{id} {query} {body}: {} {}", answer.status, answer.text());
            if answer.status >= 400 {
                answer.code();
            }
        };
        if method == "GET" {
            queries.iter().for_each(|q| check(q, ""));
        } else {
            bodies.iter().for_each(|b| check("", b));
            queries.iter().for_each(|q| check(q, "{}"));
        }
    }
    assert_eq!(server.send("GET", "/api/v1/health", &[], b"").status, 200);
}

#[test]
fn a_worker_of_its_own_takes_the_jobs() {
    let (bench, key) = workspace();
    let server = Server::start_with(&bench.path(""), &["--workers", "0"]);
    upload(&server, &key);
    let body = json!({"kind": "run", "until": "split"});
    let job = server.json(&key, "POST", "/api/v1/projects/kws/jobs", &body).ok(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(server.get(&key, &format!("/api/v1/projects/kws/jobs/{job}")).ok(200)["state"], "queued");
    let mut worker = common::command(&bench.path("")).args(["worker", "--quiet"]).spawn().expect("starts");
    let done = server.wait(&key, "kws", &job);
    worker.kill().expect("killed");
    worker.wait().expect("reaped");
    assert_eq!(done["state"], "done", "{done}");
}

#[test]
fn a_file_in_pieces_survives_kill_9() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let uploads = "/api/v1/projects/kws/uploads";
    let file = tone(300.0, 1);
    let new = |server: &Server, size: usize| {
        let body = json!({"name": "low/low.1.wav", "size": size});
        server.json(&key, "POST", uploads, &body).ok(201)["id"].as_str().expect("an id").to_owned()
    };
    let piece = |server: &Server, id: &str, offset: usize, bytes: &[u8]| {
        server.send("PUT", &format!("{uploads}/{id}?offset={offset}"), &[("x-api-key", key.as_str())], bytes)
    };
    let finish = |server: &Server, id: &str, query: &str| {
        server.send("POST", &format!("{uploads}/{id}/finish?{query}"), &[("x-api-key", key.as_str())], b"")
    };
    let id = new(&server, file.len());
    assert_eq!(piece(&server, &id, 0, &file[..3000]).ok(200)["received"], 3000);
    // A piece that begins elsewhere, or that the connection broke off: what had arrived stays.
    assert_eq!(piece(&server, &id, 2000, &file[2000..]).code(), "changed");
    let headers = [("x-api-key", key.as_str()), ("content-length", "4000")];
    let mut half = std::net::TcpStream::connect(&server.address).expect("connects");
    let head = format!("PUT {uploads}/{id}?offset=3000 HTTP/1.1\r\nhost: {}\r\n", server.address);
    let head = headers.iter().fold(head, |head, (k, v)| format!("{head}{k}: {v}\r\n")) + "\r\n";
    std::io::Write::write_all(&mut half, &[head.as_bytes(), &file[3000..3500]].concat()).expect("sent");
    drop(half);
    assert_eq!(finish(&server, &id, "").code(), "changed", "bytes are missing");
    server.kill();
    let server = Server::start(&bench.path(""));
    let there =
        server.get(&key, &format!("{uploads}/{id}")).ok(200)["received"].as_u64().expect("a number") as usize;
    assert!((3000..=3500).contains(&there), "{there}");
    assert_eq!(piece(&server, &id, there, &file[there..]).ok(200)["received"], file.len());
    assert_eq!(piece(&server, &id, file.len(), b"x").code(), "too_large");
    let tried = finish(&server, &id, "dry_run=true").ok(200);
    assert_eq!((&tried["imported"], &tried["labels"]["low"]), (&json!(1), &json!(1)), "{tried}");
    let done = finish(&server, &id, "category=testing").ok(200);
    let sample = done["ids"][0].as_str().expect("an id");
    assert_eq!(server.get(&key, &format!("/api/v1/projects/kws/samples/{sample}/file")).body, file);
    assert_eq!(server.get(&key, &format!("{uploads}/{id}")).code(), "not_found", "it is a sample now");
    // Names and sizes have limits, and nobody reaches another's.
    let begin = |body: Value| server.json(&key, "POST", uploads, &body).code();
    assert_eq!(begin(json!({"name": "../a.wav", "size": 5})), "bad_request");
    assert_eq!(begin(json!({"name": "a.wav", "size": 0})), "too_large");
    assert_eq!(begin(json!({"name": "a.wav", "size": 1u64 << 40})), "too_large");
    let id = new(&server, 10);
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    assert_eq!(server.get(&key, &format!("/api/v1/projects/other/uploads/{id}")).code(), "not_found");
    let removed = server.send("DELETE", &format!("{uploads}/{id}"), &[("x-api-key", key.as_str())], b"");
    assert_eq!(removed.status, 204);
    assert_eq!(server.get(&key, &format!("{uploads}/..%2F..")).code(), "not_found");
    let left = std::fs::read_dir(bench.path(".edgewright/server/partial")).expect("there").count();
    assert_eq!(left, 0);
}

#[test]
fn an_answer_before_the_body_was_read_throws_the_rest_away_or_ends_the_connection_and_says_so() {
    use std::io::{Read, Write};
    let (bench, key) = workspace();
    // The name that everybody knows for this machine.
    let server = Server::start_with(&bench.path(""), &["--listen", "localhost:0"]);
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    let ask = |path: &str, key: &str, more: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(&server.address).expect("connects");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("set");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\n{more}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            server.address,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).expect("sent");
        let mut answer = [0; 4096];
        let n = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..n]).to_lowercase()
    };
    let body = r#"{"name": "k", "scope": "read"}"#;
    let refused = ask("/api/v1/keys", "ei_nobody", "", body);
    assert!(refused.starts_with("http/1.1 401"), "{refused}");
    assert!(!refused.contains("connection: close"), "what is left of the body was read: {refused}");
    // Who waits for a word before it sends is not made to send.
    let waiting = ask("/api/v1/keys", "ei_nobody", "expect: 100-continue\r\n", body);
    assert!(waiting.starts_with("http/1.1 401"), "{waiting}");
    assert!(waiting.contains("\r\nconnection: close\r\n"), "{waiting}");
    // Whose body was read may go on, also with an error.
    let read = ask("/api/v1/keys", &key, "", "{");
    assert!(read.starts_with("http/1.1 4"), "{read}");
    assert!(!read.contains("connection: close"), "{read}");
}
