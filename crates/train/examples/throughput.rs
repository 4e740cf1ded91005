//! Trains a network of `benches/peers/train.json` on random rows and prints samples per second, for `cargo xtask bench train`.
//!
//! `throughput LIST NETWORK EPOCHS THREADS`. The first epoch is not counted.

use edgewright_train::{Event, Flow, Head, Layer, Network, Rows, Settings, Targets, fit};
use serde::Deserialize;
use std::{error::Error, io::Write, time::Instant};

#[derive(Deserialize)]
struct Entry {
    name: String,
    input: Vec<usize>,
    classes: usize,
    rows: usize,
    layers: Vec<Layer>,
}

struct Memory {
    width: usize,
    values: Vec<f32>,
}

impl Rows for Memory {
    fn len(&self) -> usize {
        self.values.len() / self.width
    }
    fn width(&self) -> usize {
        self.width
    }
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()> {
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            out.copy_from_slice(&self.values[row * self.width..][..self.width]);
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, list, name, epochs, threads] = args.as_slice() else {
        return Err("usage: throughput LIST NETWORK EPOCHS THREADS".into());
    };
    let list: Vec<Entry> = serde_json::from_str(&std::fs::read_to_string(list)?)?;
    let entry = list.into_iter().find(|e| &e.name == name).ok_or("no such network")?;
    let epochs: usize = epochs.parse()?;
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33
    };
    let width = entry.input.iter().product();
    let values = (0..entry.rows * width).map(|_| draw() as f32 / (1u64 << 30) as f32 - 1.0).collect();
    let of: Vec<u32> = (0..entry.rows).map(|_| (draw() % entry.classes as u64) as u32).collect();
    let network =
        Network { input: entry.input, layers: entry.layers, head: Head::Softmax { classes: entry.classes } };
    let settings = Settings {
        epochs: epochs + 1,
        learning_rate: 0.001,
        threads: threads.parse()?,
        ..Settings::default()
    };
    let started = Instant::now();
    let mut first = None;
    let mut last = started;
    let fitted = fit(
        &network,
        &Memory { width, values },
        &Targets::Classes { of: &of, count: entry.classes },
        &Memory { width, values: Vec::new() },
        &Targets::Classes { of: &[], count: entry.classes },
        &settings,
        None,
        &mut |_: &Event<'_>| {
            last = Instant::now();
            first.get_or_insert(last);
            Flow::Continue
        },
    )?;
    let seconds = (last - first.unwrap_or(started)).as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    let out = serde_json::json!({
        "samples_per_second": (entry.rows * epochs) as f64 / seconds,
        "peak_bytes": kib.unwrap_or(0.0) * 1024.0,
        "parameters": fitted.parameters,
        "first_epoch_seconds": first.map(|f| (f - started).as_secs_f64()),
    });
    writeln!(std::io::stdout(), "{out}")?;
    Ok(())
}
