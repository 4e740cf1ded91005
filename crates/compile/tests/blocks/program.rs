//! Random programs of custom blocks: typed, so that most of them are accepted.

use edgewright_impulse::Window;
use edgewright_test_support::Rng;
use std::fmt::Write;

/// A series by its name.
#[derive(Clone)]
struct Series {
    name: String,
    len: usize,
    rate: f64,
}

/// A random program on `window`.
pub fn program(rng: &mut Rng, window: &Window) -> String {
    let names: Vec<String> = (0..window.axes.len()).map(|i| format!("in{i}")).collect();
    let mut out = format!("axes {}\nparam level = {} from -10 to 10\n", names.join(", "), rng.below(5));
    let first = |name: &str| Series { name: name.into(), len: window.frames, rate: window.rate_hz };
    let mut series: Vec<Series> = names.iter().map(|n| first(n)).collect();
    series.push(first("time"));
    let mut spectra: Vec<(String, f64, f64)> = Vec::new();
    let mut scalars: Vec<String> = vec!["level".into()];
    let mut features = 0;
    for i in 0..6 + rng.below(20) {
        match rng.below(10) {
            0..5 => {
                let made = another(rng, &series, &scalars, i);
                let _ = writeln!(out, "let v{i} = {}", made.name);
                series.push(Series { name: format!("v{i}"), ..made });
            }
            5 => {
                let x = pick(rng, &series);
                let n = 1 << (2 + rng.below(7));
                if n > x.len || x.rate == 0.0 {
                    continue;
                }
                let _ = writeln!(out, "let s{i} = power({}, {n})", x.name);
                spectra.push((format!("s{i}"), x.rate / n as f64, x.rate / 2.0));
            }
            6 if !spectra.is_empty() => {
                let (s, width, top) = &spectra[rng.below(spectra.len() as u64)];
                let text = match rng.below(8) {
                    0 => format!("total({s})"),
                    1 => format!("band({s}, {}, {})", width * rng.below(2) as f64, top * 0.9),
                    2 => format!("peak({s})"),
                    3 => format!("centroid({s})"),
                    4 => format!("spectral_entropy({s})"),
                    5 => format!("kurtosis(log10({s}))"),
                    6 => format!("at(bins({s} / total({s})), 1)"),
                    _ => format!("rms({s} * {s})"),
                };
                let _ = writeln!(out, "let n{i} = {text}");
                scalars.push(format!("n{i}"));
            }
            _ => {
                let text = scalar(rng, &series, &scalars);
                let _ = writeln!(out, "let n{i} = {text}");
                scalars.push(format!("n{i}"));
            }
        }
        let value = match rng.below(6) {
            0 if !spectra.is_empty() => spectra[rng.below(spectra.len() as u64)].0.clone(),
            1 => {
                let x = pick(rng, &series);
                format!("slice({}, 0, {})", x.name, 1 + rng.below(x.len.min(20) as u64))
            }
            _ if scalars.len() > 1 => scalars[1 + rng.below(scalars.len() as u64 - 1)].clone(),
            _ => continue,
        };
        let _ = writeln!(out, "feature \"f {i}\" = {value}");
        features += 1;
    }
    if features == 0 {
        out.push_str("feature last = rms(in0)\n");
    }
    out
}

fn pick(rng: &mut Rng, series: &[Series]) -> Series {
    series[rng.below(series.len() as u64)].clone()
}

/// One that fits.
fn partner(rng: &mut Rng, series: &[Series], x: &Series) -> Series {
    let fit: Vec<Series> = series.iter().filter(|s| s.len == x.len && s.rate == x.rate).cloned().collect();
    pick(rng, &fit)
}

fn another(rng: &mut Rng, series: &[Series], scalars: &[String], i: usize) -> Series {
    let x = pick(rng, series);
    let y = partner(rng, series, &x);
    let number = &scalars[rng.below(scalars.len() as u64)];
    let (a, b) = (&x.name, &y.name);
    let same = |name: String| Series { name, ..x.clone() };
    let timed = x.rate > 0.0 && x.len > 30;
    match rng.below(20) {
        0 => same(format!("{a} + {b} * {number}")),
        1 => same(format!("-{a} - {b}")),
        2 => same(format!("{a} * 0.{i} / ({b} + 1)")),
        3 => same(format!("{number} / {a}")),
        4 => same(format!("sqrt({a} * {a} + {b} * {b})")),
        5 => same(format!("abs({a})")),
        6 => same(format!("log({a})")),
        7 => same(format!("log10(abs({a}))")),
        8 => same(format!("min({a}, {b})")),
        9 => same(format!("max({a}, {number})")),
        10 => same(format!("({a} > {b}) + ({a} <= {number})")),
        11 if x.len > 1 => Series { name: format!("diff({a})"), len: x.len - 1, rate: x.rate },
        12 => same(format!("running_sum(centre({a}))")),
        13 if x.len > 8 => Series { name: format!("smooth({a}, 5)"), len: x.len - 4, rate: x.rate },
        14 if x.len > 40 => Series { name: format!("slice({a}, 7, 30)"), len: 30, rate: x.rate },
        15 if timed => same(format!("lowpass({a}, {})", x.rate * 0.1)),
        16 if timed => same(format!("highpass(centre({a}), {}, 4)", x.rate * 0.05)),
        17 if timed => same(format!("bandpass({a}, {}, {}, 6)", x.rate * 0.05, x.rate * 0.3)),
        18 if timed => {
            let ratio = [3usize, 10, 30][rng.below(3)];
            let len = if ratio == 30 { x.len.div_ceil(3).div_ceil(10) } else { x.len.div_ceil(ratio) };
            Series { name: format!("decimate({a}, {ratio})"), len, rate: x.rate / ratio as f64 }
        }
        _ => match rng.below(2) {
            0 => Series { name: format!("sorted({a})"), len: x.len, rate: 0.0 },
            _ => Series { name: format!("histogram({a}, 7)"), len: 7, rate: 0.0 },
        },
    }
}

fn scalar(rng: &mut Rng, series: &[Series], scalars: &[String]) -> String {
    let x = pick(rng, series);
    let y = partner(rng, series, &x);
    let (a, b) = (&x.name, &y.name);
    let number = |rng: &mut Rng| scalars[rng.below(scalars.len() as u64)].clone();
    match rng.below(20) {
        0 => format!("mean({a})"),
        1 => format!("sum({a})"),
        2 => format!("rms({a})"),
        3 => format!("energy({a})"),
        4 => format!("stdev({a}) / variance({a})"),
        5 => format!("skewness({a})"),
        6 => format!("kurtosis({a})"),
        7 => format!("range({a})"),
        8 => format!("median({a})"),
        9 => format!("quantile({a}, 0.{})", rng.below(100)),
        10 => format!("iqr({a})"),
        11 => format!("at({a}, {})", rng.below(x.len as u64)),
        12 => format!("crossings({a})"),
        13 => format!("crossings({a}, mean({b}))"),
        14 => format!("entropy({a}, 9)"),
        15 => format!("correlation({a}, {b})"),
        16 => format!("dot({a}, {b})"),
        17 => format!("max(abs({a})) / rms({a})"),
        18 => format!("min({a}) + {}", number(rng)),
        _ => format!("sqrt({}) - log({a_max})", number(rng), a_max = format_args!("max({a})")),
    }
}
