//! Functions of one float, made of + - * / and bit patterns alone, so that C computes the same bits.

/// e to the power `x`. Relative error below 2e-7 in -87..=88; 0 below, infinity above; NaN stays NaN.
///
/// # Source
/// Cody-Waite reduction by ln 2 in two parts and the Taylor polynomial of degree 7.
pub fn exp(x: f32) -> f32 {
    if x < -87.0 {
        return 0.0;
    }
    if x > 88.0 {
        return f32::INFINITY;
    }
    // C has no integer for what is no number.
    if x.is_nan() {
        return x;
    }
    let scaled = x * core::f32::consts::LOG2_E;
    let n = if scaled >= 0.0 { (scaled + 0.5) as i32 } else { (scaled - 0.5) as i32 };
    let k = n as f32;
    let high = x - k * 0.693_359_4_f32;
    let r = high - k * -2.121_944_4e-4_f32;
    let mut p = 1.984_127e-4_f32;
    p = p * r + 1.388_889e-3_f32;
    p = p * r + 8.333_334e-3_f32;
    p = p * r + 4.166_666_8e-2_f32;
    p = p * r + 1.666_666_7e-1_f32;
    p = p * r + 0.5_f32;
    p = p * r + 1.0_f32;
    p = p * r + 1.0_f32;
    p * f32::from_bits(((n + 127) as u32) << 23)
}

/// Natural logarithm of a positive normal number. Error below 2e-7 of the result or of 1.
pub fn ln(x: f32) -> f32 {
    let mut exponent = (x.to_bits() >> 23) as i32 - 127;
    let mut fraction = f32::from_bits((x.to_bits() & 0x7f_ffff) | 0x3f80_0000);
    if fraction > core::f32::consts::SQRT_2 {
        fraction *= 0.5;
        exponent += 1;
    }
    // 2 atanh((f - 1) / (f + 1)); the ratio is at most 0.18.
    let t = (fraction - 1.0) / (fraction + 1.0);
    let square = t * t;
    let mut p = 0.222_222_22_f32;
    p = p * square + 0.285_714_3_f32;
    p = p * square + 0.4_f32;
    p = p * square + 0.666_666_7_f32;
    p = p * square + 2.0_f32;
    let whole = exponent as f32 * core::f32::consts::LN_2;
    p * t + whole
}

/// Square root, correctly rounded, of `x >= 0`; 0 for anything that is not above 0.
///
/// C calls `sqrtf`, which IEEE 754 rounds the same way.
pub fn sqrt(x: f32) -> f32 {
    if x.is_nan() || x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return x;
    }
    let bits = x.to_bits();
    let (mut mantissa, mut exponent) = (u64::from(bits & 0x7f_ffff), (bits >> 23) as i32);
    if exponent == 0 {
        let up = mantissa.leading_zeros() as i32 - 40;
        mantissa <<= up;
        exponent = 1 - up;
    } else {
        mantissa |= 0x80_0000;
    }
    // x = mantissa * 2^e with an even e, so that its root is root(mantissa) * 2^(e / 2).
    let mut e = exponent - 150;
    if e & 1 != 0 {
        mantissa <<= 1;
        e -= 1;
    }
    // 26 more bits of root: enough to round, and the remainder tells whether it is exact.
    let wide = mantissa << 26;
    let mut root = 0u64;
    let mut bit = 1u64 << 25;
    while bit != 0 {
        let trial = root | bit;
        if trial * trial <= wide {
            root = trial;
        }
        bit >>= 1;
    }
    let inexact = u64::from(root * root != wide);
    e = e / 2 - 13;
    // root has 25 or 26 bits; a float keeps 24.
    let drop = 64 - root.leading_zeros() as i32 - 24;
    let kept = root >> drop;
    let rest = ((root << 1) | inexact) & ((1 << (drop + 1)) - 1);
    let half = 1u64 << drop;
    let rounded = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
    let field = (e + drop + 150) as u32;
    f32::from_bits(((field - 1) << 23) + rounded as u32)
}

/// `x` to the nearest integer, ties away from zero; the caller keeps `|x| < 2^31`.
#[inline]
pub fn round(x: f32) -> i32 {
    let whole = x as i32;
    let part = x - whole as f32;
    if part >= 0.5 {
        whole + 1
    } else if part <= -0.5 {
        whole - 1
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn exp_is_near_the_exact_value() {
        for i in -870..880 {
            let x = i as f32 / 10.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) / exact - 1.0).abs();
            assert!(error < 3e-7, "exp({x}): relative error {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-200.0), 0.0);
        for bits in [0x7fc0_0000u32, 0xffc0_0001] {
            assert_eq!(exp(f32::from_bits(bits)).to_bits(), bits);
        }
    }

    #[test]
    fn ln_is_near_the_exact_value() {
        for i in 1..20_000 {
            for x in [i as f32 / 100.0, 1e-30 * i as f32, 1e30 * i as f32] {
                let exact = f64::from(x).ln();
                let error = (f64::from(ln(x)) - exact).abs() / exact.abs().max(1.0);
                assert!(error < 2e-7, "ln({x}): {error}");
            }
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn sqrt_is_that_of_the_machine() {
        let mut bits = 1u32;
        for _ in 0..200_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = f32::from_bits(bits & 0x7fff_ffff);
            if x.is_nan() {
                continue;
            }
            assert_eq!(sqrt(x).to_bits(), x.sqrt().to_bits(), "sqrt({x:e})");
        }
        for x in [f32::MIN_POSITIVE, 1e-45, 4.0, 2.0, f32::MAX, 0.0] {
            assert_eq!(sqrt(x).to_bits(), x.sqrt().to_bits(), "sqrt({x:e})");
        }
    }

    #[test]
    fn rounding_is_away_from_zero_at_ties() {
        for (x, n) in
            [(0.5, 1), (-0.5, -1), (1.49, 1), (-2.5, -3), (0.499_999_97, 0), (8_388_609.0, 8_388_609)]
        {
            assert_eq!(round(x), n, "{x}");
        }
    }
}
