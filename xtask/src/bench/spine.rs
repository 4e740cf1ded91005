//! Group `spine`: the whole run of the keyword example against a Python script that does the same.

use super::{Claim, Figure, peer, process::measure};
use crate::{
    process::{captured, command},
    workspace::{Workspace, list, name, read, write},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::Path;

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let binary = workspace.release_binary()?;
    tell(size(&binary)?);
    tell(cold_start(workspace, &binary)?);
    against_python(workspace, &binary, pairs, tell)?;
    tell(ten_copies(workspace, &binary)?);
    Ok(())
}

fn size(binary: &Path) -> Result<Figure> {
    let bytes = std::fs::metadata(binary).with_context(|| format!("no {}", binary.display()))?.len();
    Ok(Figure {
        name: "release_binary_bytes".into(),
        unit: "bytes",
        peer_name: None,
        runs: vec![(bytes as f64, None)],
        claim: None,
        notes: json!({"build": "cargo build --release, as the README says, not stripped"}),
    })
}

fn cold_start(workspace: &Workspace, binary: &Path) -> Result<Figure> {
    let runs = (0..20)
        .map(|_| {
            let started = std::time::Instant::now();
            captured(&mut command(&workspace.root, binary, ["--version"]))?;
            Ok((started.elapsed().as_secs_f64() * 1000.0, None))
        })
        .collect::<Result<_>>()?;
    Ok(Figure {
        name: "cold_start_time".into(),
        unit: "ms",
        peer_name: None,
        runs,
        claim: Some(Claim::Best(30.0)),
        notes: json!({"command": "edgewright --version"}),
    })
}

/// A copy of the example that trains a fixed number of epochs, so that chance in early stopping favours nobody.
fn copy_of_example(workspace: &Workspace, to: &Path, epochs: u64, copies: usize, also: &str) -> Result<()> {
    let example = workspace.root.join("examples/keywords");
    let mut file: toml::Table = read(&example.join("edgewright.toml"))?.parse().context("edgewright.toml")?;
    let mut set = |section: &str, key: &str, value: toml::Value| -> Result<()> {
        file.entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .with_context(|| format!("[{section}] is no section"))?
            .insert(key.into(), value);
        Ok(())
    };
    set("training", "epochs", toml::Value::Integer(epochs as i64))?;
    set("training", "patience", toml::Value::Integer(0))?;
    for line in also.lines().filter(|l| !l.is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(section), Some(key)) = (words.next(), words.next()) else { continue };
        let value = words.collect::<Vec<_>>().join(" ");
        let parsed: toml::Table = format!("v = {value}").parse().context("a setting of the bench")?;
        set(section, key, parsed["v"].clone())?;
    }
    // Gates belong to the example, not to a measurement.
    file.remove("evaluation");
    write(&to.join("edgewright.toml"), toml::to_string(&file)?)?;
    for path in list(&example.join("recordings"))? {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        write(&to.join("recordings").join(name(&path)), &bytes)?;
        for copy in 1..copies {
            write(&to.join("recordings").join(copied_name(&name(&path), copy)), marked(&bytes, copy)?)?;
        }
    }
    Ok(())
}

/// `yes.voice.0001.flac` becomes `yes.voice.c3-0001.flac`: label and group stay.
fn copied_name(name: &str, copy: usize) -> String {
    match name.rsplit('.').nth(1) {
        Some(number) if name.matches('.').count() >= 2 => {
            let at = name.len() - name.rsplit('.').take(2).map(|p| p.len() + 1).sum::<usize>() + 1;
            format!("{}c{copy}-{number}{}", &name[..at], &name[at + number.len()..])
        }
        _ => format!("c{copy}-{name}"),
    }
}

/// The same sound as other bytes: an application block in FLAC, a chunk that nobody reads in WAV.
fn marked(bytes: &[u8], copy: usize) -> Result<Vec<u8>> {
    let mark = [b'e', b'w', b'c', b'p', copy as u8, 0, 0, 0];
    if bytes.starts_with(b"fLaC") && bytes.len() > 42 {
        // The stream information is always first: 4 bytes of header and 34 of content. The last block of metadata has the top bit set.
        let last = bytes[4] & 0x80;
        let mut out = bytes[..42].to_vec();
        out[4] &= 0x7f;
        out.extend([last | 2, 0, 0, mark.len() as u8]);
        out.extend(mark);
        out.extend(&bytes[42..]);
        return Ok(out);
    }
    if bytes.starts_with(b"RIFF") && bytes.len() > 12 {
        let mut out = bytes.to_vec();
        out.extend(b"ewcp");
        out.extend((mark.len() as u32).to_le_bytes());
        out.extend(mark);
        let size = (out.len() - 8) as u32;
        out[4..8].copy_from_slice(&size.to_le_bytes());
        return Ok(out);
    }
    bail!("the example's recordings are neither FLAC nor WAV")
}

fn from_clean(project: &Path) -> Result<()> {
    for below in [".edgewright", "build", "report"] {
        let dir = project.join(below);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
    }
    Ok(())
}

/// Epochs of both sides.
const EPOCHS: u64 = 60;

fn against_python(
    workspace: &Workspace,
    binary: &Path,
    pairs: u64,
    tell: &mut dyn FnMut(Figure),
) -> Result<()> {
    let python = peer::python(workspace, "bench-venv", "requirements.txt")?;
    let peer_name = peer::name(workspace, &python);
    let work = workspace.scratch("bench")?;
    let project = work.join("keywords");
    copy_of_example(workspace, &project, EPOCHS, 1, "")?;
    captured(&mut command(&project, binary, ["run", "--until", "split", "--json"]))?;
    let settings = work.join("settings.json");
    write(&settings, peer::settings(workspace, binary, &project, EPOCHS)?.to_string())?;
    let script = workspace.root.join("benches/peers/keywords.py");

    let (mut whole, mut same, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let mut notes = Vec::new();
    for pair in 0..pairs {
        eprintln!("keywords, pair {} of {pairs}", pair + 1);
        let ours = |extra: &[&str]| {
            from_clean(&project)?;
            measure(workspace, command(&project, binary, ["run", "--json"]).args(extra))
        };
        // Whoever goes first changes from pair to pair.
        let peer_first = pair % 2 == 1;
        let theirs = || {
            measure(
                workspace,
                command(&work, &python, [&script, &settings]).env("PYTHONDONTWRITEBYTECODE", "1"),
            )
        };
        let early = if peer_first { Some(theirs()?) } else { None };
        let until_test = ours(&["--until", "test"])?;
        let all = ours(&[])?;
        let theirs = match early {
            Some(early) => early,
            None => theirs()?,
        };
        whole.push((all.seconds, Some(theirs.seconds)));
        same.push((until_test.seconds, Some(theirs.seconds)));
        memory.push((all.peak_bytes, Some(theirs.peak_bytes)));
        let run: Value =
            serde_json::from_str(&all.stdout).context("`edgewright run --json` printed no JSON")?;
        let python: Value =
            theirs.stdout.lines().last().and_then(|l| serde_json::from_str(l).ok()).unwrap_or_default();
        notes.push(json!({"ours": {"float": run["test"]["float"]["accuracy"], "int8": run["test"]["int8"]["accuracy"]}, "peer": python}));
    }
    let figure = |name: &str, unit, runs, claim, notes| Figure {
        name: name.into(),
        unit,
        peer_name: Some(peer_name.clone()),
        runs,
        claim,
        notes,
    };
    let does = "ours: the whole run from clean, with compiling and proving the C; the peer stops after evaluating its int8 model";
    tell(figure(
        "keywords_run_time",
        "s",
        whole,
        Some(Claim::Ratio(0.2)),
        json!({"what": does, "epochs": EPOCHS, "results": notes}),
    ));
    let does = "both: read, features, train, quantise, evaluate float and int8";
    tell(figure("keywords_until_test_time", "s", same, None, json!({"what": does, "epochs": EPOCHS})));
    let does = "high-water mark of each process, without the compilers and emulators that ours starts";
    tell(figure("keywords_run_peak_bytes", "bytes", memory, None, json!({"what": does})));
    Ok(())
}

/// Peak memory on ten copies of the data set against that on one.
fn ten_copies(workspace: &Workspace, binary: &Path) -> Result<Figure> {
    let work = workspace.scratch("bench-copies")?;
    let settings = "clean keep_duplicates true\ndeploy targets [\"host\"]\ndeploy cases 100\n";
    let mut peaks = Vec::new();
    let mut samples = Vec::new();
    for copies in [10, 1] {
        let project = work.join(format!("x{copies}"));
        copy_of_example(workspace, &project, 1, copies, settings)?;
        eprintln!("memory on {copies} x the data set");
        let cost = measure(workspace, &mut command(&project, binary, ["run", "--json"]))?;
        let run: Value =
            serde_json::from_str(&cost.stdout).context("`edgewright run --json` printed no JSON")?;
        samples.push(
            run["data"]["training"].as_u64().unwrap_or(0) + run["data"]["testing"].as_u64().unwrap_or(0),
        );
        peaks.push(cost.peak_bytes);
    }
    if samples[0] < samples[1] * 9 {
        bail!("the tenfold copy kept only {} samples of {} x 10", samples[0], samples[1]);
    }
    std::fs::remove_dir_all(&work)?;
    Ok(Figure {
        name: "ten_copies_peak_bytes".into(),
        unit: "bytes",
        peer_name: Some("the same run on the data set once".into()),
        runs: vec![(peaks[0], Some(peaks[1]))],
        claim: Some(Claim::Ratio(1.5)),
        notes: json!({"what": "whole run, one epoch", "samples": {"ours": samples[0], "peer": samples[1]}}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_label_and_group() {
        assert_eq!(copied_name("yes.voice1.0001.flac", 3), "yes.voice1.c3-0001.flac");
        assert_eq!(copied_name("noise.wav", 3), "c3-noise.wav");
    }

    #[test]
    fn a_marked_flac_keeps_its_last_block_last() {
        let mut flac = b"fLaC".to_vec();
        flac.extend([0x80, 0, 0, 34]);
        flac.extend([7; 34]);
        flac.extend([0xff, 0xf8, 1, 2]);
        let out = marked(&flac, 5).expect("marked");
        assert_eq!((out[4], &out[42..46]), (0, &[0x82, 0, 0, 8][..]));
        assert_eq!(&out[out.len() - 4..], &[0xff, 0xf8, 1, 2]);
    }

    #[test]
    fn a_marked_wav_says_its_size() {
        let wav = [b"RIFF".as_slice(), &28u32.to_le_bytes(), b"WAVE", &[0; 24]].concat();
        let out = marked(&wav, 1).expect("marked");
        assert_eq!(u32::from_le_bytes([out[4], out[5], out[6], out[7]]) as usize, out.len() - 8);
        assert!(marked(b"other", 1).is_err());
    }
}
