//! Windows that no recording holds.

use super::{Case, Values};
use edgewright_impulse::Impulse;

/// How many of them, out of which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomCases {
    /// Beside the test windows.
    pub count: usize,
    /// Of all of them.
    pub seed: u64,
}

impl RandomCases {
    /// One after the other. Some follow each other.
    pub(super) fn cases(self) -> impl Iterator<Item = Case> {
        let mut state = self.seed;
        (0..self.count).rev().map(move |left| Case {
            first: left.is_multiple_of(16),
            window: Values::Random(split_mix(&mut state)),
        })
    }
}

/// The next number of the generator SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A window that no recording holds: noise of many loudnesses, silence, full scale, steps, single values, a short recording
/// that was filled up; now and then one whose first frame has a value that is no number, which must be refused.
pub(super) fn random_window(impulse: &Impulse, seed: u64) -> Vec<f32> {
    let mut out = vec![0.0; impulse.window.values()];
    let mut state = seed;
    let mut next = || split_mix(&mut state);
    let audio = impulse.window.axes.iter().all(|a| a.units == "wav");
    let image = impulse.window.image.is_some();
    let full = if audio {
        32767.0
    } else if image {
        255.0
    } else {
        100.0
    };
    // What is refused leaves nothing to go on with for blocks that remember.
    let broken = next() % 64 == 0 && impulse.state_len() == 0;
    let kind = next() % 9;
    let end = if kind == 8 { (next() % (out.len() as u64 + 1)) as usize } else { out.len() };
    let loud = full * 2f32.powi(-((next() % 14) as i32));
    let level = (next() >> 40) as f32 / (1u64 << 24) as f32 * 2.0 - 1.0;
    for (i, v) in out.iter_mut().enumerate() {
        let r = (next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        *v = match kind {
            0 => 0.0,
            1 => full * level,
            2 => {
                if r > 0.0 {
                    full
                } else {
                    -full
                }
            }
            3 => {
                if i % 97 == 0 {
                    full * r
                } else {
                    0.0
                }
            }
            4 => loud * r + full * level,
            8 if i >= end => 0.0,
            _ => loud * r,
        };
        if audio {
            *v = v.round();
        }
        if image {
            *v = v.abs().round();
        }
    }
    if broken {
        // Every axis, since blocks need not look at all of them.
        let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][(next() % 3) as usize];
        for v in out.iter_mut().take(impulse.window.axes.len()) {
            *v = wrong;
        }
    }
    out
}
