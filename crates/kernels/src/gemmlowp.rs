//! Fixed-point exponential, logistic and tangent of TensorFlow Lite's reference kernels.
//!
//! # Source
//! Google's gemmlowp, fixed-point library: the constants and the order of roundings. Values are raw 32-bit integers;
//! `Qn` has n integer bits, so that raw 2^(31-n) is 1.

use crate::fixed::{doubling_high_mul as mul, rounding_shift_right};

/// `x << bits`, saturated.
fn shift_left(x: i32, bits: u32) -> i32 {
    (i64::from(x) << bits).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// e to the power a for `-1/4 <= a < 0` in Q0, result Q0.
fn exp_small(a: i32) -> i32 {
    let x = a + (1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4 = rounding_shift_right(mul(x2, x2), 2);
    let sum = rounding_shift_right(mul(x4 + x3, 715_827_883) + x2, 1);
    1_895_147_668 + mul(1_895_147_668, x + sum)
}

/// e to the power a for `a <= 0` with `integer_bits` (at most 5) integer bits; result Q0.
pub fn exp_on_negative(a: i32, integer_bits: u32) -> i32 {
    if a == 0 {
        return i32::MAX;
    }
    let fraction_bits = 31 - integer_bits;
    let quarter = 1i32 << (fraction_bits - 2);
    let small = (a & (quarter - 1)) - quarter;
    let mut result = exp_small(shift_left(small, integer_bits));
    let remainder = small.wrapping_sub(a);
    let factors = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    for (i, factor) in factors.into_iter().enumerate() {
        // Steps of 2^(i - 2): those that the integer bits can hold.
        if i as u32 >= integer_bits + 2 {
            break;
        }
        if remainder & (1 << (fraction_bits + i as u32 - 2)) != 0 {
            result = mul(result, factor);
        }
    }
    result
}

/// Newton's 1 / ((1 + a) / 2) for a in 0..1 (Q0); result Q2.
fn reciprocal_of_half(a: i32) -> i32 {
    let sum = i64::from(a) + i64::from(i32::MAX);
    let half = ((sum + if sum >= 0 { 1 } else { -1 }) / 2) as i32;
    let mut x = 1_515_870_810 + mul(half, -1_010_580_540);
    for _ in 0..3 {
        let rest = (1 << 29) - mul(half, x);
        x = x.wrapping_add(shift_left(mul(x, rest), 2));
    }
    x
}

/// `1 / (1 + a)` for a in 0..1, both Q0.
pub fn one_over_one_plus(a: i32) -> i32 {
    shift_left(reciprocal_of_half(a), 1)
}

/// Logistic function of a Q4 value, Q0.
pub fn logistic(a: i32) -> i32 {
    if a == 0 {
        return 1 << 30;
    }
    let positive = one_over_one_plus(exp_on_negative(-a.abs(), 4));
    if a > 0 { positive } else { i32::MAX - positive }
}

/// Hyperbolic tangent of a Q4 value, Q0.
pub fn tanh(a: i32) -> i32 {
    if a == 0 {
        return 0;
    }
    // Twice a Q4 value is the same number read as Q5.
    let e = exp_on_negative(-a.abs(), 5);
    let t = shift_left(reciprocal_of_half(e).wrapping_sub(1 << 29), 2);
    if a > 0 { t } else { -t }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn they_are_near_the_real_functions() {
        // The series of the exponential ends before x^5 / 120, which is 2.5e-7 at the edge of its range of 1/8; the other two
        // are made of it.
        for i in -150..150 {
            let x = f64::from(i) / 10.0;
            let q4 = (x * f64::from(1 << 27)) as i32;
            let real = |raw: i32| f64::from(raw) / 2f64.powi(31);
            assert!((real(logistic(q4)) - 1.0 / (1.0 + (-x).exp())).abs() < 2.5e-7, "logistic {x}");
            assert!((real(tanh(q4)) - x.tanh()).abs() < 2.5e-7, "tanh {x}");
            if x <= 0.0 {
                let q5 = (x * f64::from(1 << 26)) as i32;
                assert!((real(exp_on_negative(q5, 5)) - x.exp()).abs() < 2.5e-7, "exp {x}");
            }
        }
    }
}
