//! Heart rate and variability: the cases of `golden/dsp` with a file of their own, and signals with a known answer.

use edgewright_dsp::{FrequencyPlan, Params, Value, WindowSpec, plan, time_domain};
use serde_json::Value as Json;
use std::path::Path;

/// Index entry and body of the cases of a block.
fn cases(block: &str) -> Vec<(Json, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp");
    let read = |file: &str| -> Json {
        serde_json::from_str(&std::fs::read_to_string(folder.join(file)).expect("a file")).expect("JSON")
    };
    let index = read("index.json");
    let all = index["cases"].as_array().expect("cases").iter().filter(|c| c["block"] == block);
    all.map(|c| (c.clone(), read(c["case_file"].as_str().expect("a file")))).collect()
}

fn floats(value: &Json) -> Vec<f32> {
    match value {
        Json::Array(items) => items.iter().flat_map(floats).collect(),
        v => vec![v.as_f64().expect("a number") as f32],
    }
}

fn close(id: &Json, what: &str, got: f32, expected: &Json, rtol: f64, atol: f64) {
    let e = expected.as_f64().expect("a number");
    let off = (f64::from(got) - e).abs();
    assert!(off <= atol + rtol * e.abs(), "{id}: {what} is {got}, expected {e}");
}

#[test]
fn time_domain_cases_hold() {
    let cases = cases("hrv_time_domain");
    assert_eq!(cases.len(), 3);
    for (entry, body) in cases {
        let nn = floats(&body["input"]["rr_ms"]);
        let got = time_domain(&nn, &mut vec![0.0; nn.len()]);
        let keys = [
            "meannn",
            "sdnn",
            "rmssd",
            "sdsd",
            "cvnn",
            "cvsd",
            "mediannn",
            "madnn",
            "mcvnn",
            "iqrnn",
            "minnn",
            "maxnn",
            "nn50_count",
            "nn20_count",
            "pnn50_over_diffs",
            "pnn20_over_diffs",
            "mean_hr",
        ];
        let tolerance = |name: &str| entry["tolerance"][name].as_f64().expect("a tolerance");
        for (key, got) in keys.iter().zip(got) {
            close(&entry["id"], key, got, &body["expected"][key], tolerance("rtol"), tolerance("atol"));
        }
        assert_eq!(body["expected"].as_object().map(|o| o.len()), Some(keys.len()));
    }
}

#[test]
fn frequency_domain_cases_hold() {
    let cases = cases("hrv_frequency_domain");
    assert_eq!(cases.len(), 2);
    for (entry, body) in cases {
        let nn = floats(&body["input"]["rr_ms"]);
        let mut at = vec![0.0f32];
        for v in &nn[1..] {
            at.push(at[at.len() - 1] + v / 1000.0);
        }
        let seconds = f64::from(at[at.len() - 1]);
        let plan = FrequencyPlan::new(seconds, (0.04, 0.15), (0.15, 0.4)).expect("bands");
        let got = plan.measure(&at, &nn, &mut vec![0.0; plan.scratch_len()]);
        let tolerance = |name: &str| entry["tolerance"][name].as_f64().expect("a tolerance");
        let expected = &body["expected"];
        close(&entry["id"], "LF/HF", got[2], &expected["lf_over_hf"], tolerance("lf_over_hf_rel"), 0.0);
        close(&entry["id"], "LF peak", got[3], &expected["lf_peak_hz"], 0.0, tolerance("peak_hz"));
        close(&entry["id"], "HF peak", got[4], &expected["hf_peak_hz"], 0.0, tolerance("peak_hz"));
    }
}

fn run(
    params: &[(&str, Value)],
    rate_hz: f64,
    axes: usize,
    values: &[f32],
    windows: usize,
) -> (Vec<String>, Vec<f32>) {
    let params: Params = params.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let window = WindowSpec { rate_hz, axes, frames: values.len() / axes / windows, image: None };
    let plan = plan("hr", 1, &params, &window).expect("planned");
    let (mut state, mut scratch) = (vec![0.0; plan.state_len()], vec![0.0; plan.scratch_len()]);
    let mut out = Vec::new();
    for window in values.chunks_exact(plan.window_len()) {
        let from = out.len();
        out.resize(from + plan.output().len(), 0.0);
        plan.extract_next(window, &mut state, &mut scratch, &mut out[from..]).expect("extracted");
    }
    (plan.names(&[]), out)
}

#[test]
fn heart_rate_cases_hold_in_one_window_and_in_many() {
    let cases = cases("heart_rate_ppg");
    assert_eq!(cases.len(), 3);
    for (entry, body) in cases {
        let (ppg, acc) = (floats(&body["input"]["ppg"]), floats(&body["input"]["acc"]));
        let values: Vec<f32> =
            ppg.iter().zip(acc.chunks_exact(3)).flat_map(|(p, a)| [*p, a[0], a[1], a[2]]).collect();
        let rate = body["parameters"]["sampling_freq"].as_f64().expect("a rate");
        let expected = floats(&body["expected"]["hr_bpm_every_2s"]);
        let (_, got) = run(&[], rate, 4, &values, 1);
        let (_, parts) = run(&[], rate, 4, &values, expected.len());
        assert_eq!(got, parts, "{}: windows of 2 s and one window", entry["id"]);
        assert_eq!(got.len(), expected.len());
        let settled = (body["expected"]["settle_s"].as_f64().expect("seconds") / 2.0) as usize;
        let bpm = entry["tolerance"]["bpm"].as_f64().expect("bpm") as f32;
        let rest = got[settled..].iter().zip(&expected[settled..]);
        let within = rest.clone().filter(|(g, e)| (*g - *e).abs() <= bpm).count();
        let share = within as f64 / rest.len() as f64;
        assert!(
            share >= entry["tolerance"]["fraction_within"].as_f64().expect("a share"),
            "{}: {share}: {got:?}",
            entry["id"]
        );
    }
}

/// Uniform in 0..1.
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// A pulse wave with breathing, noise and, in its second half, movement that the accelerometer sees; and the true rate at
/// the end of each 2 s.
fn pulse(
    rate: f64,
    seconds: f64,
    from: f64,
    to: f64,
    movement: Option<(f64, f64)>,
    seed: u64,
) -> (Vec<f32>, Vec<f64>) {
    use std::f64::consts::TAU;
    let n = (rate * seconds) as usize;
    let (mut random, mut phase, mut values, mut truth) = (seed, 0.0, Vec::new(), Vec::new());
    for i in 0..n {
        let t = i as f64 / rate;
        let bpm = from + (to - from) * i as f64 / (n - 1) as f64;
        phase += TAU * bpm / 60.0 / rate;
        let mut noise = || unit(&mut random) + unit(&mut random) + unit(&mut random) - 1.5;
        let mut ppg =
            2000.0 + 400.0 * phase.sin() + 100.0 * (2.0 * phase + 0.6).sin() + 40.0 * (3.0 * phase).sin();
        ppg += 150.0 * (TAU * 0.13 * t).sin() + 60.0 * noise();
        let mut acc = [0.04 * noise(), 0.04 * noise(), 9.81 + 0.04 * noise()];
        if let Some((hz, size)) = movement.filter(|_| i >= n / 2) {
            acc[0] += 3.0 * (TAU * hz * t).sin();
            ppg += size * (TAU * hz * t + 0.7).sin();
        }
        values.extend([ppg as f32, acc[0] as f32, acc[1] as f32, acc[2] as f32]);
        if (i + 1) % (2.0 * rate) as usize == 0 {
            truth.push(bpm);
        }
    }
    (values, truth)
}

/// Mean absolute error after 10 s, and the share of rates within 4 beats per minute.
fn score(got: &[f32], truth: &[f64]) -> (f64, f64) {
    let errors: Vec<f64> = got.iter().zip(truth).skip(5).map(|(g, t)| (f64::from(*g) - t).abs()).collect();
    let n = errors.len() as f64;
    (errors.iter().sum::<f64>() / n, errors.iter().filter(|e| **e <= 4.0).count() as f64 / n)
}

#[test]
fn rates_at_rest_in_change_and_in_movement_are_found() {
    let mut random = 7u64;
    for seed in 0..60 {
        let rate = [25.0, 50.0, 100.0][seed % 3];
        let base = 48.0 + 120.0 * unit(&mut random);
        let (to, movement) = match seed / 20 {
            0 => (base, None),
            1 => ((base + 60.0 * (2.0 * unit(&mut random) - 1.0)).clamp(48.0, 175.0), None),
            _ => (base.min(130.0), Some((1.0 + 2.0 * unit(&mut random), 100.0 + 250.0 * unit(&mut random)))),
        };
        let from = if movement.is_some() { to } else { base };
        let (values, truth) = pulse(rate, 60.0, from, to, movement, seed as u64);
        let (_, got) = run(&[], rate, 4, &values, 1);
        let (mean, share) = score(&got, &truth);
        let (most, least) = match (movement, from == to) {
            (Some(_), _) => (5.0, 0.75),
            (None, true) => (1.0, 0.95),
            // A rate that looks 6 s back is late.
            (None, false) => (3.0, 0.9),
        };
        assert!(
            mean <= most && share >= least,
            "{from:.0} to {to:.0} at {rate} Hz, {movement:?}: off by {mean:.1}, {share:.2} within 4; {got:?}"
        );
    }
}

#[test]
fn variability_of_a_signal_is_that_of_its_intervals() {
    // An ECG of narrow waves whose intervals swing by 40 ms at 0.1 Hz and 20 ms at 0.25 Hz.
    let rate = 250.0;
    let (mut beats, mut t, mut intervals) = (Vec::new(), 0.4f64, Vec::new());
    while t < 120.0 {
        beats.push(t);
        let swing = |hz: f64, ms: f64| ms * (std::f64::consts::TAU * hz * t).sin();
        intervals.push(850.0 + swing(0.1, 40.0) + swing(0.25, 20.0));
        t += intervals[intervals.len() - 1] / 1000.0;
    }
    let ecg: Vec<f32> = (0..(120.0 * rate) as usize)
        .map(|i| {
            let t = i as f64 / rate;
            let wave =
                |centre: f64, height: f64, width: f64| height * (-((t - centre) / width).powi(2)).exp();
            let near = beats.iter().filter(|b| (**b - t).abs() < 0.6);
            near.map(|b| wave(*b, 1.0, 0.015) - wave(b + 0.03, 0.25, 0.012) + wave(b + 0.28, 0.3, 0.05))
                .sum::<f64>() as f32
        })
        .collect();
    let text = |t: &str| Value::Text(t.into());
    let params = [
        ("ppg_ecg", text("ecg")),
        ("hrv_features", text("all")),
        ("hrv_update_interval_s", Value::Number(120.0)),
        ("hrv_win_size_s", Value::Number(110.0)),
        ("include_hr", Value::Bool(false)),
    ];
    let (names, got) = run(&params, rate, 1, &ecg, 1);
    assert_eq!(names.len(), 22);
    let value = |name: &str| got[names.iter().position(|n| n == &format!("{name} 120 s")).expect(name)];
    let nn: Vec<f32> = intervals.iter().map(|v| *v as f32).collect();
    let truth = time_domain(&nn[11..nn.len() - 1], &mut vec![0.0; nn.len()]);
    for (name, truth) in [("MeanNN", truth[0]), ("SDNN", truth[1]), ("RMSSD", truth[2]), ("SDSD", truth[3])] {
        let got = value(name);
        assert!((got - truth).abs() <= 0.05 * truth, "{name} is {got}, of the intervals {truth}");
    }
    assert!((value("LF/HF") - 4.0).abs() < 1.2, "LF/HF is {}", value("LF/HF"));
    assert!((value("LF Peak") - 0.1).abs() < 0.02 && (value("HF Peak") - 0.25).abs() < 0.02);
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
    let text = |t: &str| Value::Text(t.into());
    let n = Value::Number;
    let plan = |params: &[(&str, Value)], rate_hz: f64, axes: usize, seconds: f64| {
        let params: Params = params.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let window = WindowSpec { rate_hz, axes, frames: (rate_hz * seconds) as usize, image: None };
        plan("hr", 1, &params, &window).map(|p| p.output().len()).map_err(|e| e.kind)
    };
    assert_eq!(plan(&[], 50.0, 4, 10.0), Ok(5));
    assert_eq!(plan(&[], 50.0, 2, 10.0), Err("axes"));
    assert_eq!(plan(&[], 10.0, 1, 10.0), Err("rate"));
    assert_eq!(plan(&[], 50.0, 1, 1.9), Err("window_below_2_s"));
    assert_eq!(plan(&[("hrv_features", text("rmssd"))], 50.0, 1, 8.0), Err("hrv_update_above_window"));
    let short = [("hrv_features", text("all")), ("hrv_win_size_s", n(80.0))];
    assert_eq!(plan(&short, 50.0, 1, 20.0), Err("hrv_window_too_short"));
    assert_eq!(plan(&[("ppg_ecg", text("eeg"))], 50.0, 1, 10.0), Err("parameter_range"));
    let rmssd = [("hrv_features", text("rmssd")), ("hrv_update_interval_s", n(4.0))];
    assert_eq!(plan(&rmssd, 50.0, 1, 10.0), Ok(5 + 2));
}

#[test]
fn silence_and_full_scale_give_finite_rates() {
    for level in [0.0f32, 1e9, 3e38] {
        let values: Vec<f32> = (0..4000).map(|i| if i % 7 < 3 { level } else { -level }).collect();
        for ecg in ["ppg", "ecg"] {
            let (_, got) = run(&[("ppg_ecg", Value::Text(ecg.into()))], 50.0, 4, &values, 2);
            assert!(got.iter().all(|v| v.is_finite()), "{level} {ecg}: {got:?}");
        }
    }
}

/// Intervals of a heart whose rhythm a slow and a fast modulation in ms change, and when each ends, for some minutes.
fn modulated(mean: f64, slow: (f64, f64), fast: (f64, f64)) -> (Vec<f32>, Vec<f32>) {
    let (mut at, mut nn, mut t) = (Vec::new(), Vec::new(), 0.0f64);
    while t < 240.0 {
        let wave = |(hz, ms): (f64, f64)| ms * (std::f64::consts::TAU * hz * t).sin();
        let rr = mean + wave(slow) + wave(fast);
        t += rr / 1000.0;
        at.push(t);
        nn.push(rr as f32);
    }
    let first = at[0];
    (at.iter().map(|t| (t - first) as f32).collect(), nn)
}

#[test]
fn fast_breathing_of_a_slow_heart_is_not_taken_for_little() {
    let plan = FrequencyPlan::new(240.0, (0.04, 0.15), (0.15, 0.4)).expect("bands");
    let mut scratch = vec![f32::NAN; plan.scratch_len()];
    for (mean, hz) in
        [(600.0, 0.25), (800.0, 0.35), (1000.0, 0.25), (1000.0, 0.35), (1100.0, 0.30), (1200.0, 0.28)]
    {
        let (at, nn) = modulated(mean, (0.1, 30.0), (hz, 15.0));
        let [_, _, ratio, low, high] = plan.measure(&at, &nn, &mut scratch);
        // The fast one is a quarter of the power of the slow one, as well as so few beats of it tell.
        assert!((ratio / 4.0 - 1.0).abs() < 0.22, "{mean} ms, {hz} Hz: {ratio}");
        assert!((low - 0.1).abs() < 0.01 && (f64::from(high) - hz).abs() < 0.01, "{low} {high}");
    }
    // More intervals than the grid has places are no reason to stop.
    let (at, nn): (Vec<f32>, Vec<f32>) = (0..6000).map(|k| (k as f32 * 0.2, 200.0 + (k % 7) as f32)).unzip();
    assert!(plan.measure(&at, &nn, &mut scratch).iter().all(|v| v.is_finite()));
}
