//! The crate of a whole impulse: Rust without unsafe code or standard library, raw samples in, scores out. It computes with the
//! source text of the blocks and kernels that the reference runs, so that both give the same bits.

use crate::{
    CompileError, FileTree, Options,
    names::{comment, prefix},
    rust::rust_crate,
};
use edgewright_dsp::Value;
use edgewright_impulse::{DspBlock, Impulse, Task};
use std::fmt::Write;

macro_rules! blocks {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../dsp/src/", $name)))),*]
    };
}

/// Source of the DSP blocks.
const BLOCKS: &[(&str, &str)] = blocks!(
    "lib.rs",
    "audio.rs",
    "audio_plan.rs",
    "block.rs",
    "catalog.rs",
    "cmvn.rs",
    "custom/compile.rs",
    "custom/compile/calls.rs",
    "custom/functions.rs",
    "custom/lex.rs",
    "custom/mod.rs",
    "custom/run.rs",
    "custom/schedule.rs",
    "custom/types.rs",
    "decimate.rs",
    "device_image.rs",
    "external.rs",
    "features.rs",
    "features_plan.rs",
    "fft.rs",
    "fixed/arith.rs",
    "fixed/fft.rs",
    "fixed/mod.rs",
    "fixed/normalise.rs",
    "fixed/sections.rs",
    "fixed/shape.rs",
    "fixed/spectral.rs",
    "flatten.rs",
    "framing.rs",
    "heart.rs",
    "hrv.rs",
    "image.rs",
    "math.rs",
    "mel.rs",
    "peaks.rs",
    "plan.rs",
    "raw.rs",
    "resample.rs",
    "spectral.rs",
    "spectral_plan.rs",
    "stream.rs",
    "wavelet.rs",
    "wavelet_taps.rs",
    "wide.rs",
    "work.rs"
);

/// Where the blocks ask the processor what it has, which takes the standard library and unsafe code.
const ASKING: &str = r#"all(target_arch = "x86_64", not(target_os = "none"))"#;

/// A source file of the blocks without its tests, for any processor.
fn plain(name: &str, text: &str) -> String {
    let text = text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before);
    // What is asked where nothing holds is never compiled.
    let text = text.replace(ASKING, "any()").replace("any(test, any())", "any()");
    match name {
        "lib.rs" => text.replace("#![no_std]", "#![no_std]\n#![forbid(unsafe_code)]\n#![allow(dead_code)]"),
        _ => text,
    }
}

fn manifest(name: &str, library: &str, what: &str, dependencies: &str) -> String {
    format!(
        r#"[package]
name = "{name}"
description = "{what}, made by edgewright"
version = "{version}"
edition = "2024"
rust-version = "{rust}"
license = "MIT OR Apache-2.0"
publish = false

[lib]
name = "{library}"
doctest = false

[dependencies]
{dependencies}"#,
        version = env!("CARGO_PKG_VERSION"),
        rust = env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// Emits an impulse as a crate with the crates it needs beside it: `dsp/`, and `nn0/` and so on for the learning blocks.
///
/// # Errors
/// [`CompileError::Graph`] for an operator without a kernel in Rust.
pub fn rust_impulse(impulse: &Impulse, options: &Options) -> Result<FileTree, CompileError> {
    let p = options.prefix.as_deref().map_or_else(|| prefix(&impulse.name), prefix);
    let mut tree = FileTree::new();
    let mut put = |path: String, text: String| tree.insert(path, text.into_bytes());
    let mut dependencies = format!("{p}_dsp = {{ path = \"dsp\" }}\n");
    for (i, learn) in impulse.learn.iter().enumerate() {
        let name = format!("{p}_nn{i}");
        let _ = writeln!(dependencies, "{name} = {{ path = \"nn{i}\" }}");
        let files = rust_crate(&learn.graph, &Options { prefix: Some(name) })
            .map_err(|e| CompileError::Graph { id: learn.id.clone(), reason: e.to_string() })?;
        for (path, bytes) in files {
            put(format!("nn{i}/{path}"), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    put("Cargo.toml".into(), manifest(&p, &p, "An impulse as plain Rust", &dependencies));
    let dsp = format!("{p}_dsp");
    put("dsp/Cargo.toml".into(), manifest(&dsp, &dsp, "Signal processing blocks", "libm = \"0.2.16\"\n"));
    for (name, text) in BLOCKS {
        put(format!("dsp/src/{name}"), plain(name, text));
    }
    put("src/lib.rs".into(), library(impulse, &p));
    put("examples/classify.rs".into(), example(&p));
    put("README.md".into(), page(impulse, &p));
    Ok(tree)
}

fn plan(block: &DspBlock, impulse: &Impulse) -> String {
    let params: Vec<String> = block
        .params
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Number(v) => format!("Number({v:?})"),
                Value::Bool(v) => format!("Bool({v})"),
                Value::Text(v) => format!("Text(String::from({v:?}))"),
            };
            format!("(String::from({name:?}), Value::{value})")
        })
        .collect();
    let spec = impulse.window.spec(block.axes.len());
    format!(
        "planned({:?}, {}, &Params::from([{}]), &WindowSpec {{ rate_hz: {:?}, axes: {}, frames: {}, image: {:?} }})?",
        block.block,
        block.version,
        params.join(", "),
        spec.rate_hz,
        spec.axes,
        spec.frames,
        spec.image
    )
}

/// What the labels and the learning blocks are called, and where their outputs lie.
fn constants(impulse: &Impulse) -> String {
    let mut out = String::new();
    let labels = impulse.labels();
    if !labels.is_empty() {
        let _ = writeln!(
            out,
            "/// Names of the labels, in the order of the scores.\npub const LABELS: [&str; {}] = {labels:?};",
            labels.len()
        );
    }
    let mut at = 0;
    for learn in &impulse.learn {
        let len = learn.graph.tensor(learn.graph.outputs[0]).len();
        let range = format!("{at}..{}", at + len);
        match &learn.task {
            Task::Classification { min_confidence, .. } => {
                let _ = writeln!(
                    out,
                    "/// Where the scores lie among the outputs: one per label, summing to 1.\npub const SCORES: core::ops::Range<usize> = {range};"
                );
                if let Some(least) = min_confidence {
                    let _ = writeln!(
                        out,
                        "/// A window whose highest score lies below is uncertain.\npub const MIN_CONFIDENCE: f32 = {least:?};"
                    );
                }
            }
            Task::Regression => {
                let _ = writeln!(
                    out,
                    "/// Where the estimate lies among the outputs.\npub const VALUE: usize = {at};"
                );
            }
            Task::Detection(d) => {
                let _ = writeln!(
                    out,
                    "/// Where the scores of the cells lie among the outputs, row by row: background, then each label.\npub const CELLS: core::ops::Range<usize> = {range};\n/// Rows and columns of cells.\npub const GRID: [usize; 2] = [{}, {}];",
                    d.rows, d.columns
                );
            }
            Task::Anomaly { threshold } => {
                let _ = writeln!(
                    out,
                    "/// Where the anomaly score lies among the outputs; larger is more unusual.\npub const ANOMALY: usize = {at};\n/// Scores above it count as anomalies.\npub const ANOMALY_THRESHOLD: f32 = {threshold:?};"
                );
            }
        }
        at += len;
    }
    out
}

fn library(impulse: &Impulse, p: &str) -> String {
    let w = &impulse.window;
    let (mut plans, mut names) = (String::new(), Vec::new());
    let (mut extract, mut at, mut state_at) = (String::new(), 0, 0);
    for (i, block) in impulse.dsp.iter().enumerate() {
        let _ = writeln!(plans, "                {},", plan(block, impulse));
        names.push(format!("{:?}", block.id));
        let all = block.axes.len() == w.axes.len() && block.axes.iter().enumerate().all(|(i, &a)| i == a);
        let values = if all {
            "window"
        } else {
            let _ = writeln!(
                extract,
                "        self.selected.clear();\n        for frame in window.chunks_exact(AXES) {{\n            self.selected.extend([{}]);\n        }}",
                block.axes.iter().map(|a| format!("frame[{a}]")).collect::<Vec<_>>().join(", ")
            );
            "&self.selected"
        };
        let state = format!("&mut self.state[{state_at}..{}]", state_at + block.plan.state_len());
        let to = at + block.features();
        let call = |out: &str| {
            format!(
                "self.plans[{i}].extract_next({values}, {state}, &mut self.scratch, {out}).map_err(|reason| Error::Dsp {{ block: BLOCKS[{i}], reason }})?;"
            )
        };
        match &block.keep {
            None => {
                let _ = writeln!(extract, "        {}", call(&format!("&mut out[{at}..{to}]")));
            }
            Some(keep) => {
                let _ = writeln!(
                    extract,
                    "        self.whole.resize({}, 0.0);\n        {}\n        for (to, from) in out[{at}..{to}].iter_mut().zip([{}]) {{\n            *to = self.whole[from];\n        }}",
                    block.plan.output().len(),
                    call("&mut self.whole"),
                    keep.iter().map(|k: &usize| format!("{k}usize")).collect::<Vec<_>>().join(", ")
                );
            }
        }
        at = to;
        state_at += block.plan.state_len();
    }
    let offsets = impulse.feature_offsets();
    let (mut fields, mut made, mut infer, mut out_at) = (String::new(), String::new(), String::new(), 0);
    for (i, learn) in impulse.learn.iter().enumerate() {
        let len = learn.graph.tensor(learn.graph.outputs[0]).len();
        let _ = writeln!(fields, "    nn{i}: Box<{p}_nn{i}::model::Model>,");
        let _ = writeln!(made, "            nn{i}: Box::new({p}_nn{i}::model::Model::new()),");
        let mut gather = String::new();
        let mut to = 0;
        for &block in &learn.inputs {
            let n = impulse.dsp[block].features();
            let _ = writeln!(
                gather,
                "            x[{to}..{}].copy_from_slice(&features[{}..{}]);",
                to + n,
                offsets[block],
                offsets[block] + n
            );
            to += n;
        }
        let _ = writeln!(
            infer,
            "        {{\n            let (mut x, mut y) = ([0.0; {to}], [0.0; {len}]);\n{gather}            self.nn{i}.invoke(&x, &mut y).map_err(|_| Error::Layout)?;\n            out[{out_at}..{}].copy_from_slice(&y);\n        }}",
            out_at + len
        );
        out_at += len;
    }
    // Where blocks see some of the axes alone, or keep some of their values.
    let used: Vec<&str> =
        ["selected", "whole"].into_iter().filter(|b| extract.contains(&format!("self.{b}"))).collect();
    let buffers: String = used.iter().map(|b| format!("    {b}: Vec<f32>,\n")).collect();
    let made_buffers: String = used.iter().map(|b| format!("            {b}: Vec::new(),\n")).collect();
    let axes: Vec<String> = w.axes.iter().map(|a| comment(&format!("{} ({})", a.name, a.units))).collect();
    format!(
        r#"//! {title}: {frames} frames of {axes} at {rate} Hz in, scores out. Made by edgewright {version}; do not edit.
//!
//! No standard library, no unsafe code. It takes a heap when it is made, for tables and buffers, and none while it runs, unless a
//! block sees some of the axes alone or keeps some of its values: then the first window takes some more.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{{boxed::Box, string::String, vec, vec::Vec}};
use {p}_dsp::{{Params, Plan, Value, WindowSpec}};

pub use {p}_dsp::DspError;

/// Frames of a window.
pub const WINDOW_FRAMES: usize = {frames};
/// Values of a frame.
pub const AXES: usize = {axis_count};
/// Values of a window: all axes of a frame together.
pub const WINDOW_LEN: usize = {window_len};
/// Values from one window to the next.
pub const STRIDE_LEN: usize = {stride_len};
/// Frames in a second.
pub const SAMPLE_RATE_HZ: f64 = {rate_literal:?};
/// Features of a window.
pub const FEATURE_COUNT: usize = {features};
/// Outputs of the learning blocks together, in their order.
pub const OUTPUT_COUNT: usize = {outputs};
/// Names of the DSP blocks.
pub const BLOCKS: [&str; {block_count}] = [{names}];
{constants}
/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {{
    /// A DSP block refuses the window: a length that is not planned (`length`), a value that is no number (`not_finite`).
    Dsp {{
        /// Name of the block.
        block: &'static str,
        /// Its own words.
        reason: DspError,
    }},
    /// The memory plan does not hold together; a bug of the generator.
    Layout,
}}

impl core::fmt::Display for Error {{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {{
        match self {{
            Self::Dsp {{ block, reason }} => write!(f, "DSP block `{{block}}`: {{reason}}"),
            Self::Layout => f.write_str("the memory plan does not hold together"),
        }}
    }}
}}

impl core::error::Error for Error {{}}

fn planned(block: &'static str, version: u32, params: &Params, window: &WindowSpec) -> Result<Plan, Error> {{
    {p}_dsp::plan(block, version, params, window).map_err(|reason| Error::Dsp {{ block, reason }})
}}

/// The impulse with its tables and the memory it works in.
pub struct Impulse {{
    plans: [Plan; {block_count}],
    scratch: Vec<f32>,
    state: Vec<f32>,
{buffers}    features: Vec<f32>,
{fields}}}

impl Impulse {{
    /// An impulse that has seen no window.
    ///
    /// # Errors
    /// [`Error::Dsp`], never: the blocks were planned when this was made.
    pub fn new() -> Result<Self, Error> {{
        // Not every impulse has parameters of each kind.
        let _ = (Value::Bool(true), String::new());
        let plans = [
{plans}        ];
        let scratch = plans.iter().map(Plan::scratch_len).max().unwrap_or(0);
        Ok(Self {{
            plans,
            scratch: vec![0.0; scratch],
            state: vec![0.0; {state_at}],
{made_buffers}            features: vec![0.0; FEATURE_COUNT],
{made}        }})
    }}

    /// Forgets earlier windows: the next one follows none.
    pub fn reset(&mut self) {{
        self.state.fill(0.0);
    }}

    /// Features of a window of [`WINDOW_LEN`] values.
    ///
    /// # Errors
    /// [`Error::Dsp`].
    pub fn extract(&mut self, window: &[f32], out: &mut [f32; FEATURE_COUNT]) -> Result<(), Error> {{
{extract}        Ok(())
    }}

    /// From features to the outputs of the learning blocks.
    ///
    /// # Errors
    /// [`Error::Layout`], never.
    pub fn invoke(&mut self, features: &[f32; FEATURE_COUNT], out: &mut [f32; OUTPUT_COUNT]) -> Result<(), Error> {{
        let _ = (features, &*out);
{infer}        Ok(())
    }}

    /// From a window of [`WINDOW_LEN`] values to the outputs of the learning blocks.
    ///
    /// # Errors
    /// [`Error::Dsp`].
    pub fn classify(&mut self, window: &[f32]) -> Result<[f32; OUTPUT_COUNT], Error> {{
        let mut features = core::mem::take(&mut self.features);
        let mut out = [0.0; OUTPUT_COUNT];
        let done = match features.first_chunk_mut() {{
            Some(all) => self.extract(window, all).and_then(|()| self.invoke(all, &mut out)),
            None => Err(Error::Layout),
        }};
        self.features = features;
        done.map(|()| out)
    }}
}}
"#,
        title = comment(&impulse.name),
        version = env!("CARGO_PKG_VERSION"),
        frames = w.frames,
        axes = axes.join(", "),
        rate = w.rate_hz,
        rate_literal = w.rate_hz,
        axis_count = w.axes.len(),
        window_len = w.values(),
        stride_len = w.stride * w.axes.len(),
        features = impulse.features(),
        outputs = out_at,
        block_count = impulse.dsp.len(),
        names = names.join(", "),
        constants = constants(impulse),
    )
}

fn example(p: &str) -> String {
    format!(
        r#"//! Classifies a recording of little-endian 32-bit floats, window by window: `cargo run --example classify -- FILE`.

use {p}::{{Impulse, STRIDE_LEN, WINDOW_LEN}};

fn main() -> Result<(), Box<dyn std::error::Error>> {{
    let path = std::env::args().nth(1).ok_or("give a file")?;
    let values: Vec<f32> =
        std::fs::read(path)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut impulse = Impulse::new()?;
    for window in values.windows(WINDOW_LEN).step_by(STRIDE_LEN) {{
        println!("{{:?}}", impulse.classify(window)?);
    }}
    Ok(())
}}
"#
    )
}

fn page(impulse: &Impulse, p: &str) -> String {
    let boxes = match impulse.detector() {
        Some(_) => "- It gives the scores of the cells; boxes are made by the packages in C.\n",
        None => "",
    };
    format!(
        r#"# {p}

Rust, `no_std` with `alloc`, without unsafe code. `{p} = {{ path = "..." }}` in a manifest, then:

```rust
let mut impulse = {p}::Impulse::new()?;
let outputs = impulse.classify(&window)?; // {window} raw values, all axes of a frame together
```

The outputs are those of the reference, bit for bit: `cargo test` compares them. It depends on `libm` alone, with which the
tables of the DSP blocks are made when the impulse is.

- The tables lie on the heap, not in flash, and the code that plans every kind of block is linked: where flash is scarce, take
  the C package.
{boxes}"#,
        window = impulse.window.values(),
    )
}

#[cfg(test)]
mod tests {
    use super::BLOCKS;
    use std::path::Path;

    /// Names of the source files below a folder.
    fn sources(folder: &Path, ahead: &str, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = format!("{ahead}{}", path.file_name().expect("a name").to_string_lossy());
            if path.is_dir() {
                sources(&path, &format!("{name}/"), into);
            } else {
                into.push(name);
            }
        }
    }

    #[test]
    fn every_source_of_the_blocks_is_carried() {
        let mut there = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../dsp/src"), "", &mut there);
        let carried = |name: &String| BLOCKS.iter().any(|(n, _)| n == name);
        let left: Vec<&String> = there.iter().filter(|n| !carried(n) && !n.contains("tests")).collect();
        assert!(there.len() > 30 && left.is_empty(), "{left:?}");
    }
}
