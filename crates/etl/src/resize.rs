//! Pictures to one size and one number of channels.

use edgewright_sample::Image;

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
    fn shrinking_takes_the_mean_and_growing_goes_between() {
        assert_eq!(resize(&grey(2, 2, &[0, 10, 20, 30]), 1, 1, 1).pixels, [15]);
        assert_eq!(resize(&grey(2, 1, &[0, 100]), 4, 1, 1).pixels, [0, 25, 75, 100]);
        assert_eq!(resize(&grey(1, 1, &[7]), 3, 3, 3).pixels, [7; 27]);
    }
}
