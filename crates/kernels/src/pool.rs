//! Pooling. Elements in the padding do not count.

use crate::conv::{Geometry, limit};

/// Calls `each` with the positions under every window, then `done` with the window's channel.
fn windows(g: &Geometry, mut each: impl FnMut(usize, Option<usize>)) {
    let mut at = 0;
    for oy in 0..g.out_h {
        for ox in 0..g.out_w {
            for c in 0..g.in_c {
                for ky in 0..g.kernel_h {
                    let Some(iy) = g.row(oy, ky) else { continue };
                    for kx in 0..g.kernel_w {
                        let Some(ix) = g.column(ox, kx) else { continue };
                        each(at, Some((iy * g.in_w + ix) * g.in_c + c));
                    }
                }
                each(at, None);
                at += 1;
            }
        }
    }
}

/// Largest element, clamped.
pub fn max_pool_s8(g: &Geometry, x: &[i8], min: i32, max: i32, out: &mut [i8]) {
    let mut best = i8::MIN;
    windows(g, |at, element| match element {
        Some(i) => best = best.max(x[i]),
        None => {
            out[at] = i32::from(best).max(min).min(max) as i8;
            best = i8::MIN;
        }
    });
}

/// Largest element, clamped.
pub fn max_pool_f32(g: &Geometry, x: &[f32], min: f32, max: f32, out: &mut [f32]) {
    let mut best = f32::NEG_INFINITY;
    windows(g, |at, element| match element {
        Some(i) => {
            if x[i] > best {
                best = x[i];
            }
        }
        None => {
            out[at] = limit(best, min, max);
            best = f32::NEG_INFINITY;
        }
    });
}

/// Mean rounded to nearest, ties away from zero, clamped.
pub fn average_pool_s8(g: &Geometry, x: &[i8], min: i32, max: i32, out: &mut [i8]) {
    let (mut sum, mut count) = (0i32, 0i32);
    windows(g, |at, element| match element {
        Some(i) => {
            sum += i32::from(x[i]);
            count += 1;
        }
        None => {
            let half = if sum >= 0 { count / 2 } else { -(count / 2) };
            out[at] = ((sum + half) / count.max(1)).max(min).min(max) as i8;
            (sum, count) = (0, 0);
        }
    });
}

/// Mean, clamped.
pub fn average_pool_f32(g: &Geometry, x: &[f32], min: f32, max: f32, out: &mut [f32]) {
    let (mut sum, mut count) = (0.0f32, 0u32);
    windows(g, |at, element| match element {
        Some(i) => {
            sum += x[i];
            count += 1;
        }
        None => {
            out[at] = limit(sum / count.max(1) as f32, min, max);
            (sum, count) = (0.0, 0);
        }
    });
}
