//! Integer functions. `runtime/c/dsp/ew_fixed_fft.h` and `ew_fixed_audio.h` mirror them.

use alloc::vec::Vec;

/// Significant bits of a magnitude; 0 for 0.
pub fn bits(x: u32) -> u32 {
    32 - x.leading_zeros()
}

/// `floor(x * w / 2^15)` for `|x| <= 2^30`.
pub fn times(x: i32, w: i32) -> i32 {
    ((i64::from(x) * i64::from(w)) >> 15) as i32
}

/// A complex number times `exp(-i a)` with its cosine and negative sine in `w` as multiples of 2^-15; both parts are
/// rounded down. Parts are at most 2^30 in magnitude.
pub fn turned((re, im): (i32, i32), w: &[i16]) -> (i32, i32) {
    let (re, im) = (i64::from(re), i64::from(im));
    let (wr, wi) = (i64::from(w[0]), i64::from(w[1]));
    (((re * wr - im * wi) >> 15) as i32, ((im * wr + re * wi) >> 15) as i32)
}

/// Fractions of log2(1 + k/128) as multiples of 2^-16.
pub fn log2_table() -> Vec<u16> {
    (0..128).map(|k| libm::round(libm::log2(1.0 + f64::from(k) / 128.0) * 65536.0) as u16).collect()
}

/// log2 of a positive `x` as a multiple of 2^-16, off by at most 4e-5: straight lines between the points of the table.
pub fn log2(table: &[u16], x: u64) -> i32 {
    let top = 63 - x.leading_zeros();
    let mantissa = ((x << x.leading_zeros()) >> 32) as u32;
    let at = (mantissa >> 24) as usize & 127;
    let part = (mantissa >> 8) & 0xffff;
    // The value after the last is 1, which the difference modulo 2^16 yields.
    let step = u32::from(table[(at + 1) & 127].wrapping_sub(table[at]));
    ((top << 16) + u32::from(table[at]) + ((step * part) >> 16)) as i32
}

/// The largest whole number whose square is at most `x`.
pub fn root(x: u32) -> u32 {
    let (mut rest, mut root) = (x, 0);
    for shift in (0..16).rev() {
        let bit = 1u32 << (2 * shift);
        if rest >= root + bit {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    root
}

/// 2^e for a normal result.
pub fn power_of_two(e: i32) -> f32 {
    f32::from_bits(((127 + e) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_near() {
        let table = log2_table();
        let mut x = 1u64;
        for i in 0..200_000u64 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let v = (x >> (i % 60)).max(1);
            let error = f64::from(log2(&table, v)) / 65536.0 - libm::log2(v as f64);
            assert!(error.abs() < 4e-5, "log2({v}) is off by {error}");
        }
        assert_eq!(log2(&table, 1), 0);
        assert_eq!(log2(&table, 1 << 40), 40 << 16);
    }

    #[test]
    fn roots_are_whole() {
        for x in (0..100_000).chain((0..100_000).map(|i| u32::MAX - 41_943 * i)) {
            let r = u64::from(root(x));
            assert!(r * r <= u64::from(x) && u64::from(x) < (r + 1) * (r + 1), "{x}: {r}");
        }
    }

    #[test]
    fn products_are_rounded_down() {
        for (x, w) in [(1 << 30, -32768), (-(1 << 30), 32767), (-1, 1), (12345, -7)] {
            assert_eq!(i64::from(times(x, w)), (i64::from(x) * i64::from(w)).div_euclid(32768));
        }
    }
}
