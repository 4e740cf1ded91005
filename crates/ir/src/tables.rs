//! Tables of one-byte functions: what the integer kernels of activations compute for each of 256 inputs.
//!
//! # Source
//! The reference kernels of TensorFlow Lite (named at each function); LiteRT's tables of real functions.

use crate::{
    extra::{Function, Reference},
    lower::{exp_f64, requantize_factor},
};
use edgewright_kernels::{
    Requantize,
    fixed::{doubling_high_mul, requantize, rounding_shift_right},
    gemmlowp,
    unary::{self, GELU, GELU_CUBE},
};

/// Scale and zero point.
pub type Affine = (f32, i32);

/// Value behind each byte: `-128..=127`, or `0..=255` for an unsigned tensor.
fn value(byte: usize, unsigned: bool) -> i32 {
    if unsigned { byte as i32 } else { i32::from(byte as u8 as i8) }
}

/// Table from a function of the integer, clamped to the output's range.
fn table(unsigned: [bool; 2], f: impl Fn(i32) -> i32) -> Vec<i8> {
    let (low, high) = if unsigned[1] { (0, 255) } else { (-128, 127) };
    (0..256).map(|byte| f(value(byte, unsigned[0])).clamp(low, high) as u8 as i8).collect()
}

/// From one scale to another (the kernel `Requantize`).
pub fn rescale(from: Affine, to: Affine, unsigned: [bool; 2]) -> Vec<i8> {
    let factor = requantize_factor(f64::from(from.0) / f64::from(to.0));
    table(unsigned, |q| requantize(q - from.1, factor).saturating_add(to.1))
}

/// Clamp with rescaling (the kernel `ReluX`).
pub fn rescaled_clamp(from: Affine, to: Affine, limits: [i32; 2]) -> Vec<i8> {
    let factor = requantize_factor(f64::from(from.0 / to.0));
    table([false; 2], |q| requantize(q - from.1, factor).saturating_add(to.1).clamp(limits[0], limits[1]))
}

/// A function of one value.
pub fn function(function: Function, from: Affine, to: Affine, reference: Reference) -> Vec<i8> {
    match function {
        Function::Logistic if reference == Reference::Tflm => {
            saturating(from, |q4| rounding_shift_right(gemmlowp::logistic(q4), 23) - 128)
        }
        Function::Tanh if reference == Reference::Tflm => {
            saturating(from, |q4| rounding_shift_right(gemmlowp::tanh(q4), 24))
        }
        Function::LeakyRelu(alpha) => {
            let plain = requantize_factor(f64::from(from.0 / to.0));
            let below = requantize_factor(f64::from((from.0 * alpha.abs()) / to.0));
            let sign = if alpha < 0.0 { -1 } else { 1 };
            table([false; 2], |q| {
                let x = q - from.1;
                let y = if x >= 0 { requantize(x, plain) } else { requantize(x, below).saturating_mul(sign) };
                y.saturating_add(to.1)
            })
        }
        Function::HardSwish => hard_swish(from, to),
        _ => {
            let inverse = 1.0 / to.0;
            table([false; 2], |q| {
                let x = from.0 * (q - from.1) as f32;
                let y = real(function, f64::from(x)) as f32;
                let scaled = (y * inverse).clamp(-1e6, 1e6);
                if scaled.is_nan() { to.1 } else { scaled.round() as i32 + to.1 }
            })
        }
    }
}

/// Kernels `Logistic` and `Tanh`: the input as Q4, the ends saturated.
fn saturating(from: Affine, f: impl Fn(i32) -> i32) -> Vec<i8> {
    let factor = requantize_factor(f64::from(from.0) * f64::from(1u32 << 27));
    let radius = (15.0 * f64::from(1u32 << 27) / 2f64.powi(factor.shift)).floor();
    table([false; 2], |q| {
        let x = q - from.1;
        if f64::from(x) <= -radius {
            -128
        } else if f64::from(x) >= radius {
            127
        } else {
            f(requantize(x, factor))
        }
    })
}

/// Kernel `HardSwish` with its 16-bit steps.
fn hard_swish(from: Affine, to: Affine) -> Vec<i8> {
    let hires = from.0 / 128.0;
    let relu_scale = 3.0f32 / 32768.0;
    let output = requantize_factor(f64::from(hires / to.0));
    let relu = requantize_factor(f64::from(hires / relu_scale));
    let high16 = |m: i32| {
        let rounded = (i64::from(m) + (1 << 15)) >> 16;
        rounded.min(32767) as i32
    };
    // 16-bit rounding doubling high multiply.
    let mul16 = |a: i32, b: i32| {
        let product = a * b;
        let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
        ((product + nudge) / (1 << 15)).clamp(-32768, 32767)
    };
    let left = |x: i32, by: i32| (i64::from(x) << by.min(31)).clamp(-32768, 32767) as i32;
    let (out16, relu16) = (high16(output.multiplier), high16(relu.multiplier));
    table([false; 2], |q| {
        let x = (q - from.1) * 128;
        let scaled = mul16(x, out16);
        let mut r = x;
        if relu.shift > 0 {
            r = left(r, relu.shift - 1);
        }
        r = mul16(r, relu16);
        if relu.shift > 0 {
            r = left(r, 1);
        }
        if relu.shift < 0 {
            r = rounding_shift_right(r, (-relu.shift).min(31));
        }
        let share = (r + (1 << 15)) >> 1;
        let product = share * scaled / (1 << 15);
        let shifted = if output.shift <= 0 {
            rounding_shift_right(product, (-output.shift).min(31))
        } else {
            left(product, output.shift)
        };
        shifted + to.1
    })
}

/// The real function in double precision.
fn real(function: Function, x: f64) -> f64 {
    let exp = |x: f64| if x > 0.0 { 1.0 / exp_f64(-x) } else { exp_f64(x) };
    match function {
        Function::Logistic => 1.0 / (1.0 + exp(-x)),
        Function::Tanh => 1.0 - 2.0 / (exp(2.0 * x) + 1.0),
        Function::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::Gelu => {
            let inner = f64::from(GELU) * (x + f64::from(GELU_CUBE) * x * x * x);
            x / (1.0 + exp(-inner))
        }
        Function::HardSigmoid(a, b) => (f64::from(a) * x + f64::from(b)).clamp(0.0, 1.0),
        Function::LeakyRelu(a) => x * if x < 0.0 { f64::from(a) } else { 1.0 },
        Function::Elu(a) => {
            if x < 0.0 {
                f64::from(a) * (exp(x) - 1.0)
            } else {
                x
            }
        }
        Function::Exp => exp(x),
        Function::Abs => x.abs(),
        Function::Neg => -x,
        Function::Sqrt => x.max(0.0).sqrt(),
        Function::Rsqrt => 1.0 / x.max(0.0).sqrt(),
        Function::Square => x * x,
        // The kernels' own values: what a byte can show they are far nearer than.
        Function::Log | Function::Erf | Function::GeluErf | Function::Softplus => {
            unary::apply(function, x as f32).into()
        }
    }
}

/// Exponentials for the integer softmax: `e^(-d * scale)` in Q0 for the difference d to the largest input, 0 where the
/// kernel skips it.
pub fn softmax(scale: f32) -> Vec<u32> {
    let widest = f64::from(u32::MAX >> 1);
    let factor = requantize_factor((f64::from(scale) * f64::from(1u32 << 26)).min(widest));
    let radius = (31.0 * f64::from(1u32 << 26) / 2f64.powi(factor.shift)).floor();
    (0..256i32)
        .map(|d| {
            if f64::from(d) > radius {
                return 0;
            }
            let rescaled = if factor.shift >= 0 {
                let shifted = (i64::from(-d) << factor.shift).max(i64::from(i32::MIN)) as i32;
                doubling_high_mul(shifted, factor.multiplier)
            } else {
                requantize(-d, factor)
            };
            gemmlowp::exp_on_negative(rescaled, 5) as u32
        })
        .collect()
}

/// Tables of the 16-bit softmax: e^x for x from -10 to 0, 1 / (1 + x) for x from 0 to 1, each at 512 places and at the end.
pub fn softmax_16() -> [Vec<i16>; 2] {
    let range = 65535.0f32;
    [
        interpolated(10.0 / range, 32767, |x| exp_f64(f64::from(x).min(0.0)) as f32),
        interpolated(1.0 / range, -32768, |x| 1.0 / (1.0 + x)),
    ]
}

/// A function of 16-bit numbers as 513 values that are interpolated, each moved by half the error of the middle.
///
/// # Source
/// TensorFlow Lite, `LUTPopulate` for 16 bits, in single precision as there; the output's scale is 2/65535.
fn interpolated(scale: f32, zero: i32, f: impl Fn(f32) -> f32) -> Vec<i16> {
    let (low, high) = (scale * (-32768 - zero) as f32, scale * (32767 - zero) as f32);
    let step = (high - low) / 512.0;
    let half = step / 2.0;
    let out_scale = 2.0f32 / 65535.0;
    let inverse = 65536.0f32 / (out_scale * 32767.0 - out_scale * -32768.0);
    let limit = |v: f32| v.clamp(-32768.0, 32767.0) as i16;
    let mut table: Vec<i16> = (0..512)
        .map(|i| {
            let at = low + i as f32 * step;
            let (value, middle, next) = (f(at), f(at + half), f(low + (i + 1) as f32 * step));
            let sample = (value * inverse).round();
            let between = ((next * inverse + sample) / 2.0).round();
            let bias = ((between - (middle * inverse).round()) / 2.0).round();
            limit(sample - bias)
        })
        .collect();
    table.push(limit((f(high) * inverse).round()));
    table
}

/// Factor of a mean (the sum's factor with 1 / count in it).
pub fn mean_factor(real: f64, count: usize) -> Requantize {
    let factor = requantize_factor(real);
    let shift = (63 - (count as u64).leading_zeros() as i32).min(32).min(31 + factor.shift).max(0);
    let multiplier = ((i64::from(factor.multiplier) << shift) / count as i64) as i32;
    Requantize { multiplier, shift: factor.shift - shift }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_softmax_table_is_the_exponential() {
        for scale in [0.01f32, 0.1, 1.0] {
            for (d, entry) in softmax(scale).iter().enumerate() {
                let exact = (-(d as f64) * f64::from(scale)).exp();
                assert!((f64::from(*entry) / 2f64.powi(31) - exact).abs() < 1e-6, "{scale} {d}");
            }
        }
    }

    #[test]
    fn tables_are_within_a_step_of_the_real_function() {
        let from = (0.08f32, 3);
        for (function_, to) in [
            (Function::Logistic, (1.0 / 256.0, -128)),
            (Function::Tanh, (1.0 / 128.0, 0)),
            (Function::HardSwish, (0.04, -110)),
            (Function::Gelu, (0.04, -110)),
            (Function::LeakyRelu(0.2), (0.06, -20)),
            (Function::Elu(1.0), (0.05, -100)),
            (Function::GeluErf, (0.04, -110)),
            (Function::Softplus, (0.05, -128)),
            (Function::Erf, (1.0 / 128.0, 0)),
        ] {
            for reference in [Reference::Tflm, Reference::Litert] {
                for (byte, got) in function(function_, from, to, reference).iter().enumerate() {
                    let x = f64::from(from.0) * f64::from(value(byte, false) - from.1);
                    let exact = real(function_, x) / f64::from(to.0) + f64::from(to.1);
                    let exact = exact.clamp(-128.0, 127.0);
                    assert!((f64::from(*got) - exact).abs() <= 1.01, "{function_:?} {x}: {got}, {exact}");
                }
            }
        }
    }

    #[test]
    fn rescaling_between_signed_and_unsigned_flips_a_bit() {
        let table = rescale((0.5, 10), (0.5, 138), [false, true]);
        assert!(table.iter().enumerate().all(|(byte, out)| *out as u8 == byte as u8 ^ 0x80));
    }
}
