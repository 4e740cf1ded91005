//! Custom blocks: what programs compute against plain formulas, and what is refused with which words.

use edgewright_dsp::{
    EXAMPLE, FUNCTIONS, Op, Parameter, Params, Plan, Value, WindowSpec, plan, program_parameters,
};

const WINDOW: WindowSpec = WindowSpec { rate_hz: 100.0, axes: 3, frames: 128, image: None };

fn with(program: &str, more: &[(&str, &str)]) -> Result<Plan, String> {
    let mut params = Params::from([("program".into(), Value::Text(program.into()))]);
    params.extend(more.iter().map(|(k, v)| ((*k).into(), Value::Text((*v).into()))));
    plan("custom", 1, &params, &WINDOW).map_err(|e| e.message)
}

fn window() -> Vec<f32> {
    (0..128)
        .flat_map(|i| {
            let t = f64::from(i) / 100.0;
            let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
            [2.0 * tone(12.5) + 0.5, tone(3.0) - 1.0, -4.0 * tone(12.5) + 0.1 * tone(31.0)].map(|v| v as f32)
        })
        .collect()
}

fn features(plan: &Plan) -> Vec<f64> {
    // What lay in the memory before is of no importance.
    let mut scratch = vec![f32::NAN; plan.scratch_len()];
    let mut out = vec![0.0; plan.output().len()];
    plan.extract(&window(), &mut scratch, &mut out).expect("extracts");
    out.into_iter().map(f64::from).collect()
}

fn one(expression: &str) -> f64 {
    let plan = with(&format!("axes x, y, z\nfeature f = {expression}"), &[]);
    features(&plan.unwrap_or_else(|e| panic!("{expression}: {e}")))[0]
}

fn axis(a: usize) -> Vec<f64> {
    window().iter().skip(a).step_by(3).map(|v| f64::from(*v)).collect()
}

#[test]
fn values_are_those_of_plain_formulas() {
    let (x, y) = (axis(0), axis(1));
    let n = x.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let moment = |v: &[f64], k: i32| v.iter().map(|a| (a - mean(v)).powi(k)).sum::<f64>() / v.len() as f64;
    let rms = (x.iter().map(|v| v * v).sum::<f64>() / n).sqrt();
    let most = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut sorted = y.clone();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| {
        let place = q * (n - 1.0);
        let low = place.floor() as usize;
        sorted[low] + (place - place.floor()) * (sorted[(low + 1).min(127)] - sorted[low])
    };
    let covariance = x.iter().zip(&y).map(|(a, b)| (a - mean(&x)) * (b - mean(&y))).sum::<f64>() / n;
    let diff: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let smooth: Vec<f64> = y.windows(4).map(mean).collect();
    for (expression, expected) in [
        ("mean(x)", mean(&x)),
        ("max(abs(x)) / rms(x)", most / rms),
        ("stdev(y)", moment(&y, 2).sqrt()),
        ("variance(y) * 2 - 1", moment(&y, 2) * 2.0 - 1.0),
        ("skewness(x + y)", {
            let s: Vec<f64> = x.iter().zip(&y).map(|(a, b)| a + b).collect();
            moment(&s, 3) / moment(&s, 2).powf(1.5)
        }),
        ("kurtosis(y)", moment(&y, 4) / moment(&y, 2).powi(2) - 3.0),
        ("median(y)", quantile(0.5)),
        ("quantile(y, 0.13)", quantile(0.13)),
        ("iqr(y)", quantile(0.75) - quantile(0.25)),
        ("range(y)", sorted[127] - sorted[0]),
        ("correlation(x, y)", covariance / (moment(&x, 2) * moment(&y, 2)).sqrt()),
        ("dot(x, y)", x.iter().zip(&y).map(|(a, b)| a * b).sum()),
        ("energy(diff(x))", diff.iter().map(|v| v * v).sum()),
        ("max(smooth(y, 4))", smooth.iter().copied().fold(f64::MIN, f64::max)),
        ("at(running_sum(x), 9)", x[..10].iter().sum()),
        ("sum(slice(x, 5, 7))", x[5..12].iter().sum()),
        ("mean(x > 0.5)", x.iter().filter(|v| **v > 0.5).count() as f64 / n),
        ("mean(0.5 >= x)", x.iter().filter(|v| **v <= 0.5).count() as f64 / n),
        ("max(time)", 1.27),
        ("mean(min(x, y))", x.iter().zip(&y).map(|(a, b)| a.min(*b)).sum::<f64>() / n),
        ("sum(x) / (sum(x) - sum(x))", 0.0),
        ("mean(sqrt(-abs(x)))", 0.0),
        ("mean(log(x - x))", (1e-10f64).ln()),
        ("rms(x * 0 + 3 * (2 - 4) / frames)", 6.0 / 128.0),
        (
            "crossings(x - 0.5)",
            f64::from(x.windows(2).filter(|w| (w[0] < 0.5) != (w[1] < 0.5)).count() as u32),
        ),
        ("rms(centre(x))", moment(&x, 2).sqrt()),
    ] {
        let got = one(expression);
        assert!(
            (got - expected).abs() <= 2e-5 * expected.abs().max(1.0),
            "{expression}: {got} and {expected}"
        );
    }
    // The tones: 12.5 Hz lies on a bin of 64 values at 100 Hz.
    assert!((one("peak(power(x, 64))") - 12.5).abs() < 1e-6);
    assert!(one("band(power(x, 64), 10, 15) / total(power(x, 64))") > 0.95);
    assert!((one("centroid(power(x, 64))") - 12.5).abs() < 0.5);
    assert!((one("total(power(centre(x), 64))") - moment(&x, 2)).abs() < 0.1);
    assert!(one("rms(lowpass(z, 5, 8))") < 0.2 * one("rms(z)"));
    assert!(one("rms(highpass(x, 5, 8))") > 0.8 * one("rms(centre(x))"));
    assert!(one("rms(bandpass(y, 9, 20))") < 0.3);
    assert!((one("max(decimate(y, 3))") - 0.0).abs() < 0.1);
    assert!(one("spectral_entropy(power(x, 64))") < 0.4 && one("entropy(x, 9)") > 1.0);
}

#[test]
fn series_and_spectra_are_as_many_features() {
    let plan =
        with("let s = power(axis0, 8); feature s = s; feature \"first of y\" = slice(axis1, 0, 2)", &[]);
    let plan = plan.expect("plans");
    let names = plan.names(&["a", "b", "c"]);
    assert_eq!(
        names,
        ["s 0 Hz", "s 12.5 Hz", "s 25 Hz", "s 37.5 Hz", "s 50 Hz", "first of y 1", "first of y 2"]
    );
    assert_eq!(features(&plan)[5..], axis(1)[..2]);
}

#[test]
fn what_no_feature_needs_is_not_computed_and_memory_is_shared() {
    let all = with(EXAMPLE, &[]).expect("the example");
    let some = with(EXAMPLE, &[("features", "x with y, jerk")]).expect("some of it");
    let (Plan::Custom(all), Plan::Custom(some)) = (&all, &some) else { panic!("another block") };
    assert_eq!(some.names, ["x with y", "jerk"]);
    assert!(
        some.steps.len() < all.steps.len()
            && !some.steps.iter().any(|s| matches!(s.op, Op::Power(_) | Op::Filter(_)))
    );
    // The three axes are read once each, although two features name them.
    assert_eq!(all.steps.iter().filter(|s| matches!(s.op, Op::Axis(_))).count(), 3);
    // Never all of the values at once.
    assert!(all.scratch < 7 * 128, "{}", all.scratch);
    let kept = features(&with(EXAMPLE, &[]).expect("the example"));
    let few = features(&with(EXAMPLE, &[("features", "x with y, jerk")]).expect("some"));
    assert_eq!(few, [kept[4], kept[7]]);
    // The same expression written twice is one step.
    let twice = with("feature a = rms(diff(axis0)); feature b = rms(diff(axis0)) + 1", &[]).expect("plans");
    let Plan::Custom(twice) = twice else { panic!("another block") };
    assert_eq!(twice.steps.len(), 6, "{:?}", twice.steps);
}

#[test]
fn values_set_params() {
    let program = "param n = 4 from 2 to 9; param gain = 2; feature f = gain * max(smooth(axis0, n))";
    let text = |values: &str| with(program, &[("values", values)]).map(|p| features(&p)[0]);
    let plain = text("").expect("plans");
    assert!((text("gain = 6").expect("plans") - 3.0 * plain).abs() < 1e-5);
    assert!(text("n=9, gain=2").expect("plans") < plain);
    for (values, expected) in [
        ("n = 10", "`n` is 10; it must be from 2 to 9"),
        ("gian = 3", "did you mean `gain`?"),
        ("n", "it must be names with numbers"),
        ("n = 3, n = 4", "twice"),
        ("n = nan", "it must be names with numbers"),
        ("n = 2.5", "a whole number from 1 to 128, the nearest is 3"),
    ] {
        let error = text(values).expect_err(values);
        assert!(error.contains(expected), "{values}: {error}");
    }
    let told = program_parameters(program, &WINDOW).expect("told");
    let expected = [("n", 4.0, Some([2.0, 9.0])), ("gain", 2.0, None)];
    assert_eq!(told, expected.map(|(name, value, range)| Parameter { name: name.into(), value, range }));
}

#[test]
fn refusals_name_line_column_and_what_would_do() {
    for (program, expected) in [
        ("", "the program gives no feature"),
        (
            "featur a = 1",
            "line 1, column 1: a line begins with `axes`, `param`, `let` or `feature`, not with `featur`; did you mean `feature`?",
        ),
        (
            "let a = 1\n  feature b = rms(axi0)",
            "line 2, column 19: there is no `axi0`; did you mean `axis0`?",
        ),
        ("feature b = rsm(axis0)", "column 13: there is no function `rsm`; did you mean `rms`?"),
        ("feature b = axis3", "there is no `axis3`; the block has 3 axes, the last is `axis2`"),
        ("axes x, y\nfeature b = rms(x)", "line 1, column 1: `axes` names 2; the block has 3 axes"),
        (
            "feature b = rms(axis0 + diff(axis0))",
            "column 17: `+` joins a series of 128 at 100 Hz with a series of 127 at 100 Hz, which do not fit; cut the longer one with `slice(..., 0, 127)`",
        ),
        (
            "feature b = correlation(axis0, power(axis0, 8))",
            "these are a series of 128 at 100 Hz and a spectrum of 5 bins of 12.5 Hz",
        ),
        (
            "feature b = total(axis0)",
            "`total` takes a spectrum, such as `power(x, 64)`; this is a series of 128 at 100 Hz; did you mean `sum`?",
        ),
        ("feature b = diff(power(axis0, 8))", "`bins(...)` makes a series of it"),
        (
            "feature b = total(power(axis0, 100))",
            "the transform has 100 values; it must be a power of two from 4 to 32768 and fit a series of 128 at 100 Hz; the nearest is 128",
        ),
        (
            "feature b = rms(lowpass(axis0, 50))",
            "column 32: the edge of the filter is 50 Hz; it must lie above 0 and below 50 Hz",
        ),
        (
            "feature b = rms(lowpass(axis0, 5, 5))",
            "the order is 5; it must be 2, 4, 6 or 8, the nearest is 6",
        ),
        (
            "feature b = rms(lowpass(axis0, mean(axis1)))",
            "must be a number known before the run; this is a scalar of the window",
        ),
        ("feature b = rms(decimate(axis0, 4))", "the nearest is 3"),
        ("feature b = band(power(axis0, 8), 1, 2)", "bins lie 12.5 Hz apart up to 50 Hz"),
        ("feature b = 3", "column 13: feature `b` is 3 for every window"),
        ("feature b = rms(3)", "`rms` takes what depends on the window"),
        ("feature b = rms(mean(axis0))", "takes values in a row; this is a scalar"),
        ("feature b = rms(axis0, 2)", "`rms` is written rms(v); here it has 2 arguments"),
        ("feature b = rms", "`rms` is a function; write `rms(...)`"),
        ("let a = axis0\nlet a = axis1", "line 2, column 5: `a` is there already, from line 1"),
        ("let rate = 3", "`rate` has a meaning of its own"),
        ("feature b = mean(axis0); feature b = rms(axis0)", "there is a feature `b` already"),
        ("feature \"a, b\" = mean(axis0)", "without commas"),
        (
            "feature b = mean(axis0",
            "column 23: `,` is expected after an argument of `mean`, not the end of the program",
        ),
        ("feature b = mean(axis0) rms", "the line goes on with `rms`"),
        ("feature b = mean(axis0) $", "'$' has no meaning here"),
        ("feature b = mean(axis0) * 1e99", "is no number"),
        ("param a = 1e30 * 1e30", "which no float of 32 bits holds"),
        ("param a = 1 / (2 - 2)", "a division by 0"),
        ("feature \"b = 1", "the quote is not closed"),
        ("feature b = rms(bandpass(axis0, 9, 5))", "it must lie above the lower one of 9 Hz"),
        (
            "feature b = at(axis0, 128)",
            "the index is 128; for a series of 128 at 100 Hz it must be a whole number from 0 to 127, the nearest is 127",
        ),
    ] {
        let error = with(program, &[]).expect_err(program);
        assert!(error.contains(expected), "{program}\n  {error}\n  {expected}");
    }
    let deep = format!("feature b = {}axis0{}", "(".repeat(500), ")".repeat(500));
    assert!(with(&deep, &[]).expect_err("deep").contains("use `let`"));
    let long = format!("feature b = rms(axis0){}", " + 1 * mean(axis1)".repeat(3000));
    assert!(with(&long, &[]).is_ok() || with(&long, &[]).is_err_and(|e| e.contains("more than 2000 steps")));
    for nothing in [",", " , ,"] {
        let error = with("feature abc = rms(axis0)", &[("features", nothing)]).expect_err("no feature");
        assert!(error.contains("names no feature"), "{error}");
    }
    let long = WindowSpec { frames: 200_000, ..WINDOW };
    let smooth = |n: usize| {
        let program = format!("feature f = max(smooth(axis0, {n}))");
        let params = Params::from([("program".into(), Value::Text(program))]);
        plan("custom", 1, &params, &long).map_err(|e| e.message)
    };
    assert!(smooth(100).is_ok());
    let error = smooth(100_000).expect_err("too much work");
    assert!(error.contains("operations a window"), "{error}");
    let error = with("feature abc = rms(axis0)", &[("features", "abd")]).expect_err("no such feature");
    assert!(error.contains("did you mean `abc`?"), "{error}");
    let table = WindowSpec { rate_hz: 0.0, ..WINDOW };
    let refuse = |program: &str| {
        let params = Params::from([("program".into(), Value::Text(program.into()))]);
        plan("custom", 1, &params, &table).expect_err(program).message
    };
    assert!(
        refuse("feature b = total(power(axis0, 8))")
            .contains("takes a series in time; this is a series of 128")
    );
    assert!(refuse("feature b = max(time)").contains("needs a sampling rate"));
}

#[test]
fn every_function_can_be_called_as_it_is_written() {
    for f in FUNCTIONS {
        for usage in f.usage.split(" or ") {
            let mut call = usage.to_owned();
            for (word, with) in [
                ("v, v)", "axis0, axis1)"),
                ("(v", "(axis0"),
                ("(x, y", "(axis0, axis1"),
                ("(x", "(axis0"),
                ("(s", "(power(axis0, 64)"),
                ("part", "0.4"),
                ("index", "4"),
                ("level", "0.5"),
                (" bins)", " 8)"),
                (", low, high", ", 5, 20"),
                (", n)", ", 3)"),
                ("first, count", "2, 9"),
                ("hz", "9"),
                (" order", " 4"),
                ("ratio", "10"),
                ("fft_length", "32"),
            ] {
                call = call.replace(word, with);
            }
            // `slice` begins with an s, and is no spectrum.
            let plan = with(&format!("feature f = {call}"), &[]);
            assert!(plan.is_ok(), "{}: {call}: {:?}", f.name, plan.err());
        }
    }
}

#[test]
fn an_axis_that_no_feature_needs_may_hold_anything() {
    // As on the device, which does not read it.
    let plan = with("axes x, y, z; feature f = rms(y)", &[]).expect("plans");
    let (mut scratch, mut out) = (vec![0.0; plan.scratch_len()], [0.0]);
    let mut values = window();
    plan.extract(&values, &mut scratch, &mut out).expect("extracts");
    let before = out[0];
    values[3] = f32::NAN;
    values[5] = f32::INFINITY;
    plan.extract(&values, &mut scratch, &mut out).expect("the second axis alone is read");
    assert_eq!(out[0], before);
    values[4] = f32::NAN;
    let error = plan.extract(&values, &mut scratch, &mut out).expect_err("no number");
    assert_eq!((error.kind, error.message.as_str()), ("not_finite", "value 4 of the window is NaN"));
}
