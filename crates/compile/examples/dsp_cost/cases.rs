//! Every block at its default parameters on a window of the usual length.

use super::measure::Job;
use edgewright_compile::{layout, target};
use edgewright_dsp::{BlockInfo, Params, Value, blocks};
use edgewright_impulse::{DspBlock, Impulse, Window};
use edgewright_sample::Axis;

/// Cores of the table, in its order.
pub const CORES: [&str; 6] =
    ["cortex-m0plus", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55"];

/// What a window is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A second of 16-bit sound at 16 kHz.
    Sound,
    /// Two seconds of three axes at 62.5 Hz.
    Motion,
    /// 96 x 96 pixels in colour.
    Picture,
    /// Ten seconds of a PPG and an accelerometer at 50 Hz.
    Pulse,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Case {
    /// Block.
    pub block: &'static BlockInfo,
    /// The one parameter that is not at its default, for blocks that do two things.
    pub instead: Option<(&'static str, &'static str)>,
    /// In integers.
    pub fixed: bool,
    /// Window.
    pub kind: Kind,
}

/// All lines of the table.
pub fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    for block in blocks() {
        let kind = match block.name {
            "spectrogram" | "mfe" | "mfcc" | "audio_syntiant" => Kind::Sound,
            "image" => Kind::Picture,
            "hr" => Kind::Pulse,
            _ => Kind::Motion,
        };
        let line = |instead, fixed| Case { block, instead, fixed, kind };
        out.push(line(None, false));
        if block.params.iter().any(|p| p.name == "analysis_type") {
            out.push(line(Some(("analysis_type", "Wavelet")), false));
        }
        if block.params.iter().any(|p| p.name == "arith") {
            out.push(line(None, true));
        }
    }
    out
}

impl Case {
    /// What is computed, as the table says it.
    pub fn name(&self) -> String {
        let instead = self.instead.map_or(String::new(), |(key, value)| format!(", `{key}` {value}"));
        format!("`{}`{instead}", self.block.name)
    }

    /// Arithmetic, as the table says it.
    pub fn arithmetic(&self) -> &'static str {
        if self.fixed { "fixed" } else { "float" }
    }

    /// An impulse of this block alone.
    pub fn impulse(&self) -> Impulse {
        let (frames, rate_hz, axes, image) = match self.kind {
            Kind::Sound => (16_000, 16_000.0, 1, None),
            Kind::Motion => (125, 62.5, 3, None),
            Kind::Picture => (96 * 96, 0.0, 3, Some((96, 96))),
            Kind::Pulse => (500, 50.0, 4, None),
        };
        let window = Window {
            frames,
            stride: frames,
            rate_hz,
            axes: (0..axes).map(|i| Axis { name: format!("a{i}"), units: String::new() }).collect(),
            zero_pad: true,
            image,
            fit: Default::default(),
        };
        let mut params = Params::new();
        if let Some((key, value)) = self.instead {
            params.insert(key.into(), Value::Text(value.into()));
        }
        if self.fixed {
            params.insert("arith".into(), Value::Text("fixed".into()));
        }
        let version = self.block.versions.iter().copied().max().unwrap_or(1);
        let block = DspBlock::new("block", self.block.name, version, params, (0..axes).collect(), &window)
            .unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        Impulse { name: "block".into(), window, dsp: vec![block], learn: vec![] }
    }

    /// The block with its window.
    pub fn job(&self) -> Job {
        Job { impulse: self.impulse(), window: self.window(), whole: self.kind == Kind::Sound }
    }

    /// Bytes of RAM: what the block works in with its features, and what it keeps from window to window.
    pub fn ram(&self, core: &str) -> (usize, usize) {
        let impulse = self.impulse();
        let target = target::all().iter().find(|t| t.id == core).expect("a core");
        let arena = layout(&impulse, target).unwrap_or_else(|e| panic!("{}: {e}", self.name())).arena_bytes;
        (arena, 4 * impulse.state_len())
    }

    /// A window of seeded values that look like what they are for.
    pub fn window(&self) -> Vec<f32> {
        let window = self.impulse().window;
        self.kind.window(window.values(), window.axes.len())
    }
}

impl Kind {
    /// Seeded values that look like what they are for.
    pub fn window(self, values: usize, axes: usize) -> Vec<f32> {
        let mut state = 7u64;
        let mut noise = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..values)
            .map(|i| {
                let (frame, axis) = ((i / axes) as f32, i % axes);
                match self {
                    Self::Sound => {
                        let swell = (frame / 16_000.0).min(1.0);
                        ((6000.0 * triangle(frame / 70.0) + 2500.0 * noise()) * swell).round()
                    }
                    Self::Motion => 9.0 * triangle(frame / (20.0 + 9.0 * axis as f32)) + noise(),
                    Self::Picture => (127.5 + 127.5 * triangle(frame / 500.0 + axis as f32 / 3.0)).round(),
                    // A beat every 0.8 s; the arm hardly moves.
                    Self::Pulse if axis == 0 => {
                        let phase = (frame / 40.0).fract();
                        1000.0 * if phase < 0.2 { phase / 0.2 } else { (1.0 - phase) / 0.8 } + 4.0 * noise()
                    }
                    Self::Pulse => f32::from(u8::from(axis == 3)) + 0.01 * noise(),
                }
            })
            .collect()
    }
}

/// A triangle of period 1 between -1 and 1.
fn triangle(turns: f32) -> f32 {
    let at = turns.fract();
    if at < 0.5 { 4.0 * at - 1.0 } else { 3.0 - 4.0 * at }
}
