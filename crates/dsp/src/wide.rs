//! Frames and columns side by side, in vectors as wide as the processor has them.
//!
//! Each loop is one text, compiled once for any processor and once for AVX2, and chosen when it runs. Vectors run over values that
//! do not depend on each other and products are never fused with sums, so every processor computes the same bits.

/// Most values side by side; scratch for several frames is made for so many.
pub(crate) const WIDE: usize = 8;

/// A function that calls a method of its first argument with eight lanes where the processor has AVX2, with four elsewhere.
macro_rules! processors {
    ($(#[$doc:meta])* fn $name:ident($plan:ident: $kind:ty, $($arg:ident: $type:ty),*);) => {
        $(#[$doc])*
        fn $name($plan: $kind, $($arg: $type),*) {
            #[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($plan: $kind, $($arg: $type),*) {
                    $plan.extract_wide::<8>($($arg),*);
                }
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor was asked and has it.
                    return unsafe { avx2($plan, $($arg),*) };
                }
            }
            $plan.extract_wide::<4>($($arg),*);
        }
    };
}
pub(crate) use processors;

/// Whether one of the values is no number.
pub(crate) fn any_not_finite(values: &[f32]) -> bool {
    #[inline(always)]
    fn any(values: &[f32]) -> bool {
        values.iter().fold(false, |bad, v| bad | !v.is_finite())
    }
    #[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
    {
        #[target_feature(enable = "avx2")]
        fn avx2(values: &[f32]) -> bool {
            any(values)
        }
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor was asked and has it.
            return unsafe { avx2(values) };
        }
    }
    any(values)
}

/// Values of several slices, side by side. Eight lanes are only used where the processor has AVX2.
#[inline(always)]
pub(crate) fn gather<const L: usize>(from: [&[f32]; L], to: &mut [[f32; L]]) {
    let (tiles, odd) = to.as_chunks_mut::<L>();
    let done = L * tiles.len();
    for (n, tile) in tiles.iter_mut().enumerate() {
        let mut rows = [[0.0; L]; L];
        for (row, from) in rows.iter_mut().zip(from) {
            row.copy_from_slice(&from[n * L..][..L]);
        }
        *tile = transposed(rows);
    }
    for (i, to) in odd.iter_mut().enumerate() {
        *to = core::array::from_fn(|lane| from[lane][done + i]);
    }
}

/// Values side by side to slices of `columns` values that follow each other: the way back.
#[inline(always)]
pub(crate) fn scatter<const L: usize>(from: &[[f32; L]], to: &mut [f32], columns: usize) {
    let (tiles, odd) = from[..columns].as_chunks::<L>();
    let done = L * tiles.len();
    for (n, tile) in tiles.iter().enumerate() {
        for (lane, row) in transposed(*tile).iter().enumerate() {
            to[lane * columns + n * L..][..L].copy_from_slice(row);
        }
    }
    for (i, from) in odd.iter().enumerate() {
        for (lane, from) in from.iter().enumerate() {
            to[lane * columns + done + i] = *from;
        }
    }
}

/// Columns become rows.
#[inline(always)]
fn transposed<const L: usize>(from: [[f32; L]; L]) -> [[f32; L]; L] {
    let mut to = [[0.0; L]; L];
    #[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
    if let (Ok(from), Ok(out)) = (from.as_flattened().try_into(), to.as_flattened_mut().try_into()) {
        // SAFETY: eight lanes are chosen by `processors` alone, where the processor has AVX2.
        unsafe { transpose_eight(from, out) };
        return to;
    }
    for (i, to) in to.iter_mut().enumerate() {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from[i];
        }
    }
    to
}

/// Eight by eight: pairs, then pairs of pairs change places, then halves.
#[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
#[target_feature(enable = "avx2")]
#[inline]
fn transpose_eight(from: &[f32; 64], to: &mut [f32; 64]) {
    use core::arch::x86_64::{
        __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
        _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    };
    let row = |i: usize| -> __m256 {
        let row: &[f32; 8] = from[8 * i..].first_chunk().unwrap_or(&[0.0; 8]);
        // SAFETY: eight values lie there.
        unsafe { _mm256_loadu_ps(row.as_ptr()) }
    };
    let pairs: [__m256; 8] = core::array::from_fn(|i| {
        let (a, b) = (row(i & !1), row(i | 1));
        if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
    });
    let fours: [__m256; 8] = core::array::from_fn(|i| {
        let (a, b) = (pairs[(i & 4) | ((i >> 1) & 1)], pairs[(i & 4) | ((i >> 1) & 1) | 2]);
        if i % 2 == 0 { _mm256_shuffle_ps::<0x44>(a, b) } else { _mm256_shuffle_ps::<0xee>(a, b) }
    });
    for i in 0..8 {
        let (a, b) = (fours[i & 3], fours[(i & 3) | 4]);
        let whole =
            if i < 4 { _mm256_permute2f128_ps::<0x20>(a, b) } else { _mm256_permute2f128_ps::<0x31>(a, b) };
        if let Some(out) = to[8 * i..].first_chunk_mut::<8>() {
            // SAFETY: there is room for eight values.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), whole) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn there_and_back<const L: usize>() {
        for length in [1, L, 3 * L - 1, 5 * L] {
            let x: Vec<f32> = (0..L * length).map(|i| i as f32).collect();
            let mut lanes = std::vec![[0.0; L]; length];
            gather(core::array::from_fn(|lane| &x[lane * length..][..length]), &mut lanes);
            assert!((0..L * length).all(|i| lanes[i % length][i / length] == x[i]), "{L} {length}");
            let mut back = std::vec![0.0; L * length];
            scatter(&lanes, &mut back, length);
            assert_eq!(back, x);
        }
    }

    #[test]
    fn slices_go_side_by_side_and_back() {
        there_and_back::<1>();
        there_and_back::<4>();
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            there_and_back::<8>();
        }
    }
}
