//! Group `dsp`: features of one window against Python libraries that do the same work and against what the reference's C++ is known to
//! take, one thread each; and the memory of ten hours of sound on their way to features.

use super::{Claim, Figure, data, peer, process::measure};
use crate::{
    process::{captured, command},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{io::Write, path::Path};

/// A block on a window.
struct Case {
    name: &'static str,
    block: &'static str,
    params: &'static str,
    /// Sound of a second at 16 kHz, else three axes for two seconds at 62.5 Hz.
    sound: bool,
    /// Cases of `dsp.py`, and what ours must be over theirs at most; `None` where no promise was made.
    peers: &'static [(&'static str, Option<f64>)],
    /// What the reference's C++ takes at -O3 on a core of an AMD EPYC, in microseconds.
    reference_us: Option<f64>,
}

/// A twentieth of the time of the libraries.
const TWENTIETH: Option<f64> = Some(0.05);
/// Of the time of the reference's C++.
const HALF: f64 = 0.5;
/// Runs of which ours tells the fastest.
const REPEAT: &str = "4000";

const CASES: &[Case] = &[
    Case {
        name: "mfcc",
        block: "mfcc",
        params: "{}",
        sound: true,
        peers: &[("mfcc_librosa", TWENTIETH), ("mfcc_python_speech_features", TWENTIETH)],
        reference_us: Some(450.0),
    },
    Case {
        name: "mfe",
        block: "mfe",
        params: "{}",
        sound: true,
        peers: &[("mfe_librosa", TWENTIETH), ("mfe_python_speech_features", TWENTIETH)],
        reference_us: Some(570.0),
    },
    Case {
        name: "spectrogram",
        block: "spectrogram",
        params: "{}",
        sound: true,
        peers: &[("spectrogram_scipy", None)],
        reference_us: Some(240.0),
    },
    Case {
        name: "spectral",
        block: "spectral_analysis",
        params: "{}",
        sound: false,
        peers: &[("spectral_scipy", TWENTIETH)],
        reference_us: Some(18.0),
    },
    Case {
        name: "spectral_low_pass",
        block: "spectral_analysis",
        params: r#"{"filter_type": "low", "filter_cutoff": 8, "filter_order": 6, "fft_length": 64}"#,
        sound: false,
        peers: &[("low_pass_scipy", TWENTIETH)],
        reference_us: Some(15.0),
    },
    Case {
        name: "wavelet_db4",
        block: "spectral_analysis",
        params: r#"{"analysis_type": "Wavelet"}"#,
        sound: false,
        peers: &[("wavelet_pywavelets", TWENTIETH)],
        reference_us: Some(13.0),
    },
    Case {
        name: "flatten",
        block: "flatten",
        params: "{}",
        sound: false,
        peers: &[("flatten_scipy", TWENTIETH)],
        reference_us: None,
    },
];

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let binary = workspace.release_binary()?;
    let python = peer::python(workspace, "bench-venv-dsp", "dsp.txt")?;
    let dir = workspace.scratch("bench-dsp")?;
    write(&dir.join("sound.npy"), npy(&[16_000], &noise(16_000, 8000.0)))?;
    write(&dir.join("motion.npy"), npy(&[125, 3], &noise(375, 2.0)))?;
    for case in CASES {
        one(workspace, &binary, &python, &dir, case, pairs, tell)?;
    }
    tell(ten_hours(workspace, &binary, &dir)?);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn one(
    workspace: &Workspace,
    binary: &Path,
    python: &Path,
    dir: &Path,
    case: &Case,
    pairs: u64,
    tell: &mut dyn FnMut(Figure),
) -> Result<()> {
    let (window, rate) = if case.sound { ("sound.npy", "16000") } else { ("motion.npy", "62.5") };
    let parse = |text: &str| -> Result<Value> {
        serde_json::from_str(text).with_context(|| format!("no figures of {}", case.name))
    };
    let microseconds = |v: &Value| -> Result<f64> {
        Ok(1e6 * v["seconds"].as_f64().with_context(|| format!("no time of {}", case.name))?)
    };
    let ours = || {
        let args = ["dsp", "run", case.block, "--params", case.params, "--rate", rate, "--json"];
        let files = ["--input", window, "--out", "features.npy", "--repeat", REPEAT];
        parse(&captured(command(dir, binary, args).args(files))?)
    };
    let figure = |peer: &str, peer_name, runs, claim, notes| Figure {
        name: format!("dsp_{}_{peer}_time", case.name),
        unit: "us",
        peer_name: Some(peer_name),
        runs,
        claim,
        notes,
    };
    let mut all = Vec::new();
    for (theirs, most) in case.peers {
        let script = workspace.root.join("benches/peers/dsp.py");
        let theirs_once = || {
            let mut run = command(dir, python, [&script]);
            parse(&captured(run.args([*theirs, window]).env("PYTHONDONTWRITEBYTECODE", "1"))?)
        };
        let (mut runs, mut called) = (Vec::new(), String::new());
        for pair in 0..pairs {
            eprintln!("{theirs}, pair {} of {pairs}", pair + 1);
            // Whoever goes first changes from pair to pair.
            let early = if pair % 2 == 1 { Some(theirs_once()?) } else { None };
            let us = ours()?;
            let them = match early {
                Some(early) => early,
                None => theirs_once()?,
            };
            if us["features"] != them["values"] {
                bail!("{theirs}: {} values, and ours are {}", them["values"], us["features"]);
            }
            runs.push((microseconds(&us)?, Some(microseconds(&them)?)));
            called = them["name"].as_str().unwrap_or(theirs).to_owned();
        }
        all.extend(runs.iter().map(|r| r.0));
        let (_, peer) = theirs.split_once('_').unwrap_or_default();
        let peer = peer.trim_start_matches("pass_");
        let notes = json!({"window": window, "params": case.params, "what": "fastest run, one thread"});
        tell(figure(peer, called, runs, most.map(Claim::Ratio), notes));
    }
    if let Some(reference) = case.reference_us {
        let runs = all.into_iter().map(|us| (us, Some(reference))).collect();
        let notes = json!({"what": "the reference was not run here: its time is a constant, of another day and a loaded machine"});
        let name = "reference C++ figure of reference/targets".to_owned();
        tell(figure("reference", name, runs, Some(Claim::Ratio(HALF)), notes));
    }
    Ok(())
}

/// Values of a seeded generator within plus and minus `loud`: the same on every machine.
fn noise(count: usize, loud: f32) -> Vec<f32> {
    let mut values = data::Values::new(1);
    (0..count).map(|_| loud * ((values.next() >> 8) as f32 / (1 << 22) as f32 - 1.0)).collect()
}

/// An array of single precision as a `.npy` file.
fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n},")).collect();
    let mut head = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + head.len() + 1) % 64 != 0 {
        head.push(' ');
    }
    head.push('\n');
    let mut out = b"\x93NUMPY\x01\0".to_vec();
    out.extend((head.len() as u16).to_le_bytes());
    out.extend(head.into_bytes());
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

/// Recordings of ten hours, and minutes of each.
const RECORDINGS: usize = 60;
const MINUTES: usize = 10;
/// Memory at most.
const PEAK_BYTES: f64 = 300e6;

/// Ten hours at 16 kHz, from files to features of windows of a second every half second.
fn ten_hours(workspace: &Workspace, binary: &Path, dir: &Path) -> Result<Figure> {
    let project = dir.join("hours");
    captured(&mut command(dir, binary, ["new", "hours", "--template", "keywords"]))?;
    let files = dir.join("files");
    std::fs::create_dir_all(&files)?;
    for n in 0..RECORDINGS {
        let mut values = data::Values::new(n as u64 + 500);
        let sound = (0..MINUTES * 60 * 16_000).map(|_| (values.next() >> 16) as i16 / 4);
        let path = files.join(format!("word{}.{n:02}.wav", n % 4));
        std::fs::File::create(&path)?.write_all(&data::wav(16_000, sound))?;
    }
    let import = ["data", "import", "files", "--project", "hours", "--label-from", "name", "--json"];
    let mut parts = vec![("import", measure(workspace, &mut command(dir, binary, import))?)];
    for stage in ["clean", "features"] {
        let args = ["run", "hours", "--until", stage, "--json"];
        parts.push((stage, measure(workspace, &mut command(dir, binary, args))?));
    }
    let told: Value = serde_json::from_str(&parts[2].1.stdout).context("`run --json` printed no JSON")?;
    let said = told["stages"].as_array().and_then(|s| s.last()).map(|s| s["notes"].to_string());
    let per_recording = 2 * MINUTES * 60 - 1;
    let seen: usize = said
        .as_deref()
        .map(|s| s.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse::<usize>().ok()).skip(1).sum())
        .unwrap_or(0);
    if seen != RECORDINGS * per_recording {
        bail!("{} windows expected, and `run` says {said:?}", RECORDINGS * per_recording);
    }
    std::fs::remove_dir_all(&project)?;
    std::fs::remove_dir_all(&files)?;
    let each = |f: fn(&super::process::Cost) -> f64| -> Value {
        parts
            .iter()
            .map(|(name, cost)| ((*name).to_owned(), json!(f(cost))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    Ok(Figure {
        name: "dsp_ten_hours_peak_bytes".into(),
        unit: "bytes",
        peer_name: None,
        runs: vec![(parts.iter().map(|p| p.1.peak_bytes).fold(0.0, f64::max), None)],
        claim: Some(Claim::Best(PEAK_BYTES)),
        notes: json!({
            "what": format!("{RECORDINGS} recordings of {MINUTES} minutes at 16 kHz: import, cleaning, MFCC of a second every half second"),
            "peak_bytes": each(|c| c.peak_bytes),
            "seconds": each(|c| c.seconds),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_begins_at_a_multiple_of_64() {
        let bytes = npy(&[2, 3], &[1.0; 6]);
        assert_eq!((bytes.len() - 24) % 64, 0);
        assert_eq!(usize::from(bytes[8]) + 10, bytes.len() - 24);
        assert!(String::from_utf8_lossy(&bytes).contains("'shape': (2,3,)"));
    }

    #[test]
    fn noise_stays_within_its_loudness() {
        let values = noise(10_000, 8.0);
        assert!(values.iter().all(|v| v.abs() <= 8.0));
        assert!(values.iter().any(|v| *v > 7.9) && values.iter().any(|v| *v < -7.9));
    }
}
