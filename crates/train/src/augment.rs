//! Changes of training rows, made anew in every epoch. They act on normalised features.

use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// How strongly training rows are changed; 0 is not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Deviation of noise added to each value (features have deviation 1).
    pub noise: f32,
    /// Deviation of a factor near 1 for the whole row.
    pub gain: f32,
    /// Largest shift in time, in rows of a spectrogram.
    pub time_shift: usize,
    /// Longest stretch of time set to the mean, in rows of a spectrogram.
    pub time_mask: usize,
    /// Widest band set to the mean, in columns of a spectrogram.
    pub frequency_mask: usize,
}

impl Augment {
    /// Changes one row, seen as `columns` values per step of time.
    pub(crate) fn apply(&self, row: &mut [f32], columns: usize, stream: &mut Stream) {
        let rows = row.len() / columns;
        if self.time_shift > 0 && rows > 1 {
            let most = self.time_shift.min(rows - 1);
            let by = stream.below(2 * most + 1) as isize - most as isize;
            shift(row, by * columns as isize, columns);
        }
        if self.gain > 0.0 {
            let factor = 1.0 + self.gain * stream.normal();
            row.iter_mut().for_each(|x| *x *= factor);
        }
        if self.noise > 0.0 {
            row.iter_mut().for_each(|x| *x += self.noise * stream.normal());
        }
        if self.time_mask > 0 && rows > 1 {
            let length = stream.below(self.time_mask.min(rows / 2) + 1);
            let start = stream.below(rows - length + 1);
            row[start * columns..(start + length) * columns].fill(0.0);
        }
        if self.frequency_mask > 0 && columns > 1 {
            let width = stream.below(self.frequency_mask.min(columns / 2) + 1);
            let start = stream.below(columns - width + 1);
            for step in row.chunks_exact_mut(columns) {
                step[start..start + width].fill(0.0);
            }
        }
    }

    /// Whether anything is changed at all.
    pub(crate) fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

/// Moves a row in time; the step at the edge is repeated into the gap.
fn shift(row: &mut [f32], by: isize, columns: usize) {
    let n = row.len();
    let gap = by.unsigned_abs().min(n);
    if by > 0 {
        row.copy_within(..n - gap, gap);
        let edge = row[gap..(gap + columns).min(n)].to_vec();
        row[..gap].chunks_exact_mut(columns).for_each(|s| s.copy_from_slice(&edge));
    } else if by < 0 {
        row.copy_within(gap.., 0);
        let edge = row[n - gap - columns..n - gap].to_vec();
        row[n - gap..].chunks_exact_mut(columns).for_each(|s| s.copy_from_slice(&edge));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifting_repeats_the_edge() {
        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        shift(&mut row, 2, 2);
        assert_eq!(row, [1.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
        let mut row = [1.0, 2.0, 3.0, 4.0];
        shift(&mut row, -1, 1);
        assert_eq!(row, [2.0, 3.0, 4.0, 4.0]);
    }

    #[test]
    fn the_same_stream_makes_the_same_row() {
        let augment = Augment { noise: 0.1, gain: 0.1, time_shift: 2, time_mask: 2, frequency_mask: 1 };
        let make = || {
            let mut row = [1.0; 24];
            augment.apply(&mut row, 4, &mut Stream::new(&[1, 2]));
            row
        };
        assert_eq!(make(), make());
        assert_ne!(make(), [1.0; 24]);
    }
}
