//! Spectral analysis in integers against its formulas in double precision and against the float block: the bounds that
//! the module `fixed/spectral` states.

use edgewright_dsp::{Analysis, Bins, Params, Plan, SpectralPlan, Value, WindowSpec, plan};

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.unit() * choices.len() as f64) as usize]
    }
}

fn params(list: &[(&str, Value)], fixed: bool) -> Params {
    let arith = Value::Text(if fixed { "fixed" } else { "float" }.into());
    let all = list.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
    all.chain([("arith".into(), arith)]).collect()
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

/// One axis of the formulas.
struct Exact {
    /// Before the analysis, without its mean.
    x: Vec<f64>,
    /// Largest power of each bin.
    power: Vec<f64>,
}

/// Mean square and the moments of some values.
fn moments(x: &[f64]) -> (f64, f64, f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let m = |p: i32| x.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
    let m2 = m(2);
    if m2 == 0.0 { (mean, m2, 0.0, -3.0) } else { (mean, m2, m(3) / m2.powf(1.5), m(4) / m2 / m2 - 3.0) }
}

fn centred(x: &mut [f64]) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter_mut().for_each(|v| *v -= mean);
}

fn decimated(d: &edgewright_dsp::Decimator, x: &[f64]) -> Vec<f64> {
    let first = x[0];
    let mut v: Vec<f64> = x.iter().map(|v| v - first).collect();
    for section in &d.sections {
        let [keep, cross, feed, through] = section.map(f64::from);
        let (mut s, mut t) = (0.0, 0.0);
        for v in &mut v {
            let d = *v - t;
            let step = cross * s + through * d;
            s += feed * d - keep * s;
            *v = t + step;
            t = *v + step;
        }
    }
    v.iter().step_by(d.ratio).map(|v| f64::from(d.gain) * (v + first)).collect()
}

fn spectrum(n: usize, hop: usize, mut x: Vec<f64>) -> Exact {
    centred(&mut x);
    let mut power = vec![0.0f64; n / 2 + 1];
    let turn: Vec<(f64, f64)> =
        (0..n).map(|i| (std::f64::consts::TAU * i as f64 / n as f64).sin_cos()).collect();
    for start in (0..x.len()).step_by(hop) {
        let frame = &x[start..x.len().min(start + n)];
        for (k, most) in power.iter_mut().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, v) in frame.iter().enumerate() {
                let (sin, cos) = turn[(k * i) % n];
                re += v * cos;
                im -= v * sin;
            }
            *most = most.max((re * re + im * im) / n as f64);
        }
    }
    Exact { x, power }
}

/// An axis by the formulas, with the tables of the float block; and the same at a tenth of the rate.
fn exact(p: &SpectralPlan, window: &[f32], axis: usize) -> (Exact, Option<Exact>) {
    let Analysis::Spectrum(s) = &p.analysis else { panic!("another analysis") };
    let mut x: Vec<f64> =
        window.iter().skip(axis).step_by(p.axes).map(|v| f64::from(*v) * f64::from(p.scale)).collect();
    for d in &p.decimation {
        x = decimated(d, &x);
    }
    for section in &p.sections {
        let [b0, b1, b2, a1, a2] = section.map(f64::from);
        let (mut z1, mut z2) = (0.0, 0.0);
        for v in &mut x {
            let y = b0 * *v + z1;
            z1 = b1 * *v - a1 * y + z2;
            z2 = b2 * *v - a2 * y;
            *v = y;
        }
    }
    let main = spectrum(s.fft.n, s.hop, x);
    let low = s.low.as_ref().map(|(d, _)| spectrum(s.fft.n, s.hop, decimated(d, &main.x)));
    (main, low)
}

/// Largest errors seen, as shares of the bounds.
#[derive(Debug, Default)]
struct Seen {
    rms: f64,
    skewness: f64,
    kurtosis: f64,
    spectral: f64,
    bins: f64,
}

fn near(seen: &mut f64, got: f64, exact: f64, bound: f64, what: &str) {
    let share = (got - exact).abs() / bound;
    *seen = seen.max(share);
    assert!(share <= 1.0, "{what}: {got:e} for {exact:e}, {share} of the bound");
}

/// Features of an axis with the roots of its bins.
struct Features {
    rms: f64,
    shape: [f64; 2],
    spectral: Option<[f64; 2]>,
    bins: Vec<f64>,
}

impl Features {
    fn read(values: &[f32], p: &SpectralPlan) -> Self {
        let Analysis::Spectrum(s) = &p.analysis else { panic!("another analysis") };
        let v: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        let at = if s.moments { 5 } else { 3 };
        // A bin of exactly nothing is shown as 1e-10.
        let nothing = |v: f64| (v + 10.0).abs() < 2e-6;
        let root = |v: &f64| match s.log {
            true if nothing(*v) => 0.0,
            true => 10f64.powf(v / 2.0),
            false => v.sqrt(),
        };
        Self {
            rms: v[0],
            shape: [v[1], v[2]],
            spectral: s.moments.then(|| [v[3], v[4]]),
            bins: v[at..].iter().map(root).collect(),
        }
    }

    fn of(e: &Exact, p: &SpectralPlan, bins: &Bins) -> Self {
        let Analysis::Spectrum(s) = &p.analysis else { panic!("another analysis") };
        let (_, m2, skewness, kurtosis) = moments(&e.x);
        let (_, _, spectral_skewness, spectral_kurtosis) = moments(&e.power);
        Self {
            rms: m2.sqrt(),
            shape: [skewness, kurtosis],
            spectral: s.moments.then_some([spectral_skewness, spectral_kurtosis]),
            bins: e.power[bins.first..][..bins.count].iter().map(|p| p.sqrt()).collect(),
        }
    }
}

/// Holds features to `times` the bounds about others. `e`: what is exact, `most`: the largest magnitude of the axis.
fn check(seen: &mut Seen, times: f64, got: &Features, want: &Features, e: &Exact, most: f64, what: &str) {
    let of_most = 1e-6 * most;
    let (_, m2, ..) = moments(&e.x);
    near(
        &mut seen.rms,
        got.rms,
        want.rms,
        times * (5e-5 * m2.sqrt() + of_most + 1e-30),
        &format!("{what}, RMS"),
    );
    let moments_near = |got: [f64; 2], want: [f64; 2], off: f64, what: &str, seen: [&mut f64; 2]| {
        let [skewness, kurtosis] = seen;
        let off = times * off;
        near(skewness, got[0], want[0], off * (1.0 + want[0].abs()), &format!("{what} skewness"));
        near(kurtosis, got[1], want[1], off * (4.0 + want[1]), &format!("{what} kurtosis"));
    };
    if m2.sqrt() > 1e-3 * most {
        moments_near(got.shape, want.shape, 1e-3, what, [&mut seen.skewness, &mut seen.kurtosis]);
    }
    let all = e.power.iter().sum::<f64>().sqrt();
    if let (Some(got), Some(want)) = (got.spectral, want.spectral) {
        let (mean, m2, ..) = moments(&e.power);
        if m2.sqrt() > 0.1 * mean && all > 1e-3 * most {
            let mut other = 0.0;
            moments_near(got, want, 5e-3, &format!("{what}, spectral"), [&mut seen.spectral, &mut other]);
            seen.spectral = seen.spectral.max(other);
        }
    }
    let n = 2.0 * (e.power.len() - 1) as f64;
    assert_eq!(got.bins.len(), want.bins.len(), "{what}");
    for (k, (got, want)) in got.bins.iter().zip(&want.bins).enumerate() {
        let bound = 1e-4 * want + 2e-5 * all + of_most * n.sqrt() + 1e-30;
        near(&mut seen.bins, *got, *want, times * bound, &format!("{what}, bin {k}"));
    }
}

/// A window: noise, a slow movement beside a constant, steps, full scale, tones, one value alone, something of each axis.
fn window(r: &mut Random, frames: usize, axes: usize) -> Vec<f32> {
    let kinds: Vec<u32> = (0..axes).map(|_| r.of(&[0, 1, 2, 3, 4, 5, 6, 7])).collect();
    // m/s2, g, raw counts, volts; huge and tiny.
    let unit = r.of(&[9.81, 1.0, 16384.0, 1e-3, 1e8, 1e12]);
    let (mut at, hz, spike) = (0.0, 0.4 * r.unit(), (r.unit() * frames as f64) as usize);
    (0..frames * axes)
        .map(|i| {
            let (frame, n) = (i / axes, 2.0 * r.unit() - 1.0);
            let turn = std::f64::consts::TAU * frame as f64;
            at += 0.02 * n;
            (unit
                * match kinds[i % axes] {
                    0 => n,
                    1 => 1.0 + 0.05 * at,
                    2 => f64::from(u8::from((frame / 7) % 2 == 0)),
                    3 => n.signum() * 3.9,
                    4 => (turn * hz).sin() + 0.02 * n,
                    5 => f64::from(u8::from(frame == spike)) + 1e-3 * n,
                    6 => -1.0 + (n * 4.0).round() / 64.0,
                    _ => 1.0 + 0.1 * (turn * hz).cos() + 0.05 * n * n * n,
                }) as f32
        })
        .collect()
}

#[test]
fn random_parameters_and_inputs_are_within_the_bounds() {
    let mut r = Random(1);
    let (mut seen, mut beside) = (Seen::default(), Seen::default());
    let (mut done, mut refused) = (0, 0);
    let cases = std::env::var("CASES").map_or(500, |n| n.parse().expect("CASES is a number"));
    while done < cases {
        let (frames, axes) = (20 + (r.unit() * 400.0) as usize, r.of(&[1, 2, 3]));
        let rate_hz = r.of(&[25.0, 62.5, 1000.0]);
        let version = r.of(&[2, 3, 4, 4]);
        let ratio = if version == 4 { r.of(&["1", "1", "1", "3", "10"]) } else { "1" };
        let rate = rate_hz / ratio.parse::<f64>().expect("a number");
        let share = r.of(&[0.001, 0.01, 0.1, 0.2, 0.3, 0.4]);
        let list = [
            ("scale_axes", Value::Number(r.of(&[1.0, 1.0, -3.7, 0.1]))),
            ("input_decimation_ratio", text(ratio)),
            ("filter_type", text(r.of(&["none", "low", "high"]))),
            ("filter_cutoff", Value::Number(rate * share)),
            ("filter_order", Value::Number(r.of(&[0.0, 2.0, 4.0, 6.0, 8.0]))),
            ("fft_length", Value::Number(r.of(&[4.0, 16.0, 32.0, 64.0, 128.0]))),
            ("do_log", Value::Bool(r.unit() < 0.5)),
            ("do_fft_overlap", Value::Bool(r.unit() < 0.5)),
            ("extra_low_freq", Value::Bool(version == 4 && r.unit() < 0.5)),
        ];
        let list: Vec<(&str, Value)> = list
            .iter()
            .filter(|(k, _)| version == 4 || !["input_decimation_ratio", "extra_low_freq"].contains(k))
            .cloned()
            .collect();
        let spec = WindowSpec { rate_hz, axes, frames, image: None };
        let Ok(float) = plan("spectral_analysis", version, &params(&list, false), &spec) else {
            refused += 1;
            continue;
        };
        done += 1;
        let fixed = plan("spectral_analysis", version, &params(&list, true), &spec).expect("a plan");
        let Plan::Spectral(p) = &float else { panic!("another plan") };
        let Analysis::Spectrum(s) = &p.analysis else { panic!("another analysis") };
        assert_eq!(float.names(&["x", "y", "z"][..axes]), fixed.names(&["x", "y", "z"][..axes]));
        let window = window(&mut r, frames, axes);
        let run = |plan: &Plan| {
            let mut got = vec![0.0; plan.output().len()];
            plan.extract(&window, &mut vec![0.0; plan.scratch_len()], &mut got).expect("features");
            got
        };
        let (in_floats, got) = (run(&float), run(&fixed));
        for axis in 0..axes {
            let what = format!("case {done}, axis {axis}, {frames} frames at {rate_hz}, {list:?}");
            let (main, low) = exact(p, &window, axis);
            let magnitude = |v: &f32| f64::from(v.abs()) * f64::from(p.scale.abs());
            let most = window.iter().skip(axis).step_by(axes).map(magnitude).fold(0.0, f64::max);
            let mut hold = |e: &Exact, bins: &Bins, at: usize, per: usize, what: &str| {
                let here = Features::read(&got[at..][..per], p);
                check(&mut seen, 1.0, &here, &Features::of(e, p, bins), e, most, what);
                // Below, rounding in the float block is what differs.
                if (p.sections.is_empty() || share >= 0.01) && (1e-9..1e9).contains(&most) {
                    let mut float = Features::read(&in_floats[at..][..per], p);
                    // The fourth power of a power leaves the range of floats.
                    if !(1e-2..3e3).contains(&most) {
                        float.spectral = None;
                    }
                    check(&mut beside, 2.0, &here, &float, e, most, &format!("{what}, floats"));
                }
            };
            let (per, per_low) = (s.per_axis(), s.low_per_axis());
            hold(&main, &s.bins, axis * per, per, &what);
            if let (Some(low), Some((_, bins))) = (low, &s.low) {
                hold(&low, bins, axes * per + axis * per_low, per_low, &format!("{what}, low"));
            }
        }
    }
    eprintln!("largest shares of the bounds: {seen:?}; of twice those, beside floats: {beside:?}");
    assert!(refused < cases, "{refused}");
}

fn run(list: &[(&str, Value)], frames: usize, window: &[f32]) -> Vec<f32> {
    let spec = WindowSpec { rate_hz: 62.5, axes: window.len() / frames, frames, image: None };
    let plan = plan("spectral_analysis", 4, &params(list, true), &spec).expect("a plan");
    let mut out = vec![f32::NAN; plan.output().len()];
    plan.extract(window, &mut vec![0.0; plan.scratch_len()], &mut out).expect("features");
    out
}

fn high_pass() -> Vec<(&'static str, Value)> {
    vec![
        ("filter_type", text("high")),
        ("filter_cutoff", Value::Number(2.0)),
        ("filter_order", Value::Number(4.0)),
    ]
}

#[test]
fn silence_and_constants_have_the_features_of_nothing() {
    let decimated =
        vec![("input_decimation_ratio", Value::Number(3.0)), ("extra_low_freq", Value::Bool(true))];
    for list in [vec![], decimated] {
        for value in [0.0, 9.81, -32768.0, 1e-30, 1e-40, 3.0e38, 0.1] {
            for (k, v) in run(&list, 500, &[value; 500]).into_iter().enumerate() {
                let expected = [0.0, 0.0, -3.0, 0.0, -3.0, -10.0][(k % 13).min(5)];
                assert_eq!(v, expected, "{value:e} with {list:?}, feature {k}");
            }
        }
    }
    // Silence stays silence behind a filter; a scale of 0 makes it.
    assert!(run(&high_pass(), 125, &[0.0; 125])[5..].iter().all(|v| *v == -10.0));
    let wave: Vec<f32> = (0..125).map(|i| (i % 9) as f32).collect();
    let features = run(&[("scale_axes", Value::Number(0.0)), ("do_log", Value::Bool(false))], 125, &wave);
    assert_eq!(features[..5], [0.0, 0.0, -3.0, 0.0, -3.0]);
    assert!(features[5..].iter().all(|v| *v == 0.0));
}

#[test]
fn a_power_of_two_changes_levels_alone() {
    let wave: Vec<f32> = (0..250).map(|i| ((i * i) % 17) as f32 - 6.0 + (i % 2) as f32).collect();
    for mut list in [vec![], high_pass()] {
        let base = run(&list, 125, &wave);
        for e in [-100, -30, -1, 7, 90] {
            let power = 2f32.powi(e);
            let scaled: Vec<f32> = wave.iter().map(|v| v * power).collect();
            let got = run(&list, 125, &scaled);
            // So far the block's own scale goes.
            if e < 29 {
                list.push(("scale_axes", Value::Number(f64::from(power))));
                assert_eq!(
                    got,
                    run(&list, 125, &wave),
                    "{e}: the block's scale does not do what the values' does"
                );
                list.pop();
            }
            for (k, (a, b)) in base.iter().zip(&got).enumerate() {
                let at = k % (base.len() / 2);
                let octaves = f64::from(e) * 2.0 * 2f64.log10();
                match at {
                    0 => assert_eq!(a * power, *b, "{e}"),
                    1..5 => assert_eq!(a, b, "{e}, feature {k}"),
                    _ => assert!((f64::from(b - a) - octaves).abs() < 1e-4, "{e}, feature {k}: {a} {b}"),
                }
            }
        }
    }
}

#[test]
fn windows_at_the_ends_of_the_range_stay_finite() {
    let ends = [f32::MAX, -f32::MAX, 1e-38, 0.0, f32::MIN_POSITIVE];
    for log in [true, false] {
        for filter in [vec![], high_pass()] {
            let mut list = filter;
            list.push(("do_log", Value::Bool(log)));
            for kind in 0..4usize {
                let of = |i: usize| match kind {
                    0 => ends[i % 2],
                    1 => ends[i % 5],
                    2 => ends[2 + i % 3],
                    _ => [32767.0, -32768.0][i % 3 / 2],
                };
                let window: Vec<f32> = (0..125).map(of).collect();
                let features = run(&list, 125, &window);
                // The power of what is beyond the root of the largest float is none.
                let beyond = !log && kind < 2;
                let finite = if beyond { &features[..5] } else { &features[..] };
                assert!(finite.iter().all(|v| v.is_finite()), "{kind}, {list:?}: {features:?}");
                assert!(features.iter().all(|v| !v.is_nan()), "{kind}, {list:?}: {features:?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_computed_is_refused_in_words() {
    let spec = WindowSpec { rate_hz: 62.5, axes: 3, frames: 125, image: None };
    let plan_of =
        |version, list: &[(&str, Value)]| plan("spectral_analysis", version, &params(list, true), &spec);
    let block = plan_of(4, &[]).expect("a plan");
    let mut features = vec![0.0; block.output().len()];
    let mut scratch = vec![0.0; block.scratch_len()];
    for (value, frames, kind) in
        [(f32::NAN, 125, "not_finite"), (f32::INFINITY, 125, "not_finite"), (1.0, 124, "length")]
    {
        let mut window = vec![1.0; 3 * frames];
        window[77] = value;
        let error = block.extract(&window, &mut scratch, &mut features).expect_err("refused");
        assert_eq!(error.kind, kind, "{}", error.message);
    }
    let error = block.extract(&[0.0; 374], &mut scratch, &mut features).expect_err("one value too few");
    assert_eq!(error.kind, "length");
    for version in [3, 4] {
        let wavelet = plan_of(version, &[("analysis_type", text("Wavelet"))]).expect_err("refused");
        assert_eq!(wavelet.kind, "fixed_point_unavailable");
        assert!(wavelet.message.contains("`analysis_type` to FFT"), "{}", wavelet.message);
    }
    let one = plan_of(1, &[]).expect_err("refused");
    assert_eq!(one.kind, "fixed_point_unavailable");
    assert!(one.message.contains("version 2 or newer"), "{}", one.message);
    // Near half the rate a filter's values grow out of 32 bits; what the message says works.
    let filter = |cutoff: f64| {
        [
            ("filter_type", text("high")),
            ("filter_cutoff", Value::Number(cutoff)),
            ("filter_order", Value::Number(8.0)),
            ("fft_length", Value::Number(4096.0)),
        ]
    };
    let long = WindowSpec { frames: 2000, ..spec };
    let plan_of = |list: &[(&str, Value)]| plan("spectral_analysis", 4, &params(list, true), &long);
    let edge = plan_of(&filter(31.22)).expect_err("refused");
    assert_eq!(edge.kind, "filter_needs_floats");
    let said = edge.message.split("to ").nth(1).and_then(|t| t.split(' ').next()).expect("a frequency");
    plan_of(&filter(said.parse().expect("a number"))).expect("the nearest that works");
}
