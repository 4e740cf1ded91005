//! What clients of Edge Impulse send that a tidy client would not: other headers, other letters, pages from elsewhere, refusals in mid-upload.

mod common;
use common::{
    http::{Server, create_key, workspace},
    text, tone,
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// From the port of the Studio to that of uploads: 4800 and 4810.
const UPLOADS: u16 = 10;

/// A request to the uploads of which every byte is written before a word of the answer is read, as Node's `fetch` does. `head`: bytes of
/// the lines of headers, in whatever encoding.
fn whole(server: &Server, head: &[u8], body: &[u8]) -> Result<String, std::io::Error> {
    let (host, port) = server.address.rsplit_once(':').expect("a port");
    let mut stream = TcpStream::connect((host, port.parse::<u16>().expect("a number") + UPLOADS))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut bytes = b"POST /api/training/files HTTP/1.1\r\nhost: here\r\nconnection: close\r\n".to_vec();
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    stream.write_all(&bytes)?;
    stream.write_all(body)?;
    let mut out = Vec::new();
    stream.read_to_end(&mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut body =
        format!("--B\r\nContent-Disposition: form-data; name=\"data\"; filename=\"{name}\"\r\n\r\n")
            .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--B--\r\n");
    body
}

const MULTIPART: &str = "content-type: multipart/form-data; boundary=B\r\n";

#[test]
fn a_refusal_is_read_by_who_sends_everything_first() {
    let (bench, _) = workspace();
    let server = Server::start(&bench.path(""));
    let large = form("a.wav", &vec![0; 24 << 20]);
    for _ in 0..5 {
        let head = format!("{MULTIPART}x-api-key: nonsense\r\n");
        let answer = whole(&server, head.as_bytes(), &large).expect("all is written and the answer read");
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("Invalid API key"), "{answer}");
    }
    // Who waits for a word before it sends need not send.
    let (host, port) = server.address.rsplit_once(':').expect("a port");
    let mut stream =
        TcpStream::connect((host, port.parse::<u16>().expect("a number") + UPLOADS)).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let head = format!(
        "POST /api/training/files HTTP/1.1\r\nhost: here\r\n{MULTIPART}x-api-key: nonsense\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut out = Vec::new();
    stream.read_to_end(&mut out).expect("the answer and the end, without the body");
    assert!(out.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&out));
}

#[test]
fn letters_of_libraries_that_send_latin_1_are_kept() {
    let (bench, _) = workspace();
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    // A key as a bearer, too.
    let mut head = format!("{MULTIPART}authorization: Bearer {ingest}\r\n").into_bytes();
    head.extend_from_slice(b"x-label: gr\xf6\xdfe\r\nx-metadata: {\"ort\":\"Z\xfcrich\"}\r\n");
    let answer = whole(&server, &head, &form("a.1.wav", &tone(300.0, 1))).expect("answered");
    assert!(answer.contains("\"success\":true"), "{answer}");
    let mut head = format!("{MULTIPART}x-api-key: {ingest}\r\n").into_bytes();
    head.extend_from_slice("x-label: größe\r\n".as_bytes());
    let answer = whole(&server, &head, &form("a.2.wav", &tone(310.0, 2))).expect("answered");
    assert!(answer.contains("\"success\":true"), "{answer}");
    let listed = bench.json(&["data", "list", "--project", "kws", "--json"])["samples"].clone();
    let labels: Vec<&Value> = listed.as_array().expect("samples").iter().map(|s| &s["label"]).collect();
    assert_eq!(labels, [&json!("größe"), &json!("größe")]);
    let id = listed[0]["id"].as_str().expect("an id");
    let shown = text(&bench.run(&["data", "show", id, "--project", "kws"]));
    assert!(shown.contains("Zürich"), "{shown}");
}

#[test]
fn pages_from_elsewhere_may_call_with_a_key() {
    let (bench, _) = workspace();
    let read = create_key(&bench, &["kws", "--scope", "read"]);
    let server = Server::start(&bench.path(""));
    let origin = ("origin", "https://phone.example");
    let asks = server.send(
        "OPTIONS",
        "/v1/api/projects",
        &[origin, ("access-control-request-headers", "x-api-key")],
        b"",
    );
    assert_eq!((asks.status, asks.header("access-control-allow-origin")), (204, Some("*")));
    assert!(asks.header("access-control-allow-headers").is_some_and(|h| h.contains("x-api-key")));
    let bearer = format!("Bearer {read}");
    let got = server.send("GET", "/v1/api/projects", &[origin, ("authorization", &bearer)], b"");
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    assert_eq!(got.header("cross-origin-resource-policy"), Some("cross-origin"));
    got.ok(200);
    // Our own operations stay closed to other pages.
    let own = server.send("GET", "/api/v1/projects", &[origin, ("x-api-key", &read)], b"");
    assert_eq!(
        (own.header("access-control-allow-origin"), own.header("cross-origin-resource-policy")),
        (None, Some("same-origin"))
    );
    own.ok(200);
}

#[test]
fn what_the_split_decided_is_told_and_bodies_that_are_wrong_are_answered_in_json() {
    let (bench, full) = workspace();
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    let out = bench.run(&["data", "import", "in", "--project", "kws", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    let server = Server::start(&bench.path(""));
    let get = |path: &str| server.send("GET", path, &[("x-api-key", &full)], b"").ok(200);
    let base = format!("/v1/api/{}", get("/v1/api/projects")["projects"][0]["id"]);
    let count = |of: &str| get(&format!("{base}/raw-data/count?category={of}"))["count"].clone();
    assert_eq!(
        (count("training"), count("testing")),
        (json!(20), json!(0)),
        "until there is a split all train"
    );
    assert!(bench.run(&["run", "kws", "--until", "split"]).status.success());
    assert_eq!((count("training"), count("testing"), count("split")), (json!(16), json!(4), json!(0)));
    let testing = get(&format!("{base}/raw-data?category=testing"));
    assert!(
        testing["samples"]
            .as_array()
            .is_some_and(|s| s.len() == 4 && s.iter().all(|s| s["category"] == "testing"))
    );
    let first = &testing["samples"][0]["id"];
    assert_eq!(get(&format!("{base}/raw-data/{first}"))["sample"]["category"], "testing");
    // Names are matched from their beginning.
    let named = |of: &str| get(&format!("{base}/raw-data?filename={of}"))["totalCount"].clone();
    assert_eq!((named("low.1"), named("ow.1")), (json!(1), json!(0)));
    let label = |body: &[u8]| {
        let path = format!("{base}/raw-data/{first}/edit-label");
        server.send("POST", &path, &[("x-api-key", &full)], body)
    };
    for wrong in [&b"{\"label\":5}"[..], b"{"] {
        let answer = label(wrong);
        assert!(answer.status == 400 && answer.json()["success"] == false, "{}", answer.text());
    }
    label(b"{\"label\":\"low\"}").ok(200);
    // What is said of a sample, and the jobs of a project.
    let post = |path: &str, body: &Value| server.json(&full, "POST", &format!("{base}{path}"), body).ok(200);
    assert_eq!(
        post(&format!("/raw-data/{first}/metadata"), &json!({"metadata": {"room": "2"}}))["success"],
        true
    );
    assert_eq!(get(&format!("{base}/raw-data/{first}"))["sample"]["metadata"]["room"], "2");
    let boxes = json!({"boundingBoxes": [{"label": "a", "x": 1, "y": 1, "width": 2, "height": 2}]});
    let refused = server.json(&full, "POST", &format!("{base}/raw-data/{first}/bounding-boxes"), &boxes);
    assert!(
        refused.status >= 400 && refused.json()["success"] == false,
        "a sound has no boxes: {}",
        refused.text()
    );
    let job = post("/jobs/retrain", &json!({}))["id"].clone();
    let listed = |of: &str| get(&format!("{base}/jobs{of}"));
    let mut left = 600;
    while listed("")["totalJobCount"] != 0 && left > 0 {
        left -= 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    let history = listed("/history");
    assert_eq!((&history["totalJobCount"], &history["jobs"][0]["id"]), (&json!(1), &job), "{history}");
    assert_eq!(
        (&history["jobs"][0]["finishedSuccessful"], &listed("/all")["totalJobCount"]),
        (&json!(true), &json!(1))
    );
}
