//! The configurations, and what was counted of them.

use super::{cases::Kind, measure::Job};
use edgewright_compile::target;
use edgewright_dsp::{Params, Value, blocks};
use edgewright_impulse::{DspBlock, Impulse, Window};
use edgewright_sample::Axis;
use std::collections::BTreeMap;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/dsp_estimate/configurations.txt");

/// Cores of which one stands for each class.
#[allow(dead_code)]
pub const FITTED: [&str; 4] = ["cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m55"];

/// A block with its parameters on a window.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Only checked, not fitted to.
    pub held: bool,
    /// The line without its first cell.
    pub text: String,
    /// Block and window.
    pub job: Job,
}

/// All configurations.
pub fn configurations() -> Vec<Configuration> {
    let text = std::fs::read_to_string(FILE).unwrap_or_else(|e| panic!("{FILE}: {e}"));
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines.map(|l| configuration(l).unwrap_or_else(|e| panic!("`{l}`: {e}"))).collect()
}

fn configuration(line: &str) -> Result<Configuration, String> {
    let (purpose, text) = line.split_once(" | ").ok_or("no use")?;
    let mut cells = text.split(" | ");
    let words = |cell: Option<&str>| -> Vec<String> {
        cell.unwrap_or_default().split(' ').map(str::to_owned).collect()
    };
    let (named, sizes) = (words(cells.next()), words(cells.next()));
    let ([block, version], [rate, frames, axes]) = (&named[..], &sizes[..]) else {
        return Err("block and version, then rate, frames and axes".into());
    };
    let number = |text: &str| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
    let axes = number(axes)?;
    let image = match frames.split_once('x') {
        Some((w, h)) => Some((number(w)?, number(h)?)),
        None => None,
    };
    let frames = match image {
        Some((w, h)) => w * h,
        None => number(frames)?,
    };
    let info = blocks().iter().find(|b| b.name == block).ok_or("no such block")?;
    let (mut params, mut seen) = (Params::new(), (0..axes).collect::<Vec<_>>());
    for cell in cells {
        let (key, value) = cell.split_once('=').ok_or("a parameter without `=`")?;
        if key == "see" {
            seen = value.split(',').map(number).collect::<Result<_, _>>()?;
            continue;
        }
        let declared = info.params.iter().find(|p| p.name == key).map(|p| p.default);
        let value = match declared {
            Some(edgewright_dsp::Default::Number(_)) => Value::Number(value.parse().map_err(|_| key)?),
            Some(edgewright_dsp::Default::Bool(_)) => Value::Bool(value == "true"),
            _ => Value::Text(value.into()),
        };
        params.insert(key.into(), value);
    }
    let window = Window {
        frames,
        stride: frames,
        rate_hz: rate.parse().map_err(|_| "no rate")?,
        axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
        zero_pad: true,
        image,
        fit: Default::default(),
    };
    let kind = match block.as_str() {
        "spectrogram" | "mfe" | "mfcc" | "audio_syntiant" if axes == 1 => Kind::Sound,
        "image" => Kind::Picture,
        "hr" => Kind::Pulse,
        _ => Kind::Motion,
    };
    let block = DspBlock::new("block", block.as_str(), number(version)? as u32, params, seen, &window)
        .map_err(|e| e.to_string())?;
    let values = kind.window(window.values(), axes);
    let impulse = Impulse { name: "block".into(), window, dsp: vec![block], learn: vec![] };
    let job = Job { impulse, window: values, whole: kind == Kind::Sound };
    Ok(Configuration { held: purpose == "held", text: text.into(), job })
}

/// Instructions and flash beyond that of an empty program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Executed instructions of the window.
    pub instructions: u64,
    /// Code and constants, in bytes.
    pub flash: u64,
}

/// What was counted, by configuration and core.
#[derive(Clone, Debug, Default)]
pub struct Counts(pub BTreeMap<(String, String), Count>);

impl Counts {
    /// From a file: a configuration, a tab, then `core=instructions,flash` with tabs between them.
    pub fn parse(text: &str) -> Self {
        let mut all = BTreeMap::new();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let mut cells = line.split('\t');
            let name = cells.next().unwrap_or_default();
            for cell in cells {
                let read = || {
                    let (core, counts) = cell.split_once('=')?;
                    let (instructions, flash) = counts.split_once(',')?;
                    Some((core, instructions.parse().ok()?, flash.parse().ok()?))
                };
                let (core, instructions, flash) = read().unwrap_or_else(|| panic!("`{cell}` of `{name}`"));
                all.insert((name.to_owned(), core.to_owned()), Count { instructions, flash });
            }
        }
        Self(all)
    }

    /// Of one configuration on a core.
    pub fn get(&self, text: &str, core: &str) -> Option<Count> {
        self.0.get(&(text.to_owned(), core.to_owned())).copied()
    }

    /// As [`Counts::parse`] reads it, in the order of the configurations; what is no configuration any more is left out.
    #[allow(dead_code)]
    pub fn write(&self, head: &str, cores: &[&str]) -> String {
        let mut out = head.to_owned();
        for c in configurations() {
            out.push_str(&c.text);
            for core in cores {
                if let Some(Count { instructions, flash }) = self.get(&c.text, core) {
                    out.push_str(&format!("\t{core}={instructions},{flash}"));
                }
            }
            out.push('\n');
        }
        out
    }
}

/// Estimate for a configuration on a core.
pub fn estimated(c: &Configuration, core: &str) -> Count {
    let target = target::all().iter().find(|t| t.id == core).expect("a core");
    let impulse = &c.job.impulse;
    let cost = edgewright_compile::cost::dsp(&impulse.dsp[0], impulse.window.axes.len(), target);
    let cost = cost.expect("a block with C");
    Count { instructions: cost.instructions, flash: cost.flash_bytes }
}
