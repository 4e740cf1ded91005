//! Pooling, and resizing between pixels.

use super::for_each_processor;

/// Patches of `size` pixels every `stride` pixels of `[height, width, channels]`; they lie inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Patches {
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub size: [usize; 2],
    pub stride: [usize; 2],
}

impl Patches {
    /// Offset of an element of the input under a patch.
    fn at(&self, [oy, ox]: [usize; 2], [ky, kx]: [usize; 2]) -> usize {
        ((oy * self.stride[0] + ky) * self.input[1] + ox * self.stride[1] + kx) * self.input[2]
    }
}

for_each_processor! {
    /// Largest of each patch.
    pub(crate) fn largest(x: &[f32], p: &Patches, out: &mut [f32]) {
        let c = p.input[2];
        for oy in 0..p.output[0] {
            for ox in 0..p.output[1] {
                let out = &mut out[(oy * p.output[1] + ox) * c..][..c];
                out.fill(f32::NEG_INFINITY);
                for ky in 0..p.size[0] {
                    for kx in 0..p.size[1] {
                        for (out, x) in out.iter_mut().zip(&x[p.at([oy, ox], [ky, kx])..][..c]) {
                            *out = if *x > *out { *x } else { *out };
                        }
                    }
                }
            }
        }
    }
}

for_each_processor! {
    /// Mean of each patch.
    pub(crate) fn mean(x: &[f32], p: &Patches, out: &mut [f32]) {
        let c = p.input[2];
        let share = 1.0 / (p.size[0] * p.size[1]) as f32;
        for oy in 0..p.output[0] {
            for ox in 0..p.output[1] {
                let out = &mut out[(oy * p.output[1] + ox) * c..][..c];
                out.fill(0.0);
                for ky in 0..p.size[0] {
                    for kx in 0..p.size[1] {
                        for (out, x) in out.iter_mut().zip(&x[p.at([oy, ox], [ky, kx])..][..c]) {
                            *out += x;
                        }
                    }
                }
                out.iter_mut().for_each(|v| *v *= share);
            }
        }
    }
}

for_each_processor! {
    /// Adds the gradient of each patch to the first of its largest elements. `left` has room for one pixel.
    pub(crate) fn largest_back(x: &[f32], y: &[f32], dy: &[f32], p: &Patches, left: &mut [f32], dx: &mut [f32]) {
        let c = p.input[2];
        for oy in 0..p.output[0] {
            for ox in 0..p.output[1] {
                let at = (oy * p.output[1] + ox) * c;
                let y = &y[at..][..c];
                left.copy_from_slice(&dy[at..][..c]);
                for ky in 0..p.size[0] {
                    for kx in 0..p.size[1] {
                        let at = p.at([oy, ox], [ky, kx]);
                        for (((dx, x), y), left) in dx[at..][..c].iter_mut().zip(&x[at..][..c]).zip(y).zip(&mut *left) {
                            let given = if *x == *y { *left } else { 0.0 };
                            *dx += given;
                            *left -= given;
                        }
                    }
                }
            }
        }
    }
}

for_each_processor! {
    /// Adds a share of the gradient of each patch to all of its elements.
    pub(crate) fn mean_back(dy: &[f32], p: &Patches, dx: &mut [f32]) {
        let c = p.input[2];
        let share = 1.0 / (p.size[0] * p.size[1]) as f32;
        for oy in 0..p.output[0] {
            for ox in 0..p.output[1] {
                let dy = &dy[(oy * p.output[1] + ox) * c..][..c];
                for ky in 0..p.size[0] {
                    for kx in 0..p.size[1] {
                        for (dx, dy) in dx[p.at([oy, ox], [ky, kx])..][..c].iter_mut().zip(dy) {
                            *dx += dy * share;
                        }
                    }
                }
            }
        }
    }
}

/// Neighbours and their weights of each output position of one axis, as `ResizeBilinear` of `ir` with its default sampling takes them.
pub(crate) fn neighbours(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let step = from as f32 / to as f32;
    (0..to)
        .map(|i| {
            let at = i as f32 * step;
            let low = (at.floor() as usize).min(from - 1);
            (low, (low + 1).min(from - 1), at - low as f32)
        })
        .collect()
}

/// Calls `f` with output offset, input offset and weight of each neighbour of each output pixel.
pub(crate) fn resize(input: [usize; 3], output: [usize; 3], mut f: impl FnMut(usize, usize, f32)) {
    let (rows, columns) = (neighbours(input[0], output[0]), neighbours(input[1], output[1]));
    let c = input[2];
    for (oy, (y0, y1, fy)) in rows.iter().enumerate() {
        for (ox, (x0, x1, fx)) in columns.iter().enumerate() {
            for (y, wy) in [(y0, 1.0 - fy), (y1, *fy)] {
                for (x, wx) in [(x0, 1.0 - fx), (x1, *fx)] {
                    f((oy * output[1] + ox) * c, (y * input[1] + x) * c, wy * wx);
                }
            }
        }
    }
}
