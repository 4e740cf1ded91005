//! A server of a folder, and a client that says exactly what a test wants to say.

use super::Bench;
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A workspace with the project `kws` of two tones, small enough to train in seconds.
pub fn workspace() -> (Bench, String) {
    let bench = Bench::empty();
    assert!(bench.run(&["new", "kws", "--template", "keywords"]).status.success());
    let path = bench.path("kws/edgewright.toml");
    let toml = std::fs::read_to_string(&path).expect("there");
    let toml = toml
        .replace("epochs = 150", "epochs = 5")
        .replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 10");
    std::fs::write(&path, toml).expect("written");
    let key = create_key(&bench, &[]);
    (bench, key)
}

/// A key made by `key create`.
pub fn create_key(bench: &Bench, more: &[&str]) -> String {
    let made = bench.json(&[&["key", "create", "--json"], more].concat());
    let key = made["key"].as_str().expect("a key").to_owned();
    assert!(key.starts_with("ei_"), "{key}");
    key
}

/// A running `edgewright serve`.
pub struct Server {
    pub child: Child,
    pub address: String,
    /// The sign-in link that it printed.
    pub link: Option<String>,
    stderr: PathBuf,
}

/// What servers of a folder write to stderr, one after the other.
const STDERR: &str = ".serve.stderr";

fn told_to(dir: &Path) -> Stdio {
    File::options().create(true).append(true).open(dir.join(STDERR)).expect("opens").into()
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }
    /// The stable code of a problem.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        self.json()["code"].as_str().expect("a code").to_owned()
    }
    /// Checks the status and returns the JSON.
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl Server {
    /// Starts a server on a port of the system's choice.
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    pub fn start_with(dir: &Path, more: &[&str]) -> Self {
        let mut child = super::command(dir)
            .args(["serve", "--no-open"])
            .args(if more.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
            .args(more)
            .stdout(Stdio::piped())
            .stderr(told_to(dir))
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        let address = first.strip_prefix("Studio: http://").expect("its address").to_owned();
        // Whether there is a second line depends on the password; a reader waits for it as long as it takes to answer.
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // The test may have gone on without it.
                let _ = tell.send(line);
            }
        });
        let link = told
            .recv_timeout(Duration::from_secs(2))
            .ok()
            .and_then(|l| l.strip_prefix("Sign in: ").map(str::to_owned));
        Self { child, address, link, stderr: dir.join(STDERR) }
    }

    /// Sends a request and reads the answer to its end.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send_to(0, method, path, headers, body)
    }

    /// The same to a port so far above the Studio's.
    pub fn send_to(
        &self,
        distance: u16,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let (host, port) = self.address.rsplit_once(':').expect("a port");
        let port = port.parse::<u16>().expect("a number") + distance;
        let mut stream = TcpStream::connect((host, port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !headers.iter().any(|(n, _)| *n == "content-length") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        // A server that refuses early closes before it has read everything.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        parse(&bytes)
    }

    /// Every operation of the document: method, path with its names filled in, id.
    pub fn operations(&self) -> Vec<(String, String, String)> {
        let document = self.send("GET", "/api/openapi.json", &[], b"").ok(200);
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id").to_owned();
                // The project is there, all other names are nobody's.
                let parts = path.replace("{project}", "kws");
                let parts = parts.split('/').map(|p| if p.starts_with('{') { "nothing" } else { p });
                all.push((method.to_uppercase(), parts.collect::<Vec<_>>().join("/"), id));
            }
        }
        assert!(all.len() > 25, "{all:?}");
        all
    }

    /// Signs in with the link and returns the cookie.
    pub fn sign_in(&self) -> String {
        let link = self.link.clone().expect("a link on the first start");
        let path = link.split_once(&self.address).expect("the address").1;
        let answer = self.send("GET", path, &[], b"");
        let cookie = answer.header("set-cookie").expect("a session");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    pub fn get(&self, key: &str, path: &str) -> Answer {
        self.send("GET", path, &[("x-api-key", key)], b"")
    }

    pub fn json(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    /// Waits until a job has ended and returns it.
    pub fn wait(&self, key: &str, project: &str, job: &str) -> Value {
        self.until(key, project, job, |j| {
            ["done", "failed", "cancelled"].contains(&j["state"].as_str().unwrap_or(""))
        })
    }

    /// Waits until a job is as wanted.
    pub fn until(&self, key: &str, project: &str, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let now = self.get(key, &format!("/api/v1/projects/{project}/jobs/{job}")).ok(200);
            if wanted(&now) {
                return now;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "still {now}; the server said: {}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it wrote to stderr.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    let mut body = bytes[end + 4..].to_vec();
    if headers.iter().any(|(k, v)| k == "transfer-encoding" && v == "chunked") {
        body = unchunk(&body);
    }
    Answer { status, headers, body }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&bytes[..end]).trim(), 16).expect("a size");
        if size == 0 {
            break;
        }
        out.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    out
}
