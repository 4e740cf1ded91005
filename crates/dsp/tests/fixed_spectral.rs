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

/// Holds the features of an axis to the bounds. `most`: its largest magnitude.
fn check(seen: &mut Seen, got: &[f32], e: &Exact, p: &SpectralPlan, bins: &Bins, most: f64, what: &str) {
    let Analysis::Spectrum(s) = &p.analysis else { panic!("another analysis") };
    let (_, m2, skewness, kurtosis) = moments(&e.x);
    let got: Vec<f64> = got.iter().map(|v| f64::from(*v)).collect();
    near(&mut seen.rms, got[0], m2.sqrt(), 1e-4 * m2.sqrt() + 3e-7 * most + 1e-30, &format!("{what}, RMS"));
    if m2.sqrt() > 1e-3 * most {
        near(
            &mut seen.skewness,
            got[1],
            skewness,
            2e-3 * (1.0 + skewness.abs()),
            &format!("{what}, skewness"),
        );
        near(&mut seen.kurtosis, got[2], kurtosis, 2e-3 * (4.0 + kurtosis), &format!("{what}, kurtosis"));
    }
    let mut at = 3;
    if s.moments {
        let (mean, m2, skewness, kurtosis) = moments(&e.power);
        if m2.sqrt() > 0.1 * mean && e.power.iter().sum::<f64>().sqrt() > 1e-3 * most {
            let what = format!("{what}, spectral moments");
            near(&mut seen.spectral, got[3], skewness, 2e-3 * (1.0 + skewness.abs()), &what);
            near(&mut seen.spectral, got[4], kurtosis, 2e-3 * (4.0 + kurtosis), &what);
        }
        at = 5;
    }
    let all = e.power.iter().sum::<f64>().sqrt();
    for (k, (got, exact)) in got[at..].iter().zip(&e.power[bins.first..]).enumerate() {
        let exact = exact.sqrt();
        // A bin of nothing is shown as 1e-10, or 0.
        let got = if s.log { 10f64.powf(got / 2.0) } else { got.sqrt() };
        let bound = 1e-4 * exact + 2e-5 * all + 3e-7 * most * (s.fft.n as f64).sqrt() + 1.1e-5;
        near(&mut seen.bins, got, exact, bound, &format!("{what}, bin {}", bins.first + k));
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
    let mut seen = Seen::default();
    let (mut done, mut refused) = (0, 0);
    while done < 500 {
        let (frames, axes) = (20 + (r.unit() * 400.0) as usize, r.of(&[1, 2, 3]));
        let rate_hz = r.of(&[25.0, 62.5, 1000.0]);
        let version = r.of(&[2, 3, 4, 4]);
        let ratio = if version == 4 { r.of(&["1", "1", "1", "3", "10"]) } else { "1" };
        let rate = rate_hz / ratio.parse::<f64>().expect("a number");
        let list = [
            ("scale_axes", Value::Number(r.of(&[1.0, 1.0, -3.7, 0.1]))),
            ("input_decimation_ratio", text(ratio)),
            ("filter_type", text(r.of(&["none", "low", "high"]))),
            ("filter_cutoff", Value::Number(rate * r.of(&[0.001, 0.01, 0.1, 0.2, 0.3, 0.4]))),
            ("filter_order", Value::Number(r.of(&[0.0, 2.0, 4.0, 6.0, 8.0]))),
            ("fft_length", Value::Number(r.of(&[4.0, 16.0, 32.0, 64.0, 128.0]))),
            ("do_log", Value::Bool(r.unit() < 0.5)),
            ("do_fft_overlap", Value::Bool(r.unit() < 0.5)),
            ("extra_low_freq", Value::Bool(version == 4 && r.unit() < 0.5)),
        ];
        let list = &list.map(|(k, v)| (k, v))[..];
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
        let mut got = vec![0.0; fixed.output().len()];
        fixed.extract(&window, &mut vec![0.0; fixed.scratch_len()], &mut got).expect("features");
        for axis in 0..axes {
            let what = format!("case {done}, axis {axis}, {frames} frames at {rate_hz}, {list:?}");
            let (main, low) = exact(p, &window, axis);
            let magnitude = |v: &f32| f64::from(v.abs()) * f64::from(p.scale.abs());
            let most = window.iter().skip(axis).step_by(axes).map(magnitude).fold(0.0, f64::max);
            check(&mut seen, &got[axis * s.per_axis()..][..s.per_axis()], &main, p, &s.bins, most, &what);
            if let (Some(low), Some((_, bins))) = (low, &s.low) {
                let got = &got[axes * s.per_axis() + axis * s.low_per_axis()..][..s.low_per_axis()];
                check(&mut seen, got, &low, p, bins, most, &format!("{what}, low"));
            }
        }
    }
    eprintln!("largest shares of the bounds: {seen:?}; {refused} refused");
    assert!(refused < 2000, "{refused}");
}
