//! Shared float functions. `runtime/c/dsp/ew_math.h` mirrors them operation for operation.

/// Square root, correctly rounded.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    // The same instruction as libm takes, but one that compilers make vectors of.
    #[cfg(all(target_arch = "x86_64", not(target_os = "none")))]
    return x.sqrt();
    #[cfg(not(all(target_arch = "x86_64", not(target_os = "none"))))]
    return libm::sqrtf(x);
}

/// Natural logarithm of a positive finite `x`; relative error below 3e-7, absolute error near 1 below 1e-7.
///
/// # Source
/// `ln m = 2 atanh((m - 1) / (m + 1))` as a series to the ninth power, for `m` in sqrt(1/2)..sqrt(2).
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let mut x = x;
    let mut e = 0i32;
    if x < f32::MIN_POSITIVE {
        x *= 33_554_432.0;
        e = -25;
    }
    let bits = x.to_bits();
    e += (bits >> 23) as i32 - 127;
    let mut m = f32::from_bits((bits & 0x7f_ffff) | 0x3f80_0000);
    if m > core::f32::consts::SQRT_2 {
        m *= 0.5;
        e += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut p = 0.222_222_22_f32;
    p = p * z + 0.285_714_3_f32;
    p = p * z + 0.4_f32;
    p = p * z + 0.666_666_7_f32;
    p = p * z + 2.0_f32;
    let k = e as f32;
    // ln 2 in two parts, so that k times the first is exact.
    (k * -2.121_944_4e-4_f32 + s * p) + k * 0.693_359_4_f32
}

/// Decimal logarithm of a positive finite `x`.
#[inline(always)]
pub fn log10(x: f32) -> f32 {
    ln(x) * core::f32::consts::LOG10_E
}

/// `x`, or 1e-10 where it is 0.
#[inline(always)]
pub fn zero_guard(x: f32) -> f32 {
    if x == 0.0 { 1e-10 } else { x }
}

/// To the nearest whole number, ties to even, for `0 <= x < 2^22`.
#[inline(always)]
pub fn round_half_even(x: f32) -> f32 {
    // Adding 2^23 leaves no bits below the point; the addition rounds ties to even.
    (x + 8_388_608.0) - 8_388_608.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_is_near_the_exact_value() {
        let mut bits = 1u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = f32::from_bits(bits & 0x7fff_ffff);
            if !x.is_finite() || x == 0.0 {
                continue;
            }
            let exact = f64::from(x).ln();
            let error = (f64::from(ln(x)) - exact).abs();
            assert!(error < 2e-7 + 2e-7 * exact.abs(), "ln({x:e}) is off by {error:e}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn ties_go_to_even() {
        for (x, n) in [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (255.49, 255.0), (0.0, 0.0)] {
            assert_eq!(round_half_even(x), n);
        }
    }
}
