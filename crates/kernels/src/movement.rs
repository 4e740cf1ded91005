//! Elements to other places: strided copies, joining, padding. Any element type.

/// Copies a view of `x`: element `[i, j, ...]` of `shape` comes from `x[offset + i * strides[0] + j * strides[1] ...]`.
///
/// Transposition, slicing, reversal, repetition and broadcasting are all such views.
pub fn strided_copy<T: Copy>(x: &[T], shape: &[usize], strides: &[isize], offset: usize, out: &mut [T]) {
    for (n, out) in out.iter_mut().enumerate() {
        let mut rest = n;
        let mut from = offset as isize;
        for (extent, stride) in shape.iter().zip(strides).rev() {
            from += (rest % extent) as isize * stride;
            rest /= extent;
        }
        *out = x[from as usize];
    }
}

/// Writes the part of one input of a concatenation: of every row of `row` elements in `out`, those from `at` on.
pub fn concat_part<T: Copy>(x: &[T], outer: usize, row: usize, at: usize, out: &mut [T]) {
    let inner = x.len() / outer;
    for (x, out) in x.chunks_exact(inner.max(1)).zip(out.chunks_exact_mut(row)) {
        out[at..at + inner].copy_from_slice(x);
    }
}

/// Places `x` of `shape` into `out`, which is `before[i]` elements longer at the start of axis i, and fills the rest.
/// `out_shape` is the shape of `out`.
pub fn pad<T: Copy>(
    x: &[T],
    shape: &[usize],
    before: &[usize],
    out_shape: &[usize],
    value: T,
    out: &mut [T],
) {
    out.fill(value);
    for (n, x) in x.iter().enumerate() {
        let (mut rest, mut at, mut step) = (n, 0, 1);
        for ((extent, before), out_extent) in shape.iter().zip(before).zip(out_shape).rev() {
            at += (rest % extent + before) * step;
            rest /= extent;
            step *= out_extent;
        }
        out[at] = *x;
    }
}
