//! The upload service that clients of Edge Impulse expect, by what they send.

mod common;
use common::{
    Bench,
    http::{Answer, Server, create_key, workspace},
    tone,
};
use serde_json::{Value, json};

/// From the port of the Studio to that of uploads: 4800 and 4810.
const UPLOADS: u16 = 10;

struct Client<'a> {
    server: &'a Server,
    key: &'a str,
}

impl Client<'_> {
    fn files(&self, category: &str, headers: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!(
                "--BOUND\r\nContent-Disposition: form-data; name=\"data\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--BOUND--\r\n");
        let mut all = vec![("x-api-key", self.key), ("content-type", "multipart/form-data; boundary=BOUND")];
        all.extend_from_slice(headers);
        self.server.send_to(UPLOADS, "POST", &format!("/api/{category}/files"), &all, &body)
    }

    fn data(&self, category: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut all = vec![("x-api-key", self.key)];
        all.extend_from_slice(headers);
        self.server.send_to(UPLOADS, "POST", &format!("/api/{category}/data"), &all, body)
    }
}

fn acquisition(value: f64) -> Vec<u8> {
    let values: Vec<Value> = (0..50).map(|i| json!([value + f64::from(i), 2.0, 3.0])).collect();
    json!({"protected": {"ver": "v1", "alg": "none", "iat": 1}, "signature": "0".repeat(64), "payload": {
        "device_name": "aa:bb", "device_type": "BOARD", "interval_ms": 10,
        "sensors": [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}, {"name": "accZ", "units": "m/s2"}],
        "values": values}})
    .to_string()
    .into_bytes()
}

fn samples(bench: &Bench) -> Vec<(String, String, String)> {
    let listed = bench.json(&["data", "list", "--project", "kws", "--json"]);
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    let line = |s: &Value| (text(&s["name"]), text(&s["label"]), text(&s["category"]));
    listed["samples"].as_array().expect("a list").iter().map(line).collect()
}

#[test]
fn files_come_in_as_an_uploader_sends_them() {
    let (bench, _) = workspace();
    // Keys of these clients are for one project.
    let key = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    let client = Client { server: &server, key: &key };
    let boxes = json!({"version": 1, "type": "bounding-box-labels", "boundingBoxes": {"a": []}}).to_string();
    let reply = client
        .files(
            "training",
            &[("x-label", "heel%20goed"), ("x-metadata", r#"{"site": "north"}"#)],
            &[
                ("one.1.wav", &tone(300.0, 1)),
                ("bad.wav", b"RIFF"),
                ("bounding_boxes.labels", boxes.as_bytes()),
            ],
        )
        .ok(200);
    let files = reply["files"].as_array().expect("entries");
    assert_eq!((&reply["success"], files.len()), (&json!(true), 2), "labels are no files: {reply}");
    assert_eq!((&files[0]["success"], &files[0]["fileName"]), (&json!(true), &json!("one.1.wav")), "{reply}");
    assert!(files[0]["sampleId"].as_u64().is_some_and(|n| n > 0 && n < 1 << 53), "{reply}");
    assert!(files[1]["success"] == false && files[1]["error"].is_string(), "{reply}");
    // The label is the name's beginning; the same bytes are refused under any name, when asked so.
    client.files("testing", &[], &[("yes it-is_1.2.wav", &tone(400.0, 2))]).ok(200);
    client.files("split", &[("x-no-label", "1")], &[("none.wav", &tone(500.0, 3))]).ok(200);
    let again =
        client.files("training", &[("x-disallow-duplicates", "1")], &[("else.wav", &tone(300.0, 1))]).ok(200);
    let error = again["files"][0]["error"].as_str().expect("an error");
    assert!(error.starts_with("An item with this hash already exists"), "{error}");
    let line =
        |name: &str, label: &str, category: &str| (name.to_owned(), label.to_owned(), category.to_owned());
    let expected = [
        line("none.wav", "-", "split"),
        line("one.1.wav", "heel goed", "training"),
        line("yes it-is_1.2.wav", "yes it-is_1", "testing"),
    ];
    assert_eq!(samples(&bench), expected);
    let id = bench.json(&["data", "list", "--project", "kws", "--json"])["samples"][1]["id"].clone();
    let shown = bench.run(&["data", "show", id.as_str().expect("an id"), "--project", "kws"]);
    assert!(common::text(&shown).contains("north"), "{}", common::text(&shown));
    // What would be lost is refused.
    let boxes = json!({"version": 1, "type": "bounding-box-labels",
        "boundingBoxes": {"a.wav": [{"label": "x", "x": 0, "y": 0, "width": 1, "height": 1}]}})
    .to_string();
    let refused = client
        .files("training", &[], &[("a.wav", &tone(1.0, 9)), ("bounding_boxes.labels", boxes.as_bytes())])
        .ok(200);
    let error = refused["files"][0]["error"].as_str().expect("an error");
    assert!(error.contains("1 bounding boxes are given for it, but it is no picture"), "{error}");
    assert_eq!(samples(&bench).len(), 3);
    // Labels of parts come with the file, before or after it, and must cover it.
    let ranges = |end: usize| {
        json!({"version": 1, "type": "structured-labels", "structuredLabels": {"a.wav": [
            {"startIndex": 0, "endIndex": 1999, "label": "x"}, {"startIndex": 2000, "endIndex": end, "label": "y"}]}})
        .to_string()
    };
    let send = |end: usize| {
        let parts = ranges(end);
        let files: [(&str, &[u8]); 2] =
            [("structured_labels.labels", parts.as_bytes()), ("a.wav", &tone(1.0, 9))];
        client.files("training", &[], &files).ok(200)
    };
    let short = send(3000);
    let error = short["files"][0]["error"].as_str().expect("an error");
    assert!(error.contains("frame 3001 has no label"), "{error}");
    assert_eq!(samples(&bench).len(), 3);
    assert_eq!(send(3999)["files"][0]["success"], true);
    assert_eq!(samples(&bench)[0], line("a.wav", "-", "training"));
    let listed = bench.json(&["data", "list", "--project", "kws", "--json"]);
    assert_eq!(listed["samples"][0]["ranges"][1], json!({"label": "y", "start": 2000, "end": 3999}));
    // Names stay in their folder.
    client.files("training", &[], &[("../../etc/low.1.wav", &tone(700.0, 4))]).ok(200);
    assert_eq!(samples(&bench)[1].0, "low.1.wav");
    let hidden = client.files("training", &[], &[(".hidden.wav", &tone(800.0, 5))]).ok(200);
    assert_eq!(hidden["files"][0]["success"], false, "{hidden}");
}

#[test]
fn pictures_come_in_with_their_boxes() {
    let (bench, _) = workspace();
    let key = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    let client = Client { server: &server, key: &key };
    let png = |n: u64| {
        let folder = bench.path("drawn");
        edgewright_generate::shapes::write_some(&folder, 9, n..n + 1).expect("drawn");
        std::fs::read(folder.join(format!("shapes.{n:03}.png"))).expect("read")
    };
    let cup = |width: f64| json!({"label": "cup", "x": 4, "y": 5, "width": width, "height": 10});
    let header = json!([cup(20.0), cup(0.0)]).to_string();
    let boxed = ("x-bounding-boxes", header.as_str());
    let reply = client.files("training", &[boxed], &[("one.1.png", &png(1))]).ok(200);
    assert_eq!(reply["files"][0]["success"], true, "{reply}");
    let sidecar = json!({"version": 1, "type": "bounding-box-labels", "boundingBoxes": {"two.png": [cup(8.0)], "three.png": []}});
    let sidecar = sidecar.to_string();
    let files: [(&str, &[u8]); 3] =
        [("two.png", &png(2)), ("three.png", &png(3)), ("bounding_boxes.labels", sidecar.as_bytes())];
    client.files("testing", &[], &files).ok(200);
    let boxed = client.data("training", &[("x-file-name", "four"), boxed, ("x-label", "desk")], &png(4));
    assert_eq!(boxed.status, 200, "{}", boxed.text());
    let broken = client.files("training", &[("x-bounding-boxes", "[{}]")], &[("five.png", &png(5))]);
    assert!(broken.status == 400 && broken.text().contains("x-bounding-boxes"), "{}", broken.text());
    let listed = bench.json(&["data", "list", "--project", "kws", "--json"]);
    let all: Vec<(Value, Value)> = listed["samples"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| (s["label"].clone(), s["boxes"].clone()))
        .collect();
    let kept = |width: f64| json!([{"label": "cup", "x": 4.0, "y": 5.0, "width": width, "height": 10.0}]);
    // In order of name: four, one, three, two. The box without area is told, and the others stay.
    let expected = [
        (json!("desk"), kept(20.0)),
        (Value::Null, kept(20.0)),
        (json!("three"), Value::Null),
        (Value::Null, kept(8.0)),
    ];
    assert_eq!(all, expected, "{listed}");
    let shown = bench.json(&["data", "show", "one.1.png", "--project", "kws", "--json"]);
    assert!(shown["info"]["findings"].to_string().contains("0 x 10 pixels"), "{shown}");
}

#[test]
fn documents_come_in_as_boards_send_them() {
    let (bench, _) = workspace();
    let key = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    let client = Client { server: &server, key: &key };
    let json_type = ("content-type", "application/json");
    let stored = client.data("training", &[json_type, ("x-file-name", "wave")], &acquisition(1.0));
    assert!(stored.status == 200 && stored.text().starts_with("wave."), "{}", stored.text());
    assert!(stored.header("content-type").is_some_and(|t| t.starts_with("text/plain")));
    client.data(
        "testing",
        &[json_type, ("x-file-name", "idle"), ("x-label", "r%C3%A9st")],
        &acquisition(2.0),
    );
    // CBOR with its values behind the header: {"protected", "signature", "payload"} of one sensor.
    let mut cbor = Vec::new();
    let text = |out: &mut Vec<u8>, t: &str| {
        if t.len() < 24 {
            out.push(0x60 | t.len() as u8)
        } else {
            out.extend([0x78, t.len() as u8])
        }
        out.extend(t.as_bytes());
    };
    cbor.push(0xa3);
    text(&mut cbor, "protected");
    cbor.push(0xa2);
    for pair in ["ver", "v1", "alg", "none"] {
        text(&mut cbor, pair);
    }
    text(&mut cbor, "signature");
    text(&mut cbor, &"0".repeat(64));
    text(&mut cbor, "payload");
    cbor.push(0xa4);
    text(&mut cbor, "device_type");
    text(&mut cbor, "MIC");
    text(&mut cbor, "interval_ms");
    cbor.extend([0xfa, 0x3d, 0x80, 0, 0]); // 0.0625
    text(&mut cbor, "sensors");
    cbor.push(0x81);
    cbor.push(0xa2);
    for pair in ["name", "audio", "units", "wav"] {
        text(&mut cbor, pair);
    }
    text(&mut cbor, "values");
    cbor.push(0x9f);
    text(&mut cbor, "Ref-BINARY-i16");
    cbor.push(0xff);
    cbor.extend((0..1600i16).flat_map(|i| (i % 100).to_le_bytes()));
    let octets = ("content-type", "application/octet-stream");
    let stored =
        client.data("split", &[octets, ("x-file-name", "voice.cbor.1"), ("x-label", "voice")], &cbor);
    assert_eq!(stored.status, 200, "{}", stored.text());
    // A phone sends the document as a part.
    let part = [
        b"--B\r\nContent-Disposition: form-data; name=\"message\"; filename=\"message.json\"\r\nContent-Type: application/json\r\n\r\n".as_slice(),
        &acquisition(3.0),
        b"\r\n--B--\r\n",
    ]
    .concat();
    let headers = [
        ("content-type", "multipart/form-data; boundary=B"),
        ("x-file-name", "shake"),
        ("x-no-date-id", "1"),
    ];
    assert_eq!(client.data("training", &headers, &part).text(), "shake.json");
    let seen: Vec<(String, String)> =
        samples(&bench).into_iter().map(|(_, label, category)| (label, category)).collect();
    let pair = |label: &str, category: &str| (label.to_owned(), category.to_owned());
    let expected = [
        pair("rést", "testing"),
        pair("shake", "training"),
        pair("voice", "split"),
        pair("wave", "training"),
    ];
    assert_eq!(seen, expected);
    // Reasons.
    assert_eq!(client.data("training", &[json_type], &acquisition(4.0)).status, 421);
    for (headers, body) in [
        (vec![("x-file-name", "a")], b"{\"protected\": 1}".to_vec()),
        (vec![("x-file-name", "a")], Vec::new()),
        (vec![("x-file-name", "a"), ("x-metadata", "[1")], acquisition(5.0)),
        (vec![("x-file-name", ".."), ("x-label", "a")], acquisition(5.0)),
        (vec![("x-file-name", "a"), ("x-label", "a%2Fb")], acquisition(5.0)),
    ] {
        let answer = client.data("training", &headers, &body);
        assert!((400..500).contains(&answer.status), "{headers:?}: {} {}", answer.status, answer.text());
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(client.data("post-processing", &[("x-file-name", "a")], &acquisition(5.0)).status, 400);
    assert_eq!(samples(&bench).len(), 4);
}

#[test]
fn keys_decide_and_say_which_project() {
    let (bench, everywhere) = workspace();
    let (ingest, read) =
        (create_key(&bench, &["kws", "--scope", "ingest"]), create_key(&bench, &["kws", "--scope", "read"]));
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    let server = Server::start(&bench.path(""));
    let send = |key: &str| {
        let headers = [("x-api-key", key), ("x-file-name", "a")];
        server.send_to(UPLOADS, "POST", "/api/training/data", &headers, &acquisition(1.0))
    };
    for key in ["", "ei_00", "nonsense"] {
        let answer = send(key);
        assert_eq!(answer.status, 401);
        assert!(answer.json()["error"].as_str().is_some_and(|e| e.contains("Invalid API key")));
    }
    assert_eq!(send(&read).status, 403);
    assert!(send(&everywhere).text().contains("several projects"));
    assert_eq!(send(&ingest).status, 200);
    // A session is nothing here.
    let cookie = server.sign_in();
    let answer = server.send_to(
        UPLOADS,
        "POST",
        "/api/training/data",
        &[("cookie", &cookie), ("x-file-name", "a")],
        b"{}",
    );
    assert_eq!(answer.status, 401);
    assert_eq!(server.send("GET", "/v1/api/projects", &[("cookie", &cookie)], b"").status, 401);
    // What uploaders ask before they send.
    let listed = server.get(&ingest, "/v1/api/projects").ok(200);
    assert_eq!((&listed["success"], listed["projects"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let project = listed["projects"][0]["id"].as_u64().expect("a number");
    let told = server.get(&ingest, &format!("/v1/api/{project}")).ok(200);
    assert_eq!((&told["project"]["name"], &told["project"]["whitelabelId"]), (&json!("kws"), &Value::Null));
    assert!(told["project"].as_object().is_some_and(|p| p.contains_key("whitelabelId")));
    assert_eq!(server.get(&ingest, &format!("/v1/api/{project}/devkeys/hmac")).status, 200);
    assert_eq!(
        server.get(&everywhere, "/v1/api/projects").ok(200)["projects"].as_array().map(Vec::len),
        Some(2)
    );
    let missing = server.get(&ingest, "/v1/api/1/nothing");
    assert!(missing.status == 404 && missing.json()["success"] == false, "{}", missing.text());
    // A page from elsewhere may ask whether it may send.
    let asked =
        server.send_to(UPLOADS, "OPTIONS", "/api/training/data", &[("origin", "https://phone.example")], b"");
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(
        server.send_to(UPLOADS, "GET", "/api/v1/projects", &[("x-api-key", &everywhere)], b"").status,
        404
    );
}

#[test]
fn samples_are_listed_read_labelled_and_removed_by_number() {
    let (bench, full) = workspace();
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let read = create_key(&bench, &["kws", "--scope", "read"]);
    let server = Server::start(&bench.path(""));
    let client = Client { server: &server, key: &ingest };
    let sent = client
        .files("training", &[], &[("high.1.wav", &tone(300.0, 1)), ("low.1.wav", &tone(90.0, 2))])
        .ok(200);
    client.files("testing", &[], &[("low.2.wav", &tone(91.0, 3))]).ok(200);
    let projects = server.send("GET", "/v1/api/projects", &[("x-api-key", &read)], b"").ok(200);
    let base = format!("/v1/api/{}/raw-data", projects["projects"][0]["id"]);
    let get = |path: &str| server.send("GET", &format!("{base}{path}"), &[("x-api-key", &read)], b"");
    let change = |method: &str, key: &str, path: &str, body: &Value| {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        server.send(method, &format!("{base}{path}"), &headers, body.to_string().as_bytes())
    };
    // Clients write `null` for what they leave out.
    assert_eq!(get("/count?category=training&labels=null").ok(200)["count"], 2);
    assert_eq!(get("/count?category=post-processing").ok(200)["count"], 0);
    let listed = get("?category=training&labels=%5B%22low%22%5D&offset=0&limit=1000").ok(200);
    assert_eq!((&listed["totalCount"], &listed["samples"][0]["filename"]), (&json!(1), &json!("low.1")));
    let id = &sent["files"][0]["sampleId"];
    let one = get(&format!("/{id}?limitPayloadValues=5")).ok(200);
    assert_eq!((&one["sample"]["id"], &one["sample"]["label"]), (id, &json!("high")));
    assert_eq!(
        (one["payload"]["values"].as_array().map(Vec::len), &one["totalPayloadLength"]),
        (Some(5), &json!(4000))
    );
    let stored = one["sample"]["coldstorageFilename"].as_str().expect("a name");
    assert_eq!(stored.rsplitn(4, '.').last(), Some("high.1.wav"), "{stored}");
    assert_eq!(get(&format!("/{id}/wav?axisIx=0")).body, tone(300.0, 1));
    assert_eq!(get(&format!("/{id}/raw")).body, tone(300.0, 1));
    // A sample that is not there is told in an answer of status 200, whatever the number.
    for number in ["1", "281474976710655", "99999999999999999999", "x"] {
        let none = get(&format!("/{number}")).ok(200);
        assert!(
            none["success"] == false
                && none["error"].as_str().is_some_and(|e| e.starts_with("No sample found with ID")),
            "{none}"
        );
    }
    // Reading changes nothing, and a key that adds does not read.
    assert_eq!(change("DELETE", &read, &format!("/{id}"), &json!({})).status, 403);
    assert_eq!(change("GET", &ingest, "", &json!({})).status, 403);
    assert_eq!(change("GET", "ei_00", "", &json!({})).status, 401);
    // Who asks comes before what is asked.
    for path in ["?offset=x", "/count?offset=x", &format!("/{id}?limitPayloadValues=x")] {
        assert_eq!(change("GET", "ei_00", path, &json!({})).status, 401, "{path}");
        assert_eq!(change("GET", &read, path, &json!({})).status, 400, "{path}");
    }
    for (path, body) in [
        ("edit-label", json!({"label": "loud"})),
        ("move", json!({"newCategory": "testing"})),
        ("disable", json!({})),
    ] {
        assert_eq!(change("POST", &full, &format!("/{id}/{path}"), &body).ok(200)["success"], true, "{path}");
    }
    let sample = &get(&format!("/{id}")).ok(200)["sample"];
    assert_eq!(
        (&sample["label"], &sample["category"], &sample["isDisabled"]),
        (&json!("loud"), &json!("testing"), &json!(true))
    );
    let spans = json!({"structuredLabels": [{"startIndex": 0, "endIndex": 99, "label": "a"}]});
    change("POST", &full, &format!("/{id}/structured-labels"), &spans).ok(200);
    let sample = &get(&format!("/{id}")).ok(200)["sample"];
    assert_eq!((&sample["label"], &sample["structuredLabels"]), (&json!(""), &spans["structuredLabels"]));
    let bad = change("POST", &full, &format!("/{id}/edit-label"), &json!({"label": "a/b"}));
    assert!((400..500).contains(&bad.status) && bad.json()["success"] == false, "{}", bad.text());
    change("DELETE", &full, &format!("/{id}"), &json!({})).ok(200);
    change("POST", &full, "/delete-all/testing", &json!({})).ok(200);
    assert_eq!(samples(&bench).len(), 1);
    change("POST", &full, "/delete-all", &json!({})).ok(200);
    assert_eq!(samples(&bench).len(), 0);
}
