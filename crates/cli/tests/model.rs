//! `model profile`, `quantize` and `export --format tflite` on a small model that is written here.

mod common;
use common::{Bench, Noise, text};
use serde_json::{Value as Json, json};
use std::process::Command;

/// A convolution, a pooling, a dense layer and a softmax, in our own text form.
fn model() -> String {
    let mut noise = Noise(5);
    let mut values = |n: usize| -> Vec<f64> { (0..n).map(|_| noise.next() as f32 as f64).collect() };
    let tensor = |name: &str, shape: Json, data: Option<Vec<f64>>| {
        let data = data.map(|v| json!({"f32": v}));
        json!({"name": name, "shape": shape, "dtype": "f32", "quant": null, "data": data})
    };
    let tensors = vec![
        tensor("x", json!([8, 6, 2]), None),
        tensor("w", json!([4, 3, 3, 2]), Some(values(72))),
        tensor("b", json!([4]), Some(values(4))),
        tensor("conv", json!([8, 6, 4]), None),
        tensor("pool", json!([4, 3, 4]), None),
        tensor("w2", json!([3, 48]), Some(values(144))),
        tensor("b2", json!([3]), Some(values(3))),
        tensor("logits", json!([3]), None),
        tensor("scores", json!([3]), None),
    ];
    let around = json!({"top": 1, "bottom": 1, "left": 1, "right": 1});
    let none = json!({"top": 0, "bottom": 0, "left": 0, "right": 0});
    let conv = json!({"op": "conv2d", "stride": [1, 1], "dilation": [1, 1], "padding": around, "activation": "relu"});
    let pool = json!({"op": "pool2d", "kind": "max", "kernel": [2, 2], "stride": [2, 2], "padding": none, "activation": "none"});
    let node = |name: &str, op: Json, inputs: Json, output: u32| json!({"name": name, "op": op, "inputs": inputs, "output": output});
    let nodes = vec![
        node("conv", conv, json!([0, 1, 2]), 3),
        node("pool", pool, json!([3]), 4),
        node("dense", json!({"op": "fully_connected", "activation": "none"}), json!([4, 5, 6]), 7),
        node("softmax", json!({"op": "softmax"}), json!([7]), 8),
    ];
    // The version stands in front.
    let graph = json!({"name": "small", "tensors": tensors, "nodes": nodes, "inputs": [0], "outputs": [8]});
    format!("{{\"edgewright_graph\":1,\"graph\":{graph}}}")
}

/// A `.npy` of single precision.
fn npy(shape: &[usize], values: impl Iterator<Item = f32>) -> Vec<u8> {
    npy_of("<f4", shape, &values.flat_map(f32::to_le_bytes).collect::<Vec<_>>())
}

fn npy_of(descr: &str, shape: &[usize], contents: &[u8]) -> Vec<u8> {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({},), }}", shape.join(", "));
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(contents);
    out
}

fn bench() -> Bench {
    let bench = Bench::empty();
    bench.write("small.ewg", model());
    let mut noise = Noise(9);
    bench.write("x.npy", npy(&[40, 8, 6, 2], (0..40 * 96).map(|_| noise.next() as f32)));
    bench
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[start..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4"))).collect()
}

fn run(bench: &Bench, model: &str, out: &str) -> Vec<u8> {
    let ran = bench.run(&["model", "run", model, "--input", "x.npy", "--out", out]);
    assert!(ran.status.success(), "{}", text(&ran));
    std::fs::read(bench.path(out)).expect("outputs")
}

#[test]
fn a_float_model_becomes_an_int8_file_that_all_commands_read() {
    let bench = bench();
    let before = floats(&run(&bench, "small.ewg", "float.npy"));
    for (i, method) in ["min-max", "mse", "percentile"].iter().enumerate() {
        let file = format!("int8_{i}.tflite");
        let args =
            ["model", "quantize", "small.ewg", "--calibration", "x.npy", "--method", method, "--out", &file];
        let done = bench.json(&[args.as_slice(), &["--json"]].concat());
        assert_eq!(done["cases"], 40, "{done}");
        assert!(done["loss"].as_f64().expect("a loss") < 0.05, "{method}: {done}");
        assert!(done["weight_bytes"][1].as_u64() < done["weight_bytes"][0].as_u64(), "{done}");
        let after = floats(&run(&bench, &file, "int8.npy"));
        assert!(
            before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 0.06),
            "{method}: {before:?} {after:?}"
        );
    }
    // The same bytes by way of our own text, and back into the other format.
    let own = bench.run(&["model", "quantize", "small.ewg", "--calibration", "x.npy", "--out", "int8.ewg"]);
    assert!(own.status.success(), "{}", text(&own));
    let export =
        bench.run(&["model", "export", "int8_0.tflite", "--format", "tflite", "--out", "again.tflite"]);
    assert!(export.status.success(), "{}", text(&export));
    let first = run(&bench, "int8_0.tflite", "a.npy");
    assert_eq!(first, run(&bench, "int8.ewg", "b.npy"));
    assert_eq!(first, run(&bench, "again.tflite", "c.npy"));
}

#[test]
fn a_float_model_becomes_one_of_16_bits() {
    let bench = bench();
    let before = floats(&run(&bench, "small.ewg", "float.npy"));
    let args = ["model", "quantize", "small.ewg", "--calibration", "x.npy", "--scheme", "int16x8", "--out"];
    let done = bench.json(&[args.as_slice(), &["wide.tflite", "--json"]].concat());
    assert!(done["loss"].as_f64().expect("a loss") < 0.01, "{done}");
    let after = floats(&run(&bench, "wide.tflite", "wide.npy"));
    // Weights have eight bits, as in int8; what flows has sixteen: half of what is allowed there.
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 0.03), "{before:?} {after:?}");
    let ends = bench.json(&[args.as_slice(), &["ends.tflite", "--io", "int16", "--json"]].concat());
    assert_eq!([&ends["input"]["type"], &ends["outputs"][0]["type"]], ["int16", "int16"], "{ends}");
    let again = bench.run(&["model", "export", "ends.tflite", "--format", "c", "--out", "c"]);
    assert!(again.status.success(), "{}", text(&again));
    let profile = bench.json(&["model", "profile", "ends.tflite", "--target", "cortex-m4f", "--json"]);
    assert!(profile["targets"][0]["instructions"].as_u64() > Some(1000), "{profile}");
    for (scheme, io, word) in
        [("int16x8", "int8", "int16"), ("int8", "int16", "int8"), ("int4", "float", "int16x8")]
    {
        let wrong = ["--scheme", scheme, "--io", io, "--out", "r.tflite"];
        let refused = bench.run(&[&args[..5], wrong.as_slice()].concat());
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(text(&refused).contains(word), "{}", text(&refused));
    }
    let onnx = bench.run(&["model", "export", "ends.tflite", "--format", "onnx", "--out", "r.onnx"]);
    assert!(onnx.status.code() == Some(1) && text(&onnx).contains("int16"), "{}", text(&onnx));
}

/// A `.npy` of bytes.
fn npy_bytes(columns: usize, values: &[i8]) -> Vec<u8> {
    npy_of("|i1", &[values.len() / columns, columns], &values.iter().map(|&v| v as u8).collect::<Vec<_>>())
}

#[test]
fn a_model_takes_several_inputs_in_order_by_name_or_beside_each_other() {
    let bench = Bench::empty();
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/tflite");
    std::fs::copy(golden.join("two_inputs.tflite"), bench.path("two.tflite")).expect("copied");
    let expected = std::fs::read_to_string(golden.join("expected.json")).expect("expected.json");
    let expected: Json = serde_json::from_str(&expected).expect("JSON");
    let case = &expected["two_inputs"];
    let column = |cases: &Json, i: usize| -> Vec<i8> {
        let cases = cases.as_array().expect("cases");
        cases
            .iter()
            .flat_map(|c| c[i].as_array().expect("values"))
            .map(|v| v.as_i64().expect("a byte") as i8)
            .collect()
    };
    bench.write("x.npy", npy_bytes(6, &column(&case["inputs"], 0)));
    bench.write("x.1.npy", npy_bytes(4, &column(&case["inputs"], 1)));
    let wanted: Vec<u8> = column(&case["litert"], 0).iter().map(|&v| v as u8).collect();
    for inputs in [
        vec!["--input", "x.npy", "--input", "x.1.npy"],
        vec!["--input", "t1=x.1.npy", "--input", "t0=x.npy"],
        vec!["--input", "t1=x.1.npy", "--input", "x.npy"],
        vec!["--input", "x.npy"],
    ] {
        let ran = bench.run(&[&["model", "run", "two.tflite", "--out", "y.npy"], inputs.as_slice()].concat());
        assert!(ran.status.success(), "{inputs:?}: {}", text(&ran));
        let bytes = std::fs::read(bench.path("y.npy")).expect("outputs");
        assert!(bytes.ends_with(&wanted), "{inputs:?}");
    }
    for (inputs, word) in [
        (vec!["--input", "t0=x.npy"], "t1"),
        (vec!["--input", "x.npy", "--input", "x.1.npy", "--input", "x.npy"], "3 files"),
        (vec!["--input", "t0=x.npy", "--input", "t0=x.npy"], "twice"),
    ] {
        let ran = bench.run(&[&["model", "run", "two.tflite", "--out", "y.npy"], inputs.as_slice()].concat());
        assert!(ran.status.code() == Some(2) && text(&ran).contains(word), "{inputs:?}: {}", text(&ran));
    }
    let profile = bench.json(&["model", "profile", "two.tflite", "--target", "cortex-m0plus", "--json"]);
    assert_eq!(profile["inputs"].as_array().map(Vec::len), Some(2), "{profile}");
    let named = ["model", "export", "two.tflite", "--format", "c", "--out", "named", "--prefix"];
    let export = bench.run(&[&named[..], &["kws_2"]].concat());
    assert!(export.status.success(), "{}", text(&export));
    let header = std::fs::read_to_string(bench.path("named/kws_2.h")).expect("a header");
    assert!(header.contains("int kws_2_invoke(") && header.contains("KWS_2_ARENA_SIZE"), "{header}");
    let export = bench.run(&[&named[..], &["2 kws"]].concat());
    assert!(export.status.code() == Some(2) && text(&export).contains("model_2_kws"), "{}", text(&export));
    let export = bench.run(&["model", "export", "two.tflite", "--format", "c", "--out", "c"]);
    assert!(export.status.success(), "{}", text(&export));
    let header = std::fs::read_to_string(bench.path("c/two.h")).expect("a header");
    assert!(
        header.contains("const int8_t *in0, size_t in0_len, const int8_t *in1, size_t in1_len, int8_t *out"),
        "{header}"
    );
}

#[test]
fn a_model_that_loses_too_much_is_refused_unless_told() {
    let bench = bench();
    let args = [
        "model",
        "quantize",
        "small.ewg",
        "--calibration",
        "x.npy",
        "--out",
        "q.tflite",
        "--budget",
        "0.000001",
    ];
    let refused = bench.run(&args);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("budget") && !bench.path("q.tflite").exists(), "{}", text(&refused));
    let forced = bench.run(&[args.as_slice(), &["--force"]].concat());
    assert!(forced.status.success() && bench.path("q.tflite").exists(), "{}", text(&forced));
    let twice = bench.run(&["model", "quantize", "q.tflite", "--calibration", "x.npy", "--out", "r.tflite"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(text(&twice).contains("already"), "{}", text(&twice));
    let wrong = bench.run(&["model", "quantize", "small.ewg", "--calibration", "x.npy", "--out", "q.txt"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
}

#[test]
fn a_profile_names_every_target_and_what_is_measured() {
    let bench = bench();
    let quantized = bench.run(&[
        "model",
        "quantize",
        "small.ewg",
        "--calibration",
        "x.npy",
        "--io",
        "int8",
        "--out",
        "q.tflite",
    ]);
    assert!(quantized.status.success(), "{}", text(&quantized));
    let all = bench.json(&["model", "profile", "q.tflite", "--json"]);
    let macs = 8 * 6 * 4 * 18 + 48 * 3;
    assert_eq!(all["macs"], macs, "{all}");
    let targets = all["targets"].as_array().expect("targets");
    let known = bench.json(&["targets", "--json"]);
    assert_eq!(targets.len(), known["targets"].as_array().expect("targets").len());
    for t in targets {
        assert_eq!(t["basis"], "estimate");
        assert!(t["instructions"].as_u64() > Some(macs / 2) && t["flash_bytes"].as_u64() > Some(1000), "{t}");
        assert!(t["ram_bytes"].as_u64() > Some(96) && t["ram_bytes"].as_u64() < Some(4096), "{t}");
    }
    assert_eq!(all["ops"].as_array().map(Vec::len), Some(4));
    let unknown = bench.run(&["model", "profile", "q.tflite", "--target", "cortex-m9"]);
    assert_eq!(unknown.status.code(), Some(2));
    if ["arm-none-eabi-gcc", "qemu-system-arm"]
        .iter()
        .any(|t| Command::new(t).arg("--version").output().is_err())
    {
        eprintln!("not run: measuring needs arm-none-eabi-gcc and qemu-system-arm");
        return;
    }
    let args = [
        "model",
        "profile",
        "q.tflite",
        "--target",
        "cortex-m4f",
        "--target",
        "nrf52840-dk",
        "--target",
        "cortex-m0plus",
    ];
    let measured = bench.json(&[args.as_slice(), &["--execute", "--svg", "cost.svg", "--json"]].concat());
    for t in measured["targets"].as_array().expect("targets") {
        assert_eq!((&t["basis"], &t["bit_exact"]), (&json!("measured"), &json!(true)), "{t}");
        let estimate = targets.iter().find(|e| e["target"] == t["target"]).expect("estimated too");
        for (key, most) in [("instructions", 1.6), ("flash_bytes", 2.0), ("ram_bytes", 1.6)] {
            let ratio = estimate[key].as_f64().expect("a number") / t[key].as_f64().expect("a number");
            assert!(
                (1.0 / most..most).contains(&ratio),
                "{} {key}: estimate {estimate}, measured {t}",
                t["target"]
            );
        }
    }
    let steps: u64 = measured["ops"]
        .as_array()
        .expect("ops")
        .iter()
        .filter_map(|o| o["instructions"]["cortex-m4f"].as_u64())
        .sum();
    let whole = measured["targets"][0]["instructions"].as_u64().expect("a number");
    assert!(steps <= whole && steps * 10 > whole * 9, "{steps} of {whole}");
    let svg = std::fs::read_to_string(bench.path("cost.svg")).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.contains("conv2d"), "{svg}");
}

/// Two features and three labels: the one that is larger, or `same` when both are near each other.
#[test]
fn an_imported_model_is_the_learning_block_of_a_project() {
    let bench = Bench::new("tabular");
    let tensor = |name: &str, shape: Json, data: Option<Json>| {
        let data = data.map(|v| json!({"f32": v}));
        json!({"name": name, "shape": shape, "dtype": "f32", "quant": null, "data": data})
    };
    let tensors = [
        tensor("x", json!([2]), None),
        tensor("w", json!([3, 2]), Some(json!([4.0, -4.0, -4.0, 4.0, 0.0, 0.0]))),
        tensor("b", json!([3]), Some(json!([0.0, 0.0, 1.0]))),
        tensor("logits", json!([3]), None),
        tensor("p", json!([3]), None),
    ];
    let nodes = json!([
        {"name": "dense", "op": {"op": "fully_connected", "activation": "none"}, "inputs": [0, 1, 2], "output": 3},
        {"name": "softmax", "op": {"op": "softmax"}, "inputs": [3], "output": 4}
    ]);
    let graph = json!({"name": "larger", "tensors": tensors, "nodes": nodes, "inputs": [0], "outputs": [4]});
    bench.write("larger.ewg", format!("{{\"edgewright_graph\":1,\"graph\":{graph}}}"));
    let mut noise = Noise(3);
    let mut rows = String::from("a,b,label\n");
    for _ in 0..150 {
        let (a, b) = (noise.next(), noise.next());
        let label = if (a - b).abs() < 0.25 {
            "same"
        } else if a > b {
            "first"
        } else {
            "second"
        };
        rows.push_str(&format!("{a:.4},{b:.4},{label}\n"));
    }
    bench.write("rows.csv", rows);
    let imported =
        bench.run(&["data", "import", "rows.csv", "--project", "project", "--label-from", "column:label"]);
    assert!(imported.status.success(), "{}", text(&imported));
    let wrong =
        bench.run(&["model", "import", "larger.ewg", "--project", "project", "--labels", "first,second"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    let args =
        ["model", "import", "larger.ewg", "--project", "project", "--labels", "first,second,same", "--json"];
    let told = bench.json(&args);
    assert_eq!(
        (told["kind"].as_str(), told["input"]["shape"][0].as_u64()),
        (Some("classifier"), Some(2)),
        "{told}"
    );
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 200");
    let ran = bench.json(&["run", "project", "--json"]);
    for form in ["float", "int8", "c"] {
        assert!(ran["test"][form]["accuracy"].as_f64().expect("accuracy") > 0.9, "{form}: {}", ran["test"]);
    }
    assert_eq!(ran["verify"][0]["bit_exact"], true, "{}", ran["verify"]);
    // Another order of the labels is another model.
    let args =
        ["model", "import", "larger.ewg", "--project", "project", "--labels", "second,first,same", "--json"];
    bench.json(&args);
    let ran = bench.json(&["run", "project", "--until", "test", "--json"]);
    assert!(ran["test"]["float"]["accuracy"].as_f64().expect("accuracy") < 0.5, "{}", ran["test"]);
}
