//! Bilinear resizing of `[height, width, channels]`.

/// Along one axis: for each output position the two inputs it lies between and the share of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// First input.
    pub low: usize,
    /// Second input.
    pub high: usize,
    /// Share of the second: a fraction, or a fraction in 1/1024.
    pub share: f32,
}

/// Float form.
pub fn resize_bilinear_f32(
    x: &[f32],
    width: usize,
    channels: usize,
    rows: &[Tap],
    columns: &[Tap],
    out: &mut [f32],
) {
    let mut at = 0;
    for r in rows {
        for c in columns {
            for k in 0..channels {
                let pixel = |row: usize, column: usize| x[(row * width + column) * channels + k];
                let (down, right) = (1.0 - r.share, 1.0 - c.share);
                let a = pixel(r.low, c.low) * down * right;
                let b = pixel(r.high, c.low) * r.share * right;
                let d = pixel(r.low, c.high) * down * c.share;
                let e = pixel(r.high, c.high) * r.share * c.share;
                out[at] = a + b + d + e;
                at += 1;
            }
        }
    }
}

/// Integer form; shares are whole numbers of 1/1024.
pub fn resize_bilinear_s8(
    x: &[i8],
    width: usize,
    channels: usize,
    rows: &[Tap],
    columns: &[Tap],
    out: &mut [i8],
) {
    let mut at = 0;
    for r in rows {
        for c in columns {
            let (y, w) = (r.share as i64, c.share as i64);
            for k in 0..channels {
                let pixel = |row: usize, column: usize| i64::from(x[(row * width + column) * channels + k]);
                let sum = pixel(r.low, c.low) * (1024 - y) * (1024 - w)
                    + pixel(r.high, c.low) * y * (1024 - w)
                    + pixel(r.low, c.high) * (1024 - y) * w
                    + pixel(r.high, c.high) * y * w;
                let half = if sum > 0 { 1 << 19 } else { -(1 << 19) };
                out[at] = ((sum + half) / (1 << 20)) as i8;
                at += 1;
            }
        }
    }
}
