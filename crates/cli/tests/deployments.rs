//! How runners of Edge Impulse find, build and download a model, call by call, with the socket of job logs of both kinds of clients.

mod common;
use common::http::{Server, create_key, workspace};
use serde_json::{Value, json};
use std::{net::TcpStream, time::Duration};
use tungstenite::{Message, WebSocket};

/// A socket of job logs.
struct Log(WebSocket<TcpStream>);

impl Log {
    fn connect(server: &Server, query: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(&server.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("set");
        let url = format!("ws://{}/socket.io/?{query}", server.address);
        tungstenite::client(url, stream).map(|(socket, _)| Self(socket)).map_err(|e| e.to_string())
    }

    fn read(&mut self) -> String {
        match self.0.read().expect("a frame") {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, text: &str) {
        self.0.send(Message::Text(text.to_owned().into())).expect("sent");
    }

    /// The next event: name and payload.
    fn event(&mut self) -> (String, Value) {
        let frame = self.read();
        let event: Value = serde_json::from_str(frame.strip_prefix("42").expect("an event")).expect("JSON");
        (event[0].as_str().expect("a name").to_owned(), event[1].clone())
    }

    /// All text of a job until it ends; the events at its end.
    fn follow(&mut self, job: u64) -> (String, Vec<(String, Value)>) {
        self.send(&format!("42{}", json!(["start-log-stream", {"jobId": job, "lastReceivedTimestamp": 0}])));
        let mut text = String::new();
        loop {
            let (name, payload) = self.event();
            if name == format!("job-data-{job}") {
                text += payload["data"].as_str().expect("text");
            } else {
                return (text, vec![(name, payload), self.event()]);
            }
        }
    }
}

fn own() -> String {
    format!("runner-{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

#[test]
fn a_runner_builds_and_downloads() {
    let (bench, _) = workspace();
    for (i, hz) in (0..10u16).flat_map(|i| [(i, 300.0), (i, 1500.0)]) {
        let label = if hz < 1000.0 { "low" } else { "high" };
        let tone = common::tone(hz + f64::from(i) * 5.0, u64::from(i) + hz as u64);
        bench.write(&format!("recordings/{label}.{i}.wav"), tone);
    }
    let imported = bench.run(&["data", "import", "recordings", "--project", "kws", "--label-from", "name"]);
    assert!(imported.status.success(), "{}", common::text(&imported));
    let full = create_key(&bench, &["kws"]);
    let read = create_key(&bench, &["kws", "--scope", "read"]);
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    let project = server.get(&read, "/v1/api/projects").ok(200)["projects"][0]["id"].clone();
    let base = format!("/v1/api/{project}");
    let get = |path: &str| server.get(&read, &format!("{base}{path}"));
    // Credentials before anything else.
    for path in
        ["/impulses", "/model-variants", "/deployment", "/deployment/download?type=nothing", "/socket-token"]
    {
        assert_eq!(server.get("ei_00", &format!("{base}{path}")).status, 401, "{path}");
        assert_eq!(server.get(&ingest, &format!("{base}{path}")).status, 403, "{path}");
    }
    assert_eq!(
        server.json(&read, "POST", &format!("{base}/jobs/build-ondevice-model"), &json!(1)).status,
        403
    );
    // What a runner asks, in its order.
    assert_eq!(get("/impulses").ok(200)["impulses"][0]["id"], 1);
    let targets = get("/deployment/targets/data-sources?impulseId=1").ok(200);
    let target = targets["targets"].as_array().expect("a list").iter().find(|t| t["format"] == own());
    let target = target.unwrap_or_else(|| panic!("no {} in {targets}", own()));
    assert_eq!(
        (&target["preferredEngine"], &target["modelVariants"][0]["supported"]),
        (&json!("tflite-eon"), &json!(true))
    );
    assert_eq!(get("/model-variants?impulseId=1").ok(200)["modelVariants"][0]["isReferenceVariant"], true);
    let query = format!("type={}&modelType=int8&impulseId=1", own());
    assert_eq!(
        get(&format!("/deployment?{query}")).ok(200),
        json!({"success": true, "hasDeployment": false})
    );
    let none = get(&format!("/deployment/download?{query}"));
    assert!(none.status == 404 && none.text().contains("No deployment yet"), "{}", none.text());
    assert_eq!(get("").ok(200)["impulse"]["complete"], false);
    let build = |query: &str, body: Value| {
        server.json(&full, "POST", &format!("{base}/jobs/build-ondevice-model?{query}"), &body)
    };
    for (query, body) in [
        ("type=runner-linux-riscv64", json!({"engine": "tflite"})),
        ("type=zip&modelType=akida", json!({"engine": "tflite"})),
        ("type=zip", json!({"engine": "tensorrt"})),
        ("type=zip", json!([])),
        ("", json!({"engine": "tflite"})),
    ] {
        let refused = build(query, body);
        assert!(refused.status == 400 && refused.json()["success"] == false, "{query}: {}", refused.text());
    }
    let job = build(&query, json!({"engine": "tflite-eon", "modelType": "int8"})).ok(200)["id"]
        .as_u64()
        .expect("a number");
    // Its log as the TypeScript client reads it.
    let token = get("/socket-token").ok(200)["token"]["socketToken"].as_str().expect("a token").to_owned();
    let mut log =
        Log::connect(&server, &format!("token={token}&EIO=3&transport=websocket&onDemandLogs=true"))
            .expect("a socket");
    assert!(log.read().starts_with("0{\"maxPayload\""));
    assert_eq!(log.read(), "40");
    assert_eq!(log.read(), "42[\"hello\",{\"hello\":{\"version\":1}}]");
    log.send("2");
    assert_eq!(log.read(), "3");
    let (text, ends) = log.follow(job);
    assert!(text.starts_with("Job started\n") && text.ends_with("Job completed (success)\n"), "{text}");
    assert!(text.contains("classifier: epoch 5 of 5"), "{text}");
    assert_eq!(ends[0], (format!("job-finished-{job}"), json!({"success": true})));
    assert_eq!(ends[1], ("job-finished".to_owned(), json!({"jobId": job, "success": true})));
    // As the Python client does, from another job's beginning on.
    let mut log =
        Log::connect(&server, &format!("token={token}&onDemandLogs=true&transport=websocket&EIO=4&t=1"))
            .expect("a socket");
    assert!(log.read().starts_with("0{"));
    log.send("40{}");
    assert!(log.read().starts_with("40{\"sid\":"));
    assert_eq!(log.event().0, "hello");
    assert_eq!(log.follow(job).0, text);
    for query in ["", "token=&EIO=3", "token=00&EIO=3"] {
        assert!(Log::connect(&server, query).is_err_and(|e| e.contains("401")), "{query}");
    }
    assert!(Log::connect(&server, &format!("token={token}&EIO=2")).is_err_and(|e| e.contains("400")));
    let status = get(&format!("/jobs/{job}/status")).ok(200);
    assert_eq!((&status["job"]["finishedSuccessful"], &status["job"]["id"]), (&json!(true), &json!(job)));
    let told = get(&format!("/jobs/{job}/stdout?limit=1")).ok(200);
    assert_eq!(told["stdout"][0]["data"], "Job completed (success)\n");
    assert!(told["totalCount"].as_u64().is_some_and(|n| n > 10), "{told}");
    assert_eq!(get("/jobs/7/status").status, 404);
    let unknown = server.json(&full, "POST", &format!("{base}/jobs/7/cancel?forceCancel=true"), &json!({}));
    assert!(unknown.text().contains("Unknown job ID 7"), "{}", unknown.text());
    // The executable says the version under which the runner keeps it.
    assert_eq!(get("").ok(200)["impulse"]["complete"], true);
    let there = get(&format!("/deployment?{query}")).ok(200);
    assert_eq!(there["hasDeployment"], true);
    let model = get(&format!("/deployment/download?{query}"));
    assert_eq!((model.status, model.header("content-type")), (200, Some("application/octet-stream")));
    assert!(model.header("content-disposition").is_some_and(|v| v.contains("filename=")));
    assert!(model.body.starts_with(b"\x7fELF"));
    let said = format!("\"deploy_version\":{},", there["version"]);
    assert!(model.body.windows(said.len()).any(|w| w == said.as_bytes()), "{said}");
    // A library of C files for any processor, in float too.
    let zip = build("type=zip", json!({"engine": "tflite", "modelType": "float32"})).ok(200)["id"]
        .as_u64()
        .expect("a number");
    let (text, _) = log.follow(zip);
    assert!(text.contains("train: up to date"), "{text}");
    let library = get("/deployment/download?type=zip&modelType=float32");
    assert_eq!((library.status, library.header("content-type")), (200, Some("application/zip")));
    assert!(library.body.starts_with(b"PK"));
    assert_eq!(get("/deployment?type=zip&modelType=int8").ok(200)["hasDeployment"], false);
    // Other settings: what was built is no longer what the project says.
    let path = bench.path("kws/edgewright.toml");
    let toml = std::fs::read_to_string(&path).expect("there").replace("epochs = 5", "epochs = 4");
    std::fs::write(&path, toml).expect("written");
    assert_eq!(get(&format!("/deployment?{query}")).ok(200)["hasDeployment"], false);
    // A build that fails says why, in the log and in the status.
    std::fs::write(&path, "[impulse]\nblocks = 1\n").expect("written");
    let failed = build("type=zip", json!({"engine": "tflite"})).ok(422);
    assert!(failed["error"].as_str().is_some_and(|e| e.contains("edgewright.toml")), "{failed}");
}
