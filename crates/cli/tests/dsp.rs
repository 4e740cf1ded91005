//! Cases of `golden/dsp/index.json` through the command.

mod common;
use common::{Bench, text};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp")
}

/// The values of a `.npy` of float32 or float64.
fn npy(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, data) = bytes.split_at(start);
    if String::from_utf8_lossy(header).contains("<f8") {
        data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("8"))).collect()
    } else {
        data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4")))).collect()
    }
}

/// Runs `dsp run` as the case says; the written features, or what it said when it exited with 1.
fn run(bench: &Bench, case: &Json, more: &[&str]) -> Result<Vec<f64>, String> {
    let input = match case["input"].as_str() {
        Some(file) => golden().join(file),
        // A case with no input has an empty window.
        None => bench.write("empty.npy", npy_header("<f4", "(0,)")),
    };
    let number = |name: &str| case[name].as_f64().unwrap_or(0.0).to_string();
    let (rate, version) = (number("sampling_freq"), number("implementation_version"));
    let out = bench.path("y.npy");
    let params = case["parameters"].to_string();
    let (input, file) = (input.display().to_string(), out.display().to_string());
    let mut args = vec!["dsp", "run", case["block"].as_str().expect("a block")];
    args.extend(["--version", &version, "--params", &params, "--rate", &rate]);
    args.extend(["--input", &input, "--out", &file]);
    args.extend(more);
    let ran = bench.run(&args);
    match ran.status.code() {
        Some(0) => Ok(npy(&out)),
        Some(1) => Err(text(&ran)),
        code => panic!("{}: exit {code:?}: {}", case["id"], text(&ran)),
    }
}

fn npy_header(descr: &str, shape: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}

fn cases() -> Vec<Json> {
    let index = std::fs::read_to_string(golden().join("index.json")).expect("the index");
    let index: Json = serde_json::from_str(&index).expect("JSON");
    index["cases"].as_array().expect("cases").clone()
}

fn case(id: &str) -> Json {
    cases().into_iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no case {id}"))
}

#[test]
fn golden_cases_run_through_the_command() {
    let bench = Bench::empty();
    for id in [
        "raw-p01",
        "flatten-p01",
        "flatten-p08-ma4",
        "flatten-p09-ma3-axes3",
        "spectrogram-p01-default",
        "mfcc-p03-classic",
        "mfcc-p15-v1",
        "image-p01",
        "spectral_analysis-p01",
    ] {
        let case = cases()
            .into_iter()
            .find(|c| c["id"].as_str().is_some_and(|i| i.starts_with(id)))
            .unwrap_or_else(|| panic!("no case {id}"));
        let got = run(&bench, &case, &[]).unwrap_or_else(|e| panic!("{id}: {e}"));
        let expected = npy(&golden().join(case["output"].as_str().expect("an output")));
        assert_eq!(got.len(), expected.len(), "{id}");
        let t = &case["tolerance"];
        let (rtol, atol) = (t["rtol"].as_f64().expect("rtol"), t["atol"].as_f64().expect("atol"));
        for (i, (g, e)) in got.iter().zip(&expected).enumerate() {
            assert!((g - e).abs() <= atol + rtol * e.abs(), "{id}: feature {i} is {g}, expected {e}");
        }
    }
}

#[test]
fn every_refused_audio_case_exits_1_with_its_reason() {
    let bench = Bench::empty();
    let mut seen = 0;
    for case in cases() {
        let audio = ["mfcc", "mfe", "spectrogram"].contains(&case["block"].as_str().unwrap_or(""));
        if audio && case["expect"] == "error" {
            let said = run(&bench, &case, &[]).expect_err("refused");
            assert!(said.contains(case["error_kind"].as_str().expect("a slug")), "{}: {said}", case["id"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 18);
}

#[test]
fn element_types_and_header_versions_are_read() {
    let bench = Bench::empty();
    let values = [1u8, 2, 3, 250, 5, 6];
    let body = |descr: &str| -> Vec<u8> {
        let each = |f: fn(u8) -> Vec<u8>| values.iter().flat_map(|v| f(*v)).collect();
        match descr {
            "|u1" => values.to_vec(),
            "<i2" => each(|v| i16::from(v).to_le_bytes().to_vec()),
            "<f4" => each(|v| f32::from(v).to_le_bytes().to_vec()),
            _ => each(|v| f64::from(v).to_le_bytes().to_vec()),
        }
    };
    for descr in ["|u1", "<i2", "<f4", "<f8"] {
        for version in 1..=3u8 {
            let mut bytes = npy_header(descr, "(3, 2)");
            bytes[6] = version;
            if version > 1 {
                bytes.splice(10..10, [0, 0]);
            }
            bytes.extend(body(descr));
            let x = bench.write("x.npy", bytes).display().to_string();
            let y = bench.path("y.npy").display().to_string();
            let ran = bench.run(&["dsp", "run", "raw", "--input", &x, "--out", &y]);
            assert!(ran.status.success(), "{descr} {version}: {}", text(&ran));
            assert_eq!(npy(Path::new(&y)), values.map(f64::from), "{descr} {version}");
        }
    }
    let (x, y) = (bench.path("x.npy").display().to_string(), bench.path("y.npy").display().to_string());
    for rate in ["nan", "inf", "1e30", "-1"] {
        let ran = bench.run(&["dsp", "run", "raw", &format!("--rate={rate}"), "--input", &x, "--out", &y]);
        assert_eq!(ran.status.code(), Some(2), "{rate}: {}", text(&ran));
        assert!(text(&ran).contains("a rate of"), "{}", text(&ran));
    }
}

#[test]
fn integers_give_almost_the_features_of_floats() {
    let bench = Bench::empty();
    let mut seen = 0;
    for case in cases() {
        let whole = case["implementation_version"].as_u64() >= Some(3) && case["expect"] != "error";
        if case["block"] == "mfe" && whole && case["input"].is_string() {
            let float = run(&bench, &case, &[]).expect("features");
            let fixed = run(&bench, &case, &["--arith", "fixed"]).expect("features");
            assert_eq!(float.len(), fixed.len(), "{}", case["id"]);
            let off = float.iter().zip(&fixed).filter(|(a, b)| (*a - *b).abs() > 1.01 / 256.0).count();
            assert!(100 * off <= float.len(), "{}: {off} of {}", case["id"], float.len());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} cases");
}

#[test]
fn options_of_the_contract_do_what_they_say() {
    let bench = Bench::empty();
    let case = case("raw-p01-acc62_walk");
    let said = run(&bench, &case, &["--arith", "fixed"]).expect_err("refused");
    assert!(said.contains("set `arith` to float"), "{said}");
    // Windows that follow each other give what each gives alone.
    let mut bytes = npy_header("<f4", "(12,)");
    bytes.extend((0..12u8).flat_map(|v| f32::from(v * v).to_le_bytes()));
    let x = bench.write("x.npy", bytes).display().to_string();
    let y = bench.path("y.npy").display().to_string();
    let report = bench.json(&[
        "dsp",
        "run",
        "flatten",
        "--params",
        "{\"minimum\": false, \"rms\": false, \"stdev\": false, \"skewness\": false, \"kurtosis\": false}",
        "--axes",
        "2",
        "--stateful",
        "4",
        "--repeat",
        "2",
        "--json",
        "--input",
        &x,
        "--out",
        &y,
    ]);
    assert_eq!(report["features"], 12, "{report}");
    assert!(report["seconds"].is_f64(), "{report}");
    assert_eq!(
        npy(Path::new(&y)),
        [2.0, 4.0, 5.0, 9.0, 26.0, 36.0, 37.0, 49.0, 82.0, 100.0, 101.0, 121.0].map(f64::from)
    );
}

#[test]
fn the_list_names_blocks_versions_and_parameters() {
    let bench = Bench::empty();
    let list = bench.json(&["dsp", "list", "--json"]);
    let blocks = list["blocks"].as_array().expect("blocks");
    let mfcc = blocks.iter().find(|b| b["name"] == "mfcc").expect("mfcc");
    assert_eq!(mfcc["versions"], serde_json::json!([1, 2, 3, 4]));
    let keys: Vec<&str> = mfcc["parameters"]
        .as_array()
        .expect("parameters")
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    for key in case("mfcc-p01-default")["parameters"].as_object().expect("parameters").keys() {
        assert!(keys.contains(&key.as_str()), "{key} is not among {keys:?}");
    }
}

#[test]
fn slices_and_whole_windows_are_written_alike() {
    let bench = Bench::empty();
    for id in ["mfcc-p14-v2", "mfe-p01-default", "spectrogram-p09-v3-rescaled"] {
        let whole = run(&bench, &case(id), &[]).expect("features");
        let sliced = run(&bench, &case(id), &["--stream", "333"]).expect("features");
        assert_eq!(whole, sliced, "{id}");
    }
    let said = run(&bench, &case("raw-p01-acc62_walk"), &["--stream", "333"]).expect_err("refused");
    assert!(said.contains("no_stream"), "{said}");
}

#[test]
fn device_cases_run_through_the_command() {
    let bench = Bench::empty();
    let blocks = ["continuous_mfcc", "continuous_spectrogram", "image_quantised", "image_resize_device"];
    let mut seen = 0;
    for case in cases() {
        if blocks.contains(&case["block"].as_str().unwrap_or("")) {
            let got = run(&bench, &case, &[]).unwrap_or_else(|e| panic!("{}: {e}", case["id"]));
            assert_eq!(Some(got.len() as u64), case["output_len"].as_u64(), "{}", case["id"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 15);
}

#[test]
fn what_follows_a_network_takes_arrays_and_json() {
    let bench = Bench::empty();
    let read = |path: PathBuf| -> Json {
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
    };
    let body = read(golden().join("postproc/anomaly_kmeans-p01-3d.json"));
    let params = bench.write("p.json", body["parameters"].to_string()).display().to_string();
    let x = bench.write("x.json", body["input"].to_string()).display().to_string();
    let rows = body["input"]["features"].as_array().expect("rows");
    let mut bytes = npy_header("<f8", &format!("({}, 3)", rows.len()));
    for value in rows.iter().flat_map(|r| r.as_array().expect("a row")) {
        bytes.extend(value.as_f64().expect("a number").to_le_bytes());
    }
    let array = bench.write("x.npy", bytes).display().to_string();
    let expected: Vec<f64> =
        body["expected"]["scores"].as_array().expect("scores").iter().filter_map(Json::as_f64).collect();
    for input in [&x, &array] {
        let y = bench.path("scores.npy").display().to_string();
        let params = format!("@{params}");
        let ran =
            bench.run(&["dsp", "run", "anomaly_kmeans", "--params", &params, "--input", input, "--out", &y]);
        assert!(ran.status.success(), "{}", text(&ran));
        let got = npy(Path::new(&y));
        assert_eq!(got.len(), expected.len());
        for (g, e) in got.iter().zip(&expected) {
            assert!((g - e).abs() < 1e-4, "{g} {e}");
        }
    }
    let body = read(golden().join("postproc/fomo_decode-p01-basic.json"));
    let x = bench.write("grid.json", body["input"].to_string()).display().to_string();
    let y = bench.path("boxes.json").display().to_string();
    let params = body["parameters"].to_string();
    let ran = bench.run(&["dsp", "run", "fomo_decode", "--params", &params, "--input", &x, "--out", &y]);
    assert!(ran.status.success(), "{}", text(&ran));
    let boxes = read(PathBuf::from(y));
    assert_eq!(boxes["bounding_boxes"].as_array().map(Vec::len), Some(3), "{boxes}");
    let ran = bench.run(&["dsp", "run", "fomo_decode", "--params", "{}", "--input", &x, "--out", "z.json"]);
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    assert!(text(&ran).contains("labels"), "{}", text(&ran));
}

#[test]
fn heart_and_motion_cases_run_through_the_command() {
    let bench = Bench::empty();
    let read = |path: PathBuf| -> Json {
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
    };
    fn flat(value: &Json) -> Vec<f64> {
        value
            .as_array()
            .map_or_else(|| value.as_f64().into_iter().collect(), |a| a.iter().flat_map(flat).collect())
    }
    let mut seen = 0;
    for case in cases() {
        let block = case["block"].as_str().expect("a block");
        let (field, result) = match block {
            "hrv_time_domain" | "hrv_frequency_domain" => ("rr_ms", None),
            "heart_rate_ppg" => ("ppg", Some("hr_bpm_every_2s")),
            "imu_syntiant" => ("values", Some("features")),
            _ => continue,
        };
        let body = read(golden().join(case["case_file"].as_str().expect("a file")));
        let mut values = flat(&body["input"][field]);
        let mut shape = format!("({},)", values.len());
        if block == "heart_rate_ppg" {
            let acc = flat(&body["input"]["acc"]);
            shape = format!("({}, 4)", values.len());
            values =
                values.iter().zip(acc.chunks_exact(3)).flat_map(|(p, a)| [*p, a[0], a[1], a[2]]).collect();
        }
        let mut bytes = npy_header("<f8", &shape);
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        let array = bench.write("x.npy", bytes).display().to_string();
        let object = bench.write("x.json", body["input"].to_string()).display().to_string();
        let params = body["parameters"].to_string();
        let (y, z) = (bench.path("y.npy").display().to_string(), bench.path("y.json").display().to_string());
        for (input, output) in [(&array, &y), (&object, &z)] {
            let args = ["dsp", "run", block, "--params", &params, "--input", input, "--out", output];
            let ran = bench.run(&args);
            assert!(ran.status.success(), "{}: {}", case["id"], text(&ran));
        }
        let (got, object) = (npy(Path::new(&y)), read(PathBuf::from(&z)));
        if let Some(result) = result {
            assert_eq!(got, flat(&object[result]), "{}", case["id"]);
            assert_eq!(got.len(), flat(&body["expected"][result]).len(), "{}", case["id"]);
        } else {
            let expected = body["expected"].as_object().expect("values");
            for key in expected.keys() {
                assert!(object[key].is_f64(), "{}: no `{key}` in {object}", case["id"]);
            }
            assert_eq!(got.len(), expected.len(), "{}", case["id"]);
        }
        if let (true, Some(rtol)) = (block == "imu_syntiant", case["tolerance"]["rtol"].as_f64()) {
            for (g, e) in got.iter().zip(flat(&body["expected"]["features"])) {
                assert!((g - e).abs() <= 1e-6 + rtol * e.abs(), "{}: {g} {e}", case["id"]);
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}
