//! Random numbers and coloured noise.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded source.
pub(crate) struct Source(ChaCha8Rng);

impl Source {
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }
    /// In low..high.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }
    /// In 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }
    /// About normal: the sum of twelve uniform numbers less 6.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.random::<f64>()).sum::<f64>() - 6.0
    }
}

/// Kinds of background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    White,
    Pink,
    Brown,
    Hum,
}

/// Noise with a root mean square of 1.
pub(crate) fn coloured(colour: Colour, length: usize, rate: f64, source: &mut Source) -> Vec<f64> {
    let mut x: Vec<f64> = match colour {
        Colour::White => (0..length).map(|_| source.normal()).collect(),
        Colour::Pink => {
            // Three first-order low-passes one octave-decade apart, added up: within a decibel of 1/f.
            let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
            (0..length)
                .map(|_| {
                    let w = source.normal();
                    a = 0.99765 * a + w * 0.099_046;
                    b = 0.963 * b + w * 0.296_516_4;
                    c = 0.57 * c + w * 1.052_691_3;
                    a + b + c + w * 0.1848
                })
                .collect()
        }
        Colour::Brown => {
            let mut level = 0.0;
            (0..length)
                .map(|_| {
                    level = 0.995 * level + source.normal();
                    level
                })
                .collect()
        }
        Colour::Hum => {
            let base = if source.below(2) == 0 { 50.0 } else { 60.0 };
            let phases: Vec<f64> = (0..6).map(|_| source.range(0.0, core::f64::consts::TAU)).collect();
            (0..length)
                .map(|i| {
                    let t = i as f64 / rate * core::f64::consts::TAU * base;
                    let tones: f64 = phases
                        .iter()
                        .enumerate()
                        .map(|(k, p)| libm::sin(t * (k + 1) as f64 + p) / (k + 1) as f64)
                        .sum();
                    tones + 0.15 * source.normal()
                })
                .collect()
        }
    };
    let power = x.iter().map(|v| v * v).sum::<f64>() / length.max(1) as f64;
    let scale = 1.0 / libm::sqrt(power.max(1e-12));
    x.iter_mut().for_each(|v| *v *= scale);
    x
}
