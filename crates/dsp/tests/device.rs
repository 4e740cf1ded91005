//! Cases of `golden/dsp/index.json` that run as on the device: audio in slices, pictures to the input of a model.

use edgewright_dsp::{
    Continuous, Params, PixelScaling, ResizeMode, Stream, Value, WindowSpec, plan, quantised_pixels,
    resize_device,
};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp")
}

fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Json> {
    let text = std::fs::read_to_string(folder().join("index.json")).expect("the index");
    let index: Json = serde_json::from_str(&text).expect("JSON");
    let cases = index["cases"].as_array().expect("cases").iter();
    cases.filter(|c| wanted(c["block"].as_str().expect("a block"))).cloned().collect()
}

/// Shape and values of an array of the golden set.
fn npy(file: &Json) -> (Vec<usize>, Vec<f64>) {
    let bytes = std::fs::read(folder().join(file.as_str().expect("a file"))).expect("read");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..start]);
    let data = &bytes[start..];
    let shape = header.split("'shape': (").nth(1).expect("a shape").split(')').next().expect("an end");
    let shape = shape.split(',').filter_map(|s| s.trim().parse().ok()).collect();
    let values = match header.split('\'').nth(3).expect("a type") {
        "<f8" => data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("8"))).collect(),
        "<f4" => data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4")).into()).collect(),
        "<i2" => data.chunks_exact(2).map(|b| i16::from_le_bytes(b.try_into().expect("2")).into()).collect(),
        "|u1" => data.iter().map(|b| f64::from(*b)).collect(),
        "|i1" => data.iter().map(|b| f64::from(*b as i8)).collect(),
        other => panic!("{other}"),
    };
    (shape, values)
}

fn params(case: &Json) -> Params {
    let object = case["parameters"].as_object().expect("an object").iter();
    object
        .filter(|(k, _)| *k != "slice")
        .map(|(k, v)| {
            let value =
                v.as_f64().map_or_else(|| Value::Text(v.as_str().unwrap_or("").into()), Value::Number);
            (k.clone(), value)
        })
        .collect()
}

fn compare(case: &Json, got: &[f64]) {
    let (_, expected) = npy(&case["output"]);
    assert_eq!(got.len(), expected.len(), "{}", case["id"]);
    let t = &case["tolerance"];
    let quantised = t["kind"] == "quantised";
    let number = |name: &str| t[name].as_f64().unwrap_or(0.0);
    let mut off = 0;
    for (i, (g, e)) in got.iter().zip(&expected).enumerate() {
        let error = (g - e).abs();
        let most = if quantised {
            off += usize::from(error > number("step") * 1e-3);
            number("max_steps") * number("step") * 1.0001
        } else {
            number("atol") + number("rtol") * e.abs()
        };
        assert!(error <= most, "{}: value {i} is {g}, expected {e}", case["id"]);
    }
    assert!(off as f64 <= number("max_fraction") * got.len() as f64, "{}: {off} cells differ", case["id"]);
}

#[test]
fn continuous_cases_hold() {
    let cases = cases(|b| b.starts_with("continuous_"));
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let (_, input) = npy(&case["input"]);
        let input: Vec<f32> = input.iter().map(|v| *v as f32).collect();
        let slice = case["slice_values"].as_u64().expect("a slice") as usize;
        let rate = case["sampling_freq"].as_f64().expect("a rate");
        let block = case["block"].as_str().and_then(|b| b.strip_prefix("continuous_")).expect("a block");
        let mut handle =
            Continuous::new(block, 4, &params(case), rate, slice, rate as usize).expect("planned");
        let mut got = Vec::new();
        for slice in input.chunks_exact(slice) {
            got.extend(handle.push(slice).expect("taken").into_iter().flatten().map(f64::from));
        }
        compare(case, &got);
    }
}

#[test]
fn pictures_of_the_device_hold() {
    let cases = cases(|b| b == "image_quantised" || b == "image_resize_device");
    assert_eq!(cases.len(), 12);
    for case in &cases {
        let (shape, input) = npy(&case["input"]);
        let mut bytes: Vec<u8> = input.iter().map(|v| *v as u8).collect();
        let p = &case["parameters"];
        let number = |name: &str| p[name].as_f64().expect("a number");
        let got: Vec<f64> = if case["block"] == "image_quantised" {
            let scaling = match p["image_scaling"].as_u64() {
                Some(2) => PixelScaling::Torch,
                Some(4) => PixelScaling::Minus128,
                _ => PixelScaling::None,
            };
            let (scale, zero) = (number("scale") as f32, number("zero_point") as i32);
            let q = quantised_pixels(&bytes, p["channels"] == "Grayscale", scale, zero, scaling);
            q.expect("quantised").into_iter().map(f64::from).collect()
        } else {
            let channels = number("channels") as usize;
            if channels == 1 {
                bytes = bytes.chunks_exact(3).map(|p| p[0]).collect();
            }
            let mode = match p["mode"].as_str() {
                Some("squash") => ResizeMode::Squash,
                Some("fit-shortest") => ResizeMode::FitShortest,
                _ => ResizeMode::FitLongest,
            };
            let to = (number("dst_width") as usize, number("dst_height") as usize);
            let out = resize_device(&bytes, (shape[1], shape[0]), channels, to, mode);
            out.expect("resized").into_iter().map(f64::from).collect()
        };
        compare(case, &got);
    }
}

#[test]
fn pictures_that_cannot_be_resized_are_refused() {
    let wide = resize_device(&[0; 40], (10, 4), 1, (8, 2), ResizeMode::FitShortest);
    assert_eq!(wide.expect_err("16 columns of 10").kind, "size");
    let flat = resize_device(&[0; 10], (10, 1), 1, (2, 2), ResizeMode::Squash);
    assert_eq!(flat.expect_err("one row").kind, "size");
}

#[test]
fn slices_give_the_bits_of_the_whole_window() {
    let mut tried = 0;
    for case in cases(|b| ["mfcc", "mfe", "spectrogram"].contains(&b)) {
        if case["expect"] == "error" {
            continue;
        }
        let (_, input) = npy(&case["input"]);
        let input: Vec<f32> = input.iter().map(|v| *v as f32).collect();
        let version = case["implementation_version"].as_u64().expect("a version") as u32;
        let window = WindowSpec {
            rate_hz: case["sampling_freq"].as_f64().expect("a rate"),
            axes: 1,
            frames: input.len(),
            image: None,
        };
        let block = case["block"].as_str().expect("a block");
        let plan = plan(block, version, &params(&case), &window).expect("planned");
        let mut whole = vec![0.0; plan.output().len()];
        plan.extract(&input, &mut vec![0.0; plan.scratch_len()], &mut whole).expect("extracted");
        for slice in [1usize, 37, 256, 4000, input.len() - 1, input.len()] {
            let mut stream = Stream::new(plan.clone()).expect("streamed");
            let mut got = None;
            for slice in input.chunks(slice) {
                assert!(got.is_none(), "{}: features before the end", case["id"]);
                got = stream.push(slice).expect("taken").map(<[f32]>::to_vec);
            }
            let got = got.expect("features at the end");
            let differ = got.iter().zip(&whole).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(differ, None, "{} in slices of {slice}", case["id"]);
            tried += 1;
        }
    }
    assert_eq!(tried, 6 * 43);
}
