//! Prints: bits that tell one recording from another.

use edgewright_dsp::{RealFft, math};
use std::sync::OnceLock;

/// Words of a print.
pub(super) const WORDS: usize = 16;
/// Bits of a print.
pub(super) const BITS: usize = WORDS * 64;
/// Half of the bits of near prints may differ by so many more than half as many: four standard deviations.
const HALF: u32 = 45;
/// Fewest frames that are told apart by their spectrum.
const FEWEST: usize = 32;
/// Exponent of the longest transform; longer recordings are averaged down to it.
const LONGEST: u32 = 16;
/// Power below this share of the mean power of its band counts as nothing: noise that somebody added would fill it.
const FLOOR: f32 = 0.003;
/// Of the coarse shape of the spectrum more of it, for there each bin has the power of many.
const COARSE_FLOOR: f32 = 0.01;
/// Parts of the band in the coarse shape.
const PARTS: usize = 128;
/// Bins (parts, pixels) on each side whose mean is taken out.
const AROUND: usize = 8;
const AROUND_PIXELS: usize = 2;
/// Bins over which the power of a recording must be spread for its coarse shape to say anything.
pub(super) const SPREAD: f64 = 12.0;
/// Sides of a picture in a print.
pub(super) const SIDE: usize = 32;
/// Classes of pictures begin here.
const PICTURES: u32 = 1 << 16;

/// Bits of one recording or picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Only prints of one class are compared: length of the transform and what was taken of it, or pictures.
    pub class: u32,
    /// Made of the coarse shape of a spectrum: being near says less.
    pub coarse: bool,
    pub(super) bits: [u64; WORDS],
}

impl Print {
    /// Bits in which two prints differ, about half of them when they have nothing in common; `None` for more than `far`. Most pairs are told
    /// by half of the bits: whose halves differ by as much more than by chance as this are not near as a whole either.
    pub(super) fn distance_within(&self, other: &Self, far: u32) -> Option<u32> {
        let count = |words: std::ops::Range<usize>| -> u32 {
            self.bits[words.clone()].iter().zip(&other.bits[words]).map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        let half = count(0..WORDS / 2);
        if half > far / 2 + HALF {
            return None;
        }
        Some(half + count(WORDS / 2..WORDS)).filter(|d| *d <= far)
    }

    /// `width` bits from bit `from` on.
    pub(super) fn part(&self, from: usize, width: usize) -> u32 {
        let (word, shift) = (from / 64, from % 64);
        let low = self.bits[word] >> shift;
        let high = if shift + width > 64 { self.bits[word + 1] << (64 - shift) } else { 0 };
        ((low | high) & ((1u64 << width) - 1)) as u32
    }
}

/// A projection of any number of values on [`BITS`] directions.
struct Sketch {
    slots: Vec<f32>,
    any: bool,
}

/// Well mixed bits of a number (splitmix64, Steele et al. 2014).
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Sketch {
    fn new() -> Self {
        Self { slots: vec![0.0; BITS], any: false }
    }

    /// Adds the value of one place.
    fn add(&mut self, place: u64, value: f32) {
        let hash = mixed(place);
        let slot = (hash % BITS as u64) as usize;
        self.slots[slot] += if hash >> 63 == 0 { value } else { -value };
        self.any |= value != 0.0;
    }

    /// Adds how far each bin of an axis stands out among its neighbours, in nepers of power.
    fn add_levels(&mut self, axis: usize, bins: &[f32], floor: f32) {
        let floor = bins.iter().sum::<f32>() / bins.len().max(1) as f32 * floor;
        if floor < f32::MIN_POSITIVE || !floor.is_finite() {
            return;
        }
        let level: Vec<f32> = bins.iter().map(|p| math::ln(p + floor)).collect();
        let sums = running(&level);
        for (k, value) in level.iter().enumerate() {
            let (from, to) = (k.saturating_sub(AROUND), (k + AROUND + 1).min(level.len()));
            let mean = (sums[to] - sums[from]) / (to - from) as f64;
            self.add((axis as u64) << 32 | k as u64, (value - mean as f32).clamp(-2.0, 2.0));
        }
    }

    /// Signs along the directions of a Walsh transform; `None` when every value was 0.
    fn print(mut self, class: u32, coarse: bool) -> Option<Print> {
        if !self.any {
            return None;
        }
        let x = &mut self.slots;
        let mut half = 1;
        while half < BITS {
            for block in x.chunks_exact_mut(2 * half) {
                let (a, b) = block.split_at_mut(half);
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
        let mut bits = [0u64; WORDS];
        for (i, _) in x.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            bits[i / 64] |= 1 << (i % 64);
        }
        Some(Print { class, coarse, bits })
    }
}

fn transform(exponent: u32) -> &'static RealFft {
    static PLANS: [OnceLock<RealFft>; LONGEST as usize + 1] =
        [const { OnceLock::new() }; LONGEST as usize + 1];
    PLANS[exponent as usize].get_or_init(|| RealFft::new(1 << exponent))
}

/// Prints of a recording: `values` row-major, `axes` a frame. None for one that is constant or shorter than 32 frames.
///
/// The power spectrum of the whole recording does not change when it is moved a little, and its fine structure is that of this
/// recording alone. One print has the whole band, one the lower half: what was recorded again at half the rate has only that. Noise
/// hides the fine structure of what passes through its whole band evenly; such a recording has a print of its coarse shape as well. A
/// recording that is about as long as its transform has prints of the next length too, for copies that are a little longer.
pub fn series(values: &[f32], axes: usize) -> Vec<Print> {
    let frames = values.len().checked_div(axes).unwrap_or(0);
    if frames < FEWEST {
        return Vec::new();
    }
    let exponent = frames.next_power_of_two().trailing_zeros();
    let mut out = of_length(values, axes, exponent);
    if frames as u64 * 50 > (1u64 << exponent) * 49 {
        out.extend(of_length(values, axes, exponent + 1));
    }
    out
}

fn of_length(values: &[f32], axes: usize, exponent: u32) -> Vec<Print> {
    let short = exponent.min(LONGEST);
    let every = 1usize << (exponent - short);
    let n = 1usize << short;
    let plan = transform(short);
    let (mut input, mut work, mut power) = (vec![0.0; n], vec![0.0; n], vec![0.0; n / 2 + 1]);
    let (mut whole, mut low, mut coarse) = (Sketch::new(), Sketch::new(), Sketch::new());
    let mut all = vec![0.0f64; n / 2];
    let mut frames = 0;
    for axis in 0..axes {
        let count = laid(values, axes, axis, every, &mut input);
        frames = count;
        plan.power(&input, 1.0, &mut work, &mut power);
        let bins = &power[1..];
        whole.add_levels(axis, bins, FLOOR);
        low.add_levels(axis, &bins[..n / 4], FLOOR);
        if bins.len() >= 2 * PARTS {
            let parts: Vec<f32> = bins.chunks(bins.len() / PARTS).map(|part| part.iter().sum()).collect();
            coarse.add_levels(axis, &parts, COARSE_FLOOR);
        }
        all.iter_mut().zip(bins).for_each(|(all, p)| *all += f64::from(*p));
    }
    let spread = freedom(&all, frames as f64 / n as f64) >= SPREAD;
    let class = exponent * 3;
    let made = [whole.print(class, false), low.print(class + 1, false), coarse.print(class + 2, true)];
    made.into_iter().flatten().filter(|p| spread || !p.coarse).collect()
}

/// How many bins a spectrum is spread over, of a recording that fills this share of its transform.
pub(super) fn freedom(power: &[f64], filled: f64) -> f64 {
    let (sum, squares) = power.iter().fold((0.0, 0.0), |(s, q), p| (s + p, q + p * p));
    if squares > 0.0 { sum * sum / squares * filled } else { 0.0 }
}

/// Lays one axis out, its mean taken out, averaged over `every` frames; the rest is 0. Returns how many values it has.
fn laid(values: &[f32], axes: usize, axis: usize, every: usize, input: &mut [f32]) -> usize {
    input.fill(0.0);
    let mut count = 0;
    let mut sum = 0.0f64;
    for (slot, frames) in input.iter_mut().zip(values.chunks(every * axes)) {
        let of = || frames.iter().skip(axis).step_by(axes);
        let mean = of().map(|v| f64::from(*v)).sum::<f64>() / of().count().max(1) as f64;
        *slot = mean as f32;
        sum += mean;
        count += 1;
    }
    let mean = (sum / count.max(1) as f64) as f32;
    input[..count].iter_mut().for_each(|v| *v -= mean);
    count
}

/// Sums of the first 0, 1, 2, ... values.
fn running(values: &[f32]) -> Vec<f64> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    for v in values {
        sum += f64::from(*v);
        sums.push(sum);
    }
    sums
}

/// The brightness of a picture on a grid of at most 32 x 32, means of the pixels that fall on each cell: rows of the grid, one after
/// the other, and its width.
pub(super) fn grid(values: &[f32], width: usize, height: usize, channels: usize) -> (Vec<f64>, usize) {
    let (columns, rows) = (width.min(SIDE), height.min(SIDE));
    let mut cells = vec![0.0; columns * rows];
    let mut counts = vec![0u32; columns * rows];
    for (i, pixel) in values.chunks_exact(channels.max(1)).enumerate().take(width * height) {
        let cell = (i / width) * rows / height * columns + (i % width) * columns / width;
        cells[cell] += pixel.iter().map(|v| f64::from(*v)).sum::<f64>();
        counts[cell] += 1;
    }
    cells.iter_mut().zip(counts).for_each(|(cell, n)| *cell /= f64::from(n.max(1)) * channels.max(1) as f64);
    (cells, columns)
}

/// The print of a picture, `height * width * channels` values; none of a plain one.
pub fn picture(values: &[f32], width: usize, height: usize, channels: usize) -> Option<Print> {
    let (cells, columns) = grid(values, width, height, channels);
    let rows = cells.len().checked_div(columns)?;
    let mut detail = Vec::with_capacity(cells.len());
    for (i, cell) in cells.iter().enumerate() {
        let (x, y) = (i % columns, i / columns);
        let (mut sum, mut count) = (0.0, 0.0);
        for yy in y.saturating_sub(AROUND_PIXELS)..(y + AROUND_PIXELS + 1).min(rows) {
            for xx in x.saturating_sub(AROUND_PIXELS)..(x + AROUND_PIXELS + 1).min(columns) {
                sum += cells[yy * columns + xx];
                count += 1.0;
            }
        }
        detail.push(cell - sum / count);
    }
    let scale = (detail.iter().map(|d| d * d).sum::<f64>() / detail.len() as f64).sqrt();
    if scale < 0.05 {
        return None;
    }
    let mut sketch = Sketch::new();
    for (i, d) in detail.iter().enumerate() {
        sketch.add(i as u64, (d / scale).clamp(-4.0, 4.0) as f32);
    }
    sketch.print(PICTURES, false)
}
