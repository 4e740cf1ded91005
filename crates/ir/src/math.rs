//! Exponential and logarithm in double precision, the same on every host: the system's differ between libraries.

use std::f64::consts::LN_2;

/// 1 / n!.
const INVERSE_FACTORIALS: [f64; 14] = {
    let (mut out, mut factorial, mut n) = ([1.0; 14], 1.0, 1);
    while n < 14 {
        factorial *= n as f64;
        out[n] = 1.0 / factorial;
        n += 1;
    }
    out
};

/// 1 / (2 n + 1).
const INVERSE_ODD: [f64; 12] = {
    let (mut out, mut n) = ([1.0; 12], 1);
    while n < 12 {
        out[n] = 1.0 / (2 * n + 1) as f64;
        n += 1;
    }
    out
};

/// e to the power `x`. Relative error below 1e-15; 0 below -700, infinite above 709.
pub fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    if x > 709.0 {
        return f64::INFINITY;
    }
    let k = (x / LN_2).round();
    // ln 2 in two parts: the first has zeros where k needs them.
    let r = (x - k * 6.931_471_803_691_238e-1) - k * 1.908_214_929_270_587_7e-10;
    let mut sum = INVERSE_FACTORIALS[13];
    for inverse in INVERSE_FACTORIALS[..13].iter().rev() {
        sum = sum * r + inverse;
    }
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

/// Natural logarithm of a positive normal number. Relative error below 1e-15.
pub fn ln(x: f64) -> f64 {
    let mut exponent = (x.to_bits() >> 52) as i64 - 1023;
    let mut fraction = f64::from_bits(x.to_bits() & ((1 << 52) - 1) | 1023 << 52);
    if fraction > std::f64::consts::SQRT_2 {
        fraction /= 2.0;
        exponent += 1;
    }
    // ln(f) = 2 atanh((f - 1) / (f + 1)); the ratio is at most 0.18.
    let t = (fraction - 1.0) / (fraction + 1.0);
    let square = t * t;
    let mut sum = 0.0;
    for inverse in INVERSE_ODD.iter().rev() {
        sum = sum * square + inverse;
    }
    2.0 * t * sum + exponent as f64 * LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_near_the_exact_values() {
        for i in -6900..7000 {
            let x = f64::from(i) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "exp({x})");
        }
        for x in [1e-300, 1e-7, 0.3, 0.999_999, 1.0, 1.5, 2.0, 1e5, 1e300] {
            assert!((ln(x) - x.ln()).abs() <= 1e-15 * (1.0 + x.ln().abs()), "ln({x})");
        }
    }
}
