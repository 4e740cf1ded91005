//! Signal features: each generator against numpy and scipy, what is refused, and what is left out when switched off.

use edgewright_dsp::{GENERATORS, Params, Plan, Value, WindowSpec, plan};
use serde_json::Value as Json;
use std::collections::BTreeMap;

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

fn spec(axes: usize, frames: usize, rate_hz: f64) -> WindowSpec {
    WindowSpec { rate_hz, axes, frames, image: None }
}

fn run(plan: &Plan, window: &[f32]) -> Vec<f32> {
    let mut features = vec![0.0; plan.output().len()];
    plan.extract(window, &mut vec![f32::NAN; plan.scratch_len()], &mut features).expect("features");
    features
}

fn golden() -> (Params, WindowSpec, Vec<f32>, BTreeMap<String, f64>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/signal_features/expected.json");
    let json: Json = serde_json::from_str(&std::fs::read_to_string(path).expect(path)).expect("JSON");
    let params = json["parameters"].as_object().expect("parameters").iter().map(|(k, v)| {
        let value = match v {
            Json::Bool(b) => Value::Bool(*b),
            Json::String(s) => text(s),
            v => Value::Number(v.as_f64().expect("a number")),
        };
        (k.clone(), value)
    });
    let window = json["window"].as_str().expect("a window").split(' ');
    let window: Vec<f32> = window.map(|v| v.parse().expect("a number")).collect();
    let expected = json["expected"].as_object().expect("values");
    let expected = expected.iter().map(|(k, v)| (k.clone(), v.as_f64().expect("a number"))).collect();
    let spec = spec(3, window.len() / 3, json["rate_hz"].as_f64().expect("a rate"));
    (params.collect(), spec, window, expected)
}

#[test]
fn every_generator_gives_what_numpy_and_scipy_give() {
    let (params, spec, window, expected) = golden();
    let plan = plan("signal_features", 1, &params, &spec).expect("planned");
    let (names, features) = (plan.names(&["x", "y", "z"]), run(&plan, &window));
    assert_eq!(names.len(), features.len());
    assert_eq!(names.len(), expected.len(), "{names:?}");
    for (name, got) in names.iter().zip(&features) {
        let wanted = expected.get(name).unwrap_or_else(|| panic!("numpy has no `{name}`"));
        let off = (f64::from(*got) - wanted).abs();
        assert!(off <= 2e-5 * wanted.abs() + 2e-7, "`{name}` is {got}, expected {wanted}");
    }
    let all = [
        "Zero",
        "Mean",
        "Energy",
        "Peak",
        "Histogram 12",
        "Entropy",
        "Spectral",
        "Dominant",
        "Band",
        "Harmonic 4",
    ];
    for wanted in all.iter().chain(&["Interquartile", "Correlation", "Magnitude"]) {
        assert!(names.iter().any(|n| n.contains(wanted)), "no `{wanted}` in {names:?}");
    }
}

#[test]
fn each_generator_alone_gives_its_own_values_and_names() {
    let (params, spec, window, _) = golden();
    let whole = plan("signal_features", 1, &params, &spec).expect("planned");
    let all: BTreeMap<String, f32> =
        whole.names(&["x", "y", "z"]).into_iter().zip(run(&whole, &window)).collect();
    let mut seen = 0;
    for only in GENERATORS.iter().chain(&["harmonics", "band_edges"]) {
        let mut own = params.clone();
        for name in GENERATORS {
            own.insert(name.into(), Value::Bool(name == *only));
        }
        if *only != "harmonics" {
            own.insert("harmonics".into(), Value::Number(0.0));
        }
        if *only != "band_edges" {
            own.insert("band_edges".into(), text(""));
        }
        let plan = plan("signal_features", 1, &own, &spec).expect("planned");
        for (name, value) in plan.names(&["x", "y", "z"]).iter().zip(run(&plan, &window)) {
            assert_eq!(all[name].to_bits(), value.to_bits(), "{only}: {name}");
            seen += 1;
        }
        let Plan::Features(plan) = plan else { panic!("another block") };
        let spectral = ["spectral_entropy", "dominant_frequency", "harmonics", "band_edges"].contains(only);
        assert_eq!(plan.spectrum.is_some(), spectral, "{only}");
    }
    assert_eq!(seen, all.len());
}

#[test]
fn constants_silence_and_single_frames_give_numbers() {
    let mut params = Params::new();
    for on in ["histogram", "correlation", "magnitude_area"] {
        params.insert(on.into(), Value::Bool(true));
    }
    params.insert("harmonics".into(), Value::Number(2.0));
    params.insert("fft_length".into(), Value::Number(16.0));
    let constant = plan("signal_features", 1, &params, &spec(2, 20, 10.0)).expect("planned");
    for level in [0.0f32, -3.5, 1e-30, 1e15] {
        let features = run(&constant, &[level; 40]);
        assert!(features.iter().all(|v| v.is_finite()), "{level}: {features:?}");
        let of =
            |name: &str| features[constant.names(&["a", "b"]).iter().position(|n| n == name).expect(name)];
        for zero in
            ["a Mean Crossings", "a Peak to Peak", "b Entropy", "b Spectral Entropy", "b Dominant Frequency"]
        {
            assert_eq!(of(zero), 0.0, "{level}: {zero}");
        }
        assert_eq!(
            (of("a b Correlation"), of("a Interquartile Range"), of("a Histogram 1")),
            (0.0, 0.0, 1.0)
        );
    }
    for off in ["spectral_entropy", "dominant_frequency"] {
        params.insert(off.into(), Value::Bool(false));
    }
    params.insert("harmonics".into(), Value::Number(0.0));
    // A row of a table has no rate.
    let row = plan("signal_features", 1, &params, &spec(2, 1, 0.0)).expect("planned");
    assert!(run(&row, &[3.0, 4.0]).iter().all(|v| v.is_finite()));
}

#[test]
fn what_cannot_work_is_refused_with_the_nearest_that_can() {
    let refusal = |set: &[(&str, Value)], window: WindowSpec| {
        let params: Params = set.iter().map(|(k, v)| ((*k).into(), v.clone())).collect();
        plan("signal_features", 1, &params, &window).expect_err("refused")
    };
    let n = Value::Number;
    for (set, window, kind, says) in [
        (vec![("fft_length", n(64.0))], spec(1, 40, 50.0), "fft_longer_than_window", "at most 32"),
        (vec![("fft_length", n(64.0))], spec(1, 3, 50.0), "fft_longer_than_window", "needs 4"),
        (vec![("fft_length", n(48.0))], spec(1, 400, 50.0), "fft_length_not_power_of_two", "such as 64"),
        (vec![], spec(1, 400, 0.0), "rate", "`spectral_entropy` needs a sampling rate"),
        (vec![("correlation", Value::Bool(true))], spec(1, 400, 50.0), "one_axis", "must be false"),
        (vec![("histogram_bins", n(1.0))], spec(1, 400, 50.0), "parameter_range", "from 2 to 256"),
        (vec![("band_edges", text("1, 30"))], spec(1, 400, 50.0), "edge_above_nyquist", "at most 25 Hz"),
        (vec![("band_edges", text("-1, 3"))], spec(1, 400, 50.0), "parameter_range", "0 at least"),
        (vec![("band_edges", text("5, 3"))], spec(1, 400, 50.0), "parameter_range", "rising"),
        (vec![("band_edges", text("5"))], spec(1, 400, 50.0), "parameter_range", "2 to 1000"),
        (vec![("band_edges", text("5, x"))], spec(1, 400, 50.0), "parameter_range", "rising"),
        (vec![("band_edges", text("1.2, 1.9"))], spec(1, 400, 64.0), "empty_band", "the next is 2 Hz"),
        (vec![("bins", n(3.0))], spec(1, 400, 50.0), "unknown_parameter", "histogram_bins"),
    ] {
        let e = refusal(&set, window);
        assert_eq!(e.kind, kind, "{set:?}: {e}");
        assert!(e.message.contains(says), "{set:?}: {e}");
    }
    let off: Vec<(&str, Value)> = GENERATORS.iter().map(|g| (*g, Value::Bool(false))).collect();
    assert_eq!(refusal(&off, spec(1, 400, 50.0)).kind, "no_feature");
    // What the messages name works.
    for (name, value, window) in [
        ("fft_length", n(32.0), spec(1, 40, 50.0)),
        ("band_edges", text("1, 25"), spec(1, 400, 50.0)),
        ("band_edges", text("1.2, 2.1"), spec(1, 400, 64.0)),
    ] {
        let params = Params::from([(name.to_owned(), value)]);
        assert!(plan("signal_features", 1, &params, &window).is_ok(), "{name}");
    }
}
