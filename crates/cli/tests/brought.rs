//! A model of one's own over the calls of Edge Impulse's Python SDK: uploaded, profiled, described, packed.

mod common;
use common::{
    Bench, Noise,
    http::{Answer, Server, create_key, workspace},
};
use serde_json::{Value, json};

/// A dense layer of sixteen values and three scores, as a float TFLite file.
fn dense(bench: &Bench) -> Vec<u8> {
    let mut noise = Noise(5);
    let mut values = |n: usize| -> Vec<f64> { (0..n).map(|_| noise.next() as f32 as f64).collect() };
    let tensor = |name: &str, shape: Value, data: Option<Vec<f64>>| {
        let data = data.map(|v| json!({"f32": v}));
        json!({"name": name, "shape": shape, "dtype": "f32", "quant": null, "data": data})
    };
    let tensors = json!([
        tensor("x", json!([16]), None),
        tensor("w", json!([3, 16]), Some(values(48))),
        tensor("b", json!([3]), Some(values(3))),
        tensor("y", json!([3]), None),
        tensor("z", json!([3]), None),
    ]);
    let nodes = json!([
        {"name": "dense", "op": {"op": "fully_connected", "activation": "none"}, "inputs": [0, 1, 2], "output": 3},
        {"name": "softmax", "op": {"op": "softmax"}, "inputs": [3], "output": 4},
    ]);
    let graph = json!({"name": "small", "tensors": tensors, "nodes": nodes, "inputs": [0], "outputs": [4]});
    bench.write("small.ewg", format!("{{\"edgewright_graph\":1,\"graph\":{graph}}}"));
    let made = bench.run(&["model", "export", "small.ewg", "--format", "tflite", "--out", "small.tflite"]);
    assert!(made.status.success(), "{}", common::text(&made));
    std::fs::read(bench.path("small.tflite")).expect("written")
}

/// Inputs for calibration, as `.npy`.
fn inputs() -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 16), }".to_owned();
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    let mut noise = Noise(9);
    out.extend((0..40 * 16).flat_map(|_| (noise.next() as f32).to_le_bytes()));
    out
}

#[test]
fn a_model_is_uploaded_profiled_and_packed() {
    let (bench, _) = workspace();
    let model = dense(&bench);
    let (full, read) = (create_key(&bench, &["kws"]), create_key(&bench, &["kws", "--scope", "read"]));
    let server = Server::start(&bench.path(""));
    let project = server.get(&read, "/v1/api/projects").ok(200)["projects"][0]["id"].clone();
    let base = format!("/v1/api/{project}");
    let upload = |key: &str, parts: &[(&str, &[u8])]| -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            let file = if bytes.len() > 60 { "; filename=\"f\"" } else { "" };
            body.extend_from_slice(
                format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--B--\r\n");
        let headers = [("x-api-key", key), ("content-type", "multipart/form-data; boundary=B")];
        server.send("POST", &format!("{base}/pretrained-model/upload"), &headers, &body)
    };
    let named: [(&str, &[u8]); 2] = [("modelFileName", b"mine.tflite"), ("modelFileType", b"tflite")];
    let with = |more: &[(&'static str, &[u8])]| upload(&full, &[&named[..], more].concat());
    let get = |path: &str| server.get(&read, &format!("{base}{path}"));
    let post = |path: &str, body: Value| server.json(&full, "POST", &format!("{base}{path}"), &body);
    assert_eq!(get("/pretrained-model").ok(200)["availableModelTypes"], json!([]));
    assert_eq!(post("/pretrained-model/profile", json!({})).status, 404);
    assert_eq!((upload("ei_00", &[]).status, upload(&read, &[]).status), (401, 403));
    for (parts, word) in [
        (vec![("modelFile", &b"nonsense"[..])], "no model"),
        (vec![], "modelFile"),
        (vec![("modelFile", &model[..]), ("device", b"nothing")], "nothing"),
        (vec![("modelFile", &model[..]), ("else", b"x")], "else"),
        (vec![("modelFile", &model[..]), ("representativeFeatures", b"no array")], "cases.npy"),
    ] {
        let refused = with(&parts);
        assert!((400..500).contains(&refused.status), "{word}: {}", refused.text());
        assert!(
            refused.json()["success"] == false && refused.text().contains(word),
            "{word}: {}",
            refused.text()
        );
    }
    // Float and bytes, on a device that was asked about.
    let all = [("modelFile", &model[..]), ("representativeFeatures", &inputs()), ("device", b"cortex-m4f")];
    let job = with(&all).ok(200)["id"].as_u64().expect("a number");
    let status = get(&format!("/jobs/{job}/status")).ok(200);
    assert_eq!(status["job"]["finishedSuccessful"], true);
    assert_eq!(get(&format!("/jobs/{job}/stdout")).ok(200)["success"], true);
    post("/pretrained-model/profile", json!({})).ok(200);
    let told = get("/pretrained-model").ok(200);
    assert_eq!(
        (&told["specificDeviceSelected"], &told["availableModelTypes"]),
        (&json!(true), &json!(["float32", "int8"]))
    );
    let profile = &told["model"]["profileInfo"];
    assert_eq!(
        (&profile["int8"]["device"], &told["model"]["outputs"][0]["shape"]),
        (&json!("cortex-m4f"), &json!([1, 3]))
    );
    for form in ["float32", "int8"] {
        assert!(profile[form]["memory"]["eon"]["rom"].as_u64().is_some_and(|n| n > 100), "{profile}");
    }
    assert!(
        profile["table"]["lowEndMcu"]["memory"]["eon"]["ram"].is_u64()
            && profile["table"]["variant"] == "int8",
        "{profile}"
    );
    // Nothing is packed before it was said what it takes and says.
    let query = "type=zip&modelType=int8";
    assert_eq!(get(&format!("/deployment?{query}")).ok(200)["hasDeployment"], false);
    let save = |model: Value| {
        post("/pretrained-model/save", json!({"input": {"inputType": "other"}, "model": model}))
    };
    let labels = |list: Value| json!({"modelType": "classification", "labels": list});
    for wrong in [
        labels(json!(["a", "b"])),
        labels(json!(["a", "b", "c/d"])),
        labels(json!([1])),
        json!({"modelType": "regression"}),
    ] {
        let refused = save(wrong.clone());
        assert!((400..500).contains(&refused.status), "{wrong}: {}", refused.text());
    }
    save(labels(json!(["a", "b", "c"]))).ok(200);
    let built = post(
        &format!("/jobs/build-ondevice-model?{query}"),
        json!({"engine": "tflite", "modelType": "int8"}),
    )
    .ok(200);
    assert_eq!(get(&format!("/jobs/{}/status", built["id"])).ok(200)["job"]["finishedSuccessful"], true);
    assert_eq!(get(&format!("/deployment?{query}")).ok(200)["version"], built["deploymentVersion"]);
    let package = get(&format!("/deployment/download?{query}"));
    assert!(package.status == 200 && package.body.starts_with(b"PK"), "{}", package.text());
    // As a program for this machine, in float: it answers as the model does.
    let own = format!("runner-{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    post(
        &format!("/jobs/build-ondevice-model?type={own}"),
        json!({"engine": "tflite", "modelType": "float32"}),
    )
    .ok(200);
    let program = get(&format!("/deployment/download?type={own}&modelType=float32"));
    assert!(program.status == 200 && program.body.starts_with(b"\x7fELF"));
    // A new model takes the place of the old, which is not what was described.
    with(&[("modelFile", &model)]).ok(200);
    assert_eq!(get(&format!("/deployment?{query}")).ok(200)["hasDeployment"], false);
    assert_eq!(get("/pretrained-model").ok(200)["availableModelTypes"], json!(["float32"]));
}
