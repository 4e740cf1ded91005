//! Changes of training rows, made anew in every epoch.
//!
//! What moves values (shift, flip, rotation, time warp) acts on features as they are; what changes them (noise, gain, brightness, masks)
//! on normalised features, which have deviation 1 and mean 0.

use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// How strongly training rows are changed; 0 is not at all. What does not suit the shape of the features does nothing: `time_*` and
/// `frequency_mask` are for spectrograms and series, the second group for pictures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Deviation of noise added to each value (features have deviation 1).
    pub noise: f32,
    /// Deviation of a factor near 1 for the whole row; contrast of a picture.
    pub gain: f32,
    /// Largest shift in time, in rows of a spectrogram or series.
    pub time_shift: usize,
    /// Largest share by which time runs faster or slower, 0..1.
    pub time_warp: f32,
    /// Longest stretch of time set to the mean, in rows of a spectrogram (Park et al., 2019).
    pub time_mask: usize,
    /// Widest band set to the mean, in columns of a spectrogram (Park et al., 2019).
    pub frequency_mask: usize,
    /// Largest turn of the sensor in degrees, about any direction: series of three axes, or of several sensors with three each.
    pub axis_rotation: f32,
    /// Mirror half of the pictures, left to right.
    pub flip: bool,
    /// Largest shift of a picture, as a share of its sides, 0..1.
    pub shift: f32,
    /// Largest rotation of a picture in degrees.
    pub rotate: f32,
    /// Largest share by which a picture grows or shrinks, 0..1.
    pub zoom: f32,
    /// Deviation of what is added to all values of a picture.
    pub brightness: f32,
    /// Largest share of another row of the batch that is mixed into a row, 0..0.5; its targets count for that share (after Zhang and
    /// others, 2018, with an even distribution).
    pub mixup: f32,
}

/// Sine and cosine of a small angle in degrees, by their series: the same on every system.
fn turn(degrees: f32) -> (f32, f32) {
    let x = degrees * (std::f32::consts::PI / 180.0);
    let x2 = x * x;
    let sine =
        x * (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0 * (1.0 - x2 / 72.0 * (1.0 - x2 / 110.0)))));
    let cosine =
        1.0 - x2 / 2.0 * (1.0 - x2 / 12.0 * (1.0 - x2 / 30.0 * (1.0 - x2 / 56.0 * (1.0 - x2 / 90.0))));
    (sine, cosine)
}

impl Augment {
    /// Moves the values of one row of this shape: `[n]`, `[time, columns]` or `[height, width, channels]`.
    pub(crate) fn place(&self, row: &mut [f32], shape: &[usize], stream: &mut Stream) {
        match *shape {
            [rows, columns] if rows > 1 => {
                if self.time_shift > 0 {
                    let most = self.time_shift.min(rows - 1);
                    let by = stream.below(2 * most + 1) as isize - most as isize;
                    shift(row, by * columns as isize, columns);
                }
                if self.time_warp > 0.0 {
                    warp(row, columns, 1.0 + self.time_warp * either(stream));
                }
                if self.axis_rotation > 0.0 && columns % 3 == 0 {
                    rotate_axes(row, self.axis_rotation, stream);
                }
            }
            [height, width, channels] => {
                let m = self.movement([height, width], stream);
                if m != Movement::default() {
                    resample(row, [height, width, channels], m.flip, m.angle, m.zoom, m.by);
                }
            }
            _ => {}
        }
    }

    /// How [`Self::place`] moves a picture of this height and width with the same stream.
    pub(crate) fn movement(&self, size: [usize; 2], stream: &mut Stream) -> Movement {
        Movement {
            flip: self.flip && stream.unit() < 0.5,
            angle: self.rotate * either(stream),
            zoom: 1.0 + self.zoom * either(stream),
            by: size.map(|n| self.shift * n as f32 * either(stream)),
        }
    }

    /// Changes the values of one normalised row.
    pub(crate) fn colour(&self, row: &mut [f32], shape: &[usize], stream: &mut Stream) {
        if self.gain > 0.0 {
            let factor = 1.0 + self.gain * stream.normal();
            row.iter_mut().for_each(|x| *x *= factor);
        }
        if self.brightness > 0.0 && shape.len() == 3 {
            let more = self.brightness * stream.normal();
            row.iter_mut().for_each(|x| *x += more);
        }
        if self.noise > 0.0 {
            row.iter_mut().for_each(|x| *x += self.noise * stream.normal());
        }
        let [rows, columns] = *shape else { return };
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

    /// Mixes each row of a batch with the next; `shares` of the next.
    pub(crate) fn mix(rows: &mut [f32], shares: &[f32]) {
        let width = rows.len() / shares.len().max(1);
        let before = rows.to_vec();
        for (i, (row, share)) in rows.chunks_exact_mut(width).zip(shares).enumerate() {
            let other = (i + 1) % shares.len();
            for (x, other) in row.iter_mut().zip(&before[other * width..]) {
                *x = (1.0 - share) * *x + share * other;
            }
        }
    }

    /// Whether anything is changed at all.
    pub(crate) fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

/// How a picture is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Movement {
    flip: bool,
    /// Degrees.
    angle: f32,
    zoom: f32,
    /// Pixels down and to the right.
    by: [f32; 2],
}

impl Default for Movement {
    fn default() -> Self {
        Self { flip: false, angle: 0.0, zoom: 1.0, by: [0.0; 2] }
    }
}

impl Movement {
    /// Where a point ends, in shares of height and width from the upper left corner; it may end outside.
    pub(crate) fn point(&self, [y, x]: [f32; 2], [height, width]: [usize; 2]) -> [f32; 2] {
        if *self == Self::default() {
            return [y, x];
        }
        let (h, w) = (height as f32, width as f32);
        let (sine, cosine) = turn(self.angle.clamp(-180.0, 180.0));
        let (ey, ex) = ((y - 0.5) * h, (x - 0.5) * w);
        let (dy, dx) = (ey * cosine + ex * sine, ex * cosine - ey * sine);
        let dx = if self.flip { -dx } else { dx };
        [(dy * self.zoom + self.by[0]) / h + 0.5, (dx * self.zoom + self.by[1]) / w + 0.5]
    }
}

/// In -1..1.
fn either(stream: &mut Stream) -> f32 {
    2.0 * stream.unit() - 1.0
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

/// Lets time run at another speed about the middle of the row; the ends are repeated.
fn warp(row: &mut [f32], columns: usize, speed: f32) {
    let from = row.to_vec();
    let last = from.len() / columns - 1;
    let middle = last as f32 / 2.0;
    for (t, step) in row.chunks_exact_mut(columns).enumerate() {
        let at = (middle + (t as f32 - middle) * speed).clamp(0.0, last as f32);
        let low = at as usize;
        let (high, share) = ((low + 1).min(last), at - low as f32);
        for (c, v) in step.iter_mut().enumerate() {
            *v = from[low * columns + c] * (1.0 - share) + from[high * columns + c] * share;
        }
    }
}

/// Turns each group of three axes by one random angle about one random direction (Rodrigues).
fn rotate_axes(row: &mut [f32], most: f32, stream: &mut Stream) {
    let mut axis = [0.0f32; 3].map(|_| stream.normal());
    let length = axis.iter().map(|v| v * v).sum::<f32>().sqrt();
    axis = if length > 1e-6 { axis.map(|v| v / length) } else { [0.0, 0.0, 1.0] };
    let (sine, cosine) = turn(most.min(180.0) * either(stream));
    let [a, b, c] = axis;
    for v in row.chunks_exact_mut(3) {
        let (x, y, z) = (v[0], v[1], v[2]);
        let along = (a * x + b * y + c * z) * (1.0 - cosine);
        v[0] = x * cosine + (b * z - c * y) * sine + a * along;
        v[1] = y * cosine + (c * x - a * z) * sine + b * along;
        v[2] = z * cosine + (a * y - b * x) * sine + c * along;
    }
}

/// Reads a picture anew, bilinear, where a mirrored, turned, grown and shifted frame finds its pixels; pixels at the edge are repeated.
fn resample(
    row: &mut [f32],
    [h, w, c]: [usize; 3],
    flip: bool,
    angle: f32,
    zoom: f32,
    [down, right]: [f32; 2],
) {
    let from = row.to_vec();
    let (sine, cosine) = turn(angle.clamp(-180.0, 180.0));
    let (my, mx) = ((h - 1) as f32 / 2.0, (w - 1) as f32 / 2.0);
    let neighbours = |at: f32, n: usize| {
        let at = at.clamp(0.0, (n - 1) as f32);
        let low = at as usize;
        (low, (low + 1).min(n - 1), at - low as f32)
    };
    for y in 0..h {
        for x in 0..w {
            let (dy, dx) = ((y as f32 - my - down) / zoom, (x as f32 - mx - right) / zoom);
            let dx = if flip { -dx } else { dx };
            let (y0, y1, fy) = neighbours(my + dy * cosine - dx * sine, h);
            let (x0, x1, fx) = neighbours(mx + dy * sine + dx * cosine, w);
            for k in 0..c {
                let at = |y: usize, x: usize| from[(y * w + x) * c + k];
                let top = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
                let bottom = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
                row[(y * w + x) * c + k] = top * (1.0 - fy) + bottom * fy;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_mixed_with_what_the_next_was() {
        let mut rows = [1.0, 10.0, 2.0, 20.0, 4.0, 40.0];
        Augment::mix(&mut rows, &[0.5, 0.0, 0.25]);
        assert_eq!(rows, [1.5, 15.0, 2.0, 20.0, 3.25, 32.5]);
    }

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
        let all = Augment {
            noise: 0.1,
            gain: 0.1,
            time_shift: 2,
            time_warp: 0.2,
            time_mask: 2,
            frequency_mask: 1,
            axis_rotation: 20.0,
            flip: true,
            shift: 0.2,
            rotate: 10.0,
            zoom: 0.1,
            brightness: 0.2,
            mixup: 0.3,
        };
        for shape in [vec![36], vec![12, 3], vec![3, 4, 3]] {
            let make = || {
                let mut row: Vec<f32> = (0..36).map(|i| i as f32).collect();
                let mut stream = Stream::new(&[1, 2]);
                all.place(&mut row, &shape, &mut stream);
                all.colour(&mut row, &shape, &mut stream);
                row
            };
            assert_eq!(make(), make());
            assert_ne!(make(), (0..36).map(|i| i as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_flipped_picture_is_its_mirror_and_a_shifted_one_moves() {
        let picture: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let mut flipped = picture.clone();
        resample(&mut flipped, [2, 3, 2], true, 0.0, 1.0, [0.0; 2]);
        assert_eq!(flipped, [4.0, 5.0, 2.0, 3.0, 0.0, 1.0, 10.0, 11.0, 8.0, 9.0, 6.0, 7.0]);
        let mut moved = picture.clone();
        resample(&mut moved, [2, 3, 2], false, 0.0, 1.0, [0.0, 1.0]);
        assert_eq!(moved, [0.0, 1.0, 0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 6.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    fn a_point_follows_the_picture() {
        let (h, w) = (24, 32);
        for seed in 0..40 {
            let all = Augment { flip: true, shift: 0.1, rotate: 20.0, zoom: 0.1, ..Augment::default() };
            let (y, x) = (9 + seed % 5, 20 - seed % 9);
            let mut picture = vec![0.0f32; h * w];
            picture[y * w + x] = 1.0;
            let moved = all.movement([h, w], &mut Stream::new(&[seed as u64]));
            all.place(&mut picture, &[h, w, 1], &mut Stream::new(&[seed as u64]));
            // The centre of what the one bright pixel became.
            let total: f32 = picture.iter().sum();
            let mean = |place: &dyn Fn(usize) -> usize| {
                picture.iter().enumerate().map(|(i, v)| v * (place(i) as f32 + 0.5)).sum::<f32>() / total
            };
            let (cy, cx) = (mean(&|i| i / w), mean(&|i| i % w));
            let start = [(y as f32 + 0.5) / h as f32, (x as f32 + 0.5) / w as f32];
            let [ey, ex] = moved.point(start, [h, w]);
            let off = (ey * h as f32 - cy).abs().max((ex * w as f32 - cx).abs());
            assert!(off < 0.5, "seed {seed}: {cy} {cx} against {} {}", ey * h as f32, ex * w as f32);
        }
    }

    #[test]
    fn a_quarter_turn_moves_corners_to_corners() {
        let mut picture = [1.0, 2.0, 3.0, 4.0];
        resample(&mut picture, [2, 2, 1], false, 90.0, 1.0, [0.0; 2]);
        for (v, expected) in picture.iter().zip([3.0, 1.0, 4.0, 2.0]) {
            assert!((v - expected).abs() < 1e-3, "{picture:?}");
        }
    }

    #[test]
    fn a_turned_sensor_keeps_lengths() {
        let mut row = [1.0f32, 2.0, -3.0, 0.5, 0.25, 9.0];
        let before = row;
        rotate_axes(&mut row, 90.0, &mut Stream::new(&[4]));
        assert_ne!(row, before);
        for (a, b) in row.chunks(3).zip(before.chunks(3)) {
            let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!((length(a) - length(b)).abs() < 1e-4, "{a:?} {b:?}");
        }
    }

    #[test]
    fn slower_time_stretches_the_middle() {
        let mut row = [0.0, 1.0, 2.0, 3.0, 4.0];
        warp(&mut row, 1, 0.5);
        assert_eq!(row, [1.0, 1.5, 2.0, 2.5, 3.0]);
    }
}
