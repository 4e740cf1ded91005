//! Small movements far from 0 and faint signals have the features of plain ones; what cannot work is refused with what can.

use edgewright_dsp::{Params, Value, WindowSpec, plan};

fn params(of: &[(&str, Value)]) -> Params {
    of.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

const MOTION: WindowSpec = WindowSpec { rate_hz: 62.5, axes: 1, frames: 128, image: None };

/// Names and values of the features.
fn features(block: &str, version: u32, of: &[(&str, Value)], x: &[f32]) -> Vec<(String, f32)> {
    let plan = plan(block, version, &params(of), &MOTION).expect("a plan");
    let mut out = vec![0.0; plan.output().len()];
    plan.extract(x, &mut vec![f32::NAN; plan.scratch_len()], &mut out).expect("features");
    plan.names(&["x"]).into_iter().zip(out).collect()
}

/// Multiples of 1/1024 with a shape.
fn movement() -> Vec<f32> {
    let mut seed = 7u32;
    (0..128)
        .map(|i| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (((seed >> 24) as i32 - 100) + if i % 16 < 5 { 120 } else { 0 }) as f32 / 1024.0
        })
        .collect()
}

#[test]
fn an_offset_changes_no_shape() {
    let near = movement();
    // Exact: the sum of both has 22 bits.
    let far: Vec<f32> = near.iter().map(|v| v + 2048.0).collect();
    let same = |block: &str, version: u32, of: &[(&str, Value)], of_offset: &[&str]| {
        for ((name, a), (_, b)) in
            features(block, version, of, &near).into_iter().zip(features(block, version, of, &far))
        {
            if !of_offset.iter().any(|o| name.contains(o)) {
                assert_eq!(a.to_bits(), b.to_bits(), "{block} {version} {name}: {a} {b}");
            }
        }
    };
    same("flatten", 1, &[], &["Average", "Minimum", "Maximum", "RMS"]);
    for version in [2, 3, 4] {
        same("spectral_analysis", version, &[], &[]);
    }
    same(
        "spectral_analysis",
        4,
        &[("analysis_type", text("Wavelet")), ("wavelet_level", Value::Number(2.0))],
        &[],
    );
}

#[test]
fn what_is_faint_has_the_shape_of_what_is_loud() {
    let loud = movement();
    let plain = features("spectral_analysis", 4, &[("filter_type", text("none"))], &loud);
    // Powers of two change no bit of a shape; power goes with the square of the amplitude, its kurtosis with the eighth power.
    for scale in [(0.5f32).powi(8), (0.5f32).powi(16), (0.5f32).powi(22), 65536.0] {
        let x: Vec<f32> = loud.iter().map(|v| v * scale).collect();
        let got = features("spectral_analysis", 4, &[("filter_type", text("none"))], &x);
        for ((name, a), (_, b)) in plain.iter().zip(&got) {
            if name.contains("Skewness") || name.contains("Kurtosis") {
                assert!((a - b).abs() <= 1e-5 * (1.0 + a.abs()), "{scale:e} {name}: {a} {b}");
            }
        }
    }
}

#[test]
fn a_refusal_names_what_would_work() {
    let sound = WindowSpec { rate_hz: 16000.0, axes: 1, frames: 16000, image: None };
    let number = |name: &'static str, v: f64| (name, Value::Number(v));
    /// Block, version, window, parameters; kind and words of the refusal.
    type Refusal<'a> = (&'a str, u32, &'a WindowSpec, &'a [(&'a str, Value)], &'a str, &'a str);
    let cases: &[Refusal<'_>] = &[
        (
            "mfcc",
            4,
            &sound,
            &[number("frame_length", 1.5)],
            "frame_longer_than_window",
            "to 1 s or less, or lengthen the window to 1500 ms",
        ),
        ("mfcc", 4, &sound, &[number("frame_length", 0.0)], "frame_below_one_sample", "at least 0.0000625 s"),
        ("mfe", 4, &sound, &[number("frame_stride", 0.001)], "more_than_500_frames", "to 0.002 s"),
        ("mfe", 2, &sound, &[number("win_size", 0.0)], "cmvn_window_even", "such as 1"),
        ("mfe", 4, &sound, &[number("fft_length", 300.0)], "fft_length_not_power_of_two", "such as 256"),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[number("fft_length", 20.0)],
            "fft_length_not_power_of_two",
            "such as 16",
        ),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[number("fft_length", 30000.0)],
            "fft_length_not_power_of_two",
            "such as 32768",
        ),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[("analysis_type", text("Wavelet")), number("fft_length", 20.0)],
            "fft_length_not_power_of_two",
            "such as 16",
        ),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[("input_decimation_ratio", text("1000")), ("filter_type", text("none"))],
            "decimation_leaves_too_little",
            "at most 100",
        ),
        (
            "mfcc",
            4,
            &sound,
            &[number("num_filters", 80.0), number("fft_length", 128.0)],
            "empty_mel_filter",
            "an `fft_length` of ",
        ),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[("filter_type", text("low")), number("filter_cutoff", 0.3), number("fft_length", 16.0)],
            "cutoff_masks_all_bins",
            "lengthen `fft_length` to 128",
        ),
        (
            "spectral_analysis",
            4,
            &MOTION,
            &[("filter_type", text("high")), number("filter_cutoff", 0.002), number("filter_order", 8.0)],
            "filter_unstable",
            "raise `filter_cutoff` to ",
        ),
        (
            "mfcc",
            4,
            &sound,
            &[number("num_filtres", 32.0)],
            "unknown_parameter",
            "did you mean `num_filters`?",
        ),
    ];
    for (block, version, window, of, kind, says) in cases {
        let error = plan(block, *version, &params(of), window).expect_err("a refusal");
        assert_eq!(error.kind, *kind, "{}", error.message);
        assert!(error.message.contains(says), "{block}: {}", error.message);
    }
    // What is said works.
    let told = |message: &str, after: &str| -> f64 {
        let rest = message.split(after).nth(1).expect("a value").trim_start();
        rest.split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()
            .expect("digits")
            .trim_end_matches('.')
            .parse()
            .expect("a number")
    };
    let mut of = vec![number("num_filters", 80.0), number("fft_length", 128.0)];
    let error = plan("mfcc", 4, &params(&of), &sound).expect_err("a refusal");
    of[1] = number("fft_length", told(&error.message, "an `fft_length` of"));
    plan("mfcc", 4, &params(&of), &sound).expect("as long as told");
    let mut of = vec![number("num_filters", told(&error.message, "at most")), number("fft_length", 128.0)];
    plan("mfcc", 4, &params(&of), &sound).expect("as few as told");
    of[0] = number("num_filters", told(&error.message, "at most") + 1.0);
    plan("mfcc", 4, &params(&of), &sound).expect_err("one more");
    let mut of =
        vec![("filter_type", text("high")), number("filter_cutoff", 0.002), number("filter_order", 8.0)];
    let error = plan("spectral_analysis", 4, &params(&of), &MOTION).expect_err("a refusal");
    of[1] = number("filter_cutoff", told(&error.message, "`filter_cutoff` to"));
    plan("spectral_analysis", 4, &params(&of), &MOTION).expect("as high as told");
}

/// The number that follows some words of a message.
fn number_behind(message: &str, words: &str) -> Option<f64> {
    message.split(words).nth(1)?.split_whitespace().next()?.parse().ok()
}

#[test]
fn what_a_refusal_suggests_is_not_refused_for_the_same_reason() {
    let mut tried = 0;
    for (block, version, length, stride, frames, rate) in [
        ("mfe", 1, 1.0, 0.01, 16_000, 16_000.0),
        ("mfcc", 1, 0.9, 0.2, 16_000, 16_000.0),
        ("spectrogram", 1, 1.2, 0.33, 11_025, 11_025.0),
        ("mfe", 1, 0.02, 1.5, 16_000, 16_000.0),
        ("mfcc", 4, 1.5, 0.02, 16_000, 16_000.0),
        ("spectrogram", 2, 0.7, 0.4, 4_001, 8_000.0),
    ] {
        let with = |length: f64, stride: f64, frames: usize| {
            let of = [
                ("frame_length", Value::Number(length)),
                ("frame_stride", Value::Number(stride)),
                ("fft_length", Value::Number(512.0)),
            ];
            plan(block, version, &params(&of), &WindowSpec { rate_hz: rate, axes: 1, frames, image: None })
        };
        let refused = with(length, stride, frames).expect_err("it does not fit");
        let told = refused.to_string();
        assert!(told.contains("does not fit a window"), "{told}");
        let ms = number_behind(&told, "lengthen the window to ").expect("a window");
        let fits = |r: Result<edgewright_dsp::Plan, edgewright_dsp::DspError>| match r {
            Ok(_) => true,
            Err(e) => !e.to_string().contains("does not fit a window"),
        };
        assert!(fits(with(length, stride, (ms * rate / 1000.0).round() as usize)), "{told}");
        let shorter = number_behind(&told, "`frame_length` to ")
            .map(|s| (s, stride))
            .or_else(|| number_behind(&told, "`frame_stride` to ").map(|s| (s, s)))
            .expect("a frame");
        assert!(fits(with(shorter.0, shorter.1, frames)), "{told}");
        tried += 1;
    }
    assert_eq!(tried, 6);
    let mut unstable = 0;
    for (rate, order, kind) in
        [(16_000.0, 4, "low"), (16_000.0, 8, "low"), (16_000.0, 8, "high"), (4_000.0, 6, "high")]
    {
        for cutoff in [0.01, 0.1, 0.3, 0.9, 2.0] {
            let with = |cutoff: f64| {
                let of = [
                    ("filter_type", text(kind)),
                    ("filter_order", Value::Number(f64::from(order))),
                    ("filter_cutoff", Value::Number(cutoff)),
                ];
                plan(
                    "spectral_analysis",
                    4,
                    &params(&of),
                    &WindowSpec { rate_hz: rate, axes: 1, frames: 4_000, image: None },
                )
            };
            let Err(e) = with(cutoff) else { continue };
            let told = e.to_string();
            if !told.contains("not stable") {
                continue;
            }
            unstable += 1;
            if let Some(better) = number_behind(&told, "`filter_cutoff` to ") {
                let again = with(better).err().map(|e| e.to_string()).unwrap_or_default();
                assert!(!again.contains("not stable"), "{told}\n{again}");
            }
        }
    }
    assert!(unstable > 3, "{unstable}");
}
