//! Requantisation: from a 32-bit accumulator to an 8-bit value by integer arithmetic.
//!
//! Source: the gemmlowp fixed-point rules as used by TensorFlow Lite's reference kernels.

/// A positive real factor as `multiplier * 2^(shift - 31)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantize {
    /// In 2^30..2^31, or 0.
    pub multiplier: i32,
    /// Left shift when positive, right shift when negative; -31..=30.
    pub shift: i32,
}

/// High 32 bits of `2 * a * b`, rounded to nearest with ties upwards, saturated.
#[inline]
pub fn doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    // Division truncates towards zero; with these nudges a tie goes up, as in the reference kernels.
    ((product + nudge) / (1i64 << 31)) as i32
}

/// `x / 2^exponent` rounded to nearest, ties away from zero; exponent 0..=31.
#[inline]
pub fn rounding_shift_right(x: i32, exponent: i32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = x & mask;
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from(remainder > threshold)
}

/// `x * factor`, rounded twice as the reference kernels do.
#[inline]
pub fn requantize(x: i32, factor: Requantize) -> i32 {
    let left = factor.shift.max(0);
    let right = (-factor.shift).max(0);
    rounding_shift_right(doubling_high_mul(x.wrapping_shl(left as u32), factor.multiplier), right)
}

/// `x + zero` between two limits. Limits come before the sum: with extreme scales it would leave 32 bits.
#[inline]
pub fn output(x: i32, zero: i32, min: i32, max: i32) -> i8 {
    (x.max(min - zero).min(max - zero) + zero) as i8
}

/// `x * factor`, rounded once to nearest, ties upwards.
#[inline]
pub fn requantize_once(x: i32, factor: Requantize) -> i32 {
    let right = 31 - factor.shift;
    ((i64::from(x) * i64::from(factor.multiplier) + (1i64 << (right - 1))) >> right) as i32
}

/// To the range of a signed byte between two limits.
#[inline]
pub fn clamp(x: i32, min: i32, max: i32) -> i8 {
    x.max(min).min(max) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_multiply_rounds_ties_upwards() {
        assert_eq!(doubling_high_mul(1 << 30, 1 << 30), 1 << 29);
        assert_eq!(doubling_high_mul(1, 1 << 30), 1);
        assert_eq!(doubling_high_mul(-1, 1 << 30), 0);
        assert_eq!(doubling_high_mul(i32::MIN, i32::MIN), i32::MAX);
    }

    #[test]
    fn shift_rounds_to_nearest() {
        for (x, e, expected) in
            [(5, 1, 3), (-5, 1, -3), (4, 2, 1), (6, 2, 2), (-6, 2, -2), (7, 0, 7), (-1, 31, 0)]
        {
            assert_eq!(rounding_shift_right(x, e), expected, "{x} / 2^{e}");
        }
    }

    #[test]
    fn requantize_is_the_product_to_half_a_step() {
        // 0.75 * 2^-3
        let factor = Requantize { multiplier: (0.75 * f64::from(1u32 << 31)) as i32, shift: -3 };
        for x in [-1000, -17, 0, 3, 12345] {
            let exact = f64::from(x) * 0.75 / 8.0;
            assert!((f64::from(requantize(x, factor)) - exact).abs() <= 0.6, "{x}");
        }
    }
}
