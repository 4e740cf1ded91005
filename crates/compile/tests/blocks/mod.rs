//! Random DSP blocks: every block, every version, parameters over their whole range.

pub mod program;

use edgewright_dsp::{GENERATORS, Params, Value, WAVELETS};
use edgewright_impulse::{DspBlock, Window};
use edgewright_sample::Axis;
use edgewright_test_support::Rng;

/// A random window.
pub fn window(rng: &mut Rng) -> Window {
    let axes = 1 + rng.below(4);
    Window {
        frames: 300 + rng.below(700),
        stride: 100,
        rate_hz: [25.0, 62.5, 250.0, 4000.0, 8000.0, 16000.0][rng.below(6)],
        axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
        zero_pad: true,
        image: None,
        fit: Default::default(),
    }
}

fn spectral(rng: &mut Rng, version: u32, rate_hz: f64, params: &mut Params) {
    let mut set = |name: &str, value: Value| params.insert(name.into(), value);
    let text = |t: &str| Value::Text(t.into());
    let number = Value::Number;
    let ratios = [1.0, 1.0, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0];
    let ratio = if version < 4 { 1.0 } else { ratios[rng.below(8)] };
    set("input_decimation_ratio", number(ratio));
    set("filter_cutoff", number(rate_hz / ratio * (0.01 + 0.5 * rng.unit() * rng.unit())));
    set("filter_order", number([0.0, 2.0, 4.0, 6.0, 8.0][rng.below(5)]));
    set("filter_type", text(["none", "low", "high"][rng.below(3)]));
    set("fft_length", number([16.0, 32.0, 64.0, 64.0, 256.0][rng.below(5)]));
    set("do_log", Value::Bool(rng.below(2) == 0));
    set("do_fft_overlap", Value::Bool(rng.below(2) == 0));
    set("extra_low_freq", Value::Bool(rng.below(3) > 0));
    set("analysis_type", text(["FFT", "Wavelet"][rng.below(2)]));
    set("wavelet", text(WAVELETS[rng.below(WAVELETS.len() as u64)]));
    set("wavelet_level", number(rng.below(5) as f64));
    set("spectral_peaks_count", number(rng.below(6) as f64));
    set("spectral_peaks_threshold", number(rng.unit() * 0.3));
    let edges = ["0.1, 0.5, 1.0, 2.0, 5.0", "0, 10, 2000", "3", "1,2,2.1,2000,2500.5"];
    set("spectral_power_edges", text(edges[rng.below(4)]));
}

fn features(rng: &mut Rng, window: &Window, params: &mut Params) {
    // Some without a spectrum.
    let spectral = rng.below(3) > 0;
    for generator in GENERATORS {
        let needs = matches!(generator, "spectral_entropy" | "dominant_frequency");
        let on =
            rng.below(3) > 0 && (spectral || !needs) && (generator != "correlation" || window.axes.len() > 1);
        params.insert(generator.into(), Value::Bool(on));
    }
    let mut set = |name: &str, value: Value| params.insert(name.into(), value);
    set("histogram_bins", Value::Number((2 + rng.below(30)) as f64));
    set("fft_length", Value::Number([4.0, 8.0, 16.0, 64.0, 128.0, 256.0][rng.below(6)]));
    if !spectral {
        return;
    }
    set("harmonics", Value::Number(rng.below(4) as f64));
    let bands = (0..rng.below(5)).map(|b| format!("{}", window.rate_hz * 0.125 * b as f64));
    let bands: Vec<String> = bands.collect();
    set("band_edges", Value::Text(if bands.len() > 1 { bands.join(", ") } else { String::new() }));
}

fn own(rng: &mut Rng, name: &str, params: &mut Params) {
    let mut set = |name: &str, value: Value| params.insert(name.into(), value);
    let text = |t: &str| Value::Text(t.into());
    let number = Value::Number;
    match name {
        "audio_syntiant" => {
            set("frame_stride", number(0.01 + 0.02 * rng.unit()));
        }
        "imu_syntiant" => {
            set("scaling", Value::Bool(rng.below(2) == 0));
        }
        _ => {
            set("filter_preset", number(rng.below(3) as f64));
            set("hr_win_size_s", number(2.0 + 10.0 * rng.unit()));
            set("sensitivity", number(0.2 + 0.6 * rng.unit()));
            set("hrv_update_interval_s", number(2.0 * (1 + rng.below(3)) as f64));
            set("ppg_ecg", text(["ppg", "ecg"][rng.below(2)]));
            set("hrv_features", text(["none", "rmssd", "time-domain", "all"][rng.below(4)]));
            set("include_hr", Value::Bool(rng.below(2) == 0));
        }
    }
}

/// Blocks that are drawn.
pub const KINDS: [&str; 11] = [
    "raw",
    "flatten",
    "imu_syntiant",
    "audio_syntiant",
    "hr",
    "spectrogram",
    "mfe",
    "mfcc",
    "signal_features",
    "spectral_analysis",
    "custom",
];

/// A random block on `window`; `None` where the block refuses what was drawn, such as a filter above half the rate.
pub fn block(rng: &mut Rng, index: usize, window: &Window) -> Option<DspBlock> {
    // Spectral analysis has the most ways through it, and MFCC refuses the most of what is drawn.
    const OFTEN: [usize; 21] = [0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 9, 9, 9, 9, 10, 10, 10];
    let name = KINDS[OFTEN[rng.below(21)]];
    block_of(rng, index, name, window)
}

/// The same for one kind of block.
pub fn block_of(rng: &mut Rng, index: usize, name: &str, window: &Window) -> Option<DspBlock> {
    let mut params = Params::new();
    let mut version = [1, 2, 3, 4, 4][rng.below(5)];
    params.insert("scale_axes".into(), Value::Number(rng.unit() * 4.0 - 2.0));
    let mut set = |name: &str, value: f64| params.insert(name.into(), Value::Number(value));
    match name {
        "raw" => version = 1,
        "flatten" => {
            version = 1;
            for statistic in ["average", "minimum", "rms", "skewness"] {
                params.insert(statistic.into(), Value::Bool(rng.below(3) > 0));
            }
            params.insert("moving_avg_num_windows".into(), Value::Number(rng.below(5) as f64));
        }
        "signal_features" => {
            version = 1;
            features(rng, window, &mut params);
        }
        "custom" => {
            version = 1;
            params.remove("scale_axes");
            params.insert("program".into(), Value::Text(program::program(rng, window)));
        }
        "imu_syntiant" | "audio_syntiant" | "hr" => {
            version = 1;
            params.remove("scale_axes");
            own(rng, name, &mut params);
        }
        "spectral_analysis" => {
            version = [1, 2, 3, 4, 4, 4, 4][rng.below(7)];
            spectral(rng, version, window.rate_hz, &mut params);
            if version > 1 && rng.below(2) == 0 {
                params.insert("arith".into(), Value::Text("fixed".into()));
                params.insert("analysis_type".into(), Value::Text("FFT".into()));
            }
        }
        _ => {
            set("frame_length", 0.016 + 0.02 * rng.unit());
            set("frame_stride", 0.01 + 0.01 * rng.unit());
            set("fft_length", [32.0, 64.0, 128.0, 256.0][rng.below(4)]);
            if name != "spectrogram" {
                set("num_filters", 8.0 + rng.below(20) as f64);
                set("win_size", [1.0, 5.0, 101.0][rng.below(3)]);
            }
            params.remove("scale_axes");
        }
    }
    if matches!(name, "spectrogram" | "mfe" | "mfcc" | "audio_syntiant") && rng.below(2) == 0 {
        params.insert("arith".into(), Value::Text("fixed".into()));
        if rng.below(3) == 0 && name == "mfcc" {
            params.insert("win_size".into(), Value::Number(0.0));
        }
    }
    let all = window.axes.len();
    let one = name.starts_with("mf") || matches!(name, "spectrogram" | "audio_syntiant");
    let axes = if one || (name == "hr" && (all < 4 || rng.below(2) == 0)) {
        vec![rng.below(all as u64)]
    } else if name == "hr" {
        vec![2, 0, 3, 1]
    } else {
        (0..all).collect()
    };
    DspBlock::new(format!("b{index}"), name, version, params, axes, window).ok()
}
