//! Every case of `golden/dsp/index.json` for the blocks that are here, at the tolerance of the index.

use edgewright_dsp::{Params, Value, WindowSpec, plan};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp")
}

/// Cases that wait for the signal-processing issue, by block or by reason. Nothing else may be left out.
fn waits(case: &Json) -> bool {
    let block = case["block"].as_str().expect("a block");
    match block {
        "raw" | "mfe" | "mfcc" | "spectrogram" | "image" | "spectral_analysis" | "flatten" => false,
        // Cases with a file of their own: heart rate and variability in `heart.rs`, motion below.
        _ => true,
    }
}

fn npy(path: &Path) -> (Vec<usize>, Vec<f64>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).expect("text");
    let data = &bytes[10 + length..];
    let shape = header.split("'shape': (").nth(1).expect("a shape").split(')').next().expect("an end");
    let shape = shape.split(',').filter_map(|s| s.trim().parse().ok()).collect();
    let values = if header.contains("<f8") {
        data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("8"))).collect()
    } else if header.contains("<f4") {
        data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4")))).collect()
    } else if header.contains("<i2") {
        data.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes(b.try_into().expect("2")))).collect()
    } else if header.contains("|u1") {
        data.iter().map(|b| f64::from(*b)).collect()
    } else {
        panic!("{}: {header}", path.display())
    };
    (shape, values)
}

fn params(json: &Json) -> Params {
    json.as_object()
        .expect("an object")
        .iter()
        // The length of consecutive windows is no parameter of the block.
        .filter(|(k, _)| *k != "window")
        .map(|(k, v)| {
            let value = match v {
                Json::Bool(b) => Value::Bool(*b),
                Json::String(s) => Value::Text(s.clone()),
                v => Value::Number(v.as_f64().expect("a number")),
            };
            (k.clone(), value)
        })
        .collect()
}

/// Runs one case; `Err` says what is wrong.
fn check(case: &Json) -> Result<(), String> {
    let (shape, input) = match case["input"].as_str() {
        Some(path) => npy(&folder().join(path)),
        None => (vec![0], vec![]),
    };
    let image = case["block"] == "image";
    let axes = if image { 3 } else { case["axes"].as_array().map_or(1, Vec::len) };
    let window = WindowSpec {
        rate_hz: case["sampling_freq"].as_f64().unwrap_or(0.0),
        axes,
        frames: case["window_values"].as_u64().map_or(input.len(), |n| n as usize) / axes,
        image: image.then(|| (shape[1], shape[0])),
    };
    let version = case["implementation_version"].as_u64().unwrap_or(1) as u32;
    let planned =
        plan(case["block"].as_str().expect("a block"), version, &params(&case["parameters"]), &window);
    if case["expect"] == "error" {
        let kind = case["error_kind"].as_str().unwrap_or("");
        return match planned {
            Ok(_) => Err(format!("accepted, expected `{kind}`")),
            Err(e) if e.kind != kind => Err(format!("refused as `{}`, expected `{kind}`", e.kind)),
            Err(_) => Ok(()),
        };
    }
    let plan = planned.map_err(|e| e.to_string())?;
    if case["block"] == "spectral_analysis" {
        // The index lists the names of one axis.
        let expected: Vec<String> = case["labels"]
            .as_array()
            .map(|l| l.iter().filter_map(Json::as_str).map(|l| format!("x {l}")).collect())
            .unwrap_or_default();
        let names = plan.names(&["x"]);
        if let Some((got, wanted)) = names.iter().zip(&expected).find(|(g, e)| g != e) {
            return Err(format!("a feature is named `{got}`, expected `{wanted}`"));
        }
        if names.len() != expected.len() {
            return Err(format!("{} names, expected {}", names.len(), expected.len()));
        }
    }
    let values: Vec<f32> = input.iter().map(|v| *v as f32).collect();
    let mut scratch = vec![0.0; plan.scratch_len()];
    let mut state = vec![0.0; plan.state_len()];
    let mut got = Vec::new();
    // Consecutive windows go to one handle.
    for window in values.chunks_exact(plan.window_len()) {
        let from = got.len();
        got.resize(from + plan.output().len(), 0.0);
        plan.extract_next(window, &mut state, &mut scratch, &mut got[from..]).map_err(|e| e.to_string())?;
    }
    // Several frames at once give the same bits.
    if case["stateful"] != true {
        let mut scratch = vec![f32::NAN; plan.wide_scratch_len()];
        let mut wide = vec![0.0; got.len()];
        plan.extract(&values, &mut scratch, &mut wide).map_err(|e| e.to_string())?;
        if got.iter().zip(&wide).any(|(g, w)| g.to_bits() != w.to_bits()) {
            return Err("frames side by side give other bits".into());
        }
    }
    let preferred = if case["preferred_output"] == "cpp" { "output_cpp" } else { "output" };
    let (_, expected) = npy(&folder().join(case[preferred].as_str().expect("an output")));
    if got.len() != expected.len() {
        return Err(format!("{} features, expected {}", got.len(), expected.len()));
    }
    let t = &case["tolerance"];
    if t["kind"] == "quantised" {
        let step = t["step"].as_f64().expect("a step");
        let most = t["max_steps"].as_f64().expect("steps") * step * 1.0001;
        let off = got.iter().zip(&expected).filter(|(g, e)| (f64::from(**g) - **e).abs() > step * 1e-3);
        let (count, worst) =
            off.fold((0usize, 0.0f64), |(n, w), (g, e)| (n + 1, w.max((f64::from(*g) - e).abs())));
        let allowed = t["max_fraction"].as_f64().expect("a share") * got.len() as f64;
        if worst > most || count as f64 > allowed {
            return Err(format!(
                "{count} of {} cells differ (allowed {allowed:.0}), by up to {worst}",
                got.len()
            ));
        }
        return Ok(());
    }
    let (rtol, atol) = (t["rtol"].as_f64().expect("rtol"), t["atol"].as_f64().expect("atol"));
    let skip: Vec<u64> =
        t["skip_indices"].as_array().map(|a| a.iter().filter_map(Json::as_u64).collect()).unwrap_or_default();
    for (i, (g, e)) in got.iter().zip(&expected).enumerate() {
        let error = (f64::from(*g) - e).abs();
        if !skip.contains(&(i as u64)) && (error.is_nan() || error > atol + rtol * e.abs()) {
            return Err(format!("feature {i} is {g}, expected {e} (off by {error:e})"));
        }
    }
    Ok(())
}

#[test]
fn golden_cases_hold() {
    let text = std::fs::read_to_string(folder().join("index.json")).expect("the index");
    let index: Json = serde_json::from_str(&text).expect("JSON");
    let cases = index["cases"].as_array().expect("cases");
    let (mut held, mut failed) = (0, Vec::new());
    for case in cases.iter().filter(|c| !waits(c)) {
        match check(case) {
            Ok(()) => held += 1,
            Err(e) => failed.push(format!("{}: {e}", case["id"].as_str().unwrap_or("?"))),
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases fail:\n{}",
        failed.len(),
        held + failed.len(),
        failed.join("\n")
    );
    // A change of the index or of `waits` that loses cases must be noticed.
    assert_eq!(held, 143, "number of cases that are held");
}

#[test]
fn motion_for_syntiant_is_scaled_by_twice_gravity() {
    let index = std::fs::read_to_string(folder().join("index.json")).expect("the index");
    let index: Json = serde_json::from_str(&index).expect("JSON");
    let cases = index["cases"].as_array().expect("cases").iter().filter(|c| c["block"] == "imu_syntiant");
    let mut held = 0;
    for case in cases {
        let file = folder().join(case["case_file"].as_str().expect("a file"));
        let body: Json = serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON");
        let list = |v: &Json| -> Vec<f64> {
            v.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
        };
        let input: Vec<f32> = list(&body["input"]["values"]).iter().map(|v| *v as f32).collect();
        let window = WindowSpec { rate_hz: 100.0, axes: 3, frames: input.len() / 3, image: None };
        let plan = plan("imu_syntiant", 1, &params(&body["parameters"]), &window).expect("planned");
        let mut got = vec![0.0; plan.output().len()];
        plan.extract(&input, &mut [], &mut got).expect("extracted");
        let t = &case["tolerance"];
        let (rtol, atol) = (t["rtol"].as_f64().expect("rtol"), t["atol"].as_f64().expect("atol"));
        for (g, e) in got.iter().zip(list(&body["expected"]["features"])) {
            assert!((f64::from(*g) - e).abs() <= atol + rtol * e.abs(), "{}: {g} {e}", case["id"]);
        }
        held += 1;
    }
    assert_eq!(held, 2);
}

#[test]
fn audio_for_syntiant_is_mel_energy_with_the_settings_of_the_chip() {
    let window = |rate_hz| WindowSpec { rate_hz, axes: 1, frames: 15488, image: None };
    let none = Params::new();
    let chip = plan("audio_syntiant", 1, &none, &window(16000.0)).expect("planned");
    // 968 ms give 40 rows of 40.
    assert_eq!(chip.output().len(), 1600);
    assert_eq!(plan("audio_syntiant", 1, &none, &window(8000.0)).map_err(|e| e.kind), Err("rate"));
    let same = [("frame_length", 0.032), ("frame_stride", 0.024), ("fft_length", 512.0)];
    let same = same.map(|(k, v)| (k.to_owned(), Value::Number(v))).into_iter().collect();
    let mel = plan("mfe", 4, &same, &window(16000.0)).expect("planned");
    let input: Vec<f32> = (0..15488).map(|i| ((i * 7919 + i * i % 6007) % 4001) as f32 - 2000.0).collect();
    let (mut a, mut b) = (vec![0.0; 1600], vec![0.0; 1600]);
    for (plan, out) in [(&chip, &mut a), (&mel, &mut b)] {
        plan.extract(&input, &mut vec![0.0; plan.scratch_len()], out).expect("extracted");
    }
    // Pre-emphasis of 31/32 instead of 0.98 leaves 3.9 of 64 dB more at 0 Hz.
    let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= 17.0 / 256.0 && a != b, "{far}");
}
