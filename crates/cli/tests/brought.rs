//! A model of one's own over the calls of Edge Impulse's Python SDK: uploaded, profiled, described, packed.

mod common;
use common::{
    http::{Answer, Server, create_key, workspace},
    models::{dense, inputs},
};
use serde_json::{Value, json};

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
