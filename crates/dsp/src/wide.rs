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

/// Columns become rows. Eight lanes are only used where the processor has AVX2.
#[inline(always)]
pub(crate) fn transpose<const L: usize>(from: &[[f32; L]; L], to: &mut [[f32; L]; L]) {
    #[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
    if let (Ok(from), Ok(to)) =
        (from.as_flattened().try_into(), <&mut [f32; 64]>::try_from(to.as_flattened_mut()))
    {
        // SAFETY: eight lanes are chosen by `processors` alone, where the processor has AVX2.
        return unsafe { transpose_eight(from, to) };
    }
    for (i, to) in to.iter_mut().enumerate() {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from[i];
        }
    }
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

    #[test]
    fn columns_become_rows() {
        let four: [[f32; 4]; 4] = core::array::from_fn(|i| core::array::from_fn(|j| (10 * i + j) as f32));
        let mut out = [[0.0; 4]; 4];
        transpose(&four, &mut out);
        assert!((0..16).all(|k| out[k % 4][k / 4] == four[k / 4][k % 4]));
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            let eight: [[f32; 8]; 8] =
                core::array::from_fn(|i| core::array::from_fn(|j| (10 * i + j) as f32));
            let mut out = [[0.0; 8]; 8];
            transpose(&eight, &mut out);
            assert!((0..64).all(|k| out[k % 8][k / 8] == eight[k / 8][k % 8]));
        }
    }
}
