//! A project in a temporary folder, and the command run on it.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod http;
pub mod models;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A temporary project.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A project made by `new`.
    pub fn new(template: &str) -> Self {
        let bench = Self::empty();
        let out = bench.run(&["new", "project", "--template", template]);
        assert!(out.status.success(), "{}", text(&out));
        bench
    }

    /// Path below the folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file, with its folders.
    pub fn write(&self, below: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// Adds to the project file.
    pub fn append(&self, toml: &str) {
        let path = self.path("project/edgewright.toml");
        let mut text = std::fs::read_to_string(&path).expect("read");
        text.push_str(toml);
        std::fs::write(path, text).expect("written");
    }

    /// Replaces a text in the project file that must be there.
    pub fn replace(&self, from: &str, to: &str) {
        let path = self.path("project/edgewright.toml");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(from), "`{from}` is not in the project file");
        std::fs::write(path, text.replace(from, to)).expect("written");
    }

    /// Runs the command in the folder.
    pub fn run(&self, args: &[&str]) -> Output {
        command(self.dir.path()).args(args).output().expect("the command starts")
    }

    /// Runs the command and reads its one JSON object.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let out = self.run(args);
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out)))
    }
}

/// The command in some folder.
pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewright"));
    command.current_dir(dir).arg("--no-progress");
    command
}

/// Both outputs.
pub fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// A small deterministic noise source.
pub struct Noise(pub u64);

impl Noise {
    /// -1..1
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as f64 / (1u64 << 31) as f64) * 2.0 - 1.0
    }
}

/// 16-bit mono WAV.
pub fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    let bytes = (samples.len() * 2) as u32;
    let mut out = Vec::new();
    out.extend(b"RIFF");
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * 2).to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    out
}

/// Half a second of a tone in noise at 8 kHz.
pub fn tone(hz: f64, seed: u64) -> Vec<u8> {
    let mut noise = Noise(seed.wrapping_mul(7919).wrapping_add(17));
    let phase = noise.next();
    let samples: Vec<i16> = (0..4000)
        .map(|i| {
            let t = i as f64 / 8000.0 + phase;
            (3000.0 * (t * hz * std::f64::consts::TAU).sin() + 900.0 * noise.next()) as i16
        })
        .collect();
    wav(8000, &samples)
}

/// Two seconds of three axes at 50 Hz as CSV with a timestamp.
pub fn motion(hz: f64, amplitude: f64, seed: u64) -> String {
    let mut noise = Noise(seed.wrapping_mul(104_729).wrapping_add(3));
    let phase = noise.next();
    let mut out = String::from("timestamp,accX,accY,accZ\n");
    for i in 0..100 {
        let t = f64::from(i) / 50.0 + phase;
        let swing = amplitude * (t * hz * std::f64::consts::TAU).sin();
        out.push_str(&format!(
            "{},{:.4},{:.4},{:.4}\n",
            i * 20,
            swing + 0.1 * noise.next(),
            0.5 * swing + 0.1 * noise.next(),
            9.81 + 0.1 * noise.next()
        ));
    }
    out
}
