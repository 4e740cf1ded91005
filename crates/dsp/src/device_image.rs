//! Pictures as the device prepares them: integer resize, and pixels straight to the int8 input of a model.

use crate::DspError;
use alloc::{format, vec, vec::Vec};

/// How a picture is brought to the size of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeMode {
    /// Cropped in the middle to the shape of the result.
    FitShortest,
    /// Whole, in the middle of a black picture.
    FitLongest,
    /// Stretched.
    Squash,
}

/// Fraction bits of positions and weights.
const BITS: u32 = 14;

/// Rectangle of a picture: left, upper, width, height.
type Area = [usize; 4];

/// Integer bilinear resize of `channels` interleaved bytes. Positions start at the corner, not at the centre of a pixel.
///
/// # Errors
/// `size` when a side is 0 or above 16384, the source has one row, the bytes are not a picture of that size, or the
/// cropped part is larger than the source.
pub fn resize(
    source: &[u8],
    (width, height): (usize, usize),
    channels: usize,
    (to_width, to_height): (usize, usize),
    mode: ResizeMode,
) -> Result<Vec<u8>, DspError> {
    let refuse = |m| Err(DspError::new("size", m));
    let sides = [width, height, to_width, to_height];
    if sides.iter().any(|s| *s == 0 || *s > 1 << BITS) {
        return refuse(format!(
            "{width} x {height} to {to_width} x {to_height}: sides must be 1 to {}",
            1 << BITS
        ));
    }
    if height < 2 {
        return refuse(format!("a picture of {width} x {height}; it needs at least 2 rows"));
    }
    if channels == 0 || width.checked_mul(height).and_then(|n| n.checked_mul(channels)) != Some(source.len())
    {
        return refuse(format!("{} bytes are no picture of {width} x {height} x {channels}", source.len()));
    }
    let mut out = vec![0; to_width * to_height * channels];
    let whole = [0, 0, width, height];
    let full = [0, 0, to_width, to_height];
    let (from, to): (Area, Area) = match mode {
        ResizeMode::Squash => (whole, full),
        ResizeMode::FitShortest => {
            let (w, h) = if width > height {
                (to_width * height / to_height, height)
            } else {
                (width, to_height * width / to_width)
            };
            if w > width || h > height || w == 0 || h == 0 {
                return refuse(format!(
                    "a part of {w} x {h} is needed of a picture of {width} x {height}; use `fit-longest` or `squash`"
                ));
            }
            ([(width - w) / 2, (height - h) / 2, w, h], full)
        }
        ResizeMode::FitLongest => {
            let (x, y) = (to_width as f32 / width as f32, to_height as f32 / height as f32);
            let factor = if x < y { x } else { y };
            let side = |n: usize, most: usize| ((n as f32 * factor) as usize).clamp(1, most);
            let (w, h) = (side(width, to_width), side(height, to_height));
            (whole, [(to_width - w) / 2, (to_height - h) / 2, w, h])
        }
    };
    let step = [((from[2] << BITS) / to[2]) as u32, ((from[3] << BITS) / to[3]) as u32];
    let pixel = |x: usize, y: usize, c: usize| {
        let (x, y) = (from[0] + x.min(from[2] - 1), from[1] + y.min(from[3] - 1));
        u32::from(source[(y * width + x) * channels + c])
    };
    let mix = |a: u32, b: u32, part: u32| (a * ((1 << BITS) - part) + b * part + (1 << (BITS - 1))) >> BITS;
    for row in 0..to[3] {
        let at = row as u32 * step[1];
        let (y, down) = ((at >> BITS) as usize, at & ((1 << BITS) - 1));
        for column in 0..to[2] {
            let at = column as u32 * step[0];
            let (x, right) = ((at >> BITS) as usize, at & ((1 << BITS) - 1));
            for c in 0..channels {
                let upper = mix(pixel(x, y, c), pixel(x + 1, y, c), right);
                let lower = mix(pixel(x, y + 1, c), pixel(x + 1, y + 1, c), right);
                out[((to[1] + row) * to_width + to[0] + column) * channels + c] =
                    mix(upper, lower, down) as u8;
            }
        }
    }
    Ok(out)
}

/// What a model wants its pixels scaled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelScaling {
    /// byte / 255.
    None,
    /// (byte / 255 - mean) / deviation, per channel.
    Torch,
    /// byte - 128.
    Minus128,
}

/// Scale of a model whose input is the byte less 128.
const BYTE_SCALE: f32 = 0.003_921_569;

/// Pixels (red, green, blue in turns) to the quantised input of a model, `v / scale` rounded half away from zero plus
/// `zero_point`, not clamped. With the scale of a byte and zero point -128 grey is computed in 16 fraction bits.
///
/// # Errors
/// `scale` when the scale is not above 0, `length` when the bytes are no whole pixels, `scaling` for grey with
/// [`PixelScaling::Torch`], whose constants are those of colours.
pub fn quantised_pixels(
    pixels: &[u8],
    grey: bool,
    scale: f32,
    zero_point: i32,
    scaling: PixelScaling,
) -> Result<Vec<i32>, DspError> {
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(DspError::new("scale", format!("`scale` is {scale}; it must be above 0")));
    }
    if !pixels.len().is_multiple_of(3) {
        return Err(DspError::new("length", format!("{} bytes are no whole pixels of three", pixels.len())));
    }
    if grey && scaling == PixelScaling::Torch {
        return Err(DspError::new("scaling", "the scaling `torch` (2) is for RGB, not for one channel"));
    }
    let plain = scale == BYTE_SCALE && zero_point == -128 && scaling == PixelScaling::None;
    let quantise = |v: f32| {
        let q = v / scale;
        // Truncation of the magnitude plus a half rounds half away from zero.
        (if q < 0.0 { (q - 0.5) as i32 } else { (q + 0.5) as i32 }).saturating_add(zero_point)
    };
    let [means, deviations] = [[0.485f32, 0.456, 0.406], [0.229f32, 0.224, 0.225]];
    Ok(pixels
        .chunks_exact(3)
        .flat_map(|p| {
            let rgb = [p[0], p[1], p[2]].map(f32::from);
            if grey {
                let [r, g, b] = [p[0], p[1], p[2]].map(u32::from);
                let q = if plain {
                    (((19595 * r + 38469 * g + 7471 * b) >> 16).min(255)) as i32 - 128
                } else {
                    let v = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
                    quantise(if scaling == PixelScaling::Minus128 { v - 128.0 } else { v / 255.0 })
                };
                return vec![q];
            }
            (0..3)
                .map(|c| match scaling {
                    _ if plain => i32::from(p[c]) - 128,
                    PixelScaling::None => quantise(rgb[c] / 255.0),
                    PixelScaling::Torch => quantise((rgb[c] / 255.0 - means[c]) / deviations[c]),
                    PixelScaling::Minus128 => quantise(rgb[c] - 128.0),
                })
                .collect()
        })
        .collect())
}
