//! Hooks: whoever an owner names is told when a job ends, signed, and again until it is taken; nobody else ever is.

mod common;
use common::http::{Server, workspace};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

/// What a receiver was sent.
struct Told {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A receiver on this machine that answers with these lines, the last again and again.
struct Listener {
    address: SocketAddr,
    told: Receiver<Told>,
}

impl Listener {
    fn start(answers: &'static [&'static str]) -> Self {
        Self::on("127.0.0.1:0".parse().expect("an address"), answers)
    }

    fn on(address: SocketAddr, answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().flatten().enumerate() {
                let mut reader = BufReader::new(stream);
                let mut line = String::new();
                reader.read_line(&mut line).expect("a request");
                let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                assert!(line.starts_with("POST "), "{line}");
                let mut headers = BTreeMap::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a header");
                    let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                    headers.insert(name.to_owned(), value.to_owned());
                }
                let length: usize = headers["content-length"].parse().expect("a length");
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let answer = answers[n.min(answers.len() - 1)];
                reader.into_inner().write_all(answer.as_bytes()).expect("answered");
                let body = String::from_utf8(body).expect("text");
                // The test may have seen enough.
                let _ = tell.send(Told { path, headers, body });
            }
        });
        Self { address, told }
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(30)).expect("something was sent")
    }

    fn silent(&self, time: Duration) -> bool {
        self.told.recv_timeout(time).is_err()
    }
}

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
const ELSEWHERE: &str = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";

fn signed(secret: &str, told: &Told) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{}.{}", told.headers["x-edgewright-timestamp"], told.body).as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

const HOOKS: &str = "/api/v1/projects/kws/hooks";
const JOBS: &str = "/api/v1/projects/kws/jobs";

/// Makes a hook; its secret and its id.
fn hook(server: &Server, key: &str, body: &Value) -> (String, String) {
    let made = server.json(key, "POST", HOOKS, body).ok(201);
    let text = |v: &Value| v.as_str().expect("a text").to_owned();
    (text(&made["secret"]), text(&made["hook"]["id"]))
}

/// Runs a job that ends at once: there is nothing to take out.
fn job(server: &Server, key: &str, request: &Value) -> Value {
    let job = server.json(key, "POST", JOBS, request).ok(201);
    server.wait(key, "kws", job["id"].as_str().expect("an id"))
}

/// The deliveries of the first hook, once the newest is so.
fn deliveries(server: &Server, key: &str, enough: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let all = server.get(key, HOOKS).ok(200)["hooks"][0]["deliveries"].clone();
        if enough(&all[0]) {
            return all;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{all}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_end_of_a_job_is_told_signed_and_only_to_whom_an_owner_named() {
    let (bench, key) = workspace();
    let server = Server::start(&bench.path(""));
    let receiver = Listener::start(&[BROKEN, OK]);
    let url = format!("http://{}/told?by=edgewright", receiver.address);
    // Before there is a hook nothing is sent, and nothing is kept to be sent.
    assert_eq!(job(&server, &key, &json!({"kind": "export"}))["state"], "done");
    let (secret, id) = hook(&server, &key, &json!({"url": url, "events": ["done", "failed"]}));
    assert!(receiver.silent(Duration::from_millis(700)), "a job from before the hook");

    let done = job(&server, &key, &json!({"kind": "export"}));
    let first = receiver.next();
    assert_eq!(
        (first.path.as_str(), &first.headers["content-type"][..]),
        ("/told?by=edgewright", "application/json")
    );
    assert_eq!(first.headers["host"], receiver.address.to_string());
    assert_eq!(first.headers["x-edgewright-event"], "job.done");
    assert_eq!(first.headers["x-edgewright-signature"], signed(&secret, &first));
    assert_ne!(first.headers["x-edgewright-signature"], signed("whsec_another", &first));
    let body: Value = serde_json::from_str(&first.body).expect("JSON");
    let expected = json!({"event": "job.done", "project": "kws", "job": done["id"], "kind": "export", "error": null,
        "created": done["created"], "started": done["started"], "finished": done["finished"]});
    assert_eq!(body, expected);
    // It was not taken: the same again, a little later.
    let second = receiver.next();
    assert_eq!(second.headers["x-edgewright-delivery"], first.headers["x-edgewright-delivery"]);
    assert_eq!(
        (&second.body, &second.headers["x-edgewright-signature"]),
        (&first.body, &signed(&secret, &second))
    );
    let seen = deliveries(&server, &key, |d| d["state"] == "sent");
    assert_eq!((&seen[0]["attempts"], &seen[0]["answer"]), (&json!(2), &json!("answered 204")), "{seen}");
    assert_eq!((seen.as_array().map(Vec::len), &seen[0]["job"]), (Some(1), &done["id"]), "{seen}");
    assert!(receiver.silent(Duration::from_millis(700)), "what was taken is not sent again");

    // One that fails says why.
    let failed = job(&server, &key, &json!({"kind": "importance"}));
    let told = receiver.next();
    let body: Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!(
        (&body["event"], &body["error"]["code"]),
        (&json!("job.failed"), &failed["error"]["code"]),
        "{body}"
    );
    // Nobody sees the secret again: neither over HTTP nor on the command line.
    let listed = server.get(&key, HOOKS);
    assert!(listed.status == 200 && !listed.text().contains("whsec_"), "{}", listed.text());
    let said = bench.json(&["hook", "list", "kws", "--json"]);
    assert_eq!(said["hooks"][0]["url"], json!(url));
    assert!(!said.to_string().contains("whsec_"), "{said}");
    // Removed, it is told of nothing more.
    server.json(&key, "DELETE", &format!("{HOOKS}/{id}"), &json!({})).ok(204);
    assert_eq!(server.json(&key, "DELETE", &format!("{HOOKS}/{id}"), &json!({})).code(), "not_found");
    job(&server, &key, &json!({"kind": "export"}));
    assert!(receiver.silent(Duration::from_millis(900)));

    for wrong in ["", "ftp://a/", "http://u:p@a/", "http://a b/", "http://a/#b", "//a"] {
        assert_eq!(server.json(&key, "POST", HOOKS, &json!({"url": wrong})).code(), "bad_request", "{wrong}");
    }
    let odd = json!({"url": "http://a/", "events": ["running"]});
    assert_eq!(server.json(&key, "POST", HOOKS, &odd).code(), "bad_request");
    for n in 0..20 {
        hook(&server, &key, &json!({"url": format!("http://127.0.0.1:1/{n}")}));
    }
    assert_eq!(server.json(&key, "POST", HOOKS, &json!({"url": "http://a/"})).code(), "bad_request");
}

#[test]
fn a_redirect_is_not_followed_and_a_cloud_is_not_asked() {
    let (bench, key) = workspace();
    // Nobody takes jobs: one that waits is cancelled at once.
    let server = Server::start_with(&bench.path(""), &["--workers", "0"]);
    let receiver = Listener::start(&[ELSEWHERE, ELSEWHERE, OK]);
    hook(&server, &key, &json!({"url": format!("http://{}/", receiver.address)}));
    hook(&server, &key, &json!({"url": format!("http://{}/done", receiver.address), "events": ["done"]}));
    let waiting = server.json(&key, "POST", JOBS, &json!({"kind": "export"})).ok(201);
    let cancel = format!("{JOBS}/{}/cancel", waiting["id"].as_str().expect("an id"));
    server.json(&key, "POST", &cancel, &json!({})).ok(200);
    let told = receiver.next();
    assert_eq!((told.path.as_str(), told.headers["x-edgewright-event"].as_str()), ("/", "job.cancelled"));
    let seen = deliveries(&server, &key, |d| d["answer"].is_string());
    assert_eq!(
        (&seen[0]["state"], &seen[0]["answer"]),
        (&json!("waiting"), &json!("answered 302: redirects are not followed"))
    );
    let other = &server.get(&key, HOOKS).ok(200)["hooks"][1];
    assert_eq!((&other["events"], &other["deliveries"]), (&json!(["done"]), &json!([])), "{other}");
    assert_eq!(receiver.next().path, "/", "the second attempt goes where the first went");
    // A second look at the same job ends nothing more.
    server.json(&key, "POST", &cancel, &json!({})).ok(200);
    assert_eq!(server.get(&key, HOOKS).ok(200)["hooks"][0]["deliveries"].as_array().map(Vec::len), Some(1));

    let id = server.get(&key, HOOKS).ok(200)["hooks"][0]["id"].as_str().expect("an id").to_owned();
    server.json(&key, "DELETE", &format!("{HOOKS}/{id}"), &json!({})).ok(204);
    let id = server.get(&key, HOOKS).ok(200)["hooks"][0]["id"].as_str().expect("an id").to_owned();
    server.json(&key, "DELETE", &format!("{HOOKS}/{id}"), &json!({})).ok(204);
    hook(&server, &key, &json!({"url": "http://169.254.169.254/latest", "events": ["cancelled"]}));
    let waiting = server.json(&key, "POST", JOBS, &json!({"kind": "export"})).ok(201);
    let cancel = format!("{JOBS}/{}/cancel", waiting["id"].as_str().expect("an id"));
    server.json(&key, "POST", &cancel, &json!({})).ok(200);
    let seen = deliveries(&server, &key, |d| d["answer"].is_string());
    assert!(seen[0]["answer"].as_str().is_some_and(|a| a.contains("is not told")), "{seen}");
}

#[test]
fn what_was_not_sent_when_the_server_died_is_sent_by_the_next() {
    let (bench, key) = workspace();
    // A port on which nobody listens yet.
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let made =
        bench.json(&["hook", "create", "kws", &format!("http://{address}/"), "--event", "done", "--json"]);
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let mut server = Server::start(&bench.path(""));
    let done = job(&server, &key, &json!({"kind": "export"}));
    let seen = deliveries(&server, &key, |d| d["answer"].is_string());
    assert!(
        seen[0]["answer"].as_str().is_some_and(|a| a.starts_with("no connection to 127.0.0.1")),
        "{seen}"
    );
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    let receiver = Listener::on(address, &[OK]);
    assert!(receiver.silent(Duration::from_millis(1500)), "nobody sends while no server runs");
    let server = Server::start(&bench.path(""));
    let told = receiver.next();
    assert_eq!(told.headers["x-edgewright-signature"], signed(&secret, &told));
    let body: Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!((&body["job"], &body["event"]), (&done["id"], &json!("job.done")));
    let seen = deliveries(&server, &key, |d| d["state"] == "sent");
    assert!(seen[0]["attempts"].as_i64().is_some_and(|n| n >= 2), "{seen}");
}
