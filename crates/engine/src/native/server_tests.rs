use super::{
    fixture::{SYSTEMS, cells, impulse, library, library_of, starter, windows},
    *,
};
use edgewright_impulse::{Impulse, Runner, Task};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A server that was started, and stops with the test.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(dir: &Path, start: &[String], program: &[u8]) -> Self {
        super::super::stages::build::write_whole(&dir.join("served"), program).expect("written");
        let words = [start, &["./served", "--listen", "127.0.0.1:0"].map(String::from)].concat();
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("words")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("where it listens").to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        stream
    }

    /// Everything that is answered to these bytes.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // What is refused early may be cut off while it is still sent.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(Shutdown::Write);
        let mut out = Vec::new();
        let _ = stream.read_to_end(&mut out);
        String::from_utf8(out).expect("text")
    }

    fn post(&self, kind: &str, body: &[u8]) -> (u16, serde_json::Value) {
        let head = format!(
            "POST /api/features HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        reply(&self.ask(&[head.as_bytes(), body].concat()))
    }

    fn well(&self) {
        let (status, body) = reply(&self.ask(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!((status, &body["status"]), (200, &"ok".into()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of one reply; its length must be what it says.
fn reply(text: &str) -> (u16, serde_json::Value) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let length: usize = head
        .lines()
        .find_map(|l| l.strip_prefix("Content-Length: "))
        .and_then(|n| n.parse().ok())
        .expect("a length");
    assert_eq!(body.len(), length, "{text}");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text}")))
}

fn built(impulse: &Impulse, id: &str) -> Vec<u8> {
    library_of(impulse, id, |l| http_server(l).expect("built")).remove("sounds-server").expect("a program")
}

fn bytes(window: &[f32]) -> Vec<u8> {
    window.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn the_server_scores_as_the_reference_does() {
    for id in SYSTEMS {
        let Some(start) = starter(id) else { continue };
        let impulse = impulse();
        let dir = crate::scratch::folder().expect("a folder");
        let server = Running::start(dir.path(), &start, &built(&impulse, id));
        let (status, info) = reply(&server.ask(b"GET /api/info HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(status, 200);
        assert_eq!(info["modelParameters"]["labels"], serde_json::json!(["a {", "b % \"", "c"]));
        assert_eq!(info["modelParameters"]["input_features_count"], 16);
        assert!(info["versions"]["generator"].as_str().expect("a version").starts_with("edgewright "));
        let mut runner = Runner::new(&impulse).expect("a runner");
        let Task::Classification { labels, .. } = &impulse.learn[0].task else { panic!("no labels") };
        // Values that need all their digits, too.
        let odd: Vec<f32> = (0..16).map(|i| f32::from_bits(0x3f9d_0a61 + i * 7919) - 1.1).collect();
        for w in windows().iter().chain([&odd]) {
            let expected: Vec<u32> = runner.run(w).expect("run").scores.iter().map(|v| v.to_bits()).collect();
            let json = format!("{{\"features\": {w:?}}}");
            for (kind, body) in
                [("application/json", json.into_bytes()), ("application/octet-stream", bytes(w))]
            {
                let (status, told) = server.post(kind, &body);
                assert_eq!(status, 200, "{id}: {told}");
                let scores = &told["result"]["classification"];
                let got: Vec<u32> = labels
                    .iter()
                    .map(|l| (scores[l].as_f64().unwrap_or(f64::NAN) as f32).to_bits())
                    .collect();
                assert_eq!(got, expected, "{id}: {kind}: {told}");
            }
        }
    }
}

#[test]
fn the_server_tells_boxes() {
    let impulse = cells();
    let dir = crate::scratch::folder().expect("a folder");
    let server = Running::start(dir.path(), &[], &built(&impulse, "host"));
    let mut runner = Runner::new(&impulse).expect("a runner");
    let mut seen = 0;
    for w in windows() {
        let expected = runner.run(&w).expect("run").boxes;
        let (_, told) = server.post("application/octet-stream", &bytes(&w));
        let got = told["result"]["bounding_boxes"].as_array().expect("boxes");
        let values = |v: &serde_json::Value| v["value"].as_f64().map(|v| (v as f32).to_bits());
        assert_eq!(
            got.iter().map(values).collect::<Vec<_>>(),
            expected.iter().map(|b| Some(b.value.to_bits())).collect::<Vec<_>>()
        );
        seen += got.len();
    }
    assert!(seen > 0);
}

#[test]
fn the_server_refuses_what_is_wrong_and_goes_on() {
    let dir = crate::scratch::folder().expect("a folder");
    let server = Running::start(dir.path(), &[], &built(&impulse(), "host"));
    let get = |fields: &str| format!("GET /health HTTP/1.1\r\n{fields}\r\n").into_bytes();
    let post = |fields: &str, body: &str| {
        format!("POST /api/features HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}").into_bytes()
    };
    let json = "Content-Type: application/json\r\n";
    let long = "a".repeat(9000);
    let wrong: Vec<(Vec<u8>, u16)> = vec![
        (b"\r\n\r\n".to_vec(), 400),
        (b"hello\r\n\r\n".to_vec(), 400),
        (b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 400),
        (b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n".to_vec(), 505),
        (b"GET /health HTTP/1.1 \r\nHost: x\r\n\r\n".to_vec(), 400),
        (b"GET /hea\x00lth HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 400),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(300)).into_bytes(), 414),
        (get(""), 400),
        (get("Host: x\r\nHost: y\r\n"), 400),
        (get("Host : x\r\n"), 400),
        (get("Host: x\r\n folded: y\r\n"), 400),
        (get("Host: x\r\nno colon\r\n"), 400),
        (get("Host: x\r\nA: b\nC: d\r\n"), 400),
        (get("Host: x\r\nContent-Length: 3\r\n"), 413),
        (get(&format!("Host: x\r\nA: {long}\r\n")), 431),
        (long.into_bytes(), 431),
        (b"GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 404),
        (b"DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 405),
        (b"GET /api/features HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 405),
        (post(json, "{}"), 411),
        (post(&format!("{json}Content-Length: -1\r\n"), "{}"), 400),
        (post(&format!("{json}Content-Length: 2\r\nContent-Length: 2\r\n"), "{}"), 400),
        (post(&format!("{json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"), "{}"), 501),
        (post(&format!("{json}Content-Length: 99999999999999999999\r\n"), "{}"), 413),
        (post(&format!("{json}Content-Length: 1000000\r\n"), "{}"), 413),
        (post(&format!("{json}Content-Length: 2\r\nContent-Encoding: gzip\r\n"), "{}"), 415),
        (post(&format!("{json}Content-Length: 2\r\nExpect: luck\r\n"), "{}"), 417),
        (post("Content-Length: 2\r\n", "{}"), 415),
        (post("Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), 415),
    ];
    for (request, expected) in &wrong {
        let (status, body) = reply(&server.ask(request));
        let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        assert_eq!((status, &body["success"]), (*expected, &false.into()), "{shown:?}: {body}");
        // Not because of the body, which was not looked at.
        assert!(
            status != 400 || body["error"] == "the head of the request is not accepted",
            "{shown:?}: {body}"
        );
    }
    let many = format!("{{\"features\": [{}]}}", ["0"; 16].join(","));
    for (body, expected) in [
        ("", 400),
        ("{", 400),
        ("[1, 2]", 400),
        ("{\"features\": 1}", 400),
        ("{\"features\": [1, 2]}", 400),
        (many.replace("[0", "[0,0").as_str(), 400),
        (many.replace("[0", "[01").as_str(), 400),
        (many.replace("[0", "[NaN").as_str(), 400),
        (many.replace("[0", "[0x1").as_str(), 400),
        (many.replace("[0", "[1e39").as_str(), 422),
        (many.replace("[0", "[\u{0}").as_str(), 400),
        (format!("{many} x").as_str(), 400),
        (format!("{{\"a\": {}{}, {}", "[".repeat(500), "]".repeat(500), &many[1..]).as_str(), 400),
        (many.as_str(), 200),
    ] {
        let (status, told) = server.post("application/json", body.as_bytes());
        assert_eq!(status, expected, "{body:?}: {told}");
    }
    for (window, expected) in
        [(vec![0.0; 15], 400), (vec![f32::NAN; 16], 422), (vec![f32::INFINITY; 16], 422)]
    {
        assert_eq!(server.post("application/octet-stream", &bytes(&window)).0, expected);
    }

    // Whoever opens connections and says nothing, or half a request, or leaves, keeps nobody else waiting.
    let idle: Vec<TcpStream> = (0..40).map(|_| server.connect()).collect();
    for (i, mut stream) in idle.iter().enumerate() {
        stream.write_all(&post(&format!("{json}Content-Length: 40\r\n"), "{\"fea")[..20 + i]).expect("half");
    }
    server.well();
    drop(idle);
    // Also more of them than there are places, at its own limits.
    let many_idle: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
    for mut stream in many_idle.iter().step_by(2) {
        let _ = stream.write_all(b"GET /health HT");
    }
    let begun = std::time::Instant::now();
    server.well();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    drop(many_idle);
    // A client that closes is believed, whatever else it lists; a refused HEAD has no body; what is allowed is told.
    let twice = [get("Host: x\r\nConnection: TE, close\r\n"), get("Host: x\r\n")].concat();
    assert_eq!(server.ask(&twice).matches("HTTP/1.1 200 OK").count(), 1);
    let told = server.ask(b"HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 404 ") && told.ends_with("\r\n\r\n"), "{told}");
    for (request, allowed) in [("GET /api/features", "POST"), ("POST /health", "GET, HEAD")] {
        let told = server.ask(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(told.contains(&format!("\r\nAllow: {allowed}\r\n")), "{told}");
    }
    // Several requests at once are answered one after the other; the head alone where that was asked for.
    let twice = [get("Host: x\r\n"), b"HEAD /health HTTP/1.0\r\n\r\n".to_vec()].concat();
    let told = server.ask(&twice);
    assert_eq!(told.matches("HTTP/1.1 200 OK").count(), 2, "{told}");
    assert!(told.ends_with("Connection: close\r\n\r\n"), "{told}");
    let hundred = server.ask(&get("Host: x\r\n").repeat(100));
    assert_eq!(hundred.matches("HTTP/1.1 200 OK").count(), 100);
    // A client that waits to be told to go on is told.
    let mut stream = server.connect();
    let head = post(&format!("{json}Content-Length: {}\r\nExpect: 100-continue\r\n", many.len()), "");
    stream.write_all(&head).expect("the head");
    let mut told = [0; 25];
    stream.read_exact(&mut told).expect("words");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(many.as_bytes()).expect("the body");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("a reply");
    assert_eq!(reply(&rest).0, 200);
    server.well();

    // It ends when it is asked to.
    let mut server = server;
    let pid = server.child.id().to_string();
    toolchain::run("kill", &["-TERM".to_owned(), pid], dir.path(), LIMIT).expect("asked");
    assert!(server.child.wait().expect("ended").success());
}

/// A blob of a layout, whose name and size are what a descriptor says.
fn blob<'t>(tree: &'t FileTree, descriptor: &serde_json::Value) -> &'t [u8] {
    use sha2::{Digest, Sha256};
    let digest = descriptor["digest"].as_str().and_then(|d| d.strip_prefix("sha256:")).expect("a digest");
    let bytes = &tree[&format!("image/blobs/sha256/{digest}")];
    let hash: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((hash.as_str(), bytes.len() as u64), (digest, descriptor["size"].as_u64().expect("a size")));
    bytes
}

#[test]
fn the_image_is_whole_and_what_is_in_it_runs() {
    for (id, architecture) in [("x86-64-linux", "amd64"), ("aarch64-linux", "arm64"), ("armv7-linux", "arm")]
    {
        let Some(start) = starter(id) else { continue };
        let tree = library(id, |l| container(l).expect("built"));
        assert_eq!(tree, library(id, |l| container(l).expect("built again")), "same impulse, same bytes");
        let json = |bytes: &[u8]| -> serde_json::Value { serde_json::from_slice(bytes).expect("JSON") };
        assert_eq!(json(&tree["image/oci-layout"])["imageLayoutVersion"], "1.0.0");
        let index = json(&tree["image/index.json"]);
        assert_eq!(index["manifests"][0]["platform"]["architecture"], architecture);
        let manifest = json(blob(&tree, &index["manifests"][0]));
        let config = json(blob(&tree, &manifest["config"]));
        let layers = manifest["layers"].as_array().expect("layers");
        for layer in layers {
            blob(&tree, layer);
        }
        // The layer is not compressed: what it is unpacked is what it is.
        assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([layers[0]["digest"]]));
        assert_eq!((&config["os"], &config["architecture"]), (&"linux".into(), &architecture.into()));
        assert_eq!(tree.keys().filter(|k| k.starts_with("image/blobs/")).count(), 3);

        let dir = crate::scratch::folder().expect("a folder");
        write(&Sources { files: tree, compile: Vec::new() }, dir.path()).expect("written");
        let run = |program: &str, args: &[&str]| {
            let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
            toolchain::run(program, &args, dir.path(), LIMIT).unwrap_or_else(|e| panic!("{id}: {e}"))
        };
        if let Some(words) = ["skopeo", "umoci"].iter().find_map(|t| toolchain::missing(t)) {
            eprintln!("the image was not unpacked: {words}");
            continue;
        }
        let told = json(run("skopeo", &["inspect", "--raw", "oci:image:latest"]).as_bytes());
        assert_eq!(told, manifest);
        run("umoci", &["unpack", "--rootless", "--image", "image:latest", "bundle"]);
        let told = json(run("cat", &["bundle/config.json"]).as_bytes());
        assert_eq!(
            told["process"]["args"],
            serde_json::json!(["/server", "--listen", "0.0.0.0:1337"]),
            "{told}"
        );
        let words = [start.as_slice(), &["bundle/rootfs/server", "--self-test"].map(String::from)].concat();
        let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        assert!(run(&words[0], &args).contains("agree with the reference"));
        assert!(dir.path().join("bundle/rootfs/licences/LICENSE-APACHE").is_file());
    }
}

#[test]
fn the_server_survives_requests_that_were_bent() {
    let compiler = toolchain::host_compilers().into_iter().next().expect("a compiler");
    let dir = crate::scratch::folder().expect("a folder");
    let sources = library("host", server);
    write(&sources, dir.path()).expect("written");
    let files: Vec<&str> = sources.compile.iter().map(String::as_str).collect();
    let mut flags =
        vec!["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-DREQUEST_MS=700.0"];
    if toolchain::sanitizer_works(&compiler, dir.path()) {
        flags.extend(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    toolchain::host_build(&compiler, dir.path(), &flags, &files, "program").expect("built");
    let program = read(dir.path(), "program").expect("a program");
    let mut server = Running::start(dir.path(), &[], &program);
    let array = ["0.25e1"; 16].join(",");
    let json = format!("{{\"features\": [{array}]}}");
    let head = |kind: &str, length: usize| {
        format!(
            "POST /api/features HTTP/1.1\r\nHost: x\r\nContent-Type: application/{kind}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let seeds = [
        b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".to_vec(),
        (head("json", json.len()) + &json).into_bytes(),
        [head("octet-stream", 64).into_bytes(), vec![0; 64]].concat(),
    ];
    let mut state = 1u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    for _ in 0..3000 {
        let mut request = seeds[below(3)].clone();
        for _ in 0..1 + below(4) {
            let at = below(request.len());
            match below(4) {
                0 => request[at] = below(256) as u8,
                1 => drop(request.drain(at..(at + 1 + below(20)).min(request.len()))),
                2 => {
                    let words: [&[u8]; 8] = [b"\r\n", b"\0", b"[", b"{", b"\"", b"\\", b"9999", b"-"];
                    request.splice(at..at, words[below(8)].iter().copied());
                }
                _ => {
                    let from = below(request.len());
                    let piece = request[from..(from + 40).min(request.len())].to_vec();
                    request.splice(at..at, piece);
                }
            }
            if request.is_empty() {
                request.push(b'x');
            }
        }
        server.ask(&request);
    }
    server.well();
    // Who says half of a request and waits is told that it took too long; who says nothing makes room, also where all places are taken.
    let mut slow = server.connect();
    slow.write_all(b"GET /health HTTP/1.1\r\nHo").expect("half");
    let mut told = String::new();
    slow.read_to_string(&mut told).expect("a refusal");
    assert_eq!(reply(&told).0, 408);
    let idle: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
    server.well();
    drop(idle);
    assert!(server.child.try_wait().expect("asked").is_none(), "it ended");
}
