//! Pictures to one size and one number of channels.

use edgewright_sample::{Fit, Image};

/// Which part of a picture goes where: left, upper edge, width, height of both, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// In the picture as received.
    pub from: [usize; 4],
    /// In the new one.
    pub to: [usize; 4],
}

impl Placement {
    /// Of a picture of this width and height in one of another.
    pub fn new(from: [usize; 2], to: [usize; 2], fit: Fit) -> Self {
        let ([w, h], [tw, th]) = (from, to);
        let wide = w * th > h * tw;
        // A side that keeps the other's shape, rounded.
        let side = |n: usize, by: usize, over: usize, most: usize| {
            ((n * by + over / 2) / over.max(1)).clamp(1, most.max(1))
        };
        let whole = Self { from: [0, 0, w, h], to: [0, 0, tw, th] };
        match (fit, wide) {
            (Fit::Squash, _) => whole,
            (Fit::FitShortest, true) => {
                let part = side(h, tw, th, w);
                Self { from: [(w - part) / 2, 0, part, h], ..whole }
            }
            (Fit::FitShortest, false) => {
                let part = side(w, th, tw, h);
                Self { from: [0, (h - part) / 2, w, part], ..whole }
            }
            (Fit::FitLongest, true) => {
                let part = side(h, tw, w, th);
                Self { to: [0, (th - part) / 2, tw, part], ..whole }
            }
            (Fit::FitLongest, false) => {
                let part = side(w, th, h, tw);
                Self { to: [(tw - part) / 2, 0, part, th], ..whole }
            }
        }
    }

    /// The other way.
    #[must_use]
    pub fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// Left, upper edge, width and height of a box on the new picture, which it may reach over.
    pub fn place(&self, [x, y, width, height]: [f64; 4]) -> [f64; 4] {
        let scale = |i: usize| self.to[2 + i] as f64 / self.from[2 + i].max(1) as f64;
        let at = |v: f64, i: usize| (v - self.from[i] as f64) * scale(i) + self.to[i] as f64;
        [at(x, 0), at(y, 1), width * scale(0), height * scale(1)]
    }
}

/// An image of `width` x `height` with `channels` (1 or 3) channels, fitted as asked.
pub fn resize_to(image: &Image, width: usize, height: usize, channels: usize, fit: Fit) -> Image {
    let Placement { from, to } = Placement::new([image.width, image.height], [width, height], fit);
    let part = crop(image, from);
    let inner = resize(&part, to[2], to[3], channels);
    if [inner.width, inner.height] == [width, height] {
        return inner;
    }
    let mut pixels = vec![0; width * height * channels];
    let row = inner.width * channels;
    for (y, line) in inner.pixels.chunks_exact(row).enumerate() {
        let start = ((to[1] + y) * width + to[0]) * channels;
        pixels[start..start + row].copy_from_slice(line);
    }
    Image { width, height, channels, pixels }
}

/// A part of an image, which must lie inside.
fn crop(image: &Image, [x, y, width, height]: [usize; 4]) -> Image {
    if [width, height] == [image.width, image.height] {
        return image.clone();
    }
    let line = |row: usize| {
        let start = ((y + row) * image.width + x) * image.channels;
        &image.pixels[start..start + width * image.channels]
    };
    let pixels = (0..height).flat_map(line).copied().collect();
    Image { width, height, channels: image.channels, pixels }
}

/// Squashes an image to `width` x `height` with `channels` (1 or 3) channels: each output pixel is the mean of the
/// area it covers when it shrinks, and bilinear between pixel centres when it grows. Integer and in a fixed order.
pub fn resize(image: &Image, width: usize, height: usize, channels: usize) -> Image {
    let columns = weights(image.width, width);
    let rows = weights(image.height, height);
    let mut pixels = Vec::with_capacity(width * height * channels);
    for row in &rows {
        for column in &columns {
            let mut sums = [0u64; 3];
            let mut total = 0u64;
            for &(y, wy) in row {
                for &(x, wx) in column {
                    let weight = wx * wy;
                    let at = (y * image.width + x) * image.channels;
                    for (c, sum) in sums.iter_mut().enumerate().take(image.channels) {
                        *sum += weight * u64::from(image.pixels[at + c]);
                    }
                    total += weight;
                }
            }
            let value = |c: usize| ((sums[c] + total / 2) / total.max(1)) as u8;
            match (image.channels, channels) {
                (1, n) => pixels.extend(std::iter::repeat_n(value(0), n)),
                (_, 1) => {
                    // Rec. 601 luma in 16-bit fixed point.
                    let [r, g, b] = [0, 1, 2].map(|c| u32::from(value(c)));
                    pixels.push(((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) as u8);
                }
                _ => pixels.extend([value(0), value(1), value(2)]),
            }
        }
    }
    Image { width, height, channels, pixels }
}

/// Source positions with their weights for each position of an axis of `to` pixels over one of `from`.
fn weights(from: usize, to: usize) -> Vec<Vec<(usize, u64)>> {
    (0..to)
        .map(|i| {
            if from >= to {
                // Area [i * from, (i + 1) * from) in units of 1/to of a source pixel.
                let (start, end) = (i * from, (i + 1) * from);
                (start / to..end.div_ceil(to))
                    .map(|p| (p, (end.min((p + 1) * to) - start.max(p * to)) as u64))
                    .collect()
            } else {
                // Centre of the output pixel in units of 1/(2 * to) of a source pixel, from the first centre.
                let centre = ((2 * i + 1) * from).saturating_sub(to);
                let left = (centre / (2 * to)).min(from - 1);
                let right = (left + 1).min(from - 1);
                let part = centre - left * 2 * to;
                vec![(left, (2 * to - part.min(2 * to)) as u64), (right, part.min(2 * to) as u64)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, pixels: &[u8]) -> Image {
        Image { width, height, channels: 1, pixels: pixels.to_vec() }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let image = grey(3, 2, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(resize(&image, 3, 2, 1), image);
    }

    #[test]
    fn a_picture_keeps_its_shape_where_it_is_asked_to() {
        let image = grey(4, 2, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(resize_to(&image, 2, 2, 1, Fit::FitShortest).pixels, [2, 3, 6, 7]);
        assert_eq!(
            resize_to(&image, 4, 4, 1, Fit::FitLongest).pixels,
            [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]
        );
        let tall = grey(1, 3, &[1, 2, 3]);
        assert_eq!(resize_to(&tall, 1, 1, 1, Fit::FitShortest).pixels, [2]);
        assert_eq!(resize_to(&tall, 3, 3, 1, Fit::FitLongest).pixels, [0, 1, 0, 0, 2, 0, 0, 3, 0]);
    }

    #[test]
    fn a_box_goes_where_its_pixels_go_and_back() {
        for fit in [Fit::Squash, Fit::FitShortest, Fit::FitLongest] {
            for (from, to) in [([40, 20], [20, 20]), ([20, 50], [30, 10]), ([7, 7], [14, 14])] {
                let placement = Placement::new(from, to, fit);
                let part = placement.from.map(|v| v as f64);
                let placed = placement.place(part);
                assert_eq!(placed, placement.to.map(|v| v as f64), "{fit:?}");
                let back = placement.back().place(placed);
                assert!(back.iter().zip(part).all(|(a, b)| (a - b).abs() < 1e-9), "{fit:?}");
            }
        }
    }

    #[test]
    fn shrinking_takes_the_mean_and_growing_goes_between() {
        assert_eq!(resize(&grey(2, 2, &[0, 10, 20, 30]), 1, 1, 1).pixels, [15]);
        assert_eq!(resize(&grey(2, 1, &[0, 100]), 4, 1, 1).pixels, [0, 25, 75, 100]);
        assert_eq!(resize(&grey(1, 1, &[7]), 3, 3, 3).pixels, [7; 27]);
    }
}
