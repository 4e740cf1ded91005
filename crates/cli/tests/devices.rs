//! Devices on their socket, frame by frame as the clients of Edge Impulse speak, and what the two APIs tell of them.

mod common;
use common::http::{Server, create_key, workspace};
use serde_json::{Value, json};
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket};

/// From the port of the Studio to the devices': 4800 and 4802.
const DEVICES: u16 = 2;
/// To that of uploads.
const UPLOADS: u16 = 10;

/// A device: text frames with JSON, or binary ones with CBOR.
struct Device {
    socket: WebSocket<TcpStream>,
    cbor: bool,
}

impl Device {
    fn connect(server: &Server, cbor: bool) -> Self {
        let (host, port) = server.address.rsplit_once(':').expect("a port");
        let port = port.parse::<u16>().expect("a number") + DEVICES;
        let stream = TcpStream::connect((host, port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        let (socket, _) = tungstenite::client(format!("ws://{host}:{port}/"), stream).expect("a socket");
        Self { socket, cbor }
    }

    fn send(&mut self, value: &Value) {
        let message = if self.cbor {
            let mut bytes = Vec::new();
            ciborium::into_writer(value, &mut bytes).expect("written");
            Message::Binary(bytes.into())
        } else {
            Message::Text(value.to_string().into())
        };
        self.socket.send(message).expect("sent");
    }

    /// The next frame; `None` when the socket was closed.
    fn read(&mut self) -> Option<Value> {
        match self.socket.read() {
            Ok(Message::Text(text)) => {
                assert!(!self.cbor, "a text frame breaks these clients");
                Some(serde_json::from_str(&text).expect("JSON"))
            }
            Ok(Message::Binary(bytes)) => {
                assert!(self.cbor, "a binary frame for one that speaks JSON");
                Some(ciborium::from_reader(bytes.as_ref()).expect("CBOR"))
            }
            Ok(Message::Close(_)) | Err(_) => None,
            Ok(other) => panic!("{other:?}"),
        }
    }

    fn hello(server: &Server, cbor: bool, hello: &Value) -> (Self, Option<Value>) {
        let mut device = Self::connect(server, cbor);
        device.send(&json!({ "hello": hello }));
        let reply = device.read();
        (device, reply)
    }
}

fn hello(key: &str, id: &str) -> Value {
    json!({"version": 4, "apiKey": key, "deviceId": id, "deviceType": "DATA_FORWARDER", "connection": "daemon",
        "sensors": [{"name": "Sensor with 3 axes", "maxSampleLengthS": 300000, "frequencies": [62.5]}],
        "supportsSnapshotStreaming": false, "mode": "ingestion"})
}

fn acquisition(device: &str, value: f64) -> Vec<u8> {
    let values: Vec<Value> = (0..50).map(|i| json!([value + f64::from(i), 2.0, 3.0])).collect();
    json!({"protected": {"ver": "v1", "alg": "none", "iat": 1}, "signature": "0".repeat(64), "payload": {
        "device_name": device, "device_type": "DATA_FORWARDER", "interval_ms": 16,
        "sensors": [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}, {"name": "accZ", "units": "m/s2"}],
        "values": values}})
    .to_string()
    .into_bytes()
}

fn number_of(server: &Server, key: &str) -> u64 {
    server.get(key, "/v1/api/projects").ok(200)["projects"][0]["id"].as_u64().expect("a number")
}

/// A device does what a request asks: news in order, the sample in between.
fn record(server: &Server, key: &str, device: &mut Device, id: &str, value: f64) -> Value {
    let asked = device.read().expect("a request")["sample"].clone();
    for news in ["sample", "sampleStarted"] {
        device.send(&json!({ news: true }));
    }
    device.send(&json!({"sampleReading": true, "progressPercentage": 50}));
    device.send(&json!({"sampleUploading": true}));
    let path = asked["path"].as_str().expect("a path");
    let label = asked["label"].as_str().expect("a label");
    let headers = [("x-api-key", key), ("x-file-name", label), ("x-label", label)];
    let stored = server.send_to(UPLOADS, "POST", path, &headers, &acquisition(id, value));
    assert_eq!(stored.status, 200, "{}", stored.text());
    device.send(&json!({"sampleFinished": true}));
    asked
}

/// Waits until the recording is as wanted.
fn until(server: &Server, key: &str, recording: &str, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let now = server.get(key, &format!("/api/v1/projects/kws/recordings/{recording}")).ok(200);
        if now["state"] == state {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "still {now}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_device_records_when_the_studio_asks() {
    let (bench, full) = workspace();
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    let base = format!("/v1/api/{}", number_of(&server, &ingest));
    let devices = "/api/v1/projects/kws/devices";
    assert_eq!(server.get(&full, devices).ok(200)["devices"], json!([]));
    let id = "A1:B2:C3:D4:E5:F6";
    let (mut device, reply) = Device::hello(&server, false, &hello(&ingest, id));
    assert_eq!(reply, Some(json!({"hello": true})), "the first frame, before anything else");
    // What the tools ask once they are in, with the key that they have.
    let one = format!("{base}/device/A1%3AB2%3AC3%3AD4%3AE5%3AF6");
    let made = json!({"deviceId": id, "deviceType": "DATA_FORWARDER", "ifNotExists": true});
    server.json(&ingest, "POST", &format!("{base}/devices/create"), &made).ok(200);
    let told = server.get(&ingest, &one).ok(200);
    assert_eq!((&told["success"], &told["device"]["name"]), (&json!(true), &json!(id)));
    assert_eq!(
        (&told["device"]["remote_mgmt_connected"], &told["device"]["remoteMgmtMode"]),
        (&json!(true), &json!("ingestion"))
    );
    assert_eq!(told["device"]["sensors"][0]["frequencies"], json!([62.5]));
    let renamed = format!("{base}/devices/A1%3AB2%3AC3%3AD4%3AE5%3AF6/rename");
    server.json(&ingest, "POST", &renamed, &json!({"name": "desk"})).ok(200);
    assert_eq!(server.get(&ingest, &one).ok(200)["device"]["name"], "desk");
    assert_eq!(server.get(&ingest, &format!("{base}/devices")).status, 403);
    assert_eq!(server.get(&full, &format!("{base}/devices")).ok(200)["devices"][0]["deviceId"], id);
    // A phone says so every three seconds, and a client pings.
    device.socket.send(Message::Text("ping".into())).expect("sent");
    device.socket.send(Message::Ping(vec![1, 2].into())).expect("sent");
    assert_eq!(device.socket.read().expect("an answer"), Message::Pong(vec![1, 2].into()));
    // Our own API.
    let record_at = format!("{devices}/A1%3AB2%3AC3%3AD4%3AE5%3AF6/recordings");
    let wanted = json!({"label": "wave", "length_ms": 800, "category": "training"});
    let asked = server.json(&full, "POST", &record_at, &wanted).ok(202);
    assert_eq!((&asked["state"], &asked["interval_ms"]), (&json!("asked"), &json!(16.0)));
    let busy = server.json(&full, "POST", &record_at, &wanted);
    assert_eq!((busy.status, busy.code().as_str()), (409, "device_away"));
    let seen = record(&server, &ingest, &mut device, id, 1.0);
    let expected = json!({"label": "wave", "length": 800.0, "path": "/api/training/data", "hmacKey": "0", "interval": 16.0,
        "sensor": "Sensor with 3 axes"});
    assert_eq!(seen, expected);
    let done = until(&server, &full, asked["id"].as_str().expect("an id"), "done");
    let sample = done["sample"].as_str().expect("a sample");
    let sample = server.get(&full, &format!("/api/v1/projects/kws/samples/{sample}")).ok(200);
    assert_eq!(
        (&sample["sample"]["label"], &sample["sample"]["category"]),
        (&json!("wave"), &json!("training"))
    );
    let listed = server.get(&full, devices).ok(200);
    assert_eq!(listed["devices"][0]["recording"]["id"], asked["id"]);
    assert_eq!(
        (&listed["devices"][0]["connection"], &listed["devices"][0]["name"]),
        (&json!("recording"), &json!("desk"))
    );
    let port = server.address.rsplit_once(':').expect("a port").1.parse::<u16>().expect("a number") + DEVICES;
    assert_eq!(listed["port"], port);
    // A failure is told in the device's words, and the device may be asked again.
    let asked = server.json(&full, "POST", &record_at, &wanted).ok(202);
    device.read().expect("a request");
    device.send(&json!({"sample": false, "error": "no sensor"}));
    let failed = until(&server, &full, asked["id"].as_str().expect("an id"), "failed");
    assert_eq!(failed["error"], "no sensor");
    for (wrong, word) in [
        (json!({"label": "wave", "length_ms": 0, "category": "training"}), "length_ms"),
        (json!({"label": "a/b", "length_ms": 9, "category": "training"}), "label"),
        (json!({"label": "a", "length_ms": 9, "category": "training", "sensor": "x"}), "sensor"),
        (json!({"label": "a", "length_ms": 9, "category": "training", "interval_ms": -1}), "interval_ms"),
    ] {
        let answer = server.json(&full, "POST", &record_at, &wrong);
        assert!(answer.status == 400 && answer.text().contains(word), "{wrong}: {}", answer.text());
    }
    // The connection breaks off: the device stays, and cannot be asked.
    let asked = server.json(&full, "POST", &record_at, &wanted).ok(202);
    drop(device);
    let lost = until(&server, &full, asked["id"].as_str().expect("an id"), "failed");
    assert!(lost["error"].as_str().is_some_and(|e| e.contains("lost")), "{lost}");
    assert_eq!(server.json(&full, "POST", &record_at, &wanted).status, 409);
    assert_eq!(server.get(&full, devices).ok(200)["devices"][0]["connection"], "away");
    // It is there after a restart.
    server.kill();
    let server = Server::start(&bench.path(""));
    assert_eq!(server.get(&full, devices).ok(200)["devices"][0]["name"], "desk");
    server
        .send("DELETE", &format!("{devices}/A1%3AB2%3AC3%3AD4%3AE5%3AF6"), &[("x-api-key", &full)], b"")
        .ok(204);
    assert_eq!(server.get(&full, devices).ok(200)["devices"], json!([]));
    assert_eq!(server.get(&full, &one).status, 404);
}

#[test]
fn a_forwarder_speaks_cbor() {
    let (bench, full) = workspace();
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let server = Server::start(&bench.path(""));
    // One that says hello and then nothing: it is waited for at the end.
    let (mut silent, reply) = Device::hello(&server, false, &hello(&ingest, "silent"));
    assert_eq!(reply, Some(json!({"hello": true})));
    let since = Instant::now();
    let (mut device, reply) = Device::hello(&server, true, &hello(&ingest, "a"));
    assert_eq!(reply, Some(json!({"hello": true})));
    let base = format!("/v1/api/{}", number_of(&server, &ingest));
    let wanted = json!({"label": "wave", "lengthMs": 500, "category": "testing", "intervalMs": 8.5});
    let start = format!("{base}/device/a/start-sampling");
    assert_eq!(server.json(&ingest, "POST", &start, &wanted).status, 403);
    let asked = server.json(&full, "POST", &start, &wanted).ok(200);
    let seen = record(&server, &ingest, &mut device, "a", 5.0);
    assert_eq!((&seen["path"], &seen["interval"]), (&json!("/api/testing/data"), &json!(8.5)));
    let number = asked["id"].as_u64().expect("a number").to_string();
    assert!(until(&server, &full, &number, "done")["sample"].is_string());
    // A newer connection takes the place of the older.
    let (mut newer, reply) = Device::hello(&server, true, &hello(&ingest, "a"));
    assert_eq!((reply, device.read()), (Some(json!({"hello": true})), None));
    server.json(&full, "POST", &start, &wanted).ok(200);
    assert!(newer.read().is_some_and(|m| m["sample"]["label"] == "wave"));
    // One that is removed is sent away.
    server.send("DELETE", &format!("{base}/device/a"), &[("x-api-key", &full)], b"").ok(200);
    assert_eq!(newer.read(), None);
    // One that runs a model is told apart.
    let mut model = hello(&ingest, "pi");
    model["mode"] = json!("inference");
    let (_model, reply) = Device::hello(&server, false, &model);
    assert_eq!(reply, Some(json!({"hello": true})));
    let told = server.get(&full, &format!("{base}/device/pi")).ok(200);
    assert_eq!(told["device"]["remoteMgmtMode"], "inference");
    let answer = server.json(&full, "POST", &format!("{base}/device/pi/start-sampling"), &wanted);
    assert!(answer.status == 409 && answer.json()["success"] == false, "{}", answer.text());
    assert_eq!(silent.read(), None);
    let waited = since.elapsed().as_secs();
    assert!((38..50).contains(&waited), "closed after {waited} s");
    assert_eq!(
        server.get(&full, &format!("{base}/device/silent")).ok(200)["device"]["remote_mgmt_connected"],
        false
    );
}

#[test]
fn who_is_not_let_in() {
    let (bench, everywhere) = workspace();
    let ingest = create_key(&bench, &["kws", "--scope", "ingest"]);
    let read = create_key(&bench, &["kws", "--scope", "read"]);
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    let server = Server::start(&bench.path(""));
    let changed = |field: &str, value: Value| {
        let mut changed = hello(&ingest, "a");
        changed[field] = value;
        changed
    };
    for (told, why) in [
        // The key is looked at before anything else.
        (json!({"apiKey": "ei_00", "version": "x"}), "Invalid API key"),
        (json!({}), "Invalid API key"),
        (json!("hello"), "Invalid API key"),
        (hello(&read, "a"), "may not add samples"),
        (hello(&everywhere, "a"), "several projects"),
        (changed("version", json!(5)), "version"),
        (changed("deviceId", json!(7)), "deviceId"),
        (changed("deviceId", json!("x".repeat(101))), "id"),
        (changed("deviceType", json!("")), "kind"),
        (changed("sensors", json!({})), "sensors"),
        (changed("sensors", json!([{"name": "a\n"}])), "sensor"),
        (changed("sensors", json!([{"name": "a", "frequencies": ["x"]}])), "frequencies"),
    ] {
        for cbor in [false, true] {
            let (mut device, reply) = Device::hello(&server, cbor, &told);
            let reply = reply.unwrap_or_else(|| panic!("{told}: no reply"));
            assert_eq!(reply["hello"], false, "{told}");
            assert!(reply["err"].as_str().is_some_and(|e| e.contains(why)), "{told}: {reply}");
            assert_eq!(device.read(), None, "{told}");
        }
    }
    // What is no hello ends the socket, and nothing else.
    for bytes in [vec![0xff; 100], b"[".repeat(60_000), b"x".repeat(70_000)] {
        let mut device = Device::connect(&server, true);
        // It may be closed before all is sent.
        let _ = device.socket.send(Message::Binary(bytes.into()));
        assert_eq!(device.read(), None);
    }
    let plain = server.send_to(DEVICES, "GET", "/", &[], b"");
    assert_eq!(plain.status, 404, "{}", plain.text());
    assert_eq!(server.get(&everywhere, "/api/v1/projects/kws/devices").ok(200)["devices"], json!([]));
    let (_device, reply) = Device::hello(&server, true, &hello(&ingest, "a"));
    assert_eq!(reply, Some(json!({"hello": true})));
}
