//! Group `data`: folders of recordings, from files to clean arrays with an index, against a Python script that does the same with
//! pandas and soundfile.

use super::{Claim, Figure, peer, process::measure};
use crate::{
    process::{captured, command, quiet},
    workspace::{Workspace, write},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{fmt::Write, path::Path};

/// Files of each kind. Every tenth is the bytes of the one before it again.
const TABLES: usize = 300;
const CLIPS: usize = 1500;
const COPY: usize = 10;
/// Rows of six axes at 100 Hz, and values at 16 kHz.
const ROWS: usize = 2000;
const VALUES: usize = 16_000;

/// A small generator: the same files on every machine.
pub struct Values(u64);

impl Values {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 31 bits.
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

fn table(n: usize) -> Result<String> {
    let mut values = Values::new(n as u64 + 1);
    let mut out = String::from("timestamp,accX,accY,accZ,gyrX,gyrY,gyrZ\n");
    for row in 0..ROWS {
        write!(out, "{}", row * 10)?;
        for _ in 0..6 {
            let v = values.next() % 40_000;
            write!(out, ",{}.{:03}", i64::from(v / 1000) - 20, v % 1000)?;
        }
        out.push('\n');
    }
    Ok(out)
}

/// 16-bit mono WAV.
pub fn wav(rate_hz: u32, values: impl Iterator<Item = i16>) -> Vec<u8> {
    let data: Vec<u8> = values.flat_map(i16::to_le_bytes).collect();
    let mut out = b"RIFF".to_vec();
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(rate_hz.to_le_bytes());
    out.extend((2 * rate_hz).to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn clip(n: usize) -> Vec<u8> {
    let mut noise = Values::new(n as u64 + 77);
    wav(16_000, (0..VALUES).map(|_| (noise.next() >> 16) as i16 / 4))
}

/// Runs all figures of the group.
pub fn run(workspace: &Workspace, pairs: u64, tell: &mut dyn FnMut(Figure)) -> Result<()> {
    let binary = workspace.release_binary()?;
    let python = peer::python(workspace, "bench-venv-data", "data.txt")?;
    let code = "import importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in ('numpy', 'pandas', 'soundfile')))";
    let versions = quiet(&mut command(&workspace.root, &python, ["-c", code])).unwrap_or_default();
    let peer_name = format!("Python script: {}", versions.trim());
    let dir = workspace.scratch("bench-data")?;
    for n in 0..TABLES {
        let of = n - usize::from(n % COPY == COPY - 1);
        write(&dir.join(format!("csv/kind{}.{n:04}.csv", of % 4)), table(of)?)?;
    }
    for n in 0..CLIPS {
        let of = n - usize::from(n % COPY == COPY - 1);
        write(&dir.join(format!("wav/word{}.{n:04}.wav", of % 4)), clip(of))?;
    }
    for (kind, files, template) in [("csv", TABLES, "motion"), ("wav", CLIPS, "keywords")] {
        let kept = files - files / COPY;
        let (mut times, mut peaks) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            eprintln!("{kind}, pair {} of {pairs}", pair + 1);
            let (mut ours, mut theirs) = ((0.0, 0.0), (0.0, 0.0));
            // In turns, so that neither always finds the files warm.
            for side in [pair % 2, 1 - pair % 2] {
                if side == 0 {
                    ours = product(workspace, &binary, &dir, kind, template, kept)?;
                } else {
                    theirs = script(workspace, &python, &dir, kind, kept)?;
                }
            }
            times.push((ours.0, Some(theirs.0)));
            peaks.push((ours.1, Some(theirs.1)));
        }
        let notes = json!({"files": files, "kept": kept, "what": "import and cleaning; every recording durable and indexed"});
        let figure = |name: String, unit, runs, claim| Figure {
            name,
            unit,
            peer_name: Some(peer_name.clone()),
            runs,
            claim: Some(claim),
            notes: notes.clone(),
        };
        tell(figure(format!("import_{kind}_time"), "s", times, Claim::Ratio(1.0)));
        tell(figure(format!("import_{kind}_peak_bytes"), "bytes", peaks, Claim::Ratio(1.0)));
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Seconds and peak memory of import and cleaning.
fn product(
    workspace: &Workspace,
    binary: &Path,
    dir: &Path,
    kind: &str,
    template: &str,
    kept: usize,
) -> Result<(f64, f64)> {
    let project = dir.join("project");
    if project.exists() {
        std::fs::remove_dir_all(&project)?;
    }
    captured(&mut command(dir, binary, ["new", "project", "--template", template]))?;
    let import = measure(
        workspace,
        &mut command(
            dir,
            binary,
            ["data", "import", kind, "--project", "project", "--label-from", "name", "--json"],
        ),
    )?;
    let clean =
        measure(workspace, &mut command(dir, binary, ["run", "project", "--until", "clean", "--json"]))?;
    let told: Value = serde_json::from_str(&clean.stdout).context("`run --json` printed no JSON")?;
    // Exact duplicates are kept as received and dropped when cleaned.
    let dropped = kept / (COPY - 1);
    if told["stages"][1]["notes"] != json!([format!("{dropped} exact duplicates dropped")]) {
        bail!("{kind}: {dropped} duplicates expected, and cleaning says {}", told["stages"][1]["notes"]);
    }
    Ok((import.seconds + clean.seconds, import.peak_bytes.max(clean.peak_bytes)))
}

fn script(workspace: &Workspace, python: &Path, dir: &Path, kind: &str, kept: usize) -> Result<(f64, f64)> {
    let out = dir.join("python");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    let script = workspace.root.join("benches/peers/data.py");
    let cost = measure(workspace, command(dir, python, [&script]).args([kind, kind, "python"]))?;
    if cost.stdout.split_whitespace().next() != Some(&kept.to_string()) {
        bail!("{kind}: the script kept {} instead of {kept}", cost.stdout.trim());
    }
    Ok((cost.seconds, cost.peak_bytes))
}
