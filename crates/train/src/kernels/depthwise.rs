//! Depthwise convolution: each channel on its own, vectors over channels.

use super::for_each_processor;

/// Where outputs and taps lie in a padded input of `channels` values per pixel.
#[derive(Clone, Copy)]
pub(crate) struct Taps<'a> {
    /// Rows and columns of outputs.
    pub outputs: [usize; 2],
    /// Values from one output row to the next, and from one output column to the next.
    pub steps: [usize; 2],
    /// Offset of each element under the kernel.
    pub offsets: &'a [usize],
    pub channels: usize,
}

impl Taps<'_> {
    /// One past the last value that is read.
    fn reach(&self) -> usize {
        let last = |i: usize| self.outputs[i].saturating_sub(1) * self.steps[i];
        last(0) + last(1) + self.offsets.iter().copied().max().unwrap_or(0) + self.channels
    }
}

for_each_processor! {
    /// `out = bias + sum over taps of x * weights`, `weights` as `[taps, channels]`; `add` starts from what `out` holds.
    pub(crate) fn forward(x: &[f32], taps: &Taps<'_>, weights: &[f32], bias: &[f32], add: bool, out: &mut [f32]) {
        let [height, width] = taps.outputs;
        let c = taps.channels;
        assert!(taps.reach() <= x.len() && weights.len() >= taps.offsets.len() * c, "a slice is too short");
        assert!(out.len() >= height * width * c && (bias.is_empty() || bias.len() >= c), "a slice is too short");
        for oy in 0..height {
            let mut ox = 0;
            while ox < width {
                let base = oy * taps.steps[0] + ox * taps.steps[1];
                let to = (oy * width + ox) * c;
                // SAFETY: the assertions above hold for every output and tap.
                ox += unsafe {
                    match width - ox {
                        6 => pixels::<6>(x, taps, weights, bias, add, out, base, to),
                        5 => pixels::<5>(x, taps, weights, bias, add, out, base, to),
                        4.. => pixels::<4>(x, taps, weights, bias, add, out, base, to),
                        3 => pixels::<3>(x, taps, weights, bias, add, out, base, to),
                        2 => pixels::<2>(x, taps, weights, bias, add, out, base, to),
                        _ => pixels::<1>(x, taps, weights, bias, add, out, base, to),
                    }
                };
            }
        }
    }
}

/// Some pixels of a row share each load of the weights.
#[inline(always)]
unsafe fn pixels<const P: usize>(
    x: &[f32],
    taps: &Taps<'_>,
    weights: &[f32],
    bias: &[f32],
    add: bool,
    out: &mut [f32],
    base: usize,
    to: usize,
) -> usize {
    let mut c = 0;
    // SAFETY: the caller's.
    unsafe {
        while c + 8 <= taps.channels {
            chunk::<P, 8>(x, taps, weights, bias, add, out, base + c, to + c, c);
            c += 8;
        }
        while c < taps.channels {
            chunk::<P, 1>(x, taps, weights, bias, add, out, base + c, to + c, c);
            c += 1;
        }
    }
    P
}

#[inline(always)]
unsafe fn chunk<const P: usize, const L: usize>(
    x: &[f32],
    taps: &Taps<'_>,
    weights: &[f32],
    bias: &[f32],
    add: bool,
    out: &mut [f32],
    base: usize,
    to: usize,
    c: usize,
) {
    // SAFETY: `forward` checked every slice.
    unsafe {
        let initial = if bias.is_empty() { [0.0; L] } else { *bias.as_ptr().add(c).cast::<[f32; L]>() };
        let mut sums = [initial; P];
        let out = out.as_mut_ptr().add(to);
        if add {
            for p in 0..P {
                let there = *out.add(p * taps.channels).cast::<[f32; L]>();
                for l in 0..L {
                    sums[p][l] += there[l];
                }
            }
        }
        for (t, offset) in taps.offsets.iter().enumerate() {
            let w = *weights.as_ptr().add(t * taps.channels + c).cast::<[f32; L]>();
            for p in 0..P {
                let v = *x.as_ptr().add(base + offset + p * taps.steps[1]).cast::<[f32; L]>();
                for l in 0..L {
                    sums[p][l] += v[l] * w[l];
                }
            }
        }
        for p in 0..P {
            *out.add(p * taps.channels).cast::<[f32; L]>() = sums[p];
        }
    }
}

for_each_processor! {
    /// `dw[tap] += sum over outputs of x * dy`, in the order of the outputs.
    pub(crate) fn gradient(x: &[f32], taps: &Taps<'_>, dy: &[f32], dw: &mut [f32]) {
        let c = taps.channels;
        assert!(taps.reach() <= x.len() && dw.len() >= taps.offsets.len() * c, "a slice is too short");
        assert!(dy.len() >= taps.outputs[0] * taps.outputs[1] * c, "a slice is too short");
        let mut at = 0;
        while at < c {
            let mut t = 0;
            while t < taps.offsets.len() {
                let three = taps.offsets.len() - t >= 3;
                // SAFETY: the assertions above hold for every output and tap.
                unsafe {
                    match (three, c - at) {
                        (true, 16..) => gather::<3, 16>(x, taps, dy, dw, t, at),
                        (true, 8..) => gather::<3, 8>(x, taps, dy, dw, t, at),
                        (true, _) => gather::<3, 1>(x, taps, dy, dw, t, at),
                        (false, 16..) => gather::<1, 16>(x, taps, dy, dw, t, at),
                        (false, 8..) => gather::<1, 8>(x, taps, dy, dw, t, at),
                        (false, _) => gather::<1, 1>(x, taps, dy, dw, t, at),
                    }
                }
                t += if three { 3 } else { 1 };
            }
            at += match c - at {
                16.. => 16,
                8.. => 8,
                _ => 1,
            };
        }
    }
}

#[inline(always)]
unsafe fn gather<const T: usize, const L: usize>(
    x: &[f32],
    taps: &Taps<'_>,
    dy: &[f32],
    dw: &mut [f32],
    t: usize,
    c: usize,
) {
    let n = taps.channels;
    // SAFETY: `gradient` checked every slice.
    unsafe {
        let mut sums = [[0.0f32; L]; T];
        for i in 0..T {
            sums[i] = *dw.as_ptr().add((t + i) * n + c).cast::<[f32; L]>();
        }
        let mut dy = dy.as_ptr().add(c);
        for oy in 0..taps.outputs[0] {
            let mut from = x.as_ptr().add(oy * taps.steps[0] + c);
            for _ in 0..taps.outputs[1] {
                let d = *dy.cast::<[f32; L]>();
                for i in 0..T {
                    let v = *from.add(*taps.offsets.get_unchecked(t + i)).cast::<[f32; L]>();
                    for l in 0..L {
                        sums[i][l] += v[l] * d[l];
                    }
                }
                dy = dy.wrapping_add(n);
                from = from.wrapping_add(taps.steps[1]);
            }
        }
        for i in 0..T {
            *dw.as_mut_ptr().add((t + i) * n + c).cast::<[f32; L]>() = sums[i];
        }
    }
}

for_each_processor! {
    /// `dx[tap] += weights * dy`, output by output: the backward pass when outputs do not lie one beside the other.
    pub(crate) fn scatter(dx: &mut [f32], taps: &Taps<'_>, weights: &[f32], dy: &[f32]) {
        let c = taps.channels;
        assert!(taps.reach() <= dx.len() && weights.len() >= taps.offsets.len() * c, "a slice is too short");
        for oy in 0..taps.outputs[0] {
            for ox in 0..taps.outputs[1] {
                let dy = &dy[(oy * taps.outputs[1] + ox) * c..][..c];
                let base = oy * taps.steps[0] + ox * taps.steps[1];
                for (t, offset) in taps.offsets.iter().enumerate() {
                    let (to, w) = (&mut dx[base + offset..][..c], &weights[t * c..][..c]);
                    for ((to, w), d) in to.iter_mut().zip(w).zip(dy) {
                        *to += w * d;
                    }
                }
            }
        }
    }
}
