//! Audio blocks in integers against those in floats: the bound of the error, slices, refusals.

use edgewright_dsp::{Params, Stream, Value, WindowSpec, plan};

fn noise(seed: &mut u32) -> f64 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f64::from(*seed) / 2_147_483_648.0 - 1.0
}

/// Windows of 16-bit samples: noise of three strengths, a voice-like sum of tones, a faint tone under a loud one, sound and
/// silence, full scale, one step.
fn windows() -> Vec<(&'static str, Vec<f32>)> {
    let mut seed = 1;
    let n = 8000;
    let tone = |i: usize, hz: f64| (std::f64::consts::TAU * hz * i as f64 / 16000.0).sin();
    let mut of = |name, f: &mut dyn FnMut(usize, f64) -> f64| {
        (name, (0..n).map(|i| f(i, noise(&mut seed)).round().clamp(-32768.0, 32767.0) as f32).collect())
    };
    vec![
        of("noise", &mut |_, r| 9000.0 * r),
        of("quiet noise", &mut |_, r| 40.0 * r),
        of("loud noise", &mut |_, r| 40_000.0 * r),
        of("tones", &mut |i, r| {
            (1..20).map(|h| 9000.0 / h as f64 * tone(i, 140.0 * h as f64)).sum::<f64>() * 0.5 + 8.0 * r
        }),
        of("faint beside loud", &mut |i, r| 30_000.0 * tone(i, 500.0) + 8.0 * tone(i, 5000.0) + r),
        of("sound and silence", &mut |i, r| if i < 4000 { 5000.0 * r } else { 0.0 }),
        of("full scale", &mut |i, _| if (i / 13) % 2 == 0 { 32767.0 } else { -32768.0 }),
        of("one step", &mut |i, _| f64::from(u8::from(i >= 4000))),
    ]
}

fn params(list: &[(&str, f64)], fixed: bool) -> Params {
    let arith = Value::Text(if fixed { "fixed" } else { "float" }.into());
    let all = list.iter().map(|(k, v)| ((*k).into(), Value::Number(*v)));
    all.chain([("arith".into(), arith)]).collect()
}

fn run(block: &str, version: u32, list: &[(&str, f64)], fixed: bool, window: &[f32]) -> Vec<f32> {
    let spec = WindowSpec { rate_hz: 16000.0, axes: 1, frames: window.len(), image: None };
    let plan = plan(block, version, &params(list, fixed), &spec).expect("a plan");
    let mut out = vec![0.0; plan.output().len()];
    plan.extract(window, &mut vec![0.0; plan.scratch_len()], &mut out).expect("features");
    out
}

/// So few bands that each has a bin in every version, and none is what pre-emphasis leaves of a constant.
const BANDS: [(&str, f64); 2] = [("num_filters", 16.0), ("low_frequency", 300.0)];

/// Amplitudes (roots of energies) are off by at most 2e-5 of the root of their frame's power, and 1e-4 of themselves. A
/// spectrogram shows the energy of each bin.
#[test]
fn energies_are_within_the_bound() {
    for n in [64.0, 128.0, 256.0, 512.0] {
        for (name, window) in windows() {
            let list = [("fft_length", n), ("noise_floor_db", -200.0)];
            let (float, fixed) =
                (run("spectrogram", 4, &list, false, &window), run("spectrogram", 4, &list, true, &window));
            let columns = n as usize / 2 + 1;
            let energy = |v: f32| 10f64.powf((f64::from(v) * 212.0 - 200.0) / 10.0);
            for (row, (float, fixed)) in float.chunks(columns).zip(fixed.chunks(columns)).enumerate() {
                let all: f64 = float.iter().map(|v| energy(*v)).sum();
                for (k, (a, b)) in float.iter().zip(fixed).enumerate() {
                    let (a, b) = (energy(*a).sqrt(), energy(*b).sqrt());
                    // What is shown as the floor can be anything below it.
                    let bound = 2e-5 * all.sqrt() + 1e-4 * a + 2e-10;
                    assert!((a - b).abs() < bound, "{name}, n {n}, row {row}, bin {k}: {b} for {a} of {all}");
                }
            }
        }
    }
}

#[test]
fn steps_of_mfe_differ_by_at_most_one() {
    for version in [3, 4] {
        for (name, window) in windows() {
            let (float, fixed) =
                (run("mfe", version, &BANDS, false, &window), run("mfe", version, &BANDS, true, &window));
            let mut off = 0;
            for (i, (a, b)) in float.iter().zip(&fixed).enumerate() {
                let steps = ((a - b) * 256.0).abs();
                assert!(steps <= 1.0, "{name}, version {version}, feature {i}: {b} for {a}");
                off += usize::from(steps > 0.0);
            }
            assert!(off * 50 <= float.len(), "{name}: {off} of {} features differ", float.len());
        }
    }
}

/// Cepstral coefficients are off by at most 0.02, where no band is lost beside a loud one.
#[test]
fn cepstra_are_near() {
    for version in 1..=4 {
        for (name, window) in windows() {
            let list = [("win_size", 0.0), BANDS[0], BANDS[1]];
            let (float, fixed) =
                (run("mfcc", version, &list, false, &window), run("mfcc", version, &list, true, &window));
            if name == "faint beside loud" {
                continue;
            }
            for (i, (a, b)) in float.iter().zip(&fixed).enumerate() {
                assert!((a - b).abs() < 0.02, "{name}, version {version}, feature {i}: {b} for {a}");
            }
        }
    }
}

/// With sliding normalisation an error grows as the deviation it is divided by shrinks; of sounds that change it stays
/// below a hundredth.
#[test]
fn normalised_cepstra_are_near() {
    for (name, window) in windows().into_iter().take(3) {
        let (float, fixed) = (run("mfcc", 4, &BANDS, false, &window), run("mfcc", 4, &BANDS, true, &window));
        for (i, (a, b)) in float.iter().zip(&fixed).enumerate() {
            assert!((a - b).abs() < 0.01, "{name}, feature {i}: {b} for {a}");
        }
    }
}

#[test]
fn scale_of_the_samples_changes_no_bit_but_their_level() {
    for (name, window) in windows() {
        let small: Vec<f32> = window.iter().map(|v| v / 1024.0).collect();
        let list = [("win_size", 101.0)];
        let (a, b) = (run("mfcc", 4, &list, true, &window), run("mfcc", 4, &list, true, &small));
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            // Silence has a level of its own, which the first coefficient shows.
            let apart = matches!(name, "sound and silence" | "one step") && i % 13 == 0;
            assert!(apart || a.to_bits() == b.to_bits(), "{name}, feature {i}: {b} for {a}");
        }
    }
}

#[test]
fn slices_give_the_bits_of_the_window() {
    let spec = WindowSpec { rate_hz: 16000.0, axes: 1, frames: 8000, image: None };
    for (block, version) in [("mfcc", 4), ("mfe", 3), ("spectrogram", 3), ("spectrogram", 4)] {
        let bands = if block == "spectrogram" { &[][..] } else { &BANDS };
        for (name, window) in windows() {
            let whole = run(block, version, bands, true, &window);
            for slice in [1, 77, 4000] {
                let plan = plan(block, version, &params(bands, true), &spec).expect("a plan");
                let mut stream = Stream::new(plan).expect("a stream");
                let mut got = Vec::new();
                for part in window.chunks(slice) {
                    got.extend_from_slice(stream.push(part).expect("taken").unwrap_or(&[]));
                }
                let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(bits(&got) == bits(&whole), "{block} {version}, {name}, slices of {slice}");
            }
        }
    }
}

#[test]
fn blocks_without_integers_refuse_them() {
    let spec = WindowSpec { rate_hz: 16000.0, axes: 1, frames: 8000, image: None };
    for (block, version, word) in [
        ("raw", 1, "float"),
        ("spectral_analysis", 1, "version 2"),
        ("mfe", 2, "version 3"),
        ("spectrogram", 1, "version 3"),
    ] {
        let bands = if block == "mfe" { &BANDS[..] } else { &[] };
        let error = plan(block, version, &params(bands, true), &spec).expect_err("refused");
        assert_eq!(error.kind, "fixed_point_unavailable");
        assert!(error.message.contains(word), "{}", error.message);
        plan(block, version, &params(bands, false), &spec).expect("floats are there");
    }
}
